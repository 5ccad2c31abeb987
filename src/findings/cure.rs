//! What `smaudit slim` can do about a finding, said without planning a smaller model, so that an audit takes no longer for it:
//! of each cause which steps take it away, and of a model whether these can be taken in it. `tests/all/findings.rs` holds what is
//! said against what slim then leaves.

use super::slices::may_all_be_made;
use super::{Context, Detected, ModelKind};
use crate::charge::Form;
use crate::checkpoint::Format;
use crate::input::layout::VARIABLES;
use crate::message::number::meta_graph_def::OBJECT_GRAPH_DEF;

/// The level from which on `smaudit slim` takes away what a finding is about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Slim {
    /// At level `safe` the bytes of files and of the checkpoint's data go; what else there is of it stays.
    Safe,
    /// At level `inference`.
    Inference,
    /// At level `serving`, where all signatures are kept.
    Serving,
    /// Not at all, or in part only.
    #[default]
    None,
}

impl Slim {
    /// The name of the level.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Safe => "safe",
            Self::Inference => "inference",
            Self::Serving => "serving",
            Self::None => "none",
        }
    }
}

/// What of `smaudit slim` takes a cause away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cure {
    /// Nothing.
    None,
    /// Files are left out.
    Files,
    /// Assets share a file: their names in the main file change.
    Assets,
    /// Two tensors of one variable share their data; what the graph has of one of them goes above level `safe`.
    Data,
    /// Tensors of several variables share their data, and the graph has all of them.
    Equal,
    /// The main file is written in binary.
    Text,
    /// An op makes what constants of functions have several times.
    Slices,
    /// What only training, saving or initializing needs goes from the main file.
    Training,
    /// Functions are passed by, and go where Python does not have them.
    Wrappers,
    /// Variables go with what uses them; constants that are the same as variables which are read stay.
    Frozen,
    /// Optimizers go, which collections of TensorFlow 1 may define.
    Optimizer,
    /// Variables go, which collections and Keras' layers may keep below level `serving`.
    Variables,
    /// What no signature needs goes.
    Serving,
}

impl Cure {
    /// What the page of a cause says of it, in one sentence; [`slim`](Self::slim) has it for one model.
    #[cfg(test)]
    pub(super) fn about(self) -> &'static str {
        match self {
            Self::None => "`smaudit slim` does not do this.",
            Self::Files => "`smaudit slim` does this at every level.",
            Self::Assets => {
                "`smaudit slim` does this at every level, and to a main file in text from level `inference` on."
            }
            Self::Data | Self::Equal => {
                "`smaudit slim` does this at every level, but to a checkpoint of TensorFlow's first format."
            }
            Self::Text | Self::Training => "`smaudit slim --level inference` does this.",
            Self::Slices => {
                "`smaudit slim --level inference` does this to floats in functions that are only added to something, or \
                 multiplied with it, where no other sum or product is beside that, which could round otherwise."
            }
            Self::Optimizer => {
                "`smaudit slim --level inference` does this where nothing asks the optimizer, and `--level serving` in \
                 graphs of TensorFlow 1 with a signature."
            }
            Self::Variables => {
                "`smaudit slim --level inference` does this, and `--level serving` in models of tf_keras and graphs of \
                 TensorFlow 1 with a signature."
            }
            Self::Wrappers => {
                "`smaudit slim --level inference` does this where Python does not have the functions, and `--level \
                 serving` also there, where there is a signature."
            }
            Self::Frozen => {
                "`smaudit slim --level serving` does this where there is a signature, but to constants whose variables are \
                 read as well."
            }
            Self::Serving => "`smaudit slim --level serving` does this where there is a signature.",
        }
    }

    /// The level from which on it takes away what was found in a model: nearly all of it, and where tensors share their data at
    /// least three quarters.
    pub(super) fn slim(self, context: &Context<'_>, found: &Detected) -> Slim {
        let form = context.main_file().map(|main| main.form);
        let is_bundle = context.checkpoint.is_some_and(|checkpoint| checkpoint.format == Format::Bundle);
        let kind = context.provenance().kind;
        match self {
            Self::None => Slim::None,
            Self::Files => Slim::Safe,
            Self::Data | Self::Equal if is_bundle && found.is_mostly_data() => Slim::Safe,
            Self::Assets if form == Some(Form::Binary) => Slim::Safe,
            Self::Frozen if !found.has_data() => Slim::None,
            // Beyond that the main file changes. One in chunks does where the whole is smaller in binary, which only a plan says.
            _ if !matches!(form, Some(Form::Binary | Form::Text)) => Slim::None,
            Self::Equal => Slim::None,
            Self::Data if !is_bundle => Slim::None,
            Self::Slices if !may_all_be_made(context) => Slim::None,
            Self::Text | Self::Training | Self::Assets | Self::Data | Self::Slices => Slim::Inference,
            Self::Wrappers if !found.has_objects(context) => Slim::Inference,
            Self::Optimizer | Self::Variables if !is_bundle => Slim::None,
            Self::Optimizer if kind != ModelKind::Tf1 && stays_whole(context) => Slim::None,
            Self::Optimizer if kind != ModelKind::Tf1 => Slim::Inference,
            Self::Variables if !matches!(kind, ModelKind::Tf1 | ModelKind::TfKeras) => Slim::Inference,
            Self::Optimizer | Self::Variables | Self::Wrappers | Self::Frozen | Self::Serving
                if has_signature(context) =>
            {
                Slim::Serving
            }
            Self::Optimizer | Self::Variables | Self::Wrappers | Self::Frozen | Self::Serving => Slim::None,
        }
    }
}

impl Detected {
    /// Whether some of it is the checkpoint's.
    fn has_data(&self) -> bool {
        self.claims.by_file().any(|(file, bytes)| file.starts_with(VARIABLES) && bytes > 0)
    }

    /// Whether most of it are files of the checkpoint, and not what the graph and the index have of the tensors.
    fn is_mostly_data(&self) -> bool {
        let data = self.claims.by_file().filter(|(file, _)| file.starts_with(VARIABLES)).map(|(_, bytes)| bytes);
        let data = data.fold(0, u64::saturating_add);
        u128::from(data) * 4 >= u128::from(self.bytes()) * 3
    }

    /// Whether it is about objects of Python.
    fn has_objects(&self, context: &Context<'_>) -> bool {
        let Some(main) = context.main_file() else { return false };
        let meta_graphs = 0..context.saved_model.meta_graphs.len();
        let mut sections = meta_graphs.flat_map(|meta_graph| context.sections(meta_graph, OBJECT_GRAPH_DEF));
        sections.any(|section| self.claims.common(&main.file.name, &context.part(&section.payload())) > 0)
    }
}

/// Whether slim keeps all of an optimizer: one that is used in part, or that has another one.
fn stays_whole(context: &Context<'_>) -> bool {
    let state = context.optimizer();
    state.is_used_in_part || state.is_nested
}

/// Whether there is a signature that somebody can call: slim keeps all functions where there is none.
fn has_signature(context: &Context<'_>) -> bool {
    (0..context.saved_model.meta_graphs.len()).any(|meta_graph| context.is_served(meta_graph))
}
