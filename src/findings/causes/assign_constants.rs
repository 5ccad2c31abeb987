//! `assign-constants`: arrays that were assigned to variables and stayed in the graph.
//!
//! Under TF1, `variable.assign(array)` adds a Const and an Assign to the graph, each time it is called. The checkpoint
//! holds the last value; the graph all of them.

use std::collections::BTreeSet;

use foldhash::{HashMap, HashSet};

use crate::findings::assignments::{Assigned, assigned};
use crate::findings::claims::Claims;
use crate::findings::constants::Constant;
use crate::findings::evidence::{Evidence, Place};
use crate::findings::nodes::Node;
use crate::findings::{Cause, Context, Cure, Detected, Remedy, quoted};
use crate::message::{input_node, ops};
use crate::size::{bytes, plural};

pub(super) const CAUSE: Cause = Cause {
    id: "assign-constants",
    remedies: &[Remedy::any(
        "Set values with `variable.load(array, session)`, or feed them to one placeholder and one assignment that are \
             made once.",
        "",
        "a program runs these assignments by name to put the variables back to these values.",
    )],
    long: include_str!("../../../docs/findings/assign-constants.md"),
    detect,
    only_information: None,
    cure: Cure::Training,
};

fn detect(context: &Context<'_>) -> Option<Detected> {
    let assigned = assigned(context);
    let late: Vec<_> = assigned.iter().filter(|assigned| !assigned.is_initial).collect();
    let reads = reads(context, &late);
    let (mut ranges, mut evidence) = (Vec::new(), Evidence::default());
    let mut variables = BTreeSet::new();
    for found in &late {
        let meta_graph = found.constant.scope.meta_graph;
        let assigns = found.assigns.iter().map(|(assign, _)| assign);
        let behind = assigns.clone().filter_map(|assign| reads.get(&(meta_graph, assign.name()))).flatten();
        let nodes = std::iter::once(&found.constant.node).chain(&found.passes).chain(assigns).chain(behind);
        let nodes: Vec<_> = nodes.map(Node::range).collect();
        let cost = nodes.iter().map(|range| context.cost(range)).fold(0, u64::saturating_add);
        evidence.add(cost, || {
            let names: Vec<_> = found.assigns.iter().map(|(_, variable)| quoted(variable)).collect();
            let Constant { scope, node, .. } = found.constant;
            let what = format!("{}, assigned to {}", quoted(node.name()), names.join(", "));
            (what, Place::of_node(context, *scope, node))
        });
        ranges.extend(nodes);
        variables.extend(found.assigns.iter().map(|(_, variable)| (meta_graph, *variable)));
    }
    let mut claims = Claims::default();
    context.claim(&mut claims, ranges);
    let arrays = plural(late.len() as u64, "array was", "arrays were");
    let to = plural(variables.len() as u64, "variable", "variables");
    let size = bytes(claims.bytes());
    (!late.is_empty()).then(|| Detected {
        message: format!("{arrays} assigned to {to} and stayed in the graph: {size} that no signature runs."),
        evidence,
        claims,
        beyond: 0,
    })
}

/// For each assignment the nodes that only read the variable after it and that nothing else takes.
fn reads<'a>(context: &Context<'a>, late: &[&Assigned<'_, 'a>]) -> HashMap<(usize, &'a [u8]), Vec<Node<'a>>> {
    let assigns: HashSet<(usize, &[u8])> = late
        .iter()
        .flat_map(|found| found.assigns.iter().map(|(node, _)| (found.constant.scope.meta_graph, node.name())))
        .collect();
    let graphs: BTreeSet<usize> = assigns.iter().map(|(meta_graph, _)| *meta_graph).collect();
    let mut reads: HashMap<(usize, &[u8]), Vec<Node<'_>>> = HashMap::default();
    for meta_graph in graphs {
        let mut found: HashMap<&[u8], (&[u8], Node<'_>)> = HashMap::default();
        for node in context.nodes(meta_graph).filter(|node| ops::READS.contains(&node.op())) {
            let mut after = node.inputs().map(input_node);
            if let Some(assign) = after.find(|name| assigns.contains(&(meta_graph, name))) {
                found.insert(node.name(), (assign, node));
            }
        }
        if !found.is_empty() {
            for input in context.nodes(meta_graph).flat_map(|node| node.inputs()) {
                found.remove(input_node(input));
            }
        }
        for (assign, node) in found.into_values() {
            reads.entry((meta_graph, assign)).or_default().push(node);
        }
    }
    reads
}
