//! Files that lie elsewhere and are had range by range, each at the price of a request: what the rest of the program needs
//! to know of them. Where they are and how they are had is the business of who makes them.

use std::fmt;
use std::ops::Range;

use bytes::Bytes;

use super::cause::Cause;

/// How much of a model in a store is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Depth {
    /// The listing alone: names and sizes.
    List,
    /// The main file, the index and the object graph; of the data what agrees with something else in length and
    /// checksum, up to 2% of it or 1 MiB.
    #[default]
    Index,
    /// As of a model on a disk: the beginning of every tensor, and all that may be duplicated.
    Full,
}

impl Depth {
    /// All depths, the least first.
    pub const ALL: [Self; 3] = [Self::List, Self::Index, Self::Full];

    /// What it is called.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Index => "index",
            Self::Full => "full",
        }
    }

    /// What is read.
    #[must_use]
    pub fn about(self) -> &'static str {
        match self {
            Self::List => "names and sizes alone",
            Self::Index => "the main file and the index, and of the data what may be duplicated, up to 2% of it",
            Self::Full => "what is read of a model on a disk",
        }
    }
}

/// What ranges are wanted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// To look whether tensors are one value throughout, at their first bytes: cheap on a disk, a request for each elsewhere.
    Look {
        /// So many bytes.
        head: u64,
    },
    /// To compare what agrees in length and checksum.
    Compare,
    /// What will be read whatever it costs, as far as it may be read.
    All,
}

/// The largest element that a content may repeat, in bytes.
#[cfg_attr(not(feature = "remote"), expect(dead_code, reason = "there is no store to be had"))]
pub(super) const ELEMENT: usize = 16;

/// What a content that was compared is to the others of its group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Same {
    /// The first of the group that has the same bytes, by its position; its own where no earlier one has.
    pub(crate) first: usize,
    /// The 16 bytes that it repeats from its first byte to its last, if it does; all of it where it is shorter.
    pub(crate) element: Option<Bytes>,
}

/// What came of comparing a group.
#[derive(Debug)]
#[cfg_attr(not(feature = "remote"), expect(dead_code, reason = "there is no store to be had"))]
pub(crate) enum Compared {
    /// What each of the group is; `None` of what was left out, as the depth does not reach it.
    Same(Vec<Option<Same>>),
    /// They cannot be compared while they come: they have to be read.
    Unfit,
}

/// Ranges of one length of files of a model, each with the file's [`position`](Ranged::position).
pub(super) type Group = Vec<(usize, Range<u64>)>;

/// A file that is had by ranges.
pub(super) trait Ranged: fmt::Debug + Send + Sync {
    /// The bytes of a range that lies within the file.
    fn read(&self, range: Range<u64>) -> Result<Bytes, Cause>;

    /// The same of a part of the data that a question may do without: [`Cause::LeftOut`] where the depth does not reach it.
    fn content(&self, range: Range<u64>) -> Result<Bytes, Cause>;

    /// Ranges within the file that will be read soon, so that they may be had together. What fails is reported by the read.
    fn expect(&self, ranges: &[Range<u64>], want: Want);

    /// Which file of its model it is.
    fn position(&self) -> usize;

    /// Compares the ranges of each group, of this file and others of its model, while they come. No more of them is held than
    /// one is ahead of another.
    fn compare(&self, groups: &[Group]) -> Vec<Result<Compared, Cause>>;
}

/// A model whose files are had by ranges.
pub(super) trait RangedModel: fmt::Debug + Send + Sync {
    /// All of its messages will be read.
    fn expect_messages(&self);

    /// What is kept of its files is not needed any more.
    fn forget(&self);

    /// What was read so far.
    fn reads(&self) -> Reads;
}

/// What reading a model from a store came to.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reads {
    /// How much was to be read.
    pub depth: Depth,
    /// The requests that were sent, repeated ones as well: the model's share of the listing, and each range.
    pub requests: u64,
    /// The bytes of its files that came.
    pub bytes: u64,
    /// Of them, those of the checkpoint's data and of assets.
    pub data_bytes: u64,
    /// Tensors that may be duplicates and were not read, and their bytes.
    pub uncompared: (u64, u64),
    /// Tensors at which nobody looked to see whether they are one value throughout, and their bytes.
    pub unseen: (u64, u64),
    /// What identifies the version of the model: a hash over the names, sizes and e-tags of its files.
    pub e_tag: String,
}
