//! Where payloads are and how their bytes are had: the one place where `duplicates` reads a file.

use std::cell::RefCell;
use std::ops::Range;

use bytes::Bytes;
use foldhash::HashMap;

use super::Place;
use super::payloads::PayloadKind;
use crate::checkpoint::Tensor;

/// How a file's contents are had by its name; `None` where they cannot be.
pub type Open<'a> = &'a dyn Fn(&str) -> Option<Bytes>;

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

/// The files that payloads are in. Each is opened when its bytes are first asked for, and once.
pub(super) struct Sources<'a> {
    names: Vec<String>,
    open: Open<'a>,
    opened: RefCell<Opened>,
}

/// Files that have been opened.
#[derive(Default)]
struct Opened {
    files: HashMap<usize, Option<Bytes>>,
    /// The sizes of the small ones, which are in memory and not mapped.
    held: usize,
}

/// Small files are let go when they are more than this together: a tree may have thousands. They are opened again when
/// they are asked for again; large ones are mapped and take no memory.
const HELD: usize = 64 << 20;

/// What counts as small.
const SMALL: usize = 1 << 20;

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

    /// The content of a payload, shared with the file rather than copied; `None` where the file cannot be read.
    pub(super) fn content(&self, payload: &Payload) -> Option<Bytes> {
        let file = self.bytes(payload.file)?;
        let range = usize::try_from(payload.range.start).ok()?..usize::try_from(payload.range.end).ok()?;
        let taken = file.get(range.clone())?;
        Some(match payload.unpacked {
            None => file.slice(range),
            Some((tag, width)) => {
                let numbers = taken.chunks_exact((tag + width).max(1));
                numbers.flat_map(|number| number.get(tag..).unwrap_or_default()).copied().collect()
            }
        })
    }

    /// The contents of a file; `None` where it cannot be read.
    pub(super) fn bytes(&self, file: usize) -> Option<Bytes> {
        let mut opened = self.opened.borrow_mut();
        if let Some(bytes) = opened.files.get(&file) {
            return bytes.clone();
        }
        let bytes = (self.open)(self.name(file));
        let small = bytes.as_ref().map_or(0, Bytes::len);
        if small <= SMALL {
            if opened.held.saturating_add(small) > HELD {
                *opened = Opened::default();
            }
            opened.held = opened.held.saturating_add(small);
        }
        opened.files.insert(file, bytes.clone());
        bytes
    }
}
