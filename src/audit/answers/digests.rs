//! Digests for reports that are held against each other later.

use std::collections::BTreeMap;

use super::Parts;
use crate::charge::category_of;
use crate::digests::{self, Digests};
use crate::ledger::{Category, Row};
use crate::outline::MetaGraph;

/// How much of a file is read at a time.
const PART: u64 = 1 << 20;

/// What a metagraph is but for names, where that was asked for.
pub(super) struct MetaGraphDigests(Option<Digests>);

impl MetaGraphDigests {
    pub(super) fn sections(&self) -> BTreeMap<String, String> {
        let all = self.0.iter().flat_map(|digests| &digests.sections);
        all.map(|(name, digest)| (name.clone(), hexadecimal(*digest))).collect()
    }

    pub(super) fn op(&self, op: &str) -> Option<String> {
        self.0.as_ref()?.ops.get(op.as_bytes()).copied().map(hexadecimal)
    }
}

pub(super) fn of_meta_graph(parts: &Parts<'_>, graph: &MetaGraph) -> MetaGraphDigests {
    let range = graph.range.clone();
    MetaGraphDigests(parts.options.digests.then(|| digests::digests(parts.main_bytes(), range)))
}

/// Which ops there are, and how many of each; nothing where the ops were not asked for.
pub(super) fn of_ops(rows: &[Row]) -> Option<String> {
    let add = |sum: u64, row: &Row| {
        let mut one = digests::contents();
        one.update(row.name.as_bytes());
        one.update(&row.count.to_le_bytes());
        sum.wrapping_add(one.digest())
    };
    (!rows.is_empty()).then(|| hexadecimal(rows.iter().fold(0, add)))
}

/// What a file holds; nothing of the main file and of those of the checkpoint. What cannot be read is noted by the model.
pub(super) fn of_file(parts: &Parts<'_>, name: &str) -> Option<String> {
    let is_main = parts.main_file.as_ref().is_some_and(|main| main.file.name == name);
    if !parts.options.file_digests || is_main || category_of(name) == Category::Variables {
        return None;
    }
    let source = parts.model.file(name)?.open().ok()?;
    let mut contents = digests::contents();
    let mut at = 0;
    while at < source.len() {
        let end = at.saturating_add(PART).min(source.len());
        contents.update(&source.read(at..end).ok()??);
        at = end;
    }
    Some(hexadecimal(contents.digest()))
}

fn hexadecimal(digest: u64) -> String {
    format!("{digest:016x}")
}
