//! Which constants may be made, and which neighbours keep one a constant: by small programs in which `k` is the constant of `f`.

use super::{MAX_BYTES, Programs, repeated, runs};
use crate::message::number::function_def_library::FUNCTION;
use crate::message::number::graph_def::{LIBRARY, NODE};
use crate::message::{FunctionDef, NodeDef};
use crate::support::graph::{call, func, function_of, graph_of, node_of};
use crate::support::wire::{Message, message, node};
use crate::wire::fields;

/// A function of `x` that gives back the output `result`.
fn function(name: &str, nodes: &[Message], result: &str) -> Message {
    let results = message().message(3, &message().bytes(1, "y"));
    let ret = message().bytes(1, "y").bytes(2, result);
    function_of(name, &["x"], nodes).message(1, &results).message(4, &ret)
}

/// Whether `k` of `f` may be made, in a program of these nodes and functions.
fn may_be_made(nodes: &[Message], functions: &[Message]) -> bool {
    let file = graph_of(nodes, functions).0;
    let all = || fields(&file, 0..file.len());
    let nodes = all().filter(|field| field.is_len(NODE)).map(|field| NodeDef::read(&file, field.payload()));
    let libraries = all().filter(|field| field.is_len(LIBRARY));
    let functions = libraries.flat_map(|library| fields(&file, library.payload()));
    let functions: Vec<FunctionDef<'_>> = functions
        .filter(|field| field.is_len(FUNCTION))
        .map(|field| FunctionDef::new(&file, field.payload()))
        .collect();
    Programs::new(nodes, &functions).may_be_made(b"f", b"k")
}

/// The same where `f` is these nodes beside `k`, is called with a placeholder, and gives back `result`.
fn alone(nodes_of: &[Message], result: &str) -> bool {
    let nodes_of = [&[node("k", "Const")], nodes_of].concat();
    may_be_made(&[node("in", "Placeholder"), call("c", "f", &["in"])], &[function("f", &nodes_of, result)])
}

const K: &str = "k:output:0";

#[test]
fn a_constant_that_is_added_or_multiplied_alone_may_be_made() {
    for op in ["Mul", "Add", "AddV2", "Sub"] {
        assert!(alone(&[node_of("a", op, &["x", K])], "a:z:0"), "{op}");
        assert!(alone(&[node_of("a", op, &[K, "x"])], "a:z:0"), "{op}");
    }
    let [sum, product] = ["AddV2", "Mul"].map(|op| node_of("a", op, &["e:y:0", K]));
    let of = |node: &Message, around: [&str; 2]| {
        let [before, behind] = around;
        alone(&[node_of("e", before, &["x"]), node.clone(), node_of("b", behind, &["a:z:0"])], "b:y:0")
    };
    assert!(of(&sum, ["Exp", "Relu"]) && of(&product, ["Exp", "Relu"]));
    assert!(of(&sum, ["Mul", "Mul"]) && of(&product, ["Sub", "AddV2"]), "the other kind");
    assert!(of(&sum, ["Exp", "Conv2D"]) && !of(&product, ["Exp", "Conv2D"]), "weights may take a factor");
    assert!(!of(&sum, ["Conv2D", "Exp"]) && !of(&product, ["Conv2D", "Exp"]));
    assert!(!of(&sum, ["Sub", "Exp"]) && !of(&sum, ["Exp", "Add"]));
    assert!(!of(&product, ["Mul", "Exp"]) && !of(&product, ["Exp", "Mul"]) && !of(&product, ["Exp", "RealDiv"]));
    assert!(!of(&sum, ["Unheard", "Exp"]) && !of(&sum, ["Exp", "Unheard"]));
}

#[test]
fn a_constant_that_is_taken_otherwise_stays_one() {
    assert!(!alone(&[], "x"), "by nobody");
    assert!(!alone(&[node_of("a", "RealDiv", &["x", K])], "a:z:0"));
    assert!(!alone(&[node_of("a", "Conv2D", &["x", K])], "a:z:0"));
    assert!(!alone(&[node_of("a", "Mul", &[K, K])], "a:z:0"));
    assert!(!alone(&[node("l", "Const"), node_of("a", "Mul", &["l:output:0", K])], "a:z:0"), "two constants");
    assert!(!alone(&[node_of("a", "Mul", &["x", K]), node_of("b", "Exp", &[K])], "a:z:0"));
    assert!(!alone(&[node_of("a", "Mul", &["x", K]), node_of("b", "Exp", &["x", "^k"])], "a:z:0"), "waited for");
    assert!(!alone(&[node_of("a", "Mul", &["x", K])], K), "given back");
    let placed = message().message(1, &message().bytes(2, "loc:@k"));
    assert!(!alone(&[node_of("a", "Mul", &["x", K]).entry(5, "_class", &placed)], "a:z:0"));
}

#[test]
fn neighbours_are_found_through_calls_and_what_gives_values_on() {
    let of_f = |result: &str| function("f", &[node("k", "Const"), node_of("a", "Mul", &["x", K])], result);
    let given = |op: &str| {
        let nodes = [
            node("in", "Placeholder"),
            node_of("e", op, &["in"]),
            node_of("r", "Reshape", &["e", "shape"]),
            call("c", "f", &["r"]),
        ];
        may_be_made(&nodes, &[of_f("a:z:0")])
    };
    assert!(given("Exp") && !given("Mul"));
    let taken = |op: &str| {
        let nodes = [
            node("in", "Placeholder"),
            call("c", "f", &["in"]),
            node_of("i", "Identity", &["c"]),
            node_of("e", op, &["i"]),
        ];
        may_be_made(&nodes, &[of_f("a:z:0")])
    };
    assert!(taken("Exp") && !taken("Mul"));
    // Into a function that another one calls, and out of it.
    let inner = |op: &str| {
        let caller = [call("d", "g", &["x"]), call("c", "f", &["d:output:0"])];
        let functions = [
            of_f("a:z:0"),
            function("g", &[node_of("e", op, &["x"])], "e:y:0"),
            function("caller", &caller, "c:output:0"),
        ];
        may_be_made(&[node("in", "Placeholder"), call("of_caller", "caller", &["in"])], &functions)
    };
    assert!(inner("Exp") && !inner("Mul"));
    // Python may call it with anything, and a loop runs it again and again.
    assert!(may_be_made(&[], &[of_f("a:z:0")]));
    let looped = node_of("w", "While", &["in"]).entry(5, "body", &func("f"));
    assert!(!may_be_made(&[node("in", "Placeholder"), looped], &[of_f("a:z:0")]));
}

#[test]
fn what_xla_compiles_stays_as_it_is() {
    let wanted = |is: u64| message().int(5, is);
    let of_f = function("f", &[node("k", "Const"), node_of("a", "Mul", &["x", K])], "a:z:0");
    let called = |is: u64| {
        may_be_made(&[call("c", "f", &["in"]).entry(5, "_XlaMustCompile", &wanted(is))], std::slice::from_ref(&of_f))
    };
    assert!(!called(1));
    let says = |is: u64| may_be_made(&[], &[of_f.clone().entry(5, "_XlaMustCompile", &wanted(is))]);
    assert!(says(0) && !says(1));
}

#[test]
fn very_many_neighbours_are_not_looked_at() {
    let names: Vec<String> = (0..2_000).map(|at| format!("i{at}")).collect();
    let chain = names.iter().zip(std::iter::once("x").chain(names.iter().map(|name| &**name)));
    let mut nodes: Vec<Message> = chain.map(|(name, input)| node_of(name, "Identity", &[input])).collect();
    nodes.extend([node("k", "Const"), node_of("a", "Mul", &["i1999:output:0", K])]);
    assert!(!may_be_made(&[], &[function("f", &nodes, "a:z:0")]));
    nodes.pop();
    nodes.push(node_of("a", "Mul", &["i99:output:0", K]));
    assert!(may_be_made(&[], &[function("f", &nodes, "a:z:0")]));
}

/// The numbers of float32, float16 and int32.
const FLOAT: u64 = 1;
const HALF: u64 = 19;
const INT32: u64 = 3;

#[test]
fn floats_that_are_a_slice_repeated_may_be_made() {
    let elements = |floats: &[f32]| -> Vec<u8> { floats.iter().flat_map(|float| float.to_le_bytes()).collect() };
    let of = |shape: &[u64], floats: &[f32]| repeated(FLOAT, shape, &elements(floats)).map(|slices| slices.shape);
    assert_eq!(of(&[2, 2], &[0.5, 1.5, 0.5, 1.5]), Some(vec![1, 2]));
    assert_eq!(of(&[4], &[0.5; 4]), Some(vec![1]));
    assert_eq!([0.0, -0.0, 1.0, -1.0].map(|float| of(&[4], &[float; 4])), [None, None, None, None]);
    assert_eq!(repeated(INT32, &[4], &elements(&[0.5; 4])), None);
    assert_eq!(repeated(HALF, &[2], &[0, 0x3c, 0, 0x3c]), None, "ones");
    assert_eq!(repeated(HALF, &[2], &[1, 0x3c, 1, 0x3c]).map(|slices| slices.bytes), Some(2));
    let large = vec![7; MAX_BYTES + 4];
    assert_eq!(repeated(FLOAT, &[large.len() as u64 / 4], &large), None);
    assert!(repeated(FLOAT, &[large.len() as u64 / 4 - 1], &large[4..]).is_some());
}

#[test]
fn a_kernel_knows_three_runs_of_dimensions() {
    assert_eq!(runs(&[2, 3, 1, 4], &[1, 1, 1, 4]), 2);
    assert_eq!(runs(&[2, 3, 4, 5], &[1, 3, 1, 5]), 4);
}
