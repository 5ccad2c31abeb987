//! The spans of a text's fields, in a few bytes each: a text may be little but fields, `a{}` or `1{}` one after the other.
//!
//! A list of spans takes 40 bytes for each. So they are kept as what happens from the front of the text to its end: fields
//! begin and end, each a few bytes from what happened before, in the wire format and in the text alike. Every so often the
//! place is noted ([`Block`]), and from there on a span is looked for. The lengths of fields, which are known at their ends
//! only, are kept at their beginnings: wire format is written without them, and they are put in at last.

use std::cmp::Reverse;
use std::ops::Range;

use super::field::Field;
use super::fields::varint;
use super::read::{append_varint, to_varint};
use super::span::Span;

/// Beginnings and ends between two places that are noted.
const BLOCK: usize = 64;

/// The bytes of a length: enough for a text of a tebibyte.
const LENGTH: usize = 5;

/// What happens, as the low bits of the first number of it.
const BEGIN: usize = 0;
const BEGIN_WITH_LENGTH: usize = 1;
const END: usize = 2;

/// The spans of the fields of a text. Written front to back; offsets of the wire format are without lengths until
/// [`Spans::shift`] has been called for each block.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Spans {
    events: Vec<u8>,
    blocks: Vec<Block>,
    /// What is at the end.
    end: Place,
}

/// A place between two events.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Place {
    /// How many events are in front of it, and the bytes of these.
    count: usize,
    event: usize,
    /// Where in the wire format and in the text the last of them was. Behind a beginning the former is one more, as no
    /// field is without a tag.
    wire: usize,
    text: u64,
    /// How many fields are open.
    depth: usize,
}

/// A place that is noted.
type Block = Place;

/// A state to go back to.
#[derive(Debug, Clone, Copy)]
pub struct Mark(Place);

/// Where the length of a field goes.
#[derive(Debug, Clone, Copy)]
pub struct Slot(usize);

/// What happens at an offset of the wire format.
#[derive(Debug, Clone, Copy)]
enum Event {
    Begin { start: u64, payload: u64, length: Option<usize> },
    End { payload_end: u64, end: u64 },
}

impl Spans {
    /// A field begins at `wire`, whose text begins at `start` and its payload's at `payload`.
    pub fn begin(&mut self, wire: usize, start: u64, payload: u64, has_length: bool) -> Slot {
        self.event(if has_length { BEGIN_WITH_LENGTH } else { BEGIN }, wire);
        let slot = Slot(self.events.len());
        if has_length {
            self.events.extend_from_slice(&[0; LENGTH]);
        }
        self.text(start);
        self.text(payload);
        self.end.wire = wire.saturating_add(1);
        self.end.depth = self.end.depth.saturating_add(1);
        self.end.event = self.events.len();
        slot
    }

    /// The length of a field that has begun.
    pub fn set_length(&mut self, slot: Slot, length: usize) {
        let bytes = (length as u64).to_le_bytes();
        let there = self.events.get_mut(slot.0..).unwrap_or_default().iter_mut();
        there.zip(bytes.iter().take(LENGTH)).for_each(|(there, byte)| *there = *byte);
    }

    /// The innermost open field ends at `wire`, its payload's text at `payload_end` and its text at `end`.
    pub fn end(&mut self, wire: usize, payload_end: u64, end: u64) {
        self.event(END, wire);
        self.text(payload_end);
        self.text(end);
        self.end.wire = wire;
        self.end.depth = self.end.depth.saturating_sub(1);
        self.end.event = self.events.len();
    }

    fn event(&mut self, kind: usize, wire: usize) {
        if self.end.count.is_multiple_of(BLOCK) {
            self.blocks.push(self.end);
        }
        self.end.count = self.end.count.saturating_add(1);
        let step = wire.saturating_sub(self.end.wire) as u64;
        self.number(step << 2 | kind as u64);
    }

    fn text(&mut self, at: u64) {
        self.number(at.saturating_sub(self.end.text));
        self.end.text = self.end.text.max(at);
    }

    fn number(&mut self, number: u64) {
        append_varint(&mut self.events, number);
    }

    /// The state now.
    #[must_use]
    pub fn mark(&self) -> Mark {
        Mark(self.end)
    }

    /// Forgets what happened since `mark`.
    pub fn back_to(&mut self, mark: Mark) {
        self.end = mark.0;
        self.events.truncate(self.end.event);
        self.blocks.truncate(self.end.count.div_ceil(BLOCK));
    }

    /// How many blocks there are.
    #[must_use]
    pub fn blocks(&self) -> usize {
        self.blocks.len()
    }

    /// The lengths of fields that begin in a block, and where these begin, in the wire format without lengths.
    #[must_use]
    pub fn lengths(&self, block: usize) -> Vec<(usize, usize)> {
        let events = self.events(block, false).take(BLOCK);
        let length = |(place, event): (Place, Event)| match event {
            Event::Begin { length: Some(length), .. } => Some((place.wire, length)),
            _ => None,
        };
        events.filter_map(length).collect()
    }

    /// Says that lengths of so many bytes were put in in front of a block.
    pub fn shift(&mut self, block: usize, bytes: usize) {
        if let Some(block) = self.blocks.get_mut(block) {
            block.wire = block.wire.saturating_add(bytes);
        }
    }

    /// The memory that the spans take, in bytes.
    #[cfg(test)]
    pub(crate) fn memory(&self) -> usize {
        self.events.len().saturating_add(self.blocks.len().saturating_mul(size_of::<Block>()))
    }

    /// The events from a block on; with lengths put in, or without.
    fn events(&self, block: usize, with_lengths: bool) -> Events<'_> {
        let place = self.blocks.get(block).copied().unwrap_or(self.end);
        Events { bytes: self.events.get(place.event..).unwrap_or_default(), place, with_lengths }
    }

    /// The span of a field.
    pub(super) fn span(&self, field: &Field) -> Option<Span> {
        let block = self.blocks.partition_point(|block| block.wire <= field.start).checked_sub(1)?;
        let mut events = self.events(block, true);
        let (start, payload) = loop {
            match events.next()? {
                (place, Event::Begin { start, payload, .. }) if place.wire == field.start => break (start, payload),
                (place, _) if place.wire > field.start => return None,
                _ => {}
            }
        };
        let depth = events.place.depth;
        // Of all but messages the end is what happens next.
        let (payload_end, end) = match events.next()? {
            (_, Event::End { payload_end, end }) => (payload_end, end),
            _ => self.end_at(field.end, depth)?,
        };
        Some(Span { start, payload, payload_end, end })
    }

    /// The end at an offset of the wire format of the field that is open so deep: of its payload, and of the field.
    fn end_at(&self, wire: usize, depth: usize) -> Option<(u64, u64)> {
        // Where several fields end, the innermost does so first.
        let behind = |block: &Block| (block.wire, Reverse(block.depth)) <= (wire, Reverse(depth));
        let events = self.events(self.blocks.partition_point(behind).checked_sub(1)?, true);
        let mut events = events.take_while(|(place, _)| place.wire <= wire);
        events.find_map(|(place, event)| match event {
            Event::End { payload_end, end } if place.wire == wire && place.depth == depth => Some((payload_end, end)),
            _ => None,
        })
    }

    /// The text that a range of the wire format was read from: fields side by side, or a payload. A part of a value that
    /// is no message takes all of the value.
    pub(super) fn part(&self, range: &Range<usize>) -> Option<Range<u64>> {
        // One block more, for the beginning of a value whose end is in the next.
        let block = self.blocks.partition_point(|block| block.wire <= range.start).saturating_sub(2);
        let mut value = None;
        let mut events = self.events(block, true);
        let (start, depth) = loop {
            match events.next()? {
                (place, Event::Begin { start, .. }) if place.wire >= range.start && place.wire < range.end => {
                    break (start, place.depth.saturating_add(1));
                }
                (_, Event::Begin { payload, .. }) => value = Some(payload),
                (place, Event::End { payload_end, .. }) if place.wire >= range.end => {
                    return value.filter(|_| !range.is_empty()).map(|payload| payload..payload_end);
                }
                (_, Event::End { .. }) => {}
            }
        };
        let end = self.end_at(range.end, depth).or_else(|| {
            // A range that ends within a field: the last one that ends in it.
            let within = events.take_while(|(place, _)| place.wire <= range.end && place.depth >= depth);
            let ends = within.filter_map(|(place, event)| match event {
                Event::End { payload_end, end } if place.depth == depth => Some((payload_end, end)),
                _ => None,
            });
            ends.last()
        });
        Some(start..end.map_or(start, |(_, end)| end))
    }
}

/// Events from a place on, each with the place in front of it; the offset of the wire format is the event's.
struct Events<'s> {
    bytes: &'s [u8],
    place: Place,
    with_lengths: bool,
}

impl Events<'_> {
    /// Nearly all numbers are one byte, and to find a span some hundred of them are read.
    #[inline]
    fn number(&mut self) -> Option<u64> {
        if let [byte @ ..0x80, rest @ ..] = self.bytes {
            self.bytes = rest;
            return Some(u64::from(*byte));
        }
        let (number, width) = varint(self.bytes)?;
        self.bytes = self.bytes.get(width..)?;
        Some(number)
    }

    fn text(&mut self) -> Option<u64> {
        self.place.text = self.number()?.saturating_add(self.place.text);
        Some(self.place.text)
    }

    fn length(&mut self) -> Option<usize> {
        let (length, rest) = self.bytes.split_at_checked(LENGTH)?;
        self.bytes = rest;
        let mut bytes = [0; 8];
        bytes.iter_mut().zip(length).for_each(|(byte, written)| *byte = *written);
        usize::try_from(u64::from_le_bytes(bytes)).ok()
    }
}

impl Iterator for Events<'_> {
    type Item = (Place, Event);

    fn next(&mut self) -> Option<Self::Item> {
        let first = usize::try_from(self.number()?).ok()?;
        self.place.wire = self.place.wire.saturating_add(first >> 2);
        let place = self.place;
        if first & 3 == END {
            self.place.depth = place.depth.saturating_sub(1);
            return Some((place, Event::End { payload_end: self.text()?, end: self.text()? }));
        }
        let length = if first & 3 == BEGIN_WITH_LENGTH { Some(self.length()?) } else { None };
        let put_in = length.filter(|_| self.with_lengths).map_or(0, |length| to_varint(length as u64).1);
        self.place.wire = place.wire.saturating_add(1).saturating_add(put_in);
        self.place.depth = place.depth.saturating_add(1);
        Some((place, Event::Begin { start: self.text()?, payload: self.text()?, length }))
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
mod tests {
    use super::*;

    /// A field of bytes in as many messages as `depth`, `times` times side by side, each with a brace of text on both sides.
    fn nested(depth: usize, times: usize) -> (Spans, Vec<(Field, Span)>) {
        let (mut spans, mut wire, mut text) = (Spans::default(), 0, 0);
        let mut expected = Vec::new();
        for _ in 0..times {
            let mut open = Vec::new();
            for _ in 0..depth {
                let _ = spans.begin(wire, text, text + 2, false);
                open.push((wire, text));
                (wire, text) = (wire + 2, text + 2);
            }
            for (start, from) in open.into_iter().rev() {
                spans.end(wire, text, text + 1);
                let span = Span { start: from, payload: from + 2, payload_end: text, end: text + 1 };
                let wire_type = crate::wire::WireType::Len;
                let field = Field { number: 1, wire_type, start, payload: start + 2, payload_end: wire, end: wire };
                expected.push((field, span));
                text += 1;
            }
        }
        (spans, expected)
    }

    #[test]
    fn every_span_is_found_however_many_and_deep_they_are() {
        for (depth, times) in [(1, 1), (1, 500), (2, 300), (3, 300), (40, 30), (500, 3)] {
            let (spans, expected) = nested(depth, times);
            for (field, span) in expected {
                assert_eq!(spans.span(&field), Some(span), "{depth} deep, {times} times");
                assert_eq!(spans.part(&field.range()), Some(span.range()), "{depth} deep, {times} times");
            }
        }
    }

    #[test]
    fn what_is_no_field_has_no_span() {
        let (spans, expected) = nested(2, 100);
        let field = expected[0].0;
        assert_eq!(spans.span(&Field { start: field.start + 1, ..field }), None);
        assert_eq!(spans.span(&Field { start: 10_000, ..field }), None);
        assert_eq!(Spans::default().span(&field), None);
        assert_eq!(Spans::default().part(&(0..1)), None);
    }

    #[test]
    fn going_back_forgets_what_happened_since() {
        let whole = nested(2, 100).0;
        for kept in [0, 1, 31, 32, 33, 99] {
            let mut spans = nested(2, kept).0;
            let mark = spans.mark();
            let (wire, text) = (spans.end.wire, spans.end.text);
            for field in 0..200 {
                spans.begin(wire + field, text, text, true);
            }
            spans.back_to(mark);
            assert_eq!(spans, nested(2, kept).0);
        }
        assert_eq!(whole, nested(2, 100).0);
    }
}
