//! `embedded-dataset`: the elements of a data set as constants of the graph.
//!
//! `tf.data.Dataset.from_tensor_slices(array)` takes the array as a tensor, so a function or a graph that makes the data
//! set holds all of it as a Const.

use std::collections::BTreeSet;

use crate::findings::claims::Claims;
use crate::findings::constants::Constant;
use crate::findings::evidence::{Evidence, Place};
use crate::findings::{Cause, Context, Cure, Detected, Remedy};
use crate::message::ops;
use crate::size::{bytes, plural};

pub(super) const CAUSE: Cause = Cause {
    id: "embedded-dataset",
    remedies: &[Remedy::any(
        "Read the data from a file: `TFRecordDataset`, `FixedLengthRecordDataset` or `tf.io.read_file`, with the path as \
             an argument.",
        "",
        "the model must hold its data and the file would be shipped as an asset in its place.",
    )],
    long: include_str!("../../../docs/findings/embedded-dataset.md"),
    detect,
    only_information: None,
    cure: Cure::None,
};

fn detect(context: &Context<'_>) -> Option<Detected> {
    let uses = context.uses();
    let (mut ranges, mut evidence, mut data_sets) = (Vec::new(), Evidence::default(), BTreeSet::new());
    for (position, constant) in context.large().constants.iter().enumerate() {
        if !uses.end_in(position, &ops::DATA_SETS_OF_TENSORS) {
            continue;
        }
        let nodes = uses.ends(position).filter(|end| end.input.is_some()).map(|end| end.node.range());
        data_sets.extend(nodes.map(|range| (range.start, range.end)));
        let range = constant.node.range();
        evidence.add(context.cost(&range), || {
            let Constant { scope, node, .. } = constant;
            (scope.place(context, node), Place::of_node(context, *scope, node))
        });
        ranges.push(range);
    }
    ranges.extend(data_sets.iter().map(|(start, end)| *start..*end));
    let mut claims = Claims::default();
    context.claim(&mut claims, ranges);
    let (constants, size) = (plural(evidence.count(), "constant holds", "constants hold"), bytes(claims.bytes()));
    let of = plural(data_sets.len() as u64, "data set", "data sets");
    (!evidence.is_empty()).then(|| Detected {
        message: format!("{constants} the elements of {of}: {size} in the graph."),
        evidence,
        claims,
        beyond: 0,
    })
}
