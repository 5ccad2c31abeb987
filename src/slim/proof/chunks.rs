//! Chunks held against wire format: whether they are the same SavedModel.
//!
//! The chunks were put together by [`crate::chunked`], and what that made of them is what all else of the proof is about; here it is
//! done again, by other code, which knows no damage and no shares of a file, and does to fields what TensorFlow does
//! (`tensorflow/tools/proto_splitter/merge.cc`). Only the records are read by the same code, each with its checksum. Whatever is
//! not plainly as TensorFlow's splitter has it is not the same.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;

use bytes::Bytes;
use thiserror::Error;

use crate::chunked;
use crate::message::number::map_entry::{KEY, VALUE};
use crate::proto::proto_splitter::chunk_info::Type;
use crate::proto::proto_splitter::field_index::Kind;
use crate::proto::proto_splitter::field_index::map_key::Type as MapKey;
use crate::proto::proto_splitter::{ChunkMetadata, ChunkedField, ChunkedMessage, FieldIndex};
use crate::wire::{Field, Fields, WireType};

/// Messages nest no deeper where a loader reads them.
const DEEPEST: usize = 100;

/// As many fields may be told apart of any file, and one for each four bytes of a larger one.
const FIELDS: usize = 1 << 20;

/// Why chunks are not the SavedModel that somebody else made of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(super) enum Unlike {
    #[error("its records cannot be read")]
    Records,
    #[error("a chunk is not there, or is used twice, or not of the size that is said")]
    Chunk,
    #[error("a chunk cannot be walked")]
    Wire,
    #[error("there is no way to where a chunk goes")]
    Way,
    #[error("chunks go too deep, or have too many fields")]
    Limit,
    #[error("a field is another one")]
    Field,
}

/// Holds the chunks of a file against the SavedModel in `wire`.
pub(super) fn hold(file: &Bytes, wire: &[u8]) -> Result<(), Unlike> {
    let (records, metadata) = chunked::records(file).ok_or(Unlike::Records)?;
    let left = FIELDS.max(file.len() / 4);
    let messages = vec![Message::default()];
    let mut whole = Whole { records: &records, metadata: &metadata, used: HashSet::new(), messages, left };
    whole.merge(0, metadata.message.as_ref().ok_or(Unlike::Records)?, 0)?;
    whole.is_at(0, wire, 0..wire.len())
}

/// A field of a message that chunks go into.
struct Part<'c> {
    number: u32,
    value: Value<'c>,
}

enum Value<'c> {
    /// As it lies in a chunk.
    Lies(WireType, &'c [u8]),
    /// A message that chunks go into.
    Message(usize),
}

/// A message that chunks go into: its fields in their order, and where those of a number are.
#[derive(Default)]
struct Message<'c> {
    parts: Vec<Part<'c>>,
    of_number: HashMap<u32, Vec<usize>>,
    /// The entries of maps that somebody looked into.
    entries: HashMap<u32, HashMap<&'c [u8], usize>>,
}

impl<'c> Message<'c> {
    fn push(&mut self, number: u32, value: Value<'c>) {
        let at = self.parts.len();
        if let (Some(entries), Value::Lies(WireType::Len, entry)) = (self.entries.get_mut(&number), &value) {
            entries.insert(key(entry), at);
        }
        self.of_number.entry(number).or_default().push(at);
        self.parts.push(Part { number, value });
    }

    /// Where a map's entry is; the last one of several, as for protobuf.
    fn entry(&mut self, number: u32, wanted: &[u8]) -> Option<usize> {
        let Self { parts, of_number, entries } = self;
        let entries = entries.entry(number).or_insert_with(|| {
            let at = of_number.get(&number).into_iter().flatten().copied();
            let lies = at.filter_map(|at| match &parts.get(at)?.value {
                Value::Lies(WireType::Len, entry) => Some((key(entry), at)),
                _ => None,
            });
            lies.collect()
        });
        entries.get(wanted).copied()
    }
}

/// The key of a map's entry.
fn key(entry: &[u8]) -> &[u8] {
    let keys = Fields::new(entry, 0..entry.len()).filter_map(Result::ok).filter(|field| field.is_len(KEY));
    keys.last().map(|field| field.bytes(entry)).unwrap_or_default()
}

/// A step on the way to where a chunk goes, in the order in which TensorFlow has them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Step<'c> {
    number: u32,
    which: Which<'c>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Which<'c> {
    Only,
    Index(u64),
    Key(&'c [u8]),
}

/// The way to where a chunk goes.
fn way(tags: &[FieldIndex]) -> Result<Vec<Step<'_>>, Unlike> {
    let mut way: Vec<Step<'_>> = Vec::new();
    for tag in tags {
        let which = match tag.kind.as_ref().ok_or(Unlike::Way)? {
            Kind::Field(number) => {
                way.push(Step { number: *number, which: Which::Only });
                continue;
            }
            Kind::Index(index) => Which::Index(*index),
            Kind::MapKey(key) => match &key.r#type {
                Some(MapKey::S(key)) => Which::Key(key.as_bytes()),
                // A splitter has no way through other maps.
                _ => return Err(Unlike::Way),
            },
        };
        let last = way.last_mut().filter(|step| step.which == Which::Only).ok_or(Unlike::Way)?;
        last.which = which;
    }
    Ok(way)
}

/// The chunk that is all of a message: no others go into it.
fn only_chunk(message: &ChunkedMessage) -> Result<u64, Unlike> {
    message.chunk_index.filter(|_| message.chunked_fields.is_empty()).ok_or(Unlike::Way)
}

struct Whole<'c> {
    records: &'c BTreeMap<u64, Bytes>,
    metadata: &'c ChunkMetadata,
    used: HashSet<u64>,
    messages: Vec<Message<'c>>,
    /// How many fields may still be told apart.
    left: usize,
}

impl<'c> Whole<'c> {
    /// A chunk, of which there is one use.
    fn chunk(&mut self, index: u64) -> Result<&'c [u8], Unlike> {
        let info = usize::try_from(index).ok().and_then(|index| self.metadata.chunks.get(index));
        let info = info.ok_or(Unlike::Chunk)?;
        let bytes = self.records.get(&info.offset).filter(|bytes| bytes.len() as u64 == info.size);
        let bytes = bytes.ok_or(Unlike::Chunk)?;
        if self.used.insert(info.offset) { Ok(bytes) } else { Err(Unlike::Chunk) }
    }

    fn count(&mut self) -> Result<(), Unlike> {
        self.left = self.left.checked_sub(1).ok_or(Unlike::Limit)?;
        Ok(())
    }

    fn message(&mut self, message: usize) -> Result<&mut Message<'c>, Unlike> {
        self.messages.get_mut(message).ok_or(Unlike::Way)
    }

    fn push(&mut self, message: usize, number: u32, value: Value<'c>) -> Result<(), Unlike> {
        self.count()?;
        self.message(message)?.push(number, value);
        Ok(())
    }

    /// Puts the fields of a message behind those of another one: so protobuf merges.
    fn append(&mut self, message: usize, bytes: &'c [u8]) -> Result<(), Unlike> {
        for field in Fields::new(bytes, 0..bytes.len()) {
            let field = field.map_err(|_| Unlike::Wire)?;
            self.push(message, field.number, Value::Lies(field.wire_type, field.bytes(bytes)))?;
        }
        Ok(())
    }

    /// Merges chunks into a message that is `depth` messages within the model.
    fn merge(&mut self, message: usize, chunked: &'c ChunkedMessage, depth: usize) -> Result<(), Unlike> {
        if depth > DEEPEST {
            return Err(Unlike::Limit);
        }
        if let Some(index) = chunked.chunk_index {
            let bytes = self.chunk(index)?;
            self.append(message, bytes)?;
        }
        let mut fields: Vec<(Vec<Step<'c>>, &'c ChunkedField)> = Vec::new();
        for field in &chunked.chunked_fields {
            fields.push((way(&field.field_tag)?, field));
        }
        fields.sort_by_cached_key(|(way, field)| (way.clone(), field.message.as_ref().and_then(|it| it.chunk_index)));
        for (way, field) in fields {
            self.fill(message, &way, field.message.as_ref().ok_or(Unlike::Way)?, depth)?;
        }
        Ok(())
    }

    fn fill(
        &mut self,
        message: usize,
        way: &[Step<'c>],
        value: &'c ChunkedMessage,
        depth: usize,
    ) -> Result<(), Unlike> {
        let Some((last, before)) = way.split_last() else {
            // TensorFlow looks at nothing but the chunk here.
            let bytes = self.chunk(only_chunk(value)?)?;
            return self.append(message, bytes);
        };
        let depth = depth.saturating_add(way.len());
        if depth > DEEPEST {
            return Err(Unlike::Limit);
        }
        let parent = before.iter().try_fold(message, |message, step| self.enter(message, *step))?;
        let info = value.chunk_index.and_then(|index| self.metadata.chunks.get(usize::try_from(index).ok()?));
        if info.is_none_or(|info| info.r#type() != Type::Bytes) {
            let inner = self.enter(parent, *last)?;
            return self.merge(inner, value, depth);
        }
        let bytes = self.chunk(only_chunk(value)?)?;
        self.set(parent, *last, bytes)
    }

    /// Where the field is that a step leads to; `None` where it is not there yet.
    fn find(&mut self, message: usize, step: Step<'c>) -> Result<Option<usize>, Unlike> {
        let message = self.message(message)?;
        let of_number = message.of_number.get(&step.number).map_or(&[][..], Vec::as_slice);
        match step.which {
            Which::Key(key) => Ok(message.entry(step.number, key)),
            Which::Only if of_number.len() > 1 => Err(Unlike::Way),
            Which::Only => Ok(of_number.first().copied()),
            Which::Index(index) => match usize::try_from(index) {
                Ok(index) if index <= of_number.len() => Ok(of_number.get(index).copied()),
                _ => Err(Unlike::Way),
            },
        }
    }

    /// The message that a step leads to from a message: of a map's entry its value.
    fn enter(&mut self, message: usize, step: Step<'c>) -> Result<usize, Unlike> {
        let found = self.find(message, step)?;
        let next = self.messages.len();
        let inner = match found {
            Some(at) => {
                let part = self.message(message)?.parts.get_mut(at).ok_or(Unlike::Way)?;
                match part.value {
                    Value::Message(inner) => inner,
                    Value::Lies(WireType::Len, bytes) => {
                        part.value = Value::Message(next);
                        self.messages.push(Message::default());
                        self.append(next, bytes)?;
                        next
                    }
                    Value::Lies(..) => return Err(Unlike::Way),
                }
            }
            None => {
                self.messages.push(Message::default());
                self.push(message, step.number, Value::Message(next))?;
                if let Which::Key(key) = step.which {
                    self.push(next, KEY, Value::Lies(WireType::Len, key))?;
                    let at = self.message(message)?.parts.len().saturating_sub(1);
                    self.message(message)?.entries.entry(step.number).or_default().insert(key, at);
                }
                next
            }
        };
        match step.which {
            Which::Key(_) => self.enter(inner, Step { number: VALUE, which: Which::Only }),
            Which::Only | Which::Index(_) => Ok(inner),
        }
    }

    /// Makes bytes the value of the field that a step leads to.
    fn set(&mut self, message: usize, step: Step<'c>, bytes: &'c [u8]) -> Result<(), Unlike> {
        if let Which::Key(_) = step.which {
            // No map has bytes of which TensorFlow makes chunks.
            return Err(Unlike::Way);
        }
        let value = Value::Lies(WireType::Len, bytes);
        match self.find(message, step)? {
            None => self.push(message, step.number, value),
            Some(at) => {
                self.message(message)?.parts.get_mut(at).ok_or(Unlike::Way)?.value = value;
                Ok(())
            }
        }
    }

    /// Whether a message is the one at a range of the wire format, field by field and in the same order.
    fn is_at(&self, message: usize, wire: &[u8], range: Range<usize>) -> Result<(), Unlike> {
        let mut fields = Fields::new(wire, range);
        for part in &self.messages.get(message).ok_or(Unlike::Field)?.parts {
            let field: Field = fields.next().and_then(Result::ok).ok_or(Unlike::Field)?;
            match part.value {
                _ if part.number != field.number => return Err(Unlike::Field),
                Value::Message(inner) if field.is_len(part.number) => self.is_at(inner, wire, field.payload())?,
                Value::Lies(wire_type, bytes) if wire_type == field.wire_type && bytes == field.bytes(wire) => {}
                Value::Message(_) | Value::Lies(..) => return Err(Unlike::Field),
            }
        }
        if fields.next().is_none() { Ok(()) } else { Err(Unlike::Field) }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::{DEEPEST, Unlike, hold};
    use crate::support::riegeli::Step::{Field, Index, Key};
    use crate::support::riegeli::{Chunk, PLAIN, Step, ZSTD, chunked, part, riegeli, value};
    use crate::support::wire::{Message, constant, function, message, node};

    /// The way to `tensor_content` of a constant's value.
    fn content(index: u64) -> Vec<Step> {
        vec![Field(2), Index(0), Field(2), Field(1), Index(index), Field(5), Key("value"), Field(8), Field(4)]
    }

    /// A model as TensorFlow splits it: the model, more of its graph, the value of a constant, a function, and a signature that the
    /// first chunk does not have.
    fn chunks() -> Vec<Chunk> {
        let empty = constant("b", b"");
        let graph = message().messages(1, &[node("a", "Placeholder"), empty]).message(4, &message().int(1, 2000));
        let model = message().int(1, 1).message(2, &message().message(2, &graph));
        let way = || vec![Field(2), Index(0), Field(2)];
        let key = vec![Field(2), Index(0), Field(5), Key("serving_default")];
        vec![
            part(&[], &model),
            value(&content(1), b"a value of some length"),
            part(&way(), &message().message(1, &node("c", "Add"))),
            part(&[way(), vec![Field(2)]].concat(), &message().message(1, &function("f", &[node("g", "Mul")]))),
            part(&key, &message().bytes(3, "predict")),
            part(&[&key[..], &[Field(1), Key("x")]].concat(), &message().bytes(1, "a:0")),
        ]
    }

    fn put_together(file: &Bytes) -> Bytes {
        let read = crate::chunked::read("f", file, &crate::chunked::limits());
        assert_eq!(read.problems, []);
        read.wire.unwrap()
    }

    fn held(chunks: &[Chunk], wire: &[u8]) -> Result<(), Unlike> {
        hold(&chunked(ZSTD, chunks).into(), wire)
    }

    #[test]
    fn chunks_are_the_model_that_they_were_made_of() {
        let file: Bytes = chunked(ZSTD, &chunks()).into();
        assert_eq!(hold(&file, &put_together(&file)), Ok(()));
        for name in ["simple-brotli", "simple-plain", "transposed-snappy", "transposed-zstd", "transposed-brotli"] {
            let file: Bytes = std::fs::read(format!("tests/data/chunked/{name}.cpb")).unwrap().into();
            assert_eq!(hold(&file, &put_together(&file)), Ok(()), "{name}");
        }
    }

    #[test]
    fn no_byte_of_the_model_may_be_another_one_or_missing() {
        let file: Bytes = chunked(PLAIN, &chunks()).into();
        let wire = put_together(&file);
        for at in 0..wire.len() {
            let mut other = wire.to_vec();
            other[at] ^= 1 << (at % 8);
            assert!(hold(&file, &other).is_err(), "byte {at}");
            other.remove(at);
            assert!(hold(&file, &other).is_err(), "without byte {at}");
        }
    }

    #[test]
    fn no_chunk_may_be_another_one_or_elsewhere() {
        let wire = put_together(&chunked(PLAIN, &chunks()).into());
        for at in 0..chunks().len() {
            let mut other = chunks();
            other.remove(at);
            assert!(held(&other, &wire).is_err(), "without chunk {at}");
            let mut other = chunks();
            let last = other[at].bytes.len() - 1;
            other[at].bytes[last] ^= 1;
            assert!(held(&other, &wire).is_err(), "chunk {at}");
        }
        let mut other = chunks();
        other[1].way = content(0);
        assert!(held(&other, &wire).is_err());
    }

    #[test]
    fn what_a_splitter_does_not_write_is_not_the_same() {
        let refused = |chunk: Chunk| held(&[&chunks()[..], &[chunk]].concat(), b"");
        let odd = [
            // Beyond the last node, in what is no message, in the value of a map.
            value(&content(7), b"x"),
            part(&[Field(1), Field(2)], &message()),
            value(&[Field(2), Index(0), Field(5), Key("serving_default")], b"x"),
            part(&[Index(0)], &message()),
        ];
        for chunk in odd {
            assert_eq!(refused(chunk.clone()), Err(Unlike::Way), "{chunk:?}");
        }
        let deep = vec![Field(2); DEEPEST + 1];
        assert_eq!(refused(part(&deep, &message())), Err(Unlike::Limit));
        assert_eq!(refused(part(&[Field(2), Index(0)], &message().raw(&[0x0a, 5]))), Err(Unlike::Wire));
    }

    /// A file of one record beside its ChunkMetadata.
    fn file_of(record: &[u8], metadata: impl Fn(u64) -> Message) -> Bytes {
        let file = riegeli().records(PLAIN, &[record]);
        let position = file.positions[0];
        file.records(PLAIN, &[&metadata(position).0]).file.into()
    }

    #[test]
    fn trees_of_chunks_that_take_much_are_refused() {
        let info = |position| message().message(2, &message().int(1, 1).int(2, 4).int(3, position));
        let record = [8, 1, 8, 1];
        // One chunk in two places.
        let twice = file_of(&record, |position| {
            let again = message().message(3, &message().int(1, 0));
            info(position).message(3, &message().int(1, 0).message(2, &again))
        });
        assert_eq!(hold(&twice, &record), Err(Unlike::Chunk));
        // A record of another size, and none.
        let longer = file_of(&[8, 1], |position| info(position).message(3, &message().int(1, 0)));
        assert_eq!(hold(&longer, &[8, 1]), Err(Unlike::Chunk));
        let none = file_of(&record, |position| info(position).message(3, &message().int(1, 7)));
        assert_eq!(hold(&none, &record), Err(Unlike::Chunk));
        // More fields than are told apart.
        let many: Vec<u8> = [8, 1].repeat(super::FIELDS + 1);
        let file = file_of(&many, |position| {
            let info = message().int(1, 1).int(2, many.len() as u64).int(3, position);
            message().message(2, &info).message(3, &message().int(1, 0))
        });
        assert_eq!(hold(&file, &many), Err(Unlike::Limit));
    }
}
