//! V1 checkpoints in a model: what their variables cost, and that no damage to a table stops or unbalances an audit.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::cast_possible_truncation)]

use bytes::Bytes;
use smaudit::Dimension;
use smaudit::input::Model;
use smaudit::progress::Silent;
use smaudit::report::{CheckpointFormat, ModelReport};
use smaudit::{Options, audit};
use support::table::{TableBuilder, slice_key};
use support::v1::{contents, slice, value, variable};
use support::wire::{constant, graph, meta_graph, saved_model};

const TABLE: &str = "variables/variables";

/// Two variables, one of them in two slices; a block for each two entries.
fn table() -> TableBuilder {
    let slices = [[Some((0, 2)), None], [Some((2, 1)), None]];
    let contents = contents(&[
        variable("bias", &[2], &[slice(&[None])]),
        variable("kernel", &[3, 2], &slices.map(|extents| slice(&extents))),
    ]);
    TableBuilder::new()
        .block_entries(2)
        .entry("", contents.0)
        .entry(slice_key("bias", &[(0, -1)]), value("bias", &[None], &[1.0, 2.0]).0)
        .entry(slice_key("kernel", &[(0, 2), (0, -1)]), value("kernel", &slices[0], &[1.0; 4]).0)
        .entry(slice_key("kernel", &[(2, 1), (0, -1)]), value("kernel", &slices[1], &[1.0; 2]).0)
}

fn audited(files: &[(&str, &[u8])], by: Dimension) -> ModelReport {
    let files = files.iter().map(|(name, bytes)| ((*name).to_owned(), Bytes::copy_from_slice(bytes)));
    let options = Options { by: vec![by], ..Options::default() };
    audit(&Model::in_memory("model", files), &options, &Silent).unwrap()
}

#[test]
fn each_variable_costs_its_value_and_the_rest_is_the_tables() {
    let table = table().build();
    let report = audited(&[(TABLE, &table)], Dimension::Variable);
    assert_eq!(report.problems, []);
    let rows: Vec<_> = report.breakdown.rows.iter().map(|row| (&*row.name, row.bytes)).collect();
    // Each value: its elements, 2 + 2 bytes of tags and lengths around them, the slice, the name, and 2 bytes outermost.
    let (kernel_0, kernel_1, bias) = (16 + 4 + 8 + 8 + 2, 8 + 4 + 10 + 8 + 2, 8 + 4 + 4 + 6 + 2);
    let rest = table.len() as u64 - kernel_0 - kernel_1 - bias;
    let expected = [("[table]", rest), ("kernel [0:2, :]", kernel_0), ("kernel [2:3, :]", kernel_1), ("bias", bias)];
    assert_eq!(rows, expected);
    let checkpoint = report.checkpoint.unwrap();
    assert_eq!((checkpoint.format, checkpoint.shards, checkpoint.unused_data_bytes), (CheckpointFormat::V1, 1, 0));
    assert_eq!(checkpoint.tensors.len(), 4);
}

#[test]
fn a_compressed_table_is_the_tables_and_its_variables_are_listed() {
    let table = table().snappy().build();
    let report = audited(&[(TABLE, &table)], Dimension::Variable);
    let rows: Vec<_> = report.breakdown.rows.iter().map(|row| (&*row.name, row.bytes)).collect();
    assert_eq!(rows, [("[table]", table.len() as u64)]);
    assert_eq!(report.checkpoint.unwrap().tensors.len(), 4);
}

#[test]
fn tables_are_read_under_their_first_name_too() {
    let report = audited(&[("variables/saved_model_variables-00000-of-00001", &table().build())], Dimension::Category);
    assert_eq!((report.problems.len(), report.checkpoint.unwrap().tensors.len()), (0, 4));
}

/// A variable, a copy of it, one of zeros and one of its own, with 512 floats each.
fn table_of_copies() -> TableBuilder {
    let floats = |first: f32| (0..512_u16).map(|at| first + f32::from(at)).collect::<Vec<_>>();
    let variables = [("a", floats(1.0)), ("b", floats(2.0)), ("copy", floats(1.0)), ("zeros", vec![0.0; 512])];
    let meta: Vec<_> = variables.iter().map(|(name, _)| variable(name, &[512], &[slice(&[None])])).collect();
    let table = TableBuilder::new().block_entries(2).entry("", contents(&meta).0);
    variables
        .iter()
        .fold(table, |table, (name, floats)| table.entry(slice_key(name, &[(0, -1)]), value(name, &[None], floats).0))
}

#[test]
fn variables_are_compared_by_their_elements_with_one_another_and_with_constants() {
    let content: Vec<u8> = (0..512_u16).flat_map(|at| (1.0 + f32::from(at)).to_le_bytes()).collect();
    let main = saved_model([&meta_graph(&["serve"], &graph([&constant("initial", &content)]))]);
    let files = [("saved_model.pb", &*main.0), (TABLE, &*table_of_copies().build())];
    let report = audited(&files, Dimension::Duplicate);
    assert_eq!(report.problems, []);
    let [group] = &*report.duplicates.groups else { panic!("{:?}", report.duplicates) };
    let members: Vec<_> = group.members.iter().map(|member| (&*member.place, &*member.name, member.kept)).collect();
    assert_eq!(members, [("variables", "a", true), ("variables", "copy", false), ("graph_def.node", "initial", false)]);
    assert_eq!((group.bytes, report.duplicates.redundant_bytes), (2048, 4096));
    assert_eq!(report.duplicates.zero_bytes, 2048);
    let redundant = report.breakdown.rows.iter().find(|row| *row.name == *"redundant").unwrap();
    assert_eq!(redundant.bytes, 4096);
}

#[test]
fn variables_in_compressed_blocks_are_not_compared() {
    let report = audited(&[(TABLE, &table_of_copies().snappy().build())], Dimension::Duplicate);
    assert_eq!((report.problems.len(), report.duplicates.groups.len()), (0, 0));
}

#[test]
fn a_damaged_block_costs_its_variables_and_no_others() {
    let mut table = table().build();
    let kernel = audited(&[(TABLE, &table)], Dimension::Category).checkpoint.unwrap().tensors[2].offset;
    table[kernel as usize] ^= 1;
    let report = audited(&[(TABLE, &table)], Dimension::Variable);
    let checksum = &report.problems[1];
    assert!(checksum.message.starts_with("expected a block with masked CRC32C"), "{:?}", report.problems);
    assert!(report.problems[0].message.ends_with("found 2 without, the first of `kernel`"), "{:?}", report.problems);
    let names: Vec<_> = report.breakdown.rows.iter().map(|row| &*row.name).collect();
    assert_eq!(names, ["[not read]", "bias"]);
}

#[test]
fn a_table_cut_anywhere_or_with_any_bit_flipped_is_reported_and_balances() {
    for table in [table().build(), table().snappy().build()] {
        let cut = (0..table.len()).map(|length| table[..length].to_vec());
        let flipped = (0..table.len() * 8).map(|bit| {
            let mut damaged = table.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            damaged
        });
        for damaged in cut.chain(flipped) {
            let report = audited(&[(TABLE, &damaged)], Dimension::Variable);
            assert_eq!(report.breakdown.total(), damaged.len() as u64);
            // What is padding is not read.
            let padding = damaged.len() == table.len() && report.checkpoint.is_some_and(|c| c.tensors.len() == 4);
            assert!(padding || !report.problems.is_empty(), "{damaged:02x?}");
        }
    }
}
