//! What is read of a model, counted by all threads, and what of it is data.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::super::ranged::{Depth, Reads};
use crate::input::layout::{ASSETS, ASSETS_EXTRA, VARIABLES};

/// What is in a file, as far as it decides what is read of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// It tells what the model is.
    Message,
    /// Data of a checkpoint, and assets: the model can be known without it.
    Data,
}

impl Role {
    /// By the name of a file of a model.
    pub(super) fn of(name: &str) -> Self {
        let is_asset = name.starts_with(ASSETS) || name.starts_with(ASSETS_EXTRA);
        let is_data = is_asset || name.starts_with(VARIABLES) && name.contains(".data-");
        if is_data { Self::Data } else { Self::Message }
    }
}

/// Counts what is read, by all threads.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) requests: AtomicU64,
    pub(super) bytes: AtomicU64,
    pub(super) data_bytes: AtomicU64,
    pub(super) uncompared: [AtomicU64; 2],
    pub(super) unseen: [AtomicU64; 2],
}

impl Tally {
    /// Counts bytes that came.
    pub(super) fn count(&self, role: Role, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Relaxed);
        if role == Role::Data {
            self.data_bytes.fetch_add(bytes as u64, Relaxed);
        }
    }

    /// Counts a range that was left out.
    pub(super) fn leave_out(counts: &[AtomicU64; 2], bytes: u64) {
        let [number, sum] = counts;
        number.fetch_add(1, Relaxed);
        sum.fetch_add(bytes, Relaxed);
    }

    /// The counts so far.
    pub(super) fn reads(&self, depth: Depth, e_tag: String) -> Reads {
        let pair = |[number, sum]: &[AtomicU64; 2]| (number.load(Relaxed), sum.load(Relaxed));
        Reads {
            depth,
            requests: self.requests.load(Relaxed),
            bytes: self.bytes.load(Relaxed),
            data_bytes: self.data_bytes.load(Relaxed),
            uncompared: pair(&self.uncompared),
            unseen: pair(&self.unseen),
            e_tag,
        }
    }
}
