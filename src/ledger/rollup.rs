//! Charges summed by a list of dimensions: the one shape behind every table, JSON row and flame graph.

use std::sync::Arc;

use foldhash::HashMap;
use foldhash::fast::RandomState;
use indexmap::IndexMap;

use super::{Category, Dimension, Label, Labels, Ledger, Restriction, Tally};
use crate::natural;
use crate::shared_names::{LONG, SharedNames};

/// A tree of sums, one level for each dimension asked for. The rows of each level add up to the row above.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rollup {
    /// The dimensions, outermost first.
    pub by: Vec<Dimension>,
    /// What the bytes are restricted to by `--only`. Left out where that is nothing, and the rows are of all bytes.
    pub only: Vec<Restriction>,
    /// The outermost rows, largest first.
    pub rows: Vec<Row>,
    /// What `--top` left out of `rows`.
    pub rest: Option<Rest>,
}

/// Whose word the name of a row is: an op may be called `[framing]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RowKind {
    /// A name in the dimension, as the model has it; of a dimension with fixed names, one of these.
    Name,
    /// A category: the dimension does not apply to these bytes.
    Category,
    /// A part of the checkpoint that is no variable: `[index]`, `[unused data]`.
    Part,
}

impl RowKind {
    /// The name that reports use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Category => "category",
            Self::Part => "part",
        }
    }
}

/// One row: a name in its dimension and what it adds up to.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Row {
    /// The label. Bytes that the dimension does not apply to have their category in brackets: `[variables]`.
    // Shared by all rows of this name: one long name may be that of each row below a hundred thousand others.
    pub name: Arc<str>,
    /// Whose word that is.
    pub kind: RowKind,
    /// Bytes on disk.
    pub bytes: u64,
    /// How many items (nodes, tensors, files, ...) these bytes hold; framing counts nothing.
    pub count: u64,
    /// The same bytes by the next dimension, largest first; empty on the last level.
    pub children: Vec<Self>,
    /// What `--top` left out of `children`.
    pub rest: Option<Rest>,
}

/// Rows that are not shown: how many, and what they add up to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rest {
    /// How many rows.
    pub rows: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Their count.
    pub count: u64,
}

impl Rest {
    fn of(rows: &[Row]) -> Option<Self> {
        let (bytes, count) = rows.iter().fold((0, 0), |(bytes, count), row| (bytes + row.bytes, count + row.count));
        (!rows.is_empty()).then_some(Self { rows: rows.len() as u64, bytes, count })
    }

    fn add(&mut self, other: Self) {
        self.rows += other.rows;
        self.bytes += other.bytes;
        self.count += other.count;
    }
}

/// A row's label: a name, or the category that stands in where the dimension says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Key {
    Category(Category),
    Name(Label),
    Absent(Category),
}

impl Rollup {
    /// Sums the rows of `ledger` that `keep` accepts by each of `by`, outermost first, largest first on each level.
    /// `keep` is given an op only where one is needed.
    pub(super) fn of(
        ledger: &Ledger,
        by: &[Dimension],
        needs_ops: bool,
        mut keep: impl FnMut(&Labels) -> bool,
    ) -> Self {
        let mut sums: IndexMap<Vec<Key>, Tally, RandomState> = IndexMap::default();
        let mut scopes = Scopes::default();
        // Rows that follow one another are mostly of one metagraph and one category.
        let (mut path, mut last) = (Vec::new(), 0);
        let add = |labels: &Labels, tally| {
            if !keep(labels) {
                return;
            }
            scopes.path(ledger, labels, by, &mut path);
            if sums.get_index(last).is_none_or(|(known, _)| *known != path) {
                last = sums.get_index_of(&path).unwrap_or_else(|| sums.insert_full(path.clone(), Tally::default()).0);
            }
            if let Some((_, sum)) = sums.get_index_mut(last) {
                sum.add(tally);
            }
        };
        if needs_ops {
            ledger.rows.each(add);
        } else {
            ledger.rows.each_of_any_op(add);
        }
        let mut sorted: Vec<Charged> = sums.into_iter().collect();
        sorted.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        let mut names = Names { ledger, scopes: &scopes, known: SharedNames::default() };
        let charged = sorted.iter().map(|(_, tally)| tally.bytes).fold(0, u64::saturating_add);
        let mut left = room(charged);
        let all = Runs::of(&sorted, 0);
        let (rows, rest) = if by.is_empty() { Default::default() } else { level(&mut names, all, 0, &mut left) };
        Self { by: by.to_vec(), only: Vec::new(), rows, rest }
    }

    /// The sum of all rows, those that `--top` left out included.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.rows.iter().map(|row| row.bytes).sum::<u64>() + self.rest.map_or(0, |rest| rest.bytes)
    }

    /// The same rollup with at most `top` rows a level; 0 keeps all.
    #[must_use]
    pub fn cut(mut self, top: usize) -> Self {
        if top > 0 {
            cut_rows(&mut self.rows, &mut self.rest, top);
        }
        self
    }
}

/// How long a cell may be where each row of the lowest level is written with the names of all rows above it: a function's long
/// name is written for each of its nodes. Where all names would take more than 64 MiB, long ones are shortened there.
pub(crate) fn longest_cell<'r>(rollups: impl Iterator<Item = &'r Rollup>) -> usize {
    /// The most that the names of a table may take, in bytes.
    const TABLE: usize = 64 << 20;
    let bytes = rollups.map(|rollup| cells(&rollup.rows).1).fold(0, usize::saturating_add);
    if bytes > TABLE { LONG } else { usize::MAX }
}

/// How many rows of the lowest level there are, and what their names take with those above them.
fn cells(rows: &[Row]) -> (usize, usize) {
    rows.iter().fold((0, 0), |(count, bytes): (usize, usize), row| {
        let (below, of_these) = cells(&row.children);
        let leaves = below.max(1);
        (
            count.saturating_add(leaves),
            bytes.saturating_add(of_these).saturating_add(row.name.len().saturating_mul(leaves)),
        )
    })
}

/// Cuts `rows` and the rows below them to `top` each, and adds the others to their `rest`.
fn cut_rows(rows: &mut Vec<Row>, rest: &mut Option<Rest>, top: usize) {
    let more = Rest::of(rows.get(top..).unwrap_or_default());
    more.iter().for_each(|more| rest.get_or_insert_default().add(*more));
    rows.truncate(top);
    for row in rows {
        cut_rows(&mut row.children, &mut row.rest, top);
    }
}

/// The segments of scopes: `a/b` asked for twice is `a`, then `b`. Segments get labels past those of the ledger.
#[derive(Default)]
pub(super) struct Scopes {
    segments: indexmap::IndexSet<String>,
    paths: HashMap<Label, Vec<Label>>,
}

impl Scopes {
    /// Makes `path` the labels of one row of the ledger in the order of `by`.
    fn path(&mut self, ledger: &Ledger, labels: &Labels, by: &[Dimension], path: &mut Vec<Key>) {
        let category = labels.category();
        let mut depth = 0;
        path.clear();
        for dimension in by {
            let label = match dimension {
                Dimension::Category => {
                    path.push(Key::Category(category));
                    continue;
                }
                Dimension::Scope => {
                    depth += 1;
                    self.segment(ledger, labels.get(Dimension::Scope), depth - 1)
                }
                other => labels.get(*other),
            };
            path.push(if label == Label::NONE { Key::Absent(category) } else { Key::Name(label) });
        }
    }

    pub(super) fn segment(&mut self, ledger: &Ledger, scope: Label, depth: usize) -> Label {
        if scope == Label::NONE {
            return Label::NONE;
        }
        let segments = &mut self.segments;
        let path = self.paths.entry(scope).or_insert_with(|| {
            let base = ledger.names.len() + 1;
            let mut number = |segment: &str| base + segments.insert_full(segment.to_owned()).0;
            ledger.name(scope).split('/').map(|s| Label(u32::try_from(number(s)).unwrap_or(u32::MAX))).collect()
        });
        path.get(depth).copied().unwrap_or_default()
    }

    pub(super) fn kind(&self, ledger: &Ledger, key: Key) -> RowKind {
        match key {
            Key::Absent(_) => RowKind::Category,
            Key::Name(label) if ledger.is_part(label) => RowKind::Part,
            Key::Name(_) | Key::Category(_) => RowKind::Name,
        }
    }

    pub(super) fn name(&self, ledger: &Ledger, key: Key) -> Arc<str> {
        match key {
            Key::Category(category) => category.name().into(),
            Key::Absent(category) => format!("[{category}]").into(),
            Key::Name(label) => {
                let segment = (label.0 as usize).checked_sub(ledger.names.len() + 1);
                match segment.and_then(|index| self.segments.get_index(index)) {
                    Some(segment) => segment.as_str().into(),
                    None => ledger.name(label).into(),
                }
            }
        }
    }
}

/// The names of labels, each made once.
struct Names<'l> {
    ledger: &'l Ledger,
    scopes: &'l Scopes,
    known: SharedNames<Key>,
}

impl Names<'_> {
    fn of(&mut self, key: Key) -> (Arc<str>, RowKind) {
        let Self { ledger, scopes, known } = self;
        (known.get(key, || scopes.name(ledger, key)), scopes.kind(ledger, key))
    }
}

/// The most rows of a rollup of so many bytes. No model that a library wrote comes near it, whatever it is asked by: a node has some
/// eighty bytes, and a row for each of nine dimensions at most. One that was made to has the smallest of its rows in `rest`.
fn room(bytes: u64) -> usize {
    const ALWAYS: usize = 1 << 18;
    const BYTES: u64 = 8;
    usize::try_from(bytes / BYTES).unwrap_or(usize::MAX).saturating_add(ALWAYS)
}

/// What is charged to the labels of a path.
type Charged = (Vec<Key>, Tally);

/// The sums of one level, largest first: runs of a sorted list that agree at some depth, having agreed before it.
struct Runs<'s>(Vec<(Tally, &'s [Charged])>);

impl<'s> Runs<'s> {
    fn of(sorted: &'s [Charged], depth: usize) -> Self {
        let runs = || sorted.chunk_by(|a, b| a.0.get(depth) == b.0.get(depth));
        let sum = |run: &'s [Charged]| {
            let mut sum = Tally::default();
            run.iter().for_each(|(_, tally)| sum.add(*tally));
            (sum, run)
        };
        // Most rows have one row below them, where a list that grows has room for four.
        let mut all = Vec::with_capacity(runs().count());
        all.extend(runs().map(sum));
        all.sort_by_key(|(sum, _)| std::cmp::Reverse(sum.bytes));
        Self(all)
    }
}

/// The rows of one level, as far as there is room `left`, and what the others are.
fn level(names: &mut Names<'_>, runs: Runs<'_>, depth: usize, left: &mut usize) -> (Vec<Row>, Option<Rest>) {
    let kept = runs.0.len().min(*left);
    let mut rows: Vec<Row> = Vec::with_capacity(kept);
    let mut rest: Option<Rest> = None;
    for (sum, run) in runs.0 {
        let key = run.first().and_then(|(path, _)| Some((path.get(depth)?, depth + 1 == path.len())));
        let Some((key, is_last)) = key else { continue };
        let Some(others) = left.checked_sub(1) else {
            rest.get_or_insert_default().add(Rest { rows: 1, bytes: sum.bytes, count: sum.count });
            continue;
        };
        *left = others;
        let below = if is_last { Default::default() } else { level(names, Runs::of(run, depth + 1), depth + 1, left) };
        let (name, kind) = names.of(*key);
        rows.push(Row { name, kind, bytes: sum.bytes, count: sum.count, children: below.0, rest: below.1 });
    }
    let by_name = |a: &Row, b: &Row| natural::compare(&a.name, &b.name).then(a.kind.cmp(&b.kind));
    rows.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| by_name(a, b)));
    (rows, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A ledger with charges of (category, section, op, bytes, count).
    fn ledger(charges: &[(Category, &str, &str, u64, u64)]) -> Ledger {
        let mut ledger = Ledger::new(&[Dimension::Section, Dimension::Op]);
        let total = charges.iter().map(|c| c.3).sum();
        let mut account = ledger.open("f", total);
        for &(category, section, op, bytes, count) in charges {
            let section = account.ledger().label(section.as_bytes());
            let op = if op.is_empty() { Label::NONE } else { account.ledger().label(op.as_bytes()) };
            let labels = Labels::new(category).with(Dimension::Section, section).with(Dimension::Op, op);
            account.charge_up_to(account.charged() + bytes, labels, count);
        }
        account.close().unwrap();
        ledger
    }

    fn names(rows: &[Row]) -> Vec<(&str, u64)> {
        rows.iter().map(|row| (&*row.name, row.bytes)).collect()
    }

    #[test]
    fn rows_are_largest_first_and_equal_ones_by_name_as_people_count() {
        let ledger = ledger(&[
            (Category::GraphDef, "s", "Block10", 2, 1),
            (Category::GraphDef, "s", "Block2", 2, 1),
            (Category::GraphDef, "s", "Add", 5, 1),
            (Category::GraphDef, "s", "Const", 9, 1),
            (Category::GraphDef, "s", "Abs", 5, 1),
            (Category::GraphDef, "s", "Const", 1, 1),
        ]);
        let rollup = ledger.rollup(&[Dimension::Op]);
        assert_eq!(names(&rollup.rows), [("Const", 10), ("Abs", 5), ("Add", 5), ("Block2", 2), ("Block10", 2)]);
        assert_eq!(rollup.rows[0].count, 2);
    }

    #[test]
    fn bytes_without_a_label_are_named_after_their_category() {
        let ledger = ledger(&[(Category::GraphDef, "s", "Add", 5, 1), (Category::Variables, "v", "", 7, 1)]);
        assert_eq!(names(&ledger.rollup(&[Dimension::Op]).rows), [("[variables]", 7), ("Add", 5)]);
    }

    #[test]
    fn each_level_adds_up_to_the_one_above() {
        let ledger = ledger(&[
            (Category::GraphDef, "a", "Add", 5, 1),
            (Category::GraphDef, "b", "Add", 7, 1),
            (Category::GraphDef, "b", "Mul", 1, 1),
        ]);
        let rollup = ledger.rollup(&[Dimension::Section, Dimension::Op]);
        assert_eq!(names(&rollup.rows), [("b", 8), ("a", 5)]);
        assert_eq!(names(&rollup.rows[0].children), [("Add", 7), ("Mul", 1)]);
    }

    #[test]
    fn a_cut_says_how_many_rows_and_bytes_it_left_out() {
        let ledger = ledger(&[
            (Category::GraphDef, "s", "Add", 5, 1),
            (Category::GraphDef, "s", "Mul", 3, 2),
            (Category::GraphDef, "s", "Sub", 2, 4),
        ]);
        let rollup = ledger.rollup(&[Dimension::Op]).cut(1);
        assert_eq!(names(&rollup.rows), [("Add", 5)]);
        assert_eq!(rollup.rest, Some(Rest { rows: 2, bytes: 5, count: 6 }));
        assert_eq!(rollup.total(), 10);
        assert_eq!(ledger.rollup(&[Dimension::Op]).cut(0).rest, None, "0 keeps all");
    }

    #[test]
    fn of_more_rows_than_there_is_room_for_the_smallest_are_added_up() {
        let mut ledger = Ledger::new(&[Dimension::Op, Dimension::Op]);
        let many = room(0) as u64;
        let mut account = ledger.open("f", many + 10);
        for number in 0..many {
            let op = account.ledger().label(format!("{number}").as_bytes());
            let labels = Labels::new(Category::GraphDef).with(Dimension::Op, op);
            account.charge_up_to(account.charged() + if number == 7 { 11 } else { 1 }, labels, 1);
        }
        account.close().unwrap();
        let rollup = ledger.rollup(&[Dimension::Op, Dimension::Op]);
        assert_eq!((names(&rollup.rows)[0], rollup.rows[0].children.len()), (("7", 11), 1));
        let (kept, rest) = (rollup.rows.len() as u64, rollup.rest.unwrap());
        assert!(kept < many && kept + rest.rows == many, "{kept} and {rest:?}");
        assert_eq!((rollup.total(), rest.count), (many + 10, rest.rows));
        let cut = rollup.cut(2);
        assert_eq!((cut.rest.map(|rest| rest.rows), cut.total()), (Some(many - 2), many + 10));
    }

    #[test]
    fn a_scope_asked_for_twice_is_two_levels() {
        let mut ledger = Ledger::new(&[Dimension::Scope, Dimension::Scope]);
        let mut account = ledger.open("f", 6);
        for (end, name) in [(1, "a/b/c/d"), (3, "a/x"), (6, "top")] {
            let scope = account.ledger().scope(name.as_bytes());
            account.charge_up_to(end, Labels::new(Category::GraphDef).with(Dimension::Scope, scope), 1);
        }
        account.close().unwrap();
        let rollup = ledger.rollup(&[Dimension::Scope, Dimension::Scope]);
        assert_eq!(names(&rollup.rows), [("[graph_def]", 3), ("a", 3)]);
        assert_eq!(names(&rollup.rows[1].children), [("[graph_def]", 2), ("b", 1)]);
    }
}
