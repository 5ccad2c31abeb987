//! The fuzz targets on stable Rust: every seed, every input that fuzzing kept, and every one that once found a mistake.
//!
//! `fuzz/seeds/` is cut from the fixtures by this file; a change of what a seed is needs
//! `SMAUDIT_UPDATE_SEEDS=1 cargo test --test all fuzz_replay::`.

#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::cast_possible_truncation)]

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::print_text::text_of;
use crate::targets::{NAMES, TARGETS, Target};
use bytes::Bytes;
use prost::Message as _;
use smaudit::internals::checkpoint::Checkpoint;
use smaudit::internals::checkpoint::table::Table;
use smaudit::internals::wire::{fields, first_len};
use support::archive::{gzip, tar};
use support::riegeli::Step::{Field, Index};
use support::riegeli::{EVERY_KIND, PLAIN, Transposed, ZSTD, metadata, part};
use support::wire::{Message, graph, message, node};

const UPDATE: &str = "SMAUDIT_UPDATE_SEEDS";

/// A seed is short, or a fuzzer spends its time on copies.
const SEED_BYTES: usize = 9_000;

#[test]
fn every_seed_and_every_input_that_was_kept_passes_its_target() {
    for (name, target) in TARGETS {
        let inputs = ["seeds", "kept"].map(|folder| files_in(&Path::new("fuzz").join(folder).join(name)));
        assert!(!inputs[0].is_empty(), "there are no seeds of {name}");
        for path in inputs.concat() {
            replay(&path, target);
        }
    }
}

/// Whatever target found it: one mistake may be met on several ways.
#[test]
fn every_input_that_once_found_a_mistake_passes_every_target() {
    for path in files_in(Path::new("fuzz/crashes")) {
        for (_, target) in TARGETS {
            replay(&path, target);
        }
    }
}

fn replay(path: &Path, target: Target) {
    let input = fs::read(path).expect("the input can be read");
    let outcome = std::panic::catch_unwind(|| target(&input));
    assert!(outcome.is_ok(), "{} does not pass", path.display());
}

/// The files of a folder that need not be there.
fn files_in(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("the folder can be listed").path()).collect();
    files.retain(|path| path.file_name().is_some_and(|name| name != "README.md"));
    files.sort();
    files
}

#[test]
fn the_seeds_are_those_that_are_cut_from_the_fixtures() {
    let seeds = seeds();
    let folder = Path::new("fuzz/seeds");
    if std::env::var_os(UPDATE).is_some() {
        drop(fs::remove_dir_all(folder));
        for (path, seed) in &seeds {
            let path = folder.join(path);
            fs::create_dir_all(path.parent().expect("a seed is in a folder")).expect("a folder can be made");
            fs::write(path, seed).expect("a seed can be written");
        }
    }
    let there: Vec<PathBuf> = TARGETS.iter().flat_map(|(name, _)| files_in(&folder.join(name))).collect();
    assert_eq!(there.len(), seeds.len(), "if the change is meant: {UPDATE}=1 cargo test --test all fuzz_replay::");
    for (path, seed) in &seeds {
        assert!(seed.len() <= SEED_BYTES, "{path} has {} bytes", seed.len());
        let found = fs::read(folder.join(path)).unwrap_or_default();
        assert!(found == *seed, "{path} differs; if that is meant: {UPDATE}=1 cargo test --test all fuzz_replay::");
    }
}

/// The seeds by target and fixture.
fn seeds() -> BTreeMap<String, Vec<u8>> {
    let mut seeds = BTreeMap::new();
    for fixture in files_in(Path::new("fixtures")).iter().filter(|path| path.join("saved_model.pb").exists()) {
        let name = fixture.file_name().expect("a fixture has a name").to_string_lossy().into_owned();
        let main = Bytes::from(fs::read(fixture.join("saved_model.pb")).expect("the fixture can be read"));
        let index = Bytes::from(fs::read(fixture.join("variables/variables.index")).expect("the fixture can be read"));
        let whole = main;
        let main = pruned(&whole, 0..whole.len(), &MANY, &mut Vec::new());
        let entries = entries(&index);
        let keys_and_values: Vec<&[u8]> = entries.iter().flat_map(|(key, value)| [&key[..], value]).collect();
        let shard = [7; 300];
        let mut seed = |target: &str, bytes: Vec<u8>| seeds.insert(format!("{target}/{name}"), bytes);

        seed("bundle", [&[9], &joined(&[&[&shard[..]], &keys_and_values[..]].concat())[..]].concat());
        seed("v1", [&[9], &joined(&keys_and_values)[..]].concat());
        let meta_graph = first_len(&main, 0..main.len(), 2).expect("a fixture has a metagraph");
        seed("objects", joined(&[&main[meta_graph], &trackable(fixture), b"serving_default"]));
        let number = |name: &str| NAMES.iter().position(|known| *known == name).expect("the name is known") as u8;
        let numbers =
            ["saved_model.pb", "variables/variables.index", "variables/variables.data-00000-of-00001"].map(number);
        let pairs = [&numbers[..1], &main, &numbers[1..2], &index, &numbers[2..], &shard];
        seed("directory", joined(&pairs));
        let few = pruned(&whole, 0..whole.len(), &FEW, &mut Vec::new());
        let text = text_of(&few);
        assert_eq!(smaudit::internals::text::read(text.as_bytes()).faults, [], "{name}");
        seed("text", text.into_bytes());
        for (compression, kind) in (0..4).zip(4_u8..) {
            seeds.insert(format!("chunked/{name}-{compression}"), [&[kind], &in_chunks(&few)[..]].concat());
        }
        for (kind, archive) in (0_u8..).zip(archives(&few)) {
            seeds.insert(format!("archive/{name}-{kind}"), [&[kind], &archive[..]].concat());
        }
        seeds.insert(format!("saved_model/{name}"), main);
        seeds.insert(format!("bundle/{name}-index"), [&[0], &index[..]].concat());
    }
    for form in ["simple-brotli", "simple-zstd", "simple-snappy", "transposed-brotli", "transposed-zstd"] {
        let file = fs::read(format!("tests/data/chunked/{form}.cpb")).expect("the file can be read");
        seeds.insert(format!("chunked/{form}"), [&[1], &file[..]].concat());
    }
    for (number, compression) in [(0, PLAIN), (2, ZSTD)] {
        let machine = machine(number, &Transposed::of_every_kind(compression));
        seeds.insert(format!("chunked/machine-{number}"), [&[2], &machine[..]].concat());
    }
    for (name, rules) in SHAPES {
        seeds.insert(format!("model/{name}"), rules.concat());
        // At inference, and at serving.
        for kind in [1, 2] {
            seeds.insert(format!("slim/{name}-{kind}"), [&[kind], &rules.concat()[..]].concat());
        }
    }
    let config = fs::read("docs/smaudit.toml").expect("the documentation can be read");
    seeds.insert("config/documented".to_owned(), config);
    seeds
}

/// Models of shapes whose counts once made products, as the rules that [`targets::model`] makes them of: what, how many, and what
/// it is tied to.
const SHAPES: [(&str, &[[u8; 4]]); 14] = [
    ("metagraphs-that-repeat-each-other", &[[255, 0, 1, 0], [0, 9, 0, 0], [7, 9, 0, 1]]),
    ("metagraphs-beside-many-tensors", &[[250, 0, 1, 0], [5, 255, 2, 0], [0, 4, 3, 16], [3, 1, 0, 1]]),
    ("a-wide-node-and-its-outputs", &[[0, 0, 1, 9], [0, 200, 1, 1], [1, 255, 9, 1], [0, 200, 12, 2], [3, 9, 1, 9]]),
    (
        "a-handle-taken-very-often",
        &[[0, 0, 1, 9], [5, 9, 0, 255], [0, 1, 3, 0], [1, 255, 20, 0], [2, 40, 8, 20], [3, 1, 1, 1]],
    ),
    ("branches-and-inputs", &[[0, 0, 1, 9], [2, 90, 8, 20], [0, 90, 3, 0], [10, 255, 255, 16], [3, 2, 90, 1]]),
    ("savers-that-share-names", &[[0, 0, 1, 9], [5, 1, 0, 255], [4, 255, 0, 0], [0, 255, 18, 1], [3, 1, 0, 0]]),
    (
        "restores-that-share-names",
        &[[0, 0, 1, 9], [5, 90, 0, 1], [0, 90, 3, 16], [4, 90, 0, 16], [0, 90, 19, 3], [1, 90, 6, 1], [13, 9, 1, 1]],
    ),
    ("a-long-name-of-many-nodes", &[[0, 1, 1, 9], [9, 255, 0, 0], [0, 90, 0, 1]]),
    ("objects-that-share-traces", &[[0, 0, 1, 9], [2, 64, 3, 2], [6, 200, 2, 31], [0, 9, 1, 1], [3, 9, 1, 1]]),
    ("a-ring-of-functions", &[[0, 0, 1, 9], [2, 255, 4, 20], [0, 9, 20, 1], [3, 9, 1, 1]]),
    ("many-signatures-of-many-outputs", &[[0, 0, 0, 0], [0, 255, 1, 1], [11, 12, 1, 0], [3, 255, 1, 15]]),
    (
        "tensors-one-byte-behind-the-other",
        &[[1, 0, 0, 0], [5, 9, 7, 255], [5, 255, 0, 200], [0, 9, 3, 16], [3, 1, 0, 1]],
    ),
    (
        "assets-and-tables",
        &[[0, 0, 2, 1], [8, 90, 1, 1], [0, 40, 14, 16], [0, 40, 17, 2], [0, 40, 15, 3], [7, 9, 1, 1], [3, 9, 1, 3]],
    ),
    ("attributes-of-one-name", &[[0, 0, 2, 9], [12, 255, 1, 0], [12, 255, 1, 16], [0, 9, 1, 1]]),
];

/// A model with an asset by the kind of its archive: as it is, and as the parts that [`targets::archive`] packs.
fn archives(main: &[u8]) -> [Vec<u8>; 6] {
    let files = [("m/saved_model.pb", main), ("m/assets/a", b"one\ntwo\n")];
    let headers = files.map(|(name, contents)| tar(&[(name, contents)])[..512].to_vec());
    let in_tar = joined(&[&[], &headers[0], files[0].1, &headers[1], files[1].1]);
    let in_zip = joined(&[&[], files[0].0.as_bytes(), files[0].1, files[1].0.as_bytes(), files[1].1]);
    [gzip(&tar(&files)), in_tar.clone(), in_tar.clone(), in_tar, in_zip.clone(), in_zip]
}

/// A model in two chunks, and their ChunkMetadata, as the records that [`targets::chunked`] writes into one chunk.
fn in_chunks(main: &[u8]) -> Vec<u8> {
    let more = graph(&[node("more", "NoOp")]);
    let chunks = [part(&[], &Message(main.to_vec())), part(&[Field(2), Index(0), Field(2)], &more)];
    joined(&[&chunks[0].bytes, &chunks[1].bytes, &metadata(&chunks, &[64, 65]).0])
}

/// A transposed chunk as the parts that [`targets::chunked`] takes it from. `compression` is the number of its compression.
fn machine(compression: u8, chunk: &Transposed) -> Vec<u8> {
    let header = chunk.header();
    let numbers = [compression, 1, EVERY_KIND as u8, 0];
    let buckets = chunk.buckets.iter().map(Vec::as_slice);
    joined(&[&numbers[..], &header, &chunk.transitions].into_iter().chain(buckets).collect::<Vec<_>>())
}

/// Parts as [`targets::parts`] takes them apart.
fn joined(parts: &[&[u8]]) -> Vec<u8> {
    let cut = parts.iter().map(|part| &part[..part.len().min(usize::from(u16::MAX))]);
    cut.flat_map(|part| [&(part.len() as u16).to_le_bytes(), part].concat()).collect()
}

fn entries(index: &Bytes) -> Vec<(Vec<u8>, Bytes)> {
    let table = Table::open(index.clone()).expect("the index of a fixture is a table");
    table.entries().map(|entry| entry.map(|entry| (entry.key, entry.value)).expect("a fixture is whole")).collect()
}

/// A few objects of the fixture's checkpoint; none for those of TF1.
fn trackable(fixture: &Path) -> Vec<u8> {
    let names = ["variables/variables.index", "variables/variables.data-00000-of-00001"];
    let files: Vec<(String, Bytes)> =
        names.iter().filter_map(|name| Some(((*name).to_owned(), fs::read(fixture.join(name)).ok()?.into()))).collect();
    let sizes: Vec<(String, u64)> = files.iter().map(|(name, bytes)| (name.clone(), bytes.len() as u64)).collect();
    let open = |wanted: &str| Ok(files.iter().find(|(name, _)| name == wanted).expect("the file is there").1.clone());
    let Some(read) = Checkpoint::read(&sizes, open).and_then(|checkpoint| checkpoint.object_graph) else {
        return Vec::new();
    };
    let mut graph = read.graph;
    graph.nodes.truncate(6);
    graph.encode_to_vec()
}

/// The messages that are lists of like things, by the numbers of the fields that lead to them.
const LISTS: [&[u32]; 10] =
    [&[], &[2], &[2, 1], &[2, 1, 2], &[2, 2], &[2, 2, 2], &[2, 2, 2, 1], &[2, 7], &[2, 7, 2], &[7]];

/// What is kept of a model.
struct Keep {
    /// The most of like things.
    of_a_kind: u32,
    /// What is longer is left out.
    longest: usize,
}

const MANY: Keep = Keep { of_a_kind: 4, longest: 400 };
/// A text is longer than what it means.
const FEW: Keep = Keep { of_a_kind: 2, longest: 120 };

/// A message with a few of each like thing, and without what is long.
fn pruned(file: &[u8], range: Range<usize>, keep: &Keep, path: &mut Vec<u32>) -> Vec<u8> {
    let mut kept: BTreeMap<u32, u32> = BTreeMap::new();
    let mut out = Vec::new();
    for field in fields(file, range) {
        path.push(field.number);
        let is_list = field.is_len(field.number) && LISTS.contains(&path.as_slice());
        let seen = kept.entry(field.number).or_default();
        if *seen < keep.of_a_kind && (is_list || field.range().len() <= keep.longest) {
            *seen += 1;
            let inner = |path| message().bytes(field.number, pruned(file, field.payload(), keep, path)).0;
            out.extend(if is_list { inner(path) } else { file[field.range()].to_vec() });
        }
        path.pop();
    }
    out
}
