//! A text held against wire format: whether they are the same SavedModel, field by field and in the same order.
//!
//! The text was read by [`crate::text`], and what that made of it is what all else of the proof is about; here it is read again,
//! by other code, which knows no damage: whatever is not plainly as protobuf's printer or parser has it is not the same
//! (<https://protobuf.dev/reference/protobuf/textformat-spec/>).

use std::ops::Range;

use crate::schema::{Field as Known, FieldKind, SCHEMA};
use crate::wire::{Field, Fields, WireType, varint};

/// Messages nest no deeper where a loader reads them.
const DEEPEST: u32 = 100;

/// Whether a text is the SavedModel in `wire`.
pub(super) fn is_of(text: &[u8], wire: &[u8]) -> bool {
    let mut text = Text { text, at: 0 };
    let is_same = Pair { wire, fields: Fields::new(wire, 0..wire.len()), packed: None };
    is_same.holds(&mut text, SCHEMA.root(), None, 0).is_some() && text.peek().is_none()
}

/// What is left of a text.
struct Text<'t> {
    text: &'t [u8],
    at: usize,
}

impl<'t> Text<'t> {
    /// The next byte that is neither blank nor in a comment.
    fn peek(&mut self) -> Option<u8> {
        loop {
            match self.text.get(self.at)? {
                b'#' => {
                    let rest = self.text.get(self.at..)?;
                    let line = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
                    self.at = self.at.saturating_add(line);
                }
                byte if byte.is_ascii_whitespace() || *byte == 0x0b => self.at = self.at.saturating_add(1),
                byte => return Some(*byte),
            }
        }
    }

    /// Passes a sign, if it is next.
    fn eat(&mut self, sign: u8) -> bool {
        let is_next = self.peek() == Some(sign);
        self.at = self.at.saturating_add(usize::from(is_next));
        is_next
    }

    /// The next letters, digits and what may be within a number.
    fn word(&mut self) -> Option<&'t [u8]> {
        let first = self.peek()?;
        let is_number = first.is_ascii_digit() || first == b'.';
        let rest = self.text.get(self.at..)?;
        let mut length = 0_usize;
        while let Some(byte) = rest.get(length) {
            let before = length.checked_sub(1).and_then(|before| rest.get(before));
            let is_exponent = matches!(before, Some(b'e' | b'E')) && !rest.starts_with(b"0x");
            let is_part = byte.is_ascii_alphanumeric()
                || *byte == b'_'
                || is_number && (*byte == b'.' || matches!(byte, b'+' | b'-') && is_exponent);
            if !is_part {
                break;
            }
            length = length.saturating_add(1);
        }
        self.at = self.at.saturating_add(length);
        rest.get(..length).filter(|word| !word.is_empty())
    }

    /// The bytes of one or more strings, one behind the other.
    fn string(&mut self) -> Option<Vec<u8>> {
        let mut all = Vec::new();
        while let Some(quote @ (b'"' | b'\'')) = self.peek() {
            self.at = self.at.checked_add(1)?;
            loop {
                match self.next()? {
                    byte if byte == quote => break,
                    b'\n' => return None,
                    b'\\' => self.escape(&mut all)?,
                    byte => all.push(byte),
                }
            }
            if !matches!(self.peek(), Some(b'"' | b'\'')) {
                return Some(all);
            }
        }
        None
    }

    fn next(&mut self) -> Option<u8> {
        let byte = *self.text.get(self.at)?;
        self.at = self.at.checked_add(1)?;
        Some(byte)
    }

    /// What is behind a backslash.
    fn escape(&mut self, into: &mut Vec<u8>) -> Option<()> {
        let number = |text: &mut Self, radix: u32, most: usize| {
            let rest = text.text.get(text.at..)?;
            let digits = rest.iter().take(most).take_while(|byte| char::from(**byte).is_digit(radix)).count();
            let digits = rest.get(..digits)?;
            text.at = text.at.checked_add(digits.len())?;
            u32::from_str_radix(std::str::from_utf8(digits).ok()?, radix).ok()
        };
        let byte = match self.next()? {
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'a' => 7,
            b'b' => 8,
            b'v' => 0x0b,
            b'f' => 0x0c,
            sign @ (b'\\' | b'\'' | b'"' | b'?') => sign,
            b'x' | b'X' => u8::try_from(number(self, 16, 2)?).ok()?,
            b'0'..=b'7' => {
                self.at = self.at.checked_sub(1)?;
                u8::try_from(number(self, 8, 3)?).ok()?
            }
            // Code points, which no printer of protobuf writes.
            _ => return None,
        };
        into.push(byte);
        Some(())
    }
}

/// A message of the wire that a text is held against.
struct Pair<'w> {
    wire: &'w [u8],
    fields: Fields<'w>,
    /// The packed field that numbers are taken from, and what is left of it.
    packed: Option<(Known, Range<usize>)>,
}

impl<'w> Pair<'w> {
    /// Holds all of a message against the text up to this sign, or to the end.
    fn holds(mut self, text: &mut Text<'_>, message: u32, closing: Option<u8>, depth: u32) -> Option<()> {
        loop {
            while text.eat(b',') || text.eat(b';') {}
            match (text.peek(), closing) {
                (None, None) => break,
                (Some(byte), Some(closing)) if byte == closing => {
                    text.eat(closing);
                    break;
                }
                _ => {}
            }
            let known = SCHEMA.field(message, text.word()?)?;
            if self.packed.as_ref().is_some_and(|(packed, _)| *packed != known) {
                self.unpacked()?;
            }
            let colon = text.eat(b':');
            if known.repeated && text.eat(b'[') {
                while !text.eat(b']') {
                    self.value(text, known, depth)?;
                    // A comma is between values.
                    if !text.eat(b',') && text.peek() != Some(b']') {
                        return None;
                    }
                }
            } else if colon || matches!(known.kind, FieldKind::Message(_)) {
                self.value(text, known, depth)?;
            } else {
                return None;
            }
        }
        self.unpacked()?;
        self.fields.next().is_none().then_some(())
    }

    /// There is nothing left of a packed field.
    fn unpacked(&mut self) -> Option<()> {
        self.packed.take().is_none_or(|(_, rest)| rest.is_empty()).then_some(())
    }

    /// The next field of the message, which has this number and is laid out so.
    fn field(&mut self, known: Known, wire_type: WireType) -> Option<Field> {
        let field = self.fields.next()?.ok()?;
        (field.number == known.number && field.wire_type == wire_type).then_some(field)
    }

    /// Holds one value against the text.
    fn value(&mut self, text: &mut Text<'_>, known: Known, depth: u32) -> Option<()> {
        match known.kind {
            FieldKind::Message(message) => {
                let closing = if text.eat(b'<') { b'>' } else { text.eat(b'{').then_some(b'}')? };
                let field = self.field(known, WireType::Len)?;
                let depth = depth.checked_add(1).filter(|depth| *depth <= DEEPEST)?;
                let inner = Pair { wire: self.wire, fields: Fields::new(self.wire, field.payload()), packed: None };
                inner.holds(text, message, Some(closing), depth)
            }
            FieldKind::Bytes => {
                let field = self.field(known, WireType::Len)?;
                (text.string()? == field.bytes(self.wire)).then_some(())
            }
            kind => {
                let is_negative = text.eat(b'-');
                let word = text.word()?;
                let number = self.number(known)?;
                is_number(kind, is_negative, std::str::from_utf8(word).ok()?, number).then_some(())
            }
        }
    }

    /// The next number of a field, as it is on the wire.
    fn number(&mut self, known: Known) -> Option<u64> {
        let wire_type = known.kind.wire_type();
        let at = if known.repeated && known.kind.is_packable() {
            if self.packed.is_none() {
                self.packed = Some((known, self.field(known, WireType::Len)?.payload()));
            }
            self.packed.as_ref()?.1.clone()
        } else {
            self.field(known, wire_type)?.payload()
        };
        let bytes = self.wire.get(at.clone())?;
        let (number, length) = match wire_type {
            WireType::Varint => varint(bytes)?,
            WireType::Fixed32 => (u64::from(u32::from_le_bytes(*bytes.first_chunk()?)), 4),
            WireType::Fixed64 => (u64::from_le_bytes(*bytes.first_chunk()?), 8),
            WireType::Len | WireType::Group => return None,
        };
        if let Some((_, rest)) = &mut self.packed {
            rest.start = rest.start.checked_add(length)?;
        } else if length != bytes.len() {
            return None;
        }
        Some(number)
    }
}

/// Whether a word of the text is a number as it is on the wire.
fn is_number(kind: FieldKind, is_negative: bool, word: &str, wire: u64) -> bool {
    let integer = || -> Option<i128> {
        let magnitude = match (word.strip_prefix("0x"), word.strip_prefix('0')) {
            (Some(digits), _) => u64::from_str_radix(digits, 16),
            (None, Some(digits)) if !digits.is_empty() => u64::from_str_radix(digits, 8),
            _ => word.parse(),
        };
        let magnitude = i128::from(magnitude.ok()?);
        Some(if is_negative { magnitude.checked_neg()? } else { magnitude })
    };
    let signed = |value: Option<i64>| value.map(i128::from).is_some_and(|value| integer() == Some(value));
    let real = || -> Option<f64> {
        let value = match &*word.to_ascii_lowercase() {
            "nan" => f64::NAN,
            "inf" | "infinity" => f64::INFINITY,
            digits if digits.starts_with(|first: char| first.is_ascii_digit() || first == '.') => {
                digits.strip_suffix('f').unwrap_or(digits).parse().ok()?
            }
            _ => return None,
        };
        Some(if is_negative { -value } else { value })
    };
    // How 32 bits are widened is the same for all kinds that have a sign.
    let narrow = |wire: u64| i64::from(i32::from_le_bytes(*wire.to_le_bytes().first_chunk().unwrap_or(&[0; 4])));
    match kind {
        FieldKind::Bool => match word {
            "true" | "True" | "t" | "1" => !is_negative && wire == 1,
            "false" | "False" | "f" | "0" => !is_negative && wire == 0,
            _ => false,
        },
        FieldKind::Enum(values) => match SCHEMA.value(values, word.as_bytes()) {
            Some(value) => !is_negative && i64::from(value) == wire.cast_signed(),
            None => signed(Some(wire.cast_signed())),
        },
        FieldKind::Int(_) | FieldKind::Sfixed(64) => signed(Some(wire.cast_signed())),
        FieldKind::Sfixed(_) => signed(Some(narrow(wire))),
        FieldKind::Uint(_) | FieldKind::Fixed(_) => integer() == Some(i128::from(wire)),
        FieldKind::Sint(_) => signed(Some((wire >> 1).cast_signed() ^ (wire & 1).cast_signed().wrapping_neg())),
        #[expect(clippy::cast_possible_truncation, reason = "protobuf's parser rounds to 64 bits first")]
        FieldKind::Float => real().is_some_and(|value| u64::from((value as f32).to_bits()) == wire),
        FieldKind::Double => real().is_some_and(|value| value.to_bits() == wire),
        FieldKind::Message(_) | FieldKind::Bytes => false,
    }
}

#[cfg(test)]
mod tests {
    use super::is_of;

    /// Whether the wire format that the text means is held to be that of another text.
    fn held(text: &str, other: &str) -> bool {
        let read = crate::text::read(other.as_bytes());
        assert!(read.faults.is_empty(), "{:?}", read.faults);
        is_of(text.as_bytes(), &read.wire)
    }

    const MODEL: &str = r#"
        saved_model_schema_version: 1  # a comment
        meta_graphs {
          meta_info_def { tags: "serve" tags: 'a\n\"\\\377\x41' "b" stripped_default_attrs: true }
          graph_def < node { name: "c", op: "Const"; attr { key: "value" value { tensor {
            dtype: DT_FLOAT float_val: 0.1 float_val: -1.5e-3 float_val: nan float_val: [-inf, 2] int_val: -7
            tensor_shape { dim { size: -1 } } } } } attr { key: "n" value { list { i: [1, 0x10, 010] type: [DT_INT32, 7] } } } } >
        }"#;

    #[test]
    fn a_text_is_the_wire_format_that_it_means() {
        assert!(held(MODEL, MODEL) && held("", "") && held("meta_graphs: [{}, {}]", "meta_graphs {} meta_graphs: {}"));
    }

    #[test]
    fn whatever_is_not_the_same_is_noticed() {
        let changes = [
            ("version: 1 ", "version: 2 "),
            ("\"serve\"", "\"served\""),
            (r"\x41", r"\x42"),
            ("\"b\"", ""),
            ("stripped_default_attrs: true", ""),
            ("true", "false"),
            ("0.1", "0.10000001"),
            ("-1.5e-3", "1.5e-3"),
            ("nan", "-nan"),
            ("-inf, 2", "-inf"),
            ("int_val: -7", "int_val: -8"),
            ("int_val: -7", "int_val: -7 int_val: 0"),
            ("-1 }", "1 }"),
            ("DT_INT32, 7", "DT_INT32, 8"),
            ("DT_FLOAT", "DT_DOUBLE"),
            ("0x10", "0x11"),
            ("op: \"Const\"", "device: \"Const\""),
            ("dim { size: -1 }", ""),
            ("dim { size: -1 }", "dim {}"),
        ];
        for (from, to) in changes {
            let changed = MODEL.replacen(from, to, 1);
            assert!(changed != MODEL && !held(&changed, MODEL) && !held(MODEL, &changed), "{from} {to}");
        }
    }

    #[test]
    fn what_is_unknown_or_cut_is_the_same_as_nothing() {
        for text in
            ["new_field: 1", "meta_graphs { ", "meta_graphs }", "1: 1", "saved_model_schema_version: \"1\"", "x"]
        {
            let read = crate::text::read(text.as_bytes());
            assert!(!is_of(text.as_bytes(), &read.wire), "{text}");
        }
    }
}
