//! Variables that nothing reads: neither a session, where what reaches a variable's handle besides the assignment that restores it
//! is a reader, nor Python, where what a function has captured is read.
//!
//! Both paths are held against each other by the keys of the checkpoint. What goes is a key, with the output of `RestoreV2` that
//! reads it, the nodes that assign it, the argument by which a restoring function has the handle, the object in both object
//! graphs, and the tensor.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::lists::Attributes;
use super::unreached::Gone;
use super::{NotTaken, Parts, Stored};

use crate::edit::numbers::integer;
use crate::message::attributes::OUTPUT_SHAPES;
use crate::message::number::attr_value::list_value;
use crate::message::number::function_def::{
    ARG_ATTR, ATTR as FUNCTION_ATTR, CONTROL_RET, RESOURCE_ARG_UNIQUE_ID, SIGNATURE,
};
use crate::message::number::map_entry::KEY;
use crate::message::number::op_def::{CONTROL_OUTPUT, INPUT_ARG};
use crate::message::view::numbered_entry;
use crate::message::{Entry, Input, is_data, ops};
use crate::size::plural;
use crate::slim::objects::{Objects, Untied, VALUE};
use crate::slim::program::reach::{Cuts, Reached, Reasons};
use crate::slim::program::{Program, programs};
use crate::slim::scope::{Called, Restore, Restored, Scope, Setter, resource, resources_of_function};
use crate::wire::{Field, WireType, fields};

/// A graph in which each pass finds more that is needed after all is left as it is after so many: each goes over all of it, and
/// there may be as many as there are variables.
const PASSES: usize = 32;

/// Variables go that nothing reads.
pub(super) fn unread(parts: &Parts, stored: &Stored<'_>) -> Result<Option<(Parts, String)>, NotTaken> {
    let programs = programs(&parts.main)?;
    let restored = programs.iter().map(Restored::of).collect::<Result<Vec<_>, _>>()?;
    let tracked = parts.tracked.as_ref().or(stored.tracked.as_ref());
    let objects = Objects::read(&programs, tracked.map(|bytes| &bytes[..]))?;
    if objects.is_some() && tracked.is_none() {
        return Err(Untied::None.into());
    }
    let found = Found { programs: &programs, restored: &restored, objects: objects.as_ref(), parts, stored };
    let Some(plan) = found.plan() else { return Ok(None) };
    let mut gone = Gone::default();
    for ((program, restored), of_program) in programs.iter().zip(&restored).zip(&plan.of_programs) {
        of_program.edits(&mut gone, program, restored)?;
    }
    let mut written = parts.tracked.clone();
    if let (Some(objects), Some(tracked)) = (&objects, tracked) {
        objects.emptied(&mut gone.edits, &plan.objects)?;
        written = Some(tracked.edited(&objects.tracked_without(&plan.tracked)?).ok_or(NotTaken::Lengths)?);
    }
    let main = parts.main.edited(&gone.edits).ok_or(NotTaken::Lengths)?;
    let words = format!("{} that nothing reads", plural(plan.keys.len() as u64, "variable", "variables"));
    let mut positions = parts.gone.clone();
    for (at, tensor) in stored.tensors.iter().enumerate() {
        let key = tensor.slice_of.as_ref().unwrap_or(&tensor.key);
        if plan.keys.contains(key.as_bytes()) {
            positions.insert(at);
        }
    }
    Ok(Some((Parts { main, gone: positions, tracked: written }, words)))
}

/// Keys that may go.
trait Keys {
    /// Without these.
    fn retain_not<'k>(&mut self, keys: impl Iterator<Item = &'k [u8]>);
}

impl Keys for HashSet<Vec<u8>> {
    fn retain_not<'k>(&mut self, keys: impl Iterator<Item = &'k [u8]>) {
        for key in keys {
            self.remove(key);
        }
    }
}

/// What is known.
struct Found<'a, 'f, 't> {
    programs: &'a [Program<'f>],
    restored: &'a [Restored<'f>],
    objects: Option<&'a Objects<'f, 't>>,
    parts: &'a Parts,
    stored: &'a Stored<'a>,
}

/// What goes.
struct Plan {
    /// The keys.
    keys: HashSet<Vec<u8>>,
    of_programs: Vec<OfProgram>,
    /// The objects of the model, and of the checkpoint.
    objects: HashSet<usize>,
    tracked: HashSet<usize>,
}

/// What goes of one metagraph.
struct OfProgram {
    /// The positions of the setters that go.
    setters: BTreeSet<usize>,
    cuts: Cuts,
    reached: Reached,
}

impl Found<'_, '_, '_> {
    /// Which keys go; `None` where none does.
    fn plan(&self) -> Option<Plan> {
        let live = self.stored.tensors.iter().enumerate().filter(|(at, _)| !self.parts.gone.contains(at));
        let keys = live.map(|(_, tensor)| tensor.slice_of.as_ref().unwrap_or(&tensor.key).as_bytes());
        let mut keys: HashSet<Vec<u8>> = keys.map(<[u8]>::to_vec).collect();
        keys.remove(crate::checkpoint::object_graph::KEY.as_bytes());
        // A name that is not text is not known as it is written.
        if keys.iter().any(|key| String::from_utf8_lossy(key).contains('\u{fffd}')) {
            return None;
        }
        keys.retain_not(self.restored.iter().flat_map(Restored::kept));
        if self.stored.keeps_defined {
            // A loader of such a model lists the variables that collections define, and TFSMLayer has them for its weights; those
            // that are given by reference it leaves in the graph (`tensorflow/python/eager/wrap_function.py`, `should_lift_variable`).
            for (program, restored) in self.programs.iter().zip(self.restored) {
                let is_listed = |handle: usize| {
                    let node = program.nodes.get(handle);
                    program.is_defined(handle)
                        && node.is_some_and(|node| !ops::REFERENCE_VARIABLES.contains(&node.def.op()))
                };
                let defined = restored.setters.iter().filter(|setter| is_listed(setter.handle));
                keys.retain_not(restored.keys_of(defined));
            }
        }
        for _ in 0..PASSES {
            let objects = self.unread_objects(&mut keys);
            let before = keys.len();
            let of_programs: Vec<OfProgram> = self
                .programs
                .iter()
                .zip(self.restored)
                .map(|(program, restored)| of_program(program, restored, &mut keys))
                .collect();
            if before == keys.len() {
                if keys.is_empty() {
                    return None;
                }
                let (objects, tracked) = objects;
                return Some(Plan { keys, of_programs, objects, tracked });
            }
        }
        None
    }

    /// The objects that go with the keys, both the model's and the checkpoint's; keys that an object needs stay.
    fn unread_objects(&self, keys: &mut HashSet<Vec<u8>>) -> (HashSet<usize>, HashSet<usize>) {
        let Some(objects) = self.objects else { return (HashSet::new(), HashSet::new()) };
        let mut passes = 0..PASSES;
        loop {
            if passes.next().is_none() {
                keys.clear();
            }
            let gone = objects.unread(self.stored.layers(), &|key| !keys.contains(key));
            let mut tracked: HashSet<usize> =
                gone.iter().filter_map(|object| objects.tied.get(*object).copied().flatten()).collect();
            // One of the checkpoint that is two of the model's goes with both.
            for (object, tied) in objects.tied.iter().enumerate() {
                if let Some(tied) = tied.filter(|_| !gone.contains(&object)) {
                    tracked.remove(&tied);
                }
            }
            let known: HashSet<usize> = objects.tied.iter().flatten().copied().collect();
            let before = keys.len();
            for (at, object) in objects.tracked.iter().enumerate() {
                let may_go = if known.contains(&at) {
                    tracked.contains(&at)
                } else {
                    // Nobody has it; what it holds goes if it is a value of a variable.
                    object.values.iter().all(|(name, _)| *name == VALUE)
                };
                if !may_go {
                    keys.retain_not(object.values.iter().map(|(_, key)| *key));
                }
            }
            if before == keys.len() {
                let is_empty = |object: &crate::slim::objects::Tracked<'_>| {
                    !object.values.is_empty() && object.values.iter().all(|(_, key)| keys.contains(*key))
                };
                let unknown = objects.tracked.iter().enumerate().filter(|(at, _)| !known.contains(at));
                tracked.extend(unknown.filter(|(_, object)| is_empty(object)).map(|(at, _)| at));
                return (gone, tracked);
            }
        }
    }
}

/// Those of some keys that no session needs.
pub(super) fn free_in_sessions(
    programs: &[Program<'_>],
    restored: &[Restored<'_>],
    mut keys: HashSet<Vec<u8>>,
) -> HashSet<Vec<u8>> {
    for _ in 0..PASSES {
        let before = keys.len();
        for (program, restored) in programs.iter().zip(restored) {
            of_program(program, restored, &mut keys);
        }
        if before == keys.len() {
            return keys;
        }
    }
    HashSet::new()
}

/// What goes of a metagraph with these keys; keys that it needs stay.
fn of_program(program: &Program<'_>, restored: &Restored<'_>, keys: &mut HashSet<Vec<u8>>) -> OfProgram {
    let before = program.reach(Reasons::ALL);
    let mut passes = 0..PASSES;
    loop {
        let goes: Vec<bool> = restored.keys.iter().map(|key| keys.contains(*key)).collect();
        let goes = |setter: &Setter| goes.get(setter.key) == Some(&true);
        let setters = restored.setters.iter().enumerate().filter(|(_, setter)| goes(setter));
        let setters: BTreeSet<usize> = setters.map(|(at, _)| at).collect();
        let mut cuts = Cuts::default();
        for setter in setters.iter().filter_map(|at| restored.setters.get(*at)) {
            let called = restored.scopes.get(setter.scope).and_then(|scope| scope.function.as_ref());
            match (called, setter.argument, setter.chain.last()) {
                (Some(called), Some(argument), _) => {
                    cuts.given.entry(called.caller).or_default().insert(argument);
                }
                (None, _, Some(assignment)) => {
                    cuts.run.insert(*assignment);
                }
                _ => {}
            }
        }
        let reached = program.reach_but(Reasons::ALL, &cuts, Some(&before));
        let names = resources(program, &reached);
        let is_needed = |setter: &&Setter| {
            let name = program.nodes.get(setter.handle).and_then(|node| resource(&node.def));
            let assignment = setter.chain.last().filter(|_| setter.argument.is_none());
            reached.has(setter.handle)
                || name.is_none_or(|name| names.contains(name))
                || assignment.is_some_and(|assignment| reached.has(*assignment))
        };
        let needed = setters.iter().filter_map(|at| restored.setters.get(*at)).filter(is_needed);
        let needed: Vec<&[u8]> = restored.keys_of(needed).collect();
        if needed.is_empty() {
            return OfProgram { setters, cuts, reached };
        }
        match passes.next() {
            Some(_) => keys.retain_not(needed.into_iter()),
            None => keys.clear(),
        }
    }
}

/// The names of all resources that what is reached may have a handle of.
fn resources<'f>(program: &Program<'f>, reached: &Reached) -> HashSet<&'f [u8]> {
    let nodes = program.nodes.iter().enumerate().filter(|(vertex, _)| reached.has(*vertex));
    let mut names: HashSet<&[u8]> = nodes.filter_map(|(_, node)| resource(&node.def)).collect();
    let functions = (program.nodes.len()..).zip(&program.functions).filter(|(vertex, _)| reached.has(*vertex));
    names.extend(functions.flat_map(|(_, function)| resources_of_function(program.file, function.at.field)));
    names
}

impl OfProgram {
    /// The edits of a metagraph.
    fn edits(&self, gone: &mut Gone, program: &Program<'_>, restored: &Restored<'_>) -> Result<(), NotTaken> {
        gone.sweep(program, &self.reached)?;
        let mut works: BTreeMap<usize, Work<'_, '_>> = BTreeMap::new();
        for setter in self.setters.iter().filter_map(|setter| restored.setters.get(*setter)) {
            let Some(scope) = restored.scopes.get(setter.scope) else { continue };
            let work = works.entry(setter.scope).or_insert_with(|| Work::new(program, scope));
            work.outputs.entry(setter.restore).or_default().insert(setter.output);
            work.nodes.extend(&setter.chain);
            work.arguments.extend(setter.argument);
        }
        for (scope, work) in works {
            work.edits(gone, restored.restores.get(scope).map_or(&[], Vec::as_slice))?;
        }
        // What a group does not run any more, wherever the group is.
        for (_, node) in program.nodes.iter().enumerate().filter(|(vertex, _)| self.reached.has(*vertex)) {
            for field in node.def.input_fields() {
                let input = Input::parse(field.bytes(program.file));
                let is_cut = || program.node(input.name).is_some_and(|node| self.cuts.run.contains(&node));
                if input.is_control && is_cut() {
                    gone.edits.delete(&node.at.path(), field.range())?;
                }
            }
        }
        Ok(())
    }
}

/// What goes of a scope.
struct Work<'a, 'f> {
    program: &'a Program<'f>,
    scope: &'a Scope<'f>,
    /// The outputs that go, by the restoring node.
    outputs: BTreeMap<usize, BTreeSet<usize>>,
    /// The nodes that go, without restoring ones.
    nodes: BTreeSet<usize>,
    /// The arguments that go.
    arguments: BTreeSet<usize>,
}

impl<'a, 'f> Work<'a, 'f> {
    /// Nothing goes yet.
    fn new(program: &'a Program<'f>, scope: &'a Scope<'f>) -> Self {
        let (outputs, nodes, arguments) = (BTreeMap::new(), BTreeSet::new(), BTreeSet::new());
        Self { program, scope, outputs, nodes, arguments }
    }

    fn path(&self, node: usize) -> Vec<Field> {
        let Some((field, _)) = self.scope.nodes.get(node) else { return Vec::new() };
        match &self.scope.function {
            Some(called) => called.path.iter().copied().chain([*field]).collect(),
            None => self.program.nodes.get(node).map(|node| node.at.path()).unwrap_or_default(),
        }
    }

    fn edits(&self, gone: &mut Gone, restores: &[Restore]) -> Result<(), NotTaken> {
        let file = self.program.file;
        let (mut nodes, mut partly) = (self.nodes.clone(), HashMap::new());
        for restore in restores {
            let Some(outputs) = self.outputs.get(&restore.node) else { continue };
            if outputs.len() == restore.names.len() {
                nodes.insert(restore.node);
                nodes.extend(restore.constants.iter().filter(|constant| self.scope.is_taken_once(**constant)));
                continue;
            }
            partly.insert(restore.node, outputs);
            let path = self.path(restore.node);
            let attributes = Attributes::of_node(file, &path);
            let count = restore.names.len();
            attributes.with_integers(&mut gone.edits, b"dtypes", list_value::TYPE, &|list| without(&list, outputs))?;
            attributes.without_messages(&mut gone.edits, OUTPUT_SHAPES, list_value::SHAPE, outputs)?;
            for constant in restore.constants {
                if !self.scope.is_taken_once(constant) {
                    return Err(NotTaken::Attribute);
                }
                let path = self.path(constant);
                Attributes::of_node(file, &path).without_strings(&mut gone.edits, count, outputs)?;
            }
        }
        self.renumbered(gone, &nodes, &partly)?;
        let Some(called) = &self.scope.function else {
            // Nodes of the graph have gone as unreached ones.
            return Ok(());
        };
        for node in &nodes {
            let Some((field, _)) = self.scope.nodes.get(*node) else { continue };
            gone.edits.delete(&called.path, field.range())?;
        }
        self.function(gone, called, &nodes)?;
        self.call(gone, called)
    }

    /// What stays takes outputs by other numbers, and does not wait for what went.
    fn renumbered(
        &self,
        gone: &mut Gone,
        nodes: &BTreeSet<usize>,
        partly: &HashMap<usize, &BTreeSet<usize>>,
    ) -> Result<(), NotTaken> {
        let file = self.program.file;
        for (at, (_, def)) in self.scope.nodes.iter().enumerate() {
            if nodes.contains(&at) {
                continue;
            }
            for field in def.input_fields() {
                let input = Input::parse(field.bytes(file));
                let Some(of) = self.scope.node(input.name) else { continue };
                if nodes.contains(&of) && input.is_control && self.scope.function.is_some() {
                    gone.edits.delete(&self.path(at), field.range())?;
                }
                let Some(outputs) = partly.get(&of).filter(|_| !input.is_control) else { continue };
                let (index, less) = (input.index(), outputs.range(..input.index()).count());
                if less > 0 {
                    let port = index.saturating_sub(less);
                    let name = String::from_utf8_lossy(input.name);
                    let written = match input.output() {
                        Some(output) => format!("{name}:{}:{port}", String::from_utf8_lossy(output)),
                        None if port == 0 => name.into_owned(),
                        None => format!("{name}:{port}"),
                    };
                    let path: Vec<Field> = self.path(at).into_iter().chain([field]).collect();
                    gone.edits.replace(&path, field.payload(), written.into_bytes())?;
                }
            }
        }
        Ok(())
    }

    /// The function has fewer arguments and control outputs.
    fn function(&self, gone: &mut Gone, called: &Called<'_>, nodes: &BTreeSet<usize>) -> Result<(), NotTaken> {
        let file = self.program.file;
        let Some(function) = called.path.last() else { return Ok(()) };
        let names: HashSet<&[u8]> =
            nodes.iter().filter_map(|node| self.scope.nodes.get(*node)).map(|(_, def)| def.name()).collect();
        let of_function: Vec<Field> = fields(file, function.payload()).collect();
        let mut controls: HashSet<&[u8]> = HashSet::new();
        for entry in of_function.iter().filter(|field| field.is_len(CONTROL_RET)) {
            let read = Entry::read(file, *entry);
            if names.contains(read.text()) {
                controls.insert(read.key);
                gone.edits.delete(&called.path, entry.range())?;
            }
        }
        let mut argument = 0_usize;
        for signature in of_function.iter().filter(|field| field.is_len(SIGNATURE)) {
            let path: Vec<Field> = called.path.iter().copied().chain([*signature]).collect();
            for field in fields(file, signature.payload()) {
                let goes = if field.is_len(INPUT_ARG) {
                    argument = argument.saturating_add(1);
                    self.arguments.contains(&argument.saturating_sub(1))
                } else {
                    field.is_len(CONTROL_OUTPUT) && controls.contains(field.bytes(file))
                };
                if goes {
                    gone.edits.delete(&path, field.range())?;
                }
            }
        }
        for entry in of_function.iter().filter(|field| field.is_len(ARG_ATTR) || field.is_len(RESOURCE_ARG_UNIQUE_ID)) {
            let (key, _) = numbered_entry(file, entry.payload());
            let key = usize::try_from(key).unwrap_or(usize::MAX);
            let less = self.arguments.range(..key).count();
            if self.arguments.contains(&key) {
                gone.edits.delete(&called.path, entry.range())?;
            } else if less > 0 {
                let number =
                    fields(file, entry.payload()).find(|it| it.number == KEY && it.wire_type == WireType::Varint);
                let number = number.ok_or(NotTaken::Attribute)?;
                let path: Vec<Field> = called.path.iter().copied().chain([*entry]).collect();
                gone.edits.replace(&path, number.payload(), integer(key.saturating_sub(less) as u64))?;
            }
        }
        let attributes = Attributes { file, path: &called.path, number: FUNCTION_ATTR };
        attributes.without_messages(&mut gone.edits, b"_input_shapes", list_value::SHAPE, &self.arguments)
    }

    /// The call gives fewer arguments.
    fn call(&self, gone: &mut Gone, called: &Called<'_>) -> Result<(), NotTaken> {
        let file = self.program.file;
        let Some(caller) = self.program.nodes.get(called.caller) else { return Ok(()) };
        let path = caller.at.path();
        let inputs = caller.def.input_fields().filter(|field| is_data(field.bytes(file)));
        for (_, field) in inputs.enumerate().filter(|(at, _)| self.arguments.contains(at)) {
            gone.edits.delete(&path, field.range())?;
        }
        let attributes = Attributes::of_node(file, &path);
        attributes.with_integers(&mut gone.edits, b"Tin", list_value::TYPE, &|list| without(&list, &self.arguments))?;
        attributes.with_integers(&mut gone.edits, b"_read_only_resource_inputs", list_value::I, &|list| {
            let at = |position: u64| usize::try_from(position).unwrap_or(usize::MAX);
            let kept = list.into_iter().filter(|position| !self.arguments.contains(&at(*position)));
            kept.map(|position| position.saturating_sub(self.arguments.range(..at(position)).count() as u64)).collect()
        })
    }
}

/// A list without what is at these positions.
fn without(list: &[u64], gone: &BTreeSet<usize>) -> Vec<u64> {
    list.iter().enumerate().filter(|(at, _)| !gone.contains(at)).map(|(_, value)| *value).collect()
}
