//! `variable-stored-twice`: one content under two keys, where one key would do.
//!
//! Keras 3's `model.export()` tracks the variables of the model twice, and while it saves, a copy is made of each for one
//! of the two (keras issue 23553). Both are written; a session restores the one, a Python program the other.

use std::collections::BTreeMap;

use crate::findings::removal::{self, Gone};
use crate::findings::{Cause, Context, Detected, copies};
use crate::size::{bytes, plural};

pub(super) const CAUSE: Cause = Cause {
    id: "variable-stored-twice",
    remedy: "Export with `keras.export.ExportArchive` and `add_endpoint`, without `track()` (keras issue 23553).",
    unless: "a program reads both copies from the loaded object and changes one of them.",
    long: include_str!("../../../docs/findings/variable-stored-twice.md"),
    detect,
};

fn detect(context: &Context<'_>) -> Option<Detected> {
    let variables = context.variables()?;
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
