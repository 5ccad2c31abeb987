//! One table by the dimensions that were asked for.

use crate::ledger::{Rest, Rollup, Row, RowKind};
use crate::report::document::{Block, Cell, Column, Name, Paragraph, Section, Table, Tone, more};
use crate::report::{ModelReport, View, document};
use crate::size::{both, share};

use super::{Amounts, headline, problems};

/// The page of `--by`: what the model weighs, what is wrong, and the table.
pub(super) fn page(model: &ModelReport, view: &View) -> Vec<Section> {
    let problems = problems::section(model, view, Amounts::MOST);
    let section = Section::of(restriction(&model.breakdown, model.breakdown.total(), model.total_bytes));
    let section = section.with(table(model, view));
    [headline::short(model)].into_iter().chain(problems).chain([section]).collect()
}

/// The breakdown of a model.
pub(super) fn table(model: &ModelReport, view: &View) -> Table {
    let breakdown = &model.breakdown;
    let by: Vec<&str> = breakdown.by.iter().map(|dimension| dimension.name()).collect();
    let mut table = empty(&by.join(" / "));
    level(&breakdown.rows, breakdown.rest, 0, model.total_bytes, view, &mut table);
    table
}

/// What a table is restricted to by `--only`, and what that is of the whole; nothing where it is not.
pub(super) fn restriction(breakdown: &Rollup, bytes: u64, whole: u64) -> Vec<Block> {
    if breakdown.only.is_empty() {
        return Vec::new();
    }
    let restrictions =
        breakdown.only.iter().map(|only| Paragraph::said(format!("{} ", only.dimension)).and_name(&only.glob));
    let said =
        Paragraph::said("only ").and_listed(restrictions).and(format!(": {}, {}", both(bytes), share(bytes, whole)));
    vec![said.into()]
}

/// A table without rows.
pub(super) fn empty(by: &str) -> Table {
    let columns = vec![Column::figure("bytes"), Column::figure("share"), Column::figure("count"), Column::name(by)];
    Table::new(columns)
}

/// Adds the rows of a level and of those below it: the largest first, and last what the dimension does not apply to.
pub(super) fn level(rows: &[Row], rest: Option<Rest>, depth: usize, whole: u64, view: &View, table: &mut Table) {
    let (own, other): (Vec<&Row>, Vec<&Row>) = rows.iter().partition(|row| !is_bookkeeping(row));
    let (shown, rest) = view.cut_level(&own, rest);
    for row in shown {
        push(row, depth, whole, false, view, table);
    }
    if let Some(rest) = rest {
        let cells = vec![
            Cell::Bytes(rest.bytes),
            Cell::Share(rest.bytes, whole),
            Cell::Count(rest.count),
            Cell::Word(format!("{}{}", "  ".repeat(depth.min(8)), more(rest)), Tone::Quiet),
        ];
        table.rows.push(document::Row::new(cells).depth(depth).tone(Tone::Quiet));
    }
    for row in other {
        push(row, depth, whole, true, view, table);
    }
}

fn push(row: &Row, depth: usize, whole: u64, is_bookkeeping: bool, view: &View, table: &mut Table) {
    let name = Name { is_bookkeeping, ..Name::new(&*row.name) };
    let cells = vec![Cell::Bytes(row.bytes), Cell::Share(row.bytes, whole), Cell::Count(row.count), Cell::Name(name)];
    let tone = if is_bookkeeping { Tone::Quiet } else { Tone::Plain };
    table.rows.push(document::Row::new(cells).depth(depth).tone(tone));
    if !says_nothing_more(row) {
        level(&row.children, row.rest, depth + 1, whole, view, table);
    }
}

/// Whether a row stands for bytes that its dimension does not apply to: it has their category in brackets.
fn is_bookkeeping(row: &Row) -> bool {
    row.kind == RowKind::Category
}

/// Whether the level below a row says nothing but that it does not apply: `[variables]` below `variables`.
fn says_nothing_more(row: &Row) -> bool {
    match row.children.as_slice() {
        [only] if row.rest.is_none() && only.children.is_empty() && is_bookkeeping(only) => {
            row.name == only.name || Some(&*row.name) == only.name.get(1..only.name.len().saturating_sub(1))
        }
        _ => false,
    }
}
