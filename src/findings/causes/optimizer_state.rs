//! `optimizer-state`: the moments, averages and counters of training, shipped with a model that only serves.
//!
//! Adam keeps two values for each weight, so its state is twice the model. That something is called `optimizer/...` says
//! nothing: Keras 3 saves the weights themselves under such keys. What counts is who leads to a variable, and that
//! nothing which can be called gets its value.

use crate::findings::kind::ModelKind::{Jax, Keras3, Tf1, TfKeras, TfModule};
use crate::findings::remedy::{ARCHIVE, ARCHIVE_OF_TABLES, FUNCTION_AS_MODULE, GRAPH_AGAIN};
use crate::findings::removal::{self, Gone};
use crate::findings::{Cause, Context, Cure, Detected, Remedy};
use crate::size::{bytes, plural};

pub(super) const CAUSE: Cause = Cause {
    id: "optimizer-state",
    remedies: REMEDIES,
    long: include_str!("../../../docs/findings/optimizer-state.md"),
    detect,
    only_information: None,
    cure: Cure::Optimizer,
};

const UNLESS: &str = "training goes on from this very directory.";

const REMEDIES: &[Remedy] = &[
    Remedy::of(&[TfKeras], "Save without the optimizer.", r#"model.save("exported", include_optimizer=False)"#, UNLESS),
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
        "Build the graph again without the optimizer, restore the weights and save that.",
        GRAPH_AGAIN,
        UNLESS,
    ),
    Remedy::any("Save an object that does not hold the optimizer.", "", UNLESS),
];

fn detect(context: &Context<'_>) -> Option<Detected> {
    let variables = context.variables()?;
    let state = context.optimizer();
    if state.tensors.is_empty() {
        return None;
    }
    let gone = Gone { tensors: state.tensors.clone(), objects: state.objects.clone(), ..Gone::default() };
    let all = variables.all().filter(|(tensor, _)| variables.is_bound(*tensor)).count();
    let removed = removal::remove(context, &gone);
    let (slots, of) = (plural(gone.tensors.len() as u64, "variable", "variables"), bytes(removed.data));
    let weights = plural(all as u64, "variable that is served", "variables that are served");
    Some(Detected {
        message: format!("An optimizer keeps {slots}, {of} of data, beside {weights}; no function reads them."),
        evidence: variables.evidence(context, &gone.tensors, &removed, |tensor| variables.label(tensor)),
        claims: removed.claims,
        beyond: removed.beyond,
    })
}
