//! The first pass over a function: what its names stand for, as an input may refer to a node that comes later, and all of its
//! canonical form but for the nodes.
//!
//! A node's bytes are looked at once here, for its name; so what others would go over them again for is noted on the way
//! ([`Noted`]).

use std::ops::Range;

use foldhash::HashMap;

use super::attributes::Holder;
use super::canonical::{Digests, Tensor, Writer};
use super::form::Piece;
use super::names::{FunctionNames, Node, Source, sort_sources};
use super::parts::{Entry, Unreadable, integer, last, numbered_entry, push, sort};
use crate::message::number::function_def::{NODE_DEF, SIGNATURE};
use crate::message::number::node_def::NAME as NODE_NAME;
use crate::message::number::op_def::{arg_def, attr_def};
use crate::message::number::{function_def, op_def};
use crate::wire::{Field, Fields, WireType, fields, last_len, split_len};

/// `FunctionDef.ArgAttrs.attr`
const ARG_ATTRS_ATTR: u32 = function_def::arg_attrs::ATTR;

/// Which names of nodes count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Naming {
    /// Those that nodes begin with: what all writers make, and what spares a walk over each node.
    First,
    /// The last one of each, as protobuf has it.
    Last,
}

/// What is noted of a function for others, who would have to go over its fields again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::duplicates) struct Noted {
    /// Whether it has nodes of as many bytes as were asked for.
    pub(in crate::duplicates) large_nodes: bool,
    /// Whether it has attributes.
    pub(in crate::duplicates) attributes: bool,
    /// No name that a node of it begins with is shorter; 0 where one does not begin with its name.
    pub(in crate::duplicates) shortest_name: usize,
    /// Where its name starts in the file, and where that ends.
    pub(in crate::duplicates) name: [usize; 2],
    /// Whether it has several signatures, of which the last one counts.
    pub(super) signed_again: bool,
}

impl Noted {
    const NOTHING: Self =
        Self { large_nodes: false, attributes: false, shortest_name: usize::MAX, name: [0; 2], signed_again: false };
}

/// What the first pass over a function learns. Used again for the next one, so that its memory is.
pub(super) struct Outline<'a> {
    /// Nodes of as many bytes are noted.
    large: usize,
    pub(super) names: FunctionNames<'a>,
    pub(super) noted: Noted,
    /// How many of its nodes the form says to stand before what was put.
    nodes_told: usize,
    /// The names of its results.
    result_names: Vec<&'a [u8]>,
    /// `FunctionDef.ret`, sorted by key.
    results: Vec<Entry<'a>>,
    attributes: Vec<Entry<'a>>,
    /// `FunctionDef.arg_attr`: the argument's position and an ArgAttrs.
    argument_attributes: Vec<(u64, Range<usize>)>,
    /// `FunctionDef.resource_arg_unique_id`: the argument's position and its number.
    resources: Vec<(u64, u64)>,
    /// FunctionNames of the nodes in `FunctionDef.control_ret`.
    control_results: Vec<&'a [u8]>,
}

impl<'a> Outline<'a> {
    /// Of no function yet. Nodes of `large` bytes are to be noted.
    pub(super) fn new(large: usize) -> Self {
        Self {
            large,
            names: FunctionNames::default(),
            noted: Noted::NOTHING,
            nodes_told: 0,
            result_names: Vec::new(),
            results: Vec::new(),
            attributes: Vec::new(),
            argument_attributes: Vec::new(),
            resources: Vec::new(),
            control_results: Vec::new(),
        }
    }

    /// Reads a function, and writes what it is but for its nodes.
    pub(super) fn read(
        &mut self,
        writer: &mut Writer<'_, 'a>,
        function: Range<usize>,
        naming: Naming,
    ) -> Result<Digests, Unreadable> {
        self.clear();
        writer.begin();
        self.fields(writer, function, naming)?;
        self.put_results(writer)?;
        std::mem::swap(&mut writer.attributes, &mut self.attributes);
        writer.attributes(Holder::Function)?;
        self.put_argument_attributes(writer)?;
        self.put_control_results(writer);
        self.put_resources(writer);
        Ok(Digests { form: writer.form.digest(), shapes: writer.shapes.digest() })
    }

    fn clear(&mut self) {
        self.names.clear();
        self.noted = Noted::NOTHING;
        self.nodes_told = 0;
        self.result_names.clear();
        self.results.clear();
        self.attributes.clear();
        self.argument_attributes.clear();
        self.resources.clear();
        self.control_results.clear();
    }

    /// Goes over the fields of the function: learns its names, and puts what does not need them.
    fn fields(
        &mut self,
        writer: &mut Writer<'_, 'a>,
        function: Range<usize>,
        naming: Naming,
    ) -> Result<(), Unreadable> {
        let mut is_signed = false;
        let end = function.end;
        let mut rest = writer.file.get(function).unwrap_or_default();
        loop {
            while let Some((node, behind)) = split_len(rest, NODE_DEF) {
                rest = behind;
                self.node(writer, node, end.saturating_sub(rest.len()), naming)?;
            }
            let Some(field) = writer.fields(end.saturating_sub(rest.len())..end).next().transpose()? else { break };
            rest = writer.file.get(field.end..end).unwrap_or_default();
            match (field.number, field.wire_type) {
                (NODE_DEF, WireType::Len) => self.node(writer, field.bytes(writer.file), field.payload_end, naming)?,
                (SIGNATURE, WireType::Len) => {
                    self.noted.signed_again |= is_signed;
                    is_signed = true;
                    self.signature(writer, field.payload())?;
                }
                (function_def::RET, WireType::Len) => {
                    let entry = Entry::read(writer.file, field)?;
                    push(&mut self.results, entry)?;
                }
                (function_def::ATTR, WireType::Len) => {
                    self.noted.attributes = true;
                    let entry = Entry::read(writer.file, field)?;
                    push(&mut self.attributes, entry)?;
                }
                (function_def::CONTROL_RET, WireType::Len) => {
                    let node = Entry::read(writer.file, field)?.value;
                    push(&mut self.control_results, writer.file.get(node).unwrap_or_default())?;
                }
                (function_def::ARG_ATTR, WireType::Len) => {
                    let (argument, attributes) = numbered_entry(writer.file, field)?;
                    let attributes = attributes.map_or(0..0, |field| field.payload());
                    push(&mut self.argument_attributes, (argument, attributes))?;
                }
                (function_def::RESOURCE_ARG_UNIQUE_ID, WireType::Len) => {
                    let (argument, id) = numbered_entry(writer.file, field)?;
                    let id = id.map_or(0, |id| integer(writer.file, id));
                    push(&mut self.resources, (argument, id))?;
                }
                _ => {
                    self.tell_nodes(writer);
                    writer.field(field);
                }
            }
        }
        sort(&mut self.results);
        Ok(())
    }

    /// Learns the name of a node, which ends there in the file.
    #[inline(always)]
    fn node(&mut self, writer: &Writer<'_, 'a>, node: &'a [u8], end: usize, naming: Naming) -> Result<(), Unreadable> {
        let range = end.saturating_sub(node.len())..end;
        self.noted.large_nodes |= node.len() >= self.large;
        let (name, behind_name) = match split_len(node, NODE_NAME).filter(|_| naming == Naming::First) {
            Some(first) => first,
            None => {
                let [name] = last(writer.file, range.clone(), [NODE_NAME])?;
                (name, node)
            }
        };
        let leading = if behind_name.len() < node.len() { name.len() } else { 0 };
        self.noted.shortest_name = self.noted.shortest_name.min(leading);
        self.names.push_node(Node { name, range, behind_name })
    }

    /// Puts how many nodes stand before what comes now, if any were not put yet.
    fn tell_nodes(&mut self, writer: &mut Writer<'_, 'a>) {
        let nodes = self.names.count_nodes();
        if nodes > self.nodes_told {
            writer.form.put(Piece::Nodes, nodes as u64, &[]);
            self.nodes_told = nodes;
        }
    }

    fn signature(&mut self, writer: &mut Writer<'_, 'a>, signature: Range<usize>) -> Result<(), Unreadable> {
        for field in writer.fields(signature) {
            let field = field?;
            match (field.number, field.wire_type) {
                (op_def::NAME, WireType::Len) => self.noted.name = [field.payload, field.payload_end],
                (op_def::SUMMARY | op_def::DESCRIPTION | op_def::CONTROL_OUTPUT, WireType::Len) => {}
                (op_def::INPUT_ARG, WireType::Len) => {
                    let [name] = last(writer.file, field.payload(), [arg_def::NAME])?;
                    self.names.push_argument(name)?;
                    self.begin(writer, Piece::Argument);
                    writer.fields_but(field.payload(), &[arg_def::NAME, arg_def::DESCRIPTION])?;
                }
                (op_def::OUTPUT_ARG, WireType::Len) => {
                    let [name] = last(writer.file, field.payload(), [arg_def::NAME])?;
                    push(&mut self.result_names, name)?;
                    self.begin(writer, Piece::Result);
                    writer.fields_but(field.payload(), &[arg_def::NAME, arg_def::DESCRIPTION])?;
                }
                (op_def::ATTR, WireType::Len) => {
                    self.begin(writer, Piece::Declaration);
                    writer.fields_but(field.payload(), &[attr_def::DESCRIPTION])?;
                }
                _ => {
                    self.tell_nodes(writer);
                    writer.field(field);
                }
            }
        }
        Ok(())
    }

    fn begin(&mut self, writer: &mut Writer<'_, 'a>, piece: Piece) {
        self.tell_nodes(writer);
        writer.form.mark(piece);
    }

    /// Where the results come from.
    fn put_results(&mut self, writer: &mut Writer<'_, 'a>) -> Result<(), Unreadable> {
        for index in 0..self.result_names.len() {
            let Some(name) = self.result_names.get(index).copied() else { break };
            writer.form.mark(Piece::Result);
            let after = self.results.partition_point(|entry| entry.key <= name);
            let entry = after.checked_sub(1).and_then(|last| self.results.get(last)).filter(|entry| entry.key == name);
            if let Some(reference) = entry.and_then(|entry| writer.file.get(entry.value.clone())) {
                writer.tensor(&mut self.names, &Tensor::new(reference))?;
            }
        }
        Ok(())
    }

    /// The attributes of all arguments, in the order of the arguments.
    fn put_argument_attributes(&mut self, writer: &mut Writer<'_, 'a>) -> Result<(), Unreadable> {
        self.argument_attributes.sort_unstable_by_key(|(argument, attributes)| (*argument, attributes.start));
        for (argument, attributes) in &self.argument_attributes {
            for field in Fields::new(writer.file, attributes.clone()) {
                let field = field?;
                if field.is_len(ARG_ATTRS_ATTR) {
                    push(&mut writer.attributes, Entry::read(writer.file, field)?)?;
                }
            }
            writer.attributes(Holder::Argument(*argument))?;
        }
        Ok(())
    }

    fn put_control_results(&mut self, writer: &mut Writer<'_, 'a>) {
        let names = &self.names;
        let mut sources: Vec<Source<'a>> = self.control_results.iter().map(|name| names.source(name)).collect();
        sort_sources(&mut sources);
        sources.into_iter().for_each(|source| writer.source(Piece::ControlResult, source));
    }

    /// Which arguments are the same resource: the numbers that they share mean nothing but that.
    fn put_resources(&mut self, writer: &mut Writer<'_, 'a>) {
        self.resources.sort_unstable();
        let mut first_of_id = HashMap::default();
        for (argument, id) in &self.resources {
            let first: u64 = *first_of_id.entry(id).or_insert(*argument);
            writer.form.put(Piece::Resource, *argument, &first.to_le_bytes());
        }
    }

    /// Notes what there is to note of a function that cannot be read, as far as its fields can be walked.
    pub(super) fn note_damaged(&mut self, file: &[u8], function: Range<usize>) {
        let large = self.large;
        let has_large = |field: Field| field.is_len(NODE_DEF) && field.payload().len() >= large;
        self.noted = Noted {
            large_nodes: fields(file, function.clone()).any(has_large),
            attributes: true,
            shortest_name: 0,
            name: {
                let signature = last_len(file, function.clone(), SIGNATURE);
                let name = signature.and_then(|op| last_len(file, op, op_def::NAME)).unwrap_or_default();
                [name.start, name.end]
            },
            signed_again: fields(file, function).filter(|field| field.is_len(SIGNATURE)).nth(1).is_some(),
        };
    }
}
