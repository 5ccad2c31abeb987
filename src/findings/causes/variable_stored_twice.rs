//! `variable-stored-twice`: one content under two keys, where one key would do.
//!
//! Keras 3's `model.export()` tracks the variables of the model twice, and while it saves, a copy is made of each for one
//! of the two (keras issue 23553). Both are written; a session restores the one, a Python program the other.

use std::collections::BTreeMap;

use crate::findings::kind::ModelKind::{Keras3, Tf1, TfKeras};
use crate::findings::remedy::{ARCHIVE, ARCHIVE_OF_TABLES, GRAPH_AGAIN, MODEL_AS_MODULE};
use crate::findings::removal::{self, Gone};
use crate::findings::{Cause, Context, Cure, Detected, Remedy, copies};
use crate::size::{bytes, plural};

pub(super) const CAUSE: Cause = Cause {
    id: "variable-stored-twice",
    remedies: REMEDIES,
    long: include_str!("../../../docs/findings/variable-stored-twice.md"),
    detect,
    only_information: None,
    cure: Cure::Data,
};

const UNLESS: &str = "a program reads both copies from the loaded object and changes one of them.";

const REMEDIES: &[Remedy] = &[
    Remedy::of(
        &[Keras3],
        "Export with an `ExportArchive` that tracks the layers with tables only (keras issue 23553).",
        ARCHIVE_OF_TABLES,
        UNLESS,
    )
    .only(|model| model.has_tables),
    Remedy::of(
        &[Keras3],
        "Export with an `ExportArchive` and `add_endpoint`, without `track()` (keras issue 23553).",
        ARCHIVE,
        UNLESS,
    ),
    Remedy::of(
        &[TfKeras],
        "Save a module that holds what the function reads, in the place of an archive that tracks the model.",
        MODEL_AS_MODULE,
        UNLESS,
    ),
    Remedy::of(
        &[Tf1],
        "Build the model once, in a graph of its own: this graph has it twice, for training and for serving.",
        GRAPH_AGAIN,
        UNLESS,
    ),
    Remedy::any("Save each variable in one place of the object, under one attribute.", "", UNLESS),
];

fn detect(context: &Context<'_>) -> Option<Detected> {
    let variables = context.variables().filter(|variables| variables.is_served)?;
    let copies = copies::of_bound(context, variables);
    let kept: BTreeMap<usize, usize> = copies.iter().map(|copy| (copy.tensor, copy.kept)).collect();
    let gone = Gone { tensors: kept.keys().copied().collect(), ..Gone::default() };
    if gone.tensors.is_empty() {
        return None;
    }
    let removed = removal::remove(context, &gone);
    let are = plural(copies.len() as u64, "variable is", "variables are");
    let evidence = variables.evidence(context, &gone.tensors, &removed, |tensor| {
        let kept = kept.get(&tensor).map(|kept| variables.label(*kept));
        format!("{} is {} again", variables.label(tensor), kept.unwrap_or_default())
    });
    Some(Detected {
        message: format!("{are} stored under a second key that no session needs: {} of data.", bytes(removed.data)),
        evidence,
        claims: removed.claims,
        beyond: removed.beyond,
    })
}
