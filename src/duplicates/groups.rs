//! Payloads of one content, found by staged narrowing, each stage cheaper than reading what it rules out:
//!
//! 1. the same length;
//! 2. the same CRC32C: a tensor's is in the checkpoint's index, others are computed, and only where the length met
//!    another of its kind;
//! 3. the same bytes, compared to one of those that agree so far.
//!
//! What never meets another of its length is not read at all, but for the question whether it is all zero; and for a
//! tensor the index answers that as well: the CRC32C of n zeros can be computed without n zeros.

use crc32c::{crc32c, crc32c_combine};

use super::source::{Payload, Sources};
use crate::checkpoint::table::mask;
use crate::progress::{Progress as _, Stage};

/// How often members that agree in length and CRC32C are held against one of them. Contents that still differ after
/// that were made to agree; sorting them keeps the cost from growing with the square of their number.
const PASSES: usize = 8;

/// Which payloads are equal, and which are nothing but zeros; numbers are positions in the list of payloads.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Grouped {
    /// At least two each, in the order of the payloads; the first is the one that is kept.
    pub(super) groups: Vec<Vec<usize>>,
    pub(super) zero: Vec<usize>,
}

/// Groups `payloads` by content. `comparing` is told how many bytes that takes as soon as it is known.
pub(super) fn group(payloads: &[Payload], sources: &Sources<'_>, comparing: Stage<'_>) -> Grouped {
    Comparison { payloads, sources, comparing }.group()
}

/// Payloads that are compared.
struct Comparison<'a> {
    payloads: &'a [Payload],
    sources: &'a Sources<'a>,
    comparing: Stage<'a>,
}

impl Comparison<'_> {
    fn group(mut self) -> Grouped {
        let mut by_length: Vec<usize> = (0..self.payloads.len()).collect();
        by_length.sort_by_key(|index| (self.length(*index), *index));
        let classes: Vec<&[usize]> = by_length.chunk_by(|a, b| self.length(*a) == self.length(*b)).collect();
        let is_hashed =
            |index: &usize| self.payloads.get(*index).is_some_and(|payload| payload.content_crc().is_none());
        let hashed = classes.iter().filter(|class| class.len() > 1).flat_map(|class| class.iter()).copied();
        let to_hash = self.length_of_all(hashed.filter(is_hashed));
        self.comparing.expect_more(to_hash);
        let (mut grouped, mut candidates) = (Grouped::default(), Vec::new());
        for class in classes {
            let (zero, other) = self.without_zeros(class);
            grouped.zero.extend(zero);
            candidates.extend(self.candidates(&other));
        }
        let to_compare = self.length_of_all(candidates.iter().flatten().copied());
        self.comparing.expect_more(to_compare);
        for candidates in candidates {
            self.partition(candidates, &mut grouped.groups);
        }
        grouped.groups.sort();
        grouped.zero.sort_unstable();
        grouped
    }

    fn length(&self, index: usize) -> u64 {
        self.payloads.get(index).map_or(0, Payload::content_len)
    }

    fn length_of_all(&self, indices: impl Iterator<Item = usize>) -> u64 {
        indices.map(|index| self.length(index)).fold(0, u64::saturating_add)
    }

    /// Those of a class of one length that are nothing but zeros, and the others.
    fn without_zeros(&self, class: &[usize]) -> (Vec<usize>, Vec<usize>) {
        let zeros = class.first().map(|first| mask(crc_of_zeros(self.length(*first))));
        let is_zero = |payload: &Payload| is_zero(payload, zeros, self.sources);
        class.iter().partition(|index| self.payloads.get(**index).is_some_and(is_zero))
    }

    /// Runs of payloads of one length that agree in their CRC32C.
    fn candidates(&self, class: &[usize]) -> Vec<Vec<usize>> {
        if class.len() < 2 {
            return Vec::new();
        }
        let members = || class.iter().filter_map(|index| Some((*index, self.payloads.get(*index)?)));
        // The index computes a string tensor's CRC32C over another form of it: comparable with one another, not with the
        // rest.
        let first = members().next().map(|(_, payload)| payload);
        let comparable = members().all(|(_, payload)| payload.crc_is_of_form(first));
        let mut keyed: Vec<(u32, usize)> = Vec::with_capacity(class.len());
        for (index, payload) in members() {
            let known = if comparable { payload.index_crc() } else { payload.content_crc() };
            let crc = known.or_else(|| {
                self.comparing.advance(payload.content_len());
                Some(mask(crc32c(&self.sources.content(payload)?)))
            });
            keyed.extend(crc.map(|crc| (crc, index)));
        }
        keyed.sort_unstable();
        let runs = keyed.chunk_by(|a, b| a.0 == b.0).filter(|run| run.len() > 1);
        runs.map(|run| run.iter().map(|(_, index)| *index).collect()).collect()
    }

    /// Divides candidates into groups of equal bytes.
    fn partition(&self, mut candidates: Vec<usize>, groups: &mut Vec<Vec<usize>>) {
        let content = |index: usize| {
            let payload = self.payloads.get(index)?;
            self.comparing.advance(payload.content_len());
            self.sources.content(payload)
        };
        for _ in 0..PASSES {
            let Some(first) = candidates.first().copied() else { return };
            let Some(kept) = content(first) else {
                candidates.remove(0);
                continue;
            };
            let (equal, rest): (Vec<_>, Vec<_>) =
                candidates.into_iter().partition(|index| *index == first || content(*index).is_some_and(|c| c == kept));
            if equal.len() > 1 {
                groups.push(equal);
            }
            candidates = rest;
        }
        candidates.sort_by(|a, b| content(*a).cmp(&content(*b)).then(a.cmp(b)));
        let runs = candidates.chunk_by(|a, b| content(*a) == content(*b));
        groups.extend(runs.filter(|run| run.len() > 1).map(<[usize]>::to_vec));
    }
}

fn is_zero(payload: &Payload, zeros: Option<u32>, sources: &Sources<'_>) -> bool {
    match payload.content_crc() {
        Some(crc) if Some(crc) != zeros => false,
        _ => sources.content(payload).is_some_and(|content| content.iter().all(|byte| *byte == 0)),
    }
}

/// The CRC32C of `length` zeros, by doubling.
fn crc_of_zeros(length: u64) -> u32 {
    let mut crc = 0;
    for bit in (0..u64::BITS).rev() {
        let done = length.checked_shr(bit + 1).unwrap_or(0);
        crc = crc32c_combine(crc, crc, usize::try_from(done).unwrap_or(usize::MAX));
        if length >> bit & 1 == 1 {
            crc = crc32c::crc32c_append(crc, &[0]);
        }
    }
    crc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_crc_of_zeros_needs_no_zeros() {
        for length in [0, 1, 2, 3, 7, 1024, 4095, 1 << 20] {
            assert_eq!(crc_of_zeros(length), crc32c(&vec![0; usize::try_from(length).unwrap()]), "{length}");
        }
    }
}
