//! Protobuf's wire format as spans of a file: which bytes are which field, without decoding or copying anything.
//!
//! What a field costs is where it lies. A decode and re-encode is no measure of that: unknown fields, fields given
//! twice, non-minimal varints and groups are all legal and none survives it. So every size in smaudit is the
//! difference of two offsets found here. The format: <https://protobuf.dev/programming-guides/encoding/>.

#![warn(clippy::arithmetic_side_effects)]

mod layout;
mod shares;
mod spans;

use std::ops::Range;

use thiserror::Error;

use crate::meter;

pub use layout::{Decoded, Layout, Span};
pub use shares::{Block, Place, Shares};
pub use spans::{Mark, Slot, Spans};

/// Groups may nest this deep; protobuf's own parsers stop at 100 as well.
const MAX_GROUP_DEPTH: usize = 100;

/// The largest field number that protobuf knows.
const MAX_FIELD_NUMBER: u64 = (1 << 29) - 1;

/// How a field's payload is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WireType {
    /// Wire type 0: an integer of one to ten bytes.
    Varint = 0,
    /// Wire type 1: eight bytes.
    Fixed64 = 1,
    /// Wire type 2: a length, then that many bytes.
    Len = 2,
    /// Wire types 3 and 4: fields between two tags.
    Group = 3,
    /// Wire type 5: four bytes.
    Fixed32 = 5,
}

/// One field of a message, as offsets into the file that holds it: `start <= payload <= payload_end <= end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// The field number.
    pub number: u32,
    /// The wire type.
    pub wire_type: WireType,
    /// The first byte of the tag.
    pub start: usize,
    /// The first byte of the payload, after the tag and the length if there is one.
    pub payload: usize,
    /// The end of the payload; `end` for all but groups, whose end tag follows.
    pub payload_end: usize,
    /// The end of the field.
    pub end: usize,
}

impl Field {
    /// The payload's range.
    #[must_use]
    #[inline]
    pub fn payload(&self) -> Range<usize> {
        self.payload..self.payload_end
    }

    /// The whole field's range: tag, length and payload.
    #[must_use]
    #[inline]
    pub fn range(&self) -> Range<usize> {
        self.start..self.end
    }

    /// Whether this is field `number` with a length-delimited payload: a message, a string or bytes.
    #[must_use]
    #[inline]
    pub fn is_len(&self, number: u32) -> bool {
        self.number == number && self.wire_type == WireType::Len
    }

    /// The payload's bytes; empty where `file` is not the one that the field was read from.
    #[must_use]
    #[inline]
    pub fn bytes<'a>(&self, file: &'a [u8]) -> &'a [u8] {
        file.get(self.payload()).unwrap_or_default()
    }
}

/// Why a message could not be walked further, with the offset in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum WireError {
    /// The message ends inside a tag, a length or a value.
    #[error("expected {expected}, found the end of the message")]
    Truncated {
        /// Where the reading began.
        offset: usize,
        /// What should have been there.
        expected: &'static str,
    },
    /// A varint goes on after its tenth byte.
    #[error("expected a varint of at most ten bytes, found a longer one")]
    VarintTooLong {
        /// Its first byte.
        offset: usize,
    },
    /// A tag with a field number of zero or beyond 2^29 - 1.
    #[error("expected a field number from 1 to 536870911, found {number}")]
    FieldNumber {
        /// The tag's first byte.
        offset: usize,
        /// What was there.
        number: u64,
    },
    /// A wire type of 6 or 7.
    #[error("expected wire type 0 to 5, found {wire_type}")]
    UnknownWireType {
        /// The tag's first byte.
        offset: usize,
        /// What was there.
        wire_type: u8,
    },
    /// A length that goes past the end of the message.
    #[error("field {} says {wanted} bytes, only {available} are left", field.number)]
    Overrun {
        /// The field, cut at the end of the message: what is left of it can still be walked.
        field: Field,
        /// The length that the file claims.
        wanted: u64,
        /// The bytes that there are.
        available: usize,
    },
    /// An end-group tag that closes nothing, or another group than the open one.
    #[error("expected the end of group {open}, found the end of group {found}")]
    GroupMismatch {
        /// The end tag's first byte.
        offset: usize,
        /// The group that is open; 0 where none is.
        open: u32,
        /// The group that the tag closes.
        found: u32,
    },
    /// Groups nested too deep.
    #[error("expected groups nested at most {MAX_GROUP_DEPTH} deep, found a deeper one")]
    TooDeep {
        /// The tag's first byte.
        offset: usize,
    },
}

impl WireError {
    /// The byte of the file where the error is.
    #[must_use]
    pub fn offset(&self) -> usize {
        match *self {
            Self::Truncated { offset, .. }
            | Self::VarintTooLong { offset }
            | Self::FieldNumber { offset, .. }
            | Self::UnknownWireType { offset, .. }
            | Self::GroupMismatch { offset, .. }
            | Self::TooDeep { offset } => offset,
            Self::Overrun { field, .. } => field.start,
        }
    }
}

/// The fields of the message in a range of a file, in order. Ends after the first error.
#[derive(Debug, Clone)]
pub struct Fields<'a> {
    /// The file up to the end of the message, so that no read can leave the message.
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Fields<'a> {
    /// The fields of the message at `range` of `file`; a range outside of the file holds none.
    #[must_use]
    #[inline]
    pub fn new(file: &'a [u8], range: Range<usize>) -> Self {
        let bytes = file.get(..range.end).unwrap_or_default();
        Self { bytes, at: range.start }
    }

    /// Where the next field starts.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.at
    }

    /// The message from there on.
    #[inline]
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// Goes past so many bytes, which hold whole fields.
    #[inline]
    pub(crate) fn skip(&mut self, bytes: usize) {
        self.at = self.at.saturating_add(bytes);
    }

    /// The next field if it is of the kind that models are made of: a tag of one byte, then a length of one or two bytes
    /// and as many bytes, or a varint of one byte. `None` for any other, and for damage; nothing is read then.
    ///
    /// This is what every walk does for every field of every node. Inlined, and without a `Result` that an error has to
    /// fit into, it takes half the time of [`Fields::field`].
    #[inline(always)]
    fn common_field(&mut self) -> Option<Field> {
        let start = self.at;
        let &[tag, first, ref rest @ ..] = self.bytes.get(start..)? else { return None };
        // What cannot be the second byte of a length where there is none.
        let second = rest.first().copied().unwrap_or(0x80);
        let number = u32::from(tag >> 3);
        // No sum here comes near to overflowing: bytes in memory are fewer than half of what a `usize` counts.
        let (wire_type, payload, length) = match tag & 7 {
            _ if tag >= 0x80 || number == 0 => return None,
            2 if first < 0x80 => (WireType::Len, start.wrapping_add(2), usize::from(first)),
            2 if second < 0x80 => {
                (WireType::Len, start.wrapping_add(3), usize::from(first & 0x7f) | usize::from(second) << 7)
            }
            0 if first < 0x80 => (WireType::Varint, start.wrapping_add(1), 1),
            _ => return None,
        };
        let end = payload.wrapping_add(length);
        if end > self.bytes.len() {
            return None;
        }
        self.at = end;
        Some(Field { number, wire_type, start, payload, payload_end: end, end })
    }

    fn field(&mut self) -> Result<Field, WireError> {
        let start = self.at;
        let (number, wire_type) = self.tag()?;
        let wire_type = match wire_type {
            0 => WireType::Varint,
            1 => WireType::Fixed64,
            2 => WireType::Len,
            3 => return self.group(start, number).map_err(|error| self.outside_of_group(error, start, number)),
            4 => return Err(WireError::GroupMismatch { offset: start, open: 0, found: number }),
            5 => WireType::Fixed32,
            other => return Err(WireError::UnknownWireType { offset: start, wire_type: other }),
        };
        let payload = self.skip_payload(start, number, wire_type)?;
        Ok(Field { number, wire_type, start, payload, payload_end: self.at, end: self.at })
    }

    /// The next field, whatever it is.
    #[inline(never)]
    fn any_field(&mut self) -> Option<Result<Field, WireError>> {
        let field = self.field();
        if field.is_err() {
            // An error ends the walk: what follows it cannot be trusted to be a tag.
            self.at = self.bytes.len();
        }
        Some(field)
    }

    /// Reads a tag: the field number and the wire type's number.
    fn tag(&mut self) -> Result<(u32, u8), WireError> {
        let start = self.at;
        let tag = self.varint("a tag")?;
        let number = tag >> 3;
        let wire_type = u8::try_from(tag & 7).unwrap_or_default();
        match u32::try_from(number) {
            Ok(small) if small != 0 && number <= MAX_FIELD_NUMBER => Ok((small, wire_type)),
            _ => Err(WireError::FieldNumber { offset: start, number }),
        }
    }

    /// Moves past a payload that is not a group's and returns where it starts.
    fn skip_payload(&mut self, start: usize, number: u32, wire_type: WireType) -> Result<usize, WireError> {
        let length = match wire_type {
            WireType::Varint => {
                let payload = self.at;
                self.varint("a varint")?;
                return Ok(payload);
            }
            WireType::Fixed64 => 8,
            WireType::Fixed32 => 4,
            WireType::Len | WireType::Group => self.varint("a length")?,
        };
        let payload = self.at;
        let available = self.bytes.len().saturating_sub(payload);
        match usize::try_from(length) {
            Ok(length) if length <= available => {
                self.at = payload.saturating_add(length);
                Ok(payload)
            }
            _ => {
                let end = self.bytes.len();
                let field = Field { number, wire_type, start, payload, payload_end: end, end };
                Err(WireError::Overrun { field, wanted: length, available })
            }
        }
    }

    /// A field that runs past the end inside of a group is the group's own running past it: what is left of a message
    /// begins with a field of that message.
    fn outside_of_group(&self, error: WireError, start: usize, number: u32) -> WireError {
        match error {
            WireError::Overrun { field, wanted, available } => {
                let end = self.bytes.len();
                let field = Field { number, wire_type: WireType::Group, start, payload_end: end, end, ..field };
                WireError::Overrun { field, wanted, available }
            }
            other => other,
        }
    }

    /// Moves past a group whose start tag has been read. The open groups are kept in a list, not on the call stack.
    fn group(&mut self, start: usize, number: u32) -> Result<Field, WireError> {
        let payload = self.at;
        let mut open = vec![number];
        loop {
            let tag_start = self.at;
            let (inner, wire_type) = match self.tag() {
                Err(WireError::Truncated { offset, .. }) => {
                    return Err(WireError::Truncated { offset, expected: "the end of a group" });
                }
                other => other?,
            };
            match wire_type {
                3 if open.len() >= MAX_GROUP_DEPTH => return Err(WireError::TooDeep { offset: tag_start }),
                3 => open.push(inner),
                4 => {
                    let innermost = open.pop().unwrap_or_default();
                    if innermost != inner {
                        return Err(WireError::GroupMismatch { offset: tag_start, open: innermost, found: inner });
                    }
                    if open.is_empty() {
                        let wire_type = WireType::Group;
                        return Ok(Field { number, wire_type, start, payload, payload_end: tag_start, end: self.at });
                    }
                }
                0 => drop(self.skip_payload(tag_start, inner, WireType::Varint)?),
                1 => drop(self.skip_payload(tag_start, inner, WireType::Fixed64)?),
                2 => drop(self.skip_payload(tag_start, inner, WireType::Len)?),
                5 => drop(self.skip_payload(tag_start, inner, WireType::Fixed32)?),
                other => return Err(WireError::UnknownWireType { offset: tag_start, wire_type: other }),
            }
        }
    }

    /// Reads a varint at the current offset. Nearly all tags and most lengths are one byte.
    #[inline]
    fn varint(&mut self, expected: &'static str) -> Result<u64, WireError> {
        match self.bytes.get(self.at) {
            Some(&byte) if byte < 0x80 => {
                self.at = self.at.saturating_add(1);
                Ok(u64::from(byte))
            }
            _ => self.long_varint(expected),
        }
    }

    fn long_varint(&mut self, expected: &'static str) -> Result<u64, WireError> {
        let offset = self.at;
        let rest = self.bytes.get(offset..).unwrap_or_default();
        let mut value = 0_u64;
        for (index, &byte) in rest.iter().take(10).enumerate() {
            let bits = u64::from(byte & 0x7f);
            // Of the tenth byte one bit counts; protobuf drops the others, and so does the shift.
            value |= bits << index.saturating_mul(7);
            if byte < 0x80 {
                self.at = offset.saturating_add(index).saturating_add(1);
                return Ok(value);
            }
        }
        if rest.len() < 10 {
            return Err(WireError::Truncated { offset, expected });
        }
        Err(WireError::VarintTooLong { offset })
    }
}

impl Iterator for Fields<'_> {
    type Item = Result<Field, WireError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        meter::field();
        match self.common_field() {
            Some(field) => Some(Ok(field)),
            None if self.at >= self.bytes.len() => None,
            None => self.any_field(),
        }
    }
}

/// The varint at the start of `bytes`; `None` where there is none.
#[must_use]
pub fn varint(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut fields = Fields { bytes, at: 0 };
    fields.varint("a varint").ok().map(|value| (value, fields.at))
}

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

/// The fields of the message at `range` of `file`, as far as they can be walked.
#[inline]
pub fn fields(file: &[u8], range: Range<usize>) -> impl Iterator<Item = Field> {
    Readable(Fields::new(file, range))
}

/// The fields up to the first error, without a `Result` for each.
struct Readable<'a>(Fields<'a>);

impl Iterator for Readable<'_> {
    type Item = Field;

    #[inline(always)]
    fn next(&mut self) -> Option<Field> {
        let Self(fields) = self;
        meter::field();
        match fields.common_field() {
            None if fields.at < fields.bytes.len() => fields.any_field()?.ok(),
            field => field,
        }
    }
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
mod tests;
