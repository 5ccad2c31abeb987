//! The allow-list: duplicates that are known, and why they may stay. They are taken out of the rules, not out of the
//! report.

use std::borrow::Cow;

use super::metric::Metric;
use crate::glob::Glob;
use crate::report::duplicates::{Group, GroupKind, Member, StructuralGroup};
use crate::report::{Allowed, ModelReport};

/// An entry of the allow-list.
#[derive(Debug, Clone)]
pub struct Allow {
    /// A name of the group: that of one of its places, of a part of a metagraph its field.
    pub group: Glob,
    /// Why it may stay.
    pub reason: String,
    /// Where the entry is: `smaudit.toml:12`.
    pub source: String,
}

/// What the allow-list takes out of a model's figures, by entry, in the order of the list. A group goes to the first
/// entry that matches it.
#[derive(Debug, Clone)]
pub(super) struct Allowance(pub(super) Vec<Allowed>);

impl Allowance {
    pub(super) fn new(model: &ModelReport, list: &[Allow]) -> Self {
        let mut entries: Vec<Allowed> = list.iter().map(|allow| allow.of_nothing(model)).collect();
        if list.is_empty() {
            return Self(entries);
        }
        for group in &model.duplicates.groups {
            let entry = first(list, names(group)).and_then(|index| entries.get_mut(index));
            if let Some(entry) = entry {
                entry.groups += 1;
                entry.redundant_bytes += group.redundant_bytes;
                entry.between_meta_graphs_bytes +=
                    if group.kind == GroupKind::Element { group.redundant_bytes } else { 0 };
            }
        }
        for group in &model.duplicates.structural.groups {
            if let Some(entry) = first(list, structural_names(group)).and_then(|index| entries.get_mut(index)) {
                entry.groups += 1;
                entry.structural_bytes += group.redundant_bytes;
            }
        }
        Self(entries)
    }

    /// The bytes that are not counted in a metric.
    pub(super) fn of(&self, metric: &Metric) -> u64 {
        let bytes = |entry: &Allowed| match metric {
            Metric::Duplication => entry.redundant_bytes,
            Metric::BetweenMetaGraphs => entry.between_meta_graphs_bytes,
            Metric::StructuralDuplication => entry.structural_bytes,
            Metric::Total | Metric::Category(_) | Metric::Variables(_) | Metric::Functions(_) | Metric::Findings(_) => {
                0
            }
            Metric::Avoidable | Metric::Growth(_) | Metric::GrowthWithoutNaming => 0,
        };
        self.0.iter().map(bytes).sum()
    }
}

/// The first entry of the list that matches any of these names, which are asked for one after the other: a group may have very
/// many.
fn first<'n>(list: &[Allow], names: impl Iterator<Item = Cow<'n, str>>) -> Option<usize> {
    let mut found = None;
    for name in names {
        let before = list.get(..found.unwrap_or(list.len())).unwrap_or_default();
        found = before.iter().position(|allow| allow.group.matches(&name)).or(found);
        if found == Some(0) {
            break;
        }
    }
    found
}

impl Allow {
    fn of_nothing(&self, model: &ModelReport) -> Allowed {
        Allowed {
            group: self.group.text().to_owned(),
            reason: self.reason.clone(),
            source: self.source.clone(),
            model: model.path.clone(),
            groups: 0,
            redundant_bytes: 0,
            between_meta_graphs_bytes: 0,
            structural_bytes: 0,
        }
    }
}

/// What a group is called: each of its places. A part of a metagraph goes by its field (`graph_def.node`,
/// `signature_def`), a whole function by its name as well.
fn names(group: &Group) -> impl Iterator<Item = Cow<'_, str>> {
    group.members.iter().flat_map(|member| {
        let Member { place, name, key, function, .. } = member;
        let is_part = function.is_none() && group.kind == GroupKind::Element;
        let called = match function {
            Some(function) => Cow::Owned(format!("{function}/{name}")),
            None => Cow::Borrowed(&**name),
        };
        let field = is_part.then_some(Cow::Borrowed(&**place));
        field.into_iter().chain([called]).chain(key.as_deref().map(Cow::Borrowed))
    })
}

/// What a group of functions is called: the stem of their names, and each of these.
fn structural_names(group: &StructuralGroup) -> impl Iterator<Item = Cow<'_, str>> {
    let names = std::iter::once(&group.stem).chain(&group.functions).filter(|name| !name.is_empty());
    names.map(|name| Cow::Borrowed(name.as_str()))
}
