use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::support::table::{self as support, TableBuilder};
use crate::support::wire::varint;

fn read(file: &[u8]) -> (Vec<Entry>, Vec<TableError>) {
    let table = match Table::open(Bytes::copy_from_slice(file)) {
        Ok(table) => table,
        Err(error) => return (Vec::new(), vec![error]),
    };
    let (mut entries, mut errors) = (Vec::new(), Vec::new());
    for entry in table.entries() {
        match entry {
            Ok(entry) => entries.push(entry),
            Err(error) => errors.push(error),
        }
    }
    (entries, errors)
}

fn keys(entries: &[Entry]) -> Vec<String> {
    entries.iter().map(|e| String::from_utf8_lossy(&e.key).into_owned()).collect()
}

/// Five entries, three blocks, prefixes to share, the first key empty.
fn layers() -> TableBuilder {
    ["", "layer/bias", "layer/kernel", "layer/kernel/m", "other"]
        .into_iter()
        .fold(TableBuilder::new().block_entries(2), |table, key| table.entry(key, format!("value of {key}")))
}

/// A table of these data blocks, all else in order.
fn table_of_blocks(blocks: &[Vec<(Vec<u8>, Vec<u8>)>]) -> Vec<u8> {
    let mut file = Vec::new();
    let index: Vec<_> = blocks
        .iter()
        .map(|entries| (Vec::new(), support::append_block(&mut file, &support::block(entries, 16), support::PLAIN)))
        .collect();
    support::finish(file, &index)
}

fn entry(key: &str) -> (Vec<u8>, Vec<u8>) {
    (key.into(), b"value".to_vec())
}

#[test]
fn a_table_gives_its_entries_in_order_with_keys_whole() {
    let (entries, errors) = read(&layers().build());
    assert_eq!(errors, []);
    assert_eq!(keys(&entries), ["", "layer/bias", "layer/kernel", "layer/kernel/m", "other"]);
    assert_eq!(entries[3].value, "value of layer/kernel/m");
}

#[test]
fn restart_points_and_compression_change_nothing_but_the_file() {
    let pairs = |file: Vec<u8>| read(&file).0.into_iter().map(|e| (e.key, e.value)).collect::<Vec<_>>();
    let plain = layers().build();
    let other = [
        layers().restart_interval(1).build(),
        layers().restart_interval(2).block_entries(9).build(),
        layers().snappy().build(),
    ];
    for other in other {
        assert_ne!(plain, other);
        assert_eq!(pairs(plain.clone()), pairs(other));
    }
}

#[test]
fn a_plain_value_has_its_place_in_the_file_and_a_compressed_one_has_its_blocks() {
    let file = layers().build();
    for entry in read(&file).0 {
        let start = usize::try_from(entry.offset()).unwrap();
        assert_eq!(entry.value, file[start..start + entry.value.len()]);
    }
    let (entries, _) = read(&layers().snappy().build());
    assert!(entries.iter().all(|e| e.value_offset.is_none() && e.offset() == e.block));
    assert_eq!(entries[0].block, entries[1].block);
    assert!(entries[1].block < entries[2].block);
}

#[test]
fn a_table_without_entries_is_a_table() {
    assert_eq!(read(&TableBuilder::new().build()), (vec![], vec![]));
}

#[test]
fn a_file_cut_short_anywhere_is_no_table() {
    let file = layers().build();
    for length in 0..file.len() {
        let (entries, errors) = read(&file[..length]);
        assert_eq!((entries.len(), errors.len()), (0, 1), "cut at {length}");
    }
}

#[test]
fn a_flipped_bit_costs_the_block_that_it_is_in_and_is_reported() {
    for file in [layers().build(), layers().snappy().build()] {
        let (sound, _) = read(&file);
        let footer = file.len() - FOOTER_BYTES;
        let (metaindex, rest) = Handle::read_with_rest(&file[footer..]).unwrap();
        let index = Handle::read(rest).unwrap();
        // What is read: the data blocks, the index, the magic number. The footer's padding says nothing.
        let checked = [0..metaindex.offset, index.offset..index.end(), wide(file.len()) - 8..wide(file.len())];
        for at in 0..file.len() {
            for bit in 0..8 {
                let mut damaged = file.clone();
                damaged[at] ^= 1 << bit;
                let (entries, errors) = read(&damaged);
                let what = format!("byte {at}, bit {bit}: {errors:?}");
                assert!(entries.iter().all(|e| sound.contains(e)), "{what}");
                assert_eq!(errors.len(), usize::from(entries.len() < sound.len()), "{what}");
                assert!(!errors.is_empty() || !checked.iter().any(|r| r.contains(&wide(at))), "{what}");
            }
        }
    }
}

#[test]
fn a_damaged_block_is_named_and_the_others_are_read() {
    let mut file = layers().build();
    let second = read(&file).0[2].block;
    let at = usize::try_from(second).unwrap() + 3;
    file[at] ^= 1;
    let (entries, errors) = read(&file);
    assert_eq!(keys(&entries), ["", "layer/bias", "other"]);
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0].offset, second);
    assert!(matches!(errors[0].kind, TableErrorKind::Checksum { .. }));
}

#[test]
fn a_footer_alone_names_a_block_that_is_not_there() {
    let (_, errors) = read(&support::footer(&support::handle(0, 0), &support::handle(0, 0)));
    assert!(matches!(errors[..], [TableError { offset: 0, kind: TableErrorKind::Place { .. } }]));
    let (_, errors) = read(&support::footer(&[0xff; 20], &[0xff; 20]));
    assert_eq!(errors, [TableError { offset: 0, kind: TableErrorKind::Handle }]);
}

#[test]
fn another_file_is_told_by_its_magic_number() {
    let (_, errors) = read(&[b'x'; 100]);
    assert_eq!(errors, [TableError { offset: 92, kind: TableErrorKind::Magic(*b"xxxxxxxx") }]);
}

#[test]
fn a_wild_block_handle_is_refused() {
    let wild = [(0, u64::MAX), (u64::MAX, 0), (u64::MAX, u64::MAX), (1 << 40, 8), (0, 1 << 20), (20, 8)];
    for (offset, size) in wild {
        let mut file = Vec::new();
        support::append_block(&mut file, &support::block(&[entry("a")], 1), support::PLAIN);
        let file = support::finish(file, &[(b"a".to_vec(), support::handle(offset, size))]);
        let (entries, errors) = read(&file);
        assert_eq!(entries, []);
        assert!(
            matches!(&errors[..], [TableError { kind: TableErrorKind::Place { start, .. }, .. }] if *start == offset),
            "{errors:?}"
        );
    }
}

#[test]
fn an_index_may_not_go_back_or_stand_still() {
    let mut file = Vec::new();
    let first = support::append_block(&mut file, &support::block(&[entry("a")], 1), support::PLAIN);
    let second = support::append_block(&mut file, &support::block(&[entry("b")], 1), support::PLAIN);
    for again in [&first, &second] {
        let index = [(vec![], second.clone()), (vec![], again.clone()), (vec![], again.clone())];
        let (entries, errors) = read(&support::finish(file.clone(), &index));
        assert_eq!(keys(&entries), ["b"]);
        assert!(matches!(errors[..], [TableError { kind: TableErrorKind::Place { .. }, .. }]), "{errors:?}");
    }
}

#[test]
fn keys_have_to_ascend_within_a_block_and_from_block_to_block() {
    let (entries, errors) = read(&table_of_blocks(&[vec![entry("a"), entry("c"), entry("b"), entry("d")]]));
    assert_eq!(keys(&entries), ["a", "c"]);
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0].kind, TableErrorKind::KeyOrder);

    let (entries, errors) = read(&table_of_blocks(&[vec![entry("b")], vec![entry("b")], vec![entry("c")]]));
    assert_eq!(keys(&entries), ["b", "c"]);
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0].kind, TableErrorKind::KeyOrder);
}

#[test]
fn the_first_key_of_a_block_shares_nothing() {
    let mut file = Vec::new();
    let sharing = [support::entry(1, b"b", b""), vec![0; 4], vec![1, 0, 0, 0]].concat();
    let blocks = [support::block(&[entry("a")], 1), sharing, support::block(&[entry("c")], 1)];
    let index = blocks.map(|block| (vec![], support::append_block(&mut file, &block, support::PLAIN)));
    let (entries, errors) = read(&support::finish(file, &index));
    assert_eq!(keys(&entries), ["a", "c"]);
    assert!(matches!(errors[..], [TableError { kind: TableErrorKind::Entry, .. }]), "{errors:?}");
}

#[test]
fn an_entry_has_to_fit_into_its_block() {
    let good = support::entry(0, b"a", b"value");
    let bad = [
        support::entry(9, b"b", b"shares more than there is"),
        [varint(0), varint(u64::MAX), varint(u64::MAX)].concat(),
        [varint(0), varint(1), varint(1 << 40), b"b".to_vec()].concat(),
        vec![0xff; 11],
        vec![0],
    ];
    for bad in bad {
        let contents = [good.clone(), bad, vec![0; 4], vec![1, 0, 0, 0]].concat();
        let (entries, errors) = read(&support::table_of_block(&contents, support::PLAIN));
        assert_eq!(keys(&entries), ["a"]);
        let offset = good.len() as u64;
        assert_eq!(errors, [TableError { offset, kind: TableErrorKind::Entry }]);
    }
}

#[test]
fn a_block_has_to_hold_its_restart_array() {
    for contents in [&[][..], &[0; 3], &[1, 0, 0, 0], &[0xff; 16]] {
        let (_, errors) = read(&support::table_of_block(contents, support::PLAIN));
        assert_eq!(errors, [TableError { offset: 0, kind: TableErrorKind::Restarts(contents.len()) }]);
    }
}

#[test]
fn an_unknown_compression_is_named() {
    let (_, errors) = read(&support::table_of_block(&[0; 8], 2));
    assert_eq!(errors, [TableError { offset: 0, kind: TableErrorKind::Compression(2) }]);
}

#[test]
fn a_snappy_block_cannot_claim_more_than_snappy_can_hold() {
    let bomb = [varint(u64::from(u32::MAX)), vec![0; 20]].concat();
    let (_, errors) = read(&support::table_of_block(&bomb, support::SNAPPY));
    let claimed = u64::from(u32::MAX);
    assert_eq!(errors, [TableError { offset: 0, kind: TableErrorKind::SnappyLength { compressed: 25, claimed } }]);

    let (_, errors) = read(&support::table_of_block(&[8, 0xff, 0xff], support::SNAPPY));
    assert!(matches!(errors[..], [TableError { offset: 0, kind: TableErrorKind::Snappy(_) }]), "{errors:?}");
}

#[test]
fn the_densest_snappy_is_no_bomb() {
    let zeros = (vec![b'k'], vec![0; 1 << 16]);
    let mut file = Vec::new();
    let handle = support::append_block(&mut file, &support::block(&[zeros], 1), support::SNAPPY);
    assert!(file.len() * 20 < 1 << 16);
    let (entries, errors) = read(&support::finish(file, &[(vec![], handle)]));
    assert_eq!((entries[0].value.len(), errors), (1 << 16, vec![]));
}

#[test]
fn keys_that_expand_without_measure_end_the_reading() {
    // One key of 1 MiB, then keys that share all of it and add a byte: four bytes of file for each MiB.
    let mut contents = support::entry(0, &vec![b'k'; 1 << 20], b"");
    for more in 0..100 {
        contents.extend(support::entry((1 << 20) + more, b"k", b""));
    }
    contents.extend([0, 0, 0, 0, 1, 0, 0, 0]);
    let (entries, errors) = read(&support::table_of_block(&contents, support::PLAIN));
    assert_eq!(entries.len(), 48);
    assert!(matches!(errors[..], [TableError { kind: TableErrorKind::Keys(_), .. }]), "{errors:?}");
}

#[test]
fn entries_that_cost_next_to_nothing_are_counted_as_well() {
    // A million keys of three bytes, which differ in one: four bytes each, and snappy makes one of twenty of them.
    let entries: Vec<_> = (0..1_000_000_u32).map(|n| (n.to_be_bytes()[1..].to_vec(), vec![])).collect();
    let mut file = Vec::new();
    let handle = support::append_block(&mut file, &support::block(&entries, usize::MAX), support::SNAPPY);
    assert!(file.len() < 300_000);
    let (entries, errors) = read(&support::finish(file, &[(vec![], handle)]));
    assert!(entries.len() < 800_000);
    assert!(matches!(errors[..], [TableError { kind: TableErrorKind::Keys(_), .. }]), "{errors:?}");
}

proptest! {
    #[test]
    fn any_entries_come_back_however_they_are_laid_out(
        expected: BTreeMap<Vec<u8>, Vec<u8>>,
        block_entries in 1_usize..9,
        restart_interval in 1_usize..9,
        snappy: bool,
    ) {
        let table = TableBuilder::new().block_entries(block_entries).restart_interval(restart_interval);
        let table = if snappy { table.snappy() } else { table };
        let file = expected.iter().fold(table, |table, (key, value)| table.entry(key.clone(), value.clone())).build();
        let (entries, errors) = read(&file);
        prop_assert_eq!(errors, []);
        let found: BTreeMap<_, _> = entries.into_iter().map(|e| (e.key, e.value.to_vec())).collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn any_block_under_a_right_checksum_is_read_or_refused(
        contents in prop::collection::vec(0_u8..6, 0..60),
        compression in 0_u8..2,
    ) {
        let (entries, errors) = read(&support::table_of_block(&contents, compression));
        prop_assert!(entries.is_sorted_by(|a, b| a.key < b.key) && errors.len() <= 1);
    }

    #[test]
    fn any_index_under_a_right_checksum_is_read_or_refused(handles in prop::collection::vec((0_u64..80, 0_u64..40), 0..9)) {
        let mut file = Vec::new();
        for key in ["a", "b", "c"] {
            support::append_block(&mut file, &support::block(&[entry(key)], 1), support::PLAIN);
        }
        let index: Vec<_> = handles.iter().map(|&(offset, size)| (vec![], support::handle(offset, size))).collect();
        let (entries, errors) = read(&support::finish(file, &index));
        prop_assert!(entries.len().saturating_add(errors.len()) <= index.len());
        prop_assert!(entries.is_sorted_by(|a, b| a.key < b.key));
    }
}
