//! Which fields of TensorFlow's messages are names, which another export gives otherwise.

use std::sync::LazyLock;

use foldhash::{HashSet, HashSetExt as _};

use crate::message::attributes::{
    API_IMPLEMENTS, BACKWARD_FUNCTION_NAME, CLASS, FORWARD_FUNCTION_NAME, GRADIENT_OP_TYPE, ORIGINAL_FUNC_NAME,
    SHARED_NAME, USER_SPECIFIED_NAME,
};
use crate::schema::SCHEMA;

/// Made when it is first asked for.
pub(super) static NAMES: LazyLock<Names> = LazyLock::new(Names::new);

/// Names of nodes, functions and tensors, and keys by them.
const FIELDS: [(&str, &str); 23] = [
    ("NodeDef", "name"),
    // By which its digest is kept; it may be a function.
    ("NodeDef", "op"),
    ("NodeDef", "input"),
    ("NameAttrList", "name"),
    ("GradientDef", "function_name"),
    ("GradientDef", "gradient_func"),
    ("RegisteredGradient", "gradient_func"),
    ("RegisteredGradient", "registered_op_type"),
    ("SaverDef", "filename_tensor_name"),
    ("SaverDef", "save_tensor_name"),
    ("SaverDef", "restore_op_name"),
    ("TensorInfo", "name"),
    ("CooSparse", "values_tensor_name"),
    ("CooSparse", "indices_tensor_name"),
    ("CooSparse", "dense_shape_tensor_name"),
    ("NodeList", "value"),
    ("SavedFunction", "concrete_functions"),
    ("SavedBareConcreteFunction", "concrete_function_name"),
    ("CapturedTensor", "name"),
    ("CapturedTensor", "concrete_function"),
    ("SavedConstant", "operation"),
    ("ConcreteFunctionsEntry", "key"),
    ("FunctionAliasesEntry", "key"),
];

/// Messages whose other texts are no names that are counted: a version, an op.
const EXACT: [&str; 5] = ["MetaInfoDef", "NodeDef", "OpDef", "ArgDef", "AttrDef"];

/// Bytes that mostly are a VariableDef.
const VARIABLES: [(&str, &str); 1] = [("BytesList", "value")];

/// Attributes that are names, or say nothing of their own, in a graph as in a function (`duplicates/structure/attributes.rs`).
pub(super) fn is_name_attribute(key: &[u8]) -> bool {
    matches!(
        key,
        CLASS
            | SHARED_NAME
            | USER_SPECIFIED_NAME
            | GRADIENT_OP_TYPE
            | API_IMPLEMENTS
            | FORWARD_FUNCTION_NAME
            | BACKWARD_FUNCTION_NAME
            | ORIGINAL_FUNC_NAME
    )
}

/// Fields by their message's position in the schema and their number.
pub(super) struct Names {
    names: HashSet<(u32, u32)>,
    variables: HashSet<(u32, u32)>,
    exact: HashSet<u32>,
    attributes: HashSet<u32>,
}

impl Names {
    fn new() -> Self {
        Self {
            names: fields(&FIELDS),
            variables: fields(&VARIABLES),
            exact: EXACT.iter().flat_map(|name| SCHEMA.messages_called(name)).collect(),
            attributes: SCHEMA.messages_called("AttrEntry").into_iter().collect(),
        }
    }

    pub(super) fn is_name(&self, message: u32, number: u32) -> bool {
        self.names.contains(&(message, number))
    }

    pub(super) fn may_be_variable(&self, message: u32, number: u32) -> bool {
        self.variables.contains(&(message, number))
    }

    /// Whether texts of the message are taken with their digits.
    pub(super) fn is_exact(&self, message: u32) -> bool {
        self.exact.contains(&message)
    }

    /// Whether the message is an attribute: a key and an AttrValue.
    pub(super) fn is_attribute(&self, message: u32) -> bool {
        self.attributes.contains(&message)
    }
}

fn fields(list: &[(&str, &str)]) -> HashSet<(u32, u32)> {
    let mut found = HashSet::new();
    for (message, field) in list {
        for message in SCHEMA.messages_called(message) {
            found.extend(SCHEMA.field(message, field.as_bytes()).map(|field| (message, field.number)));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_is_one_of_the_schema() {
        for (message, field) in FIELDS.iter().chain(&VARIABLES) {
            assert!(!fields(&[(message, field)]).is_empty(), "{message}.{field}");
        }
        for message in EXACT.iter().chain(&["AttrEntry"]) {
            assert!(!SCHEMA.messages_called(message).is_empty(), "{message}");
        }
    }
}
