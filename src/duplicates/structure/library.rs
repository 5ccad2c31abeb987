//! The functions of one library by name, for what refers to them.

use std::ops::Range;

use foldhash::fast::RandomState;
use foldhash::{HashMap, HashSet};

use crate::message::number::function_def::SIGNATURE;
use crate::message::number::op_def::NAME as OP_NAME;
use crate::message::{FunctionDef, Message};
use crate::queue;
use crate::wire::first_len;

/// How often functions have their signature. Several are merged ([`crate::message::Signature`]), and to look for another one is a
/// walk over the whole function; who reads the functions for their form finds out whether there is any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signed {
    Once,
    Again,
}

/// The functions of one library. A function's number is its position among those of all libraries.
pub(super) struct Library<'a> {
    file: &'a [u8],
    ranges: &'a [Range<usize>],
    /// The number of the library's first function.
    first: usize,
    by_name: HashMap<&'a [u8], usize>,
    /// No name is longer: what is, needs no lookup, and so no hash of a large blob is computed.
    longest: usize,
    /// Bit n is set where a name has a length of n, or of n more than a multiple of 64: most ops have another one.
    lengths: u64,
}

impl<'a> Library<'a> {
    /// The library of the functions at `ranges`, which are in these parts of it, in order. `first` is the number of the first.
    pub(super) fn new(
        file: &'a [u8],
        ranges: &'a [Range<usize>],
        parts: &[&[Range<usize>]],
        first: usize,
        signed: Signed,
    ) -> Self {
        let name = |range: &Range<usize>| {
            let signature = match signed {
                Signed::Once => first_len(file, range.clone(), SIGNATURE),
                Signed::Again => return FunctionDef::new(file, range.clone()).signature().name(),
            };
            signature.map_or(&[][..], |op| Message::new(file, op).bytes(OP_NAME))
        };
        let names = queue::map(parts, |part| part.iter().map(name).collect::<Vec<_>>());
        let names = || (first..).zip(names.iter().flatten().copied()).filter(|(_, name)| !name.is_empty());
        let mut by_name = HashMap::with_capacity_and_hasher(names().count(), RandomState::default());
        for (number, name) in names() {
            // The later one of two of one name counts (`FunctionLibraryDefinition`, tensorflow/core/framework/function.cc).
            by_name.insert(name, number);
        }
        let longest = by_name.keys().map(|name| name.len()).max().unwrap_or(0);
        let lengths = by_name.keys().fold(0, |lengths, name| lengths | bit_of(name.len()));
        Self { file, ranges, first, by_name, longest, lengths }
    }

    /// How many bytes the functions have together.
    pub(super) fn bytes(&self) -> usize {
        self.ranges.iter().map(Range::len).fold(0, usize::saturating_add)
    }

    /// The number of the function of this name.
    pub(super) fn find(&self, name: &[u8]) -> Option<usize> {
        let is_possible = name.len() <= self.longest && self.lengths & bit_of(name.len()) != 0;
        if is_possible { self.by_name.get(name).copied() } else { None }
    }

    /// The names of a function's results, by their positions.
    fn results(&self, function: usize) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let file = self.file;
        let range = function.checked_sub(self.first).and_then(|index| self.ranges.get(index));
        let signature = range.map(|range| FunctionDef::new(file, range.clone()).signature()).unwrap_or_default();
        signature.results().collect::<Vec<_>>().into_iter()
    }
}

fn bit_of(length: usize) -> u64 {
    1 << (length % 64)
}

/// Positions of results by function and name, of the functions asked for so far: only functions that are called as ops,
/// TF1's way, have their results referred to by name.
#[derive(Default)]
pub(super) struct Results<'a> {
    positions: HashMap<(usize, &'a [u8]), u64>,
    known: HashSet<usize>,
}

impl<'a> Results<'a> {
    /// Which result of a function has this name.
    pub(super) fn position(&mut self, library: &Library<'a>, function: usize, name: &'a [u8]) -> Option<u64> {
        if self.known.insert(function) {
            for (position, name) in (0..).zip(library.results(function)) {
                self.positions.entry((function, name)).or_insert(position);
            }
        }
        self.positions.get(&(function, name)).copied()
    }
}
