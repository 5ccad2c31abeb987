//! Constants that are a part of them again and again: which part is enough, and whether an op may make the rest of it.
//!
//! `np.broadcast_to(anchors, (batch, ...)).copy()` stores one slice many times. The op `BroadcastTo` makes the rest of one slice
//! (tensorflow/core/kernels/broadcast_to_op.cc), and a runtime does that once, when it takes up the function: what an op makes
//! of constants is computed then, up to [`MAX_BYTES`].

mod rounding;
mod slices;
#[cfg(test)]
mod tests;

pub(crate) use rounding::Programs;
pub(crate) use slices::{Slices, first};

use crate::proto::DataType;

/// A runtime makes no constant larger than this (`max_constant_size_in_bytes`,
/// tensorflow/core/common_runtime/constant_folding.h); an op would make a larger one in each call.
const MAX_BYTES: usize = 10 << 20;

/// The kernel knows few dimensions, where those side by side that are all kept or all repeated are one
/// (tensorflow/core/kernels/broadcast_to_op.cc).
const MAX_RUNS: usize = 3;

/// What of a constant an op may repeat to make the rest of it, by what the constant is; [`Programs`] say whether it may by what is done
/// with it. `None` of what is no float (`dtype` is the number of a DataType), of more than a runtime makes or the kernel knows, and
/// of zeros and ones, which a runtime leaves out of sums and products.
#[must_use]
pub(crate) fn repeated(dtype: u64, shape: &[u64], elements: &[u8]) -> Option<Slices> {
    let width = match DataType::try_from(i32::try_from(dtype).ok()?).ok()? {
        DataType::DtHalf => 2,
        DataType::DtFloat => 4,
        DataType::DtDouble => 8,
        _ => return None,
    };
    let slices = Slices::of(elements, shape, width).filter(|_| elements.len() <= MAX_BYTES)?;
    let is_one = slices.bytes == width;
    let is_possible =
        runs(shape, &slices.shape) <= MAX_RUNS && !(is_one && elements.get(..width).is_none_or(is_zero_or_one));
    is_possible.then_some(slices)
}

/// How many runs of dimensions there are that are all kept, or all repeated.
fn runs(shape: &[u64], kept: &[u64]) -> usize {
    let larger = shape.iter().zip(kept).filter(|(size, _)| **size > 1);
    let mut repeated: Vec<bool> = larger.map(|(size, kept)| kept < size).collect();
    repeated.dedup();
    repeated.len()
}

fn is_zero_or_one(float: &[u8]) -> bool {
    match *float {
        [low, high] => matches!(u16::from_le_bytes([low, high]) & 0x7fff, 0 | 0x3c00),
        [a, b, c, d] => matches!(u32::from_le_bytes([a, b, c, d]) & 0x7fff_ffff, 0 | 0x3f80_0000),
        [a, b, c, d, e, f, g, h] => {
            matches!(u64::from_le_bytes([a, b, c, d, e, f, g, h]) & (u64::MAX >> 1), 0 | 0x3ff0_0000_0000_0000)
        }
        _ => false,
    }
}
