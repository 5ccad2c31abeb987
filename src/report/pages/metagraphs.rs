//! What metagraphs duplicate of earlier ones, and what is their own.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::report::document::{Block, Cell, Column, Name, Paragraph, Row, Section, Table, Tone, more_bytes};
use crate::report::duplicates::{Own, OwnElements, Pair, Repeated};
use crate::report::view::{BREAKDOWN_ROWS, LISTED};
use crate::report::{MetaGraphReport, ModelReport, View};
use crate::size::{both, bytes, exact, human, plural, share};

use super::Amounts;
use super::headline::{TAGS, called, graph};

/// How many names of elements are given, where they stand for more.
const NAMES: usize = 3;

/// A line for each pair, the one that shares most first: which metagraph duplicates how much of which, and what is its
/// own. Of many pairs, the largest and one line for the rest.
pub(super) fn brief(model: &ModelReport, amounts: Amounts) -> Option<Section> {
    let duplicates = &model.duplicates;
    if model.meta_graphs.len() < 2 {
        return None;
    }
    let said = format!(
        "duplicates: {}, {} of the model are stored more than once",
        human(duplicates.redundant_bytes),
        share(duplicates.redundant_bytes, model.total_bytes)
    );
    let title = if duplicates.redundant_bytes > 0 { said } else { "duplicates: none".to_owned() };
    let tone = if duplicates.redundant_bytes > 0 { Tone::Warning } else { Tone::Strong };
    let mut section = Section::titled(Paragraph::said(title).tone(tone));
    let pairs = pairs(model);
    let mut owned = Vec::new();
    for pair in pairs.iter().take(amounts.pairs) {
        let is_new = !owned.contains(&pair.copy);
        owned.push(pair.copy);
        let line = line(pair, model);
        let line = if is_new { with_own(line, model, pair.copy) } else { line };
        section = section.with(line.at_most(amounts.lines.min(2)));
    }
    let left = pairs.get(amounts.pairs..).unwrap_or_default();
    if !left.is_empty() && amounts.lines > 1 {
        let bytes = left.iter().map(|pair| pair.bytes).fold(0, u64::saturating_add);
        let count = plural(left.len() as u64, "pair", "pairs");
        section = section.with(Paragraph::said(format!("… {count} more, {} (--full)", human(bytes))).tone(Tone::Quiet));
    }
    let alone: Vec<&MetaGraphReport> = alone(model).filter(|_| amounts.lines > 1 || pairs.is_empty()).collect();
    Some(section.with_all(unshared(&alone)))
}

/// The metagraphs but the first that duplicate nothing.
fn alone(model: &ModelReport) -> impl Iterator<Item = &MetaGraphReport> {
    let copies: BTreeSet<u64> = model.duplicates.meta_graph_pairs.iter().map(|pair| pair.copy).collect();
    model.meta_graphs.iter().skip(1).filter(move |graph| !copies.contains(&graph.index))
}

/// `#1 serve duplicates nothing: all of its 38.5 kB are its own`.
fn unshared(alone: &[&MetaGraphReport]) -> Option<Paragraph> {
    let said = match alone {
        [] => return None,
        [only] => {
            let name = Paragraph::default().and_name_of(super::headline::title(only), TAGS);
            name.and(format!(" duplicates nothing: all of its {} are its own", human(only.bytes)))
        }
        many => Paragraph::said(format!("{} metagraphs duplicate nothing of others", exact(many.len() as u64))),
    };
    Some(said.at_most(2))
}

/// `#1 serve duplicates 38.1 kB of #0 train, 99.0% of its size`.
fn line(pair: &Pair, model: &ModelReport) -> Paragraph {
    let [original, copy] = [pair.original, pair.copy].map(|index| called(model, index));
    let whole = graph(model, pair.copy).map_or(0, |graph| graph.bytes);
    Paragraph::default()
        .and_name_of(copy, TAGS)
        .and(format!(" duplicates {} of ", human(pair.bytes)))
        .and_name_of(original, TAGS)
        .and(format!(", {} of its size", share(pair.bytes, whole)))
}

/// `; its own: 319 bytes (1 node, 1 signature)`.
fn with_own(line: Paragraph, model: &ModelReport, copy: u64) -> Paragraph {
    let Some(own) = model.duplicates.meta_graph_own.iter().find(|own| own.meta_graph == copy) else {
        return line.and("; nothing is its own");
    };
    let elements = own.elements.iter().map(|kind| {
        let (one, many) = words(&kind.field);
        Paragraph::said(plural(kind.count, one, many))
    });
    line.and(format!("; its own: {} (", human(own.bytes))).and_listed(elements).and(")")
}

/// All pairs and what is whose own, at length.
pub(super) fn full(model: &ModelReport, view: &View) -> Vec<Section> {
    let duplicates = &model.duplicates;
    let mut sections = Vec::new();
    let all = pairs(model);
    let (shown, rest) = view.cut(&all, LISTED, |pair| (pair.bytes, 0));
    for pair in shown {
        let title = line(pair, model).tone(Tone::Warning);
        sections.push(Section::titled(title).fact("duplicated", repeated(pair)));
    }
    sections.extend(rest.map(|rest| Section::of(vec![Paragraph::said(more_bytes(rest)).tone(Tone::Quiet).into()])));
    let mut own: Vec<&Own> = duplicates.meta_graph_own.iter().collect();
    own.sort_by_key(|own| Reverse(own.bytes));
    let (shown, rest) = view.cut(&own, LISTED, |own| (own.bytes, 0));
    for own in shown {
        let title = Paragraph::default()
            .and_name_of(called(model, own.meta_graph), TAGS)
            .and(format!(": {} are its own", both(own.bytes)));
        sections.push(Section::titled(title).fact("its own", elements(own)));
    }
    sections.extend(rest.map(|rest| Section::of(vec![Paragraph::said(more_bytes(rest)).tone(Tone::Quiet).into()])));
    if model.meta_graphs.len() > 2 && !duplicates.meta_graph_pairs.is_empty() {
        sections.push(matrix(model, view));
    }
    sections
}

/// The pairs of metagraphs, those that share most first.
fn pairs(model: &ModelReport) -> Vec<&Pair> {
    let mut pairs: Vec<&Pair> = model.duplicates.meta_graph_pairs.iter().collect();
    pairs.sort_by_key(|pair| Reverse(pair.bytes));
    pairs
}

/// `24 of 30 nodes, 1 of 1 saver`.
fn repeated(pair: &Pair) -> Paragraph {
    Paragraph::default().and_listed(pair.elements.iter().map(|kind: &Repeated| {
        let (one, many) = words(&kind.field);
        Paragraph::said(format!("{} of {}", exact(kind.count), plural(kind.of, one, many)))
    }))
}

/// `6 nodes of 1,234 bytes (loss, gradients/add, …), 1 signature of 149 bytes (serving_default)`.
fn elements(own: &Own) -> Paragraph {
    let element = |kind: &OwnElements| {
        let (one, many) = words(&kind.field);
        let size = Paragraph::said(format!("{} of {}", plural(kind.count, one, many), bytes(kind.bytes)));
        let names = kind.largest.iter().take(NAMES);
        if names.len() == 0 {
            return size;
        }
        let is_cut = kind.count > names.len() as u64;
        let named = size.and(" (").and_listed(names.map(|name| Paragraph::default().and_name(name)));
        named.and(if is_cut { ", …)" } else { ")" })
    };
    Paragraph::default().and_listed(own.elements.iter().map(element))
}

/// Which metagraph duplicates how much of which, where there are more than two: a row for each copy, a column for each of
/// the first originals.
fn matrix(model: &ModelReport, view: &View) -> Section {
    /// Past these, columns have no room on a terminal.
    const ORIGINALS: usize = 4;
    let duplicates = &model.duplicates;
    let (shown, rest) = view.cut(&model.meta_graphs, BREAKDOWN_ROWS, |graph: &MetaGraphReport| (graph.bytes, 0));
    let originals: Vec<u64> =
        shown.iter().map(|graph| graph.index).take(ORIGINALS.min(shown.len().saturating_sub(1))).collect();
    let mut columns: Vec<Column> = originals.iter().map(|index| Column::figure(format!("of #{index}"))).collect();
    columns.extend([Column::figure("own"), Column::figure("all"), Column::name("metagraph")]);
    let mut table = Table::new(columns);
    let pairs: BTreeMap<_, _> =
        duplicates.meta_graph_pairs.iter().map(|pair| ((pair.original, pair.copy), pair.bytes)).collect();
    let own: BTreeMap<_, _> = duplicates.meta_graph_own.iter().map(|own| (own.meta_graph, own.bytes)).collect();
    for graph in shown {
        let of = |bytes: Option<&u64>| bytes.map_or(Cell::Blank, |bytes| Cell::Bytes(*bytes));
        let mut cells: Vec<Cell> = originals.iter().map(|index| of(pairs.get(&(*index, graph.index)))).collect();
        cells.extend([of(own.get(&graph.index)), Cell::Bytes(graph.bytes)]);
        cells.push(Cell::Name(Name::new(super::headline::title(graph))));
        table.rows.push(Row::new(cells));
    }
    let rest = rest.map(|rest| Block::from(Paragraph::said(more_bytes(rest)).tone(Tone::Quiet)));
    Section::of(vec![Block::from(table)]).with_all(rest)
}

/// The elements of a field in words.
fn words(field: &str) -> (&str, &str) {
    match field {
        "meta_info_def.stripped_op_list.op" => ("op definition", "op definitions"),
        "graph_def.node" => ("node", "nodes"),
        "graph_def.library.function" => ("function", "functions"),
        "graph_def.library.gradient" => ("gradient", "gradients"),
        "graph_def.library.registered_gradients" => ("registered gradient", "registered gradients"),
        "saver_def" => ("saver", "savers"),
        "collection_def" => ("collection", "collections"),
        "signature_def" => ("signature", "signatures"),
        "asset_file_def" => ("asset reference", "asset references"),
        "object_graph_def.nodes" => ("object", "objects"),
        "object_graph_def.concrete_functions" => ("concrete function", "concrete functions"),
        other => (other, other),
    }
}
