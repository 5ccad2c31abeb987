//! A FunctionDef: its name, its arguments, its nodes and its results (tensorflow/core/framework/function.proto).

use std::ops::Range;

use super::node_def::NodeDef;
use super::number::function_def::{ATTR, CONTROL_RET, NODE_DEF, RET, SIGNATURE};
use super::number::op_def::{self, INPUT_ARG, OUTPUT_ARG, arg_def};
use super::view::{Entry, Message};
use crate::wire::{Field, Fields, fields, skip_all, skip_len};

/// What a FunctionDef says of itself in its `signature`, an OpDef. It is a message of its own, so one that is given twice is
/// merged, and the name is that of the last one that has a name.
#[derive(Debug, Clone, Default)]
pub struct Signature<'f>(Message<'f>);

impl<'f> Signature<'f> {
    /// The signature that an OpDef is.
    #[must_use]
    pub fn new(message: Message<'f>) -> Self {
        Self(message)
    }

    /// Finds the signature of the FunctionDef at `range`. Writers put it first and give it once, but that is only known at the
    /// end: what is none is passed by its length.
    #[must_use]
    pub fn find(file: &'f [u8], range: Range<usize>) -> Self {
        let mut found: Option<Message<'f>> = None;
        let end = range.end;
        let mut rest = file.get(range).unwrap_or_default();
        loop {
            rest = skip_all(rest, NODE_DEF);
            while let Some(behind) = skip_len(rest, SIGNATURE + 1) {
                rest = behind;
            }
            let at = end.saturating_sub(rest.len());
            let Some(Ok(field)) = Fields::new(file, at..end).next() else { break };
            if field.is_len(SIGNATURE) {
                match &mut found {
                    Some(message) => message.merge(field.payload()),
                    None => found = Some(Message::new(file, field.payload())),
                }
            }
            rest = file.get(field.end..end).unwrap_or_default();
        }
        Self(found.unwrap_or(Message::new(file, 0..0)))
    }

    /// Where the function's name is; empty where it has none.
    #[must_use]
    pub fn name_range(&self) -> Range<usize> {
        self.0.range(op_def::NAME).unwrap_or_default()
    }

    /// The function's name.
    #[must_use]
    pub fn name(&self) -> &'f [u8] {
        self.0.bytes(op_def::NAME)
    }

    /// The names of the arguments, by which nodes of the function take them.
    pub fn arguments(&self) -> impl Iterator<Item = &'f [u8]> + use<'_, 'f> {
        self.argument_fields().map(|field| arg_name(self.0.file(), &field))
    }

    /// The fields of the arguments.
    pub fn argument_fields(&self) -> impl Iterator<Item = Field> + use<'_, 'f> {
        self.0.repeated(INPUT_ARG)
    }

    /// The names of the results, by which nodes of graphs take them (`call:result:0`).
    pub fn results(&self) -> impl Iterator<Item = &'f [u8]> + use<'_, 'f> {
        self.0.repeated(OUTPUT_ARG).map(|field| arg_name(self.0.file(), &field))
    }

    /// The OpDef itself.
    #[must_use]
    pub fn message(&self) -> &Message<'f> {
        &self.0
    }
}

/// The name of an argument or a result, an OpDef.ArgDef.
#[must_use]
pub fn arg_name<'f>(file: &'f [u8], field: &Field) -> &'f [u8] {
    Message::new(file, field.payload()).bytes(arg_def::NAME)
}

/// A FunctionDef where it lies.
#[derive(Debug, Clone)]
pub struct FunctionDef<'f> {
    file: &'f [u8],
    range: Range<usize>,
}

impl<'f> FunctionDef<'f> {
    /// The FunctionDef whose payload is at `range`.
    #[must_use]
    pub fn new(file: &'f [u8], range: Range<usize>) -> Self {
        Self { file, range }
    }

    /// Its fields in the order of the file, up to the first error.
    pub fn fields(&self) -> impl Iterator<Item = Field> + use<'f> {
        fields(self.file, self.range.clone())
    }

    /// The fields of its nodes.
    pub fn node_fields(&self) -> impl Iterator<Item = Field> + use<'f> {
        self.fields().filter(|field| field.is_len(NODE_DEF))
    }

    /// Its nodes.
    pub fn nodes(&self) -> impl Iterator<Item = NodeDef<'f>> + use<'f> {
        let file = self.file;
        self.node_fields().map(move |field| NodeDef::read(file, field.payload()))
    }

    /// Its signature. Of a function of a model's libraries the outline has it.
    #[must_use]
    pub fn signature(&self) -> Signature<'f> {
        Signature::find(self.file, self.range.clone())
    }

    /// Its attributes, in the order of the file.
    #[must_use]
    pub fn attributes(&self) -> Vec<Entry<'f>> {
        Message::new(self.file, self.range.clone()).entries(ATTR)
    }

    /// What it returns: for each result where it comes from, as inputs of nodes are written.
    #[must_use]
    pub fn returned(&self) -> Vec<&'f [u8]> {
        self.texts(RET)
    }

    /// The same with the name of each result.
    #[must_use]
    pub fn results(&self) -> Vec<(&'f [u8], &'f [u8])> {
        let entries = Message::new(self.file, self.range.clone()).entries(RET);
        entries.iter().map(|entry| (entry.key, entry.text())).collect()
    }

    /// The nodes that run for a control output.
    #[must_use]
    pub fn control_returned(&self) -> Vec<&'f [u8]> {
        self.texts(CONTROL_RET)
    }

    /// The values of a map from strings to strings.
    fn texts(&self, number: u32) -> Vec<&'f [u8]> {
        let entries = Message::new(self.file, self.range.clone()).entries(number);
        entries.iter().map(Entry::text).collect()
    }
}
