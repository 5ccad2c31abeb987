//! The main file held against its schema: every message in it is walked, those in the attributes of nodes as well.
//!
//! An audit looks into a node no further than its figures need, so a bit that flipped in a tensor's shape is not noticed.
//! This walk is for noticing: it knows of each field whether it holds a message and how its value has to be laid out, and
//! nothing else, and that strings are UTF-8. It takes no copy of anything; of unknown fields and of bytes nothing can be said.

#![warn(clippy::arithmetic_side_effects)]

use std::ops::Range;

use crate::problem::{Problem, Problems};
use crate::schema::{Field as Known, FieldKind, SCHEMA};
use crate::wire::{Field, Fields, Layout, WireError, WireType};

/// Messages nest this deep in the outermost one; protobuf's parsers read no deeper.
const MAX_DEPTH: usize = 100;

/// What is wrong with the SavedModel in `bytes`, which lies in the file called `file` as `layout` says. Of a text nothing:
/// its wire format is made by the schema, and what it should not be is known already.
pub(crate) fn problems(file: &str, bytes: &[u8], layout: &Layout) -> Vec<Problem> {
    if matches!(layout, Layout::Decoded(_)) {
        return Vec::new();
    }
    let mut walk = Walk { file, bytes, layout, problems: Problems::default(), cut_at: None };
    walk.messages();
    walk.problems.into_list()
}

struct Walk<'b> {
    file: &'b str,
    bytes: &'b [u8],
    layout: &'b Layout,
    problems: Problems,
    /// The end of a field that was cut at the end of its message. That what is in it ends there as well is the same damage.
    cut_at: Option<usize>,
}

/// A message that is not at its end.
struct Open<'b> {
    fields: Fields<'b>,
    end: usize,
    /// Which message of the schema it is.
    message: u32,
}

impl<'b> Walk<'b> {
    fn messages(&mut self) {
        let mut open = vec![self.open(0..self.bytes.len(), SCHEMA.root())];
        while let Some(innermost) = open.last_mut() {
            let (message, end) = (innermost.message, innermost.end);
            let Some(next) = innermost.fields.next() else {
                open.pop();
                continue;
            };
            let Some((field, known)) = self.field(next, end, message) else { continue };
            match known.kind {
                FieldKind::Message(_) if open.len() > MAX_DEPTH => {
                    self.wrong(field.start, format!("messages nested at most {MAX_DEPTH} deep, found a deeper one"));
                }
                FieldKind::Message(inner) => open.push(self.open(field.payload(), inner)),
                _ if known.is_text => self.text(&field, message),
                kind => self.packed(&field, kind, message),
            }
        }
    }

    fn open(&self, range: Range<usize>, message: u32) -> Open<'b> {
        Open { end: range.end, fields: Fields::new(self.bytes, range), message }
    }

    /// A field of a message that ends at `end`, if it is one of the schema and laid out as that says.
    fn field(&mut self, next: Result<Field, WireError>, end: usize, message: u32) -> Option<(Field, Known)> {
        let (field, cut) = match next {
            Ok(field) => (field, false),
            Err(error) => {
                if self.cut_at != Some(end) {
                    let place = self.layout.place_of_damage(error.offset());
                    self.problems.push(Problem::at(self.file, place, error));
                }
                let WireError::Overrun { field, .. } = error else { return None };
                self.cut_at = Some(end);
                (field, true)
            }
        };
        let known = SCHEMA.field_of_number(message, field.number)?;
        let wanted = known.kind.wire_type();
        let packed = known.repeated && known.kind.is_packable() && field.wire_type == WireType::Len;
        if field.wire_type != wanted && !packed {
            // Of a field that is cut that much was said: most likely its tag is what is damaged.
            if cut {
                return None;
            }
            let name = SCHEMA.name(message, field.number);
            self.wrong(field.start, format!("{name} to be {}, found {}", said(wanted), said(field.wire_type)));
            return None;
        }
        Some((field, known))
    }

    /// Checks the numbers of a packed field; any other has one, which is as long as it should be.
    fn packed(&mut self, field: &Field, kind: FieldKind, message: u32) {
        let numbers = field.bytes(self.bytes);
        if field.wire_type != WireType::Len || self.cut_at == Some(field.end) {
            return;
        }
        let fault = match kind.wire_type() {
            WireType::Fixed32 => rest(numbers, 4),
            WireType::Fixed64 => rest(numbers, 8),
            WireType::Varint => varints(numbers),
            WireType::Len | WireType::Group => None,
        };
        if let Some((at, fault)) = fault {
            let name = SCHEMA.name(message, field.number);
            self.wrong(field.payload.saturating_add(at), format!("{name} to be packed numbers, found {fault}"));
        }
    }

    /// Checks a string: protobuf's parsers refuse all of a main file in which one is not UTF-8
    /// (<https://protobuf.dev/programming-guides/proto3/#scalar>).
    fn text(&mut self, field: &Field, message: u32) {
        let bytes = field.bytes(self.bytes);
        // A cut one may end within a character.
        if self.cut_at == Some(field.end) {
            return;
        }
        let Err(error) = std::str::from_utf8(bytes) else { return };
        let at = error.valid_up_to();
        let found = bytes.get(at).map(|byte| format!("the byte {byte:#04x}")).unwrap_or_default();
        let name = SCHEMA.name(message, field.number);
        self.wrong(field.payload.saturating_add(at), format!("{name} to be UTF-8, found {found}"));
    }

    fn wrong(&mut self, offset: usize, expected: String) {
        let place = self.layout.place_of_damage(offset);
        self.problems.push(Problem::at(self.file, place, format!("expected {expected}")));
    }
}

/// What is left behind the last number of `width` bytes: where, and what.
fn rest(numbers: &[u8], width: usize) -> Option<(usize, String)> {
    let rest = numbers.len().checked_rem(width).filter(|rest| *rest > 0)?;
    let at = numbers.len().saturating_sub(rest);
    Some((at, format!("{rest} bytes behind the last one of {width}")))
}

/// The first varint that does not end, or is longer than ten bytes: where, and what.
fn varints(numbers: &[u8]) -> Option<(usize, String)> {
    let mut start = 0_usize;
    for (at, byte) in numbers.iter().enumerate() {
        if at.saturating_sub(start) >= 10 {
            return Some((start, "a varint of more than ten bytes".to_owned()));
        }
        if *byte < 0x80 {
            start = at.saturating_add(1);
        }
    }
    (start < numbers.len()).then(|| (start, "a varint without its end".to_owned()))
}

fn said(wire_type: WireType) -> &'static str {
    match wire_type {
        WireType::Varint => "a varint",
        WireType::Fixed64 => "eight bytes",
        WireType::Len => "a length and as many bytes",
        WireType::Group => "a group",
        WireType::Fixed32 => "four bytes",
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
mod tests {
    use super::*;
    use crate::support::wire::{Message, constant, function, graph, message, meta_graph, node, saved_model};

    /// What is wrong with a model of one node that has an attribute of this value: how far behind the node's end, and what.
    fn said_of(value: &Message) -> Vec<String> {
        let main = saved_model([&meta_graph(&["serve"], &graph([&node("a", "Op").entry(5, "v", value)]))]);
        let ahead = (main.len() - value.len()) as u64;
        let problems = problems("f", &main.0, &Layout::Wire);
        problems.iter().map(|problem| format!("{}: {}", problem.offset.unwrap() - ahead, problem.message)).collect()
    }

    #[test]
    fn a_model_that_is_whole_has_no_problem() {
        let nodes = [constant("weights", &[7; 100]), node("x", "Placeholder").entry(9, "unknown", &message())];
        let library = message().messages(1, [&function("f", &nodes)]);
        let main = saved_model([&meta_graph(&["serve"], &graph(&nodes).message(2, &library))]);
        assert_eq!(problems("saved_model.pb", &main.0, &Layout::Wire), []);
    }

    #[test]
    fn each_damaged_place_in_an_attribute_is_told_with_its_byte_and_what_should_be_there() {
        let tensor = |tensor: Message| message().message(8, &tensor);
        let shape = |dimension: &Message| message().int(1, 1).message(2, &message().message(2, dimension));
        for (value, said) in [
            (message().overlong(2, 99, "short"), "0: field 2 says 99 bytes, only 5 are left"),
            (tensor(message().int(1, 1).raw(&[0x22])), "5: expected a length, found the end of the message"),
            (
                tensor(shape(&message().bytes(1, "3"))),
                "8: expected Dim.size to be a varint, found a length and as many bytes",
            ),
            (
                tensor(message().bytes(5, [0; 7])),
                "8: expected TensorProto.float_val to be packed numbers, found 3 bytes behind the last one of 4",
            ),
            (
                tensor(message().bytes(6, [0; 9])),
                "12: expected TensorProto.double_val to be packed numbers, found 1 bytes behind the last one of 8",
            ),
            (
                tensor(message().bytes(7, [1, 0x80])),
                "5: expected TensorProto.int_val to be packed numbers, found a varint without its end",
            ),
            (
                tensor(message().bytes(10, [0x80; 11])),
                "4: expected TensorProto.int64_val to be packed numbers, found a varint of more than ten bytes",
            ),
            (message().int(8, 1), "0: expected AttrValue.tensor to be a length and as many bytes, found a varint"),
            (message().group(3, &message()), "0: expected AttrValue.i to be a varint, found a group"),
        ] {
            assert_eq!(said_of(&value), [said]);
        }
    }

    #[test]
    fn numbers_may_be_packed_or_not_and_a_field_that_nobody_knows_may_be_anything() {
        let tensor =
            message().int(7, 1).bytes(7, [1, 2]).fixed32(5, 1).bytes(5, [0; 8]).bytes(99, [0xff; 3]).fixed64(98, 1);
        assert_eq!(said_of(&message().message(8, &tensor)), Vec::<String>::new());
    }

    #[test]
    fn a_string_that_is_not_utf_8_is_told_of_and_bytes_may_be_anything() {
        let name = message().bytes(1, b"na\xffme").bytes(2, "Op");
        let main = saved_model([&meta_graph(&["serve"], &graph([&name]))]);
        let said: Vec<String> = problems("f", &main.0, &Layout::Wire).iter().map(ToString::to_string).collect();
        let place = main.0.iter().position(|byte| *byte == 0xff).unwrap();
        assert_eq!(said, [format!("f: byte {place}: expected NodeDef.name to be UTF-8, found the byte 0xff")]);
        // The key of an attribute, the name of a function, and what is no string.
        let keyed = |key: &[u8]| meta_graph(&[], &graph([&message().message(5, &message().bytes(1, key))]));
        assert_eq!(problems("f", &saved_model([&keyed(b"key\xc3")]).0, &Layout::Wire).len(), 1);
        assert_eq!(problems("f", &saved_model([&keyed("k\u{e4}y".as_bytes())]).0, &Layout::Wire), []);
        assert_eq!(said_of(&message().bytes(2, b"\xff\xfe")), Vec::<String>::new());
        assert_eq!(said_of(&message().message(10, &message().bytes(1, b"f\xfe"))).len(), 1);
    }

    #[test]
    fn a_message_that_is_cut_is_told_of_once_and_damage_in_front_of_the_cut_as_well() {
        let inner = message().bytes(1, "3").overlong(2, 99, "name");
        let value = message().overlong(8, 80, message().overlong(2, 70, message().overlong(2, 60, &inner.0).0).0);
        let said = said_of(&value);
        assert_eq!(said[0], "0: field 8 says 80 bytes, only 13 are left");
        assert_eq!(said[1..], ["6: expected Dim.size to be a varint, found a length and as many bytes"]);
    }

    #[test]
    fn messages_nest_as_deep_as_protobuf_reads_them() {
        let types = |levels: usize| (0..levels).fold(message(), |inner, _| message().message(2, &inner));
        let main = |levels| saved_model([&meta_graph(&[], &graph([&node("a", "Op").message(7, &types(levels))]))]);
        // The type is the fourth message in the SavedModel.
        assert_eq!(problems("f", &main(MAX_DEPTH - 4).0, &Layout::Wire), []);
        let said = problems("f", &main(MAX_DEPTH - 3).0, &Layout::Wire);
        assert_eq!(
            said.iter().map(|problem| &*problem.message).collect::<Vec<_>>(),
            ["expected messages nested at most 100 deep, found a deeper one"]
        );
    }
}
