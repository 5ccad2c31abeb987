//! What a treemap of a model is drawn from: its bytes by several lists of dimensions.

use crate::ledger::{Facet, Tree};

/// The bytes of a model by several lists of dimensions, and what is said of parts of them besides.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Treemap {
    /// The lists, in the order in which they are offered.
    pub views: Vec<View>,
    /// What is said of bytes besides where they are, by the number that parts of rows have.
    pub facets: Vec<Facet>,
    /// What the tag of a facet says, by its number.
    pub tags: Vec<Tag>,
    /// The signatures that are told apart.
    pub signatures: Vec<Signature>,
}

/// What is said of some bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tag {
    /// The findings that claim them, by their positions in the report.
    pub findings: Vec<usize>,
    /// The signatures that reach them, by their positions in [`Treemap::signatures`]; `None` for what none could need:
    /// it is no node, function, variable or asset.
    pub signatures: Option<Vec<usize>>,
}

impl Tag {
    /// What is said of bytes that these findings claim and these signatures reach.
    #[must_use]
    pub fn new(findings: Vec<usize>, signatures: Option<Vec<usize>>) -> Self {
        Self { findings, signatures }
    }
}

/// A signature that a treemap can be restricted to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// Its key.
    pub name: String,
    /// The metagraph that it is in, as facets have it.
    pub meta_graph: String,
    /// The bytes that it reaches, as the report has them.
    pub reachable_bytes: Option<u64>,
}

/// All bytes of a model by some dimensions.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct View {
    /// What it is called: `section, op`.
    pub name: String,
    /// The bytes.
    pub tree: Tree,
}

impl View {
    /// A view by the dimensions of `tree`.
    #[must_use]
    pub fn new(name: impl Into<String>, tree: Tree) -> Self {
        Self { name: name.into(), tree }
    }
}
