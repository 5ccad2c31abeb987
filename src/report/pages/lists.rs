//! The tables of the largest ops, functions, variables and files, with exact bytes.

use std::cmp::Reverse;

use crate::ledger::{Category, Rest};
use crate::report::document::{Block, Cell, Column, Name, Row, Section, Table, Tone, more};
use crate::report::tensor::{Called, largest_first, tensor_type};
use crate::report::view::LARGEST;
use crate::report::{CheckpointReport, FileReport, MetaGraphReport, ModelReport, View};

/// The row that says what a table of bytes, shares, counts and names leaves out.
pub(super) fn rest(rest: Option<Rest>, whole: u64, table: &mut Table) {
    let Some(rest) = rest else { return };
    let mut cells = vec![Cell::Bytes(rest.bytes), Cell::Share(rest.bytes, whole)];
    let words = table.columns.len().saturating_sub(3);
    cells.extend((0..words).map(|_| Cell::Count(rest.count)));
    cells.push(Cell::Word(more(rest), Tone::Quiet));
    table.rows.push(Row::new(cells).tone(Tone::Quiet));
}

/// The categories that have bytes, largest first, each with a bar for its share.
pub(super) fn categories(model: &ModelReport) -> Option<Section> {
    let mut categories: Vec<(Category, u64)> = model.categories.iter().map(|(c, bytes)| (*c, *bytes)).collect();
    categories.retain(|(_, bytes)| *bytes > 0);
    categories.sort_by_key(|(_, bytes)| Reverse(*bytes));
    let columns = vec![Column::figure("bytes"), Column::figure("share"), Column::word("category"), Column::bar()];
    let mut table = Table::new(columns);
    let whole = model.total_bytes;
    for (category, bytes) in categories {
        let name = Cell::Word(category.name().to_owned(), Tone::Plain);
        table.row(vec![Cell::Bytes(bytes), Cell::Share(bytes, whole), name, Cell::Bar(bytes, whole)]);
    }
    (!table.rows.is_empty()).then(|| Section::of(vec![Block::from(table)]))
}

/// The ops of the graph's own nodes with the most bytes.
pub(super) fn ops(graph: &MetaGraphReport, whole: u64, view: &View) -> Option<Section> {
    let heading = if graph.functions > 0 { "op (nodes in functions not counted)" } else { "op" };
    let rows: Vec<_> = graph.ops.iter().map(|op| (op.op.as_str(), op.bytes, op.count)).collect();
    named(heading, &format!("Largest ops of metagraph {}", graph.index), &rows, whole, view)
}

/// The functions with the most bytes.
pub(super) fn functions(graph: &MetaGraphReport, whole: u64, view: &View) -> Option<Section> {
    let rows: Vec<_> = graph.function_defs.iter().map(|f| (f.name.as_str(), f.bytes, f.nodes)).collect();
    named("function", &format!("Largest functions of metagraph {}", graph.index), &rows, whole, view)
}

/// A table of (name, bytes, nodes).
fn named(heading: &str, folded: &str, rows: &[(&str, u64, u64)], whole: u64, view: &View) -> Option<Section> {
    let (shown, left) = view.cut(rows, LARGEST, |(_, bytes, nodes)| (*bytes, *nodes));
    let columns =
        vec![Column::figure("bytes"), Column::figure("share"), Column::figure("nodes"), Column::name(heading)];
    let mut table = Table::new(columns).folded(folded);
    for (name, bytes, nodes) in shown {
        let name = Cell::Name(Name::new(*name));
        table.row(vec![Cell::Bytes(*bytes), Cell::Share(*bytes, whole), Cell::Count(*nodes), name]);
    }
    rest(left, whole, &mut table);
    (!table.rows.is_empty()).then(|| Section::of(vec![Block::from(table)]))
}

/// The files with the most bytes, where there are several.
pub(super) fn files(model: &ModelReport, view: &View) -> Option<Section> {
    if model.files.len() < 2 {
        return None;
    }
    let mut files: Vec<&FileReport> = model.files.iter().collect();
    files.sort_by_key(|file| Reverse(file.bytes));
    let (shown, left) = view.cut(&files, LARGEST, |file| (file.bytes, 0));
    let columns = vec![Column::figure("bytes"), Column::figure("share"), Column::name("file")];
    let mut table = Table::new(columns).folded("Largest files");
    for file in shown {
        let name = Cell::Name(Name::new(&file.path));
        table.row(vec![Cell::Bytes(file.bytes), Cell::Share(file.bytes, model.total_bytes), name]);
    }
    rest(left, model.total_bytes, &mut table);
    Some(Section::of(vec![Block::from(table)]))
}

/// The tensors of the checkpoint with the most bytes, each with its type.
pub(super) fn variables(checkpoint: &CheckpointReport, whole: u64, view: &View) -> Option<Section> {
    let called = Called::of(&checkpoint.tensors);
    let tensors = largest_first(&checkpoint.tensors);
    let (shown, left) = view.cut(&tensors, LARGEST, |tensor| (tensor.bytes, 0));
    let columns =
        vec![Column::figure("bytes"), Column::figure("share"), Column::word("type"), Column::name("variable")];
    let mut table = Table::new(columns).folded("Largest variables");
    for tensor in shown {
        let kind = Cell::Label(tensor_type(&tensor.dtype, Some(&tensor.shape)));
        let name = Cell::Name(called.name(tensor));
        table.row(vec![Cell::Bytes(tensor.bytes), Cell::Share(tensor.bytes, whole), kind, name]);
    }
    rest(left, whole, &mut table);
    (!table.rows.is_empty()).then(|| Section::of(vec![Block::from(table)]))
}
