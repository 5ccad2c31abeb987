//! Where payloads are and how their bytes are had: the one place where `duplicates` reads a file.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Range;

use bytes::Bytes;
use foldhash::HashMap;

use super::Place;
use super::payloads::PayloadKind;
use crate::checkpoint::Tensor;
use crate::input::{Compared, Source, Stored, Stretches, Want, compare};

/// How a file is opened by its name; `None` where it cannot be.
pub type Open<'a> = &'a dyn Fn(&str) -> Option<Source>;

/// A payload, not read yet.
#[derive(Debug, Clone)]
pub(super) struct Payload {
    pub(super) kind: PayloadKind,
    pub(super) place: Place,
    /// The file, by its position in [`Sources`].
    pub(super) file: usize,
    /// Where its content is: in the file, and for the main file in the wire format that is read from it.
    pub(super) range: Range<u64>,
    /// What it takes in the file.
    pub(super) taken: Range<u64>,
    /// For numbers written one by one: how wide a tag and a number are.
    pub(super) unpacked: Option<(usize, usize)>,
    /// For a tensor, the masked CRC32C that the index has for it.
    pub(super) crc: Option<IndexCrc>,
    /// Whether it is inside a redundant element, which is counted as a whole.
    pub(super) in_element: bool,
}

/// A CRC32C of the index, and whether it is one of the tensor's bytes as they are in the shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct IndexCrc {
    masked: u32,
    of_bytes: bool,
}

impl IndexCrc {
    pub(super) fn of(tensor: &Tensor) -> Self {
        Self { masked: tensor.crc32c, of_bytes: tensor.crc_is_of_bytes() }
    }
}

impl Payload {
    /// The bytes that it takes in its file.
    pub(super) fn bytes(&self) -> u64 {
        self.taken.end.saturating_sub(self.taken.start)
    }

    /// How long its content is: less than its range where tags stand between the numbers.
    pub(super) fn content_len(&self) -> u64 {
        let length = self.range.end.saturating_sub(self.range.start);
        match self.unpacked {
            Some((tag, width)) => length / (tag + width).max(1) as u64 * width as u64,
            None => length,
        }
    }

    /// The index's CRC32C, whatever it is of.
    pub(super) fn index_crc(&self) -> Option<u32> {
        self.crc.map(|crc| crc.masked)
    }

    /// The index's CRC32C, if it is one of the content.
    pub(super) fn content_crc(&self) -> Option<u32> {
        self.crc.filter(|crc| crc.of_bytes).map(|crc| crc.masked)
    }

    /// Whether the CRC32Cs of both are of the same form of their contents.
    pub(super) fn crc_is_of_form(&self, other: Option<&Self>) -> bool {
        let form = |payload: &Self| payload.crc.is_none_or(|crc| crc.of_bytes);
        other.is_none_or(|other| form(self) == form(other))
    }
}

/// The files that payloads are in. Each is opened when a range of it is first asked for.
pub(super) struct Sources<'a> {
    names: Vec<String>,
    open: Open<'a>,
    opened: RefCell<HashMap<usize, Option<Source>>>,
}

/// Files are let go when more than these are open, as a tree may have thousands and a process may have a thousand. They
/// are opened again when they are asked for again.
const OPEN: usize = 256;

impl<'a> Sources<'a> {
    pub(super) fn new(open: Open<'a>) -> Self {
        Self { names: Vec::new(), open, opened: RefCell::default() }
    }

    /// Adds a file and returns its position.
    pub(super) fn add(&mut self, name: &str) -> usize {
        self.names.push(name.to_owned());
        self.names.len() - 1
    }

    pub(super) fn name(&self, file: usize) -> &str {
        self.names.get(file).map_or("", String::as_str)
    }

    /// The content of a payload, shared with the file rather than copied where the file is mapped or in memory; `None`
    /// where it cannot be read.
    pub(super) fn content(&self, payload: &Payload) -> Option<Stretches> {
        let Some((tag, width)) = payload.unpacked else {
            return self.with(payload.file, |file| file.stretches(payload.range.clone()).ok()?);
        };
        let taken = self.with(payload.file, |file| file.read(payload.range.clone()).ok()?)?;
        let numbers = taken.chunks_exact((tag + width).max(1));
        let content: Bytes = numbers.flat_map(|number| number.get(tag..).unwrap_or_default()).copied().collect();
        Some(content.into())
    }

    /// The first bytes of a payload's content, at most `most` of them where it is read as it is stored.
    pub(super) fn head(&self, payload: &Payload, most: u64) -> Option<Bytes> {
        if payload.unpacked.is_some() {
            return self.content(payload)?.whole().cloned();
        }
        let end = payload.range.end.min(payload.range.start.saturating_add(most));
        self.with(payload.file, |file| file.content(payload.range.start..end).ok()?)
    }

    /// Says that these payloads will be read, so that a store is asked for them together.
    pub(super) fn expect<'p>(&self, payloads: impl Iterator<Item = &'p Payload>, want: Want) {
        self.expect_ranges(payloads.map(|payload| (payload.file, payload.range.clone())), want);
    }

    fn expect_ranges(&self, wanted: impl Iterator<Item = (usize, Range<u64>)>, want: Want) {
        let mut by_file: BTreeMap<usize, Vec<Range<u64>>> = BTreeMap::new();
        for (file, range) in wanted {
            by_file.entry(file).or_default().push(range);
        }
        for (file, ranges) in by_file {
            self.with(file, |file| {
                file.expect(&ranges, want);
                Some(())
            });
        }
    }

    /// Whether a payload would be copied into memory to be read, so that a large one is better read in pieces.
    pub(super) fn is_copied(&self, payload: &Payload) -> bool {
        payload.unpacked.is_none() && self.with(payload.file, |file| Some(file.is_copied())).unwrap_or_default()
    }

    /// A piece of payloads of one length, from the same byte on, as their files have them; the pieces come together.
    pub(super) fn pieces<const N: usize>(&self, payloads: [&Payload; N], at: u64, length: u64) -> Option<[Bytes; N]> {
        let range = |payload: &Payload| {
            let start = payload.range.start.saturating_add(at);
            start..payload.range.end.min(start.saturating_add(length))
        };
        self.expect_ranges(payloads.iter().map(|payload| (payload.file, range(payload))), Want::All);
        let mut pieces = [const { Bytes::new() }; N];
        for (piece, payload) in pieces.iter_mut().zip(payloads) {
            *piece = match payload.unpacked {
                None => self.with(payload.file, |file| file.content(range(payload)).ok()?)?,
                // Of the main file, which is in memory.
                Some(_) => {
                    let content = self.content(payload)?.whole()?.clone();
                    let start = usize::try_from(at).ok()?.min(content.len());
                    content.slice(start..content.len().min(start.saturating_add(usize::try_from(length).ok()?)))
                }
            };
        }
        Some(pieces)
    }

    /// Compares the payloads of each group, which are of one length, while they come from a store; `None` of a group that cannot
    /// be read.
    pub(super) fn compare(&self, groups: &[Vec<&Payload>]) -> Vec<Option<Compared>> {
        let stored = |payload: &&Payload| -> Option<(Stored, Range<u64>)> {
            Some((self.with(payload.file, Source::stored)?, payload.range.clone()))
        };
        // A file that cannot be opened is one that its group does not have.
        let groups: Vec<_> = groups.iter().map(|group| group.iter().filter_map(stored).collect()).collect();
        compare(&groups)
    }

    /// All of a file; `None` where it cannot be read.
    pub(super) fn bytes(&self, file: usize) -> Option<Bytes> {
        self.with(file, |file| file.read_all().ok())
    }

    /// Asks a file. What cannot be read is noted where files are opened.
    fn with<T>(&self, file: usize, ask: impl FnOnce(&Source) -> Option<T>) -> Option<T> {
        let mut opened = self.opened.borrow_mut();
        if opened.len() >= OPEN && !opened.contains_key(&file) {
            opened.clear();
        }
        let source = opened.entry(file).or_insert_with(|| (self.open)(self.name(file)));
        ask(source.as_ref()?)
    }
}
