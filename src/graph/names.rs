//! The nodes of a graph by name.
//!
//! Resolving the inputs of all nodes is most of what following a graph costs: a million names to note, two million to look
//! up. A map from slices has entries of 24 bytes, so that each look-up waits for memory that no cache holds. Here an entry
//! is the node's number, the name is read in the file, and the table gets its size at once: 5 bytes a node. And most inputs
//! name one of the nodes shortly before, which a small list that stays in the cache has, by the ends of their names.

use std::hash::BuildHasher as _;
use std::ops::Range;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use super::{Kind, Thing};

/// How many of the nodes before one are remembered, as a power of two.
const RECENT_BITS: u32 = 10;

/// The numbers of the nodes among things, by name.
#[derive(Default)]
pub(super) struct Names {
    table: HashTable<u32>,
    state: RandomState,
    /// Whether two nodes have one name; then the one just before may not be the one that counts.
    ambiguous: bool,
}

impl Names {
    /// The nodes of `things`. Of two of one name the first counts.
    pub(super) fn new(file: &[u8], things: &[Thing]) -> Self {
        let state = RandomState::default();
        let nodes = || (0..).zip(things).filter(|(_, thing)| thing.kind == Kind::Node);
        let mut table = HashTable::with_capacity(nodes().count());
        let mut ambiguous = false;
        for (number, thing) in nodes() {
            let name = bytes(file, &thing.name);
            let entry = table.entry(
                state.hash_one(name),
                |other| self::name(file, things, *other) == name,
                |other| state.hash_one(self::name(file, things, *other)),
            );
            ambiguous |= matches!(entry, hashbrown::hash_table::Entry::Occupied(_));
            entry.or_insert(number);
        }
        Self { table, state, ambiguous }
    }

    /// The node of this name.
    pub(super) fn get(&self, file: &[u8], things: &[Thing], wanted: &[u8]) -> Option<u32> {
        if self.table.is_empty() {
            return None;
        }
        self.table.find(self.state.hash_one(wanted), |number| name(file, things, *number) == wanted).copied()
    }

    /// The same for the input of a node, which is most likely one of those shortly before it.
    pub(super) fn get_recent(&self, file: &[u8], things: &[Thing], wanted: &[u8], recent: &Recent) -> Option<u32> {
        let guess = recent.get(wanted).filter(|_| !self.ambiguous);
        let is_it = |number: &u32| things.get(*number as usize).is_some_and(|t| bytes(file, &t.name) == wanted);
        guess.filter(is_it).or_else(|| self.get(file, things, wanted))
    }
}

/// The nodes that were met last. Of two whose names end alike it has the later one.
pub(super) struct Recent(Vec<Option<u32>>);

impl Recent {
    pub(super) fn new() -> Self {
        Self(vec![None; 1 << RECENT_BITS])
    }

    /// Remembers a node.
    pub(super) fn note(&mut self, name: &[u8], number: u32) {
        if let Some(slot) = self.0.get_mut(Self::slot(name)) {
            *slot = Some(number);
        }
    }

    fn get(&self, name: &[u8]) -> Option<u32> {
        self.0.get(Self::slot(name)).copied().flatten()
    }

    /// Names are counted at their ends (`dense_12`, `dense/MatMul_3`), so the last bytes tell neighbours apart.
    fn slot(name: &[u8]) -> usize {
        let tail = name.last_chunk::<8>().map_or(name.len() as u64, |tail| u64::from_le_bytes(*tail));
        // The odd number of Fibonacci hashing, 2^64 divided by the golden ratio: the upper bits depend on all bytes.
        let mixed = tail.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (u64::BITS - RECENT_BITS);
        usize::try_from(mixed).unwrap_or_default()
    }
}

fn name<'a>(file: &'a [u8], things: &[Thing], number: u32) -> &'a [u8] {
    things.get(number as usize).map_or(&[], |thing| bytes(file, &thing.name))
}

fn bytes<'a>(file: &'a [u8], range: &Range<usize>) -> &'a [u8] {
    file.get(range.clone()).unwrap_or_default()
}
