//! What a row of a diff is about, and what became of it.

use schemars::JsonSchema;
use serde::Serialize;

/// What a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DiffKind {
    /// A category of the model, without what differs in names only.
    Category,
    /// All that differs only by names and counters.
    Naming,
    /// A metagraph that only one model has, or in `meta_graphs` any.
    MetaGraph,
    /// Functions, or nodes of the graph: what is below them.
    Group,
    /// A function of the library.
    Function,
    /// The nodes of the graph with one op.
    Op,
    /// A node of the graph; of a graph with very many, those that are the same but for names, by the name of the first.
    Node,
    /// A signature.
    Signature,
    /// A tensor of the checkpoint.
    Variable,
    /// A file.
    File,
    /// A field of a metagraph.
    Section,
    /// What is left of the row above: lengths, indexes, gaps.
    Part,
    /// A name in a dimension of `--by`.
    Name,
    /// A group of duplicates, by the name of the place that is kept.
    Duplicate,
    /// What is the same on both sides, all of it.
    Unchanged,
    /// Rows that changed by less than `--min-delta`, all of them.
    Small,
}

impl DiffKind {
    /// The name that JSON and CSV use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Category => "category",
            Self::Naming => "naming",
            Self::MetaGraph => "meta_graph",
            Self::Group => "group",
            Self::Function => "function",
            Self::Op => "op",
            Self::Node => "node",
            Self::Signature => "signature",
            Self::Variable => "variable",
            Self::File => "file",
            Self::Section => "section",
            Self::Part => "part",
            Self::Name => "name",
            Self::Duplicate => "duplicate",
            Self::Unchanged => "unchanged",
            Self::Small => "small",
        }
    }

    /// What people call it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::MetaGraph => "metagraph",
            Self::Op => "nodes",
            Self::Category | Self::Section | Self::Part | Self::Group => "part",
            Self::Name => "",
            Self::Small => "several",
            _ => self.name(),
        }
    }
}

/// What became of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DiffStatus {
    /// Only the new model has it.
    Added,
    /// Only the old model has it.
    Removed,
    /// It is another one now.
    Changed,
    /// A variable of another shape.
    Resized,
    /// A variable of another type.
    Retyped,
    /// Of the same size, and its bytes are others.
    Content,
    /// The same but for names and counters.
    Naming,
    /// The same.
    Same,
}

impl DiffStatus {
    /// The name that reports use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Changed => "changed",
            Self::Resized => "resized",
            Self::Retyped => "retyped",
            Self::Content => "other content",
            Self::Naming => "naming",
            Self::Same => "same",
        }
    }
}
