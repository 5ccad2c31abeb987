//! Writes LevelDB-format tables for tests, whole ones and, piece by piece, broken ones.
//!
//! Written after LevelDB's `doc/table_format.md` and not with the reader's code, so that the two check each other.

#![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::unwrap_used)]
#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]

use super::wire::varint;

pub const MAGIC: [u8; 8] = [0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb];
pub const PLAIN: u8 = 0;
pub const SNAPPY: u8 = 1;

/// A table of the entries given, in the order given.
pub struct TableBuilder {
    entries: Vec<(Vec<u8>, Vec<u8>)>,
    block_entries: usize,
    restart_interval: usize,
    compression: u8,
}

impl TableBuilder {
    pub fn new() -> Self {
        Self { entries: Vec::new(), block_entries: usize::MAX, restart_interval: 16, compression: PLAIN }
    }

    /// Starts a data block after so many entries.
    pub fn block_entries(mut self, entries: usize) -> Self {
        self.block_entries = entries;
        self
    }

    /// Writes a key in full after so many entries.
    pub fn restart_interval(mut self, entries: usize) -> Self {
        self.restart_interval = entries;
        self
    }

    /// Compresses every block.
    pub fn snappy(mut self) -> Self {
        self.compression = SNAPPY;
        self
    }

    pub fn entry(mut self, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) -> Self {
        self.entries.push((key.into(), value.into()));
        self
    }

    pub fn build(self) -> Vec<u8> {
        let mut file = Vec::new();
        let mut index = Vec::new();
        for entries in self.entries.chunks(self.block_entries) {
            let handle = append_block(&mut file, &block(entries, self.restart_interval), self.compression);
            index.push((entries.last().unwrap().0.clone(), handle));
        }
        let metaindex = append_block(&mut file, &block(&[], 1), PLAIN);
        let index = append_block(&mut file, &block(&index, 1), self.compression);
        file.extend(footer(&metaindex, &index));
        file
    }
}

/// A table with one plain data block of these contents: whatever they are, all around them is right.
pub fn table_of_block(contents: &[u8], compression: u8) -> Vec<u8> {
    let mut file = Vec::new();
    let handle = append_stored(&mut file, contents, compression);
    finish(file, &[(b"z".to_vec(), handle)])
}

/// Closes a file of data blocks with an index of these entries and a footer.
pub fn finish(mut file: Vec<u8>, index: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let index = append_block(&mut file, &block(index, 1), PLAIN);
    file.extend(footer(&handle(0, 0), &index));
    file
}

/// The contents of a block: its entries, then the restart array.
pub fn block(entries: &[(Vec<u8>, Vec<u8>)], restart_interval: usize) -> Vec<u8> {
    let mut contents = Vec::new();
    let mut restarts = Vec::new();
    let mut last: &[u8] = &[];
    for (number, (key, value)) in entries.iter().enumerate() {
        let shared = if number % restart_interval == 0 {
            restarts.push(contents.len() as u32);
            0
        } else {
            key.iter().zip(last).take_while(|(a, b)| a == b).count()
        };
        contents.extend(entry(shared, &key[shared..], value));
        last = key;
    }
    if restarts.is_empty() {
        restarts.push(0);
    }
    contents.extend(restarts.iter().flat_map(|r| r.to_le_bytes()));
    contents.extend((restarts.len() as u32).to_le_bytes());
    contents
}

/// One entry of a block.
pub fn entry(shared: usize, suffix: &[u8], value: &[u8]) -> Vec<u8> {
    let lengths = [shared, suffix.len(), value.len()].into_iter().flat_map(|n| varint(n as u64));
    lengths.chain(suffix.iter().copied()).chain(value.iter().copied()).collect()
}

/// Appends a block, compressed if asked, with its trailer; returns its handle.
pub fn append_block(file: &mut Vec<u8>, contents: &[u8], compression: u8) -> Vec<u8> {
    match compression {
        SNAPPY => append_stored(file, &snap::raw::Encoder::new().compress_vec(contents).unwrap(), SNAPPY),
        other => append_stored(file, contents, other),
    }
}

/// Appends bytes as they are as a block of this compression type.
pub fn append_stored(file: &mut Vec<u8>, stored: &[u8], compression: u8) -> Vec<u8> {
    let handle = handle(file.len() as u64, stored.len() as u64);
    file.extend(stored);
    file.push(compression);
    let crc = crc32c::crc32c_append(crc32c::crc32c(stored), &[compression]);
    file.extend(masked(crc).to_le_bytes());
    handle
}

/// A footer: two handles, padding, the magic number.
pub fn footer(metaindex: &[u8], index: &[u8]) -> Vec<u8> {
    let mut footer = [metaindex, index].concat();
    footer.resize(40, 0);
    footer.extend(MAGIC);
    footer
}

pub fn handle(offset: u64, size: u64) -> Vec<u8> {
    [varint(offset), varint(size)].concat()
}

pub fn masked(crc: u32) -> u32 {
    crc.rotate_right(15).wrapping_add(0xa282_ead8)
}

/// The key of a slice of a partitioned variable, in TensorFlow's OrderedCode; an extent is (start, length), the whole
/// dimension (0, -1).
pub fn slice_key(name: impl AsRef<[u8]>, extents: &[(i64, i64)]) -> Vec<u8> {
    let mut key = vec![0];
    for &byte in name.as_ref() {
        match byte {
            0 => key.extend([0, 0xff]),
            0xff => key.extend([0xff, 0]),
            other => key.push(other),
        }
    }
    key.extend([0, 1]);
    match extents.len() as u8 {
        0 => key.push(0),
        rank => key.extend([1, rank]),
    }
    for &(start, length) in extents {
        key.extend(ordered_signed(start));
        key.extend(ordered_signed(length));
    }
    key
}

/// A signed number so that the bytes sort as the numbers do: as many leading ones as there are bytes, then the bits;
/// all of it inverted for negative numbers.
fn ordered_signed(value: i64) -> Vec<u8> {
    let magnitude = if value < 0 { !value } else { value } as u128;
    let length = (1..=10).find(|&n| magnitude < 1 << (7 * n - 1)).unwrap();
    let bits: u32 = 8 * length;
    let header = ((1_u128 << length) - 1) << (bits - length);
    let bytes = (header | magnitude).to_be_bytes();
    let sign = if value < 0 { 0xff } else { 0 };
    bytes[16 - length as usize..].iter().map(|b| b ^ sign).collect()
}

/// A tensor of strings as a bundle stores it.
pub fn string_tensor(strings: &[&[u8]]) -> Vec<u8> {
    let lengths: Vec<u8> = strings.iter().flat_map(|s| varint(s.len() as u64)).collect();
    let words: Vec<u8> = strings.iter().flat_map(|s| (s.len() as u32).to_le_bytes()).collect();
    [lengths, masked(crc32c::crc32c(&words)).to_le_bytes().to_vec(), strings.concat()].concat()
}
