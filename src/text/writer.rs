//! The wire format that means what the text says, written front to back, and the span of text of each of its fields.
//!
//! How long a message is shows only at its end. So lengths are left out at first and noted; `finish` moves what is
//! there to where it belongs, each byte once, and puts them in. They come out as short as they can be, as a binary
//! model has them, so that contents are as long in both forms.

use crate::wire::Span;

/// The wire format while it is written.
#[derive(Debug, Default)]
pub(super) struct Writer {
    wire: Vec<u8>,
    lengths: Vec<Length>,
    spans: Vec<(usize, Span)>,
    /// For each field that is open, the whole text's first: how many bytes the lengths of the fields in it will take.
    open: Vec<Open>,
    /// The bytes of all lengths of closed fields that no open one holds.
    pending: usize,
}

/// A length that is still to be put in.
#[derive(Debug)]
struct Length {
    /// Where it belongs, in the wire format without lengths.
    at: usize,
    length: usize,
}

/// A field that is not at its end.
#[derive(Debug)]
struct Open {
    span: usize,
    length: usize,
    pending: usize,
}

/// A place to go back to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark {
    wire: usize,
    lengths: usize,
    spans: usize,
    open: usize,
    pending: usize,
}

impl Writer {
    /// Begins a field with a length, whose text starts at `start` and its payload's at `payload`.
    pub(super) fn begin(&mut self, number: u32, start: usize, payload: usize) {
        let span = Span { start: start as u64, payload: payload as u64, payload_end: 0, end: 0 };
        self.open.push(Open { span: self.spans.len(), length: self.lengths.len(), pending: self.pending });
        self.pending = 0;
        self.spans.push((self.wire.len(), span));
        self.tag(number, 2);
        self.lengths.push(Length { at: self.wire.len(), length: 0 });
    }

    /// Says where the text of the innermost open field ends, and its payload's; not yet for good.
    pub(super) fn extend(&mut self, payload_end: usize, end: usize) {
        let span = self.open.last().and_then(|open| self.spans.get_mut(open.span));
        if let Some((_, span)) = span {
            (span.payload_end, span.end) = (payload_end as u64, end as u64);
        }
    }

    /// Ends the innermost open field.
    pub(super) fn end(&mut self) {
        let Some(open) = self.open.pop() else { return };
        let mut pending = self.pending;
        if let Some(length) = self.lengths.get_mut(open.length) {
            length.length = self.wire.len() - length.at + pending;
            pending += varint(length.length as u64).1;
        }
        self.pending = open.pending + pending;
    }

    /// Writes a field of one number, whose bytes are `value`.
    pub(super) fn scalar(&mut self, number: u32, wire_type: u8, value: &[u8], span: Span) {
        self.spans.push((self.wire.len(), span));
        self.tag(number, wire_type);
        self.wire.extend_from_slice(value);
    }

    /// What is written of the innermost open field is written to its end.
    pub(super) fn content(&mut self) -> &mut Vec<u8> {
        &mut self.wire
    }

    pub(super) fn mark(&self) -> Mark {
        Mark {
            wire: self.wire.len(),
            lengths: self.lengths.len(),
            spans: self.spans.len(),
            open: self.open.len(),
            pending: self.pending,
        }
    }

    /// Takes back what was written since `mark`. What was open then must be so still.
    pub(super) fn back_to(&mut self, mark: Mark) {
        self.wire.truncate(mark.wire);
        self.lengths.truncate(mark.lengths);
        self.spans.truncate(mark.spans);
        self.open.truncate(mark.open);
        self.pending = mark.pending;
    }

    fn tag(&mut self, number: u32, wire_type: u8) {
        let (bytes, length) = varint(u64::from(number) << 3 | u64::from(wire_type));
        self.wire.extend_from_slice(bytes.get(..length).unwrap_or_default());
    }

    /// Puts the lengths in, from the last to the first.
    pub(super) fn finish(mut self) -> (Vec<u8>, Vec<(usize, Span)>) {
        while !self.open.is_empty() {
            self.end();
        }
        let mut end = self.wire.len();
        let mut shift = self.pending;
        self.wire.resize(end + shift, 0);
        let mut spans = self.spans.iter_mut().rev().peekable();
        for Length { at, length } in self.lengths.iter().rev() {
            while let Some((start, _)) = spans.next_if(|(start, _)| start >= at) {
                *start += shift;
            }
            let (bytes, width) = varint(*length as u64);
            if let Some(moved) = self.wire.get_mut(*at..end + shift) {
                moved.copy_within(..end - at, shift);
            }
            shift -= width;
            if let Some(slot) = self.wire.get_mut(at + shift..at + shift + width) {
                slot.iter_mut().zip(bytes).for_each(|(slot, byte)| *slot = byte);
            }
            end = *at;
        }
        self.wire.shrink_to_fit();
        (self.wire, self.spans)
    }
}

/// A varint and how many bytes it takes.
pub(super) fn varint(mut value: u64) -> ([u8; 10], usize) {
    let mut bytes = [0; 10];
    let mut length = 0;
    for slot in &mut bytes {
        length += 1;
        *slot = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            break;
        }
        *slot |= 0x80;
    }
    (bytes, length)
}
