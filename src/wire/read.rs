//! Single fields and values of a message, for who knows what is wanted of it.

use std::ops::Range;

use super::field::WireType;
use super::fields::{Fields, fields, varint};
use crate::meter;

/// A number as a varint, and how many bytes it takes.
#[must_use]
pub fn to_varint(mut value: u64) -> ([u8; 10], usize) {
    let mut bytes = [0; 10];
    let mut width = 0_usize;
    for slot in &mut bytes {
        width = width.saturating_add(1);
        *slot = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            break;
        }
        *slot |= 0x80;
    }
    (bytes, width)
}

/// Appends a number as a varint.
pub fn append_varint(out: &mut Vec<u8>, value: u64) {
    let (bytes, width) = to_varint(value);
    out.extend_from_slice(bytes.get(..width).unwrap_or_default());
}

/// The integers of a repeated field `number`, packed or written one by one. What does not fit into a `T`, or is no varint,
/// ends the field that it is in.
pub fn integers<T: TryFrom<u64>>(file: &[u8], message: Range<usize>, number: u32) -> impl Iterator<Item = T> {
    fields(file, message).filter(move |field| field.number == number).flat_map(move |field| {
        let mut rest = field.bytes(file);
        std::iter::from_fn(move || {
            let (value, length) = varint(rest)?;
            rest = rest.get(length..)?;
            T::try_from(value).ok()
        })
    })
}

/// Key and value of an entry of a map with strings for keys, both as ranges of the file, where it is written as all
/// writers do it: the key, then the value, and nothing else. `None` of any other, which is to be read field by field.
#[must_use]
#[inline]
pub fn plain_entry(file: &[u8], entry: Range<usize>) -> Option<(Range<usize>, Range<usize>)> {
    let end = entry.end;
    let mut fields = Fields::new(file, entry);
    let key = fields.common_field().filter(|field| field.is_len(1))?;
    let value = fields.common_field().filter(|field| field.is_len(2) && field.end == end)?;
    Some((key.payload(), value.payload()))
}

/// The payload of the field that `bytes` begin with, and what follows it, if that is a length-delimited field of this number,
/// below 16, and its length is one or two bytes. `None` of any other.
///
/// For who expects a certain field and needs no offsets, this takes less than [`Fields::next`].
#[must_use]
#[inline(always)]
pub fn split_len(bytes: &[u8], number: u32) -> Option<(&[u8], &[u8])> {
    meter::field();
    let (&tag, rest) = bytes.split_first()?;
    let (length, rest) = short_length(rest).filter(|_| u32::from(tag) == number << 3 | 2)?;
    rest.split_at_checked(length)
}

/// What is behind the field that `bytes` begin with, if it is length-delimited, its number is at least `least` and below 16, and its
/// length is one or two bytes. `None` of any other.
#[must_use]
#[inline(always)]
pub fn skip_len(bytes: &[u8], least: u32) -> Option<&[u8]> {
    meter::field();
    let (&tag, rest) = bytes.split_first()?;
    let (length, rest) = short_length(rest)?;
    let is_such = (least << 3..0x80).contains(&u32::from(tag)) && tag & 7 == WireType::Len as u8;
    rest.get(length..).filter(|_| is_such)
}

/// What is behind the fields of one number, below 16, that `bytes` begin with, up to the first that is another one, not
/// length-delimited, or has a length of more than two bytes: to go past the nodes of a graph and do nothing else.
#[must_use]
pub fn skip_all(mut bytes: &[u8], number: u32) -> &[u8] {
    let wanted = number << 3 | WireType::Len as u32;
    while let [tag, low, high, rest @ ..] = bytes {
        let length = usize::from(low & 0x7f);
        let behind = match (low < &0x80, high < &0x80) {
            _ if u32::from(*tag) != wanted => return bytes,
            (true, _) => bytes.get(length.saturating_add(2)..),
            (_, true) => rest.get(length | usize::from(*high) << 7..),
            _ => None,
        };
        let Some(behind) = behind else { return bytes };
        meter::field();
        bytes = behind;
    }
    bytes
}

/// The length of one or two bytes that `bytes` begin with, and what follows it.
#[must_use]
#[inline(always)]
pub fn short_length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    match *bytes {
        [low, ref rest @ ..] if low < 0x80 => Some((usize::from(low), rest)),
        [low, high, ref rest @ ..] if high < 0x80 => Some((usize::from(low & 0x7f) | usize::from(high) << 7, rest)),
        _ => None,
    }
}

/// The payload of the first field `number` that is length-delimited: enough for names and for what writers give once,
/// as the rest of a large message need not be touched.
#[must_use]
#[inline]
pub fn first_len(file: &[u8], message: Range<usize>, number: u32) -> Option<Range<usize>> {
    fields(file, message).find(|field| field.is_len(number)).map(|field| field.payload())
}

/// The payload of the last field `number` that is length-delimited: protobuf's rule for a singular field given twice.
/// Fields after an error are not seen.
#[must_use]
#[inline]
pub fn last_len(file: &[u8], message: Range<usize>, number: u32) -> Option<Range<usize>> {
    fields(file, message).filter(|field| field.is_len(number)).last().map(|field| field.payload())
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::indexing_slicing)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn fields_of_one_number_are_passed_up_to_the_first_that_is_another(
            lengths in prop::collection::vec(0..300_usize, 0..6),
            other in prop::sample::select(vec![b"".as_slice(), b"\x12\x00", b"\x18\x07", b"\x1a", b"\x1a\x05ab", b"\x1a\x81\x80\x00a"]),
        ) {
            let mut bytes = Vec::new();
            for length in &lengths {
                let (varint, width) = to_varint(*length as u64);
                bytes.push(3 << 3 | 2);
                bytes.extend_from_slice(&varint[..width]);
                bytes.resize(bytes.len() + length, 7);
            }
            let passed = bytes.len();
            bytes.extend_from_slice(other);
            let left = skip_all(&bytes, 3).len();
            // One of two bytes at the very end may be left: its caller takes it as any other field.
            let is_last_one = other.is_empty() && lengths.last() == Some(&0) && left == 2;
            prop_assert!(left == bytes.len() - passed || is_last_one, "{left} of {}", bytes.len());
        }
    }
}
