//! What a rule limits, and how many bytes of it a model has.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::charge::category_of;
use crate::findings::{CAUSES, Finding};
use crate::glob::{Glob, GlobError};
use crate::ledger::Category;
use crate::report::duplicates::Group;
use crate::report::{Baseline, ModelReport, Place, TensorReport};
use crate::suggest::hint;

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
    /// What all findings say can go: `avoidable`.
    Avoidable,
    /// All of the model: `total`.
    Total,
    /// A category by its name: `graph_def`.
    Category(Category),
    /// The data of the checkpoint's tensors of which the key or the variable's name matches: `variable:optimizer/*`.
    Variables(Glob),
    /// The functions of which the name matches, in all metagraphs: `function:__inference_*`.
    Functions(Glob),
    /// What the findings of which the id matches say can go, no byte counted twice; nothing where there are none:
    /// `finding:optimizer-state`, `finding:*`.
    Findings(Glob),
    /// What the model, or one category of it, has more than its baseline: `growth`, `growth:graph_def`.
    Growth(Option<Category>),
    /// What it has more than its baseline, without what differs from that by names and counters only: `growth:without-naming`.
    GrowthWithoutNaming,
}

/// What begins a pattern for variables.
const VARIABLE: &str = "variable:";

/// What begins a pattern for functions.
const FUNCTION: &str = "function:";

/// What begins a pattern for the ids of findings.
const FINDING: &str = "finding:";

/// What begins the category whose growth is meant.
const GROWTH: &str = "growth:";

/// Growth that more than counters explain.
const WITHOUT_NAMING: &str = "growth:without-naming";

/// What is no metric.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MetricError {
    /// The name is none of those that there are.
    #[error("unknown metric `{0}`{hint}; {names}", hint = hint(.0, all_names()), names = names())]
    Name(String),
    /// The pattern is none.
    #[error(transparent)]
    Glob(#[from] GlobError),
    /// There is no such finding.
    #[error("unknown finding `{0}`{hint}; `smaudit explain` lists them", hint = hint(.0, ids()))]
    Finding(String),
    /// There is no such category.
    #[error("unknown category `{0}`{hint}; use one of {names}", hint = hint(.0, Category::ALL.map(Category::name)), names = categories())]
    Category(String),
}

/// What was found of a metric in a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Measured {
    pub(super) bytes: u64,
    /// What shares are of: the model, or for growth the same of the baseline.
    pub(super) whole: u64,
    /// For a pattern, how many variables, functions or findings match it.
    pub(super) matches: Option<u64>,
}

impl Metric {
    /// Whether the baseline has to be a model or its report: figures alone do not say what is named otherwise.
    pub(super) fn needs_names(&self) -> bool {
        matches!(self, Self::GrowthWithoutNaming)
    }

    /// Whether it is of no use without a baseline.
    pub(super) fn needs_baseline(&self) -> bool {
        matches!(self, Self::Growth(_) | Self::GrowthWithoutNaming)
    }

    /// The figure of a model; growth over nothing is all of it.
    pub(super) fn measure(&self, model: &ModelReport, baseline: Option<&Baseline>) -> Measured {
        let duplicates = &model.duplicates;
        let whole = model.total_bytes;
        let (bytes, whole, matches) = match self {
            Self::Duplication => (duplicates.redundant_bytes, whole, None),
            Self::StructuralDuplication => (duplicates.structural.redundant_bytes, whole, None),
            Self::BetweenMetaGraphs => (sum(duplicates.meta_graph_pairs.iter().map(|pair| pair.bytes)), whole, None),
            Self::Avoidable => (model.findings_bytes, whole, None),
            Self::Total => (whole, whole, None),
            Self::Category(category) => (of_category(*category, model), whole, None),
            Self::Variables(glob) => with_whole(variables(glob, model), whole),
            Self::Functions(glob) => with_whole(functions(glob, model), whole),
            Self::Findings(glob) => {
                let (bytes, number) = findings(glob, model);
                (bytes, whole, is_pattern(glob).then_some(number))
            }
            Self::Growth(category) => {
                let now = category.map_or(whole, |category| of_category(category, model));
                let before = baseline.map_or(0, |baseline| baseline.bytes(*category));
                (now.saturating_sub(before), before, None)
            }
            Self::GrowthWithoutNaming => {
                let before = baseline.map_or(0, |baseline| baseline.bytes(None));
                let naming = baseline.and_then(|baseline| baseline.naming_bytes).unwrap_or(0);
                let named = if naming < 0 { whole.saturating_add(naming.unsigned_abs()) } else { whole };
                let rest = named.saturating_sub(u64::try_from(naming).unwrap_or(0));
                (rest.saturating_sub(before), before, None)
            }
        };
        Measured { bytes, whole, matches }
    }

    /// The finding that takes the most of what is measured: what to mend first.
    pub(super) fn first_to_fix<'m>(&self, model: &'m ModelReport) -> Option<&'m Finding> {
        match self {
            Self::Avoidable | Self::Total => model.findings.first(),
            Self::Findings(glob) => model.findings.iter().find(|finding| glob.matches(&finding.id)),
            Self::Duplication => explaining(model, |_| true),
            Self::BetweenMetaGraphs => explaining(model, is_between_meta_graphs),
            Self::Category(category) => most_of(model, |finding| within(*category, finding)),
            _ => None,
        }
    }
}

/// The finding that explains the most of the groups of duplicates that are meant.
fn explaining(model: &ModelReport, is_meant: impl Fn(&Group) -> bool) -> Option<&Finding> {
    let mut explained: BTreeMap<&str, u64> = BTreeMap::new();
    for group in model.duplicates.groups.iter().filter(|group| is_meant(group)) {
        let Some(id) = &group.finding else { continue };
        let bytes = explained.entry(id).or_default();
        *bytes = bytes.saturating_add(group.redundant_bytes);
    }
    most_of(model, |finding| explained.get(&*finding.id).copied().unwrap_or(0))
}

/// Whether what a group has in more than one place is in more than one metagraph.
fn is_between_meta_graphs(group: &Group) -> bool {
    let mut graphs = group.members.iter().filter_map(|member| member.meta_graph);
    graphs.next().is_some_and(|first| graphs.any(|graph| graph != first))
}

/// The finding with the most bytes by `bytes`, that has any.
fn most_of(model: &ModelReport, bytes: impl Fn(&Finding) -> u64) -> Option<&Finding> {
    let with_bytes = model.findings.iter().map(|finding| (bytes(finding), finding)).filter(|(bytes, _)| *bytes > 0);
    // Of equal ones the first, which is the larger finding.
    with_bytes.rev().max_by_key(|(bytes, _)| *bytes).map(|(_, finding)| finding)
}

/// What of the places that a finding shows is in a category.
fn within(category: Category, finding: &Finding) -> u64 {
    let is_in = |place: &&Place| match (&place.section, &place.file, &place.variable) {
        (Some(section), ..) if section == "asset_file_def" => category == Category::Assets,
        (Some(section), ..) => section == category.name(),
        (_, _, Some(_)) => category == Category::Variables,
        (_, Some(file), _) => category_of(file) == category,
        (None, None, None) => false,
    };
    sum(finding.places.iter().filter(is_in).map(|place| place.bytes))
}

fn with_whole((bytes, number): (u64, u64), whole: u64) -> (u64, u64, Option<u64>) {
    (bytes, whole, Some(number))
}

fn of_category(category: Category, model: &ModelReport) -> u64 {
    model.categories.get(&category).copied().unwrap_or(0)
}

/// Whether a pattern may match more than one name.
fn is_pattern(glob: &Glob) -> bool {
    glob.text().contains(['*', '?', '['])
}

/// What findings claim together, and how many they are. Of each, what larger ones of them claim as well is left out.
fn findings(glob: &Glob, model: &ModelReport) -> (u64, u64) {
    let meant: Vec<&Finding> = model.findings.iter().filter(|finding| glob.matches(&finding.id)).collect();
    let own = |finding: &&Finding| {
        let shared = finding.overlaps.iter().filter(|overlap| glob.matches(&overlap.id)).map(|overlap| overlap.bytes);
        // Overlaps may overlap as well, but what nothing else claims is its own.
        finding.bytes.saturating_sub(sum(shared)).max(finding.additional_bytes)
    };
    (sum(meant.iter().map(own)), meant.len() as u64)
}

fn sum(bytes: impl Iterator<Item = u64>) -> u64 {
    // A damaged index may say any size.
    bytes.fold(0, u64::saturating_add)
}

/// The bytes of the variables that a pattern means, and how many they are. Two keys on one range are one piece of data.
fn variables(glob: &Glob, model: &ModelReport) -> (u64, u64) {
    let tensors = model.checkpoint.as_ref().map_or(&[][..], |checkpoint| &checkpoint.tensors);
    let is_meant = |tensor: &&TensorReport| {
        glob.matches(&tensor.key) || tensor.name.as_ref().is_some_and(|name| glob.matches(name))
    };
    let meant: Vec<&TensorReport> = tensors.iter().filter(is_meant).collect();
    let ranges: BTreeSet<(u64, u64, u64)> =
        meant.iter().map(|tensor| (tensor.shard, tensor.offset, tensor.bytes)).collect();
    (sum(ranges.into_iter().map(|(.., bytes)| bytes)), meant.len() as u64)
}

/// The bytes of the functions that a pattern means, and how many they are.
fn functions(glob: &Glob, model: &ModelReport) -> (u64, u64) {
    let all = model.meta_graphs.iter().flat_map(|graph| &graph.function_defs);
    let meant: Vec<u64> = all.filter(|function| glob.matches(&function.name)).map(|function| function.bytes).collect();
    (sum(meant.iter().copied()), meant.len() as u64)
}

/// The metrics that have a name of their own.
const NAMED: [(&str, Metric); 6] = [
    ("avoidable", Metric::Avoidable),
    ("duplication", Metric::Duplication),
    ("structural-duplication", Metric::StructuralDuplication),
    ("between-meta-graphs", Metric::BetweenMetaGraphs),
    ("total", Metric::Total),
    ("growth", Metric::Growth(None)),
];

/// All names, for a message.
fn names() -> String {
    let named: Vec<&str> = NAMED.iter().map(|(name, _)| *name).collect();
    format!(
        "use {}, a category ({}), `{VARIABLE}` or `{FUNCTION}` with a pattern of names, `{FINDING}` with a pattern of ids, \
         `{GROWTH}` with a category, or `{WITHOUT_NAMING}`",
        named.join(", "),
        categories()
    )
}

/// The names that are complete.
fn all_names() -> impl Iterator<Item = &'static str> {
    NAMED.into_iter().map(|(name, _)| name).chain(Category::ALL.map(Category::name))
}

fn ids() -> impl Iterator<Item = &'static str> {
    CAUSES.iter().map(|cause| cause.id)
}

/// The names of the categories, for a message.
pub(super) fn categories() -> String {
    Category::ALL.map(Category::name).join(", ")
}

/// The category of a name.
pub(super) fn category(name: &str) -> Result<Category, MetricError> {
    let named = Category::ALL.into_iter().find(|category| category.name() == name);
    named.ok_or_else(|| MetricError::Category(name.to_owned()))
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
        if let Some(glob) = name.strip_prefix(FINDING) {
            let glob: Glob = glob.parse()?;
            let is_known = ids().any(|id| glob.matches(id));
            return if is_known { Ok(Self::Findings(glob)) } else { Err(MetricError::Finding(glob.text().to_owned())) };
        }
        if name == WITHOUT_NAMING {
            return Ok(Self::GrowthWithoutNaming);
        }
        if let Some(name) = name.strip_prefix(GROWTH) {
            return Ok(Self::Growth(Some(category(name)?)));
        }
        let named = NAMED.into_iter().find(|(own, _)| *own == name).map(|(_, metric)| metric);
        named.or_else(|| category(name).ok().map(Self::Category)).ok_or_else(|| MetricError::Name(name.to_owned()))
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Duplication => f.write_str("duplication"),
            Self::StructuralDuplication => f.write_str("structural-duplication"),
            Self::BetweenMetaGraphs => f.write_str("between-meta-graphs"),
            Self::Avoidable => f.write_str("avoidable"),
            Self::Total => f.write_str("total"),
            Self::Category(category) => f.write_str(category.name()),
            Self::Variables(glob) => write!(f, "{VARIABLE}{}", glob.text()),
            Self::Functions(glob) => write!(f, "{FUNCTION}{}", glob.text()),
            Self::Findings(glob) => write!(f, "{FINDING}{}", glob.text()),
            Self::Growth(None) => f.write_str("growth"),
            Self::GrowthWithoutNaming => f.write_str(WITHOUT_NAMING),
            Self::Growth(Some(category)) => write!(f, "{GROWTH}{category}"),
        }
    }
}
