//! The tables of names with their figures: categories, the breakdown, and the largest ops, functions and variables.

use std::io;

use super::page::{BAR, Figures, HEADING, Page, QUIET, bar};
use crate::ledger::{Category, Dimension, Rest, Rollup, Row};
use crate::report::fit::{fit, pad, width};
use crate::report::format::LARGEST;
use crate::report::phrases::largest_files;
use crate::report::tensor::{largest_first, names, tensor_type};
use crate::report::{CheckpointReport, MetaGraphReport, ModelReport};

/// The least columns in which a second name is worth showing.
const SECOND_NAME: usize = 12;

/// The most columns of a bar: a longer one says no more.
const BAR_COLUMNS: usize = 60;

/// The most columns that a tensor's type takes from its name.
const TYPE: usize = 26;

/// The categories that have bytes, largest first, each with a bar for its share.
pub(super) fn categories(model: &ModelReport, page: &mut Page<'_>) -> io::Result<()> {
    let mut categories: Vec<(Category, u64)> = model.categories.iter().map(|(c, bytes)| (*c, *bytes)).collect();
    categories.retain(|(_, bytes)| *bytes > 0);
    categories.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
    if categories.is_empty() {
        return Ok(());
    }
    let figures = Figures::new(model.total_bytes, None, std::iter::empty());
    let names = categories.iter().map(|(category, _)| category.name().len()).max().unwrap_or_default();
    let room = page.width.saturating_sub(figures.width() + names + 2).min(BAR_COLUMNS);
    page.section()?;
    page.styled(HEADING, &figures.heading("category"))?;
    for (category, bytes) in categories {
        let bar = bar(bytes, model.total_bytes, room);
        page.line(&format!("{}{category:names$}  {BAR}{bar}{BAR:#}", figures.row(bytes, 0)))?;
    }
    Ok(())
}

/// The breakdown as a tree, each level indented below the one that it is part of.
pub(super) fn breakdown(model: &ModelReport, page: &mut Page<'_>) -> io::Result<()> {
    let breakdown = &model.breakdown;
    if breakdown.rows.is_empty() || breakdown.by == [Dimension::Category] {
        return Ok(());
    }
    let figures = Figures::new(model.total_bytes, Some("count"), [most(breakdown)].into_iter());
    let by: Vec<&str> = breakdown.by.iter().map(|dimension| dimension.name()).collect();
    page.section()?;
    page.styled(HEADING, &figures.heading(&fit(&by.join(" / "), page.width.saturating_sub(figures.width()))))?;
    level(&breakdown.rows, breakdown.rest, 0, &figures, page)
}

/// The most bytes and the highest count that a row of the breakdown can have: those of its outermost rows and rests.
fn most(breakdown: &Rollup) -> (u64, u64) {
    let rows = breakdown.rows.iter().map(|row| (row.bytes, row.count));
    let rest = breakdown.rest.iter().map(|rest| (rest.bytes, rest.count));
    rows.chain(rest).fold((0, 0), |sum: (u64, u64), row| (sum.0.saturating_add(row.0), sum.1.saturating_add(row.1)))
}

fn level(rows: &[Row], rest: Option<Rest>, depth: usize, figures: &Figures, page: &mut Page<'_>) -> io::Result<()> {
    let room = page.width.saturating_sub(figures.width());
    // `--by scope,scope,scope,...` may be deeper than the page is wide.
    let indent = (2 * depth).min(room / 2);
    let (shown, rest) = page.view.cut_level(rows, rest);
    for row in shown {
        let name = fit(&row.name, room - indent);
        page.line(&format!("{}{}{name}", figures.row(row.bytes, row.count), " ".repeat(indent)))?;
        if !is_said(row) {
            level(&row.children, row.rest, depth + 1, figures, page)?;
        }
    }
    figures.rest(rest, indent, page)
}

/// Whether the level below a row says nothing but that it does not apply: `[variables]` below `variables`.
fn is_said(row: &Row) -> bool {
    match row.children.as_slice() {
        [only] if row.rest.is_none() && only.children.is_empty() => {
            let category = only.name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
            category.is_some_and(|category| row.name == only.name || row.name == category)
        }
        _ => false,
    }
}

/// The ops of the graph's own nodes with the most bytes.
pub(super) fn ops(graph: &MetaGraphReport, whole: u64, page: &mut Page<'_>) -> io::Result<()> {
    let heading = if graph.functions > 0 { "op (nodes in functions not counted)" } else { "op" };
    named(heading, &graph.ops, whole, page, |op| (&op.op, op.bytes, op.count))
}

/// The functions with the most bytes.
pub(super) fn functions(graph: &MetaGraphReport, whole: u64, page: &mut Page<'_>) -> io::Result<()> {
    named("function", &graph.function_defs, whole, page, |function| (&function.name, function.bytes, function.nodes))
}

/// A list of names with their bytes and nodes.
fn named<'a, T>(
    heading: &str,
    all: &'a [T],
    whole: u64,
    page: &mut Page<'_>,
    row: impl Fn(&'a T) -> (&'a str, u64, u64),
) -> io::Result<()> {
    if all.is_empty() {
        return Ok(());
    }
    let rows: Vec<(&str, u64, u64)> = all.iter().map(row).collect();
    let (shown, rest) = page.view.cut(&rows, LARGEST, |(_, bytes, nodes)| (*bytes, *nodes));
    let figures = Figures::new(whole, Some("nodes"), sizes(shown.iter().map(|row| (row.1, row.2)), rest));
    page.section()?;
    page.styled(HEADING, &figures.heading(heading))?;
    let room = page.width.saturating_sub(figures.width());
    for (name, bytes, nodes) in shown {
        page.line(&format!("{}{}", figures.row(*bytes, *nodes), fit(name, room)))?;
    }
    figures.rest(rest, 0, page)
}

/// The files with the most bytes, where there are several.
pub(super) fn files(model: &ModelReport, page: &mut Page<'_>) -> io::Result<()> {
    if model.files.len() < 2 {
        return Ok(());
    }
    let files = largest_files(&model.files);
    let (shown, rest) = page.view.cut(&files, LARGEST, |file| (file.bytes, 0));
    let figures = Figures::new(model.total_bytes, None, sizes(shown.iter().map(|file| (file.bytes, 0)), rest));
    page.section()?;
    page.styled(HEADING, &figures.heading("file"))?;
    let room = page.width.saturating_sub(figures.width());
    for file in shown {
        page.line(&format!("{}{}", figures.row(file.bytes, 0), fit(&file.path, room)))?;
    }
    figures.rest(rest, 0, page)
}

/// What the columns of a table must hold.
fn sizes(shown: impl Iterator<Item = (u64, u64)>, rest: Option<Rest>) -> impl Iterator<Item = (u64, u64)> {
    shown.chain(rest.map(|rest| (rest.bytes, rest.count)))
}

/// The tensors of the checkpoint with the most bytes: type, name, and the key where the name is not the key.
pub(super) fn variables(checkpoint: &CheckpointReport, whole: u64, page: &mut Page<'_>) -> io::Result<()> {
    let tensors = largest_first(&checkpoint.tensors);
    if tensors.is_empty() {
        return Ok(());
    }
    let (shown, rest) = page.view.cut(&tensors, LARGEST, |tensor| (tensor.bytes, 0));
    let figures = Figures::new(whole, None, sizes(shown.iter().map(|tensor| (tensor.bytes, 0)), rest));
    let types: Vec<String> =
        shown.iter().map(|tensor| fit(&tensor_type(&tensor.dtype, Some(&tensor.shape)), TYPE)).collect();
    let types_width = types.iter().map(|text| width(text)).max().unwrap_or_default();
    let room = page.width.saturating_sub(figures.width() + types_width + 2);
    page.section()?;
    page.styled(HEADING, &figures.heading(&format!("{}  variable", pad("type", types_width))))?;
    for (tensor, text) in shown.iter().zip(&types) {
        let (name, key) = names(tensor);
        let figures = figures.row(tensor.bytes, 0);
        page.line(&format!("{figures}{}  {}", pad(text, types_width), both_names(name, key, room)))?;
    }
    figures.rest(rest, types_width + 2, page)
}

/// The name, and the key behind it where there is room.
pub(super) fn both_names(name: &str, key: Option<&str>, room: usize) -> String {
    let name = fit(name, room);
    let left = room.saturating_sub(width(&name) + 3);
    match key {
        Some(key) if left >= SECOND_NAME => format!("{name} {QUIET}({}){QUIET:#}", fit(key, left)),
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_shown_behind_its_name_where_there_is_room() {
        let plain =
            |room| anstream::adapter::strip_str(&both_names("dense/kernel", Some("layer-0/kernel"), room)).to_string();
        assert_eq!(plain(40), "dense/kernel (layer-0/kernel)");
        assert_eq!(plain(28), "dense/kernel (layer-…kernel)");
        assert_eq!(plain(20), "dense/kernel");
    }
}
