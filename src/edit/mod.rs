//! Edits: what a remedy does to a model's files, as spans that are deleted, replaced or kept, with what follows from it.
//!
//! | module | holds |
//! |---|---|
//! | [`recipe`] | a file made of pieces of the model's files and of new bytes, and a tree of such files |
//! | [`splices`] | changes of one file: composed, conflicts found, lengths of enclosing messages written anew |
//! | [`version`] | a file after changes, and which bytes of the first version are in it |
//! | [`table`] | a table as TensorFlow writes one: the index of a checkpoint |
//! | [`bundle`] | tensors moved within their shards, and the entries of the index that say so |
//! | [`numbers`] | integers of a small message replaced, all else of it kept |
//! | [`fingerprint`] | `fingerprint.pb` of files that have changed |
//!
//! Nothing is decoded and encoded again: what is not edited is copied byte for byte, unknown fields included. Sizes are known
//! before anything is written, and what is written is streamed from the model, so memory is that of the index and the main file.

#![warn(clippy::arithmetic_side_effects)]

pub mod bundle;
pub mod fingerprint;
pub mod numbers;
pub mod recipe;
pub mod splices;
pub mod table;
pub mod version;

#[cfg(test)]
mod tests;

pub use recipe::{Piece, Recipe, Tree};
pub use splices::{Conflict, Splices};
pub use version::Version;
