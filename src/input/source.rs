//! What a file's bytes are had from, range by range: the unit of reading is what somebody asks for, never a whole file
//! because it was there.
//!
//! A source is opened once and asked often. On disk a small file is read by range and a large one mapped, of which the
//! system reads the pages that are looked at; of an archive and in memory a range is a slice. Each read counts
//! ([`File::bytes_read`](super::File::bytes_read)), so that tests say what a question reads, and each that fails is noted,
//! so that the report says it whatever the one who asked made of it.

use std::fs;
use std::io;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use bytes::Bytes;

use super::cause::Cause;
use super::holes::{self, Stretch, Stretches};
#[cfg(unix)]
use super::map::ahead;
use super::ranged::{Compared, Group, Ranged, Want};
use crate::meter;
use crate::problem::{Problem, ProblemKind};

/// The most bytes of holes that are read as zeros: of contents that have to be there as a whole. Shards and assets are read without
/// theirs, see [`Source::stretches`].
pub(crate) const MAX_HOLES: u64 = 1 << 30;

/// An opened file.
#[derive(Debug)]
pub struct Source {
    length: u64,
    bytes: Held,
    /// Where it is sparse, in order.
    holes: Vec<Range<u64>>,
    noted: Arc<Noted>,
}

#[derive(Debug)]
enum Held {
    /// A small file: its handle, which is asked for each range.
    Handle(Mutex<fs::File>),
    /// What was unpacked or handed in.
    All(Bytes),
    /// All of a large file, which the system reads as it is looked at, and whether it is read from end to end anyway.
    Mapped(Bytes, AtomicBool),
    /// A file in a store: each range is a request, or part of one.
    Ranged(Arc<dyn Ranged>),
}

/// What reading a file came to, for as long as its model is known.
#[derive(Debug, Default)]
pub(super) struct Noted {
    /// Some of its bytes were gone when they were looked at, and taken as zeros.
    pub(super) lost: Arc<AtomicBool>,
    /// The bytes that were asked for and given.
    read: AtomicU64,
    /// Why it could not be read, the first time that it could not.
    failure: OnceLock<(ProblemKind, String)>,
}

impl Noted {
    /// Notes why the file cannot be read, and returns it.
    pub(super) fn failed(&self, cause: Cause) -> Cause {
        self.failure.get_or_init(|| (cause.kind(), cause.to_string()));
        cause
    }

    /// That the file could not be read, if it could not.
    pub(super) fn failure(&self, file: &str) -> Option<Problem> {
        self.failure.get().map(|(kind, cause)| Problem::of_file(file, cause).of_kind(*kind))
    }

    /// How many bytes were given.
    pub(super) fn read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }
}

impl From<Bytes> for Source {
    fn from(bytes: Bytes) -> Self {
        Self::of_bytes(bytes, Arc::default())
    }
}

impl Source {
    pub(super) fn of_bytes(bytes: Bytes, noted: Arc<Noted>) -> Self {
        Self { length: bytes.len() as u64, bytes: Held::All(bytes), holes: Vec::new(), noted }
    }

    pub(super) fn of_map(mapping: Bytes, noted: Arc<Noted>) -> Self {
        Self {
            length: mapping.len() as u64,
            bytes: Held::Mapped(mapping, AtomicBool::default()),
            holes: Vec::new(),
            noted,
        }
    }

    pub(super) fn of_file(file: fs::File, length: u64, noted: Arc<Noted>) -> Self {
        Self { length, bytes: Held::Handle(Mutex::new(file)), holes: Vec::new(), noted }
    }

    pub(super) fn of_ranges(ranges: Arc<dyn Ranged>, length: u64, noted: Arc<Noted>) -> Self {
        Self { length, bytes: Held::Ranged(ranges), holes: Vec::new(), noted }
    }

    /// Whether what is read of it is copied into memory, so that a large part should be read piece by piece.
    #[must_use]
    pub fn is_copied(&self) -> bool {
        matches!(self.bytes, Held::Ranged(_))
    }

    /// Says which ranges will be read, and what for, so that a store, or a disk, is asked for them together. Nothing happens
    /// where a range costs nothing.
    pub fn expect(&self, ranges: &[Range<u64>], want: Want) {
        let within = |range: &&Range<u64>| range.start < range.end && range.end <= self.length;
        match &self.bytes {
            Held::Ranged(file) => {
                let ranges: Vec<Range<u64>> = ranges.iter().filter(within).cloned().collect();
                file.expect(&ranges, want);
            }
            #[cfg(unix)]
            Held::Mapped(mapping, is_read) if !is_read.load(Ordering::Relaxed) => {
                ahead::expect(mapping, ranges.iter().filter(within), want);
            }
            _ => {}
        }
    }

    /// Says that all of it will be read by somebody, so that what the system reads around a range is of use.
    pub(crate) fn expect_all(&self) {
        if let Held::Mapped(_, is_read) = &self.bytes {
            is_read.store(true, Ordering::Relaxed);
        }
    }

    /// Says that all of it will be read now, from its beginning to its end: of a large file the system reads on beside.
    pub(crate) fn read_ahead(&self) {
        self.expect_all();
        #[cfg(unix)]
        if let Held::Mapped(mapping, _) = &self.bytes
            && self.holes.is_empty()
        {
            ahead::read_ahead(mapping.clone());
        }
    }

    /// As [`read`](Self::read), of bytes that the system is given next: of a large file they are in memory when this returns, as a
    /// system call that comes to what is not there yet stops and starts again.
    ///
    /// # Errors
    /// Those of [`read`](Self::read).
    pub(crate) fn read_present(&self, range: Range<u64>) -> Result<Option<Bytes>, Cause> {
        #[cfg(unix)]
        if let Held::Mapped(mapping, _) = &self.bytes {
            ahead::fetch(mapping, range.clone());
        }
        self.read(range)
    }

    /// As [`read`](Self::read), of data that a question may do without.
    ///
    /// # Errors
    /// Those of [`read`](Self::read), and [`Cause::LeftOut`] where less is asked of a store.
    pub fn content(&self, range: Range<u64>) -> Result<Option<Bytes>, Cause> {
        self.range(range, false)
    }

    /// The same, of which these ranges are holes.
    pub(super) fn with_holes(self, holes: Vec<Range<u64>>) -> Self {
        Self { holes, ..self }
    }

    /// It, as far as it is in a store and its contents are best compared while they come.
    pub(crate) fn stored(&self) -> Option<Stored> {
        match &self.bytes {
            Held::Ranged(file) => Some(Stored { file: Arc::clone(file), noted: Arc::clone(&self.noted) }),
            _ => None,
        }
    }

    /// How many bytes it has.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.length
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// How many bytes of a range are in holes.
    #[must_use]
    pub(crate) fn holes_in(&self, range: Range<u64>) -> u64 {
        if self.holes.is_empty() {
            return 0;
        }
        let holes = holes::parts(&self.holes, range).into_iter().filter(|(_, is_hole)| *is_hole);
        holes.map(|(hole, _)| hole.end.saturating_sub(hole.start)).fold(0, u64::saturating_add)
    }

    /// As [`content`](Self::content), without the zeros of holes. `Ok(None)` where it is not within the file.
    ///
    /// # Errors
    /// Those of [`content`](Self::content), but for holes.
    pub(crate) fn stretches(&self, range: Range<u64>) -> Result<Option<Stretches>, Cause> {
        if self.holes.is_empty() || range.end > self.length {
            return Ok(self.content(range)?.map(Stretches::from));
        }
        let stretch = |(part, is_hole): (Range<u64>, bool)| match is_hole {
            true => Ok(Some(Stretch::Hole(part.end.saturating_sub(part.start)))),
            false => Ok(self.read(part)?.map(Stretch::Stored)),
        };
        holes::parts(&self.holes, range).into_iter().map(stretch).collect()
    }

    /// The bytes of a range. `Ok(None)` where it is not within the file.
    ///
    /// # Errors
    /// The system does not give them, the file has become shorter, or they are more than a gibibyte of zeros that are not
    /// on the disk.
    pub fn read(&self, range: Range<u64>) -> Result<Option<Bytes>, Cause> {
        self.range(range, true)
    }

    fn range(&self, range: Range<u64>, is_needed: bool) -> Result<Option<Bytes>, Cause> {
        let holes = self.holes_in(range.clone());
        if holes > MAX_HOLES && range.end <= self.length {
            return Err(self.noted.failed(Cause::Holes(holes)));
        }
        let (Ok(start), Ok(end)) = (usize::try_from(range.start), usize::try_from(range.end)) else { return Ok(None) };
        if start > end || range.end > self.length {
            return Ok(None);
        }
        let bytes = match &self.bytes {
            Held::All(bytes) | Held::Mapped(bytes, _) => bytes.slice(start..end),
            Held::Handle(file) => self.read_file(file, range).map_err(|cause| self.noted.failed(cause))?,
            Held::Ranged(_) if range.is_empty() => Bytes::new(),
            Held::Ranged(file) => {
                let read = if is_needed { file.read(range) } else { file.content(range) };
                read.map_err(|cause| if matches!(cause, Cause::LeftOut) { cause } else { self.noted.failed(cause) })?
            }
        };
        meter::bytes(bytes.len());
        self.noted.read.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        Ok(Some(bytes))
    }

    /// All of its bytes.
    ///
    /// # Errors
    /// Those of [`read`](Self::read).
    pub fn read_all(&self) -> Result<Bytes, Cause> {
        self.read(0..self.length).map(Option::unwrap_or_default)
    }

    fn read_file(&self, file: &Mutex<fs::File>, range: Range<u64>) -> Result<Bytes, Cause> {
        use std::io::{Read as _, Seek as _};
        let length = usize::try_from(range.end.saturating_sub(range.start)).unwrap_or_default();
        let mut bytes = vec![0; length];
        let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(io::SeekFrom::Start(range.start)).map_err(Cause::Read)?;
        match file.read_exact(&mut bytes) {
            Ok(()) => Ok(bytes.into()),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                Err(Cause::Length { listed: self.length, found: file.metadata().map_err(Cause::Read)?.len() })
            }
            Err(error) => Err(Cause::Read(error)),
        }
    }
}

/// A file in a store.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    file: Arc<dyn Ranged>,
    noted: Arc<Noted>,
}

/// Compares the ranges of each group, of one length and of files of one model, while they come; what cannot be read is noted.
/// `None` of a group where it was.
pub(crate) fn compare(groups: &[Vec<(Stored, Range<u64>)>]) -> Vec<Option<Compared>> {
    let Some((any, _)) = groups.iter().flatten().next() else { return groups.iter().map(|_| None).collect() };
    let group = |group: &Vec<(Stored, Range<u64>)>| -> Group {
        group.iter().map(|(stored, range)| (stored.file.position(), range.clone())).collect()
    };
    let asked: Vec<Group> = groups.iter().map(group).collect();
    let compared = any.file.compare(&asked).into_iter().zip(groups);
    compared
        .map(|(compared, group)| {
            let compared = compared.map_err(|cause| group.first().map(|(stored, _)| stored.noted.failed(cause)));
            if let Ok(Compared::Same(same)) = &compared {
                for ((stored, range), _) in group.iter().zip(same).filter(|(_, same)| same.is_some()) {
                    let bytes = range.end.saturating_sub(range.start);
                    meter::bytes(usize::try_from(bytes).unwrap_or(usize::MAX));
                    stored.noted.read.fetch_add(bytes, Ordering::Relaxed);
                }
            }
            compared.ok()
        })
        .collect()
}
