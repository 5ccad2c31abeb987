//! V1 checkpoints, TensorFlow 1's first format: tables that hold the values themselves.
//!
//! From `tensorflow/core/util/saved_tensor_slice.proto` and `tensor_slice_writer.cc`. Under the empty key a table has its
//! contents, the name, type, shape and slices of each variable; every other key is that of a slice ([`SliceName`]), and
//! its value a message with the elements. A variable that is not partitioned is one slice without bounds.
//!
//! A variable costs what its value takes in the table: the message as a whole, with the few bytes around the elements.
//! So one rule fits all types, also strings and integers, whose elements do not lie side by side. Values are walked and
//! not decoded; the keys and the contents are what this takes memory for.

#![warn(clippy::arithmetic_side_effects)]

use std::collections::BTreeMap;
use std::ops::Range;

use bytes::Bytes;
use prost::Message as _;

use super::bundle::{MAX_ENTRY_BYTES, Tensor};
use super::slice_name::{MAX_RANK, SliceName};
use super::table::{Entry, Table};
use crate::escape::shortened;
use crate::message::number::saved_slice::{DATA as SLICE_DATA, NAME as SLICE_NAME};
use crate::message::number::saved_tensor_slice_meta::TENSOR;
use crate::message::number::saved_tensor_slices::{DATA, META};
use crate::problem::{Problem, Problems};
use crate::proto::SavedSliceMeta;
use crate::wire::{Fields, WireError};

/// Reads tables, given by path in the order of their numbers. Returns the tensors of all of them; damage to one costs
/// what is damaged.
pub fn read(tables: impl IntoIterator<Item = (u32, String, Result<Bytes, Problem>)>) -> (Vec<Tensor>, Vec<Problem>) {
    let mut reader = Reader::default();
    for (number, path, contents) in tables {
        match contents {
            Ok(contents) => reader.table(number, &path, contents),
            Err(problem) => reader.problems.push(problem),
        }
    }
    (reader.tensors, reader.problems.into_list())
}

/// What is known so far.
#[derive(Debug, Default)]
struct Reader {
    tensors: Vec<Tensor>,
    /// Where the variables that have slices are among the tensors.
    partitioned: BTreeMap<String, usize>,
    problems: Problems,
}

/// A variable of a table's contents.
#[derive(Debug, Default)]
struct Variable {
    dtype: i32,
    shape: Vec<i64>,
    /// How many slices of it the table should hold, less those that were found.
    missing: usize,
}

type Contents = BTreeMap<String, Variable>;

impl Reader {
    fn table(&mut self, number: u32, path: &str, file: Bytes) {
        let table = match Table::open(file) {
            Ok(table) => table,
            Err(error) => return self.problems.push(Problem::at(path, error.offset, error)),
        };
        let (mut contents, mut found) = (Contents::new(), false);
        for entry in table.entries() {
            let mut report = |offset, message: String| self.problems.push(Problem::at(path, offset, message));
            match entry {
                Err(error) => report(error.offset, error.to_string()),
                Ok(entry) if entry.key.is_empty() => {
                    found = true;
                    contents = read_contents(&entry.value, |message| report(entry.offset(), message));
                }
                Ok(entry) => self.value(number, path, &entry, &mut contents),
            }
        }
        if !found {
            let message = "expected the table's contents under the empty key, found none";
            self.problems.push(Problem::of_file(path, message));
        }
        self.missing(path, &contents);
    }

    /// Lists the value of an entry.
    fn value(&mut self, number: u32, path: &str, entry: &Entry, contents: &mut Contents) {
        let lists_faulty = !self.problems.is_full();
        let mut report = |message| self.problems.push(Problem::at(path, entry.offset(), message));
        let Some(slice) = SliceName::decode(&entry.key) else {
            let key = String::from_utf8_lossy(&entry.key);
            return report(format!("`{}`: expected the key of a slice, found another", shortened(&key)));
        };
        let whole = slice.extents.iter().all(Option::is_none);
        let key = if whole { slice.name.clone() } else { slice.to_string() };
        let variable = contents.get_mut(&slice.name);
        let faults = faults(&entry.value, &slice, variable.as_deref());
        let listed = lists_faulty || faults.is_empty();
        for fault in faults {
            report(format!("`{}`: expected {fault}", shortened(&key)));
        }
        let (dtype, shape) = match variable {
            Some(variable) => {
                variable.missing = variable.missing.saturating_sub(1);
                // A shape is copied only where the key is as long: many short keys cannot make many long shapes.
                let shape = Some(&variable.shape).filter(|shape| shape.len() == slice.extents.len());
                (variable.dtype, shape.cloned().unwrap_or_default())
            }
            None => (0, Vec::new()),
        };
        // As in a bundle's index: there may be many, and each takes many times its bytes of memory.
        if !listed {
            return;
        }
        let mut tensor = Tensor {
            key,
            slice_of: None,
            dtype,
            shape,
            shard: number,
            offset: entry.offset(),
            bytes: u64::try_from(entry.value.len()).unwrap_or(u64::MAX),
            crc32c: 0,
            slices: 0,
            compressed: entry.value_offset.is_none(),
            damaged: false,
        };
        if !whole {
            self.partitioned(&slice.name, &tensor);
            for (size, extent) in tensor.shape.iter_mut().zip(slice.extents) {
                *size = extent.map_or(*size, |(_, length)| length);
            }
            tensor.slice_of = Some(slice.name);
        }
        self.tensors.push(tensor);
    }

    /// Lists the variable that a slice is of, as a bundle's index does: before its slices, and without data.
    fn partitioned(&mut self, name: &str, slice: &Tensor) {
        let listed = self.partitioned.get(name).and_then(|&position| self.tensors.get_mut(position));
        if let Some(variable) = listed {
            variable.slices = variable.slices.saturating_add(1);
            return;
        }
        self.partitioned.insert(name.to_owned(), self.tensors.len());
        let (key, shape) = (name.to_owned(), slice.shape.clone());
        self.tensors.push(Tensor {
            key,
            slice_of: None,
            dtype: slice.dtype,
            shape,
            shard: 0,
            offset: 0,
            bytes: 0,
            crc32c: 0,
            slices: 1,
            compressed: false,
            damaged: false,
        });
    }

    /// Reports the slices that a table should have had.
    fn missing(&mut self, path: &str, contents: &Contents) {
        let mut missing = contents.iter().filter(|(_, variable)| variable.missing > 0).peekable();
        let Some(first) = missing.peek().map(|(name, _)| (*name).clone()) else { return };
        let slices = missing.map(|(_, variable)| variable.missing).fold(0, usize::saturating_add);
        let expected = "expected a value for each slice in the table's contents";
        self.problems
            .push(Problem::of_file(path, format!("{expected}, found {slices} without, the first of `{first}`")));
    }
}

/// The variables in a table's contents, as far as these can be read.
fn read_contents(value: &Bytes, mut report: impl FnMut(String)) -> Contents {
    let mut contents = Contents::new();
    if let Err(error) = each_variable(value, |variable| match decode(variable) {
        Ok((name, variable)) => drop(contents.insert(name, variable)),
        Err(found) => report(format!("expected a variable in the table's contents, found {found}")),
    }) {
        report(format!("expected the table's contents, found bytes that are none: {error}"));
    }
    contents
}

fn each_variable(value: &Bytes, mut found: impl FnMut(Bytes)) -> Result<(), WireError> {
    let Some(meta) = payload(value, 0..value.len(), META)? else { return Ok(()) };
    for field in Fields::new(value, meta) {
        let field = field?;
        if field.is_len(TENSOR) {
            found(value.slice(field.payload()));
        }
    }
    Ok(())
}

fn decode(message: Bytes) -> Result<(String, Variable), String> {
    if message.len() > MAX_ENTRY_BYTES {
        return Err(format!("{} bytes, more than any variable has", message.len()));
    }
    let meta = SavedSliceMeta::decode(message).map_err(|error| format!("bytes that are none: {error}"))?;
    let shape: Vec<i64> = meta.shape.unwrap_or_default().dim.iter().map(|dimension| dimension.size).collect();
    if shape.len() > MAX_RANK {
        return Err(format!("`{}` with {} dimensions, and there are {MAX_RANK} at most", meta.name, shape.len()));
    }
    Ok((meta.name, Variable { dtype: meta.r#type, shape, missing: meta.slice.len() }))
}

/// What is wrong with a value: ends of sentences on it.
fn faults(value: &Bytes, slice: &SliceName, variable: Option<&Variable>) -> Vec<String> {
    let mut faults = Vec::new();
    match variable {
        None => faults.push("a variable of the table's contents, found one that is not among them".to_owned()),
        Some(variable) if variable.shape.len() != slice.extents.len() => {
            let (expected, found) = (variable.shape.len(), slice.extents.len());
            faults.push(format!("a slice of {expected} dimensions as in the table's contents, found {found}"));
        }
        Some(_) => {}
    }
    match elements(value, &slice.name) {
        Ok(true) => {}
        Ok(false) => faults.push("the elements of this variable, found a value without them or of another".to_owned()),
        Err(error) => faults.push(format!("a value, found bytes that are none: {error}")),
    }
    faults
}

/// Whether a value has elements, and says that they are of the variable of this name.
fn elements(value: &Bytes, name: &str) -> Result<bool, WireError> {
    let Some(slice) = payload(value, 0..value.len(), DATA)? else { return Ok(false) };
    let named = payload(value, slice.clone(), SLICE_NAME)?.and_then(|range| value.get(range)).unwrap_or_default();
    let Some(data) = payload(value, slice, SLICE_DATA)? else { return Ok(false) };
    Fields::new(value, data).try_for_each(|field| field.map(drop))?;
    Ok(String::from_utf8_lossy(named) == name)
}

/// The TensorProto that holds the elements, in the value of a table's entry; both are ranges of the table.
#[must_use]
pub fn tensor_proto(table: &[u8], value: &Range<u64>) -> Option<Range<usize>> {
    let value = usize::try_from(value.start).ok()?..usize::try_from(value.end).ok()?;
    let slice = payload(table, value, DATA).ok()??;
    payload(table, slice, SLICE_DATA).ok()?
}

/// The payload of a message's field that is given once; of the last where it is not.
fn payload(bytes: &[u8], message: Range<usize>, number: u32) -> Result<Option<Range<usize>>, WireError> {
    let mut found = None;
    for field in Fields::new(bytes, message) {
        let field = field?;
        if field.is_len(number) {
            found = Some(field.payload());
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
