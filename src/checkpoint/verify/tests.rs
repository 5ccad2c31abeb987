#![allow(clippy::arithmetic_side_effects)]

use bytes::Bytes;
use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::checkpoint::layout::INDEX;
use crate::support::bundle::{BundleBuilder, DATA, bytes_entry, index, string_entry};
use crate::support::table::{TableBuilder, masked, slice_key, string_tensor};
use crate::support::v1;
use crate::support::wire::{Message, message};

/// Adds up what it is told.
#[derive(Default)]
struct Told(AtomicU64);

impl Progress for Told {
    fn start(&self, _model: &str, _bytes: u64) {}
    fn advance(&self, bytes: u64) {
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// Verifies a checkpoint of these files. Returns the problems as places and messages, and how much was read.
fn verify(files: &[(String, Vec<u8>)]) -> (Verified, Vec<(Option<u64>, String)>, u64) {
    let listed: Vec<_> = files.iter().map(|(path, bytes)| (path.clone(), bytes.len() as u64)).collect();
    let open = |path: &str| {
        let file = files.iter().find(|(name, _)| name == path);
        file.map(|(_, bytes)| Bytes::copy_from_slice(bytes)).ok_or_else(|| Problem::of_file(path, "is not there"))
    };
    let told = Told::default();
    let (verified, problems) = Checkpoint::read(&listed, open).unwrap().verify(open, &Checked::default(), &told);
    let problems = problems.into_iter().map(|problem| (problem.offset, problem.message)).collect();
    (verified, problems, told.0.into_inner())
}

fn bundle(entries: &[(&str, Message)], data: &[u8]) -> [(String, Vec<u8>); 2] {
    [(INDEX.to_owned(), index(entries)), (DATA.to_owned(), data.to_vec())]
}

fn crc(bytes: &[u8]) -> u32 {
    masked(crc32c::crc32c(bytes))
}

#[test]
fn tensors_with_the_checksums_of_the_index_are_verified() {
    let files = BundleBuilder::default().tensor("a", b"four").tensor("b", b"eight by").files();
    assert_eq!(verify(&files), (Verified { tensors: 2, bytes: 12, skipped: 0 }, vec![], 12));
}

#[test]
fn a_flipped_bit_is_told_of_the_tensor_that_it_is_in() {
    for (bit, key, offset, was, now) in [(0, "a", 0, "four", "gour"), (39, "b", 4, "eight by", "\u{e5}ight by")] {
        let mut files = BundleBuilder::default().tensor("a", b"four").tensor("b", b"eight by").files();
        files[1].1[bit / 8] ^= 1 << (bit % 8);
        let now: Vec<u8> = now.chars().map(|c| c as u8).collect();
        let (expected, found) = (crc(was.as_bytes()), crc(&now));
        let message = format!("`{key}`: expected masked CRC32C {expected:#010x}, as in the index, found {found:#010x}");
        let (verified, problems, _) = verify(&files);
        assert_eq!(problems, [(Some(offset), message)]);
        assert_eq!((verified.tensors, verified.bytes, verified.skipped), (1, 12 - was.len() as u64, 0));
    }
}

#[test]
fn more_than_one_step_is_read_to_the_end() {
    let mut data = vec![7; (4 << 20) * 2 + 1];
    let entry = bytes_entry(0, data.len() as u64).fixed32(6, crc(&data));
    let expected = Verified { tensors: 1, bytes: data.len() as u64, skipped: 0 };
    assert_eq!(verify(&bundle(&[("a", entry.clone())], &data)), (expected, vec![], data.len() as u64));
    data[(4 << 20) * 2] ^= 0x80;
    assert_eq!(verify(&bundle(&[("a", entry)], &data)).1.len(), 1);
}

#[test]
fn strings_are_checked_in_their_own_form() {
    let mut data = string_tensor(&[b"words"]);
    let entries = [("text", string_entry(0, b"words"))];
    let bytes = data.len() as u64;
    assert_eq!(verify(&bundle(&entries, &data)), (Verified { tensors: 1, bytes, skipped: 0 }, vec![], bytes));
    *data.last_mut().unwrap() ^= 1;
    let (verified, problems, _) = verify(&bundle(&entries, &data));
    assert_eq!(verified, Verified::default());
    assert!(matches!(&problems[..], [(Some(0), message)] if message.starts_with("`text`: expected masked CRC32C")));
    data[0] ^= 1;
    let (_, problems, _) = verify(&bundle(&entries, &data));
    assert!(matches!(&problems[..], [(Some(1), message)] if message.starts_with("`text`: expected lengths with")));
}

#[test]
fn a_checkpoint_of_a_big_endian_machine_is_verified() {
    let (lengths, number) = (5_u32.to_be_bytes(), [0, 0, 0, 9]);
    let checksum = crc(&lengths).to_be_bytes();
    let data = [&[5], &checksum[..], b"words", &number].concat();
    let shape = message().message(2, &message().int(1, 1));
    let text = message().int(1, 7).message(2, &shape).int(5, 10);
    let text = text.fixed32(6, crc(&[&lengths, &checksum, &b"words"[..]].concat()));
    let number = message().int(1, 3).message(2, &shape).int(4, 10).int(5, 4).fixed32(6, crc(&number));
    let table = |endianness| {
        let header = message().int(1, 1).int(2, endianness);
        TableBuilder::new().entry("", header.0).entry("number", number.clone().0).entry("text", text.clone().0).build()
    };
    let files = |endianness| [(INDEX.to_owned(), table(endianness)), (DATA.to_owned(), data.clone())];
    assert_eq!(verify(&files(1)), (Verified { tensors: 2, bytes: 14, skipped: 0 }, vec![], 14));
    let (verified, problems, _) = verify(&files(0));
    assert_eq!((verified.tensors, problems.len()), (1, 1), "the number's bytes have one checksum either way");
}

#[test]
fn an_empty_tensor_has_the_checksum_of_nothing() {
    let sound = bytes_entry(0, 0).fixed32(6, crc(b""));
    let wrong = bytes_entry(0, 0).fixed32(6, 1);
    let (verified, problems, _) = verify(&bundle(&[("sound", sound), ("wrong", wrong)], b""));
    assert_eq!((verified.tensors, problems.len()), (1, 1));
}

#[test]
fn what_cannot_be_checked_is_skipped() {
    let variant = message().int(1, 21).int(5, 4);
    let past_the_end = bytes_entry(2, 4);
    let damaged = message().int(1, 4).int(3, 9).int(5, 4);
    let partitioned = message().int(1, 4).message(7, &message());
    let entries = [("damaged", damaged), ("end", past_the_end), ("partitioned", partitioned), ("variant", variant)];
    let (verified, problems, _) = verify(&bundle(&entries, b"four"));
    assert_eq!((verified, problems), (Verified { tensors: 0, bytes: 0, skipped: 3 }, vec![]));
}

#[test]
fn the_tensors_of_a_shard_that_cannot_be_opened_are_skipped() {
    let [index, data] = BundleBuilder::default().tensor("a", b"four").files();
    let (verified, ..) = verify(std::slice::from_ref(&index));
    assert_eq!(verified.skipped, 1, "it is not there");
    let listed = [(index.0.clone(), index.1.len() as u64), (data.0, 4)];
    let open = |path: &str| match path {
        INDEX => Ok(Bytes::copy_from_slice(&index.1)),
        other => Err(Problem::of_file(other, "permission denied")),
    };
    let (verified, problems) =
        Checkpoint::read(&listed, open).unwrap().verify(open, &Checked::default(), &Told::default());
    assert_eq!((verified.skipped, problems), (1, vec![Problem::of_file(DATA, "permission denied")]));
}

#[test]
fn a_range_under_many_keys_is_read_once() {
    let keys: Vec<String> = (0..1000).map(|n| format!("k{n:04}")).collect();
    let first = BundleBuilder::default().tensor("a", b"four");
    let files = keys.iter().fold(first, |bundle, key| bundle.alias(key, 0, 4)).files();
    assert_eq!(verify(&files), (Verified { tensors: 1001, bytes: 4004, skipped: 0 }, vec![], 4));
}

#[test]
fn tensors_that_overlap_do_not_make_a_shard_be_read_for_each_of_them() {
    let data = [7; 100];
    let keys: Vec<String> = (0..100).map(|n| format!("k{n:02}")).collect();
    let entry = |start: usize| bytes_entry(start as u64, 100 - start as u64).fixed32(6, crc(&data[start..]));
    let entries: Vec<_> = keys.iter().enumerate().map(|(n, key)| (key.as_str(), entry(n))).collect();
    let (verified, problems, read) = verify(&bundle(&entries, &data));
    assert_eq!((verified.tensors + verified.skipped, problems), (100, vec![]));
    assert!(verified.skipped > 0 && read <= 400, "{verified:?}, {read} bytes read");
}

#[test]
fn the_values_of_v1_are_verified_by_their_blocks() {
    let contents = v1::contents(&[v1::variable("w", &[], &[v1::slice(&[])])]);
    let value = v1::value("w", &[], &[1.0]);
    let bytes = value.0.len() as u64;
    let table = TableBuilder::new().entry("", contents.0).entry(slice_key("w", &[]), value.0).build();
    let (verified, problems, _) = verify(&[("variables/variables".to_owned(), table)]);
    assert_eq!((verified, problems), (Verified { tensors: 1, bytes, skipped: 0 }, vec![]));
}

#[test]
fn what_somebody_else_has_checked_is_not_read_again() {
    let files = BundleBuilder::default().tensor("a", b"four").tensor("b", b"eight by").string("c", b"words").files();
    let listed: Vec<_> = files.iter().map(|(path, bytes)| (path.clone(), bytes.len() as u64)).collect();
    let open = |path: &str| {
        let file = files.iter().find(|(name, _)| name == path);
        Ok::<_, Problem>(Bytes::copy_from_slice(&file.unwrap().1))
    };
    let read = |checked: &[(Range<u64>, u32)]| {
        let mut all = Checked::default();
        checked.iter().for_each(|(range, crc32c)| all.insert(0, range.clone(), *crc32c));
        let told = Told::default();
        let (verified, problems) = Checkpoint::read(&listed, open).unwrap().verify(open, &all, &told);
        assert_eq!((verified.tensors, verified.skipped, problems), (3, 0, vec![]));
        told.0.into_inner()
    };
    let all = read(&[]);
    assert_eq!(read(&[(4..12, crc(b"eight by"))]), all - 8);
    assert_eq!(read(&[(0..4, crc(b"four")), (4..12, crc(b"eight by"))]), all - 12);
    // Of another checksum, or of another range.
    assert_eq!(read(&[(4..12, crc(b"eight by") ^ 1), (0..3, crc(b"fou"))]), all);
    // The checksum of strings is of another form of them.
    let text = Checkpoint::read(&listed, open).unwrap().bundle.tensors[2].clone();
    assert_eq!(read(&[(text.offset..text.offset + text.bytes, text.crc32c)]), all);
}
