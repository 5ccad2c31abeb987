//! Which bytes of which file are redundant or zero: what the `duplicate` dimension charges by.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::ledger::{Mark, State};

/// Marked ranges by file: in order and disjoint once sorted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Marks(BTreeMap<String, Vec<Mark>>);

impl Marks {
    pub(super) fn add(&mut self, file: &str, range: Range<u64>, state: State) {
        match self.0.get_mut(file) {
            Some(marks) => marks.push(Mark { range, state, tag: 0 }),
            None => drop(self.0.insert(file.to_owned(), vec![Mark { range, state, tag: 0 }])),
        }
    }

    pub(super) fn sort(&mut self) {
        for marks in self.0.values_mut() {
            marks.sort_by_key(|mark| mark.range.start);
        }
    }

    /// The marks by file.
    pub fn into_files(self) -> impl Iterator<Item = (String, Vec<Mark>)> {
        self.0.into_iter()
    }
}
