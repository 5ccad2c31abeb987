//! A TensorProto: type, shape and where its content is (tensorflow/core/framework/tensor.proto).

use std::ops::Range;

use super::number::tensor_proto::{
    BOOL_VAL, DCOMPLEX_VAL, DOUBLE_VAL, DTYPE, FLOAT_VAL, HALF_VAL, INT_VAL, INT64_VAL, SCOMPLEX_VAL, STRING_VAL,
    TENSOR_CONTENT, TENSOR_SHAPE, UINT32_VAL, UINT64_VAL, VERSION_NUMBER,
};
use super::number::tensor_shape_proto::{DIM, UNKNOWN_RANK, dim};
use super::view::Message;
use crate::wire::{Field, WireType};

/// A shape of more dimensions is none (`TensorShape::MaxDimensions`, tensorflow/core/framework/tensor_shape.h).
pub const MAX_RANK: usize = 254;

/// A TensorProto where it lies.
#[derive(Debug, Clone, Default)]
pub struct TensorProto<'f>(Message<'f>);

/// How elements are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Form {
    /// As they are in memory: `tensor_content`, packed `float_val` and the like; a bool is a varint of one byte.
    Memory,
    /// Packed varints: `int_val`, `half_val` and the like.
    Varints,
    /// The `string_val` fields, with their tags and lengths.
    Strings,
}

/// What a field of a TensorProto holds of its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Elements {
    /// `tensor_content`
    Content,
    /// Several numbers, packed.
    Packed(Form),
    /// One number, written by itself.
    Single,
    /// One string of `string_val`.
    String,
}

impl Elements {
    /// What a field of a TensorProto holds; `None` of any that is no content.
    #[must_use]
    #[inline]
    pub fn of(field: &Field) -> Option<Self> {
        match (field.number, field.wire_type) {
            (TENSOR_CONTENT, WireType::Len) => Some(Self::Content),
            (FLOAT_VAL | DOUBLE_VAL | BOOL_VAL | SCOMPLEX_VAL | DCOMPLEX_VAL, WireType::Len) => {
                Some(Self::Packed(Form::Memory))
            }
            (INT_VAL | INT64_VAL | HALF_VAL | UINT32_VAL | UINT64_VAL, WireType::Len) => {
                Some(Self::Packed(Form::Varints))
            }
            (FLOAT_VAL | SCOMPLEX_VAL, WireType::Fixed32)
            | (DOUBLE_VAL | DCOMPLEX_VAL, WireType::Fixed64)
            | (INT_VAL | INT64_VAL | HALF_VAL | BOOL_VAL | UINT32_VAL | UINT64_VAL, WireType::Varint) => {
                Some(Self::Single)
            }
            (STRING_VAL, WireType::Len) => Some(Self::String),
            _ => None,
        }
    }
}

impl<'f> TensorProto<'f> {
    /// The TensorProto that a message is.
    #[must_use]
    pub fn new(message: Message<'f>) -> Self {
        Self(message)
    }

    /// The message itself.
    #[must_use]
    pub fn message(&self) -> &Message<'f> {
        &self.0
    }

    /// `dtype`, the number of a DataType.
    #[must_use]
    pub fn data_type(&self) -> u64 {
        self.0.integer(DTYPE)
    }

    /// The sizes of `tensor_shape`; `None` where it has too many dimensions, or one that nobody knows.
    #[must_use]
    pub fn shape(&self) -> Option<Vec<u64>> {
        let Some(shape) = self.0.message(TENSOR_SHAPE) else { return Some(Vec::new()) };
        let size = |field: Field| Message::new(self.0.file(), field.payload()).integer(dim::SIZE);
        let sizes: Vec<u64> = shape.repeated(DIM).take(MAX_RANK.saturating_add(1)).map(size).collect();
        let is_known = sizes.len() <= MAX_RANK && sizes.iter().all(|size| i64::try_from(*size).is_ok());
        (is_known && shape.integer(UNKNOWN_RANK) == 0).then_some(sizes)
    }

    /// The fields of `string_val`.
    pub fn strings(&self) -> impl Iterator<Item = Field> + use<'_, 'f> {
        self.0.repeated(STRING_VAL)
    }

    /// `tensor_content`, where nothing besides says what its elements are.
    #[must_use]
    pub fn content(&self) -> Option<&'f [u8]> {
        let is_known = |field: Field| matches!(field.number, DTYPE | TENSOR_SHAPE | TENSOR_CONTENT | VERSION_NUMBER);
        self.0.fields().all(is_known).then(|| self.0.bytes(TENSOR_CONTENT))
    }

    /// Where its elements are, and how they are written, if they are in one piece: `tensor_content` where that is not empty
    /// (`Tensor::FromProto`, tensorflow/core/framework/tensor.cc), or else one packed field, or strings side by side. `None`
    /// of elements in several pieces, of which each is one more part of the tensor.
    #[must_use]
    pub fn elements(&self) -> Option<(Form, Range<usize>)> {
        let (mut content, mut values, mut pieces) = (0..0, None::<(Form, Range<usize>)>, 0_usize);
        for field in self.0.fields() {
            let piece = match Elements::of(&field) {
                Some(Elements::Content) => {
                    content = field.payload();
                    continue;
                }
                Some(Elements::Packed(form)) => (form, field.payload()),
                Some(Elements::Single) => (Form::Memory, field.payload()),
                Some(Elements::String) => match &mut values {
                    Some((Form::Strings, range)) if range.end == field.start => {
                        range.end = field.end;
                        continue;
                    }
                    _ => (Form::Strings, field.range()),
                },
                None => continue,
            };
            pieces = pieces.saturating_add(1);
            values = Some(piece);
        }
        if content.is_empty() { values.filter(|_| pieces == 1) } else { Some((Form::Memory, content)) }
    }
}
