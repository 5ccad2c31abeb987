//! The wire format that means what the text says, written front to back, and the span of text of each of its fields.
//!
//! How long a message is shows only at its end. So lengths are left out at first and noted; `finish` moves what is
//! there to where it belongs, each byte once, and puts them in. They come out as short as they can be, as a binary
//! model has them, so that contents are as long in both forms.

use crate::wire::{self, Slot, Span, Spans, append_varint, to_varint, varint};

/// The wire format while it is written.
#[derive(Debug, Default)]
pub(super) struct Writer {
    wire: Vec<u8>,
    spans: Spans,
    open: Vec<Open>,
    /// The bytes of all lengths of closed fields in the innermost open one.
    pending: usize,
    /// The field that was ended last, as long as nothing was written behind it.
    closed: Option<Closed>,
}

/// A field that is not at its end.
#[derive(Debug, Clone, Copy)]
struct Open {
    number: u32,
    /// Where its length goes.
    length: Slot,
    /// Where its content begins, in the wire format without lengths.
    content: usize,
    /// What [`Writer::pending`] is for the field around it.
    pending: usize,
    /// Where its payload's text and its own end, as far as that is known.
    payload_end: u64,
    end: u64,
}

/// A field before it was ended, and what there was then.
#[derive(Debug, Clone, Copy)]
struct Closed {
    field: Open,
    pending: usize,
    spans: wire::Mark,
}

/// A place to go back to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark {
    wire: usize,
    spans: wire::Mark,
    open: usize,
    pending: usize,
    closed: Option<Closed>,
}

impl Writer {
    /// Begins a field with a length, whose text starts at `start` and its payload's at `payload`.
    pub(super) fn begin(&mut self, number: u32, start: usize, payload: usize) {
        self.closed = None;
        let length = self.spans.begin(self.wire.len(), start as u64, payload as u64, true);
        self.tag(number, 2);
        let (content, pending, payload) = (self.wire.len(), std::mem::take(&mut self.pending), payload as u64);
        self.open.push(Open { number, length, content, pending, payload_end: payload, end: payload });
    }

    /// Says where the text of the innermost open field ends, and its payload's; not yet for good.
    pub(super) fn extend(&mut self, payload_end: usize, end: usize) {
        if let Some(open) = self.open.last_mut() {
            (open.payload_end, open.end) = (payload_end as u64, end as u64);
        }
    }

    /// Ends the innermost open field.
    pub(super) fn end(&mut self) {
        let Some(field) = self.open.pop() else { return };
        self.closed = Some(Closed { field, pending: self.pending, spans: self.spans.mark() });
        let length = self.wire.len() - field.content + self.pending;
        self.spans.set_length(field.length, length);
        self.spans.end(self.wire.len(), field.payload_end, field.end);
        self.pending += field.pending + to_varint(length as u64).1;
    }

    /// Opens the field of this number again, if it was the last that was written.
    pub(super) fn reopen(&mut self, number: u32) -> bool {
        let Some(closed) = self.closed.take_if(|closed| closed.field.number == number) else { return false };
        self.spans.back_to(closed.spans);
        self.pending = closed.pending;
        self.open.push(closed.field);
        true
    }

    /// Writes a field of one number, whose bytes are `value`.
    pub(super) fn scalar(&mut self, number: u32, wire_type: u8, value: &[u8], span: Span) {
        self.closed = None;
        self.spans.begin(self.wire.len(), span.start, span.payload, false);
        self.tag(number, wire_type);
        self.wire.extend_from_slice(value);
        self.spans.end(self.wire.len(), span.payload_end, span.end);
    }

    /// What is written of the innermost open field is written to its end.
    pub(super) fn content(&mut self) -> &mut Vec<u8> {
        &mut self.wire
    }

    /// Writes a token of a text to the innermost open field, and a space in front of it where it would be one with the
    /// token before.
    pub(super) fn token(&mut self, token: &[u8]) {
        let goes_on = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-' | b'+');
        let content = self.open.last().and_then(|open| self.wire.get(open.content..)).unwrap_or_default();
        if content.last().is_some_and(goes_on) && token.first().is_some_and(goes_on) {
            self.wire.push(b' ');
        }
        self.wire.extend_from_slice(token);
    }

    pub(super) fn mark(&self) -> Mark {
        let (wire, spans) = (self.wire.len(), self.spans.mark());
        Mark { wire, spans, open: self.open.len(), pending: self.pending, closed: self.closed }
    }

    /// Takes back what was written since `mark`. What was open then must be so still.
    pub(super) fn back_to(&mut self, mark: Mark) {
        self.closed = mark.closed;
        self.wire.truncate(mark.wire);
        self.spans.back_to(mark.spans);
        self.open.truncate(mark.open);
        self.pending = mark.pending;
    }

    fn tag(&mut self, number: u32, wire_type: u8) {
        append_varint(&mut self.wire, u64::from(number) << 3 | u64::from(wire_type));
    }

    /// Puts the lengths in, from the last to the first.
    pub(super) fn finish(mut self) -> (Vec<u8>, Spans) {
        while !self.open.is_empty() {
            self.end();
        }
        let mut end = self.wire.len();
        let mut shift = self.pending;
        self.wire.resize(end + shift, 0);
        for block in (0..self.spans.blocks()).rev() {
            for (start, length) in self.spans.lengths(block).into_iter().rev() {
                // A length goes behind the tag.
                let at = start + self.wire.get(start..).and_then(varint).map_or(0, |(_, width)| width);
                let (bytes, width) = to_varint(length as u64);
                if let Some(moved) = self.wire.get_mut(at..end + shift) {
                    moved.copy_within(..end - at, shift);
                }
                shift -= width;
                if let Some(slot) = self.wire.get_mut(at + shift..at + shift + width) {
                    slot.iter_mut().zip(bytes).for_each(|(slot, byte)| *slot = byte);
                }
                end = at;
            }
            self.spans.shift(block, shift);
        }
        self.wire.shrink_to_fit();
        (self.wire, self.spans)
    }
}
