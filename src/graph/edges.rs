//! The edges of a metagraph by the vertex that they start from, and its strongly connected components.
//!
//! Nodes are read in the order of the file, so what each needs is found one after the other and written down where it stays.
//! What is found later (calls, resources, what objects hold) is a list that is put between these at the end, if there is any.

use std::ops::Range;

use super::{EdgeKind, MAX_VERTICES};
use crate::components::components;

/// What a vertex needs, and why, in four bytes: there are twice as many of these as nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Edge(u32);

/// How many of an edge's bits say why, which leaves 28 for the number of a vertex.
const KIND_BITS: u32 = 4;
const _: () = assert!(EdgeKind::ALL.len() <= 1 << KIND_BITS && MAX_VERTICES <= 1 << (u32::BITS - KIND_BITS));

impl Edge {
    #[inline]
    pub(super) fn new(to: u32, kind: EdgeKind) -> Self {
        Self(to << KIND_BITS | kind as u32)
    }

    /// The vertex that is needed.
    #[inline]
    pub(super) fn to(self) -> u32 {
        self.0 >> KIND_BITS
    }

    /// Both.
    pub(super) fn parts(self) -> (u32, EdgeKind) {
        let why = self.0 & ((1 << KIND_BITS) - 1);
        (self.to(), EdgeKind::ALL.get(why as usize).copied().unwrap_or(EdgeKind::Input))
    }
}

/// Edges while they are found.
#[derive(Debug, Default)]
pub(super) struct FoundEdges {
    /// Where those in `targets` of each vertex begin.
    starts: Vec<u32>,
    targets: Vec<Edge>,
    /// What was found when other vertices had begun, with where it starts from.
    later: Vec<(u32, Edge)>,
}

impl FoundEdges {
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.targets.len() + self.later.len()
    }

    /// Begins the next vertex.
    #[inline]
    pub(super) fn begin(&mut self) {
        self.starts.push(u32::try_from(self.targets.len()).unwrap_or(u32::MAX));
    }

    /// Adds an edge from the vertex that was begun last.
    #[inline]
    pub(super) fn add_to_last(&mut self, to: u32, kind: EdgeKind) {
        self.targets.push(Edge::new(to, kind));
    }

    /// Takes back all edges that were added to the vertex that was begun last.
    pub(super) fn clear_last(&mut self) {
        self.targets.truncate(self.starts.last().map_or(0, |start| *start as usize));
    }

    /// Adds an edge from any vertex, behind those that it has.
    pub(super) fn add(&mut self, from: u32, to: u32, kind: EdgeKind) {
        self.later.push((from, Edge::new(to, kind)));
    }

    /// Leads all edges so far to what `other` has in the place of their ends.
    pub(super) fn lead_to(&mut self, other: &[u32]) {
        for edge in &mut self.targets {
            let (to, kind) = edge.parts();
            *edge = Edge::new(other.get(to as usize).copied().unwrap_or(to), kind);
        }
    }

    /// The edges by where they start; those of one vertex in the order in which they were added.
    pub(super) fn finish(mut self) -> Edges {
        self.begin();
        let Self { mut starts, mut targets, mut later } = self;
        later.sort_by_key(|(from, _)| *from);
        // Few vertices have later ones. So what stands between these moves in one go, and from the back, as there is no room
        // for another list of all edges.
        let (mut moved, mut begun, mut left) = (targets.len(), starts.len(), later.len());
        targets.resize(moved + left, Edge::new(0, EdgeKind::Input));
        for of_one in later.chunk_by(|(one, _), (other, _)| one == other).rev() {
            // Those of a vertex end where those of the next one begin.
            let next = of_one.first().map_or(0, |(from, _)| *from as usize + 1);
            let Some(end) = starts.get(next).map(|start| *start as usize).filter(|end| *end <= moved) else { break };
            targets.copy_within(end..moved, end + left);
            advance(&mut starts, next..begun, left);
            left -= of_one.len();
            for ((_, edge), slot) in of_one.iter().zip(targets.iter_mut().skip(end + left)) {
                *slot = *edge;
            }
            (moved, begun) = (end, next);
        }
        Edges { starts, targets }
    }
}

/// Adds to some of these numbers.
fn advance(starts: &mut [u32], range: Range<usize>, by: usize) {
    let by = u32::try_from(by).unwrap_or_default();
    starts.get_mut(range).into_iter().flatten().for_each(|start| *start += by);
}

/// Edges by their start.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Edges {
    /// Where the edges of each vertex begin in `targets`; one more than there are vertices.
    starts: Vec<u32>,
    targets: Vec<Edge>,
}

impl Edges {
    /// The vertices that `from` needs.
    #[inline]
    pub(super) fn of(&self, from: u32) -> &[Edge] {
        let start = |vertex: usize| self.starts.get(vertex).map_or(0, |start| *start as usize);
        self.targets.get(start(from as usize)..start(from as usize + 1)).unwrap_or_default()
    }

    /// The vertices, each with the vertices that it needs, from the last one to the first.
    pub(super) fn backward(&self) -> impl Iterator<Item = (u32, &[Edge])> {
        let mut rest = &*self.targets;
        let starts = self.starts.get(..self.vertices()).unwrap_or_default();
        let numbers = (0..u32::try_from(starts.len()).unwrap_or_default()).rev();
        numbers.zip(starts.iter().rev()).map(move |(vertex, start)| {
            let (before, edges) = rest.split_at_checked(*start as usize).unwrap_or_default();
            rest = before;
            (vertex, edges)
        })
    }

    /// The same edges from their ends to their starts.
    pub(super) fn reversed(&self) -> Self {
        let mut edges = FoundEdges::default();
        let numbers = 0..u32::try_from(self.vertices()).unwrap_or_default();
        numbers.clone().for_each(|_| edges.begin());
        for from in numbers {
            for (to, kind) in self.of(from).iter().map(|edge| edge.parts()) {
                edges.add(to, from, kind);
            }
        }
        edges.finish()
    }

    pub(super) fn count(&self) -> usize {
        self.targets.len()
    }

    pub(super) fn vertices(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// The strongly connected components.
    pub(super) fn components(&self) -> Components {
        let mut found = Components { of: vec![0; self.vertices()], order: Vec::with_capacity(self.vertices()) };
        let mut number = 0;
        let successor = |vertex: u32, at: usize| self.of(vertex).get(at).map(|edge| edge.to());
        components(self.vertices(), successor, |component| {
            for member in component {
                found.of.get_mut(*member as usize).into_iter().for_each(|of| *of = number);
            }
            found.order.extend_from_slice(component);
            number += 1;
        });
        found
    }
}

/// Which vertices reach each other.
pub(super) struct Components {
    /// For each vertex the number of its component; an edge between two components leads to the one with the smaller number.
    pub(super) of: Vec<u32>,
    /// The vertices, those of smaller components first.
    pub(super) order: Vec<u32>,
}

/// Edges (from, to, why) between so many vertices, for tests.
#[cfg(test)]
pub(super) fn edges(vertices: usize, edges: &[(u32, u32, EdgeKind)]) -> Edges {
    let mut found = FoundEdges::default();
    (0..vertices).for_each(|_| found.begin());
    edges.iter().for_each(|(from, to, kind)| found.add(*from, *to, *kind));
    found.finish()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(edges: &Edges, vertex: u32) -> Vec<(u32, EdgeKind)> {
        edges.of(vertex).iter().map(|edge| edge.parts()).collect()
    }

    #[test]
    fn a_cycle_is_one_component_and_numbers_fall_along_edges() {
        let edges = edges(
            4,
            &[(0, 1, EdgeKind::Input), (1, 2, EdgeKind::Input), (2, 1, EdgeKind::Input), (2, 3, EdgeKind::Input)],
        );
        let component = edges.components().of;
        assert_eq!(component[1], component[2]);
        assert!(component[0] > component[1] && component[1] > component[3], "{component:?}");
    }

    #[test]
    fn reversed_edges_lead_from_what_is_needed_to_what_needs_it() {
        let edges = edges(3, &[(0, 2, EdgeKind::Input), (1, 2, EdgeKind::Calls)]).reversed();
        assert_eq!(of(&edges, 2), [(0, EdgeKind::Input), (1, EdgeKind::Calls)]);
        assert_eq!((of(&edges, 0), of(&edges, 1)), (vec![], vec![]));
    }

    #[test]
    fn edges_of_a_thing_keep_their_order() {
        let edges = edges(3, &[(2, 1, EdgeKind::Calls), (0, 2, EdgeKind::Input), (2, 0, EdgeKind::Control)]);
        assert_eq!(of(&edges, 2), [(1, EdgeKind::Calls), (0, EdgeKind::Control)]);
        assert_eq!((of(&edges, 1), of(&edges, 9)), (vec![], vec![]));
    }

    #[test]
    fn what_was_taken_back_is_gone_and_what_is_led_elsewhere_keeps_its_reason() {
        let mut found = FoundEdges::default();
        found.begin();
        found.begin();
        found.add_to_last(0, EdgeKind::Control);
        found.begin();
        found.add_to_last(1, EdgeKind::Input);
        found.clear_last();
        found.add_to_last(0, EdgeKind::Input);
        found.lead_to(&[2, 1, 0]);
        assert_eq!(found.len(), 2);
        let edges = found.finish();
        assert_eq!(
            [0, 1, 2].map(|vertex| of(&edges, vertex)),
            [vec![], vec![(2, EdgeKind::Control)], vec![(2, EdgeKind::Input)]]
        );
    }

    #[test]
    fn every_reason_is_given_back() {
        let last = (1 << (u32::BITS - KIND_BITS)) - 1;
        for kind in EdgeKind::ALL {
            assert_eq!(Edge::new(last, kind).parts(), (last, kind));
        }
    }

    proptest! {
        #[test]
        fn edges_added_in_order_and_later_are_those_of_one_list(now in prop::collection::vec(prop::collection::vec(0_u32..9, 0..4), 9), later in prop::collection::vec((0_u32..9, 0_u32..9), 0..20)) {
            let mut found = FoundEdges::default();
            let mut expected: Vec<Vec<(u32, EdgeKind)>> = Vec::new();
            for targets in &now {
                found.begin();
                targets.iter().for_each(|to| found.add_to_last(*to, EdgeKind::Input));
                expected.push(targets.iter().map(|to| (*to, EdgeKind::Input)).collect());
            }
            for (from, to) in &later {
                found.add(*from, *to, EdgeKind::Calls);
                expected[*from as usize].push((*to, EdgeKind::Calls));
            }
            prop_assert_eq!(found.len(), now.iter().map(Vec::len).sum::<usize>() + later.len());
            let edges = found.finish();
            prop_assert_eq!(edges.vertices(), now.len());
            let backward: Vec<_> = edges.backward().collect();
            prop_assert_eq!(backward, (0..9).rev().map(|vertex| (vertex, edges.of(vertex))).collect::<Vec<_>>());
            for (vertex, expected) in (0..).zip(expected) {
                prop_assert_eq!(of(&edges, vertex), expected);
            }
        }
    }
}
