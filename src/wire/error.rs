//! Why a message cannot be walked to its end.

use thiserror::Error;

use super::field::Field;

/// Groups may nest this deep; protobuf's own parsers stop at 100 as well.
pub(super) const MAX_GROUP_DEPTH: usize = 100;

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
