//! What of a result is held against the model while the rest of it is still written: tensors, each as soon as its bytes are on
//! the disk. Read back then, they need not come from there.
//!
//! This spares the proof nothing but a second reading. The index is the one that was written, read back; a tensor's bytes are
//! those of the file, and they are held against the model's and against the checksum at once. What was not held, or is in a file
//! that was written to afterwards, is held when all is written. A difference is not said here: it is found again there.

use std::collections::BTreeMap;
use std::fs::{File, Metadata};
use std::io::{self, Read as _, Seek as _};
use std::ops::Range;
use std::path::Path;
use std::time::SystemTime;

use bytes::Bytes;
use crc32c::crc32c_append;
use prost::Message as _;

use super::Kept;
use super::tensors::{Pairs, place};
use crate::checkpoint::Checked;
use crate::checkpoint::layout::{INDEX, shard_path};
use crate::checkpoint::table::mask;
use crate::dtype;
use crate::input::{Model, Source};
use crate::proto::BundleEntryProto;

/// So much is read at a time, in bytes: what is still in the processor's cache when it is looked at the second time.
const STEP: usize = 256 << 10;

/// What was held against a model, and of which files that is true.
#[derive(Debug, Default)]
pub struct Held {
    /// The index as it was read back.
    index: Bytes,
    /// Which of its entries have the bytes that they had.
    tensors: Vec<bool>,
    checked: Checked,
    shards: BTreeMap<String, Stamp>,
}

/// By what a file is known that was not written to since.
type Stamp = (u64, Option<SystemTime>);

impl Held {
    /// Whether all of it is true of the files of a result.
    pub(super) fn is_of(&self, new: &Model) -> bool {
        let is_same = |(name, stamp): (&String, &Stamp)| {
            new.file(name).is_some_and(|file| stamp.1.is_some() && (file.bytes, file.modified()) == *stamp)
        };
        let index = new.file(INDEX).and_then(|index| index.contents().ok());
        index.is_some_and(|index| index == self.index) && self.shards.iter().all(is_same)
    }

    /// Whether the entry at this position of the index has the bytes that it had.
    pub(super) fn has(&self, position: usize) -> bool {
        self.tensors.get(position).copied().unwrap_or_default()
    }

    /// The data that has its checksum.
    pub(super) fn checked(&self) -> &Checked {
        &self.checked
    }
}

/// A tensor of a shard that is written, and where it was.
#[derive(Debug)]
struct Pair {
    position: usize,
    from: (u32, Range<u64>),
    to: Range<u64>,
    /// The masked CRC32C of its bytes, unless that is of another form of them.
    crc32c: Option<u32>,
}

/// A result that is being written.
#[derive(Debug)]
pub(in crate::slim) struct Meanwhile<'m> {
    old: &'m Model,
    /// How many shards both have, and those of the model that were opened.
    count: u32,
    opened: BTreeMap<u32, Option<Source>>,
    /// By the shard's name: its number, its tensors in the order of their places, and how many of them were looked at.
    waiting: BTreeMap<String, (u32, Vec<Pair>, usize)>,
    buffer: Vec<u8>,
    held: Held,
}

impl<'m> Meanwhile<'m> {
    /// Of a directory in which the index is written. `None` where nothing can be held yet; why is said when all is written.
    pub(in crate::slim) fn of(old: &'m Model, directory: &Path, kept: &Kept) -> Option<Self> {
        let index = Bytes::from(std::fs::read(directory.join(INDEX)).ok()?);
        let Pairs { before, after, count } =
            Pairs::of(old.file(INDEX)?.contents().ok()?, index.clone(), kept.promise).ok()?;
        let mut waiting: BTreeMap<String, (u32, Vec<Pair>, usize)> = BTreeMap::new();
        for (position, (before, after)) in before.iter().zip(&after).enumerate() {
            let (Some(from), Some((number, to))) = (place(&before.value), place(&after.value)) else { continue };
            let same_length = from.1.end.checked_sub(from.1.start) == to.end.checked_sub(to.start);
            if before.key != after.key || !same_length || to.is_empty() {
                continue;
            }
            let Ok(entry) = BundleEntryProto::decode(after.value.clone()) else { continue };
            let crc32c = dtype::element_bytes(entry.dtype).map(|_| entry.crc32c);
            let of_shard = waiting.entry(shard_path(number, count)).or_insert_with(|| (number, Vec::new(), 0));
            of_shard.1.push(Pair { position, from, to, crc32c });
        }
        waiting.values_mut().for_each(|(_, pairs, _)| pairs.sort_by_key(|pair| (pair.to.start, pair.to.end)));
        let held = Held { index, tensors: vec![false; after.len()], ..Held::default() };
        Some(Self { old, count, opened: BTreeMap::new(), waiting, buffer: vec![0; STEP], held })
    }

    /// The file of this name is at `path` and on the disk up to this byte, and has no more bytes if it is `whole`.
    pub(in crate::slim) fn written(&mut self, path: &Path, name: &str, up_to: u64, whole: bool) {
        // What cannot be read now is read again in the end, and said then.
        let _ = self.hold(path, name, up_to, whole);
    }

    fn hold(&mut self, path: &Path, name: &str, up_to: u64, whole: bool) -> io::Result<()> {
        let Some((number, pairs, mut next)) = self.waiting.remove(name) else { return Ok(()) };
        let mut file = File::open(path)?;
        while let Some(pair) = pairs.get(next).filter(|pair| pair.to.end <= up_to) {
            next = next.saturating_add(1);
            let Some(crc32c) = self.crc_of_same(pair, &mut file)? else { continue };
            if let Some(held) = self.held.tensors.get_mut(pair.position) {
                *held = pair.crc32c.is_none_or(|expected| expected == crc32c);
            }
            if pair.crc32c == Some(crc32c) {
                self.held.checked.insert(number, pair.to.clone(), crc32c);
            }
        }
        if whole {
            self.held.shards.insert(name.to_owned(), stamp(&file.metadata()?));
        } else {
            self.waiting.insert(name.to_owned(), (number, pairs, next));
        }
        Ok(())
    }

    /// The masked CRC32C of a tensor's bytes, if they are those that the model has for it.
    fn crc_of_same(&mut self, pair: &Pair, file: &mut File) -> io::Result<Option<u32>> {
        let (shard, from) = &pair.from;
        let (old, count) = (self.old, self.count);
        let source = self.opened.entry(*shard).or_insert_with(|| old.file(&shard_path(*shard, count))?.open().ok());
        let Some(source) = source else { return Ok(None) };
        let (mut crc, mut at) = (0, from.start);
        file.seek(io::SeekFrom::Start(pair.to.start))?;
        while at < from.end {
            let end = at.saturating_add(STEP as u64).min(from.end);
            let length = usize::try_from(end.saturating_sub(at)).unwrap_or_default();
            let Some(read) = self.buffer.get_mut(..length) else { return Ok(None) };
            file.read_exact(read)?;
            if source.read(at..end).ok().flatten().is_none_or(|before| before != *read) {
                return Ok(None);
            }
            crc = crc32c_append(crc, read);
            at = end;
        }
        Ok(Some(mask(crc)))
    }

    /// What was held.
    pub(in crate::slim) fn end(self) -> Held {
        self.held
    }
}

fn stamp(metadata: &Metadata) -> Stamp {
    (metadata.len(), metadata.modified().ok())
}
