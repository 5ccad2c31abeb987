//! Messages while they are put together.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::{Assembly, MAX_DEPTH, MapEntry, PathStep, Records, Which};
use crate::message::number::map_entry::{KEY, VALUE};
use crate::problem::{Problem, Problems};
use crate::wire::{Field, Fields, Shares, WireType, fields, last_len, varint};

/// So many fields may be told apart in messages that chunks go into, in a file of any size. One takes a hundred bytes of
/// memory, and another hundred as an entry of a map.
const FIELDS_OF_ANY_FILE: usize = 1 << 19;

/// In a larger file it may be one for so many of its bytes.
const BYTES_OF_A_FIELD: usize = 4;

/// A message that chunks go into takes the memory of so many fields, beside its own.
const FIELDS_OF_A_MESSAGE: usize = 6;

/// Some of the decoded bytes of a block.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fragment {
    pub(super) block: usize,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// A message: the bytes of chunks as they are, or its fields.
#[derive(Debug)]
enum Message {
    Whole(Vec<Fragment>),
    Open(Open),
}

/// A message whose fields are told apart.
#[derive(Debug, Default)]
struct Open {
    fields: Vec<Part>,
    /// The places in `fields` of the fields of a number.
    by_number: HashMap<u32, Vec<usize>>,
    /// The places of the entries of a map, for the maps that were asked for one.
    entries: HashMap<u32, HashMap<MapEntry, usize>>,
}

/// A field.
#[derive(Debug)]
struct Part {
    number: u32,
    /// Its tag and length in its chunk, where it has any.
    head: Option<Fragment>,
    content: Content,
}

#[derive(Debug)]
enum Content {
    /// A field as it is in its chunk, tag included.
    Field(Fragment, WireType),
    /// The value of a field of bytes.
    Value(Fragment),
    /// The key of an entry that no chunk has: a whole field.
    Key(Vec<u8>),
    Message(usize),
}

/// All messages of the model that chunks go into; the first is the model.
#[derive(Debug)]
pub(super) struct Messages<'r> {
    name: &'r str,
    records: &'r Records,
    messages: Vec<(Message, usize)>,
    /// The most fields that are told apart, and how many of them are left.
    most_fields: usize,
    fields_left: usize,
}

impl<'r> Messages<'r> {
    pub(super) fn new(name: &'r str, records: &'r Records) -> Self {
        let most_fields = (records.file_size / BYTES_OF_A_FIELD).max(FIELDS_OF_ANY_FILE);
        let messages = vec![(Message::Whole(Vec::new()), 0)];
        Self { name, records, messages, most_fields, fields_left: most_fields }
    }

    pub(super) fn root(&self) -> usize {
        0
    }

    /// Merges the bytes of a chunk into a message: in wire format that is to put them behind it.
    pub(super) fn append(&mut self, message: usize, fragment: Fragment, problems: &mut Problems) {
        match self.messages.get_mut(message) {
            // One chunk may stay as it is, whatever is in it: nothing is behind its damage.
            Some((Message::Whole(fragments), _)) if fragments.is_empty() => fragments.push(fragment),
            // Damage in one chunk must not be damage of what is behind it.
            _ => self.extend(message, fragment, problems),
        }
    }

    /// Makes the value that `step` leads to the bytes of a chunk.
    pub(super) fn set(
        &mut self,
        message: usize,
        step: &PathStep,
        value: Fragment,
        problems: &mut Problems,
    ) -> Result<(), String> {
        let content = Content::Value(value);
        if let Which::Entry(key) = &step.which {
            let entry = self.entry(message, step.field, key, problems)?;
            return self.set(entry, &PathStep { field: VALUE, which: Which::Only }, value, problems);
        }
        let found = self.find(message, step, problems)?;
        let open = self.open(message, problems)?;
        match found.and_then(|at| open.fields.get_mut(at)) {
            Some(part) => *part = Part { number: step.field, head: None, content },
            None => open.push(Part { number: step.field, head: None, content }),
        }
        Ok(())
    }

    /// The message that `step` leads to from a message; a new one where there is none yet.
    pub(super) fn enter(&mut self, message: usize, step: &PathStep, problems: &mut Problems) -> Result<usize, String> {
        if let Which::Entry(key) = &step.which {
            let entry = self.entry(message, step.field, key, problems)?;
            return self.enter(entry, &PathStep { field: VALUE, which: Which::Only }, problems);
        }
        match self.find(message, step, problems)? {
            Some(at) => self.message_at(message, at, problems),
            None => {
                let inner = self.add(message, Vec::new())?;
                let part = Part { number: step.field, head: None, content: Content::Message(inner) };
                self.open(message, problems)?.push(part);
                Ok(inner)
            }
        }
    }

    /// The place of the field that `step`, which is not of a map, leads to; `None` where it is the next one.
    fn find(&mut self, message: usize, step: &PathStep, problems: &mut Problems) -> Result<Option<usize>, String> {
        let open = self.open(message, problems)?;
        let places = open.by_number.get(&step.field).map(Vec::as_slice).unwrap_or_default();
        // Of a singular field that was given twice protobuf has the last one.
        let Which::Index(index) = step.which else { return Ok(places.last().copied()) };
        let place = usize::try_from(index).ok().and_then(|index| places.get(index)).copied();
        let count = places.len() as u64;
        if index > count {
            return Err(format!("expected an element of field {} up to {count}, found element {index}", step.field));
        }
        Ok(place)
    }

    /// The entry of a map, a new one with only its key where there is none yet.
    fn entry(&mut self, message: usize, number: u32, key: &MapEntry, problems: &mut Problems) -> Result<usize, String> {
        let records = self.records;
        let open = self.open(message, problems)?;
        if let Entry::Vacant(vacant) = open.entries.entry(number) {
            let places = open.by_number.get(&number).map(Vec::as_slice).unwrap_or_default();
            let keys = places.iter().filter_map(|at| match open.fields.get(*at)?.content {
                Content::Field(fragment, WireType::Len) => Some((key_of(records, fragment)?, *at)),
                _ => None,
            });
            // Of entries with one key the last is kept, as protobuf keeps it: in a list of pairs it comes last.
            vacant.insert(keys.collect());
        }
        let known = open.entries.get(&number).and_then(|entries| entries.get(key)).copied();
        if let Some(at) = known {
            return self.message_at(message, at, problems);
        }
        let inner = self.add(message, Vec::new())?;
        let key_field = Part { number: KEY, head: None, content: Content::Key(key_field(key)) };
        self.open(inner, problems)?.push(key_field);
        let open = self.open(message, problems)?;
        let at = open.fields.len();
        open.push(Part { number, head: None, content: Content::Message(inner) });
        open.entries.entry(number).or_default().insert(key.clone(), at);
        Ok(inner)
    }

    /// The message that a field holds.
    fn message_at(&mut self, message: usize, at: usize, problems: &mut Problems) -> Result<usize, String> {
        let records = self.records;
        let part = self.open(message, problems)?.fields.get(at).ok_or("expected a field, found none")?;
        let (head, payload) = match part.content {
            Content::Message(inner) => return Ok(inner),
            Content::Field(fragment, WireType::Len) => {
                let field = Fields::new(records.values(fragment.block), fragment.start..fragment.end).next();
                let payload = field.and_then(Result::ok).map_or(fragment.end, |field| field.payload);
                // Tag and length stay with the field: when it is written, with a length that may take more or fewer bytes, the new head
                // is charged what these took (`Writer::head`), so that no byte of the chunk is nobody's.
                (Some(Fragment { end: payload, ..fragment }), Fragment { start: payload, ..fragment })
            }
            _ => return Err(format!("expected a message in field {}, found another value", part.number)),
        };
        let inner = self.add(message, vec![payload])?;
        if let Some(part) = self.open(message, problems)?.fields.get_mut(at) {
            (part.head, part.content) = (head, Content::Message(inner));
        }
        Ok(inner)
    }

    /// A new message in another one.
    fn add(&mut self, parent: usize, fragments: Vec<Fragment>) -> Result<usize, String> {
        let depth = self.messages.get(parent).map_or(0, |(_, depth)| *depth).saturating_add(1);
        if depth > MAX_DEPTH {
            return Err(format!("expected chunks in messages at most {MAX_DEPTH} deep, found one deeper"));
        }
        let left = self.fields_left.checked_sub(FIELDS_OF_A_MESSAGE);
        self.fields_left = left.ok_or_else(|| self.too_many_fields())?;
        self.messages.push((Message::Whole(fragments), depth));
        Ok(self.messages.len().saturating_sub(1))
    }

    /// A message with its fields told apart.
    fn open(&mut self, message: usize, problems: &mut Problems) -> Result<&mut Open, String> {
        if let Some((slot @ Message::Whole(_), _)) = self.messages.get_mut(message) {
            let whole = std::mem::replace(slot, Message::Open(Open::default()));
            if let Message::Whole(fragments) = whole {
                fragments.into_iter().for_each(|fragment| self.extend(message, fragment, problems));
            }
        }
        match self.messages.get_mut(message) {
            Some((Message::Open(open), _)) => Ok(open),
            _ => Err("expected a message, found none".to_owned()),
        }
    }

    /// Puts the fields of a chunk behind those of a message. What cannot be told apart is left out.
    fn extend(&mut self, message: usize, fragment: Fragment, problems: &mut Problems) {
        let (name, records) = (self.name, self.records);
        // To open it may take fields of those that are left, so they are counted only afterwards. It does not come back here for this
        // message: what `open` puts in its place first is open.
        if self.open(message, problems).is_err() {
            return;
        }
        let (mut left, too_many) = (self.fields_left, self.too_many_fields());
        let Ok(open) = self.open(message, problems) else { return };
        let left_out = |at: usize, found: &str| {
            let place = records.place(fragment.block, at);
            Problem::at(name, place, format!("{found}: the rest of this chunk's message is not read"))
        };
        for field in Fields::new(records.values(fragment.block), fragment.start..fragment.end) {
            match field {
                Ok(field) if left > 0 => {
                    left = left.saturating_sub(1);
                    open.push_field(records, fragment.block, &field);
                }
                Ok(field) => {
                    problems.push(left_out(field.start, &too_many));
                    break;
                }
                Err(error) => problems.push(left_out(error.offset(), &error.to_string())),
            }
        }
        self.fields_left = left;
    }

    fn too_many_fields(&self) -> String {
        format!("expected at most {} fields and messages beside those in chunks, found more", self.most_fields)
    }

    /// Writes the model.
    pub(super) fn write(&self, problems: &mut Problems) -> Assembly {
        let mut lengths = vec![0; self.messages.len()];
        self.measure(0, &mut lengths);
        let mut writer =
            Writer { records: self.records, wire: Vec::new(), shares: Shares::new(self.records.blocks.clone()) };
        let length = lengths.first().copied().unwrap_or_default();
        if writer.wire.try_reserve_exact(length).is_ok() {
            self.write_message(0, &lengths, &mut writer);
        } else {
            let message =
                format!("the model has {length} bytes when it is put together, for which there is not enough memory");
            problems.push(Problem::of_file(self.name, message));
        }
        Assembly { wire: writer.wire, shares: writer.shares }
    }

    /// Finds out how long a message is, and those in it, which nest at most `MAX_DEPTH` deep.
    fn measure(&self, message: usize, lengths: &mut Vec<usize>) -> usize {
        let length = match self.messages.get(message) {
            Some((Message::Whole(fragments), _)) => fragments.iter().map(Fragment::len).sum(),
            Some((Message::Open(open), _)) => open
                .fields
                .iter()
                .map(|part| {
                    let with_head = |length: usize| length.saturating_add(head(part.number, length).len());
                    match &part.content {
                        Content::Field(fragment, _) => fragment.len(),
                        Content::Value(fragment) => with_head(fragment.len()),
                        Content::Key(key) => key.len(),
                        Content::Message(inner) => with_head(self.measure(*inner, lengths)),
                    }
                })
                .sum(),
            None => 0,
        };
        if let Some(slot) = lengths.get_mut(message) {
            *slot = length;
        }
        length
    }

    fn write_message(&self, message: usize, lengths: &[usize], writer: &mut Writer<'_>) {
        match self.messages.get(message) {
            Some((Message::Whole(fragments), _)) => fragments.iter().for_each(|fragment| writer.fragment(*fragment)),
            Some((Message::Open(open), _)) => {
                for part in &open.fields {
                    match &part.content {
                        Content::Field(fragment, _) => writer.fragment(*fragment),
                        Content::Value(fragment) => {
                            writer.head(part, fragment.len());
                            writer.fragment(*fragment);
                        }
                        Content::Key(key) => writer.wire.extend_from_slice(key),
                        Content::Message(inner) => {
                            writer.head(part, lengths.get(*inner).copied().unwrap_or_default());
                            self.write_message(*inner, lengths, writer);
                        }
                    }
                }
            }
            None => {}
        }
    }
}

impl Fragment {
    fn len(&self) -> usize {
        self.end.saturating_sub(self.start)
    }
}

impl Open {
    fn push(&mut self, part: Part) {
        self.by_number.entry(part.number).or_default().push(self.fields.len());
        self.fields.push(part);
    }

    fn push_field(&mut self, records: &Records, block: usize, field: &Field) {
        let fragment = Fragment { block, start: field.start, end: field.end };
        // A map that has been asked for an entry knows all of its entries.
        if let Some(entries) = self.entries.get_mut(&field.number)
            && let Some(key) = key_of(records, fragment)
        {
            entries.insert(key, self.fields.len());
        }
        self.push(Part { number: field.number, head: None, content: Content::Field(fragment, field.wire_type) });
    }
}

/// What is written, and where it came from.
struct Writer<'r> {
    records: &'r Records,
    wire: Vec<u8>,
    shares: Shares,
}

impl Writer<'_> {
    fn fragment(&mut self, fragment: Fragment) {
        let bytes = self.records.values(fragment.block).get(fragment.start..fragment.end).unwrap_or_default();
        // The share is of what stands at this offset of the wire format, so it is noted before the bytes are there.
        self.from(fragment, bytes.len());
        self.wire.extend_from_slice(bytes);
    }

    /// The tag of a field and the length that it now has, for those that it had.
    fn head(&mut self, part: &Part, length: usize) {
        let head = head(part.number, length);
        if let Some(fragment) = part.head {
            self.from(fragment, head.len());
        }
        self.wire.extend_from_slice(&head);
    }

    fn from(&mut self, fragment: Fragment, length: usize) {
        let (start, length) = (self.wire.len() as u64, length as u64);
        self.shares.add(start, length, fragment.block, (fragment.start as u64, fragment.end as u64));
    }
}

/// A tag and a length.
fn head(number: u32, length: usize) -> Vec<u8> {
    let mut head = Vec::new();
    push_varint(&mut head, u64::from(number) << 3 | WireType::Len as u64);
    push_varint(&mut head, length as u64);
    head
}

fn push_varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push((value & 0x7f) as u8);
}

/// The field of an entry that holds its key.
fn key_field(key: &MapEntry) -> Vec<u8> {
    match key {
        MapEntry::Text(text) => {
            let mut field = head(KEY, text.len());
            field.extend_from_slice(text);
            field
        }
        MapEntry::Number(number) => {
            let mut field = Vec::new();
            push_varint(&mut field, u64::from(KEY) << 3 | WireType::Varint as u64);
            push_varint(&mut field, *number);
            field
        }
    }
}

/// The key of an entry that is a field of a chunk.
fn key_of(records: &Records, fragment: Fragment) -> Option<MapEntry> {
    let bytes = records.values(fragment.block);
    let entry = fields(bytes, fragment.start..fragment.end).next()?;
    if let Some(text) = last_len(bytes, entry.payload(), KEY) {
        return Some(MapEntry::Text(bytes.get(text)?.to_vec()));
    }
    let is_number = |field: &Field| field.number == KEY && field.wire_type == WireType::Varint;
    let number = fields(bytes, entry.payload()).filter(is_number).last()?;
    Some(MapEntry::Number(varint(number.bytes(bytes))?.0))
}
