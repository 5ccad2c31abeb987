//! Chunked models (`saved_model.cpb`): the same answers as for the binary form, each byte of the file charged to the field
//! that it decodes to, and whatever has happened to the file, its books balance.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::indexing_slicing, clippy::cast_possible_truncation)]

use std::collections::BTreeSet;
use std::fs;

use crate::balance::assert_balanced;
use bytes::Bytes;
use prost::Message as _;
use smaudit::Dimension;
use smaudit::Options;
use smaudit::audit;
use smaudit::input::{Limits, Model};
use smaudit::internals::chunked;
use smaudit::internals::proto::SavedModel;
use smaudit::progress::Silent;
use smaudit::report::{MainFileForm, ModelReport};
use support::riegeli::Step::{Field, Index, Key};
use support::riegeli::{
    BROTLI, Chunk, Compression, EVERY_KIND, PLAIN, SNAPPY, State, Transposed, ZSTD, chunked, metadata, part, riegeli,
    value,
};
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
        let graph = rows.iter().find(|row| *row.name == *"graph_def").expect("there is a graph");
        graph.children.iter().find(|row| *row.name == *node).map(|row| row.bytes)
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
    let main = report.main_file.unwrap();
    assert_eq!(main.form, MainFileForm::Chunked);
    assert_eq!(main.stored_bytes, file.len() as u64);
    assert_eq!(main.decoded_bytes, Some(put_together(&file).len() as u64));
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

// --- what Riegeli's own encoder writes ---

/// The model that `tests/data/chunked/` has in chunks.
const SPLIT: &str = "fixtures/lookup-table/saved_model.pb";

/// The files of Riegeli's encoder, by the names of their forms.
fn encoded() -> Vec<(String, Vec<u8>)> {
    let compressions = ["plain", "brotli", "zstd", "snappy"];
    let forms = ["simple", "transposed"].map(|form| compressions.map(|compression| format!("{form}-{compression}")));
    let read = |form: String| (form.clone(), fs::read(format!("tests/data/chunked/{form}.cpb")).unwrap());
    forms.into_iter().flatten().map(read).collect()
}

#[test]
fn all_forms_of_riegeli_give_the_answers_of_the_binary_model() {
    let binary = fs::read(SPLIT).unwrap();
    let expected = audited("saved_model.pb", &binary);
    for (form, file) in encoded() {
        let wire = put_together(&file);
        assert_eq!(SavedModel::decode(wire).unwrap(), SavedModel::decode(&*binary).unwrap(), "{form}");
        let report = audited("saved_model.cpb", &file);
        assert_eq!(problems(&report), problems(&expected), "{form}");
        assert_eq!(report.main_file.unwrap().decoded_bytes, Some(binary.len() as u64), "{form}");
        let answers = |report: &ModelReport| {
            let graph = &report.meta_graphs[0];
            let signatures: Vec<String> = graph.signatures.iter().map(|signature| signature.name.clone()).collect();
            let ops: Vec<(String, u64)> = graph.ops.iter().map(|op| (op.op.clone(), op.count)).collect();
            (
                (graph.nodes, graph.functions, graph.function_nodes, graph.object_nodes),
                signatures,
                BTreeSet::from_iter(ops),
            )
        };
        assert_eq!(answers(&report), answers(&expected), "{form}");
    }
}

#[test]
fn a_transposed_chunk_costs_what_it_takes_in_the_file() {
    for (form, file) in encoded().into_iter().filter(|(form, _)| form.starts_with("transposed")) {
        let report = audited("saved_model.cpb", &file);
        let bytes = |name: &str| *report.categories.iter().find(|(found, _)| found.name() == name).unwrap().1;
        // The block header, the signature, three chunk headers with a byte and a length each, and the ChunkMetadata.
        let not_of_records = 64 + 2 * (40 + 3);
        assert!((not_of_records..not_of_records + 300).contains(&bytes("framing")), "{form}: {}", bytes("framing"));
    }
}

/// A file of a transposed chunk with one record, the model, and a ChunkMetadata.
fn transposed(chunk: &Transposed, records: u64, decoded: u64) -> Vec<u8> {
    let file = riegeli().chunk(b't', records, decoded, &chunk.data());
    let metadata = metadata(&[part(&[], &Message(vec![0; decoded as usize]))], &[64]);
    file.records(PLAIN, &[&metadata.0]).file
}

#[test]
fn a_transposed_chunk_has_a_state_for_each_kind_of_field() {
    let group = message().fixed32(14, 0x0403_0201);
    let meta_graph = message().bytes(11, "text").fixed64(12, 0x0807_0605_0403_0201).int(13, 0x116).group(1000, &group);
    let model = message().int(1, 1).message(2, &meta_graph);
    assert_eq!(model.len() as u64, EVERY_KIND);
    for compression in COMPRESSIONS {
        let file = transposed(&Transposed::of_every_kind(compression), 1, model.len() as u64);
        assert_eq!(put_together(&file), model.0);
    }
}

#[test]
fn a_transition_skips_states_and_says_how_often_none_is_needed() {
    let value = |value: u8| (1 << 3, Some(10 + value), None);
    let mut chunk = Transposed::in_a_row(PLAIN, &[], &[value(0), value(1), value(2), value(3), (3, None, None)]);
    for (state, next) in chunk.states.iter_mut().zip([1, 2, 0, 4, 0]) {
        state.next = next;
    }
    // From 0 two states behind 1, to 3; from there 4, the start, without one.
    chunk.transitions = vec![2 << 2 | 1];
    assert_eq!(*put_together(&transposed(&chunk, 1, 4)), [8, 3, 8, 0]);
    // From 0 to 1 and, without a transition, 2, 0 and 1; from there 2 states behind 2, to the start.
    chunk.transitions = vec![3, 2 << 2];
    assert_eq!(*put_together(&transposed(&chunk, 1, 10)), [8, 1, 8, 0, 8, 2, 8, 1, 8, 0]);
}

#[test]
fn a_position_behind_the_last_record_of_a_chunk_is_that_of_the_next_chunk() {
    let model = part(&[], &whole());
    let file = riegeli().chunk(b'r', 0, 0, &[0, 0]).records(PLAIN, &[&model.bytes]);
    for position in [65, file.positions[0]] {
        let metadata = metadata(std::slice::from_ref(&model), &[position]);
        assert_eq!(put_together(&file.clone().records(PLAIN, &[&metadata.0]).file), whole().0);
    }
    let unknown = riegeli().chunk(b'?', 0, 0, &[0, 0]).records(PLAIN, &[&model.bytes]);
    let metadata = metadata(&[model], &[65]);
    assert_said(&unknown.records(PLAIN, &[&metadata.0]).file, "expected chunk 0 in a record at 65, found none", 0);
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
fn a_transposed_chunk_that_does_not_fit_together_says_what_is_wrong_with_it() {
    type Change = fn(&mut Transposed);
    let cases: [(&str, Change); 16] = [
        ("buffers that fill the buckets, found one that is longer", |chunk| chunk.buffers.push(1)),
        ("buffers that fill the buckets, found fewer", |chunk| chunk.buffers.truncate(3)),
        ("buffers that fill the buckets, found fewer", |chunk| chunk.buckets.push(vec![0])),
        ("buffers that fill the buckets, found no bucket", |chunk| chunk.buckets.clear()),
        ("expected a state for a field, found one with tag 7 and", |chunk| chunk.states[0].tag = 7),
        ("expected a state for a field, found one with tag 104 and subtype 138", |chunk| {
            chunk.states[5] = State { subtype: Some(138), buffer: None, ..chunk.states[5] };
        }),
        ("the buffer of a state below 4, found 4", |chunk| chunk.states[3].buffer = Some(4)),
        ("the state that follows one below 22, found 22", |chunk| chunk.states[0].next = 22),
        ("a circle of those that lead on without one", |chunk| chunk.states[7].next = 11 + 1),
        ("the first state below 11, found 11", |chunk| chunk.first = 11),
        ("the end of its header, found 1 more bytes", |chunk| chunk.states[10].buffer = Some(0)),
        ("a length and as many bytes in a buffer, found the 0 bytes", |chunk| chunk.states[7].buffer = Some(0)),
        ("a message that ends before it begins, found one that does not", |chunk| chunk.states[0].tag = 0),
        ("no message open where a record begins and at the end, found 1", |chunk| chunk.states[8].tag = 0),
        ("messages nested at most 100 deep", |chunk| {
            chunk.states[0].next = 0;
            chunk.transitions = vec![3; 30];
        }),
        ("expected 1 records, found 0", |chunk| chunk.states[10].tag = 0),
    ];
    for (said, change) in cases {
        let mut chunk = Transposed::of_every_kind(PLAIN);
        change(&mut chunk);
        assert_said(&transposed(&chunk, 1, EVERY_KIND), said, 0);
    }
    let header_ends = riegeli().chunk(b't', 1, 1, &[0, 1, 5]).file;
    assert_said(&header_ends, "the number of buffers, found the end of its header", 0);
    let no_bucket = riegeli().chunk(b't', 1, 1, &[0, 4, 1, 1, 9, 9, 7]).file;
    assert_said(&no_bucket, "a bucket of 9 bytes, found 1", 0);
}

#[test]
fn records_that_are_whole_are_read_though_the_rest_of_their_chunk_is_not() {
    let more = EVERY_KIND + 1;
    let cases = [
        (vec![0xff], EVERY_KIND, "a transition to a state below 11, found 63".to_owned()),
        (vec![10 << 2], EVERY_KIND, "expected 1 records, found more".to_owned()),
        (vec![9 << 2], EVERY_KIND, format!("expected records of {EVERY_KIND} bytes, found more")),
        (vec![], more, format!("expected records of {more} bytes, found {EVERY_KIND}")),
    ];
    for (transitions, decoded, said) in cases {
        let chunk = Transposed { transitions, ..Transposed::of_every_kind(PLAIN) };
        assert_said(&transposed(&chunk, 1, decoded), &said, 1);
    }
}

#[test]
fn a_file_that_is_no_riegeli_file_is_framing() {
    let (empty, no_header) = ("expected a SavedModel, found an empty file", "byte 0: expected the");
    for (contents, said) in [(&b""[..], empty), (b"chunks", no_header), (&[0; 1000], no_header)] {
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

#[test]
fn damage_to_what_riegeli_writes_is_told_of_and_the_books_balance() {
    for (form, file) in encoded() {
        let whole = put_together(&file);
        for at in (0..file.len()).step_by(53) {
            let mut damaged = file.clone();
            damaged[at] ^= [0x01, 0x80, 0xff][at % 3];
            let report = audited("saved_model.cpb", &damaged);
            let is_whole = put_together_or_not(&damaged) == Some(whole.clone());
            assert!(is_whole || !report.problems.is_empty(), "{form}: byte {at}");
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
