//! The steps that rewrite the main file: each reads what the one before it made, and says what goes.
//!
//! | module | what goes |
//! |---|---|
//! | [`unreached`] | nodes, functions and items of collections that nothing reaches; the saver's save half |
//! | [`gradients`] | gradients that are registered, and functions that only training calls |
//! | [`debug_info`] | stack traces |
//! | [`initial_values`] | the values that variables have before they are restored |
//!
//! A step is a function from the bytes of a main file to edits of it. What it makes is read again by the next one, so no
//! step knows of another, and no position is ever one of an older file.

mod debug_info;
mod gradients;
mod initial_values;
#[cfg(test)]
mod tests;
mod unreached;

use bytes::Bytes;
use thiserror::Error;

use super::program::Odd;
use crate::edit::{Conflict, Splices};
use crate::report::SlimStep;

pub(super) use debug_info::FOLDER as DEBUG_FOLDER;

/// What a step does to a main file.
#[derive(Debug, Default)]
pub(super) struct Edited {
    pub(super) edits: Splices,
    /// What is done, in words; empty where it is nothing.
    pub(super) words: String,
}

/// Why a step is not taken.
#[derive(Debug, Error)]
pub(super) enum NotTaken {
    #[error("the graph has {0}")]
    Odd(#[from] Odd),
    #[error(transparent)]
    Conflict(#[from] Conflict),
    #[error("the lengths of the main file's messages cannot be written anew")]
    Lengths,
}

/// The main file after a step, and what was done in words; `None` where the step has nothing to do there.
pub(super) fn rewritten(step: SlimStep, main: &Bytes) -> Result<Option<(Bytes, String)>, NotTaken> {
    let edited = match step {
        SlimStep::Unreached => unreached::unreached(main)?,
        SlimStep::SaverSave => unreached::saver_save(main)?,
        SlimStep::Gradients => gradients::gradients(main)?,
        SlimStep::DebugInfo => debug_info::debug_info(main)?,
        SlimStep::InitialValues => initial_values::initial_values(main)?,
        _ => return Ok(None),
    };
    if edited.edits.is_empty() {
        return Ok(None);
    }
    let written = edited.edits.applied(main).ok_or(NotTaken::Lengths)?;
    Ok(Some((written.into(), edited.words)))
}
