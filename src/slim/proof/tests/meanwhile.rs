//! What is held while the rest is written, of results that are right and of some that are not.

use std::fs;
use std::time::{Duration, SystemTime};

use super::*;
use crate::slim::{Plan, writing};
use crate::support::bundle::{BundleBuilder, DATA};
use crate::support::files::tree;
use crate::support::wire::{constant, graph, meta_graph, saved_model};

/// The keys that are not of the header: five tensors, one of them of strings. Two are equal, two are zeros.
const TENSORS: usize = 5;

/// A model on the disk.
fn model() -> (tempfile::TempDir, Model) {
    let main = saved_model([&meta_graph(&["serve"], &graph(&[constant("c", b"text")]))]).0;
    let bundle = BundleBuilder::default().tensor("a", &[1; 400]).tensor("b", &[0; 300]).tensor("c", &[1; 400]);
    let [(index, index_bytes), (data, data_bytes)] = bundle.string("d", b"a string").tensor("e", &[0; 200]).files();
    let directory = tree(&[
        ("m/saved_model.pb", &main),
        (&format!("m/{index}"), &index_bytes),
        (&format!("m/{data}"), &data_bytes),
    ]);
    let model = Model::read(&directory.path().join("m"), "model");
    (directory, model)
}

/// An empty folder to write into.
fn empty(directory: &tempfile::TempDir, name: &str) -> std::path::PathBuf {
    let folder = directory.path().join(name);
    fs::create_dir(&folder).unwrap();
    folder
}

fn planned(model: &Model) -> Plan<'_> {
    plan(model, &Options::default(), &Silent).unwrap()
}

/// How many tensors were held.
fn count(held: &Held) -> usize {
    (0..2 * TENSORS).filter(|position| held.has(*position)).count()
}

#[test]
fn every_tensor_is_held_while_the_rest_is_written_and_not_read_again() {
    let (directory, model) = model();
    let plan = planned(&model);
    for every in [1, 64, 600] {
        let out = empty(&directory, &format!("out{every}"));
        let held = writing::all(&plan, &out, every, &Silent).unwrap();
        assert_eq!(count(&held), TENSORS, "{every}");
        let written = Model::read(&out, "written");
        assert!(held.is_of(&written));
        assert_eq!(plan.prove(&written, &held, &Silent).unwrap(), [""; 0]);
        let read = written.file(DATA).unwrap().bytes_read();
        let all = Model::read(&out, "written");
        assert_eq!(plan.prove(&all, &Held::default(), &Silent).unwrap(), [""; 0]);
        // A shard as small as this one is read as a whole for the checksum of the strings.
        let all = all.file(DATA).unwrap();
        assert_eq!(all.bytes_read() - read, all.bytes, "the data is not compared again");
    }
    let small = writing::all(&plan, &empty(&directory, "small"), writing::EVERY, &Silent).unwrap();
    assert_eq!(count(&small), 0, "a small model is held when all is written");
}

#[test]
fn a_byte_that_is_not_what_was_to_be_written_is_noticed_wherever_it_is() {
    let (directory, model) = model();
    let (plan, out) = (planned(&model), empty(&directory, "out"));
    writing::all(&plan, &out, 1, &Silent).unwrap();
    let right = fs::read(out.join(DATA)).unwrap();
    for at in 0..right.len() {
        let mut wrong = right.clone();
        wrong[at] ^= 1;
        fs::write(out.join(DATA), wrong).unwrap();
        let mut meanwhile = Meanwhile::of(&model, &out, &Kept::default()).unwrap();
        for up_to in [100, 300, right.len() as u64] {
            meanwhile.written(&out.join(DATA), DATA, up_to, false);
        }
        meanwhile.written(&out.join(DATA), DATA, right.len() as u64, true);
        let held = meanwhile.end();
        assert!(count(&held) < TENSORS, "{at}");
        let reasons = plan.prove(&Model::read(&out, "written"), &held, &Silent).unwrap();
        assert!(reasons.iter().any(|reason| reason.contains("has other bytes")), "{at}: {reasons:?}");
    }
}

#[test]
fn what_is_not_written_yet_is_not_held() {
    let (directory, model) = model();
    let (plan, out) = (planned(&model), empty(&directory, "out"));
    writing::all(&plan, &out, 1, &Silent).unwrap();
    let held = |parts: &[(u64, bool)]| {
        let mut meanwhile = Meanwhile::of(&model, &out, &Kept::default()).unwrap();
        parts.iter().for_each(|(up_to, whole)| meanwhile.written(&out.join(DATA), DATA, *up_to, *whole));
        meanwhile.end()
    };
    assert_eq!([count(&held(&[])), count(&held(&[(399, false)]))], [0, 0]);
    assert_eq!(count(&held(&[(400, false)])), 2, "two tensors are there");
    assert_eq!(count(&held(&[(400, false), (900, true)])), TENSORS);
}

#[test]
fn nothing_is_written_where_the_directory_is_gone() {
    let (directory, model) = model();
    let gone = directory.path().join("gone");
    for every in [1, writing::EVERY] {
        let error = writing::all(&planned(&model), &gone, every, &Silent).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
        assert!(!gone.exists());
    }
}

#[test]
fn nothing_counts_as_held_of_files_that_were_written_to_afterwards() {
    let (directory, model) = model();
    let (plan, out) = (planned(&model), empty(&directory, "out"));
    let held = writing::all(&plan, &out, 1, &Silent).unwrap();
    let path = out.join(DATA);
    let mut wrong = fs::read(&path).unwrap();
    wrong[7] ^= 1;
    fs::write(&path, wrong).unwrap();
    // Some systems say the time of a file in steps of seconds.
    let later = SystemTime::now() + Duration::from_secs(10);
    fs::File::options().write(true).open(&path).unwrap().set_modified(later).unwrap();
    let written = Model::read(&out, "written");
    assert!(!held.is_of(&written));
    assert!(!plan.prove(&written, &held, &Silent).unwrap().is_empty());
    let other =
        Model::in_memory("written", model.files.iter().map(|file| (file.name.clone(), file.contents().unwrap())));
    assert!(!held.is_of(&other), "of another index");
}
