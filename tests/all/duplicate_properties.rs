//! What holds of duplicates whatever the model is.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::cast_possible_truncation)]

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use smaudit::Dimension;
use smaudit::Problem;
use smaudit::input::Model;
use smaudit::internals::checkpoint::Checkpoint;
use smaudit::internals::duplicates::{Inputs, Member, Place, find};
use smaudit::internals::identity::FileId;
use smaudit::progress::{Silent, Work};
use smaudit::report::ModelReport;
use smaudit::{Options, audit, neighbours};
use support::bundle::{BundleBuilder, DATA, INDEX, bytes_entry, index};
use support::table::masked;
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

/// Contents of few kinds and lengths, so that they meet: zeros, ones, and such as are not one value throughout.
fn content() -> impl Strategy<Value = Vec<u8>> {
    (0..4_u8, 7..11_usize).prop_map(|(kind, length)| match kind {
        0 | 1 => vec![kind; length],
        _ => (kind..).take(length).collect(),
    })
}

/// A TensorProto whose contents are in any of its fields, in any order: strings, bytes, numbers packed and one by one.
fn any_tensor() -> impl Strategy<Value = Message> {
    vec((0..4, content()), 0..6).prop_map(|fields| {
        fields.into_iter().fold(message().int(1, 1), |tensor, (kind, content)| match kind {
            0 => tensor.bytes(4, content),
            1 => tensor.bytes(8, content),
            2 => tensor.bytes(5, content),
            _ => tensor.fixed32(5, u32::from(content[0])),
        })
    })
}

/// Names of which some differ only in what no key of a cache holds: it has the last eight bytes, and the length.
const ANY_NAME: &str = "[ab]|[ab]/and_all_of_this_behind_it|and_all_of_this_before_it/[ab]";

fn any_node() -> impl Strategy<Value = Message> {
    prop_oneof![
        (ANY_NAME, "[AB]|[AB]WithThisBehindIt").prop_map(|(name, op)| node(&name, &op)),
        (ANY_NAME, content()).prop_map(|(name, content)| constant(&name, &content)),
        (ANY_NAME, any_tensor()).prop_map(|(name, tensor)| node(&name, "Const").entry(
            5,
            "value",
            &message().message(8, &tensor)
        )),
        // With a field of each given twice, as protobuf allows it.
        (ANY_NAME, any_tensor(), any_tensor()).prop_map(|(name, first, second)| {
            node("other", "Other").bytes(2, "Const").bytes(1, &name).entry(
                5,
                "value",
                &message().message(8, &first).message(8, &second),
            )
        }),
    ]
}

/// The index of a shard in which tensors overlap, lie on each other, and go past its end.
fn overlapping() -> impl Strategy<Value = Vec<(String, Vec<u8>)>> {
    (vec(content(), 0..6), vec((0..50_usize, 1..30_u64), 0..6)).prop_map(|(contents, ranges)| {
        let data = contents.concat();
        let entries = ranges.iter().enumerate().map(|(number, (offset, bytes))| {
            let end = data.len().min(offset + *bytes as usize);
            let crc = masked(crc32c::crc32c(data.get(*offset..end).unwrap_or_default()));
            (format!("v{number}"), bytes_entry(*offset as u64, *bytes).fixed32(6, crc))
        });
        let entries: Vec<(String, Message)> = entries.collect();
        let entries: Vec<(&str, Message)> = entries.iter().map(|(key, entry)| (&**key, entry.clone())).collect();
        vec![(INDEX.to_owned(), index(&entries)), (DATA.to_owned(), data)]
    })
}

fn any_graph() -> impl Strategy<Value = Message> {
    (vec(any_node(), 0..5), vec((ANY_NAME, vec(any_node(), 0..3)), 0..3), vec("[st]", 0..3)).prop_map(
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
        let marked = |state: &str| report.breakdown.rows.iter().find(|row| *row.name == *state).map_or(0, |row| row.bytes);
        prop_assert_eq!(marked("redundant"), report.duplicates.redundant_bytes);
        prop_assert_eq!(marked("zero"), report.duplicates.zero_bytes);
        prop_assert_eq!(marked("zero") + marked("fill"), report.duplicates.fill_bytes);
        prop_assert_eq!(report.breakdown.total(), report.total_bytes);
        prop_assert!(report.duplicates.redundant_bytes + report.duplicates.fill_bytes <= report.total_bytes);
    }

    #[test]
    fn no_byte_of_tensors_that_overlap_is_counted_twice(files in overlapping()) {
        let report = audited(files.clone());
        let data = files.last().map_or(0, |(_, data)| data.len() as u64);
        prop_assert!(report.duplicates.redundant_bytes + report.duplicates.fill_bytes <= data);
    }

    #[test]
    fn what_an_earlier_model_has_is_no_more_than_the_model_however_its_tensors_overlap(files in overlapping()) {
        let files = files.into_iter().map(|(name, bytes)| (name, Bytes::from(bytes)));
        let models = ["a", "b"].map(|path| Model::in_memory(path, files.clone()));
        for pair in neighbours(&models, MIN_DUPLICATE, &Silent).pairs {
            prop_assert!(pair.bytes <= models[1].bytes(), "{pair:?}");
            prop_assert!(pair.tensors.count <= pair.tensors.of && pair.files.count <= pair.files.of);
        }
    }

    #[test]
    fn what_cannot_be_read_is_equal_to_nothing(files in any_files(), unreadable: prop::sample::Index) {
        let lost = unreadable.index(files.len());
        let listed: Vec<(String, u64)> = files.iter().map(|(name, bytes)| (name.clone(), bytes.len() as u64)).collect();
        let open = |name: &str| {
            let (at, (_, bytes)) = files.iter().enumerate().find(|(_, (file, _))| file == name)?;
            (at != lost).then(|| Bytes::copy_from_slice(bytes))
        };
        let not_read = |name: &str| Problem::of_file(name, "cannot be read");
        let checkpoint = Checkpoint::read(&listed, |name| open(name).ok_or_else(|| not_read(name)));
        let assets = (0..).map(FileId).zip(&listed).filter(|(_, (name, _))| name.starts_with("assets/"));
        let assets: Vec<(FileId, &str, u64)> = assets.map(|(id, (name, bytes))| (id, &**name, *bytes)).collect();
        let work = Work::silent();
        let inputs = Inputs {
            main_file: None,
            checkpoint: checkpoint.as_ref(),
            assets: &assets,
            min_duplicate: MIN_DUPLICATE,
            marks: false,
            work: &work,
            open: &|name| open(name).map(Into::into),
        };
        let (name, _) = &listed[lost];
        let is_of_it = |member: &Member| match member.place {
            Place::Tensor(_) => name == DATA,
            Place::File(file) => listed[file.position()].0 == *name,
            _ => false,
        };
        for group in find(&inputs).0.groups {
            prop_assert!(!group.members.iter().any(is_of_it), "{group:?}");
        }
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
            (report.duplicates.redundant_bytes, report.duplicates.fill_bytes, report.duplicates.zero_bytes)
        };
        let reversed: Vec<Message> = nodes.iter().rev().cloned().collect();
        prop_assert_eq!(figures(&nodes), figures(&reversed));
    }
}
