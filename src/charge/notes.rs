//! What findings ask of every node, noted while the nodes are charged.
//!
//! Charging looks at each field of each node already. Another walk over a graph of a million nodes, to find the few that
//! are large or the many that have `_output_shapes`, would take as long as the charging.

use std::ops::Range;

use super::Walk;
use super::graph::NODE_DEF;
use super::plain::NodeNotes;
use crate::ledger::Label;
use crate::wire::{Field, fields, first_len, last_len, plain_entry};

/// A node of fewer bytes holds nothing large.
pub(crate) const LARGE_NODE: usize = 1 << 10;

/// `FunctionDef.arg_attr` is a map from positions to ArgAttrs, whose field 1 is a map of attributes.
const KEY: u32 = 1;
const VALUE: u32 = 2;
const ATTR: u32 = 1;

/// `AttrValue.list`, `.func`, and `AttrValue.ListValue.func` (tensorflow/core/framework/attr_value.proto).
const LIST: u32 = 1;
const FUNC: u32 = 10;
const LIST_FUNC: u32 = 9;

/// The attribute with the shapes of what a node gives.
pub(crate) const OUTPUT_SHAPES: &[u8] = b"_output_shapes";

/// The attributes by which a node shares a resource, and names the gradient that was registered for it.
const SHARED_NAME: &[u8] = b"shared_name";
pub(crate) const GRADIENT_OP_TYPE: &[u8] = b"_gradient_op_type";

/// How many there are of something, and their bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Sum {
    pub(crate) count: u64,
    pub(crate) bytes: u64,
}

impl Sum {
    pub(crate) fn add(&mut self, bytes: u64) {
        self.count += 1;
        self.bytes = self.bytes.saturating_add(bytes);
    }

    /// Both together.
    pub(crate) fn and(self, other: Self) -> Self {
        Self { count: self.count.saturating_add(other.count), bytes: self.bytes.saturating_add(other.bytes) }
    }

    /// Without what is a part of it.
    pub(crate) fn without(self, part: Self) -> Self {
        Self { count: self.count.saturating_sub(part.count), bytes: self.bytes.saturating_sub(part.bytes) }
    }
}

/// What was noted of a metagraph's graph and functions.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    /// The attributes `_output_shapes` of nodes and of functions' arguments.
    pub(crate) output_shapes: Sum,
    /// The debug information of nodes, and of the graph itself.
    pub(crate) debug_info: Sum,
    /// Nodes that take at least [`LARGE_NODE`] bytes of the wire format, in the order of the file.
    pub(crate) large_nodes: Vec<Field>,
    /// The `library` fields of the graph: they stand behind all nodes, and a walk to them takes as long as one over those.
    pub(crate) libraries: Vec<Field>,
    referring: Referring,
}

/// Nodes that may refer to more than their inputs: that have an attribute with a function, a gradient's name or a name that
/// resources share. Of the nodes in functions few do, and nothing else of them matters to who follows calls.
#[derive(Debug, Default)]
struct Referring {
    in_graph: Vec<Field>,
    in_functions: Vec<Field>,
    /// Which labels are ops of nodes, by their numbers; and those of the functions.
    ops: Vec<bool>,
    functions: Vec<Label>,
    /// Whether a node may call a function as its op, as TensorFlow 1 does it; then the lists lack these.
    by_op: bool,
}

impl Notes {
    /// The nodes of the graph itself that may refer to functions, gradients or resources, in the order of the file; `None`
    /// where any may.
    pub(crate) fn referring(&self) -> Option<&[Field]> {
        (!self.referring.by_op).then_some(&*self.referring.in_graph)
    }

    /// The same of the nodes of all functions.
    pub(crate) fn referring_in_functions(&self) -> Option<&[Field]> {
        (!self.referring.by_op).then_some(&*self.referring.in_functions)
    }

    /// The metagraph has been walked to its end.
    pub(super) fn finish(mut self) -> Self {
        let Referring { ops, functions, by_op, .. } = &mut self.referring;
        *by_op |= functions.iter().any(|name| *name == Label::NONE || ops.get(name.number()) == Some(&true));
        (*ops, *functions) = Default::default();
        self
    }

    /// Notes the op of a node; of a node with several ops, each. [`Label::NONE`] where ops are not told apart.
    pub(super) fn op(&mut self, op: Label) {
        let Referring { ops, by_op, .. } = &mut self.referring;
        *by_op |= op == Label::NONE;
        if op.number() >= ops.len() {
            ops.resize(op.number() + 1, false);
        }
        ops.get_mut(op.number()).into_iter().for_each(|is_op| *is_op = true);
    }

    /// Notes the name of a function.
    pub(super) fn function(&mut self, name: Label) {
        self.referring.functions.push(name);
    }
}

/// Those of these fields, which are in the order of the file, that are in `range`.
pub(crate) fn within<'f>(fields: &'f [Field], range: &Range<usize>) -> &'f [Field] {
    let before = |end: usize| fields.partition_point(|field| field.start < end);
    fields.get(before(range.start)..before(range.end)).unwrap_or_default()
}

/// Whether an attribute may refer to a function, a gradient or a resource.
fn refers(file: &[u8], key: &[u8], value: Range<usize>) -> bool {
    let has_function = |field: Field| {
        let is_function = |item: Field| item.is_len(LIST_FUNC);
        field.is_len(FUNC) || field.is_len(LIST) && fields(file, field.payload()).any(is_function)
    };
    key == SHARED_NAME || key == GRADIENT_OP_TYPE || fields(file, value).any(has_function)
}

/// The key and the value of an entry of `NodeDef.attr`; of fields given twice the last ones.
pub(crate) fn attribute(file: &[u8], entry: Range<usize>) -> (Range<usize>, Range<usize>) {
    plain_entry(file, entry.clone())
        .unwrap_or_else(|| [KEY, VALUE].map(|number| last_len(file, entry.clone(), number).unwrap_or_default()).into())
}

/// Whether an entry of a map of attributes is `_output_shapes`.
pub(crate) fn is_output_shapes(file: &[u8], entry: Range<usize>) -> bool {
    // Nothing shorter can be it; spares looking into most.
    entry.len() > OUTPUT_SHAPES.len() && file.get(attribute(file, entry).0) == Some(OUTPUT_SHAPES)
}

/// The attributes `_output_shapes` in an entry of `FunctionDef.arg_attr`.
pub(crate) fn argument_shapes(file: &[u8], entry: Range<usize>) -> impl Iterator<Item = Field> {
    let arguments = first_len(file, entry, VALUE).unwrap_or_default();
    fields(file, arguments).filter(|field| field.is_len(ATTR) && is_output_shapes(file, field.payload()))
}

impl Walk<'_> {
    /// Whether a field is part of one that was cut off: whoever walks the graph after this does not come to it.
    pub(super) fn is_cut(&self, field: &Field) -> bool {
        self.cut_at.is_some_and(|end| field.end <= end)
    }

    /// Adds to the notes of a node what an entry of its `attr` is.
    pub(super) fn look_at_attribute(&self, attribute: &Field, notes: &mut NodeNotes) {
        let (key, value) = self::attribute(self.bytes, attribute.payload());
        let key = self.bytes.get(key).unwrap_or_default();
        if key == OUTPUT_SHAPES && !self.is_cut(attribute) {
            notes.output_shapes.add(self.layout.span(attribute).bytes());
        }
        notes.refers |= refers(self.bytes, key, value);
    }

    /// Notes what a node has.
    pub(super) fn note_node(&mut self, node: &Field, NodeNotes { output_shapes, refers }: NodeNotes) {
        if output_shapes.count > 0 {
            self.notes.output_shapes = self.notes.output_shapes.and(output_shapes);
        }
        let is_large = node.end - node.start >= LARGE_NODE;
        if !is_large && !refers || self.is_cut(node) {
            return;
        }
        if is_large {
            self.notes.large_nodes.push(*node);
        }
        if refers {
            let Referring { in_graph, in_functions, .. } = &mut self.notes.referring;
            if node.number == NODE_DEF { in_functions.push(*node) } else { in_graph.push(*node) }
        }
    }

    pub(super) fn note_argument_shapes(&mut self, entry: &Field) {
        if self.is_cut(entry) {
            return;
        }
        for attribute in argument_shapes(self.bytes, entry.payload()) {
            self.notes.output_shapes.add(self.layout.span(&attribute).bytes());
        }
    }

    pub(super) fn note_library(&mut self, library: Field) {
        if !self.is_cut(&library) {
            self.notes.libraries.push(library);
        }
    }

    pub(super) fn note_debug_info(&mut self, field: &Field) {
        if !self.is_cut(field) {
            self.notes.debug_info.add(self.layout.span(field).bytes());
        }
    }
}
