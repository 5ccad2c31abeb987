//! The `smaudit why` command: which models need a vertex, and through what.

use smaudit::Exit;
use smaudit::input::{Finder, Found, Limits, Location};
use smaudit::report::{UnreadableInput, WhyReport};

use crate::bar::Bar;
use crate::cli::{When, WhyFormat, WhyRequest};
use crate::{output, unreadable};

/// Says of each model below a path why it needs a vertex. It has to be in one of them.
pub(crate) fn run(request: &WhyRequest) -> anyhow::Result<Exit> {
    let report = ask(request)?;
    report.unreadable.iter().for_each(|input| output::error(&input.message));
    for model in &report.models {
        model.problems.iter().for_each(|problem| output::error(&format!("{}: {problem}", model.path)));
    }
    if !report.is_found() {
        report.models.iter().for_each(|model| output::error(&model.not_found()));
    }
    match request.format {
        WhyFormat::Text => output::why(&report)?,
        WhyFormat::Json => {
            let mut text = Vec::new();
            report.write_json(&mut text)?;
            output::print(&text)?;
        }
    }
    Ok(report.exit())
}

/// Asks the models at a path, and those in archives below it one after the other.
fn ask(request: &WhyRequest) -> anyhow::Result<WhyReport> {
    let mut report = WhyReport::new(&request.name);
    let bar = Bar::new(When::Auto, false);
    let shown = || request.path.to_string_lossy().into_owned();
    let found = match Finder::new(Limits::default(), &bar).find(&request.path) {
        Ok(found) => found,
        Err(error) => {
            report.unreadable.push(unreadable(error.path(), &error));
            return Ok(report);
        }
    };
    bar.restart(0);
    ask_models(&found, request, &bar, &mut report)?;
    for archive in &found.archives {
        match archive.open(Limits::default(), &bar) {
            Ok(found) => ask_models(&found, request, &bar, &mut report)?,
            Err(error) => report.unreadable.push(unreadable(&archive.shown(), &error)),
        }
    }
    let nothing = report.models.is_empty() && report.unreadable.is_empty();
    let otherwise = found.otherwise.filter(|_| nothing);
    report.unreadable.extend(otherwise.map(|error| unreadable(&shown(), &error)));
    Ok(report)
}

fn ask_models(found: &Found, request: &WhyRequest, bar: &Bar, report: &mut WhyReport) -> anyhow::Result<()> {
    report.unreadable.extend(found.problems.iter().cloned().map(UnreadableInput::from));
    for model in found.locations.iter().map(Location::read) {
        let answer = smaudit::why(&model, &request.name, bar)?;
        report.models.push(answer);
    }
    Ok(())
}
