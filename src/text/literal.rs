//! What literals mean: numbers, words and strings as values, as protobuf's own parser takes them
//! (`google/protobuf/io/tokenizer.cc`, `google/protobuf/text_format.cc`).

use crate::schema::FieldKind;
use crate::wire::to_varint;

/// The bytes of one number on the wire, and how many they are.
pub(super) struct Scalar {
    bytes: [u8; 10],
    length: usize,
}

impl Scalar {
    fn to_varint(value: u64) -> Self {
        let (bytes, length) = to_varint(value);
        Self { bytes, length }
    }

    fn fixed<const N: usize>(value: [u8; N]) -> Self {
        let mut scalar = Self { bytes: [0; 10], length: N };
        scalar.bytes.iter_mut().zip(value).for_each(|(slot, byte)| *slot = byte);
        scalar
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

/// What a value of a kind looks like, for messages.
pub(super) fn expected(kind: FieldKind) -> &'static str {
    match kind {
        FieldKind::Message(_) => "a message",
        FieldKind::Enum(_) => "the name or number of an enum's value",
        FieldKind::Bytes => "a string",
        FieldKind::Bool => "true or false",
        FieldKind::Float | FieldKind::Double => "a number",
        FieldKind::Int(32) | FieldKind::Sint(32) | FieldKind::Sfixed(32) => "an integer of 32 bits",
        FieldKind::Int(_) | FieldKind::Sint(_) | FieldKind::Sfixed(_) => "an integer of 64 bits",
        FieldKind::Uint(32) | FieldKind::Fixed(32) => "an integer of 32 bits without a sign",
        FieldKind::Uint(_) | FieldKind::Fixed(_) => "an integer of 64 bits without a sign",
    }
}

/// The value that `literal`, a number or a word, is for a field of this kind; `None` where it is none. `value` gives the
/// number of an enum's value.
pub(super) fn scalar(
    kind: FieldKind,
    negative: bool,
    literal: &[u8],
    value: impl FnOnce(u32, &[u8]) -> Option<i32>,
) -> Option<Scalar> {
    Some(match kind {
        FieldKind::Message(_) | FieldKind::Bytes => return None,
        FieldKind::Bool if negative => return None,
        FieldKind::Bool => Scalar::to_varint(match literal {
            b"true" | b"True" | b"t" => 1,
            b"false" | b"False" | b"f" => 0,
            number => integer(number).filter(|value| *value <= 1)?,
        }),
        FieldKind::Enum(values) => {
            let named = if negative { None } else { value(values, literal).map(i64::from) };
            let number = named.or_else(|| signed(literal, negative, 32))?;
            Scalar::to_varint(number.cast_unsigned())
        }
        FieldKind::Int(bits) => Scalar::to_varint(signed(literal, negative, bits)?.cast_unsigned()),
        FieldKind::Uint(bits) => Scalar::to_varint(unsigned(literal, negative, bits)?),
        FieldKind::Sint(bits) => {
            let value = signed(literal, negative, bits)?;
            Scalar::to_varint(((value << 1) ^ (value >> 63)).cast_unsigned())
        }
        FieldKind::Fixed(32) => Scalar::fixed(u32::try_from(unsigned(literal, negative, 32)?).ok()?.to_le_bytes()),
        FieldKind::Fixed(_) => Scalar::fixed(unsigned(literal, negative, 64)?.to_le_bytes()),
        FieldKind::Sfixed(32) => Scalar::fixed(i32::try_from(signed(literal, negative, 32)?).ok()?.to_le_bytes()),
        FieldKind::Sfixed(_) => Scalar::fixed(signed(literal, negative, 64)?.to_le_bytes()),
        // Rounded twice, as protobuf's own parser does it.
        #[expect(clippy::cast_possible_truncation, reason = "that is the rounding")]
        FieldKind::Float => Scalar::fixed((float(literal, negative)? as f32).to_le_bytes()),
        FieldKind::Double => Scalar::fixed(float(literal, negative)?.to_le_bytes()),
    })
}

/// Digits: decimal, octal behind `0`, hexadecimal behind `0x`.
fn integer(literal: &[u8]) -> Option<u64> {
    let literal = std::str::from_utf8(literal).ok()?;
    let (digits, radix) = match literal.strip_prefix("0x").or_else(|| literal.strip_prefix("0X")) {
        Some(digits) => (digits, 16),
        None if literal.len() > 1 && literal.starts_with('0') => (literal, 8),
        None => (literal, 10),
    };
    u64::from_str_radix(digits, radix).ok()
}

/// An integer that two's complement of `bits` bits can hold.
fn signed(literal: &[u8], negative: bool, bits: u32) -> Option<i64> {
    let magnitude = i128::from(integer(literal)?);
    let value = if negative { -magnitude } else { magnitude };
    let limit = 1_i128.checked_shl(bits.checked_sub(1)?)?;
    if (-limit..limit).contains(&value) { i64::try_from(value).ok() } else { None }
}

fn unsigned(literal: &[u8], negative: bool, bits: u32) -> Option<u64> {
    let value = integer(literal)?;
    if negative || (bits < 64 && value >> bits != 0) { None } else { Some(value) }
}

/// A decimal number, with `f` behind it or not; `inf`, `infinity` and `nan` in letters of either case.
fn float(literal: &[u8], negative: bool) -> Option<f64> {
    let literal = std::str::from_utf8(literal).ok()?;
    // What parses as a number in Rust and not here begins with a sign, which the lexer has taken off.
    let value = if literal.starts_with(|first: char| first.is_ascii_digit() || first == '.') {
        literal.strip_suffix(['f', 'F']).unwrap_or(literal).parse::<f64>().ok()?
    } else if literal.eq_ignore_ascii_case("nan") {
        f64::NAN
    } else if literal.eq_ignore_ascii_case("inf") || literal.eq_ignore_ascii_case("infinity") {
        f64::INFINITY
    } else {
        return None;
    };
    Some(if negative { -value } else { value })
}

/// An escape that stands for nothing: where in the string, and what should have been there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BadEscape {
    pub(super) offset: usize,
    pub(super) expected: &'static str,
}

/// Appends what a string means, given without its quotes, to `out`.
pub(super) fn unescape(string: &[u8], out: &mut Vec<u8>) -> Result<(), BadEscape> {
    let mut rest = string;
    while let Some(position) = rest.iter().position(|byte| *byte == b'\\') {
        let (plain, escape) = rest.split_at_checked(position).unwrap_or((rest, &[]));
        out.extend_from_slice(plain);
        let offset = string.len() - escape.len();
        let length = escaped(escape, out).map_err(|expected| BadEscape { offset, expected })?;
        rest = escape.get(length..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
    Ok(())
}

/// Appends what the escape at the start of `text` means and returns how long it is.
fn escaped(text: &[u8], out: &mut Vec<u8>) -> Result<usize, &'static str> {
    let simple = match text.get(1) {
        Some(b'a') => 0x07,
        Some(b'b') => 0x08,
        Some(b'f') => 0x0c,
        Some(b'n') => b'\n',
        Some(b'r') => b'\r',
        Some(b't') => b'\t',
        Some(b'v') => 0x0b,
        Some(sign @ (b'?' | b'\\' | b'\'' | b'"')) => *sign,
        Some(b'0'..=b'7') => {
            let (value, digits) = digits(text.get(1..).unwrap_or_default(), 8, 3);
            out.push(u8::try_from(value).map_err(|_| "an octal escape up to \\377")?);
            return Ok(1 + digits);
        }
        Some(b'x' | b'X') => {
            let (value, digits) = digits(text.get(2..).unwrap_or_default(), 16, 2);
            out.push(u8::try_from(value).ok().filter(|_| digits > 0).ok_or("hexadecimal digits behind \\x")?);
            return Ok(2 + digits);
        }
        Some(b'u') => return unicode(text, 4, out).ok_or("a code point of four hexadecimal digits behind \\u"),
        Some(b'U') => return unicode(text, 8, out).ok_or("a code point of eight hexadecimal digits behind \\U"),
        _ => return Err("an escape"),
    };
    out.push(simple);
    Ok(2)
}

/// Appends a code point in UTF-8; two surrogates, each an escape, are one.
fn unicode(text: &[u8], width: usize, out: &mut Vec<u8>) -> Option<usize> {
    let unit = |text: &[u8]| {
        let (value, digits) = digits(text.get(2..)?, 16, width);
        (digits == width).then_some(value)
    };
    let first = unit(text)?;
    let mut length = 2 + width;
    let code = if (0xd800..0xdc00).contains(&first) {
        let second = text.get(length..).filter(|rest| rest.starts_with(b"\\u") && width == 4)?;
        let second = unit(second).filter(|unit| (0xdc00..0xe000).contains(unit))?;
        length *= 2;
        0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00)
    } else {
        first
    };
    let character = char::from_u32(code)?;
    out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    Some(length)
}

/// The number that up to `most` digits are, and how many they are.
fn digits(text: &[u8], radix: u32, most: usize) -> (u32, usize) {
    let digits = text.iter().take(most).map_while(|byte| char::from(*byte).to_digit(radix));
    digits.fold((0_u32, 0), |(value, count), digit| (value.wrapping_mul(radix).wrapping_add(digit), count + 1))
}
