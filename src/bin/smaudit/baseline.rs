//! The `smaudit baseline` command, and the baseline that an audit is held against.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use anyhow::{Context as _, anyhow, bail};
use smaudit::Exit;
use smaudit::diff::{StoredReport, naming_bytes};
use smaudit::gate::Rule;
use smaudit::input::{Finder, Found, Limits, Location, MODEL_FILES, is_url, read_object};
use smaudit::report::{Baseline, Format, MOST_BYTES, ModelReport, Report};

use crate::bar::Bar;
use crate::cli::{AuditRequest, BaselineRequest, When};
use crate::output;

/// The most bytes of a JSON report that stands for its model.
const MOST_REPORT: u64 = 1 << 30;

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

/// What an audit is held against.
pub(crate) struct Against {
    pub(crate) baseline: Baseline,
    /// The model that it is of, where it is no file of figures.
    model: Option<ModelReport>,
}

impl Against {
    /// Finds out what the one model differs in by names only, where a rule asks.
    pub(crate) fn compare(&mut self, request: &AuditRequest, report: &Report) {
        let needs = request.rules.rules.iter().any(Rule::needs_names);
        if let (true, Some(old), [new]) = (needs, &self.model, report.models.as_slice()) {
            self.baseline.naming_bytes = Some(naming_bytes(old, new));
        }
    }
}

/// What an audit is held against, where anything is.
pub(crate) fn of(request: &AuditRequest) -> anyhow::Result<Option<Against>> {
    let needs = request.rules.rules.iter().find(|rule| rule.needs_baseline());
    match (&request.baseline, needs) {
        (None, None) => Ok(None),
        (None, Some(rule)) => bail!("{}: growth is measured from a baseline; name one with --baseline", rule.source),
        (Some(path), None) => {
            bail!("--baseline {}: no rule limits growth; add --max-growth, or a rule on `growth`", path.display())
        }
        (Some(path), Some(_)) => {
            let against = read(path)?;
            let by_names = request.rules.rules.iter().find(|rule| rule.needs_names());
            if let (Some(rule), None) = (by_names, &against.model) {
                bail!(
                    "{}: what differs by names only is not known of a file of figures; name the model or its JSON report \
                     with --baseline, not {}",
                    rule.source,
                    path.display()
                );
            }
            if let (Some(rule), Some(Format::Jsonl)) = (by_names, request.format) {
                bail!(
                    "{}: what differs by names only is known of one model; use another format than jsonl",
                    rule.source
                );
            }
            Ok(Some(against))
        }
    }
}

/// Reads a file that `smaudit baseline` wrote, or a JSON report, or audits the model that is there.
fn read(path: &Path) -> anyhow::Result<Against> {
    let said = || format!("--baseline {}", path.display());
    if is_url(path) {
        // To look into it would be a request; a model is no such file.
        if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json")) {
            let text = read_object(path, MOST_REPORT).with_context(said)?;
            return of_text(&String::from_utf8(text.into()).with_context(said)?, &said());
        }
        return of_model(path, &said());
    }
    let metadata = path.metadata().with_context(|| {
        format!("{}: cannot be read; write one with `smaudit baseline MODEL -o {}`", said(), path.display())
    })?;
    if !metadata.is_dir() && !metadata.is_file() {
        // Nobody may ever write to a pipe, and a device may never end.
        bail!("{}: is a pipe or a device; a baseline is a file or a model", said());
    }
    let is_main_file = path.file_name().is_some_and(|name| MODEL_FILES.iter().any(|wanted| name == *wanted));
    if metadata.is_dir() || is_main_file || !is_text(path).with_context(said)? {
        return of_model(path, &said());
    }
    let mut text = String::new();
    File::open(path)?.take(MOST_REPORT + 1).read_to_string(&mut text).with_context(said)?;
    of_text(&text, &said())
}

/// Audits the model at a path. `said` is how errors begin.
fn of_model(path: &Path, said: &str) -> anyhow::Result<Against> {
    let model = audited(path, &Bar::new(When::Never, true)).with_context(|| said.to_owned())?;
    if let Some(problem) = model.problems.first() {
        bail!("{said}: is not whole: {problem}");
    }
    Ok(Against { baseline: Baseline::of(&model), model: Some(model) })
}

/// Reads what `smaudit baseline` wrote, or a JSON report.
fn of_text(text: &str, said: &str) -> anyhow::Result<Against> {
    if text.len() as u64 > MOST_BYTES || text.contains("\"models\"") {
        return stored(text).with_context(|| said.to_owned());
    }
    let baseline = Baseline::parse(text).map_err(|error| anyhow!("{said} {error}"))?;
    Ok(Against { baseline, model: None })
}

/// The one model of a JSON report.
fn stored(text: &str) -> anyhow::Result<Against> {
    let mut models = StoredReport::parse(text).map_err(|error| anyhow!("{error}"))?.models;
    let number = models.len();
    match models.pop() {
        Some(model) if number == 1 && model.problems.is_empty() => {
            Ok(Against { baseline: Baseline::of(&model), model: Some(model) })
        }
        Some(_) if number == 1 => bail!("is a report of a model that is not whole"),
        _ => bail!("is a report of {number} models, and a baseline is of one"),
    }
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
            let options = smaudit::Options { digests: true, ..smaudit::Options::default() };
            Ok(smaudit::audit(&model, &options, bar)?)
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
