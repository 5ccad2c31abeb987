//! What a chunk of a Riegeli file holds, simple or transposed.

use std::ops::Range;

use bytes::Bytes;

/// What a chunk holds.
#[derive(Debug, Default)]
pub(super) struct Contents {
    /// The part of the chunk's data that decodes to its records.
    pub(super) stored: Range<usize>,
    /// Whether that is the records as they are.
    pub(super) is_plain: bool,
    /// The records, one behind the other.
    pub(super) values: Bytes,
    /// Where each of them is, those that are whole, with its number in the chunk.
    pub(super) records: Vec<(u64, Range<usize>)>,
}
