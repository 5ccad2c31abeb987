//! The main file: functions and nodes of its graphs, signatures, and its other fields.

use foldhash::HashMap;
use std::collections::BTreeSet;

use super::graphs::{Graphs, label};
use super::rows::{Level, Tallies};
use super::status::{is_clean, status};
use super::{category_change, functions, list, nodes, sum};
use crate::ledger::Category;
use crate::report::{Change, DiffKind, DiffReport, DiffRow, DiffStatus, MetaGraphReport, ModelReport, SignatureReport};

/// What others need to know of it.
pub(super) struct MainFile {
    /// Whether nothing differs but names.
    pub(super) is_clean: bool,
    /// The same of the object graphs.
    pub(super) objects_are_clean: bool,
    /// For each function of the new model that has another name in the old one, that name.
    pub(super) functions: HashMap<String, String>,
}

/// Categories that are a field of a metagraph and nothing else.
const SECTIONS: [Category; 5] = [
    Category::MetaInfoDef,
    Category::SaverDef,
    Category::CollectionDef,
    Category::ObjectGraphDef,
    Category::SignatureDef,
];

pub(super) fn compare(
    old: &ModelReport,
    new: &ModelReport,
    graphs: &Graphs<'_>,
    tallies: &mut Tallies,
    report: &mut DiffReport,
    levels: &mut Vec<Level>,
) -> MainFile {
    let mut main = MainFile { is_clean: graphs.all_matched(), objects_are_clean: true, functions: HashMap::default() };
    let graph = graph(graphs, category_change(old, new, Category::GraphDef), tallies, report, &mut main);
    levels.push(graph);
    for category in SECTIONS {
        let (level, is_clean) = sections(category, graphs, category_change(old, new, category), tallies);
        main.is_clean &= is_clean;
        main.objects_are_clean &= is_clean || category != Category::ObjectGraphDef;
        levels.push(level);
    }
    let mut framing = Level::new(Category::Framing.name(), DiffKind::Category);
    let change = category_change(old, new, Category::Framing);
    // Lengths of metagraphs follow from what is in them.
    let status = follows(change, main.is_clean);
    framing.put(section(Category::Framing.name(), status, change), tallies);
    levels.push(framing);
    report.meta_graphs = meta_graphs(graphs);
    main
}

/// What follows from the rest: it differs by names only if all of that does.
pub(super) fn follows(change: Change, is_clean: bool) -> DiffStatus {
    match (change.delta, is_clean) {
        (0, _) => DiffStatus::Same,
        (_, true) => DiffStatus::Naming,
        (_, false) => DiffStatus::Changed,
    }
}

fn section(name: &str, status: DiffStatus, change: Change) -> DiffRow {
    let counts = [change.old, change.new].map(|bytes| u64::from(bytes > 0));
    DiffRow::new(name, DiffKind::Section, status, change, counts)
}

/// A digest of a field of both; none where one does not say.
fn digests<'r>(old: &'r MetaGraphReport, new: &'r MetaGraphReport, field: &str) -> Option<bool> {
    let [old_all, new_all] = [&old.structures, &new.structures];
    (!old_all.is_empty() && !new_all.is_empty()).then(|| old_all.get(field) == new_all.get(field))
}

/// Functions, nodes by op, and what is left.
fn graph(
    graphs: &Graphs<'_>,
    all: Change,
    tallies: &mut Tallies,
    report: &mut DiffReport,
    main: &mut MainFile,
) -> Level {
    let mut level = Level::new(Category::GraphDef.name(), DiffKind::Category);
    for (graph, status) in one_sided(graphs) {
        level.put(whole_section(graph, status, Category::GraphDef), tallies);
    }
    let mut functions = Level::new("functions", DiffKind::Group);
    let mut nodes = Level::new("nodes", DiffKind::Group);
    let mut rest_is_equal = Some(true);
    for (old, new) in &graphs.matched {
        for row in functions::compare(old, new) {
            main.is_clean &= is_clean(row.status);
            if let Some(old_name) = &row.old_name {
                main.functions.insert(row.name.clone(), old_name.clone());
            }
            list(&mut report.functions, &row);
            functions.put(row, tallies);
        }
        let compared = nodes::Graphs { old, new, functions: &main.functions };
        main.is_clean &= compared.compare(&mut nodes, tallies, report);
        rest_is_equal = match (rest_is_equal, digests(old, new, Category::GraphDef.name())) {
            (Some(is_equal), Some(is_this)) => Some(is_equal && is_this),
            _ => None,
        };
    }
    crate::report::sort_rows(&mut report.functions.rows);
    crate::report::sort_rows(&mut report.nodes.rows);
    level.level(functions, tallies);
    level.level(nodes, tallies);
    match level.rest(all) {
        Some(rest) => {
            let status = status(rest, rest_is_equal);
            main.is_clean &= is_clean(status);
            let row = DiffRow::new("versions, gradients, lengths", DiffKind::Part, status, rest, [0, 0]);
            level.put(row, tallies);
            level
        }
        None => whole(Category::GraphDef, all, tallies),
    }
}

/// A level of which the parts are more than all of it: it has none.
pub(super) fn whole(category: Category, all: Change, tallies: &mut Tallies) -> Level {
    let mut level = Level::new(category.name(), DiffKind::Category);
    let status = if all.delta == 0 { DiffStatus::Same } else { DiffStatus::Changed };
    level.put(section(category.name(), status, all), tallies);
    level
}

fn one_sided<'r>(graphs: &Graphs<'r>) -> impl Iterator<Item = (&'r MetaGraphReport, DiffStatus)> {
    let removed = graphs.only_old.clone().into_iter().map(|graph| (graph, DiffStatus::Removed));
    removed.chain(graphs.only_new.clone().into_iter().map(|graph| (graph, DiffStatus::Added)))
}

/// A field of a metagraph that only one model has.
fn whole_section(graph: &MetaGraphReport, status: DiffStatus, category: Category) -> DiffRow {
    let bytes = graph.sections.get(category.name()).copied().unwrap_or(0);
    let change = if status == DiffStatus::Removed { Change::new(bytes, 0) } else { Change::new(0, bytes) };
    let counts = if status == DiffStatus::Removed { [1, 0] } else { [0, 1] };
    // A field that it does not have is nothing that came or went.
    let status = if bytes == 0 { DiffStatus::Same } else { status };
    let counts = if bytes == 0 { [0, 0] } else { counts };
    DiffRow::new(label(graph), DiffKind::MetaGraph, status, change, counts).in_meta_graph(Some(graph.index))
}

/// A category that is one field of each metagraph.
fn sections(category: Category, graphs: &Graphs<'_>, all: Change, tallies: &mut Tallies) -> (Level, bool) {
    let name = category.name();
    let mut level = Level::new(name, DiffKind::Category);
    for (graph, status) in one_sided(graphs) {
        level.put(whole_section(graph, status, category), tallies);
    }
    let mut clean = true;
    for (old, new) in &graphs.matched {
        let bytes = |graph: &MetaGraphReport| graph.sections.get(name).copied().unwrap_or(0);
        let change = Change::new(bytes(old), bytes(new));
        let status = status(change, digests(old, new, name));
        clean &= is_clean(status);
        if category == Category::SignatureDef && !is_clean(status) {
            let mut below = Level::new(label(new), DiffKind::MetaGraph);
            below.meta_graph = Some(new.index);
            below.old_name = Some(label(old)).filter(|name| *name != label(new));
            signatures(old, new).into_iter().for_each(|row| below.put(row, tallies));
            if let Some(rest) = below.rest(change) {
                let status = if rest.delta == 0 { DiffStatus::Same } else { DiffStatus::Changed };
                below.put(DiffRow::new("lengths", DiffKind::Part, status, rest, [0, 0]), tallies);
                level.level(below, tallies);
                continue;
            }
        }
        level.put(section(name, status, change).in_meta_graph(Some(new.index)), tallies);
    }
    match level.rest(all) {
        Some(Change { old: 0, new: 0, .. }) => (level, clean),
        // A report whose metagraphs are not all of the category.
        Some(rest) => {
            let status = if rest.delta == 0 { DiffStatus::Same } else { DiffStatus::Changed };
            level.put(DiffRow::new("other", DiffKind::Part, status, rest, [0, 0]), tallies);
            (level, clean && rest.delta == 0)
        }
        None => (whole(category, all, tallies), false),
    }
}

/// The signatures of two metagraphs, by their keys: the last of a key counts.
fn signatures(old: &MetaGraphReport, new: &MetaGraphReport) -> Vec<DiffRow> {
    fn by_name(graph: &MetaGraphReport) -> HashMap<&str, (u64, &SignatureReport)> {
        let mut all: HashMap<&str, (u64, &SignatureReport)> = HashMap::default();
        for signature in &graph.signatures {
            let (bytes, last) = all.entry(&signature.name).or_insert((0, signature));
            (*bytes, *last) = (bytes.saturating_add(signature.bytes), signature);
        }
        all
    }
    let [olds, news] = [old, new].map(by_name);
    let names: BTreeSet<&str> = olds.keys().chain(news.keys()).copied().collect();
    let row = |name: &str| {
        let (before, after) = (olds.get(name), news.get(name));
        let [old_bytes, new_bytes] = [before, after].map(|found| found.map_or(0, |(bytes, _)| *bytes));
        let change = Change::new(old_bytes, new_bytes);
        let is_alike = || before.zip(after).is_some_and(|((_, old), (_, new))| is_alike(old, new));
        let status = match (before, after, change.delta) {
            (None, _, _) => DiffStatus::Added,
            (_, None, _) => DiffStatus::Removed,
            _ if is_alike() => follows(change, true),
            (_, _, 0) => DiffStatus::Content,
            _ => DiffStatus::Changed,
        };
        let counts = [before, after].map(|found| u64::from(found.is_some()));
        DiffRow::new(name, DiffKind::Signature, status, change, counts).in_meta_graph(Some(new.index))
    };
    names.into_iter().map(row).collect()
}

fn is_alike(old: &SignatureReport, new: &SignatureReport) -> bool {
    (&old.method_name, &old.inputs, &old.outputs) == (&new.method_name, &new.inputs, &new.outputs)
}

/// The metagraphs as they are, whatever differs in them.
fn meta_graphs(graphs: &Graphs<'_>) -> Vec<DiffRow> {
    let nodes = |graph: &MetaGraphReport| sum([graph.nodes, graph.function_nodes].into_iter());
    let matched = graphs.matched.iter().map(|(old, new)| {
        let change = Change::new(old.bytes, new.bytes);
        let status = if change.delta == 0 && label(old) == label(new) { DiffStatus::Same } else { DiffStatus::Changed };
        DiffRow::new(label(new), DiffKind::MetaGraph, status, change, [nodes(old), nodes(new)])
            .renamed_from(&label(old))
            .in_meta_graph(Some(new.index))
    });
    let others = one_sided(graphs).map(|(graph, status)| {
        let (change, counts) = match status {
            DiffStatus::Removed => (Change::new(graph.bytes, 0), [nodes(graph), 0]),
            _ => (Change::new(0, graph.bytes), [0, nodes(graph)]),
        };
        DiffRow::new(label(graph), DiffKind::MetaGraph, status, change, counts).in_meta_graph(Some(graph.index))
    });
    let mut rows: Vec<DiffRow> = matched.chain(others).collect();
    rows.sort_by_key(|row| row.meta_graph);
    rows
}
