//! The strongly connected components of a graph (Tarjan), with the calls kept in a list, so that no file makes them deep.

/// What has not been met yet.
const UNSEEN: u32 = u32::MAX;

/// Gives each component of a graph of `vertices` to `visit`, those that it leads to before it; `successor` has what a vertex leads to,
/// from 0 on. Takes each vertex and each edge once. There are fewer than 2^32 - 1 vertices.
pub(crate) fn components(
    vertices: usize,
    successor: impl Fn(u32, usize) -> Option<u32>,
    mut visit: impl FnMut(&[u32]),
) {
    let mut index = Numbers(vec![UNSEEN; vertices]);
    let mut low = Numbers(vec![UNSEEN; vertices]);
    // UNSEEN for those that are in no component yet.
    let mut done = Numbers(vec![UNSEEN; vertices]);
    let mut seen = 0;
    let mut open: Vec<u32> = Vec::new();
    let mut calls: Vec<(u32, usize)> = Vec::new();
    for start in 0..u32::try_from(vertices).unwrap_or_default() {
        if index.get(start) == UNSEEN {
            calls.push((start, 0));
        }
        while let Some((vertex, next)) = calls.pop() {
            if next == 0 {
                index.set(vertex, seen);
                low.set(vertex, seen);
                seen += 1;
                open.push(vertex);
            }
            if let Some(to) = successor(vertex, next) {
                calls.push((vertex, next + 1));
                if index.get(to) == UNSEEN {
                    calls.push((to, 0));
                } else if done.get(to) == UNSEEN {
                    low.set(vertex, low.get(vertex).min(index.get(to)));
                }
                continue;
            }
            if low.get(vertex) == index.get(vertex) {
                let first = open.iter().rposition(|member| *member == vertex).unwrap_or_default();
                let component = open.get(first..).unwrap_or_default();
                component.iter().for_each(|member| done.set(*member, 0));
                visit(component);
                open.truncate(first);
            }
            if let Some((caller, _)) = calls.last() {
                low.set(*caller, low.get(*caller).min(low.get(vertex)));
            }
        }
    }
}

/// A number for each vertex. A successor that is no vertex has been seen and done.
struct Numbers(Vec<u32>);

impl Numbers {
    fn get(&self, vertex: u32) -> u32 {
        self.0.get(vertex as usize).copied().unwrap_or(0)
    }

    fn set(&mut self, vertex: u32, value: u32) {
        self.0.get_mut(vertex as usize).into_iter().for_each(|slot| *slot = value);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(edges: &[Vec<u32>]) -> Vec<Vec<u32>> {
        let mut found = Vec::new();
        components(edges.len(), |vertex, at| edges[vertex as usize].get(at).copied(), |all| found.push(all.to_vec()));
        found.iter_mut().for_each(|component| component.sort_unstable());
        found
    }

    #[test]
    fn a_circle_is_one_component_and_comes_after_what_it_leads_to() {
        assert_eq!(found(&[vec![1], vec![2], vec![1, 3], vec![]]), [vec![3], vec![1, 2], vec![0]]);
    }

    #[test]
    fn a_chain_of_a_million_is_not_deep() {
        let edges: Vec<Vec<u32>> = (1..=1_000_000).map(|next| vec![next % 1_000_000]).collect();
        assert_eq!(found(&edges).len(), 1);
    }

    proptest! {
        #[test]
        fn two_vertices_are_in_one_component_if_each_reaches_the_other(edges in prop::collection::vec(prop::collection::vec(0_u32..12, 0..4), 12)) {
            let reach = |from: u32| {
                let (mut seen, mut open) = (vec![false; 12], vec![from]);
                while let Some(vertex) = open.pop() {
                    if !std::mem::replace(&mut seen[vertex as usize], true) {
                        open.extend(&edges[vertex as usize]);
                    }
                }
                seen
            };
            let reached: Vec<Vec<bool>> = (0..12).map(reach).collect();
            let components = found(&edges);
            prop_assert_eq!(components.iter().map(Vec::len).sum::<usize>(), 12);
            let place = |vertex: u32| components.iter().position(|component| component.contains(&vertex)).unwrap();
            for (a, b) in (0..12_u32).flat_map(|a| (0..12).map(move |b| (a, b))) {
                let both = reached[a as usize][b as usize] && reached[b as usize][a as usize];
                prop_assert_eq!(place(a) == place(b), both);
                prop_assert!(!reached[a as usize][b as usize] || place(b) <= place(a));
            }
        }
    }
}
