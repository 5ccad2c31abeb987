//! What planning, writing and proving a smaller model of twice the size takes, as `growth` has it for audits: objects, functions and variables of which
//! each goes with others, so that a step that looked at each with each would be found out.

use super::ADDRESS_SPACE_KIB;
use super::growth::{Files, assert_taken_grows, named, of, refs, with};
use crate::run::{binary, finished};
use smaudit::input::Model;
use smaudit::internals::meter::{Taken, measured};
use smaudit::internals::slim::{Options, plan};
use smaudit::progress::Silent;
use smaudit::report::{SlimLevel, SlimOutcome};
use support::bundle::{BundleBuilder, INDEX};
use support::files::tree;
use support::graph::{call, function_of, node_of, object, objects, strings, tracked};
use support::table::{TableBuilder, masked};
use support::wire::{Message, message, node, saved_model};

fn taken(files: Files, level: SlimLevel) -> (u64, Taken) {
    let bytes = files.iter().map(|(_, contents)| contents.len() as u64).sum();
    let model = Model::in_memory("grown", files.into_iter().map(|(name, contents)| (name, contents.into())));
    let folder = tempfile::tempdir().expect("a folder");
    let (_, taken) = measured(|| {
        let planned = plan(&model, &Options { level, ..Options::default() }, &Silent).expect("the books balance");
        assert_ne!(planned.report.outcome, SlimOutcome::Refused, "{:?}", planned.report.problems);
        if planned.report.outcome == SlimOutcome::Smaller {
            let held = planned.write(folder.path(), &Silent).expect("the disk has room");
            let written = Model::read(folder.path(), "written");
            // Models of one shape are not always such as a loader would take, which is no matter here.
            planned.prove(&written, &held, &Silent).expect("the books balance");
        }
    });
    (bytes, taken)
}

/// At the levels that rewrite the main file.
#[track_caller]
fn assert_grows(case: &str, n: usize, make: impl Fn(usize) -> Files) {
    for level in [SlimLevel::Inference, SlimLevel::Serving] {
        assert_taken_grows(case, taken(make(n), level), taken(make(2 * n), level));
    }
}

/// A model with these functions and objects, and a checkpoint that knows objects.
fn with_objects(functions: &[Message], all: &[Message], concrete: &[(&str, &[u8])]) -> Files {
    let files = of(&[node("y", "NoOp")], functions, message().message(7, &objects(all, concrete)));
    let bundle = BundleBuilder::default().tensor("v", &[1; 16]);
    with(files, bundle.string("_CHECKPOINTABLE_OBJECT_GRAPH", &tracked(&["", "v"]).0))
}

fn user(identifier: &str) -> Message {
    message().bytes(1, identifier)
}

const LIST: &str = "trackable_list_wrapper";

#[test]
fn objects_that_go_with_others() {
    assert_grows("objects of a class, each in the one before", 3_000, |n| {
        let next = |at: usize| object(4, &user("optimizer"), &[("c", (at as u64 + 1) % n as u64)]);
        with_objects(&[], &(0..n).map(next).collect::<Vec<_>>(), &[])
    });
    assert_grows("objects of a class that share a list of variables", 2_000, |n| {
        let variables: Vec<(String, u64)> = (0..n).map(|at| (format!("v{at}"), 2 + at as u64)).collect();
        let children: Vec<(&str, u64)> = variables.iter().map(|(name, number)| (&**name, *number)).collect();
        let root = object(4, &user("root"), &[("l", 1)]);
        let variable = object(7, &message().int(1, 1), &[]);
        let optimizer = object(4, &user("optimizer"), &[("l", 1)]);
        let list = object(4, &user(LIST), &children);
        with_objects(&[], &[vec![root, list], vec![variable; n], vec![optimizer; n]].concat(), &[])
    });
    assert_grows("objects that lead to each other, of which a function has captured the last", 3_000, |n| {
        let before = |at: usize| match at {
            0 => object(4, &user(""), &[]),
            at => object(4, &user(""), &[("c", at as u64 - 1)]),
        };
        let bound = message().int(2, n as u64 - 1).0;
        let all: Vec<Message> = (0..n).map(before).chain([object(6, &message().bytes(1, "f"), &[])]).collect();
        with_objects(&[function_of("f", &["a"], &[node("x", "NoOp")])], &all, &[("f", &bound[1..])])
    });
}

#[test]
fn variables_that_go_each_by_itself() {
    assert_grows("children of the root, of which no signature needs one", 2_000, |n| {
        let children: Vec<(String, u64)> = (0..n).map(|at| (format!("v{at}"), at as u64 + 1)).collect();
        let children: Vec<(&str, u64)> = children.iter().map(|(name, number)| (&**name, *number)).collect();
        let root = object(4, &user("root"), &children);
        with_objects(&[], &[vec![root], vec![object(4, &user("leaf"), &[]); n]].concat(), &[])
    });
}

#[test]
fn ops_that_are_listed_and_have_nothing_in_them() {
    let with_ops = |n: usize| {
        let info = message().bytes(4, "serve").message(2, &message().raw(&[0x0a, 0].repeat(n)));
        let graph = message().message(2, &support::wire::graph(&[node("y", "NoOp")]));
        vec![("saved_model.pb".to_owned(), saved_model([&message().message(1, &info).raw(&graph.0)]).0)]
    };
    assert_grows("each of two bytes", 20_000, with_ops);
    // What is read of one takes a hundred times as much.
    if cfg!(target_os = "linux") {
        let folder = tree(&[("model/saved_model.pb", &with_ops(1 << 19)[0].1)]);
        let limited = format!("ulimit -v {ADDRESS_SPACE_KIB} && exec \"$0\" slim model -o smaller --level inference");
        let mut command = std::process::Command::new("sh");
        command.env("MALLOC_ARENA_MAX", "1").arg("-c").arg(limited).arg(binary()).current_dir(folder.path());
        let run = finished(command.output().unwrap());
        assert_eq!(run.code, 0, "{run:#?}");
    }
}

#[test]
fn functions_of_one_interface() {
    assert_grows("each a partner of all others", 2_000, |n| {
        let names = named(n, |at| format!("f{at}"));
        let text = |text: &str| message().bytes(2, text);
        let function =
            |name: &String| function_of(name, &[], &[node("x", "NoOp")]).entry(5, "api_implements", &text("i"));
        let traces = names.iter().fold(message(), |traces, name| traces.bytes(1, name));
        let concrete: Vec<(&str, &[u8])> = names.iter().map(|name| (&**name, &b""[..])).collect();
        let all = [object(4, &user("root"), &[("f", 1)]), object(6, &traces, &[])];
        with_objects(&names.iter().map(function).collect::<Vec<_>>(), &all, &concrete)
    });
}

/// A constant that is a list of strings.
fn sized(name: &str, values: &[&str]) -> Message {
    let shape = message().message(2, &message().int(1, values.len() as u64));
    let tensor = values.iter().fold(message().int(1, 7).message(2, &shape), |tensor, it| tensor.bytes(8, it));
    node(name, "Const").entry(5, "value", &message().message(8, &tensor))
}

#[test]
fn nodes_that_restore_what_one_constant_names() {
    /// Nodes that each restore one tensor of a list of names, and set a variable to it.
    fn restored(n: usize, names: &[&str]) -> Files {
        let one = message().message(1, &message().int(6, 1));
        let mut nodes =
            vec![node("file", "Placeholder"), sized("names", names), sized("slices", &vec![""; names.len()])];
        for at in 0..n {
            let (variable, restore) = (format!("v{at}"), format!("r{at}"));
            nodes.push(node(&variable, "VariableV2"));
            nodes.push(node_of(&restore, "RestoreV2", &["file", "names", "slices"]).entry(5, "dtypes", &one));
            nodes.push(node_of(&format!("as{at}"), "Assign", &[&variable, &restore]));
        }
        nodes.push(node_of("all", "NoOp", &refs(&named(n, |at| format!("^as{at}")))));
        nodes.push(node("y", "NoOp"));
        let saver = message().message(3, &message().bytes(1, "file").bytes(3, "all"));
        let bundle = names.iter().fold(BundleBuilder::default(), |bundle, name| bundle.tensor(name, &[1; 4]));
        with(of(&nodes, &[], saver), bundle)
    }
    assert_grows("one very long name", 1_000, |n| restored(n, &["k".repeat(20 * n).as_str()]));
    assert_grows("more names than a node has outputs", 1_000, |n| restored(n, &refs(&named(n, |at| format!("k{at}")))));
}

#[test]
fn variables_that_one_node_restores() {
    assert_grows("in a session", 2_000, |n| {
        let names = named(n, |at| format!("v{at}"));
        let mut nodes: Vec<Message> = names.iter().map(|name| node(name, "VariableV2")).collect();
        let types = message().message(1, &(0..n).fold(message(), |list, _| list.int(6, 1)));
        nodes.extend([node("file", "Placeholder"), sized("names", &refs(&names)), sized("slices", &vec![""; n])]);
        nodes.push(node_of("r", "RestoreV2", &["file", "names", "slices"]).entry(5, "dtypes", &types));
        let assign = |at: usize| node_of(&format!("as{at}"), "Assign", &[&names[at], &format!("r:{at}")]);
        nodes.extend((0..n).map(assign));
        nodes.push(node_of("all", "NoOp", &refs(&named(n, |at| format!("^as{at}")))));
        nodes.push(node("y", "NoOp"));
        let saver = message().message(3, &message().bytes(1, "file").bytes(3, "all"));
        let bundle = names.iter().fold(BundleBuilder::default(), |bundle, name| bundle.tensor(name, &[1; 4]));
        with(of(&nodes, &[], saver), bundle)
    });
    assert_grows("which one item of a collection defines", 2_000, |n| {
        let names = named(n, |at| format!("v{at}"));
        let nodes: Vec<Message> =
            names.iter().map(|name| node(name, "VariableV2")).chain([strings("y", &["a"])]).collect();
        let item = names.iter().fold(message(), |item, name| item.bytes(1, format!("{name}:0")));
        let run = names.iter().fold(message(), |list, name| list.bytes(1, name));
        let rest = message().entry(4, "variables", &message().message(2, &message().bytes(1, item.0))).entry(
            4,
            "saved_model_main_op",
            &message().message(1, &run),
        );
        with(of(&nodes, &[], rest), BundleBuilder::default().tensor("t", &[1; 16]))
    });
}

/// A function that only calls another one, of `results`, and is waited for by `controls`.
fn that_only_calls(name: &str, other: &str, results: &[&str], controls: usize) -> Message {
    let group = |at: usize| node_of(&format!("g{at}"), "NoOp", &["^c"]);
    let nodes: Vec<Message> = [call("c", other, &[])].into_iter().chain((0..controls).map(group)).collect();
    let signature =
        results.iter().fold(message().bytes(1, name), |of, name| of.message(3, &message().bytes(1, name).int(3, 1)));
    let signature = (0..controls).fold(signature, |of, at| of.bytes(20, format!("g{at}")));
    let function = nodes.iter().fold(message().message(1, &signature), |function, node| function.message(3, node));
    let function = (0..).zip(results).fold(function, |of, (at, name): (usize, _)| {
        of.message(4, &message().bytes(1, name).bytes(2, format!("c:output:{at}")))
    });
    (0..controls)
        .fold(function, |of, at| of.message(6, &message().bytes(1, format!("g{at}")).bytes(2, format!("g{at}"))))
}

#[test]
fn shards_of_very_many() {
    let make = |n: usize| {
        let data = [1, 2, 3, 4];
        let entry = |at: usize| {
            let shape = message().message(2, &message().int(1, 1));
            let crc32c = masked(crc32c::crc32c(&data));
            message().int(1, 1).message(2, &shape).int(3, at as u64).int(5, 4).fixed32(6, crc32c)
        };
        let header = TableBuilder::new().entry("", message().int(1, n as u64).0);
        let table = (0..n).fold(header, |table, at| table.entry(&*format!("t{at:04}"), entry(at).0));
        let shard = |at: usize| (format!("variables/variables.data-{at:05}-of-{n:05}"), data.to_vec());
        let main = of(&[node("y", "NoOp")], &[function_of("f", &["a"], &[node("x", "NoOp")])], message());
        taken([main, vec![(INDEX.to_owned(), table.build())], (0..n).map(shard).collect()].concat(), SlimLevel::Serving)
    };
    assert_taken_grows("of four bytes each", make(300), make(600));
}

/// A function of `count` results, which are all one, and nodes that nothing takes.
fn with_results(name: &str, count: usize, unused: &[&str]) -> Message {
    let result = |at: usize| message().bytes(1, format!("o{at}")).int(3, 1);
    let signature = (0..count).fold(message().bytes(1, name), |of, at| of.message(3, &result(at)));
    let function = message().message(1, &signature).message(3, &node("x", "Const"));
    let function = unused.iter().fold(function, |of, name| of.message(3, &node(name, "Const")));
    (0..count).fold(function, |of, at| of.message(4, &message().bytes(1, format!("o{at}")).bytes(2, "x:output:0")))
}

#[test]
fn functions_that_only_call_another() {
    let wide = |n: usize| with_results("wide", n, &[]);
    assert_grows("one that has very many results", 1_000, |n| {
        let names = named(n, |at| format!("f{at}"));
        let mut functions: Vec<Message> = names.iter().map(|name| that_only_calls(name, "wide", &[], 1)).collect();
        functions.push(wide(n));
        let calls = names.iter().map(|name| call(&format!("of_{name}"), name, &[]));
        let all = node_of("y", "NoOp", &refs(&named(n, |at| format!("^of_f{at}"))));
        of(&calls.chain([all]).collect::<Vec<_>>(), &functions, message())
    });
    assert_grows("one, for very many nodes that wait for it", 1_000, |n| {
        let functions = [that_only_calls("f", "wide", &["o"], n), that_only_calls("g", "wide", &["o"], n), wide(1)];
        of(&[call("a", "f", &[]), call("b", "g", &[]), node_of("y", "NoOp", &["^a", "^b"])], &functions, message())
    });
}

#[test]
fn nodes_that_take_results_of_one_function() {
    assert_grows("each another result", 2_000, |n| {
        let taken = |at: usize| node_of(&format!("i{at}"), "Identity", &[&format!("c:o{at}:0")]);
        let all = node_of("z", "AddN", &refs(&named(n, |at| format!("i{at}:output:0"))));
        let nodes: Vec<Message> = [node("c", "wide")].into_iter().chain((0..n).map(taken)).chain([all]).collect();
        let takes = function_of("takes", &[], &nodes).message(4, &message().bytes(1, "r").bytes(2, "z:sum:0"));
        of(&[call("y", "takes", &[])], &[takes, with_results("wide", n, &["unused"])], message())
    });
}

#[test]
fn objects_that_are_tensors_of_one_function() {
    assert_grows("each another one", 2_000, |n| {
        let names = named(n, |at| format!("n{at}"));
        let tensor = |name: &String| object(12, &message().bytes(1, format!("{name}:0")).bytes(2, "f"), &[]);
        let children = named(n, |at| format!("t{at}"));
        let children: Vec<(&str, u64)> = (1..).zip(&children).map(|(at, name)| (&**name, at)).collect();
        let nodes: Vec<Message> = names.iter().map(|name| node(name, "Const")).collect();
        let all = [vec![object(4, &user("root"), &children)], names.iter().map(tensor).collect()].concat();
        with_objects(&[function_of("f", &[], &nodes), with_results("g", 1, &["unused"])], &all, &[("f", b"")])
    });
}

#[test]
fn functions_that_do_the_same() {
    let root = || object(4, &user("root"), &[]);
    assert_grows("each called by a node of its own", 2_000, |n| {
        let names = named(n, |at| format!("f{at}"));
        let functions: Vec<Message> = names.iter().map(|name| function_of(name, &[], &[node("x", "NoOp")])).collect();
        let calls: Vec<Message> = names.iter().map(|name| call(&format!("of_{name}"), name, &[])).collect();
        let all = node_of("y", "NoOp", &refs(&named(n, |at| format!("^of_f{at}"))));
        of(&[calls, vec![all]].concat(), &functions, message())
    });
    assert_grows("each calls the one before it, and nothing else", 2_000, |n| {
        let called = |at: usize| match at {
            0 => vec![node("x", "NoOp")],
            at => vec![call("x", &format!("f{}", at - 1), &[])],
        };
        let function = |at: usize| {
            let function = function_of(&format!("f{at}"), &[], &called(at));
            function.message(1, &message().bytes(20, "x")).message(6, &message().bytes(1, "x").bytes(2, "x"))
        };
        of(&[call("y", &format!("f{}", n - 1), &[])], &(0..n).map(function).collect::<Vec<_>>(), message())
    });
    assert_grows("all of one object, of which much is said", 2_000, |n| {
        let names = named(n, |at| format!("f{at}"));
        let functions: Vec<Message> = names.iter().map(|name| function_of(name, &[], &[node("x", "NoOp")])).collect();
        let spec = message().bytes(9, "s".repeat(n * 10));
        let traces = names.iter().fold(message().message(2, &spec), |traces, name| traces.bytes(1, name));
        let concrete: Vec<(&str, &[u8])> = names.iter().map(|name| (&**name, &b""[..])).collect();
        with_objects(&functions, &[root(), object(6, &traces, &[])], &concrete)
    });
    assert_grows("each of two interfaces' calls one of the other", 1_000, |n| {
        let text = |text: &str| message().bytes(2, text);
        let function = |at: usize| {
            let called = [call("x", &format!("g{at}"), &[])];
            function_of(&format!("f{at}"), &[], &called).entry(5, "api_implements", &text("i"))
        };
        let other = |at: usize| {
            function_of(&format!("g{at}"), &[], &[node("x", "NoOp")]).entry(5, "api_implements", &text("j"))
        };
        let functions: Vec<Message> = (0..n).map(function).chain((0..n).map(other)).collect();
        of(&[call("y", "f0", &[])], &functions, message())
    });
}
