//! `constant-in-every-metagraph`: the initial value of a variable as a constant, in each metagraph again.
//!
//! A variable made with a numpy array (`constant_initializer`, `Variable(array)`) has that array as a Const in its graph,
//! and every metagraph is a graph of its own. A loader takes the value from the checkpoint.

use std::collections::BTreeSet;

use crate::findings::assignments::assigned;
use crate::findings::claims::Claims;
use crate::findings::constants::Constant;
use crate::findings::evidence::{Evidence, Place};
use crate::findings::nodes::Node;
use crate::findings::{Cause, Context, Detected, Remedy, quoted};
use crate::size::{bytes, exact, plural};

pub(super) const CAUSE: Cause = Cause {
    id: "constant-in-every-metagraph",
    remedies: &[Remedy::any(
        "Give the variables an initializer that is an op, as `tf.zeros_initializer()`, or a placeholder to feed the \
             array to, and restore or load their values.",
        "",
        "a program runs the model's initializers to get these values back.",
    )],
    long: include_str!("../../../docs/findings/constant-in-every-metagraph.md"),
    detect,
    only_information: None,
};

fn detect(context: &Context<'_>) -> Option<Detected> {
    let assigned = assigned(context);
    let initial: Vec<_> = assigned.iter().filter(|assigned| assigned.is_initial).collect();
    let (mut ranges, mut evidence) = (Vec::new(), Evidence::default());
    let (mut variables, mut meta_graphs) = (BTreeSet::new(), BTreeSet::new());
    for found in &initial {
        let nodes: Vec<_> = std::iter::once(&found.constant.node).chain(&found.passes).map(Node::range).collect();
        let cost = nodes.iter().map(|range| context.cost(range)).fold(0, u64::saturating_add);
        let meta_graph = found.constant.scope.meta_graph;
        evidence.add(cost, || {
            let names: Vec<_> = found.assigns.iter().map(|(_, variable)| quoted(variable)).collect();
            let Constant { scope, node, .. } = found.constant;
            let (name, names) = (quoted(node.name()), names.join(", "));
            let what = format!("{name} in metagraph {meta_graph}, the initial value of {names}");
            (what, Place::of_node(context, *scope, node))
        });
        ranges.extend(nodes);
        variables.extend(found.assigns.iter().map(|(_, variable)| *variable));
        meta_graphs.insert(meta_graph);
    }
    let mut claims = Claims::default();
    context.claim(&mut claims, ranges);
    let place = plural(meta_graphs.len() as u64, "metagraph", "metagraphs");
    let values = match variables.len() {
        1 => "The initial value of 1 variable is a constant".to_owned(),
        several => format!("The initial values of {} variables are constants", exact(several as u64)),
    };
    let size = bytes(claims.bytes());
    (!initial.is_empty()).then(|| Detected {
        message: format!("{values} in {place}: {size}, and a loader restores from the checkpoint."),
        evidence,
        claims,
        beyond: 0,
    })
}
