//! A `saved_model.pbtxt`: protobuf's text format, read as the wire format that means the same.
//!
//! Everything above walks wire format, so the text is not a second kind of model: [`read`] writes the wire format of a
//! text, in the order of the text, and with it which part of the text each field was. Contents are then compared as they
//! mean, however they are written, and every byte that is charged or counted is one of the text. The format:
//! <https://protobuf.dev/reference/protobuf/textformat-spec/>; what TensorFlow's printer writes and what people write into it
//! by hand are read alike.
//!
//! - **What goes with a field.** White space and comments in front of it; behind it a separator, and the rest of the
//!   line up to the next field. So a field that has lines of its own takes just these lines. What stands in front of a
//!   closing brace goes with the brace, which is part of the message's field. An empty list `[]` is no field and goes
//!   with what follows.
//! - **Payloads.** A message's is what is between its braces; any other's is its value as it is written, quotes
//!   included.
//! - **Repeated numbers** of one field, in a list or one by one, are one packed field, as they are in a binary model.
//! - **Unknown** names, extensions, and values that an enum does not have are fields of a number that no message has.
//!   They hold their text without layout, so that two of them are equal where their text is.
//! - **Damage** costs the field that it is in: the text up to the next that looks like a field, or to the end of the
//!   message, is a field of another such number, and what is damaged side by side is one. Nothing recurses, and messages
//!   may nest a hundred times as deep as protobuf reads them.

mod lexer;
mod literal;
mod parser;
mod writer;

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use thiserror::Error;

use crate::schema::{FieldKind, SCHEMA};
use crate::wire::{Decoded, Layout, fields};

/// The field numbers of what no message has a field for, and of what cannot be read: from those that protobuf keeps from
/// every message (<https://protobuf.dev/programming-guides/proto3/#assigning>).
const UNKNOWN: u32 = 19_000;
const DAMAGED: u32 = 19_999;

/// The most faults that are listed one by one: a file that is no text at all has one in nearly every line.
const MAX_FAULTS: usize = 1000;

/// What a text means.
#[derive(Debug, Default)]
pub struct Text {
    /// The SavedModel in wire format.
    pub wire: Bytes,
    /// Which part of the text each of its fields is.
    pub layout: Layout,
    /// What is wrong with the text, in its order.
    pub faults: Vec<Fault>,
    /// How many faults there are besides.
    pub more_faults: u64,
}

/// A place where a text is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("expected {expected}, found {found}")]
pub struct Fault {
    /// The byte of the text.
    pub offset: usize,
    /// What should be there.
    pub expected: Cow<'static, str>,
    /// What is there.
    pub found: String,
}

/// Reads the text of a SavedModel. Takes time and memory in proportion to its length.
#[must_use]
pub fn read(text: &[u8]) -> Text {
    let parsed = parser::Parser::new(text).parse();
    let (wire, spans) = parsed.writer.finish();
    let layout = Layout::Decoded(Arc::new(Decoded { spans, damaged: DAMAGED }));
    Text { wire: wire.into(), layout, faults: parsed.faults, more_faults: parsed.more_faults }
}

/// Whether all of a wire format that a text was read as is something that messages have fields for.
#[must_use]
pub fn is_understood(wire: &[u8]) -> bool {
    let mut open = vec![(0..wire.len(), SCHEMA.root())];
    while let Some((range, message)) = open.pop() {
        for field in fields(wire, range) {
            match SCHEMA.field_of_number(message, field.number).map(|known| known.kind) {
                Some(FieldKind::Message(inner)) => open.push((field.payload(), inner)),
                Some(_) => {}
                None => return false,
            }
        }
    }
    true
}

#[cfg(test)]
mod tests;
