//! The nodes of a graph by name.
//!
//! Resolving the inputs of all nodes is most of what following a graph costs: a million names to note, two million to look
//! up. A map from slices has entries of 24 bytes, so that each look-up waits for memory that no cache holds. Here an entry
//! is the node's number, the name is read in the file, and the table gets its size at once: 5 bytes a node. And most inputs
//! name one of the nodes shortly before, which a small list that stays in the cache has, by the ends of their names.

use std::hash::BuildHasher as _;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use super::{Kind, Thing};
use crate::recent::{Recent, mix_name};

/// How many of the nodes before one are remembered, as a power of two.
pub(super) const RECENT_BITS: u32 = 10;

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
            let name = thing.name(file);
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

    /// The same for a name that is most likely one of those met last; `None` also where it is none of these.
    pub(super) fn get_recent(&self, file: &[u8], things: &[Thing], wanted: &[u8], recent: &Recent) -> Option<u32> {
        let guess = u32::try_from(recent.get(mix_name(wanted))).ok().filter(|_| !self.ambiguous);
        guess.filter(|number| things.get(*number as usize).is_some_and(|thing| thing.name(file) == wanted))
    }
}

fn name<'a>(file: &'a [u8], things: &[Thing], number: u32) -> &'a [u8] {
    things.get(number as usize).map_or(&[], |thing| thing.name(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nodes of these names, and the file that holds the names.
    fn nodes(names: &[&str]) -> (Vec<u8>, Vec<Thing>) {
        let file = names.concat().into_bytes();
        let mut start = 0;
        let mut thing = |name: &&str| {
            let range = start..start + name.len();
            start = range.end;
            Thing::new(Kind::Node, &range, range.clone(), 1)
        };
        let things = names.iter().map(&mut thing).collect();
        (file, things)
    }

    #[test]
    fn a_node_is_found_by_its_name_and_nothing_by_another() {
        let (file, things) = nodes(&["dense/MatMul", "dense/MatMul_1", ""]);
        let names = Names::new(&file, &things);
        let found =
            ["dense/MatMul_1", "dense/MatMul", "", "dense"].map(|name| names.get(&file, &things, name.as_bytes()));
        assert_eq!(found, [Some(1), Some(0), Some(2), None]);
    }

    #[test]
    fn of_two_of_one_name_the_first_counts_also_where_the_second_was_met_last() {
        let (file, things) = nodes(&["a", "b", "a"]);
        let names = Names::new(&file, &things);
        let mut recent = Recent::new(RECENT_BITS);
        recent.set(mix_name(b"a"), 2);
        assert_eq!(names.get_recent(&file, &things, b"a", &recent), None);
        assert_eq!(names.get(&file, &things, b"a"), Some(0));
    }

    #[test]
    fn a_guess_that_is_wrong_finds_nothing() {
        let (file, things) = nodes(&["a", "b"]);
        let names = Names::new(&file, &things);
        let mut recent = Recent::new(RECENT_BITS);
        assert_eq!(names.get_recent(&file, &things, b"", &recent), None);
        recent.set(mix_name(b"a"), 1);
        assert_eq!(names.get_recent(&file, &things, b"a", &recent), None);
        recent.set(mix_name(b"a"), 0);
        assert_eq!(names.get_recent(&file, &things, b"a", &recent), Some(0));
    }
}
