//! The `smaudit why` command: which models need a thing, and through what.

use std::path::Path;

use smaudit::exit::Exit;
use smaudit::input;
use smaudit::report::WhyReport;

use crate::output;

/// Says of each model below a path why it needs a thing. It has to be in one of them.
pub(crate) fn run(path: &Path, thing: &str) -> anyhow::Result<Exit> {
    let found = match input::find(path) {
        Ok(found) => found,
        Err(error) => {
            output::error(&error.to_string());
            return Ok(Exit::Unreadable);
        }
    };
    found.problems.iter().for_each(|problem| output::error(&problem.to_string()));
    let mut complete = found.problems.is_empty();
    let mut answers = Vec::new();
    for location in &found.locations {
        let answer = smaudit::why(&location.read(), thing)?;
        answer.problems.iter().for_each(|problem| output::error(&format!("{}: {problem}", answer.path)));
        complete &= answer.problems.is_empty();
        answers.push(answer);
    }
    if !answers.iter().any(WhyReport::is_found) {
        answers.iter().for_each(|answer| output::error(&answer.not_found()));
        return Ok(if complete { Exit::Usage } else { Exit::Unreadable });
    }
    output::answers(&answers)?;
    Ok(if complete { Exit::Audited } else { Exit::Unreadable })
}
