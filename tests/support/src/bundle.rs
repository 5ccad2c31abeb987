//! Checkpoint indexes, written with the builders of messages and tables.

use super::table::{TableBuilder, masked, string_tensor};
use super::wire::{Message, message};

/// Where the tests' checkpoints have their parts.
pub const INDEX: &str = "variables/variables.index";
pub const DATA: &str = "variables/variables.data-00000-of-00001";

/// `DataType.DT_STRING` and `DataType.DT_UINT8` (tensorflow/core/framework/types.proto).
const STRING: u64 = 7;
const UINT8: u64 = 4;

/// The BundleEntryProto of `size` bytes at `offset` in the first shard.
pub fn bytes_entry(offset: u64, size: u64) -> Message {
    let shape = message().message(2, &message().int(1, size));
    message().int(1, UINT8).message(2, &shape).int(4, offset).int(5, size)
}

/// The BundleEntryProto of one string at `offset` in the first shard, which holds it as a [`string_tensor`]. Its
/// checksum is of the string's length in four bytes, of the checksum of that, and of the string.
pub fn string_entry(offset: u64, string: &[u8]) -> Message {
    let length = (string.len() as u32).to_le_bytes();
    let checksum = masked(crc32c::crc32c(&length)).to_le_bytes();
    let checksum = masked(crc32c::crc32c(&[&length, &checksum, string].concat()));
    let size = string_tensor(&[string]).len() as u64;
    message().int(1, STRING).message(2, &message()).int(4, offset).int(5, size).fixed32(6, checksum)
}

/// The index of one shard with these entries, which a table wants in the order of their keys.
pub fn index(entries: &[(&str, Message)]) -> Vec<u8> {
    let header = message().int(1, 1);
    let table = TableBuilder::new().entry("", header.0);
    entries.iter().fold(table, |table, (key, entry)| table.entry(*key, entry.0.clone())).build()
}

/// A checkpoint of one shard, in which tensors of unsigned bytes lie one behind the other in the order of the calls.
#[derive(Debug, Default)]
pub struct BundleBuilder {
    entries: Vec<(String, Message)>,
    data: Vec<u8>,
}

impl BundleBuilder {
    /// Adds a tensor.
    pub fn tensor(self, key: &str, content: &[u8]) -> Self {
        let crc = masked(crc32c::crc32c(content));
        self.tensor_with_crc(key, content, crc)
    }

    /// Adds a tensor for which the index has this CRC32C, whatever the content's is.
    pub fn tensor_with_crc(mut self, key: &str, content: &[u8], crc: u32) -> Self {
        let offset = self.data.len();
        self.data.extend_from_slice(content);
        self.at(key, offset, content.len(), crc)
    }

    /// Adds a tensor of one string.
    pub fn string(mut self, key: &str, string: &[u8]) -> Self {
        self.entries.push((key.to_owned(), string_entry(self.data.len() as u64, string)));
        self.data.extend(string_tensor(&[string]));
        self
    }

    /// Adds a key for a range of what is there already.
    pub fn alias(self, key: &str, offset: usize, bytes: usize) -> Self {
        let crc = masked(crc32c::crc32c(self.data.get(offset..offset + bytes).unwrap_or_default()));
        self.at(key, offset, bytes, crc)
    }

    fn at(mut self, key: &str, offset: usize, bytes: usize, crc: u32) -> Self {
        self.entries.push((key.to_owned(), bytes_entry(offset as u64, bytes as u64).fixed32(6, crc)));
        self
    }

    /// The files, by name.
    pub fn files(mut self) -> [(String, Vec<u8>); 2] {
        self.entries.sort_by(|a, b| a.0.cmp(&b.0));
        let entries: Vec<(&str, Message)> = self.entries.iter().map(|(key, entry)| (&**key, entry.clone())).collect();
        [(INDEX.to_owned(), index(&entries)), (DATA.to_owned(), self.data)]
    }
}
