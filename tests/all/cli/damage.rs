//! An input that cannot be read or is damaged is exit code 3. What could be read is reported all the same.

use std::path::Path;

use serde_json::Value;

use super::{FORMATS, model, two_nodes};
use crate::run::{Run, run};
use support::bundle::{DATA, INDEX, bytes_entry, index};
use support::files::{close, runs_as_ordinary_user, tree, write};
use support::wire::{graph, meta_graph, node, saved_model};

// --- nothing to audit ---

/// Runs over `path` in `directory`, where no model is; asserts that all of `said` is said, on standard error and in
/// the report.
#[track_caller]
fn assert_no_model(directory: &Path, path: &str, said: &[&str]) {
    let run = run(directory, &format!("--json {path}")).exits(3);
    let report = run.json();
    assert_eq!(report["models"], Value::Array(vec![]));
    assert_eq!(report["unreadable"][0]["path"], path);
    for text in [run.stderr.as_str(), report["unreadable"][0]["message"].as_str().unwrap()] {
        assert!(text.contains(path) && said.iter().all(|part| text.contains(part)), "{said:?} is not in {text}");
    }
}

#[test]
fn a_path_that_is_not_there_is_named() {
    assert_no_model(model().path(), "mistyped", &["No such file"]);
}

#[test]
fn an_empty_directory_is_told_from_a_model() {
    let directory = tree(&[]);
    std::fs::create_dir(directory.path().join("empty")).unwrap();
    let wanted = "no saved_model.pb, saved_model.pbtxt or saved_model.cpb";
    assert_no_model(directory.path(), "empty", &[wanted, "found no files at all"]);
}

#[test]
fn a_directory_with_a_model_of_keras_says_what_is_there_and_what_to_do() {
    let directory = tree(&[("keras/model.h5", b"\x89HDF")]);
    let wanted = "no saved_model.pb, saved_model.pbtxt or saved_model.cpb";
    let what_to_do = "model.export(\"directory\")";
    assert_no_model(directory.path(), "keras", &[wanted, "found one file: model.h5", what_to_do]);
    assert_no_model(directory.path(), "keras/model.h5", &["model.h5 looks like a Keras model", what_to_do]);
}

// --- damaged models ---

/// Audits the model `model`, which has a problem in `file` at `offset`; asserts that all the same every byte is
/// charged, and that every format tells of the problem. Returns the report of the model.
#[track_caller]
fn assert_damaged(directory: &Path, file: &str, offset: Option<u64>, said: &str) -> Value {
    let run_json = run(directory, "--json model").exits(3);
    let model = run_json.json()["models"][0].clone();
    assert_balanced(&model, bytes_below(&directory.join("model")));

    let problems = model["problems"].as_array().unwrap();
    assert_eq!(problems.len(), 1, "{problems:#?}");
    assert_eq!(problems[0]["file"], file);
    assert_eq!(problems[0]["offset"].as_u64(), offset, "{problems:#?}");
    let message = problems[0]["message"].as_str().unwrap();
    assert!(message.contains(said), "{said} is not in {message}");

    let place = offset.map_or(file.to_owned(), |offset| format!("{file}: byte {offset}"));
    for format in FORMATS {
        assert_tells(&run(directory, &format!("--format {format} model")).exits(3), format, &place);
    }
    model
}

/// The problem is told once: in a report that people read, and of all others on standard error.
#[track_caller]
fn assert_tells(run: &Run, format: &str, place: &str) {
    let is_for_people = ["text", "markdown"].contains(&format);
    let is_said = run.stderr.starts_with(&format!("smaudit: model: {place}: "));
    assert_ne!(is_said, is_for_people, "{place} is not in {run:#?}");
    assert!(!run.stdout.contains("smaudit: "), "{run:#?}");
    if format == "text" {
        let place = format!("\n  ! {}: ", place.replace(": byte", ", byte"));
        assert!(run.stdout.contains(&place), "{place} is not in {run:#?}");
    }
}

/// Every sum in the report of a model is `bytes`.
#[track_caller]
fn assert_balanced(model: &Value, bytes: u64) {
    let sum = |values: Vec<&Value>| values.into_iter().map(|value| value.as_u64().unwrap()).sum::<u64>();
    let rows = |list: &Value| sum(list.as_array().unwrap().iter().map(|row| &row["bytes"]).collect());
    assert_eq!(model["total_bytes"], bytes);
    assert_eq!(sum(model["categories"].as_object().unwrap().values().collect()), bytes, "categories");
    assert_eq!(rows(&model["files"]), bytes, "files");
    assert_eq!(rows(&model["breakdown"]["rows"]), bytes, "breakdown");
}

/// What the file system says of all files below a directory.
fn bytes_below(directory: &Path) -> u64 {
    let entries = walkdir::WalkDir::new(directory).into_iter().map(|entry| entry.unwrap().metadata().unwrap());
    entries.filter(std::fs::Metadata::is_file).map(|metadata| metadata.len()).sum()
}

#[test]
fn of_a_truncated_main_file_all_up_to_the_cut_is_known() {
    let first = meta_graph(&["serve"], &graph([&node("x", "Placeholder")]));
    let second = meta_graph(&["train"], &graph([&node("y", "Placeholder"), &node("loss", "Sum")]));
    let whole = saved_model([&first, &second]);
    let cut = whole.len() - 4;
    let directory = tree(&[("model/saved_model.pb", &whole.0[..cut])]);

    // Behind the version, the first metagraph, and the second one's own tag and length.
    let offset = (2 + 2 + first.len()) as u64;
    let said = format!("says {} bytes, only {} are left", second.len(), second.len() - 4);
    let model = assert_damaged(directory.path(), "saved_model.pb", Some(offset), &said);
    assert_eq!(model["meta_graphs"][0]["nodes"], 1);
    assert_eq!(model["meta_graphs"][1]["tags"][0], "train");
    assert_eq!(model["meta_graphs"][1]["nodes"], 2);
}

#[test]
fn a_main_file_that_is_no_message_is_one_problem_at_its_first_byte() {
    let directory = tree(&[("model/saved_model.pb", &[0xff; 50])]);
    assert_damaged(directory.path(), "saved_model.pb", Some(0), "");
}

#[test]
fn without_a_data_shard_the_rest_is_audited() {
    let directory = model();
    std::fs::remove_file(directory.path().join("model").join(DATA)).unwrap();
    let model = assert_damaged(directory.path(), DATA, None, "as the index names 1 shards, found none");
    assert_eq!(model["meta_graphs"][0]["nodes"], 2);
    assert_eq!(model["checkpoint"]["tensors"].as_array().unwrap().len(), 2);
    assert_eq!(model["checkpoint"]["data_bytes"], 0);
}

#[test]
fn a_data_shard_that_is_too_short_is_a_problem_of_the_tensor_at_its_end() {
    let directory = model();
    write(directory.path(), &format!("model/{DATA}"), [3; 400]);
    assert_damaged(directory.path(), DATA, Some(8), "`kernel`: expected its data up to byte 408");
}

#[test]
fn without_an_index_the_data_are_charged_and_the_index_asked_for() {
    let directory = model();
    std::fs::remove_file(directory.path().join("model").join(INDEX)).unwrap();
    let model = assert_damaged(directory.path(), INDEX, None, "expected the index of the data files, found none");
    assert_eq!(model["categories"]["variables"], 408);
}

#[test]
fn a_truncated_index_is_told_from_a_whole_one() {
    let (directory, whole) = (model(), index(&[("bias", bytes_entry(0, 8)), ("kernel", bytes_entry(8, 400))]));
    for length in [20, whole.len() - 1] {
        write(directory.path(), &format!("model/{INDEX}"), &whole[..length]);
        let run = run(&directory, "--json model").exits(3);
        let model = &run.json()["models"][0];
        assert_eq!(model["problems"][0]["file"], INDEX);
        assert!(model["problems"][0]["offset"].is_u64(), "{run:#?}");
        assert_eq!(model["categories"]["variables"], (length + 408) as u64);
        assert_eq!(model["meta_graphs"][0]["nodes"], 2);
    }
}

#[test]
fn an_index_without_the_magic_number_is_no_table() {
    let (directory, mut index) = (model(), index(&[("bias", bytes_entry(0, 8))]));
    let magic = index.len() - 8;
    index[magic..].fill(0);
    write(directory.path(), &format!("model/{INDEX}"), &index);
    let model = assert_damaged(directory.path(), INDEX, Some(magic as u64), "magic");
    assert_eq!(model["categories"]["variables"], index.len() as u64 + 408);
}

#[test]
fn a_file_without_read_permission_is_charged_by_its_size() {
    if runs_as_ordinary_user("cli::damage::a_file_without_read_permission_is_charged_by_its_size") {
        return;
    }
    let directory = model();
    close(&directory.path().join("model").join(INDEX));
    let model = assert_damaged(directory.path(), INDEX, None, "cannot be opened: Permission denied");
    assert_eq!(model["meta_graphs"][0]["nodes"], 2);
}

#[test]
fn a_main_file_without_read_permission_is_charged_by_its_size() {
    if runs_as_ordinary_user("cli::damage::a_main_file_without_read_permission_is_charged_by_its_size") {
        return;
    }
    let directory = model();
    close(&directory.path().join("model/saved_model.pb"));
    let said = "cannot be opened: Permission denied";
    let model = assert_damaged(directory.path(), "saved_model.pb", None, said);
    assert_eq!(model["categories"]["framing"], two_nodes().len() as u64);
    assert_eq!(model["checkpoint"]["tensors"].as_array().unwrap().len(), 2);
}

#[test]
fn a_chunked_model_that_is_none_is_charged() {
    let directory = model();
    std::fs::remove_file(directory.path().join("model/saved_model.pb")).unwrap();
    write(directory.path(), "model/saved_model.cpb", "chunks");
    let model =
        assert_damaged(directory.path(), "saved_model.cpb", Some(0), "expected the 40 bytes of a chunk's header");
    assert_eq!(model["categories"]["framing"], "chunks".len() as u64);
    assert_eq!(model["checkpoint"]["tensors"].as_array().unwrap().len(), 2);
}

#[test]
fn a_text_with_a_lost_quote_is_told_with_the_byte_and_read_behind_it() {
    let directory = model();
    std::fs::remove_file(directory.path().join("model/saved_model.pb")).unwrap();
    let text = "meta_graphs {\n  graph_def {\n    node {\n      name: \"a\n      op: \"Add\"\n    }\n  }\n}\n";
    write(directory.path(), "model/saved_model.pbtxt", text);
    let offset = text.find("\"a").unwrap() as u64;
    let said = "expected a string that ends on its line, found \"a";
    let model = assert_damaged(directory.path(), "saved_model.pbtxt", Some(offset), said);
    assert_eq!(model["meta_graphs"][0]["ops"][0]["op"], "Add");
    assert_eq!(model["checkpoint"]["tensors"].as_array().unwrap().len(), 2);
}

#[test]
fn of_many_problems_a_few_are_said_and_all_reported() {
    let entries: Vec<(String, _)> = (10..40).map(|number| (format!("v{number}"), bytes_entry(400, 9))).collect();
    let entries: Vec<_> = entries.iter().map(|(key, entry)| (key.as_str(), entry.clone())).collect();
    let directory = model();
    write(directory.path(), &format!("model/{INDEX}"), index(&entries));
    let run = run(&directory, "--json model").exits(3);
    assert_eq!(run.json()["models"][0]["problems"].as_array().unwrap().len(), 30);
    assert_eq!(run.stderr.lines().count(), 11, "{}", run.stderr);
    assert!(run.stderr.ends_with("smaudit: model: 20 more problems, all of them in the report\n"), "{}", run.stderr);
}
