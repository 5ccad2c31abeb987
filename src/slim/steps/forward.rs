//! Functions that only call another one, as each load and save of a model puts one around each function: callers call that other
//! one. What Python has by itself stays, though nobody may call it any more.

use std::collections::{HashMap, HashSet};

use super::instead::{By, Named, replaced};
use super::{NotTaken, Parts};
use crate::message::attributes::{
    API_IMPLEMENTS, BACKWARD_FUNCTION_NAME, FORWARD_FUNCTION_NAME, GRADIENT_OP_TYPE, XLA_MUST_COMPILE,
};
use crate::message::number::attr_value::FUNC;
use crate::message::number::function_def::ATTR;
use crate::message::number::{name_attr_list, node_def};
use crate::message::{AttrValue, Entry, FunctionDef, Input, NodeDef, ops};
use crate::slim::program::{Function, Program};

/// Attributes for whose sake a function or a call is more than what it calls: how it is compiled, where and how it runs.
const OF_ITS_OWN: [&[u8]; 7] = [
    b"_noinline",
    XLA_MUST_COMPILE,
    b"_disable_call_shape_inference",
    API_IMPLEMENTS,
    b"api_preferred_device",
    FORWARD_FUNCTION_NAME,
    BACKWARD_FUNCTION_NAME,
];

/// How an executor is called that is another than the one that all have.
const EXECUTOR: &[u8] = b"executor_type";

/// Functions go that only call another one.
pub(super) fn forward(parts: &Parts) -> Result<Option<(Parts, String)>, NotTaken> {
    replaced(parts, others, By::Calls, ["function that only calls another one", "functions that only call another one"])
}

/// For functions that only call another one, the last of those that are called so.
fn others<'f>(program: &Program<'f>) -> HashMap<&'f [u8], &'f [u8]> {
    let named = Named::of(program);
    // How many results what is called has: very many may call one that has very many.
    let mut results = HashMap::new();
    let next: HashMap<&[u8], &[u8]> = program
        .functions
        .iter()
        .filter(|function| named.is_only_called(function.name))
        .filter_map(|function| Some((function.name, called(program, function, &mut results)?)))
        .filter(|(_, called)| named.is_only_called(called))
        .collect();
    let mut last: HashMap<&[u8], &[u8]> = HashMap::new();
    for start in next.keys() {
        let (mut path, mut on_path, mut at) = (Vec::new(), HashSet::new(), *start);
        let end = loop {
            if let Some(end) = last.get(at) {
                break *end;
            }
            match next.get(at) {
                // In a circle nothing is called in the end; each stays what it is.
                Some(_) if !on_path.insert(at) => break at,
                Some(called) => {
                    path.push(at);
                    at = called;
                }
                None => break at,
            }
        };
        let is_circle = next.contains_key(end);
        last.extend(path.into_iter().map(|name| (name, if is_circle { name } else { end })));
    }
    last.retain(|one, other| one != other);
    last
}

/// The function that one calls with its arguments in their order, to give what that gives in its order, if it does nothing else.
fn called<'f>(
    program: &Program<'f>,
    function: &Function<'f>,
    results_of: &mut HashMap<&'f [u8], usize>,
) -> Option<&'f [u8]> {
    let file = program.file;
    let def = FunctionDef::new(file, function.at.field.payload());
    let keys: Vec<&[u8]> =
        def.fields().filter(|field| field.is_len(ATTR)).map(|field| Entry::read(file, field).key).collect();
    if keys.iter().any(|key| OF_ITS_OWN.contains(key)) {
        return None;
    }
    let nodes: HashMap<&[u8], NodeDef<'f>> = def.nodes().map(|node| (node.name(), node)).collect();
    let mut calls = nodes.values().filter(|node| ops::CALLS.contains(&node.op()));
    let (call, None) = (calls.next()?, calls.next()) else { return None };
    // What else there is hands on what the call gives.
    let is_plain = |node: &NodeDef<'f>| {
        node.name() == call.name()
            || [ops::IDENTITY, ops::GROUP].contains(&node.op())
                && node.inputs().all(|input| nodes.contains_key(Input::parse(input).name))
    };
    let is_placed =
        |node: &NodeDef<'f>| node.fields().any(|field| field.is_len(node_def::DEVICE) && !field.bytes(file).is_empty());
    if nodes.len() != def.nodes().count() || !nodes.values().all(|node| is_plain(node) && !is_placed(node)) {
        return None;
    }
    let is_of_its_own = |Entry { key, value, .. }: Entry<'f>| {
        let text = AttrValue::new(value).text();
        OF_ITS_OWN.contains(&key)
            || key == EXECUTOR && !text.is_empty()
            || key == GRADIENT_OP_TYPE && !program.is_counted(text)
    };
    if call.attributes().into_iter().any(is_of_its_own) {
        return None;
    }
    let attribute = call.attribute(b"f")?;
    let callee = attribute.function()?;
    let has_more = attribute.message().message(FUNC)?.repeated(name_attr_list::ATTR).next().is_some();
    let vertex = program.function(callee)?.checked_sub(program.nodes.len())?;
    let target = FunctionDef::new(file, program.functions.get(vertex)?.at.field.payload());
    let signature = def.signature();
    if has_more || !call.inputs().eq(signature.arguments()) {
        return None;
    }
    let results: HashMap<&[u8], &[u8]> = def.results().into_iter().collect();
    let names: Vec<&[u8]> = signature.results().collect();
    for (at, name) in names.iter().enumerate() {
        let mut from = Input::parse(results.get(name)?);
        for _ in 0..=nodes.len() {
            let node = nodes.get(from.name)?;
            if node.name() == call.name() {
                break;
            }
            let first = node.inputs().next().filter(|_| node.op() == ops::IDENTITY)?;
            from = Input::parse(first);
            if from.is_control {
                return None;
            }
        }
        if from.name != call.name() || from.output() != Some(b"output") || from.index() != at {
            return None;
        }
    }
    let controls = def.control_returned();
    let runs = !names.is_empty() || !controls.is_empty();
    let is_known = controls.iter().all(|control| nodes.contains_key(control));
    let gives_all = *results_of.entry(callee).or_insert_with(|| target.signature().results().count()) == names.len();
    (runs && is_known && gives_all).then_some(callee)
}
