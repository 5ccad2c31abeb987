//! Functions that become one, and functions that are passed by.

use super::*;

/// A function of `x` that gives what `nodes` make of it as `last`.
pub(super) fn giving(name: &str, last: &str, nodes: &[Message]) -> Message {
    let results = message().message(3, &message().bytes(1, "y"));
    function_of(name, &["x"], nodes).message(1, &results).entry_of_text(4, "y", last)
}

/// A map from strings to strings.
pub(super) trait EntryOfText {
    fn entry_of_text(self, number: u32, key: &str, value: &str) -> Self;
}

impl EntryOfText for Message {
    fn entry_of_text(self, number: u32, key: &str, value: &str) -> Self {
        self.message(number, &message().bytes(1, key).bytes(2, value))
    }
}

/// A model whose signature gives what each of these functions makes of `x`.
pub(super) fn calling(names: &[&str], functions: &[Message]) -> Message {
    let results: Vec<String> = names.iter().map(|name| format!("of_{name}")).collect();
    let calls = results.iter().zip(names).map(|(node, name)| call(node, name, &["x"]));
    let nodes: Vec<Message> = std::iter::once(node("x", "Placeholder")).chain(calls).collect();
    let outputs: Vec<&str> = results.iter().map(|name| &**name).collect();
    signature(meta_graph(&["serve"], &graph_of(&nodes, functions)), "serve", &["x"], &outputs)
}

/// The functions that the nodes of the graph call.
fn called(meta: &MetaGraphDef) -> Vec<&str> {
    let calls = graph(meta).node.iter().filter_map(|node| node.attr.get("f"));
    calls
        .map(|value| match value.value.as_ref().unwrap() {
            Value::Func(function) => &*function.name,
            other => panic!("{other:?}"),
        })
        .collect()
}

/// `-|x|`, with nodes of these names.
fn negative(name: &str, nodes: [&str; 2]) -> Message {
    let [abs, neg] = nodes;
    let of_abs = format!("{abs}:y:0");
    giving(name, &format!("{neg}:y:0"), &[node_of(abs, "Abs", &["x"]), node_of(neg, "Neg", &[&of_abs])])
}

#[test]
fn functions_of_one_structure_become_one_whatever_their_nodes_are_called() {
    let functions_of = [
        negative("f", ["abs", "neg"]),
        negative("g", ["abs_1", "neg_1"]).entry(5, "_original_func_name", &text("h")),
        giving("caller", "call:output:0", &[call("call", "f", &["x"])]),
        giving("other_caller", "c:output:0", &[call("c", "g", &["x"])]),
    ];
    let made = after(SlimStep::Fold, &calling(&["f", "caller", "other_caller"], &functions_of)).unwrap();
    assert_eq!(functions(&made), ["f", "caller"]);
    assert_eq!(called(&made), ["f", "caller", "caller"]);
}

#[test]
fn functions_that_differ_in_anything_stay() {
    let two = |two: fn() -> Vec<Message>| [negative("f", ["a", "b"]), giving("g", "b:y:0", &two())];
    let others: [fn() -> Vec<Message>; 6] = [
        || vec![node_of("a", "Abs", &["x"]), node_of("b", "Exp", &["a:y:0"])],
        || vec![node_of("a", "Abs", &["x"]), node_of("b", "Neg", &["a:z:0"])],
        || vec![node_of("a", "Abs", &["x"]), node_of("b", "Neg", &["x"])],
        || vec![node_of("a", "Abs", &["x"]), node_of("b", "Neg", &["a:y:0", "^a"])],
        || vec![node_of("a", "Abs", &["x"]), node_of("b", "Neg", &["a:y:0"]).bytes(4, "/CPU:0")],
        || vec![node_of("a", "Abs", &["x"]).entry(5, "T", &message().int(6, 1)), node_of("b", "Neg", &["a:y:0"])],
    ];
    for other in others {
        assert_eq!(after(SlimStep::Fold, &calling(&["f", "g"], &two(other))), None);
    }
    let of_type = negative("g", ["a", "b"]).entry(5, "_XlaMustCompile", &message().int(5, 1));
    assert_eq!(after(SlimStep::Fold, &calling(&["f", "g"], &[negative("f", ["a", "b"]), of_type])), None);
}

#[test]
fn nodes_are_placed_together_by_what_they_are_placed_beside() {
    let of = |name: &str, nodes: [&str; 2], beside: &str| {
        let [abs, neg] = nodes;
        let neg_of = node_of(neg, "Neg", &[&format!("{abs}:y:0")]).entry(5, "_class", &texts(beside));
        giving(name, &format!("{neg}:y:0"), &[node_of(abs, "Abs", &["x"]), neg_of])
    };
    let is_folded = |one: &str, other: &str| {
        let functions_of = [of("f", ["a", "b"], one), of("g", ["c", "d"], other)];
        after(SlimStep::Fold, &calling(&["f", "g"], &functions_of)).is_some()
    };
    assert!(is_folded("loc:@a", "loc:@c"));
    assert!(is_folded("loc:@gone", "loc:@gone"));
    assert!(!is_folded("loc:@a", "loc:@d") && !is_folded("loc:@gone", "loc:@lost"));
}

#[test]
fn bodies_of_loops_stay_apart_and_what_loops_becomes_one() {
    let looping = |name: &str, body: &str| {
        let of_loop = node_of("loop", "While", &["x"]).entry(5, "cond", &func("test")).entry(5, "body", &func(body));
        giving(name, "loop:output:0", &[of_loop])
    };
    let bodies = || [negative("body", ["a", "b"]), negative("other_body", ["a", "b"]), negative("test", ["a", "z"])];
    let called_as_well = giving("caller", "call:output:0", &[call("call", "other_body", &["x"])]);
    let functions_of = [&bodies()[..], &[looping("f", "body"), looping("g", "other_body")]].concat();
    let made = after(SlimStep::Fold, &calling(&["f", "g"], &functions_of)).unwrap();
    assert_eq!(functions(&made), ["body", "test", "f"], "the second loop went with its body");
    let functions_of = [&bodies()[..], &[looping("f", "body"), called_as_well]].concat();
    assert_eq!(after(SlimStep::Fold, &calling(&["f", "caller"], &functions_of)), None);
}

#[test]
fn a_function_with_a_state_of_its_own_stays_and_so_does_its_caller() {
    let of_seed = |name: &str, seed: u64| {
        giving(name, "r:output:0", &[node_of("r", "RandomUniform", &["x"]).entry(5, "seed2", &message().int(3, seed))])
    };
    let random = |name: &str| of_seed(name, 7);
    let caller = |name: &str| giving(name, "c:output:0", &[call("c", "f", &["x"])]);
    let functions_of = [random("f"), random("g"), caller("one"), caller("two")];
    assert_eq!(after(SlimStep::Fold, &calling(&["f", "g", "one", "two"], &functions_of)), None);
    let unseeded = [of_seed("f", 0), of_seed("g", 0)];
    assert!(after(SlimStep::Fold, &calling(&["f", "g"], &unseeded)).is_some(), "these are random anyway");
    let of_cudnn = |name: &str, dropout: [u8; 4]| {
        let value = message().raw(&[&[0x25][..], &dropout].concat());
        giving(name, "r:output:0", &[node_of("r", "CudnnRNNV3", &["x"]).entry(5, "dropout", &value)])
    };
    let fold = |dropout| {
        after(SlimStep::Fold, &calling(&["f", "g"], &[of_cudnn("f", dropout), of_cudnn("g", dropout)])).is_some()
    };
    assert!(fold([0; 4]) && !fold(0.5_f32.to_le_bytes()), "dropout is random");
    let reading = |name: &str| giving(name, "r:value:0", &[node_of("r", "ReadVariableOp", &["x"])]);
    let made = after(SlimStep::Fold, &calling(&["f", "g"], &[reading("f"), reading("g")])).unwrap();
    assert_eq!(called(&made), ["f", "f"], "the variable is given to both");
}

#[test]
fn resources_that_are_named_like_their_nodes_are_different_ones() {
    let of = |name: &str, node: &str| giving(name, &format!("{node}:resource:0"), &[super::node(node, "VarHandleOp")]);
    assert_eq!(after(SlimStep::Fold, &calling(&["f", "g"], &[of("f", "v"), of("g", "w")])), None);
    assert!(after(SlimStep::Fold, &calling(&["f", "g"], &[of("f", "v"), of("g", "v")])).is_some());
}

#[test]
fn implementations_for_devices_become_one_as_a_whole_or_stay() {
    let of = |name: &str, interface: &str, nodes: [&str; 2]| {
        negative(name, nodes).entry(5, "api_implements", &text(interface))
    };
    let gpu = |name: &str, interface: &str| of(name, interface, ["a", "b"]).entry(5, "device", &text("GPU"));
    let functions_of = [of("cpu", "i", ["a", "b"]), gpu("gpu", "i"), of("cpu_2", "j", ["c", "d"]), gpu("gpu_2", "j")];
    let made = after(SlimStep::Fold, &calling(&["cpu", "cpu_2"], &functions_of)).unwrap();
    assert_eq!(functions(&made), ["cpu", "gpu"]);
    assert_eq!(called(&made), ["cpu", "cpu"]);
    let other = giving("gpu_2", "a:y:0", &[node_of("a", "Abs", &["x"])]).entry(5, "api_implements", &text("j"));
    let functions_of = [of("cpu", "i", ["a", "b"]), gpu("gpu", "i"), of("cpu_2", "j", ["c", "d"]), other];
    assert_eq!(after(SlimStep::Fold, &calling(&["cpu", "cpu_2"], &functions_of)), None);
}

#[test]
fn gradients_and_what_text_names_stay() {
    let both = [negative("f", ["a", "b"]), negative("g", ["a", "b"])];
    let library = message().messages(1, &both).message(2, &message().bytes(1, "f").bytes(2, "g"));
    let nodes_of = [call("y", "f", &[]), call("z", "g", &[])];
    let meta = meta_graph(&["serve"], &message().messages(1, &nodes_of).message(2, &library));
    assert_eq!(after(SlimStep::Fold, &signature(meta, "serve", &[], &["y", "z"])), None);
    let named = giving("h", "a:y:0", &[node_of("a", "Abs", &["x"]).entry(5, "of", &text("g"))]);
    assert_eq!(after(SlimStep::Fold, &calling(&["f", "g", "h"], &[&both[..], &[named]].concat())), None);
}

#[test]
fn the_number_of_a_calls_gradient_says_nothing_unless_it_is_registered() {
    let inner = || negative("inner", ["a", "b"]);
    let calls = |name: &str, gradient: &str| {
        giving(name, "c:output:0", &[call("c", "inner", &["x"]).entry(5, "_gradient_op_type", &text(gradient))])
    };
    let functions_of = [calls("f", "PartitionedCall-1"), calls("g", "PartitionedCall-2"), inner()];
    assert_eq!(functions(&after(SlimStep::Fold, &calling(&["f", "g"], &functions_of)).unwrap()), ["f", "inner"]);
    let functions_of = [calls("f", "CustomGradient-1"), calls("g", "CustomGradient-2"), inner()];
    assert_eq!(after(SlimStep::Fold, &calling(&["f", "g"], &functions_of)), None);
    let registered = message().bytes(1, "inner").bytes(2, "PartitionedCall-2");
    let library = message().messages(1, &[calls("f", "PartitionedCall-1"), calls("g", "PartitionedCall-2"), inner()]);
    let nodes_of = [call("y", "f", &[]), call("z", "g", &[])];
    let meta = meta_graph(&["serve"], &message().messages(1, &nodes_of).message(2, &library.message(3, &registered)));
    assert_eq!(after(SlimStep::Fold, &signature(meta, "serve", &[], &["y", "z"])), None);
}

/// A model of two functions of one structure that Python has, each with what it has captured, and of which a list of names is said.
fn of_python(captured: [&[u8]; 2], holders: &[(u32, &[&str])]) -> Message {
    let meta = calling(&["f", "g"], &[negative("f", ["a", "b"]), negative("g", ["a", "b"])]);
    let of_holder = |(spec, names): &(u32, &[&str])| {
        let names = names.iter().fold(message(), |it, name| it.bytes(1, name));
        object(6, &names.message(2, &message().int(6, u64::from(*spec))), &[])
    };
    let root = object(4, &message(), &[("v", 1), ("w", 1)]);
    let variable = object(7, &message(), &[]);
    let all: Vec<Message> =
        [root, variable.clone(), variable].into_iter().chain(holders.iter().map(of_holder)).collect();
    let [one, other] = captured;
    meta.message(7, &objects(&all, &[("f", one), ("g", other)]))
}

#[test]
fn functions_of_python_become_one_if_they_have_captured_the_same_and_are_called_alike() {
    let made = after(SlimStep::Fold, &of_python([&[1], &[1]], &[(1, &["f"]), (1, &["g"])])).unwrap();
    assert_eq!(functions(&made), ["f"]);
    assert_eq!(concrete(&made), ["f"]);
    let saved = &made.object_graph_def.as_ref().unwrap().nodes;
    for holder in &saved[3..] {
        let Some(crate::proto::saved_object::Kind::Function(function)) = &holder.kind else { panic!("no function") };
        assert_eq!(function.concrete_functions, ["f"]);
    }
    assert_eq!(after(SlimStep::Fold, &of_python([&[1], &[2]], &[(1, &["f"]), (1, &["g"])])), None, "another variable");
    assert_eq!(after(SlimStep::Fold, &of_python([&[1], &[1]], &[(1, &["f"]), (2, &["g"])])), None, "called otherwise");
    assert_eq!(after(SlimStep::Fold, &of_python([&[1], &[1]], &[(1, &["f"]), (2, &["f", "g"])])), None);
}

/// A function that gives what another makes of `x`.
fn wrapper(name: &str, of: &str) -> Message {
    let nodes = [call("call", of, &["x"]), node_of("y_1", "Identity", &["call:output:0", "^call"])];
    giving(name, "y_1:output:0", &nodes).entry_of_text(6, "call", "call")
}

#[test]
fn functions_that_only_call_another_one_are_passed_by() {
    let functions_of = [wrapper("one", "two"), wrapper("two", "f"), negative("f", ["a", "b"])];
    let made = after(SlimStep::Forward, &calling(&["one", "two"], &functions_of)).unwrap();
    assert_eq!(functions(&made), ["f"]);
    assert_eq!(called(&made), ["f", "f"]);
}

#[test]
fn a_function_that_python_has_is_not_passed_by_and_neither_is_one_that_does_more() {
    let f = || negative("f", ["a", "b"]);
    let functions_of = [wrapper("one", "two"), wrapper("two", "f"), wrapper("three", "f"), f()];
    let saved = [object(4, &message(), &[]), object(8, &message().bytes(1, "one"), &[])];
    let meta = calling(&["one", "three"], &functions_of).message(7, &objects(&saved, &[("one", &[])]));
    let made = after(SlimStep::Forward, &meta).unwrap();
    assert_eq!((called(&made), functions(&made)), (vec!["f", "f"], vec!["one", "f"]));
    let others = [
        wrapper("one", "f").entry(5, "_noinline", &message().int(5, 1)),
        giving("one", "c:output:0", &[call("c", "f", &["x"]).bytes(4, "/CPU:0")]),
        giving("one", "c:output:0", &[call("c", "f", &["x", "^d"]), node("d", "NoOp")]),
        giving("one", "c:output:1", &[call("c", "f", &["x"])]),
        giving("one", "c:output:0", &[call("c", "f", &["x"]).entry(5, "_gradient_op_type", &text("CustomGradient-1"))]),
        giving("one", "c:output:0", &[call("c", "f", &["k:output:0"]), constant("k", b"1")]),
        giving("one", "d:y:0", &[call("c", "f", &["x"]), node_of("d", "Neg", &["c:output:0"])]),
    ];
    for other in others {
        assert_eq!(after(SlimStep::Forward, &calling(&["one"], &[other, f()])), None);
    }
    let circle = [wrapper("one", "two"), wrapper("two", "one")];
    assert_eq!(after(SlimStep::Forward, &calling(&["one", "two"], &circle)), None);
}

#[test]
fn shapes_stay_where_only_they_may_know_one_and_go_with_the_names_of_arguments_elsewhere() {
    let shaped = |node: Message| node.entry(5, "_output_shapes", &text("shape"));
    let inner = |callee: &str| {
        [
            shaped(node_of("abs", "Abs", &["x"])),
            shaped(call("call", callee, &["abs:y:0"])),
            shaped(node_of("neg", "Neg", &["call:output:0"])),
        ]
    };
    let named = message().int(1, 0).message(2, &message().entry(1, "_user_specified_name", &text("x")));
    let of_restore = shaped(node_of("restored", "RestoreV2", &["x", "x", "x"]));
    let restoring = giving("restoring", "neg:y:0", &[&inner("g")[..1], &[of_restore], &inner("g")[2..]].concat());
    let all = [giving("f", "neg:y:0", &inner("g")).message(7, &named), negative("g", ["a", "b"]), restoring];
    let made = after(SlimStep::Strip, &calling(&["f", "restoring"], &all)).unwrap();
    let functions = &graph(&made).library.as_ref().unwrap().function;
    let with_shapes = |at: usize| -> Vec<&str> {
        let nodes = functions[at].node_def.iter().filter(|node| node.attr.contains_key("_output_shapes"));
        nodes.map(|node| &*node.name).collect()
    };
    assert_eq!(with_shapes(0), ["call", "neg"]);
    assert_eq!(with_shapes(2), ["abs", "restored", "neg"]);
    assert!(functions[0].arg_attr[&0].attr.is_empty());
}

#[test]
fn constants_of_a_function_that_equal_another_one_become_that() {
    let nodes_of = [
        constant("one", b"1"),
        constant("same", b"1"),
        constant("two", b"2"),
        constant("waiting", b"1").bytes(3, "^x"),
        constant("placed", b"1").entry(5, "_class", &texts("loc:@beside")),
        constant("elsewhere", b"1").bytes(4, "/device:CPU:1"),
        constant("beside", b"1"),
        constant("waited", b"1"),
        constant("returned", b"1"),
        constant("third", b"1"),
        node_of("a", "Pack", &["one:output:0", "same:output:0", "two:output:0", "waiting:output:0", "placed:output:0"]),
        node_of("b", "Pack", &["third:output:0", "elsewhere:output:0", "beside:output:0", "a:y:0", "^waited"]),
    ];
    let function = giving("f", "b:output:0", &nodes_of).entry_of_text(4, "z", "returned:output:0");
    let made = after(SlimStep::EqualConstants, &calling(&["f"], &[function])).unwrap();
    let of_f = &graph(&made).library.as_ref().unwrap().function[0].node_def;
    let names: Vec<&str> = of_f.iter().map(|node| &*node.name).collect();
    let stay = ["one", "two", "waiting", "placed", "elsewhere", "beside", "waited", "returned", "a", "b"];
    assert_eq!(names, stay);
    assert_eq!(of_f[8].input[..2], ["one:output:0", "one:output:0"]);
    assert_eq!(of_f[9].input[..2], ["one:output:0", "elsewhere:output:0"]);
    // What says what is restored is not joined.
    let restoring = [&nodes_of[..], &[node_of("r", "RestoreV2", &["x", "one:output:0", "same:output:0"])]].concat();
    let function = giving("f", "b:output:0", &restoring);
    assert!(after(SlimStep::EqualConstants, &calling(&["f"], &[function])).is_none());
}

/// A constant of float32 with this shape.
fn floats(name: &str, shape: &[u64], floats: &[f32]) -> Message {
    let dims: Vec<Message> = shape.iter().map(|size| message().int(1, *size)).collect();
    let content: Vec<u8> = floats.iter().flat_map(|float| float.to_le_bytes()).collect();
    let tensor = message().int(1, 1).message(2, &message().messages(2, &dims)).bytes(4, content);
    node(name, "Const").entry(5, "dtype", &message().int(6, 1)).entry(5, "value", &message().message(8, &tensor))
}

#[test]
fn a_constant_that_is_a_slice_repeated_becomes_that_slice() {
    let slice: Vec<f32> = (0..300_u16).map(f32::from).collect();
    let repeated = |name: &str| floats(name, &[4, 300], &slice.repeat(4)).bytes(4, "/device:CPU:0");
    let nodes_of = |constant: Message| {
        let constant = constant.entry(5, "_output_shapes", &text("shape"));
        [node_of("e", "Exp", &["x"]), constant, node_of("a", "Mul", &["e:y:0", "k:output:0"])]
    };
    let function = giving("f", "a:z:0", &nodes_of(repeated("k")));
    let made = after(SlimStep::EqualSlices, &calling(&["f"], &[function])).unwrap();
    let of_f = &graph(&made).library.as_ref().unwrap().function[0].node_def;
    let names: Vec<[&str; 2]> = of_f.iter().map(|node| [&*node.name, &*node.op]).collect();
    assert_eq!(names, [["e", "Exp"], ["k/slice", "Const"], ["k/shape", "Const"], ["k", "BroadcastTo"], ["a", "Mul"]]);
    assert_eq!(of_f[3].input, ["k/slice:output:0", "k/shape:output:0"]);
    assert!(of_f[1..4].iter().all(|node| node.device == "/device:CPU:0"));
    assert_eq!(of_f[3].attr.keys().collect::<Vec<_>>(), ["T", "Tidx", "_output_shapes"]);
    let tensor = |at: usize| match of_f[at].attr["value"].value.as_ref().unwrap() {
        Value::Tensor(tensor) => tensor.clone(),
        other => panic!("{other:?}"),
    };
    let shape: Vec<i64> = tensor(1).tensor_shape.unwrap().dim.iter().map(|dim| dim.size).collect();
    assert_eq!((tensor(1).tensor_content.len(), shape), (1_200, vec![1, 300]));
    assert_eq!(tensor(2).tensor_content, [4, 0, 0, 0, 300_u16.to_le_bytes()[0], 1, 0, 0][..]);

    // What is no slice repeated, is too small, is zero, would be one of two constants, or has no free name.
    let others = [
        floats("k", &[4, 300], &[&slice.repeat(3)[..], &[7.0; 300]].concat()),
        floats("k", &[4, 30], &slice[..30].repeat(4)),
        floats("k", &[4, 300], &[0.0; 1_200]),
        repeated("k").bytes(3, "^e"),
    ];
    for other in others {
        let function = giving("f", "a:z:0", &nodes_of(other));
        assert_eq!(after(SlimStep::EqualSlices, &calling(&["f"], &[function])), None);
    }
    let beside = |more: Message| giving("f", "a:z:0", &[&nodes_of(repeated("k"))[..], &[more]].concat());
    for more in [node("k/slice", "NoOp"), node_of("b", "Mul", &["a:z:0", "x"]), node_of("r", "RestoreV2", &["x"])] {
        assert_eq!(after(SlimStep::EqualSlices, &calling(&["f"], &[beside(more)])), None);
    }
}
