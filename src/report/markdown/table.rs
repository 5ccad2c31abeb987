//! Tables of Markdown: names first, then words, then figures. Where something is said below rows, a list.

use foldhash::{HashMap, HashMapExt as _};

use super::page::{Page, code};
use super::{inline, mark};
use crate::report::document::{Block, Cell, Column, ColumnKind, Row, Table};

pub(super) fn write(table: &Table, page: &mut Page) {
    if table.rows.is_empty() {
        return;
    }
    if table.rows.iter().any(|row| !row.notes.is_empty()) && !is_of_places(table) {
        return list(table, page);
    }
    let columns = order(table);
    let heading = |at: &usize| table.columns.get(*at).map_or("", |column| column.heading.as_str());
    let ruler = |at: &usize| match table.columns.get(*at).map(|column| column.kind) {
        Some(ColumnKind::Figure) => "--:|",
        _ => ":--|",
    };
    let headings: Vec<&str> = columns.iter().map(heading).collect();
    let rulers: String = columns.iter().map(ruler).collect();
    let mut lead = format!("| {} |\n|{rulers}\n", headings.join(" | "));
    let mut begun = false;
    let mut seen: HashMap<(Vec<usize>, String), usize> = HashMap::new();
    let mut above: Vec<usize> = Vec::new();
    for (index, row) in table.rows.iter().enumerate() {
        above.truncate(row.depth);
        let mut cells: Vec<String> =
            columns.iter().map(|at| row.cells.get(*at).map_or(String::new(), |cell| said(cell, row))).collect();
        // No two rows below one row read the same.
        let number = seen.entry((above.clone(), cells.join(" | "))).or_default();
        *number += 1;
        if let Some(name) = cells.first_mut() {
            if *number > 1 {
                name.push_str(&format!(" ({number})"));
            }
            row.notes.iter().for_each(|note| name.push_str(&format!("<br>{}", note_line(note))));
        }
        begun |= page.lines(&format!("{lead}| {} |\n", cells.join(" | ")));
        lead.clear();
        above.push(index);
    }
    if begun {
        page.end("\n");
    }
}

/// Whether the rows are read together, as places of one content are: then notes stay in their cells.
fn is_of_places(table: &Table) -> bool {
    table.rows.iter().any(|row| matches!(row.cells.first(), Some(Cell::Blank)))
}

/// The columns as a page has them: what a row is about first. Bars are for terminals.
fn order(table: &Table) -> Vec<usize> {
    let of = |kind: ColumnKind| {
        let is = move |(_, column): &(usize, &Column)| column.kind == kind;
        table.columns.iter().enumerate().filter(is).map(|(at, _)| at)
    };
    of(ColumnKind::Name).chain(of(ColumnKind::Word)).chain(of(ColumnKind::Figure)).collect()
}

/// The rows as items of a list, each with its figures and what is said below it.
fn list(table: &Table, page: &mut Page) {
    for row in &table.rows {
        let figures: Vec<String> = row.cells.iter().filter_map(Cell::figure).collect();
        let names: Vec<String> = row
            .cells
            .iter()
            .filter(|cell| cell.figure().is_none())
            .map(|cell| said(cell, row))
            .filter(|s| !s.is_empty())
            .collect();
        let first = row.notes.first().map(|note| format!(": {}", note_line(note))).unwrap_or_default();
        page.lines(&format!("- **{}** ({}){first}\n", names.join(" in "), figures.join(", ")));
        for note in row.notes.iter().skip(1) {
            match note {
                Block::Code(lines) => page.lines(&format!("\n  ```python\n  {}\n  ```\n\n", lines.join("\n  "))),
                _ => page.lines(&format!("  - {}\n", note_line(note))),
            };
        }
    }
    page.lines("\n");
}

fn note_line(note: &Block) -> String {
    match note {
        Block::Paragraph(paragraph) | Block::Fact(_, paragraph) => format!("{}{}", mark(paragraph), inline(paragraph)),
        Block::Code(lines) => lines.iter().map(|line| code(line)).collect::<Vec<String>>().join("<br>"),
        Block::Table(_) => String::new(),
    }
}

fn said(cell: &Cell, row: &Row) -> String {
    match cell {
        Cell::Word(word, _) => word.trim_start().to_owned(),
        Cell::Label(name) => code(name),
        Cell::Name(name) => {
            let also = name.also.as_ref().map(|also| format!(" ({})", code(also))).unwrap_or_default();
            let mark = if name.is_marked { "**!** " } else { "" };
            let counts = name.counts.as_ref().map_or("", |[full, _]| full);
            format!("{}{mark}{}{also}{counts}", "&emsp;".repeat(row.depth), code(&name.text))
        }
        _ => cell.figure().unwrap_or_default(),
    }
}
