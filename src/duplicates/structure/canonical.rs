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

use std::ops::Range;

use foldhash::HashMap;

use super::classes::Calls;
use super::form::{Form, Piece};
use super::library::{Library, Results};
use super::names::{Names, Source};
use crate::wire::{Field, Fields, WireError, WireType, plain_entry, varint};

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

/// Reads functions of one library, one by one, into their forms. Its buffers are used again for each.
pub(super) struct Reader<'l, 'a> {
    pub(super) file: &'a [u8],
    pub(super) library: &'l Library<'a>,
    results_of_callees: Results<'a>,
    pub(super) calls: Calls,
    pub(super) form: Form,
    /// The `_output_shapes` of its nodes, which are no part of the form.
    pub(super) shapes: Form,
    /// How many nodes of the function were begun, for the shapes to say whose they are.
    pub(super) nodes: u64,
    names: Names<'a>,
    /// `FunctionDef.ret`, sorted by key.
    results: Vec<Entry<'a>>,
    /// Attributes, a stack: those of the function below those of a node below those of a function in an attribute.
    pub(super) attributes: Vec<Entry<'a>>,
    /// `FunctionDef.arg_attr`: the argument's position and an ArgAttrs.
    pub(super) argument_attributes: Vec<(u64, Range<usize>)>,
    /// `FunctionDef.resource_arg_unique_id`: the argument's position and its number.
    resources: Vec<(u64, u64)>,
    /// Control inputs of a node.
    controls: Vec<Source<'a>>,
    /// Names of the nodes in `FunctionDef.control_ret`.
    control_results: Vec<&'a [u8]>,
}

impl<'l, 'a> Reader<'l, 'a> {
    /// A reader of functions of `library`, which adds to `calls`.
    pub(super) fn new(file: &'a [u8], library: &'l Library<'a>, calls: Calls) -> Self {
        Self {
            file,
            library,
            results_of_callees: Results::default(),
            calls,
            form: Form::default(),
            shapes: Form::default(),
            nodes: 0,
            names: Names::default(),
            results: Vec::new(),
            attributes: Vec::new(),
            argument_attributes: Vec::new(),
            resources: Vec::new(),
            controls: Vec::new(),
            control_results: Vec::new(),
        }
    }

    /// The hashes of a function's form and of its shapes. The functions for its blanks are added to the calls.
    pub(super) fn read(&mut self, function: Range<usize>) -> (u128, u128) {
        self.clear();
        let read = self.index(function.clone()).and_then(|()| self.function(function.clone()));
        if read.is_err() {
            self.calls.discard();
            self.form.clear();
            self.form.put(Piece::Damaged, 0, self.file.get(function).unwrap_or_default());
        }
        self.calls.finish();
        (self.form.digest(), self.shapes.digest())
    }

    fn clear(&mut self) {
        self.form.clear();
        self.shapes.clear();
        self.nodes = 0;
        self.names.clear();
        self.results.clear();
        self.attributes.clear();
        self.argument_attributes.clear();
        self.resources.clear();
        self.control_results.clear();
    }

    pub(super) fn fields(&self, message: Range<usize>) -> Fields<'a> {
        Fields::new(self.file, message)
    }

    /// Learns the names: an input may refer to a node that comes later.
    fn index(&mut self, function: Range<usize>) -> Result<(), Unreadable> {
        for field in self.fields(function) {
            let field = field?;
            match (field.number, field.wire_type) {
                (1, WireType::Len) => self.index_arguments(field.payload())?,
                (3, WireType::Len) => {
                    let [name, op] = self.last(field.payload(), [1, 2])?;
                    self.names.push_node(name, self.library.find(op))?;
                }
                (4, WireType::Len) => {
                    let entry = self.entry(field)?;
                    push(&mut self.results, entry)?;
                }
                _ => {}
            }
        }
        sort(&mut self.results);
        Ok(())
    }

    fn index_arguments(&mut self, signature: Range<usize>) -> Result<(), Unreadable> {
        for field in self.fields(signature) {
            let field = field?;
            if field.is_len(2) {
                let [name] = self.last(field.payload(), [1])?;
                self.names.push_argument(name)?;
            }
        }
        Ok(())
    }

    /// The bytes of each of the fields, all length-delimited; the last one of a number counts.
    pub(super) fn last<const N: usize>(
        &self,
        message: Range<usize>,
        numbers: [u32; N],
    ) -> Result<[&'a [u8]; N], Unreadable> {
        let mut found = [[].as_slice(); N];
        for field in self.fields(message) {
            let field = field?;
            for (found, number) in found.iter_mut().zip(numbers) {
                if field.is_len(number) {
                    *found = field.bytes(self.file);
                }
            }
        }
        Ok(found)
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
                (1, WireType::Len) => read.key = field.bytes(self.file),
                (2, WireType::Len) => read.value = field.payload(),
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
                (1, WireType::Varint) => key = self.integer(field),
                (2, _) => value = Some(field),
                _ => {}
            }
        }
        Ok((key, value))
    }

    fn integer(&self, field: Field) -> u64 {
        varint(field.bytes(self.file)).map_or(0, |(value, _)| value)
    }

    fn function(&mut self, function: Range<usize>) -> Result<(), Unreadable> {
        for field in self.fields(function) {
            let field = field?;
            match (field.number, field.wire_type) {
                (1, WireType::Len) => self.signature(field.payload())?,
                (3, WireType::Len) => {
                    let callee = self.names.callee(self.nodes);
                    self.nodes = self.nodes.saturating_add(1);
                    self.node(field.payload(), callee)?;
                }
                (4, WireType::Len) => {}
                (5, WireType::Len) => {
                    let entry = self.entry(field)?;
                    push(&mut self.attributes, entry)?;
                }
                (6, WireType::Len) => {
                    let node = self.entry(field)?.value;
                    push(&mut self.control_results, self.file.get(node).unwrap_or_default())?;
                }
                (7, WireType::Len) => {
                    let (argument, attributes) = self.numbered_entry(field)?;
                    let attributes = attributes.map_or(0..0, |field| field.payload());
                    push(&mut self.argument_attributes, (argument, attributes))?;
                }
                (8, WireType::Len) => {
                    let (argument, id) = self.numbered_entry(field)?;
                    let id = id.map_or(0, |id| self.integer(id));
                    push(&mut self.resources, (argument, id))?;
                }
                _ => self.field(field),
            }
        }
        self.put_attributes(0, None, 0)?;
        self.put_argument_attributes()?;
        self.put_control_results();
        self.put_resources();
        Ok(())
    }

    fn signature(&mut self, signature: Range<usize>) -> Result<(), Unreadable> {
        for field in self.fields(signature) {
            let field = field?;
            match (field.number, field.wire_type) {
                // The name, a summary and a description; the names of control outputs.
                (1 | 5 | 6 | 20, WireType::Len) => {}
                (2, WireType::Len) => {
                    self.form.mark(Piece::Argument);
                    self.fields_but(field.payload(), &[1, 2])?;
                }
                (3, WireType::Len) => {
                    self.form.mark(Piece::Result);
                    self.fields_but(field.payload(), &[1, 2])?;
                    self.result(field.payload())?;
                }
                (4, WireType::Len) => {
                    self.form.mark(Piece::Declaration);
                    self.fields_but(field.payload(), &[4])?;
                }
                _ => self.field(field),
            }
        }
        Ok(())
    }

    /// Where a result comes from.
    fn result(&mut self, result: Range<usize>) -> Result<(), Unreadable> {
        let [name] = self.last(result, [1])?;
        let after = self.results.partition_point(|entry| entry.key <= name);
        let entry = after.checked_sub(1).and_then(|last| self.results.get(last)).filter(|entry| entry.key == name);
        if let Some(reference) = entry.and_then(|entry| self.file.get(entry.value.clone())) {
            self.reference(reference);
        }
        Ok(())
    }

    fn node(&mut self, node: Range<usize>, callee: Option<usize>) -> Result<(), Unreadable> {
        let bottom = self.attributes.len();
        let (mut op, mut device) = ([].as_slice(), [].as_slice());
        self.controls.clear();
        self.form.mark(Piece::Node);
        for field in self.fields(node) {
            let field = field?;
            match (field.number, field.wire_type) {
                // The name and the debug info.
                (1 | 6, WireType::Len) => {}
                (2, WireType::Len) => op = field.bytes(self.file),
                (3, WireType::Len) => match field.bytes(self.file) {
                    [b'^', name @ ..] => push(&mut self.controls, self.names.source(name))?,
                    reference => self.reference(reference),
                },
                (4, WireType::Len) => device = field.bytes(self.file),
                (5, WireType::Len) => {
                    let entry = self.entry(field)?;
                    push(&mut self.attributes, entry)?;
                }
                _ => self.field(field),
            }
        }
        self.controls.sort_unstable();
        for control in &self.controls {
            put_source(&mut self.form, Piece::Control, *control);
        }
        self.call_or(callee, Piece::Op, op);
        if !device.is_empty() {
            self.form.put(Piece::Device, 0, device);
        }
        self.put_attributes(bottom, None, 0)
    }

    /// A tensor: `argument`, `argument:0`, `node:output:0` or, in graphs, `node:0`. Names have no colon in them, and are
    /// longer than what follows, so colons are looked for from the end.
    fn reference(&mut self, reference: &'a [u8]) {
        let last = |text: &[u8]| text.iter().rposition(|byte| *byte == b':');
        let colon = last(reference).map(|colon| last(reference.get(..colon).unwrap_or_default()).unwrap_or(colon));
        let (name, port) = reference.split_at_checked(colon.unwrap_or(reference.len())).unwrap_or_default();
        match self.names.source(name) {
            Source::Argument(position) => self.form.put(Piece::FromArgument, position, port),
            Source::Node(position) => self.node_output(position, port),
            Source::Unknown(_) => self.form.put(Piece::FromUnknown, 0, reference),
        }
    }

    /// An output of a node. What a function calls its result is a name; what an op calls its output is not.
    fn node_output(&mut self, position: u64, port: &'a [u8]) {
        let result = self.names.callee(position).and_then(|callee| {
            let mut parts = port.splitn(3, |byte| *byte == b':').skip(1);
            let (output, tensor) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
            self.results_of_callees.position(self.library, callee, output).map(|result| (result, tensor))
        });
        match result {
            Some((result, tensor)) => {
                self.form.put(Piece::FromCall, position, &[]);
                self.form.put(Piece::Port, result, tensor);
            }
            None => self.form.put(Piece::FromNode, position, port),
        }
    }

    /// A blank for a function of the library, or the name where it is none.
    pub(super) fn call_or(&mut self, callee: Option<usize>, piece: Piece, name: &[u8]) {
        if callee.is_some_and(|callee| self.calls.push(callee)) {
            self.form.mark(Piece::Call);
        } else {
            self.form.put(piece, 0, name);
        }
    }

    fn put_control_results(&mut self) {
        let names = &mut self.names;
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

fn put_source(form: &mut Form, piece: Piece, source: Source<'_>) {
    form.mark(piece);
    match source {
        Source::Argument(position) => form.put(Piece::FromArgument, position, &[]),
        Source::Node(position) => form.put(Piece::FromNode, position, &[]),
        Source::Unknown(name) => form.put(Piece::FromUnknown, 0, name),
    }
}
