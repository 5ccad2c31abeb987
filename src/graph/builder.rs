//! A metagraph while its vertices and edges are found, and how one more of them is added.

use std::ops::Range;

use foldhash::HashMap;

use super::edges;
use super::keys::Keys;
use super::names::NodeNames;
use super::vertices::Vertices;
use super::{EdgeKind, Origin, Root, Vertex, VertexKind};
use crate::wire::{Layout, first_len};

/// A metagraph while its vertices and edges are found.
pub(super) struct Builder<'a, 'k> {
    pub(super) file: &'a [u8],
    pub(super) layout: &'a Layout,
    pub(super) keys: &'k Keys<'a>,
    pub(super) vertices: Vertices,
    pub(super) edges: edges::FoundEdges,
    pub(super) nodes: NodeNames,
    pub(super) functions: HashMap<&'a [u8], u32>,
    pub(super) resources: HashMap<&'a [u8], u32>,
    pub(super) assets: HashMap<&'a [u8], u32>,
    /// The resource that a node is a handle of.
    pub(super) handles: HashMap<u32, u32>,
    /// The assets in the order of the file, by which objects refer to them.
    pub(super) asset_order: Vec<u32>,
    pub(super) roots: Vec<Root>,
    pub(super) room: (usize, usize),
    /// The numbers of nodes and functions.
    pub(super) declared: Range<usize>,
    /// There are more vertices or edges than there is room for.
    pub(super) full: bool,
    /// How many slices of partitioned variables may be restored into something yet.
    pub(super) slices_left: usize,
}

impl<'a> Builder<'a, '_> {
    /// The number of the next vertex, if there is room for one.
    pub(super) fn next(&mut self) -> Option<u32> {
        self.full |= self.vertices.len() >= self.room.0;
        u32::try_from(self.vertices.len()).ok().filter(|_| !self.full)
    }

    /// Adds a vertex and returns its number.
    pub(super) fn add(&mut self, kind: VertexKind, name: Range<usize>, span: Range<usize>, bytes: u64) -> u32 {
        let Some(number) = self.next() else { return u32::MAX };
        self.edges.begin();
        self.vertices.push(Vertex { kind, span, bytes, name });
        number
    }

    pub(super) fn edge(&mut self, from: u32, to: u32, edge: EdgeKind) {
        if self.has_room_for_edge() {
            self.edges.add(from, to, edge);
        }
    }

    /// Adds an edge from the vertex that was added last.
    #[inline]
    pub(super) fn edge_of_last(&mut self, to: u32, edge: EdgeKind) {
        if self.has_room_for_edge() {
            self.edges.add_to_last(to, edge);
        }
    }

    #[inline]
    fn has_room_for_edge(&mut self) -> bool {
        self.full |= self.edges.len() >= self.room.1;
        !self.full
    }

    pub(super) fn root(&mut self, origin: Origin, position: Option<usize>, targets: Vec<(u32, EdgeKind)>) {
        self.roots.push(Root { origin, position, reachable_bytes: None, exclusive_bytes: None, targets });
    }

    pub(super) fn roots(&self) -> &[Root] {
        &self.roots
    }

    pub(super) fn span(&self, vertex: u32) -> Range<usize> {
        self.vertices.get(vertex).map_or(0..0, |vertex| vertex.span)
    }

    /// The node of this name.
    pub(super) fn node(&self, name: &[u8]) -> Option<u32> {
        self.nodes.get(self.file, &self.vertices, name)
    }

    /// What is restored from a tensor; from a partitioned one, from all of its slices.
    pub(super) fn restored_from(&mut self, vertex: u32, tensor: u32) {
        let keys = self.keys;
        self.edge(vertex, tensor, EdgeKind::Restored);
        let slices = keys.slices.get(&tensor).map_or(&[][..], Vec::as_slice);
        // A variable in slices is restored into one vertex, or each slice into its own: not all of them into very many.
        let Some(left) = self.slices_left.checked_sub(slices.len()) else {
            self.full = true;
            return;
        };
        self.slices_left = left;
        for slice in slices {
            self.edge(vertex, *slice, EdgeKind::Restored);
        }
    }

    /// The resource of a name, which is that of a node or a `shared_name`, both slices of the file.
    pub(super) fn resource(&mut self, name: &'a [u8]) -> u32 {
        if let Some(resource) = self.resources.get(name) {
            return *resource;
        }
        let start = (name.as_ptr() as usize).saturating_sub(self.file.as_ptr() as usize);
        let resource = self.add(VertexKind::Resource, start..start + name.len(), 0..0, 0);
        self.resources.insert(name, resource);
        resource
    }
}

/// The first field `number` of a message: enough for names and for what writers give once.
pub(super) fn first(file: &[u8], message: Range<usize>, number: u32) -> Range<usize> {
    first_len(file, message, number).unwrap_or_default()
}
