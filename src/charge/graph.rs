//! A GraphDef: its nodes, and the functions of its library with theirs.
//!
//! A large model is mostly nodes, so this is where time goes: a node is charged in one piece, and looked into only as
//! far as the dimensions asked for need. No object is made for a node.

use std::borrow::Cow;
use std::ops::Range;

use bytes::Bytes;

use super::plain::{NodeNotes, Nodes};
use super::{MetaGraph, Walk, names};
use crate::dtype;
use crate::ledger::{Dimension, Label, Labels};
use crate::wire::{Field, Fields, WireType, fields, varint};

// Fields of NodeDef (tensorflow/core/framework/node_def.proto).
const NODE_NAME: u32 = 1;
const NODE_OP: u32 = 2;
const NODE_ATTR: u32 = 5;
const NODE_DEBUG_INFO: u32 = 6;

// Of GraphDef (tensorflow/core/framework/graph.proto) and FunctionDef (tensorflow/core/framework/function.proto).
const NODE: u32 = 1;
pub(super) const NODE_DEF: u32 = 3;
const GRAPH_DEBUG_INFO: u32 = 5;
const ARG_ATTR: u32 = 7;

/// What of a node the asked dimensions need: found out once, not for each node.
#[derive(Clone, Copy)]
struct Needs {
    name: bool,
    scope: bool,
    dtype: bool,
    fields: bool,
}

impl Needs {
    fn of(walk: &mut Walk<'_>) -> Self {
        Self {
            name: walk.wants(Dimension::Node),
            scope: walk.wants(Dimension::Scope),
            dtype: walk.wants(Dimension::Dtype),
            fields: walk.wants(Dimension::Field),
        }
    }

    /// Whether a node's row depends on more of it than its op.
    fn more_than_op(self) -> bool {
        self.name || self.scope || self.dtype || self.fields
    }
}

/// How the fields of a node are named: one list for the graph's nodes, one for those in functions.
#[derive(Clone, Copy)]
struct NodePaths {
    node: &'static str,
    attr: &'static str,
    field: fn(u32) -> &'static str,
}

const GRAPH_NODE: NodePaths = NodePaths { node: "graph_def.node", attr: "graph_def.node.attr", field: names::node };
const FUNCTION_NODE: NodePaths = NodePaths {
    node: "graph_def.library.function.node_def",
    attr: "graph_def.library.function.node_def.attr",
    field: names::function_node,
};

/// Charges `MetaGraphDef.graph_def`.
pub(super) fn charge(walk: &mut Walk<'_>, field: Field, labels: Labels, meta_graph: &mut MetaGraph) {
    let needs = Needs::of(walk);
    let node_labels = walk.with_field(labels, GRAPH_NODE.node.as_bytes());
    let nodes = walk.nodes(node_labels, NODE, !needs.more_than_op());
    meta_graph.nodes += walk.submessage_of_nodes(field, labels, &nodes, |walk, inner| {
        if inner.is_len(NODE) {
            meta_graph.nodes += 1;
            charge_node(walk, inner, &nodes, needs, GRAPH_NODE);
            return;
        }
        let labels = walk.with_field(labels, names::graph_def(inner.number).as_bytes());
        if inner.is_len(2) {
            walk.note_library(inner);
            charge_library(walk, inner, labels, needs, meta_graph);
        } else {
            if inner.is_len(GRAPH_DEBUG_INFO) {
                walk.note_debug_info(&inner);
            }
            walk.charge(inner, labels, 0);
        }
    });
}

fn charge_library(walk: &mut Walk<'_>, field: Field, labels: Labels, needs: Needs, meta_graph: &mut MetaGraph) {
    walk.submessage(field, labels, |walk, inner| {
        let labels = walk.with_field(labels, names::library(inner.number).as_bytes());
        if inner.is_len(1) {
            meta_graph.functions += 1;
            walk.count_function(inner);
            meta_graph.function_nodes += charge_function(walk, inner, labels, needs);
        } else {
            walk.charge(inner, labels, 1);
        }
    });
}

/// Charges a FunctionDef and returns how many nodes it has.
fn charge_function(walk: &mut Walk<'_>, field: Field, labels: Labels, needs: Needs) -> u64 {
    let name = function_name(walk, field.payload());
    let label = walk.label(Dimension::Function, &name);
    walk.notes.function(label);
    let labels = labels.with(Dimension::Function, label);
    let node_labels = walk.with_field(labels, FUNCTION_NODE.node.as_bytes());
    let nodes = walk.nodes(node_labels, NODE_DEF, !needs.more_than_op());
    let mut others = 0;
    let plain = walk.submessage_of_nodes(field, labels, &nodes, |walk, inner| {
        if inner.is_len(NODE_DEF) {
            others += 1;
            charge_node(walk, inner, &nodes, needs, FUNCTION_NODE);
        } else {
            if inner.is_len(ARG_ATTR) {
                walk.note_argument_shapes(&inner);
            }
            let labels = walk.with_field(labels, names::function(inner.number).as_bytes());
            walk.charge(inner, labels, 0);
        }
    });
    plain + others
}

/// `FunctionDef.signature.name`.
fn function_name(walk: &Walk<'_>, function: Range<usize>) -> Bytes {
    let fields = fields(walk.bytes, function);
    let signature = fields.filter(|field| field.is_len(1)).map(|field| field.payload()).next();
    signature.map(|range| walk.first(range, 1)).unwrap_or_default()
}

fn charge_node(walk: &mut Walk<'_>, field: Field, nodes: &Nodes, needs: Needs, paths: NodePaths) {
    let node = look_into(walk, field.payload(), nodes.labels, needs);
    walk.note_node(&field, node.notes);
    if needs.fields {
        charge_node_fields(walk, field, node.labels, paths);
    } else {
        walk.charge(field, node.labels, 1);
        if node.is_plain {
            walk.learn(&field, node.notes);
        }
    }
}

/// A node that was looked into.
struct Node {
    labels: Labels,
    notes: NodeNotes,
    /// Whether it is whole, has one op, and nothing but its notes is to be noted.
    is_plain: bool,
}

/// Finds the labels of a node, of which `labels` are those of all around it, and what is to be noted. The first name and op
/// count: writers give each once. The node is walked to its end whatever is asked, so that damage is noticed by every audit
/// or by none.
fn look_into(walk: &mut Walk<'_>, node: Range<usize>, mut labels: Labels, needs: Needs) -> Node {
    let bytes = walk.bytes;
    let mut op = None;
    let mut missing_name = needs.name || needs.scope;
    let mut missing_dtype = needs.dtype;
    let (mut notes, mut is_plain) = (NodeNotes::default(), true);
    for field in Fields::new(bytes, node.clone()) {
        let field = match field {
            Ok(field) => field,
            Err(error) => {
                // Charged field by field, the node is walked once more, and the damage told then.
                if !needs.fields {
                    walk.damage(error, node.end);
                }
                is_plain = false;
                break;
            }
        };
        match field.number {
            NODE_NAME if missing_name => {
                missing_name = false;
                let name = field.bytes(bytes);
                labels.set(Dimension::Node, if needs.name { walk.ledger().label(name) } else { Label::NONE });
                labels.set(Dimension::Scope, walk.ledger().scope(name));
            }
            NODE_OP => {
                let label = walk.label(Dimension::Op, field.bytes(bytes));
                walk.notes.op(label);
                is_plain &= op.is_none();
                op.get_or_insert(label);
            }
            NODE_ATTR => {
                if field.wire_type == WireType::Len {
                    walk.look_at_attribute(&field, &mut notes);
                }
                if missing_dtype && let Some(dtype) = dtype_of(bytes, field.payload()) {
                    missing_dtype = false;
                    labels.set(Dimension::Dtype, walk.ledger().label(dtype.as_bytes()));
                }
            }
            NODE_DEBUG_INFO if field.wire_type == WireType::Len => {
                walk.note_debug_info(&field);
                is_plain = false;
            }
            _ => {}
        }
    }
    // A node without an op is a node all the same: it is counted under the op that it does not name.
    let op = op.unwrap_or_else(|| walk.label(Dimension::Op, b""));
    Node { labels: labels.with(Dimension::Op, op), notes, is_plain }
}

/// The value of an entry of `NodeDef.attr`, if it is the one called `dtype`.
fn dtype_of(bytes: &[u8], entry: Range<usize>) -> Option<Cow<'static, str>> {
    let mut parts = fields(bytes, entry);
    parts.next().filter(|key| key.is_len(1) && key.bytes(bytes) == b"dtype")?;
    let value = parts.find(|field| field.is_len(2))?;
    // AttrValue.type
    let field = fields(bytes, value.payload()).find(|field| field.number == 6)?;
    let (number, _) = varint(field.bytes(bytes))?;
    Some(dtype::name(i32::try_from(number).unwrap_or_default()))
}

/// Charges a node field by field. The node counts where its own tag and length are charged.
fn charge_node_fields(walk: &mut Walk<'_>, field: Field, labels: Labels, paths: NodePaths) {
    walk.charge_head(field, labels, 1);
    walk.message(field.payload(), labels, |walk, inner| {
        let labels = if inner.is_len(NODE_ATTR) {
            let key = walk.first(inner.payload(), 1);
            walk.with_entry(labels, paths.attr, &key)
        } else {
            walk.with_field(labels, (paths.field)(inner.number).as_bytes())
        };
        walk.charge(inner, labels, 0);
    });
    walk.charge_tail(field, labels);
}
