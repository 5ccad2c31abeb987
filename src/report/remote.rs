//! What reading a model from a store came to, in `models[].remote` of the JSON report.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::input::{Depth, Reads};

/// How much of a model in a store was to be read, as `--remote-depth` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RemoteDepth {
    /// The listing alone.
    List,
    /// The main file, the index and the object graph; of the data what agrees with something else in length and checksum, up
    /// to 2% of it or 1 MiB.
    Index,
    /// As of a model on a disk.
    Full,
}

/// What was read of a model in a store, and what was not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct RemoteReport {
    /// How much was to be read.
    pub depth: RemoteDepth,
    /// The requests that were sent, those that were repeated as well.
    pub requests: u64,
    /// The bytes of its files that came.
    pub bytes_read: u64,
    /// Of them, those of the checkpoint's data and of assets.
    pub data_bytes_read: u64,
    /// Tensors and assets that may be there twice, by length and checksum, and were not read: what they repeat is in no figure.
    pub uncompared: Unread,
    /// Tensors and assets at whose beginning nobody looked: whether they are one value throughout is not known.
    pub unseen: Unread,
    /// Changes where the listing does: a hash over the names, sizes and e-tags of the files.
    pub e_tag: String,
}

/// Parts of the data that were not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Unread {
    /// How many.
    pub count: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl RemoteReport {
    /// Whether less was read than of a model on a disk, so that something may be missing from the figures.
    #[must_use]
    pub fn is_partial(&self) -> bool {
        self.depth == RemoteDepth::List || self.uncompared.count > 0 || self.unseen.count > 0
    }
}

impl From<Reads> for RemoteReport {
    fn from(reads: Reads) -> Self {
        let unread = |(count, bytes)| Unread { count, bytes };
        Self {
            depth: match reads.depth {
                Depth::List => RemoteDepth::List,
                Depth::Index => RemoteDepth::Index,
                Depth::Full => RemoteDepth::Full,
            },
            requests: reads.requests,
            bytes_read: reads.bytes,
            data_bytes_read: reads.data_bytes,
            uncompared: unread(reads.uncompared),
            unseen: unread(reads.unseen),
            e_tag: reads.e_tag,
        }
    }
}
