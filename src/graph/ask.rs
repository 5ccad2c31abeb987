//! What findings ask of a metagraph: who needs what, which nodes are handles, how tensors get their values.

use std::sync::Arc;

use foldhash::HashMap;

use super::edges::{Edge, Edges};
use super::{EdgeKind, MetaGraphReach, VertexKind};
use crate::identity::TensorId;
use crate::message::{NodeDef, ops};

/// Who needs what: the edges of a metagraph by the vertex that they lead to.
pub struct Users(Edges);

impl Users {
    /// The vertices that need a vertex, and why.
    #[must_use]
    pub fn of(&self, number: u32) -> impl ExactSizeIterator<Item = (u32, EdgeKind)> {
        parts(self.0.of(number))
    }
}

fn parts(edges: &[Edge]) -> impl ExactSizeIterator<Item = (u32, EdgeKind)> {
    edges.iter().map(|edge| edge.parts())
}

/// How a tensor of the checkpoint gets into what reaches it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bound {
    /// A session (TensorFlow Serving, C++, TF1) restores it into a resource of the graph, with the saver's restore op.
    pub by_graph: bool,
    /// A Python program that loads the model restores it into an object that a function captured.
    pub by_objects: bool,
}

/// A node that is a handle of a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handle<'a> {
    /// The node's number.
    pub number: u32,
    /// What it is called.
    pub name: &'a [u8],
    /// The number of the resource; several nodes may be handles of one.
    pub resource: u32,
    /// The tensors of the checkpoint that the resource is restored from: several where several keys are restored into it.
    /// A list that all handles of the resource share: one may have a thousand handles, and a thousand slices.
    pub tensors: Arc<[TensorId]>,
    /// Whether any root reaches the node.
    pub is_reached: bool,
}

/// That a loader puts a tensor of the checkpoint into something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Restoration {
    /// What gets the value: a resource, into which a session restores it, or an object, into which a Python program does.
    pub into: u32,
    /// The tensor.
    pub tensor: TensorId,
}

impl MetaGraphReach<'_> {
    /// For each tensor of the checkpoint, by which loaders what reaches it gets its value.
    ///
    /// The two need not agree: Keras 3's `model.export()` writes each weight twice, and the functions that a Python
    /// program calls are bound to one copy, the nodes that a session runs are restored from the other.
    #[must_use]
    pub fn bound(&self) -> Vec<Bound> {
        let tensors = self.checkpoint.map_or(0, |checkpoint| checkpoint.bundle.tensors.len());
        let mut bound = vec![Bound::default(); tensors];
        for Restoration { into, tensor } in self.restorations().filter(|found| self.is_reached(found.into)) {
            let Some(bound) = bound.get_mut(tensor.position()) else { continue };
            match self.vertices.kind(into) {
                Some(VertexKind::Object) => bound.by_objects = true,
                _ => bound.by_graph = true,
            }
        }
        bound
    }

    /// What a vertex needs, and why.
    #[must_use]
    pub fn needs(&self, number: u32) -> impl ExactSizeIterator<Item = (u32, EdgeKind)> {
        parts(self.edges.of(number))
    }

    /// The vertices that are no nodes or functions: tensors, then what they are restored into, assets and objects.
    pub(super) fn others(&self) -> impl Iterator<Item = u32> {
        let numbers = |range: std::ops::Range<usize>| {
            u32::try_from(range.start).unwrap_or_default()..u32::try_from(range.end).unwrap_or_default()
        };
        numbers(0..self.declared.start).chain(numbers(self.declared.end..self.vertices.len()))
    }

    /// What is restored from the checkpoint, and from which tensor of it: for each resource and object its keys, also several.
    pub fn restorations(&self) -> impl Iterator<Item = Restoration> {
        let needs = self.others().flat_map(|into| self.needs(into).map(move |(to, kind)| (into, to, kind)));
        needs
            .filter(|(.., kind)| *kind == EdgeKind::Restored)
            // A tensor's number in every metagraph is its position in the index.
            .map(|(into, tensor, _)| Restoration { into, tensor: TensorId(tensor) })
    }

    /// The vertices that are given a handle of a resource, and may read it or write to it: nodes with one of its handles among
    /// their inputs, and functions whose nodes share it by name. A function that is given the handle as an argument is
    /// called by such a node.
    pub fn takers<'u>(&'u self, users: &'u Users, resource: u32) -> impl Iterator<Item = u32> + 'u {
        let handles = users.of(resource).filter(|(_, kind)| *kind == EdgeKind::Handle).map(|(number, _)| number);
        handles.flat_map(move |number| {
            let is_function = self.vertices.kind(number) == Some(VertexKind::Function);
            let takers = users.of(number).filter(|(_, kind)| *kind == EdgeKind::Input).map(|(taker, _)| taker);
            takers.filter(move |_| !is_function).chain(is_function.then_some(number))
        })
    }

    /// The op of a node; empty for what is no node.
    #[must_use]
    pub fn op(&self, number: u32) -> &[u8] {
        let node = self.vertices.get(number).filter(|vertex| vertex.kind == VertexKind::Node);
        node.map_or(&[], |node| NodeDef::read(self.file, node.span).op())
    }

    /// The edges reversed: from what is needed to what needs it.
    #[must_use]
    pub fn users(&self) -> Users {
        Users(self.edges.reversed())
    }

    /// The node of this name. Goes through all nodes.
    #[must_use]
    pub fn node(&self, name: &[u8]) -> Option<u32> {
        self.nodes().find(|number| self.vertices.is_called(self.file, *number, name))
    }

    /// For each tensor of the checkpoint whether a loader of this metagraph restores it into anything, reached or not.
    #[must_use]
    pub fn restored(&self) -> Vec<bool> {
        let tensors = self.checkpoint.map_or(0, |checkpoint| checkpoint.bundle.tensors.len());
        let mut restored = vec![false; tensors];
        for found in self.restorations() {
            restored.get_mut(found.tensor.position()).into_iter().for_each(|restored| *restored = true);
        }
        restored
    }

    /// The nodes that are handles of a resource, as the file has their names, each with the tensors of the checkpoint that
    /// the resource is restored from: none for one that no saver restores.
    pub fn handles(&self) -> impl Iterator<Item = Handle<'_>> {
        let mut of_resource: HashMap<u32, Arc<[TensorId]>> = HashMap::default();
        self.nodes().filter_map(move |number| {
            let resource = self.needs(number).find(|(_, edge)| *edge == EdgeKind::Handle)?.0;
            let restored = || self.needs(resource).filter(|(_, edge)| *edge == EdgeKind::Restored);
            let tensors = of_resource.entry(resource);
            let tensors = tensors.or_insert_with(|| restored().map(|(tensor, _)| TensorId(tensor)).collect()).clone();
            Some(Handle {
                number,
                name: self.name_bytes(number),
                resource,
                tensors,
                is_reached: self.is_reached(number),
            })
        })
    }

    /// The names of the nodes that stand for a resource which is restored from the checkpoint.
    pub fn restored_handles(&self) -> impl Iterator<Item = &[u8]> {
        self.handles().filter(|handle| !handle.tensors.is_empty()).map(|handle| handle.name)
    }

    /// The nodes that no root reaches and that only feed the nodes with these names, or one another: what nobody has a use
    /// for when these go. An Identity that nobody takes is no use either: gradients have one for each input, needed or not.
    pub fn feeds_only(&self, is_gone: impl Fn(&[u8]) -> bool) -> Vec<&[u8]> {
        let inputs = |vertex: u32| {
            self.needs(vertex).filter(|(_, edge)| matches!(edge, EdgeKind::Input | EdgeKind::Control)).map(|(to, _)| to)
        };
        let mut users = vec![0_u32; self.vertices.len()];
        for to in self.nodes().flat_map(inputs) {
            users.get_mut(to as usize).into_iter().for_each(|users| *users += 1);
        }
        let is_identity = |number: u32| self.op(number) == ops::IDENTITY;
        let is_idle =
            |number: &u32| users.get(*number as usize) == Some(&0) && !self.is_reached(*number) && is_identity(*number);
        let idle: Vec<u32> = self.nodes().filter(is_idle).collect();
        for to in idle.into_iter().flat_map(inputs) {
            users.get_mut(to as usize).into_iter().for_each(|users| *users = users.saturating_sub(1));
        }
        let gone = self.nodes().filter(|number| is_gone(self.name_bytes(*number)));
        let mut open: Vec<u32> = gone.collect();
        let mut found = Vec::new();
        while let Some(number) = open.pop() {
            for to in inputs(number) {
                let Some(users) = users.get_mut(to as usize).filter(|users| **users > 0) else { continue };
                *users -= 1;
                let name = Some(self.name_bytes(to)).filter(|_| *users == 0 && !self.is_reached(to));
                if let Some(name) = name.filter(|name| !is_gone(name)) {
                    found.push(name);
                    open.push(to);
                }
            }
        }
        found
    }
}
