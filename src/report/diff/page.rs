//! What people read of a diff: both models, what changed by category, the largest changes, causes, signatures, rules, and last the
//! answer.

use super::amounts::Amounts;
use super::{DiffKind, DiffList, DiffReport, DiffRow, DiffStatus, FindingChange, SideKind, SignatureChange};
use crate::ledger::Rest;
use crate::report::document::{Cell, Column, Document, Mark, Name, Paragraph, Section, SectionKind, Table, Tone, more};
use crate::report::gate::Status;
use crate::size::{bytes, exact, human, plural, share};

/// The whole page.
pub(super) fn document(report: &DiffReport, amounts: &Amounts) -> Document {
    let mut sections = vec![headline(report)];
    sections.extend(problems(report, amounts));
    if report.series.is_some() {
        sections.extend(series(report, amounts));
    } else {
        sections.extend(categories(report, amounts));
    }
    sections.extend(largest(report, amounts));
    sections.extend(signatures(report, amounts));
    sections.extend(causes(report, amounts));
    sections.extend(rules(report, amounts));
    if !amounts.lists {
        sections.extend(not_known(report, amounts));
    }
    sections.push(answer(report));
    if amounts.lists {
        sections.extend(list("functions", &report.functions, amounts));
        sections.extend(list("nodes", &report.nodes, amounts));
        sections.extend(list("duplicates", &report.duplicates.groups, amounts));
        sections.extend(list("variables", &report.variables, amounts));
        sections.extend(list("files", &report.files, amounts));
        sections.extend(not_known(report, amounts));
    }
    let close = |section: Section| Section { close: section.close || !amounts.is_open, ..section };
    Document { sections: sections.into_iter().map(close).collect() }
}

/// `+3.6 kB`; as people say it.
pub(super) fn signed(delta: i64) -> String {
    format!("{}{}", sign(delta), human(delta.unsigned_abs()))
}

/// `+3,620`.
fn exact_signed(delta: i64) -> String {
    format!("{}{}", sign(delta), exact(delta.unsigned_abs()))
}

fn sign(delta: i64) -> &'static str {
    match delta {
        0 => "",
        1.. => "+",
        _ => "-",
    }
}

fn headline(report: &DiffReport) -> Section {
    let (old, new) = (&report.old, &report.new);
    let title = Paragraph::name(&*old.path).and(" → ").and_name_of(&*new.path, usize::MAX);
    let change = match old.total_bytes {
        0 => String::new(),
        total => format!(", {}{}", sign(report.delta_bytes), percent(report.delta_bytes.unsigned_abs(), total)),
    };
    let sizes = match report.delta_bytes {
        0 => bytes(new.total_bytes),
        delta => format!("{} → {} ({}{change})", human(old.total_bytes), human(new.total_bytes), signed_bytes(delta)),
    };
    let mut said = Paragraph::said(sizes);
    match (&*old.tensorflow_version, &*new.tensorflow_version) {
        (a, b) if a == b => {}
        (a, b) => {
            let known = |version: &str| if version.is_empty() { "?".to_owned() } else { version.to_owned() };
            said = said.and(", TensorFlow ").and_name(known(a)).and(" → ").and_name(known(b));
        }
    }
    for (side, word) in [(old, "old"), (new, "new")] {
        if side.kind == SideKind::Report {
            said = said.and(format!(", {word} from a report"));
        }
    }
    let title = title.tone(Tone::Strong);
    Section { title: Some(title), ..Section::of(vec![said.into()]) }.kind(SectionKind::Subject)
}

/// A share that may be more than all: `212%`.
fn percent(part: u64, whole: u64) -> String {
    if part <= whole {
        return share(part, whole);
    }
    let percent = (u128::from(part) * 100).checked_div(u128::from(whole)).unwrap_or(0);
    format!("{}%", exact(u64::try_from(percent).unwrap_or(u64::MAX)))
}

fn signed_bytes(delta: i64) -> String {
    format!("{}{}", sign(delta), bytes(delta.unsigned_abs()))
}

fn problems(report: &DiffReport, amounts: &Amounts) -> Option<Section> {
    if report.problems.is_empty() {
        return None;
    }
    let number = plural(report.problems.len() as u64, "problem", "problems");
    let title = Paragraph::said(format!("{number}: what is missing looks like growth, or the other way round"));
    let mut section = Section::titled(title.tone(Tone::Problem)).kind(SectionKind::Alert);
    for found in report.problems.iter().take(amounts.problems) {
        let said = Paragraph::default().and_quoted(found.to_string());
        section = section.with(said.marked(Mark::Problem).at_most(amounts.lines));
    }
    Some(section)
}

/// Sizes by category: those that changed, the others in one row.
fn categories(report: &DiffReport, amounts: &Amounts) -> Option<Section> {
    let mut changed: Vec<_> = report.categories.iter().filter(|(_, change)| change.delta != 0).collect();
    if changed.is_empty() {
        return None;
    }
    changed.sort_by_key(|(category, change)| (std::cmp::Reverse(change.delta.unsigned_abs()), **category));
    let mut table =
        Table::new(vec![Column::figure("old"), Column::figure("new"), Column::figure("delta"), Column::word("part")]);
    let mut row = |old: u64, new: u64, delta: i64, name: String| {
        table.row(vec![Cell::Size(old), Cell::Size(new), figure(signed(delta)), Cell::Word(name, Tone::Plain)]);
    };
    let (mut old, mut new) = (report.old.total_bytes, report.new.total_bytes);
    for (category, change) in changed.iter().take(amounts.categories) {
        (old, new) = (old.saturating_sub(change.old), new.saturating_sub(change.new));
        row(change.old, change.new, change.delta, category.to_string());
    }
    if (old, new) != (0, 0) {
        row(old, new, super::delta(old, new), "other".to_owned());
    }
    Some(Section::of(vec![table.into()]))
}

fn figure(text: String) -> Cell {
    Cell::Word(text, Tone::Plain)
}

/// The rows without parts. Nodes stand together by their op, unless one is all of it that changed.
fn leaves<'r>(rows: &'r [DiffRow], out: &mut Vec<&'r DiffRow>) {
    for row in rows {
        let mut nodes = changed_nodes(row);
        match (row.kind, nodes.next(), nodes.next()) {
            (DiffKind::Op, Some(only), None) => out.push(only),
            (DiffKind::Op, ..) => out.push(row),
            _ if row.children.is_empty() => out.push(row),
            _ => leaves(&row.children, out),
        }
    }
}

/// The rows of an op that are no sum of others.
fn changed_nodes(row: &DiffRow) -> impl Iterator<Item = &DiffRow> {
    row.children.iter().filter(|child| child.kind != DiffKind::Unchanged)
}

/// What became of an op's nodes: `: 3 added, 1 changed`, and `: +3 ~1` where there is no room.
fn nodes_of(row: &DiffRow) -> [String; 2] {
    let of = |status: fn(DiffStatus) -> bool| changed_nodes(row).filter(|node| status(node.status)).count() as u64;
    let (added, removed) = (of(|status| status == DiffStatus::Added), of(|status| status == DiffStatus::Removed));
    let changed = changed_nodes(row).count() as u64 - added - removed;
    let all = [(added, "+", "added"), (removed, "-", "removed"), (changed, "~", "changed")];
    let all = all.iter().filter(|(number, ..)| *number > 0);
    let full: Vec<String> = all.clone().map(|(number, _, word)| format!("{} {word}", exact(*number))).collect();
    let short: Vec<String> = all.map(|(number, sign, _)| format!("{sign}{}", exact(*number))).collect();
    [format!(": {}", full.join(", ")), format!(": {}", short.join(" "))]
}

/// ` ×3 → ×4`, in full and shorter.
fn times(row: &DiffRow) -> [String; 2] {
    let times = match (row.old_count, row.new_count) {
        (old, new) if old == new => format!(" ×{}", exact(new)),
        (old, new) => format!(" ×{} → ×{}", exact(old), exact(new)),
    };
    [times.clone(), times]
}

fn largest(report: &DiffReport, amounts: &Amounts) -> Option<Section> {
    let mut all = Vec::new();
    leaves(&report.breakdown.rows, &mut all);
    all.retain(|row| row.kind != DiffKind::Unchanged && (row.delta != 0 || row.status != DiffStatus::Naming));
    all.sort_by_key(|row| std::cmp::Reverse(row.delta.unsigned_abs()));
    if all.is_empty() {
        return None;
    }
    let mut table = changes("largest changes");
    let (shown, rest) = all.split_at(amounts.rows.min(all.len()));
    for row in shown {
        table.row(row_cells(row));
    }
    if !rest.is_empty() {
        let delta = rest.iter().map(|row| row.delta).fold(0, i64::saturating_add);
        let more = more(Rest { rows: rest.len() as u64, bytes: 0, count: 0 });
        let name = Name { is_bookkeeping: true, ..Name::new(more) };
        table.row(vec![figure(exact_signed(delta)), Cell::Blank, Cell::Blank, Cell::Blank, Cell::Name(name)]);
    }
    Some(Section::of(vec![table.into()]))
}

/// A table of changes; a row is what [`row_cells`] makes.
fn changes(name: &'static str) -> Table {
    Table::new(vec![
        Column::figure("delta"),
        Column::figure("old"),
        Column::figure("new"),
        Column::word("what"),
        Column::name(name),
    ])
}

/// `… 3 more`, where not all are shown.
fn left(all: usize, shown: usize) -> Option<Paragraph> {
    let left = all.saturating_sub(shown);
    (left > 0).then(|| Paragraph::said(format!("… {} more", exact(left as u64))).tone(Tone::Quiet))
}

fn row_cells(row: &DiffRow) -> Vec<Cell> {
    let (name, counts) = match row.kind {
        DiffKind::Naming => ("names and counters only".to_owned(), None),
        DiffKind::Op if !row.children.is_empty() => (row.name.clone(), Some(nodes_of(row))),
        DiffKind::Op => (row.name.clone(), Some(times(row))),
        _ => (row.title(), None),
    };
    // A node that is called as its op says nothing new by it.
    let also = row.note.clone().filter(|note| *note != name);
    let name = Name { also, is_also_whole: true, counts, ..Name::new(name) };
    let what = match (row.kind, row.status) {
        (DiffKind::Naming, _) => "naming".to_owned(),
        (kind, DiffStatus::Changed) => kind.word().to_owned(),
        (kind, status) => format!("{} {}", kind.word(), status.name()),
    };
    vec![
        figure(exact_signed(row.delta)),
        Cell::Bytes(row.old),
        Cell::Bytes(row.new),
        Cell::Word(what, Tone::Plain),
        Cell::Name(name),
    ]
}

fn signatures(report: &DiffReport, amounts: &Amounts) -> Option<Section> {
    if report.signatures.is_empty() {
        return None;
    }
    let mut section = Section::titled(Paragraph::said("signatures"));
    for signature in report.signatures.iter().take(amounts.signatures) {
        section = section.with(signature_line(signature).marked(Mark::Item).at_most(amounts.lines));
    }
    Some(section.with_all(left(report.signatures.len(), amounts.signatures)))
}

fn signature_line(signature: &SignatureChange) -> Paragraph {
    let mut said = Paragraph::default().and_name(&*signature.name).and(format!(" {}", signature.status.name()));
    if signature.status != DiffStatus::Changed {
        return said;
    }
    let tensors = [("input", &signature.inputs), ("output", &signature.outputs)];
    for (word, tensor) in tensors.iter().flat_map(|(word, list)| list.iter().map(move |tensor| (word, tensor))) {
        said = said.and(format!("; {word} ")).and_name(&*tensor.name).and(" ");
        said = match (&tensor.old, &tensor.new) {
            (Some(old), Some(new)) => said.and_name(old).and(" → ").and_name(new),
            (Some(old), None) => said.and_name(old).and(" removed"),
            (None, new) => said.and_name(new.as_deref().unwrap_or_default()).and(" added"),
        };
    }
    said
}

fn causes(report: &DiffReport, amounts: &Amounts) -> Option<Section> {
    let findings = &report.findings;
    if findings.is_empty() {
        return None;
    }
    let lists = [("new", &findings.new), ("changed", &findings.changed), ("resolved", &findings.resolved)];
    let all: Vec<(&str, &FindingChange)> =
        lists.iter().flat_map(|(word, list)| list.iter().map(move |change| (*word, change))).collect();
    let change = match findings.bytes.delta {
        0 => human(findings.bytes.new),
        delta => format!("{} → {} ({})", human(findings.bytes.old), human(findings.bytes.new), signed(delta)),
    };
    let mut section = Section::titled(Paragraph::said(format!("avoidable: {change}")));
    for (word, cause) in all.iter().take(amounts.causes) {
        let size = match *word {
            "new" => human(cause.bytes.new),
            "resolved" => human(cause.bytes.old),
            _ => signed(cause.bytes.delta),
        };
        let said = Paragraph::said(format!("{word}: {}, {size}: ", cause.id)).and(&*cause.message);
        section = section.with(said.marked(Mark::Item).at_most(amounts.lines));
        if *word == "new" && amounts.lists && !cause.remedy.is_empty() {
            section = section.with(Paragraph::said(&*cause.remedy).marked(Mark::Remedy));
        }
    }
    Some(section.with_all(left(all.len(), amounts.causes)))
}

fn rules(report: &DiffReport, amounts: &Amounts) -> Option<Section> {
    let is_broken = |status: Status| matches!(status, Status::Fail | Status::Warn);
    let broken: Vec<_> = report.gate.rules.iter().filter(|rule| is_broken(rule.status)).collect();
    if broken.is_empty() {
        return None;
    }
    let title = Paragraph::said(plural(broken.len() as u64, "rule is broken", "rules are broken"));
    let mut section = Section::titled(title.tone(Tone::Problem)).kind(SectionKind::Alert);
    for rule in broken.iter().take(amounts.rules) {
        let word = rule.status.word();
        section = section.with(Paragraph::default().and_quoted(rule.sentence()).marked(Mark::Word(word)).at_most(2));
    }
    Some(section)
}

fn not_known(report: &DiffReport, amounts: &Amounts) -> Option<Section> {
    if report.not_known.is_empty() {
        return None;
    }
    let said = |text: &String| Paragraph::default().and_quoted(text.clone()).tone(Tone::Quiet).at_most(amounts.lines);
    let section = Section { close: true, ..Section::default() };
    Some(section.with_all(report.not_known.iter().take(amounts.problems).map(said)))
}

/// What grew, by how much, and since which cause.
fn answer(report: &DiffReport) -> Section {
    let delta = report.delta_bytes;
    let naming = report.naming_bytes;
    let said = match delta {
        _ if report.is_empty() => "nothing changed".to_owned(),
        0 if naming == 0 && report.breakdown.rows.iter().all(|row| row.delta == 0) => {
            format!("no larger and no smaller: {}", what_else(report))
        }
        _ => {
            let size = delta.unsigned_abs();
            let share = match report.old.total_bytes {
                0 => String::new(),
                total => format!(", {}", percent(size, total)),
            };
            let head = match delta {
                0 => "as large as before".to_owned(),
                1.. => format!("{}{share}, larger", bytes(size)),
                _ => format!("{}{share}, smaller", bytes(size)),
            };
            format!("{head}: {}", parts(report))
        }
    };
    let said = Paragraph::said(said).tone(Tone::Strong);
    let mut section = Section::of(vec![said.into()]);
    if let Some(cause) = report.findings.new.first() {
        let more = Paragraph::said(format!("new cause: {0} (smaudit explain {0})", cause.id)).tone(Tone::Quiet);
        section = section.with(more);
    }
    section
}

/// What else is different where sizes are not.
fn what_else(report: &DiffReport) -> String {
    let lists = [
        ("functions", &report.functions),
        ("nodes", &report.nodes),
        ("variables", &report.variables),
        ("files", &report.files),
    ];
    let said: Vec<String> =
        lists.iter().filter(|(_, list)| !list.rows.is_empty()).map(|(name, list)| counts(name, list)).collect();
    if said.is_empty() { "the rest is the same".to_owned() } else { said.join("; ") }
}

/// The largest parts of the delta.
fn parts(report: &DiffReport) -> String {
    let mut rows: Vec<&DiffRow> =
        report.breakdown.rows.iter().filter(|row| row.delta != 0 && row.kind != DiffKind::Unchanged).collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.delta.unsigned_abs()));
    if let [only] = &*rows
        && only.kind == DiffKind::Naming
    {
        return "names and counters only, nothing else changed".to_owned();
    }
    let said = |row: &&DiffRow| match row.kind {
        DiffKind::Naming => format!("{} names and counters", signed(row.delta)),
        _ => format!("{} {}", signed(row.delta), crate::escape::escape(&row.name)),
    };
    let mut words: Vec<String> = rows.iter().take(3).map(said).collect();
    if rows.len() > 3 {
        let rest = rows.iter().skip(3).map(|row| row.delta).fold(0, i64::saturating_add);
        words.push(format!("{} other", signed(rest)));
    }
    words.join(", ")
}

/// `3 functions added, 2 changed`.
fn counts(name: &str, list: &DiffList) -> String {
    let all = [
        (list.added, "added"),
        (list.removed, "removed"),
        (list.changed, "changed"),
        (list.naming, "other in name only"),
        (list.same, "the same"),
    ];
    let said: Vec<String> = all
        .iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, word)| format!("{} {word}", exact(*number)))
        .collect();
    format!("{name}: {}", said.join(", "))
}

/// A whole list, folded up on a page.
fn list(name: &'static str, list: &DiffList, amounts: &Amounts) -> Option<Section> {
    if list.rows.is_empty() {
        return None;
    }
    let mut table = changes(name).folded(counts(name, list));
    list.rows.iter().take(amounts.rows.saturating_mul(10)).for_each(|row| table.row(row_cells(row)));
    Some(Section::of(vec![table.into()]).kind(SectionKind::Detail))
}

/// Models in their order, each with its delta to the one before and to the first.
fn series(report: &DiffReport, amounts: &Amounts) -> Option<Section> {
    let series = report.series.as_ref()?;
    let most = series.models.iter().map(|model| model.total_bytes).max().unwrap_or(0);
    let mut table = Table::new(vec![
        Column::figure("size"),
        Column::figure("to the one before"),
        Column::figure("to the first"),
        Column::figure("naming"),
        Column::name("model"),
        Column::bar(),
    ]);
    let skipped = series.models.len().saturating_sub(amounts.models);
    for (at, model) in series.models.iter().enumerate().skip(skipped) {
        let delta = |delta: i64| if at == 0 { Cell::Blank } else { figure(signed_or_same(delta)) };
        table.row(vec![
            Cell::Size(model.total_bytes),
            delta(model.step_bytes),
            delta(model.delta_bytes),
            if model.naming_bytes == 0 { Cell::Blank } else { figure(signed(model.naming_bytes)) },
            Cell::Name(Name::new(&*model.name)),
            Cell::Bar(model.total_bytes, most),
        ]);
    }
    let mut section = Section::of(vec![table.into()]);
    if skipped > 0 {
        section = section.with(Paragraph::said(format!("… {} before these", exact(skipped as u64))).tone(Tone::Quiet));
    }
    for cause in series.findings.iter().filter(|cause| cause.is_news()).take(amounts.causes) {
        let size = human(cause.bytes.iter().copied().max().unwrap_or(0));
        let said = Paragraph::said(format!("{} since ", cause.id)).and_name(&*cause.since);
        let said = match &cause.until {
            Some(until) => said.and(", last in ").and_name(&**until),
            None => said,
        };
        section = section.with(said.and(format!(": {size}")).marked(Mark::Item));
    }
    Some(section)
}

fn signed_or_same(delta: i64) -> String {
    if delta == 0 { "same".to_owned() } else { signed(delta) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delta_has_a_sign() {
        assert_eq!([signed(3_620), signed(-1), signed(0)], ["+3.62 kB", "-1 byte", "0 bytes"]);
        assert_eq!([exact_signed(3_620), exact_signed(-3_620), exact_signed(0)], ["+3,620", "-3,620", "0"]);
    }
}
