//! What is fuzzed: one function for each seam, from any bytes to an audit whose books must balance.
//!
//! The binaries in `fuzz_targets/` hand libFuzzer's bytes to these, and `tests/all/fuzz_replay.rs` those of the corpora and of
//! past crashes, on stable Rust. So a seam is described once.
//!
//! A checksum stops a fuzzer that does not know how to make one. So tables are not only taken as they come: most inputs
//! are cut into the parts of a table (see [`parts`]), which is then put together around them with all checksums right.

#![allow(unreachable_pub, dead_code, clippy::expect_used, clippy::panic, clippy::cast_possible_truncation)]

pub mod balance;
pub mod model;
pub mod taken;

use std::collections::BTreeMap;

use bytes::Bytes;
use smaudit::Dimension;
use smaudit::gate::Config;
use smaudit::input::{Finder, Limits, Model};
use smaudit::internals::checkpoint::table::Table;
use smaudit::internals::slim;
use smaudit::internals::wire::Fields;
use smaudit::progress::Silent;
use smaudit::report::{Format, Report, SlimLevel, SlimOutcome, View};
use smaudit::{Options, audit};
use support::bundle::{DATA, INDEX, string_entry};
use support::riegeli::{self, Compression, riegeli, with_right_checksums};
use support::table::{PLAIN, SNAPPY, TableBuilder, finish, string_tensor, table_of_block};
use support::wire::{message, varint};
use zip::CompressionMethod;

/// A target: any bytes, and a panic where something is wrong.
pub type Target = fn(&[u8]);

/// The targets by the names of their binaries and folders.
pub const TARGETS: [(&str, Target); 11] = [
    ("saved_model", saved_model),
    ("text", text),
    ("chunked", chunked),
    ("archive", archive),
    ("bundle", bundle),
    ("v1", v1),
    ("objects", objects),
    ("model", model),
    ("slim", slim),
    ("directory", directory),
    ("config", config),
];

/// The wire walk and the charges of a `saved_model.pb`.
pub fn saved_model(data: &[u8]) {
    assert_covered(data);
    audited(vec![file(MAIN, data)], &Dimension::ALL);
}

/// The parser of a `saved_model.pbtxt`, and the charges of what it reads, in bytes of the text.
pub fn text(data: &[u8]) {
    let read = smaudit::internals::text::read(data);
    assert!(Fields::new(&read.wire, 0..read.wire.len()).all(|field| field.is_ok()), "what is written can be read");
    assert!(read.faults.iter().all(|fault| fault.offset <= data.len()), "faults are of the text");
    audited(vec![file("saved_model.pbtxt", data)], &Dimension::ALL);
}

/// The reader of a `saved_model.cpb`. The first byte chooses what of it is the fuzzer's: the file, also with right checksums,
/// the parts of a transposed chunk, or, mostly, the records, of which the last is the ChunkMetadata.
pub fn chunked(data: &[u8]) {
    let Some((kind, data)) = data.split_first() else { return };
    let bytes = match kind {
        0 => data.to_vec(),
        1 => with_right_checksums(data.to_vec()),
        2 => with_transposed_chunk(&parts(data)),
        _ => riegeli().records(compression(*kind), &parts(data)).file,
    };
    let read = smaudit::internals::chunked::read("fuzzed", &Bytes::from(bytes.clone()), &LIMITS);
    let length = read.wire.map_or(0, |wire| wire.len()) as u64;
    assert!(length <= 2 * LIMITS.unpacked, "{length} bytes of {}", bytes.len());
    let end = bytes.len() as u64;
    assert!(read.problems.iter().all(|problem| problem.offset.is_none_or(|at| at <= end)), "problems are of the file");
    audited(vec![file("saved_model.cpb", &bytes)], &Dimension::ALL);
}

/// The readers of archives, and the models in them. The first byte chooses the archive: the fuzzer's bytes as they are,
/// or one that is made of its parts (see [`archive_of`]).
pub fn archive(data: &[u8]) {
    let Some((kind, data)) = data.split_first() else { return };
    let bytes = Bytes::from(if *kind == 0 { data.to_vec() } else { archive_of(*kind, &parts(data)) });
    // What is compressed may unpack to as much as the limits allow.
    let room = bytes.len() as u64 + LIMITS.unpacked;
    let found = taken::bounded(room, || Finder::new(LIMITS, &Silent).find_in(bytes.clone(), "fuzzed"));
    let found = match found {
        Ok(found) => found,
        Err(error) => return assert!(error.to_string().starts_with("fuzzed: "), "{error}"),
    };
    assert!(!found.locations.is_empty(), "a model, or an error");
    let mut held = 0;
    for location in &found.locations {
        let model = location.read();
        assert!(model.files.len() <= LIMITS.entries, "{} files", model.files.len());
        held += model.bytes();
        let options = Options { verify: true, ..Options::default() };
        let report = taken::bounded(model.bytes(), || audit(&model, &options, &Silent)).expect("the books balance");
        balance::assert_balanced(&report, model.bytes());
    }
    assert!(held <= LIMITS.unpacked + bytes.len() as u64, "{held} bytes of {}", bytes.len());
}

/// The table reader and what reads an index with it. The first byte chooses what of the index is the fuzzer's: the file,
/// a block, or, mostly, keys and values.
pub fn bundle(data: &[u8]) {
    let Some((kind, data)) = data.split_first() else { return };
    let (index, shard) = match kind {
        0 => (data.to_vec(), Vec::new()),
        1 => (table_of_block(data, PLAIN), Vec::new()),
        2 => (table_of_block(data, SNAPPY), Vec::new()),
        3 => (table_with_handles(data), Vec::new()),
        _ => {
            let parts = parts(data);
            let shard = parts.first().copied().unwrap_or_default();
            (table_of(parts.get(1..).unwrap_or_default()), shard.to_vec())
        }
    };
    assert_ordered(&index);
    audited(vec![file(INDEX, &index), file(DATA, &shard)], &[Dimension::Variable, Dimension::Duplicate]);
}

/// The reader of V1 checkpoints: a table of keys and values, or a file as it comes.
pub fn v1(data: &[u8]) {
    let Some((kind, data)) = data.split_first() else { return };
    let table = if *kind == 0 { data.to_vec() } else { table_of(&parts(data)) };
    assert_ordered(&table);
    audited(vec![file("variables/variables", &table)], &[Dimension::Variable]);
}

/// What follows the object graphs of a metagraph and of the checkpoint, and `smaudit why`: a MetaGraphDef, a
/// TrackableObjectGraph, and the name of a thing.
pub fn objects(data: &[u8]) {
    let parts = parts(data);
    let part = |number: usize| parts.get(number).copied().unwrap_or_default();
    let main = message().int(1, 1).bytes(2, part(0));
    let index = support::bundle::index(&[("_CHECKPOINTABLE_OBJECT_GRAPH", string_entry(0, part(1)))]);
    let files = vec![file(MAIN, &main.0), file(INDEX, &index), file(DATA, &string_tensor(&[part(1)]))];
    let model = Model::in_memory("fuzzed", files.clone());
    taken::bounded(model.bytes(), || smaudit::why(&model, &String::from_utf8_lossy(part(2)), &Silent))
        .expect("the books balance");
    audited(files, &[Dimension::Variable]);
}

/// A model that is well formed, of any shape and with large counts: the grammar in [`model::files`] makes it of the bytes. Random
/// bytes are no graph in which a thousand nodes take something of a thousand others, and only such shapes show a product.
pub fn model(data: &[u8]) {
    let (files, by) = model::files(data);
    let bytes = files.iter().map(|(_, contents)| contents.len() as u64).sum();
    let mut report = Report::new();
    report.models.push(audited(files, &by));
    for format in Format::ALL {
        taken::bounded(bytes, || format.write(&report, &View::default(), &mut std::io::sink()))
            .expect("nothing can be written to");
    }
}

/// A smaller one of such a model: planned, written and proven. The first byte says at which level, and whether with `--strip`.
pub fn slim(data: &[u8]) {
    let Some((kind, data)) = data.split_first() else { return };
    let levels = [SlimLevel::Safe, SlimLevel::Inference, SlimLevel::Serving];
    let level = levels.get(usize::from(*kind) % levels.len()).copied().expect("a remainder is less");
    let options = slim::Options { level, strip: *kind >= 128 && level != SlimLevel::Safe, ..slim::Options::default() };
    let (files, _) = model::files(data);
    let model = Model::in_memory("fuzzed", files);
    taken::bounded(model.bytes().saturating_mul(OF_SLIM), || {
        let plan = slim::plan(&model, &options, &Silent).expect("the books balance");
        if plan.report.outcome == SlimOutcome::Smaller {
            let folder = tempfile::tempdir().expect("a folder can be made");
            let held = plan.write(folder.path(), &Silent).expect("there is room");
            plan.prove(&Model::read(folder.path(), "written"), &held, &Silent).expect("the books balance");
        }
    });
}

/// How many times what an audit may take `slim` may: it audits the model and the result, and holds one against the other.
const OF_SLIM: u64 = 4;

/// A directory: names by number and contents in turn. Reads it in every way and writes it in every format.
pub fn directory(data: &[u8]) {
    let mut files = BTreeMap::new();
    for pair in parts(data).chunks(2) {
        let [number, contents] = pair else { continue };
        let name = number.first().and_then(|&number| NAMES.get(usize::from(number) % NAMES.len()));
        files.insert(name.copied().unwrap_or("assets/rest"), *contents);
    }
    let files: Vec<(String, Bytes)> = files.into_iter().map(|(name, contents)| file(name, contents)).collect();
    let bytes = files.iter().map(|(_, contents)| contents.len() as u64).sum();
    audited(files.clone(), &Dimension::ALL);
    let mut report = Report::new();
    report.models.push(audited(files, &[Dimension::Section, Dimension::Scope, Dimension::Scope]));
    for format in Format::ALL {
        taken::bounded(bytes, || format.write(&report, &View::default(), &mut std::io::sink()))
            .expect("nothing can be written to");
    }
}

/// A configuration file.
pub fn config(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Err(error) = taken::bounded(data.len() as u64, || Config::parse(text, "smaudit.toml")) {
        assert!(!error.to_string().is_empty());
    }
}

/// Little enough for a fuzzer to pass them.
const LIMITS: Limits = Limits { entries: 50, unpacked: 1 << 20, ratio: 100, ratio_from: 64 << 10 };

const MAIN: &str = "saved_model.pb";

/// The files that [`directory`] may have: one for each thing that a file can be.
pub const NAMES: [&str; 13] = [
    MAIN,
    INDEX,
    DATA,
    "variables/variables.data-00000-of-00002",
    "variables/variables.data-00001-of-00002",
    "variables/variables",
    "variables/variables-00000-of-00001",
    "assets/a",
    "assets/b",
    "fingerprint.pb",
    "keras_metadata.pb",
    "saved_model.pbtxt",
    "saved_model.cpb",
];

/// Cuts a fuzzer's bytes: each part is two bytes of length and that many bytes, as far as there are any.
pub fn parts(mut data: &[u8]) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    while let Some((length, rest)) = data.split_first_chunk::<2>() {
        let length = usize::from(u16::from_le_bytes(*length)).min(rest.len());
        let (part, rest) = rest.split_at(length);
        parts.push(part);
        data = rest;
    }
    parts
}

fn file(name: &str, contents: &[u8]) -> (String, Bytes) {
    (name.to_owned(), Bytes::copy_from_slice(contents))
}

/// Audits a model of these files with everything that costs a look at them.
fn audited(files: Vec<(String, Bytes)>, by: &[Dimension]) -> smaudit::report::ModelReport {
    let bytes = files.iter().map(|(_, contents)| contents.len() as u64).sum();
    let model = Model::in_memory("fuzzed", files);
    let options = Options { by: by.to_vec(), min_duplicate: 1, verify: true, ..Options::default() };
    let report = taken::bounded(bytes, || audit(&model, &options, &Silent)).expect("the books balance");
    balance::assert_balanced(&report, bytes);
    report
}

/// The fields of a message lie one behind the other, from its start to its end or to the first damage.
fn assert_covered(bytes: &[u8]) {
    let mut at = 0;
    for field in Fields::new(bytes, 0..bytes.len()) {
        let Ok(field) = field else { return };
        assert_eq!(field.start, at);
        assert!(field.start < field.payload && field.payload <= field.payload_end && field.payload_end <= field.end);
        at = field.end;
    }
    assert_eq!(at, bytes.len());
}

/// The entries of a table come in the order of their keys, and from within the file.
fn assert_ordered(file: &[u8]) {
    let Ok(table) = Table::open(Bytes::copy_from_slice(file)) else { return };
    let mut last = None;
    for entry in table.entries().flatten() {
        assert!(last.is_none_or(|last: Vec<u8>| last < entry.key), "keys in order");
        assert!(entry.offset() < file.len() as u64, "an entry within the file");
        last = Some(entry.key);
    }
}

fn compression(number: u8) -> Compression {
    let all = [riegeli::PLAIN, riegeli::BROTLI, riegeli::ZSTD, riegeli::SNAPPY];
    all.get(usize::from(number) % all.len()).copied().unwrap_or(riegeli::PLAIN)
}

/// A file with a transposed chunk of these parts: how it is compressed, how many records of how many bytes it has; its
/// header; its transitions; its buckets.
fn with_transposed_chunk(parts: &[&[u8]]) -> Vec<u8> {
    let part = |number: usize| parts.get(number).copied().unwrap_or_default();
    let number = |at: usize| part(0).get(at).map_or(0, |byte| u64::from(*byte));
    let (letter, pack) = compression(part(0).first().copied().unwrap_or_default());
    let header = pack(part(1));
    let buckets: Vec<u8> = parts.get(3..).unwrap_or_default().iter().flat_map(|bucket| pack(bucket)).collect();
    let data = [&[letter], &*varint(header.len() as u64), &header, &buckets, &pack(part(2))].concat();
    riegeli().chunk(b't', number(1), number(2) | number(3) << 8, &data).file
}

/// An archive of headers or names and contents in turn, after a part that changes what it has come to: of each three
/// bytes two say how far from the end, and one is written there. Headers of a tar are the fuzzer's but for the checksum.
fn archive_of(kind: u8, parts: &[&[u8]]) -> Vec<u8> {
    let Some((changes, files)) = parts.split_first() else { return Vec::new() };
    let mut archive = match kind {
        1 => tar_of(files),
        2 => support::archive::gzip(&tar_of(files)),
        3 => support::archive::zstd(&tar_of(files)),
        4 => zip_of(CompressionMethod::Stored, files),
        _ => zip_of(CompressionMethod::Deflated, files),
    };
    let length = archive.len();
    for change in changes.chunks_exact(3) {
        let [low, high, byte] = *change else { continue };
        let back = usize::from(u16::from_le_bytes([low, high])) + 1;
        if let Some(at) = length.checked_sub(back).and_then(|at| archive.get_mut(at)) {
            *at = byte;
        }
    }
    archive
}

fn tar_of(parts: &[&[u8]]) -> Vec<u8> {
    const BLOCK: usize = 512;
    let mut tar = Vec::new();
    for pair in parts.chunks(2) {
        let mut header = tar::Header::new_old();
        let given = pair.first().copied().unwrap_or_default();
        header.as_mut_bytes().iter_mut().zip(given).for_each(|(to, from)| *to = *from);
        header.set_cksum();
        tar.extend_from_slice(header.as_bytes());
        tar.extend_from_slice(pair.get(1).copied().unwrap_or_default());
        tar.resize(tar.len().next_multiple_of(BLOCK), 0);
    }
    tar.resize(tar.len() + 2 * BLOCK, 0);
    tar
}

fn zip_of(method: CompressionMethod, parts: &[&[u8]]) -> Vec<u8> {
    const LONGEST_NAME: usize = 1000;
    let named = |name: &[u8]| String::from_utf8_lossy(name.get(..LONGEST_NAME).unwrap_or(name)).into_owned();
    let files: BTreeMap<String, &[u8]> =
        parts.chunks(2).filter_map(|pair| Some((named(pair.first()?), *pair.get(1)?))).collect();
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, contents)| (&**name, *contents)).collect();
    support::archive::zip_by(method, &files)
}

/// A table of keys and values in turn.
fn table_of(parts: &[&[u8]]) -> Vec<u8> {
    let entries: BTreeMap<&[u8], &[u8]> =
        parts.chunks(2).filter_map(|pair| Some((*pair.first()?, *pair.get(1)?))).collect();
    let table = TableBuilder::new().block_entries(4).restart_interval(2);
    entries.into_iter().fold(table, |table, (key, value)| table.entry(key, value)).build()
}

/// A table of one block whose index names blocks by these handles.
fn table_with_handles(data: &[u8]) -> Vec<u8> {
    let handles: Vec<(Vec<u8>, Vec<u8>)> = parts(data)
        .iter()
        .zip(0_u32..)
        .map(|(handle, number)| (number.to_be_bytes().to_vec(), handle.to_vec()))
        .collect();
    let mut file = Vec::new();
    support::table::append_block(&mut file, &support::table::block(&[(Vec::new(), Vec::new())], 1), PLAIN);
    finish(file, &handles)
}
