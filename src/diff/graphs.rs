//! Metagraphs of two models, joined by their tags.

use super::pairs::Pairs;
use crate::report::{MetaGraphReport, ModelReport};

/// The metagraphs of both, and which are the same.
pub(super) struct Graphs<'r> {
    pub(super) matched: Vec<(&'r MetaGraphReport, &'r MetaGraphReport)>,
    pub(super) only_old: Vec<&'r MetaGraphReport>,
    pub(super) only_new: Vec<&'r MetaGraphReport>,
}

impl Graphs<'_> {
    /// Whether each has a partner.
    pub(super) fn all_matched(&self) -> bool {
        self.only_old.is_empty() && self.only_new.is_empty()
    }
}

/// Those of equal tags, in their order; then one that is left of each, whose tags changed.
pub(super) fn join<'r>(old: &'r ModelReport, new: &'r ModelReport) -> Graphs<'r> {
    let [old, new] = [&old.meta_graphs, &new.meta_graphs];
    let mut pairs = Pairs::new(old.len(), new.len());
    let tags = |graphs: &'r [MetaGraphReport], at: usize| {
        let mut tags: Vec<&str> = graphs.get(at)?.tags.iter().map(String::as_str).collect();
        tags.sort_unstable();
        Some(tags)
    };
    pairs.in_order(|at| tags(old, at), |at| tags(new, at));
    pairs.unique(|_| Some(()), |_| Some(()));
    Graphs {
        matched: pairs.matched().filter_map(|(a, b)| Some((old.get(a)?, new.get(b)?))).collect(),
        only_old: pairs.only_old().filter_map(|at| old.get(at)).collect(),
        only_new: pairs.only_new().filter_map(|at| new.get(at)).collect(),
    }
}

/// What a metagraph is called: `#0 serve`.
pub(super) fn label(graph: &MetaGraphReport) -> String {
    format!("#{} {}", graph.index, graph.tags.join(",")).trim_end().to_owned()
}
