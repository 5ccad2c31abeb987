//! Finding and opening models: the only part that touches the file system, and the only unsafe code.
//!
//! [`find()`] finds, of what was typed, the directories that hold a SavedModel, or the folders of an archive that do,
//! [`Location::read`] lists one of them, and [`File::open`] opens a file of it, to be read by ranges ([`Source`]); archives in a tree are opened when
//! their turn has come ([`ClosedArchive`]). Everything above works on bytes and
//! names, so a test or a fuzzer hands in [`Model::in_memory`] and meets the same code.
//!
//! A model's directory is somebody else's: links may lead anywhere, a file may be a pipe, and any of it may change
//! while it is read. So links are named and not followed, nothing but a regular file is opened, and a file that is
//! not as long as it was when it was listed is an error.

mod archive;
mod cause;
mod find;
mod foreign;
mod found;
mod holes;
pub(crate) mod layout;
mod links;
mod listing;
mod map;
mod model;
mod names;
mod once;
mod outside;
mod ranged;
#[cfg(feature = "remote")]
mod remote;
mod source;
mod url;
mod version;

pub use archive::{Archive, ArchiveFormat, ClosedArchive, Limits};
pub use cause::Cause;
pub use find::{Finder, find, read_object, write_object};
pub use found::{FindError, Found, Location, Met, Stream};
pub use layout::MODEL_FILES;
pub use links::{Link, LinkKind};
pub use model::{File, InputError, Model};
pub use outside::Outside;
pub use ranged::{Depth, Reads, Want};
pub use source::Source;
pub use url::{check_url, is_url};
pub(crate) use {
    holes::Stretches,
    ranged::{Compared, Same},
    source::{MAX_HOLES, Stored, compare},
};
