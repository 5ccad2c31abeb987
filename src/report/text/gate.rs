//! The rules, each with what it allows and what was found. None is left out, whatever `--top` says.

use std::io;

use super::page::{HEADING, PLAIN, PROBLEM, Page, QUIET, WARNING};
use crate::escape::escape;
use crate::report::{Allowed, Gate, RuleOutcome, Status};

/// The columns of a verdict, with the space around it.
const VERDICT: usize = 10;

pub(super) fn write(gate: &Gate, page: &mut Page<'_>) -> io::Result<()> {
    if !gate.has_rules() {
        return Ok(());
    }
    page.section()?;
    let style = if gate.passed { HEADING } else { PROBLEM };
    page.sentence("", style, &format!("gate: {}, {}", gate.status().word(), gate.summary()))?;
    for rule in &gate.rules {
        outcome(rule, page)?;
    }
    for entry in &gate.allowed {
        page.sentence(&lead("allow"), QUIET, &allowed(entry))?;
    }
    Ok(())
}

fn outcome(rule: &RuleOutcome, page: &mut Page<'_>) -> io::Result<()> {
    let style = match rule.status {
        Status::Pass => PLAIN,
        Status::Warn => WARNING,
        Status::Fail | Status::Unsure => PROBLEM,
    };
    page.sentence(&lead(rule.status.word()), style, &rule.claim())?;
    page.sentence(&lead(""), PLAIN, &rule.finding())?;
    page.sentence(&lead(""), QUIET, &rule.origin().unwrap_or_default())
}

fn lead(word: &str) -> String {
    format!("  {word:<width$}", width = VERDICT - 2)
}

/// What an entry takes out of the rules, and why.
fn allowed(entry: &Allowed) -> String {
    let [group, model, source] = [&entry.group, &entry.model, &entry.source].map(|name| escape(name));
    format!("{group} in {model}: {} ({source}: {})", entry.finding(), entry.reason)
}

#[cfg(test)]
mod tests {
    use crate::escape::is_unsafe;
    use crate::report::fit::width;
    use crate::report::sample;
    use crate::report::{Format, Gate, Report, Status, View};

    fn styled(gate: Gate, columns: usize) -> String {
        let mut out = Vec::new();
        let view = View { width: columns, top: Some(1), ..View::default() };
        Format::Text.write(&Report { gate, ..Report::new() }, &view, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn plain(gate: Gate, columns: usize) -> String {
        anstream::adapter::strip_str(&styled(gate, columns)).to_string()
    }

    #[test]
    fn every_rule_is_shown_with_its_limit_and_exact_bytes() {
        let mut gate = sample::gate(&[Status::Fail, Status::Warn, Status::Unsure], "kernel");
        gate.rules[1].source = "smaudit.toml:3".to_owned();
        gate.rules[1].reason = Some("phones have little room".to_owned());
        gate.rules[3] = sample::rule(Status::Pass);
        let expected = "\
gate: FAIL, 1 of 4 checks failed, 1 of 4 checks warned, 1 of 4 checks saw only a
part of the model
  FAIL    duplication of ./model: at most 5%
          600 bytes, 60.0%; 5% is 50 bytes
  WARN    duplication of ./model: at most 5%
          600 bytes, 60.0%; 5% is 50 bytes
          smaudit.toml:3: phones have little room
  UNSURE  duplication of ./model: at most 5%
          50 bytes, 5.0%; 5% is 50 bytes
  PASS    duplication of ./model: at most 5%
          50 bytes, 5.0%; 5% is 50 bytes
  allow   kernel in kernel: 8,192 redundant bytes in 1 group (kernel: kernel)
";
        let text = plain(gate, 80);
        assert_eq!(text, expected, "\n{text}");
    }

    #[test]
    fn nothing_is_said_where_there_are_no_rules() {
        assert_eq!(plain(Gate::default(), 80), "");
    }

    #[test]
    fn what_no_rule_was_held_against_is_said() {
        let gate = Gate { passed: false, unchecked: 1, ..Gate::default() };
        assert_eq!(plain(gate, 80), "gate: UNSURE, 1 path not checked\n");
    }

    #[test]
    fn no_name_is_wider_than_the_page_or_reaches_the_terminal_as_a_command() {
        for name in [&"n".repeat(300), "重み/層/カーネル ".repeat(20).as_str(), "\u{1b}[2J\u{9b}\u{202e}\r\n\t", ""]
        {
            for columns in [60, 80, 160] {
                let text = styled(sample::gate(&[Status::Fail], name), columns);
                let plain = anstream::adapter::strip_str(&text).to_string();
                for line in plain.lines() {
                    assert!(width(line) <= columns, "{columns}: {} in {line:?}", width(line));
                    assert_eq!(line, line.trim_end());
                }
                assert!(!plain.chars().any(|c| is_unsafe(c) && c != '\n'), "{plain:?}");
                assert!(!text.contains("\u{1b}[2J"), "{text:?}");
            }
        }
    }
}
