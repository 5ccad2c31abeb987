//! The ChunkMetadata: which chunk fills which field of the model.

use std::ops::Range;

use bytes::Bytes;
use prost::{DecodeError, Message as _};
use thiserror::Error;

use crate::proto::proto_splitter::ChunkMetadata;
use crate::wire::{WireType, fields};

/// The longest ChunkMetadata that is read. One of 50,000 chunks takes 4 MiB.
const MAX_BYTES: usize = 16 << 20;

/// The most messages in one that is read: an empty one is two bytes, and up to 64 when it is decoded. A chunk takes ten or
/// so, one for each step of its path.
const MAX_MESSAGES: usize = 1 << 20;

/// Why a ChunkMetadata cannot be decoded.
#[derive(Debug, Error)]
pub(super) enum MetadataError {
    #[error("one of {0} bytes, more than the {MAX_BYTES} that are read")]
    TooLong(usize),
    #[error("one of more than {MAX_MESSAGES} messages")]
    TooMany,
    #[error(transparent)]
    Decode(#[from] DecodeError),
}

/// Decodes a ChunkMetadata, unless it would take much memory.
pub(super) fn decode(bytes: Bytes) -> Result<ChunkMetadata, MetadataError> {
    if bytes.len() > MAX_BYTES {
        return Err(MetadataError::TooLong(bytes.len()));
    }
    if messages(&bytes) > MAX_MESSAGES {
        return Err(MetadataError::TooMany);
    }
    Ok(ChunkMetadata::decode(bytes)?)
}

/// The messages of a ChunkMetadata.
#[derive(Debug, Clone, Copy)]
enum MessageKind {
    ChunkMetadata,
    ChunkedMessage,
    ChunkedField,
    /// One without others in it that are repeated.
    Leaf,
}

impl MessageKind {
    /// What a field is, if it is a message.
    fn of_field(self, number: u32) -> Option<Self> {
        match (self, number) {
            (Self::ChunkMetadata, 3) | (Self::ChunkedField, 3) => Some(Self::ChunkedMessage),
            (Self::ChunkedMessage, 2) => Some(Self::ChunkedField),
            (Self::ChunkMetadata, 2) | (Self::ChunkedField, 1) => Some(Self::Leaf),
            _ => None,
        }
    }
}

/// Counts the messages in a ChunkMetadata, at most to one more than may be in it.
fn messages(bytes: &[u8]) -> usize {
    let mut count = 0_usize;
    let mut left: Vec<(Range<usize>, MessageKind)> = vec![(0..bytes.len(), MessageKind::ChunkMetadata)];
    while let Some((message, kind)) = left.pop() {
        for field in fields(bytes, message).filter(|field| field.wire_type == WireType::Len) {
            let Some(inner) = kind.of_field(field.number) else { continue };
            count = count.saturating_add(1);
            if count > MAX_MESSAGES {
                return count;
            }
            if !matches!(inner, MessageKind::Leaf) {
                left.push((field.payload(), inner));
            }
        }
    }
    count
}
