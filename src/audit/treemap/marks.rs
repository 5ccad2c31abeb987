//! What is said of bytes, as marks: whether they are duplicates, which findings claim them, and which signatures reach
//! them, three lists of ranges of each file, put together to one.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use foldhash::fast::RandomState;
use indexmap::IndexSet;

use super::reached::{ByFile, Signatures};
use crate::ledger::{Mark, State};

/// What is said of some bytes besides their state: the findings that claim them, a bit each, and the signatures that reach
/// them.
pub(super) type Said = (u64, Option<Signatures>);

/// All that is said of any bytes, each once; at the position 0 is that nothing is.
#[derive(Debug)]
pub(super) struct Tags(IndexSet<Said, RandomState>);

impl Default for Tags {
    fn default() -> Self {
        Self(std::iter::once((0, None)).collect())
    }
}

impl Tags {
    fn of(&mut self, said: Said) -> u32 {
        u32::try_from(self.0.insert_full(said).0).unwrap_or_default()
    }

    /// What the tags say, in the order of their numbers.
    pub(super) fn all(self) -> impl Iterator<Item = Said> {
        self.0.into_iter()
    }
}

/// The ranges of a file that are claimed, by finding.
pub(super) type Claimed<'c> = Vec<(u64, &'c [Range<u64>])>;

/// A list of ranges that is gone through once.
struct Cursor<'r, T> {
    ranges: std::iter::Peekable<std::slice::Iter<'r, T>>,
    range: fn(&T) -> Range<u64>,
}

impl<'r, T> Cursor<'r, T> {
    fn new(ranges: &'r [T], range: fn(&T) -> Range<u64>) -> Self {
        Self { ranges: ranges.iter().peekable(), range }
    }

    /// What the byte at `offset` is in, which must not be before the last one asked for.
    fn at(&mut self, offset: u64) -> Option<&'r T> {
        while self.ranges.next_if(|ranged| (self.range)(ranged).end <= offset).is_some() {}
        self.ranges.peek().copied().filter(|ranged| (self.range)(ranged).start <= offset)
    }
}

/// Puts together what is said of the bytes of one file. Each list is in order and disjoint; so are the marks.
pub(super) fn of_file(
    states: &[Mark],
    claimed: &Claimed<'_>,
    reached: &[(Range<u64>, Signatures)],
    tags: &mut Tags,
) -> Vec<Mark> {
    let ends = states.iter().map(|mark| mark.range.clone());
    let ends = ends.chain(claimed.iter().flat_map(|(_, ranges)| ranges.iter().cloned()));
    let ends = ends.chain(reached.iter().map(|(range, _)| range.clone()));
    let mut cuts: Vec<u64> = ends.flat_map(|range| [range.start, range.end]).collect();
    cuts.sort_unstable();
    cuts.dedup();
    let mut states = Cursor::new(states, |mark| mark.range.clone());
    let mut reached = Cursor::new(reached, |(range, _)| range.clone());
    let mut claimed: Vec<_> =
        claimed.iter().map(|(bit, ranges)| (*bit, Cursor::new(ranges, |range: &Range<u64>| range.clone()))).collect();
    let mut marks: Vec<Mark> = Vec::new();
    for (start, end) in cuts.iter().zip(cuts.iter().skip(1)) {
        let state = states.at(*start).map_or(State::Unique, |mark| mark.state);
        let signatures = reached.at(*start).map(|(_, signatures)| *signatures);
        let claims = claimed.iter_mut().filter_map(|(bit, cursor)| cursor.at(*start).map(|_| *bit));
        let findings = claims.fold(0, |all, bit| all | bit);
        let tag = tags.of((findings, signatures));
        match marks.last_mut() {
            Some(last) if last.range.end == *start && (last.state, last.tag) == (state, tag) => last.range.end = *end,
            _ if state == State::Unique && tag == 0 => {}
            _ => marks.push(Mark { range: *start..*end, state, tag }),
        }
    }
    marks
}

/// The names of all files of which anything is said.
pub(super) fn files<'f>(
    states: &'f BTreeMap<String, Vec<Mark>>,
    claimed: impl Iterator<Item = &'f str>,
    reached: &'f ByFile,
) -> BTreeSet<&'f str> {
    let named = states.keys().chain(reached.keys()).map(String::as_str);
    named.chain(claimed).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Sorted, disjoint ranges within 40 bytes.
    fn ranges() -> impl Strategy<Value = Vec<Range<u64>>> {
        prop::collection::btree_set(0_u64..40, 0..8).prop_map(|ends| {
            let ends: Vec<u64> = ends.into_iter().collect();
            ends.chunks_exact(2).map(|pair| pair[0]..pair[1]).collect()
        })
    }

    proptest! {
        #[test]
        fn each_byte_has_what_the_lists_say_of_it(
            redundant in ranges(),
            first in ranges(),
            second in ranges(),
            reached in prop::collection::vec(0_u32..4, 8),
            followed in ranges(),
        ) {
            let states: Vec<Mark> =
                redundant.iter().map(|range| Mark { range: range.clone(), state: State::Redundant, tag: 0 }).collect();
            let reached: Vec<(Range<u64>, u32)> = followed.into_iter().zip(reached).collect();
            let mut tags = Tags::default();
            let marks = of_file(&states, &vec![(1, &*first), (2, &*second)], &reached, &mut tags);
            let said: Vec<Said> = tags.all().collect();
            let has = |ranges: &[Range<u64>], byte| ranges.iter().any(|range| range.contains(&byte));
            for byte in 0..40 {
                let claims = u64::from(has(&first, byte)) | u64::from(has(&second, byte)) << 1;
                let signatures = reached.iter().find(|(range, _)| range.contains(&byte)).map(|(_, mask)| *mask);
                let mark = marks.iter().find(|mark| mark.range.contains(&byte));
                let state = mark.map_or(State::Unique, |mark| mark.state);
                prop_assert_eq!(state == State::Redundant, has(&redundant, byte));
                prop_assert_eq!(said[mark.map_or(0, |mark| mark.tag as usize)], (claims, signatures));
            }
            let ends: Vec<u64> = marks.iter().flat_map(|mark| [mark.range.start, mark.range.end]).collect();
            prop_assert!(ends.is_sorted());
        }
    }
}
