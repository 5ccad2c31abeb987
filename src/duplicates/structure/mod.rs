//! Structure: functions of a library that are equal but for the names in them.
//!
//! A tracer that runs twice writes the same function twice, and no two bytes of the copies need agree: counters are in
//! the function's own name, in those of its nodes and arguments, and in every input and attribute that refers to one.
//! So names are taken out. It is done in two steps:
//!
//! 1. `canonical`: each function is read once and hashed with every name in it replaced by what it stands for, a
//!    position, and every function that it calls replaced by a blank. Nodes that are like those of a function read before
//!    are held against them instead (`trail`).
//! 2. `classes`: functions of one hash are told apart by what fills their blanks. Callees are compared by their own
//!    structure, and theirs by that of their callees: two functions are equal when no path of calls leads to a
//!    difference. This is the question when two states of an automaton are equivalent, and so is the answer: it is
//!    exact for functions that call one another in circles, as forward and backward functions do by name, and costs
//!    neither stack nor more than O(n log n) for chains and rings of any length.
//!
//! Two hashes of 128 bits stand for a function's form, one of them by a key that no file can foresee ([`form::Digest`]). So
//! functions are put into one class by what was compared, and not because somebody made a file whose hashes meet. The
//! other one is the same in every run: of it a digest of each function is made for reports ([`stable`]).
//!
//! | module | holds |
//! |---|---|
//! | `parts` | fields, entries of maps |
//! | `form` | the pieces of a canonical form, and its digest |
//! | `library`, `names` | functions by name; the arguments and nodes of one function by name |
//! | `canonical`, `attributes` | what the canonical form is, and what writes it |
//! | `outline`, `body` | the two passes over a function, each with its own state |
//! | `trail` | nodes that were read before, which others are held against |
//! | `reader` | a function by both passes |
//! | `classes`, `stable` | functions told apart by their callees; digests |
//! | `stem` | what names of functions have in common |

#![warn(clippy::arithmetic_side_effects)]

mod attributes;
mod body;
mod canonical;
mod classes;
mod form;
mod library;
mod names;
mod outline;
mod parts;
mod reader;
mod stable;
mod stem;
mod trail;

use std::ops::Range;

use foldhash::HashMap;

use self::canonical::Digests;
use self::classes::{Calls, classes};
pub(super) use self::form::Digest;
use self::form::Key;
use self::library::{Library, Signed};
pub(super) use self::outline::Noted;
use self::reader::{Read, Reader};
pub(crate) use self::stem::common_stem;
use crate::progress::{Progress, Silent};
use crate::queue;

/// Functions are read in parts of about so many bytes, by all cores.
const PART: usize = 1 << 21;

/// What a function is but for its names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Structure {
    /// Functions with equal numbers, also of two libraries, are equal but for names. Counts from 0 in the order of first
    /// occurrence.
    pub(super) class: usize,
    /// A digest of the `_output_shapes` of its nodes, which are no part of the class: a tracer may know them for one call
    /// and not for another.
    pub(super) shapes: Digest,
    /// The digest of its class that is the same in every run ([`stable`]).
    pub(super) digest: u128,
    /// The same of its form alone, whatever it calls.
    pub(super) form: u128,
}

/// For each function of each library its structure, and what was noted of it.
///
/// `libraries` holds for each MetaGraphDef the payloads of its FunctionDefs as ranges of `file`; a function calls
/// those of its own library. A function whose wire format is damaged is equal only to one of the same bytes; a range
/// outside of the file is an empty function. Nodes of `large` bytes are noted. `progress` is given the bytes of the
/// functions that were read.
pub(super) fn structures(
    file: &[u8],
    libraries: &[Vec<Range<usize>>],
    large: usize,
    progress: &dyn Progress,
) -> Vec<Vec<(Structure, Noted)>> {
    let mut read = Vec::with_capacity(libraries.iter().map(Vec::len).sum());
    let (mut calls, key) = (Calls::default(), Key::new());
    for functions in libraries.iter().filter(|functions| !functions.is_empty()) {
        let parts: Vec<&[Range<usize>]> = parts(functions).collect();
        let mut library = Library::new(file, functions, &parts, read.len(), Signed::Once);
        let mut of_parts = read_parts(file, &library, &parts, (large, key), progress);
        if of_parts.iter().flat_map(|(functions, _)| functions).any(|function| function.noted.signed_again) {
            library = Library::new(file, functions, &parts, read.len(), Signed::Again);
            of_parts = read_parts(file, &library, &parts, (large, key), &Silent);
        }
        for (part, (mut of_part, part_calls)) in parts.iter().zip(of_parts) {
            if !calls.append(&part_calls) {
                // Not all calls can be followed any more: those that came first are.
                let mut reader = Reader::new(file, &library, large, key, calls);
                of_part = reader.read_all(part);
                calls = reader.writer.calls;
            }
            read.extend(of_part);
        }
    }
    let forms: Vec<Digest> = read.iter().map(|read| read.digests.form).collect();
    let classes = in_order_of_occurrence(classes(&forms, &calls));
    let stable: Vec<u128> = forms.iter().map(|form| form.stable).collect();
    let digests = stable::digests(&classes, &stable, &calls);
    let structure = |(class, read): (usize, Read)| {
        let digest = digests.get(class).copied().unwrap_or_default();
        let Digests { form, shapes } = read.digests;
        (Structure { class, shapes, digest, form: form.stable }, read.noted)
    };
    let mut structures = classes.into_iter().zip(read).map(structure);
    libraries.iter().map(|functions| structures.by_ref().take(functions.len()).collect()).collect()
}

/// Reads the parts of a library, by all cores: what each function is, and the calls. Functions of one part follow the
/// trail that those of others have left.
fn read_parts(
    file: &[u8],
    library: &Library<'_>,
    parts: &[&[Range<usize>]],
    (large, key): (usize, Key),
    progress: &dyn Progress,
) -> Vec<(Vec<Read>, Calls)> {
    let reader = || Reader::new(file, library, large, key, Calls::default());
    queue::map_with(parts, reader, |reader, part| {
        let read = reader.read_all(part);
        progress.advance(part.iter().map(|function| function.len() as u64).fold(0, u64::saturating_add));
        (read, std::mem::take(&mut reader.writer.calls))
    })
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
