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
use crate::progress::Progress;
use crate::turns;

/// Functions are read in parts of about so many bytes, by all cores.
const PART: usize = 1 << 21;

/// What a function is but for its names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Structure {
    /// Functions with equal numbers, also of two libraries, are equal but for names. Counts from 0 in the order of first
    /// occurrence.
    pub(super) class: usize,
    /// A hash of the `_output_shapes` of its nodes, which are no part of the class: a tracer may know them for one call
    /// and not for another.
    pub(super) shapes: u128,
}

/// For each function of each library its structure.
///
/// `libraries` holds for each MetaGraphDef the payloads of its FunctionDefs as ranges of `file`; a function calls
/// those of its own library. A function whose wire format is damaged is equal only to one of the same bytes; a range
/// outside of the file is an empty function. `progress` is told of the bytes of the functions that were read.
pub(super) fn structures(file: &[u8], libraries: &[Vec<Range<usize>>], progress: &dyn Progress) -> Vec<Vec<Structure>> {
    let mut forms = Vec::with_capacity(libraries.iter().map(Vec::len).sum());
    let mut calls = Calls::default();
    for functions in libraries {
        let parts: Vec<&[Range<usize>]> = parts(functions).collect();
        let library = Library::new(file, functions, &parts, forms.len());
        let read = turns::map(&parts, |part| {
            let read = read(file, &library, part, Calls::default());
            progress.advance(part.iter().map(|function| function.len() as u64).fold(0, u64::saturating_add));
            read
        });
        for (part, (mut part_forms, part_calls)) in parts.iter().zip(read) {
            if !calls.append(&part_calls) {
                // Not all calls can be followed any more: those that came first are.
                (part_forms, calls) = self::read(file, &library, part, calls);
            }
            forms.extend(part_forms);
        }
    }
    let (forms, shapes): (Vec<u128>, Vec<u128>) = forms.into_iter().unzip();
    let classes = in_order_of_occurrence(classes(&forms, &calls));
    let mut structures = classes.into_iter().zip(shapes).map(|(class, shapes)| Structure { class, shapes });
    libraries.iter().map(|functions| structures.by_ref().take(functions.len()).collect()).collect()
}

/// Divides a library into parts, each but the last of at least [`PART`] bytes.
fn parts(functions: &[Range<usize>]) -> impl Iterator<Item = &[Range<usize>]> {
    let mut bytes = 0_usize;
    functions.chunk_by(move |function, _| {
        bytes = bytes.saturating_add(function.len());
        let goes_on = bytes < PART;
        bytes = if goes_on { bytes } else { 0 };
        goes_on
    })
}

/// Reads functions of a library: the hashes of each, and the calls, added to `calls`.
fn read(file: &[u8], library: &Library<'_>, functions: &[Range<usize>], calls: Calls) -> (Vec<(u128, u128)>, Calls) {
    let mut reader = Reader::new(file, library, calls);
    let read = functions.iter().map(|function| reader.read(function.clone())).collect();
    (read, reader.calls)
}

/// Numbers the classes anew, from 0, by where each occurs first.
fn in_order_of_occurrence(classes: Vec<usize>) -> Vec<usize> {
    let mut numbers = HashMap::default();
    let mut number = |class| {
        let next = numbers.len();
        *numbers.entry(class).or_insert(next)
    };
    classes.into_iter().map(&mut number).collect()
}

#[cfg(test)]
mod tests;
