//! What a field takes in the file that it was read from.

use std::ops::Range;

/// A field as offsets into the file that it was read from: `start <= payload <= payload_end <= end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// The first byte of the field.
    pub start: u64,
    /// The first byte of its payload.
    pub payload: u64,
    /// The end of the payload.
    pub payload_end: u64,
    /// The end of the field.
    pub end: u64,
}

impl Span {
    /// What the whole field takes, in bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.end.saturating_sub(self.start)
    }

    /// What its payload takes, in bytes.
    #[must_use]
    pub fn payload_bytes(&self) -> u64 {
        self.payload_end.saturating_sub(self.payload)
    }

    /// The payload's range.
    #[must_use]
    pub fn payload_range(&self) -> Range<u64> {
        self.payload..self.payload_end
    }

    /// The whole field's range.
    #[must_use]
    pub fn range(&self) -> Range<u64> {
        self.start..self.end
    }
}
