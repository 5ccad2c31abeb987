//! The `smaudit why` command: which models need a thing, and through what.

use smaudit::exit::Exit;
use smaudit::input::{Finder, Limits};
use smaudit::report::{UnreadableInput, WhyReport};

use crate::bar::Bar;
use crate::cli::{When, WhyFormat, WhyRequest};
use crate::output;

/// Says of each model below a path why it needs a thing. It has to be in one of them.
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

fn ask(request: &WhyRequest) -> anyhow::Result<WhyReport> {
    let mut report = WhyReport::new(&request.thing);
    let bar = Bar::new(When::Auto, false);
    let found = match Finder::new(Limits::default(), &bar).find(&request.path) {
        Ok(found) => found,
        Err(error) => {
            let path = request.path.to_string_lossy().into_owned();
            report.unreadable.push(UnreadableInput { path, message: error.to_string() });
            return Ok(report);
        }
    };
    report.unreadable.extend(found.problems.into_iter().map(UnreadableInput::from));
    bar.restart(0);
    for location in &found.locations {
        report.models.push(smaudit::why(&location.read(), &request.thing, &bar)?);
    }
    Ok(report)
}
