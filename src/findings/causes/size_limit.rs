//! `size-limit`: a `saved_model.pb` that loaders refuse, or soon will.
//!
//! protobuf writes and reads messages of less than 2 GiB, as their sizes are signed 32-bit numbers. The C++ loaders up to
//! TensorFlow 2.3, and TensorFlow Serving with them, stop at 1 GiB (`tensorflow/core/platform/env.cc`, `ReadBinaryProto`,
//! which sets `SetTotalBytesLimit(1024LL << 20, ..)`; tensorflow/serving issues 1331, 1686 and 1697). Both are about this
//! one file: variables and assets have no such limit.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Range;

use crate::findings::claims::Claims;
use crate::findings::evidence::{Evidence, Place};
use crate::findings::{Cause, Context, Cure, Detected, NAMED, Remedy, quoted};
use crate::input::layout::BINARY;
use crate::message::number::function_def::NODE_DEF;
use crate::message::number::function_def_library::FUNCTION;
use crate::message::number::graph_def::{LIBRARY, NODE};
use crate::message::number::meta_graph_def::{GRAPH_DEF, OBJECT_GRAPH_DEF};
use crate::message::number::node_def::OP;
use crate::message::number::saved_model::META_GRAPHS;
use crate::message::ops;
use crate::size::{bytes, share};
use crate::wire::{Field, fields, first_len};

pub(super) const CAUSE: Cause = Cause {
    id: "size-limit",
    remedies: &[Remedy::any(
        "Move what contributes most out of saved_model.pb: arrays into `tf.Variable`s, vocabularies into assets.",
        "",
        "all that load it are newer than TensorFlow 2.3, and it stays well below 2 GiB.",
    )],
    long: include_str!("../../../docs/findings/size-limit.md"),
    detect: |context| detect(context, &LIMITS),
    only_information: None,
    cure: Cure::None,
};

/// A size that is refused.
#[derive(Debug, Clone, Copy)]
struct Limit {
    bytes: u64,
    /// What it is called, and whose it is.
    name: &'static str,
}

/// In rising order.
const LIMITS: [Limit; 2] = [
    Limit { bytes: 1 << 30, name: "the 1 GiB that loaders up to TensorFlow 2.3 can read" },
    Limit { bytes: (1 << 31) - 1, name: "the 2 GiB that protobuf can read" },
];

/// The share of a limit, in percent, from which on it is near: what is left is a retraining's larger vocabulary.
const NEAR: u64 = 90;

fn detect(context: &Context<'_>, limits: &[Limit]) -> Option<Detected> {
    let file = context.model.file(BINARY).filter(|file| file.bytes == context.main().len() as u64)?;
    let is_near = |limit: &&Limit| file.bytes / NEAR >= limit.bytes / 100;
    let (first, reached) = (limits.first()?, limits.iter().rev().find(is_near)?);
    let excess = file.bytes.saturating_sub(first.bytes / 100 * NEAR);
    let parts = Parts::of(context);
    let (mut claims, mut evidence, mut left) = (Claims::default(), Evidence::default(), excess);
    for part in parts.largest() {
        // No more than has to go: that is what the finding is worth.
        let taken = left.min(part.range.len() as u64);
        left -= taken;
        let end = part.range.start + usize::try_from(taken).unwrap_or_default();
        context.claim(&mut claims, std::iter::once(part.range.start..end));
        evidence.add(context.cost(&part.range), || (part.what(context), part.place(context)));
    }
    let state = if file.bytes > reached.bytes { "more than" } else { "near" };
    let (most, kind) = parts.sums.iter().zip(PartKind::ALL).max_by_key(|(bytes, _)| **bytes)?;
    let message = format!(
        "saved_model.pb has {}, {state} {} ({}); {} of it {}.",
        bytes(file.bytes),
        reached.name,
        share(file.bytes, reached.bytes),
        share(*most, file.bytes),
        kind.are(),
    );
    Some(Detected { message, evidence, claims, beyond: left })
}

/// What a part of the file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum PartKind {
    Constant,
    Node,
    FunctionNode,
    Objects,
    Other,
}

impl PartKind {
    const ALL: [Self; 5] = [Self::Constant, Self::Node, Self::FunctionNode, Self::Objects, Self::Other];

    fn are(self) -> &'static str {
        match self {
            Self::Constant => "are constants",
            Self::Node => "are nodes of graphs other than constants",
            Self::FunctionNode => "are nodes of functions other than constants",
            Self::Objects => "is the object graph",
            Self::Other => "are op definitions, collections and the like",
        }
    }
}

/// A node, or a section that has none.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Part {
    range: Range<usize>,
    payload: Range<usize>,
    kind: PartKind,
}

impl Part {
    fn name<'a>(&self, context: &Context<'a>) -> &'a [u8] {
        let name = first_len(context.main(), self.payload.clone(), 1).unwrap_or_default();
        context.main().get(name).unwrap_or_default()
    }

    fn what(&self, context: &Context<'_>) -> String {
        match self.kind {
            PartKind::Constant => format!("constant {}", quoted(self.name(context))),
            PartKind::Node => format!("node {}", quoted(self.name(context))),
            PartKind::FunctionNode => format!("node {} in a function", quoted(self.name(context))),
            PartKind::Objects => "the object graph".to_owned(),
            PartKind::Other => "op definitions, collections and the like".to_owned(),
        }
    }

    fn place(&self, context: &Context<'_>) -> Place {
        let start = self.range.start;
        let graph = context.saved_model.meta_graphs.iter().position(|graph| graph.range.contains(&start));
        let text = |name: &[u8]| String::from_utf8_lossy(name).into_owned();
        let function = context.function_around(start).and_then(|function| context.functions().get(function));
        let (section, node) = match self.kind {
            PartKind::Objects => (Some("object_graph_def"), None),
            PartKind::Other => (None, None),
            PartKind::Constant | PartKind::Node | PartKind::FunctionNode => {
                (Some("graph_def"), Some(text(self.name(context))))
            }
        };
        let (section, function) = (section.map(str::to_owned), function.map(|function| text(function.name)));
        Place { section, function, node, ..graph.map(Place::of_meta_graph).unwrap_or_default() }
    }
}

/// The file's parts: the bytes of each kind, and the largest ones.
struct Parts<'a> {
    file: &'a [u8],
    /// In the order of [`PartKind::ALL`].
    sums: [u64; 5],
    /// By size, the smallest on top: length, start, payload and kind.
    heap: BinaryHeap<Reverse<(usize, usize, usize, PartKind)>>,
}

impl<'a> Parts<'a> {
    fn of(context: &Context<'a>) -> Self {
        let file = context.main();
        let mut parts = Self { file, sums: [0; 5], heap: BinaryHeap::new() };
        let metas = fields(file, 0..file.len()).filter(|field| field.is_len(META_GRAPHS));
        for section in metas.flat_map(|meta| fields(file, meta.payload())) {
            match section.number {
                GRAPH_DEF => fields(file, section.payload()).for_each(|field| parts.graph(&field)),
                OBJECT_GRAPH_DEF => parts.add(&section, PartKind::Objects),
                _ => parts.add(&section, PartKind::Other),
            }
        }
        parts
    }

    fn graph(&mut self, field: &Field) {
        if field.is_len(NODE) {
            self.node(field, PartKind::Node);
        } else if field.is_len(LIBRARY) {
            let functions = fields(self.file, field.payload()).filter(|field| field.is_len(FUNCTION));
            let file = self.file;
            for field in functions.flat_map(|function| fields(file, function.payload())) {
                if field.is_len(NODE_DEF) {
                    self.node(&field, PartKind::FunctionNode);
                } else {
                    self.add(&field, PartKind::Other);
                }
            }
        } else {
            self.add(field, PartKind::Other);
        }
    }

    fn node(&mut self, field: &Field, kind: PartKind) {
        let op = first_len(self.file, field.payload(), OP).and_then(|op| self.file.get(op));
        self.add(field, if op == Some(ops::CONST) { PartKind::Constant } else { kind });
    }

    fn add(&mut self, field: &Field, kind: PartKind) {
        let range = field.range();
        if let Some(sum) = self.sums.get_mut(kind as usize) {
            *sum = sum.saturating_add(range.len() as u64);
        }
        self.heap.push(Reverse((range.len(), range.start, field.payload, kind)));
        if self.heap.len() > NAMED {
            self.heap.pop();
        }
    }

    /// The largest parts, largest first.
    fn largest(&self) -> Vec<Part> {
        let mut largest: Vec<_> = self.heap.iter().map(|Reverse(part)| *part).collect();
        largest.sort_unstable_by(|a, b| b.cmp(a));
        let part = |(length, start, payload, kind): (usize, usize, usize, PartKind)| {
            let end = start + length;
            Part { range: start..end, payload: payload..end, kind }
        };
        largest.into_iter().map(part).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::tests::with_context;
    use crate::support::graph::{function_of, graph_of, node_of};
    use crate::support::wire::{constant, meta_graph, saved_model};

    /// A model of about 10,000 bytes: a constant of 6,000, and one of 3,000 in a function.
    fn model() -> Vec<u8> {
        let graph = graph_of(
            &[constant("large", &[1; 6000]), node_of(&"n".repeat(500), "Add", &[])],
            &[function_of("f", &[], &[constant("inner", &[2; 3000])])],
        );
        saved_model([&meta_graph(&["serve"], &graph)]).0
    }

    fn found(limits: [u64; 2]) -> Option<Detected> {
        let [low, high] = limits;
        let limits = [Limit { bytes: low, name: "the low limit" }, Limit { bytes: high, name: "the high limit" }];
        with_context(&[(BINARY, &model())], |context| detect(context, &limits))
    }

    #[test]
    fn a_file_well_below_all_limits_is_no_finding() {
        let size = model().len() as u64;
        assert!(found([size * 2, size * 4]).is_none());
        assert!(with_context(&[(BINARY, &model())], |context| detect(context, &LIMITS)).is_none());
    }

    #[test]
    fn what_has_to_leave_the_file_is_claimed_of_its_largest_parts() {
        let size = model().len() as u64;
        let detected = found([2000, 100_000]).unwrap();
        assert_eq!((detected.claims.bytes(), detected.beyond), (size - 1800, 0));
        let (lines, places) = detected.evidence.into_lines();
        assert!(lines[0].starts_with("constant `large`: ") && lines[1].starts_with("constant `inner`"), "{lines:?}");
        let names: Vec<_> =
            places.iter().map(|place| (place.node.as_deref(), place.function.as_deref())).take(2).collect();
        assert_eq!(names, [(Some("large"), None), (Some("inner"), Some("f"))]);
    }

    #[test]
    fn the_message_has_the_largest_limit_that_is_near_and_what_contributes_most() {
        let size = model().len() as u64;
        let message = |limits| found(limits).unwrap().message;
        assert!(message([size + 10, 2 * size]).contains("near the low limit"));
        assert!(message([size - 10, 2 * size]).contains("more than the low limit"));
        assert!(message([size / 2, size + 10]).contains("near the high limit"));
        let over = message([size / 2, size - 10]);
        assert!(over.contains("more than the high limit") && over.ends_with("of it are constants."), "{over}");
    }

    #[test]
    fn the_limits_are_those_of_loaders_and_of_protobuf() {
        assert_eq!(LIMITS.map(|limit| limit.bytes), [1_073_741_824, 2_147_483_647]);
    }
}
