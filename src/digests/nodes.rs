//! The nodes of a graph, added up by op. Most are as one before them but for names, of which only the number counts: so what stands
//! behind these is looked up among the nodes before, and only what is met for the first time is walked by the schema.

use std::ops::Range;

use foldhash::HashMap;
use foldhash::fast::RandomState;
use indexmap::IndexMap;

use crate::cache::{hash_name, same};
use crate::message::number::node_def::{INPUT, NAME, OP};
use crate::wire::split_len;

/// The most nodes of a graph that are remembered, and the most bytes that one has behind its names then.
const MAX_KNOWN: usize = 1 << 16;
const MAX_KNOWN_BYTES: usize = 1 << 10;

/// How many slots of guesses there are: graphs have some hundred kinds of nodes that come again and again.
const SLOTS: usize = 1 << 10;

/// What a node is but for names, as writers make it: it begins with its name, its op and its inputs. Whatever else it says is
/// behind these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Plain<'f> {
    /// How many inputs.
    inputs: usize,
    op: &'f [u8],
    /// The fields behind them.
    rest: &'f [u8],
}

impl<'f> Plain<'f> {
    /// The parts of the node in these bytes, where it is laid out as writers do it and not too long to be remembered.
    #[inline(always)]
    pub(super) fn of(node: &'f [u8]) -> Option<Self> {
        let (_, rest) = split_len(node, NAME)?;
        let (op, mut rest) = split_len(rest, OP)?;
        let mut inputs = 0_usize;
        while let Some((_, behind)) = split_len(rest, INPUT) {
            (inputs, rest) = (inputs.saturating_add(1), behind);
        }
        (rest.len() <= MAX_KNOWN_BYTES).then_some(Self { inputs, op, rest })
    }

    /// The slot where to look for it.
    #[inline(always)]
    fn slot(&self) -> usize {
        let hash = hash_name(self.op) ^ hash_name(self.rest).rotate_left(7) ^ (self.inputs as u64).rotate_right(6);
        usize::try_from(hash.checked_shr(u64::BITS.saturating_sub(SLOTS.ilog2())).unwrap_or_default())
            .unwrap_or_default()
    }

    /// Whether it is another one to the byte.
    #[inline(always)]
    fn is(&self, other: &Plain<'_>) -> bool {
        self.inputs == other.inputs && same(self.rest, other.rest) && same(self.op, other.op)
    }
}

/// What a node is but for names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Digest {
    /// Where the sum of its op is.
    sum: usize,
    digest: u64,
}

/// A node that was read.
struct Known<'f> {
    plain: Plain<'f>,
    digest: Digest,
    /// How many were like it.
    count: u64,
}

/// The nodes of a graph so far.
pub(super) struct Nodes<'f> {
    /// The digests of each op's nodes added up, but for those that are counted in `known`.
    ops: IndexMap<&'f [u8], u64, RandomState>,
    known: Vec<Known<'f>>,
    /// Where each is in `known`.
    places: HashMap<Plain<'f>, usize>,
    /// By their slots the two that were met last: those of one op mostly differ in what their last bytes do not say.
    guesses: Vec<[u32; 2]>,
}

impl Default for Nodes<'_> {
    fn default() -> Self {
        let (ops, known, places) = Default::default();
        Self { ops, known, places, guesses: vec![[u32::MAX; 2]; SLOTS] }
    }
}

impl<'f> Nodes<'f> {
    /// Adds a node that is as one before it: what that is, if there was one.
    #[inline(always)]
    pub(super) fn add_known(&mut self, plain: &Plain<'f>) -> Option<Digest> {
        let slot = plain.slot();
        // The slot only says where to look: what is there is compared.
        for guess in self.guesses.get(slot).copied().unwrap_or_default() {
            if let Some(known) = self.known.get_mut(guess as usize)
                && known.plain.is(plain)
            {
                known.count = known.count.saturating_add(1);
                return Some(known.digest);
            }
        }
        self.add_found(plain, slot)
    }

    #[cold]
    fn add_found(&mut self, plain: &Plain<'f>, slot: usize) -> Option<Digest> {
        let at = self.places.get(plain).copied()?;
        self.guess(slot, at);
        let known = self.known.get_mut(at)?;
        known.count = known.count.saturating_add(1);
        Some(known.digest)
    }

    /// Notes that one was met last.
    fn guess(&mut self, slot: usize, at: usize) {
        if let Some(guesses) = self.guesses.get_mut(slot) {
            *guesses = [u32::try_from(at).unwrap_or(u32::MAX), guesses[0]];
        }
    }

    /// Adds a node of an op that was read to have this digest, and remembers what it is.
    pub(super) fn add(&mut self, op: &'f [u8], digest: u64, plain: Option<Plain<'f>>) -> Digest {
        let entry = self.ops.entry(op);
        let sum = entry.index();
        let all = entry.or_default();
        let digest = Digest { sum, digest };
        match plain.filter(|_| self.known.len() < MAX_KNOWN) {
            Some(plain) => {
                self.guess(plain.slot(), self.known.len());
                self.places.insert(plain, self.known.len());
                self.known.push(Known { plain, digest, count: 1 });
            }
            None => *all = all.wrapping_add(digest.digest),
        }
        digest
    }

    /// The digests of all nodes added up, by op.
    pub(super) fn sums(mut self) -> impl Iterator<Item = (&'f [u8], u64)> {
        for known in &self.known {
            if let Some((_, sum)) = self.ops.get_index_mut(known.digest.sum) {
                *sum = sum.wrapping_add(known.digest.digest.wrapping_mul(known.count));
            }
        }
        self.ops.into_iter()
    }
}

/// How many nodes of a graph are listed one by one, and how many kinds of nodes, where it has more than that. A name and what is
/// kept beside it take some two hundred bytes.
const MAX_EACH: usize = 1 << 13;
const MAX_KINDS: usize = 1 << 13;

/// A node of a graph, or several that are the same but for names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listed {
    /// The payload of the first.
    pub(crate) node: Range<usize>,
    /// What each is but for names.
    pub(crate) digest: u64,
    /// Where the sum of its op is.
    sum: usize,
    /// How many, and what they take in the file.
    pub(crate) count: u64,
    pub(crate) bytes: u64,
}

/// The nodes of a graph: each, where there are not too many, and otherwise each kind of them.
#[derive(Debug, Default)]
pub(super) struct List {
    nodes: Vec<Listed>,
    /// Once there were too many, where each kind is.
    kinds: Option<HashMap<Digest, usize>>,
    /// There are too many kinds as well.
    is_full: bool,
}

/// Nodes by their op.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    /// Those of each op, in the order of the file.
    pub(crate) ops: HashMap<Vec<u8>, Vec<Listed>>,
    /// Whether those are one that are the same but for names.
    pub(crate) by_kind: bool,
}

impl List {
    pub(super) fn add(&mut self, digest: Digest, node: Range<usize>, bytes: u64) {
        if self.is_full {
            return;
        }
        let node = Listed { node, digest: digest.digest, sum: digest.sum, count: 1, bytes };
        match &mut self.kinds {
            Some(kinds) => add_kind(&mut self.nodes, kinds, node),
            None => self.nodes.push(node),
        }
        if self.kinds.is_none() && self.nodes.len() > MAX_EACH {
            let mut kinds = HashMap::default();
            for node in std::mem::take(&mut self.nodes) {
                add_kind(&mut self.nodes, &mut kinds, node);
            }
            self.kinds = Some(kinds);
        }
        if self.kinds.is_some() && self.nodes.len() > MAX_KINDS {
            *self = Self { is_full: true, ..Self::default() };
        }
    }

    /// The nodes by op; none where there are too many.
    pub(super) fn listing(self, nodes: &Nodes<'_>) -> Option<Listing> {
        let mut by_op: Vec<Vec<Listed>> = nodes.ops.iter().map(|_| Vec::new()).collect();
        for node in self.nodes {
            if let Some(of_op) = by_op.get_mut(node.sum) {
                of_op.push(node);
            }
        }
        let ops = nodes.ops.keys().map(|op| op.to_vec()).zip(by_op).collect();
        let listing = Listing { ops, by_kind: self.kinds.is_some() };
        (!self.is_full).then_some(listing)
    }
}

fn add_kind(nodes: &mut Vec<Listed>, kinds: &mut HashMap<Digest, usize>, node: Listed) {
    let at = *kinds.entry(Digest { sum: node.sum, digest: node.digest }).or_insert(nodes.len());
    match nodes.get_mut(at) {
        Some(known) => {
            known.count = known.count.saturating_add(node.count);
            known.bytes = known.bytes.saturating_add(node.bytes);
        }
        None => nodes.push(node),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A list of nodes of an op with these digests, ten bytes each.
    fn listed(digests: impl Iterator<Item = u64>) -> Option<Listing> {
        let (mut nodes, mut list) = (Nodes::default(), List::default());
        for digest in digests {
            let digest = nodes.add(b"Add", digest, None);
            list.add(digest, 0..10, 10);
        }
        list.listing(&nodes)
    }

    #[test]
    fn nodes_are_listed_one_by_one_up_to_a_limit_and_then_by_what_they_are() {
        let each = listed((0..MAX_EACH as u64).map(|at| at % 3)).unwrap();
        assert!(!each.by_kind && each.ops[&b"Add"[..]].len() == MAX_EACH);
        let kinds = listed((0..=MAX_EACH as u64).map(|at| at % 3)).unwrap();
        let of_all: Vec<_> = kinds.ops[&b"Add"[..]].iter().map(|kind| (kind.digest, kind.count, kind.bytes)).collect();
        assert!(kinds.by_kind);
        assert_eq!(of_all, [(0, 2_731, 27_310), (1, 2_731, 27_310), (2, 2_731, 27_310)]);
        assert!(listed(0..=MAX_EACH as u64).is_none(), "too many kinds");
    }
}
