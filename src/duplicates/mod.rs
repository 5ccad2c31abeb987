//! What a model holds several times: elements that metagraphs repeat, payloads of one content, functions equal but for names.
//!
//! `docs/duplication.md` has the definitions. The first two are exact and disjoint, and together they are the model's
//! redundant bytes; structural duplicates are reported apart, since removing them takes more than storing once.

mod collect;
mod elements;
mod find;
mod groups;
mod marks;
mod neighbours;
mod originals;
mod payloads;
mod saver_names;
mod source;
mod structure;
mod summary;

use std::ops::Range;

use crate::identity::{FileId, FunctionId, MetaGraphId, NodeRef, TensorId};

pub use collect::{Inputs, MainFile};
pub use elements::ElementKind;
pub use find::find;
pub use marks::Marks;
pub use neighbours::{Neighbour, NeighbourPair, Neighbours, Parts, Shared, SharedKind, neighbours};
pub use source::Open;
pub(crate) use structure::common_stem;

/// So many pairs of metagraphs are listed, those that share most: all of 362 metagraphs. A pair takes four bytes of a file, and more
/// than a kilobyte of memory.
pub const MAX_PAIRS: usize = 65_536;

/// What a model holds several times. All sizes are bytes on disk.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Duplicates {
    /// What would go if each content were stored once: redundant elements and redundant payloads, no byte twice.
    pub redundant_bytes: u64,
    /// The part of `fill_bytes` that is nothing but zeros.
    pub zero_bytes: u64,
    /// Payloads of one value throughout (one element or byte repeated: zeros, ones), which are equal without being copies; not
    /// in `redundant_bytes`.
    pub fill_bytes: u64,
    /// What metagraphs repeat of earlier ones. Pairs that share nothing are left out.
    pub pairs: Vec<Pair>,
    /// How many pairs there are beyond the [`MAX_PAIRS`] that are listed, and have groups of their own.
    pub more_pairs: u64,
    /// What each metagraph but the first has that no earlier one has.
    pub own: Vec<Own>,
    /// Equal contents, the most redundant bytes first.
    pub groups: Vec<Group>,
    /// Functions that are equal but for the names in them.
    pub structural: Structural,
}

/// What one metagraph repeats of an earlier one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// The metagraph that has it first.
    pub original: MetaGraphId,
    /// The metagraph that has it again.
    pub copy: MetaGraphId,
    /// The payload of the copy.
    pub copy_bytes: u64,
    /// What is repeated, by the kind of element, in the order of the MetaGraphDef's fields.
    pub elements: Vec<Repeated>,
}

/// The elements of one kind that a metagraph repeats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Repeated {
    /// The kind.
    pub kind: ElementKind,
    /// How many are repeated.
    pub count: u64,
    /// How many the copy has in all.
    pub of: u64,
    /// The bytes of those that are repeated, tags and lengths included.
    pub bytes: u64,
}

/// What a metagraph has that no earlier one has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Own {
    /// The metagraph.
    pub meta_graph: MetaGraphId,
    /// Its own elements, by their kind.
    pub elements: Vec<OwnElements>,
}

/// The elements of one kind that only this metagraph has, or has first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnElements {
    /// The kind.
    pub kind: ElementKind,
    /// How many.
    pub count: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The payloads of the largest, largest first.
    pub largest: Vec<Range<usize>>,
}

/// One content in several places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// All members but the one that is kept, and those that are counted with an element.
    pub redundant_bytes: u64,
    /// For a part of a metagraph, how many elements it is; 1 for a payload.
    pub elements: u64,
    /// Whether the one that is kept is a byte string in an attribute of a node, and no constant.
    pub is_string: bool,
    /// The places, the one that is kept first.
    pub members: Vec<Member>,
}

impl Group {
    /// The member that is kept.
    #[must_use]
    pub fn kept(&self) -> Option<&Member> {
        self.members.first()
    }

    /// The tensors among its members.
    pub fn tensors(&self) -> impl Iterator<Item = TensorId> {
        self.members.iter().filter_map(|member| member.place.tensor())
    }
}

/// A place that holds the content of its group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// What it is in.
    pub place: Place,
    /// The bytes that it takes.
    pub bytes: u64,
    /// Whether it is inside an element that repeats one of an earlier metagraph: its bytes are counted with that.
    pub in_element: bool,
    /// Where these bytes are in their file; empty for a part of a metagraph, which is many pieces.
    pub range: Range<u64>,
}

/// What holds a content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A tensor of the checkpoint.
    Tensor(TensorId),
    /// An attribute of a node, which is in a function or in the graph itself.
    Node(NodeRef, Option<FunctionId>),
    /// A file, as a whole.
    File(FileId),
    /// A function of a metagraph, as a whole, or one of the same name and bytes in another metagraph.
    Function(MetaGraphId, FunctionId),
    /// All elements of the section that elements of this kind are in.
    Section(MetaGraphId, ElementKind),
    /// Some of so many elements of a kind.
    Elements(MetaGraphId, ElementKind, u64),
}

impl Place {
    /// The tensor that it is.
    #[must_use]
    pub fn tensor(self) -> Option<TensorId> {
        if let Self::Tensor(tensor) = self { Some(tensor) } else { None }
    }
}

/// Functions that are equal but for the names in them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Structural {
    /// All members of all groups but one each. Not in the model's `redundant_bytes`.
    pub redundant_bytes: u64,
    /// The bytes of all functions that were compared.
    pub function_bytes: u64,
    /// The groups, the most redundant bytes first.
    pub groups: Vec<StructuralGroup>,
    /// The functions of all libraries, by their ids.
    pub(crate) read: Vec<ReadFunction>,
}

/// What reading a function for its structure found out of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ReadFunction {
    /// Where its `function` field begins in the main file's wire format.
    start: usize,
    /// The metagraph that it is in.
    pub(crate) meta_graph: MetaGraphId,
    /// Where its name starts there, and where that ends.
    pub(crate) name: [usize; 2],
    /// Functions of one kind are equal but for names, the shapes of what their nodes give included.
    pub(crate) kind: usize,
    /// Whether it may have attributes of its own.
    pub(crate) has_attributes: bool,
    /// No name of its nodes is shorter, in bytes.
    pub(crate) shortest_name: u64,
    /// What it is but for names, the same in every run: see `structure::stable`.
    pub(crate) structure: u128,
    /// The same, whatever it calls.
    pub(crate) form: u128,
}

impl Structural {
    /// What is known of the function whose field begins at `start`.
    #[inline]
    pub(crate) fn function(&self, start: usize) -> Option<&ReadFunction> {
        let position = self.read.binary_search_by_key(&start, |function| function.start).ok()?;
        self.read.get(position)
    }
}

/// Functions of one structure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StructuralGroup {
    /// Which, in the order of the file.
    pub functions: Vec<FunctionId>,
    /// All of them, tags and lengths included.
    pub bytes: u64,
    /// All of them but the largest.
    pub redundant_bytes: u64,
}
