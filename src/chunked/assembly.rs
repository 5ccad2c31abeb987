//! The chunks put together: each goes to the field that the ChunkMetadata names for it.
//!
//! A message is first the bytes of its chunk. Only where a chunk goes into a message are its fields told apart, so the
//! nodes of a graph are not looked into unless one of them has a constant in a chunk of its own. Then all is written
//! once, with new lengths for the messages that have grown, and it is noted which bytes came from where.

mod message;

use std::collections::HashSet;

use super::riegeli::{Record, Records};
use crate::problem::{Problem, Problems};
use crate::proto::proto_splitter::chunk_info::Type;
use crate::proto::proto_splitter::field_index::Kind;
use crate::proto::proto_splitter::field_index::map_key::Type as MapKey;
use crate::proto::proto_splitter::{ChunkInfo, ChunkMetadata, ChunkedField, ChunkedMessage, FieldIndex};
use crate::wire::Shares;
use message::{Fragment, Messages};

/// Messages may nest this deep; protobuf's own parsers stop at 100 as well.
pub(super) const MAX_DEPTH: usize = 100;

/// A SavedModel put together.
pub(super) struct Assembly {
    pub(super) wire: Vec<u8>,
    pub(super) shares: Shares,
}

/// A step on the path to a field: a field, and which one of several.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct PathStep {
    field: u32,
    which: Which,
}

/// Which one of several fields of a number.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Which {
    /// There is but one; of several, the last.
    Only,
    /// The element of a repeated field.
    Index(u64),
    /// The entry of a map.
    Entry(MapEntry),
}

/// A map's key, as entries are compared by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum MapEntry {
    Text(Vec<u8>),
    /// A number or a boolean, as its varint has it.
    Number(u64),
}

/// Puts the records of the file `name` together.
pub(super) fn assemble(name: &str, records: &Records, metadata: &ChunkMetadata, problems: &mut Problems) -> Assembly {
    let mut builder =
        Builder { name, records, metadata, problems, messages: Messages::new(name, records), used: HashSet::new() };
    let root = builder.messages.root();
    if let Some(message) = &metadata.message {
        builder.merge(root, message);
    }
    builder.messages.write(builder.problems)
}

struct Builder<'b> {
    name: &'b str,
    records: &'b Records,
    metadata: &'b ChunkMetadata,
    problems: &'b mut Problems,
    messages: Messages<'b>,
    /// The records that have found their place. A second one would make more of a file than it holds.
    used: HashSet<usize>,
}

impl Builder<'_> {
    fn problem(&mut self, message: impl ToString) {
        self.problems.push(Problem::of_file(self.name, message));
    }

    /// Merges what is to be put together into a message. prost has seen to it that `chunked` is nested no deeper than it
    /// reads.
    fn merge(&mut self, message: usize, chunked: &ChunkedMessage) {
        if let Some(fragment) = chunked.chunk_index.and_then(|index| self.chunk(index)) {
            self.messages.append(message, fragment, self.problems);
        }
        for (path, field) in self.in_order(&chunked.chunked_fields) {
            let Some(value) = &field.message else { continue };
            self.fill(message, &path, value);
        }
    }

    /// The fields in the order in which TensorFlow merges them: a message before what is in it, elements by their index.
    fn in_order<'f>(&mut self, fields: &'f [ChunkedField]) -> Vec<(Vec<PathStep>, &'f ChunkedField)> {
        let mut ordered = Vec::new();
        for field in fields {
            match steps(&field.field_tag) {
                Some(path) => ordered.push((path, field)),
                None => self.problem("expected a field of the model for each chunk, found a chunk with none"),
            }
        }
        let chunk = |field: &ChunkedField| field.message.as_ref().and_then(|message| message.chunk_index);
        ordered.sort_by(|(a, left), (b, right)| a.cmp(b).then_with(|| chunk(left).cmp(&chunk(right))));
        ordered
    }

    /// Puts `value` where `path` leads from a message.
    fn fill(&mut self, message: usize, path: &[PathStep], value: &ChunkedMessage) {
        let Some((last, before)) = path.split_last() else { return self.merge(message, value) };
        let filled = self.go(message, before).and_then(|parent| {
            match value.chunk_index.filter(|index| self.kind(*index) == Some(Type::Bytes)) {
                Some(_) if !value.chunked_fields.is_empty() => {
                    Err("expected a value of bytes, found one with fields".to_owned())
                }
                Some(index) => {
                    let Some(fragment) = self.chunk(index) else { return Ok(()) };
                    self.messages.set(parent, last, fragment, self.problems)
                }
                None => {
                    let inner = self.messages.enter(parent, last, self.problems)?;
                    self.merge(inner, value);
                    Ok(())
                }
            }
        });
        if let Err(message) = filled {
            self.problem(message);
        }
    }

    fn go(&mut self, message: usize, path: &[PathStep]) -> Result<usize, String> {
        path.iter().try_fold(message, |message, step| self.messages.enter(message, step, self.problems))
    }

    fn kind(&self, index: u64) -> Option<Type> {
        let chunk = usize::try_from(index).ok().and_then(|index| self.metadata.chunks.get(index));
        chunk.map(ChunkInfo::r#type)
    }

    /// The bytes of a chunk, unless they are not there or have been used.
    fn chunk(&mut self, index: u64) -> Option<Fragment> {
        let info = usize::try_from(index).ok().and_then(|index| self.metadata.chunks.get(index));
        let Some(info) = info else {
            self.problem(format!("expected one of {} chunks, found chunk {index}", self.metadata.chunks.len()));
            return None;
        };
        let Some((number, Record { block, range })) = self.records.find(info.offset) else {
            let message = format!("expected chunk {index} in a record at {}, found none that can be read", info.offset);
            self.problem(message);
            return None;
        };
        if range.len() as u64 != info.size {
            self.problem(format!("expected {} bytes of chunk {index}, found {}", info.size, range.len()));
        }
        if !self.used.insert(number) {
            self.problem(format!(
                "expected each record in one place of the model, found chunk {index} in a second one"
            ));
            return None;
        }
        Some(Fragment { block: *block, start: range.start, end: range.end })
    }
}

/// The steps of a field's tag; `None` where it is no path to a field.
fn steps(tag: &[FieldIndex]) -> Option<Vec<PathStep>> {
    let mut steps: Vec<PathStep> = Vec::new();
    for part in tag {
        let which = match part.kind.as_ref()? {
            Kind::Field(field) if (1..1 << 29).contains(field) => {
                steps.push(PathStep { field: *field, which: Which::Only });
                continue;
            }
            Kind::Field(_) => return None,
            Kind::Index(index) => Which::Index(*index),
            Kind::MapKey(key) => Which::Entry(match key.r#type.as_ref()? {
                MapKey::S(text) => MapEntry::Text(text.as_bytes().to_vec()),
                MapKey::Boolean(value) => MapEntry::Number(u64::from(*value)),
                MapKey::Ui32(value) => MapEntry::Number(u64::from(*value)),
                MapKey::Ui64(value) => MapEntry::Number(*value),
                MapKey::I32(value) => MapEntry::Number(i64::from(*value).cast_unsigned()),
                MapKey::I64(value) => MapEntry::Number(value.cast_unsigned()),
            }),
        };
        let last = steps.last_mut().filter(|step| step.which == Which::Only)?;
        last.which = which;
    }
    Some(steps)
}
