//! Slices along dimensions that are all equal.

/// What of a tensor is enough to make the rest of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Slices {
    /// The sizes of the dimensions, with 1 for those along which all slices are equal.
    pub(crate) shape: Vec<u64>,
    /// The bytes of one slice in all of these.
    pub(crate) bytes: usize,
}

impl Slices {
    /// Looks for equal slices in elements of `width` bytes each, in row-major order; `None` where no dimension has such, or
    /// where the elements are not as many as the shape says.
    #[must_use]
    pub(crate) fn of(elements: &[u8], shape: &[u64], width: usize) -> Option<Self> {
        let count = shape.iter().try_fold(1_u64, |product, size| product.checked_mul(*size))?;
        let is_even = width.checked_mul(usize::try_from(count).ok()?)? == elements.len();
        if !is_even || elements.is_empty() {
            return None;
        }
        let (mut kept, mut inner, mut bytes) = (shape.to_vec(), width, elements.len());
        // From the innermost dimension outwards. At most 63 are larger than 1, each takes one look at the elements.
        for size in kept.iter_mut().rev() {
            let count = usize::try_from(*size).ok()?;
            let outer = inner.checked_mul(count)?;
            if count > 1 && elements.chunks_exact(outer).all(|block| repeats(block, inner)) {
                *size = 1;
                bytes = bytes.checked_div(count)?;
            }
            inner = outer;
        }
        (bytes < elements.len()).then_some(Self { shape: kept, bytes })
    }
}

/// Whether a block is its first `length` bytes again and again.
fn repeats(block: &[u8], length: usize) -> bool {
    block.get(length..) == block.get(..block.len().saturating_sub(length))
}

/// The first slice along each dimension that is 1 in `kept`, of elements in row-major order.
#[must_use]
pub(crate) fn first(elements: &[u8], shape: &[u64], kept: &[u64]) -> Option<Vec<u8>> {
    let mut inner = elements.len();
    let mut left = elements.to_vec();
    // From the outermost dimension inwards, so that each look is at what is left.
    for (size, kept) in shape.iter().zip(kept) {
        let outer = inner;
        inner = outer.checked_div(usize::try_from(*size).ok()?)?;
        if kept < size {
            left = left.chunks_exact(outer).filter_map(|block| block.get(..inner)).flatten().copied().collect();
        }
    }
    Some(left)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_are_equal_along_any_dimensions() {
        let of = |elements: &[u8], shape: &[u64]| {
            let slices = Slices::of(elements, shape, 1)?;
            let left = first(elements, shape, &slices.shape)?;
            assert_eq!(left.len(), slices.bytes);
            Some((slices.shape, left))
        };
        assert_eq!(of(&[1, 2, 1, 2], &[2, 2]), Some((vec![1, 2], vec![1, 2])));
        assert_eq!(of(&[1, 1, 2, 2], &[2, 2]), Some((vec![2, 1], vec![1, 2])));
        assert_eq!(of(&[1, 1, 2, 2, 1, 1, 2, 2], &[2, 2, 2]), Some((vec![1, 2, 1], vec![1, 2])));
        assert_eq!(of(&[7; 6], &[3, 2]), Some((vec![1, 1], vec![7])));
        assert_eq!(of(&[1, 2, 3, 1], &[2, 2]), None);
        assert_eq!(of(&[1, 1], &[3]), None, "fewer elements than the shape says");
        assert_eq!(of(&[], &[0, 2]), None);
        assert_eq!(of(&[1], &[]), None);
    }
}
