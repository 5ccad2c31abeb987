//! What findings claim, held against what their remedies really save.
//!
//! `tests/pathologies` holds a model for each known cause, `bloated`, and the same model with the cause avoided,
//! `fixed`; `TRUTH.tsv` says what the fix saved. The models were made by TensorFlow, in sizes of their own. With
//! `SMAUDIT_PATHOLOGIES=DIR` the same is asked of other models, laid out alike. `cargo test --test all findings:: -- --nocapture`
//! prints the table.
//!
//! The tables in `docs/findings.md` are those of this test: `SMAUDIT_UPDATE_GOLDENS=1 cargo test --test all findings::` writes
//! them.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use smaudit::CAUSES;
use smaudit::input::Model;
use smaudit::internals::size::exact;
use smaudit::internals::slim;
use smaudit::progress::Silent;
use smaudit::report::{Finding, Slim, SlimLevel, SlimOutcome};
use smaudit::{Options, audit};
use support::files::tree;
use support::wire::{message, node};

/// A model that is bloated for a known reason, the finding that should say so, and how near it has to come to the
/// truth: in percent 15, or 30 where the remedy frees bytes elsewhere as well.
const PATHOLOGIES: [(&str, &str, u64); 35] = [
    ("keras-export-twice", "variable-stored-twice", 15),
    ("const-per-metagraph", "constant-in-every-metagraph", 15),
    ("extra-metagraphs", "extra-metagraph", 15),
    ("assign-consts", "assign-constants", 15),
    ("const-per-trace", "constant-in-every-trace", 15),
    ("frozen-beside-variables", "constant-equals-variable", 15),
    ("keras-metadata-array", "metadata-array", 15),
    ("optimizer-slots", "optimizer-state", 15),
    ("unused-variable", "unused-variable", 15),
    ("ema-shadow", "unused-variable", 15),
    ("vocabulary-in-graph", "vocabulary-constant", 15),
    ("keras-layer-traces", "layer-traces", 15),
    ("trace-per-scalar", "trace-per-argument", 15),
    ("custom-gradients", "gradient-functions", 15),
    ("load-save-growth", "load-save-wrappers", 15),
    ("saver-growth", "repeated-savers", 15),
    ("unrolled-rnn", "unrolled-loop", 15),
    ("batch-broadcast-const", "broadcast-constant", 15),
    ("dataset-in-function", "embedded-dataset", 15),
    ("jax-weights-in-graph", "weights-in-attribute", 15),
    ("stale-files", "stale-files", 15),
    ("same-asset-twice", "duplicate-asset", 15),
    ("many-tiny-variables", "per-variable-overhead", 15),
    ("distiller", "unserved-variable", 15),
    ("pruning-masks", "training-wrapper", 30),
    ("files-beside", "foreign-files", 15),
    ("rows-without-words", "unreached-rows", 15),
    ("adjacency", "sparse-constant", 15),
    ("half-precision", "cast-down-variable", 15),
    ("one-backbone-three-times", "equal-variables", 15),
    ("training-graph-tf1", "training-graph", 15),
    ("main-file-as-text", "text-main-file", 15),
    ("debug-info", "debug-info", 15),
    ("dead-nodes", "unreached-function-nodes", 15),
    ("functions-of-python", "python-only-functions", 15),
];

fn directory() -> PathBuf {
    std::env::var_os("SMAUDIT_PATHOLOGIES")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pathologies"), PathBuf::from)
}

/// What the fix of each pathology saved: `id bloated_bytes fixed_bytes saved_bytes` a line.
fn truth(pathology: &str) -> u64 {
    let table = fs::read_to_string(directory().join("TRUTH.tsv")).unwrap();
    let mut lines = table.lines().map(|line| line.split('\t').collect::<Vec<_>>());
    let line = lines.find(|line| line[0] == pathology).unwrap_or_else(|| panic!("{pathology} is not in TRUTH.tsv"));
    line[3].parse().unwrap()
}

fn findings(pathology: &str, form: &str) -> Vec<Finding> {
    let path = directory().join(pathology).join(form);
    let model = Model::read(&path, form);
    assert!(model.bytes() > 0, "{} is not there", path.display());
    audit(&model, &Options::default(), &Silent).unwrap().findings
}

/// A pathology, and what the finding that should say so made of it.
struct Judged {
    pathology: &'static str,
    cause: &'static str,
    saved: u64,
    estimate: u64,
    wrong: Option<String>,
}

impl Judged {
    /// How far the estimate is off, in percent of the truth.
    fn off(&self) -> f64 {
        (self.estimate as f64 / self.saved as f64 - 1.0) * 100.0
    }

    /// The same to be read; nothing has no sign.
    fn shown(&self) -> String {
        let rounded = format!("{:+.1}%", self.off());
        if matches!(&*rounded, "+0.0%" | "-0.0%") { "0.0%".to_owned() } else { rounded }
    }
}

fn judge((pathology, cause, tolerance): (&'static str, &'static str, u64)) -> Judged {
    let saved = truth(pathology);
    let (bloated, fixed) = (findings(pathology, "bloated"), findings(pathology, "fixed"));
    let largest = bloated.first().map_or("", |finding| &finding.id);
    let own = |found: &[Finding]| found.iter().find(|finding| finding.id == cause).map(|finding| finding.bytes);
    let mut judged = Judged { pathology, cause, saved, estimate: own(&bloated).unwrap_or(0), wrong: None };
    judged.wrong = if largest != cause {
        Some(format!("{pathology}: the largest finding is `{largest}`, not `{cause}`"))
    } else if judged.off().abs() > tolerance as f64 {
        Some(format!("{pathology}: {} is {:+.1}% off {saved}", judged.estimate, judged.off()))
    } else {
        own(&fixed).map(|bytes| format!("{pathology}: {bytes} bytes of `{cause}` in the fixed model"))
    };
    judged
}

/// What is left of a finding after slim has done what the finding says that it can do, and at the most that it can do.
struct Slimmed {
    pathology: &'static str,
    finding: Finding,
    /// What is left of it at the level that it names, and at level `serving`.
    left: u64,
    least: u64,
    /// How much of what the finding claims the plan at its level takes away, counted in ranges of files.
    taken: u64,
}

/// Slims a bloated model at each level that one of its findings names, and at the last one.
fn slimmed(pathology: &'static str) -> Vec<Slimmed> {
    let path = directory().join(pathology).join("bloated");
    let at = |level: SlimLevel| {
        let model = Model::read(&path, "bloated");
        let options = slim::Options { level, ..slim::Options::default() };
        let plan = slim::plan(&model, &options, &Silent).unwrap();
        let out = tree(&[]);
        let held = plan.write(out.path(), &Silent).unwrap();
        let written = Model::read(out.path(), "slimmed");
        if plan.report.outcome == SlimOutcome::Smaller {
            assert_eq!(plan.prove(&written, &held, &Silent).unwrap(), [""; 0], "{pathology}");
        }
        (plan.report.findings, audit(&written, &Options::default(), &Silent).unwrap().findings)
    };
    let found = findings(pathology, "bloated");
    let levels = SlimLevel::ALL.map(|level| (level, at(level)));
    let of = |level: SlimLevel| &levels.iter().find(|(other, _)| *other == level).unwrap().1;
    let slimmed = |finding: Finding| {
        let left = |found: &[Finding]| found.iter().find(|it| it.id == finding.id).map_or(0, |it| it.bytes);
        let level = match finding.slim {
            Slim::Safe => SlimLevel::Safe,
            Slim::Inference => SlimLevel::Inference,
            _ => SlimLevel::Serving,
        };
        let ((taken, found), (_, least)) = (of(level), of(SlimLevel::Serving));
        let taken = taken.iter().find(|it| it.id == finding.id);
        // Of a main file in text a finding claims parts of the text, of which a plan knows nothing.
        let taken = taken.map_or(finding.bytes, |it| it.saved_bytes);
        assert!(taken <= finding.bytes, "{pathology}: {taken} of {finding:?}");
        Slimmed { pathology, left: left(found), least: left(least), taken, finding }
    };
    found.into_iter().map(slimmed).collect()
}

/// So much of a finding may be left where slim takes it away, in percent: what it has in common with what stays.
const LEFT: u64 = 10;

/// So much of the ranges that a finding claims goes in fact, in percent: all but what a gradient's name takes that stands in the
/// place of another, a few bytes of each object of which nothing else is left, and shares of the index.
const TAKEN: u64 = 97;

/// The same where tensors share their data and what the graph and the index have of them stays.
const OF_DATA: u64 = 75;

/// What stays in part all the same: variables of a wrapper that a class may make, which wants all of them.
const KEPT: [(&str, &str); 1] = [("pruning-masks", "unused-variable")];

#[test]
fn slim_takes_away_what_a_finding_says_and_the_very_bytes_that_it_claims() {
    let (mut wrong, mut claimed, mut undecided) = (Vec::new(), 0, BTreeMap::new());
    let mut table = format!(
        "{:24} {:28} {:>10} {:>10} {:>10} {:>10}\n",
        "pathology", "finding", "slim", "claimed", "taken", "left"
    );
    for (pathology, ..) in PATHOLOGIES.into_iter().filter(|(name, ..)| directory().join(name).is_dir()) {
        for Slimmed { pathology, finding, left, least, taken } in slimmed(pathology) {
            let (id, slim, bytes) = (&finding.id, finding.slim, finding.bytes);
            writeln!(table, "{pathology:24} {id:28} {:>10} {bytes:>10} {taken:>10} {left:>10}", slim.name()).unwrap();
            let is_gone = |left: u64| left * 100 <= bytes * LEFT;
            if slim == Slim::None {
                let goes = undecided.entry(id.clone()).or_insert(true);
                *goes &= is_gone(least);
                continue;
            }
            claimed += 1;
            let is_data = slim == Slim::Safe && ["variable-stored-twice", "equal-variables"].contains(&id.as_str());
            if !is_data && !is_gone(left) && !KEPT.contains(&(pathology, id)) {
                wrong.push(format!("{pathology}: of `{id}` {left} of {bytes} bytes are left at level {}", slim.name()));
            }
            let least = if is_data { OF_DATA } else { TAKEN };
            if taken * 100 < bytes * least && !KEPT.contains(&(pathology, id)) {
                wrong.push(format!("{pathology}: `{id}` claims {bytes} bytes, of which {taken} go"));
            }
        }
    }
    wrong
        .extend(undecided.iter().filter(|(_, goes)| **goes).map(|(id, _)| format!("`{id}` goes, and does not say so")));
    println!("{table}");
    assert!(wrong.is_empty() && claimed > 30, "{table}\n{wrong:#?}");
}

/// All models of the directory that are bloated for a reason, each of which must be known.
fn all() -> Vec<Judged> {
    let table = fs::read_to_string(directory().join("TRUTH.tsv")).unwrap();
    let names: Vec<&str> = table.lines().skip(1).filter_map(|line| line.split('\t').next()).collect();
    for name in &names {
        assert!(PATHOLOGIES.iter().any(|(known, ..)| known == name), "no finding is expected of {name}");
    }
    PATHOLOGIES.into_iter().filter(|(name, ..)| names.contains(name)).map(judge).collect()
}

#[test]
fn every_pathology_is_judged_by_a_cause_that_there_is() {
    for (pathology, cause, _) in PATHOLOGIES {
        assert!(CAUSES.iter().any(|known| known.id == cause), "{pathology}: there is no cause `{cause}`");
    }
    if std::env::var_os("SMAUDIT_PATHOLOGIES").is_none() {
        let folders = fs::read_dir(directory()).unwrap().map(|entry| entry.unwrap());
        let folders =
            folders.filter(|entry| entry.path().is_dir()).map(|entry| entry.file_name().into_string().unwrap());
        let judged: BTreeSet<String> = all().iter().map(|judged| judged.pathology.to_owned()).collect();
        assert_eq!(folders.collect::<BTreeSet<_>>(), judged);
        assert_eq!(PATHOLOGIES.map(|(name, ..)| name.to_owned()).into_iter().collect::<BTreeSet<_>>(), judged);
    }
}

#[test]
fn on_every_pathology_the_largest_finding_is_the_right_one_and_near_the_truth() {
    let judged = all();
    let mut table = format!("{:24} {:28} {:>10} {:>10} {:>8}\n", "pathology", "finding", "saved", "estimate", "off");
    for line in &judged {
        let (Judged { pathology, cause, saved, estimate, .. }, off) = (line, line.shown());
        writeln!(table, "{pathology:24} {cause:28} {saved:>10} {estimate:>10} {off:>8}").unwrap();
    }
    println!("{table}");
    let wrong: Vec<&String> = judged.iter().filter_map(|judged| judged.wrong.as_ref()).collect();
    assert!(wrong.is_empty(), "{table}\n{wrong:#?}");
}

#[test]
fn the_documentation_has_every_cause_and_the_estimates_as_they_are() {
    if std::env::var_os("SMAUDIT_PATHOLOGIES").is_some() {
        // What is documented is of the models that are kept here.
        return;
    }
    let mut causes: Vec<String> =
        CAUSES.iter().map(|cause| format!("| [`{0}`](findings/{0}.md) | {1} |\n", cause.id, cause.title())).collect();
    causes.sort();
    let documented = "| id | what it is |\n|---|---|\n".to_owned() + &causes.concat();
    let mut lines = "| model | finding | saved | estimate | off |\n|---|---|---:|---:|---:|\n".to_owned();
    for judged in all() {
        let (saved, estimate) = (exact(judged.saved), exact(judged.estimate));
        let Judged { pathology, cause, .. } = judged;
        writeln!(lines, "| {pathology} | `{cause}` | {saved} | {estimate} | {} |", judged.shown()).unwrap();
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/findings.md");
    let text = fs::read_to_string(&path).unwrap();
    let expected = with_table(&with_table(&text, "causes", &documented), "truth", &lines);
    if std::env::var_os("SMAUDIT_UPDATE_GOLDENS").is_some() {
        fs::write(&path, expected).unwrap();
    } else {
        assert!(text == expected, "docs/findings.md should have\n{documented}\n{lines}");
    }
}

/// A document with another table between the comment that begins with `name` and the one that ends it.
fn with_table(document: &str, name: &str, table: &str) -> String {
    let (before, rest) = document.split_once(&format!("<!-- {name}:")).unwrap();
    let (comment, rest) = rest.split_once('\n').unwrap();
    let (_, after) = rest.split_once("<!-- end -->").unwrap();
    format!("{before}<!-- {name}:{comment}\n\n{table}\n<!-- end -->{after}")
}

/// The file is a hole behind its first bytes, and its part that is as large is read by nobody, so this costs nothing.
#[cfg(unix)]
#[test]
fn a_main_file_that_loaders_can_hardly_read_is_found() {
    use std::os::unix::fs::MetadataExt as _;

    // A file of more than a gigabyte of holes is not read at all.
    let unknown = (1 << 30) - (1 << 10);
    let with_room = |start: support::wire::Message| (start.0.len() as u64 + unknown, start.0);
    let (graph_length, graph) = with_room(message().message(1, &node("a", "NoOp")).overlong(15, unknown, []));
    let meta_info = message().bytes(4, b"serve");
    let (length, meta_graph) = with_room(message().message(1, &meta_info).overlong(2, graph_length, graph));
    let start = message().overlong(2, length, meta_graph).0;
    let directory = tree(&[("saved_model.pb", &start)]);
    let file = fs::File::options().write(true).open(directory.path().join("saved_model.pb")).unwrap();
    let bytes = start.len() as u64 + unknown;
    file.set_len(bytes).unwrap();
    if file.metadata().unwrap().blocks() > 1 << 10 {
        return eprintln!("not tested: files on this disk have no holes");
    }
    let model = Model::read(directory.path(), "large");
    let report = audit(&model, &Options::default(), &Silent).unwrap();
    assert_eq!((report.total_bytes, &*report.problems), (bytes, &[][..]));
    let finding = &report.findings[0];
    assert_eq!(finding.id, "size-limit");
    // What is more than 90% of 1 GiB, from where on loaders fail.
    assert_eq!(finding.bytes, bytes - (1_u64 << 30) / 100 * 90);
    let said = "near the 1 GiB that loaders up to TensorFlow 2.3 can read";
    assert!(finding.message.contains(said), "{}", finding.message);
}
