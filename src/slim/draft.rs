//! The files of a model after some steps: made anew for each choice of steps, as it costs no more than the index.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use thiserror::Error;

use super::facts::Facts;
use super::steps::{self, NotTaken};
use crate::checkpoint::layout::INDEX;
use crate::edit::bundle::{self, Move, NotUnderstood};
use crate::edit::fingerprint::{Change, changed};
use crate::edit::{Conflict, Recipe, Tree};
use crate::fingerprint;
use crate::input::MODEL_FILES;
use crate::report::{SlimLevel, SlimStep};

/// The steps that are taken, and what those make of the main file that rewrite it.
#[derive(Debug, Clone, Default)]
pub(super) struct Draft {
    steps: BTreeSet<SlimStep>,
    main: Option<Bytes>,
    /// What the last step did, if it rewrote something.
    words: Option<String>,
}

/// Why a step cannot be taken.
#[derive(Debug, Error)]
pub(super) enum Untaken {
    #[error(transparent)]
    Checkpoint(#[from] NotUnderstood),
    #[error("the lengths of the main file's messages cannot be written anew")]
    Main,
    #[error(transparent)]
    Step(#[from] NotTaken),
    #[error(transparent)]
    Conflict(#[from] Conflict),
}

impl Draft {
    /// These steps and one more.
    pub(super) fn with(&self, step: SlimStep, facts: &Facts<'_>) -> Result<Self, Untaken> {
        let mut next = Self { words: None, ..self.clone() };
        next.steps.insert(step);
        let main = self.main.as_ref().or_else(|| facts.assets.as_ref().map(|assets| &assets.bytes));
        if let Some(main) = main.filter(|_| step.level() > SlimLevel::Safe)
            && let Some((main, words)) = steps::rewritten(step, main)?
        {
            (next.main, next.words) = (Some(main), Some(words));
        }
        Ok(next)
    }

    /// What the last step did, where that is known here.
    pub(super) fn words(&self) -> Option<&str> {
        self.words.as_deref()
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
        if self.takes(SlimStep::DebugInfo) {
            facts.debug.iter().for_each(|name| tree.drop(name));
        }
        let main = self.main(facts, &mut tree)?;
        let index = self.checkpoint(facts, &mut tree)?;
        if let Some(fingerprint) = facts.fingerprint.as_ref().filter(|_| main.is_some() || index.is_some()) {
            let old = facts.assets.as_ref().map_or(&[][..], |assets| &assets.bytes);
            let main = main.as_deref().map(|new| Change { old, new });
            let old = facts.bundle.as_ref().map_or(&[][..], |bundle| &bundle.index);
            let index = index.as_deref().map(|new| Change { old, new });
            match changed(fingerprint, main, index) {
                Some(changed) => tree.put(fingerprint::FILE, Recipe::of(changed)),
                None => tree.drop(fingerprint::FILE),
            }
        }
        Ok(tree)
    }

    /// The main file as it is then, if it is another; copies of assets go.
    fn main(&self, facts: &Facts<'_>, tree: &mut Tree) -> Result<Option<Vec<u8>>, Untaken> {
        let [binary, ..] = MODEL_FILES;
        let Some(assets) = facts.assets.as_ref() else { return Ok(None) };
        if !self.takes(SlimStep::EqualAssets) || assets.copies.is_empty() {
            let main = self.main.as_ref();
            main.iter().for_each(|main| tree.put(binary, Recipe::of(Bytes::clone(main))));
            return Ok(main.map(|main| main.to_vec()));
        }
        let edits = assets.renames(self.main.as_ref().unwrap_or(&assets.bytes))?;
        let main = match &self.main {
            None => {
                let recipe = edits.recipe(assets.main, &assets.bytes).ok_or(Untaken::Main)?;
                let mut main = Vec::new();
                recipe.write(facts.model, &mut main, &crate::progress::Silent).map_err(|_| Untaken::Main)?;
                tree.put(binary, recipe);
                main
            }
            Some(main) => {
                let main = edits.applied(main).ok_or(Untaken::Main)?;
                tree.put(binary, Recipe::of(main.clone()));
                main
            }
        };
        assets.copies.keys().for_each(|name| tree.drop(name));
        Ok(Some(main))
    }

    /// Moves tensors; the index as it is then, if it is another.
    fn checkpoint(&self, facts: &Facts<'_>, tree: &mut Tree) -> Result<Option<Vec<u8>>, Untaken> {
        let (drops_unused, aliases) = (self.takes(SlimStep::UnusedData), self.takes(SlimStep::Alias));
        let Some(found) = facts.bundle.as_ref().filter(|_| drops_unused || aliases) else { return Ok(None) };
        let (tensors, nowhere) = (&found.checkpoint.bundle.tensors, BTreeMap::new());
        let instead = if aliases { &found.equal.instead } else { &nowhere };
        let moved = Move { tensors, shards: &found.shards, instead, drops_unused }.made()?;
        let mut is_changed = false;
        for (shard, recipe) in moved.shards {
            let name = found.name(facts.model, shard).ok_or(NotUnderstood::Range)?;
            is_changed |= tree.get(name) != Some(&recipe);
            tree.put(name, recipe);
        }
        if !is_changed {
            return Ok(None);
        }
        let index = bundle::index(found.index.clone(), tensors, &moved.places)?;
        if found.index == index {
            // What went was behind all tensors.
            return Ok(None);
        }
        tree.put(INDEX, Recipe::of(index.clone()));
        Ok(Some(index))
    }
}
