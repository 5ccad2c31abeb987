//! A NodeDef: its name, its op, its inputs and its attributes (tensorflow/core/framework/node_def.proto).
//!
//! Nearly all nodes are as writers make them ([`Plain`]), and are read without the offsets of all of their fields. Any other is
//! walked field by field. A property test holds the two against each other, and both against prost.

use std::ops::Range;

use super::attr_value::AttrValue;
use super::attributes::{BESIDE, CLASS};
use super::number::attr_value::{F, I, LIST, list_value};
use super::number::node_def::{ATTR, DEVICE, INPUT, NAME, OP};
use super::ops;
use super::view::{Entry, Message};
use crate::wire::{Field, fields, skip_len, split_len};

/// A NodeDef where it lies: read to its end once, for its name and its op.
#[derive(Debug, Clone, Copy)]
pub struct NodeDef<'f> {
    file: &'f [u8],
    span: Span,
    name: Span,
    op: Span,
}

/// A range of the file that can be copied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Span {
    start: usize,
    end: usize,
}

impl Span {
    fn range(self) -> Range<usize> {
        self.start..self.end
    }
}

impl From<Range<usize>> for Span {
    fn from(Range { start, end }: Range<usize>) -> Self {
        Self { start, end }
    }
}

impl<'f> NodeDef<'f> {
    /// Reads the NodeDef whose payload is at `range`.
    #[must_use]
    pub fn read(file: &'f [u8], range: Range<usize>) -> Self {
        let plain = file.get(range.clone()).and_then(Plain::read);
        plain.map_or_else(
            || Self::walk(file, range.clone()),
            |plain| Self::of_plain(file, range.start, range.end, &plain),
        )
    }

    fn of_plain(file: &'f [u8], start: usize, end: usize, plain: &Plain<'f>) -> Self {
        let at =
            |part: &Range<usize>| Span { start: start.saturating_add(part.start), end: start.saturating_add(part.end) };
        Self { file, span: Span { start, end }, name: at(&plain.name_at), op: at(&plain.op_at) }
    }

    /// Reads any node.
    fn walk(file: &'f [u8], range: Range<usize>) -> Self {
        let (mut name, mut op) = (Span::default(), Span::default());
        for field in fields(file, range.clone()) {
            match field.number {
                NAME if field.is_len(NAME) => name = field.payload().into(),
                OP if field.is_len(OP) => op = field.payload().into(),
                _ => {}
            }
        }
        Self { file, span: range.into(), name, op }
    }

    /// The file that it lies in.
    #[must_use]
    pub fn file(&self) -> &'f [u8] {
        self.file
    }

    /// Its payload.
    #[must_use]
    pub fn range(&self) -> Range<usize> {
        self.span.range()
    }

    /// `name`
    #[must_use]
    pub fn name(&self) -> &'f [u8] {
        self.file.get(self.name.range()).unwrap_or_default()
    }

    /// Where the name is in the file.
    #[must_use]
    pub fn name_range(&self) -> Range<usize> {
        self.name.range()
    }

    /// `op`
    #[must_use]
    pub fn op(&self) -> &'f [u8] {
        self.file.get(self.op.range()).unwrap_or_default()
    }

    /// `device`
    #[must_use]
    pub fn device(&self) -> &'f [u8] {
        Message::new(self.file, self.span.range()).bytes(DEVICE)
    }

    /// Its fields in the order of the file.
    pub fn fields(&self) -> impl Iterator<Item = Field> + use<'f> {
        fields(self.file, self.span.range())
    }

    /// The inputs as they are written: see [`Input`](super::Input).
    pub fn inputs(&self) -> impl Iterator<Item = &'f [u8]> + use<'f> {
        let file = self.file;
        self.input_fields().map(move |field| field.bytes(file))
    }

    /// The fields of the inputs, for what one of them takes.
    pub fn input_fields(&self) -> impl Iterator<Item = Field> + use<'f> {
        self.fields().filter(|field| field.is_len(INPUT))
    }

    /// The attributes, in the order of the file.
    #[must_use]
    pub fn attributes(&self) -> Vec<Entry<'f>> {
        Message::new(self.file, self.span.range()).entries(ATTR)
    }

    /// The attribute of this name.
    #[must_use]
    pub fn attribute(&self, key: &[u8]) -> Option<AttrValue<'f>> {
        let entries = self.fields().filter(|field| field.is_len(ATTR)).map(|field| Entry::read(self.file, field));
        entries.filter(|entry| entry.key == key).last().map(|entry| AttrValue::new(entry.value))
    }

    /// Whether an attribute names a function, as those of calls, loops and branches do.
    #[must_use]
    pub fn names_functions(&self) -> bool {
        let mut names = false;
        for entry in self.attributes() {
            AttrValue::new(entry.value).functions(&mut |_| names = true);
        }
        names
    }

    /// The nodes that this one is to be placed beside, by name.
    #[must_use]
    pub fn placed_beside(&self) -> Vec<&'f [u8]> {
        let Some(class) = self.attribute(CLASS) else { return Vec::new() };
        let items = class.message().repeated(LIST).flat_map(|list| fields(self.file, list.payload()));
        items
            .filter(|item| item.is_len(list_value::S))
            .filter_map(|item| item.bytes(self.file).strip_prefix(BESIDE))
            .collect()
    }

    /// Whether it may keep a state that no other node has and somebody can tell, so that two of its kind that are given the same are
    /// not one. What is random without a seed is another in each run (`ops::RANDOM`). What cuDNN computes of a recurrent layer keeps
    /// random numbers for dropout, and nothing where there is none (tensorflow/core/kernels/cudnn_rnn_ops.cc).
    #[must_use]
    pub fn keeps_state(&self) -> bool {
        let op = self.op();
        let is_zero = |key: &[u8], number: u32| {
            let fields =
                self.attribute(key).map(|value| value.message().fields().collect::<Vec<_>>()).unwrap_or_default();
            fields.iter().all(|field| field.number == number && field.bytes(self.file).iter().all(|byte| *byte == 0))
        };
        let has_none = ops::is_stateless(op)
            || ops::shares_state(op)
            || ops::RANDOM.contains(&op) && is_zero(b"seed", I) && is_zero(b"seed2", I)
            || op.starts_with(b"CudnnRNN") && is_zero(b"dropout", F);
        !has_none
    }
}

/// A NodeDef as writers make it: its name, its op and its inputs, in this order, and nothing of these behind other fields.
///
/// Nearly all nodes are like that, and read so a node takes a third of the work of a walk over fields with all of their
/// offsets. Every field is passed by its length, so that none of these three can hide behind the others: what is plain is
/// read as any other would be.
#[derive(Debug)]
pub struct Plain<'f> {
    /// `name`
    pub name: &'f [u8],
    /// Where the name is in the node.
    pub name_at: Range<usize>,
    /// `op`
    pub op: &'f [u8],
    op_at: Range<usize>,
    /// The fields of the inputs.
    inputs: &'f [u8],
}

impl<'f> Plain<'f> {
    /// Reads the payload of a NodeDef; `None` of one that is not like that.
    #[must_use]
    #[inline]
    pub fn read(node: &'f [u8]) -> Option<Self> {
        let (name, rest) = split_len(node, NAME)?;
        let name_end = node.len().checked_sub(rest.len())?;
        let (op, inputs) = split_len(rest, OP)?;
        let op_end = node.len().checked_sub(inputs.len())?;
        let mut rest = inputs;
        while let Some((_, behind)) = split_len(rest, INPUT) {
            rest = behind;
        }
        let length = inputs.len().checked_sub(rest.len())?;
        // What may stand behind inputs is no name, op or input.
        while let Some(behind) = skip_len(rest, INPUT + 1) {
            rest = behind;
        }
        let at = |end: usize, length: usize| end.saturating_sub(length)..end;
        let (name_at, op_at) = (at(name_end, name.len()), at(op_end, op.len()));
        rest.is_empty().then_some(Self { name, name_at, op, op_at, inputs: inputs.get(..length)? })
    }

    /// The inputs as they are written.
    pub fn inputs(&self) -> impl Iterator<Item = &'f [u8]> + use<'f> {
        let mut rest = self.inputs;
        std::iter::from_fn(move || {
            let (input, behind) = split_len(rest, INPUT)?;
            rest = behind;
            Some(input)
        })
    }
}
