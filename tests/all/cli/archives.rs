//! Archives on the command line and on standard input.

use std::path::Path;

use super::{two_nodes, write_model};
use crate::run::{Run, finished, run, smaudit};
use support::archive::{add, gzip, tar, zip};
use support::bundle::{DATA, INDEX, bytes_entry, index};
use support::files::{tree, write};

/// The model of the other tests in the folder `model` of a tar.
fn archived() -> Vec<u8> {
    let index = index(&[("bias", bytes_entry(0, 8)), ("kernel", bytes_entry(8, 400))]);
    let name = |file: &str| format!("model/{file}");
    tar(&[("model/saved_model.pb", &two_nodes().0), (&name(INDEX), &index), (&name(DATA), &[3; 408])])
}

/// Runs the command with this on its standard input.
fn run_with(input: &[u8], arguments: &str) -> Run {
    finished(smaudit(Path::new("."), arguments).write_stdin(input).output().unwrap())
}

#[test]
fn every_format_tells_the_size_of_the_archive_from_that_of_the_model() {
    let packed = gzip(&archived());
    let directory = tree(&[("m.tgz", &packed)]);
    let json = run(&directory, "--json m.tgz").exits(0).silently().json();
    let model = &json["models"][0];
    assert_eq!(model["path"], "m.tgz/model");
    assert_eq!(model["archive"]["path"], "m.tgz");
    assert_eq!(model["archive"]["format"], "tar.gz");
    assert_eq!(model["archive"]["folder"], "model");
    assert_eq!(model["archive"]["packed_bytes"], packed.len());
    assert_eq!(model["archive"]["unpacked_bytes"], model["total_bytes"]);
    assert_eq!(model["checkpoint"]["tensors"].as_array().unwrap().len(), 2);
    for format in ["text", "markdown"] {
        let run = run(&directory, &format!("--format {format} m.tgz")).exits(0).silently();
        let said = format!("archive: tar.gz of {} bytes, ", packed.len());
        assert!(run.stdout.contains(&said), "{run:#?}");
    }
}

#[test]
fn a_dash_is_an_archive_on_standard_input() {
    for input in [archived(), gzip(&archived()), zip(&[("model/saved_model.pb", &two_nodes().0)])] {
        let json = run_with(&input, "--json -").exits(0).silently().json();
        assert_eq!(json["models"][0]["path"], "-/model");
        assert_eq!(json["models"][0]["archive"]["packed_bytes"], input.len());
        assert_eq!(json["models"][0]["meta_graphs"][0]["nodes"], 2);
    }
    for (input, why) in [(&b""[..], "but it is empty"), (b"text", "but it begins like none of them")] {
        let run = run_with(input, "-q -").exits(3);
        assert!(run.stderr.starts_with("smaudit: -: expected an archive"), "{run:#?}");
        assert!(run.stderr.trim_end().ends_with(why), "{run:#?}");
    }
}

#[test]
fn why_finds_its_way_in_an_archive() {
    let run = run_with(&gzip(&archived()), "why - weights").exits(0).silently();
    assert!(run.stdout.starts_with("-/model\n") && run.stdout.contains("node      weights"), "{run:#?}");
}

#[test]
fn what_is_refused_is_named_and_the_rest_is_audited() {
    let mut builder = ::tar::Builder::new(Vec::new());
    add(&mut builder, b"m/saved_model.pb", ::tar::EntryType::Regular, "", &two_nodes().0);
    add(&mut builder, b"m/variables", ::tar::EntryType::Symlink, "/etc", b"");
    add(&mut builder, b"../../x", ::tar::EntryType::Regular, "", b"");
    let run = run_with(&builder.into_inner().unwrap(), "--json -").exits(3);
    let json = run.json();
    assert_eq!(json["models"][0]["meta_graphs"][0]["nodes"], 2);
    assert_eq!(json["models"][0]["problems"][0]["file"], "variables");
    assert_eq!(json["unreadable"][0]["path"], "-");
    assert!(run.stderr.contains("smaudit: -/m: variables: is a symbolic link to /etc, not a regular"), "{run:#?}");
    assert!(run.stderr.contains("smaudit: -: the entry ../../x is refused: "), "{run:#?}");
}

#[test]
fn a_truncated_archive_is_exit_code_3_and_a_whole_one_0() {
    let packed = gzip(&archived());
    let directory = tree(&[]);
    for length in (0..packed.len()).step_by(29).chain([packed.len() - 1, packed.len()]) {
        write(directory.path(), "m.tar.gz", &packed[..length]);
        let run = run(&directory, "--json m.tar.gz");
        assert_eq!(run.code, if length == packed.len() { 0 } else { 3 }, "{length}: {run:#?}");
        run.json();
    }
}

// --- in a tree ---

fn paths(report: &serde_json::Value) -> Vec<&str> {
    report["models"].as_array().unwrap().iter().map(|model| model["path"].as_str().unwrap()).collect()
}

#[test]
fn archives_in_a_tree_are_audited_behind_its_directories() {
    let two = tar(&[("2/saved_model.pb", &two_nodes().0), ("10/saved_model.pb", &two_nodes().0)]);
    let directory =
        tree(&[("base/9.tar.gz", &gzip(&archived())), ("base/10.zip", &zip(&[])), ("base/a/two.tar", &two)]);
    write_model(&directory, "base/z");
    let report = run(&directory, "--json base").exits(0).silently().json();
    assert_eq!(paths(&report), ["base/z", "base/9.tar.gz/model", "base/a/two.tar/2", "base/a/two.tar/10"]);
    assert_eq!(report["totals"]["models"], 4);
    for twice in ["base base/9.tar.gz base/a/two.tar", "base ./base base/a"] {
        assert_eq!(paths(&run(&directory, &format!("--json {twice}")).exits(0).silently().json()), paths(&report));
    }
    let first = run(&directory, "--json base/a/two.tar base/a").exits(0).silently().json();
    assert_eq!(paths(&first), ["base/a/two.tar/2", "base/a/two.tar/10"]);
    // The same as by itself, but for the name.
    let alone = run(&directory, "--json base/9.tar.gz").exits(0).json();
    assert_eq!(report["models"][1], alone["models"][0]);
}

#[test]
fn an_archive_in_a_models_own_directory_is_a_file_of_that_model() {
    let directory = tree(&[("model/assets.extra/m.tar.gz", &gzip(&archived()))]);
    write_model(&directory, "model");
    let report = run(&directory, "--json .").exits(0).silently().json();
    assert_eq!(paths(&report), ["./model"]);
}

#[test]
fn an_archive_of_other_things_is_passed_over_and_one_that_cannot_be_read_does_not_stop_the_others() {
    let directory = tree(&[
        ("other.zip", &zip(&[("notes.txt", b"1")])),
        ("cut.tar.gz", &gzip(&archived())[..100]),
        ("empty.zip", b""),
        ("whole.tgz", &gzip(&archived())),
        // Called like something else, it is not looked into.
        ("whole.bin", &gzip(&archived())),
    ]);
    let run = run(&directory, "--json .").exits(3);
    let report = run.json();
    assert_eq!(paths(&report), ["./whole.tgz/model"]);
    let unreadable: Vec<&str> =
        report["unreadable"].as_array().unwrap().iter().map(|input| input["path"].as_str().unwrap()).collect();
    assert_eq!(unreadable, ["./cut.tar.gz", "./empty.zip"]);
    assert!(run.stderr.contains("./empty.zip: expected an archive (.tar, "), "{run:#?}");
}

#[test]
fn a_tree_of_archives_without_a_model_has_none() {
    let directory = tree(&[("data/a.zip", &zip(&[("notes.txt", b"1")])), ("data/README", b"")]);
    let said = "data: no SavedModel: no saved_model.pb, saved_model.pbtxt or saved_model.cpb in it or below; \
                found 2 files: README, a.zip; no SavedModel in the archive among them";
    for arguments in ["data -q", "why data weights"] {
        let run = run(&directory, arguments).exits(3);
        assert!(run.stderr.contains(said), "{run:#?}");
    }
}

#[test]
fn a_link_to_an_archive_is_not_followed_in_a_tree() {
    let directory = tree(&[("m.tar.gz", &gzip(&archived())), ("tree/README", b"")]);
    std::os::unix::fs::symlink("../m.tar.gz", directory.path().join("tree/m.tar.gz")).unwrap();
    let run = run(&directory, "tree -q").exits(3);
    assert!(run.stderr.contains("m.tar.gz looks like an archive: name it on the command line"), "{run:#?}");
}

#[test]
fn a_rule_for_a_model_in_an_archive_is_kept_to_and_one_for_none_is_said() {
    let rule = |model: &str| format!("[[rule]]\nmetric = \"total\"\nlimit = 1\nmodels = \"{model}\"\n");
    let directory = tree(&[("base/m.tar.gz", &gzip(&archived()))]);
    write(directory.path(), "smaudit.toml", rule("base/m.tar.gz/*"));
    run(&directory, "-q base").exits(1);
    write(directory.path(), "smaudit.toml", rule("base/other"));
    let none = run(&directory, "base").exits(0);
    assert!(none.stderr.contains("`models = \"base/other\"` matches none of the models"), "{}", none.stderr);
}

#[test]
fn why_finds_its_way_in_the_archives_of_a_tree() {
    let directory = tree(&[("base/m.tar.gz", &gzip(&archived())), ("base/other.zip", &zip(&[]))]);
    let run = run(&directory, "why base weights").exits(0).silently();
    assert!(run.stdout.starts_with("base/m.tar.gz/model\n"), "{run:#?}");
}
