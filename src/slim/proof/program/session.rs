//! What a session computes: nodes that are reached from kept names, joined by their names.
//!
//! A node is the same if its op, its device, its attributes and its inputs are, functions by what they do. Three parts may differ:
//! an output of a RestoreV2 may have another number, if the same is restored; a group may wait for fewer nodes, and a call that
//! restores may restore less, if what is not set any more is a resource that nothing kept has a handle of.

use std::collections::{BTreeMap, BTreeSet};

use foldhash::{HashMap, HashMapExt as _, HashSet, HashSetExt as _};

use super::Reasons;
use super::graph::Graph;
use super::hash::Digest;
use super::resource::{Resource, resource};
use super::restore::{Constants, Effect, Restored, effects, is_restore, restored};
use crate::message::attributes::OUTPUT_SHAPES;
use crate::message::number::attr_value::{LIST, list_value};
use crate::message::{Input, NodeDef, ops};
use crate::wire::integers;

/// Attributes of a call that follow from which inputs it has.
const OF_INPUTS: [&[u8]; 3] = [b"Tin", b"_read_only_resource_inputs", OUTPUT_SHAPES];

/// Two graphs, and what of them has been held against each other.
pub(super) struct Session<'a, 'f> {
    old: &'a Graph<'f>,
    new: &'a Graph<'f>,
    seen: HashSet<&'f [u8]>,
    open: Vec<&'f [u8]>,
    /// The resources that what was reached has handles of.
    needed: HashSet<Resource<'f>>,
    /// Nodes that are not waited for any more.
    missing: Vec<&'f [u8]>,
    /// Handles of what is not restored any more.
    unset: Vec<&'f [u8]>,
    restores: HashMap<(bool, &'f [u8]), Option<Vec<Restored<'f>>>>,
    /// What they name, of the model and of the result.
    constants: [Constants<'f>; 2],
}

impl<'a, 'f> Session<'a, 'f> {
    pub(super) fn new(old: &'a Graph<'f>, new: &'a Graph<'f>) -> Self {
        let bodies = new.library.bodies.iter();
        let needed = bodies.flat_map(|body| body.resources.iter().copied()).collect();
        let (seen, open, missing, unset) = (HashSet::new(), Vec::new(), Vec::new(), Vec::new());
        let constants = [Constants::new(old.library.key), Constants::new(old.library.key)];
        Self { old, new, seen, open, needed, missing, unset, restores: HashMap::new(), constants }
    }

    /// Holds all that some tensors or nodes are computed from against each other. What they have handles of is needed if they say so.
    pub(super) fn hold(&mut self, roots: impl IntoIterator<Item = &'f [u8]>, needs: bool, reasons: &mut Reasons) {
        self.open.extend(roots.into_iter().map(|root| Input::parse(root).name));
        while let Some(name) = self.open.pop() {
            if reasons.is_full() {
                return;
            }
            if !self.seen.insert(name) {
                continue;
            }
            match (self.old.node(name), self.new.node(name)) {
                (None, None) => {}
                (Some(before), Some(after)) => {
                    if needs {
                        self.needed.extend(resource(&after));
                    }
                    self.node(&before, &after, reasons);
                }
                (Some(_), None) => reasons.add(|| format!("the node {} is not there any more", shown(name))),
                (None, Some(_)) => reasons.add(|| format!("the node {} was not there", shown(name))),
            }
        }
    }

    /// Whether a node has been held.
    pub(super) fn has_seen(&self, name: &[u8]) -> bool {
        self.seen.contains(name)
    }

    /// A resource is needed.
    pub(super) fn need(&mut self, name: &[u8]) {
        self.needed.extend(self.new.node(Input::parse(name).name).and_then(|node| resource(&node)));
    }

    fn node(&mut self, before: &NodeDef<'f>, after: &NodeDef<'f>, reasons: &mut Reasons) {
        let name = before.name();
        let other = |what: &str| format!("the node {} has {what}", shown(name));
        if self.is_understood(before, after) {
            let own = |node: &NodeDef<'f>, graph: &Graph<'f>| {
                Graph::own(node, &graph.library, |key| key == b"dtypes" || key == OUTPUT_SHAPES)
            };
            if own(before, self.old) != own(after, self.new) {
                reasons.add(|| other("other attributes"));
            }
            // The keys are compared where their tensors are taken.
            let first = |node: &NodeDef<'f>| node.inputs().next();
            let controls =
                |node: &NodeDef<'f>| node.inputs().filter(|input| input.starts_with(b"^")).collect::<BTreeSet<_>>();
            if first(before) != first(after) || controls(before) != controls(after) {
                reasons.add(|| other("other inputs"));
            }
            self.open.extend(first(after).into_iter().chain(controls(after)).map(|input| Input::parse(input).name));
            return;
        }
        let own = |node: &NodeDef<'f>, graph: &Graph<'f>| Graph::own(node, &graph.library, |_| false);
        let (was, is) = (own(before, self.old), own(after, self.new));
        if was != is || was.is_none() {
            if !self.restores_less(before, after) {
                reasons.add(|| other("another op, device, attribute or function"));
            }
            return;
        }
        let (was, is): (Vec<&[u8]>, Vec<&[u8]>) = (before.inputs().collect(), after.inputs().collect());
        if before.op() == ops::GROUP {
            let is: HashSet<&[u8]> = is.into_iter().collect();
            let known: HashSet<&[u8]> = was.iter().copied().collect();
            if !is.iter().all(|input| known.contains(input)) {
                reasons.add(|| other("other inputs"));
            }
            for input in was {
                let name = Input::parse(input).name;
                if is.contains(input) {
                    self.open.push(name);
                } else if input.starts_with(b"^") {
                    self.missing.push(name);
                } else {
                    reasons.add(|| other("other inputs"));
                }
            }
            return;
        }
        if was.len() != is.len() {
            reasons.add(|| other("another number of inputs"));
            return;
        }
        for (was, is) in was.into_iter().zip(is) {
            let (from, to) = (Input::parse(was), Input::parse(is));
            let is_same = if !from.is_control && self.is_renumbered(from, to) {
                from.name == to.name && !to.is_control && self.is_restored_alike(from, to)
            } else {
                was == is
            };
            if is_same {
                self.open.push(to.name);
            } else {
                reasons.add(|| format!("the node {} takes {} in the place of {}", shown(name), shown(is), shown(was)));
            }
        }
    }

    /// What a RestoreV2 gives.
    fn restored(&mut self, node: &NodeDef<'f>, is_old: bool) -> Option<&Vec<Restored<'f>>> {
        let [old, new] = &mut self.constants;
        let (graph, constants) = if is_old { (self.old, old) } else { (self.new, new) };
        let found = self.restores.entry((is_old, node.name()));
        found.or_insert_with(|| restored(node, constants, |name| graph.node(name))).as_ref()
    }

    /// Whether two nodes restore, and it is known what. Others must be the same themselves.
    fn is_understood(&mut self, before: &NodeDef<'f>, after: &NodeDef<'f>) -> bool {
        is_restore(before)
            && is_restore(after)
            && self.restored(before, true).is_some()
            && self.restored(after, false).is_some()
    }

    /// Whether these are outputs of a RestoreV2, so that what they are is said by more than their numbers.
    fn is_renumbered(&mut self, from: Input<'f>, to: Input<'f>) -> bool {
        let both = self.old.node(from.name).zip(self.new.node(to.name));
        both.is_some_and(|(before, after)| self.is_understood(&before, &after))
    }

    /// Whether two outputs of a RestoreV2 are the same.
    fn is_restored_alike(&mut self, from: Input<'f>, to: Input<'f>) -> bool {
        let (Some(before), Some(after)) = (self.old.node(from.name), self.new.node(to.name)) else { return false };
        let was = self.restored(&before, true).map(|all| all.get(from.index()).copied());
        let is = self.restored(&after, false).map(|all| all.get(to.index()).copied());
        match (was, is) {
            (Some(Some(was)), Some(Some(is))) => was == is,
            _ => false,
        }
    }

    /// Whether a call does what it did, but restores fewer variables; notes those that are missing.
    fn restores_less(&mut self, before: &NodeDef<'f>, after: &NodeDef<'f>) -> bool {
        let is_out = |key: &[u8]| key == b"f" || OF_INPUTS.contains(&key);
        let own = |node: &NodeDef<'f>, graph: &Graph<'f>| Graph::own(node, &graph.library, is_out);
        if !ops::CALLS.contains(&before.op()) || own(before, self.old) != own(after, self.new) {
            return false;
        }
        if !has_types_of(before, after) {
            return false;
        }
        let both = effects(before, &self.old.library).zip(effects(after, &self.new.library));
        let Some((was, is)) = both.filter(|(was, is)| was.results == is.results) else { return false };
        let controls =
            |node: &NodeDef<'f>| node.inputs().filter(|input| input.starts_with(b"^")).collect::<BTreeSet<_>>();
        if controls(before) != controls(after) {
            return false;
        }
        let by_digest = |effects: &[Effect<'f>]| -> BTreeMap<Digest, Effect<'f>> {
            effects.iter().map(|effect| (effect.digest(self.old.library.key), effect.clone())).collect()
        };
        let (known, kept) = (by_digest(&was.effects), by_digest(&is.effects));
        if !kept.keys().all(|effect| known.contains_key(effect)) || kept.len() != is.effects.len() {
            return false;
        }
        for (_, gone) in known.iter().filter(|(digest, _)| !kept.contains_key(digest)) {
            // What sets nothing that it is given may not go.
            let handles: Vec<&[u8]> = gone.given.iter().copied().filter(|given| self.handle(given).is_some()).collect();
            if handles.is_empty() {
                return false;
            }
            self.unset.extend(handles.into_iter().map(|handle| Input::parse(handle).name));
        }
        self.open.extend(after.inputs().map(|input| Input::parse(input).name));
        true
    }

    /// Holds what is not set any more against what is needed; to be asked when all has been held that is kept.
    pub(super) fn excuse(&mut self, reasons: &mut Reasons) {
        for name in std::mem::take(&mut self.unset) {
            if self.handle(name).is_none_or(|resource| self.needed.contains(&resource)) {
                reasons.add(|| format!("{} is not restored any more", shown(name)));
            }
        }
        let (mut seen, mut open) = (HashSet::new(), std::mem::take(&mut self.missing));
        while let Some(name) = open.pop() {
            let Some(node) = self.old.node(name).filter(|_| seen.insert(name)) else { continue };
            let data = || node.inputs().filter(|input| !input.starts_with(b"^"));
            let is_spare = match node.op() {
                ops::GROUP | ops::IDENTITY => {
                    open.extend(node.inputs().map(|input| Input::parse(input).name));
                    true
                }
                // What sets a variable or a table has it for its first input.
                op if ops::sets_resource(op) => {
                    data().next().and_then(|handle| self.handle(handle)).is_some_and(|set| !self.needed.contains(&set))
                }
                // What is called may set all that it is given, and nothing else if it is given something.
                op if ops::CALLS.contains(&op) => {
                    let mut set = data().filter_map(|handle| self.handle(handle)).peekable();
                    set.peek().is_some() && set.all(|set| !self.needed.contains(&set))
                }
                op => ops::is_stateless(op) || resource(&node).is_some_and(|own| !self.needed.contains(&own)),
            };
            if !is_spare {
                reasons.add(|| format!("the node {} does not run any more", shown(name)));
            }
        }
    }

    /// The resource that a tensor is the handle of.
    fn handle(&self, tensor: &[u8]) -> Option<Resource<'f>> {
        self.old.node(Input::parse(tensor).name).and_then(|node| resource(&node))
    }
}

/// Whether a call that has fewer inputs has their types.
fn has_types_of(before: &NodeDef<'_>, after: &NodeDef<'_>) -> bool {
    let types = |node: &NodeDef<'_>| -> Vec<u64> {
        let Some(value) = node.attribute(b"Tin") else { return Vec::new() };
        let lists = value.message().repeated(LIST);
        lists.flat_map(|list| integers(node.file(), list.payload(), list_value::TYPE)).collect()
    };
    fn data<'n>(node: &NodeDef<'n>) -> Vec<&'n [u8]> {
        node.inputs().filter(|input| !input.starts_with(b"^")).collect()
    }
    let (was, is) = (data(before), data(after));
    if was.len() != types(before).len() {
        return false;
    }
    let mut left = was.into_iter().zip(types(before));
    let expected: Option<Vec<u64>> =
        is.iter().map(|input| left.find(|(other, _)| other == input).map(|(_, dtype)| dtype)).collect();
    expected == Some(types(after))
}

fn shown(name: &[u8]) -> String {
    crate::escape::shortened(&String::from_utf8_lossy(name)).into_owned()
}
