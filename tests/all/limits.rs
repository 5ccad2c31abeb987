//! Numbers in a file decide nothing: whatever sizes, counts and depths it claims, the command stays within an address
//! space of 256 MiB, ends with exit code 0 or 3, and charges every byte.
//!
//! The system holds it to that (`ulimit -v`), so these tests are for Linux.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap
)]

mod chunked;
mod diff;
mod growth;
mod slim;

use std::process::Command;

use crate::run::{binary, finished};
use crate::targets::taken::assert_bounded;
use smaudit::input::Model;
use smaudit::internals::meter::measured;
use smaudit::progress::Silent;
use smaudit::{Options, audit};
use support::archive::{gzip, tar};
use support::bundle::{DATA, INDEX, bytes_entry, index};
use support::files::tree;
use support::table::{PLAIN, SNAPPY, TableBuilder, finish, footer, handle, masked, table_of_block};
use support::wire::{Message, constant, function, graph, message, meta_graph, node, saved_model, varint};

const ADDRESS_SPACE_KIB: u64 = 256 << 10;

/// More than there is of anything.
const HUGE: u64 = 1 << 60;

/// Audits these files in a limited address space. Asserts the balance, and returns what was said on standard error.
#[track_caller]
fn audited(case: &str, files: &[(&str, &[u8])]) -> String {
    // A model of one metagraph, where the main file does not matter.
    let main = saved_model([&message()]).0;
    let mut files = files.to_vec();
    if !files.iter().any(|(name, _)| name.starts_with("saved_model.")) {
        files.push(("saved_model.pb", &main));
    }
    let directory = tree(&files);
    let limited = format!("ulimit -v {ADDRESS_SPACE_KIB} && exec \"$0\" --format csv --top 0 --verify .");
    let mut command = Command::new("sh");
    // glibc reserves 64 MiB of addresses and more for the heap of each thread, whatever it holds.
    command.env("MALLOC_ARENA_MAX", "1");
    let run = finished(command.arg("-c").arg(limited).arg(binary()).current_dir(directory.path()).output().unwrap());
    assert!(matches!(run.code, 0 | 3), "{case}: {run:#?}");
    assert_takes_little(case, &files);
    let mut rows = csv::Reader::from_reader(run.stdout.as_bytes());
    let column = rows.headers().unwrap().iter().position(|name| name == "bytes").expect("a column of bytes");
    let charged: u64 = rows.records().map(|row| row.unwrap()[column].parse::<u64>().unwrap()).sum();
    assert_eq!(charged, files.iter().map(|(_, contents)| contents.len() as u64).sum::<u64>(), "{case}: {run:#?}");
    run.stderr
}

/// Audits these files again, in this process, which counts what that takes: no more than so much for each byte of them.
#[track_caller]
fn assert_takes_little(case: &str, files: &[(&str, &[u8])]) {
    let owned = files.iter().map(|(name, contents)| ((*name).to_owned(), contents.to_vec().into()));
    let model = Model::in_memory(case, owned);
    // A chunk may decode to what the limits allow, however little it is in the file.
    let room = if files.iter().any(|(name, _)| name.ends_with(".cpb")) { 64 << 20 } else { 0 };
    let options = Options { verify: true, ..Options::default() };
    let (report, taken) = measured(|| audit(&model, &options, &Silent));
    assert!(report.is_ok(), "{case}");
    assert_bounded(model.bytes() + room, taken);
}

/// Asserts that the audit of such a main file says `said`, or nothing where that is empty.
#[track_caller]
fn assert_main(case: &str, main: &Message, said: &str) {
    assert_said(case, &audited(case, &[("saved_model.pb", &main.0)]), said);
}

/// Asserts that the audit of such an index says `said`, or nothing where that is empty.
#[track_caller]
fn assert_index(case: &str, index: &[u8], said: &str) {
    assert_said(case, &audited(case, &[(INDEX, index), (DATA, &[7; 100])]), said);
}

#[track_caller]
fn assert_said(case: &str, stderr: &str, said: &str) {
    assert!(stderr.contains(said) && (stderr.is_empty() == said.is_empty()), "{case}: {said:?} is not in {stderr}");
}

fn of_graph(nodes: &[Message]) -> Message {
    saved_model([&meta_graph(&["serve"], &graph(nodes))])
}

fn of_meta_graph(fields: Message) -> Message {
    message().message(2, &fields)
}

// --- sizes ---

#[test]
fn a_field_may_claim_any_length() {
    for length in [101, 1 << 31, HUGE, 1 << 63, u64::MAX] {
        let claims = |number| message().overlong(number, length, [1; 100]);
        let tensor = node("a", "Const").entry(5, "value", &message().message(8, &claims(4)));
        let cases = [
            ("a metagraph", claims(2)),
            ("a graph", of_meta_graph(claims(2))),
            ("a library", of_meta_graph(message().message(2, &claims(2)))),
            ("a node", of_meta_graph(message().message(2, &claims(1)))),
            ("a signature", of_meta_graph(claims(5))),
            ("an object graph", of_meta_graph(claims(7))),
        ];
        for (case, main) in cases {
            assert_main(case, &main, "bytes, only ");
        }
        assert_main("a tensor", &of_graph(&[tensor]), "bytes, only ");
    }
}

#[test]
fn a_tensor_in_the_graph_may_claim_any_shape() {
    let dimension = |size| message().message(2, &message().int(1, size));
    let shape = Message([dimension(HUGE).0, dimension(HUGE).0, dimension(u64::MAX).0].concat());
    let tensor = message().int(1, 1).message(2, &shape).bytes(4, [1; 2000]).int(3, HUGE);
    let value = message().message(8, &tensor);
    let constant = node("a", "Const").entry(5, "dtype", &message().int(6, 1)).entry(5, "value", &value);
    assert_main("a shape whose product overflows", &of_graph(&[constant.clone(), constant]), "");
}

#[test]
fn an_index_may_claim_any_size_of_a_tensor() {
    let most = i64::MAX as u64;
    let cases = [
        ("a size", bytes_entry(0, HUGE), "expected its data up to byte"),
        ("the largest size", bytes_entry(0, most), "expected its data up to byte"),
        ("an offset", bytes_entry(HUGE, 8), "expected its data up to byte"),
        ("an end that overflows", bytes_entry(most, most), "expected its data up to byte"),
        ("a negative size", bytes_entry(0, u64::MAX), "a size from 0 on"),
        ("a negative offset", bytes_entry(1 << 63, 8), "an offset from 0 on"),
        ("a shard", bytes_entry(0, 8).int(3, i32::MAX as u64), "one of the bundle's 1 shards"),
        ("a negative shard", bytes_entry(0, 8).int(3, u64::MAX), "one of the bundle's 1 shards"),
        ("a type", bytes_entry(0, 8).int(1, i32::MAX as u64), ""),
    ];
    for (case, entry, said) in cases {
        assert_index(case, &index(&[("v", entry)]), said);
    }
}

#[test]
fn an_index_may_claim_any_shape() {
    let dimension = |size| message().message(2, &message().int(1, size));
    let of_shape = |sizes: &[u64], dtype| {
        let shape = Message(sizes.iter().flat_map(|size| dimension(*size).0).collect());
        index(&[("v", message().int(1, dtype).message(2, &shape).int(5, 100))])
    };
    let (uint8, string) = (4, 7);
    let uncounted = "a shape whose bytes can be counted";
    assert_index("a product that overflows", &of_shape(&[HUGE, HUGE], uint8), uncounted);
    assert_index("a negative dimension", &of_shape(&[u64::MAX], uint8), uncounted);
    assert_index("a dimension", &of_shape(&[HUGE], uint8), "found 100");
    assert_index("many strings", &of_shape(&[HUGE], string), "expected a string's length, found the end");
    assert_index("many dimensions", &of_shape(&vec![1; 100_000], uint8), "at most 254 dimensions, found 100000");
}

#[test]
fn a_header_may_claim_any_number_of_shards() {
    for shards in [2, 1 << 20, i32::MAX as u64] {
        let table = TableBuilder::new().entry("", message().int(1, shards).0).entry("v", bytes_entry(0, 8).0);
        assert_index("shards", &table.build(), "shards");
    }
}

#[test]
fn strings_may_claim_any_length() {
    let data = [varint(HUGE), vec![0; 90]].concat();
    let entry = message().int(1, 7).message(2, &message()).int(5, data.len() as u64);
    let files = [(INDEX, index(&[("v", entry)])), (DATA, data)];
    let stderr = audited("a string", &[(files[0].0, &files[0].1), (files[1].0, &files[1].1)]);
    assert_said("a string", &stderr, "expected lengths with masked CRC32C");
}

#[test]
fn a_table_may_claim_any_place_and_size_of_a_block() {
    let none = handle(0, 0);
    for (start, size) in [(0, HUGE), (HUGE, 1), (u64::MAX, u64::MAX), (0, 1 << 31)] {
        assert_index("an index block", &footer(&none, &handle(start, size)), "expected a block between");
        assert_index(
            "a block",
            &finish(vec![0; 50], &[(b"z".to_vec(), handle(start, size))]),
            "expected a block between",
        );
    }
}

#[test]
fn a_block_may_claim_any_lengths() {
    let entry = |lengths: [u64; 3]| [lengths.map(varint).concat(), vec![7; 9], vec![0, 0, 0, 0, 1, 0, 0, 0]].concat();
    for lengths in [[HUGE, 1, 1], [0, HUGE, 1], [0, 1, HUGE], [0, u64::MAX, u64::MAX], [u64::MAX, 0, 0]] {
        assert_index("an entry", &table_of_block(&entry(lengths), PLAIN), "expected an entry of a block");
    }
    let restarts = [vec![7; 9], u32::MAX.to_le_bytes().to_vec()].concat();
    assert_index("restarts", &table_of_block(&restarts, PLAIN), "expected a restart array");
    let snappy = [varint(u64::from(u32::MAX)), vec![0; 40]].concat();
    assert_index("a compressed block", &table_of_block(&snappy, SNAPPY), "bytes of snappy to hold at most");
}

// --- counts: a file of a mebibyte that holds as many of a thing as it can ---

const MEBIBYTE: usize = 1 << 20;

/// As many fields of this number and content as a mebibyte holds.
fn full(number: u32, content: &[u8]) -> Message {
    let field = message().bytes(number, content).0;
    Message(field.repeat(MEBIBYTE / field.len()))
}

#[test]
fn a_file_may_hold_any_number_of_things_of_a_metagraph() {
    let of_graph = |fields: &Message| of_meta_graph(message().message(2, fields));
    let of_library = |fields: &Message| of_graph(&message().message(2, fields));
    let of_function = |fields: &Message| of_library(&message().message(1, fields));
    let with_signature = |fields: Message| of_meta_graph(message().entry(5, "s", &message()).raw(&fields.0));
    let cases = [
        ("metagraphs", full(2, b""), "expected at most 1000 metagraphs"),
        ("tags", of_meta_graph(message().message(1, &full(4, b""))), "expected at most 65536 tags"),
        ("ops", of_meta_graph(message().message(1, &message().message(2, &full(1, b"")))), ""),
        ("nodes", of_graph(&full(1, b"")), ""),
        ("inputs", with_signature(message().message(2, &message().message(1, &full(3, b"a")))), ""),
        ("attributes", with_signature(message().message(2, &message().message(1, &full(5, b"")))), ""),
        ("functions", of_library(&full(1, b"")), "expected at most 262144 functions"),
        ("gradients", of_library(&full(2, b"")), "expected at most 262144 gradients"),
        ("nodes of a function", of_function(&full(3, b"")), ""),
        ("results of a function", of_function(&full(4, b"")), ""),
        ("attributes of a function", of_function(&full(5, b"")), ""),
        ("savers", of_meta_graph(full(3, b"")), ""),
        ("collections", of_meta_graph(full(4, b"")), ""),
        ("signatures", of_meta_graph(full(5, b"")), "expected at most 65536 tags, signatures"),
        ("inputs of a signature", of_meta_graph(message().entry(5, "s", &full(1, b""))), ""),
        ("assets", of_meta_graph(full(6, b"")), "expected at most 65536 tags, signatures and assets"),
        ("objects", with_signature(message().message(7, &full(1, b""))), "expected at most 262144 objects"),
        ("children", with_signature(message().message(7, &message().message(1, &full(1, b"")))), ""),
        ("concrete functions", with_signature(message().message(7, &full(2, b""))), ""),
        ("unknown fields", full(15, b""), "expected at least one metagraph"),
    ];
    for (case, main, said) in cases {
        assert_main(case, &main, said);
    }
    // Each of so many metagraphs has something of each before it, of two kinds.
    let named = |of: usize| message().bytes(1, format!("{of:x}"));
    let one = |of: usize| message().message(4, &named(of)).message(5, &named(of)).0;
    let graphs: Vec<Message> = (0..450).map(|own| Message((0..=own).flat_map(one).collect())).collect();
    assert_main("pairs of metagraphs", &saved_model(&graphs), "expected at most 65536 pairs of metagraphs");
}

#[test]
fn a_file_may_be_damaged_in_any_number_of_places() {
    let damaged = [7];
    let cases = [
        ("metagraphs", full(2, &damaged)),
        ("nodes", of_meta_graph(message().message(2, &full(1, &damaged)))),
        ("signatures", of_meta_graph(full(5, &damaged))),
        ("assets", of_meta_graph(full(6, &damaged))),
    ];
    for (case, main) in cases {
        assert_main(case, &main, "more problems, all of them in the report");
    }
}

#[test]
fn an_index_may_hold_any_number_of_entries() {
    let of = |entry: Message| {
        let header = TableBuilder::new().restart_interval(usize::MAX).entry("", message().int(1, 1).0);
        let each = MEBIBYTE / (entry.len() + 5);
        (0..each).fold(header, |table, number| table.entry(format!("{number:06}"), entry.0.clone())).build()
    };
    assert_index("empty entries", &of(message()), "an element type, found none");
    assert_index("damaged entries", &of(message().raw(&[7])), "expected an entry of a bundle");
    assert_index("tensors past the end", &of(message().int(1, 4).int(4, 1).int(5, 900)), "expected its data up to");
    assert_index("tensors on one range", &of(bytes_entry(0, 100)), "found");
}

/// Snappy makes an entry of less than a byte of the file.
#[test]
fn a_compressed_block_of_an_index_may_hold_any_number_of_entries() {
    let empty = bytes_entry(0, 0).fixed32(6, masked(0)).0;
    let table = TableBuilder::new().restart_interval(usize::MAX).snappy().entry("", message().int(1, 1).0);
    let key = |number: u32| [&[1], &number.to_be_bytes()[..]].concat();
    let index = (0..200_000).fold(table, |table, number| table.entry(key(number), empty.clone())).build();
    assert_index("compressed entries", &index, "expected keys of at most");
}

/// The name is written for each row of a table, 655 MB together.
#[test]
fn a_name_of_64_kib_may_be_that_of_ten_thousand_rows() {
    let nodes: Vec<Message> = (0..10_000).map(|number| node(&format!("n{number}"), "NoOp")).collect();
    let library = message().message(2, &message().messages(1, [&function(&"F".repeat(64 << 10), &nodes)]));
    let main = saved_model([&meta_graph(&["serve"], &library)]);
    let directory = tree(&[("saved_model.pb", &main.0)]);
    for format in ["text", "json", "jsonl", "csv", "markdown", "html", "folded"] {
        let limited = format!("ulimit -v {ADDRESS_SPACE_KIB} && exec \"$0\" --by function,node --format {format} .");
        let mut command = Command::new("sh");
        command.env("MALLOC_ARENA_MAX", "1").arg("-c").arg(limited).arg(binary()).current_dir(directory.path());
        let run = finished(command.output().unwrap());
        assert!(matches!(run.code, 0 | 3), "{format}: {}", run.stderr);
        assert!(run.stdout.len() < 80 << 20, "{format}: {} bytes", run.stdout.len());
    }
}

#[test]
fn a_tree_may_hold_archives_that_unpack_to_any_size_together() {
    let zeros = vec![0; 16 << 20];
    let main = saved_model([&message()]).0;
    let packed = gzip(&tar(&[("saved_model.pb", &main), ("assets/zeros", &zeros)]));
    let archives: Vec<String> = (0..24).map(|number| format!("{number}.tar.gz")).collect();
    let directory = tree(&archives.iter().map(|name| (&**name, &*packed)).collect::<Vec<_>>());
    let limited = format!("ulimit -v {ADDRESS_SPACE_KIB} && exec \"$0\" --json .");
    let mut command = Command::new("sh");
    // One for each core unpacks at a time, and nobody knows how many there are.
    command.env("MALLOC_ARENA_MAX", "1").env("RAYON_NUM_THREADS", "2");
    let run = finished(command.arg("-c").arg(limited).arg(binary()).current_dir(directory.path()).output().unwrap());
    assert_eq!((run.code, &*run.stderr), (0, ""));
    assert_eq!(run.json()["totals"]["bytes"], archives.len() * (main.len() + zeros.len()));
}

// --- depths ---

const LEVELS: usize = 100_000;

/// A message within a message, so many levels deep; each level is fields of these numbers within one another, outermost
/// first.
fn nested(levels: usize, numbers: &[u32]) -> Message {
    // From the innermost on, back to front, as a message's length stands before it.
    let mut reversed = Vec::new();
    for number in std::iter::repeat_n(numbers.iter().rev(), levels).flatten() {
        let length = varint(reversed.len() as u64);
        let tag = varint(u64::from(*number) << 3 | 2);
        reversed.extend(tag.iter().chain(&length).rev());
    }
    reversed.reverse();
    Message(reversed)
}

#[test]
fn messages_may_nest_to_any_depth() {
    let said = "expected messages nested at most 100 deep, found a deeper one";
    // AttrValue.func → NameAttrList.attr → its value, and the same by AttrValue.list.func.
    let (by_func, by_list) = (nested(LEVELS, &[10, 2, 2]), nested(LEVELS, &[1, 9, 2, 2]));
    // StructuredValue.list_value → ListValue.values, and FullTypeDef.args.
    let (values, types) = (nested(LEVELS, &[51, 1]), nested(LEVELS, &[2]));
    for attribute in [by_func, by_list] {
        let node = node("a", "Op").entry(5, "f", &attribute);
        assert_main("an attribute of a node", &of_graph(&[node.clone(), node.clone()]), said);
        let function = function("f", [&node]).entry(5, "f", &attribute);
        let library = message().message(2, &message().messages(1, [&function, &function]));
        let reached = meta_graph(&["serve"], &library).entry(5, "s", &message());
        assert_main("an attribute of a function", &saved_model([&reached]), said);
    }
    let concrete = message().entry(2, "f", &message().message(3, &values));
    let objects = meta_graph(&["serve"], &message()).message(7, &concrete).entry(5, "s", &message());
    assert_main("a signature of Python", &saved_model([&objects]), said);
    assert_main("a type", &of_graph(&[node("a", "Op").message(7, &types)]), said);
    let signature = meta_graph(&[], &message()).entry(5, "s", &message().message(1, &nested(LEVELS, &[2, 5])));
    assert_main("a signature", &saved_model([&signature]), "recursion limit reached");
}

#[test]
fn groups_may_nest_to_any_depth() {
    let groups = [vec![0x0b; LEVELS], vec![0x0c; LEVELS]].concat();
    let said = "expected groups nested at most 100 deep";
    assert_main("groups in the file", &message().raw(&groups), said);
    assert_main("groups that do not end", &message().raw(&groups[..LEVELS]), said);
    assert_main("groups in a graph", &of_meta_graph(message().message(2, &message().raw(&groups))), said);
    assert_main("groups in a node", &of_graph(&[message().raw(&groups)]), said);
}

/// A limit that is never felt limits nothing: what cannot fit does not.
#[test]
fn the_limit_is_felt() {
    let large = of_graph(&[constant("a", &vec![7; 300 << 20])]);
    let stderr = audited("a file that cannot be mapped", &[("saved_model.pb", &large.0)]);
    assert_said("a file that cannot be mapped", &stderr, "cannot be read: Cannot allocate memory");
}
