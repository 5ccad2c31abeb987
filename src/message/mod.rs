//! TensorFlow's messages, in the one place that knows them: what their fields' numbers are, how they are read, and what ops are
//! called.
//!
//! | module | holds |
//! |---|---|
//! | `number` | field numbers, generated from `proto/` by `build.rs`: none is written by hand |
//! | `view` | a message where it lies, and the one rule for fields given several times and in any order |
//! | `node_def`, `attr_value`, `tensor_proto`, `function_def`, `saved_object` | views of these messages: no byte is copied, no object is made of what nobody asks for |
//! | `constants` | names that loaders look for in a MetaGraphDef and its objects |
//! | `attributes` | attributes that are known by name |
//! | `input` | the names by which nodes take what others give |
//! | `ops` | the ops that are known by name |
//!
//! What a message means is read here and nowhere else. What a file holds, byte for byte, is another question: charging and
//! duplicates go over fields as they lie ([`crate::wire::fields`]), those that have no effect included.

pub mod attr_value;
pub mod attributes;
pub mod constants;
pub mod function_def;
pub mod input;
pub mod node_def;
pub mod number;
pub mod ops;
pub mod saved_object;
pub mod tensor_proto;
#[cfg(test)]
mod tests;
pub mod view;

pub use attr_value::AttrValue;
pub use function_def::{FunctionDef, Signature};
pub use input::{Input, input_node, is_data};
pub use node_def::{NodeDef, Plain};
pub use saved_object::SavedObject;
pub use tensor_proto::TensorProto;
pub use view::{Entry, Message};
