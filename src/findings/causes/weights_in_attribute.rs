//! `weights-in-attribute`: weights inside of the programs that attributes of nodes hold.
//!
//! `jax2tf.convert` of a function that closes over its weights makes them constants of a StableHLO module, the attribute
//! `module` of an `XlaCallModule`. Each module has its own: the call's, its gradient's, that of every trace.

use std::collections::BTreeSet;
use std::ops::Range;

use foldhash::HashMap;

use super::gradient_functions;
use crate::checkpoint::table::mask;
use crate::findings::claims::Claims;
use crate::findings::constants::{LARGE, VARIABLE_BYTES};
use crate::findings::evidence::{Evidence, Place};
use crate::findings::stablehlo::weights;
use crate::findings::variables::is_numeric;
use crate::findings::{Cause, Context, Cure, Detected, Remedy, quoted};
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
    cure: Cure::Training,
};

/// A content, and where it is.
struct Content {
    bytes: u64,
    /// Whether a tensor of the checkpoint is equal, so that the variable is there.
    is_stored: bool,
    ranges: Vec<Range<usize>>,
}

/// The tensors of the checkpoint that programs have as arrays of their own, in the place of reading them.
pub(super) fn tensors(context: &Context<'_>) -> BTreeSet<usize> {
    let file = context.main();
    let modules = context.large().blobs.iter().filter_map(|blob| file.get(blob.payload.clone()));
    let tensors = Tensors::new(context);
    let arrays = modules.flat_map(|module| weights(module).into_iter().filter_map(|weight| weight.content(module)));
    arrays.flat_map(|content| tensors.equal_to(&content)).collect()
}

/// The tensors of the checkpoint by how many bytes they have and by their checksums; their contents are read only where both
/// are an array's.
struct Tensors<'c, 'a> {
    context: &'c Context<'a>,
    by_sum: HashMap<(u64, u32), Vec<usize>>,
}

impl<'c, 'a> Tensors<'c, 'a> {
    fn new(context: &'c Context<'a>) -> Self {
        let tensors = context.checkpoint.map_or(&[][..], |checkpoint| &checkpoint.bundle.tensors);
        let large = tensors.iter().enumerate().filter(|(_, tensor)| tensor.bytes >= LARGE as u64 && is_numeric(tensor));
        let mut by_sum: HashMap<(u64, u32), Vec<usize>> = HashMap::default();
        for (at, tensor) in large {
            by_sum.entry((tensor.bytes, tensor.crc32c)).or_default().push(at);
        }
        Self { context, by_sum }
    }

    /// Those with this content.
    fn equal_to(&self, content: &[u8]) -> Vec<usize> {
        if self.by_sum.is_empty() {
            return Vec::new();
        }
        let alike = self.by_sum.get(&(content.len() as u64, mask(crc32c::crc32c(content))));
        let tensors = self.context.checkpoint.map_or(&[][..], |checkpoint| &checkpoint.bundle.tensors);
        let is_equal = |at: &&usize| {
            let tensor = tensors.get(**at).and_then(|tensor| self.context.tensor_content(tensor));
            tensor.is_some_and(|tensor| tensor == content)
        };
        alike.into_iter().flatten().filter(is_equal).copied().collect()
    }
}

fn detect(context: &Context<'_>) -> Option<Detected> {
    let file = context.main();
    let mut contents: HashMap<&[u8], Content> = HashMap::default();
    let (mut evidence, mut all) = (Evidence::default(), 0_u64);
    let tensors = Tensors::new(context);
    for blob in &context.large().blobs {
        let mut cost: u64 = 0;
        let module = file.get(blob.payload.clone()).unwrap_or_default();
        for weight in weights(module) {
            let start = blob.payload.start.saturating_add(weight.range.start);
            let range = start..start.saturating_add(weight.range.len());
            let Some(content) = file.get(range.clone()) else { continue };
            cost = cost.saturating_add(context.cost(&range));
            let none = || {
                let content = weight.content(module).unwrap_or_default();
                Content {
                    bytes: weight.bytes as u64,
                    is_stored: !tensors.equal_to(&content).is_empty(),
                    ranges: Vec::new(),
                }
            };
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
    // What only gradients need can go by itself, so the copies there are the first to be claimed.
    let training = if contents.is_empty() { Vec::new() } else { gradient_functions::ranges(context) };
    let is_for_training = |range: &Range<usize>| {
        let before = training.partition_point(|function| function.start <= range.start).checked_sub(1);
        before.and_then(|at| training.get(at)).is_some_and(|function| range.end <= function.end)
    };
    for content in contents.values_mut() {
        let (last, first): (Vec<_>, Vec<_>) =
            std::mem::take(&mut content.ranges).into_iter().partition(is_for_training);
        content.ranges = [first, last].concat();
    }
    let (mut parts, weights) = (Vec::new(), contents.len());
    let stored = contents.values().filter(|content| content.is_stored).count() as u64;
    for content in contents.values() {
        let cost = content.ranges.iter().map(|range| context.cost(range)).fold(0, u64::saturating_add);
        let variable = if content.is_stored { 0 } else { content.bytes.saturating_add(VARIABLE_BYTES) };
        let saved = cost.saturating_sub(variable);
        parts.extend(context.up_to(content.ranges.iter().rev().cloned(), saved));
    }
    let mut claims = Claims::default();
    context.claim(&mut claims, parts);
    let (weights, programs) =
        (plural(weights as u64, "array", "arrays"), plural(evidence.count(), "program", "programs"));
    let (all, size) = (bytes(all), bytes(claims.bytes()));
    let stored = match stored {
        0 => String::new(),
        _ => format!(
            " {} among them.",
            plural(stored, "variable of the checkpoint is", "variables of the checkpoint are")
        ),
    };
    (claims.bytes() > 0).then(|| Detected {
        message: format!(
            "{programs} in attributes hold {weights} of weights in {all}: {size} more than variables would take.{stored}"
        ),
        evidence,
        claims,
        beyond: 0,
    })
}
