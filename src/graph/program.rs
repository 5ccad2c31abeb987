//! What a Python program gets that loads a TF2 metagraph, as a graph: its functions and its objects.
//!
//! The graph of signatures ([`MetaGraphReach`](super::MetaGraphReach)) asks what a loader brings along, so there an object is
//! on a path to functions and tensors and holds nothing. For a program an object also holds its attributes, by name, and
//! functions need the gradients that training looks up by strings. These edges would change what signatures reach, so they
//! are in a graph of their own, along which the same walk goes.

use super::edges::{Edges, FoundEdges};
use super::walk::{Need, VertexSet, walk};
use super::{EdgeKind, MAX_VERTICES};

/// More functions and objects than this, or more edges, are not followed: the smallest takes two bytes of a file.
const MAX_OWN_VERTICES: usize = 1 << 20;
const MAX_EDGES: usize = 1 << 22;
const _: () = assert!(MAX_OWN_VERTICES <= MAX_VERTICES);

/// The functions and objects of a metagraph, functions first, and how they need each other: calls and what stands in for
/// another function ([`EdgeKind::Calls`]), gradients, attributes ([`EdgeKind::Holds`]), traces, captured objects.
#[derive(Debug)]
pub struct ProgramGraph {
    edges: Edges,
    /// What is needed by nobody but the file: functions that nodes call, the root object, gradients that no function names.
    roots: Vec<(u32, EdgeKind)>,
}

/// The same while edges are found.
#[derive(Debug)]
pub struct ProgramEdges {
    found: FoundEdges,
    roots: Vec<(u32, EdgeKind)>,
    vertices: usize,
    room: usize,
}

impl ProgramEdges {
    /// No edges between so many functions and objects; `None` where there are too many of these.
    #[must_use]
    pub fn between(vertices: usize) -> Option<Self> {
        (vertices <= MAX_OWN_VERTICES).then(|| {
            let mut found = FoundEdges::default();
            (0..vertices).for_each(|_| found.begin());
            Self { found, roots: Vec::new(), vertices, room: MAX_EDGES }
        })
    }

    /// How many more edges there is room for.
    #[must_use]
    pub fn room(&self) -> usize {
        self.room
    }

    /// Adds that one function or object needs another.
    pub fn add(&mut self, from: u32, to: u32, kind: EdgeKind) {
        self.room = self.room.saturating_sub(1);
        let is_known = |number: u32| (number as usize) < self.vertices;
        if self.room > 0 && is_known(from) && is_known(to) {
            self.found.add(from, to, kind);
        }
    }

    /// Adds that the file itself needs one.
    pub fn add_root(&mut self, to: u32, kind: EdgeKind) {
        self.room = self.room.saturating_sub(1);
        if self.room > 0 {
            self.roots.push((to, kind));
        }
    }

    /// The graph; `None` where there were too many edges.
    #[must_use]
    pub fn finish(self) -> Option<ProgramGraph> {
        let Self { found, roots, room, .. } = self;
        (room > 0).then(|| ProgramGraph { edges: found.finish(), roots })
    }
}

impl ProgramGraph {
    /// How many functions and objects there are.
    #[must_use]
    pub fn vertices(&self) -> usize {
        self.edges.vertices()
    }

    /// Whether there is an edge of this kind.
    #[must_use]
    pub fn has(&self, kind: EdgeKind) -> bool {
        self.edges.backward().flat_map(|(_, edges)| edges).any(|edge| edge.parts().1 == kind)
            || self.roots.iter().any(|(_, of)| *of == kind)
    }

    /// What the roots still reach along all edges but those for which `leaves_out` holds. It is asked of the roots as well.
    #[must_use]
    pub fn reach_without(&self, leaves_out: impl Fn(&Need) -> bool) -> VertexSet {
        let roots = self.roots.iter().map(|(to, kind)| Need { from: None, to: *to, kind: *kind });
        let start: Vec<u32> = roots.filter(|need| !leaves_out(need)).map(|need| need.to).collect();
        walk(&self.edges, start, leaves_out)
    }

    /// What nothing reaches any more without the edges for which `ends` holds, and something reached before.
    #[must_use]
    pub fn only_through(&self, ends: impl Fn(&Need) -> bool) -> VertexSet {
        self.reach_without(|_| false).without(&self.reach_without(ends))
    }

    /// What leads to one of `to`, these included, along the edges of those for which `is_open` holds.
    #[must_use]
    pub fn leading_to(&self, to: impl IntoIterator<Item = u32>, is_open: impl Fn(u32) -> bool) -> VertexSet {
        // Where edges are reversed, an edge leads to the one that needs.
        walk(&self.edges.reversed(), to, |user| !is_open(user.to))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Functions 0, 1 and 2, of which 0 calls 1 and has 2 as a gradient; objects 3 and 4, of which 3, the root, holds 4, and
    /// each has a trace.
    fn graph() -> ProgramGraph {
        let mut edges = ProgramEdges::between(5).unwrap();
        edges.add(0, 1, EdgeKind::Calls);
        edges.add(0, 2, EdgeKind::Gradient);
        edges.add(3, 4, EdgeKind::Holds);
        edges.add(3, 0, EdgeKind::Trace);
        edges.add(4, 1, EdgeKind::Trace);
        edges.add(4, 99, EdgeKind::Holds);
        edges.add_root(3, EdgeKind::Holds);
        edges.finish().unwrap()
    }

    fn numbers(set: &VertexSet) -> Vec<u32> {
        set.numbers().collect()
    }

    #[test]
    fn what_goes_with_an_edge_is_what_no_other_path_leads_to() {
        let graph = graph();
        assert_eq!(numbers(&graph.only_through(|need| need.kind == EdgeKind::Gradient)), [2]);
        assert_eq!(numbers(&graph.only_through(|need| need.to == 4)), [4]);
        assert_eq!(numbers(&graph.only_through(|need| need.to == 0)), [0, 2]);
        assert_eq!(numbers(&graph.only_through(|need| need.from.is_none())), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn what_leads_to_a_function_goes_through_open_vertices_only() {
        let graph = graph();
        assert_eq!(numbers(&graph.leading_to([1], |_| true)), [0, 1, 3, 4]);
        assert_eq!(numbers(&graph.leading_to([1], |number| number < 3)), [0, 1]);
    }

    #[test]
    fn a_graph_has_the_kinds_of_its_edges_and_roots() {
        let graph = graph();
        assert!(graph.has(EdgeKind::Gradient) && graph.has(EdgeKind::Holds) && !graph.has(EdgeKind::Captures));
        assert_eq!(graph.vertices(), 5);
    }

    #[test]
    fn what_is_too_large_is_not_followed() {
        assert!(ProgramEdges::between(MAX_OWN_VERTICES + 1).is_none());
        let mut edges = ProgramEdges::between(2).unwrap();
        (0..MAX_EDGES).for_each(|_| edges.add(0, 1, EdgeKind::Calls));
        assert!(edges.finish().is_none());
    }
}
