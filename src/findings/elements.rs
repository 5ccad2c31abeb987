//! The elements of a constant, one by one: for what they take as text, and whether they count up.

use super::constants::{Constant, Form};
use crate::message::number::tensor_proto;
use crate::proto::DataType;
use crate::wire::{fields, varint};

/// Digits of a float as text, with the point and the exponent: as many as tell two floats apart, and twice for doubles.
const FLOAT_TEXT: u64 = 9;
const DOUBLE_TEXT: u64 = 17;

/// What the elements take as text without anything between them; `None` where a string would break a line of a file with
/// columns, or nobody knows.
pub(super) fn text_bytes(file: &[u8], constant: &Constant<'_>) -> Option<u64> {
    if constant.form == Form::Strings {
        let strings = fields(file, constant.payload.clone()).filter(|field| field.is_len(tensor_proto::STRING_VAL));
        return strings.map(|string| string.bytes(file)).try_fold(0_u64, |sum, string| {
            let breaks = string.iter().any(|byte| matches!(byte, b'\n' | b'\t'));
            if breaks { None } else { sum.checked_add(string.len() as u64) }
        });
    }
    match DataType::try_from(i32::try_from(constant.dtype).ok()?).ok()? {
        DataType::DtFloat => constant.elements()?.checked_mul(FLOAT_TEXT),
        DataType::DtDouble => constant.elements()?.checked_mul(DOUBLE_TEXT),
        _ => integers(file, constant)?.try_fold(0_u64, |sum, number| sum.checked_add(digits(number))),
    }
}

/// Whether each element is one more than the one before it. A table that is read from a file may begin to count at any
/// number (`value_index_offset`).
pub(super) fn counts_up(file: &[u8], constant: &Constant<'_>) -> bool {
    let Some(mut numbers) = integers(file, constant) else { return false };
    let Some(first) = numbers.next() else { return false };
    let mut count: u64 = 1;
    let all = numbers.zip(first.saturating_add(1)..).all(|(number, expected)| {
        count += 1;
        number == expected
    });
    all && constant.elements() == Some(count)
}

fn digits(number: i64) -> u64 {
    let sign = u64::from(number < 0);
    u64::from(number.unsigned_abs().checked_ilog10().unwrap_or(0)).saturating_add(1).saturating_add(sign)
}

/// The elements of a tensor of int32 or int64; `None` for any other.
fn integers<'f>(file: &'f [u8], constant: &Constant<'_>) -> Option<Box<dyn Iterator<Item = i64> + 'f>> {
    let bytes = file.get(constant.payload.clone())?;
    let dtype = DataType::try_from(i32::try_from(constant.dtype).ok()?).ok()?;
    match (constant.form, dtype) {
        (Form::Memory, DataType::DtInt32) => {
            let numbers = bytes.as_chunks::<4>().0.iter();
            Some(Box::new(numbers.map(|bytes| i64::from(i32::from_le_bytes(*bytes)))))
        }
        (Form::Memory, DataType::DtInt64) => {
            let numbers = bytes.as_chunks::<8>().0.iter();
            Some(Box::new(numbers.map(|bytes| i64::from_le_bytes(*bytes))))
        }
        (Form::Varints, DataType::DtInt32 | DataType::DtInt64) => {
            let mut rest = bytes;
            Some(Box::new(std::iter::from_fn(move || {
                let (number, length) = varint(rest)?;
                rest = rest.get(length..)?;
                Some(number.cast_signed())
            })))
        }
        _ => None,
    }
}
