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

#[cfg(test)]
mod tests {
    use std::mem::size_of;

    /// Each may be there for two bytes of a file, and all of a model at once, in two models that are held against each other.
    #[test]
    fn what_may_be_there_very_often_takes_little() {
        assert!(size_of::<super::SavedObject>() <= 256, "{}", size_of::<super::SavedObject>());
        assert!(size_of::<super::StructuredValue>() <= 48, "{}", size_of::<super::StructuredValue>());
        let tracked = size_of::<super::trackable_object_graph::TrackableObject>();
        assert!(tracked <= 88, "{tracked}");
        assert!(size_of::<super::SavedConcreteFunction>() <= 48, "{}", size_of::<super::SavedConcreteFunction>());
    }
}
