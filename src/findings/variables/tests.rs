//! Models whose variables nothing needs, and what findings say of them.

#![allow(clippy::cast_possible_truncation)]

use bytes::Bytes;

use crate::findings::{Finding, Slim};
use crate::input::Model;
use crate::progress::Silent;
use crate::support::bundle::{DATA, INDEX, bytes_entry, index, string_entry};
use crate::support::graph::{call, function_of, graph_of, node_of, object, objects, signature, strings, tracked};
use crate::support::table::{masked, string_tensor};
use crate::support::wire::{Message, constant, message, meta_graph, node, saved_model};
use crate::{Options, audit};

/// A variable of a model, and who uses it.
#[derive(Clone)]
struct Var {
    key: String,
    content: Vec<u8>,
    /// The graph has a handle of it, which the saver restores, and gives it to the function `f` that a signature calls.
    served: bool,
    /// The function of the object graph that has captured it: `f`, `train`, or none.
    captured: &'static str,
    /// The variable, by position, whose handle the saver restores this one into, too; it has none of its own.
    shares: Option<usize>,
}

fn var(key: &str, content: &[u8]) -> Var {
    Var { key: key.to_owned(), content: content.to_vec(), served: false, captured: "", shares: None }
}

/// A variable that the signature reads, in a session and in Python.
fn served(key: &str, content: &[u8]) -> Var {
    Var { served: true, captured: "f", ..var(key, content) }
}

/// A content that is like no other with another seed.
fn noise(seed: u32, bytes: usize) -> Vec<u8> {
    (0..bytes as u32).map(|at| (at.wrapping_mul(2_654_435_761).wrapping_add(seed << 7) >> 13) as u8).collect()
}

/// A model as `tf.saved_model.save` writes it: a handle and a read for each variable, a saver over all, a signature that
/// calls `f`, and a `train` function that only Python can call.
#[derive(Clone, Default)]
struct Tf2 {
    variables: Vec<Var>,
    /// Further objects, numbered after the root, the two functions and the variables.
    objects: Vec<Message>,
    /// Children of the root besides the functions and the variables.
    children: Vec<(&'static str, u64)>,
    /// The variables, by position, that the root does not lead to itself.
    untracked: Vec<usize>,
    /// Nodes of `f`.
    body: Vec<Message>,
    /// Nodes of the graph.
    nodes: Vec<Message>,
}

/// The numbers of the functions' objects and of the first variable.
const F: u64 = 1;
const TRAIN: u64 = 2;
const FIRST: u64 = 3;

fn of(variables: &[Var]) -> Tf2 {
    Tf2 { variables: variables.to_vec(), ..Tf2::default() }
}

impl Tf2 {
    fn graph(&self) -> Message {
        let name = |at: usize| format!("Variable_{at}");
        let mut nodes = self.nodes.clone();
        let (mut arguments, mut inputs) = (vec!["x".to_owned()], vec!["x".to_owned()]);
        let mut keys = Vec::new();
        for (at, variable) in self.variables.iter().enumerate() {
            let restored = format!("save/RestoreV2:{at}");
            let handle = name(variable.shares.unwrap_or(at));
            nodes.push(node_of(&format!("save/Assign_{at}"), "AssignVariableOp", &[&handle, &restored]));
            keys.push(&*variable.key);
            if variable.shares.is_some() {
                continue;
            }
            let shared = message().bytes(2, name(at));
            nodes.push(node(&name(at), "VarHandleOp").entry(5, "shared_name", &shared));
            nodes.push(node_of(&format!("{}/Read", name(at)), "ReadVariableOp", &[&name(at)]));
            if variable.served {
                arguments.push(format!("unknown_{at}"));
                inputs.push(name(at));
            }
        }
        let assigns: Vec<String> = (0..keys.len()).map(|at| format!("^save/Assign_{at}")).collect();
        nodes.extend([
            node("x", "Placeholder"),
            call("y", "f", &inputs.iter().map(String::as_str).collect::<Vec<_>>()),
            strings("save/names", &keys),
            strings("save/slices", &vec![""; keys.len()]),
            node_of("save/RestoreV2", "RestoreV2", &["save/Const", "save/names", "save/slices"]),
            node_of("save/restore_all", "NoOp", &assigns.iter().map(String::as_str).collect::<Vec<_>>()),
        ]);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let reads = arguments.iter().skip(1).map(|name| node_of(&format!("{name}/Read"), "ReadVariableOp", &[name]));
        let body: Vec<Message> = reads.chain(self.body.iter().cloned()).collect();
        graph_of(&nodes, &[function_of("f", &arguments, &body), function_of("train", &[], &[])])
    }

    fn saved_objects(&self) -> Message {
        let names: Vec<String> = (0..self.variables.len()).map(|at| format!("v{at}")).collect();
        let of_root = (FIRST..).zip(&names).zip(0..).filter(|(_, at)| !self.untracked.contains(at));
        let of_root = of_root.map(|((number, name), _)| (&**name, number));
        let functions = [("serve", F), ("fit", TRAIN)];
        let children: Vec<(&str, u64)> =
            functions.into_iter().chain(of_root).chain(self.children.iter().copied()).collect();
        let trace = |name: &str| object(6, &message().bytes(1, name), &[]);
        let variables = names.iter().map(|name| object(7, &message().bytes(6, name), &[]));
        let root = object(4, &message().bytes(1, "_generic_user_object"), &children);
        let all = [root, trace("f"), trace("train")].into_iter().chain(variables).chain(self.objects.iter().cloned());
        let captured = |function: &str| -> Vec<u8> {
            let variables = (FIRST as u8..).zip(&self.variables);
            variables.filter(|(_, variable)| variable.captured == function).map(|(number, _)| number).collect()
        };
        objects(&all.collect::<Vec<_>>(), &[("f", &captured("f")), ("train", &captured("train"))])
    }

    fn files(&self) -> Vec<(String, Vec<u8>)> {
        let none = ["", "", ""].into_iter();
        let keys: Vec<&str> = none.chain(self.variables.iter().map(|variable| &*variable.key)).collect();
        let graph = signature(meta_graph(&["serve"], &self.graph()), "serving_default", &["x:0"], &["y:0"]);
        let graph = graph.message(3, &message().bytes(3, "save/restore_all")).message(7, &self.saved_objects());
        let [index, data] = checkpoint(&self.variables, Some(&tracked(&keys).0));
        vec![("saved_model.pb".to_owned(), saved_model([&graph]).0), index, data]
    }

    fn findings(&self) -> Vec<Finding> {
        findings(self.files())
    }

    /// The finding of this id, and what the model is smaller by without it.
    fn saves(&self, id: &str, fixed: &Self) -> (u64, u64) {
        let size = |model: &Self| model.files().iter().map(|(_, contents)| contents.len() as u64).sum::<u64>();
        let found = self.findings();
        let found = found.iter().find(|finding| finding.id == id).unwrap_or_else(|| panic!("no {id}: {found:#?}"));
        (found.bytes, size(self) - size(fixed))
    }
}

/// A checkpoint of these variables, in the order of their keys, and of an object graph.
fn checkpoint(variables: &[Var], tracked: Option<&[u8]>) -> [(String, Vec<u8>); 2] {
    let (mut entries, mut data) = (Vec::new(), Vec::new());
    if let Some(tracked) = tracked {
        entries.push(("_CHECKPOINTABLE_OBJECT_GRAPH".to_owned(), string_entry(0, tracked)));
        data = string_tensor(&[tracked]);
    }
    for variable in variables {
        let crc = masked(crc32c::crc32c(&variable.content));
        let entry = bytes_entry(data.len() as u64, variable.content.len() as u64).fixed32(6, crc);
        entries.push((variable.key.clone(), entry));
        data.extend_from_slice(&variable.content);
    }
    entries.sort_by(|a, b| a.0.cmp(&b.0));
    let entries: Vec<(&str, Message)> = entries.iter().map(|(key, entry)| (&**key, entry.clone())).collect();
    [(INDEX.to_owned(), index(&entries)), (DATA.to_owned(), data)]
}

fn findings(files: Vec<(String, Vec<u8>)>) -> Vec<Finding> {
    let model = Model::in_memory("model", files.into_iter().map(|(name, contents)| (name, Bytes::from(contents))));
    let report = audit(&model, &Options::default(), &Silent).unwrap();
    assert_eq!(report.problems, []);
    report.findings
}

/// The ids of findings.
fn ids(findings: &[Finding]) -> Vec<&str> {
    findings.iter().map(|finding| &*finding.id).collect()
}

/// The evidence of the finding of this id.
fn evidence(findings: &[Finding], id: &str) -> String {
    findings.iter().find(|finding| finding.id == id).map(|finding| finding.evidence.join("\n")).unwrap_or_default()
}

/// An estimate is within this share of the truth, in percent.
#[track_caller]
fn assert_near((estimate, truth): (u64, u64), percent: u64) {
    assert!(estimate.abs_diff(truth) * 100 <= truth * percent, "{estimate} is not near {truth}");
}

#[test]
fn a_variable_that_nothing_reads_is_unused_with_all_that_is_there_for_it() {
    let fixed = of(&[served("w", &noise(1, 3000))]);
    let bloated = of(&[served("w", &noise(1, 3000)), var("x", &noise(2, 1500))]);
    assert_eq!(ids(&bloated.findings()), ["unused-variable"]);
    assert_near(bloated.saves("unused-variable", &fixed), 5);
    assert_eq!(ids(&fixed.findings()), [""; 0]);
}

#[test]
fn a_variable_that_a_function_of_the_object_graph_has_captured_is_not_unused() {
    let train = Var { captured: "train", ..var("x", &noise(2, 5000)) };
    assert_eq!(ids(&of(&[served("w", &noise(1, 3000)), train]).findings()), ["unserved-variable"]);
}

#[test]
fn where_nothing_can_be_called_nothing_is_unused() {
    let nodes = [node("w", "VariableV2"), node("u", "VariableV2")];
    let graph = meta_graph(&["train"], &graph_of(&nodes, &[]));
    let [index, data] = checkpoint(&[var("u", &noise(1, 5000)), var("w", &noise(2, 5000))], None);
    let files =
        |graph: &Message| vec![("saved_model.pb".to_owned(), saved_model([graph]).0), index.clone(), data.clone()];
    assert_eq!(ids(&findings(files(&graph))), [""; 0]);
    let called = signature(graph, "serving_default", &[], &["w:0"]);
    assert_eq!(ids(&findings(files(&called))), ["unused-variable"]);
}

#[test]
fn data_that_a_key_in_use_names_as_well_stays() {
    let mut files = of(&[served("w", &noise(1, 9000)), var("x", &noise(2, 9000))]).files();
    let tracked = tracked(&["", "", "", "w", "x"]).0;
    let at = string_tensor(&[&tracked]).len() as u64;
    let crc = masked(crc32c::crc32c(&noise(1, 9000)));
    let entry = || bytes_entry(at, 9000).fixed32(6, crc);
    let keys = [("_CHECKPOINTABLE_OBJECT_GRAPH", string_entry(0, &tracked)), ("w", entry()), ("x", entry())];
    files[1].1 = index(&keys);
    files[2].1.truncate(at as usize + 9000);
    let found = findings(files);
    assert!(found.iter().all(|finding| finding.bytes < 1500), "{found:#?}");
}

/// A model of Keras 3 after `compile`: the optimizer, which says nothing of itself, is what first leads to the weight.
fn keras3() -> Tf2 {
    let variables = [
        served("optimizer/_trainable_variables/0", &noise(1, 4000)),
        var("optimizer/_variables/2", &noise(2, 4000)),
        var("optimizer/_variables/3", &noise(3, 4000)),
        var("optimizer/_iterations", &[3, 0, 0, 0, 0, 0, 0, 0]),
        var("optimizer/_learning_rate", &[1, 2, 3, 4]),
    ];
    let lists = |identifier: &str, children: &[(&str, u64)]| object(4, &message().bytes(1, identifier), children);
    let children = [("_variables", 9), ("_trainable_variables", 10), ("_iterations", 6), ("_learning_rate", 7)];
    Tf2 {
        variables: variables.to_vec(),
        untracked: vec![0, 1, 2, 3, 4],
        children: vec![("optimizer", 8), ("layer", 11)],
        objects: vec![
            lists("_generic_user_object", &children),
            lists("trackable_list_wrapper", &[("0", 6), ("1", 7), ("2", 4), ("3", 5)]),
            lists("trackable_list_wrapper", &[("0", 3)]),
            lists("_generic_user_object", &[("kernel", 3)]),
        ],
        ..Tf2::default()
    }
}

#[test]
fn what_only_an_optimizer_leads_to_is_its_state_and_the_weights_that_it_lists_are_not() {
    let found = keras3().findings();
    assert_eq!(ids(&found), ["optimizer-state"]);
    let evidence = evidence(&found, "optimizer-state");
    for key in ["_variables/2`", "_variables/3`", "_iterations`", "_learning_rate`"] {
        assert!(evidence.contains(key), "{evidence}");
    }
    assert!(!evidence.contains("_trainable_variables"), "{evidence}");
    assert_near(keras3().saves("optimizer-state", &of(&[served("layer/kernel", &noise(1, 4000))])), 5);
}

#[test]
fn weights_under_optimizer_keys_that_no_function_reads_are_unused_and_no_optimizer_state() {
    let mut model = keras3();
    model.variables[0] = var("optimizer/_trainable_variables/0", &noise(1, 4000));
    let found = model.findings();
    assert_eq!(ids(&found), ["optimizer-state", "unused-variable"]);
    assert!(!evidence(&found, "optimizer-state").contains("_trainable_variables"));
    assert!(evidence(&found, "unused-variable").contains("_trainable_variables"));
}

#[test]
fn the_state_of_an_optimizer_that_a_function_trains_with_is_in_use() {
    let mut model = keras3();
    model.variables[1..].iter_mut().for_each(|variable| variable.captured = "train");
    assert_eq!(ids(&model.findings()), ["unserved-variable"]);
}

#[test]
fn an_object_with_slot_variables_is_an_optimizer_and_owns_them() {
    let slot = message().int(1, 3).bytes(2, "m").int(3, 4);
    let optimizer = object(4, &message().bytes(1, "anything"), &[]).message(3, &slot);
    let model = Tf2 {
        variables: vec![served("w", &noise(1, 4000)), var("w/.OPTIMIZER_SLOT/m", &noise(2, 4000))],
        untracked: vec![1],
        children: vec![("opt", 5)],
        objects: vec![optimizer],
        ..Tf2::default()
    };
    assert_eq!(ids(&model.findings()), ["optimizer-state"]);
}

#[test]
fn an_optimizer_of_sonnet_is_known_by_its_lists_of_slots() {
    let found = |step: &str| {
        let optimizer = object(4, &message().bytes(1, "_generic_user_object"), &[("m", 8), ("v", 9), (step, 6)]);
        let list = |of: u64| object(4, &message().bytes(1, "trackable_list_wrapper"), &[("0", of)]);
        let model = Tf2 {
            variables: vec![
                served("w", &noise(1, 4000)),
                var("opt/m/0", &noise(2, 4000)),
                var("opt/v/0", &noise(3, 4000)),
                var("opt/step", &noise(4, 8)),
            ],
            untracked: vec![1, 2, 3],
            children: vec![("opt", 7)],
            objects: vec![optimizer, list(4), list(5)],
            ..Tf2::default()
        };
        ids(&model.findings()).join(" ")
    };
    assert_eq!((&*found("step"), &*found("other")), ("optimizer-state", "unused-variable"));
}

#[test]
fn slim_leaves_an_optimizer_that_a_function_asks_or_that_has_another_one() {
    let slot = || message().int(1, 3).bytes(2, "m").int(3, 4);
    let slim = |rate: Var, has: &'static str, objects: Vec<Message>| {
        let variables = vec![served("w", &noise(1, 4000)), var("w/.OPTIMIZER_SLOT/m", &noise(2, 4000)), rate];
        let model = Tf2 { variables, untracked: vec![1, 2], children: vec![(has, 6)], objects, ..Tf2::default() };
        let found = model.findings();
        assert_eq!(ids(&found), ["optimizer-state"]);
        found[0].slim
    };
    let own = [("rate", 5)];
    let optimizer = || object(4, &message().bytes(1, "optimizer"), &own).message(3, &slot());
    let unread = || var("opt/rate", &noise(3, 4));
    assert_eq!(slim(unread(), "opt", vec![optimizer()]), Slim::Inference);
    assert_eq!(slim(served("opt/rate", &noise(3, 4)), "opt", vec![optimizer()]), Slim::None);
    let scaling = object(4, &message().bytes(1, "optimizer"), &[("base_optimizer", 7)]);
    assert_eq!(slim(unread(), "opt", vec![scaling, optimizer()]), Slim::None);
}

/// A training graph of TensorFlow 1 whose signature reads `kernel` alone, and a checkpoint of these keys.
fn training_graph(keys: &[&str]) -> Vec<(String, Vec<u8>)> {
    let variables: Vec<Var> = (0..).zip(keys).map(|(seed, key)| var(key, &noise(seed, 2000))).collect();
    let variable = |key: &&str| [node(key, "VariableV2"), node_of(&format!("{key}/read"), "Identity", &[key])];
    let nodes: Vec<Message> = keys.iter().flat_map(variable).collect();
    let graph = signature(meta_graph(&["serve"], &graph_of(&nodes, &[])), "serve", &[], &["kernel/read:0"]);
    let [index, data] = checkpoint(&variables, None);
    vec![("saved_model.pb".to_owned(), saved_model([&graph]).0), index, data]
}

#[test]
fn in_tensorflow_1_slots_are_known_by_the_name_of_their_variable() {
    let keys = ["kernel", "kernel/Adam", "kernel/Adam_1", "training/SGD/kernel/momentum", "beta1_power"];
    let found = findings(training_graph(&keys));
    assert_eq!(ids(&found), ["optimizer-state"]);
    assert_eq!(evidence(&found, "optimizer-state").lines().count(), 5);
}

#[test]
fn what_an_optimizer_of_keras_counts_and_is_set_to_is_its_state_and_a_layer_that_is_called_so_has_none() {
    let keys = ["kernel", "Adam/iterations", "Adam/lr", "training/SGD/decay", "training/RMSprop_1/learning_rate"];
    let found = findings(training_graph(&keys));
    assert_eq!(ids(&found), ["optimizer-state"]);
    assert_eq!(evidence(&found, "optimizer-state").lines().count(), 5);
    for key in ["decay", "lstm/decay", "Adam/kernel", "AdamNet/iterations", "Adam/lr/scale"] {
        assert_eq!(ids(&findings(training_graph(&["kernel", key]))), ["unused-variable"], "{key}");
    }
}

#[test]
fn an_average_is_no_slot_and_nor_is_what_stands_beside_no_variable_or_in_a_longer_word() {
    for key in ["kernel/ExponentialMovingAverage", "attention/v", "kernel/AdamNet", "kernel/Adam_x", "beta1_power"] {
        assert_eq!(ids(&findings(training_graph(&["kernel", key]))), ["unused-variable"], "{key}");
    }
}

#[test]
fn one_content_under_two_keys_is_stored_twice_where_a_session_needs_only_one() {
    // As Keras 3's `model.export()` writes it: a session restores the one, Python the other.
    let graph = |key: &str| Var { captured: "", ..served(key, &noise(1, 3000)) };
    let python = |key: &str| Var { captured: "f", ..var(key, &noise(1, 3000)) };
    let bloated = of(&[graph("_all_variables/0"), python("variables/0")]);
    assert_eq!(ids(&bloated.findings()), ["variable-stored-twice"]);
    assert_near(bloated.saves("variable-stored-twice", &of(&[served("_all_variables/0", &noise(1, 3000))])), 5);
    let both = of(&[served("_all_variables/0", &noise(1, 3000)), served("variables/0", &noise(1, 3000))]);
    assert_eq!(ids(&both.findings()), ["equal-variables"]);
    let other = Var { content: noise(2, 3000), ..python("variables/0") };
    assert_eq!(ids(&of(&[graph("_all_variables/0"), other]).findings()), [""; 0]);
}

#[test]
fn of_two_keys_that_a_session_restores_into_one_variable_one_is_enough_however_small() {
    // As tf_keras's `model.export()` writes a model of mixed precision: a variable, and the one that it wraps.
    for content in [noise(1, 3000), noise(1, 2600), vec![0; 2600]] {
        let inner = || Var { captured: "", ..served("_all_variables/0", &content) };
        let wrapper = |content: &[u8]| Var { captured: "f", shares: Some(0), ..var("variables/0", content) };
        let bloated = of(&[inner(), wrapper(&content)]);
        let found = bloated.findings();
        assert_eq!(ids(&found), ["variable-stored-twice"]);
        assert!(found[0].evidence[0].contains("`_all_variables/0` is `variables/0` again"), "{found:?}");
        assert_near(bloated.saves("variable-stored-twice", &of(&[served("variables/0", &content)])), 15);
        let other = Var { content: noise(2, content.len()), ..wrapper(&content) };
        assert_eq!(ids(&of(&[inner(), other]).findings()), [""; 0], "the last one that is restored counts");
    }
}

#[test]
fn zeros_and_small_contents_are_stored_twice_only_under_one_name() {
    let pair = |content: &[u8]| of(&[served("a", content), var("b", content)]);
    for content in [noise(1, 900), vec![0; 9000]] {
        assert_eq!(ids(&pair(&content).findings()), ["unused-variable"]);
    }
    assert_eq!(ids(&pair(&noise(1, 1024)).findings()), ["variable-stored-twice"]);
}

#[test]
fn an_average_that_is_named_after_its_variable_is_no_second_key_of_it() {
    let causes = [("kernel/ExponentialMovingAverage", "unused-variable"), ("kernel_1", "variable-stored-twice")];
    for (key, cause) in causes {
        let pair = of(&[served("kernel", &noise(1, 3000)), var(key, &noise(1, 3000))]);
        assert_eq!(ids(&pair.findings()), [cause], "{key}");
    }
}

/// A model that serves a constant with the content of a variable.
fn frozen(variable: Var, body: &[Message], nodes: &[Message]) -> Tf2 {
    Tf2 { body: body.to_vec(), nodes: nodes.to_vec(), ..of(&[variable]) }
}

#[test]
fn a_variable_whose_content_is_a_constant_of_what_signatures_call_is_there_for_nothing() {
    let trained = || Var { captured: "train", ..var("w", &noise(1, 3000)) };
    let weights = constant("weights", &noise(1, 3000));
    let found = frozen(trained(), std::slice::from_ref(&weights), &[]).findings();
    // The function that reads the variable is no cause of its own.
    assert_eq!(ids(&found), ["constant-equals-variable"]);
    assert!(evidence(&found, "constant-equals-variable").contains("`w` is the constant `weights`"));
    let initial = frozen(trained(), &[], &[weights]);
    assert_eq!(ids(&initial.findings()), ["unserved-variable"], "no signature reaches the constant");
}

#[test]
fn a_constant_with_the_content_of_a_variable_that_signatures_read_as_well_is_there_twice() {
    let weights = constant("weights", &noise(1, 3000));
    let found = frozen(served("w", &noise(1, 3000)), std::slice::from_ref(&weights), &[]).findings();
    assert_eq!(ids(&found), ["constant-equals-variable"]);
    assert_eq!((found[0].bytes, found[0].slim), (3000, Slim::None), "the constant alone");
    assert!(found[0].evidence[0].contains("`weights` is the variable `w`, which is read as well"), "{found:?}");
    let other = constant("weights", &noise(2, 3000));
    assert_eq!(ids(&frozen(served("w", &noise(1, 3000)), &[other], &[]).findings()), [""; 0]);
    let fill = constant("ones", &[7; 3000]);
    assert_eq!(ids(&frozen(served("w", &[7; 3000]), &[fill], &[]).findings()), [""; 0], "equal by chance");
    // What sets the variable back to its first value needs that value.
    let set = node_of("set", "AssignVariableOp", &["v0", "weights:output:0"]);
    assert_eq!(ids(&frozen(served("w", &noise(1, 3000)), &[weights, set], &[]).findings()), [""; 0]);
}

#[test]
fn a_constant_that_a_function_captured_is_none_that_was_frozen() {
    // As Keras's Normalization: `mean` is a variable for the next `adapt`, and a tensor that `call` computes with.
    let mean = Var { ..var("mean", &noise(1, 3000)) };
    let held = object(9, &message().bytes(1, "Const"), &[]);
    let model = Tf2 {
        nodes: vec![constant("Const", &noise(1, 3000))],
        children: vec![("_mean", 4)],
        objects: vec![held],
        ..of(&[mean])
    };
    let found = model.findings();
    assert_eq!(ids(&found), ["unused-variable"]);
}

#[test]
fn counters_of_metrics_are_called_so() {
    let metric = object(4, &message().bytes(1, "_tf_keras_metric"), &[("total", 4), ("count", 5)]);
    let named = Tf2 {
        variables: vec![served("w", &noise(1, 3000)), var("m/total", &noise(2, 800)), var("m/count", &noise(3, 800))],
        untracked: vec![1, 2],
        children: vec![("metric", 6)],
        objects: vec![metric],
        ..Tf2::default()
    };
    let message =
        |model: &Tf2| model.findings().into_iter().find(|found| found.id == "unused-variable").unwrap().message;
    assert!(
        message(&named)
            .contains("2 variables are read by no signature and no function, 1,600 bytes of data: counters of metrics")
    );
    // Before TensorFlow 2.2 what `keras_api` holds as `metrics` had no name of its own.
    let plain = |children: &[(&str, u64)]| object(4, &bytes_of("_generic_user_object"), children);
    let held = Tf2 {
        children: vec![("keras_api", 6)],
        objects: vec![plain(&[("metrics", 7)]), plain(&[("0", 8)]), plain(&[("total", 4), ("count", 5)])],
        ..named.clone()
    };
    assert!(message(&held).contains(": counters of metrics"), "{}", message(&held));
    let mut some = named;
    some.variables.push(var("x", &noise(2, 3000)));
    some.untracked.clear();
    some.children = vec![("metric", 7)];
    some.objects = vec![object(4, &bytes_of("_tf_keras_metric"), &[("total", 4)])];
    some.untracked.push(1);
    assert!(message(&some).contains("of data, 1 counters of metrics"), "{}", message(&some));
}

fn bytes_of(identifier: &str) -> Message {
    message().bytes(1, identifier)
}

#[test]
fn what_an_optimizers_op_keeps_for_a_variable_is_its_state_also_where_nothing_can_be_called() {
    let keys = ["dense", "a", "b", "global_step"];
    let variables: Vec<Var> = (0..).zip(keys).map(|(seed, key)| var(key, &noise(seed, 2000))).collect();
    let mut nodes: Vec<Message> = keys.iter().map(|key| node(key, "VariableV2")).collect();
    nodes.push(node_of("update", "ApplyAdam", &["dense", "a", "b", "beta1", "beta2", "rate", "gradient"]));
    let graph = meta_graph(&["train"], &graph_of(&nodes, &[]));
    let [index, data] = checkpoint(&variables, None);
    let found = findings(vec![("saved_model.pb".to_owned(), saved_model([&graph]).0), index, data]);
    assert_eq!(ids(&found), ["optimizer-state"]);
    let told = evidence(&found, "optimizer-state");
    assert!(told.contains("`a`: 2,000 bytes") && told.contains("`b`: 2,000 bytes"), "{told}");
    assert!(!told.contains("`dense`") && !told.contains("`global_step`"), "{told}");
}

#[test]
fn variables_without_a_name_in_the_scope_of_a_keras_optimizer_are_its_state() {
    for key in ["training/SGD/Variable", "training/RMSprop/Variable_3", "training_2/Adam_1/Variable"] {
        assert_eq!(ids(&findings(training_graph(&["kernel", key]))), ["optimizer-state"], "{key}");
    }
    for key in ["model/Variable", "training/SGD/VariableNorm", "SGDs/Variable"] {
        assert_eq!(ids(&findings(training_graph(&["kernel", key]))), ["unused-variable"], "{key}");
    }
}

/// A model of so many scalars.
fn scalars(count: u32) -> Tf2 {
    of(&(0..count).map(|n| served(&format!("v/{n:04}"), &n.to_le_bytes())).collect::<Vec<_>>())
}

#[test]
fn a_hundred_tiny_variables_cost_more_than_they_hold() {
    let found = scalars(120).findings();
    assert_eq!(ids(&found), ["per-variable-overhead"]);
    assert_near(scalars(120).saves("per-variable-overhead", &scalars(1)), 5);
    assert_eq!(ids(&scalars(99).findings()), [""; 0]);
}

#[test]
fn tiny_variables_beside_large_ones_are_no_cause() {
    let mut model = scalars(120);
    model.variables.push(served("w", &noise(1, 200_000)));
    assert_eq!(ids(&model.findings()), [""; 0]);
}
