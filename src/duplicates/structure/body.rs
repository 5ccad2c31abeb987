//! The second pass over a function: its nodes in the canonical form.
//!
//! The hash of all nodes is one of hashes: that of the nodes before, and the pieces of one more. So what was found out of
//! the first nodes of one function holds for every other one that begins like it, and a node that follows the
//! trail of those is not read ([`super::trail`]).

use super::attributes::Holder;
use super::canonical::{Digests, Tensor, Writer};
use super::form::Piece;
use super::names::{FunctionNames, Known, Source, sort_sources};
use super::parts::{Entry, Unreadable, push};
use super::trail::{At, Draft, Trail};
use crate::message::number::node_def::{ATTR, DEVICE, EXPERIMENTAL_DEBUG_INFO, INPUT, NAME, OP};
use crate::wire::{Field, WireType};

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

/// What the second pass keeps from function to function: how nodes of those before went on.
pub(super) struct Body<'a> {
    trail: Trail<'a>,
    draft: Draft<'a>,
    /// Control inputs of a node.
    controls: Vec<Source<'a>>,
}

impl<'a> Body<'a> {
    /// Of functions of a library of so many bytes.
    pub(super) fn new(file: &'a [u8], bytes: usize) -> Self {
        Self { trail: Trail::new(file, bytes), draft: Draft::default(), controls: Vec::new() }
    }

    /// What the nodes of the function are that has these names, and their calls.
    pub(super) fn read(&mut self, writer: &mut Writer<'_, 'a>, names: &mut FunctionNames<'a>) -> Result<Digests, Stop> {
        let is_followed = names.are_sound() && !writer.lacks_room;
        let mut at = is_followed.then(|| self.trail.start());
        let mut digests = Digests::default();
        for index in 0..names.count_nodes() {
            if let Some(next) = at.and_then(|at| self.follow(writer, names, at, index)) {
                at = Some(next);
                continue;
            }
            let before = at.map_or(digests, |at| self.trail.digests(at));
            let first_call = writer.calls.count();
            digests = self.node(writer, names, index, before)?;
            at = at.and_then(|at| self.leave_step(writer, names, at, index, digests, first_call));
        }
        Ok(at.map_or(digests, |at| self.trail.digests(at)))
    }

    /// The step that a node follows. Its calls are added.
    #[inline]
    pub(super) fn follow(
        &mut self,
        writer: &mut Writer<'_, 'a>,
        names: &FunctionNames<'a>,
        at: At,
        index: usize,
    ) -> Option<At> {
        let next = self.trail.follow(at, names.node(index)?, names)?;
        let calls = self.trail.calls(next);
        (calls.is_empty() || writer.calls.extend(calls)).then_some(next)
    }

    /// Notes a node that was read. What was read while calls lacked room is not how such nodes are read otherwise.
    fn leave_step(
        &mut self,
        writer: &Writer<'_, 'a>,
        names: &FunctionNames<'a>,
        at: At,
        index: usize,
        digests: Digests,
        first_call: usize,
    ) -> Option<At> {
        let node = names.node(index).filter(|_| !writer.lacks_room)?;
        self.trail.add(at, node, &self.draft, digests, writer.calls.since(first_call))
    }

    /// Reads a node behind others.
    fn node(
        &mut self,
        writer: &mut Writer<'_, 'a>,
        names: &mut FunctionNames<'a>,
        index: usize,
        before: Digests,
    ) -> Result<Digests, Stop> {
        let Some(node) = names.node(index) else { return Ok(before) };
        let (range, begins_with_name) = (node.range.clone(), node.begins_with_name());
        let (mut op, mut device) = ([].as_slice(), [].as_slice());
        self.controls.clear();
        self.draft.begin(node);
        writer.begin();
        writer.form.mark(Piece::Node);
        for field in writer.fields(range.clone()) {
            let field = field?;
            match (field.number, field.wire_type) {
                // The name is known. One that it does not begin with is another one, if it does begin with one.
                (NAME, WireType::Len) if begins_with_name && field.start != range.start => {
                    return Err(Stop::NamedAgain);
                }
                // The name and the debug info.
                (NAME | EXPERIMENTAL_DEBUG_INFO, WireType::Len) => {}
                (OP, WireType::Len) => op = field.bytes(writer.file),
                (INPUT, WireType::Len) => self.input(writer, names, field, index)?,
                (DEVICE, WireType::Len) => device = field.bytes(writer.file),
                (ATTR, WireType::Len) => {
                    let entry = Entry::read(writer.file, field)?;
                    push(&mut writer.attributes, entry)?;
                }
                _ => writer.field(field),
            }
        }
        sort_sources(&mut self.controls);
        for control in &self.controls {
            writer.source(Piece::Control, *control);
        }
        writer.call_or(writer.library.find(op), Piece::Op, op);
        if !device.is_empty() {
            writer.form.put(Piece::Device, 0, device);
        }
        writer.attributes(Holder::Node((index as u64).saturating_add(1)))?;
        Ok(writer.node(before))
    }

    /// An input of the node at `index`.
    fn input(
        &mut self,
        writer: &mut Writer<'_, 'a>,
        names: &mut FunctionNames<'a>,
        input: Field,
        index: usize,
    ) -> Result<(), Unreadable> {
        let (known, name, is_bare) = if let [b'^', name @ ..] = input.bytes(writer.file) {
            let known = names.find(name);
            push(&mut self.controls, known.map_or(Source::Unknown(name), Known::source))?;
            (known, input.payload.saturating_add(1)..input.payload_end, false)
        } else {
            let tensor = Tensor::new(input.bytes(writer.file));
            let known = writer.tensor(names, &tensor)?;
            (known, input.payload..input.payload.saturating_add(tensor.name.len()), tensor.is_bare())
        };
        // What is behind the node may be another node in a function that begins like this one.
        let known = known.filter(|known| known.is_before(index));
        self.draft.input(writer.file, input, known, name, is_bare);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
