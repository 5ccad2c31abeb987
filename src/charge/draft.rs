//! The outline of a metagraph while it is being charged.

use crate::ledger::Label;
use crate::message::number::function_def::NODE_DEF;
use crate::outline::{Function, LARGE_NODE, Library, Notes, Sum};
use crate::wire::Field;

/// What of a node is noted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct NodeNotes {
    /// Its attributes `_output_shapes`.
    pub(super) output_shapes: Sum,
    /// Whether it may refer to more than its inputs: an attribute names a function, a gradient or what resources share. Of the
    /// nodes in functions few do, and nothing else of them matters to who follows calls.
    pub(super) refers: bool,
}

impl NodeNotes {
    /// Whether there is anything to note.
    #[inline]
    pub(super) fn is_any(&self) -> bool {
        self.refers || self.output_shapes.count > 0
    }
}

/// What was found so far.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) library: Library,
    pub(super) notes: Notes,
    /// Which labels are ops of nodes, by their numbers; and those of the functions.
    ops: Vec<bool>,
    functions: Vec<Label>,
}

impl Draft {
    /// The metagraph has been walked to its end.
    pub(super) fn finish(self) -> (Library, Notes) {
        let Self { library, mut notes, ops, functions } = self;
        let is_op = |name: &Label| *name == Label::NONE || ops.get(name.number()) == Some(&true);
        notes.calls_by_op |= functions.iter().any(is_op);
        (library, notes)
    }

    /// Notes the op of a node. [`Label::NONE`] where ops are not told apart.
    pub(super) fn op(&mut self, op: Label) {
        self.notes.calls_by_op |= op == Label::NONE;
        if op.number() >= self.ops.len() {
            self.ops.resize(op.number() + 1, false);
        }
        self.ops.get_mut(op.number()).into_iter().for_each(|is_op| *is_op = true);
    }

    /// Notes a function, and the label of its name.
    pub(super) fn function(&mut self, label: Label, function: Option<Function>) {
        self.functions.push(label);
        self.library.functions.extend(function);
    }

    /// Notes what a node has, unless it `is_cut`: whoever walks the graph after this does not come to such a one.
    pub(super) fn node(&mut self, node: &Field, NodeNotes { output_shapes, refers }: NodeNotes, is_cut: bool) {
        if output_shapes.count > 0 {
            self.notes.output_shapes = self.notes.output_shapes.and(output_shapes);
        }
        // By its payload, as for nodes that were not looked into.
        let is_large = node.payload().len() >= LARGE_NODE;
        if !is_large && !refers || is_cut {
            return;
        }
        if is_large {
            self.notes.large_nodes.push(*node);
        }
        if refers {
            let Notes { referring_in_graph, referring_in_functions, .. } = &mut self.notes;
            let list = if node.number == NODE_DEF { referring_in_functions } else { referring_in_graph };
            list.push(*node);
        }
    }
}
