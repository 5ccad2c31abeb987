//! What goes when variables are no longer part of a model: their data and their entries in the checkpoint's index, their
//! objects in both object graphs, their nodes, and all that saving and restoring them takes in graphs and functions.

use std::collections::BTreeSet;
use std::ops::Range;

use foldhash::{HashMap, HashSet};

use super::claims::Claims;
use super::facts::Facts;
use super::nodes::Function;
use super::objects;
use super::scope::{self, Call, Known};
use crate::checkpoint::object_graph;
use crate::checkpoint::strings::Strings;
use crate::graph::MetaGraphReach;
use crate::message::function_def::arg_name;
use crate::message::number::function_def::{
    ARG_ATTR as ARGUMENT_ATTRIBUTES, CONTROL_RET as CONTROL_RETURNS, RESOURCE_ARG_UNIQUE_ID as RESOURCE_IDS,
    RET as RETURNS,
};
use crate::message::number::meta_graph_def::OBJECT_GRAPH_DEF;
use crate::message::number::op_def::CONTROL_OUTPUT;
use crate::message::number::{map_entry, saved_object_graph};
use crate::message::view::numbered_entry;
use crate::message::{input_node, ops};
use crate::wire::{Field, fields, first_len};

/// What is to go.
#[derive(Debug, Clone, Default)]
pub(super) struct Gone {
    /// Tensors of the checkpoint, by their positions in the bundle.
    pub(super) tensors: BTreeSet<usize>,
    /// Objects that go besides those of the tensors, by their numbers.
    pub(super) objects: BTreeSet<u32>,
    /// Functions that go whole, by metagraph and name.
    pub(super) functions: BTreeSet<(usize, Vec<u8>)>,
    /// The values themselves stay, in another variable.
    pub(super) keeps_data: bool,
}

/// What that frees.
#[derive(Debug, Clone, Default)]
pub(super) struct Removed {
    /// All ranges.
    pub(super) claims: Claims,
    /// The entries of the index.
    pub(super) beyond: u64,
    /// The data alone.
    pub(super) data: u64,
}

impl Removed {
    pub(super) fn bytes(&self) -> u64 {
        self.claims.bytes().saturating_add(self.beyond)
    }
}

/// Follows what goes with `gone`.
pub(super) fn remove(context: &Facts<'_>, gone: &Gone) -> Removed {
    let mut removed = Removed { beyond: index_bytes(context, gone.tensors.len()), ..Removed::default() };
    if !gone.keeps_data {
        context.claim_tensors(&mut removed.claims, own(context, &gone.tensors));
        removed.data = removed.claims.bytes();
    }
    let objects = &gone.objects | &objects_of(context, &gone.tensors);
    let tracked = claim_tracked(context, &objects, &mut removed.claims);
    let mut ranges = Vec::new();
    let (keys, names) = (keys(context, &gone.tensors), names(context, &gone.tensors));
    for meta_graph in 0..context.saved_model.meta_graphs.len() {
        let Some(reach) = context.reach.meta_graphs.get(meta_graph).and_then(Option::as_ref) else { continue };
        let mut first = 0;
        for graph in context.sections(meta_graph, OBJECT_GRAPH_DEF).filter(|_| !objects.is_empty()) {
            let (of_objects, next) = objects::ranges(context.main(), graph.payload(), first, &objects);
            first = next;
            ranges.extend(of_objects);
        }
        let graph = Graph { context, meta_graph, keys: &keys, names: &names, keeps_updates: gone.keeps_data };
        ranges.extend(graph.nodes_and_functions(reach, &gone.tensors));
        ranges.extend(graph.functions(&gone.functions));
        ranges.extend(tracked.iter().flat_map(|tracked| object_graph_again(context, meta_graph, tracked, &objects)));
    }
    context.claim(&mut removed.claims, ranges);
    removed
}

/// Those tensors whose data no other key names, which stays.
fn own(context: &Facts<'_>, gone: &BTreeSet<usize>) -> Vec<usize> {
    let tensors = context.checkpoint.map_or(&[][..], |checkpoint| &checkpoint.bundle.tensors);
    let kept = tensors.iter().enumerate().filter(|(tensor, about)| about.bytes > 0 && !gone.contains(tensor));
    let kept: HashSet<(u32, u64)> = kept.map(|(_, about)| (about.shard, about.offset)).collect();
    let is_own = |tensor: &usize| {
        let about = tensors.get(*tensor);
        about.is_some_and(|about| about.compressed || !kept.contains(&(about.shard, about.offset)))
    };
    gone.iter().copied().filter(is_own).collect()
}

/// The share of some entries in the index, whose blocks have them one after the other without what they share.
fn index_bytes(context: &Facts<'_>, entries: usize) -> u64 {
    let Some(checkpoint) = context.checkpoint else { return 0 };
    let all = checkpoint.bundle.tensors.len().max(1) as u64;
    checkpoint.index_bytes().saturating_mul(entries as u64) / all
}

/// The checkpoint keys of tensors, as savers name them: of slices that of the whole.
fn keys<'c>(context: &Facts<'c>, gone: &BTreeSet<usize>) -> HashSet<&'c [u8]> {
    let tensors = context.checkpoint.map_or(&[][..], |checkpoint| &checkpoint.bundle.tensors);
    let tensors = gone.iter().filter_map(|tensor| tensors.get(*tensor));
    tensors.map(|tensor| tensor.slice_of.as_deref().unwrap_or(&tensor.key).as_bytes()).collect()
}

/// What the checkpoint calls the variables that tensors are of.
fn names<'c>(context: &Facts<'c>, gone: &BTreeSet<usize>) -> HashSet<&'c [u8]> {
    let saved = context.checkpoint.and_then(|checkpoint| checkpoint.object_graph.as_ref());
    let keys = keys(context, gone);
    let values = saved.iter().flat_map(|saved| &saved.graph.nodes).flat_map(|node| &node.attributes);
    let values = values.filter(|value| keys.contains(value.checkpoint_key.as_bytes()));
    values.map(|value| value.full_name.as_bytes()).collect()
}

/// The objects that the checkpoint has nothing else of.
pub(super) fn objects_of(context: &Facts<'_>, gone: &BTreeSet<usize>) -> BTreeSet<u32> {
    let saved = context.checkpoint.and_then(|checkpoint| checkpoint.object_graph.as_ref());
    let keys = keys(context, gone);
    let nodes = saved.map_or(&[][..], |saved| &saved.graph.nodes);
    let goes = |(number, node): (u32, &crate::proto::trackable_object_graph::TrackableObject)| {
        let all = node.attributes.iter().all(|value| keys.contains(value.checkpoint_key.as_bytes()));
        (all && !node.attributes.is_empty()).then_some(number)
    };
    (0..).zip(nodes).filter_map(goes).collect()
}

/// Claims what objects take of the checkpoint's own object graph, and returns that graph.
pub(super) fn claim_tracked(context: &Facts<'_>, gone: &BTreeSet<u32>, claims: &mut Claims) -> Option<bytes::Bytes> {
    let checkpoint = context.checkpoint.filter(|_| !gone.is_empty())?;
    checkpoint.object_graph.as_ref()?;
    let tensor = checkpoint.bundle.tensors.iter().find(|tensor| tensor.key == object_graph::KEY)?;
    let file = checkpoint.shard(tensor.shard)?;
    let range = tensor.range()?;
    // What cannot be read is noted by the model.
    let data = context.model.file(&file.path)?.open().ok()?.read(range.clone()).ok()??;
    let string = Strings::read(&data, 1, checkpoint.bundle.big_endian).ok()?.ranges.first()?.clone();
    let at = |offset: usize| range.start.saturating_add(offset as u64);
    let (ranges, _) = objects::ranges(&data, string.clone(), 0, gone);
    claims.add_ranges(&file.path, ranges.into_iter().map(|range| at(range.start)..at(range.end)).collect());
    Some(data.slice(string))
}

/// A metagraph that variables go from.
struct Graph<'c, 'a> {
    context: &'c Facts<'a>,
    meta_graph: usize,
    /// The keys of what goes, and what the checkpoint calls it.
    keys: &'c HashSet<&'a [u8]>,
    names: &'c HashSet<&'a [u8]>,
    keeps_updates: bool,
}

impl<'a> Graph<'_, 'a> {
    /// What goes of the nodes, and of the functions that they give the variables to.
    fn nodes_and_functions(&self, reach: &'a MetaGraphReach<'_>, gone: &BTreeSet<usize>) -> Vec<Range<usize>> {
        let mut known = Known { keeps_updates: self.keeps_updates, ..Known::default() };
        let mut all_gone: HashMap<u32, bool> = HashMap::default();
        for handle in reach.handles() {
            let are_gone = || handle.tensors.iter().all(|tensor| gone.contains(&tensor.position()));
            if handle.tensors.is_empty() {
                // Saving in a graph of its own makes further handles of a variable, under its name.
                if !handle.is_reached && self.names.contains(handle.name) {
                    known.gone.insert(handle.name);
                } else if !handle.is_reached {
                    known.orphans.insert(handle.name);
                }
            } else if *all_gone.entry(handle.resource).or_insert_with(are_gone) {
                known.gone.insert(handle.name);
            }
        }
        let nodes = || self.context.nodes(self.meta_graph);
        let feeders = |gone: &HashSet<&'a [u8]>| reach.feeds_only(|name| gone.contains(name));
        let went = scope::follow(self.context.main(), nodes, known, feeders, self.keys);
        let mut ranges = went.ranges;
        let mut open = went.calls;
        let mut functions: HashMap<&[u8], &Function<'a>> = HashMap::default();
        if !open.is_empty() {
            functions =
                self.context.functions_of(self.meta_graph).iter().map(|function| (function.name, function)).collect();
        }
        while let Some((name, arguments)) = open.pop() {
            // Once: a function that is called in two ways loses what the first call found.
            if let Some(function) = functions.remove(name) {
                let (of_function, calls) = self.arguments(function, &arguments);
                ranges.extend(of_function);
                open.extend(calls);
            }
        }
        ranges
    }

    /// What goes of a function with some of its arguments.
    fn arguments(&self, function: &Function<'a>, gone: &[usize]) -> (Vec<Range<usize>>, Vec<Call<'a>>) {
        let file = self.context.main();
        let all: Vec<Field> = function.fields().map_while(Result::ok).collect();
        let signature = function.signature();
        let positions: HashSet<usize> = gone.iter().copied().collect();
        let mut known = Known { keeps_updates: self.keeps_updates, ..Known::default() };
        let mut ranges = Vec::new();
        let arguments = signature.argument_fields().enumerate();
        for (_, argument) in arguments.filter(|(position, _)| positions.contains(position)) {
            ranges.push(argument.range());
            known.gone.insert(arg_name(file, &argument));
        }
        let returns = all.iter().filter(|field| field.is_len(RETURNS));
        let returned: HashSet<&[u8]> =
            returns.filter_map(|entry| text(file, entry.payload(), map_entry::VALUE)).map(input_node).collect();
        let feeders =
            |gone: &HashSet<&'a [u8]>| scope::feeders(|| function.nodes(), gone, |name| returned.contains(name));
        let went = scope::follow(file, || function.nodes(), known, feeders, self.keys);
        ranges.extend(went.ranges);
        let mut outputs: HashSet<&[u8]> = HashSet::default();
        for entry in &all {
            match entry.number {
                CONTROL_RETURNS
                    if text(file, entry.payload(), map_entry::VALUE).is_some_and(|node| went.gone.contains(node)) =>
                {
                    ranges.push(entry.range());
                    outputs.extend(text(file, entry.payload(), map_entry::KEY));
                }
                ARGUMENT_ATTRIBUTES | RESOURCE_IDS if positions.contains(&key(file, entry)) => {
                    ranges.push(entry.range());
                }
                _ => {}
            }
        }
        let controls = signature.message().repeated(CONTROL_OUTPUT);
        ranges.extend(controls.filter(|field| outputs.contains(field.bytes(file))).map(|field| field.range()));
        (ranges, went.calls)
    }

    /// Functions that go whole, and what the object graph says of them.
    fn functions(&self, gone: &BTreeSet<(usize, Vec<u8>)>) -> Vec<Range<usize>> {
        if gone.is_empty() {
            return Vec::new();
        }
        let file = self.context.main();
        let goes = |name: &[u8]| gone.contains(&(self.meta_graph, name.to_vec()));
        let bodies = self
            .context
            .functions_of(self.meta_graph)
            .iter()
            .filter(|function| goes(function.name))
            .map(Function::range);
        let graphs = self.context.sections(self.meta_graph, OBJECT_GRAPH_DEF);
        let entries = graphs.flat_map(|graph| fields(file, graph.payload()));
        let entries = entries.filter(|field| field.is_len(saved_object_graph::CONCRETE_FUNCTIONS));
        let entries = entries.filter(|entry| text(file, entry.payload(), map_entry::KEY).is_some_and(goes));
        bodies.chain(entries.map(|entry| entry.range())).collect()
    }
}

/// What goes of the copy of the checkpoint's object graph that a metagraph's saver is given as a constant.
pub(super) fn object_graph_again(
    context: &Facts<'_>,
    meta_graph: usize,
    tracked: &[u8],
    gone: &BTreeSet<u32>,
) -> Vec<Range<usize>> {
    let file = context.main();
    let constants = context.nodes(meta_graph).filter(|node| {
        // Not shorter than what it holds; spares looking into each.
        node.range().len() > tracked.len() && node.op() == ops::CONST
    });
    let strings = constants.flat_map(|node| scope::string_values(&node));
    let copies = strings.filter(|string| string.bytes(file) == tracked);
    copies.flat_map(|copy| objects::ranges(file, copy.payload(), 0, gone).0).collect()
}

fn text(file: &[u8], message: Range<usize>, number: u32) -> Option<&[u8]> {
    first_len(file, message, number).and_then(|range| file.get(range))
}

/// The key of an entry of a map from numbers; 0 is not written.
fn key(file: &[u8], entry: &Field) -> usize {
    usize::try_from(numbered_entry(file, entry.payload()).0).unwrap_or(usize::MAX)
}
