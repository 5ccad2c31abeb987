//! What holds of duplicates whatever the model is.

#![allow(clippy::expect_used)]

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use smaudit::input::Model;
use smaudit::ledger::Dimension;
use smaudit::progress::Silent;
use smaudit::report::ModelReport;
use smaudit::{Options, audit};
use support::bundle::BundleBuilder;
use support::wire::{Message, constant, function, graph, message, node, saved_model};

/// The smallest payload that is compared: small, so that small models have many.
const MIN_DUPLICATE: u64 = 8;

fn audited(files: impl IntoIterator<Item = (String, Vec<u8>)>) -> ModelReport {
    let files = files.into_iter().map(|(name, bytes)| (name, Bytes::from(bytes)));
    let options = Options { by: vec![Dimension::Duplicate], min_duplicate: MIN_DUPLICATE, ..Options::default() };
    audit(&Model::in_memory("model", files), &options, &Silent).expect("the books balance")
}

fn main_file(model: &Message) -> (String, Vec<u8>) {
    ("saved_model.pb".to_owned(), model.0.clone())
}

/// Contents of few kinds and lengths, so that they meet.
fn content() -> impl Strategy<Value = Vec<u8>> {
    (0..3_u8, 7..11_usize).prop_map(|(byte, length)| vec![byte; length])
}

fn any_node() -> impl Strategy<Value = Message> {
    prop_oneof![
        ("[ab]", "[AB]").prop_map(|(name, op)| node(&name, &op)),
        ("[ab]", content()).prop_map(|(name, content)| constant(&name, &content)),
    ]
}

fn any_graph() -> impl Strategy<Value = Message> {
    (vec(any_node(), 0..5), vec(("[fg]", vec(any_node(), 0..3)), 0..3), vec("[st]", 0..3)).prop_map(
        |(nodes, functions, signatures)| {
            let library =
                functions.iter().fold(message(), |library, (name, nodes)| library.message(1, &function(name, nodes)));
            let graph = message().message(2, &graph(&nodes).message(2, &library));
            signatures.iter().fold(graph, |graph, key| graph.entry(5, key, &message()))
        },
    )
}

fn any_files() -> impl Strategy<Value = Vec<(String, Vec<u8>)>> {
    (vec(any_graph(), 0..4), vec(content(), 0..4), vec(content(), 0..3)).prop_map(|(graphs, tensors, assets)| {
        let bundle = tensors.iter().enumerate().fold(BundleBuilder::default(), |bundle, (index, content)| {
            bundle.tensor(&format!("variable_{index}"), content)
        });
        let assets = assets.into_iter().enumerate().map(|(index, content)| (format!("assets/{index}"), content));
        [main_file(&saved_model(&graphs))].into_iter().chain(bundle.files()).chain(assets).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_byte_is_counted_twice_and_the_ledger_says_the_same(files in any_files()) {
        let report = audited(files);
        let marked = |state: &str| report.breakdown.rows.iter().find(|row| row.name == state).map_or(0, |row| row.bytes);
        prop_assert_eq!(marked("redundant"), report.duplicates.redundant_bytes);
        prop_assert_eq!(marked("zero"), report.duplicates.zero_bytes);
        prop_assert_eq!(report.breakdown.total(), report.total_bytes);
    }

    #[test]
    fn what_is_redundant_leaves_at_least_the_largest_that_is_kept(files in any_files()) {
        let report = audited(files);
        let largest = report.duplicates.groups.iter().map(|group| group.bytes).max().unwrap_or(0);
        prop_assert!(report.duplicates.redundant_bytes <= report.total_bytes - largest);
    }

    #[test]
    fn the_groups_add_up_to_what_is_redundant(files in any_files()) {
        let duplicates = audited(files).duplicates;
        let groups: u64 = duplicates.groups.iter().map(|group| group.redundant_bytes).sum();
        prop_assert_eq!(groups, duplicates.redundant_bytes);
    }

    #[test]
    fn a_metagraph_appended_again_adds_exactly_its_elements(graphs in vec(any_graph(), 1..3), index: prop::sample::Index) {
        let before = audited([main_file(&saved_model(&graphs))]);
        let again = index.get(&graphs).clone();
        let after = audited([main_file(&saved_model(graphs.iter().chain([&again])))]);
        let copy = graphs.len() as u64;
        let added: u64 = after.duplicates.meta_graph_pairs.iter().filter(|pair| pair.copy == copy).map(|pair| pair.bytes).sum();
        let own = after.duplicates.meta_graph_own.iter().any(|own| own.meta_graph == copy);
        prop_assert!(!own, "all of its elements are there before");
        prop_assert_eq!(after.duplicates.redundant_bytes, before.duplicates.redundant_bytes + added);
    }

    #[test]
    fn the_order_of_nodes_changes_no_figure(nodes in vec(any_node(), 0..6)) {
        let figures = |nodes: &[Message]| {
            let report = audited([main_file(&saved_model([&message().message(2, &graph(nodes))]))]);
            (report.duplicates.redundant_bytes, report.duplicates.zero_bytes)
        };
        let reversed: Vec<Message> = nodes.iter().rev().cloned().collect();
        prop_assert_eq!(figures(&nodes), figures(&reversed));
    }
}
