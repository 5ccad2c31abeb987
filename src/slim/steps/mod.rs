//! The steps that rewrite the main file: each reads what the one before it made, and says what goes.
//!
//! | module | what goes |
//! |---|---|
//! | [`unreached`] | nodes, functions and items of collections that nothing reaches; the saver's save half |
//! | [`gradients`] | gradients that are registered, and functions that only training calls |
//! | [`debug_info`] | stack traces |
//! | [`unread`] | variables that nothing reads, with what restores them |
//! | [`twins`] | the copies of variables that Python has beside a session's |
//! | [`serving`] | other metagraphs, other signatures, and functions that only these need |
//! | [`forward`] | functions that only call another one |
//! | [`fold`] | functions that do what others do |
//! | [`instead`] | functions named in the place of others |
//! | [`dead_nodes`] | nodes of functions that nothing runs |
//! | [`equal_constants`] | constants of functions that equal another one |
//! | [`equal_slices`] | of constants that are a slice repeated all but that |
//! | [`unused_ops`] | definitions of ops that no node is of any more |
//! | [`other_objects`] | objects of Python that no kept signature needs |
//! | [`strip`] | shapes of nodes in functions, and names of arguments, where that is asked for |
//! | [`lists`] | elements taken out of lists of attributes |
//! | [`initial_values`] | the values that variables have before they are restored |
//!
//! A step is a function from the bytes of a main file to edits of it. What it makes is read again by the next one, so no
//! step knows of another, and no position is ever one of an older file.

mod dead_nodes;
mod debug_info;
mod equal_constants;
mod equal_slices;
mod fold;
mod forward;
mod gradients;
mod initial_values;
mod instead;
mod lists;
mod other_objects;
mod serving;
mod strip;
#[cfg(test)]
mod tests;
mod twins;
mod unreached;
mod unread;
mod unused_ops;

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use thiserror::Error;

use super::Wanted;
use super::objects::{Layers, Untied};
use super::program::Odd;
use super::scope::Unclear;
use crate::checkpoint::Tensor;
use crate::edit::{Conflict, Splices, Version};
use crate::report::SlimStep;

pub(super) use debug_info::FOLDER as DEBUG_FOLDER;
pub(super) use serving::{has_signature, unknown};

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
    #[error(transparent)]
    Unclear(#[from] Unclear),
    #[error(transparent)]
    Untied(#[from] Untied),
    #[error("there is no one metagraph of the tags that are asked for, but several others; see --tags")]
    Tags,
    #[error("an attribute is not of the form that TensorFlow writes")]
    Attribute,
    #[error("the lengths of the main file's messages cannot be written anew")]
    Lengths,
}

/// The parts of a model that steps rewrite.
#[derive(Debug, Clone, Default)]
pub(super) struct Parts {
    /// The main file.
    pub(super) main: Version,
    /// The tensors that are not there any more, by their positions in the bundle.
    pub(super) gone: BTreeSet<usize>,
    /// The objects of the checkpoint, where they are other ones.
    pub(super) tracked: Option<Version>,
}

/// What the model has beside its main file.
#[derive(Debug)]
pub(super) struct Stored<'m> {
    /// The tensors of the bundle.
    pub(super) tensors: &'m [Tensor],
    /// The objects of the checkpoint.
    pub(super) tracked: Option<Version>,
    /// Whether Keras' layers are to be loaded as such, and so keep their variables.
    pub(super) has_layers: bool,
    /// Whether the variables that collections define stay.
    pub(super) keeps_defined: bool,
    /// Whether Keras' own metadata are there, by which its loader makes layers.
    pub(super) has_keras: bool,
    /// The shards.
    pub(super) shards: &'m BTreeMap<u32, Bytes>,
}

impl<'m> Stored<'m> {
    /// Which of Keras' layers keep their variables.
    fn layers(&self) -> Layers {
        match (self.has_layers, self.has_keras) {
            (false, _) => Layers::None,
            (true, false) => Layers::Own,
            (true, true) => Layers::All,
        }
    }

    /// What a tensor holds.
    fn content(&self, tensor: &Tensor) -> Option<&'m [u8]> {
        let range = tensor.range()?;
        let range = usize::try_from(range.start).ok()?..usize::try_from(range.end).ok()?;
        self.shards.get(&tensor.shard)?.get(range)
    }
}

/// The parts after a step, and what was done in words; `None` where the step has nothing to do there. `stored` is there where
/// the checkpoint is one whose tensors may go.
pub(super) fn rewritten(
    step: SlimStep,
    parts: &Parts,
    stored: Option<&Stored<'_>>,
    wanted: &Wanted,
) -> Result<Option<(Parts, String)>, NotTaken> {
    let main = &parts.main;
    let edited = match step {
        SlimStep::Unreached => unreached::unreached(main)?,
        SlimStep::SaverSave => unreached::saver_save(main)?,
        SlimStep::Gradients => gradients::gradients(main)?,
        SlimStep::DebugInfo => debug_info::debug_info(main)?,
        SlimStep::InitialValues => initial_values::initial_values(main)?,
        SlimStep::Metagraphs => return serving::metagraphs(parts, wanted),
        SlimStep::OtherFunctions => return serving::other_functions(parts, wanted),
        SlimStep::UnusedOps => unused_ops::unused_ops(main)?,
        SlimStep::Strip => strip::strip(main)?,
        SlimStep::DeadNodes => return dead_nodes::dead_nodes(parts),
        SlimStep::OtherObjects => {
            return stored.map_or(Ok(None), |stored| other_objects::other_objects(parts, stored, wanted));
        }
        SlimStep::Forward => return forward::forward(parts),
        SlimStep::EqualConstants => return equal_constants::equal_constants(parts),
        SlimStep::EqualSlices => return equal_slices::equal_slices(parts),
        SlimStep::Fold => return fold::fold(parts),
        SlimStep::Twins => return stored.map_or(Ok(None), |stored| twins::twins(parts, stored)),
        SlimStep::UnreadVariables => return stored.map_or(Ok(None), |stored| unread::unread(parts, stored)),
        _ => return Ok(None),
    };
    if edited.edits.is_empty() {
        return Ok(None);
    }
    let written = main.edited(&edited.edits).ok_or(NotTaken::Lengths)?;
    Ok(Some((Parts { main: written, ..parts.clone() }, edited.words)))
}
