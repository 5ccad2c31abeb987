//! What the report in Markdown holds to, whatever it is given.

use super::page::MOST;
use crate::ledger::Dimension;
use crate::report::sample::{self, row};
use crate::report::{Format, ModelReport, Report, View};

const ALL: View = View { width: 80, top: Some(0), findings: None };

fn of(models: Vec<ModelReport>, view: &View) -> String {
    let mut out = Vec::new();
    let mut report = Report { models, ..sample::report() };
    report.add_up();
    Format::Markdown.write(&report, view, &mut out).unwrap();
    String::from_utf8(out).unwrap()
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

1,000 bytes (1 kB) in 2 files, 1 metagraph, TensorFlow `2.15.0`

> [!CAUTION]
> 1 problem: a part of this model could not be read.
>
> - `variables/variables.index`, byte 12: `expected a footer, found the end of the file`

| category | bytes | share |
|:--|--:|--:|
| graph_def | 700 | 70.0% |
| variables | 300 | 30.0% |

**Findings: 400 bytes, 40.0% of the model, can go**

- **stale-files** (300 bytes, 30.0%): 2 files are left from an earlier export.<br>→ Export into an empty directory.
- **duplicate-asset** (200 bytes, 20.0%): 2 files are left from an earlier export. 100 of these bytes are in `stale-files` as well.<br>→ Export into an empty directory.

`smaudit explain ID` says how each is known and when not to act on it

**Duplicates: 200 bytes, 20.0% of the model**

24 bytes in payloads of one value throughout (16 bytes of zeros), which are no copies

| the same content in | redundant bytes | share | copies of |
|:--|--:|--:|--:|
| `variable` `kernel`<br>`#0 serve` `Const` | 200 | 20.0% | 2 × 200 |

Functions that are equal but for the names in them: 40 bytes, 44.4% of the functions, not counted above

| what their names have in common | redundant bytes | share | functions |
|:--|--:|--:|--:|
| `__inference_call_*` | 40 | 4.0% | 2 |

| metagraph | bytes | share | nodes | functions | function nodes | objects |
|:--|--:|--:|--:|--:|--:|--:|
| `#0 serve` | 690 | 69.0% | 3 | 1 | 7 | 5 |

Checkpoint: 1 tensor in 1 shard; data 210 bytes and an index of 90 bytes; **unused**: 10 bytes of the data hold no tensor

<details><summary>Signatures of metagraph 0</summary>

| signature | inputs | outputs | bytes reached | alone |
|:--|:--|:--|--:|--:|
| `serving_default` | `x: float32[?,3]` | `y: float32[*]` | 600 | 50 |

</details>
";
    let text = of(vec![sample::model()], &View::default());
    assert!(text.starts_with(expected), "{text}");
    assert_whole(&text);
}

#[test]
fn of_a_metagraph_that_is_not_followed_nothing_is_said_of_what_signatures_reach() {
    let mut model = sample::model();
    let signature = &mut model.meta_graphs[0].signatures[0];
    (signature.reachable_bytes, signature.exclusive_bytes) = (None, None);
    let text = of(vec![model], &View::default());
    assert!(text.contains("| `y: float32[*]` |  |  |\n"), "{text}");
}

#[test]
fn what_follows_the_tables_is_folded_up() {
    let text = of(vec![sample::model()], &View::default());
    let summaries: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("<details><summary>")).collect();
    let expected = [
        "Signatures of metagraph 0",
        "Largest ops of metagraph 0 (nodes in functions not counted)",
        "Largest functions of metagraph 0",
        "Assets of metagraph 0",
        "Largest variables",
        "Largest files",
        "Links (named, not counted again)",
    ];
    assert_eq!(summaries, expected.map(|summary| format!("{summary}</summary>")));
    assert!(text.contains("| `vocab.txt` | 41,000 |\n| `gone.txt` | missing |\n"), "{text}");
    assert!(text.contains("| `kernel` |  | `float32[5,10]` | 200 | 20.0% |\n"), "{text}");
    assert!(text.contains("| `latest` | symbolic | `1` | `leads out of the model` |\n"), "{text}");
}

#[test]
fn the_breakdown_is_an_indented_table() {
    let mut model = sample::model();
    model.breakdown = sample::by_section_and_op().cut(1);
    let expected = "\
| section / op | bytes | share | count |
|:--|--:|--:|--:|
| `graph_def` | 700 | 70.0% | 3 |
| &emsp;`Const` | 600 | 60.0% | 2 |
| &emsp;… 1 more (-n 0 shows all) | 100 | 10.0% | 1 |
| … 1 more (-n 0 shows all) | 300 | 30.0% | 1 |
";
    let text = of(vec![model], &View { top: Some(1), ..ALL });
    assert!(text.contains(expected), "{text}");
}

#[test]
fn ten_thousand_rows_end_where_a_comment_does() {
    let mut model = sample::model();
    model.breakdown =
        sample::rollup(&[Dimension::Node], (0..10_000).map(|n| row(&format!("層/node_{n}"), 1, vec![])).collect());
    let text = of(vec![model], &ALL);
    assert_whole(&text);
    assert!(text.chars().count() > MOST - 1_000, "as much as there is room for");
    assert!(text.len() > MOST, "characters, not bytes");
    let rows = text.lines().filter(|line| line.contains("/node_")).count();
    let last = text.lines().next_back().unwrap();
    assert!(rows > 1_000 && last.starts_with("**The last ") && last.contains("--format json"), "{last}");
    assert!(text.contains(&format!("`層/node_{}`", rows - 1)), "rows are left out from the end");
}

#[test]
fn a_comment_that_ends_in_a_folded_table_closes_it() {
    let mut model = sample::model();
    let tensors = (0..10_000).map(|n| sample::tensor(&format!("variable_{n}"), 1)).collect();
    model.checkpoint = Some(sample::checkpoint(tensors));
    let text = of(vec![model], &ALL);
    assert_whole(&text);
    assert!(text.contains("|\n\n</details>\n\n**The last "), "{}", &text[text.len() - 500..]);
}

#[test]
fn any_number_of_models_and_problems_fits() {
    let mut model = sample::named("n");
    model.problems = vec![model.problems[0].clone(); 3_000];
    assert_whole(&of(vec![model; 500], &ALL));
}

#[test]
fn names_are_inert_wherever_they_stand() {
    let name = "a|b`c`<script>alert(1)</script>\n## @team [x](y) \\| ";
    let text = of(vec![sample::named(name), sample::named(name)], &View::default());
    assert_whole(&text);
    for line in text.lines() {
        let outside: String = line.split('`').step_by(2).collect();
        assert_eq!(line.matches('`').count() % 2, 0, "{line}");
        for markup in ["script", "@team", "[x]"] {
            assert!(!outside.contains(markup), "{line}");
        }
    }
    assert!(text.contains("`a\\u{7c}b\\u{60}c\\u{60}<script>"), "{text}");
}

#[test]
fn a_model_with_nothing_in_it_is_a_heading_and_a_line() {
    let text = of(vec![sample::empty_model()], &View::default());
    assert_eq!(text, "## `./model`\n\n0 bytes in 0 files, no metagraphs\n");
}

#[test]
fn what_could_not_be_read_stands_first() {
    let report = Report { unreadable: vec![sample::unreadable("./gone")], ..sample::report() };
    let mut out = Vec::new();
    Format::Markdown.write(&report, &View::default(), &mut out).unwrap();
    let expected = "> [!CAUTION]\n> 1 path that could not be read:\n>\n> - `./gone: is not there`\n\n## `./model`\n";
    assert!(String::from_utf8(out).unwrap().starts_with(expected));
}

#[test]
fn with_all_findings_comes_what_each_rests_on() {
    let text = of(vec![sample::model()], &ALL);
    let expected = "<br>→ Export into an empty directory.
  - Unless a program of yours reads these files.
  - `assets/old.txt` is no metagraph's asset: 200 bytes
";
    assert_eq!(text.matches(expected).count(), 2, "{text}");
}

#[test]
fn several_models_begin_with_a_table_of_them() {
    let text = of(vec![sample::model(), sample::empty_model()], &View::default());
    let expected = "\
| model | largest finding | bytes | redundant | metagraphs | problems |
|:--|:--|--:|--:|--:|--:|
| `./model` | stale-files | 1,000 | 20.0% | 1 | 1 |
| `./model` |  | 0 | - | 0 | 0 |
| 2 models |  | 1,000 | 20.0% |  | 1 |
";
    assert!(text.starts_with(expected), "{text}");
}
