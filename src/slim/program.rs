//! One metagraph of a main file as it is rewritten: its nodes and functions by name, and what each names.
//!
//! What a node *names* is more than what it needs to run: a graph that names what is not there cannot be imported
//! (`tensorflow/core/common_runtime/graph_constructor.cc`). So inputs of both kinds count, functions of attributes, the nodes
//! that `_class` wants it beside, and any string of an attribute that is the name of a function.

mod collections;
pub(super) mod reach;

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use crate::message::attributes::{API_IMPLEMENTS, PAIRED};
use crate::message::number::function_def::NODE_DEF;
use crate::message::number::function_def_library::{FUNCTION, GRADIENT, REGISTERED_GRADIENTS};
use crate::message::number::graph_def::{LIBRARY, NODE};
use crate::message::number::meta_graph_def::{GRAPH_DEF, OBJECT_GRAPH_DEF};
use crate::message::number::saved_model::META_GRAPHS;
use crate::message::number::{gradient_def, registered_gradient, saved_object_graph};
use crate::message::{AttrValue, Entry, FunctionDef, Message, NodeDef, SavedObject, Signature, ops};
use crate::wire::{Field, WireType, fields};
use collections::Collections;

/// A field and those that it is within, the outermost first.
#[derive(Debug, Clone, Copy)]
pub(super) struct Placed<const DEPTH: usize> {
    pub(super) within: [Field; DEPTH],
    pub(super) field: Field,
}

impl<const DEPTH: usize> Placed<DEPTH> {
    /// The path to what is directly within the field.
    pub(super) fn path(&self) -> Vec<Field> {
        self.within.iter().copied().chain([self.field]).collect()
    }
}

/// A node of the graph.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node<'f> {
    pub(super) at: Placed<2>,
    pub(super) def: NodeDef<'f>,
}

/// A function of the library.
#[derive(Debug, Clone, Copy)]
pub(super) struct Function<'f> {
    pub(super) at: Placed<3>,
    pub(super) name: &'f [u8],
}

/// A field of the library that is no function.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gradient<'f> {
    pub(super) at: Placed<3>,
    /// The function that is differentiated; empty of a registered gradient.
    pub(super) of: &'f [u8],
    /// The function that is its gradient.
    pub(super) by: &'f [u8],
    /// The name that it is registered for; empty of one that is for a function.
    pub(super) name: &'f [u8],
}

impl Gradient<'_> {
    /// Whether it is registered for a name, and not for a function.
    pub(super) fn is_registered(&self) -> bool {
        self.at.field.is_len(REGISTERED_GRADIENTS)
    }
}

/// A node or a function: the nodes first, then the functions.
pub(super) type Vertex = usize;

/// A metagraph.
#[derive(Debug)]
pub(super) struct Program<'f> {
    pub(super) file: &'f [u8],
    /// The MetaGraphDef.
    pub(super) meta: Field,
    pub(super) nodes: Vec<Node<'f>>,
    pub(super) functions: Vec<Function<'f>>,
    pub(super) gradients: Vec<Gradient<'f>>,
    pub(super) collections: Collections,
    node_by_name: HashMap<&'f [u8], Vertex>,
    function_by_name: HashMap<&'f [u8], Vertex>,
    /// The functions of each interface, with the kind that each is of.
    partners: HashMap<&'f [u8], Vec<(Vertex, Option<usize>)>>,
    /// What a collection says of a variable, by the variable.
    definitions: HashMap<Vertex, Vec<usize>>,
    /// The functions that are registered as gradients.
    registered: HashSet<&'f [u8]>,
    /// The names that they are registered for.
    names_of_gradients: HashSet<&'f [u8]>,
    /// The gradients of a function.
    derived: HashMap<&'f [u8], Vec<&'f [u8]>>,
    /// The functions that are gradients of others.
    derivatives: HashSet<&'f [u8]>,
}

/// Why a metagraph is left as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Odd {
    #[error("two nodes of one name")]
    Nodes,
    #[error("two functions of one name")]
    Functions,
}

/// The metagraphs of a main file.
pub(super) fn programs(file: &[u8]) -> Result<Vec<Program<'_>>, Odd> {
    fields(file, 0..file.len())
        .filter(|field| field.is_len(META_GRAPHS))
        .map(|meta| Program::read(file, meta))
        .collect()
}

impl<'f> Program<'f> {
    fn read(file: &'f [u8], meta: Field) -> Result<Self, Odd> {
        let mut program = Self {
            file,
            meta,
            nodes: Vec::new(),
            functions: Vec::new(),
            gradients: Vec::new(),
            collections: Collections::default(),
            node_by_name: HashMap::new(),
            function_by_name: HashMap::new(),
            partners: HashMap::new(),
            definitions: HashMap::new(),
            registered: HashSet::new(),
            names_of_gradients: HashSet::new(),
            derived: HashMap::new(),
            derivatives: HashSet::new(),
        };
        for graph in program.sections(GRAPH_DEF) {
            for field in fields(file, graph.payload()) {
                if field.is_len(NODE) {
                    let at = Placed { within: [meta, graph], field };
                    program.nodes.push(Node { at, def: NodeDef::read(file, field.payload()) });
                } else if field.is_len(LIBRARY) {
                    fields(file, field.payload()).for_each(|inner| program.library([meta, graph, field], inner));
                }
            }
        }
        let nodes = program.nodes.len();
        for (vertex, node) in program.nodes.iter().enumerate() {
            if program.node_by_name.insert(node.def.name(), vertex).is_some() {
                return Err(Odd::Nodes);
            }
        }
        for (vertex, function) in (nodes..).zip(&program.functions) {
            if program.function_by_name.insert(function.name, vertex).is_some() {
                return Err(Odd::Functions);
            }
            if let Some(interface) = program.interface(function) {
                let kind = program.kind(function);
                program.partners.entry(interface).or_default().push((vertex, kind));
            }
        }
        for gradient in &program.gradients {
            if gradient.is_registered() {
                program.registered.insert(gradient.by);
                program.names_of_gradients.insert(gradient.name);
            } else {
                program.derived.entry(gradient.of).or_default().push(gradient.by);
                program.derivatives.insert(gradient.by);
            }
        }
        program.collections = Collections::read(&program);
        for (position, definition) in program.collections.definitions.iter().enumerate() {
            for variable in &definition.variables {
                program.definitions.entry(*variable).or_default().push(position);
            }
        }
        Ok(program)
    }

    fn library(&mut self, within: [Field; 3], field: Field) {
        let (file, at) = (self.file, Placed { within, field });
        let text = |number| Message::new(file, field.payload()).bytes(number);
        if field.is_len(FUNCTION) {
            self.functions.push(Function { at, name: Signature::find(file, field.payload()).name() });
        } else if field.is_len(GRADIENT) {
            let (of, by) = (text(gradient_def::FUNCTION_NAME), text(gradient_def::GRADIENT_FUNC));
            self.gradients.push(Gradient { at, of, by, name: &[] });
        } else if field.is_len(REGISTERED_GRADIENTS) {
            let (by, name) = (text(registered_gradient::GRADIENT_FUNC), text(registered_gradient::REGISTERED_OP_TYPE));
            self.gradients.push(Gradient { at, of: &[], by, name });
        }
    }

    /// The fields of the MetaGraphDef of this number, a message's.
    pub(super) fn sections(&self, number: u32) -> Vec<Field> {
        fields(self.file, self.meta.payload()).filter(|field| field.is_len(number)).collect()
    }

    /// Whether a collection says of a variable what it is.
    pub(super) fn is_defined(&self, variable: Vertex) -> bool {
        self.definitions.contains_key(&variable)
    }

    /// The node of this name.
    pub(super) fn node(&self, name: &[u8]) -> Option<Vertex> {
        self.node_by_name.get(name).copied()
    }

    /// The function of this name.
    pub(super) fn function(&self, name: &[u8]) -> Option<Vertex> {
        self.function_by_name.get(name).copied()
    }

    /// The function of this name, by its position among functions.
    pub(super) fn function_number(&self, name: &[u8]) -> Option<usize> {
        self.function(name).and_then(|vertex| vertex.checked_sub(self.nodes.len()))
    }

    /// The functions of each interface, by their positions among functions, in the order of the first of each.
    pub(super) fn interfaces(&self) -> Vec<Vec<usize>> {
        let position = |(vertex, _): &(Vertex, _)| vertex.saturating_sub(self.nodes.len());
        let mut interfaces: Vec<Vec<usize>> =
            self.partners.values().map(|members| members.iter().map(position).collect()).collect();
        interfaces.sort_unstable();
        interfaces
    }

    /// Whether the name of a call's gradient is one that its tracer has counted, and says nothing: a loader gives it another, that of
    /// the function which is called (`tensorflow/python/saved_model/function_deserialization.py`).
    pub(super) fn is_counted(&self, gradient: &[u8]) -> bool {
        let count = ops::CALLS.iter().find_map(|op| gradient.strip_prefix(*op)?.strip_prefix(b"-"));
        let is_number = count.is_some_and(|count| !count.is_empty() && count.iter().all(u8::is_ascii_digit));
        is_number && !self.names_of_gradients.contains(gradient)
    }

    /// Whether a function is a part of a gradient, or has one of its own.
    pub(super) fn is_of_gradient(&self, function: &Function<'f>) -> bool {
        self.kind(function).is_some()
            || self.registered.contains(function.name)
            || self.derived.contains_key(function.name)
            || self.derivatives.contains(function.name)
    }

    /// How many nodes and functions there are.
    pub(super) fn vertices(&self) -> usize {
        self.nodes.len().saturating_add(self.functions.len())
    }

    fn attributes(&self, function: &Function<'f>) -> Vec<Entry<'f>> {
        FunctionDef::new(self.file, function.at.field.payload()).attributes()
    }

    fn interface(&self, function: &Function<'f>) -> Option<&'f [u8]> {
        let attributes = self.attributes(function);
        let interface = attributes.into_iter().find(|entry| entry.key == API_IMPLEMENTS)?;
        Some(AttrValue::new(interface.value).text())
    }

    /// Which of the kinds that training distinguishes a function is of: neither forward nor backward, or which.
    fn kind(&self, function: &Function<'f>) -> Option<usize> {
        let attributes = self.attributes(function);
        PAIRED.iter().position(|key| attributes.iter().any(|entry| entry.key == *key))
    }

    /// For each function that one node of the graph names, and nothing else does, that node.
    pub(super) fn only_callers(&self) -> HashMap<&'f [u8], Vertex> {
        // `None` of those that are named elsewhere as well.
        let mut callers: HashMap<&'f [u8], Option<Vertex>> = HashMap::new();
        let names = |def: &NodeDef<'f>| {
            let mut names = vec![def.op()];
            for Entry { value, .. } in def.attributes() {
                AttrValue::new(value).functions(&mut |function| names.push(function));
            }
            names
        };
        for (vertex, node) in self.nodes.iter().enumerate() {
            for name in names(&node.def) {
                let caller = callers.entry(name).or_insert(Some(vertex));
                *caller = caller.filter(|caller| *caller == vertex);
            }
        }
        let mut elsewhere = |name: &'f [u8]| _ = callers.insert(name, None);
        for function in &self.functions {
            let nodes = fields(self.file, function.at.field.payload()).filter(|field| field.is_len(NODE_DEF));
            nodes.flat_map(|field| names(&NodeDef::read(self.file, field.payload()))).for_each(&mut elsewhere);
        }
        for field in self.sections(OBJECT_GRAPH_DEF).iter().flat_map(|section| fields(self.file, section.payload())) {
            if field.is_len(saved_object_graph::NODES) {
                let kind = SavedObject::new(self.file, field.payload()).kind();
                kind.functions().into_iter().for_each(&mut elsewhere);
            } else if field.is_len(saved_object_graph::CONCRETE_FUNCTIONS) {
                elsewhere(Entry::read(self.file, field).key);
            }
        }
        callers.into_iter().filter_map(|(name, caller)| Some((name, caller?))).collect()
    }
}

/// Gives to `visit` every string of a message that may be one, those of messages in it included.
pub(super) fn texts(file: &[u8], range: Range<usize>, visit: &mut dyn FnMut(&[u8])) {
    let mut open = vec![(range, 0_u32)];
    while let Some((range, depth)) = open.pop() {
        for field in fields(file, range).filter(|field| field.wire_type == WireType::Len) {
            visit(field.bytes(file));
            if depth < DEEPEST {
                open.push((field.payload(), depth.saturating_add(1)));
            }
        }
    }
}

/// A message of a collection or a signature is not deeper: a TensorInfo in a composite one in a map.
const DEEPEST: u32 = 8;
