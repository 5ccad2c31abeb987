//! The messages beside `saved_model.pb`: charged by field, and damage in them noticed.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::BTreeMap;

use smaudit::Dimension;
use smaudit::input::Model;
use smaudit::internals::fingerprint::Check;
use smaudit::progress::Silent;
use smaudit::report::ModelReport;
use smaudit::{Options, audit};
use support::wire::{Message, message};

/// Audits a model of one file.
fn report(name: &str, contents: &[u8]) -> ModelReport {
    let model = Model::in_memory("m", [(name.to_owned(), contents.to_vec().into())]);
    audit(&model, &Options { by: vec![Dimension::Field], ..Options::default() }, &Silent).unwrap()
}

/// The rows by field: bytes and count.
fn rows(report: &ModelReport) -> BTreeMap<&str, (u64, u64)> {
    report.breakdown.rows.iter().map(|row| (&*row.name, (row.bytes, row.count))).collect()
}

fn layer(path: &str, identifier: &str, metadata: &str) -> Message {
    message().int(2, 1).bytes(3, path).bytes(4, identifier).bytes(5, metadata).message(6, &message().int(1, 2))
}

/// A file of each kind.
fn files() -> [(&'static str, Message); 4] {
    let fingerprint = message().int(1, 1 << 60).int(5, 7).message(6, &message().int(1, 1)).bytes(7, "12345");
    let trace = message().bytes(1, "call").message(2, &message().fixed64(2, 5));
    let debug = message().bytes(1, "a.py").bytes(1, "layers.py").message(2, &trace).message(6, &trace);
    let keras = message()
        .message(1, &layer("root", "_tf_keras_model", r#"{"name": "mlp", "config": {"name": "inner"}}"#))
        .message(1, &layer("root.layer-1", "_tf_keras_layer", r#"{"class_name": "Dense", "name": "dense"}"#))
        .message(1, &layer("root.keras_api.metrics.0", "_tf_keras_metric", r#"{"name": "loss"}"#));
    [
        ("fingerprint.pb", fingerprint),
        ("debug/saved_model_debug_info.pb", debug),
        ("tfhub_module.pb", message().int(1, 3).bytes(2, "a feature")),
        ("keras_metadata.pb", keras),
    ]
}

#[test]
fn each_field_of_each_file_has_its_bytes_and_all_are_of_the_category_files() {
    let wanted: [&[(&str, u64, u64)]; 4] = [
        &[
            ("files.fingerprint.checkpoint_hash", 2, 1),
            ("files.fingerprint.saved_model_checksum", 10, 1),
            ("files.fingerprint.uuid", 7, 1),
            ("files.fingerprint.version", 4, 1),
        ],
        &[
            ("files.debug_info.files", 17, 2),
            ("files.debug_info.traces", 19, 1),
            ("files.debug_info.traces_by_id", 19, 1),
        ],
        &[("files.tfhub_module.format", 2, 1), ("files.tfhub_module.required_features", 11, 1)],
        &[
            ("files.keras_metadata.layer[dense]", 81, 1),
            ("files.keras_metadata.layer[mlp]", 77, 1),
            ("files.keras_metadata.metric[loss]", 70, 1),
        ],
    ];
    for ((name, contents), wanted) in files().into_iter().zip(wanted) {
        let report = report(name, &contents.0);
        let wanted: BTreeMap<_, _> = wanted.iter().map(|(name, bytes, count)| (*name, (*bytes, *count))).collect();
        assert_eq!(rows(&report), wanted, "{name}");
        assert_eq!(report.categories[&smaudit::report::Category::Files], contents.len() as u64);
        assert_eq!(report.problems, []);
    }
}

#[test]
fn a_layer_whose_metadata_give_no_name_goes_by_its_path() {
    for metadata in ["", "{}", "not JSON", r#"{"name": ""}"#, r#"{"name": 7}"#, r#"{"name": "a", "name": "b"}"#] {
        let contents = message().message(1, &layer("root.layer-1", "_tf_keras_layer", metadata));
        let report = report("keras_metadata.pb", &contents.0);
        assert_eq!(rows(&report).keys().collect::<Vec<_>>(), [&"files.keras_metadata.layer[root.layer-1]"]);
    }
    let deep = "[".repeat(100_000);
    let contents = message().message(1, &layer("root", "_tf_keras_layer", &deep));
    assert!(rows(&report("keras_metadata.pb", &contents.0)).contains_key("files.keras_metadata.layer[root]"));
}

#[test]
fn a_field_that_nobody_knows_is_named_so() {
    let contents = message().bytes(90, "what");
    for (name, row) in [
        ("fingerprint.pb", "files.fingerprint.(unknown)"),
        ("debug/saved_model_debug_info.pb", "files.debug_info.(unknown)"),
        ("tfhub_module.pb", "files.tfhub_module.(unknown)"),
        ("keras_metadata.pb", "files.keras_metadata.(unknown)"),
    ] {
        assert_eq!(rows(&report(name, &contents.0)), [(row, (7, 1))].into(), "{name}");
    }
}

/// The places where a file may end without a field being cut.
fn ends(contents: &Message) -> Vec<usize> {
    let fields = smaudit::internals::wire::fields(&contents.0, 0..contents.len());
    [0].into_iter().chain(fields.map(|field| field.end)).collect()
}

#[test]
fn a_file_cut_anywhere_is_charged_to_its_last_byte_and_the_cut_is_one_problem() {
    for (name, contents) in files() {
        let ends = ends(&contents);
        for length in 0..contents.len() {
            let report = report(name, &contents.0[..length]);
            assert_eq!(report.total_bytes, length as u64);
            let is_cut = !ends.contains(&length);
            assert_eq!(report.problems.len(), usize::from(is_cut), "{name} cut at {length}: {:?}", report.problems);
            assert!(report.problems.iter().all(|problem| problem.file == name && problem.offset.is_some()));
        }
    }
}

#[test]
fn only_the_file_that_loaders_know_is_looked_into() {
    let report = report("old/fingerprint.pb", b"\xff\xff\xff");
    assert_eq!((report.problems.len(), &*report.breakdown.rows[0].name), (0, "[files]"));
}

// --- the fingerprint ---

/// A fixture, which TensorFlow wrote, with one file changed.
fn fixture(name: &str, change: impl Fn(&str, &mut Vec<u8>)) -> ModelReport {
    let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name);
    let read = Model::read(&directory, name);
    let files = read.files.iter().map(|file| {
        let mut contents = file.contents().unwrap().to_vec();
        change(&file.name, &mut contents);
        (file.name.clone(), contents.into())
    });
    let options = Options { verify: true, ..Options::default() };
    audit(&Model::in_memory(name, files), &options, &Silent).unwrap()
}

#[test]
fn the_fingerprints_that_tensorflow_wrote_fit_their_models() {
    for name in ["keras-export", "keras-lstm", "lookup-table"] {
        let report = fixture(name, |_, _| {});
        let fingerprint = report.fingerprint.unwrap();
        assert_eq!((fingerprint.version, fingerprint.uuid.is_empty()), (4, false));
        let checks = fingerprint.verified.unwrap();
        let parts = [checks.signature_def_hash, checks.saved_object_graph_hash, checks.checkpoint_hash];
        assert_eq!(parts, [Check::Fits; 3], "{name}");
        assert_eq!(report.problems, []);
    }
}

#[test]
fn a_fingerprint_of_another_model_is_a_problem_for_each_part_that_is_not_its_own() {
    let other = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/keras-lstm/fingerprint.pb")).unwrap();
    let report = fixture("keras-export", |name, contents| {
        if name == "fingerprint.pb" {
            contents.clone_from(&other);
        }
    });
    let checks = report.fingerprint.unwrap().verified.unwrap();
    assert_eq!(checks.checkpoint_hash, Check::Differs);
    let said: Vec<String> = report.problems.iter().map(ToString::to_string).collect();
    for (problem, what) in said.iter().zip(["checkpoint_hash", "saved_object_graph_hash", "signature_def_hash"]) {
        assert!(problem.starts_with(&format!("fingerprint.pb: {what} is not that of ")), "{said:?}");
    }
    assert_eq!(said.len(), 3, "{said:?}");
}

#[test]
fn without_verify_a_fingerprint_is_shown_and_not_held_against_anything() {
    let report = report("fingerprint.pb", &files()[0].1.0);
    let fingerprint = report.fingerprint.unwrap();
    assert_eq!((&*fingerprint.uuid, fingerprint.version, fingerprint.verified), ("12345", 1, None));
    assert_eq!(fingerprint.saved_model_checksum, (1_u64 << 60).to_string());
    assert_eq!((&*fingerprint.checkpoint_hash, &*fingerprint.signature_def_hash), ("7", "0"));
}

#[test]
fn a_message_that_is_no_fingerprint_is_one_problem_and_what_is_no_message_too() {
    for contents in [message().bytes(1, "not a number"), Message(vec![0xff; 9])] {
        let report = report("fingerprint.pb", &contents.0);
        assert_eq!((report.fingerprint, report.problems.len()), (None, 1), "{:?}", report.problems);
    }
}
