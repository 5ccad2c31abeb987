//! The rules as a table, those that are broken first, as the page may end before the last one.

use super::page::{Page, code, quote};
use crate::report::{Gate, RuleOutcome, Status};

pub(super) fn write(gate: &Gate, page: &mut Page) {
    if !gate.has_rules() {
        return;
    }
    let kind = match (gate.passed, gate.rules.iter().any(RuleOutcome::is_broken)) {
        (false, _) => "CAUTION",
        (true, true) => "WARNING",
        (true, false) => "NOTE",
    };
    page.lines(&format!("> [!{kind}]\n> gate: **{}**, {}\n\n", gate.status().word(), gate.summary()));
    rules(gate, page);
    allowed(gate, page);
}

fn rules(gate: &Gate, page: &mut Page) {
    let mut rules: Vec<&RuleOutcome> = gate.rules.iter().collect();
    rules.sort_by_key(|rule| match rule.status {
        Status::Fail => 0,
        Status::Unsure => 1,
        Status::Warn => 2,
        Status::Pass => 3,
    });
    let mut table = page.table(&["rule", "verdict", "found", "why"], 0);
    for rule in rules {
        let why = rule.origin().map(|origin| quote(&origin)).unwrap_or_default();
        table.row(&[&quote(&rule.claim()), rule.status.word(), &rule.finding(), &why]);
    }
    table.end();
}

/// What is known, and not counted in the rules.
fn allowed(gate: &Gate, page: &mut Page) {
    let mut table = page.folded_table("Allowed duplicates", &["allowed", "model", "not counted", "why"], 0);
    for entry in &gate.allowed {
        let why = quote(&format!("{}: {}", entry.source, entry.reason));
        table.row(&[&code(&entry.group), &code(&entry.model), &entry.finding(), &why]);
    }
    table.end();
}

#[cfg(test)]
mod tests {
    use crate::ledger::Dimension;
    use crate::report::sample::{self, row};
    use crate::report::{Format, Gate, Report, Status, View};

    fn written(report: &Report) -> String {
        let mut out = Vec::new();
        Format::Markdown.write(report, &View { top: Some(0), ..View::default() }, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn of(gate: Gate) -> String {
        written(&Report { gate, ..Report::new() })
    }

    #[test]
    fn the_rules_are_a_table_and_the_broken_ones_come_first() {
        let expected = "\
> [!CAUTION]
> gate: **FAIL**, 1 of 3 checks failed, 1 of 3 checks warned

| rule | verdict | found | why |
|:--|:--|:--|:--|
| `duplication of ./model: at most 5%` | FAIL | 600 bytes, 60.0%; 5% is 50 bytes |  |
| `duplication of ./model: at most 5%` | WARN | 600 bytes, 60.0%; 5% is 50 bytes | `smaudit.toml:3: little room` |
| `duplication of ./model: at most 5%` | PASS | 50 bytes, 5.0%; 5% is 50 bytes |  |

<details><summary>Allowed duplicates</summary>

| allowed | model | not counted | why |
|:--|:--|:--|:--|
| `kernel` | `./model` | 8,192 redundant bytes in 1 group | `smaudit.toml:12: both are asked for` |

</details>
";
        let mut gate = sample::gate(&[Status::Pass, Status::Warn, Status::Fail], "kernel");
        (gate.rules[1].source, gate.rules[1].reason) = ("smaudit.toml:3".to_owned(), Some("little room".to_owned()));
        gate.rules.truncate(3);
        gate.allowed = vec![sample::allowed("kernel")];
        let text = of(gate);
        assert_eq!(text, expected, "\n{text}");
    }

    #[test]
    fn an_alert_is_as_loud_as_what_it_says() {
        for (statuses, alert) in [
            (&[Status::Pass][..], "NOTE"),
            (&[Status::Pass, Status::Warn], "WARNING"),
            (&[Status::Warn, Status::Unsure], "CAUTION"),
            (&[Status::Fail], "CAUTION"),
        ] {
            assert!(of(sample::gate(statuses, "n")).starts_with(&format!("> [!{alert}]\n")), "{statuses:?}");
        }
    }

    #[test]
    fn nothing_is_said_where_there_are_no_rules() {
        assert_eq!(of(Gate::default()), "\n");
    }

    #[test]
    fn no_name_ends_its_cell() {
        for name in ["a|b`c", "line\nend", "\u{1b}[2J", &"n".repeat(3_000), ""] {
            let text = of(sample::gate(&[Status::Fail], name));
            let rows: Vec<&str> = text.lines().filter(|line| line.starts_with('|')).collect();
            assert_eq!(rows.len(), 7, "{text}");
            assert!(rows.iter().all(|row| row.matches('|').count() == 5 && row.ends_with('|')), "{text}");
        }
    }

    #[test]
    fn the_gate_is_on_the_page_however_long_the_rest_is() {
        let mut report = Report { gate: sample::gate(&[Status::Fail], "n"), ..sample::report() };
        let rows = (0..10_000).map(|n| row(&format!("node_{n}"), 1, vec![])).collect();
        report.models[0].breakdown = sample::rollup(&[Dimension::Node], rows);
        let text = written(&report);
        assert!(text.contains("lines are left out**"), "{text}");
        assert!(text.starts_with("> [!CAUTION]\n> gate: **FAIL**, 1 of 2 checks failed\n"), "{text}");
    }
}
