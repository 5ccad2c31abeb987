//! A diff for a terminal: on one screen, the answer last.

use std::io::{self, Write};

use super::DiffReport;
use super::amounts::Amounts;
use super::page::document;
use crate::report::text;

/// With the prompt below it, it is all on a terminal of 24 lines.
const LINES: usize = 23;

pub(super) fn write(report: &DiffReport, rows: Option<usize>, columns: usize, out: &mut dyn Write) -> io::Result<()> {
    let mut page = Vec::new();
    for amounts in Amounts::from_most_to_least(rows) {
        page.clear();
        text::render(&document(report, &amounts), columns, &mut page)?;
        if rows.is_some() || page.iter().filter(|byte| **byte == b'\n').count() <= LINES {
            break;
        }
    }
    out.write_all(&page)
}
