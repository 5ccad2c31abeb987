//! `cast-down-variable`: a variable that is read only to be made smaller.
//!
//! A model of mixed precision keeps its weights in float32, where an optimizer's small steps are not lost, and casts them to
//! float16 or bfloat16 each time that they are used. Serving has no optimizer: weights that are stored as what they are cast to
//! give the same results, bit by bit, in half of the bytes.

use std::collections::BTreeSet;
use std::sync::Arc;

use indexmap::IndexMap;

use crate::dtype::{self, element_bytes};
use crate::findings::claims::Claims;
use crate::findings::evidence::{Evidence, Place};
use crate::findings::flow::{Flow, Steps, Taken};
use crate::findings::{Cause, Context, Cure, Detected, LEAST_BYTES, ModelKind, Remedy, copies};
use crate::identity::TensorId;
use crate::message::ops;
use crate::size::{bytes, plural};

pub(super) const CAUSE: Cause = Cause {
    id: "cast-down-variable",
    remedies: &[
        Remedy::of(
            &[ModelKind::Keras3],
            "Make the model once more with the small type as its policy, copy the weights into it, and export that.",
            SMALL,
            "the exported model is trained further, which needs the weights as they are.",
        ),
        Remedy::of(
            &[ModelKind::TfKeras],
            "Make the model once more with the small type as its policy, copy the weights into it, and export that.",
            SMALL_OF_KERAS_2,
            "the exported model is trained further, which needs the weights as they are.",
        ),
        Remedy::any(
            "Keep in variables of the small type what is cast, and drop the cast.",
            "",
            "the exported model is trained further, which needs the weights as they are.",
        ),
    ],
    long: include_str!("../../../docs/findings/cast-down-variable.md"),
    detect,
    only_information: None,
    cure: Cure::None,
};

const SMALL: &str = r#"a, clone = keras.export.ExportArchive(), lambda x: type(x).from_config({**x.get_config(), "dtype": x.compute_dtype})
small = keras.models.clone_model(model, clone_function=clone); small.set_weights(model.get_weights())
a.add_endpoint("serve", small.__call__, small.inputs); a.write_out("exported")"#;

const SMALL_OF_KERAS_2: &str = r#"clone = lambda x: type(x).from_config({**x.get_config(), "dtype": x.compute_dtype})
small = keras.models.clone_model(model, clone_function=clone); small.set_weights(model.get_weights())
small.export("exported")"#;

/// `Cast.DstT`.
const TO: &[u8] = b"DstT";

fn detect(context: &Context<'_>) -> Option<Detected> {
    let variables = context.variables()?;
    // All that casts may save is half of what is served: where that is little there is no need to follow anything.
    // One that is stored twice is exported once first: which of the two is left is not known before.
    let twice: BTreeSet<usize> =
        copies::of_bound(context, variables).into_iter().flat_map(|copy| [copy.tensor, copy.kept]).collect();
    let is_read = |at: &usize| variables.is_called(*at) && !twice.contains(at);
    let called: Vec<usize> = variables.all().map(|(tensor, _)| tensor).filter(is_read).collect();
    let of_called = called.iter().map(|tensor| context.data_bytes(*tensor)).fold(0, u64::saturating_add);
    if of_called < LEAST_BYTES {
        return None;
    }
    let mut types: Vec<Option<Cast>> = vec![None; variables.tensors.len()];
    let steps = Steps::default();
    for meta_graph in 0..context.saved_model.meta_graphs.len() {
        let flow = Flow::new(context, meta_graph, &steps)?;
        let mut resources: IndexMap<u32, (Cast, Arc<[TensorId]>)> = IndexMap::new();
        for handle in flow.reach().handles().filter(|handle| handle.is_reached) {
            let cast = cast_of(&flow, handle.name);
            // Of several handles each has to cast.
            let known = resources.entry(handle.resource).or_insert((cast, handle.tensors));
            known.0 = known.0.and(cast);
        }
        for (cast, tensors) in resources.into_values() {
            for tensor in tensors.iter() {
                if let Some(known) = types.get_mut(tensor.position()) {
                    *known = Some(known.map_or(cast, |known| known.and(cast)));
                }
            }
        }
    }
    let mut evidence = Evidence::default();
    let mut ends = Vec::new();
    for tensor in called {
        let Some(about) = variables.tensors.get(tensor) else { continue };
        let Some(Some(Cast::To(to))) = types.get(tensor) else { continue };
        let (Some(from), Some(kept)) = (element_bytes(about.dtype), element_bytes(*to)) else { continue };
        let bytes = context.data_bytes(tensor);
        let freed = bytes.saturating_sub(bytes.saturating_mul(kept).checked_div(from).unwrap_or(bytes));
        if freed > 0 {
            let (from, to) = (dtype::name(about.dtype), dtype::name(*to));
            let what = || format!("{}, {from} and read as {to}", variables.label(tensor));
            evidence.add(freed, || (what(), Place::of_tensor(context, tensor)));
            ends.push((tensor, freed));
        }
    }
    let mut claims = Claims::default();
    context.claim_ends(&mut claims, ends);
    let (are, size) = (plural(evidence.count(), "variable is", "variables are"), bytes(claims.bytes()));
    (!evidence.is_empty()).then(|| Detected {
        message: format!(
            "{are} cast to a smaller type wherever a signature reads one: {size} that no result depends on."
        ),
        evidence,
        claims,
        beyond: 0,
    })
}

/// What becomes of a variable's value where it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cast {
    /// Nothing reads it.
    Unread,
    /// It is cast to this type; where it is to several, to the largest.
    To(i32),
    /// Something takes it as it is, or nobody knows.
    Whole,
}

impl Cast {
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Unread, known) | (known, Self::Unread) => known,
            (Self::To(a), Self::To(b)) if element_bytes(a) >= element_bytes(b) => Self::To(a),
            (Self::To(_), Self::To(b)) => Self::To(b),
            _ => Self::Whole,
        }
    }
}

fn cast_of(flow: &Flow<'_, '_>, handle: &[u8]) -> Cast {
    let Some(handle) = flow.node_of_graph(handle) else { return Cast::Whole };
    let Some(takers) = flow.taken(flow.of_graph(handle.name())) else { return Cast::Whole };
    if ops::REFERENCE_VARIABLES.contains(&handle.op()) {
        return of_takers(flow, takers);
    }
    let mut cast = Cast::Unread;
    for taken in takers {
        cast = cast.and(match taken.node.op() {
            op if ops::ASK_ABOUT_VARIABLES.contains(&op) => Cast::Unread,
            op if ops::READS_OF_HANDLES.contains(&op) && taken.input == 0 => {
                flow.taken(taken.result()).map_or(Cast::Whole, |takers| of_takers(flow, takers))
            }
            _ => Cast::Whole,
        });
    }
    cast
}

/// What those do with a value that take it.
fn of_takers<'a>(flow: &Flow<'_, 'a>, mut open: Vec<Taken<'a>>) -> Cast {
    let mut cast = Cast::Unread;
    while let Some(taken) = open.pop() {
        let op = taken.node.op();
        cast = cast.and(if op == ops::CAST {
            destination(&taken).map_or(Cast::Whole, Cast::To)
        } else if ops::PARTS.contains(&op) && taken.input == 0 {
            let Some(behind) = flow.taken(taken.result()) else { return Cast::Whole };
            open.extend(behind);
            Cast::Unread
        } else if ops::ASK_ABOUT_VARIABLES.contains(&op) {
            Cast::Unread
        } else {
            return Cast::Whole;
        });
    }
    cast
}

/// The type that a Cast gives.
fn destination(cast: &Taken<'_>) -> Option<i32> {
    i32::try_from(cast.node.attribute(TO)?.data_type()?).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::findings::Finding;
    use crate::findings::serving::{BFLOAT16, FLOAT, HALF, INT64, Served, Variable, cast, function, read};
    use crate::support::graph::{call, node_of};
    use crate::support::wire::{Message, message};

    /// What is found where `f` has these nodes and is given two variables of 4,000 and of 400 bytes.
    fn found(body: &[Message]) -> Option<Finding> {
        of(body, &[])
    }

    fn of(body: &[Message], functions: &[Message]) -> Option<Finding> {
        let variables = vec![Variable::floats(1, &[10, 100]), Variable::floats(2, &[100])];
        let body = [body, &[node_of("out", "MatMul", &["x", "c:y:0"])]].concat();
        Served { variables, body, functions: functions.to_vec(), returns: "out:product:0", ..Served::default() }
            .finding(super::CAUSE.id)
    }

    #[test]
    fn a_variable_that_is_cast_wherever_it_is_read_costs_what_the_smaller_type_spares() {
        for to in [HALF, BFLOAT16] {
            let found = found(&[read("r", "v0"), cast("c", "r:value:0", to)]).unwrap();
            assert_eq!((found.bytes, found.evidence.len()), (2000, 1), "{found:?}");
        }
        let twice = [read("r", "v0"), read("s", "v0"), cast("c", "r:value:0", HALF), cast("d", "s:value:0", HALF)];
        assert_eq!(found(&twice).map(|found| found.bytes), Some(2000));
    }

    #[test]
    fn a_cast_to_a_type_as_wide_or_wider_spares_nothing() {
        assert_eq!(found(&[read("r", "v0"), cast("c", "r:value:0", FLOAT)]), None);
        assert_eq!(found(&[read("r", "v0"), cast("c", "r:value:0", INT64)]), None);
    }

    #[test]
    fn a_variable_that_is_read_as_it_is_in_one_place_stays() {
        let whole = node_of("w", "MatMul", &["x", "r:value:0"]);
        assert_eq!(found(&[read("r", "v0"), cast("c", "r:value:0", HALF), whole]), None);
        let assigned = node_of("a", "AssignVariableOp", &["v0", "x"]);
        assert_eq!(found(&[read("r", "v0"), cast("c", "r:value:0", HALF), assigned]), None);
    }

    #[test]
    fn rows_that_are_gathered_and_then_cast_and_questions_for_the_shape_are_no_whole_reads() {
        let gathered = [
            node_of("g", "ResourceGather", &["v0", "x"]),
            node_of("e", "ExpandDims", &["g:output:0", "x"]),
            cast("c", "e:output:0", HALF),
            read("r", "v0"),
            node_of("s", "Shape", &["r:value:0"]),
        ];
        assert_eq!(found(&gathered).map(|found| found.bytes), Some(2000));
    }

    #[test]
    fn casts_in_a_function_that_is_called_count_and_what_it_gives_back_is_not_followed() {
        let body = [call("c", "inner", &["v0"])];
        let inner =
            |returns| function("inner", &["handle"], &[read("r", "handle"), cast("k", "r:value:0", HALF)], returns);
        assert_eq!(of(&body, &[inner("k:y:0")]).map(|found| found.bytes), Some(2000));
        assert_eq!(of(&body, &[inner("r:value:0")]), None);
    }

    #[test]
    fn a_branch_that_reads_all_of_it_is_one_place_too() {
        let func = |name: &str| message().message(10, &message().bytes(1, name));
        let branch =
            node_of("c", "If", &["x", "v0"]).entry(5, "then_branch", &func("a")).entry(5, "else_branch", &func("b"));
        let casts = |name| function(name, &["h"], &[read("r", "h"), cast("k", "r:value:0", HALF)], "k:y:0");
        let whole = function("b", &["h"], &[read("r", "h"), node_of("k", "Neg", &["r:value:0"])], "k:y:0");
        assert_eq!(of(std::slice::from_ref(&branch), &[casts("a"), casts("b")]).map(|found| found.bytes), Some(2000));
        assert_eq!(of(&[branch], &[casts("a"), whole]), None);
    }

    proptest! {
        #[test]
        fn a_model_that_computes_as_its_weights_are_has_none(ops in prop::collection::vec(0..4_usize, 1..12)) {
            let op = |at: usize| ["MatMul", "BiasAdd", "Identity", "Mul"][at];
            let mut body = vec![read("r", "v0"), read("s", "v1"), node_of("n0", "MatMul", &["x", "r:value:0"])];
            for (at, kind) in ops.iter().enumerate() {
                body.push(node_of(&format!("n{}", at + 1), op(*kind), &[&format!("n{at}:out:0"), "s:value:0"]));
            }
            body.push(cast("c", &format!("n{}:out:0", ops.len()), HALF));
            prop_assert_eq!(found(&body), None);
        }
    }
}
