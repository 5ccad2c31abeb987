//! A Riegeli/records file: chunks of records, with a header every 64 KiB that is no part of them.
//!
//! The format: `doc/riegeli_records_file_format.md` of <https://github.com/google/riegeli>. Block headers are in the midst of
//! chunks wherever a block begins, so chunks are read by the numbers that their bytes have without these headers;
//! `place` says where in the file a number is.

use std::ops::Range;

use bytes::Bytes;
use highway::{HighwayHash as _, HighwayHasher, Key};

use super::contents::Contents;
use super::unpack::Allowance;
use super::{simple, transposed};
use crate::input::Limits;
use crate::problem::{Problem, Problems};
use crate::wire::{Block, Place};

const BLOCK: u64 = 1 << 16;
const BLOCK_HEADER: u64 = 24;
const USABLE: u64 = BLOCK - BLOCK_HEADER;
const CHUNK_HEADER: u64 = 40;

/// `Riegeli/records\n`, twice.
const KEY: [u64; 4] = [0x2f69_6c65_6765_6952, 0x0a73_6472_6f63_6572, 0x2f69_6c65_6765_6952, 0x0a73_6472_6f63_6572];

/// Types of chunks. That of a signature is the first of every file.
const SIGNATURE: u8 = b's';
const METADATA: u8 = b'm';
const PADDING: u8 = b'p';
const SIMPLE: u8 = b'r';
const TRANSPOSED: u8 = b't';

/// The most records that are told apart: an empty one takes next to nothing, and a model has a few for each GiB.
const MAX_RECORDS: u64 = 1 << 20;

/// The records of a file.
#[derive(Debug, Default)]
pub(super) struct Records {
    /// The bytes of the file.
    pub(super) file_size: usize,
    /// What the records of each chunk take and decode to.
    pub(super) blocks: Vec<Block>,
    /// The decoded bytes of each block.
    values: Vec<Bytes>,
    /// By position: where the chunk begins, plus the number of the record in it.
    records: Vec<(u64, Record)>,
    /// Where in the file there may be records that are not known, in order.
    lost: Vec<Range<u64>>,
}

/// A record.
#[derive(Debug, Clone)]
pub(super) struct Record {
    pub(super) block: usize,
    /// Its bytes among those that the block decodes to.
    pub(super) range: Range<usize>,
}

impl Records {
    /// The record at a position, with its number. Behind the last record of a chunk that is the first one of the next, as
    /// it is for Riegeli's reader; `None` where a record that is not known may be the one.
    pub(super) fn find(&self, position: u64) -> Option<(usize, &Record)> {
        let number = self.records.partition_point(|(found, _)| *found < position);
        let (found, record) = self.records.get(number)?;
        let behind = self.lost.partition_point(|lost| lost.end <= position);
        let is_known = *found == position || self.lost.get(behind).is_none_or(|lost| lost.start >= *found);
        is_known.then_some((number, record))
    }

    pub(super) fn last(&self) -> Option<(u64, &Record)> {
        self.records.last().map(|(position, record)| (*position, record))
    }

    /// All records, by their positions.
    pub(super) fn all(&self) -> impl Iterator<Item = (u64, Bytes)> {
        self.records.iter().map(|(position, record)| (*position, self.bytes(record.block, &record.range)))
    }

    /// All decoded bytes of a block.
    pub(super) fn values(&self, block: usize) -> &Bytes {
        static NONE: Bytes = Bytes::new();
        self.values.get(block).unwrap_or(&NONE)
    }

    /// Where in the file a decoded byte of a block is.
    pub(super) fn place(&self, block: usize, byte: usize) -> u64 {
        self.blocks.get(block).map_or(0, |block| block.place(byte as u64))
    }

    pub(super) fn bytes(&self, block: usize, range: &Range<usize>) -> Bytes {
        let values = self.values(block);
        if range.start <= range.end && range.end <= values.len() { values.slice(range.clone()) } else { Bytes::new() }
    }
}

/// Where in the file the byte is that has this number without block headers.
fn place(number: u64) -> u64 {
    let (block, into) = (number / USABLE, number % USABLE);
    block.saturating_mul(BLOCK).saturating_add(BLOCK_HEADER).saturating_add(into)
}

/// The number without block headers of the byte at `place`, or of the first behind it that is in no header.
fn number(place: u64) -> u64 {
    let (block, into) = (place / BLOCK, place % BLOCK);
    block.saturating_mul(USABLE).saturating_add(into.saturating_sub(BLOCK_HEADER))
}

/// A place at which a chunk may end: not in a block header, nor just behind one.
fn boundary(place: u64) -> u64 {
    let into = place % BLOCK;
    if (1..=BLOCK_HEADER).contains(&into) {
        place.saturating_sub(into).saturating_add(BLOCK_HEADER).saturating_add(1)
    } else {
        place
    }
}

fn hash(bytes: &[u8]) -> u64 {
    HighwayHasher::new(Key(KEY)).hash64(bytes)
}

fn word(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..)?.first_chunk().copied()?))
}

/// A chunk as its header has it.
struct Chunk {
    /// Where it begins in the file.
    begin: u64,
    data_size: u64,
    data_hash: u64,
    kind: u8,
    records: u64,
    /// The bytes of its records.
    decoded: u64,
    /// Where the next one begins.
    end: u64,
}

/// Reads the records of a file.
pub(super) fn read(name: &str, file: &Bytes, limits: &Limits, problems: &mut Problems) -> Records {
    let allowance = Allowance::new(limits, file.len());
    let records = Records { file_size: file.len(), ..Records::default() };
    let mut reader = Reader { name, file, allowance, problems, records };
    reader.read();
    reader.records
}

struct Reader<'r> {
    name: &'r str,
    file: &'r Bytes,
    allowance: Allowance,
    problems: &'r mut Problems,
    records: Records,
}

impl Reader<'_> {
    fn read(&mut self) {
        let size = self.file.len() as u64;
        let mut at = 0;
        while at < size {
            let Some(chunk) = self.header(at) else {
                let next = self.next_by_block_headers(at).unwrap_or(size);
                self.records.lost.push(at..next);
                at = next;
                continue;
            };
            if at == 0 && chunk.kind != SIGNATURE {
                self.problem(at, "expected the signature of a Riegeli/records file, found another chunk");
            }
            if chunk.end > size {
                let message = format!("expected a chunk up to byte {}, found the end of the file", chunk.end);
                self.problem(at, message);
                self.records.lost.push(at..size);
                return;
            }
            if !self.chunk(&chunk) {
                self.records.lost.push(at..chunk.end);
            }
            at = chunk.end;
        }
    }

    fn problem(&mut self, at: u64, message: impl ToString) {
        self.problems.push(Problem::at(self.name, at, message));
    }

    /// The bytes of a chunk without the block headers in it: of the file, or of a copy where there are any.
    fn bytes(&self, numbers: Range<u64>) -> Option<Bytes> {
        if numbers.is_empty() {
            return Some(Bytes::new());
        }
        let last = place(numbers.end.checked_sub(1)?);
        if last >= self.file.len() as u64 {
            return None;
        }
        let part = |numbers: Range<u64>| {
            let start = usize::try_from(place(numbers.start)).ok()?;
            let end = start.checked_add(usize::try_from(numbers.end.checked_sub(numbers.start)?).ok()?)?;
            (end <= self.file.len()).then(|| self.file.slice(start..end))
        };
        if numbers.start / USABLE == last_block(&numbers) {
            return part(numbers);
        }
        let mut copy = Vec::new();
        let mut at = numbers.start;
        while at < numbers.end {
            let end = (at / USABLE).saturating_add(1).saturating_mul(USABLE).min(numbers.end);
            copy.extend_from_slice(&part(at..end)?);
            at = end;
        }
        Some(copy.into())
    }

    /// The header of the chunk at `at`, if it is whole.
    fn header(&mut self, at: u64) -> Option<Chunk> {
        let first = number(at);
        let Some(header) = self.bytes(first..first.saturating_add(CHUNK_HEADER)) else {
            self.problem(at, "expected the 40 bytes of a chunk's header, found the end of the file");
            return None;
        };
        let chunk = parse(at, &header);
        if chunk.is_none() {
            self.problem(at, "expected the header of a Riegeli chunk, found bytes that its checksum does not fit");
        }
        chunk
    }

    /// Where the next chunk begins behind `at`, from the first block header that is whole.
    fn next_by_block_headers(&self, at: u64) -> Option<u64> {
        let mut block = at / BLOCK * BLOCK;
        loop {
            let start = usize::try_from(block).ok()?;
            let header = self.file.get(start..start.checked_add(24)?)?;
            let (fields, next) = (header.get(8..)?, word(header, 16)?);
            let next = block.checked_add(next).filter(|next| *next > at && boundary(*next) == *next);
            if word(header, 0)? == hash(fields)
                && let Some(next) = next
            {
                return Some(next);
            }
            block = block.checked_add(BLOCK)?;
        }
    }

    /// Reads a chunk; false where not all of its records are known.
    fn chunk(&mut self, chunk: &Chunk) -> bool {
        let first = number(chunk.begin).saturating_add(CHUNK_HEADER);
        let Some(data) = self.bytes(first..first.saturating_add(chunk.data_size)) else { return false };
        if hash(&data) != chunk.data_hash {
            self.problem(chunk.begin, "expected a chunk whose data fits its checksum, found other data");
        }
        let said = (chunk.records, chunk.decoded);
        match chunk.kind {
            SIGNATURE | METADATA | PADDING => true,
            SIMPLE | TRANSPOSED if !self.has_room(chunk) => false,
            SIMPLE => {
                let (contents, error) = simple::read(&data, said, &mut self.allowance);
                self.keep(chunk, first, contents, error.map(|error| format!("simple chunk of records: {error}")))
            }
            TRANSPOSED => {
                let (contents, error) = transposed::read(&data, said, &mut self.allowance);
                self.keep(chunk, first, contents, error.map(|error| format!("transposed chunk of records: {error}")))
            }
            other => {
                let message = format!("expected a chunk of type m, p, r, s or t, found one of type {other}");
                self.problem(chunk.begin, message);
                false
            }
        }
    }

    /// Whether the records of a chunk are not too many.
    fn has_room(&mut self, chunk: &Chunk) -> bool {
        let found = chunk.records.saturating_add(self.records.records.len() as u64);
        let has_room = found <= MAX_RECORDS;
        if !has_room {
            self.problem(chunk.begin, format!("expected at most {MAX_RECORDS} records, found {found}"));
        }
        has_room
    }

    /// Keeps the records of a chunk, those that are whole; false where these are not all. `first` is the number of the
    /// data's first byte.
    fn keep(&mut self, chunk: &Chunk, first: u64, contents: Contents, error: Option<String>) -> bool {
        let is_whole = error.is_none();
        if let Some(error) = error {
            self.problem(chunk.begin, format!("expected a {error}"));
        }
        let start = first.saturating_add(contents.stored.start as u64);
        let place = if contents.is_plain { Place::From(start, place) } else { Place::Within(place(start)) };
        let (stored, decoded) = (contents.stored.len() as u64, contents.values.len() as u64);
        let block = self.records.blocks.len();
        self.records.blocks.push(Block { stored, decoded, place });
        self.records.values.push(contents.values);
        let position = |number| chunk.begin.saturating_add(number);
        let records = contents.records.into_iter();
        self.records.records.extend(records.map(|(number, range)| (position(number), Record { block, range })));
        is_whole
    }
}

/// The block that the last of these numbers is in.
fn last_block(numbers: &Range<u64>) -> u64 {
    numbers.end.saturating_sub(1) / USABLE
}

/// Parses the 40 bytes of a chunk's header; `None` where their checksum is another.
fn parse(begin: u64, header: &[u8]) -> Option<Chunk> {
    if word(header, 0)? != hash(header.get(8..)?) {
        return None;
    }
    let (data_size, data_hash) = (word(header, 8)?, word(header, 16)?);
    let (kind_and_records, decoded) = (word(header, 24)?, word(header, 32)?);
    let kind = u8::try_from(kind_and_records & 0xff).ok()?;
    let records = kind_and_records >> 8;
    let last = number(begin).checked_add(CHUNK_HEADER)?.checked_add(data_size)?.checked_sub(1)?;
    let end = place(last).saturating_add(1).max(boundary(begin.saturating_add(records)));
    Some(Chunk { begin, data_size, data_hash, kind, records, decoded, end })
}
