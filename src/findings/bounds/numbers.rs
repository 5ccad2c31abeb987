//! Numbers as nodes, constants and tensors have them.

use super::Bounds;
use crate::findings::nodes::Node;
use crate::message::attributes::OUTPUT_SHAPES;
use crate::message::number::attr_value::I;
use crate::message::number::attr_value::list_value::{F, SHAPE};
use crate::message::number::tensor_proto::{INT_VAL, INT64_VAL, TENSOR_CONTENT};
use crate::message::number::tensor_shape_proto::{DIM, dim};
use crate::message::{Message, TensorProto};
use crate::proto::DataType;
use crate::wire::{Field, WireType};

/// A cast of what is of one of the types that hold whole numbers.
pub(super) fn cast(node: &Node<'_>, from: Bounds) -> Bounds {
    let known = |dtype: DataType| {
        use DataType::{DtBool, DtDouble, DtFloat, DtInt8, DtInt16, DtInt32, DtInt64, DtUint8, DtUint16, DtUint32};
        match dtype {
            DtBool => Some(Bounds::BOOL),
            DtUint8 => Some(Bounds { least: 0, greatest: u8::MAX.into() }),
            DtUint16 => Some(Bounds { least: 0, greatest: u16::MAX.into() }),
            DtInt32 | DtInt64 | DtInt16 | DtInt8 | DtUint32 | DtFloat | DtDouble => Some(Bounds::ANY),
            _ => None,
        }
    };
    let of = |key: &[u8]| {
        let number = node.attribute(key)?.data_type()?;
        known(DataType::try_from(i32::try_from(number).ok()?).ok()?)
    };
    match (of(b"SrcT"), of(b"DstT")) {
        (Some(all), Some(Bounds::ANY)) => from.within(all),
        // What is too large for a byte is another number there.
        (Some(all), Some(fit)) if from.within(all).is_within(fit) => from.within(all),
        (Some(_), Some(fit)) => fit,
        _ => Bounds::ANY,
    }
}

/// An attribute that is an integer; 0 is not written.
pub(super) fn integer(node: &Node<'_>, key: &[u8]) -> Option<i64> {
    node.attribute(key).map(|value| value.message().integer(I).cast_signed())
}

/// Where a `Range` ends at the latest that is of a length which its shape says: TensorFlow knows how long
/// `tf.range(tf.shape(ids)[1])` is where `ids` has that dimension from a signature (`_output_shapes`).
pub(super) fn limit(node: &Node<'_>, start: Bounds, step: Bounds) -> Bounds {
    let list = node.attribute(OUTPUT_SHAPES).and_then(|value| value.list());
    let shape = list.and_then(|list| Some(Message::new(list.file(), list.repeated(SHAPE).next()?.payload())));
    let size = shape.and_then(|shape| shape.message(DIM)).map(|dim| dim.integer(dim::SIZE).cast_signed());
    let is_known = start.greatest < i64::MAX && step.greatest < i64::MAX && step.least > 0;
    let end = size
        .filter(|size| is_known && *size > 0)
        .and_then(|size| size.checked_mul(step.greatest)?.checked_add(start.greatest));
    Bounds { least: i64::MIN, greatest: end.unwrap_or(i64::MAX) }
}

/// How many boundaries `Bucketize` has, which is also the number of its last bucket.
pub(super) fn boundaries(node: &Node<'_>) -> i64 {
    let list = node.attribute(b"boundaries").and_then(|value| value.list());
    let count = |field: &Field| match field.wire_type {
        // Packed, four bytes each.
        WireType::Len => field.payload().len() / 4,
        _ => 1,
    };
    let all =
        list.map(|list| list.fields().filter(|field| field.number == F).map(|field| count(&field)).sum::<usize>());
    all.and_then(|all| i64::try_from(all).ok()).unwrap_or(i64::MAX)
}

/// The least and the greatest element of a tensor of whole numbers.
pub(super) fn numbers(tensor: &TensorProto<'_>) -> Option<Bounds> {
    let dtype = DataType::try_from(i32::try_from(tensor.data_type()).ok()?).ok()?;
    let message = tensor.message();
    let content = message.bytes(TENSOR_CONTENT);
    if !content.is_empty() {
        return of_numbers(content, dtype);
    }
    let of = |number: u64| Bounds::only(number.cast_signed());
    let values = message.integers::<u64>(INT_VAL).chain(message.integers(INT64_VAL));
    // A shape and no element means that all are 0.
    let zeros = || matches!(dtype, DataType::DtInt32 | DataType::DtInt64).then_some(Bounds::ZERO);
    values.map(of).reduce(Bounds::or).or_else(zeros)
}

/// Those of numbers as they are in memory.
pub(super) fn of_numbers(content: &[u8], dtype: DataType) -> Option<Bounds> {
    let of = |number: i64| Bounds::only(number);
    match dtype {
        DataType::DtInt32 => {
            content.as_chunks::<4>().0.iter().map(|bytes| of(i64::from(i32::from_le_bytes(*bytes)))).reduce(Bounds::or)
        }
        DataType::DtInt64 => content.as_chunks::<8>().0.iter().map(|b| of(i64::from_le_bytes(*b))).reduce(Bounds::or),
        _ => None,
    }
}
