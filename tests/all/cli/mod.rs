//! The command as a user and a script meet it: arguments, exit codes, and which stream says what.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod archives;
mod color;
mod completions;
mod damage;
mod diff;
mod environment;
mod explain;
mod interrupt;
mod jsonl;
mod names;
mod options;
mod output;
mod paths;
mod progress;
mod rules;
mod slim;
mod top;
mod trees;
mod urls;
mod usage;
mod verify;
mod why;

use std::path::Path;

use support::bundle::{DATA, INDEX, bytes_entry, index};
use support::files::{tree, write};
use support::wire::{Message, constant, graph, meta_graph, node, saved_model};
use tempfile::TempDir;

/// The formats, and the options that ask for them.
const FORMATS: [&str; 7] = ["text", "json", "jsonl", "csv", "markdown", "html", "folded"];

/// A SavedModel of one metagraph with two nodes.
fn two_nodes() -> Message {
    saved_model([&meta_graph(&["serve"], &graph([&constant("weights", &[7; 100]), &node("x", "Placeholder")]))])
}

/// The directory `model`, a whole SavedModel with two variables, in a temporary one.
fn model() -> TempDir {
    let directory = tree(&[]);
    write_model(&directory, "model");
    directory
}

/// The names of what is in a directory, sorted.
fn names(directory: impl AsRef<Path>) -> Vec<String> {
    let entries = std::fs::read_dir(directory).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn write_model(directory: &TempDir, name: &str) {
    let file = |file: &str| format!("{name}/{file}");
    write(directory.path(), &file("saved_model.pb"), two_nodes().0);
    write(directory.path(), &file(INDEX), index(&[("bias", bytes_entry(0, 8)), ("kernel", bytes_entry(8, 400))]));
    write(directory.path(), &file(DATA), [3; 408]);
}
