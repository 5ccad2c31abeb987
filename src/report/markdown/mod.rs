//! A document for a job summary or a comment on a pull request (GitHub Flavored Markdown).
//!
//! Names are code spans, in which nothing is markup, a mention or a link; the two characters that can end a code span
//! or a table's cell, a backtick and a pipe, are escaped in them as unsafe ones are (`\u{60}`, `\u{7c}`). No name is cut.
//!
//! A comment may have 65,536 characters. Past them GitHub takes nothing, so the report leaves out what comes last, in
//! whole lines, and says how much. What most readers do not need comes last and is folded up.

mod page;
mod table;

use std::io;

use self::page::{Page, code, html, quote};
use super::document::{Block, Document, Mark, Paragraph, Part, Section, SectionKind, Tone};
use super::pages::{self, Amounts, Medium};
use super::{Report, View};

/// Writes the report as Markdown, at most 65,536 characters of it.
///
/// # Errors
/// When `out` cannot be written to.
pub(super) fn write(report: &Report, view: &View, out: &mut dyn io::Write) -> io::Result<()> {
    out.write_all(render(&pages::document(report, view, Amounts::for_a_page(), Medium::Page)).as_bytes())
}

/// A document as a page of Markdown, at most 65,536 characters of it.
pub(super) fn render(document: &Document) -> String {
    let mut page = Page::new();
    for written in &document.sections {
        section(written, &mut page);
    }
    page.finish()
}

fn section(section: &Section, page: &mut Page) {
    match section.kind {
        SectionKind::Subject => {
            let title = section.title.as_ref().map(|title| format!("## {}\n\n", inline(title)));
            page.lines(&title.unwrap_or_default());
            blocks(section, page);
        }
        SectionKind::Part => {
            let title = section.title.as_ref().map(|title| format!("**{}**\n\n", inline(title)));
            page.lines(&title.unwrap_or_default());
            blocks(section, page);
        }
        SectionKind::Alert => alert(section, page),
        SectionKind::Detail => detail(section, page),
    }
}

fn alert(section: &Section, page: &mut Page) {
    let kind = match section.title.as_ref().map(|title| title.tone) {
        Some(Tone::Problem) => "CAUTION",
        Some(Tone::Warning) => "WARNING",
        _ => "NOTE",
    };
    let title = section.title.as_ref().map(inline).unwrap_or_default();
    page.lines(&format!("> [!{kind}]\n> **{title}**\n>\n"));
    for block in &section.blocks {
        if let Block::Paragraph(paragraph) = block {
            page.lines(&format!("> - {}{}\n", mark(paragraph), inline(paragraph)));
        }
    }
    page.lines("\n");
}

/// A section folded up below its title, or below what its table is about.
fn detail(section: &Section, page: &mut Page) {
    let about = section.blocks.iter().find_map(|block| match block {
        Block::Table(table) => table.folded.clone(),
        _ => None,
    });
    let summary = match (&section.title, about) {
        (Some(title), _) => summary(title),
        (None, Some(about)) => html(&about),
        (None, None) => return blocks(section, page),
    };
    if section.blocks.is_empty() {
        page.lines(&format!("{summary}\n\n"));
    } else if page.lines(&format!("<details><summary>{summary}</summary>\n\n")) {
        blocks(section, page);
        page.end("</details>\n\n");
    }
}

/// A title where Markdown is not read: in a summary.
fn summary(title: &Paragraph) -> String {
    let part = |part: &Part| match part {
        Part::Said(text) => html(text),
        Part::Name(text, _) | Part::Quoted(text) => format!("<code>{}</code>", html(&crate::escape::escape(text))),
    };
    title.parts.iter().map(part).collect()
}

fn blocks(section: &Section, page: &mut Page) {
    let mut facts = false;
    for block in &section.blocks {
        if facts && !matches!(block, Block::Fact(..)) {
            page.lines("\n");
        }
        facts = matches!(block, Block::Fact(..));
        match block {
            Block::Paragraph(paragraph) => {
                page.lines(&format!("{}{}\n\n", mark(paragraph), inline(paragraph)));
            }
            Block::Fact("", said) => {
                page.lines(&format!("  - {}\n", inline(said)));
            }
            Block::Fact(label, said) => {
                page.lines(&format!("- {label}: {}\n", inline(said)));
            }
            Block::Table(written) => table::write(written, page),
            Block::Code(lines) => {
                page.lines(&format!("```python\n{}\n```\n\n", lines.join("\n")));
            }
        }
    }
    if facts {
        page.lines("\n");
    }
}

/// What stands before a paragraph.
fn mark(paragraph: &Paragraph) -> String {
    match paragraph.mark {
        Mark::Remedy => "→ ".to_owned(),
        Mark::Word(word) => format!("**{word}** "),
        Mark::None | Mark::Problem | Mark::Item => String::new(),
    }
}

/// A paragraph on one line.
fn inline(paragraph: &Paragraph) -> String {
    let part = |part: &Part| match part {
        Part::Said(text) => text.clone(),
        Part::Name(name, _) => code(name),
        Part::Quoted(text) => quote(text),
    };
    paragraph.parts.iter().map(part).collect()
}

#[cfg(test)]
mod tests;
