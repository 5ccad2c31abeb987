//! What findings are written as.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::findings::{Finding, Information, ModelKind, Overlap, Place, Slim};

written_and_read!(
    Slim as SlimDef,
    Finding as FindingDef,
    Overlap as OverlapDef,
    Place as PlaceDef,
    Information as InformationDef,
    ModelKind as ModelKindDef
);

/// The level from which on `smaudit slim` takes away what a finding is about.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Slim")]
#[schemars(rename = "Slim")]
#[serde(rename_all = "snake_case")]
enum SlimDef {
    /// At level `safe` the bytes of files and of the checkpoint's data go; what else there is of it stays.
    Safe,
    /// At level `inference`.
    Inference,
    /// At level `serving`, where all signatures are kept.
    Serving,
    /// Not at all, or in part only.
    None,
}

/// A cause that was found in a model.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Finding")]
#[schemars(rename = "Finding")]
struct FindingDef {
    /// The cause's id, for `smaudit explain` and `finding:ID`.
    id: String,
    /// What the remedy frees, as an estimate.
    bytes: u64,
    /// `bytes` without what larger findings claim as well. These add up.
    additional_bytes: u64,
    /// What is so in this model.
    message: String,
    /// What to do with a model of this kind.
    remedy: String,
    /// The same as at most three lines of Python; empty where it is the user's own code that has to change. In it `model`,
    /// `module` or `graph` is what was saved, and `tf` and `keras` are imported.
    remedy_code: String,
    /// When not to do it.
    unless: String,
    /// The level from which on `smaudit slim` takes it away.
    slim: Slim,
    /// What it rests on, largest first; of more than 20 places the last line says how many are left out.
    evidence: Vec<String>,
    /// The same places by their names, as far as they have one.
    places: Vec<Place>,
    /// The larger findings that claim some of the same bytes.
    overlaps: Vec<Overlap>,
}

/// Bytes that two findings claim.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Overlap")]
#[schemars(rename = "Overlap")]
struct OverlapDef {
    /// The larger finding.
    id: String,
    /// What both claim.
    bytes: u64,
}

/// One place that a finding rests on, as far as it has a name.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Place")]
#[schemars(rename = "Place")]
struct PlaceDef {
    /// The metagraph's place in the file, from 0.
    meta_graph: Option<u64>,
    /// The field of the MetaGraphDef: `graph_def`, `object_graph_def`, ...
    section: Option<String>,
    /// The function of the library that it is, or is in.
    function: Option<String>,
    /// The node.
    node: Option<String>,
    /// The variable's own name, where the checkpoint knows one, else its key.
    variable: Option<String>,
    /// The variable's key in the checkpoint.
    key: Option<String>,
    /// The file, relative to the model's directory, where the place is all of it or is in none of the above.
    file: Option<String>,
    /// What it costs.
    bytes: u64,
}

/// A part of a model that is worth knowing of.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Information")]
#[schemars(rename = "Information")]
struct InformationDef {
    /// What it is called.
    id: String,
    /// The bytes that it takes.
    bytes: u64,
    /// What it is, in this model's numbers.
    message: String,
}

/// What a model was made with.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(remote = "ModelKind")]
#[schemars(rename = "ModelKind")]
#[serde(rename_all = "snake_case")]
enum ModelKindDef {
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
    Unknown,
}
