//! What a diff of models of twice the size takes, as `growth` has it for audits: of functions, nodes, variables, signatures and metagraphs
//! of which each may be any other, of a stored report, and of models in a row; and what a page of very many signatures takes.

use super::growth::{Files, assert_taken_grows, named, of, of_nodes, with};
use smaudit::Options;
use smaudit::diff::{self, Side, StoredReport, Versions};
use smaudit::input::Model;
use smaudit::internals::meter::{Taken, measured};
use smaudit::progress::Silent;
use smaudit::report::{Baseline, DiffFormat, Format, ModelReport, Report, SideKind, View};
use support::bundle::BundleBuilder;
use support::graph::{function_of, graph_of, node_of, object, objects, signature, tracked};
use support::wire::{Message, constant, message, meta_graph, node, saved_model};

fn model(files: Files) -> Model {
    Model::in_memory("grown", files.into_iter().map(|(name, contents)| (name, contents.into())))
}

fn audited(model: &Model) -> ModelReport {
    let options = Options { digests: true, file_digests: true, nodes: true, ..Options::default() };
    smaudit::audit(model, &options, &Silent).expect("the books balance")
}

/// What it takes to hold two models against each other, both as they are and one of them as a stored report, and to write that in each
/// format; and to write the figures of one for later. Audits are not counted, as `growth` has them.
fn taken(old: Files, new: Files) -> (u64, Taken) {
    let bytes = old.iter().chain(&new).map(|(_, contents)| contents.len() as u64).sum();
    let [old, new] = [old, new].map(|files| audited(&model(files)));
    let mut report = Report::new();
    report.models.push(old);
    let mut json = Vec::new();
    Format::Json.write(&report, &View::default(), &mut json).expect("memory can be written to");
    let json = String::from_utf8(json).expect("JSON is text");
    let (_, taken) = measured(|| {
        let stored = StoredReport::parse(&json).expect("a report is read again").models;
        let kinds = [(&report.models, SideKind::Model), (&stored, SideKind::Report)];
        for (old, kind) in kinds.into_iter().filter_map(|(models, kind)| Some((models.first()?, kind))) {
            let (old, new) = (Side { model: old, kind }, Side { model: &new, kind: SideKind::Model });
            let found = diff::diff(old, new, &diff::Options::default()).expect("it is by nothing");
            for format in DiffFormat::ALL {
                found.write(format, Some(0), 80, &mut std::io::sink()).expect("nothing can be written to");
            }
        }
        let baseline = Baseline::of(&new).text().expect("figures are text");
        Baseline::parse(&baseline).expect("what was written is read");
    });
    (bytes, taken)
}

/// The second model has other names and other numbers, from `at` on.
#[track_caller]
fn assert_grows(case: &str, n: usize, make: impl Fn(usize, usize) -> Files) {
    let of_size = |n: usize| taken(make(n, 0), make(n, 7));
    assert_taken_grows(case, of_size(n), of_size(2 * n));
}

#[test]
fn functions_of_which_each_may_be_any_other() {
    assert_grows("of one name but for its number, each of another size", 600, |n, at| {
        let body = |function: usize| -> Vec<Message> {
            (0..1 + function % 13).map(|node_at| node(&format!("n{node_at}"), &format!("Op{}", at + node_at))).collect()
        };
        let functions: Vec<Message> =
            (0..n).map(|number| function_of(&format!("f_{}", number * 3 + at), &[], &body(number))).collect();
        of(&[node("y", "NoOp")], &functions, message())
    });
    assert_grows("that are the same one", 1_000, |n, at| {
        let functions: Vec<Message> =
            (at..at + n).map(|number| function_of(&format!("f_{number}"), &[], &[node("x", "NoOp")])).collect();
        of(&[node("y", "NoOp")], &functions, message())
    });
    assert_grows("one of a long name, with many nodes", 500, |n, at| {
        let nodes: Vec<Message> =
            (at..at + n).map(|number| node(&format!("n{number}"), &format!("Op{number}"))).collect();
        of(&[node("y", "NoOp")], &[function_of(&"f".repeat(n * 30), &[], &nodes)], message())
    });
}

#[test]
fn nodes_of_which_each_may_be_any_other() {
    assert_grows("constants", 1_500, |n, at| {
        let constant = |number: usize| constant(&format!("c_{number}"), &(number as u32 * 3).to_le_bytes());
        of_nodes(&(at..at + n).map(constant).chain([node("y", "NoOp")]).collect::<Vec<_>>())
    });
    assert_grows("each of an op of its own", 1_000, |n, at| {
        let nodes = (at..at + n).map(|number| node(&format!("n{number}"), &format!("Op{number}")));
        of_nodes(&nodes.chain([node("y", "NoOp")]).collect::<Vec<_>>())
    });
    assert_grows("more than are looked at one by one", 9_000, |n, at| {
        let nodes = (at..at + n).map(|number| node_of(&format!("n{number}"), "Identity", &["y"]));
        of_nodes(&nodes.chain([node("y", "NoOp")]).collect::<Vec<_>>())
    });
}

#[test]
fn variables_and_contents_of_which_each_may_be_any_other() {
    assert_grows("of one name but for its number, one type and one shape", 600, |n, at| {
        let names = named(n, |number| format!("v_{}", number + at));
        let children: Vec<(&str, u64)> = names.iter().map(String::as_str).zip(1..).collect();
        let root = object(4, &message().bytes(1, ""), &children);
        let all = [vec![root], vec![object(7, &message().int(1, 1), &[]); n]].concat();
        let keys: Vec<&str> = [""].into_iter().chain(names.iter().map(String::as_str)).collect();
        let bundle = names.iter().enumerate().fold(BundleBuilder::default(), |bundle, (number, name)| {
            bundle.tensor(name, &[(number * 2 + at) as u8, (number >> 7) as u8, 1, 1])
        });
        let bundle = bundle.string("_CHECKPOINTABLE_OBJECT_GRAPH", &tracked(&keys).0);
        with(of(&[node("y", "NoOp")], &[], message().message(7, &objects(&all, &[]))), bundle)
    });
    assert_grows("files of one size", 400, |n, at| {
        let file = |number: usize| (format!("assets/f_{number}"), format!("{:08}", number * 2).into_bytes());
        [of_nodes(&[node("y", "NoOp")]), (at..at + n).map(file).collect()].concat()
    });
    assert_grows("contents that are there twice", 150, |n, at| {
        let constant = |number: usize| {
            let content = [vec![1; 1500], (number as u32 / 2 + 99 * at as u32).to_be_bytes().to_vec()].concat();
            constant(&format!("c_{number}"), &content)
        };
        of_nodes(&(0..n).map(constant).chain([node("y", "NoOp")]).collect::<Vec<_>>())
    });
}

/// A metagraph of these tags with so many signatures.
fn with_signatures(tags: &[&str], signatures: usize, at: usize) -> Message {
    let graph = meta_graph(tags, &graph_of(&[node("y", "NoOp"), node(&format!("n{at}"), "Op")], &[]));
    (at..at + signatures).fold(graph, |graph, number| signature(graph, &format!("s_{number}"), &["y:0"], &["y:0"]))
}

#[test]
fn signatures_and_metagraphs_of_which_each_may_be_any_other() {
    let file = |main: Message| vec![("saved_model.pb".to_owned(), main.0)];
    assert_grows("signatures", 1_000, |n, at| file(saved_model([&with_signatures(&["serve"], n, at)])));
    assert_grows("metagraphs of the same tags", 60, |n, at| {
        let graphs: Vec<Message> = (0..n).map(|number| with_signatures(&["serve"], 2, number + at)).collect();
        file(saved_model(&graphs))
    });
    assert_grows("metagraphs of tags of their own", 60, |n, at| {
        let tags = named(n, |number| format!("t{}", number + at));
        let graphs: Vec<Message> = tags.iter().map(|tag| with_signatures(&[tag], 2, at)).collect();
        file(saved_model(&graphs))
    });
}

#[test]
fn models_in_a_row() {
    let of_models = |n: usize| {
        let models: Vec<Model> = (0..n)
            .map(|at| model(of_nodes(&[node("y", "NoOp"), constant(&format!("c_{at}"), &vec![at as u8 + 1; 1500])])))
            .collect();
        let reports: Vec<ModelReport> = models.iter().map(audited).collect();
        let (_, taken) = measured(|| {
            let mut versions = Versions::new(diff::Options::default());
            reports.iter().for_each(|report| {
                versions.push(report.clone(), SideKind::Model).expect("it is by nothing");
            });
            let found = versions.report().expect("it is by nothing").expect("there are two at least");
            for format in DiffFormat::ALL {
                found.write(format, Some(0), 80, &mut std::io::sink()).expect("nothing can be written to");
            }
        });
        (models.iter().map(Model::bytes).sum(), taken)
    };
    assert_taken_grows("versions", of_models(60), of_models(120));
}

#[test]
fn a_page_of_very_many_signatures() {
    let of_signatures = |n: usize| {
        let main = saved_model([&with_signatures(&["serve"], n, 0)]);
        let model = model(vec![("saved_model.pb".to_owned(), main.0)]);
        let (_, taken) = measured(|| {
            let options = Options { treemap: Some(1_000), ..Options::default() };
            let mut report = Report::new();
            report.models.push(smaudit::audit(&model, &options, &Silent).expect("the books balance"));
            Format::Html.write(&report, &View::default(), &mut std::io::sink()).expect("nothing can be written to");
        });
        (model.bytes(), taken)
    };
    assert_taken_grows("as HTML", of_signatures(8_192), of_signatures(16_384));
}
