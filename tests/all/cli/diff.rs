//! `smaudit diff`: what is compared with what, exit codes, formats, and what each says.

use std::fs;

use serde_json::Value;
use support::files::{tree, write};
use tempfile::TempDir;

use super::write_model;
use crate::run::{Run, root, run};

/// Two models, of which the second has an asset of 100 bytes more, and reports of both.
fn grown() -> TempDir {
    let directory = tree(&[]);
    for name in ["small", "large"] {
        write_model(&directory, name);
    }
    write(directory.path(), "large/assets.extra/more.txt", [b'x'; 100]);
    for name in ["small", "large"] {
        run(&directory, &format!("{name} --json --output {name}.json")).exits(0).silently();
    }
    directory
}

fn fixtures(arguments: &str) -> Run {
    run(root().join("fixtures"), &format!("diff {arguments}"))
}

#[test]
fn what_changed_is_no_failure_and_a_broken_rule_is() {
    let directory = grown();
    for (arguments, code) in [
        ("small large", 0),
        ("large small", 0),
        ("small small", 0),
        ("small large --max-growth 100", 0),
        ("small large --max-growth 99", 1),
        ("small large --max-growth 99 --json", 1),
        ("large small --max-growth 0", 0),
        ("small.json large --max-growth 99", 1),
        ("small large.json --max-growth 100", 0),
    ] {
        run(&directory, &format!("diff {arguments}")).exits(code);
    }
    write(directory.path(), "rules.toml", "[[rule]]\nmetric = \"growth:assets\"\nlimit = 99\n");
    let said = run(&directory, "diff small large --config rules.toml").exits(1).silently().stdout;
    assert!(said.contains("1 rule is broken"), "{said}");
    let said = run(&directory, "diff small large --config rules.toml --format csv").exits(1).stderr;
    assert!(said.starts_with("smaudit: FAIL: growth:assets of large: at most 99"), "{said}");
}

#[test]
fn the_answer_is_last_and_says_by_how_much() {
    let directory = grown();
    for (arguments, answer) in [
        ("small large", "100 bytes, 13.6%, larger: +100 bytes assets\n"),
        ("large small", "100 bytes, 11.9%, smaller: -100 bytes assets\n"),
        ("small small", "nothing changed\n"),
    ] {
        let said = run(&directory, &format!("diff {arguments}")).exits(0).silently().stdout;
        assert!(said.ends_with(answer), "{said}");
    }
}

#[test]
fn a_report_stands_for_its_model_and_what_it_cannot_tell_is_said() {
    let directory = grown();
    let delta = |arguments: &str| run(&directory, &format!("diff {arguments} --json")).exits(0).json();
    let models = delta("small large");
    let reports = delta("small.json large.json");
    for key in ["delta_bytes", "naming_bytes", "categories", "functions", "variables", "signatures"] {
        assert_eq!(models[key], reports[key], "{key}");
    }
    assert_eq!(reports["old"]["kind"], "report");
    assert!(models["not_known"].as_array().unwrap().is_empty());
    let said = &reports["not_known"][0];
    assert!(said.as_str().unwrap().contains("does not say what files hold"), "{said}");
}

#[test]
fn what_is_compared_has_to_be_models() {
    let directory = grown();
    let text = fs::read_to_string(directory.path().join("small.json")).unwrap();
    let newer = text.replacen("\"schema_version\": 1", "\"schema_version\": 2", 1);
    let changed = text.replacen("\"total_bytes\": ", "\"total_bytes\": 1", 1);
    for (name, text) in [("newer.json", &*newer), ("changed.json", &changed), ("cut.json", &text[..text.len() / 2])] {
        write(directory.path(), name, text);
    }
    write(directory.path(), "none.json", "{\"schema_version\": 1, \"models\": []}");
    write(directory.path(), "pointer/saved_model.pb", "version https://git-lfs.github.com/spec/v1\n");
    write(directory.path(), "damaged/saved_model.pb", [0xff; 50]);
    write_model(&directory, "tree/1");
    write_model(&directory, "tree/2");
    for (arguments, code, said) in [
        ("small", 2, "there is one model; name another one to compare it with"),
        ("small tree", 2, "tree: there are 2 models; name one of them"),
        ("small gone", 3, "gone: cannot be read"),
        ("gone.json small", 3, "gone.json: cannot be read"),
        ("newer.json small", 3, "schema version 2, and this smaudit reads version 1; a newer smaudit reads it"),
        ("small changed.json", 3, "does not add up"),
        ("cut.json small", 3, "is no JSON report"),
        ("none.json small", 3, "is a report of no model"),
        ("small large --top 3 --json", 2, "--top is for text and markdown"),
        ("small large --width 80 --json", 2, "--width is for text"),
        ("small.json large.json --by op", 2, "--by: the reports are by other dimensions"),
        ("small large --max-growth ten", 2, "--max-growth"),
    ] {
        let refused = run(&directory, &format!("diff {arguments}")).exits(code).without_report();
        assert!(refused.stderr.contains(said), "{arguments}: {}", refused.stderr);
    }
    for pair in ["small damaged", "pointer small", "small pointer"] {
        let said = run(&directory, &format!("diff {pair}")).exits(3).silently().stdout;
        assert!(said.contains("what is missing looks like growth"), "{said}");
    }
    let said = run(&directory, "diff small damaged --json").exits(3).stderr;
    assert!(said.contains("smaudit: new: saved_model.pb"), "{said}");
}

#[test]
fn a_tree_stands_for_its_versions_in_their_order() {
    let said = fixtures("versions --json").exits(0).silently().json();
    let series = said["series"]["models"].as_array().unwrap().iter().map(|model| &model["name"]);
    assert_eq!(series.collect::<Vec<_>>(), ["1", "2", "3", "4"]);
    let steps = said["steps"].as_array().unwrap();
    let sum: i64 = steps.iter().map(|step| step["delta_bytes"].as_i64().unwrap()).sum();
    assert_eq!((steps.len(), sum), (3, said["delta_bytes"].as_i64().unwrap()));
    let cause = said["series"]["findings"].as_array().unwrap().iter().find(|cause| cause["id"] == "optimizer-state");
    assert_eq!((&cause.unwrap()["since"], &cause.unwrap()["until"]), (&"4".into(), &Value::Null));
    let text = fixtures("versions").exits(0).silently().stdout;
    assert!(text.contains("optimizer-state since 4"), "{text}");
    assert_eq!(
        said["delta_bytes"],
        fixtures("versions/1 versions/2 versions/3 versions/4 --json").json()["delta_bytes"]
    );
}

#[test]
fn a_model_that_was_exported_again_differs_in_naming_only() {
    let said = fixtures("versions/1 versions/2 --json").exits(0).silently().json();
    assert_eq!(said["delta_bytes"], said["naming_bytes"]);
    let functions = &said["functions"];
    assert_eq!([&functions["added"], &functions["removed"], &functions["changed"]], [0, 0, 0]);
    assert!(functions["renamed"].as_u64().unwrap() > 10);
    let text = fixtures("versions/1 versions/2").stdout;
    assert!(text.ends_with("larger: names and counters only, nothing else changed\n"), "{text}");
}

#[test]
fn every_format_is_whole_and_as_its_schema_says() {
    let schema = run(root(), "schema diff").exits(0).silently().json();
    for pair in ["versions", "versions/2 versions/3", "two-metagraphs sharded", "keras-export keras-export"] {
        let json = fixtures(&format!("{pair} --json")).exits(0).silently().json();
        let errors: Vec<String> = jsonschema::draft202012::new(&schema)
            .unwrap()
            .iter_errors(&json)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{pair}: {errors:#?}");
        let csv = fixtures(&format!("{pair} --format csv")).exits(0).silently().stdout;
        let mut table = csv::Reader::from_reader(csv.as_bytes());
        let delta = table.headers().unwrap().iter().position(|name| name == "delta").unwrap();
        let sum: i64 = table.records().map(|row| row.unwrap()[delta].parse::<i64>().unwrap()).sum();
        assert_eq!(sum, json["delta_bytes"].as_i64().unwrap(), "{pair}");
        let metrics = fixtures(&format!("{pair} --format openmetrics")).exits(0).silently().stdout;
        assert!(
            metrics.contains(&format!("\nsmaudit_delta_bytes {sum}\n")) && metrics.ends_with("# EOF\n"),
            "{metrics}"
        );
        let markdown = fixtures(&format!("{pair} --format markdown")).exits(0).silently().stdout;
        assert!(markdown.starts_with("## ") && markdown.chars().count() <= 65_536, "{markdown}");
        for columns in [80, 60, 200] {
            let text = fixtures(&format!("{pair} --width {columns}")).exits(0).silently().stdout;
            assert!(text.lines().count() < 24, "{text}");
            let width = text.lines().map(unicode_width::UnicodeWidthStr::width).max();
            assert!(width <= Some(columns), "{text}");
        }
    }
}

#[test]
fn small_rows_are_one_row_that_adds_up_and_dimensions_are_joined() {
    let rows = |arguments: &str| {
        let said = fixtures(&format!("versions/2 versions/3 --json {arguments}")).exits(0).silently().json();
        let delta: i64 =
            said["breakdown"]["rows"].as_array().unwrap().iter().map(|row| row["delta"].as_i64().unwrap()).sum();
        assert_eq!(delta, said["delta_bytes"].as_i64().unwrap(), "{arguments}");
        said["breakdown"].clone()
    };
    let small = rows("--min-delta 2kB").to_string();
    assert!(small.contains(" smaller changes\"") && !rows("").to_string().contains("smaller changes"), "{small}");
    let by = rows("--by function,op");
    assert_eq!(by["by"], serde_json::json!(["function", "op"]));
    let names: Vec<&str> = by["rows"].as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"[variables]") && names.iter().any(|name| name.starts_with("__inference_")), "{names:?}");
}
