//! `debug-info`: where each node was made in the program that exported the model.
//!
//! `SaveOptions(save_debug_info=True)` writes a stack trace for each node into `debug/`, newer TensorFlows into the graph;
//! rewriters leave the names that nodes had before. Nothing but a debugger reads it. It is a matter of information as long
//! as it is small.

use std::ops::Range;

use crate::findings::claims::Claims;
use crate::findings::evidence::{Evidence, Place};
use crate::findings::{Cause, Context, Cure, Detected, Remedy, quoted};
use crate::input::File;
use crate::message::number::graph_def::DEBUG_INFO as GRAPH_DEBUG_INFO;
use crate::message::number::meta_graph_def::GRAPH_DEF;
use crate::message::number::node_def::EXPERIMENTAL_DEBUG_INFO as NODE_DEBUG_INFO;
use crate::outline::Sum;
use crate::size::{bytes, plural};
use crate::wire::fields;

pub(super) const CAUSE: Cause = Cause {
    id: "debug-info",
    remedies: &[Remedy::any(
        "Delete `debug/`, and save without `save_debug_info=True` the next time.",
        "options = tf.saved_model.SaveOptions(save_debug_info=False)\n\
         tf.saved_model.save(module, \"exported\", signatures=serve, options=options)",
        "errors of the served model are traced back to the code that exported it.",
    )],
    long: include_str!("../../../docs/findings/debug-info.md"),
    detect,
    only_information: None,
    cure: Cure::Training,
};

/// Where TensorFlow writes it (tensorflow/python/saved_model/path_helpers.py).
pub(in crate::findings) const FILES: &str = "debug/";

/// Whether there is enough of it for a finding, which is then all that is said of it.
pub(in crate::findings) fn is_found(context: &Context<'_>) -> bool {
    context.is_worth_a_finding(all(context).1)
}

/// What of it is in the main file, and the bytes of all of it.
fn all(context: &Context<'_>) -> (Sum, u64) {
    let of_graphs = context.saved_model.meta_graphs.iter().map(|graph| graph.notes.debug_info);
    let in_main = of_graphs.fold(Sum::default(), Sum::and);
    (in_main, files(context).map(|file| file.bytes).fold(in_main.bytes, u64::saturating_add))
}

fn files<'a>(context: &Context<'a>) -> impl Iterator<Item = &'a File> + use<'a> {
    context.model.files.iter().filter(|file| file.name.starts_with(FILES))
}

fn detect(context: &Context<'_>) -> Option<Detected> {
    let (in_main, all) = all(context);
    if !context.is_worth_a_finding(all) {
        return None;
    }
    let (mut claims, mut evidence) = (Claims::default(), Evidence::default());
    for file in files(context) {
        claims.add(&file.name, 0..file.bytes);
        evidence.add(file.bytes, || (quoted(&file.name), Place::of_file(&file.name)));
    }
    if in_main.bytes > 0 {
        context.claim(&mut claims, of_main(context));
        let what = || format!("{} of the main file", plural(in_main.count, "field", "fields"));
        evidence.add(in_main.bytes, || (what(), Place::default()));
    }
    Some(Detected {
        message: format!("{} of debug information: stack traces and former names of nodes.", bytes(claims.bytes())),
        evidence,
        claims,
        beyond: 0,
    })
}

/// Where it is in the main file. All nodes are looked through for that, so it is asked only where there is much of it.
fn of_main(context: &Context<'_>) -> Vec<Range<usize>> {
    let file = context.main();
    let mut ranges = Vec::new();
    let mut of_node = |message: Range<usize>| {
        let info = fields(file, message).filter(|field| field.is_len(NODE_DEBUG_INFO));
        ranges.extend(info.map(|field| field.range()));
    };
    for meta_graph in 0..context.saved_model.meta_graphs.len() {
        context.nodes(meta_graph).for_each(|node| of_node(node.message()));
    }
    for function in context.functions() {
        function.nodes().for_each(|node| of_node(node.message()));
    }
    for meta_graph in 0..context.saved_model.meta_graphs.len() {
        let graphs = context.sections(meta_graph, GRAPH_DEF).flat_map(|graph| fields(file, graph.payload()));
        ranges.extend(graphs.filter(|field| field.is_len(GRAPH_DEBUG_INFO)).map(|field| field.range()));
    }
    ranges
}

#[cfg(test)]
mod tests {
    use crate::findings::tests::{finding, report};
    use crate::support::wire::{Message, graph, message, meta_graph, node, saved_model};

    fn model(node_info: usize) -> Vec<u8> {
        let info = message().bytes(1, vec![b'x'; node_info]);
        let nodes: Vec<Message> = (0..20).map(|at| node(&format!("n{at}"), "Add").message(6, &info)).collect();
        saved_model([&meta_graph(&["serve"], &graph(&nodes))]).0
    }

    #[test]
    fn files_and_fields_of_debug_information_go_as_a_whole() {
        let files: [(&str, &[u8]); 2] =
            [("saved_model.pb", &model(2000)), ("debug/saved_model_debug_info.pb", &[0; 40_000])];
        let found = finding(super::CAUSE.id, &files).unwrap();
        let field = message().message(6, &message().bytes(1, [0; 2000])).len() as u64;
        assert_eq!(found.bytes, 40_000 + 20 * field);
        assert!(!report(&files).information.iter().any(|noted| noted.id == super::CAUSE.id), "it is told once");
    }

    #[test]
    fn a_little_is_a_matter_of_information() {
        let small: [(&str, &[u8]); 2] =
            [("saved_model.pb", &model(1)), ("debug/saved_model_debug_info.pb", &[0; 60_000])];
        assert_eq!(finding(super::CAUSE.id, &small), None);
        assert!(report(&small).information.iter().any(|noted| noted.id == super::CAUSE.id));
        let large: Vec<u8> = vec![0; 2_000_000];
        let share: [(&str, &[u8]); 3] =
            [("saved_model.pb", &model(1)), ("debug/a.pb", &[0; 80_000]), ("assets.extra/requests", &large)];
        assert_eq!(finding(super::CAUSE.id, &share), None);
    }
}
