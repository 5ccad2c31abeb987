//! A MetaGraphDef: its sections, and what it says of itself (tags, signatures, assets).

use std::collections::HashMap;
use std::ops::Range;

use bytes::Bytes;
use prost::Message as _;

use super::walk::Walk;
use super::{graph, names};
use crate::ledger::{Category, Dimension, Labels};
use crate::message::number::meta_graph_def::meta_info_def;
use crate::message::number::{asset_file_def, map_entry, meta_graph_def, saved_object_graph};
use crate::outline::{MetaGraph, Signature};
use crate::proto;
use crate::wire::{Field, WireType, fields};

/// The fields of MetaGraphDef (tensorflow/core/protobuf/meta_graph.proto): the number, the category of its bytes, the name.
const SECTIONS: [(u32, Category, &str); 7] = [
    (meta_graph_def::META_INFO_DEF, Category::MetaInfoDef, "meta_info_def"),
    (meta_graph_def::GRAPH_DEF, Category::GraphDef, "graph_def"),
    (meta_graph_def::SAVER_DEF, Category::SaverDef, "saver_def"),
    (meta_graph_def::COLLECTION_DEF, Category::CollectionDef, "collection_def"),
    (meta_graph_def::SIGNATURE_DEF, Category::SignatureDef, "signature_def"),
    (meta_graph_def::ASSET_FILE_DEF, Category::Assets, "asset_file_def"),
    (meta_graph_def::OBJECT_GRAPH_DEF, Category::ObjectGraphDef, "object_graph_def"),
];

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
    keep_last_of_each_key(&mut meta_graph.signatures);
    (meta_graph.library, meta_graph.notes) = std::mem::take(&mut walk.draft).finish();
    meta_graph
}

/// The tags and the version, wherever they stand in the message: they name the metagraph before its bytes are charged.
fn about(walk: &mut Walk<'_>, field: Field) -> MetaGraph {
    let bytes = walk.layout.span(&field).payload_bytes();
    let mut meta_graph = MetaGraph { range: field.payload(), bytes, ..MetaGraph::default() };
    let sections = fields(walk.bytes, field.payload());
    for meta_info in sections.filter(|section| section.is_len(meta_graph_def::META_INFO_DEF)) {
        for field in fields(walk.bytes, meta_info.payload()) {
            if field.is_len(meta_info_def::TAGS) {
                if walk.lists(field) {
                    meta_graph.tags.push(walk.text(field.payload()));
                }
            } else if field.is_len(meta_info_def::TENSORFLOW_VERSION) {
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
            let key = walk.string(field.payload(), map_entry::KEY);
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
        if inner.is_len(meta_info_def::STRIPPED_OP_LIST) {
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
    let key = walk.string(field.payload(), map_entry::KEY);
    let labels = walk.with_entry(labels, "signature_def", &key);
    walk.charge(field, labels, 1);
    if !walk.lists(field) {
        return;
    }
    walk.check(field.payload());
    let value: Bytes = walk.string(field.payload(), map_entry::VALUE);
    let def = proto::SignatureDef::decode(value).unwrap_or_else(|error| {
        walk.meaningless(field, "a SignatureDef", &error);
        proto::SignatureDef::default()
    });
    let name = String::from_utf8_lossy(&key).into_owned();
    let proto::SignatureDef { inputs, outputs, method_name, .. } = def;
    let [inputs, outputs] = [inputs, outputs].map(|tensors| tensors.into_iter().collect());
    let bytes = walk.layout.span(&field).bytes();
    meta_graph.signatures.push(Signature { name, bytes, method_name, inputs, outputs });
}

/// Of several entries of a map with one key protobuf keeps the last (<https://protobuf.dev/programming-guides/encoding/#maps>).
/// The others are charged, and are no signatures.
fn keep_last_of_each_key(signatures: &mut Vec<Signature>) {
    let last: HashMap<String, usize> =
        signatures.iter().enumerate().map(|(position, signature)| (signature.name.clone(), position)).collect();
    let mut position = 0..;
    signatures.retain(|signature| position.next() == last.get(&signature.name).copied());
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
            meta_graph
                .assets
                .push(String::from_utf8_lossy(&walk.string(field.payload(), asset_file_def::FILENAME)).into_owned());
        }
    }
}

fn object_graph_def(walk: &mut Walk<'_>, field: Field, labels: Labels, meta_graph: &mut MetaGraph) {
    let wants_field = walk.wants(Dimension::Field);
    walk.submessage(field, labels, |walk, inner| {
        let path = names::object_graph(inner.number);
        let is_node = inner.is_len(saved_object_graph::NODES);
        meta_graph.object_nodes += u64::from(is_node);
        meta_graph.too_many_objects |= is_node && walk.has_too_many_objects(inner);
        let labels = if is_node && wants_field {
            let kind = object_kind(walk, inner.payload());
            walk.with_entry(labels, path, kind.as_bytes())
        } else {
            walk.with_field(labels, path.as_bytes())
        };
        walk.charge(inner, labels, 1);
    });
}

/// Which of the `oneof` a `SavedObject` is: the last one. `none` for one that is only a node of the tree.
fn object_kind(walk: &Walk<'_>, object: Range<usize>) -> &'static str {
    let fields = fields(walk.bytes, object).filter(|field| field.wire_type == WireType::Len);
    fields.filter_map(|field| names::object_kind(field.number)).last().unwrap_or("none")
}
