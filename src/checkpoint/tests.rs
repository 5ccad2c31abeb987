use std::cell::RefCell;

use bytes::Bytes;
use prost::Message as _;

use super::*;
use crate::proto::trackable_object_graph::TrackableObject;
use crate::proto::trackable_object_graph::trackable_object::SerializedTensor;
use crate::proto::{BundleEntryProto, BundleHeaderProto, TrackableObjectGraph};
use crate::support::table::{TableBuilder, string_tensor};
use crate::support::v1;

const DATA: &str = "variables/variables.data-00000-of-00001";

/// Files in memory, and which of them were opened.
#[derive(Default)]
struct Files {
    contents: Vec<(String, Vec<u8>)>,
    opened: RefCell<Vec<String>>,
}

impl Files {
    fn with(mut self, path: &str, contents: impl Into<Vec<u8>>) -> Self {
        self.contents.push((path.to_owned(), contents.into()));
        self
    }

    fn read(&self) -> Option<Checkpoint> {
        let listed: Vec<_> = self.contents.iter().map(|(path, bytes)| (path.clone(), bytes.len() as u64)).collect();
        Checkpoint::read(&listed, |path| {
            self.opened.borrow_mut().push(path.to_owned());
            let found = self.contents.iter().find(|(name, _)| name == path);
            found
                .map(|(_, bytes)| Bytes::copy_from_slice(bytes))
                .ok_or_else(|| Problem::of_file(path, "cannot be opened"))
        })
    }
}

/// An index with entries of (key, shard, offset, size); all of them of type uint8 and without a shape to hold against.
fn index(num_shards: i32, entries: &[(&str, i32, i64, i64)]) -> Vec<u8> {
    let header = BundleHeaderProto { num_shards, ..Default::default() };
    let table = TableBuilder::new().entry("", header.encode_to_vec());
    let variant = |shard_id, offset, size| BundleEntryProto { dtype: 21, shard_id, offset, size, ..Default::default() };
    entries
        .iter()
        .fold(table, |t, &(key, shard, at, size)| t.entry(key, variant(shard, at, size).encode_to_vec()))
        .build()
}

fn messages(checkpoint: &Checkpoint) -> Vec<(&str, &str)> {
    checkpoint.problems.iter().map(|problem| (problem.file.as_str(), problem.message.as_str())).collect()
}

#[test]
fn a_model_without_checkpoint_files_has_no_checkpoint() {
    assert_eq!(Files::default().with("variables/checkpoint", "model_checkpoint_path").read(), None);
}

#[test]
fn every_byte_of_a_bundle_is_index_or_data_or_left_over() {
    let index = index(2, &[("a", 0, 0, 4), ("b", 0, 6, 2), ("c", 1, 0, 3)]);
    let files = Files::default()
        .with("variables/checkpoint", "text")
        .with(DATA, [0; 100])
        .with("variables/variables.data-00000-of-00002", [0; 8])
        .with("variables/variables.data-00001-of-00002", [0; 3])
        .with(layout::INDEX, index.clone());
    let checkpoint = files.read().unwrap();
    assert_eq!((checkpoint.format, checkpoint.problems.as_slice()), (Format::Bundle, &[][..]));
    assert_eq!(checkpoint.index_bytes(), index.len() as u64);
    assert_eq!((checkpoint.data_bytes(), checkpoint.unused_data_bytes(), checkpoint.stale_bytes()), (11, 2, 100));
    let extents: Vec<_> = checkpoint.shards().map(|(shard, file)| (shard, file.extents.clone())).collect();
    let extent = |range, tensor| Extent { range, tensor };
    assert_eq!(
        extents,
        [(0, vec![extent(0..4, Some(0)), extent(4..6, None), extent(6..8, Some(1))]), (1, vec![extent(0..3, Some(2))]),]
    );
    // Small ones are looked at whether they are shards.
    let shards = ["variables/variables.data-00000-of-00002", "variables/variables.data-00001-of-00002"];
    assert_eq!(*files.opened.borrow(), [layout::INDEX, shards[0], shards[1]]);
}

#[test]
fn files_are_found_by_name_whatever_order_they_came_in() {
    let checkpoint = Files::default().with(layout::INDEX, index(1, &[])).with(DATA, [0; 5]).read().unwrap();
    assert_eq!(checkpoint.file(DATA).map(|file| (file.role, file.bytes)), Some((Role::Shard(0), 5)));
    assert_eq!(checkpoint.file(layout::INDEX).map(|file| file.role), Some(Role::Index));
    assert_eq!(checkpoint.file("variables/elsewhere"), None);
}

#[test]
fn a_file_that_cannot_be_opened_is_a_problem_in_the_words_of_whoever_tried() {
    let files = [(layout::INDEX.to_owned(), 5)];
    let problem = |path: &str| Problem::of_file(path, "permission denied");
    let checkpoint = Checkpoint::read(&files, |path| Err::<Bytes, _>(problem(path))).unwrap();
    assert_eq!(checkpoint.problems, [problem(layout::INDEX)]);
    assert_eq!(checkpoint.index_bytes(), 5);
}

#[test]
fn a_missing_shard_and_a_tensor_past_the_end_are_problems() {
    let index = index(2, &[("a", 0, 2, 4), ("b", 1, 0, 4)]);
    let first = "variables/variables.data-00000-of-00002";
    let checkpoint = Files::default().with(layout::INDEX, index).with(first, [0; 5]).read().unwrap();
    let expected = [
        ("variables/variables.data-00001-of-00002", "expected this file, as the index names 2 shards, found none"),
        (first, "`a`: expected its data up to byte 6, found the file's end at 5"),
    ];
    assert_eq!(messages(&checkpoint), expected);
    assert_eq!(checkpoint.problems[1].offset, Some(2));
    assert_eq!(checkpoint.files[0].extents.last(), Some(&Extent { range: 2..5, tensor: Some(0) }));
}

/// An index of `variables/0`, of an object graph that calls it by `name`, and the data file.
fn with_object_graph(name: &str) -> (Vec<u8>, Vec<u8>) {
    with_names(&[("variables/0", name)])
}

/// An index of variables, of an object graph that calls each key by a name, and the data file.
fn with_names(names: &[(&str, &str)]) -> (Vec<u8>, Vec<u8>) {
    let attribute = |(key, name): &(&str, &str)| SerializedTensor {
        name: String::new(),
        full_name: (*name).to_owned(),
        checkpoint_key: (*key).to_owned(),
    };
    let attributes = names.iter().map(attribute).collect();
    let nodes = vec![TrackableObject { attributes, ..Default::default() }];
    let data = string_tensor(&[&TrackableObjectGraph { nodes }.encode_to_vec()]);
    let crc32c = strings::Strings::read(&data, 1, false).unwrap().crc32c;
    let size = i64::try_from(data.len()).unwrap();
    let graph = BundleEntryProto { dtype: 7, size, crc32c, ..Default::default() };
    let variable = BundleEntryProto { dtype: 21, ..Default::default() };
    let index = TableBuilder::new()
        .entry("", BundleHeaderProto { num_shards: 1, ..Default::default() }.encode_to_vec())
        .entry(object_graph::KEY, graph.encode_to_vec());
    let index = names.iter().fold(index, |index, (key, _)| index.entry(*key, variable.encode_to_vec()));
    (index.build(), data)
}

#[test]
fn the_object_graph_is_read_from_its_shard() {
    let (index, data) = with_object_graph("dense/kernel");
    let files = Files::default().with(layout::INDEX, index).with(DATA, data);
    let checkpoint = files.read().unwrap();
    assert_eq!(messages(&checkpoint), []);
    assert_eq!(checkpoint.object_graph.unwrap().full_name("variables/0"), Some("dense/kernel"));
    assert_eq!(*files.opened.borrow(), [layout::INDEX, DATA, DATA]);
}

#[test]
fn a_tensor_goes_by_its_own_name_and_by_its_key_as_well_where_two_have_that_name() {
    let key = |path: &str| format!("{path}{KEY_SUFFIX}");
    let keys = ["a/0", "a/1", "b/0", "c/0"].map(key);
    let names = ["dense/kernel", "dense/kernel", "dense/bias", ""];
    let pairs: Vec<(&str, &str)> = keys.iter().map(String::as_str).zip(names).collect();
    let (index, data) = with_names(&pairs);
    let checkpoint = Files::default().with(layout::INDEX, index).with(DATA, data).read().unwrap();
    let names = checkpoint.variable_names();
    let tensors = checkpoint.bundle.tensors.iter().enumerate().skip(1);
    let distinct: Vec<String> = tensors.map(|(index, tensor)| names.distinct(index, &tensor.key)).collect();
    assert_eq!(distinct, ["dense/kernel (a/0)", "dense/kernel (a/1)", "dense/bias", "c/0"]);
    assert_eq!((names.own(1), names.own(4)), ("dense/kernel", "c/0"));
}

#[test]
fn a_damaged_object_graph_costs_the_names_and_nothing_else() {
    let (index, mut data) = with_object_graph("dense/kernel");
    data[9] ^= 1;
    let checkpoint = Files::default().with(layout::INDEX, index).with(DATA, data).read().unwrap();
    assert_eq!(checkpoint.object_graph, None);
    assert!(matches!(messages(&checkpoint)[..], [(DATA, message)] if message.contains("masked CRC32C")));
    assert_eq!(checkpoint.bundle.tensors.len(), 2);
}

#[test]
fn data_without_an_index_is_data_of_which_nothing_is_known() {
    let checkpoint = Files::default().with(DATA, [0; 9]).read().unwrap();
    assert_eq!(messages(&checkpoint), [(layout::INDEX, "expected the index of the data files, found none")]);
    assert_eq!((checkpoint.shard_count(), checkpoint.data_bytes(), checkpoint.unused_data_bytes()), (1, 9, 0));
    assert!(!checkpoint.index_is_whole, "so that it is not called unused");
}

#[test]
fn an_index_that_is_no_table_is_a_problem_and_the_data_is_counted() {
    let checkpoint = Files::default().with(layout::INDEX, "short").with(DATA, [0; 9]).read().unwrap();
    assert!(matches!(messages(&checkpoint)[..], [(layout::INDEX, message)] if message.contains("found 5 bytes")));
    assert_eq!((checkpoint.index_bytes(), checkpoint.data_bytes()), (5, 9));
}

#[test]
fn v1_tables_are_data_and_have_to_be_tables() {
    let table = TableBuilder::new().entry("", v1::contents(&[]).0).build();
    let (sound, damaged) = ("variables/variables-00000-of-00002", "variables/variables-00001-of-00002");
    let checkpoint = Files::default().with(damaged, [0; 60]).with(sound, table.clone()).read().unwrap();
    assert_eq!(checkpoint.format, Format::V1);
    let data = table.len() as u64 + 60;
    assert_eq!((checkpoint.shard_count(), checkpoint.index_bytes(), checkpoint.data_bytes()), (2, 0, data));
    assert_eq!(checkpoint.files.iter().map(|file| file.role).collect::<Vec<_>>(), [Role::V1(0), Role::V1(1)]);
    assert!(matches!(messages(&checkpoint)[..], [(file, message)] if file == damaged && message.contains("magic")));
}

#[test]
fn a_missing_v1_table_is_a_problem_and_the_others_are_read_whole() {
    let table = TableBuilder::new().entry("", v1::contents(&[]).0).build();
    let checkpoint = Files::default().with("variables/variables-00001-of-00002", table).read().unwrap();
    let missing = "variables/variables-00000-of-00002";
    let expected = "expected this file, as there is one of a set of 2, found none";
    assert_eq!((messages(&checkpoint), checkpoint.index_is_whole), (vec![(missing, expected)], true));
}
