//! Which roots reach each vertex: bits that flow along the edges.
//!
//! Nodes mostly need what is in front of them, so one sweep from the last vertex to the first takes bits nearly as far as they go, each
//! edge once, in the order of memory. What an edge leads to that the sweep has passed already (a function, which stands
//! behind the nodes; the start of a loop) is followed from there. With a few roots, and what models look like, that soon
//! comes to an end: a vertex is followed again only if more roots reach it. Where it takes more than a few times the
//! edges, bits flow from component to component, in the order of their edges, which takes each edge once whatever
//! the graph, and four times the memory.

use std::ops::{BitAnd, BitOrAssign, Not, Shl};

use super::edges::{Components, Edges};

/// A bit for each root: an integer. Most metagraphs have few roots, and what a sweep goes over is smaller for that.
pub(super) trait Mask:
    Copy
    + Default
    + PartialEq
    + From<u8>
    + Into<u64>
    + BitAnd<Output = Self>
    + BitOrAssign
    + Not<Output = Self>
    + Shl<u32, Output = Self>
{
    /// Whether there are bits in this that `other` lacks.
    fn exceeds(self, other: Self) -> bool {
        self & !other != Self::default()
    }
}

impl Mask for u8 {}
impl Mask for u64 {}

/// How many times the work of a sweep may be spent on what the sweep has passed.
const PATIENCE: usize = 4;

/// Gives the bits of each vertex to all that it needs, on all paths.
pub(super) fn spread<M: Mask>(edges: &Edges, masks: &mut [M]) {
    let passed = sweep(edges, masks);
    let patience = PATIENCE.saturating_mul(edges.vertices().saturating_add(edges.count()));
    if !follow(edges, masks, passed, patience) {
        flow(edges, masks);
    }
}

/// Takes bits along the edges from the last vertex to the first. Returns the vertices that were given bits when the sweep
/// had passed them.
fn sweep<M: Mask>(edges: &Edges, masks: &mut [M]) -> Vec<u32> {
    let mut passed = Vec::new();
    for (vertex, targets) in edges.backward() {
        let Some(bits) = masks.get(vertex as usize).copied().filter(|bits| *bits != M::default()) else { continue };
        for edge in targets {
            let Some(mask) = masks.get_mut(edge.to() as usize) else { continue };
            if edge.to() > vertex && bits.exceeds(*mask) {
                passed.push(edge.to());
            }
            *mask |= bits;
        }
    }
    passed
}

/// Takes the bits of vertices along the edges, wherever these lead. Whether that came to an end after looking at so many
/// vertices and edges; if not, some bits are still to be taken on.
fn follow<M: Mask>(edges: &Edges, masks: &mut [M], vertices: Vec<u32>, mut patience: usize) -> bool {
    if vertices.is_empty() {
        return true;
    }
    let mut open = Vec::new();
    let mut is_open = vec![false; masks.len()];
    let begin = |vertex: u32, open: &mut Vec<u32>, is_open: &mut [bool]| {
        if let Some(is_open @ false) = is_open.get_mut(vertex as usize) {
            *is_open = true;
            open.push(vertex);
        }
    };
    vertices.into_iter().for_each(|vertex| begin(vertex, &mut open, &mut is_open));
    while let Some(vertex) = open.pop() {
        is_open.get_mut(vertex as usize).into_iter().for_each(|is_open| *is_open = false);
        let bits = masks.get(vertex as usize).copied().unwrap_or_default();
        let targets = edges.of(vertex);
        let Some(left) = patience.checked_sub(targets.len() + 1) else { return false };
        patience = left;
        for edge in targets {
            if let Some(mask) = masks.get_mut(edge.to() as usize).filter(|mask| bits.exceeds(**mask)) {
                *mask |= bits;
                begin(edge.to(), &mut open, &mut is_open);
            }
        }
    }
    true
}

/// Takes bits from component to component.
fn flow<M: Mask>(edges: &Edges, masks: &mut [M]) {
    let Components { of: component, order } = edges.components();
    let of = |vertex: u32| component.get(vertex as usize).map_or(usize::MAX, |component| *component as usize);
    let mut of_components = vec![M::default(); component.len()];
    for (vertex, bits) in (0..).zip(masks.iter().copied()) {
        of_components.get_mut(of(vertex)).into_iter().for_each(|mask| *mask |= bits);
    }
    for vertex in order.iter().rev() {
        let Some(bits) = of_components.get(of(*vertex)).copied().filter(|bits| *bits != M::default()) else { continue };
        for edge in edges.of(*vertex) {
            of_components.get_mut(of(edge.to())).into_iter().for_each(|mask| *mask |= bits);
        }
    }
    for (vertex, mask) in (0..).zip(masks) {
        *mask = of_components.get(of(vertex)).copied().unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::EdgeKind;
    use super::super::edges::edges;
    use super::*;

    /// Random edges between 40 vertices, many of them backward as in a model, and a bit of its own for each of some vertices.
    fn graph() -> impl Strategy<Value = (Edges, Vec<u64>)> {
        let pair = (0_u32..40, 0_u32..40, 0_u32..4);
        let edge =
            pair.prop_map(
                |(a, b, kind)| if kind == 0 { (a, b, EdgeKind::Calls) } else { (a.max(b), a.min(b), EdgeKind::Input) },
            );
        let roots = prop::collection::vec(0_usize..40, 1..12);
        (prop::collection::vec(edge, 0..80), roots).prop_map(|(list, roots)| {
            let mut masks = vec![0; 40];
            roots.iter().enumerate().for_each(|(bit, root)| masks[*root] |= 1 << bit);
            (edges(40, &list), masks)
        })
    }

    /// What each bit reaches, walked by itself.
    fn walked(edges: &Edges, masks: &[u64]) -> Vec<u64> {
        let mut all = vec![0; masks.len()];
        for bit in (0..64).map(|bit| 1 << bit) {
            let mut open: Vec<u32> = (0..).zip(masks).filter(|(_, mask)| **mask & bit != 0).map(|(n, _)| n).collect();
            while let Some(vertex) = open.pop() {
                if all[vertex as usize] & bit == 0 {
                    all[vertex as usize] |= bit;
                    open.extend(edges.of(vertex).iter().map(|edge| edge.to()));
                }
            }
        }
        all
    }

    proptest! {
        #[test]
        fn bits_come_as_far_as_walks_whichever_way_they_are_taken((edges, masks) in graph(), patience in 0_usize..200) {
            let expected = walked(&edges, &masks);
            let mut spread = masks.clone();
            super::spread(&edges, &mut spread);
            prop_assert_eq!(&spread, &expected);
            let mut flown = masks.clone();
            flow(&edges, &mut flown);
            prop_assert_eq!(&flown, &expected);
            // Given up at any time.
            let mut both = masks.clone();
            let passed = sweep(&edges, &mut both);
            if !follow(&edges, &mut both, passed, patience) {
                flow(&edges, &mut both);
            }
            prop_assert_eq!(&both, &expected);
        }
    }

    #[test]
    fn edges_that_only_lead_backward_take_one_sweep() {
        let edges = edges(3, &[(2, 1, EdgeKind::Input), (1, 0, EdgeKind::Input)]);
        let mut masks = vec![0_u8, 0, 1];
        assert_eq!((sweep(&edges, &mut masks), masks), (vec![], vec![1, 1, 1]));
    }

    #[test]
    fn what_the_sweep_has_passed_is_followed_and_a_cycle_given_up_on_when_patience_ends() {
        let edges = edges(3, &[(0, 2, EdgeKind::Calls), (2, 1, EdgeKind::Input), (1, 0, EdgeKind::Input)]);
        let mut masks = vec![1_u64, 0, 0];
        assert_eq!((sweep(&edges, &mut masks), &masks), (vec![2], &vec![1, 0, 1]));
        assert!(!follow(&edges, &mut masks.clone(), vec![2], 3));
        assert!(follow(&edges, &mut masks, vec![2], 4));
        assert_eq!(masks, [1, 1, 1]);
    }
}
