//! A metagraph's graph: its nodes by their names, and what its functions do.

use foldhash::{HashMap, HashMapExt as _};

use super::attributes::{Reading, is_number_of_a_call};
use super::body::Without;
use super::functions::Functions;
use super::hash::{Digest, Key, Piece};
use super::library::Library;
use crate::message::attributes::GRADIENT_OP_TYPE;
use crate::message::number::graph_def::{LIBRARY, NODE};
use crate::message::number::node_def;
use crate::message::view::Message;
use crate::message::{AttrValue, FunctionDef, NodeDef};

/// A graph.
pub(super) struct Graph<'f> {
    nodes: HashMap<&'f [u8], NodeDef<'f>>,
    pub(super) library: Library<'f>,
}

/// A graph before anything is said of what its functions do.
pub(super) struct Read<'f> {
    nodes: HashMap<&'f [u8], NodeDef<'f>>,
    pub(super) functions: Functions<'f>,
    /// The values of `_gradient_op_type` in it.
    pub(super) gradients: std::collections::BTreeSet<&'f [u8]>,
    /// The name that two nodes have.
    pub(super) twice: Option<&'f [u8]>,
}

impl<'f> Read<'f> {
    /// Reads a GraphDef.
    pub(super) fn of(graph: &Message<'f>) -> Self {
        let file = graph.file();
        let library = graph.message(LIBRARY).unwrap_or(Message::new(file, 0..0));
        let mut read = Self {
            nodes: HashMap::new(),
            functions: Functions::of(&library),
            gradients: std::collections::BTreeSet::new(),
            twice: None,
        };
        for field in graph.repeated(NODE) {
            let node = NodeDef::read(file, field.payload());
            read.note_gradient(&node);
            if read.nodes.insert(node.name(), node).is_some() {
                read.twice = Some(node.name());
            }
        }
        let defs: Vec<FunctionDef<'f>> = read.functions.defs.iter().map(|(_, def)| def.clone()).collect();
        defs.iter().flat_map(FunctionDef::nodes).for_each(|node| read.note_gradient(&node));
        read
    }

    fn note_gradient(&mut self, node: &NodeDef<'f>) {
        let entries = node.attributes();
        let value = entries.into_iter().find(|entry| entry.key == GRADIENT_OP_TYPE);
        let value = value.map(|entry| AttrValue::new(entry.value).text());
        let says_nothing =
            |value: &&[u8]| is_number_of_a_call(node, value) && !self.functions.registered.contains_key(*value);
        let value = value.filter(|value| !says_nothing(value));
        self.gradients.extend(value);
    }

    /// Finds out what its functions do.
    pub(super) fn known(self, key: Key, without: Without) -> Graph<'f> {
        Graph { nodes: self.nodes, library: Library::of(self.functions, key, without) }
    }
}

impl<'f> Graph<'f> {
    /// The node of this name.
    pub(super) fn node(&self, name: &[u8]) -> Option<NodeDef<'f>> {
        self.nodes.get(name).copied()
    }

    /// All nodes, in no order.
    pub(super) fn nodes(&self) -> impl Iterator<Item = &NodeDef<'f>> {
        self.nodes.values()
    }

    /// What a node is without its name and its inputs, and without attributes that `is_out` says: functions by what they do.
    pub(super) fn own(node: &NodeDef<'f>, library: &Library<'f>, is_out: impl Fn(&[u8]) -> bool) -> Option<Digest> {
        let mut hash = library.key.hasher();
        let mut reading = Reading::new(&library.functions.names);
        reading.op(&mut hash, node.op());
        for field in node.fields() {
            match field.number {
                node_def::NAME
                | node_def::OP
                | node_def::INPUT
                | node_def::ATTR
                | node_def::EXPERIMENTAL_DEBUG_INFO
                    if field.is_len(field.number) => {}
                _ => hash.field(node.file(), &field),
            }
        }
        reading.attributes(&mut hash, node.attributes(), is_out);
        for call in &reading.calls {
            hash.digest(Piece::Call, library.of_number(*call)?);
        }
        Some(hash.finish())
    }
}
