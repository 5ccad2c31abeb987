//! How small and how large the elements of an integer tensor can be, from what computes them.
//!
//! Ids that a lookup gives are those of its table and its default; ops that shape, pad, select or offset them give what follows
//! from that. What a caller feeds, and what an op computes that is not known here, may be any number. An argument of a
//! function is what any of its callers gives.

mod interval;
mod numbers;
mod tables;

use std::cell::{OnceCell, RefCell};
use std::sync::Arc;

use foldhash::HashMap;

use super::Context;
use super::constants::Scope;
use super::flow::{Flow, Taken, Value};
use super::nodes::Node;
use crate::identity::TensorId;
use crate::message::{input_node, ops};
use interval::{less, not};
use numbers::{boundaries, cast, integer, limit, numbers};

pub(super) use interval::Bounds;

/// How far back values are followed; from an id to its lookup there are a dozen nodes and a few calls.
const MAX_DEPTH: usize = 128;

/// The bounds of values of one metagraph, as they are asked for.
pub(super) struct Ids<'c, 'a> {
    context: &'c Context<'a>,
    flow: &'c Flow<'c, 'a>,
    known: RefCell<HashMap<Value<'a>, Bounds>>,
    tables: RefCell<HashMap<&'a [u8], Bounds>>,
    /// The lines of assets, by their names, and the tensors that handles are restored from: found out once for all tables.
    lines: RefCell<HashMap<String, Option<usize>>>,
    restored: OnceCell<HashMap<&'c [u8], Arc<[TensorId]>>>,
}

impl<'c, 'a> Ids<'c, 'a> {
    pub(super) fn new(context: &'c Context<'a>, flow: &'c Flow<'c, 'a>) -> Self {
        let (known, tables, lines) = (RefCell::default(), RefCell::default(), RefCell::default());
        Self { context, flow, known, tables, lines, restored: OnceCell::new() }
    }

    /// What an element of a value can be.
    pub(super) fn of(&self, value: Value<'a>) -> Bounds {
        self.bounds(value, MAX_DEPTH)
    }

    fn bounds(&self, value: Value<'a>, depth: usize) -> Bounds {
        if let Some(known) = self.known.borrow().get(&value) {
            return *known;
        }
        if depth == 0 || self.flow.steps(1).is_none() {
            return Bounds::ANY;
        }
        // What comes back to itself is of no bounds.
        self.known.borrow_mut().insert(value, Bounds::ANY);
        let name = input_node(value.name);
        let body = self.flow.body(value.scope);
        let found = match (body.node(name), body.argument(name)) {
            (Some(node), _) => self.node(value, &node, depth - 1),
            (None, Some(argument)) => self.argument(value, argument, depth - 1),
            (None, None) => Bounds::ANY,
        };
        self.known.borrow_mut().insert(value, found);
        found
    }

    fn argument(&self, value: Value<'a>, argument: usize, depth: usize) -> Bounds {
        let given = self.given(value, argument);
        let all = given.into_iter().map(|value| value.map_or(Bounds::ANY, |value| self.bounds(value, depth)));
        all.reduce(Bounds::or).unwrap_or(Bounds::ANY)
    }

    /// What callers give for an argument of the function that a value is in; `None` for one that gives too little.
    fn given(&self, value: Value<'a>, argument: usize) -> Vec<Option<Value<'a>>> {
        let callers = value.scope.function.map_or(&[][..], |function| self.flow.callers(function));
        let input = |(site, first): &(Taken<'a>, usize)| {
            // What a loop gives its body is what it was given only in the first round.
            let is_loop = site.node.op().ends_with(b"While");
            let at = argument.checked_add(*first)?;
            self.flow.steps(at)?;
            let name = site.node.inputs().nth(at).filter(|_| !is_loop)?;
            Some(Value { scope: site.scope, name })
        };
        callers.iter().map(input).collect()
    }

    fn node(&self, value: Value<'a>, node: &Node<'a>, depth: usize) -> Bounds {
        let input = |at: usize| {
            let name = node.inputs().nth(at).filter(|name| !name.starts_with(b"^"));
            name.map_or(Bounds::ANY, |name| self.bounds(Value { name, ..value }, depth))
        };
        let data = || node.inputs().filter(|name| !name.starts_with(b"^"));
        let all = |skip: usize, last: usize| {
            let taken = data().count().saturating_sub(skip).saturating_sub(last);
            // Each output of a node is another value, and depends on all of these.
            if self.flow.steps(taken).is_none() {
                return Bounds::ANY;
            }
            let each = data().skip(skip).take(taken).map(|name| self.bounds(Value { name, ..value }, depth));
            each.reduce(Bounds::or).unwrap_or(Bounds::ANY)
        };
        let output = output(value.name);
        match node.op() {
            b"Const" => self.constant(node),
            b"Identity" | b"Reshape" | b"ExpandDims" | b"Squeeze" | b"StopGradient" | b"Snapshot" | b"Transpose"
            | b"Tile" | b"Slice" | b"StridedSlice" | b"EnsureShape" | b"BroadcastTo" | b"GatherV2" | b"Gather"
            | b"GatherNd" | b"ReverseV2" | b"Roll" | b"PreventGradient" => input(0),
            b"Unique" | b"UniqueV2" | b"UniqueWithCounts" | b"UniqueWithCountsV2" if output.is_first(b"y") => input(0),
            b"Cast" => cast(node, input(0)),
            b"Pad" => input(0).or(Bounds::only(0)),
            b"MirrorPad" => input(0),
            b"PadV2" => input(0).or(input(2)),
            b"ConcatV2" => all(0, 1),
            b"Concat" => all(1, 0),
            b"Pack" => all(0, 0),
            b"Fill" => input(1),
            b"ZerosLike" => Bounds::only(0),
            b"OnesLike" => Bounds::only(1),
            b"Shape" | b"Size" | b"Rank" => Bounds::COUNT,
            b"Select" | b"SelectV2" => match input(0) {
                Bounds { least: 1, greatest: 1 } => input(1),
                Bounds { least: 0, greatest: 0 } => input(2),
                _ => self.chosen(value, node, 1, depth).or(self.chosen(value, node, 2, depth)),
            },
            b"Bucketize" => Bounds { least: 0, greatest: boundaries(node) },
            b"Less" => less(input(0), input(1)),
            b"Greater" => less(input(1), input(0)),
            b"GreaterEqual" => not(less(input(0), input(1))),
            b"LessEqual" => not(less(input(1), input(0))),
            b"LogicalNot" => not(input(0)),
            b"Equal" | b"NotEqual" | b"LogicalAnd" | b"LogicalOr" | b"IsNan" => Bounds::BOOL,
            b"Minimum" => {
                let (a, b) = (input(0), input(1));
                Bounds { least: a.least.min(b.least), greatest: a.greatest.min(b.greatest) }
            }
            b"Maximum" => {
                let (a, b) = (input(0), input(1));
                Bounds { least: a.least.max(b.least), greatest: a.greatest.max(b.greatest) }
            }
            b"ClipByValue" => {
                let (x, low, high) = (input(0), input(1), input(2));
                let clip = |side: i64| side.max(low.least).min(high.greatest);
                Bounds { least: clip(x.least), greatest: clip(x.greatest) }
            }
            b"Add" | b"AddV2" => input(0).plus(input(1)),
            b"Sub" => input(0).plus(input(1).negated()),
            b"Mul" => input(0).times(input(1)),
            b"FloorMod" => input(1).remainders(),
            // What is divided has the sign of what is left.
            b"Mod" | b"TruncateMod" if input(0).least >= 0 => input(1).remainders(),
            b"FloorDiv" | b"TruncateDiv" | b"Div" => input(0).divided_by(input(1)),
            b"BitwiseAnd" => match (input(0), input(1)) {
                (_, mask) | (mask, _) if mask.least >= 0 && mask.greatest < i64::MAX => Bounds { least: 0, ..mask },
                _ => Bounds::ANY,
            },
            // As many numbers as the shape says, where the limit is not known: `tf.range(tf.shape(ids)[1])`.
            ops::RANGE => input(0).range(input(1).least_of(limit(node, input(0), input(2))), input(2)),
            b"StringToHashBucketFast" | b"StringToHashBucketStrong" | b"StringToHashBucket" => {
                Bounds::below(integer(node, b"num_buckets").unwrap_or(0))
            }
            b"SparseCross" if output.is(b"output_values", 1) => {
                Bounds::below(integer(node, b"num_buckets").unwrap_or(0))
            }
            b"LookupTableSizeV2" | b"LookupTableSize" => self.size(value, node),
            b"RaggedTensorToTensor" => input(1).or(input(2)),
            b"SparseToDense" => input(2).or(input(3)),
            b"SparseFillEmptyRows" if output.is(b"output_values", 1) => input(1).or(input(3)),
            op if ops::TABLE_LOOKUPS.contains(&op) => self.found(value, node).or(input(2)),
            _ => self.result(value, node, output, depth),
        }
    }

    /// What an element can be of one of the two values that a choice is between, by its input: where the choice is whether
    /// that value is a number, it is another one there. `where(ids == -1, hashes, ids)` gives no -1.
    fn chosen(&self, value: Value<'a>, choice: &Node<'a>, at: usize, depth: usize) -> Bounds {
        let input = |node: &Node<'a>, at: usize| node.inputs().nth(at).filter(|name| !name.starts_with(b"^"));
        let Some(name) = input(choice, at) else { return Bounds::ANY };
        let bounds = self.bounds(Value { name, ..value }, depth);
        let condition = input(choice, 0).and_then(|name| self.flow.body(value.scope).node(input_node(name)));
        let is_other = |node: &Node<'a>| matches!((node.op(), at), (b"Equal", 2) | (b"NotEqual", 1));
        let Some(condition) = condition.filter(is_other) else { return bounds };
        let (a, b) = (input(&condition, 0), input(&condition, 1));
        let number = if a == Some(name) { b } else { a.filter(|_| b == Some(name)) };
        number.map_or(bounds, |number| bounds.without(self.bounds(Value { name: number, ..value }, depth)))
    }

    /// What the functions give back that a node calls.
    fn result(&self, value: Value<'a>, node: &Node<'a>, output: Output<'_>, depth: usize) -> Bounds {
        if node.op().ends_with(b"While") {
            return Bounds::ANY;
        }
        let result = |(position, _): (usize, usize)| {
            let scope = Scope { function: Some(position), ..value.scope };
            let name = self.flow.body(scope).results.get(output.number).copied()?;
            Some(self.bounds(Value { scope, name }, depth))
        };
        let called = self.flow.called(node);
        if self.flow.steps(called.len()).is_none() {
            return Bounds::ANY;
        }
        let all = called.iter().map(|called| result(*called).unwrap_or(Bounds::ANY));
        all.reduce(Bounds::or).unwrap_or(Bounds::ANY)
    }

    /// The elements of a constant of `int32` or `int64`.
    fn constant(&self, node: &Node<'a>) -> Bounds {
        let tensor = node.attribute(b"value").and_then(|value| value.tensor());
        tensor.and_then(|tensor| numbers(&tensor)).unwrap_or(Bounds::ANY)
    }
}

/// Which output of a node a value is.
#[derive(Clone, Copy)]
struct Output<'a> {
    name: &'a [u8],
    number: usize,
}

impl Output<'_> {
    /// Whether it is the output of this name, which a graph knows by its number.
    fn is(self, name: &[u8], number: usize) -> bool {
        if self.name.is_empty() { self.number == number } else { self.name == name }
    }

    fn is_first(self, name: &[u8]) -> bool {
        self.is(name, 0)
    }
}

fn output(value: &[u8]) -> Output<'_> {
    let mut parts = value.split(|byte| *byte == b':').skip(1);
    let number = |part: Option<&[u8]>| part.and_then(|part| std::str::from_utf8(part).ok()?.parse().ok());
    match (parts.next(), parts.next()) {
        (Some(name), last @ Some(_)) => Output { name, number: number(last).unwrap_or(0) },
        (last, _) => Output { name: &[], number: number(last).unwrap_or(0) },
    }
}
