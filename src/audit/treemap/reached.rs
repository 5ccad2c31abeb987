//! Which bytes each signature reaches: what a treemap is filtered by, and coloured where none reaches it.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::audit::{Answers, Parts};
use crate::graph::{MetaGraphReach, Root, VertexKind};
use crate::message::number::{function_def_library, graph_def, meta_graph_def};
use crate::report::TreemapSignature;
use crate::wire::{Field, fields};

/// Signatures beyond these are not told apart: each takes a walk of its own.
const MOST: usize = 24;

/// The most vertices that all walks together pass.
const MOST_PASSED: usize = 1 << 26;

/// The signatures that reach some bytes, a bit each.
pub(super) type Signatures = u32;

/// Ranges of a file, in order and disjoint, with the signatures that reach them; what no signature could need is in none.
pub(super) type ByFile = BTreeMap<String, Vec<(Range<u64>, Signatures)>>;

/// The signatures that are told apart, and what each reaches.
pub(super) fn reached(parts: &Parts<'_>, answers: &Answers<'_>) -> (Vec<TreemapSignature>, ByFile) {
    let mut signatures = Vec::new();
    let mut files = ByFile::new();
    let graphs = answers.reach.meta_graphs.iter().zip(&answers.saved_model.meta_graphs).enumerate();
    let mut tensors: Vec<Signatures> = vec![0; parts.checkpoint.as_ref().map_or(0, |it| it.bundle.tensors.len())];
    let mut assets: BTreeMap<String, Signatures> = BTreeMap::new();
    let mut is_followed = false;
    for (index, (graph, about)) in graphs {
        let Some(graph) = graph else { continue };
        is_followed = true;
        let roots = graph.roots.iter().filter(|root| root.position.is_some());
        let room = (MOST - signatures.len()).min(MOST_PASSED / graph.kinds().count().max(1));
        let mut masks: Vec<Signatures> = vec![0; graph.kinds().count()];
        for root in roots.take(room) {
            let name = root.position.and_then(|position| about.signatures.get(position)).map(|it| it.name.clone());
            let bit = 1 << signatures.len();
            for number in graph.reach(|other: &Root| other == root).numbers() {
                masks.get_mut(number as usize).into_iter().for_each(|mask| *mask |= bit);
            }
            signatures.push(TreemapSignature {
                name: name.unwrap_or_default(),
                meta_graph: about.label(index),
                reachable_bytes: root.reachable_bytes,
            });
        }
        for (tensor, mask) in tensors.iter_mut().zip(&masks) {
            *tensor |= mask;
        }
        for (number, _) in graph.kinds().filter(|(_, kind)| *kind == VertexKind::Asset) {
            let mask = masks.get(number as usize).copied().unwrap_or_default();
            *assets.entry(format!("assets/{}", graph.name(number))).or_default() |= mask;
        }
        if let Some(main) = &parts.main_file {
            let ranges = files.entry(main.file.name.clone()).or_default();
            of_fields(parts, graph, &masks, about.range.clone(), ranges);
        }
    }
    if !is_followed || signatures.is_empty() {
        return (Vec::new(), ByFile::new());
    }
    of_tensors(parts, &tensors, &mut files);
    for (name, mask) in assets {
        files.extend(parts.model.file(&name).map(|file| (name, vec![(0..file.bytes, mask)])));
    }
    (signatures, files)
}

/// The nodes and functions of a metagraph, where their fields are in the file.
fn of_fields(
    parts: &Parts<'_>,
    graph: &MetaGraphReach<'_>,
    masks: &[Signatures],
    range: Range<usize>,
    into: &mut Vec<(Range<u64>, Signatures)>,
) {
    let is_declared = |kind| matches!(kind, VertexKind::Node | VertexKind::Function);
    let vertices = graph.kinds().zip(masks).filter(|((_, kind), _)| is_declared(*kind));
    let starts = vertices.filter_map(|((number, _), mask)| Some((graph.vertex(number)?.span.start, *mask)));
    let mut starts: Vec<(usize, Signatures)> = starts.collect();
    starts.sort_unstable();
    let mut add = |field: &Field| {
        let at = starts.partition_point(|(start, _)| *start < field.payload);
        let Some((_, mask)) = starts.get(at).filter(|(start, _)| *start == field.payload) else { return };
        let range = parts.layout().span(field).range();
        match into.last_mut() {
            Some((last, known)) if last.end == range.start && known == mask => last.end = range.end,
            _ => into.push((range, *mask)),
        }
    };
    let bytes = parts.main_bytes();
    for section in fields(bytes, range).filter(|section| section.is_len(meta_graph_def::GRAPH_DEF)) {
        for field in fields(bytes, section.payload()) {
            if field.is_len(graph_def::NODE) {
                add(&field);
            } else if field.is_len(graph_def::LIBRARY) {
                let functions = fields(bytes, field.payload());
                functions.filter(|field| field.is_len(function_def_library::FUNCTION)).for_each(|field| add(&field));
            }
        }
    }
}

/// The data of tensors, as it is charged to them.
fn of_tensors(parts: &Parts<'_>, tensors: &[Signatures], files: &mut ByFile) {
    for file in parts.checkpoint.iter().flat_map(|checkpoint| &checkpoint.files) {
        let of = |extent: &crate::checkpoint::Extent| {
            let mask = extent.tensor.and_then(|tensor| tensors.get(tensor))?;
            Some((extent.range.clone(), *mask))
        };
        let ranges: Vec<_> = file.extents.iter().filter_map(of).collect();
        if !ranges.is_empty() {
            files.insert(file.path.clone(), ranges);
        }
    }
}
