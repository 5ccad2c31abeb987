//! The names in one function: what an input means by `name:output:0`.

use foldhash::HashMap;

use super::canonical::{MAX_PARTS, Unreadable};

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
#[derive(Default)]
pub(super) struct Names<'a> {
    sources: HashMap<&'a [u8], Source<'a>>,
    arguments: u64,
    /// For each node the function of the library that is its op.
    callees: Vec<Option<usize>>,
}

impl<'a> Names<'a> {
    /// Forgets all; memory is kept for the next function.
    pub(super) fn clear(&mut self) {
        if self.sources.capacity() > KEPT {
            self.sources = HashMap::default();
        }
        self.sources.clear();
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
        self.sources.entry(name).or_insert(source);
        if self.sources.len().max(self.callees.len()) > MAX_PARTS { Err(Unreadable) } else { Ok(()) }
    }

    pub(super) fn source(&self, name: &'a [u8]) -> Source<'a> {
        self.sources.get(name).copied().unwrap_or(Source::Unknown(name))
    }

    /// The function of the library that is the op of a node.
    pub(super) fn callee(&self, node: u64) -> Option<usize> {
        let index = usize::try_from(node).ok()?;
        self.callees.get(index).copied().flatten()
    }
}
