//! Constants of functions that are one slice again and again: the slice stays, and an op makes the rest of it.
//!
//! The node keeps its name and what it says of its output, so who takes it takes the same; it becomes a `BroadcastTo` of two new
//! constants, the slice and the shape. A runtime makes it once, as long as it is not larger than it makes constants. Where it could
//! join the constant with another one it stays, as sums and products would round otherwise ([`crate::broadcast`]). So do zeros
//! and ones, which a runtime leaves out of them, and constants of functions that save and restore, or whose tensors Python has.

use std::cell::OnceCell;
use std::collections::{BTreeMap, HashSet};

use prost::Message as _;

use super::equal_constants::captured;
use super::{NotTaken, Parts};
use crate::broadcast::{Programs, first, repeated};
use crate::edit::Splices;
use crate::edit::numbers::with_length;
use crate::message::attributes::CLASS;
use crate::message::number::function_def::NODE_DEF;
use crate::message::number::map_entry::{KEY, VALUE};
use crate::message::number::node_def::{ATTR, INPUT, OP};
use crate::message::{Entry, FunctionDef, NodeDef, ops};
use crate::proto::attr_value::Value;
use crate::proto::tensor_shape_proto::Dim;
use crate::proto::{AttrValue, DataType, TensorProto, TensorShapeProto};
use crate::size::plural;
use crate::slim::program::{Program, programs};

/// Less than this is not worth an op.
const LEAST_BYTES: usize = 1 << 10;

/// The attributes that say of a constant what its type and its value are.
const DTYPE: &[u8] = b"dtype";
const CONTENT: &[u8] = b"value";

/// Constants become slices.
pub(super) fn equal_slices(parts: &Parts) -> Result<Option<(Parts, String)>, NotTaken> {
    let (mut edits, mut count) = (Splices::default(), 0_u64);
    for program in programs(&parts.main)? {
        let (captured, read) = (captured(&program), OnceCell::new());
        let functions = program.functions.iter();
        for function in functions.filter(|it| !program.is_of_gradient(it) && !captured.contains(it.name)) {
            let def = FunctionDef::new(program.file, function.at.field.payload());
            let made = def.node_fields().filter_map(|field| {
                let node = NodeDef::read(program.file, field.payload());
                Some((field, node, Made::of(&node)?))
            });
            let made: Vec<_> = made.collect();
            if made.is_empty() || def.nodes().any(|node| ops::is_saver(node.op())) {
                continue;
            }
            let programs: &Programs<'_> = read.get_or_init(|| read_programs(&program));
            let names: HashSet<&[u8]> =
                def.nodes().map(|node| node.name()).chain(def.signature().arguments()).collect();
            for (field, node, made) in made {
                let is_free = made.names.iter().all(|name| !names.contains(name.as_bytes()));
                if is_free && programs.may_be_made(function.name, node.name()) {
                    edits.replace(&function.at.path(), field.range(), made.nodes(&node))?;
                    count = count.saturating_add(1);
                }
            }
        }
    }
    if edits.is_empty() {
        return Ok(None);
    }
    let main = parts.main.edited(&edits).ok_or(NotTaken::Lengths)?;
    let words = plural(count, "constant that is a slice repeated", "constants that are a slice repeated");
    Ok(Some((Parts { main, ..parts.clone() }, words)))
}

fn read_programs<'f>(program: &Program<'f>) -> Programs<'f> {
    let functions = program.functions.iter();
    let functions: Vec<FunctionDef<'f>> =
        functions.map(|function| FunctionDef::new(program.file, function.at.field.payload())).collect();
    Programs::new(program.nodes.iter().map(|node| node.def), &functions)
}

/// What makes a constant.
struct Made {
    /// The names of two new constants: the slice, and the shape that it is repeated to.
    names: [String; 2],
    slice: TensorProto,
    shape: TensorProto,
    device: String,
}

impl Made {
    /// `None` of a node that is no such constant.
    fn of(node: &NodeDef<'_>) -> Option<Self> {
        let is_large = node.op() == ops::CONST && node.range().len() > LEAST_BYTES;
        if !is_large || node.inputs().next().is_some() || node.attribute(CLASS).is_some() {
            return None;
        }
        let tensor = node.attribute(CONTENT)?.tensor()?;
        let (elements, shape) = (tensor.content()?, tensor.shape()?);
        let dtype = node.attribute(DTYPE)?.data_type().filter(|dtype| *dtype == tensor.data_type())?;
        let slices = repeated(dtype, &shape, elements)?;
        if elements.len().saturating_sub(slices.bytes) < LEAST_BYTES {
            return None;
        }
        let slice = first(elements, &shape, &slices.shape)?;
        let sizes: Vec<i32> = shape.iter().map(|size| i32::try_from(*size)).collect::<Result<_, _>>().ok()?;
        let rank = u64::try_from(sizes.len()).ok()?;
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
        let name = text(node.name())?;
        Some(Self {
            names: ["slice", "shape"].map(|part| format!("{name}/{part}")),
            slice: proto(i32::try_from(dtype).ok()?, &slices.shape, slice),
            shape: proto(DataType::DtInt32 as i32, &[rank], sizes.into_iter().flat_map(i32::to_le_bytes).collect()),
            device: text(node.device())?,
        })
    }

    /// The three nodes in the place of the constant, as fields of a function.
    fn nodes(&self, node: &NodeDef<'_>) -> Vec<u8> {
        let [slice, shape] = &self.names;
        let made = [self.constant(slice, &self.slice), self.constant(shape, &self.shape), self.broadcast(node)];
        made.iter().flat_map(|node| with_length(NODE_DEF, node)).collect()
    }

    fn constant(&self, name: &str, tensor: &TensorProto) -> Vec<u8> {
        let attributes = [("dtype", Value::Type(tensor.dtype)), ("value", Value::Tensor(tensor.clone()))]
            .map(|(key, value)| (key.to_owned(), AttrValue { value: Some(value) }));
        let node = crate::proto::NodeDef {
            name: name.to_owned(),
            op: "Const".to_owned(),
            device: self.device.clone(),
            attr: BTreeMap::from(attributes),
            ..crate::proto::NodeDef::default()
        };
        node.encode_to_vec()
    }

    /// The constant's node with another op and what that takes; all else that it says stays.
    fn broadcast(&self, node: &NodeDef<'_>) -> Vec<u8> {
        let of_type = |key: &str, dtype: i32| {
            let value = AttrValue { value: Some(Value::Type(dtype)) }.encode_to_vec();
            with_length(ATTR, &[with_length(KEY, key.as_bytes()), with_length(VALUE, &value)].concat())
        };
        let mut made = Vec::new();
        for field in node.fields() {
            let is_of_constant = field.is_len(ATTR) && [DTYPE, CONTENT].contains(&Entry::read(node.file(), field).key);
            if field.is_len(OP) {
                made.extend(with_length(OP, ops::BROADCAST_TO));
                let inputs = self.names.iter().map(|name| format!("{name}:output:0"));
                made.extend(inputs.flat_map(|input| with_length(INPUT, input.as_bytes())));
            } else if !is_of_constant {
                made.extend_from_slice(node.file().get(field.range()).unwrap_or_default());
            }
        }
        made.extend(of_type("T", self.slice.dtype));
        made.extend(of_type("Tidx", self.shape.dtype));
        made
    }
}

fn proto(dtype: i32, shape: &[u64], content: Vec<u8>) -> TensorProto {
    let dim = shape.iter().map(|size| Dim { size: size.cast_signed(), name: String::new() }).collect();
    TensorProto {
        dtype,
        tensor_shape: Some(TensorShapeProto { dim, unknown_rank: false }),
        tensor_content: content.into(),
        ..TensorProto::default()
    }
}
