//! `unrolled-loop`: one body that is repeated in a function for each step of a loop.
//!
//! A Python `for`, or an RNN layer with `unroll=True`, is run while the function is traced, and leaves its nodes behind once
//! for each step.

use std::ops::Range;

use foldhash::{HashMap, HashSet};

use crate::findings::claims::Claims;
use crate::findings::evidence::{Evidence, Place};
use crate::findings::nodes::{Function, Node};
use crate::findings::repeats::{Repeated, repeated};
use crate::findings::{Cause, Context, Cure, Detected, Remedy, quoted};
use crate::message::number::function_def::{CONTROL_RET, SIGNATURE};
use crate::message::number::map_entry;
use crate::message::number::node_def::INPUT;
use crate::message::number::op_def::CONTROL_OUTPUT;
use crate::message::{input_node, is_data};
use crate::size::{bytes, exact, plural};
use crate::wire::{Field, fields, first_len};

pub(super) const CAUSE: Cause = Cause {
    id: "unrolled-loop",
    remedies: &[Remedy::any(
        "Build the layer with `unroll=False`; in a `tf.function` loop over `tf.range` or use `tf.while_loop`.",
        "",
        "the unrolled steps are measured to be faster where the model runs, or a converter cannot take loops.",
    )],
    long: include_str!("../../../docs/findings/unrolled-loop.md"),
    detect,
    only_information: None,
    cure: Cure::None,
};

/// What a `While` costs, in nodes: it has two functions with their arguments, a counter that is compared and added to,
/// and an `Identity` for each value that it hands on (`tensorflow/python/ops/while_v2.py`). Measured with TensorFlow 2.21.
const NODES_OF_A_WHILE: u64 = 75;

/// What it costs more where its steps take elements of a sequence: those are put into a TensorList and read from
/// there, and the results are put into another one. Measured with the RNN layers of Keras 3.
const NODES_OF_TENSOR_LISTS: u64 = 50;

/// What a node has beside its names: op, attributes, tags and lengths.
const BYTES_BESIDE_NAMES: u64 = 45;

fn detect(context: &Context<'_>) -> Option<Detected> {
    let (mut claims, mut evidence, mut most) = (Claims::default(), Evidence::default(), 0);
    let mut known: HashMap<usize, Vec<Repeated>> = HashMap::default();
    for function in context.functions() {
        // Functions of one kind have the same loops. Most functions of a library are one of several of their kind.
        let read = context.duplicates.structural.function(function.range().start);
        let (whole, name) = (context.cost(&function.range()), read.map_or(0, |read| read.shortest_name));
        // Most functions are smaller than any loop. That is known without a look at their nodes.
        if whole <= cost(name, false) {
            continue;
        }
        let runs = match read {
            Some(read) => known.entry(read.kind).or_insert_with(|| repeated(context.main(), function)).clone(),
            None => repeated(context.main(), function),
        };
        for run in runs {
            if whole <= cost(name, run.takes_elements) {
                continue;
            }
            let ranges = freed(context, function, &run);
            let bytes = ranges.iter().map(|range| context.cost(range)).fold(0, u64::saturating_add);
            if bytes == 0 {
                continue;
            }
            most = most.max(run.steps());
            evidence.add(bytes, || {
                let (steps, nodes) = (exact(run.steps() as u64), exact(run.period as u64));
                let name = quoted(function.name);
                (format!("{steps} steps of {nodes} nodes in function {name}"), Place::of_function(function))
            });
            context.claim(&mut claims, ranges);
        }
    }
    let (loops, most, size) =
        (plural(evidence.count(), "loop is", "loops are"), exact(most as u64), bytes(claims.bytes()));
    (!evidence.is_empty()).then(|| Detected {
        message: format!("{loops} written out step by step, up to {most} steps, {size}."),
        evidence,
        claims,
        beyond: 0,
    })
}

/// The nodes of all steps but one and what the function says of them elsewhere, without what a loop costs.
fn freed(context: &Context<'_>, function: &Function<'_>, run: &Repeated) -> Vec<Range<usize>> {
    let file = context.main();
    let again = run.nodes.start + run.period..run.nodes.end;
    let nodes: Vec<Node<'_>> = function.nodes().skip(again.start).take(again.len()).collect();
    let names = nodes.iter().map(|node| node.name().len() as u64).fold(0, u64::saturating_add);
    let cost = cost(names / (nodes.len() as u64).max(1), run.takes_elements);
    if nodes.iter().map(|node| context.cost(&node.range())).fold(0, u64::saturating_add) <= cost {
        return Vec::new();
    }
    let names: HashSet<&[u8]> = nodes.iter().map(Node::name).collect();
    let mut mentions: Vec<Range<usize>> = Vec::new();
    let others = function.nodes().enumerate().filter(|(at, _)| !again.contains(at));
    for (_, node) in others {
        mentions.extend(
            node.fields().filter(|field| field.is_len(INPUT) && names_one(file, field, &names)).map(|f| f.range()),
        );
    }
    let mut results: HashSet<&[u8]> = HashSet::default();
    for field in function.fields().map_while(Result::ok).filter(|field| field.is_len(CONTROL_RET)) {
        let part =
            |number| first_len(file, field.payload(), number).and_then(|range| file.get(range)).unwrap_or_default();
        if names.contains(part(map_entry::VALUE)) {
            results.insert(part(map_entry::KEY));
            mentions.push(field.range());
        }
    }
    for signature in function.fields().map_while(Result::ok).filter(|field| field.is_len(SIGNATURE)) {
        let outputs = fields(file, signature.payload()).filter(|field| field.is_len(CONTROL_OUTPUT));
        mentions.extend(outputs.filter(|field| results.contains(field.bytes(file))).map(|field| field.range()));
    }
    let ranges = nodes.iter().map(Node::range).chain(mentions);
    // A loop has nodes of its own, for which as much is left to it.
    let mut left = cost;
    let stays = |range: &Range<usize>| {
        let stays = left > 0;
        left = left.saturating_sub(context.cost(range));
        stays
    };
    ranges.skip_while(stays).collect()
}

/// About what a loop costs among nodes whose names have so many bytes. Each of its nodes has a name like theirs, and takes about
/// one of another node and sometimes of two.
fn cost(name: u64, takes_elements: bool) -> u64 {
    let count = NODES_OF_A_WHILE + if takes_elements { NODES_OF_TENSOR_LISTS } else { 0 };
    count.saturating_mul(BYTES_BESIDE_NAMES.saturating_add(name.saturating_mul(7) / 3))
}

/// Whether an input only makes a node wait for one of these.
fn names_one(file: &[u8], input: &Field, names: &HashSet<&[u8]>) -> bool {
    let input = input.bytes(file);
    !is_data(input) && names.contains(input_node(input))
}

#[cfg(test)]
mod tests {
    use crate::findings::Finding;
    use crate::findings::tests::found;
    use crate::support::graph::{function_of, graph_of, node_of};
    use crate::support::wire::{Message, message};

    const STEPS: usize = 60;

    /// What a step reads and what it takes from the one before, and the size of its result.
    struct Step {
        weights: String,
        before: String,
        size: u64,
    }

    /// A function of steps, each a variable that is read, a product, and what becomes of that.
    fn model(steps: impl IntoIterator<Item = Step>) -> Message {
        let shaped = |node: Message, size| {
            let shape = message().message(2, &message().int(1, size));
            node.entry(5, "_output_shapes", &message().message(1, &message().message(7, &shape)))
        };
        let step = |(number, step): (usize, Step)| {
            let (read, product) = (format!("cell_{number}/read"), format!("cell_{number}/product"));
            let inputs = [&*step.before, &format!("{read}:value:0")];
            [
                node_of(&read, "ReadVariableOp", &[&step.weights]),
                shaped(node_of(&product, "MatMul", &inputs), step.size),
                shaped(node_of(&format!("cell_{number}/tanh"), "Tanh", &[&format!("{product}:product:0")]), step.size),
            ]
        };
        let nodes: Vec<Message> = steps.into_iter().enumerate().flat_map(step).collect();
        message().message(2, &graph_of(&[], &[function_of("f", &["x", "w"], &nodes)]))
    }

    fn step(number: usize) -> Step {
        let before = number.checked_sub(1).map_or("x".to_owned(), |before| format!("cell_{before}/tanh:y:0"));
        Step { weights: "w".to_owned(), before, size: 8 }
    }

    fn unrolled(steps: impl IntoIterator<Item = Step>) -> Option<Finding> {
        found(&model(steps), super::CAUSE.id)
    }

    #[test]
    fn steps_of_one_body_are_a_loop_and_leave_room_for_it() {
        let all = model((0..STEPS).map(step)).len() as u64;
        let found = unrolled((0..STEPS).map(step)).unwrap();
        assert!(found.evidence[0].starts_with("60 steps of 3 nodes in function `f`"), "{found:?}");
        assert!(found.bytes < all * (STEPS as u64 - 1) / STEPS as u64, "{} of {all}", found.bytes);
    }

    #[test]
    fn layers_that_have_weights_of_their_own_are_no_loop() {
        let layer = |number| Step { weights: format!("w_{number}"), ..step(number) };
        assert_eq!(unrolled((0..STEPS).map(layer)), None);
    }

    /// A function of steps, each a constant of a hundred floats, a product with that, and a sum with what came in at first.
    fn with_constants(first_of: impl Fn(usize) -> f32) -> Message {
        let step = |number: usize| {
            let before = number.checked_sub(1).map_or("x".to_owned(), |before| format!("cell_{before}/sum:z:0"));
            let array: Vec<u8> = (0..100).flat_map(|at| (first_of(number) + at as f32).to_le_bytes()).collect();
            let tensor = message().int(1, 1).message(2, &message().message(2, &message().int(1, 100))).bytes(4, array);
            let weights = node_of(&format!("cell_{number}/w"), "Const", &[]);
            let product = format!("cell_{number}/product");
            [
                weights.entry(5, "value", &message().message(8, &tensor)),
                node_of(&product, "MatMul", &[&before, &format!("cell_{number}/w:output:0")]),
                node_of(&format!("cell_{number}/sum"), "AddV2", &[&format!("{product}:product:0"), "x"]),
            ]
        };
        let nodes: Vec<Message> = (0..STEPS).flat_map(step).collect();
        message().message(2, &graph_of(&[], &[function_of("f", &["x"], &nodes)]))
    }

    #[test]
    fn layers_that_have_weights_of_their_own_as_constants_are_no_loop() {
        assert!(found(&with_constants(|_| 0.0), super::CAUSE.id).is_some());
        assert_eq!(found(&with_constants(|number| number as f32), super::CAUSE.id), None);
    }

    #[test]
    fn copies_beside_each_other_are_no_loop() {
        let copy = |number| Step { before: "x".to_owned(), ..step(number) };
        assert_eq!(unrolled((0..STEPS).map(copy)), None);
    }

    #[test]
    fn steps_that_share_nothing_are_no_loop() {
        let only_handed_on = |number: usize| Step { weights: step(number).before, ..step(number) };
        assert_eq!(unrolled((0..STEPS).map(only_handed_on)), None);
    }

    #[test]
    fn steps_of_other_and_other_sizes_are_no_loop() {
        let smaller = |number| Step { size: 1000 - number as u64, ..step(number) };
        assert_eq!(unrolled((0..STEPS).map(smaller)), None);
    }

    #[test]
    fn a_loop_of_few_steps_costs_less_than_a_while() {
        assert_eq!(unrolled((0..6).map(step)), None);
    }

    #[test]
    fn nodes_that_are_all_alike_and_take_nothing_are_no_loop() {
        let nodes: Vec<Message> = (0..5000).map(|number| node_of(&format!("n_{number}"), "NoOp", &[])).collect();
        let model = message().message(2, &graph_of(&[], &[function_of("f", &[], &nodes)]));
        assert_eq!(found(&model, super::CAUSE.id), None);
    }
}
