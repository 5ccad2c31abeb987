//! Signatures: which came and went, and which inputs and outputs are others.

use std::collections::BTreeMap;

use super::graphs::Graphs;
use crate::report::{
    Change, DiffStatus, MetaGraphReport, SignatureChange, SignatureReport, TensorChange, TensorInfoReport, tensor_type,
};

/// Those that are not the same; of two that differ in nothing but names of tensors nothing is said.
pub(super) fn compare(graphs: &Graphs<'_>) -> Vec<SignatureChange> {
    let mut all = Vec::new();
    for (old, new) in &graphs.matched {
        let (olds, news) = (by_name(old), by_name(new));
        for (name, before) in &olds {
            match news.get(name) {
                Some(after) => all.extend(changed(before, after, new.index)),
                None => all.push(change(Some(before), None, old.index)),
            }
        }
        let added = news.iter().filter(|(name, _)| !olds.contains_key(*name));
        all.extend(added.map(|(_, after)| change(None, Some(after), new.index)));
    }
    for graph in &graphs.only_old {
        all.extend(by_name(graph).values().map(|signature| change(Some(signature), None, graph.index)));
    }
    for graph in &graphs.only_new {
        all.extend(by_name(graph).values().map(|signature| change(None, Some(signature), graph.index)));
    }
    all
}

/// The last of a key counts.
fn by_name(graph: &MetaGraphReport) -> BTreeMap<&str, &SignatureReport> {
    graph.signatures.iter().map(|signature| (&*signature.name, signature)).collect()
}

fn changed(old: &SignatureReport, new: &SignatureReport, meta_graph: u64) -> Option<SignatureChange> {
    let row = change(Some(old), Some(new), meta_graph);
    let is_other = !row.inputs.is_empty() || !row.outputs.is_empty() || old.method_name != new.method_name;
    is_other.then_some(row)
}

fn change(old: Option<&SignatureReport>, new: Option<&SignatureReport>, meta_graph: u64) -> SignatureChange {
    let bytes = |signature: Option<&SignatureReport>| signature.map_or(0, |signature| signature.bytes);
    let reachable =
        |signature: Option<&SignatureReport>| signature.map_or(Some(0), |signature| signature.reachable_bytes);
    let list = |signature: Option<&SignatureReport>, of: fn(&SignatureReport) -> &[TensorInfoReport]| {
        signature.map_or_else(Vec::new, |signature| of(signature).to_vec())
    };
    let tensors = |of: fn(&SignatureReport) -> &[TensorInfoReport]| tensors(&list(old, of), &list(new, of));
    SignatureChange {
        name: new.or(old).map(|signature| signature.name.clone()).unwrap_or_default(),
        meta_graph,
        status: match (old, new) {
            (None, _) => DiffStatus::Added,
            (_, None) => DiffStatus::Removed,
            _ => DiffStatus::Changed,
        },
        bytes: Change::new(bytes(old), bytes(new)),
        reachable_bytes: reachable(old).zip(reachable(new)).map(|(old, new)| Change::new(old, new)),
        inputs: tensors(|signature| &signature.inputs),
        outputs: tensors(|signature| &signature.outputs),
    }
}

/// Inputs or outputs that are not the same, by their keys.
fn tensors(old: &[TensorInfoReport], new: &[TensorInfoReport]) -> Vec<TensorChange> {
    let types = |list: &[TensorInfoReport]| -> BTreeMap<String, String> {
        list.iter().map(|info| (info.name.clone(), tensor_type(&info.dtype, info.shape.as_deref()))).collect()
    };
    let (olds, news) = (types(old), types(new));
    let names: std::collections::BTreeSet<&String> = olds.keys().chain(news.keys()).collect();
    let row = |name: &String| {
        let (old, new) = (olds.get(name).cloned(), news.get(name).cloned());
        let status = match (&old, &new) {
            (None, _) => DiffStatus::Added,
            (_, None) => DiffStatus::Removed,
            (old, new) if old == new => DiffStatus::Same,
            _ => DiffStatus::Changed,
        };
        TensorChange { name: name.clone(), status, old, new }
    };
    names.into_iter().map(row).filter(|row| row.status != DiffStatus::Same).collect()
}
