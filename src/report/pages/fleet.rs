//! Several models: one table, the most avoidable bytes first, what causes cost over all of them, and what they share.

use std::cmp::Reverse;

use foldhash::{HashMap, HashMapExt as _};

use crate::findings::Finding;
use crate::ledger::Rest;
use crate::report::document::{
    Block, Cell, Column, Mark, Name, Paragraph, Row, Section, SectionKind, Table, Tone, more,
};
use crate::report::folder::{common_folder, inside};
use crate::report::view::Sort;
use crate::report::{ModelReport, Report, View};
use crate::size::{both, exact, human, plural, share};

use super::{Amounts, breakdown as rows, problems};

/// How many causes, and how many contents that models share, are named.
const CAUSES: usize = 3;
const SHARED: usize = 2;

/// All models in one table, and what is true of them together.
pub(super) fn brief(report: &Report, view: &View, amounts: Amounts) -> Vec<Section> {
    sections(report, view, amounts).chain(leads_on(report)).collect()
}

/// The same without where to go on.
pub(super) fn sections(report: &Report, view: &View, amounts: Amounts) -> impl Iterator<Item = Section> {
    let sections = [
        damaged(report, amounts),
        Some(table(report, view, amounts)),
        causes(report, amounts),
        shared(report, view),
        outside(report),
    ];
    sections.into_iter().flatten()
}

/// `5 models in ./base: 1.20 GB (…), 400 MB of it avoidable, 33.3%`.
fn headline(report: &Report) -> Paragraph {
    let totals = &report.totals;
    let folder = common_folder(report);
    let said = Paragraph::said(plural(totals.models, "model", "models"));
    let said = if folder.is_empty() { said } else { said.and(" in ").and_name(folder) };
    said.and(format!(": {}", both(totals.bytes)))
}

/// Which models have problems, with the first of each.
fn damaged(report: &Report, amounts: Amounts) -> Option<Section> {
    let damaged: Vec<&ModelReport> = report.models.iter().filter(|model| !model.problems.is_empty()).collect();
    if damaged.is_empty() {
        return None;
    }
    let number = plural(damaged.len() as u64, "MODEL", "MODELS");
    let verb = if damaged.len() == 1 { "HAS" } else { "HAVE" };
    let problems = plural(report.totals.problems, "PROBLEM", "PROBLEMS");
    let title = Paragraph::said(format!("{number} {verb} {problems}: their figures are of what could be read"));
    let mut section = Section::titled(title.tone(Tone::Problem)).kind(SectionKind::Alert);
    let folder = common_folder(report);
    for model in damaged.iter().take(amounts.problems) {
        let Some(first) = model.problems.first() else { continue };
        let said = Paragraph::default().and_name(inside(&model.path, folder)).and(": ").and_all(problems::place(first));
        section = section.with(said.and(": ").and_quoted(&first.message).marked(Mark::Problem).at_most(2));
    }
    let left = damaged.len().saturating_sub(amounts.problems) as u64;
    let more = || Paragraph::said(format!("… {}", plural(left, "more model", "more models"))).tone(Tone::Quiet);
    Some(section.with_all((left > 0).then(more)))
}

/// The models in the order that was asked for.
fn sorted<'r>(report: &'r Report, view: &View) -> Vec<&'r ModelReport> {
    numbered(report, view).into_iter().map(|(_, model)| model).collect()
}

/// The numbers of the models in the order that was asked for.
pub(super) fn order(report: &Report, view: &View) -> Vec<usize> {
    numbered(report, view).into_iter().map(|(number, _)| number).collect()
}

fn numbered<'r>(report: &'r Report, view: &View) -> Vec<(usize, &'r ModelReport)> {
    let mut models: Vec<(usize, &ModelReport)> = report.models.iter().enumerate().collect();
    match view.sort {
        Sort::Avoidable => models.sort_by_key(|(_, model)| (Reverse(model.findings_bytes), Reverse(model.total_bytes))),
        Sort::Size => models.sort_by_key(|(_, model)| Reverse(model.total_bytes)),
        Sort::Path => models.sort_by(|(_, a), (_, b)| crate::natural::compare(&a.path, &b.path)),
    }
    models
}

fn table(report: &Report, view: &View, amounts: Amounts) -> Section {
    let folder = common_folder(report);
    let models = sorted(report, view);
    let (shown, rest) = view.cut(&models, amounts.models, |model| (model.total_bytes, model.findings_bytes));
    let mut table = Table::new(vec![
        Column::figure("size"),
        Column::figure("avoidable"),
        Column::figure("share"),
        Column::word("largest cause"),
        Column::figure("share"),
        Column::name("model"),
    ]);
    for model in shown {
        let whole = model.total_bytes;
        let (cause, part) = largest_cause(model);
        let name = Name { is_marked: !model.problems.is_empty(), ..Name::new(inside(&model.path, folder)) };
        let mut cells = sizes(whole, model.findings_bytes);
        cells.extend([Cell::Word(cause.to_owned(), Tone::Plain), part, Cell::Name(name)]);
        table.row(cells);
    }
    if let Some(Rest { rows, bytes, count }) = rest {
        let mut cells = sizes(bytes, count);
        let more = more(Rest { rows, bytes, count });
        cells.extend([Cell::Blank, Cell::Blank, Cell::Word(more, Tone::Quiet)]);
        table.rows.push(Row::new(cells).tone(Tone::Quiet));
    }
    let totals = &report.totals;
    let mut cells = sizes(totals.bytes, totals.findings_bytes);
    cells.extend([Cell::Blank, Cell::Blank, Cell::Word("total".to_owned(), Tone::Strong)]);
    table.rows.push(Row::new(cells).tone(Tone::Strong));
    Section::titled(headline(report)).kind(SectionKind::Subject).with(table)
}

/// The size, what of it is avoidable, and its share.
fn sizes(whole: u64, avoidable: u64) -> Vec<Cell> {
    vec![Cell::Size(whole), Cell::Size(avoidable), Cell::Share(avoidable, whole)]
}

fn largest_cause(model: &ModelReport) -> (&str, Cell) {
    match model.findings.first() {
        Some(finding) => (&finding.id, Cell::Share(finding.bytes, model.total_bytes)),
        None => ("-", Cell::Blank),
    }
}

/// What each cause costs over all models, the most first.
fn causes(report: &Report, amounts: Amounts) -> Option<Section> {
    let mut by_cause: HashMap<&str, (u64, u64)> = HashMap::new();
    for finding in report.models.iter().flat_map(|model| &model.findings) {
        let (bytes, models) = by_cause.entry(&finding.id).or_default();
        *bytes = bytes.saturating_add(finding.additional_bytes);
        *models += 1;
    }
    if by_cause.is_empty() {
        let checked = crate::findings::CAUSES.len();
        let said = format!("nothing avoidable found in any of them ({checked} causes checked)");
        return Some(Section::of(vec![Paragraph::said(said).tone(Tone::Strong).into()]));
    }
    let mut causes: Vec<(&str, u64, u64)> =
        by_cause.into_iter().map(|(id, (bytes, models))| (id, bytes, models)).collect();
    causes.sort_by_key(|(id, bytes, _)| (Reverse(*bytes), *id));
    let (bytes, all) = (report.totals.findings_bytes, report.totals.bytes);
    let title = format!("avoidable: {}, {} of all", human(bytes), share(bytes, all));
    let mut table = Table::bare(vec![Column::figure("bytes"), Column::figure("share"), Column::name("cause")]);
    let most = CAUSES.min(amounts.models);
    for (id, bytes, models) in causes.iter().take(most) {
        let said = format!("{id} in {}", plural(*models, "model", "models"));
        table.row(vec![Cell::Size(*bytes), Cell::Share(*bytes, all), Cell::Word(said, Tone::Plain)]);
    }
    let left = causes.get(most..).unwrap_or_default();
    if !left.is_empty() {
        let bytes = left.iter().map(|(_, bytes, _)| *bytes).fold(0, u64::saturating_add);
        let said = format!("{} (--findings all)", plural(left.len() as u64, "other cause", "other causes"));
        table.rows.push(
            Row::new(vec![Cell::Size(bytes), Cell::Share(bytes, all), Cell::Word(said, Tone::Quiet)]).tone(Tone::Quiet),
        );
    }
    Some(Section::titled(Paragraph::said(title).tone(Tone::Warning)).with(table))
}

/// What models have in common, by name. Versions of one model mostly share their assets and more: that is no alarm.
fn shared(report: &Report, view: &View) -> Option<Section> {
    let (first, rest) = view.cut(&report.shared, SHARED, |content| (content.repeated_bytes, 0));
    if first.is_empty() {
        return None;
    }
    let (bytes, all) = (report.totals.neighbours_bytes, report.totals.bytes);
    let title =
        format!("shared by several models: {}, {} of all, are in an earlier one", human(bytes), share(bytes, all));
    let named = first.iter().map(|content| {
        let name = Paragraph::default().and_name(&content.name);
        name.and(format!(" {} in {}", human(content.bytes), plural(content.models, "model", "models")))
    });
    let more = rest.map(|rest| {
        let said = format!("{} more, {} (-n 0)", exact(rest.rows), human(rest.bytes));
        Paragraph::said(said)
    });
    Some(Section::titled(Paragraph::said(title)).with(Paragraph::default().and_listed(named.chain(more)).at_most(2)))
}

/// What lies beside the models: `beside the models, in none of them: 12 files, 3.40 MB (largest: README.md 2.10 MB)`.
fn outside(report: &Report) -> Option<Section> {
    let outside = &report.outside;
    let largest = outside.largest.first()?;
    let (files, folder) = (plural(outside.files, "file", "files"), common_folder(report));
    let said = Paragraph::said(format!("beside the models, in none of them: {files}, {}", human(outside.bytes)));
    let said =
        said.and(" (largest: ").and_name(inside(&largest.path, folder)).and(format!(" {})", human(largest.bytes)));
    Some(Section { close: true, ..Section::of(vec![said.at_most(2).into()]) })
}

fn leads_on(report: &Report) -> Option<Section> {
    let first = report.models.iter().max_by_key(|model| model.findings_bytes)?;
    // The path is whole where a line has room for it, as it is to be copied.
    let said =
        Paragraph::said("more: --by category, --findings all, -n 0, smaudit ").and_name_of(&first.path, usize::MAX);
    let said = said.at_most(2);
    Some(Section { close: true, ..Section::of(vec![said.tone(Tone::Quiet).into()]) })
}

/// The breakdown of all models, the model outermost.
pub(super) fn breakdown(report: &Report, view: &View) -> Vec<Section> {
    let by: Vec<&str> =
        report.models.first().map_or(Vec::new(), |model| model.breakdown.by.iter().map(|d| d.name()).collect());
    let mut table = rows::empty(&format!("model / {}", by.join(" / ")));
    let folder = common_folder(report);
    let whole = report.totals.bytes;
    let mut all = 0_u64;
    for model in sorted(report, view) {
        let name = Name { is_marked: !model.problems.is_empty(), ..Name::new(inside(&model.path, folder)) };
        let bytes = model.breakdown.total();
        let cells = vec![Cell::Bytes(bytes), Cell::Share(bytes, whole), Cell::Blank, Cell::Name(name)];
        table.rows.push(Row::new(cells).tone(Tone::Strong));
        all = all.saturating_add(bytes);
        rows::level(&model.breakdown.rows, model.breakdown.rest, 1, model.total_bytes, view, &mut table);
    }
    let first = report.models.first();
    let restriction = first.map(|model| rows::restriction(&model.breakdown, all, whole)).unwrap_or_default();
    let section = Section::titled(headline(report)).kind(SectionKind::Subject).with_all(restriction).with(table);
    damaged(report, Amounts::MOST).into_iter().chain([section]).collect()
}

/// The largest findings of all models, as many as were asked for, and what each cause costs.
pub(super) fn findings(report: &Report, view: &View) -> Vec<Section> {
    let mut all: Vec<(&ModelReport, &Finding)> =
        report.models.iter().flat_map(|model| model.findings.iter().map(move |finding| (model, finding))).collect();
    all.sort_by_key(|(_, finding)| Reverse(finding.bytes));
    let shown = view.findings.unwrap_or(usize::MAX).min(all.len());
    let folder = common_folder(report);
    let mut table = Table::new(vec![
        Column::figure("bytes"),
        Column::figure("share"),
        Column::word("cause"),
        Column::name("model"),
    ]);
    for (model, finding) in all.iter().take(shown) {
        let mut row = Row::new(vec![
            Cell::Size(finding.bytes),
            Cell::Share(finding.bytes, model.total_bytes),
            Cell::Word(finding.id.clone(), Tone::Warning),
            Cell::Name(Name::new(inside(&model.path, folder))),
        ]);
        row.notes.push(Paragraph::said(&finding.message).into());
        row.notes.push(Paragraph::said(&finding.remedy).marked(Mark::Remedy).into());
        table.rows.push(row);
    }
    let left = all.get(shown..).unwrap_or_default();
    let bytes = left.iter().map(|(_, finding)| finding.bytes).fold(0, u64::saturating_add);
    let rest = (!left.is_empty()).then(|| {
        let said = format!("… {} more, {} (--findings all)", exact(left.len() as u64), human(bytes));
        Block::from(Paragraph::said(said).tone(Tone::Quiet))
    });
    let section = Section::titled(headline(report)).kind(SectionKind::Subject).with(table).with_all(rest);
    let amounts = Amounts { models: usize::MAX, ..Amounts::MOST };
    [damaged(report, Amounts::MOST), Some(section), causes(report, amounts)].into_iter().flatten().collect()
}
