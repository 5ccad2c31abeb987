//! From what the pass found to what is redundant: pairs of metagraphs, groups with their places, structural groups.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use foldhash::HashMap;

use super::collect::{Collected, Tally};
use super::elements::ElementKind;
use super::groups::Grouped;
use super::payloads::PayloadKind;
use super::source::Payload;
use super::structure::Structure;
use super::{
    Duplicates, Group, MAX_PAIRS, Member, Own, OwnElements, Pair, Place, ReadFunction, Repeated, Structural,
    StructuralGroup,
};
use crate::identity::{FunctionId, MetaGraphId};

pub(super) fn duplicates(collected: &Collected<'_>, grouped: &Grouped) -> Duplicates {
    let bytes_of = |indexes: &[usize]| counted(collected, indexes).map(Payload::bytes).sum::<u64>();
    let redundant = |tally: &&Tally| tally.original.is_some();
    let redundant_elements: u64 = collected.tallies.iter().filter(redundant).map(|tally| tally.bytes).sum();
    let redundant_payloads: u64 = grouped.groups.iter().map(|group| bytes_of(group.get(1..).unwrap_or_default())).sum();
    let redundant_bytes = redundant_elements + redundant_payloads;
    let (by_pair, more_pairs) = by_pair(collected);
    let mut groups = element_groups(collected, &by_pair);
    // Where all copies are in redundant elements, those groups say so already.
    let is_own = |group: &&Vec<usize>| counted(collected, group.get(1..).unwrap_or_default()).next().is_some();
    groups.extend(grouped.groups.iter().filter(is_own).map(|group| payload_group(collected, group)));
    groups.sort_by_key(|group| Reverse(group.redundant_bytes));
    Duplicates {
        redundant_bytes,
        zero_bytes: bytes_of(&grouped.zero),
        fill_bytes: bytes_of(&grouped.zero).saturating_add(bytes_of(&grouped.fill)),
        pairs: pairs(collected, &by_pair),
        more_pairs,
        own: own(collected),
        groups,
        structural: structural(collected),
    }
}

/// The payloads at these positions that are not counted with an element already.
fn counted<'c>(collected: &'c Collected<'_>, indexes: &'c [usize]) -> impl Iterator<Item = &'c Payload> {
    let payloads = indexes.iter().filter_map(|index| collected.payloads.get(*index));
    payloads.filter(|payload| !payload.in_element)
}

/// The copies' tallies by (original, copy).
type ByPair<'c> = BTreeMap<(u32, u32), Vec<&'c Tally>>;

/// The tallies of the pairs that share most, and how many other pairs there are.
fn by_pair<'c>(collected: &'c Collected<'_>) -> (ByPair<'c>, u64) {
    let mut pairs = ByPair::new();
    for tally in &collected.tallies {
        if let Some(original) = tally.original {
            pairs.entry((original, tally.meta_graph)).or_default().push(tally);
        }
    }
    let more = pairs.len().saturating_sub(MAX_PAIRS);
    if more > 0 {
        let bytes = |tallies: &[&Tally]| tallies.iter().map(|tally| tally.bytes).sum::<u64>();
        let mut sizes: Vec<_> = pairs.iter().map(|(pair, tallies)| (Reverse(bytes(tallies)), *pair)).collect();
        sizes.sort_unstable();
        // Each copy has one, or it would seem to be none.
        let mut copies = BTreeSet::new();
        let (largest, rest): (Vec<_>, Vec<_>) = sizes.into_iter().partition(|(_, (_, copy))| copies.insert(*copy));
        rest.iter().skip(MAX_PAIRS.saturating_sub(largest.len())).for_each(|(_, pair)| _ = pairs.remove(pair));
    }
    pairs.values_mut().for_each(|tallies| tallies.sort_by_key(|tally| tally.kind));
    (pairs, more as u64)
}

/// How many elements of each kind each metagraph has, whoever had them first.
struct Counts(HashMap<(u32, ElementKind), u64>);

impl Counts {
    fn of(collected: &Collected<'_>) -> Self {
        let mut counts = HashMap::default();
        for tally in &collected.tallies {
            *counts.entry((tally.meta_graph, tally.kind)).or_default() += tally.count;
        }
        Self(counts)
    }

    fn get(&self, meta_graph: u32, kind: ElementKind) -> u64 {
        self.0.get(&(meta_graph, kind)).copied().unwrap_or(0)
    }
}

fn pairs(collected: &Collected<'_>, by_pair: &ByPair<'_>) -> Vec<Pair> {
    let counts = Counts::of(collected);
    let size = |meta_graph: u32| {
        let main_file = collected.inputs.main_file?;
        Some(main_file.layout.span(main_file.meta_graphs.get(meta_graph as usize)?).payload_bytes())
    };
    let pair = |(&(original, copy), tallies): (&(u32, u32), &Vec<&Tally>)| {
        let repeated = |tally: &&Tally| Repeated {
            kind: tally.kind,
            count: tally.count,
            of: counts.get(copy, tally.kind),
            bytes: tally.bytes,
        };
        Pair {
            original: MetaGraphId(original),
            copy: MetaGraphId(copy),
            copy_bytes: size(copy).unwrap_or(0),
            elements: tallies.iter().map(repeated).collect(),
        }
    };
    by_pair.iter().map(pair).collect()
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
                kind: tally.kind,
                count: tally.count,
                bytes: tally.bytes,
                largest: tally.largest.iter().map(|(_, payload)| payload.clone()).collect(),
            });
            Own { meta_graph: MetaGraphId(meta_graph), elements: elements.collect() }
        })
        .collect()
}

/// The topmost identical parts of each pair: a whole section where all of its elements are repeated, else each
/// function, as functions are large and have names, and the other elements by kind.
fn element_groups(collected: &Collected<'_>, by_pair: &ByPair<'_>) -> Vec<Group> {
    let counts = Counts::of(collected);
    let mut functions = repeated_functions(collected);
    let mut groups = Vec::new();
    for (pair, tallies) in by_pair {
        let (pair, copy) = (*pair, pair.1);
        let mut by_section: BTreeMap<&str, Vec<&Tally>> = BTreeMap::new();
        for tally in tallies {
            by_section.entry(tally.kind.section()).or_default().push(tally);
        }
        for (section, of_section) in by_section {
            let count: u64 = of_section.iter().map(|tally| tally.count).sum();
            let bytes: u64 = of_section.iter().map(|tally| tally.bytes).sum();
            let kinds = ElementKind::ALL.iter().filter(|kind| kind.section() == section);
            let is_whole = kinds.map(|kind| counts.get(copy, *kind)).sum::<u64>() == count;
            if let Some(tally) = of_section.first().filter(|_| is_whole) {
                groups.push(element_group(pair, |graph| Place::Section(graph, tally.kind), count, bytes));
                continue;
            }
            for tally in of_section {
                if tally.kind == ElementKind::Function {
                    groups.append(functions.entry(pair).or_default());
                } else {
                    let place = |graph| Place::Elements(graph, tally.kind, counts.get(copy, tally.kind));
                    groups.push(element_group(pair, place, tally.count, tally.bytes));
                }
            }
        }
    }
    groups
}

/// A group for each function that is repeated, by the pair of metagraphs.
fn repeated_functions(collected: &Collected<'_>) -> HashMap<(u32, u32), Vec<Group>> {
    let mut groups: HashMap<(u32, u32), Vec<Group>> = HashMap::default();
    for (position, function) in collected.functions.iter().enumerate() {
        if let Some(original) = function.original {
            let pair = (original, function.meta_graph);
            let place = |graph| Place::Function(graph, FunctionId::at(position));
            groups.entry(pair).or_default().push(element_group(pair, place, 1, function.bytes));
        }
    }
    groups
}

fn element_group(
    (original, copy): (u32, u32),
    place: impl Fn(MetaGraphId) -> Place,
    elements: u64,
    bytes: u64,
) -> Group {
    let member = |graph: u32| Member { place: place(MetaGraphId(graph)), bytes, in_element: false, range: 0..0 };
    Group { redundant_bytes: bytes, elements, is_string: false, members: vec![member(original), member(copy)] }
}

fn payload_group(collected: &Collected<'_>, group: &[usize]) -> Group {
    let payloads: Vec<&Payload> = group.iter().filter_map(|index| collected.payloads.get(*index)).collect();
    let member = |payload: &&Payload| Member {
        place: payload.place,
        bytes: payload.bytes(),
        in_element: payload.in_element,
        range: payload.taken.clone(),
    };
    Group {
        redundant_bytes: counted(collected, group.get(1..).unwrap_or_default()).map(Payload::bytes).sum(),
        elements: 1,
        is_string: payloads.first().is_some_and(|kept| kept.kind == PayloadKind::Attr),
        members: payloads.iter().map(member).collect(),
    }
}

/// Groups functions by structure, those left out that are redundant as they are.
fn structural(collected: &Collected<'_>) -> Structural {
    let (mut by_class, mut kinds): (HashMap<usize, Vec<FunctionId>>, HashMap<Structure, usize>) = Default::default();
    let mut read = Vec::with_capacity(collected.functions.len());
    for (position, (function, (structure, noted))) in collected.functions.iter().zip(&collected.structures).enumerate()
    {
        let next = kinds.len();
        let kind = *kinds.entry(*structure).or_insert(next);
        read.push(ReadFunction {
            start: function.start,
            meta_graph: MetaGraphId(function.meta_graph),
            name: noted.name,
            kind,
            has_attributes: noted.attributes,
            shortest_name: noted.shortest_name as u64,
            structure: structure.digest,
            form: structure.form,
        });
        let structure = structure.class;
        if function.original.is_none() {
            by_class.entry(structure).or_default().push(FunctionId::at(position));
        }
    }
    let own = || collected.functions.iter().filter(|function| function.original.is_none());
    let groups = by_class.into_values().filter(|functions| functions.len() > 1);
    let mut groups: Vec<StructuralGroup> = groups.map(|functions| structural_group(collected, functions)).collect();
    // Of groups of equal size the one whose first function comes first.
    groups.sort_by_key(|group| (Reverse(group.redundant_bytes), group.functions.first().copied()));
    Structural {
        redundant_bytes: groups.iter().map(|group| group.redundant_bytes).sum(),
        function_bytes: own().map(|function| function.bytes).sum(),
        groups,
        read,
    }
}

fn structural_group(collected: &Collected<'_>, functions: Vec<FunctionId>) -> StructuralGroup {
    let sizes = functions.iter().filter_map(|function| collected.functions.get(function.position()));
    let (bytes, largest) =
        sizes.fold((0, 0), |(sum, largest): (u64, u64), function| (sum + function.bytes, largest.max(function.bytes)));
    StructuralGroup { functions, bytes, redundant_bytes: bytes - largest }
}
