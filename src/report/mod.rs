//! What an audit says, as one value, and the formats it can be written in.
//!
//! [`Report`] is the JSON report (schema_version 1) and nothing but data. Each format is a pure function over it, in a
//! file of its own; none of them sees a proto, a file or a ledger, and none computes a figure that JSON does not have.

mod baseline;
mod csv;
mod diff;
mod digest;
mod document;
pub mod duplicates;
mod fit;
mod folded;
mod folder;
mod format;
mod gate;
mod html;
mod json;
mod markdown;
mod nodes;
mod order;
mod pages;
mod remote;
mod safe_json;
#[cfg(test)]
mod sample;
mod slim;
mod stored;
mod tensor;
mod text;
mod treemap;
mod view;
mod why;
mod written;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::exit::Exit;
use crate::input::{Archive, Link, Outside};
use crate::problem::Problem;

// What other parts find out and the report has as it is.
pub use crate::checkpoint::Verified;
pub use crate::duplicates::{NeighbourPair, Parts, Shared, SharedKind};
pub use crate::findings::{Finding, Information, ModelKind, Overlap, Place, Provenance, Slim};
pub use crate::fingerprint::{Check, Checks, Fingerprint};
pub use crate::graph::{EdgeKind, VertexKind};
pub use crate::ledger::{Category, Rest, Rollup, Row};
pub use treemap::{Signature as TreemapSignature, Tag as TreemapTag, Treemap, View as TreemapView};

pub use baseline::{Baseline, BaselineError, MOST_BYTES};
pub use diff::{
    CauseSeries, Change, DiffBreakdown, DiffFormat, DiffKind, DiffList, DiffReport, DiffRow, DiffSide, DiffStatus,
    DuplicatesChange, FindingChange, FindingChanges, Series, SeriesModel, SideKind, SideProblem, SignatureChange,
    TensorChange, Which, delta, sort as sort_rows,
};
pub use digest::Digest;
pub use duplicates::Duplicates;
pub use fit::fit;
pub use format::Format;
pub use gate::{Allowed, ConfigFile, Gate, Level, LimitOutcome, RuleOutcome, Status, percent};
pub use html::ROOM;
pub use json::{baseline_schema, diff_schema, schema, slim_schema, why_schema, write_line, write_unreadable_line};
pub(crate) use nodes::{NodeReport, NodesListed};
pub use remote::{RemoteDepth, RemoteReport, Unread};
pub use slim::{SlimFile, SlimFinding, SlimLevel, SlimModel, SlimOutcome, SlimReport, SlimSaving, SlimStep};
pub use stored::{AuditedLine, audited_line};
pub(crate) use stored::{read_models, schema_version};
pub(crate) use tensor::tensor_type;
pub use view::{Page, Sort, View};
pub use why::{WhyGraph, WhyModel, WhyReport, WhyRoot, WhyRootKind, WhyStep, WhyThing};

/// The report's schema version; it changes when a key goes or changes its meaning, not when one is added.
pub const SCHEMA_VERSION: u32 = 1;

/// The whole report: one document for one run.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(title = "smaudit report")]
pub struct Report {
    /// 1, until a key goes or changes its meaning.
    pub schema_version: u32,
    /// What wrote the report.
    pub tool: Tool,
    /// One entry for each SavedModel, in the order of the command line, then by name.
    pub models: Vec<ModelReport>,
    /// What models repeat of those before them, the most bytes first.
    pub neighbours: Vec<NeighbourPair>,
    /// Each content that several models have, the most repeated bytes first.
    pub shared: Vec<Shared>,
    /// What lies beside the models, in no model.
    pub outside: OutsideReport,
    /// All models together.
    pub totals: Totals,
    /// Paths, and folders on the way to a model, of which there is no report.
    pub unreadable: Vec<UnreadableInput>,
    /// The rules and whether they hold.
    pub gate: Gate,
}

impl Report {
    /// A report of no model yet.
    #[must_use]
    pub fn new() -> Self {
        let tool = Tool::default();
        let (models, neighbours, shared, unreadable) = Default::default();
        let (outside, totals, gate) = Default::default();
        Self { schema_version: SCHEMA_VERSION, tool, models, neighbours, shared, outside, totals, unreadable, gate }
    }

    /// Adds the models up.
    pub fn add_up(&mut self) {
        let sum = |figure: fn(&ModelReport) -> u64| self.models.iter().map(figure).fold(0, u64::saturating_add);
        self.totals = Totals {
            models: self.models.len() as u64,
            bytes: sum(|model| model.total_bytes),
            redundant_bytes: sum(|model| model.duplicates.redundant_bytes),
            findings_bytes: sum(|model| model.findings_bytes),
            neighbours_bytes: self.neighbours.iter().map(|pair| pair.bytes).fold(0, u64::saturating_add),
            problems: sum(|model| model.problems.len() as u64),
        };
    }

    /// Whether everything that was asked for could be read.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.unreadable.is_empty() && self.models.iter().all(|model| model.problems.is_empty())
    }

    /// How the run ended: not the better for a rule that holds of a model that could not be read.
    #[must_use]
    pub fn exit(&self) -> Exit {
        let read = match self.is_complete() {
            _ if self.unreadable.iter().any(|input| input.is_internal) => Exit::Internal,
            true => Exit::Audited,
            false => Exit::Unreadable,
        };
        let judged = if self.gate.is_broken() { Exit::RuleBroken } else { Exit::Audited };
        read.max(judged)
    }
}

impl Default for Report {
    fn default() -> Self {
        Self::new()
    }
}

/// All models of a report together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct Totals {
    /// How many.
    pub models: u64,
    /// Their `total_bytes`.
    pub bytes: u64,
    /// Their `redundant_bytes`: what each has twice in itself.
    pub redundant_bytes: u64,
    /// Their `findings_bytes`.
    pub findings_bytes: u64,
    /// What models repeat of others, as far as it is in `neighbours`. Some of it may be redundant in a model as well.
    pub neighbours_bytes: u64,
    /// Their problems.
    pub problems: u64,
}

/// Files of the trees that were searched which are in no model.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OutsideReport {
    /// How many; links and archives are not among them.
    pub files: u64,
    /// Their sizes.
    pub bytes: u64,
    /// The largest of them, at most 20.
    pub largest: Vec<OutsideFile>,
}

/// A file that is in no model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OutsideFile {
    /// As it would be named on the command line.
    pub path: String,
    /// Its size.
    pub bytes: u64,
}

impl From<Outside> for OutsideReport {
    fn from(outside: Outside) -> Self {
        let largest = outside.largest.into_iter().map(|(path, bytes)| OutsideFile { path, bytes }).collect();
        Self { files: outside.files, bytes: outside.bytes, largest }
    }
}

/// Something that was to be audited and is not in the report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UnreadableInput {
    /// The path, as it was named or found.
    pub path: String,
    /// Why, and what to do.
    pub message: String,
    /// Whether that is a mistake in smaudit, and none of the input.
    #[serde(skip)]
    pub is_internal: bool,
}

impl From<Problem> for UnreadableInput {
    /// The problem of a folder that was to be searched.
    fn from(problem: Problem) -> Self {
        Self { message: problem.to_string(), path: problem.file, is_internal: false }
    }
}

/// What wrote the report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct Tool {
    /// `smaudit`.
    pub name: String,
    /// Its version.
    pub version: String,
}

impl Default for Tool {
    fn default() -> Self {
        Self { name: env!("CARGO_PKG_NAME").to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() }
    }
}

/// One SavedModel. All sizes are bytes on disk, or what the files of an archive have when unpacked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct ModelReport {
    /// The model's directory, as it was named or found; in an archive, the archive and the folder in it.
    pub path: String,
    /// The archive that it is in; null where it is in none.
    pub archive: Option<Archive>,
    /// What was read of it where it is in a store; null elsewhere.
    #[serde(default)]
    pub remote: Option<RemoteReport>,
    /// What it was made with, which decides the code in `remedy_code`.
    pub kind: ModelKind,
    /// What `kind` is known by.
    pub kind_evidence: Vec<String>,
    /// The sum of all regular files under it.
    pub total_bytes: u64,
    /// Whether a loader could restore it: no problem is of the kind `not-whole`.
    pub whole: bool,
    /// `total_bytes` by category. Every category is there.
    pub categories: BTreeMap<Category, u64>,
    /// Every regular file, by name.
    pub files: Vec<FileReport>,
    /// Symbolic and hard links, which are named but not counted again.
    pub links: Vec<Link>,
    /// How the main file is written; null where there is none.
    pub main_file: Option<MainFileReport>,
    /// The MetaGraphDefs, in the order of the file.
    pub meta_graphs: Vec<MetaGraphReport>,
    /// The checkpoint under `variables/`; null where there is none.
    pub checkpoint: Option<CheckpointReport>,
    /// What `fingerprint.pb` says; null where there is none that can be read.
    pub fingerprint: Option<Fingerprint>,
    /// `total_bytes` by the dimensions of `--by`. Complete, unless `--top` was given.
    pub breakdown: Rollup,
    /// What is stored more than once.
    pub duplicates: Duplicates,
    /// Why the model is as big as it is, the most bytes first.
    pub findings: Vec<Finding>,
    /// What the remedies of all findings free together: the sum of their `additional_bytes`.
    pub findings_bytes: u64,
    /// What takes room and is no cause for alarm, the most bytes first.
    pub information: Vec<Information>,
    /// What could not be read. Its bytes are charged all the same.
    pub problems: Vec<Problem>,
    /// What a page draws; no program reads it, as `--by` says the same.
    #[serde(skip)]
    pub treemap: Option<Treemap>,
}

/// A file of the model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct FileReport {
    /// Relative to the model's directory.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// The category of its bytes. A file with several has the largest, followed by `...`.
    pub category: String,
    /// XXH3 of its contents, 16 hexadecimal digits. Of files that are no part of a checkpoint and not the main file, and only
    /// where that was asked for: in a diff.
    #[serde(default)]
    pub digest: Option<Digest<8>>,
}

/// How a SavedModel's main file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MainFileForm {
    /// `saved_model.pb`: wire format.
    Binary,
    /// `saved_model.pbtxt`: text format.
    Text,
    /// `saved_model.cpb`: wire format in chunks, which may be compressed.
    Chunked,
}

/// The file that makes a directory a SavedModel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct MainFileReport {
    /// How it is written.
    pub form: MainFileForm,
    /// Its size. Every figure of what is in it is of these bytes.
    pub stored_bytes: u64,
    /// The SavedModel in wire format, as a `saved_model.pb` would have it; null where it cannot be read.
    pub decoded_bytes: Option<u64>,
}

/// A MetaGraphDef.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct MetaGraphReport {
    /// Its place in the file, from 0.
    pub index: u64,
    /// `meta_info_def.tags`: what a loader names it by.
    pub tags: Vec<String>,
    /// `meta_info_def.tensorflow_version`: the TensorFlow that wrote it; empty where it does not say.
    pub tensorflow_version: String,
    /// The message's bytes, without its own tag and length.
    pub bytes: u64,
    /// `bytes` by the MetaGraphDef's fields; those that it does not have are left out.
    pub sections: BTreeMap<String, u64>,
    /// What its fields are but for the names in them, 16 hexadecimal digits each; that of `graph_def` is of all but its nodes and
    /// functions. Empty where that was not asked for.
    #[serde(default)]
    pub structures: BTreeMap<String, Digest<8>>,
    /// Nodes of `graph_def` itself.
    pub nodes: u64,
    /// Whether `ops` have them.
    #[serde(skip)]
    pub(crate) nodes_listed: NodesListed,
    /// Functions of its library.
    pub functions: u64,
    /// Nodes in these functions.
    pub function_nodes: u64,
    /// Objects of `object_graph_def`.
    pub object_nodes: u64,
    /// The signatures, in the order of the file.
    pub signatures: Vec<SignatureReport>,
    /// The assets that it names.
    pub assets: Vec<AssetReport>,
    /// The nodes of `graph_def` itself by op, largest first. Nodes in functions are counted under the functions.
    pub ops: Vec<OpReport>,
    /// The functions of the library, largest first.
    pub function_defs: Vec<FunctionReport>,
}

/// An entry of `signature_def`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct SignatureReport {
    /// Its key.
    pub name: String,
    /// The entry, tag and length included.
    pub bytes: u64,
    /// `tensorflow/serving/predict`, `__saved_model_init_op`, ...; empty where the signature cannot be read.
    pub method_name: String,
    /// Its inputs.
    pub inputs: Vec<TensorInfoReport>,
    /// Its outputs.
    pub outputs: Vec<TensorInfoReport>,
    /// The bytes of the nodes, functions, tensors and assets that it reaches; null where the metagraph has too many
    /// nodes or signatures to follow them.
    pub reachable_bytes: Option<u64>,
    /// The bytes of what nothing else reaches: no other signature of any metagraph, no main op, no function of the object
    /// graph. What would no longer be needed without it.
    pub exclusive_bytes: Option<u64>,
}

/// An input or output of a signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct TensorInfoReport {
    /// Its key in the signature.
    pub name: String,
    /// `float32`, `string`, ...
    pub dtype: String,
    /// -1 for an unknown dimension; null for an unknown rank.
    pub shape: Option<Vec<i64>>,
}

/// An asset that a MetaGraphDef names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct AssetReport {
    /// Relative to `assets/`.
    pub filename: String,
    /// The file's size; null where it is not there.
    pub bytes: Option<u64>,
}

/// The nodes with one op.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct OpReport {
    /// The op's name.
    pub op: String,
    /// How many nodes.
    pub count: u64,
    /// Their `node` fields, tag and length included.
    pub bytes: u64,
    /// What they are but for the names in them, in whatever order: 16 hexadecimal digits. Null where that was not asked for.
    #[serde(default)]
    pub structure: Option<Digest<8>>,
    /// The nodes, as [`MetaGraphReport::nodes_listed`] says; in no report that is written.
    #[serde(skip)]
    pub(crate) nodes: Vec<NodeReport>,
}

/// A function of the library.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct FunctionReport {
    /// Its name.
    pub name: String,
    /// How many nodes it has.
    pub nodes: u64,
    /// Its `function` field, tag and length included.
    pub bytes: u64,
    /// What it is but for the names in it, with what it calls: 32 hexadecimal digits, equal for functions that are, in any
    /// report of a version of smaudit that makes them the same way. Of several functions of one name that of the last, null
    /// where there are so many functions that it was not compared.
    pub structure: Option<Digest<16>>,
    /// The same of the function alone, whatever it calls: functions of one form and of two structures differ in what they call.
    #[serde(default)]
    pub form: Option<Digest<16>>,
    /// Which ops its nodes have, and how many of each: 16 hexadecimal digits, equal for functions of which that is equal. In JSON
    /// and in a diff only, as what follows.
    #[serde(default)]
    pub ops: Option<Digest<8>>,
}

/// How a checkpoint is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CheckpointFormat {
    /// A TensorBundle: an index and data shards.
    Bundle,
    /// TensorFlow 1's first format, tables of SavedTensorSlices.
    V1,
}

/// The checkpoint under `variables/`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct CheckpointReport {
    /// How it is written.
    pub format: CheckpointFormat,
    /// How many data shards the index speaks of; for V1, how many files there are.
    pub shards: u64,
    /// The index file.
    pub index_bytes: u64,
    /// The data shards of the set that the index speaks of; for V1 the tables, with all that is in them.
    pub data_bytes: u64,
    /// What no tensor lies on in these shards: gaps, alignment, orphans.
    pub unused_data_bytes: u64,
    /// Files of another set, which no loader reads.
    pub stale_bytes: u64,
    /// What reading all of the data came to; null without `--verify`.
    pub verified: Option<Verified>,
    /// The tensors, in the order of the index.
    pub tensors: Vec<TensorReport>,
}

/// A tensor of the checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct TensorReport {
    /// Its key. The key of a slice is given as the variable's name with the slice in brackets.
    pub key: String,
    /// The variable's own name, where the object graph gives one: `dense/kernel`.
    pub name: Option<String>,
    /// `float32`, `string`, ...
    pub dtype: String,
    /// Its shape.
    pub shape: Vec<i64>,
    /// The bytes of its data; 0 for a partitioned variable, whose slices are tensors of their own. For V1 the value in the
    /// table: a message with the elements and the variable's name; before compression where its block is compressed.
    pub bytes: u64,
    /// The shard that holds it; for V1 the table.
    pub shard: u64,
    /// Where it starts in the shard; in a compressed block of V1, where the block does.
    pub offset: u64,
    /// The masked CRC32C of its bytes, as the index has it; null where it has none.
    #[serde(default)]
    pub crc32c: Option<u32>,
}
