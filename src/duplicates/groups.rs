//! Payloads of one content, found by staged narrowing, each stage cheaper than reading what it rules out:
//!
//! 1. the same length;
//! 2. the same CRC32C: a tensor's is in the checkpoint's index, others are computed, and only where the length met
//!    another of its kind;
//! 3. the same bytes, compared to one of those that agree so far.
//!
//! What is one value throughout (zeros, ones, any one element or byte) is equal to its like without being a copy of it, and is
//! kept apart first: for that a payload is read to the first element that differs from the one before.
//!
//! Equality is of content that was read: what cannot be read is equal to nothing, itself included.

use std::cell::{OnceCell, RefCell};
use std::collections::{HashMap, HashSet};

use crc32c::crc32c_append;
use xxhash_rust::xxh3::Xxh3;

use super::source::{Payload, Sources};
use crate::checkpoint::table::mask;
use crate::input::{Stretches, Want};
use crate::meter;
use crate::progress::{Progress as _, Stage};
use crate::seeded::random;

mod stored;

/// The sizes of elements, in bytes (tensorflow/core/framework/types.cc, `DataTypeSize`).
const LARGEST_ELEMENT: usize = 16;
const ELEMENTS: [usize; 5] = [1, 2, 4, 8, LARGEST_ELEMENT];

/// How much of a payload is looked at first, in bytes.
const HEAD: u64 = 4 * LARGEST_ELEMENT as u64;

/// How much of a payload is held at once where it has to be copied to be read, in bytes: whole elements of every size.
const PIECE: u64 = 16 << 20;

/// How much of what will be compared is asked of a store at once, in bytes.
const WINDOW: u64 = 64 << 20;

/// Which payloads are equal, and which are one value throughout; numbers are positions in the list of payloads.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Grouped {
    /// At least two each, in the order of the payloads; the first is the one that is kept.
    pub(super) groups: Vec<Vec<usize>>,
    /// Nothing but zeros.
    pub(super) zero: Vec<usize>,
    /// One value throughout that is not zero.
    pub(super) fill: Vec<usize>,
}

/// Groups `payloads` by content. `comparing` is given how many bytes that takes as soon as it is known.
pub(super) fn group(payloads: &[Payload], sources: &Sources<'_>, comparing: Stage<'_>) -> Grouped {
    Comparison { payloads, sources, comparing, seed: OnceCell::new(), unseen: RefCell::default() }.group()
}

/// Payloads that are compared.
struct Comparison<'a> {
    payloads: &'a [Payload],
    sources: &'a Sources<'a>,
    comparing: Stage<'a>,
    /// That of the hashes by which contents are told apart that agree in their CRC32C: no file can know it.
    seed: OnceCell<u64>,
    /// Those whose beginning was not to be had when it was looked at first.
    unseen: RefCell<HashSet<usize>>,
}

impl Comparison<'_> {
    fn group(mut self) -> Grouped {
        let mut by_length: Vec<usize> = (0..self.payloads.len()).collect();
        by_length.sort_by_key(|index| (self.length(*index), *index));
        let classes: Vec<&[usize]> = by_length.chunk_by(|a, b| self.length(*a) == self.length(*b)).collect();
        let is_hashed =
            |index: &usize| self.payloads.get(*index).is_some_and(|payload| payload.content_crc().is_none());
        let hashed = classes.iter().filter(|class| class.len() > 1).flat_map(|class| class.iter()).copied();
        let to_hash: Vec<usize> = hashed.filter(is_hashed).collect();
        self.comparing.expect_more(self.length_of_all(to_hash.iter().copied()));
        self.sources.expect(self.payloads.iter(), Want::Look { head: HEAD });
        self.sources.expect(to_hash.iter().filter_map(|index| self.small(*index)), Want::Compare);
        let (mut grouped, mut candidates) = (Grouped::default(), Vec::new());
        for class in classes {
            let other = self.without_fill(class, &mut grouped);
            candidates.extend(self.candidates(&other));
        }
        let to_compare = self.length_of_all(candidates.iter().flatten().copied());
        self.comparing.expect_more(to_compare);
        let candidates = self.group_stored(candidates, &mut grouped);
        for window in self.windows(&candidates) {
            self.sources.expect(window.iter().flatten().filter_map(|index| self.small(*index)), Want::Compare);
            for candidates in window {
                let candidates = self.without_unseen_fill(candidates, &mut grouped);
                self.partition(&candidates, &mut grouped.groups);
            }
        }
        grouped.groups.sort();
        grouped.zero.sort_unstable();
        grouped.fill.sort_unstable();
        grouped
    }

    /// A payload that is asked for as a whole.
    fn small(&self, index: usize) -> Option<&Payload> {
        self.payloads.get(index).filter(|payload| payload.content_len() <= WINDOW)
    }

    /// Candidates, as many at once as are asked for together.
    fn windows<'c>(&self, candidates: &'c [Vec<usize>]) -> Vec<&'c [Vec<usize>]> {
        let (mut windows, mut start, mut bytes) = (Vec::new(), 0, 0);
        for (at, run) in candidates.iter().enumerate() {
            let more = self.length_of_all(run.iter().copied().filter(|index| self.small(*index).is_some()));
            if at > start && more.saturating_add(bytes) > WINDOW {
                windows.extend(candidates.get(start..at));
                (start, bytes) = (at, 0);
            }
            bytes = more.saturating_add(bytes);
        }
        windows.extend(candidates.get(start..).filter(|last| !last.is_empty()));
        windows
    }

    fn length(&self, index: usize) -> u64 {
        self.payloads.get(index).map_or(0, Payload::content_len)
    }

    fn length_of_all(&self, indices: impl Iterator<Item = usize>) -> u64 {
        indices.map(|index| self.length(index)).fold(0, u64::saturating_add)
    }

    /// Those of a class of one length that are not one value throughout; the others go to `grouped`.
    fn without_fill(&self, class: &[usize], grouped: &mut Grouped) -> Vec<usize> {
        let mut other = Vec::with_capacity(class.len());
        for index in class {
            match self.value(*index) {
                Some(Value::Zero) => grouped.zero.push(*index),
                Some(Value::Other) => grouped.fill.push(*index),
                None => other.push(*index),
            }
        }
        other
    }

    /// Candidates that are not one value throughout, as far as nobody looked at that before: of what is in a store the beginning
    /// may not have been read before they were found to agree.
    fn without_unseen_fill(&self, candidates: &[usize], grouped: &mut Grouped) -> Vec<usize> {
        let unseen = self.unseen.take();
        let (again, seen): (Vec<usize>, Vec<usize>) = candidates.iter().partition(|index| unseen.contains(index));
        let mut other = self.without_fill(&again, grouped);
        self.unseen.replace(unseen);
        other.extend(seen);
        other.sort_unstable();
        other
    }

    /// The one value that a payload is throughout. Of nearly all that are not, only the beginning is read: what a whole
    /// repeats, its beginning repeats, as that holds two elements of the largest size and more.
    fn value(&self, index: usize) -> Option<Value> {
        let Some(head) = self.sources.head(self.payloads.get(index)?, HEAD) else {
            self.unseen.borrow_mut().insert(index);
            return None;
        };
        let value = value_throughout(&head)?;
        if self.is_in_pieces(index) {
            // A piece begins with a whole element.
            let element = head.get(..LARGEST_ELEMENT)?;
            let is_alike = |piece: &[u8]| piece.chunks(LARGEST_ELEMENT).all(|part| element.starts_with(part));
            return self.pieces(index, is_alike)?.then_some(value);
        }
        let content = self.content(index)?;
        match content.whole() {
            Some(bytes) => value_throughout(bytes),
            // A hole is longer than two elements, so what repeats throughout repeats its zeros.
            None => content.is_zero().then_some(Value::Zero),
        }
    }

    /// Whether a payload is better not held as a whole.
    fn is_in_pieces(&self, index: usize) -> bool {
        self.length(index) > PIECE && self.payloads.get(index).is_some_and(|payload| self.sources.is_copied(payload))
    }

    /// Gives the pieces of a payload to `visit` as long as that wants more, which is what it returns; `None` where one cannot
    /// be read.
    fn pieces(&self, index: usize, mut visit: impl FnMut(&[u8]) -> bool) -> Option<bool> {
        let payload = self.payloads.get(index)?;
        let mut at = 0;
        while at < payload.content_len() {
            let [piece] = self.sources.pieces([payload], at, PIECE)?;
            meter::bytes(piece.len());
            if !visit(&piece) {
                return Some(false);
            }
            at = at.saturating_add(PIECE);
        }
        Some(true)
    }

    /// Whether two payloads of one length are equal, of which no more than a piece is held; `None` where one cannot be read.
    fn are_equal_in_pieces(&self, a: usize, b: usize) -> Option<bool> {
        let (a, b) = (self.payloads.get(a)?, self.payloads.get(b)?);
        let mut at = 0;
        while at < a.content_len() {
            let [of_a, of_b] = self.sources.pieces([a, b], at, PIECE)?;
            meter::bytes(of_a.len());
            if of_a != of_b {
                return Some(false);
            }
            at = at.saturating_add(PIECE);
        }
        Some(true)
    }

    /// A hash of a payload, of which no more than a piece is held; `None` where it cannot be read.
    fn hash_of_pieces(&self, index: usize, seed: u64) -> Option<u128> {
        let mut hash = Xxh3::with_seed(seed);
        self.pieces(index, |piece| {
            hash.update(piece);
            true
        })?;
        Some(hash.digest128())
    }

    /// The CRC32C of a payload, of which no more than a piece is held; `None` where it cannot be read.
    fn crc_of_pieces(&self, index: usize) -> Option<u32> {
        let mut crc = 0;
        self.pieces(index, |piece| {
            crc = crc32c_append(crc, piece);
            true
        })?;
        Some(crc)
    }

    /// As [`equal_to_first`](Self::equal_to_first), of payloads that are better not held as a whole.
    fn equal_to_first_in_pieces(&self, candidates: &[usize], groups: &mut Vec<Vec<usize>>) -> Vec<usize> {
        let (mut equal, mut rest) = (Vec::new(), Vec::new());
        for index in candidates {
            let is_equal = match equal.first() {
                None => {
                    self.payloads.get(*index).and_then(|payload| self.sources.pieces([payload], 0, 1)).map(|_| true)
                }
                Some(first) => self.are_equal_in_pieces(*first, *index),
            };
            match is_equal {
                Some(true) => equal.push(*index),
                Some(false) => rest.push(*index),
                None => {}
            }
        }
        if equal.len() > 1 {
            groups.push(equal);
        }
        rest
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
                if self.is_in_pieces(index) {
                    return self.crc_of_pieces(index).map(mask);
                }
                Some(mask(self.sources.content(payload)?.crc32c(|_| ())))
            });
            keyed.extend(crc.map(|crc| (crc, index)));
        }
        keyed.sort_unstable();
        let runs = keyed.chunk_by(|a, b| a.0 == b.0).filter(|run| run.len() > 1);
        runs.map(|run| run.iter().map(|(_, index)| *index).collect()).collect()
    }

    /// Divides candidates into groups of equal bytes. Nearly always all of them are equal to the first; contents that differ
    /// although their CRC32C agrees were made so, and however many there are, each is read twice more and no oftener.
    fn partition(&self, candidates: &[usize], groups: &mut Vec<Vec<usize>>) {
        candidates.iter().for_each(|index| self.comparing.advance(self.length(*index)));
        let rest = self.equal_to_first(candidates, groups);
        let mut by_hash: HashMap<u128, Vec<usize>> = HashMap::new();
        for index in rest {
            let seed = *self.seed.get_or_init(random);
            let hash = match self.is_in_pieces(index) {
                true => self.hash_of_pieces(index, seed),
                false => self.content(index).map(|content| content.hash(seed)),
            };
            hash.into_iter().for_each(|hash| by_hash.entry(hash).or_default().push(index));
        }
        for of_one_hash in by_hash.into_values() {
            // What differs all the same is no group: bytes decide, and no hash.
            self.equal_to_first(&of_one_hash, groups);
        }
    }

    /// Groups those candidates that are equal to the first that can be read; returns the others that can be.
    fn equal_to_first(&self, candidates: &[usize], groups: &mut Vec<Vec<usize>>) -> Vec<usize> {
        if candidates.iter().any(|index| self.is_in_pieces(*index)) {
            return self.equal_to_first_in_pieces(candidates, groups);
        }
        let (mut equal, mut rest) = (Vec::new(), Vec::new());
        let mut contents = candidates.iter().filter_map(|index| Some((*index, self.content(*index)?)));
        let Some((first, kept)) = contents.next() else { return rest };
        equal.push(first);
        for (index, content) in contents {
            meter::bytes(usize::try_from(content.stored()).unwrap_or(usize::MAX));
            if content == kept { equal.push(index) } else { rest.push(index) }
        }
        if equal.len() > 1 {
            groups.push(equal);
        }
        rest
    }

    fn content(&self, index: usize) -> Option<Stretches> {
        self.sources.content(self.payloads.get(index)?)
    }
}

/// What a payload is that is one value throughout.
#[derive(Debug, PartialEq, Eq)]
enum Value {
    Zero,
    Other,
}

/// The one value that a content is throughout: one element of some size, repeated from the first byte to the last. `None` where
/// there is none; it is found out at the first element that differs. A single element is repeated by nothing, but that zeros
/// are zeros however few they are.
///
/// The sizes of elements are powers of two, so what repeats with a smaller one repeats with a larger one as well.
fn value_throughout(content: &[u8]) -> Option<Value> {
    let size = ELEMENTS.iter().rev().copied().find(|size| content.len() >= size.saturating_mul(2));
    let is_repeated = size.is_some_and(|size| content.iter().zip(content.iter().skip(size)).all(|(a, b)| a == b));
    let is_zero = content.iter().take(if is_repeated { LARGEST_ELEMENT } else { 2 }).all(|byte| *byte == 0);
    match (is_repeated || content.len() < 2, is_zero) {
        (true, true) => Some(Value::Zero),
        (true, false) if is_repeated => Some(Value::Other),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::ops::AddAssign as _;

    use super::*;

    #[test]
    fn one_element_of_any_size_repeated_is_one_value() {
        for size in ELEMENTS {
            let element: Vec<u8> = (1..).take(size).collect();
            assert_eq!(value_throughout(&element.repeat(2)), Some(Value::Other), "{size}");
            assert_eq!(value_throughout(&element.repeat(64)), Some(Value::Other), "{size}");
            let mut differs = element.repeat(64);
            differs.last_mut().unwrap().add_assign(1);
            assert_eq!(value_throughout(&differs), None, "{size}");
        }
        assert_eq!(value_throughout(&[1, 2, 3].repeat(99)), None, "no element has three bytes");
    }

    #[test]
    fn zeros_are_zeros_however_few_and_one_element_is_no_fill() {
        for length in [0, 1, 2, 3, 15, 16, 17, 1000] {
            assert_eq!(value_throughout(&vec![0; length]), Some(Value::Zero), "{length}");
        }
        assert_eq!(value_throughout(&[7]), None);
        assert_eq!(value_throughout(&[0, 0, 0, 1]), None);
    }
}
