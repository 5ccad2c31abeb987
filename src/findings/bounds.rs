//! How small and how large the elements of an integer tensor can be, from what computes them.
//!
//! Ids that a lookup gives are those of its table and its default; ops that shape, pad, select or offset them give what follows
//! from that. What a caller feeds, and what an op computes that is not known here, may be any number. An argument of a
//! function is what any of its callers gives.

use std::cell::{OnceCell, RefCell};

use bytes::Bytes;
use foldhash::{HashMap, HashSet};

use super::Context;
use super::constants::Scope;
use super::flow::{Flow, Taken, Value};
use super::nodes::Node;
use crate::graph::VertexKind;
use crate::identity::TensorId;
use crate::message::number::attr_value::I;
use crate::message::number::attr_value::list_value::F;
use crate::message::number::tensor_proto::{INT_VAL, INT64_VAL, TENSOR_CONTENT};
use crate::message::{TensorProto, input_node, ops};
use crate::proto::DataType;
use crate::wire::{Field, WireType};

/// How far back values are followed; from an id to its lookup there are a dozen nodes and a few calls.
const MAX_DEPTH: usize = 128;

/// What says that a table's values are the numbers of a file's lines (`TextFileInitializer`).
const LINE_NUMBER: i64 = -1;

/// The least and the greatest that an element can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bounds {
    pub(super) least: i64,
    pub(super) greatest: i64,
}

impl Bounds {
    pub(super) const ZERO: Self = Self { least: 0, greatest: 0 };
    const ANY: Self = Self { least: i64::MIN, greatest: i64::MAX };
    const BOOL: Self = Self { least: 0, greatest: 1 };
    const COUNT: Self = Self { least: 0, greatest: i64::MAX };

    fn only(value: i64) -> Self {
        Self { least: value, greatest: value }
    }

    /// The ids below a number.
    fn below(count: i64) -> Self {
        if count > 0 { Self { least: 0, greatest: count.saturating_sub(1) } } else { Self::ANY }
    }

    /// What is left where these are no number; all of them where that is not one number, or none at a side.
    fn without(self, number: Self) -> Self {
        let Self { least, greatest } = self;
        match number {
            Self { least: out, greatest: same } if out != same || least == greatest => self,
            Self { least: out, .. } if out == least => Self { least: out.saturating_add(1), greatest },
            Self { least: out, .. } if out == greatest => Self { least, greatest: out.saturating_sub(1) },
            _ => self,
        }
    }

    fn or(self, other: Self) -> Self {
        Self { least: self.least.min(other.least), greatest: self.greatest.max(other.greatest) }
    }

    /// Each side by itself; a side that has no bound keeps none.
    fn plus(self, other: Self) -> Self {
        let sum = |a: i64, b: i64, none: i64| if a == none || b == none { none } else { a.saturating_add(b) };
        Self { least: sum(self.least, other.least, i64::MIN), greatest: sum(self.greatest, other.greatest, i64::MAX) }
    }

    fn negated(self) -> Self {
        let negate = |side: i64| match side {
            i64::MIN => i64::MAX,
            i64::MAX => i64::MIN,
            side => side.saturating_neg(),
        };
        Self { least: negate(self.greatest), greatest: negate(self.least) }
    }

    /// The product of two that are not negative; of others nothing is said.
    fn times(self, other: Self) -> Self {
        if self.least < 0 || other.least < 0 {
            return Self::ANY;
        }
        let product = |a: i64, b: i64| if a == i64::MAX || b == i64::MAX { i64::MAX } else { a.saturating_mul(b) };
        Self { least: self.least.saturating_mul(other.least), greatest: product(self.greatest, other.greatest) }
    }
}

/// The bounds of values of one metagraph, as they are asked for.
pub(super) struct Ids<'c, 'a> {
    context: &'c Context<'a>,
    flow: &'c Flow<'c, 'a>,
    known: RefCell<HashMap<Value<'a>, Bounds>>,
    tables: RefCell<HashMap<&'a [u8], Bounds>>,
    /// The lines of assets, by their names, and the tensors that handles are restored from: found out once for all tables.
    lines: RefCell<HashMap<String, Option<usize>>>,
    restored: OnceCell<HashMap<&'c [u8], Vec<TensorId>>>,
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
            b"FloorMod" => match input(1) {
                Bounds { least, greatest } if least > 0 && greatest < i64::MAX => Bounds::below(greatest),
                _ => Bounds::ANY,
            },
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

    /// What a lookup can find in its table.
    fn found(&self, value: Value<'a>, find: &Node<'a>) -> Bounds {
        let table = find.inputs().next().map(|name| Value { name, ..value });
        let handles = table.and_then(|table| self.handles(table)).unwrap_or_default();
        handles.into_iter().map(|handle| self.table(handle)).reduce(Bounds::or).unwrap_or(Bounds::ANY)
    }

    /// How many keys a table has.
    fn size(&self, value: Value<'a>, size: &Node<'a>) -> Bounds {
        let table = size.inputs().next().map(|name| Value { name, ..value });
        let handles = table.and_then(|table| self.handles(table)).unwrap_or_default();
        let keys = |handle| self.keys(handle).map_or(Bounds::COUNT, Bounds::only);
        handles.into_iter().map(keys).reduce(Bounds::or).unwrap_or(Bounds::COUNT)
    }

    /// How many keys the table has that a node of the graph stands for; `None` unless it is filled once, and from a file or a
    /// constant.
    fn keys(&self, handle: &'a [u8]) -> Option<i64> {
        let takers = self.flow.taken(self.flow.of_graph(handle))?;
        let is_fill = |op: &[u8]| ops::TABLE_FILLS.contains(&op) || ops::TABLE_FILLS_FROM_FILE.contains(&op);
        let only_asks = |op: &[u8]| ops::TABLE_LOOKUPS.contains(&op) || ops::ASK_ABOUT_TABLES.contains(&op);
        let mut fills = takers.iter().filter(|taken| !only_asks(taken.node.op()));
        let (fill, None) = (fills.next().filter(|fill| is_fill(fill.node.op()))?, fills.next()) else { return None };
        let source = Value { scope: fill.scope, name: fill.node.inputs().nth(1)? };
        if ops::TABLE_FILLS_FROM_FILE.contains(&fill.node.op()) {
            let lines = self.lines(&fill.node, source)?;
            return lines.greatest.checked_sub(lines.least)?.checked_add(1);
        }
        let sources = self.handles(source)?;
        let (name, None) = (sources.iter().next()?, sources.iter().nth(1)) else { return None };
        let keys = self.flow.node_of_graph(name)?.attribute(b"value")?.tensor()?.shape()?;
        i64::try_from(keys.iter().try_fold(1_u64, |product, size| product.checked_mul(*size))?).ok()
    }

    /// The nodes of the graph that a handle comes from; `None` where it may come from elsewhere.
    fn handles(&self, value: Value<'a>) -> Option<HashSet<&'a [u8]>> {
        let (mut open, mut seen, mut found) = (vec![value], HashSet::default(), HashSet::default());
        while let Some(value) = open.pop() {
            let name = input_node(value.name);
            if !seen.insert((value.scope, name)) {
                continue;
            }
            self.flow.steps(1)?;
            let body = self.flow.body(value.scope);
            match (body.node(name), body.argument(name)) {
                (Some(node), _) if node.op() == b"Identity" => {
                    open.push(Value { name: node.inputs().next()?, ..value });
                }
                (Some(node), _) if value.scope.function.is_none() => {
                    found.insert(node.name());
                }
                (None, Some(argument)) => {
                    for given in self.given(value, argument) {
                        open.push(given?);
                    }
                }
                _ => return None,
            }
        }
        Some(found)
    }

    /// The values of the table that a node of the graph stands for.
    fn table(&self, handle: &'a [u8]) -> Bounds {
        if let Some(known) = self.tables.borrow().get(handle) {
            return *known;
        }
        let found = self.filled(handle).unwrap_or(Bounds::ANY);
        self.tables.borrow_mut().insert(handle, found);
        found
    }

    fn filled(&self, handle: &'a [u8]) -> Option<Bounds> {
        let mut bounds = self.restored(handle);
        for taken in self.flow.taken(self.flow.of_graph(handle))? {
            let input = |at: usize| {
                let name = taken.node.inputs().nth(at)?;
                Some(Value { scope: taken.scope, name })
            };
            let filled = match taken.node.op() {
                op if ops::TABLE_FILLS.contains(&op) => self.bounds(input(2)?, MAX_DEPTH),
                op if ops::TABLE_FILLS_FROM_FILE.contains(&op) => self.lines(&taken.node, input(1)?)?,
                op if ops::TABLE_LOOKUPS.contains(&op) || ops::ASK_ABOUT_TABLES.contains(&op) => continue,
                _ => return None,
            };
            bounds = Some(bounds.map_or(filled, |known| known.or(filled)));
        }
        bounds
    }

    /// The values that the checkpoint has of a table.
    fn restored(&self, handle: &[u8]) -> Option<Bounds> {
        let reach = self.flow.reach();
        let handles = || reach.handles().map(|handle| (handle.name, handle.tensors));
        // Of two of one name the first counts.
        let restored = self.restored.get_or_init(|| handles().collect::<Vec<_>>().into_iter().rev().collect());
        let checkpoint = self.context.checkpoint?;
        let values = restored.get(handle)?.iter().filter_map(|tensor| checkpoint.bundle.tensors.get(tensor.position()));
        let values = values.filter(|tensor| tensor.key.ends_with("-values"));
        let bounds = values.map(|tensor| {
            self.flow.steps(usize::try_from(tensor.bytes / 8).unwrap_or(usize::MAX))?;
            let content = self.context.tensor_content(tensor)?;
            of_numbers(&content, DataType::try_from(tensor.dtype).ok()?)
        });
        bounds.map(|bounds| bounds.unwrap_or(Bounds::ANY)).reduce(Bounds::or)
    }

    /// The numbers of the lines of the file that a table is filled from.
    fn lines(&self, node: &Node<'a>, file_name: Value<'a>) -> Option<Bounds> {
        if integer(node, b"value_index")? != LINE_NUMBER {
            return None;
        }
        let first = integer(node, b"offset").unwrap_or(0);
        let told = integer(node, b"vocab_size").filter(|lines| *lines > 0);
        let lines = told.or_else(|| i64::try_from(self.lines_of(file_name)?).ok())?;
        Some(Bounds { least: first, greatest: first.saturating_add(lines).saturating_sub(1) })
    }

    /// How many lines the one asset has whose path a value is.
    fn lines_of(&self, file_name: Value<'a>) -> Option<usize> {
        let reach = self.flow.reach();
        // Each name is looked for among all nodes, and what these need is followed.
        self.flow.steps(reach.nodes().count() / 16)?;
        let sources: Vec<u32> = self.handles(file_name)?.iter().filter_map(|name| reach.node(name)).collect();
        let needed = reach.reach_from(sources, |_| false);
        let is_asset = |number: &u32| reach.vertex(*number).is_some_and(|vertex| vertex.kind == VertexKind::Asset);
        let mut assets = needed.numbers().filter(is_asset).map(|number| reach.name(number));
        let (asset, None) = (assets.next()?, assets.next()) else { return None };
        let mut lines = self.lines.borrow_mut();
        *lines.entry(asset).or_insert_with_key(|asset| self.lines_of_asset(asset))
    }

    fn lines_of_asset(&self, asset: &str) -> Option<usize> {
        let content: Bytes = self.context.model.file(&format!("assets/{asset}"))?.contents().ok()?;
        let ends = content.iter().filter(|byte| **byte == b'\n').count();
        Some(ends.saturating_add(usize::from(content.last().is_some_and(|last| *last != b'\n'))))
    }
}

/// A cast of what is of one of the types that hold whole numbers.
fn cast(node: &Node<'_>, from: Bounds) -> Bounds {
    let known = |dtype: DataType| {
        use DataType::{DtBool, DtDouble, DtFloat, DtInt8, DtInt16, DtInt32, DtInt64, DtUint8, DtUint16, DtUint32};
        match dtype {
            DtBool => Some(Bounds::BOOL),
            DtInt32 | DtInt64 | DtInt16 | DtInt8 | DtUint8 | DtUint16 | DtUint32 | DtFloat | DtDouble => {
                Some(Bounds::ANY)
            }
            _ => None,
        }
    };
    let of = |key: &[u8]| {
        let number = node.attribute(key)?.data_type()?;
        known(DataType::try_from(i32::try_from(number).ok()?).ok()?)
    };
    match (of(b"SrcT"), of(b"DstT")) {
        (Some(Bounds::BOOL), Some(_)) => Bounds { least: from.least.max(0), greatest: from.greatest.min(1) },
        (Some(_), Some(Bounds::ANY)) => from,
        _ => Bounds::ANY,
    }
}

/// An attribute that is an integer; 0 is not written.
fn integer(node: &Node<'_>, key: &[u8]) -> Option<i64> {
    node.attribute(key).map(|value| value.message().integer(I).cast_signed())
}

/// How many boundaries `Bucketize` has, which is also the number of its last bucket.
fn boundaries(node: &Node<'_>) -> i64 {
    let list = node.attribute(b"boundaries").and_then(|value| value.list());
    let count = |field: &Field| match field.wire_type {
        // Packed, four bytes each.
        WireType::Len => field.payload().len() / 4,
        _ => 1,
    };
    let all =
        list.map(|list| list.fields().filter(|field| field.number == F).map(|field| count(&field)).sum::<usize>());
    all.and_then(|all| i64::try_from(all).ok()).unwrap_or(i64::MAX)
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

fn less(a: Bounds, b: Bounds) -> Bounds {
    if a.greatest < b.least {
        Bounds::only(1)
    } else if a.least >= b.greatest {
        Bounds::only(0)
    } else {
        Bounds::BOOL
    }
}

fn not(bounds: Bounds) -> Bounds {
    Bounds { least: 1 - bounds.greatest.clamp(0, 1), greatest: 1 - bounds.least.clamp(0, 1) }
}

/// The least and the greatest element of a tensor of whole numbers.
fn numbers(tensor: &TensorProto<'_>) -> Option<Bounds> {
    let dtype = DataType::try_from(i32::try_from(tensor.data_type()).ok()?).ok()?;
    let message = tensor.message();
    let content = message.bytes(TENSOR_CONTENT);
    if !content.is_empty() {
        return of_numbers(content, dtype);
    }
    let of = |number: u64| Bounds::only(number.cast_signed());
    let values = message.integers::<u64>(INT_VAL).chain(message.integers(INT64_VAL));
    // A shape and no element means that all are 0.
    let zeros = || matches!(dtype, DataType::DtInt32 | DataType::DtInt64).then_some(Bounds::ZERO);
    values.map(of).reduce(Bounds::or).or_else(zeros)
}

/// Those of numbers as they are in memory.
fn of_numbers(content: &[u8], dtype: DataType) -> Option<Bounds> {
    let of = |number: i64| Bounds::only(number);
    match dtype {
        DataType::DtInt32 => {
            content.as_chunks::<4>().0.iter().map(|bytes| of(i64::from(i32::from_le_bytes(*bytes)))).reduce(Bounds::or)
        }
        DataType::DtInt64 => content.as_chunks::<8>().0.iter().map(|b| of(i64::from_le_bytes(*b))).reduce(Bounds::or),
        _ => None,
    }
}
