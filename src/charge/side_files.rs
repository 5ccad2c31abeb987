//! The small files beside `saved_model.pb` that are messages, too: each charged by its fields.

use bytes::Bytes;
use serde::Deserialize;

use super::names;
use super::walk::Walk;
use crate::input::{File, layout};
use crate::ledger::{Category, Dimension, Imbalance, Ledger};
use crate::message::constants::KERAS_METRIC;
use crate::message::number::keras::saved_metadata::NODES as KERAS_NODES;
use crate::message::number::keras::saved_object::{
    IDENTIFIER as KERAS_IDENTIFIER, METADATA as KERAS_METADATA, NODE_PATH as KERAS_NODE_PATH,
};
use crate::problem::Problem;
use crate::progress::Progress;
use crate::stand_in::StandIn;
use crate::wire::{Field, Layout, fields};

/// The files that are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SideFile {
    /// `FingerprintDef` (tensorflow/core/protobuf/fingerprint.proto).
    Fingerprint,
    /// `GraphDebugInfo` (tensorflow/core/framework/graph_debug_info.proto): where in Python nodes were made.
    DebugInfo,
    /// `ModuleDef` of a TensorFlow Hub module of TensorFlow 1 (tensorflow_hub/module_def.proto).
    HubModule,
    /// `SavedMetadata` of Keras 2 (keras/protobuf/saved_metadata.proto): what each layer is made from.
    KerasMetadata,
}

/// Of a `SavedObject.metadata`, which is JSON.
#[derive(Deserialize)]
struct Metadata {
    name: Option<String>,
}

impl SideFile {
    /// What a file of this name is.
    pub(super) fn of(name: &str) -> Option<Self> {
        match name {
            layout::FINGERPRINT => Some(Self::Fingerprint),
            layout::DEBUG_INFO => Some(Self::DebugInfo),
            layout::HUB_MODULE => Some(Self::HubModule),
            layout::KERAS_METADATA => Some(Self::KerasMetadata),
            _ => None,
        }
    }
}

/// Charges a file of a known kind, which holds `bytes`, and returns the damage in it: one problem where it is something else.
pub(super) fn charge(
    file: &File,
    bytes: &Bytes,
    kind: SideFile,
    ledger: &mut Ledger,
    progress: &dyn Progress,
) -> Result<Vec<Problem>, Imbalance> {
    let mut walk = Walk::new((&file.name, file.bytes), bytes, &Layout::Wire, ledger, progress);
    let labels = walk.labels(Category::Files, whole(kind));
    walk.message(0..bytes.len(), labels, |walk, field| match kind {
        SideFile::Fingerprint => leaf(walk, field, names::fingerprint(field.number)),
        SideFile::DebugInfo => leaf(walk, field, names::debug_info(field.number)),
        SideFile::HubModule => leaf(walk, field, names::hub_module(field.number)),
        SideFile::KerasMetadata if field.is_len(KERAS_NODES) => keras_node(walk, field),
        SideFile::KerasMetadata => leaf(walk, field, "files.keras_metadata.(unknown)"),
    });
    let damage = walk.close()?;
    Ok(match StandIn::of(bytes).filter(|_| !damage.is_empty()) {
        Some(stand_in) => vec![Problem::of_file(&file.name, format!("expected a message, found {}", stand_in.found()))],
        None => damage,
    })
}

/// What is charged of a file that is in none of its fields.
fn whole(kind: SideFile) -> &'static str {
    match kind {
        SideFile::Fingerprint => "files.fingerprint",
        SideFile::DebugInfo => "files.debug_info",
        SideFile::HubModule => "files.tfhub_module",
        SideFile::KerasMetadata => "files.keras_metadata",
    }
}

fn leaf(walk: &mut Walk<'_>, field: Field, path: &str) {
    let labels = walk.labels(Category::Files, path);
    walk.charge(field, labels, 1);
}

/// A layer, by its own name: `files.keras_metadata.layer[dense]`.
fn keras_node(walk: &mut Walk<'_>, field: Field) {
    let mut labels = walk.labels(Category::Files, whole(SideFile::KerasMetadata));
    if walk.wants(Dimension::Field) {
        let name = keras_name(walk, field);
        let is_metric = &walk.string(field.payload(), KERAS_IDENTIFIER)[..] == KERAS_METRIC;
        let path = if is_metric { "files.keras_metadata.metric" } else { "files.keras_metadata.layer" };
        labels = walk.with_entry(labels, path, &name);
    }
    walk.submessage(field, labels, |walk, inner| walk.charge(inner, labels, 0));
    // Counted by itself, as its bytes are charged field by field so that damage in it is noticed.
    let end = field.end as u64;
    walk.charge_range(end..end, labels, 1);
}

/// The name that Keras gave to it; where there is none, its path in the tree of objects.
fn keras_name(walk: &Walk<'_>, node: Field) -> Vec<u8> {
    let metadata = fields(walk.bytes, node.payload()).find(|field| field.is_len(KERAS_METADATA));
    let metadata = metadata.and_then(|field| serde_json::from_slice(field.bytes(walk.bytes)).ok());
    match metadata {
        Some(Metadata { name: Some(name) }) if !name.is_empty() => name.into_bytes(),
        _ => walk.string(node.payload(), KERAS_NODE_PATH).to_vec(),
    }
}
