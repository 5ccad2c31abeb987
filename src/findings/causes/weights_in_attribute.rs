//! `weights-in-attribute`: weights inside of the programs that attributes of nodes hold.
//!
//! `jax2tf.convert` of a function that closes over its weights makes them constants of a StableHLO module, the attribute
//! `module` of an `XlaCallModule`. Each module has its own: the call's, its gradient's, that of every trace.

use std::ops::Range;

use foldhash::HashMap;

use crate::findings::claims::Claims;
use crate::findings::constants::VARIABLE_BYTES;
use crate::findings::evidence::{Evidence, Place};
use crate::findings::stablehlo::weights;
use crate::findings::{Cause, Context, Detected, Remedy, quoted};
use crate::size::{bytes, plural};

pub(super) const CAUSE: Cause = Cause {
    id: "weights-in-attribute",
    remedies: &[Remedy::any(
        "Keep the weights in `tf.Variable`s and pass them to the converted function as arguments.",
        "",
        "the compiler has to fold them into the program, or the model must be one file without a checkpoint.",
    )],
    long: include_str!("../../../docs/findings/weights-in-attribute.md"),
    detect,
    only_information: None,
};

/// A content, and where it is.
struct Content {
    bytes: u64,
    ranges: Vec<Range<usize>>,
}

fn detect(context: &Context<'_>) -> Option<Detected> {
    let file = context.main();
    let mut contents: HashMap<&[u8], Content> = HashMap::default();
    let (mut evidence, mut all) = (Evidence::default(), 0_u64);
    for blob in &context.large().blobs {
        let mut cost: u64 = 0;
        for weight in weights(file.get(blob.payload.clone()).unwrap_or_default()) {
            let start = blob.payload.start.saturating_add(weight.range.start);
            let range = start..start.saturating_add(weight.range.len());
            let Some(content) = file.get(range.clone()) else { continue };
            cost = cost.saturating_add(context.cost(&range));
            let none = || Content { bytes: weight.bytes as u64, ranges: Vec::new() };
            contents.entry(content).or_insert_with(none).ranges.push(range);
        }
        if cost > 0 {
            all = all.saturating_add(cost);
            evidence.add(cost, || {
                let what = format!("{} of {}", quoted(blob.key), blob.scope.place(context, &blob.node));
                (what, Place::of_node(context, blob.scope, &blob.node))
            });
        }
    }
    let (mut parts, weights) = (Vec::new(), contents.len());
    for content in contents.values() {
        let cost = content.ranges.iter().map(|range| context.cost(range)).fold(0, u64::saturating_add);
        let saved = cost.saturating_sub(content.bytes).saturating_sub(VARIABLE_BYTES);
        parts.extend(context.up_to(content.ranges.iter().rev().cloned(), saved));
    }
    let mut claims = Claims::default();
    context.claim(&mut claims, parts);
    let (weights, programs) =
        (plural(weights as u64, "array", "arrays"), plural(evidence.count(), "program", "programs"));
    let (all, size) = (bytes(all), bytes(claims.bytes()));
    (claims.bytes() > 0).then(|| Detected {
        message: format!(
            "{programs} in attributes hold {weights} of weights in {all}: {size} more than variables would take."
        ),
        evidence,
        claims,
        beyond: 0,
    })
}
