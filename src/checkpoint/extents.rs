//! Which byte of a shard belongs to which tensor.
//!
//! Entries of an index may share a range, overlap, leave gaps or point past the end. Every byte of the shard is still
//! charged once, by one rule: the tensor that starts first keeps its bytes, at the same start the first key does, and
//! what no tensor claims is unused.

#![warn(clippy::arithmetic_side_effects)]

use std::ops::Range;

/// A part of a shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extent {
    /// The bytes of the shard; never empty.
    pub range: Range<u64>,
    /// The tensor's position in the bundle; `None` for unused bytes: alignment, or data that no entry points at.
    pub tensor: Option<usize>,
}

/// Divides a shard of `length` bytes among the ranges of its tensors, given with their positions in the bundle. The
/// extents are in order, disjoint, and cover the shard; a tensor whose bytes all belong to others has none.
#[must_use]
pub fn extents(length: u64, tensors: impl IntoIterator<Item = (usize, Range<u64>)>) -> Vec<Extent> {
    let mut tensors: Vec<_> = tensors.into_iter().collect();
    tensors.sort_by_key(|(tensor, range)| (range.start, *tensor));
    let mut extents = Vec::new();
    let mut covered = 0;
    let mut cover = |end: u64, tensor| {
        let end = end.min(length);
        if end > covered {
            extents.push(Extent { range: covered..end, tensor });
            covered = end;
        }
    };
    for (tensor, range) in tensors {
        if !range.is_empty() {
            cover(range.start, None);
            cover(range.end, Some(tensor));
        }
    }
    cover(length, None);
    extents
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn divided(length: u64, tensors: &[Range<u64>]) -> Vec<(Range<u64>, Option<usize>)> {
        extents(length, tensors.iter().cloned().enumerate()).into_iter().map(|e| (e.range, e.tensor)).collect()
    }

    #[test]
    fn tensors_have_their_ranges_and_what_is_between_them_is_unused() {
        let expected = [(0..4, Some(1)), (4..8, None), (8..10, Some(0)), (10..12, None)];
        assert_eq!(divided(12, &[8..10, 0..4]), expected);
    }

    #[test]
    fn one_range_under_two_keys_is_the_first_keys() {
        assert_eq!(divided(4, &[0..4, 0..4]), [(0..4, Some(0))]);
    }

    #[test]
    fn of_overlapping_tensors_the_later_has_what_is_left() {
        assert_eq!(divided(9, &[2..9, 0..4]), [(0..4, Some(1)), (4..9, Some(0))]);
        assert_eq!(divided(9, &[0..9, 2..4]), [(0..9, Some(0))]);
        assert_eq!(divided(9, &[0..2, 0..9]), [(0..2, Some(0)), (2..9, Some(1))]);
    }

    #[test]
    fn a_tensor_past_the_end_is_clipped() {
        assert_eq!(divided(4, &[2..9, 5..u64::MAX]), [(0..2, None), (2..4, Some(0))]);
    }

    #[test]
    fn empty_tensors_and_empty_shards_have_no_extents() {
        assert_eq!(divided(4, &[2..2, 0..4]), [(0..4, Some(1))]);
        assert_eq!(divided(0, &[0..4, 2..3]), []);
    }

    proptest! {
        #[test]
        fn extents_are_in_order_disjoint_and_cover_the_shard(
            length in 0_u64..64,
            tensors in prop::collection::vec((0_u64..80, 0_u64..120), 0..12),
        ) {
            let tensors: Vec<_> = tensors.into_iter().map(|(start, end)| start..end).collect();
            let mut end = 0;
            for (range, tensor) in divided(length, &tensors) {
                prop_assert!(range.start == end && range.end > end);
                for byte in range.clone() {
                    // The owner is the tensor that starts first of those that claim the byte.
                    let claims = tensors.iter().enumerate().filter(|(_, t)| t.contains(&byte));
                    prop_assert_eq!(tensor, claims.min_by_key(|(number, t)| (t.start, *number)).map(|(n, _)| n));
                }
                end = range.end;
            }
            prop_assert_eq!(end, length);
        }
    }
}
