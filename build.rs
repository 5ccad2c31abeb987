//! Compiles `proto/` to Rust: types by prost, and the number of each field as a constant. protox stands in for `protoc`, so
//! that nothing but Rust is needed to build.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use prost::Message as _;
use prost_types::{DescriptorProto, FileDescriptorSet, MessageOptions};
use walkdir::WalkDir;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=proto");
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?);
    let descriptors = protox::compile(proto_files(Path::new("proto"))?, ["proto"])?;
    // For text, which gives fields by their names, and for tests/all/proto_schema.rs, which holds the descriptors against
    // TensorFlow's own. Each run of the program may decode it, and nobody asks where in `proto/` a field is.
    let mut embedded = descriptors.clone();
    embedded.file.iter_mut().for_each(|file| file.source_code_info = None);
    std::fs::write(out.join("descriptors.bin"), embedded.encode_to_vec())?;
    std::fs::write(out.join("numbers.rs"), numbers(&descriptors)?)?;
    prost_build::Config::new()
        // Slices of the mapped file instead of copies of it.
        .bytes(["."])
        // Maps in one order on every run.
        .btree_map(["."])
        // A message of two bytes is no larger in memory than the largest of the fields that it may have: an empty object would take
        // 2.5 kB, and a value in a list of values 1 kB.
        .boxed(".tensorflow.SavedObject.kind.function")
        .boxed(".tensorflow.SavedObject.kind.bare_concrete_function")
        .boxed(".tensorflow.SavedObject.kind.variable")
        .boxed(".tensorflow.SavedObject.kind.user_object")
        .boxed(".tensorflow.SavedConcreteFunction.canonicalized_input_signature")
        .boxed(".tensorflow.SavedConcreteFunction.output_signature")
        .boxed(".tensorflow.StructuredValue.kind.tensor_spec_value")
        .boxed(".tensorflow.StructuredValue.kind.bounded_tensor_spec_value")
        .boxed(".tensorflow.StructuredValue.kind.named_tuple_value")
        .boxed(".tensorflow.StructuredValue.kind.tensor_value")
        .boxed(".tensorflow.StructuredValue.kind.numpy_value")
        .boxed(".tensorflow.TrackableObjectGraph.TrackableObject.registered_saver")
        .compile_fds(descriptors)?;
    Ok(())
}

fn proto_files(directory: &Path) -> Result<Vec<PathBuf>, walkdir::Error> {
    let mut files = Vec::new();
    for entry in WalkDir::new(directory).sort_by_file_name() {
        let path = entry?.into_path();
        if path.extension().is_some_and(|e| e == "proto") {
            files.push(path);
        }
    }
    Ok(files)
}

/// The numbers of all fields: `node_def::NAME`. A module for each message, nested as messages are; those of other packages
/// than TensorFlow's own are in a module that is called after the package.
fn numbers(descriptors: &FileDescriptorSet) -> Result<String, std::fmt::Error> {
    let mut packages: BTreeMap<&str, String> = BTreeMap::new();
    for file in &descriptors.file {
        let module = match file.package() {
            "tensorflow" => "",
            "third_party.py.tf_keras.protobuf" => "keras",
            other => other.rsplit('.').next().unwrap_or_default(),
        };
        let text = packages.entry(module).or_default();
        for message in &file.message_type {
            number_fields(text, file.package(), message)?;
        }
    }
    let mut all = String::new();
    for (module, text) in packages {
        match module {
            "" => all.push_str(&text),
            _ => writeln!(all, "/// Messages of another package.\npub mod {module} {{\n{text}}}")?,
        }
    }
    Ok(all)
}

fn number_fields(out: &mut String, scope: &str, message: &DescriptorProto) -> std::fmt::Result {
    // The entry of a map: all have a key and a value under the same numbers.
    if message.options.as_ref().is_some_and(MessageOptions::map_entry) {
        return Ok(());
    }
    let name = format!("{scope}.{}", message.name());
    writeln!(out, "/// Fields of `{name}`.\npub mod {} {{", snake_case(message.name()))?;
    for field in &message.field {
        let constant = field.name().to_uppercase();
        writeln!(out, "/// `{}`\npub const {constant}: u32 = {};", field.name(), field.number())?;
    }
    for nested in &message.nested_type {
        number_fields(out, &name, nested)?;
    }
    out.push_str("}\n");
    Ok(())
}

/// `NodeDef` as `node_def`.
fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}
