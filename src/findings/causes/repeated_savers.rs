//! `repeated-savers`: the nodes of TensorFlow 1 Savers that no loader uses.
//!
//! Each `tf.compat.v1.train.Saver` adds nodes to the graph when it is built, and each SavedModel that is written without a
//! Saver builds one (`tensorflow/python/saved_model/builder_impl.py`, `_maybe_create_saver`). The graph that is written has
//! all of them; the SaverDef names the last.

use crate::findings::claims::Claims;
use crate::findings::evidence::{Evidence, Place};
use crate::findings::remedy::GRAPH_AGAIN;
use crate::findings::savers::{self, Saver};
use crate::findings::{Cause, Context, Cure, Detected, ModelKind, Remedy, quoted};
use crate::size::{bytes, exact, plural};

const UNLESS: &str = "a program restores other variables from other checkpoints with these nodes.";

pub(super) const CAUSE: Cause = Cause {
    id: "repeated-savers",
    remedies: &[
        Remedy::of(
            &[ModelKind::Tf1],
            "Build the graph anew for each save, or give all saves the one `Saver` by `saver=`.",
            GRAPH_AGAIN,
            UNLESS,
        ),
        Remedy::any("Build the graph anew for each save, or give all saves the one `Saver` by `saver=`.", "", UNLESS),
    ],
    long: include_str!("../../../docs/findings/repeated-savers.md"),
    detect,
    only_information: None,
    cure: Cure::Training,
};

fn detect(context: &Context<'_>) -> Option<Detected> {
    let graphs = 0..context.saved_model.meta_graphs.len();
    let savers: Vec<(usize, Saver)> =
        graphs.flat_map(|graph| savers::unused(context, graph).into_iter().map(move |saver| (graph, saver))).collect();
    let (mut claims, mut evidence, mut nodes) = (Claims::default(), Evidence::default(), 0);
    for (graph, saver) in &savers {
        let count = saver.fields.len() as u64;
        nodes += count;
        evidence.add(saver.fields.iter().map(|field| context.cost(field)).sum(), || {
            let nodes = plural(count, "node", "nodes");
            let place = Place { node: Some(saver.name.clone()), ..Place::of_section(*graph, "graph_def") };
            (format!("saver of {} in metagraph {graph}, {nodes}", quoted(&saver.name)), place)
        });
    }
    context.claim(&mut claims, savers.iter().flat_map(|(_, saver)| saver.fields.iter().cloned()));
    let (known, size) = (plural(savers.len() as u64, "saver", "savers"), bytes(claims.bytes()));
    (!savers.is_empty()).then(|| Detected {
        message: format!("{known} besides the one that loaders use: {} nodes of {size}.", exact(nodes)),
        evidence,
        claims,
        beyond: 0,
    })
}

#[cfg(test)]
mod tests {
    use crate::findings::tests::{bytes_of, finding};
    use crate::support::graph::{node_of, signature, strings};
    use crate::support::wire::{Message, graph, message, meta_graph, saved_model};

    /// What a Saver makes of the variable `v`, under a scope of this name. The names of its tensors are long, so that it is
    /// worth a finding.
    fn saver(scope: &str) -> Vec<Message> {
        let own = |name: &str| format!("{scope}/{name}");
        let node = |name: &str, op: &str, inputs: &[&str]| node_of(&own(name), op, inputs);
        vec![
            node("file", "Const", &[]),
            strings(&own("names"), &[&"v".repeat(1200)]),
            node("shard", "ShardedFilename", &[&own("file")]),
            node("write", "SaveV2", &[&own("shard"), &own("names"), &own("names"), "v"]),
            node("after", "Identity", &[&own("shard"), &format!("^{}", own("write"))]),
            node("read", "RestoreV2", &[&own("file"), &own("names"), &own("names")]),
            node("value", "Identity", &[&own("read")]),
            node("set", "Assign", &["v", &own("value")]),
            node("all", "NoOp", &[&format!("^{}", own("set"))]),
        ]
    }

    /// A model that serves `v`, whose SaverDef names the saver of a scope.
    fn model(nodes: &[Message], named: &str) -> Vec<u8> {
        let names = ["file:0", "after:0", "all"].map(|name| format!("{named}/{name}"));
        let def = (1..).zip(&names).fold(message(), |def, (number, name)| def.bytes(number, name));
        let nodes = [&[node_of("v", "VariableV2", &[]), node_of("y", "Identity", &["v"])][..], nodes].concat();
        let graph = meta_graph(&["serve"], &graph(&nodes)).message(3, &def);
        saved_model([&signature(graph, "serving_default", &[], &["y"])]).0
    }

    fn found(nodes: &[Message], named: &str) -> Option<u64> {
        finding("repeated-savers", &[("saved_model.pb", &model(nodes, named))]).map(|finding| finding.bytes)
    }

    fn fields(nodes: &[Message]) -> u64 {
        message().messages(1, nodes).len() as u64
    }

    #[test]
    fn savers_that_the_saver_def_does_not_name_are_counted_with_all_that_is_theirs() {
        let (first, second, third) = (saver("a"), saver("b"), saver("c"));
        let nodes = [first.clone(), second, third.clone()].concat();
        assert_eq!(found(&nodes, "b"), Some(fields(&first) + fields(&third)));
        let finding = finding("repeated-savers", &[("saved_model.pb", &model(&nodes, "b"))]).unwrap();
        assert_eq!(finding.evidence.len(), 2);
        assert!(bytes_of(&finding, "saver of `a/write` in metagraph 0, 9 nodes").is_some(), "{finding:?}");
    }

    #[test]
    fn one_saver_is_not_repeated() {
        assert_eq!(found(&saver("a"), "a"), None);
    }

    #[test]
    fn without_a_saver_that_is_known_to_be_used_none_is_idle() {
        assert_eq!(found(&[saver("a"), saver("b")].concat(), "elsewhere"), None);
    }

    #[test]
    fn a_value_restored_from_another_checkpoint_is_no_saver() {
        let is_write = |node: &&Message| node.0.windows(6).any(|bytes| bytes == b"SaveV2");
        let warm_start: Vec<Message> = saver("b").iter().filter(|node| !is_write(node)).cloned().collect();
        assert_eq!(found(&[saver("a"), warm_start].concat(), "a"), None);
    }

    #[test]
    fn a_saver_that_a_signature_runs_is_in_use() {
        let nodes = [saver("a"), saver("b")].concat();
        let served = signature(meta_graph(&["serve"], &graph(&nodes)), "save", &[], &["b/after"]);
        let model = saved_model([&served.message(3, &message().bytes(3, "a/all"))]).0;
        assert_eq!(finding("repeated-savers", &[("saved_model.pb", &model)]), None);
    }

    #[test]
    fn what_something_else_needs_stays() {
        let names = fields(&[strings("b/names", &[&"v".repeat(1200)])]);
        let used_elsewhere = node_of("summary", "TensorSummary", &["b/names"]);
        let nodes = [saver("a"), saver("b"), saver("c")].concat();
        let stays = [&nodes[..], &[used_elsewhere]].concat();
        assert_eq!(found(&stays, "a"), found(&nodes, "a").map(|bytes| bytes - names));
    }

    #[test]
    fn a_group_that_also_waits_for_something_else_is_not_the_savers() {
        let mut nodes = [saver("a"), saver("b"), saver("c")].concat();
        let all = found(&nodes, "a").unwrap();
        let group = nodes.iter().position(|node| *node == saver("b")[8]).unwrap();
        let before = fields(&nodes[group..=group]);
        nodes[group] = node_of("b/all", "NoOp", &["^b/set", "^train"]);
        nodes.push(node_of("train", "NoOp", &[]));
        assert_eq!(found(&nodes, "a"), Some(all - before));
    }
}
