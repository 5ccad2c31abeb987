//! A constant that an op makes of a slice: it is the same constant, or the proof says so.

use super::*;
use crate::proto::tensor_shape_proto::Dim;
use crate::proto::{TensorProto, TensorShapeProto};

fn tensor(dtype: i32, shape: &[i64], content: Vec<u8>) -> Value {
    let dim = shape.iter().map(|size| Dim { size: *size, name: String::new() }).collect();
    Value::Tensor(TensorProto {
        dtype,
        tensor_shape: Some(TensorShapeProto { dim, unknown_rank: false }),
        tensor_content: content.into(),
        ..Default::default()
    })
}

fn node_of(name: &str, op: &str, inputs: &[&str], attributes: Vec<(&str, Value)>) -> NodeDef {
    let attr = attributes.into_iter().map(|(key, value)| (key.to_owned(), AttrValue { value: Some(value) })).collect();
    let input = inputs.iter().map(|input| (*input).to_owned()).collect();
    NodeDef { name: name.to_owned(), op: op.to_owned(), input, attr, ..Default::default() }
}

fn constant(name: &str, dtype: i32, shape: &[i64], content: Vec<u8>) -> NodeDef {
    node_of(name, "Const", &[], vec![("dtype", Value::Type(dtype)), ("value", tensor(dtype, shape, content))])
}

/// float32 and int32.
const FLOAT: i32 = 1;
const INT32: i32 = 3;

fn slice() -> Vec<u8> {
    [0.5_f32, 1.5, 2.5].iter().flat_map(|float| float.to_le_bytes()).collect()
}

/// What the constant of 4 × 3 is made of.
fn made() -> Vec<NodeDef> {
    let sizes = [4_i32, 3].iter().flat_map(|size| size.to_le_bytes()).collect();
    let types = vec![("T", Value::Type(FLOAT)), ("Tidx", Value::Type(INT32))];
    vec![
        constant("k/slice", FLOAT, &[1, 3], slice()),
        constant("k/shape", INT32, &[2], sizes),
        node_of("k", "BroadcastTo", &["k/slice:output:0", "k/shape:output:0"], types),
    ]
}

/// A function of the graph that takes the constant twice, as it was and as it is `made`.
fn held_with(made: Vec<NodeDef>, promise: Promise) -> Vec<String> {
    let with_function = |graph: &mut MetaGraphDef| {
        let signature = crate::proto::OpDef { name: "made".to_owned(), ..Default::default() };
        let constants = vec![constant("k", FLOAT, &[4, 3], slice().repeat(4)), constant("c", FLOAT, &[3], slice())];
        let product = node_of("product", "Mul", &["k:output:0", "c:output:0"], vec![]);
        let print = node_of("print", "PrintV2", &["product:z:0"], vec![]);
        let node_def = [constants, vec![product, print]].concat();
        functions(graph).push(FunctionDef { signature: Some(signature), node_def, ..Default::default() });
        let func = crate::proto::NameAttrList { name: "made".to_owned(), ..Default::default() };
        let call = node_of("of_made", "StatefulPartitionedCall", &[], vec![("f", Value::Func(func))]);
        nodes(graph).push(call);
    };
    let with_made = |graph: &mut MetaGraphDef| {
        let nodes = &mut functions(graph).iter_mut().find(|it| function_name(it) == "made").unwrap().node_def;
        nodes.remove(0);
        nodes.extend(made);
    };
    let [old, new] = changed_twice("keras-export", with_function, with_made);
    held(&old, &new, promise)
}

#[test]
fn a_constant_may_be_made_of_its_slice() {
    for promise in LESS {
        assert_eq!(held_with(made(), promise), [""; 0]);
    }
}

#[test]
fn a_constant_that_is_made_otherwise_is_noticed() {
    type Change = fn(&mut Vec<NodeDef>);
    let wrong: [(&str, Change); 9] = [
        ("another slice", |nodes| {
            nodes[0] = constant("k/slice", FLOAT, &[1, 3], [&slice()[4..], &slice()[..4]].concat());
        }),
        ("elements in the other dimension", |nodes| nodes[0] = constant("k/slice", FLOAT, &[3, 1], slice())),
        ("another type", |nodes| {
            nodes[0] = constant("k/slice", INT32, &[1, 3], slice());
        }),
        ("another shape", |nodes| {
            let sizes = [5_i32, 3].iter().flat_map(|size| size.to_le_bytes()).collect();
            nodes[1] = constant("k/shape", INT32, &[2], sizes);
        }),
        ("a shape that it has not", |nodes| {
            let sizes = [12_i32].iter().flat_map(|size| size.to_le_bytes()).collect();
            nodes[1] = constant("k/shape", INT32, &[1], sizes);
        }),
        ("inputs swapped", |nodes| nodes[2].input.swap(0, 1)),
        ("another op", |nodes| nodes[2].op = "Tile".to_owned()),
        ("another device", |nodes| nodes[2].device = "/device:GPU:0".to_owned()),
        ("waiting for something", |nodes| nodes[2].input.push("^c".to_owned())),
    ];
    for promise in LESS {
        for (what, change) in wrong {
            let mut nodes = made();
            change(&mut nodes);
            assert!(!held_with(nodes, promise).is_empty(), "{what}");
        }
        assert!(!held_with(made()[1..].to_vec(), promise).is_empty(), "no slice");
        let more = constant("more", FLOAT, &[1], slice()[..4].to_vec());
        assert!(!held_with([made(), vec![more]].concat(), promise).is_empty(), "a constant more");
    }
}
