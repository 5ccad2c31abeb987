//! The report for a job summary or a comment on a pull request (GitHub Flavored Markdown).
//!
//! Names are code spans, in which nothing is markup, a mention or a link; the two characters that can end a code span
//! or a table's cell, a backtick and a pipe, are escaped in them as unsafe ones are (`\u{60}`, `\u{7c}`).
//!
//! A comment may have 65,536 characters. Past them GitHub takes nothing, so the report leaves out what comes last, in
//! whole lines, and says how much. Hence problems stand first here, and the longest lists last and folded up.

mod duplicates;
mod findings;
mod gate;
mod page;

use std::io;

use self::page::{Page, Table, code, quote};
use super::format::{BREAKDOWN_ROWS, LARGEST, LISTED, SHOWS_ALL, TENSORS};
use super::phrases::{self, listed};
use super::repeats;
use super::tensor::{largest_first, names, tensor_type};
use super::{CheckpointReport, MetaGraphReport, ModelReport, Report, TensorInfoReport, View};
use crate::fingerprint::Fingerprint;
use crate::input::LinkKind;
use crate::ledger::{Dimension, Rest, Row};
use crate::size::{exact, plural, share};

/// Writes the report as Markdown, at most 65,536 characters of it.
///
/// # Errors
/// When `out` cannot be written to.
pub(super) fn write(report: &Report, view: &View, out: &mut dyn io::Write) -> io::Result<()> {
    let mut page = Page::new();
    unreadable(report, &mut page);
    gate::write(&report.gate, &mut page);
    if report.models.len() > 1 {
        summary(report, view, &mut page);
    }
    for model in &report.models {
        write_model(model, view, &mut page);
    }
    out.write_all(page.finish().as_bytes())
}

/// What there is no report of, and why.
fn unreadable(report: &Report, page: &mut Page) {
    if report.unreadable.is_empty() {
        return;
    }
    let paths = plural(report.unreadable.len() as u64, "path", "paths");
    page.lines(&format!("> [!CAUTION]\n> {paths} that could not be read:\n>\n"));
    for input in &report.unreadable {
        page.lines(&format!("> - {}\n", quote(&phrases::unreadable(input))));
    }
    page.lines("\n");
}

/// A row for each model, one for all, and what models repeat of each other.
fn summary(report: &Report, view: &View, page: &mut Page) {
    let columns = ["model", "largest finding", "bytes", "redundant", "metagraphs", "problems"];
    let mut table = page.table(&columns, 4);
    for model in &report.models {
        let [size, graphs, problems] =
            [model.total_bytes, model.meta_graphs.len() as u64, model.problems.len() as u64].map(exact);
        let redundant = share(model.duplicates.redundant_bytes, model.total_bytes);
        let finding = model.findings.first().map_or("", |finding| &finding.id);
        table.row(&[&code(&model.path), finding, &size, &redundant, &graphs, &problems]);
    }
    let totals = &report.totals;
    let redundant = share(totals.redundant_bytes, totals.bytes);
    let all = plural(totals.models, "model", "models");
    table.row(&[&all, "", &exact(totals.bytes), &redundant, "", &exact(totals.problems)]);
    table.end();
    if report.neighbours.is_empty() {
        return;
    }
    page.lines(&format!("**{}**\n\n", repeats::neighbours_total(report)));
    let (shown, rest) = view.cut(&report.neighbours, LISTED, |pair| (pair.bytes, 0));
    for pair in shown {
        page.lines(&format!("- {}: {}\n", repeats::neighbours(pair, code), repeats::neighbours_parts(pair).concat()));
    }
    if let Some(rest) = rest {
        page.lines(&format!("- {}\n", repeats::more(rest)));
    }
    page.lines("\n");
}

fn write_model(model: &ModelReport, view: &View, page: &mut Page) {
    page.lines(&format!("## {}\n\n{}\n\n", code(&model.path), phrases::contents(model, code).concat()));
    if let Some(archive) = &model.archive {
        page.lines(&format!("{}\n\n", phrases::archive(archive).concat()));
    }
    if let Some(said) = phrases::main_file(model) {
        page.lines(&format!("{}\n\n", said.concat()));
    }
    problems(model, view, page);
    categories(model, page);
    findings::write(model, view, page);
    duplicates::write(model, view, page);
    breakdown(model, view, page);
    meta_graphs(model, page);
    if let Some(written) = &model.checkpoint {
        checkpoint(written, page);
    }
    if let Some(written) = &model.fingerprint {
        fingerprint(written, page);
    }
    for graph in &model.meta_graphs {
        signatures(graph, view, page);
        largest(model, graph, view, page);
        assets(graph, view, page);
    }
    if let Some(written) = &model.checkpoint {
        variables(written, model.total_bytes, view, page);
    }
    files(model, view, page);
    links(model, view, page);
}

fn problems(model: &ModelReport, view: &View, page: &mut Page) {
    if model.problems.is_empty() {
        return;
    }
    let (shown, rest) = view.cut(&model.problems, BREAKDOWN_ROWS, |_| (0, 0));
    let count = plural(model.problems.len() as u64, "problem", "problems");
    page.lines(&format!("> [!CAUTION]\n> {count}: a part of this model could not be read.\n>\n"));
    for problem in shown {
        page.lines(&format!("> - {}: {}\n", phrases::place(problem, code), quote(&problem.message)));
    }
    if let Some(rest) = rest {
        page.lines(&format!("> - {}\n", more(rest)));
    }
    page.lines("\n");
}

fn categories(model: &ModelReport, page: &mut Page) {
    let mut categories: Vec<_> = model.categories.iter().filter(|(_, bytes)| **bytes > 0).collect();
    categories.sort_by_key(|(_, bytes)| std::cmp::Reverse(**bytes));
    let mut table = page.table(&["category", "bytes", "share"], 2);
    for (category, bytes) in categories {
        table.row(&[category.name(), &exact(*bytes), &share(*bytes, model.total_bytes)]);
    }
    table.end();
}

/// The breakdown, where it is another than that by category above.
fn breakdown(model: &ModelReport, view: &View, page: &mut Page) {
    let breakdown = &model.breakdown;
    if breakdown.by == [Dimension::Category] {
        return;
    }
    let by: Vec<&str> = breakdown.by.iter().map(|dimension| dimension.name()).collect();
    let mut table = page.table(&[&by.join(" / "), "bytes", "share", "count"], 3);
    level(&breakdown.rows, breakdown.rest, 0, model.total_bytes, view, &mut table);
    table.end();
}

fn level(rows: &[Row], rest: Option<Rest>, depth: usize, whole: u64, view: &View, table: &mut Table<'_>) {
    let indent = "&emsp;".repeat(depth);
    let (shown, rest) = view.cut_level(rows, rest);
    for row in shown {
        let [bytes, count] = [row.bytes, row.count].map(exact);
        table.row(&[&format!("{indent}{}", code(&row.name)), &bytes, &share(row.bytes, whole), &count]);
        level(&row.children, row.rest, depth + 1, whole, view, table);
    }
    rest_row(rest, &indent, whole, table);
}

/// The row that says what a table leaves out.
fn rest_row(rest: Option<Rest>, indent: &str, whole: u64, table: &mut Table<'_>) {
    if let Some(rest) = rest {
        let [bytes, count] = [rest.bytes, rest.count].map(exact);
        table.row(&[&format!("{indent}{}", more(rest)), &bytes, &share(rest.bytes, whole), &count]);
    }
}

fn more(rest: Rest) -> String {
    format!("… {} more ({SHOWS_ALL})", exact(rest.rows))
}

fn meta_graphs(model: &ModelReport, page: &mut Page) {
    let columns = ["metagraph", "bytes", "share", "nodes", "functions", "function nodes", "objects"];
    let mut table = page.table(&columns, 6);
    for graph in &model.meta_graphs {
        let [bytes, nodes, functions, function_nodes, objects] =
            [graph.bytes, graph.nodes, graph.functions, graph.function_nodes, graph.object_nodes].map(exact);
        let (title, share) = (code(&phrases::title(graph)), share(graph.bytes, model.total_bytes));
        table.row(&[&title, &bytes, &share, &nodes, &functions, &function_nodes, &objects]);
    }
    table.end();
}

fn checkpoint(checkpoint: &CheckpointReport, page: &mut Page) {
    let sizes = phrases::checkpoint_sizes(checkpoint).concat();
    let waste: String = phrases::checkpoint_waste(checkpoint)
        .into_iter()
        .map(|(label, what)| format!("; **{label}**: {what}"))
        .collect();
    let verified = checkpoint.verified.map(|verified| format!("; verified {}", phrases::verified(&verified).concat()));
    let verified = verified.unwrap_or_default();
    page.lines(&format!("Checkpoint: {}; data {sizes}{verified}{waste}\n\n", phrases::checkpoint(checkpoint)));
}

fn fingerprint(fingerprint: &Fingerprint, page: &mut Page) {
    let checks =
        fingerprint.verified.map(|checks| format!("; verified {}", phrases::fingerprint_checks(&checks).concat()));
    let (title, hashes) = (phrases::fingerprint(fingerprint, code), phrases::fingerprint_hashes(fingerprint));
    let checks = checks.unwrap_or_default();
    page.lines(&format!("Fingerprint: {}; {}{checks}\n\n", title.concat(), hashes.concat()));
}

fn signatures(graph: &MetaGraphReport, view: &View, page: &mut Page) {
    let (shown, rest) = view.cut(&graph.signatures, LISTED, |_| (0, 0));
    let summary = format!("Signatures of metagraph {}", graph.index);
    let columns = ["signature", "inputs", "outputs", "bytes reached", "alone"];
    let mut table = page.folded_table(&summary, &columns, 2);
    for signature in shown {
        let (inputs, outputs) = (tensors(&signature.inputs, view), tensors(&signature.outputs, view));
        // Where a metagraph is too large to be followed, nothing is known.
        let [reached, alone] =
            [signature.reachable_bytes, signature.exclusive_bytes].map(|bytes| bytes.map(exact).unwrap_or_default());
        table.row(&[&code(&signature.name), &inputs, &outputs, &reached, &alone]);
    }
    if let Some(rest) = rest {
        table.row(&[&more(rest), "", "", "", ""]);
    }
    table.end();
}

fn tensors(tensors: &[TensorInfoReport], view: &View) -> String {
    let (shown, rest) = view.cut(tensors, TENSORS, |_| (0, 0));
    let item = |tensor: &TensorInfoReport| {
        code(&format!("{}: {}", tensor.name, tensor_type(&tensor.dtype, tensor.shape.as_deref())))
    };
    listed(shown.iter().map(item).chain(rest.map(more))).concat()
}

/// The largest ops and functions, but for those that the breakdown was asked for.
fn largest(model: &ModelReport, graph: &MetaGraphReport, view: &View, page: &mut Page) {
    let asked = |dimension| model.breakdown.by.contains(&dimension);
    if !asked(Dimension::Op) {
        let note = if graph.functions > 0 { " (nodes in functions not counted)" } else { "" };
        let summary = format!("Largest ops of metagraph {}{note}", graph.index);
        let rows: Vec<_> = graph.ops.iter().map(|op| (op.op.as_str(), op.bytes, op.count)).collect();
        named(&summary, "op", &rows, model.total_bytes, view, page);
    }
    if !asked(Dimension::Function) {
        let summary = format!("Largest functions of metagraph {}", graph.index);
        let rows: Vec<_> = graph.function_defs.iter().map(|f| (f.name.as_str(), f.bytes, f.nodes)).collect();
        named(&summary, "function", &rows, model.total_bytes, view, page);
    }
}

/// A table of (name, bytes, nodes).
fn named(summary: &str, what: &str, rows: &[(&str, u64, u64)], whole: u64, view: &View, page: &mut Page) {
    let (shown, rest) = view.cut(rows, BREAKDOWN_ROWS, |(_, bytes, nodes)| (*bytes, *nodes));
    let mut table = page.folded_table(summary, &[what, "bytes", "share", "nodes"], 3);
    for (name, bytes, nodes) in shown {
        table.row(&[&code(name), &exact(*bytes), &share(*bytes, whole), &exact(*nodes)]);
    }
    rest_row(rest, "", whole, &mut table);
    table.end();
}

fn variables(checkpoint: &CheckpointReport, whole: u64, view: &View, page: &mut Page) {
    let tensors = largest_first(&checkpoint.tensors);
    let (shown, rest) = view.cut(&tensors, BREAKDOWN_ROWS, |tensor| (tensor.bytes, 0));
    let columns = ["variable", "key", "type", "bytes", "share"];
    let mut table = page.folded_table("Largest variables", &columns, 2);
    for tensor in shown {
        let (name, key) = names(tensor);
        let (key, kind) = (key.map(code).unwrap_or_default(), code(&tensor_type(&tensor.dtype, Some(&tensor.shape))));
        table.row(&[&code(name), &key, &kind, &exact(tensor.bytes), &share(tensor.bytes, whole)]);
    }
    if let Some(rest) = rest {
        table.row(&[&more(rest), "", "", &exact(rest.bytes), &share(rest.bytes, whole)]);
    }
    table.end();
}

fn assets(graph: &MetaGraphReport, view: &View, page: &mut Page) {
    let (shown, rest) = view.cut(&graph.assets, LISTED, |asset| (asset.bytes.unwrap_or_default(), 0));
    let mut table = page.folded_table(&format!("Assets of metagraph {}", graph.index), &["asset", "bytes"], 1);
    for asset in shown {
        table.row(&[&code(&asset.filename), &asset.bytes.map_or("missing".to_owned(), exact)]);
    }
    if let Some(rest) = rest {
        table.row(&[&more(rest), &exact(rest.bytes)]);
    }
    table.end();
}

fn files(model: &ModelReport, view: &View, page: &mut Page) {
    let files = phrases::largest_files(&model.files);
    let (shown, rest) = view.cut(&files, LARGEST, |file| (file.bytes, 0));
    let mut table = page.folded_table("Largest files", &["file", "bytes", "share"], 2);
    for file in shown {
        table.row(&[&code(&file.path), &exact(file.bytes), &share(file.bytes, model.total_bytes)]);
    }
    if let Some(rest) = rest {
        table.row(&[&more(rest), &exact(rest.bytes), &share(rest.bytes, model.total_bytes)]);
    }
    table.end();
}

fn links(model: &ModelReport, view: &View, page: &mut Page) {
    let (shown, rest) = view.cut(&model.links, LISTED, |_| (0, 0));
    let mut table = page.folded_table("Links (named, not counted again)", &["link", "kind", "target", "note"], 0);
    for link in shown {
        let kind = match link.kind {
            LinkKind::Symbolic => "symbolic",
            LinkKind::Hard => "hard",
        };
        let note = link.note.as_deref().map(quote).unwrap_or_default();
        table.row(&[&code(&link.name), kind, &code(&link.target), &note]);
    }
    if let Some(rest) = rest {
        table.row(&[&more(rest), "", "", ""]);
    }
    table.end();
}

#[cfg(test)]
mod tests;
