//! Models that change while they are audited: the audit goes on, its books balance, and the report says what changed.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::fs;
use std::path::PathBuf;

use crate::balance::assert_balanced;
use smaudit::Problem;
use smaudit::input::Model;
use smaudit::progress::Progress;
use smaudit::report::ModelReport;
use smaudit::{Options, audit};
use support::files::{tree, write};
use support::wire::{constant, graph, meta_graph, node, saved_model};
use tempfile::TempDir;

fn read(directory: &TempDir) -> Model {
    Model::read(directory.path(), "model")
}

/// Problems as `file: message`.
fn told(problems: &[Problem]) -> Vec<String> {
    problems.iter().map(|problem| format!("{}: {}", problem.file, problem.message)).collect()
}

/// More than is read into memory: it is mapped.
const MAPPED: usize = (1 << 20) + (64 << 10);

/// A model whose main file is mapped, and the path of that.
fn large() -> (TempDir, PathBuf) {
    let constant = constant("large", &vec![1; MAPPED]);
    let nodes = [constant, node("small", "NoOp")];
    let main = saved_model([&meta_graph(&["serve"], &graph(&nodes))]);
    let directory = tree(&[("saved_model.pb", &main.0)]);
    let path = directory.path().join("saved_model.pb");
    (directory, path)
}

/// Does something to the model when its files are open and nothing has been charged yet.
struct WhileItRuns<F: Fn() + Sync>(F);

impl<F: Fn() + Sync> Progress for WhileItRuns<F> {
    fn start(&self, _model: &str, _bytes: u64) {
        (self.0)();
    }
    fn advance(&self, _bytes: u64) {}
}

fn audited_while(model: &Model, change: impl Fn() + Sync) -> ModelReport {
    let options = Options { verify: true, ..Options::default() };
    audit(model, &options, &WhileItRuns(change)).unwrap()
}

/// Of the page that the file ends in the system itself makes the rest zeros: where nothing behind it is looked at, nothing
/// was lost.
#[cfg(unix)]
#[test]
fn a_mapped_file_that_is_truncated_while_it_is_audited_is_charged_whole_and_told_of() {
    let lost = "; what was gone before it was read counts as zeros";
    for (left, lost) in [(0, lost), (1, ""), (4096, lost), (4097, lost), (1 << 20, lost)] {
        let (directory, path) = large();
        let model = read(&directory);
        let truncate = || fs::File::options().write(true).open(&path).unwrap().set_len(left).unwrap();
        let report = audited_while(&model, truncate);
        assert_balanced(&report, model.bytes());
        let (listed, told) = (model.bytes(), told(&report.problems));
        let changed = "saved_model.pb: changed while the audit ran";
        let found = format!("{changed}: it had {listed} bytes when it was listed and has {left} now{lost}");
        assert!(told.contains(&found), "{found} is not in {told:#?}");
    }
}

#[cfg(unix)]
#[test]
fn a_file_that_lost_bytes_and_looks_as_before_is_told_of() {
    let (directory, path) = large();
    let model = read(&directory);
    let mapped = model.files[0].contents().unwrap();
    let file = fs::File::options().write(true).open(&path).unwrap();
    let (bytes, modified) = (fs::read(&path).unwrap(), file.metadata().unwrap().modified().unwrap());
    file.set_len(0).unwrap();
    assert!(mapped.iter().all(|byte| *byte == 0));
    fs::write(&path, bytes).unwrap();
    file.set_modified(modified).unwrap();
    let message =
        "saved_model.pb: could not be read while the audit ran; what was gone before it was read counts as zeros";
    assert_eq!(told(&model.changes()), [message]);
}

#[test]
fn files_that_vanish_while_they_are_audited_are_charged_and_told_of() {
    let (directory, path) = large();
    write(directory.path(), "assets/vocabulary", "12345");
    let model = read(&directory);
    let vanish = || {
        fs::remove_file(&path).unwrap();
        fs::remove_dir_all(directory.path().join("assets")).unwrap();
    };
    let report = audited_while(&model, vanish);
    assert_balanced(&report, model.bytes());
    assert_eq!(report.meta_graphs[0].nodes, 2, "a mapping outlives the name");
    let vanished = ["assets/vocabulary: vanished while the audit ran", "saved_model.pb: vanished while the audit ran"];
    assert_eq!(told(&report.problems), vanished);
}

#[test]
fn a_model_that_vanishes_before_it_is_audited_is_told_of() {
    let directory = tree(&[("model/saved_model.pb", b""), ("model/variables/variables.index", b"1")]);
    let path = directory.path().join("model");
    let model = Model::read(&path, "model");
    fs::remove_dir_all(&path).unwrap();
    let report = audited_while(&model, || {});
    assert_balanced(&report, 1);
    assert!(told(&report.problems).iter().any(|problem| problem.starts_with("saved_model.pb: cannot be opened")));
}
