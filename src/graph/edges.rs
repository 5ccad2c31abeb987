//! The edges of a metagraph, sorted by the thing that they start from, and its strongly connected components.

use super::Edge;

const UNSEEN: u32 = u32::MAX;

/// Edges by their start.
#[derive(Debug, Default)]
pub(super) struct Edges {
    /// Where the edges of each thing begin in `targets`; one more than there are things.
    starts: Vec<u32>,
    targets: Vec<(u32, Edge)>,
}

impl Edges {
    /// Sorts edges (from, to, why) of `things` things; those of one thing stay in their order.
    pub(super) fn new(things: usize, edges: &[(u32, u32, Edge)]) -> Self {
        let mut starts = vec![0_u32; things + 1];
        for (from, ..) in edges {
            if let Some(count) = starts.get_mut(*from as usize + 1) {
                *count += 1;
            }
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        let mut next = starts.clone();
        let mut targets = vec![(UNSEEN, Edge::Input); edges.len()];
        for (from, to, edge) in edges {
            let Some(at) = next.get_mut(*from as usize) else { continue };
            if let Some(slot) = targets.get_mut(*at as usize) {
                *slot = (*to, *edge);
            }
            *at += 1;
        }
        Self { starts, targets }
    }

    /// The things that `from` needs.
    pub(super) fn of(&self, from: u32) -> &[(u32, Edge)] {
        let start = |thing: usize| self.starts.get(thing).map_or(0, |start| *start as usize);
        self.targets.get(start(from as usize)..start(from as usize + 1)).unwrap_or_default()
    }

    /// The same edges from their ends to their starts.
    pub(super) fn reversed(&self) -> Self {
        let mut edges = Vec::with_capacity(self.targets.len());
        for from in 0..u32::try_from(self.things()).unwrap_or_default() {
            edges.extend(self.of(from).iter().map(|(to, edge)| (*to, from, *edge)));
        }
        Self::new(self.things(), &edges)
    }

    pub(super) fn count(&self) -> usize {
        self.targets.len()
    }

    pub(super) fn things(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// The strongly connected components (Tarjan, with the calls kept in a list).
    pub(super) fn components(&self) -> Components {
        let things = self.things();
        let (mut index, mut low, mut component) =
            (Table::new(things, UNSEEN), Table::new(things, UNSEEN), Table::new(things, UNSEEN));
        let (mut seen, mut components) = (0, 0);
        let mut order = Vec::with_capacity(things);
        let mut open: Vec<u32> = Vec::new();
        let mut calls: Vec<(u32, usize)> = Vec::new();
        for start in 0..u32::try_from(things).unwrap_or_default() {
            if index.get(start) == UNSEEN {
                calls.push((start, 0));
            }
            while let Some((thing, next)) = calls.pop() {
                if next == 0 {
                    index.set(thing, seen);
                    low.set(thing, seen);
                    seen += 1;
                    open.push(thing);
                }
                if let Some((to, _)) = self.of(thing).get(next) {
                    calls.push((thing, next + 1));
                    if index.get(*to) == UNSEEN {
                        calls.push((*to, 0));
                    } else if component.get(*to) == UNSEEN {
                        low.set(thing, low.get(thing).min(index.get(*to)));
                    }
                    continue;
                }
                if low.get(thing) == index.get(thing) {
                    while let Some(member) = open.pop() {
                        component.set(member, components);
                        order.push(member);
                        if member == thing {
                            break;
                        }
                    }
                    components += 1;
                }
                if let Some((caller, _)) = calls.last() {
                    low.set(*caller, low.get(*caller).min(low.get(thing)));
                }
            }
        }
        Components { of: component.0, order }
    }
}

/// Which things reach each other.
pub(super) struct Components {
    /// For each thing the number of its component; an edge between two components leads to the one with the smaller number.
    pub(super) of: Vec<u32>,
    /// The things, those of smaller components first.
    pub(super) order: Vec<u32>,
}

/// A number for each thing.
struct Table(Vec<u32>);

impl Table {
    fn new(things: usize, value: u32) -> Self {
        Self(vec![value; things])
    }

    fn get(&self, thing: u32) -> u32 {
        self.0.get(thing as usize).copied().unwrap_or(UNSEEN)
    }

    fn set(&mut self, thing: u32, value: u32) {
        if let Some(slot) = self.0.get_mut(thing as usize) {
            *slot = value;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cycle_is_one_component_and_numbers_fall_along_edges() {
        let edges =
            Edges::new(4, &[(0, 1, Edge::Input), (1, 2, Edge::Input), (2, 1, Edge::Input), (2, 3, Edge::Input)]);
        let component = edges.components().of;
        assert_eq!(component[1], component[2]);
        assert!(component[0] > component[1] && component[1] > component[3], "{component:?}");
    }

    #[test]
    fn reversed_edges_lead_from_what_is_needed_to_what_needs_it() {
        let edges = Edges::new(3, &[(0, 2, Edge::Input), (1, 2, Edge::Calls)]).reversed();
        assert_eq!(edges.of(2), [(0, Edge::Input), (1, Edge::Calls)]);
        assert_eq!((edges.of(0), edges.of(1)), (&[][..], &[][..]));
    }

    #[test]
    fn edges_of_a_thing_keep_their_order() {
        let edges = Edges::new(3, &[(2, 1, Edge::Calls), (0, 2, Edge::Input), (2, 0, Edge::Control)]);
        assert_eq!(edges.of(2), [(1, Edge::Calls), (0, Edge::Control)]);
        assert_eq!((edges.of(1), edges.of(9)), (&[][..], &[][..]));
    }
}
