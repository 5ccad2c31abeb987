//! Nodes and functions as spans of the main file, with what a detector asks of them read when it does.

use std::ops::Range;

use foldhash::HashMap;

use crate::message::{AttrValue, Entry, FunctionDef, NodeDef, Signature};
use crate::outline;
use crate::wire::{Field, Fields};

/// A NodeDef where it lies.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node<'a> {
    def: NodeDef<'a>,
    field: Field,
}

impl<'a> Node<'a> {
    pub(super) fn new(file: &'a [u8], field: Field) -> Self {
        Self { def: NodeDef::read(file, field.payload()), field }
    }

    /// The NodeDef.
    pub(super) fn def(&self) -> NodeDef<'a> {
        self.def
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
        self.def.fields()
    }

    pub(super) fn name(&self) -> &'a [u8] {
        self.def.name()
    }

    pub(super) fn op(&self) -> &'a [u8] {
        self.def.op()
    }

    /// The inputs as they are written: `name`, `name:1`, `^name`, in a function also `name:output:1`.
    pub(super) fn inputs(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.def.inputs()
    }

    /// The fields of the inputs, for what one of them takes.
    pub(super) fn input_fields(&self) -> impl Iterator<Item = Field> + use<'a> {
        self.def.input_fields()
    }

    /// The attributes, in the order of the file.
    pub(super) fn attributes(&self) -> Vec<Entry<'a>> {
        self.def.attributes()
    }

    /// The attribute of this name.
    pub(super) fn attribute(&self, key: &[u8]) -> Option<AttrValue<'a>> {
        self.def.attribute(key)
    }
}

/// A FunctionDef where it lies.
#[derive(Debug, Clone)]
pub(super) struct Function<'a> {
    file: &'a [u8],
    def: FunctionDef<'a>,
    signature: Signature<'a>,
    field: Field,
    /// The metagraph whose library it is in.
    pub(super) meta_graph: usize,
    pub(super) name: &'a [u8],
}

impl<'a> Function<'a> {
    /// A function of the outline.
    pub(super) fn new(file: &'a [u8], function: &outline::Function, meta_graph: usize) -> Self {
        let (field, signature) = (function.field, function.signature(file));
        let name = signature.name();
        Self { file, def: FunctionDef::new(file, field.payload()), signature, field, meta_graph, name }
    }

    /// Its `function` field, tag and length included.
    pub(super) fn range(&self) -> Range<usize> {
        self.field.range()
    }

    /// The FunctionDef itself, without tag and length.
    pub(super) fn message(&self) -> Range<usize> {
        self.field.payload()
    }

    /// The fields of the FunctionDef.
    pub(super) fn fields(&self) -> Fields<'a> {
        Fields::new(self.file, self.field.payload())
    }

    /// What it says of itself.
    pub(super) fn signature(&self) -> &Signature<'a> {
        &self.signature
    }

    /// The names of the arguments, by which nodes of the function take them.
    pub(super) fn arguments(&self) -> Vec<&'a [u8]> {
        self.signature.arguments().collect()
    }

    /// What the function returns, as inputs of nodes are written.
    pub(super) fn results(&self) -> Vec<&'a [u8]> {
        self.def.returned()
    }

    /// The same in the order of the results that the signature names.
    pub(super) fn results_in_order(&self) -> Vec<&'a [u8]> {
        let by_name: HashMap<&[u8], &[u8]> = self.def.results().into_iter().collect();
        self.signature.results().map(|name| by_name.get(name).copied().unwrap_or_default()).collect()
    }

    pub(super) fn nodes(&self) -> impl Iterator<Item = Node<'a>> + use<'a> {
        let file = self.file;
        self.def.node_fields().map(move |field| Node::new(file, field))
    }
}
