//! Digests for reports that are held against each other later.

use std::collections::BTreeMap;

use super::super::{Parts, WORTH_A_THREAD};
use crate::charge::category_of;
use crate::digests::{self, Digests, Listed};
use crate::input::MAX_HOLES;
use crate::ledger::Category;
use crate::message::NodeDef;
use crate::outline::MetaGraph;
use crate::queue;
use crate::report::{Digest, NodeReport, NodesListed};

/// How much of a file is read at a time.
const PART: u64 = 1 << 20;

/// What a metagraph is but for names, where that was asked for.
pub(super) struct MetaGraphDigests(Option<Digests>);

impl MetaGraphDigests {
    pub(super) fn sections(&self) -> BTreeMap<String, Digest<8>> {
        let all = self.0.iter().flat_map(|digests| &digests.sections);
        all.map(|(name, digest)| (name.clone(), Digest::from(*digest))).collect()
    }

    pub(super) fn op(&self, op: &str) -> Option<Digest<8>> {
        self.0.as_ref()?.ops.get(op.as_bytes()).copied().map(Digest::from)
    }

    /// The nodes of an op, where they are listed.
    pub(super) fn nodes(&self, parts: &Parts<'_>, op: &str) -> Vec<NodeReport> {
        let listing = self.0.as_ref().and_then(|digests| digests.nodes.as_ref());
        let nodes = listing.and_then(|listing| listing.ops.get(op.as_bytes())).map(Vec::as_slice).unwrap_or_default();
        let node = |listed: &Listed| NodeReport {
            name: String::from_utf8_lossy(NodeDef::read(parts.main_bytes(), listed.node.clone()).name()).into_owned(),
            structure: listed.digest,
            count: listed.count,
            bytes: listed.bytes,
        };
        nodes.iter().map(node).collect()
    }

    pub(super) fn nodes_listed(&self) -> NodesListed {
        match self.0.as_ref().and_then(|digests| digests.nodes.as_ref()) {
            None => NodesListed::No,
            Some(listing) if listing.by_kind => NodesListed::ByKind,
            Some(_) => NodesListed::Each,
        }
    }
}

/// Of each metagraph what it is but for names: by all cores where there is much to read, while causes are looked for.
pub(super) fn of_meta_graphs(parts: &Parts<'_>, graphs: &[MetaGraph]) -> Vec<MetaGraphDigests> {
    let of = |graph: &MetaGraph| of_meta_graph(parts, graph);
    let is_much = parts.options.digests && parts.main_bytes().len() >= WORTH_A_THREAD;
    if is_much { queue::map(graphs, of) } else { graphs.iter().map(of).collect() }
}

fn of_meta_graph(parts: &Parts<'_>, graph: &MetaGraph) -> MetaGraphDigests {
    let (bytes, range) = (parts.main_bytes(), graph.range.clone());
    let names = graph.library.functions.iter().filter_map(|function| bytes.get(function.name.clone()));
    let layout = parts.options.nodes.then(|| parts.layout());
    MetaGraphDigests(parts.options.digests.then(|| digests::digests(bytes, range, names, layout)))
}

/// A hash of an op and of how many nodes of it there are.
pub(super) fn of_op(op: &str, count: u64) -> u64 {
    let mut hash = digests::contents();
    hash.update(op.as_bytes());
    hash.update(&count.to_le_bytes());
    hash.digest()
}

/// What a file holds; nothing of the main file, of those of the checkpoint, and of what is nearly
/// all holes. What cannot be read is noted by the model.
pub(super) fn of_file(parts: &Parts<'_>, name: &str) -> Option<Digest<8>> {
    let is_main = parts.main_file.as_ref().is_some_and(|main| main.file.name == name);
    if !parts.options.file_digests || is_main || category_of(name) == Category::Variables {
        return None;
    }
    let source = parts.model.file(name)?.open().ok()?;
    if source.holes_in(0..source.len()) > MAX_HOLES {
        return None;
    }
    let mut contents = digests::contents();
    let mut at = 0;
    while at < source.len() {
        let end = at.saturating_add(PART).min(source.len());
        contents.update(&source.read(at..end).ok()??);
        at = end;
    }
    Some(contents.digest().into())
}
