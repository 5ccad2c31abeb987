//! Attributes, with functions by what they do and not by their names.

use super::functions::Names;
use super::hash::{Hasher, Piece};
use crate::message::attributes::{GRADIENT_OP_TYPE, ORIGINAL_FUNC_NAME, USER_SPECIFIED_NAME};
use crate::message::number::attr_value::{FUNC, LIST, list_value};
use crate::message::number::name_attr_list::{ATTR, NAME};
use crate::message::view::{Entry, Message};
use crate::message::{AttrValue, NodeDef, ops};
use crate::steady;
use crate::wire::fields;

/// Functions in attributes of functions in attributes: deeper ones are compared as they lie. TensorFlow writes one level.
const MAX_NESTING: usize = 32;

/// Whether an attribute says nothing of what is computed.
fn says_nothing(key: &[u8]) -> bool {
    matches!(key, USER_SPECIFIED_NAME | ORIGINAL_FUNC_NAME)
}

/// What attributes are read with: the functions that names stand for, and those that were met, in order.
pub(super) struct Reading<'n, 'f> {
    pub(super) names: &'n Names<'f>,
    pub(super) calls: Vec<u32>,
    /// Names of functions that are not there.
    pub(super) unknown: Vec<&'f [u8]>,
}

impl<'n, 'f> Reading<'n, 'f> {
    pub(super) fn new(names: &'n Names<'f>) -> Self {
        Self { names, calls: Vec::new(), unknown: Vec::new() }
    }

    /// An op, or the function that it is.
    pub(super) fn op(&mut self, hash: &mut Hasher, op: &'f [u8]) {
        match self.names.find(op) {
            Some(function) => self.call(hash, function),
            None => {
                hash.bytes(Piece::Op, op);
                if !ops::is_stateless(op) {
                    self.unknown.push(op);
                }
            }
        }
    }

    fn call(&mut self, hash: &mut Hasher, function: u32) {
        hash.number(Piece::Call, 0);
        self.calls.push(function);
    }

    /// Attributes in the order of their keys, without those that `is_out` says.
    pub(super) fn attributes(
        &mut self,
        hash: &mut Hasher,
        mut entries: Vec<Entry<'f>>,
        is_out: impl Fn(&[u8]) -> bool,
    ) {
        steady::sort_by_bytes(&mut entries, |entry| (entry.key, 0));
        for entry in entries.iter().filter(|entry| !says_nothing(entry.key) && !is_out(entry.key)) {
            hash.bytes(Piece::Attribute, entry.key);
            if entry.key == GRADIENT_OP_TYPE {
                let value = AttrValue::new(entry.value.clone()).text();
                hash.bytes(Piece::Gradient, if self.names.live_gradients.contains(value) { value } else { b"" });
            } else {
                self.value(hash, &entry.value, 0);
            }
        }
        hash.number(Piece::End, 0);
    }

    fn value(&mut self, hash: &mut Hasher, value: &Message<'f>, nesting: usize) {
        let file = value.file();
        for field in value.fields() {
            if field.is_len(FUNC) {
                self.function(hash, &Message::new(file, field.payload()), nesting);
            } else if field.is_len(LIST) {
                hash.number(Piece::List, 0);
                for item in fields(file, field.payload()) {
                    if item.is_len(list_value::FUNC) {
                        self.function(hash, &Message::new(file, item.payload()), nesting);
                    } else {
                        hash.field(file, &item);
                    }
                }
                hash.number(Piece::End, 0);
            } else {
                hash.field(file, &field);
            }
        }
        hash.number(Piece::End, 0);
    }

    /// A NameAttrList. Functions nest as deep as a file says, and this is a recursion, so it ends.
    fn function(&mut self, hash: &mut Hasher, function: &Message<'f>, nesting: usize) {
        let (name, file) = (function.bytes(NAME), function.file());
        hash.number(Piece::Function, 0);
        match self.names.find(name) {
            Some(function) => self.call(hash, function),
            None => {
                hash.bytes(Piece::Name, name);
                self.unknown.push(name);
            }
        }
        if nesting >= MAX_NESTING {
            function.fields().for_each(|field| hash.field(file, &field));
            return;
        }
        let mut entries = function.entries(ATTR);
        steady::sort_by_bytes(&mut entries, |entry| (entry.key, 0));
        for entry in &entries {
            hash.bytes(Piece::Attribute, entry.key);
            self.value(hash, &entry.value, nesting.saturating_add(1));
        }
        hash.number(Piece::End, 0);
    }
}

/// What a node names as functions that are not there.
pub(super) fn unknown<'f>(node: &NodeDef<'f>, names: &Names<'f>) -> Vec<&'f [u8]> {
    let mut unknown = Vec::new();
    if names.find(node.op()).is_none() {
        unknown.push(node.op());
    }
    for entry in node.attributes() {
        AttrValue::new(entry.value).functions(&mut |name| {
            if names.find(name).is_none() {
                unknown.push(name);
            }
        });
    }
    unknown
}

/// Whether a call has a name for its gradient that is a number of the process which made it, as in `PartitionedCall-12`. A loader gives
/// it that of the function that it calls (tensorflow/python/saved_model/function_deserialization.py).
pub(super) fn is_number_of_a_call(node: &NodeDef<'_>, value: &[u8]) -> bool {
    let Some(at) = value.iter().rposition(|byte| *byte == b'-') else { return false };
    let (op, number) = value.split_at(at);
    let digits = number.get(1..).unwrap_or_default();
    let is_number = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    ops::CALLS.contains(&node.op()) && ops::CALLS.contains(&op) && is_number
}
