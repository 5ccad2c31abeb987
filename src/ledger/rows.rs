//! The rows of a ledger: sums by labels, found by what is around a node and then by its op.
//!
//! A library of 30,000 functions makes 300,000 rows, ten for each function, that differ in nothing but the op. So all other
//! labels are a [`Group`], found once for a function, and a row is a group and an op: 32 bytes instead of 80. Most rows
//! are found without a hash. The last row that was made of an op is either the group's, or older than the group, so that
//! there is none, or one of few that stand between; and where it takes long to go through those, all rows are indexed.

use foldhash::HashMap;
use foldhash::fast::RandomState;
use indexmap::IndexMap;

use super::{CACHE_BITS, Dimension, Label, Labels, Tally};
use crate::cache::{Cache, hash_number};

/// No row; there is no memory for so many.
const NONE: u32 = u32::MAX;

/// How many rows may be passed in searches before they are indexed, besides a few for each row that there is.
const MAX_PASSED: usize = 1 << 16;
const MAX_PASSED_OF_EACH: usize = 16;

/// All labels but the op, by a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Group(u32);

#[derive(Debug)]
struct Row {
    group: Group,
    op: Label,
    /// The row of the same op that was made before this one.
    before: u32,
    tally: Tally,
}

/// Rows that differ in their op only.
pub(super) struct OfGroup<'r> {
    /// Their labels, without an op.
    pub(super) labels: Labels,
    rows: &'r [Row],
}

impl OfGroup<'_> {
    /// The op of each, of which no other has the same, and its sum.
    pub(super) fn ops(&self) -> impl Iterator<Item = (Label, Tally)> {
        self.rows.iter().map(|row| (row.op, row.tally))
    }
}

/// Sums by labels.
#[derive(Debug)]
pub(super) struct Rows {
    /// The groups, and how many rows there were when each was met.
    groups: IndexMap<Labels, u32, RandomState>,
    rows: Vec<Row>,
    /// By the number of an op the row of it that was made last.
    newest: Vec<u32>,
    /// Where the groups that were met last are, and the rows that were searched for.
    group_cache: Cache,
    row_cache: Cache,
    /// How many rows were passed in searches.
    passed: usize,
    /// All rows, once so many were passed that it is worth it.
    index: Option<HashMap<(Group, Label), u32>>,
}

impl Default for Rows {
    fn default() -> Self {
        Self {
            groups: IndexMap::default(),
            rows: Vec::new(),
            newest: Vec::new(),
            group_cache: Cache::new(CACHE_BITS),
            row_cache: Cache::new(CACHE_BITS),
            passed: 0,
            index: None,
        }
    }
}

impl Rows {
    /// The group of these labels, whatever their op is. It has that number for as long as the rows are.
    pub(super) fn group(&mut self, mut labels: Labels) -> Group {
        labels.set(Dimension::Op, Label::NONE);
        let hash = labels.hash();
        let guess = self.group_cache.get(hash);
        if self.groups.get_index(guess).is_some_and(|(known, _)| *known == labels) {
            return Group(number(guess));
        }
        let entry = self.groups.entry(labels);
        let at = entry.index();
        entry.or_insert(number(self.rows.len()));
        self.group_cache.set(hash, at);
        Group(number(at))
    }

    /// The labels of a group, without an op.
    pub(super) fn labels(&self, group: Group) -> Option<Labels> {
        self.groups.get_index(group.0 as usize).map(|(labels, _)| *labels)
    }

    /// The row of an op in a group. It has that number for as long as the rows are.
    pub(super) fn row(&mut self, group: Group, op: Label) -> u32 {
        self.find(group, op).unwrap_or_else(|| self.push(group, op))
    }

    #[inline]
    pub(super) fn add(&mut self, row: u32, tally: Tally) {
        if let Some(row) = self.rows.get_mut(row as usize) {
            row.tally.add(tally);
        }
    }

    /// Whether there is a row of an op.
    pub(super) fn has_op(&self, op: Label) -> bool {
        self.newest.get(op.number()).is_some_and(|newest| *newest != NONE)
    }

    /// The sum of all rows in bytes.
    pub(super) fn bytes(&self) -> u64 {
        self.rows.iter().map(|row| row.tally.bytes).sum()
    }

    /// Rows that follow one another and differ in their op only, in the order in which they were made.
    pub(super) fn groups(&self) -> impl Iterator<Item = OfGroup<'_>> {
        self.rows.chunk_by(|a, b| a.group == b.group).filter_map(|rows| {
            let labels = self.labels(rows.first()?.group)?;
            Some(OfGroup { labels, rows })
        })
    }

    /// Gives each row's labels and sum, in the order in which they were made.
    pub(super) fn each(&self, mut visit: impl FnMut(&Labels, Tally)) {
        for mut group in self.groups() {
            for row in group.rows {
                group.labels.set(Dimension::Op, row.op);
                visit(&group.labels, row.tally);
            }
        }
    }

    /// The same, with rows that differ in their op only, and so follow one another, as one row without an op.
    pub(super) fn each_of_any_op(&self, mut visit: impl FnMut(&Labels, Tally)) {
        for group in self.groups() {
            let mut sum = Tally::default();
            group.rows.iter().for_each(|row| sum.add(row.tally));
            visit(&group.labels, sum);
        }
    }

    fn find(&mut self, group: Group, op: Label) -> Option<u32> {
        let is_it = |row: &Row| row.group == group && row.op == op;
        let newest = *self.newest.get(op.number())?;
        if self.rows.get(newest as usize).is_some_and(is_it) {
            return Some(newest);
        }
        let first =
            self.groups.get_index(group.0 as usize).map(|(_, first)| *first).filter(|first| newest >= *first)?;
        let hash = hash_number(u64::from(group.0) << 32 | op.number() as u64);
        let guess = self.row_cache.get(hash);
        if self.rows.get(guess).is_some_and(is_it) {
            return Some(number(guess));
        }
        if self.index.is_none() && self.passed > MAX_PASSED + MAX_PASSED_OF_EACH * self.rows.len() {
            self.index = Some((0..).zip(&self.rows).map(|(at, row)| ((row.group, row.op), at)).collect());
        }
        let found = match &self.index {
            Some(index) => index.get(&(group, op)).copied(),
            None => self.search(group, newest, first),
        }?;
        self.row_cache.set(hash, found as usize);
        Some(found)
    }

    /// Goes through the rows of an op from the one at `at` back to that of a group, which was met when there were `first`.
    fn search(&mut self, group: Group, mut at: u32, first: u32) -> Option<u32> {
        while let Some(row) = self.rows.get(at as usize).filter(|_| at >= first) {
            if row.group == group {
                return Some(at);
            }
            at = row.before;
            self.passed += 1;
        }
        None
    }

    fn push(&mut self, group: Group, op: Label) -> u32 {
        let at = number(self.rows.len());
        if op.number() >= self.newest.len() {
            self.newest.resize(op.number() + 1, NONE);
        }
        let before = self.newest.get_mut(op.number()).map_or(NONE, |newest| std::mem::replace(newest, at));
        self.rows.push(Row { group, op, before, tally: Tally::default() });
        if let Some(index) = &mut self.index {
            index.insert((group, op), at);
        }
        at
    }
}

/// A number of rows or groups; more than 2^32 would need more memory than there is.
fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(NONE)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::Category;
    use super::*;

    /// The rows of a few groups and ops that are charged one after the other again and again, each with one element.
    fn charged(charges: impl Iterator<Item = (u32, u32)>) -> (Rows, BTreeMap<(u32, u32), u64>) {
        let (mut rows, mut expected) = (Rows::default(), BTreeMap::new());
        for (function, op) in charges {
            let labels = Labels::new(Category::GraphDef).with(Dimension::Function, Label(function));
            let group = rows.group(labels.with(Dimension::Op, Label(7)));
            let row = rows.row(group, Label(op));
            rows.add(row, Tally { bytes: 1, count: 1 });
            *expected.entry((function, op)).or_default() += 1;
        }
        (rows, expected)
    }

    fn sums(rows: &Rows) -> BTreeMap<(u32, u32), u64> {
        let mut sums = BTreeMap::new();
        rows.each(|labels, tally| {
            let [function, op] = [Dimension::Function, Dimension::Op].map(|dimension| labels.get(dimension).0);
            assert_eq!(sums.insert((function, op), tally.bytes), None, "{labels:?} have two rows");
        });
        sums
    }

    #[test]
    fn a_row_has_what_was_added_under_its_labels() {
        let (rows, expected) = charged((0..1000).map(|at| (at / 50 % 7, at % 13)));
        assert_eq!(sums(&rows), expected);
        assert!(rows.index.is_none());
    }

    #[test]
    fn rows_of_any_op_are_the_rows_of_all_ops_added_up() {
        let (rows, expected) = charged((0..1000).map(|at| (at / 50 % 7, at % 13)));
        let mut functions: BTreeMap<u32, u64> = BTreeMap::new();
        rows.each_of_any_op(|labels, tally| {
            assert!(!labels.has(Dimension::Op));
            *functions.entry(labels.get(Dimension::Function).0).or_default() += tally.bytes;
        });
        let of_function = |function| expected.range((function, 0)..(function + 1, 0)).map(|(_, bytes)| bytes).sum();
        assert_eq!(functions, (0..7).map(|function| (function, of_function(function))).collect());
        assert_eq!(rows.bytes(), 1000);
    }

    #[test]
    fn rows_that_take_long_to_be_searched_are_indexed_and_are_the_same() {
        let (rows, expected) = charged((0..10_000).map(|at| (at * 7 % 1000, at * at % 5)));
        assert_eq!(sums(&rows), expected);
        assert!(rows.index.is_some());
    }
}
