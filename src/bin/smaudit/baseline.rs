//! The `smaudit baseline` command, and the baseline that an audit is held against.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use anyhow::{Context as _, anyhow, bail};
use smaudit::Exit;
use smaudit::input::{Finder, Found, Limits, Location, MODEL_FILES};
use smaudit::report::{Baseline, MOST_BYTES, ModelReport, Report};

use crate::bar::Bar;
use crate::cli::{AuditRequest, BaselineRequest, When};
use crate::output;

/// Writes the figures of a model down.
pub(crate) fn run(request: &BaselineRequest) -> anyhow::Result<Exit> {
    let bar = Bar::new(When::Auto, false);
    let model = match audited(&request.path, &bar) {
        Ok(model) => model,
        Err(error) => {
            output::error(&format!("{error:#}"));
            return Ok(Exit::Unreadable);
        }
    };
    drop(bar);
    if !model.problems.is_empty() {
        // Figures of what could be read would let the rest in as growth.
        output::problems(&model);
        output::error(&format!("{}: is not whole, so no baseline was written", model.path));
        return Ok(Exit::Unreadable);
    }
    output::text(request.output.as_deref(), Baseline::of(&model).text()?.as_bytes())?;
    Ok(Exit::Audited)
}

/// What an audit is held against, where anything is.
pub(crate) fn of(request: &AuditRequest) -> anyhow::Result<Option<Baseline>> {
    let needs = request.rules.rules.iter().find(|rule| rule.needs_baseline());
    match (&request.baseline, needs) {
        (None, None) => Ok(None),
        (None, Some(rule)) => bail!("{}: growth is measured from a baseline; name one with --baseline", rule.source),
        (Some(path), None) => {
            bail!("--baseline {}: no rule limits growth; add --max-growth, or a rule on `growth`", path.display())
        }
        (Some(path), Some(_)) => read(path).map(Some),
    }
}

/// Reads a file that `smaudit baseline` wrote, or audits the model that is there.
fn read(path: &Path) -> anyhow::Result<Baseline> {
    let said = || format!("--baseline {}", path.display());
    let metadata = path.metadata().with_context(|| {
        format!("{}: cannot be read; write one with `smaudit baseline MODEL -o {}`", said(), path.display())
    })?;
    let is_main_file = path.file_name().is_some_and(|name| MODEL_FILES.iter().any(|wanted| name == *wanted));
    if metadata.is_dir() || is_main_file || !is_text(path).with_context(said)? {
        let model = audited(path, &Bar::new(When::Never, true)).with_context(said)?;
        if let Some(problem) = model.problems.first() {
            bail!("{}: is not whole: {problem}", said());
        }
        return Ok(Baseline::of(&model));
    }
    let mut text = String::new();
    File::open(path)?.take(MOST_BYTES + 1).read_to_string(&mut text).with_context(said)?;
    Baseline::parse(&text).map_err(|error| anyhow!("{} {error}", said()))
}

/// Whether a file begins like JSON, and not like an archive.
fn is_text(path: &Path) -> io::Result<bool> {
    let mut head = Vec::new();
    File::open(path)?.take(64).read_to_end(&mut head)?;
    Ok(head.iter().find(|byte| !byte.is_ascii_whitespace()).is_none_or(|first| *first == b'{'))
}

/// The one model at a path.
fn audited(path: &Path, bar: &Bar) -> anyhow::Result<ModelReport> {
    let Found { locations, archives, problems, .. } = Finder::new(Limits::default(), bar).find(path)?;
    match (locations.as_slice(), archives.as_slice()) {
        ([one], []) => {
            let model = Location::read(one);
            Ok(smaudit::audit(&model, &smaudit::Options::default(), bar)?)
        }
        _ => {
            let more = problems.first().map(|problem| format!(" ({problem})")).unwrap_or_default();
            bail!(
                "{}: a baseline is of one model, and this is a tree of several{more}; name one of them",
                path.display()
            )
        }
    }
}

/// A baseline is of one model.
pub(crate) fn check(request: &AuditRequest, report: &Report) -> anyhow::Result<()> {
    match (&request.baseline, report.models.len()) {
        (Some(_), 2..) => {
            bail!("--baseline is of one model, and there are {}; audit them one by one", report.models.len())
        }
        _ => Ok(()),
    }
}

/// What to do where the model is smaller by so much that it could grow back unseen.
pub(crate) fn notes(request: &AuditRequest, baseline: Option<&Baseline>, report: &Report) -> Vec<String> {
    let ([model], Some(baseline), Some(path)) = (report.models.as_slice(), baseline, &request.baseline) else {
        return Vec::new();
    };
    if !baseline.is_outgrown_by(model) || !model.problems.is_empty() {
        return Vec::new();
    }
    let less = baseline.total_bytes - model.total_bytes;
    let share = smaudit::internals::size::share(less, baseline.total_bytes);
    let file = path.display();
    vec![format!(
        "{} is {}, {share}, smaller than its baseline; keep it so: smaudit baseline {} -o {file}",
        model.path,
        smaudit::internals::size::both(less),
        model.path
    )]
}
