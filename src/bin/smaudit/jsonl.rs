//! `--format jsonl`: a line for each model, written as the models finish, so that any number of them takes the memory of
//! those that are audited at the same time.

use std::io::{self, BufWriter, Write};
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;
use smaudit::Exit;
use smaudit::gate::Judge;
use smaudit::input::{FindError, Found, Location, Met, Model, Stream};
use smaudit::report::{Baseline, ModelReport, UnreadableInput, write_line, write_unreadable_line};

use crate::bar::Bar;
use crate::cli::AuditRequest;
use crate::resume::Seen;
use crate::{LARGE, archives, output, unreadable};

/// So many models of a store are read at the same time.
const AT_ONCE: usize = 16;

/// Where lines go, and what came of them.
struct Lines<'r, W> {
    out: W,
    judge: Judge<'r>,
    exit: Exit,
    unreadable: u64,
    /// Why nothing more can be written.
    failed: Option<io::Error>,
}

impl<W: Write> Lines<'_, W> {
    fn model(&mut self, model: &ModelReport) {
        self.judge.hear(model);
        self.judge.forget_passed();
        if !model.problems.is_empty() {
            self.exit = self.exit.max(Exit::Unreadable);
            output::problems(model);
        }
        let written = write_line(model, &mut self.out);
        self.keep(written);
    }

    fn unreadable(&mut self, input: &UnreadableInput) {
        self.unreadable += 1;
        self.exit = self.exit.max(if input.is_internal { Exit::Internal } else { Exit::Unreadable });
        output::error(&input.message);
        let written = write_unreadable_line(input, &mut self.out);
        self.keep(written);
    }

    fn keep(&mut self, written: io::Result<()>) {
        // A line is seen as soon as it is there.
        match written.and_then(|()| self.out.flush()) {
            // Whoever read them has seen enough, and the exit code is still to be found out.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
            Err(error) => self.failed = Some(error),
            Ok(()) => {}
        }
    }
}

/// Audits what was found and writes a line for each.
pub(crate) fn run(
    request: &AuditRequest,
    found: &[Found],
    streams: Vec<Stream>,
    not_found: &[UnreadableInput],
    baseline: Option<&Baseline>,
    bar: &Bar,
) -> anyhow::Result<Exit> {
    let seen = Seen::of(request)?;
    output::stream(request, |out| {
        let lines = Lines {
            out: BufWriter::new(out),
            judge: Judge::new(&request.rules, baseline),
            exit: Exit::Audited,
            unreadable: 0,
            failed: None,
        };
        let lines = Mutex::new(lines);
        let with = |act: &dyn Fn(&mut Lines<'_, _>)| act(&mut lines.lock().unwrap_or_else(PoisonError::into_inner));
        not_found.iter().for_each(|input| with(&|lines| lines.unreadable(input)));
        let large = Mutex::new(());
        let audit = |model: &Model| {
            let _alone = (model.bytes() > LARGE).then(|| large.lock());
            smaudit::audit(model, &request.options, bar)
        };
        let plain = |model: &Model| smaudit::audit(model, &request.options, bar);
        let has_failed = || lines.lock().unwrap_or_else(PoisonError::into_inner).failed.is_some();
        let locations: Vec<&Location> = found.iter().flat_map(|found| &found.locations).collect();
        locations.par_iter().for_each(|location| {
            if has_failed() {
                return;
            }
            let model = location.read();
            match audit(&model) {
                Ok(report) => with(&|lines| lines.model(&report)),
                Err(error) => with(&|lines| lines.unreadable(&unreadable(&model.path, &error))),
            }
        });
        streams.into_iter().filter(|_| !has_failed()).for_each(|stream| {
            // What waits for a network takes no core.
            let of_store = |met: Result<Met, FindError>| {
                if has_failed() {
                    return;
                }
                match met {
                    Ok(Met::Model(location)) if seen.has(&location) => {}
                    Ok(Met::Model(location)) => {
                        let model = location.read();
                        match audit(&model) {
                            Ok(report) => with(&|lines| lines.model(&report)),
                            Err(error) => with(&|lines| lines.unreadable(&unreadable(&model.path, &error))),
                        }
                    }
                    Ok(Met::Archive(archive)) => {
                        let audited = archives::audit_one(&archive, &plain, &large, bar);
                        audited.models.iter().for_each(|report| with(&|lines| lines.model(report)));
                        audited.unreadable.iter().for_each(|input| with(&|lines| lines.unreadable(input)));
                    }
                    Ok(_) => {}
                    Err(error) => with(&|lines| lines.unreadable(&unreadable(error.path(), &error))),
                }
            };
            match rayon::ThreadPoolBuilder::new().num_threads(AT_ONCE).build() {
                Ok(pool) => pool.install(|| stream.par_bridge().for_each(of_store)),
                Err(_) => stream.for_each(of_store),
            }
        });
        for found in found {
            let mut nothing = true;
            for archive in found.archives.iter().filter(|_| !has_failed()) {
                let audited = archives::audit_one(archive, &plain, &large, bar);
                nothing &= audited.models.is_empty() && audited.unreadable.is_empty();
                audited.models.iter().for_each(|report| with(&|lines| lines.model(report)));
                audited.unreadable.iter().for_each(|input| with(&|lines| lines.unreadable(input)));
            }
            if let Some(error) = found.otherwise.as_ref().filter(|_| nothing) {
                with(&|lines| lines.unreadable(&unreadable(error.path(), error)));
            }
        }
        let lines = lines.into_inner().unwrap_or_else(PoisonError::into_inner);
        if let Some(error) = lines.failed {
            return Err(error);
        }
        let gate = lines.judge.verdict(lines.unreadable);
        output::rules(&gate, request);
        let judged = if gate.is_broken() { Exit::RuleBroken } else { Exit::Audited };
        Ok(lines.exit.max(judged))
    })
}
