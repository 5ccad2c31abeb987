//! A MetaGraphDef: its sections, and what it says of itself (tags, signatures, assets).

use std::ops::Range;

use bytes::Bytes;
use prost::Message as _;

use super::{Notes, Walk, graph, names};
use crate::ledger::{Category, Dimension, Labels};
use crate::proto;
use crate::wire::{Field, WireType, fields};

/// What a MetaGraphDef holds besides bytes.
#[derive(Debug, Default)]
pub struct MetaGraph {
    /// The message's payload in [`MainFile::bytes`](super::MainFile::bytes), without its own tag and length.
    pub range: Range<usize>,
    /// What that takes in the file.
    pub bytes: u64,
    /// `meta_info_def.tags`.
    pub tags: Vec<String>,
    /// `meta_info_def.tensorflow_version`.
    pub tensorflow_version: String,
    /// Nodes of `graph_def` itself.
    pub nodes: u64,
    /// Functions of its library.
    pub functions: u64,
    /// Nodes in these functions.
    pub function_nodes: u64,
    /// Objects of `object_graph_def`.
    pub object_nodes: u64,
    /// The entries of `signature_def`.
    pub signatures: Vec<Signature>,
    /// The files that `asset_file_def` names, relative to `assets/`.
    pub assets: Vec<String>,
    /// What findings want to know of the nodes.
    pub(crate) notes: Notes,
}

impl MetaGraph {
    /// What the metagraph is called in rollups: `#0 serve`.
    #[must_use]
    pub fn label(&self, index: usize) -> String {
        format!("#{index} {}", self.tags.join(",")).trim_end().to_owned()
    }
}

/// An entry of `MetaGraphDef.signature_def`.
#[derive(Debug)]
pub struct Signature {
    /// Its key.
    pub name: String,
    /// What the entry takes in the file, tag and length included.
    pub bytes: u64,
    /// What it says; empty where it could not be decoded.
    pub def: proto::SignatureDef,
}

/// The fields of MetaGraphDef (tensorflow/core/protobuf/meta_graph.proto): the number, the category of its bytes, the name.
const SECTIONS: [(u32, Category, &str); 7] = [
    (1, Category::MetaInfoDef, "meta_info_def"),
    (2, Category::GraphDef, "graph_def"),
    (3, Category::SaverDef, "saver_def"),
    (4, Category::CollectionDef, "collection_def"),
    (5, Category::SignatureDef, "signature_def"),
    (6, Category::Assets, "asset_file_def"),
    (7, Category::ObjectGraphDef, "object_graph_def"),
];
const META_INFO_DEF: u32 = 1;

/// Charges the MetaGraphDef in `field`, the `index`th of its file.
pub(super) fn charge(walk: &mut Walk<'_>, field: Field, index: usize) -> MetaGraph {
    let mut meta_graph = about(walk, field);
    let label = walk.label(Dimension::MetaGraph, meta_graph.label(index).as_bytes());
    let framing = walk.labels(Category::Framing, names::saved_model(super::META_GRAPHS));
    let framing = framing.with(Dimension::MetaGraph, label);
    walk.charge_head(field, framing, 0);
    // What cannot be walked is in no section, but part of the metagraph all the same.
    let damaged = walk.label(Dimension::Section, b"(damaged)");
    walk.message(field.payload(), framing.with(Dimension::Section, damaged), |walk, section| {
        let known = SECTIONS.iter().find(|(number, ..)| *number == section.number);
        let (_, category, name) = *known.unwrap_or(&(0, Category::Framing, "(unknown)"));
        let labels = walk.labels(category, name).with(Dimension::MetaGraph, label);
        let section_label = walk.label(Dimension::Section, name.as_bytes());
        charge_section(walk, section, category, labels.with(Dimension::Section, section_label), &mut meta_graph);
    });
    walk.charge_tail(field, framing);
    meta_graph.notes = std::mem::take(&mut walk.notes).finish();
    meta_graph
}

/// The tags and the version, wherever they stand in the message: they name the metagraph before its bytes are charged.
fn about(walk: &Walk<'_>, field: Field) -> MetaGraph {
    let bytes = walk.layout.span(&field).payload_bytes();
    let mut meta_graph = MetaGraph { range: field.payload(), bytes, ..MetaGraph::default() };
    let sections = fields(walk.bytes, field.payload());
    for meta_info in sections.filter(|section| section.is_len(META_INFO_DEF)) {
        for field in fields(walk.bytes, meta_info.payload()) {
            if field.is_len(4) {
                meta_graph.tags.push(walk.text(field.payload()));
            } else if field.is_len(5) {
                meta_graph.tensorflow_version = walk.text(field.payload());
            }
        }
    }
    meta_graph
}

fn charge_section(walk: &mut Walk<'_>, field: Field, category: Category, labels: Labels, meta_graph: &mut MetaGraph) {
    match category {
        // Not what the schema says: a parser would take it for an unknown field.
        _ if field.wire_type != WireType::Len => walk.charge(field, labels, 0),
        Category::MetaInfoDef => meta_info_def(walk, field, labels),
        Category::GraphDef => graph::charge(walk, field, labels, meta_graph),
        Category::SaverDef => walk.charge(field, labels, 1),
        Category::CollectionDef => {
            let key = walk.first(field.payload(), 1);
            let labels = walk.with_entry(labels, "collection_def", &key);
            walk.charge(field, labels, 1);
        }
        Category::SignatureDef => signature_def(walk, field, labels, meta_graph),
        Category::Assets => asset_file_def(walk, field, labels, meta_graph),
        Category::ObjectGraphDef => object_graph_def(walk, field, labels, meta_graph),
        Category::Variables | Category::Files | Category::Framing => walk.charge(field, labels, 0),
    }
}

fn meta_info_def(walk: &mut Walk<'_>, field: Field, labels: Labels) {
    walk.submessage(field, labels, |walk, inner| {
        let labels = walk.with_field(labels, names::meta_info_def(inner.number).as_bytes());
        if inner.is_len(2) {
            walk.submessage(inner, labels, |walk, op| {
                let labels = walk.with_field(labels, b"meta_info_def.stripped_op_list.op");
                walk.charge(op, labels, 1);
            });
        } else {
            walk.charge(inner, labels, 0);
        }
    });
}

fn signature_def(walk: &mut Walk<'_>, field: Field, labels: Labels, meta_graph: &mut MetaGraph) {
    let key = walk.first(field.payload(), 1);
    let labels = walk.with_entry(labels, "signature_def", &key);
    walk.charge(field, labels, 1);
    if !walk.lists(field) {
        return;
    }
    walk.check(field.payload());
    let value: Bytes = walk.first(field.payload(), 2);
    let def = proto::SignatureDef::decode(value).unwrap_or_else(|error| {
        walk.meaningless(field, "a SignatureDef", &error);
        proto::SignatureDef::default()
    });
    let name = String::from_utf8_lossy(&key).into_owned();
    meta_graph.signatures.push(Signature { name, bytes: walk.layout.span(&field).bytes(), def });
}

fn asset_file_def(walk: &mut Walk<'_>, field: Field, labels: Labels, meta_graph: &mut MetaGraph) {
    walk.charge(field, labels, 1);
    if !walk.lists(field) {
        return;
    }
    match proto::AssetFileDef::decode(walk.slice(field.payload())) {
        Ok(def) => meta_graph.assets.push(def.filename),
        Err(error) => {
            walk.meaningless(field, "an AssetFileDef", &error);
            meta_graph.assets.push(String::from_utf8_lossy(&walk.first(field.payload(), 2)).into_owned());
        }
    }
}

fn object_graph_def(walk: &mut Walk<'_>, field: Field, labels: Labels, meta_graph: &mut MetaGraph) {
    let wants_field = walk.wants(Dimension::Field);
    walk.submessage(field, labels, |walk, inner| {
        let path = names::object_graph(inner.number);
        let is_node = inner.is_len(1);
        meta_graph.object_nodes += u64::from(is_node);
        let labels = if is_node && wants_field {
            let kind = object_kind(walk, inner.payload());
            walk.with_entry(labels, path, kind.as_bytes())
        } else {
            walk.with_field(labels, path.as_bytes())
        };
        walk.charge(inner, labels, 1);
    });
}

/// Which of the `oneof` a `SavedObject` is; `none` for one that is only a node of the tree.
fn object_kind(walk: &Walk<'_>, object: Range<usize>) -> &'static str {
    let mut fields = fields(walk.bytes, object);
    fields.find_map(|field| names::object_kind(field.number)).unwrap_or("none")
}
