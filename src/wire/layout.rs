//! Where in the file the fields of its messages lie, for a file that is not wire format itself.
//!
//! A main file in text is walked as the wire format that means the same, and so walked by the same code as a binary one.
//! What a field costs is asked here: in a binary file, its own offsets; in text, those of the span that it was read from;
//! in a chunked file, its share of what the chunks take.

use std::ops::Range;
use std::sync::Arc;

use super::field::Field;
use super::shares::Shares;
use super::span::Span;
use super::spans::Spans;

/// Which part of the file each field of a main file's messages is. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub enum Layout {
    /// The file is the wire format: a field lies where it was found.
    #[default]
    Wire,
    /// The wire format was made from the file.
    Decoded(Arc<Decoded>),
    /// The wire format was put together of parts of the file: spans are of what these take, in the order of the wire
    /// format.
    Shared(Arc<Shares>),
}

/// The spans of a file from which wire format was made.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Decoded {
    /// The span of each field in the file.
    pub spans: Spans,
    /// The field number of what could not be read; no message has it.
    pub damaged: u32,
}

impl Layout {
    /// The span of a field in the file; an empty one for a field that is not one of the file's.
    #[must_use]
    #[inline]
    pub fn span(&self, field: &Field) -> Span {
        match self {
            Self::Wire => Span {
                start: field.start as u64,
                payload: field.payload as u64,
                payload_end: field.payload_end as u64,
                end: field.end as u64,
            },
            Self::Decoded(decoded) => decoded.spans.span(field).unwrap_or_default(),
            Self::Shared(shares) => shares.span(field),
        }
    }

    /// The part of the file that a range of the wire format was read from: fields side by side, or a payload. A part of a
    /// value that is no message takes all of the value.
    #[must_use]
    pub fn part(&self, range: &Range<usize>) -> Range<u64> {
        match self {
            Self::Wire => range.start as u64..range.end as u64,
            Self::Decoded(decoded) => decoded.spans.part(range).unwrap_or_default(),
            Self::Shared(shares) => shares.position(range.start)..shares.position(range.end),
        }
    }

    /// Where the spans of the fields in front of `offset` end, which need not be a field's end; `None` for text, where
    /// this cannot be said of any offset.
    #[must_use]
    pub fn position(&self, offset: usize) -> Option<u64> {
        match self {
            Self::Wire => Some(offset as u64),
            Self::Decoded(_) => None,
            Self::Shared(shares) => Some(shares.position(offset)),
        }
    }

    /// Where in the file a field begins, for a problem.
    #[must_use]
    pub fn place(&self, field: &Field) -> u64 {
        match self {
            Self::Shared(shares) => shares.place(field.start),
            _ => self.span(field).start,
        }
    }

    /// Where in the file a field's payload begins, for a problem.
    #[must_use]
    pub fn place_of_payload(&self, field: &Field) -> u64 {
        match self {
            Self::Shared(shares) => shares.place(field.payload),
            _ => self.span(field).payload,
        }
    }

    /// Where in the file a byte is at which the wire format is not what it should be. That of a text always is.
    #[must_use]
    pub fn place_of_damage(&self, offset: usize) -> u64 {
        match self {
            Self::Shared(shares) => shares.place(offset),
            _ => offset as u64,
        }
    }

    /// Whether a field stands for a part of the file that could not be read.
    #[must_use]
    #[inline]
    pub fn is_damaged(&self, field: &Field) -> bool {
        matches!(self, Self::Decoded(decoded) if decoded.damaged == field.number)
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
mod tests {
    use super::*;
    use crate::support::wire::message;
    use crate::wire::fields;

    /// Wire format of a string, and of a message that holds one, as if read from ten times as many bytes of text.
    fn decoded() -> (Vec<u8>, Layout) {
        let bytes = message().bytes(1, "name").message(2, &message().bytes(3, "inner")).0;
        let mut spans = Spans::default();
        let begin = |spans: &mut Spans, field: &Field| {
            let _ = spans.begin(field.start, field.start as u64 * 10, field.payload as u64 * 10, false);
        };
        let end = |spans: &mut Spans, field: &Field| {
            spans.end(field.end, field.payload_end as u64 * 10, field.end as u64 * 10);
        };
        for outer in fields(&bytes, 0..bytes.len()) {
            begin(&mut spans, &outer);
            for inner in fields(&bytes, outer.payload()).filter(|_| outer.is_len(2)) {
                begin(&mut spans, &inner);
                end(&mut spans, &inner);
            }
            end(&mut spans, &outer);
        }
        (bytes.clone(), Layout::Decoded(Arc::new(Decoded { spans, damaged: u32::MAX })))
    }

    #[test]
    fn a_part_is_the_span_of_a_field_of_a_payload_or_of_fields_side_by_side() {
        let (bytes, layout) = decoded();
        for field in fields(&bytes, 0..bytes.len()) {
            assert_eq!(layout.part(&field.range()), layout.span(&field).range(), "{field:?}");
            assert_eq!(layout.part(&field.payload()), layout.span(&field).payload_range(), "{field:?}");
        }
        assert_eq!(layout.part(&(0..bytes.len())), 0..bytes.len() as u64 * 10);
        assert_eq!(layout.part(&(3..3)), 0..0);
    }

    #[test]
    fn a_part_of_a_binary_file_is_the_range_itself() {
        assert_eq!(Layout::Wire.part(&(3..7)), 3..7);
    }
}
