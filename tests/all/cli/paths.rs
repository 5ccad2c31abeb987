//! What a path may be, and several of them in one run.

use std::fs;
use std::os::unix::fs::symlink;

use serde_json::Value;

use super::{model, two_nodes, write_model};
use crate::run::{Run, root, run};
use support::files::tree;

/// The paths under which models are reported.
fn paths(run: &Run) -> Vec<String> {
    let report = run.json();
    let models = report["models"].as_array().unwrap();
    models.iter().map(|model| model["path"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_main_file_stands_for_its_directory() {
    let directory = model();
    let by_directory = run(&directory, "--json model").exits(0).silently();
    let by_file = run(&directory, "--json model/saved_model.pb").exits(0).silently();
    assert_eq!(by_file.stdout, by_directory.stdout);
    assert_eq!(paths(&by_file), ["model"]);
    assert_eq!(paths(&run(directory.path().join("model"), "--json saved_model.pb").exits(0)), ["."]);
}

#[test]
fn another_file_of_a_model_is_told_from_it() {
    let run = run(model(), "-q model/variables/variables.index").exits(3);
    assert!(run.stderr.contains("it is part of the SavedModel "), "{}", run.stderr);
}

#[test]
fn the_versions_of_a_tree_of_tensorflow_serving_come_in_the_order_of_their_numbers() {
    let directory = tree(&[]);
    for version in ["2", "10", "9"] {
        write_model(&directory, &format!("base/{version}"));
    }
    let run = run(&directory, "--json base").exits(0).silently();
    assert_eq!(paths(&run), ["base/2", "base/9", "base/10"]);
}

#[test]
fn several_paths_are_reported_in_the_order_in_which_they_are_named() {
    let directory = tree(&[]);
    ["a", "b", "c"].iter().for_each(|name| write_model(&directory, name));
    assert_eq!(paths(&run(&directory, "--json c a b").exits(0).silently()), ["c", "a", "b"]);
}

#[test]
fn a_model_that_is_named_twice_is_reported_once_under_its_first_name() {
    let directory = tree(&[("notes/readme", b"")]);
    ["base/a", "base/b"].iter().for_each(|name| write_model(&directory, name));
    symlink("base/a", directory.path().join("link")).unwrap();
    for (named, expected) in [
        ("base/a base/a", &["base/a"][..]),
        ("base/a base/../base/a/.", &["base/a"]),
        ("base/a/saved_model.pb base/a", &["base/a"]),
        ("link base/a", &["link"]),
        ("base/b base", &["base/b", "base/a"]),
        ("base base/b", &["base/a", "base/b"]),
    ] {
        assert_eq!(paths(&run(&directory, &format!("--json {named}")).exits(0).silently()), expected, "{named}");
    }
    let missing = run(&directory, "-q missing ./missing notes notes").exits(3);
    assert_eq!(missing.stderr.lines().count(), 2, "{}", missing.stderr);
}

#[test]
fn of_several_paths_those_that_can_be_read_are_reported() {
    let directory = tree(&[("notes/readme", b""), ("damaged/saved_model.pb", &[0xff; 50])]);
    write_model(&directory, "whole");
    write_model(&directory, "other");
    let run = run(&directory, "--json missing whole notes damaged other").exits(3);
    assert_eq!(paths(&run), ["whole", "damaged", "other"]);
    let unreadable: Vec<Value> =
        run.json()["unreadable"].as_array().unwrap().iter().map(|input| input["path"].clone()).collect();
    assert_eq!(unreadable, ["missing", "notes"]);
    let said: Vec<&str> = run.stderr.lines().map(|line| line.split_inclusive(": ").nth(1).unwrap()).collect();
    assert_eq!(said, ["missing: ", "notes: ", "damaged: "], "{}", run.stderr);
}

#[test]
fn text_has_a_line_for_each_of_several_models_the_most_avoidable_first() {
    let text = run(root(), "fixtures/sharded fixtures/two-metagraphs").exits(0).silently().stdout;
    let table: Vec<&str> = text.lines().take(5).collect();
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(table[0], "2 models in fixtures/: 149 kB (149,132 bytes)");
    assert_eq!(words(table[1]).last().unwrap(), "model");
    let ends = |line: &str| (words(line)[..2].to_vec(), words(line).pop().unwrap());
    assert_eq!(ends(table[2]), (words("118 kB"), "two-metagraphs".to_owned()), "{text}");
    assert_eq!(ends(table[3]), (words("30.8 kB"), "sharded".to_owned()), "{text}");
    assert_eq!(ends(table[4]), (words("149 kB"), "total".to_owned()), "{text}");
}

#[test]
fn a_model_is_not_touched_by_its_audit() {
    let directory = model();
    let time = |name: &str| fs::metadata(directory.path().join(name)).unwrap().modified().unwrap();
    let before = (time("model"), time("model/saved_model.pb"));
    run(&directory, "--by node,variable model").exits(0);
    assert_eq!((time("model"), time("model/saved_model.pb")), before);
    assert_eq!(fs::read(directory.path().join("model/saved_model.pb")).unwrap(), two_nodes().0);
}
