//! A table as TensorFlow writes one: `variables.index`.
//!
//! After `tensorflow/core/lib/io/{table_builder,block_builder}.cc`, with what `BundleWriter::Finish` asks for: blocks of 256 KiB
//! without compression, a key in full every 16 entries, separators of blocks as short as they can be. So the index of a checkpoint
//! that TensorFlow wrote comes out byte by byte as it was.

use crate::checkpoint::table::{MAGIC, mask};
use crate::wire::append_varint;

/// A block ends behind the entry with which it has this size.
const BLOCK_BYTES: usize = 256 << 10;

/// A key is written in full after so many entries; in the index of the blocks each is.
const RESTART: usize = 16;

/// Block handles are padded to this in the footer.
const HANDLES_BYTES: usize = 40;

/// The compression type of what is not compressed.
const PLAIN: u8 = 0;

/// A table of these entries, which come in the order of their keys.
pub fn write<'a>(entries: impl IntoIterator<Item = (&'a [u8], &'a [u8])>) -> Vec<u8> {
    let mut file = Vec::new();
    let (mut block, mut index) = (Block::new(RESTART), Block::new(1));
    // The block that has ended, and is named in the index when it is known with what the next one begins.
    let mut ended: Option<Vec<u8>> = None;
    let mut last = Vec::new();
    for (key, value) in entries {
        if let Some(handle) = ended.take() {
            index.add(&separator(&last, key), &handle);
        }
        block.add(key, value);
        last = key.to_vec();
        if block.size() >= BLOCK_BYTES {
            ended = Some(append(&mut file, std::mem::replace(&mut block, Block::new(RESTART))));
        }
    }
    if !block.is_empty() {
        ended = Some(append(&mut file, block));
    }
    let meta_index = append(&mut file, Block::new(RESTART));
    if let Some(handle) = ended {
        index.add(&successor(&last), &handle);
    }
    let index = append(&mut file, index);
    let mut footer = [meta_index, index].concat();
    footer.resize(HANDLES_BYTES, 0);
    file.extend(footer);
    file.extend(MAGIC);
    file
}

/// Entries and where keys are in full.
struct Block {
    contents: Vec<u8>,
    restarts: Vec<u32>,
    last: Vec<u8>,
    /// The entries since the last key in full.
    since: usize,
    interval: usize,
}

impl Block {
    fn new(interval: usize) -> Self {
        Self { contents: Vec::new(), restarts: vec![0], last: Vec::new(), since: 0, interval }
    }

    fn is_empty(&self) -> bool {
        self.contents.is_empty()
    }

    fn size(&self) -> usize {
        self.contents.len().saturating_add(self.restarts.len().saturating_add(1).saturating_mul(4))
    }

    fn add(&mut self, key: &[u8], value: &[u8]) {
        let shared = if self.since < self.interval {
            self.last.iter().zip(key).take_while(|(a, b)| a == b).count()
        } else {
            self.restarts.push(u32::try_from(self.contents.len()).unwrap_or(u32::MAX));
            self.since = 0;
            0
        };
        let suffix = key.get(shared..).unwrap_or_default();
        [shared, suffix.len(), value.len()]
            .into_iter()
            .for_each(|length| append_varint(&mut self.contents, length as u64));
        self.contents.extend_from_slice(suffix);
        self.contents.extend_from_slice(value);
        self.last = key.to_vec();
        self.since = self.since.saturating_add(1);
    }
}

/// Writes a block with its trailer, and returns its handle.
fn append(file: &mut Vec<u8>, mut block: Block) -> Vec<u8> {
    let count = u32::try_from(block.restarts.len()).unwrap_or(u32::MAX);
    block.restarts.iter().chain([&count]).for_each(|number| block.contents.extend(number.to_le_bytes()));
    let mut handle = Vec::new();
    append_varint(&mut handle, file.len() as u64);
    append_varint(&mut handle, block.contents.len() as u64);
    block.contents.push(PLAIN);
    let crc = mask(crc32c::crc32c(&block.contents));
    file.extend(block.contents);
    file.extend(crc.to_le_bytes());
    handle
}

/// The shortest key that is not before `last` and is before `next`: what both begin with, and one byte more where that leaves
/// room between them.
fn separator(last: &[u8], next: &[u8]) -> Vec<u8> {
    let shared = last.iter().zip(next).take_while(|(a, b)| a == b).count();
    if let (Some(&differs), Some(&with)) = (last.get(shared), next.get(shared))
        && let Some(between) = differs.checked_add(1).filter(|between| *between < with)
    {
        let mut key = last.get(..shared).unwrap_or_default().to_vec();
        key.push(between);
        return key;
    }
    last.to_vec()
}

/// A short key that is not before `last`.
fn successor(last: &[u8]) -> Vec<u8> {
    let Some(at) = last.iter().position(|byte| *byte != u8::MAX) else { return last.to_vec() };
    let mut key = last.get(..=at).unwrap_or_default().to_vec();
    if let Some(byte) = key.last_mut() {
        *byte = byte.saturating_add(1);
    }
    key
}
