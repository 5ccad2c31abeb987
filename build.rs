//! Compiles `proto/` to Rust. protox stands in for `protoc`, so that nothing but Rust is needed to build.

use std::path::{Path, PathBuf};

use prost::Message as _;
use walkdir::WalkDir;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=proto");
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?);
    let descriptors = protox::compile(proto_files(Path::new("proto"))?, ["proto"])?;
    // For text, which gives fields by their names, and for tests/all/proto_schema.rs, which holds the descriptors against
    // TensorFlow's own.
    std::fs::write(out.join("descriptors.bin"), descriptors.encode_to_vec())?;
    prost_build::Config::new()
        // Slices of the mapped file instead of copies of it.
        .bytes(["."])
        // Maps in one order on every run.
        .btree_map(["."])
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
