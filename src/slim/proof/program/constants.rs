//! Constants of a function, by what they are: whoever takes one takes as well an equal one, or one that an op makes of two others
//! by repeating it.
//!
//! A constant of floats is its type, its shape, and the elements that are left where it goes only once along a dimension in which
//! it repeats. What `BroadcastTo` makes of such a one is the same by these, and nothing is made for that.

use std::borrow::Cow;

use foldhash::{HashMap, HashSet};

use super::attributes::Reading;
use super::functions::Names;
use super::hash::{Digest, Key, Piece};
use crate::message::attributes::CLASS;
use crate::message::number::node_def;
use crate::message::{Entry, FunctionDef, Input, NodeDef, TensorProto, input_node, ops};
use crate::proto::DataType;

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
    let constants = || nodes.iter().filter(|node| !twice.contains(node.name()));
    let mut plain: HashMap<&[u8], Digest> = constants()
        .filter_map(|node| Some((node.name(), digest(node, names, key, |name| is_out(node, name))?)))
        .collect();
    let mut made = constants().filter(|node| node.op() == ops::BROADCAST_TO).peekable();
    if made.peek().is_some() {
        let by_name: HashMap<&[u8], NodeDef<'f>> =
            constants().filter(|node| plain.contains_key(node.name())).map(|node| (node.name(), *node)).collect();
        let made = made
            .filter_map(|node| Some((node.name(), repeated(node, &by_name, names, key, |name| is_out(node, name))?)));
        plain.extend(made.collect::<Vec<_>>());
    }
    plain
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
    let is_plain = node.op() == ops::CONST && node.inputs().next().is_none();
    let own = || own(node, names, key, &is_out, &[]);
    let of_floats = || own_of_floats(node, names, key, &is_out);
    is_plain.then(|| of_floats().or_else(own)).flatten()
}

/// What a constant of floats is.
fn own_of_floats<'f>(
    node: &NodeDef<'f>,
    names: &Names<'f>,
    key: Key,
    is_out: &impl Fn(&[u8]) -> bool,
) -> Option<Digest> {
    let once = Once::of(node)?;
    once.digest(own(node, names, key, is_out, &[b"dtype", b"value"])?, key)
}

/// What an op makes of two constants by repeating the first to the shape that the second is.
fn repeated<'f>(
    node: &NodeDef<'f>,
    constants: &HashMap<&'f [u8], NodeDef<'f>>,
    names: &Names<'f>,
    key: Key,
    is_out: impl Fn(&[u8]) -> bool,
) -> Option<Digest> {
    let inputs: Vec<Input<'f>> = node.inputs().map(Input::parse).collect();
    let [slice, shape] = inputs[..] else { return None };
    if [slice, shape].iter().any(|input| input.is_control || input.port != b":output:0") {
        return None;
    }
    let (slice, shape) = (Once::of(constants.get(slice.name)?)?, sizes(constants.get(shape.name)?)?);
    let of_type = |key: &[u8]| node.attribute(key).and_then(|value| value.data_type());
    let int32 = u64::try_from(DataType::DtInt32 as i32).ok()?;
    if of_type(b"T") != Some(slice.dtype) || of_type(b"Tidx") != Some(int32) {
        return None;
    }
    slice.to(&shape)?.digest(own(node, names, key, &is_out, &[b"T", b"Tidx"])?, key)
}

/// What a node says besides its name, its op, what it takes and some attributes; `None` of one that is placed beside another, or
/// that names a function.
fn own<'f>(
    node: &NodeDef<'f>,
    names: &Names<'f>,
    key: Key,
    is_out: &impl Fn(&[u8]) -> bool,
    without: &[&[u8]],
) -> Option<Digest> {
    let attributes: Vec<Entry<'f>> = node.attributes();
    if names.find(node.op()).is_some() || attributes.iter().any(|entry| entry.key == CLASS) {
        return None;
    }
    let (mut hash, file) = (key.hasher(), node.file());
    for field in node.fields() {
        match field.number {
            node_def::NAME | node_def::OP | node_def::INPUT | node_def::ATTR | node_def::EXPERIMENTAL_DEBUG_INFO
                if field.is_len(field.number) => {}
            node_def::DEVICE if field.is_len(node_def::DEVICE) => hash.bytes(Piece::Device, field.bytes(file)),
            _ => hash.field(file, &field),
        }
    }
    let mut reading = Reading::new(names);
    reading.attributes(&mut hash, attributes, |key| without.contains(&key) || is_out(key));
    // What names a function is held as a node.
    (reading.calls.is_empty() && reading.unknown.is_empty()).then(|| hash.finish())
}

/// The elements of a constant of floats, once along the dimensions in which they repeat.
struct Once<'f> {
    dtype: u64,
    /// The size of each dimension.
    shape: Vec<u64>,
    /// The same with 1 where all slices are equal.
    kept: Vec<u64>,
    /// What is left, in row-major order.
    elements: Cow<'f, [u8]>,
}

impl<'f> Once<'f> {
    /// `None` of other constants, and of elements that are not as many as the shape says.
    fn of(node: &NodeDef<'f>) -> Option<Self> {
        let tensor: TensorProto<'f> = node.attribute(b"value")?.tensor()?;
        let (dtype, shape, elements) = (tensor.data_type(), tensor.shape()?, tensor.content()?);
        let width = match DataType::try_from(i32::try_from(dtype).ok()?).ok()? {
            DataType::DtHalf => 2,
            DataType::DtFloat => 4,
            DataType::DtDouble => 8,
            _ => return None,
        };
        let count = shape.iter().try_fold(width, |product: u64, size| product.checked_mul(*size))?;
        let is_whole = !elements.is_empty() && elements.len() as u64 == count;
        if !is_whole || node.attribute(b"dtype")?.data_type() != Some(dtype) {
            return None;
        }
        let (mut kept, mut left) = (shape.clone(), Cow::Borrowed(elements));
        let mut outside = 1_usize;
        for size in &mut kept {
            let slices = usize::try_from(*size).ok()?;
            let block = left.len().checked_div(outside)?;
            let slice = block.checked_div(slices)?;
            let is_repeated = |block: &[u8]| {
                let (first, others) = block.split_at_checked(slice).unwrap_or_default();
                others.chunks_exact(slice).all(|other| other == first)
            };
            if slices > 1 && left.chunks_exact(block).all(is_repeated) {
                let firsts = left.chunks_exact(block).filter_map(|block| block.get(..slice));
                left = firsts.flatten().copied().collect::<Vec<u8>>().into();
                *size = 1;
            } else {
                outside = outside.checked_mul(slices)?;
            }
        }
        Some(Self { dtype, shape, kept, elements: left })
    }

    /// What it is when it is repeated to another shape; `None` where it cannot be.
    fn to(self, shape: &[u64]) -> Option<Self> {
        let more = shape.len().checked_sub(self.shape.len())?;
        let fits = |(to, from): (&u64, &u64)| to == from || *from == 1 && *to > 0;
        let is_possible = shape.iter().skip(more).zip(&self.shape).all(fits) && !shape.contains(&0);
        let kept = std::iter::repeat_n(1, more).chain(self.kept).collect();
        is_possible.then(|| Self { dtype: self.dtype, shape: shape.to_vec(), kept, elements: self.elements })
    }

    fn digest(&self, own: Digest, key: Key) -> Option<Digest> {
        let mut hash = key.hasher();
        hash.number(Piece::Constant, self.dtype);
        for sizes in [&self.shape, &self.kept] {
            hash.number(Piece::List, u64::try_from(sizes.len()).ok()?);
            sizes.iter().for_each(|size| hash.number(Piece::Part, *size));
        }
        hash.bytes(Piece::Data, &self.elements);
        hash.digest(Piece::Part, own);
        Some(hash.finish())
    }
}

/// The elements of a constant of int32 in one dimension; `None` of others.
fn sizes(node: &NodeDef<'_>) -> Option<Vec<u64>> {
    let tensor = node.attribute(b"value")?.tensor()?;
    let int32 = u64::try_from(DataType::DtInt32 as i32).ok()?;
    let (numbers, []) = tensor.content()?.as_chunks::<4>() else { return None };
    let is_list = tensor.data_type() == int32 && tensor.shape()? == [numbers.len() as u64];
    let sizes = numbers.iter().map(|bytes| u64::try_from(i32::from_le_bytes(*bytes)).ok());
    is_list.then(|| sizes.collect()).flatten()
}
