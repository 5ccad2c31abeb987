//! The answer for one model, on one screen: what it is and weighs, what is wrong, where its bytes are, what metagraphs
//! duplicate of each other, the largest single items, and last what can be avoided.

use crate::ledger::Category;
use crate::report::document::{Block, Cell, Column, Paragraph, Section, Table, Tone};
use crate::report::{ModelReport, View};

use super::{Amounts, Medium, avoidable, headline, largest, metagraphs, problems};

/// The categories with a bar of their own, whether or not the model has any of their bytes: what a SavedModel is made of.
const OWN: [Category; 4] = [Category::GraphDef, Category::SignatureDef, Category::Assets, Category::Variables];

/// The name of all others together.
const OTHER: &str = "other";

pub(super) fn model(model: &ModelReport, view: &View, amounts: Amounts, medium: Medium) -> Vec<Section> {
    let rows = view.top.map_or(amounts.largest, |_| view.rows(amounts.largest));
    let sections = [
        Some(headline::section(model, amounts.lines)),
        problems::section(model, view, amounts).map(|section| Section { close: true, ..section }),
        categories(model),
        metagraphs::brief(model, amounts),
        largest::section(model, rows, medium),
        Some(avoidable::answer(model, amounts)),
    ];
    sections.into_iter().flatten().collect()
}

/// Where the bytes are, and what metagraphs duplicate of each other.
pub(super) fn tables(model: &ModelReport, amounts: Amounts) -> Vec<Section> {
    categories(model).into_iter().chain(metagraphs::brief(model, amounts)).collect()
}

/// A bar for each category, and one for all the others.
fn categories(model: &ModelReport) -> Option<Section> {
    if model.total_bytes == 0 {
        return None;
    }
    let bytes = |category: &Category| model.categories.get(category).copied().unwrap_or_default();
    let mut rows: Vec<(&str, u64)> = OWN.iter().map(|category| (category.name(), bytes(category))).collect();
    let named: u64 = rows.iter().map(|(_, bytes)| *bytes).sum();
    rows.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
    rows.push((OTHER, model.total_bytes.saturating_sub(named)));
    let mut table =
        Table::bare(vec![Column::figure("bytes"), Column::figure("share"), Column::word("category"), Column::bar()]);
    for (name, bytes) in rows {
        let whole = model.total_bytes;
        let name = Cell::Word(name.to_owned(), Tone::Plain);
        table.row(vec![Cell::Size(bytes), Cell::Share(bytes, whole), name, Cell::Bar(bytes, whole)]);
    }
    Some(Section::of(vec![Block::from(table)]))
}

/// Where to go on.
pub(super) fn leads_on(model: &ModelReport) -> Option<Section> {
    let explain = model.findings.first().map(|finding| format!("smaudit explain {}", finding.id));
    let by = by(model).map(|dimension| format!("--by {dimension}"));
    let all = [explain, by, Some("--full".to_owned())].into_iter().flatten().collect::<Vec<String>>().join(", ");
    let said = Paragraph::said(format!("more: {all}")).tone(Tone::Quiet);
    (model.total_bytes > 0).then(|| Section { close: true, ..Section::of(vec![said.into()]) })
}

/// The dimension that says most of where this model's bytes are.
fn by(model: &ModelReport) -> Option<&'static str> {
    let (category, _) = model.categories.iter().max_by_key(|(_, bytes)| **bytes)?;
    Some(match category {
        Category::Variables => "variable",
        Category::GraphDef if model.meta_graphs.iter().any(|graph| graph.functions > 0) => "function,op",
        Category::GraphDef => "op,node",
        Category::Assets | Category::Files => "file",
        _ => "section,field",
    })
}
