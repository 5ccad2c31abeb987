//! What goes where only signatures are promised: nodes of functions that nothing runs, objects that no signature needs; and ops
//! that are listed and not used.

use super::functions::{EntryOfText as _, calling, giving};
use super::*;

#[test]
fn definitions_of_ops_go_that_no_node_is_of() {
    let op = |name: &str| message().bytes(1, name);
    let list = ["Placeholder", "Neg", "Abs", "StatefulPartitionedCall"]
        .iter()
        .fold(message(), |it, name| it.message(1, &op(name)));
    let meta = calling(&["f"], &[giving("f", "a:y:0", &[node_of("a", "Abs", &["x"])])]);
    let made = after(SlimStep::UnusedOps, &meta.message(1, &message().message(2, &list))).unwrap();
    let listed = made.meta_info_def.as_ref().unwrap().stripped_op_list.as_ref().unwrap();
    let names: Vec<&str> = listed.op.iter().map(|op| &*op.name).collect();
    assert_eq!(names, ["Placeholder", "Abs", "StatefulPartitionedCall"]);
}

#[test]
fn nodes_of_a_function_go_that_nothing_runs() {
    let nodes_of = [
        node_of("a", "Abs", &["x"]).entry(5, "_class", &texts("loc:@beside")),
        node("beside", "NoOp"),
        node_of("waited", "Neg", &["x"]),
        node_of("set", "AssignVariableOp", &["x", "value:output:0"]),
        constant("value", b"1"),
        node_of("result", "Identity", &["a:y:0", "^waited"]),
        node_of("dead", "Neg", &["more:y:0"]),
        call("more", "lost", &["x"]),
        node_of("log", "Abs", &["x"]),
        node_of("dead_call", "PartitionedCall", &["x"]).entry(5, "f", &func("lost")),
    ];
    let functions_of = |nodes: &[Message]| {
        let f = giving("f", "result:output:0", nodes).entry_of_text(6, "log", "log");
        [f, giving("lost", "a:y:0", &[node_of("a", "Abs", &["x"])])]
    };
    let made = after(SlimStep::DeadNodes, &calling(&["f"], &functions_of(&nodes_of))).unwrap();
    let of_f = &graph(&made).library.as_ref().unwrap().function[0].node_def;
    let names: Vec<&str> = of_f.iter().map(|node| &*node.name).collect();
    assert_eq!(names, ["a", "beside", "waited", "set", "value", "result", "more", "log"], "a call may change a state");
    assert_eq!(functions(&made), ["f", "lost"]);
    let without_call: Vec<Message> =
        nodes_of.iter().enumerate().filter(|(at, _)| *at != 7).map(|(_, it)| it.clone()).collect();
    let made = after(SlimStep::DeadNodes, &calling(&["f"], &functions_of(&without_call))).unwrap();
    assert_eq!(functions(&made), ["f"], "what only dead nodes call goes with them");
}

/// Objects of Keras: a layer with its list and a variable, functions, and one that a class makes.
fn of_keras() -> (Message, Message) {
    let user = |identifier: &str, children: &[(&str, u64)]| {
        object(4, &message().bytes(1, identifier).bytes(3, "{\"much\": \"is said\"}"), children)
    };
    let saved = [
        user(
            "_tf_keras_sequential",
            &[("layer", 1), ("signatures", 4), ("variables", 2), ("optimizer", 7), ("apart", 9)],
        ),
        user("_tf_keras_layer", &[("kernel", 3), ("call", 6)]),
        user("trackable_list_wrapper", &[("0", 3)]),
        object(7, &message().bytes(6, "kernel"), &[]),
        object(4, &message().bytes(1, "signature_map"), &[("serve", 5)]),
        object(8, &message().bytes(1, "f"), &[]),
        object(6, &message(), &[]),
        user("optimizer", &[("rates", 8)]),
        user("trackable_list_wrapper", &[]),
        user("_tf_keras_layer", &[]),
    ];
    let meta = calling(&["f"], &[giving("f", "a:y:0", &[node_of("a", "Abs", &["x"])])]);
    let child = |(name, node): &(&str, u64)| message().int(1, *node).bytes(2, name);
    let tracked_of = |children: &[(&str, u64)]| message().messages(1, &children.iter().map(child).collect::<Vec<_>>());
    let tracked = [
        tracked_of(&[("layer", 1), ("variables", 2), ("optimizer", 4)]),
        tracked_of(&[("kernel", 3)]),
        tracked_of(&[("0", 3)]),
        message().message(2, &message().bytes(1, "VARIABLE_VALUE").bytes(3, "v")),
        tracked_of(&[("rates", 5)]),
        tracked_of(&[]),
    ];
    (meta.message(7, &objects(&saved, &[("f", &[3])])), message().messages(1, &tracked))
}

fn without_other_objects(
    meta: &Message,
    tracked: &Message,
    has_keras: bool,
) -> Option<(MetaGraphDef, TrackableObjectGraph)> {
    let tensors = tensors(&["_CHECKPOINTABLE_OBJECT_GRAPH", "v"]);
    let parts = Parts { main: saved_model([meta]).0.into(), ..Parts::default() };
    let stored = stored(&tensors, Some(tracked), has_keras);
    let (after, _) = rewritten(SlimStep::OtherObjects, &parts, Some(&stored), &Wanted::default()).unwrap()?;
    let main = SavedModel::decode(&*after.main).unwrap().meta_graphs.remove(0);
    Some((main, TrackableObjectGraph::decode(&*after.tracked.unwrap()).unwrap()))
}

#[test]
fn of_objects_one_way_to_each_variable_stays_and_what_a_class_makes() {
    let (meta, tracked) = of_keras();
    let (made, tracked) = without_other_objects(&meta, &tracked, false).unwrap();
    let saved = &made.object_graph_def.as_ref().unwrap().nodes;
    assert_eq!(saved.len(), 9, "nothing names what is behind the last one");
    let children = |at: usize| saved[at].children.iter().map(|child| &*child.local_name).collect::<Vec<_>>();
    assert_eq!(children(0), ["signatures", "variables", "optimizer"]);
    assert_eq!((children(2), children(4), children(7)), (vec!["0"], vec!["serve"], vec!["rates"]));
    assert!([1, 6].iter().all(|at| saved[*at].encode_to_vec() == [0x22, 0]));
    let said = |at: usize| match &saved[at].kind {
        Some(crate::proto::saved_object::Kind::UserObject(user)) => user.metadata.len(),
        other => panic!("{other:?}"),
    };
    assert!(said(0) == 0 && said(7) > 0, "what Keras says of its objects is for its own loader");
    let children = |at: usize| tracked.nodes[at].children.iter().map(|child| &*child.local_name).collect::<Vec<_>>();
    assert_eq!((children(0), children(2)), (vec!["variables", "optimizer"], vec!["0"]));
    assert!(tracked.nodes[1].encode_to_vec().is_empty());
}

#[test]
fn a_variable_keeps_a_way_that_the_checkpoint_has() {
    let (meta, _) = of_keras();
    let child = |name: &str, node: u64| message().message(1, &message().int(1, node).bytes(2, name));
    let value = message().message(2, &message().bytes(1, "VARIABLE_VALUE").bytes(3, "v"));
    let tracked = message().messages(1, &[child("layer", 1), child("kernel", 2), value]);
    let (made, _) = without_other_objects(&meta, &tracked, false).unwrap();
    let root = &made.object_graph_def.as_ref().unwrap().nodes[0];
    let children: Vec<&str> = root.children.iter().map(|child| &*child.local_name).collect();
    assert_eq!(children, ["layer", "signatures", "optimizer"]);
}

#[test]
fn with_metadata_of_keras_all_objects_stay() {
    let (meta, tracked) = of_keras();
    assert!(without_other_objects(&meta, &tracked, true).is_none());
}
