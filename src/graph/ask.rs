//! What findings ask of a metagraph: who needs what, which nodes are handles, how tensors get their values.

use super::build::first;
use super::edges::Edges;
use super::{Edge, Kind, MetaGraphReach, Thing};

/// Who needs what: the edges of a metagraph by the thing that they lead to.
pub struct Users(Edges);

impl Users {
    /// The things that need a thing, and why.
    #[must_use]
    pub fn of(&self, number: u32) -> &[(u32, Edge)] {
        self.0.of(number)
    }
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
    /// The node.
    pub name: &'a [u8],
    /// The tensors of the checkpoint that the resource is restored from, by their positions in the bundle.
    pub tensors: Vec<usize>,
    /// Whether any root reaches the node.
    pub is_reached: bool,
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
        for (number, thing) in self.things().filter(|(number, _)| self.is_reached(*number)) {
            for (tensor, _) in self.edges.of(number).iter().filter(|(_, edge)| *edge == Edge::Restored) {
                let Some(bound) = bound.get_mut(*tensor as usize) else { continue };
                match thing.kind {
                    Kind::Object => bound.by_objects = true,
                    _ => bound.by_graph = true,
                }
            }
        }
        bound
    }

    /// What a thing needs, and why.
    #[must_use]
    pub fn needs(&self, number: u32) -> &[(u32, Edge)] {
        self.edges.of(number)
    }

    /// The edges the other way round.
    #[must_use]
    pub fn users(&self) -> Users {
        Users(self.edges.reversed())
    }

    /// The node of this name. Goes through all nodes.
    #[must_use]
    pub fn node(&self, name: &[u8]) -> Option<u32> {
        let mut nodes = self.things().filter(|(_, thing)| thing.kind == Kind::Node);
        nodes.find(|(_, thing)| self.name_bytes(thing) == name).map(|(number, _)| number)
    }

    /// For each thing whether some things need it, these included.
    #[must_use]
    pub fn closure(&self, mut open: Vec<u32>) -> Vec<bool> {
        let mut needed = vec![false; self.things.len()];
        while let Some(number) = open.pop() {
            if let Some(seen @ false) = needed.get_mut(number as usize) {
                *seen = true;
                open.extend(self.needs(number).iter().map(|(to, _)| *to));
            }
        }
        needed
    }

    /// For each tensor of the checkpoint whether a loader of this metagraph restores it into anything, reached or not.
    #[must_use]
    pub fn restored(&self) -> Vec<bool> {
        let tensors = self.checkpoint.map_or(0, |checkpoint| checkpoint.bundle.tensors.len());
        let mut restored = vec![false; tensors];
        for (number, _) in self.things() {
            for (tensor, _) in self.needs(number).iter().filter(|(_, edge)| *edge == Edge::Restored) {
                restored.get_mut(*tensor as usize).into_iter().for_each(|restored| *restored = true);
            }
        }
        restored
    }

    /// The nodes that are handles of a resource, as the file has their names, each with the tensors of the checkpoint that
    /// the resource is restored from: none for one that no saver restores.
    pub fn handles(&self) -> impl Iterator<Item = Handle<'_>> {
        let nodes = self.things().filter(|(_, thing)| thing.kind == Kind::Node);
        nodes.filter_map(|(number, thing)| {
            let resource = |(to, edge): &(u32, Edge)| (*edge == Edge::Handle).then_some(*to);
            let resource = self.edges.of(number).iter().find_map(resource)?;
            let restored = self.edges.of(resource).iter().filter(|(_, edge)| *edge == Edge::Restored);
            let tensors = restored.map(|(tensor, _)| *tensor as usize).collect();
            Some(Handle { name: self.name_bytes(thing), tensors, is_reached: self.is_reached(number) })
        })
    }

    /// The names of the nodes that stand for a resource which is restored from the checkpoint.
    pub fn restored_handles(&self) -> impl Iterator<Item = &[u8]> {
        self.handles().filter(|handle| !handle.tensors.is_empty()).map(|handle| handle.name)
    }

    /// The nodes that no root reaches and that only feed the nodes with these names, or one another: what nobody has a use
    /// for when these go. An Identity that nobody takes is no use either: gradients have one for each input, needed or not.
    pub fn feeds_only(&self, is_gone: impl Fn(&[u8]) -> bool) -> Vec<&[u8]> {
        let inputs = |thing: u32| {
            let edges = self.edges.of(thing).iter();
            edges.filter(|(_, edge)| matches!(edge, Edge::Input | Edge::Control)).map(|(to, _)| *to)
        };
        let nodes = || self.things().filter(|(_, thing)| thing.kind == Kind::Node);
        let mut users = vec![0_u32; self.things.len()];
        for to in nodes().flat_map(|(number, _)| inputs(number)) {
            users.get_mut(to as usize).into_iter().for_each(|users| *users += 1);
        }
        let is_idle = |number: u32, thing: &Thing| {
            let op = || self.file.get(first(self.file, thing.span.clone(), 2));
            users.get(number as usize) == Some(&0) && !self.is_reached(number) && op() == Some(b"Identity")
        };
        let idle: Vec<u32> =
            nodes().filter(|(number, thing)| is_idle(*number, thing)).map(|(number, _)| number).collect();
        for to in idle.into_iter().flat_map(inputs) {
            users.get_mut(to as usize).into_iter().for_each(|users| *users = users.saturating_sub(1));
        }
        let gone = nodes().filter(|(_, thing)| is_gone(self.name_bytes(thing)));
        let mut open: Vec<u32> = gone.map(|(number, _)| number).collect();
        let mut found = Vec::new();
        while let Some(number) = open.pop() {
            for to in inputs(number) {
                let Some(users) = users.get_mut(to as usize).filter(|users| **users > 0) else { continue };
                *users -= 1;
                let thing = self.thing(to).filter(|_| *users == 0 && !self.is_reached(to));
                let name = thing.map(|thing| self.name_bytes(thing)).filter(|name| !is_gone(name));
                if let Some(name) = name {
                    found.push(name);
                    open.push(to);
                }
            }
        }
        found
    }
}
