//! Why a file's contents cannot be had, and which problem that is.

use std::io;

use thiserror::Error;

use crate::problem::{Problem, ProblemKind};

/// Why a file's contents cannot be had.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Cause {
    /// The system does not open it.
    #[error("cannot be opened: {0}")]
    Open(io::Error),
    /// It was one when it was listed.
    #[error("is no longer a regular file")]
    NotRegular,
    /// Its length is not the one that it was listed with.
    #[error("changed while the audit ran: it had {listed} bytes when it was listed and has {found} now")]
    Length {
        /// The bytes when it was listed.
        listed: u64,
        /// The bytes when it was opened or read.
        found: u64,
    },
    /// It was opened, but cannot be read or mapped.
    #[error("cannot be read: {0}")]
    Read(io::Error),
    /// It is sparse, and what was asked for of it is nearly all holes.
    #[error("is not read: {0} bytes of it are holes of a sparse file, which are nowhere on the disk")]
    Holes(u64),
    /// A store does not give it; the message says why.
    #[error("{message}")]
    Store {
        /// Why, without anything secret.
        message: String,
        /// Whether that is because it is another one than was listed.
        is_changed: bool,
    },
    /// It is data in a store of which less was asked for.
    #[error("is not read at this depth")]
    LeftOut,
}

impl Cause {
    pub(super) fn kind(&self) -> ProblemKind {
        match self {
            Self::Length { .. } | Self::Store { is_changed: true, .. } => ProblemKind::Changed,
            Self::Holes(_) => ProblemKind::Limit,
            _ => ProblemKind::Damaged,
        }
    }

    /// The problem that this is for `file`.
    #[must_use]
    pub fn of_file(&self, file: &str) -> Problem {
        Problem::of_file(file, self).of_kind(self.kind())
    }
}
