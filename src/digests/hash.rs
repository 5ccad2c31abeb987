//! How values are hashed: 64 bits, the same in every run.

use xxhash_rust::xxh3::{Xxh3, xxh3_64};

/// The most bytes that are looked through for counters.
const TEXT: usize = 1 << 16;

/// A hash of values in their order, and of others that have none.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Hash {
    ordered: u64,
    added: u64,
}

impl Hash {
    /// The next value of a field.
    pub(super) fn next(&mut self, number: u32, value: u64) {
        self.ordered = mixed(self.ordered ^ u64::from(number), value);
    }

    /// A value whose place means nothing.
    pub(super) fn add(&mut self, value: u64) {
        self.added = self.added.wrapping_add(mixed(value, 1));
    }

    pub(super) fn finish(self) -> u64 {
        mixed(self.ordered, self.added)
    }
}

/// One number of two: the halves of their product, as wyhash does it.
fn mixed(one: u64, other: u64) -> u64 {
    let product = u128::from(one ^ 0x9e37_79b9_7f4a_7c15).wrapping_mul(u128::from(other ^ 0xe703_7ed1_a0b4_28db));
    let [low, high] = [product, product >> 64].map(|half| u64::try_from(half & u128::from(u64::MAX)).unwrap_or(0));
    low ^ high ^ one.rotate_left(23)
}

pub(super) fn bytes(bytes: &[u8]) -> u64 {
    xxh3_64(bytes)
}

/// Of bytes longer than `whole` the beginning, the end and the length.
pub(super) fn sampled(value: &[u8], whole: usize) -> u64 {
    let half = whole / 2;
    match (value.get(..half), value.len().checked_sub(half).and_then(|end| value.get(end..))) {
        (Some(head), Some(tail)) if value.len() > whole => mixed(mixed(bytes(head), bytes(tail)), value.len() as u64),
        _ => bytes(value),
    }
}

/// A text without its counters; bytes that are none as they are.
pub(super) fn text(value: &[u8], whole: usize) -> u64 {
    if value.len() > TEXT || !is_text(value) {
        return sampled(value, whole);
    }
    if !value.iter().any(u8::is_ascii_digit) {
        return bytes(value);
    }
    bytes(&without_counters(value))
}

/// With one zero for each run of digits.
fn without_counters(value: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len());
    for byte in value {
        match byte {
            b'0'..=b'9' if out.last() == Some(&b'0') => {}
            b'0'..=b'9' => out.push(b'0'),
            _ => out.push(*byte),
        }
    }
    out
}

pub(super) fn is_text(value: &[u8]) -> bool {
    value.iter().all(|byte| (b' '..0x7f).contains(byte) || byte.is_ascii_whitespace())
}

/// A digest of a whole file, which is read in parts.
#[derive(Default)]
pub(crate) struct Contents(Xxh3);

impl Contents {
    pub(crate) fn update(&mut self, part: &[u8]) {
        self.0.update(part);
    }

    pub(crate) fn digest(&self) -> u64 {
        self.0.digest()
    }
}

/// A digest of no bytes yet.
pub(crate) fn contents() -> Contents {
    Contents::default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_of_a_counter_do_not_count() {
        assert_eq!(text(b"dense_1/kernel", 64), text(b"dense_123/kernel", 64));
        assert_ne!(text(b"dense_1/kernel", 64), text(b"dense/kernel", 64));
        assert_ne!(text(b"\x01", 64), text(b"\x02", 64));
    }

    #[test]
    fn long_bytes_are_known_by_their_ends_and_their_length() {
        let long = |length: usize, last: u8| {
            let mut bytes = vec![7; length];
            bytes.push(last);
            sampled(&bytes, 64)
        };
        assert_eq!(long(100, 1), long(100, 1));
        assert!(long(100, 1) != long(100, 2) && long(100, 1) != long(101, 1));
    }

    #[test]
    fn an_order_counts_where_it_is_told() {
        let of = |values: [u64; 2], ordered: bool| {
            let mut hash = Hash::default();
            for value in values {
                if ordered { hash.next(1, value) } else { hash.add(value) }
            }
            hash.finish()
        };
        assert_ne!(of([1, 2], true), of([2, 1], true));
        assert_eq!(of([1, 2], false), of([2, 1], false));
    }
}
