//! The documentation runs as written: README.md and the files in docs/.
//!
//! A `console` block is a session. What stands after `$ ` is given to `sh`, and what stands below it must be what is
//! printed, standard error included, at 80 columns; a line of `...` stands for any lines. A `sh` block holds commands
//! without their output: those of smaudit must succeed and print something, up to the first `|`; others are not run.
//!
//! The sessions of a document run in one folder, in which `fixtures` and `my_model` are models,
//! `my_model.tar.gz` is one in an archive, and `docs` is this folder. `cargo run ... --` is
//! the binary under test here. `cargo test` is not run: it is what runs this.
//!
//! `SMAUDIT_UPDATE_GOLDENS=1 cargo test --test all readme::` writes the output that is printed now into the documents; where
//! a block has a line of `...`, that is left to a person.

#![cfg(unix)]
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::ffi::OsString;
use std::ops::Range;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// The README's first command, but for the model.
const CARGO_RUN: &str = "cargo run --release --locked -- ";
/// The README's second command.
const CARGO_TEST: &str = "cargo test --locked";
/// Stands for any lines.
const ELISION: &str = "...";

/// A command of a document.
#[derive(Debug, PartialEq, Eq)]
struct Shown<'a> {
    command: &'a str,
    /// The lines of the document that show its output.
    output: Range<usize>,
}

#[test]
fn sessions_print_what_the_documents_show() {
    let update = std::env::var_os("SMAUDIT_UPDATE_GOLDENS").is_some();
    let mut wrong = Vec::new();
    for path in documents() {
        let text = read(&path);
        let lines: Vec<&str> = text.lines().collect();
        let scratch = scratch();
        let mut corrections = Vec::new();
        for shown in sessions(&lines) {
            let Some(printed) = printed(shown.command, &scratch) else { continue };
            let expected = &lines[shown.output.clone()];
            if matches(expected, &printed) {
                continue;
            } else if update && !expected.contains(&ELISION) {
                corrections.push((shown.output, printed));
            } else {
                wrong.push(format!("{}: `{}` prints\n{}", path.display(), shown.command, printed.join("\n")));
            }
        }
        if !corrections.is_empty() {
            std::fs::write(&path, corrected(&lines, corrections)).expect("the document can be written");
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn commands_without_output_work() {
    for path in documents() {
        let text = read(&path);
        let scratch = scratch();
        for command in commands(&text.lines().collect::<Vec<_>>()) {
            let own = command.split(" | ").next().unwrap_or_default();
            let output = sh(own, &scratch);
            let wrote = own.contains('>') || !output.stdout.is_empty();
            assert!(output.status.success() && wrote, "{}: `{command}`: {output:?}", path.display());
        }
    }
}

#[test]
fn the_readme_says_first_how_to_build_and_audit_and_then_how_to_test() {
    let readme = read(&root().join("README.md"));
    let build = readme.find(&format!("\n{CARGO_RUN}fixtures/two-metagraphs")).expect("the first command is there");
    let test = readme.find(&format!("\n{CARGO_TEST}")).expect("the second command is there");
    assert!(build < test);
    let ci = read(&root().join(".ci/run"));
    assert!(ci.lines().any(|line| line.trim() == format!("step {CARGO_TEST}")), "CI runs the second command");
}

/// The Python of docs/recipes.md runs over a report, where Python has what it imports; of the others the test says so.
/// An option that no document names is known to nobody.
#[test]
fn every_option_of_every_command_is_in_a_document() {
    let documents: String = documents().iter().map(|path| read(path)).collect();
    let scratch = scratch();
    for command in ["", "why", "slim", "explain", "baseline", "diff", "schema", "completions", "man"] {
        let help = printed(&format!("smaudit {command} --help"), &scratch).unwrap().join("\n");
        let is_of_name = |c: char| c.is_ascii_lowercase() || c == '-';
        let options = help.split("--").skip(1).filter_map(|rest| rest.split(|c| !is_of_name(c)).next());
        for option in options.filter(|option| !option.is_empty() && *option != "help") {
            assert!(documents.contains(&format!("--{option}")), "smaudit {command} --{option}");
        }
    }
}

#[test]
fn recipes_in_python_run() {
    let scratch = scratch();
    let made =
        sh("smaudit fixtures --json > report.json && smaudit my_model --by variable -f csv > variables.csv", &scratch);
    assert!(made.status.success(), "{made:?}");
    let text = read(&root().join("docs/recipes.md"));
    let blocks: Vec<&str> = text.split("```python\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert_eq!(blocks.len(), 3);
    for block in blocks {
        let imports = block.lines().filter(|line| line.starts_with("import ")).collect::<Vec<_>>().join("; ");
        std::fs::write(scratch.path().join("recipe.py"), block).expect("a file can be written");
        if !sh(&format!("\"${{SMAUDIT_PYTHON:-python3}}\" -c '{imports}'"), &scratch).status.success() {
            eprintln!("not run, as python3 (or $SMAUDIT_PYTHON) is not there or cannot `{imports}`");
            continue;
        }
        let output = sh("\"${SMAUDIT_PYTHON:-python3}\" recipe.py", &scratch);
        assert!(output.status.success() && !output.stdout.is_empty(), "{block}: {output:?}");
    }
}

#[test]
fn links_between_documents_lead_somewhere() {
    let others = ["CONTRIBUTING.md", "CHANGELOG.md", "fixtures/README.md"].map(|name| root().join(name));
    for path in documents().into_iter().chain(others) {
        let text = read(&path);
        let targets = text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target);
        for target in targets.filter(|target| !target.contains("://") && !target.starts_with('#')) {
            let file = target.split('#').next().unwrap_or_default();
            let there = path.parent().is_some_and(|folder| folder.join(file).exists());
            assert!(there, "{}: {target} is not there", path.display());
        }
    }
}

/// Runs a command of a session; what it printed, or `None` where jq is wanted and not installed: the output of what is
/// before it is not shown anywhere, so that is run and must succeed, no more.
fn printed(command: &str, scratch: &TempDir) -> Option<Vec<String>> {
    let (own, needs_jq) = command.split_once(" | jq").map_or((command, false), |(own, _)| (own, true));
    let runs_whole = !needs_jq || sh("jq --version", scratch).status.success();
    let output = sh(&format!("exec 2>&1; {}", if runs_whole { command } else { own }), scratch);
    assert!(output.status.success(), "`{command}`: {output:?}");
    let text = String::from_utf8(output.stdout).expect("what is shown in a document is UTF-8");
    runs_whole.then(|| text.lines().map(str::to_owned).collect())
}

fn sh(command: &str, scratch: &TempDir) -> Output {
    let binary = Path::new(env!("CARGO_BIN_EXE_smaudit"));
    let mut path = OsString::from(binary.parent().expect("the binary is in a folder"));
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    let mut sh = Command::new("sh");
    sh.arg("-c").arg(command.replace(CARGO_RUN, "smaudit ")).current_dir(scratch.path()).env("PATH", path);
    sh.env("COLUMNS", "80").env_remove("CLICOLOR_FORCE").env_remove("GITHUB_ACTIONS");
    sh.output().expect("there is a shell")
}

/// The folder that a document's commands run in.
fn scratch() -> TempDir {
    let scratch = TempDir::new().expect("there is room for a folder");
    symlink(root().join("fixtures"), scratch.path().join("fixtures")).expect("a link can be made");
    symlink(root().join("docs"), scratch.path().join("docs")).expect("a link can be made");
    let model = root().join("fixtures/keras-lstm");
    symlink(&model, scratch.path().join("my_model")).expect("a link can be made");
    let archive = std::fs::File::create(scratch.path().join("my_model.tar.gz")).expect("a file can be made");
    let mut tar = tar::Builder::new(flate2::write::GzEncoder::new(archive, flate2::Compression::fast()));
    tar.append_dir_all("my_model", &model).expect("the model can be archived");
    tar.into_inner().and_then(flate2::write::GzEncoder::finish).expect("the archive can be finished");
    scratch
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// README.md and the files in docs/.
fn documents() -> Vec<PathBuf> {
    let docs = std::fs::read_dir(root().join("docs")).expect("docs/ is there");
    let docs = docs.map(|entry| entry.expect("docs/ can be listed").path());
    let mut documents: Vec<PathBuf> = docs.filter(|path| path.extension().is_some_and(|e| e == "md")).collect();
    documents.push(root().join("README.md"));
    documents.sort();
    documents
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The lines of each block that is marked as `kind`.
fn blocks(lines: &[&str], kind: &str) -> Vec<Range<usize>> {
    let mut blocks = Vec::new();
    let mut open = None;
    for (at, line) in lines.iter().enumerate() {
        match (line.strip_prefix("```"), open) {
            (Some(marked), None) => open = Some((at + 1, marked == kind)),
            (Some(_), Some((start, wanted))) => {
                blocks.extend(wanted.then_some(start..at));
                open = None;
            }
            (None, _) => {}
        }
    }
    blocks
}

/// The commands of all `console` blocks with the lines of their output.
fn sessions<'a>(lines: &[&'a str]) -> Vec<Shown<'a>> {
    let mut sessions: Vec<Shown<'_>> = Vec::new();
    for block in blocks(lines, "console") {
        let first = sessions.len();
        for at in block {
            if let Some(command) = lines[at].strip_prefix("$ ") {
                sessions.push(Shown { command, output: at + 1..at + 1 });
            } else {
                assert!(sessions.len() > first, "a console block begins with a command: {}", lines[at]);
                sessions.last_mut().expect("there is one").output.end = at + 1;
            }
        }
    }
    sessions
}

/// The commands of smaudit in all `sh` blocks.
fn commands<'a>(lines: &[&'a str]) -> Vec<&'a str> {
    let lines = blocks(lines, "sh").into_iter().flatten().map(|at| lines[at]);
    lines.filter(|line| line.starts_with("smaudit ") || line.starts_with(CARGO_RUN)).collect()
}

/// Whether `printed` is what `expected` shows.
fn matches(expected: &[&str], printed: &[String]) -> bool {
    match expected.split_first() {
        None => printed.is_empty(),
        Some((&ELISION, rest)) => (0..=printed.len()).any(|skipped| matches(rest, &printed[skipped..])),
        Some((line, rest)) => printed.split_first().is_some_and(|(first, more)| first == line && matches(rest, more)),
    }
}

/// The document with other lines in some places, which are in order.
fn corrected(lines: &[&str], corrections: Vec<(Range<usize>, Vec<String>)>) -> String {
    let mut text = Vec::new();
    let mut done = 0;
    for (place, printed) in corrections {
        text.extend(lines[done..place.start].iter().map(|line| (*line).to_owned()));
        text.extend(printed);
        done = place.end;
    }
    text.extend(lines[done..].iter().map(|line| (*line).to_owned()));
    text.join("\n") + "\n"
}

const DOCUMENT: [&str; 9] = ["```console", "$ a", "1", "", "$ b", "```", "```sh", "smaudit x # why", "```"];

#[test]
fn a_session_is_a_command_and_the_lines_below_it() {
    let expected = [Shown { command: "a", output: 2..4 }, Shown { command: "b", output: 5..5 }];
    assert_eq!(sessions(&DOCUMENT), expected);
    assert_eq!(commands(&DOCUMENT), ["smaudit x # why"]);
}

#[test]
fn an_elision_stands_for_any_lines_and_nothing_else_does() {
    let printed = ["a", "b", "c"].map(str::to_owned);
    for expected in [&["a", "b", "c"][..], &["...", "c"], &["a", "..."], &["a", "...", "b", "c"], &["..."]] {
        assert!(matches(expected, &printed), "{expected:?}");
    }
    for expected in [&["a", "b"][..], &["a", "b", "c", "d"], &["a", "x", "c"], &["...", "b"], &[]] {
        assert!(!matches(expected, &printed), "{expected:?}");
    }
}

#[test]
fn a_correction_replaces_the_output_of_its_command() {
    let text = corrected(&DOCUMENT, vec![(2..4, vec!["2".to_owned()]), (5..5, vec!["3".to_owned()])]);
    assert_eq!(text, "```console\n$ a\n2\n$ b\n3\n```\n```sh\nsmaudit x # why\n```\n");
}
