//! The JSON Schemas that `smaudit schema` prints, held against the reports in `tests/golden/`, and against what `smaudit
//! why` says of the fixtures.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::run::{fixtures, root, run};
use jsonschema::Validator;
use serde_json::{Deserializer, Value};

fn schema() -> Validator {
    schema_of("report")
}

fn schema_of(document: &str) -> Validator {
    jsonschema::draft202012::new(&run(root(), &format!("schema {document}")).exits(0).silently().json()).unwrap()
}

/// The reports of all goldens of JSON. A golden says how it came about, then comes the report.
fn reports() -> Vec<(PathBuf, Value)> {
    let subjects = fs::read_dir(root().join("tests/golden")).unwrap();
    let goldens = subjects.map(|subject| subject.unwrap().path().join("json.txt"));
    let report = |golden: PathBuf| {
        let text = fs::read_to_string(&golden).unwrap();
        let document = text.split_once("\n{").map(|(_, document)| format!("{{{document}")).unwrap();
        let report = Deserializer::from_str(&document).into_iter().next().unwrap().unwrap();
        (golden, report)
    };
    goldens.map(report).collect()
}

/// The report of the broken models, which has something in most places.
fn full_report() -> Value {
    reports().into_iter().find(|(golden, _)| golden.ends_with("broken/json.txt")).unwrap().1
}

/// `python/generate.py` makes the dataclasses of Python from the schemas, and its result is committed. With
/// `SMAUDIT_UPDATE_GOLDENS=1` it is written anew. Where there is no Python 3.10, the test says so.
#[test]
fn the_dataclasses_of_python_are_those_of_the_schemas() {
    let python = std::env::var_os("SMAUDIT_PYTHON").unwrap_or_else(|| "python3".into());
    let known = ["-c", "import sys; sys.exit(sys.version_info < (3, 10))"];
    if !Command::new(&python).args(known).status().is_ok_and(|status| status.success()) {
        eprintln!("not compared, as there is no python3 (or $SMAUDIT_PYTHON) of 3.10 or newer");
        return;
    }
    let mut generate = Command::new(&python);
    generate.arg("python/generate.py").arg(env!("CARGO_BIN_EXE_smaudit")).current_dir(root());
    if std::env::var_os("SMAUDIT_UPDATE_GOLDENS").is_none() {
        generate.arg("--check");
    }
    let output = generate.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn every_golden_of_json_is_as_the_schema_says() {
    let (schema, reports) = (schema(), reports());
    assert!(reports.len() > fixtures().len(), "one for each fixture, and more");
    for (golden, report) in reports {
        let error = |error: jsonschema::ValidationError| format!("{}: {error}", error.instance_path());
        let errors: Vec<String> = schema.iter_errors(&report).map(error).collect();
        assert!(errors.is_empty(), "{}: {errors:#?}", golden.display());
    }
}

#[test]
fn a_value_of_another_kind_is_refused() {
    let (schema, whole) = (schema(), full_report());
    for (place, value) in [
        ("/schema_version", "one".into()),
        ("/tool/version", 1.into()),
        ("/models", Value::Null),
        ("/models/0/total_bytes", "50 kB".into()),
        ("/models/0/total_bytes", (-1).into()),
        ("/models/0/categories/variables", 0.5.into()),
        ("/models/0/files/0/category", Value::Null),
        ("/models/0/meta_graphs/0/tags", "train".into()),
        ("/models/0/meta_graphs/0/ops/0/count", "19".into()),
        ("/models/0/meta_graphs/0/signatures/0/inputs/0/shape/0", "?".into()),
        ("/models/0/breakdown/by/0", "colour".into()),
        ("/models/0/breakdown/rows/0/children", Value::Null),
        ("/models/0/problems/0/offset", "46897".into()),
        ("/models/1/checkpoint/format", "v3".into()),
        ("/models/1/checkpoint/tensors/0/shape", Value::Null),
        ("/models/3/links/0/kind", "shortcut".into()),
        ("/unreadable/0", "keras".into()),
    ] {
        let mut damaged = whole.clone();
        *damaged.pointer_mut(place).unwrap_or_else(|| panic!("{place} is not in the report")) = value.clone();
        assert!(!schema.is_valid(&damaged), "{place} may be {value}");
    }
}

#[test]
fn a_report_that_lacks_a_key_is_refused() {
    let (schema, whole) = (schema(), full_report());
    let places = ["", "/tool", "/models/0", "/models/0/meta_graphs/0", "/models/1/checkpoint", "/models/0/problems/0"];
    for place in places {
        for key in whole.pointer(place).unwrap().as_object().unwrap().keys() {
            let mut damaged = whole.clone();
            damaged.pointer_mut(place).unwrap().as_object_mut().unwrap().remove(key);
            assert!(!schema.is_valid(&damaged), "{place} may lack {key}");
        }
    }
}

#[test]
fn every_answer_of_why_is_as_its_schema_says() {
    let schema = schema_of("why");
    for asked in
        ["fixtures StatefulPartitionedCall", "fixtures/two-metagraphs initial_value", "fixtures nothing", "no x"]
    {
        let answer = run(root(), &format!("why --json {asked}")).json();
        let error = |error: jsonschema::ValidationError| format!("{}: {error}", error.instance_path());
        let errors: Vec<String> = schema.iter_errors(&answer).map(error).collect();
        assert!(errors.is_empty(), "{asked}: {errors:#?}");
    }
}

#[test]
fn an_answer_of_why_of_another_kind_or_without_a_key_is_refused() {
    let schema = schema_of("why");
    let whole = run(root(), "why --json fixtures/lookup-table vocabulary.txt").json();
    let thing = "/models/0/meta_graphs/0/things/0";
    for (place, value) in [
        ("/asked".to_owned(), Value::Null),
        ("/models/0/meta_graphs/0/index".to_owned(), "0".into()),
        (format!("{thing}/kind"), "thing".into()),
        (format!("{thing}/bytes"), "1.6 kB".into()),
        (format!("{thing}/root/kind"), "signatures".into()),
        (format!("{thing}/steps/0/edge"), "returns".into()),
    ] {
        let mut damaged = whole.clone();
        *damaged.pointer_mut(&place).unwrap_or_else(|| panic!("{place} is not in the answer")) = value.clone();
        assert!(!schema.is_valid(&damaged), "{place} may be {value}");
    }
    for place in ["", "/models/0", "/models/0/meta_graphs/0", thing, &format!("{thing}/steps/0")] {
        for key in whole.pointer(place).unwrap().as_object().unwrap().keys() {
            let mut damaged = whole.clone();
            damaged.pointer_mut(place).unwrap().as_object_mut().unwrap().remove(key);
            assert!(!schema.is_valid(&damaged), "{place} may lack {key}");
        }
    }
}

#[test]
fn a_report_of_slim_is_as_its_schema_says() {
    let schema = schema_of("slim");
    let report = run(root(), "slim --dry-run --json fixtures -o target/not-written").exits(0).json();
    let errors: Vec<String> = schema.iter_errors(&report).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    let first = "/models/0/steps/0";
    for place in ["", "/models/0", first, &format!("{first}/files/0")] {
        for key in report.pointer(place).unwrap().as_object().unwrap().keys() {
            let mut damaged = report.clone();
            damaged.pointer_mut(place).unwrap().as_object_mut().unwrap().remove(key);
            assert!(!schema.is_valid(&damaged), "{place} may lack {key}");
        }
    }
}
