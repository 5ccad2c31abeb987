//! The tests of smaudit from outside: of the library through its API, and of the command as a user and a script run it.
//!
//! One binary with a module for each subject, as each binary would link the whole crate. Builders of input come from the
//! crate `support` (`tests/support`), which the unit tests in `src/` use as well.

mod architecture;
mod archives;
mod breakdown;
mod changes;
mod chunked;
mod cli;
mod conservation;
mod damages;
mod diff;
mod duplicate_properties;
mod duplicates;
mod findings;
mod fuzz_replay;
mod gate;
mod golden;
mod html;
mod input;
mod limits;
mod picture;
mod print_text;
mod progress;
mod proto_schema;
mod public_api;
mod readme;
mod reads;
mod run;
mod schema;
mod screens;
mod side_files;
mod sources;
/// What is fuzzed. Included, as the package of the fuzz targets needs nightly Rust and a C++ compiler.
#[path = "../../fuzz/src/lib.rs"]
mod targets;
mod text;
mod v1;

use targets::balance;
