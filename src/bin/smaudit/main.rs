//! The `smaudit` command: parse, audit, render, exit code.

mod archives;
mod bar;
mod baseline;
mod cli;
mod diff;
mod explain;
mod interrupt;
mod jsonl;
mod output;
mod resume;
mod slim;
mod why;

use std::collections::HashMap;
use std::process::ExitCode;
use std::sync::Mutex;

use bar::Bar;
use cli::{AuditRequest, Request};
use rayon::prelude::*;
use smaudit::input::{Finder, Found, Limits, Location, Model, Outside, Stream, is_url};
use smaudit::report::{Format, ModelReport, RemoteReport, Report, UnreadableInput};
use smaudit::{AuditError, Exit, Problem};

fn main() -> ExitCode {
    interrupt::clears_on_panic();
    let request = cli::request();
    if matches!(request, Ok(Request::Audit(_) | Request::Slim(_) | Request::Baseline(_) | Request::Diff(_))) {
        start_threads();
    }
    let exit = match request {
        Ok(Request::Audit(request)) => run(&request),
        Ok(Request::Why(request)) => why::run(&request),
        Ok(Request::Slim(request)) => slim::run(&request),
        Ok(Request::Baseline(request)) => baseline::run(&request),
        Ok(Request::Diff(request)) => diff::run(&request),
        Ok(Request::Pages(folder)) => cli::write_pages(&folder).map(|()| Exit::Audited),
        Ok(Request::Explain(id)) => explain::run(id.as_deref()),
        Ok(Request::Print(text)) => output::print(&text).map(|()| Exit::Audited),
        Err(error) => Err(error),
    };
    exit.unwrap_or_else(|error| {
        output::error(&format!("{error:#}"));
        exit_of(&error)
    })
    .into()
}

/// How a run ends that an error has ended.
fn exit_of(error: &anyhow::Error) -> Exit {
    if error.is::<AuditError>() { Exit::Internal } else { Exit::Usage }
}

/// Starts the threads that audit models side by side; where the system does not give as many, this one does it all.
///
/// Rayon tries once to start its pool, and what failed stays failed, so threads are tried before.
fn start_threads() {
    let wanted = std::thread::available_parallelism().map_or(1, usize::from);
    // Who wants fewer is asked; more would have nothing to run on, and as many as somebody may write here do not start.
    let asked =
        std::env::var("RAYON_NUM_THREADS").ok().and_then(|number| number.parse().ok()).filter(|number| *number > 0);
    let wanted = asked.map_or(wanted, |asked: usize| asked.min(wanted));
    let pool = rayon::ThreadPoolBuilder::new();
    let pool = if can_start(wanted) { pool.num_threads(wanted) } else { pool.num_threads(1).use_current_thread() };
    // Fails only where there is a pool already, which is as good.
    let _ = pool.build_global();
}

/// Whether the system gives so many threads at once; they are gone afterwards.
fn can_start(threads: usize) -> bool {
    let together = Mutex::new(());
    std::thread::scope(|scope| {
        let held = together.lock();
        let wait = || drop(together.lock());
        let all = (0..threads).all(|_| std::thread::Builder::new().spawn_scoped(scope, wait).is_ok());
        drop(held);
        all
    })
}

fn run(request: &AuditRequest) -> anyhow::Result<Exit> {
    let mut against = baseline::of(request)?;
    let mut report = Report::new();
    let bar = Bar::new(request.progress, request.quiet);
    let (found, streams) = find_all(request, &bar, &mut report);
    if request.format == Some(Format::Jsonl) {
        return jsonl::run(
            request,
            &found,
            streams,
            &report.unreadable,
            against.as_ref().map(|against| &against.baseline),
            &bar,
        );
    }
    let locations: Vec<&Location> = found.iter().flat_map(|found| &found.locations).collect();
    audit_all(&locations, &found, request, &bar, &mut report);
    drop(bar);
    baseline::check(request, &report)?;
    if let Some(against) = &mut against {
        against.compare(request, &report);
    }
    let baseline = against.as_ref().map(|against| &against.baseline);
    report.gate = request.rules.judge(&report, baseline);
    report.gate.warnings.extend(not_all_read(&report));
    report.gate.notes = baseline::notes(request, baseline, &report);
    if let Some(order) = request.sort {
        report.sort(order);
    }
    let written = output::write(&report, request);
    // Last, as the end of a log is what is read first; and also where the report could not be written.
    output::messages(&report, request);
    written.map(|()| report.exit())
}

/// Finds every model below every path. A path that cannot be read does not stop the others. What is at URLs is found while it
/// is audited, where the report is written while it is made.
fn find_all(request: &AuditRequest, bar: &Bar, report: &mut Report) -> (Vec<Found>, Vec<Stream>) {
    let (mut all, mut streams) = (Vec::new(), Vec::new());
    let mut outside = Outside::default();
    let mut finder = Finder::new(Limits::default(), bar).with_depth(request.depth);
    for path in &request.paths {
        if request.format == Some(Format::Jsonl) && is_url(path) {
            streams.extend(finder.stream(path));
            continue;
        }
        match finder.find(path) {
            Ok(mut found) => {
                outside.add_all(std::mem::take(&mut found.outside));
                report.unreadable.extend(std::mem::take(&mut found.problems).into_iter().map(UnreadableInput::from));
                all.push(found);
            }
            Err(error) => {
                // As the error has it, since a URL may have been typed with a secret in it.
                let mut input = unreadable(error.path(), &error);
                input.message += &cli::command_hint(path);
                report.unreadable.push(input);
            }
        }
    }
    report.outside = outside.into();
    (all, streams)
}

/// A model of more than this is audited while no other such is: two would need twice the memory.
const LARGE: u64 = 256 << 20;

/// Audits models side by side, and behind them those in archives. One that cannot be read does not stop the others.
fn audit_all(locations: &[&Location], found: &[Found], request: &AuditRequest, bar: &Bar, report: &mut Report) {
    let models: Vec<Model> = locations.par_iter().map(|location| location.read()).collect();
    let to_read = models.iter().map(|model| smaudit::bytes_to_read(model, &request.options));
    bar.restart(to_read.fold(0, u64::saturating_add));
    let large = Mutex::new(());
    // All models of a page share its room.
    let several = models.len() + found.iter().map(|found| found.archives.len()).sum::<usize>();
    let treemap = request.options.treemap.map(|room| room / several.max(1));
    let options = smaudit::Options { treemap, ..request.options.clone() };
    let audit = |model: &Model| smaudit::audit(model, &options, bar);
    let audit_in_turn = |model: &Model| {
        let _alone = (model.bytes() > LARGE).then(|| large.lock());
        audit(model)
    };
    let audited: Vec<_> = models.par_iter().map(audit_in_turn).collect();
    for (model, audited) in models.iter().zip(audited) {
        match audited {
            Ok(audited) => report.models.push(audited),
            Err(error) => report.unreadable.push(unreadable(&model.path, &error)),
        }
    }
    archives::audit_all(found, audit, &large, bar, report);
    let neighbours = smaudit::neighbours(&models, request.options.min_duplicate, bar);
    (report.neighbours, report.shared) = (neighbours.pairs, neighbours.shared);
    note_unread(&models, report);
    report.add_up();
}

/// Adds to the problems of models what could not be read when they were compared, which was after their audits.
fn note_unread(models: &[Model], report: &mut Report) {
    let unread: HashMap<&str, Vec<Problem>> = models.iter().map(|model| (&*model.path, model.unread())).collect();
    for model in &mut report.models {
        let new = unread.get(&*model.path).into_iter().flatten().filter(|problem| !model.problems.contains(problem));
        let new: Vec<Problem> = new.cloned().collect();
        model.problems.extend(new);
        model.problems.sort();
    }
}

/// What is said where rules were held against models of which not all was read that they are about.
fn not_all_read(report: &Report) -> Option<String> {
    let is_partial = |model: &&ModelReport| model.remote.as_ref().is_some_and(RemoteReport::is_partial);
    let partial = report.models.iter().filter(is_partial).count();
    (partial > 0 && !report.gate.rules.is_empty()).then(|| {
        format!(
            "of {partial} of {} models not all was read that rules are about: what was not compared counts as no duplicate; \
             --remote-depth full reads it",
            report.models.len()
        )
    })
}

fn unreadable(path: &str, error: &(dyn std::error::Error + 'static)) -> UnreadableInput {
    let is_internal = error.is::<AuditError>();
    UnreadableInput { path: path.to_owned(), message: error.to_string(), is_internal }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use smaudit::internals::ledger::Ledger;

    use super::*;

    /// No file is known that makes one, so the account is closed by hand with a byte that was not charged.
    fn imbalance() -> AuditError {
        Ledger::new(&[]).open("saved_model.pb", 1).close().unwrap_err().into()
    }

    #[test]
    fn books_that_do_not_balance_are_a_mistake_of_ours_and_not_a_damaged_model() {
        let mut report = Report::new();
        report.unreadable.push(unreadable("model", &imbalance()));
        assert_eq!(report.exit() as u8, 70);
        assert_eq!(exit_of(&imbalance().into()) as u8, 70);
        assert!(report.unreadable[0].message.contains("saved_model.pb"));
    }

    #[test]
    fn an_input_that_cannot_be_read_is_none() {
        let mut report = Report::new();
        report.unreadable.push(unreadable("model", &std::io::Error::other("a disk that is gone")));
        assert_eq!(report.exit(), Exit::Unreadable);
        assert_eq!(exit_of(&anyhow::anyhow!("an option that there is not")), Exit::Usage);
    }
}
