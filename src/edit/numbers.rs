//! Integers and strings of a small message replaced where they stand, all else of it copied.

use std::ops::Range;

use crate::wire::{Field, Fields, WireType, append_varint};

/// What a field is to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'a> {
    /// An integer; 0 is not written, as proto3 has it.
    Integer(u64),
    /// A string; an empty one is not written.
    Text(&'a [u8]),
    /// Four bytes; 0 is not written.
    Fixed(u32),
}

impl Value<'_> {
    fn wire_type(self) -> WireType {
        match self {
            Self::Integer(_) => WireType::Varint,
            Self::Text(_) => WireType::Len,
            Self::Fixed(_) => WireType::Fixed32,
        }
    }

    fn write(self, number: u32, out: &mut Vec<u8>) {
        let tag = u64::from(number) << 3 | self.wire_type() as u64;
        match self {
            Self::Integer(0) | Self::Text([]) | Self::Fixed(0) => {}
            Self::Integer(value) => [tag, value].into_iter().for_each(|value| append_varint(out, value)),
            Self::Text(text) => {
                [tag, text.len() as u64].into_iter().for_each(|value| append_varint(out, value));
                out.extend_from_slice(text);
            }
            Self::Fixed(value) => {
                append_varint(out, tag);
                out.extend_from_slice(&value.to_le_bytes());
            }
        }
    }
}

/// The message with these fields, given in the order of their numbers, set to these values: in the place of the field if it
/// stands there, once, or else in front of the first field with a larger number. `None` where the message cannot be walked.
#[must_use]
pub fn with(message: &[u8], values: &[(u32, Value<'_>)]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(message.len().saturating_add(16));
    let mut left = values.iter().copied().peekable();
    let is_set = |field: &Field| {
        values.iter().any(|(number, value)| *number == field.number && value.wire_type() == field.wire_type)
    };
    for field in Fields::new(message, 0..message.len()) {
        let field = field.ok()?;
        let place = field.number.saturating_add(u32::from(is_set(&field)));
        while let Some((number, value)) = left.next_if(|(number, _)| *number < place) {
            value.write(number, &mut out);
        }
        if !is_set(&field) {
            out.extend_from_slice(message.get(field.range())?);
        }
    }
    left.for_each(|(number, value)| value.write(number, &mut out));
    Some(out)
}

/// The fields of a message but those of these numbers that are integers of any length or of four bytes, each as it is written; `None` where the message cannot
/// be walked.
#[must_use]
pub fn without<'m>(message: &'m [u8], numbers: &[u32]) -> Option<Vec<&'m [u8]>> {
    let is_number = |field: &Field| matches!(field.wire_type, WireType::Varint | WireType::Fixed32);
    let is_other = |field: &Field| !(numbers.contains(&field.number) && is_number(field));
    let fields: Vec<Field> = Fields::new(message, 0..message.len()).collect::<Result<_, _>>().ok()?;
    let ranges = fields.iter().filter(|field| is_other(field)).map(Field::range);
    ranges.map(|range: Range<usize>| message.get(range)).collect()
}

/// The payload of an integer.
#[must_use]
pub fn integer(value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    append_varint(&mut out, value);
    out
}

/// A field with a length.
#[must_use]
pub fn with_length(number: u32, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(payload.len().saturating_add(12));
    for part in [u64::from(number) << 3 | WireType::Len as u64, payload.len() as u64] {
        append_varint(&mut out, part);
    }
    out.extend_from_slice(payload);
    out
}
