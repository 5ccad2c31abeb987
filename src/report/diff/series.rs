//! More than two models in their order: their sizes, and since when they have which cause.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::ledger::Category;

/// Models in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Series {
    /// The models, the oldest first.
    pub models: Vec<SeriesModel>,
    /// For each category the size of it in each model.
    pub categories: BTreeMap<Category, Vec<u64>>,
    /// Each cause that any of them has, the one with the most bytes in the last model first.
    pub findings: Vec<CauseSeries>,
}

/// A model among others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct SeriesModel {
    /// As it was named or found.
    pub path: String,
    /// What it is called in a table: the last folder of its path.
    pub name: String,
    /// Its size.
    pub total_bytes: u64,
    /// What it is larger than the one before; 0 for the first.
    pub step_bytes: i64,
    /// The part of that which differs in names only.
    pub naming_bytes: i64,
    /// What it is larger than the first.
    pub delta_bytes: i64,
}

impl SeriesModel {
    /// The first of them.
    #[must_use]
    pub fn new(path: &str, total_bytes: u64) -> Self {
        let name = path.trim_end_matches('/').rsplit('/').next().unwrap_or(path).to_owned();
        Self { path: path.to_owned(), name, total_bytes, step_bytes: 0, naming_bytes: 0, delta_bytes: 0 }
    }
}

/// A cause in models in their order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct CauseSeries {
    /// Its id.
    pub id: String,
    /// The name of the first model that has it.
    pub since: String,
    /// The name of the last model that has it; null where the newest one does.
    pub until: Option<String>,
    /// What can go in each model; 0 where it is not.
    pub bytes: Vec<u64>,
}

impl CauseSeries {
    /// A cause that is in the models of these sizes.
    #[must_use]
    pub fn new(id: &str, bytes: Vec<u64>, names: &[&str]) -> Self {
        let name = |at: Option<usize>| at.and_then(|at| names.get(at)).map(|name| (*name).to_owned());
        let last = bytes.iter().rposition(|bytes| *bytes > 0);
        let until = name(last.filter(|last| last + 1 < bytes.len()));
        let since = name(bytes.iter().position(|bytes| *bytes > 0)).unwrap_or_default();
        Self { id: id.to_owned(), since, until, bytes }
    }

    /// Whether it came or went in between.
    #[must_use]
    pub fn is_news(&self) -> bool {
        self.until.is_some() || self.bytes.first() == Some(&0)
    }
}
