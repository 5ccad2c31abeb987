//! The books: every byte charged once, under labels, and every table a rollup of those charges.
//!
//! A charge is a number of bytes with a label in each [`Dimension`]. The ledger does not keep charges but their sums,
//! one row for each combination of labels in the dimensions that were asked for: memory follows the question, not the
//! number of nodes. A file is charged through an [`Account`], front to back; a gap, an overlap or a leftover is an
//! [`Imbalance`], checked in release builds as well, so that a report whose books do not balance cannot be made.

mod account;
mod dimension;
mod functions;
mod only;
mod rollup;
mod rows;
mod tree;

use foldhash::HashMap;
use foldhash::fast::RandomState;
use indexmap::IndexSet;

use only::Filter;
use rows::Rows;

use crate::cache::{Cache, hash_name, hash_number};

pub use account::{Account, Imbalance, Mark, Row as AccountRow};
pub use dimension::{ByError, Category, Dimension, NoDimension, State, check_by};
pub(crate) use functions::FunctionSum;
pub use only::{Only, Restriction};
pub(crate) use rollup::longest_cell;
pub use rollup::{Rest, Rollup, Row, RowKind};
pub use tree::{Branch, FACETS, Facet, Folded, Part, Tree, Trees};

/// What the labels of parts begin with: no byte of UTF-8, which keys of variables are.
const PART: &[u8] = b"\xff";
pub use rows::Group;

/// How many names and groups of late are remembered, as a power of two.
const CACHE_BITS: u32 = 8;

/// A name in the ledger. Names are compared as numbers; [`Ledger::name`] gives the text back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Label(u32);

impl Label {
    /// No label in this dimension: bytes that are not part of any node, say, have no op.
    pub const NONE: Self = Self(0);

    /// Labels are counted in the order in which names were met, from 1 on.
    pub(crate) fn number(self) -> usize {
        self.0 as usize
    }
}

/// The labels of a charge, one for each dimension; [`Label::NONE`] where the dimension says nothing about the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Labels {
    category: Category,
    /// What a [`Mark`] says besides the state of the bytes.
    tag: u32,
    names: [Label; Dimension::COUNT],
}

impl Labels {
    /// Labels of a category and nothing else yet.
    #[must_use]
    pub fn new(category: Category) -> Self {
        Self { category, tag: 0, names: [Label::NONE; Dimension::COUNT] }
    }

    /// The same labels with another one in `dimension`. The category is not set by this, but by [`Labels::new`].
    #[must_use]
    pub fn with(mut self, dimension: Dimension, label: Label) -> Self {
        self.set(dimension, label);
        self
    }

    /// Sets the label in `dimension`.
    pub fn set(&mut self, dimension: Dimension, label: Label) {
        if let Some(slot) = self.names.get_mut(dimension.index()) {
            *slot = label;
        }
    }

    /// The same labels with what a mark says of the bytes.
    fn tagged(self, tag: u32) -> Self {
        Self { tag, ..self }
    }

    /// The label in `dimension`.
    #[must_use]
    pub fn get(&self, dimension: Dimension) -> Label {
        self.names.get(dimension.index()).copied().unwrap_or_default()
    }

    /// Whether there is a label in `dimension`.
    #[must_use]
    pub fn has(&self, dimension: Dimension) -> bool {
        self.get(dimension) != Label::NONE
    }

    /// The category.
    #[must_use]
    pub fn category(&self) -> Category {
        self.category
    }

    /// A number that other labels mostly do not have.
    fn hash(&self) -> u64 {
        // A sum of products: unlike one product after another it does not wait for each.
        let parts =
            self.names.iter().zip(1..).map(|(label, odd): (_, u64)| u64::from(label.0).wrapping_mul(odd * 2 + 1));
        let first = (self.category as u64).wrapping_add(u64::from(self.tag) << 32);
        hash_number(parts.fold(first, u64::wrapping_add))
    }
}

/// What a row of the ledger adds up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Bytes of file.
    pub bytes: u64,
    /// Items that these bytes hold: nodes, tensors, files, signatures, ... Framing counts nothing.
    pub count: u64,
}

impl Tally {
    #[inline]
    fn add(&mut self, other: Self) {
        self.bytes += other.bytes;
        self.count += other.count;
    }
}

/// The charges of one model, summed by the dimensions that are wanted.
#[derive(Debug)]
pub struct Ledger {
    wanted: [bool; Dimension::COUNT],
    scope_depth: usize,
    names: IndexSet<Box<[u8]>, RandomState>,
    /// Where the names that were met last are: nodes of the same few ops alternate in a graph.
    name_cache: Cache,
    rows: Rows,
    /// Marked ranges by file; empty unless [`Dimension::Duplicate`] is wanted.
    marks: HashMap<String, Vec<Mark>>,
}

impl Ledger {
    /// A ledger that can be rolled up by any of `dimensions`, in any order. A dimension that is not among them costs
    /// nothing and cannot be asked for. [`Dimension::Scope`] given n times keeps n levels of a name's path.
    #[must_use]
    pub fn new(dimensions: &[Dimension]) -> Self {
        let mut wanted = [false; Dimension::COUNT];
        for dimension in dimensions {
            if let Some(slot) = wanted.get_mut(dimension.index()) {
                *slot = true;
            }
        }
        let scope_depth = dimensions.iter().filter(|d| **d == Dimension::Scope).count();
        Self {
            wanted,
            scope_depth,
            names: IndexSet::default(),
            name_cache: Cache::new(CACHE_BITS),
            rows: Rows::default(),
            marks: HashMap::default(),
        }
    }

    /// Keeps all levels of a name's path, however many are asked for: a restriction may be to any.
    pub fn keep_whole_scopes(&mut self) {
        self.scope_depth = usize::MAX;
    }

    /// Whether charges are kept apart by `dimension`; where not, its label need not be found out.
    #[must_use]
    pub fn wants(&self, dimension: Dimension) -> bool {
        self.wanted.get(dimension.index()).copied().unwrap_or_default()
    }

    /// The label for `name`, which need not be UTF-8.
    pub fn label(&mut self, name: &[u8]) -> Label {
        let hash = hash_name(name);
        let guess = self.name_cache.get(hash);
        let index = if self.names.get_index(guess).is_some_and(|known| **known == *name) {
            guess
        } else {
            let index = self.names.get_index_of(name).unwrap_or_else(|| self.names.insert_full(name.into()).0);
            self.name_cache.set(hash, index);
            index
        };
        // Label 0 is NONE. More than 2^32 names would need more memory than there is; the last label then stands for all.
        Label(u32::try_from(index + 1).unwrap_or(u32::MAX))
    }

    /// The label of the scope of `path`: the folders of a node's or variable's name, as deep as was asked for.
    pub fn scope(&mut self, path: &[u8]) -> Label {
        let folders = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
        match folders.take(self.scope_depth).last() {
            Some(end) => self.label(path.get(..end).unwrap_or_default()),
            None => Label::NONE,
        }
    }

    /// The label of a part of the checkpoint that is no variable. It is no variable's label, whatever that is called.
    pub fn part_label(&mut self, name: &str) -> Label {
        self.label(&[PART, name.as_bytes()].concat())
    }

    /// Whether a label is that of such a part.
    fn is_part(&self, label: Label) -> bool {
        self.bytes(label).starts_with(PART)
    }

    /// The text of a label; empty for [`Label::NONE`].
    #[must_use]
    pub fn name(&self, label: Label) -> String {
        let name = self.bytes(label);
        String::from_utf8_lossy(name.strip_prefix(PART).unwrap_or(name)).into_owned()
    }

    fn bytes(&self, label: Label) -> &[u8] {
        let index = (label.0 as usize).checked_sub(1);
        index.and_then(|index| self.names.get_index(index)).map(AsRef::as_ref).unwrap_or_default()
    }

    /// Marks ranges of a file, given in order and disjoint, as other than [`State::Unique`]: charges made to it are
    /// divided where the marks begin and end, and by what else they say. To be called before the file is opened, and of use only where
    /// [`Dimension::Duplicate`] is wanted.
    pub fn mark(&mut self, file: String, marks: Vec<Mark>) {
        self.marks.insert(file, marks);
    }

    /// Opens the account of a file of `bytes` bytes. It is to be charged from its first byte to its last.
    pub fn open(&mut self, file: &str, bytes: u64) -> Account<'_> {
        let label = if self.wants(Dimension::File) { self.label(file.as_bytes()) } else { Label::NONE };
        let marks = self.marks.remove(file).unwrap_or_default();
        Account::new(self, file, label, bytes, marks)
    }

    /// The sum of all charges in bytes.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.rows.bytes()
    }

    /// Whether anything was charged as this op. That is looked up: a rollup would go over all rows.
    #[must_use]
    pub fn has_op(&self, name: &[u8]) -> bool {
        let index = self.names.get_index_of(name);
        index.and_then(|index| u32::try_from(index + 1).ok()).is_some_and(|label| self.rows.has_op(Label(label)))
    }

    /// The charges summed by `by`, outermost first; rows are largest first on each level.
    #[must_use]
    pub fn rollup(&self, by: &[Dimension]) -> Rollup {
        self.rollup_where(by, |_| true)
    }

    /// As [`Ledger::rollup`], of the charges whose labels `keep` accepts. It is given an op where `by` has one.
    pub fn rollup_where(&self, by: &[Dimension], keep: impl FnMut(&Labels) -> bool) -> Rollup {
        Rollup::of(self, by, by.contains(&Dimension::Op), keep)
    }

    /// As [`Ledger::rollup`], of the charges that are within all of `only`, whose dimensions the ledger must have.
    #[must_use]
    pub fn rollup_only(&self, by: &[Dimension], only: &[Only]) -> Rollup {
        if only.is_empty() {
            return self.rollup(by);
        }
        let needs_ops = by.iter().chain(only.iter().map(|only| &only.dimension)).any(|d| *d == Dimension::Op);
        let mut filter = Filter::new(self, only);
        let rollup = Rollup::of(self, by, needs_ops, |labels| filter.accepts(labels));
        Rollup { only: only.iter().map(Restriction::from).collect(), ..rollup }
    }

    fn add(&mut self, labels: Labels, tally: Tally) {
        let group = self.group(labels);
        let row = self.row(group, labels.get(Dimension::Op));
        self.rows.add(row, tally);
    }

    /// The group of these labels, as far as they are wanted.
    #[inline]
    fn group(&mut self, mut labels: Labels) -> Group {
        for (label, wanted) in labels.names.iter_mut().zip(self.wanted) {
            if !wanted {
                *label = Label::NONE;
            }
        }
        self.rows.group(labels)
    }

    #[inline]
    fn row(&mut self, group: Group, op: Label) -> u32 {
        let op = if self.wants(Dimension::Op) { op } else { Label::NONE };
        self.rows.row(group, op)
    }
}
