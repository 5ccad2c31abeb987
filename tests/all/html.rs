//! `--format html`: the page holds the report's figures and nothing that a name could make it do. What a browser makes of
//! it, `tests/browser` sees.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::path::Path;

use crate::run::{fixtures, root, run};
use serde_json::Value;
use support::files::write;
use support::graph::{function_of, graph_of, node_of, signature};
use support::wire::{constant, meta_graph, saved_model};
use tempfile::TempDir;

/// The page of what is at `path` below `directory`.
fn page(directory: &Path, arguments: &str) -> String {
    run(directory, &format!("{arguments} --format html")).exits(0).stdout
}

/// What stands between two marks, the first time.
fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    text.split_once(start).unwrap().1.split_once(end).unwrap().0
}

/// The data of a model of a page.
fn data(page: &str, number: usize) -> Value {
    let start = format!("<script type=\"application/json\" id=\"data-{number}\">");
    serde_json::from_str(between(page, &start, "</script>")).unwrap()
}

/// The rows of a view, `[name, code, bytes, count, parts, rows, folded]` each.
fn view<'d>(data: &'d Value, name: &str) -> &'d Value {
    data["views"].as_array().unwrap().iter().find(|view| view["name"] == name).unwrap()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// The bytes of parts, as a page adds them up: a row of one facet has all of its bytes in that.
fn parts(parts: &Value, bytes: u64) -> u64 {
    match parts.as_array() {
        None => bytes,
        Some(parts) => parts.chunks(3).map(|part| part[1].as_u64().unwrap()).sum(),
    }
}

/// Asserts that the rows of each level, with what is folded, add up to the one above, and parts to their row.
fn assert_adds_up(rows: &Value, folded: &Value, whole: u64) {
    let mut sum = 0;
    for row in list(rows) {
        let bytes = row[2].as_u64().unwrap();
        sum += bytes;
        if row[5].is_null() {
            assert_eq!(parts(&row[4], bytes), bytes, "{row}");
        } else {
            assert_adds_up(&row[5], &row[6], bytes);
        }
    }
    if let Some(bytes) = folded[1].as_u64() {
        assert_eq!(parts(&folded[3], bytes), bytes, "{folded}");
        sum += bytes;
    }
    assert_eq!(sum, whole);
}

#[test]
fn every_view_adds_up_to_the_model_on_each_level() {
    for fixture in fixtures() {
        let data = data(&page(root(), &format!("fixtures/{fixture}")), 0);
        for view in list(&data["views"]) {
            assert_adds_up(&view["rows"], &view["folded"], data["total"].as_u64().unwrap());
        }
    }
}

/// An outermost row by its name, with the rows below it.
type Outermost = (String, u64, Vec<(String, u64)>);

/// The outermost rows and those below them, as `--by` has them.
fn rows_of_page(data: &Value, name: &str) -> Vec<Outermost> {
    let named = |row: &Value| {
        let name = data["names"][usize::try_from(row[0].as_u64().unwrap()).unwrap()].as_str().unwrap().to_owned();
        (name, row[2].as_u64().unwrap())
    };
    let sorted = |rows: &Value| {
        let mut rows: Vec<_> = list(rows).iter().map(named).collect();
        rows.sort();
        rows
    };
    let mut rows: Vec<_> = list(&view(data, name)["rows"])
        .iter()
        .map(|row| {
            let (name, bytes) = named(row);
            (name, bytes, sorted(&row[5]))
        })
        .collect();
    rows.sort();
    rows
}

/// The same of the JSON report. Of a row with one row below it that only says that the dimension does not apply, none.
fn rows_of_json(report: &Value) -> Vec<Outermost> {
    let named = |row: &Value| (row["name"].as_str().unwrap().to_owned(), row["bytes"].as_u64().unwrap());
    let below = |row: &Value| {
        let mut rows: Vec<_> = list(&row["children"]).iter().map(named).collect();
        rows.sort();
        if rows.len() == 1 && rows[0].0.starts_with('[') { Vec::new() } else { rows }
    };
    let mut rows: Vec<_> = list(&report["breakdown"]["rows"])
        .iter()
        .map(|row| {
            let (name, bytes) = named(row);
            (name, bytes, below(row))
        })
        .collect();
    rows.sort();
    rows
}

#[test]
fn views_have_the_figures_of_the_same_breakdown_in_json() {
    for fixture in fixtures() {
        let data = data(&page(root(), &format!("fixtures/{fixture}")), 0);
        for by in ["section,op", "section,function", "variable"] {
            let report = run(root(), &format!("fixtures/{fixture} --json --by {by}")).exits(0).json();
            let expected = rows_of_json(&report["models"][0]);
            let mut found = rows_of_page(&data, &by.replace(',', ", "));
            // Where no row is in a function, a page goes on with ops.
            let ends = expected.iter().map(|(.., below)| below.is_empty());
            found.iter_mut().zip(ends).filter(|(_, ends)| *ends).for_each(|((.., below), _)| below.clear());
            assert_eq!(found, expected, "{fixture} by {by}");
        }
    }
}

#[test]
fn what_is_coloured_as_a_duplicate_is_what_the_report_calls_redundant() {
    for fixture in fixtures() {
        let data = data(&page(root(), &format!("fixtures/{fixture}")), 0);
        let states: Vec<&str> = list(&data["facets"]).iter().map(|facet| facet["state"].as_str().unwrap()).collect();
        let mut redundant = 0;
        let mut open: Vec<&Value> = list(&view(&data, "category")["rows"]).iter().collect();
        while let Some(row) = open.pop() {
            open.extend(list(&row[5]));
            assert!(row[6].is_null(), "there is room for all rows of a fixture");
            if row[5].is_null() {
                let facet = |number: &Value| states[usize::try_from(number.as_u64().unwrap()).unwrap()];
                redundant += match row[4].as_array() {
                    None if facet(&row[4]) == "redundant" => row[2].as_u64().unwrap(),
                    None => 0,
                    Some(parts) => parts
                        .chunks(3)
                        .filter(|part| facet(&part[0]) == "redundant")
                        .map(|part| part[1].as_u64().unwrap())
                        .sum(),
                };
            }
        }
        let report = run(root(), &format!("fixtures/{fixture} --json")).exits(0).json();
        assert_eq!(report["models"][0]["duplicates"]["redundant_bytes"], redundant, "{fixture}");
    }
}

#[test]
fn a_page_without_data_is_small_and_needs_nothing_else() {
    let empty = TempDir::new().unwrap();
    write(empty.path(), "model/saved_model.pb", &saved_model(&[meta_graph(&["serve"], &graph_of(&[], &[]))]).0);
    let page = page(empty.path(), "model");
    assert!(page.len() <= 60_000, "{} bytes", page.len());
    for loaded in ["http:", "https:", " src=", "@import", "url(", "eval(", "innerHTML", "document.write", "style=\""] {
        assert!(!page.contains(loaded), "{loaded}");
    }
}

#[test]
fn the_policy_allows_the_script_and_the_style_of_the_page_and_nothing_else() {
    use base64::Engine as _;
    use sha2::Digest as _;
    let page = page(root(), "fixtures/keras-export");
    let hash = |text: &str| base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(text));
    let script = hash(between(&page, "<script>", "</script>"));
    let style = hash(between(&page, "<style>", "</style>"));
    let expected = format!(
        "default-src 'none'; script-src 'sha256-{script}'; style-src 'sha256-{style}'; img-src data:; base-uri 'none'; \
         form-action 'none'"
    );
    assert_eq!(between(&page, "Content-Security-Policy\" content=\"", "\""), expected);
}

#[test]
fn no_name_is_markup_ends_a_script_or_steers_what_is_read() {
    const NAMES: [&str; 6] = [
        "</script><script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "'\"><svg onload=alert(1)>",
        "<!--<script>",
        "a\u{202e}b\u{2028}c\u{7}d\u{0}",
        "javascript:alert(1)&lt;&#x3c;",
    ];
    let model = TempDir::new().unwrap();
    let nodes: Vec<_> = NAMES.iter().flat_map(|name| [node_of(name, name, &[]), constant(name, &[1; 5000])]).collect();
    let functions: Vec<_> = NAMES.iter().map(|name| function_of(name, &[name], &nodes)).collect();
    let graph = meta_graph(&NAMES, &graph_of(&nodes, &functions));
    let graph = NAMES.iter().fold(graph, |graph, name| signature(graph, name, &[name], &[name]));
    write(model.path(), "<b onclick=alert(1)>/saved_model.pb", &saved_model(&[graph]).0);
    write(model.path(), "<b onclick=alert(1)>/assets/<i>&amp;", b"text");
    let ours = page(root(), "fixtures/keras-export");
    let found = run(model.path(), ". --format html").stdout;
    let tags = |text: &str, tag: &str| text.to_lowercase().matches(tag).count();
    assert_eq!(tags(&found, "<script"), tags(&ours, "<script"));
    assert_eq!(tags(&found, "</script"), tags(&ours, "</script"));
    for tag in ["<img", "<svg", "<b ", "<i>", "<!--"] {
        assert_eq!(tags(&found, tag), 0, "{tag}");
    }
    assert!(!found.chars().any(|c| matches!(c, '\u{202e}' | '\u{2028}' | '\u{7}' | '\u{0}')));
    let data = data(&found, 0);
    let names: Vec<&str> = list(&data["names"]).iter().map(|name| name.as_str().unwrap()).collect();
    assert!(names.contains(&NAMES[0]) && names.contains(&"a\\u{202e}b\\u{2028}c\\u{7}d\\u{0}"), "{names:?}");
}

#[test]
fn the_answer_and_the_causes_are_there_without_javascript() {
    let page = page(root(), "fixtures/two-metagraphs");
    let still = page.split("<script").next().unwrap();
    for said in [
        "118 kB (118,316 bytes)",
        "avoidable: 79.8 kB, 67.4% of the model",
        "constant-in-every-metagraph",
        "<noscript>",
    ] {
        assert!(still.contains(said), "{said}");
    }
}

#[test]
fn of_several_models_a_table_leads_to_each() {
    let page = page(root(), "fixtures/keras-export fixtures/sharded");
    for number in 0..2 {
        assert!(page.contains(&format!("href=\"#m={number}\"")));
        assert!(page.contains(&format!("<article id=\"model-{number}\"")));
        assert!(data(&page, number)["total"].as_u64() > Some(0));
    }
}

/// The bytes of the rows of a view of which a facet says so.
fn bytes_of(data: &Value, name: &str, is: impl Fn(&Value) -> bool) -> u64 {
    let of = |number: &Value| is(&data["facets"][usize::try_from(number.as_u64().unwrap()).unwrap()]);
    let within = |parts: &Value, bytes: u64| match parts.as_array() {
        None => {
            if of(parts) {
                bytes
            } else {
                0
            }
        }
        Some(parts) => parts.chunks(3).filter(|part| of(&part[0])).map(|part| part[1].as_u64().unwrap()).sum(),
    };
    let view = view(data, name);
    let folded = |folded: &Value| folded[1].as_u64().map_or(0, |bytes| within(&folded[3], bytes));
    let mut sum = folded(&view["folded"]);
    let mut open: Vec<&Value> = list(&view["rows"]).iter().collect();
    while let Some(row) = open.pop() {
        open.extend(list(&row[5]));
        sum += folded(&row[6]);
        sum += if row[5].is_null() { within(&row[4], row[2].as_u64().unwrap()) } else { 0 };
    }
    sum
}

fn has(list: &Value, number: usize) -> bool {
    list.as_array().is_some_and(|list| list.iter().any(|at| at.as_u64() == Some(number as u64)))
}

#[test]
fn what_a_signature_reaches_is_as_large_as_the_report_says() {
    let mut compared = 0;
    for fixture in fixtures() {
        let data = data(&page(root(), &format!("fixtures/{fixture}")), 0);
        for (number, signature) in list(&data["signatures"]).iter().enumerate() {
            for view in ["category", "scope", "file"] {
                let reached = bytes_of(&data, view, |facet| has(&facet["reached"], number));
                assert_eq!(signature["reachable"], reached, "{fixture}: {} by {view}", signature["name"]);
                compared += 1;
            }
        }
    }
    assert!(compared > 10, "{compared}");
}

#[test]
fn what_is_coloured_for_a_finding_is_what_it_claims() {
    let mut whole = 0;
    let pathologies = std::fs::read_dir(root().join("tests/pathologies")).unwrap();
    for path in pathologies.map(|entry| entry.unwrap().path().join("bloated")).filter(|path| path.is_dir()) {
        let data = data(&run(&path, ". --format html").stdout, 0);
        let report = run(&path, ". --json").json();
        for (number, finding) in list(&report["models"][0]["findings"]).iter().enumerate() {
            let coloured = bytes_of(&data, "category", |facet| has(&facet["claimed"], number));
            let bytes = finding["bytes"].as_u64().unwrap();
            // What a remedy frees besides, as entries of an index, has no place.
            assert!(coloured <= bytes, "{}: {} colours {coloured} of {bytes}", path.display(), finding["id"]);
            whole += usize::from(coloured == bytes);
        }
        let any = bytes_of(&data, "category", |facet| facet["claimed"].is_array());
        assert!(any <= report["models"][0]["findings_bytes"].as_u64().unwrap(), "{}", path.display());
    }
    assert!(whole > 10, "{whole}");
}

/// A folder with a program of this name that writes down what it is given, and ends with this code.
#[cfg(unix)]
fn with_program(name: &str, code: i32) -> TempDir {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = TempDir::new().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, format!("#!/bin/sh\nprintf %s \"$1\" > \"$(dirname \"$0\")/opened\"\nexit {code}\n"))
        .unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

#[cfg(target_os = "linux")]
#[test]
fn the_page_is_opened_in_a_browser_or_it_is_said_where_it_is() {
    use crate::run::{finished, smaudit};
    let there = with_program("xdg-open", 0);
    let opened_from = |folder: &Path, temporary: &Path, arguments: &str| {
        let mut command = smaudit(root(), arguments);
        let path = format!("{}:/usr/bin:/bin", folder.display());
        finished(command.env("PATH", path).env("TMPDIR", temporary).output().unwrap()).exits(0)
    };
    let temporary = TempDir::new().unwrap();
    let run = opened_from(there.path(), temporary.path(), "fixtures/keras-export --open");
    let opened = std::fs::read_to_string(there.path().join("opened")).unwrap();
    assert_eq!((run.stdout.as_str(), run.stderr), ("", format!("smaudit: the page is {opened}\n")));
    assert!(opened.starts_with(&*temporary.path().to_string_lossy()), "{opened}");
    assert!(std::fs::read_to_string(&opened).unwrap().starts_with("<!DOCTYPE html>"));

    let fails = with_program("xdg-open", 3);
    let file = temporary.path().join("named.html");
    let run =
        opened_from(fails.path(), temporary.path(), &format!("fixtures/keras-export --open -o {}", file.display()));
    assert_eq!(run.stderr, format!("smaudit: there is no browser to open it in: the page is {}\n", file.display()));
    assert!(file.exists());
}

#[test]
fn there_is_nothing_to_open_where_the_report_is_no_page_or_in_no_file() {
    for arguments in ["--format json", "--output -"] {
        let refused = run(root(), &format!("fixtures/keras-export --open {arguments}")).exits(2).without_report();
        assert!(refused.stderr.contains("--open does nothing"), "{}", refused.stderr);
    }
}

#[test]
fn a_page_of_a_diff_has_the_rows_of_its_json() {
    let page = run(root(), "diff fixtures/versions/1 fixtures/versions/2 --format html").exits(0).stdout;
    let report = run(root(), "diff fixtures/versions/1 fixtures/versions/2 --json").exits(0).json();
    let data = data(&page, 0);
    let change = |row: &Value| serde_json::json!([row["old"], row["new"], row["delta"]]);
    assert_eq!(data["change"][2], report["delta_bytes"]);
    for view in list(&data["views"]) {
        let found: Vec<Value> = list(&view["rows"]).iter().map(|row| row[7].clone()).collect();
        let expected: Vec<Value> = list(&report["breakdown"]["rows"]).iter().map(change).collect();
        assert_eq!(found, expected, "{}", view["name"]);
        let deltas = found.iter().map(|change| change[2].as_i64().unwrap());
        assert_eq!(Some(deltas.sum()), report["delta_bytes"].as_i64());
    }
}

#[test]
fn figures_stand_below_each_other_with_their_sign_or_without() {
    let page = run(root(), "diff fixtures/versions/1 fixtures/versions/2 --format html").exits(0).stdout;
    for row in page.lines().filter(|line| line.contains("<td") && line.contains(">+")) {
        assert!(row.contains("<td class=\"figure\"><span"), "a delta is at the left: {row}");
    }
    assert!(page.contains("<td class=\"figure\"><span"), "no delta is in a table");
}
