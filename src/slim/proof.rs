//! The proof that a smaller model is the same: what was written is read back and held against the model.
//!
//! Nothing here knows of plans, edits or steps. What the two models have to do with each other is said anew, from their files:
//!
//! - the result is whole, its books balance, and `--verify` finds nothing that it does not find in the model;
//! - the index has the same header and keys, of each entry all fields but shard and offset are the same bytes, and what lies
//!   there is;
//! - the main file is the same but for the names of assets, and what is under the new name is what is under the old one;
//! - each other file is there with the same bytes, and what is not there is something that no loader asks for.

mod files;
mod main_file;
mod tensors;

use crate::audit::{self, AuditError};
use crate::input::{InputError, Model};
use crate::problem::Problem;
use crate::progress::Progress;

/// Why a model is not proven to be the same as `old`; nothing where it is. `known` are problems that `old` has as well.
pub(super) fn reasons(
    old: &Model,
    new: &Model,
    known: &[Problem],
    progress: &dyn Progress,
) -> Result<Vec<String>, AuditError> {
    let asked = audit::Options { verify: true, ..audit::Options::default() };
    let report = audit::audit(new, &asked, progress)?;
    let mut reasons: Vec<String> =
        report.problems.iter().filter(|problem| !known.contains(problem)).map(ToString::to_string).collect();
    if !report.whole {
        reasons.push("the result is not whole".to_owned());
    }
    reasons.extend(new.links.iter().map(|link| format!("{}: is a link", link.name)));
    for held in [tensors::reasons(old, new), files::reasons(old, new)] {
        match held {
            Ok(more) => reasons.extend(more),
            Err(error) => reasons.push(error.to_string()),
        }
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
