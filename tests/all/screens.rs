//! What people see, of every model at hand: it fits, no two rows of a table read the same, and nothing but text reaches a
//! pipe.
//!
//! The models are the fixtures, the pathologies in `tests/`, and where `../shared` lies beside the checkout all that is
//! in it.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::run::{Run, finished, root, smaudit};
use unicode_width::UnicodeWidthStr;

/// The lines of a terminal.
const LINES: usize = 24;

/// Folders with a model in each folder below them.
fn collections() -> Vec<PathBuf> {
    let shared = |name: &str| root().join("../shared").join(name);
    let near = [root().join("fixtures"), root().join("tests/pathologies")];
    let all = near.into_iter().chain(["corpus", "pathologies/models", "reports"].map(shared));
    all.filter(|folder| folder.is_dir()).collect()
}

/// Every model: a folder of a collection, or `bloated` and `fixed` in it.
fn models() -> Vec<PathBuf> {
    let below = |folder: &Path| -> Vec<PathBuf> {
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect()
    };
    let mut models = Vec::new();
    for folder in collections().iter().flat_map(|folder| below(folder)) {
        let pair: Vec<PathBuf> = ["bloated", "fixed"].map(|name| folder.join(name)).into();
        models.extend(if pair.iter().all(|path| path.is_dir()) { pair } else { vec![folder] });
    }
    models.retain(|model| {
        ["pb", "pbtxt", "cpb"].iter().any(|form| model.join("saved_model").with_extension(form).is_file())
    });
    models.sort();
    assert!(models.len() >= 30, "{models:?}");
    models
}

fn run_over(model: &Path, columns: usize, arguments: &str) -> Run {
    let mut command = smaudit(root(), arguments);
    finished(command.env("COLUMNS", columns.to_string()).arg(model).output().unwrap())
}

/// Runs over every model; what is wrong with any is one message.
fn of_every_model(columns: usize, arguments: &str, wrong: impl Fn(&Run) -> Vec<String> + Sync) {
    let said: Vec<String> = models()
        .par_iter()
        .map(|model| {
            let run = run_over(model, columns, arguments);
            let mut said = wrong(&run);
            said.extend(wrong_anywhere(&run, columns));
            said.iter().fold(String::new(), |mut all, line| {
                let _ = writeln!(all, "{} {arguments} at {columns}: {line}", model.display());
                all
            })
        })
        .collect();
    let said = said.concat();
    assert!(said.is_empty(), "{said}");
}

/// What must be so of any report in text.
fn wrong_anywhere(run: &Run, columns: usize) -> Vec<String> {
    let mut wrong = Vec::new();
    if ![0, 3].contains(&run.code) {
        wrong.push(format!("exit code {}: {}", run.code, run.stderr));
    }
    if run.stdout.contains('\x1b') || run.stderr.contains('\x1b') {
        wrong.push("an escape code in a pipe".to_owned());
    }
    for line in run.stdout.lines().filter(|line| line.width() > columns || line.ends_with(' ')) {
        wrong.push(format!("{} columns: {line:?}", line.width()));
    }
    for line in run.stderr.lines().filter(|line| !line.starts_with("smaudit: ")) {
        wrong.push(format!("on standard error: {line}"));
    }
    if run.stdout.contains(">100%") {
        wrong.push("more than there is".to_owned());
    }
    if run.code == 0 && !run.stderr.is_empty() {
        wrong.push(format!("exit code 0 and on standard error: {}", run.stderr));
    }
    wrong
}

#[test]
fn the_answer_fits_on_a_terminal_and_is_in_it() {
    for columns in [80, 100, 160] {
        of_every_model(columns, "", |run| {
            let mut wrong = Vec::new();
            let lines = run.stdout.lines().count();
            // The prompt takes one.
            if lines >= LINES {
                wrong.push(format!("{lines} lines"));
            }
            let is_answer = |line: &str| line.starts_with("avoidable: ") || line.starts_with("nothing avoidable found");
            if run.stdout.lines().filter(|line| is_answer(line)).count() != 1 {
                wrong.push(format!("no answer in {}", run.stdout));
            }
            for category in ["graph_def", "signature_def", "assets", "variables"] {
                if !run.stdout.contains(category) {
                    wrong.push(format!("{category} is missing"));
                }
            }
            wrong.extend(equal_rows(&run.stdout));
            wrong
        });
    }
}

#[test]
fn no_two_rows_of_a_table_read_the_same() {
    for arguments in
        ["--by variable", "--by function -n 0", "--by node", "--by scope,scope", "--by function,op -n 5", "--by file"]
    {
        of_every_model(80, arguments, |run| equal_rows(&run.stdout));
    }
    of_every_model(60, "--by variable -n 0", |run| equal_rows(&run.stdout));
}

#[test]
fn the_long_report_has_no_rows_alike_either() {
    of_every_model(80, "--full", |run| equal_rows(&run.stdout));
}

/// Rows that read the same though they stand below the same row of the same table. A table ends with a blank line.
fn equal_rows(text: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    for table in text.split("\n\n") {
        let mut seen: HashMap<(Vec<&str>, &str), usize> = HashMap::new();
        let mut above: Vec<(usize, &str)> = Vec::new();
        for line in table.lines().filter(|line| is_row(line)) {
            let depth = name_column(line);
            above.retain(|(column, _)| *column < depth);
            let place = above.iter().map(|(_, line)| *line).collect();
            let times = seen.entry((place, line)).or_default();
            *times += 1;
            if *times == 2 {
                wrong.push(format!("twice: {line}"));
            }
            above.push((depth, line));
        }
    }
    wrong
}

/// A row begins with a figure.
fn is_row(line: &str) -> bool {
    line.starts_with("  ") && line.trim_start().starts_with(|c: char| c.is_ascii_digit()) && line.contains('%')
}

/// Where the last cell of a row begins.
fn name_column(line: &str) -> usize {
    line.rfind("  ").map_or(0, |at| at + 2)
}

#[test]
fn rows_that_read_the_same_are_noticed() {
    let text = "  bytes  share  op\n     10  10.0%  a\n     10  10.0%    x\n     10  10.0%  b\n     10  10.0%    x\n";
    assert!(equal_rows(text).is_empty(), "the parts of two rows may be called the same");
    assert_eq!(equal_rows(&format!("{text}     10  10.0%    x\n")).len(), 1);
}

#[test]
fn without_colours_the_report_is_the_same_and_with_them_the_page_is_no_wider() {
    let said: Vec<String> = models()
        .par_iter()
        .filter_map(|model| {
            let [plain, coloured] = ["", "--color always"].map(|arguments| run_over(model, 80, arguments).stdout);
            let stripped = anstream::adapter::strip_str(&coloured).to_string();
            (stripped != plain).then(|| format!("{}\n", model.display()))
        })
        .collect();
    assert_eq!(said.concat(), "");
}
