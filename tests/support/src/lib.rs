//! Builders of what smaudit reads, so that a test shows its input: wire messages, tables, checkpoints, directories.
//!
//! A crate that knows nothing of smaudit, whose unit tests, tests from outside, benchmarks and fuzz targets share it.

#![allow(missing_docs, clippy::cast_possible_truncation)]
#![allow(clippy::len_without_is_empty, clippy::new_without_default, reason = "nobody would call what these ask for")]

pub mod archive;
pub mod bundle;
pub mod files;
pub mod graph;
pub mod mutate;
pub mod random;
pub mod riegeli;
pub mod table;
pub mod v1;
pub mod wire;
