//! The messages of V1 checkpoints (tensorflow/core/util/saved_tensor_slice.proto), in the order in which TensorFlow writes
//! their fields.

use super::wire::{Message, message};

/// `DataType.DT_FLOAT` (tensorflow/core/framework/types.proto).
pub const FLOAT: u64 = 1;

/// Where a slice starts and how long it is, for each dimension; `None` for a whole one.
pub type Extents<'a> = &'a [Option<(u64, u64)>];

/// The TensorSliceProto of a slice.
pub fn slice(extents: Extents<'_>) -> Message {
    let extent = |extent: &Option<(u64, u64)>| match extent {
        None => message(),
        Some((0, length)) => message().int(2, *length),
        Some((start, length)) => message().int(1, *start).int(2, *length),
    };
    extents.iter().fold(message(), |slice, bounds| slice.message(1, &extent(bounds)))
}

/// The SavedSliceMeta of a variable of floats.
pub fn variable(name: &str, shape: &[u64], slices: &[Message]) -> Message {
    let shape = shape.iter().fold(message(), |shape, size| shape.message(2, &message().int(1, *size)));
    message().bytes(1, name).message(2, &shape).int(3, FLOAT).messages(4, slices)
}

/// The value of the empty key: a table of contents.
pub fn contents(variables: &[Message]) -> Message {
    message().message(1, &message().messages(1, variables).message(2, &message().int(1, 1)))
}

/// The value of a slice of floats.
pub fn value(name: &str, extents: Extents<'_>, floats: &[f32]) -> Message {
    let packed: Vec<u8> = floats.iter().flat_map(|float| float.to_le_bytes()).collect();
    let data = message().bytes(5, packed);
    message().message(2, &message().bytes(1, name).message(2, &slice(extents)).message(3, &data))
}
