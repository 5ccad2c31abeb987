//! Riegeli/records files, and chunked models written as such: a writer apart from the reader, which only has to write
//! what a test wants.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use highway::{HighwayHash as _, HighwayHasher, Key};

use super::wire::{Message, message, varint};

const BLOCK: usize = 1 << 16;

/// A file under construction.
#[derive(Debug, Clone, Default)]
pub struct Riegeli {
    /// The file, block headers included.
    pub file: Vec<u8>,
    /// Where each record is.
    pub positions: Vec<u64>,
    /// The block headers that are to be filled in when the chunk that they interrupt is at its end: where the chunk
    /// begins, where the block does.
    open: Vec<(usize, usize)>,
}

fn hash(bytes: &[u8]) -> [u8; 8] {
    let key = Key([0x2f696c6567656952, 0x0a7364726f636572, 0x2f696c6567656952, 0x0a7364726f636572]);
    HighwayHasher::new(key).hash64(bytes).to_le_bytes()
}

/// How a chunk's buffers are stored: nothing, or a letter and what makes one.
pub type Compression = (u8, fn(&[u8]) -> Vec<u8>);

pub const PLAIN: Compression = (0, <[u8]>::to_vec);

/// A raw snappy block behind its decoded size.
pub const SNAPPY: Compression =
    (b's', |bytes| prefixed(bytes, &snap::raw::Encoder::new().compress_vec(bytes).unwrap()));

/// A Zstandard frame behind its decoded size.
pub const ZSTD: Compression = (b'z', |bytes| {
    let level = ruzstd::encoding::CompressionLevel::Fastest;
    prefixed(bytes, &ruzstd::encoding::compress_to_vec(bytes, level))
});

/// A brotli stream that compresses nothing, behind its decoded size: meta-blocks of up to 64 KiB that are stored as they
/// are, and an empty one (RFC 7932, section 9.2).
pub const BROTLI: Compression = (b'b', |bytes| {
    let mut stream = Vec::new();
    // A window of 16 bits is one bit of zero; it goes with the first meta-block's header.
    let mut bits = 0_u64;
    let mut count = 1;
    for part in bytes.chunks(BLOCK) {
        // Not the last; four nibbles of length; stored.
        bits |= ((part.len() as u64 - 1) << 3 | 1 << 19) << count;
        count += 20;
        stream.extend(&bits.to_le_bytes()[..usize::div_ceil(count, 8)]);
        stream.extend(part);
        (bits, count) = (0, 0);
    }
    // The last, and empty.
    stream.push((bits | 3 << count) as u8);
    prefixed(bytes, &stream)
});

fn prefixed(bytes: &[u8], packed: &[u8]) -> Vec<u8> {
    [&*varint(bytes.len() as u64), packed].concat()
}

/// A file with its signature.
pub fn riegeli() -> Riegeli {
    Riegeli::default().chunk(b's', 0, 0, &[])
}

impl Riegeli {
    /// A simple chunk of records.
    pub fn records(mut self, (letter, pack): Compression, records: &[&[u8]]) -> Self {
        let sizes: Vec<u8> = records.iter().flat_map(|record| varint(record.len() as u64)).collect();
        let (values, sizes) = (records.concat(), pack(&sizes));
        let data = [&[letter], &*varint(sizes.len() as u64), &sizes, &pack(&values)].concat();
        let begin = self.file.len() as u64;
        self.positions.extend((0..records.len() as u64).map(|number| begin + number));
        self.chunk(b'r', records.len() as u64, values.len() as u64, &data)
    }

    /// A chunk of any kind.
    pub fn chunk(mut self, kind: u8, records: u64, decoded: u64, data: &[u8]) -> Self {
        let begin = self.file.len();
        let numbers = [data.len() as u64, u64::from_le_bytes(hash(data)), u64::from(kind) | records << 8, decoded];
        let header: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        for byte in hash(&header).iter().chain(&header).chain(data) {
            self.push(begin, *byte);
        }
        while self.file.len() < begin + records as usize || (1..=24).contains(&(self.file.len() % BLOCK)) {
            self.push(begin, 0);
        }
        let end = self.file.len();
        for (begin, block) in std::mem::take(&mut self.open) {
            let numbers = [(block - begin) as u64, (end - block) as u64];
            let fields: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
            self.file[block..block + 24].copy_from_slice(&[&hash(&fields), &*fields].concat());
        }
        self
    }

    fn push(&mut self, begin: usize, byte: u8) {
        if self.file.len().is_multiple_of(BLOCK) {
            self.open.push((begin, self.file.len()));
            self.file.resize(self.file.len() + 24, 0);
        }
        self.file.push(byte);
    }
}

/// A file of one block with right checksums of all chunks behind the signature, as far as these are told apart.
pub fn with_right_checksums(mut file: Vec<u8>) -> Vec<u8> {
    let mut at = 64;
    while let Some(chunk) = file.get_mut(at..).filter(|chunk| chunk.len() >= 40) {
        let size = u64::from_le_bytes(chunk[8..16].try_into().unwrap());
        let Some(data) = usize::try_from(size).ok().and_then(|size| chunk[40..].get(..size)) else { break };
        let (end, data) = (at + 40 + data.len(), hash(data));
        chunk[16..24].copy_from_slice(&data);
        let header = hash(&chunk[8..40]);
        chunk[..8].copy_from_slice(&header);
        at = end;
    }
    file
}

/// The data of a transposed chunk, part by part. Nothing of it has to fit together.
#[derive(Debug, Clone)]
pub struct Transposed {
    pub compression: Compression,
    /// What the buckets decode to.
    pub buckets: Vec<Vec<u8>>,
    /// How long the buffers in them are.
    pub buffers: Vec<u64>,
    pub states: Vec<State>,
    pub first: u64,
    pub transitions: Vec<u8>,
}

/// A state of a transposed chunk: its tag and the state that follows it, and a subtype and a buffer if it has them.
#[derive(Debug, Clone, Copy)]
pub struct State {
    pub tag: u64,
    pub next: u64,
    pub subtype: Option<u8>,
    pub buffer: Option<u64>,
}

/// The bytes of the record of `Transposed::of_every_kind`.
pub const EVERY_KIND: u64 = 31;

impl Transposed {
    /// A chunk without transitions, whose states follow one another and read from buffers in buckets of their own.
    pub fn in_a_row(compression: Compression, buffers: &[&[u8]], states: &[(u64, Option<u8>, Option<u64>)]) -> Self {
        let count = states.len() as u64;
        let state = |(&(tag, subtype, buffer), at): (&_, u64)| {
            // From the number of states on, a state is one that follows without a transition.
            let next = if at + 1 < count { count + at + 1 } else { 0 };
            State { tag, next, subtype, buffer }
        };
        Self {
            compression,
            buckets: buffers.iter().map(|buffer| buffer.to_vec()).collect(),
            buffers: buffers.iter().map(|buffer| buffer.len() as u64).collect(),
            states: states.iter().zip(0..).map(state).collect(),
            first: 0,
            transitions: Vec::new(),
        }
    }

    /// One record, a SavedModel with an unknown field of each kind in a metagraph, of `EVERY_KIND` bytes.
    pub fn of_every_kind(compression: Compression) -> Self {
        let buffers: [&[u8]; 4] = [&[0x16, 0x02], &[1, 2, 3, 4], &[1, 2, 3, 4, 5, 6, 7, 8], b"\x04text"];
        let tag = |number: u64, wire_type: u64| number << 3 | wire_type;
        Self::in_a_row(
            compression,
            &buffers,
            &[
                (tag(2, 6), None, None),
                (0, None, None),
                (tag(1000, 4), None, None),
                (tag(14, 5), None, Some(1)),
                (tag(1000, 3), None, None),
                (tag(13, 0), Some(1), Some(0)),
                (tag(12, 1), None, Some(2)),
                (tag(11, 2), None, Some(3)),
                (2, None, None),
                (tag(1, 0), Some(11), None),
                (3, None, None),
            ],
        )
    }

    pub fn data(&self) -> Vec<u8> {
        let (letter, pack) = self.compression;
        let header = pack(&self.header());
        let buckets: Vec<u8> = self.buckets.iter().flat_map(|bucket| pack(bucket)).collect();
        [&[letter], &*varint(header.len() as u64), &header, &buckets, &pack(&self.transitions)].concat()
    }

    /// The header, not compressed.
    pub fn header(&self) -> Vec<u8> {
        let bucket_length = |bucket: &Vec<u8>| (self.compression.1)(bucket).len() as u64;
        let varints = |numbers: &mut dyn Iterator<Item = u64>| numbers.flat_map(varint).collect::<Vec<u8>>();
        let counts = [self.buckets.len() as u64, self.buffers.len() as u64];
        [
            varints(&mut counts.into_iter()),
            varints(&mut self.buckets.iter().map(bucket_length)),
            varints(&mut self.buffers.iter().copied()),
            varint(self.states.len() as u64),
            varints(&mut self.states.iter().map(|state| state.tag)),
            varints(&mut self.states.iter().map(|state| state.next)),
            self.states.iter().filter_map(|state| state.subtype).collect(),
            varints(&mut self.states.iter().filter_map(|state| state.buffer)),
            varint(self.first),
        ]
        .concat()
    }
}

/// A chunk of a model: what it is, and the way to the field that it fills, outermost first; the first chunk's is empty.
#[derive(Debug, Clone)]
pub struct Chunk {
    pub is_message: bool,
    pub bytes: Vec<u8>,
    pub way: Vec<Step>,
}

/// A step on the way to a field.
#[derive(Debug, Clone, Copy)]
pub enum Step {
    Field(u64),
    Index(u64),
    Key(&'static str),
}

/// A chunk that is a message, or more of one.
pub fn part(way: &[Step], bytes: &Message) -> Chunk {
    Chunk { is_message: true, bytes: bytes.0.clone(), way: way.to_vec() }
}

/// A chunk that is the value of a field of bytes.
pub fn value(way: &[Step], bytes: &[u8]) -> Chunk {
    Chunk { is_message: false, bytes: bytes.to_vec(), way: way.to_vec() }
}

/// The ChunkMetadata of these chunks, whose records are at `positions`. The first is what the others go into.
pub fn metadata(chunks: &[Chunk], positions: &[u64]) -> Message {
    let infos = chunks.iter().zip(positions).fold(message(), |metadata, (chunk, position)| {
        let kind = if chunk.is_message { 1 } else { 2 };
        metadata.message(2, &message().int(1, kind).int(2, chunk.bytes.len() as u64).int(3, *position))
    });
    let fields = chunks.iter().zip(0..).skip(1);
    let fields =
        fields.fold(message().int(1, 0), |model, (chunk, index)| model.message(2, &chunked_field(&chunk.way, index)));
    infos.message(3, &fields)
}

/// The ChunkedField that puts a chunk where a way leads.
pub fn chunked_field(way: &[Step], index: u64) -> Message {
    field_tag(way).message(3, &message().int(1, index))
}

/// A ChunkedField with nothing but the way.
pub fn field_tag(way: &[Step]) -> Message {
    way.iter().fold(message(), |field, step| {
        field.message(
            1,
            &match step {
                Step::Field(number) => message().int(1, *number),
                Step::Index(index) => message().int(3, *index),
                Step::Key(key) => message().message(2, &message().bytes(1, key)),
            },
        )
    })
}

/// A `saved_model.cpb` with each chunk in a Riegeli chunk of its own, as TensorFlow writes them.
pub fn chunked(compression: Compression, chunks: &[Chunk]) -> Vec<u8> {
    let file = chunks.iter().fold(riegeli(), |file, chunk| file.records(compression, &[&chunk.bytes]));
    let metadata = metadata(chunks, &file.positions);
    file.records(compression, &[&metadata.0]).file
}
