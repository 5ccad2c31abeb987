//! Constants of a function, by what they are: whoever takes one takes as well an equal one.

use foldhash::{HashMap, HashSet};

use super::attributes::Reading;
use super::functions::Names;
use super::hash::{Digest, Key, Piece};
use crate::message::attributes::CLASS;
use crate::message::number::node_def;
use crate::message::{FunctionDef, Input, NodeDef, input_node, ops};

/// What the constants among nodes are, by their names. `is_out` says which attributes do not count.
pub(super) fn plain<'f>(
    nodes: &[NodeDef<'f>],
    names: &Names<'f>,
    key: Key,
    is_out: impl Fn(&NodeDef<'f>, &[u8]) -> bool,
) -> HashMap<&'f [u8], Digest> {
    // TensorFlow refuses a function with two nodes of one name.
    let mut seen: HashSet<&[u8]> = HashSet::default();
    let twice: HashSet<&[u8]> = nodes.iter().map(NodeDef::name).filter(|name| !seen.insert(name)).collect();
    let constants = nodes.iter().filter(|node| !twice.contains(node.name()));
    constants.filter_map(|node| Some((node.name(), digest(node, names, key, |name| is_out(node, name))?))).collect()
}

/// The nodes that others wait for or are placed beside, which are more than their value.
pub(super) fn named<'f>(def: &FunctionDef<'f>, nodes: &[NodeDef<'f>]) -> HashSet<&'f [u8]> {
    let mut named: HashSet<&[u8]> = def.control_returned().into_iter().map(input_node).collect();
    for node in nodes {
        named.extend(node.placed_beside());
        named.extend(node.inputs().map(Input::parse).filter(|input| input.is_control).map(|input| input.name));
    }
    named
}

/// What a constant that waits for nothing is; `None` of other nodes.
fn digest<'f>(node: &NodeDef<'f>, names: &Names<'f>, key: Key, is_out: impl Fn(&[u8]) -> bool) -> Option<Digest> {
    let attributes = node.attributes();
    let is_plain = node.op() == ops::CONST
        && names.find(node.op()).is_none()
        && node.inputs().next().is_none()
        && attributes.iter().all(|entry| entry.key != CLASS);
    if !is_plain {
        return None;
    }
    let (mut hash, file) = (key.hasher(), node.file());
    for field in node.fields() {
        match field.number {
            node_def::NAME | node_def::OP | node_def::ATTR | node_def::EXPERIMENTAL_DEBUG_INFO
                if field.is_len(field.number) => {}
            node_def::DEVICE if field.is_len(node_def::DEVICE) => hash.bytes(Piece::Device, field.bytes(file)),
            _ => hash.field(file, &field),
        }
    }
    let mut reading = Reading::new(names);
    reading.attributes(&mut hash, attributes, is_out);
    // What names a function is held as a node.
    (reading.calls.is_empty() && reading.unknown.is_empty()).then(|| hash.finish())
}
