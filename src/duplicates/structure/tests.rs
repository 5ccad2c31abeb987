use std::ops::Range;

use proptest::prelude::*;

use super::Structure;
use crate::progress::Silent;
use crate::support::wire::{Message, constant, function, message, node};

fn structures(file: &[u8], libraries: &[Vec<Range<usize>>]) -> Vec<Vec<Structure>> {
    let all = super::structures(file, libraries, usize::MAX, &Silent);
    all.into_iter().map(|library| library.into_iter().map(|(structure, _)| structure).collect()).collect()
}

/// The classes of functions by where they lie.
fn classes(file: &[u8], libraries: &[Vec<Range<usize>>]) -> Vec<Vec<usize>> {
    let class = |structure: Structure| structure.class;
    structures(file, libraries).into_iter().map(|library| library.into_iter().map(class).collect()).collect()
}

/// The classes of the functions of some libraries.
fn classes_of_libraries(libraries: &[&[Message]]) -> Vec<Vec<usize>> {
    let mut file = Vec::new();
    let mut range_of = |function: &Message| {
        let start = file.len();
        file.extend_from_slice(&function.0);
        start..file.len()
    };
    let ranges: Vec<Vec<Range<usize>>> =
        libraries.iter().map(|functions| functions.iter().map(&mut range_of).collect()).collect();
    classes(&file, &ranges)
}

/// The classes of the functions of one library.
fn classes_of(functions: &[Message]) -> Vec<usize> {
    classes_of_libraries(&[functions]).remove(0)
}

fn equal(a: &Message, b: &Message) -> bool {
    let found = classes_of(&[a.clone(), b.clone()]);
    found[0] == found[1]
}

/// An AttrValue with a string.
fn text(value: impl AsRef<[u8]>) -> Message {
    message().bytes(2, value)
}

/// An AttrValue with a function.
fn func(name: &str) -> Message {
    message().message(10, &message().bytes(1, name))
}

/// A FunctionDef of one node that calls a function.
fn caller(name: &str, callee: &str) -> Message {
    function(name, [&node("call", "PartitionedCall").entry(5, "f", &func(callee))])
}

/// What decides what [`weighted_sum`] computes.
#[derive(Clone)]
struct Body {
    op: &'static str,
    device: &'static str,
    constant: &'static [u8],
    transpose: u64,
    inputs: [&'static str; 2],
    output: &'static str,
    controls: &'static [&'static str],
    argument_type: u64,
    returned: &'static str,
    control_results: &'static [&'static str],
    noinline: u64,
    layout: &'static str,
    resources: [u64; 2],
}

const BODY: Body = Body {
    op: "MatMul",
    device: "/device:GPU:0",
    constant: b"\0\0\x80\x3f",
    transpose: 0,
    inputs: ["x", "y"],
    output: "product",
    controls: &["weight", "y"],
    argument_type: 1,
    returned: "sum",
    control_results: &["product", "sum"],
    noinline: 1,
    layout: "NHWC",
    resources: [7, 7],
};

/// A function of two arguments that has a name, or something else that is to be left out, in every place for one;
/// `called` says how what is called `x` here is called there.
fn weighted_sum(body: &Body, called: &dyn Fn(&str) -> String) -> Message {
    let arg = |name: &str| {
        message().bytes(1, called(name)).bytes(2, called("what it is")).int(3, body.argument_type).bytes(4, "T")
    };
    let signature = message()
        .bytes(1, called("weighted_sum"))
        .messages(2, [&arg("x"), &arg("y")])
        .messages(3, [&arg("result")])
        .bytes(5, called("a summary"))
        .bytes(6, called("a description"))
        .bytes(20, called("done"));
    let shapes = message().message(1, &message().bytes(7, called("a shape")));
    let weight = constant(&called("weight"), body.constant).entry(5, "_output_shapes", &shapes);
    let product = node(&called("product"), body.op)
        .bytes(3, called(body.inputs[0]))
        .bytes(3, called(body.inputs[1]))
        .bytes(4, body.device)
        .entry(5, "transpose_a", &message().int(5, body.transpose))
        .entry(5, "_class", &message().message(1, &message().bytes(2, format!("loc:@{}", called("weight")))))
        .entry(5, "shared_name", &text(called("shared")))
        .entry(5, "_gradient_op_type", &text(called("PartitionedCall-1")))
        .entry(5, "layout", &text(body.layout))
        .message(6, &message().bytes(1, called("original")));
    let product = body.controls.iter().fold(product, |node, name| node.bytes(3, format!("^{}", called(name))));
    let sum = node(&called("sum"), "AddV2")
        .bytes(3, format!("{}:{}:0", called("product"), body.output))
        .bytes(3, format!("{}:output:0", called("weight")));
    let argument_attributes =
        message().entry(1, "_user_specified_name", &text(called("x"))).entry(1, "layout", &text(body.layout));
    let with_control_results = |function, (index, name): (usize, &&str)| {
        Message::entry(function, 6, &called(&format!("done {index}")), &message())
            .message(6, &message().bytes(1, called(&format!("done {index}"))).bytes(2, called(name)))
    };
    let function = message()
        .message(1, &signature)
        .messages(3, [&weight, &product, &sum])
        .message(4, &message().bytes(1, called("result")).bytes(2, format!("{}:z:0", called(body.returned))))
        .entry(5, "_noinline", &message().int(5, body.noinline))
        .entry(5, "api_implements", &text(called("lstm_df3f503d")))
        .entry(5, "forward_function_name", &text(called("__forward_weighted_sum_1")))
        .message(7, &message().message(2, &argument_attributes))
        .message(7, &message().int(1, 1).message(2, &message().entry(1, "_output_shapes", &shapes)))
        .message(8, &message().int(2, body.resources[0]))
        .message(8, &message().int(1, 1).int(2, body.resources[1]));
    body.control_results.iter().enumerate().fold(function, with_control_results)
}

fn as_is(name: &str) -> String {
    name.to_owned()
}

fn renamed(name: &str) -> String {
    format!("model/{name}_{}", name.len())
}

#[test]
fn other_names_change_nothing() {
    assert!(equal(&weighted_sum(&BODY, &as_is), &weighted_sum(&BODY, &renamed)));
}

#[test]
fn whatever_decides_what_is_computed_makes_another_function() {
    let bodies = [
        ("op", Body { op: "BatchMatMul", ..BODY }),
        ("device", Body { device: "/device:CPU:0", ..BODY }),
        ("constant", Body { constant: b"\0\0\0\x40", ..BODY }),
        ("attribute", Body { transpose: 1, ..BODY }),
        ("order of inputs", Body { inputs: ["y", "x"], ..BODY }),
        ("node instead of argument", Body { inputs: ["x", "weight"], ..BODY }),
        ("output of a node", Body { output: "other_output", ..BODY }),
        ("control input left out", Body { controls: &["weight"], ..BODY }),
        ("another control input", Body { controls: &["weight", "x"], ..BODY }),
        ("type of an argument", Body { argument_type: 2, ..BODY }),
        ("result", Body { returned: "product", ..BODY }),
        ("control result", Body { control_results: &["sum"], ..BODY }),
        ("attribute of the function", Body { noinline: 0, ..BODY }),
        ("string in an attribute", Body { layout: "NCHW", ..BODY }),
        ("resources no longer the same", Body { resources: [7, 8], ..BODY }),
    ];
    let original = weighted_sum(&BODY, &as_is);
    for (what, body) in bodies {
        assert!(!equal(&original, &weighted_sum(&body, &as_is)), "{what}");
    }
}

#[test]
fn the_order_of_control_inputs_and_control_results_changes_nothing() {
    let original = weighted_sum(&BODY, &as_is);
    assert!(equal(&original, &weighted_sum(&Body { controls: &["y", "weight"], ..BODY }, &as_is)));
    assert!(equal(&original, &weighted_sum(&Body { control_results: &["sum", "product"], ..BODY }, &as_is)));
}

#[test]
fn numbers_that_resources_share_are_names() {
    let original = weighted_sum(&BODY, &as_is);
    assert!(equal(&original, &weighted_sum(&Body { resources: [3, 3], ..BODY }, &as_is)));
}

#[test]
fn the_order_of_map_entries_changes_nothing() {
    let (one, two) = (message().int(3, 1), message().int(3, 2));
    let of = |node: Message| function("f", [&node]);
    let forward = of(node("n", "Op").entry(5, "a", &one).entry(5, "b", &two));
    let backward = of(node("n", "Op").entry(5, "b", &two).entry(5, "a", &one));
    let exchanged = of(node("n", "Op").entry(5, "a", &two).entry(5, "b", &one));
    assert!(equal(&forward, &backward));
    assert!(!equal(&forward, &exchanged));
}

#[test]
fn the_order_of_resources_changes_nothing() {
    let of = |arguments: [u64; 3]| {
        let entry = |argument: &u64| message().int(1, *argument).int(2, 5 + argument / 2);
        function("f", []).messages(8, &arguments.each_ref().map(entry))
    };
    assert!(equal(&of([0, 1, 2]), &of([2, 1, 0])));
}

#[test]
fn an_argument_is_not_the_node_of_its_position() {
    let of = |input: &str| {
        let signature = message().bytes(1, "f").message(2, &message().bytes(1, "argument"));
        message().message(1, &signature).messages(3, [&node("node", "Op").bytes(3, input)])
    };
    assert!(!equal(&of("argument"), &of("node")));
    assert!(!equal(&of("^argument"), &of("^node")));
}

#[test]
fn of_an_attribute_given_twice_the_last_one_counts() {
    let of = |values: &[u64]| {
        let node = values.iter().fold(node("n", "Op"), |node, value| node.entry(5, "a", &message().int(3, *value)));
        function("f", [&node])
    };
    assert!(equal(&of(&[1, 2]), &of(&[2])));
    assert!(!equal(&of(&[1, 2]), &of(&[1])));
}

#[test]
fn a_name_that_is_neither_argument_nor_node_is_kept() {
    let of = |input: &str| function("f", [&node("n", "Op").bytes(3, input)]);
    assert!(!equal(&of("nowhere"), &of("elsewhere")));
    assert!(!equal(&of("^nowhere"), &of("^elsewhere")));
}

#[test]
fn an_input_may_refer_to_a_later_node() {
    let of = |first: &str, second: &str| {
        function("f", [&node(first, "A").bytes(3, format!("{second}:o:0")), &node(second, "B")])
    };
    assert!(equal(&of("a", "b"), &of("c", "d")));
}

#[test]
fn of_two_nodes_of_one_name_the_first_is_meant() {
    let of = |second: &str, used: &str| {
        let user = node("user", "Op").bytes(3, format!("{used}:o:0"));
        function("f", [&node("a", "Op"), &node(second, "Op"), &user])
    };
    assert!(equal(&of("a", "a"), &of("b", "a")));
    assert!(!equal(&of("a", "a"), &of("b", "b")));
}

#[test]
fn parts_cannot_run_into_one_another() {
    let op_and_device = |op: &str, device: &str| function("f", [&node("n", op).bytes(4, device)]);
    assert!(!equal(&op_and_device("ab", "c"), &op_and_device("a", "bc")));

    let attributes = |pairs: &[(&str, &str)]| {
        function("f", [&pairs.iter().fold(node("n", "Op"), |node, (key, value)| node.entry(5, key, &text(value)))])
    };
    assert!(!equal(&attributes(&[("a", "b"), ("c", "d")]), &attributes(&[("a", ""), ("c", "d")])));
    assert!(!equal(&attributes(&[("a", "b"), ("c", "")]), &attributes(&[("a", ""), ("c", "b")])));

    let list = |values: &[&str]| {
        let list = values.iter().fold(message(), |list, value| list.bytes(2, value));
        function("f", [&node("n", "Op").entry(5, "a", &message().message(1, &list))])
    };
    assert!(!equal(&list(&["ab", "c"]), &list(&["a", "bc"])));
    assert!(!equal(&list(&["a"]), &function("f", [&node("n", "Op").entry(5, "a", &text("a"))])));

    let nodes = |inputs: [&[&str]; 2]| {
        let node = |name, inputs: &[&str]| inputs.iter().fold(node(name, "Op"), |node, input| node.bytes(3, input));
        function("f", [&node("a", inputs[0]), &node("b", inputs[1])])
    };
    assert!(!equal(&nodes([&["a", "a"], &[]]), &nodes([&["a"], &["a"]])));
    assert!(!equal(&nodes([&["a"], &[]]), &nodes([&["^a"], &[]])));
}

#[test]
fn an_attribute_of_an_argument_belongs_to_that_argument() {
    let of = |argument: u64, key: &str| {
        let attributes = message().entry(1, key, &text("v"));
        function("f", []).message(7, &message().int(1, argument).message(2, &attributes))
    };
    assert!(!equal(&of(0, "a"), &of(1, "a")));
    assert!(equal(&of(0, "_output_shapes"), &of(1, "_user_specified_name")));
}

/// The forms in which a function is named in another, each as a function that does.
fn references(callee: &str) -> Vec<(&'static str, Message)> {
    let attribute = |key: &str, value: &Message| function("caller", [&node("n", "Op").entry(5, key, value)]);
    let named = message().bytes(1, callee);
    let nested = message().bytes(1, "unknown").entry(2, "g", &func(callee));
    vec![
        ("as an op", function("caller", [&node("n", callee)])),
        ("in a func", attribute("f", &func(callee))),
        ("in a list of funcs", attribute("branches", &message().message(1, &message().message(9, &named)))),
        ("in a func in a func", attribute("f", &message().message(10, &nested))),
        ("in a string", attribute("gradient", &text(callee))),
        ("in a list of strings", attribute("names", &message().message(1, &message().bytes(2, callee)))),
        ("in an attribute of the function", function("caller", []).entry(5, "backward_function_name", &text(callee))),
    ]
}

#[test]
fn a_callee_counts_by_its_structure_and_not_by_its_name() {
    for (((form, a), (_, b)), (_, c)) in references("f").into_iter().zip(references("g")).zip(references("h")) {
        let [f, g] = ["f", "g"].map(|name| function(name, [&constant("c", b"same")]));
        let h = function("h", [&constant("c", b"else")]);
        let found = classes_of(&[f, g, h, a, b, c]);
        assert_eq!(found[0], found[1]);
        assert_eq!(found[3], found[4], "{form}");
        assert_ne!(found[3], found[5], "{form}");
    }
}

#[test]
fn a_function_that_is_not_in_the_library_counts_by_its_name() {
    for ((form, a), (_, b)) in references("f").into_iter().zip(references("g")).take(6) {
        assert!(!equal(&a, &b), "{form}");
    }
}

#[test]
fn a_gradient_that_is_not_in_the_library_counts_for_nothing() {
    for key in ["forward_function_name", "backward_function_name", "_original_func_name"] {
        let tied = function("f", []).entry(5, key, &text("__inference_f_1"));
        assert!(equal(&tied, &function("g", [])), "{key}");
    }
}

#[test]
fn functions_of_functions_in_attributes_may_nest_deeper_than_is_read() {
    let deep = |depth, innermost: &str| {
        let list = (0..depth).fold(message().bytes(1, innermost), |inner, _| {
            message().bytes(1, "f").entry(2, "g", &message().message(10, &inner))
        });
        function("caller", [&node("n", "Op").entry(5, "f", &message().message(10, &list))])
    };
    assert!(!equal(&deep(5_000, "a"), &deep(5_000, "b")));
    assert!(equal(&deep(5_000, "a"), &deep(5_000, "a")));
}

#[test]
fn results_of_a_function_that_is_called_as_an_op_go_by_their_position() {
    let library = |results: [&str; 2], used: &str| {
        let results = results.map(|name| message().bytes(1, name));
        let signature = message().bytes(1, "callee").messages(3, &results);
        let user = node("user", "Op").bytes(3, format!("call:{used}:0"));
        [message().message(1, &signature), function("caller", [&node("call", "callee"), &user])]
    };
    let [first, renamed, second] =
        [(["a", "b"], "a"), (["b", "c"], "b"), (["a", "b"], "b")].map(|(r, u)| library(r, u));
    let found = classes_of_libraries(&[&first, &renamed, &second]);
    assert_eq!(found[0], found[1]);
    assert_ne!(found[0][1], found[2][1]);
}

#[test]
fn functions_of_several_libraries_are_compared_and_call_those_of_their_own() {
    let callee = |content| function("callee", [&constant("c", content)]);
    let found = classes_of_libraries(&[
        &[callee(b"one!"), caller("f", "callee")],
        &[caller("g", "callee"), callee(b"one!")],
        &[callee(b"two!"), caller("f", "callee")],
    ]);
    assert_eq!(found, [vec![0, 1], vec![1, 0], vec![2, 3]]);
}

#[test]
fn a_function_may_call_itself() {
    let found = classes_of(&[caller("f", "f"), caller("g", "g"), function("h", []), caller("i", "h")]);
    assert_eq!(found, [0, 0, 1, 2]);
}

#[test]
fn functions_that_name_each_other_are_equal_to_their_copies() {
    let pair = |forward: &str, backward: &str, content| {
        let tied = |name: &str, key, other: &str, op| {
            function(name, [&node("n", op), &constant("c", content)]).entry(5, key, &text(other))
        };
        [
            tied(forward, "backward_function_name", backward, "Forward"),
            tied(backward, "forward_function_name", forward, "Backward"),
        ]
    };
    let [a, b] = pair("forward_1", "backward_1", b"same");
    let [c, d] = pair("forward_2", "backward_2", b"same");
    let [e, f] = pair("forward_3", "backward_3", b"else");
    assert_eq!(classes_of(&[a, b, d, c, e, f]), [0, 1, 1, 0, 2, 3]);
}

#[test]
fn a_difference_far_along_a_chain_of_calls_is_seen_at_its_start() {
    const LENGTH: usize = 50_000;
    let chain = |prefix: &str, last: &[u8]| {
        let links = (1..LENGTH).map(|i| caller(&format!("{prefix}{}", i - 1), &format!("{prefix}{i}")));
        let last = function(&format!("{prefix}{}", LENGTH - 1), [&constant("c", last)]);
        links.chain([last]).collect::<Vec<Message>>()
    };
    let found = classes_of(&[chain("a", b"same"), chain("b", b"same"), chain("c", b"else")].concat());
    let (first, others) = found.split_at(LENGTH);
    let (copy, different) = others.split_at(LENGTH);
    assert_eq!(first, copy);
    assert_eq!(first, (0..LENGTH).collect::<Vec<_>>());
    assert_eq!(different, (LENGTH..2 * LENGTH).collect::<Vec<_>>());
}

#[test]
fn a_difference_far_around_a_ring_of_calls_is_seen_everywhere() {
    const LENGTH: usize = 50_000;
    let link = |i: usize| caller(&format!("f{i}"), &format!("f{}", (i + 1) % LENGTH));
    let mut ring: Vec<Message> = (0..LENGTH).map(link).collect();
    assert_eq!(classes_of(&ring), vec![0; LENGTH]);
    let odd = node("call", "StatefulPartitionedCall").entry(5, "f", &func("f1"));
    ring[0] = function("f0", [&odd]);
    assert_eq!(classes_of(&ring), (0..LENGTH).collect::<Vec<_>>());
}

#[test]
fn a_damaged_function_is_equal_to_one_of_the_same_bytes_only() {
    let whole = weighted_sum(&BODY, &as_is);
    let mut damaged: Vec<Message> = (0..whole.len()).map(|length| Message(whole.0[..length].to_vec())).collect();
    damaged.push(message().bytes(3, [0x0a, 0xff, 0x01]));
    damaged.push(message().raw(&whole.0).overlong(3, 1 << 40, "abc"));
    damaged.push(message().raw(&whole.0).raw(&[0x0f]));
    for function in &damaged {
        assert!(equal(function, function));
        assert!(!equal(function, &whole), "{} bytes", function.len());
    }
    let renamed = |name: &str| function(name, []).raw(&[0x0f]);
    assert!(!equal(&renamed("f"), &renamed("g")));
}

#[test]
fn a_damaged_function_does_not_touch_its_neighbours() {
    let damaged = caller("damaged", "f").raw(&[0x0f]);
    let found = classes_of(&[function("f", []), damaged, caller("g", "f"), caller("h", "f")]);
    assert_eq!(found, [0, 1, 2, 2]);
}

#[test]
fn what_a_damaged_function_calls_does_not_matter() {
    let damaged = caller("damaged", "f").message(3, &node("n", "Op").entry(5, "a", &message().raw(&[0x0f])));
    let callee = |content| function("f", [&constant("c", content)]);
    let found = classes_of_libraries(&[&[callee(b"one!"), damaged.clone()], &[callee(b"two!"), damaged]]);
    assert_eq!(found, [[0, 1], [2, 1]]);
}

#[test]
fn a_library_that_is_read_in_parts_has_the_classes_of_one_that_is_not() {
    // Each function fills a part; they call each other from part to part.
    let large = |name: &str, byte: u8, callee: &str| {
        function(
            name,
            [&constant("c", &vec![byte; super::PART]), &node("call", "PartitionedCall").entry(5, "f", &func(callee))],
        )
    };
    let (first, last) = (function("a", []), function("b", []));
    let functions = [first, large("f", 1, "a"), large("g", 1, "b"), large("h", 2, "a"), large("i", 1, "f"), last];
    assert_eq!(
        super::parts(&[0..super::PART, 0..1, 0..super::PART, 0..2]).map(<[_]>::len).collect::<Vec<_>>(),
        [1, 2, 1]
    );
    assert_eq!(classes_of(&functions), [0, 1, 1, 2, 3, 0]);
}

#[test]
fn shapes_tell_functions_of_one_class_apart() {
    let shaped = |name: &str, shape: &str| function(name, [&node("n", "Add").entry(5, "_output_shapes", &text(shape))]);
    let file = [shaped("f", "[2]"), shaped("g", "[2]"), shaped("h", "[3]")];
    let bytes: Vec<u8> = file.iter().flat_map(|function| function.0.clone()).collect();
    let mut start = 0;
    let ranges = file.iter().map(|function| (start..start + function.len(), start += function.len()).0).collect();
    let found = structures(&bytes, &[ranges]).remove(0);
    assert!(found.iter().all(|function| function.class == 0));
    assert!(found[0].shapes == found[1].shapes && found[1].shapes != found[2].shapes);
}

#[test]
fn a_range_outside_of_the_file_is_an_empty_function() {
    assert_eq!(classes(b"", &[vec![0..0, 3..9, usize::MAX - 1..usize::MAX]]), [[0, 0, 0]]);
}

/// A function of a random library: what it is made of, by positions.
#[derive(Debug, Clone)]
struct Draft {
    arguments: usize,
    nodes: Vec<DraftNode>,
    results: Vec<usize>,
    gradient: Option<usize>,
}

#[derive(Debug, Clone)]
struct DraftNode {
    op: usize,
    inputs: Vec<usize>,
    controls: Vec<usize>,
    callees: Vec<usize>,
}

const FUNCTIONS: usize = 6;

fn draft() -> impl Strategy<Value = Draft> {
    let positions = |most| prop::collection::vec(0_usize..4, 0..most);
    let callees = prop::collection::vec(0..FUNCTIONS, 0..2);
    let node = (0_usize..3 + FUNCTIONS, positions(3), positions(3), callees)
        .prop_map(|(op, inputs, controls, callees)| DraftNode { op, inputs, controls, callees });
    let gradient = prop::option::of(0..FUNCTIONS);
    (0_usize..3, prop::collection::vec(node, 0..3), positions(2), gradient)
        .prop_map(|(arguments, nodes, results, gradient)| Draft { arguments, nodes, results, gradient })
}

impl Draft {
    /// Writes the function. `name(f)` is that of function f, `of(kind, i)` that of a part of this one.
    fn write(&self, own: usize, name: &dyn Fn(usize) -> String, of: &dyn Fn(&str, usize) -> String) -> Message {
        let parts = self.arguments.saturating_add(self.nodes.len());
        let place = |position: usize| match position.checked_rem(parts).map(|i| (i, i.checked_sub(self.arguments))) {
            None => "nowhere".to_owned(),
            Some((argument, None)) => of("argument", argument),
            Some((_, Some(node))) => of("node", node),
        };
        let args = |kind, count| (0..count).map(move |i| message().bytes(1, of(kind, i))).collect::<Vec<_>>();
        let signature = message()
            .bytes(1, name(own))
            .messages(2, &args("argument", self.arguments))
            .messages(3, &args("result", self.results.len()));
        let nodes: Vec<Message> =
            self.nodes.iter().enumerate().map(|(i, node)| node.write(&of("node", i), name, &place)).collect();
        let function = message().message(1, &signature).messages(3, &nodes);
        let function = self.results.iter().enumerate().fold(function, |function, (i, from)| {
            function.message(4, &message().bytes(1, of("result", i)).bytes(2, format!("{}:o:0", place(*from))))
        });
        self.gradient.iter().fold(function, |f, gradient| f.entry(5, "backward_function_name", &text(name(*gradient))))
    }
}

impl DraftNode {
    fn write(&self, own: &str, name: &dyn Fn(usize) -> String, place: &dyn Fn(usize) -> String) -> Message {
        let op = self.op.checked_sub(3).map_or_else(|| format!("Op{}", self.op), name);
        let node = node(own, &op);
        let node = self.inputs.iter().fold(node, |node, input| node.bytes(3, format!("{}:o:0", place(*input))));
        let node = self.controls.iter().fold(node, |node, control| node.bytes(3, format!("^{}", place(*control))));
        self.callees.iter().fold(node, |node, callee| node.entry(5, "f", &func(&name(*callee))))
    }
}

/// Writes all functions; those for which `other` is true under other names, as is all that is in them.
fn write(drafts: &[Draft], other: &dyn Fn(usize) -> bool) -> Vec<Message> {
    let name = |function: usize| if other(function) { format!("renamed_{function}") } else { format!("f{function}") };
    let write = |(own, draft): (usize, &Draft)| {
        let of = |kind: &str, i: usize| if other(own) { format!("scope/{kind}_{i}_1") } else { format!("{kind}{i}") };
        draft.write(own, &name, &of)
    };
    drafts.iter().enumerate().map(write).collect()
}

proptest! {
    #[test]
    fn renaming_a_function_changes_no_structure(
        drafts in prop::collection::vec(draft(), FUNCTIONS), renamed in 0..FUNCTIONS
    ) {
        let before = classes_of(&write(&drafts, &|_| false));
        prop_assert_eq!(classes_of(&write(&drafts, &|function| function == renamed)), before);
    }

    #[test]
    fn a_renamed_copy_of_a_library_in_it_adds_no_structure(drafts in prop::collection::vec(draft(), FUNCTIONS)) {
        let before = classes_of(&write(&drafts, &|_| false));
        let both = [write(&drafts, &|_| false), write(&drafts, &|_| true)].concat();
        prop_assert_eq!(classes_of(&both), [before.clone(), before].concat());
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), at in 0_usize..400) {
        let mut file = weighted_sum(&BODY, &as_is).0;
        let at = at.min(file.len());
        file.splice(at..at, bytes);
        let halves = vec![0..file.len() / 2, file.len() / 2..file.len()];
        prop_assert_eq!(classes(&file, &[halves])[0].len(), 2);
    }
}

/// The fixture is one LSTM layer of tf_keras, of which `fixtures/README.md` says more.
#[test]
fn a_layer_that_keras_traced_again_and_again_is_mostly_copies() {
    use crate::wire::Fields;

    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/keras-lstm/saved_model.pb");
    let file = std::fs::read(path).expect("the fixture can be read");
    // SavedModel.meta_graphs, MetaGraphDef.graph_def, GraphDef.library, FunctionDefLibrary.function.
    let model: Vec<Range<usize>> = std::iter::once(0..file.len()).collect();
    let functions = [2, 2, 2, 1].iter().fold(model, |messages, number| {
        let fields = messages.into_iter().flat_map(|message| Fields::new(&file, message).map(Result::unwrap));
        fields.filter(|field| field.is_len(*number)).map(|field| field.payload()).collect()
    });
    let structures = classes(&file, std::slice::from_ref(&functions)).remove(0);
    let is_copy = |i: &usize| structures[..*i].contains(&structures[*i]);
    let copies: Vec<usize> = (0..functions.len()).filter(is_copy).collect();
    let bytes: usize = copies.iter().map(|i| functions[*i].len()).sum();
    assert_eq!((functions.len(), copies.len(), bytes), (44, 31, 124_179));
}
