//! Broken rules as annotations of a GitHub Actions run: lines that the runner looks for in what a step writes.
//!
//! `::error title=...::message`, with `%` and line ends as percent codes, and in a property `:` and `,` as well
//! (the runner's `ActionCommand`, <https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts>).

use std::path::Path;

use smaudit::internals::escape::escape_text;
use smaudit::report::{Gate, Level, RuleOutcome, Status};

/// A line for each rule that is broken or cannot be known to hold.
pub(super) fn annotations(gate: &Gate) -> Vec<String> {
    gate.rules.iter().filter_map(annotation).collect()
}

fn annotation(rule: &RuleOutcome) -> Option<String> {
    let command = match (rule.status, rule.level) {
        (Status::Pass, _) => return None,
        (_, Level::Warn) => "warning",
        (_, Level::Fail) => "error",
    };
    let title = property(&format!("smaudit: {}", rule.rule));
    Some(format!("::{command} {}title={title}::{}", place(rule).unwrap_or_default(), data(&rule.sentence())))
}

/// The line of a file that a rule is on, so that the annotation stands beside it. The runner wants the path from its
/// workspace.
fn place(rule: &RuleOutcome) -> Option<String> {
    let line = rule.line?;
    let path = Path::new(rule.source.strip_suffix(&format!(":{line}"))?);
    let workspace = std::env::var_os("GITHUB_WORKSPACE").and_then(|folder| Path::new(&folder).canonicalize().ok());
    let full = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let path = workspace.and_then(|folder| full.strip_prefix(folder).ok()).unwrap_or(path);
    Some(format!("file={},line={line},", property(&path.to_string_lossy())))
}

/// What stands behind the last `::`. Other characters that a terminal obeys are made harmless as everywhere.
fn data(text: &str) -> String {
    let lines = text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    escape_text(&lines)
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_end_a_command_is_escaped() {
        assert_eq!(data("5% of a\r\nb: c, d::e"), "5%25 of a%0D%0Ab: c, d::e");
        assert_eq!(property("100%: a, b\n"), "100%25%3A a%2C b%0A");
        assert_eq!(data("\u{1b}[31m\u{2028}"), "\\u{1b}[31m\\u{2028}");
    }
}
