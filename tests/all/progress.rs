//! What an audit tells of itself while it runs: every step, and bytes that add up.

#![allow(clippy::unwrap_used)]

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use smaudit::Dimension;
use smaudit::input::{Finder, Limits, Model};
use smaudit::progress::{Progress, Step};
use smaudit::{Options, audit, neighbours, why};
use support::archive::all;
use support::bundle::BundleBuilder;
use support::files::{tree, write};
use support::wire::{constant, graph, meta_graph, node, saved_model};

/// Keeps what it is told.
#[derive(Default)]
struct Told {
    expected: AtomicU64,
    done: AtomicU64,
    /// How often some bytes were told of.
    moves: AtomicU64,
    begun: Mutex<Vec<&'static str>>,
    ended: Mutex<Vec<&'static str>>,
}

impl Progress for Told {
    fn start(&self, _model: &str, bytes: u64) {
        self.expect(bytes);
    }
    fn expect(&self, bytes: u64) {
        self.expected.fetch_add(bytes, Relaxed);
    }
    fn begin(&self, step: Step, _of: &str) {
        self.begun.lock().unwrap().push(step.words());
    }
    fn end(&self, step: Step, _of: &str) {
        self.ended.lock().unwrap().push(step.words());
    }
    fn advance(&self, bytes: u64) {
        self.done.fetch_add(bytes, Relaxed);
        self.moves.fetch_add(u64::from(bytes > 0), Relaxed);
    }
}

impl Told {
    /// The bytes that were told of, which must be as many as there were said to be, and the steps, which must have ended.
    #[track_caller]
    fn finished(self) -> (u64, Vec<&'static str>) {
        let (mut begun, mut ended) = (self.begun.into_inner().unwrap(), self.ended.into_inner().unwrap());
        begun.sort_unstable();
        ended.sort_unstable();
        assert_eq!(begun, ended);
        let done = self.done.into_inner();
        assert_eq!(done, self.expected.into_inner());
        (done, begun)
    }
}

/// Two tensors of one content, and two metagraphs.
fn model() -> (tempfile::TempDir, Model) {
    let content = |seed: u8, bytes: u32| (0..bytes).map(|at| (at % 251) as u8 ^ seed).collect::<Vec<u8>>();
    let constants = [1, 2].map(|seed| constant("c", &content(seed, 5000)));
    let graphs = constants.map(|constant| meta_graph(&["serve"], &graph([&constant, &node("x", "NoOp")])));
    let directory = tree(&[("saved_model.pb", &saved_model(&graphs).0)]);
    let tensor = content(3, 2000);
    for (name, contents) in BundleBuilder::default().tensor("a", &tensor).tensor("b", &tensor).files() {
        write(directory.path(), &name, contents);
    }
    let model = Model::read(directory.path(), "model");
    (directory, model)
}

const STEPS: [&str; 7] = [
    "charging",
    "comparing functions",
    "comparing metagraphs",
    "comparing tensors",
    "following signatures",
    "looking for causes",
    "reading",
];

#[test]
fn every_step_is_told_and_tells_its_share_of_the_bytes() {
    let (_directory, model) = model();
    let shared = model.file("saved_model.pb").unwrap().bytes / 5 * 5;
    for by in [Dimension::Category, Dimension::Duplicate] {
        let told = Told::default();
        audit(&model, &Options { by: vec![by], ..Options::default() }, &told).unwrap();
        // The constants are hashed, as there are two of one length, and differ; the tensors agree in the index, and are read.
        assert_eq!(told.finished(), (shared + 2 * 5000 + 2 * 2000, STEPS.to_vec()), "{by}");
    }
}

#[test]
fn why_tells_the_steps_that_it_takes() {
    let (_directory, model) = model();
    let told = Told::default();
    why(&model, "c", &told).unwrap();
    let shared = model.file("saved_model.pb").unwrap().bytes / 5 * 5;
    assert_eq!(told.finished(), (shared, vec!["charging", "following signatures", "reading", "searching"]));
}

#[test]
fn models_that_are_compared_are_told_as_one_step() {
    let models = [model(), model()].map(|(directory, model)| (model, directory));
    let told = Told::default();
    let [(first, _kept), (second, _kept_too)] = models;
    assert_eq!(neighbours(&[first, second], 1024, &told).pairs.len(), 1);
    assert_eq!(told.finished().1, ["comparing models"]);
}

#[test]
fn what_is_unpacked_is_told_by_the_bytes_of_the_archive() {
    // Hardly to be packed, so that there is more than one step of unpacking.
    let noise: Vec<u8> = (0..1_000_000_u32).flat_map(|at| at.wrapping_mul(2_654_435_761).to_be_bytes()).collect();
    let main = saved_model([&meta_graph(&["serve"], &graph([&constant("c", &noise)]))]);
    for (format, archive) in all(&[("model/saved_model.pb", &main.0)]) {
        let (told, packed) = (Told::default(), archive.len() as u64);
        Finder::new(Limits::default(), &told).find_in(archive.into(), "archive").unwrap();
        let moves = told.moves.load(Relaxed);
        assert!(moves > 10 || format == "tar" && moves == 1, "{format}: {moves}");
        assert_eq!(told.finished(), (packed, vec!["unpacking"]), "{format}");
    }
}
