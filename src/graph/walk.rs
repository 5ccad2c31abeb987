//! Walks over the graph: what some roots or vertices reach, and what they would still reach without something.
//!
//! Every walk is over the same typed edges, so a question is a choice of two: where it begins, and which edges it
//! leaves out. Each takes one pass over what it reaches, and a bit for each vertex of the metagraph.
//!
//! ```text
//! served             = reach(roots that are not the object graph)
//! for programs only  = reach(all roots) - served
//! what F alone needs = reach(all roots) - reach_without(all roots, edges to F)
//! unread variables   = vertices of kind Variable - reach(all roots)
//! ```

use super::edges::Edges;
use super::{EdgeKind, MetaGraphReach, Origin, Root};

/// That one vertex needs another: an edge, or what a root leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Need {
    /// The vertex that needs; `None` where a root does.
    pub from: Option<u32>,
    /// The vertex that is needed.
    pub to: u32,
    /// Why.
    pub kind: EdgeKind,
}

/// Some of the vertices of a metagraph, by their numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VertexSet {
    words: Vec<u64>,
}

impl VertexSet {
    /// No vertex of so many.
    #[must_use]
    pub fn none_of(vertices: usize) -> Self {
        Self { words: vec![0; vertices.div_ceil(64)] }
    }

    /// Whether it has the vertex of this number.
    #[must_use]
    pub fn contains(&self, number: u32) -> bool {
        self.words.get(number as usize / 64).is_some_and(|word| word >> (number % 64) & 1 == 1)
    }

    /// Adds the vertex of this number, if the metagraph has such a one; says whether it was not there.
    pub fn insert(&mut self, number: u32) -> bool {
        let Some(word) = self.words.get_mut(number as usize / 64) else { return false };
        let before = *word;
        *word |= 1 << (number % 64);
        *word != before
    }

    /// The vertices of this set that the other one does not have.
    #[must_use]
    pub fn without(mut self, other: &Self) -> Self {
        self.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word &= !other);
        self
    }

    /// The numbers of its vertices, in order.
    pub fn numbers(&self) -> impl Iterator<Item = u32> {
        let bits = |word: u64| (0..64).filter(move |bit| word >> bit & 1 == 1);
        (0..).zip(&self.words).flat_map(move |(at, word): (u32, _)| bits(*word).map(move |bit| at * 64 + bit))
    }

    /// How many it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }
}

/// The vertices at `start`, and what these reach along all edges but those for which `leaves_out` holds.
pub(super) fn walk(
    edges: &Edges,
    start: impl IntoIterator<Item = u32>,
    leaves_out: impl Fn(&Need) -> bool,
) -> VertexSet {
    let mut reached = VertexSet::none_of(edges.vertices());
    let mut open: Vec<u32> = start.into_iter().filter(|number| reached.insert(*number)).collect();
    while let Some(from) = open.pop() {
        for (to, kind) in edges.of(from).iter().map(|edge| edge.parts()) {
            if !leaves_out(&Need { from: Some(from), to, kind }) && reached.insert(to) {
                open.push(to);
            }
        }
    }
    reached
}

impl MetaGraphReach<'_> {
    /// The vertices that those roots reach for which `is_root` holds.
    #[must_use]
    pub fn reach(&self, is_root: impl Fn(&Root) -> bool) -> VertexSet {
        self.reach_without(is_root, |_| false)
    }

    /// What these roots still reach along all edges but those for which `leaves_out` holds. It is asked of what the roots
    /// lead to as well, so that a walk can do without a vertex: `|need| need.to == it`.
    #[must_use]
    pub fn reach_without(&self, is_root: impl Fn(&Root) -> bool, leaves_out: impl Fn(&Need) -> bool) -> VertexSet {
        let roots = self.roots.iter().filter(|root| is_root(root));
        let needs =
            roots.flat_map(|root| root.targets.iter().map(|(to, kind)| Need { from: None, to: *to, kind: *kind }));
        let start: Vec<u32> = needs.filter(|need| !leaves_out(need)).map(|need| need.to).collect();
        self.reach_from(start, leaves_out)
    }

    /// The vertices at `start`, and what these reach along all edges but those for which `leaves_out` holds.
    #[must_use]
    pub fn reach_from(&self, start: impl IntoIterator<Item = u32>, leaves_out: impl Fn(&Need) -> bool) -> VertexSet {
        walk(&self.edges, start, leaves_out)
    }

    /// What a signature or what a loader runs needs. What only the functions of the object graph need, which a Python
    /// program may call, is not in it.
    #[must_use]
    pub fn served(&self) -> VertexSet {
        self.reach(|root| root.origin != Origin::Objects)
    }

    /// What some roots reach through these vertices and on no other path, these included where a root reaches them.
    #[must_use]
    pub fn only_through(&self, is_root: impl Fn(&Root) -> bool, vertices: &VertexSet) -> VertexSet {
        let without = self.reach_without(&is_root, |need| vertices.contains(need.to));
        self.reach(is_root).without(&without)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tests::look;
    use super::*;
    use crate::support::graph::{call, function_of, graph_of, node_of, object, objects, signature};
    use crate::support::wire::{Message, message, meta_graph};

    /// A served function, one that only the object graph has, and one that both need; a node that nobody needs.
    fn model() -> Message {
        let own = |name: &str, calls: &str| function_of(name, &[], &[call("inner", calls, &[])]);
        let functions = [own("served", "shared"), own("extra", "shared"), function_of("shared", &[], &[])];
        let nodes = [call("y", "served", &["x"]), node_of("x", "Placeholder", &[]), node_of("idle", "NoOp", &[])];
        let graph = signature(meta_graph(&[], &graph_of(&nodes, &functions)), "serve", &["x:0"], &["y:0"]);
        let function = |name: &str| object(6, &message().bytes(1, name), &[]);
        let root = object(4, &message(), &[("extra", 1), ("served", 2)]);
        graph.message(7, &objects(&[root, function("extra"), function("served")], &[]))
    }

    fn names(graph: &MetaGraphReach<'_>, set: &VertexSet) -> Vec<String> {
        set.numbers().map(|number| graph.name(number)).collect()
    }

    #[test]
    fn what_only_the_object_graph_reaches_is_not_served() {
        look(&model(), None, |graph| {
            let served = graph.served();
            assert_eq!(names(graph, &served), ["y", "x", "served", "shared"]);
            let for_programs = graph.reach(|_| true).without(&served);
            assert_eq!(names(graph, &for_programs), ["extra", "extra", "served"]);
        });
    }

    #[test]
    fn what_one_function_alone_needs_goes_with_it_and_what_another_needs_as_well_stays() {
        look(&model(), None, |graph| {
            let function = |wanted: &str| {
                let mut set = VertexSet::none_of(graph.kinds().count());
                let is_it = |(number, kind): &(u32, _)| {
                    *kind == crate::graph::VertexKind::Function && graph.name(*number) == wanted
                };
                graph.kinds().filter(is_it).for_each(|(number, _)| _ = set.insert(number));
                set
            };
            assert_eq!(names(graph, &graph.only_through(|_| true, &function("extra"))), ["extra"]);
            let both = graph.only_through(Root::is_call, &function("served"));
            assert_eq!(names(graph, &both), ["served", "shared"]);
        });
    }

    #[test]
    fn edges_of_a_kind_are_left_out() {
        look(&model(), None, |graph| {
            let set = graph.reach_without(|_| true, |need| matches!(need.kind, EdgeKind::Calls | EdgeKind::Trace));
            assert_eq!(names(graph, &set), ["y", "x", "extra", "served"]);
        });
    }

    proptest! {
        #[test]
        fn a_set_has_what_was_put_into_it(numbers in prop::collection::btree_set(0_u32..200, 0..50), other in prop::collection::btree_set(0_u32..200, 0..50)) {
            let set = |numbers: &std::collections::BTreeSet<u32>| {
                let mut set = VertexSet::none_of(200);
                numbers.iter().for_each(|number| assert!(set.insert(*number) && !set.insert(*number)));
                set
            };
            prop_assert_eq!(set(&numbers).numbers().collect::<Vec<_>>(), numbers.iter().copied().collect::<Vec<_>>());
            prop_assert_eq!((set(&numbers).len(), set(&numbers).is_empty()), (numbers.len(), numbers.is_empty()));
            let rest: Vec<u32> = numbers.difference(&other).copied().collect();
            prop_assert_eq!(set(&numbers).without(&set(&other)).numbers().collect::<Vec<_>>(), rest);
            prop_assert!((0..300).all(|number| set(&numbers).contains(number) == numbers.contains(&number)));
        }
    }
}
