//! Whatever the bytes are: each is charged once, and every breakdown adds up to the same total.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::cast_possible_truncation)]

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use smaudit::Dimension;
use smaudit::input::Model;
use smaudit::internals::wire::{Field, Fields};
use smaudit::progress::Silent;
use smaudit::report::ModelReport;
use smaudit::{Options, audit};
use support::wire::{Message, message};

/// Audits a model of one `saved_model.pb` and other files, with a breakdown by `by`.
fn audited(saved_model: &[u8], others: &[(String, Vec<u8>)], by: &[Dimension]) -> ModelReport {
    let main = ("saved_model.pb".to_owned(), Bytes::copy_from_slice(saved_model));
    let others = others.iter().map(|(name, bytes)| (name.clone(), Bytes::copy_from_slice(bytes)));
    let model = Model::in_memory("random", std::iter::once(main).chain(others));
    let options = Options { by: by.to_vec(), ..Options::default() };
    audit(&model, &options, &Silent).expect("the books balance")
}

/// Field numbers that mean something somewhere, and some that do not.
fn number() -> impl Strategy<Value = u32> {
    prop_oneof![8 => 1_u32..9, 1 => 9_u32..20, 1 => Just((1 << 29) - 1)]
}

/// A message whose fields are scalars, strings, groups and messages again, so that it fits any schema now and then.
fn any_message() -> impl Strategy<Value = Message> {
    let leaf = vec((number(), any::<u64>(), vec(any::<u8>(), 0..12), 0..4_u8), 0..4).prop_map(|fields| {
        fields.into_iter().fold(message(), |message, (number, value, bytes, kind)| match kind {
            0 => message.int(number, value),
            1 => message.fixed64(number, value),
            2 => message.fixed32(number, value as u32),
            _ => message.bytes(number, bytes),
        })
    });
    leaf.prop_recursive(7, 96, 6, |inner| {
        vec((number(), inner, any::<bool>()), 0..6).prop_map(|fields| {
            fields.into_iter().fold(message(), |message, (number, inner, group)| {
                if group { message.group(number, &inner) } else { message.message(number, &inner) }
            })
        })
    })
}

/// A SavedModel that is one mostly: metagraphs of random messages in the fields that are walked.
fn saved_model() -> impl Strategy<Value = Message> {
    vec(any_message(), 0..4)
        .prop_map(|graphs| graphs.iter().fold(message().int(1, 1), |model, graph| model.message(2, graph)))
}

fn damaged(message: Message, at: prop::sample::Index, byte: u8) -> Vec<u8> {
    let mut bytes = message.0;
    if !bytes.is_empty() {
        let at = at.index(bytes.len());
        bytes[at] = byte;
    }
    bytes
}

fn assert_balanced(report: &ModelReport, bytes: usize) {
    assert_eq!(report.total_bytes, bytes as u64);
    assert_eq!(report.categories.values().sum::<u64>(), report.total_bytes, "categories");
    assert_eq!(report.breakdown.total(), report.total_bytes, "breakdown");
    assert_eq!(report.files.iter().map(|file| file.bytes).sum::<u64>(), report.total_bytes, "files");
    for graph in &report.meta_graphs {
        assert_eq!(graph.sections.values().sum::<u64>(), graph.bytes, "sections of metagraph {}", graph.index);
        assert_eq!(graph.ops.iter().map(|op| op.count).sum::<u64>(), graph.nodes, "nodes of metagraph {}", graph.index);
    }
}

/// The fields of a message lie one behind the other and cover it.
fn assert_covered(bytes: &[u8]) -> bool {
    let fields: Result<Vec<Field>, _> = Fields::new(bytes, 0..bytes.len()).collect();
    let Ok(fields) = fields else { return false };
    let mut at = 0;
    for field in fields {
        assert_eq!(field.start, at);
        assert!(field.start < field.payload && field.payload <= field.payload_end && field.payload_end <= field.end);
        at = field.end;
    }
    assert_eq!(at, bytes.len());
    true
}

proptest! {
    // The seeds of past failures come first; a new one is added to them, to be committed with its mend.
    #![proptest_config(ProptestConfig {
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(
            "tests/all/conservation.proptest-regressions",
        ))),
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_fields_of_any_accepted_message_are_in_order_disjoint_and_cover_it(bytes in vec(any::<u8>(), 0..64)) {
        assert_covered(&bytes);
    }

    #[test]
    fn every_message_that_was_built_is_accepted(message in any_message()) {
        prop_assert!(assert_covered(&message.0));
    }

    #[test]
    fn a_model_of_random_fields_is_charged_once(model in saved_model()) {
        assert_balanced(&audited(&model.0, &[], &Dimension::ALL), model.len());
    }

    #[test]
    fn a_damaged_model_is_charged_once(model in saved_model(), at: prop::sample::Index, byte: u8, cut: prop::sample::Index) {
        let bytes = damaged(model, at, byte);
        assert_balanced(&audited(&bytes, &[], &Dimension::ALL), bytes.len());
        let cut = &bytes[..cut.index(bytes.len() + 1)];
        assert_balanced(&audited(cut, &[], &Dimension::ALL), cut.len());
    }

    #[test]
    fn every_dimension_adds_up_to_the_same_total(model in saved_model()) {
        for dimension in Dimension::ALL {
            assert_balanced(&audited(&model.0, &[], &[dimension]), model.len());
        }
    }

    #[test]
    fn the_levels_of_a_breakdown_add_up(model in saved_model()) {
        let report = audited(&model.0, &[], &[Dimension::Section, Dimension::Function, Dimension::Op]);
        for row in &report.breakdown.rows {
            prop_assert_eq!(row.children.iter().map(|child| child.bytes).sum::<u64>(), row.bytes);
            prop_assert_eq!(row.children.iter().map(|child| child.count).sum::<u64>(), row.count);
        }
    }

    #[test]
    fn files_of_any_name_and_size_are_charged_once(
        files in prop::collection::btree_map(
            prop_oneof![
                "[a-c]{1,3}",
                "assets/[a-c]{1,3}",
                "variables/[a-c]{1,3}",
                Just("variables/variables.index".to_owned()),
                Just("variables/variables.data-00000-of-00001".to_owned()),
                Just("variables/variables.data-00000-of-00002".to_owned()),
            ],
            vec(any::<u8>(), 0..80),
            0..8,
        ),
    ) {
        let files: Vec<(String, Vec<u8>)> = files.into_iter().collect();
        let bytes = files.iter().map(|(_, bytes)| bytes.len()).sum();
        assert_balanced(&audited(&[], &files, &[Dimension::File, Dimension::Variable]), bytes);
    }
}
