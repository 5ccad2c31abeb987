//! Nodes as all writers write them: a name, an op and inputs, then what else there is.
//!
//! Where nodes are told apart by nothing but their op, only the op and what stands behind the inputs matter to who charges
//! one. That is, to the byte, mostly what a node shortly before had: the same few types and shapes. So it is looked into
//! once and then compared, which takes a third of the time; a node of another kind is walked field by field.

use super::draft::NodeNotes;
use super::walk::Walk;
use crate::cache::{hash_bytes, hash_name, same};
use crate::ledger::{AccountRow, Dimension, Group, Label, Labels};
use crate::message::number::node_def::{INPUT, NAME, OP};
use crate::outline::LARGE_NODE;
use crate::wire::{Field, Fields, Layout, WireType, split_len};

/// How many ops and tails are remembered: more than a graph has ops, as two in one slot drive each other out.
const OPS: usize = 1 << 10;
const TAILS: usize = 1 << 10;

/// A longer tail holds a tensor or a long list, which hardly comes again.
const MAX_TAIL: usize = 1 << 8;

/// The parts of a plain node.
struct Parts<'f> {
    op: &'f [u8],
    /// All that stands behind the inputs.
    tail: &'f [u8],
}

impl<'f> Parts<'f> {
    /// The parts of the node in these bytes, if they are in the usual order. The tail may hold anything, but not much.
    #[inline(always)]
    fn of(node: &'f [u8]) -> Option<Self> {
        let (_, rest) = split_len(node, NAME)?;
        let (op, mut tail) = split_len(rest, OP)?;
        while let Some((_, rest)) = split_len(tail, INPUT) {
            tail = rest;
        }
        // Whatever else the node has, also a name or an op once more, begins in the tail, at its first byte that is no input.
        (tail.len() <= MAX_TAIL).then_some(Self { op, tail })
    }
}

/// The nodes of a graph or of a function, which have all labels but the op in common.
#[derive(Debug, Clone, Copy)]
pub(super) struct Nodes {
    pub(super) labels: Labels,
    group: Group,
    /// The number of the field that they are.
    number: u32,
    /// Whether the op is all that tells them apart.
    by_op: bool,
    /// Tells these nodes from those of other graphs and functions.
    id: u64,
}

/// The ops and tails of nodes met before. What has the same hash as another one takes its place.
#[derive(Default)]
pub(super) struct Known<'f> {
    ops: Vec<Op<'f>>,
    tails: Vec<Tail<'f>>,
    /// How many graphs and functions there were.
    nodes: u64,
}

/// Where nodes of an op are charged.
#[derive(Clone, Default)]
struct Op<'f> {
    name: &'f [u8],
    label: Label,
    /// The number of the nodes that were charged there last; 0 of none.
    nodes: u64,
    row: Option<AccountRow>,
    /// The tail of the last one, and the one before that was another: many an op has nodes with and without shapes.
    tails: [Tail<'f>; 2],
}

/// How nodes end, and what is noted of these.
#[derive(Clone, Copy, Default)]
struct Tail<'f> {
    bytes: &'f [u8],
    notes: NodeNotes,
}

impl<'f> Known<'f> {
    /// Where the op is among `ops`, if nodes of that op were charged under these labels.
    #[inline]
    fn op(&self, name: &[u8], nodes: &Nodes) -> Option<usize> {
        // The hash only says where to look: the name is compared, and the number of the nodes, as a row is of one graph or function.
        let at = slot::<OPS>(hash_name(name));
        self.ops.get(at).filter(|op| op.nodes == nodes.id && same(op.name, name)).map(|_| at)
    }

    /// The label of an op, if nodes of that op were charged under any labels.
    fn label(&self, name: &[u8]) -> Option<Label> {
        let known = self.ops.get(slot::<OPS>(hash_name(name)))?;
        (known.nodes > 0 && known.name == name).then_some(known.label)
    }

    /// Notes where nodes of an op are charged. How they end is the same in all functions.
    fn set_op(&mut self, name: &'f [u8], label: Label, nodes: &Nodes, row: AccountRow) -> usize {
        let at = slot::<OPS>(hash_name(name));
        self.ops.resize(OPS, Op::default());
        if let Some(op) = self.ops.get_mut(at) {
            // The tail may be another op's who had the slot: notes follow from a tail alone, so it is as good for this one.
            (op.name, op.label, op.nodes, op.row) = (name, label, nodes.id, Some(row));
        }
        at
    }

    /// Where nodes of an op are charged, and what is noted of one with this tail, if there was such a tail.
    #[inline]
    fn node(&mut self, op: usize, tail: &[u8]) -> Option<(&AccountRow, &NodeNotes)> {
        let Op { row, tails: [last, before], .. } = self.ops.get_mut(op)?;
        // An op without a tail yet has an empty one with no notes, which is what is known of a node that ends behind its inputs.
        let known = if same(last.bytes, tail) {
            last
        } else if same(before.bytes, tail) {
            before
        } else {
            let found = *self.tails.get(slot::<TAILS>(hash_bytes(tail))).filter(|known| known.bytes == tail)?;
            *before = std::mem::replace(last, found);
            last
        };
        Some((row.as_ref()?, &known.notes))
    }

    /// Whether a node with this tail was looked into. There is nothing to be known of an empty one.
    fn has_tail(&self, tail: &[u8]) -> bool {
        tail.is_empty() || self.tails.get(slot::<TAILS>(hash_bytes(tail))).is_some_and(|known| known.bytes == tail)
    }

    fn set_notes(&mut self, tail: &'f [u8], notes: NodeNotes) {
        self.tails.resize(TAILS, Tail::default());
        if let Some(known) = self.tails.get_mut(slot::<TAILS>(hash_bytes(tail))) {
            *known = Tail { bytes: tail, notes };
        }
    }
}

/// One of `SLOTS` slots, by the upper bits of a hash.
fn slot<const SLOTS: usize>(hash: u64) -> usize {
    usize::try_from(hash.checked_shr(u64::BITS - SLOTS.ilog2()).unwrap_or_default()).unwrap_or_default()
}

impl<'l> Walk<'l> {
    /// Nodes that are the field of this number.
    pub(super) fn nodes(&mut self, labels: Labels, number: u32, by_op: bool) -> Nodes {
        self.known.nodes += 1;
        Nodes { labels, group: self.account.group(labels), number, by_op, id: self.known.nodes }
    }

    /// Charges plain nodes in a row that end as nodes that were looked into before, up to the first that is another one.
    /// Returns how many.
    pub(super) fn charge_plain(&mut self, fields: &mut Fields<'l>, nodes: &Nodes) -> u64 {
        // Elsewhere what attributes take in the file does not follow from what they are; and what is cut is not noted.
        if !nodes.by_op || !matches!(self.layout, Layout::Wire) || self.cut_at.is_some() {
            return 0;
        }
        let mut count = 0;
        let mut next = fields.rest();
        while let Some((node, rest)) = split_len(next, nodes.number) {
            let Some(Parts { op, tail }) = Parts::of(node) else { break };
            let op = match self.known.op(op, nodes) {
                Some(op) => op,
                // A tail may have another op in it, which counts then; such a tail is never learned, and the first op has no row.
                None if !self.known.has_tail(tail) => break,
                None => self.learn_op(op, nodes),
            };
            // What is noted of a node follows from its tail alone: notes are of attributes, and the tail begins with the first
            // field that is no name, op or input. So equal tails have equal notes, whatever the names and inputs are.
            let Some((row, known)) = self.known.node(op, tail) else { break };
            let (is_noted, notes) = (known.is_any(), *known);
            // The next field begins where `next` does: `rest` and `fields` end together, as both are cut at the message's end.
            let start = fields.offset();
            fields.skip(next.len() - rest.len());
            self.account.charge_row(start as u64..fields.offset() as u64, row, 1);
            let (end, wire_type) = (fields.offset(), WireType::Len);
            // The whole field, as for a node that is looked into: what is large must not depend on the path that a node took.
            if is_noted || end - start >= LARGE_NODE {
                let payload = end - node.len();
                let field = Field { number: nodes.number, wire_type, start, payload, payload_end: end, end };
                self.note_node(&field, notes);
            }
            self.tell();
            count += 1;
            next = rest;
        }
        count
    }

    /// Finds the row of nodes with an op, which is the first one of a node, and returns where it is remembered.
    #[inline(never)]
    fn learn_op(&mut self, op: &'l [u8], nodes: &Nodes) -> usize {
        let label = self.known.label(op).unwrap_or_else(|| self.label(Dimension::Op, op));
        self.draft.op(label);
        let row = self.account.row(nodes.group, label);
        self.known.set_op(op, label, nodes, row)
    }

    /// Remembers how a node ends that has been looked into, has one op, and of which nothing is to be noted but `notes`.
    pub(super) fn learn(&mut self, node: &Field, notes: NodeNotes) {
        if let Some(parts) = Parts::of(node.bytes(self.bytes)) {
            self.known.set_notes(parts.tail, notes);
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use crate::charge::charge_saved_model;
    use crate::ledger::{Dimension, Ledger, Rollup};
    use crate::outline::MetaGraph;
    use crate::progress::Silent;
    use crate::support::graph::graph_of;
    use crate::support::wire::{Message, message, meta_graph, saved_model};
    use crate::wire::Layout;

    /// The sums by op and by function, what was noted, and the problems. Told apart by types as well, no node is plain.
    fn charged(file: &[u8], every_node_is_looked_into: bool) -> (Rollup, Vec<MetaGraph>, Vec<String>) {
        let dimensions = [Dimension::Op, Dimension::Function, Dimension::Dtype];
        let mut ledger = Ledger::new(if every_node_is_looked_into { &dimensions } else { &dimensions[..2] });
        let bytes = Bytes::copy_from_slice(file);
        let (file, size) = ("saved_model.pb", bytes.len() as u64);
        let charged = charge_saved_model((file, size), &bytes, &Layout::Wire, &mut ledger, &Silent);
        let charged = charged.expect("the books balance");
        let problems = charged.problems.iter().map(ToString::to_string).collect();
        (ledger.rollup(&dimensions[..2]), charged.meta_graphs, problems)
    }

    /// A node of few ops and few ends, some of which are not as writers write them.
    fn a_node() -> impl Strategy<Value = Message> {
        let shapes = message().message(1, &message().bytes(7, [0; 3]));
        let ends = [
            message(),
            message().entry(5, "T", &message().int(6, 1)),
            message().entry(5, "T", &message().int(6, 19)),
            message().entry(5, "T", &message().int(6, 1)).entry(5, "_output_shapes", &shapes),
            message().entry(5, "f", &message().message(10, &message().bytes(1, "called"))),
            message().entry(5, "shared_name", &message().bytes(2, "v")),
            message().entry(5, "long", &message().bytes(2, [1; 2000])),
            message().bytes(6, "debug"),
            message().bytes(2, "called"),
            message().bytes(1, "another name"),
            message().int(2, 1),
            message().overlong(5, 7, "cut"),
            message().bytes(4, "device").bytes(3, "late:input"),
        ];
        let start = ("[a-z]{0,9}", prop::sample::select(vec!["Add", "MatMul", ""]), 0..4_usize, any::<bool>());
        (start, prop::sample::select(ends.to_vec())).prop_map(|((name, op, inputs, in_order), Message(end))| {
            let name = |node: Message| node.bytes(1, name.clone());
            let op = |node: Message| node.bytes(2, op);
            let start = if in_order { op(name(message())) } else { name(op(message())) };
            (0..inputs).fold(start, |node, _| node.bytes(3, "input")).raw(&end)
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn a_node_is_charged_and_noted_as_if_it_were_looked_into(
            nodes in prop::collection::vec(a_node(), 0..30),
            functions in prop::collection::vec(prop::collection::vec(a_node(), 0..20), 0..4),
            cut in 0..40_usize,
        ) {
            let functions: Vec<_> = functions.iter().map(|nodes| {
                let signature = message().message(1, &message().bytes(1, "called"));
                nodes.iter().fold(signature, |function, node| function.message(3, node))
            }).collect();
            let graph = graph_of(&nodes, &functions);
            let mut file = saved_model([&meta_graph(&["serve"], &graph), &meta_graph(&["train"], &graph)]).0;
            file.truncate(file.len() - cut.min(file.len()));
            let (rollup, meta_graphs, problems) = charged(&file, false);
            let (other_rollup, others, other_problems) = charged(&file, true);
            prop_assert_eq!(rollup, other_rollup);
            prop_assert_eq!(problems, other_problems);
            for (one, other) in meta_graphs.iter().zip(&others) {
                prop_assert_eq!((one.nodes, one.function_nodes), (other.nodes, other.function_nodes));
                prop_assert_eq!(format!("{:?}", one.notes), format!("{:?}", other.notes));
            }
        }
    }

    #[test]
    fn nodes_that_end_alike_are_looked_into_once() {
        let file = [1, 2, 3].map(|number| {
            message().bytes(1, format!("node_{number}")).bytes(2, "Add").entry(5, "T", &message().int(6, 1))
        });
        let nodes = file.iter().fold(message(), |graph, node| graph.message(1, node)).0;
        let mut ledger = Ledger::new(&[Dimension::Op]);
        let bytes = Bytes::from(nodes);
        let mut walk = super::Walk::new(("f", bytes.len() as u64), &bytes, &Layout::Wire, &mut ledger, &Silent);
        let of_graph = walk.nodes(super::Labels::new(crate::ledger::Category::GraphDef), 1, true);
        let mut fields = super::Fields::new(&bytes, 0..bytes.len());
        assert_eq!(walk.charge_plain(&mut fields, &of_graph), 0, "nothing is known");
        walk.learn(&fields.clone().next().unwrap().unwrap(), super::NodeNotes::default());
        assert_eq!(walk.charge_plain(&mut fields, &of_graph), 3);
        assert_eq!(fields.next(), None);
    }
}
