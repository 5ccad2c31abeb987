//! The parts of a graph that only save and restore variables.
//!
//! A TensorFlow 1 Saver adds nodes to the graph it is made in: one or several that save, one or several that restore, all of
//! them given one file name, and around them names, slices, shards, merges and assignments. TensorFlow 2 has a call of a
//! function for each of the two. The SaverDef says which of these a loader uses; what only the others are made of is of
//! no use. Names decide nothing here: `save` and `save_1` are what TensorFlow calls them if nobody says otherwise.

use std::collections::BTreeMap;
use std::ops::Range;

use foldhash::HashMap;

use super::Context;
use crate::graph::{EdgeKind, MetaGraphReach, VertexSet};
use crate::message::number::meta_graph_def::SAVER_DEF;
use crate::message::number::node_def::OP;
use crate::message::number::saver_def;
use crate::message::{input_node, ops};
use crate::wire::first_len;

/// `SaverDef.filename_tensor_name`, `save_tensor_name` and `restore_op_name`.
const SAVER_NODES: std::ops::RangeInclusive<u32> = saver_def::FILENAME_TENSOR_NAME..=saver_def::RESTORE_OP_NAME;

/// How far a file name is followed to the node that it comes from; a Saver has five on the way.
const HOPS: usize = 16;

/// A Saver of a metagraph.
pub(super) struct Saver {
    /// One of its nodes that save.
    pub(super) name: String,
    /// The `node` fields that nothing else needs, tags and lengths included.
    pub(super) fields: Vec<Range<usize>>,
}

/// The Savers of a metagraph that its SaverDef does not name. None where it names none, as then nothing is known of which
/// one is used, and none where the metagraph was not followed.
pub(super) fn unused(context: &Context<'_>, meta_graph: usize) -> Vec<Saver> {
    let Some(graph) = Graph::new(context, meta_graph) else { return Vec::new() };
    let (groups, owners) = graph.unused();
    let mut savers: Vec<Saver> =
        groups.iter().map(|saves| Saver { name: graph.reach.name(*saves), fields: Vec::new() }).collect();
    if !savers.is_empty() {
        for (number, node) in graph.reach.nodes().zip(context.nodes(meta_graph)) {
            let saver = owners.get(&number).and_then(|owner| savers.get_mut(*owner));
            saver.into_iter().for_each(|saver| saver.fields.push(node.range()));
        }
    }
    savers
}

/// For each vertex of a metagraph whether only saving and restoring needs it; without the variables themselves. No root
/// reaches any of these. `None` where nothing is known of the saver, or the metagraph was not followed.
pub(super) fn only_saving(context: &Context<'_>, meta_graph: usize) -> Option<Vec<bool>> {
    let graph = Graph::new(context, meta_graph).filter(|graph| graph.names_saver)?;
    let (_, owners) = graph.unused();
    let is_saving = |number: u32| {
        let of_used = graph.is_used(number) && !graph.reach.is_reached(number) && !graph.is_handle(number);
        of_used || owners.contains_key(&number)
    };
    Some(graph.reach.kinds().map(|(number, _)| is_saving(number)).collect())
}

/// A metagraph, and what the saver that its SaverDef names needs.
struct Graph<'c, 'a> {
    file: &'a [u8],
    reach: &'c MetaGraphReach<'a>,
    names_saver: bool,
    used: VertexSet,
}

impl<'c, 'a> Graph<'c, 'a> {
    fn new(context: &Context<'a>, meta_graph: usize) -> Option<Self>
    where
        'a: 'c,
    {
        let (file, reach) = (context.main(), context.reach.meta_graphs.get(meta_graph)?.as_ref()?);
        // Of a field that is given twice, protobuf takes the last.
        let name = |number| {
            let savers = context.sections(meta_graph, SAVER_DEF).map(|saver| saver.payload());
            savers.filter_map(move |saver| first_len(file, saver, number)).last()
        };
        let nodes = SAVER_NODES.filter_map(name).filter_map(|name| reach.node(input_node(file.get(name)?)));
        let named: Vec<u32> = nodes.collect();
        Some(Self { file, reach, names_saver: !named.is_empty(), used: reach.reach_from(named, |_| false) })
    }

    fn is_used(&self, number: u32) -> bool {
        self.used.contains(number)
    }

    /// Whether a node stands for a variable or a table.
    fn is_handle(&self, number: u32) -> bool {
        self.reach.needs(number).any(|(_, edge)| edge == EdgeKind::Handle)
    }

    fn op(&self, number: u32) -> &'a [u8] {
        let span = self.reach.vertex(number).map_or(0..0, |vertex| vertex.span);
        first_len(self.file, span, OP).and_then(|range| self.file.get(range)).unwrap_or_default()
    }

    /// The Savers that are not used, each by a node of it that saves, and which of them each node belongs to.
    fn unused(&self) -> (Vec<u32>, HashMap<u32, usize>) {
        let mut by_file_name: BTreeMap<u32, (Vec<u32>, Vec<u32>)> = BTreeMap::new();
        for number in self.reach.nodes().filter(|number| self.names_saver && !self.is_used(*number)) {
            let op = self.op(number);
            let (saves, restores) = (ops::SAVES.contains(&op), ops::RESTORES.contains(&op));
            if saves || restores {
                let (saving, restoring) = by_file_name.entry(self.file_name(number)).or_default();
                if saves { saving.push(number) } else { restoring.push(number) }
            }
        }
        // Something that only restores is an initial value from another checkpoint, and no Saver.
        by_file_name.retain(|file_name, (saves, restores)| {
            let is_saver = !saves.is_empty() && !restores.is_empty();
            let is_called = saves.iter().chain(&*restores).any(|number| self.reach.is_reached(*number));
            is_saver && !is_called && !self.is_used(*file_name)
        });
        let names = by_file_name.values().filter_map(|(saves, _)| saves.first().copied()).collect();
        let owned = |(owner, (saves, restores)): (usize, &(Vec<u32>, Vec<u32>))| {
            saves.iter().chain(restores).map(|number| (*number, owner)).collect::<Vec<_>>()
        };
        let seeds: Vec<(u32, usize)> = by_file_name.values().enumerate().flat_map(owned).collect();
        (names, if seeds.is_empty() { HashMap::default() } else { self.grow(seeds) })
    }

    /// The node that the file name of a saving or restoring node comes from.
    fn file_name(&self, mut number: u32) -> u32 {
        for _ in 0..HOPS {
            match self.reach.needs(number).next().filter(|(_, edge)| *edge == EdgeKind::Input) {
                Some((source, _)) => number = source,
                None => break,
            }
        }
        number
    }

    /// All nodes that only these Savers need or are made of, with the Saver that each is of.
    fn grow(&self, seeds: Vec<(u32, usize)>) -> HashMap<u32, usize> {
        let users = self.reach.users();
        let mut owners: HashMap<u32, usize> = seeds.iter().copied().collect();
        // Of each node that is met the edges from and to what is known to be a Saver's.
        let (mut waited_for, mut needed): (HashMap<u32, usize>, HashMap<u32, usize>) = Default::default();
        let mut open = seeds;
        while let Some((number, owner)) = open.pop() {
            let mut add = |other: u32| {
                owners.entry(other).or_insert_with(|| {
                    open.push((other, owner));
                    owner
                });
            };
            for (behind, _) in users.of(number).filter(|edge| self.is_free(edge)) {
                let op = self.op(behind);
                let is_savers = if op == ops::GROUP {
                    let known = waited_for.entry(behind).or_default();
                    *known += 1;
                    *known == self.reach.needs(behind).len()
                } else {
                    ops::PASSES.contains(&op) || ops::OF_SAVERS.contains(&op) || ops::sets_restored(op)
                };
                if is_savers {
                    add(behind);
                }
            }
            for (before, _) in self.reach.needs(number).filter(|edge| self.is_free(edge)) {
                let known = needed.entry(before).or_default();
                *known += 1;
                if *known == users.of(before).len() && !self.is_handle(before) {
                    add(before);
                }
            }
        }
        owners
    }

    /// Whether an edge leads to a node that neither the loader nor a signature needs.
    fn is_free(&self, (number, edge): &(u32, EdgeKind)) -> bool {
        matches!(edge, EdgeKind::Input | EdgeKind::Control) && !self.is_used(*number) && !self.reach.is_reached(*number)
    }
}
