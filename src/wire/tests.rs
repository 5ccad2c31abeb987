//! The walk on messages built in sight.

use super::*;
use crate::support::wire::{Message, message};

fn fields(bytes: &[u8]) -> Vec<Result<Field, WireError>> {
    Fields::new(bytes, 0..bytes.len()).collect()
}

/// The only field of a message that holds one.
fn field(message: &Message) -> Field {
    match fields(&message.0)[..] {
        [Ok(field)] => field,
        ref other => panic!("expected one field, found {other:?}"),
    }
}

fn error(bytes: &[u8]) -> WireError {
    fields(bytes).pop().expect("there is an item").expect_err("the last item is an error")
}

#[test]
fn a_varint_field_is_its_tag_and_its_value() {
    let field = field(&message().int(3, 300));
    assert_eq!((field.number, field.wire_type), (3, WireType::Varint));
    assert_eq!((field.range(), field.payload()), (0..3, 1..3));
}

#[test]
fn a_length_is_charged_to_the_field_and_is_not_its_payload() {
    let field = field(&message().bytes(1, [7; 200]));
    assert_eq!((field.range(), field.payload()), (0..203, 3..203));
}

#[test]
fn fixed_fields_have_four_and_eight_bytes() {
    assert_eq!(field(&message().fixed32(1, 0)).range(), 0..5);
    assert_eq!(field(&message().fixed64(1, 0)).range(), 0..9);
}

#[test]
fn a_group_goes_from_its_start_tag_to_its_end_tag() {
    let inner = message().int(1, 1).group(2, &message().bytes(3, "abc"));
    let group = field(&message().group(5, &inner));
    assert_eq!((group.number, group.wire_type), (5, WireType::Group));
    assert_eq!(group.payload(), 1..1 + inner.len());
    assert_eq!(group.range(), 0..2 + inner.len());
}

#[test]
fn a_varint_that_is_longer_than_it_need_be_is_accepted() {
    // Field 1, a varint; the tag takes two bytes and the value 0 takes ten.
    let bytes = [0x88, 0x00, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00];
    assert_eq!(fields(&bytes).len(), 1);
    assert_eq!(fields(&bytes)[0].unwrap().range(), 0..12);
}

#[test]
fn offsets_are_those_of_the_file_and_not_of_the_message() {
    let file = message().raw(b"....").int(1, 5).bytes(2, "xy").0;
    let fields: Vec<Field> = Fields::new(&file, 4..file.len()).map(Result::unwrap).collect();
    assert_eq!(fields[0].range(), 4..6);
    assert_eq!(fields[1].bytes(&file), b"xy");
}

#[test]
fn a_message_does_not_see_what_lies_behind_it() {
    let file = message().bytes(1, "abcdef").0;
    assert!(matches!(Fields::new(&file, 0..4).next(), Some(Err(WireError::Overrun { available: 2, .. }))));
}

#[test]
fn a_length_past_the_end_gives_the_field_as_far_as_it_goes() {
    let bytes = message().int(1, 1).overlong(2, 1 << 62, "abc").0;
    let WireError::Overrun { field, wanted, available } = error(&bytes) else { panic!("expected an overrun") };
    assert_eq!((field.start, field.payload(), field.end), (2, 12..15, 15));
    assert_eq!((wanted, available), (1 << 62, 3));
}

#[test]
fn a_field_that_leaves_its_group_takes_the_group_along() {
    let bytes = message().int(1, 1).raw(&[0x4b]).overlong(3, 9, "abc").0;
    let WireError::Overrun { field, .. } = error(&bytes) else { panic!("expected an overrun") };
    assert_eq!((field.number, field.wire_type, field.range()), (9, WireType::Group, 2..bytes.len()));
}

#[test]
fn errors_say_where_they_are() {
    let good = message().int(1, 1).0;
    let cases: [(&[u8], WireError); 7] = [
        (&[0x08], WireError::Truncated { offset: 3, expected: "a varint" }),
        (&[0x80], WireError::Truncated { offset: 2, expected: "a tag" }),
        (&[0x00], WireError::FieldNumber { offset: 2, number: 0 }),
        (&[0x0f], WireError::UnknownWireType { offset: 2, wire_type: 7 }),
        (&[0x0c], WireError::GroupMismatch { offset: 2, open: 0, found: 1 }),
        (&[0x0b, 0x14], WireError::GroupMismatch { offset: 3, open: 1, found: 2 }),
        (&[0x0b], WireError::Truncated { offset: 3, expected: "the end of a group" }),
    ];
    for (bad, expected) in cases {
        assert_eq!(error(&[&good, bad].concat()), expected);
    }
    assert_eq!(error(&[0xff; 11]), WireError::VarintTooLong { offset: 0 });
}

#[test]
fn groups_nest_a_hundred_deep_and_no_deeper() {
    let nested = |depth| (0..depth).fold(message(), |inner, _| message().group(1, &inner));
    assert_eq!(field(&nested(100)).range(), 0..200);
    assert_eq!(error(&nested(101).0), WireError::TooDeep { offset: 100 });
    assert_eq!(error(&[0x0b; 100_000]), WireError::TooDeep { offset: 100 });
}

#[test]
fn an_error_ends_the_walk() {
    let bytes = message().raw(&[0x0f]).int(1, 1).0;
    assert_eq!(fields(&bytes).len(), 1);
}
