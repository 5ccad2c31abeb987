//! What of a metagraph is reached from what loaders and callers ask for, for some reasons and without some edges.

use std::collections::{HashMap, HashSet};

use super::collections::Definition;
use super::{Function, Program, Vertex, texts};
use crate::message::attributes::BESIDE;
use crate::message::number::attr_value::{LIST, S, list_value};
use crate::message::number::function_def::NODE_DEF;
use crate::message::number::meta_graph_def::{ASSET_FILE_DEF, OBJECT_GRAPH_DEF, SAVER_DEF, SIGNATURE_DEF};
use crate::message::number::saved_object_graph;
use crate::message::number::saver_def::{FILENAME_TENSOR_NAME, RESTORE_OP_NAME, SAVE_TENSOR_NAME};
use crate::message::{AttrValue, Entry, Input, NodeDef, SavedObject, input_node, ops};
use crate::wire::fields;

/// What counts as a reason to keep something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::slim) struct Reasons {
    /// The tensor that the saver runs to save.
    pub(in crate::slim) saves: bool,
    /// Gradients that are registered, and functions that only training calls.
    pub(in crate::slim) trains: bool,
    /// What collections say of variables that are kept: how these are initialized.
    pub(in crate::slim) defines: bool,
}

impl Reasons {
    /// All of them.
    pub(in crate::slim) const ALL: Self = Self { saves: true, trains: true, defines: true };
}

impl Program<'_> {
    /// What is reached for these reasons.
    pub(in crate::slim) fn reach(&self, reasons: Reasons) -> Reached {
        self.reach_but(reasons, &Cuts::default(), None)
    }

    /// What is reached for these reasons without what is cut. What was not reached `before` is no other step's to take away, so
    /// it stays with all that it names.
    pub(in crate::slim) fn reach_but(&self, reasons: Reasons, cuts: &Cuts, before: Option<&Reached>) -> Reached {
        let reached = Reached(vec![false; self.vertices()]);
        let (open, defined, partners) = (Vec::new(), HashSet::new(), HashSet::new());
        let mut walk = Walk { program: self, reasons, cuts, reached, open, defined, partners };
        walk.roots();
        if let Some(before) = before {
            (0..self.vertices()).filter(|vertex| !before.has(*vertex)).for_each(|vertex| walk.add(Some(vertex)));
        }
        walk.go();
        walk.reached
    }
}

/// What is not followed.
#[derive(Debug, Clone, Default)]
pub(in crate::slim) struct Cuts {
    /// Nodes that a group may run and need not.
    pub(in crate::slim) run: HashSet<Vertex>,
    /// Inputs of calls that need not be given: by the node, their positions among its tensors.
    pub(in crate::slim) given: HashMap<Vertex, HashSet<usize>>,
    /// Fields of signatures and objects that give no roots, by where they start.
    pub(in crate::slim) roots: HashSet<usize>,
    /// Functions that objects are no reason to keep, by name.
    pub(in crate::slim) functions: HashSet<Vec<u8>>,
}

impl Cuts {
    fn has_run(&self, def: &NodeDef<'_>, vertex: Vertex) -> bool {
        def.op() == ops::GROUP && self.run.contains(&vertex)
    }
}

/// Which nodes and functions are reached.
#[derive(Debug, Clone)]
pub(in crate::slim) struct Reached(Vec<bool>);

impl Reached {
    pub(in crate::slim) fn has(&self, vertex: Vertex) -> bool {
        self.0.get(vertex).is_some_and(|reached| *reached)
    }
}

/// A walk from what is needed to all that it names.
struct Walk<'p, 'f> {
    program: &'p Program<'f>,
    reasons: Reasons,
    cuts: &'p Cuts,
    reached: Reached,
    open: Vec<Vertex>,
    /// The definitions that were followed, and of which interfaces the functions were, of all kinds or of one.
    defined: HashSet<usize>,
    partners: HashSet<(&'f [u8], Option<Option<usize>>)>,
}

impl<'f> Walk<'_, 'f> {
    fn add(&mut self, vertex: Option<Vertex>) {
        let Some(vertex) = vertex else { return };
        if let Some(reached @ false) = self.reached.0.get_mut(vertex) {
            *reached = true;
            self.open.push(vertex);
        }
    }

    fn add_node(&mut self, tensor: &[u8]) {
        self.add(self.program.node(input_node(tensor)));
    }

    fn add_function(&mut self, name: &[u8]) {
        self.add(self.program.function(name));
    }

    /// What loaders and callers ask for by name.
    fn roots(&mut self) {
        let program = self.program;
        let file = program.file;
        for number in [SIGNATURE_DEF, ASSET_FILE_DEF] {
            for section in
                program.sections(number).into_iter().filter(|section| !self.cuts.roots.contains(&section.start))
            {
                texts(file, section.payload(), &mut |text| self.add_node(text));
            }
        }
        for saver in program.sections(SAVER_DEF) {
            for field in fields(file, saver.payload()) {
                let is_root = field.is_len(FILENAME_TENSOR_NAME)
                    || field.is_len(RESTORE_OP_NAME)
                    || field.is_len(SAVE_TENSOR_NAME) && self.reasons.saves;
                if is_root {
                    self.add_node(field.bytes(file));
                }
            }
        }
        program.collections.roots.iter().for_each(|node| self.add(Some(*node)));
        if self.reasons.trains {
            program.registered.iter().for_each(|function| self.add_function(function));
        }
        for section in program.sections(OBJECT_GRAPH_DEF) {
            for field in fields(file, section.payload()) {
                let is_cut = self.cuts.roots.contains(&field.start);
                if field.is_len(saved_object_graph::NODES) && !is_cut {
                    let kind = SavedObject::new(file, field.payload()).kind();
                    kind.operation().iter().for_each(|name| self.add_node(name));
                    let functions = kind.functions();
                    let kept = functions.iter().filter(|name| !self.cuts.functions.contains(**name));
                    kept.for_each(|name| self.add_function(name));
                } else if field.is_len(saved_object_graph::CONCRETE_FUNCTIONS) {
                    let name = Entry::read(file, field).key;
                    if !program.registered.contains(name) && !self.cuts.functions.contains(name) {
                        self.add_function(name);
                    }
                }
            }
        }
    }

    fn go(&mut self) {
        while let Some(vertex) = self.open.pop() {
            let program = self.program;
            let function = vertex.checked_sub(program.nodes.len()).and_then(|at| program.functions.get(at));
            if let Some(node) = program.nodes.get(vertex) {
                self.graph_node(vertex, &node.def);
            } else if let Some(function) = function {
                self.function(function);
            }
        }
    }

    fn graph_node(&mut self, vertex: Vertex, def: &NodeDef<'f>) {
        let given = self.cuts.given.get(&vertex);
        let mut tensors = 0_usize;
        for input in def.inputs() {
            let input = Input::parse(input);
            let node = self.program.node(input.name);
            let is_cut = if input.is_control {
                node.is_some_and(|node| self.cuts.has_run(def, node))
            } else {
                tensors = tensors.saturating_add(1);
                given.is_some_and(|given| given.contains(&tensors.saturating_sub(1)))
            };
            if !is_cut {
                self.add(node);
            }
        }
        self.named(def, true);
        if self.reasons.defines {
            let program = self.program;
            for position in program.definitions.get(&vertex).into_iter().flatten() {
                // One may name very many variables.
                if self.defined.insert(*position) {
                    let definition: Option<&Definition> = program.collections.definitions.get(*position);
                    definition.iter().flat_map(|it| &it.nodes).for_each(|node| self.add(Some(*node)));
                }
            }
        }
    }

    /// What a node's op and attributes name.
    fn named(&mut self, def: &NodeDef<'f>, is_of_graph: bool) {
        self.add_function(def.op());
        for Entry { value, .. } in def.attributes() {
            self.value(&AttrValue::new(value), is_of_graph);
        }
    }

    fn value(&mut self, value: &AttrValue<'f>, is_of_graph: bool) {
        let file = self.program.file;
        let text = |walk: &mut Self, text: &[u8]| {
            walk.add_function(text);
            if let Some(name) = text.strip_prefix(BESIDE).filter(|_| is_of_graph) {
                walk.add_node(name);
            }
        };
        for field in value.message().fields() {
            if field.is_len(S) {
                text(self, field.bytes(file));
            } else if field.is_len(LIST) {
                let strings = fields(file, field.payload()).filter(|item| item.is_len(list_value::S));
                strings.for_each(|item| text(self, item.bytes(file)));
            }
        }
        value.clone().functions(&mut |name| self.add_function(name));
    }

    fn function(&mut self, function: &Function<'f>) {
        let program = self.program;
        for field in fields(program.file, function.at.field.payload()).filter(|field| field.is_len(NODE_DEF)) {
            self.named(&NodeDef::read(program.file, field.payload()), false);
        }
        for Entry { value, .. } in program.attributes(function) {
            self.value(&AttrValue::new(value), false);
        }
        program.derived.get(function.name).into_iter().flatten().for_each(|gradient| self.add_function(gradient));
        let Some(interface) = program.interface(function) else { return };
        let kind = (!self.reasons.trains).then(|| program.kind(function));
        if self.partners.insert((interface, kind)) {
            let partners = program.partners.get(interface).into_iter().flatten();
            let of_kind = partners.filter(|(_, of)| kind.is_none_or(|kind| kind == *of));
            of_kind.for_each(|(partner, _)| self.add(Some(*partner)));
        }
    }
}
