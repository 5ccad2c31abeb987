//! One pass over a model: its elements are compared with those of earlier metagraphs, and payloads are noted on the way.

use std::ops::Range;

use bytes::Bytes;
use foldhash::HashMap;

use super::Place;
use super::elements::{self, Element, ElementKind};
use super::originals::Originals;
use super::payloads::{self, FoundPayload, PayloadKind, Search};
use super::saver_names::SaverNames;
use super::source::{IndexCrc, Open, Payload, Sources};
use super::structure::{self, Noted, Structure};
use crate::checkpoint::{Checkpoint, v1};
use crate::identity::{FileId, FunctionId, MetaGraphId, NodeRef, TensorId};
use crate::message::number::{function_def, graph_def, meta_graph_def};
use crate::outline::MAX_FUNCTIONS;
use crate::progress::{Step, Ticks, Work};
use crate::wire::{Field, Layout, fields};

/// What is searched for duplicates.
pub struct Inputs<'a> {
    /// The model's main file.
    pub main_file: Option<MainFile<'a>>,
    /// The checkpoint.
    pub checkpoint: Option<&'a Checkpoint>,
    /// The files under `assets/` and `assets.extra/`, with their names and sizes.
    pub assets: &'a [(FileId, &'a str, u64)],
    /// The smallest payload that is compared.
    pub min_duplicate: u64,
    /// Whether it is to be said which bytes are redundant, and which one value throughout.
    pub marks: bool,
    /// Who it is reported to how far it is.
    pub work: &'a Work<'a>,
    /// How a file is opened. Only files that hold candidates are.
    pub open: Open<'a>,
}

/// The model's main file as it is searched.
#[derive(Clone, Copy)]
pub struct MainFile<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its SavedModel in wire format.
    pub bytes: &'a Bytes,
    /// Which part of the file each field of `bytes` is.
    pub layout: &'a Layout,
    /// The metagraphs in `bytes`.
    pub meta_graphs: &'a [Field],
}

/// What the pass found.
pub(super) struct Collected<'a> {
    pub(super) inputs: &'a Inputs<'a>,
    pub(super) sources: Sources<'a>,
    /// In the order in which the first of equal ones is kept: the checkpoint, the metagraphs, the assets.
    pub(super) payloads: Vec<Payload>,
    pub(super) tallies: Vec<Tally>,
    /// The functions of all metagraphs, in order, those that repeat an earlier metagraph's included.
    pub(super) functions: Vec<Function>,
    /// For each of these its structure, and what was noted when it was read.
    pub(super) structures: Vec<(Structure, Noted)>,
    /// Ranges of the main file that are redundant elements, in order, neighbours joined.
    pub(super) redundant_elements: Vec<Range<u64>>,
}

/// The elements of one kind in one metagraph: those that an earlier metagraph has, and the others.
#[derive(Debug, Clone)]
pub(super) struct Tally {
    pub(super) meta_graph: u32,
    pub(super) kind: ElementKind,
    /// The metagraph that has them first; `None` for those that are its own.
    pub(super) original: Option<u32>,
    pub(super) count: u64,
    pub(super) bytes: u64,
    /// Of own ones the payloads of the largest and what these take in the file, largest first.
    pub(super) largest: Vec<(u64, Range<usize>)>,
}

/// How many of the largest elements of a kind are remembered for their names.
const LARGEST: usize = 5;

/// A function of a library.
#[derive(Debug, Clone)]
pub(super) struct Function {
    pub(super) meta_graph: u32,
    /// Where its field begins, before its payload.
    pub(super) start: usize,
    pub(super) payload: Range<usize>,
    /// What it takes in the file, tag and length included.
    pub(super) bytes: u64,
    /// The metagraph that has it first, if that is an earlier one.
    pub(super) original: Option<u32>,
}

impl<'a> Collected<'a> {
    pub(super) fn new(inputs: &'a Inputs<'a>) -> Self {
        Self {
            inputs,
            sources: Sources::new(inputs.open),
            payloads: Vec::new(),
            tallies: Vec::new(),
            functions: Vec::new(),
            structures: Vec::new(),
            redundant_elements: Vec::new(),
        }
    }

    /// The tensors by shard and offset, each range once: see [`Checkpoint::ranges`].
    pub(super) fn checkpoint(&mut self) {
        let Some(checkpoint) = self.inputs.checkpoint else { return };
        let mut sources: HashMap<usize, usize> = HashMap::default();
        for (index, shard, range) in checkpoint.ranges() {
            let file = *sources.entry(shard).or_insert_with(|| {
                let path = checkpoint.files.get(shard).map_or("", |file| &file.path);
                self.sources.add(path)
            });
            if range.end - range.start >= self.inputs.min_duplicate {
                let (kind, place) = (PayloadKind::Variable, Place::Tensor(TensorId::at(index)));
                let crc = checkpoint.bundle.tensors.get(index).map(IndexCrc::of);
                let taken = range.clone();
                self.payloads.push(Payload { kind, place, file, range, taken, unpacked: None, crc, in_element: false });
            }
        }
    }

    /// The tensors of a V1 checkpoint, as constants are: by the elements in the TensorProto that each value is. What is in
    /// a compressed block is nowhere in the file as it is, so it has no extent and is not compared.
    pub(super) fn tables(&mut self) {
        let Some(checkpoint) = self.inputs.checkpoint else { return };
        let large = |range: &Range<u64>| range.end.saturating_sub(range.start) >= self.inputs.min_duplicate;
        for (_, file) in checkpoint.tables() {
            let values = file.extents.iter().filter(|extent| large(&extent.range));
            let mut values = values.filter_map(|extent| Some((extent.tensor?, &extent.range))).peekable();
            if values.peek().is_none() {
                continue;
            }
            let source = self.sources.add(&file.path);
            let Some(table) = self.sources.bytes(source) else { continue };
            let least = usize::try_from(self.inputs.min_duplicate).unwrap_or(usize::MAX);
            let search = Search { file: &table, layout: &Layout::Wire, least };
            for (index, value) in values {
                let elements = v1::tensor_proto(&table, value).unwrap_or_default();
                search.of_tensor(elements, &mut |FoundPayload { range, taken, unpacked, .. }| {
                    let (kind, place) = (PayloadKind::Variable, Place::Tensor(TensorId::at(index)));
                    let range = range.start as u64..range.end as u64;
                    let (file, crc, in_element) = (source, None, false);
                    let payload = Payload { kind, place, file, range, taken, unpacked, crc, in_element };
                    if payload.content_len() >= self.inputs.min_duplicate {
                        self.payloads.push(payload);
                    }
                });
            }
        }
    }

    /// Elements and payloads of the main file. A walk over all functions for the few nodes that are large would take as long as
    /// one for their structure, so reading that notes which functions have some.
    pub(super) fn main_file(&mut self, main_file: MainFile<'_>) {
        let MainFile { name, bytes, layout, .. } = main_file;
        let least = usize::try_from(self.inputs.min_duplicate).unwrap_or(usize::MAX);
        let (search, source) = (Search { file: bytes, layout, least }, self.sources.add(name));
        let before = self.payloads.len();
        let libraries = self.meta_graphs(main_file, search, source);
        let comparing = self.inputs.work.begin(Step::ComparingFunctions, bytes.len() as u64);
        self.structures = structure::structures(bytes, &libraries, least, &comparing).into_iter().flatten().collect();
        let of_graphs = self.payloads.len();
        self.function_nodes(search, source);
        if self.payloads.len() > of_graphs {
            // Those of one metagraph's functions were found behind those of the next one's graph.
            self.payloads.get_mut(before..).unwrap_or_default().sort_by_key(|payload| payload.range.start);
        }
    }

    /// The elements of the metagraphs, and the payloads in the nodes of their graphs. Returns the functions of each.
    fn meta_graphs(&mut self, main_file: MainFile<'_>, search: Search<'_>, source: usize) -> Vec<Vec<Range<usize>>> {
        let MainFile { bytes, meta_graphs, .. } = main_file;
        let comparing = self.inputs.work.begin(Step::ComparingMetaGraphs, bytes.len() as u64);
        let mut ticks = Ticks::new(&comparing, 0);
        let mut originals = Originals::default();
        let mut libraries = Vec::new();
        for (index, meta_graph) in (0..).zip(meta_graphs) {
            originals.begin();
            // The last metagraph is no original for any other.
            let is_last = index as usize + 1 == meta_graphs.len();
            let (tallies, by_key, library) = (Vec::new(), HashMap::default(), Vec::new());
            let graphs = fields(bytes, meta_graph.payload()).filter(|field| field.is_len(meta_graph_def::GRAPH_DEF));
            let names = SaverNames::new(bytes, graphs.map(|graph| graph.payload()).collect(), graph_def::NODE);
            let mut pass = MetaGraphPass { search, source, index, names, tallies, by_key, last: [0; 2], library };
            elements::each(bytes, meta_graph.payload(), |element| {
                ticks.up_to(element.field.start);
                let original = originals.of(bytes, &element);
                self.element(&mut pass, element, original);
                if original.is_none() && !is_last {
                    originals.add(bytes, index, &element);
                }
            });
            self.tallies.extend(pass.tallies);
            libraries.push(pass.library);
        }
        libraries
    }

    fn element(&mut self, pass: &mut MetaGraphPass<'_>, element: Element, original: Option<u32>) {
        let Search { layout, least, .. } = pass.search;
        pass.tally(&element, original);
        if element.kind == ElementKind::Function && self.functions.len() < MAX_FUNCTIONS {
            self.function(pass, &element, original);
        }
        if original.is_some() && self.inputs.marks {
            self.redundant(layout.span(&element.field).range());
        }
        let payload = element.field.payload();
        if element.kind == ElementKind::Node && payload.len() >= least {
            let inside = NodeIn { meta_graph: pass.index, function: None, in_element: original.is_some() };
            self.node(pass.search, pass.source, payload, &inside, &pass.names);
        }
    }

    fn function(&mut self, pass: &mut MetaGraphPass<'_>, element: &Element, original: Option<u32>) {
        let (start, payload) = (element.field.start, element.field.payload());
        pass.library.push(payload.clone());
        let bytes = element.bytes(pass.search.layout);
        self.functions.push(Function { meta_graph: pass.index, start, payload, bytes, original });
    }

    /// The payloads in the nodes of functions.
    fn function_nodes(&mut self, search: Search<'_>, source: usize) {
        let has_large = |(_, (_, noted)): &(usize, &(Structure, Noted))| noted.large_nodes;
        let with_large: Vec<usize> =
            self.structures.iter().enumerate().filter(has_large).map(|(position, _)| position).collect();
        for position in with_large {
            let Some(Function { meta_graph, payload, original, .. }) = self.functions.get(position).cloned() else {
                break;
            };
            let function = Some(FunctionId::at(position));
            let inside = NodeIn { meta_graph, function, in_element: original.is_some() };
            let names = SaverNames::new(search.file, vec![payload.clone()], function_def::NODE_DEF);
            let nodes = fields(search.file, payload).filter(|field| field.is_len(function_def::NODE_DEF));
            for node in nodes.filter(|node| node.payload().len() >= search.least) {
                self.node(search, source, node.payload(), &inside, &names);
            }
        }
    }

    /// The payloads of a node, but for the names that it has for a saver.
    fn node(&mut self, search: Search<'_>, source: usize, node: Range<usize>, inside: &NodeIn, names: &SaverNames<'_>) {
        let name = payloads::node_name(search.file, node.clone());
        let meta_graph = MetaGraphId(inside.meta_graph);
        let place = Place::Node(NodeRef { meta_graph, start: node.start, end: node.end }, inside.function);
        search.of_node(node, &mut |FoundPayload { kind, range, taken, unpacked, strings }| {
            if strings && names.has(search.file.get(name.clone()).unwrap_or_default()) {
                return;
            }
            let in_element = inside.in_element;
            let range = range.start as u64..range.end as u64;
            let payload = Payload { kind, place, file: source, range, taken, unpacked, crc: None, in_element };
            if payload.content_len() >= self.inputs.min_duplicate {
                self.payloads.push(payload);
            }
        });
    }

    pub(super) fn assets(&mut self) {
        for (id, name, bytes) in self.inputs.assets {
            let file = self.sources.add(name);
            if *bytes > 0 && *bytes >= self.inputs.min_duplicate {
                let (kind, place) = (PayloadKind::Asset, Place::File(*id));
                self.payloads.push(Payload {
                    kind,
                    place,
                    file,
                    range: 0..*bytes,
                    taken: 0..*bytes,
                    unpacked: None,
                    crc: None,
                    in_element: false,
                });
            }
        }
    }

    fn redundant(&mut self, range: Range<u64>) {
        match self.redundant_elements.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ => self.redundant_elements.push(range),
        }
    }
}

/// The metagraph that is being gone through.
struct MetaGraphPass<'f> {
    search: Search<'f>,
    source: usize,
    index: u32,
    /// The nodes of its graph that hold names for savers.
    names: SaverNames<'f>,
    tallies: Vec<Tally>,
    /// Where the tally of some kind and original is.
    by_key: HashMap<(ElementKind, Option<u32>), usize>,
    /// Where the last tallies were, of own elements and of repeated ones: mostly the next ones are there as well.
    last: [usize; 2],
    /// Its functions.
    library: Vec<Range<usize>>,
}

/// What a node is in.
struct NodeIn {
    meta_graph: u32,
    /// Its function; `None` in the graph itself.
    function: Option<FunctionId>,
    /// Whether that, or the node itself, is redundant as a whole.
    in_element: bool,
}

impl MetaGraphPass<'_> {
    fn tally(&mut self, element: &Element, original: Option<u32>) {
        let key = (element.kind, original);
        let [own, repeated] = self.last;
        let last = if original.is_none() { own } else { repeated };
        let at = if self.tallies.get(last).is_some_and(|tally| tally.key() == key) { last } else { self.find(key) };
        let bytes = element.bytes(self.search.layout);
        self.tallies.get_mut(at).into_iter().for_each(|tally| tally.add(bytes, element));
    }

    /// Where the tally is, which is there from now on.
    fn find(&mut self, key: (ElementKind, Option<u32>)) -> usize {
        let Self { tallies, by_key, last: [own, repeated], .. } = self;
        let (kind, original) = key;
        let at = *by_key.entry(key).or_insert_with(|| {
            tallies.push(Tally { meta_graph: self.index, kind, original, count: 0, bytes: 0, largest: Vec::new() });
            tallies.len() - 1
        });
        *if original.is_none() { own } else { repeated } = at;
        at
    }
}

impl Tally {
    fn key(&self) -> (ElementKind, Option<u32>) {
        (self.kind, self.original)
    }

    /// Counts an element, and keeps it if it is among the largest.
    fn add(&mut self, bytes: u64, element: &Element) {
        self.count += 1;
        self.bytes += bytes;
        if self.original.is_some() {
            return;
        }
        if self.largest.len() < LARGEST || self.largest.last().is_some_and(|smallest| smallest.0 < bytes) {
            let position = self.largest.partition_point(|other| other.0 >= bytes);
            self.largest.insert(position, (bytes, element.field.payload()));
            self.largest.truncate(LARGEST);
        }
    }
}
