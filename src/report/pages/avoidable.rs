//! What can be avoided: the causes of size, what each costs, what to do about it and when not to.
//!
//! Names in the sentences of findings are safe already.

use crate::findings::{CAUSES, Finding, Information, Slim};
use crate::ledger::{Category, Rest};
use crate::report::document::{Block, Cell, Column, Mark, Name, Paragraph, Row, Section, Table, Tone};
use crate::report::{CheckpointReport, ModelReport, RemoteDepth, RemoteReport, View};
use crate::size::{exact, human, plural, share};

use super::{Amounts, headline, problems};

/// How much of a finding's evidence is shown.
const EVIDENCE: usize = 5;

/// What tells how to see all findings.
const SHOWS_ALL: &str = "--findings all";

/// What stands above facts that are no findings.
const INFORMATION: &str = "for information: this takes room, and is as it should be";

/// The answer: what can be avoided, the largest causes with what to do; those under 1% of the model in one line.
pub(super) fn answer(model: &ModelReport, amounts: Amounts) -> Section {
    if model.findings.is_empty() {
        return nothing(model);
    }
    let (large, small): (Vec<&Finding>, Vec<&Finding>) =
        model.findings.iter().partition(|finding| is_large(finding, model));
    let has_room = amounts.causes > 1 || model.findings.len() == 1;
    let causes = plural(model.findings.len() as u64, "cause", "causes");
    let title = total(model);
    let mut section = Section::titled(if has_room { title } else { title.and(format!(", {causes} (--findings all)")) });
    let mut table = table();
    for (index, finding) in large.iter().take(amounts.causes).enumerate() {
        let mut row = row(finding, model);
        if index < amounts.sentences {
            row.notes.push(Paragraph::said(&finding.message).at_most(amounts.lines).into());
        }
        if index < amounts.remedies {
            let sentence = || remedy(finding).at_most(amounts.lines + 1).into();
            row.notes.push(code(finding).filter(|_| amounts.is_code).unwrap_or_else(sentence));
        }
        if index == 0 && amounts.unless {
            row.notes.push(unless(finding).at_most(amounts.lines).into());
        }
        table.rows.push(row);
    }
    section = section.with(table);
    let left = large.get(amounts.causes..).unwrap_or_default();
    section = section.with_all((!left.is_empty() && has_room).then(|| more(rest(left))));
    section.with_all((!small.is_empty() && has_room).then(|| under_one_percent(&small, !large.is_empty())))
}

/// The answer in a line.
pub(super) fn answer_line(model: &ModelReport) -> Paragraph {
    if model.findings.is_empty() { nothing_found(model) } else { total(model) }
}

/// Whether a finding is at least 1% of the model.
fn is_large(finding: &Finding, model: &ModelReport) -> bool {
    u128::from(finding.bytes) * 100 >= u128::from(model.total_bytes)
}

/// `avoidable: 14.9 MB, 49.5% of the model`.
pub(super) fn total(model: &ModelReport) -> Paragraph {
    let (bytes, all) = (model.findings_bytes, model.total_bytes);
    Paragraph::said(format!("avoidable: {}, {} of the model", human(bytes), share(bytes, all))).tone(Tone::Warning)
}

/// That there is nothing, and what was looked for. Silence is a claim, so it is made of what was read only.
fn nothing(model: &ModelReport) -> Section {
    Section::of(vec![nothing_found(model).into()])
}

fn nothing_found(model: &ModelReport) -> Paragraph {
    if model.meta_graphs.is_empty() && !model.problems.is_empty() {
        return Paragraph::said("no cause was looked for, as no metagraph could be read").tone(Tone::Strong);
    }
    if model.remote.as_ref().is_some_and(|remote| remote.depth == RemoteDepth::List) {
        let said = "what can be avoided was not looked for: only the listing was read (--remote-depth index)";
        return Paragraph::said(said).tone(Tone::Strong);
    }
    let checked = plural(CAUSES.len() as u64, "cause", "causes");
    let is_whole = model.problems.is_empty() && !model.remote.as_ref().is_some_and(RemoteReport::is_partial);
    let of_what = if is_whole { "" } else { " in what could be read" };
    let said = format!("nothing avoidable found{of_what} ({checked} checked){}", weights(model));
    Paragraph::said(said).tone(Tone::Strong)
}

/// `; 89% of the bytes are weights`.
fn weights(model: &ModelReport) -> String {
    let is_whole = |checkpoint: &&CheckpointReport| !checkpoint.tensors.is_empty();
    let Some(checkpoint) = model.checkpoint.as_ref().filter(is_whole) else { return String::new() };
    let stored = model.categories.get(&Category::Variables).copied().unwrap_or_default();
    let data = checkpoint.data_bytes.saturating_sub(checkpoint.unused_data_bytes).min(stored);
    if data == 0 { String::new() } else { format!("; {} of the bytes are weights", share(data, model.total_bytes)) }
}

/// `2 more under 1% of the model: size-limit 1.2 kB, stale-files 300 bytes`.
fn under_one_percent(small: &[&Finding], has_larger: bool) -> Paragraph {
    let more = if has_larger { " more" } else { "" };
    let named: Vec<String> = small.iter().map(|finding| format!("{} {}", finding.id, human(finding.bytes))).collect();
    Paragraph::said(format!("{}{more} under 1% of the model: {}", exact(small.len() as u64), named.join(", ")))
        .at_most(2)
}

fn table() -> Table {
    Table::bare(vec![Column::figure("bytes"), Column::figure("share"), Column::name("cause")])
}

fn row(finding: &Finding, model: &ModelReport) -> Row {
    let also: Vec<String> = slim(finding).into_iter().chain(overlap(finding)).collect();
    let also = if also.is_empty() { String::new() } else { format!(" ({})", also.join("; ")) };
    let name = format!("{}{also}", finding.id);
    Row::new(vec![
        Cell::Size(finding.bytes),
        Cell::Share(finding.bytes, model.total_bytes),
        Cell::Word(name, Tone::Warning),
    ])
}

/// From which level on slim takes it away.
fn slim(finding: &Finding) -> Option<String> {
    (finding.slim != Slim::None).then(|| format!("slim: {}", finding.slim.name()))
}

/// What a finding has in common with those above it: `32.9 kB of it counted above`.
fn overlap(finding: &Finding) -> Option<String> {
    match finding.bytes.saturating_sub(finding.additional_bytes) {
        0 => None,
        common if common == finding.bytes => Some("all of it counted above".to_owned()),
        common => Some(format!("{} of it counted above", human(common))),
    }
}

/// What to do, in a sentence.
fn remedy(finding: &Finding) -> Paragraph {
    Paragraph::said(&finding.remedy).marked(Mark::Remedy)
}

/// The same as code, where there is any.
fn code(finding: &Finding) -> Option<Block> {
    let lines: Vec<String> = finding.remedy_code.lines().map(str::to_owned).collect();
    (!lines.is_empty()).then_some(Block::Code(lines))
}

/// When not to act on it.
fn unless(finding: &Finding) -> Paragraph {
    Paragraph::said(format!("unless {}", finding.unless)).tone(Tone::Quiet)
}

fn rest(findings: &[&Finding]) -> Rest {
    let bytes = findings.iter().map(|finding| finding.additional_bytes).fold(0, u64::saturating_add);
    Rest { rows: findings.len() as u64, bytes, count: 0 }
}

/// `… 2 more, 3.40 MB (--findings all)`.
fn more(rest: Rest) -> Paragraph {
    Paragraph::said(format!("… {} more, {} ({SHOWS_ALL})", exact(rest.rows), human(rest.bytes))).tone(Tone::Quiet)
}

/// The page of `--findings`: what is wrong, the causes as many as were asked for, and with all of them what they rest on.
pub(super) fn page(model: &ModelReport, view: &View) -> Vec<Section> {
    let problems = problems::section(model, view, Amounts::MOST);
    [headline::short(model)].into_iter().chain(problems).chain(sections(model, view)).collect()
}

/// The causes as many as were asked for; with all of them what they rest on, and what is no cause.
pub(super) fn sections(model: &ModelReport, view: &View) -> Vec<Section> {
    if model.findings.is_empty() {
        return [information(model, view), Some(nothing(model))].into_iter().flatten().collect();
    }
    let (shown, left) = view.findings(&model.findings);
    let mut table = table();
    for finding in shown {
        let mut row = row(finding, model);
        row.notes.push(Paragraph::said(&finding.message).into());
        row.notes.extend(overlaps(finding).map(Block::from));
        row.notes.push(remedy(finding).into());
        row.notes.extend(code(finding));
        row.notes.push(unless(finding).into());
        if view.findings.is_none() {
            row.notes.extend(evidence(finding).into_iter().map(Block::from));
        }
        table.rows.push(row);
    }
    let section = Section::titled(total(model)).with(table).with_all(left.map(more));
    information(model, view).into_iter().chain([section]).collect()
}

/// Which larger findings a finding shares bytes with.
fn overlaps(finding: &Finding) -> Option<Paragraph> {
    let with = |overlap: &crate::findings::Overlap| format!("{} with `{}`", human(overlap.bytes), overlap.id);
    let shared: Vec<String> = finding.overlaps.iter().map(with).collect();
    (!shared.is_empty()).then(|| Paragraph::said(format!("shares {}", shared.join(", "))).tone(Tone::Quiet))
}

/// The largest places that a finding rests on.
fn evidence(finding: &Finding) -> Vec<Paragraph> {
    let all = &finding.evidence;
    // One line too many takes no more room than saying so.
    let shown = if all.len() == EVIDENCE + 1 { all.len() } else { EVIDENCE.min(all.len()) };
    let line = |said: &str| Paragraph::said(said).tone(Tone::Quiet).marked(Mark::Item);
    let mut lines: Vec<Paragraph> = all.iter().take(shown).map(|said| line(said)).collect();
    if shown < all.len() {
        lines.push(line(&format!("… {} more (in --json)", exact((all.len() - shown) as u64))));
    }
    lines
}

/// What costs bytes and is as it should be, where all findings are asked for.
fn information(model: &ModelReport, view: &View) -> Option<Section> {
    if view.findings.is_some() || model.information.is_empty() {
        return None;
    }
    let mut table = table();
    let row = |fact: &Information| Row {
        notes: vec![Paragraph::said(&fact.message).tone(Tone::Quiet).into()],
        ..Row::new(vec![
            Cell::Size(fact.bytes),
            Cell::Share(fact.bytes, model.total_bytes),
            Cell::Name(Name::new(&fact.id)),
        ])
    };
    table.rows = model.information.iter().map(row).collect();
    Some(Section::titled(Paragraph::said(INFORMATION)).with(table))
}
