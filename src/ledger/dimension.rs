//! What bytes can be broken down by, and the categories that every byte falls in.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::suggest::hint;

/// A question that can be asked of a charge: `--by`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Dimension {
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

impl Dimension {
    /// How many there are.
    pub const COUNT: usize = Self::ALL.len();

    /// All of them, in the order in which they are declared.
    pub const ALL: [Self; 13] = [
        Self::Category,
        Self::MetaGraph,
        Self::Section,
        Self::Field,
        Self::Op,
        Self::Scope,
        Self::Function,
        Self::Node,
        Self::Dtype,
        Self::Variable,
        Self::Key,
        Self::File,
        Self::Duplicate,
    ];

    /// The name that `--by` and the JSON report use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Category => "category",
            Self::MetaGraph => "metagraph",
            Self::Section => "section",
            Self::Field => "field",
            Self::Op => "op",
            Self::Scope => "scope",
            Self::Function => "function",
            Self::Node => "node",
            Self::Dtype => "dtype",
            Self::Variable => "variable",
            Self::Key => "key",
            Self::File => "file",
            Self::Duplicate => "duplicate",
        }
    }

    /// What a row of it is, in a line.
    #[must_use]
    pub fn about(self) -> &'static str {
        match self {
            Self::Category => "the part of the model: graph_def, variables, assets, ...",
            Self::MetaGraph => "the metagraph, by its index and tags",
            Self::Section => "the field of the MetaGraphDef: graph_def, signature_def, ...",
            Self::Field => "the path of fields down to the bytes: graph_def.node.attr[value]",
            Self::Op => "the op of a node, in the graph and in functions: Const",
            Self::Scope => "the folder of a node's or variable's name; given again, one level deeper",
            Self::Function => "the function of the library",
            Self::Node => "the node, by its name",
            Self::Dtype => "the element type of a tensor, or of a node's attribute dtype",
            Self::Variable => "the variable, by its own name",
            Self::Key => "the variable, by its key in the checkpoint",
            Self::File => "the file, by its path in the model",
            Self::Duplicate => "whether the bytes are a duplicate of others: unique, redundant, ...",
        }
    }

    pub(super) fn index(self) -> usize {
        self as usize
    }
}

/// A name that no dimension has.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "unknown dimension `{0}`{hint}; use one of {names}",
    hint = hint(.0, Dimension::ALL.map(Dimension::name)),
    names = Dimension::ALL.map(Dimension::name).join(", ")
)]
pub struct NoDimension(String);

impl FromStr for Dimension {
    type Err = NoDimension;

    fn from_str(name: &str) -> Result<Self, NoDimension> {
        let named = Self::ALL.into_iter().find(|dimension| dimension.name() == name);
        named.ok_or_else(|| NoDimension(name.to_owned()))
    }
}

impl fmt::Display for Dimension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What no breakdown can be by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ByError {
    /// No dimension at all.
    #[error("names no dimension; leave it out to break down by {}", Dimension::Category)]
    Nothing,
    /// More dimensions than any report has levels for.
    #[error("names {0} dimensions; {MAX_BY} are the most")]
    TooMany(usize),
    /// A dimension that would be a level with one row below each row.
    #[error("names {0} twice; only {scope} may be repeated, each time one folder deeper", scope = Dimension::Scope)]
    Twice(Dimension),
}

/// The most dimensions of a breakdown: all there are, and scopes to a depth that no name has.
const MAX_BY: usize = 32;

/// Checks that a breakdown can be by these: one or more, and none twice but [`Dimension::Scope`].
///
/// # Errors
/// When it cannot.
pub fn check_by(by: &[Dimension]) -> Result<(), ByError> {
    if by.is_empty() {
        return Err(ByError::Nothing);
    }
    if by.len() > MAX_BY {
        return Err(ByError::TooMany(by.len()));
    }
    let is_repeated =
        |(index, dimension): &(usize, &Dimension)| by.iter().take(*index).any(|other| other == *dimension);
    let mut repeated = by.iter().enumerate().filter(is_repeated).map(|(_, dimension)| *dimension);
    repeated.find(|dimension| *dimension != Dimension::Scope).map_or(Ok(()), |dimension| Err(ByError::Twice(dimension)))
}

/// Whether bytes are there once, as [`Dimension::Duplicate`] has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum State {
    /// Part of no duplicate, or of the one that is kept.
    Unique,
    /// There before: would go if each content were stored once.
    Redundant,
    /// A payload of nothing but zeros.
    Zero,
    /// A payload of one other value throughout.
    Fill,
}

impl State {
    /// The name that reports use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Unique => "unique",
            Self::Redundant => "redundant",
            Self::Zero => "zero",
            Self::Fill => "fill",
        }
    }
}

/// The part of a model that a byte belongs to. Each byte is in exactly one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Category {
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

impl Category {
    /// All of them, in the order in which they are declared.
    pub const ALL: [Self; 10] = [
        Self::GraphDef,
        Self::SignatureDef,
        Self::MetaInfoDef,
        Self::SaverDef,
        Self::CollectionDef,
        Self::ObjectGraphDef,
        Self::Assets,
        Self::Variables,
        Self::Files,
        Self::Framing,
    ];

    /// The name that reports use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::GraphDef => "graph_def",
            Self::SignatureDef => "signature_def",
            Self::MetaInfoDef => "meta_info_def",
            Self::SaverDef => "saver_def",
            Self::CollectionDef => "collection_def",
            Self::ObjectGraphDef => "object_graph_def",
            Self::Assets => "assets",
            Self::Variables => "variables",
            Self::Files => "files",
            Self::Framing => "framing",
        }
    }
}

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dimensions_are_indexed_in_the_order_of_their_list() {
        for (index, dimension) in Dimension::ALL.iter().enumerate() {
            assert_eq!(dimension.index(), index);
        }
    }

    #[test]
    fn a_dimension_may_be_named_once_and_scope_more_often() {
        assert_eq!(check_by(&[Dimension::Scope, Dimension::Scope, Dimension::Op]), Ok(()));
        let error = check_by(&[Dimension::Op, Dimension::Scope, Dimension::Op]).unwrap_err().to_string();
        assert_eq!(error, "names op twice; only scope may be repeated, each time one folder deeper");
        assert_eq!(check_by(&[]), Err(ByError::Nothing));
    }

    #[test]
    fn a_dimension_is_known_by_its_name() {
        for dimension in Dimension::ALL {
            assert_eq!(dimension.name().parse(), Ok(dimension));
        }
        let error = "ops".parse::<Dimension>().unwrap_err().to_string();
        assert!(
            error.starts_with("unknown dimension `ops`; did you mean `op`?; use one of category, metagraph, "),
            "{error}"
        );
    }

    #[test]
    fn the_names_in_json_are_the_names_in_text() {
        for dimension in Dimension::ALL {
            assert_eq!(serde_json::to_value(dimension).unwrap(), dimension.name());
        }
        for category in Category::ALL {
            assert_eq!(serde_json::to_value(category).unwrap(), category.name());
        }
    }
}
