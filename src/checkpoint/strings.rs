//! Tensors of strings, as a bundle stores them: a varint for each length, a checksum of the lengths, then the strings.
//!
//! From `WriteStringTensor` in `tensorflow/core/util/tensor_bundle/tensor_bundle.cc`. The checksums are taken of the
//! lengths as integers of four bytes, eight where they need them, in the byte order of the writer; that of the index
//! goes on over the first checksum and the strings. It is not the checksum of the bytes in the shard.

#![warn(clippy::arithmetic_side_effects)]

use std::ops::Range;

use thiserror::Error;

use super::table::mask;
use crate::wire;

/// Why a tensor of strings cannot be read, with the offset in the tensor.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StringsError {
    /// The lengths, their checksum or the strings go past the end.
    #[error("expected {expected}, found the end of the tensor")]
    Truncated {
        /// Where in the tensor.
        offset: usize,
        /// What should have been there.
        expected: &'static str,
    },
    /// The lengths are not those that were written.
    #[error("expected lengths with masked CRC32C {stored:#010x}, found ones with {computed:#010x}")]
    Lengths {
        /// Where in the tensor the checksum is.
        offset: usize,
        /// The checksum that is there.
        stored: u32,
        /// That of the lengths.
        computed: u32,
    },
    /// More bytes than the strings have.
    #[error("expected the end of the tensor after its strings, found more bytes")]
    Excess {
        /// Where the strings end.
        offset: usize,
    },
}

impl StringsError {
    /// The byte of the tensor where the error is.
    #[must_use]
    pub fn offset(&self) -> usize {
        match *self {
            Self::Truncated { offset, .. } | Self::Lengths { offset, .. } | Self::Excess { offset } => offset,
        }
    }
}

/// The strings of a tensor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Strings {
    /// Where each string is in the tensor's bytes.
    pub ranges: Vec<Range<usize>>,
    /// The masked CRC32C that the index should have for the tensor.
    pub crc32c: u32,
}

impl Strings {
    /// Finds `count` strings in a tensor's bytes.
    ///
    /// # Errors
    /// Where the bytes are not those of `count` strings, or their lengths are damaged. The strings are not checked: hold
    /// [`Strings::crc32c`] against the index for that.
    pub fn read(tensor: &[u8], count: u64, big_endian: bool) -> Result<Self, StringsError> {
        let mut lengths = Vec::new();
        let head = Head::read(tensor, count, big_endian, |length| lengths.push(length))?;
        let mut at = head.end;
        let mut ranges = Vec::new();
        for length in lengths {
            let range = strings_at(tensor, at, length)?;
            at = range.end;
            ranges.push(range);
        }
        head.checksum(tensor, at).map(|crc32c| Self { ranges, crc32c })
    }
}

/// The masked CRC32C that the index should have for a tensor of `count` strings: that of [`Strings::read`], in memory that
/// does not grow with their number.
///
/// # Errors
/// As [`Strings::read`] has; strings that go past the end are named by the first of all.
pub fn checksum(tensor: &[u8], count: u64, big_endian: bool) -> Result<u32, StringsError> {
    let mut all = 0_u64;
    let head = Head::read(tensor, count, big_endian, |length| all = all.saturating_add(length))?;
    let strings = strings_at(tensor, head.end, all)?;
    head.checksum(tensor, strings.end)
}

/// What is in front of the strings: the lengths and their checksum.
struct Head {
    /// Where the strings start.
    end: usize,
    /// The CRC32C of the lengths, and then of their checksum.
    crc: u32,
}

impl Head {
    fn read(tensor: &[u8], count: u64, big_endian: bool, mut each: impl FnMut(u64)) -> Result<Self, StringsError> {
        let mut at = 0_usize;
        let mut crc = 0;
        for _ in 0..count {
            let truncated = StringsError::Truncated { offset: at, expected: "a string's length" };
            let (length, bytes) = tensor.get(at..).and_then(wire::varint).ok_or(truncated)?;
            crc = append_length(crc, length, big_endian);
            each(length);
            at = at.saturating_add(bytes);
        }
        let truncated = StringsError::Truncated { offset: at, expected: "a checksum of the lengths" };
        let (checksum, _) = tensor.get(at..).and_then(<[u8]>::split_first_chunk::<4>).ok_or(truncated)?;
        let stored = if big_endian { u32::from_be_bytes(*checksum) } else { u32::from_le_bytes(*checksum) };
        if stored != mask(crc) {
            return Err(StringsError::Lengths { offset: at, stored, computed: mask(crc) });
        }
        Ok(Self { end: at.saturating_add(checksum.len()), crc: crc32c::crc32c_append(crc, checksum) })
    }

    /// The masked CRC32C of the tensor, whose strings have to end where it does.
    fn checksum(&self, tensor: &[u8], strings_end: usize) -> Result<u32, StringsError> {
        if strings_end != tensor.len() {
            return Err(StringsError::Excess { offset: strings_end });
        }
        Ok(mask(crc32c::crc32c_append(self.crc, tensor.get(self.end..).unwrap_or_default())))
    }
}

/// The range of strings of `length` bytes in all that start at a byte of the tensor.
fn strings_at(tensor: &[u8], at: usize, length: u64) -> Result<Range<usize>, StringsError> {
    let end = usize::try_from(length).ok().and_then(|length| at.checked_add(length));
    let truncated = StringsError::Truncated { offset: at, expected: "a string" };
    Ok(at..end.filter(|&end| end <= tensor.len()).ok_or(truncated)?)
}

/// Goes on with a checksum over a length, in the form that TensorFlow has it in memory.
fn append_length(crc: u32, length: u64, big_endian: bool) -> u32 {
    match u32::try_from(length) {
        Ok(short) => crc32c::crc32c_append(crc, &if big_endian { short.to_be_bytes() } else { short.to_le_bytes() }),
        Err(_) => crc32c::crc32c_append(crc, &if big_endian { length.to_be_bytes() } else { length.to_le_bytes() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::table::{masked, string_tensor};
    use crate::support::wire::varint;

    fn read(tensor: &[u8], count: u64) -> Result<Vec<&[u8]>, StringsError> {
        let strings = Strings::read(tensor, count, false)?;
        Ok(strings.ranges.into_iter().map(|range| &tensor[range]).collect())
    }

    #[test]
    fn strings_come_back() {
        let long = vec![b'x'; 300];
        let strings = [&b"one"[..], b"", &long];
        assert_eq!(read(&string_tensor(&strings), 3).unwrap(), strings);
        assert!(read(&string_tensor(&[]), 0).unwrap().is_empty());
    }

    #[test]
    fn the_checksum_is_that_of_lengths_their_checksum_and_strings() {
        let tensor = string_tensor(&[b"ab", b"c"]);
        let lengths_checksum = &tensor[2..6];
        let checked = [&[2, 0, 0, 0, 1, 0, 0, 0], lengths_checksum, b"abc"].concat();
        let expected = masked(crc32c::crc32c(&checked));
        assert_eq!(Strings::read(&tensor, 2, false).unwrap().crc32c, expected);
        assert_eq!(checksum(&tensor, 2, false), Ok(expected));
    }

    #[test]
    fn a_tensor_of_a_big_endian_machine_is_read() {
        let checksum = masked(crc32c::crc32c(&[0, 0, 0, 2])).to_be_bytes();
        let tensor = [&[2], &checksum[..], b"ab"].concat();
        assert_eq!(Strings::read(&tensor, 1, true).unwrap().ranges.first(), Some(&(5..7)));
        assert!(matches!(Strings::read(&tensor, 1, false), Err(StringsError::Lengths { offset: 1, .. })));
    }

    #[test]
    fn a_tensor_cut_short_anywhere_is_damaged() {
        let tensor = string_tensor(&[b"one", b"two"]);
        for length in 0..tensor.len() {
            assert!(matches!(read(&tensor[..length], 2), Err(StringsError::Truncated { .. })), "cut at {length}");
            assert!(
                matches!(checksum(&tensor[..length], 2, false), Err(StringsError::Truncated { .. })),
                "cut at {length}"
            );
        }
        let longer = [&tensor[..], b"x"].concat();
        let excess = StringsError::Excess { offset: tensor.len() };
        assert_eq!((read(&longer, 2), checksum(&longer, 2, false)), (Err(excess.clone()), Err(excess)));
    }

    #[test]
    fn more_strings_than_there_are_bytes_end_at_the_last_byte() {
        let expected = StringsError::Truncated { offset: 3, expected: "a string's length" };
        assert_eq!(read(&[0; 3], u64::MAX), Err(expected));
    }

    #[test]
    fn a_length_beyond_the_tensor_is_damage() {
        let checksum = masked(crc32c::crc32c(&u64::MAX.to_le_bytes())).to_le_bytes();
        let tensor = [&varint(u64::MAX)[..], &checksum].concat();
        assert_eq!(read(&tensor, 1), Err(StringsError::Truncated { offset: 14, expected: "a string" }));
    }
}
