//! How long the parts of an audit take, each by itself, over models that are built in memory.
//!
//! `cargo bench` measures; figures of whole runs, beside other programs, are made by `benches/compare`.

#![allow(missing_docs, clippy::indexing_slicing, clippy::unwrap_used)]

use std::hint::black_box;
use std::ops::Range;

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use smaudit::input::Model;
use smaudit::internals::charge::{MainFile, charge_model};
use smaudit::internals::checkpoint::table::Table;
use smaudit::internals::duplicates;
use smaudit::internals::findings;
use smaudit::internals::graph;
use smaudit::internals::ledger::{Dimension, Ledger};
use smaudit::internals::outline::SavedModel;
use smaudit::internals::wire::{Field, Layout, fields};
use smaudit::progress::{Silent, Work};
use support::graph::{function_of, graph_of, node_of, signature};
use support::table::TableBuilder;
use support::wire::{Message, constant, message, meta_graph, saved_model};

const OPS: [&str; 6] = ["MatMul", "BiasAdd", "Relu", "AddV2", "Reshape", "Identity"];

/// Two metagraphs of 20,000 nodes each, a third of which differ.
fn nodes() -> Bytes {
    let graph = |differing: bool| {
        let node = |at: usize| {
            let name = |at: usize| format!("model/block_{}/layer_{}/node_{at}", at / 5000, at / 100 % 50);
            let dtype = if differing && at.is_multiple_of(3) { 19 } else { 1 };
            let inputs = [name(at.saturating_sub(1)), name(at.saturating_sub(1 + at * 7919 % 100))];
            let node = node_of(&name(at), OPS[at % OPS.len()], &[&inputs[0], &inputs[1]]);
            node.entry(5, "T", &message().int(6, dtype))
        };
        graph_of(&(0..20_000).map(node).collect::<Vec<_>>(), &[])
    };
    let serve = signature(
        meta_graph(&["serve"], &graph(false)),
        "serving_default",
        &[],
        &["model/block_3/layer_49/node_19999:0"],
    );
    saved_model([&serve, &meta_graph(&["train"], &graph(true))]).into_bytes()
}

/// A library of 1,000 functions of 40 nodes, of 20 structures.
fn functions() -> Bytes {
    let function = |number: usize| {
        let name = |step: usize| format!("function_{number}/step_{step}");
        let node = |step: usize| {
            node_of(
                &name(step),
                OPS[(step * (number % 20) + step) % OPS.len()],
                &["x", &format!("{}:output:0", name(step / 2))],
            )
        };
        function_of(&format!("__inference_call_{number}"), &["x"], &(0..40).map(node).collect::<Vec<_>>())
    };
    let graph = graph_of(&[node_of("x", "Placeholder", &[])], &(0..1_000).map(function).collect::<Vec<_>>());
    saved_model([&meta_graph(&["serve"], &graph)]).into_bytes()
}

/// Sixteen constants of 256 kB, half of which are the other half again.
fn constants() -> Bytes {
    let content = |seed: usize| {
        (0..1 << 18).map(|at: usize| u8::try_from(at * (seed + 3) % 251).unwrap_or_default()).collect::<Vec<u8>>()
    };
    let nodes: Vec<Message> = (0..16).map(|at| constant(&format!("weights_{at}"), &content(at % 8))).collect();
    saved_model([&meta_graph(&["serve"], &graph_of(&nodes, &[]))]).into_bytes()
}

fn model_of(main_file: &Bytes) -> Model {
    Model::in_memory("model", [("saved_model.pb".to_owned(), main_file.clone())])
}

fn walk(file: &[u8], range: Range<usize>, depth: usize) -> usize {
    let inner = |field: Field| if depth > 0 { walk(file, field.payload(), depth - 1) } else { 1 };
    fields(file, range).map(inner).sum()
}

fn charged(model: &Model, dimensions: &[Dimension]) -> (SavedModel, Ledger) {
    let mut ledger = Ledger::new(dimensions);
    let saved_model = charge_model(model, MainFile::open(model).as_ref(), None, &mut ledger, &Silent).unwrap();
    (saved_model, ledger)
}

const DEFAULT: [Dimension; 4] = [Dimension::Category, Dimension::MetaGraph, Dimension::Section, Dimension::Op];

fn charging(criterion: &mut Criterion) {
    let file = nodes();
    let model = model_of(&file);
    let mut group = criterion.benchmark_group("nodes");
    group.throughput(Throughput::Bytes(file.len() as u64));
    group.bench_function("wire walk", |b| b.iter(|| walk(black_box(&file), 0..file.len(), 3)));
    group.bench_function("charging", |b| b.iter(|| charged(black_box(&model), &DEFAULT)));
    group.finish();
    let (_, ledger) = charged(&model, &[Dimension::Op, Dimension::Node]);
    criterion.bench_function("rollup of 40,000 rows", |b| b.iter(|| ledger.rollup(&[Dimension::Op, Dimension::Node])));
}

fn find_duplicates(model: &Model) -> duplicates::Duplicates {
    let main = MainFile::open(model).unwrap();
    let meta_graphs = main.meta_graphs();
    let bytes = main.bytes.as_ref().unwrap();
    let main_file =
        duplicates::MainFile { name: "saved_model.pb", bytes, layout: &Layout::Wire, meta_graphs: &meta_graphs };
    let inputs = duplicates::Inputs {
        main_file: Some(main_file),
        checkpoint: None,
        assets: &[],
        min_duplicate: 1024,
        marks: false,
        work: &Work::silent(),
        open: &|_| Some(bytes.clone().into()),
    };
    duplicates::find(&inputs).0
}

fn duplicate(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("duplicates");
    for (name, file) in [("elements", nodes()), ("structure", functions()), ("payloads", constants())] {
        let model = model_of(&file);
        group.throughput(Throughput::Bytes(file.len() as u64));
        group.bench_function(name, |b| b.iter(|| find_duplicates(black_box(&model))));
    }
    group.finish();
}

fn reach<'a>(file: &'a [u8], saved_model: &SavedModel) -> graph::Reach<'a> {
    let meta_graphs = &saved_model.meta_graphs.iter().map(graph::MetaGraph::from).collect::<Vec<_>>();
    let (layout, progress) = (&Layout::Wire, &Silent);
    graph::reach(&graph::Inputs { file, layout, meta_graphs, checkpoint: None, asset_bytes: &|_| 0, progress })
}

fn answers(criterion: &mut Criterion) {
    for (name, file) in [("nodes", nodes()), ("functions", functions())] {
        let model = model_of(&file);
        let main = MainFile::open(&model);
        let (saved_model, _) = charged(&model, &DEFAULT);
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Bytes(file.len() as u64));
        group.bench_function("reach", |b| b.iter(|| reach(black_box(&file), &saved_model)));
        let (found, reached) = (find_duplicates(&model), reach(&file, &saved_model));
        // A context keeps what was found out: each run has one of its own.
        let facts = || findings::Facts::new(&model, main.as_ref(), &saved_model, None, &found, &reached);
        let context = || findings::Context::new(facts());
        group.bench_function("findings", |b| b.iter(|| findings::find(&context(), &Work::silent())));
        group.finish();
    }
}

fn table(criterion: &mut Criterion) {
    let key = |at: usize| format!("layer_{at:05}/kernel/.ATTRIBUTES/VARIABLE_VALUE");
    let build = (0..10_000).fold(TableBuilder::new().block_entries(40), |table, at| table.entry(key(at), [7; 24]));
    let file = Bytes::from(build.build());
    let mut group = criterion.benchmark_group("checkpoint");
    group.throughput(Throughput::Bytes(file.len() as u64));
    group
        .bench_function("table reader", |b| b.iter(|| Table::open(black_box(file.clone())).unwrap().entries().count()));
    group.finish();
}

criterion_group!(parts, charging, duplicate, answers, table);
criterion_main!(parts);
