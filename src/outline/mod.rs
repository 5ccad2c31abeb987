//! What a main file holds besides bytes: the declared second result of the one walk that charges it.
//!
//! Charging looks at each field of each node. Another walk over a graph of a million nodes, to find its functions, the few
//! nodes that are large or the many that have `_output_shapes`, would take as long as the charging. So the walk notes on the
//! way what others ask, and nobody walks for it again. Each list has its limit here, where it is made, as an entry may take two
//! bytes of a file.

use std::ops::Range;

use crate::message::{Message, Signature as FunctionSignature};
use crate::problem::Problem;
use crate::proto;
use crate::wire::Field;

/// The most metagraphs that are told apart. An empty one takes two bytes of the file and a thousand of memory, and nobody
/// has more than a few.
pub const MAX_META_GRAPHS: usize = 1000;

/// The most tags, signatures and assets of a file that are listed, and the most libraries, for the same reason.
pub const MAX_LISTED: usize = 1 << 16;

/// The most functions of a file that are compared with one another and looked into for causes, and the most gradients. An empty
/// one takes two bytes of the file and hundreds of memory; the largest models have some ten thousand.
pub const MAX_FUNCTIONS: usize = 1 << 18;

/// The most objects of a file, and the most references from one to another, that are followed. Each takes two bytes of the file
/// and hundreds of memory; the largest models have some ten thousand. An object graph with which there are more is charged
/// like any other, and nobody looks into it.
pub const MAX_OBJECTS: usize = 1 << 18;
/// See [`MAX_OBJECTS`].
pub const MAX_CHILDREN: usize = 1 << 20;

/// A node whose payload has fewer bytes holds nothing large.
pub const LARGE_NODE: usize = 1 << 10;

/// What a main file holds besides bytes.
#[derive(Debug, Default)]
pub struct SavedModel {
    /// The metagraphs in the order of the file.
    pub meta_graphs: Vec<MetaGraph>,
    /// Damage, in the order of the file.
    pub problems: Vec<Problem>,
}

/// What a MetaGraphDef holds besides bytes. Ranges and fields are of the main file in wire format.
#[derive(Debug, Default)]
pub struct MetaGraph {
    /// The message's payload, without its own tag and length.
    pub range: Range<usize>,
    /// What that takes in the file.
    pub bytes: u64,
    /// `meta_info_def.tags`.
    pub tags: Vec<String>,
    /// `meta_info_def.tensorflow_version`.
    pub tensorflow_version: String,
    /// Nodes of `graph_def` itself.
    pub nodes: u64,
    /// Functions of its library, those included that are not in [`MetaGraph::library`].
    pub functions: u64,
    /// Nodes in these functions.
    pub function_nodes: u64,
    /// Objects of `object_graph_def`.
    pub object_nodes: u64,
    /// Whether these are too many to be followed.
    pub too_many_objects: bool,
    /// The entries of `signature_def`, of each key the last one.
    pub signatures: Vec<Signature>,
    /// The files that `asset_file_def` names, relative to `assets/`.
    pub assets: Vec<String>,
    /// The functions of its libraries.
    pub library: Library,
    /// What of its nodes is asked for elsewhere.
    pub notes: Notes,
}

impl MetaGraph {
    /// What the metagraph is called in rollups: `#0 serve`.
    #[must_use]
    pub fn label(&self, index: usize) -> String {
        format!("#{index} {}", self.tags.join(",")).trim_end().to_owned()
    }
}

/// An entry of `MetaGraphDef.signature_def`.
#[derive(Debug)]
pub struct Signature {
    /// Its key.
    pub name: String,
    /// What the entry takes in the file, tag and length included.
    pub bytes: u64,
    /// What it is called by; empty where it could not be decoded.
    pub method_name: String,
    /// Its inputs, by their names. A map would take 4 kB for one, and there may be very many signatures.
    pub inputs: Tensors,
    /// Its outputs.
    pub outputs: Tensors,
}

/// Inputs or outputs of a signature, by their names.
pub type Tensors = Box<[(String, proto::TensorInfo)]>;

/// What the `library` fields of a graph hold, in the order of the file.
#[derive(Debug, Default)]
pub struct Library {
    /// The functions, up to [`MAX_FUNCTIONS`] of a file.
    pub functions: Vec<Function>,
    /// The fields that are no functions: gradients, up to as many.
    pub others: Vec<Field>,
}

impl Library {
    /// The function whose field begins at `start`.
    #[must_use]
    pub fn at(&self, start: usize) -> Option<&Function> {
        let position = self.functions.binary_search_by_key(&start, |function| function.field.start).ok()?;
        self.functions.get(position)
    }
}

/// A function of a library.
#[derive(Debug, Clone)]
pub struct Function {
    /// Its `function` field.
    pub field: Field,
    /// Where its name is: decided once, for all ([`FunctionSignature`]).
    pub name: Range<usize>,
    /// The payloads of its `signature`, of which there is one but where a file gives several.
    signature: Vec<Range<usize>>,
}

impl Function {
    /// A function whose signature was found.
    #[must_use]
    pub fn new(field: Field, signature: &FunctionSignature<'_>) -> Self {
        Self { field, name: signature.name_range(), signature: signature.message().payloads().collect() }
    }

    /// Its signature, in the `file` that it was found in.
    #[must_use]
    pub fn signature<'f>(&self, file: &'f [u8]) -> FunctionSignature<'f> {
        let message = Message::merged(file, self.signature.iter().cloned());
        FunctionSignature::new(message.unwrap_or(Message::new(file, 0..0)))
    }
}

/// How many there are of something, and their bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sum {
    /// How many.
    pub count: u64,
    /// What they take in the file.
    pub bytes: u64,
}

impl Sum {
    /// Adds one.
    pub fn add(&mut self, bytes: u64) {
        self.count = self.count.saturating_add(1);
        self.bytes = self.bytes.saturating_add(bytes);
    }

    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { count: self.count.saturating_add(other.count), bytes: self.bytes.saturating_add(other.bytes) }
    }

    /// Without what is a part of it.
    #[must_use]
    pub fn without(self, part: Self) -> Self {
        Self { count: self.count.saturating_sub(part.count), bytes: self.bytes.saturating_sub(part.bytes) }
    }
}

/// What was noted of the nodes of a metagraph's graph and functions.
#[derive(Debug, Default)]
pub struct Notes {
    /// The attributes `_output_shapes` of nodes and of functions' arguments.
    pub output_shapes: Sum,
    /// The debug information of nodes, and of the graph itself.
    pub debug_info: Sum,
    /// Nodes that take at least [`LARGE_NODE`] bytes of the wire format, in the order of the file.
    pub large_nodes: Vec<Field>,
    /// Nodes of the graph itself that may refer to more than their inputs, and those of all functions.
    pub(crate) referring_in_graph: Vec<Field>,
    pub(crate) referring_in_functions: Vec<Field>,
    /// Whether a node may call a function as its op, as TensorFlow 1 does it; then the lists lack these.
    pub(crate) calls_by_op: bool,
}

impl Notes {
    /// The nodes of the graph itself that may refer to functions, gradients or resources by an attribute, in the order of the
    /// file; `None` where any may.
    #[must_use]
    pub fn referring(&self) -> Option<&[Field]> {
        (!self.calls_by_op).then_some(&*self.referring_in_graph)
    }

    /// The same of the nodes of all functions.
    #[must_use]
    pub fn referring_in_functions(&self) -> Option<&[Field]> {
        (!self.calls_by_op).then_some(&*self.referring_in_functions)
    }
}

/// Those of these fields, which are in the order of the file, that are in `range`.
#[must_use]
#[inline]
pub fn within<'f>(fields: &'f [Field], range: &Range<usize>) -> &'f [Field] {
    let before = |end: usize| fields.partition_point(|field| field.start < end);
    fields.get(before(range.start)..before(range.end)).unwrap_or_default()
}
