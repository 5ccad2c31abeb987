//! `proto/` says what TensorFlow says: its compiled descriptors are held against tables of TensorFlow's own, field by
//! field and value by value, in both directions. A wrong number in `proto/` would be no error anywhere else: the field
//! would just stay empty, or be taken for another.

use std::collections::BTreeSet;

use prost::{DecodeError, Message as _};
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet};

/// What build.rs made of `proto/`.
const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
/// A row for each field; a message without fields has one row, with `(empty)` for a type.
const SCHEMA: &str = include_str!("../data/schema.tsv");
/// A row for each value of an enum.
const ENUMS: &str = include_str!("../data/enums.tsv");

#[test]
fn every_field_of_every_message_is_tensorflows() -> Result<(), DecodeError> {
    let mut ours = BTreeSet::new();
    for file in our_files()? {
        for message in &file.message_type {
            add_fields(file.name(), file.package(), message, &mut ours);
        }
    }
    assert_same(&table(SCHEMA, "file\tmessage\tnumber\tfield\tlabel\ttype\toneof"), &ours);
    Ok(())
}

#[test]
fn every_value_of_every_enum_is_tensorflows() -> Result<(), DecodeError> {
    let mut ours = BTreeSet::new();
    for file in our_files()? {
        add_values(file.package(), &file.enum_type, &mut ours);
        for message in &file.message_type {
            add_nested_values(file.package(), message, &mut ours);
        }
    }
    assert_same(&table(ENUMS, "enum\tnumber\tname"), &ours);
    Ok(())
}

#[test]
fn every_file_is_written_in_proto3() -> Result<(), DecodeError> {
    let others: Vec<_> =
        our_files()?.into_iter().filter(|file| file.syntax() != "proto3").map(|file| file.name).collect();
    assert!(others.is_empty(), "not proto3: {others:?}");
    Ok(())
}

#[test]
fn a_report_lists_every_difference_at_once_with_the_two_sides_of_one_field_together() {
    let tensorflow = table("number\tfield\n1\tname\n2\top\n3\tinput\n", "number\tfield");
    let ours = ["1\tname", "3\tinputs", "9\tcolour"].map(str::to_owned).into();
    assert_eq!(
        differences(&tensorflow, &ours),
        [
            "only in TensorFlow: 2 op",
            "only in TensorFlow: 3 input",
            "only in proto/: 3 inputs",
            "only in proto/: 9 colour"
        ]
    );
}

/// The files under `proto/`, without those of protobuf itself that they import.
fn our_files() -> Result<Vec<FileDescriptorProto>, DecodeError> {
    let mut files = FileDescriptorSet::decode(DESCRIPTORS)?.file;
    files.retain(|file| file.package() != "google.protobuf");
    Ok(files)
}

/// The rows of a table under the header that it has to have. A line with `#` in front says where the rows below it are
/// from, if not from TensorFlow's compiled descriptors.
fn table(text: &str, header: &str) -> BTreeSet<String> {
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some(header), "a table's columns");
    lines.filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
}

fn assert_same(tensorflow: &BTreeSet<String>, ours: &BTreeSet<String>) {
    let differences = differences(tensorflow, ours);
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
}

fn differences(tensorflow: &BTreeSet<String>, ours: &BTreeSet<String>) -> Vec<String> {
    let side = |row| if ours.contains(row) { "proto/" } else { "TensorFlow" };
    tensorflow
        .symmetric_difference(ours)
        .map(|row| format!("only in {}: {}", side(row), row.replace('\t', " ")))
        .collect()
}

fn add_fields(file: &str, scope: &str, message: &DescriptorProto, rows: &mut BTreeSet<String>) {
    let name = format!("{scope}.{}", message.name());
    if message.field.is_empty() {
        rows.insert(format!("{file}\t{name}\t\t\t\t(empty)\t"));
    }
    for field in &message.field {
        let columns = [
            file,
            &name,
            &field.number().to_string(),
            field.name(),
            label(&name, message, field),
            &type_name(field),
            oneof(message, field),
        ];
        rows.insert(columns.join("\t"));
    }
    for nested in &message.nested_type {
        add_fields(file, &name, nested, rows);
    }
}

fn add_nested_values(scope: &str, message: &DescriptorProto, rows: &mut BTreeSet<String>) {
    let name = format!("{scope}.{}", message.name());
    add_values(&name, &message.enum_type, rows);
    for nested in &message.nested_type {
        add_nested_values(&name, nested, rows);
    }
}

fn add_values(scope: &str, enums: &[EnumDescriptorProto], rows: &mut BTreeSet<String>) {
    for one in enums {
        for value in &one.value {
            rows.insert(format!("{scope}.{}\t{}\t{}", one.name(), value.number(), value.name()));
        }
    }
}

fn label(message_name: &str, message: &DescriptorProto, field: &FieldDescriptorProto) -> &'static str {
    match field.label() {
        Label::Repeated if is_map(message_name, message, field) => "map",
        Label::Repeated => "repeated",
        Label::Required => "required",
        Label::Optional if field.proto3_optional() => "optional",
        Label::Optional => "singular",
    }
}

/// Whether the field's type is one of the entries that `map<>` puts into its message.
fn is_map(message_name: &str, message: &DescriptorProto, field: &FieldDescriptorProto) -> bool {
    message.nested_type.iter().any(|nested| {
        let is_entry = nested.options.as_ref().is_some_and(prost_types::MessageOptions::map_entry);
        is_entry && field.type_name() == format!(".{message_name}.{}", nested.name())
    })
}

fn type_name(field: &FieldDescriptorProto) -> String {
    let full_name = field.type_name().trim_start_matches('.');
    match field.r#type() {
        Type::Message => full_name.to_owned(),
        Type::Enum => format!("enum {full_name}"),
        scalar => scalar.as_str_name().trim_start_matches("TYPE_").to_lowercase(),
    }
}

fn oneof<'a>(message: &'a DescriptorProto, field: &FieldDescriptorProto) -> &'a str {
    let index = field.oneof_index.and_then(|index| usize::try_from(index).ok());
    index.and_then(|index| message.oneof_decl.get(index)).map_or("", |oneof| oneof.name())
}
