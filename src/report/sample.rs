//! A small report for the tests of the formats, and the parts to build others from.

use super::gate::{self, Allowed, Gate, Level, LimitOutcome, RuleOutcome, Status};
use super::{
    AssetReport, CheckpointFormat, CheckpointReport, FileReport, FunctionReport, MetaGraphReport, ModelReport,
    OpReport, RemoteDepth, RemoteReport, Report, SignatureReport, TensorInfoReport, TensorReport, Unread,
    UnreadableInput,
};
use crate::findings::{Finding, Information, ModelKind, Overlap, Place, Slim};
use crate::fingerprint::{Check, Checks, Fingerprint};
use crate::input::{Archive, ArchiveFormat, Link, LinkKind};
use crate::ledger::{Category, Dimension, Rollup, Row, RowKind};
use crate::problem::Problem;
use crate::report::duplicates::{
    Duplicates, Group, GroupKind, Member, Own, OwnElements, Pair, Repeated, Structural, StructuralGroup,
};

/// One model, the one of [`model`].
pub(super) fn report() -> Report {
    Report { models: vec![model()], ..Report::new() }
}

/// A path of which there is no report.
pub(super) fn unreadable(path: &str) -> UnreadableInput {
    UnreadableInput { path: path.to_owned(), message: format!("{path}: is not there"), is_internal: false }
}

/// A model of 1000 bytes: 700 in `graph_def`, 300 in `variables`, with something in every list.
pub(super) fn model() -> ModelReport {
    let mut model = empty_model();
    model.total_bytes = 1000;
    model.categories.insert(Category::GraphDef, 700);
    model.categories.insert(Category::Variables, 300);
    model.files = vec![file("saved_model.pb", 700, "graph_def"), file("variables/variables.index", 300, "variables")];
    model.links = vec![Link {
        name: "latest".to_owned(),
        target: "1".to_owned(),
        kind: LinkKind::Symbolic,
        file: None,
        note: Some("leads out of the model".to_owned()),
    }];
    model.meta_graphs = vec![meta_graph(0, &["serve"])];
    model.checkpoint = Some(checkpoint(vec![tensor("kernel", 200)]));
    model.breakdown =
        rollup(&[Dimension::Category], vec![row("graph_def", 700, vec![]), row("variables", 300, vec![])]);
    model.duplicates = duplicates(["kernel", "Const", "__inference_call_*"]);
    model.findings = vec![finding("stale-files", 300, &[]), finding("duplicate-asset", 200, &["stale-files"])];
    model.findings_bytes = 400;
    let message = "4 attributes `_output_shapes`: hints for what shape inference cannot know".to_owned();
    model.information = vec![Information { id: "output-shapes".to_owned(), bytes: 60, message }];
    model.problems = vec![Problem::at("variables/variables.index", 12, "expected a footer, found the end of the file")];
    model
}

/// A finding, half of it claimed by others.
pub(super) fn finding(id: &str, bytes: u64, others: &[&str]) -> Finding {
    let overlap = |id: &&str| Overlap { id: (*id).to_owned(), bytes: bytes / 2 };
    Finding {
        id: id.to_owned(),
        bytes,
        additional_bytes: if others.is_empty() { bytes } else { bytes - bytes / 2 },
        message: "2 files are left from an earlier export.".to_owned(),
        remedy: "Export into an empty directory.".to_owned(),
        remedy_code: String::new(),
        unless: "a program of yours reads these files.".to_owned(),
        slim: Slim::None,
        places: vec![Place { file: Some("assets/old.txt".to_owned()), bytes: 200, ..Place::default() }],
        evidence: vec!["`assets/old.txt` is no metagraph's asset: 200 bytes".to_owned()],
        overlaps: others.iter().map(overlap).collect(),
    }
}

/// What was read of a model in a store.
pub(super) fn remote() -> RemoteReport {
    RemoteReport {
        depth: RemoteDepth::Index,
        requests: 2,
        bytes_read: 300,
        data_bytes_read: 0,
        uncompared: Unread::default(),
        unseen: Unread::default(),
        e_tag: "0123456789abcdef".to_owned(),
    }
}

/// A directory with nothing in it.
pub(super) fn empty_model() -> ModelReport {
    ModelReport {
        path: "./model".to_owned(),
        archive: None,
        remote: None,
        kind: ModelKind::Unknown,
        kind_evidence: vec![],
        total_bytes: 0,
        whole: true,
        treemap: None,
        categories: Category::ALL.map(|category| (category, 0)).into(),
        files: vec![],
        links: vec![],
        main_file: None,
        meta_graphs: vec![],
        checkpoint: None,
        fingerprint: None,
        breakdown: rollup(&[Dimension::Category], vec![]),
        duplicates: Duplicates::default(),
        findings: vec![],
        findings_bytes: 0,
        information: vec![],
        problems: vec![],
    }
}

/// `--max-duplication 5%` held against [`model`], of which 600 bytes are redundant unless it passed.
pub(super) fn rule(status: Status) -> RuleOutcome {
    let passed = status == Status::Pass;
    let actual_bytes = if matches!(status, Status::Fail | Status::Warn) { 600 } else { 50 };
    RuleOutcome {
        rule: "max-duplication".to_owned(),
        metric: "duplication".to_owned(),
        model: "./model".to_owned(),
        limit: "5%".to_owned(),
        actual: gate::percent(actual_bytes, 1000),
        passed,
        status,
        level: if status == Status::Warn { Level::Warn } else { Level::Fail },
        actual_bytes,
        total_bytes: 1000,
        over_bytes: actual_bytes.saturating_sub(50),
        fix: None,
        limits: vec![LimitOutcome { limit: "5%".to_owned(), limit_bytes: 50, passed: actual_bytes <= 50 }],
        floor_bytes: None,
        allowed_bytes: 0,
        matches: None,
        reason: None,
        source: "--max-duplication".to_owned(),
        line: None,
    }
}

/// An entry that matches one group of 8,192 redundant bytes of [`model`].
pub(super) fn allowed(group: &str) -> Allowed {
    Allowed {
        group: group.to_owned(),
        reason: "both are asked for".to_owned(),
        source: "smaudit.toml:12".to_owned(),
        model: "./model".to_owned(),
        groups: 1,
        redundant_bytes: 8192,
        between_meta_graphs_bytes: 0,
        structural_bytes: 0,
    }
}

/// A gate with one rule for each of `statuses`, a rule with `name` in every place, and an entry that allows it.
pub(super) fn gate(statuses: &[Status], name: &str) -> Gate {
    let passed = statuses.iter().all(|status| matches!(status, Status::Pass | Status::Warn));
    let mut rules: Vec<RuleOutcome> = statuses.iter().map(|status| rule(*status)).collect();
    let mut named = rule(Status::Pass);
    let text = || name.to_owned();
    (named.metric, named.model, named.source, named.reason) =
        (format!("variable:{name}"), text(), text(), Some(text()));
    (named.floor_bytes, named.allowed_bytes, named.matches) = (Some(u64::MAX), u64::MAX, Some(u64::MAX));
    rules.push(named);
    let mut entry = allowed(name);
    (entry.reason, entry.source, entry.model) = (text(), text(), text());
    Gate { passed, rules, allowed: vec![entry], ..Gate::default() }
}

pub(super) fn meta_graph(index: u64, tags: &[&str]) -> MetaGraphReport {
    MetaGraphReport {
        index,
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        tensorflow_version: "2.15.0".to_owned(),
        bytes: 690,
        sections: [("graph_def".to_owned(), 690)].into(),
        structures: [].into(),
        nodes: 3,
        nodes_listed: super::NodesListed::No,
        functions: 1,
        function_nodes: 7,
        object_nodes: 5,
        signatures: vec![SignatureReport {
            name: "serving_default".to_owned(),
            bytes: 40,
            method_name: "tensorflow/serving/predict".to_owned(),
            inputs: vec![info("x", Some(&[-1, 3]))],
            outputs: vec![info("y", None)],
            reachable_bytes: Some(600),
            exclusive_bytes: Some(50),
        }],
        assets: vec![
            AssetReport { filename: "vocab.txt".to_owned(), bytes: Some(41_000) },
            AssetReport { filename: "gone.txt".to_owned(), bytes: None },
        ],
        ops: vec![op("Const", 2, 500), op("MatMul", 1, 100)],
        function_defs: vec![FunctionReport {
            name: "__inference_call_12".to_owned(),
            nodes: 7,
            bytes: 90,
            structure: None,
            form: None,
            ops: None,
        }],
    }
}

/// A tar.gz with the files of [`model`], in a folder, and one more.
pub(super) fn archive() -> Archive {
    Archive {
        path: "model.tgz".to_owned(),
        format: ArchiveFormat::TarGz,
        folder: "model".to_owned(),
        packed_bytes: 300,
        files: 3,
        unpacked_bytes: 1200,
    }
}

/// A fingerprint of which one part is of another model.
pub(super) fn fingerprint() -> Fingerprint {
    let checks = Checks {
        saved_model_checksum: Check::NotChecked,
        signature_def_hash: Check::Fits,
        saved_object_graph_hash: Check::Fits,
        checkpoint_hash: Check::Differs,
    };
    Fingerprint {
        version: 1,
        uuid: "12345".to_owned(),
        checkpoint: Check::NotChecked,
        saved_model_checksum: u64::MAX.to_string(),
        graph_def_program_hash: "2".to_owned(),
        signature_def_hash: "3".to_owned(),
        saved_object_graph_hash: "4".to_owned(),
        checkpoint_hash: "5".to_owned(),
        verified: Some(checks),
    }
}

pub(super) fn checkpoint(tensors: Vec<TensorReport>) -> CheckpointReport {
    CheckpointReport {
        format: CheckpointFormat::Bundle,
        shards: 1,
        index_bytes: 90,
        data_bytes: 210,
        unused_data_bytes: 10,
        stale_bytes: 0,
        verified: None,
        tensors,
    }
}

pub(super) fn tensor(key: &str, bytes: u64) -> TensorReport {
    TensorReport {
        key: key.to_owned(),
        name: None,
        dtype: "float32".to_owned(),
        shape: vec![5, 10],
        bytes,
        shard: 0,
        offset: 0,
        crc32c: None,
    }
}

pub(super) fn info(name: &str, shape: Option<&[i64]>) -> TensorInfoReport {
    TensorInfoReport { name: name.to_owned(), dtype: "float32".to_owned(), shape: shape.map(<[i64]>::to_vec) }
}

pub(super) fn op(op: &str, count: u64, bytes: u64) -> OpReport {
    OpReport { op: op.to_owned(), count, bytes, structure: None, nodes: Vec::new() }
}

pub(super) fn file(path: &str, bytes: u64, category: &str) -> FileReport {
    FileReport { path: path.to_owned(), bytes, category: category.to_owned(), digest: None }
}

pub(super) fn rollup(by: &[Dimension], rows: Vec<Row>) -> Rollup {
    Rollup { by: by.to_vec(), only: Vec::new(), rows, rest: None }
}

/// A row that counts one item for each of its leaves.
pub(super) fn row(name: &str, bytes: u64, children: Vec<Row>) -> Row {
    let count = children.iter().map(|child| child.count).sum::<u64>().max(1);
    let kind = if name.starts_with('[') { RowKind::Category } else { RowKind::Name };
    Row { name: name.into(), kind, bytes, count, children, rest: None }
}

/// The breakdown of [`model`] on two levels.
pub(super) fn by_section_and_op() -> Rollup {
    let mut constants = row("Const", 600, vec![]);
    constants.count = 2;
    let ops = vec![constants, row("MatMul", 100, vec![])];
    let rows = vec![row("graph_def", 700, ops), row("[variables]", 300, vec![row("[variables]", 300, vec![])])];
    rollup(&[Dimension::Section, Dimension::Op], rows)
}

/// The model of [`model`] on two levels, with two metagraphs, and `name` in place of every name and message.
pub(super) fn named(name: &str) -> ModelReport {
    let mut model = model();
    let text = || name.to_owned();
    model.path = text();
    model.files.iter_mut().for_each(|file| file.path = text());
    model.links.iter_mut().for_each(|link| (link.name, link.target, link.note) = (text(), text(), Some(text())));
    model.problems.iter_mut().for_each(|problem| (problem.file, problem.message) = (text(), text()));
    model.fingerprint = Some(Fingerprint { uuid: text(), ..fingerprint() });
    model.archive = Some(Archive { path: text(), folder: text(), ..archive() });
    model.breakdown = by_section_and_op();
    for row in &mut model.breakdown.rows {
        row.name = text().into();
        row.children.iter_mut().for_each(|child| child.name = text().into());
    }
    model.meta_graphs = vec![named_meta_graph(name), named_meta_graph(name), named_meta_graph(name)];
    let mut variable = tensor(name, 200);
    (variable.name, variable.dtype, variable.shape) = (Some(format!("{name}/kernel")), text(), vec![-7; 40]);
    model.checkpoint = Some(checkpoint(vec![variable, tensor(name, 3)]));
    model.duplicates = named_duplicates(name);
    model
}

/// A variable and a constant of one content, and functions that are equal but for names.
fn duplicates([variable, constant, stem]: [&str; 3]) -> Duplicates {
    let place = |place: &'static str, name: &str, meta_graph, kept| Member {
        place: place.into(),
        name: name.into(),
        key: (place == "variables").then(|| name.to_owned()),
        function: None,
        meta_graph,
        bytes: 200,
        in_element: false,
        kept,
    };
    let group = Group {
        kind: GroupKind::Variable,
        bytes: 200,
        copies: 2,
        redundant_bytes: 200,
        elements: 1,
        finding: None,
        members: vec![place("variables", variable, None, true), place("graph_def.node", constant, Some(0), false)],
    };
    let functions = vec![stem.to_owned(), stem.to_owned()];
    let structural = StructuralGroup { stem: stem.to_owned(), functions, bytes: 80, redundant_bytes: 40 };
    Duplicates {
        redundant_bytes: 200,
        ratio: 0.2,
        zero_bytes: 16,
        fill_bytes: 24,
        groups: vec![group],
        structural: Structural { redundant_bytes: 40, function_bytes: 90, groups: vec![structural] },
        ..Duplicates::default()
    }
}

/// Duplicates of every kind, all of them called `name`.
fn named_duplicates(name: &str) -> Duplicates {
    let text = || name.to_owned();
    let elements =
        vec![OwnElements { field: "graph_def.node".to_owned(), count: 9, bytes: 9, largest: vec![text(); 5] }];
    let repeated = vec![Repeated { field: "object_graph_def.concrete_functions".into(), count: 1, of: 2, bytes: 3 }; 3];
    let pair = |original, copy| Pair {
        original,
        copy,
        bytes: 3,
        share_of_copy: 0.5,
        by_section: [("object_graph_def", 3)].into(),
        elements: repeated.clone(),
    };
    let mut all = duplicates([name, name, name]);
    for group in &mut all.groups {
        let last = group.members.last().cloned().unwrap();
        group.members.extend(vec![Member { function: Some(text().into()), in_element: true, ..last }; 5]);
    }
    all.meta_graph_pairs = vec![pair(0, 1), pair(0, 7), pair(1, 7)];
    all.meta_graph_own = vec![Own { meta_graph: 1, bytes: 9, elements }];
    all
}

fn named_meta_graph(name: &str) -> MetaGraphReport {
    let mut graph = meta_graph(0, &[name, name]);
    let text = || name.to_owned();
    graph.tensorflow_version = text();
    graph.sections.insert(text(), 7);
    graph.assets.iter_mut().for_each(|asset| asset.filename = text());
    graph.ops.iter_mut().for_each(|op| op.op = text());
    graph.function_defs.iter_mut().for_each(|function| function.name = text());
    for signature in &mut graph.signatures {
        signature.name = text();
        let tensors = signature.inputs.iter_mut().chain(&mut signature.outputs);
        tensors.for_each(|tensor| (tensor.name, tensor.dtype) = (text(), text()));
    }
    graph
}
