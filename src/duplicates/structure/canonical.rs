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
//! The form is a sequence of [`Piece`]s, put end to end, in two parts. The outline: the function's signature and what it has
//! that is none of the following, where its results come from, its attributes, those of its arguments, its control outputs,
//! its resources. The nodes: each by its inputs, control inputs, op, device and attributes. With `H` for a hash and `()` for
//! no nodes it is hashed as
//!
//! ```text
//! H(H(outline), N(nodes))   where   N() = 0   and   N(nodes, node) = H(node, N(nodes))
//! ```
//!
//! This is part of what the digests in a report mean ([`super::stable`]).

use std::ops::Range;

use super::classes::Calls;
use super::form::{Digest, Form, Key, Piece};
use super::library::{Library, Results};
use super::names::{FunctionNames, Known, Source};
use super::parts::{Entry, Unreadable, last};
use crate::message::number::node_def::OP;
use crate::wire::{Field, Fields};

/// What a part of a function is but for names: a digest of its form, and one of its `_output_shapes`, which are no part of
/// the form.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Digests {
    pub(super) form: Digest,
    pub(super) shapes: Digest,
}

/// Writes parts of functions of one library in their canonical form, one after the other. Its buffers are used again for each.
pub(super) struct Writer<'l, 'a> {
    pub(super) file: &'a [u8],
    pub(super) library: &'l Library<'a>,
    results_of_callees: Results<'a>,
    pub(super) calls: Calls,
    /// Whether a call was not followed for lack of room.
    pub(super) lacks_room: bool,
    /// The form of what is being written.
    pub(super) form: Form,
    /// Its `_output_shapes`.
    pub(super) shapes: Form,
    /// Attributes that are not written yet, a stack: those of a node below those of a function in an attribute.
    pub(super) attributes: Vec<Entry<'a>>,
}

impl<'l, 'a> Writer<'l, 'a> {
    /// A writer of functions of `library`, which adds to `calls`, and whose digests are by `key`.
    pub(super) fn new(file: &'a [u8], library: &'l Library<'a>, key: Key, calls: Calls) -> Self {
        Self {
            file,
            library,
            results_of_callees: Results::default(),
            calls,
            lacks_room: false,
            form: Form::new(key),
            shapes: Form::new(key),
            attributes: Vec::new(),
        }
    }

    /// Begins another part.
    pub(super) fn begin(&mut self) {
        self.form.clear();
        self.shapes.clear();
        self.attributes.clear();
    }

    /// What was written since that, behind the nodes before it.
    pub(super) fn node(&mut self, before: Digests) -> Digests {
        // A node without shapes may leave that digest as it is: what is put for one that has some begins with its position, so the same
        // shapes of another node are another digest.
        let shapes = if self.shapes.is_empty() { before.shapes } else { self.shapes.digest_with(&[before.shapes]) };
        Digests { form: self.form.digest_with(&[before.form]), shapes }
    }

    /// What a function is that has this outline and these nodes.
    pub(super) fn function(&mut self, outline: Digests, nodes: Digests) -> Digests {
        self.begin();
        let form = self.form.digest_with(&[outline.form, nodes.form]);
        Digests { form, shapes: self.shapes.digest_with(&[outline.shapes, nodes.shapes]) }
    }

    pub(super) fn fields(&self, message: Range<usize>) -> Fields<'a> {
        Fields::new(self.file, message)
    }

    /// A field as it is.
    pub(super) fn field(&mut self, field: Field) {
        let kind = u64::from(field.number) << 3 | field.wire_type as u64;
        self.form.put(Piece::Field, kind, field.bytes(self.file));
    }

    /// The fields of a message as they are, but for some: names and descriptions.
    pub(super) fn fields_but(&mut self, message: Range<usize>, left_out: &[u32]) -> Result<(), Unreadable> {
        for field in self.fields(message) {
            let field = field?;
            if !left_out.contains(&field.number) {
                self.field(field);
            }
        }
        Ok(())
    }

    /// What a control input or output refers to.
    pub(super) fn source(&mut self, piece: Piece, source: Source<'_>) {
        self.form.mark(piece);
        match source {
            Source::Argument(position) => self.form.put(Piece::FromArgument, position, &[]),
            Source::Node(position) => self.form.put(Piece::FromNode, position, &[]),
            Source::Unknown(name) => self.form.put(Piece::FromUnknown, 0, name),
        }
    }

    /// Puts where a tensor comes from: the argument or node, if nothing but that and the port decides.
    pub(super) fn tensor(
        &mut self,
        names: &mut FunctionNames<'a>,
        tensor: &Tensor<'a>,
    ) -> Result<Option<Known>, Unreadable> {
        let known = names.find(tensor.name);
        let position = match known.map(Known::source) {
            Some(Source::Node(position)) => position,
            Some(Source::Argument(position)) => {
                self.form.put(Piece::FromArgument, position, tensor.port);
                return Ok(known);
            }
            Some(Source::Unknown(_)) | None => {
                self.form.put(Piece::FromUnknown, 0, tensor.reference);
                return Ok(None);
            }
        };
        // What a function calls its results is a name, so the port of a call is written as a position. What it is found by is the op of
        // another node, which the bytes of this node do not say: hence no source is returned, and the node is no step of a trail.
        let callee = self.callee(names, position)?;
        match callee.and_then(|callee| self.result_of(callee, tensor.port)) {
            Some((result, of_result)) => {
                self.form.put(Piece::FromCall, position, &[]);
                self.form.put(Piece::Port, result, of_result);
            }
            None => self.form.put(Piece::FromNode, position, tensor.port),
        }
        Ok(known.filter(|_| callee.is_none()))
    }

    /// The function of the library that is the op of the node at `position`.
    fn callee(&self, names: &mut FunctionNames<'a>, position: u64) -> Result<Option<usize>, Unreadable> {
        let (file, library) = (self.file, self.library);
        names.callee(position, |node| last(file, node, [OP]).map(|[op]| library.find(op)))
    }

    /// Which result of a function an output is, and which tensor of that. What a function calls its result is a name; what an
    /// op calls its output is not.
    fn result_of(&mut self, callee: usize, port: &'a [u8]) -> Option<(u64, &'a [u8])> {
        let mut parts = port.splitn(3, |byte| *byte == b':').skip(1);
        let (output, tensor) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        Some((self.results_of_callees.position(self.library, callee, output)?, tensor))
    }

    /// A blank for a function of the library, or the name where it is none.
    pub(super) fn call_or(&mut self, callee: Option<usize>, piece: Piece, name: &[u8]) {
        let is_followed = callee.is_some_and(|callee| self.calls.push(callee));
        self.lacks_room |= callee.is_some() && !is_followed;
        if is_followed {
            self.form.mark(Piece::Call);
        } else {
            self.form.put(piece, 0, name);
        }
    }
}

/// A tensor by its name: `argument`, `argument:0`, `node:output:0` or, in graphs, `node:0`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tensor<'a> {
    reference: &'a [u8],
    pub(super) name: &'a [u8],
    /// What follows the name, with its colons.
    port: &'a [u8],
}

impl<'a> Tensor<'a> {
    /// Names have no colon in them, and are longer than what follows, so colons are looked for from the end.
    pub(super) fn new(reference: &'a [u8]) -> Self {
        let last = |text: &[u8]| text.iter().rposition(|byte| *byte == b':');
        let colon = last(reference).map(|colon| last(reference.get(..colon).unwrap_or_default()).unwrap_or(colon));
        let (name, port) = reference.split_at_checked(colon.unwrap_or(reference.len())).unwrap_or_default();
        Self { reference, name, port }
    }

    /// Whether a name with a colon in it would not be told from the same port.
    pub(super) fn is_bare(&self) -> bool {
        self.port.iter().filter(|byte| **byte == b':').count() < 2
    }
}
