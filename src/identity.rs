//! What a fact is about, as a number: tensors, files, metagraphs, functions, nodes and objects of one model.
//!
//! Facts travel from part to part by these, and become words when a report is written (`audit/answers.rs`): a name would
//! have to be copied for each fact, may be that of two, and has to be looked up again. Each is a position in a list that is
//! made once and is in the order of the file, so all parts mean the same by it.

use std::ops::Range;

/// A tensor of the checkpoint: its position in [`Bundle::tensors`](crate::checkpoint::Bundle::tensors).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TensorId(pub u32);

/// A file of the model: its position in [`Model::files`](crate::input::Model::files), which is sorted by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub u32);

/// A MetaGraphDef: its position in the SavedModel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MetaGraphId(pub u32);

/// A function: its position among the functions of all libraries, in the order of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FunctionId(pub u32);

/// A node of the object graph: its position in `SavedObjectGraph.nodes`, which is also that in the checkpoint's
/// `TrackableObjectGraph` (`tensorflow/python/saved_model/load.py`, `_restore_checkpoint`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId(pub u32);

/// A node of a graph or of a function, by where its NodeDef lies in the main file's wire format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeRef {
    /// The metagraph that it is in.
    pub meta_graph: MetaGraphId,
    /// Where the payload of its NodeDef starts.
    pub start: usize,
    /// Where that ends.
    pub end: usize,
}

impl NodeRef {
    /// The payload of the NodeDef.
    #[must_use]
    pub fn payload(self) -> Range<usize> {
        self.start..self.end
    }
}

/// The positions that identities are: `position()` for use with a list, `at()` from one.
macro_rules! positions {
    ($($id:ident),*) => {$(
        impl $id {
            /// The identity of what is at a position. Lists of a model are shorter than 2^32: a file has no more entries.
            #[must_use]
            pub fn at(position: usize) -> Self {
                Self(u32::try_from(position).unwrap_or(u32::MAX))
            }

            /// Its position.
            #[must_use]
            pub fn position(self) -> usize {
                self.0 as usize
            }
        }
    )*};
}

positions!(TensorId, FileId, MetaGraphId, FunctionId, ObjectId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_is_a_position_and_one_that_does_not_fit_is_of_nothing() {
        assert_eq!((TensorId::at(7), TensorId(7).position()), (TensorId(7), 7));
        assert_eq!(ObjectId::at(usize::MAX).0, u32::MAX);
    }
}
