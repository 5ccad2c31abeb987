//! Whatever a real model is broken down by, its bytes are the same, and they are those of the independent program whose
//! figures are in `fixtures/README.md`.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::fs;

use crate::run::{fixtures, root, run};
use serde_json::Value;
use smaudit::Dimension;

/// The report of a fixture broken down by `by`.
fn report(fixture: &str, by: &str) -> Value {
    run(root(), &format!("fixtures/{fixture} --json --by {by}")).exits(0).silently().json()["models"][0].take()
}

fn bytes(row: &Value) -> u64 {
    row["bytes"].as_u64().unwrap()
}

fn sum(rows: &Value) -> u64 {
    rows.as_array().unwrap().iter().map(bytes).sum()
}

/// What the file system says of all files of a fixture.
fn size_on_disk(fixture: &str) -> u64 {
    let entries = walkdir::WalkDir::new(root().join("fixtures").join(fixture)).into_iter();
    let metadata = entries.map(|entry| entry.unwrap().metadata().unwrap()).filter(fs::Metadata::is_file);
    metadata.map(|metadata| metadata.len()).sum()
}

#[test]
fn by_each_dimension_a_fixture_adds_up_to_its_size_on_disk() {
    for fixture in fixtures() {
        for dimension in Dimension::ALL {
            let report = report(&fixture, dimension.name());
            assert_eq!(report["total_bytes"], size_on_disk(&fixture), "{fixture}");
            assert_eq!(sum(&report["breakdown"]["rows"]), size_on_disk(&fixture), "{fixture} by {dimension}");
        }
    }
}

/// Asserts that the rows below each row add up to it.
#[track_caller]
fn assert_levels_add_up(rows: &Value) {
    for row in rows.as_array().unwrap().iter().filter(|row| row["children"] != Value::Array(vec![])) {
        assert_eq!(sum(&row["children"]), bytes(row), "{}", row["name"]);
        assert_levels_add_up(&row["children"]);
    }
}

#[test]
fn by_all_dimensions_at_once_each_level_adds_up_to_the_one_above() {
    let by = Dimension::ALL.map(Dimension::name).join(",");
    for fixture in fixtures() {
        let report = report(&fixture, &by);
        assert_eq!(sum(&report["breakdown"]["rows"]), size_on_disk(&fixture));
        assert_levels_add_up(&report["breakdown"]["rows"]);
    }
}

#[test]
fn of_the_lstm_ops_and_scopes_add_up_to_the_same_total() {
    let [ops, scopes] = ["op", "scope"].map(|by| report("keras-lstm", by)["breakdown"]["rows"].take());
    assert_ne!(ops, scopes);
    assert_eq!((sum(&ops), sum(&scopes)), (209_024, 209_024));
}

#[test]
fn of_the_lstm_the_function_library_is_most_of_the_file() {
    let report = report("keras-lstm", "section,function");
    let graph = &report["breakdown"]["rows"][0];
    assert_eq!(graph["name"], "graph_def");
    let functions = graph["children"].as_array().unwrap().iter().filter(|row| row["name"] != "[graph_def]");
    let in_functions: u64 = functions.map(bytes).sum();
    assert_eq!(in_functions, sum(&report["meta_graphs"][0]["function_defs"]));
    assert!(in_functions * 10 > size_on_disk("keras-lstm") * 8, "{in_functions} bytes are more than 80%");
}

// --- the figures of the independent program ---

/// The cells of the rows of a table, without what stresses them.
fn cells(line: &str) -> Vec<String> {
    line.trim_matches('|').split('|').map(|cell| cell.replace(['*', '`', ','], "").trim().to_owned()).collect()
}

/// The table of figures in `fixtures/README.md`: a line of fixtures, then one line for each figure.
fn figures() -> Vec<Vec<String>> {
    let text = fs::read_to_string(root().join("fixtures/README.md")).unwrap();
    let mut lines = text.lines().skip_while(|line| !line.starts_with("| | two-metagraphs |"));
    let heading = cells(lines.next().unwrap());
    let rows = lines.skip(1).take_while(|line| line.starts_with('|')).map(cells);
    std::iter::once(heading).chain(rows).collect()
}

#[test]
fn the_categories_are_those_of_the_independent_program() {
    let figures = figures();
    let names = &figures[0][1..];
    assert_eq!(names.len(), fixtures().len());
    for (column, fixture) in (1..).zip(names) {
        let report = report(fixture, "category");
        let rows =
            figures.iter().skip(1).filter(|row| row[0] == "total" || report["categories"].get(&row[0]).is_some());
        let compared = rows.map(|row| {
            let ours = if row[0] == "total" { &report["total_bytes"] } else { &report["categories"][&row[0]] };
            assert_eq!(ours.to_string(), row[column], "{} of {fixture}", row[0]);
        });
        assert_eq!(compared.count(), 11, "the total and ten categories");
    }
}
