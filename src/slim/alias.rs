//! Tensors of one content on one range: decided by their bytes and by nothing else.
//!
//! Each key is read into a variable of its own, so whoever loads, trains or saves sees what it saw
//! (`BundleReader::GetValue` of `tensorflow/core/util/tensor_bundle/tensor_bundle.cc`). A tensor of zeros fits into any longer one.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use bytes::Bytes;
use crc32c::crc32c;
use foldhash::{HashMap, HashMapExt as _};

use crate::checkpoint::Tensor;
use crate::checkpoint::table::mask;
use crate::edit::bundle::Place;
use crate::size::plural;

/// Where tensors can lie instead of where they are.
#[derive(Debug, Default)]
pub(super) struct Equal {
    /// The place of each that need not have one of its own, by its position in the bundle.
    pub(super) instead: BTreeMap<usize, Place>,
    /// How many have the content of another.
    pub(super) copies: usize,
    /// How many are zeros, and lie within others.
    pub(super) zeros: usize,
}

impl Equal {
    /// What is done with them.
    pub(super) fn words(&self) -> String {
        let copies = plural(self.copies as u64, "tensor shares", "tensors share");
        match (self.copies, self.zeros as u64) {
            (_, 0) => format!("{copies} the range of an equal one"),
            (0, zeros) => {
                format!("{} within longer ones", plural(zeros, "tensor of zeros lies", "tensors of zeros lie"))
            }
            (_, zeros) => format!("{copies} a range, {} in zeros", plural(zeros, "lies", "lie")),
        }
    }
}

/// A range of a shard: the shard, the start and the length.
type Stretch = (u32, u64, u64);

/// Finds tensors that are equal, of shards whose contents are given and have the checksums of the index.
pub(super) fn equal(tensors: &[Tensor], shards: &BTreeMap<u32, Bytes>) -> Equal {
    let stretch = |tensor: &Tensor| {
        let range = tensor.range()?;
        Some((tensor.shard, range.start, tensor.bytes))
    };
    let all: BTreeSet<Stretch> = tensors.iter().filter_map(stretch).collect();
    let bytes = |(shard, start, length): &Stretch| -> Option<&[u8]> {
        let range: Range<u64> = *start..start.checked_add(*length)?;
        shards.get(shard)?.get(usize::try_from(range.start).ok()?..usize::try_from(range.end).ok()?)
    };
    // What has another length or another checksum is another content, and need not be read.
    let mut checksums: HashMap<Stretch, u32> = HashMap::new();
    let with_checksum = tensors.iter().filter(|tensor| tensor.crc_is_of_bytes());
    checksums.extend(with_checksum.filter_map(|tensor| Some((stretch(tensor)?, tensor.crc32c))));
    let mut alike: HashMap<(u64, u32), usize> = HashMap::new();
    for stretch in &all {
        // That of strings is of another form of them.
        let checksum = match checksums.get(stretch) {
            Some(checksum) => *checksum,
            None => *checksums.entry(*stretch).or_insert(mask(crc32c(bytes(stretch).unwrap_or_default()))),
        };
        let count = alike.entry((stretch.2, checksum)).or_default();
        *count = count.saturating_add(1);
    }
    let has_like = |stretch: &Stretch| {
        let of = checksums.get(stretch).and_then(|checksum| alike.get(&(stretch.2, *checksum)));
        of.is_some_and(|count| *count > 1)
    };
    let (mut kept, mut zeros) = (HashMap::new(), Vec::new());
    let mut places: BTreeMap<Stretch, (Place, bool)> = BTreeMap::new();
    for stretch in &all {
        let Some(bytes) = bytes(stretch) else { continue };
        if is_zeros(bytes) {
            zeros.push(*stretch);
        } else if has_like(stretch) {
            let first = *kept.entry(bytes).or_insert(*stretch);
            if first != *stretch {
                places.insert(*stretch, ((first.0, first.1), false));
            }
        }
    }
    // The longest, and of those the first.
    if let Some(longest) =
        zeros.iter().copied().min_by_key(|(shard, start, length)| (u64::MAX ^ length, *shard, *start))
    {
        let others = zeros.iter().filter(|stretch| **stretch != longest);
        places.extend(others.map(|stretch| (*stretch, ((longest.0, longest.1), stretch.2 < longest.2))));
    }
    let mut equal = Equal::default();
    for (position, tensor) in tensors.iter().enumerate() {
        let Some((place, is_within)) = stretch(tensor).and_then(|stretch| places.get(&stretch)) else { continue };
        equal.instead.insert(position, *place);
        let count = if *is_within { &mut equal.zeros } else { &mut equal.copies };
        *count = count.saturating_add(1);
    }
    equal
}

/// Whether all bytes are zero.
fn is_zeros(bytes: &[u8]) -> bool {
    const ZEROS: [u8; 4096] = [0; 4096];
    bytes.chunks(ZEROS.len()).all(|chunk| ZEROS.get(..chunk.len()) == Some(chunk))
}
