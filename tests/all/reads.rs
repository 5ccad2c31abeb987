//! What is not read, and what is not held: a model is audited from its maps, and only candidates for duplicates are
//! looked at.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::cast_possible_truncation)]

use std::cell::RefCell;

use bytes::Bytes;
use smaudit::input::Model;
use smaudit::internals::checkpoint::Checkpoint;
use smaudit::internals::duplicates::{Duplicates, Inputs, find};
use smaudit::internals::identity::FileId;
use smaudit::progress::{Silent, Work};
use smaudit::{Options, Problem, audit, why};
use support::bundle::{BundleBuilder, DATA, INDEX};
use support::files::write;
use support::wire::{graph, meta_graph, node, saved_model};

/// Searches a checkpoint and assets for duplicates, and says which files were opened for that.
fn searched(bundle: BundleBuilder, assets: &[(&str, &[u8])]) -> (Duplicates, Vec<String>) {
    let files = bundle.files();
    let contents = |name: &str| {
        let file = files.iter().find(|(file, _)| file == name).map(|(_, bytes)| Bytes::copy_from_slice(bytes));
        file.or_else(|| assets.iter().find(|(file, _)| *file == name).map(|(_, bytes)| Bytes::copy_from_slice(bytes)))
    };
    let listed: Vec<(String, u64)> = files.iter().map(|(name, bytes)| (name.clone(), bytes.len() as u64)).collect();
    let missing = |name: &str| Problem::of_file(name, "is not there");
    let checkpoint = Checkpoint::read(&listed, |name| contents(name).ok_or_else(|| missing(name)));
    let sizes = (0..).map(FileId).zip(assets).map(|(id, (name, bytes))| (id, *name, bytes.len() as u64));
    let sizes: Vec<(FileId, &str, u64)> = sizes.collect();
    let opened = RefCell::new(Vec::new());
    let (duplicates, _) = find(&Inputs {
        main_file: None,
        checkpoint: checkpoint.as_ref(),
        assets: &sizes,
        min_duplicate: 8,
        marks: false,
        work: &Work::silent(),
        open: &|name| {
            opened.borrow_mut().push(name.to_owned());
            contents(name).map(Into::into)
        },
    });
    (duplicates, opened.into_inner())
}

#[test]
fn a_checkpoint_without_candidates_is_opened_once_to_see_what_is_one_value_throughout() {
    let bundle = BundleBuilder::default().tensor("a", &[1; 100]).tensor("b", &content(2)).tensor("c", &[1; 99]);
    let (duplicates, opened) = searched(bundle, &[]);
    assert_eq!((duplicates.redundant_bytes, duplicates.fill_bytes, opened), (0, 199, vec![DATA.to_owned()]));
}

/// 100 bytes that differ by `seed`.
fn content(seed: u8) -> Vec<u8> {
    (0..100).map(|byte| byte ^ seed).collect()
}

#[test]
fn tensors_that_agree_in_the_index_are_read_and_compared() {
    let bundle = BundleBuilder::default().tensor("a", &content(1)).tensor("b", &content(1));
    let (duplicates, opened) = searched(bundle, &[]);
    assert_eq!((duplicates.redundant_bytes, opened), (100, vec![DATA.to_owned()]), "and the shard is opened once");
}

/// A model of three tensors of 2000 bytes, the first two of which are equal, and a node; how many
/// bytes of its main file, of its index and of its shard each question reads.
fn read_by(ask: impl Fn(&Model)) -> [u64; 3] {
    let content = |seed: u32| (0..2000_u32).map(|at| ((at * at % 251) ^ seed) as u8).collect::<Vec<u8>>();
    let bundle = BundleBuilder::default().tensor("a", &content(1)).tensor("b", &content(1)).tensor("c", &content(2));
    let directory = tempfile::tempdir().expect("a temporary directory");
    let main = saved_model([&meta_graph(&["serve"], &graph([&node("x", "NoOp")]))]);
    write(directory.path(), "saved_model.pb", main.0);
    bundle.files().into_iter().for_each(|(name, contents)| write(directory.path(), &name, contents));
    let model = Model::read(directory.path(), "model");
    ask(&model);
    ["saved_model.pb", INDEX, DATA].map(|name| model.file(name).expect("the file is listed").bytes_read())
}

/// What is looked at of each payload to see that it is not one value throughout.
const HEADS: u64 = 3 * 64;

/// What is looked at of a small shard to see that no web page and no pointer is in its place.
const SHARD: u64 = 1024;

#[test]
fn an_audit_reads_the_messages_once_and_of_the_data_only_what_may_be_there_twice() {
    let sizes = read_by(|model| model.files.iter().for_each(|file| drop(file.contents())));
    let read = read_by(|model| drop(audit(model, &Options::default(), &Silent)));
    assert_eq!(read, [sizes[0], sizes[1], SHARD + HEADS + 2 * 2000]);
}

#[test]
fn to_verify_reads_the_data_once_more_and_the_index_as_the_fingerprint_is_of_it() {
    let sizes = read_by(|model| model.files.iter().for_each(|file| drop(file.contents())));
    let options = Options { verify: true, ..Options::default() };
    let read = read_by(|model| drop(audit(model, &options, &Silent)));
    assert_eq!(read, [sizes[0], sizes[1], SHARD + HEADS + 2 * 2000 + sizes[2]]);
}

#[test]
fn to_ask_why_reads_no_tensor() {
    let sizes = read_by(|model| model.files.iter().for_each(|file| drop(file.contents())));
    let read = read_by(|model| drop(why(model, "x", &Silent)));
    assert_eq!(read, [sizes[0], sizes[1], SHARD]);
}

/// Two constants are compared in a process that may not hold one of them: only maps of files are not counted as data.
#[cfg(target_os = "linux")]
#[test]
fn large_constants_are_compared_where_they_lie() {
    use std::process::Command;
    use support::wire::{constant, graph, meta_graph, saved_model};

    const CONSTANT: usize = 100 << 20;
    const MAY_HOLD_KIB: usize = 64 << 10;

    let content: Vec<u8> = (0..=250).cycle().take(CONSTANT).collect();
    let nodes = [constant("a", &content), constant("b", &content)];
    let model = tempfile::tempdir().expect("a temporary directory");
    let written =
        std::fs::write(model.path().join("saved_model.pb"), saved_model([&meta_graph(&[], &graph(&nodes))]).0);
    written.expect("the model can be written");
    let audited = Command::new("sh")
        .args(["-c", &format!("ulimit -d {MAY_HOLD_KIB} && exec \"$0\" --json \"$1\"")])
        .args([env!("CARGO_BIN_EXE_smaudit").as_ref(), model.path().as_os_str()])
        .output()
        .expect("a shell can be started");
    let report: serde_json::Value = serde_json::from_slice(&audited.stdout).expect("a report");
    assert_eq!(report["models"][0]["duplicates"]["redundant_bytes"], CONSTANT);
}

/// Four terabytes, of which some kilobytes are on the disk.
#[cfg(target_os = "linux")]
#[test]
fn of_sparse_files_the_holes_are_not_read_to_compare_and_to_verify_them() {
    use std::fs::File;
    use std::os::unix::fs::{FileExt as _, MetadataExt as _};
    use support::bundle::{bytes_entry, index};
    use support::table::masked;

    const HALF: u64 = 1 << 39;
    let directory = tempfile::tempdir().expect("a temporary directory");
    // The CRC32C of a byte and the zeros behind it, of which each doubling takes one step.
    let zeros = |bits: u32| {
        let double = |crc, bit: u32| crc32c::crc32c_combine(crc, crc, 1 << bit);
        (0..bits).fold(crc32c::crc32c(&[0]), double)
    };
    let tensor = (0..39).fold(crc32c::crc32c(&[7]), |crc, bit| crc32c::crc32c_combine(crc, zeros(bit), 1 << bit));
    let entry = |number: u64| bytes_entry(number * HALF, HALF).fixed32(6, masked(tensor));
    write(directory.path(), INDEX, index(&[("a", entry(0)), ("b", entry(1))]));
    write(directory.path(), "saved_model.pb", saved_model([&meta_graph(&["serve"], &graph(&[node("x", "NoOp")]))]).0);
    let sparse = |name: &str, length: u64, bytes: &[(&[u8], u64)]| {
        write(directory.path(), name, []);
        let file = File::create(directory.path().join(name)).expect("a file");
        file.set_len(length).expect("a file system with files of a terabyte");
        bytes.iter().for_each(|(bytes, at)| file.write_all_at(bytes, *at).expect("a page is written"));
        file.metadata().expect("a file").blocks()
    };
    if sparse(DATA, 2 * HALF, &[(&[7], 0), (&[7], HALF)]) > 1 << 20 {
        return; // A file system without holes.
    }
    sparse("assets/a", HALF, &[(b"asset", 1 << 30)]);
    sparse("assets/b", HALF, &[(b"asset", 1 << 30), (&[0], 1 << 31)]);
    sparse("assets/c", HALF, &[]);
    sparse("assets/d", 3 * HALF, &[(b"asset", 1 << 30)]);

    let model = Model::read(directory.path(), "sparse");
    let options = Options { verify: true, file_digests: true, ..Options::default() };
    let report = audit(&model, &options, &Silent).expect("the books balance");
    assert_eq!(report.problems, []);
    assert_eq!((report.duplicates.redundant_bytes, report.duplicates.zero_bytes), (2 * HALF, HALF));
    assert_eq!(report.checkpoint.and_then(|it| it.verified).map(|it| it.tensors), Some(2));
    let read: u64 = model.files.iter().map(smaudit::input::File::bytes_read).sum();
    assert!(read < 1 << 20, "{read} bytes");
}

#[cfg(target_os = "linux")]
#[test]
fn a_main_file_that_is_nearly_all_holes_is_a_problem() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    for name in ["saved_model.pb", "variables/variables.index", "keras_metadata.pb", "fingerprint.pb"] {
        write(directory.path(), name, []);
        let file = std::fs::File::create(directory.path().join(name)).expect("a file");
        file.set_len(1 << 40).expect("a file system with files of a terabyte");
    }
    let model = Model::read(directory.path(), "sparse");
    let report = audit(&model, &Options::default(), &Silent).expect("the books balance");
    for file in &model.files {
        let of_file =
            |problem: &&Problem| problem.file == file.name && problem.message.contains("holes of a sparse file");
        assert_eq!(report.problems.iter().filter(of_file).count(), 1, "{}: {:#?}", file.name, report.problems);
    }
}
