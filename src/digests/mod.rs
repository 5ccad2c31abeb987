//! Digests of what a main file holds without the names in it, so that two exports can be told apart by more than their counters.
//!
//! A tracer that runs again counts on: nodes, functions and tensors have other names, and nothing else is different. So
//! messages are walked by their schema and hashed with their names left out; of any other text a run of digits is hashed as
//! one digit, as counters are in those of resources, arguments and layers as well. Entries of maps are added up, as their
//! order means nothing, and so are the nodes of a graph, whose order a name may decide.
//!
//! Functions have digests of their own (`duplicates`), which know what is called. These here say of a graph's nodes, by op, and of
//! each field of a metagraph whether it is the same but for names. They are equal in all runs and have no key, so a file can
//! be made that meets them: they decide what a difference is called, and no figure.

#![warn(clippy::arithmetic_side_effects)]

mod hash;
mod names;
mod nodes;

use std::collections::BTreeMap;
use std::ops::Range;

use foldhash::{HashMap, HashSet};

use self::hash::Hash;
use self::names::{NAMES, is_name_attribute};
use self::nodes::{Digest as NodeDigest, List, Nodes, Plain};
pub(crate) use self::nodes::{Listed, Listing};
use crate::message::number::function_def_library::FUNCTION;
use crate::message::number::graph_def::{LIBRARY, NODE};
use crate::message::number::meta_graph_def::GRAPH_DEF;
use crate::message::number::node_def::OP;
use crate::schema::{FieldKind, SCHEMA};
use crate::wire::{self, Field, Fields, Layout, WireType, fields, last_len, split_len};

pub(crate) use self::hash::contents;

/// Messages nest this deep; what is deeper is taken as bytes.
const MAX_DEPTH: usize = 100;

/// Of bytes longer than this the beginning and the end are hashed, with the length.
const WHOLE: usize = 4096;

/// What a metagraph is but for the names in it.
#[derive(Debug, Default)]
pub(crate) struct Digests {
    /// Of the nodes of the graph itself, by op.
    pub(crate) ops: HashMap<Vec<u8>, u64>,
    /// Of each field of the MetaGraphDef, by its name; that of the graph of all that is neither node nor function.
    pub(crate) sections: BTreeMap<String, u64>,
    /// The nodes of the graph itself, where they were asked for and are not too many.
    pub(crate) nodes: Option<Listing>,
}

/// The digests of the MetaGraphDef at `range` of a main file's wire format. `functions` are the names of the functions of its
/// libraries. With the layout of the file nodes are listed as well.
pub(crate) fn digests<'f>(
    file: &'f [u8],
    range: Range<usize>,
    functions: impl Iterator<Item = &'f [u8]>,
    layout: Option<&Layout>,
) -> Digests {
    let mut digests = Digests::default();
    let Some(FieldKind::Message(message)) = SCHEMA.field(SCHEMA.root(), b"meta_graphs").map(|field| field.kind) else {
        return digests;
    };
    let walk = Walk { file, functions: functions.collect(), layout };
    for field in fields(file, range) {
        let digest = match SCHEMA.field_of_number(message, field.number).map(|known| known.kind) {
            Some(FieldKind::Message(graph)) if field.is_len(GRAPH_DEF) => walk.graph(&field, graph, &mut digests),
            Some(kind) => walk.value(&field, kind, message, 0),
            None => walk.unknown(&field),
        };
        let name = SCHEMA.name(message, field.number);
        let name = name.split_once('.').map_or("", |(_, name)| name);
        let sum = digests.sections.entry(name.to_owned()).or_default();
        *sum = sum.wrapping_add(digest);
    }
    digests
}

struct Walk<'f> {
    file: &'f [u8],
    /// The names of the functions of the library: a text that is one of them is a name.
    functions: HashSet<&'f [u8]>,
    /// Which part of the file a field is, where nodes are listed.
    layout: Option<&'f Layout>,
}

impl Walk<'_> {
    /// A GraphDef without its nodes, which are added to those of their ops, and without its functions.
    fn graph(&self, graph: &Field, message: u32, digests: &mut Digests) -> u64 {
        let mut rest = Hash::default();
        let (mut nodes, mut list) = (Nodes::default(), List::default());
        let kind = |number| SCHEMA.field_of_number(message, number).map(|known| known.kind);
        let Some(FieldKind::Message(node_message)) = kind(NODE) else { return 0 };
        let end = graph.payload_end;
        let mut left = graph.bytes(self.file);
        loop {
            while let Some((node, behind)) = split_len(left, NODE) {
                let payload = end.saturating_sub(behind.len().saturating_add(node.len()));
                let digest = self.node(node, payload, node_message, &mut nodes);
                if let Some(layout) = self.layout {
                    let start = end.saturating_sub(left.len());
                    let range = payload..payload.saturating_add(node.len());
                    self.list(layout, start, range, digest, &mut list);
                }
                left = behind;
            }
            let mut fields = Fields::new(self.file, end.saturating_sub(left.len())..end);
            let Some(Ok(field)) = fields.next() else { break };
            left = fields.rest();
            match kind(field.number) {
                // One of more than 16 kB.
                Some(FieldKind::Message(_)) if field.is_len(NODE) => {
                    let digest = self.node(field.bytes(self.file), field.payload, node_message, &mut nodes);
                    if let Some(layout) = self.layout {
                        self.list(layout, field.start, field.payload(), digest, &mut list);
                    }
                }
                Some(FieldKind::Message(library)) if field.is_len(LIBRARY) => {
                    let others = wire::fields(self.file, field.payload()).filter(|field| !field.is_len(FUNCTION));
                    for other in others {
                        rest.add(self.known(&other, library, 2));
                    }
                }
                Some(kind) => rest.add(self.value(&field, kind, message, 1)),
                None => rest.add(self.unknown(&field)),
            }
        }
        // Of two graphs the nodes of the last one.
        digests.nodes = self.layout.and_then(|_| list.listing(&nodes));
        for (op, sum) in nodes.sums() {
            let all = digests.ops.entry(op.to_vec()).or_default();
            *all = all.wrapping_add(sum);
        }
        rest.finish()
    }

    /// Adds a node, whose payload begins there in the file, to those of its op.
    #[inline(always)]
    fn node<'s>(&'s self, node: &'s [u8], payload: usize, message: u32, nodes: &mut Nodes<'s>) -> NodeDigest {
        let plain = Plain::of(node);
        if let Some(plain) = &plain
            && let Some(known) = nodes.add_known(plain)
        {
            return known;
        }
        let range = payload..payload.saturating_add(node.len());
        let op = last_len(self.file, range.clone(), OP).and_then(|op| self.file.get(op)).unwrap_or_default();
        nodes.add(op, self.message(range, message, 1), plain)
    }

    /// Lists a node, whose field begins there.
    fn list(&self, layout: &Layout, start: usize, payload: Range<usize>, digest: NodeDigest, list: &mut List) {
        let (number, wire_type, end) = (NODE, WireType::Len, payload.end);
        let field = Field { number, wire_type, start, payload: payload.start, payload_end: end, end };
        list.add(digest, payload, layout.span(&field).bytes());
    }

    fn known(&self, field: &Field, message: u32, depth: usize) -> u64 {
        match SCHEMA.field_of_number(message, field.number) {
            Some(known) => self.value(field, known.kind, message, depth),
            None => self.unknown(field),
        }
    }

    /// A field of a kind, in a message.
    fn value(&self, field: &Field, kind: FieldKind, message: u32, depth: usize) -> u64 {
        match kind {
            FieldKind::Message(inner) if field.wire_type == WireType::Len && depth < MAX_DEPTH => {
                self.message(field.payload(), inner, depth.saturating_add(1))
            }
            FieldKind::Bytes if NAMES.is_name(message, field.number) => 1,
            FieldKind::Bytes if NAMES.is_exact(message) => hash::bytes(field.bytes(self.file)),
            FieldKind::Bytes if NAMES.may_be_variable(message, field.number) => self.variable(field),
            FieldKind::Bytes if self.functions.contains(field.bytes(self.file)) => 1,
            FieldKind::Bytes => hash::text(field.bytes(self.file), WHOLE),
            _ => hash::sampled(field.bytes(self.file), WHOLE),
        }
    }

    fn unknown(&self, field: &Field) -> u64 {
        hash::sampled(field.bytes(self.file), WHOLE)
    }

    /// A message: its fields in their order, but for entries of maps.
    fn message(&self, range: Range<usize>, message: u32, depth: usize) -> u64 {
        let mut hash = Hash::default();
        let is_attribute = NAMES.is_attribute(message);
        let mut has_name = false;
        for field in Fields::new(self.file, range) {
            let Ok(field) = field else {
                hash.next(0, 0);
                break;
            };
            let Some(known) = SCHEMA.field_of_number(message, field.number) else {
                hash.next(field.number, self.unknown(&field));
                continue;
            };
            match known.kind {
                FieldKind::Bytes if is_attribute => {
                    let key = field.bytes(self.file);
                    has_name = is_name_attribute(key);
                    hash.next(field.number, hash::bytes(key));
                }
                FieldKind::Message(_) if is_attribute && has_name => hash.next(field.number, 1),
                FieldKind::Message(inner) if SCHEMA.is_map_entry(inner) => {
                    hash.add(self.value(&field, known.kind, message, depth));
                }
                kind => hash.next(field.number, self.value(&field, kind, message, depth)),
            }
        }
        hash.finish()
    }

    /// What is mostly a VariableDef, whose texts are all names.
    fn variable(&self, field: &Field) -> u64 {
        let mut hash = Hash::default();
        for part in Fields::new(self.file, field.payload()) {
            match part {
                Ok(part) if part.wire_type == WireType::Len && hash::is_text(part.bytes(self.file)) => {
                    hash.next(part.number, 1);
                }
                Ok(part) => hash.next(part.number, hash::sampled(part.bytes(self.file), WHOLE)),
                Err(_) => return hash::text(self.file.get(field.payload()).unwrap_or_default(), WHOLE),
            }
        }
        hash.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::graph::{call, collection, graph_of, signature};
    use crate::support::wire::{Message, constant, function, message, node};

    fn of(meta_graph: &Message) -> Digests {
        digests(&meta_graph.0, 0..meta_graph.len(), [b"f_12".as_slice(), b"f_13"].into_iter(), None)
    }

    fn graph(nodes: &[Message], functions: &[Message]) -> Message {
        message().message(2, &graph_of(nodes, functions))
    }

    #[test]
    fn nodes_under_other_names_and_in_another_order_are_the_same() {
        let old = graph(&[call("call_1", "f_12", &["x:0"]), call("call_2", "f_13", &["y:0"])], &[]);
        let new = graph(&[call("call_7", "g_9", &["a:0"]), call("call_6", "g_8", &["b:0"])], &[]);
        assert_eq!(of(&old).ops, of(&new).ops);
        let other = graph(&[call("call_7", "g_9", &[]), call("call_6", "g_8", &["b:0"])], &[]);
        assert_ne!(of(&old).ops, of(&other).ops, "an input less");
    }

    #[test]
    fn a_node_that_was_met_before_has_the_digest_of_one_that_was_not() {
        let nodes = [
            call("a", "f", &["x:0"]),
            call("b", "f", &["y:0"]),
            call("b", "f", &["y:0", "z:0"]),
            constant("c", &[1; 16]),
            constant("d", &[1; 16]),
            constant("d", &[2; 16]),
            // The op before the name, which no writer does.
            message().bytes(2, "Const").bytes(1, "e"),
            // Nothing differs but the op, and the last one is behind the inputs.
            node("a", "Exp"),
            node("b", "Log"),
            message().bytes(1, "c").bytes(2, "Exp").bytes(3, "x").int(9, 1).bytes(2, "Tan"),
            message().bytes(1, "d").bytes(2, "Log").bytes(3, "x").int(9, 1).bytes(2, "Tan"),
        ];
        let together = of(&graph(&nodes, &[])).ops.into_iter().collect::<BTreeMap<_, _>>();
        let mut sums: BTreeMap<Vec<u8>, u64> = BTreeMap::new();
        for (op, digest) in nodes.iter().flat_map(|node| of(&graph(std::slice::from_ref(node), &[])).ops) {
            let sum = sums.entry(op).or_default();
            *sum = sum.wrapping_add(digest);
        }
        assert_eq!(together, sums);
    }

    #[test]
    fn a_constant_of_another_value_is_another_one() {
        let [old, new] = [[1; 16], [2; 16]].map(|value| of(&graph(&[constant("c", &value)], &[])).ops);
        assert_ne!(old, new);
    }

    #[test]
    fn functions_are_no_part_of_the_graph() {
        let [old, new] = ["f", "g"].map(|name| of(&graph(&[], &[function(name, &[node("x", "Add")])])));
        assert!(old.ops.is_empty());
        assert_eq!(old.sections, new.sections);
    }

    #[test]
    fn signatures_and_collections_are_the_same_but_for_tensors_and_nodes() {
        let model = |counter: &str| {
            let tensor = format!("serving_default_x_{counter}:0");
            let graph = signature(message(), "serve", &[], &[]);
            let info = message().bytes(1, &tensor).int(2, 1);
            let graph = graph.entry(5, "other", &message().entry(1, "x", &info).bytes(3, "predict"));
            collection(graph, "train_op", &[&format!("Adam_{counter}")])
        };
        assert_eq!(of(&model("1")).sections, of(&model("12")).sections);
        let typed = |dtype| {
            let info = message().bytes(1, "x:0").int(2, dtype);
            of(&message().entry(5, "serve", &message().entry(1, "x", &info))).sections
        };
        assert_ne!(typed(1), typed(2), "another type");
    }
}
