//! The views against prost: both read random messages of TensorFlow's schema, whose fields are given several times and out of
//! order, among unknown fields and groups, with numbers packed and written one by one.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use bytes::Bytes;
use foldhash::HashMap;
use proptest::prelude::*;
use prost::Message as _;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, FileDescriptorSet};

use super::tensor_proto::Form;
use super::{AttrValue, FunctionDef, Message, NodeDef, Plain, SavedObject, TensorProto, saved_object};
use crate::proto::{self, DESCRIPTORS, attr_value, saved_object as kinds};
use crate::support::wire::{self, message};

/// Texts that names, keys and values are taken from: few, so that some are given twice.
const TEXTS: [&str; 6] = ["", "a", "b", "value", "^a:1", "node:output:2"];

/// All messages by their full names.
static MESSAGES: LazyLock<HashMap<String, DescriptorProto>> = LazyLock::new(|| {
    let mut messages = HashMap::default();
    for file in FileDescriptorSet::decode(DESCRIPTORS).unwrap().file {
        let scope = format!(".{}", file.package());
        file.message_type.iter().for_each(|message| add(&mut messages, &scope, message));
    }
    messages
});

/// Makes random messages of the schema from one number.
struct Maker {
    state: u64,
}

impl Maker {
    fn new(seed: u64) -> Self {
        Self { state: seed | 1 }
    }

    /// A number below `most` (xorshift64*).
    fn below(&mut self, most: usize) -> usize {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        (self.state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % most
    }

    /// A message of up to nine fields; those at `depth` 0 have none that are messages.
    fn make(&mut self, name: &str, depth: usize) -> wire::Message {
        let fields = &MESSAGES[name].field;
        let mut made = message();
        for _ in 0..self.below(if fields.is_empty() { 1 } else { 10 }) {
            let field = &fields[self.below(fields.len())];
            let number = u32::try_from(field.number()).unwrap();
            made = match field.r#type() {
                Type::Message if depth == 0 => made,
                Type::Message => made.message(number, &self.make(field.type_name(), depth - 1)),
                Type::String | Type::Bytes => made.bytes(number, TEXTS[self.below(TEXTS.len())]),
                scalar => self.scalars(made, number, scalar, field.label() == Label::Repeated),
            };
            if self.below(6) == 0 {
                made = self.unknown(made);
            }
        }
        made
    }

    /// Numbers: one, or, of a repeated field, also several in one field.
    fn scalars(&mut self, made: wire::Message, number: u32, scalar: Type, repeated: bool) -> wire::Message {
        let value = [0, 1, 2, 300, 70_000][self.below(5)];
        let packed = repeated && self.below(2) == 0;
        match scalar {
            Type::Float if packed => made.bytes(number, [1_f32.to_le_bytes(), 2_f32.to_le_bytes()].concat()),
            Type::Float => made.fixed32(number, 3_f32.to_bits()),
            Type::Double if packed => made.bytes(number, [1_f64.to_le_bytes(), 2_f64.to_le_bytes()].concat()),
            Type::Double => made.fixed64(number, 3_f64.to_bits()),
            Type::Fixed32 => made.fixed32(number, 7),
            Type::Fixed64 => made.fixed64(number, 7),
            Type::Bool => made.int(number, value.min(1)),
            _ if packed => made.bytes(number, [wire::varint(value), wire::varint(5)].concat()),
            _ => made.int(number, value),
        }
    }

    /// A field that no schema knows: of each wire type, also a group with fields in it.
    fn unknown(&mut self, made: wire::Message) -> wire::Message {
        match self.below(4) {
            0 => made.int(1000, 1),
            1 => made.bytes(2000, "unknown"),
            2 => made.fixed32(1000, 1),
            _ => made.group(999, &message().bytes(1, "inside").group(2, &message().int(1, 1))),
        }
    }
}

fn add(messages: &mut HashMap<String, DescriptorProto>, scope: &str, message: &DescriptorProto) {
    let name = format!("{scope}.{}", message.name());
    message.nested_type.iter().for_each(|nested| add(messages, &name, nested));
    messages.insert(name, message.clone());
}

/// A random message of this name as bytes.
fn made(seed: u64, name: &str) -> Vec<u8> {
    Maker::new(seed).make(name, 4).0
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn texts<'a>(all: impl IntoIterator<Item = &'a [u8]>) -> Vec<String> {
    all.into_iter().map(text).collect()
}

fn same_node(view: &NodeDef<'_>, file: &[u8], node: &proto::NodeDef) -> Result<(), TestCaseError> {
    prop_assert_eq!((text(view.name()), text(view.op())), (node.name.clone(), node.op.clone()));
    prop_assert_eq!(text(&file[view.name_range()]), node.name.clone());
    prop_assert_eq!(texts(view.inputs()), node.input.clone());
    let attributes = view.attributes();
    prop_assert_eq!(attributes.len(), node.attr.len());
    for entry in attributes {
        let expected = &node.attr[&text(entry.key)];
        same_attribute(&AttrValue::new(entry.value), expected)?;
        same_attribute(&view.attribute(entry.key).unwrap(), expected)?;
    }
    Ok(())
}

fn same_attribute(view: &AttrValue<'_>, value: &proto::AttrValue) -> Result<(), TestCaseError> {
    use attr_value::Value;
    let value = value.value.as_ref();
    prop_assert_eq!(view.s().is_some(), matches!(value, Some(Value::S(_))));
    prop_assert_eq!(view.data_type().is_some(), matches!(value, Some(Value::Type(_))));
    prop_assert_eq!(view.tensor().is_some(), matches!(value, Some(Value::Tensor(_))));
    prop_assert_eq!(view.list().is_some(), matches!(value, Some(Value::List(_))));
    prop_assert_eq!(view.function().is_some(), matches!(value, Some(Value::Func(_))));
    let mut functions = Vec::new();
    view.clone().functions(&mut |name| functions.push(text(name)));
    let mut expected = Vec::new();
    match value {
        Some(Value::S(s)) => prop_assert_eq!(view.text(), &s[..]),
        Some(Value::Type(number)) => prop_assert_eq!(view.data_type(), u64::try_from(*number).ok()),
        Some(Value::Tensor(tensor)) => same_tensor(&view.tensor().unwrap(), tensor)?,
        Some(Value::Func(function)) => {
            prop_assert_eq!(view.function().map(text), Some(function.name.clone()));
            functions_of(function, &mut expected);
        }
        Some(Value::List(list)) => {
            let view = view.list().unwrap();
            let strings = view.repeated(super::number::attr_value::list_value::S);
            let strings: Vec<_> = strings.map(|field| Bytes::copy_from_slice(field.bytes(view.file()))).collect();
            prop_assert_eq!(&strings, &list.s);
            prop_assert_eq!(
                view.integers(super::number::attr_value::list_value::I).collect::<Vec<i64>>(),
                list.i.clone()
            );
            list.func.iter().for_each(|function| functions_of(function, &mut expected));
        }
        _ => {}
    }
    functions.retain(|name| !name.is_empty());
    functions.sort();
    expected.sort();
    prop_assert_eq!(functions, expected);
    Ok(())
}

fn functions_of(function: &proto::NameAttrList, names: &mut Vec<String>) {
    names.extend((!function.name.is_empty()).then(|| function.name.clone()));
    for value in function.attr.values() {
        match &value.value {
            Some(attr_value::Value::Func(inner)) => functions_of(inner, names),
            Some(attr_value::Value::List(list)) => list.func.iter().for_each(|inner| functions_of(inner, names)),
            _ => {}
        }
    }
}

fn same_tensor(view: &TensorProto<'_>, tensor: &proto::TensorProto) -> Result<(), TestCaseError> {
    prop_assert_eq!(view.data_type(), u64::try_from(tensor.dtype).unwrap());
    let shape = tensor.tensor_shape.clone().unwrap_or_default();
    let sizes = shape.dim.iter().map(|dim| u64::try_from(dim.size).unwrap()).collect();
    prop_assert_eq!(view.shape(), (!shape.unknown_rank).then_some(sizes));
    let file = view.message().file();
    let strings: Vec<_> = view.strings().map(|field| Bytes::copy_from_slice(field.bytes(file))).collect();
    prop_assert_eq!(&strings, &tensor.string_val);
    let Some((form, range)) = view.elements() else {
        prop_assert!(tensor.tensor_content.is_empty());
        return Ok(());
    };
    let numbers = [
        tensor.float_val.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>(),
        tensor.double_val.iter().flat_map(|value| value.to_le_bytes()).collect(),
        tensor.scomplex_val.iter().flat_map(|value| value.to_le_bytes()).collect(),
        tensor.dcomplex_val.iter().flat_map(|value| value.to_le_bytes()).collect(),
        tensor.bool_val.iter().map(|value| u8::from(*value)).collect(),
        varints(&tensor.int_val),
        varints(&tensor.int64_val),
        varints(&tensor.half_val),
        varints(&tensor.uint32_val),
        varints(&tensor.uint64_val),
    ];
    match form {
        _ if !tensor.tensor_content.is_empty() => prop_assert_eq!(&file[range], &tensor.tensor_content[..]),
        Form::Strings => {
            let within = Message::new(file, range);
            prop_assert_eq!(within.repeated(super::number::tensor_proto::STRING_VAL).count(), tensor.string_val.len());
            prop_assert!(within.fields().count() == tensor.string_val.len() && numbers.iter().all(Vec::is_empty));
        }
        Form::Memory | Form::Varints => {
            let given: Vec<&Vec<u8>> = numbers.iter().filter(|bytes| !bytes.is_empty()).collect();
            prop_assert!(given.len() <= 1 && tensor.string_val.is_empty(), "elements of two kinds are not one piece");
            if let [bytes] = given[..] {
                prop_assert_eq!(&file[range], &bytes[..]);
            }
        }
    }
    Ok(())
}

fn varints<T: Copy + TryInto<u64>>(values: &[T]) -> Vec<u8> {
    let values = values.iter().map(|value| (*value).try_into().unwrap_or(0));
    values.flat_map(wire::varint).collect()
}

fn same_object(view: &SavedObject<'_>, file: &[u8], object: &proto::SavedObject) -> Result<(), TestCaseError> {
    use saved_object::Kind;
    let of = |child: saved_object::Child| (child.node, text(&file[child.name]));
    let expected = |references: &[proto::trackable_object_graph::trackable_object::ObjectReference]| {
        let pair = |child: &proto::trackable_object_graph::trackable_object::ObjectReference| {
            (u64::try_from(child.node_id).unwrap(), child.local_name.clone())
        };
        references.iter().map(pair).collect::<Vec<_>>()
    };
    prop_assert_eq!(view.children().map(of).collect::<Vec<_>>(), expected(&object.children));
    prop_assert_eq!(view.dependencies().map(of).collect::<Vec<_>>(), expected(&object.dependencies));
    let slots: Vec<_> = view.slots().map(|(_, original, slot)| (original, slot)).collect();
    let number = |number: i32| u64::try_from(number).unwrap();
    let of_slot = |slot: &proto::trackable_object_graph::trackable_object::SlotVariableReference| {
        (number(slot.original_variable_node_id), number(slot.slot_variable_node_id))
    };
    prop_assert_eq!(slots, object.slot_variables.iter().map(of_slot).collect::<Vec<_>>());
    let functions = texts(view.kind().functions());
    match (view.kind(), object.kind.as_ref()) {
        (Kind::User(_), Some(kinds::Kind::UserObject(user))) => {
            prop_assert_eq!(text(view.kind().identifier()), user.identifier.clone());
        }
        (Kind::Asset(index), Some(kinds::Kind::Asset(asset))) => {
            prop_assert_eq!(index, number(asset.asset_file_def_index));
        }
        (Kind::Function(_), Some(kinds::Kind::Function(function))) => {
            prop_assert_eq!(functions, function.concrete_functions.clone());
        }
        (Kind::BareFunction(_), Some(kinds::Kind::BareConcreteFunction(function))) => {
            prop_assert_eq!(functions, vec![function.concrete_function_name.clone()]);
        }
        (Kind::Constant(_), Some(kinds::Kind::Constant(constant))) => {
            prop_assert_eq!(view.kind().operation().map(text), Some(constant.operation.clone()));
        }
        (Kind::CapturedTensor(_), Some(kinds::Kind::CapturedTensor(tensor))) => {
            prop_assert_eq!(functions, vec![tensor.concrete_function.clone()]);
        }
        (Kind::Variable(_), Some(kinds::Kind::Variable(_)))
        | (Kind::Resource(_), Some(kinds::Kind::Resource(_)))
        | (Kind::None, None) => {}
        (one, other) => prop_assert!(false, "{one:?} is not {other:?}"),
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn a_node_is_what_prost_takes_it_for(seed: u64) {
        let file = made(seed, ".tensorflow.NodeDef");
        let node = proto::NodeDef::decode(&file[..]).unwrap();
        same_node(&NodeDef::read(&file, 0..file.len()), &file, &node)?;
    }

    #[test]
    fn a_plain_node_is_read_as_any_other(seed: u64, at in 0..3_usize) {
        // In front of anything what writers begin with, so that many are plain.
        let start = message().bytes(1, "name").bytes(2, "Op").bytes(3, "a").0;
        let start = &start[..[6, 10, 13][at]];
        let file = [start, &made(seed, ".tensorflow.NodeDef")].concat();
        let node = proto::NodeDef::decode(&file[..]).unwrap();
        same_node(&NodeDef::read(&file, 0..file.len()), &file, &node)?;
        if let Some(plain) = Plain::read(&file) {
            prop_assert_eq!((text(plain.name), text(plain.op)), (node.name, node.op));
            prop_assert_eq!((text(&file[plain.name_at.clone()]), texts(plain.inputs())), (text(plain.name), node.input));
        }
    }

    #[test]
    fn a_function_is_what_prost_takes_it_for(seed: u64) {
        let file = made(seed, ".tensorflow.FunctionDef");
        let function = proto::FunctionDef::decode(&file[..]).unwrap();
        let view = FunctionDef::new(&file, 0..file.len());
        let (signature, expected) = (view.signature(), function.signature.unwrap_or_default());
        prop_assert_eq!(text(signature.name()), text(&file[signature.name_range()]));
        prop_assert_eq!(text(signature.name()), expected.name);
        let names = |all: &[proto::op_def::ArgDef]| all.iter().map(|arg| arg.name.clone()).collect::<Vec<_>>();
        prop_assert_eq!(texts(signature.arguments()), names(&expected.input_arg));
        prop_assert_eq!(texts(signature.results()), names(&expected.output_arg));
        let returned: BTreeMap<String, ()> = view.returned().into_iter().map(|name| (text(name), ())).collect();
        prop_assert_eq!(returned, function.ret.into_values().map(|name| (name, ())).collect());
        prop_assert_eq!(view.nodes().count(), function.node_def.len());
        for (view, node) in view.nodes().zip(&function.node_def) {
            same_node(&view, &file, node)?;
        }
    }

    #[test]
    fn a_tensor_is_what_prost_takes_it_for(seed: u64) {
        let file = made(seed, ".tensorflow.TensorProto");
        let tensor = proto::TensorProto::decode(&file[..]).unwrap();
        same_tensor(&TensorProto::new(Message::new(&file, 0..file.len())), &tensor)?;
    }

    #[test]
    fn an_object_is_what_prost_takes_it_for(seed: u64) {
        let file = made(seed, ".tensorflow.SavedObject");
        let object = proto::SavedObject::decode(&file[..]).unwrap();
        same_object(&SavedObject::new(&file, 0..file.len()), &file, &object)?;
    }
}

#[test]
fn nodes_as_writers_make_them_are_plain() {
    let is_plain = |node: &wire::Message| Plain::read(&node.0).is_some();
    let long = "x".repeat(300);
    let start = message().bytes(1, "name").bytes(2, "Op");
    let all = start.clone().bytes(3, "a").bytes(3, "^b").bytes(4, "gpu").bytes(5, &long).bytes(6, "");
    assert!(is_plain(&start) && is_plain(&all));
    let later = |number| start.clone().bytes(5, "attr").bytes(number, "again");
    assert!([1, 2, 3].iter().all(|number| !is_plain(&later(*number))) && is_plain(&later(5)));
    assert!(!is_plain(&message().bytes(1, "n".repeat(1 << 14)).bytes(2, "Op")));
    assert!(!is_plain(&message().bytes(2, "Op")) && !is_plain(&message()));
    assert!(!is_plain(&start.raw(&[0x2a, 9, 0])), "what is cut off is not plain");
}

#[test]
fn many_attributes_of_one_key_are_one() {
    let node = (0..40).fold(message(), |node, number| node.entry(5, ["a", "b"][number % 2], &message().int(3, 1)));
    let last = node.0.len();
    let view = NodeDef::read(&node.0, 0..last);
    let attributes = view.attributes();
    assert_eq!(texts(attributes.iter().map(|entry| entry.key)), ["a", "b"]);
    assert_eq!(attributes[1].field.end, last, "the last one counts");
}
