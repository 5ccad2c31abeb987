//! What checks, reachability and models held against each other are written as.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::checkpoint::Verified;
use crate::duplicates::{NeighbourPair, Parts, Shared, SharedKind};
use crate::fingerprint::{Check, Checks, Fingerprint};
use crate::graph::{EdgeKind, VertexKind};

written!(
    VertexKind as VertexKindDef,
    EdgeKind as EdgeKindDef,
    NeighbourPair as NeighbourPairDef,
    Shared as SharedDef,
    SharedKind as SharedKindDef,
    Parts as PartsDef
);
written_and_read!(Verified as VerifiedDef, Fingerprint as FingerprintDef, Checks as ChecksDef, Check as CheckDef);

/// What `--verify` came to. Tensors that are wrong are not counted here: each is a problem.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Verified")]
#[schemars(rename = "Verified")]
struct VerifiedDef {
    /// The tensors whose data has the checksum that the index has for it; for V1 those in blocks that have theirs.
    tensors: u64,
    /// Their bytes. A range under two keys counts twice.
    bytes: u64,
    /// The tensors that were not checked: variants, whose checksum is of a form in memory; types that smaudit does not
    /// know; and those whose entry or shard is damaged, which is a problem of its own.
    skipped: u64,
}

/// What `fingerprint.pb` says. Hashes are decimal digits in a string, as TensorFlow shows them: many readers of JSON
/// round integers of their size.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Fingerprint")]
#[schemars(rename = "Fingerprint")]
struct FingerprintDef {
    /// The version of the hashing: 0 in TensorFlow 2.11, 4 in 2.21.
    version: i32,
    /// Drawn at random when the model was saved; older versions leave it empty.
    uuid: String,
    /// Of saved_model.pb.
    saved_model_checksum: String,
    /// Of the graph without what differs from one export to the next.
    graph_def_program_hash: String,
    /// Of the signatures.
    signature_def_hash: String,
    /// Of the concrete functions of the object graph.
    saved_object_graph_hash: String,
    /// Of variables/variables.index, and by the checksums in it of the variables.
    checkpoint_hash: String,
    /// Whether `checkpoint_hash` is that of variables/variables.index. Loaders take a model whose is not; but its fingerprint
    /// was made for another export, or its variables were.
    checkpoint: Check,
    /// Whether it fits the model; null without `--verify`.
    verified: Option<Checks>,
}

/// Which hashes are those of the model. That of the graph is not checked.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Checks")]
#[schemars(rename = "Checks")]
struct ChecksDef {
    /// Of saved_model.pb. It fits or is not checked: it may be that of the same model, its maps in another order.
    saved_model_checksum: Check,
    /// Of the signatures of the first metagraph.
    signature_def_hash: Check,
    /// Of the concrete functions of the first metagraph.
    saved_object_graph_hash: Check,
    /// Of variables/variables.index.
    checkpoint_hash: Check,
}

/// What a check of a hash came to.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Check")]
#[schemars(rename = "Check")]
#[serde(rename_all = "snake_case")]
enum CheckDef {
    /// The hash is that of the model.
    Fits,
    /// The hash is of something else.
    Differs,
    /// There is no such hash, or nothing that it could be of.
    NotChecked,
}

/// What a vertex is.
#[derive(Serialize, JsonSchema)]
#[serde(remote = "VertexKind")]
#[schemars(rename = "VertexKind")]
#[serde(rename_all = "snake_case")]
enum VertexKindDef {
    /// A node of `graph_def` itself.
    Node,
    /// A function of the library, with its nodes.
    Function,
    /// A tensor of the checkpoint.
    Variable,
    /// A file under `assets/`.
    Asset,
    /// A node of `object_graph_def`; counts no bytes.
    Object,
    /// What handles of one name stand for: a variable, a table; counts no bytes.
    Resource,
}

/// Why one vertex needs another.
#[derive(Serialize, JsonSchema)]
#[serde(remote = "EdgeKind")]
#[schemars(rename = "EdgeKind")]
#[serde(rename_all = "snake_case")]
enum EdgeKindDef {
    /// A signature gives it.
    Output,
    /// A signature takes it.
    Fed,
    /// A loader runs it.
    Runs,
    /// The object graph has it.
    Holds,
    /// It is an input.
    Input,
    /// It has to run before.
    Control,
    /// It is called: as an op, or as an attribute's function.
    Calls,
    /// It is what a handle stands for.
    Handle,
    /// Its value comes from this tensor of the checkpoint.
    Restored,
    /// It is the partitioned variable that this is a slice of.
    Slice,
    /// The main op prepares it with this node, or a loader with this function.
    Prepared,
    /// A function captured it.
    Captures,
    /// It is a trace of a function object.
    Trace,
    /// It is the value of an object.
    Value,
    /// It is the file whose path this is.
    File,
    /// It is the gradient of an operation, which training looks up by a string; of programs only.
    #[serde(skip)]
    Gradient,
}

/// What one model repeats of an earlier one, in `neighbours` of the JSON report.
#[derive(Serialize, JsonSchema)]
#[serde(remote = "NeighbourPair")]
#[schemars(rename = "NeighbourPair")]
struct NeighbourPairDef {
    /// The path of the model that has it first.
    original: String,
    /// The path of the model that has it again.
    copy: String,
    /// What is repeated: `tensors.bytes` and `files.bytes`.
    bytes: u64,
    /// `bytes` of the copy's.
    share_of_copy: f64,
    /// The tensors of the checkpoint.
    tensors: Parts,
    /// Files that are no part of the checkpoint.
    files: Parts,
    /// Whether every tensor that was compared is repeated.
    whole_checkpoint: bool,
}

/// One content that several models have, in `shared` of the JSON report.
#[derive(Serialize, JsonSchema)]
#[serde(remote = "Shared")]
#[schemars(rename = "Shared")]
struct SharedDef {
    /// What it is.
    kind: SharedKind,
    /// What it is called in the first model that has it: a variable by its own name, a file by its path in the model.
    name: String,
    /// Its size.
    bytes: u64,
    /// How many models have it.
    models: u64,
    /// What these repeat of it: its size for each model but the first.
    repeated_bytes: u64,
}

/// What several models have.
#[derive(Serialize, JsonSchema)]
#[serde(remote = "SharedKind")]
#[schemars(rename = "SharedKind")]
#[serde(rename_all = "snake_case")]
enum SharedKindDef {
    /// A tensor of their checkpoints.
    Variable,
    /// Any other file.
    File,
}

/// Parts of a model that an earlier one has.
#[derive(Serialize, JsonSchema)]
#[serde(remote = "Parts")]
#[schemars(rename = "Parts")]
struct PartsDef {
    /// How many are repeated.
    count: u64,
    /// How many the copy has that are large enough to be compared and not one value throughout.
    of: u64,
    /// The bytes of those that are repeated.
    bytes: u64,
}
