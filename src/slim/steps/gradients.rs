//! Gradients that a program registered, and the functions that only training calls.
//!
//! A node says in `_gradient_op_type` under which name its gradient is registered. Without that attribute it would have the
//! gradient of its op, which is silently another one; with the name left as it is, that of any function which happens to be
//! registered under it in the process. So the name becomes one that nobody registers: who asks for such a gradient gets an error
//! (`tensorflow/python/framework/ops.py`, `get_gradient_function`).

use std::collections::HashSet;

use super::unreached::Gone;
use super::{Edited, NotTaken};
use crate::message::attributes::GRADIENT_OP_TYPE;
use crate::message::number::attr_value::S;
use crate::message::number::function_def::NODE_DEF;
use crate::message::number::map_entry::VALUE;
use crate::message::number::meta_graph_def::OBJECT_GRAPH_DEF;
use crate::message::number::{node_def, saved_object_graph};
use crate::message::{AttrValue, Entry};
use crate::slim::program::reach::{Cuts, Reached, Reasons};
use crate::slim::program::{Program, programs};
use crate::wire::{Field, fields};

/// What nodes name whose gradient went.
pub(crate) const GONE: &[u8] = b"gradient-removed-by-smaudit-slim";

/// Gradients go that only training asks for.
pub(super) fn gradients(main: &[u8]) -> Result<Edited, NotTaken> {
    let mut gone = Gone::default();
    for program in programs(main)? {
        let before = program.reach(Reasons::ALL);
        let reasons = Reasons { trains: false, ..Reasons::ALL };
        let after = program.reach_but(reasons, &Cuts::default(), Some(&before));
        let registered: HashSet<&[u8]> =
            program.gradients.iter().filter(|it| it.is_registered()).map(|gradient| gradient.name).collect();
        for gradient in program.gradients.iter().filter(|gradient| gradient.is_registered()) {
            gone.edits.delete(&gradient.at.within, gradient.at.field.range())?;
        }
        if !registered.is_empty() {
            renamed(&mut gone, &program, &after, &registered)?;
            concrete_functions(&mut gone, &program, &after)?;
        }
        gone.sweep(&program, &after)?;
    }
    Ok(gone.edited("that only training needs"))
}

/// Nodes that stay name no gradient any more that is there.
fn renamed(
    gone: &mut Gone,
    program: &Program<'_>,
    after: &Reached,
    registered: &HashSet<&[u8]>,
) -> Result<(), NotTaken> {
    let mut node = |within: &[Field], node: Field| -> Result<(), NotTaken> {
        for attribute in fields(program.file, node.payload()).filter(|field| field.is_len(node_def::ATTR)) {
            let Entry { key, value, .. } = Entry::read(program.file, attribute);
            if key != GRADIENT_OP_TYPE || !registered.contains(AttrValue::new(value).text()) {
                continue;
            }
            for value in fields(program.file, attribute.payload()).filter(|field| field.is_len(VALUE)) {
                for name in fields(program.file, value.payload()).filter(|field| field.is_len(S)) {
                    let path: Vec<Field> = within.iter().copied().chain([node, attribute, value, name]).collect();
                    gone.edits.replace(&path, name.payload(), GONE)?;
                }
            }
        }
        Ok(())
    };
    for (_, it) in program.nodes.iter().enumerate().filter(|(vertex, _)| after.has(*vertex)) {
        node(&it.at.within, it.at.field)?;
    }
    for (_, function) in (program.nodes.len()..).zip(&program.functions).filter(|(vertex, _)| after.has(*vertex)) {
        let path = function.at.path();
        for field in fields(program.file, function.at.field.payload()).filter(|field| field.is_len(NODE_DEF)) {
            node(&path, field)?;
        }
    }
    Ok(())
}

/// The object graph has no entry for a function that went.
fn concrete_functions(gone: &mut Gone, program: &Program<'_>, after: &Reached) -> Result<(), NotTaken> {
    for section in program.sections(OBJECT_GRAPH_DEF) {
        for entry in fields(program.file, section.payload()) {
            let goes = || {
                let function = program.function(Entry::read(program.file, entry).key);
                function.is_some_and(|function| !after.has(function))
            };
            if entry.is_len(saved_object_graph::CONCRETE_FUNCTIONS) && goes() {
                gone.edits.delete(&[program.meta, section], entry.range())?;
            }
        }
    }
    Ok(())
}
