//! Hashes of names by a seed that no file can know, for tables that are filled anew for each graph and each function.
//!
//! A multiplication for every eight bytes, whose upper half is folded onto the lower one, as foldhash and wyhash do it; but
//! inlined, and without what is there for more than names of forty bytes: about half of the instructions.

use std::hash::BuildHasher as _;

/// What hashes are made with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seed {
    start: u64,
    factor: u64,
}

/// A number that no file can know.
pub(crate) fn random() -> u64 {
    foldhash::fast::RandomState::default().hash_one(0)
}

impl Default for Seed {
    fn default() -> Self {
        let state = foldhash::fast::RandomState::default();
        Self { start: state.hash_one(0), factor: state.hash_one(1) | 1 }
    }
}

impl Seed {
    /// The hash of a name.
    #[inline]
    pub(crate) fn hash(self, name: &[u8]) -> u32 {
        self.hash_seeing(name, |_| ())
    }

    /// The same, with `see` given all bytes of the name as words, for who has to look at each of them as well. Of a long name
    /// the last word has some of them again, of a short one zeros above them.
    #[inline]
    pub(crate) fn hash_seeing(self, name: &[u8], mut see: impl FnMut(u64)) -> u32 {
        let word = |bytes: &[u8; 8]| u64::from_le_bytes(*bytes);
        let (words, rest) = name.as_chunks::<8>();
        let mut hash = self.start ^ name.len() as u64;
        let mut add = |word: u64| {
            see(word);
            hash = self.fold(hash ^ word);
        };
        words.iter().for_each(|bytes| add(word(bytes)));
        add(name.last_chunk().map_or_else(|| rest.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)), word));
        u32::try_from(hash >> u32::BITS).unwrap_or_default()
    }

    #[inline]
    fn fold(self, value: u64) -> u64 {
        let product = u128::from(value) * u128::from(self.factor);
        u64::try_from(product >> u64::BITS).unwrap_or_default() ^ value.wrapping_mul(self.factor)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_hash_depends_on_each_byte_on_their_number_and_on_the_seed() {
        let seed = Seed::default();
        let bytes: Vec<u8> = (1..40).collect();
        let mut hashes = BTreeSet::from([Seed::default().hash(&bytes)]);
        for length in 0..=bytes.len() {
            hashes.insert(seed.hash(&bytes[..length]));
            for changed in 0..length {
                let mut other = bytes[..length].to_vec();
                other[changed] ^= 0x80;
                hashes.insert(seed.hash(&other));
            }
        }
        let all = 1 + (0..=bytes.len()).map(|length| length + 1).sum::<usize>();
        // Of 32 bits, two of some hundreds are equal once in ten thousand times.
        assert!(hashes.len() + 1 >= all, "{} of {all}", hashes.len());
    }

    #[test]
    fn every_byte_is_seen() {
        for length in 0..30 {
            for at in 0..length {
                let mut name = vec![0; length];
                name[at] = 1;
                let mut seen = 0;
                Seed::default().hash_seeing(&name, |word| seen |= word);
                assert_ne!(seen, 0, "{at} of {length}");
            }
        }
    }
}
