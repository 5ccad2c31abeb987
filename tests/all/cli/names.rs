//! Names from a model cannot steer the terminal that a report is read on, whatever the format.

use std::os::unix::fs::symlink;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use super::FORMATS;
use crate::run::{Run, finished, smaudit};
use support::bundle::{DATA, INDEX, bytes_entry, index, string_entry};
use support::files::{tree, write};
use support::table::string_tensor;
use support::wire::{Message, function, graph, message, meta_graph, node, saved_model};

/// What no terminal may get: a colour, a title, an alert, a return, a new line, a C1 control, a right-to-left override,
/// a zero-width space.
const HOSTILE: &str = "\x1b[41m\x1b]0;title\x07\r\n\u{9b}2J\u{202e}\u{200b}";

/// All dimensions; the breakdown shows a name for each.
const ALL: &str = "metagraph,section,field,op,scope,function,node,dtype,variable,key,file,category";

/// A name that says where it stands, and means ill.
fn hostile(place: &str) -> String {
    format!("{place}{HOSTILE}")
}

/// A map entry of key and value.
fn entry(key: &str, value: &Message) -> Message {
    message().bytes(1, hostile(key)).message(2, value)
}

/// A metagraph with a hostile name wherever it may have one.
fn meta_graph_of_hostile_names() -> Message {
    let attribute = message().bytes(2, hostile("attribute-value"));
    let node =
        node(&hostile("node"), &hostile("op")).bytes(4, hostile("device")).message(5, &entry("attribute", &attribute));
    let function = function(&hostile("function"), [&node]);
    let tensor = message().bytes(1, hostile("tensor")).int(2, 1);
    let signature = message()
        .message(1, &entry("input", &tensor))
        .message(2, &entry("output", &tensor))
        .bytes(3, hostile("method"));
    let collection = message().message(1, &message().bytes(1, hostile("collected")));
    let info = message().bytes(4, hostile("second-tag")).bytes(5, hostile("version"));
    meta_graph(&[&hostile("tag")], &graph([&node]).message(2, &message().message(1, &function)))
        .message(1, &info)
        .message(4, &entry("collection", &collection))
        .message(5, &entry("signature", &signature))
        .message(6, &message().bytes(2, hostile("asset")))
        .message(7, &message().message(2, &entry("concrete-function", &message())))
}

/// A checkpoint's index and data: one variable whose key and whose own name are hostile.
fn checkpoint() -> (Vec<u8>, Vec<u8>) {
    let attribute = message().bytes(1, "VARIABLE_VALUE").bytes(2, hostile("own-name")).bytes(3, hostile("key"));
    let objects = message().message(1, &message().message(2, &attribute));
    let tensor = string_tensor(&[&objects.0]);
    let variable = bytes_entry(tensor.len() as u64, 10);
    let entries = [("_CHECKPOINTABLE_OBJECT_GRAPH", string_entry(0, &objects.0)), (&hostile("key"), variable)];
    (index(&entries), [tensor, vec![1; 10]].concat())
}

/// The directory of a hostile name with a whole model of hostile names.
fn hostile_model() -> TempDir {
    let directory = tree(&[]);
    let model = directory.path().join(hostile("model"));
    let (index, data) = checkpoint();
    write(&model, "saved_model.pb", saved_model([&meta_graph_of_hostile_names()]).0);
    write(&model, INDEX, index);
    write(&model, DATA, data);
    write(&model, &hostile("file"), "");
    write(&model, &format!("assets/{}", hostile("asset")), "");
    symlink(hostile("link-target"), model.join(hostile("link"))).unwrap();
    directory
}

/// Runs over `path`, a name that may hold spaces.
fn run_over(directory: &Path, path: &str, arguments: &str) -> Run {
    finished(smaudit(directory, arguments).env("COLUMNS", "10000").arg(path).output().unwrap())
}

/// Asserts that there is nothing in `text` that a terminal would obey but new lines, and styles of our own.
#[track_caller]
fn assert_harmless(text: &str, styled: bool) {
    assert!(!text.contains("\x1b[41m"), "a name's colour: {text:?}");
    let plain = if styled { anstream::adapter::strip_str(text).to_string() } else { text.to_owned() };
    let harmful = |c: char| (c.is_control() && c != '\n') || "\u{202e}\u{200b}".contains(c);
    assert!(!plain.contains(harmful), "{text:?}");
}

/// The option that asks for colours, where there are any.
fn colored(format: &str) -> &'static str {
    if format == "text" { "--color always" } else { "" }
}

#[test]
fn every_format_writes_hostile_names_harmlessly() {
    let directory = hostile_model();
    for format in FORMATS {
        let arguments = format!("--format {format} --by {ALL} -n 0 {}", colored(format));
        let run = run_over(directory.path(), &hostile("model"), &arguments).exits(0).silently();
        assert_harmless(&run.stdout, format == "text");
    }
}

#[test]
fn text_shows_each_name_with_its_control_characters_spelled_out() {
    let directory = hostile_model();
    let run = run_over(directory.path(), &hostile("model"), &format!("--full --by {ALL}")).exits(0);
    let spelled = "\\u{1b}[41m\\u{1b}]0;title\\u{7}\\u{d}\\u{a}\\u{9b}2J\\u{202e}\\u{200b}";
    let places = "model file link link-target tag second-tag op node attribute function signature input output \
                  collection asset key own-name";
    for place in places.split_whitespace() {
        let said = format!("{place}{spelled}");
        assert!(run.stdout.contains(&said), "{said} is not in {}", run.stdout);
    }
}

#[test]
fn in_json_the_names_are_what_they_are_in_the_model() {
    let directory = hostile_model();
    let report = run_over(directory.path(), &hostile("model"), "--json --by node").exits(0).json();
    let model = &report["models"][0];
    let name = |place: &str| model.pointer(place).and_then(Value::as_str).unwrap().to_owned();
    assert_eq!(name("/path"), hostile("model"));
    assert_eq!(name("/meta_graphs/0/tags/0"), hostile("tag"));
    assert_eq!(name("/meta_graphs/0/signatures/0/name"), hostile("signature"));
    assert_eq!(name("/meta_graphs/0/ops/0/op"), hostile("op"));
    assert_eq!(name("/checkpoint/tensors/1/key"), hostile("key"));
    assert_eq!(name("/checkpoint/tensors/1/name"), hostile("own-name"));
    let nodes = model["breakdown"]["rows"].as_array().unwrap();
    assert!(nodes.iter().any(|row| row["name"] == hostile("node")), "{nodes:#?}");
}

#[test]
fn messages_and_problems_are_harmless_too() {
    let directory = hostile_model();
    let model = directory.path().join(hostile("model"));
    std::fs::remove_file(model.join(DATA)).unwrap();
    write(&model, INDEX, index(&[(&hostile("key"), bytes_entry(0, 10).int(1, 999))]));
    write(&model, DATA, "short");
    for format in FORMATS {
        for path in [hostile("model"), hostile("missing")] {
            let arguments = format!("--format {format} {}", colored(format));
            let run = run_over(directory.path(), &path, &arguments).exits(3);
            assert_harmless(&run.stdout, format == "text");
            assert_harmless(&run.stderr, false);
            assert!(run.stdout.is_empty() || run.stdout != run.stderr);
        }
    }
}

#[test]
fn a_bar_shows_a_path_harmlessly() {
    let directory = hostile_model();
    let run = run_over(directory.path(), &hostile("model"), "--progress always").exits(0);
    assert!(run.stderr.contains("reading model…\\u{200b}"), "{:?}", run.stderr);
    for part in ["\x1b[41m", "\x1b]", "\u{9b}", "\u{202e}"] {
        assert!(!run.stderr.contains(part), "{:?}", run.stderr);
    }
}

#[test]
fn names_that_are_not_utf8_are_written_as_utf8() {
    let node = message().bytes(1, b"node\x9b\xff").bytes(2, b"op\x9b");
    let function = message().message(1, &message().bytes(1, b"function\x9b")).message(3, &node);
    let graph = graph([&node]).message(2, &message().message(1, &function));
    let directory = tree(&[("model/saved_model.pb", &saved_model([&meta_graph(&["serve"], &graph)]).0)]);
    for format in FORMATS {
        let arguments = format!("--format {format} --by function,node,op");
        let run = run_over(directory.path(), "model", &arguments).exits(0);
        assert!(run.stdout.contains("node\u{fffd}\u{fffd}") && run.stdout.contains("function\u{fffd}"), "{run:#?}");
    }
}
