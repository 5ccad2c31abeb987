//! The `smaudit why` command: which models need a thing, and through what.

use std::path::Path;

use smaudit::exit::Exit;
use smaudit::input::{Finder, Limits};
use smaudit::report::WhyReport;

use crate::bar::Bar;
use crate::cli::When;
use crate::output;

/// Says of each model below a path why it needs a thing. It has to be in one of them.
pub(crate) fn run(path: &Path, thing: &str) -> anyhow::Result<Exit> {
    let bar = Bar::new(When::Auto, false);
    let found = Finder::new(Limits::default(), &bar).find(path);
    let found = match found {
        Ok(found) => found,
        Err(error) => {
            drop(bar);
            output::error(&error.to_string());
            return Ok(Exit::Unreadable);
        }
    };
    let mut complete = found.problems.is_empty();
    let mut answers = Vec::new();
    bar.restart(0);
    for location in &found.locations {
        let answer = smaudit::why(&location.read(), thing, &bar)?;
        complete &= answer.problems.is_empty();
        answers.push(answer);
    }
    drop(bar);
    found.problems.iter().for_each(|problem| output::error(&problem.to_string()));
    for answer in &answers {
        answer.problems.iter().for_each(|problem| output::error(&format!("{}: {problem}", answer.path)));
    }
    if !answers.iter().any(WhyReport::is_found) {
        answers.iter().for_each(|answer| output::error(&answer.not_found()));
        return Ok(if complete { Exit::Usage } else { Exit::Unreadable });
    }
    output::answers(&answers)?;
    Ok(if complete { Exit::Audited } else { Exit::Unreadable })
}
