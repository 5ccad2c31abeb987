//! One file's charges, in the order of its bytes.

use std::ops::Range;

use thiserror::Error;

use super::{Dimension, Group, Label, Labels, Ledger, State, Tally};

/// A range of a file that is in another state than the rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// The bytes.
    pub range: Range<u64>,
    /// What they are.
    pub state: State,
    /// What else is said of them, as a number of who made the mark; 0 for nothing.
    pub tag: u32,
}

/// A file whose charges do not cover it exactly once: a mistake in smaudit, never a property of the file.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "internal error: the books of {file} do not balance: bytes up to {charged} are charged, \
     the next charge or the end of the file is at {expected}"
)]
#[non_exhaustive]
pub struct Imbalance {
    /// The file.
    pub file: String,
    /// Where the charges so far end.
    pub charged: u64,
    /// Where the next charge starts, or the file ends.
    pub expected: u64,
}

/// A row of the ledger, as an [`Account`] found it.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    group: Group,
    op: Label,
    /// Its number; none where charges are divided by their state, as each state has a row.
    number: Option<u32>,
}

/// The account of one file. Charges are made front to back, each where the last one ended, and [`Account::close`]
/// wants the last one to end where the file does: disjoint and complete by construction.
#[derive(Debug)]
pub struct Account<'l> {
    ledger: &'l mut Ledger,
    file: String,
    label: Label,
    bytes: u64,
    charged: u64,
    imbalance: Option<Imbalance>,
    /// The marks that end behind `charged`, the next one last; `None` where nobody asked.
    marks: Option<Vec<Mark>>,
    states: [Label; 4],
}

impl<'l> Account<'l> {
    pub(super) fn new(ledger: &'l mut Ledger, file: &str, label: Label, bytes: u64, mut marks: Vec<Mark>) -> Self {
        let wanted = ledger.wants(Dimension::Duplicate);
        let mut name = |state: State| if wanted { ledger.label(state.name().as_bytes()) } else { Label::NONE };
        let states = [State::Unique, State::Redundant, State::Zero, State::Fill].map(&mut name);
        marks.reverse();
        let marks = wanted.then_some(marks);
        Self { ledger, file: file.to_owned(), label, bytes, charged: 0, imbalance: None, marks, states }
    }

    /// The ledger, for labels.
    pub fn ledger(&mut self) -> &mut Ledger {
        self.ledger
    }

    /// The name of the file.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Where the charges so far end.
    #[must_use]
    pub fn charged(&self) -> u64 {
        self.charged
    }

    /// Charges the bytes at `range`, which hold `count` items, to `labels`.
    pub fn charge(&mut self, range: Range<u64>, labels: Labels, count: u64) {
        if range.start != self.charged || range.end < range.start {
            self.note_imbalance(range.start);
            return;
        }
        if range.is_empty() && count == 0 {
            return;
        }
        let labels = labels.with(Dimension::File, self.label);
        if self.marks.is_some() {
            self.charge_by_state(range.end, labels, count);
        } else {
            self.add(range.end, labels, count);
        }
    }

    /// All that charges under these labels, of whatever op, have in common, for [`Account::row`].
    pub fn group(&mut self, labels: Labels) -> Group {
        self.ledger.group(labels.with(Dimension::File, self.label))
    }

    /// The row that charges to an op of a group go to, for [`Account::charge_row`].
    pub fn row(&mut self, group: Group, op: Label) -> Row {
        Row { group, op, number: self.marks.is_none().then(|| self.ledger.row(group, op)) }
    }

    /// As [`Account::charge`], where many charges go to one row: it is looked up once.
    #[inline]
    pub fn charge_row(&mut self, range: Range<u64>, row: &Row, count: u64) {
        let Some(number) = row.number.filter(|_| range.start == self.charged && range.start <= range.end) else {
            return self.charge_by_labels(range, row, count);
        };
        let tally = Tally { bytes: range.end - self.charged, count };
        self.charged = range.end;
        self.ledger.rows.add(number, tally);
    }

    #[cold]
    fn charge_by_labels(&mut self, range: Range<u64>, row: &Row, count: u64) {
        if let Some(labels) = self.ledger.rows.labels(row.group) {
            self.charge(range, labels.with(Dimension::Op, row.op), count);
        }
    }

    /// Charges up to `end`, divided where marks begin and end. What is counted is counted with the first part.
    fn charge_by_state(&mut self, end: u64, labels: Labels, mut count: u64) {
        loop {
            let (state, tag, until) = self.state_at(self.charged);
            let [unique, redundant, zero, fill] = self.states;
            let label = match state {
                State::Unique => unique,
                State::Redundant => redundant,
                State::Zero => zero,
                State::Fill => fill,
            };
            self.add(until.min(end), labels.with(Dimension::Duplicate, label).tagged(tag), count);
            count = 0;
            if self.charged >= end {
                return;
            }
        }
    }

    /// The state of the byte at `offset`, what else is said of it, and where the next mark begins.
    fn state_at(&mut self, offset: u64) -> (State, u32, u64) {
        let Some(marks) = &mut self.marks else { return (State::Unique, 0, u64::MAX) };
        while marks.last().is_some_and(|mark| mark.range.end <= offset) {
            marks.pop();
        }
        match marks.last() {
            Some(mark) if mark.range.start <= offset => (mark.state, mark.tag, mark.range.end),
            Some(mark) => (State::Unique, 0, mark.range.start),
            None => (State::Unique, 0, u64::MAX),
        }
    }

    fn add(&mut self, end: u64, labels: Labels, count: u64) {
        let tally = Tally { bytes: end - self.charged, count };
        self.charged = end;
        self.ledger.add(labels, tally);
    }

    /// Charges everything up to `end` that is not charged yet.
    pub fn charge_up_to(&mut self, end: u64, labels: Labels, count: u64) {
        self.charge(self.charged..end, labels, count);
    }

    /// Ends the account.
    ///
    /// # Errors
    /// Where a byte of the file was charged twice or not at all.
    pub fn close(mut self) -> Result<(), Imbalance> {
        if self.charged != self.bytes {
            self.note_imbalance(self.bytes);
        }
        self.imbalance.map_or(Ok(()), Err)
    }

    /// Keeps the first imbalance; those after it follow from it.
    fn note_imbalance(&mut self, expected: u64) {
        if self.imbalance.is_none() {
            self.imbalance = Some(Imbalance { file: self.file.clone(), charged: self.charged, expected });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Category;
    use super::*;

    fn files() -> Labels {
        Labels::new(Category::Files)
    }

    #[test]
    fn charges_that_cover_a_file_balance() {
        let mut ledger = Ledger::new(&[]);
        let mut account = ledger.open("a", 10);
        account.charge(0..4, files(), 1);
        account.charge_up_to(10, files(), 0);
        assert_eq!(account.close(), Ok(()));
        assert_eq!(ledger.total(), 10);
    }

    #[test]
    fn a_charge_is_divided_where_marks_begin_and_end() {
        let mut ledger = Ledger::new(&[Dimension::Duplicate]);
        let marks = [(2..5, State::Redundant), (5..6, State::Zero), (9..10, State::Redundant)];
        ledger.mark("a".to_owned(), marks.map(|(range, state)| Mark { range, state, tag: 0 }).into());
        let mut account = ledger.open("a", 10);
        account.charge(0..4, files(), 1);
        account.charge(4..10, files(), 1);
        account.close().unwrap();
        let rollup = ledger.rollup(&[Dimension::Duplicate]);
        let rows: Vec<_> = rollup.rows.iter().map(|row| (&*row.name, row.bytes, row.count)).collect();
        assert_eq!(rows, [("unique", 5, 1), ("redundant", 4, 1), ("zero", 1, 0)]);
    }

    #[test]
    fn charges_to_a_row_are_charges_by_its_labels() {
        for by in [&[Dimension::File][..], &[Dimension::Duplicate]] {
            let rollups = [false, true].map(|by_row| {
                let mut ledger = Ledger::new(by);
                ledger.mark("a".to_owned(), vec![Mark { range: 2..5, state: State::Redundant, tag: 0 }]);
                let mut account = ledger.open("a", 10);
                let group = account.group(files());
                let row = account.row(group, Label::NONE);
                for range in [0..4, 4..10] {
                    if by_row { account.charge_row(range, &row, 1) } else { account.charge(range, files(), 1) }
                }
                account.close().unwrap();
                ledger.rollup(by)
            });
            assert_eq!(rollups[0], rollups[1]);
        }
    }

    #[test]
    fn a_gap_in_charges_to_a_row_is_named_with_its_offset() {
        let mut ledger = Ledger::new(&[]);
        let mut account = ledger.open("a", 10);
        let group = account.group(files());
        let row = account.row(group, Label::NONE);
        account.charge_row(0..4, &row, 1);
        account.charge_row(6..10, &row, 1);
        assert_eq!(account.close().unwrap_err().expected, 6);
    }

    #[test]
    fn a_gap_is_named_with_its_offset() {
        let mut ledger = Ledger::new(&[]);
        let mut account = ledger.open("a", 10);
        account.charge(0..4, files(), 1);
        account.charge(6..10, files(), 1);
        let imbalance = account.close().unwrap_err();
        assert_eq!(imbalance, Imbalance { file: "a".into(), charged: 4, expected: 6 });
    }

    #[test]
    fn an_overlap_is_named_with_its_offset() {
        let mut ledger = Ledger::new(&[]);
        let mut account = ledger.open("a", 10);
        account.charge(0..4, files(), 1);
        account.charge(3..10, files(), 1);
        assert_eq!(account.close().unwrap_err().expected, 3);
    }

    #[test]
    fn a_leftover_at_the_end_is_an_imbalance() {
        let mut ledger = Ledger::new(&[]);
        let mut account = ledger.open("a", 10);
        account.charge(0..9, files(), 1);
        let imbalance = account.close().unwrap_err();
        assert_eq!((imbalance.charged, imbalance.expected), (9, 10));
    }
}
