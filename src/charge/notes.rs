//! What findings ask of every node, noted while the nodes are charged.
//!
//! Charging looks at each field of each node already. Another walk over a graph of a million nodes, to find the few that
//! are large or the many that have `_output_shapes`, would take as long as the charging.

use std::ops::Range;

use super::Walk;
use crate::wire::{Field, fields, first_len};

/// A node of fewer bytes holds nothing large.
pub(crate) const LARGE_NODE: usize = 1 << 10;

/// `FunctionDef.arg_attr` is a map from positions to ArgAttrs, whose field 1 is a map of attributes.
const KEY: u32 = 1;
const VALUE: u32 = 2;
const ATTR: u32 = 1;

const OUTPUT_SHAPES: &[u8] = b"_output_shapes";

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
}

/// Whether an entry of a map of attributes is `_output_shapes`.
pub(crate) fn is_output_shapes(file: &[u8], entry: Range<usize>) -> bool {
    // Nothing shorter can be it; spares looking into most.
    entry.len() > OUTPUT_SHAPES.len()
        && first_len(file, entry, KEY).and_then(|key| file.get(key)) == Some(OUTPUT_SHAPES)
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

    pub(super) fn note_large(&mut self, node: Field) {
        if node.end - node.start >= LARGE_NODE && !self.is_cut(&node) {
            self.notes.large_nodes.push(node);
        }
    }

    pub(super) fn note_shapes(&mut self, attribute: &Field) {
        if is_output_shapes(self.bytes, attribute.payload()) && !self.is_cut(attribute) {
            self.notes.output_shapes.add(self.layout.span(attribute).bytes());
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

    pub(super) fn note_debug_info(&mut self, field: &Field) {
        if !self.is_cut(field) {
            self.notes.debug_info.add(self.layout.span(field).bytes());
        }
    }
}
