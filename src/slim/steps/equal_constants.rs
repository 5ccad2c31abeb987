//! Constants of a function that equal another one of it: the first stays, and takes the place of the others.
//!
//! A tracer makes a constant each time that Python has a number, so the same axes, shapes and factors are there again and again. A
//! runtime joins them as well (`DedupComputations` in tensorflow/core/grappler/optimizers/arithmetic_optimizer.cc). One that
//! somebody waits for, is placed beside or returns is not joined, so that no list of these is another one; neither are those
//! of functions that save and restore, whose constants say what.

use std::collections::{HashMap, HashSet};

use super::{NotTaken, Parts};
use crate::edit::Splices;
use crate::message::attributes::CLASS;
use crate::message::number::meta_graph_def::OBJECT_GRAPH_DEF;
use crate::message::number::node_def::{EXPERIMENTAL_DEBUG_INFO, NAME};
use crate::message::number::{node_def, saved_object_graph};
use crate::message::saved_object::Kind;
use crate::message::{Entry, FunctionDef, Input, NodeDef, SavedObject, input_node, ops};
use crate::size::plural;
use crate::slim::program::{Function, Program, programs};
use crate::steady;
use crate::wire::{Field, fields};

/// Equal constants become one.
pub(super) fn equal_constants(parts: &Parts) -> Result<Option<(Parts, String)>, NotTaken> {
    let (mut edits, mut count) = (Splices::default(), 0_u64);
    for program in programs(&parts.main)? {
        let captured = captured(&program);
        let joined = program.functions.iter().filter(|it| !program.is_of_gradient(it) && !captured.contains(it.name));
        for function in joined {
            count = count.saturating_add(join(program.file, function, &mut edits)?);
        }
    }
    if edits.is_empty() {
        return Ok(None);
    }
    let main = parts.main.edited(&edits).ok_or(NotTaken::Lengths)?;
    let words = plural(count, "constant that equals another one", "constants that equal another one");
    Ok(Some((Parts { main, ..parts.clone() }, words)))
}

/// The functions of which Python has captured a tensor, by its place in there.
pub(super) fn captured<'f>(program: &Program<'f>) -> HashSet<&'f [u8]> {
    let objects = program.sections(OBJECT_GRAPH_DEF);
    let nodes = objects.iter().flat_map(|section| fields(program.file, section.payload()));
    let nodes = nodes.filter(|field| field.is_len(saved_object_graph::NODES));
    let kinds = nodes.map(|field| SavedObject::new(program.file, field.payload()).kind());
    kinds.filter(|kind| matches!(kind, Kind::CapturedTensor(_))).flat_map(|kind| kind.functions()).collect()
}

/// Joins the constants of a function; how many go.
fn join(file: &[u8], function: &Function<'_>, edits: &mut Splices) -> Result<u64, NotTaken> {
    let def = FunctionDef::new(file, function.at.field.payload());
    let nodes: Vec<(Field, NodeDef<'_>)> =
        def.node_fields().map(|field| (field, NodeDef::read(file, field.payload()))).collect();
    let names: HashSet<&[u8]> = nodes.iter().map(|(_, node)| node.name()).collect();
    if names.len() != nodes.len() || nodes.iter().any(|(_, node)| ops::is_saver(node.op())) {
        return Ok(0);
    }
    let mut named: HashSet<&[u8]> = def.returned().into_iter().chain(def.control_returned()).map(input_node).collect();
    for (_, node) in &nodes {
        named.extend(node.placed_beside());
        named.extend(node.inputs().map(Input::parse).filter(|input| input.is_control).map(|input| input.name));
    }
    let (mut first, mut instead) = (HashMap::new(), HashMap::new());
    for (field, node) in nodes.iter().filter(|(_, node)| !named.contains(node.name())) {
        let Some(said) = said(file, node) else { continue };
        let one = *first.entry(said).or_insert(node.name());
        if one != node.name() {
            instead.insert(node.name(), one);
            edits.delete(&function.at.path(), field.range())?;
        }
    }
    for (field, node) in nodes.iter().filter(|(_, node)| !instead.contains_key(node.name())) {
        for input in node.input_fields() {
            let taken = Input::parse(input.bytes(file));
            if let Some(one) = instead.get(taken.name) {
                let path: Vec<Field> = function.at.path().into_iter().chain([*field, input]).collect();
                edits.replace(&path, input.payload(), [*one, taken.port].concat())?;
            }
        }
    }
    Ok(instead.len() as u64)
}

/// What a constant that waits for nothing says but for its name; `None` of other nodes.
fn said<'f>(file: &'f [u8], node: &NodeDef<'f>) -> Option<Vec<&'f [u8]>> {
    let is_plain = node.op() == ops::CONST && node.inputs().next().is_none() && node.attribute(CLASS).is_none();
    if !is_plain {
        return None;
    }
    let fields = node.fields().filter(|field| !field.is_len(NAME) && !field.is_len(EXPERIMENTAL_DEBUG_INFO));
    let (mut attributes, mut said): (Vec<Field>, Vec<Field>) = fields.partition(|field| field.is_len(node_def::ATTR));
    steady::sort_by_bytes(&mut attributes, |field| (Entry::read(file, *field).key, field.start as u64));
    said.extend(attributes);
    said.into_iter().map(|field| file.get(field.range())).collect()
}
