//! How much a rule allows: a share of the model (`5%`) or a size (`10MB`).
//!
//! Limits are whole numbers all the way. A share is a fraction, and what it allows in a model of so many bytes is the
//! whole number of bytes below it, so that a comparison is one of `u64`s: exactly at the limit passes, a byte more does
//! not, whatever the total.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// Decimals of a number. A share is then a fraction of 17 digits at most, and times a total of 20 digits fits a `u128`.
const MOST_DECIMALS: u32 = 15;

/// Digits before the point, leading zeros aside: more than any limit has, and with the decimals they fit a `u128`.
const MOST_DIGITS: usize = 22;

/// The units of a size, in small letters.
const UNITS: [(&str, u64); 12] = [
    ("", 1),
    ("b", 1),
    ("kb", 1_000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
    ("tb", 1_000_000_000_000),
    ("pb", 1_000_000_000_000_000),
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
    ("tib", 1 << 40),
    ("pib", 1 << 50),
];

/// How much is allowed; as much is still within it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    text: String,
    allows: Allows,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Allows {
    /// So many parts of so many that the model is divided into.
    Share {
        parts: u64,
        of: u64,
    },
    Bytes(u64),
}

impl Limit {
    /// A number of bytes.
    #[must_use]
    pub fn of_bytes(bytes: u64) -> Self {
        Self { text: bytes.to_string(), allows: Allows::Bytes(bytes) }
    }

    /// Whether it is a share of the model, not a size.
    #[must_use]
    pub fn is_share(&self) -> bool {
        matches!(self.allows, Allows::Share { .. })
    }

    /// The most bytes that are within the limit, in a model of `total` bytes.
    #[must_use]
    pub fn bytes(&self, total: u64) -> u64 {
        match self.allows {
            Allows::Bytes(bytes) => bytes,
            // At most `total`, as a share is at most the whole.
            Allows::Share { parts, of } => {
                let bytes = u128::from(total) * u128::from(parts) / u128::from(of);
                u64::try_from(bytes).unwrap_or(total)
            }
        }
    }
}

/// As it was written: `5%`, `10MB`.
impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl FromStr for Limit {
    type Err = LimitError;

    fn from_str(text: &str) -> Result<Self, LimitError> {
        let error = |why| LimitError { text: text.to_owned(), why, wanted: Wanted::Limit };
        let text = text.trim();
        if text.is_empty() {
            return Err(error(Why::Empty));
        }
        let allows = match text.strip_suffix('%') {
            Some(number) => share(number.trim_end()).map_err(error)?,
            None => Allows::Bytes(bytes(text).map_err(error)?),
        };
        Ok(Self { text: text.to_owned(), allows })
    }
}

/// Reads a size: `10MB` is decimal, `10MiB` binary, a bare number is bytes.
///
/// # Errors
/// When it is none, or no whole number of bytes that a `u64` holds.
pub fn size(text: &str) -> Result<u64, LimitError> {
    bytes(text.trim()).map_err(|why| LimitError { text: text.to_owned(), why, wanted: Wanted::Size })
}

/// What is neither a share nor a size.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{text}` {why}; write {wanted}")]
pub struct LimitError {
    pub(super) text: String,
    pub(super) why: Why,
    pub(super) wanted: Wanted,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(super) enum Why {
    #[error("says no limit")]
    Empty,
    #[error("is negative")]
    Negative,
    #[error("is no number")]
    NoNumber,
    #[error("has a unit that is none of B, kB, MB, GB, TB, PB, KiB, MiB, GiB, TiB and PiB")]
    Unit,
    #[error("is no whole number of bytes")]
    Fraction,
    #[error("is more than there can be, {} bytes", u64::MAX)]
    TooLarge,
    #[error("is more than the whole model")]
    MoreThanAll,
    #[error("has more than {MOST_DECIMALS} decimals")]
    Decimals,
}

/// What could have been written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(super) enum Wanted {
    #[error("a share of the model as `5%`, or a size as `10MB`, `10MiB` or `5000`")]
    Limit,
    #[error("a size as `10MB`, `10MiB` or `5000`")]
    Size,
}

fn share(number: &str) -> Result<Allows, Why> {
    let number = Number::read(number)?;
    let of = 100 * 10_u64.pow(number.decimals);
    match u64::try_from(number.digits) {
        Ok(parts) if parts <= of => Ok(Allows::Share { parts, of }),
        _ => Err(Why::MoreThanAll),
    }
}

fn bytes(text: &str) -> Result<u64, Why> {
    let unit_at = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(unit_at);
    let number = Number::read(number.trim_end())?;
    let unit = unit.to_ascii_lowercase();
    let (_, unit) = UNITS.iter().find(|(name, _)| *name == unit).ok_or(Why::Unit)?;
    let scaled = number.digits.checked_mul(u128::from(*unit)).ok_or(Why::TooLarge)?;
    let divisor = 10_u128.pow(number.decimals);
    if scaled % divisor != 0 {
        return Err(Why::Fraction);
    }
    u64::try_from(scaled / divisor).map_err(|_| Why::TooLarge)
}

/// A decimal number as it is written: its digits without the point, and how many of them are behind it, at most
/// [`MOST_DECIMALS`].
struct Number {
    digits: u128,
    decimals: u32,
}

impl Number {
    fn read(text: &str) -> Result<Self, Why> {
        if let Some(rest) = text.strip_prefix('-') {
            return Err(if Self::read(rest).is_ok() { Why::Negative } else { Why::NoNumber });
        }
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !is_digits(whole) || !is_digits(fraction) {
            return Err(Why::NoNumber);
        }
        let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
        if whole.len() > MOST_DIGITS {
            return Err(Why::TooLarge);
        }
        let decimals = u32::try_from(fraction.len()).ok().filter(|decimals| *decimals <= MOST_DECIMALS);
        let decimals = decimals.ok_or(Why::Decimals)?;
        let digits = format!("0{whole}{fraction}").parse().map_err(|_| Why::TooLarge)?;
        Ok(Self { digits, decimals })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn limit(text: &str) -> Limit {
        text.parse().unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn a_size_is_decimal_or_binary_or_a_bare_number() {
        for (text, bytes) in [
            ("0", 0),
            ("5000", 5_000),
            ("5000B", 5_000),
            ("10MB", 10_000_000),
            ("10MiB", 10 << 20),
            ("10 mb", 10_000_000),
            (" 10MB ", 10_000_000),
            ("1.5kB", 1_500),
            ("0.5KiB", 512),
            ("2.50MB", 2_500_000),
            ("007", 7),
            ("1.000", 1),
            ("3GB", 3_000_000_000),
            ("3TiB", 3 << 40),
            ("1PB", 1_000_000_000_000_000),
            ("1PiB", 1 << 50),
            ("18446744073709551615", u64::MAX),
        ] {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn what_is_no_limit_is_said_to_be_what_it_is() {
        for (text, why) in [
            ("", Why::Empty),
            ("  ", Why::Empty),
            ("%", Why::NoNumber),
            ("MB", Why::NoNumber),
            ("-1", Why::Negative),
            ("-5%", Why::Negative),
            ("-0.5MB", Why::Negative),
            ("--5", Why::NoNumber),
            ("+5", Why::NoNumber),
            ("NaN", Why::NoNumber),
            ("NaN%", Why::NoNumber),
            ("inf%", Why::NoNumber),
            ("1e3%", Why::NoNumber),
            ("1,000", Why::NoNumber),
            (".5MB", Why::NoNumber),
            ("5.%", Why::NoNumber),
            ("5%%", Why::NoNumber),
            ("٥%", Why::NoNumber),
            ("0x10", Why::Unit),
            ("1e3", Why::Unit),
            ("10M", Why::Unit),
            ("10MB/s", Why::Unit),
            ("0.05", Why::Fraction),
            ("1.0001kB", Why::Fraction),
            ("18446744073709551616", Why::TooLarge),
            ("18446744073710MB", Why::TooLarge),
            ("16384PiB", Why::TooLarge),
            (&"9".repeat(60), Why::TooLarge),
            (&format!("{}%", "9".repeat(60)), Why::TooLarge),
            ("100.1%", Why::MoreThanAll),
            ("101%", Why::MoreThanAll),
            ("0.0000000000000001%", Why::Decimals),
            (&format!("0.{}1%", "0".repeat(60)), Why::Decimals),
        ] {
            assert_eq!(text.parse::<Limit>().map_err(|error| error.why), Err(why), "{text}");
        }
    }

    #[test]
    fn an_error_says_what_to_write() {
        let error = "0.05".parse::<Limit>().unwrap_err().to_string();
        let expected = "`0.05` is no whole number of bytes; \
                        write a share of the model as `5%`, or a size as `10MB`, `10MiB` or `5000`";
        assert_eq!(error, expected);
        assert_eq!(size("5%").unwrap_err().to_string(), "`5%` is no number; write a size as `10MB`, `10MiB` or `5000`");
    }

    #[test]
    fn a_share_allows_the_whole_bytes_below_it() {
        for (text, total, bytes) in [
            ("5%", 100, 5),
            ("5%", 119, 5),
            ("5%", 120, 6),
            ("0.5%", 1_000, 5),
            ("33.333333333333333%", 3, 0),
            ("0%", u64::MAX, 0),
            ("100%", u64::MAX, u64::MAX),
            ("100.000%", 7, 7),
            ("50%", u64::MAX, u64::MAX / 2),
            ("99.999999999999999%", u64::MAX, u64::MAX - 185),
            ("5%", 0, 0),
            ("100%", 0, 0),
        ] {
            assert_eq!(limit(text).bytes(total), bytes, "{text} of {total}");
        }
    }

    #[test]
    fn a_limit_is_shown_as_it_was_written() {
        assert_eq!(limit(" 5.0% ").to_string(), "5.0%");
        assert_eq!(limit("10MB").to_string(), "10MB");
        assert_eq!(Limit::of_bytes(7), limit("7"));
    }

    proptest! {
        #[test]
        fn as_much_as_a_share_allows_is_within_it_and_a_byte_more_is_not(
            hundredths in 0_u64..=10_000, total: u64,
        ) {
            let limit = limit(&format!("{}.{:02}%", hundredths / 100, hundredths % 100));
            let allowed = limit.bytes(total);
            let within = |bytes: u128| bytes * 10_000 <= u128::from(total) * u128::from(hundredths);
            prop_assert!(within(allowed.into()));
            prop_assert!(!within(u128::from(allowed) + 1));
        }

        #[test]
        fn no_text_is_too_strange_to_be_refused(text: String) {
            let _ = text.parse::<Limit>();
            let _ = size(&text);
        }
    }
}
