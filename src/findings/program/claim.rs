//! Which bytes tell of what goes from a program.

use std::collections::BTreeSet;
use std::ops::Range;

use foldhash::HashSet;

use super::{Object, Program, Vertex, position};
use crate::findings::claims::Claims;
use crate::findings::facts::Facts;
use crate::findings::nodes::Function;
use crate::findings::removal;
use crate::graph::VertexSet;
use crate::message::input_node;

impl<'a> Program<'a> {
    /// Claims the functions and objects that go, with all entries that tell of them, those of the checkpoint's object graph and of
    /// its copy in the graph among them.
    pub(in crate::findings) fn claim(&self, context: &Facts<'a>, gone: &VertexSet, claims: &mut Claims) {
        self.claim_parts(context, gone, claims, |function| vec![function.range()]);
    }

    /// The same, with only these parts of the functions.
    pub(in crate::findings) fn claim_parts(
        &self,
        context: &Facts<'a>,
        gone: &VertexSet,
        claims: &mut Claims,
        parts: impl Fn(&Function<'a>) -> Vec<Range<usize>>,
    ) {
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
        let objects: BTreeSet<u32> =
            (0..).zip(self.objects()).filter(|(_, (vertex, _))| is_gone(*vertex)).map(|(number, _)| number).collect();
        if let Some(tracked) = removal::claim_tracked(context, &objects, claims) {
            ranges.extend(removal::object_graph_again(context, self.meta_graph, &tracked, &objects));
        }
        context.claim(claims, ranges);
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
}
