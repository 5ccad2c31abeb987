//! Attributes that are known by name, and what an attribute may refer to.

use std::ops::Range;

use super::number::attr_value::{FUNC, LIST, list_value};
use super::number::function_def::arg_attrs;
use super::number::map_entry::VALUE;
use super::view::{Entry, Message};
use crate::wire::{Field, fields, plain_entry};

/// The shapes of what a node gives (tensorflow/core/common_runtime/graph_constructor.cc); they follow from its inputs.
pub const OUTPUT_SHAPES: &[u8] = b"_output_shapes";

/// The name by which nodes share a resource (tensorflow/core/framework/resource_mgr.h).
pub const SHARED_NAME: &[u8] = b"shared_name";

/// The name under which the gradient of a node is registered (tensorflow/python/framework/ops.py).
pub const GRADIENT_OP_TYPE: &[u8] = b"_gradient_op_type";

/// Where a node is to be placed (tensorflow/core/graph/graph_constructor.cc).
pub const CLASS: &[u8] = b"_class";

/// How an item of it begins that names the node to be beside.
pub const BESIDE: &[u8] = b"loc:@";

/// The interface that a function has: of those with the same one a device takes the one that is best for it
/// (tensorflow/core/grappler/optimizers/function_api_info.cc).
pub const API_IMPLEMENTS: &[u8] = b"api_implements";

/// How a function says that it is one of a pair that only training calls
/// (tensorflow/python/eager/polymorphic_function/attributes.py).
pub const PAIRED: [&[u8]; 2] = [FORWARD_FUNCTION_NAME, BACKWARD_FUNCTION_NAME];

/// The function that goes before this one.
pub const FORWARD_FUNCTION_NAME: &[u8] = b"forward_function_name";

/// The function that goes after this one.
pub const BACKWARD_FUNCTION_NAME: &[u8] = b"backward_function_name";

/// Whether XLA is to compile a function (tensorflow/compiler/jit/defs.cc).
pub const XLA_MUST_COMPILE: &[u8] = b"_XlaMustCompile";

/// How an argument was called in Python; it says nothing of what is computed.
pub const USER_SPECIFIED_NAME: &[u8] = b"_user_specified_name";

/// From which function a wrapper was made; it says nothing of what is computed.
pub const ORIGINAL_FUNC_NAME: &[u8] = b"_original_func_name";

/// The key of an entry of a map of attributes.
#[must_use]
#[inline]
pub fn key<'f>(file: &'f [u8], entry: &Field) -> &'f [u8] {
    match plain_entry(file, entry.payload()) {
        Some((key, _)) => file.get(key).unwrap_or_default(),
        None => Entry::read(file, *entry).key,
    }
}

/// Whether an entry of a map of attributes is `_output_shapes`.
#[must_use]
#[inline]
pub fn is_output_shapes(file: &[u8], entry: &Field) -> bool {
    // Nothing shorter can be it; spares looking into most.
    entry.payload().len() > OUTPUT_SHAPES.len() && key(file, entry) == OUTPUT_SHAPES
}

/// The attributes `_output_shapes` in an entry of `FunctionDef.arg_attr`, a map from positions to ArgAttrs.
#[must_use]
pub fn argument_shapes(file: &[u8], entry: Range<usize>) -> Vec<Field> {
    let Some(arguments) = Message::new(file, entry).message(VALUE) else { return Vec::new() };
    arguments.repeated(arg_attrs::ATTR).filter(|field| is_output_shapes(file, field)).collect()
}

/// Whether an attribute may refer to a function, a gradient or a resource. Asked of every attribute of a file, so it does not
/// ask which member of the AttrValue counts: what does not count is looked at once too often.
#[must_use]
#[inline]
pub fn may_refer(key: &[u8], value: &Message<'_>) -> bool {
    let file = value.file();
    let has_function = |field: Field| {
        let is_function = |item: Field| item.is_len(list_value::FUNC);
        field.is_len(FUNC) || field.is_len(LIST) && fields(file, field.payload()).any(is_function)
    };
    key == SHARED_NAME || key == GRADIENT_OP_TYPE || value.fields().any(has_function)
}
