//! What is not read, and what is not held: a model is audited from its maps, and only candidates for duplicates are
//! looked at.

#![allow(clippy::expect_used)]

use std::cell::RefCell;

use bytes::Bytes;
use smaudit::Problem;
use smaudit::internals::checkpoint::Checkpoint;
use smaudit::internals::duplicates::{Duplicates, Inputs, find};
use smaudit::internals::identity::FileId;
use smaudit::progress::Work;
use support::bundle::{BundleBuilder, DATA};

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
            contents(name)
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
