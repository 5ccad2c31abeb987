//! What a Python program gets that loads a TF2 metagraph: its functions and objects, and who needs whom.
//!
//! A remedy that drops a function drops what only that function needs: the functions that it calls, those that stand in
//! for them on another device, their gradients, the objects that they captured, and the entries of all these in the object graph
//! and in the checkpoint's. So causes say which needs the remedy ends ([`Program::without`]), and what nothing reaches any
//! more is what it frees ([`Program::claim`]). Both are asked of a graph ([`ProgramGraph`]); here is what its vertices are, how it
//! is read (`read`), and which bytes tell of a vertex (`claim`).

mod claim;
mod read;

use std::collections::hash_map;
use std::ops::Range;

use foldhash::HashMap;

use super::nodes::Function;
use crate::graph::{EdgeKind, Need, ProgramGraph, VertexSet};
use crate::message::saved_object::Kind;
use crate::message::{Message, SavedObject};
use crate::wire::Field;

/// The most parts of an object's path that are shown.
const MAX_PATH: usize = 24;

/// A function or an object, by its number: functions first, in the order of the library.
pub(super) type Vertex = u32;

/// A node of the object graph.
pub(super) struct Object<'a> {
    field: Field,
    object: SavedObject<'a>,
    pub(super) children: Vec<Child<'a>>,
    /// What it is.
    pub(super) kind: Kind<'a>,
}

/// An object's attribute.
#[derive(Debug, Clone, Copy)]
pub(super) struct Child<'a> {
    pub(super) name: &'a [u8],
    pub(super) vertex: Vertex,
}

/// The objects and functions of one metagraph.
pub(super) struct Program<'a> {
    file: &'a [u8],
    pub(super) meta_graph: usize,
    functions: Vec<Function<'a>>,
    pub(super) objects: Vec<Object<'a>>,
    by_name: HashMap<&'a [u8], Vertex>,
    /// The entries of `concrete_functions` by function: the whole field, and the SavedConcreteFunction.
    concrete: HashMap<Vertex, (Range<usize>, Message<'a>)>,
    /// The entries of the library's `gradient` and `registered_gradients`, each with its gradient function.
    gradients: Vec<(Vertex, Range<usize>)>,
    graph: ProgramGraph,
}

/// The objects of a program in the order of their distance from its root.
pub(super) struct Nearest<'a> {
    pub(super) order: Vec<Vertex>,
    parents: HashMap<Vertex, Option<(Vertex, &'a [u8])>>,
}

impl Nearest<'_> {
    /// The path of attributes that leads to an object; of a long one its end.
    pub(super) fn path(&self, object: Vertex) -> String {
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
    /// The function of this name.
    pub(super) fn function(&self, name: &[u8]) -> Option<Vertex> {
        self.by_name.get(name).copied()
    }

    /// The functions, in the order of the library, with their numbers.
    pub(super) fn functions(&self) -> impl Iterator<Item = (Vertex, &Function<'a>)> {
        (0..).zip(&self.functions)
    }

    /// The function with this number; `None` for an object.
    pub(super) fn function_at(&self, vertex: Vertex) -> Option<&Function<'a>> {
        self.functions.get(vertex as usize)
    }

    /// The functions among some vertices.
    pub(super) fn functions_among(&self, vertices: &VertexSet) -> impl Iterator<Item = &Function<'a>> {
        self.functions().filter(|(number, _)| vertices.contains(*number)).map(|(_, function)| function)
    }

    /// The objects, in the order of the object graph, with their numbers.
    pub(super) fn objects(&self) -> impl Iterator<Item = (Vertex, &Object<'a>)> {
        (self.vertex_of(0)..).zip(&self.objects)
    }

    /// The number of an object by its position in the object graph.
    pub(super) fn vertex_of(&self, object: usize) -> Vertex {
        vertex_of(self.functions.len(), object)
    }

    /// The position of an object in the object graph; `None` for a function.
    pub(super) fn position_of(&self, vertex: Vertex) -> Option<u32> {
        vertex.checked_sub(u32::try_from(self.functions.len()).ok()?)
    }

    /// The object with this number; `None` for a function.
    pub(super) fn object(&self, vertex: Vertex) -> Option<&Object<'a>> {
        self.objects.get(self.position_of(vertex)? as usize)
    }

    /// The attributes of an object; none for a function.
    pub(super) fn children(&self, vertex: Vertex) -> &[Child<'a>] {
        self.object(vertex).map_or(&[][..], |object| &object.children)
    }

    /// No function and no object.
    pub(super) fn nothing(&self) -> VertexSet {
        VertexSet::none_of(self.graph.vertices())
    }

    /// What leads to one of `to`, these included, by needs of those for which `is_open` holds.
    pub(super) fn leading_to(
        &self,
        to: impl IntoIterator<Item = Vertex>,
        is_open: impl Fn(Vertex) -> bool,
    ) -> VertexSet {
        self.graph.leading_to(to, is_open)
    }

    /// The objects that the root leads to, nearest first, and by which attribute of which object each is first met.
    pub(super) fn nearest_first(&self) -> Nearest<'a> {
        let root = self.vertex_of(0);
        let mut nearest = Nearest { parents: HashMap::from_iter([(root, None)]), order: vec![root] };
        let mut at = 0;
        while let Some(vertex) = nearest.order.get(at).copied() {
            for child in self.children(vertex) {
                if let hash_map::Entry::Vacant(parent) = nearest.parents.entry(child.vertex) {
                    parent.insert(Some((vertex, child.name)));
                    nearest.order.push(child.vertex);
                }
            }
            at += 1;
        }
        nearest
    }

    /// The traces of a function object, in the order of the file.
    pub(super) fn traces(&self, object: &Object<'a>) -> impl Iterator<Item = Vertex> + use<'_, 'a> {
        object.kind.traces().into_iter().filter_map(|name| self.function(name.bytes(self.file)))
    }

    /// The function that a bare function object is.
    pub(super) fn bare_function(&self, object: &Object<'a>) -> Option<Vertex> {
        self.function(object.kind.bare_function()?)
    }

    /// The SavedConcreteFunction of a function.
    pub(super) fn concrete_function_of(&self, function: Vertex) -> Option<&Message<'a>> {
        self.concrete.get(&function).map(|(_, value)| value)
    }

    pub(super) fn has_registered_gradients(&self) -> bool {
        self.graph.has(EdgeKind::Gradient)
    }

    /// What nothing reaches any more once the needs are gone for which `ends` holds, and something reached before.
    pub(super) fn without(&self, ends: impl Fn(&Need) -> bool) -> VertexSet {
        self.graph.only_through(ends)
    }
}

/// The number of an object by its position, behind so many functions.
fn vertex_of(functions: usize, object: usize) -> Vertex {
    Vertex::try_from(functions.saturating_add(object)).unwrap_or(Vertex::MAX)
}

/// The position of an object by the number that a file has for it.
fn position(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
