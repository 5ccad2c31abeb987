//! The `smaudit diff` command: models or reports of them, read one after the other and held against each other.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use anyhow::{Context as _, anyhow, bail};
use smaudit::Exit;
use smaudit::diff::{ByMismatch, StoredReport, Versions};
use smaudit::input::{Finder, Found, Limits, MODEL_FILES, is_url, read_object};
use smaudit::report::{Baseline, DiffReport, ModelReport, Report, SideKind};

use crate::bar::Bar;
use crate::cli::{DiffRequest, When};
use crate::output;

/// The most bytes of a report that is read again. One of a hundred thousand functions has about 30 MB.
const MOST_BYTES: u64 = 1 << 30;

/// Says what changed.
pub(crate) fn run(request: &DiffRequest) -> anyhow::Result<Exit> {
    let bar = Bar::new(When::Auto, false);
    let mut versions = Versions::new(request.diff.clone());
    match read_all(request, &bar, &mut versions) {
        Ok(()) => drop(bar),
        Err(Failure::Input(error)) => {
            drop(bar);
            output::error(&format!("{error:#}"));
            return Ok(Exit::Unreadable);
        }
        Err(Failure::Usage(error)) => return Err(error),
    }
    let Some(mut report) = versions.report()? else {
        bail!("{}: there is one model; name another one to compare it with", shown(request));
    };
    if let Some([first, last]) = versions.ends() {
        judge(request, first, last, &mut report);
    }
    let mut text = Vec::new();
    let columns = request.width.unwrap_or_else(|| output::columns(request.output.is_none()));
    report.write(request.format, request.top, columns, &mut text)?;
    output::report(request.output.as_deref(), &text, request.format.is_for_people())?;
    messages(request, &report);
    Ok(report.exit())
}

/// Holds the rules against the newest model, with the oldest one as the baseline.
fn judge(request: &DiffRequest, first: &ModelReport, last: &ModelReport, report: &mut DiffReport) {
    let mut judged = Report::new();
    judged.models.push(last.clone());
    let baseline = Baseline { naming_bytes: Some(report.naming_bytes), ..Baseline::of(first) };
    report.gate = request.rules.judge(&judged, Some(&baseline));
}

/// What is wrong is said where the report is not what people read.
fn messages(request: &DiffRequest, report: &DiffReport) {
    let is_said = request.output.is_none() && request.format.is_for_people();
    if !is_said {
        for found in &report.problems {
            output::error(&found.to_string());
        }
        for rule in report.gate.rules.iter().filter(|rule| rule.is_broken()) {
            output::error(&format!("{}: {}", rule.status.word(), rule.sentence()));
        }
    }
    report.gate.warnings.iter().for_each(|warning| output::error(&format!("warning: {warning}")));
}

fn shown(request: &DiffRequest) -> String {
    request.paths.first().map(|path| path.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Why there is nothing to compare.
enum Failure {
    /// An input cannot be read.
    Input(anyhow::Error),
    /// What was asked makes no sense.
    Usage(anyhow::Error),
}

impl From<ByMismatch> for Failure {
    fn from(error: ByMismatch) -> Self {
        Self::Usage(error.into())
    }
}

/// Reads all models, one after the other: two at once would take the memory of both.
fn read_all(request: &DiffRequest, bar: &Bar, versions: &mut Versions) -> Result<(), Failure> {
    let is_alone = request.paths.len() == 1;
    for path in &request.paths {
        let number = match is_report(path) {
            Ok(true) => stored(path, is_alone, versions)?,
            _ => audited(path, is_alone, request, bar, versions)?,
        };
        if !is_alone && number != 1 {
            let path = path.display();
            return Err(Failure::Usage(anyhow!(
                "{path}: there are {number} models; name one of them, or the tree alone to compare its versions in their order"
            )));
        }
    }
    Ok(())
}

/// Whether a file begins like JSON, and is no main file of a model.
fn is_report(path: &Path) -> io::Result<bool> {
    if is_url(path) {
        // To look into it would be a request; a model is no such file.
        return Ok(path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json")));
    }
    let is_main_file = path.file_name().is_some_and(|name| MODEL_FILES.iter().any(|wanted| name == *wanted));
    if is_main_file || !path.metadata()?.is_file() {
        return Ok(false);
    }
    let mut head = Vec::new();
    File::open(path)?.take(64).read_to_end(&mut head)?;
    Ok(head.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{'))
}

/// The models of a JSON report, and how many there are.
fn stored(path: &Path, is_alone: bool, versions: &mut Versions) -> Result<usize, Failure> {
    let read = || -> anyhow::Result<StoredReport> {
        let mut text = String::new();
        let said = || format!("{}: cannot be read", path.display());
        if is_url(path) {
            let text = String::from_utf8(read_object(path, MOST_BYTES)?.into()).with_context(said)?;
            return StoredReport::parse(&text).map_err(|error| anyhow!("{} {error}", path.display()));
        }
        File::open(path).with_context(said)?.take(MOST_BYTES + 1).read_to_string(&mut text).with_context(said)?;
        if text.len() as u64 > MOST_BYTES {
            bail!("{}: has more than {MOST_BYTES} bytes; name the model instead", path.display());
        }
        StoredReport::parse(&text).map_err(|error| anyhow!("{} {error}", path.display()))
    };
    let models = read().map_err(Failure::Input)?.models;
    let number = models.len();
    if number == 0 {
        return Err(Failure::Input(anyhow!("{}: is a report of no model", path.display())));
    }
    if !is_alone && number > 1 {
        return Ok(number);
    }
    for mut model in models {
        // The file is what was named; its model may be anywhere.
        if !is_alone {
            model.path = path.to_string_lossy().into_owned();
        }
        versions.push(model, SideKind::Report)?;
    }
    Ok(number)
}

/// The models at a path, audited one after the other, and how many there are.
fn audited(
    path: &Path,
    is_alone: bool,
    request: &DiffRequest,
    bar: &Bar,
    versions: &mut Versions,
) -> Result<usize, Failure> {
    // With a finder of its own: a model may be compared with itself, and a finder finds each once.
    let found = Finder::new(Limits::default(), bar)
        .with_depth(request.depth)
        .find(path)
        .map_err(|error| Failure::Input(error.into()))?;
    let Found { locations, archives, problems, .. } = found;
    if let Some(problem) = problems.first() {
        return Err(Failure::Input(anyhow!("{}: {problem}", path.display())));
    }
    if locations.is_empty() && !archives.is_empty() {
        return Err(Failure::Usage(anyhow!("{}: a tree of archives; name them one by one", path.display())));
    }
    if !is_alone && locations.len() > 1 {
        return Ok(locations.len());
    }
    for location in &locations {
        let model = location.read();
        bar.restart(smaudit::bytes_to_read(&model, &request.options));
        let report = smaudit::audit(&model, &request.options, bar).map_err(|error| Failure::Usage(error.into()))?;
        versions.push(report, SideKind::Model)?;
    }
    Ok(locations.len())
}
