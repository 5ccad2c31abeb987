//! Rows that add up: each item is in one row of its level, in `naming`, or in what is unchanged.

use crate::report::{Change, DiffKind, DiffRow, DiffStatus, sort_rows};

/// Bytes and counts of both sides.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Sums {
    old: u64,
    new: u64,
    old_count: u64,
    new_count: u64,
}

impl Sums {
    fn of(row: &DiffRow) -> Self {
        Self { old: row.old, new: row.new, old_count: row.old_count, new_count: row.new_count }
    }

    fn add(&mut self, other: Self) {
        self.old = self.old.saturating_add(other.old);
        self.new = self.new.saturating_add(other.new);
        self.old_count = self.old_count.saturating_add(other.old_count);
        self.new_count = self.new_count.saturating_add(other.new_count);
    }

    fn is_nothing(self) -> bool {
        self == Self::default()
    }

    fn row(self, name: String, kind: DiffKind, status: DiffStatus) -> DiffRow {
        DiffRow::new(name, kind, status, Change::new(self.old, self.new), [self.old_count, self.new_count])
    }
}

/// The rows of a level on their way.
#[derive(Debug)]
pub(super) struct Level {
    name: String,
    kind: DiffKind,
    rows: Vec<DiffRow>,
    unchanged: Sums,
    /// All that was put here, what is naming included.
    all: Sums,
    /// What became of it as a whole.
    pub(super) status: DiffStatus,
    pub(super) meta_graph: Option<u64>,
    /// What it is called in the old model, where that is something else.
    pub(super) old_name: Option<String>,
}

/// What levels have in common.
#[derive(Debug)]
pub(super) struct Tallies {
    naming: Sums,
    min_delta: u64,
}

impl Tallies {
    pub(super) fn new(min_delta: u64) -> Self {
        Self { naming: Sums::default(), min_delta }
    }

    pub(super) fn naming_bytes(&self) -> i64 {
        Change::new(self.naming.old, self.naming.new).delta
    }

    /// The outermost rows.
    pub(super) fn top(&self, levels: Vec<Level>) -> Vec<DiffRow> {
        let mut top = Level::new("", DiffKind::Group);
        levels.into_iter().for_each(|level| top.level(level, self));
        if !self.naming.is_nothing() {
            top.rows.push(self.naming.row("naming".to_owned(), DiffKind::Naming, DiffStatus::Naming));
        }
        // Of categories there are few, and naming is one to be seen.
        top.finished(0)
    }
}

impl Level {
    pub(super) fn new(name: impl Into<String>, kind: DiffKind) -> Self {
        let (rows, unchanged, all) = Default::default();
        let status = DiffStatus::Changed;
        Self { name: name.into(), kind, rows, unchanged, all, status, meta_graph: None, old_name: None }
    }

    /// What an item adds, by what became of it.
    pub(super) fn put(&mut self, row: DiffRow, tallies: &mut Tallies) {
        let sums = Sums::of(&row);
        self.all.add(sums);
        match row.status {
            DiffStatus::Same => self.unchanged.add(sums),
            DiffStatus::Naming => tallies.naming.add(sums),
            DiffStatus::Content if row.delta == 0 => self.unchanged.add(sums),
            _ => self.rows.push(row),
        }
    }

    /// What this level does not hold yet of all that it should: nothing where it holds more than that.
    pub(super) fn rest(&self, all: Change) -> Option<Change> {
        Some(Change::new(all.old.checked_sub(self.all.old)?, all.new.checked_sub(self.all.new)?))
    }

    /// A level below this one.
    pub(super) fn level(&mut self, level: Self, tallies: &Tallies) {
        self.all.add(level.all);
        if level.rows.is_empty() {
            return self.unchanged.add(level.unchanged);
        }
        let mut sums = level.unchanged;
        level.rows.iter().for_each(|row| sums.add(Sums::of(row)));
        let mut row = sums.row(level.name.clone(), level.kind, level.status);
        (row.meta_graph, row.old_name) = (level.meta_graph, level.old_name.clone());
        row.children = level.finished(tallies.min_delta);
        // What has one part, and that one is all of it, has none.
        if let [only] = &*row.children
            && only.kind == DiffKind::Section
            && Sums::of(only) == Sums::of(&row)
        {
            row.children = Vec::new();
        }
        self.rows.push(row);
    }

    /// The rows, small ones and what is unchanged last.
    fn finished(self, min_delta: u64) -> Vec<DiffRow> {
        finished(self.rows, self.unchanged, min_delta)
    }
}

fn finished(rows: Vec<DiffRow>, unchanged: Sums, min_delta: u64) -> Vec<DiffRow> {
    if rows.is_empty() {
        return rows;
    }
    let (small, mut rows): (Vec<DiffRow>, Vec<DiffRow>) =
        rows.into_iter().partition(|row| row.delta.unsigned_abs() < min_delta);
    sort_rows(&mut rows);
    let mut together = Sums::default();
    small.iter().for_each(|row| together.add(Sums::of(row)));
    match small.len() {
        0 => {}
        number => rows.push(together.row(format!("{number} smaller changes"), DiffKind::Small, DiffStatus::Changed)),
    }
    if !unchanged.is_nothing() {
        rows.push(unchanged.row("unchanged".to_owned(), DiffKind::Unchanged, DiffStatus::Same));
    }
    rows
}

/// Rows of a level that was joined otherwise: those that are the same together, small ones together.
pub(super) fn joined(rows: Vec<DiffRow>, min_delta: u64) -> Vec<DiffRow> {
    let (same, rows): (Vec<DiffRow>, Vec<DiffRow>) = rows.into_iter().partition(|row| row.status == DiffStatus::Same);
    let mut unchanged = Sums::default();
    same.iter().for_each(|row| unchanged.add(Sums::of(row)));
    finished(rows, unchanged, min_delta)
}
