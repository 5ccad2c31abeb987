//! Each step on a main file that is made in sight: what goes, and what stays although it looks as if it could.

use bytes::Bytes;
use prost::Message as _;

use super::rewritten;
use crate::proto::attr_value::Value;
use crate::proto::{GraphDef, MetaGraphDef, SavedModel};
use crate::report::SlimStep;
use crate::support::graph::{call, func, function_of, graph_of, node_of, signature};
use crate::support::wire::{Message, constant, message, meta_graph, node, saved_model};

/// The metagraph after a step; `None` where there was nothing to do.
fn after(step: SlimStep, graph: &Message) -> Option<MetaGraphDef> {
    let main = Bytes::from(saved_model([graph]).0);
    let (written, words) = rewritten(step, &main).unwrap()?;
    assert!(written.len() < main.len() && !words.is_empty(), "{words}");
    let mut model = SavedModel::decode(written).unwrap();
    Some(model.meta_graphs.remove(0))
}

fn graph(meta: &MetaGraphDef) -> &GraphDef {
    meta.graph_def.as_ref().unwrap()
}

fn nodes(meta: &MetaGraphDef) -> Vec<&str> {
    graph(meta).node.iter().map(|node| &*node.name).collect()
}

fn functions(meta: &MetaGraphDef) -> Vec<&str> {
    let library = graph(meta).library.as_ref().unwrap();
    library.function.iter().map(|function| &*function.signature.as_ref().unwrap().name).collect()
}

/// An AttrValue of text.
fn text(text: &str) -> Message {
    message().bytes(2, text)
}

/// An AttrValue of a list of text.
fn texts(text: &str) -> Message {
    message().message(1, &message().bytes(2, text))
}

/// An entry of `collection_def`, of a list of this number with these items.
fn collection(meta: Message, key: &str, list: u32, items: &[&[u8]]) -> Message {
    let list_of = items.iter().fold(message(), |list, item| list.bytes(1, item));
    meta.entry(4, key, &message().message(list, &list_of))
}

/// A VariableDef of the variable of this name, as TensorFlow 1 makes one.
fn definition(name: &str) -> Vec<u8> {
    let names = [
        (1, format!("{name}:0")),
        (2, format!("{name}/Assign")),
        (3, format!("{name}/read:0")),
        (6, format!("{name}/value:0")),
    ];
    names.iter().fold(message(), |def, (number, name)| def.bytes(*number, name)).0
}

/// The nodes of a variable, with an initial value of so many bytes.
fn variable(name: &str, bytes: usize) -> [Message; 4] {
    let part = |part: &str| format!("{name}/{part}");
    [
        constant(&part("value"), &vec![7; bytes]),
        node(name, "VariableV2"),
        node_of(&part("Assign"), "Assign", &[name, &part("value")]),
        node_of(&part("read"), "Identity", &[name]),
    ]
}

/// A SaverDef of `save`, `file` and `restore`.
fn saver() -> Message {
    message().bytes(1, "file:0").bytes(2, "save:0").bytes(3, "restore")
}

#[test]
fn what_nothing_reaches_goes_with_the_items_that_name_it() {
    let nodes_of = [
        node("x", "Placeholder"),
        node_of("y", "Neg", &["x", "^before"]),
        node("before", "NoOp"),
        node_of("beside", "Neg", &["x"]).entry(5, "_class", &texts("loc:@left")),
        node("left", "NoOp"),
        node_of("z", "Neg", &["beside:0"]).entry(5, "f", &func("called")),
        node_of("unused", "Neg", &["x"]).entry(5, "f", &func("lost")),
    ];
    let functions_of = [
        function_of("called", &[], &[call("call", "inner", &[])]),
        function_of("inner", &[], &[]),
        function_of("lost", &[], &[]),
    ];
    let meta = meta_graph(&["serve"], &graph_of(&nodes_of, &functions_of));
    let meta = signature(meta, "serve", &["x:0"], &["y:0", "z:0"]);
    let meta = collection(meta, "of_the_user", 1, &[b"unused:0", b"y"]);
    let meta = collection(meta, "gone", 1, &[b"unused"]);
    let made = after(SlimStep::Unreached, &meta).unwrap();
    assert_eq!(nodes(&made), ["x", "y", "before", "beside", "left", "z"]);
    assert_eq!(functions(&made), ["called", "inner"]);
    assert_eq!(made.collection_def.keys().collect::<Vec<_>>(), ["of_the_user"]);
    let Some(crate::proto::collection_def::Kind::NodeList(list)) = &made.collection_def["of_the_user"].kind else {
        panic!("another list")
    };
    assert_eq!(list.value, ["y"]);
}

#[test]
fn a_graph_that_is_all_reached_stays_as_it_is() {
    let meta = meta_graph(&["serve"], &graph_of(&[node("x", "Placeholder"), node_of("y", "Neg", &["x"])], &[]));
    assert_eq!(after(SlimStep::Unreached, &signature(meta, "serve", &["x:0"], &["y:0"])), None);
}

#[test]
fn what_a_loader_runs_restores_or_finds_by_name_stays() {
    let names = ["file", "save", "restore", "main", "legacy", "asset", "unknown", "value"];
    let nodes_of: Vec<Message> = names.iter().chain(&["unused"]).map(|name| node(name, "NoOp")).collect();
    let meta = meta_graph(&["serve"], &graph_of(&nodes_of, &[])).message(3, &saver());
    let meta = collection(meta, "saved_model_main_op", 1, &[b"main"]);
    let meta = collection(meta, "legacy_init_op", 1, &[b"legacy"]);
    let meta = collection(meta, "of_a_program", 2, &[&message().bytes(3, "unknown:0").0]);
    let meta = meta.message(6, &message().message(1, &message().bytes(1, "asset:0")).bytes(2, "words.txt"));
    let object = message().message(9, &message().bytes(1, "value"));
    let meta = meta.message(7, &message().message(1, &object));
    let made = after(SlimStep::Unreached, &meta).unwrap();
    assert_eq!(nodes(&made), names);
}

#[test]
fn the_definition_of_a_variable_goes_with_it_and_keeps_what_it_names() {
    let nodes_of = [&variable("v", 4)[..], &variable("w", 4)].concat();
    let meta = signature(meta_graph(&["serve"], &graph_of(&nodes_of, &[])), "serve", &[], &["v/read:0"]);
    let meta = collection(meta, "variables", 2, &[&definition("v"), &definition("w")]);
    let context = [b"v/read".as_slice(), b"w/read"].iter().fold(message(), |it, name| it.bytes(5, name));
    let meta = collection(meta, "cond_context", 2, &[&context.0]);
    let made = after(SlimStep::Unreached, &meta).unwrap();
    assert_eq!(nodes(&made), ["v/value", "v", "v/Assign", "v/read"]);
    assert_eq!(made.collection_def.keys().collect::<Vec<_>>(), ["variables"]);
}

#[test]
fn devices_keep_their_own_implementations() {
    let of_interface = |name: &str, more: Option<&str>| {
        let function = function_of(name, &[], &[]).entry(5, "api_implements", &text("lstm"));
        more.into_iter().fold(function, |function, key| function.entry(5, key, &text("pair")))
    };
    let functions_of = [
        of_interface("on_cpu", None),
        of_interface("on_gpu", None),
        of_interface("forward", Some("backward_function_name")),
        of_interface("backward", Some("forward_function_name")),
        function_of("pair", &[], &[]),
    ];
    let meta = meta_graph(&["serve"], &graph_of(&[call("y", "on_cpu", &[])], &functions_of));
    let meta = signature(meta, "serve", &[], &["y:0"]);
    assert_eq!(after(SlimStep::Unreached, &meta), None);
    assert_eq!(functions(&after(SlimStep::Gradients, &meta).unwrap()), ["on_cpu", "on_gpu"]);
}

#[test]
fn the_half_of_the_saver_that_saves_goes_and_its_name_stays() {
    let nodes_of = [
        node("file", "Placeholder"),
        node_of("save", "Identity", &["file", "^save/SaveV2"]),
        call("save/SaveV2", "saves", &[]),
        node_of("restore", "NoOp", &["^restores"]),
        node_of("restores", "NoOp", &["file"]),
        node("unused", "NoOp"),
    ];
    let meta = meta_graph(&["serve"], &graph_of(&nodes_of, &[function_of("saves", &[], &[])])).message(3, &saver());
    let made = after(SlimStep::SaverSave, &meta).unwrap();
    // What nothing reached before is another step's.
    assert_eq!(nodes(&made), ["file", "restore", "restores", "unused"]);
    assert_eq!(functions(&made), [""; 0]);
    assert_eq!(made.saver_def.unwrap().save_tensor_name, "save:0");
}

#[test]
fn a_gradient_goes_and_its_name_becomes_one_that_nobody_registers() {
    let of_gradient =
        |name: &str, gradient: &str| node(name, "IdentityN").entry(5, "_gradient_op_type", &text(gradient));
    let library = message()
        .message(1, &function_of("f", &[], &[of_gradient("inner", "CustomGradient-1")]))
        .message(1, &function_of("grad", &[], &[]))
        .message(3, &message().bytes(1, "grad").bytes(2, "CustomGradient-1"));
    let nodes_of = [call("y", "f", &[]), of_gradient("z", "PartitionedCall-7")];
    let meta = meta_graph(&["serve"], &message().messages(1, &nodes_of).message(2, &library));
    let meta = signature(meta, "serve", &[], &["y:0", "z:0"]);
    let objects = ["f", "grad"].iter().fold(message(), |objects, name| objects.entry(2, name, &message()));
    let made = after(SlimStep::Gradients, &meta.message(7, &objects)).unwrap();
    assert_eq!(functions(&made), ["f"]);
    let library = graph(&made).library.as_ref().unwrap();
    assert!(library.registered_gradients.is_empty());
    let named = |value: &crate::proto::AttrValue| match &value.value {
        Some(Value::S(text)) => String::from_utf8(text.to_vec()).unwrap(),
        _ => String::new(),
    };
    assert_eq!(named(&library.function[0].node_def[0].attr["_gradient_op_type"]).as_bytes(), super::gradients::GONE);
    assert_eq!(named(&graph(&made).node[1].attr["_gradient_op_type"]), "PartitionedCall-7");
    assert_eq!(made.object_graph_def.unwrap().concrete_functions.keys().collect::<Vec<_>>(), ["f"]);
}

#[test]
fn a_large_initial_value_becomes_a_placeholder_of_its_type_and_shape() {
    let shaped = |name: &str, op: u32| {
        let shape = message().message(2, &message().int(1, 500));
        let tensor = message().int(1, 1).message(2, &shape).bytes(4, [1; 2000]);
        let dtype = message().int(6, 1);
        assert_eq!(op, 0);
        node(name, "Const").entry(5, "dtype", &dtype).entry(5, "value", &message().message(8, &tensor))
    };
    let [_, v, assign, read] = variable("v", 0);
    let [_, w, assign_w, read_w] = variable("w", 0);
    // That of `w` is the result of a signature as well.
    let nodes_of = [shaped("v/value", 0), v, assign, read, shaped("w/value", 0), w, assign_w, read_w];
    let meta = signature(
        meta_graph(&["serve"], &graph_of(&nodes_of, &[])),
        "serve",
        &[],
        &["v/read:0", "w/read:0", "w/value:0"],
    );
    let meta = collection(meta, "variables", 2, &[&definition("v"), &definition("w")]);
    let made = after(SlimStep::InitialValues, &meta).unwrap();
    let value = &graph(&made).node[0];
    assert_eq!(
        (&*value.op, value.attr.keys().map(|it| &**it).collect::<Vec<_>>()),
        ("Placeholder", vec!["dtype", "shape"])
    );
    let Some(Value::Shape(shape)) = &value.attr["shape"].value else { panic!("no shape") };
    assert_eq!(shape.dim.iter().map(|dim| dim.size).collect::<Vec<_>>(), [500]);
    assert_eq!(graph(&made).node[4].op, "Const");
}

#[test]
fn a_value_that_the_main_op_assigns_stays() {
    let nodes_of = variable("v", 2000);
    let meta = signature(meta_graph(&["serve"], &graph_of(&nodes_of, &[])), "serve", &[], &["v/read:0"]);
    let meta = collection(meta, "variables", 2, &[&definition("v")]);
    assert!(after(SlimStep::InitialValues, &meta).is_some());
    assert_eq!(after(SlimStep::InitialValues, &collection(meta, "saved_model_main_op", 1, &[b"v/Assign"])), None);
}

#[test]
fn stack_traces_go_from_the_graph_and_its_nodes() {
    let info = message().bytes(1, "a/name/before");
    let graph_of = message()
        .message(1, &node("x", "Placeholder").message(6, &info))
        .message(2, &message().message(1, &function_of("f", &[], &[node("n", "NoOp").message(6, &info)])))
        .message(5, &message().bytes(1, "a/file.py"));
    let made = after(SlimStep::DebugInfo, &meta_graph(&["serve"], &graph_of)).unwrap();
    assert!(graph(&made).debug_info.is_none() && graph(&made).node[0].experimental_debug_info.is_none());
    let function = &graph(&made).library.as_ref().unwrap().function[0];
    assert!(function.node_def[0].experimental_debug_info.is_none());
}

#[test]
fn a_graph_with_two_nodes_of_one_name_is_left_as_it_is() {
    let meta = meta_graph(&["serve"], &graph_of(&[node("x", "NoOp"), node("x", "NoOp")], &[]));
    let error = rewritten(SlimStep::Unreached, &Bytes::from(saved_model([&meta]).0)).unwrap_err();
    assert_eq!(error.to_string(), "the graph has two nodes of one name");
}
