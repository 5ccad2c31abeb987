//! Chunked models: a few bytes that decode to many, machines that do not end, and metadata that asks for much.

use super::{HUGE, MEBIBYTE, assert_said, audited, of_graph, of_meta_graph};
use support::riegeli::Step::{Field, Index, Key};
use support::riegeli::{
    BROTLI, Compression, PLAIN, SNAPPY, State, Step, Transposed, ZSTD, chunked, chunked_field, field_tag, metadata,
    part, riegeli, value, with_right_checksums,
};
use support::wire::{Message, message, node, varint};

const COMPRESSIONS: [Compression; 4] = [PLAIN, BROTLI, ZSTD, SNAPPY];

/// Asserts that the audit of such a chunked model says `said`, or nothing where that is empty.
#[track_caller]
fn assert_chunked(case: &str, file: &[u8], said: &str) {
    assert_said(case, &audited(case, &[("saved_model.cpb", file)]), said);
}

/// A file of one chunk.
fn chunk_of(kind: u8, records: u64, decoded: u64, data: &[u8]) -> Vec<u8> {
    riegeli().chunk(kind, records, decoded, data).file
}

/// The same byte over and over in a Zstandard frame behind its decoded size: 128 KiB for four bytes (RFC 8878).
fn zstd_of(byte: u8, length: usize) -> Vec<u8> {
    const LONGEST: usize = 128 << 10;
    let blocks = (0..length.div_ceil(LONGEST)).flat_map(|number| {
        let left = length - number * LONGEST;
        let header = left.min(LONGEST) << 3 | 1 << 1 | usize::from(left <= LONGEST);
        [header as u8, (header >> 8) as u8, (header >> 16) as u8, byte]
    });
    // A window of 128 KiB, and no size.
    [varint(length as u64), vec![0x28, 0xb5, 0x2f, 0xfd, 0, 7 << 3], blocks.collect()].concat()
}

/// The data of a simple chunk with one record of so many equal bytes.
fn equal_bytes(length: usize) -> Vec<u8> {
    let sizes = (ZSTD.1)(&varint(length as u64));
    [&b"z"[..], &varint(sizes.len() as u64), &sizes, &zstd_of(0, length)].concat()
}

/// A transposed chunk that is nothing but states.
fn of_states(states: Vec<State>) -> Transposed {
    Transposed { states, ..Transposed::in_a_row(ZSTD, &[], &[]) }
}

fn state(tag: u64, next: u64) -> State {
    State { tag, next, subtype: None, buffer: None }
}

#[test]
fn a_chunk_may_claim_any_decoded_size() {
    for decoded in [HUGE, u64::MAX] {
        for (letter, _) in COMPRESSIONS {
            let buffer = [varint(decoded), vec![0; 90]].concat();
            let simple = [&[letter], &*varint(buffer.len() as u64), &buffer, &buffer].concat();
            assert_chunked("a simple chunk", &chunk_of(b'r', 1, decoded, &simple), "expected");
            assert_chunked("a transposed chunk", &chunk_of(b't', 1, decoded, &simple), "expected");
        }
        let mut bucket = Transposed::in_a_row(PLAIN, &[&[0; 9]], &[(10, None, Some(0)), (3, None, None)]);
        bucket.buffers = vec![decoded];
        assert_chunked("a buffer", &chunk_of(b't', 1, decoded, &bucket.data()), "one that is longer");
    }
}

/// A node whose value has its content in another chunk, and the way to that.
fn node_without_content() -> (Message, [Step; 8]) {
    let value = message().message(8, &message().int(1, 4));
    let way = [Field(2), Index(0), Field(2), Field(1), Index(0), Field(5), Key("value"), Field(8)];
    (of_graph(&[node("a", "Const").entry(5, "value", &value)]), way)
}

#[test]
fn a_chunk_may_decode_to_more_than_there_is_memory() {
    let (model, way) = node_without_content();
    let way = [&way[..], &[Field(4)]].concat();
    for mebibytes in [20, 40, 63, 65, 200, 1024] {
        let length = mebibytes * MEBIBYTE;
        let file = riegeli().records(PLAIN, &[&model.0]);
        let positions = [file.positions[0], file.file.len() as u64];
        let file = file.chunk(b'r', 1, length as u64, &equal_bytes(length));
        let content = value(&way, &vec![0; length.min(64 * MEBIBYTE)]);
        let file = file.records(PLAIN, &[&metadata(&[part(&[], &model), content], &positions).0]).file;
        let said = if mebibytes < 64 { "" } else { "at most 67108864 bytes" };
        assert_chunked(&format!("{mebibytes} MiB of zeros"), &file, said);
    }
    for form in ["simple", "transposed"] {
        let file = std::fs::read(format!("tests/data/chunked/zeros-{form}-brotli.cpb")).unwrap();
        assert_chunked(form, &file, "at most 67108864 bytes");
    }
    let most = u64::from(u32::MAX);
    let snappy = [varint(most), varint(most), vec![0xfe; MEBIBYTE]].concat();
    let sizes = (SNAPPY.1)(&varint(most));
    let data = [&b"s"[..], &varint(sizes.len() as u64), &sizes, &snappy].concat();
    assert_chunked("snappy", &chunk_of(b'r', 1, most, &data), "bytes of snappy, found");
}

#[test]
fn a_machine_may_have_any_states() {
    const STATES: u64 = 1 << 19;
    let following = |tag, subtype| -> Vec<State> {
        let next = |at| if at + 1 < STATES { STATES + at + 1 } else { 0 };
        (0..STATES).map(|at| State { subtype, ..state(tag, next(at)) }).collect()
    };
    let end_of_message = 2 << 3 | 6;
    let cases = [
        ("none", Vec::new(), "the first state below 0"),
        ("a state that follows itself", vec![state(0, 1)], "a circle"),
        ("states in a circle", vec![state(2, 3), state(0, 2)], "a circle"),
        ("states that do nothing", following(0, None), "expected 1 records, found 0"),
        ("ends of messages", following(end_of_message, None), "messages nested at most 100 deep"),
        ("starts of messages", following(2, None), "a message that ends before it begins"),
        ("records", following(3, None), "expected 1 records, found more"),
        ("values", following(8, Some(11)), "expected records of 1000 bytes, found more"),
        ("more than there may be", vec![state(0, 0); 1 << 20], "the number of states below 1048576"),
    ];
    for (case, states, said) in cases {
        let mut chunk = of_states(states);
        chunk.transitions = vec![0; MEBIBYTE];
        assert_chunked(case, &chunk_of(b't', 1, 1000, &chunk.data()), said);
    }
}

#[test]
fn a_machine_may_run_on_as_long_as_its_transitions_do() {
    let value = State { subtype: Some(11), ..state(8, 0) };
    let cases = [
        ("nothing", state(0, 0), "expected 1 records, found 0"),
        ("values", value, "expected a file that decodes to at most 67108864 bytes"),
    ];
    for (case, state, said) in cases {
        let data = of_states(vec![state]).data();
        let without_transitions = data.len() - (ZSTD.1)(&[]).len();
        // Each of these is three states more without one.
        let data = [&data[..without_transitions], &zstd_of(3, 16 * MEBIBYTE)].concat();
        assert_chunked(case, &chunk_of(b't', 1, HUGE, &data), said);
    }
}

#[test]
fn a_machine_may_have_any_number_of_buckets() {
    for compression in COMPRESSIONS {
        let count = (1_usize << 16) - 1;
        let buckets = vec![&b"\0"[..]; count];
        let reads = |number| (2 << 3 | 2, None, Some(number));
        let states: Vec<_> = (0..count as u64).map(reads).chain([(3, None, None)]).collect();
        let chunk = Transposed::in_a_row(compression, &buckets, &states);
        let file = chunk_of(b't', 1, count as u64 * 2, &chunk.data());
        assert_chunked("many", &file, "expected a ChunkMetadata in the last record");
    }
    let too_many = Transposed::in_a_row(PLAIN, &vec![&b"\0"[..]; 1 << 16], &[(3, None, None)]);
    assert_chunked("too many", &chunk_of(b't', 1, 0, &too_many.data()), "the number of buckets below 65536");
}

#[test]
fn a_chunk_may_have_any_number_of_records() {
    let sizes = |count: usize| {
        let zeros = zstd_of(0, count);
        [&b"z"[..], &varint(zeros.len() as u64), &zeros, &(ZSTD.1)(&[])].concat()
    };
    let mut billion = chunk_of(b'r', 0, 0, &[0; 9]);
    // Behind the signature, the checksums and the size of the chunk, and its type.
    billion[64 + 25..][..7].copy_from_slice(&1_000_000_000_u64.to_le_bytes()[..7]);
    assert_chunked("a billion", &with_right_checksums(billion), "found the end of the file");
    for kind in [b'r', b't'] {
        let too_many = chunk_of(kind, (1 << 20) + 1, 0, &sizes(1 << 20));
        assert_chunked("too many", &too_many, "expected at most 1048576 records, found 1048577");
    }
    let said = "expected a ChunkMetadata in the last record";
    assert_chunked("as many as there may be", &chunk_of(b'r', 1 << 20, 0, &sizes(1 << 20)), said);
    let mut chunk = of_states(vec![state(3, 0)]);
    chunk.transitions = vec![3; (1 << 18) - 1];
    assert_chunked("transposed", &chunk_of(b't', 1 << 20, 0, &chunk.data()), said);
}

#[test]
fn metadata_may_name_and_nest_anything() {
    const MOST: usize = 1 << 20;
    let (model, _) = node_without_content();
    let too_many = "one of more than 1048576 messages";
    let of_message = |fields: Message| message().message(3, &fields);
    let repeated = |field: Message, count: usize| of_message(Message(message().message(2, &field).0.repeat(count)));
    let steps = |count| Message(message().bytes(1, []).0.repeat(count));
    let element = |index| field_tag(&[Field(2), Index(0), Field(2), Field(1), Index(index)]).message(3, &message());
    // One too many.
    let elements = (1..87_380).fold(message(), |fields, index| fields.message(2, &element(index)));
    let cases = [
        ("a chunk in many places", repeated(chunked_field(&[Field(2)], 0), 200_000), "found chunk 0 in a second one"),
        ("a chunk in too many places", repeated(chunked_field(&[Field(2)], 0), MOST), too_many),
        ("no chunk in many places", repeated(chunked_field(&[Field(2)], 7), 200_000), "one of 1 chunks, found chunk 7"),
        ("fields without a chunk", repeated(message(), MOST - 9), ""),
        ("too many fields without a chunk", repeated(message(), MOST), too_many),
        ("steps", of_message(message().message(2, &steps(MOST - 9))), "expected a field of the model for each chunk"),
        ("too many steps", of_message(message().message(2, &steps(MOST))), too_many),
        ("chunks", Message(message().bytes(2, []).0.repeat(MOST - 9)), ""),
        ("too many chunks", Message(message().bytes(2, []).0.repeat(MOST)), too_many),
        ("a long way", of_message(message().message(2, &chunked_field(&[Field(9); 1000], 0))), "at most 100 deep"),
        ("deep fields", super::nested(super::LEVELS, &[3, 2]), "recursion limit reached"),
        ("new elements", of_message(elements), "expected at most 524288 fields and messages"),
    ];
    for (case, more, said) in cases {
        let file = riegeli().records(PLAIN, &[&model.0]);
        let metadata = metadata(&[part(&[], &model)], &file.positions).raw(&more.0);
        assert_chunked(case, &file.records(ZSTD, &[&metadata.0]).file, said);
    }
    let long = riegeli().records(SNAPPY, &[&vec![7; 17 * MEBIBYTE]]).file;
    assert_chunked("long metadata", &long, "one of 17825792 bytes, more than the 16777216 that are read");
}

#[test]
fn a_message_that_chunks_go_into_may_have_any_number_of_fields() {
    let to_graph = [Field(2), Index(0), Field(2)];
    let to_entry = [Field(2), Index(0), Field(4), Key("other")];
    let nodes = |count| of_meta_graph(message().message(2, &Message(message().bytes(1, []).0.repeat(count))));
    let entry = message().entry(4, "key", &message());
    let entries = |count| of_meta_graph(Message(entry.0.repeat(count)));
    let too_many = "expected at most 524288 fields and messages";
    let cases = [
        ("nodes", nodes(520_000), &to_graph[..], ""),
        ("too many nodes", nodes(600_000), &to_graph, too_many),
        ("entries", entries(520_000), &to_entry, ""),
        ("too many entries", entries(600_000), &to_entry, too_many),
    ];
    for (case, model, way, said) in cases {
        let file = chunked(ZSTD, &[part(&[], &model), part(way, &message())]);
        assert!(file.len() < MEBIBYTE / 2, "{case}: {} bytes", file.len());
        assert_chunked(case, &file, said);
    }
}
