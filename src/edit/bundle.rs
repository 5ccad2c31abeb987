//! Tensors moved within their shards: which bytes stay, where each tensor is then, and the index that says so.
//!
//! `BundleReader` (`tensorflow/core/util/tensor_bundle/tensor_bundle.cc`) seeks by shard and offset and checks each entry's own
//! checksum over its own range, so nothing keeps two entries from one range, or one from being within another. Of an entry only
//! `shard_id` and `offset` change. What all offsets are multiples of stays so, as a writer may have been asked for an alignment.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use bytes::Bytes;
use thiserror::Error;

use super::numbers::{Value, integer, with};
use super::recipe::{Piece, Recipe};
use super::table;
use crate::checkpoint::Tensor;
use crate::checkpoint::table::{Table, TableError, mask};
use crate::identity::FileId;
use crate::message::number::bundle_entry_proto::{CRC32C, OFFSET, SHARD_ID, SIZE};

/// The largest alignment that is looked for.
const MOST_ALIGNMENT: u64 = 4096;

/// A place in a shard.
pub type Place = (u32, u64);

/// Why the index or the shards are left as they are.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NotUnderstood {
    /// The index is no table that can be read.
    #[error("the index cannot be read: {0}")]
    Table(#[from] TableError),
    /// The entries are not those that are known.
    #[error("the entries of the index are not those that were read before")]
    Entries,
    /// A tensor is not within a shard that is there.
    #[error("a tensor is not within its shard")]
    Range,
}

/// A shard as it is.
#[derive(Debug, Clone, Copy)]
pub struct Shard {
    /// Its file.
    pub file: FileId,
    /// Its size.
    pub bytes: u64,
}

/// Where everything is afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// The place of each tensor, by its position in the bundle.
    pub places: Vec<Place>,
    /// Each shard.
    pub shards: BTreeMap<u32, Recipe>,
}

/// What is moved.
#[derive(Debug)]
pub struct Move<'a> {
    /// All tensors of the bundle.
    pub tensors: &'a [Tensor],
    /// The shards by their numbers.
    pub shards: &'a BTreeMap<u32, Shard>,
    /// The place that a tensor has, as long as it is, if that is not its own; it is one within a tensor that has none here.
    pub instead: &'a BTreeMap<usize, Place>,
    /// Whether bytes go that no tensor claims.
    pub drops_unused: bool,
    /// The tensors that go, by their positions.
    pub gone: &'a BTreeSet<usize>,
    /// Tensors that have other bytes, which come behind all that stays of their shard.
    pub replaced: &'a BTreeMap<usize, Bytes>,
}

impl Move<'_> {
    /// Where everything is afterwards.
    ///
    /// # Errors
    /// A tensor is not within a shard that is there.
    pub fn made(&self) -> Result<Moved, NotUnderstood> {
        let mut claimed: BTreeMap<u32, Vec<Range<u64>>> = BTreeMap::new();
        let mut needed: BTreeMap<u32, Vec<Range<u64>>> = BTreeMap::new();
        for (position, tensor) in self.tensors.iter().enumerate() {
            let Some(range) = tensor.range() else { continue };
            if self.gone.contains(&position) || self.replaced.contains_key(&position) {
                claimed.entry(tensor.shard).or_default().push(range);
                continue;
            }
            let (shard, place) = self.place(position, tensor, &range);
            let there = place..place.saturating_add(tensor.bytes);
            for (shard, range) in [(tensor.shard, &range), (shard, &there)] {
                if self.shards.get(&shard).is_none_or(|shard| range.end > shard.bytes) {
                    return Err(NotUnderstood::Range);
                }
            }
            claimed.entry(tensor.shard).or_default().push(range);
            needed.entry(shard).or_default().push(there);
        }
        let alignment = self.alignment();
        let mut kept = BTreeMap::new();
        for (number, shard) in self.shards {
            let needed = united(needed.remove(number).unwrap_or_default());
            let pieces = if self.drops_unused {
                needed
            } else {
                let claimed = united(claimed.remove(number).unwrap_or_default());
                let gone = minus(&claimed, &needed);
                minus(std::slice::from_ref(&(0..shard.bytes)), &gone)
            };
            kept.insert(*number, Kept::of(pieces, alignment));
        }
        let mut places_of_new = BTreeMap::new();
        let mut added: BTreeMap<u32, Recipe> = BTreeMap::new();
        for (position, bytes) in self.replaced {
            let shard = self.tensors.get(*position).map(|tensor| tensor.shard).ok_or(NotUnderstood::Entries)?;
            let end = kept.get(&shard).map(Kept::end).ok_or(NotUnderstood::Range)?;
            let more = added.entry(shard).or_default();
            let at = end.saturating_add(more.bytes());
            let padding = alignment.saturating_sub(at.checked_rem(alignment).unwrap_or(0));
            let padding = padding.checked_rem(alignment).and_then(|padding| usize::try_from(padding).ok()).unwrap_or(0);
            more.push(Piece::New(Bytes::from(vec![0; padding])));
            places_of_new.insert(*position, (shard, end.saturating_add(more.bytes())));
            more.push(Piece::New(bytes.clone()));
        }
        let place = |(position, tensor): (usize, &Tensor)| match tensor.range() {
            _ if places_of_new.contains_key(&position) => {
                places_of_new.get(&position).copied().ok_or(NotUnderstood::Entries)
            }
            _ if self.gone.contains(&position) => Ok((tensor.shard, 0)),
            Some(range) => {
                let (shard, place) = self.place(position, tensor, &range);
                let place = kept.get(&shard).and_then(|kept| kept.place(place)).ok_or(NotUnderstood::Range)?;
                Ok((shard, place))
            }
            // Without a byte it is anywhere, as long as that is within the shard.
            None => Ok((tensor.shard, kept.get(&tensor.shard).map_or(0, |kept| kept.near(tensor.offset)))),
        };
        let places = self.tensors.iter().enumerate().map(place).collect::<Result<_, NotUnderstood>>()?;
        let recipe = |(number, kept): (&u32, &Kept)| {
            let mut recipe = kept.recipe(self.shards.get(number)?.file);
            let added = added.get(number).map_or(&[][..], Recipe::pieces);
            added.iter().for_each(|piece| recipe.push(piece.clone()));
            Some((*number, recipe))
        };
        Ok(Moved { places, shards: kept.iter().filter_map(recipe).collect() })
    }

    fn place(&self, position: usize, tensor: &Tensor, range: &Range<u64>) -> Place {
        self.instead.get(&position).copied().unwrap_or((tensor.shard, range.start))
    }

    /// The largest power of two that all offsets are multiples of.
    fn alignment(&self) -> u64 {
        let offsets = self.tensors.iter().filter_map(Tensor::range).fold(0, |all, range| all | range.start);
        1_u64.checked_shl(offsets.trailing_zeros()).unwrap_or(MOST_ALIGNMENT).min(MOST_ALIGNMENT)
    }
}

/// What stays of a shard: ranges of it, and where each begins afterwards.
struct Kept {
    ranges: Vec<(Range<u64>, u64)>,
}

impl Kept {
    fn of(ranges: Vec<Range<u64>>, alignment: u64) -> Self {
        let mut end = 0_u64;
        let mut placed = Vec::with_capacity(ranges.len());
        for range in ranges {
            // As far from a multiple of the alignment as it was, so that all that begins within it is.
            let (was, is) = (range.start.checked_rem(alignment), end.checked_rem(alignment));
            let padding = was.unwrap_or(0).saturating_add(alignment).saturating_sub(is.unwrap_or(0));
            let start = end.saturating_add(padding.checked_rem(alignment).unwrap_or(0));
            end = start.saturating_add(range.end.saturating_sub(range.start));
            placed.push((range, start));
        }
        Self { ranges: placed }
    }

    /// Where it ends.
    fn end(&self) -> u64 {
        let last = self.ranges.last();
        last.map_or(0, |(range, start)| start.saturating_add(range.end.saturating_sub(range.start)))
    }

    /// Where a byte that stays is; `None` of one that does not.
    fn place(&self, offset: u64) -> Option<u64> {
        let behind = self.ranges.partition_point(|(range, _)| range.start <= offset);
        let (range, start) = self.ranges.get(behind.checked_sub(1)?)?;
        range.contains(&offset).then(|| start.saturating_add(offset.saturating_sub(range.start)))
    }

    /// Where a byte is, or what stays in front of it ends.
    fn near(&self, offset: u64) -> u64 {
        let behind = self.ranges.partition_point(|(range, _)| range.start <= offset);
        let last = behind.checked_sub(1).and_then(|last| self.ranges.get(last));
        last.map_or(0, |(range, start)| {
            start.saturating_add(offset.saturating_sub(range.start).min(range.end.saturating_sub(range.start)))
        })
    }

    fn recipe(&self, file: FileId) -> Recipe {
        let (mut recipe, mut end) = (Recipe::default(), 0);
        for (range, start) in &self.ranges {
            let padding = usize::try_from(start.saturating_sub(end)).unwrap_or_default();
            recipe.push(Piece::New(Bytes::from(vec![0; padding])));
            recipe.push(Piece::Kept(file, range.clone()));
            end = start.saturating_add(range.end.saturating_sub(range.start));
        }
        recipe
    }
}

/// The ranges with those that overlap as one, in order.
fn united(mut ranges: Vec<Range<u64>>) -> Vec<Range<u64>> {
    ranges.sort_by_key(|range| (range.start, range.end));
    let mut united: Vec<Range<u64>> = Vec::new();
    for range in ranges.into_iter().filter(|range| !range.is_empty()) {
        match united.last_mut() {
            Some(last) if range.start < last.end => last.end = last.end.max(range.end),
            _ => united.push(range),
        }
    }
    united
}

/// What is in ranges and not in others; both in order and apart.
fn minus(ranges: &[Range<u64>], others: &[Range<u64>]) -> Vec<Range<u64>> {
    let mut left = Vec::new();
    let mut others = others.iter().peekable();
    for range in ranges {
        let mut start = range.start;
        while let Some(other) = others.peek().filter(|other| other.start < range.end) {
            if other.start > start {
                left.push(start..other.start);
            }
            start = start.max(other.end);
            if other.end > range.end {
                break;
            }
            others.next();
        }
        if start < range.end {
            left.push(start..range.end);
        }
    }
    left
}

/// The index with these places for its tensors, in the order of the bundle; all else of each entry is copied.
///
/// # Errors
/// It cannot be read, or its entries are not `tensors`.
pub fn index(index: Bytes, tensors: &[Tensor], places: &[Place]) -> Result<Vec<u8>, NotUnderstood> {
    index_of(index, tensors, places, &BTreeSet::new(), &BTreeMap::new())
}

/// The same without those that go, and with the size and the masked CRC32C of those that have other bytes.
///
/// # Errors
/// Those of [`index`].
pub fn index_of(
    index: Bytes,
    tensors: &[Tensor],
    places: &[Place],
    gone: &BTreeSet<usize>,
    replaced: &BTreeMap<usize, (u64, u32)>,
) -> Result<Vec<u8>, NotUnderstood> {
    let table = Table::open(index)?;
    let mut entries: Vec<(Vec<u8>, Bytes)> = Vec::with_capacity(tensors.len());
    let mut all = tensors.iter().zip(places).enumerate();
    for entry in table.entries() {
        let entry = entry?;
        if entry.key.is_empty() {
            entries.push((entry.key, entry.value));
            continue;
        }
        let (position, (tensor, (shard, offset))) = all.next().ok_or(NotUnderstood::Entries)?;
        if gone.contains(&position) {
            continue;
        }
        let at = [(SHARD_ID, Value::Integer(u64::from(*shard))), (OFFSET, Value::Integer(*offset))];
        let value = match replaced.get(&position) {
            Some((size, crc)) => {
                let content = [(SIZE, Value::Integer(*size)), (CRC32C, Value::Fixed(*crc))];
                with(&entry.value, &[at, content].concat()).ok_or(NotUnderstood::Entries)?.into()
            }
            None if (tensor.shard, tensor.offset) == (*shard, *offset) => entry.value,
            None => with(&entry.value, &at).ok_or(NotUnderstood::Entries)?.into(),
        };
        entries.push((entry.key, value));
    }
    if all.next().is_some() || tensors.len() != places.len() {
        return Err(NotUnderstood::Entries);
    }
    Ok(table::write(entries.iter().map(|(key, value)| (&**key, &**value))))
}

/// A tensor of one string as a bundle has it, with its masked CRC32C, by a writer of this byte order.
#[must_use]
pub fn string_tensor(string: &[u8], big_endian: bool) -> Option<(Bytes, u32)> {
    let order = |number: u32| if big_endian { number.to_be_bytes() } else { number.to_le_bytes() };
    // The checksum of a length is of four bytes, or of eight where it needs them.
    let length = u32::try_from(string.len()).ok()?;
    let crc = crc32c::crc32c(&order(length));
    let checksum = order(mask(crc));
    let tensor = [&integer(u64::from(length))[..], &checksum, string].concat();
    let all = crc32c::crc32c_append(crc32c::crc32c_append(crc, &checksum), string);
    Some((tensor.into(), mask(all)))
}
