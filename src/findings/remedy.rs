//! What to do about a cause. That is a line of code, and which one runs depends on what the model was made with: Keras 3 has
//! no `include_optimizer`, a `tf.Module` no `save`, a graph of TensorFlow 1 no objects.

use super::kind::{ModelKind, Provenance};

/// What to do about a cause, for the kinds of model that it is for.
#[derive(Debug, Clone, Copy)]
pub struct Remedy {
    /// The kinds of model that it is for.
    pub kinds: &'static [ModelKind],
    /// What to do, in one line.
    pub text: &'static str,
    /// The same as at most three lines of Python, in which `model`, `module` or `graph` is what was saved and `tf`, `keras`
    /// (or `tf_keras as keras`) are imported; empty where code cannot say it, as what has to change is the user's own.
    pub code: &'static str,
    /// When not to do that, in one line.
    pub unless: &'static str,
    /// Of the models of these kinds only those; all where there is nothing to ask.
    only: Option<fn(&Provenance) -> bool>,
}

impl Remedy {
    /// A remedy for models of these kinds.
    pub(crate) const fn of(
        kinds: &'static [ModelKind],
        text: &'static str,
        code: &'static str,
        unless: &'static str,
    ) -> Self {
        Self { kinds, text, code, unless, only: None }
    }

    /// A remedy for all models for which there is no other.
    pub(crate) const fn any(text: &'static str, code: &'static str, unless: &'static str) -> Self {
        Self::of(&ModelKind::ALL, text, code, unless)
    }

    /// The same for some models of these kinds. One for the others has to stand behind it.
    #[must_use]
    pub(crate) const fn only(self, only: fn(&Provenance) -> bool) -> Self {
        Self { only: Some(only), ..self }
    }

    /// Whether it is for this model.
    pub(super) fn is_for(&self, model: &Provenance) -> bool {
        self.kinds.contains(&model.kind) && self.only.is_none_or(|only| only(model))
    }
}
