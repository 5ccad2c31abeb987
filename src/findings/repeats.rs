//! Bodies that are repeated in a function: a loop that was written out, step by step.
//!
//! Nodes of a function stand in the order in which they were made, so the steps of a loop that Python ran stand one
//! behind the other, and a node is followed by its like a period later. What tells them from the layers of a deep
//! network is where their inputs come from: a step reads the same variables as the one before, and what that one
//! computed; a layer has variables of its own, or weights of its own as constants.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::ops::Range;

use foldhash::HashMap;
use xxhash_rust::xxh3::xxh3_64;

use super::nodes::{Function, Node};
use crate::message::attributes::is_output_shapes;
use crate::message::number::map_entry::VALUE;
use crate::message::number::node_def::{ATTR, INPUT, OP};
use crate::message::{input_node, is_data, ops};
use crate::wire::first_len;

/// A loop has at least this many steps: fewer are written out by people who mean it.
const LEAST_STEPS: usize = 3;

/// Periods are guessed from how far apart two like sequences of so many nodes are. Short ones are found in short
/// bodies, long ones are not confused by a node that a body has several times.
const SEQUENCES: [usize; 3] = [1, 4, 16];

/// So many of the commonest distances are tried: a function has few loops.
const GUESSES: usize = 8;

/// Loops of a function beyond these are not reported.
const MOST_LOOPS: usize = 16;

/// More nodes than this in one function are not looked through.
const MAX_NODES: usize = 1 << 20;

/// An attribute that is longer than this is an array. What a step slices and reshapes by is shorter, and differs from step to
/// step where it takes elements of a sequence.
const ARRAY_BYTES: usize = 256;

/// So much of an array tells it from others.
const START_OF_ARRAY: usize = 4096;

/// A body that is repeated in a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Repeated {
    /// The nodes of all steps, by their positions in the function.
    pub(super) nodes: Range<usize>,
    /// How many nodes a step has.
    pub(super) period: usize,
    /// Whether each step takes another output of a node that stands before them: an element of a sequence.
    pub(super) takes_elements: bool,
}

impl Repeated {
    pub(super) fn steps(&self) -> usize {
        self.nodes.len() / self.period.max(1)
    }
}

/// A node, as far as it matters here.
struct OpStep {
    kind: u64,
    is_constant: bool,
    /// The start of its inputs in the list of all; they end where those of the next begin.
    inputs: usize,
}

/// Where an input comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source<'a> {
    Node(usize),
    /// An argument of the function.
    Argument(&'a [u8]),
}

/// A function's nodes and where their inputs come from.
struct Body<'a> {
    steps: Vec<OpStep>,
    sources: Vec<(Source<'a>, &'a [u8])>,
}

/// The bodies that are repeated in a function, in its order; of those that overlap, the one of most nodes.
pub(super) fn repeated(file: &[u8], function: &Function<'_>) -> Vec<Repeated> {
    let nodes: Vec<Node<'_>> = function.nodes().take(MAX_NODES).collect();
    let kinds: Vec<u64> = nodes.iter().map(|node| kind(file, node)).collect();
    let guesses = periods(&kinds);
    if guesses.is_empty() {
        return Vec::new();
    }
    let body = Body::read(&nodes, kinds);
    let mut found: Vec<Repeated> = guesses.into_iter().flat_map(|period| body.runs(period)).collect();
    // Of two that cover the same nodes the one of the shorter period is the loop, the other is several of its steps.
    found.sort_by_key(|run| (Reverse(run.nodes.len()), run.period));
    let mut apart: BTreeMap<usize, Repeated> = BTreeMap::new();
    for run in found {
        let before = apart.range(..run.nodes.end).next_back();
        if before.is_none_or(|(_, other)| other.nodes.end <= run.nodes.start) && apart.len() < MOST_LOOPS {
            apart.insert(run.nodes.start, run);
        }
    }
    apart.into_values().collect()
}

/// What a node and its like in another step have in common: the op, how many inputs it takes, the shapes of what it gives,
/// and the arrays that it has. A `While` hands on values of one shape, so steps that make smaller and smaller ones are no
/// loop; and it has each array once, so those that differ are weights of layers.
fn kind(file: &[u8], node: &Node<'_>) -> u64 {
    let (mut op, mut shapes, mut arrays, mut inputs) = (None, None, 0, 0);
    for field in node.fields() {
        if field.is_len(OP) {
            op.get_or_insert(field.bytes(file));
        } else if field.is_len(INPUT) {
            inputs += u64::from(is_data(field.bytes(file)));
        } else if field.is_len(ATTR) && field.payload().len() > ARRAY_BYTES && !is_output_shapes(file, &field) {
            let array = field.bytes(file);
            arrays ^= xxh3_64(array.get(..START_OF_ARRAY).unwrap_or(array)) ^ array.len() as u64;
        } else if field.is_len(ATTR) && shapes.is_none() && is_output_shapes(file, &field) {
            shapes =
                Some(first_len(file, field.payload(), VALUE).and_then(|value| file.get(value)).unwrap_or_default());
        }
    }
    xxh3_64(op.unwrap_or_default()).rotate_left(1) ^ xxh3_64(shapes.unwrap_or_default()) ^ inputs ^ arrays
}

fn data_inputs<'a>(node: &Node<'a>) -> impl Iterator<Item = &'a [u8]> + use<'a> {
    node.inputs().filter(|input| is_data(input))
}

/// How many nodes the steps of a loop may have, the likeliest first.
fn periods(kinds: &[u64]) -> Vec<usize> {
    let mut distances: HashMap<usize, usize> = HashMap::default();
    let mut last: HashMap<u64, usize> = HashMap::default();
    for length in SEQUENCES {
        last.clear();
        for (at, sequence) in kinds.windows(length).enumerate() {
            let hash = sequence.iter().fold(0, |hash: u64, kind| hash.rotate_left(7).wrapping_mul(31) ^ kind);
            if let Some(before) = last.insert(hash, at) {
                *distances.entry(at - before).or_default() += 1;
            }
        }
    }
    // A loop of so many steps has each distance once for each node of all steps but one, and for each length.
    distances.retain(|distance, count| distance.saturating_mul(LEAST_STEPS - 1) <= *count);
    let mut common: Vec<(usize, usize)> = distances.into_iter().collect();
    common.sort_by_key(|(distance, count)| (Reverse(*count), *distance));
    common.into_iter().take(GUESSES).map(|(distance, _)| distance).collect()
}

impl<'a> Body<'a> {
    fn read(nodes: &[Node<'a>], kinds: Vec<u64>) -> Self {
        let by_name: HashMap<&[u8], usize> = nodes.iter().enumerate().map(|(at, node)| (node.name(), at)).collect();
        let (mut steps, mut sources) = (Vec::with_capacity(nodes.len()), Vec::new());
        for (node, kind) in nodes.iter().zip(kinds) {
            let is_constant = node.op() == ops::CONST;
            steps.push(OpStep { kind, is_constant, inputs: sources.len() });
            let source = |input| match by_name.get(input_node(input)) {
                Some(at) => Source::Node(*at),
                None => Source::Argument(input),
            };
            sources.extend(data_inputs(node).map(|input| (source(input), input)));
        }
        Self { steps, sources }
    }

    /// The inputs of a node: where each comes from, and as it is written.
    fn sources(&self, at: usize) -> &[(Source<'a>, &'a [u8])] {
        let start = |at: usize| self.steps.get(at).map_or(self.sources.len(), |step| step.inputs);
        self.sources.get(start(at)..start(at + 1)).unwrap_or_default()
    }

    fn is_alike(&self, at: usize, period: usize) -> bool {
        let kind = |at: usize| self.steps.get(at).map(|step| step.kind);
        at.checked_sub(period).is_some_and(|before| kind(at) == kind(before))
    }

    /// Whether a node takes what the one a period before takes: the same, or what its step has in its place.
    fn follows(&self, at: usize, period: usize) -> bool {
        let Some(before) = at.checked_sub(period).filter(|_| self.is_alike(at, period)) else { return false };
        let mut pairs = self.sources(at).iter().zip(self.sources(before));
        pairs.all(|((now, _), (before, _))| now == before || moved(*now, *before, period))
    }

    /// The loops of steps of `period` nodes.
    fn runs(&self, period: usize) -> Vec<Repeated> {
        let (mut runs, mut at, mut free) = (Vec::new(), period, 0);
        while at < self.steps.len() {
            let start = at;
            while at < self.steps.len() && self.follows(at, period) {
                at += 1;
            }
            let takes_elements = if at - start >= period { self.is_loop(start, period) } else { None };
            if let Some(takes_elements) = takes_elements {
                // The first steps take the initial values, which stand elsewhere.
                let mut first = start;
                while first > free.max(period) && start - first < period && self.is_alike(first - 1, period) {
                    first -= 1;
                }
                let steps = (at - first) / period + 1;
                let nodes = at - steps * period..at;
                if steps >= LEAST_STEPS {
                    free = nodes.end;
                    runs.push(Repeated { nodes, period, takes_elements });
                }
            }
            at = at.max(start) + 1;
        }
        runs
    }

    /// Whether the step that begins at a node takes what the one before computed, and something that all steps share;
    /// if so, whether it takes an element of a sequence.
    fn is_loop(&self, start: usize, period: usize) -> Option<bool> {
        let (mut shares, mut takes_elements) = (false, false);
        // The steps laid over each other: a circle in that is a value that is handed from step to step.
        let mut needs: Vec<Vec<usize>> = vec![Vec::new(); period];
        let mut needed = vec![0_usize; period];
        for at in start..start + period {
            let pairs = self.sources(at).iter().zip(self.sources(at - period));
            for ((now, input), (then, input_then)) in pairs {
                match now {
                    Source::Node(source) if now != then => {
                        if let (Some(needs), Some(needed)) =
                            (needs.get_mut(at % period), needed.get_mut(source % period))
                        {
                            needs.push(source % period);
                            *needed += 1;
                        }
                    }
                    Source::Node(source) => {
                        shares |= self.steps.get(*source).is_some_and(|step| !step.is_constant);
                        takes_elements |= input != input_then;
                    }
                    Source::Argument(_) => shares = true,
                }
            }
        }
        (shares && has_circle(&needs, needed)).then_some(takes_elements)
    }
}

/// Whether an input of a step has moved along with it.
fn moved(now: Source<'_>, before: Source<'_>, period: usize) -> bool {
    match (now, before) {
        (Source::Node(now), Source::Node(before)) => before.checked_add(period) == Some(now),
        _ => false,
    }
}

/// Whether there is a circle: whether taking away what nobody needs, again and again, leaves something.
fn has_circle(needs: &[Vec<usize>], mut needed: Vec<usize>) -> bool {
    let mut open: Vec<usize> = (0..needs.len()).filter(|at| needed.get(*at) == Some(&0)).collect();
    let mut taken = 0;
    while let Some(at) = open.pop() {
        taken += 1;
        for source in needs.get(at).into_iter().flatten() {
            if let Some(needed) = needed.get_mut(*source) {
                *needed -= 1;
                if *needed == 0 {
                    open.push(*source);
                }
            }
        }
    }
    taken < needs.len()
}
