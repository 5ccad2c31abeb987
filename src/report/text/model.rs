//! One model on the page, from the whole to the parts.

use std::io;

use super::page::{HEADING, PLAIN, PROBLEM, Page, QUIET, WARNING, more, words};
use super::{duplicates, findings, lists};
use crate::fingerprint::Fingerprint;
use crate::input::{Link, LinkKind};
use crate::ledger::Dimension;
use crate::problem::Problem;
use crate::report::fit::{fit, width, wrap};
use crate::report::format::{BREAKDOWN_ROWS, LISTED, SHOWS_ALL, TENSORS};
use crate::report::phrases::{self, listed};
use crate::report::tensor::tensor_type;
use crate::report::{AssetReport, CheckpointReport, MetaGraphReport, ModelReport, SignatureReport, TensorInfoReport};
use crate::size::{both, bytes, exact, plural};

/// The most columns of a version of TensorFlow, or of a section's name.
const WORD: usize = 24;

pub(super) fn write(model: &ModelReport, page: &mut Page<'_>) -> io::Result<()> {
    page.section()?;
    page.styled(HEADING, &fit(&model.path, page.width))?;
    for line in wrap(&phrases::contents(model, |version| fit(version, WORD)), page.width, 0) {
        page.line(&line)?;
    }
    if let Some(archive) = &model.archive {
        for line in wrap(&phrases::archive(archive), page.width, 0) {
            page.line(&line)?;
        }
    }
    if let Some(said) = phrases::main_file(model) {
        for line in wrap(&said, page.width, 0) {
            page.line(&line)?;
        }
    }
    lists::categories(model, page)?;
    findings::write(model, page)?;
    duplicates::write(model, page)?;
    lists::breakdown(model, page)?;
    for graph in &model.meta_graphs {
        meta_graph(graph, model, page)?;
    }
    if let Some(written) = &model.checkpoint {
        checkpoint(written, page)?;
        lists::variables(written, model.total_bytes, page)?;
    }
    if let Some(written) = &model.fingerprint {
        fingerprint(written, page)?;
    }
    lists::files(model, page)?;
    links(&model.links, page)?;
    problems(&model.problems, page)
}

fn meta_graph(graph: &MetaGraphReport, model: &ModelReport, page: &mut Page<'_>) -> io::Result<()> {
    page.section()?;
    let size = both(graph.bytes);
    let title = fit(&format!("metagraph {}", phrases::title(graph)), page.width.saturating_sub(size.len() + 2));
    page.styled(HEADING, &format!("{title}: {size}"))?;
    page.fact("contents", &phrases::parts(graph), PLAIN)?;
    // The sections of the only metagraph are the categories above.
    if model.meta_graphs.len() > 1 {
        page.fact("sections", &sections(graph), PLAIN)?;
    }
    signatures(&graph.signatures, page)?;
    assets(&graph.assets, page)?;
    // What `--by` was asked for is above.
    let asked = |dimension| model.breakdown.by.contains(&dimension);
    if !asked(Dimension::Op) {
        lists::ops(graph, model.total_bytes, page)?;
    }
    if !asked(Dimension::Function) {
        lists::functions(graph, model.total_bytes, page)?;
    }
    Ok(())
}

/// The sections that have bytes, largest first.
fn sections(graph: &MetaGraphReport) -> Vec<String> {
    let mut sections: Vec<(&String, u64)> = graph.sections.iter().map(|(name, bytes)| (name, *bytes)).collect();
    sections.retain(|(_, bytes)| *bytes > 0);
    sections.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
    listed(sections.into_iter().map(|(name, bytes)| format!("{} {}", fit(name, WORD), exact(bytes))))
}

fn signatures(signatures: &[SignatureReport], page: &mut Page<'_>) -> io::Result<()> {
    let (shown, rest) = page.view.cut(signatures, LISTED, |_| (0, 0));
    let mut label = if signatures.len() == 1 { "signature" } else { "signatures" };
    for signature in shown {
        page.fact(label, &call(signature, page), PLAIN)?;
        page.fact("", &phrases::reach(signature), QUIET)?;
        label = "";
    }
    rest.map_or(Ok(()), |rest| page.fact(label, &[more(rest)], QUIET))
}

/// A signature as one would call it: `serving_default(x: float32[?,3]) → y: float32[?,10]`.
fn call(signature: &SignatureReport, page: &Page<'_>) -> Vec<String> {
    let room = page.fact_room() - 6;
    let mut items = vec![fit(&signature.name, room) + "("];
    items.extend(tensors(&signature.inputs, page, room));
    if let Some(last) = items.last_mut() {
        last.push_str(if signature.outputs.is_empty() { ")" } else { ") → " });
    }
    items.extend(tensors(&signature.outputs, page, room));
    items
}

fn tensors(tensors: &[TensorInfoReport], page: &Page<'_>, room: usize) -> Vec<String> {
    let (shown, rest) = page.view.cut(tensors, TENSORS, |_| (0, 0));
    let item = |tensor: &TensorInfoReport| {
        // An op that is run and gives no tensor, such as an initializer.
        if tensor.dtype == "invalid" {
            return fit(&tensor.name, room);
        }
        let kind = fit(&tensor_type(&tensor.dtype, tensor.shape.as_deref()), room / 2);
        format!("{}: {kind}", fit(&tensor.name, room.saturating_sub(width(&kind) + 2)))
    };
    listed(shown.iter().map(item).chain(rest.map(more)))
}

fn assets(assets: &[AssetReport], page: &mut Page<'_>) -> io::Result<()> {
    let (shown, rest) = page.view.cut(assets, LISTED, |asset| (asset.bytes.unwrap_or_default(), 0));
    let room = page.fact_room() - 4;
    let item = |asset: &AssetReport| {
        let size = asset.bytes.map_or("missing".to_owned(), bytes);
        format!("{} {size}", fit(&asset.filename, room.saturating_sub(size.len() + 1)))
    };
    let more = rest.map(|rest| format!("… {} more, {} ({SHOWS_ALL})", exact(rest.rows), bytes(rest.bytes)));
    page.fact("assets", &listed(shown.iter().map(item).chain(more)), PLAIN)
}

fn checkpoint(checkpoint: &CheckpointReport, page: &mut Page<'_>) -> io::Result<()> {
    page.section()?;
    page.styled(HEADING, &format!("checkpoint: {}", phrases::checkpoint(checkpoint)))?;
    page.fact("data", &phrases::checkpoint_sizes(checkpoint), PLAIN)?;
    if let Some(verified) = &checkpoint.verified {
        page.fact("verified", &phrases::verified(verified), PLAIN)?;
    }
    for (label, what) in phrases::checkpoint_waste(checkpoint) {
        page.fact(label, &words(&what, page.fact_room()), WARNING)?;
    }
    Ok(())
}

fn fingerprint(fingerprint: &Fingerprint, page: &mut Page<'_>) -> io::Result<()> {
    page.section()?;
    let room = page.width - "fingerprint: version -2147483648, uuid ".len();
    let title = phrases::fingerprint(fingerprint, |uuid| fit(uuid, room)).concat();
    page.styled(HEADING, &format!("fingerprint: {title}"))?;
    page.fact("hashes", &phrases::fingerprint_hashes(fingerprint), QUIET)?;
    let verified = fingerprint.verified.iter().flat_map(phrases::fingerprint_checks).collect::<Vec<String>>();
    page.fact("verified", &verified, PLAIN)
}

fn links(links: &[Link], page: &mut Page<'_>) -> io::Result<()> {
    if links.is_empty() {
        return Ok(());
    }
    let (shown, rest) = page.view.cut(links, LISTED, |_| (0, 0));
    page.section()?;
    page.styled(HEADING, "links (named, not counted again)")?;
    for link in shown {
        let (arrow, kind) = match link.kind {
            LinkKind::Symbolic => ("→", ""),
            LinkKind::Hard => ("=", " (hard link)"),
        };
        let room = (page.width - "   = ".len() - kind.len()) / 2;
        page.line(&format!("  {} {arrow} {}{kind}", fit(&link.name, room), fit(&link.target, room)))?;
        page.sentence("    ", QUIET, link.note.as_deref().unwrap_or_default())?;
    }
    rest.map_or(Ok(()), |rest| page.styled(QUIET, &format!("  {}", more(rest))))
}

/// Each problem on two lines or more: where it is, and what was expected there.
fn problems(problems: &[Problem], page: &mut Page<'_>) -> io::Result<()> {
    if problems.is_empty() {
        return Ok(());
    }
    let (shown, rest) = page.view.cut(problems, BREAKDOWN_ROWS, |_| (0, 0));
    page.section()?;
    let count = plural(problems.len() as u64, "PROBLEM", "PROBLEMS");
    page.styled(PROBLEM, &format!("{count}: a part of this model could not be read"))?;
    // A byte offset has at most 20 digits.
    let room = page.width - "! , byte ".len() - 20;
    for problem in shown {
        page.styled(PROBLEM, &format!("! {}", phrases::place(problem, |file| fit(file, room))))?;
        page.sentence("  ", PLAIN, &problem.message)?;
    }
    rest.map_or(Ok(()), |rest| page.styled(QUIET, &format!("  {}", more(rest))))
}
