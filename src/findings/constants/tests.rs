//! What large constants are found as, over models whose parts are built in sight.

use bytes::Bytes;

use crate::findings::Finding;
use crate::input::Model;
use crate::progress::Silent;
use crate::support::bundle::BundleBuilder;
use crate::support::graph::{call, collection, function_of, graph_of, node_of, signature, strings};
use crate::support::wire::{Message, constant, message, meta_graph, node, saved_model};
use crate::{Options, audit};

/// Bytes without a pattern, others for each seed.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let next = |state: &mut u64| {
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        Some((*state >> 56) as u8)
    };
    std::iter::successors(Some(seed), |seed| Some(*seed)).scan(seed, |state, _| next(state)).take(length).collect()
}

/// A Const of a type and a shape, whose elements are `content`.
fn tensor(name: &str, dtype: u64, shape: &[u64], content: &[u8]) -> Message {
    let shape = shape.iter().fold(message(), |shape, size| shape.message(2, &message().int(1, *size)));
    let tensor = message().int(1, dtype).message(2, &shape).bytes(4, content);
    node(name, "Const").entry(5, "value", &message().message(8, &tensor))
}

const FLOAT: u64 = 1;
const BOOL: u64 = 10;
const INT64: u64 = 9;

/// What a node or a function takes in its list.
fn cost(field: &Message) -> u64 {
    message().message(1, field).len() as u64
}

/// What is found in a model of these metagraphs, whose checkpoint has `v` and `w`.
fn found_in(meta_graphs: &[Message]) -> Vec<Finding> {
    let checkpoint = BundleBuilder::default().tensor("v", b"trained").tensor("w", b"weights").files();
    let main = ("saved_model.pb".to_owned(), saved_model(meta_graphs).into_bytes());
    let files = checkpoint.into_iter().map(|(name, content)| (name, Bytes::from(content)));
    let model = Model::in_memory("model", std::iter::once(main).chain(files));
    audit(&model, &Options::default(), &Silent).unwrap().findings
}

/// The finding of this cause in a model of one metagraph, with a signature that gives `y`.
fn found(id: &str, nodes: &[Message], functions: &[Message]) -> Option<Finding> {
    let findings = found_in(&[serving(nodes, functions)]);
    findings.into_iter().find(|finding| finding.id == id)
}

fn serving(nodes: &[Message], functions: &[Message]) -> Message {
    signature(meta_graph(&["serve"], &graph_of(nodes, functions)), "serve", &[], &["y:0"])
}

fn bytes_of(finding: Option<Finding>) -> Option<u64> {
    finding.map(|finding| finding.bytes)
}

/// A variable `v` that the output `y` reads.
fn variable() -> [Message; 2] {
    [node("v", "VarHandleOp"), node_of("y", "ReadVariableOp", &["v"])]
}

fn with_variable(nodes: &[Message]) -> Vec<Message> {
    variable().into_iter().chain(nodes.iter().cloned()).collect()
}

const INITIAL: &str = "constant-in-every-metagraph";
const ASSIGNED: &str = "assign-constants";

#[test]
fn an_initial_value_is_a_constant_of_each_metagraph() {
    let value = constant("v/initial_value", &noise(1, 3000));
    let assign = node_of("v/Assign", "AssignVariableOp", &["v", "v/initial_value"]);
    let graph = serving(&with_variable(&[value.clone(), assign]), &[]);
    let findings = found_in(&[graph.clone(), graph]);
    assert_eq!((&*findings[0].id, findings[0].bytes), (INITIAL, 2 * cost(&value)));
    assert!(findings.iter().all(|finding| finding.id != ASSIGNED));
}

/// Models of two metagraphs with these tags, whose graphs have a constant of so many bytes that serves.
fn frozen_twice(tags: [&[&str]; 2], seeds: [u64; 2], bytes: usize) -> (Option<Finding>, u64) {
    let weights = seeds.map(|seed| constant("weights", &noise(seed, bytes)));
    let graph = |tags: &[&str], weights: &Message| {
        let graph =
            graph_of(&[node("x", "Placeholder"), weights.clone(), node_of("y", "MatMul", &["x", "weights"])], &[]);
        signature(meta_graph(tags, &graph), "serve", &["x:0"], &["y:0"])
    };
    let graphs: Vec<Message> = tags.iter().zip(&weights).map(|(tags, weights)| graph(tags, weights)).collect();
    (found_in(&graphs).into_iter().find(|finding| finding.id == INITIAL), weights.iter().map(cost).sum())
}

#[test]
fn weights_that_two_served_metagraphs_have_as_constants_could_be_one_variable() {
    let (found, both) = frozen_twice([&["serve"], &["serve", "gpu"]], [1, 1], 9000);
    let found = found.unwrap();
    // Each of the graphs has the nodes of the variable.
    assert_eq!(found.bytes, both - 9000 - 2 * super::VARIABLE_BYTES);
    assert!(found.message.starts_with("1 constant is in each of several metagraphs"), "{found:?}");
    assert!(found.evidence[0].contains("`weights`, which is in 2 metagraphs"), "{found:?}");
}

#[test]
fn constants_of_other_contents_of_one_value_or_of_a_metagraph_that_is_never_loaded_are_no_cause() {
    assert_eq!(frozen_twice([&["serve"], &["serve", "gpu"]], [1, 2], 9000).0, None);
    assert_eq!(frozen_twice([&["serve"], &["serve", "gpu"]], [1, 1], 2000).0, None);
    assert_eq!(frozen_twice([&["serve"], &["train"]], [1, 1], 9000).0, None);
}

#[test]
fn what_gives_an_initial_value_another_form_goes_with_it() {
    let (value, cast) = (constant("c", &noise(1, 3000)), node_of("cast", "Cast", &["c"]));
    let assign = node_of("v/Assign", "Assign", &["v", "cast"]);
    let nodes = with_variable(&[value.clone(), cast.clone(), assign]);
    assert_eq!(bytes_of(found(INITIAL, &nodes, &[])), Some(cost(&value) + cost(&cast)));
}

#[test]
fn the_only_value_of_a_variable_is_no_waste() {
    let nodes = |variable: &str| {
        let handle = node(variable, "VarHandleOp");
        let assign = node_of(&format!("{variable}/Assign"), "AssignVariableOp", &[variable, "c"]);
        [handle, node_of("y", "ReadVariableOp", &[variable]), constant("c", &noise(1, 3000)), assign]
    };
    assert!(found(INITIAL, &nodes("v"), &[]).is_some());
    assert!(found(INITIAL, &nodes("not_in_the_checkpoint"), &[]).is_none());
}

#[test]
fn a_constant_that_something_runs_is_no_waste() {
    for (id, name) in [(INITIAL, "v/Assign"), (ASSIGNED, "Assign")] {
        let initial = node_of("v/Assign", "AssignVariableOp", &["v", "zeros"]);
        let assign = node_of(name, "AssignVariableOp", &["v", "c"]);
        let nodes = with_variable(&[constant("c", &noise(1, 3000)), assign, initial]);
        assert!(found(id, &nodes, &[]).is_some(), "{name}");
        let reset = signature(serving(&nodes, &[]), "reset", &[], &[name]);
        assert!(found_in(&[reset]).iter().all(|finding| finding.id != id), "{name}");
        let run = collection(serving(&nodes, &[]), "saved_model_main_op", &[name]);
        assert!(found_in(&[run]).iter().all(|finding| finding.id != id), "{name}");
    }
}

#[test]
fn a_constant_that_more_than_an_assignment_takes_stays() {
    let (value, assign) = (constant("c", &noise(1, 3000)), node_of("v/Assign", "Assign", &["v", "c"]));
    let nodes = with_variable(&[value, assign, node_of("other", "Neg", &["c"])]);
    assert!(found(INITIAL, &nodes, &[]).is_none());
}

#[test]
fn arrays_that_were_assigned_go_with_their_assignments_and_what_reads_after_these() {
    let initial = [constant("c", &noise(1, 3000)), node_of("v/Assign", "AssignVariableOp", &["v", "c"])];
    let again = |number: u64| {
        let (value, assign, read) = (format!("c_{number}"), format!("assign_{number}"), format!("read_{number}"));
        [
            constant(&value, &noise(number, 3000)),
            node_of(&assign, "AssignVariableOp", &["v", &value]),
            node_of(&read, "ReadVariableOp", &["v", &format!("^{assign}")]),
        ]
    };
    let late = [again(2), again(3)].concat();
    let read = node_of("double", "Add", &["read_3", "read_3"]);
    let nodes = with_variable(&[&initial[..], &late, std::slice::from_ref(&read)].concat());
    // What reads after the last one is read itself.
    let all: u64 = late.iter().take(5).map(cost).sum();
    assert_eq!(bytes_of(found(ASSIGNED, &nodes, &[])), Some(all));
    assert_eq!(bytes_of(found(INITIAL, &nodes, &[])), Some(cost(&initial[0])));
}

#[test]
fn the_only_constant_of_a_variable_is_its_initial_value_whatever_the_assignment_is_called() {
    let (value, assign) = (constant("c", &noise(1, 3000)), node_of("renamed", "AssignVariableOp", &["v", "c"]));
    let nodes = with_variable(&[value, assign]);
    assert!(found(INITIAL, &nodes, &[]).is_some() && found(ASSIGNED, &nodes, &[]).is_none());
    let made = node_of("v/Assign", "AssignVariableOp", &["v", "zeros"]);
    let nodes = [nodes, vec![node("zeros", "Fill"), made]].concat();
    assert!(found(INITIAL, &nodes, &[]).is_none() && found(ASSIGNED, &nodes, &[]).is_some());
}

const IN_TRACES: &str = "constant-in-every-trace";

#[test]
fn a_constant_of_several_functions_could_be_one_variable() {
    let (one, other) = (constant("c", &noise(1, 9000)), constant("d", &noise(1, 9000)));
    let functions =
        [function_of("f", &[], std::slice::from_ref(&one)), function_of("g", &[], std::slice::from_ref(&other))];
    let saved = cost(&one) + cost(&other) - 9000 - super::VARIABLE_BYTES;
    let finding = found(IN_TRACES, &[], &functions).unwrap();
    assert_eq!(finding.bytes, saved);
    assert_eq!(finding.evidence, [format!("`c` in `f`, `g`: {} bytes", crate::size::exact(saved))]);
}

#[test]
fn constants_of_other_contents_in_two_functions_are_two() {
    let [of_f, of_g] = [1, 2].map(|seed| constant("c", &noise(seed, 9000)));
    assert!(found(IN_TRACES, &[], &[function_of("f", &[], &[of_f]), function_of("g", &[], &[of_g])]).is_none());
}

#[test]
fn a_constant_that_a_graph_or_a_function_has_twice_could_be_one() {
    let [a, b] = ["a", "b"].map(|name| constant(name, &noise(1, 9000)));
    let add = node_of("y", "AddV2", &["a", "b"]);
    let saved = 2 * cost(&a) - 9000 - super::VARIABLE_BYTES;
    let of_graph = found(IN_TRACES, &[a.clone(), b.clone(), add.clone()], &[]).unwrap();
    assert_eq!(of_graph.bytes, saved);
    assert!(of_graph.evidence[0].starts_with("`a`, `b` in the graph: "), "{:?}", of_graph.evidence);
    let function = function_of("f", &[], &[a.clone(), b.clone()]);
    assert_eq!(bytes_of(found(IN_TRACES, &[], &[function])), Some(saved));
    // Other contents, and what two variables begin with, are no copies.
    assert!(found(IN_TRACES, &[a.clone(), constant("b", &noise(2, 9000)), add], &[]).is_none());
    let assigns = ["a", "b"].map(|name| node_of(&format!("{name}/Assign"), "AssignVariableOp", &["v", name]));
    assert!(found(IN_TRACES, &with_variable(&[&[a, b][..], &assigns].concat()), &[]).is_none());
}

#[test]
fn names_of_tensors_that_savers_take_cannot_be_variables() {
    let names: Vec<String> = (0..1000).map(|number| format!("layer_{number}/kernel")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let function =
        |name: &str, op: &str| function_of(name, &[], &[strings("n", &names), node_of("op", op, &["p", "n:output:0"])]);
    assert!(found(IN_TRACES, &[], &[function("f", "SaveV2"), function("g", "RestoreV2")]).is_none());
    assert!(found(IN_TRACES, &[], &[function("f", "StringJoin"), function("g", "StringJoin")]).is_some());
}

const BROADCAST: &str = "broadcast-constant";

#[test]
fn equal_slices_along_any_dimension_are_one_slice() {
    let rows = |count: usize, row: &[u8]| row.repeat(count);
    let outer = rows(9, &noise(1, 2000));
    assert_eq!(bytes_of(found(BROADCAST, &[tensor("c", FLOAT, &[9, 100, 5], &outer)], &[])), Some(8 * 2000));
    let middle = [rows(100, &noise(1, 20)), rows(100, &noise(2, 20))].concat();
    assert_eq!(bytes_of(found(BROADCAST, &[tensor("c", FLOAT, &[2, 100, 5], &middle)], &[])), Some(2 * 99 * 20));
    let inner: Vec<u8> = noise(1, 100).iter().flat_map(|byte| [*byte; 50]).collect();
    assert_eq!(bytes_of(found(BROADCAST, &[tensor("c", BOOL, &[100, 50], &inner)], &[])), Some(100 * 49));
}

#[test]
fn a_tensor_of_one_value_is_one_element() {
    let finding =
        found(BROADCAST, &[tensor("c", FLOAT, &[50, 1, 20], &1_f32.to_le_bytes().repeat(1000))], &[]).unwrap();
    assert_eq!(finding.bytes, 999 * 4);
    assert_eq!(finding.evidence, ["`c`, 50 × 1 × 20, is one of 1 × 1 × 1 repeated: 3,996 bytes"]);
}

#[test]
fn slices_of_which_one_is_another_are_no_broadcast() {
    let mut slices = noise(1, 2000).repeat(9);
    *slices.last_mut().unwrap() ^= 1;
    assert!(found(BROADCAST, &[tensor("c", FLOAT, &[9, 100, 5], &slices)], &[]).is_none());
    // A shape that does not fit the bytes says nothing about them.
    assert!(found(BROADCAST, &[tensor("c", FLOAT, &[9, 100, 7], &noise(1, 2000).repeat(9))], &[]).is_none());
    assert!(found(BROADCAST, &[tensor("c", FLOAT, &[0, u64::MAX / 2, 8], &noise(1, 2000).repeat(9))], &[]).is_none());
}

const DATA_SET: &str = "embedded-dataset";

#[test]
fn the_elements_of_a_data_set_are_found_where_they_are_made_and_where_they_are_handed_to() {
    let (data, set) = (constant("c", &noise(1, 3000)), node_of("s", "TensorSliceDataset", &["c:output:0"]));
    let function = function_of("f", &[], &[data.clone(), set.clone()]);
    assert_eq!(bytes_of(found(DATA_SET, &[], &[function])), Some(cost(&data) + cost(&set)));
    let set = node_of("s", "TensorSliceDataset", &["cast:y:0"]);
    let inner = function_of("inner", &["other", "data"], &[node_of("cast", "Cast", &["data"]), set.clone()]);
    let outer = function_of("outer", &["rows"], &[call("call", "inner", &["x", "rows"])]);
    let nodes = [data.clone(), call("call", "outer", &["c"])];
    assert_eq!(bytes_of(found(DATA_SET, &nodes, &[inner, outer])), Some(cost(&data) + cost(&set)));
}

#[test]
fn what_a_map_captured_and_what_others_take_are_no_elements() {
    let data = constant("c", &noise(1, 3000));
    let map = node_of("m", "MapDataset", &["range", "c:output:0"]);
    assert!(found(DATA_SET, &[], &[function_of("f", &[], &[data.clone(), map])]).is_none());
    let set = node_of("s", "TensorSliceDataset", &["c:output:0"]);
    let function = function_of("f", &[], &[data, set, node_of("n", "Neg", &["c:output:0"])]);
    assert!(found(DATA_SET, &[], &[function]).is_none());
}

const VOCABULARY: &str = "vocabulary-constant";

/// A Const of strings with its shape.
fn keys(words: &[String]) -> Message {
    strings_of("keys", words)
}

fn strings_of(name: &str, words: &[String]) -> Message {
    let shape = message().message(2, &message().int(1, words.len() as u64));
    let tensor = words.iter().fold(message().int(1, 7).message(2, &shape), |tensor, word| tensor.bytes(8, word));
    node(name, "Const").entry(5, "value", &message().message(8, &tensor))
}

fn values(numbers: impl Iterator<Item = i64>) -> Message {
    let content: Vec<u8> = numbers.flat_map(i64::to_le_bytes).collect();
    tensor("values", INT64, &[content.len() as u64 / 8], &content)
}

/// A table that is filled from constants in a function, as TF2 saves it.
fn table(keys: &Message, values: &Message) -> (Vec<Message>, Message) {
    let import = node_of("import", "LookupTableImportV2", &["table", "k", "v"]);
    let function = function_of("initializer", &["table", "k", "v"], &[import]);
    let nodes = vec![
        keys.clone(),
        values.clone(),
        node("table", "HashTableV2"),
        call("init", "initializer", &["table", "keys", "values"]),
    ];
    (nodes, function)
}

fn words(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("word_{number:04}")).collect()
}

#[test]
fn keys_that_numbers_count_are_a_file_of_lines() {
    for first in [0, 7] {
        let (keys, values) = (keys(&words(400)), values((first..).take(400)));
        let (nodes, function) = table(&keys, &values);
        let saved = cost(&keys) + cost(&values) - 400 * 10;
        assert_eq!(bytes_of(found(VOCABULARY, &nodes, &[function])), Some(saved));
    }
}

#[test]
fn keys_are_followed_through_all_functions_of_a_model_that_was_loaded_and_saved_again() {
    let (keys, values) = (keys(&words(400)), values(0..400));
    let names: Vec<String> = (0..20).map(|load| format!("restored_{load}")).collect();
    let (mut nodes, initializer) = table(&keys, &values);
    nodes[3] = call("init", "restored_0", &["table", "keys", "values"]);
    let next = names.iter().skip(1).map(String::as_str).chain(["initializer"]);
    let restored = names.iter().zip(next);
    let restored =
        restored.map(|(name, callee)| function_of(name, &["t", "k", "v"], &[call("call", callee, &["t", "k", "v"])]));
    let functions: Vec<Message> = restored.chain([initializer]).collect();
    let saved = cost(&keys) + cost(&values) - 400 * 10;
    assert_eq!(bytes_of(found(VOCABULARY, &nodes, &functions)), Some(saved));
}

#[test]
fn tables_of_one_vocabulary_read_one_file_also_the_other_way_round() {
    let numbers = |name: &str| {
        let content: Vec<u8> = (0..400_i64).flat_map(i64::to_le_bytes).collect();
        tensor(name, INT64, &[400], &content)
    };
    let saved = |other: &[String]| {
        let constants = [keys(&words(400)), numbers("values"), numbers("numbers"), strings_of("words", other)];
        let costs: u64 = constants.iter().map(cost).sum();
        let tables = [
            node("to", "HashTableV2"),
            node("from", "HashTableV2"),
            node_of("a", "InitializeTableV2", &["to", "keys", "values"]),
            node_of("b", "InitializeTableV2", &["from", "numbers", "words"]),
        ];
        costs - bytes_of(found(VOCABULARY, &[&constants[..], &tables].concat(), &[])).unwrap()
    };
    let mut others = words(400);
    others[7] = "other".to_owned();
    assert_eq!((saved(&words(400)), saved(&others)), (400 * 10, 400 * 10 + 400 * 10 - 4));
}

#[test]
fn numbers_that_are_counted_where_a_table_is_filled_are_those_of_the_lines() {
    let constants = [keys(&words(400)), strings_of("words", &words(400))];
    let saved = |counts: &str| {
        let nodes = [
            node("to", "HashTableV2"),
            node("from", "HashTableV2"),
            node_of("count", counts, &["first", "last", "step"]),
            node_of("numbers", "Cast", &["count"]),
            node_of("a", "InitializeTableV2", &["to", "keys", "numbers"]),
            node_of("b", "InitializeTableV2", &["from", "numbers", "words:0"]),
        ];
        bytes_of(found(VOCABULARY, &[&constants[..], &nodes].concat(), &[]))
    };
    assert_eq!(saved("Range"), Some(constants.iter().map(cost).sum::<u64>() - 400 * 10));
    assert_eq!(saved("RandomUniformInt"), None);
}

#[test]
fn the_list_of_keys_in_the_metadata_of_keras_goes_as_well() {
    let mut all = words(400);
    all[7] = "gr\u{fc}n \"\u{1f600}\"".to_owned();
    let (nodes, function) = table(&keys(&all), &values(0..400));
    // As Python's `json.dumps` writes it.
    let list = all.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", ");
    let list = list.replace("gr\u{fc}n \"\u{1f600}\"", r#"gr\u00fcn \"\ud83d\ude00\""#);
    let model = saved_model([&serving(&nodes, &[function])]).0;
    let bytes = |metadata: &str| {
        let files = [("saved_model.pb", &model), ("keras_metadata.pb", &metadata.as_bytes().to_vec())];
        let files = files.map(|(name, contents)| (name.to_owned(), Bytes::copy_from_slice(contents)));
        let report = audit(&Model::in_memory("model", files), &Options::default(), &Silent).unwrap();
        bytes_of(report.findings.into_iter().find(|finding| finding.id == VOCABULARY)).unwrap()
    };
    let without = bytes("{}");
    let twice = format!(r#"{{"vocabulary": ["", {list}], "layers": [{{"vocabulary": [{list}]}}]}}"#);
    assert_eq!(bytes(&twice), without + 2 * list.len() as u64);
    assert_eq!(bytes(&twice.replace("word_0200", "word_0201")), without, "another vocabulary is none of this table");
}

#[test]
fn other_values_are_a_column_of_the_file() {
    let (keys, values) = (keys(&words(400)), values((0..400).map(|number| 1000 + number * number % 7)));
    let initialize = node_of("init", "InitializeTableV2", &["table", "keys", "values"]);
    let nodes = [keys.clone(), values.clone(), node("table", "HashTableV2"), initialize];
    let saved = cost(&keys) + cost(&values) - 400 * (9 + 4 + 2);
    assert_eq!(bytes_of(found(VOCABULARY, &nodes, &[])), Some(saved));
}

#[test]
fn a_key_that_would_break_a_line_keeps_its_table_in_the_graph() {
    let mut broken = words(400);
    broken[200] = "two\nlines".to_owned();
    let (nodes, function) = table(&keys(&broken), &values(0..400));
    assert!(found(VOCABULARY, &nodes, &[function]).is_none());
}

#[test]
fn keys_that_are_more_than_a_table_s_stay() {
    let (mut nodes, function) = table(&keys(&words(400)), &values(0..400));
    nodes.push(node_of("x", "Identity", &["keys"]));
    assert!(found(VOCABULARY, &nodes, std::slice::from_ref(&function)).is_some(), "nothing takes `x`");
    let taken = [nodes.clone(), vec![node_of("z", "StringUpper", &["x"])]].concat();
    assert!(found(VOCABULARY, &taken, std::slice::from_ref(&function)).is_none());
    let output = [nodes, vec![node_of("y", "Identity", &["x"])]].concat();
    assert!(found(VOCABULARY, &output, &[function]).is_none(), "the signature gives `y`");
}

#[test]
fn elements_that_a_function_returns_stay() {
    let nodes = [constant("c", &noise(1, 3000)), node_of("s", "TensorSliceDataset", &["c:output:0"])];
    let function = function_of("f", &[], &nodes);
    assert!(found(DATA_SET, &[], std::slice::from_ref(&function)).is_some());
    assert!(
        found(DATA_SET, &[], &[function.message(4, &message().bytes(1, "result").bytes(2, "c:output:0"))]).is_none()
    );
}

const WEIGHTS: &str = "weights-in-attribute";

/// A number of MLIR's bytecode in its longest form: a zero, then eight bytes.
fn number(value: u64) -> Vec<u8> {
    [&[0][..], &value.to_le_bytes()].concat()
}

/// MLIR bytecode with a small attribute and an array.
fn bytecode(array: &[u8]) -> Vec<u8> {
    let attribute = [number(15), number(3), number(array.len() as u64), array.to_vec()].concat();
    let lengths = [7, attribute.len() as u64].map(|length| number(length << 1 | 1)).concat();
    let offsets = [number(2), number(0), number(1), number(2), lengths].concat();
    let section = |id: u8, content: &[u8]| [&[id][..], &number(content.len() as u64), content].concat();
    let attributes = [b"7 bytes", &attribute[..]].concat();
    [&b"ML\xefR\x0dStableHLO_v1.0\0"[..], &section(3, &offsets), &section(2, &attributes), &section(0, b"names")]
        .concat()
}

fn program(name: &str, module: &[u8]) -> Message {
    node(name, "XlaCallModule").entry(5, "module", &message().bytes(2, module))
}

#[test]
fn weights_of_several_programs_could_be_one_variable() {
    let weights = noise(1, 9000);
    let nodes = [program("a", &bytecode(&weights)), program("b", &bytecode(&weights))];
    let finding = found(WEIGHTS, &nodes, &[]).unwrap();
    assert_eq!(finding.bytes, 9000 - super::VARIABLE_BYTES);
    assert_eq!(finding.evidence, ["`module` of `a`: 9,000 bytes", "`module` of `b`: 9,000 bytes"]);
}

#[test]
fn weights_of_a_program_that_the_checkpoint_has_as_well_are_all_too_much_and_their_variable_is_not() {
    let weights = noise(1, 9000);
    let findings = |tensor: &[u8], module: &[u8]| {
        let checkpoint = BundleBuilder::default().tensor("w", tensor).files();
        let graph = serving(&[program("y", module)], &[]);
        let main = ("saved_model.pb".to_owned(), saved_model([&graph]).into_bytes());
        let files = checkpoint.into_iter().map(|(name, content)| (name, Bytes::from(content)));
        let model = Model::in_memory("model", std::iter::once(main).chain(files));
        let found = audit(&model, &Options::default(), &Silent).unwrap().findings;
        found.into_iter().map(|finding| (finding.id.to_string(), finding.bytes)).collect::<Vec<_>>()
    };
    assert_eq!(findings(&weights, &bytecode(&weights)), [(WEIGHTS.to_owned(), 9000)]);
    let digits: String = weights.iter().map(|byte| format!("{byte:02X}")).collect();
    let text = format!("stablehlo.constant dense<\"0x{digits}\"> : tensor<2250xf32>");
    assert_eq!(findings(&weights, text.as_bytes()), [(WEIGHTS.to_owned(), 18_000)]);
    let others = findings(&noise(2, 9000), &bytecode(&weights));
    assert!(others.iter().all(|(id, _)| id == "unused-variable"), "{others:?}");
}

#[test]
fn weights_of_one_program_are_as_large_in_a_variable() {
    let nodes = [program("a", &bytecode(&noise(1, 9000))), program("b", &bytecode(&noise(2, 9000)))];
    assert!(found(WEIGHTS, &nodes, &[]).is_none());
}

#[test]
fn weights_written_as_digits_take_two_of_them_a_byte() {
    let digits: String = noise(1, 9000).iter().map(|byte| format!("{byte:02X}")).collect();
    let module = format!("stablehlo.constant dense<\"0x{digits}\"> : tensor<2250xf32>");
    assert_eq!(bytes_of(found(WEIGHTS, &[program("a", module.as_bytes())], &[])), Some(9000 - super::VARIABLE_BYTES));
}

#[test]
fn bytes_of_another_form_hold_nothing_that_is_known() {
    let engine = noise(1, 9000);
    assert!(found(WEIGHTS, &[program("a", &engine), program("b", &engine)], &[]).is_none());
}

#[test]
fn a_program_cut_or_changed_anywhere_is_walked_to_its_end() {
    let whole = bytecode(&noise(1, 1100));
    for at in 0..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 0xff;
        for module in [&whole[..at], &changed] {
            let arrays = crate::findings::stablehlo::weights(module);
            assert!(arrays.iter().all(|array| array.range.end <= module.len()), "{at}");
        }
    }
    assert_eq!(crate::findings::stablehlo::weights(&whole).len(), 1);
}

#[test]
fn nodes_that_pass_a_constant_on_in_a_circle_lose_it() {
    let circle = [
        constant("c", &noise(1, 3000)),
        node_of("a", "Reshape", &["c"]),
        node_of("s", "TensorSliceDataset", &["a"]),
        node_of("a", "Reshape", &["a"]),
    ];
    assert!(found(DATA_SET, &circle[..3], &[]).is_some());
    assert!(found(DATA_SET, &circle, &[]).is_none());
}

#[test]
fn a_function_that_hands_a_constant_to_itself_is_followed_once() {
    let set = node_of("s", "TensorSliceDataset", &["x"]);
    let function = function_of("f", &["x"], &[call("again", "f", &["x"]), set]);
    let nodes = [constant("c", &noise(1, 3000)), call("call", "f", &["c"])];
    assert!(found(DATA_SET, &nodes, &[function]).is_some());
}

#[test]
fn a_shape_of_too_many_dimensions_is_none() {
    let shape = vec![1; crate::message::tensor_proto::MAX_RANK + 1];
    let content = 1_f32.to_le_bytes().repeat(1000);
    let tensor = |extra: usize| tensor("c", FLOAT, &[&shape[..extra], &[1000]].concat(), &content);
    assert!(found(BROADCAST, &[tensor(crate::message::tensor_proto::MAX_RANK - 1)], &[]).is_some());
    assert!(found(BROADCAST, &[tensor(crate::message::tensor_proto::MAX_RANK)], &[]).is_none());
}
