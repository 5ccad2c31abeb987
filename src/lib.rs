//! smaudit says why a TensorFlow SavedModel is as big as it is: which bytes are there, where, and what for.
//!
//! Data goes one way: **files → spans → charges → answers → report**.
//!
//! - [`input`] finds models and opens their files. Everything else works on names and bytes.
//! - [`wire`], [`text`], [`chunked`] and [`checkpoint`] say which span of a file is what; [`proto`] says what a span means, where that is
//!   needed.
//! - [`charge`] charges every span to the [`ledger`], whose books must balance: each byte of each file once.
//! - [`fingerprint`] reads what TensorFlow knows a model by, and says whether it fits.
//! - [`duplicates`] finds what is there twice, [`graph`] what each signature reaches.
//! - [`audit()`] runs these over one model and adds the charges up; [`gate`] holds rules against what it says;
//!   [`report`] writes the outcome in five formats.
//!
//! What a thing costs is where it lies in the file, so nothing is measured by decoding it and encoding it again. Every
//! breakdown is a sum of the same charges, so no two can disagree. A model is somebody else's and may be damaged: what is
//! wrong is a [`problem::Problem`] in the report, and its bytes are charged all the same.
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
//! written by [`report::Format::write`]. The command line is only known to the binary. `docs/architecture.md` says who may
//! use whom.

mod audit;
mod cache;
pub mod charge;
pub mod checkpoint;
pub mod chunked;
mod components;
pub mod dtype;
pub mod duplicates;
pub mod escape;
pub mod exit;
pub mod findings;
pub mod fingerprint;
pub mod gate;
pub mod graph;
pub mod identity;
pub mod input;
pub mod ledger;
pub mod message;
pub mod natural;
pub mod outline;
pub mod problem;
pub mod progress;
pub mod proto;
mod queue;
pub mod report;
mod schema;
mod seeded;
pub mod size;
pub mod text;
mod verify;
pub mod wire;

pub use audit::{AuditError, Options, audit, bytes_to_read, neighbours, why};

#[cfg(test)]
extern crate support;
