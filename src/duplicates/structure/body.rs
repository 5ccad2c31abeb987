//! The nodes of a function in its canonical form.
//!
//! The hash of all nodes is one of hashes: that of the nodes before, and the pieces of one more. So what was found out of
//! the first nodes of one function holds for every other one that begins like it, and a node that follows the
//! trail of those is not read ([`super::trail`]).

use super::canonical::{Reader, Stop, Unreadable, last, push, put_source};
use super::form::Piece;
use super::names::{Known, Source};
use super::trail::{At, Digests};
use crate::message::number::node_def::{ATTR, DEVICE, EXPERIMENTAL_DEBUG_INFO, INPUT, NAME, OP};
use crate::wire::{Field, WireType};

impl<'a> Reader<'_, 'a> {
    /// What the nodes of the function are, and their calls.
    pub(super) fn body(&mut self) -> Result<Digests, Stop> {
        let is_followed = self.names.are_sound() && !self.lacks_room;
        let mut at = is_followed.then(|| self.trail.start());
        let mut digests = Digests::default();
        for index in 0..self.names.count_nodes() {
            if let Some(next) = at.and_then(|at| self.follow(at, index)) {
                at = Some(next);
                continue;
            }
            let (before, first_call) = (at.map_or(digests, |at| self.trail.digests(at)), self.calls.count());
            digests = self.node(index, before)?;
            at = at.and_then(|at| self.leave_step(at, index, digests, first_call));
        }
        self.nodes = self.names.count_nodes() as u64;
        Ok(at.map_or(digests, |at| self.trail.digests(at)))
    }

    /// The step that a node follows. Its calls are added.
    #[inline]
    fn follow(&mut self, at: At, index: usize) -> Option<At> {
        let next = self.trail.follow(at, self.names.node(index)?, &self.names)?;
        let calls = self.trail.calls(next);
        (calls.is_empty() || self.calls.extend(calls)).then_some(next)
    }

    /// Notes a node that was read. What was read while calls lacked room is not how such nodes are read otherwise.
    fn leave_step(&mut self, at: At, index: usize, digests: Digests, first_call: usize) -> Option<At> {
        let node = self.names.node(index).filter(|_| !self.lacks_room)?;
        self.trail.add(at, node, &self.draft, digests, self.calls.since(first_call))
    }

    /// Reads a node behind others.
    fn node(&mut self, index: usize, before: Digests) -> Result<Digests, Stop> {
        let Some(node) = self.names.node(index) else { return Ok(before) };
        let (range, begins_with_name) = (node.range.clone(), node.begins_with_name());
        let bottom = self.attributes.len();
        let (mut op, mut device) = ([].as_slice(), [].as_slice());
        self.controls.clear();
        self.shapes.clear();
        self.form.clear();
        self.form.mark(Piece::Node);
        self.draft.begin(node);
        self.nodes = (index as u64).saturating_add(1);
        for field in self.fields(range.clone()) {
            let field = field?;
            match (field.number, field.wire_type) {
                // The name is known. One that it does not begin with is another one, if it does begin with one.
                (NAME, WireType::Len) if begins_with_name && field.start != range.start => {
                    return Err(Stop::NamedAgain);
                }
                // The name and the debug info.
                (NAME | EXPERIMENTAL_DEBUG_INFO, WireType::Len) => {}
                (OP, WireType::Len) => op = field.bytes(self.file),
                (INPUT, WireType::Len) => self.input(field, index)?,
                (DEVICE, WireType::Len) => device = field.bytes(self.file),
                (ATTR, WireType::Len) => {
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
        self.call_or(self.library.find(op), Piece::Op, op);
        if !device.is_empty() {
            self.form.put(Piece::Device, 0, device);
        }
        self.put_attributes(bottom, None, 0)?;
        let shapes = if self.shapes.is_empty() { before.shapes } else { self.shapes.digest_behind(before.shapes) };
        Ok(Digests { form: self.form.digest_behind(before.form), shapes })
    }

    /// An input of the node at `index`.
    fn input(&mut self, input: Field, index: usize) -> Result<(), Unreadable> {
        let (known, name, is_bare) = if let [b'^', name @ ..] = input.bytes(self.file) {
            let known = self.names.find(name);
            push(&mut self.controls, known.map_or(Source::Unknown(name), Known::source))?;
            (known, input.payload.saturating_add(1)..input.payload_end, false)
        } else {
            let tensor = Tensor::new(input.bytes(self.file));
            let known = self.tensor(&tensor)?;
            (known, input.payload..input.payload.saturating_add(tensor.name.len()), tensor.is_bare())
        };
        // What is behind the node may be another thing in a function that begins like this one.
        let known = known.filter(|known| known.is_before(index));
        self.draft.input(self.file, input, known, name, is_bare);
        Ok(())
    }

    /// Puts where a tensor comes from: the argument or node, if nothing but that and the port decides.
    pub(super) fn tensor(&mut self, tensor: &Tensor<'a>) -> Result<Option<Known>, Unreadable> {
        let known = self.names.find(tensor.name);
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
        let callee = self.callee(position)?;
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
    fn callee(&mut self, position: u64) -> Result<Option<usize>, Unreadable> {
        let (file, library) = (self.file, self.library);
        self.names.callee(position, |node| last(file, node, [OP]).map(|[op]| library.find(op)))
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
    name: &'a [u8],
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
    fn is_bare(&self) -> bool {
        self.port.iter().filter(|byte| **byte == b':').count() < 2
    }
}

#[cfg(test)]
mod tests;
