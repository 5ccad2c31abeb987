//! The `smaudit slim` command: smaller models, planned, written beside the target, proven, and given their name last.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context as _, bail};
use smaudit::Exit;
use smaudit::input::{Finder, Found, Limits, Location, Model, is_url};
use smaudit::internals::slim::{Plan, Workplace, is_within, plan};
use smaudit::report::{SlimModel, SlimOutcome, SlimReport, UnreadableInput};

use crate::bar::Bar;
use crate::cli::SlimRequest;
use crate::{interrupt, output, unreadable};

/// Makes the models below a path smaller.
pub(crate) fn run(request: &SlimRequest) -> anyhow::Result<Exit> {
    if is_url(&request.path) || is_url(&request.output) {
        bail!("slim reads and writes directories: download the model, and copy what is written to where it belongs");
    }
    let mut report = SlimReport::new(request.options.level, &request.output.to_string_lossy());
    let bar = Bar::new(request.progress, false);
    let found = match Finder::new(Limits::default(), &bar).find(&request.path) {
        Ok(found) => found,
        Err(error) => {
            report.unreadable.push(unreadable(error.path(), &error));
            return end(report, request);
        }
    };
    if is_within(&request.output, &request.path) {
        bail!("{}: is within what is to become smaller; name a directory outside of it", request.output.display());
    }
    let mut workplace = if request.dry_run { None } else { Some(workplace(&request.output)?) };
    let written = all(&found, request, workplace.as_ref(), &bar, &mut report);
    drop(bar);
    report.add_up();
    let is_smaller = report.models.iter().any(|model| model.outcome == SlimOutcome::Smaller);
    let settled = interrupt::settles(|| match workplace.take() {
        Some(workplace) if is_smaller && written.is_ok() => workplace.settle().map(|()| true),
        other => {
            drop(other);
            Ok(false)
        }
    });
    written?;
    report.written = settled.with_context(|| cannot_write(&request.output))?;
    end(report, request)
}

fn cannot_write(path: &Path) -> String {
    format!("{}: cannot be written", path.display())
}

/// A folder to write into, after what earlier runs left has been removed.
fn workplace(target: &Path) -> anyhow::Result<Workplace> {
    for left in Workplace::clear(target) {
        output::error(&format!("{}: was left by a run that broke off, and is removed", left.display()));
    }
    interrupt::removes(|| Workplace::beside(target)).with_context(|| cannot_write(target))
}

/// Writes the report.
fn end(report: SlimReport, request: &SlimRequest) -> anyhow::Result<Exit> {
    report.unreadable.iter().for_each(|input| output::error(&input.message));
    if request.json {
        let mut text = Vec::new();
        report.write_json(&mut text)?;
        output::print(&text)?;
    } else {
        output::slim(&report)?;
    }
    if let [model] = report.models.as_slice()
        && request.json
    {
        model.problems.iter().for_each(|problem| output::error(&format!("{}: {problem}", model.path)));
        model.reasons.iter().for_each(|reason| output::error(&format!("{}: {reason}", model.path)));
    }
    Ok(report.exit())
}

/// Makes all models that were found smaller, and those of archives.
fn all(
    found: &Found,
    request: &SlimRequest,
    workplace: Option<&Workplace>,
    bar: &Bar,
    report: &mut SlimReport,
) -> anyhow::Result<()> {
    report.unreadable.extend(found.problems.iter().cloned().map(UnreadableInput::from));
    let is_one = found.archives.is_empty() && found.locations.len() == 1;
    let mut taken = BTreeSet::new();
    let mut each = |found: &Found, report: &mut SlimReport| {
        found.locations.iter().try_for_each(|location| {
            let folder = if is_one { PathBuf::new() } else { folder(&location.shown, &request.path, &mut taken) };
            one(location, &folder, request, workplace, bar, report)
        })
    };
    each(found, report)?;
    for archive in &found.archives {
        match archive.open(Limits::default(), bar) {
            Ok(found) => each(&found, report)?,
            Err(error) => report.unreadable.push(unreadable(&archive.shown(), &error)),
        }
    }
    let nothing = report.models.is_empty() && report.unreadable.is_empty();
    let otherwise = found.otherwise.as_ref().filter(|_| nothing);
    report.unreadable.extend(otherwise.map(|error| unreadable(&request.path.to_string_lossy(), error)));
    Ok(())
}

/// The folder of a model of several: what it is called below what was typed.
fn folder(shown: &str, typed: &Path, taken: &mut BTreeSet<PathBuf>) -> PathBuf {
    let below = Path::new(shown).strip_prefix(typed).unwrap_or(Path::new(shown));
    let parts = below.components().filter(|part| matches!(part, Component::Normal(_)));
    let folder: PathBuf = parts.collect();
    let folder = if folder.as_os_str().is_empty() { PathBuf::from("model") } else { folder };
    let numbered = |number: u32| {
        let mut name = folder.clone().into_os_string();
        name.push(format!("-{number}"));
        PathBuf::from(name)
    };
    let free = std::iter::once(folder.clone()).chain((2..).map(numbered)).find(|name| !taken.contains(name));
    let free = free.unwrap_or(folder);
    taken.insert(free.clone());
    free
}

/// Makes a model smaller, and notes how that went. An error is one of where it is written.
fn one(
    location: &Location,
    folder: &Path,
    request: &SlimRequest,
    workplace: Option<&Workplace>,
    bar: &Bar,
    report: &mut SlimReport,
) -> anyhow::Result<()> {
    let model = location.read();
    bar.restart(model.bytes());
    let planned = match plan(&model, &request.options, bar) {
        Ok(planned) => planned,
        Err(error) => {
            report.unreadable.push(unreadable(&model.path, &error));
            return Ok(());
        }
    };
    let mut told = planned.report.clone();
    if told.outcome == SlimOutcome::Smaller {
        let output = if folder.as_os_str().is_empty() { request.output.clone() } else { request.output.join(folder) };
        told.output = Some(output.to_string_lossy().into_owned());
        if let Some(workplace) = workplace {
            match write(&planned, told.clone(), &workplace.folder().join(folder), bar) {
                Ok(written) => told = written,
                // Then that is why, and it is said below.
                Err(_) if !model.changes().is_empty() => {}
                Err(error) => return Err(error.context(cannot_write(&request.output))),
            }
        }
    }
    let changes = model.changes();
    if !changes.is_empty() {
        told = told.without(SlimOutcome::Changed, changes.iter().map(ToString::to_string).collect());
    }
    if told.outcome != SlimOutcome::Smaller
        && let Some(workplace) = workplace
        && !folder.as_os_str().is_empty()
    {
        // What of it was written is not to be there with the others.
        let _ = std::fs::remove_dir_all(workplace.folder().join(folder));
    }
    report.models.push(told);
    Ok(())
}

/// Writes a planned model into a folder, and proves it.
fn write(planned: &Plan<'_>, mut told: SlimModel, folder: &Path, bar: &Bar) -> anyhow::Result<SlimModel> {
    std::fs::create_dir_all(folder)?;
    planned.write(folder, bar)?;
    let written = Model::read(folder, &told.path);
    let reasons = planned.prove(&written, bar)?;
    told.proven = reasons.is_empty();
    Ok(if told.proven { told } else { told.without(SlimOutcome::NotProven, reasons) })
}
