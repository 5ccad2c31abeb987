//! The bytes of each root: what it reaches, and what no other root reaches.
//!
//! Roots are bits of a word that flows along the edges, one component after the other in the order of their edges, so
//! that 64 roots take one pass.

use foldhash::HashMap;

use super::edges::Components;
use super::{Kind, MAX_SIGNATURES, MetaGraphReach, Root};

/// Who reaches a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// Nobody.
    Nobody,
    /// One root, by its position.
    Only(u32),
    /// Several; whether one of them is a signature for callers.
    Several { called: bool },
}

impl By {
    fn and(self, root: u32, called: bool, roots: &[Root]) -> Self {
        match self {
            Self::Nobody => Self::Only(root),
            Self::Only(first) => {
                Self::Several { called: called || roots.get(first as usize).is_some_and(Root::is_call) }
            }
            Self::Several { called: before } => Self::Several { called: before || called },
        }
    }
}

/// Sets `reachable_bytes` of the roots, and who reaches each thing.
pub(super) fn measure(graph: &mut MetaGraphReach<'_>) {
    let Components { of: component, order } = graph.edges.components();
    let of = |thing: u32| component.get(thing as usize).map_or(usize::MAX, |component| *component as usize);
    let mut reached = vec![By::Nobody; graph.things.len()];
    let signatures_measured = graph.roots.iter().filter(|root| root.position.is_some()).count() <= MAX_SIGNATURES;
    let mut sums = vec![0_u64; graph.roots.len()];
    let batches = if signatures_measured { graph.roots.len().div_ceil(64) } else { 1 };
    for batch in 0..batches {
        let mut mask = vec![0_u64; component.len()];
        for (position, root) in graph.roots.iter().enumerate() {
            // Where roots are not told apart, all of them are one bit.
            let in_batch = if signatures_measured { position / 64 == batch } else { true };
            let bit = if signatures_measured { 1 << (position % 64) } else { 1 };
            for (target, _) in root.targets.iter().filter(|_| in_batch) {
                if let Some(mask) = mask.get_mut(of(*target)) {
                    *mask |= bit;
                }
            }
        }
        // Along the edges: from what needs to what is needed.
        for thing in order.iter().rev() {
            let Some(bits) = mask.get(of(*thing)).copied().filter(|bits| *bits != 0) else { continue };
            for (to, _) in graph.edges.of(*thing) {
                if let Some(mask) = mask.get_mut(of(*to)) {
                    *mask |= bits;
                }
            }
            let (Some(by), Some(about)) = (reached.get_mut(*thing as usize), graph.things.get(*thing as usize)) else {
                continue;
            };
            if !signatures_measured {
                *by = By::Several { called: true };
                continue;
            }
            let mut left = bits;
            while left != 0 {
                let position = batch * 64 + left.trailing_zeros() as usize;
                left &= left - 1;
                let called = graph.roots.get(position).is_some_and(Root::is_call);
                *by = by.and(u32::try_from(position).unwrap_or(u32::MAX), called, &graph.roots);
                if let Some(sum) = sums.get_mut(position) {
                    *sum = sum.saturating_add(about.bytes);
                }
            }
        }
    }
    graph.reached = reached;
    if signatures_measured {
        graph.roots.iter_mut().zip(sums).for_each(|(root, sum)| root.reachable_bytes = Some(sum));
    }
}

/// Sets `exclusive_bytes` of the roots of all metagraphs, which share variables and assets.
pub(super) fn exclusive(graphs: &mut [Option<MetaGraphReach<'_>>]) {
    let all_known = graphs.iter().all(|graph| graph.as_ref().is_some_and(MetaGraphReach::is_measured));
    // For each shared thing in how many metagraphs it is reached.
    let mut shared: HashMap<(Kind, u32, Vec<u8>), u32> = HashMap::default();
    for graph in graphs.iter().flatten() {
        for (number, by) in (0..).zip(&graph.reached) {
            if let Some(key) = graph.shared(number).filter(|_| *by != By::Nobody) {
                *shared.entry(key).or_default() += 1;
            }
        }
    }
    for graph in graphs.iter_mut().flatten().filter(|_| all_known) {
        let mut sums = vec![0_u64; graph.roots.len()];
        for ((number, by), thing) in (0..).zip(&graph.reached).zip(&graph.things) {
            let By::Only(root) = by else { continue };
            let elsewhere = graph.shared(number).and_then(|key| shared.get(&key)).is_some_and(|graphs| *graphs > 1);
            if let Some(sum) = sums.get_mut(*root as usize).filter(|_| !elsewhere) {
                *sum = sum.saturating_add(thing.bytes);
            }
        }
        graph.roots.iter_mut().zip(sums).for_each(|(root, sum)| root.exclusive_bytes = Some(sum));
    }
}

impl MetaGraphReach<'_> {
    fn is_measured(&self) -> bool {
        self.roots.iter().all(|root| root.reachable_bytes.is_some())
    }

    /// What a thing is known by in every metagraph; `None` for what belongs to its own.
    fn shared(&self, number: u32) -> Option<(Kind, u32, Vec<u8>)> {
        let thing = self.thing(number)?;
        match thing.kind {
            Kind::Variable => Some((Kind::Variable, number, Vec::new())),
            Kind::Asset => Some((Kind::Asset, 0, self.name_bytes(thing).to_vec())),
            _ => None,
        }
    }
}
