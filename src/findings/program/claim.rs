//! Which bytes tell of what goes from a program.

use std::ops::Range;

use foldhash::HashSet;
use prost::Message as _;

use super::{Object, Program, Vertex, position};
use crate::findings::claims::Claims;
use crate::findings::facts::Facts;
use crate::findings::nodes::Function;
use crate::graph::VertexSet;
use crate::message::input_node;

impl<'a> Program<'a> {
    /// Claims the functions and objects that go, with all entries that tell of them; and the bytes of the checkpoint's object graph
    /// that tell of them, which have no range.
    pub(in crate::findings) fn claim(&self, context: &Facts<'a>, gone: &VertexSet, claims: &mut Claims) -> u64 {
        self.claim_parts(context, gone, claims, |function| vec![function.range()])
    }

    /// The same, with only these parts of the functions.
    pub(in crate::findings) fn claim_parts(
        &self,
        context: &Facts<'a>,
        gone: &VertexSet,
        claims: &mut Claims,
        parts: impl Fn(&Function<'a>) -> Vec<Range<usize>>,
    ) -> u64 {
        let is_gone = |vertex: Vertex| gone.contains(vertex);
        let mut ranges: Vec<Range<usize>> = self.functions_among(gone).flat_map(parts).collect();
        let entries = self.concrete.iter().filter(|(function, _)| is_gone(**function));
        ranges.extend(entries.map(|(_, (entry, _))| entry.clone()));
        ranges.extend(self.gradients.iter().filter(|(vertex, _)| is_gone(*vertex)).map(|(_, entry)| entry.clone()));
        for (vertex, object) in self.objects() {
            if is_gone(vertex) {
                ranges.push(object.range());
            } else {
                ranges.extend(self.mentions(object, &is_gone));
            }
        }
        ranges.extend(self.constants(context, &is_gone));
        context.claim(claims, ranges);
        self.tracked(context, &is_gone).saturating_mul(self.tracked_copies)
    }

    /// The nodes that hold the values of constants that go, and that nobody else reads.
    fn constants(&self, context: &Facts<'a>, is_gone: &impl Fn(Vertex) -> bool) -> Vec<Range<usize>> {
        let operation = |object: &Object<'a>| object.kind.operation().unwrap_or_default();
        let constants: Vec<(Vertex, &[u8])> =
            self.objects().map(|(vertex, object)| (vertex, operation(object))).collect();
        let named = |gone: bool| constants.iter().filter(move |(vertex, _)| is_gone(*vertex) == gone);
        let mut names: HashSet<&[u8]> = named(true).map(|(_, name)| *name).filter(|name| !name.is_empty()).collect();
        for (_, name) in named(false) {
            names.remove(name);
        }
        if names.is_empty() {
            return Vec::new();
        }
        for input in context.nodes(self.meta_graph).flat_map(|node| node.inputs()) {
            names.remove(input_node(input));
        }
        context.nodes(self.meta_graph).filter(|node| names.contains(node.name())).map(|node| node.range()).collect()
    }

    /// Where an object that stays tells of what goes.
    fn mentions(&self, object: &Object<'a>, is_gone: &impl Fn(Vertex) -> bool) -> Vec<Range<usize>> {
        let children = object.object.children().chain(object.object.dependencies());
        let references =
            children.filter(|child| is_gone(self.vertex_of(position(child.node)))).map(|child| child.field);
        let traces = object.kind.traces().into_iter();
        let names = traces.filter(|name| self.function(name.bytes(self.file)).is_some_and(is_gone));
        references.chain(names).map(|field| field.range()).collect()
    }

    /// The bytes that one copy of the checkpoint's object graph has for what goes.
    fn tracked(&self, context: &Facts<'a>, is_gone: &impl Fn(Vertex) -> bool) -> u64 {
        let tracked = context.checkpoint.and_then(|checkpoint| checkpoint.object_graph.as_ref());
        let nodes: &[_] =
            if self.objects.is_empty() { &[] } else { tracked.map_or(&[], |tracked| &tracked.graph.nodes) };
        let field = |bytes: usize| (bytes + prost::length_delimiter_len(bytes) + 1) as u64;
        let gone_child = |node: i32| usize::try_from(node).is_ok_and(|node| is_gone(self.vertex_of(node)));
        let bytes = nodes.iter().enumerate().map(|(number, node)| {
            if is_gone(self.vertex_of(number)) {
                return field(node.encoded_len());
            }
            let children = node.children.iter().filter(|child| gone_child(child.node_id));
            children.map(|child| field(child.encoded_len())).sum()
        });
        bytes.fold(0, u64::saturating_add)
    }
}
