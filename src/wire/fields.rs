//! The walk over the fields of a message.

use std::ops::Range;

use super::error::{MAX_GROUP_DEPTH, WireError};
use super::field::{Field, WireType};
use crate::meter;

/// The largest field number that protobuf knows.
const MAX_FIELD_NUMBER: u64 = (1 << 29) - 1;

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
    pub(super) fn common_field(&mut self) -> Option<Field> {
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
