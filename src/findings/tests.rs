//! What findings say of each other, and that each cause is documented alike.

use bytes::Bytes;

use super::*;
use crate::audit::{Options, audit};
use crate::charge::{MainFile, charge_model};
use crate::graph::Reach;
use crate::input::Model;
use crate::ledger::Ledger;
use crate::progress::Silent;
use crate::report::ModelReport;
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
    detect(&Context::new(&model, main.as_ref(), &saved_model, None, &duplicates, &reach))
}

fn model(files: &[(&str, &[u8])]) -> Model {
    Model::in_memory("model", files.iter().map(|(name, bytes)| ((*name).to_owned(), Bytes::copy_from_slice(bytes))))
}

fn detected(range: std::ops::Range<u64>, beyond: u64) -> Detected {
    let mut claims = Claims::default();
    claims.add("saved_model.pb", range);
    Detected { message: String::new(), evidence: vec![], claims, beyond }
}

fn weighed(found: Vec<Detected>) -> Findings {
    weigh(CAUSES.iter().zip(found).collect())
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
fn evidence_is_told_largest_first_and_what_is_left_out_is_counted() {
    let evidence: Vec<Evidence> = (0..25).map(|bytes| Evidence { what: format!("`{bytes}`"), bytes }).collect();
    let lines = told(&evidence);
    assert_eq!(lines.len(), NAMED + 1);
    assert_eq!(lines[0], "`24`: 24 bytes");
    assert_eq!(lines[NAMED], "and 5 more: 10 bytes");
}

#[test]
fn every_cause_says_what_it_is_how_it_is_known_what_to_do_and_when_not_to() {
    for cause in CAUSES {
        let headings: Vec<&str> = cause.long.lines().filter(|line| line.starts_with('#')).collect();
        let first = format!("# {}: {}", cause.id, cause.title());
        assert_eq!(headings, [&first, "## How smaudit knows", "## What to do", "## When not to"], "{}", cause.id);
        let ends = |line: &str| line.ends_with('.') && !line.contains('\n');
        assert!(ends(cause.remedy) && ends(cause.unless), "{}: each is one sentence", cause.id);
        let longest = [cause.remedy, cause.unless].iter().flat_map(|text| text.split(' ')).map(str::len).max();
        assert!(longest < Some(42), "{}: a word has to fit on a line of 60 columns, behind figures", cause.id);
        assert!(cause.long.lines().all(|line| line.chars().count() <= 120), "{}", cause.id);
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
