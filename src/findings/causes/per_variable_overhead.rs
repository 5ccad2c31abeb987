//! `per-variable-overhead`: what a variable costs besides its value, very many times over.
//!
//! A variable of one number takes some two kilobytes: a handle and a read in the graph, its way through the saver's two
//! functions, an argument of each function that uses it, an object in two object graphs, an entry in the index.

use std::collections::BTreeSet;

use crate::checkpoint::{Tensor, object_graph};
use crate::findings::evidence::{Evidence, Place};
use crate::findings::removal::{self, Gone};
use crate::findings::variables::is_numeric;
use crate::findings::{Cause, Context, Cure, Detected, Remedy, quoted};
use crate::size::{bytes, plural};

pub(super) const CAUSE: Cause = Cause {
    id: "per-variable-overhead",
    remedies: &[Remedy::any(
        "Pack the values into one `tf.Variable` and take slices of it, with `tf.unstack` or `tf.split`.",
        "",
        "a training program, or a checkpoint that is to be read again, knows these variables one by one.",
    )],
    long: include_str!("../../../docs/findings/per-variable-overhead.md"),
    detect,
    only_information: None,
    cure: Cure::None,
};

/// The largest value that counts as tiny: 64 numbers of four bytes, about a tenth of what a variable costs besides.
const TINY: u64 = 256;

/// Fewer than this come about in an ordinary network, which has a few small vectors for each of its layers, and are not
/// worth another layout.
const MANY: usize = 100;

fn detect(context: &Context<'_>) -> Option<Detected> {
    let checkpoint = context.checkpoint?;
    let tensors = checkpoint.bundle.tensors.iter().filter(|tensor| tensor.key != object_graph::KEY);
    let data = tensors.map(|tensor| tensor.bytes).fold(0, u64::saturating_add);
    let is_tiny = |tensor: &Tensor| (1..=TINY).contains(&tensor.bytes) && is_numeric(tensor);
    if checkpoint.bundle.tensors.iter().filter(|tensor| is_tiny(tensor)).count() < MANY {
        return None;
    }
    let variables = context.variables()?;
    // What nothing needs is not packed but dropped, which is another cause.
    let tiny = variables.all().filter(|(tensor, about)| is_tiny(about) && variables.is_bound(*tensor));
    let mut tiny: Vec<(usize, i32)> = tiny.map(|(tensor, about)| (tensor, about.dtype)).collect();
    if tiny.len() < MANY {
        return None;
    }
    let (count, values) = (tiny.len() as u64, tiny.iter().map(|(tensor, _)| context.data_bytes(*tensor)).sum());
    // One of each type stays, as what the others are packed into.
    let mut types = BTreeSet::new();
    tiny.retain(|(_, dtype)| !types.insert(*dtype));
    let packed: BTreeSet<usize> = tiny.iter().map(|(tensor, _)| *tensor).collect();
    let gone = Gone { tensors: packed, keeps_data: true, ..Gone::default() };
    let removed = removal::remove(context, &gone);
    // Where the values outweigh what surrounds them, packing the tiny ones is no cure of anything.
    if removed.bytes() <= data {
        return None;
    }
    let each = removed.bytes() / count.max(1);
    let what = plural(count, "variable", "variables");
    let (values, each) = (bytes(values), bytes(each));
    Some(Detected {
        message: format!("{what} of at most {TINY} bytes hold {values} of values; each costs about {each} besides."),
        evidence: places(&removed),
        claims: removed.claims,
        beyond: removed.beyond,
    })
}

/// What packing frees, by file.
fn places(removed: &removal::Removed) -> Evidence {
    let mut evidence = Evidence::default();
    for (file, bytes) in removed.claims.by_file() {
        evidence.add(bytes, || (format!("in {}", quoted(file)), Place::of_file(file)));
    }
    evidence.add(removed.beyond, || ("entries of the checkpoint's index".to_owned(), Place::default()));
    evidence
}
