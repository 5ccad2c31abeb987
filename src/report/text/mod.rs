//! The report for a terminal.
//!
//! It reads from the whole to the parts: what the model is and weighs, where its bytes are, each metagraph with what it
//! can be called by, the largest ops, functions and variables, and last, where an eye ends up, what went wrong and what
//! rules are broken. Figures stand in one column down the page. No line is wider than the terminal: names give way, figures never do.
//!
//! Styles are written as escape codes always; `anstream` takes them out where they are not wanted. Without them the
//! report says the same.

mod duplicates;
mod gate;
mod lists;
mod model;
mod page;
mod pairs;

use std::io;

use super::fit::fit;
use super::size::{exact, plural, rounded};
use super::{Report, View, phrases};
use page::{HEADING, PROBLEM, Page};

/// Writes the report for a person.
///
/// # Errors
/// When `out` cannot be written to.
pub(super) fn write(report: &Report, view: &View, out: &mut dyn io::Write) -> io::Result<()> {
    let mut out = io::BufWriter::new(out);
    let mut page = Page::new(view, &mut out);
    for model in &report.models {
        model::write(model, &mut page)?;
    }
    if report.models.len() > 1 {
        summary(report, &mut page)?;
    }
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

/// One line for each model.
fn summary(report: &Report, page: &mut Page<'_>) -> io::Result<()> {
    let sizes: Vec<String> = report.models.iter().map(|model| exact(model.total_bytes)).collect();
    let bytes = sizes.iter().map(String::len).max().unwrap_or_default().max("bytes".len());
    let figures = |size: &str, rounded: &str, graphs: &str, problems: &str| {
        format!("  {size:>bytes$}  {rounded:>9}  {graphs:>10}  {problems:>8}  ")
    };
    let heading = figures("bytes", "rounded", "metagraphs", "problems");
    page.section()?;
    page.styled(HEADING, &format!("{heading}model"))?;
    let room = page.width.saturating_sub(heading.len());
    for (model, size) in report.models.iter().zip(&sizes) {
        let [graphs, problems] = [model.meta_graphs.len(), model.problems.len()].map(|number| exact(number as u64));
        let figures = figures(size, &rounded(model.total_bytes), &graphs, &problems);
        page.line(&format!("{figures}{}", fit(&model.path, room)))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
