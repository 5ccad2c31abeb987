//! Builders of what smaudit reads, so that a test shows its input: wire messages, tables, checkpoints, directories.
//!
//! Also included by the unit tests in `src/` (see the end of `src/lib.rs`); each test target uses a part of it.

#![allow(dead_code, unreachable_pub, missing_docs, clippy::cast_possible_truncation)]

pub mod archive;
pub mod bundle;
pub mod files;
pub mod graph;
pub mod riegeli;
pub mod table;
pub mod v1;
pub mod wire;
