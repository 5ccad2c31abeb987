//! Objects of Python that serving does without: layers, their lists, and what Keras says of them.
//!
//! A loader finds a variable by the names that lead to it from the root, in the model and in the checkpoint alike
//! (`tensorflow/python/checkpoint/restore.py`). So one path to each variable stays, the shortest, through lists where there is one. What
//! is a function that can be called, or may be made by a class that wants its variables, stays as well.

use std::collections::{HashMap, HashSet};

use super::{NotTaken, Parts, Stored};
use crate::edit::Splices;
use crate::message::constants::{KERAS_OBJECT, SIGNATURES};
use crate::message::number::saved_object::USER_OBJECT;
use crate::message::number::saved_user_object::METADATA;
use crate::message::saved_object::Kind;
use crate::size::plural;
use crate::slim::Wanted;
use crate::slim::objects::{Objects, position};
use crate::slim::program::programs;
use crate::wire::{Field, fields};

/// Objects go that no kept signature needs.
pub(super) fn other_objects(
    parts: &Parts,
    stored: &Stored<'_>,
    wanted: &Wanted,
) -> Result<Option<(Parts, String)>, NotTaken> {
    let programs = programs(&parts.main)?;
    let tracked = parts.tracked.as_ref().or(stored.tracked.as_ref());
    // Keras' metadata are about objects by their numbers.
    let Some(graph) = tracked.filter(|_| !stored.has_keras) else { return Ok(None) };
    let Some(objects) = Objects::read(&programs, Some(graph))? else { return Ok(None) };
    let kept = Kept::of(&objects, wanted);
    let gone: HashSet<usize> = (0..objects.saved.len()).filter(|at| !kept.has(*at)).collect();
    let mut edits = Splices::default();
    objects.emptied(&mut edits, &gone)?;
    metadata(&objects, &kept, &mut edits)?;
    // Those behind all that stay have no number that anything names.
    let last = (0..objects.saved.len()).rev().find(|at| kept.has(*at)).unwrap_or_default();
    for (placed, ..) in objects.saved.iter().skip(last.saturating_add(1)) {
        edits.delete(&placed.within, placed.field.range())?;
    }
    let main = parts.main.edited(&edits).ok_or(NotTaken::Lengths)?;
    let tracked = graph.edited(&objects.tracked_without(&unneeded(&objects, &kept))?).ok_or(NotTaken::Lengths)?;
    let words = format!("{} that no kept signature needs", plural(gone.len() as u64, "object", "objects"));
    Ok(Some((Parts { main, tracked: Some(tracked), ..parts.clone() }, words)))
}

/// What Keras says of objects, from which its loader makes layers, goes.
fn metadata(objects: &Objects<'_, '_>, kept: &Kept, edits: &mut Splices) -> Result<(), NotTaken> {
    for (at, (placed, _, kind)) in objects.saved.iter().enumerate() {
        if !kept.has(at) || !kind.identifier().starts_with(KERAS_OBJECT) {
            continue;
        }
        let path = placed.path();
        for user in fields(objects.file, placed.field.payload()).filter(|field| field.is_len(USER_OBJECT)) {
            let within: Vec<Field> = path.iter().copied().chain([user]).collect();
            for said in fields(objects.file, user.payload()).filter(|field| field.is_len(METADATA)) {
                edits.delete(&within, said.range())?;
            }
        }
    }
    Ok(())
}

/// The objects of the checkpoint that hold nothing and are on no path to what stays.
fn unneeded(objects: &Objects<'_, '_>, kept: &Kept) -> HashSet<usize> {
    let tied = objects.tied.iter().enumerate().filter(|(at, _)| kept.has(*at)).filter_map(|(_, tied)| *tied);
    let mut needed: HashSet<usize> = tied.chain([0]).collect();
    for (at, object) in objects.tracked.iter().enumerate() {
        if !object.values.is_empty() {
            needed.insert(at);
        }
    }
    (0..objects.tracked.len()).filter(|at| !needed.contains(at)).collect()
}

/// The objects that stay.
struct Kept(Vec<bool>);

impl Kept {
    fn has(&self, object: usize) -> bool {
        self.0.get(object).is_some_and(|kept| *kept)
    }

    /// Keeps an object; whether it was not kept before.
    fn keep(&mut self, object: usize) -> bool {
        self.0.get_mut(object).is_some_and(|kept| !std::mem::replace(kept, true))
    }

    fn of(objects: &Objects<'_, '_>, wanted: &Wanted) -> Self {
        let mut kept = Self(vec![false; objects.saved.len()]);
        let (paths, mut whole) = (paths(objects), HashSet::new());
        let mut open: Vec<usize> = (0..objects.saved.len()).filter(|at| *at == 0 || is_needed(objects, *at)).collect();
        open.extend(objects.captured.iter().map(|captured| position(*captured)));
        open.extend(wanted.functions.iter().filter_map(|names| objects.path(names)).flatten());
        open.extend(objects.children(0).filter(|(name, _)| *name == SIGNATURES).map(|(_, child)| child));
        while let Some(at) = open.pop() {
            if !kept.keep(at) {
                continue;
            }
            open.extend(paths.get(at).copied().flatten());
            let Some((_, object, kind)) = objects.saved.get(at) else { continue };
            open.extend(object.dependencies().map(|child| position(child.node)));
            open.extend(object.slots().flat_map(|(_, one, other)| [position(one), position(other)]));
            let is_whole = objects.is_of_class(at)
                || matches!(kind, Kind::Resource(_))
                || matches!(kind, Kind::User(_)) && objects.captured.contains(&(at as u64));
            if is_whole {
                open.extend(below(objects, at, &mut whole));
            }
        }
        kept
    }
}

/// Whether an object stays for its own sake.
fn is_needed(objects: &Objects<'_, '_>, at: usize) -> bool {
    match objects.saved.get(at) {
        Some((_, _, kind @ Kind::Function(_))) => !kind.functions().is_empty(),
        Some((_, _, Kind::User(_) | Kind::None)) => objects.is_of_class(at),
        other => other.is_some(),
    }
}

/// The children of an object, and those of lists among them, which are seen once.
fn below(objects: &Objects<'_, '_>, object: usize, seen: &mut HashSet<usize>) -> Vec<usize> {
    let (mut all, mut open) = (Vec::new(), vec![object]);
    while let Some(at) = open.pop() {
        if !seen.insert(at) {
            continue;
        }
        for (_, child) in objects.children(at) {
            all.push(child);
            if objects.is_plain(child) {
                open.push(child);
            }
        }
    }
    all
}

/// From which object the shortest path from the root comes to each. Paths that the checkpoint has as well come first, as variables are
/// restored along these; and of these the ones through lists.
fn paths(objects: &Objects<'_, '_>) -> Vec<Option<usize>> {
    let mut paths = vec![None; objects.saved.len()];
    let mut seen = HashSet::from([0]);
    let mut reached = vec![0];
    for in_checkpoint in [true, false] {
        let mut level = reached.clone();
        while !level.is_empty() {
            level.sort_by_key(|at| !objects.is_plain(*at));
            let mut next = Vec::new();
            for at in level {
                // What a function has captured hangs from it, and is not found there.
                if matches!(objects.saved.get(at), Some((_, _, Kind::Function(_) | Kind::BareFunction(_)))) {
                    continue;
                }
                let known = in_checkpoint.then(|| names_in_checkpoint(objects, at));
                for (name, child) in objects.children(at) {
                    let is_path = known.as_ref().is_none_or(|known| {
                        let tied = objects.tied.get(child).copied().flatten();
                        tied.is_some() && known.get(name).copied() == tied
                    });
                    if is_path && seen.insert(child) {
                        paths.get_mut(child).into_iter().for_each(|path| *path = Some(at));
                        next.push(child);
                    }
                }
            }
            reached.extend(&next);
            level = next;
        }
    }
    paths
}

/// The objects of the checkpoint to which names lead from one that is tied to an object.
fn names_in_checkpoint<'t>(objects: &Objects<'_, 't>, at: usize) -> HashMap<&'t [u8], usize> {
    let tied = objects.tied.get(at).copied().flatten().and_then(|tied| objects.tracked.get(tied));
    tied.into_iter().flat_map(|tied| &tied.children).map(|(_, node, name)| (*name, position(*node))).collect()
}
