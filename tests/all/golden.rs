//! What the command writes, held against files that a person has read: `tests/golden/<subject>/<report>.txt`.
//!
//! A golden is a transcript: the command line, the exit code, both streams. It has `<version>` for smaudit's own, so
//! that a release changes none. After a change that is meant, `SMAUDIT_UPDATE_GOLDENS=1 cargo test --test all golden::`
//! writes all of them; the diff is then part of the review.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use crate::run::{Run, finished, fixtures, root, smaudit};
use support::bundle::{self, bytes_entry};
use support::files::tree;
use support::wire::{graph, message, meta_graph, node, saved_model};
use tempfile::TempDir;

const UPDATE: &str = "SMAUDIT_UPDATE_GOLDENS";

/// The reports that each subject has: a name, the columns of the page, the arguments.
const REPORTS: [(&str, u16, &str); 7] = [
    ("text-80", 80, ""),
    ("text-160", 160, ""),
    ("full-80", 80, "--full"),
    ("json", 80, "--json"),
    ("csv", 80, "--format csv --by section,op"),
    ("markdown", 80, "--format markdown"),
    ("folded", 80, "--format folded --by category,metagraph,section,function,op"),
];

/// Where a golden's parts begin.
const STDOUT: &str = "--- standard output\n";
const STDERR: &str = "--- standard error\n";

/// A run, and the golden that it is held against.
struct Case {
    golden: PathBuf,
    directory: PathBuf,
    columns: u16,
    arguments: String,
}

impl Case {
    fn new(subject: &str, report: &str, directory: &Path, columns: u16, arguments: String) -> Self {
        let golden = goldens().join(subject).join(report).with_extension("txt");
        Self { golden, directory: directory.to_owned(), columns, arguments }
    }

    fn run(&self) -> Run {
        let mut command = smaudit(&self.directory, &self.arguments);
        finished(command.env("COLUMNS", self.columns.to_string()).output().unwrap())
    }

    /// The golden as it is now.
    fn transcript(&self) -> String {
        let (Self { columns, arguments, .. }, Run { code, stdout, stderr }) = (self, self.run());
        let own_version = format!("\"version\": \"{}\"", env!("CARGO_PKG_VERSION"));
        let stdout = stdout.replace(&own_version, "\"version\": \"<version>\"");
        format!("$ COLUMNS={columns} smaudit {arguments}\nexit code {code}\n{STDOUT}{stdout}{STDERR}{stderr}")
    }
}

fn goldens() -> PathBuf {
    root().join("tests/golden")
}

/// All cases. `broken` holds the models of [`broken_models`].
fn cases(broken: &Path) -> Vec<Case> {
    let mut cases = Vec::new();
    for (report, columns, options) in REPORTS {
        for fixture in fixtures() {
            let arguments = format!("fixtures/{fixture} {options}");
            cases.push(Case::new(&fixture, report, root(), columns, arguments.trim_end().to_owned()));
        }
        let arguments = format!("truncated no-shard text keras worn {options}");
        cases.push(Case::new("broken", report, broken, columns, arguments.trim_end().to_owned()));
    }
    let colored = "fixtures/two-metagraphs --color always".to_owned();
    cases.push(Case::new("two-metagraphs", "text-80-color", root(), 80, colored));
    for (report, option) in
        [("text-80", ""), ("json", "--json "), ("csv", "--format csv "), ("markdown", "-f markdown ")]
    {
        let arguments = format!("{option}--by section,op --top 2 fixtures/partitioned fixtures/sharded");
        cases.push(Case::new("two-models-top-2", report, root(), 80, arguments));
    }
    cases
}

/// Models with something wrong with each.
fn broken_models() -> TempDir {
    let fixture = |name: &str| fs::read(root().join("fixtures").join(name)).unwrap();
    let two_metagraphs = fixture("two-metagraphs/saved_model.pb");
    let missing_asset =
        meta_graph(&["serve"], &graph([&node("x", "Placeholder")])).message(6, &message().bytes(2, "words.txt"));
    let broken = tree(&[
        ("truncated/saved_model.pb", &two_metagraphs[..50_000]),
        ("no-shard/saved_model.pb", &fixture("sharded/saved_model.pb")),
        ("no-shard/variables/variables.index", &fixture("sharded/variables/variables.index")),
        ("no-shard/variables/variables.data-00000-of-00002", &[1; 8320]),
        // A text that has lost a quote.
        ("text/saved_model.pbtxt", b"meta_graphs {\n  graph_def {\n    node {\n      name: \"a\n    }\n  }\n}\n"),
        ("keras/model.h5", b""),
        // A gap of 10 bytes between two tensors, a shard of an earlier set, a link to nowhere.
        ("worn/saved_model.pb", &saved_model([&missing_asset]).0),
        ("worn/variables/variables.index", &bundle::index(&[("a", bytes_entry(0, 20)), ("b", bytes_entry(30, 30))])),
        ("worn/variables/variables.data-00000-of-00001", &[1; 60]),
        ("worn/variables/variables.data-00000-of-00002", &[1; 40]),
    ]);
    std::os::unix::fs::symlink("../gone", broken.path().join("worn/notes.md")).unwrap();
    broken
}

/// All files below a directory.
fn files_below(directory: &Path) -> BTreeSet<PathBuf> {
    let entries = walkdir::WalkDir::new(directory).into_iter().map(|entry| entry.unwrap());
    entries.filter(|entry| entry.file_type().is_file()).map(walkdir::DirEntry::into_path).collect()
}

#[test]
fn every_report_is_as_its_golden_says() {
    let broken = broken_models();
    let cases = cases(broken.path());
    let wanted: BTreeSet<PathBuf> = cases.iter().map(|case| case.golden.clone()).collect();
    assert_eq!(wanted.len(), cases.len(), "two cases have the same golden");
    if std::env::var_os(UPDATE).is_some() {
        return update(&cases, &wanted);
    }
    let mut wrong = String::new();
    for case in &cases {
        let golden = fs::read_to_string(&case.golden).unwrap_or_default();
        if let Some(difference) = first_difference(&golden, &case.transcript()) {
            writeln!(wrong, "{}: {difference}", case.golden.display()).unwrap();
        }
    }
    for golden in files_below(&goldens()).difference(&wanted) {
        writeln!(wrong, "{}: is the golden of no case", golden.display()).unwrap();
    }
    assert!(wrong.is_empty(), "\n{wrong}\nIf the change is meant: {UPDATE}=1 cargo test --test all golden::\n");
}

/// Writes every golden, and removes those of no case.
fn update(cases: &[Case], wanted: &BTreeSet<PathBuf>) {
    for case in cases {
        fs::create_dir_all(case.golden.parent().unwrap()).unwrap();
        fs::write(&case.golden, case.transcript()).unwrap();
    }
    for golden in files_below(&goldens()).difference(wanted) {
        fs::remove_file(golden).unwrap();
    }
}

/// The number of the first line that is not the same, and a few lines of both from there on.
fn first_difference(golden: &str, now: &str) -> Option<String> {
    if golden == now {
        return None;
    }
    // With the ends of the lines, as these may be what differs.
    let [golden, now] = [golden, now].map(|text| text.split_inclusive('\n').collect::<Vec<&str>>());
    let same = golden.iter().zip(&now).take_while(|(golden, now)| golden == now).count();
    let lines = |sign: &str, text: &[&str]| {
        let shown = text.iter().skip(same).take(3);
        shown.fold(String::new(), |all, line| format!("{all}\n  {sign} {}", line.escape_debug()))
    };
    Some(format!("differs from line {} on{}{}", same + 1, lines("golden:", &golden), lines("now:   ", &now)))
}

#[test]
fn the_first_lines_that_differ_are_shown() {
    assert_eq!(first_difference("a\nb\n", "a\nb\n"), None);
    let said = first_difference("1\n2\n3\n", "1\n2.0\n3\n").unwrap();
    assert_eq!(said, "differs from line 2 on\n  golden: 2\\n\n  golden: 3\\n\n  now:    2.0\\n\n  now:    3\\n");
    let said = first_difference("1\n", "1").unwrap();
    assert_eq!(said, "differs from line 1 on\n  golden: 1\\n\n  now:    1");
}
