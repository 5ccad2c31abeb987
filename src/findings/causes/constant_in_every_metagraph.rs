//! `constant-in-every-metagraph`: the initial value of a variable as a constant, in each metagraph again.
//!
//! A variable made with a numpy array (`constant_initializer`, `Variable(array)`) has that array as a Const in its graph,
//! and every metagraph is a graph of its own. A loader takes the value from the checkpoint.
//!
//! Weights that were frozen into constants are in each graph as well, where all metagraphs share the variables.

use std::collections::{BTreeSet, HashSet};

use foldhash::fast::RandomState;
use indexmap::IndexMap;

use super::constant_in_every_trace::is_for_start;
use super::extra_metagraph;

use crate::findings::assignments::assigned;
use crate::findings::claims::Claims;
use crate::findings::constants::{Constant, VARIABLE_BYTES};
use crate::findings::evidence::{Evidence, Place};
use crate::findings::nodes::Node;
use crate::findings::{Cause, Context, Cure, Detected, Remedy, quoted};
use crate::size::{bytes, exact, plural};

pub(super) const CAUSE: Cause = Cause {
    id: "constant-in-every-metagraph",
    remedies: &[Remedy::any(
        "Give the variables an initializer that is an op, as `tf.zeros_initializer()`, or a placeholder to feed the \
             array to, and restore or load their values; make variables of what several graphs have as constants.",
        "",
        "a program runs the model's initializers to get these values back.",
    )],
    long: include_str!("../../../docs/findings/constant-in-every-metagraph.md"),
    detect,
    only_information: None,
    cure: Cure::Training,
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
    let place = plural(meta_graphs.len() as u64, "metagraph", "metagraphs");
    let values = match variables.len() {
        1 => "the initial value of 1 variable is a constant".to_owned(),
        several => format!("the initial values of {} variables are constants", exact(several as u64)),
    };
    let of_variables =
        (!initial.is_empty()).then(|| format!("{values} in {place}, where a loader restores from the checkpoint"));
    let shared = shared(context);
    for Shared { constants, graphs, saved } in &shared {
        let Some(first) = constants.first() else { continue };
        evidence.add(*saved, || {
            let (name, graphs) = (first.scope.place(context, &first.node), exact(*graphs));
            (format!("{name}, which is in {graphs} metagraphs"), Place::of_node(context, first.scope, &first.node))
        });
        let nodes = constants.iter().rev().map(|constant| constant.node.range());
        ranges.extend(context.up_to(nodes, *saved));
    }
    let of_graphs = (!shared.is_empty()).then(|| {
        let are = plural(shared.len() as u64, "constant is", "constants are");
        format!("{are} in each of several metagraphs, which share variables")
    });
    let mut claims = Claims::default();
    context.claim(&mut claims, ranges);
    let found: Vec<String> = of_variables.into_iter().chain(of_graphs).collect();
    let (mut found, size) = (found.join("; "), bytes(claims.bytes()));
    if let Some(first) = found.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    (!evidence.is_empty()).then(|| Detected { message: format!("{found}: {size}."), evidence, claims, beyond: 0 })
}

/// Constants of one content in several metagraphs.
struct Shared<'c, 'a> {
    constants: Vec<&'c Constant<'a>>,
    /// The metagraphs that have one.
    graphs: u64,
    /// What one variable in their place saves, whose nodes each of the graphs has.
    saved: u64,
}

/// The constants that several of the metagraphs have which a server may load: not those of one that goes as a whole, nor
/// what sets a variable or a table when a model is loaded.
fn shared<'c, 'a>(context: &'c Context<'a>) -> Vec<Shared<'c, 'a>> {
    let (served, _) = extra_metagraph::divide(context);
    if served.len() < 2 {
        return Vec::new();
    }
    let served: HashSet<usize> = served.into_iter().collect();
    // By the bytes themselves: a file may be made so that two contents have one hash.
    let mut by_content: IndexMap<(u64, &[u8]), Vec<&Constant<'a>>, RandomState> = IndexMap::default();
    for (position, constant) in context.large().constants.iter().enumerate() {
        let payload = context.main().get(constant.payload.clone()).unwrap_or_default();
        let is_even = || payload.windows(2).all(|pair| matches!(pair, [a, b] if a == b));
        if served.contains(&constant.scope.meta_graph) && !is_even() && !is_for_start(context, position) {
            by_content.entry((constant.dtype, payload)).or_default().push(constant);
        }
    }
    let several = by_content.into_values().filter(|constants| {
        let first = constants.first().map(|constant| constant.scope.meta_graph);
        constants.iter().any(|constant| Some(constant.scope.meta_graph) != first)
    });
    let shared = several.filter_map(|constants| {
        let content = constants.first()?.payload.len() as u64;
        let all = constants.iter().map(|constant| context.cost(&constant.node.range())).fold(0, u64::saturating_add);
        let graphs: BTreeSet<usize> = constants.iter().map(|constant| constant.scope.meta_graph).collect();
        let graphs = graphs.len() as u64;
        let variables = graphs.checked_mul(VARIABLE_BYTES)?;
        let saved = all.checked_sub(content)?.checked_sub(variables).filter(|saved| *saved > 0)?;
        Some(Shared { constants, graphs, saved })
    });
    shared.collect()
}
