//! Holes of sparse files: ranges without a place on the disk, which read as zeros. A file of a terabyte that holds a page of data
//! would take an hour to read, so what can do without the zeros is given [`Stretches`], which say where they are.

use std::ops::Range;

use bytes::Bytes;
use crc32c::{crc32c_append, crc32c_combine};
use xxhash_rust::xxh3::Xxh3;

use crate::meter;

/// The contents of a range: what was stored, and how many zeros were not.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stretches(Vec<Stretch>);

#[derive(Debug, Clone)]
pub(super) enum Stretch {
    Stored(Bytes),
    Hole(u64),
}

/// How much of a content is hashed at a time.
const BLOCK: usize = 4096;

/// How much of a content is summed between two words on the progress.
const STEP: usize = 4 << 20;

impl From<Bytes> for Stretches {
    fn from(bytes: Bytes) -> Self {
        Self(vec![Stretch::Stored(bytes)])
    }
}

impl FromIterator<Stretch> for Stretches {
    fn from_iter<I: IntoIterator<Item = Stretch>>(stretches: I) -> Self {
        Self(stretches.into_iter().filter(|stretch| stretch.len() > 0).collect())
    }
}

impl Stretch {
    fn len(&self) -> u64 {
        match self {
            Self::Stored(bytes) => bytes.len() as u64,
            Self::Hole(length) => *length,
        }
    }

    /// Its first bytes, and the others.
    fn split(self, at: u64) -> (Self, Self) {
        match self {
            Self::Stored(mut bytes) => {
                let rest = bytes.split_off(usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len()));
                (Self::Stored(bytes), Self::Stored(rest))
            }
            Self::Hole(length) => (Self::Hole(at.min(length)), Self::Hole(length.saturating_sub(at))),
        }
    }

    fn is_zero(&self) -> bool {
        match self {
            Self::Stored(bytes) => is_zero(bytes),
            Self::Hole(_) => true,
        }
    }
}

impl Stretches {
    /// The content, where there are no holes in it.
    #[must_use]
    pub(crate) fn whole(&self) -> Option<&Bytes> {
        match &*self.0 {
            [Stretch::Stored(bytes)] => Some(bytes),
            _ => None,
        }
    }

    fn len(&self) -> u64 {
        self.0.iter().map(Stretch::len).sum()
    }

    /// How many bytes are stored.
    #[must_use]
    pub(crate) fn stored(&self) -> u64 {
        self.0.iter().filter(|stretch| matches!(stretch, Stretch::Stored(_))).map(Stretch::len).sum()
    }

    /// Whether it is nothing but zeros.
    #[must_use]
    pub(crate) fn is_zero(&self) -> bool {
        self.0.iter().all(Stretch::is_zero)
    }

    /// Its CRC32C. `summed` is called with the bytes of each piece.
    #[must_use]
    pub(crate) fn crc32c(&self, mut summed: impl FnMut(u64)) -> u32 {
        let mut crc = 0;
        for stretch in &self.0 {
            match stretch {
                Stretch::Stored(bytes) => {
                    for step in bytes.chunks(STEP) {
                        crc = crc32c_append(crc, step);
                        summed(step.len() as u64);
                    }
                }
                Stretch::Hole(length) => {
                    crc = append_zeros(crc, *length);
                    summed(*length);
                }
            }
        }
        crc
    }

    /// A hash of the content that is the same wherever its holes are.
    #[must_use]
    pub(crate) fn hash(&self, seed: u64) -> u128 {
        let mut hash = Hash { xxh3: Xxh3::with_seed(seed), block: Vec::with_capacity(BLOCK), number: 0 };
        for stretch in &self.0 {
            match stretch {
                Stretch::Stored(bytes) => hash.bytes(bytes),
                Stretch::Hole(length) => hash.zeros(*length),
            }
        }
        hash.finish()
    }
}

/// Two contents are equal if their bytes are, wherever they have holes.
impl PartialEq for Stretches {
    fn eq(&self, other: &Self) -> bool {
        if let (Some(a), Some(b)) = (self.whole(), other.whole()) {
            return a == b;
        }
        if self.len() != other.len() {
            return false;
        }
        let (mut ours, mut theirs) = (self.0.iter().cloned(), other.0.iter().cloned());
        let (mut one, mut another) = (ours.next(), theirs.next());
        while let (Some(a), Some(b)) = (one.take(), another.take()) {
            let length = a.len().min(b.len());
            let ((a, a_rest), (b, b_rest)) = (a.split(length), b.split(length));
            let is_equal = match (&a, &b) {
                (Stretch::Stored(a), Stretch::Stored(b)) => a == b,
                _ => a.is_zero() && b.is_zero(),
            };
            if !is_equal {
                return false;
            }
            one = Some(a_rest).filter(|rest| rest.len() > 0).or_else(|| ours.next());
            another = Some(b_rest).filter(|rest| rest.len() > 0).or_else(|| theirs.next());
        }
        true
    }
}

impl Eq for Stretches {}

/// Blocks that are all zero are left out, and each other one has its number.
struct Hash {
    xxh3: Xxh3,
    block: Vec<u8>,
    number: u64,
}

impl Hash {
    fn bytes(&mut self, mut bytes: &[u8]) {
        meter::bytes(bytes.len());
        while !bytes.is_empty() {
            let (part, rest) = bytes.split_at(bytes.len().min(BLOCK.saturating_sub(self.block.len())));
            self.block.extend_from_slice(part);
            if self.block.len() == BLOCK {
                self.end_block();
            }
            bytes = rest;
        }
    }

    fn zeros(&mut self, length: u64) {
        const ZEROS: [u8; BLOCK] = [0; BLOCK];
        let (block, filled) = (BLOCK as u64, self.block.len() as u64);
        let first = if filled == 0 { 0 } else { length.min(block.saturating_sub(filled)) };
        let left = length.saturating_sub(first);
        let zeros = |count: u64| ZEROS.get(..usize::try_from(count).unwrap_or(BLOCK)).unwrap_or(&ZEROS);
        self.bytes(zeros(first));
        self.number = self.number.saturating_add(left / block);
        self.bytes(zeros(left % block));
    }

    fn end_block(&mut self) {
        if !is_zero(&self.block) {
            self.xxh3.update(&self.number.to_le_bytes());
            self.xxh3.update(&self.block);
        }
        self.number = self.number.saturating_add(1);
        self.block.clear();
    }

    fn finish(mut self) -> u128 {
        self.end_block();
        self.xxh3.digest128()
    }
}

/// The CRC32C of what has `crc` and so many zeros behind it, in as many steps as their number has bits.
fn append_zeros(crc: u32, length: u64) -> u32 {
    let (mut all, mut done) = (crc, 0_usize);
    // That of `done` zeros, and of a power of two of them.
    let (mut power, mut zeros) = (1_usize, crc32c_append(0, &[0]));
    let Ok(length) = usize::try_from(length) else { return crc };
    while done < length {
        if length & power != 0 {
            all = crc32c_combine(all, zeros, power);
            done = done.saturating_add(power);
        }
        zeros = crc32c_combine(zeros, zeros, power);
        power = power.saturating_mul(2);
    }
    all
}

fn is_zero(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0)
}

/// The parts of `range` that lie in one of the `holes`, which are sorted, and those between, in order.
pub(super) fn parts(holes: &[Range<u64>], range: Range<u64>) -> Vec<(Range<u64>, bool)> {
    let mut parts = Vec::new();
    let mut at = range.start;
    let first = holes.partition_point(|hole| hole.end <= range.start);
    for hole in holes.get(first..).unwrap_or_default().iter().take_while(|hole| hole.start < range.end) {
        let (start, end) = (hole.start.max(at), hole.end.min(range.end));
        parts.extend((at < start).then_some((at..start, false)));
        parts.push((start..end, true));
        at = end;
    }
    parts.extend((at < range.end || parts.is_empty()).then_some((at..range.end, false)));
    parts
}

#[cfg(test)]
#[allow(clippy::cast_possible_truncation, clippy::single_range_in_vec_init)]
mod tests {
    use super::*;

    /// The same content with holes where these ranges of it are.
    fn with_holes(content: &[u8], holes: &[Range<u64>]) -> Stretches {
        let at = |range: Range<u64>| range.start as usize..range.end as usize;
        let parts = parts(holes, 0..content.len() as u64).into_iter();
        let stretch = |(range, is_hole): (Range<u64>, bool)| match is_hole {
            true => Stretch::Hole(range.end - range.start),
            false => Stretch::Stored(Bytes::copy_from_slice(&content[at(range)])),
        };
        parts.map(stretch).collect()
    }

    /// Zeros, but for a few bytes.
    fn content() -> Vec<u8> {
        let mut content = vec![0; 5 * BLOCK + 77];
        for at in [0, 9, BLOCK * 2 + 5, BLOCK * 2 + 600] {
            content[at] = 7;
        }
        content
    }

    const HOLES: [&[Range<u64>]; 5] = [
        &[],
        &[10..8000],
        &[100..8192, 12_288..20_557],
        &[11..12, 13..14, 9000..20_000],
        &[15_000..15_001, 15_001..15_002, 20_500..20_557],
    ];

    #[test]
    fn a_content_has_one_sum_and_one_hash_wherever_its_holes_are() {
        let content = content();
        let sum = crc32c_append(0, &content);
        let hash = with_holes(&content, &[]).hash(3);
        for holes in HOLES {
            let stretches = with_holes(&content, holes);
            assert_eq!((stretches.crc32c(|_| ()), stretches.hash(3)), (sum, hash), "{holes:?}");
            for others in HOLES {
                assert!(stretches == with_holes(&content, others), "{holes:?} and {others:?}");
            }
        }
    }

    #[test]
    fn contents_that_differ_in_one_byte_are_not_equal_and_have_another_hash() {
        let content = content();
        for at in [0, 9, 5 * BLOCK + 76] {
            let mut other = content.clone();
            other[at] ^= 1;
            for holes in HOLES {
                let holes: &[Range<u64>] = if at > BLOCK { &[] } else { holes };
                let (one, another) = (with_holes(&content, holes), with_holes(&other, holes));
                assert!(one != another && one.hash(3) != another.hash(3), "{at} {holes:?}");
            }
        }
        let longer = with_holes(&[content.clone(), vec![0]].concat(), &[]);
        assert!(with_holes(&content, &[]) != longer && with_holes(&content, HOLES[1]) != longer);
    }

    #[test]
    fn zeros_are_zeros_whether_they_are_stored_or_not() {
        let zeros = vec![0; 3 * BLOCK];
        for holes in [&[][..], &[0..3 * BLOCK as u64], &[5..100]] {
            assert!(with_holes(&zeros, holes).is_zero());
        }
        assert!(!with_holes(&content(), HOLES[1]).is_zero());
    }

    #[test]
    fn the_sum_of_a_terabyte_of_zeros_is_that_of_its_halves() {
        let half = append_zeros(0, 1 << 39);
        assert_eq!(append_zeros(0, 1 << 40), crc32c_combine(half, half, 1 << 39));
        for length in [0, 1, 2, 3, 255, 4096, 100_001] {
            assert_eq!(append_zeros(99, length), crc32c_append(99, &vec![0; length as usize]), "{length}");
        }
    }
}
