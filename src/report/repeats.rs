//! What text and Markdown both say of duplicates, in the same words. How a name is made safe is theirs to say: `name`.

use std::cmp::Reverse;

use super::duplicates::{Group, GroupKind, Member, Own, OwnElements, Pair, Repeated, StructuralGroup};
use super::format::SHOWS_ALL;
use super::phrases::{listed, title};
use super::{MetaGraphReport, ModelReport, Report};
use crate::checkpoint::KEY_SUFFIX;
use crate::duplicates::{NeighbourPair, Parts};
use crate::ledger::Rest;
use crate::size::{both, bytes, exact, plural, share};

/// How many names of elements are given, where they stand for more.
const NAMES: usize = 3;

/// `70,904 bytes (70.90 kB), 59.9% of the model`, or that there are none.
pub(super) fn total(model: &ModelReport) -> String {
    match model.duplicates.redundant_bytes {
        0 => "none".to_owned(),
        redundant => format!("{}, {} of the model", both(redundant), share(redundant, model.total_bytes)),
    }
}

/// What is said of payloads of one value throughout, where there are any.
pub(super) fn fill(model: &ModelReport) -> Option<String> {
    let (fill, zero) = (model.duplicates.fill_bytes, model.duplicates.zero_bytes);
    let zeros = match zero {
        0 => String::new(),
        all if all == fill => " (zeros)".to_owned(),
        part => format!(" ({} of zeros)", bytes(part)),
    };
    (fill > 0).then(|| format!("{} in payloads of one value throughout{zeros}, which are no copies", bytes(fill)))
}

/// The pairs of metagraphs, those that share most first.
pub(super) fn pairs(model: &ModelReport) -> Vec<&Pair> {
    let mut pairs: Vec<&Pair> = model.duplicates.meta_graph_pairs.iter().collect();
    pairs.sort_by_key(|pair| Reverse(pair.bytes));
    pairs
}

/// What metagraphs have of their own, the most first.
pub(super) fn owns(model: &ModelReport) -> Vec<&Own> {
    let mut own: Vec<&Own> = model.duplicates.meta_graph_own.iter().collect();
    own.sort_by_key(|own| Reverse(own.bytes));
    own
}

/// `#1 serve repeats 38,136 bytes (38.14 kB) of #0 train, 99.0% of its own size`.
pub(super) fn pair(pair: &Pair, model: &ModelReport, name: impl Fn(&str) -> String) -> String {
    let [original, copy] = [pair.original, pair.copy].map(|index| name(&called(model, index)));
    let whole = graph(model, pair.copy).map_or(0, |graph| graph.bytes);
    format!("{copy} repeats {} of {original}, {} of its own size", both(pair.bytes), share(pair.bytes, whole))
}

/// `24 of 30 nodes`, `1 of 1 saver`, ...
pub(super) fn repeated(pair: &Pair) -> Vec<String> {
    listed(pair.elements.iter().map(|kind: &Repeated| {
        let (one, many) = words(&kind.field);
        format!("{} of {}", exact(kind.count), plural(kind.of, one, many))
    }))
}

/// `6 nodes of 1,234 bytes (loss, gradients/add, …)`, ...; a line may be broken between any two names.
pub(super) fn own(own: &Own, name: impl Fn(&str) -> String) -> Vec<String> {
    let mut items = Vec::new();
    for (index, kind) in (1..).zip(&own.elements) {
        let (one, many) = words(&kind.field);
        let size = format!("{} of {}", plural(kind.count, one, many), bytes(kind.bytes));
        let end = if index == own.elements.len() { "" } else { ", " };
        items.extend(with_names(size, kind, &name));
        items.last_mut().into_iter().for_each(|last| last.push_str(end));
    }
    items
}

/// `size` with the names of the largest elements in parentheses.
fn with_names(size: String, kind: &OwnElements, name: impl Fn(&str) -> String) -> Vec<String> {
    let mut names: Vec<String> = kind.largest.iter().take(NAMES).map(|text| name(text)).collect();
    if names.is_empty() {
        return vec![size];
    }
    if kind.count > names.len() as u64 {
        names.push("…".to_owned());
    }
    let mut items = listed(names);
    items.first_mut().into_iter().for_each(|first| first.insert(0, '('));
    items.last_mut().into_iter().for_each(|last| last.push(')'));
    items.insert(0, format!("{size} "));
    items
}

/// `#0 serve`, from its index.
pub(super) fn called(model: &ModelReport, index: u64) -> String {
    graph(model, index).map_or_else(|| format!("#{index}"), title)
}

fn graph(model: &ModelReport, index: u64) -> Option<&MetaGraphReport> {
    usize::try_from(index).ok().and_then(|index| model.meta_graphs.get(index))
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

/// The groups of payloads, which have places to name; parts of metagraphs are in the pairs.
pub(super) fn payload_groups(model: &ModelReport) -> Vec<&Group> {
    model.duplicates.groups.iter().filter(|group| group.kind != GroupKind::Element).collect()
}

/// `3 × 32,768`: copies and the size of one.
pub(super) fn copies(group: &Group) -> String {
    format!("{} × {}", exact(group.copies), exact(group.bytes))
}

/// Where a content is.
pub(super) struct Place {
    /// `variable`, `#0 serve`, `asset`.
    pub(super) holder: String,
    /// Its name there: a checkpoint key, a node, behind its function if it has one, a file.
    pub(super) name: String,
    /// The variable's own name, where that is not its key.
    pub(super) also: Option<String>,
    /// Whether it is counted with an element that metagraphs repeat.
    pub(super) in_element: bool,
}

/// Where a member of a group is.
pub(super) fn place(member: &Member, model: &ModelReport) -> Place {
    // Of a variable the key comes first: two of one name are told apart by it.
    let key = member.key.as_deref().map(|key| key.strip_suffix(KEY_SUFFIX).unwrap_or(key));
    let (name, also) = match (key, &member.function) {
        (Some(key), _) => {
            let has_name = Some(&member.name) != member.key.as_ref() && member.name != key;
            (key.to_owned(), has_name.then(|| member.name.clone()))
        }
        (None, Some(function)) => (format!("{function}/{}", member.name), None),
        (None, None) => (member.name.clone(), None),
    };
    let holder = match member.meta_graph {
        Some(index) => called(model, index),
        None if member.key.is_some() => "variable".to_owned(),
        None => "asset".to_owned(),
    };
    Place { holder, name, also, in_element: member.in_element }
}

/// `… 3 more, 600 bytes (-n 0 shows all)`.
pub(super) fn more(rest: Rest) -> String {
    format!("… {} more, {} ({SHOWS_ALL})", exact(rest.rows), bytes(rest.bytes))
}

/// What is said of models that repeat each other.
pub(super) fn neighbours_total(report: &Report) -> String {
    let (repeated, all) = (report.totals.neighbours_bytes, report.totals.bytes);
    format!("between models: {}, {} of all, are in an earlier one", both(repeated), share(repeated, all))
}

/// `models/2 repeats 99,000 bytes (99 kB) of models/1, 88.0% of its own size`.
pub(super) fn neighbours(pair: &NeighbourPair, name: impl Fn(&str) -> String) -> String {
    let percent = percent(pair.share_of_copy);
    let [copy, original] = [&pair.copy, &pair.original].map(|path| name(path));
    format!("{copy} repeats {} of {original}, {percent} of its own size", both(pair.bytes))
}

/// A share as people read it.
fn percent(share_of_copy: f64) -> String {
    format!("{:.1}%", share_of_copy * 100.0)
}

/// `the whole checkpoint (12 tensors of 99,000 bytes)`, `3 of 4 other files of 812 bytes`.
pub(super) fn neighbours_parts(pair: &NeighbourPair) -> Vec<String> {
    let tensors = || match pair.whole_checkpoint {
        true => {
            let count = plural(pair.tensors.count, "tensor", "tensors");
            format!("the whole checkpoint ({count} of {})", bytes(pair.tensors.bytes))
        }
        false => parts(&pair.tensors, "tensor", "tensors"),
    };
    let files = (pair.files.count > 0).then(|| parts(&pair.files, "other file", "other files"));
    listed((pair.tensors.count > 0).then(tensors).into_iter().chain(files))
}

fn parts(parts: &Parts, one: &str, many: &str) -> String {
    format!("{} of {} with {}", exact(parts.count), plural(parts.of, one, many), bytes(parts.bytes))
}

/// What is said of functions that are equal but for names; nothing where there are none.
pub(super) fn structural(model: &ModelReport) -> Option<String> {
    let structural = &model.duplicates.structural;
    let share = share(structural.redundant_bytes, structural.function_bytes);
    let size = both(structural.redundant_bytes);
    (structural.redundant_bytes > 0).then(|| format!("{size}, {share} of the functions, not counted above"))
}

/// What a structural group is called.
pub(super) fn stem(group: &StructuralGroup) -> &str {
    if group.stem.is_empty() { group.functions.first().map_or("", String::as_str) } else { &group.stem }
}
