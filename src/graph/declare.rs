//! The nodes and functions of a graph, and what most nodes need: all in one walk over the graph.
//!
//! Writers put most nodes behind what these need, and shortly behind: a list of the nodes met last, by the ends of their
//! names, has the inputs of most nodes while these are read for their own names. What such a node needs is complete
//! and in order then. Any other is read again when all names are known, with all that it may refer to ([`Declaring::late`]):
//! one with an input from farther away or from behind it, one that may name a function or share a resource, one that is a
//! resource.
//!
//! Of two nodes of one name the first counts, and guesses cannot know of a first one that is far away. So what they found
//! is led to the first ones afterwards ([`Firsts`](super::names::Firsts)), if there are such.

use std::ops::Range;

use super::builder::Builder;
use super::names::Hashes;
use super::{EdgeKind, MetaGraph, Vertex, VertexKind};
use crate::cache::hash_name;
use crate::message::number::function_def_library::FUNCTION;
use crate::message::number::graph_def::{LIBRARY, NODE};
use crate::message::{NodeDef, Plain, input_node, ops};
use crate::outline::Library;
use crate::progress::Ticks;
use crate::wire::{Field, fields};

/// How many of the nodes before one are remembered at most, as a power of two.
const CACHE_BITS: u32 = 12;

/// The nodes that were met last, by hashes of their names.
struct NodeCache<'a> {
    nodes: Vec<(&'a [u8], u32)>,
    shift: u32,
}

impl<'a> NodeCache<'a> {
    /// For a metagraph of so many bytes: of one that has few nodes there is little to remember, and there may be hundreds of
    /// thousands of these.
    fn new(bytes: usize) -> Self {
        let bits = (bytes / 16).checked_ilog2().unwrap_or_default().clamp(1, CACHE_BITS);
        Self { nodes: vec![(b"", u32::MAX); 1 << bits], shift: u64::BITS - bits }
    }

    /// The node of this name, if it is there.
    #[inline]
    fn get(&self, name: &[u8]) -> Option<u32> {
        let found = self.nodes.get(self.at(name)).filter(|(_, number)| *number != u32::MAX);
        found.filter(|(found, _)| *found == name).map(|(_, number)| *number)
    }

    #[inline]
    fn set(&mut self, name: &'a [u8], number: u32) {
        let at = self.at(name);
        self.nodes.get_mut(at).into_iter().for_each(|slot| *slot = (name, number));
    }

    #[inline]
    fn at(&self, name: &[u8]) -> usize {
        usize::try_from(hash_name(name).checked_shr(self.shift).unwrap_or_default()).unwrap_or_default()
    }
}

/// What is known while the nodes of a metagraph are declared.
pub(super) struct Declaring<'a, 'i> {
    pub(super) hashes: Hashes,
    /// The nodes and functions that are to be read when all are declared, by their numbers in order.
    pub(super) late: Vec<u32>,
    cache: NodeCache<'a>,
    /// The nodes that may refer to more than their inputs, from the next one on; `None` where any may.
    referring: Option<&'i [Field]>,
    library: &'i Library,
    ticks: Ticks<'i>,
}

impl<'i> Declaring<'_, 'i> {
    pub(super) fn new(meta_graph: &MetaGraph<'i>, ticks: Ticks<'i>) -> Self {
        let (hashes, cache) = (Hashes::new(), NodeCache::new(meta_graph.range.len()));
        Self { hashes, late: Vec::new(), cache, referring: meta_graph.referring, library: meta_graph.library, ticks }
    }

    /// Whether the node whose message is at `start` may refer to more than its inputs. Nodes are asked for in the order of the
    /// file.
    #[inline]
    fn may_refer(&mut self, start: usize) -> bool {
        let Some(referring) = &mut self.referring else { return true };
        while let Some((next, rest)) = referring.split_first().filter(|(next, _)| next.payload <= start) {
            *referring = rest;
            if next.payload == start {
                return true;
            }
        }
        false
    }
}

impl<'a> Builder<'a, '_> {
    /// Adds the nodes and functions of a GraphDef.
    pub(super) fn declare(&mut self, graph: Range<usize>, declaring: &mut Declaring<'a, '_>) {
        for field in fields(self.file, graph) {
            if field.is_len(NODE) {
                self.declare_node(&field, declaring);
            } else if field.is_len(LIBRARY) {
                for function in fields(self.file, field.payload()).filter(|field| field.is_len(FUNCTION)) {
                    self.declare_function(&function, declaring);
                }
            }
            if self.full {
                break;
            }
        }
    }

    fn declare_function(&mut self, field: &Field, declaring: &mut Declaring<'a, '_>) {
        declaring.ticks.up_to(field.start);
        // One that is beyond those in the outline is called by no name.
        let name = declaring.library.at(field.start).map_or(0..0, |function| function.name.clone());
        let number = self.add(VertexKind::Function, name.clone(), field.payload(), self.layout.span(field).bytes());
        // Of two functions of one name TensorFlow takes the later one (`FunctionLibraryDefinition::Initialize`,
        // tensorflow/core/framework/function.cc).
        self.functions.insert(self.file.get(name).unwrap_or_default(), number);
        declaring.late.push(number);
    }

    /// Adds a node, and what it needs, if that is found now.
    fn declare_node(&mut self, field: &Field, declaring: &mut Declaring<'a, '_>) {
        declaring.ticks.up_to(field.start);
        let Some(number) = self.next() else { return };
        self.edges.begin();
        let plain = Plain::read(field.bytes(self.file));
        let is_complete = !declaring.may_refer(field.payload)
            && plain.as_ref().is_some_and(|node| {
                !ops::makes_resource(node.op) && node.inputs().all(|input| self.guess(input, &declaring.cache))
            });
        if !is_complete {
            self.edges.clear_last();
            declaring.late.push(number);
        }
        let name = match &plain {
            Some(node) => field.payload + node.name_at.start..field.payload + node.name_at.end,
            None => NodeDef::read(self.file, field.payload()).name_range(),
        };
        let called = self.file.get(name.clone()).unwrap_or_default();
        let bytes = self.layout.span(field).bytes();
        self.vertices.push(Vertex { kind: VertexKind::Node, span: field.payload(), bytes, name });
        let has_colon = declaring.hashes.add(number, called);
        // What is behind the colon is no part of an input's name, so no input has such a one.
        if !has_colon {
            declaring.cache.set(called, number);
        }
    }

    /// Adds the edge to what an input of the node that was begun last is most likely to be. Whether it is.
    #[inline]
    fn guess(&mut self, input: &'a [u8], cache: &NodeCache<'a>) -> bool {
        // Most inputs are first outputs: the name and nothing else, which need not be parsed.
        let (tensor, edge) = match input {
            [b'^', name @ ..] => (name, EdgeKind::Control),
            name => (name, EdgeKind::Input),
        };
        let source = cache.get(tensor).or_else(|| {
            let name = input_node(tensor);
            if name.len() == tensor.len() { None } else { cache.get(name) }
        });
        source.inspect(|source| self.edge_of_last(*source, edge)).is_some()
    }
}
