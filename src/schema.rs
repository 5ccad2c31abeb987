//! TensorFlow's messages as data, from the descriptors of `proto/`: what a text's names mean, and of which kind each field
//! of a main file has to be.

use std::sync::LazyLock;

use foldhash::HashMap;
use prost::Message as _;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorSet, MessageOptions};

use crate::proto::DESCRIPTORS;
use crate::wire::WireType;

/// The message that a main file is.
const ROOT: &str = ".tensorflow.SavedModel";

/// Made when it is first asked for.
pub(crate) static SCHEMA: LazyLock<Schema> = LazyLock::new(Schema::new);

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FieldKind {
    /// A message, by its position in the schema.
    Message(u32),
    /// An enum, by its position in the schema.
    Enum(u32),
    /// A string or bytes.
    Bytes,
    Bool,
    Float,
    Double,
    /// A varint of at most this many bits: `int32`, `int64`, and `uint32`, `uint64`.
    Int(u32),
    Uint(u32),
    /// A zigzag varint: `sint32`, `sint64`.
    Sint(u32),
    /// Four or eight bytes: `fixed32`, `fixed64`, and `sfixed32`, `sfixed64`.
    Fixed(u32),
    Sfixed(u32),
}

impl FieldKind {
    /// Whether a repeated field of this kind is written as one packed field.
    pub(crate) fn is_packable(self) -> bool {
        !matches!(self, Self::Message(_) | Self::Bytes)
    }

    /// How one value of this kind is laid out.
    pub(crate) fn wire_type(self) -> WireType {
        match self {
            Self::Double | Self::Fixed(64) | Self::Sfixed(64) => WireType::Fixed64,
            Self::Message(_) | Self::Bytes => WireType::Len,
            Self::Float | Self::Fixed(_) | Self::Sfixed(_) => WireType::Fixed32,
            Self::Enum(_) | Self::Bool | Self::Int(_) | Self::Uint(_) | Self::Sint(_) => WireType::Varint,
        }
    }
}

/// A field of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) number: u32,
    pub(crate) kind: FieldKind,
    pub(crate) repeated: bool,
    /// Whether it is a string, which has to be UTF-8: parsers refuse the whole message otherwise.
    pub(crate) is_text: bool,
}

/// A message's fields.
#[derive(Debug, Default)]
struct Message {
    name: Box<str>,
    is_map_entry: bool,
    by_name: HashMap<Box<[u8]>, Field>,
    by_number: HashMap<u32, Field>,
}

/// The messages and enums that a SavedModel may hold.
#[derive(Debug, Default)]
pub(crate) struct Schema {
    messages: Vec<Message>,
    /// Of each enum the numbers of its values.
    enums: Vec<HashMap<Box<[u8]>, i32>>,
    root: u32,
}

impl Schema {
    fn new() -> Self {
        let files = FileDescriptorSet::decode(DESCRIPTORS).unwrap_or_default().file;
        let mut declared = Declared::default();
        for file in &files {
            let scope = format!(".{}", file.package());
            file.enum_type.iter().for_each(|values| declared.enumeration(&scope, values));
            file.message_type.iter().for_each(|message| declared.message(&scope, message));
        }
        let message = |message: &&DescriptorProto| {
            let is_map_entry = message.options.as_ref().is_some_and(MessageOptions::map_entry);
            let mut fields = Message { name: message.name().into(), is_map_entry, ..Message::default() };
            for descriptor in &message.field {
                if let Some(field) = declared.field(descriptor) {
                    fields.by_name.insert(descriptor.name().as_bytes().into(), field);
                    fields.by_number.insert(field.number, field);
                }
            }
            fields
        };
        Self {
            messages: declared.messages.iter().map(message).collect(),
            root: declared
                .kinds
                .get(ROOT)
                .map_or(0, |kind| if let FieldKind::Message(root) = kind { *root } else { 0 }),
            enums: declared.enums,
        }
    }

    /// The message that the whole text is.
    pub(crate) fn root(&self) -> u32 {
        self.root
    }

    /// The field that a message has under a name.
    pub(crate) fn field(&self, message: u32, name: &[u8]) -> Option<Field> {
        self.messages.get(message as usize)?.by_name.get(name).copied()
    }

    /// The field that a message has under a number, as printers give it that do not know the name.
    pub(crate) fn field_of_number(&self, message: u32, number: u32) -> Option<Field> {
        self.messages.get(message as usize)?.by_number.get(&number).copied()
    }

    /// Whether a message is an entry of a map.
    pub(crate) fn is_map_entry(&self, message: u32) -> bool {
        self.messages.get(message as usize).is_some_and(|message| message.is_map_entry)
    }

    /// The messages of a name; those in others may have the same.
    pub(crate) fn messages_called(&self, name: &str) -> Vec<u32> {
        let called = self.messages.iter().enumerate().filter(|(_, message)| &*message.name == name);
        called.map(|(at, _)| position(at)).collect()
    }

    /// A field as people call it: `NodeDef.attr`.
    pub(crate) fn name(&self, message: u32, number: u32) -> String {
        let Some(message) = self.messages.get(message as usize) else { return String::new() };
        let field = message.by_name.iter().find(|(_, field)| field.number == number).map(|(name, _)| &**name);
        format!("{}.{}", message.name, String::from_utf8_lossy(field.unwrap_or_default()))
    }

    /// The number of an enum's value.
    pub(crate) fn value(&self, enumeration: u32, name: &[u8]) -> Option<i32> {
        self.enums.get(enumeration as usize)?.get(name).copied()
    }
}

/// The messages and enums of all files, by their names with all packages: what fields refer to.
#[derive(Default)]
struct Declared<'d> {
    kinds: HashMap<String, FieldKind>,
    messages: Vec<&'d DescriptorProto>,
    enums: Vec<HashMap<Box<[u8]>, i32>>,
}

impl<'d> Declared<'d> {
    /// Adds a message and what is declared in it; map entries are messages like others.
    fn message(&mut self, scope: &str, message: &'d DescriptorProto) {
        let name = format!("{scope}.{}", message.name());
        message.enum_type.iter().for_each(|values| self.enumeration(&name, values));
        message.nested_type.iter().for_each(|nested| self.message(&name, nested));
        self.kinds.insert(name, FieldKind::Message(position(self.messages.len())));
        self.messages.push(message);
    }

    fn enumeration(&mut self, scope: &str, values: &EnumDescriptorProto) {
        self.kinds.insert(format!("{scope}.{}", values.name()), FieldKind::Enum(position(self.enums.len())));
        let value = |value: &prost_types::EnumValueDescriptorProto| (value.name().as_bytes().into(), value.number());
        self.enums.push(values.value.iter().map(value).collect());
    }

    fn field(&self, field: &FieldDescriptorProto) -> Option<Field> {
        let kind = match field.r#type() {
            Type::Message | Type::Enum | Type::Group => *self.kinds.get(field.type_name())?,
            Type::String | Type::Bytes => FieldKind::Bytes,
            Type::Bool => FieldKind::Bool,
            Type::Float => FieldKind::Float,
            Type::Double => FieldKind::Double,
            Type::Int32 => FieldKind::Int(32),
            Type::Int64 => FieldKind::Int(64),
            Type::Uint32 => FieldKind::Uint(32),
            Type::Uint64 => FieldKind::Uint(64),
            Type::Sint32 => FieldKind::Sint(32),
            Type::Sint64 => FieldKind::Sint(64),
            Type::Fixed32 => FieldKind::Fixed(32),
            Type::Fixed64 => FieldKind::Fixed(64),
            Type::Sfixed32 => FieldKind::Sfixed(32),
            Type::Sfixed64 => FieldKind::Sfixed(64),
        };
        let number = u32::try_from(field.number()).ok()?;
        let is_text = field.r#type() == Type::String;
        Some(Field { number, kind, repeated: field.label() == Label::Repeated, is_text })
    }
}

/// A position in a list that is far shorter than this can count.
fn position(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
