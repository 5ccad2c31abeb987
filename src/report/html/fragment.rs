//! A document as a part of a page: the sections that text and Markdown have.

use super::markup::{said, sentence, text};
use crate::report::document::{
    Block, Cell, Column, ColumnKind, Mark, Paragraph, Part, Row, Section, SectionKind, Table, Tone,
};

/// The sections, one after the other.
pub(in crate::report) fn sections(sections: &[Section]) -> String {
    sections.iter().map(section).collect()
}

fn section(section: &Section) -> String {
    let title = section.title.as_ref().map(inline);
    match section.kind {
        SectionKind::Subject => {
            let title = title.map(|title| format!("<h1>{title}</h1>\n")).unwrap_or_default();
            format!("{title}{}", blocks(&section.blocks))
        }
        SectionKind::Part => {
            let title = title.map(|title| format!("<h2>{title}</h2>\n")).unwrap_or_default();
            format!("{title}{}", blocks(&section.blocks))
        }
        SectionKind::Alert => {
            let tone = section.title.as_ref().map_or(Tone::Plain, |title| title.tone);
            let title = title.map(|title| format!("<h2>{title}</h2>\n")).unwrap_or_default();
            format!("<section class=\"alert {}\">{title}{}</section>\n", class(tone), blocks(&section.blocks))
        }
        SectionKind::Detail => detail(section, title),
    }
}

/// A section that is folded up below its title, or below what its table is about.
fn detail(section: &Section, title: Option<String>) -> String {
    let about = section.blocks.iter().find_map(|block| match block {
        Block::Table(table) => table.folded.as_deref().map(sentence),
        _ => None,
    });
    match title.or(about) {
        Some(summary) if section.blocks.is_empty() => format!("<p>{summary}</p>\n"),
        Some(summary) => {
            format!("<details><summary>{summary}</summary>\n{}</details>\n", blocks(&section.blocks))
        }
        None => blocks(&section.blocks),
    }
}

fn blocks(blocks: &[Block]) -> String {
    let mut html = String::new();
    let mut listed = false;
    for block in blocks {
        let fact = matches!(block, Block::Fact(..));
        if fact != listed {
            html.push_str(if fact { "<ul>\n" } else { "</ul>\n" });
            listed = fact;
        }
        html.push_str(&match block {
            Block::Paragraph(paragraph) => self::paragraph(paragraph),
            Block::Fact("", said) => format!("<li class=\"more\">{}</li>\n", inline(said)),
            Block::Fact(label, said) => format!("<li>{label}: {}</li>\n", inline(said)),
            Block::Table(written) => table(written),
            Block::Code(lines) => code(lines.iter().map(String::as_str)),
        });
    }
    if listed {
        html.push_str("</ul>\n");
    }
    html
}

/// A paragraph of its own.
pub(super) fn paragraph(paragraph: &Paragraph) -> String {
    let mark = match paragraph.mark {
        Mark::Remedy => "→ ".to_owned(),
        Mark::Word(word) => format!("<strong>{}</strong> ", text(word)),
        Mark::None | Mark::Problem | Mark::Item => String::new(),
    };
    format!("<p{}>{mark}{}</p>\n", attribute(paragraph.tone), inline(paragraph))
}

/// The words of a paragraph.
pub(super) fn inline(paragraph: &Paragraph) -> String {
    let part = |part: &Part| match part {
        Part::Said(words) => said(words),
        Part::Name(name, _) => format!("<code>{}</code>", text(name)),
        Part::Quoted(words) => said(words),
    };
    paragraph.parts.iter().map(part).collect()
}

/// Lines to be copied.
pub(super) fn code<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    let lines: Vec<String> = lines.map(sentence).collect();
    format!("<pre><code>{}</code></pre>\n", lines.join("\n"))
}

fn table(table: &Table) -> String {
    if table.rows.is_empty() {
        return String::new();
    }
    let columns = order(table);
    let mut html = String::from("<div class=\"wide\"><table>\n");
    if table.headed {
        let heading =
            |column: &Column| format!("<th scope=\"col\"{}>{}</th>", alignment(column.kind), text(&column.heading));
        html.push_str(&format!(
            "<thead><tr>{}</tr></thead>\n",
            columns.iter().map(|(_, column)| heading(column)).collect::<String>()
        ));
    }
    html.push_str("<tbody>\n");
    table.rows.iter().for_each(|row| html.push_str(&self::row(row, &columns)));
    html.push_str("</tbody></table></div>\n");
    html
}

fn row(row: &Row, columns: &[(usize, &Column)]) -> String {
    let content = |at: &usize| row.cells.get(*at).map_or_else(String::new, |it| cell(it, row));
    let mut cells: Vec<(&str, String)> =
        columns.iter().map(|(at, column)| (alignment(column.kind), content(at))).collect();
    if let Some((_, first)) = cells.first_mut() {
        let notes = row.notes.iter().map(|note| match note {
            Block::Paragraph(said) | Block::Fact(_, said) => format!("<div class=\"note\">{}</div>", inline(said)),
            Block::Code(lines) => code(lines.iter().map(String::as_str)),
            Block::Table(_) => String::new(),
        });
        first.extend(notes);
    }
    let cells: String = cells.iter().map(|(class, cell)| format!("<td{class}>{cell}</td>")).collect();
    format!("<tr{}>{cells}</tr>\n", attribute(row.tone))
}

/// The columns as a page has them: what a row is about first. Bars are for terminals.
fn order(table: &Table) -> Vec<(usize, &Column)> {
    let of = |kind: ColumnKind| table.columns.iter().enumerate().filter(move |(_, column)| column.kind == kind);
    of(ColumnKind::Name).chain(of(ColumnKind::Word)).chain(of(ColumnKind::Figure)).collect()
}

/// The attribute of a column's cells: figures stand below each other, whatever they are made of.
fn alignment(kind: ColumnKind) -> &'static str {
    if kind == ColumnKind::Figure { " class=\"figure\"" } else { "" }
}

/// What a cell says.
fn cell(cell: &Cell, row: &Row) -> String {
    match cell {
        Cell::Word(word, tone) => format!("<span{}>{}</span>", attribute(*tone), said(word.trim_start())),
        Cell::Label(name) => format!("<code>{}</code>", text(name)),
        Cell::Name(name) => {
            let also = name.also.as_ref().map(|also| format!(" (<code>{}</code>)", text(also))).unwrap_or_default();
            let mark = if name.is_marked { "<strong>!</strong> " } else { "" };
            let counts = name.counts.as_ref().map_or("", |[full, _]| full);
            format!("{}{mark}<code>{}</code>{also}{counts}", "&emsp;".repeat(row.depth), text(&name.text))
        }
        _ => cell.figure().unwrap_or_default(),
    }
}

fn attribute(tone: Tone) -> String {
    match class(tone) {
        "" => String::new(),
        class => format!(" class=\"{class}\""),
    }
}

fn class(tone: Tone) -> &'static str {
    match tone {
        Tone::Plain => "",
        Tone::Strong => "strong",
        Tone::Quiet => "quiet",
        Tone::Warning => "warning",
        Tone::Problem => "problem",
    }
}
