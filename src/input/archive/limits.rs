//! How much an archive may hold: a small file can unpack to one that fills any memory.

use thiserror::Error;

use crate::progress::{Progress as _, Stage, Step, Work};

/// Limits on what is read of archives. Those that hold more are not read at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The most entries of an archive.
    pub entries: usize,
    /// The most bytes that all archives of one run are unpacked to, as these are held in memory. What an archive holds
    /// without compression is mapped, and does not count.
    pub unpacked: u64,
    /// The most bytes that one byte of an archive may be unpacked to.
    pub ratio: u64,
    /// Up to so many bytes the ratio does not count: fresh variables are zeros, which pack a thousandfold.
    pub ratio_from: u64,
}

impl Default for Limits {
    /// 100,000 entries, 4 GiB, and 50 to 1 from 192 MiB on: a run takes no more than 256 MiB and 60 times its input.
    fn default() -> Self {
        Self { entries: 100_000, unpacked: 4 << 30, ratio: 50, ratio_from: 192 << 20 }
    }
}

/// A limit that an archive does not keep to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(super) enum Exceeded {
    #[error("holds more than {0} entries, the most that smaudit reads of an archive; {REMEDY}")]
    Entries(usize),
    #[error(
        "unpacks to more than {left} bytes, which is what is left of the {limit} bytes that smaudit holds of all packed archives of a run; audit fewer at a time, or {REMEDY}"
    )]
    Unpacked { limit: u64, left: u64 },
    #[error(
        "unpacks to more than {unpacked} bytes, over {ratio} times its own {packed} bytes, which no model does; if you trust it, {REMEDY}"
    )]
    Ratio { packed: u64, unpacked: u64, ratio: u64 },
    #[error("unpacks to more than {0} bytes, for which there is not enough memory; {REMEDY}")]
    Memory(u64),
}

const REMEDY: &str = "unpack it and audit the directory";

/// What an archive may still be unpacked to.
pub(super) struct Allowance<'r> {
    limits: &'r Limits,
    packed: u64,
    /// What this archive has been unpacked to.
    unpacked: u64,
    /// What all archives of the run have been unpacked to.
    spent: &'r mut u64,
    /// Counts the packed bytes.
    unpacking: Stage<'r>,
}

impl<'r> Allowance<'r> {
    /// For an archive of `packed` bytes, where `spent` bytes have been unpacked before.
    pub(super) fn new(limits: &'r Limits, packed: usize, spent: &'r mut u64, work: &Work<'r>) -> Self {
        let mut unpacking = work.begin(Step::Unpacking, 0);
        unpacking.expect_more(packed as u64);
        Self { limits, packed: packed as u64, unpacked: 0, spent, unpacking }
    }

    /// So many packed bytes more were gone through.
    pub(super) fn gone_through(&self, packed: usize) {
        self.unpacking.advance(packed as u64);
    }

    /// Whether an archive may have so many entries.
    pub(super) fn entries(&self, entries: usize) -> Result<(), Exceeded> {
        if entries > self.limits.entries { Err(Exceeded::Entries(self.limits.entries)) } else { Ok(()) }
    }

    /// Appends bytes that were unpacked, if there may be so many.
    pub(super) fn extend(&mut self, unpacked: &mut Vec<u8>, bytes: &[u8]) -> Result<(), Exceeded> {
        self.spend(bytes.len() as u64)?;
        if unpacked.try_reserve(bytes.len()).is_err() && unpacked.try_reserve_exact(bytes.len()).is_err() {
            return Err(Exceeded::Memory(unpacked.len() as u64));
        }
        unpacked.extend_from_slice(bytes);
        Ok(())
    }

    fn spend(&mut self, bytes: u64) -> Result<(), Exceeded> {
        let (limits, before) = (self.limits, self.spent.saturating_sub(self.unpacked));
        self.unpacked = self.unpacked.saturating_add(bytes);
        *self.spent = self.spent.saturating_add(bytes);
        if *self.spent > limits.unpacked {
            let left = limits.unpacked.saturating_sub(before);
            return Err(Exceeded::Unpacked { limit: limits.unpacked, left });
        }
        let most = self.packed.saturating_mul(limits.ratio).max(limits.ratio_from);
        if self.unpacked > most {
            return Err(Exceeded::Ratio { packed: self.packed, unpacked: most, ratio: limits.ratio });
        }
        Ok(())
    }
}
