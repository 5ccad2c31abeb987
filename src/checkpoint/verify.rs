//! Whether the data is what was written: every tensor is read, and its CRC32C held against the index's.
//!
//! The index says what to expect, and nothing else in smaudit needs the data; so this is done only when it is asked for.
//! Shards are read in the order of their bytes and nothing is copied but what comes from a store, piece by piece; of holes of sparse ones only the length is needed. In a V1 checkpoint the values lie in blocks with
//! checksums, which reading it has checked already.

#![warn(clippy::arithmetic_side_effects)]

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use bytes::Bytes;

use super::strings::{self, StringsError};
use super::table::mask;
use super::{Checkpoint, Format, Tensor, all_of};
use crate::escape::shortened;
use crate::input::{Source, Stretches, Want};
use crate::problem::{Problem, Problems};
use crate::progress::Progress;
use crate::proto::DataType;

/// So much of a shard in a store is held at once, in bytes.
const PIECE: u64 = 32 << 20;

/// Tensors may overlap, so an index can ask for a shard to be read once for each of its entries. So many times its size
/// is read of a shard; tensors beyond that are not checked.
const MAX_READS: u64 = 4;

/// What `--verify` came to. Tensors that are wrong are not counted here: each is a problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Verified {
    /// The tensors whose data has the checksum that the index has for it; for V1 those in blocks that have theirs.
    pub tensors: u64,
    /// Their bytes. A range under two keys counts twice.
    pub bytes: u64,
    /// The tensors that were not checked: variants, whose checksum is of a form in memory; types that smaudit does not
    /// know; and those whose entry or shard is damaged, which is a problem of its own.
    pub skipped: u64,
}

/// Data that was read by somebody else and has the checksum that the index has for it, so that it need not be read again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checked(BTreeSet<(u32, u64, u64, u32)>);

impl Checked {
    /// Notes that a range of a shard has this masked CRC32C.
    pub fn insert(&mut self, shard: u32, range: Range<u64>, crc32c: u32) {
        self.0.insert((shard, range.start, range.end, crc32c));
    }

    /// Whether nothing was checked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the data of a tensor is right.
    fn has(&self, tensor: &Tensor) -> bool {
        let range = tensor.range().filter(|_| tensor.crc_is_of_bytes());
        range.is_some_and(|range| self.0.contains(&(tensor.shard, range.start, range.end, tensor.crc32c)))
    }
}

impl Checkpoint {
    /// How many bytes [`verify`](Self::verify) reads at most, without what it has to read again where tensors overlap.
    #[must_use]
    pub fn bytes_to_verify(&self) -> u64 {
        self.shards().map(|(_, file)| file.bytes).fold(0, u64::saturating_add)
    }

    /// Reads every tensor that is not `checked` yet, and checks its CRC32C. `open` gives a file, or says why it cannot;
    /// `progress` is given the bytes that were read. Each wrong tensor is a problem.
    pub fn verify<S: Into<Source>>(
        &self,
        open: impl Fn(&str) -> Result<S, Problem>,
        checked: &Checked,
        progress: &dyn Progress,
    ) -> (Verified, Vec<Problem>) {
        let mut by_shard: BTreeMap<u32, Vec<&Tensor>> = BTreeMap::new();
        let with_data = self.bundle.tensors.iter().filter(|tensor| tensor.slices == 0 || tensor.bytes > 0);
        let (right, unknown): (Vec<&Tensor>, Vec<&Tensor>) =
            with_data.partition(|tensor| self.format != Format::V1 && checked.has(tensor));
        unknown.into_iter().for_each(|tensor| by_shard.entry(tensor.shard).or_default().push(tensor));
        let mut verifier = Verifier {
            big_endian: self.bundle.big_endian,
            progress,
            verified: Verified::default(),
            problems: Problems::default(),
        };
        right.into_iter().for_each(|tensor| verifier.verified.add(tensor));
        if self.format == Format::V1 {
            by_shard.values().flatten().for_each(|tensor| verifier.verified.add(tensor));
            return (verifier.verified, verifier.problems.into_list());
        }
        for (shard, file) in self.shards() {
            let Some(mut tensors) = by_shard.remove(&shard) else { continue };
            tensors.sort_by_key(|tensor| tensor.offset);
            match open(&file.path).and_then(|shard| in_memory(&file.path, shard.into(), &tensors)) {
                Ok(contents) => verifier.shard(&file.path, &contents, &tensors),
                Err(problem) => {
                    verifier.problems.push(problem);
                    by_shard.insert(shard, tensors);
                }
            }
        }
        // What is left is in shards that cannot be read.
        let unread = by_shard.values().map(Vec::len).fold(0, usize::saturating_add);
        verifier.verified.skip(unread);
        (verifier.verified, verifier.problems.into_list())
    }
}

impl Verified {
    fn add(&mut self, tensor: &Tensor) {
        self.tensors = self.tensors.saturating_add(1);
        self.bytes = self.bytes.saturating_add(tensor.bytes);
    }

    fn skip(&mut self, tensors: usize) {
        self.skipped = self.skipped.saturating_add(u64::try_from(tensors).unwrap_or(u64::MAX));
    }
}

struct Verifier<'a> {
    big_endian: bool,
    progress: &'a dyn Progress,
    verified: Verified,
    problems: Problems,
}

impl Verifier<'_> {
    /// Checks the tensors of a shard, given by offset.
    fn shard(&mut self, path: &str, contents: &Source, tensors: &[&Tensor]) {
        let mut budget = MAX_READS.saturating_mul(contents.len());
        // Of several keys on one range, the range is read once.
        let mut last: Option<(Range<u64>, u32)> = None;
        let mut expected = 0_usize;
        for (at, tensor) in tensors.iter().enumerate() {
            if at >= expected {
                expected = at.saturating_add(expect(contents, tensors.get(at..).unwrap_or_default()));
            }
            let known =
                last.as_ref().filter(|(range, _)| tensor.crc_is_of_bytes() && tensor.range().as_ref() == Some(range));
            let computed = match known {
                Some((_, crc32c)) => Some(Ok(*crc32c)),
                None if tensor.bytes <= budget => {
                    budget = budget.saturating_sub(tensor.bytes);
                    match pieces(contents, tensor) {
                        Some(range) => self.checksum_in_pieces(contents, range).map(Ok),
                        None => data(contents, tensor).and_then(|data| self.checksum(tensor, &data)),
                    }
                }
                None => None,
            };
            last = match (&computed, tensor.range()) {
                (Some(Ok(crc32c)), Some(range)) if tensor.crc_is_of_bytes() => Some((range, *crc32c)),
                _ => last,
            };
            match computed {
                None => self.verified.skip(1),
                Some(Ok(found)) if found == tensor.crc32c => self.verified.add(tensor),
                Some(wrong) => self.problems.push(wrong_tensor(path, tensor, wrong)),
            }
        }
    }

    /// The masked CRC32C that the index should have for this data; `None` where it is not known how it is computed.
    fn checksum(&self, tensor: &Tensor, data: &Stretches) -> Option<Result<u32, StringsError>> {
        if tensor.dtype == DataType::DtString as i32 {
            // In a hole there would be a string of no bytes in each byte.
            let data = data.whole()?;
            let multiply = |count: u64, &size: &i64| count.checked_mul(u64::try_from(size).ok()?);
            let count = tensor.shape.iter().try_fold(1, multiply)?;
            let checksum = strings::checksum(data, count, self.big_endian);
            self.progress.advance(tensor.bytes);
            return Some(checksum);
        }
        tensor.crc_is_of_bytes().then(|| Ok(mask(data.crc32c(|bytes| self.progress.advance(bytes)))))
    }

    /// The same of a range of numbers, of which no more than a piece is held; `None` where it cannot be had.
    fn checksum_in_pieces(&self, contents: &Source, range: Range<u64>) -> Option<u32> {
        let (mut crc, mut at) = (0, range.start);
        while at < range.end {
            let end = at.saturating_add(PIECE).min(range.end);
            let piece = contents.read(at..end).ok()??;
            crc = crc32c::crc32c_append(crc, &piece);
            self.progress.advance(end.saturating_sub(at));
            at = end;
        }
        Some(mask(crc))
    }
}

/// The range of a large tensor of numbers in a store, which is read piece by piece.
fn pieces(contents: &Source, tensor: &Tensor) -> Option<Range<u64>> {
    let is_large = contents.is_copied() && tensor.bytes > PIECE && tensor.crc_is_of_bytes() && !tensor.damaged;
    let is_text = tensor.dtype == DataType::DtString as i32;
    tensor.range().filter(|range| is_large && !is_text && range.start <= range.end && range.end <= contents.len())
}

/// Asks a store for tensors together, from the first on as many as are held at once; returns how many these are.
fn expect(contents: &Source, tensors: &[&Tensor]) -> usize {
    if !contents.is_copied() {
        return tensors.len();
    }
    let mut ranges = Vec::new();
    let mut sum = 0_u64;
    let mut number = 0_usize;
    for tensor in tensors {
        sum = sum.saturating_add(tensor.bytes);
        if sum > PIECE && number > 0 {
            break;
        }
        ranges.extend(tensor.range().filter(|_| tensor.bytes <= PIECE));
        number = number.saturating_add(1);
    }
    contents.expect(&ranges, Want::All);
    number
}

/// A shard that is read at once, as far as it is not sparse, not in a store, and these tensors are most of it.
fn in_memory(path: &str, shard: Source, tensors: &[&Tensor]) -> Result<Source, Problem> {
    let to_read = tensors.iter().map(|tensor| tensor.bytes).fold(0, u64::saturating_add);
    if shard.is_copied() || shard.holes_in(0..shard.len()) > 0 {
        Ok(shard)
    } else {
        if to_read >= shard.len() / 2 {
            shard.read_ahead();
        }
        all_of(path, &shard).map(Source::from)
    }
}

/// The data of a tensor; `None` where its entry is damaged, or goes past the end of the shard.
fn data(contents: &Source, tensor: &Tensor) -> Option<Stretches> {
    if tensor.damaged {
        return None;
    }
    match tensor.range() {
        Some(range) => contents.stretches(range).ok()?,
        None => (tensor.bytes == 0).then(|| Bytes::new().into()),
    }
}

fn wrong_tensor(path: &str, tensor: &Tensor, found: Result<u32, StringsError>) -> Problem {
    let (key, expected) = (shortened(&tensor.key), tensor.crc32c);
    match found {
        Ok(found) => {
            // The same words as those of the object graph, which may have been found wrong before: they are said once.
            let message =
                format!("`{key}`: expected masked CRC32C {expected:#010x}, as in the index, found {found:#010x}");
            Problem::at(path, tensor.offset, message)
        }
        Err(error) => {
            let offset = tensor.offset.saturating_add(u64::try_from(error.offset()).unwrap_or(u64::MAX));
            Problem::at(path, offset, format!("`{key}`: {error}"))
        }
    }
}

#[cfg(test)]
mod tests;
