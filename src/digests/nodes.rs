//! The nodes of a graph, added up by op. Most are as one before them but for names, of which only the number counts: so what stands
//! behind these is looked up among the nodes before, and only what is met for the first time is walked by the schema.

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

/// A node that was read.
struct Known<'f> {
    plain: Plain<'f>,
    digest: u64,
    /// Where the sum of its op is.
    sum: usize,
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
    /// Adds a node that is as one before it; whether there was one.
    #[inline(always)]
    pub(super) fn add_known(&mut self, plain: &Plain<'f>) -> bool {
        let slot = plain.slot();
        // The slot only says where to look: what is there is compared.
        for guess in self.guesses.get(slot).copied().unwrap_or_default() {
            if let Some(known) = self.known.get_mut(guess as usize).filter(|known| known.plain.is(plain)) {
                known.count = known.count.saturating_add(1);
                return true;
            }
        }
        self.add_found(plain, slot)
    }

    #[cold]
    fn add_found(&mut self, plain: &Plain<'f>, slot: usize) -> bool {
        let Some(at) = self.places.get(plain).copied() else { return false };
        self.guess(slot, at);
        self.known.get_mut(at).into_iter().for_each(|known| known.count = known.count.saturating_add(1));
        true
    }

    /// Notes that one was met last.
    fn guess(&mut self, slot: usize, at: usize) {
        if let Some(guesses) = self.guesses.get_mut(slot) {
            *guesses = [u32::try_from(at).unwrap_or(u32::MAX), guesses[0]];
        }
    }

    /// Adds a node of an op that was read to have this digest, and remembers what it is.
    pub(super) fn add(&mut self, op: &'f [u8], digest: u64, plain: Option<Plain<'f>>) {
        let entry = self.ops.entry(op);
        let sum = entry.index();
        let all = entry.or_default();
        match plain.filter(|_| self.known.len() < MAX_KNOWN) {
            Some(plain) => {
                self.guess(plain.slot(), self.known.len());
                self.places.insert(plain, self.known.len());
                self.known.push(Known { plain, digest, sum, count: 1 });
            }
            None => *all = all.wrapping_add(digest),
        }
    }

    /// The digests of all nodes added up, by op.
    pub(super) fn sums(mut self) -> impl Iterator<Item = (&'f [u8], u64)> {
        for known in &self.known {
            if let Some((_, sum)) = self.ops.get_index_mut(known.sum) {
                *sum = sum.wrapping_add(known.digest.wrapping_mul(known.count));
            }
        }
        self.ops.into_iter()
    }
}
