//! The `smaudit slim` command: smaller models, planned, written beside the target, proven, and given their name last.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context as _, bail};
use smaudit::Exit;
use smaudit::input::{Finder, Found, Limits, Location, Model, is_url};
use smaudit::internals::slim::{Packing, Plan, Workplace, is_within, plan};
use smaudit::report::{SlimModel, SlimOutcome, SlimReport, UnreadableInput};

use crate::bar::Bar;
use crate::cli::SlimRequest;
use crate::{interrupt, output, unreadable};

/// What one of the paths leads to, and what it is called among the others.
struct Named<'r> {
    found: Found,
    path: &'r Path,
    /// The folder of all that is below this path; none where the path is the only one.
    top: PathBuf,
}

/// Makes the models below some paths smaller.
pub(crate) fn run(request: &SlimRequest) -> anyhow::Result<Exit> {
    if request.paths.iter().chain([&request.output]).any(|path| is_url(path)) {
        bail!("slim reads and writes files: download the model, and copy what is written to where it belongs");
    }
    if Packing::is_unknown(&request.output) {
        bail!("{}: archives are written as .tar, .tar.gz, .tgz or .zip", request.output.display());
    }
    let mut report = SlimReport::new(request.options.level, &request.output.to_string_lossy());
    let bar = Bar::new(request.progress, false);
    let found = find_all(&request.paths, &bar, &mut report);
    if found.is_empty() {
        return end(report, request);
    }
    if let Some(around) = request.paths.iter().find(|path| is_within(&request.output, path)) {
        let (output, around) = (request.output.display(), around.display());
        bail!("{output}: is within {around}, which is to become smaller; name a directory outside of it");
    }
    let packing = Packing::of(&request.output);
    let mut workplace = if request.dry_run { None } else { Some(workplace(&request.output)?) };
    let written = all(&found, request, workplace.as_ref(), &bar, &mut report);
    report.add_up();
    let is_smaller = report.models.iter().any(|model| model.outcome == SlimOutcome::Smaller);
    let place = workplace.as_ref().filter(|_| is_smaller && written.is_ok());
    let packed = match (place, packing) {
        (Some(place), Some(packing)) => Some(pack(place, packing, &request.output, &bar)),
        _ => None,
    };
    drop(bar);
    let settled = interrupt::settles(|| match (workplace.take(), &packed) {
        (Some(place), None) if is_smaller && written.is_ok() => place.settle().map(|()| true),
        (Some(place), Some(Ok(_))) => {
            let file = packed_file(&place);
            place.settle_file(&file).map(|()| true)
        }
        (other, _) => {
            drop(other);
            Ok(false)
        }
    });
    written?;
    report.packed_bytes = packed.transpose()?;
    report.written = settled.with_context(|| cannot_write(&request.output))?;
    end(report, request)
}

/// Where in the workplace the files of an archive are before they are packed, and where all of a directory is.
fn files(output: &Path) -> &'static Path {
    Path::new(if Packing::of(output).is_some() { "files" } else { "" })
}

/// Where an archive is before it has its name.
fn packed_file(workplace: &Workplace) -> PathBuf {
    workplace.folder().join("packed")
}

/// Packs what was written and proven, reads that back and holds it against what was packed. Returns the archive's size.
fn pack(workplace: &Workplace, packing: Packing, output: &Path, bar: &Bar) -> anyhow::Result<u64> {
    let (files, packed) = (workplace.folder().join(files(output)), packed_file(workplace));
    let shown = output.to_string_lossy();
    packing.pack(&files, &packed, &shown, bar).with_context(|| cannot_write(output))?;
    let differences = packing.differences(&files, &packed, &shown, bar).with_context(|| cannot_write(output))?;
    if let Some(first) = differences.first() {
        bail!("{}: is not written, as the archive is not what was packed: {first}", output.display());
    }
    Ok(std::fs::metadata(packed).with_context(|| cannot_write(output))?.len())
}

/// Finds the models below every path, each of them once. A path that cannot be read does not stop the others.
fn find_all<'r>(paths: &'r [PathBuf], bar: &Bar, report: &mut SlimReport) -> Vec<Named<'r>> {
    let mut finder = Finder::new(Limits::default(), bar);
    let (mut all, mut taken) = (Vec::new(), BTreeSet::new());
    for path in paths {
        match finder.find(path) {
            Ok(found) => all.push(Named { found, path, top: PathBuf::new() }),
            Err(error) => report.unreadable.push(unreadable(error.path(), &error)),
        }
    }
    let holds = |found: &Found| !found.locations.is_empty() || !found.archives.is_empty();
    // One that was named twice has nothing of its own the second time.
    if all.iter().filter(|named| holds(&named.found)).count() > 1 {
        all.iter_mut().filter(|named| holds(&named.found)).for_each(|named| {
            named.top = free(named.name(), &mut taken);
        });
    }
    all
}

impl Named<'_> {
    /// The last part of the path, as the system knows it: of `.` the name of the working directory.
    fn name(&self) -> PathBuf {
        let directory = self.found.locations.first().and_then(Location::directory);
        // A main file stands for its directory, and so does a directory for itself.
        let of = directory.filter(|_| self.found.locations.len() == 1 && self.path.is_file()).unwrap_or(self.path);
        let of = of.canonicalize().unwrap_or_else(|_| of.to_owned());
        of.file_name().filter(|name| *name != "-").map_or_else(|| PathBuf::from("model"), PathBuf::from)
    }

    /// The folder of a model, in the directory that is written: what it is called below what was typed.
    fn folder(&self, shown: &str, taken: &mut BTreeSet<PathBuf>) -> PathBuf {
        // A main file stands for its directory.
        let typed = self.path.components().as_path();
        let around = typed.parent().unwrap_or(typed);
        let below = Path::new(shown).strip_prefix(typed).or_else(|_| Path::new(shown).strip_prefix(around));
        let below = below.unwrap_or(Path::new(shown));
        let folder = below.components().filter(|part| matches!(part, Component::Normal(_)));
        let folder: PathBuf = self.top.components().chain(folder).collect();
        free(if folder.as_os_str().is_empty() { PathBuf::from("model") } else { folder }, taken)
    }
}

/// A name that is not taken yet: this one, or this with a number behind it. It is taken then.
fn free(name: PathBuf, taken: &mut BTreeSet<PathBuf>) -> PathBuf {
    let numbered = |number: u32| {
        let mut name = name.clone().into_os_string();
        name.push(format!("-{number}"));
        PathBuf::from(name)
    };
    let free = std::iter::once(name.clone()).chain((2..).map(numbered)).find(|name| !taken.contains(name));
    let free = free.unwrap_or(name);
    taken.insert(free.clone());
    free
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
    found: &[Named<'_>],
    request: &SlimRequest,
    workplace: Option<&Workplace>,
    bar: &Bar,
    report: &mut SlimReport,
) -> anyhow::Result<()> {
    let archives: usize = found.iter().map(|named| named.found.archives.len()).sum();
    let models: usize = found.iter().map(|named| named.found.locations.len()).sum();
    let is_one = archives == 0 && models == 1;
    let mut taken = BTreeSet::new();
    for named in found {
        let before = (report.models.len(), report.unreadable.len());
        report.unreadable.extend(named.found.problems.iter().cloned().map(UnreadableInput::from));
        let mut each = |found: &Found, report: &mut SlimReport| {
            found.locations.iter().try_for_each(|location| {
                let folder = if is_one { only(location, request) } else { named.folder(&location.shown, &mut taken) };
                one(location, &folder, request, workplace, bar, report)
            })
        };
        each(&named.found, report)?;
        for archive in &named.found.archives {
            match archive.open(Limits::default(), bar) {
                Ok(found) => each(&found, report)?,
                Err(error) => report.unreadable.push(unreadable(&archive.shown(), &error)),
            }
        }
        let nothing = before == (report.models.len(), report.unreadable.len());
        let otherwise = named.found.otherwise.as_ref().filter(|_| nothing);
        report.unreadable.extend(otherwise.map(|error| unreadable(&named.path.to_string_lossy(), error)));
    }
    Ok(())
}

/// The folder of a model that is the only one: none, but in an archive the one that it had in an archive.
fn only(location: &Location, request: &SlimRequest) -> PathBuf {
    let archive = Packing::of(&request.output).and_then(|_| location.read().archive);
    let folder = archive.map(|archive| PathBuf::from(archive.folder)).unwrap_or_default();
    folder.components().filter(|part| matches!(part, Component::Normal(_))).collect()
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
            match write(&planned, told.clone(), workplace, &files(&request.output).join(folder), bar) {
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
        let _ = std::fs::remove_dir_all(workplace.folder().join(files(&request.output)).join(folder));
    }
    report.models.push(told);
    Ok(())
}

/// Writes a planned model into a folder of the workplace, and proves it.
fn write(
    planned: &Plan<'_>,
    mut told: SlimModel,
    workplace: &Workplace,
    folder: &Path,
    bar: &Bar,
) -> anyhow::Result<SlimModel> {
    let folder = workplace.make(folder)?;
    let held = planned.write(&folder, bar)?;
    let written = Model::read(&folder, &told.path);
    let reasons = planned.prove(&written, &held, bar)?;
    told.proven = reasons.is_empty();
    Ok(if told.proven { told } else { told.without(SlimOutcome::NotProven, reasons) })
}
