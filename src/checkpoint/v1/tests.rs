use super::*;
use crate::support::table::{TableBuilder, slice_key};
use crate::support::v1::{contents, slice, value, variable};
use crate::support::wire::message;

const FILE: &str = "variables/variables";

fn read_table(table: Vec<u8>) -> (Vec<Tensor>, Vec<Problem>) {
    read([(0, FILE.to_owned(), Ok(table.into()))])
}

fn said(problems: &[Problem]) -> Vec<&str> {
    problems.iter().map(|problem| problem.message.as_str()).collect()
}

/// A variable `w` of three by two, whole.
fn whole() -> TableBuilder {
    let contents = contents(&[variable("w", &[3, 2], &[slice(&[None, None])])]);
    let value = value("w", &[None, None], &[1.0; 6]);
    TableBuilder::new().entry("", contents.0).entry(slice_key("w", &[(0, -1), (0, -1)]), value.0)
}

#[test]
fn a_table_that_tensorflow_wrote_is_read() {
    // half_plus_two of TensorFlow's own test data (tensorflow/cc/saved_model/testdata), without its footer's padding.
    let table = [
        &b"\0\0\x1c\n\x1a\n\t\n\x01a\x12\0\x18\x01\"\0\n\t\n\x01b\x12\0\x18\x01\"\0\x12\x02\x08\x01"[..],
        b"\0\x05\x0f\0a\0\x01\0\x12\r\n\x01a\x12\0\x1a\x06*\x04\0\0\0?",
        b"\x01\x04\x0fb\0\x01\0\x12\r\n\x01b\x12\0\x1a\x06*\x04\0\0\0@",
        b"\0\0\0\0\x01\0\0\0\0\x16\x97\x96f\0\0\0\0\x01\0\0\0\0\xc0\xf2\xa1\xb0",
        b"\0\x01\x02\x01\0T\0\0\0\0\x01\0\0\0\0\x0c\xe3\x96ZY\x08f\x0e",
        &[0; 36],
        b"\x57\xfb\x80\x8b\x24\x75\x47\xdb",
    ]
    .concat();
    assert_eq!(table.len(), 169);
    let (tensors, problems) = read_table(table);
    assert_eq!(problems, []);
    let listed: Vec<_> = tensors.iter().map(|t| (t.key.as_str(), t.dtype, t.shape.len(), t.range())).collect();
    assert_eq!(listed, [("a", 1, 0, Some(39..54)), ("b", 1, 0, Some(61..76))]);
}

#[test]
fn a_variable_is_its_value_in_the_table() {
    let table = whole().build();
    let expected = value("w", &[None, None], &[1.0; 6]).0;
    let (tensors, problems) = read_table(table.clone());
    let [w] = tensors.as_slice() else { panic!("{tensors:?}") };
    assert_eq!((w.key.as_str(), w.shape.as_slice(), w.slices, problems), ("w", &[3, 2][..], 0, vec![]));
    assert_eq!(w.bytes, expected.len() as u64);
    let found = table.windows(expected.len()).position(|bytes| bytes == expected).unwrap();
    assert_eq!(w.range().unwrap().start, found as u64);
}

#[test]
fn in_a_compressed_block_a_variable_has_a_size_and_no_bytes_to_itself() {
    let (tensors, problems) = read_table(whole().snappy().build());
    let [w] = tensors.as_slice() else { panic!("{tensors:?}") };
    let bytes = value("w", &[None, None], &[1.0; 6]).0.len() as u64;
    assert_eq!((w.bytes, w.offset, w.range(), problems), (bytes, 0, None, vec![]));
}

#[test]
fn the_slices_of_a_variable_may_be_in_several_tables() {
    let table = |start: u32, length: u32| {
        let extents = [Some((start.into(), length.into())), None];
        let contents = contents(&[variable("w", &[3, 2], &[slice(&extents)])]);
        let key = slice_key("w", &[(start.into(), length.into()), (0, -1)]);
        TableBuilder::new().entry("", contents.0).entry(key, value("w", &extents, &[1.0]).0).build()
    };
    let (tensors, problems) =
        read([(0, "first".to_owned(), Ok(table(0, 2).into())), (1, "second".to_owned(), Ok(table(2, 1).into()))]);
    assert_eq!(problems, []);
    let listed: Vec<_> = tensors
        .iter()
        .map(|t| (t.key.as_str(), t.slice_of.as_deref(), t.slices, t.shape.as_slice(), t.shard))
        .collect();
    let expected = [
        ("w", None, 2, &[3, 2][..], 0),
        ("w [0:2, :]", Some("w"), 0, &[2, 2], 0),
        ("w [2:3, :]", Some("w"), 0, &[1, 2], 1),
    ];
    assert_eq!(listed, expected);
    assert_eq!(tensors[0].range(), None);
}

#[test]
fn a_value_that_is_missing_is_named() {
    let contents = contents(&[variable("v", &[], &[slice(&[])]), variable("w", &[], &[slice(&[])])]);
    let v = value("v", &[], &[1.0]);
    let table = TableBuilder::new().entry("", contents.0).entry(slice_key("v", &[]), v.0).build();
    let (tensors, problems) = read_table(table);
    assert_eq!(tensors.len(), 1);
    let expected = "expected a value for each slice in the table's contents, found 1 without, the first of `w`";
    assert_eq!(said(&problems), [expected]);
}

#[test]
fn a_value_that_the_contents_do_not_have_is_listed_without_type_and_shape() {
    let contents = contents(&[]);
    let w = value("w", &[None], &[1.0]);
    let table = TableBuilder::new().entry("", contents.0).entry(slice_key("w", &[(0, -1)]), w.0).build();
    let (tensors, problems) = read_table(table);
    assert_eq!(tensors.iter().map(|t| (t.dtype, t.shape.as_slice())).collect::<Vec<_>>(), [(0, &[][..])]);
    assert_eq!(said(&problems), ["`w`: expected a variable of the table's contents, found one that is not among them"]);
}

#[test]
fn a_table_without_contents_is_damaged() {
    let (tensors, problems) = read_table(TableBuilder::new().entry("x", "not the key of a slice").build());
    assert_eq!(tensors, []);
    let expected = [
        "`x`: expected the key of a slice, found another",
        "expected the table's contents under the empty key, found none",
    ];
    assert_eq!(said(&problems), expected);
}

#[test]
fn values_that_are_none_are_problems() {
    let other = value("other", &[None, None], &[1.0]);
    let without_elements = message().message(2, &message().bytes(1, "w"));
    let overlong = message().message(2, &message().bytes(1, "w").message(3, &message().overlong(5, 9, "four")));
    let cases = [
        (other.0, "the elements of this variable, found a value without them or of another"),
        (without_elements.0, "the elements of this variable, found a value without them or of another"),
        (vec![], "the elements of this variable, found a value without them or of another"),
        (overlong.0, "a value, found bytes that are none: field 5 says 9 bytes, only 4 are left"),
    ];
    for (bytes, expected) in cases {
        let contents = contents(&[variable("w", &[3, 2], &[slice(&[None, None])])]);
        let table = TableBuilder::new().entry("", contents.0).entry(slice_key("w", &[(0, -1), (0, -1)]), bytes);
        let (tensors, problems) = read_table(table.build());
        assert_eq!((tensors.len(), said(&problems)), (1, vec![format!("`w`: expected {expected}").as_str()]));
    }
}

#[test]
fn contents_that_are_none_are_problems_and_cost_the_types() {
    let rank = variable("w", &[1; 255], &[]);
    let no_variable = message().bytes(3, "no number");
    let cases = [
        (
            contents(&[rank]),
            "a variable in the table's contents, found `w` with 255 dimensions, and there are 254 at most",
        ),
        (contents(&[no_variable]), "a variable in the table's contents, found bytes that are none: "),
        (message().overlong(1, 9, "four"), "the table's contents, found bytes that are none: field 1 says 9 bytes"),
    ];
    for (contents, expected) in cases {
        let table = TableBuilder::new().entry("", contents.0).entry(slice_key("w", &[]), value("w", &[], &[1.0]).0);
        let (tensors, problems) = read_table(table.build());
        assert_eq!(tensors.iter().map(|t| (t.key.as_str(), t.dtype)).collect::<Vec<_>>(), [("w", 0)]);
        assert!(problems[0].message.starts_with(&format!("expected {expected}")), "{problems:?}");
    }
}

#[test]
fn a_slice_of_another_rank_is_a_problem() {
    let contents = contents(&[variable("w", &[3, 2], &[slice(&[None])])]);
    let table =
        TableBuilder::new().entry("", contents.0).entry(slice_key("w", &[(0, -1)]), value("w", &[None], &[1.0]).0);
    let expected = "`w`: expected a slice of 2 dimensions as in the table's contents, found 1";
    let (tensors, problems) = read_table(table.build());
    assert_eq!((said(&problems), tensors[0].dtype, tensors[0].shape.as_slice()), (vec![expected], 1, &[][..]));
}

#[test]
fn a_table_that_cannot_be_opened_costs_its_own_variables_only() {
    let problem = Problem::of_file("first", "permission denied");
    let tables = [(0, "first".to_owned(), Err(problem.clone())), (1, FILE.to_owned(), Ok(whole().build().into()))];
    let (tensors, problems) = read(tables);
    assert_eq!((tensors.len(), problems), (1, vec![problem]));
}
