//! From what the pass found to what is said of it: pairs of metagraphs, groups with their places, structural groups.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use foldhash::HashMap;

use super::collect::{Collected, Function, Tally};
use super::elements::{Kind, text};
use super::groups::Grouped;
use super::payloads::PayloadKind;
use super::source::{Payload, Place};
use super::structure::{self, Structure};
use super::{
    Duplicates, Group, GroupKind, Member, Own, OwnElements, Pair, ReadFunction, Repeated, Structural, StructuralGroup,
};

pub(super) fn duplicates(collected: &Collected<'_>, grouped: &Grouped) -> Duplicates {
    let bytes_of = |indexes: &[usize]| counted(collected, indexes).map(Payload::bytes).sum::<u64>();
    let redundant = |tally: &&Tally| tally.original.is_some();
    let redundant_elements: u64 = collected.tallies.iter().filter(redundant).map(|tally| tally.bytes).sum();
    let redundant_payloads: u64 = grouped.groups.iter().map(|group| bytes_of(group.get(1..).unwrap_or_default())).sum();
    let redundant_bytes = redundant_elements + redundant_payloads;
    let mut groups = element_groups(collected);
    // Where all copies are in redundant elements, those have told it already.
    let told = |group: &&Vec<usize>| counted(collected, group.get(1..).unwrap_or_default()).next().is_some();
    groups.extend(grouped.groups.iter().filter(told).map(|group| payload_group(collected, group)));
    groups.sort_by_key(|group| Reverse(group.redundant_bytes));
    Duplicates {
        redundant_bytes,
        ratio: share(redundant_bytes, collected.inputs.total_bytes),
        zero_bytes: bytes_of(&grouped.zero),
        fill_bytes: bytes_of(&grouped.zero).saturating_add(bytes_of(&grouped.fill)),
        meta_graph_pairs: pairs(collected),
        meta_graph_own: own(collected),
        groups,
        structural: structural(collected),
    }
}

/// The payloads at these positions that are not counted with an element already.
fn counted<'c>(collected: &'c Collected<'_>, indexes: &'c [usize]) -> impl Iterator<Item = &'c Payload> {
    let payloads = indexes.iter().filter_map(|index| collected.payloads.get(*index));
    payloads.filter(|payload| !payload.in_element)
}

/// A share from 0 to 1; 0 of nothing.
fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

fn file<'a>(collected: &Collected<'a>) -> &'a Bytes {
    static EMPTY: Bytes = Bytes::new();
    collected.inputs.main_file.map_or(&EMPTY, |main_file| main_file.bytes)
}

/// The copies' tallies by (original, copy).
fn by_pair<'c>(collected: &'c Collected<'_>) -> BTreeMap<(u32, u32), Vec<&'c Tally>> {
    let mut pairs: BTreeMap<(u32, u32), Vec<&Tally>> = BTreeMap::new();
    for tally in &collected.tallies {
        if let Some(original) = tally.original {
            pairs.entry((original, tally.meta_graph)).or_default().push(tally);
        }
    }
    pairs.values_mut().for_each(|tallies| tallies.sort_by_key(|tally| tally.kind));
    pairs
}

/// How many elements of each kind each metagraph has, whoever had them first.
struct Counts(HashMap<(u32, Kind), u64>);

impl Counts {
    fn of(collected: &Collected<'_>) -> Self {
        let mut counts = HashMap::default();
        for tally in &collected.tallies {
            *counts.entry((tally.meta_graph, tally.kind)).or_default() += tally.count;
        }
        Self(counts)
    }

    fn get(&self, meta_graph: u32, kind: Kind) -> u64 {
        self.0.get(&(meta_graph, kind)).copied().unwrap_or(0)
    }
}

fn pairs(collected: &Collected<'_>) -> Vec<Pair> {
    let counts = Counts::of(collected);
    let size = |meta_graph: u32| {
        let main_file = collected.inputs.main_file?;
        Some(main_file.layout.span(main_file.meta_graphs.get(meta_graph as usize)?).payload_bytes())
    };
    let pair = |((original, copy), tallies): ((u32, u32), Vec<&Tally>)| {
        let bytes = tallies.iter().map(|tally| tally.bytes).sum();
        let mut by_section: BTreeMap<String, u64> = BTreeMap::new();
        for tally in &tallies {
            *by_section.entry(tally.kind.section().to_owned()).or_default() += tally.bytes;
        }
        let repeated = |tally: &&Tally| Repeated {
            field: tally.kind.field().to_owned(),
            count: tally.count,
            of: counts.get(copy, tally.kind),
            bytes: tally.bytes,
        };
        Pair {
            original: original.into(),
            copy: copy.into(),
            bytes,
            share_of_copy: share(bytes, size(copy).unwrap_or(0)),
            by_section,
            elements: tallies.iter().map(repeated).collect(),
        }
    };
    by_pair(collected).into_iter().map(pair).collect()
}

fn own(collected: &Collected<'_>) -> Vec<Own> {
    let mut own: BTreeMap<u32, Vec<&Tally>> = BTreeMap::new();
    for tally in collected.tallies.iter().filter(|tally| tally.original.is_none() && tally.meta_graph > 0) {
        own.entry(tally.meta_graph).or_default().push(tally);
    }
    own.into_iter()
        .map(|(meta_graph, mut tallies)| {
            tallies.sort_by_key(|tally| tally.kind);
            let elements = tallies.iter().map(|tally| OwnElements {
                field: tally.kind.field().to_owned(),
                count: tally.count,
                bytes: tally.bytes,
                largest: largest_names(collected, tally),
            });
            let bytes = tallies.iter().map(|tally| tally.bytes).sum();
            Own { meta_graph: meta_graph.into(), bytes, elements: elements.collect() }
        })
        .collect()
}

fn largest_names(collected: &Collected<'_>, tally: &Tally) -> Vec<String> {
    let names = tally.largest.iter().map(|(_, range)| tally.kind.name(file(collected), range.clone()));
    names.filter(|name| !name.is_empty()).collect()
}

/// The topmost identical things of each pair: a whole section where all of its elements are repeated, else each
/// function, as functions are large and have names, and the other elements by kind.
fn element_groups(collected: &Collected<'_>) -> Vec<Group> {
    let counts = Counts::of(collected);
    let mut functions = repeated_functions(collected);
    let mut groups = Vec::new();
    for ((original, copy), tallies) in by_pair(collected) {
        let sections: BTreeSet<&str> = tallies.iter().map(|tally| tally.kind.section()).collect();
        for section in sections {
            let of_section: Vec<&&Tally> = tallies.iter().filter(|tally| tally.kind.section() == section).collect();
            let count: u64 = of_section.iter().map(|tally| tally.count).sum();
            let bytes: u64 = of_section.iter().map(|tally| tally.bytes).sum();
            let kinds = Kind::ALL.iter().filter(|kind| kind.section() == section);
            if kinds.map(|kind| counts.get(copy, *kind)).sum::<u64>() == count {
                groups.push(element_group((original, copy), section, section, count, bytes));
                continue;
            }
            for tally in of_section {
                if tally.kind == Kind::Function {
                    groups.append(functions.entry((original, copy)).or_default());
                } else {
                    let name = format!("{} of {}", tally.count, counts.get(copy, tally.kind));
                    groups.push(element_group((original, copy), tally.kind.field(), &name, tally.count, tally.bytes));
                }
            }
        }
    }
    groups
}

/// A group for each function that is repeated, by the pair of metagraphs.
fn repeated_functions(collected: &Collected<'_>) -> HashMap<(u32, u32), Vec<Group>> {
    let mut groups: HashMap<(u32, u32), Vec<Group>> = HashMap::default();
    for function in &collected.functions {
        if let Some(original) = function.original {
            let pair = (original, function.meta_graph);
            let name = Kind::Function.name(file(collected), function.payload.clone());
            groups.entry(pair).or_default().push(element_group(pair, Kind::Function.field(), &name, 1, function.bytes));
        }
    }
    groups
}

fn element_group((original, copy): (u32, u32), place: &str, name: &str, elements: u64, bytes: u64) -> Group {
    let member = |meta_graph: u32, kept| Member {
        place: place.to_owned(),
        name: name.to_owned(),
        function: None,
        meta_graph: Some(meta_graph.into()),
        bytes,
        in_element: false,
        kept,
        range: 0..0,
    };
    let members = vec![member(original, true), member(copy, false)];
    Group { kind: GroupKind::Element, bytes, copies: 2, redundant_bytes: bytes, elements, members }
}

fn payload_group(collected: &Collected<'_>, group: &[usize]) -> Group {
    let payloads: Vec<&Payload> = group.iter().filter_map(|index| collected.payloads.get(*index)).collect();
    let kept = payloads.first();
    Group {
        kind: match kept.map(|payload| payload.kind) {
            Some(PayloadKind::Const) => GroupKind::Const,
            Some(PayloadKind::Attr) => GroupKind::Attr,
            Some(PayloadKind::Asset) => GroupKind::Asset,
            Some(PayloadKind::Variable) | None => GroupKind::Variable,
        },
        bytes: kept.map_or(0, |payload| payload.bytes()),
        copies: payloads.len() as u64,
        redundant_bytes: counted(collected, group.get(1..).unwrap_or_default()).map(Payload::bytes).sum(),
        elements: 1,
        members: payloads.iter().enumerate().map(|(index, payload)| member(collected, payload, index == 0)).collect(),
    }
}

fn member(collected: &Collected<'_>, payload: &Payload, kept: bool) -> Member {
    let name = |range: &std::ops::Range<usize>| text(file(collected), range.clone());
    let tensors = collected.inputs.checkpoint.map_or(&[][..], |checkpoint| &checkpoint.bundle.tensors);
    let (place, name, function, meta_graph) = match &payload.place {
        Place::Variable(index) => {
            ("variables", tensors.get(*index).map(|tensor| tensor.key.clone()).unwrap_or_default(), None, None)
        }
        Place::Node { meta_graph, function: None, node } => (Kind::Node.field(), name(node), None, Some(*meta_graph)),
        Place::Node { meta_graph, function: Some(function), node } => {
            (Kind::Function.field(), name(node), Some(name(function)), Some(*meta_graph))
        }
        Place::Asset => ("assets", collected.sources.name(payload.file).to_owned(), None, None),
    };
    let meta_graph = meta_graph.map(u64::from);
    Member {
        place: place.to_owned(),
        name,
        function,
        meta_graph,
        bytes: payload.bytes(),
        in_element: payload.in_element,
        kept,
        range: payload.taken.clone(),
    }
}

/// Groups functions by structure, those left out that are redundant as they are.
fn structural(collected: &Collected<'_>) -> Structural {
    let (mut by_class, mut kinds): (HashMap<usize, Vec<&Function>>, HashMap<Structure, usize>) = Default::default();
    let mut read = Vec::with_capacity(collected.functions.len());
    for (function, (structure, noted)) in collected.functions.iter().zip(&collected.structures) {
        let next = kinds.len();
        let kind = *kinds.entry(*structure).or_insert(next);
        let (has_attributes, shortest_name) = (noted.attributes, noted.shortest_name as u64);
        read.push(ReadFunction { start: function.start, kind, has_attributes, shortest_name });
        let structure = structure.class;
        if function.original.is_none() {
            by_class.entry(structure).or_default().push(function);
        }
    }
    let own = || collected.functions.iter().filter(|function| function.original.is_none());
    let mut groups: Vec<(u64, StructuralGroup)> = by_class
        .values()
        .filter(|functions| functions.len() > 1)
        .map(|group| structural_group(collected, group))
        .collect();
    groups.sort_by(|(a_start, a), (b_start, b)| b.redundant_bytes.cmp(&a.redundant_bytes).then(a_start.cmp(b_start)));
    Structural {
        redundant_bytes: groups.iter().map(|(_, group)| group.redundant_bytes).sum(),
        function_bytes: own().map(|function| function.bytes).sum(),
        groups: groups.into_iter().map(|(_, group)| group).collect(),
        read,
    }
}

/// A group, and where its first function starts: what orders groups of equal size.
fn structural_group(collected: &Collected<'_>, functions: &[&Function]) -> (u64, StructuralGroup) {
    let name = |function: &&Function| Kind::Function.name(file(collected), function.payload.clone());
    let names: Vec<String> = functions.iter().map(name).collect();
    let bytes: u64 = functions.iter().map(|function| function.bytes).sum();
    let largest = functions.iter().map(|function| function.bytes).max().unwrap_or(0);
    let stem = structure::common_stem(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let start = functions.first().map_or(0, |function| function.payload.start as u64);
    let field = |function: &&Function| (u64::from(function.meta_graph), function.start..function.payload.end);
    let fields = functions.iter().map(field).collect();
    (start, StructuralGroup { stem, functions: names, bytes, redundant_bytes: bytes - largest, fields })
}
