//! What a person asks of a report, and how much of it they see.

use crate::findings::Finding;
use crate::ledger::{Rest, Row};

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
    /// What is asked for.
    pub page: Page,
    /// The order of several models: `--sort`.
    pub sort: Sort,
}

/// What a person asks of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Page {
    /// The answer, on one screen.
    #[default]
    Brief,
    /// One table: `--by`.
    Table,
    /// The causes of size: `--findings`.
    Findings,
    /// Everything: `--full`.
    Full,
}

/// The order of several models.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    /// The most avoidable bytes first.
    #[default]
    Avoidable,
    /// The largest first.
    Size,
    /// By path, numbers in it counted.
    Path,
}

impl Default for View {
    fn default() -> Self {
        Self { width: 80, top: None, findings: None, page: Page::Brief, sort: Sort::Avoidable }
    }
}

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

    /// The first rows of one level of a breakdown, which `--top` may have cut to `rest` before.
    pub(super) fn cut_level<'a, 'r>(&self, rows: &'a [&'r Row], rest: Option<Rest>) -> (&'a [&'r Row], Option<Rest>) {
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

    #[test]
    fn a_cut_adds_up_with_what_was_cut_before() {
        let rows: Vec<Row> = (0..22).map(|n| sample::row(&n.to_string(), 10, vec![])).collect();
        let rows: Vec<&Row> = rows.iter().collect();
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
