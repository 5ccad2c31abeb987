//! What twice as large a file takes: at most two and a half times as much, of fields gone over, of contents read and of memory.
//!
//! Each case is a file of a shape in which two counts may be multiplied: nodes that all take something of all others, keys of an
//! index for each metagraph, the long name of a function for each of its nodes. `n` is in proportion to the file's size.

use super::{DATA, INDEX};
use crate::targets::taken::assert_bounded;
use smaudit::input::{Finder, Limits, Model};
use smaudit::internals::meter::{self, Taken, measured};
use smaudit::progress::Silent;
use smaudit::report::{Format, Report, View};
use smaudit::{Dimension, Options, audit, why};
use support::archive::{gzip, tar};
use support::bundle::{BundleBuilder, index};
use support::graph::{call, func, function_of, graph_of, node_of, object, objects, saver, signature, strings};
use support::random::Random;
use support::table::{TableBuilder, slice_key};
use support::wire::{Message, constant, graph, message, meta_graph, node, saved_model, varint};

pub(super) type Files = Vec<(String, Vec<u8>)>;

/// What of anything is no growth: what an audit takes of a model of nothing, and steps in which lists grow.
const LITTLE: Taken = Taken { fields: 20_000, bytes: 1 << 20, allocated: 4 << 20 };

/// Audits a model of these files by two dimensions, and writes it in each format.
fn taken(files: Files) -> (u64, Taken) {
    let bytes = files.iter().map(|(_, contents)| contents.len() as u64).sum();
    let model = Model::in_memory("grown", files.into_iter().map(|(name, contents)| (name, contents.into())));
    let by = vec![Dimension::Function, Dimension::Node];
    let options = Options { by, verify: true, digests: true, file_digests: true, ..Options::default() };
    let (_, taken) = measured(|| {
        let mut report = Report::new();
        report.models.push(audit(&model, &options, &Silent).expect("the books balance"));
        for format in Format::ALL {
            format.write(&report, &View::default(), &mut std::io::sink()).expect("nothing can be written to");
        }
        for name in ["y", "f", "no such name"] {
            why(&model, name, &Silent).expect("the books balance");
        }
    });
    (bytes, taken)
}

#[track_caller]
fn assert_grows_with_the_file(case: &str, n: usize, make: impl Fn(usize) -> Files) {
    assert_taken_grows(case, taken(make(n)), taken(make(2 * n)));
}

#[track_caller]
pub(super) fn assert_taken_grows(case: &str, (bytes, once): (u64, Taken), (twice_bytes, twice): (u64, Taken)) {
    if !meter::COUNTS {
        return;
    }
    assert!(twice_bytes * 10 <= bytes * 22, "{case}: {twice_bytes} is not twice as much as {bytes}");
    for (what, once, twice, little) in [
        ("fields", once.fields, twice.fields, LITTLE.fields),
        ("bytes of contents", once.bytes, twice.bytes, LITTLE.bytes),
        ("bytes of memory", once.allocated, twice.allocated, LITTLE.allocated),
    ] {
        assert!(twice <= once * 5 / 2 + little, "{case}: {once} {what} for {bytes} bytes, {twice} for {twice_bytes}");
    }
    assert_bounded(twice_bytes, twice);
}

fn main_file(main: &Message) -> Files {
    vec![("saved_model.pb".to_owned(), main.0.clone())]
}

/// A model of one metagraph with these nodes, of which a signature gives the first.
pub(super) fn of_nodes(nodes: &[Message]) -> Files {
    of(nodes, &[], message())
}

pub(super) fn of(nodes: &[Message], functions: &[Message], rest: Message) -> Files {
    let graph = meta_graph(&["serve"], &graph_of(nodes, functions)).raw(&rest.0);
    main_file(&saved_model([&signature(graph, "s", &[], &["y"])]))
}

pub(super) fn with(mut files: Files, bundle: BundleBuilder) -> Files {
    files.extend(bundle.files());
    files
}

pub(super) fn named(count: usize, name: impl Fn(usize) -> String) -> Vec<String> {
    (0..count).map(name).collect()
}

pub(super) fn refs(names: &[String]) -> Vec<&str> {
    names.iter().map(String::as_str).collect()
}

/// The root: for counts that the file has the product of.
fn root(n: usize) -> usize {
    n.isqrt()
}

fn different(number: usize, bytes: usize) -> Vec<u8> {
    (0..bytes).map(|at| (at * 31 + number * 17 + (at * number) / 7) as u8).collect()
}

#[test]
fn nodes_that_take_very_much() {
    let y = || node("y", "NoOp");
    assert_grows_with_the_file("a call with many inputs of one constant, its op behind them", 4_000, |n| {
        let call = (0..n).fold(message().bytes(1, "y"), |node, _| node.bytes(3, "c")).bytes(2, "f");
        let arguments = named(n, |at| format!("a{at}"));
        of(&[constant("c", &different(1, 1100)), call], &[function_of("f", &refs(&arguments), &[])], message())
    });
    assert_grows_with_the_file("ties of a restore to handles", 60, |n| {
        let key = "k".repeat(n * 20);
        let handles = named(16, |at| format!("h{at}"));
        let mut nodes: Vec<Message> = handles.iter().map(|name| node(name, "VarHandleOp")).collect();
        nodes.extend([strings("names", &[&key]), strings("slices", &[""]), node("file", "Placeholder"), y()]);
        nodes.push(node_of("r", "RestoreV2", &["file", "names", "slices"]));
        let inputs: Vec<&str> = refs(&handles).into_iter().chain(["r:0"; 16]).collect();
        let assigns = named(n, |at| format!("as{at}"));
        nodes.extend(assigns.iter().map(|name| node_of(name, "Assign", &inputs)));
        let controls = named(n, |at| format!("^as{at}"));
        nodes.push(node_of("all", "NoOp", &refs(&controls)));
        of(&nodes, &[], message().message(3, &message().bytes(1, "file").bytes(3, "all")))
    });
    assert_grows_with_the_file("savers that share one constant of names", 1_500, |n| {
        let mut nodes = vec![y(), node("opt", "VarHandleOp"), strings("names", &vec!["opt"; n])];
        nodes.extend((0..n).map(|at| node_of(&format!("sv{at}"), "SaveV2", &["p", "names", &format!("s{at}")])));
        with(of_nodes(&nodes), BundleBuilder::default().tensor("opt", &different(1, 9000)))
    });
    assert_grows_with_the_file("outputs of one node, each of which depends on all of its inputs", 1_500, |n| {
        let ids = vec!["one"; n];
        let mut nodes = vec![y(), node("v", "VarHandleOp"), constant("one", &[1; 8]), node_of("c", "ConcatV2", &ids)];
        nodes.extend((0..n).map(|at| node_of(&format!("g{at}"), "ResourceGather", &["v", &format!("c:{at}")])));
        let gathers = named(n, |at| format!("^g{at}"));
        nodes[0] = node_of("y", "NoOp", &refs(&gathers));
        with(of_nodes(&nodes), BundleBuilder::default().tensor("v", &different(1, 9000)))
    });
    assert_grows_with_the_file("a handle among the inputs of a node with many branches", 1_500, |n| {
        let branches = (0..n).fold(message(), |list, at| list.message(9, &message().bytes(1, format!("f{}", at % 9))));
        let many = vec!["v"; n];
        let case = node_of("y", "Case", &many).entry(5, "branches", &message().message(1, &branches));
        let functions: Vec<Message> = (0..9).map(|at| function_of(&format!("f{at}"), &["a"], &[])).collect();
        let files = of(&[node("v", "VarHandleOp"), case], &functions, message());
        with(files, BundleBuilder::default().tensor("v", &different(1, 9000)))
    });
    assert_grows_with_the_file("variables that are given to all calls of a function", 3_000, |n| {
        let count = root(n);
        let arguments = named(count, |at| format!("a{at}"));
        let mut nodes: Vec<Message> = (0..count).map(|at| node(&format!("v{at}"), "VarHandleOp")).collect();
        nodes.extend((0..count).map(|number| {
            let inputs = named(count, |at| format!("v{}", (at + number) % count));
            call(&format!("c{number}"), "f", &refs(&inputs))
        }));
        nodes.push(node_of("y", "NoOp", &refs(&named(count, |at| format!("^c{at}")))));
        let reads: Vec<Message> =
            arguments.iter().map(|name| node_of(&format!("r_{name}"), "ReadVariableOp", &[name])).collect();
        let bundle = (0..count)
            .fold(BundleBuilder::default(), |bundle, at| bundle.tensor(&format!("v{at}"), &different(at, 1100)));
        with(of(&nodes, &[function_of("f", &refs(&arguments), &reads)], message()), bundle)
    });
    assert_grows_with_the_file("control inputs of all nodes before", 3_000, |n| {
        let inputs = |at: usize| named(40.min(at), |back| format!("^n{}", at - back - 1));
        let mut nodes: Vec<Message> =
            (0..n / 10).map(|at| node_of(&format!("n{at}"), "NoOp", &refs(&inputs(at)))).collect();
        nodes.push(node_of("y", "NoOp", &[&format!("^n{}", n / 10 - 1)]));
        of_nodes(&nodes)
    });
    assert_grows_with_the_file("attributes and inputs of one node", 3_000, |n| {
        let inputs = named(n, |at| format!("x{at}"));
        let wide = (0..n).fold(node_of("y", "NoOp", &refs(&inputs)), |node, at| {
            node.entry(5, &format!("k{at}"), &message().bytes(2, "v"))
        });
        of(std::slice::from_ref(&wide), &[function_of("f", &refs(&inputs), std::slice::from_ref(&wide))], message())
    });
}

#[test]
fn metagraphs_beside_metagraphs_and_tensors() {
    let collection = |name: String| message().bytes(1, name);
    assert_grows_with_the_file("pairs of which each has an element of its own", 3_000, |n| {
        let count = root(n);
        let of = |own: usize| {
            let others = (0..count).filter(|other| *other != own);
            others.fold(message(), |graph, other| graph.bytes(6, format!("{}", own.min(other) * 1000 + own.max(other))))
        };
        main_file(&saved_model(&(0..count).map(of).collect::<Vec<_>>()))
    });
    assert_grows_with_the_file("pairs of which all share what the first has", 3_000, |n| {
        let of = |own: usize| (0..=own).fold(message(), |graph, at| graph.message(4, &collection(at.to_string())));
        main_file(&saved_model(&(0..root(n)).map(of).collect::<Vec<_>>()))
    });
    assert_grows_with_the_file("variables of many metagraphs, and tensors of none", 1_200, |n| {
        let graphs: Vec<Message> = (0..n / 4)
            .map(|at| {
                let handle = node(&format!("v{at}"), "VarHandleOp");
                signature(
                    meta_graph(&[&format!("t{at}"), "serve"], &graph(&[node("y", "NoOp"), handle])),
                    "s",
                    &[],
                    &["y"],
                )
            })
            .collect();
        let bundle =
            (0..n).fold(BundleBuilder::default(), |bundle, at| bundle.tensor(&format!("v{at}"), &[1, 2, 3, 4]));
        with(main_file(&saved_model(&graphs)), bundle)
    });
    assert_grows_with_the_file("functions of many metagraphs", 4_000, |n| {
        let of = |at: usize| {
            let functions = named(20, |number| format!("f{at}_{number}"));
            let functions: Vec<Message> = functions.iter().map(|name| function_of(name, &["a"], &[])).collect();
            signature(meta_graph(&[&format!("t{at}")], &graph_of(&[node("y", "NoOp")], &functions)), "s", &[], &["y"])
        };
        main_file(&saved_model(&(0..n / 20).map(of).collect::<Vec<_>>()))
    });
    assert_grows_with_the_file("gradients beside metagraphs", 20_000, |n| {
        let gradients =
            message().message(2, &message().raw(&[0x12, 0].repeat(n)).messages(1, &[function_of("f", &[], &[])]));
        let others = (0..100).map(|at| meta_graph(&[], &graph_of(&[], &[function_of(&format!("f{at}"), &[], &[])])));
        let all: Vec<Message> = [message().message(2, &gradients)].into_iter().chain(others).collect();
        main_file(&saved_model(&all))
    });
    assert_grows_with_the_file("assets that are missing, of a metagraph with a long tag", 1_000, |n| {
        let asset = |at: usize| message().message(1, &message().bytes(1, "y:0")).bytes(2, format!("a{at}"));
        let assets = (0..n).fold(message(), |rest, at| rest.message(6, &asset(at)));
        main_file(&saved_model([&meta_graph(&["serve", &"t".repeat(n)], &graph(&[node("y", "NoOp")])).raw(&assets.0)]))
    });
}

#[test]
fn a_long_name_of_many_things() {
    let long = |n: usize| "F".repeat(n * 20);
    assert_grows_with_the_file("a function of many nodes", 1_000, |n| {
        let nodes: Vec<Message> = (0..n).map(|at| node(&format!("n{at}"), "NoOp")).collect();
        of(&[node("y", "NoOp")], &[function_of(&long(n), &[], &nodes)], message())
    });
    assert_grows_with_the_file("a function of many equal constants", 60, |n| {
        let nodes: Vec<Message> = (0..n).map(|at| constant(&format!("c{at}"), &different(1, 1100))).collect();
        of(&[node("y", "NoOp")], &[function_of(&long(n), &[], &nodes)], message())
    });
    assert_grows_with_the_file("keys of an index with one beginning", 1_000, |n| {
        let entry = |at: usize| (format!("{}{at:08}", "k".repeat(300)), message().int(1, 1).int(5, 4));
        let table = TableBuilder::new().restart_interval(usize::MAX).entry("", message().int(1, 1).0);
        let table = (0..n).map(entry).fold(table, |table, (key, entry)| table.entry(key, entry.0));
        let main = of_nodes(&[node("y", "NoOp")]);
        [main, vec![(INDEX.to_owned(), table.build()), (DATA.to_owned(), vec![1; 4])]].concat()
    });
}

#[test]
fn functions_that_call_each_other() {
    let calls = |body: &dyn Fn(usize) -> Vec<usize>, n: usize| {
        let function = |number: usize| {
            let nodes = body(number).into_iter().enumerate();
            let nodes: Vec<Message> =
                nodes.map(|(at, to)| call(&format!("c{at}"), &format!("f{to}"), &["a"])).collect();
            function_of(&format!("f{number}"), &["a"], &nodes)
        };
        of(&[call("y", "f0", &[])], &(0..n).map(function).collect::<Vec<_>>(), message())
    };
    assert_grows_with_the_file("a chain", 1_500, |n| calls(&|number| vec![number + 1], n));
    assert_grows_with_the_file("a ring", 1_500, |n| calls(&|number| vec![(number + 1) % n], n));
    assert_grows_with_the_file("a net of two calls each", 1_024, |n| {
        calls(&|at| vec![2 * at % n, (2 * at + 1) % n], n)
    });
    assert_grows_with_the_file("many calls of one", 1_000, |n| {
        calls(&|at| if at == 0 { Vec::new() } else { vec![0; 9] }, n / 9)
    });
    assert_grows_with_the_file("loops that were unrolled", 1_500, |n| {
        let nodes: Vec<Message> = (0..n)
            .flat_map(|at| {
                let before = at.checked_sub(1).map_or_else(|| "x".to_owned(), |before| format!("m{before}:o:0"));
                [
                    node_of(&format!("r{at}"), "Read", &["w"]),
                    node_of(&format!("m{at}"), "Mul", &[&format!("r{at}:o:0"), &before]),
                ]
            })
            .collect();
        of(&[node("y", "NoOp")], &[function_of("f", &["x", "w"], &nodes)], message())
    });
}

#[test]
fn roots_and_what_they_lead_to() {
    assert_grows_with_the_file("signatures along a chain", 1_500, |n| {
        let nodes: Vec<Message> =
            (0..n).map(|at| node_of(&format!("n{at}"), "NoOp", &[&format!("n{}", at + 1)])).collect();
        let graph = meta_graph(&["serve"], &graph(&nodes));
        let all =
            (0..64).fold(graph, |graph, at| signature(graph, &format!("s{at}"), &[], &[&format!("n{}", at * 7 % n)]));
        main_file(&saved_model([&all]))
    });
    assert_grows_with_the_file("signatures that give all that the others give", 6_000, |n| {
        let outputs = named(root(n), |at| format!("n{at}"));
        let nodes: Vec<Message> = outputs.iter().map(|name| node(name, "NoOp")).collect();
        let graph = meta_graph(&["serve"], &graph(&nodes));
        let all = (0..root(n)).fold(graph, |graph, at| signature(graph, &format!("s{at}"), &[], &refs(&outputs)));
        main_file(&saved_model([&all]))
    });
    assert_grows_with_the_file("objects with children all over", 1_500, |n| {
        let children =
            |at: usize| (0..5).map(move |child| ("c", ((at * 7919 + child * 613) % n) as u64)).collect::<Vec<_>>();
        let all: Vec<Message> = (0..n).map(|at| object(4, &message(), &children(at))).collect();
        of(&[node("y", "NoOp")], &[], message().message(7, &objects(&all, &[])))
    });
    assert_grows_with_the_file("function objects that share their traces", 3_000, |n| {
        let traces = named(root(n), |at| format!("f{at}"));
        let functions: Vec<Message> =
            traces.iter().map(|name| function_of(name, &["a"], &[node("x", "NoOp")])).collect();
        let of_object = traces.iter().fold(message(), |object, name| object.bytes(1, name));
        let children: Vec<(&str, u64)> = (1..=traces.len() as u64).map(|number| ("c", number)).collect();
        let all = [vec![object(4, &message(), &children)], vec![object(6, &of_object, &[]); traces.len()]].concat();
        let concrete: Vec<(&str, &[u8])> = traces.iter().map(|name| (&**name, &b""[..])).collect();
        of(&[node("y", "NoOp")], &functions, message().message(7, &objects(&all, &concrete)))
    });
    assert_grows_with_the_file("a resource in many slices, and many handles", 400, |n| {
        let slice = |at: usize| (slice_key("v", &[(at as i64, 1)]), message().int(1, 1).int(5, 4));
        let slices = (0..n).fold(message().int(1, 1), |entry, at| {
            entry.message(7, &message().message(1, &message().int(1, at as u64).int(2, 1)))
        });
        let mut entries: Vec<(Vec<u8>, Message)> = (0..n).map(slice).collect();
        entries.push((b"v".to_vec(), slices));
        entries.sort_by(|a, b| a.0.cmp(&b.0));
        let table = TableBuilder::new().entry("", message().int(1, 1).0);
        let table = entries.into_iter().fold(table, |table, (key, entry)| table.entry(key, entry.0));
        let mut nodes: Vec<Message> = (0..n).map(|at| node(&format!("h{at}"), "VarHandleOp")).collect();
        nodes.extend(saver("h0", "v", ""));
        nodes.push(node("y", "NoOp"));
        [of_nodes(&nodes), vec![(INDEX.to_owned(), table.build()), (DATA.to_owned(), vec![1; 4])]].concat()
    });
}

#[test]
fn a_variable_of_many_slices_and_many_handles() {
    assert_grows_with_the_file("all of one shared name", 600, |n| {
        let slice =
            |at: usize| (slice_key("v", &[(at as i64, 1)]), message().int(1, 1).int(4, 4 * at as u64).int(5, 4));
        let shape = message().message(2, &message().int(1, n as u64));
        let whole = (0..n).fold(message().int(1, 1).message(2, &shape), |entry, at| {
            entry.message(7, &message().message(1, &message().int(1, at as u64).int(2, 1)))
        });
        let mut entries: Vec<(Vec<u8>, Message)> = (0..n).map(slice).collect();
        entries.push((b"v".to_vec(), whole));
        entries.sort_by(|a, b| a.0.cmp(&b.0));
        let table = TableBuilder::new().entry("", message().int(1, 1).0);
        let table = entries.into_iter().fold(table, |table, (key, entry)| table.entry(key, entry.0));
        let shared = message().bytes(2, "v");
        let handle = |at: usize| node(&format!("h{at}"), "VarHandleOp").entry(5, "shared_name", &shared);
        let read = |at: usize| node_of(&format!("r{at}"), "ReadVariableOp", &[&format!("h{at}")]);
        let mut nodes: Vec<Message> = (0..n).flat_map(|at| [handle(at), read(at)]).collect();
        nodes.push(node_of("y", "AddN", &refs(&named(n, |at| format!("r{at}")))));
        let data = different(1, 4 * n);
        [of_nodes(&nodes), vec![(INDEX.to_owned(), table.build()), (DATA.to_owned(), data)]].concat()
    });
}

#[test]
fn objects_that_share_what_they_have() {
    assert_grows_with_the_file("objects of Keras that have one attribute of many children", 800, |n| {
        let user = |identifier: &str, children: &[(&str, u64)]| object(4, &message().bytes(1, identifier), children);
        let names = named(n, |at| format!("c{at}"));
        let children: Vec<(&str, u64)> = names.iter().map(String::as_str).zip(1..).collect();
        let api = n as u64 + 1;
        let mut all = vec![user("", &children)];
        all.extend((0..n).map(|_| user("_tf_keras_layer", &[("keras_api", api)])));
        all.push(user("", &children));
        of(
            &[node("y", "NoOp")],
            &[function_of("f", &[], &[node("x", "NoOp")])],
            message().message(7, &objects(&all, &[])),
        )
    });
}

#[test]
fn wrappers_that_share_a_layer() {
    assert_grows_with_the_file("of very many objects, and very many weights", 700, |n| {
        let user = |children: &[(&str, u64)]| object(4, &message().bytes(1, "_tf_keras_layer"), children);
        let names = named(n, |at| format!("c{at}"));
        let from = |first: u64| names.iter().map(String::as_str).zip(first..).collect::<Vec<(&str, u64)>>();
        let (layer, list, mask) = (n as u64 + 1, n as u64 + 2, n as u64 + 3);
        let wrapper = [
            ("layer", layer),
            ("pruning_vars", list),
            ("prunable_weights", list),
            ("mask", mask),
            ("threshold", mask),
            ("pruning_step", mask),
        ];
        let variable = object(7, &message().int(1, 1), &[]);
        let all = [
            vec![user(&from(1))],
            vec![user(&wrapper); n],
            vec![user(&from(mask + 1)), user(&from(mask + 1)), variable],
            vec![user(&[]); n],
        ];
        let keys = vec![""; mask as usize].into_iter().chain(["mask"]).chain(vec![""; n]).collect::<Vec<_>>();
        let bundle = BundleBuilder::default().tensor("mask", &[1; 4]);
        let bundle = bundle.string("_CHECKPOINTABLE_OBJECT_GRAPH", &support::graph::tracked(&keys).0);
        with(of(&[node("y", "NoOp")], &[], message().message(7, &objects(&all.concat(), &[]))), bundle)
    });
}

#[test]
fn contents_that_are_nearly_alike() {
    assert_grows_with_the_file("tensors of one length and one checksum that differ at their ends", 60, |n| {
        let content = |at: usize| [vec![1; 4092], (at as u32).to_be_bytes().to_vec()].concat();
        let add = |bundle: BundleBuilder, at: usize| bundle.tensor_with_crc(&format!("t{at:04}"), &content(at), 5);
        with(of_nodes(&[node("y", "NoOp")]), (0..n).fold(BundleBuilder::default(), add))
    });
    assert_grows_with_the_file("constants that are nearly zero", 60, |n| {
        let content = |at: usize| [vec![0; 4092], (at as u32).to_be_bytes().to_vec()].concat();
        let nodes: Vec<Message> = (0..n).map(|at| constant(&format!("c{at}"), &content(at))).collect();
        of_nodes(&nodes)
    });
    assert_grows_with_the_file("variables of one content, of which a function has captured half", 1_000, |n| {
        let keys = named(n, |at| format!("v{at}/.ATTRIBUTES/VARIABLE_VALUE"));
        let children: Vec<(String, u64)> = (0..n).map(|at| (format!("v{at}"), at as u64 + 1)).collect();
        let children: Vec<(&str, u64)> = children.iter().map(|(name, number)| (&**name, *number)).collect();
        let root = object(4, &message().bytes(1, "root"), &children);
        let all = [vec![root], vec![object(7, &message().int(1, 1), &[]); n]].concat();
        let bound = message().bytes(2, (1..=n / 2).flat_map(|at| varint(at as u64)).collect::<Vec<u8>>()).0;
        let tracked = support::graph::tracked(&[&[""][..], &refs(&keys)].concat());
        let bundle =
            keys.iter().fold(BundleBuilder::default(), |bundle, key| bundle.tensor(key, &[1, 2, 3, 4].repeat(80)));
        let function = function_of("f", &refs(&named(n / 2, |at| format!("a{at}"))), &[]);
        let files = of(&[call("y", "f", &[])], &[function], message().message(7, &objects(&all, &[("f", &bound)])));
        with(files, bundle.string("_CHECKPOINTABLE_OBJECT_GRAPH", &tracked.0))
    });
    assert_grows_with_the_file("variables of one scope that are called as half of a wrapper's are", 2_000, |n| {
        let keys = named(n, |at| format!("scope/mask_{at}"));
        let bundle = keys.iter().fold(BundleBuilder::default(), |bundle, key| bundle.tensor(key, &[1; 4]));
        with(of_nodes(&[node("y", "NoOp")]), bundle)
    });
    assert_grows_with_the_file("one string very often", 20_000, |n| {
        let table = node_of("y", "LookupTableImportV2", &["h", "v", "v"]);
        of_nodes(&[strings("v", &vec!["a"; n]), node("h", "HashTableV2"), table])
    });
    assert_grows_with_the_file("nodes and assets of one name", 2_000, |n| {
        let asset = message().message(1, &message().bytes(1, "a:0")).bytes(2, "a");
        let assets = (0..n).fold(message(), |rest, _| rest.message(6, &asset));
        of(&vec![node_of("a", "Op", &["a"]); n], &[], assets)
    });
    assert_grows_with_the_file("functions in attributes of functions", 500, |n| {
        let attribute = (0..20.min(n))
            .fold(func("f"), |inner, _| message().message(10, &message().bytes(1, "f").entry(2, "k", &inner)));
        let nodes: Vec<Message> = (0..n).map(|at| node(&format!("n{at}"), "NoOp").entry(5, "a", &attribute)).collect();
        of(&[node("y", "NoOp")], &[function_of("f", &[], &nodes)], message())
    });
}

/// Overlapping tensors of two models of a tree: each byte is in thousands of them, and may not be read for each.
#[test]
fn tensors_that_overlap_between_models() {
    let taken = |n: usize| {
        let data = different(3, n * 200);
        let size = data.len() - n;
        let entry = |at: usize| message().int(1, 4).int(4, at as u64).int(5, size as u64);
        let entries: Vec<(String, Message)> = (0..n).map(|at| (format!("t{at:06}"), entry(at))).collect();
        let entries: Vec<(&str, Message)> = entries.iter().map(|(key, entry)| (&**key, entry.clone())).collect();
        let files =
            |main: Files| [main, vec![(INDEX.to_owned(), index(&entries)), (DATA.to_owned(), data.clone())]].concat();
        let models: Vec<Model> = ["a", "b"]
            .into_iter()
            .map(|name| {
                let all = files(of_nodes(&[node("y", "NoOp")])).into_iter();
                Model::in_memory(name, all.map(|(name, contents)| (name, contents.into())))
            })
            .collect();
        let (_, taken) = measured(|| smaudit::neighbours(&models, 1024, &Silent));
        (models.iter().map(Model::bytes).sum(), taken)
    };
    assert_taken_grows("two models", taken(100), taken(200));
}

/// Headers for long names each of which claims all that is behind it.
#[test]
fn headers_of_an_archive_that_claim_the_rest() {
    let taken = |n: usize| {
        let main = of_nodes(&[node("y", "NoOp")]);
        let mut file = tar(&[("saved_model.pb", &main[0].1)]);
        file.truncate(file.len() - 1024);
        for at in 0..n {
            let mut header = tar::Header::new_gnu();
            header.set_path("././@LongLink").expect("a short path");
            header.set_entry_type(tar::EntryType::GNULongName);
            header.set_size(((n - at) * 512) as u64);
            header.set_cksum();
            file.extend(header.as_bytes());
        }
        let bytes = file.len() as u64;
        let (_, taken) = measured(|| {
            let plain = Finder::new(Limits::default(), &Silent).find_in(file.clone().into(), "tar");
            let packed = Finder::new(Limits::default(), &Silent).find_in(gzip(&file).into(), "tar.gz");
            (plain.is_ok(), packed.is_ok())
        });
        (bytes, taken)
    };
    assert_taken_grows("long names", taken(300), taken(600));
}

/// Any shape at all: what the rules of the fuzz target make of random numbers.
#[test]
fn models_of_random_shape() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for _ in 0..24 {
        let rules: Vec<u8> = (0..60).map(|_| (random.number() >> 32) as u8).collect();
        let outcome = std::panic::catch_unwind(|| crate::targets::model(&rules));
        assert!(outcome.is_ok(), "{rules:?}");
    }
}
