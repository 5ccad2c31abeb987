//! `trace-per-argument`: one function traced once for every Python number or name, or every size of a tensor, that it was
//! called with.
//!
//! `tf.function` takes a number for a constant of the trace and a tensor's sizes for those of all tensors, and traces again
//! for the next ones (`tensorflow/core/function/trace_type`). Each trace is saved as a function of its own. A name mostly chooses
//! what is computed; where it does not, and only numbers in the traces differ, it chooses a row or a column, as a tensor can.

use std::hash::Hash;
use std::ops::Range;

use foldhash::{HashMap, HashSet};
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use super::layer_traces::saved_by_keras;
use crate::findings::claims::Claims;
use crate::findings::evidence::{Evidence, Place};
use crate::findings::nodes::{Function, Node};
use crate::findings::program::{Object, Program, Vertex};
use crate::findings::{Cause, Context, Cure, Detected, Remedy, quoted};
use crate::graph::{EdgeKind, VertexSet};
use crate::message::number::saved_concrete_function::CANONICALIZED_INPUT_SIGNATURE as INPUT_SIGNATURE;
use crate::message::number::structured_value::{
    BOUNDED_TENSOR_SPEC_VALUE as BOUNDED_SPEC, DICT_VALUE as DICT, FLOAT64_VALUE as FLOAT64, INT64_VALUE as INT64,
    LIST_VALUE as LIST, NAMED_TUPLE_VALUE as NAMED_TUPLE, STRING_VALUE as STRING, TENSOR_SHAPE_VALUE as SHAPE,
    TENSOR_SPEC_VALUE as SPEC, TUPLE_VALUE as TUPLE, TYPE_SPEC_VALUE as TYPE_SPEC,
};
use crate::message::number::tensor_shape_proto::{DIM, dim};
use crate::message::number::{dict_value, map_entry, named_tuple_value, tensor_spec_proto, type_spec_proto};
use crate::message::{AttrValue, Entry, Message};
use crate::proto::type_spec_proto::TypeSpecClass;
use crate::size::{bytes, exact, plural};
use crate::wire::{Field, WireType, fields, first_len};

pub(super) const CAUSE: Cause = Cause {
    id: "trace-per-argument",
    remedies: &[Remedy::any(
        "Pass the number, or that of the name, as a tensor (`tf.constant(k)`), or give the function an `input_signature`, with `None` for each size \
         that differs.",
        "",
        "the number decides what is computed, as an axis or a number of layers does, or a compiler wants each size fixed.",
    )],
    long: include_str!("../../../docs/findings/trace-per-argument.md"),
    detect,
    only_information: None,
    cure: Cure::None,
};

/// Values are inside of values at most this deep, or their function is left out.
const MAX_DEPTH: usize = 64;

/// The attribute of a constant that is its tensor, which is a number, a few numbers or a name where it is no longer than this.
const VALUE: &[u8] = b"value";
const SMALL: usize = 256;

fn detect(context: &Context<'_>) -> Option<Detected> {
    let (mut claims, mut evidence, mut traces) = (Claims::default(), Evidence::default(), 0_u64);
    let (mut by_name, mut by_number, mut by_size) = (false, false, false);
    for program in context.programs() {
        let repeated = repeated(context, program);
        if repeated.is_empty() {
            continue;
        }
        let gone = without(program, &repeated);
        for Repeated { kept, others, differ_in } in &repeated {
            let freed = others.iter().filter(|trace| gone.contains(**trace));
            let freed: Vec<&Function<'_>> = freed.filter_map(|trace| program.function_at(*trace)).collect();
            let Some(kept) = program.function_at(*kept).filter(|_| !freed.is_empty()) else { continue };
            traces += freed.len() as u64;
            by_size |= *differ_in == Differ::Sizes;
            by_number |= *differ_in == Differ::Numbers;
            by_name |= *differ_in == Differ::Names;
            evidence.add(freed.iter().map(|function| context.cost(&function.range())).sum(), || {
                let what = format!("{} more traces of {}", exact(freed.len() as u64), quoted(kept.name));
                (what, Place::of_function(kept))
            });
        }
        program.claim(context, &gone, &mut claims);
    }
    let functions = plural(evidence.count(), "function was", "functions were");
    let (again, size) = (plural(traces, "more time", "more times"), bytes(claims.bytes()));
    let of_python = match (by_number, by_name) {
        (true, true) => Some("a Python number or `str`"),
        (true, false) => Some("a Python number"),
        (false, true) => Some("a `str`"),
        (false, false) => None,
    };
    let what = match (of_python, by_size) {
        (Some(of_python), true) => format!("{of_python}, or the size of a tensor,"),
        (Some(of_python), false) => of_python.to_owned(),
        (None, _) => "the size of a tensor".to_owned(),
    };
    (!evidence.is_empty()).then(|| Detected {
        message: format!("{functions} traced {again} because {what} was another one, {size}."),
        evidence,
        claims,
        beyond: 0,
    })
}

/// What goes with all traces but the first of each function.
fn without(program: &Program<'_>, repeated: &[Repeated]) -> VertexSet {
    let ended: HashSet<Vertex> = repeated.iter().flat_map(|repeated| repeated.others.iter().copied()).collect();
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

/// What goes of a program where each function is traced once for all numbers and sizes; nothing where none
/// is traced for several.
pub(super) fn gone(context: &Context<'_>, program: &Program<'_>) -> VertexSet {
    let repeated = repeated(context, program);
    if repeated.is_empty() { VertexSet::default() } else { without(program, &repeated) }
}

/// Traces of one function for other numbers or sizes.
struct Repeated {
    /// The one that may stay.
    kept: Vertex,
    others: Vec<Vertex>,
    differ_in: Differ,
}

/// In what traces differ that are one: the first of these that is so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Differ {
    Names,
    Numbers,
    /// The sizes of tensors only.
    Sizes,
}

/// The traces that differ from another one of their function in numbers, names and sizes only.
///
/// A number that decides what is computed cannot be a tensor, so only traces of the same operations are taken, and of those for
/// several names the ones that differ in numbers only. Keras has functions of its own that another cause tells of.
fn repeated(context: &Context<'_>, program: &Program<'_>) -> Vec<Repeated> {
    let of_keras: HashSet<Vertex> = saved_by_keras(program).into_iter().map(|(_, held)| held).collect();
    let functions = program.objects().filter(|(vertex, _)| !of_keras.contains(vertex));
    let mut arguments: HashMap<Vertex, Option<Arguments>> = HashMap::default();
    let mut argument =
        |trace: Vertex| *arguments.entry(trace).or_insert_with(|| Arguments::of(context.main(), program, trace));
    let mut operations: HashMap<Vertex, Option<u64>> = HashMap::default();
    let mut operation =
        |trace: Vertex| *operations.entry(trace).or_insert_with(|| program.function_at(trace).map(self::operations));
    let mut repeated = Vec::new();
    for (_, object) in functions {
        // What a function does is looked at where its arguments are alike only: that is a walk over its nodes.
        for alike in classes(program.traces(object), |trace| argument(trace).map(|arguments| arguments.kinds)) {
            let mut named = |trace| argument(trace).map(|arguments| arguments.names);
            let alike = classes(alike.into_iter(), &mut operation);
            let alike: Vec<Vec<Vertex>> = alike
                .into_iter()
                .flat_map(|class| of_names(class, &mut named, |trace| code_of(program, trace)))
                .collect();
            for class in alike {
                let Some((kept, others)) = class.split_first() else { continue };
                let mut differ = |in_what: fn(&Arguments) -> u128| {
                    let mut of = |trace: &Vertex| argument(*trace).as_ref().map(in_what);
                    let first = of(kept);
                    others.iter().any(|other| of(other) != first)
                };
                let differ_in = match (differ(|arguments| arguments.names), differ(|arguments| arguments.numbers)) {
                    (true, _) => Differ::Names,
                    (false, true) => Differ::Numbers,
                    (false, false) => Differ::Sizes,
                };
                repeated.push(Repeated { kept: *kept, others: others.to_vec(), differ_in });
            }
        }
    }
    repeated
}

/// Of traces with the same operations those that are one: all for the same names, and for other names what has the same code.
fn of_names(
    traces: Vec<Vertex>,
    name: impl FnMut(Vertex) -> Option<u128>,
    mut code: impl FnMut(Vertex) -> Option<u64>,
) -> Vec<Vec<Vertex>> {
    let by_name = sorted(traces, name);
    if by_name.len() < 2 {
        return by_name;
    }
    let mut first: HashMap<Vertex, Vec<Vertex>> = HashMap::default();
    let kept: Vec<Vertex> = by_name.iter().filter_map(|class| class.first().copied()).collect();
    by_name.into_iter().for_each(|class| _ = class.first().copied().map(|kept| first.insert(kept, class)));
    let mut joined = sorted(kept, &mut code);
    for class in &mut joined {
        *class = class.iter().filter_map(|kept| first.remove(kept)).flatten().collect();
    }
    joined.retain(|class| class.len() > 1);
    joined
}

/// Sorts traces by what they have in common, and returns those that are not alone, each once.
fn classes<K: Eq + Hash>(
    traces: impl Iterator<Item = Vertex>,
    key: impl FnMut(Vertex) -> Option<K>,
) -> Vec<Vec<Vertex>> {
    let traces: Vec<Vertex> = traces.collect();
    if traces.len() < 2 {
        return Vec::new();
    }
    let mut classes = sorted(traces, key);
    classes.retain(|class| class.len() > 1);
    classes
}

/// Sorts traces by what they have in common, each once, in the order of the first of each.
fn sorted<K: Eq + Hash>(traces: Vec<Vertex>, mut key: impl FnMut(Vertex) -> Option<K>) -> Vec<Vec<Vertex>> {
    let mut classes: Vec<Vec<Vertex>> = Vec::new();
    let mut known: HashMap<K, usize> = HashMap::default();
    let mut seen: HashSet<Vertex> = HashSet::default();
    for trace in traces {
        let Some(key) = key(trace).filter(|_| seen.insert(trace)) else { continue };
        let class = *known.entry(key).or_insert(classes.len());
        match classes.get_mut(class) {
            Some(class) => class.push(trace),
            None => classes.push(vec![trace]),
        }
    }
    classes
}

/// What a trace was traced for, as hashes.
#[derive(Debug, Clone, Copy)]
struct Arguments {
    /// Without the names, the numbers, and the sizes of tensors.
    kinds: u128,
    /// Without the numbers and the sizes.
    names: u128,
    /// Without the sizes only.
    numbers: u128,
}

impl Arguments {
    /// `None` where no argument is a name, a number or a tensor of some size.
    fn of(file: &[u8], program: &Program<'_>, trace: Vertex) -> Option<Self> {
        let signature = program.concrete_function_of(trace)?.range(INPUT_SIGNATURE)?;
        let outline = |keeps_names, keeps_numbers| {
            let mut outline = Outline { keeps_names, keeps_numbers, ..Outline::default() };
            outline.put(file, signature.clone(), MAX_DEPTH)?;
            Some((xxh3_128(&outline.bytes), outline.left_out))
        };
        let (kinds, left_out) = outline(false, false)?;
        if left_out == 0 {
            return None;
        }
        Some(Self { kinds, names: outline(true, false)?.0, numbers: outline(true, true)?.0 })
    }
}

/// Whether a TypeSpec is that of a variable.
fn is_variable(file: &[u8], spec: &Field) -> bool {
    let class = Message::new(file, spec.payload()).integer(type_spec_proto::TYPE_SPEC_CLASS);
    class == TypeSpecClass::VariableSpec as u64
}

/// Which operations a function has, in any order.
fn operations(function: &Function<'_>) -> u64 {
    function.nodes().map(|node| xxh3_64(node.op())).fold(0, u64::wrapping_add)
}

/// What a function is made of but for small constants, in any order: its operations with their attributes. Functions that
/// nodes call count by their names, without the number that tells traces apart.
fn code_of(program: &Program<'_>, trace: Vertex) -> Option<u64> {
    let attribute = |entry: &Entry<'_>| {
        let mut called = 0_u64;
        AttrValue::new(entry.value.clone())
            .functions(&mut |name| called = called.rotate_left(5) ^ xxh3_64(without_number(name)));
        let own = || entry.value.payloads().filter_map(|range| entry.value.file().get(range)).map(xxh3_64);
        let value = if called == 0 { own().fold(0, u64::wrapping_add) } else { called };
        xxh3_64(entry.key).rotate_left(1) ^ value
    };
    let is_number = |entry: &Entry<'_>| {
        entry.key == VALUE && entry.value.payloads().map(|range| range.len()).sum::<usize>() <= SMALL
    };
    let code = |node: Node<'_>| {
        let attributes = node.attributes();
        let attributes = attributes.iter().filter(|entry| !is_number(entry)).map(attribute);
        xxh3_64(node.op()).rotate_left(3) ^ attributes.fold(0, u64::wrapping_add)
    };
    let nodes = program.function_at(trace)?.nodes().map(code);
    Some(nodes.map(|code| xxh3_64(&code.to_le_bytes())).fold(0, u64::wrapping_add))
}

fn without_number(name: &[u8]) -> &[u8] {
    let end = name.iter().rposition(|byte| !byte.is_ascii_digit()).map_or(0, |last| last + 1);
    name.get(..end).unwrap_or(name)
}

/// What a function was traced for, with the sizes of tensors left out, and perhaps names and the values of numbers.
#[derive(Debug, Default)]
struct Outline {
    keeps_names: bool,
    keeps_numbers: bool,
    bytes: Vec<u8>,
    /// How many names, numbers and sizes are left out.
    left_out: u64,
}

impl Outline {
    /// `None` where values are inside of values too deep, and of what takes a variable.
    fn put(&mut self, file: &[u8], value: Range<usize>, depth: usize) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        for field in fields(file, value) {
            self.bytes.extend(field.number.to_le_bytes());
            let is_message = field.wire_type == WireType::Len;
            match field.number {
                STRING if !self.keeps_names => self.left_out = self.left_out.saturating_add(1),
                INT64 | FLOAT64 if !self.keeps_numbers => self.left_out = self.left_out.saturating_add(1),
                LIST | TUPLE | DICT | NAMED_TUPLE if is_message => {
                    self.bytes.push(b'(');
                    for item in fields(file, field.payload()) {
                        self.put_item(file, &field, &item, depth)?;
                    }
                    self.bytes.push(b')');
                }
                // An optimizer's step is traced for each variable that it is given.
                TYPE_SPEC if is_message && is_variable(file, &field) => return None,
                // All that a TensorSpec has is under the same numbers in one with bounds.
                SPEC | BOUNDED_SPEC if is_message => self.put_spec(file, &field, tensor_spec_proto::SHAPE),
                SHAPE if is_message => self.put_shape(file, &field),
                _ => self.put_bytes(field.bytes(file)),
            }
        }
        Some(())
    }

    fn put_spec(&mut self, file: &[u8], spec: &Field, shape: u32) {
        for part in fields(file, spec.payload()) {
            self.bytes.extend(part.number.to_le_bytes());
            if part.is_len(shape) { self.put_shape(file, &part) } else { self.put_bytes(part.bytes(file)) }
        }
    }

    /// How many dimensions there are, and what else a shape says.
    fn put_shape(&mut self, file: &[u8], shape: &Field) {
        for part in fields(file, shape.payload()) {
            self.bytes.extend(part.number.to_le_bytes());
            if part.is_len(DIM) {
                let has_size = fields(file, part.payload()).any(|part| part.number == dim::SIZE);
                self.left_out = self.left_out.saturating_add(u64::from(has_size));
            } else {
                self.put_bytes(part.bytes(file));
            }
        }
        self.bytes.push(b';');
    }

    /// An item of a list or a tuple, which is a value; or of what has names: a name and a value.
    fn put_item(&mut self, file: &[u8], parent: &Field, item: &Field, depth: usize) -> Option<()> {
        let is_pair = matches!(
            (parent.number, item.number),
            (DICT, dict_value::FIELDS) | (NAMED_TUPLE, named_tuple_value::VALUES)
        );
        if is_pair {
            let part = |number| first_len(file, item.payload(), number).unwrap_or_default();
            self.put_bytes(file.get(part(map_entry::KEY)).unwrap_or_default());
            self.put(file, part(map_entry::VALUE), depth)
        } else if parent.number == NAMED_TUPLE {
            self.put_bytes(item.bytes(file));
            Some(())
        } else {
            self.bytes.push(b',');
            self.put(file, item.payload(), depth)
        }
    }

    fn put_bytes(&mut self, bytes: &[u8]) {
        self.bytes.extend((bytes.len() as u64).to_le_bytes());
        self.bytes.extend(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::{INT64, SPEC, STRING, TUPLE, TYPE_SPEC, TypeSpecClass};
    use crate::findings::tests::found;
    use crate::support::graph::{function_of, graph_of, object};
    use crate::support::wire::{Message, message, node};

    const BOOL: u32 = 14;

    /// A function object whose traces were traced for these arguments and have these operations.
    fn model(traces: &[(Message, &str)]) -> Message {
        let functions = traces.iter().enumerate();
        let functions: Vec<Message> = functions
            .map(|(number, (_, op))| function_of(&name(number), &[], &[node(&"n".repeat(1500), op)]))
            .collect();
        objects_of(traces.iter().map(|(argument, _)| argument.clone()), &functions)
    }

    fn name(number: usize) -> String {
        format!("trace_of_f_{number}")
    }

    /// A function object whose traces are these functions and were traced for these arguments.
    fn objects_of(arguments: impl Iterator<Item = Message>, functions: &[Message]) -> Message {
        let names = (0..functions.len()).fold(message(), |names, number| names.bytes(1, name(number)));
        let root = object(4, &message().bytes(1, "_generic_user_object"), &[("f", 1)]);
        let objects = message().messages(1, &[root, object(6, &names, &[])]);
        let objects = arguments.enumerate().fold(objects, |objects, (number, argument)| {
            let arguments = message().message(TUPLE, &message().message(1, &argument));
            objects.entry(2, &name(number), &message().message(3, &arguments))
        });
        message().message(2, &graph_of(&[], functions)).message(7, &objects)
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

    /// A TensorSpec of these sizes, of this number of a type.
    fn tensor(dtype: u64, sizes: &[u64]) -> Message {
        let shape = sizes.iter().fold(message(), |shape, size| shape.message(2, &message().int(1, *size)));
        message().message(SPEC, &message().message(2, &shape).int(3, dtype))
    }

    #[test]
    fn traces_for_other_sizes_of_a_tensor_go_but_for_one() {
        let all = [(tensor(1, &[1, 8]), "Mul"), (tensor(1, &[2, 8]), "Mul"), (tensor(1, &[3, 8]), "Mul")];
        let found = found(&model(&all), super::CAUSE.id).unwrap();
        assert!(found.evidence[0].starts_with("2 more traces of `trace_of_f_0`"), "{found:?}");
        assert!(found.message.contains("because the size of a tensor was another one"), "{found:?}");
    }

    #[test]
    fn traces_for_other_ranks_types_truths_or_operations_are_no_cause() {
        let truth = |truth| message().int(BOOL, truth);
        // A step of an optimizer is given a variable, and a number for it.
        let variable = |number: u64| {
            let variable = message().message(TYPE_SPEC, &message().int(1, TypeSpecClass::VariableSpec as u64));
            message().message(TUPLE, &message().messages(1, &[tensor(1, &[number]), variable, self::number(number)]))
        };
        let pairs = [
            [(tensor(1, &[4]), "Mul"), (tensor(1, &[4, 4]), "Mul")],
            [(tensor(1, &[4]), "Mul"), (tensor(9, &[5]), "Mul")],
            [(tensor(1, &[4]), "Mul"), (tensor(1, &[5]), "Add")],
            [(truth(0), "Mul"), (truth(1), "Mul")],
            [(variable(4), "Mul"), (variable(5), "Mul")],
        ];
        for pair in pairs {
            assert_eq!(found(&model(&pair), super::CAUSE.id), None, "{pair:?}");
        }
    }

    /// A function of a node and a constant of these bytes, traced for a name.
    fn named(traces: &[(&str, &[u8], u64)]) -> Option<crate::findings::Finding> {
        let functions = traces.iter().enumerate().map(|(number, (_, content, axis))| {
            let tensor = message().int(1, 3).bytes(4, content);
            let constant = node(&"c".repeat(1500), "Const").entry(5, "value", &message().message(8, &tensor));
            let sum = node("s", "Sum").entry(5, "axis", &message().int(3, *axis));
            function_of(&name(number), &[], &[constant, sum])
        });
        let functions: Vec<Message> = functions.collect();
        found(&objects_of(traces.iter().map(|(name, ..)| message().bytes(STRING, name)), &functions), super::CAUSE.id)
    }

    #[test]
    fn a_name_that_chooses_a_number_only_is_a_cause_and_one_that_chooses_what_is_computed_is_none() {
        let found = named(&[("en", b"\0\0\0\0", 1), ("de", b"\x01\0\0\0", 1), ("fr", b"\x02\0\0\0", 1)]).unwrap();
        assert!(found.evidence[0].starts_with("2 more traces of `trace_of_f_0`"), "{found:?}");
        assert!(found.message.contains("because a `str` was another one"), "{found:?}");
        assert_eq!(named(&[("sum", b"\0\0\0\0", 1), ("mean", b"\0\0\0\0", 2)]), None, "another attribute");
        let weights = |of: u8| vec![of; 400];
        assert_eq!(named(&[("a", &weights(1), 1), ("b", &weights(2), 1)]), None, "other weights");
    }

    #[test]
    fn values_that_are_nested_too_deep_are_not_followed() {
        let nested =
            |value| (0..5000).fold(number(value), |inner, _| message().message(TUPLE, &message().message(1, &inner)));
        assert_eq!(found(&model(&[(nested(1), "Mul"), (nested(2), "Mul")]), super::CAUSE.id), None);
    }
}
