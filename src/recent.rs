//! Where things were found that may be asked for again soon, so that no hash of them has to be computed.
//!
//! Nodes of the same few ops take turns in a graph, and most inputs of a node are nodes shortly before it. A list of guesses
//! by a cheap mix, small enough for the cache, answers most of these questions. Who asks compares the guess with what was
//! asked for: a wrong one costs a comparison and never a figure. `docs/performance.md` has what that gained.

/// The odd number of Fibonacci hashing: 2^64 divided by the golden ratio.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// Guesses by a mix of what they are of; later ones take the place of earlier ones.
#[derive(Debug)]
pub(crate) struct Recent {
    guesses: Vec<u32>,
    shift: u32,
}

impl Recent {
    /// Room for 2^`bits` guesses, by the upper bits of mixes.
    pub(crate) fn new(bits: u32) -> Self {
        Self { guesses: vec![u32::MAX; 1 << bits], shift: u64::BITS - bits }
    }

    /// The guess for what has this mix; some number that is no guess where there is none.
    pub(crate) fn get(&self, mix: u64) -> usize {
        self.guesses.get(self.at(mix)).map_or(usize::MAX, |guess| *guess as usize)
    }

    /// Notes that what has this mix is number `found`. Numbers beyond 32 bits are not kept.
    pub(crate) fn set(&mut self, mix: u64, found: usize) {
        let at = self.at(mix);
        if let Some(guess) = self.guesses.get_mut(at) {
            *guess = u32::try_from(found).unwrap_or(u32::MAX);
        }
    }

    fn at(&self, mix: u64) -> usize {
        usize::try_from(mix.checked_shr(self.shift).unwrap_or_default()).unwrap_or_default()
    }
}

/// A mix of a name. Names that differ mostly differ in their last eight bytes (`dense_12`, `dense/MatMul_3`) or in their length.
pub(crate) fn mix_name(name: &[u8]) -> u64 {
    mix(tail(name) ^ (name.len() as u64) << 56)
}

/// A mix of all bytes.
pub(crate) fn mix_all(bytes: &[u8]) -> u64 {
    let (words, _) = bytes.as_chunks();
    // The last eight bytes once more, as most lengths are no multiple of them.
    let start = mix(tail(bytes) ^ (bytes.len() as u64) << 56);
    mix(words.iter().map(word).fold(start, |mixed, word| (mixed.rotate_left(23) ^ word).wrapping_mul(GOLDEN)))
}

fn word(bytes: &[u8; 8]) -> u64 {
    u64::from_le_bytes(*bytes)
}

/// The last eight bytes as a number; of fewer, all of them.
fn tail(bytes: &[u8]) -> u64 {
    let four = |chunk: &[u8; 4]| u64::from(u32::from_le_bytes(*chunk));
    match (bytes.last_chunk::<8>(), bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        (Some(tail), ..) => word(tail),
        (_, Some(first), Some(last)) => four(first) << 32 | four(last),
        _ => bytes.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)),
    }
}

/// A mix of a number: its upper bits depend on all bits of `value`.
pub(crate) fn mix(value: u64) -> u64 {
    // A product's upper bits depend on all lower ones, so the upper ones are folded down first.
    (value ^ value >> 32).wrapping_mul(GOLDEN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_one_noted_is_the_guess() {
        let mut recent = Recent::new(4);
        let mixed = mix_name(b"dense/MatMul_3");
        recent.set(mixed, 7);
        recent.set(mixed, 8);
        assert_eq!(recent.get(mixed), 8);
    }

    #[test]
    fn a_number_that_does_not_fit_is_no_guess() {
        let mut recent = Recent::new(0);
        assert!(recent.get(0) >= u32::MAX as usize);
        recent.set(0, usize::MAX);
        assert!(recent.get(0) >= u32::MAX as usize);
    }

    #[test]
    fn names_that_differ_at_their_end_or_in_length_have_mixes_of_their_own() {
        let names =
            [&b"a"[..], b"b", b"ab", b"dense_1/MatMul", b"dense_12/MatMul", b"dense/MatMul_1", b"dense/MatMul_2"];
        let mixes: std::collections::BTreeSet<u64> = names.iter().map(|name| mix_name(name) >> 48).collect();
        assert_eq!(mixes.len(), names.len());
    }

    #[test]
    fn a_mix_of_all_bytes_depends_on_each_of_them_and_on_their_number() {
        let bytes: Vec<u8> = (0..80).collect();
        let mut mixes = std::collections::BTreeSet::new();
        for length in 0..=bytes.len() {
            mixes.insert(mix_all(&bytes[..length]));
            for changed in 0..length {
                let mut other = bytes[..length].to_vec();
                other[changed] ^= 1;
                mixes.insert(mix_all(&other));
            }
        }
        assert_eq!(mixes.len(), (0..=bytes.len()).map(|length| length + 1).sum::<usize>());
    }
}
