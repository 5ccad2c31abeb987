use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::charge::MainFile;
use crate::identity::TensorId;
use crate::input::Model;
use crate::ledger::{Dimension, Ledger};
use crate::problem::Problem;
use crate::progress::Silent;
use crate::support::bundle::{BundleBuilder, bytes_entry, index, string_entry};
use crate::support::graph::{
    call, collection, func, function_of, graph_of, node_of, object, objects, saver, signature, strings, tracked,
};
use crate::support::table::{TableBuilder, slice_key, string_tensor};
use crate::support::wire::{Message, message, meta_graph, node, saved_model};
use crate::wire::Layout;

/// A checkpoint of files.
fn checkpoint(files: Vec<(String, Vec<u8>)>) -> Checkpoint {
    let sizes: Vec<(String, u64)> = files.iter().map(|(name, bytes)| (name.clone(), bytes.len() as u64)).collect();
    let open = |name: &str| {
        let found = files.iter().find(|(file, _)| file == name);
        found.map(|(_, bytes)| Bytes::from(bytes.clone())).ok_or_else(|| Problem::of_file(name, "is not there"))
    };
    Checkpoint::read(&sizes, open).unwrap()
}

/// A checkpoint of keys with so many bytes.
fn keys(tensors: &[(&str, usize)]) -> Checkpoint {
    let add = |bundle: BundleBuilder, (key, bytes): &(&str, usize)| bundle.tensor(key, &vec![1; *bytes]);
    checkpoint(tensors.iter().fold(BundleBuilder::default(), add).files().into())
}

/// What metagraphs reach, and the names of it: for each the roots with `reachable` and `exclusive`, and the vertices.
struct Found {
    reached: Vec<Vec<String>>,
    called: Vec<String>,
    bytes: Vec<Vec<(Option<u64>, Option<u64>)>>,
    bound: Vec<Bound>,
    paths: Vec<Vec<String>>,
    followed: usize,
}

/// A model as it is charged, with its notes.
fn charged(model: &[u8]) -> outline::SavedModel {
    let model = Model::in_memory("model", [("saved_model.pb".to_owned(), Bytes::copy_from_slice(model))]);
    let mut ledger = Ledger::new(&[Dimension::Op, Dimension::Function]);
    crate::charge::charge_model(&model, MainFile::open(&model).as_ref(), None, &mut ledger, &Silent).unwrap()
}

/// A metagraph of whose nodes nothing is known.
fn unknown(charged: &outline::MetaGraph) -> MetaGraph<'_> {
    MetaGraph { referring: None, referring_in_functions: None, ..MetaGraph::from(charged) }
}

fn find(graphs: &[Message], checkpoint: Option<&Checkpoint>) -> Found {
    let model = saved_model(graphs).0;
    let asset_bytes = &|name: &str| if name == "words.txt" { 1000 } else { 0 };
    let (layout, progress) = (&Layout::Wire, &Silent);
    let inputs = |meta_graphs| Inputs { file: &model, layout, meta_graphs, checkpoint, asset_bytes, progress };
    let charged = charged(&model);
    let meta_graphs: Vec<MetaGraph<'_>> = charged.meta_graphs.iter().map(unknown).collect();
    let of_charged: Vec<MetaGraph<'_>> = charged.meta_graphs.iter().map(MetaGraph::from).collect();
    let (reach, again) = (reach(&inputs(&meta_graphs)), reach(&inputs(&of_charged)));
    for (graph, again) in reach.meta_graphs.iter().flatten().zip(again.meta_graphs.iter().flatten()) {
        assert_eq!((&graph.roots, &graph.reached), (&again.roots, &again.reached), "as noted when it was charged");
        // Whether nodes are resolved as they are declared, or all of them later.
        assert_eq!(graph.edges, again.edges);
    }
    let names = |graph: &MetaGraphReach<'_>, wanted: &dyn Fn(u32) -> bool| -> Vec<String> {
        let shown = |kind: VertexKind| !matches!(kind, VertexKind::Object | VertexKind::Resource);
        graph.kinds().filter(|(n, kind)| shown(*kind) && wanted(*n)).map(|(n, _)| graph.name(n)).collect()
    };
    let graphs = || reach.meta_graphs.iter().flatten();
    let path = |graph: &MetaGraphReach<'_>, paths: &Paths<'_, '_>, vertex: u32| {
        let steps = paths.to(vertex).map(|(_, steps)| steps).unwrap_or_default();
        steps.iter().map(|step| graph.name(step.vertex)).collect::<Vec<_>>().join(" > ")
    };
    Found {
        reached: graphs().map(|graph| names(graph, &|n| graph.is_reached(n))).collect(),
        called: graphs().flat_map(|graph| names(graph, &|n| graph.is_called(n))).collect(),
        bytes: graphs()
            .map(|graph| graph.roots.iter().map(|root| (root.reachable_bytes, root.exclusive_bytes)).collect())
            .collect(),
        bound: graphs().next().map(MetaGraphReach::bound).unwrap_or_default(),
        paths: graphs()
            .map(|graph| {
                let paths = graph.paths();
                graph.kinds().take(100).map(|(n, _)| path(graph, &paths, n)).filter(|path| !path.is_empty()).collect()
            })
            .collect(),
        followed: graphs().count(),
    }
}

/// What a signature with the output `y` reaches in a graph, sorted.
fn reached(nodes: &[Message], functions: &[Message]) -> Vec<String> {
    let graph = signature(meta_graph(&[], &graph_of(nodes, functions)), "serve", &[], &["y:0"]);
    let mut names = find(&[graph], None).reached.remove(0);
    names.sort();
    names
}

#[test]
fn inputs_and_control_inputs_are_followed_and_nothing_else_of_the_graph() {
    let nodes = [
        node_of("y", "Add", &["a:1", "b"]),
        node_of("a", "Split", &["^c"]),
        node("b", "Const"),
        node("c", "NoOp"),
        node_of("gradient", "Mul", &["y"]),
    ];
    assert_eq!(reached(&nodes, &[]), ["a", "b", "c", "y"]);
}

#[test]
fn a_function_is_called_by_an_op_of_its_name_an_attribute_or_a_list_of_them() {
    let list = message().message(1, &message().message(9, &message().bytes(1, "listed")));
    let nested = message().message(10, &message().bytes(1, "outer").entry(2, "g", &func("inner")));
    let nodes = [
        node_of("y", "op", &["a", "b", "c"]),
        call("a", "attribute", &[]),
        node("b", "Case").entry(5, "branches", &list),
        node("c", "Map").entry(5, "f", &nested),
    ];
    let names = ["op", "attribute", "listed", "outer", "inner", "unused"];
    let functions: Vec<Message> = names.iter().map(|name| function_of(name, &[], &[])).collect();
    let found = reached(&nodes, &functions);
    assert_eq!(found, ["a", "attribute", "b", "c", "inner", "listed", "op", "outer", "y"]);
}

#[test]
fn functions_that_call_each_other_or_themselves_are_reached_once() {
    let functions =
        [function_of("f", &[], &[call("c", "g", &[]), call("d", "f", &[])]), function_of("g", &[], &[node("c", "f")])];
    assert_eq!(reached(&[call("y", "f", &[])], &functions), ["f", "g", "y"]);
}

#[test]
fn names_that_nothing_has_lead_nowhere() {
    let nodes = [node_of("y", "Nothing", &["gone", "^gone", "", ":", "^"]).entry(5, "f", &func("gone"))];
    assert_eq!(reached(&nodes, &[]), ["y"]);
}

#[test]
fn a_cycle_and_a_long_chain_are_walked() {
    let loops = [node_of("y", "Merge", &["z"]), node_of("z", "NextIteration", &["y"])];
    assert_eq!(reached(&loops, &[]), ["y", "z"]);
    let chain: Vec<Message> =
        (0..100_000).map(|n| node_of(&format!("n{n}"), "Id", &[&format!("n{}", n + 1)])).collect();
    let graph = signature(meta_graph(&[], &graph_of(&chain, &[])), "serve", &[], &["n0"]);
    let found = find(&[graph], None);
    assert_eq!(found.reached[0].len(), 100_000);
    assert_eq!(found.bytes[0][0].0, Some(graph_of(&chain, &[]).len() as u64 - 2));
}

#[test]
fn a_variable_is_restored_from_the_key_that_its_saver_says() {
    let nodes =
        [&[node_of("y", "Identity", &["w"]), node("w", "VariableV2")][..], &saver("w", "w/average", "")].concat();
    let graph = signature(meta_graph(&[], &graph_of(&nodes, &[])), "serve", &[], &["y:0"]);
    let graph = graph.message(3, &message().bytes(3, "save/restore_all"));
    let checkpoint = keys(&[("w", 10), ("w/average", 20)]);
    let found = find(&[graph], Some(&checkpoint));
    assert_eq!(found.reached[0], ["w/average", "y", "w"]);
    assert_eq!(found.bound[1], Bound { by_graph: true, by_objects: false });
    assert!(found.paths[0].contains(&"y > w > w > w/average".to_owned()), "{:?}", found.paths);
}

#[test]
fn without_a_saver_a_variable_is_restored_under_its_own_name() {
    let handle = node("handle", "VarHandleOp").entry(5, "shared_name", &message().bytes(2, "w"));
    let graph = graph_of(&[node_of("y", "ReadVariableOp", &["handle"]), handle], &[]);
    let checkpoint = keys(&[("w", 10), ("z", 20)]);
    let found = find(&[signature(meta_graph(&[], &graph), "serve", &[], &["y:0"])], Some(&checkpoint));
    assert_eq!(found.reached[0], ["w", "y", "handle"]);
}

#[test]
fn a_part_of_a_variable_is_restored_from_its_slice_alone() {
    let nodes =
        [&[node_of("y", "Identity", &["p"]), node("p", "VariableV2")][..], &saver("p", "w", "4 2 0,2:-")].concat();
    let graph = signature(meta_graph(&[], &graph_of(&nodes, &[])), "serve", &[], &["y:0"]);
    let graph = graph.message(3, &message().bytes(3, "save/restore_all"));
    let table = TableBuilder::new()
        .entry("", message().int(1, 1).0)
        .entry(slice_key("w", &[(0, 2), (0, -1)]), bytes_entry(0, 4).0)
        .entry(slice_key("w", &[(2, 2), (0, -1)]), bytes_entry(4, 4).0)
        .entry("w", message().int(1, 4).message(7, &message()).message(7, &message()).0);
    let [(index, _), (data, _)] = BundleBuilder::default().files();
    let checkpoint = checkpoint(vec![(index, table.build()), (data, vec![0; 8])]);
    let found = find(&[graph], Some(&checkpoint));
    assert_eq!(found.reached[0], ["w [0:2, :]", "w", "y", "p"]);
}

/// A TF2 model: `serve` calls `f`, which has captured a variable, an asset and a constant; `unused` is only tracked.
fn tf2(root_children: &[(&str, u64)]) -> (Message, Checkpoint) {
    let nodes = [call("y", "f", &["x"]), node("x", "Placeholder"), node("c", "Const")];
    let functions = [function_of("f", &["x"], &[]), function_of("train", &[], &[])];
    let saved = objects(
        &[
            object(4, &message(), root_children),
            object(7, &message().bytes(6, "w"), &[]),
            object(7, &message().bytes(6, "unused"), &[]),
            object(5, &message(), &[]),
            object(9, &message().bytes(1, "c"), &[]),
            object(6, &message().bytes(1, "train"), &[]),
        ],
        &[("f", &[1, 3, 4]), ("train", &[1, 2])],
    );
    let asset = message().bytes(2, "words.txt");
    let graph = meta_graph(&["serve"], &graph_of(&nodes, &functions)).message(6, &asset).message(7, &saved);
    let tracked = tracked(&["", "w/value", "unused/value"]).0;
    let entries = [
        ("_CHECKPOINTABLE_OBJECT_GRAPH", string_entry(30, &tracked)),
        ("unused/value", bytes_entry(0, 10)),
        ("w/value", bytes_entry(10, 20)),
    ];
    let [(name, _), (data, _)] = BundleBuilder::default().files();
    let shard = [vec![0; 30], string_tensor(&[&tracked])].concat();
    let checkpoint = checkpoint(vec![(name, index(&entries)), (data, shard)]);
    (signature(graph, "serving_default", &["x:0"], &["y:0"]), checkpoint)
}

/// The first metagraph of a model as it was charged, and a checkpoint, as `look` sees it.
pub(super) fn look<T>(graph: &Message, checkpoint: Option<&Checkpoint>, look: impl Fn(&MetaGraphReach<'_>) -> T) -> T {
    let model = saved_model([graph]).0;
    let charged = charged(&model);
    let meta_graphs: Vec<MetaGraph<'_>> = charged.meta_graphs.iter().map(MetaGraph::from).collect();
    let (layout, meta_graphs) = (&Layout::Wire, &*meta_graphs);
    let asset_bytes = &|_: &str| 0;
    let inputs = Inputs { file: &model, layout, meta_graphs, checkpoint, asset_bytes, progress: &Silent };
    look(reach(&inputs).meta_graphs[0].as_ref().unwrap())
}

#[test]
fn several_keys_are_restored_into_one_handle_and_readers_of_a_variable_are_those_that_take_it() {
    let assign = |name: &str, value: &str| node_of(name, "AssignVariableOp", &["a", value]);
    let nodes = [
        node("a", "VarHandleOp"),
        strings("names", &["copy", "w"]),
        strings("slices", &["", ""]),
        node_of("restore", "RestoreV2", &["file", "names", "slices"]),
        assign("first", "restore"),
        assign("second", "restore:1"),
        node_of("save/restore_all", "NoOp", &["^first", "^second"]),
        node_of("read", "ReadVariableOp", &["a"]),
        node_of("other", "NoOp", &["^a"]),
    ];
    let graph = signature(meta_graph(&[], &graph_of(&nodes, &[])), "serve", &[], &["read:0"]);
    let graph = graph.message(3, &message().bytes(3, "save/restore_all"));
    look(&graph, Some(&keys(&[("copy", 10), ("w", 10)])), |graph| {
        let handle = graph.handles().next().unwrap();
        assert_eq!((handle.name, &*handle.tensors), (&b"a"[..], &[TensorId(0), TensorId(1)][..]));
        let restored: Vec<_> = graph.restorations().map(|found| (found.into, found.tensor)).collect();
        assert_eq!(restored, [(handle.resource, TensorId(0)), (handle.resource, TensorId(1))]);
        let users = graph.users();
        let takers = graph.takers(&users, handle.resource).map(|number| (graph.name(number), graph.op(number)));
        let of = |name: &str, op: &'static str| (name.to_owned(), op.as_bytes());
        let assigns = ["first", "second"].map(|name| of(name, "AssignVariableOp"));
        assert_eq!(takers.collect::<Vec<_>>(), [&assigns[..], &[of("read", "ReadVariableOp")]].concat());
    });
}

#[test]
fn a_handle_has_the_tensors_that_its_resource_is_restored_from() {
    let handle =
        |name: &str, shared: &str| node(name, "VarHandleOp").entry(5, "shared_name", &message().bytes(2, shared));
    let nodes = [handle("a", "w"), handle("b", "u"), handle("c", "not saved"), node("d", "NoOp")];
    let graph = signature(meta_graph(&[], &graph_of(&nodes, &[])), "serve", &[], &["b:0"]);
    let checkpoint = keys(&[("u", 10), ("w", 20)]);
    let handles = look(&graph, Some(&checkpoint), |graph| {
        let told = |handle: Handle<'_>| (handle.name.to_vec(), handle.tensors, handle.is_reached);
        graph.handles().map(told).collect::<Vec<_>>()
    });
    let told = |name: &str, tensors: &[u32], is_reached| {
        (name.as_bytes().to_vec(), tensors.iter().copied().map(TensorId).collect(), is_reached)
    };
    assert_eq!(handles, [told("a", &[1], false), told("b", &[0], true), told("c", &[], false)]);
}

#[test]
fn what_only_feeds_nodes_that_go_goes_with_them_unless_a_root_reaches_it() {
    let nodes = [
        node_of("update", "ApplyAdam", &["gradient", "gradient", "rate", "^before"]),
        node_of("gradient", "MatMul", &["loss", "y"]),
        node_of("loss", "Sub", &["y", "labels"]),
        node_of("summary", "Scalar", &["rate"]),
        node_of("to the inputs", "Identity", &["gradient"]),
        node_of("of nothing", "Identity", &["other"]),
        node("other", "Const"),
        node("labels", "Placeholder"),
        node("before", "NoOp"),
        node("rate", "Const"),
        node("y", "Op"),
    ];
    let graph = signature(meta_graph(&[], &graph_of(&nodes, &[])), "serve", &[], &["y:0"]);
    let feeds = |gone: &[&[u8]]| {
        look(&graph, None, |graph| {
            let mut feeds: Vec<Vec<u8>> =
                graph.feeds_only(|name| gone.contains(&name)).into_iter().map(<[u8]>::to_vec).collect();
            feeds.sort();
            feeds
        })
    };
    assert_eq!(feeds(&[b"update"]), [&b"before"[..], b"gradient", b"labels", b"loss"]);
    assert_eq!(feeds(&[b"update", b"summary"]).last().unwrap(), b"rate");
    assert_eq!(feeds(&[]), Vec::<Vec<u8>>::new());
}

#[test]
fn what_a_function_has_captured_is_reached_with_it() {
    let (graph, checkpoint) = tf2(&[("w", 1), ("unused", 2)]);
    let found = find(&[graph], Some(&checkpoint));
    assert_eq!(found.reached[0], ["w/value", "y", "x", "c", "f", "words.txt"]);
    assert_eq!(found.bound[2], Bound { by_graph: false, by_objects: true });
}

#[test]
fn functions_of_the_object_graph_are_a_root_that_no_signature_has() {
    let (graph, checkpoint) = tf2(&[("w", 1), ("fit", 5)]);
    let found = find(&[graph], Some(&checkpoint));
    assert!(found.reached[0].contains(&"train".to_owned()) && !found.called.contains(&"train".to_owned()));
    assert!(
        found.reached[0].contains(&"unused/value".to_owned()) && !found.called.contains(&"unused/value".to_owned())
    );
    let (graph, checkpoint) = tf2(&[("signatures", 5)]);
    assert!(!find(&[graph], Some(&checkpoint)).reached[0].contains(&"train".to_owned()));
}

/// A table that the main op fills from an asset.
fn table(main_op: &str) -> Message {
    let nodes = [
        node_of("y", "LookupTableFindV2", &["table"]),
        node("table", "HashTableV2"),
        node_of("fill", "InitializeTableFromTextFileV2", &["table", "path"]),
        node("path", "Placeholder"),
        node_of("init", "NoOp", &["^fill"]),
    ];
    let asset = message().message(1, &message().bytes(1, "path:0")).bytes(2, "words.txt");
    let graph = collection(meta_graph(&[], &graph_of(&nodes, &[])).message(6, &asset), main_op, &["init"]);
    signature(graph, "serve", &[], &["y:0"])
}

#[test]
fn a_table_is_reached_with_what_the_main_op_fills_it_from() {
    let found = find(&[table("saved_model_main_op")], None);
    assert!(found.paths[0].contains(&"y > table > table > fill > path > words.txt".to_owned()), "{:?}", found.paths);
    assert!(!found.called.contains(&"init".to_owned()) && found.reached[0].contains(&"init".to_owned()));
    let found = find(&[table("another_collection")], None);
    assert_eq!(found.reached[0], ["y", "table"]);
}

#[test]
fn an_initial_value_is_not_needed_by_who_reads_the_variable() {
    let nodes = [
        node_of("y", "Identity", &["w"]),
        node("w", "VariableV2"),
        node("value", "Const"),
        node_of("w/Assign", "Assign", &["w", "value"]),
    ];
    assert_eq!(reached(&nodes, &[]), ["w", "y"]);
}

#[test]
fn bytes_are_exclusive_where_no_other_signature_needs_them() {
    let nodes = [node_of("a", "Op", &["both"]), node_of("b", "Op", &["both"]), node("both", "Const")];
    let bytes = |node: &Message| node.len() as u64 + 2;
    let graph = meta_graph(&[], &graph_of(&nodes, &[]));
    let graph = signature(signature(graph, "one", &[], &["a"]), "two", &[], &["b"]);
    let (a, both) = (bytes(&nodes[0]), bytes(&nodes[2]));
    assert_eq!(find(&[graph], None).bytes[0], [(Some(a + both), Some(a)); 2]);
}

#[test]
fn metagraphs_share_variables_and_assets_but_no_nodes() {
    let graph = || signature(meta_graph(&[], &graph_of(&[node("w", "VariableV2")], &[])), "serve", &[], &["w"]);
    let checkpoint = keys(&[("w", 100)]);
    let node = node("w", "VariableV2").len() as u64 + 2;
    assert_eq!(find(&[graph()], Some(&checkpoint)).bytes, [[(Some(node + 100), Some(node + 100))]]);
    assert_eq!(find(&[graph(), graph()], Some(&checkpoint)).bytes, [[(Some(node + 100), Some(node))]; 2]);
}

#[test]
fn hundreds_of_signatures_are_told_apart() {
    let nodes: Vec<Message> = (0..200).map(|n| node_of(&format!("n{n:03}"), "Op", &["all"])).collect();
    let graph = graph_of(&[&nodes[..], &[node("all", "Const")]].concat(), &[]);
    let name = |n: usize| format!("n{n:03}");
    let graph = (0..200).fold(meta_graph(&[], &graph), |graph, n| signature(graph, &name(n), &[], &[&name(n)]));
    let own = nodes[0].len() as u64 + 2;
    let all = node("all", "Const").len() as u64 + 2;
    assert_eq!(find(&[graph], None).bytes[0], vec![(Some(own + all), Some(own)); 200]);
}

#[test]
fn more_signatures_than_can_be_measured_are_followed_all_the_same() {
    let graph = meta_graph(&[], &graph_of(&[node("y", "Op"), node("z", "Op")], &[]));
    let graph = (0..=MAX_SIGNATURES).fold(graph, |graph, n| signature(graph, &n.to_string(), &[], &["y"]));
    let found = find(&[graph], None);
    assert_eq!((found.bytes[0][0], &found.reached[0][..]), ((None, None), &["y".to_owned()][..]));
}

#[test]
fn a_graph_of_millions_of_empty_nodes_is_not_followed() {
    let graph = message().message(2, &message().raw(&[0x0a, 0].repeat(MAX_VERTICES + 1)));
    assert_eq!(find(&[graph], None).followed, 0);
}

#[test]
fn numbers_of_objects_and_assets_that_are_out_of_range_lead_nowhere() {
    let saved = objects(
        &[
            object(4, &message(), &[("far", 99), ("f", 1)]),
            object(6, &message().bytes(1, "f"), &[]),
            object(5, &message().int(1, 7), &[]),
        ],
        &[("f", &[2, 98, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1])],
    );
    let graph = meta_graph(&[], &graph_of(&[strings("s", &[])], &[function_of("f", &[], &[])])).message(7, &saved);
    assert_eq!(find(&[graph], None).reached[0], ["f"]);
}

#[test]
fn names_of_any_length_are_found_and_of_two_alike_the_first() {
    for name in [0, 1, 127, 128, 255, 1 << 14].map(|length| "n".repeat(length)) {
        let nodes = [node(&name, "Const"), node(&name, "Const"), node_of("y", "Op", &[&name])];
        let graph = signature(meta_graph(&[], &graph_of(&nodes, &[])), "serve", &[], &["y:0"]);
        assert_eq!(find(&[graph], None).reached[0], [&*name, "y"]);
    }
}

/// What nodes of a small graph are called: some alike, some as no node may be.
const NAMES: [&str; 8] = ["a", "b", "b", "layer/MatMul_1", "layer/MatMul_2", "a:1", "f", ""];

proptest! {
    #[test]
    fn an_input_is_the_first_node_of_its_name_wherever_that_stands(graph in prop::collection::vec((0_usize..8, prop::collection::vec((0_usize..8, 0_usize..4), 0..4), 0_usize..6), 1..12)) {
        let input = |(name, how): &(usize, usize)| match how {
            0 | 1 => NAMES[*name].to_owned(),
            2 => format!("{}:1", NAMES[*name]),
            _ => format!("^{}", NAMES[*name]),
        };
        // Of one op a resource is made, and one calls a function.
        let ops = ["Add", "Mul", "MatMul", "AddV2", "VariableV2", "f"];
        let nodes: Vec<Message> = graph.iter().map(|(name, inputs, op)| {
            let inputs: Vec<String> = inputs.iter().map(input).collect();
            let op = if *op == 5 { call(NAMES[*name], "g", &[]) } else { node(NAMES[*name], ops[*op]) };
            inputs.iter().fold(op, |node, input| node.bytes(3, input))
        }).collect();
        let functions = [function_of("f", &[], &[]), function_of("g", &[], &[])];
        let message = signature(meta_graph(&[], &graph_of(&nodes, &functions)), "serve", &[], &["a"]);
        let first = |wanted: &str| graph.iter().position(|(name, ..)| NAMES[*name] == wanted);
        let expected: Vec<Vec<(u32, EdgeKind)>> = graph.iter().map(|(_, inputs, _)| inputs.iter().filter_map(|(name, how)| {
            let name = NAMES[*name].split(':').next().unwrap_or_default();
            Some((u32::try_from(first(name)?).unwrap(), if *how == 3 { EdgeKind::Control } else { EdgeKind::Input }))
        }).collect()).collect();
        let is_input = |(_, edge): &(u32, EdgeKind)| matches!(edge, EdgeKind::Input | EdgeKind::Control);
        let found = look(&message, None, |reach| {
            reach.nodes().map(|number| reach.needs(number).filter(is_input).collect()).collect::<Vec<Vec<_>>>()
        });
        prop_assert_eq!(found, expected);
        // Compares what is found later with what is found at once.
        find(&[message], None);
    }

    #[test]
    fn sums_hold_and_what_is_not_reached_changes_nothing(inputs in prop::collection::vec(prop::collection::vec(0_usize..12, 0..4), 12), roots in prop::collection::vec(0_usize..12, 1..4)) {
        let name = |n: usize| format!("n{n:02}");
        let nodes: Vec<Message> = inputs.iter().enumerate().map(|(n, inputs)| {
            inputs.iter().fold(node(&name(n), "Op"), |node, input| node.bytes(3, name(*input)))
        }).collect();
        let graph = |nodes: &[Message]| roots.iter().enumerate().fold(meta_graph(&[], &graph_of(nodes, &[])), |graph, (n, root)| {
            signature(graph, &n.to_string(), &[], &[&name(*root)])
        });
        let found = find(&[graph(&nodes)], None);
        let sizes = |wanted: &dyn Fn(usize) -> bool| -> u64 { nodes.iter().enumerate().filter(|(n, _)| wanted(*n)).map(|(_, node)| node.len() as u64 + 2).sum() };
        // Reached by walking from each root by itself.
        let from = |root: usize| {
            let (mut seen, mut open) = ([false; 12], vec![root]);
            while let Some(n) = open.pop() {
                if !std::mem::replace(&mut seen[n], true) {
                    open.extend(&inputs[n]);
                }
            }
            seen
        };
        let walks: Vec<[bool; 12]> = roots.iter().map(|root| from(*root)).collect();
        for (position, walk) in walks.iter().enumerate() {
            let alone = |n: usize| walk[n] && !walks.iter().enumerate().any(|(other, walk)| other != position && walk[n]);
            prop_assert_eq!(found.bytes[0][position], (Some(sizes(&|n| walk[n])), Some(sizes(&alone))));
        }
        let needed = |n: &usize| walks.iter().any(|walk| walk[*n]);
        let kept: Vec<Message> = (0..12).filter(needed).map(|n| nodes[n].clone()).collect();
        prop_assert_eq!(&found.reached, &find(&[graph(&kept)], None).reached);
        prop_assert_eq!(&found.bytes, &find(&[graph(&kept)], None).bytes);
    }

    #[test]
    fn damage_is_walked_without_a_panic(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let (graph, checkpoint) = tf2(&[("w", 1), ("fit", 5)]);
        let mut bytes = graph.0;
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let found = find(&[Message(bytes)], Some(&checkpoint));
        prop_assert_eq!(found.followed, 1);
        for (all, alone) in &found.bytes[0] {
            prop_assert!(alone <= all);
        }
    }
}
