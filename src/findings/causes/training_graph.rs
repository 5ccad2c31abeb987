//! `training-graph`: the nodes that train, in a graph of TensorFlow 1 that serves.
//!
//! A session is saved with the graph that it has: loss, gradients, optimizer, metrics, summaries and the input of training are
//! in it beside what a signature computes, and collections name them. A loader imports all of it.
//!
//! What any graph for serving has stays: what signatures, main ops and savers need, and what gives a variable its initial value.

use std::ops::Range;

use foldhash::HashSet;

use crate::findings::claims::Claims;
use crate::findings::constants::Scope;
use crate::findings::evidence::{Evidence, Place};
use crate::findings::nodes::Node;
use crate::findings::remedy::GRAPH_AGAIN;
use crate::findings::{Cause, Context, Cure, Detected, Remedy, quoted, savers};
use crate::graph::{EdgeKind, MetaGraphReach, Root, VertexKind, VertexSet};
use crate::input::layout::HUB_MODULE;
use crate::message::constants::SERVE;
use crate::message::number::collection_def::{BYTES_LIST, NODE_LIST, node_list};
use crate::message::number::map_entry::{KEY, VALUE};
use crate::message::number::meta_graph_def::meta_info_def::STRIPPED_OP_LIST;
use crate::message::number::meta_graph_def::{COLLECTION_DEF, META_INFO_DEF, OBJECT_GRAPH_DEF};
use crate::message::number::{op_def, op_list};
use crate::message::{Message, input_node, is_data, ops};
use crate::size::{bytes, plural};
use crate::wire::{Field, WireType, fields, first_len};

pub(super) const CAUSE: Cause = Cause {
    id: "training-graph",
    remedies: &[Remedy::any(
        "Build the graph for serving by itself, restore the checkpoint into it, and save that session.",
        GRAPH_AGAIN,
        "a program loads the graph to train it further, or runs these nodes by their names.",
    )],
    long: include_str!("../../../docs/findings/training-graph.md"),
    detect,
    only_information: None,
    cure: Cure::Training,
};

/// How TensorFlow calls the assignment that a variable is made with (tensorflow/python/ops/variables.py).
const INITIAL: &[u8] = b"/Assign";

fn detect(context: &Context<'_>) -> Option<Detected> {
    if context.model.file(HUB_MODULE).is_some() {
        return None;
    }
    let graphs = &context.saved_model.meta_graphs;
    let (mut claims, mut evidence, mut ranges) = (Claims::default(), Evidence::default(), Vec::new());
    let mut nodes = 0;
    for (meta_graph, charged) in graphs.iter().enumerate() {
        let serves = graphs.len() == 1 || charged.tags.iter().any(|tag| tag == SERVE);
        let has_objects = context.sections(meta_graph, OBJECT_GRAPH_DEF).next().is_some();
        let Some(graph) = context.reach.meta_graphs.get(meta_graph).and_then(Option::as_ref) else { continue };
        if serves && !has_objects && graph.roots.iter().any(Root::is_call) {
            nodes += of_graph(context, meta_graph, graph, &mut evidence, &mut ranges);
        }
    }
    context.claim(&mut claims, ranges);
    let (are, size) = (plural(nodes, "node is", "nodes are"), bytes(claims.bytes()));
    (nodes > 0).then(|| Detected {
        message: format!(
            "{are} needed by no signature, main op, saver or initial value: training, summaries, checks, {size}."
        ),
        evidence,
        claims,
        beyond: 0,
    })
}

/// Adds what goes of a metagraph, and says how many nodes that are.
fn of_graph(
    context: &Context<'_>,
    meta_graph: usize,
    graph: &MetaGraphReach<'_>,
    evidence: &mut Evidence,
    ranges: &mut Vec<Range<usize>>,
) -> u64 {
    // Where no saver is named, nothing is known of what saves.
    let Some(saving) = savers::only_saving(context, meta_graph) else { return 0 };
    let saved = graph.nodes().filter(|number| saving.get(*number as usize) == Some(&true));
    let roots = graph.reach(|_| true);
    let stays = graph.reach_from(roots.numbers().chain(saved), |_| false);
    let nodes: Vec<(u32, Node<'_>)> = graph.nodes().zip(context.nodes(meta_graph)).collect();
    let initial = initial_values(graph, &nodes, &stays);
    let stays = graph.reach_from(stays.numbers().chain(initial), |_| false);
    let is_gone = |number: u32| !stays.contains(number) && saving.get(number as usize) != Some(&true);
    // What only groups what stays is made anew with it: `init`.
    let groups = |number: u32| graph.needs(number).len() > 0 && graph.needs(number).all(|(to, _)| !is_gone(to));
    let gone: Vec<&(u32, Node<'_>)> = nodes
        .iter()
        .filter(|(number, node)| is_gone(*number) && !(node.op() == ops::GROUP && groups(*number)))
        .collect();
    let names: HashSet<&[u8]> = gone.iter().map(|(_, node)| node.name()).collect();
    for (_, node) in &gone {
        let bytes = context.cost(&node.range());
        let scope = Scope { meta_graph, function: None };
        evidence.add(bytes, || (scope.place(context, node), Place::of_node(context, scope, node)));
        ranges.push(node.range());
    }
    if !gone.is_empty() {
        collections(context, meta_graph, &names, evidence, ranges);
        let numbers = gone.iter().map(|(number, _)| *number);
        let mut used = functions(context, meta_graph, graph, numbers, &stays, evidence, ranges);
        used.extend(nodes.iter().map(|(_, node)| node).filter(|node| !names.contains(node.name())).map(Node::op));
        definitions(context, meta_graph, &used, evidence, ranges);
    }
    gone.len() as u64
}

/// The nodes that give variables which stay their initial values, and those that every variable has beside it.
fn initial_values(graph: &MetaGraphReach<'_>, nodes: &[(u32, Node<'_>)], stays: &VertexSet) -> Vec<u32> {
    let handles: HashSet<&[u8]> =
        graph.handles().filter(|handle| stays.contains(handle.number)).map(|handle| handle.name).collect();
    let is_of_one = |node: &Node<'_>| {
        let mut data = node.inputs().filter(|input| is_data(input)).map(input_node);
        let Some(variable) = data.next().filter(|first| handles.contains(first)) else { return false };
        let is_initial = || node.name().strip_prefix(variable) == Some(INITIAL);
        ops::ASSIGNS.contains(&node.op()) && is_initial()
            || ops::READ_OR_ASK_ABOUT_VARIABLES.contains(&node.op()) && data.next().is_none()
    };
    nodes.iter().filter(|(_, node)| is_of_one(node)).map(|(number, _)| *number).collect()
}

/// What collections have of nodes that go: names, and messages that name one (VariableDef, CondContextDef, QueueRunnerDef).
fn collections(
    context: &Context<'_>,
    meta_graph: usize,
    names: &HashSet<&[u8]>,
    evidence: &mut Evidence,
    ranges: &mut Vec<Range<usize>>,
) {
    let file = context.main();
    for entry in context.sections(meta_graph, COLLECTION_DEF) {
        let Some(collection) = first_len(file, entry.payload(), VALUE) else { continue };
        let lists = fields(file, collection).filter(|field| field.is_len(NODE_LIST) || field.is_len(BYTES_LIST));
        let items: Vec<(u32, Field)> = lists
            .flat_map(|list| {
                fields(file, list.payload()).filter(|item| item.is_len(node_list::VALUE)).map(move |i| (list.number, i))
            })
            .collect();
        let goes = |(list, item): &&(u32, Field)| match *list {
            NODE_LIST => names.contains(input_node(item.bytes(file))),
            _ => names_one(file, item.payload(), names, NESTED),
        };
        let gone: Vec<Range<usize>> = items.iter().filter(goes).map(|(_, item)| item.range()).collect();
        let all_go = !gone.is_empty() && gone.len() == items.len();
        let parts = if all_go { vec![entry.range()] } else { gone };
        let cost = parts.iter().map(|range| context.cost(range)).fold(0, u64::saturating_add);
        if cost > 0 {
            let key = first_len(file, entry.payload(), KEY).and_then(|key| file.get(key)).unwrap_or_default();
            evidence
                .add(cost, || (format!("collection {}", quoted(key)), Place::of_section(meta_graph, "collection_def")));
        }
        ranges.extend(parts);
    }
}

/// How deep messages of a collection name nodes: a CondContextDef has a ValuesDef.
const NESTED: usize = 2;

/// Whether a message has a string that is one of these nodes or an output of one.
fn names_one(file: &[u8], message: Range<usize>, names: &HashSet<&[u8]>, depth: usize) -> bool {
    let texts = fields(file, message).filter(|field| field.wire_type == WireType::Len);
    let mut texts = texts.map(|field| (field, names.contains(input_node(field.bytes(file)))));
    texts.any(|(field, is_one)| is_one || depth > 0 && names_one(file, field.payload(), names, depth - 1))
}

/// The functions that only nodes which go call. Returns the ops of all others.
fn functions<'a>(
    context: &Context<'a>,
    meta_graph: usize,
    graph: &MetaGraphReach<'_>,
    gone: impl Iterator<Item = u32>,
    stays: &VertexSet,
    evidence: &mut Evidence,
    ranges: &mut Vec<Range<usize>>,
) -> HashSet<&'a [u8]> {
    let called = graph.reach_from(gone, |need| need.kind == EdgeKind::Handle).without(stays);
    let vertices = called.numbers().filter_map(|number| graph.vertex(number));
    let ends: HashSet<usize> =
        vertices.filter(|vertex| vertex.kind == VertexKind::Function).map(|vertex| vertex.span.end).collect();
    let mut used = HashSet::default();
    for function in context.functions_of(meta_graph) {
        if ends.contains(&function.range().end) {
            let what = || (format!("function {}", quoted(function.name)), Place::of_function(function));
            evidence.add(context.cost(&function.range()), what);
            ranges.push(function.range());
        } else {
            used.extend(function.nodes().map(|node| node.op()));
        }
    }
    used
}

/// The definitions of ops that no node is of then (`stripped_op_list`, tensorflow/python/framework/meta_graph.py).
fn definitions(
    context: &Context<'_>,
    meta_graph: usize,
    used: &HashSet<&[u8]>,
    evidence: &mut Evidence,
    ranges: &mut Vec<Range<usize>>,
) {
    let file = context.main();
    let lists = context.sections(meta_graph, META_INFO_DEF).flat_map(|info| fields(file, info.payload()));
    let lists = lists.filter(|field| field.is_len(STRIPPED_OP_LIST));
    let listed = lists.flat_map(|list| fields(file, list.payload())).filter(|field| field.is_len(op_list::OP));
    let is_used = |op: &Field| used.contains(Message::new(file, op.payload()).bytes(op_def::NAME));
    let gone: Vec<Range<usize>> = listed.filter(|op| !is_used(op)).map(|op| op.range()).collect();
    let cost = gone.iter().map(|range| context.cost(range)).fold(0, u64::saturating_add);
    if cost > 0 {
        let ops = plural(gone.len() as u64, "op", "ops");
        evidence.add(cost, || {
            (
                format!("the definitions of {ops} that no other node is of"),
                Place::of_section(meta_graph, "meta_info_def"),
            )
        });
    }
    ranges.extend(gone);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::findings::Finding;
    use crate::findings::tests::{bytes_of, finding};
    use crate::support::graph::{collection, graph_of, node_of, object, objects, saver, signature};
    use crate::support::wire::{Message, message, meta_graph, node, saved_model};

    /// A graph that serves a variable: `y` is `x` times `v`, which a saver restores.
    fn served() -> Vec<Message> {
        let nodes = [
            node("x", "Placeholder"),
            node("v", "VariableV2"),
            node("v/initial_value", "Const"),
            node_of("v/Assign", "Assign", &["v", "v/initial_value"]),
            node_of("v/read", "Identity", &["v"]),
            node_of("y", "MatMul", &["x", "v/read"]),
            node("save/Const", "Const"),
            node_of("init", "NoOp", &["^v/Assign"]),
        ];
        [&nodes[..], &saver("v", "v", "")].concat()
    }

    /// Nodes that train it: each has a long name, so that there is something to save.
    fn training() -> Vec<Message> {
        let long = "gradients/".repeat(60);
        vec![
            node_of(&format!("{long}loss"), "Sub", &["y", "x"]),
            node_of(&format!("{long}grad"), "MatMul", &["x", &format!("{long}loss")]),
            node_of("train", "ApplyGradientDescent", &["v", "x", &format!("{long}grad")]),
        ]
    }

    fn found(nodes: &[Message], more: impl Fn(Message) -> Message) -> Option<Finding> {
        let graph = meta_graph(&["serve"], &graph_of(nodes, &[]));
        let def = message().bytes(1, "save/Const:0").bytes(2, "save/Const:0").bytes(3, "save/restore_all");
        let graph = signature(graph, "serving_default", &["x:0"], &["y:0"]).message(3, &def);
        finding(super::CAUSE.id, &[("saved_model.pb", &saved_model([&more(graph)]).0)])
    }

    #[test]
    fn nodes_that_train_go_with_what_collections_have_of_them() {
        let all = [served(), training()].concat();
        let bare = found(&all, |graph| graph).unwrap();
        assert_eq!(bare.bytes, message().messages(1, &training()).len() as u64);
        let named = found(&all, |graph| collection(graph, "train_op", &["train"])).unwrap();
        assert_eq!(named.bytes, bare.bytes + collection(message(), "train_op", &["train"]).len() as u64);
        let both = found(&all, |graph| collection(graph, "ops", &["train", "y"])).unwrap();
        assert_eq!(both.bytes, bare.bytes + message().bytes(1, "train").len() as u64);
        assert!(bytes_of(&both, "collection `ops`").is_some(), "{both:?}");
    }

    #[test]
    fn the_definitions_of_ops_that_only_training_has_go_with_its_nodes() {
        let all = [served(), training()].concat();
        let definitions =
            |ops: &[&str]| ops.iter().fold(message(), |list, op| list.message(1, &message().bytes(1, op)));
        let list = definitions(&["MatMul", "Sub", "ApplyGradientDescent"]);
        let with = found(&all, |graph| graph.message(1, &message().message(2, &list))).unwrap();
        let without = found(&all, |graph| graph).unwrap();
        let gone = definitions(&["Sub", "ApplyGradientDescent"]).len();
        assert_eq!(with.bytes - without.bytes, gone as u64, "{with:?}");
    }

    #[test]
    fn a_message_in_a_collection_that_names_a_node_goes_with_it() {
        let all = [served(), training()].concat();
        let context = message().bytes(1, "cond/context").message(5, &message().bytes(1, "train:0"));
        let entry = message().message(2, &message().message(1, &context));
        let with = found(&all, |graph| graph.entry(4, "cond_context", &entry)).unwrap();
        let without = found(&all, |graph| graph).unwrap();
        assert_eq!(with.bytes - without.bytes, message().entry(4, "cond_context", &entry).len() as u64);
    }

    #[test]
    fn a_model_for_programs_or_with_objects_is_no_session_that_was_saved() {
        let all = [served(), training()].concat();
        let with_objects = |graph: Message| graph.message(7, &objects(&[object(4, &message(), &[])], &[]));
        assert_eq!(found(&all, with_objects), None);
    }

    #[test]
    fn a_graph_without_a_signature_may_be_there_to_be_trained() {
        let graph = meta_graph(&["serve"], &graph_of(&[served(), training()].concat(), &[]));
        assert_eq!(finding(super::CAUSE.id, &[("saved_model.pb", &saved_model([&graph]).0)]), None);
    }

    proptest! {
        #[test]
        fn a_graph_for_serving_has_none(layers in 1..12_usize) {
            let mut nodes = served();
            for layer in 0..layers {
                let (variable, last) = (format!("layer_{layer}/{}", "k".repeat(200)), format!("n{layer}"));
                let before = if layer == 0 { "x".to_owned() } else { format!("n{}", layer - 1) };
                nodes.extend([
                    node(&variable, "VariableV2"),
                    node_of(&format!("{variable}/initial"), "TruncatedNormal", &["x"]),
                    node_of(&format!("{variable}/Assign"), "Assign", &[&variable, &format!("{variable}/initial")]),
                    node_of(&format!("{variable}/read"), "Identity", &[&variable]),
                    node_of(&last, "MatMul", &[&before, &format!("{variable}/read")]),
                ]);
            }
            let last = format!("n{}:0", layers - 1);
            let more = |graph: Message| signature(graph, "deep", &["x:0"], &[&last]);
            prop_assert_eq!(found(&nodes, more), None);
        }
    }
}
