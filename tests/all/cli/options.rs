//! No option is ignored: for each option and each format it either changes what is written, said or returned, or it is
//! refused with a message that names it. For each command it is either in the help or refused.

use std::path::Path;

use tempfile::TempDir;

use super::{FORMATS, write_model};
use crate::run::{Run, run};
use support::bundle::BundleBuilder;
use support::files::{tree, write};
use support::wire::{constant, graph, meta_graph, node, saved_model};

/// Where an option has an effect.
enum On {
    /// `one`, a single model.
    One,
    /// `many`, several of them.
    Many,
}

/// An option, where it has an effect, and the formats that refuse it.
struct Case {
    option: &'static str,
    on: On,
    refused: &'static [&'static str],
}

const fn case(option: &'static str, on: On, refused: &'static [&'static str]) -> Case {
    Case { option, on, refused }
}

/// What is always complete.
const COMPLETE: &[&str] = &["json", "jsonl", "csv", "html", "folded"];
const ALL_BUT_TEXT: &[&str] = &["json", "jsonl", "csv", "markdown", "html", "folded"];

/// What each option does. `--help`, `--version` and `--format` itself have tests of their own.
const CASES: [Case; 19] = [
    case("--by op", On::One, &[]),
    case("--by op", On::Many, &[]),
    case("--only op=Const", On::One, &["html"]),
    case("--only op=Const", On::Many, &["html"]),
    case("--by op --top 1", On::One, &[]),
    case("--findings all", On::One, COMPLETE),
    case("--sort path", On::Many, &["jsonl"]),
    case("--verify", On::One, &[]),
    case("--max-duplication 0 --min-duplicate 4kB", On::One, &[]),
    case("--by duplicate --min-duplicate 4kB", On::One, &[]),
    case("--color always", On::One, ALL_BUT_TEXT),
    case("--progress always", On::One, &[]),
    case("--width 61", On::One, ALL_BUT_TEXT),
    case("--max-duplication 0", On::One, &[]),
    case("--max-size 1", On::One, &[]),
    case("--max-avoidable 0", On::One, &[]),
    case("--baseline many/a --max-growth 0", On::One, &[]),
    case("--config rules.toml", On::One, &[]),
    case("--output file", On::One, &[]),
];

/// `one` has a redundant constant, a finding and damage that only `--verify` sees; in `many` the largest is the last.
fn subjects() -> TempDir {
    let directory = tree(&[("rules.toml", b"[[rule]]\nmetric = \"total\"\nlimit = 1\n")]);
    let own = |byte: u8| constant(&format!("own_{byte}"), &[byte, 1].repeat(50 * usize::from(byte)));
    let nodes = [own(1), own(2), constant("again", &[1, 1, 2].repeat(600)), node("x", "Placeholder")];
    let twice = constant("twice", &[1, 1, 2].repeat(600));
    let graph = graph(nodes.iter().chain([&twice]));
    write(directory.path(), "one/saved_model.pb", saved_model([&meta_graph(&["serve"], &graph)]).0);
    let checkpoint = BundleBuilder::default().tensor_with_crc("kernel", &[1, 2, 3, 4], 7);
    checkpoint.files().iter().for_each(|(name, content)| write(directory.path(), &format!("one/{name}"), content));
    write(directory.path(), "one/variables/variables.data-00000-of-00002", [0; 2000]);
    for (index, name) in ["a", "b", "c", "d", "e", "f"].into_iter().enumerate() {
        write_model(&directory, &format!("many/{name}"));
        write(directory.path(), &format!("many/{name}/notes"), vec![b'n'; 10 * (index + 1)]);
    }
    directory
}

/// Everything that a run shows.
fn shown(directory: &Path, arguments: &str) -> (i32, String, String) {
    let Run { code, stdout, stderr } = run(directory, arguments);
    (code, stdout, stderr)
}

#[test]
fn each_option_changes_something_in_each_format_or_is_refused() {
    let directory = subjects();
    for Case { option, on, refused } in &CASES {
        let model = match on {
            On::One => "one",
            // Not in the order of their paths.
            On::Many => "many/f many",
        };
        for format in FORMATS {
            // What is said before is what the last word of an option changes.
            let before = option.rsplit_once(" --").map_or("", |(before, _)| before);
            // A baseline without a limit is refused.
            let before = if before.starts_with("--baseline") { "" } else { before };
            let without = shown(directory.path(), &format!("{model} --format {format} {before}"));
            let with = shown(directory.path(), &format!("{model} --format {format} {option}"));
            let what = format!("{option} of {model} in {format}: {with:#?}");
            if refused.contains(&format) {
                let name = option.rsplit("--").next().unwrap().split(' ').next().unwrap();
                assert!(
                    with.0 == 2 && with.1.is_empty() && with.2.contains(&format!("--{name} does nothing")),
                    "{what}"
                );
            } else {
                assert_ne!(with.0, 2, "{what}");
                assert_ne!(with, without, "{what}");
            }
        }
    }
}

#[test]
fn what_shapes_a_report_is_refused_where_none_is_written() {
    let directory = subjects();
    for option in ["--by op", "--only op=Const", "--top 1", "--full", "--findings 1", "--sort size", "--width 80"] {
        let refused = run(&directory, &format!("one --quiet {option}")).exits(2).without_report();
        assert!(refused.stderr.contains("--quiet writes none"), "{option}: {}", refused.stderr);
    }
    for format in ["csv", "folded"] {
        let refused = run(&directory, &format!("one --format {format} --min-duplicate 4kB")).exits(2).without_report();
        assert!(refused.stderr.contains("--min-duplicate does nothing here"), "{}", refused.stderr);
    }
    let refused = run(&directory, "one --by op --findings 1").exits(2).without_report();
    assert!(refused.stderr.contains("--findings does nothing for the table"), "{}", refused.stderr);
}

#[test]
fn a_report_has_as_many_columns_as_a_terminal_may() {
    let directory = subjects();
    for command in ["one", "diff one one"] {
        for (columns, said) in
            [("59", "at least 60"), ("65536", "at most 65535"), ("18446744073709551615", "at most 65535")]
        {
            let refused = run(&directory, &format!("{command} --width {columns}")).exits(2).without_report();
            assert!(refused.stderr.contains(said), "{columns}: {}", refused.stderr);
        }
        run(&directory, &format!("{command} --width 65535")).exits(0);
    }
}

/// The long options that a help page names.
fn options(help: &str) -> Vec<String> {
    let lines = help.lines().map(str::trim_start).filter(|line| line.starts_with('-'));
    let words = lines.flat_map(|line| line.split([' ', ',', '='])).filter_map(|word| word.strip_prefix("--"));
    words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

#[test]
fn every_option_of_the_help_is_tried_here_and_no_command_takes_one_that_its_help_does_not_name() {
    let directory = subjects();
    let all = options(&run(&directory, "--help").exits(0).stdout);
    let tried = |name: &String| CASES.iter().any(|case| case.option.contains(&format!("--{name}")));
    // Those of URLs are tried in `urls.rs` and in `tests/remote`.
    let elsewhere = ["format", "json", "open", "quiet", "full", "help", "version", "remote-depth", "resume"];
    let not_tried: Vec<&String> = all.iter().filter(|name| !tried(name) && !elsewhere.contains(&&***name)).collect();
    assert!(not_tried.is_empty(), "{not_tried:?}");
    for (command, arguments) in
        [("why", "one own_1"), ("explain", ""), ("schema", ""), ("man", ""), ("completions", "bash")]
    {
        let own = options(&run(&directory, &format!("{command} --help")).exits(0).stdout);
        for name in all.iter().filter(|name| !own.contains(name)) {
            let refused = run(&directory, &format!("{command} {arguments} --{name}"));
            assert_eq!(refused.code, 2, "{command} --{name}: {refused:#?}");
        }
    }
}
