//! A digest as reports have it: two hexadecimal digits a byte. A report has up to three of each of hundreds of thousands of
//! functions, so it is kept as what it is, and becomes a text when it is written.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A digest of so many bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest<const BYTES: usize>([u8; BYTES]);

const DIGITS: &[u8; 16] = b"0123456789abcdef";

impl<const BYTES: usize> Digest<BYTES> {
    /// Its digits, the most significant first, given to `write`.
    #[inline]
    fn digits<T>(self, write: impl FnOnce(&str) -> T) -> T {
        let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or(b'0');
        let digits = self.0.map(|byte| [digit(byte >> 4), digit(byte & 15)]);
        write(str::from_utf8(digits.as_flattened()).unwrap_or_default())
    }

    fn parse(text: &str) -> Option<Self> {
        let digits = text.as_bytes();
        let mut bytes = [0; BYTES];
        if digits.len() != BYTES * 2 {
            return None;
        }
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            for digit in pair {
                let value = DIGITS.iter().position(|known| known == digit)?;
                *byte = *byte << 4 | u8::try_from(value).ok()?;
            }
        }
        Some(Self(bytes))
    }
}

impl From<u64> for Digest<8> {
    fn from(digest: u64) -> Self {
        Self(digest.to_be_bytes())
    }
}

impl From<u128> for Digest<16> {
    fn from(digest: u128) -> Self {
        Self(digest.to_be_bytes())
    }
}

impl<const BYTES: usize> fmt::Display for Digest<BYTES> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.digits(|digits| f.write_str(digits))
    }
}

impl<const BYTES: usize> fmt::Debug for Digest<BYTES> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<const BYTES: usize> Serialize for Digest<BYTES> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.digits(|digits| serializer.serialize_str(digits))
    }
}

impl<'de, const BYTES: usize> Deserialize<'de> for Digest<BYTES> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Digits<const BYTES: usize>;

        impl<const BYTES: usize> Visitor<'_> for Digits<BYTES> {
            type Value = Digest<BYTES>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{} hexadecimal digits", BYTES * 2)
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                Digest::parse(text).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }

        deserializer.deserialize_str(Digits)
    }
}

impl<const BYTES: usize> JsonSchema for Digest<BYTES> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Digest".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_written_by_its_digits_and_read_from_them() {
        let digest = Digest::<8>::from(0x0123_4567_89ab_cdef_u64);
        let text = serde_json::to_string(&digest).unwrap();
        assert_eq!(text, "\"0123456789abcdef\"");
        assert_eq!(serde_json::from_str::<Digest<8>>(&text).unwrap(), digest);
        let digest = Digest::<16>::from(7_u128);
        assert_eq!(digest.to_string(), format!("{:032x}", 7));
    }

    #[test]
    fn what_is_no_digest_is_refused_with_what_was_expected() {
        for text in ["", "0123", "0123456789abcdeg", "0123456789ABCDEF", "+123456789abcdef"] {
            let error = serde_json::from_value::<Digest<8>>(text.into()).unwrap_err().to_string();
            assert!(error.contains("expected 16 hexadecimal digits"), "{error}");
        }
    }
}
