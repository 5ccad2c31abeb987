//! Chunked models (`saved_model.cpb`): the same answers as for the binary form, each byte of the file charged to the field
//! that it decodes to, and whatever has happened to the file, its books balance.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::indexing_slicing, clippy::cast_possible_truncation)]

#[path = "support/balance.rs"]
mod balance;
mod support;

use balance::assert_balanced;
use bytes::Bytes;
use smaudit::Options;
use smaudit::audit;
use smaudit::chunked;
use smaudit::input::{Limits, Model};
use smaudit::ledger::Dimension;
use smaudit::progress::Silent;
use smaudit::report::{MainFileForm, MainFileReport, ModelReport};
use support::riegeli::Step::{Field, Index, Key};
use support::riegeli::{BROTLI, Chunk, Compression, PLAIN, SNAPPY, ZSTD, chunked, metadata, part, riegeli, value};
use support::wire::{Message, constant, function, message, node, varint};

const COMPRESSIONS: [Compression; 4] = [PLAIN, SNAPPY, ZSTD, BROTLI];

/// Audits a model of one main file.
fn audited(file: &str, contents: &[u8]) -> ModelReport {
    let main = (file.to_owned(), Bytes::copy_from_slice(contents));
    let options = Options { by: vec![Dimension::Category, Dimension::Node], min_duplicate: 64, ..Options::default() };
    let report = audit(&Model::in_memory("model", [main]), &options, &Silent).expect("the books balance");
    assert_balanced(&report, contents.len() as u64);
    report
}

/// The wire format of a chunked file that has nothing wrong with it.
#[track_caller]
fn put_together(file: &[u8]) -> Bytes {
    let read = chunked::read("f", &Bytes::copy_from_slice(file), &Limits::default());
    assert_eq!(read.problems, []);
    read.wire.expect("the file has a ChunkMetadata")
}

/// The messages of all problems.
fn problems(report: &ModelReport) -> String {
    report.problems.iter().map(|problem| format!("{problem}\n")).collect()
}

/// Bytes that are not all alike, and not like those of another seed.
fn content(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..length).map(|_| next()).collect()
}

// --- a model and its chunks ---

/// A SavedModel of one metagraph around `graph`.
fn saved_model(graph: &Message) -> Message {
    let signature = message().entry(1, "x", &message().bytes(1, "a:0").int(2, 1)).bytes(3, "predict");
    let info = message().bytes(4, "serve");
    message()
        .int(1, 1)
        .message(2, &message().message(1, &info).message(2, graph).entry(5, "serving_default", &signature))
}

/// The model of `chunks`, as one message.
fn whole() -> Message {
    let nodes =
        [node("a", "Placeholder"), constant("b", &content(1, 300)), node("c", "Add"), constant("d", &content(2, 200))];
    let library =
        message().message(1, &function("f", [&node("g", "Mul")])).message(1, &function("h", [&node("i", "Sub")]));
    saved_model(&message().messages(1, &nodes).message(2, &library))
}

/// A constant whose tensor has its content in another chunk.
fn without_content(name: &str) -> Message {
    node(name, "Const").entry(5, "dtype", &message().int(6, 1)).entry(
        5,
        "value",
        &message().message(8, &message().int(1, 1)),
    )
}

/// The way to `tensor_content` of a constant's value.
fn way_to_content(index: u64) -> Vec<support::riegeli::Step> {
    vec![Field(2), Index(0), Field(2), Field(1), Index(index), Field(5), Key("value"), Field(8), Field(4)]
}

/// `whole` as TensorFlow splits it: the model, more of its graph, constants, functions. Not in the model's order.
fn chunks() -> Vec<Chunk> {
    let graph = || vec![Field(2), Index(0), Field(2)];
    let first = saved_model(&message().messages(1, &[node("a", "Placeholder"), without_content("b")]));
    let library =
        |name, inner| message().message(1, &function(name, [&node(inner, if name == "f" { "Mul" } else { "Sub" })]));
    let to_library = [graph(), vec![Field(2)]].concat();
    vec![
        part(&[], &first),
        value(&way_to_content(3), &content(2, 200)),
        part(&graph(), &message().messages(1, &[node("c", "Add"), without_content("d")])),
        part(&to_library, &library("f", "g")),
        value(&way_to_content(1), &content(1, 300)),
        part(&to_library, &library("h", "i")),
    ]
}

#[test]
fn chunks_put_together_are_the_model_that_was_split_however_they_are_compressed() {
    for compression in COMPRESSIONS {
        assert_eq!(put_together(&chunked(compression, &chunks())), whole().0);
    }
}

#[test]
fn a_chunked_model_has_the_same_contents_as_the_binary_one() {
    let binary = audited("saved_model.pb", &whole().0);
    for compression in COMPRESSIONS {
        let chunked = audited("saved_model.cpb", &chunked(compression, &chunks()));
        assert_eq!(problems(&chunked), "");
        let (left, right) = (&binary.meta_graphs[0], &chunked.meta_graphs[0]);
        assert_eq!(
            (left.nodes, left.functions, left.function_nodes),
            (right.nodes, right.functions, right.function_nodes)
        );
        let names = |report: &ModelReport| -> Vec<String> {
            report.meta_graphs[0].signatures.iter().map(|signature| signature.name.clone()).collect()
        };
        assert_eq!(names(&binary), names(&chunked));
        assert_eq!(names(&chunked), ["serving_default"]);
    }
}

#[test]
fn a_field_in_a_chunk_that_is_not_compressed_costs_its_own_bytes() {
    let report = audited("saved_model.cpb", &chunked(PLAIN, &chunks()));
    let bytes_of = |node: &str| {
        let rows = &report.breakdown.rows;
        let graph = rows.iter().find(|row| row.name == "graph_def").expect("there is a graph");
        graph.children.iter().find(|row| row.name == node).map(|row| row.bytes)
    };
    // What the node is without its content, its tag and length in its own chunk included, and the content's record.
    for (name, length) in [("b", 300), ("d", 200)] {
        let without = message().message(1, &without_content(name)).len();
        assert_eq!(bytes_of(name), Some(without as u64 + length), "{name}");
    }
    assert_eq!(bytes_of("a"), Some(message().message(1, &node("a", "Placeholder")).len() as u64));
}

#[test]
fn a_compressed_chunk_costs_what_it_takes_in_the_file() {
    let zeros = vec![0; 100_000];
    let graph = message().message(1, &without_content("zeros")).message(1, &node("other", "Add"));
    let way = [Field(2), Index(0), Field(2), Field(1), Index(0), Field(5), Key("value"), Field(8), Field(4)];
    let file = chunked(SNAPPY, &[part(&[], &saved_model(&graph)), value(&way, &zeros)]);
    let report = audited("saved_model.cpb", &file);
    let stored = (SNAPPY.1)(&zeros).len() as u64;
    let graph_def = report.categories.iter().find(|(category, _)| category.name() == "graph_def").unwrap().1;
    assert!((stored..stored + 200).contains(graph_def), "{graph_def} bytes for {stored}");
    let main = MainFileReport {
        form: MainFileForm::Chunked,
        stored_bytes: file.len() as u64,
        decoded_bytes: Some(put_together(&file).len() as u64),
    };
    assert_eq!(report.main_file, Some(main));
}

#[test]
fn equal_payloads_in_chunks_are_duplicates() {
    let graph = message().messages(1, &[without_content("b"), without_content("d")]);
    let contents = |index| value(&way_to_content(index), &content(7, 500));
    let report =
        audited("saved_model.cpb", &chunked(PLAIN, &[part(&[], &saved_model(&graph)), contents(1), contents(0)]));
    assert_eq!(problems(&report), "");
    assert_eq!(report.duplicates.redundant_bytes, 500);
}

#[test]
fn records_may_share_a_chunk_and_block_headers_may_interrupt_one() {
    let (large, small) = (content(3, 200_000), content(4, 1000));
    let graph = message().messages(1, &[without_content("b"), without_content("d")]);
    let chunks =
        [part(&[], &saved_model(&graph)), value(&way_to_content(0), &large), value(&way_to_content(1), &small)];
    let expected = saved_model(&message().messages(1, &[constant("b", &large), constant("d", &small)]));
    for compression in COMPRESSIONS {
        // The second chunk of Riegeli begins before the second block, and has three of its headers in it.
        let records: Vec<&[u8]> = chunks.iter().map(|chunk| &*chunk.bytes).collect();
        let file = riegeli().records(compression, &records).chunk(b'p', 0, 0, &[0; 70_000]);
        let metadata = metadata(&chunks, &file.positions);
        let file = file.records(compression, &[&metadata.0]).file;
        assert_eq!(put_together(&file), expected.0);
        assert_eq!(problems(&audited("saved_model.cpb", &file)), "");
    }
}

#[test]
fn chunks_make_the_fields_on_their_way_that_are_not_there() {
    let entry = |key: &str, value: &Message| message().bytes(1, key).message(2, value);
    let chunks = [
        part(&[], &message()),
        part(&[Field(2), Index(0), Field(5), Key("new")], &message().bytes(3, "predict")),
        part(&[Field(2), Index(0), Field(5), Key("new"), Field(1), Key("x")], &message().bytes(1, "a:0")),
    ];
    let signature = message().bytes(3, "predict").message(1, &entry("x", &message().bytes(1, "a:0")));
    let expected = message().message(2, &message().message(5, &entry("new", &signature)));
    assert_eq!(put_together(&chunked(PLAIN, &chunks)), expected.0);
}

// --- what is not as it should be ---

/// A model with something wrong with it: what is said, and how many metagraphs there are all the same.
#[track_caller]
fn assert_said(file: &[u8], said: &str, meta_graphs: usize) {
    let report = audited("saved_model.cpb", file);
    assert!(problems(&report).contains(said), "{said} in {}", problems(&report));
    assert_eq!(report.meta_graphs.len(), meta_graphs, "{}", problems(&report));
}

#[test]
fn a_transposed_chunk_is_not_read_and_said_to_be_none() {
    let model = part(&[], &whole());
    let file = riegeli().chunk(b't', 1, 10, &[0; 10]).records(PLAIN, &[&model.bytes]);
    let position = file.positions[0];
    let metadata = metadata(&[model], &[position]);
    assert_said(&file.records(PLAIN, &[&metadata.0]).file, "byte 64: this is a transposed chunk", 1);
}

#[test]
fn a_file_that_is_no_riegeli_file_is_framing() {
    let (no_record, no_header) = ("expected a ChunkMetadata", "byte 0: expected the");
    for (contents, said) in [(&b""[..], no_record), (b"chunks", no_header), (&[0; 1000], no_header)] {
        let report = audited("saved_model.cpb", contents);
        assert!(problems(&report).contains(said), "{}", problems(&report));
        assert_eq!(report.problems.len(), 1, "{}", problems(&report));
        assert_eq!(report.main_file.unwrap().decoded_bytes, None);
    }
}

#[test]
fn a_way_that_leads_nowhere_costs_its_chunk() {
    let model = part(&[], &whole());
    let lost = |way: &[support::riegeli::Step]| [model.clone(), part(way, &message().bytes(1, "lost"))];
    let far = lost(&[Field(2), Index(u64::MAX)]);
    assert_said(&chunked(PLAIN, &far), "expected an element of field 2 up to 1, found element 18446744073709551615", 1);
    assert_said(&chunked(PLAIN, &lost(&[Index(0)])), "expected a field of the model for each chunk", 1);
    assert_said(&chunked(PLAIN, &lost(&[Field(1), Field(1)])), "expected a message in field 1, found another value", 1);
    assert_said(&chunked(PLAIN, &lost(&vec![Field(9); 1000])), "expected chunks in messages at most 100 deep", 1);
}

#[test]
fn a_record_has_one_place_however_often_it_is_named() {
    let more = part(&[Field(2), Index(0), Field(2)], &graph_of("again"));
    let chunks = [part(&[], &whole()), more.clone(), more];
    let file = riegeli().records(PLAIN, &[&chunks[0].bytes, &chunks[1].bytes]);
    let positions = [file.positions[0], file.positions[1], file.positions[1]];
    let file = file.records(PLAIN, &[&metadata(&chunks, &positions).0]).file;
    assert_said(&file, "expected each record in one place of the model, found chunk 2 in a second one", 1);
    assert_eq!(audited("saved_model.cpb", &file).meta_graphs[0].nodes, 5);
}

fn graph_of(name: &str) -> Message {
    message().message(1, &node(name, "NoOp"))
}

#[test]
fn a_chunk_that_is_not_there_costs_itself() {
    let chunks = [part(&[], &whole()), part(&[Field(2), Index(0), Field(2)], &graph_of("gone"))];
    let file = riegeli().records(PLAIN, &[&chunks[0].bytes]);
    let positions = [file.positions[0], 12_345];
    let file = file.records(PLAIN, &[&metadata(&chunks, &positions).0]).file;
    assert_said(&file, "expected chunk 1 in a record at 12345, found none that can be read", 1);
}

#[test]
fn what_decodes_to_more_than_any_model_is_not_decoded() {
    // Zstandard's longest repeats: 128 KiB of zeros for four bytes.
    let blocks = [[2, 0, 0x10, 0]; 64];
    let frame = [&[0x28, 0xb5, 0x2f, 0xfd, 0, 0x38], blocks.as_flattened()].concat();
    let values = [&*varint(64 << 17), &frame].concat();
    let sizes = [&*varint(4), &(ZSTD.1)(&varint(64 << 17))[1..]].concat();
    let data = [&b"z"[..], &*varint(sizes.len() as u64), &sizes, &values].concat();
    let file = riegeli().chunk(b'r', 1, 64 << 17, &data).file;
    let limits = Limits { ratio: 200, ratio_from: 1 << 20, ..Limits::default() };
    let read = chunked::read("f", &file.into(), &limits);
    let said = "expected a file that decodes to at most 1048576 bytes, found one that has more";
    assert!(read.problems.iter().any(|problem| problem.message.contains(said)), "{:?}", read.problems);
}

#[test]
fn a_decoded_size_is_not_believed() {
    for (letter, rest) in [(b's', &varint(1 << 40)[..]), (b'b', &[6]), (b'z', &[])] {
        let buffer = [&*varint(1 << 40), rest].concat();
        let data = [&[letter], &*varint(buffer.len() as u64), &buffer, &buffer].concat();
        let file = riegeli().chunk(b'r', 1000, 1 << 40, &data).file;
        assert_said(&file, "expected", 0);
    }
}

#[test]
fn damage_to_any_byte_costs_what_it_is_in_and_the_books_balance() {
    for compression in COMPRESSIONS {
        let file = chunked(compression, &chunks());
        for at in 0..file.len() {
            let mut damaged = file.clone();
            damaged[at] ^= [0x01, 0x80, 0xff][at % 3];
            let report = audited("saved_model.cpb", &damaged);
            // Padding and block headers may be anything; what a chunk holds may not.
            let is_whole = put_together_or_not(&damaged) == Some(whole().0.into());
            assert!(is_whole || !report.problems.is_empty(), "byte {at}");
            audited("saved_model.cpb", &file[..at]);
        }
    }
}

fn put_together_or_not(file: &[u8]) -> Option<Bytes> {
    chunked::read("f", &Bytes::copy_from_slice(file), &Limits::default()).wire
}

#[test]
fn behind_a_chunk_whose_header_is_damaged_reading_goes_on_at_the_next_block_header() {
    let model = part(&[], &whole());
    let file = riegeli().chunk(b'p', 0, 0, &[0; 70_000]).records(PLAIN, &[&model.bytes]);
    let metadata = metadata(&[model], &file.positions);
    let mut file = file.records(PLAIN, &[&metadata.0]).file;
    file[70] ^= 1;
    assert_said(&file, "byte 64: expected the header of a Riegeli chunk", 1);
}
