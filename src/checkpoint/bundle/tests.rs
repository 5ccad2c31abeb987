use super::*;
use crate::proto::tensor_shape_proto::Dim;
use crate::proto::{TensorShapeProto, TensorSliceProto};
use crate::support::table::{TableBuilder, slice_key};

const FLOAT: i32 = 1;
const STRING: i32 = 7;

fn header(num_shards: i32) -> Vec<u8> {
    BundleHeaderProto { num_shards, ..Default::default() }.encode_to_vec()
}

fn entry(dtype: i32, shape: &[i64], offset: i64, size: i64) -> BundleEntryProto {
    let dim = shape.iter().map(|&size| Dim { size, ..Default::default() }).collect();
    let shape = Some(TensorShapeProto { dim, ..Default::default() });
    BundleEntryProto { dtype, shape, offset, size, ..Default::default() }
}

/// An index of one shard with these entries.
fn index(entries: &[(&[u8], BundleEntryProto)]) -> TableBuilder {
    let table = TableBuilder::new().entry("", header(1));
    entries.iter().fold(table, |table, (key, entry)| table.entry(*key, entry.encode_to_vec()))
}

fn read(table: TableBuilder) -> (Bundle, Vec<Problem>) {
    Bundle::read(table.build().into(), "index").unwrap()
}

/// What is said about an index with this one entry, under the key `v`.
fn said_of(entry: BundleEntryProto) -> (Tensor, Vec<String>) {
    let (bundle, problems) = read(index(&[(b"v", entry)]));
    (bundle.tensors[0].clone(), problems.into_iter().map(|problem| problem.message).collect())
}

#[test]
fn tensors_come_in_the_order_of_their_keys_with_all_that_the_index_says() {
    let kernel = BundleEntryProto { shard_id: 1, crc32c: 77, ..entry(FLOAT, &[3, 2], 8, 24) };
    let table = TableBuilder::new()
        .entry("", header(2))
        .entry("bias", entry(STRING, &[], 0, 8).encode_to_vec())
        .entry("kernel", kernel.encode_to_vec());
    let (bundle, problems) = read(table);
    assert_eq!(problems, []);
    assert_eq!((bundle.num_shards, bundle.big_endian), (Some(2), false));
    let [bias, kernel] = &bundle.tensors[..] else { panic!("{bundle:?}") };
    assert_eq!((bias.key.as_str(), bias.dtype_name().as_ref(), bias.range()), ("bias", "string", Some(0..8)));
    assert_eq!((kernel.key.as_str(), kernel.dtype_name().as_ref(), kernel.range()), ("kernel", "float32", Some(8..32)));
    assert_eq!((kernel.shape.as_slice(), kernel.shard, kernel.crc32c), (&[3, 2][..], 1, 77));
}

#[test]
fn a_partitioned_variable_is_listed_with_its_slices() {
    let whole = BundleEntryProto { slices: vec![TensorSliceProto::default(); 2], ..entry(FLOAT, &[4, 2], 0, 0) };
    let keys = [slice_key("v", &[(0, 3), (0, -1)]), slice_key("v", &[(3, 1), (0, -1)])];
    let (bundle, problems) = read(index(&[
        (&keys[0], entry(FLOAT, &[3, 2], 0, 24)),
        (&keys[1], entry(FLOAT, &[1, 2], 24, 8)),
        (b"v", whole),
    ]));
    assert_eq!(problems, []);
    let listed: Vec<_> =
        bundle.tensors.iter().map(|t| (t.key.as_str(), t.slice_of.as_deref(), t.slices, t.range())).collect();
    let expected =
        [("v [0:3, :]", Some("v"), 0, Some(0..24)), ("v [3:4, :]", Some("v"), 0, Some(24..32)), ("v", None, 2, None)];
    assert_eq!(listed, expected);
}

#[test]
fn a_shape_that_is_not_there_is_that_of_a_scalar() {
    let entry = BundleEntryProto { shape: None, ..entry(FLOAT, &[], 0, 4) };
    let (tensor, said) = said_of(entry);
    assert!(tensor.shape.is_empty() && said.is_empty(), "{said:?}");
}

#[test]
fn a_size_that_the_shape_does_not_make_is_a_problem_and_the_range_stays() {
    let (tensor, said) = said_of(entry(FLOAT, &[3, 2], 0, 20));
    assert_eq!(said, ["`v`: expected 24 bytes for float32 of shape [3, 2], found 20"]);
    assert_eq!(tensor.range(), Some(0..20));
    for shape in [&[i64::MAX, i64::MAX][..], &[-1]] {
        let (_, said) = said_of(entry(FLOAT, shape, 0, 20));
        assert_eq!(said, [format!("`v`: expected a shape whose bytes can be counted, found {shape:?}")]);
    }
}

#[test]
fn types_without_a_fixed_size_may_have_any() {
    for dtype in [STRING, 21, 99] {
        let (_, said) = said_of(entry(dtype, &[3], 0, 20));
        assert!(said.is_empty(), "{said:?}");
    }
}

#[test]
fn numbers_that_cannot_be_true_are_problems_and_the_tensor_owns_no_bytes() {
    let good = || entry(FLOAT, &[1], 0, 4);
    let cases = [
        (BundleEntryProto { shard_id: 1, ..good() }, "`v`: expected one of the bundle's 1 shards, found shard 1"),
        (BundleEntryProto { shard_id: -1, ..good() }, "`v`: expected one of the bundle's 1 shards, found shard -1"),
        (entry(FLOAT, &[1], -4, 4), "`v`: expected an offset from 0 on, found -4"),
        (entry(FLOAT, &[1], 0, -4), "`v`: expected a size from 0 on, found -4"),
        (entry(0, &[1], 0, 4), "`v`: expected an element type, found none"),
        (entry(FLOAT, &[1; 255], 0, 4), "`v`: expected at most 254 dimensions, found 255"),
    ];
    for (entry, expected) in cases {
        let (tensor, said) = said_of(entry);
        assert_eq!(said, [expected]);
        assert_eq!((tensor.damaged, tensor.range()), (true, None));
    }
}

#[test]
fn an_entry_that_is_none_is_a_problem_at_its_byte() {
    for (value, found) in
        [(vec![0xff; 4], "found bytes that are none"), (vec![0; MAX_ENTRY_BYTES + 1], "found 1048577 bytes")]
    {
        let file = TableBuilder::new().entry("", header(1)).entry("v", value.clone()).build();
        let at = file.windows(value.len()).position(|window| window == value).unwrap();
        let (bundle, problems) = Bundle::read(file.into(), "index").unwrap();
        assert_eq!((bundle.tensors.len(), problems.len()), (0, 1));
        assert_eq!((problems[0].file.as_str(), problems[0].offset), ("index", Some(at as u64)));
        assert!(problems[0].message.contains(found), "{problems:?}");
    }
}

#[test]
fn a_header_is_missed_and_a_wrong_one_reported() {
    let (bundle, problems) = read(TableBuilder::new().entry("v", entry(FLOAT, &[], 0, 4).encode_to_vec()));
    assert_eq!((bundle.num_shards, bundle.tensors.len()), (None, 1));
    assert_eq!(problems, [Problem::of_file("index", "expected the bundle's header under the empty key, found none")]);
    for wrong in [header(0), header(-1), vec![0xff]] {
        let (bundle, problems) = read(TableBuilder::new().entry("", wrong));
        assert_eq!((bundle.num_shards, problems.len()), (None, 1));
        assert!(problems[0].message.contains("header"), "{problems:?}");
    }
}

#[test]
fn a_damaged_block_costs_its_tensors_and_no_others() {
    let entries = [b"a", b"b", b"c"].map(|key| (&key[..], entry(FLOAT, &[], 0, 4)));
    let mut file = index(&entries).block_entries(2).build();
    file[0] ^= 1;
    let (bundle, problems) = Bundle::read(file.into(), "index").unwrap();
    let keys: Vec<_> = bundle.tensors.iter().map(|tensor| tensor.key.as_str()).collect();
    assert_eq!(keys, ["b", "c"]);
    assert_eq!(problems.len(), 2, "the block, and the header that was in it: {problems:?}");
    assert_eq!(problems[0].offset, Some(0));
}

#[test]
fn keys_that_are_no_text_are_shown_all_the_same() {
    let (bundle, _) = read(index(&[(b"v\xff", entry(FLOAT, &[], 0, 4))]));
    assert_eq!(bundle.tensors[0].key, "v\u{fffd}");
}

#[test]
fn of_very_many_entries_that_cannot_be_true_the_first_are_listed_and_the_rest_counted() {
    let table = (0..10_500).fold(TableBuilder::new().entry("", header(1)), |table, number| {
        table.entry(format!("faulty{number:05}"), BundleEntryProto::default().encode_to_vec())
    });
    let (bundle, problems) = read(table.entry("true", entry(FLOAT, &[2], 0, 8).encode_to_vec()));
    assert_eq!(bundle.tensors.len(), 10_001);
    assert_eq!(bundle.tensors.last().map(|tensor| &*tensor.key), Some("true"));
    let last = problems.last().map(|problem| &*problem.message);
    assert_eq!(last, Some("expected at most 10000 problems, found 500 more, which are not listed"));
}
