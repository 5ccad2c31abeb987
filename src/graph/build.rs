//! One metagraph as vertices and edges: nodes, functions and resources of its graph, its assets, and its roots.

use std::ops::Range;

use bytes::Bytes;
use foldhash::HashMap;
use prost::Message as _;

use super::declare::Declaring;
use super::edges;
use super::names::NodeNames;
use super::node::Node;
use super::vertices::Vertices;
use super::{EdgeKind, Inputs, MetaGraph, MetaGraphReach, Origin, Root, Vertex, VertexKind, objects, restore};
use crate::checkpoint::Checkpoint;
use crate::message::number::collection_def::node_list;
use crate::message::number::function_def::NODE_DEF;
use crate::message::number::meta_graph_def::{
    ASSET_FILE_DEF, COLLECTION_DEF, GRAPH_DEF, OBJECT_GRAPH_DEF, SAVER_DEF, SIGNATURE_DEF,
};
use crate::message::number::{asset_file_def, collection_def, map_entry, tensor_info};
use crate::message::{Input, input_node, ops};
use crate::outline::within;
use crate::progress::Ticks;
use crate::proto::tensor_info::Encoding;
use crate::proto::{SignatureDef, TensorInfo};
use crate::wire::{Field, Layout, fields, first_len};

/// The collections of nodes that a loader runs (`tensorflow/python/saved_model/constants.py`).
const MAIN_OPS: [&[u8]; 3] = [b"saved_model_main_op", b"legacy_init_op", b"saved_model_init_op"];

/// What TensorFlow writes for `shared_name` where nothing is shared.
const ANONYMOUS: &[u8] = b"cd2c89b7-88b7-44c8-ad83-06c2a9158347";

/// The tensors of the checkpoint by key. A tensor's number in every metagraph is its position in the index.
pub(super) struct Keys<'a> {
    pub(super) checkpoint: Option<&'a Checkpoint>,
    by_key: HashMap<&'a str, u32>,
    /// The slices of each partitioned variable.
    slices: HashMap<u32, Vec<u32>>,
    /// The bytes of the shards that are charged to each tensor.
    bytes: Vec<u64>,
}

impl<'a> Keys<'a> {
    pub(super) fn new(checkpoint: Option<&'a Checkpoint>) -> Self {
        let tensors = checkpoint.map_or(&[][..], |checkpoint| &checkpoint.bundle.tensors);
        let by_key: HashMap<&str, u32> =
            tensors.iter().zip(0..).map(|(tensor, number)| (&*tensor.key, number)).collect();
        let mut bytes = vec![0_u64; tensors.len()];
        for extent in checkpoint.iter().flat_map(|checkpoint| &checkpoint.files).flat_map(|file| &file.extents) {
            if let Some(sum) = extent.tensor.and_then(|tensor| bytes.get_mut(tensor)) {
                *sum = sum.saturating_add(extent.range.end.saturating_sub(extent.range.start));
            }
        }
        let mut slices: HashMap<u32, Vec<u32>> = HashMap::default();
        for (number, tensor) in (0..).zip(tensors) {
            if let Some(whole) = tensor.slice_of.as_deref().and_then(|name| by_key.get(name)) {
                slices.entry(*whole).or_default().push(number);
            }
        }
        Self { checkpoint, by_key, slices, bytes }
    }

    /// The tensor under a key.
    pub(super) fn find(&self, key: &[u8]) -> Option<u32> {
        self.by_key.get(std::str::from_utf8(key).ok()?).copied()
    }
}

/// A metagraph while its vertices and edges are found.
pub(super) struct Builder<'a, 'k> {
    pub(super) file: &'a [u8],
    pub(super) layout: &'a Layout,
    pub(super) keys: &'k Keys<'a>,
    pub(super) vertices: Vertices,
    pub(super) edges: edges::Found,
    nodes: NodeNames,
    pub(super) functions: HashMap<&'a [u8], u32>,
    pub(super) resources: HashMap<&'a [u8], u32>,
    assets: HashMap<&'a [u8], u32>,
    /// The resource that a node is a handle of.
    pub(super) handles: HashMap<u32, u32>,
    /// The assets in the order of the file, by which objects refer to them.
    pub(super) asset_order: Vec<u32>,
    roots: Vec<Root>,
    room: (usize, usize),
    /// The numbers of nodes and functions.
    declared: Range<usize>,
    /// There are more vertices or edges than there is room for.
    pub(super) full: bool,
}

/// Finds the vertices and edges of a metagraph; `None` where they are more than there is room for.
pub(super) fn build<'a>(
    inputs: &Inputs<'a, '_>,
    keys: &Keys<'a>,
    meta_graph: &MetaGraph<'_>,
    room: (usize, usize),
) -> Option<MetaGraphReach<'a>> {
    let (file, range) = (inputs.file, meta_graph.range.clone());
    let mut builder = Builder {
        file,
        layout: inputs.layout,
        keys,
        vertices: Vertices::new(range.start),
        edges: edges::Found::default(),
        nodes: NodeNames::default(),
        functions: HashMap::default(),
        resources: HashMap::default(),
        assets: HashMap::default(),
        handles: HashMap::default(),
        asset_order: Vec::new(),
        roots: Vec::new(),
        room,
        declared: 0..0,
        full: false,
    };
    builder.variables();
    let sections = |number| fields(file, range.clone()).filter(move |field| field.is_len(number)).map(|f| f.payload());
    let mut declaring = Declaring::new(meta_graph, Ticks::new(inputs.progress, range.start));
    let first = builder.vertices.len();
    sections(GRAPH_DEF).for_each(|graph| builder.declare(graph, &mut declaring));
    builder.declared = first..builder.vertices.len();
    if builder.full {
        return None;
    }
    builder.all_declared(declaring, meta_graph.referring_in_functions);
    sections(ASSET_FILE_DEF).for_each(|asset| builder.asset(asset, inputs.asset_bytes));
    let mut main_ops = Vec::new();
    sections(COLLECTION_DEF).for_each(|entry| main_ops.extend(builder.main_op(entry)));
    sections(SIGNATURE_DEF).enumerate().for_each(|(position, entry)| builder.signature(position, entry));
    if !main_ops.is_empty() {
        let targets = main_ops.into_iter().map(|node| (node, EdgeKind::Runs)).collect();
        builder.root(Origin::MainOp, None, targets);
    }
    let savers: Vec<Range<usize>> = sections(SAVER_DEF).collect();
    let restored = restore::restore(&mut builder, savers);
    restore::prepare(&mut builder, &restored);
    let objects = objects::objects(&mut builder, &sections(OBJECT_GRAPH_DEF).collect::<Vec<_>>());
    builder.finish(objects)
}

impl<'a> Builder<'a, '_> {
    fn finish(self, objects: objects::ObjectNames) -> Option<MetaGraphReach<'a>> {
        if self.full {
            return None;
        }
        let (edges, reached, own_bytes) = (self.edges.finish(), Vec::new(), Vec::new());
        let (roots, file, checkpoint) = (self.roots, self.file, self.keys.checkpoint);
        let (vertices, declared) = (self.vertices, self.declared);
        Some(MetaGraphReach { roots, file, checkpoint, vertices, declared, edges, objects, reached, own_bytes })
    }

    /// The number of the next vertex, if there is room for one.
    pub(super) fn next(&mut self) -> Option<u32> {
        self.full |= self.vertices.len() >= self.room.0;
        u32::try_from(self.vertices.len()).ok().filter(|_| !self.full)
    }

    /// Adds a vertex and returns its number.
    pub(super) fn add(&mut self, kind: VertexKind, name: Range<usize>, span: Range<usize>, bytes: u64) -> u32 {
        let Some(number) = self.next() else { return u32::MAX };
        self.edges.begin();
        self.vertices.push(Vertex { kind, span, bytes, name });
        number
    }

    pub(super) fn edge(&mut self, from: u32, to: u32, edge: EdgeKind) {
        if self.has_room_for_edge() {
            self.edges.add(from, to, edge);
        }
    }

    /// Adds an edge from the vertex that was added last.
    #[inline]
    pub(super) fn edge_of_last(&mut self, to: u32, edge: EdgeKind) {
        if self.has_room_for_edge() {
            self.edges.add_to_last(to, edge);
        }
    }

    #[inline]
    fn has_room_for_edge(&mut self) -> bool {
        self.full |= self.edges.len() >= self.room.1;
        !self.full
    }

    pub(super) fn root(&mut self, origin: Origin, position: Option<usize>, targets: Vec<(u32, EdgeKind)>) {
        self.roots.push(Root { origin, position, reachable_bytes: None, exclusive_bytes: None, targets });
    }

    pub(super) fn roots(&self) -> &[Root] {
        &self.roots
    }

    pub(super) fn span(&self, vertex: u32) -> Range<usize> {
        self.vertices.get(vertex).map_or(0..0, |vertex| vertex.span)
    }

    /// The node of this name.
    pub(super) fn node(&self, name: &[u8]) -> Option<u32> {
        self.nodes.get(self.file, &self.vertices, name)
    }

    /// The checkpoint's tensors, and the slices of partitioned ones.
    fn variables(&mut self) {
        for bytes in &self.keys.bytes {
            self.add(VertexKind::Variable, 0..0, 0..0, *bytes);
        }
        let keys = self.keys;
        for (whole, slices) in &keys.slices {
            slices.iter().for_each(|slice| self.edge(*slice, *whole, EdgeKind::Slice));
        }
    }

    /// What is restored from a tensor; from a partitioned one, from all of its slices.
    pub(super) fn restored_from(&mut self, vertex: u32, tensor: u32) {
        let keys = self.keys;
        self.edge(vertex, tensor, EdgeKind::Restored);
        for slice in keys.slices.get(&tensor).into_iter().flatten() {
            self.edge(vertex, *slice, EdgeKind::Restored);
        }
    }

    /// All nodes and functions are known: finds what those need of which that could not be said before.
    fn all_declared(&mut self, declaring: Declaring<'_, '_>, referring_in_functions: Option<&[Field]>) {
        let (nodes, firsts) = NodeNames::new(self.file, &self.vertices, declaring.hashes);
        self.nodes = nodes;
        firsts.into_iter().for_each(|firsts| self.edges.lead_to(&firsts));
        let mut node = Node::default();
        for number in declaring.late {
            match self.vertices.get(number) {
                Some(Vertex { kind: VertexKind::Function, span, .. }) => {
                    self.function_edges(number, span, referring_in_functions, &mut node);
                }
                Some(Vertex { span, .. }) => {
                    node.read(self.file, span);
                    self.node_edges(number, &node);
                }
                None => {}
            }
        }
    }

    /// What a node of the graph needs.
    fn node_edges(&mut self, number: u32, node: &Node<'a>) {
        for input in &node.inputs {
            let Input { is_control, name, .. } = Input::parse(input);
            if let Some(source) = self.node(name) {
                self.edge(number, source, if is_control { EdgeKind::Control } else { EdgeKind::Input });
            }
        }
        self.calls(number, node);
        let shared = node.shared_name.filter(|name| *name != ANONYMOUS);
        let own_name = self.file.get(node.name.clone()).unwrap_or_default();
        if let Some(name) = shared.or_else(|| ops::makes_resource(node.op).then_some(own_name)) {
            let resource = self.resource(name);
            self.edge(number, resource, EdgeKind::Handle);
            self.handles.insert(number, resource);
        }
    }

    /// What the nodes of a function call, and the resources that they share with the graph.
    fn function_edges(&mut self, number: u32, span: Range<usize>, referring: Option<&[Field]>, node: &mut Node<'a>) {
        let file = self.file;
        match referring {
            Some(nodes) => within(nodes, &span).iter().for_each(|field| self.node_of_function(number, field, node)),
            None => fields(file, span)
                .filter(|field| field.is_len(NODE_DEF))
                .for_each(|field| self.node_of_function(number, &field, node)),
        }
    }

    fn node_of_function(&mut self, function: u32, field: &Field, node: &mut Node<'a>) {
        node.read(self.file, field.payload());
        self.calls(function, node);
        if let Some(name) = node.shared_name.filter(|name| *name != ANONYMOUS) {
            let resource = self.resource(name);
            self.edge(function, resource, EdgeKind::Handle);
        }
    }

    fn calls(&mut self, from: u32, node: &Node<'a>) {
        for name in node.functions.iter().chain([&node.op]) {
            if let Some(function) = self.functions.get(name) {
                self.edge(from, *function, EdgeKind::Calls);
            }
        }
    }

    /// The resource of a name, which is that of a node or a `shared_name`, both slices of the file.
    fn resource(&mut self, name: &'a [u8]) -> u32 {
        if let Some(resource) = self.resources.get(name) {
            return *resource;
        }
        let start = (name.as_ptr() as usize).saturating_sub(self.file.as_ptr() as usize);
        let resource = self.add(VertexKind::Resource, start..start + name.len(), 0..0, 0);
        self.resources.insert(name, resource);
        resource
    }

    /// An AssetFileDef: the node that is given the file's path needs the file.
    fn asset(&mut self, def: Range<usize>, bytes: &dyn Fn(&str) -> u64) {
        let filename = first(self.file, def.clone(), asset_file_def::FILENAME);
        let name = self.file.get(filename.clone()).unwrap_or_default();
        let known = self.assets.get(name).copied();
        let asset = known.unwrap_or_else(|| {
            let size = std::str::from_utf8(name).map(bytes).unwrap_or_default();
            self.add(VertexKind::Asset, filename, 0..0, size)
        });
        self.assets.insert(name, asset);
        self.asset_order.push(asset);
        let tensor = first(self.file, first(self.file, def, asset_file_def::TENSOR_INFO), tensor_info::NAME);
        let input = input_node(self.file.get(tensor).unwrap_or_default());
        if let Some(node) = self.node(input) {
            self.edge(node, asset, EdgeKind::File);
        }
    }

    /// The nodes of a collection that a loader runs.
    fn main_op(&self, entry: Range<usize>) -> Vec<u32> {
        let key = self.file.get(first(self.file, entry.clone(), map_entry::KEY)).unwrap_or_default();
        if !MAIN_OPS.contains(&key) {
            return Vec::new();
        }
        let values = first(self.file, first(self.file, entry, map_entry::VALUE), collection_def::NODE_LIST);
        let values = fields(self.file, values).filter(|field| field.is_len(node_list::VALUE));
        let names = values.map(|field| input_node(field.bytes(self.file)));
        names.filter_map(|name| self.node(name)).collect()
    }

    fn signature(&mut self, position: usize, entry: Range<usize>) {
        let key = self.file.get(first(self.file, entry.clone(), map_entry::KEY)).unwrap_or_default();
        let name = String::from_utf8_lossy(key).into_owned();
        let value = self.file.get(first(self.file, entry, map_entry::VALUE)).unwrap_or_default();
        let def = SignatureDef::decode(Bytes::copy_from_slice(value)).unwrap_or_default();
        let mut targets = Vec::new();
        for (infos, edge) in [(&def.outputs, EdgeKind::Output), (&def.inputs, EdgeKind::Fed)] {
            for tensor in infos.values().flat_map(tensor_names) {
                let found = self.node(input_node(tensor.as_bytes()));
                targets.extend(found.map(|node| (node, edge)));
            }
        }
        self.root(Origin::Signature(name), Some(position), targets);
    }
}

/// The names of all tensors that a TensorInfo is made of.
fn tensor_names(info: &TensorInfo) -> Vec<&str> {
    let (mut names, mut open) = (Vec::new(), vec![info]);
    while let Some(info) = open.pop() {
        match &info.encoding {
            Some(Encoding::Name(name)) => names.push(&**name),
            Some(Encoding::CooSparse(sparse)) => names.extend([
                &*sparse.values_tensor_name,
                &*sparse.indices_tensor_name,
                &*sparse.dense_shape_tensor_name,
            ]),
            Some(Encoding::CompositeTensor(composite)) => open.extend(&composite.components),
            None => {}
        }
    }
    names
}

/// The first field `number` of a message: enough for names and for what writers give once.
pub(super) fn first(file: &[u8], message: Range<usize>, number: u32) -> Range<usize> {
    first_len(file, message, number).unwrap_or_default()
}
