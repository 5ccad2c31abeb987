//! Models held against themselves, and against others that are wrong in one way.

#![allow(clippy::arithmetic_side_effects)]

use std::collections::BTreeMap;
use std::path::Path;

use bytes::Bytes;
use prost::Message as _;

use super::{Held, Kept, Meanwhile, Promise, reasons};
use crate::input::Model;
use crate::progress::Silent;
use crate::proto::attr_value::Value;
use crate::proto::saved_object::Kind;
use crate::proto::{AttrValue, FunctionDef, MetaGraphDef, NodeDef, SavedModel, SavedObject, SavedObjectGraph};
use crate::support::random::Random;

use crate::checkpoint::table::Table;
use crate::edit::{Recipe, table};
use crate::report::SlimLevel;
use crate::slim::{Options, plan};

mod joined;
mod meanwhile;
mod mutants;
mod slices;

const INDEX: &str = "variables/variables.index";
const MAIN: &str = "saved_model.pb";

/// A fixture, its main file as prost writes it.
fn fixture(name: &str) -> BTreeMap<String, Bytes> {
    let model = Model::read(Path::new(&format!("fixtures/{name}")), name);
    let mut files: BTreeMap<String, Bytes> =
        model.files.iter().map(|file| (file.name.clone(), file.contents().unwrap())).collect();
    files.remove("fingerprint.pb");
    let main = SavedModel::decode(files[MAIN].clone()).unwrap();
    files.insert(MAIN.to_owned(), main.encode_to_vec().into());
    files
}

fn held(old: &BTreeMap<String, Bytes>, new: &BTreeMap<String, Bytes>, promise: Promise) -> Vec<String> {
    held_as(old, new, &Kept { promise, ..Kept::default() })
}

fn held_as(old: &BTreeMap<String, Bytes>, new: &BTreeMap<String, Bytes>, kept: &Kept) -> Vec<String> {
    let [old, new] = [old, new].map(|files| Model::in_memory("model", files.clone()));
    reasons(&old, &new, &[], kept, &Held::default(), &Silent).unwrap()
}

/// A fixture whose metagraph is another one.
fn changed(name: &str, change: impl FnOnce(&mut MetaGraphDef)) -> [BTreeMap<String, Bytes>; 2] {
    let old = fixture(name);
    let mut main = SavedModel::decode(old[MAIN].clone()).unwrap();
    change(main.meta_graphs.first_mut().unwrap());
    let mut new = old.clone();
    new.insert(MAIN.to_owned(), main.encode_to_vec().into());
    assert_ne!(old, new, "nothing was changed");
    [old, new]
}

const LESS: [Promise; 2] = [Promise::Callables, Promise::Signatures];

/// A change is noticed, and the reasons name this.
#[track_caller]
fn noticed(name: &str, says: &str, change: impl Fn(&mut MetaGraphDef)) {
    for promise in LESS {
        let [old, new] = changed(name, &change);
        let reasons = held(&old, &new, promise);
        assert!(reasons.iter().any(|reason| reason.contains(says)), "{promise:?}: {reasons:?}");
    }
}

/// A change makes a model that serves the same.
#[track_caller]
fn harmless(name: &str, promises: &[Promise], change: impl Fn(&mut MetaGraphDef)) {
    for promise in promises {
        let [old, new] = changed(name, &change);
        assert_eq!(held(&old, &new, *promise), [""; 0], "{promise:?}");
    }
}

fn nodes(graph: &mut MetaGraphDef) -> &mut Vec<NodeDef> {
    &mut graph.graph_def.as_mut().unwrap().node
}

fn objects(graph: &mut MetaGraphDef) -> &mut SavedObjectGraph {
    graph.object_graph_def.as_mut().unwrap()
}

/// The nodes of functions.
fn inner(graph: &mut MetaGraphDef) -> impl Iterator<Item = &mut NodeDef> {
    let library = graph.graph_def.as_mut().unwrap().library.as_mut().unwrap();
    library.function.iter_mut().flat_map(|function| &mut function.node_def)
}

#[test]
fn every_fixture_serves_what_it_serves() {
    for name in ["keras-export", "keras-lstm", "lookup-table", "partitioned", "sharded", "two-metagraphs", "versions/1"]
    {
        let files = fixture(name);
        for promise in [Promise::Same, Promise::Callables, Promise::Signatures] {
            assert_eq!(held(&files, &files, promise), [""; 0], "{name}, {promise:?}");
        }
    }
}

fn functions(graph: &mut MetaGraphDef) -> &mut Vec<FunctionDef> {
    &mut graph.graph_def.as_mut().unwrap().library.as_mut().unwrap().function
}

fn function_name(function: &FunctionDef) -> &str {
    &function.signature.as_ref().unwrap().name
}

/// The function that a call calls.
fn callee(node: &mut NodeDef) -> Option<&mut String> {
    match node.attr.get_mut("f")?.value.as_mut()? {
        Value::Func(function) => Some(&mut function.name),
        _ => None,
    }
}

/// The strings of the constants in functions whose names contain this.
fn strings_of<'g>(graph: &'g mut MetaGraphDef, name: &'g str) -> impl Iterator<Item = &'g mut Vec<Bytes>> {
    inner(graph).filter(move |node| node.op == "Const" && node.name.contains(name)).filter_map(|node| {
        match node.attr.get_mut("value")?.value.as_mut()? {
            Value::Tensor(tensor) if tensor.string_val.len() > 1 => Some(&mut tensor.string_val),
            _ => None,
        }
    })
}

#[test]
fn a_node_that_a_signature_reaches_is_missed() {
    noticed("keras-export", "is not there any more", |graph| {
        let at = nodes(graph).iter().position(|node| node.op == "StatefulPartitionedCall").unwrap();
        nodes(graph).remove(at);
    });
}

#[test]
fn a_constant_of_another_value_is_noticed() {
    noticed("keras-lstm", "does something else", |graph| {
        for node in inner(graph).filter(|node| node.op == "Const") {
            if let Some(Value::Tensor(tensor)) = &mut node.attr.get_mut("value").unwrap().value {
                tensor.int_val.iter_mut().for_each(|value| *value += 1);
            }
        }
    });
}

#[test]
fn a_lost_control_edge_is_noticed() {
    noticed("keras-lstm", "another op, device, attribute or function", |graph| {
        for node in inner(graph).filter(|node| node.op == "Identity") {
            node.input.retain(|input| !input.starts_with('^'));
        }
    });
    noticed("lookup-table", "does not run any more", |graph| {
        for node in nodes(graph).iter_mut().filter(|node| node.op == "NoOp") {
            node.input.clear();
        }
    });
}

#[test]
fn a_slice_of_what_nobody_takes_is_noticed_as_all_is_restored_together() {
    // The last is the tensor of the objects, which no assignment takes.
    noticed("keras-lstm", "is restored as it was not before", |graph| {
        let mut slices = strings_of(graph, "RestoreV2/shape_and_slices");
        *slices.next().unwrap().last_mut().unwrap() = Bytes::from_static(b"another");
    });
    noticed("keras-lstm", "", |graph| {
        strings_of(graph, "RestoreV2/shape_and_slices").next().unwrap().push(Bytes::new());
    });
}

#[test]
fn keys_that_are_swapped_are_noticed() {
    for name in ["keras-export", "keras-lstm"] {
        noticed(name, "", |graph| strings_of(graph, "RestoreV2/tensor_names").for_each(|keys| keys.swap(0, 1)));
    }
}

#[test]
fn a_variable_that_is_not_restored_any_more_is_noticed() {
    noticed("keras-export", "", |graph| {
        // The last assignment of the function that restores goes, as if its variable were not needed.
        let restores = |function: &&mut FunctionDef| function.node_def.iter().any(|node| node.op == "RestoreV2");
        let function = functions(graph).iter_mut().find(restores).unwrap();
        let gone = function.node_def.iter().rfind(|node| node.op == "AssignVariableOp").unwrap().name.clone();
        function.node_def.retain(|node| node.name != gone);
        function.node_def.iter_mut().for_each(|node| node.input.retain(|input| *input != format!("^{gone}")));
        function.control_ret.retain(|_, node| *node != gone);
        function.signature.as_mut().unwrap().control_output.retain(|output| *output != gone);
    });
}

#[test]
fn what_a_function_has_captured_is_noticed() {
    let captures = |graph: &mut MetaGraphDef, change: fn(&mut Vec<i32>)| {
        let functions = objects(graph).concrete_functions.values_mut();
        functions
            .filter(|function| function.bound_inputs.len() > 1)
            .for_each(|function| change(&mut function.bound_inputs));
    };
    for name in ["keras-export", "keras-lstm"] {
        noticed(name, "takes or gives something else", |graph| captures(graph, |bound| bound.truncate(1)));
        noticed(name, "", |graph| captures(graph, |bound| bound.swap(0, 1)));
    }
}

#[test]
fn objects_with_other_numbers_are_noticed() {
    for name in ["keras-export", "keras-lstm"] {
        noticed(name, "", |graph| {
            let nodes = &mut objects(graph).nodes;
            let variables: Vec<usize> =
                (0..nodes.len()).filter(|at| matches!(nodes[*at].kind, Some(Kind::Variable(_)))).collect();
            nodes.swap(variables[0], variables[1]);
        });
    }
}

/// A string as an attribute.
fn attribute(text: &'static str) -> AttrValue {
    AttrValue { value: Some(Value::S(text.into())) }
}

/// Two models: a fixture changed once, and that changed again.
fn changed_twice(
    name: &str,
    first: impl FnOnce(&mut MetaGraphDef),
    second: impl FnOnce(&mut MetaGraphDef),
) -> [BTreeMap<String, Bytes>; 2] {
    let [_, old] = changed(name, first);
    let mut main = SavedModel::decode(old[MAIN].clone()).unwrap();
    second(&mut main.meta_graphs[0]);
    let mut new = old.clone();
    new.insert(MAIN.to_owned(), main.encode_to_vec().into());
    [old, new]
}

/// Takes shapes from nodes of functions, where this says so.
fn without_shapes(goes: impl Fn(&FunctionDef, &NodeDef) -> bool) -> impl Fn(&mut MetaGraphDef) {
    move |graph| {
        for function in functions(graph) {
            let of_function = function.clone();
            let nodes = function.node_def.iter_mut().filter(|node| goes(&of_function, node));
            nodes.for_each(|node| _ = node.attr.remove("_output_shapes"));
        }
    }
}

/// Whether the shapes of a node follow from the rest: no function returns it, it calls none, and it is in none that restores.
fn is_inner(function: &FunctionDef, node: &NodeDef) -> bool {
    let is_returned = function.ret.values().any(|from| from.split(':').next() == Some(&node.name));
    let calls = node.attr.values().any(|value| matches!(value.value, Some(Value::Func(_))));
    !is_returned && !calls && !function.node_def.iter().any(|node| node.op == "RestoreV2")
}

#[test]
fn inner_shapes_may_go_where_that_is_asked_for_and_all_of_them() {
    for promise in LESS {
        let [old, new] = changed("keras-lstm", without_shapes(is_inner));
        let stripped = Kept { promise, is_stripped: true, ..Kept::default() };
        assert_eq!(held_as(&old, &new, &stripped), [""; 0]);
        assert!(!held(&old, &new, promise).is_empty(), "it was not asked for");
        assert!(!held_as(&old, &old, &stripped).is_empty(), "none of them went");
        let [old, new] = changed("keras-lstm", without_shapes(|_, _| true));
        assert!(!held_as(&old, &new, &stripped).is_empty(), "shapes of results went");
    }
}

/// Has a called function stand for an interface, with an implementation for another device that nobody calls.
fn with_implementations(graph: &mut MetaGraphDef) {
    let called = inner(graph).find_map(|node| callee(node).cloned()).unwrap();
    let function = functions(graph).iter_mut().find(|function| function_name(function) == called).unwrap();
    function.attr.insert("api_implements".to_owned(), attribute("lstm_1"));
    function.attr.insert("api_preferred_device".to_owned(), attribute("CPU"));
    let mut other = function.clone();
    other.signature.as_mut().unwrap().name = "gpu_lstm".to_owned();
    other.attr.insert("api_preferred_device".to_owned(), attribute("GPU"));
    functions(graph).push(other);
}

#[test]
fn an_implementation_for_another_device_is_missed() {
    for promise in LESS {
        let [old, new] = changed_twice("keras-lstm", with_implementations, |graph| {
            functions(graph).retain(|function| function_name(function) != "gpu_lstm");
        });
        assert!(!held(&old, &new, promise).is_empty());
        let [old, new] = changed_twice("keras-lstm", with_implementations, |graph| {
            let other = functions(graph).iter_mut().find(|function| function_name(function) == "gpu_lstm").unwrap();
            other.node_def.pop().unwrap();
        });
        assert!(!held(&old, &new, promise).is_empty());
        // What the interface is called is for the two alone.
        let [old, new] = changed_twice("keras-lstm", with_implementations, |graph| {
            let named = functions(graph).iter_mut().filter_map(|function| function.attr.get_mut("api_implements"));
            named.for_each(|name| *name = attribute("lstm_2"));
        });
        assert_eq!(held(&old, &new, promise), [""; 0]);
    }
}

#[test]
fn the_name_of_a_gradient_goes_everywhere_or_nowhere() {
    let named = |graph: &mut MetaGraphDef| {
        for node in inner(graph).filter(|node| node.op.ends_with("PartitionedCall")) {
            node.attr.insert("_gradient_op_type".to_owned(), attribute("CustomGradient-5"));
        }
    };
    let renamed = |to: &'static str, from: usize| {
        let [old, new] = changed_twice("keras-lstm", named, |graph| {
            let names = inner(graph).filter_map(|node| node.attr.get_mut("_gradient_op_type"));
            let names: Vec<_> = names.collect();
            assert!(names.len() > 1);
            names.into_iter().skip(from).for_each(|name| *name = attribute(to));
        });
        held(&old, &new, Promise::Callables)
    };
    assert_eq!(renamed("gone/slim", 0), [""; 0]);
    for (to, from) in [("gone/slim", 1), ("CustomGradient-7", 0), ("MatMul", 0)] {
        assert!(!renamed(to, from).is_empty(), "{to}");
    }
}

/// A model with a second copy of each function, under another name and with other names of nodes, that graphs call.
fn with_copies(graph: &mut MetaGraphDef) {
    let copies: Vec<FunctionDef> = functions(graph).clone();
    for mut copy in copies {
        let new_name = format!("{}_copy", function_name(&copy));
        // What saves has ops with a state of their own.
        if copy.node_def.iter().any(|node| node.op == "SaveV2") {
            continue;
        }
        copy.signature.as_mut().unwrap().name = new_name;
        functions(graph).push(copy);
    }
}

fn call_copies(graph: &mut MetaGraphDef) {
    let names: Vec<String> = functions(graph).iter().map(|function| function_name(function).to_owned()).collect();
    for node in nodes(graph) {
        if let Some(name) = callee(node).filter(|name| names.contains(&format!("{name}_copy"))) {
            name.push_str("_copy");
        }
    }
}

#[test]
fn functions_of_one_structure_may_become_one() {
    let mut folded = fixture("keras-lstm");
    let mut main = SavedModel::decode(folded[MAIN].clone()).unwrap();
    with_copies(&mut main.meta_graphs[0]);
    let unused = main.encode_to_vec();
    call_copies(&mut main.meta_graphs[0]);
    let mut copied = folded.clone();
    copied.insert(MAIN.to_owned(), main.encode_to_vec().into());
    assert_ne!(copied[MAIN], unused);
    for promise in LESS {
        assert_eq!(held(&copied, &folded, promise), [""; 0]);
    }
    // One that differs in a value is no copy.
    for function in functions(&mut main.meta_graphs[0]).iter_mut().filter(|it| function_name(it).ends_with("_copy")) {
        function.node_def.iter_mut().for_each(|node| node.device.push_str("/device:CPU:0"));
    }
    folded = fixture("keras-lstm");
    copied.insert(MAIN.to_owned(), main.encode_to_vec().into());
    assert!(LESS.iter().all(|promise| !held(&copied, &folded, *promise).is_empty()));
}

#[test]
fn a_function_that_only_calls_another_one_may_be_passed_by() {
    // Signatures of Keras call a wrapper, which calls the function.
    let mut main = SavedModel::decode(fixture("keras-export")[MAIN].clone()).unwrap();
    let graph = &mut main.meta_graphs[0];
    let wrapper = nodes(graph).iter_mut().find_map(|node| callee(node).cloned()).unwrap();
    let wrapped = functions(graph).iter_mut().find(|function| function_name(function) == wrapper).unwrap();
    let called = wrapped.node_def.iter_mut().find_map(|node| callee(node).cloned());
    let Some(called) = called else { panic!("{wrapper} calls nothing") };
    harmless("keras-export", &LESS, |graph| {
        for node in nodes(graph) {
            if let Some(name) = callee(node).filter(|name| **name == wrapper) {
                *name = called.clone();
            }
        }
    });
}

#[test]
fn what_nothing_reaches_may_go() {
    harmless("keras-lstm", &LESS, |graph| {
        let save = graph.saver_def.as_ref().unwrap().save_tensor_name.clone();
        let save = save.split(':').next().unwrap();
        nodes(graph).retain(|node| node.name != save);
        nodes(graph).reverse();
    });
}

#[test]
fn a_node_that_takes_what_is_gone_is_noticed() {
    noticed("keras-lstm", "which is not there any more", |graph| {
        let unread = nodes(graph).iter().find(|node| node.op == "VarHandleOp").unwrap().name.clone();
        nodes(graph).retain(|node| node.name != unread);
    });
}

#[test]
fn signatures_stay() {
    noticed("keras-lstm", "the signature", |graph| graph.signature_def.clear());
    noticed("keras-lstm", "the signature", |graph| {
        let signature = graph.signature_def.get_mut("serving_default").unwrap();
        signature.outputs.values_mut().for_each(|output| output.dtype += 1);
    });
}

#[test]
fn a_function_that_a_program_finds_stays_where_callables_are_promised() {
    let gone = |graph: &mut MetaGraphDef| {
        let nodes = &mut objects(graph).nodes;
        let is_function: Vec<bool> = nodes.iter().map(|it| matches!(it.kind, Some(Kind::Function(_)))).collect();
        nodes[0].children.retain(|child| !is_function[usize::try_from(child.node_id).unwrap()]);
    };
    harmless("keras-lstm", &[Promise::Signatures], gone);
    let [old, new] = changed("keras-lstm", gone);
    assert!(held(&old, &new, Promise::Callables).iter().any(|reason| reason.contains("any more")));
}

/// The list of variables that the root of `keras-export` keeps besides those that functions have captured.
fn list_of_all(graph: &mut MetaGraphDef) -> &mut SavedObject {
    let nodes = &mut objects(graph).nodes;
    let list = nodes[0].children.iter().find(|child| child.local_name == "_all_variables").unwrap().node_id;
    &mut nodes[usize::try_from(list).unwrap()]
}

#[test]
fn an_object_of_a_registered_class_keeps_all_of_its_variables() {
    let less = |graph: &mut MetaGraphDef| drop(list_of_all(graph).children.remove(0));
    harmless("keras-export", &LESS, less);
    let of_a_class = |graph: &mut MetaGraphDef| match &mut list_of_all(graph).kind {
        Some(Kind::UserObject(user)) => user.identifier = "experimentalOptimizer".to_owned(),
        other => panic!("{other:?}"),
    };
    let [old, new] = changed_twice("keras-export", of_a_class, less);
    assert_eq!(held(&old, &old, Promise::Callables), [""; 0]);
    let reasons = held(&old, &new, Promise::Callables);
    assert!(reasons.iter().any(|reason| reason.contains("wants all of its children")), "{reasons:?}");
}

#[test]
fn a_metagraph_may_go_where_signatures_are_promised() {
    let old = fixture("two-metagraphs");
    let mut main = SavedModel::decode(old[MAIN].clone()).unwrap();
    let is_served = |tags: &[String]| tags == ["serve"];
    main.meta_graphs.retain(|graph| is_served(&graph.meta_info_def.as_ref().unwrap().tags));
    assert_eq!(main.meta_graphs.len(), 1);
    let mut new = old.clone();
    new.insert(MAIN.to_owned(), main.encode_to_vec().into());
    assert_eq!(held(&old, &new, Promise::Signatures), [""; 0]);
    assert!(held(&old, &new, Promise::Callables).iter().any(|reason| reason.contains("the metagraph of")));
}

#[test]
fn a_key_that_is_restored_stays() {
    for (name, promise) in ["keras-export", "partitioned", "sharded"].into_iter().zip(LESS.into_iter().cycle()) {
        let old = fixture(name);
        let entries: Vec<_> = Table::open(old[INDEX].clone()).unwrap().entries().map(Result::unwrap).collect();
        for gone in entries.iter().filter(|entry| !entry.key.is_empty()) {
            let kept = entries.iter().filter(|entry| entry.key != gone.key);
            let index = table::write(kept.map(|entry| (&*entry.key, &*entry.value)));
            let mut new = old.clone();
            new.insert(INDEX.to_owned(), index.into());
            let reasons = held(&old, &new, promise);
            assert!(!reasons.is_empty(), "{name}: {}", String::from_utf8_lossy(&gone.key));
        }
    }
}

#[test]
fn files_stay_that_are_asked_for() {
    for (name, file) in [("lookup-table", "assets/"), ("keras-lstm", "keras_metadata.pb")] {
        let old = fixture(name);
        let mut new = old.clone();
        new.retain(|name, _| !name.starts_with(file));
        assert!(held(&old, &new, Promise::Callables).iter().any(|reason| reason.contains(file)));
        assert_eq!(held(&old, &new, Promise::Signatures).is_empty(), file == "keras_metadata.pb");
    }
}
