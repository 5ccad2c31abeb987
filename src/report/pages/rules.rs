//! The rules: those that are broken first, a line each with by how much; those that hold in one line.

use crate::escape::escape;
use crate::report::document::{Mark, Paragraph, Section, SectionKind, Tone};
use crate::report::{Allowed, Gate, RuleOutcome, Status, View};
use crate::size::exact;

use super::{Amounts, must_fit};

pub(super) fn sections(gate: &Gate, view: &View, amounts: Amounts) -> Vec<Section> {
    if !gate.has_rules() {
        return Vec::new();
    }
    let tone = if gate.passed { Tone::Strong } else { Tone::Problem };
    let title = Paragraph::said(format!("rules: {}, {}", gate.status().word(), gate.summary())).tone(tone);
    let title = if must_fit(view) { title.at_most(amounts.lines) } else { title };
    let kind =
        if gate.rules.iter().any(|rule| rule.status != Status::Pass) { SectionKind::Alert } else { SectionKind::Part };
    let mut section = Section::titled(title).kind(kind);
    let mut broken: Vec<&RuleOutcome> = gate.rules.iter().filter(|rule| rule.status != Status::Pass).collect();
    broken.sort_by_key(|rule| match rule.status {
        Status::Fail => 0,
        Status::Unsure => 1,
        Status::Warn | Status::Pass => 2,
    });
    let shown = if must_fit(view) { amounts.rules } else { usize::MAX };
    let several = gate.rules.iter().any(|rule| gate.rules.first().is_some_and(|first| first.model != rule.model));
    let left = broken.len().saturating_sub(shown) as u64;
    for rule in broken.iter().take(shown) {
        let said = outcome(rule, several, view);
        section = section.with(if must_fit(view) { said.at_most(amounts.lines.min(2)) } else { said });
    }
    let more = || Paragraph::said(format!("… {} more (--full)", exact(left))).tone(Tone::Quiet);
    section = section.with_all((left > 0 && shown > 1).then(more));
    let notes = gate.notes.iter().map(|note| Paragraph::default().and_quoted(note).marked(Mark::Word("note")));
    section = section.with_all(notes);
    let entries = gate.allowed.len() as u64;
    if !must_fit(view) {
        section = section.with_all(gate.allowed.iter().map(allowed));
    } else if entries > 0 {
        let apply = if entries == 1 { "entry of the allow list applies" } else { "entries of the allow list apply" };
        section = section.with(Paragraph::said(format!("{} {apply} (--full)", exact(entries))).tone(Tone::Quiet));
    }
    vec![section]
}

fn outcome(rule: &RuleOutcome, several: bool, view: &View) -> Paragraph {
    let tone = match rule.status {
        Status::Pass => Tone::Plain,
        Status::Warn => Tone::Warning,
        Status::Fail | Status::Unsure => Tone::Problem,
    };
    let said = if must_fit(view) { rule.line(several) } else { rule.sentence() };
    Paragraph::default().and_quoted(said).tone(tone).marked(Mark::Word(rule.status.word()))
}

/// What an entry takes out of the rules, and why.
fn allowed(entry: &Allowed) -> Paragraph {
    let [group, model, source] = [&entry.group, &entry.model, &entry.source].map(|name| escape(name));
    Paragraph::default()
        .and_quoted(format!("{group} in {model}: {} ({source}: {})", entry.finding(), entry.reason))
        .tone(Tone::Quiet)
        .marked(Mark::Word("allow"))
}
