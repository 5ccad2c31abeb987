//! The values that variables have before they are restored: constants that only an assignment takes which no loader runs.
//!
//! The node stays under its name, as the VariableDef of a collection names it; it becomes a placeholder of the same type and
//! shape. Who runs the assignment is asked to feed it.

use std::collections::HashMap;

use super::{Edited, NotTaken};
use crate::edit::Splices;
use crate::edit::numbers::with_length;
use crate::message::number::attr_value::{SHAPE, TENSOR};
use crate::message::number::map_entry::{KEY, VALUE};
use crate::message::number::node_def::{ATTR, OP};
use crate::message::number::tensor_proto::TENSOR_SHAPE;
use crate::message::{Entry, Input, Message, ops};
use crate::size::plural;
use crate::slim::program::reach::Reasons;
use crate::slim::program::{Node, Program, Vertex, programs};
use crate::wire::{Field, fields, first_len};

/// A smaller value is not worth a change.
const LEAST_BYTES: usize = 1 << 10;

/// The attribute of a constant's value, and that of a placeholder's shape.
const OF_CONSTANT: &[u8] = b"value";
const OF_PLACEHOLDER: &[u8] = b"shape";

/// Initial values go.
pub(super) fn initial_values(main: &[u8]) -> Result<Edited, NotTaken> {
    let (mut edits, mut count) = (Splices::default(), 0_u64);
    for program in programs(main)? {
        for vertex in initial(&program) {
            let Some(node) = program.nodes.get(vertex) else { continue };
            if emptied(main, &mut edits, node)? {
                count = count.saturating_add(1);
            }
        }
    }
    let words = format!("{} that no loader runs", plural(count, "initial value", "initial values"));
    Ok(Edited { edits, words })
}

/// The large constants that only assignments take which are there for definitions of variables alone.
fn initial(program: &Program<'_>) -> Vec<Vertex> {
    let (all, needed) = (program.reach(Reasons::ALL), program.reach(Reasons { defines: false, ..Reasons::ALL }));
    let is_large = |(vertex, node): &(Vertex, &Node<'_>)| {
        node.at.field.payload().len() >= LEAST_BYTES
            && node.def.op() == ops::CONST
            && all.has(*vertex)
            && !needed.has(*vertex)
    };
    let large = program.nodes.iter().enumerate().filter(is_large);
    let mut taken: HashMap<Vertex, bool> = large.map(|(vertex, _)| (vertex, true)).collect();
    if taken.is_empty() {
        return Vec::new();
    }
    for (vertex, node) in program.nodes.iter().enumerate() {
        for (position, input) in node.def.inputs().enumerate() {
            let Some(only) = program.node(Input::parse(input).name).and_then(|node| taken.get_mut(&node)) else {
                continue;
            };
            *only &= position == 1 && ops::ASSIGNS.contains(&node.def.op()) && !needed.has(vertex);
        }
    }
    let mut initial: Vec<Vertex> = taken.into_iter().filter(|(_, only)| *only).map(|(vertex, _)| vertex).collect();
    initial.sort_unstable();
    initial
}

/// Makes a constant a placeholder. Whether it is one that is understood.
fn emptied(main: &[u8], edits: &mut Splices, node: &Node<'_>) -> Result<bool, NotTaken> {
    let path = node.at.path();
    let of_node: Vec<Field> = fields(main, node.at.field.payload()).collect();
    let keyed = |key: &'static [u8]| {
        let attributes = of_node.iter().filter(|field| field.is_len(ATTR)).copied();
        attributes.filter(move |field| Entry::read(main, *field).key == key)
    };
    let mut values = keyed(OF_CONSTANT);
    let mut of_op = of_node.iter().filter(|field| field.is_len(OP));
    let (Some(value), None, Some(op), None, None) =
        (values.next(), values.next(), of_op.next(), of_op.next(), keyed(OF_PLACEHOLDER).next())
    else {
        return Ok(false);
    };
    let tensor = first_len(main, value.payload(), VALUE).and_then(|value| first_len(main, value, TENSOR));
    let Some(tensor) = tensor else { return Ok(false) };
    let shape = Message::new(main, tensor).message(TENSOR_SHAPE).map(|shape| shape.payloads().collect::<Vec<_>>());
    let shape: Vec<u8> =
        shape.unwrap_or_default().into_iter().filter_map(|part| main.get(part)).flatten().copied().collect();
    let entry = [with_length(KEY, OF_PLACEHOLDER), with_length(VALUE, &with_length(SHAPE, &shape))].concat();
    edits.replace(&path, value.range(), with_length(ATTR, &entry))?;
    let within: Vec<Field> = path.iter().copied().chain([*op]).collect();
    edits.replace(&within, op.payload(), ops::PLACEHOLDER)?;
    Ok(true)
}
