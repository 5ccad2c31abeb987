//! The checkpoint's object graph: which object each value was saved from, and what it was called.
//!
//! A TF2 checkpoint's keys are paths of attributes (`variables/0/.ATTRIBUTES/VARIABLE_VALUE`). The names that people
//! know (`dense/kernel`) are in a `TrackableObjectGraph`, the one string of a tensor of the same checkpoint.

#![warn(clippy::arithmetic_side_effects)]

use std::collections::BTreeMap;

use bytes::Bytes;
use prost::Message as _;

use super::bundle::Tensor;
use super::strings::Strings;
use crate::input::Source;
use crate::problem::Problem;
use crate::proto::{DataType, TrackableObjectGraph};
use crate::wire::fields;

/// The key of the tensor that holds the graph (`tensorflow/python/checkpoint/graph_view.py`).
pub const KEY: &str = "_CHECKPOINTABLE_OBJECT_GRAPH";

/// More objects and attributes than this are not decoded: an empty one takes two bytes of file and a hundred of memory.
const MAX_MESSAGES: usize = 1 << 21;

/// A checkpoint's object graph.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ObjectGraph {
    /// The graph as it is in the checkpoint. Positions in it may be out of range.
    pub graph: TrackableObjectGraph,
    /// For each checkpoint key the name of its variable, where the graph has one.
    full_names: BTreeMap<String, String>,
}

impl ObjectGraph {
    /// Reads the graph from its tensor and the shard that holds the tensor.
    ///
    /// # Errors
    /// What is damaged, under the shard's name `file`. The checkpoint can be read without the graph.
    pub fn read(shard: &Source, tensor: &Tensor, big_endian: bool, file: &str) -> Result<Self, Problem> {
        let at = |offset: usize, what: String| {
            let offset = tensor.offset.saturating_add(u64::try_from(offset).unwrap_or(u64::MAX));
            Problem::at(file, offset, format!("`{KEY}`: {what}"))
        };
        if tensor.dtype != DataType::DtString as i32 || tensor.shape.iter().any(|&size| size != 1) {
            let (dtype, shape) = (tensor.dtype_name(), &tensor.shape);
            return Err(at(0, format!("expected one string, found {dtype} of shape {shape:?}")));
        }
        let data = tensor.range().map(|range| shard.read(range)).transpose();
        let data = data.map_err(|cause| cause.of_file(file))?.flatten();
        let data = data.ok_or_else(|| at(0, format!("expected {} bytes, found the end of the shard", tensor.bytes)))?;
        let strings = Strings::read(&data, 1, big_endian).map_err(|error| at(error.offset(), error.to_string()))?;
        if strings.crc32c != tensor.crc32c {
            let (stored, computed) = (tensor.crc32c, strings.crc32c);
            let what = format!("expected masked CRC32C {stored:#010x}, as in the index, found {computed:#010x}");
            return Err(at(0, what));
        }
        let string = strings.ranges.first().cloned().unwrap_or_default();
        let start = string.start;
        Self::decode(data.slice(string)).map_err(|what| at(start, what))
    }

    fn decode(message: Bytes) -> Result<Self, String> {
        let messages = messages(&message);
        if messages > MAX_MESSAGES {
            return Err(format!("expected at most {MAX_MESSAGES} objects and attributes, found {messages}"));
        }
        let decoded = TrackableObjectGraph::decode(message);
        let graph = decoded.map_err(|error| format!("expected an object graph, found bytes that are none: {error}"))?;
        let attributes = graph.nodes.iter().flat_map(|node| &node.attributes);
        let named = attributes.filter(|attribute| !attribute.full_name.is_empty());
        let full_names = named.map(|a| (a.checkpoint_key.clone(), a.full_name.clone())).collect();
        Ok(Self { graph, full_names })
    }

    /// The name of the variable that was saved under `key`; `None` where the graph has none.
    #[must_use]
    pub fn full_name(&self, key: &str) -> Option<&str> {
        self.full_names.get(key).map(String::as_str)
    }
}

/// How many messages there are in a graph's nodes, the nodes among them.
fn messages(graph: &[u8]) -> usize {
    let inner = |node| fields(graph, node).count();
    let nodes = fields(graph, 0..graph.len());
    nodes.map(|node| inner(node.payload()).saturating_add(1)).fold(0, usize::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::trackable_object_graph::TrackableObject;
    use crate::proto::trackable_object_graph::trackable_object::SerializedTensor;
    use crate::support::table::string_tensor;

    fn attribute(full_name: &str, checkpoint_key: &str) -> SerializedTensor {
        let name = "VARIABLE_VALUE".to_owned();
        SerializedTensor { name, full_name: full_name.to_owned(), checkpoint_key: checkpoint_key.to_owned() }
    }

    /// Two variables, one without a name.
    fn graph() -> TrackableObjectGraph {
        let attributes = vec![attribute("dense/kernel", "variables/0"), attribute("", "variables/1")];
        let variables = TrackableObject { attributes, ..Default::default() };
        TrackableObjectGraph { nodes: vec![TrackableObject::default(), variables] }
    }

    /// A shard of ten other bytes and a string, and the string's entry.
    fn shard_of(string: &[u8]) -> (Bytes, Tensor) {
        let data = string_tensor(&[string]);
        let tensor = Tensor {
            key: KEY.to_owned(),
            slice_of: None,
            dtype: DataType::DtString as i32,
            shape: vec![],
            shard: 0,
            offset: 10,
            bytes: data.len() as u64,
            crc32c: Strings::read(&data, 1, false).unwrap().crc32c,
            slices: 0,
            compressed: false,
            damaged: false,
        };
        (Bytes::from([vec![0; 10], data].concat()), tensor)
    }

    fn read(shard: &Bytes, tensor: &Tensor) -> Result<ObjectGraph, Problem> {
        ObjectGraph::read(&shard.clone().into(), tensor, false, "shard")
    }

    #[test]
    fn keys_have_the_names_of_their_variables() {
        let (shard, tensor) = shard_of(&graph().encode_to_vec());
        let read = read(&shard, &tensor).unwrap();
        assert_eq!(read.full_name("variables/0"), Some("dense/kernel"));
        assert_eq!(read.full_name("variables/1"), None);
        assert_eq!(read.full_name("elsewhere"), None);
        assert_eq!(read.graph, graph());
    }

    #[test]
    fn a_flipped_bit_anywhere_is_a_problem_of_the_tensor() {
        let (shard, tensor) = shard_of(&graph().encode_to_vec());
        for at in 10..shard.len() {
            for bit in 0..8 {
                let mut damaged = shard.to_vec();
                damaged[at] ^= 1 << bit;
                let problem = read(&damaged.into(), &tensor).unwrap_err();
                assert_eq!(problem.file, "shard");
                assert!(problem.offset >= Some(10) && problem.message.contains(KEY), "{problem:?}");
            }
        }
    }

    #[test]
    fn a_shard_cut_short_is_a_problem() {
        let (shard, tensor) = shard_of(&graph().encode_to_vec());
        for length in 0..shard.len() {
            let problem = read(&shard.slice(..length), &tensor).unwrap_err();
            assert!(problem.message.ends_with("found the end of the shard"), "{problem:?}");
        }
    }

    #[test]
    fn a_string_that_is_no_graph_is_a_problem_where_it_starts() {
        let (shard, tensor) = shard_of(b"\x0a\x7fshort");
        let problem = read(&shard, &tensor).unwrap_err();
        assert_eq!(problem.offset, Some(15));
        assert!(problem.message.contains("expected an object graph"), "{problem:?}");
    }

    #[test]
    fn a_tensor_of_another_type_is_a_problem() {
        let (shard, mut tensor) = shard_of(b"");
        tensor.dtype = 1;
        let problem = read(&shard, &tensor).unwrap_err();
        assert!(problem.message.ends_with("expected one string, found float32 of shape []"), "{problem:?}");
    }

    #[test]
    fn a_graph_of_millions_of_empty_objects_is_not_decoded() {
        let (shard, tensor) = shard_of(&[0x0a, 0].repeat(MAX_MESSAGES + 1));
        let problem = read(&shard, &tensor).unwrap_err();
        assert!(problem.message.contains("expected at most 2097152 objects"), "{problem:?}");
    }
}
