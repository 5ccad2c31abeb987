//! A diff for a pull request: the answer, and lists folded up.

use std::io::{self, Write};

use super::DiffReport;
use super::amounts::Amounts;
use super::page::document;
use crate::report::markdown;

pub(super) fn write(report: &DiffReport, rows: Option<usize>, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(markdown::render(&document(report, &Amounts::for_a_page(rows))).as_bytes())
}
