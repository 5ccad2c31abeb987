//! What counts as there twice, on models built in sight.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::cast_possible_truncation)]

use std::collections::BTreeSet;

use bytes::Bytes;
use smaudit::Dimension;
use smaudit::input::Model;
use smaudit::progress::Silent;
use smaudit::report::ModelReport;
use smaudit::report::duplicates::{Duplicates, Group, GroupKind};
use smaudit::{Options, audit};
use support::bundle::{BundleBuilder, DATA, INDEX, bytes_entry};
use support::table::TableBuilder;
use support::wire::{Message, constant, function, graph, message, node, saved_model, varint};

const LARGE: usize = 2000;

fn audited(files: Vec<(String, Vec<u8>)>) -> ModelReport {
    let files = files.into_iter().map(|(name, bytes)| (name, Bytes::from(bytes)));
    let options = Options { by: vec![Dimension::Duplicate], ..Options::default() };
    let report = audit(&Model::in_memory("model", files), &options, &Silent).expect("the books balance");
    // What the ledger marks is what the figures say, in every test here.
    let marked = |state: &str| report.breakdown.rows.iter().find(|row| *row.name == *state).map_or(0, |row| row.bytes);
    assert_eq!(marked("redundant"), report.duplicates.redundant_bytes);
    assert_eq!(marked("zero"), report.duplicates.zero_bytes);
    assert_eq!(marked("fill") + marked("zero"), report.duplicates.fill_bytes);
    report
}

fn of_model(model: &Message) -> Duplicates {
    audited(vec![("saved_model.pb".to_owned(), model.0.clone())]).duplicates
}

fn of_files(model: &Message, files: impl IntoIterator<Item = (String, Vec<u8>)>) -> Duplicates {
    let main = ("saved_model.pb".to_owned(), model.0.clone());
    audited(std::iter::once(main).chain(files).collect()).duplicates
}

fn of_bundle(bundle: BundleBuilder) -> Duplicates {
    of_files(&saved_model([]), bundle.files())
}

fn graph_of<'a>(nodes: impl IntoIterator<Item = &'a Message>) -> Message {
    message().message(2, &graph(nodes))
}

/// A node with a tensor in its `value` attribute.
fn with_tensor(name: &str, tensor: &Message) -> Message {
    node(name, "Const").entry(5, "value", &message().message(8, tensor))
}

/// Bytes that are not all zero and differ by `seed`.
fn content(seed: u8) -> Vec<u8> {
    (0..LARGE).map(|at| (at % 251) as u8 ^ seed).collect()
}

fn places(group: &Group) -> Vec<&str> {
    group.members.iter().map(|member| &*member.name).collect()
}

fn only_group(duplicates: &Duplicates) -> &Group {
    match duplicates.groups.as_slice() {
        [group] => group,
        groups => panic!("expected one group, found {groups:#?}"),
    }
}

/// A field's own tag and length, for payloads under 128 bytes.
const FRAME: u64 = 2;

#[test]
fn a_model_of_one_metagraph_repeats_nothing_of_another() {
    let same = node("a", "Add");
    let duplicates = of_model(&saved_model([&graph_of([&same, &same])]));
    assert_eq!((duplicates.redundant_bytes, duplicates.meta_graph_pairs.len()), (0, 0));
}

#[test]
fn a_node_of_an_earlier_metagraph_is_redundant_tag_and_length_included() {
    let (shared, own) = (node("a", "Add"), node("b", "Mul"));
    let first = graph_of([&shared]);
    let second = graph_of([&shared, &own]);
    let duplicates = of_model(&saved_model([&first, &second]));
    let pair = &duplicates.meta_graph_pairs[0];
    assert_eq!((pair.original, pair.copy, pair.bytes), (0, 1, shared.len() as u64 + FRAME));
    assert_eq!((pair.elements[0].count, pair.elements[0].of), (1, 2));
    assert_eq!(duplicates.meta_graph_own[0].elements[0].largest, ["b"]);
    assert_eq!(duplicates.redundant_bytes, pair.bytes);
}

#[test]
fn the_first_metagraph_that_has_it_is_the_original() {
    let (a, b) = (node("a", "Add"), node("b", "Mul"));
    let graphs = [graph_of([&a]), graph_of([&b]), graph_of([&a, &b])];
    let duplicates = of_model(&saved_model(&graphs));
    let pairs: Vec<_> = duplicates.meta_graph_pairs.iter().map(|pair| (pair.original, pair.copy)).collect();
    assert_eq!(pairs, [(0, 2), (1, 2)]);
}

#[test]
fn of_very_many_pairs_those_that_share_most_are_listed_and_one_of_each_copy() {
    // Each metagraph has an element of its own that all later ones repeat; what the last one repeats is the smallest.
    const LISTED: usize = 65_536;
    let element = |of: usize| message().bytes(1, format!("{of:05}"));
    let (count, small) = (365, message().bytes(1, "x"));
    let mut graphs: Vec<Message> =
        (0..count - 1).map(|own| (0..=own).fold(message(), |graph, of| graph.message(4, &element(of)))).collect();
    graphs[0] = graphs[0].clone().message(4, &small);
    graphs.push(message().message(4, &small));
    let model = audited(vec![("saved_model.pb".to_owned(), saved_model(&graphs).0)]);
    let (duplicates, pairs) = (&model.duplicates, (count - 1) * (count - 2) / 2 + 1);
    assert!(pairs > LISTED, "{pairs}");
    assert_eq!(duplicates.meta_graph_pairs.len(), LISTED);
    let copies: BTreeSet<u64> = duplicates.meta_graph_pairs.iter().map(|pair| pair.copy).collect();
    assert_eq!(copies.len(), count - 1, "all but the first have something of another one");
    // What is not listed counts all the same.
    let all = (pairs as u64 - 1) * (element(0).len() as u64 + FRAME) + small.len() as u64 + FRAME;
    assert_eq!(duplicates.redundant_bytes, all);
    let said: Vec<&str> = model.problems.iter().map(|problem| &*problem.message).collect();
    let limit =
        format!("expected at most {LISTED} pairs of metagraphs that repeat something, found {} more", pairs - LISTED);
    assert!(said.iter().any(|said| said.starts_with(&limit)), "{said:?}");
}

#[test]
fn elements_of_different_fields_are_never_equal() {
    let bytes = message().bytes(1, "same").bytes(2, "same");
    let first = message().message(2, &message().message(1, &bytes));
    let second = message().message(2, &message().message(2, &message().message(2, &bytes)));
    assert_eq!(of_model(&saved_model([&first, &second])).redundant_bytes, 0);
}

#[test]
fn a_metagraph_that_is_there_again_is_redundant_but_for_its_framing() {
    let info = message().bytes(4, "serve").message(2, &message().message(1, &message().bytes(1, "Add")));
    let graph = message()
        .message(1, &info)
        .message(2, &graph([&node("a", "Add")]).message(2, &message().message(1, &function("f", []))))
        .message(3, &message().bytes(1, "save"))
        .entry(4, "collection", &message())
        .entry(5, "signature", &message())
        .message(6, &message().bytes(2, "vocab"))
        .message(7, &message().message(1, &message()).entry(2, "concrete", &message()));
    let duplicates = of_model(&saved_model([&graph, &graph]));
    let pair = &duplicates.meta_graph_pairs[0];
    let elements: u64 = pair.elements.iter().map(|kind| kind.count).sum();
    assert_eq!(elements, 9, "one of each kind of element: {:#?}", pair.elements);
    assert!(duplicates.meta_graph_own.is_empty(), "{:#?}", duplicates.meta_graph_own);
    // Whole sections, each told once.
    let whole: Vec<&str> = duplicates.groups.iter().map(|group| &*group.members[0].place).collect();
    assert!(whole.contains(&"graph_def") && whole.contains(&"object_graph_def"), "{whole:?}");
}

#[test]
fn a_function_that_is_repeated_among_others_is_a_group_of_its_own() {
    let library =
        |functions: &[Message]| message().message(2, &message().message(2, &message().messages(1, functions)));
    let shared = function("shared", [&node("a", "Add")]);
    let graphs = [library(std::slice::from_ref(&shared)), library(&[shared.clone(), function("own", [])])];
    let duplicates = of_model(&saved_model(&graphs));
    assert_eq!(places(only_group(&duplicates)), ["shared", "shared"]);
}

#[test]
fn of_two_equal_constants_the_first_is_kept() {
    let content = content(1);
    let duplicates = of_model(&saved_model([&graph_of(&[constant("a", &content), constant("b", &content)])]));
    let group = only_group(&duplicates);
    assert_eq!((group.kind, group.redundant_bytes), (GroupKind::Const, LARGE as u64));
    assert_eq!(places(group), ["a", "b"]);
    assert_eq!(group.members.iter().map(|member| member.kept).collect::<Vec<_>>(), [true, false]);
}

#[test]
fn a_constant_that_equals_a_variable_is_redundant_and_the_variable_kept() {
    let content = content(1);
    let model = saved_model([&graph_of(&[constant("initial", &content)])]);
    let duplicates = of_files(&model, BundleBuilder::default().tensor("weights", &content).files());
    let group = only_group(&duplicates);
    assert_eq!((group.kind, group.redundant_bytes), (GroupKind::Variable, LARGE as u64));
    assert_eq!(places(group), ["weights", "initial"]);
}

#[test]
fn a_constant_in_a_repeated_node_is_named_in_its_group_and_counted_with_the_node() {
    let content = content(1);
    let node = constant("initial", &content);
    let graph = graph_of([&node]);
    let files = BundleBuilder::default().tensor("weights", &content).files();
    let duplicates = of_files(&saved_model([&graph, &graph]), files);
    let group = duplicates.groups.iter().find(|group| group.kind == GroupKind::Variable).expect("a group");
    assert_eq!(group.members.iter().map(|member| member.in_element).collect::<Vec<_>>(), [false, false, true]);
    assert_eq!((group.copies, group.redundant_bytes), (3, LARGE as u64));
    let of_node = node.len() as u64 + 3;
    assert_eq!(duplicates.redundant_bytes, LARGE as u64 + of_node);
}

#[test]
fn numbers_are_compared_as_bytes_whatever_field_they_are_stored_in() {
    let numbers: Vec<f32> = (0..400).map(|number| number as f32 + 0.5).collect();
    let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    let content = message().bytes(4, &bytes);
    let packed = message().bytes(5, &bytes);
    let unpacked = numbers.iter().fold(message(), |tensor, number| tensor.fixed32(5, number.to_bits()));
    let nodes = [with_tensor("content", &content), with_tensor("packed", &packed), with_tensor("unpacked", &unpacked)];
    let files = BundleBuilder::default().tensor("variable", &bytes).files();
    let duplicates = of_files(&saved_model([&graph_of(&nodes)]), files);
    let group = only_group(&duplicates);
    assert_eq!(places(group), ["variable", "content", "packed", "unpacked"]);
    let one_by_one = 400 * 5;
    assert_eq!(group.redundant_bytes, 2 * bytes.len() as u64 + one_by_one);
}

#[test]
fn the_strings_of_a_tensor_are_one_payload() {
    let strings = |count: usize| (0..count).fold(message(), |tensor, at| tensor.bytes(8, format!("word number {at}")));
    let nodes = [with_tensor("a", &strings(100)), with_tensor("b", &strings(100)), with_tensor("c", &strings(99))];
    let duplicates = of_model(&saved_model([&graph_of(&nodes)]));
    assert_eq!(places(only_group(&duplicates)), ["a", "b"]);
    assert_eq!(duplicates.redundant_bytes, strings(100).len() as u64);
}

#[test]
fn byte_attributes_are_payloads_also_in_a_list() {
    let content = content(3);
    let single = node("a", "Op").entry(5, "module", &message().bytes(2, &content));
    let list = node("b", "Op").entry(5, "modules", &message().message(1, &message().bytes(2, &content)));
    let duplicates = of_model(&saved_model([&graph_of(&[single, list])]));
    let group = only_group(&duplicates);
    assert_eq!((group.kind, places(group)), (GroupKind::Attr, vec!["a", "b"]));
}

#[test]
fn constants_in_functions_are_named_with_their_function() {
    let content = content(4);
    let library = message().messages(1, &["f", "g"].map(|name| function(name, [&constant("table", &content)])));
    let duplicates = of_model(&saved_model([&message().message(2, &message().message(2, &library))]));
    let functions: Vec<_> = only_group(&duplicates).members.iter().map(|member| member.function.as_deref()).collect();
    assert_eq!(functions, [Some("f"), Some("g")]);
}

#[test]
fn assets_of_one_content_are_a_group() {
    let files = [("assets/a.txt", content(1)), ("assets.extra/b.txt", content(1)), ("notes.txt", content(1))];
    let files = files.map(|(name, bytes)| (name.to_owned(), bytes));
    let duplicates = of_files(&saved_model([]), files);
    assert_eq!(places(only_group(&duplicates)), ["assets.extra/b.txt", "assets/a.txt"], "other files do not count");
}

#[test]
fn zeros_are_no_copies_of_zeros() {
    let zeros = [0; LARGE];
    let nodes = [constant("a", &zeros), constant("b", &zeros)];
    let files = BundleBuilder::default().tensor("m", &zeros).tensor("v", &zeros).files();
    let duplicates = of_files(&saved_model([&graph_of(&nodes)]), files);
    assert_eq!((duplicates.redundant_bytes, duplicates.zero_bytes), (0, 4 * LARGE as u64));
}

#[test]
fn one_value_throughout_is_no_copy_of_its_like_whatever_the_value_and_wherever_it_is() {
    let ones: Vec<u8> = 1_f32.to_le_bytes().repeat(LARGE / 4);
    let nodes = [constant("a", &ones), constant("b", &[b'x'; LARGE])];
    let files = BundleBuilder::default().tensor("gamma", &ones).tensor("variance", &ones).files();
    let assets = [("assets/a", b'x'), ("assets/b", 0)].map(|(name, byte)| (name.to_owned(), vec![byte; LARGE]));
    let duplicates = of_files(&saved_model([&graph_of(&nodes)]), files.into_iter().chain(assets));
    assert_eq!((duplicates.redundant_bytes, duplicates.groups.len()), (0, 0));
    assert_eq!((duplicates.zero_bytes, duplicates.fill_bytes), (LARGE as u64, 6 * LARGE as u64));
}

#[test]
fn strings_are_one_payload_only_as_far_as_nothing_stands_between_them() {
    let tensor = |first: &str| message().bytes(8, first).bytes(4, content(1)).bytes(8, "last");
    let duplicates = of_model(&saved_model([&graph_of(&[
        with_tensor("a", &tensor("")),
        with_tensor("b", &tensor("")),
        with_tensor("c", &tensor("other")),
    ])]));
    assert_eq!(duplicates.redundant_bytes, 2 * LARGE as u64, "the content is there three times, the strings are small");
    let run = |name: &str| {
        let tensor = (0..50).fold(message(), |tensor, number| tensor.bytes(8, format!("string number {number:05}")));
        with_tensor(name, &tensor.int(1, 7))
    };
    let duplicates = of_model(&saved_model([&graph_of(&[run("a"), run("b")])]));
    assert_eq!(duplicates.redundant_bytes, 50 * (2 + 19), "from the first tag to the last byte");
}

#[test]
fn the_names_that_savers_are_given_are_no_payloads() {
    let names = (0..100).map(|number| format!("layer_{number:03}/kernel")).collect::<Vec<_>>();
    let names = names.iter().fold(message().int(1, 7), |tensor, name| tensor.bytes(8, name));
    let nodes = |prefix: &str, save: &str, restore: &str| {
        let saver = |name: &str, op: &str, names: &str| {
            ["file", names].iter().fold(node(&format!("{prefix}{name}"), op), |node, input| node.bytes(3, input))
        };
        vec![
            with_tensor(&format!("{prefix}saved"), &names),
            with_tensor(&format!("{prefix}restored"), &names),
            saver("save", save, &format!("{prefix}saved:0")),
            saver("restore", restore, &format!("{prefix}restored")),
        ]
    };
    let redundant = |graph: Message| of_model(&saved_model([&message().message(2, &graph)])).redundant_bytes;
    let [saver, others] =
        [["SaveV2", "RestoreV2"], ["Save2", "Gather"]].map(|[save, restore]| nodes("", save, restore));
    assert_eq!(redundant(graph(&saver)), 0);
    assert_eq!(redundant(graph(&others)), names.len() as u64 - 2);
    let in_function = |nodes: &[Message]| redundant(message().message(2, &message().message(1, &function("f", nodes))));
    assert_eq!(in_function(&saver), 0);
    assert_eq!(in_function(&others), names.len() as u64 - 2);
}

#[test]
fn what_cannot_be_read_is_equal_to_nothing() {
    let mut bundle = BundleBuilder::default();
    for key in 0..12 {
        bundle = bundle.tensor(&format!("v{key:02}"), &content(1));
    }
    let [index, _] = bundle.files();
    let duplicates = of_files(&saved_model([]), [index]);
    assert_eq!((duplicates.redundant_bytes, duplicates.groups), (0, vec![]));
}

#[test]
fn payloads_below_the_smallest_that_is_compared_do_not_count() {
    let least = 1024;
    let pair = |bytes: usize| {
        let content: Vec<u8> = (0..bytes).map(|at| (at % 251) as u8).collect();
        of_model(&saved_model([&graph_of(&[constant("a", &content), constant("b", &content)])])).redundant_bytes
    };
    assert_eq!(pair(least - 1), 0);
    assert_eq!(pair(least), least as u64);
}

#[test]
fn two_keys_of_one_range_are_one_payload() {
    let bundle = BundleBuilder::default().tensor("a", &content(1)).alias("b", 0, LARGE);
    assert_eq!(of_bundle(bundle).redundant_bytes, 0);
}

#[test]
fn equal_tensors_are_found_where_the_index_has_lost_its_header() {
    let size = LARGE as u64;
    let [a, b] = [0, size].map(|offset| bytes_entry(offset, size).0);
    let table = TableBuilder::new().entry("a", a).entry("b", b);
    let files = [(INDEX.to_owned(), table.build()), (DATA.to_owned(), [content(1), content(1)].concat())];
    assert_eq!(of_files(&saved_model([]), files).redundant_bytes, LARGE as u64);
}

#[test]
fn a_crc_alone_makes_no_duplicate() {
    let bundle = BundleBuilder::default().tensor_with_crc("a", &content(1), 5).tensor_with_crc("b", &content(2), 5);
    assert_eq!(of_bundle(bundle).groups, []);
}

#[test]
fn equal_contents_are_found_among_many_that_only_agree_in_their_crc() {
    let mut bundle = BundleBuilder::default();
    for key in 0..40_u8 {
        // Twenty contents, each there twice, all with the same CRC32C in the index.
        bundle = bundle.tensor_with_crc(&format!("v{key:02}"), &content(key % 20), 5);
    }
    let duplicates = of_bundle(bundle);
    assert_eq!(duplicates.groups.len(), 20);
    assert!(duplicates.groups.iter().all(|group| group.copies == 2), "{:#?}", duplicates.groups);
    assert_eq!(places(&duplicates.groups[19]), ["v19", "v39"]);
}

#[test]
fn packed_varints_are_compared_as_they_are_stored() {
    let packed: Vec<u8> = (0..1200).flat_map(varint).collect();
    let tensor = message().bytes(7, &packed);
    let duplicates = of_model(&saved_model([&graph_of(&[with_tensor("a", &tensor), with_tensor("b", &tensor)])]));
    assert_eq!(duplicates.redundant_bytes, packed.len() as u64);
}

#[test]
fn a_model_of_no_bytes_has_no_share_of_duplicates() {
    let duplicates = audited(vec![("saved_model.pb".to_owned(), Vec::new())]).duplicates;
    assert_eq!((duplicates.redundant_bytes, duplicates.ratio), (0, 0.0));
}
