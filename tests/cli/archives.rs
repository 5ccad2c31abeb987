//! Archives on the command line and on standard input.

use std::path::Path;

use crate::run::{Run, finished, run, smaudit};
use crate::support::archive::{add, gzip, tar, zip};
use crate::support::bundle::{DATA, INDEX, bytes_entry, index};
use crate::support::files::{tree, write};
use crate::two_nodes;

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

#[test]
fn an_archive_in_a_tree_without_a_model_is_said_to_be_one_to_name() {
    let directory = tree(&[("registry/m.tar.gz", &gzip(&archived()))]);
    let run = run(&directory, "registry").exits(3);
    assert!(run.stderr.contains("m.tar.gz looks like an archive: name it on the command line"), "{run:#?}");
}
