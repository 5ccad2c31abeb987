//! `--verify` reads all data of a checkpoint and names what is wrong.

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};
use smaudit::input::Model;
use smaudit::progress::Progress;
use smaudit::{Options, audit};

use super::two_nodes;
use crate::run::{fixtures, root, run};
use support::bundle::{BundleBuilder, DATA};
use support::files::{tree, write};
use support::riegeli::{PLAIN, ZSTD, chunked, part};
use support::wire::{Message, graph, message, meta_graph, node, saved_model};

/// The directory `model` with two variables, `bias` of 8 bytes and behind it `kernel` of 400, as `change` leaves it.
fn model_with_data(change: impl Fn(&mut Vec<u8>)) -> tempfile::TempDir {
    let [(index, index_bytes), (_, mut data)] =
        BundleBuilder::default().tensor("bias", &[1; 8]).tensor("kernel", &[3; 400]).files();
    change(&mut data);
    let directory = tree(&[("model/saved_model.pb", &two_nodes().0)]);
    write(directory.path(), &format!("model/{index}"), index_bytes);
    write(directory.path(), &format!("model/{DATA}"), data);
    directory
}

#[test]
fn what_was_verified_is_said_in_text_markdown_and_json() {
    let directory = model_with_data(|_| {});
    let text = run(&directory, "--verify model").exits(0).silently().stdout;
    assert!(text.contains("\nverified: 2 tensors, 408 bytes\n"), "{text}");
    let text = run(&directory, "--verify --full model").exits(0).silently().stdout;
    assert!(text.contains("\n  verified    2 tensors, 408 bytes\n"), "{text}");
    let markdown = run(&directory, "--verify -f markdown model").exits(0).silently().stdout;
    assert!(markdown.contains("\nverified: 2 tensors, 408 bytes\n"), "{markdown}");
    let report = run(&directory, "--verify --json model").exits(0).silently().json();
    let verified = &report["models"][0]["checkpoint"]["verified"];
    assert_eq!(*verified, json!({"tensors": 2, "bytes": 408, "skipped": 0}));
}

#[test]
fn a_flipped_bit_is_noticed_with_the_flag_and_not_without() {
    let directory = model_with_data(|data| data[100] ^= 4);
    let report = run(&directory, "--json model").exits(0).silently().json();
    assert_eq!(report["models"][0]["checkpoint"]["verified"], Value::Null);
    let damaged = run(&directory, "--verify --json model").exits(3);
    let model = &damaged.json()["models"][0];
    let problem = &model["problems"][0];
    assert_eq!((&problem["file"], &problem["offset"]), (&json!(DATA), &json!(8)));
    let message = problem["message"].as_str().unwrap();
    assert!(message.starts_with("`kernel`: expected masked CRC32C 0x"), "{message}");
    assert!(damaged.stderr.contains(message), "{}", damaged.stderr);
    assert_eq!(model["checkpoint"]["verified"], json!({"tensors": 1, "bytes": 8, "skipped": 0}));
}

#[test]
fn data_behind_the_last_tensor_is_unused_and_no_problem() {
    let directory = model_with_data(|data| data.extend([0; 10]));
    let text = run(&directory, "--verify --full model").exits(0).silently().stdout;
    assert!(text.contains("  unused      10 bytes of the data belong to no tensor\n"), "{text}");
}

#[test]
fn data_that_is_cut_short_is_a_problem_once() {
    let directory = model_with_data(|data| data.truncate(407));
    let model = &run(&directory, "--verify --json model").exits(3).json()["models"][0];
    assert_eq!(model["problems"].as_array().unwrap().len(), 1);
    assert_eq!(
        model["problems"][0]["message"],
        "`kernel`: expected its data up to byte 408, found the file's end at 407"
    );
    assert_eq!(model["checkpoint"]["verified"], json!({"tensors": 1, "bytes": 8, "skipped": 1}));
}

#[test]
fn all_that_tensorflow_wrote_is_as_it_was_written() {
    for name in fixtures() {
        let model = &run(root(), &format!("--verify --json fixtures/{name}")).exits(0).silently().json()["models"][0];
        let tensors = model["checkpoint"]["tensors"].as_array().unwrap();
        let with_data = tensors.iter().filter(|tensor| tensor["bytes"] != 0).count();
        let verified = &model["checkpoint"]["verified"];
        assert_eq!((&verified["tensors"], &verified["skipped"]), (&json!(with_data), &json!(0)), "{name}");
    }
}

#[test]
fn a_bit_that_is_flipped_in_any_tensor_of_a_fixture_is_told_of_that_tensor() {
    for name in fixtures() {
        let fixture = root().join("fixtures").join(&name);
        let report = run(root(), &format!("--json fixtures/{name}")).json();
        let shards = &report["models"][0]["checkpoint"]["shards"];
        for tensor in report["models"][0]["checkpoint"]["tensors"].as_array().unwrap() {
            let [offset, bytes] = ["offset", "bytes"].map(|key| tensor[key].as_u64().unwrap());
            if bytes == 0 {
                continue;
            }
            let directory = tree(&[]);
            for file in report["models"][0]["files"].as_array().unwrap() {
                let path = file["path"].as_str().unwrap();
                write(directory.path(), path, std::fs::read(fixture.join(path)).unwrap());
            }
            let shard = format!(
                "variables/variables.data-{:05}-of-{:05}",
                tensor["shard"].as_u64().unwrap(),
                shards.as_u64().unwrap()
            );
            let mut data = std::fs::read(fixture.join(&shard)).unwrap();
            data[usize::try_from(offset + bytes - 1).unwrap()] ^= 0x10;
            write(directory.path(), &shard, data);
            let problems = &run(&directory, "--verify --json .").exits(3).json()["models"][0]["problems"];
            let [problem] = problems.as_array().unwrap().as_slice() else { panic!("{problems}") };
            let key = tensor["key"].as_str().unwrap();
            assert!(problem["message"].as_str().unwrap().starts_with(&format!("`{key}`: expected ")), "{problem}");
            assert_eq!(problem["file"], shard.as_str());
        }
    }
}

#[test]
fn a_model_without_a_checkpoint_has_nothing_to_verify() {
    let directory = tree(&[("model/saved_model.pb", &two_nodes().0)]);
    let report = run(&directory, "--verify --json model").exits(0).silently().json();
    assert_eq!(report["models"][0]["checkpoint"], Value::Null);
}

/// What an audit says of how far it is: the bytes that there are to do, and those that were done.
#[derive(Debug, Default)]
struct Told {
    to_do: AtomicU64,
    done: AtomicU64,
}

impl Progress for Told {
    fn start(&self, _model: &str, bytes: u64) {
        self.to_do.store(bytes, Ordering::Relaxed);
    }
    fn advance(&self, bytes: u64) {
        self.done.fetch_add(bytes, Ordering::Relaxed);
    }
}

#[test]
fn the_data_that_is_read_is_part_of_the_progress() {
    let directory = model_with_data(|_| {});
    let model = Model::read(&directory.path().join("model"), "model");
    // Five steps share the bytes of the main file, and each has whole ones.
    let read = model.file("saved_model.pb").unwrap().bytes / 5 * 5;
    for (verify, to_do) in [(false, read), (true, read + 408)] {
        let told = Told::default();
        audit(&model, &Options { verify, ..Options::default() }, &told).unwrap();
        assert_eq!((told.to_do.into_inner(), told.done.into_inner()), (to_do, to_do));
    }
}

// --- the main file ---

/// A model of one node, which has `dtype` twice: as it should be, and as a string.
fn damaged_attribute() -> Message {
    let node = node("a", "Const").entry(5, "dtype", &message().int(6, 1)).entry(5, "dtype", &message().bytes(6, "odd"));
    saved_model([&meta_graph(&["serve"], &graph([&node]))])
}

/// Where the damage is: at the tag in front of the string.
fn place(file: &[u8]) -> usize {
    file.windows(3).position(|bytes| bytes == b"odd").unwrap() - 2
}

const SAID: &str = "expected AttrValue.type to be a varint, found a length and as many bytes";

#[test]
fn damage_in_an_attribute_is_noticed_with_the_flag_and_not_without() {
    let main = damaged_attribute().0;
    let directory = tree(&[("model/saved_model.pb", &main)]);
    run(&directory, "model").exits(0).silently();
    let run = run(&directory, "--verify --json model").exits(3);
    let problem = json!({"file": "saved_model.pb", "offset": place(&main), "message": SAID, "kind": "damaged"});
    assert_eq!(run.json()["models"][0]["problems"], json!([problem]));
    assert!(run.stderr.contains(SAID), "{run:#?}");
}

#[test]
fn in_a_chunked_model_damage_is_at_the_byte_of_the_file_or_of_its_compressed_chunk() {
    for (compression, is_plain) in [(PLAIN, true), (ZSTD, false)] {
        let file = chunked(compression, &[part(&[], &damaged_attribute())]);
        let directory = tree(&[("model/saved_model.cpb", &file)]);
        run(&directory, "model").exits(0).silently();
        let problem = &run(&directory, "--verify --json model").exits(3).json()["models"][0]["problems"][0];
        assert_eq!(problem["message"], SAID);
        let offset = usize::try_from(problem["offset"].as_u64().unwrap()).unwrap();
        assert!(if is_plain { offset == place(&file) } else { offset < file.len() }, "{offset}");
    }
}

#[test]
fn damage_that_every_audit_notices_is_told_once() {
    let main = damaged_attribute().0;
    let directory = tree(&[("model/saved_model.pb", &main[..main.len() - 1])]);
    for flag in ["", "--verify"] {
        let run = run(&directory, &format!("--json {flag} model")).exits(3);
        let model = &run.json()["models"][0];
        let problems = model["problems"].as_array().unwrap();
        let cuts = problems.iter().filter(|problem| problem["message"].as_str().unwrap().contains(" are left"));
        assert_eq!(cuts.count(), 1, "{model}");
    }
}
