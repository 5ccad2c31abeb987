//! What a model serves, held against what another one serves: its signatures, and at level `inference` all that can be called.
//!
//! | module | holds |
//! |---|---|
//! | [`hash`] | hashes by a key of the run |
//! | [`functions`], [`attributes`], [`constants`], [`body`], [`library`] | what a function does, as a hash in which no name counts |
//! | [`graph`], [`session`] | what a session computes, node by node |
//! | [`unchanged`] | what is there and nobody asks for, which a loader reads all the same |
//! | [`restore`], [`resource`] | what a session restores, and into which variable |
//! | [`objects`], [`tensors`] | what a program gets that loads the model, and the values that it finds |
//! | [`meta_graph`] | signatures, collections, and what a metagraph says of itself |
//!
//! All of it takes time and memory as the two models are large.

mod attributes;
mod body;
mod constants;
mod functions;
mod graph;
mod hash;
mod library;
mod meta_graph;
mod objects;
mod resource;
mod restore;
mod revived;
mod session;
mod tensors;
mod unchanged;

use std::collections::{BTreeMap, BTreeSet};

use super::{MOST, Promise};
use crate::charge::MainFile;
use crate::input::layout::KERAS_METADATA;
use crate::input::{File, InputError, Model};
use crate::message::constants::{LOADERS_SIGNATURE, MAIN_OPS, SERVE};
use crate::message::number::keras::{saved_metadata, saved_object};
use crate::message::number::meta_graph_def::SIGNATURE_DEF;
use crate::message::number::saved_model::META_GRAPHS;
use crate::message::number::signature_def::OUTPUTS;
use crate::message::view::Message;
use crate::message::{Input, NodeDef};
use crate::proto::{AssetFileDef, TensorInfo, tensor_info};
use crate::slim::Wanted;
use crate::wire::{Field, fields};
use body::Without;
use graph::Graph;
use hash::{Digest, Key};
use meta_graph::{MetaGraph, hold_collections, hold_ops};
use objects::{Needs, Side};
use session::Session;
use tensors::Tensors;

/// Why a model is not proven, as far as somebody reads it.
#[derive(Debug, Default)]
pub(super) struct Reasons(Vec<String>);

impl Reasons {
    fn add(&mut self, reason: impl FnOnce() -> String) {
        if !self.is_full() {
            self.0.push(reason());
        }
    }

    fn is_full(&self) -> bool {
        self.0.len() >= MOST
    }
}

/// Why what a model serves is not proven to be what `old` serves.
pub(super) fn reasons(
    old: &Model,
    new: &Model,
    promise: Promise,
    wanted: &Wanted,
    is_stripped: bool,
) -> Result<Vec<String>, InputError> {
    let mut reasons = Reasons::default();
    let (Some(before), Some(after)) = (MainFile::open(old), MainFile::open(new)) else {
        return Ok(vec!["there is no main file".to_owned()]);
    };
    let (Some(before), Some(after)) = (before.bytes, after.bytes) else {
        return Ok(vec!["the main file cannot be read".to_owned()]);
    };
    let (was, is) = (others(&before), others(&after));
    if was != is {
        reasons.add(|| "the main file says something else of itself".to_owned());
    }
    let tensors = [Tensors::of(old), Tensors::of(new)];
    let keras = keras(new)?;
    let Some((mut was, is)) = meta_graphs(&before).zip(meta_graphs(&after)) else {
        return Ok(vec!["a metagraph cannot be read".to_owned()]);
    };
    if is.is_empty() {
        reasons.add(|| "there is no metagraph".to_owned());
    }
    // One of the tags that are asked for may stand for all.
    let serve = [SERVE.to_owned()];
    let asked: BTreeSet<&str> =
        if wanted.tags.is_empty() { &serve[..] } else { &wanted.tags }.iter().map(String::as_str).collect();
    let one_is_enough = promise == Promise::Signatures && was.iter().filter(|graph| graph.tags() == asked).count() == 1;
    let is_there = is.iter().any(|graph| graph.tags() == asked);
    for new_graph in is {
        let at = was.iter().position(|graph| graph.tags() == new_graph.tags());
        let Some(at) = at else {
            reasons.add(|| "there is a metagraph that was not there".to_owned());
            continue;
        };
        let old_graph = was.remove(at);
        Both { old, new, tensors: &tensors, keras: &keras, promise, wanted, is_stripped }.hold(
            old_graph,
            new_graph,
            &mut reasons,
        )?;
    }
    for gone in was.iter().filter(|_| !(one_is_enough && is_there)) {
        let tags: Vec<&str> = gone.tags().into_iter().collect();
        reasons.add(|| format!("the metagraph of {} is not there any more", tags.join(", ")));
    }
    Ok(reasons.0)
}

/// Whether a model has a signature that somebody can call.
pub(super) fn has_signature(model: &Model) -> bool {
    let main = MainFile::open(model).and_then(|main| main.bytes).unwrap_or_default();
    let graphs = fields(&main, 0..main.len()).filter(|field| field.is_len(META_GRAPHS));
    let mut graphs = graphs.map(|field| Message::new(&main, field.payload()));
    graphs.any(|graph| {
        graph.entries(SIGNATURE_DEF).iter().any(|entry| {
            !entry.key.starts_with(LOADERS_SIGNATURE.as_bytes()) && entry.value.repeated(OUTPUTS).next().is_some()
        })
    })
}

/// The fields of a SavedModel that are no metagraphs.
fn others(main: &[u8]) -> Vec<(u32, &[u8])> {
    let others = fields(main, 0..main.len()).filter(|field| !field.is_len(META_GRAPHS));
    others.map(|field| (field.number, field.bytes(main))).collect()
}

/// The metagraphs of a main file; `None` where one cannot be read.
fn meta_graphs(main: &[u8]) -> Option<Vec<MetaGraph<'_>>> {
    let graphs = fields(main, 0..main.len()).filter(|field| field.is_len(META_GRAPHS));
    graphs.map(|field| MetaGraph::read(Message::new(main, field.payload()))).collect()
}

/// The objects that are listed for tf_keras.
fn keras(model: &Model) -> Result<BTreeSet<usize>, InputError> {
    let Some(file) = model.file(KERAS_METADATA).map(File::contents).transpose()? else { return Ok(BTreeSet::new()) };
    let nodes = fields(&file, 0..file.len()).filter(|field| field.is_len(saved_metadata::NODES));
    let number = |field: Field| Message::new(&file, field.payload()).integer(saved_object::NODE_ID);
    Ok(nodes.map(number).filter_map(|number| usize::try_from(number).ok()).collect())
}

/// Two models, of which metagraphs are held against each other.
struct Both<'a> {
    old: &'a Model,
    new: &'a Model,
    tensors: &'a [Tensors<'a>; 2],
    keras: &'a BTreeSet<usize>,
    promise: Promise,
    wanted: &'a Wanted,
    is_stripped: bool,
}

impl Both<'_> {
    fn hold(&self, mut old: MetaGraph<'_>, mut new: MetaGraph<'_>, reasons: &mut Reasons) -> Result<(), InputError> {
        let key = Key::new();
        let promise = self.promise;
        old.hold(&new, reasons);
        if let Some(twice) = new.graph.twice.filter(|_| old.graph.twice.is_none()) {
            reasons.add(|| format!("the node {} has the name of another", String::from_utf8_lossy(twice)));
        }
        self.assets(&old.rest.assets, &new.rest.assets, reasons)?;
        // What names a gradient in the result has to name the same one. Elsewhere the name is one that nobody registers.
        let mut live = BTreeSet::new();
        for value in &new.graph.gradients {
            if old.graph.gradients.contains(value) {
                live.insert(value.to_vec());
            } else if new.graph.functions.registered.contains_key(value) || !is_unregistered(value) {
                reasons.add(|| format!("the gradient {} was not there", String::from_utf8_lossy(value)));
            }
        }
        let is_live = |value: &&[u8]| live.contains(*value);
        old.graph.functions.names.live_gradients = old.graph.gradients.iter().copied().filter(is_live).collect();
        new.graph.functions.names.live_gradients = new.graph.gradients.iter().copied().filter(is_live).collect();
        let without = Without { dead: promise == Promise::Signatures, inner_shapes: false };
        // The result has none then, so that it is the same as the model without.
        let of_old = Without { inner_shapes: self.is_stripped, ..without };
        let listed = (old.ops(), new.ops());
        let (was, is) = (old.graph.known(key, of_old), new.graph.known(key, without));
        self.signatures(&old.rest.signatures, &new.rest.signatures, reasons);
        names(&was, &is, reasons);
        let used: BTreeSet<&[u8]> = is.nodes().map(NodeDef::op).collect();
        let in_functions: BTreeSet<&[u8]> =
            is.library.functions.defs.iter().flat_map(|(_, def)| def.nodes().map(|node| node.op())).collect();
        let is_used = |op: &str| used.contains(op.as_bytes()) || in_functions.contains(op.as_bytes());
        hold_ops(listed.0, listed.1, is_used, reasons);
        let variables = hold_collections(&old.rest, &new.rest, &was, &is, reasons);
        let mut session = Session::new(&was, &is);
        variables.iter().for_each(|variable| session.need(variable.as_bytes()));
        let mut roots: Vec<String> = Vec::new();
        for signature in new.rest.signatures.values() {
            let infos = signature.inputs.values().chain(signature.outputs.values());
            infos.for_each(|info| tensor_names(info, &mut roots));
        }
        roots.extend(new.rest.assets.iter().flat_map(|asset| &asset.tensor_info).flat_map(|info| {
            let mut names = Vec::new();
            tensor_names(info, &mut names);
            names
        }));
        for key in MAIN_OPS {
            if let Some(meta_graph::Main(nodes)) = new.rest.collections.get(key).map(meta_graph::Main::of) {
                roots.extend(nodes);
            }
        }
        // Objects first, as some are nodes of the graph.
        let sides = [
            Side {
                objects: &old.rest.objects,
                tracked: self.tensors[0].tracked(),
                graph: &was,
                tensors: &self.tensors[0],
            },
            Side {
                objects: &new.rest.objects,
                tracked: self.tensors[1].tracked(),
                graph: &is,
                tensors: &self.tensors[1],
            },
        ];
        let needs = Needs { promise, wanted: self.wanted, keras: self.keras.clone() };
        let gradients = gradients(&was, &is, &live, reasons);
        let [before, after] = &sides;
        let gradients: Vec<(&str, &str)> = gradients.iter().map(|(one, other)| (&**one, &**other)).collect();
        if !old.rest.objects.nodes.is_empty() || !new.rest.objects.nodes.is_empty() {
            let nodes = objects::hold(before, after, &needs, &gradients, reasons);
            roots.extend(nodes.into_iter().map(str::to_owned));
        }
        let nodes: Vec<&[u8]> = roots.iter().filter_map(|root| own_name(&was, &is, root)).collect();
        if nodes.len() != roots.len() {
            // Names of no node are missing in both, or are noticed below.
            for root in &roots {
                let name = Input::parse(root.as_bytes()).name;
                if was.node(name).is_some() && is.node(name).is_none() {
                    reasons.add(|| format!("the node {root} is not there any more"));
                }
            }
        }
        session.hold(nodes, true, reasons);
        let saver: Vec<&String> =
            new.rest.saver.iter().flat_map(|saver| [&saver.restore_op_name, &saver.filename_tensor_name]).collect();
        let nodes: Vec<&[u8]> = saver.into_iter().filter_map(|root| own_name(&was, &is, root)).collect();
        session.hold(nodes, false, reasons);
        session.excuse(reasons);
        unchanged::hold(&was, &is, &session, reasons);
        self.restored(&was, &is, reasons);
        self.tracked(reasons);
        Ok(())
    }

    /// The tensors whose names are in signatures are the same; those that are kept are there.
    fn signatures(
        &self,
        old: &BTreeMap<String, crate::proto::SignatureDef>,
        new: &BTreeMap<String, crate::proto::SignatureDef>,
        reasons: &mut Reasons,
    ) {
        let asked = &self.wanted.signatures;
        for (name, before) in old {
            let may_go = self.promise == Promise::Signatures
                && !asked.is_empty()
                && !asked.contains(name)
                && !name.starts_with(LOADERS_SIGNATURE);
            match new.get(name) {
                Some(after) if after == before => {}
                None if may_go => {}
                Some(_) => reasons.add(|| format!("the signature {name} is another one")),
                None => reasons.add(|| format!("the signature {name} is not there any more")),
            }
        }
        if new.keys().any(|name| !old.contains_key(name)) {
            reasons.add(|| "there is a signature that was not there".to_owned());
        }
    }

    /// Assets are counted by objects, so each is there, in its place, with the same content.
    fn assets(&self, old: &[AssetFileDef], new: &[AssetFileDef], reasons: &mut Reasons) -> Result<(), InputError> {
        if old.len() != new.len() {
            reasons.add(|| format!("there are {} assets where there were {}", new.len(), old.len()));
        }
        for (was, is) in old.iter().zip(new) {
            if was.tensor_info != is.tensor_info {
                reasons.add(|| format!("the asset {} is given to another tensor", is.filename));
            }
            let files =
                (self.old.file(&format!("assets/{}", was.filename)), self.new.file(&format!("assets/{}", is.filename)));
            match files {
                (Some(was), Some(is)) if super::is_same(was, is)? => {}
                (None, None) if was.filename == is.filename => {}
                _ => reasons.add(|| format!("assets/{} is not what assets/{} was", is.filename, was.filename)),
            }
        }
        Ok(())
    }

    /// What is asked of the checkpoint was asked before, and each key is there, if it was: a RestoreV2 fails for all if one is
    /// missing, of another type, or has no such slice, also one that nobody takes.
    fn restored(&self, old_graph: &Graph<'_>, graph: &Graph<'_>, reasons: &mut Reasons) {
        let [old, new] = self.tensors;
        let (before, after) = (Asked::of(old_graph), Asked::of(graph));
        for (asked, key) in after.known {
            let shown = String::from_utf8_lossy(key);
            if !before.known.contains_key(&asked) {
                reasons.add(|| format!("{shown}: is restored as it was not before"));
            } else if old.has(&shown) && !new.has(&shown) {
                reasons.add(|| format!("{shown}: is restored, and not in the index any more"));
            }
        }
        if after.unknown > before.unknown {
            reasons.add(|| "a node restores what is not understood any more".to_owned());
        }
    }

    /// Each key that the object graph of the checkpoint names is there, if it was.
    fn tracked(&self, reasons: &mut Reasons) {
        let [old, new] = self.tensors;
        let nodes = new.tracked().map_or(&[][..], |tracked| &tracked.nodes);
        for attribute in nodes.iter().flat_map(|node| &node.attributes) {
            let key = &attribute.checkpoint_key;
            if old.has(key) && !new.has(key) {
                reasons.add(|| format!("{key}: is named in the object graph, and not in the index any more"));
            }
        }
        for node in nodes {
            let ids = node.children.iter().map(|child| child.node_id);
            let slots = node
                .slot_variables
                .iter()
                .flat_map(|slot| [slot.original_variable_node_id, slot.slot_variable_node_id]);
            if ids.chain(slots).any(|id| usize::try_from(id).is_ok_and(|id| id >= nodes.len())) {
                reasons.add(|| "the object graph of the checkpoint names an object that it has not".to_owned());
            }
        }
    }
}

/// What nodes of a graph and of its functions ask of the checkpoint.
#[derive(Default)]
struct Asked<'f> {
    /// The keys, by the hashes of them and of the slices, and by the types.
    known: BTreeMap<(Digest, Digest, u64), &'f [u8]>,
    /// How many nodes there are of which it is not known.
    unknown: usize,
}

impl<'f> Asked<'f> {
    fn of(graph: &Graph<'f>) -> Self {
        let mut asked = Self::default();
        let constants = || restore::Constants::new(graph.library.key);
        let mut of_graph = constants();
        for node in graph.nodes().filter(|node| restore::is_restore(node)) {
            asked.add(restore::restored(node, &mut of_graph, |name| graph.node(name)));
        }
        for (_, def) in &graph.library.functions.defs {
            if !def.nodes().any(|node| restore::is_restore(&node)) {
                continue;
            }
            let nodes: BTreeMap<&[u8], NodeDef<'f>> = def.nodes().map(|node| (node.name(), node)).collect();
            let mut of_function = constants();
            for node in nodes.values().filter(|node| restore::is_restore(node)) {
                asked.add(restore::restored(node, &mut of_function, |name| nodes.get(name).copied()));
            }
        }
        asked
    }

    fn add(&mut self, all: Option<Vec<restore::Restored<'f>>>) {
        match all {
            Some(all) => self.known.extend(all.iter().map(|restored| (restored.asked(), restored.key.bytes))),
            None => self.unknown = self.unknown.saturating_add(1),
        }
    }
}

/// The name of a node as it lies in a graph, so that it lives as long.
fn own_name<'f>(old: &Graph<'f>, new: &Graph<'f>, name: &str) -> Option<&'f [u8]> {
    let name = Input::parse(name.as_bytes()).name;
    new.node(name).or_else(|| old.node(name)).map(|node| node.name())
}

/// The tensors that a signature or an asset names.
fn tensor_names(info: &TensorInfo, names: &mut Vec<String>) {
    let mut open = vec![info];
    while let Some(info) = open.pop() {
        match &info.encoding {
            Some(tensor_info::Encoding::Name(name)) => names.push(name.clone()),
            Some(tensor_info::Encoding::CooSparse(sparse)) => {
                names.extend(
                    [&sparse.values_tensor_name, &sparse.indices_tensor_name, &sparse.dense_shape_tensor_name]
                        .map(Clone::clone),
                );
            }
            Some(tensor_info::Encoding::CompositeTensor(composite)) => open.extend(&composite.components),
            None => {}
        }
    }
}

/// Whether nobody can have registered a gradient under a name: TensorFlow's are ops (`tf.RegisterGradient`) and
/// `CustomGradient-N` of a process.
fn is_unregistered(name: &[u8]) -> bool {
    !name.starts_with(b"CustomGradient") && name.iter().any(|byte| !byte.is_ascii_alphanumeric())
}

/// The functions that are the gradients of names which are still in use.
fn gradients(
    old: &Graph<'_>,
    new: &Graph<'_>,
    live: &BTreeSet<Vec<u8>>,
    reasons: &mut Reasons,
) -> Vec<(String, String)> {
    let mut both = Vec::new();
    for value in live {
        let of = |graph: &Graph<'_>| {
            let function = graph.library.functions.registered.get(&**value);
            function.map(|function| String::from_utf8_lossy(function).into_owned())
        };
        match (of(old), of(new)) {
            (Some(was), Some(is)) => both.push((was, is)),
            (None, None) => {}
            _ => reasons.add(|| format!("the gradient {} is not registered any more", String::from_utf8_lossy(value))),
        }
    }
    both
}

/// Holds names in the result against what they name: what was there is there still.
fn names(old: &Graph<'_>, new: &Graph<'_>, reasons: &mut Reasons) {
    let name = |name: &[u8]| crate::escape::shortened(&String::from_utf8_lossy(name)).into_owned();
    for node in new.nodes() {
        if old.node(node.name()).is_none() {
            reasons.add(|| format!("the node {} was not there", name(node.name())));
        }
        for input in node.inputs() {
            let source = Input::parse(input).name;
            if new.node(source).is_none() && old.node(source).is_some() {
                reasons.add(|| {
                    format!("the node {} takes {}, which is not there any more", name(node.name()), name(source))
                });
            }
        }
        for placed in node.placed_beside() {
            if new.node(placed).is_none() && old.node(placed).is_some() {
                reasons.add(|| {
                    format!(
                        "the node {} is placed with {}, which is not there any more",
                        name(node.name()),
                        name(placed)
                    )
                });
            }
        }
        for function in attributes::unknown(node, &new.library.functions.names) {
            if old.library.digest(function).is_some() {
                reasons.add(|| {
                    format!("the node {} calls {}, which is not there any more", name(node.name()), name(function))
                });
            }
        }
    }
    for ((function, _), body) in new.library.functions.defs.iter().zip(&new.library.bodies) {
        let Some(before) = old.library.body(function) else {
            reasons.add(|| format!("the function {} was not there", name(function)));
            continue;
        };
        for unknown in &body.unknown {
            if old.library.digest(unknown).is_some() {
                reasons.add(|| {
                    format!("the function {} calls {}, which is not there any more", name(function), name(unknown))
                });
            }
        }
        if !body.dangling.is_subset(&before.dangling) {
            reasons.add(|| format!("the function {} takes what is not there", name(function)));
        }
    }
}
