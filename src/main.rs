//! The `smaudit` command: parse, audit, render, exit code.

mod bar;
mod cli;
mod output;

use std::process::ExitCode;

use cli::{AuditRequest, Request};
use smaudit::exit::Exit;
use smaudit::input::{self, Location, Model};
use smaudit::problem::Problem;
use smaudit::report::{Report, UnreadableInput};

fn main() -> ExitCode {
    let exit = match cli::request() {
        Ok(Request::Audit(request)) => run(&request),
        Ok(Request::Print(text)) => output::print(&text).map(|()| Exit::Audited),
        Err(error) => Err(error),
    };
    exit.unwrap_or_else(|error| {
        output::error(&format!("{error:#}"));
        Exit::Usage
    })
    .into()
}

fn run(request: &AuditRequest) -> anyhow::Result<Exit> {
    let report = audit_all(request);
    output::messages(&report, request);
    output::write(&report, request)?;
    Ok(if report.is_complete() { Exit::Audited } else { Exit::Unreadable })
}

/// Audits every model below every path. A path or model that cannot be read does not stop the others.
fn audit_all(request: &AuditRequest) -> Report {
    let bar = bar::Bar::new(request);
    let mut report = Report::new();
    for path in &request.paths {
        match input::find(path) {
            Ok(found) => {
                report.unreadable.extend(found.problems.into_iter().map(unreadable_folder));
                for location in &found.locations {
                    audit_one(location, request, &bar, &mut report);
                }
            }
            Err(error) => report.unreadable.push(unreadable(&path.to_string_lossy(), &error)),
        }
    }
    report
}

fn audit_one(location: &Location, request: &AuditRequest, bar: &bar::Bar, report: &mut Report) {
    let model = Model::read(&location.directory, &location.shown);
    match smaudit::audit(&model, &request.options, bar) {
        Ok(model) => report.models.push(model),
        Err(error) => report.unreadable.push(unreadable(&location.shown, &error)),
    }
}

fn unreadable(path: &str, error: &dyn std::error::Error) -> UnreadableInput {
    UnreadableInput { path: path.to_owned(), message: error.to_string() }
}

fn unreadable_folder(problem: Problem) -> UnreadableInput {
    UnreadableInput { message: problem.to_string(), path: problem.file }
}
