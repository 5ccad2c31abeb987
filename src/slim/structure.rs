//! What functions of a library do, so that those which do the same are known: a hash in which no name of theirs counts.
//!
//! Two functions have one structure if each step of one is a step of the other, in the same order: nodes by their ops, attributes
//! and devices, inputs by the positions of what gives them, calls by the structure of what is called. A function has none that may
//! not be another's:
//!
//! - it has an op that keeps a state of its own (a table, random numbers from a seed), or calls a function that has;
//! - it is a part of a gradient, which is found by names;
//! - it is in a circle of calls, or names what is not there.
//!
//! Functions of one interface (`api_implements`) are known by all of them together, as any of them may run in the place of another.
//! The hash is by a key that no file can know.

use std::collections::HashMap;

use xxhash_rust::xxh3::Xxh3;

use super::program::Program;
use crate::components::components;
use crate::message::attributes::{
    API_IMPLEMENTS, BESIDE, CLASS, GRADIENT_OP_TYPE, ORIGINAL_FUNC_NAME, SHARED_NAME, USER_SPECIFIED_NAME,
};
use crate::message::number::attr_value::{FUNC, LIST, list_value};
use crate::message::number::function_def::{
    ARG_ATTR, ATTR, CONTROL_RET, NODE_DEF, RESOURCE_ARG_UNIQUE_ID, RET, SIGNATURE, arg_attrs,
};
use crate::message::number::map_entry::VALUE;
use crate::message::number::name_attr_list;
use crate::message::number::node_def;
use crate::message::number::op_def::{self, arg_def};
use crate::message::view::numbered_entry;
use crate::message::{AttrValue, Entry, FunctionDef, Input, Message, NodeDef, Signature, ops};
use crate::wire::{Field, fields};
use crate::{seeded, steady};

/// Attributes that say where something came from, and nothing of what it does.
const OF_ORIGIN: [&[u8]; 2] = [USER_SPECIFIED_NAME, ORIGINAL_FUNC_NAME];

/// What a function, or all of an interface, does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    /// What others may do as well.
    Structure(u128),
    /// Something that no other does, and whether it keeps a state for it.
    Own { keeps_state: bool },
}

/// The functions of a library by what they do.
#[derive(Debug)]
pub(super) struct Structures {
    /// Of each function by itself, then of each interface.
    known: Vec<Known>,
    /// The interface of each function, and the functions of each.
    interface_of: Vec<Option<usize>>,
    pub(super) interfaces: Vec<Vec<usize>>,
}

impl Structures {
    /// Finds out what the functions of a metagraph do.
    pub(super) fn of(program: &Program<'_>) -> Self {
        let count = program.functions.len();
        let interfaces = program.interfaces();
        let mut interface_of = vec![None; count];
        for (interface, members) in interfaces.iter().enumerate() {
            for member in members {
                interface_of.get_mut(*member).into_iter().for_each(|of| *of = Some(interface));
            }
        }
        let vertices = count.saturating_add(interfaces.len());
        let known = vec![Known::Own { keeps_state: false }; vertices];
        let mut found = Self { known, interface_of, interfaces };
        let leads_to: Vec<Vec<u32>> = (0..count).map(|number| found.called_by(program, number)).collect();
        let of_interfaces = found.interfaces.clone();
        let successor = |vertex: u32, at: usize| {
            let vertex = vertex as usize;
            match leads_to.get(vertex) {
                Some(called) => called.get(at).copied(),
                None => {
                    let members = of_interfaces.get(vertex.checked_sub(count)?)?;
                    members.get(at).and_then(|member| u32::try_from(*member).ok())
                }
            }
        };
        let mut reading = Reading { program, found: &mut found, seed: seeded::random() };
        components(vertices, successor, |component| match *component {
            [only] if !(0..).map_while(|at| successor(only, at)).any(|called| called == only) => {
                reading.vertex(only as usize);
            }
            _ => reading.circle(component),
        });
        found
    }

    /// What a function does by itself.
    pub(super) fn alone(&self, function: usize) -> Option<u128> {
        match self.known.get(function) {
            Some(Known::Structure(structure)) => Some(*structure),
            _ => None,
        }
    }

    /// What all functions of an interface do.
    pub(super) fn of_interface(&self, interface: usize) -> Option<u128> {
        self.alone(self.interface_of.len().saturating_add(interface))
    }

    /// Whether a function is one of several that may take each other's place.
    pub(super) fn has_interface(&self, function: usize) -> bool {
        self.interface_of.get(function).is_some_and(Option::is_some)
    }

    /// The functions that one names, each with its interface.
    fn called_by(&self, program: &Program<'_>, number: usize) -> Vec<u32> {
        let Some(function) = program.functions.get(number) else { return Vec::new() };
        let mut called = Vec::new();
        let mut name = |name: &[u8]| {
            let Some(callee) = program.function_number(name) else { return };
            let interface = self.interface_of.get(callee).copied().flatten();
            let interface = interface.map(|interface| self.interface_of.len().saturating_add(interface));
            called.extend([Some(callee), interface].into_iter().flatten().filter_map(|it| u32::try_from(it).ok()));
        };
        for node in FunctionDef::new(program.file, function.at.field.payload()).nodes() {
            name(node.op());
            for Entry { value, .. } in node.attributes() {
                AttrValue::new(value).functions(&mut name);
            }
        }
        called
    }
}

/// Why a function has no structure that another may have.
#[derive(Debug)]
struct Alone;

struct Reading<'a, 'f> {
    program: &'a Program<'f>,
    found: &'a mut Structures,
    seed: u64,
}

/// A function that is being read.
struct Form<'f> {
    hash: Xxh3,
    /// Arguments and nodes by their names.
    positions: HashMap<&'f [u8], u64>,
    keeps_state: bool,
}

impl Form<'_> {
    fn number(&mut self, number: u64) {
        self.hash.update(&number.to_le_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.hash.update(bytes);
    }

    fn field(&mut self, file: &[u8], field: &Field) {
        self.number(u64::from(field.number));
        self.number(field.wire_type as u64);
        self.bytes(field.bytes(file));
    }

    /// What gives a tensor, and which.
    fn source(&mut self, input: &Input<'_>) -> Result<(), Alone> {
        let position = *self.positions.get(input.name).ok_or(Alone)?;
        self.number(position);
        self.bytes(input.port);
        Ok(())
    }

    /// Nodes of which the order says nothing.
    fn set(&mut self, mut positions: Vec<u64>) {
        positions.sort_unstable();
        self.number(positions.len() as u64);
        positions.into_iter().for_each(|position| self.number(position));
    }
}

impl<'f> Reading<'_, 'f> {
    fn set(&mut self, vertex: usize, known: Known) {
        self.found.known.get_mut(vertex).into_iter().for_each(|slot| *slot = known);
    }

    /// Functions that call each other.
    fn circle(&mut self, component: &[u32]) {
        for vertex in component {
            self.set(*vertex as usize, Known::Own { keeps_state: true });
        }
    }

    fn vertex(&mut self, vertex: usize) {
        let known = match vertex.checked_sub(self.found.interface_of.len()) {
            Some(interface) => self.interface(interface),
            None => self.function(vertex),
        };
        self.set(vertex, known);
    }

    /// What functions of an interface do, in whatever order.
    fn interface(&self, interface: usize) -> Known {
        let mut structures = Vec::new();
        for member in self.found.interfaces.get(interface).into_iter().flatten() {
            match self.found.known.get(*member) {
                Some(Known::Structure(structure)) => structures.push(*structure),
                other => return other.copied().unwrap_or(Known::Own { keeps_state: true }),
            }
        }
        structures.sort_unstable();
        let mut hash = Xxh3::with_seed(self.seed);
        structures.iter().for_each(|structure| hash.update(&structure.to_le_bytes()));
        Known::Structure(hash.digest128())
    }

    fn function(&self, number: usize) -> Known {
        let Some(function) = self.program.functions.get(number) else { return Known::Own { keeps_state: true } };
        let def = FunctionDef::new(self.program.file, function.at.field.payload());
        let mut form = Form { hash: Xxh3::with_seed(self.seed), positions: HashMap::new(), keeps_state: false };
        let read = self.read(&def, &mut form);
        match read {
            Ok(()) if !form.keeps_state && !self.program.is_of_gradient(function) => {
                Known::Structure(form.hash.digest128())
            }
            _ => Known::Own { keeps_state: form.keeps_state },
        }
    }

    fn read(&self, def: &FunctionDef<'f>, form: &mut Form<'f>) -> Result<(), Alone> {
        let signature = def.signature();
        let nodes: Vec<NodeDef<'f>> = def.nodes().collect();
        form.keeps_state =
            nodes.iter().any(|node| self.program.function_number(node.op()).is_none() && node.keeps_state());
        for (position, name) in (0..).zip(signature.arguments().chain(nodes.iter().map(NodeDef::name))) {
            if form.positions.insert(name, position).is_some() {
                return Err(Alone);
            }
        }
        for node in &nodes {
            self.node(node, form)?;
        }
        Self::signature(&signature, form);
        let results: HashMap<&[u8], &[u8]> = def.results().into_iter().collect();
        for name in signature.results() {
            form.source(&Input::parse(results.get(name).ok_or(Alone)?))?;
        }
        let controls = def.control_returned();
        let controls: Option<Vec<u64>> = controls.into_iter().map(|name| form.positions.get(name).copied()).collect();
        form.set(controls.ok_or(Alone)?);
        self.rest(def, form)
    }

    /// What is said of arguments and results, and of the function as an op.
    fn signature(signature: &Signature<'f>, form: &mut Form<'f>) {
        let message = signature.message();
        let file = message.file();
        for field in message.fields() {
            match field.number {
                op_def::NAME | op_def::CONTROL_OUTPUT if field.is_len(field.number) => {}
                op_def::INPUT_ARG | op_def::OUTPUT_ARG if field.is_len(field.number) => {
                    form.number(u64::from(field.number));
                    let parts: Vec<Field> =
                        fields(file, field.payload()).filter(|part| !part.is_len(arg_def::NAME)).collect();
                    form.number(parts.len() as u64);
                    parts.iter().for_each(|part| form.field(file, part));
                }
                _ => form.field(file, &field),
            }
        }
    }

    /// Attributes of the function and of its arguments, and what is not known.
    fn rest(&self, def: &FunctionDef<'f>, form: &mut Form<'f>) -> Result<(), Alone> {
        let file = self.program.file;
        let (mut attributes, mut arguments) = (Vec::new(), Vec::new());
        for field in def.fields() {
            match field.number {
                SIGNATURE | NODE_DEF | RET | CONTROL_RET if field.is_len(field.number) => {}
                ATTR if field.is_len(ATTR) => attributes.push(Entry::read(file, field)),
                ARG_ATTR | RESOURCE_ARG_UNIQUE_ID if field.is_len(field.number) => {
                    let (key, value) = numbered_entry(file, field.payload());
                    arguments.push((field, key, value));
                }
                _ => form.field(file, &field),
            }
        }
        attributes.retain(|entry| entry.key != API_IMPLEMENTS);
        self.attributes(attributes, form)?;
        arguments.sort_by_key(|(field, key, _)| (field.number, *key));
        for (field, key, value) in arguments {
            form.number(u64::from(field.number));
            form.number(key);
            match value {
                Some(value) if field.is_len(ARG_ATTR) && value.is_len(VALUE) => {
                    self.attributes(Message::new(file, value.payload()).entries(arg_attrs::ATTR), form)?;
                }
                Some(value) => form.field(file, &value),
                None => form.number(0),
            }
        }
        Ok(())
    }

    fn node(&self, node: &NodeDef<'f>, form: &mut Form<'f>) -> Result<(), Alone> {
        let (file, op) = (node.file(), node.op());
        match self.program.function_number(op) {
            Some(callee) => self.call(callee, form)?,
            None => form.bytes(op),
        }
        // Without a name of its own a resource has that of the node.
        if ops::makes_resource(op) && node.attribute(SHARED_NAME).is_none_or(|value| value.text().is_empty()) {
            form.bytes(node.name());
        }
        let mut controls = Vec::new();
        for field in node.fields() {
            match field.number {
                node_def::NAME | node_def::OP | node_def::ATTR | node_def::EXPERIMENTAL_DEBUG_INFO
                    if field.is_len(field.number) => {}
                node_def::INPUT if field.is_len(node_def::INPUT) => {
                    let input = Input::parse(field.bytes(file));
                    if input.is_control {
                        controls.push(*form.positions.get(input.name).ok_or(Alone)?);
                    } else {
                        form.source(&input)?;
                    }
                }
                _ => form.field(file, &field),
            }
        }
        form.set(controls);
        let mut attributes = node.attributes();
        attributes.retain(|entry| {
            let is_call = entry.key == GRADIENT_OP_TYPE && ops::CALLS.contains(&op);
            !(is_call && self.program.is_counted(AttrValue::new(entry.value.clone()).text()))
        });
        self.attributes(attributes, form)
    }

    fn attributes(&self, mut entries: Vec<Entry<'f>>, form: &mut Form<'f>) -> Result<(), Alone> {
        entries.retain(|entry| !OF_ORIGIN.contains(&entry.key));
        steady::sort_by_bytes(&mut entries, |entry| (entry.key, 0));
        form.number(entries.len() as u64);
        for Entry { key, value, .. } in &entries {
            form.bytes(key);
            let items: Vec<Field> = value.fields().collect();
            form.number(items.len() as u64);
            for field in items {
                self.value(value.file(), &field, *key == CLASS, form)?;
            }
        }
        Ok(())
    }

    /// A field of an AttrValue.
    fn value(&self, file: &'f [u8], field: &Field, is_class: bool, form: &mut Form<'f>) -> Result<(), Alone> {
        if field.is_len(FUNC) {
            form.number(u64::from(FUNC));
            return self.named(file, field, form);
        }
        if !field.is_len(LIST) {
            form.field(file, field);
            return Ok(());
        }
        let items: Vec<Field> = fields(file, field.payload()).collect();
        form.number(u64::from(LIST));
        form.number(items.len() as u64);
        for item in items {
            let beside = item.bytes(file).strip_prefix(BESIDE).filter(|_| is_class && item.is_len(list_value::S));
            // Nodes that are placed beside one which is not there are placed together all the same, by its name.
            match beside.and_then(|name| form.positions.get(name)) {
                Some(position) => {
                    let position = *position;
                    form.number(u64::MAX);
                    form.number(position);
                }
                None if item.is_len(list_value::FUNC) => self.named(file, &item, form)?,
                None => form.field(file, &item),
            }
        }
        Ok(())
    }

    /// A function of an attribute, which may have attributes that name none.
    fn named(&self, file: &'f [u8], field: &Field, form: &mut Form<'f>) -> Result<(), Alone> {
        let function = Message::new(file, field.payload());
        match self.program.function_number(function.bytes(name_attr_list::NAME)) {
            Some(callee) => self.call(callee, form)?,
            None => return Err(Alone),
        }
        let entries = function.entries(name_attr_list::ATTR);
        let mut names_others = false;
        for Entry { value, .. } in &entries {
            AttrValue::new(value.clone()).functions(&mut |_| names_others = true);
        }
        if names_others {
            return Err(Alone);
        }
        self.attributes(entries, form)
    }

    /// What a call does: what is called, and what may take its place.
    fn call(&self, callee: usize, form: &mut Form<'f>) -> Result<(), Alone> {
        let known = |vertex: usize| self.found.known.get(vertex).copied().ok_or(Alone);
        let interface = self.found.interface_of.get(callee).copied().flatten();
        let all = interface.map(|interface| known(self.found.interface_of.len().saturating_add(interface)));
        let (callee_is, all) = (known(callee)?, all.transpose()?);
        match (callee_is, all) {
            (Known::Structure(one), None) => form.hash.update(&one.to_le_bytes()),
            (Known::Structure(one), Some(Known::Structure(all))) => {
                form.hash.update(&one.to_le_bytes());
                form.hash.update(&all.to_le_bytes());
            }
            (one, all) => {
                let keeps = |known: Known| known == Known::Own { keeps_state: true };
                form.keeps_state |= keeps(one) || all.is_some_and(keeps);
                form.number(u64::MAX);
                form.number(callee as u64);
            }
        }
        Ok(())
    }
}
