//! The report for a terminal.
//!
//! It reads from the whole to the parts: what the model is and weighs, where its bytes are, each metagraph with what it
//! can be called by, the largest ops, functions and variables, and last, where an eye ends up, what went wrong and what
//! rules are broken. Figures stand in one column down the page. No line is wider than the terminal: names give way, figures never do.
//!
//! Styles are written as escape codes always; `anstream` takes them out where they are not wanted. Without them the
//! report says the same.

mod duplicates;
mod findings;
mod gate;
mod lists;
mod model;
mod page;
mod pairs;
mod tree;

use std::io;

use super::{Report, View, phrases};
use crate::size::plural;
use page::{PROBLEM, Page};

/// Of more models only the summary is shown: nobody reads a thousand pages.
const IN_FULL: usize = 4;

/// Writes the report for a person.
///
/// # Errors
/// When `out` cannot be written to.
pub(super) fn write(report: &Report, view: &View, out: &mut dyn io::Write) -> io::Result<()> {
    let mut out = io::BufWriter::new(out);
    let mut page = Page::new(view, &mut out);
    let in_full = report.models.len() <= IN_FULL || view.top == Some(0);
    for model in report.models.iter().filter(|_| in_full) {
        model::write(model, &mut page)?;
    }
    tree::write(report, in_full, &mut page)?;
    unreadable(report, &mut page)?;
    gate::write(&report.gate, &mut page)?;
    io::Write::flush(&mut out)
}

/// What there is no report of, and why.
fn unreadable(report: &Report, page: &mut Page<'_>) -> io::Result<()> {
    if report.unreadable.is_empty() {
        return Ok(());
    }
    page.section()?;
    let number = plural(report.unreadable.len() as u64, "PATH", "PATHS");
    page.styled(PROBLEM, &format!("{number} that could not be read"))?;
    for input in &report.unreadable {
        page.sentence("! ", PROBLEM, &phrases::unreadable(input))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
