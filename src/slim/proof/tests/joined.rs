//! Functions that became one and should not have, and what goes where only signatures are promised.

use super::*;
use crate::proto::trackable_object_graph::trackable_object::ObjectReference;
use crate::proto::{SavedBareConcreteFunction, SavedFunction, SavedUserObject};
use crate::slim::Wanted;

/// A function with one node, which is of this op.
fn function_of(name: &str, node: NodeDef) -> FunctionDef {
    let signature = crate::proto::OpDef { name: name.to_owned(), ..Default::default() };
    FunctionDef { signature: Some(signature), node_def: vec![node], ..Default::default() }
}

/// A node that calls a function.
fn call_of(name: &str, function: &str) -> NodeDef {
    let func = crate::proto::NameAttrList { name: function.to_owned(), ..Default::default() };
    let attr = BTreeMap::from([("f".to_owned(), AttrValue { value: Some(Value::Func(func)) })]);
    NodeDef { name: name.to_owned(), op: "StatefulPartitionedCall".to_owned(), attr, ..Default::default() }
}

/// Two functions that call one with random numbers of this seed, each called by a node.
fn with_random(seed: i64) -> impl Fn(&mut MetaGraphDef) {
    move |graph| {
        let attr = BTreeMap::from([("seed".to_owned(), AttrValue { value: Some(Value::I(seed)) })]);
        let node = NodeDef { name: "r".to_owned(), op: "RandomUniform".to_owned(), attr, ..Default::default() };
        functions(graph).push(function_of("random", node));
        for name in ["one", "two"] {
            functions(graph).push(function_of(name, call_of("call", "random")));
            nodes(graph).push(call_of(&format!("of_{name}"), name));
        }
    }
}

#[test]
fn callers_of_random_numbers_from_a_seed_stay_apart() {
    let one = |graph: &mut MetaGraphDef| {
        let node = nodes(graph).iter_mut().find(|node| node.name == "of_two").unwrap();
        *callee(node).unwrap() = "one".to_owned();
    };
    for promise in LESS {
        let [old, new] = changed_twice("keras-lstm", with_random(7), one);
        let reasons = held(&old, &new, promise);
        assert!(reasons.iter().any(|reason| reason.contains("of_two")), "{reasons:?}");
        // Without one they are others in each run.
        let [old, new] = changed_twice("keras-lstm", with_random(0), one);
        assert_eq!(held(&old, &new, promise), [""; 0]);
    }
}

/// Gives the root an attribute that is a function, a copy of that of the first signature, whose arguments are called like this.
fn with_a_copy(keywords: &'static [&'static str]) -> impl Fn(&mut MetaGraphDef) {
    move |graph| {
        let found = objects(graph).nodes.iter().find_map(|object| match &object.kind {
            Some(Kind::BareConcreteFunction(function)) => Some(function.clone()),
            _ => None,
        });
        let of_signature = found.unwrap();
        let name = &of_signature.concrete_function_name;
        let mut copy = functions(graph).iter().find(|function| function_name(function) == name).unwrap().clone();
        copy.signature.as_mut().unwrap().name = "copy".to_owned();
        functions(graph).push(copy);
        let said = objects(graph).concrete_functions[name].clone();
        objects(graph).concrete_functions.insert("copy".to_owned(), said);
        let mut own = SavedBareConcreteFunction { concrete_function_name: "copy".to_owned(), ..*of_signature };
        own.argument_keywords.extend(keywords.iter().map(|keyword| (*keyword).to_owned()));
        let number = i32::try_from(objects(graph).nodes.len()).unwrap();
        let kind = Some(Kind::BareConcreteFunction(Box::new(own)));
        objects(graph).nodes.push(SavedObject { kind, ..Default::default() });
        let child = ObjectReference { node_id: number, local_name: "copy".to_owned() };
        objects(graph).nodes[0].children.push(child);
    }
}

/// The names of the functions that objects are, in their order.
fn names_of_functions(graph: &mut MetaGraphDef) -> Vec<String> {
    let name = |object: &SavedObject| match &object.kind {
        Some(Kind::BareConcreteFunction(function)) => Some(function.concrete_function_name.clone()),
        _ => None,
    };
    objects(graph).nodes.iter().filter_map(name).collect()
}

#[test]
fn functions_of_python_that_are_called_in_two_ways_stay_apart() {
    let one = |graph: &mut MetaGraphDef| {
        let names = names_of_functions(graph);
        for object in &mut objects(graph).nodes {
            if let Some(Kind::BareConcreteFunction(function)) = &mut object.kind
                && function.concrete_function_name == "copy"
            {
                function.concrete_function_name = names[0].clone();
            }
        }
        objects(graph).concrete_functions.remove("copy");
        functions(graph).retain(|function| function_name(function) != "copy");
    };
    let held_with = |keywords: &'static [&'static str]| {
        let [old, new] = changed_twice("keras-export", with_a_copy(keywords), one);
        held(&old, &new, Promise::Callables)
    };
    assert_eq!(held_with(&[]), [""; 0]);
    let reasons = held_with(&["other"]);
    assert!(reasons.iter().any(|reason| reason.contains("called in several ways")), "{reasons:?}");
}

/// Gives the root a function of Python with two traces: that of the first signature, and a copy of it.
fn with_two_traces(graph: &mut MetaGraphDef) {
    with_a_copy(&[])(graph);
    let names = names_of_functions(graph);
    let traced = SavedFunction { concrete_functions: names, ..Default::default() };
    objects(graph).nodes.last_mut().unwrap().kind = Some(Kind::Function(Box::new(traced)));
}

fn without_a_trace(graph: &mut MetaGraphDef) {
    functions(graph).retain(|function| function_name(function) != "copy");
    objects(graph).concrete_functions.remove("copy");
    if let Some(Kind::Function(function)) = &mut objects(graph).nodes.last_mut().unwrap().kind {
        function.concrete_functions.retain(|name| name != "copy");
    }
}

#[test]
fn a_trace_of_a_function_that_nobody_asks_for_may_go_where_signatures_are_promised() {
    let [old, new] = changed_twice("keras-export", with_two_traces, without_a_trace);
    assert_eq!(held(&old, &new, Promise::Signatures), [""; 0]);
    assert!(!held(&old, &new, Promise::Callables).is_empty());
    let wanted = Wanted { functions: vec!["copy".to_owned()], ..Wanted::default() };
    let reasons = held_as(&old, &new, &Kept { promise: Promise::Signatures, wanted, ..Kept::default() });
    assert!(reasons.iter().any(|reason| reason.contains("has lost traces of a function")), "{reasons:?}");
}

#[test]
fn ops_that_are_in_use_stay_listed() {
    let without = |is_gone: fn(&str) -> bool| {
        changed("keras-export", |graph| {
            let list = graph.meta_info_def.as_mut().unwrap().stripped_op_list.as_mut().unwrap();
            list.op.retain(|op| !is_gone(&op.name));
        })
    };
    let [old, new] = without(|name| name == "StatefulPartitionedCall");
    assert!(LESS.iter().all(|promise| !held(&old, &new, *promise).is_empty()));
}

/// A node in the first function that nothing takes.
fn with_a_dead_node(graph: &mut MetaGraphDef) {
    let node = NodeDef { name: "dead".to_owned(), op: "NoOp".to_owned(), ..Default::default() };
    functions(graph)[0].node_def.push(node);
}

#[test]
fn dead_nodes_of_functions_may_go_where_signatures_are_promised() {
    let [old, new] = changed_twice("keras-lstm", with_a_dead_node, |graph| {
        functions(graph)[0].node_def.pop().unwrap();
    });
    assert_eq!(held(&old, &new, Promise::Signatures), [""; 0]);
    assert!(!held(&old, &new, Promise::Callables).is_empty());
}

/// What an object says it is, and what its class is told.
fn user(object: &mut SavedObject) -> Option<&mut SavedUserObject> {
    match &mut object.kind {
        Some(Kind::UserObject(user)) => Some(user),
        _ => None,
    }
}

#[test]
fn what_keras_says_of_a_layer_may_go_where_signatures_are_promised() {
    let said = |identifier: &'static str| {
        move |graph: &mut MetaGraphDef| {
            let user = user(&mut objects(graph).nodes[0]).unwrap();
            (user.identifier, user.metadata) = (identifier.to_owned(), "{\"layers\": []}".to_owned());
        }
    };
    let without = |graph: &mut MetaGraphDef| user(&mut objects(graph).nodes[0]).unwrap().metadata.clear();
    let [old, new] = changed_twice("keras-export", said("_tf_keras_network"), without);
    assert_eq!(held(&old, &new, Promise::Signatures), [""; 0]);
    assert!(!held(&old, &new, Promise::Callables).is_empty());
    let [old, new] = changed_twice("keras-export", said("of_a_class"), without);
    assert!(!held(&old, &new, Promise::Signatures).is_empty());
}

#[test]
fn a_variable_keeps_a_way_from_the_root() {
    // Some name leads to each variable that a function has captured, or no loader restores it.
    let [old, new] = changed("keras-export", |graph| {
        for object in &mut objects(graph).nodes {
            object.children.retain(|child| child.local_name == "signatures" || child.local_name == "serving_default");
        }
    });
    assert!(!held(&old, &new, Promise::Signatures).is_empty());
}

/// The inputs of nodes in functions that are constants, with the constants of the same function that equal them.
fn equal_constants(function: &FunctionDef) -> Vec<(String, String)> {
    let plain = |node: &&NodeDef| node.op == "Const" && node.input.is_empty() && !node.attr.contains_key("_class");
    let constants: Vec<&NodeDef> = function.node_def.iter().filter(plain).collect();
    let mut pairs = Vec::new();
    for (at, one) in constants.iter().enumerate() {
        let same = |other: &&&NodeDef| other.attr == one.attr && other.device == one.device;
        pairs.extend(constants[at + 1..].iter().filter(same).map(|other| (one.name.clone(), other.name.clone())));
    }
    pairs
}

/// Has every taker of a function's node take another one.
fn taken_instead(function: &mut FunctionDef, from: &str, to: &str) {
    for input in function.node_def.iter_mut().flat_map(|node| &mut node.input) {
        if input.split(':').next() == Some(from) {
            *input = input.replacen(from, to, 1);
        }
    }
}

#[test]
fn equal_constants_of_a_function_may_be_one_and_others_may_not() {
    let restores =
        |function: &FunctionDef| function.node_def.iter().any(|node| node.op.ends_with("V2") && node.op != "AddV2");
    let joined = |graph: &mut MetaGraphDef, removes: bool| {
        let mut count = 0;
        for function in functions(graph).iter_mut().filter(|function| !restores(function)) {
            for (one, other) in equal_constants(function) {
                taken_instead(function, &other, &one);
                if removes {
                    function.node_def.retain(|node| node.name != other);
                }
                count += 1;
            }
        }
        assert!(count > 1, "there are constants to join");
    };
    harmless("keras-lstm", &LESS, |graph| joined(graph, false));
    harmless("keras-lstm", &[Promise::Signatures], |graph| joined(graph, true));
    // One that takes the place of a constant of another value, and one that is gone and still taken.
    noticed("keras-lstm", "", |graph| {
        for function in functions(graph).iter_mut().filter(|function| !restores(function)) {
            let constants: Vec<String> =
                function.node_def.iter().filter(|node| node.op == "Const").map(|node| node.name.clone()).collect();
            let equal = equal_constants(function);
            let other = constants.windows(2).find(|pair| !equal.contains(&(pair[0].clone(), pair[1].clone())));
            if let Some([one, other]) = other {
                taken_instead(function, other, one);
            }
        }
    });
    noticed("keras-lstm", "", |graph| {
        for function in functions(graph) {
            if let Some((_, other)) = equal_constants(function).first() {
                function.node_def.retain(|node| node.name != *other);
            }
        }
    });
}
