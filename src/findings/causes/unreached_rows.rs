//! `unreached-rows`: rows of a table that no id can name.
//!
//! An embedding is made for as many words as one may want, and the vocabulary that is looked up has fewer: `max_tokens` was
//! given to both, and `adapt` found a tenth of it. What ids a lookup can give is in the model, so which rows can be gathered
//! is as well.

use std::sync::Arc;

use indexmap::IndexMap;

use crate::findings::bounds::{Bounds, Ids};
use crate::findings::claims::Claims;
use crate::findings::evidence::{Evidence, Place};
use crate::findings::flow::{Flow, Steps, Taken};
use crate::findings::{Cause, Context, Cure, Detected, LEAST_BYTES, ModelKind, Remedy};
use crate::identity::TensorId;
use crate::message::ops;
use crate::size::{bytes, exact, plural};

pub(super) const CAUSE: Cause = Cause {
    id: "unreached-rows",
    remedies: &[
        Remedy::of(
            &[ModelKind::TfKeras, ModelKind::Keras3],
            "Give the embedding as many rows as the lookup has ids (`lookup.vocabulary_size()`) and copy these rows.",
            "",
            "the vocabulary is to grow, or another program looks rows up by ids of its own.",
        ),
        Remedy::any(
            "Make the table of rows as long as the ids that are looked up reach, and copy these rows.",
            "",
            "the vocabulary is to grow, or another program looks rows up by ids of its own.",
        ),
    ],
    long: include_str!("../../../docs/findings/unreached-rows.md"),
    detect,
    only_information: None,
    cure: Cure::None,
};

fn detect(context: &Context<'_>) -> Option<Detected> {
    let variables = context.variables()?;
    // Of less than two rows none is left, and what is small is no finding even if all of it could go.
    let may_be = |tensor: usize| {
        let about = variables.tensors.get(tensor);
        let is_table = about.is_some_and(|about| about.shape.len() > 1 && about.shape.first() > Some(&1));
        is_table && variables.is_called(tensor) && context.data_bytes(tensor) >= LEAST_BYTES
    };
    if !variables.all().any(|(tensor, _)| may_be(tensor)) {
        return None;
    }
    let mut needed: Vec<Option<Rows>> = vec![None; variables.tensors.len()];
    let steps = Steps::default();
    for meta_graph in 0..context.saved_model.meta_graphs.len() {
        let flow = Flow::new(context, meta_graph, &steps)?;
        let ids = Ids::new(context, &flow);
        let mut resources: IndexMap<u32, Needs> = IndexMap::new();
        for handle in flow.reach().handles().filter(|handle| handle.is_reached) {
            match resources.get_mut(&handle.resource) {
                None => {
                    let is_table = handle.tensors.iter().any(|tensor| may_be(tensor.position()));
                    let needs = is_table.then(|| (rows_of(&flow, &ids, handle.name), handle.tensors));
                    resources.insert(handle.resource, needs);
                }
                Some(Some((known, _))) => *known = known.and(rows_of(&flow, &ids, handle.name)),
                Some(None) => (),
            }
        }
        for (rows, tensors) in resources.into_values().flatten() {
            for tensor in tensors.iter() {
                if let Some(known) = needed.get_mut(tensor.position()) {
                    *known = Some(known.map_or(rows, |known| known.and(rows)));
                }
            }
        }
    }
    let (mut evidence, mut ends) = (Evidence::default(), Vec::new());
    for (tensor, rows) in needed.iter().enumerate().filter(|(tensor, _)| may_be(*tensor)) {
        let Some((about, Rows::Below(reached))) = variables.tensors.get(tensor).zip(*rows) else { continue };
        let all = about.shape.first().and_then(|rows| u64::try_from(*rows).ok()).unwrap_or(0);
        let row = context.data_bytes(tensor).checked_div(all).unwrap_or(0);
        let freed = row.saturating_mul(all.saturating_sub(reached));
        if freed > 0 {
            let (all, reached) = (exact(all), exact(reached));
            let what = || format!("{} has {all} rows, ids reach {reached} of them", variables.label(tensor));
            evidence.add(freed, || (what(), Place::of_tensor(context, tensor)));
            ends.push((tensor, freed));
        }
    }
    let mut claims = Claims::default();
    context.claim_ends(&mut claims, ends);
    let (tables, size) = (plural(evidence.count(), "table has", "tables have"), bytes(claims.bytes()));
    (!evidence.is_empty()).then(|| Detected {
        message: format!("{tables} rows that no id which is looked up can name: {size}."),
        evidence,
        claims,
        beyond: 0,
    })
}

/// What the handles of a resource need, and its tensors; nothing of one that is no table.
type Needs = Option<(Rows, Arc<[TensorId]>)>;

/// Which rows of a table are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rows {
    /// Those with numbers below this.
    Below(u64),
    /// Any, or nobody knows.
    Any,
}

impl Rows {
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Below(a), Self::Below(b)) => Self::Below(a.max(b)),
            _ => Self::Any,
        }
    }

    fn of(bounds: Bounds) -> Self {
        let is_bound = bounds.least >= 0 && bounds.greatest < i64::MAX;
        let above =
            u64::try_from(bounds.greatest).ok().filter(|_| is_bound).and_then(|greatest| greatest.checked_add(1));
        above.map_or(Self::Any, Self::Below)
    }
}

fn rows_of<'a>(flow: &Flow<'_, 'a>, ids: &Ids<'_, 'a>, handle: &[u8]) -> Rows {
    let Some(handle) = flow.node_of_graph(handle) else { return Rows::Any };
    let Some(takers) = flow.taken(flow.of_graph(handle.name())) else { return Rows::Any };
    if ops::REFERENCE_VARIABLES.contains(&handle.op()) {
        return of_takers(flow, ids, takers);
    }
    let mut rows = Rows::Below(0);
    for taken in takers {
        rows = rows.and(match taken.node.op() {
            op if ops::ASK_ABOUT_VARIABLES.contains(&op) => Rows::Below(0),
            ops::GATHER_OF_HANDLE if taken.input == 0 => by(ids, &taken),
            ops::READ => flow.taken(taken.result()).map_or(Rows::Any, |takers| of_takers(flow, ids, takers)),
            _ => Rows::Any,
        });
    }
    rows
}

/// Which rows those take that take the whole table.
fn of_takers<'a>(flow: &Flow<'_, 'a>, ids: &Ids<'_, 'a>, mut open: Vec<Taken<'a>>) -> Rows {
    let mut rows = Rows::Below(0);
    while let Some(taken) = open.pop() {
        let op = taken.node.op();
        if op == ops::CAST {
            // Each row stays in its place.
            let Some(behind) = flow.taken(taken.result()) else { return Rows::Any };
            open.extend(behind);
        } else if ops::GATHERS.contains(&op) && taken.input == 0 && is_by_rows(ids, &taken) {
            rows = rows.and(by(ids, &taken));
        } else if !ops::ASK_ABOUT_VARIABLES.contains(&op) {
            return Rows::Any;
        }
        if rows == Rows::Any {
            return rows;
        }
    }
    rows
}

/// The rows that the ids of a gather name: its second input.
fn by<'a>(ids: &Ids<'_, 'a>, gather: &Taken<'a>) -> Rows {
    gather.input_of(1).map_or(Rows::Any, |value| Rows::of(ids.of(value)))
}

/// Whether a gather is along the first dimension.
fn is_by_rows<'a>(ids: &Ids<'_, 'a>, gather: &Taken<'a>) -> bool {
    let axis = gather.input_of(2).map_or(Bounds::ZERO, |axis| ids.of(axis));
    axis == Bounds::ZERO
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::findings::Finding;
    use crate::findings::serving::{Served, Variable, number, read};
    use crate::support::graph::{call, node_of, strings};
    use crate::support::wire::{Message, message, node};

    /// The rows of a table of 100 rows of 80 bytes that are found to be out of reach of ids which are computed so; the last
    /// node is called `ids`. A table of 20 words, numbered from 0, is `table`; it knows no word as -1.
    fn rows(nodes: &[Message]) -> Option<u64> {
        let found = found(nodes, &["table"]);
        found.map(|found| found.bytes / 80)
    }

    fn found(nodes: &[Message], given: &[&'static str]) -> Option<Finding> {
        let gather = node_of("g", "ResourceGather", &["v0", "ids:out:0"]);
        let body = [&[number("none", -1)], nodes, &[gather]].concat();
        let fill = node_of("fill", "InitializeTableFromTextFileV2", &["table", "path"]);
        let int = |value: i64| message().int(3, value.cast_unsigned());
        let fill = fill.entry(5, "value_index", &int(-1)).entry(5, "vocab_size", &int(-1));
        let asset = message().message(1, &message().bytes(1, "path:0")).bytes(2, "words.txt");
        let init = message().message(1, &message().bytes(1, "fill"));
        Served {
            variables: vec![Variable::floats(1, &[100, 20])],
            body,
            returns: "g:output:0",
            nodes: vec![node("table", "HashTableV2"), strings("path", &["words.txt"]), fill],
            given: given.to_vec(),
            fields: message().message(6, &asset).entry(4, "saved_model_main_op", &init),
            files: vec![("assets/words.txt", (0..20).flat_map(|word| format!("w{word}\n").into_bytes()).collect())],
            ..Served::default()
        }
        .finding(super::CAUSE.id)
    }

    fn lookup(name: &str) -> Message {
        node_of(name, "LookupTableFindV2", &["table", "x", "none:output:0"])
    }

    #[test]
    fn ids_of_a_table_reach_as_many_rows_as_it_has_words_and_offsets() {
        let offset = |by: i64| [lookup("l"), number("by", by), node_of("ids", "AddV2", &["l:values:0", "by:output:0"])];
        // The offset makes 0 of an unknown word.
        assert_eq!(rows(&offset(1)), Some(100 - 21));
        assert_eq!(rows(&offset(5)), Some(100 - 25));
        assert_eq!(rows(&offset(80)), None);
    }

    #[test]
    fn an_unknown_word_may_be_the_greatest_id() {
        let unknown = node_of("ids", "LookupTableFindV2", &["table", "x", "last:output:0"]);
        assert_eq!(rows(&[number("last", 40), unknown]), Some(100 - 41));
    }

    #[test]
    fn ops_that_shape_pad_select_and_deduplicate_ids_change_no_bound() {
        let nodes = [
            lookup("l"),
            number("one", 1),
            node_of("a", "AddV2", &["l:values:0", "one:output:0"]),
            node_of("b", "Reshape", &["a:z:0", "x"]),
            number("pad", 30),
            node_of("c", "PadV2", &["b:output:0", "x", "pad:output:0"]),
            node_of("d", "SelectV2", &["x", "c:output:0", "one:output:0"]),
            node_of("ids", "Unique", &["d:output:0"]),
        ];
        // `y` of Unique has the ids, its second output their places.
        assert_eq!(rows(&nodes[..7]), None);
        let gathered = |output: &str| {
            let mut nodes = nodes.to_vec();
            nodes[7] = node_of("u", "Unique", &["d:output:0"]);
            nodes.push(node_of("ids", "Identity", &[output]));
            rows(&nodes)
        };
        assert_eq!((gathered("u:y:0"), gathered("u:idx:0")), (Some(100 - 31), None));
    }

    #[test]
    fn the_branch_for_negative_ids_is_none_where_there_are_none() {
        let nodes = [
            lookup("l"),
            number("one", 1),
            number("zero", 0),
            number("rows", 100),
            node_of("a", "AddV2", &["l:values:0", "one:output:0"]),
            node_of("less", "Less", &["a:z:0", "zero:output:0"]),
            node_of("b", "AddV2", &["a:z:0", "rows:output:0"]),
            node_of("ids", "SelectV2", &["less:z:0", "b:z:0", "a:z:0"]),
        ];
        assert_eq!(rows(&nodes), Some(100 - 21));
    }

    #[test]
    fn hashes_and_clips_are_bounds_and_what_a_caller_feeds_is_none() {
        let buckets = node_of("ids", "StringToHashBucketFast", &["x"]).entry(5, "num_buckets", &message().int(3, 16));
        assert_eq!(rows(&[buckets]), Some(100 - 16));
        let clip = node_of("ids", "ClipByValue", &["x", "low:output:0", "high:output:0"]);
        assert_eq!(rows(&[number("low", 0), number("high", 9), clip]), Some(100 - 10));
        assert_eq!(rows(&[node_of("ids", "Identity", &["x"])]), None);
        assert_eq!(rows(&[lookup("l"), node_of("ids", "Cumsum", &["l:values:0", "x"])]), None);
    }

    #[test]
    fn positions_up_to_a_length_that_is_fixed_are_bounds_and_those_of_any_length_are_none() {
        let range = |limit: Message| rows(&[number("zero", 0), number("one", 1), limit, positions()]);
        fn positions() -> Message {
            node_of("ids", "Range", &["zero:output:0", "length:output:0", "one:output:0"])
        }
        assert_eq!(range(number("length", 64)), Some(100 - 64));
        assert_eq!(range(node_of("length", "Shape", &["x"])), None);
        // The dimension is one of the signature's, so the shape of the numbers is known.
        let of_shape = |sizes: &[i64]| {
            let dims =
                sizes.iter().fold(message(), |dims, size| dims.message(2, &message().int(1, size.cast_unsigned())));
            let shapes = message().message(1, &message().message(7, &dims));
            let length = node_of("length", "Shape", &["x"]);
            rows(&[number("zero", 0), number("one", 1), length, positions().entry(5, "_output_shapes", &shapes)])
        };
        assert_eq!((of_shape(&[64]), of_shape(&[-1]), of_shape(&[])), (Some(100 - 64), None, None));
    }

    #[test]
    fn remainders_quotients_masks_and_bytes_are_bounds() {
        let of = |op: &str, first: &str| {
            rows(&[number("by", 31), node_of("bytes", "Cast", &["x"]), node_of("ids", op, &[first, "by:output:0"])])
        };
        assert_eq!(of("FloorMod", "x"), Some(100 - 31));
        assert_eq!(of("BitwiseAnd", "x"), Some(100 - 32));
        assert_eq!(of("TruncateMod", "x"), None, "what is left of a negative number is one");
        assert_eq!(of("FloorDiv", "x"), None);
        let dtype = |number: u64| message().int(6, number);
        let bytes = |from: u64, to: u64| {
            node_of("b", "Cast", &["x"]).entry(5, "SrcT", &dtype(from)).entry(5, "DstT", &dtype(to))
        };
        let halves = node_of("ids", "FloorDiv", &["b:y:0", "by:output:0"]);
        let halves = |from: u64, to: u64| rows(&[number("by", 16), bytes(from, to), halves.clone()]);
        // DT_UINT8 and DT_INT8 to DT_INT32, and back.
        assert_eq!((halves(4, 3), halves(6, 3), halves(3, 4)), (Some(100 - 16), None, Some(100 - 16)));
    }

    #[test]
    fn an_unknown_word_that_is_hashed_instead_is_no_id() {
        let choice = |op: &str, order: [&str; 2], branches: [&str; 2]| {
            let hash = node_of("h", "StringToHashBucketFast", &["x"]).entry(5, "num_buckets", &message().int(3, 30));
            let [a, b] = order;
            let compare = node_of("is", op, &[a, b]);
            let [yes, no] = branches;
            rows(&[lookup("l"), hash, compare, node_of("ids", "SelectV2", &["is:z:0", yes, no])])
        };
        let (ids, none, hash) = ("l:values:0", "none:output:0", "h:output:0");
        assert_eq!(choice("Equal", [ids, none], [hash, ids]), Some(100 - 30));
        assert_eq!(choice("NotEqual", [none, ids], [ids, hash]), Some(100 - 30));
        // There the unknown ones are taken, or another value is compared.
        assert_eq!(choice("Equal", [ids, none], [ids, hash]), None);
        assert_eq!(choice("Equal", [hash, none], [hash, ids]), None);
        assert_eq!(choice("Less", [ids, none], [hash, ids]), None);
    }

    #[test]
    fn unknown_words_are_hashed_behind_those_that_a_table_has() {
        let hash = node_of("h", "StringToHashBucketFast", &["x"]).entry(5, "num_buckets", &message().int(3, 8));
        let size = node_of("s", "LookupTableSizeV2", &["table"]);
        let behind = node_of("behind", "AddV2", &["h:output:0", "s:size:0"]);
        let known = node_of("is", "NotEqual", &["l:values:0", "none:output:0"]);
        let ids = node_of("ids", "SelectV2", &["is:z:0", "l:values:0", "behind:z:0"]);
        assert_eq!(rows(&[lookup("l"), hash, size, behind, known, ids]), Some(100 - 28));
    }

    #[test]
    fn values_that_are_crossed_are_hashed() {
        let cross = node_of("c", "SparseCross", &["x"]).entry(5, "num_buckets", &message().int(3, 16));
        let ids = |output: &str| rows(&[cross.clone(), node_of("ids", "Identity", &[output])]);
        assert_eq!((ids("c:output_values:0"), ids("c:output_indices:0")), (Some(100 - 16), None));
    }

    #[test]
    fn buckets_are_one_more_than_their_boundaries() {
        let floats = [1_f32, 2.0, 3.0];
        let packed: Vec<u8> = floats.iter().flat_map(|float| float.to_le_bytes()).collect();
        let list = message().message(1, &message().bytes(4, packed));
        assert_eq!(rows(&[node_of("ids", "Bucketize", &["x"]).entry(5, "boundaries", &list)]), Some(100 - 4));
        assert_eq!(rows(&[node_of("ids", "Bucketize", &["x"])]), None);
    }

    #[test]
    fn a_table_that_is_read_as_a_whole_in_one_place_keeps_its_rows() {
        let ids = [lookup("l"), number("one", 1), node_of("ids", "AddV2", &["l:values:0", "one:output:0"])];
        let whole = [&ids[..], &[read("r", "v0"), node_of("m", "MatMul", &["x", "r:value:0"])]].concat();
        assert_eq!(rows(&whole), None);
        let shape = [&ids[..], &[read("r", "v0"), node_of("m", "Shape", &["r:value:0"])]].concat();
        assert_eq!(rows(&shape), Some(100 - 21));
    }

    #[test]
    fn a_table_that_something_inserts_into_may_hold_any_id() {
        let insert = node_of("i", "LookupTableInsertV2", &["table", "x", "x"]);
        assert_eq!(rows(&[lookup("l"), node_of("ids", "Abs", &["l:values:0"]), insert.clone()]), None);
        assert_eq!(
            rows(&[lookup("l"), number("one", 1), node_of("ids", "AddV2", &["l:values:0", "one:output:0"]), insert]),
            None
        );
    }

    #[test]
    fn a_circle_in_a_function_has_an_end() {
        assert_eq!(rows(&[node_of("ids", "AddV2", &["ids:out:0", "x"])]), None);
        assert_eq!(rows(&[call("ids", "f", &["x", "v0", "table"])]), None);
    }

    proptest! {
        #[test]
        fn no_row_is_out_of_reach_of_a_table_that_fits(offset in 1..60_i64, ops in prop::collection::vec(0..3_usize, 0..6)) {
            let mut nodes = vec![lookup("l"), number("by", offset), node_of("n0", "AddV2", &["l:values:0", "by:output:0"])];
            for (at, op) in ops.iter().enumerate() {
                let op = ["Reshape", "ExpandDims", "Identity"][*op];
                nodes.push(node_of(&format!("n{}", at + 1), op, &[&format!("n{at}:out:0"), "x"]));
            }
            nodes.push(node_of("ids", "Identity", &[&format!("n{}:out:0", ops.len())]));
            // 20 words and the offset are what the rows are for; whatever lies between, the bound is the same.
            prop_assert_eq!(rows(&nodes).unwrap_or(0), 100 - 20 - u64::try_from(offset).unwrap());
        }
    }
}
