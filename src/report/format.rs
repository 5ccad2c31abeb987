//! The formats by name, and how much of a report a person sees in one.

use std::fmt;
use std::io;

use super::{Report, csv, folded, json, markdown, text};
use crate::findings::Finding;
use crate::ledger::{Rest, Row};

/// What a report is written in: `--format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Format {
    /// For a terminal.
    #[default]
    Text,
    /// Everything, for scripts.
    Json,
    /// The breakdown, for a spreadsheet or a data frame.
    Csv,
    /// For a job summary or a comment on a pull request.
    Markdown,
    /// The breakdown as folded stacks, for a flame graph.
    Folded,
}

impl Format {
    /// All of them, in the order in which they are declared.
    pub const ALL: [Self; 5] = [Self::Text, Self::Json, Self::Csv, Self::Markdown, Self::Folded];

    /// The name that `--format` uses.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Markdown => "markdown",
            Self::Folded => "folded",
        }
    }

    /// Writes `report` to `out`.
    ///
    /// # Errors
    /// When `out` cannot be written to.
    pub fn write(self, report: &Report, view: &View, out: &mut dyn io::Write) -> io::Result<()> {
        match self {
            Self::Text => text::write(report, view, out),
            Self::Json => json::write(report, view, out),
            Self::Csv => csv::write(report, view, out),
            Self::Markdown => markdown::write(report, view, out),
            Self::Folded => folded::write(report, view, out),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What a person sees of a report. Text looks at both, Markdown at the rows; the formats for programs write all that
/// the report holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View {
    /// The columns of the terminal. Text takes fewer than 60 as 60.
    pub width: usize,
    /// Rows a level, 0 for all: `--top`. Where it was not given, each table has a limit of its own.
    pub top: Option<usize>,
    /// How many findings, the largest ones; `None` for all, each with what it rests on: `--findings`.
    pub findings: Option<usize>,
}

/// The findings that are shown where `--findings` was not given.
pub const FINDINGS: usize = 3;

impl Default for View {
    fn default() -> Self {
        Self { width: 80, top: None, findings: Some(FINDINGS) }
    }
}

/// What tells how to see all rows of a table that was cut.
pub(super) const SHOWS_ALL: &str = "-n 0 shows all";

// Rows where `--top` was not given.

/// A level of the breakdown, and the problems.
pub(super) const BREAKDOWN_ROWS: usize = 20;
/// The largest ops, functions and variables.
pub(super) const LARGEST: usize = 8;
/// Signatures, assets and links.
pub(super) const LISTED: usize = 8;
/// Inputs of a signature, and as many outputs.
pub(super) const TENSORS: usize = 4;

impl View {
    /// How many rows a table has that has `default` of them where `--top` was not given.
    pub(super) fn rows(&self, default: usize) -> usize {
        match self.top {
            Some(0) => usize::MAX,
            Some(top) => top,
            None => default,
        }
    }

    /// The first rows of a list, and what is left out; `size` says the bytes and the count of a row.
    pub(super) fn cut<'a, T>(
        &self,
        rows: &'a [T],
        default: usize,
        size: impl Fn(&T) -> (u64, u64),
    ) -> (&'a [T], Option<Rest>) {
        let mut limit = self.rows(default);
        // One row too many takes no more room than saying so, unless the number was asked for.
        if self.top.is_none() && rows.len().checked_sub(1) == Some(limit) {
            limit = rows.len();
        }
        let (shown, left_out) = rows.split_at(limit.min(rows.len()));
        let none = Rest { rows: 0, bytes: 0, count: 0 };
        // A damaged index may say any size of a tensor.
        let rest = left_out.iter().map(size).fold(none, |rest, (bytes, count)| Rest {
            rows: rest.rows + 1,
            bytes: rest.bytes.saturating_add(bytes),
            count: rest.count.saturating_add(count),
        });
        (shown, (rest.rows > 0).then_some(rest))
    }

    /// The largest findings, and how many are left out with what they free besides.
    pub(super) fn findings<'a>(&self, findings: &'a [Finding]) -> (&'a [Finding], Option<Rest>) {
        let (shown, left_out) = findings.split_at(self.findings.unwrap_or(usize::MAX).min(findings.len()));
        let bytes = left_out.iter().map(|finding| finding.additional_bytes).fold(0, u64::saturating_add);
        (shown, (!left_out.is_empty()).then_some(Rest { rows: left_out.len() as u64, bytes, count: 0 }))
    }

    /// Whether all findings are shown, with what they rest on.
    pub(super) fn has_all_findings(&self) -> bool {
        self.findings.is_none()
    }

    /// The first rows of one level of a breakdown, which `--top` may have cut to `rest` before.
    pub(super) fn cut_level<'a>(&self, rows: &'a [Row], rest: Option<Rest>) -> (&'a [Row], Option<Rest>) {
        let (shown, more) = self.cut(rows, BREAKDOWN_ROWS, |row| (row.bytes, row.count));
        let both = match (more, rest) {
            (Some(a), Some(b)) => {
                Some(Rest { rows: a.rows + b.rows, bytes: a.bytes + b.bytes, count: a.count + b.count })
            }
            (a, b) => a.or(b),
        };
        (shown, both)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn written(format: Format) -> String {
        let mut out = Vec::new();
        format.write(&sample::report(), &View::default(), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_format_has_a_name_and_writes_whole_lines_of_its_own() {
        let reports = Format::ALL.map(written);
        for (format, report) in Format::ALL.iter().zip(&reports) {
            assert!(report.ends_with('\n'), "{format}");
            assert_eq!(reports.iter().filter(|other| *other == report).count(), 1, "{format}");
        }
    }

    /// A pipe whose reader has gone.
    struct Closed;

    impl io::Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_closed_pipe_is_known_as_one_however_long_the_report() {
        let mut long = sample::report();
        let name = "n".repeat(60);
        long.models[0].breakdown.rows = (0..1_000).map(|_| sample::row(&name, 1, vec![])).collect();
        for report in [sample::report(), long] {
            for format in Format::ALL {
                let error = format.write(&report, &View::default(), &mut Closed).unwrap_err();
                assert_eq!(error.kind(), io::ErrorKind::BrokenPipe, "{format}");
            }
        }
    }

    #[test]
    fn a_cut_adds_up_with_what_was_cut_before() {
        let rows: Vec<Row> = (0..22).map(|n| sample::row(&n.to_string(), 10, vec![])).collect();
        let before = Some(Rest { rows: 3, bytes: 7, count: 3 });
        let (shown, rest) = View::default().cut_level(&rows, before);
        assert_eq!((shown.len(), rest), (20, Some(Rest { rows: 5, bytes: 27, count: 5 })));
        let (shown, rest) = View { top: Some(0), ..View::default() }.cut_level(&rows, before);
        assert_eq!((shown.len(), rest), (22, before));
    }

    #[test]
    fn sizes_that_no_disk_has_do_not_overflow() {
        let (_, rest) = View::default().cut(&[u64::MAX, u64::MAX], 0, |n| (*n, *n));
        assert_eq!(rest, Some(Rest { rows: 2, bytes: u64::MAX, count: u64::MAX }));
    }
}
