//! What changed from one model to another, as plain data: the document of `smaudit diff --json`.
//!
//! It is made in `diff`, which is above, of two reports. Bytes of a side are never negative, deltas are new minus old; at
//! every level the rows add up to the row above.

mod amounts;
mod csv;
mod format;
mod html;
mod kind;
mod markdown;
mod open_metrics;
mod page;
mod series;
mod text;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::{Gate, SCHEMA_VERSION, Tool};
use crate::exit::Exit;
use crate::ledger::{Category, Dimension};
use crate::problem::Problem;

pub use format::DiffFormat;
pub use kind::{DiffKind, DiffStatus};
pub use series::{CauseSeries, Series, SeriesModel};

/// What changed.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(title = "smaudit diff")]
#[non_exhaustive]
pub struct DiffReport {
    /// 1, until a key goes or changes its meaning.
    pub schema_version: u32,
    /// What wrote it.
    pub tool: Tool,
    /// What is compared with.
    pub old: DiffSide,
    /// What is compared.
    pub new: DiffSide,
    /// The new total minus the old one.
    pub delta_bytes: i64,
    /// The part of it that differs only by names and counters.
    pub naming_bytes: i64,
    /// Both totals by category. Every category is there.
    pub categories: BTreeMap<Category, Change>,
    /// The delta as a tree.
    pub breakdown: DiffBreakdown,
    /// The metagraphs, joined by their tags.
    pub meta_graphs: Vec<DiffRow>,
    /// The functions that are not the same.
    pub functions: DiffList,
    /// The nodes of graphs that are not the same: one a row, or, where a graph has very many, those that are the same but for names.
    /// Where a side is a report they are not known.
    pub nodes: DiffList,
    /// The variables that are not the same.
    pub variables: DiffList,
    /// The signatures that are not the same.
    pub signatures: Vec<SignatureChange>,
    /// The files that are not the same, but for the main file and those of the checkpoint.
    pub files: DiffList,
    /// What is duplicated.
    pub duplicates: DuplicatesChange,
    /// The causes of size.
    pub findings: FindingChanges,
    /// What is wrong with either.
    pub problems: Vec<SideProblem>,
    /// What two reports do not say, and why.
    pub not_known: Vec<String>,
    /// The rules, held against the new one, with the old one as the baseline.
    pub gate: Gate,
    /// Of more than two models: each compared with the one before it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Self>,
    /// Of more than two models: all of them by category.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub series: Option<Series>,
}

/// One of two models.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DiffSide {
    /// As it was named or found.
    pub path: String,
    /// What was read.
    pub kind: SideKind,
    /// The model's size.
    pub total_bytes: u64,
    /// Whether a loader could restore it.
    pub whole: bool,
    /// The TensorFlow that wrote the first metagraph; empty where it does not say.
    pub tensorflow_version: String,
}

/// What a side of a diff was read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SideKind {
    /// The model itself.
    Model,
    /// A JSON report of it.
    Report,
}

/// A size before and after.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Change {
    /// Of the old model.
    pub old: u64,
    /// Of the new one.
    pub new: u64,
    /// `new` minus `old`.
    pub delta: i64,
}

impl Change {
    /// From one size to another.
    #[must_use]
    pub fn new(old: u64, new: u64) -> Self {
        Self { old, new, delta: delta(old, new) }
    }
}

/// What one number is more than another.
#[must_use]
pub fn delta(old: u64, new: u64) -> i64 {
    let [old, new] = [old, new].map(|bytes| i64::try_from(bytes).unwrap_or(i64::MAX));
    new.saturating_sub(old)
}

/// The delta as a tree: rows of a level add up to the row above, the outermost to `delta_bytes`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DiffBreakdown {
    /// The dimensions of `--by`; empty where none were asked for, and rows are what they are.
    pub by: Vec<Dimension>,
    /// The outermost rows: categories, without what differs in names only, and `naming`. The largest delta first.
    pub rows: Vec<DiffRow>,
}

/// An item of the old model, of the new one, or of both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct DiffRow {
    /// What it is called; in the old model where only that has it.
    pub name: String,
    /// What it is called in the old model, where that is something else.
    pub old_name: Option<String>,
    /// What it is.
    pub kind: DiffKind,
    /// What became of it.
    pub status: DiffStatus,
    /// The metagraph that it is in, in the new model; in the old one where only that has it. Null where it is in none.
    pub meta_graph: Option<u64>,
    /// Its bytes in the old model.
    pub old: u64,
    /// Its bytes in the new one.
    pub new: u64,
    /// `new` minus `old`.
    pub delta: i64,
    /// How many items (nodes, tensors, files) the old bytes hold.
    pub old_count: u64,
    /// How many the new ones hold.
    pub new_count: u64,
    /// What is said of it: `float32[3] → float32[4]`.
    pub note: Option<String>,
    /// What it consists of, the largest delta first. Empty where no more is known.
    pub children: Vec<Self>,
}

/// Items of one kind that are not the same, and how many of which.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct DiffList {
    /// The same on both sides; not in `rows`.
    pub same: u64,
    /// The same but for names and counters.
    pub naming: u64,
    /// Those of `naming` and `changed` that have another name.
    pub renamed: u64,
    /// In both models, and others than they were.
    pub changed: u64,
    /// Only in the new model.
    pub added: u64,
    /// Only in the old one.
    pub removed: u64,
    /// Their deltas, those of `naming` included.
    pub delta_bytes: i64,
    /// A row for each that is not the same, the largest delta first.
    pub rows: Vec<DiffRow>,
}

/// What became of a signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct SignatureChange {
    /// Its key.
    pub name: String,
    /// The metagraph.
    pub meta_graph: u64,
    /// What became of it.
    pub status: DiffStatus,
    /// Its own bytes.
    pub bytes: Change,
    /// What it reaches; null where that is not known of both.
    pub reachable_bytes: Option<Change>,
    /// Its inputs that are not the same.
    pub inputs: Vec<TensorChange>,
    /// Its outputs that are not the same.
    pub outputs: Vec<TensorChange>,
}

/// What became of an input or output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct TensorChange {
    /// Its key in the signature.
    pub name: String,
    /// What became of it.
    pub status: DiffStatus,
    /// What it was: `float32[?,3]`.
    pub old: Option<String>,
    /// What it is.
    pub new: Option<String>,
}

/// What became of the duplicates.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct DuplicatesChange {
    /// Redundant bytes.
    pub redundant_bytes: Change,
    /// Those of functions that are equal but for names.
    pub structural_bytes: Change,
    /// The groups of one content: bytes are the redundant ones, counts are of places.
    pub groups: DiffList,
}

/// What became of the causes of size.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct FindingChanges {
    /// All that can go.
    pub bytes: Change,
    /// Only the new model has them; the most bytes first.
    pub new: Vec<FindingChange>,
    /// Both have them, and of other sizes.
    pub changed: Vec<FindingChange>,
    /// Only the old model had them.
    pub resolved: Vec<FindingChange>,
}

/// What became of a cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct FindingChange {
    /// Its id, for `smaudit explain`.
    pub id: String,
    /// What can go.
    pub bytes: Change,
    /// What is so, in the new model; in the old one where it is resolved.
    pub message: String,
    /// What to do; empty where it is resolved.
    pub remedy: String,
    /// The same as code; empty where it is the user's own that has to change, or it is resolved.
    pub remedy_code: String,
}

/// Which of two models.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Which {
    /// The old one.
    Old,
    /// The new one.
    New,
}

/// A problem of one of the models.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct SideProblem {
    /// Which has it.
    pub side: Which,
    /// What it is.
    #[serde(flatten)]
    pub problem: Problem,
}

impl std::fmt::Display for SideProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let side = match self.side {
            Which::Old => "old",
            Which::New => "new",
        };
        write!(f, "{side}: {}", self.problem)
    }
}

impl DiffReport {
    /// How the run ended: what changed is no failure, a broken rule is, and so is what could not be read.
    #[must_use]
    pub fn exit(&self) -> Exit {
        let complete = self.problems.is_empty() && self.steps.iter().all(|step| step.problems.is_empty());
        let read = if complete { Exit::Audited } else { Exit::Unreadable };
        read.max(if self.gate.is_broken() { Exit::RuleBroken } else { Exit::Audited })
    }

    /// Whether nothing is different, not even a name.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let lists = [&self.functions, &self.nodes, &self.variables, &self.files];
        self.delta_bytes == 0
            && self.breakdown.rows.is_empty()
            && self.signatures.is_empty()
            && lists.iter().all(|list| list.rows.is_empty())
            && self.findings.is_empty()
    }
}

impl FindingChanges {
    /// Whether no cause came, went or changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.new.is_empty() && self.changed.is_empty() && self.resolved.is_empty()
    }
}

impl DiffRow {
    /// A row without parts. `name` is that of the new model, or of the only one that has it.
    #[must_use]
    pub fn new(name: impl Into<String>, kind: DiffKind, status: DiffStatus, bytes: Change, counts: [u64; 2]) -> Self {
        Self {
            name: name.into(),
            old_name: None,
            kind,
            status,
            meta_graph: None,
            old: bytes.old,
            new: bytes.new,
            delta: bytes.delta,
            old_count: counts[0],
            new_count: counts[1],
            note: None,
            children: Vec::new(),
        }
    }

    /// With what it was called before.
    #[must_use]
    pub fn renamed_from(mut self, old: &str) -> Self {
        self.old_name = (self.name != old).then(|| old.to_owned());
        self
    }

    /// In a metagraph.
    #[must_use]
    pub fn in_meta_graph(self, meta_graph: Option<u64>) -> Self {
        Self { meta_graph, ..self }
    }

    /// `a → b`, or the one name that it has.
    #[must_use]
    pub fn title(&self) -> String {
        self.old_name.as_ref().map_or_else(|| self.name.clone(), |old| format!("{old} → {}", self.name))
    }

    /// What rows are sorted by: the largest delta first, and nothing that depends on which side is the old one.
    fn order(&self) -> impl Ord + use<> {
        let names = [Some(self.name.clone()), self.old_name.clone()];
        let least = names.iter().flatten().min().cloned();
        let most = names.into_iter().flatten().max();
        let size = self.old.max(self.new);
        (std::cmp::Reverse(self.delta.unsigned_abs()), std::cmp::Reverse(size), self.kind, least, most, self.meta_graph)
    }
}

/// Sorts rows: the largest delta first.
pub fn sort(rows: &mut [DiffRow]) {
    rows.sort_by_cached_key(DiffRow::order);
}

impl DiffReport {
    /// Two sides, and nothing that differs yet.
    #[must_use]
    pub fn of(old: DiffSide, new: DiffSide) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            tool: Tool::default(),
            delta_bytes: delta(old.total_bytes, new.total_bytes),
            old,
            new,
            naming_bytes: 0,
            categories: BTreeMap::new(),
            breakdown: DiffBreakdown::default(),
            meta_graphs: Vec::new(),
            functions: DiffList::default(),
            nodes: DiffList::default(),
            variables: DiffList::default(),
            signatures: Vec::new(),
            files: DiffList::default(),
            duplicates: DuplicatesChange::default(),
            findings: FindingChanges::default(),
            problems: Vec::new(),
            not_known: Vec::new(),
            gate: Gate::default(),
            steps: Vec::new(),
            series: None,
        }
    }
}
