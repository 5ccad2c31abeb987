//! The `smaudit why` command: which models need a thing, and through what.

use std::path::Path;

use smaudit::exit::Exit;
use smaudit::input::{self, FindError, Found, Limits, Location};
use smaudit::report::WhyReport;

use crate::output;

/// Says of each model below a path why it needs a thing. It has to be in one of them.
pub(crate) fn run(path: &Path, thing: &str) -> anyhow::Result<Exit> {
    let mut found = match input::find(path) {
        Ok(found) => found,
        Err(error) => return Ok(cannot_read(&error)),
    };
    let mut asked = Asked { complete: true, ..Asked::default() };
    asked.ask(&found, thing)?;
    for archive in std::mem::take(&mut found.archives) {
        match archive.open(Limits::default()) {
            Ok(found) => asked.ask(&found, thing)?,
            Err(error) => {
                output::error(&error.to_string());
                asked.complete = false;
            }
        }
    }
    if let (true, true, Some(error)) = (asked.answers.is_empty(), asked.complete, &found.otherwise) {
        return Ok(cannot_read(error));
    }
    asked.tell()
}

fn cannot_read(error: &FindError) -> Exit {
    output::error(&error.to_string());
    Exit::Unreadable
}

/// What models answered.
#[derive(Default)]
struct Asked {
    answers: Vec<WhyReport>,
    /// Whether everything could be read.
    complete: bool,
}

impl Asked {
    fn ask(&mut self, found: &Found, thing: &str) -> anyhow::Result<()> {
        found.problems.iter().for_each(|problem| output::error(&problem.to_string()));
        self.complete &= found.problems.is_empty();
        for model in found.locations.iter().map(Location::read) {
            let answer = smaudit::why(&model, thing)?;
            answer.problems.iter().for_each(|problem| output::error(&format!("{}: {problem}", answer.path)));
            self.complete &= answer.problems.is_empty();
            self.answers.push(answer);
        }
        Ok(())
    }

    fn tell(&self) -> anyhow::Result<Exit> {
        if !self.answers.iter().any(WhyReport::is_found) {
            self.answers.iter().for_each(|answer| output::error(&answer.not_found()));
            return Ok(if self.complete { Exit::Usage } else { Exit::Unreadable });
        }
        output::answers(&self.answers)?;
        Ok(if self.complete { Exit::Audited } else { Exit::Unreadable })
    }
}
