//! `python-only-functions`: functions that a Python program can call and no signature needs.
//!
//! `tf.saved_model.save` writes every `tf.function` that the object leads to, with each of its traces. A server calls
//! signatures. What Keras saves of its layers is `layer-traces`; of a model that is there for programs these functions are
//! the use, and a matter of information.

use foldhash::HashSet;

use super::gradient_functions::without_data;
use super::{layer_traces, trace_per_argument, unserved_variable};
use crate::findings::claims::Claims;
use crate::findings::evidence::{Evidence, Place};
use crate::findings::program::{Program, Vertex};
use crate::findings::remedy::{ARCHIVE_OF_SERVE, FUNCTION_AS_MODULE, SERVE_OF_MODEL};
use crate::findings::{Cause, Context, Cure, Detected, ModelKind, Remedy, quoted};
use crate::graph::{EdgeKind, Need, VertexKind, VertexSet};
use crate::size::{bytes, plural};

pub(super) const CAUSE: Cause = Cause {
    id: "python-only-functions",
    remedies: &[
        Remedy::of(
            &[ModelKind::TfKeras],
            "Save a module with the function that serves and what it reads, and no other function.",
            SERVE_OF_MODEL,
            "a Python program loads the model and calls these functions.",
        ),
        Remedy::of(
            &[ModelKind::Keras3],
            "Export with `keras.export.ExportArchive` and an endpoint for each function that is served.",
            ARCHIVE_OF_SERVE,
            "a Python program loads the model and calls these functions.",
        ),
        Remedy::any(
            "Save an object that holds the variables of the signature's function, and no other function.",
            FUNCTION_AS_MODULE,
            "a Python program loads the model and calls these functions.",
        ),
    ],
    long: include_str!("../../../docs/findings/python-only-functions.md"),
    detect,
    only_information: Some(is_information),
    cure: Cure::Serving,
};

/// Whether it is too little for a finding, or what the model is there for.
fn is_information(context: &Context<'_>, found: &Detected) -> bool {
    !context.is_worth_a_finding(found.bytes()) || unserved_variable::is_for_programs(context)
}

fn detect(context: &Context<'_>) -> Option<Detected> {
    let (mut claims, mut evidence) = (Claims::default(), Evidence::default());
    for program in context.programs() {
        let gone = of_program(context, program);
        let before = evidence.count();
        for function in program.functions_among(&gone) {
            let parts = without_data(function);
            let cost = parts.iter().map(|part| context.cost(part)).fold(0, u64::saturating_add);
            evidence.add(cost, || (format!("function {}", quoted(function.name)), Place::of_function(function)));
        }
        if evidence.count() > before {
            program.claim_parts(context, &gone, &mut claims, without_data);
        }
    }
    let (functions, size) = (evidence.count(), bytes(claims.bytes()));
    let are = plural(functions, "function is", "functions are");
    (functions > 0).then(|| Detected {
        message: format!("{are} needed by no signature, and there for Python programs only: {size}."),
        evidence,
        claims,
        beyond: 0,
    })
}

/// What goes with the traces that no signature needs, but for what goes with those that Keras saved of layers, and with those
/// that are there once for each number.
fn of_program(context: &Context<'_>, program: &Program<'_>) -> VertexSet {
    let Some(graph) = context.reach.meta_graphs.get(program.meta_graph).and_then(Option::as_ref) else {
        return VertexSet::default();
    };
    let served = graph.served();
    let vertices = served.numbers().filter_map(|number| graph.vertex(number));
    let ends: HashSet<usize> =
        vertices.filter(|vertex| vertex.kind == VertexKind::Function).map(|vertex| vertex.span.end).collect();
    let is_served = |vertex: Vertex| {
        let function = program.function_at(vertex);
        function.is_none_or(|function| ends.contains(&function.range().end))
    };
    let of_keras = layer_traces::saved_by_keras(program);
    let is_keras = |need: &Need| layer_traces::is_saved(&of_keras, need);
    let all = program.without(|need| need.kind == EdgeKind::Trace && !is_served(need.to) || is_keras(need));
    let gone = all.without(&program.without(is_keras));
    if gone.is_empty() { gone } else { gone.without(&trace_per_argument::gone(context, program)) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::findings::tests::report;
    use crate::message::number::saved_object::{FUNCTION, USER_OBJECT as USER};
    use crate::report::ModelReport;
    use crate::support::graph::{call, function_of, graph_of, object, objects, signature};
    use crate::support::wire::{Message, message, meta_graph, node, saved_model};

    fn traced(function: &str) -> Message {
        object(FUNCTION, &message().bytes(1, function), &[])
    }

    fn large(name: &str, calls: &[&str]) -> Message {
        let nodes: Vec<Message> = calls.iter().map(|to| call(to, to, &[])).collect();
        function_of(name, &[], &[&[node(&"n".repeat(70_000), "Mul")][..], &nodes].concat())
    }

    /// A model whose root has `serve`, which the signature calls, and `other`; both call `shared`.
    fn model(is_signed: bool) -> ModelReport {
        let functions = [large("serve", &["shared"]), large("other", &["shared"]), large("shared", &[])];
        let graph =
            meta_graph(&["serve"], &graph_of(&[node("x", "Placeholder"), call("y", "serve", &["x"])], &functions));
        let root = object(USER, &message().bytes(1, "_generic_user_object"), &[("serve", 1), ("other", 2)]);
        let nodes = [root, traced("serve"), traced("other")];
        let graph = graph.message(7, &objects(&nodes, &[("serve", b""), ("other", b"")]));
        let graph = if is_signed { signature(graph, "serving_default", &["x:0"], &["y:0"]) } else { graph };
        report(&[("saved_model.pb", &saved_model([&graph]).0)])
    }

    #[test]
    fn a_function_that_no_signature_needs_goes_and_what_it_shares_stays() {
        let found = model(true).findings.into_iter().find(|finding| finding.id == super::CAUSE.id).unwrap();
        assert_eq!(found.evidence.len(), 1, "{found:?}");
        assert!(found.evidence[0].starts_with("function `other`"), "{found:?}");
        assert!((70_000..71_000).contains(&found.bytes), "{found:?}");
    }

    #[test]
    fn without_a_signature_the_functions_are_the_use() {
        assert!(!model(false).findings.iter().any(|finding| finding.id == super::CAUSE.id));
    }

    proptest! {
        #[test]
        fn where_signatures_call_all_functions_there_is_none(count in 1..6_usize) {
            let names: Vec<String> = (0..count).map(|at| format!("f{at}")).collect();
            let functions: Vec<Message> = names.iter().map(|name| large(name, &[])).collect();
            let calls = names.iter().map(|name| call(&format!("y_{name}"), name, &[]));
            let mut graph = meta_graph(&["serve"], &graph_of(&calls.collect::<Vec<_>>(), &functions));
            for name in &names {
                graph = signature(graph, name, &[], &[&format!("y_{name}:0")]);
            }
            let children: Vec<(&str, u64)> = names.iter().map(String::as_str).zip(1..).collect();
            let root = object(USER, &message().bytes(1, "_generic_user_object"), &children);
            let nodes: Vec<Message> = [root].into_iter().chain(names.iter().map(|name| traced(name))).collect();
            let graph = graph.message(7, &objects(&nodes, &[]));
            let report = report(&[("saved_model.pb", &saved_model([&graph]).0)]);
            prop_assert!(!report.findings.iter().any(|finding| finding.id == super::CAUSE.id));
        }
    }
}
