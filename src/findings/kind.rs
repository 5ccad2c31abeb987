//! What a model was made with, and so which line of code makes it again without what it has too much of.
//!
//! Nothing in a SavedModel says so. What tells it is what each maker, and no other, writes: Keras 2 names the classes of its
//! objects, Keras 3 and the export archives of both leave attributes of their own, jax2tf calls StableHLO, and TensorFlow 1
//! writes no objects at all. Names that people give play no part.

use memchr::memmem;

use super::facts::Facts;
use super::objects::Object;
use super::quoted;
use crate::message::constants::KERAS_OBJECT;
use crate::message::number::meta_graph_def::META_INFO_DEF;
use crate::message::number::meta_graph_def::meta_info_def::STRIPPED_OP_LIST;
use crate::message::number::op_def::NAME;
use crate::message::number::op_list::OP;
use crate::message::ops::{TABLE, XLA_CALL_MODULE};
use crate::size::plural;
use crate::wire::{fields, first_len};

/// Attributes of its models, also of those from before objects named their classes (TensorFlow 2.0 alpha).
const LAYERS: [&[u8]; 2] = [b"layer-0", b"_default_save_signature"];

/// What the names of policies begin with by which a layer computes in a smaller type (`keras/mixed_precision/policy.py`).
const MIXED: &[u8] = b"\"mixed_";

/// Attributes of every layer and model of Keras 3 (`keras/src/ops/operation.py`), which Keras 2 does not track.
const OPERATION: [&[u8]; 2] = [b"_inbound_nodes", b"_outbound_nodes"];

/// Attributes of what an `ExportArchive` saves (`keras/src/export/saved_model.py`, `tf_keras/src/export/export_lib.py`), and
/// one that only the archive of Keras 2 has, which saves itself.
const ARCHIVE: [&[u8]; 3] = [b"variables", b"non_trainable_variables", b"_misc_assets"];
const ARCHIVE_2: &[u8] = b"_endpoint_names";

/// What a model was made with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ModelKind {
    /// A session's graph, without objects: TensorFlow 1, an Estimator, `tf.compat.v1`.
    Tf1,
    /// A model of Keras 2: `tf.keras` before TensorFlow 2.16, `tf_keras`.
    TfKeras,
    /// A model of Keras 3.
    Keras3,
    /// A `tf.Module` or another object, saved with `tf.saved_model.save`; it may hold a Keras model.
    TfModule,
    /// A program of JAX, by jax2tf or by Keras 3 on JAX.
    Jax,
    /// None of these is known of it.
    #[default]
    Unknown,
}

impl ModelKind {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Tf1, Self::TfKeras, Self::Keras3, Self::TfModule, Self::Jax, Self::Unknown];

    /// What JSON calls it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Tf1 => "tf1",
            Self::TfKeras => "tf_keras",
            Self::Keras3 => "keras3",
            Self::TfModule => "tf_module",
            Self::Jax => "jax",
            Self::Unknown => "unknown",
        }
    }

    /// What people call a model of this kind.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Tf1 => "a TensorFlow 1 graph",
            Self::TfKeras => "tf_keras (Keras 2)",
            Self::Keras3 => "Keras 3",
            Self::TfModule => "a tf.Module",
            Self::Jax => "JAX",
            Self::Unknown => "any other",
        }
    }
}

/// What a model was made with, and what else decides which code makes it again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Provenance {
    /// What it was made with.
    pub kind: ModelKind,
    /// What that is known by.
    pub evidence: Vec<String>,
    /// Whether an `ExportArchive` of Keras wrote it.
    pub(crate) is_archive: bool,
    /// Whether it holds layers of Keras 2, and of Keras 3.
    pub(crate) has_keras_2: bool,
    pub(crate) has_keras_3: bool,
    /// Whether it has lookup tables.
    pub(crate) has_tables: bool,
    /// Whether layers of Keras 2 compute in another type than their variables have.
    pub(crate) is_mixed: bool,
}

impl Provenance {
    pub(super) fn of(context: &Facts<'_>) -> Self {
        let mut found = Self::default();
        let mut calls_stablehlo = None;
        let graphs = &context.saved_model.meta_graphs;
        for meta_graph in 0..graphs.len() {
            for op in ops(context, meta_graph) {
                found.has_tables |= memmem::find(op, TABLE).is_some();
                calls_stablehlo = calls_stablehlo.or_else(|| (op == XLA_CALL_MODULE).then_some(meta_graph));
            }
        }
        // Of a file that is damaged nobody knows whether objects came behind what could be read.
        let is_whole = context.saved_model.problems.is_empty();
        let with_objects = (0..graphs.len()).find(|graph| !context.objects(*graph).is_empty());
        if let Some(objects) = with_objects.map(|graph| context.objects(graph)) {
            found.of_objects(context, objects);
        } else if let Some(graph) = graphs.iter().find(|graph| graph.nodes > 0 && is_whole) {
            found.kind = ModelKind::Tf1;
            let version = &graph.tensorflow_version;
            let written = if version.is_empty() { String::new() } else { format!(", TensorFlow {}", quoted(version)) };
            found.evidence.push(format!("no object graph{written}"));
        }
        if let Some(meta_graph) = calls_stablehlo {
            found.kind = ModelKind::Jax;
            found.evidence.insert(0, format!("op `XlaCallModule` in metagraph {meta_graph}, as jax2tf writes it"));
        }
        found
    }

    fn of_objects(&mut self, context: &Facts<'_>, objects: &[Object<'_>]) {
        let has = |object: &Object<'_>, name: &[u8]| object.children.iter().any(|(_, child)| *child == name);
        let is_operation = |object: &Object<'_>| OPERATION.iter().all(|name| has(object, name));
        self.has_keras_2 = objects.iter().any(|object| object.identifier.starts_with(KERAS_OBJECT));
        self.has_keras_3 = objects.iter().any(is_operation);
        let Some(root) = objects.first() else { return };
        self.is_archive = ARCHIVE.iter().all(|name| has(root, name));
        let (kind, known) = if root.identifier.starts_with(KERAS_OBJECT) {
            (ModelKind::TfKeras, format!("the root object is {}", quoted(root.identifier)))
        } else if self.is_archive && has(root, ARCHIVE_2) {
            (ModelKind::TfKeras, "the root object is an ExportArchive (`_misc_assets`, `_endpoint_names`)".to_owned())
        } else if self.is_archive {
            (ModelKind::Keras3, "the root object is what an ExportArchive saves (`_misc_assets`)".to_owned())
        } else if LAYERS.iter().all(|name| has(root, name)) {
            (ModelKind::TfKeras, "the root object has `layer-0` and `_default_save_signature`".to_owned())
        } else if is_operation(root) {
            (ModelKind::Keras3, "the root object has `_inbound_nodes` and `_outbound_nodes`".to_owned())
        } else {
            let count = plural(objects.len() as u64, "object", "objects");
            let held = match (self.has_keras_2, self.has_keras_3) {
                (true, _) => ", among them layers of Keras 2",
                (false, true) => ", among them layers of Keras 3",
                (false, false) => ", none of Keras",
            };
            (ModelKind::TfModule, format!("an object graph of {count}{held}"))
        };
        (self.kind, self.evidence) = (kind, vec![known]);
        if let Some((name, metadata)) = context.keras_metadata().filter(|_| kind == ModelKind::TfKeras) {
            self.evidence.push((*name).to_owned());
            self.is_mixed = memmem::find(metadata, MIXED).is_some();
        }
    }
}

/// The ops that a metagraph says it uses, in its graph and in its functions.
fn ops<'a>(context: &Facts<'a>, meta_graph: usize) -> impl Iterator<Item = &'a [u8]> {
    let file = context.main();
    let inner =
        move |range, number| fields(file, range).filter(move |field| field.is_len(number)).map(|field| field.payload());
    let infos = context.sections(meta_graph, META_INFO_DEF).map(|info| info.payload());
    let ops = infos.flat_map(move |info| inner(info, STRIPPED_OP_LIST)).flat_map(move |list| inner(list, OP));
    ops.filter_map(move |op| file.get(first_len(file, op, NAME)?))
}

#[cfg(test)]
mod tests {
    use super::ModelKind;
    use crate::findings::tests::report;
    use crate::message::number::saved_object::USER_OBJECT as USER;
    use crate::support::graph::{graph_of, object, objects};
    use crate::support::wire::{Message, message, node, saved_model};

    /// The kind of a model whose root has this identifier and these attributes.
    fn kind_of(identifier: &str, attributes: &[&str], ops: &[&str]) -> (ModelKind, Vec<String>) {
        let children: Vec<(&str, u64)> = attributes.iter().map(|name| (*name, 1)).collect();
        let nodes = [object(USER, &message().bytes(1, identifier), &children), object(USER, &message(), &[])];
        kind(&with_ops(ops).message(7, &objects(&nodes, &[])))
    }

    fn with_ops(ops: &[&str]) -> Message {
        let list = ops.iter().fold(message(), |list, op| list.message(1, &message().bytes(1, op)));
        let graph = graph_of(&[node("x", "Placeholder")], &[]);
        message().message(1, &message().message(2, &list)).message(2, &graph)
    }

    fn kind(meta_graph: &Message) -> (ModelKind, Vec<String>) {
        let report = report(&[("saved_model.pb", &saved_model([meta_graph]).0)]);
        (report.kind, report.kind_evidence)
    }

    #[test]
    fn keras_2_names_its_root_object() {
        let (kind, evidence) = kind_of("_tf_keras_sequential", &["layer-0"], &[]);
        assert_eq!(
            (kind, &*evidence),
            (ModelKind::TfKeras, &["the root object is `_tf_keras_sequential`".to_owned()][..])
        );
    }

    #[test]
    fn an_export_archive_is_of_keras_3_unless_it_saves_the_names_of_its_endpoints() {
        let archive = ["variables", "trainable_variables", "non_trainable_variables", "_misc_assets", "serve"];
        assert_eq!(kind_of("_generic_user_object", &archive, &[]).0, ModelKind::Keras3);
        let of_keras_2 = [&archive[..], &["_endpoint_names"]].concat();
        assert_eq!(kind_of("_generic_user_object", &of_keras_2, &[]).0, ModelKind::TfKeras);
    }

    #[test]
    fn a_model_of_keras_3_that_was_saved_itself_is_known_by_the_attributes_of_its_operations() {
        let layer = ["_kernel", "bias", "_inbound_nodes", "_outbound_nodes"];
        assert_eq!(kind_of("_generic_user_object", &layer, &[]).0, ModelKind::Keras3);
    }

    #[test]
    fn other_objects_are_modules_whatever_their_attributes_are_called() {
        for names in [&["model", "serve"][..], &["variables", "keras_api"], &["jax", "_inbound_nodes"]] {
            assert_eq!(kind_of("_generic_user_object", names, &[]).0, ModelKind::TfModule, "{names:?}");
        }
    }

    #[test]
    fn what_calls_stablehlo_is_of_jax_in_an_archive_too() {
        for names in [&["f"][..], &["variables", "non_trainable_variables", "_misc_assets"]] {
            let (kind, evidence) = kind_of("_generic_user_object", names, &["AddV2", "XlaCallModule"]);
            assert_eq!(kind, ModelKind::Jax);
            assert_eq!(evidence.len(), 2, "{evidence:?}");
        }
    }

    #[test]
    fn a_graph_without_objects_is_of_tensorflow_1_and_one_without_nodes_is_unknown() {
        assert_eq!(kind(&with_ops(&[])).0, ModelKind::Tf1);
        assert_eq!(kind(&message()), (ModelKind::Unknown, vec![]));
    }

    #[test]
    fn a_file_that_ends_too_early_may_have_had_objects() {
        let mut file = saved_model([&with_ops(&[])]).0;
        file.pop();
        assert_eq!(report(&[("saved_model.pb", &file)]).kind, ModelKind::Unknown);
    }
}
