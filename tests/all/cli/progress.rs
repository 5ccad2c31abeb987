//! Progress is shown on standard error, and only where someone sees it or it was asked for.

use super::model;
use crate::run::run;
use support::files::tree;
use support::wire::{graph, meta_graph, node, saved_model};

#[test]
fn a_bar_that_is_asked_for_appears_and_the_report_stays_the_same() {
    let directory = model();
    let plain = run(&directory, "--json model").exits(0).silently();
    let shown = run(&directory, "--json --progress always model").exits(0);
    assert_eq!(shown.stdout, plain.stdout);
    assert!(shown.stderr.contains("model ") && shown.stderr.contains('█'), "{:?}", shown.stderr);
}

#[test]
fn the_bar_is_wiped_off_at_the_end() {
    let shown = run(model(), "--progress always model").exits(0);
    assert!(shown.stderr.ends_with("\r\x1b[2K"), "{:?}", shown.stderr);
}

#[test]
fn where_there_is_no_terminal_or_it_is_not_wanted_there_is_no_bar() {
    for when in ["", "--progress auto", "--progress never"] {
        run(model(), &format!("{when} model")).exits(0).silently();
    }
}

#[test]
fn even_of_a_long_audit_a_pipe_gets_no_bar() {
    // Two million nodes keep a build for tests busy for longer than anyone would wait without a bar.
    let nodes = vec![node("n", "NoOp"); 2_000_000];
    let directory = tree(&[("model/saved_model.pb", &saved_model([&meta_graph(&["serve"], &graph(&nodes))]).0)]);
    run(&directory, "model --progress auto").exits(0).silently();
}

#[test]
fn a_bar_does_not_hide_what_went_wrong() {
    let shown = run(model(), "--json --progress always model missing").exits(3);
    assert!(shown.stderr.contains("smaudit: missing: cannot be read: "), "{:?}", shown.stderr);
}
