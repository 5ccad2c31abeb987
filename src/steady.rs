//! Sorting by bytes of a mapped file. Somebody may write to the file while it is sorted, and then one pair compares one way and
//! later the other: the standard sorts may panic at that. So a list is sorted by copies of what it is sorted by, and one
//! that is short, as nearly all are, by inserting, which ends whatever the bytes say.

/// Lists of up to so many items are sorted by inserting.
const FEW: usize = 16;

/// Sorts by bytes, then by a number. Items of equal keys are in no certain order.
pub(crate) fn sort_by_bytes<'f, T>(list: &mut [T], key: impl Fn(&T) -> (&'f [u8], u64)) {
    if list.len() > FEW {
        list.sort_by_cached_key(|item| {
            let (bytes, number) = key(item);
            (bytes.to_vec(), number)
        });
        return;
    }
    for end in 1..list.len() {
        let mut at = end;
        while let Some([before, item]) = at.checked_sub(1).and_then(|before| list.get_mut(before..=at)) {
            if key(before) <= key(item) {
                break;
            }
            std::mem::swap(before, item);
            at -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn lists_of_any_length_are_sorted(names in prop::collection::vec("[a-c]{0,3}", 0..40)) {
            let mut sorted: Vec<(&[u8], u64)> = names.iter().map(String::as_bytes).zip(0..).collect();
            let mut expected = sorted.clone();
            expected.sort();
            sort_by_bytes(&mut sorted, |item| *item);
            prop_assert_eq!(sorted, expected);
        }

        /// As where a file is written to in between: no comparison can be trusted.
        #[test]
        fn bytes_that_change_in_between_do_no_harm(seed in any::<u64>(), length in 0_usize..80) {
            let state = Cell::new(seed | 1);
            let random = |_: &usize| {
                state.set(state.get().wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
                (&b"abcdefgh"[(state.get() >> 61) as usize..], state.get() >> 32)
            };
            let mut list: Vec<usize> = (0..length).collect();
            sort_by_bytes(&mut list, random);
            list.sort_unstable();
            prop_assert_eq!(list, (0..length).collect::<Vec<_>>());
        }
    }
}
