//! Colour is in the text report, where it is wanted, and says nothing that is not said without it.

use std::fs;

use super::{FORMATS, model};
use crate::run::{Run, finished, root, run, smaudit};

/// Runs over a fixture with `arguments` and these variables.
fn run_with(variables: &[(&str, &str)], arguments: &str) -> Run {
    let mut command = smaudit(root(), &format!("{arguments} fixtures/keras-export"));
    finished(command.envs(variables.iter().copied()).output().unwrap()).exits(0).silently()
}

#[track_caller]
fn assert_colored(variables: &[(&str, &str)], arguments: &str, colored: bool) {
    let run = run_with(variables, arguments);
    assert_eq!(run.stdout.contains('\x1b'), colored, "{variables:?} {arguments}: {run:#?}");
}

#[test]
fn a_pipe_gets_no_color_unless_it_is_asked_for() {
    assert_colored(&[], "", false);
    assert_colored(&[], "--color auto", false);
    assert_colored(&[], "--color never", false);
    assert_colored(&[], "--color always", true);
}

#[test]
fn no_color_is_heeded_unless_color_is_asked_for() {
    // CLICOLOR_FORCE is the way to be taken for a terminal.
    let forced = ("CLICOLOR_FORCE", "1");
    assert_colored(&[forced], "", true);
    assert_colored(&[forced], "--color never", false);
    assert_colored(&[forced, ("NO_COLOR", "1")], "", false);
    assert_colored(&[("NO_COLOR", "1")], "--color always", true);
}

#[test]
fn without_the_colors_the_report_is_the_same() {
    let colored = run_with(&[], "--color always").stdout;
    assert_eq!(anstream::adapter::strip_str(&colored).to_string(), run_with(&[], "--color never").stdout);
}

#[test]
fn only_text_has_colors() {
    for format in FORMATS.into_iter().filter(|format| *format != "text") {
        assert_colored(&[("CLICOLOR_FORCE", "1")], &format!("--color auto --format {format}"), false);
        let refused = run(root(), &format!("fixtures/keras-export --color always --format {format}")).exits(2);
        assert!(refused.stderr.contains(&format!("--color does nothing for --format {format}")), "{}", refused.stderr);
    }
}

#[test]
fn a_file_has_colors_only_where_they_are_always_wanted() {
    let directory = model();
    for (when, colored) in [("auto", false), ("never", false), ("always", true)] {
        run(&directory, &format!("--color {when} --output report model")).exits(0);
        let report = fs::read_to_string(directory.path().join("report")).unwrap();
        assert_eq!(report.contains('\x1b'), colored, "{when}");
    }
}
