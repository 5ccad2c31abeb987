//! What the walk charges to what, on models built in sight.

use super::*;
use crate::ledger::Dimension;
use crate::ledger::Rollup;
use crate::progress::Silent;
use crate::support::graph::{call, function_of, graph_of};
use crate::support::wire::{Message, constant, function, graph, message, meta_graph, node, saved_model};
use crate::wire::{Field, first_len};

fn charged(file: &[u8], by: &[Dimension]) -> (SavedModel, Rollup) {
    let mut ledger = Ledger::new(by);
    let bytes = Bytes::copy_from_slice(file);
    let saved_model =
        charge_saved_model(("saved_model.pb", bytes.len() as u64), &bytes, &Layout::Wire, &mut ledger, &Silent)
            .expect("the books balance");
    (saved_model, ledger.rollup(by))
}

fn rows(file: &Message, by: Dimension) -> Vec<(String, u64)> {
    let rollup = charged(&file.0, &[by]).1;
    rollup.rows.into_iter().map(|row| (row.name.to_string(), row.bytes)).collect()
}

fn bytes_of(rows: &[(String, u64)], name: &str) -> u64 {
    rows.iter().find(|row| row.0 == name).unwrap_or_else(|| panic!("no {name} in {rows:?}")).1
}

/// A field's own tag and length, for payloads under 128 bytes and field numbers under 16.
const FRAME: u64 = 2;

#[test]
fn a_node_is_charged_to_its_op_tag_and_length_included() {
    let (add, long) = (node("a", "Add"), node("b", "Mul"));
    let model = saved_model([&meta_graph(&[], &graph([&add, &add, &long]))]);
    let rows = rows(&model, Dimension::Op);
    assert_eq!(bytes_of(&rows, "Add"), 2 * (add.len() as u64 + FRAME));
    assert_eq!(bytes_of(&rows, "Mul"), long.len() as u64 + FRAME);
}

/// The names of the nodes that are noted as referring to more than their inputs, of the graph and of functions.
fn referring(nodes: &[Message], functions: &[Message]) -> Option<[Vec<String>; 2]> {
    let file = saved_model([&meta_graph(&[], &graph_of(nodes, functions))]).0;
    let (saved_model, _) = charged(&file, &[Dimension::Op, Dimension::Function]);
    let notes = &saved_model.meta_graphs[0].notes;
    let name = |field: &Field| file[first_len(&file, field.payload(), 1).unwrap()].escape_ascii().to_string();
    let names = |fields: &[Field]| fields.iter().map(name).collect();
    Some([names(notes.referring()?), names(notes.referring_in_functions()?)])
}

#[test]
fn nodes_that_name_functions_resources_or_gradients_are_noted_and_others_are_not() {
    let text = |text: &str| message().bytes(2, text);
    let listed = message().message(1, &message().message(9, &message().bytes(1, "f")));
    let nodes = [
        node("plain", "Add").entry(5, "T", &message().int(6, 1)).entry(5, "s", &text("f")),
        call("call", "f", &[]),
        node("case", "Case").entry(5, "branches", &listed),
        node("variable", "VarHandleOp").entry(5, "shared_name", &text("v")),
        node("gradient", "Identity").entry(5, "_gradient_op_type", &text("g")),
    ];
    let found = referring(&nodes, &[function_of("f", &[], &[node("a", "Add"), call("again", "f", &[])])]);
    let in_graph = ["call", "case", "variable", "gradient"].map(str::to_owned).into();
    assert_eq!(found, Some([in_graph, vec!["again".to_owned()]]));
}

#[test]
fn where_a_function_is_called_as_an_op_any_node_may_refer_to_one() {
    let functions = |callee: &str| [function_of("f", &[], &[node("a", callee)])];
    assert!(referring(&[], &functions("g")).is_some());
    assert_eq!(referring(&[], &functions("f")), None);
    assert_eq!(referring(&[node("first", "Add").bytes(2, "f")], &functions("g")), None);
}

#[test]
fn a_node_without_an_op_is_counted_under_the_empty_op() {
    let model = saved_model([&meta_graph(&[], &graph([&message().bytes(1, "a")]))]);
    assert_eq!(bytes_of(&rows(&model, Dimension::Op), ""), 3 + FRAME);
}

#[test]
fn nodes_in_a_function_are_charged_to_the_function_and_so_is_what_else_it_has() {
    let function = function("f", [&node("a", "Add")]);
    let library = message().message(1, &function);
    let model = saved_model([&meta_graph(&[], &message().message(2, &library))]);
    assert_eq!(bytes_of(&rows(&model, Dimension::Function), "f"), function.len() as u64 + FRAME);
    assert_eq!(charged(&model.0, &[]).0.meta_graphs[0].function_nodes, 1);
}

#[test]
fn the_metagraphs_own_tag_and_length_and_unknown_fields_are_framing() {
    let unknown = message().int(9, 5);
    let graph = meta_graph(&["serve"], &graph([&node("a", "Add")])).raw(&unknown.0);
    let model = saved_model([&graph]).raw(&unknown.0);
    let version = 2;
    let framing = version + FRAME + unknown.len() as u64 * 2;
    assert_eq!(bytes_of(&rows(&model, Dimension::Category), "framing"), framing);
}

#[test]
fn a_metagraph_is_named_by_its_tags_wherever_they_stand() {
    let tags = message().message(1, &message().bytes(4, "serve").bytes(4, "gpu"));
    let graph = message().message(2, &graph([&node("a", "Add")])).raw(&tags.0);
    let model = saved_model([&graph]);
    let framing_of_file = 2;
    assert_eq!(
        rows(&model, Dimension::MetaGraph),
        [("#0 serve,gpu".to_owned(), graph.len() as u64 + FRAME), ("[framing]".to_owned(), framing_of_file),]
    );
}

#[test]
fn a_section_given_twice_is_charged_twice() {
    let graph = graph([&node("a", "Add")]);
    let twice = message().message(2, &graph).message(2, &graph);
    let model = saved_model([&twice]);
    assert_eq!(bytes_of(&rows(&model, Dimension::Section), "graph_def"), twice.len() as u64);
    assert_eq!(charged(&model.0, &[]).0.meta_graphs[0].nodes, 2);
}

#[test]
fn attributes_are_charged_by_their_key() {
    let node = constant("c", &[7; 50]);
    let model = saved_model([&meta_graph(&[], &graph([&node]))]);
    let rows = rows(&model, Dimension::Field);
    let tensor = 2 + 2 + 50;
    let value_entry = FRAME + "value".len() as u64 + FRAME + FRAME + tensor;
    assert_eq!(bytes_of(&rows, "graph_def.node.attr[value]"), value_entry + FRAME);
    assert_eq!(bytes_of(&rows, "graph_def.node.name"), 1 + FRAME);
    assert_eq!(bytes_of(&rows, "graph_def.node"), FRAME, "the node's own tag and length");
}

#[test]
fn a_nodes_scope_is_the_folder_of_its_name_and_its_dtype_an_attribute() {
    let node = constant("layer/kernel", &[7; 8]);
    let model = saved_model([&meta_graph(&[], &graph([&node]))]);
    let size = node.len() as u64 + FRAME;
    assert_eq!(bytes_of(&rows(&model, Dimension::Scope), "layer"), size);
    assert_eq!(bytes_of(&rows(&model, Dimension::Node), "layer/kernel"), size);
    assert_eq!(bytes_of(&rows(&model, Dimension::Dtype), "float32"), size);
}

#[test]
fn signatures_and_assets_are_decoded() {
    let signature = message().bytes(3, "tensorflow/serving/predict");
    let graph = meta_graph(&["serve"], &graph([])).entry(5, "serving_default", &signature);
    let asset = message().bytes(2, "vocab.txt");
    let model = saved_model([&graph.message(6, &asset)]);
    let graph = &charged(&model.0, &[]).0.meta_graphs[0];
    assert_eq!(graph.signatures[0].name, "serving_default");
    assert_eq!(graph.signatures[0].method_name, "tensorflow/serving/predict");
    assert_eq!(graph.assets, ["vocab.txt"]);
}

#[test]
fn of_signatures_of_one_key_the_last_counts_and_all_are_charged() {
    let signature = |method: &str| message().bytes(3, method);
    let graph = meta_graph(&["serve"], &graph([]))
        .entry(5, "a", &signature("first"))
        .entry(5, "b", &signature("other"))
        .entry(5, "a", &signature("last"));
    let (saved_model, rollup) = charged(&saved_model([&graph]).0, &[Dimension::Section]);
    let signatures = &saved_model.meta_graphs[0].signatures;
    let named: Vec<_> = signatures.iter().map(|it| (it.name.as_str(), it.method_name.as_str())).collect();
    assert_eq!(named, [("b", "other"), ("a", "last")]);
    let section = rollup.rows.iter().find(|row| &*row.name == "signature_def").expect("the section has bytes");
    assert_eq!((section.count, section.bytes > signatures.iter().map(|it| it.bytes).sum()), (3, true));
}

#[test]
fn damage_costs_the_message_that_it_is_in_and_no_more() {
    let broken = message().bytes(1, "a").raw(&[0x0f]);
    let list = message().message(1, &broken).message(1, &node("b", "Add"));
    // Wire type 7 right in the graph: what follows in the graph is lost, the signature behind the graph is not.
    let damaged = list.raw(&[0x0f]).message(1, &node("c", "Mul"));
    let graph = message().message(2, &damaged).entry(5, "signature", &message());
    let model = saved_model([&graph]);
    let (saved_model, rollup) = charged(&model.0, &[Dimension::Field]);
    assert_eq!(rollup.total(), model.len() as u64);
    assert_eq!(saved_model.meta_graphs[0].nodes, 2);
    assert_eq!(saved_model.meta_graphs[0].signatures.len(), 1);
    assert_eq!(saved_model.problems, charged(&model.0, &[]).0.problems, "whatever is asked");
    let damage: Vec<u64> = (0..).zip(&model.0).filter(|(_, byte)| **byte == 0x0f).map(|(at, _)| at).collect();
    let told: Vec<u64> = saved_model.problems.iter().filter_map(|problem| problem.offset).collect();
    assert_eq!(told, damage, "once in the node, once in the graph");
    assert!(rollup.rows.iter().any(|row| &*row.name == "(damaged)"), "{rollup:?}");
}

#[test]
fn a_file_cut_anywhere_is_charged_whole_and_has_one_problem() {
    let nodes = [constant("a", &[1; 40]), constant("b", &[2; 40])];
    let model = saved_model([&meta_graph(&["serve"], &graph(&nodes))]);
    for cut in 3..model.len() {
        let (saved_model, rollup) = charged(&model.0[..cut], &[Dimension::Category]);
        assert_eq!(rollup.total(), cut as u64, "cut at {cut}");
        assert_eq!(saved_model.problems.len(), 1, "cut at {cut}: {:?}", saved_model.problems);
    }
}

#[test]
fn what_is_left_of_a_cut_graph_is_still_charged_to_the_graph() {
    let nodes = [constant("a", &[1; 40]), constant("b", &[2; 40])];
    let model = saved_model([&meta_graph(&["serve"], &graph(&nodes))]);
    let (saved_model, rollup) = charged(&model.0[..model.len() - 10], &[Dimension::Category]);
    assert_eq!(saved_model.meta_graphs[0].nodes, 2);
    assert_eq!(&*rollup.rows[0].name, "graph_def");
    assert!(rollup.rows[0].bytes > 100, "{rollup:?}");
}

#[test]
fn variables_of_more_parts_than_are_followed_are_a_problem() {
    // A part takes two bytes of the file and a hundred of memory where all are read.
    let with_parts = |parts: usize| {
        let one = message().bytes(8, "");
        let inner = message().raw(&one.0.repeat(parts));
        let object = message().message(7, &message().message(8, &inner));
        saved_model([&meta_graph(&["serve"], &graph([])).message(7, &message().message(1, &object))])
    };
    let problems = |parts| charged(&with_parts(parts).0, &[]).0.problems.len();
    assert_eq!([problems(1_000), problems(crate::outline::MAX_CHILDREN)], [0, 1]);
}

#[test]
fn objects_of_more_slots_and_dependencies_than_are_followed_are_a_problem() {
    // One takes two bytes of the file, and forty of memory where all are read.
    let with = |number: u32, count: usize| {
        let object = message().raw(&message().bytes(number, "").0.repeat(count));
        saved_model([&meta_graph(&["serve"], &graph([])).message(7, &message().message(1, &object))])
    };
    let problems = |number, count| charged(&with(number, count).0, &[]).0.problems.len();
    for number in [1, 3, 15] {
        assert_eq!([problems(number, 1_000), problems(number, crate::outline::MAX_CHILDREN + 1)], [0, 1], "{number}");
    }
}
