//! The objects of a program and what the checkpoint has of them: which variables Python needs, and which it does not.
//!
//! Both graphs are known to a loader by the names of edges from the root (`tensorflow/python/checkpoint/restore.py`), and so
//! they are tied here. Node ids are positions and stay: what goes becomes an object without content.

use std::collections::{HashMap, HashSet};

use thiserror::Error;

use super::owners::{Owner, Owners, Role};
use super::program::{Placed, Program};
use crate::edit::numbers::with_length;
use crate::edit::{Conflict, Splices};
use crate::message::constants::KERAS_OBJECT;
use crate::message::number::meta_graph_def::OBJECT_GRAPH_DEF;
use crate::message::number::saved_object::{REGISTERED_NAME, REGISTERED_SAVER};
use crate::message::number::saved_object_graph::{CONCRETE_FUNCTIONS, NODES};
use crate::message::number::saved_variable::EXPERIMENTAL_DISTRIBUTED_VARIABLE_COMPONENTS;
use crate::message::number::trackable_object_graph::trackable_object::{ATTRIBUTES, CHILDREN, SLOT_VARIABLES};
use crate::message::number::trackable_object_graph::trackable_object::{serialized_tensor, slot_variable_reference};
use crate::message::number::{saved_object, trackable_object_graph};
use crate::message::saved_object::{Child, Kind, bound_inputs};
use crate::message::{Entry, Message, SavedObject};
use crate::wire::{Field, fields};

/// Why no object can go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum Untied {
    #[error("several metagraphs have objects")]
    Several,
    #[error("the objects are in several pieces")]
    Pieces,
    #[error("the checkpoint has no objects")]
    None,
    #[error("the objects of the model and of the checkpoint are not the same")]
    Differ,
}

/// What an attribute is called that is an optimizer.
const OPTIMIZER: &[u8] = b"optimizer";

/// Objects that are made of what the file says of them, and of nothing else (`tensorflow/python/saved_model/load.py`,
/// `tensorflow/python/trackable/data_structures.py`). One that says it is something else (`optimizer`,
/// `experimentalOptimizer`) may be made by a class that is there, which has variables of its own and wants all of their values.
const PLAIN: [&[u8]; 6] = [
    b"",
    b"_generic_user_object",
    b"signature_map",
    b"trackable_dict_wrapper",
    b"trackable_list_wrapper",
    b"trackable_tuple_wrapper",
];

/// The name of an attribute under which a variable's value is (`tensorflow/python/trackable/base.py`).
pub(super) const VALUE: &[u8] = b"VARIABLE_VALUE";

/// The layers of Keras whose variables are needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layers {
    /// None: they are not loaded as such.
    None,
    /// Those that say of themselves that they are.
    Own,
    /// Whatever the root has, as metadata are there by which it is loaded.
    All,
}

/// An object of the checkpoint.
#[derive(Debug)]
pub(super) struct Tracked<'t> {
    pub(super) field: Field,
    pub(super) children: Vec<(Field, u64, &'t [u8])>,
    /// The name and the key of each value.
    pub(super) values: Vec<(&'t [u8], &'t [u8])>,
    /// The variable, the slot's name and its variable.
    pub(super) slots: Vec<(Field, u64, &'t [u8], u64)>,
}

/// The objects of a model.
#[derive(Debug)]
pub(super) struct Objects<'f, 't> {
    pub(super) file: &'f [u8],
    pub(super) saved: Vec<(Placed<2>, SavedObject<'f>, Kind<'f>)>,
    pub(super) tracked: Vec<Tracked<'t>>,
    /// For each object that one of the checkpoint.
    pub(super) tied: Vec<Option<usize>>,
    /// The objects that functions have captured.
    pub(super) captured: HashSet<u64>,
    owners: Owners,
}

/// Reads the objects of the checkpoint.
pub(super) fn tracked(graph: &[u8]) -> Vec<Tracked<'_>> {
    let nodes = fields(graph, 0..graph.len()).filter(|field| field.is_len(trackable_object_graph::NODES));
    let read = |field: Field| {
        let node = Message::new(graph, field.payload());
        let child = |field: Field| {
            let child = Child::read(graph, field);
            (field, child.node, graph.get(child.name).unwrap_or_default())
        };
        let value = |field: Field| {
            let value = Message::new(graph, field.payload());
            (value.bytes(serialized_tensor::NAME), value.bytes(serialized_tensor::CHECKPOINT_KEY))
        };
        let slot = |field: Field| {
            let slot = Message::new(graph, field.payload());
            let [original, variable] =
                [slot_variable_reference::ORIGINAL_VARIABLE_NODE_ID, slot_variable_reference::SLOT_VARIABLE_NODE_ID]
                    .map(|number| slot.integer(number));
            (field, original, slot.bytes(slot_variable_reference::SLOT_NAME), variable)
        };
        Tracked {
            field,
            children: node.repeated(CHILDREN).map(child).collect(),
            values: node.repeated(ATTRIBUTES).map(value).collect(),
            slots: node.repeated(SLOT_VARIABLES).map(slot).collect(),
        }
    };
    nodes.map(read).collect()
}

impl<'f, 't> Objects<'f, 't> {
    /// Reads the objects of a model's metagraphs and of its checkpoint; `None` where the model has none.
    pub(super) fn read(programs: &[Program<'f>], graph: Option<&'t [u8]>) -> Result<Option<Self>, Untied> {
        let with = |program: &Program<'f>| (program.meta, program.sections(OBJECT_GRAPH_DEF), program.file);
        let mut found: Vec<_> = programs.iter().map(with).filter(|(_, sections, _)| !sections.is_empty()).collect();
        let Some((meta, sections, file)) = found.pop() else { return Ok(None) };
        if !found.is_empty() {
            return Err(Untied::Several);
        }
        let [section] = sections[..] else { return Err(Untied::Pieces) };
        let mut objects = Self {
            file,
            saved: Vec::new(),
            tracked: tracked(graph.unwrap_or_default()),
            tied: Vec::new(),
            captured: HashSet::new(),
            owners: Owners::default(),
        };
        for field in fields(file, section.payload()) {
            if field.is_len(NODES) {
                let object = SavedObject::new(file, field.payload());
                let kind = object.kind();
                objects.saved.push((Placed { within: [meta, section], field }, object, kind));
            } else if field.is_len(CONCRETE_FUNCTIONS) {
                objects.captured.extend(bound_inputs::<u64>(&Entry::read(file, field).value));
            }
        }
        objects.owners = Owners::of(&objects.by_role());
        if graph.is_some() {
            objects.tie()?;
        } else {
            objects.tied = vec![None; objects.saved.len()];
        }
        Ok(Some(objects))
    }

    /// Ties objects to those of the checkpoint, by the names of edges from the root.
    fn tie(&mut self) -> Result<(), Untied> {
        let mut tied: Vec<Option<usize>> = vec![None; self.saved.len()];
        let mut open = vec![(0_usize, 0_usize)];
        let mut slots = Vec::new();
        while let Some((saved, tracked)) = open.pop() {
            let (Some(at), Some((_, object, _)), Some(of)) =
                (tied.get_mut(saved), self.saved.get(saved), self.tracked.get(tracked))
            else {
                continue;
            };
            match at {
                Some(before) if *before == tracked => continue,
                Some(_) => return Err(Untied::Differ),
                None => *at = Some(tracked),
            }
            let by_name: HashMap<&[u8], u64> = of.children.iter().map(|(_, node, name)| (*name, *node)).collect();
            for child in object.children() {
                let name = self.file.get(child.name).unwrap_or_default();
                if let Some(node) = by_name.get(name) {
                    open.push((position(child.node), position(*node)));
                }
            }
            slots.push((saved, tracked));
        }
        // Those of slots are known when the variables are that they are for.
        for (saved, tracked) in slots {
            let (Some((_, object, _)), Some(of)) = (self.saved.get(saved), self.tracked.get(tracked)) else { continue };
            let by_name: HashMap<(u64, &[u8]), u64> =
                of.slots.iter().map(|(_, original, name, slot)| ((*original, *name), *slot)).collect();
            for (field, original, slot) in object.slots() {
                let name = Message::new(self.file, field.payload()).bytes(slot_variable_reference::SLOT_NAME);
                let Some(original) = tied.get(position(original)).copied().flatten() else { continue };
                let Some(found) = by_name.get(&(original as u64, name)) else { continue };
                match tied.get_mut(position(slot)) {
                    Some(at @ None) => *at = Some(position(*found)),
                    Some(Some(before)) if *before != position(*found) => return Err(Untied::Differ),
                    _ => {}
                }
            }
        }
        self.tied = tied;
        Ok(())
    }

    /// What an object is that has no content.
    pub(super) fn empty() -> Vec<u8> {
        // A SavedObject with a `user_object` in which nothing is.
        with_length(saved_object::USER_OBJECT, &[])
    }

    /// The keys of an object's values.
    pub(super) fn keys(&self, object: usize) -> impl Iterator<Item = &'t [u8]> + use<'_, 'f, 't> {
        let tracked = self.tied.get(object).copied().flatten().and_then(|tracked| self.tracked.get(tracked));
        tracked.into_iter().flat_map(|tracked| tracked.values.iter().map(|(_, key)| *key))
    }

    /// The children of an object, each with its name.
    pub(super) fn children(&self, object: usize) -> impl Iterator<Item = (&'f [u8], usize)> + use<'_, 'f, 't> {
        let children = self.saved.get(object).into_iter().flat_map(|(_, object, _)| object.children());
        children.map(|child: Child| (self.file.get(child.name).unwrap_or_default(), position(child.node)))
    }

    /// The objects to which these names of attributes lead from the root, with dots between.
    pub(super) fn path(&self, names: &str) -> Option<Vec<usize>> {
        let mut path = vec![0];
        for part in names.split('.') {
            let mut children = self.children(*path.last()?);
            path.push(children.find(|(name, _)| *name == part.as_bytes())?.1);
        }
        Some(path)
    }

    /// The function to which these names of attributes lead, with dots between.
    pub(super) fn function(&self, names: &str) -> Option<usize> {
        let at = *self.path(names)?.last()?;
        matches!(self.kind(at)?, Kind::Function(_) | Kind::BareFunction(_)).then_some(at)
    }

    fn kind(&self, object: usize) -> Option<&Kind<'f>> {
        self.saved.get(object).map(|(.., kind)| kind)
    }

    /// Whether an object is made of what the file says of it, and of nothing else.
    pub(super) fn is_plain(&self, object: usize) -> bool {
        self.kind(object).is_some_and(|kind| matches!(kind, Kind::User(_)) && PLAIN.contains(&kind.identifier()))
    }

    /// Whether an object may be made by a class that wants the values of all of its variables: an optimizer, as a rule.
    fn is_optimizer(&self, object: usize) -> bool {
        let is_of_class =
            |kind: &Kind<'_>| matches!(kind, Kind::User(_)) && !kind.identifier().starts_with(KERAS_OBJECT);
        self.kind(object).is_some_and(is_of_class) && !self.is_plain(object)
    }

    /// Whether an object may be made by a class that is there, which wants what it knows of it.
    pub(super) fn is_of_class(&self, object: usize) -> bool {
        let is_registered = |object: &SavedObject<'_>| {
            !object.message().bytes(REGISTERED_NAME).is_empty() || object.message().message(REGISTERED_SAVER).is_some()
        };
        self.is_optimizer(object) || self.saved.get(object).is_some_and(|(_, object, _)| is_registered(object))
    }

    /// The objects as `owners` asks for them.
    fn by_role(&self) -> Vec<Owner> {
        let role = |object: usize| match self.kind(object) {
            Some(Kind::Variable(_)) => Role::Variable,
            // One that was never called, as an optimizer has for its steps, is nothing that anybody can call.
            Some(kind @ Kind::Function(_)) if kind.functions().is_empty() => Role::List,
            _ if self.is_plain(object) => Role::List,
            _ if self.is_optimizer(object) => Role::Optimizer,
            _ => Role::Other,
        };
        let by_role = |(at, (_, object, _)): (usize, &(_, SavedObject<'_>, _))| Owner {
            role: role(at),
            children: object.children().map(|child| position(child.node)).collect(),
            slots: object.slots().map(|(_, original, slot)| (position(original), position(slot))).collect(),
        };
        self.saved.iter().enumerate().map(by_role).collect()
    }

    /// The variables that Python does not need, and the optimizers that go with them. What has a value that `stays` is needed,
    /// and all that these layers have.
    pub(super) fn unread(&self, layers: Layers, stays: &dyn Fn(&[u8]) -> bool) -> HashSet<usize> {
        let mut needed: HashSet<usize> = self.captured.iter().map(|object| position(*object)).collect();
        if layers != Layers::None {
            self.of_keras(layers == Layers::All, &mut needed);
        }
        for (_, object, _) in &self.saved {
            let is_registered = !object.message().bytes(REGISTERED_NAME).is_empty();
            if is_registered || object.message().message(REGISTERED_SAVER).is_some() {
                needed.extend(object.children().map(|child| position(child.node)));
            }
        }
        let may_go = |object: usize| {
            let mut keys = self.keys(object).peekable();
            let is_variable = matches!(self.kind(object), Some(Kind::Variable(variable))
                if variable.message(EXPERIMENTAL_DISTRIBUTED_VARIABLE_COMPONENTS).is_none());
            is_variable && keys.peek().is_some() && !keys.any(stays)
        };
        let variables = (0..self.saved.len()).filter(|object| may_go(*object) && !needed.contains(object));
        let mut gone: HashSet<usize> = variables.collect();
        self.owners.whole(&mut gone);
        gone
    }

    /// What layers have, but for their optimizers.
    fn of_keras(&self, with_keras: bool, needed: &mut HashSet<usize>) {
        let is_keras = |kind: &Kind<'_>| kind.identifier().starts_with(KERAS_OBJECT);
        let layers = self.saved.iter().enumerate().filter(|(_, (.., kind))| is_keras(kind));
        let mut open: Vec<usize> = layers.map(|(object, _)| object).collect();
        if with_keras && !self.saved.is_empty() {
            open.push(0);
        }
        let mut seen: HashSet<usize> = open.iter().copied().collect();
        while let Some(at) = open.pop() {
            needed.insert(at);
            let Some((_, object, kind)) = self.saved.get(at) else { continue };
            // What a function has captured are children of it, and no path to an object.
            if matches!(kind, Kind::Function(_) | Kind::BareFunction(_)) {
                continue;
            }
            for child in object.children() {
                let (node, name) = (position(child.node), self.file.get(child.name).unwrap_or_default());
                if name != OPTIMIZER && !self.is_optimizer(node) && seen.insert(node) {
                    open.push(node);
                }
            }
        }
    }

    /// The edits by which objects have no content, and no other object has them.
    pub(super) fn emptied(&self, edits: &mut Splices, gone: &HashSet<usize>) -> Result<(), Conflict> {
        let goes = |node: u64| gone.contains(&position(node));
        for (at, (placed, object, _)) in self.saved.iter().enumerate() {
            let path = placed.path();
            if gone.contains(&at) {
                edits.replace(&path, placed.field.payload(), Self::empty())?;
                continue;
            }
            for (field, nodes) in object.references() {
                if nodes.into_iter().any(goes) {
                    edits.delete(&path, field.range())?;
                }
            }
        }
        Ok(())
    }

    /// The edits by which the checkpoint's objects are without these.
    pub(super) fn tracked_without(&self, gone: &HashSet<usize>) -> Result<Splices, Conflict> {
        let mut edits = Splices::default();
        let goes = |node: u64| gone.contains(&position(node));
        for (at, tracked) in self.tracked.iter().enumerate() {
            let path = [tracked.field];
            if gone.contains(&at) {
                edits.delete(&path, tracked.field.payload())?;
                continue;
            }
            for (field, node, _) in &tracked.children {
                if goes(*node) {
                    edits.delete(&path, field.range())?;
                }
            }
            for (field, original, _, slot) in &tracked.slots {
                if goes(*original) || goes(*slot) {
                    edits.delete(&path, field.range())?;
                }
            }
        }
        Ok(edits)
    }
}

/// A node id as a position.
pub(super) fn position(node: u64) -> usize {
    usize::try_from(node).unwrap_or(usize::MAX)
}
