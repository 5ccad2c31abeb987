//! Each step on a main file that is made in sight: what goes, and what stays although it looks as if it could.

mod functions;
mod served;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use bytes::Bytes;
use prost::Message as _;

use super::{Parts, Stored, rewritten};
use crate::checkpoint::{Bundle, Tensor};
use crate::proto::attr_value::Value;
use crate::proto::{GraphDef, MetaGraphDef, SavedModel, TrackableObjectGraph};
use crate::report::SlimStep;
use crate::slim::Wanted;
use crate::support::bundle::BundleBuilder;
use crate::support::graph::{call, func, function_of, graph_of, node_of, object, objects, signature};
use crate::support::wire::{Message, constant, message, meta_graph, node, saved_model};

/// The metagraph after a step; `None` where there was nothing to do.
fn after(step: SlimStep, graph: &Message) -> Option<MetaGraphDef> {
    let parts = Parts { main: saved_model([graph]).0.into(), ..Parts::default() };
    let (after, words) = rewritten(step, &parts, None, &Wanted::default()).unwrap()?;
    assert!(after.main.len() < parts.main.len() && !words.is_empty(), "{words}");
    let mut model = SavedModel::decode(&*after.main).unwrap();
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
    let parts = Parts { main: saved_model([&meta]).0.into(), ..Parts::default() };
    let error = rewritten(SlimStep::Unreached, &parts, None, &Wanted::default()).unwrap_err();
    assert_eq!(error.to_string(), "the graph has two nodes of one name");
}

/// A shard in which all tensors have the same content.
static SHARDS: OnceLock<BTreeMap<u32, Bytes>> = OnceLock::new();

/// What a model has beside its main file: a tensor for each key, and these objects.
fn stored<'m>(tensors: &'m [Tensor], objects: Option<&Message>, has_keras: bool) -> Stored<'m> {
    let shards = SHARDS.get_or_init(|| [(0, Bytes::from_static(&[1; 100]))].into());
    Stored {
        tensors,
        tracked: objects.map(|objects| objects.0.clone().into()),
        has_layers: true,
        keeps_defined: false,
        has_keras,
        shards,
    }
}

/// Tensors of these keys, in their order.
fn tensors(keys: &[&str]) -> Vec<Tensor> {
    let builder = keys.iter().fold(BundleBuilder::default(), |bundle, key| bundle.tensor(key, &[1; 4]));
    let [(_, index), _] = builder.files();
    Bundle::read(index.into(), "index").unwrap().0.tensors
}

/// The metagraph without variables that nothing reads, the keys of these, and the checkpoint's objects; `None` where all are read.
fn read(graph: &Message, stored: &Stored<'_>) -> Option<(MetaGraphDef, Vec<String>, Option<TrackableObjectGraph>)> {
    let main = Bytes::from(saved_model([graph]).0);
    let parts = Parts { main: main.into(), ..Parts::default() };
    let (after, words) = rewritten(SlimStep::UnreadVariables, &parts, Some(stored), &Wanted::default()).unwrap()?;
    assert!(words.ends_with("that nothing reads"), "{words}");
    let keys = after.gone.iter().map(|at| stored.tensors[*at].key.clone()).collect();
    let tracked = after.tracked.map(|tracked| TrackableObjectGraph::decode(&*tracked).unwrap());
    Some((SavedModel::decode(&*after.main).unwrap().meta_graphs.remove(0), keys, tracked))
}

/// A Const of strings with its shape, and that of its result.
fn named(name: &str, values: &[&str]) -> Message {
    let shape = message().message(2, &message().int(1, values.len() as u64));
    let tensor = values.iter().fold(message().int(1, 7).message(2, &shape), |tensor, value| tensor.bytes(8, value));
    let shapes = message().message(1, &message().message(7, &shape));
    node(name, "Const").entry(5, "value", &message().message(8, &tensor)).entry(5, "_output_shapes", &shapes)
}

/// A RestoreV2 of so many floats.
fn restores(name: &str, inputs: [&str; 3], count: usize) -> Message {
    let types = message().message(1, &message().bytes(6, vec![1; count]));
    let shapes = (0..count).fold(message(), |list, _| list.message(7, &message().int(3, 1)));
    node_of(name, "RestoreV2", &inputs).entry(5, "dtypes", &types).entry(
        5,
        "_output_shapes",
        &message().message(1, &shapes),
    )
}

/// What a saver of TensorFlow 1 has to restore these variables, each from the key of its name.
fn saver_of(variables: &[&str]) -> Vec<Message> {
    let mut nodes = vec![
        node("file", "Placeholder"),
        named("names", variables),
        named("slices", &vec![""; variables.len()]),
        restores("RestoreV2", ["file", "names", "slices"], variables.len()),
    ];
    let mut all = node("restore", "NoOp");
    for (at, variable) in variables.iter().enumerate() {
        let output = if at == 0 { "RestoreV2".to_owned() } else { format!("RestoreV2:{at}") };
        nodes.push(node_of(&format!("save/{variable}"), "Assign", &[variable, &output]));
        all = all.bytes(3, format!("^save/{variable}"));
    }
    nodes.push(all);
    nodes
}

fn inputs<'m>(meta: &'m MetaGraphDef, name: &str) -> &'m [String] {
    &graph(meta).node.iter().find(|node| node.name == name).unwrap().input
}

fn strings(value: &crate::proto::AttrValue) -> Vec<String> {
    let Some(Value::Tensor(tensor)) = &value.value else { panic!("no tensor") };
    assert_eq!(usize::try_from(tensor.tensor_shape.as_ref().unwrap().dim[0].size), Ok(tensor.string_val.len()));
    tensor.string_val.iter().map(|text| String::from_utf8(text.to_vec()).unwrap()).collect()
}

#[test]
fn a_variable_that_only_its_saver_names_goes_from_a_session() {
    let variables = ["a", "b", "c", "d"];
    let nodes_of = variables.iter().map(|name| node(name, "VariableV2")).chain(saver_of(&variables));
    let nodes_of: Vec<Message> = nodes_of.chain([node_of("y", "AddN", &["b", "d"])]).collect();
    let meta =
        meta_graph(&["serve"], &graph_of(&nodes_of, &[])).message(3, &message().bytes(1, "file:0").bytes(3, "restore"));
    let meta = signature(meta, "serve", &[], &["y:0"]);
    let tensors = tensors(&["a", "b", "c", "d", "nobody"]);
    let (made, keys, _) = read(&meta, &stored(&tensors, None, false)).unwrap();
    assert_eq!(keys, ["a", "c", "nobody"]);
    assert_eq!(nodes(&made), ["b", "d", "file", "names", "slices", "RestoreV2", "save/b", "save/d", "restore", "y"]);
    assert_eq!(inputs(&made, "save/b"), ["b", "RestoreV2"]);
    assert_eq!(inputs(&made, "save/d"), ["d", "RestoreV2:1"]);
    assert_eq!(inputs(&made, "restore"), ["^save/b", "^save/d"]);
    let of = |name: &str| &graph(&made).node.iter().find(|node| node.name == name).unwrap().attr;
    assert_eq!(strings(&of("names")["value"]), ["b", "d"]);
    assert_eq!(strings(&of("slices")["value"]), ["", ""]);
    let Some(Value::List(types)) = &of("RestoreV2")["dtypes"].value else { panic!("no list") };
    assert_eq!(types.r#type, [1, 1]);
}

#[test]
fn a_variable_that_a_collection_defines_stays_below_serving() {
    let tensors = tensors(&["a", "b"]);
    let gone = |op: &str, keeps_defined: bool| {
        let nodes_of = ["a", "b"].map(|name| node(name, op)).into_iter().chain(saver_of(&["a", "b"]));
        let nodes_of: Vec<Message> = nodes_of.chain([node_of("y", "Identity", &["b"])]).collect();
        let meta = meta_graph(&["serve"], &graph_of(&nodes_of, &[]));
        let meta = meta.message(3, &message().bytes(1, "file:0").bytes(3, "restore"));
        let meta = collection(signature(meta, "serve", &[], &["y:0"]), "variables", 2, &[&definition("a")]);
        read(&meta, &Stored { keeps_defined, ..stored(&tensors, None, false) }).map(|(_, keys, _)| keys)
    };
    assert_eq!(gone("VarHandleOp", false), Some(vec!["a".to_owned()]));
    assert_eq!(gone("VarHandleOp", true), None);
    assert_eq!(gone("VariableV2", true), Some(vec!["a".to_owned()]), "no program lists one that is given by reference");
}

#[test]
fn a_variable_stays_that_a_function_shares_or_that_is_a_part() {
    let shared = |name: &str| node(name, "VarHandleOp").entry(5, "shared_name", &text("shared"));
    let tensors = tensors(&["a"]);
    let sharing = |name: &str| {
        let nodes_of: Vec<Message> = [shared("a"), call("z", "f", &[])].into_iter().chain(saver_of(&["a"])).collect();
        let functions_of =
            [function_of("f", &[], &[node("inside", "VarHandleOp").entry(5, "shared_name", &text(name))])];
        let meta = meta_graph(&["serve"], &graph_of(&nodes_of, &functions_of));
        let meta = meta.message(3, &message().bytes(1, "file:0").bytes(3, "restore"));
        read(&signature(meta, "serve", &[], &["z:0"]), &stored(&tensors, None, false)).is_none()
    };
    assert!(sharing("shared") && !sharing("another"));
    let part = graph_of(
        &[
            node("a", "VariableV2"),
            node("file", "Placeholder"),
            named("names", &["a"]),
            named("slices", &["4 0,2"]),
            restores("RestoreV2", ["file", "names", "slices"], 1),
            node_of("save/a", "Assign", &["a", "RestoreV2"]),
            node_of("restore", "NoOp", &["^save/a"]),
        ],
        &[],
    );
    let meta = meta_graph(&["serve"], &part).message(3, &message().bytes(1, "file:0").bytes(3, "restore"));
    assert!(read(&meta, &stored(&tensors, None, false)).is_none());
}

/// A model of TensorFlow 2: variables `a`, `b` and `c`, of which a function has captured `b`, and an optimizer with `c`.
fn program(captured: &[u8]) -> (Message, Message) {
    let names = ["a", "b", "c"];
    let mut body = vec![
        named("names", &["a", "b", "c", "_CHECKPOINTABLE_OBJECT_GRAPH"]),
        named("slices", &["", "", "", ""]),
        restores("RestoreV2", ["file", "names:output:0", "slices:output:0"], 4),
    ];
    let mut end = node_of("end", "Identity", &["file"]);
    for (at, name) in names.iter().enumerate() {
        body.push(node_of(&format!("Identity_{at}"), "Identity", &[&format!("RestoreV2:tensors:{at}")]));
        body.push(node_of(
            &format!("set_{name}"),
            "AssignVariableOp",
            &[&format!("arg_{name}"), &format!("Identity_{at}:output:0")],
        ));
        end = end.bytes(3, format!("^set_{name}"));
    }
    body.push(end);
    let arguments = ["file", "arg_a", "arg_b", "arg_c"];
    let opdef =
        arguments.iter().fold(message().bytes(1, "restores"), |op, arg| op.message(2, &message().bytes(1, arg)));
    let opdef = names.iter().fold(opdef, |op, name| op.bytes(20, format!("set_{name}")));
    let shapes = arguments.iter().fold(message(), |list, _| list.message(7, &message()));
    let mut function =
        message().message(1, &opdef).messages(3, &body).entry(5, "_input_shapes", &message().message(1, &shapes));
    for name in names {
        let set = format!("set_{name}");
        function = function.message(6, &message().bytes(1, &set).bytes(2, &set));
    }
    for (at, arg) in arguments.iter().enumerate() {
        let attributes = message().entry(1, "_user_specified_name", &text(arg));
        function = function.message(7, &message().int(1, at as u64).message(2, &attributes));
    }
    let types = message().message(1, &message().bytes(6, [7, 20, 20, 20]));
    let restore = call("restore", "restores", &["saver_filename", "a", "b", "c"]).entry(5, "Tin", &types);
    let mut nodes_of: Vec<Message> = names.iter().map(|name| node(name, "VarHandleOp")).collect();
    nodes_of.extend([node("saver_filename", "Placeholder"), call("y", "f", &["b"]), restore]);
    let library = message().messages(1, &[function_of("f", &["x"], &[]), function]);
    let graph = message().messages(1, &nodes_of).message(2, &library);
    let meta = meta_graph(&["serve"], &graph).message(3, &message().bytes(1, "saver_filename:0").bytes(3, "restore"));
    let meta = signature(meta, "serve", &[], &["y:0"]);
    let variable = || object(7, &message().bytes(6, "v"), &[]);
    let children = [("a", 1), ("b", 2), ("optimizer", 4)];
    let saved = [
        object(4, &message().bytes(1, "_generic_user_object"), &children),
        variable(),
        variable(),
        variable(),
        object(4, &message().bytes(1, "optimizer"), &[("c", 3)]),
    ];
    let of_function = saved.to_vec();
    let tracked_of = |children: &[(&str, u64)], key: &str| {
        let child = |(name, node): &(&str, u64)| message().int(1, *node).bytes(2, name);
        let node = message().messages(1, &children.iter().map(child).collect::<Vec<_>>());
        if key.is_empty() { node } else { node.message(2, &message().bytes(1, "VARIABLE_VALUE").bytes(3, key)) }
    };
    let tracked = [
        tracked_of(&children, ""),
        tracked_of(&[], "a"),
        tracked_of(&[], "b"),
        tracked_of(&[], "c"),
        tracked_of(&[("c", 3)], ""),
    ];
    (meta.message(7, &objects(&of_function, &[("f", captured)])), message().messages(1, &tracked))
}

#[test]
fn a_variable_that_no_function_has_captured_goes_from_both_programs_and_from_the_objects() {
    let (meta, tracked) = program(&[2]);
    let tensors = tensors(&["_CHECKPOINTABLE_OBJECT_GRAPH", "a", "b", "c"]);
    let (made, keys, objects) = read(&meta, &stored(&tensors, Some(&tracked), false)).unwrap();
    assert_eq!(keys, ["a", "c"]);
    assert_eq!(nodes(&made), ["b", "saver_filename", "y", "restore"]);
    assert_eq!(inputs(&made, "restore"), ["saver_filename", "b"]);
    let function = &graph(&made).library.as_ref().unwrap().function[1];
    let signature = function.signature.as_ref().unwrap();
    assert_eq!(signature.input_arg.iter().map(|arg| &*arg.name).collect::<Vec<_>>(), ["file", "arg_b"]);
    assert_eq!(signature.control_output, ["set_b"]);
    assert_eq!(function.control_ret.keys().collect::<Vec<_>>(), ["set_b"]);
    assert_eq!(function.arg_attr.keys().copied().collect::<Vec<_>>(), [0, 1]);
    let Some(Value::S(named)) = &function.arg_attr[&1].attr["_user_specified_name"].value else { panic!("no name") };
    assert_eq!(&named[..], b"arg_b");
    let body: Vec<&str> = function.node_def.iter().map(|node| &*node.name).collect();
    assert_eq!(body, ["names", "slices", "RestoreV2", "Identity_1", "set_b", "end"]);
    assert_eq!(function.node_def[3].input, ["RestoreV2:tensors:0"]);
    assert_eq!(function.node_def[5].input, ["file", "^set_b"]);
    assert_eq!(strings(&function.node_def[0].attr["value"]), ["b", "_CHECKPOINTABLE_OBJECT_GRAPH"]);
    let saved = made.object_graph_def.unwrap();
    let kinds: Vec<bool> = saved.nodes.iter().map(|node| node.encode_to_vec() == [0x22, 0]).collect();
    assert_eq!(kinds, [false, true, false, true, true]);
    assert_eq!(saved.nodes[0].children.iter().map(|child| &*child.local_name).collect::<Vec<_>>(), ["b"]);
    let objects = objects.unwrap();
    assert_eq!(objects.nodes.len(), 5);
    assert!([1, 3, 4].iter().all(|at| objects.nodes[*at].encoded_len() == 0));
    assert_eq!(objects.nodes[0].children.iter().map(|child| child.node_id).collect::<Vec<_>>(), [2]);
}

#[test]
fn an_optimizer_stays_whole_where_one_of_its_variables_is_read() {
    let (meta, tracked) = program(&[2, 3]);
    let tensors = tensors(&["_CHECKPOINTABLE_OBJECT_GRAPH", "a", "b", "c"]);
    let (made, keys, _) = read(&meta, &stored(&tensors, Some(&tracked), false)).unwrap();
    assert_eq!(keys, ["a"]);
    assert_eq!(made.object_graph_def.unwrap().nodes[0].children.len(), 2);
}

#[test]
fn an_object_that_a_class_may_make_keeps_all_of_its_variables_or_goes() {
    // The optimizer has a list as well, in which is `a`; Python has captured `b`, or `a`.
    let of_optimizer = |captured: &[u8]| {
        let variable = || object(7, &message().bytes(6, "v"), &[]);
        let list = object(4, &message().bytes(1, "trackable_list_wrapper"), &[("0", 1)]);
        let optimizer = object(4, &message().bytes(1, "experimentalOptimizer"), &[("c", 3), ("_variables", 5)]);
        let root = object(4, &message().bytes(1, "_generic_user_object"), &[("b", 2), ("optimizer", 4)]);
        let saved = [root, variable(), variable(), variable(), optimizer, list];
        objects(&saved, &[("f", captured)])
    };
    let gone = |captured: &[u8]| {
        let main = saved_model([&meta_graph(&["serve"], &graph_of(&[], &[])).message(7, &of_optimizer(captured))]).0;
        let child = |(name, node): (&str, u64)| message().int(1, node).bytes(2, name);
        let of = |children: &[(&str, u64)]| children.iter().fold(message(), |it, entry| it.message(1, &child(*entry)));
        let value = |key: &str| message().message(2, &message().bytes(1, "VARIABLE_VALUE").bytes(3, key));
        let (root, optimizer) = (of(&[("b", 2), ("optimizer", 4)]), of(&[("c", 3), ("_variables", 5)]));
        let tracked = [root, value("a"), value("b"), value("c"), optimizer, of(&[("0", 1)])];
        let tracked = message().messages(1, &tracked);
        let programs = crate::slim::program::programs(&main).unwrap();
        let objects = crate::slim::objects::Objects::read(&programs, Some(&tracked.0)).unwrap().unwrap();
        let mut gone: Vec<usize> = objects.unread(crate::slim::objects::Layers::None, &|_| false).into_iter().collect();
        gone.sort_unstable();
        gone
    };
    assert_eq!(gone(&[2]), [1, 3, 4]);
    assert_eq!(gone(&[1]), [2]);
}

#[test]
fn with_metadata_of_keras_only_the_optimizer_goes() {
    let (meta, tracked) = program(&[2]);
    let tensors = tensors(&["_CHECKPOINTABLE_OBJECT_GRAPH", "a", "b", "c"]);
    let (_, keys, _) = read(&meta, &stored(&tensors, Some(&tracked), true)).unwrap();
    assert_eq!(keys, ["c"]);
}

#[test]
fn a_model_whose_objects_the_checkpoint_does_not_have_keeps_its_variables() {
    let (meta, _) = program(&[2]);
    let parts = Parts { main: saved_model([&meta]).0.into(), ..Parts::default() };
    let tensors = tensors(&["a"]);
    let error = rewritten(SlimStep::UnreadVariables, &parts, Some(&stored(&tensors, None, false)), &Wanted::default())
        .unwrap_err();
    assert_eq!(error.to_string(), "the checkpoint has no objects");
}

#[test]
fn what_python_has_captured_becomes_what_a_session_reads() {
    let (meta, tracked) = program(&[1]);
    let tensors = tensors(&["_CHECKPOINTABLE_OBJECT_GRAPH", "a", "b", "c"]);
    let stored = stored(&tensors, Some(&tracked), false);
    let parts = Parts { main: saved_model([&meta]).0.into(), ..Parts::default() };
    let (after, _) = rewritten(SlimStep::Twins, &parts, Some(&stored), &Wanted::default()).unwrap().unwrap();
    let keys: Vec<&str> = after.gone.iter().map(|at| &*tensors[*at].key).collect();
    assert_eq!(keys, ["a", "c"]);
    let made = SavedModel::decode(&*after.main).unwrap().meta_graphs.remove(0);
    assert_eq!(inputs(&made, "restore"), ["saver_filename", "b"]);
    let saved = made.object_graph_def.unwrap();
    assert_eq!(saved.concrete_functions["f"].bound_inputs, [2]);
    let children: Vec<(&str, i32)> = saved.nodes[0].children.iter().map(|it| (&*it.local_name, it.node_id)).collect();
    assert_eq!(children, [("a", 2), ("b", 2)]);
    let tracked = TrackableObjectGraph::decode(&*after.tracked.unwrap()).unwrap();
    assert_eq!(tracked.nodes[0].children.iter().map(|child| child.node_id).collect::<Vec<_>>(), [2, 2]);
    assert_eq!(tracked.nodes[1].encoded_len(), 0);
}

#[test]
fn a_variable_that_a_session_reads_as_well_has_no_twin() {
    // `b` is the only one that a session reads, and Python has captured it as well as `a`.
    let (meta, tracked) = program(&[1, 2]);
    let tensors = tensors(&["_CHECKPOINTABLE_OBJECT_GRAPH", "a", "b", "c"]);
    let parts = Parts { main: saved_model([&meta]).0.into(), ..Parts::default() };
    let made =
        rewritten(SlimStep::Twins, &parts, Some(&stored(&tensors, Some(&tracked), false)), &Wanted::default()).unwrap();
    assert!(made.is_none());
}

/// A model with functions of Python: `served` and `other`, which are signatures, and attributes `free` and `lost`.
fn with_functions() -> Message {
    let functions_of = [
        function_of("wrapper", &[], &[call("call", "inner", &[])]),
        function_of("inner", &[], &[]),
        function_of("of_other", &[], &[]),
        function_of("lost", &[], &[call("call", "deep", &[])]),
        function_of("deep", &[], &[]),
    ];
    let nodes_of =
        [node("a", "VarHandleOp"), call("y", "wrapper", &["a"]), call("z", "of_other", &[]), node("value", "Const")];
    let meta = signature(meta_graph(&["serve"], &graph_of(&nodes_of, &functions_of)), "served", &[], &["y:0"]);
    let meta = signature(signature(meta, "other", &[], &["z:0"]), "__saved_model_init_op", &[], &["a:0"]);
    let bare = |name: &str| object(8, &message().bytes(1, name), &[]);
    let of_function = |names: &[&str]| object(6, &names.iter().fold(message(), |it, name| it.bytes(1, name)), &[]);
    let saved = [
        object(4, &message(), &[("signatures", 1), ("free", 4), ("lost", 5), ("v", 6), ("constant", 7)]),
        object(4, &message(), &[("served", 2), ("other", 3)]),
        bare("wrapper"),
        bare("of_other"),
        of_function(&["inner", "lost"]),
        of_function(&["lost"]),
        object(7, &message(), &[]),
        object(9, &message().bytes(1, "value"), &[]),
    ];
    let concrete: [(&str, &[u8]); 4] = [("wrapper", &[6]), ("inner", &[6]), ("of_other", &[]), ("lost", &[6, 7])];
    meta.message(7, &objects(&saved, &concrete))
}

fn served(wanted: &Wanted) -> MetaGraphDef {
    let parts = Parts { main: saved_model([&with_functions()]).0.into(), ..Parts::default() };
    let (after, _) = rewritten(SlimStep::OtherFunctions, &parts, None, wanted).unwrap().unwrap();
    SavedModel::decode(&*after.main).unwrap().meta_graphs.remove(0)
}

fn concrete(meta: &MetaGraphDef) -> Vec<&str> {
    meta.object_graph_def.as_ref().unwrap().concrete_functions.keys().map(|name| &**name).collect()
}

#[test]
fn a_function_goes_that_no_signature_needs_and_one_that_costs_nothing_stays() {
    let made = served(&Wanted::default());
    assert_eq!(functions(&made), ["wrapper", "inner", "of_other"]);
    assert_eq!(concrete(&made), ["inner", "of_other", "wrapper"]);
    let saved = made.object_graph_def.as_ref().unwrap();
    let children: Vec<&str> = saved.nodes[0].children.iter().map(|child| &*child.local_name).collect();
    assert_eq!(children, ["signatures", "free", "v"]);
    let Some(crate::proto::saved_object::Kind::Function(free)) = &saved.nodes[4].kind else { panic!("no function") };
    assert_eq!(free.concrete_functions, ["inner"], "of a function only the traces stay that are kept");
    assert!([5, 7].iter().all(|at| saved.nodes[*at].encode_to_vec() == [0x22, 0]));
    assert_eq!(nodes(&made), ["a", "y", "z"], "the constant was for one that went");
}

#[test]
fn signatures_that_are_not_asked_for_go() {
    let made = served(&Wanted { signatures: vec!["served".to_owned()], ..Wanted::default() });
    assert_eq!(made.signature_def.keys().collect::<Vec<_>>(), ["__saved_model_init_op", "served"]);
    assert_eq!(functions(&made), ["wrapper", "inner"]);
    assert_eq!(nodes(&made), ["a", "y"]);
    let saved = made.object_graph_def.as_ref().unwrap();
    assert_eq!(saved.nodes[1].children.len(), 1);
}

#[test]
fn functions_that_are_asked_for_stay_with_what_they_have_captured() {
    let (signatures, functions_of) = (vec!["served".to_owned()], vec!["lost".to_owned()]);
    let made = served(&Wanted { signatures, functions: functions_of, ..Wanted::default() });
    assert_eq!(functions(&made), ["wrapper", "inner", "lost", "deep"]);
    assert_eq!(nodes(&made), ["a", "y", "value"]);
}

#[test]
fn a_metagraph_stays_by_its_tags() {
    let of = |tags: &[&str]| meta_graph(tags, &graph_of(&[node(tags[0], "NoOp")], &[]));
    let parts = Parts {
        main: saved_model([&of(&["train"]), &of(&["serve"]), &of(&["serve", "tpu"])]).0.into(),
        ..Parts::default()
    };
    let kept = |tags: &[&str]| {
        let wanted = Wanted { tags: tags.iter().map(|tag| (*tag).to_owned()).collect(), ..Wanted::default() };
        let (after, _) = rewritten(SlimStep::Metagraphs, &parts, None, &wanted).ok()??;
        let main = SavedModel::decode(&*after.main).unwrap();
        assert_eq!(main.meta_graphs.len(), 1);
        Some(main.meta_graphs[0].meta_info_def.as_ref().unwrap().tags.join(","))
    };
    assert_eq!(kept(&[]).as_deref(), Some("serve"));
    assert_eq!(kept(&["tpu", "serve"]).as_deref(), Some("serve,tpu"));
    assert_eq!(kept(&["gpu"]), None);
}
