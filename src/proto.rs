//! TensorFlow's messages as prost types, generated from `proto/`. Only this module includes generated code.
//!
//! They are decoded from spans of a file where meaning is needed (a signature, an asset, a checkpoint entry); sizes
//! never come from them, since legal wire input need not survive a decode and re-encode.

#![allow(missing_docs, unreachable_pub, rustdoc::all, clippy::all, clippy::pedantic)]

/// A `google.protobuf.FileDescriptorSet` of `proto/` and what it imports.
pub(crate) const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

include!(concat!(env!("OUT_DIR"), "/tensorflow.rs"));

/// How a chunked model is put together.
pub mod proto_splitter {
    include!(concat!(env!("OUT_DIR"), "/tensorflow.proto_splitter.rs"));
}
