//! The order in which people count: `block_2` before `block_10`.

use std::cmp::Ordering;

/// Compares names with runs of digits taken as numbers, however long; equal numbers by how they are written, and names
/// that read the same byte by byte.
#[must_use]
pub(crate) fn compare(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = behind_common(a.as_bytes(), b.as_bytes());
    while let (Some(x), Some(y)) = (left.first(), right.first()) {
        let step = if x.is_ascii_digit() && y.is_ascii_digit() {
            let (digits, others) = (number(left), number(right));
            left = left.get(digits.len()..).unwrap_or_default();
            right = right.get(others.len()..).unwrap_or_default();
            let [digits, others] = [digits, others].map(without_zeros);
            digits.len().cmp(&others.len()).then_with(|| digits.cmp(others))
        } else {
            left = left.get(1..).unwrap_or_default();
            right = right.get(1..).unwrap_or_default();
            x.cmp(y)
        };
        if step != Ordering::Equal {
            return step;
        }
    }
    left.len().cmp(&right.len()).then_with(|| a.cmp(b))
}

/// What follows the beginning that two names share, but for digits at its end, which may be those of different numbers. It is
/// most of the names of functions.
fn behind_common<'n>(a: &'n [u8], b: &'n [u8]) -> (&'n [u8], &'n [u8]) {
    // Eight bytes at a time, and then one by one.
    let words = a.chunks_exact(8).zip(b.chunks_exact(8)).take_while(|(x, y)| x == y).count();
    let behind = |name: &'n [u8]| name.get(words * 8..).unwrap_or_default();
    let common = words * 8 + behind(a).iter().zip(behind(b)).take_while(|(x, y)| x == y).count();
    let digits = a.get(..common).unwrap_or_default().iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let at = common.saturating_sub(digits);
    (a.get(at..).unwrap_or_default(), b.get(at..).unwrap_or_default())
}

/// The digits that `text` begins with.
fn number(text: &[u8]) -> &[u8] {
    let end = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    text.get(..end).unwrap_or_default()
}

fn without_zeros(digits: &[u8]) -> &[u8] {
    let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
    digits.get(zeros..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_in_names_are_counted() {
        let mut names = ["block_10/w", "block_2/w", "block_1/w", "block", "a", "block_02/w"];
        names.sort_by(|a, b| compare(a, b));
        assert_eq!(names, ["a", "block", "block_1/w", "block_02/w", "block_2/w", "block_10/w"]);
    }

    proptest! {
        #[test]
        fn it_is_an_order(a in "[a01]{0,6}", b in "[a01]{0,6}", c in "[a01]{0,6}") {
            prop_assert_eq!(compare(&a, &b), compare(&b, &a).reverse());
            prop_assert_eq!(compare(&a, &b) == Ordering::Equal, a == b);
            if compare(&a, &b) == Ordering::Less && compare(&b, &c) == Ordering::Less {
                prop_assert_eq!(compare(&a, &c), Ordering::Less);
            }
        }
    }
}
