//! `--format jsonl`: a line for each model, and one for each input that could not be read.

#![allow(clippy::panic)]

use std::collections::BTreeMap;

use serde_json::Value;
use support::archive::{gzip, tar};
use support::files::tree;

use super::{two_nodes, write_model};
use crate::run::{Run, root, run};

fn lines(run: &Run) -> Vec<Value> {
    run.stdout.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect()
}

#[test]
fn each_line_is_an_entry_of_the_json_report() {
    let models = |values: Vec<Value>| -> BTreeMap<String, Value> {
        values.into_iter().map(|model| (model["path"].as_str().unwrap().to_owned(), model)).collect()
    };
    let report = run(root(), "fixtures --json --by op").exits(0).json();
    let report = models(report["models"].as_array().unwrap().clone());
    assert_eq!(models(lines(&run(root(), "fixtures -f jsonl --by op").exits(0).silently())), report);
}

#[test]
fn what_cannot_be_read_is_a_line_with_its_error() {
    let two = gzip(&tar(&[("1/saved_model.pb", &two_nodes().0), ("2/saved_model.pb", &two_nodes().0)]));
    let directory = tree(&[("damaged/saved_model.pb", &[0xff; 50]), ("base/two.tgz", &two), ("base/x.zip", b"none")]);
    write_model(&directory, "base/whole");
    let run = run(&directory, "-f jsonl missing damaged base").exits(3);
    let lines = lines(&run);
    let errors: Vec<&Value> = lines.iter().filter(|line| line.get("error").is_some()).collect();
    let paths: Vec<&str> = errors.iter().map(|line| line["path"].as_str().unwrap()).collect();
    assert_eq!(paths, ["missing", "base/x.zip"]);
    assert!(errors.iter().all(|line| line.as_object().unwrap().len() == 2), "{errors:#?}");
    assert_eq!(lines.len(), 2 + 4, "{}", run.stdout);
    assert_eq!(run.stderr.lines().count(), 3, "each is said once: {}", run.stderr);
}

#[test]
fn rules_are_held_against_each_model_and_decide_the_exit_code() {
    let gate = |options: &str| run(root(), &format!("fixtures -f jsonl {options}"));
    let broken = gate("--max-duplication 50%").exits(1);
    assert_eq!(broken.stdout.lines().count(), crate::run::below_fixtures());
    assert_eq!(broken.stderr.lines().count(), 1, "{}", broken.stderr);
    assert!(broken.stderr.starts_with("smaudit: FAIL: duplication of fixtures/two-metagraphs: "), "{}", broken.stderr);
    gate("--max-duplication 60%").exits(0).silently();
}

#[test]
fn a_file_has_what_standard_output_would_have() {
    let directory = tree(&[]);
    write_model(&directory, "model");
    run(&directory, "model -f jsonl -o lines").exits(0).silently().without_report();
    let written = std::fs::read_to_string(directory.path().join("lines")).unwrap();
    assert_eq!(written, run(&directory, "model -f jsonl").stdout);
    assert!(written.ends_with("}\n") && written.lines().count() == 1);
}
