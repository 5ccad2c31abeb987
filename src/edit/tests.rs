//! Edits of random messages, tables and shards: what is kept is kept byte for byte, and sizes are as said.

#![allow(clippy::arithmetic_side_effects, clippy::cast_possible_truncation)]

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use bytes::Bytes;
use proptest::prelude::*;

use super::bundle::{self, Move, Shard};
use super::fingerprint::{Change, changed};
use super::numbers::{Value, with, without};
use super::recipe::{Piece, Recipe};
use super::splices::Splices;
use super::table;
use super::version::Version;
use crate::checkpoint::table::Table;
use crate::checkpoint::{Bundle, Tensor};
use crate::fingerprint::hash;
use crate::identity::FileId;
use crate::input::Model;
use crate::progress::Silent;
use crate::support::bundle::{BundleBuilder, INDEX};
use crate::support::wire::{Message, message};
use crate::wire::{Field, WireType, fields};

/// A message of strings and of messages of the same kind.
fn messages() -> impl Strategy<Value = Message> {
    let leaf = prop::collection::vec((1_u32..40, prop::collection::vec(any::<u8>(), 0..200)), 0..4)
        .prop_map(|parts| parts.iter().fold(message(), |all, (number, bytes)| all.bytes(*number, bytes)));
    leaf.prop_recursive(4, 60, 6, |inner| {
        prop::collection::vec((1_u32..40, inner), 0..6)
            .prop_map(|parts| parts.iter().fold(message(), |all, (number, part)| all.message(*number, part)))
    })
}

/// What is done to a field, found by going down by these steps: it is deleted, or its payload replaced.
type Edit = (Vec<usize>, Option<Vec<u8>>);

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let with = prop::option::of(prop::collection::vec(any::<u8>(), 1..300));
    prop::collection::vec((prop::collection::vec(0_usize..6, 1..4), with), 0..6)
}

/// A field as a tree: its number, and bytes that are kept, changed, or the fields within.
#[derive(Clone, Debug)]
enum Tree {
    Bytes(Vec<u8>),
    Fields(Vec<(u32, Tree)>),
}

impl Tree {
    /// The bytes of the message, by writing all of it anew.
    fn written(&self) -> Vec<u8> {
        match self {
            Self::Bytes(bytes) => bytes.clone(),
            Self::Fields(fields) => {
                fields.iter().fold(message(), |all, (number, field)| all.bytes(*number, field.written())).0
            }
        }
    }
}

/// Whether a payload is to be gone into as a message: here each that can be walked and has fields.
fn is_message(file: &[u8], range: Range<usize>) -> bool {
    let all: Vec<Field> = fields(file, range.clone()).collect();
    let ends = all.last().is_some_and(|last| last.end == range.end);
    ends && all.iter().all(|field| field.wire_type == WireType::Len)
}

/// The field that some steps lead to, with those around it, the outermost first.
fn path(file: &[u8], steps: &[usize]) -> Option<Vec<Field>> {
    let (mut path, mut range) = (Vec::new(), 0..file.len());
    for step in steps {
        if !is_message(file, range.clone()) {
            break;
        }
        let all: Vec<Field> = fields(file, range).collect();
        let field = all[step % all.len()];
        range = field.payload();
        path.push(field);
    }
    (!path.is_empty()).then_some(path)
}

/// The tree of a message in which the fields that start at these offsets are deleted (`None`) or replaced.
fn tree(file: &[u8], range: Range<usize>, made: &BTreeMap<usize, Option<Vec<u8>>>) -> Tree {
    if !is_message(file, range.clone()) {
        return Tree::Bytes(file[range].to_vec());
    }
    let within = fields(file, range).filter_map(|field| match made.get(&field.start) {
        Some(None) => None,
        Some(Some(with)) => Some((field.number, Tree::Bytes(with.clone()))),
        None => Some((field.number, tree(file, field.payload(), made))),
    });
    Tree::Fields(within.collect())
}

fn applied(recipe: &Recipe, file: &[u8]) -> Vec<u8> {
    let model = Model::in_memory("m", [("f".to_owned(), Bytes::copy_from_slice(file))]);
    let mut out = Vec::new();
    recipe.write(&model, &mut out, &Silent).unwrap();
    assert_eq!(out.len() as u64, recipe.bytes(), "the size is as said");
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn edited_messages_are_those_that_are_written_anew(message in messages(), edits in edits()) {
        let file = message.0;
        let (mut splices, mut made, mut gone) = (Splices::default(), BTreeMap::new(), Vec::new());
        for (steps, with) in edits {
            let Some(path) = path(&file, &steps) else { continue };
            let (field, around) = path.split_last().unwrap();
            let before = splices.clone();
            let done = match &with {
                None => splices.delete(around, field.range()),
                Some(with) => splices.replace(&path, field.payload(), with.clone()),
            };
            if done.is_ok() {
                // What is deleted takes all changes within it along, also those that come later.
                let deletes = with.is_none();
                if !gone.iter().any(|gone: &Range<usize>| gone.contains(&field.start)) {
                    made.insert(field.start, with);
                }
                if deletes {
                    made.retain(|start, with| with.is_none() || !field.range().contains(start));
                    gone.push(field.range());
                }
            } else {
                prop_assert_eq!(&splices, &before, "a conflict changes nothing");
            }
        }
        prop_assert_eq!(splices.applied(&file).unwrap(), tree(&file, 0..file.len(), &made).written());
    }

    #[test]
    fn a_version_knows_which_bytes_of_the_first_are_left(message in messages(), sets in [edits(), edits(), edits()]) {
        let first = Version::from(message.0);
        let mut expected: Vec<Option<usize>> = (0..first.len()).map(Some).collect();
        let mut version = first.clone();
        for edits in sets {
            let mut splices = Splices::default();
            for (steps, with) in edits {
                let Some(path) = path(&version, &steps) else { continue };
                let (field, around) = path.split_last().unwrap();
                // What is in conflict is not done.
                let _ = match with {
                    None => splices.delete(around, field.range()),
                    Some(with) => splices.replace(&path, field.payload(), with),
                };
            }
            for (range, with) in splices.closed(&version).unwrap().into_iter().rev() {
                expected.splice(range, vec![None; with.len()]);
            }
            version = version.edited(&splices).unwrap();
            prop_assert_eq!(&version.origins(), &expected);
            prop_assert!(expected.iter().zip(&*version).all(|(from, byte)| from.is_none_or(|from| first[from] == *byte)));
            let kept: Vec<usize> = version.kept().flatten().collect();
            prop_assert_eq!(kept, expected.iter().flatten().copied().collect::<Vec<_>>());
        }
    }

    #[test]
    fn edits_in_another_order_come_to_the_same(message in messages(), edits in edits()) {
        let file = message.0;
        let all = |edits: &mut dyn Iterator<Item = &Edit>| {
            let mut splices = Splices::default();
            let conflicts = edits.filter_map(|(steps, with)| {
                let path = path(&file, steps)?;
                let (field, around) = path.split_last()?;
                Some(match with {
                    None => splices.delete(around, field.range()),
                    Some(with) => splices.replace(&path, field.payload(), with.clone()),
                })
            }).filter(Result::is_err).count();
            (conflicts == 0).then(|| splices.closed(&file))
        };
        let (forth, back) = (all(&mut edits.iter()), all(&mut edits.iter().rev()));
        if let (Some(forth), Some(back)) = (forth, back) {
            prop_assert_eq!(forth, back);
        }
    }

    #[test]
    fn a_table_that_was_written_reads_the_same(
        entries in prop::collection::btree_map(prop::collection::vec(any::<u8>(), 0..20), prop::collection::vec(any::<u8>(), 0..9_000), 0..60),
    ) {
        let file = table::write(entries.iter().map(|(key, value)| (&**key, &**value)));
        let read = Table::open(file.into()).unwrap();
        let read: BTreeMap<Vec<u8>, Vec<u8>> =
            read.entries().map(|entry| entry.map(|it| (it.key, it.value.to_vec()))).collect::<Result<_, _>>().unwrap();
        prop_assert_eq!(read, entries);
    }

    #[test]
    fn moved_tensors_have_the_bytes_that_they_had(
        data in prop::collection::vec(0_u8..3, 0..120),
        ranges in prop::collection::vec((0_usize..120, 0_usize..40), 0..10),
        drops_unused in any::<bool>(),
        step in prop::sample::select(vec![1_usize, 4]),
    ) {
        let mut bundle = BundleBuilder::default().tensor("!all", &data);
        let mut expected = BTreeMap::new();
        for (number, (start, length)) in ranges.iter().enumerate() {
            let start = (start / step * step).min(data.len());
            let length = (*length).min(data.len() - start);
            expected.insert(format!("t{number:02}"), data[start..start + length].to_vec());
            bundle = bundle.alias(&format!("t{number:02}"), start, length);
        }
        let files: BTreeMap<String, Vec<u8>> = bundle.files().into_iter().collect();
        let index = Bytes::from(files[INDEX].clone());
        // Without the first, which has all of it.
        let (mut read, problems) = Bundle::read(index.clone(), INDEX).unwrap();
        prop_assert_eq!(problems, []);
        let all: Vec<_> = read.tensors.iter().map(|tensor| (tensor.key.clone(), tensor.clone())).collect();
        read.tensors[0].bytes = 0;
        let tensors = &read.tensors;
        // Each takes the place of the first one that is equal.
        let mut instead = BTreeMap::new();
        for (at, tensor) in tensors.iter().enumerate() {
            let of = |tensor: &Tensor| tensor.range().map(|it| &data[it.start as usize..it.end as usize]);
            let same = tensors.iter().take(at).enumerate().find(|(first, it)| {
                of(it).is_some() && of(it) == of(tensor) && !instead.contains_key(first)
            });
            if let Some((_, first)) = same {
                instead.insert(at, (first.shard, first.offset));
            }
        }
        let shards = BTreeMap::from([(0, Shard { file: FileId(0), bytes: data.len() as u64 })]);
        let moved = Move { tensors, shards: &shards, instead: &instead, drops_unused, gone: &BTreeSet::new(), replaced: &BTreeMap::new() }
            .made().unwrap();
        let shard = applied(&moved.shards[&0], &data);
        prop_assert!(shard.len() <= data.len());
        for (tensor, (_, place)) in tensors.iter().zip(&moved.places) {
            let place = *place as usize;
            prop_assert!(place <= shard.len());
            if let Some(bytes) = expected.get(&tensor.key) {
                prop_assert_eq!(&shard[place..place + bytes.len()], &**bytes, "{}", tensor.key);
            }
            if step == 4 && tensors.iter().filter_map(Tensor::range).all(|range| range.start.is_multiple_of(4)) {
                prop_assert!(tensor.range().is_none() || place.is_multiple_of(4), "stays aligned");
            }
        }
        let rewritten = bundle::index(index, tensors, &moved.places).unwrap();
        let (again, _) = Bundle::read(rewritten.into(), INDEX).unwrap();
        for ((tensor, place), (key, old)) in again.tensors.iter().zip(&moved.places).zip(&all) {
            prop_assert_eq!((tensor.shard, tensor.offset), *place);
            prop_assert_eq!((&tensor.key, tensor.crc32c, &tensor.shape), (key, old.crc32c, &old.shape));
        }
    }
}

#[test]
fn what_is_put_into_an_empty_field_goes_with_it() {
    let file = message().message(1, &message().bytes(2, "")).bytes(3, "d").0;
    let outer = fields(&file, 0..file.len()).next().unwrap();
    let inner = fields(&file, outer.payload()).next().unwrap();
    let put = |splices: &mut Splices| splices.replace(&[outer, inner], inner.payload(), "new").unwrap();
    let delete = |splices: &mut Splices| splices.delete(&[outer], inner.range()).unwrap();
    let (mut first, mut last) = (Splices::default(), Splices::default());
    put(&mut first);
    delete(&mut first);
    delete(&mut last);
    put(&mut last);
    for splices in [first, last] {
        let result = splices.applied(&file).unwrap();
        assert_eq!(result, message().message(1, &message()).bytes(3, "d").0);
    }
}

#[test]
fn two_changes_of_the_same_bytes_are_a_conflict_and_the_same_change_is_one() {
    let file = message().bytes(1, "abcdef").0;
    let field = fields(&file, 0..file.len()).next().unwrap();
    let mut splices = Splices::default();
    splices.replace(&[field], 3..5, "X").unwrap();
    splices.replace(&[field], 3..5, "X").unwrap();
    for (range, with) in [(3..5, "Y"), (4..6, "X"), (2..4, ""), (4..4, "Z")] {
        assert!(splices.replace(&[field], range.clone(), with).is_err(), "{range:?} {with}");
    }
    splices.replace(&[field], 5..5, "beside").unwrap();
    assert!(splices.replace(&[field], 5..5, "in which order").is_err());
    let result = splices.applied(&file).unwrap();
    assert_eq!(result, message().bytes(1, "aXbesidedef").0);
}

#[test]
fn a_deletion_takes_changes_within_it_along_in_either_order() {
    let file = message().message(1, &message().bytes(2, "abc")).bytes(3, "d").0;
    let outer = fields(&file, 0..file.len()).next().unwrap();
    let inner = fields(&file, outer.payload()).next().unwrap();
    let change = |splices: &mut Splices| splices.replace(&[outer, inner], inner.payload(), "a longer one").unwrap();
    let delete = |splices: &mut Splices| splices.delete(&[], outer.range()).unwrap();
    let (mut first, mut last) = (Splices::default(), Splices::default());
    change(&mut first);
    delete(&mut first);
    delete(&mut last);
    change(&mut last);
    for splices in [first, last] {
        assert_eq!(splices.applied(&file).unwrap(), message().bytes(3, "d").0);
    }
}

#[test]
fn indexes_that_tensorflow_wrote_come_out_as_they_were() {
    let mut read = 0;
    for model in std::fs::read_dir("fixtures").unwrap() {
        let Ok(index) = std::fs::read(model.unwrap().path().join(INDEX)) else { continue };
        let (bundle, _) = Bundle::read(index.clone().into(), INDEX).unwrap();
        let places: Vec<_> = bundle.tensors.iter().map(|tensor| (tensor.shard, tensor.offset)).collect();
        assert!(bundle::index(index.clone().into(), &bundle.tensors, &places).unwrap() == index);
        read += 1;
    }
    assert!(read > 4, "{read}");
}

#[test]
fn values_are_set_where_they_stand_or_where_they_belong() {
    let old = message().int(1, 7).int(4, 9).bytes(5, "kept").int(4, 10).0;
    let values = [(3, Value::Integer(2)), (4, Value::Integer(300)), (7, Value::Text(b"new"))];
    let expected = message().int(1, 7).int(3, 2).int(4, 300).bytes(5, "kept").bytes(7, "new").0;
    assert_eq!(with(&old, &values).unwrap(), expected);
    assert_eq!(
        with(&expected, &[(3, Value::Integer(0)), (4, Value::Integer(0)), (7, Value::Text(b""))]).unwrap(),
        message().int(1, 7).bytes(5, "kept").0
    );
    assert_eq!(without(&old, &[4]).unwrap().concat(), message().int(1, 7).bytes(5, "kept").0);
    assert_eq!(with(&[0xff], &values), None);
}

#[test]
fn a_fingerprint_that_fits_fits_again_and_one_that_does_not_stays() {
    let (index, main): (Change<'_>, Change<'_>) = (Change { old: b"i", new: b"I" }, Change { old: b"m", new: b"M" });
    let of = |main: &[u8], index: &[u8]| message().int(1, hash(main)).int(2, 5).int(5, hash(index)).0;
    let fits = Bytes::from(of(b"m", b"i"));
    assert_eq!(changed(&fits, None, Some(index)), Some(of(b"m", b"I")));
    assert_eq!(changed(&fits, Some(main), Some(index)), Some(of(b"M", b"I")));
    let other = Bytes::from(of(b"x", b"y"));
    assert_eq!(changed(&other, None, Some(index)), Some(other.to_vec()));
    assert_eq!(changed(&other, Some(main), None), None);
    let drawn = Bytes::from(message().raw(&of(b"m", b"i")).bytes(7, "12345").0);
    let again = changed(&drawn, None, Some(index)).unwrap();
    assert!(again != [of(b"m", b"I"), message().bytes(7, "12345").0].concat(), "another export has another uuid");
    assert_eq!(changed(&drawn, None, Some(index)), Some(again), "the same from the same");
}

#[test]
fn pieces_that_go_on_are_one() {
    let mut recipe = Recipe::default();
    [0..3, 3..5, 7..9].into_iter().for_each(|range| recipe.push(Piece::Kept(FileId(0), range)));
    recipe.push(Piece::New(Bytes::new()));
    assert_eq!(recipe.pieces(), [Piece::Kept(FileId(0), 0..5), Piece::Kept(FileId(0), 7..9)]);
}
