#![allow(clippy::unwrap_used)]

use bytes::Bytes;

use crate::input::Model;
use crate::problem::ProblemKind;
use crate::progress::Silent;
use crate::report::ModelReport;
use crate::support::bundle::{BundleBuilder, DATA, INDEX, index, string_entry};
use crate::support::graph::{graph_of, node_of, object, objects, saver, signature, tracked};
use crate::support::table::string_tensor;
use crate::support::wire::{Message, message, meta_graph, node, saved_model};
use crate::{Options, audit};

const FLOAT: u64 = 1;
const DOUBLE: u64 = 2;

fn audited(files: &[(&str, &[u8])]) -> ModelReport {
    audited_with(files, &Options::default())
}

fn audited_with(files: &[(&str, &[u8])], options: &Options) -> ModelReport {
    let files = files.iter().map(|(name, bytes)| ((*name).to_owned(), Bytes::copy_from_slice(bytes)));
    audit(&Model::in_memory("model", files), options, &Silent).unwrap()
}

/// What is said of a model that is not whole; nothing of one that is.
fn said(files: &[(&str, &[u8])]) -> Vec<String> {
    let report = audited(files);
    let not_whole = report.problems.iter().filter(|problem| problem.kind == ProblemKind::NotWhole);
    let said: Vec<String> = not_whole.map(|problem| format!("{}: {}", problem.file, problem.message)).collect();
    assert_eq!(report.whole, said.is_empty());
    said
}

fn of_main(main: &[u8]) -> String {
    let said = said(&[("saved_model.pb", main)]);
    assert_eq!(said.len(), 1, "{said:?}");
    said.concat()
}

/// What Git keeps of a file that is in Git LFS.
const POINTER: &[u8] = b"version https://git-lfs.github.com/spec/v1\noid sha256:aa\nsize 1800\n";

fn plain() -> Message {
    saved_model([&signature(meta_graph(&["serve"], &graph_of(&[node("x", "NoOp")], &[])), "s", &[], &["x:0"])])
}

#[test]
fn a_main_file_that_is_something_else_is_called_what_it_is() {
    assert!(of_main(b"").contains("found an empty file"));
    assert!(of_main(b"<html><body>404").contains("a web page (HTML)"));
    assert!(of_main(b"version https://git-lfs.github.com/spec/v1\noid").contains("a Git LFS pointer"));
    let frozen = message().messages(1, &[node("a", "Const"), node("b", "Const")]).message(4, &message().int(1, 9));
    assert!(of_main(&frozen.0).contains("a frozen graph (GraphDef)"));
    assert!(of_main(&message().int(1, 1).0).contains("expected at least one metagraph, found none"));
    let said = said(&[("saved_model.pbtxt", b"node {\n  name: \"a\"\n}\n")]);
    assert!(said.concat().contains("a frozen graph (GraphDef)"), "{said:?}");
    assert_eq!(super::tests::said(&[("saved_model.pb", &plain().0)]), [""; 0]);
}

#[test]
fn a_main_file_that_is_a_pointer_is_one_problem_with_verify_as_well() {
    let options = Options { verify: true, ..Options::default() };
    let problems = audited_with(&[("saved_model.pb", POINTER)], &options).problems;
    assert_eq!(problems.len(), 1, "{problems:?}");
}

#[test]
fn what_stands_in_the_place_of_a_shard_or_an_index_is_one_problem() {
    let [(_, index), (_, data)] = BundleBuilder::default().tensor("a", &[1; 900]).tensor("b", &[2; 900]).files();
    let main = plain().0;
    for (index, data, at) in [(&*index, POINTER, DATA), (POINTER, &*data, INDEX)] {
        let report = audited(&[("saved_model.pb", &main), (INDEX, index), (DATA, data)]);
        let problems: Vec<(&str, bool)> =
            report.problems.iter().map(|p| (&*p.file, p.message.contains("a Git LFS pointer"))).collect();
        assert_eq!(problems, [(at, true)]);
    }
    // One that is longer than the data in whose place it stands.
    let [(_, index), _] = BundleBuilder::default().tensor("a", &[1; 8]).files();
    assert_eq!(said(&[("saved_model.pb", &main), (INDEX, &index), (DATA, POINTER)]).len(), 1);
    assert!(
        said(&[("saved_model.pb", &main), (INDEX, &index)])
            .concat()
            .contains("as the index names 1 shards, found none")
    );
    assert!(said(&[("saved_model.pb", &main), (DATA, &data)]).concat().contains("expected the index"));
}

#[test]
fn a_message_beside_the_main_file_that_is_a_pointer_is_one_problem() {
    for name in ["keras_metadata.pb", "fingerprint.pb"] {
        let problems = audited(&[("saved_model.pb", &plain().0), (name, POINTER)]).problems;
        assert_eq!(problems.iter().map(|problem| &*problem.file).collect::<Vec<_>>(), [name]);
        assert!(problems.iter().all(|problem| problem.message.contains("found a Git LFS pointer")), "{problems:?}");
    }
}

#[test]
fn an_asset_that_is_a_pointer_is_named_and_one_that_is_a_page_is_not() {
    let graph = meta_graph(&["serve"], &graph_of(&[], &[])).message(6, &message().bytes(2, "words.txt"));
    let main = saved_model([&graph]).0;
    let said_of = |asset: &[u8]| said(&[("saved_model.pb", &main), ("assets/words.txt", asset)]);
    let expected = "expected an asset that metagraph #0 names, found a Git LFS pointer";
    assert!(said_of(POINTER).concat().contains(expected), "{:?}", said_of(POINTER));
    assert_eq!(said_of(b"<html><body>a template"), [""; 0]);
}

#[test]
fn a_missing_asset_is_named() {
    let graph = meta_graph(&["serve"], &graph_of(&[], &[])).message(6, &message().bytes(2, "words.txt"));
    let main = saved_model([&graph]).0;
    let expected = "assets/words.txt: expected an asset that metagraph #0 names, found no such file";
    assert_eq!(said(&[("saved_model.pb", &main)]), [expected]);
    assert_eq!(said(&[("saved_model.pb", &main), ("assets/words.txt", b"a")]), [""; 0]);
}

/// A variable's node of a type and shape, of which -1 is unknown.
fn variable(op: &str, dtype: u64, shape: &[i64]) -> Message {
    let dims = shape.iter().fold(message(), |dims, size| dims.message(2, &message().int(1, size.cast_unsigned())));
    node("v", op).entry(5, "shared_name", &message().bytes(2, "v")).entry(5, "dtype", &message().int(6, dtype)).entry(
        5,
        "shape",
        &message().message(7, &dims),
    )
}

/// A TF1 model with a variable and a saver that restores it.
fn restored(variable: Message, saver: &[Message]) -> Vec<u8> {
    let read = node_of("y", "ReadVariableOp", &["v"]);
    let graph = graph_of(&[&[variable, read], saver].concat(), &[]);
    let graph = meta_graph(&["serve"], &graph).message(3, &message().bytes(3, "save/restore_all"));
    saved_model([&signature(graph, "s", &[], &["y:0"])]).0
}

/// The index of a checkpoint with `v`, six floats in two rows.
fn checkpoint() -> [(&'static str, Vec<u8>); 2] {
    let dims = message().message(2, &message().int(1, 2)).message(2, &message().int(1, 3));
    let entry = message().int(1, FLOAT).message(2, &dims).int(5, 24);
    [(INDEX, index(&[("v", entry)])), (DATA, vec![1; 24])]
}

#[test]
fn a_graph_that_restores_variables_needs_a_checkpoint() {
    let main = restored(variable("VarHandleOp", FLOAT, &[2, 3]), &saver("v", "v", ""));
    assert!(said(&[("saved_model.pb", &main)]).concat().contains("expected the checkpoint"));
    let [(index, index_bytes), (data, data_bytes)] = checkpoint();
    assert_eq!(said(&[("saved_model.pb", &main), (index, &index_bytes), (data, &data_bytes)]), [""; 0]);
    // An initializer that the loader runs, and no saver: such a model is whole as it is.
    let nodes = [variable("VarHandleOp", FLOAT, &[2]), node_of("set", "AssignVariableOp", &["v", "zeros"])];
    let own = saved_model([&meta_graph(&["serve"], &graph_of(&nodes, &[]))]).0;
    assert_eq!(said(&[("saved_model.pb", &own)]), [""; 0]);
    let never_set = saved_model([&meta_graph(&["serve"], &graph_of(&nodes[..1], &[]))]).0;
    assert_eq!(said(&[("saved_model.pb", &never_set)]).len(), 1);
}

#[test]
fn a_variable_has_the_shape_and_type_of_its_value() {
    let [(index, index_bytes), (data, data_bytes)] = checkpoint();
    let of = |variable: Message, saver: &[Message]| {
        said(&[("saved_model.pb", &restored(variable, saver)), (index, &index_bytes), (data, &data_bytes)]).concat()
    };
    let plain = saver("v", "v", "");
    for op in ["VarHandleOp", "VariableV2"] {
        assert_eq!(of(variable(op, FLOAT, &[2, 3]), &plain), "");
        assert_eq!(of(variable(op, FLOAT, &[-1, 3]), &plain), "", "an unknown size is any");
        let expected = "saved_model.pb: metagraph #0: the variable `v` is float32[3,2], and its value in the checkpoint, \
                        `v`, is float32[2,3]";
        assert_eq!(of(variable(op, FLOAT, &[3, 2]), &plain), expected);
        assert!(of(variable(op, DOUBLE, &[2, 3]), &plain).contains("is float64[2,3]"));
        assert!(of(variable(op, FLOAT, &[6]), &plain).contains("is float32[6]"));
    }
    // `Saver(reshape=True)` brings the value into the variable's shape.
    let mut reshaping = plain.to_vec();
    reshaping[3] = node_of("save/Assign", "Assign", &["v", "save/Reshape"]);
    reshaping.push(node_of("save/Reshape", "Reshape", &["save/RestoreV2", "save/shape"]));
    assert_eq!(of(variable("VarHandleOp", FLOAT, &[6]), &reshaping), "");
}

#[test]
fn an_object_of_the_checkpoint_is_restored_into_the_one_of_its_number() {
    let of = |dtype: u64, sizes: &[u64]| {
        let dims = sizes.iter().fold(message(), |dims, size| dims.message(2, &message().int(1, *size)));
        let root = object(4, &message(), &[("v", 1)]);
        let graph = objects(&[root, object(7, &message().int(1, dtype).message(2, &dims), &[])], &[]);
        let main = saved_model([&meta_graph(&["serve"], &graph_of(&[], &[])).message(7, &graph)]).0;
        let tracked = tracked(&["", "v"]).0;
        let saved = string_entry(24, &tracked);
        let dims = message().message(2, &message().int(1, 2)).message(2, &message().int(1, 3));
        let entry = message().int(1, FLOAT).message(2, &dims).int(5, 24);
        let index = index(&[("_CHECKPOINTABLE_OBJECT_GRAPH", saved), ("v", entry)]);
        let data = [vec![1; 24], string_tensor(&[&tracked])].concat();
        said(&[("saved_model.pb", &main), (INDEX, &index), (DATA, &data)]).concat()
    };
    assert_eq!(of(FLOAT, &[2, 3]), "");
    assert!(of(FLOAT, &[2, 4]).contains("the variable `v` is float32[2,4]"));
    assert!(of(DOUBLE, &[2, 3]).contains("the variable `v` is float64[2,3]"));
}
