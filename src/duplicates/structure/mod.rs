//! Structure: functions of a library that are equal but for the names in them.
//!
//! A tracer that runs twice writes the same function twice, and no two bytes of the copies need agree: counters are in
//! the function's own name, in those of its nodes and arguments, and in every input and attribute that refers to one.
//! So names are taken out. It is done in two steps:
//!
//! 1. `canonical`: each function is read once and hashed with every name in it replaced by what it stands for, a
//!    position, and every function that it calls replaced by a blank.
//! 2. `classes`: functions of one hash are told apart by what fills their blanks. Callees are compared by their own
//!    structure, and theirs by that of their callees: two functions are equal when no path of calls leads to a
//!    difference. This is the question when two states of an automaton are equivalent, and so is the answer: it is
//!    exact for functions that call one another in circles, as forward and backward functions do by name, and costs
//!    neither stack nor more than O(n log n) for chains and rings of any length.
//!
//! A hash of 128 bits stands for a function's form; forms are not compared byte by byte. Structural figures are an
//! answer of their own and no part of the redundant bytes, for which bytes do decide.

#![warn(clippy::arithmetic_side_effects)]

mod attributes;
mod canonical;
mod classes;
mod form;
mod library;
mod names;
mod stem;

use std::ops::Range;

use foldhash::HashMap;

use self::canonical::Reader;
use self::classes::{Calls, classes};
use self::library::Library;
pub(super) use self::stem::common_stem;
use crate::progress::{Progress, Ticks};

/// For each function of each library its structure: equal numbers, also between libraries, say equal but for names.
///
/// `libraries` holds for each MetaGraphDef the payloads of its FunctionDefs as ranges of `file`; a function calls
/// those of its own library. The numbers count from 0 in the order of first occurrence. A function whose wire format
/// is damaged is equal only to one of the same bytes; a range outside of the file is an empty function.
/// `progress` is told of the bytes of the file that were gone through.
pub(super) fn structures(file: &[u8], libraries: &[Vec<Range<usize>>], progress: &dyn Progress) -> Vec<Vec<u128>> {
    let mut ticks = Ticks::new(progress, 0);
    let mut forms = Vec::with_capacity(libraries.iter().map(Vec::len).sum());
    let mut calls = Calls::default();
    for functions in libraries {
        let library = Library::new(file, functions, forms.len());
        let mut reader = Reader::new(file, library, calls);
        forms.extend(functions.iter().map(|function| {
            ticks.up_to(function.start);
            reader.read(function.clone())
        }));
        calls = reader.calls;
    }
    let mut classes = in_order_of_occurrence(classes(&forms, &calls)).into_iter();
    libraries.iter().map(|functions| classes.by_ref().take(functions.len()).collect()).collect()
}

/// Numbers the classes anew, from 0, by where each occurs first.
fn in_order_of_occurrence(classes: Vec<usize>) -> Vec<u128> {
    let mut numbers = HashMap::default();
    let mut number = |class| {
        let next = numbers.len() as u128;
        *numbers.entry(class).or_insert(next)
    };
    classes.into_iter().map(&mut number).collect()
}

#[cfg(test)]
mod tests;
