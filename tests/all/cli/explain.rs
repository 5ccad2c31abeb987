//! `smaudit explain` and `--findings`: what a finding means, and how many of them are shown.

use crate::run::{root, run};
use support::files::tree;
use support::wire::message;

#[test]
fn without_an_id_every_finding_is_listed_on_a_line_of_its_own() {
    let list = run(root(), "explain").exits(0).silently().stdout;
    let ids: Vec<&str> = list.lines().map(|line| line.split_whitespace().next().unwrap()).collect();
    assert_eq!(ids, smaudit::CAUSES.iter().map(|cause| cause.id).collect::<Vec<_>>());
    assert!(list.lines().all(|line| line.split_whitespace().count() > 2), "each has a title: {list}");
}

#[test]
fn every_finding_is_explained_as_its_document_says() {
    for cause in smaudit::CAUSES {
        let text = run(root(), &format!("explain {}", cause.id)).exits(0).silently().stdout;
        let document = std::fs::read_to_string(root().join(format!("docs/findings/{}.md", cause.id))).unwrap();
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        // A comment in code begins with a `#` as well, behind the code that it is about.
        let line = |line: &'static str| line.trim_start_matches('#');
        let prose = |line: &&str| !line.starts_with("```");
        let written: Vec<String> = cause.long.lines().filter(prose).map(line).flat_map(words).collect();
        assert_eq!(words(&text), written, "{}", cause.id);
        assert_eq!(cause.long, document, "{}", cause.id);
    }
}

#[test]
fn an_id_that_nobody_knows_is_a_wrong_usage() {
    let run = run(root(), "explain no-such-finding").exits(2);
    assert!(run.stderr.starts_with("error: invalid value 'no-such-finding'"), "{}", run.stderr);
    assert!(run.stderr.contains("possible values: variable-stored-twice, "), "{}", run.stderr);
    assert_eq!(run.stdout, "");
}

/// A model with a shard of another checkpoint, and with metadata of Keras for layers that it does not have, in which an
/// array takes 2,000 bytes of text. All of it is stale.
fn stale() -> tempfile::TempDir {
    let directory = super::model();
    let array = format!("[12{}]", ",1".repeat(998));
    let metadata = message().message(1, &message().bytes(5, array)).0;
    super::write(directory.path(), "model/variables/variables.data-00000-of-00003", vec![7; 6000 - metadata.len()]);
    super::write(directory.path(), "model/keras_metadata.pb", metadata);
    directory
}

#[test]
fn findings_says_how_many_are_shown() {
    let directory = stale();
    let shown = |option: &str| {
        let text = run(&directory, &format!("model {option}")).exits(0).stdout;
        ["stale-files", "metadata-array", "      - "].map(|word| text.contains(word))
    };
    assert_eq!(shown("--findings 2"), [true, true, false]);
    assert_eq!(shown("--findings 1"), [true, false, false]);
    assert_eq!(shown("--findings all"), [true, true, true]);
}

#[test]
fn what_two_findings_claim_is_said_and_counted_once() {
    let report = run(stale(), "model --json").exits(0).json();
    let model = &report["models"][0];
    let [larger, smaller] = model["findings"].as_array().unwrap().as_slice() else { panic!("{model}") };
    assert_eq!((larger["id"].as_str(), larger["bytes"].as_u64()), (Some("stale-files"), Some(6000)));
    assert_eq!((smaller["bytes"].as_u64(), smaller["additional_bytes"].as_u64()), (Some(2000), Some(0)));
    assert_eq!(smaller["overlaps"], serde_json::json!([{"id": "stale-files", "bytes": 2000}]));
    assert_eq!(model["findings_bytes"], 6000);
}

#[test]
fn a_number_of_findings_is_a_number_or_all() {
    let stderr = run(tree(&[]), "model --findings many").exits(2).stderr;
    assert!(stderr.contains("write a number, or `all`"), "{stderr}");
}

#[test]
fn a_rule_holds_a_finding_to_a_limit() {
    let directory = stale();
    let rule = |limit: u64| format!("[[rule]]\nmetric = \"finding:stale-files\"\nlimit = {limit}\n");
    for (limit, exit) in [(6000, 0), (5999, 1)] {
        super::write(directory.path(), "smaudit.toml", rule(limit));
        run(&directory, "model --quiet").exits(exit);
    }
}
