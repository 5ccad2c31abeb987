//! `unused-variable`: a tensor of the checkpoint that nothing which can be called gets a value from.
//!
//! `tf.saved_model.save` writes every variable that the root leads to, TensorFlow 1 every variable of the graph, used or
//! not. What only an optimizer keeps, and what is there a second time, are causes of their own.

use std::collections::BTreeSet;

use crate::findings::removal::{self, Gone};
use crate::findings::variables::OptimizerState;
use crate::findings::{Cause, Context, Detected, Remedy, copies};
use crate::size::{bytes, plural};

pub(super) const CAUSE: Cause = Cause {
    id: "unused-variable",
    remedies: &[Remedy::any(
        "Export an object that does not track them; of weights and their averages export those that are served.",
        "",
        "a program reads these variables from the loaded object itself, or goes on training it.",
    )],
    long: include_str!("../../../docs/findings/unused-variable.md"),
    detect,
};

fn detect(context: &Context<'_>) -> Option<Detected> {
    let variables = context.variables().filter(|variables| variables.has_roots)?;
    let unbound: Vec<usize> = variables.unbound().collect();
    if unbound.is_empty() {
        return None;
    }
    let state = OptimizerState::new(context, variables);
    let copies: BTreeSet<usize> = copies::of_bound(context, variables).into_iter().map(|copy| copy.tensor).collect();
    let is_other = |tensor: &usize| state.tensors.contains(tensor) || copies.contains(tensor);
    let tensors: BTreeSet<usize> = unbound.into_iter().filter(|tensor| !is_other(tensor)).collect();
    let gone = Gone { tensors, ..Gone::default() };
    let removed = removal::remove(context, &gone);
    let are = plural(gone.tensors.len() as u64, "variable is", "variables are");
    let (of, all) = (bytes(removed.data), plural(variables.all().count() as u64, "variable", "variables"));
    (!gone.tensors.is_empty()).then(|| Detected {
        message: format!("{are} read by no signature and no function, {of} of data; the checkpoint has {all}."),
        evidence: variables.evidence(context, &gone.tensors, &removed, |tensor| variables.label(tensor)),
        claims: removed.claims,
        beyond: removed.beyond,
    })
}
