//! What surrounds rules: the file that they are in, what is said of them and where, baselines.

use std::fs;
use std::path::Path;

use serde_json::Value;
use support::files::{tree, write};
use tempfile::TempDir;

use super::write_model;
use crate::run::{Run, finished, root, run, smaudit};

const RULE: &str = "[[rule]]\nmetric = \"total\"\nlimit = 1\n";

/// A repository with the model `models/m` and the folder `models/deep`.
fn repository() -> TempDir {
    let directory = tree(&[("around/repository/.git/HEAD", b""), ("around/repository/models/deep/notes", b"")]);
    write_model(&directory, "around/repository/models/m");
    directory
}

fn inside(directory: &TempDir, folder: &str) -> std::path::PathBuf {
    directory.path().join("around/repository").join(folder)
}

// --- the file ---

#[test]
fn the_configuration_is_looked_for_up_to_the_repository_and_the_report_names_it() {
    let directory = repository();
    write(directory.path(), "around/smaudit.toml", RULE);
    let above = run(inside(&directory, "models"), "m").exits(0);
    assert!(!above.stdout.contains("rules:"), "what is around the repository is not its: {}", above.stdout);
    write(directory.path(), "around/repository/smaudit.toml", RULE);
    for (folder, model, file) in [
        ("models/deep", "../m", "../../smaudit.toml"),
        ("models", "m", "../smaudit.toml"),
        (".", "models/m", "smaudit.toml"),
    ] {
        let text = run(inside(&directory, folder), model).exits(1).silently().stdout;
        assert!(text.contains(&format!("({file}: 1 rule)")), "{text}");
        let gate = run(inside(&directory, folder), &format!("{model} --json")).exits(1).json()["gate"].take();
        assert_eq!(gate["config"], serde_json::json!({"file": file, "rules": 1}));
        assert_eq!((&gate["rules"][0]["source"], &gate["rules"][0]["line"]), (&format!("{file}:1").into(), &1.into()));
    }
    write(directory.path(), "around/repository/models/smaudit.toml", "");
    run(inside(&directory, "models/deep"), "../m").exits(0);
}

#[test]
fn a_configuration_that_is_no_file_of_the_users_is_not_read_unasked() {
    let directory = repository();
    fs::create_dir(inside(&directory, "smaudit.toml")).unwrap();
    let refused = run(inside(&directory, "models"), "m").exits(2).without_report();
    assert!(refused.stderr.contains("../smaudit.toml: is no regular file"), "{}", refused.stderr);
    fs::remove_dir(inside(&directory, "smaudit.toml")).unwrap();
    write(directory.path(), "rules", RULE);
    std::os::unix::fs::symlink(directory.path().join("rules"), inside(&directory, "smaudit.toml")).unwrap();
    run(inside(&directory, "models"), "m").exits(2).without_report();
    run(inside(&directory, "models"), "m --config ../smaudit.toml").exits(1);
    run(inside(&directory, "models"), "m --config /dev/zero").exits(2).without_report();
}

#[test]
fn a_rule_that_is_for_no_model_is_a_warning() {
    let directory = tree(&[("smaudit.toml", format!("{RULE}models = \"exprot*\"\n").as_bytes())]);
    write_model(&directory, "m");
    let run = run(&directory, "m").exits(0);
    assert!(
        run.stderr.starts_with("smaudit: warning: smaudit.toml:1: `models = \"exprot*\"` matches none"),
        "{run:#?}"
    );
}

#[test]
fn a_name_that_is_nearly_right_is_understood() {
    for (rule, said) in [
        ("metric = \"dupication\"", "unknown metric `dupication`; did you mean `duplication`?"),
        ("metric = \"finding:stale-fils\"", "unknown finding `stale-fils`; did you mean `stale-files`?"),
        ("metric = \"growth:asets\"", "unknown category `asets`; did you mean `assets`?"),
        ("metric = \"finding:nothing-*\"", "unknown finding `nothing-*`"),
    ] {
        let directory = tree(&[("smaudit.toml", format!("[[rule]]\n{rule}\nlimit = 1\n").as_bytes())]);
        let refused = run(&directory, "m").exits(2).without_report();
        assert!(refused.stderr.contains(said), "{}", refused.stderr);
    }
}

// --- what is said ---

/// How often each of the words is said on both streams.
fn count(run: &Run, word: &str) -> usize {
    [&run.stdout, &run.stderr].map(|stream| stream.matches(word).count()).into_iter().sum()
}

#[test]
fn each_message_is_said_once() {
    let directory = tree(&[("damaged/saved_model.pb", &[0xff; 50]), ("smaudit.toml", RULE.as_bytes())]);
    for format in ["text", "markdown"] {
        let run = run(&directory, &format!("damaged missing --format {format}")).exits(3);
        assert_eq!(run.stderr, "", "{format}");
        assert_eq!(count(&run, "No such file"), 1, "{format}: {}", run.stdout);
        assert_eq!(count(&run, "FAIL"), 2, "{format}: {}", run.stdout);
    }
    let run = run(&directory, "damaged missing -o report").exits(3);
    assert_eq!((run.stdout.as_str(), run.stderr.lines().count()), ("", 3), "{}", run.stderr);
}

#[test]
fn github_sees_the_line_of_the_file_from_its_workspace() {
    let directory = repository();
    write(directory.path(), "around/repository/smaudit.toml", RULE);
    let mut command = smaudit(&inside(&directory, "models"), "m --json");
    let workspace = inside(&directory, ".");
    let run = finished(command.env("GITHUB_ACTIONS", "true").env("GITHUB_WORKSPACE", workspace).output().unwrap());
    assert!(
        run.stderr.starts_with("::error file=smaudit.toml,line=1,title=smaudit%3A total::total of m: "),
        "{run:#?}"
    );
    assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
}

#[test]
fn a_broken_rule_says_by_how_much_and_what_to_fix_first() {
    let text = run(root(), "fixtures/keras-lstm --max-avoidable 5% --max-size 1MB").exits(1).silently().stdout;
    let said = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("rules: FAIL, 1 of 2 checks failed FAIL avoidable: "), "{text}");
    assert!(said.contains(" over 5%; fix layer-traces"), "{text}");
    assert_eq!(text.matches("PASS").count(), 0, "what holds is in the summary: {text}");
    let rule = run(root(), "fixtures/keras-lstm --max-avoidable 5% --json").exits(1).json()["gate"]["rules"][0].take();
    let number = |key: &str| rule[key].as_u64().unwrap();
    assert_eq!(number("over_bytes"), number("actual_bytes") - number("total_bytes") / 20);
    assert_eq!((&rule["rule"], &rule["fix"]), (&"max-avoidable".into(), &"layer-traces".into()));
    run(root(), "fixtures/keras-lstm --max-avoidable 100%").exits(0);
}

// --- baselines ---

/// A model, a larger one, and the baseline of the first.
fn grown() -> TempDir {
    let directory = tree(&[]);
    ["small", "large"].iter().for_each(|name| write_model(&directory, name));
    write(directory.path(), "large/assets/words", [b'w'; 100]);
    run(&directory, "baseline small -o size.json").exits(0).silently().without_report();
    directory
}

#[test]
fn a_baseline_is_small_and_the_same_each_time() {
    let directory = grown();
    let text = fs::read_to_string(directory.path().join("size.json")).unwrap();
    assert_eq!(run(&directory, "baseline small -o -").exits(0).silently().stdout, text);
    assert!(text.len() < 2_000, "{text}");
    let baseline: Value = serde_json::from_str(&text).unwrap();
    let report = run(&directory, "small --json").json();
    assert_eq!(baseline["total_bytes"], report["models"][0]["total_bytes"]);
    assert_eq!(baseline["categories"], report["models"][0]["categories"]);
    let schema = run(&directory, "schema baseline").exits(0).json();
    assert!(jsonschema::is_valid(&schema, &baseline));
}

#[test]
fn growth_is_limited_in_bytes_and_in_shares_of_the_baseline() {
    let directory = grown();
    for (model, limit, code) in [
        ("small", "0", 0),
        ("large", "100", 0),
        ("large", "99", 1),
        ("large", "1%", 1),
        ("large", "50%", 0),
        ("small --baseline large --max-growth 0", "", 0),
    ] {
        let options =
            if limit.is_empty() { String::new() } else { format!("--baseline size.json --max-growth {limit}") };
        run(&directory, &format!("{model} {options}")).exits(code).silently();
    }
    run(&directory, "large --baseline small --max-growth 99").exits(1);
    let rules = "[[rule]]\nmetric = \"growth:assets\"\nlimit = [\"10%\", 100]\n";
    write(directory.path(), "smaudit.toml", rules);
    let gate = run(&directory, "large --baseline size.json --json").exits(1).json()["gate"].take();
    let passed: Vec<&Value> = gate["rules"][0]["limits"].as_array().unwrap().iter().map(|l| &l["passed"]).collect();
    assert_eq!(passed, [&Value::Bool(false), &Value::Bool(true)], "10% of no assets is nothing");
    assert_eq!(gate["rules"][0]["actual_bytes"], 100);
}

#[test]
fn a_model_that_got_smaller_says_how_to_keep_it_so() {
    let directory = grown();
    run(&directory, "baseline large -o size.json").exits(0);
    let text = run(&directory, "small --baseline size.json --max-growth 0").exits(0).silently().stdout;
    let said = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("smaller than its baseline; keep it so: smaudit baseline small -o size.json"), "{text}");
}

#[test]
fn a_baseline_that_cannot_be_used_is_wrong_usage_and_says_what_to_do() {
    let directory = grown();
    let text = fs::read_to_string(directory.path().join("size.json")).unwrap();
    write(directory.path(), "changed.json", text.replacen("\"variables\": ", "\"variables\": 1", 1));
    write(directory.path(), "damaged/saved_model.pb", [0xff; 50]);
    write_model(&directory, "tree/a");
    write_model(&directory, "tree/b");
    for (arguments, said) in [
        ("small --baseline gone.json --max-growth 1", "write one with `smaudit baseline MODEL -o gone.json`"),
        ("small --baseline changed.json --max-growth 1", "was changed by hand; write it anew with `smaudit baseline"),
        ("small --baseline damaged --max-growth 1", "is not whole: "),
        ("small --baseline tree --max-growth 1", "a baseline is of one model"),
        ("small --baseline size.json", "no rule limits growth; add --max-growth"),
        ("small --max-growth 1", "growth is measured from a baseline; name one with --baseline"),
        ("small large --baseline size.json --max-growth 1", "--baseline is of one model, and there are 2"),
    ] {
        let refused = run(&directory, arguments).exits(2).without_report();
        assert!(refused.stderr.contains(said), "{arguments}: {}", refused.stderr);
    }
    let refused = run(&directory, "baseline damaged -o new.json").exits(3).without_report();
    assert!(refused.stderr.contains("is not whole, so no baseline was written"), "{}", refused.stderr);
    assert!(!Path::new(&directory.path().join("new.json")).exists());
}
