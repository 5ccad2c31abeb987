//! What the report in Markdown holds to, whatever it is given.

use super::page::MOST;
use crate::ledger::Dimension;
use crate::report::sample::{self, row};
use crate::report::{Format, Gate, ModelReport, Page, Report, Status, View};

fn written(report: &Report, view: &View) -> String {
    let mut out = Vec::new();
    Format::Markdown.write(report, view, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn of(models: Vec<ModelReport>, view: &View) -> String {
    let mut report = Report { models, ..sample::report() };
    report.add_up();
    written(&report, view)
}

/// The lines of tables, and whether each table's rows have as many cells as its heading.
fn tables(text: &str) -> Vec<Vec<&str>> {
    let mut tables = vec![vec![]];
    for line in text.lines() {
        match line.starts_with('|') {
            true => tables.last_mut().unwrap().push(line),
            false => tables.push(vec![]),
        }
    }
    tables.retain(|table| !table.is_empty());
    tables
}

fn assert_whole(text: &str) {
    assert!(text.chars().count() <= MOST);
    assert_eq!(text.matches("<details>").count(), text.matches("</details>").count(), "{text}");
    for table in tables(text) {
        assert!(table.len() > 2, "a table without rows: {table:?}");
        let cells = table[0].matches('|').count();
        for line in &table {
            assert_eq!((line.matches('|').count(), line.ends_with('|')), (cells, true), "{line}");
        }
    }
}

#[test]
fn a_model_in_a_comment() {
    let expected = "\
## `./model`

1.00 kB (1,000 bytes) in 2 files, 1 metagraph (`serve`), TensorFlow `2.15.0`

> [!CAUTION]
> **1 PROBLEM: the figures are of what could be read**
>
> - `variables/variables.index`, byte 12: `expected a footer, found the end of the file`

| category | bytes | share |
|:--|--:|--:|
| graph_def | 700 bytes | 70.0% |
| variables | 300 bytes | 30.0% |
| signature_def | 0 bytes | 0% |
| assets | 0 bytes | 0% |
| other | 0 bytes | 0% |

| largest items | kind | bytes | share |
|:--|:--|--:|--:|
| `kernel` | variable | 200 bytes | 20.0% |
| `__inference_call_12` | function | 90 bytes | 9.0% |

**avoidable: 400 bytes, 40.0% of the model**

- **stale-files** (300 bytes, 30.0%): 2 files are left from an earlier export.
  - → Export into an empty directory.
  - unless a program of yours reads these files.
- **duplicate-asset (100 bytes of it counted above)** (200 bytes, 20.0%): 2 files are left from an earlier export.
  - → Export into an empty directory.

";
    let text = of(vec![sample::model()], &View::default());
    assert!(text.starts_with(expected), "{text}");
    assert_whole(&text);
}

#[test]
fn details_are_folded_up() {
    let text = of(vec![sample::model()], &View::default());
    let summaries: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("<details><summary>")).collect();
    let expected = [
        "duplicates: 200 bytes, 20.0% of the model",
        "The same content in several places",
        "functions identical except for names: 40 bytes, 44.4% of all functions; not counted above",
        "metagraph <code>#0 serve</code>: 690 bytes",
        "Largest ops of metagraph 0",
        "Largest functions of metagraph 0",
        "checkpoint: 1 tensor in 1 shard",
        "Largest variables",
        "Largest files",
        "links (named, not counted again)",
    ];
    assert_eq!(summaries, expected.map(|summary| format!("{summary}</summary>")), "{text}");
}

#[test]
fn one_table_is_the_page_where_one_was_asked_for() {
    let mut model = sample::model();
    model.problems.clear();
    model.breakdown = sample::by_section_and_op();
    let text = of(vec![model], &View { page: Page::Table, ..View::default() });
    assert!(
        text.starts_with("## `./model`\n\n1.00 kB (1,000 bytes)\n\n| section / op | bytes | share | count |\n"),
        "{text}"
    );
    assert_eq!(tables(&text).len(), 1, "{text}");
    assert!(text.contains("| &emsp;`Const` | 600 | 60.0% |"), "{text}");
}

#[test]
fn no_name_is_markup_ends_its_cell_or_is_cut() {
    let long = "n".repeat(120);
    for name in ["a|b`c", "line\nend", "\u{1b}[2J", "<img src=x>@team #1 </table>", "**x** [y](z)", long.as_str(), ""] {
        for page in [Page::Brief, Page::Table, Page::Findings, Page::Full] {
            let gate = sample::gate(&[Status::Fail], name);
            let unreadable = vec![sample::unreadable(name)];
            let mut report = Report { models: vec![sample::named(name)], gate, unreadable, ..Report::new() };
            for number in [1, 2] {
                report.models = vec![sample::named(name); number];
                report.add_up();
                let text = written(&report, &View { page, ..View::default() });
                assert_whole(&text);
                assert!(!text.contains('\u{1b}'), "{text}");
                // What is left without code is smaudit's own.
                let own: String = text.split('`').step_by(2).collect();
                let own: String =
                    own.split("<code>").map(|rest| rest.split_once("</code>").map_or(rest, |part| part.1)).collect();
                for part in ["@team", "<img", "**x**", "a|b"] {
                    assert!(!own.contains(part), "{part} in {text}");
                }
            }
        }
    }
    let text = of(vec![sample::named(&long)], &View { page: Page::Full, top: Some(0), ..View::default() });
    assert!(text.contains(&format!("| `{long}` |")), "{text}");
}

#[test]
fn a_page_ends_between_rows_and_closes_what_is_open() {
    let mut model = sample::model();
    let rows = (0..10_000).map(|n| row(&format!("node_{n}"), 1, vec![])).collect();
    model.breakdown = sample::rollup(&[Dimension::Node], rows);
    for page in [Page::Brief, Page::Table, Page::Full] {
        let text = of(vec![model.clone()], &View { top: Some(0), page, ..View::default() });
        assert_whole(&text);
        assert!(text.contains("lines are left out**"), "{page:?}: {text}");
    }
}

#[test]
fn the_rules_are_an_alert_as_loud_as_what_it_says() {
    for (statuses, alert) in
        [(&[Status::Warn][..], "NOTE"), (&[Status::Fail], "CAUTION"), (&[Status::Warn, Status::Unsure], "CAUTION")]
    {
        let report = Report { gate: sample::gate(statuses, "n"), ..Report::new() };
        let text = written(&report, &View::default());
        assert!(text.starts_with(&format!("> [!{alert}]\n> **rules: ")), "{statuses:?}: {text}");
        assert!(text.contains("\n> - **"), "{text}");
    }
    let passed = Report { gate: sample::gate(&[Status::Pass], "n"), ..Report::new() };
    assert!(written(&passed, &View::default()).starts_with("**rules: PASS, "));
    assert_eq!(written(&Report { gate: Gate::default(), ..Report::new() }, &View::default()), "\n");
}
