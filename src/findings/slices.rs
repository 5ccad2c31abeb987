//! Large constants whose slices along a dimension are all equal.

use std::collections::BTreeMap;

use super::Context;
use super::constants::{Constant, Form};
use crate::broadcast::{Programs, Slices, repeated};
use crate::message::FunctionDef;

/// `None` where no dimension has equal slices, or the elements are not as wide as each other in the file.
pub(super) fn kept(file: &[u8], constant: &Constant<'_>) -> Option<Slices> {
    let payload = file.get(constant.payload.clone())?;
    let elements = usize::try_from(constant.elements()?).ok()?;
    let width = payload.len().checked_div(elements)?;
    // Varints of one byte each are as wide as each other.
    let is_even = matches!((constant.form, width), (Form::Memory, _) | (Form::Varints, 1));
    is_even.then(|| Slices::of(payload, &constant.shape, width)).flatten()
}

/// Whether an op may make all of what is found.
pub(super) fn may_all_be_made(context: &Context<'_>) -> bool {
    let file = context.main();
    let found = context.large().constants.iter().filter(|constant| kept(file, constant).is_some());
    let mut programs: BTreeMap<usize, Programs<'_>> = BTreeMap::new();
    found.into_iter().all(|constant| {
        let tensor = constant.node.def().attribute(b"value").and_then(|value| value.tensor());
        let elements = tensor.and_then(|tensor| tensor.content());
        let slices = elements.and_then(|elements| repeated(constant.dtype, &constant.shape, elements));
        let function = constant.scope.function.and_then(|at| context.functions().get(at)).filter(|_| slices.is_some());
        let Some(function) = function else { return false };
        let meta_graph = constant.scope.meta_graph;
        let programs = programs.entry(meta_graph).or_insert_with(|| {
            let functions: Vec<FunctionDef<'_>> = context
                .functions_of(meta_graph)
                .iter()
                .map(|function| FunctionDef::new(file, function.message()))
                .collect();
            Programs::new(context.nodes(meta_graph).map(|node| node.def()), &functions)
        });
        programs.may_be_made(function.name, constant.node.name())
    })
}
