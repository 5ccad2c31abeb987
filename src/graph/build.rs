//! One metagraph as vertices and edges: nodes, functions and resources of its graph, its assets, and its roots.

use std::ops::Range;

use foldhash::HashMap;

use super::builder::{Builder, first};
use super::declare::Declaring;
use super::edges;
use super::keys::Keys;
use super::names::NodeNames;
use super::node::Node;
use super::vertices::Vertices;
use super::{EdgeKind, Inputs, MetaGraph, MetaGraphReach, Origin, Vertex, VertexKind, objects, restore};
use crate::message::number::collection_def::node_list;
use crate::message::number::function_def::NODE_DEF;
use crate::message::number::meta_graph_def::{ASSET_FILE_DEF, COLLECTION_DEF, GRAPH_DEF, OBJECT_GRAPH_DEF, SAVER_DEF};
use crate::message::number::{asset_file_def, collection_def, map_entry, tensor_info};
use crate::message::{Input, input_node, ops};
use crate::outline::Signature;
use crate::outline::within;
use crate::progress::Ticks;
use crate::proto::TensorInfo;
use crate::proto::tensor_info::Encoding;
use crate::wire::{Field, fields};

/// The most `saver_def` fields of a metagraph that are read; writers make one.
const MAX_SAVERS: usize = 1 << 10;

/// The most slices that whole variables are restored from, over all resources and objects of a metagraph.
const MAX_SLICES: usize = 1 << 20;

/// The collections of nodes that a loader runs (`tensorflow/python/saved_model/constants.py`).
const MAIN_OPS: [&[u8]; 3] = [b"saved_model_main_op", b"legacy_init_op", b"saved_model_init_op"];

/// What TensorFlow writes for `shared_name` where nothing is shared.
const ANONYMOUS: &[u8] = b"cd2c89b7-88b7-44c8-ad83-06c2a9158347";

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
        edges: edges::FoundEdges::default(),
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
        slices_left: MAX_SLICES,
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
    sections(ASSET_FILE_DEF).take(meta_graph.assets).for_each(|asset| builder.asset(asset, inputs.asset_bytes));
    let mut main_ops = Vec::new();
    sections(COLLECTION_DEF).for_each(|entry| main_ops.extend(builder.main_op(entry)));
    meta_graph.signatures.iter().enumerate().for_each(|(position, signature)| builder.signature(position, signature));
    if !main_ops.is_empty() {
        let targets = main_ops.into_iter().map(|node| (node, EdgeKind::Runs)).collect();
        builder.root(Origin::MainOp, None, targets);
    }
    // protobuf takes the `saver_def` fields for one, which has one restore op.
    let savers: Vec<Range<usize>> = sections(SAVER_DEF).take(MAX_SAVERS).collect();
    let restored = restore::restore(&mut builder, savers);
    restore::prepare(&mut builder, &restored);
    let object_graphs: Vec<_> = sections(OBJECT_GRAPH_DEF).filter(|_| meta_graph.objects).collect();
    let objects = objects::objects(&mut builder, &object_graphs);
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

    fn signature(&mut self, position: usize, signature: &Signature) {
        let Signature { name, inputs, outputs, .. } = signature;
        let mut targets = Vec::new();
        for (infos, edge) in [(outputs, EdgeKind::Output), (inputs, EdgeKind::Fed)] {
            for tensor in infos.iter().flat_map(|(_, info)| tensor_names(info)) {
                let found = self.node(input_node(tensor.as_bytes()));
                targets.extend(found.map(|node| (node, edge)));
            }
        }
        self.root(Origin::Signature(name.clone()), Some(position), targets);
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
