//! A tree of models: one summary, what models repeat of each other, and one that cannot be read.

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{two_nodes, write_model};
use crate::run::run;
use support::bundle::{DATA, INDEX, bytes_entry, index};
use support::files::{tree, write};

/// A version of a model: a kernel of its own, a vocabulary, and an embedding that all versions have.
fn write_version(directory: &TempDir, name: &str, own: u8) {
    let file = |file: &str| format!("{name}/{file}");
    // Of 0 it is zeros.
    let content = |factor: u8| (0..=250_u8).cycle().take(3000).map(move |byte| byte.wrapping_mul(factor));
    let data: Vec<u8> = content(9).chain(content(own)).collect();
    write(directory.path(), &file("saved_model.pb"), two_nodes().0);
    write(directory.path(), &file("assets/vocabulary"), "word\n".repeat(400));
    write(
        directory.path(),
        &file(INDEX),
        index(&[("embedding", of_bytes(0, &data)), ("kernel", of_bytes(3000, &data))]),
    );
    write(directory.path(), &file(DATA), data);
}

/// An entry of 3,000 bytes with the checksum of what is there.
fn of_bytes(offset: u64, data: &[u8]) -> support::wire::Message {
    let start = usize::try_from(offset).unwrap();
    bytes_entry(offset, 3000).fixed32(6, support::table::masked(crc32c::crc32c(&data[start..start + 3000])))
}

fn versions(own: &[(&str, u8)]) -> TempDir {
    let directory = tree(&[]);
    own.iter().for_each(|(name, own)| write_version(&directory, name, *own));
    directory
}

fn neighbours(directory: &TempDir, options: &str) -> Value {
    run(directory, &format!("--json {options}")).exits(0).silently().json()["neighbours"].take()
}

#[test]
fn a_version_repeats_of_the_first_what_further_training_did_not_touch() {
    let pairs = neighbours(&versions(&[("base/1", 1), ("base/2", 2)]), "base");
    let pair = &pairs[0];
    assert_eq!((&pair["original"], &pair["copy"]), (&json!("base/1"), &json!("base/2")));
    assert_eq!(pair["tensors"], json!({"count": 1, "of": 2, "bytes": 3000}));
    assert_eq!(pair["files"], json!({"count": 1, "of": 1, "bytes": 2000}), "saved_model.pb is too small to compare");
    assert_eq!((&pair["bytes"], &pair["whole_checkpoint"]), (&json!(5000), &json!(false)));
    assert_eq!(pairs.as_array().unwrap().len(), 1);
}

#[test]
fn a_copy_repeats_the_whole_checkpoint_of_the_first_that_has_it() {
    let pairs = neighbours(&versions(&[("base/1", 1), ("base/2", 2), ("base/3", 2)]), "base");
    let pair = |original: &str, copy: &str| {
        let is_meant = |pair: &&Value| pair["original"] == original && pair["copy"] == copy;
        pairs.as_array().unwrap().iter().find(is_meant).map(|pair| pair["bytes"].as_u64().unwrap())
    };
    assert_eq!(pair("base/1", "base/2"), Some(5000));
    assert_eq!(pair("base/1", "base/3"), Some(5000), "the embedding and the vocabulary are first in 1");
    assert_eq!(pair("base/2", "base/3"), Some(3000), "the kernel is first in 2");
}

#[test]
fn what_is_smaller_than_asked_for_is_not_compared_and_zeros_are_no_content() {
    let directory = versions(&[("a", 0), ("b", 0)]);
    assert_eq!(neighbours(&directory, "a b")[0]["tensors"], json!({"count": 1, "of": 1, "bytes": 3000}));
    assert_eq!(neighbours(&directory, "a b --min-duplicate 3001"), json!([]));
}

#[test]
fn what_versions_share_is_named() {
    let directory = versions(&[("base/1", 1), ("base/2", 2), ("base/3", 2)]);
    let shared = run(&directory, "--json base").exits(0).silently().json()["shared"].take();
    let content = |kind: &str, name: &str, bytes: u64, models: u64| json!({"kind": kind, "name": name, "bytes": bytes, "models": models, "repeated_bytes": bytes * (models - 1)});
    let expected = [
        content("variable", "embedding", 3000, 3),
        content("file", "assets/vocabulary", 2000, 3),
        content("variable", "kernel", 3000, 2),
    ];
    assert_eq!(shared, json!(expected));
    let text = run(&directory, "base").exits(0).silently().stdout;
    assert!(text.contains("\n  embedding 3.00 kB in 3 models, assets/vocabulary 2.00 kB in 3 models,"), "{text}");
}

#[test]
fn what_lies_beside_the_models_is_counted_and_the_largest_named() {
    let directory = versions(&[("base/1", 1), ("base/2", 2)]);
    write(directory.path(), "base/README.md", [b'r'; 500]);
    write(directory.path(), "base/logs/events", [b'e'; 2500]);
    let outside = run(&directory, "--json base").exits(0).silently().json()["outside"].take();
    let file = |path: &str, bytes: u64| json!({"path": path, "bytes": bytes});
    let largest = [file("base/logs/events", 2500), file("base/README.md", 500)];
    assert_eq!(outside, json!({"files": 2, "bytes": 3000, "largest": largest}));
    let text = run(&directory, "base").exits(0).silently().stdout;
    let said = "\nbeside the models, in none of them: 2 files,\n3.00 kB (largest: logs/events 2.50 kB)\n";
    assert!(text.contains(said), "{text}");
}

#[test]
fn one_model_has_no_neighbours() {
    assert_eq!(neighbours(&versions(&[("a", 1)]), "a"), json!([]));
}

#[test]
fn several_models_are_one_table_and_all_of_them_in_full_on_demand() {
    let names: Vec<String> = (1..=30).map(|number| number.to_string()).collect();
    let directory = tree(&[]);
    names.iter().for_each(|name| write_model(&directory, name));
    let rows = |options: &str| -> Vec<String> {
        let text = run(&directory, &format!(". {options}")).exits(0).silently().stdout;
        let rows = text.lines().skip(2).take_while(|line| !line.is_empty());
        rows.map(|row| row.split("  ").last().unwrap().trim().to_owned()).collect()
    };
    assert_eq!(rows("--sort path -n 2"), ["1", "2", "… 28 more (-n 0 shows all)", "total"]);
    assert_eq!(rows("-n 0").len(), 31);
    let full = run(&directory, ". --full").exits(0).stdout;
    assert_eq!(full.matches("metagraph #0").count(), 30);
    let by = run(&directory, ". --by op").exits(0).stdout;
    assert_eq!(by.matches("  Placeholder\n").count(), 30, "{by}");
}

#[test]
fn totals_are_the_sums_of_the_models() {
    let report = run(versions(&[("a", 1), ("b", 2)]), "--json a b").exits(0).json();
    let sum = |key: &str| report["models"].as_array().unwrap().iter().map(|m| m[key].as_u64().unwrap()).sum::<u64>();
    assert_eq!(report["totals"]["models"], 2);
    assert_eq!(report["totals"]["bytes"], sum("total_bytes"));
    assert_eq!(report["totals"]["findings_bytes"], sum("findings_bytes"));
    assert_eq!(report["totals"]["neighbours_bytes"], 5000);
}

#[test]
fn a_damaged_model_does_not_stop_the_others_and_is_named_in_the_summary() {
    let directory = tree(&[("damaged/saved_model.pb", &[0xff; 50])]);
    ["1", "2", "3", "4"].iter().for_each(|name| write_model(&directory, name));
    let text = run(&directory, ".").exits(3).stdout;
    assert!(text.contains("! damaged\n"), "{text}");
    assert!(text.starts_with("1 MODEL HAS 1 PROBLEM: "), "{text}");
    assert!(text.contains("\n  ! damaged: saved_model.pb, byte 0: "), "{text}");
}

#[test]
fn models_are_reported_in_the_order_of_their_paths_however_they_are_audited() {
    let directory = tree(&[]);
    let names: Vec<String> = (1..=40).map(|version| version.to_string()).collect();
    names.iter().for_each(|name| write_model(&directory, &format!("base/{name}")));
    let report = run(&directory, "--json base").exits(0).json();
    let paths: Vec<&str> = report["models"].as_array().unwrap().iter().map(|m| m["path"].as_str().unwrap()).collect();
    assert_eq!(paths, names.iter().map(|name| format!("base/{name}")).collect::<Vec<_>>());
}
