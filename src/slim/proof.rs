//! The proof that a smaller model is the same: what was written is read back and held against the model.
//!
//! Nothing here knows of plans, edits or steps. What the two models have to do with each other is said anew, from their files:
//!
//! - the result is whole, its books balance, and `--verify` finds nothing that it does not find in the model;
//! - the index has the same header and keys, of each entry all fields but shard and offset are the same bytes, and what lies
//!   there is;
//! - the main file is the same but for the names of assets, and what is under the new name is what is under the old one;
//! - each other file is there with the same bytes, and what is not there is something that no loader asks for.
//!
//! Where less than everything is promised, the main file, the keys and the objects are held against each other by what they serve
//! instead ([`program`]). A main file that was text, or in chunks, is held against these
//! besides ([`text`], [`chunks`]).

mod chunks;
mod files;
mod main_file;
mod meanwhile;
mod program;
mod tensors;
#[cfg(test)]
mod tests;
mod text;

pub use meanwhile::Held;
pub(super) use meanwhile::Meanwhile;

use super::{Options, Wanted};
use crate::audit::{self, AuditError};
use crate::input::{InputError, Model};
use crate::problem::Problem;
use crate::progress::Progress;
use crate::report::SlimLevel;

/// What a smaller model has to be the same in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Promise {
    /// Everything that loads, trains, saves or converts it.
    #[default]
    Same,
    /// All that can be called, in Python and by signatures, and what tf_keras loads.
    Callables,
    /// The signatures that are kept.
    Signatures,
}

impl Promise {
    /// The one that promises more.
    fn at_most(self, other: Self) -> Self {
        if self == Self::Signatures { other } else { self }
    }
}

/// What is kept, as it was asked for.
#[derive(Debug, Clone, Default)]
pub(super) struct Kept {
    pub(super) promise: Promise,
    /// Of which metagraph, which signatures and which functions.
    pub(super) wanted: Wanted,
    /// Whether nodes within functions have no shapes any more.
    pub(super) is_stripped: bool,
}

impl Kept {
    /// What has to be the same for what is asked.
    pub(super) fn of(options: &Options) -> Self {
        let promise = match options.level {
            SlimLevel::Safe => Promise::Same,
            SlimLevel::Inference => Promise::Callables,
            SlimLevel::Serving => Promise::Signatures,
        };
        Self { promise, wanted: options.wanted.clone(), is_stripped: false }
    }
}

/// Why a model is not proven to be the same as `old` in what is kept; nothing where it is. `known` are problems that `old` has as
/// well; what was `held` while it was written is not read again.
pub(super) fn reasons(
    old: &Model,
    new: &Model,
    known: &[Problem],
    kept: &Kept,
    held: &Held,
    progress: &dyn Progress,
) -> Result<Vec<String>, AuditError> {
    let (asked, nothing) = (audit::Options { verify: true, ..audit::Options::default() }, Held::default());
    let held = if held.is_of(new) { held } else { &nothing };
    let report = audit::audit_rest(new, &asked, held.checked(), progress)?;
    let mut reasons: Vec<String> =
        report.problems.iter().filter(|problem| !known.contains(problem)).map(ToString::to_string).collect();
    if !report.whole {
        reasons.push("the result is not whole".to_owned());
    }
    reasons.extend(new.links.iter().map(|link| format!("{}: is a link", link.name)));
    let promise = if program::has_signature(old) { kept.promise } else { kept.promise.at_most(Promise::Callables) };
    let mut hold = |held: Result<Vec<String>, InputError>| match held {
        Ok(more) => reasons.extend(more),
        Err(error) => reasons.push(error.to_string()),
    };
    hold(tensors::reasons(old, new, promise, |position| held.has(position)));
    hold(files::reasons(old, new, promise));
    if promise != Promise::Same {
        hold(program::reasons(old, new, promise, &kept.wanted, kept.is_stripped));
    }
    reasons.truncate(MOST);
    Ok(reasons)
}

/// As many reasons are enough.
const MOST: usize = 20;

/// Whether two files have the same bytes.
fn is_same(old: &crate::input::File, new: &crate::input::File) -> Result<bool, InputError> {
    Ok(old.bytes == new.bytes && old.contents()? == new.contents()?)
}
