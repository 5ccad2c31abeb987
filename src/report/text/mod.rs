//! A document for a terminal.
//!
//! No line is wider than the terminal: names give way, figures never do. Styles are written as escape codes always;
//! `anstream` takes them out where they are not wanted. Without them the report says the same.

mod code;
mod page;
mod table;

use std::io;

use super::document::{Block, Document, Mark, Paragraph, Section, SectionKind, Tone};
use super::pages::{self, Amounts, Medium};
use super::{Report, View};
use page::Page;

/// The lines of the answer: with the prompt below it, it is all on a terminal of 24.
const LINES: usize = 23;

/// Writes the report for a person.
///
/// # Errors
/// When `out` cannot be written to.
pub(super) fn write(report: &Report, view: &View, out: &mut dyn io::Write) -> io::Result<()> {
    let mut text = Vec::new();
    for amounts in Amounts::from_most_to_least() {
        text.clear();
        render(&pages::document(report, view, amounts, Medium::Terminal), view.width, &mut text)?;
        if !pages::must_fit(view) || text.iter().filter(|byte| **byte == b'\n').count() <= LINES {
            break;
        }
    }
    out.write_all(&text)
}

/// Writes a document on a page of `columns`.
pub(super) fn render(document: &Document, columns: usize, out: &mut dyn io::Write) -> io::Result<()> {
    let mut page = Page::new(columns, out);
    document.sections.iter().try_for_each(|written| section(written, &mut page))
}

fn section(section: &Section, page: &mut Page<'_>) -> io::Result<()> {
    if !section.close {
        page.gap()?;
    }
    if let Some(title) = &section.title {
        page.paragraph(title, 0)?;
    }
    // What a title is above stands further in.
    let indent = if section.title.is_some() && section.kind != SectionKind::Subject { 2 } else { 0 };
    section.blocks.iter().try_for_each(|written| block(written, indent, page))
}

fn block(block: &Block, indent: usize, page: &mut Page<'_>) -> io::Result<()> {
    match block {
        Block::Paragraph(paragraph) => page.paragraph(paragraph, indent),
        Block::Fact(label, said) => page.fact(label, said),
        Block::Table(written) => table::write(written, page),
        Block::Code(lines) => page.code(lines, indent + 2),
    }
}

/// Sections as they are read where there are no styles.
#[cfg(test)]
pub(super) fn plain(sections: Vec<Section>, columns: usize) -> String {
    let mut out = Vec::new();
    render(&Document { sections }, columns, &mut out).unwrap();
    anstream::adapter::strip_str(&String::from_utf8(out).unwrap()).to_string()
}

#[cfg(test)]
mod tests;
