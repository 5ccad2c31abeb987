//! What TF2's object graph adds: which variables, tables, assets and constants a function has captured, and which
//! functions a program that loads the model gets.
//!
//! A SavedObjectGraph's node and the node of the checkpoint's object graph with the same number are one object
//! (`tensorflow/python/saved_model/load.py`, `_restore_checkpoint`), which gives a variable its key.

use std::collections::VecDeque;
use std::ops::Range;

use super::builder::Builder;
use super::{EdgeKind, Origin, VertexKind};
use crate::message::constants::SIGNATURES;
use crate::message::number::saved_object_graph::{CONCRETE_FUNCTIONS, NODES};
use crate::message::saved_object::{Child, Kind, bound_inputs};
use crate::message::{Entry, SavedObject};
use crate::wire::fields;

/// A table's functions that a loader calls.
const LIFE: [&[u8]; 3] = [b"_create_resource", b"_initialize", b"_destroy_resource"];

/// The most parts of an object's name.
const MAX_PATH: usize = 24;

/// How objects are called: from which object and by which attribute each is first reached.
#[derive(Debug, Default)]
pub(super) struct ObjectNames {
    base: u32,
    parents: Vec<Parent>,
}

impl ObjectNames {
    /// The path of attributes that leads to an object; of a long one its end.
    pub(super) fn name(&self, file: &[u8], vertex: u32) -> String {
        let mut parts = Vec::new();
        let mut at = vertex.saturating_sub(self.base);
        while let Some(Some((parent, name))) = self.parents.get(at as usize).filter(|_| parts.len() < MAX_PATH) {
            parts.push(String::from_utf8_lossy(file.get(name.clone()).unwrap_or_default()));
            at = *parent;
        }
        parts.reverse();
        if parts.is_empty() { "(root)".to_owned() } else { parts.join(".") }
    }
}

/// The object by whose attribute an object is first reached, and what the attribute is called.
type Parent = Option<(u32, Range<usize>)>;

/// One object's children: which, and what they are called.
type Children = Vec<(u32, Range<usize>)>;

/// Adds the objects of the SavedObjectGraphs at `ranges`, which protobuf takes for one.
pub(super) fn objects(builder: &mut Builder<'_, '_>, ranges: &[Range<usize>]) -> ObjectNames {
    let file = builder.file;
    let messages = || ranges.iter().flat_map(|range| fields(file, range.clone()));
    let nodes: Vec<Range<usize>> = messages().filter(|f| f.is_len(NODES)).map(|f| f.payload()).collect();
    let base = u32::try_from(builder.vertices.len()).unwrap_or(u32::MAX);
    for node in &nodes {
        builder.add(VertexKind::Object, 0..0, node.clone(), 0);
    }
    let count = u32::try_from(nodes.len()).unwrap_or(u32::MAX);
    let number = |object: u64| u32::try_from(object).ok().filter(|object| *object < count);
    let objects: Vec<SavedObject<'_>> = nodes.iter().map(|node| SavedObject::new(file, node.clone())).collect();
    let child = |child: Child| Some((number(child.node)?, child.name));
    let children: Vec<Children> = objects.iter().map(|object| object.children().filter_map(child).collect()).collect();
    let mut is_function = Vec::with_capacity(objects.len());
    for ((vertex, object), children) in (base..).zip(&objects).zip(&children) {
        let kind = object.kind();
        object_edges(builder, vertex, &kind);
        for (child, name) in children.iter().filter(|_| matches!(kind, Kind::Resource(_))) {
            if LIFE.contains(&file.get(name.clone()).unwrap_or_default()) {
                builder.edge(vertex, base.saturating_add(*child), EdgeKind::Prepared);
            }
        }
        is_function.push(matches!(kind, Kind::Function(_) | Kind::BareFunction(_)));
    }
    checkpoint_keys(builder, base, count);
    for entry in messages().filter(|field| field.is_len(CONCRETE_FUNCTIONS)) {
        let Entry { key, value, .. } = Entry::read(file, entry);
        let Some(function) = builder.functions.get(key).copied() else { continue };
        for object in bound_inputs(&value).into_iter().filter_map(number) {
            builder.edge(function, base.saturating_add(object), EdgeKind::Captures);
        }
    }
    let (parents, held) = walk(file, &children);
    let is_function = |object: &u32| is_function.get(*object as usize) == Some(&true);
    let targets: Vec<(u32, EdgeKind)> =
        held.into_iter().filter(is_function).map(|object| (base.saturating_add(object), EdgeKind::Holds)).collect();
    if !targets.is_empty() {
        builder.root(Origin::Objects, None, targets);
    }
    ObjectNames { base, parents }
}

/// What an object stands for.
fn object_edges(builder: &mut Builder<'_, '_>, object: u32, kind: &Kind<'_>) {
    if let Kind::Asset(index) = kind {
        let asset = usize::try_from(*index).ok().and_then(|index| builder.asset_order.get(index)).copied();
        asset.into_iter().for_each(|asset| builder.edge(object, asset, EdgeKind::File));
    }
    for name in kind.functions() {
        let function = builder.functions.get(name).copied();
        function.into_iter().for_each(|function| builder.edge(object, function, EdgeKind::Trace));
    }
    let node = kind.operation().and_then(|name| builder.node(name));
    node.into_iter().for_each(|node| builder.edge(object, node, EdgeKind::Value));
}

/// Ties objects to the tensors that the checkpoint has of them.
fn checkpoint_keys(builder: &mut Builder<'_, '_>, base: u32, count: u32) {
    let saved = builder.keys.checkpoint.and_then(|checkpoint| checkpoint.object_graph.as_ref());
    let nodes = saved.map_or(&[][..], |saved| &saved.graph.nodes);
    for (object, node) in (0..count).zip(nodes) {
        for attribute in &node.attributes {
            if let Some(tensor) = builder.keys.find(attribute.checkpoint_key.as_bytes()) {
                builder.restored_from(base.saturating_add(object), tensor);
            }
        }
    }
}

/// For each object the first path to it; and the objects that hang from the root without its signatures.
fn walk(file: &[u8], children: &[Children]) -> (Vec<Parent>, Vec<u32>) {
    let mut parents = vec![None; children.len()];
    let mut seen = vec![false; children.len()];
    let mut held = Vec::new();
    let mut queue = VecDeque::new();
    let is_signatures = |name: &Range<usize>| file.get(name.clone()) == Some(SIGNATURES);
    if let Some(root) = seen.first_mut() {
        *root = true;
        queue.push_back(0);
    }
    let mut visit = |from: u32, to: u32, name: &Range<usize>, queue: &mut VecDeque<u32>| {
        if let (Some(seen @ false), Some(parent)) = (seen.get_mut(to as usize), parents.get_mut(to as usize)) {
            (*seen, *parent) = (true, Some((from, name.clone())));
            queue.push_back(to);
        }
    };
    let of = |object: u32| children.get(object as usize).map_or(&[][..], Vec::as_slice);
    while let Some(object) = queue.pop_front() {
        held.push(object);
        for (child, name) in of(object).iter().filter(|(_, name)| object != 0 || !is_signatures(name)) {
            visit(object, *child, name, &mut queue);
        }
    }
    for (child, name) in of(0) {
        visit(0, *child, name, &mut queue);
    }
    while let Some(object) = queue.pop_front() {
        for (child, name) in of(object) {
            visit(object, *child, name, &mut queue);
        }
    }
    (parents, held)
}
