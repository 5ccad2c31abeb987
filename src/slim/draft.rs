//! The files of a model after some steps: made anew for each choice of steps, as it costs no more than the index.

use std::collections::{BTreeMap, BTreeSet};

use thiserror::Error;

use super::facts::Facts;
use crate::checkpoint::layout::INDEX;
use crate::edit::bundle::{self, Move, NotUnderstood};
use crate::edit::fingerprint::{Change, changed};
use crate::edit::{Recipe, Tree};
use crate::fingerprint;
use crate::input::MODEL_FILES;
use crate::report::SlimStep;

/// The steps that are taken.
#[derive(Debug, Clone, Default)]
pub(super) struct Draft(BTreeSet<SlimStep>);

/// Why a step cannot be taken.
#[derive(Debug, Error)]
pub(super) enum Untaken {
    #[error(transparent)]
    Checkpoint(#[from] NotUnderstood),
    #[error("the lengths of the main file's messages cannot be written anew")]
    Main,
}

impl Draft {
    /// These steps and one more.
    pub(super) fn with(&self, step: SlimStep) -> Self {
        let mut steps = self.0.clone();
        steps.insert(step);
        Self(steps)
    }

    fn takes(&self, step: SlimStep) -> bool {
        self.0.contains(&step)
    }

    /// The files after these steps.
    pub(super) fn tree(&self, facts: &Facts<'_>) -> Result<Tree, Untaken> {
        let mut tree = Tree::copy(facts.model);
        if self.takes(SlimStep::StaleFiles) {
            facts.stale.iter().for_each(|name| tree.drop(name));
        }
        let main = self.assets(facts, &mut tree)?;
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

    /// Has copies of assets go; the main file as it is then, if it is another.
    fn assets(&self, facts: &Facts<'_>, tree: &mut Tree) -> Result<Option<Vec<u8>>, Untaken> {
        let [binary, ..] = MODEL_FILES;
        let assets = facts.assets.as_ref().filter(|assets| !assets.edits.is_empty());
        let Some(assets) = assets.filter(|_| self.takes(SlimStep::EqualAssets)) else { return Ok(None) };
        let recipe = assets.edits.recipe(assets.main, &assets.bytes).ok_or(Untaken::Main)?;
        let mut main = Vec::new();
        recipe.write(facts.model, &mut main, &crate::progress::Silent).map_err(|_| Untaken::Main)?;
        tree.put(binary, recipe);
        assets.copies.iter().for_each(|name| tree.drop(name));
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
