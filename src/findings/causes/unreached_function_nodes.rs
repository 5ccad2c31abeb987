//! `unreached-function-nodes`: nodes of functions whose results nobody takes.
//!
//! A traced function has a node for whatever its Python code computed, used or not. Whoever runs it drops what neither a result
//! nor a side effect needs (`PruneFunctionGraph`, tensorflow/core/common_runtime/function_utils.cc), each time that it is
//! loaded; the file has it all. Which ops have side effects is TensorFlow's own list; an op that is not on it has.

use std::ops::Range;

use foldhash::HashMap;

use crate::findings::claims::Claims;
use crate::findings::evidence::{Evidence, Place};
use crate::findings::{Cause, Context, Cure, Detected, Remedy, quoted};
use crate::graph::Body;
use crate::message::ops;
use crate::size::{bytes, plural};

pub(super) const CAUSE: Cause = Cause {
    id: "unreached-function-nodes",
    remedies: &[Remedy::any(
        "Compute in a function only what it returns, and trace it again.",
        "",
        "a program looks intermediate values up by the names of these nodes.",
    )],
    long: include_str!("../../../docs/findings/unreached-function-nodes.md"),
    detect,
    only_information: Some(is_information),
    cure: Cure::Serving,
};

/// Whether it is too little for a finding.
fn is_information(context: &Context<'_>, found: &Detected) -> bool {
    !context.is_worth_a_finding(found.bytes())
}

fn detect(context: &Context<'_>) -> Option<Detected> {
    let file = context.main();
    // Functions that are equal but for names have the same nodes to no use: of each kind one is read first.
    let mut idle_of_kind: HashMap<usize, bool> = HashMap::default();
    let (mut evidence, mut ranges, mut nodes) = (Evidence::default(), Vec::new(), 0);
    for function in context.functions() {
        let kind = context.duplicates.structural.function(function.range().start).map(|read| read.kind);
        if kind.and_then(|kind| idle_of_kind.get(&kind)) == Some(&false) {
            continue;
        }
        let body = Body::read(file, function.message());
        let needed = body.needed_by(|node| !ops::is_stateless(node.op));
        let idle = body.nodes().iter().zip(needed).filter(|(_, needed)| !needed).map(|(node, _)| node.field.range());
        let idle: Vec<Range<usize>> = idle.collect();
        kind.map(|kind| idle_of_kind.insert(kind, !idle.is_empty()));
        if !idle.is_empty() {
            let cost = idle.iter().map(|range| context.cost(range)).fold(0, u64::saturating_add);
            let count = idle.len() as u64;
            nodes += count;
            evidence.add(cost, || {
                let nodes = plural(count, "node", "nodes");
                (format!("{nodes} of {}", quoted(function.name)), Place::of_function(function))
            });
            ranges.extend(idle);
        }
    }
    let mut claims = Claims::default();
    context.claim(&mut claims, ranges);
    let (functions, size) = (plural(evidence.count(), "function", "functions"), bytes(claims.bytes()));
    let are = plural(nodes, "node is", "nodes are");
    (nodes > 0).then(|| Detected {
        message: format!("{are} needed by no result and no side effect of the {functions} that they are in: {size}."),
        evidence,
        claims,
        beyond: 0,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::findings::tests::report;
    use crate::report::ModelReport;
    use crate::support::graph::{call, graph_of, node_of};
    use crate::support::wire::{Message, message, meta_graph, saved_model};

    /// A model of a function of these nodes, which gives back `out`.
    fn model(nodes: &[Message]) -> ModelReport {
        let function = message().message(1, &message().bytes(1, "f")).messages(3, nodes);
        let function = function.message(4, &message().bytes(1, "y").bytes(2, "out:z:0"));
        let graph = graph_of(&[call("call", "f", &[])], &[function]);
        report(&[("saved_model.pb", &saved_model([&meta_graph(&["serve"], &graph)]).0)])
    }

    fn found(nodes: &[Message]) -> Option<u64> {
        model(nodes).findings.into_iter().find(|finding| finding.id == super::CAUSE.id).map(|finding| finding.bytes)
    }

    fn noted(nodes: &[Message]) -> Option<u64> {
        model(nodes).information.into_iter().find(|noted| noted.id == super::CAUSE.id).map(|noted| noted.bytes)
    }

    /// A node of 1,000 bytes and more.
    fn large(name: &str, op: &str, inputs: &[&str]) -> Message {
        node_of(name, op, inputs).entry(5, "_output_shapes", &message().bytes(2, vec![b'x'; 1000]))
    }

    #[test]
    fn nodes_that_lead_to_no_result_and_no_side_effect_go() {
        let out = large("out", "AddV2", &["a:z:0"]);
        let idle: Vec<Message> = (0..70).map(|at| large(&format!("idle_{at}"), "Mul", &["a:z:0"])).collect();
        let nodes = [&[large("a", "Sub", &[]), out][..], &idle].concat();
        assert_eq!(found(&nodes), Some(message().messages(3, &idle).len() as u64));
        let few = [&nodes[..2], &idle[..1]].concat();
        assert_eq!((found(&few), noted(&few)), (None, Some(message().messages(3, &idle[..1]).len() as u64)));
    }

    #[test]
    fn what_a_side_effect_needs_stays_and_so_does_an_op_that_nobody_knows() {
        let print = |op: &str| {
            let mut nodes = vec![large("out", "AddV2", &[])];
            nodes.extend((0..70).map(|at| large(&format!("text_{at}"), "AsString", &[])));
            nodes.extend((0..70).map(|at| node_of(&format!("print_{at}"), op, &[&format!("text_{at}:output:0")])));
            found(&nodes).is_some()
        };
        assert_eq!((print("PrintV2"), print("MyCustomOp"), print("Identity")), (false, false, true));
    }

    proptest! {
        #[test]
        fn in_a_chain_to_the_result_every_node_is_needed(length in 1..100_usize) {
            let mut nodes = vec![large("n0", "Const", &[])];
            nodes.extend((1..length).map(|at| large(&format!("n{at}"), "Neg", &[&format!("n{}:y:0", at - 1)])));
            nodes.push(large("out", "Neg", &[&format!("n{}:y:0", length - 1)]));
            prop_assert_eq!((found(&nodes), noted(&nodes)), (None, None));
        }
    }
}
