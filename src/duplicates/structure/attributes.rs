//! Attributes in the canonical form: of nodes, of functions, of arguments, and of functions in attributes.
//!
//! They are sorted by key, of a key's entries the last one counts, and what [`is_name`] says is left out, as are shapes. A string that
//! is the name of a function of the library stands for that function: gradients are tied to their functions so.

use std::ops::Range;

use super::canonical::Writer;
use super::form::Piece;
use super::parts::{Entry, Unreadable, last, push, sort};
use crate::message::attributes::{
    API_IMPLEMENTS, BACKWARD_FUNCTION_NAME, CLASS, FORWARD_FUNCTION_NAME, GRADIENT_OP_TYPE, ORIGINAL_FUNC_NAME,
    OUTPUT_SHAPES, SHARED_NAME, USER_SPECIFIED_NAME,
};
use crate::message::number::attr_value::list_value;
use crate::message::number::{attr_value, name_attr_list};
use crate::wire::{Field, WireType};

/// Attributes may nest this deep in functions in attributes; TensorFlow writes one level.
const MAX_NESTING: usize = 32;

/// Whether an attribute is a name, or says nothing of its own.
///
/// - `_class`: the node to be placed with. `shared_name`: a resource. `_user_specified_name`: an argument in Python.
/// - `_gradient_op_type`: `PartitionedCall-123`, under which a gradient is registered while a program runs; loading a
///   model makes new ones (tensorflow/python/saved_model/function_deserialization.py).
/// - `api_implements`: `lstm_<uuid>`, random for every layer, shared by the implementations of that one
///   (tf_keras/src/layers/rnn/gru_lstm_utils.py). Which implementation it is, `api_preferred_device` says.
fn is_name(key: &[u8]) -> bool {
    matches!(key, CLASS | SHARED_NAME | USER_SPECIFIED_NAME | GRADIENT_OP_TYPE | API_IMPLEMENTS)
}

/// Whether an attribute is the name of a function, a generated one, and so nothing where the library has no such
/// function (tensorflow/python/eager/polymorphic_function/attributes.py).
fn names_a_function(key: &[u8]) -> bool {
    matches!(key, FORWARD_FUNCTION_NAME | BACKWARD_FUNCTION_NAME | ORIGINAL_FUNC_NAME)
}

/// What has attributes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Holder {
    Function,
    /// A node, by its number from one on.
    Node(u64),
    /// An argument, by its position.
    Argument(u64),
}

impl Holder {
    /// The number that tells whose shapes some are.
    fn number(self) -> u64 {
        match self {
            Self::Function => 0,
            Self::Node(number) | Self::Argument(number) => number,
        }
    }
}

impl Writer<'_, '_> {
    /// The attributes on the stack, of what has them; then the stack is empty.
    pub(super) fn attributes(&mut self, holder: Holder) -> Result<(), Unreadable> {
        self.attributes_above(0, holder, 0)
    }

    /// The attributes from `bottom` of the stack on, which is then that high again. Those of a function in an attribute, which
    /// nest, are written as of a node.
    fn attributes_above(&mut self, bottom: usize, holder: Holder, nesting: usize) -> Result<(), Unreadable> {
        let (piece, number) = match holder {
            Holder::Argument(number) if nesting == 0 => (Piece::ArgumentAttribute, number),
            _ => (Piece::Attribute, 0),
        };
        sort(self.attributes.get_mut(bottom..).unwrap_or_default());
        for index in bottom..self.attributes.len() {
            let Some(Entry { key, value }) = self.attributes.get(index).cloned() else { break };
            let next = self.attributes.get(index.saturating_add(1));
            if next.is_some_and(|next| next.key == key) {
                continue;
            }
            if key == OUTPUT_SHAPES {
                // They follow from the inputs, so they are no part of the form.
                self.shapes.put(piece, holder.number(), self.file.get(value).unwrap_or_default());
            } else if !self.is_out(key, value.clone())? {
                self.form.put(piece, number, key);
                self.value(value, holder, nesting)?;
            }
        }
        self.attributes.truncate(bottom);
        Ok(())
    }

    /// Whether an attribute is no part of the form.
    fn is_out(&self, key: &[u8], value: Range<usize>) -> Result<bool, Unreadable> {
        if names_a_function(key) {
            let [name] = last(self.file, value, [attr_value::S])?;
            return Ok(self.library.find(name).is_none());
        }
        Ok(is_name(key))
    }

    /// An AttrValue.
    fn value(&mut self, value: Range<usize>, holder: Holder, nesting: usize) -> Result<(), Unreadable> {
        for field in self.fields(value) {
            let field = field?;
            match (field.number, field.wire_type) {
                (attr_value::LIST, WireType::Len) => self.list(field, holder, nesting)?,
                (attr_value::S, WireType::Len) => self.text(field),
                (attr_value::FUNC, WireType::Len) => self.function_value(field, holder, nesting)?,
                _ => self.field(field),
            }
        }
        Ok(())
    }

    /// An AttrValue.ListValue.
    fn list(&mut self, list: Field, holder: Holder, nesting: usize) -> Result<(), Unreadable> {
        self.form.mark(Piece::List);
        for field in self.fields(list.payload()) {
            let field = field?;
            match (field.number, field.wire_type) {
                (list_value::S, WireType::Len) => self.text(field),
                (list_value::FUNC, WireType::Len) => self.function_value(field, holder, nesting)?,
                _ => self.field(field),
            }
        }
        self.form.mark(Piece::End);
        Ok(())
    }

    /// A string or a blob.
    fn text(&mut self, field: Field) {
        let text = field.bytes(self.file);
        self.call_or(self.library.find(text), Piece::Text, text);
    }

    /// A NameAttrList.
    fn function_value(&mut self, function: Field, holder: Holder, nesting: usize) -> Result<(), Unreadable> {
        if nesting >= MAX_NESTING {
            self.field(function);
            return Ok(());
        }
        let bottom = self.attributes.len();
        let mut name = [].as_slice();
        self.form.mark(Piece::Function);
        for field in self.fields(function.payload()) {
            let field = field?;
            match (field.number, field.wire_type) {
                (name_attr_list::NAME, WireType::Len) => name = field.bytes(self.file),
                (name_attr_list::ATTR, WireType::Len) => {
                    let entry = Entry::read(self.file, field)?;
                    push(&mut self.attributes, entry)?;
                }
                _ => self.field(field),
            }
        }
        self.call_or(self.library.find(name), Piece::Name, name);
        self.attributes_above(bottom, holder, nesting.saturating_add(1))?;
        self.form.mark(Piece::End);
        Ok(())
    }
}
