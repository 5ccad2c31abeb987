//! What to do about a cause. That is a line of code, and which one runs depends on what the model was made with: Keras 3 has
//! no `include_optimizer`, a `tf.Module` no `save`, a graph of TensorFlow 1 no objects.

use super::kind::{ModelKind, Provenance};

/// Exports what the endpoint reads, and tracks nothing besides, of Keras 3 on TensorFlow.
pub(super) const ARCHIVE: &str = r#"archive = keras.export.ExportArchive()
archive.add_endpoint("serve", model.__call__, [model.input] if model.inputs[1:] else model.inputs)
archive.write_out("exported")"#;

/// The same with the layers that hold lookup tables, which have no variables.
pub(super) const ARCHIVE_OF_TABLES: &str = r#"archive = keras.export.ExportArchive(); [archive.track(layer) for layer in model.layers if not layer.variables]
archive.add_endpoint("serve", model.__call__, [model.input] if model.inputs[1:] else model.inputs)
archive.write_out("exported")"#;

/// Saves the function of a tf_keras model with what it reads.
pub(super) const MODEL_AS_MODULE: &str = r#"serve = tf.function(lambda *x: model(list(x)), [tf.TensorSpec(i.shape, i.dtype, i.name) for i in model.inputs])
served = tf.Module(); served.kept = serve.get_concrete_function().variables
tf.saved_model.save(served, "exported", signatures=serve)"#;

/// The same with the tables of its layers.
pub(super) const MODEL_WITH_TABLES: &str = r#"serve = tf.function(lambda *x: model(list(x)), [tf.TensorSpec(i.shape, i.dtype, i.name) for i in model.inputs])
served = tf.Module(); served.tables = [x.lookup_table for x in model.submodules if hasattr(x, "lookup_table")]
served.kept = serve.get_concrete_function().variables; tf.saved_model.save(served, "exported", signatures=serve)"#;

/// Saves a function, which has an input signature, with the variables and tables that it reads, and nothing else that its module
/// holds.
pub(super) const FUNCTION_AS_MODULE: &str = r#"tables = [x for x in tf.train.TrackableView(module).descendants() if hasattr(x, "resource_handle")]
served = tf.Module(); served.kept = [*serve.get_concrete_function().variables, *tables]
tf.saved_model.save(served, "exported", signatures=serve)"#;

/// Saves a function over a tf_keras model, which has an input signature, with the variables and tables that it reads.
pub(super) const SERVE_OF_MODEL: &str = r#"served = tf.Module(); served.tables = [x.lookup_table for x in model.submodules if hasattr(x, "lookup_table")]
served.kept = serve.get_concrete_function().variables
tf.saved_model.save(served, "exported", signatures=serve)"#;

/// The same of a model of Keras 3.
pub(super) const ARCHIVE_OF_SERVE: &str = r#"archive = keras.export.ExportArchive(); serve.get_concrete_function()
[archive.track(layer) for layer in model.layers if not layer.variables]
archive.add_endpoint("serve", serve); archive.write_out("exported")"#;

/// Builds the graph of TensorFlow 1 once more, for what it serves. `build` and `checkpoint` are the user's. A `Saver` that
/// restores would stay in the graph, beside the one that saving adds.
pub(super) const GRAPH_AGAIN: &str = r#"v1 = tf.compat.v1; session = v1.InteractiveSession(graph=tf.Graph()); inputs, outputs = build(training=False)
[v.load(tf.train.load_variable(checkpoint, v.op.name), session) for v in v1.global_variables()]
v1.saved_model.simple_save(session, "exported", inputs, outputs); session.close()"#;

/// What to do about a cause, for the kinds of model that it is for.
#[derive(Debug, Clone, Copy)]
pub struct Remedy {
    /// The kinds of model that it is for.
    pub kinds: &'static [ModelKind],
    /// What to do, in one line.
    pub text: &'static str,
    /// The same as at most three lines of Python, in which `model` is the Keras model that was saved, `module` the
    /// object and `serve` its function that is exported, and `tf`, `keras` (or `tf_keras as keras`) are imported; empty where code cannot say it, as what has to change is the user's own.
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
