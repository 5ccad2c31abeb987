//! `smaudit slim`: a smaller model that serves the same.
//!
//! | module | holds |
//! |---|---|
//! | [`facts`] | what is known of a model that is to become smaller |
//! | [`alias`] | tensors of one content on one range |
//! | [`assets`] | assets of one content in one file |
//! | [`program`] | a metagraph's nodes, functions and collections, and what reaches them |
//! | [`structure`] | functions by what they do |
//! | [`scope`], [`objects`], [`owners`] | how variables are restored, in a session and in Python, and which go together |
//! | [`steps`] | what rewrites the main file |
//! | [`claimed`] | how much of what findings claim a plan takes away |
//! | [`draft`] | the files after some steps, by edits |
//! | [`proof`] | the result held against the model, by other code than made it |
//! | [`pack`] | an archive in the place of a directory |
//! | [`writing`] | the files written, put on the disk and read back, side by side |
//! | [`place`] | the folder beside the target, synced, given its name by one rename |
//!
//! [`plan`] says what would be written, exactly; [`Plan::write`] writes it into a directory and [`Plan::prove`] reads it back. Who
//! gives the directory its name (the command) does so last.

#![warn(clippy::arithmetic_side_effects)]

mod alias;
mod assets;
mod claimed;
mod draft;
mod facts;
mod objects;
mod owners;
mod pack;
mod place;
mod program;
mod proof;
mod scope;
mod steps;
mod structure;
mod writing;

#[cfg(test)]
mod tests;

use std::io;
use std::path::{Component, Path};

pub use pack::Packing;
pub use place::{Workplace, is_within};
pub use proof::Held;

use crate::audit::{self, AuditError};
use crate::edit::Tree;
use crate::fingerprint;
use crate::input::Model;
use crate::problem::Problem;
use crate::progress::{Progress, Step, Work};
use crate::report::{SlimFile, SlimLevel, SlimModel, SlimOutcome, SlimSaving, SlimStep};
use crate::size::exact;
use claimed::Claimed;
use draft::Draft;
use facts::Facts;

/// What is asked.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// What the smaller model may do without.
    pub level: SlimLevel,
    /// The steps that are not to be taken.
    pub skip: Vec<SlimStep>,
    /// Whether hints in nodes go as well, and names that are for messages: [`SlimStep::Strip`].
    pub strip: bool,
    /// What is to be served, at the level that asks for that.
    pub wanted: Wanted,
}

/// What is to be served; nothing stands for what is most likely.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// The tags of the metagraph; without any it is that of `serve`.
    pub tags: Vec<String>,
    /// The signatures; without any all.
    pub signatures: Vec<String>,
    /// Functions beside those of signatures, by the names of attributes that lead to them, with dots between.
    pub functions: Vec<String>,
}

impl Wanted {
    /// Whether nothing is asked for by name.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.tags.is_empty() && self.signatures.is_empty() && self.functions.is_empty()
    }

    /// Whether a signature is kept.
    fn keeps(&self, signature: &[u8]) -> bool {
        self.signatures.is_empty() || self.signatures.iter().any(|name| name.as_bytes() == signature)
    }
}

/// A smaller model that is not written yet.
#[derive(Debug)]
pub struct Plan<'m> {
    model: &'m Model,
    tree: Tree,
    /// What is wrong with the fingerprint of the model, which is no fault of the result.
    known: Vec<Problem>,
    /// What it has to be the same in.
    kept: proof::Kept,
    /// What is to be reported of it.
    pub report: SlimModel,
}

/// Plans a smaller model: what comes is exact, and nothing is written. Without an outcome of
/// [`Smaller`](SlimOutcome::Smaller) there is none to be written.
///
/// # Errors
/// Those of an audit.
pub fn plan<'m>(model: &'m Model, options: &Options, progress: &dyn Progress) -> Result<Plan<'m>, AuditError> {
    let mut report = SlimModel::new(&model.path, model.bytes());
    report.archive = model.archive.as_ref().map(|archive| archive.path.clone());
    let audited = audit::Options { verify: true, ..audit::Options::default() };
    let (audit, (facts, claimed)) = audit::examine(model, &audited, progress, |context, findings| {
        (Facts::of(model, context), Claimed::of(context, findings))
    })?;
    let (known, problems): (Vec<Problem>, Vec<Problem>) =
        audit.problems.into_iter().partition(|problem| problem.file == fingerprint::FILE);
    let (tree, kept) = (Tree::copy(model), proof::Kept::of(options));
    let odd = oddities(model);
    if !problems.is_empty() || !audit.whole || !odd.is_empty() {
        report.problems = problems;
        let report = report.without(SlimOutcome::Refused, odd);
        return Ok(Plan { model, tree, known, kept, report });
    }
    let facts = match facts {
        Ok(facts) => facts,
        Err(problem) => {
            report.problems = vec![problem];
            return Ok(Plan { model, tree, known, kept, report: report.without(SlimOutcome::Refused, Vec::new()) });
        }
    };
    let unknown = facts.unknown(options);
    if !unknown.is_empty() {
        return Ok(Plan { model, tree, known, kept, report: report.without(SlimOutcome::Refused, unknown) });
    }
    report.left = facts.left(options);
    let mut options = options.clone();
    if options.level == SlimLevel::Serving && !facts.has_signature() {
        options.level = SlimLevel::Inference;
        report.left.push(format!("there is no signature, so the model is slimmed at level {}", options.level.name()));
    }
    let Taken { draft, tree, steps } = match take_steps(&facts, tree, &options, &mut report.left) {
        Ok(taken) => taken,
        Err(why) => {
            let tree = Tree::copy(model);
            return Ok(Plan { model, tree, known, kept, report: report.without(SlimOutcome::Refused, vec![why]) });
        }
    };
    let is_stripped = steps.iter().any(|saving| saving.step == SlimStep::Strip);
    let kept = proof::Kept { is_stripped, ..proof::Kept::of(&options) };
    if !steps.is_empty() {
        // What was drafted can be said again.
        report.findings = claimed::taken(&facts, &draft, &tree, &claimed).unwrap_or_default();
        report.outcome = SlimOutcome::Smaller;
        report.new_bytes = tree.bytes();
        report.saved_bytes = report.old_bytes.saturating_sub(report.new_bytes);
        report.lost = steps.iter().filter_map(|saving| saving.step.loses()).map(str::to_owned).collect();
        report.lost.extend(facts.lost(&tree));
    }
    report.steps = steps;
    Ok(Plan { model, tree, known, kept, report })
}

/// The steps that are taken, and what they make.
struct Taken {
    draft: Draft,
    tree: Tree,
    steps: Vec<SlimSaving>,
}

/// Takes the steps that make the model smaller. A main file in chunks may be larger in binary, and so it is written like that only
/// where the whole result is the smaller one. Why there is no result is said where something was asked for by name of a main
/// file that stays.
fn take_steps(facts: &Facts<'_>, tree: Tree, options: &Options, left: &mut Vec<String>) -> Result<Taken, String> {
    let step = SlimStep::ChunkedMainFile;
    if !facts.is_chunked() || step.level() > options.level || options.skip.contains(&step) {
        return Ok(take_all(facts, tree, options, left));
    }
    let mut said = Vec::new();
    let binary = take_all(facts, tree.clone(), options, &mut said);
    let in_chunks = Options { skip: [&options.skip[..], &[step]].concat(), ..options.clone() };
    let chunked = take_all(facts, tree, &in_chunks, left);
    let is_loadable = matches!(binary.draft.main(facts), Ok(Some(main)) if draft::is_loadable(&main));
    if is_loadable && binary.tree.bytes() < chunked.tree.bytes() {
        *left = said;
        return Ok(binary);
    }
    let why = if is_loadable {
        let (one, other) = (exact(binary.tree.bytes()), exact(chunked.tree.bytes()));
        format!("the model would have {one} bytes in binary and {other} in chunks, where its compression stays")
    } else {
        draft::Untaken::Large.to_string()
    };
    if !options.wanted.is_all() {
        return Err(format!("the main file is in chunks, and is kept as it is: {why}"));
    }
    left.push(format!("{}: {why}", step.name()));
    Ok(chunked)
}

/// Takes one step after the other, each only where it makes the model smaller; a main file in chunks is made binary first.
fn take_all(facts: &Facts<'_>, mut tree: Tree, options: &Options, left: &mut Vec<String>) -> Taken {
    let (mut draft, mut steps) = (Draft::at(options.level), Vec::new());
    let is_asked = |step: &SlimStep| *step != SlimStep::Strip || options.strip;
    let wanted = |step: &SlimStep| step.level() <= options.level && !options.skip.contains(step) && is_asked(step);
    for step in SlimStep::ALL.into_iter().filter(wanted) {
        let next = draft.with(step, facts, &options.wanted).and_then(|next| Ok((next.tree(facts)?, next)));
        let (made, next) = match next {
            Ok(made) => made,
            Err(why) => {
                left.push(format!("{}: {why}", step.name()));
                continue;
            }
        };
        let is_first = step == SlimStep::ChunkedMainFile && facts.is_chunked();
        if made.bytes() < tree.bytes() || is_first {
            let saved_bytes = difference(tree.bytes(), made.bytes());
            let files = changed_files(&tree, &made);
            let message = next.words().map_or_else(|| facts.words(step), str::to_owned);
            steps.push(SlimSaving { step, saved_bytes, message, files });
            (draft, tree) = (next, made);
        }
    }
    Taken { draft, tree, steps }
}

/// What is saved; less than nothing where it is more than before.
fn difference(old: u64, new: u64) -> i64 {
    let of = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
    of(old).saturating_sub(of(new))
}

/// The files that are not the same in two trees.
fn changed_files(old: &Tree, new: &Tree) -> Vec<SlimFile> {
    let changed = |(path, before): (&str, &crate::edit::Recipe)| {
        let after = new.get(path);
        let new_bytes = after.map(crate::edit::Recipe::bytes);
        (after != Some(before)).then(|| SlimFile { path: path.to_owned(), old_bytes: before.bytes(), new_bytes })
    };
    let made = |(path, recipe): (&str, &crate::edit::Recipe)| {
        let new_bytes = Some(recipe.bytes());
        old.get(path).is_none().then(|| SlimFile { path: path.to_owned(), old_bytes: 0, new_bytes })
    };
    old.files().filter_map(changed).chain(new.files().filter_map(made)).collect()
}

/// Why a model cannot be written again as it is, apart from its problems.
fn oddities(model: &Model) -> Vec<String> {
    let mut odd = Vec::new();
    if let Some(link) = model.links.first() {
        odd.push(format!(
            "{} is a link, and slim writes files only; copy the model with `cp -rL` and slim the copy",
            link.name
        ));
    }
    let is_plain = |name: &str| Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
    if let Some(file) = model.files.iter().find(|file| !is_plain(&file.name) || file.name.contains('\u{fffd}')) {
        odd.push(format!("{} is no name that can be written again", file.name));
    }
    odd
}

impl Plan<'_> {
    /// The files that are to be written.
    #[must_use]
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// Writes the files into an empty directory, and has the system put them on the disk. Of large models some is read back and
    /// held against the model meanwhile.
    ///
    /// # Errors
    /// The system does not write, or the model cannot be read any more.
    pub fn write(&self, directory: &Path, progress: &dyn Progress) -> io::Result<Held> {
        let work = Work::new(progress, &self.model.path, 0);
        progress.expect(self.tree.bytes());
        let stage = work.begin_own(Step::Writing, self.tree.bytes());
        writing::all(self, directory, writing::EVERY, &stage)
    }

    /// Holds what was written against the model, but for what was `held` while it was. It is the same if there is nothing in what
    /// comes.
    ///
    /// # Errors
    /// Those of an audit.
    pub fn prove(&self, written: &Model, held: &Held, progress: &dyn Progress) -> Result<Vec<String>, AuditError> {
        let work = Work::new(progress, &self.model.path, 0);
        let proving = work.begin(Step::Proving, 0);
        let mut reasons = proof::reasons(self.model, written, &self.known, &self.kept, held, &proving)?;
        if written.bytes() != self.report.new_bytes {
            let (said, found) = (self.report.new_bytes, written.bytes());
            reasons.push(format!("the result should have {said} bytes, and has {found}"));
        }
        Ok(reasons)
    }
}
