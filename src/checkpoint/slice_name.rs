//! The keys of slices: a partitioned variable has an entry for each part, under a key that sorts by name and extents.
//!
//! The key is TensorFlow's OrderedCode of a zero, the name, the rank, and a start and a length for each dimension
//! (`EncodeTensorNameSlice` in `tensorflow/core/util/saved_tensor_slice_util.cc`; the code in
//! `tensorflow/core/lib/strings/ordered_code.cc`). V1 checkpoints use it for all of their keys.

#![warn(clippy::arithmetic_side_effects)]

use std::fmt;

/// TensorFlow's limit on a tensor's dimensions (`TensorShape::MaxDimensions`).
pub(crate) const MAX_RANK: usize = 254;

/// A slice of a variable. Shown as `name [0:10, :]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SliceName {
    /// The variable.
    pub name: String,
    /// For each dimension where the slice starts and how long it is; `None` where it is the whole dimension.
    pub extents: Vec<Option<(i64, i64)>>,
}

impl SliceName {
    /// Decodes a key; `None` where it is not the key of a slice. Keys of whole tensors never start with a zero byte.
    #[must_use]
    pub fn decode(key: &[u8]) -> Option<Self> {
        let mut code = Code { rest: key.strip_prefix(&[0])? };
        let name = String::from_utf8_lossy(&code.string()?).into_owned();
        let rank = usize::try_from(code.number()?).ok().filter(|&rank| rank <= MAX_RANK)?;
        let mut extents = Vec::new();
        for _ in 0..rank {
            let (start, length) = (code.signed()?, code.signed()?);
            extents.push((length >= 0).then_some((start, length)));
        }
        code.rest.is_empty().then_some(Self { name, extents })
    }
}

impl fmt::Display for SliceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [", self.name)?;
        for (dimension, extent) in self.extents.iter().enumerate() {
            let separator = if dimension == 0 { "" } else { ", " };
            match extent {
                Some((start, length)) => write!(f, "{separator}{start}:{}", start.saturating_add(*length))?,
                None => write!(f, "{separator}:")?,
            }
        }
        f.write_str("]")
    }
}

/// What is left of a key in OrderedCode: bytes that sort as the values do.
struct Code<'a> {
    rest: &'a [u8],
}

impl<'a> Code<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }

    /// A string, ended by `00 01`; the bytes `00` and `ff` in it are followed by their complement.
    fn string(&mut self) -> Option<Vec<u8>> {
        let mut string = Vec::new();
        loop {
            match *self.take(1)? {
                [0] => match *self.take(1)? {
                    [1] => return Some(string),
                    [0xff] => string.push(0),
                    _ => return None,
                },
                [0xff] => string.push((*self.take(1)? == [0]).then_some(0xff)?),
                [byte] => string.push(byte),
                _ => return None,
            }
        }
    }

    /// A number without a sign: how many bytes it has, then these.
    fn number(&mut self) -> Option<u64> {
        let length = usize::from(*self.take(1)?.first()?);
        let bytes = if length <= 8 { self.take(length)? } else { return None };
        Some(bytes.iter().fold(0, |value, &byte| value << 8 | u64::from(byte)))
    }

    /// A number with a sign: as many leading ones as it has bytes, then a zero, then its bits; all of it inverted where
    /// the number is negative, which the first bit shows.
    fn signed(&mut self) -> Option<i64> {
        let invert = if self.rest.first()? & 0x80 == 0 { 0xff } else { 0 };
        let first = self.rest.first()? ^ invert;
        let ones = match first.leading_ones() {
            8 => (self.rest.get(1)? ^ invert).leading_ones().saturating_add(8),
            ones => ones,
        };
        // Ten bytes are the most that 64 bits need, and their 80 bits fit below.
        let length = usize::try_from(ones).ok().filter(|&length| length <= 10)?;
        let coded = self.take(length)?.iter().fold(0_u128, |value, &byte| value << 8 | u128::from(byte ^ invert));
        let bits = ones.checked_mul(7)?.checked_sub(1)?;
        let magnitude = i64::try_from(coded & !(u128::MAX << bits)).ok()?;
        Some(if invert == 0 { magnitude } else { !magnitude })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::support::table::slice_key;

    fn shown(key: &[u8]) -> Option<String> {
        SliceName::decode(key).map(|slice| slice.to_string())
    }

    #[test]
    fn the_keys_that_tensorflow_writes_are_read() {
        // The three parts of a variable of 100 by 16, as TensorFlow 2.21 wrote them.
        let parts = [&b"\x80\xa2"[..], b"\xa2\xa1", b"\xc0\x43\xa1"]
            .map(|rows| [b"\x00embedding\x00\x01\x01\x02", rows, b"\x80\x90"].concat());
        let expected = ["embedding [0:34, 0:16]", "embedding [34:67, 0:16]", "embedding [67:100, 0:16]"];
        assert_eq!(parts.map(|key| shown(&key).unwrap()), expected);
    }

    #[test]
    fn a_whole_dimension_is_shown_as_in_python() {
        assert_eq!(shown(&slice_key("v", &[(0, 10), (0, -1)])).unwrap(), "v [0:10, :]");
        assert_eq!(shown(&slice_key("scalar", &[])).unwrap(), "scalar []");
    }

    #[test]
    fn the_bytes_that_the_code_escapes_come_back() {
        let key = slice_key(b"a\0b\xff\0c", &[(0, 1)]);
        assert_eq!(shown(&key).unwrap(), "a\0b\u{fffd}\0c [0:1]");
        let bare =
            slice_key("ab", &[(0, 1)]).iter().map(|&byte| if byte == b'a' { 0xff } else { byte }).collect::<Vec<_>>();
        assert_eq!(SliceName::decode(&bare), None);
    }

    #[test]
    fn a_key_cut_short_or_with_more_behind_it_is_no_slice() {
        let key = slice_key("a\0b", &[(1000, 2000), (0, -1)]);
        assert!(SliceName::decode(&key).is_some());
        for length in 0..key.len() {
            assert_eq!(SliceName::decode(&key[..length]), None);
        }
        assert_eq!(SliceName::decode(&[&key[..], b"x"].concat()), None);
        assert_eq!(SliceName::decode(b"dense/kernel"), None);
    }

    #[test]
    fn a_rank_that_no_tensor_has_is_no_slice() {
        let rank = |code: &[u8]| [b"\0v\0\x01", code].concat();
        assert_eq!(SliceName::decode(&rank(&[8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])), None);
        assert_eq!(SliceName::decode(&[rank(&[1, 255]), vec![0x80; 510]].concat()), None);
        assert!(SliceName::decode(&[rank(&[1, 254]), vec![0x80; 508]].concat()).is_some());
    }

    proptest! {
        #[test]
        fn any_name_and_extents_come_back(
            name in any::<String>(),
            extents in prop::collection::vec((any::<i64>(), any::<i64>()), 0..5),
        ) {
            let slice = SliceName::decode(&slice_key(&name, &extents)).unwrap();
            prop_assert_eq!(slice.name, name);
            let kept: Vec<_> = extents.iter().map(|&(start, length)| (length >= 0).then_some((start, length))).collect();
            prop_assert_eq!(slice.extents, kept);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let _ = SliceName::decode(&[&[0], &bytes[..]].concat());
        }
    }
}
