//! Models in text, printed from those in wire format by the descriptors of `proto/`. Not in
//! `tests/support`: the descriptors are at hand in the package that compiles `proto/` only.

#![allow(unreachable_pub, clippy::expect_used, clippy::indexing_slicing)]
#![allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap)]

use std::collections::BTreeMap;
use std::ops::Range;

use prost::Message as _;
use prost_types::field_descriptor_proto::Type;
use prost_types::{DescriptorProto, FieldDescriptorProto, FileDescriptorSet};
use smaudit::internals::wire::{fields, varint};

const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

/// Prints a SavedModel. What no descriptor knows is left out.
pub fn text_of(saved_model: &[u8]) -> String {
    let mut printer = Printer { messages: BTreeMap::new(), file: saved_model, text: String::new() };
    for file in FileDescriptorSet::decode(DESCRIPTORS).expect("build.rs made descriptors").file {
        file.message_type.iter().for_each(|message| printer.declare(&format!(".{}", file.package()), message));
    }
    printer.message(".tensorflow.SavedModel", 0..saved_model.len());
    printer.text
}

struct Printer<'f> {
    /// The fields of each message.
    messages: BTreeMap<String, Vec<FieldDescriptorProto>>,
    file: &'f [u8],
    text: String,
}

impl Printer<'_> {
    fn declare(&mut self, scope: &str, message: &DescriptorProto) {
        let name = format!("{scope}.{}", message.name());
        message.nested_type.iter().for_each(|nested| self.declare(&name, nested));
        self.messages.insert(name, message.field.clone());
    }

    fn message(&mut self, name: &str, range: Range<usize>) {
        for field in fields(self.file, range) {
            let known = self.messages[name].iter().find(|known| known.number() == field.number as i32);
            let Some(known) = known.cloned() else { continue };
            match known.r#type() {
                Type::Message => {
                    self.text += &format!("{} {{\n", known.name());
                    self.message(known.type_name(), field.payload());
                    self.text += "}\n";
                }
                Type::String | Type::Bytes => {
                    let escaped = field.bytes(self.file).escape_ascii();
                    self.text += &format!("{}: \"{escaped}\"\n", known.name());
                }
                kind => self.numbers(known.name(), kind, field.bytes(self.file)),
            }
        }
    }

    /// A number, or those of a packed field.
    fn numbers(&mut self, name: &str, kind: Type, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let (value, length) = match kind {
                Type::Float => (format!("{:?}", f32::from_le_bytes(first(bytes))), 4),
                Type::Double => (format!("{:?}", f64::from_le_bytes(first(bytes))), 8),
                Type::Fixed32 => (u32::from_le_bytes(first(bytes)).to_string(), 4),
                Type::Fixed64 => (u64::from_le_bytes(first(bytes)).to_string(), 8),
                kind => {
                    let (value, length) = varint(bytes).expect("a fixture is whole");
                    let signed = matches!(kind, Type::Int32 | Type::Int64 | Type::Enum);
                    (if signed { value.cast_signed().to_string() } else { value.to_string() }, length)
                }
            };
            self.text += &format!("{name}: {value}\n");
            bytes = &bytes[length..];
        }
    }
}

fn first<const N: usize>(bytes: &[u8]) -> [u8; N] {
    *bytes.first_chunk().expect("a fixture is whole")
}
