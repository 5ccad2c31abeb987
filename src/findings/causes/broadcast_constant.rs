//! `broadcast-constant`: a constant whose slices along a dimension are all equal.
//!
//! `np.broadcast_to(anchors, (batch, ...)).copy()` stores one slice many times. TensorFlow's ops broadcast a dimension of
//! size 1 themselves; `tf.constant` of a numpy array writes every element (`tensor_content`), whatever they are.

use std::ops::Range;

use crate::findings::claims::Claims;
use crate::findings::constants::{Constant, Form, LARGE};
use crate::findings::evidence::{Evidence, Place};
use crate::findings::{Cause, Context, Cure, Detected, Remedy};
use crate::size::{bytes, exact, plural};

pub(super) const CAUSE: Cause = Cause {
    id: "broadcast-constant",
    remedies: &[Remedy::any(
        "Keep one slice, with size 1 in that dimension, and let ops broadcast it, or make it with `tf.broadcast_to` or \
             `tf.fill` where an op does not.",
        "",
        "an op needs the whole tensor as a constant, or the slices are equal only until the next training.",
    )],
    long: include_str!("../../../docs/findings/broadcast-constant.md"),
    detect,
    only_information: None,
    cure: Cure::None,
};

fn detect(context: &Context<'_>) -> Option<Detected> {
    let (mut claims, mut evidence, mut ranges) = (Claims::default(), Evidence::default(), Vec::new());
    for constant in &context.large().constants {
        let Some(kept) = kept(context.main(), constant) else { continue };
        // What stays is a part of the same form, so a share of the file's bytes goes.
        let freed = constant.payload.start.saturating_add(kept.bytes)..constant.payload.end;
        if freed.len() < LARGE {
            continue;
        }
        evidence.add(context.cost(&freed), || {
            (describe(context, constant, &kept), Place::of_node(context, constant.scope, &constant.node))
        });
        ranges.push(freed);
    }
    context.claim(&mut claims, ranges);
    let (constants, size) = (plural(evidence.count(), "constant repeats", "constants repeat"), bytes(claims.bytes()));
    (!evidence.is_empty()).then(|| Detected {
        message: format!("{constants} one slice along a dimension: {size} that broadcasting would make."),
        evidence,
        claims,
        beyond: 0,
    })
}

/// What of a constant is enough to make the rest of it.
struct Kept {
    bytes: usize,
    /// The sizes of the dimensions with 1 for those along which all slices are equal.
    shape: Vec<u64>,
}

/// `None` where no dimension has equal slices, or the elements are not as wide as each other in the file.
fn kept(file: &[u8], constant: &Constant<'_>) -> Option<Kept> {
    let payload = file.get(constant.payload.clone())?;
    let elements = usize::try_from(constant.elements()?).ok()?;
    let width = payload.len().checked_div(elements)?;
    // Varints of one byte each are as wide as each other.
    let is_even = width.checked_mul(elements)? == payload.len();
    if !is_even || width == 0 || !matches!((constant.form, width), (Form::Memory, _) | (Form::Varints, 1)) {
        return None;
    }
    let (mut shape, mut inner, mut bytes) = (constant.shape.clone(), width, payload.len());
    // From the innermost dimension outwards. At most 63 are larger than 1, each takes one look at the payload.
    for size in shape.iter_mut().rev() {
        let count = usize::try_from(*size).ok()?;
        let outer = inner.checked_mul(count)?;
        if count > 1 && payload.chunks_exact(outer).all(|block| repeats(block, inner)) {
            *size = 1;
            bytes = bytes.checked_div(count)?;
        }
        inner = outer;
    }
    (bytes < payload.len()).then_some(Kept { bytes, shape })
}

/// Whether a block is its first `length` bytes again and again.
fn repeats(block: &[u8], length: usize) -> bool {
    let shifted: Range<usize> = length..block.len();
    block.get(shifted) == block.get(..block.len().saturating_sub(length))
}

fn describe(context: &Context<'_>, constant: &Constant<'_>, kept: &Kept) -> String {
    let place = constant.scope.place(context, &constant.node);
    let shape = |shape: &[u64]| shape.iter().map(|size| exact(*size)).collect::<Vec<_>>().join(" × ");
    format!("{place}, {}, is one of {} repeated", shape(&constant.shape), shape(&kept.shape))
}
