//! Damage to real models: whatever is done to their bytes, an audit ends with a report whose books balance.
//!
//! Random damage has a seed and a number, so each can be made again. `cargo test` tries a few; all of them, or those of
//! other models, are tried by
//!
//! ```text
//! SMAUDIT_DAMAGES=100000 cargo test --release --test all damages::random -- --nocapture
//! SMAUDIT_DAMAGED_MODELS=<folder> SMAUDIT_DAMAGES=100000 cargo test --release --test all damages::random -- --nocapture
//! ```
//!
//! and one of them again by `SMAUDIT_DAMAGES=123..124`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::cast_possible_truncation)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::balance::assert_balanced;
use crate::print_text::text_of;
use bytes::Bytes;
use smaudit::Dimension;
use smaudit::input::{Finder, Model, find};
use smaudit::internals::checkpoint::table::Table;
use smaudit::internals::wire::{WireType, fields};
use smaudit::progress::Silent;
use smaudit::report::{Format, ModelReport, Report, View};
use smaudit::{Options, audit};
use support::archive::{gzip, tar, zip, zip_by, zstd};
use support::bundle::{BundleBuilder, DATA, INDEX};
use support::riegeli::{self, Compression, Step, part};
use support::table::TableBuilder;
use support::wire::{Message, graph, message, meta_graph, node, saved_model, varint};
use zip::CompressionMethod;

const MAIN: &str = "saved_model.pb";

/// The files of a model, which share what nobody has damaged.
type Files = Vec<(String, Bytes)>;

fn audited(files: Files, options: &Options) -> ModelReport {
    let bytes = files.iter().map(|(_, contents)| contents.len() as u64).sum();
    let report = audit(&Model::in_memory("damaged", files), options, &Silent).expect("the books balance");
    assert_balanced(&report, bytes);
    report
}

/// Asks for everything that looks into the files.
fn everything() -> Options {
    Options { by: Dimension::ALL.to_vec(), min_duplicate: 1, verify: true, ..Options::default() }
}

fn file(name: &str, contents: impl Into<Vec<u8>>) -> (String, Bytes) {
    (name.to_owned(), contents.into().into())
}

// --- random damage ---

const SEED: u64 = 0x5a7e_d0de_1000_0001;

/// How many damages are tried where nobody says.
const FEW: u64 = 500;

const DAMAGES: &str = "SMAUDIT_DAMAGES";
const MODELS: &str = "SMAUDIT_DAMAGED_MODELS";

/// What the process may take for all of it: its code, the models, and every audit.
const ADDRESS_SPACE_KIB: u64 = 256 << 10;

/// Pseudorandom numbers: SplitMix64, <https://prng.di.unimi.it/splitmix64.c>.
struct Random(u64);

impl Random {
    /// Those of one damage.
    fn of(number: u64) -> Self {
        Self(SEED ^ number.wrapping_mul(0xd134_2543_de82_ef95))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, and 0 where there is none.
    fn below(&mut self, end: usize) -> usize {
        (self.next() % (end.max(1) as u64)) as usize
    }

    fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }

    /// A range of at most `longest` bytes of so many.
    fn range(&mut self, length: usize, longest: usize) -> std::ops::Range<usize> {
        let start = self.below(length);
        start..(start + 1 + self.below(longest)).min(length)
    }

    fn bytes(&mut self, longest: usize) -> Vec<u8> {
        (0..=self.below(longest)).map(|_| self.next() as u8).collect()
    }
}

#[test]
fn random_damages_of_real_models_are_survived_in_256_mib() {
    if runs_in_little_memory("damages::random_damages_of_real_models_are_survived_in_256_mib") {
        return;
    }
    let models = models();
    each_damage("as exported", |number| survive(number, &models));
}

/// Tries all damages by their numbers, and says what came of it. `survive` says whether the model seems whole.
fn each_damage(of: &str, survive: impl Fn(u64) -> bool + std::panic::RefUnwindSafe) {
    let damages = damages();
    let (mut slowest, mut whole) = ((Duration::ZERO, 0), 0);
    for number in damages.clone() {
        let start = Instant::now();
        let outcome = std::panic::catch_unwind(|| survive(number));
        slowest = slowest.max((start.elapsed(), number));
        whole += u64::from(outcome.unwrap_or_else(|_| panic!("damage {number} {of} of seed {SEED:#x}")));
    }
    println!(
        "damages {damages:?} of models {of}, seed {SEED:#x}: books balanced, {whole} unnoticed (exit code 0) and {} noticed \
         (exit code 3, or no model is left); the slowest is {} with {:?}; {ADDRESS_SPACE_KIB} KiB of address space",
        damages.end - damages.start - whole,
        slowest.1,
        slowest.0,
    );
}

/// Which damages are tried: `100000`, or `123..124`.
fn damages() -> std::ops::Range<u64> {
    let Ok(asked) = std::env::var(DAMAGES) else { return 0..FEW };
    let (first, end) = asked.split_once("..").unwrap_or(("0", &asked));
    first.parse().expect("a number of damages")..end.parse().expect("a number of damages")
}

/// Damages a model and audits it; says whether it seems whole.
fn survive(number: u64, models: &[Files]) -> bool {
    let mut random = Random::of(number);
    let mut files = random.pick(models);
    for _ in 0..=random.below(3) {
        damage(&mut random, &mut files);
    }
    let by = random.pick(&[vec![Dimension::Category], Dimension::ALL.to_vec(), vec![Dimension::Field, Dimension::Op]]);
    let (min_duplicate, verify) = (random.pick(&[1, 1024]), random.below(2) == 0);
    let options = Options { by, min_duplicate, verify, ..Options::default() };
    if random.below(16) == 0 {
        smaudit::why(&Model::in_memory("damaged", files.clone()), "serving_default", &Silent)
            .expect("the books balance");
    }
    let mut report = Report::new();
    report.models.push(audited(files, &options));
    if random.below(16) == 0 {
        for format in Format::ALL {
            format.write(&report, &View::default(), &mut std::io::sink()).expect("the report can be written");
        }
    }
    report.is_complete()
}

#[test]
fn random_damages_of_real_models_in_text_are_survived_in_256_mib() {
    if runs_in_little_memory("damages::random_damages_of_real_models_in_text_are_survived_in_256_mib") {
        return;
    }
    let texts: Vec<Files> = models().iter().filter_map(in_text).collect();
    assert!(!texts.is_empty(), "there are models with a main file");
    each_damage("in text", |number| {
        let mut random = Random::of(number);
        let mut files = random.pick(&texts);
        for _ in 0..=random.below(3) {
            files[0].1 = damaged(&mut random, files[0].1.to_vec()).into();
        }
        let mut report = Report::new();
        report.models.push(audited(files, &everything()));
        report.is_complete()
    });
}

#[test]
fn random_damages_of_real_models_in_archives_are_survived_in_256_mib() {
    if runs_in_little_memory("damages::random_damages_of_real_models_in_archives_are_survived_in_256_mib") {
        return;
    }
    let models = models();
    each_damage("in archives", |number| {
        let mut random = Random::of(number);
        let files = random.pick(&models);
        let mut archive = packed(&mut random, &files);
        for _ in 0..=random.below(3) {
            archive = damaged(&mut random, archive);
        }
        let Ok(found) = Finder::default().find_in(archive.into(), "damaged") else { return false };
        let mut report = Report::new();
        for location in &found.locations {
            let model = location.read();
            let audited = audit(&model, &Options::default(), &Silent).expect("the books balance");
            assert_balanced(&audited, model.bytes());
            report.models.push(audited);
        }
        found.problems.is_empty() && report.is_complete()
    });
}

#[test]
fn random_damages_of_real_models_in_chunks_are_survived_in_256_mib() {
    if runs_in_little_memory("damages::random_damages_of_real_models_in_chunks_are_survived_in_256_mib") {
        return;
    }
    let compressions = [riegeli::PLAIN, riegeli::BROTLI, riegeli::ZSTD, riegeli::SNAPPY];
    let models = models();
    let models = models.iter().zip(compressions.into_iter().cycle());
    let mut chunked: Vec<Vec<u8>> = models.filter_map(|(files, compression)| in_chunks(files, compression)).collect();
    chunked.extend(ENCODED.map(|form| fs::read(format!("tests/data/chunked/{form}.cpb")).unwrap()));
    each_damage("in chunks", |number| {
        let mut random = Random::of(number);
        let mut file = random.pick(&chunked);
        for _ in 0..=random.below(3) {
            file = damaged(&mut random, file);
        }
        // Else nearly all that is seen of damage is a checksum.
        if random.below(4) > 0 {
            file = riegeli::with_right_checksums(file);
        }
        let mut report = Report::new();
        report.models.push(audited(vec![("saved_model.cpb".to_owned(), file.into())], &everything()));
        report.is_complete()
    });
}

/// What Riegeli's own encoder has written: `tests/data/chunked/README.md`.
const ENCODED: [&str; 5] =
    ["simple-plain", "simple-brotli", "transposed-plain", "transposed-brotli", "transposed-zstd"];

/// A model's main file in chunks: its metagraphs' fields as they are, and more of its graph; `None` where there is none.
fn in_chunks(files: &Files, compression: Compression) -> Option<Vec<u8>> {
    let (_, main) = files.iter().find(|(name, _)| name == MAIN)?;
    let more = part(&[Step::Field(2), Step::Index(0), Step::Field(2)], &graph(&[node("more", "NoOp")]));
    Some(riegeli::chunked(compression, &[part(&[], &Message(main.to_vec())), more]))
}

/// A model whose main file is in text, that file being the first; `None` where there is no main file.
fn in_text(files: &Files) -> Option<Files> {
    let mut files = files.clone();
    let main = files.iter().position(|(name, _)| name == MAIN)?;
    files.swap(0, main);
    files[0] = file("saved_model.pbtxt", text_of(&files[0].1));
    Some(files)
}

/// An archive of some format with a model in it. Half of those that are compressed are damaged before they are.
fn packed(random: &mut Random, files: &Files) -> Vec<u8> {
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, contents)| (&**name, &**contents)).collect();
    let mut plain = tar(&files);
    if random.below(2) == 0 {
        plain = damaged(random, plain);
    }
    match random.below(5) {
        0 => gzip(&plain),
        1 => zstd(&plain),
        2 => zip(&files),
        3 => zip_by(CompressionMethod::Stored, &files),
        _ => plain,
    }
}

/// Runs a test again in a process that may take little memory; false in that process, which has to do the test itself.
fn runs_in_little_memory(test: &str) -> bool {
    const LIMITED: &str = "SMAUDIT_TEST_IS_LIMITED";
    if cfg!(not(target_os = "linux")) || std::env::var_os(LIMITED).is_some() {
        return false;
    }
    let limited = format!("ulimit -v {ADDRESS_SPACE_KIB} && exec \"$0\" {test} --exact --nocapture");
    let mut command = std::process::Command::new("sh");
    let command = command.arg("-c").arg(limited).arg(std::env::current_exe().unwrap()).env(LIMITED, "1");
    // glibc reserves 64 MiB of addresses and more for the heap of each thread, whatever it holds.
    command.env("MALLOC_ARENA_MAX", "1");
    let output = command.output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{}: {stdout}{stderr}", output.status);
    assert!(stdout.contains("1 passed"), "{test} is no test's name: {stdout}");
    print!("{stdout}");
    true
}

/// The models that are damaged: the fixtures, or those that somebody named.
fn models() -> Vec<Files> {
    let root = std::env::var_os(MODELS).unwrap_or_else(|| "fixtures".into());
    let found = find(Path::new(&root)).expect("there are models");
    found.locations.iter().map(|location| whole(location.directory().expect("a model on disk"))).collect()
}

fn whole(directory: &Path) -> Files {
    let model = Model::read(directory, "whole");
    let contents = |file: &smaudit::input::File| Bytes::from(file.contents().expect("the model can be read").to_vec());
    model.files.iter().map(|file| (file.name.clone(), contents(file))).collect()
}

fn damage(random: &mut Random, files: &mut Files) {
    let at = random.below(files.len());
    let Some((name, contents)) = files.get(at).cloned() else { return };
    let contents = match random.below(24) {
        0 => return drop(files.remove(at)),
        1 => Vec::new(),
        2 => files[random.below(files.len())].1.to_vec(),
        3 => {
            let shard = name.replace("00000-of-00001", random.pick(&["00000-of-00002", "00001-of-00001", "x"]));
            // Of two files with one name a model has one.
            if files.iter().all(|(name, _)| *name != shard) {
                files[at].0 = shard;
            }
            return;
        }
        4..10 => match files.iter().position(|(name, _)| name == INDEX) {
            Some(index) => return files[index].1 = with_damaged_entry(random, &files[index].1).into(),
            None => damaged(random, contents.to_vec()),
        },
        _ => damaged(random, contents.to_vec()),
    };
    files[at].1 = contents.into();
}

/// Bytes with something done to them.
fn damaged(random: &mut Random, mut bytes: Vec<u8>) -> Vec<u8> {
    let length = bytes.len();
    let (one, other) = (random.range(length, 64), random.range(length, 64));
    match random.below(11) {
        0 => one.step_by(7).for_each(|at| bytes[at] ^= 1 << random.below(8)),
        1 => bytes[one].fill_with(|| random.next() as u8),
        2 => bytes.truncate(one.start),
        3 => bytes.extend(random.bytes(64)),
        4 => drop(bytes.drain(one)),
        5 => drop(bytes.splice(one.start..one.start, random.bytes(64))),
        6 => bytes[one].fill(0),
        // Lengths that are off by one, and numbers that are out of all measure.
        7 if length > 0 => bytes[one.start] = bytes[one.start].wrapping_add(random.pick(&[1, 255])),
        8 => drop(bytes.splice(one, varint(random.pick(&[1 << 31, 1 << 63, u64::MAX, i64::MAX as u64])))),
        // A part that is there twice, and two parts in each other's place.
        9 => {
            let part = bytes[random.range(length, 4096)].to_vec();
            bytes.splice(one.start..one.start, part);
        }
        _ => one.zip(other).for_each(|(a, b)| bytes.swap(a, b)),
    }
    bytes
}

/// An index in which one entry is damaged, or another's, under right checksums; as it is where it is no table.
fn with_damaged_entry(random: &mut Random, index: &Bytes) -> Vec<u8> {
    let Ok(table) = Table::open(index.clone()) else { return index.to_vec() };
    let mut entries: Vec<(Vec<u8>, Vec<u8>)> =
        table.entries().flatten().map(|entry| (entry.key, entry.value.to_vec())).collect();
    if entries.is_empty() {
        return index.to_vec();
    }
    let (at, other) = (random.below(entries.len()), random.below(entries.len()));
    match random.below(4) {
        0 => entries[at].0 = damaged(random, entries[at].0.clone()),
        1 => entries[at].1 = entries[other].1.clone(),
        _ => entries[at].1 = damaged(random, entries[at].1.clone()),
    }
    let table = TableBuilder::new().block_entries(1 + random.below(8));
    entries.into_iter().fold(table, |table, (key, value)| table.entry(key, value)).build()
}

// --- damage of each kind, everywhere ---

/// The main files of fixtures, with less of each thing in them: `tests/all/fuzz_replay.rs` cuts them.
fn small_main_files() -> Vec<Vec<u8>> {
    ["partitioned", "sharded", "two-metagraphs"]
        .map(|name| fs::read(format!("fuzz/seeds/saved_model/{name}")).unwrap())
        .to_vec()
}

#[test]
fn a_main_file_cut_at_any_byte_is_charged_to_the_cut() {
    for main in small_main_files() {
        for length in 0..main.len() {
            audited(vec![file(MAIN, &main[..length])], &everything());
        }
    }
}

#[test]
fn a_main_file_with_a_bit_flipped_in_any_byte_is_charged_whole() {
    for main in small_main_files() {
        for at in 0..main.len() {
            let mut damaged = main.clone();
            damaged[at] ^= 1 << (at % 8);
            audited(vec![file(MAIN, damaged)], &everything());
        }
    }
}

/// The first bytes of all lengths in a message and in what may be messages in it.
fn lengths(file: &[u8], range: std::ops::Range<usize>, found: &mut BTreeSet<usize>) {
    for field in fields(file, range).filter(|field| field.wire_type == WireType::Len) {
        let tag = file[field.start..].iter().position(|byte| byte & 0x80 == 0).map_or(0, |last| last + 1);
        found.insert(field.start + tag);
        lengths(file, field.payload(), found);
    }
}

#[test]
fn lengths_that_are_off_by_one_cost_no_byte() {
    for main in small_main_files() {
        let mut found = BTreeSet::new();
        lengths(&main, 0..main.len(), &mut found);
        assert!(found.len() > 100, "{found:?}");
        for at in found {
            for step in [1, 255] {
                let mut damaged = main.clone();
                damaged[at] = damaged[at].wrapping_add(step);
                audited(vec![file(MAIN, damaged)], &everything());
            }
        }
    }
}

#[test]
fn an_index_cut_at_any_byte_or_with_any_bit_flipped_is_told_of() {
    for fixture in ["partitioned", "sharded"] {
        let files = whole(&Path::new("fixtures").join(fixture));
        let index = files.iter().position(|(name, _)| name == INDEX).unwrap();
        let whole = files[index].1.clone();
        let cut = (0..whole.len()).map(|length| whole[..length].to_vec());
        let flipped = (0..whole.len() * 8).map(|bit| {
            let mut damaged = whole.to_vec();
            damaged[bit / 8] ^= 1 << (bit % 8);
            damaged
        });
        let tensors = audited(files.clone(), &everything()).checkpoint.unwrap().tensors.len();
        for damaged in cut.chain(flipped) {
            let mut files = files.clone();
            files.retain(|(name, _)| name != MAIN);
            files.iter_mut().filter(|(name, _)| name == INDEX).for_each(|(_, bytes)| *bytes = damaged.clone().into());
            let report = audited(files, &everything());
            // The footer has padding, and a handle of a block that nobody reads.
            let unread = report.checkpoint.is_some_and(|checkpoint| checkpoint.tensors.len() == tensors);
            assert!(unread || !report.problems.is_empty(), "{fixture}");
        }
    }
}

#[test]
fn maps_may_have_equal_keys() {
    let attribute = message().int(3, 7);
    let twice = node("a", "Op").entry(5, "k", &attribute).entry(5, "k", &attribute);
    let graph = meta_graph(&["serve"], &graph([&twice, &twice]));
    let signature = message().entry(1, "x", &message().bytes(1, "a:0"));
    let graph =
        graph.entry(5, "s", &signature).entry(5, "s", &signature).entry(4, "c", &message()).entry(4, "c", &message());
    let report = audited(vec![file(MAIN, saved_model([&graph, &graph]).0)], &everything());
    assert_eq!(report.meta_graphs[0].signatures.len(), 1, "protobuf keeps the last entry of a key");
    assert_eq!(report.problems, []);
}

#[test]
fn tensors_that_overlap_share_their_bytes_and_each_byte_is_charged_once() {
    let bundle =
        || BundleBuilder::default().tensor("a", &[1; 100]).alias("b", 50, 50).alias("c", 0, 100).alias("d", 99, 1);
    let files = bundle().files().map(|(name, bytes)| file(&name, bytes)).to_vec();
    let report = audited(files, &everything());
    assert_eq!(report.problems, []);
    let checkpoint = report.checkpoint.unwrap();
    assert_eq!((checkpoint.data_bytes, checkpoint.unused_data_bytes), (100, 0));
}

/// What is said of a checkpoint of one tensor after `change`.
fn said_of(change: impl Fn(&mut Files)) -> Vec<String> {
    let mut files =
        BundleBuilder::default().tensor("a", &[1; 100]).files().map(|(name, bytes)| file(&name, bytes)).to_vec();
    change(&mut files);
    let report = audited(files, &everything());
    report.problems.iter().map(|problem| format!("{}: {}", problem.file, problem.message)).collect()
}

#[test]
fn missing_and_empty_files_are_told_of() {
    let missing = |name: &'static str| said_of(move |files| files.retain(|(file, _)| file != name));
    let empty = |name: &'static str| {
        said_of(move |files| files.iter_mut().filter(|(file, _)| file == name).for_each(|(_, bytes)| bytes.clear()))
    };
    assert_eq!(missing(INDEX), [format!("{INDEX}: expected the index of the data files, found none")]);
    assert_eq!(missing(DATA), [format!("{DATA}: expected this file, as the index names 1 shards, found none")]);
    let table = "expected a table, which is no shorter than its footer of 48 bytes, found 0 bytes";
    assert_eq!(empty(INDEX), [format!("{INDEX}: {table}")]);
    assert_eq!(empty(DATA), [format!("{DATA}: `a`: expected its data up to byte 100, found the file's end at 0")]);
    let empty_main_file =
        "expected a SavedModel, found an empty file: copy or download the model again, or export it again";
    assert_eq!(said_of(|files| files.push(file(MAIN, Vec::new()))), [format!("{MAIN}: {empty_main_file}")]);
}
