//! Wrong usage is exit code 2, and what can be asked besides an audit.

use super::model;
use crate::run::{root, run};

#[test]
fn wrong_usage_is_2_with_a_message_and_no_report() {
    let directory = model();
    for (arguments, said) in [
        ("--json", "<PATH>..."),
        ("--unknown model", "unexpected argument '--unknown'"),
        ("--by", "a value is required for '--by"),
        ("--by colour model", "invalid value 'colour' for '--by"),
        ("--by op,colour model", "possible values: category, metagraph, section, field, op, scope,"),
        ("--by op,op model", "--by names op twice"),
        ("--by op --by op model", "--by names op twice"),
        ("--by node,scope,node model", "--by names node twice"),
        ("--format xml model", "possible values: text, json, jsonl, csv, markdown, html, folded"),
        ("--json --format csv model", "'--json' cannot be used with '--format"),
        ("--json --format json model", "'--json' cannot be used with '--format"),
        ("--top few model", "invalid value 'few' for '--top"),
        ("--top=-1 model", "invalid value '-1' for '--top"),
        ("--color blue model", "possible values: auto, always, never"),
        ("--progress loud model", "possible values: auto, always, never"),
        ("completions", "<SHELL>"),
        ("completions sh", "possible values: bash, elvish, fish, powershell, zsh"),
    ] {
        let run = run(&directory, arguments).exits(2).without_report();
        assert!(run.stderr.contains(said), "{arguments}: {said} is not in {}", run.stderr);
    }
}

#[test]
fn without_arguments_the_help_is_printed_and_it_is_wrong_usage() {
    let run = run(root(), "").exits(2).without_report();
    for part in ["Usage: smaudit", "--max-duplication", "explain"] {
        assert!(run.stderr.contains(part), "{part} is not in {}", run.stderr);
    }
}

#[test]
fn an_output_that_cannot_be_written_is_2_and_named() {
    let directory = model();
    for output in ["missing/report.json", "model", "model/saved_model.pb/report", "/dev/full"] {
        let run = run(&directory, &format!("model --json --output {output}")).exits(2).without_report();
        assert!(run.stderr.contains(&format!("cannot write the report to {output}; ")), "{}", run.stderr);
    }
}

#[test]
fn a_scope_may_be_named_again() {
    run(model(), "model --by scope,op,scope,scope").exits(0).silently();
}

#[test]
fn help_and_version_are_reports_of_their_own() {
    let version = run(root(), "--version").exits(0).silently();
    assert_eq!(version.stdout, format!("smaudit {}\n", env!("CARGO_PKG_VERSION")));
    assert_eq!(run(root(), "-V").exits(0).stdout, version.stdout);
    let help = run(root(), "--help").exits(0).silently().stdout;
    for part in ["Usage: smaudit [OPTIONS] <PATH>...", "Examples:", "Exit codes: 0 audited"] {
        assert!(help.contains(part), "{part} is not in {help}");
    }
}

/// The long options that `--help` names.
fn options() -> Vec<String> {
    let help = run(root(), "--help").exits(0).stdout;
    let words = help.lines().filter(|line| line.trim_start().starts_with('-')).flat_map(str::split_whitespace);
    let options: Vec<String> = words.filter_map(|word| word.strip_prefix("--").map(str::to_owned)).collect();
    assert!(["by", "top", "format", "output", "quiet"].iter().all(|known| options.iter().any(|o| o == known)));
    options
}

#[test]
fn each_shell_gets_completions_of_every_option_and_dimension() {
    for (shell, registers, option) in [
        ("bash", "complete -F _smaudit", "--"),
        ("zsh", "#compdef smaudit", "--"),
        ("fish", "complete -c smaudit", "-l "),
        ("elvish", "edit:completion:arg-completer[smaudit]", "--"),
        ("powershell", "Register-ArgumentCompleter -Native -CommandName 'smaudit'", "--"),
    ] {
        let script = run(root(), &format!("completions {shell}")).exits(0).silently().stdout;
        assert!(script.contains(registers), "{shell}: {script}");
        for name in options() {
            assert!(script.contains(&format!("{option}{name}")), "{shell} does not know {name}");
        }
    }
    for shell in ["bash", "zsh", "fish"] {
        let script = run(root(), &format!("completions {shell}")).stdout;
        assert!(["metagraph", "dtype", "markdown"].iter().all(|value| script.contains(value)), "{shell}: {script}");
    }
}

#[test]
fn the_manual_page_has_every_option_and_the_exit_codes() {
    let page = run(root(), "man").exits(0).silently().stdout;
    assert!(page.contains(".TH smaudit 1 "), "{page}");
    for option in options() {
        let option = option.replace('-', "\\-");
        assert!(page.contains(&format!("\\-\\-{option}")), "{option} is not in {page}");
    }
    assert!(page.contains(".SH \"EXIT STATUS\""), "{page}");
}

#[test]
fn the_schema_is_one_of_draft_2020_12_and_describes_each_key() {
    let schema = run(root(), "schema").exits(0).silently().json();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert!(jsonschema::meta::is_valid(&schema));
    let model = &schema["$defs"]["ModelReport"]["properties"];
    for key in ["path", "total_bytes", "categories", "files", "meta_graphs", "checkpoint", "breakdown", "problems"] {
        assert!(model[key]["description"].is_string(), "{key}: {model:#}");
    }
}
