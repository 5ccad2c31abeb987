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
