//! The canonical form of a function: what is left of it without names.
//!
//! | of the function | in the form | because |
//! |---|---|---|
//! | its own name, descriptions, debug info | out | they do nothing |
//! | arguments, results, nodes | in their order; names out | TensorFlow finds arguments and results by position, and one tracer makes nodes in one order |
//! | inputs, `ret` | the position of the argument or node, and the output of it | a name there means nothing else |
//! | control inputs, `control_ret` | positions, sorted | their order means nothing |
//! | op, device, types, other fields | as they are | they decide what is computed, and where |
//! | constants | as they are | another constant is another function |
//! | a function of the library: as an op, in a `func`, or by its name in a string | a blank, filled by the [`Calls`] | its name says nothing, its structure does |
//! | attributes | sorted by key; see [`super::attributes`] | they are a map, whose order on the wire is arbitrary |
//!
//! Fields are not normalized beyond that: where two writers put the same value differently, the functions differ. That
//! errs on the side of too few duplicates, and does not happen in a library that one process wrote.

//!
//! A function is read in two passes. The first goes over its fields and learns the names, as an input may refer to a node that
//! comes later; what is neither a node nor refers to one it puts into the form at once. The second is over the nodes
//! ([`super::body`]). Each pass looks at a node's bytes once, so what was noted of the first for others ([`Noted`]) costs
//! them no walk.

use std::ops::Range;

use foldhash::HashMap;

use super::body::Tensor;
use super::classes::Calls;
use super::form::{Form, Piece};
use super::library::{Library, Results};
use super::names::{Names, Node, Source};
use super::trail::{Digests, Draft, Trail};
use crate::message::number::function_def::{NODE_DEF, SIGNATURE};
use crate::message::number::node_def::NAME as NODE_NAME;
use crate::message::number::op_def::{arg_def, attr_def};
use crate::message::number::{function_def, map_entry, op_def};
use crate::wire::{Field, Fields, WireError, WireType, fields, plain_entry, split_len, varint};

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

/// Why the nodes of a function are read no further.
#[derive(Debug)]
pub(super) enum Stop {
    Unreadable,
    /// A node has another name behind its first one, which then counts.
    NamedAgain,
}

impl<E: Into<Unreadable>> From<E> for Stop {
    fn from(_: E) -> Self {
        Self::Unreadable
    }
}

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
    /// Whether it has several signatures, of which the last one counts.
    pub(super) signed_again: bool,
}

impl Noted {
    const NOTHING: Self =
        Self { large_nodes: false, attributes: false, shortest_name: usize::MAX, signed_again: false };
}

/// What a function was read to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Read {
    pub(super) digests: Digests,
    pub(super) noted: Noted,
}

/// An entry of a map with string keys.
#[derive(Debug, Clone)]
pub(super) struct Entry<'a> {
    pub(super) key: &'a [u8],
    pub(super) value: Range<usize>,
}

/// Sorts entries by key, and those of one key in their order.
pub(super) fn sort(entries: &mut [Entry<'_>]) {
    entries.sort_unstable_by(|a, b| (a.key, a.value.start).cmp(&(b.key, b.value.start)));
}

/// Adds to a list, which the file must not make too long.
pub(super) fn push<T>(list: &mut Vec<T>, item: T) -> Result<(), Unreadable> {
    if list.len() >= MAX_PARTS {
        return Err(Unreadable);
    }
    list.push(item);
    Ok(())
}

/// The bytes of each of the fields, all length-delimited; the last one of a number counts.
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

/// Reads functions of one library, one by one, into their forms. Its buffers are used again for each.
pub(super) struct Reader<'l, 'a> {
    pub(super) file: &'a [u8],
    pub(super) library: &'l Library<'a>,
    /// Nodes of as many bytes are noted.
    large: usize,
    pub(super) results_of_callees: Results<'a>,
    pub(super) calls: Calls,
    /// Whether a call was not followed for lack of room.
    pub(super) lacks_room: bool,
    pub(super) trail: Trail<'a>,
    pub(super) draft: Draft<'a>,
    /// The form of what is being read: of the function but for its nodes, or of a node.
    pub(super) form: Form,
    /// The other one of these, while one is read.
    other_form: Form,
    /// `_output_shapes`, which are no part of the form: those of a node, then of the function.
    pub(super) shapes: Form,
    /// How many nodes of the function were begun, for the shapes to say whose they are.
    pub(super) nodes: u64,
    /// How many of its nodes the form says to stand before what was put.
    nodes_told: usize,
    noted: Noted,
    pub(super) names: Names<'a>,
    /// The names of its results.
    result_names: Vec<&'a [u8]>,
    /// `FunctionDef.ret`, sorted by key.
    results: Vec<Entry<'a>>,
    /// Attributes, a stack: those of the function below those of a node below those of a function in an attribute.
    pub(super) attributes: Vec<Entry<'a>>,
    /// `FunctionDef.arg_attr`: the argument's position and an ArgAttrs.
    pub(super) argument_attributes: Vec<(u64, Range<usize>)>,
    /// `FunctionDef.resource_arg_unique_id`: the argument's position and its number.
    resources: Vec<(u64, u64)>,
    /// Control inputs of a node.
    pub(super) controls: Vec<Source<'a>>,
    /// Names of the nodes in `FunctionDef.control_ret`.
    control_results: Vec<&'a [u8]>,
}

impl<'l, 'a> Reader<'l, 'a> {
    /// A reader of functions of `library`, which adds to `calls`, and notes nodes of `large` bytes.
    pub(super) fn new(file: &'a [u8], library: &'l Library<'a>, large: usize, calls: Calls) -> Self {
        Self {
            file,
            library,
            large,
            results_of_callees: Results::default(),
            calls,
            lacks_room: false,
            trail: Trail::new(file, library.bytes()),
            draft: Draft::default(),
            form: Form::default(),
            other_form: Form::default(),
            shapes: Form::default(),
            nodes: 0,
            nodes_told: 0,
            noted: Noted::NOTHING,
            names: Names::default(),
            result_names: Vec::new(),
            results: Vec::new(),
            attributes: Vec::new(),
            argument_attributes: Vec::new(),
            resources: Vec::new(),
            controls: Vec::new(),
            control_results: Vec::new(),
        }
    }

    /// Reads functions, one after the other.
    pub(super) fn read_all(&mut self, functions: &[Range<usize>]) -> Vec<Read> {
        functions.iter().map(|function| self.read(function.clone())).collect()
    }

    /// The hashes of a function's form and of its shapes, and what was noted of it. The functions for its blanks are added
    /// to the calls.
    pub(super) fn read(&mut self, function: Range<usize>) -> Read {
        let mut read = self.read_by(Naming::First, function.clone());
        if matches!(read, Err(Stop::NamedAgain)) {
            self.calls.discard();
            read = self.read_by(Naming::Last, function.clone());
        }
        let digests = read.unwrap_or_else(|_| {
            self.calls.discard();
            self.form.clear();
            self.form.put(Piece::Damaged, 0, self.file.get(function.clone()).unwrap_or_default());
            self.note_damaged(function);
            Digests { form: self.form.digest(), shapes: 0 }
        });
        self.calls.finish();
        Read { digests, noted: self.noted }
    }

    fn read_by(&mut self, naming: Naming, function: Range<usize>) -> Result<Digests, Stop> {
        self.clear();
        self.outline(function, naming)?;
        std::mem::swap(&mut self.form, &mut self.other_form);
        let nodes = self.body();
        std::mem::swap(&mut self.form, &mut self.other_form);
        let nodes = nodes?;
        self.shapes.clear();
        self.put_results()?;
        self.put_attributes(0, None, 0)?;
        self.put_argument_attributes()?;
        self.put_control_results();
        self.put_resources();
        let (form, shapes) = (self.form.digest_behind(nodes.form), self.shapes.digest_behind(nodes.shapes));
        Ok(Digests { form, shapes })
    }

    pub(super) fn clear(&mut self) {
        self.form.clear();
        self.nodes = 0;
        self.nodes_told = 0;
        self.noted = Noted::NOTHING;
        self.names.clear();
        self.result_names.clear();
        self.results.clear();
        self.attributes.clear();
        self.argument_attributes.clear();
        self.resources.clear();
        self.control_results.clear();
    }

    pub(super) fn fields(&self, message: Range<usize>) -> Fields<'a> {
        Fields::new(self.file, message)
    }

    /// Goes over the fields of the function: learns its names, and puts what does not need them.
    pub(super) fn outline(&mut self, function: Range<usize>, naming: Naming) -> Result<(), Unreadable> {
        let mut is_signed = false;
        let end = function.end;
        let mut rest = self.file.get(function).unwrap_or_default();
        loop {
            while let Some((node, behind)) = split_len(rest, NODE_DEF) {
                rest = behind;
                self.outline_node(node, end.saturating_sub(rest.len()), naming)?;
            }
            let Some(field) = self.fields(end.saturating_sub(rest.len())..end).next().transpose()? else { break };
            rest = self.file.get(field.end..end).unwrap_or_default();
            match (field.number, field.wire_type) {
                (NODE_DEF, WireType::Len) => self.outline_node(field.bytes(self.file), field.payload_end, naming)?,
                (SIGNATURE, WireType::Len) => {
                    self.noted.signed_again |= is_signed;
                    is_signed = true;
                    self.signature(field.payload())?;
                }
                (function_def::RET, WireType::Len) => {
                    let entry = self.entry(field)?;
                    push(&mut self.results, entry)?;
                }
                (function_def::ATTR, WireType::Len) => {
                    self.noted.attributes = true;
                    let entry = self.entry(field)?;
                    push(&mut self.attributes, entry)?;
                }
                (function_def::CONTROL_RET, WireType::Len) => {
                    let node = self.entry(field)?.value;
                    push(&mut self.control_results, self.file.get(node).unwrap_or_default())?;
                }
                (function_def::ARG_ATTR, WireType::Len) => {
                    let (argument, attributes) = self.numbered_entry(field)?;
                    let attributes = attributes.map_or(0..0, |field| field.payload());
                    push(&mut self.argument_attributes, (argument, attributes))?;
                }
                (function_def::RESOURCE_ARG_UNIQUE_ID, WireType::Len) => {
                    let (argument, id) = self.numbered_entry(field)?;
                    let id = id.map_or(0, |id| self.integer(id));
                    push(&mut self.resources, (argument, id))?;
                }
                _ => {
                    self.tell_nodes();
                    self.field(field);
                }
            }
        }
        sort(&mut self.results);
        Ok(())
    }

    /// Learns the name of a node, which ends there in the file.
    #[inline(always)]
    fn outline_node(&mut self, node: &'a [u8], end: usize, naming: Naming) -> Result<(), Unreadable> {
        let range = end.saturating_sub(node.len())..end;
        self.noted.large_nodes |= node.len() >= self.large;
        let (name, behind_name) = match split_len(node, NODE_NAME).filter(|_| naming == Naming::First) {
            Some(first) => first,
            None => {
                let [name] = last(self.file, range.clone(), [NODE_NAME])?;
                (name, node)
            }
        };
        let leading = if behind_name.len() < node.len() { name.len() } else { 0 };
        self.noted.shortest_name = self.noted.shortest_name.min(leading);
        self.names.push_node(Node { name, range, behind_name })
    }

    /// Puts how many nodes stand before what comes now, if any were not told of yet.
    fn tell_nodes(&mut self) {
        let nodes = self.names.count_nodes();
        if nodes > self.nodes_told {
            self.form.put(Piece::Nodes, nodes as u64, &[]);
            self.nodes_told = nodes;
        }
    }

    /// Notes what there is to note of a function that cannot be read, as far as its fields can be walked.
    fn note_damaged(&mut self, function: Range<usize>) {
        let large = self.large;
        let has_large = |field: Field| field.is_len(NODE_DEF) && field.payload().len() >= large;
        self.noted = Noted {
            large_nodes: fields(self.file, function.clone()).any(has_large),
            attributes: true,
            shortest_name: 0,
            signed_again: fields(self.file, function).filter(|field| field.is_len(SIGNATURE)).nth(1).is_some(),
        };
    }

    fn signature(&mut self, signature: Range<usize>) -> Result<(), Unreadable> {
        for field in self.fields(signature) {
            let field = field?;
            match (field.number, field.wire_type) {
                (op_def::NAME | op_def::SUMMARY | op_def::DESCRIPTION | op_def::CONTROL_OUTPUT, WireType::Len) => {}
                (op_def::INPUT_ARG, WireType::Len) => {
                    let [name] = last(self.file, field.payload(), [arg_def::NAME])?;
                    self.names.push_argument(name)?;
                    self.begin(Piece::Argument);
                    self.fields_but(field.payload(), &[arg_def::NAME, arg_def::DESCRIPTION])?;
                }
                (op_def::OUTPUT_ARG, WireType::Len) => {
                    let [name] = last(self.file, field.payload(), [arg_def::NAME])?;
                    push(&mut self.result_names, name)?;
                    self.begin(Piece::Result);
                    self.fields_but(field.payload(), &[arg_def::NAME, arg_def::DESCRIPTION])?;
                }
                (op_def::ATTR, WireType::Len) => {
                    self.begin(Piece::Declaration);
                    self.fields_but(field.payload(), &[attr_def::DESCRIPTION])?;
                }
                _ => {
                    self.tell_nodes();
                    self.field(field);
                }
            }
        }
        Ok(())
    }

    fn begin(&mut self, piece: Piece) {
        self.tell_nodes();
        self.form.mark(piece);
    }

    /// Where the results come from.
    fn put_results(&mut self) -> Result<(), Unreadable> {
        for index in 0..self.result_names.len() {
            let Some(name) = self.result_names.get(index).copied() else { break };
            self.form.mark(Piece::Result);
            let after = self.results.partition_point(|entry| entry.key <= name);
            let entry = after.checked_sub(1).and_then(|last| self.results.get(last)).filter(|entry| entry.key == name);
            if let Some(reference) = entry.and_then(|entry| self.file.get(entry.value.clone())) {
                self.tensor(&Tensor::new(reference))?;
            }
        }
        Ok(())
    }

    /// An entry of a map with string keys.
    pub(super) fn entry(&self, entry: Field) -> Result<Entry<'a>, Unreadable> {
        if let Some((key, value)) = plain_entry(self.file, entry.payload()) {
            return Ok(Entry { key: self.file.get(key).unwrap_or_default(), value });
        }
        let mut read = Entry { key: &[], value: entry.payload_end..entry.payload_end };
        for field in self.fields(entry.payload()) {
            let field = field?;
            match (field.number, field.wire_type) {
                (map_entry::KEY, WireType::Len) => read.key = field.bytes(self.file),
                (map_entry::VALUE, WireType::Len) => read.value = field.payload(),
                _ => {}
            }
        }
        Ok(read)
    }

    /// An entry of a map with integer keys: the key, and the field of the value.
    fn numbered_entry(&self, entry: Field) -> Result<(u64, Option<Field>), Unreadable> {
        let (mut key, mut value) = (0, None);
        for field in self.fields(entry.payload()) {
            let field = field?;
            match (field.number, field.wire_type) {
                (map_entry::KEY, WireType::Varint) => key = self.integer(field),
                (map_entry::VALUE, _) => value = Some(field),
                _ => {}
            }
        }
        Ok((key, value))
    }

    fn integer(&self, field: Field) -> u64 {
        varint(field.bytes(self.file)).map_or(0, |(value, _)| value)
    }

    fn put_control_results(&mut self) {
        let names = &self.names;
        let mut sources: Vec<Source<'a>> = self.control_results.iter().map(|name| names.source(name)).collect();
        sources.sort_unstable();
        for source in sources {
            put_source(&mut self.form, Piece::ControlResult, source);
        }
    }

    /// Which arguments are the same resource: the numbers that they share mean nothing but that.
    fn put_resources(&mut self) {
        self.resources.sort_unstable();
        let mut first_of_id = HashMap::default();
        for (argument, id) in &self.resources {
            let first: u64 = *first_of_id.entry(id).or_insert(*argument);
            self.form.put(Piece::Resource, *argument, &first.to_le_bytes());
        }
    }

    /// The fields of a message as they are, but for some: names and descriptions.
    fn fields_but(&mut self, message: Range<usize>, left_out: &[u32]) -> Result<(), Unreadable> {
        for field in self.fields(message) {
            let field = field?;
            if !left_out.contains(&field.number) {
                self.field(field);
            }
        }
        Ok(())
    }

    /// A field as it is.
    pub(super) fn field(&mut self, field: Field) {
        let kind = u64::from(field.number) << 3 | field.wire_type as u64;
        self.form.put(Piece::Field, kind, field.bytes(self.file));
    }
}

pub(super) fn put_source(form: &mut Form, piece: Piece, source: Source<'_>) {
    form.mark(piece);
    match source {
        Source::Argument(position) => form.put(Piece::FromArgument, position, &[]),
        Source::Node(position) => form.put(Piece::FromNode, position, &[]),
        Source::Unknown(name) => form.put(Piece::FromUnknown, 0, name),
    }
}
