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

/// Groups `payloads` by content.
pub(super) fn group(payloads: &[Payload], sources: &Sources<'_>) -> Grouped {
    let mut by_length: Vec<usize> = (0..payloads.len()).collect();
    let length = |index: &usize| payloads.get(*index).map_or(0, Payload::content_len);
    by_length.sort_by_key(|index| (length(index), *index));
    let mut grouped = Grouped::default();
    for class in by_length.chunk_by(|a, b| length(a) == length(b)) {
        group_class(payloads, class, sources, &mut grouped);
    }
    grouped.groups.sort();
    grouped.zero.sort_unstable();
    grouped
}

/// Groups payloads of one length.
fn group_class(payloads: &[Payload], class: &[usize], sources: &Sources<'_>, grouped: &mut Grouped) {
    let members = || class.iter().filter_map(|index| Some((*index, payloads.get(*index)?)));
    let zeros = members().next().map(|(_, payload)| mask(crc_of_zeros(payload.content_len())));
    let (zero, other): (Vec<_>, Vec<_>) = members().partition(|(_, payload)| is_zero(payload, zeros, sources));
    grouped.zero.extend(zero.into_iter().map(|(index, _)| index));
    if other.len() < 2 {
        return;
    }
    // The index computes a string tensor's CRC32C over another form of it: comparable with one another, not with the rest.
    let comparable = other.iter().all(|(_, payload)| payload.crc_is_of_form(other.first().map(|first| first.1)));
    let mut keyed: Vec<(u32, usize)> = Vec::with_capacity(other.len());
    for (index, payload) in other {
        let known = if comparable { payload.index_crc() } else { payload.content_crc() };
        let crc = known.or_else(|| Some(mask(crc32c(&sources.content(payload)?))));
        keyed.extend(crc.map(|crc| (crc, index)));
    }
    keyed.sort_unstable();
    for candidates in keyed.chunk_by(|a, b| a.0 == b.0).filter(|run| run.len() > 1) {
        let candidates = candidates.iter().map(|(_, index)| *index).collect();
        partition(payloads, candidates, sources, &mut grouped.groups);
    }
}

/// Divides candidates into groups of equal bytes.
fn partition(payloads: &[Payload], mut candidates: Vec<usize>, sources: &Sources<'_>, groups: &mut Vec<Vec<usize>>) {
    let content = |index: usize| payloads.get(index).and_then(|payload| sources.content(payload));
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
