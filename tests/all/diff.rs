//! What changed from one model to another: what holds of every pair, and of models that were changed on purpose.
//!
//! Models are the fixtures, and where `../shared` lies beside the checkout all that is in it.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::run::{fixtures, root};
use proptest::test_runner::{Config, TestRng, TestRunner};
use rayon::prelude::*;
use smaudit::diff::{Options, Side, diff};
use smaudit::input::Model;
use smaudit::progress::Silent;
use smaudit::report::{DiffKind, DiffReport, DiffRow, DiffStatus, ModelReport, SideKind};
use support::mutate::{Edit, edit_function, edit_graph_node, graph_nodes, rename_all, uncalled_functions};

fn audited(model: &Model) -> ModelReport {
    let options = smaudit::Options { digests: true, file_digests: true, nodes: true, ..smaudit::Options::default() };
    smaudit::audit(model, &options, &Silent).unwrap()
}

fn of(old: &ModelReport, new: &ModelReport) -> DiffReport {
    let side = |model| Side { model, kind: SideKind::Model };
    diff(side(old), side(new), &Options::default()).unwrap()
}

fn model_at(path: &Path) -> Model {
    Model::read(path, &path.to_string_lossy())
}

/// Every model at hand.
fn models() -> Vec<PathBuf> {
    let mut models: Vec<PathBuf> = fixtures().iter().map(|name| root().join("fixtures").join(name)).collect();
    for collection in ["corpus", "pathologies/models", "reports"] {
        let Ok(entries) = std::fs::read_dir(root().join("../shared").join(collection)) else { continue };
        for folder in entries.map(|entry| entry.unwrap().path()) {
            models.extend([folder.clone(), folder.join("bloated"), folder.join("fixed")]);
        }
    }
    let is_model =
        |path: &PathBuf| ["pb", "pbtxt", "cpb"].iter().any(|form| path.join(format!("saved_model.{form}")).is_file());
    models.retain(is_model);
    models.sort();
    models
}

/// Those whose main file is small: others have no more sorts of things in them.
fn small_models() -> Vec<PathBuf> {
    let is_small = |path: &PathBuf| path.join("saved_model.pb").metadata().is_ok_and(|file| file.len() < 200_000);
    models().into_iter().filter(is_small).collect()
}

/// The reports of all of them, made once.
fn audits() -> &'static [ModelReport] {
    static ALL: OnceLock<Vec<ModelReport>> = OnceLock::new();
    ALL.get_or_init(|| models().par_iter().map(|path| audited(&model_at(path))).collect())
}

#[test]
fn a_model_and_itself_differ_in_nothing() {
    for model in audits() {
        let report = of(model, model);
        assert!(report.is_empty() && report.naming_bytes == 0, "{}: {:#?}", model.path, report.breakdown);
    }
}

/// The sums of rows that are below one row.
fn add_up(row: &DiffRow, where_: &str) {
    assert_eq!(row.delta, i64::try_from(row.new).unwrap() - i64::try_from(row.old).unwrap(), "{where_}/{}", row.name);
    if row.children.is_empty() {
        return;
    }
    let sum = |figure: fn(&DiffRow) -> u64| row.children.iter().map(figure).sum::<u64>();
    let sums = (sum(|row| row.old), sum(|row| row.new), sum(|row| row.old_count), sum(|row| row.new_count));
    assert_eq!(sums, (row.old, row.new, row.old_count, row.new_count), "{where_}/{}", row.name);
    row.children.iter().for_each(|child| add_up(child, &format!("{where_}/{}", row.name)));
}

#[track_caller]
fn adds_up(report: &DiffReport) {
    let pair = format!("{} → {}", report.old.path, report.new.path);
    let rows = &report.breakdown.rows;
    assert_eq!(rows.iter().map(|row| row.delta).sum::<i64>(), report.delta_bytes, "{pair}");
    if !rows.is_empty() {
        let sums = (rows.iter().map(|row| row.old).sum(), rows.iter().map(|row| row.new).sum());
        assert_eq!(sums, (report.old.total_bytes, report.new.total_bytes), "{pair}");
    }
    let categories: i64 = report.categories.values().map(|change| change.delta).sum();
    assert_eq!(categories, report.delta_bytes, "{pair}");
    rows.iter().for_each(|row| add_up(row, &pair));
    let naming = rows.iter().filter(|row| row.kind == DiffKind::Naming).map(|row| row.delta).sum::<i64>();
    assert_eq!(naming, report.naming_bytes, "{pair}");
}

/// A row with its parts, turned round.
fn turned(row: &DiffRow) -> DiffRow {
    let mut turned = row.clone();
    if let Some(old) = &row.old_name {
        (turned.name, turned.old_name) = (old.clone(), Some(row.name.clone()));
    }
    (turned.old, turned.new, turned.delta) = (row.new, row.old, -row.delta);
    (turned.old_count, turned.new_count) = (row.new_count, row.old_count);
    turned.status = match row.status {
        DiffStatus::Added => DiffStatus::Removed,
        DiffStatus::Removed => DiffStatus::Added,
        other => other,
    };
    turned.note = row.note.as_ref().map(|note| match note.split_once(" → ") {
        Some((old, new)) => format!("{new} → {old}"),
        None => note.clone(),
    });
    turned.children = row.children.iter().map(self::turned).collect();
    turned
}

/// The rows with their parts, a line each; a metagraph's number is that of the new model, so it is left out.
fn lines(rows: &[DiffRow]) -> Vec<String> {
    let mut lines = Vec::new();
    for row in rows {
        let mut short = row.clone();
        (short.children, short.meta_graph) = (Vec::new(), None);
        lines.push(format!("{short:?}"));
        lines.extend(self::lines(&row.children));
    }
    lines.sort();
    lines
}

/// Two random models of those at hand, so many times.
fn random_pairs(models: &[ModelReport], number: usize) -> Vec<(&ModelReport, &ModelReport)> {
    let mut rng = TestRunner::new_with_rng(Config::default(), TestRng::deterministic_rng(Default::default()));
    let mut any = || {
        use proptest::strategy::{Strategy as _, ValueTree as _};
        &models[(0..models.len()).new_tree(&mut rng).unwrap().current()]
    };
    (0..number).map(|_| (any(), any())).collect()
}

#[test]
fn rows_add_up_on_every_level_and_turn_round_with_the_models() {
    let models = audits();
    random_pairs(models, 500).par_iter().for_each(|(old, new)| {
        let (there, back) = (of(old, new), of(new, old));
        adds_up(&there);
        assert_eq!(there.delta_bytes, -back.delta_bytes);
        assert_eq!(there.naming_bytes, -back.naming_bytes);
        let lists = |report: &DiffReport| {
            let lists = [&report.functions, &report.nodes, &report.variables, &report.files].map(|list| &list.rows);
            [&report.breakdown.rows].into_iter().chain(lists).cloned().collect::<Vec<_>>().concat()
        };
        let (expected, found) = (lines(&lists(&there).iter().map(turned).collect::<Vec<_>>()), lines(&lists(&back)));
        let first = expected.iter().zip(&found).find(|(expected, found)| expected != found);
        assert_eq!(first, None, "{} and {}", old.path, new.path);
        assert_eq!(expected.len(), found.len());
        assert_eq!(there.findings.new.len(), back.findings.resolved.len());
    });
}

/// The model at a path with another main file.
fn with_main_file(path: &Path, change: impl Fn(&[u8]) -> Vec<u8>) -> Option<[Model; 2]> {
    let main = std::fs::read(path.join("saved_model.pb")).ok()?;
    let read = |main: Vec<u8>| {
        let others =
            walkdir::WalkDir::new(path).into_iter().filter_map(Result::ok).filter(|entry| entry.file_type().is_file());
        let others = others.filter(|entry| entry.file_name() != "saved_model.pb").map(|entry| {
            let name = entry.path().strip_prefix(path).unwrap().to_str().unwrap().to_owned();
            (name, std::fs::read(entry.path()).unwrap().into())
        });
        Model::in_memory("model", [("saved_model.pb".to_owned(), main.into())].into_iter().chain(others))
    };
    Some([read(main.clone()), read(change(&main))])
}

#[test]
fn a_model_whose_functions_and_nodes_have_other_names_differs_in_naming_only() {
    let said: Vec<String> = small_models()
        .par_iter()
        .filter_map(|path| {
            let [old, new] = with_main_file(path, rename_all)?;
            let (old, new) = (audited(&old), audited(&new));
            let report = of(&old, &new);
            adds_up(&report);
            let others = report.breakdown.rows.iter().filter(|row| row.kind != DiffKind::Naming && row.delta != 0);
            let mut said: Vec<String> = others.map(|row| format!("{}: {}", row.name, row.delta)).collect();
            let functions = &report.functions;
            let changed = functions.rows.iter().filter(|row| row.status != DiffStatus::Naming);
            said.extend(changed.map(|row| format!("{:?} {} {:?}", row.status, row.name, row.old_name)));
            let all: usize = old.meta_graphs.iter().map(|graph| graph.function_defs.len()).sum();
            if functions.renamed != all as u64 {
                said.push(format!("{} of {all} functions have another name", functions.renamed));
            }
            (!said.is_empty()).then(|| format!("{}: {said:#?}", path.display()))
        })
        .collect();
    assert!(said.is_empty(), "{}", said.join("\n"));
}

#[test]
fn one_function_more_less_or_another_is_found_as_exactly_that() {
    let mut edited = 0;
    for path in small_models() {
        let Ok(main) = std::fs::read(path.join("saved_model.pb")) else { continue };
        // One of each.
        let names = uncalled_functions(&main);
        if let Some(name) = names.get(names.len() / 2) {
            for (edit, counts) in [(Edit::Duplicate, (1, 0, 0)), (Edit::Delete, (0, 1, 0)), (Edit::AddNode, (0, 0, 1))]
            {
                let [old, new] = with_main_file(&path, |main| edit_function(main, name, edit)).unwrap();
                let report = of(&audited(&old), &audited(&new));
                adds_up(&report);
                let functions = &report.functions;
                let found = (functions.added, functions.removed, functions.changed);
                assert_eq!(found, counts, "{edit:?} of {name} of {}: {:#?}", path.display(), functions.rows);
                assert!(
                    functions
                        .rows
                        .iter()
                        .all(|row| row.status == DiffStatus::Naming || row.name.contains(name.as_str()))
                );
                edited += 1;
            }
        }
    }
    assert!(edited >= 12, "{edited}");
}

#[test]
fn one_node_more_less_or_another_is_found_as_exactly_that() {
    let mut edited = 0;
    for path in small_models() {
        let Ok(main) = std::fs::read(path.join("saved_model.pb")) else { continue };
        let names = graph_nodes(&main);
        let at = names.len() / 2;
        let Some(name) = names.get(at) else { continue };
        for (edit, counts) in [(Edit::Duplicate, (1, 0, 0)), (Edit::Delete, (0, 1, 0)), (Edit::AddNode, (0, 0, 1))] {
            let [old, new] = with_main_file(&path, |main| edit_graph_node(main, at, edit)).unwrap();
            let report = of(&audited(&old), &audited(&new));
            adds_up(&report);
            let nodes = &report.nodes;
            let found = (nodes.added, nodes.removed, nodes.changed);
            assert_eq!(found, counts, "{edit:?} of {name} of {}: {:#?}", path.display(), nodes.rows);
            let row = &nodes.rows[0];
            let expected = if edit == Edit::Duplicate { format!("{name}_once_more") } else { name.clone() };
            assert_eq!((&row.name, row.kind), (&expected, DiffKind::Node), "{}", path.display());
            edited += 1;
        }
    }
    assert!(edited >= 12, "{edited}");
}

/// A model whose graph has so many nodes of one op that are the same but for names, and one more of another.
fn many_nodes(number: usize) -> Model {
    use support::wire::{meta_graph, node, saved_model};
    let nodes: Vec<_> =
        (0..number).map(|at| node(&format!("n_{at}"), "Identity")).chain([node("one", "Relu")]).collect();
    let graph = support::graph::graph_of(&nodes, &[]);
    let main = saved_model([&meta_graph(&["serve"], &graph)]).0;
    Model::in_memory("model", [("saved_model.pb".to_owned(), main.into())])
}

#[test]
fn of_a_graph_with_very_many_nodes_those_that_are_alike_are_one_row() {
    let [old, new] = [70_000, 70_001].map(|number| audited(&many_nodes(number)));
    let report = of(&old, &new);
    adds_up(&report);
    let rows: Vec<_> = report.nodes.rows.iter().map(|row| (&*row.name, row.old_count, row.new_count)).collect();
    assert_eq!(rows, [("n_0", 70_000, 70_001)]);
    assert!(report.not_known.is_empty());
}

/// Exports of one program, or two versions of one, in the corpus.
const PAIRS: [[&str; 2]; 8] = [
    ["basic-pitch-dec04_train2_1epoch", "basic-pitch-dec04_tfrecord_1epoch"],
    ["tfx-1646034756", "tfx-1646034758"],
    ["cppflow-model", "cppflow-model-2"],
    ["mutliagent_tigertodeer-0", "mutliagent_tigertodeer-2"],
    ["cloudml-keras-2.0.0-alpha0", "cloudml-keras-multiple-2.0.0-alpha0"],
    ["cloudml-samples-1554227547", "cloudml-samples-1554227548"],
    ["meltingpot-arena_rws_free_0", "meltingpot-arena_rws_free_1"],
    ["kipoi-model_files", "kipoi-model_files-2"],
];

/// The rows that stand for the nodes of an op each, and those of a type and a shape.
fn with_figures<'r>(rows: &'r [DiffRow], found: &mut Vec<&'r DiffRow>) {
    for row in rows {
        found.extend((row.kind == DiffKind::Op || row.kind == DiffKind::Variable).then_some(row));
        if row.kind != DiffKind::Op {
            with_figures(&row.children, found);
        }
    }
}

/// Names give way to what is behind them: `ReadVar…bleOp: 3 added, 1,437 removed`, and a shape is there as a whole or not at all.
#[test]
fn no_figure_behind_a_name_is_cut_on_a_narrow_terminal() {
    let mut checked = 0;
    for [old, new] in PAIRS {
        let [old, new] = [old, new].map(|name| root().join("../shared/corpus").join(name));
        if !old.is_dir() {
            continue;
        }
        let [old, new] = [old, new].map(|path| audited(&model_at(&path)));
        let report = of(&old, &new);
        for columns in [60, 80] {
            let mut text = Vec::new();
            report.write(smaudit::report::DiffFormat::Text, Some(0), columns, &mut text).unwrap();
            let text = String::from_utf8(text).unwrap();
            for line in
                text.lines().skip_while(|line| !line.contains("largest changes")).take_while(|line| !line.is_empty())
            {
                let behind = line.split_once(": ").map(|(_, behind)| behind).filter(|_| line.contains(" nodes"));
                let words = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || " ,+-~".contains(c));
                assert!(behind.is_none_or(words), "{line}");
                let note = line.strip_suffix(')').and_then(|line| line.rsplit_once('(')).map(|(_, note)| note);
                let note = note.filter(|_| line.contains("variable"));
                assert!(note.is_none_or(|note| !note.trim_start_matches("… → ").contains('…')), "{line}");
            }
            let mut rows = Vec::new();
            with_figures(&report.breakdown.rows, &mut rows);
            for row in rows.into_iter().filter(|row| row.kind == DiffKind::Op && row.children.len() > 2) {
                let total = |status| row.children.iter().filter(|node| node.status == status).count();
                let added = total(DiffStatus::Added);
                let says =
                    |line: &str| line.contains(&format!(": {added} added")) || line.contains(&format!(": +{added}"));
                assert!(added == 0 || text.lines().any(says), "{}: {added} of {}\n{text}", report.new.path, row.name);
                checked += 1;
            }
        }
    }
    assert!(checked > 0 || !root().join("../shared/corpus").is_dir(), "{checked}");
}
