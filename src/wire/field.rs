//! A field of a message: where it is in the file, and how it is laid out there.

use std::ops::Range;

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
