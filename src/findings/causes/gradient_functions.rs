//! `gradient-functions`: the functions of custom gradients, which only training calls.
//!
//! Each use of a `tf.custom_gradient` (`tf.nn.silu` is one) has a gradient of its own, and saving registers a function for
//! each (`tensorflow/python/saved_model/save.py`, `_trace_gradient_functions`).

use std::ops::Range;

use crate::findings::claims::Claims;
use crate::findings::evidence::{Evidence, Place};
use crate::findings::kind::ModelKind::{Jax, Keras3, TfKeras};
use crate::findings::nodes::Function;
use crate::findings::program::Program;
use crate::findings::stablehlo;
use crate::findings::{Cause, Context, Cure, Detected, LEAST_BYTES, Remedy, quoted};
use crate::graph::{EdgeKind, VertexSet};
use crate::message::AttrValue;
use crate::size::{bytes, plural};

pub(super) const CAUSE: Cause = Cause {
    id: "gradient-functions",
    remedies: REMEDIES,
    long: include_str!("../../../docs/findings/gradient-functions.md"),
    detect,
    only_information: None,
    cure: Cure::Training,
};

const UNLESS: &str = "a program loads the model to train it, or asks it for gradients.";

/// What the sentence of each says.
const WITHOUT: &str = "Save with `experimental_custom_gradients=False` in `tf.saved_model.SaveOptions`.";

const REMEDIES: &[Remedy] = &[
    Remedy::of(&[TfKeras, Keras3, Jax], WITHOUT, OF_ARCHIVE, UNLESS)
        .only(|model| model.is_archive && (model.kind != Keras3 || model.has_tables)),
    Remedy::of(&[Keras3], WITHOUT, OF_UNTRACKED, UNLESS),
    Remedy::of(&[TfKeras], WITHOUT, OF_MODEL, UNLESS),
    Remedy::any(WITHOUT, OF_MODULE, UNLESS),
];

const OF_ARCHIVE: &str = r#"archive = keras.export.ExportArchive(); archive.track(model)
archive.add_endpoint("serve", model.__call__, [tf.TensorSpec(i.shape, i.dtype, i.name) for i in model.inputs])
archive.write_out("exported", options=tf.saved_model.SaveOptions(experimental_custom_gradients=False))"#;

const OF_UNTRACKED: &str = r#"archive = keras.export.ExportArchive()
archive.add_endpoint("serve", model.__call__, [model.input] if model.inputs[1:] else model.inputs)
archive.write_out("exported", options=tf.saved_model.SaveOptions(experimental_custom_gradients=False))"#;

const OF_MODEL: &str = r#"options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
model.save("exported", save_format="tf", options=options)"#;

const OF_MODULE: &str = r#"options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
tf.saved_model.save(module, "exported", signatures=serve, options=options)"#;

/// The metagraphs whose programs have functions that only gradients need, each with what goes without them.
fn programs<'c, 'a>(context: &'c Context<'a>) -> impl Iterator<Item = (&'c Program<'a>, VertexSet)> {
    let is_asked = |program: &&Program<'_>| program.has_registered_gradients() && context.is_served(program.meta_graph);
    let programs = context.programs().iter().filter(is_asked);
    programs.map(|program| (program, program.without(|need| need.kind == EdgeKind::Gradient)))
}

/// Where the functions are that only gradients need, in the order of the file.
pub(super) fn ranges(context: &Context<'_>) -> Vec<Range<usize>> {
    let all = programs(context);
    let of = |(program, gone): (&Program<'_>, _)| -> Vec<_> {
        program.functions_among(&gone).map(Function::range).collect()
    };
    let mut ranges: Vec<Range<usize>> = all.flat_map(of).collect();
    ranges.sort_unstable_by_key(|range| range.start);
    ranges
}

fn detect(context: &Context<'_>) -> Option<Detected> {
    let (mut claims, mut evidence) = (Claims::default(), Evidence::default());
    for (program, gone) in programs(context) {
        for function in program.functions_among(&gone) {
            let bytes = without_data(function).iter().map(|part| context.cost(part)).sum();
            evidence.add(bytes, || (format!("function {}", quoted(function.name)), Place::of_function(function)));
        }
        program.claim_parts(context, &gone, &mut claims, |function| without_data(function));
    }
    let functions = plural(evidence.count(), "function serves", "functions serve");
    let size = bytes(claims.bytes());
    (!evidence.is_empty()).then(|| Detected {
        message: format!("{functions} only to find gradients in training, {size}."),
        evidence,
        claims,
        beyond: 0,
    })
}

/// A function without the data in it. Weights are in a gradient function because they are constants where they are
/// used: other causes tell of those, and their remedy takes them out of both places.
pub(super) fn without_data(function: &Function<'_>) -> Vec<Range<usize>> {
    let (mut parts, mut start) = (Vec::new(), function.range().start);
    for entry in function.nodes().flat_map(|node| node.attributes()) {
        for data in data(&AttrValue::new(entry.value)) {
            parts.push(start..data.start);
            start = data.end;
        }
    }
    parts.push(start..function.range().end);
    parts
}

/// The blobs of an attribute that are large enough to be a finding of their own; of a program the arrays in it.
fn data(value: &AttrValue<'_>) -> Vec<Range<usize>> {
    let is_large = |range: &Range<usize>| range.len() as u64 >= LEAST_BYTES;
    let elements = value.tensor().and_then(|tensor| Some(tensor.elements()?.1));
    let Some(string) = value.s().filter(is_large) else { return elements.into_iter().filter(is_large).collect() };
    let bytes = value.message().file().get(string.clone()).unwrap_or_default();
    if !stablehlo::is_module(bytes) {
        return vec![string];
    }
    let within = |array: stablehlo::Weight| string.start + array.range.start..string.start + array.range.end;
    let mut arrays: Vec<Range<usize>> = stablehlo::weights(bytes).into_iter().map(within).collect();
    arrays.sort_unstable_by_key(|array| array.start);
    arrays
}

#[cfg(test)]
mod tests {
    use crate::findings::tests::found;
    use crate::support::graph::{call, function_of, signature};
    use crate::support::wire::{Message, constant, message, node};

    /// A function whose operation has the gradient `gradient`, and a graph of these nodes.
    fn model(nodes: &[Message], gradient: &Message) -> Message {
        let kind = message().bytes(2, "CustomGradient-1");
        let function = function_of("f", &[], &[node("y", "IdentityN").entry(5, "_gradient_op_type", &kind)]);
        let registered = message().bytes(1, "gradient").bytes(2, "CustomGradient-1");
        let library = message().messages(1, [&function, gradient]).message(3, &registered);
        let nodes = nodes.iter().fold(message(), |graph, node| graph.message(1, node));
        signature(message().message(2, &nodes.message(2, &library)), "serving_default", &[], &["y"])
    }

    fn large(nodes: &[Message]) -> Message {
        let nodes = [nodes, &[node(&"n".repeat(1500), "Mul")]].concat();
        function_of("gradient", &[], &nodes)
    }

    #[test]
    fn a_function_that_is_only_a_gradient_goes_with_its_entry() {
        let gradient = large(&[]);
        let found = found(&model(&[call("y", "f", &[])], &gradient), super::CAUSE.id).unwrap();
        let (function, entry) = (gradient.len() as u64 + 3, 8 + 2 + 16 + 2 + 2 + 2);
        assert!(found.bytes.abs_diff(function + entry) < 8, "{} is not {function} and {entry}", found.bytes);
    }

    #[test]
    fn a_gradient_that_is_called_as_well_stays() {
        let nodes = [call("y", "f", &[]), call("z", "gradient", &[])];
        assert_eq!(found(&model(&nodes, &large(&[])), super::CAUSE.id), None);
    }

    #[test]
    fn a_program_in_a_gradient_goes_but_for_the_weights_in_it() {
        let program = |module: &str| node("p", "XlaCallModule").entry(5, "module", &message().bytes(2, module));
        let bytes = |gradient| found(&model(&[call("y", "f", &[])], &gradient), super::CAUSE.id).unwrap().bytes;
        let code = "stablehlo.add ".repeat(200);
        let (without, with) = (bytes(large(&[])), bytes(large(&[program(&code)])));
        assert!(with - without > 2800, "{with} is {without} and less than the program");
        let weights = format!("{code} stablehlo.constant dense<\"0x{}\"> : tensor<1250xf32>", "0A".repeat(5000));
        assert!(bytes(large(&[program(&weights)])) - with < 200);
    }

    #[test]
    fn weights_in_a_gradient_are_left_to_the_causes_that_tell_of_them() {
        let bytes = |gradient| found(&model(&[call("y", "f", &[])], &gradient), super::CAUSE.id).unwrap().bytes;
        let (without, with) = (bytes(large(&[])), bytes(large(&[constant("weights", &[1; 5000])])));
        assert!(with - without < 100, "{with} is {without} and more than a node");
    }
}
