//! Tables: figures on the right of their columns, words and names on the left, and bars.

use std::io;

use super::block;
use super::page::{BAR, Page, style};
use crate::report::document::names::{behind, numbered, shown, whole};
use crate::report::document::{Cell, ColumnKind, Name, Row, Table, Tone};
use crate::report::fit::{fit, fit_said, width};

/// The columns before a table, and those between two of its columns.
const EDGE: usize = 2;
const BETWEEN: usize = 2;

/// The most columns of a bar: a longer one says no more.
const BAR_COLUMNS: usize = 60;

/// The most columns of a word.
const WORD: usize = 30;

/// The columns that names and words have at least, where the page is narrow.
const LEAST_NAME: usize = 20;
const LEAST_WORD: usize = 8;

/// How far in notes stand below their row.
const NOTES: usize = 6;

/// How far in a row stands below the one that it is a part of.
const STEP: usize = 2;

pub(super) fn write(table: &Table, page: &mut Page<'_>) -> io::Result<()> {
    if table.rows.is_empty() {
        return Ok(());
    }
    let layout = Layout::of(table, page.width);
    if table.headed {
        let heading = layout.heading(table);
        let bold = style(Tone::Strong);
        page.line(&format!("{bold}{}{bold:#}", heading.trim_end()))?;
    }
    let names = Names::of(table, &layout);
    for (index, row) in table.rows.iter().enumerate() {
        page.line(&layout.row(index, row, &names))?;
        row.notes.iter().try_for_each(|note| block(note, NOTES, page))?;
    }
    Ok(())
}

/// How wide each column is.
struct Layout {
    kinds: Vec<ColumnKind>,
    widths: Vec<usize>,
}

impl Layout {
    fn of(table: &Table, page: usize) -> Self {
        let kinds: Vec<ColumnKind> = table.columns.iter().map(|column| column.kind).collect();
        let heading =
            |at: usize| table.columns.get(at).filter(|_| table.headed).map_or(0, |column| width(&column.heading));
        let fixed = |at: usize| {
            let cells = table.rows.iter().filter_map(|row| row.cells.get(at));
            cells.map(|cell| width(&unnamed(cell))).max().unwrap_or_default().max(heading(at))
        };
        let mut widths: Vec<usize> = kinds
            .iter()
            .enumerate()
            .map(|(at, kind)| match kind {
                ColumnKind::Figure => fixed(at),
                ColumnKind::Word => fixed(at).min(WORD),
                ColumnKind::Name | ColumnKind::Bar => 0,
            })
            .collect();
        let elastic = |kind: &ColumnKind| matches!(kind, ColumnKind::Name | ColumnKind::Bar);
        let shares = kinds.iter().filter(|kind| elastic(kind)).count().max(1);
        let room = |widths: &[usize]| {
            let used = EDGE + widths.iter().sum::<usize>() + BETWEEN * widths.len().saturating_sub(1);
            page.saturating_sub(used) / shares
        };
        while room(&widths) < LEAST_NAME && narrow_a_word(&kinds, &mut widths) {}
        let room = room(&widths);
        for (kind, columns) in kinds.iter().zip(&mut widths) {
            match kind {
                ColumnKind::Name => *columns = room,
                ColumnKind::Bar => *columns = room.min(BAR_COLUMNS),
                ColumnKind::Figure | ColumnKind::Word => {}
            }
        }
        Self { kinds, widths }
    }

    fn heading(&self, table: &Table) -> String {
        let cells = table.columns.iter().zip(&self.widths).map(|(column, columns)| fit_said(&column.heading, *columns));
        self.line(cells.map(|text| (text, Tone::Plain)), Tone::Plain)
    }

    fn row(&self, index: usize, row: &Row, names: &Names) -> String {
        let cells = row.cells.iter().enumerate().map(|(at, cell)| match cell {
            Cell::Name(name) => {
                let tone = if name.is_bookkeeping { Tone::Quiet } else { Tone::Plain };
                (names.get(index, at), tone)
            }
            Cell::Bar(part, whole) => {
                (bar(*part, *whole, self.widths.get(at).copied().unwrap_or_default()), Tone::Plain)
            }
            Cell::Label(name) => (fit(name, self.widths.get(at).copied().unwrap_or_default()), Tone::Plain),
            Cell::Word(word, tone) => (fit_word(word, self.widths.get(at).copied().unwrap_or_default()), *tone),
            _ => (unnamed(cell), Tone::Plain),
        });
        self.line(cells, row.tone)
    }

    /// The cells side by side. What is behind the last one that has anything is left out.
    fn line(&self, cells: impl Iterator<Item = (String, Tone)>, tone: Tone) -> String {
        let cells: Vec<(String, Tone)> = cells.collect();
        let last = cells.iter().rposition(|(text, _)| !text.is_empty());
        let mut line = " ".repeat(EDGE);
        let whole = style(tone);
        for (at, (text, own)) in cells.iter().enumerate() {
            let (Some(kind), Some(columns)) = (self.kinds.get(at), self.widths.get(at)) else { break };
            if last.is_none_or(|last| at > last) {
                break;
            }
            let between = if at > 0 { " ".repeat(BETWEEN) } else { String::new() };
            let missing = " ".repeat(columns.saturating_sub(width(text)));
            let own = match kind {
                ColumnKind::Bar => BAR,
                _ if *own != Tone::Plain => style(*own),
                _ => whole,
            };
            let text = if text.is_empty() { String::new() } else { format!("{own}{text}{own:#}") };
            line += &match kind {
                ColumnKind::Figure => format!("{between}{missing}{text}"),
                _ if last == Some(at) => format!("{between}{text}"),
                _ => format!("{between}{text}{missing}"),
            };
        }
        line
    }
}

/// Takes a column from the widest words, where they have any to spare; whether they had.
fn narrow_a_word(kinds: &[ColumnKind], widths: &mut [usize]) -> bool {
    let words = kinds.iter().zip(widths).filter(|(kind, _)| **kind == ColumnKind::Word).map(|(_, columns)| columns);
    match words.max_by_key(|columns| **columns) {
        Some(widest) if *widest > LEAST_WORD => {
            *widest -= 1;
            true
        }
        _ => false,
    }
}

/// The names of a table as they are shown: cut to their columns, those beside one another told apart.
struct Names(Vec<Vec<String>>);

impl Names {
    fn of(table: &Table, layout: &Layout) -> Self {
        let mut all: Vec<Vec<String>> = vec![Vec::new(); layout.kinds.len()];
        let families = families(&table.rows);
        for (at, kind) in layout.kinds.iter().enumerate() {
            let (ColumnKind::Name, Some(columns), Some(column)) = (kind, layout.widths.get(at), all.get_mut(at)) else {
                continue;
            };
            column.resize(table.rows.len(), String::new());
            for family in &families {
                let rows: Vec<(usize, &Row, &Name)> = family
                    .iter()
                    .filter_map(|index| {
                        let row = table.rows.get(*index)?;
                        let Some(Cell::Name(name)) = row.cells.get(at) else { return None };
                        Some((*index, row, name))
                    })
                    .collect();
                let Some((_, first, _)) = rows.first() else { continue };
                // Breakdowns may be deeper than the page is wide.
                let indent = (STEP * first.depth).min(columns / 2);
                let room = |name: &Name| (columns - indent).saturating_sub(if name.is_marked { 2 } else { 0 });
                let behind: Vec<String> = rows.iter().map(|(_, _, name)| behind(name, room(name))).collect();
                let rooms: Vec<usize> =
                    rows.iter().zip(&behind).map(|(row, text)| room(row.2).saturating_sub(width(text))).collect();
                let names: Vec<(&Name, usize)> =
                    rows.iter().zip(&rooms).map(|((_, _, name), room)| (*name, *room)).collect();
                let mut names = shown(&names);
                let rest: Vec<String> =
                    rows.iter().zip(&behind).map(|((_, row, _), text)| others(row, at) + text).collect();
                numbered(&mut names, &rest, &rooms);
                for (((index, _, name), text), behind) in rows.iter().zip(names).zip(behind) {
                    let mark = if name.is_marked { "! " } else { "" };
                    if let Some(place) = column.get_mut(*index) {
                        *place = format!("{}{mark}{text}{behind}", " ".repeat(indent));
                    }
                }
            }
        }
        Self(all)
    }

    fn get(&self, row: usize, column: usize) -> String {
        self.0.get(column).and_then(|names| names.get(row)).cloned().unwrap_or_default()
    }
}

/// The rows that stand below one row, for each that has any; those at the top first.
fn families(rows: &[Row]) -> Vec<Vec<usize>> {
    let mut families: Vec<Vec<usize>> = vec![Vec::new()];
    let mut open: Vec<usize> = vec![0];
    for (index, row) in rows.iter().enumerate() {
        open.truncate(row.depth + 1);
        while open.len() <= row.depth {
            open.push(families.len());
            families.push(Vec::new());
        }
        if let Some(family) = open.last().and_then(|last| families.get_mut(*last)) {
            family.push(index);
        }
    }
    families
}

/// What stands in a row besides the name in column `at`.
fn others(row: &Row, at: usize) -> String {
    let cells = row.cells.iter().enumerate().filter(|(index, _)| *index != at);
    let said = |cell: &Cell| match cell {
        Cell::Name(name) => whole(name),
        _ => unnamed(cell),
    };
    cells.map(|(_, cell)| said(cell) + "\t").collect()
}

/// A cell without a name and a bar, as it is read.
fn unnamed(cell: &Cell) -> String {
    match cell {
        Cell::Word(word, _) => word.clone(),
        Cell::Label(name) => fit(name, WORD),
        _ => cell.figure().unwrap_or_default(),
    }
}

/// A word in its column. What it has in brackets at its end goes before anything of it is cut.
fn fit_word(word: &str, columns: usize) -> String {
    let without = word.strip_suffix(')').and_then(|word| word.rsplit_once(" (")).map(|(before, _)| before);
    match without {
        Some(before) if width(word) > columns => fit_said(before, columns),
        _ => fit_said(word, columns),
    }
}

/// A bar of at most `columns`, in eighths of one; what is not nothing has one eighth at least.
fn bar(part: u64, whole: u64, columns: usize) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let full = columns as u128 * 8;
    let eighths = (u128::from(part) * full).checked_div(u128::from(whole)).unwrap_or(0).min(full);
    let eighths = usize::try_from(eighths).unwrap_or(0).max(usize::from(part > 0));
    format!("{}{}", "█".repeat(eighths / 8), EIGHTHS.get(eighths % 8).unwrap_or(&""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_long_as_its_share() {
        assert_eq!([bar(1, 2, 4), bar(1, 1, 4), bar(0, 1, 4), bar(1, 1_000_000, 4)], ["██", "████", "", "▏"]);
        assert_eq!(bar(5, 0, 4), "▏", "of nothing");
    }

    #[test]
    fn what_a_word_has_in_brackets_goes_before_it_is_cut() {
        assert_eq!(fit_word("… 19,990 more (-n 0 shows all)", 30), "… 19,990 more (-n 0 shows all)");
        assert_eq!(fit_word("… 19,990 more (-n 0 shows all)", 29), "… 19,990 more");
        assert_eq!(fit_word("layer-traces", 8), "laye…ces");
    }

    #[test]
    fn rows_below_one_row_are_a_family() {
        let row = |depth| Row::new(Vec::new()).depth(depth);
        assert_eq!(families(&[row(0), row(1), row(1), row(0), row(1)]), [vec![0, 3], vec![1, 2], vec![4]]);
    }
}
