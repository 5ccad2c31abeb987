//! The order of names among which some are TensorFlow Serving's versions: by number, before all others.

use std::ffi::OsStr;

/// Sorts numbers of any length: without leading zeros, the longer of two is the larger.
pub(super) fn version_order(name: &OsStr) -> (bool, usize, &str, &OsStr) {
    let number = name.to_str().filter(|name| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit()));
    let digits = number.unwrap_or_default().trim_start_matches('0');
    (number.is_none(), digits.len(), digits, name)
}
