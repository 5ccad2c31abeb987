//! `trace-per-argument`: one function traced once for every Python number that it was called with.
//!
//! `tf.function` takes a number for a constant of the trace, and traces again for the next one
//! (`tensorflow/core/function/trace_type`). Each trace is saved as a function of its own.

use std::ops::Range;

use foldhash::{HashMap, HashSet};
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use super::layer_traces::saved_by_keras;
use crate::findings::claims::Claims;
use crate::findings::evidence::{Evidence, Place};
use crate::findings::nodes::Function;
use crate::findings::program::{Object, Program, Vertex};
use crate::findings::{Cause, Context, Detected, Remedy, quoted};
use crate::graph::{EdgeKind, VertexSet};
use crate::message::number::saved_concrete_function::CANONICALIZED_INPUT_SIGNATURE as INPUT_SIGNATURE;
use crate::message::number::structured_value::{
    DICT_VALUE as DICT, FLOAT64_VALUE as FLOAT64, INT64_VALUE as INT64, LIST_VALUE as LIST,
    NAMED_TUPLE_VALUE as NAMED_TUPLE, TUPLE_VALUE as TUPLE,
};
use crate::message::number::{dict_value, map_entry, named_tuple_value};
use crate::size::{bytes, exact, plural};
use crate::wire::{Field, WireType, fields, first_len};

pub(super) const CAUSE: Cause = Cause {
    id: "trace-per-argument",
    remedies: &[Remedy::any(
        "Pass the number as a tensor (`tf.constant(k)`), or give the function an `input_signature`.",
        "",
        "the number decides what is computed, as an axis or a number of layers does.",
    )],
    long: include_str!("../../../docs/findings/trace-per-argument.md"),
    detect,
    only_information: None,
};

/// Values are inside of values at most this deep, or their function is left out.
const MAX_DEPTH: usize = 64;

fn detect(context: &Context<'_>) -> Option<Detected> {
    let (mut claims, mut evidence, mut beyond, mut traces) = (Claims::default(), Evidence::default(), 0, 0_u64);
    for program in context.programs() {
        let repeated = repeated(context, program);
        if repeated.is_empty() {
            continue;
        }
        let gone = without(program, &repeated);
        for (kept, others) in &repeated {
            let freed = others.iter().filter(|trace| gone.contains(**trace));
            let freed: Vec<&Function<'_>> = freed.filter_map(|trace| program.function_at(*trace)).collect();
            let Some(kept) = program.function_at(*kept).filter(|_| !freed.is_empty()) else { continue };
            traces += freed.len() as u64;
            evidence.add(freed.iter().map(|function| context.cost(&function.range())).sum(), || {
                let what = format!("{} more traces of {}", exact(freed.len() as u64), quoted(kept.name));
                (what, Place::of_function(kept))
            });
        }
        beyond += program.claim(context, &gone, &mut claims);
    }
    let functions = plural(evidence.count(), "function was", "functions were");
    let (again, size) = (plural(traces, "more time", "more times"), bytes(claims.bytes().saturating_add(beyond)));
    (!evidence.is_empty()).then(|| Detected {
        message: format!("{functions} traced {again} because a Python number was another one, {size}."),
        evidence,
        claims,
        beyond,
    })
}

/// What goes with all traces but the first of each function.
fn without(program: &Program<'_>, repeated: &[(Vertex, Vec<Vertex>)]) -> VertexSet {
    let ended: HashSet<Vertex> = repeated.iter().flat_map(|(_, traces)| traces.iter().copied()).collect();
    let is_ended = |object: &Object<'_>| program.bare_function(object).is_some_and(|trace| ended.contains(&trace));
    let bare = program.objects().filter(|(_, object)| is_ended(object));
    let bare: HashSet<Vertex> = bare.map(|(vertex, _)| vertex).collect();
    program.without(|need| match need.kind {
        EdgeKind::Trace => ended.contains(&need.to),
        // A trace is an attribute of its function object as well.
        EdgeKind::Holds => bare.contains(&need.to),
        _ => false,
    })
}

/// What goes of a program where each function is traced once for all numbers; nothing where none
/// is traced for several.
pub(super) fn gone(context: &Context<'_>, program: &Program<'_>) -> VertexSet {
    let repeated = repeated(context, program);
    if repeated.is_empty() { VertexSet::default() } else { without(program, &repeated) }
}

/// The traces that differ from another one of their function in a number only: the one that may stay, and the others.
///
/// A number that decides what is computed cannot be a tensor, so only traces of the same operations are taken. Keras
/// has functions of its own that another cause tells of.
fn repeated(context: &Context<'_>, program: &Program<'_>) -> Vec<(Vertex, Vec<Vertex>)> {
    let of_keras: HashSet<Vertex> = saved_by_keras(program).into_iter().map(|(_, held)| held).collect();
    let functions = program.objects().filter(|(vertex, _)| !of_keras.contains(vertex));
    let mut outlines: HashMap<Vertex, Option<Outline>> = HashMap::default();
    let mut outline =
        |trace: Vertex| *outlines.entry(trace).or_insert_with(|| Outline::of(context.main(), program, trace));
    functions.flat_map(|(_, object)| classes(program.traces(object), &mut outline)).collect()
}

/// Sorts the traces of one function by what they have in common, and returns those that are not alone.
fn classes(
    traces: impl Iterator<Item = Vertex>,
    mut outline: impl FnMut(Vertex) -> Option<Outline>,
) -> Vec<(Vertex, Vec<Vertex>)> {
    let mut classes: Vec<(Vertex, Vec<Vertex>)> = Vec::new();
    let mut known: HashMap<Outline, usize> = HashMap::default();
    for trace in traces {
        let Some(outline) = outline(trace) else { continue };
        match known.get(&outline).and_then(|class| classes.get_mut(*class)) {
            Some((first, others)) if *first != trace => others.push(trace),
            Some(_) => {}
            None => {
                known.insert(outline, classes.len());
                classes.push((trace, Vec::new()));
            }
        }
    }
    classes.retain(|(_, others)| !others.is_empty());
    classes
}

/// What a trace has in common with those of other numbers, as hashes: what it was traced for without the numbers, and
/// its operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Outline {
    arguments: u128,
    operations: u64,
}

impl Outline {
    /// `None` where no argument is a number.
    fn of(file: &[u8], program: &Program<'_>, trace: Vertex) -> Option<Self> {
        let signature = program.concrete_function_of(trace)?.range(INPUT_SIGNATURE)?;
        let arguments = xxh3_128(&outline(file, signature)?);
        program.function_at(trace).map(|function| Self { arguments, operations: operations(function) })
    }
}

/// Which operations a function has, in any order.
fn operations(function: &Function<'_>) -> u64 {
    function.nodes().map(|node| xxh3_64(node.op())).fold(0, u64::wrapping_add)
}

/// What a function was traced for, with the values of numbers left out; `None` without numbers.
fn outline(file: &[u8], signature: Range<usize>) -> Option<Vec<u8>> {
    let (mut outline, mut numbers) = (Vec::new(), 0_u64);
    put(file, signature, &mut outline, &mut numbers, MAX_DEPTH)?;
    (numbers > 0).then_some(outline)
}

fn put(file: &[u8], value: Range<usize>, outline: &mut Vec<u8>, numbers: &mut u64, depth: usize) -> Option<()> {
    let depth = depth.checked_sub(1)?;
    for field in fields(file, value) {
        outline.extend(field.number.to_le_bytes());
        match field.number {
            INT64 | FLOAT64 => *numbers = numbers.saturating_add(1),
            LIST | TUPLE | DICT | NAMED_TUPLE if field.wire_type == WireType::Len => {
                outline.push(b'(');
                for item in fields(file, field.payload()) {
                    put_item(file, &field, &item, outline, numbers, depth)?;
                }
                outline.push(b')');
            }
            _ => put_bytes(field.bytes(file), outline),
        }
    }
    Some(())
}

/// An item of a list or a tuple, which is a value; or of what has names: a name and a value.
fn put_item(
    file: &[u8],
    parent: &Field,
    item: &Field,
    outline: &mut Vec<u8>,
    numbers: &mut u64,
    depth: usize,
) -> Option<()> {
    let is_pair =
        matches!((parent.number, item.number), (DICT, dict_value::FIELDS) | (NAMED_TUPLE, named_tuple_value::VALUES));
    if is_pair {
        let part = |number| first_len(file, item.payload(), number).unwrap_or_default();
        put_bytes(file.get(part(map_entry::KEY)).unwrap_or_default(), outline);
        put(file, part(map_entry::VALUE), outline, numbers, depth)
    } else if parent.number == NAMED_TUPLE {
        put_bytes(item.bytes(file), outline);
        Some(())
    } else {
        outline.push(b',');
        put(file, item.payload(), outline, numbers, depth)
    }
}

fn put_bytes(bytes: &[u8], outline: &mut Vec<u8>) {
    outline.extend((bytes.len() as u64).to_le_bytes());
    outline.extend(bytes);
}

#[cfg(test)]
mod tests {
    use super::{INT64, TUPLE};
    use crate::findings::tests::found;
    use crate::support::graph::{function_of, graph_of, object};
    use crate::support::wire::{Message, message, node};

    const BOOL: u32 = 14;

    /// A function object whose traces were traced for these arguments and have these operations.
    fn model(traces: &[(Message, &str)]) -> Message {
        let name = |number: usize| format!("trace_of_f_{number}");
        let functions = traces.iter().enumerate();
        let functions: Vec<Message> = functions
            .map(|(number, (_, op))| function_of(&name(number), &[], &[node(&"n".repeat(1500), op)]))
            .collect();
        let names = (0..traces.len()).fold(message(), |names, number| names.bytes(1, name(number)));
        let root = object(4, &message().bytes(1, "_generic_user_object"), &[("f", 1)]);
        let objects = message().messages(1, &[root, object(6, &names, &[])]);
        let objects = traces.iter().enumerate().fold(objects, |objects, (number, (argument, _))| {
            let arguments = message().message(TUPLE, &message().message(1, argument));
            objects.entry(2, &name(number), &message().message(3, &arguments))
        });
        message().message(2, &graph_of(&[], &functions)).message(7, &objects)
    }

    fn number(value: u64) -> Message {
        message().int(INT64, value)
    }

    #[test]
    fn traces_for_other_numbers_go_but_for_one() {
        let found = found(&model(&[(number(1), "Mul"), (number(2), "Mul"), (number(3), "Mul")]), super::CAUSE.id);
        let found = found.unwrap();
        assert!(found.evidence[0].starts_with("2 more traces of `trace_of_f_0`"), "{found:?}");
        // Two functions of a node, and what the object graph says of them.
        assert!((3000..3300).contains(&found.bytes), "{found:?}");
    }

    #[test]
    fn a_number_that_decides_what_is_computed_is_no_cause() {
        assert_eq!(found(&model(&[(number(1), "Mul"), (number(2), "Add")]), super::CAUSE.id), None);
    }

    #[test]
    fn traces_for_other_shapes_or_truths_are_no_cause() {
        let shape = |size| message().message(33, &message().message(2, &message().message(2, &message().int(1, size))));
        let truth = |truth| message().int(BOOL, truth);
        assert_eq!(found(&model(&[(shape(1), "Mul"), (shape(2), "Mul")]), super::CAUSE.id), None);
        assert_eq!(found(&model(&[(truth(0), "Mul"), (truth(1), "Mul")]), super::CAUSE.id), None);
    }

    #[test]
    fn values_that_are_nested_too_deep_are_not_followed() {
        let nested =
            |value| (0..5000).fold(number(value), |inner, _| message().message(TUPLE, &message().message(1, &inner)));
        assert_eq!(found(&model(&[(nested(1), "Mul"), (nested(2), "Mul")]), super::CAUSE.id), None);
    }
}
