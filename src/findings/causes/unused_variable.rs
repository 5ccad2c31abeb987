//! `unused-variable`: a tensor of the checkpoint that nothing which can be called gets a value from.
//!
//! `tf.saved_model.save` writes every variable that the root leads to, TensorFlow 1 every variable of the graph, used or
//! not. What only an optimizer keeps, and what is there a second time, are causes of their own.

use std::collections::BTreeSet;

use super::{constant_equals_variable, weights_in_attribute};
use crate::findings::kind::ModelKind::{Jax, Keras3, Tf1, TfKeras, TfModule};
use crate::findings::remedy::{
    ARCHIVE, ARCHIVE_OF_TABLES, FUNCTION_AS_MODULE, GRAPH_AGAIN, MODEL_AS_MODULE, MODEL_WITH_TABLES,
};
use crate::findings::removal::{self, Gone};
use crate::findings::variables::metrics;
use crate::findings::{Cause, Context, Cure, Detected, Remedy, copies};
use crate::size::{bytes, exact, plural};

pub(super) const CAUSE: Cause = Cause {
    id: "unused-variable",
    remedies: REMEDIES,
    long: include_str!("../../../docs/findings/unused-variable.md"),
    detect,
    only_information: None,
    cure: Cure::Variables,
};

const UNLESS: &str = "a program reads these variables from the loaded object itself, or goes on training it.";

const REMEDIES: &[Remedy] = &[
    Remedy::of(
        &[TfKeras],
        "Save a module that holds only what the model reads when it serves.",
        MODEL_WITH_TABLES,
        UNLESS,
    )
    .only(|model| model.has_tables),
    Remedy::of(
        &[TfKeras],
        "Save a module that holds only what the model reads when it serves.",
        MODEL_AS_MODULE,
        UNLESS,
    ),
    Remedy::of(&[Keras3], "Export what serves, with an `ExportArchive`.", ARCHIVE_OF_TABLES, UNLESS)
        .only(|model| model.has_tables),
    Remedy::of(&[Keras3], "Export what serves, with an `ExportArchive`.", ARCHIVE, UNLESS),
    Remedy::of(
        &[TfModule, Jax],
        "Save a module that holds only what the function which serves reads.",
        FUNCTION_AS_MODULE,
        UNLESS,
    ),
    Remedy::of(
        &[Tf1],
        "Build the graph again for serving, restore what it has of variables and save that.",
        GRAPH_AGAIN,
        UNLESS,
    ),
    Remedy::any("Export an object that does not hold them.", "", UNLESS),
];

fn detect(context: &Context<'_>) -> Option<Detected> {
    let variables = context.variables().filter(|variables| variables.is_served)?;
    let unbound: Vec<usize> = variables.unbound().collect();
    if unbound.is_empty() {
        return None;
    }
    let state = context.optimizer();
    let copies: BTreeSet<usize> = copies::of_bound(context, variables).into_iter().map(|copy| copy.tensor).collect();
    // Programs have these as arrays of their own, in the place of reading them: that is what has to change.
    let in_programs = weights_in_attribute::tensors(context);
    // So has a graph that was frozen.
    let frozen = constant_equals_variable::tensors(context, variables);
    let others = [&state.tensors, &copies, &in_programs, &frozen];
    let is_other = |tensor: &usize| others.iter().any(|tensors| tensors.contains(tensor));
    let tensors: BTreeSet<usize> = unbound.into_iter().filter(|tensor| !is_other(tensor)).collect();
    let gone = Gone { tensors, ..Gone::default() };
    let removed = removal::remove(context, &gone);
    let are = plural(gone.tensors.len() as u64, "variable is", "variables are");
    let (of, all) = (bytes(removed.data), plural(variables.all().count() as u64, "variable", "variables"));
    let metrics = &gone.tensors & &metrics(context, variables);
    let counters = match metrics.len() {
        0 => String::new(),
        all if all == gone.tensors.len() => ": counters of metrics, which training keeps".to_owned(),
        some => format!(", {} counters of metrics, which training keeps", exact(some as u64)),
    };
    (!gone.tensors.is_empty()).then(|| Detected {
        message: format!(
            "{are} read by no signature and no function, {of} of data{counters}; the checkpoint has {all}."
        ),
        evidence: variables.evidence(context, &gone.tensors, &removed, |tensor| {
            let of = if metrics.contains(&tensor) { " of a metric" } else { "" };
            format!("{}{of}", variables.label(tensor))
        }),
        claims: removed.claims,
        beyond: removed.beyond,
    })
}
