//! What a rule limits, and how many bytes of it a model has.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::glob::{Glob, GlobError};
use crate::findings;
use crate::ledger::Category;
use crate::report::{ModelReport, TensorReport};

/// A figure of a model that can be limited.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Metric {
    /// The redundant bytes: `duplication`.
    Duplication,
    /// The redundant bytes of functions that are equal but for names: `structural-duplication`.
    StructuralDuplication,
    /// What metagraphs repeat of earlier ones: `between-meta-graphs`.
    BetweenMetaGraphs,
    /// All of the model: `total`.
    Total,
    /// A category by its name: `graph_def`.
    Category(Category),
    /// The data of the checkpoint's tensors of which the key or the variable's name matches: `variable:optimizer/*`.
    Variables(Glob),
    /// The functions of which the name matches, in all metagraphs: `function:__inference_*`.
    Functions(Glob),
    /// What the finding with this id says can go; nothing where it is not found: `finding:optimizer-state`.
    Finding(&'static str),
}

/// What begins a pattern for variables.
const VARIABLE: &str = "variable:";

/// What begins a pattern for functions.
const FUNCTION: &str = "function:";

/// What begins the id of a finding.
const FINDING: &str = "finding:";

/// What is no metric.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MetricError {
    /// The name is none of those that there are.
    #[error("`{0}` is no metric; {names}", names = names())]
    Name(String),
    /// The pattern is none.
    #[error(transparent)]
    Glob(#[from] GlobError),
    /// There is no such finding.
    #[error("there is no finding `{0}`; `smaudit explain` lists them")]
    Finding(String),
}

/// What was found of a metric in a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Measured {
    pub(super) bytes: u64,
    /// For a pattern, how many variables or functions match it.
    pub(super) matches: Option<u64>,
}

impl Metric {
    pub(super) fn measure(&self, model: &ModelReport) -> Measured {
        let duplicates = &model.duplicates;
        let bytes = match self {
            Self::Duplication => duplicates.redundant_bytes,
            Self::StructuralDuplication => duplicates.structural.redundant_bytes,
            Self::BetweenMetaGraphs => sum(duplicates.meta_graph_pairs.iter().map(|pair| pair.bytes)),
            Self::Total => model.total_bytes,
            Self::Category(category) => model.categories.get(category).copied().unwrap_or(0),
            Self::Variables(glob) => return variables(glob, model),
            Self::Functions(glob) => return functions(glob, model),
            Self::Finding(id) => {
                sum(model.findings.iter().filter(|finding| finding.id == *id).map(|finding| finding.bytes))
            }
        };
        Measured { bytes, matches: None }
    }
}

fn sum(bytes: impl Iterator<Item = u64>) -> u64 {
    // A damaged index may say any size.
    bytes.fold(0, u64::saturating_add)
}

/// Two keys on one range are one piece of data.
fn variables(glob: &Glob, model: &ModelReport) -> Measured {
    let tensors = model.checkpoint.as_ref().map_or(&[][..], |checkpoint| &checkpoint.tensors);
    let is_meant = |tensor: &&TensorReport| {
        glob.matches(&tensor.key) || tensor.name.as_ref().is_some_and(|name| glob.matches(name))
    };
    let meant: Vec<&TensorReport> = tensors.iter().filter(is_meant).collect();
    let ranges: BTreeSet<(u64, u64, u64)> =
        meant.iter().map(|tensor| (tensor.shard, tensor.offset, tensor.bytes)).collect();
    Measured { bytes: sum(ranges.into_iter().map(|(.., bytes)| bytes)), matches: Some(meant.len() as u64) }
}

fn functions(glob: &Glob, model: &ModelReport) -> Measured {
    let all = model.meta_graphs.iter().flat_map(|graph| &graph.function_defs);
    let meant: Vec<u64> = all.filter(|function| glob.matches(&function.name)).map(|function| function.bytes).collect();
    Measured { matches: Some(meant.len() as u64), bytes: sum(meant.into_iter()) }
}

/// The metrics that have a name of their own.
const NAMED: [(&str, Metric); 4] = [
    ("duplication", Metric::Duplication),
    ("structural-duplication", Metric::StructuralDuplication),
    ("between-meta-graphs", Metric::BetweenMetaGraphs),
    ("total", Metric::Total),
];

/// All names, for a message.
fn names() -> String {
    let named: Vec<&str> = NAMED.iter().map(|(name, _)| *name).collect();
    format!(
        "write {}, a category ({}), `{VARIABLE}` or `{FUNCTION}` with a pattern of names, or `{FINDING}` with an id",
        named.join(", "),
        categories()
    )
}

/// The names of the categories, for a message.
pub(super) fn categories() -> String {
    Category::ALL.map(Category::name).join(", ")
}

impl FromStr for Metric {
    type Err = MetricError;

    fn from_str(name: &str) -> Result<Self, MetricError> {
        if let Some(glob) = name.strip_prefix(VARIABLE) {
            return Ok(Self::Variables(glob.parse()?));
        }
        if let Some(glob) = name.strip_prefix(FUNCTION) {
            return Ok(Self::Functions(glob.parse()?));
        }
        if let Some(id) = name.strip_prefix(FINDING) {
            let cause = findings::cause(id).ok_or_else(|| MetricError::Finding(id.to_owned()))?;
            return Ok(Self::Finding(cause.id));
        }
        let named = NAMED.into_iter().find(|(own, _)| *own == name).map(|(_, metric)| metric);
        let category = || Category::ALL.into_iter().find(|category| category.name() == name).map(Self::Category);
        named.or_else(category).ok_or_else(|| MetricError::Name(name.to_owned()))
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Duplication => f.write_str("duplication"),
            Self::StructuralDuplication => f.write_str("structural-duplication"),
            Self::BetweenMetaGraphs => f.write_str("between-meta-graphs"),
            Self::Total => f.write_str("total"),
            Self::Category(category) => f.write_str(category.name()),
            Self::Variables(glob) => write!(f, "{VARIABLE}{}", glob.text()),
            Self::Functions(glob) => write!(f, "{FUNCTION}{}", glob.text()),
            Self::Finding(id) => write!(f, "{FINDING}{id}"),
        }
    }
}
