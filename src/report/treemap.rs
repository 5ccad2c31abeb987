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
