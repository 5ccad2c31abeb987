//! A message where it lies in a file, read by one rule: that of protobuf's parsers
//! (<https://protobuf.dev/programming-guides/encoding/#last-one-wins>).
//!
//! | field | given several times |
//! |---|---|
//! | a number, a string, bytes | the last one counts |
//! | a message | all count: they are merged, which is to read their payloads one behind the other |
//! | a member of a `oneof` | the last member counts; of a message all since another member was given |
//! | `repeated` | each is one more; numbers may also be packed, several in one field |
//! | `map` | each entry is a message of a key and a value; of entries with equal keys the last one counts |
//!
//! A field of another wire type than the schema's is unknown, whatever its number, and so is a group: none of ours is one.
//! Fields may stand in any order. What follows an error is not seen.

use std::ops::Range;

use foldhash::HashMap;

use super::number::map_entry::{KEY, VALUE};
use crate::wire::{Field, WireType, fields, integers, plain_entry, varint};

/// A message: its payload, and those of the fields that it is merged from besides. No byte is copied.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Message<'f> {
    file: &'f [u8],
    range: Range<usize>,
    /// Further payloads, in the order of the file. Nearly always empty, which takes no allocation.
    more: Vec<Range<usize>>,
}

impl<'f> Message<'f> {
    /// The message whose payload is at `range` of `file`.
    #[must_use]
    #[inline]
    pub fn new(file: &'f [u8], range: Range<usize>) -> Self {
        Self { file, range, more: Vec::new() }
    }

    /// The message that payloads are merged to; `None` of none.
    pub fn merged(file: &'f [u8], payloads: impl IntoIterator<Item = Range<usize>>) -> Option<Self> {
        let mut payloads = payloads.into_iter();
        let range = payloads.next()?;
        Some(Self { file, range, more: payloads.collect() })
    }

    /// Merges one more payload into it.
    pub(super) fn merge(&mut self, payload: Range<usize>) {
        self.more.push(payload);
    }

    /// The file that it lies in.
    #[must_use]
    pub fn file(&self) -> &'f [u8] {
        self.file
    }

    /// Its payloads: one, unless it is merged from several.
    pub fn payloads(&self) -> impl Iterator<Item = Range<usize>> + use<'_, 'f> {
        std::iter::once(&self.range).chain(&self.more).cloned()
    }

    /// Its fields in the order of the file.
    pub fn fields(&self) -> impl Iterator<Item = Field> + use<'_, 'f> {
        let file = self.file;
        self.payloads().flat_map(move |range| fields(file, range))
    }

    /// The fields of this number with a length: a repeated message, string or bytes.
    pub fn repeated(&self, number: u32) -> impl Iterator<Item = Field> + use<'_, 'f> {
        self.fields().filter(move |field| field.is_len(number))
    }

    /// Where a string or bytes are; `None` where they are not given.
    #[must_use]
    pub fn range(&self, number: u32) -> Option<Range<usize>> {
        self.repeated(number).last().map(|field| field.payload())
    }

    /// A string or bytes; empty where not given, as proto3 has it.
    #[must_use]
    pub fn bytes(&self, number: u32) -> &'f [u8] {
        self.range(number).and_then(|range| self.file.get(range)).unwrap_or_default()
    }

    /// An integer, enum or bool as it is written; 0 where not given, as proto3 has it.
    #[must_use]
    pub fn integer(&self, number: u32) -> u64 {
        self.fields().filter(|field| is_varint(field, number)).last().map_or(0, |field| integer(self.file, &field))
    }

    /// The integers of a repeated field, packed or written one by one. What does not fit into a `T` ends its field.
    pub fn integers<T: TryFrom<u64>>(&self, number: u32) -> impl Iterator<Item = T> + use<'_, 'f, T> {
        let file = self.file;
        self.payloads().flat_map(move |range| integers(file, range, number))
    }

    /// A message in it; `None` where it is not given.
    #[must_use]
    pub fn message(&self, number: u32) -> Option<Self> {
        let payloads = self.repeated(number).map(|field| field.payload());
        Self::merged(self.file, payloads)
    }

    /// The value of a member of a `oneof` that has a length, if it is the one that counts. `is_member` says which fields are
    /// members; bytes are the last payload of the result.
    pub(super) fn member(&self, number: u32, is_member: impl Fn(&Field) -> bool) -> Option<Self> {
        let mut found: Option<Self> = None;
        for field in self.fields().filter(|field| is_member(field)) {
            match &mut found {
                _ if !field.is_len(number) => found = None,
                Some(message) => message.merge(field.payload()),
                None => found = Some(Self::new(self.file, field.payload())),
            }
        }
        found
    }

    /// The entries of a map with strings for keys that count, in the order of the file.
    #[must_use]
    pub fn entries(&self, number: u32) -> Vec<Entry<'f>> {
        counting(self.repeated(number).map(|field| Entry::read(self.file, field)).collect())
    }

    /// Its last payload.
    pub(super) fn last_payload(&self) -> Range<usize> {
        self.more.last().unwrap_or(&self.range).clone()
    }
}

/// An entry of a map with strings for keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry<'f> {
    /// The whole field, tag and length included.
    pub field: Field,
    /// Its key.
    pub key: &'f [u8],
    /// Its value, a message or a string; empty where it is not given.
    pub value: Message<'f>,
}

impl<'f> Entry<'f> {
    /// Reads an entry.
    #[must_use]
    pub fn read(file: &'f [u8], field: Field) -> Self {
        let (key, value) = match plain_entry(file, field.payload()) {
            Some((key, value)) => (key, Message::new(file, value)),
            None => {
                let entry = Message::new(file, field.payload());
                let value = entry.message(VALUE);
                (entry.range(KEY).unwrap_or_default(), value.unwrap_or(Message::new(file, 0..0)))
            }
        };
        Self { field, key: file.get(key).unwrap_or_default(), value }
    }

    /// The value of a map from strings to strings.
    #[must_use]
    pub fn text(&self) -> &'f [u8] {
        self.value.file.get(self.value.last_payload()).unwrap_or_default()
    }
}

/// An entry of a map with integers for keys: the key, 0 where it is not given, and the field of its value, if that is a varint
/// or has a length.
#[must_use]
pub fn numbered_entry(file: &[u8], entry: Range<usize>) -> (u64, Option<Field>) {
    let (mut key, mut value) = (0, None);
    for field in fields(file, entry) {
        if is_varint(&field, KEY) {
            key = integer(file, &field);
        } else if field.number == VALUE {
            value = Some(field);
        }
    }
    (key, value)
}

/// More entries than this are looked up in a table for equal keys; fewer are compared with each other.
const FEW: usize = 16;

/// Those of some entries, in the order of the file, that no later one of the same key takes the place of.
fn counting(entries: Vec<Entry<'_>>) -> Vec<Entry<'_>> {
    let counts: Vec<bool> = if entries.len() <= FEW {
        let behind = |at: usize| entries.get(at + 1..).unwrap_or_default();
        let is_last = |(at, entry): (usize, &Entry<'_>)| behind(at).iter().all(|later| later.key != entry.key);
        if (0..).zip(&entries).all(is_last) {
            // As writers make them.
            return entries;
        }
        (0..).zip(&entries).map(is_last).collect()
    } else {
        let last: HashMap<&[u8], usize> = entries.iter().map(|entry| entry.key).zip(0..).collect();
        (0..).zip(&entries).map(|(at, entry)| last.get(entry.key) == Some(&at)).collect()
    };
    entries.into_iter().zip(counts).filter(|(_, counts)| *counts).map(|(entry, _)| entry).collect()
}

/// Whether a field is an integer of this number.
#[must_use]
#[inline]
pub fn is_varint(field: &Field, number: u32) -> bool {
    field.number == number && field.wire_type == WireType::Varint
}

/// The integer of a field that is a varint; 0 of any other.
#[must_use]
pub fn integer(file: &[u8], field: &Field) -> u64 {
    varint(field.bytes(file)).map_or(0, |(value, _)| value)
}
