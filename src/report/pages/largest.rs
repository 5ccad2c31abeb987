//! The largest single items of a model, of any kind, in one list.

use std::cmp::Ordering;

use crate::input::layout::{ASSETS, VARIABLES};
use crate::ledger::Rest;
use crate::natural;
use crate::report::document::{Block, Cell, Column, Name, Row, Section, Table, Tone, more};
use crate::report::tensor::{Called, own_name};
use crate::report::{FileReport, FunctionReport, MetaGraphReport, ModelReport, TensorReport};

use super::{Medium, headline};

/// One item. There may be very many, with long names: what is printed of one is made where it is among the largest.
#[derive(Clone, Copy)]
enum Item<'m> {
    Variable(&'m TensorReport),
    Function(&'m MetaGraphReport, &'m FunctionReport),
    Asset(&'m FileReport),
    File(&'m FileReport),
}

impl<'m> Item<'m> {
    fn of_file(file: &'m FileReport) -> Self {
        if file.path.starts_with(ASSETS) { Self::Asset(file) } else { Self::File(file) }
    }

    fn bytes(self) -> u64 {
        match self {
            Self::Variable(tensor) => tensor.bytes,
            Self::Function(_, function) => function.bytes,
            Self::Asset(file) | Self::File(file) => file.bytes,
        }
    }

    fn name(self) -> &'m str {
        match self {
            Self::Variable(tensor) => own_name(tensor),
            Self::Function(_, function) => &function.name,
            Self::Asset(file) | Self::File(file) => &file.path,
        }
    }

    /// What it is, behind its place in the order in which equal ones are listed.
    fn kind(self) -> (u8, &'static str) {
        match self {
            Self::Variable(_) => (0, "variable"),
            Self::Function(..) => (1, "function"),
            Self::Asset(_) => (2, "asset"),
            Self::File(_) => (3, "file"),
        }
    }
}

/// The larger one first; of equal ones one kind after the other, each by name, and of one name by place among all: no two are
/// equal in this, so the largest are the same however they are found.
fn order((place, a): &(usize, Item<'_>), (other, b): &(usize, Item<'_>)) -> Ordering {
    let by_name = || natural::compare(a.name(), b.name());
    b.bytes().cmp(&a.bytes()).then_with(|| a.kind().cmp(&b.kind())).then_with(by_name).then_with(|| place.cmp(other))
}

/// The largest items, as many as there is room for.
pub(super) fn section(model: &ModelReport, rows: usize, medium: Medium) -> Option<Section> {
    let mut items: Vec<(usize, Item<'_>)> = items(model).enumerate().collect();
    if items.is_empty() || rows == 0 {
        return None;
    }
    // Names may share long beginnings, so that sorting all of them would be most of the work of a page.
    if rows < items.len() {
        items.select_nth_unstable_by(rows, order);
    }
    let listed = rows.min(items.len());
    let (largest, left) = items.split_at_mut(listed);
    largest.sort_unstable_by(order);
    let mut table = Table::new(vec![
        Column::figure("bytes"),
        Column::figure("share"),
        Column::word("kind"),
        Column::name("largest items"),
    ]);
    let whole = model.total_bytes;
    let row = |bytes: u64, kind: &str, name: Cell| {
        vec![Cell::Size(bytes), Cell::Share(bytes, whole), Cell::Word(kind.to_owned(), Tone::Plain), name]
    };
    let called = model.checkpoint.as_ref().map(|checkpoint| Called::of(&checkpoint.tensors));
    for (_, item) in largest {
        let name = match (*item, &called) {
            (Item::Variable(tensor), Some(called)) => called.name(tensor),
            (Item::Function(graph, _), _) if model.meta_graphs.len() > 1 => {
                Name { also: Some(headline::title(graph)), ..Name::new(item.name()) }
            }
            _ => Name::new(item.name()),
        };
        table.row(row(item.bytes(), item.kind().1, Cell::Name(name)));
    }
    if !left.is_empty() && medium == Medium::Page {
        let bytes = left.iter().map(|(_, item)| item.bytes()).fold(0, u64::saturating_add);
        let rest = Rest { rows: left.len() as u64, bytes, count: 0 };
        table.rows.push(Row::new(row(bytes, "", Cell::Word(more(rest), Tone::Quiet))).tone(Tone::Quiet));
    }
    Some(Section::of(vec![Block::from(table)]))
}

/// All items, kind after kind.
fn items(model: &ModelReport) -> impl Iterator<Item = Item<'_>> {
    let tensors = model.checkpoint.iter().flat_map(|checkpoint| &checkpoint.tensors);
    let functions =
        model.meta_graphs.iter().flat_map(|graph| graph.function_defs.iter().map(move |function| (graph, function)));
    let is_own = |file: &&FileReport| !file.path.starts_with(VARIABLES) && !file.path.starts_with("saved_model.");
    let files = model.files.iter().filter(is_own).map(Item::of_file);
    let variables = tensors.filter(|tensor| tensor.bytes > 0).map(Item::Variable);
    variables.chain(functions.map(|(graph, function)| Item::Function(graph, function))).chain(files)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::{checkpoint, empty_model, file, tensor};

    /// What is listed of a model in so many rows.
    fn listed(model: &ModelReport, rows: usize) -> Vec<String> {
        let Some(section) = section(model, rows, Medium::Terminal) else { return Vec::new() };
        let [Block::Table(table)] = section.blocks.as_slice() else { panic!("expected a table") };
        let name = |row: &Row| match row.cells.last() {
            Some(Cell::Name(name)) => name.text.clone(),
            _ => panic!("expected a name in the last column"),
        };
        table.rows.iter().map(name).collect()
    }

    #[test]
    fn equal_items_are_listed_kind_after_kind_and_by_the_numbers_in_their_names() {
        let mut model = empty_model();
        let paths = ["assets/10", "b10", "assets/9", "b9", "assets/8"];
        model.files = paths.map(|path| file(path, 7, "assets")).to_vec();
        model.checkpoint = Some(checkpoint(vec![tensor("w10", 7), tensor("w9", 7), tensor("w11", 8)]));
        let all = ["w11", "w9", "w10", "assets/8", "assets/9", "assets/10", "b9", "b10"];
        for rows in 0..10 {
            assert_eq!(listed(&model, rows), all[..rows.min(all.len())], "{rows} rows");
        }
    }
}
