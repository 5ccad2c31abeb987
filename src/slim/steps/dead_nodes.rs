//! Nodes of functions that nothing runs: no result and no control output needs them, and they keep and change no state.
//!
//! A runtime leaves them out as well, each time that it loads the function (`tensorflow/core/common_runtime/graph_optimizer`), but a
//! program that loads the model finds them, so they go where only signatures are promised.

use std::collections::HashMap;

use super::instead::swept;
use super::{NotTaken, Parts};
use crate::edit::Splices;
use crate::message::{FunctionDef, Input, NodeDef, ops};
use crate::size::plural;
use crate::slim::program::{Function, Program, programs};
use crate::wire::Field;

/// Dead nodes go.
pub(super) fn dead_nodes(parts: &Parts) -> Result<Option<(Parts, String)>, NotTaken> {
    let programs = programs(&parts.main)?;
    let (mut edits, mut count) = (Splices::default(), 0_u64);
    for program in &programs {
        for function in program.functions.iter().filter(|function| !program.is_of_gradient(function)) {
            for node in dead(program, function) {
                edits.delete(&function.at.path(), node.range())?;
                count = count.saturating_add(1);
            }
        }
    }
    if edits.is_empty() {
        return Ok(None);
    }
    let fewer = parts.main.edited(&edits).ok_or(NotTaken::Lengths)?;
    let main = swept(&programs, &fewer)?;
    let words = format!("{} of functions that nothing runs", plural(count, "node", "nodes"));
    Ok(Some((Parts { main, ..parts.clone() }, words)))
}

/// The fields of a function's dead nodes; none of a function with two nodes of one name.
fn dead(program: &Program<'_>, function: &Function<'_>) -> Vec<Field> {
    let def = FunctionDef::new(program.file, function.at.field.payload());
    let nodes: Vec<(Field, NodeDef<'_>)> =
        def.node_fields().map(|field| (field, NodeDef::read(program.file, field.payload()))).collect();
    let by_name: HashMap<&[u8], usize> = nodes.iter().zip(0..).map(|((_, node), at)| (node.name(), at)).collect();
    if by_name.len() != nodes.len() {
        return Vec::new();
    }
    let at = |tensor: &[u8]| by_name.get(Input::parse(tensor).name).copied();
    let mut open: Vec<usize> = def.returned().into_iter().chain(def.control_returned()).filter_map(at).collect();
    open.extend(nodes.iter().zip(0..).filter(|((_, node), _)| !ops::is_stateless(node.op())).map(|(_, at)| at));
    let mut live = vec![false; nodes.len()];
    while let Some(next) = open.pop() {
        let Some(seen @ false) = live.get_mut(next) else { continue };
        *seen = true;
        let Some((_, node)) = nodes.get(next) else { continue };
        open.extend(node.inputs().filter_map(at));
        open.extend(node.placed_beside().into_iter().filter_map(at));
    }
    nodes.into_iter().zip(live).filter(|(_, live)| !live).map(|((field, _), _)| field).collect()
}
