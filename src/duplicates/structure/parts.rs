//! Reading the messages of a function: fields by number, entries of maps, and lists that a file must not make too long.

use std::ops::Range;

use crate::message::number::map_entry;
use crate::steady::sort_by_bytes;
use crate::wire::{Field, Fields, WireError, WireType, plain_entry, varint};

/// A function has at most this many arguments and nodes, a map this many entries. An empty one takes two bytes of the
/// file and many times that in memory; real nodes take hundreds, and protobuf ends at 2 GiB.
pub(super) const MAX_PARTS: usize = 1 << 22;

/// A function cannot be read; it is then taken as its bytes.
#[derive(Debug)]
pub(super) struct Unreadable;

impl From<WireError> for Unreadable {
    fn from(_: WireError) -> Self {
        Self
    }
}

/// An entry of a map with string keys.
#[derive(Debug, Clone)]
pub(super) struct Entry<'a> {
    pub(super) key: &'a [u8],
    pub(super) value: Range<usize>,
}

impl<'a> Entry<'a> {
    /// Reads the field that an entry is.
    pub(super) fn read(file: &'a [u8], entry: Field) -> Result<Self, Unreadable> {
        if let Some((key, value)) = plain_entry(file, entry.payload()) {
            return Ok(Self { key: file.get(key).unwrap_or_default(), value });
        }
        let mut read = Self { key: &[], value: entry.payload_end..entry.payload_end };
        for field in Fields::new(file, entry.payload()) {
            let field = field?;
            match (field.number, field.wire_type) {
                (map_entry::KEY, WireType::Len) => read.key = field.bytes(file),
                (map_entry::VALUE, WireType::Len) => read.value = field.payload(),
                _ => {}
            }
        }
        Ok(read)
    }
}

/// An entry of a map with integer keys: the key, and the field of the value.
pub(super) fn numbered_entry(file: &[u8], entry: Field) -> Result<(u64, Option<Field>), Unreadable> {
    let (mut key, mut value) = (0, None);
    for field in Fields::new(file, entry.payload()) {
        let field = field?;
        match (field.number, field.wire_type) {
            (map_entry::KEY, WireType::Varint) => key = integer(file, field),
            (map_entry::VALUE, _) => value = Some(field),
            _ => {}
        }
    }
    Ok((key, value))
}

/// The number that a field has.
pub(super) fn integer(file: &[u8], field: Field) -> u64 {
    varint(field.bytes(file)).map_or(0, |(value, _)| value)
}

/// Sorts entries by key, and those of one key in their order.
pub(super) fn sort(entries: &mut [Entry<'_>]) {
    sort_by_bytes(entries, |entry| (entry.key, entry.value.start as u64));
}

/// Adds to a list, which the file must not make too long.
#[inline]
pub(super) fn push<T>(list: &mut Vec<T>, item: T) -> Result<(), Unreadable> {
    if list.len() >= MAX_PARTS {
        return Err(Unreadable);
    }
    list.push(item);
    Ok(())
}

/// The bytes of each of the fields, all length-delimited; the last one of a number counts.
#[inline]
pub(super) fn last<const N: usize>(
    file: &[u8],
    message: Range<usize>,
    numbers: [u32; N],
) -> Result<[&[u8]; N], Unreadable> {
    let mut found = [[].as_slice(); N];
    for field in Fields::new(file, message) {
        let field = field?;
        for (found, number) in found.iter_mut().zip(numbers) {
            if field.is_len(number) {
                *found = field.bytes(file);
            }
        }
    }
    Ok(found)
}
