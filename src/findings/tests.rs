//! What findings say of each other, and that each cause is documented alike.

use bytes::Bytes;

use super::*;
use crate::audit::{Options, audit};
use crate::charge::{MainFile, charge_model};
use crate::graph::Reach;
use crate::input::Model;
use crate::ledger::Ledger;
use crate::progress::Silent;
use crate::report::{ModelReport, SlimLevel, SlimStep};
use crate::support::wire::{Message, saved_model};

/// The report of a model of these files.
pub(super) fn report(files: &[(&str, &[u8])]) -> ModelReport {
    audit(&model(files), &Options::default(), &Silent).unwrap()
}

/// What is found of a cause in a model of these files.
pub(super) fn finding(id: &str, files: &[(&str, &[u8])]) -> Option<Finding> {
    report(files).findings.into_iter().find(|finding| finding.id == id)
}

/// What the evidence of a finding says of the bytes of the one place whose description has these words.
pub(super) fn bytes_of<'f>(finding: &'f Finding, words: &str) -> Option<&'f str> {
    let mut places = finding.evidence.iter().filter_map(|line| line.rsplit_once(": "));
    let found = places.find(|(what, _)| what.contains(words)).map(|(_, bytes)| bytes);
    assert!(places.all(|(what, _)| !what.contains(words)), "{words} is in two places: {:?}", finding.evidence);
    found
}

/// What a detector makes of a model of these files, nothing known of its duplicates and of what is reached.
pub(super) fn with_context<T>(files: &[(&str, &[u8])], detect: impl FnOnce(&Context<'_>) -> T) -> T {
    let model = model(files);
    let main = MainFile::open(&model);
    let saved_model = charge_model(&model, main.as_ref(), None, &mut Ledger::new(&[]), &Silent).unwrap();
    let (duplicates, reach) = (crate::duplicates::Duplicates::default(), Reach::default());
    detect(&Context::new(Facts::new(&model, main.as_ref(), &saved_model, None, &duplicates, &reach)))
}

fn model(files: &[(&str, &[u8])]) -> Model {
    Model::in_memory("model", files.iter().map(|(name, bytes)| ((*name).to_owned(), Bytes::copy_from_slice(bytes))))
}

fn detected(range: std::ops::Range<u64>, beyond: u64) -> Detected {
    let mut claims = Claims::default();
    claims.add("saved_model.pb", range);
    Detected { message: String::new(), evidence: Evidence::default(), claims, beyond }
}

fn weighed(found: Vec<Detected>) -> Findings {
    weigh(CAUSES.iter().zip(found).collect(), &Provenance::default(), |_, _| Slim::None).0
}

#[test]
fn findings_are_ordered_by_bytes_and_what_two_claim_adds_up_once() {
    let found = weighed(vec![detected(2000..5000, 0), detected(0..4000, 100)]);
    let [larger, smaller] = found.findings.as_slice() else { panic!("{found:?}") };
    assert_eq!((larger.bytes, larger.additional_bytes, larger.overlaps.len()), (4100, 4100, 0));
    assert_eq!((smaller.bytes, smaller.additional_bytes), (3000, 1000));
    assert_eq!(smaller.overlaps, [Overlap { id: larger.id.clone(), bytes: 2000 }]);
    assert_eq!(found.bytes, 5100);
}

#[test]
fn what_costs_less_than_its_remedy_is_no_finding() {
    assert_eq!(weighed(vec![detected(0..LEAST_BYTES - 1, 0)]), Findings::default());
    assert_eq!(weighed(vec![detected(0..LEAST_BYTES - 1, 1)]).findings.len(), 1);
}

#[test]
fn every_cause_says_what_it_is_how_it_is_known_what_to_do_and_when_not_to() {
    for cause in CAUSES {
        let headings: Vec<&str> = cause.long.lines().filter(|line| line.starts_with('#')).collect();
        let first = format!("# {}: {}", cause.id, cause.title());
        let sections = ["## How smaudit knows", "## What to do", "## What slim does", "## When not to"];
        assert_eq!((headings.first(), headings.get(1..)), (Some(&&*first), Some(&sections[..])), "{}", cause.id);
        let ends = |line: &str| line.ends_with('.') && !line.contains('\n');
        for Remedy { text, unless, .. } in cause.remedies {
            assert!(ends(text) && ends(unless), "{}: each is one sentence", cause.id);
            let longest = [text, unless].iter().flat_map(|text| text.split(' ')).map(str::len).max();
            assert!(longest < Some(42), "{}: a word has to fit on a line of 60 columns, behind figures", cause.id);
        }
        assert!(cause.long.lines().all(|line| line.chars().count() <= 120), "{}", cause.id);
    }
}

/// What a page says that slim does, in one line.
fn of_slim(cause: &Cause) -> String {
    let (_, section) = cause.long.split_once("\n## What slim does\n").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    section.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_page_of_a_cause_says_whether_slim_does_it_and_why_not() {
    for cause in CAUSES {
        let (said, known) = (of_slim(cause), cause.cure.about());
        let rest = said.strip_prefix(known).unwrap_or_else(|| panic!("{}: {said}\nhas not: {known}", cause.id));
        assert!(rest.len() > 40 && rest.ends_with(['.', '`']), "{}: what does it do, or why not?", cause.id);
    }
}

#[test]
fn the_page_of_a_text_names_the_steps_that_do_more_than_write_it_in_binary() {
    let said = of_slim(cause("text-main-file").unwrap());
    let lists = said.split("--skip ").skip(1).filter_map(|rest| rest.split(' ').next());
    let mut listed: Vec<&str> = lists.flat_map(|list| list.split(',')).collect();
    // `strip` is taken only where that is asked for, and a text is in no chunks.
    let others = [SlimStep::Strip, SlimStep::TextMainFile, SlimStep::ChunkedMainFile];
    let is_taken = |step: &&SlimStep| step.level() == SlimLevel::Inference && !others.contains(step);
    let mut more: Vec<&str> = SlimStep::ALL.iter().filter(is_taken).map(|step| step.name()).collect();
    listed.sort_unstable();
    more.sort_unstable();
    assert_eq!(listed, more);
}

/// Models of every kind, with and without what remedies ask for besides.
fn models() -> impl Iterator<Item = Provenance> {
    let flags = (0..32).map(|bits: u8| [1, 2, 4, 8, 16].map(|bit| bits & bit != 0));
    ModelKind::ALL.into_iter().flat_map(move |kind| {
        let model = move |[is_archive, has_keras_2, has_keras_3, has_tables, is_mixed]: [bool; 5]| Provenance {
            kind,
            is_archive,
            has_keras_2,
            has_keras_3,
            has_tables,
            is_mixed,
            ..Provenance::default()
        };
        flags.clone().map(model)
    })
}

#[test]
fn every_cause_has_a_remedy_for_every_model_and_none_that_is_never_given() {
    for cause in CAUSES {
        assert!(models().all(|model| cause.remedy(&model).is_some()), "{}", cause.id);
        let is_given = |remedy: &Remedy| {
            models().any(|model| cause.remedy(&model).is_some_and(|given| std::ptr::eq(given, remedy)))
        };
        assert!(cause.remedies.iter().all(is_given), "{}", cause.id);
    }
}

#[test]
fn the_code_of_a_remedy_is_short_and_is_on_the_page_of_its_cause() {
    for cause in CAUSES {
        for Remedy { code, .. } in cause.remedies {
            assert!(code.lines().count() <= 3 && code.lines().all(|line| line.len() <= 120), "{}: {code}", cause.id);
            assert!(cause.long.contains(code), "{} has not\n{code}", cause.id);
        }
    }
}

#[test]
fn an_id_names_one_cause() {
    let mut ids: Vec<&str> = CAUSES.iter().map(|cause| cause.id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), CAUSES.len());
    assert!(ids.iter().all(|id| cause(id).is_some_and(|cause| cause.id == *id)));
    assert!(cause("no-such-cause").is_none());
}

#[test]
fn a_name_in_a_sentence_cannot_end_its_code_span_or_steer_a_terminal() {
    assert_eq!(quoted("dense/kernel"), "`dense/kernel`");
    assert_eq!(quoted("a`b\u{1b}[2J\n"), "`a\\u{60}b\\u{1b}[2J\\u{a}`");
    assert_eq!(quoted(""), "`\"\"`");
}

/// What is found of a cause in a model of one MetaGraphDef.
pub(super) fn found(meta_graph: &Message, id: &str) -> Option<Finding> {
    finding(id, &[("saved_model.pb", &saved_model([meta_graph]).0)])
}
