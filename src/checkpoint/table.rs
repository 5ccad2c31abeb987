//! LevelDB-format tables: what a `.index` is, and what a V1 checkpoint is.
//!
//! Read after LevelDB's `doc/table_format.md` and TensorFlow's `core/lib/io/{format,block,table}.cc`. Crates that read
//! such tables take the empty key for the end and panic on damage; a TensorBundle's header is under the empty key, and
//! damaged files are what an audit has to name. So this reader is ours, and goes front to back, which is all that an
//! audit needs: blocks in the order of the index, entries in the order of the blocks.
//!
//! Nothing can make it loop or grow: blocks lie behind one another in the file, compressed ones expand no further than
//! snappy can, and what keys expand to is held against the size of the file.

#![warn(clippy::arithmetic_side_effects)]

use std::ops::Range;

use bytes::Bytes;
use thiserror::Error;

use crate::wire;

/// The last bytes of every table.
pub const MAGIC: [u8; 8] = [0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb];

/// Two block handles of at most 20 bytes each, padding, and the magic number.
const FOOTER_BYTES: usize = 48;

/// After each block: a compression type and a masked CRC32C.
const TRAILER_BYTES: u64 = 5;

/// Snappy's densest element yields 64 bytes from 3, so no byte yields more than this.
const SNAPPY_MAX_EXPANSION: u64 = 22;

/// What keys may expand to through shared prefixes: this much, and `KEY_BYTES_PER_FILE_BYTE` times the file's size.
/// Real indexes were measured at up to twice their size.
const KEY_BYTES: u64 = 16 << 20;
const KEY_BYTES_PER_FILE_BYTE: u64 = 32;

/// What holding a key costs whoever keeps it, counted with its bytes: or else a million empty entries were free.
const KEY_OVERHEAD: u64 = 32;

/// The same in a compressed block, where an entry may be had for less than a byte of the file. Those that TensorFlow compresses, of
/// V1 checkpoints, were measured at a tenth of their number.
const COMPRESSED_OVERHEAD: u64 = 256;

/// What is wrong with a table, and where.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{kind}")]
pub struct TableError {
    /// The byte of the file; in a compressed block, the block's first byte.
    pub offset: u64,
    /// What was expected there and what was found.
    pub kind: TableErrorKind,
}

/// What was expected of a table and what was found instead.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TableErrorKind {
    /// The file is shorter than a footer.
    #[error("expected a table, which is no shorter than its footer of 48 bytes, found {0} bytes")]
    TooShort(u64),
    /// The file does not end in [`MAGIC`]: not a table, or one cut short.
    #[error("expected a table's magic number {MAGIC:02x?} at the end of the file, found {0:02x?}")]
    Magic([u8; 8]),
    /// No block handle where one should be.
    #[error("expected a block handle, an offset and a size, found bytes that are none")]
    Handle,
    /// A block that would lie outside of the file's part for it, or before the end of the block before it.
    #[error("expected a block between bytes {} and {}, found one at {start} of {size} bytes", allowed.start, allowed.end)]
    Place {
        /// Where the block could be.
        allowed: Range<u64>,
        /// Where its handle says that it starts.
        start: u64,
        /// Its size by the handle, without the trailer.
        size: u64,
    },
    /// The bytes of a block are not those that were written.
    #[error("expected a block with masked CRC32C {stored:#010x}, found one with {computed:#010x}")]
    Checksum {
        /// The block's trailer's.
        stored: u32,
        /// That of the bytes.
        computed: u32,
    },
    /// A compression type that TensorFlow does not write.
    #[error("expected a block of compression type 0 (none) or 1 (snappy), found type {0}")]
    Compression(u8),
    /// A length that snappy could not reach with the bytes that there are.
    #[error("expected {compressed} bytes of snappy to hold at most 22 times as much, found a length of {claimed}")]
    SnappyLength {
        /// The bytes that there are.
        compressed: u64,
        /// What they say that they hold.
        claimed: u64,
    },
    /// A block that does not decompress.
    #[error("expected a block compressed by snappy, found: {0}")]
    Snappy(String),
    /// A restart array that does not fit into the block.
    #[error("expected a restart array within a block of {0} bytes, found none that fits")]
    Restarts(usize),
    /// An entry that does not fit into its block, or shares more with the key before it than that key has.
    #[error("expected an entry of a block, found lengths that do not fit")]
    Entry,
    /// A key that is not greater than the key before it. Lookups would miss it: the table cannot be used.
    #[error("expected keys in ascending order, found one that is not after the key before it")]
    KeyOrder,
    /// Keys that expand without measure: the file is made to exhaust memory.
    #[error("expected keys of at most {0} bytes in all for a file of this size, found more")]
    Keys(u64),
}

/// One entry of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The key, whole.
    pub key: Vec<u8>,
    /// The value: a slice of the file, or of a decompressed block.
    pub value: Bytes,
    /// The file offset of the block that it came from.
    pub block: u64,
    /// The value's own file offset; `None` in compressed blocks.
    pub value_offset: Option<u64>,
}

impl Entry {
    /// Where in the file to look for the entry: the value if it has a place of its own, or else the block.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.value_offset.unwrap_or(self.block)
    }
}

/// A table whose footer and index block have been read.
#[derive(Debug, Clone)]
pub struct Table {
    file: Bytes,
    index: Block,
}

impl Table {
    /// Reads the footer and the index block of `file`.
    ///
    /// # Errors
    /// What is wrong with them; no entry can be found then.
    pub fn open(file: Bytes) -> Result<Self, TableError> {
        let length = wide(file.len());
        let too_short = TableError { offset: 0, kind: TableErrorKind::TooShort(length) };
        let start = file.len().checked_sub(FOOTER_BYTES).ok_or_else(|| too_short.clone())?;
        let (handles, magic) = file.get(start..).and_then(<[u8]>::split_last_chunk).ok_or(too_short)?;
        if *magic != MAGIC {
            let offset = length.saturating_sub(wide(MAGIC.len()));
            return Err(TableError { offset, kind: TableErrorKind::Magic(*magic) });
        }
        let footer = wide(start);
        let in_footer = |kind| TableError { offset: footer, kind };
        let (_metaindex, rest) = Handle::read_with_rest(handles).ok_or(in_footer(TableErrorKind::Handle))?;
        let handle = Handle::read(rest).ok_or(in_footer(TableErrorKind::Handle))?;
        let framed = handle.framed(&file, 0..footer).map_err(in_footer)?;
        let index = Block::read(handle.offset, &framed)?;
        Ok(Self { file, index })
    }

    /// The entries in the order of the file. A damaged block is an error and is passed over; where an entry within
    /// a block is at fault, those before it are good and those after it are passed over.
    #[must_use]
    pub fn entries(&self) -> Entries<'_> {
        let key_budget = wide(self.file.len()).saturating_mul(KEY_BYTES_PER_FILE_BYTE).saturating_add(KEY_BYTES);
        Entries { table: self, index_at: 0, blocks_end: 0, block: None, at: 0, key: None, key_budget, key_bytes: 0 }
    }
}

/// The entries of a [`Table`].
#[derive(Debug)]
pub struct Entries<'a> {
    table: &'a Table,
    /// Where the next entry of the index block starts.
    index_at: usize,
    /// The end of the last block: the next one lies behind it.
    blocks_end: u64,
    block: Option<Block>,
    /// Where the next entry of `block` starts.
    at: usize,
    /// The last key of whichever block.
    key: Option<Vec<u8>>,
    key_budget: u64,
    key_bytes: u64,
}

impl Entries<'_> {
    /// The next block that the index names.
    fn next_block(&mut self) -> Option<Result<Block, TableError>> {
        let index = &self.table.index;
        if self.index_at >= index.entries_end {
            return None;
        }
        let named_at = index.offset_of(self.index_at);
        match self.next_framed() {
            Ok((offset, framed)) => Some(Block::read(offset, &framed)),
            Err(kind) => {
                // The index is what was written, by its checksum, and wrong all the same: not to be followed further.
                self.index_at = index.entries_end;
                Some(Err(TableError { offset: named_at, kind }))
            }
        }
    }

    /// The next block as it is in the file: behind the last one and before the index.
    fn next_framed(&mut self) -> Result<(u64, Bytes), TableErrorKind> {
        let index = &self.table.index;
        let parts = index.parts(self.index_at).ok_or(TableErrorKind::Entry)?;
        self.index_at = parts.value.end;
        let handle = index.contents.get(parts.value).and_then(Handle::read).ok_or(TableErrorKind::Handle)?;
        let framed = handle.framed(&self.table.file, self.blocks_end..index.offset)?;
        self.blocks_end = handle.end();
        Ok((handle.offset, framed))
    }

    /// The next entry of `block`, which has one.
    fn next_entry(&mut self, block: &Block) -> Result<Entry, TableErrorKind> {
        crate::meter::field();
        let parts = block.parts(self.at).ok_or(TableErrorKind::Entry)?;
        let suffix = block.contents.get(parts.suffix).ok_or(TableErrorKind::Entry)?;
        let key = match self.key.as_mut() {
            None if parts.shared == 0 => self.key.insert(suffix.to_vec()),
            Some(last) if parts.shared <= last.len() && (self.at != 0 || parts.shared == 0) => {
                // What is shared is equal, so the rest decides.
                if last.get(parts.shared..).is_none_or(|rest| suffix <= rest) {
                    return Err(TableErrorKind::KeyOrder);
                }
                last.truncate(parts.shared);
                last.extend_from_slice(suffix);
                last
            }
            _ => return Err(TableErrorKind::Entry),
        };
        let overhead = if block.compressed { COMPRESSED_OVERHEAD } else { KEY_OVERHEAD };
        self.key_bytes = self.key_bytes.saturating_add(wide(key.len())).saturating_add(overhead);
        if self.key_bytes > self.key_budget {
            return Err(TableErrorKind::Keys(self.key_budget));
        }
        self.at = parts.value.end;
        let value_offset = (!block.compressed).then(|| block.offset_of(parts.value.start));
        Ok(Entry { key: key.clone(), value: block.contents.slice(parts.value), block: block.offset, value_offset })
    }
}

impl Iterator for Entries<'_> {
    type Item = Result<Entry, TableError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let block = match self.block.take() {
                Some(block) => block,
                None => match self.next_block()? {
                    Ok(block) => {
                        self.at = 0;
                        block
                    }
                    Err(error) => return Some(Err(error)),
                },
            };
            if self.at >= block.entries_end {
                continue;
            }
            let offset = block.offset_of(self.at);
            match self.next_entry(&block) {
                Ok(entry) => {
                    self.block = Some(block);
                    return Some(Ok(entry));
                }
                Err(kind) => {
                    if matches!(kind, TableErrorKind::Keys(_)) {
                        self.index_at = self.table.index.entries_end;
                    }
                    return Some(Err(TableError { offset, kind }));
                }
            }
        }
    }
}

/// Where a block is: its offset in the file and its size without the trailer.
#[derive(Debug, Clone, Copy)]
struct Handle {
    offset: u64,
    size: u64,
}

impl Handle {
    /// The handle at the start of `bytes`.
    fn read(bytes: &[u8]) -> Option<Self> {
        Self::read_with_rest(bytes).map(|(handle, _)| handle)
    }

    fn read_with_rest(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (offset, length) = wire::varint(bytes)?;
        let bytes = bytes.get(length..)?;
        let (size, length) = wire::varint(bytes)?;
        Some((Self { offset, size }, bytes.get(length..)?))
    }

    /// The end of the block and its trailer; the largest number where it is beyond all numbers.
    fn end(self) -> u64 {
        self.offset.saturating_add(self.size).saturating_add(TRAILER_BYTES)
    }

    /// The block and its trailer, which have to lie in the `allowed` part of the file.
    fn framed(self, file: &Bytes, allowed: Range<u64>) -> Result<Bytes, TableErrorKind> {
        let range = to_usize(self.offset)
            .zip(to_usize(self.end()))
            .map(|(start, end)| start..end)
            .filter(|range| self.offset >= allowed.start && self.end() <= allowed.end && range.end <= file.len());
        match range {
            Some(range) => Ok(file.slice(range)),
            None => Err(TableErrorKind::Place { allowed, start: self.offset, size: self.size }),
        }
    }
}

/// A block, checked and decompressed.
#[derive(Debug, Clone)]
struct Block {
    /// Entries, then the restart array.
    contents: Bytes,
    entries_end: usize,
    /// Where it is in the file.
    offset: u64,
    compressed: bool,
}

/// Where the parts of an entry are in its block.
struct Parts {
    /// How many bytes its key shares with the key before it.
    shared: usize,
    /// The rest of the key.
    suffix: Range<usize>,
    value: Range<usize>,
}

impl Block {
    /// Reads a block from its bytes in the file, which start at `offset` and end with the trailer.
    fn read(offset: u64, framed: &Bytes) -> Result<Self, TableError> {
        let damaged = |kind| TableError { offset, kind };
        let parts =
            framed.split_last_chunk::<4>().and_then(|(checked, crc)| Some((checked, crc, checked.split_last()?)));
        let (checked, crc, (&compression, stored_contents)) = parts.ok_or(damaged(TableErrorKind::Entry))?;
        let (stored, computed) = (u32::from_le_bytes(*crc), mask(crc32c::crc32c(checked)));
        if stored != computed {
            return Err(damaged(TableErrorKind::Checksum { stored, computed }));
        }
        let contents = match compression {
            0 => framed.slice(..stored_contents.len()),
            1 => unsnap(stored_contents).map_err(damaged)?,
            other => return Err(damaged(TableErrorKind::Compression(other))),
        };
        let entries_end = entries_end(&contents).ok_or(damaged(TableErrorKind::Restarts(contents.len())))?;
        Ok(Self { contents, entries_end, offset, compressed: compression != 0 })
    }

    /// The entry at a byte of the block; `None` where its lengths go beyond the entries.
    fn parts(&self, mut at: usize) -> Option<Parts> {
        let entries = self.contents.get(..self.entries_end)?;
        let mut length = || {
            let (value, length) = wire::varint(entries.get(at..)?)?;
            at = at.checked_add(length)?;
            to_usize(value)
        };
        let (shared, suffix, value) = (length()?, length()?, length()?);
        let suffix = at..at.checked_add(suffix)?;
        let value = suffix.end..suffix.end.checked_add(value)?;
        (value.end <= entries.len()).then_some(Parts { shared, suffix, value })
    }

    /// The file offset of a byte of the block, or of the block where the file has it compressed.
    fn offset_of(&self, at: usize) -> u64 {
        if self.compressed { self.offset } else { self.offset.saturating_add(wide(at)) }
    }
}

/// Decompresses a block, unless it claims to be larger than snappy could make it.
fn unsnap(compressed: &[u8]) -> Result<Bytes, TableErrorKind> {
    let malformed = |error: snap::Error| TableErrorKind::Snappy(error.to_string());
    let claimed = wide(snap::raw::decompress_len(compressed).map_err(malformed)?);
    let length = wide(compressed.len());
    if claimed > length.saturating_mul(SNAPPY_MAX_EXPANSION) {
        return Err(TableErrorKind::SnappyLength { compressed: length, claimed });
    }
    snap::raw::Decoder::new().decompress_vec(compressed).map(Bytes::from).map_err(malformed)
}

/// Where the entries of a block end and the restart array starts: an array of 4-byte offsets, then their number. The
/// offsets serve lookups and are not used here.
fn entries_end(contents: &[u8]) -> Option<usize> {
    let (rest, count) = contents.split_last_chunk::<4>()?;
    let array = to_usize(u64::from(u32::from_le_bytes(*count)).checked_mul(4)?)?;
    rest.len().checked_sub(array)
}

/// A CRC32C as tables and bundles store it (`tensorflow/core/lib/hash/crc32c.h`): a checksum of data that has
/// checksums in it would be weak.
#[must_use]
pub fn mask(crc: u32) -> u32 {
    crc.rotate_right(15).wrapping_add(0xa282_ead8)
}

/// A length as the number of bytes that it is.
fn wide(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

fn to_usize(value: u64) -> Option<usize> {
    usize::try_from(value).ok()
}

#[cfg(test)]
mod tests;
