//! An AttrValue, and the functions that it names (tensorflow/core/framework/attr_value.proto).

use std::ops::Range;

use super::number::attr_value::{B, F, FUNC, I, LIST, PLACEHOLDER, S, SHAPE, TENSOR, TYPE, list_value};
use super::number::name_attr_list::{ATTR, NAME};
use super::tensor_proto::TensorProto;
use super::view::{Entry, Message, integer, is_varint};
use crate::wire::{Field, WireType};

/// The value of an attribute: one of several, in a `oneof`.
#[derive(Debug, Clone, Default)]
pub struct AttrValue<'f>(Message<'f>);

impl<'f> AttrValue<'f> {
    /// The AttrValue that a message is.
    #[must_use]
    pub fn new(message: Message<'f>) -> Self {
        Self(message)
    }

    /// The message itself.
    #[must_use]
    pub fn message(&self) -> &Message<'f> {
        &self.0
    }

    fn member(&self, number: u32) -> Option<Message<'f>> {
        self.0.member(number, is_member)
    }

    /// Where `s` is, a string or bytes.
    #[must_use]
    pub fn s(&self) -> Option<Range<usize>> {
        self.member(S).map(|s| s.last_payload())
    }

    /// `s`; empty where the value is another.
    #[must_use]
    pub fn text(&self) -> &'f [u8] {
        self.s().and_then(|range| self.0.file().get(range)).unwrap_or_default()
    }

    /// `type`, the number of a DataType.
    #[must_use]
    pub fn data_type(&self) -> Option<u64> {
        let last = self.0.fields().filter(is_member).last().filter(|field| is_varint(field, TYPE));
        last.map(|field| integer(self.0.file(), &field))
    }

    /// Whether `b` is given, and true.
    #[must_use]
    pub fn is_true(&self) -> bool {
        let last = self.0.fields().filter(is_member).last().filter(|field| is_varint(field, B));
        last.is_some_and(|field| integer(self.0.file(), &field) != 0)
    }

    /// `tensor`
    #[must_use]
    pub fn tensor(&self) -> Option<TensorProto<'f>> {
        self.member(TENSOR).map(TensorProto::new)
    }

    /// `list`, an AttrValue.ListValue.
    #[must_use]
    pub fn list(&self) -> Option<Message<'f>> {
        self.member(LIST)
    }

    /// The name of `func`.
    #[must_use]
    pub fn function(&self) -> Option<&'f [u8]> {
        self.member(FUNC).map(|function| function.bytes(NAME))
    }

    /// Gives the names of all functions to `visit`: of `func`, of a list's, and those among the attributes of these. Functions
    /// nest as deep as a file says, so what is still to be looked into is a list and no recursion.
    pub fn functions(self, visit: &mut impl FnMut(&'f [u8])) {
        let (mut next, mut open) = (Some(self), Vec::new());
        while let Some(value) = next {
            for field in value.0.fields().filter(is_member).last().into_iter() {
                match field.number {
                    FUNC => value.member(FUNC).iter().for_each(|function| of_function(function, &mut open, visit)),
                    LIST => value.member(LIST).iter().for_each(|list| {
                        for function in list.repeated(list_value::FUNC) {
                            of_function(&Message::new(list.file(), function.payload()), &mut open, visit);
                        }
                    }),
                    _ => {}
                }
            }
            next = open.pop();
        }
    }
}

/// A NameAttrList: its name, and the values of its attributes.
fn of_function<'f>(function: &Message<'f>, open: &mut Vec<AttrValue<'f>>, visit: &mut impl FnMut(&'f [u8])) {
    if let Some(name) = function.range(NAME) {
        visit(function.file().get(name).unwrap_or_default());
    }
    open.extend(function.entries(ATTR).into_iter().map(|Entry { value, .. }| AttrValue::new(value)));
}

/// Whether a field is one of the `oneof`.
fn is_member(field: &Field) -> bool {
    match field.wire_type {
        WireType::Len => matches!(field.number, LIST | S | SHAPE | TENSOR | PLACEHOLDER | FUNC),
        WireType::Varint => matches!(field.number, I | B | TYPE),
        WireType::Fixed32 => field.number == F,
        WireType::Fixed64 | WireType::Group => false,
    }
}
