//! The nodes and functions of a graph, and what most nodes need: all in one walk over the graph.
//!
//! Writers put most nodes behind what these need, and shortly behind: a loop over a list of nodes met last, by the ends of
//! their names, finds the inputs of most nodes while these are read for their own names. What such a node needs is complete
//! and in order then. Any other is read again when all names are known, with all that it may refer to ([`Declaring::late`]):
//! one with an input from farther away or from behind it, one that may name a function or share a resource, one that is a
//! resource.
//!
//! Of two nodes of one name the first counts, and guesses cannot know of a first one that is far away. So what they found
//! is led to the first ones afterwards ([`Firsts`](super::names::Firsts)), if there are such.

use std::ops::Range;

use super::build::{Builder, first, is_resource};
use super::names::Hashes;
use super::node::{INPUT, Input, NAME, OP, Parts};
use super::{Edge, Kind, MetaGraph, Thing};
use crate::progress::Ticks;
use crate::recent::mix_name;
use crate::wire::{Field, fields};

/// Fields of GraphDef and FunctionDefLibrary.
const NODE: u32 = 1;
const LIBRARY: u32 = 2;
const FUNCTION: u32 = 1;
/// `FunctionDef.signature`.
const SIGNATURE: u32 = 1;

/// How many of the nodes before one are remembered, as a power of two.
const RECENT_BITS: u32 = 12;

/// The nodes that were met last, by mixes of their names.
struct Recent<'a>(Vec<(&'a [u8], u32)>);

impl<'a> Recent<'a> {
    fn new() -> Self {
        Self(vec![(b"", u32::MAX); 1 << RECENT_BITS])
    }

    /// The node of this name, if it is there.
    #[inline]
    fn get(&self, name: &[u8]) -> Option<u32> {
        let found = self.0.get(Self::at(name)).filter(|(_, number)| *number != u32::MAX);
        found.filter(|(found, _)| *found == name).map(|(_, number)| *number)
    }

    #[inline]
    fn set(&mut self, name: &'a [u8], number: u32) {
        self.0.get_mut(Self::at(name)).into_iter().for_each(|slot| *slot = (name, number));
    }

    #[inline]
    fn at(name: &[u8]) -> usize {
        usize::try_from(mix_name(name) >> (u64::BITS - RECENT_BITS)).unwrap_or_default()
    }
}

/// What is known while the nodes of a metagraph are declared.
pub(super) struct Declaring<'a, 'i> {
    pub(super) hashes: Hashes,
    /// The nodes and functions that are to be read when all are declared, by their numbers in order.
    pub(super) late: Vec<u32>,
    recent: Recent<'a>,
    /// The nodes that may refer to more than their inputs, from the next one on; `None` where any may.
    referring: Option<&'i [Field]>,
    ticks: Ticks<'i>,
}

impl<'i> Declaring<'_, 'i> {
    pub(super) fn new(meta_graph: &MetaGraph<'i>, ticks: Ticks<'i>) -> Self {
        let (hashes, recent) = (Hashes::new(), Recent::new());
        Self { hashes, late: Vec::new(), recent, referring: meta_graph.referring, ticks }
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
        let name = first(self.file, first(self.file, field.payload(), SIGNATURE), 1);
        let number = self.add(Kind::Function, name.clone(), field.payload(), self.layout.span(field).bytes());
        self.functions.entry(self.file.get(name).unwrap_or_default()).or_insert(number);
        declaring.late.push(number);
    }

    /// Adds a node, and what it needs, if that is found now.
    fn declare_node(&mut self, field: &Field, declaring: &mut Declaring<'a, '_>) {
        declaring.ticks.up_to(field.start);
        let Some(number) = self.next() else { return };
        self.edges.begin();
        let span = field.payload();
        let (mut name, mut op) = (None, &[][..]);
        let mut is_complete = !declaring.may_refer(span.start);
        let mut parts = Parts::new(self.file, span.clone());
        while let Some((number, is_len, payload)) = parts.next() {
            match number {
                NAME if is_len && name.is_none() => name = Some((payload, parts.place_of(payload))),
                OP => op = payload,
                INPUT => is_complete = is_complete && self.guess(payload, &declaring.recent),
                _ => {}
            }
        }
        if !is_complete || is_resource(op) {
            self.edges.clear_last();
            declaring.late.push(number);
        }
        let (name, place) = name.unwrap_or_default();
        self.things.push(Thing { kind: Kind::Node, span, bytes: self.layout.span(field).bytes(), name: place });
        let has_colon = declaring.hashes.add(number, name);
        // What is behind the colon is no part of an input's name, so no input has such a one.
        if !has_colon {
            declaring.recent.set(name, number);
        }
    }

    /// Adds the edge to what an input of the node that was begun last is most likely to be. Whether it is.
    #[inline]
    fn guess(&mut self, input: &'a [u8], recent: &Recent<'a>) -> bool {
        // Most inputs are first outputs: the name and nothing else, which need not be parsed.
        let (tensor, edge) = input.strip_prefix(b"^").map_or((input, Edge::Input), |name| (name, Edge::Control));
        let source = recent.get(tensor).or_else(|| {
            let name = Input::parse(tensor).name;
            if name.len() == tensor.len() { None } else { recent.get(name) }
        });
        source.inspect(|source| self.edge_of_last(*source, edge)).is_some()
    }
}
