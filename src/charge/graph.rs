//! A GraphDef: its nodes, and the functions of its library with theirs.
//!
//! A large model is mostly nodes, so this is where time goes: a node is charged in one piece, and looked into only as
//! far as the dimensions asked for need. No object is made for a node.

use std::borrow::Cow;
use std::ops::Range;

use super::draft::NodeNotes;
use super::names;
use super::plain::Nodes;
use super::walk::Walk;
use crate::dtype;
use crate::ledger::{Dimension, Label, Labels};
use crate::message::number::function_def::{ARG_ATTR, NODE_DEF};
use crate::message::number::graph_def::{DEBUG_INFO as GRAPH_DEBUG_INFO, NODE};
use crate::message::number::node_def::{
    ATTR as NODE_ATTR, EXPERIMENTAL_DEBUG_INFO as NODE_DEBUG_INFO, NAME as NODE_NAME, OP as NODE_OP,
};
use crate::message::number::{function_def_library, graph_def, map_entry};
use crate::message::{AttrValue, Entry, FunctionDef};
use crate::outline::{Function, MetaGraph};
use crate::wire::{Field, Fields, WireType};

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
        if inner.is_len(graph_def::LIBRARY) {
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
        if inner.is_len(function_def_library::FUNCTION) {
            meta_graph.functions += 1;
            meta_graph.function_nodes += charge_function(walk, inner, labels, needs);
        } else {
            if inner.wire_type == WireType::Len && !walk.is_cut(&inner) && walk.lists_gradient(inner) {
                walk.draft.library.others.push(inner);
            }
            walk.charge(inner, labels, 1);
        }
    });
}

/// Charges a FunctionDef and returns how many nodes it has.
fn charge_function(walk: &mut Walk<'_>, field: Field, labels: Labels, needs: Needs) -> u64 {
    let signature = FunctionDef::new(walk.bytes, field.payload()).signature();
    let label = walk.label(Dimension::Function, signature.name());
    let is_listed = walk.lists_function(field) && !walk.is_cut(&field);
    walk.draft.function(label, is_listed.then(|| Function::new(field, &signature)));
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

/// Finds the labels of a node, of which `labels` are those of all around it, and what is to be noted. The last name and op
/// count, as in [`crate::message`]. The node is walked to its end whatever is asked, so that damage is noticed by every audit
/// or by none.
fn look_into(walk: &mut Walk<'_>, node: Range<usize>, mut labels: Labels, needs: Needs) -> Node {
    let bytes = walk.bytes;
    let mut op = None;
    let needs_name = needs.name || needs.scope;
    let (mut notes, mut is_plain) = (NodeNotes::default(), true);
    for field in Fields::new(bytes, node.clone()) {
        let field = match field {
            Ok(field) => field,
            Err(error) => {
                // Charged field by field, the node is walked once more, and the damage noted then.
                if !needs.fields {
                    walk.damage(error, node.end);
                }
                is_plain = false;
                break;
            }
        };
        match field.number {
            NODE_NAME if needs_name && field.is_len(NODE_NAME) => {
                let name = field.bytes(bytes);
                labels.set(Dimension::Node, if needs.name { walk.ledger().label(name) } else { Label::NONE });
                labels.set(Dimension::Scope, walk.ledger().scope(name));
            }
            NODE_OP if field.is_len(NODE_OP) => {
                let label = walk.label(Dimension::Op, field.bytes(bytes));
                walk.draft.op(label);
                // One with two ops is not what a node with its tail is otherwise.
                is_plain &= op.is_none();
                op = Some(label);
            }
            NODE_ATTR if field.is_len(NODE_ATTR) => {
                walk.look_at_attribute(field, &mut notes);
                if needs.dtype
                    && let Some(dtype) = dtype_of(bytes, field)
                {
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
fn dtype_of(bytes: &[u8], entry: Field) -> Option<Cow<'static, str>> {
    let Entry { value, .. } = Some(Entry::read(bytes, entry)).filter(|entry| entry.key == b"dtype")?;
    let number = AttrValue::new(value).data_type()?;
    Some(dtype::name(i32::try_from(number).unwrap_or_default()))
}

/// Charges a node field by field. The node counts where its own tag and length are charged.
fn charge_node_fields(walk: &mut Walk<'_>, field: Field, labels: Labels, paths: NodePaths) {
    walk.charge_head(field, labels, 1);
    walk.message(field.payload(), labels, |walk, inner| {
        let labels = if inner.is_len(NODE_ATTR) {
            let key = walk.string(inner.payload(), map_entry::KEY);
            walk.with_entry(labels, paths.attr, &key)
        } else {
            walk.with_field(labels, (paths.field)(inner.number).as_bytes())
        };
        walk.charge(inner, labels, 0);
    });
    walk.charge_tail(field, labels);
}
