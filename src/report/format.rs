//! The formats by name.

use std::fmt;
use std::io;

use super::view::View;
use super::{Report, csv, folded, html, json, markdown, text};

/// What a report is written in: `--format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
#[non_exhaustive]
pub enum Format {
    /// For a terminal.
    #[default]
    Text,
    /// Everything, for scripts.
    Json,
    /// The same with a line for each model, for many of them.
    Jsonl,
    /// The breakdown, for a spreadsheet or a data frame.
    Csv,
    /// For a job summary or a comment on a pull request.
    Markdown,
    /// A page to look at, in one file.
    Html,
    /// The breakdown as folded stacks, for a flame graph.
    Folded,
}

impl Format {
    /// All of them, in the order in which they are declared.
    pub const ALL: [Self; 7] =
        [Self::Text, Self::Json, Self::Jsonl, Self::Csv, Self::Markdown, Self::Html, Self::Folded];

    /// The name that `--format` uses.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
            Self::Jsonl => "jsonl",
            Self::Csv => "csv",
            Self::Markdown => "markdown",
            Self::Html => "html",
            Self::Folded => "folded",
        }
    }

    /// What it is for, in a line.
    #[must_use]
    pub fn about(self) -> &'static str {
        match self {
            Self::Text => "for a terminal",
            Self::Json => "everything, as one document",
            Self::Jsonl => "a line for each model, as models are audited",
            Self::Csv => "the breakdown, a row for each name",
            Self::Markdown => "for a pull request or a job summary",
            Self::Html => "a page with a treemap, in one file",
            Self::Folded => "the breakdown as folded stacks, for a flame graph",
        }
    }

    /// Whether people read it. All others are for programs, and complete.
    #[must_use]
    pub fn is_for_people(self) -> bool {
        matches!(self, Self::Text | Self::Markdown | Self::Html)
    }

    /// Writes `report` to `out`.
    ///
    /// # Errors
    /// When `out` cannot be written to.
    pub fn write(self, report: &Report, view: &View, out: &mut dyn io::Write) -> io::Result<()> {
        match self {
            Self::Text => text::write(report, view, out),
            Self::Json => json::write(report, view, out),
            Self::Jsonl => json::write_lines(report, out),
            Self::Csv => csv::write(report, view, out),
            Self::Markdown => markdown::write(report, view, out),
            Self::Html => html::write(report, view, out),
            Self::Folded => folded::write(report, view, out),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
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
}
