//! Everything that is known of a model, from the whole to the parts and last the answer: `--full`.

use crate::fingerprint::{Check, Checks, Fingerprint};
use crate::input::{Link, LinkKind};
use crate::ledger::Dimension;
use crate::report::document::{
    Block, Cell, Column, Name, Paragraph, Section, SectionKind, Table, Tone, more, more_bytes,
};
use crate::report::tensor::tensor_type;
use crate::report::view::{LISTED, TENSORS};
use crate::report::{
    AssetReport, CheckpointFormat, CheckpointReport, MetaGraphReport, ModelReport, SignatureReport, TensorInfoReport,
    View,
};
use crate::size::{both, bytes, exact, plural};

use super::{Amounts, avoidable, breakdown, headline, lists, problems, repeats};

/// All pages of a model.
pub(super) fn model(model: &ModelReport, view: &View) -> Vec<Section> {
    let mut sections = vec![headline::section(model, usize::MAX)];
    sections.extend(problems::section(model, view, Amounts::MOST));
    sections.extend(lists::categories(model));
    sections.extend(parts(model, view));
    sections.extend(avoidable::sections(model, view));
    sections
}

/// What the answer leaves out, to be folded up below it.
pub(super) fn details(model: &ModelReport, view: &View) -> Vec<Section> {
    parts(model, view).into_iter().map(|section| section.kind(SectionKind::Detail)).collect()
}

fn parts(model: &ModelReport, view: &View) -> Vec<Section> {
    let mut sections = Vec::new();
    if !model.breakdown.rows.is_empty() && model.breakdown.by != [Dimension::Category] {
        sections.push(Section::of(vec![Block::from(breakdown::table(model, view))]));
    }
    sections.extend(repeats::sections(model, view));
    for graph in &model.meta_graphs {
        sections.extend(meta_graph(graph, model, view));
    }
    if let Some(written) = &model.checkpoint {
        sections.push(checkpoint(written));
        sections.extend(lists::variables(written, model.total_bytes, view));
    }
    sections.extend(model.fingerprint.as_ref().map(fingerprint));
    sections.extend(lists::files(model, view));
    sections.extend(links(&model.links, view));
    sections
}

fn meta_graph(graph: &MetaGraphReport, model: &ModelReport, view: &View) -> Vec<Section> {
    let title = Paragraph::said("metagraph ").and_name(headline::title(graph)).and(format!(": {}", both(graph.bytes)));
    let mut section = Section::titled(title).fact("contents", contents(graph));
    // The sections of the only metagraph are the categories above.
    if model.meta_graphs.len() > 1 {
        section = section.fact("sections", sections(graph));
    }
    section = signatures(&graph.signatures, view, section).fact("assets", assets(&graph.assets, view));
    // What `--by` was asked for is above.
    let asked = |dimension| model.breakdown.by.contains(&dimension);
    let ops = || lists::ops(graph, model.total_bytes, view);
    let functions = || lists::functions(graph, model.total_bytes, view);
    let ops = (!asked(Dimension::Op)).then(ops).flatten();
    let functions = (!asked(Dimension::Function)).then(functions).flatten();
    [section].into_iter().chain(ops).chain(functions).collect()
}

/// `31 nodes, 2 functions with 8 nodes in 1,204 bytes, 12 objects`.
fn contents(graph: &MetaGraphReport) -> Paragraph {
    let functions = || {
        let nodes = plural(graph.function_nodes, "node", "nodes");
        let size = bytes(graph.function_defs.iter().map(|function| function.bytes).sum());
        format!("{} with {nodes} in {size}", plural(graph.functions, "function", "functions"))
    };
    let nodes = plural(graph.nodes, "node", "nodes");
    let functions = (graph.functions > 0).then(functions);
    let objects = (graph.object_nodes > 0).then(|| plural(graph.object_nodes, "object", "objects"));
    let all = [nodes].into_iter().chain(functions).chain(objects);
    Paragraph::default().and_listed(all.map(Paragraph::said))
}

/// The sections that have bytes, largest first.
fn sections(graph: &MetaGraphReport) -> Paragraph {
    let mut sections: Vec<(&String, u64)> = graph.sections.iter().map(|(name, bytes)| (name, *bytes)).collect();
    sections.retain(|(_, bytes)| *bytes > 0);
    sections.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
    let said = |(name, bytes): (&String, u64)| Paragraph::default().and_name(name).and(format!(" {}", exact(bytes)));
    Paragraph::default().and_listed(sections.into_iter().map(said))
}

fn signatures(signatures: &[SignatureReport], view: &View, mut section: Section) -> Section {
    let (shown, rest) = view.cut(signatures, LISTED, |_| (0, 0));
    let mut label = if signatures.len() == 1 { "signature" } else { "signatures" };
    for signature in shown {
        section = section.fact(label, call(signature, view)).fact("", reach(signature).tone(Tone::Quiet));
        label = "";
    }
    match rest {
        Some(rest) => section.fact(label, Paragraph::said(more(rest)).tone(Tone::Quiet)),
        None => section,
    }
}

/// A signature as one would call it: `serving_default(x: float32[?,3]) → y: float32[?,10]`.
fn call(signature: &SignatureReport, view: &View) -> Paragraph {
    let said = Paragraph::default().and_name(&signature.name).and("(");
    let said = said.and_listed(tensors(&signature.inputs, view)).and(")");
    if signature.outputs.is_empty() { said } else { said.and(" → ").and_listed(tensors(&signature.outputs, view)) }
}

fn tensors(tensors: &[TensorInfoReport], view: &View) -> Vec<Paragraph> {
    let (shown, rest) = view.cut(tensors, TENSORS, |_| (0, 0));
    let item = |tensor: &TensorInfoReport| {
        let name = Paragraph::default().and_name(&tensor.name);
        // An op that is run and gives no tensor, such as an initializer.
        if tensor.dtype == "invalid" {
            return name;
        }
        name.and(": ").and_name(tensor_type(&tensor.dtype, tensor.shape.as_deref()))
    };
    shown.iter().map(item).chain(rest.map(|rest| Paragraph::said(more(rest)))).collect()
}

/// What a signature needs: `uses 35,244 bytes, 1,220 not shared`; nothing where that is not known.
pub(super) fn reach(signature: &SignatureReport) -> Paragraph {
    let Some(all) = signature.reachable_bytes else { return Paragraph::default() };
    let alone = signature.exclusive_bytes.filter(|_| all > 0).map(|alone| match alone {
        0 => ", all of them shared".to_owned(),
        _ if alone == all => ", none of them shared".to_owned(),
        _ => format!(", {} not shared", exact(alone)),
    });
    Paragraph::said(format!("uses {}{}", bytes(all), alone.unwrap_or_default()))
}

fn assets(assets: &[AssetReport], view: &View) -> Paragraph {
    let (shown, rest) = view.cut(assets, LISTED, |asset| (asset.bytes.unwrap_or_default(), 0));
    let item = |asset: &AssetReport| {
        let size = asset.bytes.map_or("missing".to_owned(), bytes);
        Paragraph::default().and_name(&asset.filename).and(format!(" {size}"))
    };
    Paragraph::default().and_listed(shown.iter().map(item).chain(rest.map(|rest| Paragraph::said(more_bytes(rest)))))
}

fn checkpoint(checkpoint: &CheckpointReport) -> Section {
    let tensors = plural(checkpoint.tensors.len() as u64, "tensor", "tensors");
    let (form, sizes) = match checkpoint.format {
        CheckpointFormat::Bundle => (
            format!("{tensors} in {}", plural(checkpoint.shards, "shard", "shards")),
            format!("{} and an index of {}", both(checkpoint.data_bytes), bytes(checkpoint.index_bytes)),
        ),
        CheckpointFormat::V1 => {
            let tables = plural(checkpoint.shards, "table", "tables");
            (format!("{tensors} in {tables} in TensorFlow 1's V1 format"), both(checkpoint.data_bytes))
        }
    };
    let mut section =
        Section::titled(Paragraph::said(format!("checkpoint: {form}"))).fact("data", Paragraph::said(sizes));
    section = section.fact("verified", checkpoint.verified.as_ref().map(headline::tensors).unwrap_or_default());
    let wasted = [
        (checkpoint.unused_data_bytes, "unused", "of the data belong to no tensor"),
        (checkpoint.stale_bytes, "stale", "in files of another set, which no loader reads"),
    ];
    for (size, label, what) in wasted.into_iter().filter(|(size, ..)| *size > 0) {
        section = section.fact(label, Paragraph::said(format!("{} {what}", bytes(size))).tone(Tone::Warning));
    }
    section
}

/// Said of a fingerprint whose checkpoint is another one. No loader minds.
const OF_ANOTHER_EXPORT: &str = "; it is of another export, as its checkpoint_hash is not that of variables.index";

fn fingerprint(fingerprint: &Fingerprint) -> Section {
    let mut title = Paragraph::said(format!("fingerprint: version {}", fingerprint.version));
    if !fingerprint.uuid.is_empty() {
        title = title.and(", uuid ").and_name(&fingerprint.uuid);
    }
    if fingerprint.checkpoint == Check::Differs {
        title = title.and(OF_ANOTHER_EXPORT);
    }
    let hashes = [
        ("saved model", &fingerprint.saved_model_checksum),
        ("graph", &fingerprint.graph_def_program_hash),
        ("signatures", &fingerprint.signature_def_hash),
        ("object graph", &fingerprint.saved_object_graph_hash),
        ("checkpoint", &fingerprint.checkpoint_hash),
    ];
    let hashes = hashes.into_iter().map(|(what, hash)| Paragraph::said(format!("{what} {hash}")));
    let checks = fingerprint.verified.as_ref().map(fingerprint_checks).unwrap_or_default();
    Section::titled(title)
        .fact("hashes", Paragraph::default().and_listed(hashes).tone(Tone::Quiet))
        .fact("verified", checks)
}

/// Which hashes are those of the model: `signatures fit, checkpoint differs, saved model not checked`.
fn fingerprint_checks(checks: &Checks) -> Paragraph {
    let said = |what: &str, check, fits: &str, differs: &str| {
        Paragraph::said(match check {
            Check::Fits => format!("{what} {fits}"),
            Check::Differs => format!("{what} {differs}"),
            Check::NotChecked => format!("{what} not checked"),
        })
    };
    Paragraph::default().and_listed([
        said("signatures", checks.signature_def_hash, "fit", "differ"),
        said("object graph", checks.saved_object_graph_hash, "fits", "differs"),
        said("checkpoint", checks.checkpoint_hash, "fits", "differs"),
        said("saved model", checks.saved_model_checksum, "fits", "differs"),
    ])
}

fn links(links: &[Link], view: &View) -> Option<Section> {
    if links.is_empty() {
        return None;
    }
    let (shown, rest) = view.cut(links, LISTED, |_| (0, 0));
    let columns = vec![Column::word("kind"), Column::name("link"), Column::name("target")];
    let mut table = Table::new(columns).folded("Links");
    for link in shown {
        let kind = match link.kind {
            LinkKind::Symbolic => "symbolic",
            LinkKind::Hard => "hard",
        };
        let cells = vec![
            Cell::Word(kind.to_owned(), Tone::Plain),
            Cell::Name(Name::new(&link.name)),
            Cell::Name(Name::new(&link.target)),
        ];
        table.row(cells);
        if let (Some(row), Some(note)) = (table.rows.last_mut(), &link.note) {
            row.notes.push(Paragraph::default().and_quoted(note).tone(Tone::Quiet).into());
        }
    }
    let more = rest.map(|rest| Paragraph::said(more(rest)).tone(Tone::Quiet));
    Some(Section::titled(Paragraph::said("links (named, not counted again)")).with(table).with_all(more))
}
