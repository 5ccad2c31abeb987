//! Reachability: what a signature needs. From each SignatureDef, the main op and the functions of the object graph to
//! the nodes, functions, variables and assets that a call of them can touch.
//!
//! | module | holds |
//! |---|---|
//! | `node` | a NodeDef's name, op, inputs and function references, read from its span |
//! | `vertices`, `names` | the vertices, and the nodes of a graph by name |
//! | `declare` | nodes and functions, and what most nodes need, in one walk over the graph |
//! | `keys` | the checkpoint's tensors as vertices |
//! | `builder` | a metagraph while its vertices and edges are found |
//! | `build` | all of them in order: the other nodes, resources, assets, signatures |
//! | `objects` | what TF2's object graph adds: captures, traces, tables' functions, assets |
//! | `restore` | which checkpoint keys the saver's restore op puts into which resource |
//! | `edges` | the edges by where they start, and components |
//! | `spread`, `measure` | which roots reach each vertex, and their bytes |
//! | `paths` | how a vertex is first reached |
//! | `walk` | what roots reach, and what they would reach without some edges |
//! | `program` | functions and objects as a Python program has them, where attributes and gradients count as well |
//! | `body` | the nodes of a function as a graph of their own |
//! | `ask` | what findings want to know of a metagraph besides |
//!
//! A function counts as a whole: its body is not pruned. An input that a caller feeds is no end of the walk either: a
//! GraphDef whose nodes lack their inputs cannot be imported, so they stay as long as the signature does. A variable's
//! initial value is not needed by who reads the variable, as a loader restores it; what the main op runs on a
//! resource that is not restored (a table, the path of an asset) is. Gradient functions, which only training looks up, are
//! named by strings and not followed.
//!
//! TF2's models are loaded in two ways, and both count: a session runs the signature's nodes, whose variables the saver's
//! restore op fills; a Python program calls the function, which has captured objects that have keys of their own.
//!
//! Vertices are numbers and edges pairs of them; the walks keep their state in lists, so neither a chain nor a cycle in a
//! file is deep. Time is linear in the file, but for a pass for each 64 signatures.

mod ask;
mod body;
mod build;
mod builder;
mod declare;
mod edges;
mod keys;
mod measure;
mod names;
mod node;
mod objects;
mod paths;
mod program;
mod restore;
mod spread;
#[cfg(test)]
mod tests;
mod vertices;
mod walk;

use std::ops::Range;

use crate::checkpoint::Checkpoint;
use crate::message::constants::{INIT_SIGNATURE, TRAIN_INIT_SIGNATURE};
use crate::outline::{self, Library};
use crate::progress::Progress;
use crate::queue;
use crate::wire::{Field, Layout};

pub use ask::{Bound, Handle, Restoration, Users};
pub use body::{Body, BodyNode};
pub use paths::{PathStep, Paths};
pub use program::{ProgramEdges, ProgramGraph};
pub use vertices::Vertex;
pub use walk::{Need, VertexSet};

use edges::Edges;
use measure::ReachedBy;
use vertices::Vertices;

/// More vertices or edges than this, over all metagraphs, are not followed: the smallest node takes two bytes of a file
/// and fifty of memory.
const MAX_VERTICES: usize = 1 << 22;
const MAX_EDGES: usize = 1 << 24;

/// The tensors of the checkpoint are vertices of each metagraph. A model has a handful of metagraphs, which are all followed. A
/// file of a few kilobytes may have a thousand: then tensors are vertices of those behind the first so often together, or as
/// often as a quarter of the main file's bytes.
const METAGRAPHS: usize = 8;
const TENSORS_AGAIN: usize = 1 << 16;

/// Signatures of a metagraph beyond these are not measured: their bytes would take a pass for each 64.
const MAX_SIGNATURES: usize = 1 << 10;

/// What a vertex is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum VertexKind {
    /// A node of `graph_def` itself.
    Node,
    /// A function of the library, with its nodes.
    Function,
    /// A tensor of the checkpoint.
    Variable,
    /// A file under `assets/`.
    Asset,
    /// A node of `object_graph_def`; counts no bytes.
    Object,
    /// What handles of one name stand for: a variable, a table; counts no bytes.
    Resource,
}

impl VertexKind {
    /// All of them, each at the place that is its number.
    const ALL: [Self; 6] = [Self::Node, Self::Function, Self::Variable, Self::Asset, Self::Object, Self::Resource];

    /// What people call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Function => "function",
            Self::Variable => "variable",
            Self::Asset => "asset",
            Self::Object => "object",
            Self::Resource => "resource",
        }
    }
}

/// Why one vertex needs another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum EdgeKind {
    /// A signature gives it.
    Output,
    /// A signature takes it.
    Fed,
    /// A loader runs it.
    Runs,
    /// The object graph has it.
    Holds,
    /// It is an input.
    Input,
    /// It has to run before.
    Control,
    /// It is called: as an op, or as an attribute's function.
    Calls,
    /// It is what a handle stands for.
    Handle,
    /// Its value comes from this tensor of the checkpoint.
    Restored,
    /// It is the partitioned variable that this is a slice of.
    Slice,
    /// The main op prepares it with this node, or a loader with this function.
    Prepared,
    /// A function captured it.
    Captures,
    /// It is a trace of a function object.
    Trace,
    /// It is the value of an object.
    Value,
    /// It is the file whose path this is.
    File,
    /// It is the gradient of an operation, which training looks up by a string; of programs only.
    Gradient,
}

impl EdgeKind {
    /// All of them, each at the place that is its number.
    const ALL: [Self; 16] = [
        Self::Output,
        Self::Fed,
        Self::Runs,
        Self::Holds,
        Self::Input,
        Self::Control,
        Self::Calls,
        Self::Handle,
        Self::Restored,
        Self::Slice,
        Self::Prepared,
        Self::Captures,
        Self::Trace,
        Self::Value,
        Self::File,
        Self::Gradient,
    ];
}

/// Where reachability begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// An entry of `signature_def`, by its key.
    Signature(String),
    /// What a loader runs: `saved_model_main_op`, `legacy_init_op`.
    MainOp,
    /// The functions of the object graph, but for those of its signatures.
    Objects,
}

/// A root: where reachability begins, and how far it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    /// Which one.
    pub origin: Origin,
    /// The entry's position in `signature_def`, as the file has it.
    pub position: Option<usize>,
    /// The bytes of all that it reaches; `None` where there are too many signatures to measure.
    pub reachable_bytes: Option<u64>,
    /// The bytes of what is reached through it and through no other root of any metagraph.
    pub exclusive_bytes: Option<u64>,
    targets: Vec<(u32, EdgeKind)>,
}

impl Root {
    /// Whether it is there for callers, and not for the loader or for Python.
    #[must_use]
    pub fn is_call(&self) -> bool {
        matches!(&self.origin, Origin::Signature(name) if is_for_callers(name))
    }
}

/// Whether a signature of this name is there for callers, and not for the loader.
pub(crate) fn is_for_callers(signature: &str) -> bool {
    signature != INIT_SIGNATURE && signature != TRAIN_INIT_SIGNATURE
}

/// What reachability is found in.
pub struct Inputs<'a, 'i> {
    /// The main file's SavedModel in wire format.
    pub file: &'a [u8],
    /// Which part of the main file each field of `file` is.
    pub layout: &'a Layout,
    /// Its MetaGraphDefs.
    pub meta_graphs: &'i [MetaGraph<'i>],
    /// What is under `variables/`.
    pub checkpoint: Option<&'a Checkpoint>,
    /// The size of the file of this name under `assets/`; 0 where there is none.
    pub asset_bytes: &'i (dyn Fn(&str) -> u64 + Sync),
    /// Is given the bytes of metagraphs that were followed.
    pub progress: &'i dyn Progress,
}

/// A metagraph to be followed.
#[derive(Debug, Clone)]
pub struct MetaGraph<'i> {
    /// The payload of its MetaGraphDef.
    pub range: Range<usize>,
    /// The nodes of the graph itself that may refer to a function in an attribute or share a resource, in the order of the
    /// file; `None` where that is not known, or where functions are called as ops: then all nodes are read whole.
    pub referring: Option<&'i [Field]>,
    /// The same of all of its functions.
    pub referring_in_functions: Option<&'i [Field]>,
    /// Its functions.
    pub library: &'i Library,
    /// Its signatures.
    pub signatures: &'i [outline::Signature],
    /// How many of its assets are.
    pub assets: usize,
    /// Whether its objects are.
    pub objects: bool,
}

impl<'i> From<&'i outline::MetaGraph> for MetaGraph<'i> {
    /// A metagraph as it was charged.
    fn from(charged: &'i outline::MetaGraph) -> Self {
        let (referring, referring_in_functions) = (charged.notes.referring(), charged.notes.referring_in_functions());
        Self {
            range: charged.range.clone(),
            referring,
            referring_in_functions,
            library: &charged.library,
            signatures: &charged.signatures,
            assets: charged.assets.len(),
            objects: !charged.too_many_objects,
        }
    }
}

/// What the metagraphs of a model reach.
#[derive(Default)]
pub struct Reach<'a> {
    /// In the order of the file. `None` from the one on that is too large to be followed.
    pub meta_graphs: Vec<Option<MetaGraphReach<'a>>>,
}

/// What one metagraph reaches.
pub struct MetaGraphReach<'a> {
    /// Its signatures in the order of the file, then its main op and the object graph, where there are such.
    pub roots: Vec<Root>,
    file: &'a [u8],
    checkpoint: Option<&'a Checkpoint>,
    /// The tensors of the checkpoint in the index's order, then what the metagraph has.
    vertices: Vertices,
    /// Which of these are nodes and functions.
    declared: Range<usize>,
    edges: Edges,
    objects: objects::ObjectNames,
    /// For each vertex how many roots reach it.
    reached: Vec<ReachedBy>,
    /// For each root the bytes of what it alone of this metagraph reaches, and what no other metagraph has.
    own_bytes: Vec<u64>,
}

/// Finds what each signature reaches.
#[must_use]
pub fn reach<'a>(inputs: &Inputs<'a, '_>) -> Reach<'a> {
    let keys = keys::Keys::new(inputs.checkpoint);
    let mut meta_graphs = match inputs.meta_graphs {
        two @ [_, _] => side_by_side(inputs, &keys, two),
        all => one_by_one(inputs, &keys, all),
    };
    measure::exclusive(&mut meta_graphs);
    Reach { meta_graphs }
}

/// Follows two metagraphs on two cores: nothing of one is needed for the other. Each may have all of the room, and the
/// second is kept if there is room for both, so that what is followed does not depend on how many there are.
fn side_by_side<'a>(
    inputs: &Inputs<'a, '_>,
    keys: &keys::Keys<'a>,
    two: &[MetaGraph<'_>],
) -> Vec<Option<MetaGraphReach<'a>>> {
    let mut graphs = queue::map(two, |meta_graph| follow(inputs, keys, meta_graph, ROOM));
    let mut room = ROOM;
    for graph in &mut graphs {
        if graph.as_ref().is_some_and(|graph| graph.vertices.len() > room.0 || graph.edges.count() > room.1) {
            *graph = None;
        }
        room = left_by(graph.as_ref(), room);
    }
    graphs
}

/// Follows metagraphs in the order of the file; those after one that there is no room for are not followed.
fn one_by_one<'a>(
    inputs: &Inputs<'a, '_>,
    keys: &keys::Keys<'a>,
    meta_graphs: &[MetaGraph<'_>],
) -> Vec<Option<MetaGraphReach<'a>>> {
    let mut room = ROOM;
    let again = TENSORS_AGAIN.max(inputs.file.len() / 4).checked_div(keys.bytes.len()).unwrap_or(usize::MAX);
    let again = again.max(METAGRAPHS);
    let follow = |(position, meta_graph)| {
        let graph = if position <= again { follow(inputs, keys, meta_graph, room) } else { None };
        room = left_by(graph.as_ref(), room);
        graph
    };
    meta_graphs.iter().enumerate().map(follow).collect()
}

/// The most vertices and edges over all metagraphs.
const ROOM: (usize, usize) = (MAX_VERTICES, MAX_EDGES);

/// How much of the room is left behind a metagraph: nothing where that was not followed.
fn left_by(graph: Option<&MetaGraphReach<'_>>, (vertices, edges): (usize, usize)) -> (usize, usize) {
    graph.map_or((0, 0), |graph| {
        (vertices.saturating_sub(graph.vertices.len()), edges.saturating_sub(graph.edges.count()))
    })
}

fn follow<'a>(
    inputs: &Inputs<'a, '_>,
    keys: &keys::Keys<'a>,
    meta_graph: &MetaGraph<'_>,
    room: (usize, usize),
) -> Option<MetaGraphReach<'a>> {
    let mut graph = build::build(inputs, keys, meta_graph, room);
    graph.iter_mut().for_each(measure::measure);
    graph
}

impl MetaGraphReach<'_> {
    /// The numbers of all vertices, and what they are: the checkpoint's tensors in the index's order, then those of the
    /// metagraph.
    pub fn kinds(&self) -> impl Iterator<Item = (u32, VertexKind)> {
        self.vertices.kinds()
    }

    /// The numbers of the nodes.
    pub fn nodes(&self) -> impl Iterator<Item = u32> {
        self.kinds().filter(|(_, kind)| *kind == VertexKind::Node).map(|(number, _)| number)
    }

    /// The numbers of all vertices that no root reaches.
    pub fn unreached(&self) -> impl Iterator<Item = u32> {
        (0..).zip(&self.reached).filter(|(_, by)| **by == ReachedBy::NOBODY).map(|(number, _)| number)
    }

    /// A vertex by its number.
    #[must_use]
    pub fn vertex(&self, number: u32) -> Option<Vertex> {
        self.vertices.get(number)
    }

    /// What a vertex is called: a node, function or asset by its name, a tensor by its key, an object by the path of
    /// attributes that leads to it. As the file has it: may hold anything.
    #[must_use]
    pub fn name(&self, number: u32) -> String {
        match self.vertices.kind(number) {
            Some(VertexKind::Variable) => {
                let tensor = self.checkpoint.and_then(|checkpoint| checkpoint.bundle.tensors.get(number as usize));
                tensor.map(|tensor| tensor.key.clone()).unwrap_or_default()
            }
            Some(VertexKind::Object) => self.objects.name(self.file, number),
            Some(_) => String::from_utf8_lossy(self.name_bytes(number)).into_owned(),
            None => String::new(),
        }
    }

    /// The bytes of a vertex's name in the file; empty for a variable.
    fn name_bytes(&self, number: u32) -> &[u8] {
        self.vertices.name(self.file, number)
    }

    /// Whether any root reaches a vertex.
    #[must_use]
    pub fn is_reached(&self, number: u32) -> bool {
        self.by(number) != ReachedBy::NOBODY
    }

    /// Whether a signature that callers use reaches a vertex.
    #[must_use]
    pub fn is_called(&self, number: u32) -> bool {
        self.by(number).is_called(&self.roots)
    }

    fn by(&self, number: u32) -> ReachedBy {
        self.reached.get(number as usize).copied().unwrap_or(ReachedBy::NOBODY)
    }
}
