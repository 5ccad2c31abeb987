//! The largest single items of a model, of any kind, in one list.

use std::cmp::Ordering::Equal;

use crate::input::layout::{ASSETS, VARIABLES};
use crate::ledger::Rest;
use crate::natural;
use crate::report::document::{Block, Cell, Column, Name, Section, Table, Tone, more};
use crate::report::tensor::Called;
use crate::report::{ModelReport, document};

use super::{Medium, headline};

/// One item.
struct Item {
    bytes: u64,
    kind: &'static str,
    name: Name,
}

/// The largest items, as many as there is room for.
pub(super) fn section(model: &ModelReport, rows: usize, medium: Medium) -> Option<Section> {
    let mut items = items(model);
    if items.is_empty() || rows == 0 {
        return None;
    }
    // Stable: equal ones stay in the order of their kinds.
    let by_name =
        |a: &Item, b: &Item| if a.kind == b.kind { natural::compare(&a.name.text, &b.name.text) } else { Equal };
    items.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| by_name(a, b)));
    let mut table = Table::new(vec![
        Column::figure("bytes"),
        Column::figure("share"),
        Column::word("kind"),
        Column::name("largest items"),
    ]);
    let left = items.get(rows.min(items.len())..).unwrap_or_default();
    let bytes = left.iter().map(|item| item.bytes).fold(0, u64::saturating_add);
    let rest = Rest { rows: left.len() as u64, bytes, count: 0 };
    let whole = model.total_bytes;
    let kind = |word: &str| Cell::Word(word.to_owned(), Tone::Plain);
    for item in items.drain(..).take(rows) {
        table.row(vec![Cell::Size(item.bytes), Cell::Share(item.bytes, whole), kind(item.kind), Cell::Name(item.name)]);
    }
    if rest.rows > 0 && medium == Medium::Page {
        let cells =
            vec![Cell::Size(rest.bytes), Cell::Share(rest.bytes, whole), kind(""), Cell::Word(more(rest), Tone::Quiet)];
        table.rows.push(document::Row::new(cells).tone(Tone::Quiet));
    }
    Some(Section::of(vec![Block::from(table)]))
}

fn items(model: &ModelReport) -> Vec<Item> {
    let mut items = Vec::new();
    if let Some(checkpoint) = &model.checkpoint {
        let called = Called::of(&checkpoint.tensors);
        items.extend(checkpoint.tensors.iter().filter(|tensor| tensor.bytes > 0).map(|tensor| Item {
            bytes: tensor.bytes,
            kind: "variable",
            name: called.name(tensor),
        }));
    }
    let several = model.meta_graphs.len() > 1;
    for graph in &model.meta_graphs {
        let also = several.then(|| headline::title(graph));
        items.extend(graph.function_defs.iter().map(|function| Item {
            bytes: function.bytes,
            kind: "function",
            name: Name { also: also.clone(), ..Name::new(&function.name) },
        }));
    }
    let is_own = |path: &str| !path.starts_with(VARIABLES) && !path.starts_with("saved_model.");
    items.extend(model.files.iter().filter(|file| is_own(&file.path)).map(|file| Item {
        bytes: file.bytes,
        kind: if file.path.starts_with(ASSETS) { "asset" } else { "file" },
        name: Name::new(&file.path),
    }));
    items
}
