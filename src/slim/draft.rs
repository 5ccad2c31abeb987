//! The files of a model after some steps: made anew for each choice of steps, as it costs no more than the index.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use bytes::Bytes;
use thiserror::Error;

use super::Wanted;
use super::alias::Equal;
use super::assets;
use super::facts::{Bundle, Facts};
use super::steps::{self, NotTaken, Parts, Stored};
use crate::charge::Form;
use crate::checkpoint::layout::INDEX;
use crate::checkpoint::object_graph;
use crate::edit::bundle::{self, Move, NotUnderstood};
use crate::edit::fingerprint::{Change, changed};
use crate::edit::{Conflict, Recipe, Tree, Version};
use crate::fingerprint;
use crate::input::MODEL_FILES;
use crate::input::layout::KERAS_METADATA;
use crate::report::{SlimLevel, SlimStep};
use crate::text;

/// The steps that are taken, and what those make of the main file that rewrite it.
#[derive(Debug, Clone, Default)]
pub(super) struct Draft {
    /// What is promised.
    level: SlimLevel,
    steps: BTreeSet<SlimStep>,
    /// What is rewritten; `None` while nothing is.
    parts: Option<Parts>,
    /// What is equal among the tensors that stay; `alias` is the last step, so no other takes one of them away.
    equal: Option<Rc<Equal>>,
    /// What the last step did, if it found that out.
    words: Option<String>,
}

/// Why a step cannot be taken.
#[derive(Debug, Error)]
pub(super) enum Untaken {
    #[error(transparent)]
    Checkpoint(#[from] NotUnderstood),
    #[error("the lengths of the main file's messages cannot be written anew")]
    Main,
    #[error("the text has fields that are not known here")]
    Unknown,
    #[error("a main file in binary may have 2 GiB at most")]
    Large,
    #[error(transparent)]
    Step(#[from] NotTaken),
    #[error(transparent)]
    Conflict(#[from] Conflict),
}

impl Draft {
    /// No steps yet.
    pub(super) fn at(level: SlimLevel) -> Self {
        Self { level, ..Self::default() }
    }

    /// These steps and one more.
    pub(super) fn with(&self, step: SlimStep, facts: &Facts<'_>, wanted: &Wanted) -> Result<Self, Untaken> {
        let mut next = Self { words: None, ..self.clone() };
        next.steps.insert(step);
        if let (SlimStep::Alias, Some(found)) = (step, &facts.bundle) {
            let equal = found.equal_but(&next.gone(), &next.objects(found)?.0);
            next.words = Some(equal.words());
            next.equal = Some(Rc::new(equal));
        }
        let Some(main) = facts.assets.as_ref().filter(|_| step.level() > SlimLevel::Safe) else { return Ok(next) };
        if step == SlimStep::TextMainFile && main.main.1 == Form::Text {
            next.parts = Some(Parts { main: in_binary(&main.bytes)?.into(), ..Parts::default() });
            return Ok(next);
        }
        if step == SlimStep::ChunkedMainFile && main.main.1 == Form::Chunked {
            next.parts = Some(Parts { main: main.bytes.clone().into(), ..Parts::default() });
            return Ok(next);
        }
        if main.main.1 != Form::Binary && self.parts.is_none() {
            return Ok(next);
        }
        let first = || Parts { main: main.bytes.clone().into(), ..Parts::default() };
        let parts = self.parts.clone().unwrap_or_else(first);
        let stored = facts.bundle.as_ref().map(|bundle| Stored {
            tensors: &bundle.checkpoint.bundle.tensors,
            tracked: bundle.tracked.clone(),
            has_keras: facts.has_keras && !self.takes(SlimStep::KerasMetadata),
            has_layers: !self.takes(SlimStep::OtherFunctions),
            keeps_defined: self.level < SlimLevel::Serving,
            shards: &bundle.contents,
        });
        if let Some((mut parts, words)) = steps::rewritten(step, &parts, stored.as_ref(), wanted)? {
            // What only stayed as it was called on the way to another one.
            if step == SlimStep::Forward && self.takes(SlimStep::OtherFunctions) {
                let fewer = steps::rewritten(SlimStep::OtherFunctions, &parts, stored.as_ref(), wanted)?;
                parts = fewer.map_or(parts, |(fewer, _)| fewer);
            }
            (next.parts, next.words) = (Some(parts), Some(words));
        }
        Ok(next)
    }

    /// What the last step did, where that is known here.
    pub(super) fn words(&self) -> Option<&str> {
        self.words.as_deref()
    }

    /// The tensors that are not there any more.
    fn gone(&self) -> BTreeSet<usize> {
        self.parts.as_ref().map(|parts| parts.gone.clone()).unwrap_or_default()
    }

    fn takes(&self, step: SlimStep) -> bool {
        self.steps.contains(&step)
    }

    /// The files after these steps.
    pub(super) fn tree(&self, facts: &Facts<'_>) -> Result<Tree, Untaken> {
        let mut tree = Tree::copy(facts.model);
        if self.takes(SlimStep::StaleFiles) {
            facts.stale.iter().for_each(|name| tree.drop(name));
        }
        if self.takes(SlimStep::KerasMetadata) {
            tree.drop(KERAS_METADATA);
        }
        if self.takes(SlimStep::DebugInfo) {
            facts.debug.iter().for_each(|name| tree.drop(name));
        }
        let main = self.main(facts)?;
        if let (Some(main), Some(assets)) = (&main, &facts.assets) {
            let [binary, ..] = MODEL_FILES;
            tree.drop(&assets.main.0);
            tree.put(binary, Recipe::of(main.bytes().clone()));
            let copies = assets.copies.keys().filter(|_| self.takes(SlimStep::EqualAssets));
            copies.for_each(|name| tree.drop(name));
        }
        if let (Some(new), Some(old)) =
            (self.parts.as_ref().filter(|_| self.takes(SlimStep::Metagraphs)), &facts.assets)
        {
            let kept = assets::named(&new.main);
            assets::named(&old.bytes).difference(&kept).for_each(|name| tree.drop(name));
        }
        let index = self.checkpoint(facts, &mut tree)?;
        if let Some(fingerprint) = facts.fingerprint.as_ref().filter(|_| main.is_some() || index.is_some()) {
            let old = facts.assets.as_ref().map_or(&[][..], |assets| &assets.bytes);
            let main = main.as_deref().map(|new| Change { old, new });
            let old = facts.bundle.as_ref().map_or(&[][..], |bundle| &bundle.index);
            let index = index.as_deref().map(|new| Change { old, new });
            // Its other hashes are of a graph as it was before.
            match changed(fingerprint, main, index).filter(|_| self.parts.is_none()) {
                Some(changed) => tree.put(fingerprint::FILE, Recipe::of(changed)),
                None => tree.drop(fingerprint::FILE),
            }
        }
        Ok(tree)
    }

    /// The main file as it is then, if it is another.
    pub(super) fn main(&self, facts: &Facts<'_>) -> Result<Option<Version>, Untaken> {
        let Some(assets) = facts.assets.as_ref() else { return Ok(None) };
        let old = self.parts.as_ref().map(|parts| parts.main.clone());
        if assets.main.1 != Form::Binary && old.is_none() {
            return Ok(None);
        }
        if !self.takes(SlimStep::EqualAssets) || assets.copies.is_empty() {
            return Ok(old);
        }
        let old = old.unwrap_or_else(|| assets.bytes.clone().into());
        Ok(Some(old.edited(&assets.renames(&old)?).ok_or(Untaken::Main)?))
    }

    /// The objects of the checkpoint as they are then, if they are others.
    pub(super) fn tracked(&self) -> Option<&Version> {
        self.parts.as_ref().and_then(|parts| parts.tracked.as_ref())
    }

    /// Moves tensors; the index as it is then, if it is another.
    fn checkpoint(&self, facts: &Facts<'_>, tree: &mut Tree) -> Result<Option<Vec<u8>>, Untaken> {
        let (drops_unused, gone, nobody) = (self.takes(SlimStep::UnusedData), &self.gone(), BTreeMap::new());
        let takes =
            drops_unused || self.equal.is_some() || self.parts.as_ref().is_some_and(|parts| parts.tracked.is_some());
        let Some(found) = facts.bundle.as_ref().filter(|_| takes || !gone.is_empty()) else { return Ok(None) };
        let tensors = &found.checkpoint.bundle.tensors;
        let (replaced, contents) = self.objects(found)?;
        let instead = self.equal.as_ref().map_or(&nobody, |equal| &equal.instead);
        let moved = Move { tensors, shards: &found.shards, instead, drops_unused, gone, replaced: &replaced }.made()?;
        let mut is_changed = false;
        for (shard, recipe) in moved.shards {
            let name = found.name(facts.model, shard).ok_or(NotUnderstood::Range)?;
            is_changed |= tree.get(name) != Some(&recipe);
            tree.put(name, recipe);
        }
        if !is_changed {
            return Ok(None);
        }
        let index = bundle::index_of(found.index.clone(), tensors, &moved.places, gone, &contents)?;
        if found.index == index {
            // What went was behind all tensors.
            return Ok(None);
        }
        tree.put(INDEX, Recipe::of(index.clone()));
        Ok(Some(index))
    }

    /// The tensor of the checkpoint's objects, where it has other bytes: these, and what the index says of them.
    #[expect(clippy::type_complexity, reason = "two maps by the same position")]
    fn objects(&self, found: &Bundle) -> Result<(BTreeMap<usize, Bytes>, BTreeMap<usize, (u64, u32)>), Untaken> {
        let (mut replaced, mut contents) = (BTreeMap::new(), BTreeMap::new());
        if let Some(new) = self.tracked().filter(|new| found.tracked.as_ref() != Some(*new)) {
            let bundle = &found.checkpoint.bundle;
            let position = bundle.tensors.iter().position(|tensor| tensor.key == object_graph::KEY);
            let tensor = bundle::string_tensor(new, bundle.big_endian);
            let (Some(position), Some((bytes, crc))) = (position, tensor) else {
                return Err(NotUnderstood::Entries.into());
            };
            contents.insert(position, (bytes.len() as u64, crc));
            replaced.insert(position, bytes);
        }
        Ok((replaced, contents))
    }
}

/// Whether a main file in binary has no more than protobuf takes.
pub(super) fn is_loadable(main: &[u8]) -> bool {
    i32::try_from(main.len()).is_ok()
}

/// A main file that was text as one in binary. A loader reads binary first (`tensorflow/cc/saved_model/reader.cc`).
fn in_binary(wire: &Bytes) -> Result<Bytes, Untaken> {
    if !is_loadable(wire) {
        return Err(Untaken::Large);
    }
    if text::is_understood(wire) { Ok(wire.clone()) } else { Err(Untaken::Unknown) }
}
