//! From the books to the report: rollups of the ledger, and what the parts know of themselves, as plain data.

mod digests;
mod duplicates;

use std::collections::{BTreeMap, HashMap};

use self::digests::MetaGraphDigests;
use super::{Answers, Parts};
use crate::charge::{Form, MainFile};
use crate::checkpoint::{Checkpoint, Format, Tensor};
use crate::dtype;
use crate::duplicates::Duplicates;
use crate::findings::Findings;
use crate::graph::{MetaGraphReach, Reach, Root};
use crate::identity::MetaGraphId;
use crate::input::Model;
use crate::ledger::{Category, Dimension, FunctionSum, Labels, Ledger, Rollup, Row, RowKind};
use crate::outline::{MetaGraph, SavedModel, Signature};
use crate::problem::Problem;
use crate::proto::TensorInfo;
use crate::report::{
    AssetReport, CheckpointFormat, CheckpointReport, Digest, FileReport, FunctionReport, MainFileForm, MainFileReport,
    MetaGraphReport, ModelReport, OpReport, SignatureReport, TensorInfoReport, TensorReport, Treemap,
};

/// The sums of a ledger that reports show. Each is of all of its rows, of which functions make hundreds of thousands, and
/// none needs to know what else was found out; so they are made while causes are looked for.
pub(super) struct Sums {
    breakdown: Rollup,
    categories: BTreeMap<Category, u64>,
    files: Rollup,
    sections: Rollup,
    ops: Rollup,
    /// The functions of each metagraph, by its label; where digests are asked for with those of their ops.
    functions: foldhash::HashMap<String, Vec<FunctionSum>>,
    /// Of each metagraph, in their order.
    digests: Vec<MetaGraphDigests>,
    pub(super) treemap: Option<Treemap>,
}

impl Sums {
    /// The sums of a ledger, the breakdown and the digests that are asked for.
    pub(super) fn of(parts: &Parts<'_>, saved_model: &SavedModel, ledger: &Ledger) -> Self {
        let options = parts.options;
        let in_graphs = |labels: &Labels| labels.has(Dimension::Op) && !labels.has(Dimension::Function);
        Self {
            breakdown: ledger.rollup_only(&options.by, &options.only),
            categories: categories(ledger),
            files: ledger.rollup(&[Dimension::File, Dimension::Category]),
            sections: ledger.rollup(&[Dimension::MetaGraph, Dimension::Section]),
            ops: ledger.rollup_where(&[Dimension::MetaGraph, Dimension::Op], in_graphs),
            functions: ledger.functions(options.digests.then_some(digests::of_op)),
            digests: digests::of_meta_graphs(parts, &saved_model.meta_graphs),
            treemap: None,
        }
    }
}

/// The report of a model whose books are closed.
pub(super) fn report(
    parts: &Parts<'_>,
    total: u64,
    mut sums: Sums,
    answers: Answers<'_>,
    findings: Findings,
    mut problems: Vec<Problem>,
) -> ModelReport {
    let (model, checkpoint, options) = (parts.model, parts.checkpoint.as_ref(), parts.options);
    let Answers { duplicates, saved_model, reach } = answers;
    let fingerprint = parts.fingerprint().and_then(|read| match read {
        Ok(fingerprint) => Some(fingerprint),
        Err(problem) => {
            // What is no message at all is a problem already.
            let is_known = problems.iter().any(|known| known.file == problem.file);
            problems.extend((!is_known).then_some(problem));
            None
        }
    });
    ModelReport {
        path: model.path.clone(),
        archive: model.archive.clone(),
        remote: None,
        kind: findings.provenance.kind,
        kind_evidence: findings.provenance.evidence,
        total_bytes: total,
        files: files(parts, &sums.files),
        links: model.links.clone(),
        main_file: parts.main_file.as_ref().map(main_file),
        meta_graphs: meta_graphs(parts, &mut sums, &saved_model, &reach, &Structures::of(parts, &duplicates)),
        categories: sums.categories,
        checkpoint: checkpoint.map(checkpoint_report),
        fingerprint,
        breakdown: match options.top {
            Some(top) => sums.breakdown.cut(top),
            None => sums.breakdown,
        },
        duplicates: duplicates::duplicates(parts, duplicates, &findings.explained),
        findings: findings.findings,
        findings_bytes: findings.bytes,
        information: findings.information,
        problems,
        treemap: sums.treemap,
        whole: true,
    }
}

fn main_file(main: &MainFile<'_>) -> MainFileReport {
    let form = match main.form {
        Form::Binary => MainFileForm::Binary,
        Form::Text => MainFileForm::Text,
        Form::Chunked => MainFileForm::Chunked,
    };
    let decoded_bytes = main.bytes.as_ref().map(|bytes| bytes.len() as u64);
    MainFileReport { form, stored_bytes: main.file.bytes, decoded_bytes }
}

fn categories(ledger: &Ledger) -> BTreeMap<Category, u64> {
    let rows = ledger.rollup(&[Dimension::Category]).rows;
    let bytes = |category: Category| rows.iter().find(|row| *row.name == *category.name()).map_or(0, |row| row.bytes);
    Category::ALL.iter().map(|category| (*category, bytes(*category))).collect()
}

fn files(parts: &Parts<'_>, files: &Rollup) -> Vec<FileReport> {
    let rows = by_name(files);
    let category = |name: &str| match children(&rows, name) {
        [] => Category::Files.name().to_owned(),
        [only] => only.name.to_string(),
        [largest, ..] => format!("{}...", largest.name),
    };
    let file = |name: &str, bytes| FileReport {
        path: name.to_owned(),
        bytes,
        category: category(name),
        digest: digests::of_file(parts, name),
    };
    parts.model.files.iter().map(|entry| file(&entry.name, entry.bytes)).collect()
}

/// The metagraphs with their sections, ops and functions.
///
/// Rows are matched to metagraphs by their label, which begins with the index and is so unlike any other.
fn meta_graphs(
    parts: &Parts<'_>,
    sums: &mut Sums,
    saved_model: &SavedModel,
    reach: &Reach<'_>,
    structures: &Structures<'_>,
) -> Vec<MetaGraphReport> {
    let Sums { sections, ops, functions, digests, .. } = sums;
    let [sections, ops] = [&*sections, &*ops].map(by_name);
    let graphs = saved_model.meta_graphs.iter().zip(digests).enumerate();
    graphs
        .map(|(index, (graph, digests))| {
            let label = graph.label(index);
            MetaGraphReport {
                index: index as u64,
                tags: graph.tags.clone(),
                tensorflow_version: graph.tensorflow_version.clone(),
                bytes: graph.bytes,
                sections: sections_of(children(&sections, &label)),
                structures: digests.sections(),
                nodes: graph.nodes,
                functions: graph.functions,
                function_nodes: graph.function_nodes,
                object_nodes: graph.object_nodes,
                signatures: signatures(graph, reach.meta_graphs.get(index).and_then(Option::as_ref)),
                assets: assets(parts.model, graph),
                ops: children(&ops, &label).iter().map(|row| op(parts, row, digests)).collect(),
                nodes_listed: digests.nodes_listed(),
                function_defs: functions
                    .remove(&label)
                    .unwrap_or_default()
                    .into_iter()
                    .map(|sum| function(sum, index, structures))
                    .collect(),
            }
        })
        .collect()
}

/// The outermost rows by name: a search for each metagraph would take the square of their number.
fn by_name(rollup: &Rollup) -> HashMap<&str, &Row> {
    rollup.rows.iter().map(|row| (&*row.name, row)).collect()
}

fn children<'a>(rows: &HashMap<&str, &'a Row>, label: &str) -> &'a [Row] {
    rows.get(label).map_or(&[], |row| &row.children)
}

fn sections_of(rows: &[Row]) -> BTreeMap<String, u64> {
    // The metagraph's own tag and length have no section: they are framing of the SavedModel.
    let sections = rows.iter().filter(|row| row.kind == RowKind::Name);
    sections.map(|row| (row.name.to_string(), row.bytes)).collect()
}

fn op(parts: &Parts<'_>, row: &Row, digests: &MetaGraphDigests) -> OpReport {
    OpReport {
        op: row.name.to_string(),
        count: row.count,
        bytes: row.bytes,
        structure: digests.op(&row.name),
        nodes: digests.nodes(parts, &row.name),
    }
}

fn function(sum: FunctionSum, meta_graph: usize, structures: &Structures<'_>) -> FunctionReport {
    let known = structures.0.get(&(MetaGraphId::at(meta_graph), sum.name.as_bytes()));
    FunctionReport {
        nodes: sum.tally.count,
        bytes: sum.tally.bytes,
        structure: known.map(|[structure, _]| Digest::from(*structure)),
        form: known.map(|[_, form]| Digest::from(*form)),
        ops: sum.ops.map(Digest::from),
        name: sum.name,
    }
}

/// The digests of each function that was compared, that with what it calls and that of it alone, by the metagraph that it is in and its name: there may be hundreds of
/// thousands, so names are not copied. One that is no text is not found, as its row has another.
struct Structures<'m>(foldhash::HashMap<(MetaGraphId, &'m [u8]), [u128; 2]>);

impl<'m> Structures<'m> {
    fn of(parts: &'m Parts<'_>, duplicates: &Duplicates) -> Self {
        let mut structures = foldhash::HashMap::default();
        structures.reserve(duplicates.structural.read.len());
        for function in &duplicates.structural.read {
            let [start, end] = function.name;
            let name = parts.main_bytes().get(start..end).unwrap_or_default();
            // Of two of one name the later one counts, as everywhere.
            structures.insert((function.meta_graph, name), [function.structure, function.form]);
        }
        Self(structures)
    }
}

fn signatures(graph: &MetaGraph, reach: Option<&MetaGraphReach<'_>>) -> Vec<SignatureReport> {
    let roots = reach.map_or(&[][..], |reach| &reach.roots);
    let root = |position: usize| roots.get(position).filter(|root| root.position == Some(position));
    graph.signatures.iter().enumerate().map(|(position, entry)| signature(entry, root(position))).collect()
}

fn signature(signature: &Signature, root: Option<&Root>) -> SignatureReport {
    SignatureReport {
        name: signature.name.clone(),
        bytes: signature.bytes,
        method_name: signature.method_name.clone(),
        inputs: signature.inputs.iter().map(tensor_info).collect(),
        outputs: signature.outputs.iter().map(tensor_info).collect(),
        reachable_bytes: root.and_then(|root| root.reachable_bytes),
        exclusive_bytes: root.and_then(|root| root.exclusive_bytes),
    }
}

fn tensor_info((name, info): &(String, TensorInfo)) -> TensorInfoReport {
    let shape = info.tensor_shape.as_ref().filter(|shape| !shape.unknown_rank);
    TensorInfoReport {
        name: name.clone(),
        dtype: dtype::name(info.dtype).into_owned(),
        shape: shape.map(|shape| shape.dim.iter().map(|dim| dim.size).collect()),
    }
}

fn assets(model: &Model, graph: &MetaGraph) -> Vec<AssetReport> {
    let bytes = |name: &str| model.file(&format!("assets/{name}")).map(|file| file.bytes);
    let asset = |name: &String| AssetReport { filename: name.clone(), bytes: bytes(name) };
    graph.assets.iter().map(asset).collect()
}

fn checkpoint_report(checkpoint: &Checkpoint) -> CheckpointReport {
    CheckpointReport {
        format: match checkpoint.format {
            Format::Bundle => CheckpointFormat::Bundle,
            Format::V1 => CheckpointFormat::V1,
        },
        shards: checkpoint.shard_count(),
        index_bytes: checkpoint.index_bytes(),
        data_bytes: checkpoint.data_bytes(),
        unused_data_bytes: checkpoint.unused_data_bytes(),
        stale_bytes: checkpoint.stale_bytes(),
        verified: None,
        tensors: checkpoint.bundle.tensors.iter().map(|tensor| tensor_report(checkpoint, tensor)).collect(),
    }
}

fn tensor_report(checkpoint: &Checkpoint, tensor: &Tensor) -> TensorReport {
    let graph = checkpoint.object_graph.as_ref();
    TensorReport {
        key: tensor.key.clone(),
        name: graph.and_then(|graph| graph.full_name(&tensor.key)).map(str::to_owned),
        dtype: tensor.dtype_name().into_owned(),
        shape: tensor.shape.clone(),
        bytes: tensor.bytes,
        shard: u64::from(tensor.shard),
        offset: tensor.offset,
        crc32c: (checkpoint.format == Format::Bundle && !tensor.damaged && tensor.slices == 0).then_some(tensor.crc32c),
    }
}
