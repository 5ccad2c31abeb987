//! Which nodes of a graph, or of a function's body, go when some names go: what only hands a variable's value on or sets
//! it, what only served that, and the strings and inputs of savers.

use std::ops::Range;

use foldhash::{HashMap, HashSet};

use super::nodes::Node;
use crate::message::{input_node, is_data, ops};
use crate::wire::Field;

/// How many constants of names one constant of slices is beside; savers have one of each.
const SHARED: usize = 4;

/// How far what goes is followed, in passes over the nodes: reads and what sets a variable are a handful of nodes deep.
const PASSES: usize = 8;

/// What is known of a body before nodes go.
#[derive(Default)]
pub(super) struct Known<'a> {
    /// Names that go: handles, or arguments.
    pub(super) gone: HashSet<&'a [u8]>,
    /// Handles that nothing reaches and nothing restores: they go with what was computed from them.
    pub(super) orphans: HashSet<&'a [u8]>,
    /// What updates the variables stays, as their values are in another one.
    pub(super) keeps_updates: bool,
}

/// A function by its name, and the arguments that it loses, by position.
pub(super) type Call<'a> = (&'a [u8], Vec<usize>);

/// What goes of a body.
#[derive(Default)]
pub(super) struct Went<'a> {
    /// Nodes, and inputs of nodes that stay.
    pub(super) ranges: Vec<Range<usize>>,
    /// The functions that nodes which stay call, and which of their arguments go.
    pub(super) calls: Vec<Call<'a>>,
    /// All names that go.
    pub(super) gone: HashSet<&'a [u8]>,
}

/// Follows what goes through the nodes of one body. `feeders` are the nodes that only feed what goes; `keys` are the
/// checkpoint's that go.
pub(super) fn follow<'a, I: Iterator<Item = Node<'a>>>(
    file: &'a [u8],
    nodes: impl Fn() -> I,
    known: Known<'a>,
    feeders: impl Fn(&HashSet<&'a [u8]>) -> Vec<&'a [u8]>,
    keys: &HashSet<&[u8]>,
) -> Went<'a> {
    if known.gone.is_empty() {
        return Went::default();
    }
    let gone = spread(&nodes, known, feeders);
    let mut went = Went::default();
    // The constants that savers get their keys from, each with those of the slices beside them.
    let mut strings: HashMap<&[u8], Vec<&[u8]>> = HashMap::default();
    for node in nodes() {
        if gone.contains(node.name()) {
            went.ranges.push(node.range());
            continue;
        }
        loses_inputs(file, &node, &gone, &mut went);
        if ops::is_saver(node.op()) {
            let mut inputs = node.inputs().map(input_node);
            if let (Some(names), Some(slices)) = (inputs.nth(1), inputs.next()) {
                strings.entry(names).or_default().push(slices);
            }
        }
    }
    if !strings.is_empty() {
        saver_strings(file, nodes, &strings, keys, &mut went.ranges);
    }
    went.gone = gone;
    went
}

/// All names that go with those that are known to.
fn spread<'a, I: Iterator<Item = Node<'a>>>(
    nodes: impl Fn() -> I,
    known: Known<'a>,
    feeders: impl Fn(&HashSet<&'a [u8]>) -> Vec<&'a [u8]>,
) -> HashSet<&'a [u8]> {
    let mut gone = known.gone;
    for _ in 0..PASSES {
        let before = gone.len();
        for node in nodes() {
            if goes_with_its_variable(&node, &gone, known.keeps_updates) {
                gone.insert(node.name());
            }
        }
        gone.extend(feeders(&gone));
        if !known.orphans.is_empty() {
            let feeds: HashSet<&[u8]> = feeds(nodes(), &gone);
            gone.extend(feeds.intersection(&known.orphans));
        }
        if gone.len() == before {
            break;
        }
    }
    gone
}

/// The names in a body that only feed what goes, but for savers and what `is_kept`. One step back: a function has
/// hardly more between what is restored and where it goes.
pub(super) fn feeders<'a, I: Iterator<Item = Node<'a>>>(
    nodes: impl Fn() -> I,
    gone: &HashSet<&'a [u8]>,
    is_kept: impl Fn(&[u8]) -> bool,
) -> Vec<&'a [u8]> {
    let mut idle = feeds(nodes(), gone);
    for node in nodes().filter(|node| !gone.contains(node.name())) {
        for input in node.inputs() {
            idle.remove(input_node(input));
        }
        if ops::is_saver(node.op()) {
            idle.remove(node.name());
        }
    }
    idle.into_iter().filter(|name| !is_kept(name)).collect()
}

/// Whether a node is only there for a variable that goes: it hands it on, or an optimizer updates it.
fn goes_with_its_variable(node: &Node<'_>, gone: &HashSet<&[u8]>, keeps_updates: bool) -> bool {
    let op = node.op();
    let mut data = node.inputs().filter(|input| is_data(input)).map(input_node);
    if ops::OF_VARIABLES.contains(&op) {
        data.next().is_some_and(|first| gone.contains(first))
    } else {
        !keeps_updates && ops::is_optimizer_step(op) && data.any(|input| gone.contains(input))
    }
}

/// The names that nodes which go take and that stay so far.
fn feeds<'a>(nodes: impl Iterator<Item = Node<'a>>, gone: &HashSet<&'a [u8]>) -> HashSet<&'a [u8]> {
    let going = nodes.filter(|node| gone.contains(node.name()));
    let names = going.flat_map(|node| node.inputs().map(input_node));
    names.filter(|name| !gone.contains(name)).collect()
}

/// A node that stays loses inputs; where it calls a function, that loses arguments.
fn loses_inputs<'a>(file: &'a [u8], node: &Node<'a>, gone: &HashSet<&[u8]>, went: &mut Went<'a>) {
    let mut lost = Vec::new();
    for (position, input) in node.input_fields().enumerate() {
        let name = input.bytes(file);
        if gone.contains(input_node(name)) {
            went.ranges.push(input.range());
            if is_data(name) {
                lost.push(position);
            }
        }
    }
    if !lost.is_empty() {
        let name = node.attribute(b"f").and_then(|value| value.function());
        went.calls.extend(name.map(|name| (name, lost)));
    }
}

/// The keys that go, in the constants that tell savers what to write and read, and the slices in the same places of the
/// constants beside them.
fn saver_strings<'a, I: Iterator<Item = Node<'a>>>(
    file: &'a [u8],
    nodes: impl Fn() -> I,
    strings: &HashMap<&'a [u8], Vec<&'a [u8]>>,
    keys: &HashSet<&[u8]>,
    ranges: &mut Vec<Range<usize>>,
) {
    // Savers may share their names, and the constants beside these: which strings go is kept once for each constant of names.
    let mut lost: HashMap<&[u8], HashSet<usize>> = HashMap::default();
    let mut beside: HashMap<&[u8], Vec<&[u8]>> = HashMap::default();
    for node in nodes() {
        let Some(slices) = strings.get(node.name()) else { continue };
        let values = string_values(&node).into_iter().enumerate();
        let gone: Vec<(usize, Field)> = values.filter(|(_, string)| keys.contains(string.bytes(file))).collect();
        for slices in slices {
            let names = beside.entry(slices).or_default();
            if names.len() < SHARED && !names.contains(&node.name()) {
                names.push(node.name());
            }
        }
        lost.entry(node.name()).or_default().extend(gone.iter().map(|(position, _)| *position));
        ranges.extend(gone.iter().map(|(_, string)| string.range()));
    }
    for node in nodes() {
        let Some(names) = beside.get(node.name()) else { continue };
        let goes = |position: &usize| names.iter().any(|names| lost.get(names).is_some_and(|of| of.contains(position)));
        let strings = string_values(&node).into_iter().enumerate().filter(|(position, _)| goes(position));
        ranges.extend(strings.map(|(_, string)| string.range()));
    }
}

/// The strings of a Const: `TensorProto.string_val` of its `value`.
pub(super) fn string_values(node: &Node<'_>) -> Vec<Field> {
    let tensor = node.attribute(b"value").and_then(|value| value.tensor());
    tensor.map(|tensor| tensor.strings().collect()).unwrap_or_default()
}
