//! Nodes and functions as spans of the main file, with what a detector asks of them read when it does.

use std::ops::Range;

use crate::wire::{Field, Fields, fields, first_len};

/// `NodeDef` (tensorflow/core/framework/node_def.proto).
const NAME: u32 = 1;
const OP: u32 = 2;
const INPUT: u32 = 3;
const ATTR: u32 = 5;
/// `FunctionDef` (tensorflow/core/framework/function.proto).
const SIGNATURE: u32 = 1;
const NODE_DEF: u32 = 3;
const RET: u32 = 4;
/// `OpDef.input_arg` (tensorflow/core/framework/op_def.proto).
const INPUT_ARG: u32 = 2;

/// A NodeDef where it lies.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node<'a> {
    file: &'a [u8],
    field: Field,
}

impl<'a> Node<'a> {
    pub(super) fn new(file: &'a [u8], field: Field) -> Self {
        Self { file, field }
    }

    /// Its `node` field, tag and length included.
    pub(super) fn range(&self) -> Range<usize> {
        self.field.range()
    }

    /// The NodeDef itself, without tag and length.
    pub(super) fn message(&self) -> Range<usize> {
        self.field.payload()
    }

    /// The fields of the NodeDef.
    pub(super) fn fields(&self) -> impl Iterator<Item = Field> + use<'a> {
        fields(self.file, self.field.payload())
    }

    fn text(&self, number: u32) -> &'a [u8] {
        first_len(self.file, self.field.payload(), number).and_then(|range| self.file.get(range)).unwrap_or_default()
    }

    pub(super) fn name(&self) -> &'a [u8] {
        self.text(NAME)
    }

    pub(super) fn op(&self) -> &'a [u8] {
        self.text(OP)
    }

    /// The inputs as they are written: `name`, `name:1`, `^name`, in a function also `name:output:1`.
    pub(super) fn inputs(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let file = self.file;
        self.input_fields().map(move |field| field.bytes(file))
    }

    /// The fields of the inputs, for what one of them takes.
    pub(super) fn input_fields(&self) -> impl Iterator<Item = Field> + use<'a> {
        self.fields().filter(|field| field.is_len(INPUT))
    }

    /// The attributes: the key, the AttrValue's payload, and the entry's whole field.
    pub(super) fn attributes(&self) -> impl Iterator<Item = Attribute<'a>> + use<'a> {
        let file = self.file;
        self.fields().filter(|field| field.is_len(ATTR)).map(move |field| {
            let part = |number| first_len(file, field.payload(), number).unwrap_or_default();
            Attribute { key: file.get(part(1)).unwrap_or_default(), value: part(2), range: field.range() }
        })
    }

    /// The payload of the AttrValue of this name.
    pub(super) fn attribute(&self, key: &[u8]) -> Option<Range<usize>> {
        self.attributes().find(|attribute| attribute.key == key).map(|attribute| attribute.value)
    }
}

/// An entry of `NodeDef.attr`.
#[derive(Debug, Clone)]
pub(super) struct Attribute<'a> {
    pub(super) key: &'a [u8],
    /// The AttrValue's payload.
    pub(super) value: Range<usize>,
    /// The entry, tag and length included.
    pub(super) range: Range<usize>,
}

/// The node that an input comes from.
pub(super) fn input_node(input: &[u8]) -> &[u8] {
    let tensor = input.strip_prefix(b"^").unwrap_or(input);
    tensor.split(|byte| *byte == b':').next().unwrap_or_default()
}

/// A FunctionDef where it lies.
#[derive(Debug, Clone)]
pub(super) struct Function<'a> {
    file: &'a [u8],
    field: Field,
    /// The metagraph whose library it is in.
    pub(super) meta_graph: usize,
    pub(super) name: &'a [u8],
}

impl<'a> Function<'a> {
    pub(super) fn new(file: &'a [u8], field: Field, meta_graph: usize) -> Self {
        let signature = first_len(file, field.payload(), SIGNATURE).unwrap_or_default();
        let name = first_len(file, signature, 1).and_then(|range| file.get(range)).unwrap_or_default();
        Self { file, field, meta_graph, name }
    }

    /// Its `function` field, tag and length included.
    pub(super) fn range(&self) -> Range<usize> {
        self.field.range()
    }

    /// The fields of the FunctionDef.
    pub(super) fn fields(&self) -> Fields<'a> {
        Fields::new(self.file, self.field.payload())
    }

    /// The name of an argument, by which nodes of the function take it.
    pub(super) fn argument(&self, position: usize) -> Option<&'a [u8]> {
        let signature = first_len(self.file, self.field.payload(), SIGNATURE)?;
        let argument = fields(self.file, signature).filter(|field| field.is_len(INPUT_ARG)).nth(position)?;
        self.file.get(first_len(self.file, argument.payload(), 1)?)
    }

    /// What the function returns, as inputs of nodes are written.
    pub(super) fn results(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let file = self.file;
        let results = fields(file, self.field.payload()).filter(|field| field.is_len(RET));
        results.filter_map(move |field| file.get(first_len(file, field.payload(), 2)?))
    }

    pub(super) fn nodes(&self) -> impl Iterator<Item = Node<'a>> + use<'a> {
        let file = self.file;
        let nodes = fields(file, self.field.payload()).filter(|field| field.is_len(NODE_DEF));
        nodes.map(move |field| Node::new(file, field))
    }
}
