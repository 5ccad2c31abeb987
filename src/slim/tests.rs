//! Plans made in memory, and what the proof says of them, of plans that are wrong, and of models that are damaged.

#![allow(clippy::arithmetic_side_effects, clippy::cast_possible_truncation)]

use std::collections::BTreeMap;
use std::path::Path;

use bytes::Bytes;
use prost::Message as _;

use super::{Held, Options, Plan, plan, proof};
use crate::checkpoint::{Bundle, Checkpoint, Tensor};
use crate::edit::{Piece, Recipe, Tree, bundle};
use crate::identity::FileId;
use crate::input::Model;
use crate::progress::Silent;
use crate::proto::{AssetFileDef, SavedModel};
use crate::report::{SlimOutcome, SlimStep};
use crate::support::bundle::{BundleBuilder, DATA, INDEX};
use crate::support::random::Random;
use crate::support::wire::{Message, constant, graph, message, meta_graph, saved_model};

/// The steps of level `safe`.
const SAFE: [SlimStep; 4] = [SlimStep::StaleFiles, SlimStep::EqualAssets, SlimStep::UnusedData, SlimStep::Alias];

/// A model with all that level `safe` is about: tensors that are equal, zeros, data of no tensor, equal assets, stale files.
fn bloated() -> Model {
    let asset = |graph: Message, name: &&str| graph.message(6, &message().bytes(2, name));
    let names = ["a/long/name/words.txt", "labels.txt", "other.txt"];
    let graph = names.iter().fold(meta_graph(&["serve"], &graph(&[constant("c", b"text")])), asset);
    let main = saved_model([&graph]).0;
    let words = "word\n".repeat(100);
    let [(index, index_bytes), (data, data_bytes)] = BundleBuilder::default()
        .tensor("a", &[1; 400])
        .tensor("b", &[0; 300])
        .tensor("unused", &[9; 100])
        .tensor("c", &[1; 400])
        .string("d", b"a string")
        .tensor("e", &[0; 200])
        .alias("f", 0, 400)
        .alias("g", 100, 20)
        .files();
    // The tensor `unused` goes from the index, and its data stays.
    let (read, _) = Bundle::read(index_bytes.clone().into(), INDEX).unwrap();
    let table = crate::checkpoint::table::Table::open(index_bytes.into()).unwrap();
    let entries: Vec<_> = table.entries().map(Result::unwrap).filter(|entry| entry.key != b"unused").collect();
    assert_eq!(entries.len(), read.tensors.len());
    let index_bytes = crate::edit::table::write(entries.iter().map(|entry| (&*entry.key, &*entry.value)));
    let files: [(&str, Vec<u8>); 8] = [
        ("saved_model.pb", main),
        (&index, index_bytes),
        (&data, data_bytes),
        ("assets/a/long/name/words.txt", words.clone().into()),
        ("assets/labels.txt", words.into()),
        ("assets/other.txt", b"other".to_vec()),
        ("variables/variables.data-00000-of-00002", vec![7; 500]),
        ("notes.txt", b"of the user".to_vec()),
    ];
    Model::in_memory("bloated", files.map(|(name, bytes)| (name.to_owned(), Bytes::from(bytes))))
}

/// The model that a plan would write.
fn made(model: &Model, tree: &Tree) -> Model {
    let file = |(name, recipe): (&str, &Recipe)| {
        let mut bytes = Vec::new();
        recipe.write(model, &mut bytes, &Silent).unwrap();
        (name.to_owned(), Bytes::from(bytes))
    };
    Model::in_memory("made", tree.files().map(file))
}

fn planned<'m>(model: &'m Model, skip: &[SlimStep]) -> Plan<'m> {
    plan(model, &Options { skip: skip.to_vec(), ..Options::default() }, &Silent).unwrap()
}

/// A tensor's key, type, shape, checksum and bytes.
type TensorSeen = (String, i32, Vec<i64>, u32, Bytes);

/// Whether two models are the same to who loads them: by other code than the proof's, as tests have room for it.
fn is_same(old: &Model, new: &Model) -> bool {
    let tensors = |model: &Model| -> Option<Vec<TensorSeen>> {
        let files: Vec<(String, u64)> = model.files.iter().map(|file| (file.name.clone(), file.bytes)).collect();
        let files: Vec<_> = files.into_iter().filter(|(name, _)| name.starts_with("variables/")).collect();
        let checkpoint = Checkpoint::read(&files, |name| Ok(model.file(name).unwrap().contents().unwrap()))?;
        assert!(checkpoint.problems.is_empty(), "{:?}", checkpoint.problems);
        let shard = |number| checkpoint.shards().find(|(shard, _)| *shard == number).unwrap().1.path.clone();
        let of = |tensor: &Tensor| {
            let bytes = tensor.range().map_or(Bytes::new(), |range| {
                model
                    .file(&shard(tensor.shard))
                    .unwrap()
                    .contents()
                    .unwrap()
                    .slice(range.start as usize..range.end as usize)
            });
            (tensor.key.clone(), tensor.dtype, tensor.shape.clone(), tensor.crc32c, bytes)
        };
        Some(checkpoint.bundle.tensors.iter().map(of).collect())
    };
    // The main file with the contents of assets in the place of their names.
    let main = |model: &Model| {
        let bytes = model.file("saved_model.pb").unwrap().contents().unwrap();
        // What cannot be decoded has a string that is none, and is compared by the proof only.
        let mut main = SavedModel::decode(bytes).ok()?;
        let named = |asset: &mut AssetFileDef| {
            let file = model.file(&format!("assets/{}", asset.filename));
            asset.filename = format!("{:?}", file.map(|file| file.contents().unwrap()));
        };
        main.meta_graphs.iter_mut().flat_map(|graph| &mut graph.asset_file_def).for_each(named);
        Some(main)
    };
    let others = |model: &Model| -> BTreeMap<String, Bytes> {
        let is_other =
            |name: &str| !["variables/", "assets/", "saved_model", "fingerprint"].iter().any(|it| name.starts_with(it));
        model.files.iter().filter(|it| is_other(&it.name)).map(|it| (it.name.clone(), it.contents().unwrap())).collect()
    };
    let parts = [tensors(old) == tensors(new), main(old) == main(new), others(old) == others(new)];
    parts == [true; 3]
}

fn contents(model: &Model) -> BTreeMap<String, Bytes> {
    model.files.iter().map(|file| (file.name.clone(), file.contents().unwrap())).collect()
}

#[test]
fn every_step_saves_what_it_says_and_the_result_is_proven() {
    let model = bloated();
    let plan = planned(&model, &[]);
    assert_eq!(plan.report.outcome, SlimOutcome::Smaller, "{:?}", plan.report);
    let steps: Vec<SlimStep> = plan.report.steps.iter().map(|saving| saving.step).collect();
    assert_eq!(steps, SAFE);
    let result = made(&model, plan.tree());
    assert_eq!(result.bytes(), plan.report.new_bytes);
    let saved: i64 = plan.report.steps.iter().map(|saving| saving.saved_bytes).sum();
    assert_eq!(saved, i64::try_from(model.bytes() - result.bytes()).unwrap());
    assert_eq!(plan.prove(&result, &Held::default(), &Silent).unwrap(), [""; 0]);
    assert!(is_same(&model, &result));
    // One `c`, the larger zeros, the string; `g` is within `a`.
    assert_eq!(result.file(DATA).unwrap().bytes, 400 + 300 + 1 + 4 + 8);
    assert!(result.file("notes.txt").is_some() && result.file("assets/labels.txt").is_none());
}

#[test]
fn steps_that_are_left_out_are_not_taken() {
    let model = bloated();
    for step in SAFE {
        let plan = planned(&model, &[step]);
        assert!(plan.report.steps.iter().all(|saving| saving.step != step) && plan.report.steps.len() == 3);
        let result = made(&model, plan.tree());
        assert_eq!(plan.prove(&result, &Held::default(), &Silent).unwrap(), [""; 0], "without {step:?}");
        assert!(is_same(&model, &result));
    }
    assert_eq!(planned(&model, &SAFE).report.outcome, SlimOutcome::NothingToGain);
}

#[test]
fn data_behind_all_tensors_goes_and_the_index_stays() {
    let mut files = contents(&made(&bloated(), planned(&bloated(), &[]).tree()));
    let shard = [&files[DATA][..], b"left behind"].concat();
    files.insert(DATA.to_owned(), shard.into());
    let model = Model::in_memory("longer", files);
    let plan = planned(&model, &[]);
    assert_eq!((plan.report.saved_bytes, plan.report.steps.len()), (11, 1), "{:?}", plan.report);
    let result = made(&model, plan.tree());
    assert_eq!(plan.prove(&result, &Held::default(), &Silent).unwrap(), [""; 0]);
    assert!(is_same(&model, &result));
    assert_eq!(contents(&result)[INDEX], contents(&model)[INDEX]);
}

#[test]
fn what_was_made_smaller_has_nothing_more_to_gain() {
    let model = bloated();
    let result = made(&model, planned(&model, &[]).tree());
    assert_eq!(planned(&result, &[]).report.outcome, SlimOutcome::NothingToGain);
}

#[test]
fn a_model_with_a_problem_is_refused() {
    let mut files = contents(&bloated());
    let mut shard = files[DATA].to_vec();
    shard[3] ^= 1;
    files.insert(DATA.to_owned(), shard.into());
    let model = Model::in_memory("damaged", files);
    let plan = planned(&model, &[]);
    assert_eq!(plan.report.outcome, SlimOutcome::Refused);
    assert!(plan.report.problems[0].message.contains("CRC32C"), "{:?}", plan.report.problems);
}

/// A plan that is wrong in one way.
fn mutant(model: &Model, tree: &Tree, random: &mut Random) -> Tree {
    let mut mutant = tree.clone();
    let files: Vec<(String, Recipe)> = tree.files().map(|(name, recipe)| (name.to_owned(), recipe.clone())).collect();
    let (name, recipe) = &files[random.below(files.len())];
    let mut pieces = recipe.pieces().to_vec();
    let of = |pieces: &[Piece]| {
        let mut recipe = Recipe::default();
        pieces.iter().for_each(|piece| recipe.push(piece.clone()));
        recipe
    };
    let at = random.below(pieces.len());
    match random.below(8) {
        0 => mutant.drop(name),
        1 => mutant.put(&format!("{name}2"), recipe.clone()),
        2 if !pieces.is_empty() => {
            pieces.remove(at);
            mutant.put(name, of(&pieces));
        }
        3 if pieces.len() > 1 => {
            let other = random.below(pieces.len());
            pieces.swap(at, other);
            mutant.put(name, of(&pieces));
        }
        4 => match pieces.get_mut(at) {
            Some(Piece::Kept(file, range)) => {
                let by = 1 + random.below(8) as u64;
                let size = model.files[file.position()].bytes;
                *range = if random.below(2) == 0 {
                    range.start + by.min(range.end - range.start)..range.end
                } else {
                    range.start..(range.end + by).min(size)
                };
                mutant.put(name, of(&pieces));
            }
            _ => mutant.drop(name),
        },
        5 => {
            let other = FileId::at(random.below(model.files.len()));
            mutant.put(name, Recipe::copy(other, model.files[other.position()].bytes));
        }
        // An index that is whole, of tensors that lie elsewhere.
        _ => {
            let result = made(model, tree);
            let index = result.file(INDEX).unwrap().contents().unwrap();
            let (read, _) = Bundle::read(index.clone(), INDEX).unwrap();
            let mut places: Vec<_> = read.tensors.iter().map(|tensor| (tensor.shard, tensor.offset)).collect();
            let moved = random.below(places.len());
            places[moved] =
                if random.below(2) == 0 { places[random.below(places.len())] } else { (0, random.below(800) as u64) };
            mutant.put(INDEX, Recipe::of(bundle::index(index, &read.tensors, &places).unwrap()));
        }
    }
    mutant
}

#[test]
fn no_plan_that_is_wrong_gets_past_the_proof() {
    let fixture = Model::read(Path::new("fixtures/keras-export"), "keras-export");
    for (model, rounds) in [(bloated(), 900), (fixture, 100)] {
        let (plan, mut random, mut noticed) = (planned(&model, &[]), Random(7), 0);
        let right = contents(&made(&model, plan.tree()));
        for _ in 0..rounds {
            let result = made(&model, &mutant(&model, plan.tree(), &mut random));
            if proof::reasons(&model, &result, &[], &proof::Kept::default(), &Held::default(), &Silent)
                .unwrap()
                .is_empty()
            {
                assert!(contents(&result) == right || is_same(&model, &result), "a wrong plan was taken for right");
            } else {
                noticed += 1;
            }
        }
        assert!(noticed > rounds / 2, "{noticed} of {rounds}");
    }
}

#[test]
fn no_damage_to_a_model_makes_a_wrong_one() {
    let fixture = Model::read(Path::new("fixtures/keras-export"), "keras-export");
    let (mut written, mut random) = (0, Random(11));
    for (model, rounds) in [(bloated(), 600), (fixture, 60)] {
        for _ in 0..rounds {
            let mut files = contents(&model);
            let name = files.keys().nth(random.below(files.len())).unwrap().clone();
            let mut bytes = files[&name].to_vec();
            for _ in 0..=random.below(3) {
                let at = random.below(bytes.len());
                match random.below(4) {
                    0 => bytes.truncate(at),
                    1 => bytes.insert(at.min(bytes.len()), random.below(256) as u8),
                    _ => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1 << random.below(8)),
                }
            }
            files.insert(name.clone(), bytes.into());
            let damaged = Model::in_memory("damaged", files);
            let plan = planned(&damaged, &[]);
            if plan.report.outcome == SlimOutcome::Smaller {
                let result = made(&damaged, plan.tree());
                if plan.prove(&result, &Held::default(), &Silent).unwrap().is_empty() {
                    assert!(is_same(&damaged, &result), "{name}");
                    written += 1;
                }
            }
        }
    }
    assert!(written > 20, "{written}: files of the user may be damaged");
}
