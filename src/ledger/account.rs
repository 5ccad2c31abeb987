//! One file's charges, in the order of its bytes.

use std::ops::Range;

use thiserror::Error;

use super::{Dimension, Label, Labels, Ledger, Tally};

/// A file whose charges do not cover it exactly once: a mistake in smaudit, never a property of the file.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "internal error: the books of {file} do not balance: bytes up to {charged} are charged, \
     the next charge or the end of the file is at {expected}"
)]
pub struct Imbalance {
    /// The file.
    pub file: String,
    /// Where the charges so far end.
    pub charged: u64,
    /// Where the next charge starts, or the file ends.
    pub expected: u64,
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
}

impl<'l> Account<'l> {
    pub(super) fn new(ledger: &'l mut Ledger, file: &str, label: Label, bytes: u64) -> Self {
        Self { ledger, file: file.to_owned(), label, bytes, charged: 0, imbalance: None }
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

    /// Charges the bytes at `range`, which hold `count` things, to `labels`.
    pub fn charge(&mut self, range: Range<u64>, labels: Labels, count: u64) {
        if range.start != self.charged || range.end < range.start {
            self.note_imbalance(range.start);
            return;
        }
        if range.is_empty() && count == 0 {
            return;
        }
        self.charged = range.end;
        let tally = Tally { bytes: range.end - range.start, count };
        self.ledger.add(labels.with(Dimension::File, self.label), tally);
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
