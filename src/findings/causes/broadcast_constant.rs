//! `broadcast-constant`: a constant whose slices along a dimension are all equal.
//!
//! `np.broadcast_to(anchors, (batch, ...)).copy()` stores one slice many times. TensorFlow's ops broadcast a dimension of
//! size 1 themselves; `tf.constant` of a numpy array writes every element (`tensor_content`), whatever they are.

use crate::broadcast::Slices;
use crate::findings::claims::Claims;
use crate::findings::constants::{Constant, LARGE};
use crate::findings::evidence::{Evidence, Place};
use crate::findings::slices::kept;
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
    cure: Cure::Slices,
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

fn describe(context: &Context<'_>, constant: &Constant<'_>, kept: &Slices) -> String {
    let place = constant.scope.place(context, &constant.node);
    let shape = |shape: &[u64]| shape.iter().map(|size| exact(*size)).collect::<Vec<_>>().join(" × ");
    format!("{place}, {}, is one of {} repeated", shape(&constant.shape), shape(&kept.shape))
}
