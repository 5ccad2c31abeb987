//! What a Python program gets that loads a TF2 metagraph: objects and functions, and who needs whom.
//!
//! A remedy that drops a function drops what only that function needs: the functions that it calls, those that stand in
//! for them on another device, their gradients, the objects that they captured, and the entries of all these in the object graph
//! and in the checkpoint's. So causes say which uses the remedy ends ([`Program::without`]), and what nothing reaches any
//! more is what it frees ([`Program::claim`]).
//!
//! `graph` answers what signatures reach. Here objects are more than ways to functions: each has bytes and is held by name;
//! and functions that training looks up by strings count as needed by those that name them.

use std::collections::hash_map;
use std::ops::Range;

use foldhash::{HashMap, HashSet};
use prost::Message as _;

use super::claims::Claims;
use super::facts::Facts;
use super::nodes::{Function, Node};
use crate::checkpoint::object_graph::KEY;
use crate::message::attributes::GRADIENT_OP_TYPE;
use crate::message::number::function_def_library::{GRADIENT, REGISTERED_GRADIENTS};
use crate::message::number::meta_graph_def::OBJECT_GRAPH_DEF;
use crate::message::number::saved_object_graph::{CONCRETE_FUNCTIONS, NODES};
use crate::message::number::{gradient_def, registered_gradient};
use crate::message::saved_object::{self, Kind};
use crate::message::{AttrValue, Entry, Message, SavedObject, input_node, ops};
use crate::wire::{Field, fields, first_len};

/// Functions with one value of this attribute stand in for each other (`grappler/optimizers/implementation_selector.cc`).
const API_IMPLEMENTS: &[u8] = b"api_implements";

/// What a string in a checkpoint has besides its bytes: a length and a checksum.
const MOST_OF_LENGTH: u64 = 14;

/// More functions and objects than this, or more uses, are not followed: the smallest takes two bytes of a file.
const MAX_THINGS: usize = 1 << 20;
const MAX_USES: usize = 1 << 22;

/// The most parts of an object's path that are told.
const MAX_PATH: usize = 24;

/// A function or an object, by its number: functions first, in the order of the library.
pub(super) type Thing = usize;

/// How one thing needs another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Via {
    /// A function calls it, or stands in for it.
    Call,
    /// A function has an operation whose gradient it is.
    Gradient,
    /// An object has it as an attribute.
    Child,
    /// A function object was traced to it.
    Trace,
    /// A function captured it.
    Captured,
}

/// One thing's need of another.
#[derive(Debug, Clone, Copy)]
pub(super) struct Use {
    pub(super) to: Thing,
    pub(super) via: Via,
}

/// A node of the object graph.
pub(super) struct Object<'a> {
    field: Field,
    object: SavedObject<'a>,
    pub(super) children: Vec<Child<'a>>,
    kind: Kind<'a>,
}

/// An object's attribute.
#[derive(Debug, Clone, Copy)]
pub(super) struct Child<'a> {
    pub(super) name: &'a [u8],
    pub(super) thing: Thing,
}

/// The objects and functions of one metagraph.
pub(super) struct Program<'a> {
    file: &'a [u8],
    pub(super) meta_graph: usize,
    pub(super) functions: Vec<Function<'a>>,
    pub(super) objects: Vec<Object<'a>>,
    by_name: HashMap<&'a [u8], Thing>,
    /// The entries of `concrete_functions` by function: the whole field, and the SavedConcreteFunction.
    concrete: HashMap<Thing, (Range<usize>, Message<'a>)>,
    /// The entries of the library's `gradient` and `registered_gradients`, each with its gradient function.
    gradients: Vec<(Thing, Range<usize>)>,
    uses: Vec<Vec<Use>>,
    /// How many more uses there is room for; none where there were too many.
    room: usize,
    /// What is needed by nobody but the file: functions that nodes call, the root object, gradients that no function names.
    roots: Vec<Use>,
    /// How often the checkpoint's object graph is in the model: in its tensor, and as a constant of the graph.
    tracked_copies: u64,
}

/// The objects of a program in the order of their distance from its root.
pub(super) struct Nearest<'a> {
    pub(super) order: Vec<Thing>,
    parents: HashMap<Thing, Option<(Thing, &'a [u8])>>,
}

impl Nearest<'_> {
    /// The path of attributes that leads to an object; of a long one its end.
    pub(super) fn path(&self, object: Thing) -> String {
        let (mut names, mut at) = (Vec::new(), object);
        while let Some(Some((parent, name))) = self.parents.get(&at).filter(|_| names.len() < MAX_PATH) {
            names.push(String::from_utf8_lossy(name));
            at = *parent;
        }
        names.reverse();
        names.join(".")
    }
}

impl<'a> Object<'a> {
    /// Reads an object, but for its children.
    fn read(file: &'a [u8], field: Field) -> Self {
        let object = SavedObject::new(file, field.payload());
        Self { field, kind: object.kind(), object, children: Vec::new() }
    }

    /// The identifier of a user object: which class a loader makes of it.
    pub(super) fn identifier(&self) -> &'a [u8] {
        self.kind.identifier()
    }

    /// Whether it is a function with traces, and not an object of a class or a variable.
    pub(super) fn is_function(&self) -> bool {
        matches!(self.kind, Kind::Function(_))
    }

    /// Whether it is an object of a class that holds nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.children.is_empty() && matches!(self.kind, Kind::User(_))
    }

    /// The object's own field in the object graph.
    fn range(&self) -> Range<usize> {
        self.field.range()
    }
}

impl<'a> Program<'a> {
    /// The program in a metagraph; `None` where it has no functions or more than there is room for.
    pub(super) fn read(context: &Facts<'a>, meta_graph: usize) -> Option<Self> {
        let file = context.main();
        let functions: Vec<Function<'a>> = context.functions_of(meta_graph).to_vec();
        let sections =
            || context.sections(meta_graph, OBJECT_GRAPH_DEF).flat_map(|graph| fields(file, graph.payload()));
        let objects = sections().filter(|field| field.is_len(NODES)).count();
        if functions.is_empty() || functions.len().saturating_add(objects) > MAX_THINGS {
            return None;
        }
        let by_name: HashMap<&[u8], Thing> =
            functions.iter().enumerate().map(|(number, function)| (function.name, number)).collect();
        let mut program = Self {
            file,
            meta_graph,
            uses: vec![Vec::new(); functions.len().saturating_add(objects)],
            functions,
            objects: Vec::new(),
            by_name,
            concrete: HashMap::default(),
            gradients: Vec::new(),
            room: MAX_USES,
            roots: Vec::new(),
            tracked_copies: 1,
        };
        let named = program.functions_uses(context, meta_graph);
        program.nodes_uses(context, meta_graph, &named);
        let nodes: Vec<Field> = sections().filter(|field| field.is_len(NODES)).collect();
        program.objects_uses(&nodes);
        for entry in sections().filter(|field| field.is_len(CONCRETE_FUNCTIONS)) {
            program.concrete_function(entry);
        }
        (program.room > 0).then_some(program)
    }

    /// The function of this name.
    pub(super) fn function(&self, name: &[u8]) -> Option<Thing> {
        self.by_name.get(name).copied()
    }

    /// The number of an object by its position in the object graph.
    pub(super) fn thing_of(&self, object: usize) -> Thing {
        self.functions.len().saturating_add(object)
    }

    /// The position of an object in the object graph; `None` for a function.
    pub(super) fn number_of(&self, thing: Thing) -> Option<u32> {
        u32::try_from(thing.checked_sub(self.functions.len())?).ok()
    }

    /// The object with this number; `None` for a function.
    pub(super) fn object(&self, thing: Thing) -> Option<&Object<'a>> {
        self.objects.get(thing.checked_sub(self.functions.len())?)
    }

    /// For each thing whether it leads to one of `to`, these included, by uses of those things for which `is_open` holds.
    pub(super) fn leads_to(&self, to: impl IntoIterator<Item = Thing>, is_open: impl Fn(Thing) -> bool) -> Vec<bool> {
        let mut users = vec![Vec::new(); self.uses.len()];
        for (from, uses) in self.uses.iter().enumerate().filter(|(from, _)| is_open(*from)) {
            for need in uses {
                users.get_mut(need.to).into_iter().for_each(|users: &mut Vec<Thing>| users.push(from));
            }
        }
        let mut leads = vec![false; self.uses.len()];
        let mut open: Vec<Thing> = to.into_iter().collect();
        while let Some(thing) = open.pop() {
            if let Some(seen @ false) = leads.get_mut(thing) {
                *seen = true;
                open.extend(users.get(thing).into_iter().flatten());
            }
        }
        leads
    }

    /// The objects that the root leads to, nearest first, and by which attribute of which object each is first met.
    pub(super) fn nearest_first(&self) -> Nearest<'a> {
        let root = self.thing_of(0);
        let mut nearest = Nearest { parents: HashMap::from_iter([(root, None)]), order: vec![root] };
        let mut at = 0;
        while let Some(thing) = nearest.order.get(at).copied() {
            for child in self.object(thing).map_or(&[][..], |object| &object.children) {
                if let hash_map::Entry::Vacant(parent) = nearest.parents.entry(child.thing) {
                    parent.insert(Some((thing, child.name)));
                    nearest.order.push(child.thing);
                }
            }
            at += 1;
        }
        nearest
    }

    /// The traces of a function object, in the order of the file.
    pub(super) fn traces(&self, object: &Object<'a>) -> impl Iterator<Item = Thing> + use<'_, 'a> {
        object.kind.traces().into_iter().filter_map(|name| self.function(name.bytes(self.file)))
    }

    /// The function that a bare function object is.
    pub(super) fn bare_function(&self, object: &Object<'a>) -> Option<Thing> {
        self.function(object.kind.bare_function()?)
    }

    /// The SavedConcreteFunction of a function.
    pub(super) fn concrete_function_of(&self, function: Thing) -> Option<&Message<'a>> {
        self.concrete.get(&function).map(|(_, value)| value)
    }

    pub(super) fn has_registered_gradients(&self) -> bool {
        self.uses.iter().flatten().chain(&self.roots).any(|need| need.via == Via::Gradient)
    }

    /// What nothing reaches any more once the uses are gone for which `ended` holds, and something reached before.
    pub(super) fn without(&self, ended: impl Fn(Option<Thing>, &Use) -> bool) -> Vec<bool> {
        let (before, after) = (self.reached(|_, _| false), self.reached(ended));
        before.into_iter().zip(after).map(|(before, after)| before && !after).collect()
    }

    fn reached(&self, ended: impl Fn(Option<Thing>, &Use) -> bool) -> Vec<bool> {
        let mut reached = vec![false; self.uses.len()];
        let mut open: Vec<Thing> = self.roots.iter().filter(|root| !ended(None, root)).map(|root| root.to).collect();
        while let Some(thing) = open.pop() {
            let Some(seen @ false) = reached.get_mut(thing) else { continue };
            *seen = true;
            let uses = self.uses.get(thing).into_iter().flatten();
            open.extend(uses.filter(|need| !ended(Some(thing), need)).map(|need| need.to));
        }
        reached
    }

    /// Claims the things that go, with all entries that tell of them; and the bytes of the checkpoint's object graph
    /// that tell of them, which have no range.
    pub(super) fn claim(&self, context: &Facts<'a>, gone: &[bool], claims: &mut Claims) -> u64 {
        self.claim_parts(context, gone, claims, |function| vec![function.range()])
    }

    /// The same, with only these parts of the functions.
    pub(super) fn claim_parts(
        &self,
        context: &Facts<'a>,
        gone: &[bool],
        claims: &mut Claims,
        parts: impl Fn(&Function<'a>) -> Vec<Range<usize>>,
    ) -> u64 {
        let is_gone = |thing: Thing| gone.get(thing).copied().unwrap_or(false);
        let functions = self.functions.iter().enumerate().filter(|(number, _)| is_gone(*number));
        let mut ranges: Vec<Range<usize>> = functions.flat_map(|(_, function)| parts(function)).collect();
        let entries = self.concrete.iter().filter(|(function, _)| is_gone(**function));
        ranges.extend(entries.map(|(_, (entry, _))| entry.clone()));
        ranges.extend(self.gradients.iter().filter(|(thing, _)| is_gone(*thing)).map(|(_, entry)| entry.clone()));
        for (number, object) in self.objects.iter().enumerate() {
            if is_gone(self.thing_of(number)) {
                ranges.push(object.range());
            } else {
                ranges.extend(self.mentions(object, &is_gone));
            }
        }
        ranges.extend(self.constants(context, &is_gone));
        context.claim(claims, ranges);
        self.tracked(context, &is_gone).saturating_mul(self.tracked_copies)
    }

    /// The nodes that hold the values of constants that go, and that nobody else reads.
    fn constants(&self, context: &Facts<'a>, is_gone: &impl Fn(Thing) -> bool) -> Vec<Range<usize>> {
        let things = self.objects.iter().enumerate().map(|(number, object)| (self.thing_of(number), object));
        let constants: Vec<(Thing, &[u8])> =
            things.map(|(thing, object)| (thing, object.kind.operation().unwrap_or_default())).collect();
        let named = |gone: bool| constants.iter().filter(move |(thing, _)| is_gone(*thing) == gone);
        let mut names: HashSet<&[u8]> = named(true).map(|(_, name)| *name).filter(|name| !name.is_empty()).collect();
        for (_, name) in named(false) {
            names.remove(name);
        }
        if names.is_empty() {
            return Vec::new();
        }
        for input in context.nodes(self.meta_graph).flat_map(|node| node.inputs()) {
            names.remove(input_node(input));
        }
        context.nodes(self.meta_graph).filter(|node| names.contains(node.name())).map(|node| node.range()).collect()
    }

    /// Where an object that stays tells of what goes.
    fn mentions(&self, object: &Object<'a>, is_gone: &impl Fn(Thing) -> bool) -> Vec<Range<usize>> {
        let children = object.object.children().chain(object.object.dependencies());
        let references = children.filter(|child| is_gone(self.thing_of(position(child.node)))).map(|child| child.field);
        let traces = object.kind.traces().into_iter();
        let names = traces.filter(|name| self.function(name.bytes(self.file)).is_some_and(is_gone));
        references.chain(names).map(|field| field.range()).collect()
    }

    /// The bytes that one copy of the checkpoint's object graph has for what goes.
    fn tracked(&self, context: &Facts<'a>, is_gone: &impl Fn(Thing) -> bool) -> u64 {
        let tracked = context.checkpoint.and_then(|checkpoint| checkpoint.object_graph.as_ref());
        let nodes: &[_] =
            if self.objects.is_empty() { &[] } else { tracked.map_or(&[], |tracked| &tracked.graph.nodes) };
        let field = |bytes: usize| (bytes + prost::length_delimiter_len(bytes) + 1) as u64;
        let gone_child = |node: i32| usize::try_from(node).is_ok_and(|node| is_gone(self.thing_of(node)));
        let bytes = nodes.iter().enumerate().map(|(number, node)| {
            if is_gone(self.thing_of(number)) {
                return field(node.encoded_len());
            }
            let children = node.children.iter().filter(|child| gone_child(child.node_id));
            children.map(|child| field(child.encoded_len())).sum()
        });
        bytes.fold(0, u64::saturating_add)
    }

    fn need(&mut self, from: Thing, to: Thing, via: Via) {
        self.room = self.room.saturating_sub(1);
        if let Some(uses) = self.uses.get_mut(from).filter(|_| self.room > 0) {
            uses.push(Use { to, via });
        }
    }

    /// What functions need of each other. Returns the gradients by the names that they are registered under.
    fn functions_uses(&mut self, context: &Facts<'a>, meta_graph: usize) -> HashMap<&'a [u8], Thing> {
        let file = self.file;
        let text = |range: Option<Range<usize>>| range.and_then(|range| file.get(range)).unwrap_or_default();
        let beside_functions = context.beside_functions(meta_graph);
        let mut registered: HashMap<&[u8], Thing> = HashMap::default();
        for field in beside_functions.filter(|field| field.is_len(GRADIENT) || field.is_len(REGISTERED_GRADIENTS)) {
            let part = |number| text(first_len(file, field.payload(), number));
            let is_registered = field.number == REGISTERED_GRADIENTS;
            let gradient = if is_registered { registered_gradient::GRADIENT_FUNC } else { gradient_def::GRADIENT_FUNC };
            let Some(gradient) = self.function(part(gradient)) else { continue };
            self.gradients.push((gradient, field.range()));
            if is_registered {
                registered.entry(part(registered_gradient::REGISTERED_OP_TYPE)).or_insert(gradient);
            } else if let Some(function) = self.function(part(gradient_def::FUNCTION_NAME)) {
                self.need(function, gradient, Via::Call);
            }
        }
        let mut stand_ins: HashMap<&[u8], (Thing, Thing)> = HashMap::default();
        let mut named = vec![false; self.functions.len()];
        let mut uses = Vec::new();
        for number in 0..self.functions.len() {
            let Some(function) = self.functions.get(number).cloned() else { continue };
            for node in context.referring(&function) {
                self.node_uses(&node, &registered, &mut uses);
                for need in uses.drain(..) {
                    named.get_mut(need.to).filter(|_| need.via == Via::Gradient).into_iter().for_each(|n| *n = true);
                    self.need(number, need.to, need.via);
                }
            }
            for field in context.attributes(&function) {
                let Entry { key, value, .. } = Entry::read(file, field);
                let value = AttrValue::new(value).text();
                if key == API_IMPLEMENTS {
                    // A ring through all that stand in for each other.
                    let (_, last) = *stand_ins.entry(value).or_insert((number, number));
                    self.need(last, number, Via::Call);
                    stand_ins.entry(value).and_modify(|ring| ring.1 = number);
                } else if let Some(other) = self.function(value) {
                    self.need(number, other, Via::Call);
                }
            }
        }
        stand_ins.into_values().for_each(|(first, last)| self.need(last, first, Via::Call));
        let unnamed = registered.values().filter(|gradient| !named.get(**gradient).copied().unwrap_or(true));
        self.roots.extend(unnamed.map(|gradient| Use { to: *gradient, via: Via::Gradient }));
        registered
    }

    /// Adds the functions that a node needs to `uses`, a list so that no node needs one of its own.
    fn node_uses(&self, node: &Node<'a>, registered: &HashMap<&'a [u8], Thing>, uses: &mut Vec<Use>) {
        let call = |name: &[u8]| self.function(name).map(|to| Use { to, via: Via::Call });
        uses.extend(call(node.op()));
        for attribute in node.attributes() {
            let value = AttrValue::new(attribute.value);
            if attribute.key == GRADIENT_OP_TYPE {
                let gradient = registered.get(value.text());
                uses.extend(gradient.map(|to| Use { to: *to, via: Via::Gradient }));
            } else {
                value.functions(&mut |name| uses.extend(call(name)));
            }
        }
    }

    /// What the nodes of the graph itself need; and whether one of them is the checkpoint's object graph again.
    fn nodes_uses(&mut self, context: &Facts<'a>, meta_graph: usize, registered: &HashMap<&'a [u8], Thing>) {
        let mut uses = Vec::new();
        for node in context.referring_of_graph(meta_graph) {
            self.node_uses(&node, registered, &mut uses);
            self.room = self.room.saturating_sub(uses.len());
            self.roots.extend(uses.drain(..).take(self.room));
        }
        let bundle = context.checkpoint.map(|checkpoint| &checkpoint.bundle);
        let tracked = bundle.and_then(|bundle| bundle.tensors.iter().find(|tensor| tensor.key == KEY));
        let Some(tracked) = tracked else { return };
        // A smaller node cannot hold it; the length says so without a look at the node.
        let is_copy = |node: &Node<'_>| {
            (node.message().len() as u64).saturating_add(MOST_OF_LENGTH) > tracked.bytes
                && node.op() == ops::CONST
                && holds_string(node, tracked.bytes)
        };
        let copies = context.nodes(meta_graph).filter(is_copy).count() as u64;
        self.tracked_copies = self.tracked_copies.saturating_add(copies);
    }

    fn objects_uses(&mut self, nodes: &[Field]) {
        let file = self.file;
        if !nodes.is_empty() {
            self.roots.push(Use { to: self.thing_of(0), via: Via::Child });
        }
        for (number, field) in nodes.iter().enumerate() {
            let (from, mut object) = (self.thing_of(number), Object::read(file, *field));
            let name = |child: &saved_object::Child| file.get(child.name.clone()).unwrap_or_default();
            let children = object.object.children().take(self.room);
            object.children = children
                .map(|child| Child { name: name(&child), thing: self.thing_of(position(child.node)) })
                .collect();
            object.children.iter().for_each(|child| self.need(from, child.thing, Via::Child));
            let functions: Vec<Thing> =
                object.kind.functions().into_iter().filter_map(|name| self.function(name)).collect();
            functions.into_iter().for_each(|function| self.need(from, function, Via::Trace));
            for function in object.object.saveables().flatten().map(position) {
                self.need(from, self.thing_of(function), Via::Child);
            }
            self.objects.push(object);
        }
    }

    fn concrete_function(&mut self, field: Field) {
        let Entry { key, value, .. } = Entry::read(self.file, field);
        let Some(function) = self.function(key) else { return };
        for object in saved_object::bound_inputs(&value) {
            self.need(function, self.thing_of(object), Via::Captured);
        }
        self.concrete.insert(function, (field.range(), value));
    }
}

/// Whether a Const is one string that takes `tensor_bytes` in a checkpoint: its length, a checksum, its bytes.
fn holds_string(node: &Node<'_>, tensor_bytes: u64) -> bool {
    let tensor = node.attribute(b"value").and_then(|value| value.tensor());
    let Some(string) = tensor.and_then(|tensor| tensor.strings().next()) else { return false };
    let length = string.payload().len();
    (length + prost::length_delimiter_len(length) + 4) as u64 == tensor_bytes
}

/// The position of an object by the number that a file has for it.
fn position(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
