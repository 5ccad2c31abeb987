//! Sizes and shares as people read them. Until here a size is a `u64`.

use humansize::{DECIMAL, format_size};

/// Every digit, in groups of three: `1,828,324`.
#[must_use]
pub fn exact(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// Exact bytes: `1,828,324 bytes`.
#[must_use]
pub fn bytes(bytes: u64) -> String {
    plural(bytes, "byte", "bytes")
}

/// As people say it and exact: `1.83 MB (1,828,324 bytes)`.
#[must_use]
pub fn both(size: u64) -> String {
    match size {
        0..1000 => bytes(size),
        _ => format!("{} ({})", human(size), bytes(size)),
    }
}

/// Three digits and a decimal unit, as disks and registries have them: `30.0 MB`, `312 kB`; bytes where there are few.
#[must_use]
pub fn human(size: u64) -> String {
    if size < 1000 {
        return bytes(size);
    }
    // The digits before the decimal point, from one to three.
    let whole = (size.ilog10() % 3) as usize;
    let decimals = 2 - whole;
    format_size(size, DECIMAL.decimal_places(decimals).decimal_zeroes(decimals))
}

/// How many of what: `1 file`, `2,048 files`.
#[must_use]
pub fn plural(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", exact(number), if number == 1 { one } else { many })
}

/// The share of `part` in `whole`: `12.3%`. Only nothing is `0%` and only all of it is `100%`; of nothing, every share
/// is `-`. At most six columns.
#[must_use]
pub fn share(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "-".to_owned();
    }
    let per_mille = (u128::from(part) * 1000 + u128::from(whole) / 2) / u128::from(whole);
    match per_mille {
        _ if part == 0 => "0%".to_owned(),
        _ if part == whole => "100%".to_owned(),
        _ if part > whole => ">100%".to_owned(),
        0 => "<0.1%".to_owned(),
        1000.. => ">99.9%".to_owned(),
        _ => format!("{}.{}%", per_mille / 10, per_mille % 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_grouped_by_three() {
        let shown = [0, 999, 1000, 1_828_324, u64::MAX].map(exact);
        assert_eq!(shown, ["0", "999", "1,000", "1,828,324", "18,446,744,073,709,551,615"]);
    }

    #[test]
    fn a_size_is_exact_and_rounded_where_that_says_more() {
        assert_eq!(both(1_828_324), "1.83 MB (1,828,324 bytes)");
        assert_eq!(both(1000), "1.00 kB (1,000 bytes)");
        assert_eq!(both(999), "999 bytes");
        assert_eq!(both(1), "1 byte");
        assert_eq!(both(0), "0 bytes");
    }

    #[test]
    fn a_size_has_three_digits() {
        let sizes = [30_005_685, 312_400, 14_852_000_000, 1_000_000, 1_023, 12];
        assert_eq!(sizes.map(human), ["30.0 MB", "312 kB", "14.9 GB", "1.00 MB", "1.02 kB", "12 bytes"]);
        assert_eq!(human(u64::MAX), "18.4 EB");
    }

    #[test]
    fn a_share_is_not_rounded_to_nothing_or_to_all() {
        assert_eq!(share(123, 1000), "12.3%");
        assert_eq!(share(1, 1_000_000), "<0.1%");
        assert_eq!(share(0, 7), "0%");
        assert_eq!(share(999_999, 1_000_000), ">99.9%");
        assert_eq!(share(7, 7), "100%");
        assert_eq!(share(u64::MAX - 1, u64::MAX), ">99.9%");
    }

    #[test]
    fn a_share_of_nothing_is_no_number() {
        assert_eq!(share(0, 0), "-");
        assert_eq!(share(u64::MAX, 1), ">100%", "a damaged index may say anything");
    }
}
