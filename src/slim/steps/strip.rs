//! Hints in the nodes of functions that follow from the rest, and names that say nothing of what is computed.
//!
//! `_output_shapes` is what shape inference found when the model was made, and finds again (`graph_constructor.cc` takes it as a
//! hint). Where somebody has set a shape by hand, only this attribute knows: so nodes whose outputs a function returns keep it, and
//! so do calls, arguments, the nodes of the graph itself and functions that restore. `_user_specified_name` is how an argument was called in Python, for
//! messages (`tensorflow/python/framework/func_graph.py`).

use std::collections::HashSet;

use super::{Edited, NotTaken};
use crate::edit::Splices;
use crate::message::attributes::{OUTPUT_SHAPES, USER_SPECIFIED_NAME};
use crate::message::number::function_def::{ARG_ATTR, arg_attrs};
use crate::message::number::map_entry::VALUE;
use crate::message::number::node_def;
use crate::message::{Entry, FunctionDef, NodeDef, input_node, ops};
use crate::size::plural;
use crate::slim::program::{Function, Program, programs};
use crate::wire::{Field, fields};

/// Hints and names go.
pub(super) fn strip(main: &[u8]) -> Result<Edited, NotTaken> {
    let mut stripped = Stripped { main, edits: Splices::default(), shapes: 0, names: 0 };
    for program in programs(main)? {
        for node in &program.nodes {
            let path: Vec<Field> = node.at.path();
            stripped.attributes(&path, node_def::ATTR, |key| key == USER_SPECIFIED_NAME)?;
        }
        for function in &program.functions {
            stripped.function(&program, function)?;
        }
    }
    let (shapes, names) = (plural(stripped.shapes, "shape", "shapes"), plural(stripped.names, "name", "names"));
    Ok(Edited { edits: stripped.edits, words: format!("{shapes}, {names} of arguments") })
}

struct Stripped<'f> {
    main: &'f [u8],
    edits: Splices,
    shapes: u64,
    names: u64,
}

impl Stripped<'_> {
    fn function(&mut self, program: &Program<'_>, function: &Function<'_>) -> Result<(), NotTaken> {
        let (main, path) = (self.main, function.at.path());
        let def = FunctionDef::new(main, function.at.field.payload());
        let returned: HashSet<&[u8]> = def.returned().into_iter().map(input_node).collect();
        let calls = |node: &NodeDef<'_>| program.function(node.op()).is_some() || node.names_functions();
        let restores = def.nodes().any(|node| node.op() == ops::RESTORE_V2);
        for field in def.node_fields() {
            let node = NodeDef::read(main, field.payload());
            let keeps_shapes = restores || returned.contains(node.name()) || calls(&node);
            let within: Vec<Field> = path.iter().copied().chain([field]).collect();
            self.attributes(&within, node_def::ATTR, |key| {
                key == USER_SPECIFIED_NAME || key == OUTPUT_SHAPES && !keeps_shapes
            })?;
        }
        for entry in def.fields().filter(|field| field.is_len(ARG_ATTR)) {
            for value in fields(main, entry.payload()).filter(|field| field.is_len(VALUE)) {
                let within: Vec<Field> = path.iter().copied().chain([entry, value]).collect();
                self.attributes(&within, arg_attrs::ATTR, |key| key == USER_SPECIFIED_NAME)?;
            }
        }
        Ok(())
    }

    /// Takes entries out of the last message of a path, by their keys.
    fn attributes(&mut self, path: &[Field], number: u32, goes: impl Fn(&[u8]) -> bool) -> Result<(), NotTaken> {
        let Some(last) = path.last() else { return Ok(()) };
        for field in fields(self.main, last.payload()).filter(|field| field.is_len(number)) {
            let key = Entry::read(self.main, field).key;
            if goes(key) {
                self.edits.delete(path, field.range())?;
                let count = if key == OUTPUT_SHAPES { &mut self.shapes } else { &mut self.names };
                *count = count.saturating_add(1);
            }
        }
        Ok(())
    }
}
