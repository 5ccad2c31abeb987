//! smaudit says why a TensorFlow SavedModel is as big as it is: which bytes are there, where, and what for.
//!
//! Data goes one way: **files → spans → charges → answers → report**.
//!
//! - [`input`] finds models and opens their files.
//! - [`audit()`] charges every span of a model's files, finds duplicates and causes of size, and adds up what [`Options`] ask,
//!   by [`Dimension`]s; [`why()`] says through what a signature needs something, [`neighbours()`] what models repeat of each other.
//! - [`gate`] holds rules against a report; [`report`] writes it in five formats.
//! - [`CAUSES`] is the catalogue of what a finding may name.
//! - [`progress`] is how an audit says what it is doing.
//!
//! What a part costs is where it lies in the file, so nothing is measured by decoding it and encoding it again. Every
//! breakdown is a sum of the same charges, so no two can disagree. A model is somebody else's and may be damaged: what is
//! wrong is a [`Problem`] in the report, and its bytes are charged all the same.
//!
//! ```
//! use smaudit::{Options, audit, input::Model, progress::Silent};
//!
//! let model = Model::in_memory("empty", [("notes.txt".to_owned(), "four".into())]);
//! let report = audit(&model, &Options::default(), &Silent)?;
//! assert_eq!(report.total_bytes, 4);
//! # Ok::<(), smaudit::AuditError>(())
//! ```
//!
//! A model on disk comes from [`input::find()`] and [`input::Model::read`]; a [`report::Report`] of several models is
//! written by [`report::Format::write`]. The command line is only known to the binary, which the feature `cli` is for.
//! Parts that are not named here are private; `docs/architecture.md` says what they are and who may use whom.

mod audit;
mod broadcast;
mod cache;
mod charge;
mod checkpoint;
mod chunked;
mod components;
pub mod diff;
mod digests;
mod dtype;
mod duplicates;
mod edit;
mod escape;
mod exit;
mod findings;
mod fingerprint;
pub mod gate;
mod glob;
mod graph;
mod identity;
pub mod input;
mod ledger;
mod message;
mod meter;
mod natural;
mod outline;
mod problem;
pub mod progress;
mod proto;
mod queue;
pub mod report;
mod schema;
mod seeded;
mod shared_names;
mod size;
mod slim;
mod stand_in;
mod steady;
mod suggest;
mod text;
mod verify;
mod wire;

pub use audit::{AuditError, Options, audit, bytes_to_read, neighbours, why};
pub use exit::Exit;
pub use findings::{CAUSES, Cause, cause};
pub use ledger::{ByError, Dimension, Imbalance, NoDimension, Only, check_by};
pub use problem::{Problem, ProblemKind};

/// What the command, tests, benchmarks and fuzz targets need of the parts. No promise is made of it: a new version may
/// change all of it.
#[doc(hidden)]
pub mod internals {
    macro_rules! parts {
        ($($part:ident)*) => { $(pub mod $part { pub use crate::$part::*; })* };
    }

    parts!(charge checkpoint chunked dtype duplicates edit escape findings fingerprint graph identity ledger message meter outline proto size slim suggest text wire);
}

#[cfg(test)]
extern crate support;
