//! What rollups and their dimensions are written as.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ledger::{Category, Dimension, Rest, Restriction, Rollup, Row, RowKind};

written_and_read!(
    Dimension as DimensionDef,
    Category as CategoryDef,
    Restriction as RestrictionDef,
    Rollup as RollupDef,
    RowKind as RowKindDef,
    Row as RowDef,
    Rest as RestDef
);

/// A question that can be asked of a charge: `--by`.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Dimension")]
#[schemars(rename = "Dimension")]
#[serde(rename_all = "lowercase")]
enum DimensionDef {
    /// The part of the model: see [`Category`].
    Category,
    /// The MetaGraphDef, by its index and tags: `#0 serve`.
    MetaGraph,
    /// The field of the MetaGraphDef: `graph_def`, `signature_def`, ...
    Section,
    /// The path of fields down to the bytes: `graph_def.node.attr[value]`.
    Field,
    /// The op of a node, in the graph or in a function: `Const`.
    Op,
    /// The folders of a node's or variable's name; given again, one level deeper each time.
    Scope,
    /// The FunctionDef, by its name.
    Function,
    /// The node, by its name.
    Node,
    /// The element type: of a checkpoint's tensor, or the `dtype` attribute of a node.
    Dtype,
    /// The tensor of the checkpoint, by the variable's own name; the key is behind it where several have that name.
    Variable,
    /// The tensor of the checkpoint, by its key.
    Key,
    /// The file, relative to the model's directory.
    File,
    /// Whether the bytes are there once: see `State`.
    Duplicate,
}

/// The part of a model that a byte belongs to. Each byte is in exactly one.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Category")]
#[schemars(rename = "Category")]
#[serde(rename_all = "snake_case")]
enum CategoryDef {
    /// `MetaGraphDef.graph_def`: nodes and the function library.
    GraphDef,
    /// `MetaGraphDef.signature_def`.
    SignatureDef,
    /// `MetaGraphDef.meta_info_def`: tags, versions, the stripped op list.
    MetaInfoDef,
    /// `MetaGraphDef.saver_def`.
    SaverDef,
    /// `MetaGraphDef.collection_def`.
    CollectionDef,
    /// `MetaGraphDef.object_graph_def`.
    ObjectGraphDef,
    /// `MetaGraphDef.asset_file_def` and the files under `assets/` and `assets.extra/`.
    Assets,
    /// The files under `variables/`.
    Variables,
    /// Every other file.
    Files,
    /// What is left of the SavedModel message: its version, the metagraphs' own tags and lengths, unknown fields.
    Framing,
}

/// A restriction, as a report has it.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Restriction")]
#[schemars(rename = "Restriction")]
struct RestrictionDef {
    /// The dimension.
    dimension: Dimension,
    /// The pattern that a name in it has to match.
    glob: String,
}

/// A tree of sums, one level for each dimension asked for. The rows of each level add up to the row above.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Rollup")]
#[schemars(rename = "Rollup")]
struct RollupDef {
    /// The dimensions, outermost first.
    by: Vec<Dimension>,
    /// What the bytes are restricted to by `--only`. Left out where that is nothing, and the rows are of all bytes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    only: Vec<Restriction>,
    /// The outermost rows, largest first.
    rows: Vec<Row>,
    /// What `--top` left out of `rows`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rest: Option<Rest>,
}

/// Whose word the name of a row is: an op may be called `[framing]`.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(remote = "RowKind")]
#[schemars(rename = "RowKind")]
#[serde(rename_all = "snake_case")]
enum RowKindDef {
    /// A name in the dimension, as the model has it; of a dimension with fixed names, one of these.
    Name,
    /// A category: the dimension does not apply to these bytes.
    Category,
    /// A part of the checkpoint that is no variable: `[index]`, `[unused data]`.
    Part,
}

/// One row: a name in its dimension and what it adds up to.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Row")]
#[schemars(rename = "Row")]
struct RowDef {
    /// The label. Bytes that the dimension does not apply to have their category in brackets: `[variables]`.
    // Shared by all rows of this name: one long name may be that of each row below a hundred thousand others.
    name: Arc<str>,
    /// Whose word that is.
    kind: RowKind,
    /// Bytes on disk.
    bytes: u64,
    /// How many items (nodes, tensors, files, ...) these bytes hold; framing counts nothing.
    count: u64,
    /// The same bytes by the next dimension, largest first; empty on the last level.
    children: Vec<Row>,
    /// What `--top` left out of `children`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rest: Option<Rest>,
}

/// Rows that are not shown: how many, and what they add up to.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Rest")]
#[schemars(rename = "Rest")]
struct RestDef {
    /// How many rows.
    rows: u64,
    /// Their bytes.
    bytes: u64,
    /// Their count.
    count: u64,
}
