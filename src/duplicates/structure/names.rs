//! The names in one function: what an input means by `name:output:0`.

use foldhash::HashMap;

use super::canonical::{Unreadable, push};
use crate::recent::{Recent, mix_name};

/// How many names are found without a hash, as a power of two: as many as most functions have nodes.
const RECENT_BITS: u32 = 9;

/// A name table that has grown beyond this is given back after its function, as clearing it takes time by its size.
const KEPT: usize = 1 << 14;

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

/// The arguments and nodes of one function by name. Of two of one name the first counts.
///
/// Inputs are mostly nodes shortly before, which are found without a hash; a map of all is made for those that are not.
pub(super) struct Names<'a> {
    /// The arguments and nodes in the order in which they were added.
    known: Vec<(&'a [u8], Source<'a>)>,
    recent: Recent,
    sources: HashMap<&'a [u8], Source<'a>>,
    /// How many of `known` are in the map.
    mapped: usize,
    arguments: u64,
    /// For each node the function of the library that is its op.
    callees: Vec<Option<usize>>,
}

impl Default for Names<'_> {
    fn default() -> Self {
        Self {
            known: Vec::new(),
            recent: Recent::new(RECENT_BITS),
            sources: HashMap::default(),
            mapped: 0,
            arguments: 0,
            callees: Vec::new(),
        }
    }
}

impl<'a> Names<'a> {
    /// Forgets all; memory is kept for the next function.
    pub(super) fn clear(&mut self) {
        if self.sources.capacity() > KEPT {
            self.sources = HashMap::default();
        }
        self.sources.clear();
        self.mapped = 0;
        self.known.clear();
        self.arguments = 0;
        self.callees.clear();
    }

    /// Adds the next argument.
    pub(super) fn push_argument(&mut self, name: &'a [u8]) -> Result<(), Unreadable> {
        let position = self.arguments;
        self.arguments = position.saturating_add(1);
        self.push(name, Source::Argument(position))
    }

    /// Adds the next node. `callee` is the function of the library that is its op.
    pub(super) fn push_node(&mut self, name: &'a [u8], callee: Option<usize>) -> Result<(), Unreadable> {
        let position = self.callees.len() as u64;
        self.callees.push(callee);
        self.push(name, Source::Node(position))
    }

    fn push(&mut self, name: &'a [u8], source: Source<'a>) -> Result<(), Unreadable> {
        let mixed = mix_name(name);
        if self.guess(mixed, name).is_none() {
            self.recent.set(mixed, self.known.len());
        }
        push(&mut self.known, (name, source))
    }

    fn guess(&self, mixed: u64, name: &[u8]) -> Option<Source<'a>> {
        self.known.get(self.recent.get(mixed)).filter(|(known, _)| *known == name).map(|(_, source)| *source)
    }

    /// What a name stands for. All are known by then.
    pub(super) fn source(&mut self, name: &'a [u8]) -> Source<'a> {
        self.guess(mix_name(name), name).unwrap_or_else(|| {
            for (known, source) in self.known.get(self.mapped..).unwrap_or_default() {
                self.sources.entry(known).or_insert(*source);
            }
            self.mapped = self.known.len();
            self.sources.get(name).copied().unwrap_or(Source::Unknown(name))
        })
    }

    /// The function of the library that is the op of a node.
    pub(super) fn callee(&self, node: u64) -> Option<usize> {
        let index = usize::try_from(node).ok()?;
        self.callees.get(index).copied().flatten()
    }
}
