//! The bytes of each root: what it reaches, and what no other root reaches.
//!
//! Roots are bits of a word that flows along the edges ([`super::spread`]), so that 64 roots take one pass.

use foldhash::HashMap;

use super::spread::{Mask, spread};
use super::{MAX_SIGNATURES, MetaGraphReach, Root, VertexKind};

/// Who reaches a vertex: nobody, several, or one root by its position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ReachedBy(u16);

impl ReachedBy {
    pub(super) const NOBODY: Self = Self(0);
    /// Several, of which none is a signature for callers.
    const SEVERAL: Self = Self(1);
    /// Several, of which one is a signature for callers.
    const CALLED: Self = Self(2);
    /// The first root alone; those alone that follow are the numbers that follow.
    const FIRST: u16 = 3;

    fn only(root: usize) -> Self {
        Self(u16::try_from(root).map_or(u16::MAX, |root| root.saturating_add(Self::FIRST)))
    }

    /// The one root that reaches it.
    fn root(self) -> Option<usize> {
        self.0.checked_sub(Self::FIRST).map(usize::from)
    }

    pub(super) fn is_called(self, roots: &[Root]) -> bool {
        self == Self::CALLED || self.root().and_then(|root| roots.get(root)).is_some_and(Root::is_call)
    }

    /// These, and one root more.
    fn and(self, root: usize, roots: &[Root]) -> Self {
        let is_called = self.is_called(roots) || roots.get(root).is_some_and(Root::is_call);
        if is_called { Self::CALLED } else { Self::SEVERAL }
    }
}

/// Sets `reachable_bytes` of the roots, and who reaches each vertex.
pub(super) fn measure(graph: &mut MetaGraphReach<'_>) {
    let signatures_measured = graph.roots.iter().filter(|root| root.position.is_some()).count() <= MAX_SIGNATURES;
    if !signatures_measured {
        measure_all(graph);
    } else if graph.roots.len() <= 8 {
        measure_each::<u8>(graph);
    } else {
        measure_each::<u64>(graph);
    }
}

/// The bytes that a root reaches, and those that it alone of its metagraph reaches and no other metagraph has.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    reachable: u64,
    own: u64,
}

/// Tells the roots apart, as many at a time as there are bits in a mask.
fn measure_each<M: Mask>(graph: &mut MetaGraphReach<'_>) {
    let at_a_time = size_of::<M>() * 8;
    let mut reached = vec![ReachedBy::NOBODY; graph.vertices.len()];
    let mut sums = vec![Sums::default(); graph.roots.len()];
    for (batch, roots) in graph.roots.chunks(at_a_time).enumerate() {
        let mut masks = vec![M::default(); graph.vertices.len()];
        for (position, root) in (0..).zip(roots) {
            mark(&mut masks, root, M::from(1) << position);
        }
        spread(&graph.edges, &mut masks);
        for ((mask, by), (kind, bytes)) in masks.into_iter().zip(&mut reached).zip(graph.vertices.sizes()) {
            let own = if is_shared(kind) { 0 } else { bytes };
            let mut left: u64 = mask.into();
            while left != 0 {
                let root = batch * at_a_time + left.trailing_zeros() as usize;
                left &= left - 1;
                if let Some(sums) = by.root().and_then(|first| sums.get_mut(first)) {
                    sums.own = sums.own.saturating_sub(own);
                }
                let is_first = *by == ReachedBy::NOBODY;
                *by = if is_first { ReachedBy::only(root) } else { by.and(root, &graph.roots) };
                if let Some(sums) = sums.get_mut(root) {
                    sums.reachable = sums.reachable.saturating_add(bytes);
                    sums.own = sums.own.saturating_add(if is_first { own } else { 0 });
                }
            }
        }
    }
    graph.roots.iter_mut().zip(&sums).for_each(|(root, sums)| root.reachable_bytes = Some(sums.reachable));
    (graph.reached, graph.own_bytes) = (reached, sums.into_iter().map(|sums| sums.own).collect());
}

/// Takes too many roots to measure for one, of callers.
fn measure_all(graph: &mut MetaGraphReach<'_>) {
    let mut masks = vec![0_u8; graph.vertices.len()];
    graph.roots.iter().for_each(|root| mark(&mut masks, root, 1));
    spread(&graph.edges, &mut masks);
    graph.reached =
        masks.into_iter().map(|mask| if mask == 0 { ReachedBy::NOBODY } else { ReachedBy::CALLED }).collect();
}

/// Sets the bit of a root at what it leads to.
fn mark<M: Mask>(masks: &mut [M], root: &Root, bit: M) {
    for (target, _) in &root.targets {
        masks.get_mut(*target as usize).into_iter().for_each(|mask| *mask |= bit);
    }
}

/// Whether vertices of a kind are those of all metagraphs.
fn is_shared(kind: VertexKind) -> bool {
    matches!(kind, VertexKind::Variable | VertexKind::Asset)
}

/// Sets `exclusive_bytes` of the roots of all metagraphs, which share variables and assets.
pub(super) fn exclusive(graphs: &mut [Option<MetaGraphReach<'_>>]) {
    let all_known = graphs.iter().all(|graph| graph.as_ref().is_some_and(MetaGraphReach::is_measured));
    // For each shared vertex in how many metagraphs it is reached.
    let mut shared: HashMap<(VertexKind, u32, Vec<u8>), u32> = HashMap::default();
    for graph in graphs.iter().flatten() {
        for (_, key) in graph.shared() {
            *shared.entry(key).or_default() += 1;
        }
    }
    for graph in graphs.iter_mut().flatten().filter(|_| all_known) {
        let mut sums = graph.own_bytes.clone();
        for (number, key) in graph.shared() {
            let elsewhere = shared.get(&key).is_some_and(|graphs| *graphs > 1);
            let root = graph.by(number).root().filter(|_| !elsewhere);
            if let Some(sum) = root.and_then(|root| sums.get_mut(root)) {
                *sum = sum.saturating_add(graph.vertices.bytes(number));
            }
        }
        graph.roots.iter_mut().zip(sums).for_each(|(root, sum)| root.exclusive_bytes = Some(sum));
    }
}

impl MetaGraphReach<'_> {
    fn is_measured(&self) -> bool {
        self.roots.iter().all(|root| root.reachable_bytes.is_some())
    }

    /// Those of the vertices that some root reaches which every metagraph has, and what they are known by in each.
    fn shared(&self) -> impl Iterator<Item = (u32, (VertexKind, u32, Vec<u8>))> {
        self.others().filter(|number| self.is_reached(*number)).filter_map(|number| {
            match self.vertices.kind(number)? {
                VertexKind::Variable => Some((number, (VertexKind::Variable, number, Vec::new()))),
                VertexKind::Asset => Some((number, (VertexKind::Asset, 0, self.name_bytes(number).to_vec()))),
                _ => None,
            }
        })
    }
}
