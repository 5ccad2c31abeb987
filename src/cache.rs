//! Caches of where something was found last, so that what is asked for again soon needs no lookup in a full table.
//!
//! Nodes of the same few ops alternate in a graph, and most inputs of a node are nodes shortly before it. A list of guesses
//! by a cheap hash, small enough for the processor's cache, answers most of these questions. Who asks compares the guess with what was
//! asked for: a wrong one costs a comparison and never a figure. `docs/performance.md` has what that gained.

/// The odd number of Fibonacci hashing: 2^64 divided by the golden ratio.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// Guesses by a hash of what they are of; later ones take the place of earlier ones.
#[derive(Debug)]
pub(crate) struct Cache {
    guesses: Vec<u32>,
    shift: u32,
}

impl Cache {
    /// Room for 2^`bits` guesses, by the upper bits of hashes.
    pub(crate) fn new(bits: u32) -> Self {
        Self { guesses: vec![u32::MAX; 1 << bits], shift: u64::BITS - bits }
    }

    /// The guess for what has this hash; some number that is no guess where there is none.
    #[inline]
    pub(crate) fn get(&self, hash: u64) -> usize {
        self.guesses.get(self.at(hash)).map_or(usize::MAX, |guess| *guess as usize)
    }

    /// Notes that what has this hash is number `found`. Numbers beyond 32 bits are not kept.
    #[inline]
    pub(crate) fn set(&mut self, hash: u64, found: usize) {
        let at = self.at(hash);
        if let Some(guess) = self.guesses.get_mut(at) {
            *guess = u32::try_from(found).unwrap_or(u32::MAX);
        }
    }

    #[inline]
    fn at(&self, hash: u64) -> usize {
        usize::try_from(hash.checked_shr(self.shift).unwrap_or_default()).unwrap_or_default()
    }
}

/// A hash of a name. Names that differ mostly differ in their last eight bytes (`dense_12`, `dense/MatMul_3`) or in their length.
#[inline]
pub(crate) fn hash_name(name: &[u8]) -> u64 {
    hash_number(tail(name) ^ (name.len() as u64) << 56)
}

/// A hash of all bytes.
#[inline]
pub(crate) fn hash_bytes(bytes: &[u8]) -> u64 {
    let (words, _) = bytes.as_chunks();
    // The last eight bytes once more, as most lengths are no multiple of them.
    let start = hash_number(tail(bytes) ^ (bytes.len() as u64) << 56);
    hash_number(words.iter().map(word).fold(start, |hash, word| (hash.rotate_left(23) ^ word).wrapping_mul(GOLDEN)))
}

#[inline]
fn word(bytes: &[u8; 8]) -> u64 {
    u64::from_le_bytes(*bytes)
}

/// The last eight bytes as a number; of fewer, all of them.
#[inline]
fn tail(bytes: &[u8]) -> u64 {
    let four = |chunk: &[u8; 4]| u64::from(u32::from_le_bytes(*chunk));
    match (bytes.last_chunk::<8>(), bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        (Some(tail), ..) => word(tail),
        (_, Some(first), Some(last)) => four(first) << 32 | four(last),
        _ => bytes.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)),
    }
}

/// A hash of a number: its upper bits depend on all bits of `value`.
#[inline]
pub(crate) fn hash_number(value: u64) -> u64 {
    // A product's upper bits depend on all lower ones, so the upper ones are folded down first.
    (value ^ value >> 32).wrapping_mul(GOLDEN)
}

/// Whether the first so many bytes are equal, and the last.
#[inline(always)]
fn ends_are<const BYTES: usize>(a: &[u8], b: &[u8]) -> bool {
    let firsts = a.first_chunk::<BYTES>().zip(b.first_chunk());
    let lasts = a.last_chunk::<BYTES>().zip(b.last_chunk());
    matches!((firsts, lasts), (Some((a, b)), Some((c, d))) if a == b && c == d)
}

/// Whether bytes are equal. What is compared with a guess (names, and what is between them) has eight to sixty bytes, and there are
/// five times a node of it: a few large numbers, which may overlap, take less than a call each.
#[inline(always)]
pub(crate) fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len()
        // The first and the last number overlap where there are fewer bytes than both have, and leave none out: up to 7 bytes two of
        // four meet, up to 16 two of eight, and from 17 on what is left behind whole numbers of sixteen is less than the last sixteen.
        && match a.len() {
            0..4 => a.iter().eq(b),
            4..8 => ends_are::<4>(a, b),
            8..=16 => ends_are::<8>(a, b),
            17..=128 => {
                let mut chunks = a.as_chunks::<16>().0.iter().zip(b.as_chunks::<16>().0);
                chunks.all(|(a, b)| a == b) && a.last_chunk::<16>() == b.last_chunk()
            }
            _ => a == b,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_one_noted_is_the_guess() {
        let mut cache = Cache::new(4);
        let hash = hash_name(b"dense/MatMul_3");
        cache.set(hash, 7);
        cache.set(hash, 8);
        assert_eq!(cache.get(hash), 8);
    }

    #[test]
    fn a_number_that_does_not_fit_is_no_guess() {
        let mut cache = Cache::new(0);
        assert!(cache.get(0) >= u32::MAX as usize);
        cache.set(0, usize::MAX);
        assert!(cache.get(0) >= u32::MAX as usize);
    }

    #[test]
    fn names_that_differ_at_their_end_or_in_length_have_hashes_of_their_own() {
        let names =
            [&b"a"[..], b"b", b"ab", b"dense_1/MatMul", b"dense_12/MatMul", b"dense/MatMul_1", b"dense/MatMul_2"];
        let hashes: std::collections::BTreeSet<u64> = names.iter().map(|name| hash_name(name) >> 48).collect();
        assert_eq!(hashes.len(), names.len());
    }

    #[test]
    fn a_hash_of_all_bytes_depends_on_each_of_them_and_on_their_number() {
        let bytes: Vec<u8> = (0..80).collect();
        let mut hashes = std::collections::BTreeSet::new();
        for length in 0..=bytes.len() {
            hashes.insert(hash_bytes(&bytes[..length]));
            for changed in 0..length {
                let mut other = bytes[..length].to_vec();
                other[changed] ^= 1;
                hashes.insert(hash_bytes(&other));
            }
        }
        assert_eq!(hashes.len(), (0..=bytes.len()).map(|length| length + 1).sum::<usize>());
    }

    #[test]
    fn bytes_of_any_length_are_equal_if_each_is() {
        let bytes: Vec<u8> = (0..=200).collect();
        for length in 0..bytes.len() {
            let all = &bytes[..length];
            assert!(same(all, &Vec::from(all)));
            assert!(!same(all, &bytes[..length + 1]));
            for at in 0..length {
                let mut other = all.to_vec();
                other[at] ^= 1;
                assert!(!same(all, &other), "{at} of {length}");
            }
        }
    }
}
