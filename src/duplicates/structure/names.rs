//! The names in one function: what an input means by `name:output:0`.

use std::ops::Range;

use super::parts::{Unreadable, push};
use crate::seeded::Seed;
use crate::steady::sort_by_bytes;

/// A name table begins with so many slots, a power of two, and is at most half full: most functions have fewer nodes.
const LEAST_SLOTS: usize = 1 << 8;

/// A name table that has grown beyond this is given back after its function, as it takes memory.
const KEPT: usize = 1 << 16;

/// What a name in a function stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Source<'a> {
    /// An argument, by its position.
    Argument(u64),
    /// A node, by its position.
    Node(u64),
    /// Neither: the name itself.
    Unknown(&'a [u8]),
}

/// Sorts what names stand for: arguments, then nodes, then names.
pub(super) fn sort_sources(sources: &mut [Source<'_>]) {
    sort_by_bytes(sources, |source| match *source {
        Source::Argument(position) => (b"", position),
        // Positions of nodes and arguments are far below this.
        Source::Node(position) => (b"", position | 1 << 63),
        Source::Unknown(name) => (name, u64::MAX),
    });
}

/// A node of the function where it lies.
#[derive(Debug, Clone)]
pub(super) struct Node<'a> {
    pub(super) name: &'a [u8],
    /// The NodeDef's payload.
    pub(super) range: Range<usize>,
    /// The bytes behind its name; all bytes, if it does not begin with its name.
    pub(super) behind_name: &'a [u8],
}

impl Node<'_> {
    pub(super) fn begins_with_name(&self) -> bool {
        self.behind_name.len() < self.range.len()
    }

    /// Where the bytes behind its name begin.
    pub(super) fn end_of_name(&self) -> usize {
        self.range.end.saturating_sub(self.behind_name.len())
    }
}

/// The function of the library that is a node's op.
#[derive(Debug, Clone, Copy)]
enum Callee {
    /// Nobody has asked.
    Unread,
    Read(Option<usize>),
}

/// An argument or a node by its number: twice its position, and one more for a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Known(u32);

impl Known {
    const NONE: Self = Self(u32::MAX);

    #[inline]
    fn argument(position: usize) -> Self {
        u32::try_from(position << 1).map_or(Self::NONE, Self)
    }

    #[inline]
    fn node(position: usize) -> Self {
        u32::try_from(position << 1 | 1).map_or(Self::NONE, Self)
    }

    /// Its position, and whether it is a node.
    #[inline]
    fn split(self) -> (usize, bool) {
        ((self.0 >> 1) as usize, self.0 & 1 == 1)
    }

    #[inline]
    pub(super) fn is_node(self) -> bool {
        self.split().1
    }

    /// Whether it is an argument, or a node before this one.
    #[inline]
    pub(super) fn is_before(self, node: usize) -> bool {
        let (position, is_node) = self.split();
        !is_node || position < node
    }

    /// What its name stands for.
    pub(super) fn source<'a>(self) -> Source<'a> {
        let (position, is_node) = self.split();
        if is_node { Source::Node(position as u64) } else { Source::Argument(position as u64) }
    }
}

/// A slot of the table: half of a name's hash, and whose name it is.
#[derive(Debug, Clone, Copy)]
struct Slot {
    hash: u32,
    known: Known,
}

const EMPTY: Slot = Slot { hash: u32::MAX, known: Known::NONE };

/// The arguments and nodes of one function by name. Of two of one name the first counts.
///
/// The table is one of our own, as it is made anew for each function: to clear one of a few hundred slots of eight bytes takes
/// less than to look after a map. Its hash is seeded, so no file can fill it with names that meet.
pub(super) struct FunctionNames<'a> {
    arguments: Vec<&'a [u8]>,
    nodes: Vec<Node<'a>>,
    /// For the first nodes, as far as somebody asked.
    callees: Vec<Callee>,
    /// Whether a name would be read as something else where an input refers to it.
    is_odd: bool,
    slots: Vec<Slot>,
    /// How many slots are taken.
    taken: usize,
    seed: Seed,
}

impl Default for FunctionNames<'_> {
    fn default() -> Self {
        let (arguments, nodes, callees, slots) = Default::default();
        Self { arguments, nodes, callees, is_odd: false, slots, taken: 0, seed: Seed::default() }
    }
}

impl<'a> FunctionNames<'a> {
    /// Forgets all; memory is kept for the next function.
    pub(super) fn clear(&mut self) {
        self.arguments.clear();
        self.nodes.clear();
        self.callees.clear();
        self.is_odd = false;
        if self.slots.len() > KEPT {
            self.slots = Vec::new();
        }
        self.slots.clear();
        self.slots.extend_from_slice(&[EMPTY; LEAST_SLOTS]);
        self.taken = 0;
    }

    /// Adds the next argument.
    pub(super) fn push_argument(&mut self, name: &'a [u8]) -> Result<(), Unreadable> {
        let known = Known::argument(self.arguments.len());
        push(&mut self.arguments, name)?;
        // A colon in the name of a node does no harm where an output of it follows, as one always does in functions.
        self.is_odd |= name.contains(&b':');
        self.insert(name, known);
        Ok(())
    }

    /// Adds the next node.
    #[inline]
    pub(super) fn push_node(&mut self, node: Node<'a>) -> Result<(), Unreadable> {
        let (name, known) = (node.name, Known::node(self.nodes.len()));
        push(&mut self.nodes, node)?;
        self.insert(name, known);
        Ok(())
    }

    /// Whether each argument and node can be referred to: by a name that no other has, and that is read as a name.
    pub(super) fn are_sound(&self) -> bool {
        !self.is_odd && self.taken == self.arguments.len().saturating_add(self.nodes.len())
    }

    pub(super) fn count_nodes(&self) -> usize {
        self.nodes.len()
    }

    #[inline]
    pub(super) fn node(&self, position: usize) -> Option<&Node<'a>> {
        self.nodes.get(position)
    }

    /// The name of an argument or a node.
    #[inline]
    pub(super) fn name(&self, known: Known) -> Option<&'a [u8]> {
        match known.split() {
            (position, true) => self.nodes.get(position).map(|node| node.name),
            (position, false) => self.arguments.get(position).copied(),
        }
    }

    /// The argument or node of this name. All are known by then.
    #[inline]
    pub(super) fn find(&self, name: &[u8]) -> Option<Known> {
        let hash = self.seed.hash(name);
        let mut at = hash as usize & self.mask();
        // At least half of all slots are empty.
        while let Some(slot) = self.slots.get(at).filter(|slot| slot.known != Known::NONE) {
            if self.has(*slot, hash, name) {
                return Some(slot.known);
            }
            at = at.wrapping_add(1) & self.mask();
        }
        None
    }

    /// What a name stands for. All are known by then.
    pub(super) fn source(&self, name: &'a [u8]) -> Source<'a> {
        self.find(name).map_or(Source::Unknown(name), Known::source)
    }

    /// The function of the library that is the op of a node. `find` is asked at most once for each node.
    pub(super) fn callee<E>(
        &mut self,
        node: u64,
        find: impl FnOnce(Range<usize>) -> Result<Option<usize>, E>,
    ) -> Result<Option<usize>, E> {
        let Some((node, at)) = usize::try_from(node).ok().and_then(|at| Some((self.nodes.get(at)?, at))) else {
            return Ok(None);
        };
        if let Some(Callee::Read(callee)) = self.callees.get(at) {
            return Ok(*callee);
        }
        let found = find(node.range.clone())?;
        if at >= self.callees.len() {
            self.callees.resize(self.nodes.len(), Callee::Unread);
        }
        self.callees.get_mut(at).into_iter().for_each(|callee| *callee = Callee::Read(found));
        Ok(found)
    }

    #[inline]
    fn insert(&mut self, name: &'a [u8], known: Known) {
        self.is_odd |= name.first() == Some(&b'^');
        if self.taken >= self.slots.len() / 2 {
            self.grow();
        }
        let hash = self.seed.hash(name);
        let mut at = hash as usize & self.mask();
        while let Some(slot) = self.slots.get_mut(at) {
            if slot.known == Known::NONE {
                *slot = Slot { hash, known };
                self.taken = self.taken.saturating_add(1);
                break;
            }
            let taken = *slot;
            if self.has(taken, hash, name) {
                break;
            }
            at = at.wrapping_add(1) & self.mask();
        }
    }

    /// Whether a slot that is taken has this name.
    #[inline]
    fn has(&self, slot: Slot, hash: u32, name: &[u8]) -> bool {
        slot.hash == hash && self.name(slot.known) == Some(name)
    }

    #[inline]
    fn mask(&self) -> usize {
        self.slots.len().wrapping_sub(1)
    }

    /// Makes the table four times as large. What is in it are different names, so it does not matter which comes first.
    #[cold]
    fn grow(&mut self) {
        let slots = self.slots.len().saturating_mul(4).max(LEAST_SLOTS);
        let old = std::mem::replace(&mut self.slots, vec![EMPTY; slots]);
        for slot in old.into_iter().filter(|slot| slot.known != Known::NONE) {
            let mut at = slot.hash as usize & self.mask();
            while self.slots.get(at).is_some_and(|taken| taken.known != Known::NONE) {
                at = at.wrapping_add(1) & self.mask();
            }
            if let Some(empty) = self.slots.get_mut(at) {
                *empty = slot;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(nodes: &[Vec<u8>]) -> FunctionNames<'_> {
        let mut names = FunctionNames::default();
        names.clear();
        names.push_argument(b"x").unwrap();
        for node in nodes {
            names.push_node(Node { name: node, range: 0..0, behind_name: &[] }).unwrap();
        }
        names
    }

    #[test]
    fn each_of_many_names_stands_for_its_node_and_another_for_nothing() {
        let nodes: Vec<Vec<u8>> = (0..5000).map(|number| format!("layer_{number}/MatMul").into_bytes()).collect();
        let names = names(&nodes);
        assert!(names.are_sound());
        for (position, name) in nodes.iter().enumerate() {
            assert_eq!(names.source(name), Source::Node(position as u64));
        }
        assert_eq!(names.source(b"x"), Source::Argument(0));
        assert_eq!(names.source(b"layer_5000/MatMul"), Source::Unknown(b"layer_5000/MatMul"));
    }

    #[test]
    fn of_two_of_one_name_the_first_counts() {
        let nodes = [b"y".to_vec(), b"x".to_vec(), b"y".to_vec()];
        let names = names(&nodes);
        assert!(!names.are_sound());
        assert_eq!(names.source(b"x"), Source::Argument(0));
        assert_eq!(names.source(b"y"), Source::Node(0));
    }

    #[test]
    fn the_function_that_a_node_is_of_is_looked_for_once() {
        let nodes = [b"y".to_vec()];
        let mut names = names(&nodes);
        assert_eq!(names.callee(0, |_| Ok::<_, ()>(Some(7))), Ok(Some(7)));
        assert_eq!(names.callee(0, |_| Err(())), Ok(Some(7)));
    }
}
