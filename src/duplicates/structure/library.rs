//! The functions of one library by name, for what refers to them.

use std::ops::Range;

use foldhash::{HashMap, HashSet};

use crate::wire::{fields, last_len};

/// `FunctionDef.signature`; `OpDef.name`, `.output_arg` and `OpDef.ArgDef.name`.
const SIGNATURE: u32 = 1;
const OP_NAME: u32 = 1;
const OUTPUT_ARG: u32 = 3;
const ARG_NAME: u32 = 1;

/// The functions of one library. A function's number is its position among those of all libraries.
pub(super) struct Library<'a> {
    file: &'a [u8],
    ranges: &'a [Range<usize>],
    /// The number of the library's first function.
    first: usize,
    by_name: HashMap<&'a [u8], usize>,
    /// No name is longer: what is, needs no lookup, and so no hash of a large blob is computed.
    longest: usize,
    /// Positions of results by function and name, of the functions asked for so far.
    results: HashMap<(usize, &'a [u8]), u64>,
    loaded: HashSet<usize>,
}

impl<'a> Library<'a> {
    pub(super) fn new(file: &'a [u8], ranges: &'a [Range<usize>], first: usize) -> Self {
        let mut by_name = HashMap::default();
        for (number, range) in (first..).zip(ranges) {
            let name = last_len(file, range.clone(), SIGNATURE).and_then(|op| last_len(file, op, OP_NAME));
            let name = name.and_then(|range| file.get(range)).unwrap_or_default();
            if !name.is_empty() {
                by_name.entry(name).or_insert(number);
            }
        }
        let longest = by_name.keys().map(|name| name.len()).max().unwrap_or(0);
        Self { file, ranges, first, by_name, longest, results: HashMap::default(), loaded: HashSet::default() }
    }

    /// The number of the function of this name.
    pub(super) fn find(&self, name: &[u8]) -> Option<usize> {
        if name.len() > self.longest { None } else { self.by_name.get(name).copied() }
    }

    /// Which result of a function has this name. Read when first asked for: only functions that are called as ops,
    /// TF1's way, have their results referred to by name.
    pub(super) fn result(&mut self, function: usize, name: &[u8]) -> Option<u64> {
        if self.loaded.insert(function) {
            self.load_results(function);
        }
        self.results.get(&(function, name)).copied()
    }

    fn load_results(&mut self, function: usize) {
        let range = function.checked_sub(self.first).and_then(|index| self.ranges.get(index));
        let signature = range.and_then(|range| last_len(self.file, range.clone(), SIGNATURE)).unwrap_or(0..0);
        let fields = fields(self.file, signature);
        for (position, arg) in (0..).zip(fields.filter(|field| field.is_len(OUTPUT_ARG))) {
            let name = last_len(self.file, arg.payload(), ARG_NAME).and_then(|range| self.file.get(range));
            self.results.entry((function, name.unwrap_or_default())).or_insert(position);
        }
    }
}
