//! Reads a program: which functions and objects a metagraph has, and how they need each other.

use std::ops::Range;

use foldhash::HashMap;

use super::{Child, Object, Program, Vertex, position, vertex_of};
use crate::findings::facts::Facts;
use crate::findings::nodes::{Function, Node};
use crate::graph::{EdgeKind, ProgramEdges};
use crate::message::attributes::{API_IMPLEMENTS, GRADIENT_OP_TYPE};
use crate::message::number::function_def_library::{GRADIENT, REGISTERED_GRADIENTS};
use crate::message::number::meta_graph_def::OBJECT_GRAPH_DEF;
use crate::message::number::saved_object_graph::{CONCRETE_FUNCTIONS, NODES};
use crate::message::number::{gradient_def, registered_gradient};
use crate::message::{AttrValue, Entry, Message, SavedObject, saved_object};
use crate::wire::{Field, fields, first_len};

/// Gradient functions by the names that they are registered under.
type Registered<'a> = HashMap<&'a [u8], Vertex>;

impl<'a> Program<'a> {
    /// The program in a metagraph; `None` where it has no functions or more than there is room for.
    pub(in crate::findings) fn read(facts: &Facts<'a>, meta_graph: usize) -> Option<Self> {
        let file = facts.main();
        let functions: Vec<Function<'a>> = facts.functions_of(meta_graph).to_vec();
        let sections = || facts.sections(meta_graph, OBJECT_GRAPH_DEF).flat_map(|graph| fields(file, graph.payload()));
        let objects: Vec<Field> = sections().filter(|field| field.is_len(NODES)).collect();
        if functions.is_empty() {
            return None;
        }
        let mut reader = Reader {
            file,
            facts,
            by_name: (0..).zip(&functions).map(|(number, function)| (function.name, number)).collect(),
            edges: ProgramEdges::between(functions.len().saturating_add(objects.len()))?,
            functions,
            gradients: Vec::new(),
            concrete: HashMap::default(),
        };
        let registered = reader.library(meta_graph);
        reader.graph(meta_graph, &registered);
        let objects = reader.objects(&objects);
        sections().filter(|field| field.is_len(CONCRETE_FUNCTIONS)).for_each(|entry| reader.concrete_function(entry));
        let Reader { functions, by_name, edges, gradients, concrete, .. } = reader;
        let graph = edges.finish()?;
        Some(Self { file, meta_graph, functions, objects, by_name, concrete, gradients, graph })
    }
}

/// A program while it is read.
struct Reader<'f, 'a> {
    file: &'a [u8],
    facts: &'f Facts<'a>,
    functions: Vec<Function<'a>>,
    by_name: HashMap<&'a [u8], Vertex>,
    edges: ProgramEdges,
    gradients: Vec<(Vertex, Range<usize>)>,
    concrete: HashMap<Vertex, (Range<usize>, Message<'a>)>,
}

impl<'a> Reader<'_, 'a> {
    fn function(&self, name: &[u8]) -> Option<Vertex> {
        self.by_name.get(name).copied()
    }

    fn vertex_of(&self, object: u64) -> Vertex {
        vertex_of(self.functions.len(), position(object))
    }

    /// What functions need of each other. Returns the gradients that nodes look up.
    fn library(&mut self, meta_graph: usize) -> Registered<'a> {
        let registered = self.gradients(meta_graph);
        let mut stand_ins: HashMap<&[u8], (Vertex, Vertex)> = HashMap::default();
        let mut is_named = vec![false; self.functions.len()];
        let mut needs = Vec::new();
        let facts = self.facts;
        for (number, function) in (0..).zip(facts.functions_of(meta_graph)) {
            for node in facts.referring(function) {
                self.needs_of(&node, &registered, &mut needs);
                for (to, kind) in needs.drain(..) {
                    let named = is_named.get_mut(to as usize).filter(|_| kind == EdgeKind::Gradient);
                    named.into_iter().for_each(|is_named| *is_named = true);
                    self.edges.add(number, to, kind);
                }
            }
            for field in facts.attributes(function) {
                let Entry { key, value, .. } = Entry::read(self.file, field);
                let value = AttrValue::new(value).text();
                if key == API_IMPLEMENTS {
                    // A ring through all that stand in for each other.
                    let (_, last) = *stand_ins.entry(value).or_insert((number, number));
                    self.edges.add(last, number, EdgeKind::Calls);
                    stand_ins.entry(value).and_modify(|ring| ring.1 = number);
                } else if let Some(other) = self.function(value) {
                    self.edges.add(number, other, EdgeKind::Calls);
                }
            }
        }
        stand_ins.into_values().for_each(|(first, last)| self.edges.add(last, first, EdgeKind::Calls));
        let unnamed = registered.values().filter(|gradient| is_named.get(**gradient as usize) == Some(&false));
        unnamed.for_each(|gradient| self.edges.add_root(*gradient, EdgeKind::Gradient));
        registered
    }

    /// The gradients of the library: those of functions are needed by these, those that are registered by who names them.
    fn gradients(&mut self, meta_graph: usize) -> Registered<'a> {
        let file = self.file;
        let text = |range: Option<Range<usize>>| range.and_then(|range| file.get(range)).unwrap_or_default();
        let mut registered = Registered::default();
        for field in self.facts.beside_functions(meta_graph) {
            let is_registered = field.is_len(REGISTERED_GRADIENTS);
            if !is_registered && !field.is_len(GRADIENT) {
                continue;
            }
            let part = |number| text(first_len(file, field.payload(), number));
            let gradient = if is_registered { registered_gradient::GRADIENT_FUNC } else { gradient_def::GRADIENT_FUNC };
            let Some(gradient) = self.function(part(gradient)) else { continue };
            self.gradients.push((gradient, field.range()));
            if is_registered {
                registered.entry(part(registered_gradient::REGISTERED_OP_TYPE)).or_insert(gradient);
            } else if let Some(function) = self.function(part(gradient_def::FUNCTION_NAME)) {
                self.edges.add(function, gradient, EdgeKind::Calls);
            }
        }
        registered
    }

    /// Adds the functions that a node needs to `needs`, a list so that no node needs one of its own.
    fn needs_of(&self, node: &Node<'a>, registered: &Registered<'a>, needs: &mut Vec<(Vertex, EdgeKind)>) {
        let call = |name: &[u8]| self.function(name).map(|to| (to, EdgeKind::Calls));
        needs.extend(call(node.op()));
        for attribute in node.attributes() {
            let value = AttrValue::new(attribute.value);
            if attribute.key == GRADIENT_OP_TYPE {
                needs.extend(registered.get(value.text()).map(|to| (*to, EdgeKind::Gradient)));
            } else {
                value.functions(&mut |name| needs.extend(call(name)));
            }
        }
    }

    /// What the nodes of the graph itself need.
    fn graph(&mut self, meta_graph: usize, registered: &Registered<'a>) {
        let mut needs = Vec::new();
        for node in self.facts.referring_of_graph(meta_graph) {
            self.needs_of(&node, registered, &mut needs);
            needs.drain(..).for_each(|(to, kind)| self.edges.add_root(to, kind));
        }
    }

    /// Reads the objects, and what they need.
    fn objects(&mut self, nodes: &[Field]) -> Vec<Object<'a>> {
        let file = self.file;
        if !nodes.is_empty() {
            self.edges.add_root(self.vertex_of(0), EdgeKind::Holds);
        }
        let mut objects = Vec::with_capacity(nodes.len());
        for (from, field) in (self.vertex_of(0)..).zip(nodes) {
            let object = SavedObject::new(file, field.payload());
            let name = |child: &saved_object::Child| file.get(child.name.clone()).unwrap_or_default();
            let children = object.children().take(self.edges.room());
            let children: Vec<Child<'a>> =
                children.map(|child| Child { name: name(&child), vertex: self.vertex_of(child.node) }).collect();
            children.iter().for_each(|child| self.edges.add(from, child.vertex, EdgeKind::Holds));
            let kind = object.kind();
            for function in kind.functions().into_iter().filter_map(|name| self.by_name.get(name)) {
                self.edges.add(from, *function, EdgeKind::Trace);
            }
            for function in object.saveables().flatten() {
                self.edges.add(from, self.vertex_of(function), EdgeKind::Holds);
            }
            objects.push(Object { field: *field, object, children, kind });
        }
        objects
    }

    fn concrete_function(&mut self, field: Field) {
        let Entry { key, value, .. } = Entry::read(self.file, field);
        let Some(function) = self.function(key) else { return };
        for object in saved_object::bound_inputs(&value) {
            self.edges.add(function, self.vertex_of(object), EdgeKind::Captures);
        }
        self.concrete.insert(function, (field.range(), value));
    }
}
