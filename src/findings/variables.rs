//! The variables of the checkpoint: who gets a value from each, and which of them only an optimizer keeps.

use std::collections::BTreeSet;

use foldhash::{HashMap, HashSet};

use super::evidence::{Evidence, Place};
use super::facts::Facts;
use super::objects::{self, Object};
use super::quoted;
use super::removal::Removed;
use crate::checkpoint::{KEY_SUFFIX, Tensor, object_graph};
use crate::dtype;
use crate::graph::{MetaGraphReach, Root};
use crate::identity::TensorId;
use crate::message::constants::KERAS_METRIC;
use crate::message::{input_node, ops};

/// How tf_keras's optimizers name themselves in a SavedObjectGraph: those up to TensorFlow 2.10, and those since.
const OPTIMIZERS: [&[u8]; 2] = [b"optimizer", b"experimentalOptimizer"];

/// What an optimizer of Keras 3, which says nothing of itself, keeps under these names: how many steps it has done, and
/// how large the next one is.
const STEPS: [&[u8]; 3] = [b"_iterations", b"iterations", b"iter"];
const RATES: [&[u8]; 2] = [b"_learning_rate", b"learning_rate"];

/// What Sonnet's optimizers keep a list of slots under, one for each variable (`sonnet/src/optimizers/`): Adam, RMSProp and
/// Momentum.
const MOMENTS: [&[&[u8]]; 3] = [&[b"m", b"v", b"step"], &[b"mom", b"ms"], &[b"accumulated_momentum"]];

/// What TensorFlow 1's optimizers call the slots that they keep for a variable, without the `_1` that a second one gets
/// (tensorflow/python/training/*.py: `_get_or_make_slot`, `_zeros_slot`, whose variables are `variable/name`); Keras's,
/// and those of BERT's `AdamWeightDecayOptimizer`, which many have copied.
const SLOTS: [&str; 24] = [
    "Adam",
    "AdamW",
    "AdaMax",
    "AdaBelief",
    "Adagrad",
    "AdagradDA",
    "Adadelta",
    "Ftrl",
    "LAMB",
    "LazyAdam",
    "Momentum",
    "RMSProp",
    "GradientDescent",
    "ProximalAdagrad",
    "adam_m",
    "adam_v",
    "lamb_m",
    "lamb_v",
    "m",
    "v",
    "vhat",
    "momentum",
    "rms",
    "accumulator",
];

/// How many scopes an optimizer's variables may be in: `training/Adam/kernel/m` is in two.
const SCOPES: usize = 8;

/// The classes of Keras's optimizers, which are the scopes of their variables.
const OF_KERAS: [&str; 7] = ["SGD", "RMSprop", "Adagrad", "Adadelta", "Adam", "Adamax", "Nadam"];

/// What they call their steps and what they are set to (`tensorflow/python/keras/optimizers.py` of TensorFlow 1.13,
/// `optimizer_v2/`).
const SETTINGS: [&str; 9] =
    ["iterations", "iter", "lr", "learning_rate", "decay", "momentum", "rho", "beta_1", "beta_2"];

/// What Adam keeps once, beside its slots.
const POWERS: [&str; 2] = ["beta1_power", "beta2_power"];

/// More keys than this for one variable are slices of it.
const MOST_KEYS: usize = 8;

/// The variables of a model.
pub(super) struct Variables<'c> {
    pub(super) tensors: &'c [Tensor],
    uses: Vec<Use>,
    /// Whether each metagraph has a signature, so that what neither these nor functions need, nobody does. Where there is
    /// none, a program uses the objects themselves, whatever is tracked of them.
    pub(super) is_served: bool,
    /// For each tensor the others that a session restores into all that it restores this one into.
    stand_ins: Vec<Option<Vec<usize>>>,
    names: HashMap<&'c str, &'c str>,
}

/// Who needs a tensor.
#[derive(Debug, Clone, Copy, Default)]
struct Use {
    by_graph: bool,
    by_objects: bool,
    called: bool,
}

impl<'c> Variables<'c> {
    /// The variables; `None` where it cannot be said who needs what: parts of the model are damaged or not followed.
    pub(super) fn new(context: &Facts<'c>) -> Option<Self> {
        let checkpoint = context.checkpoint.filter(|checkpoint| checkpoint.index_is_whole)?;
        let tensors = &*checkpoint.bundle.tensors;
        let graphs = &context.reach.meta_graphs;
        if tensors.is_empty() || graphs.is_empty() || !context.saved_model.problems.is_empty() {
            return None;
        }
        // One that cannot be read would have said what functions have captured.
        if checkpoint.object_graph.is_none() && tensors.iter().any(|tensor| tensor.key == object_graph::KEY) {
            return None;
        }
        let mut uses = vec![Use::default(); tensors.len()];
        let (mut is_served, mut stand_ins) = (true, vec![None; tensors.len()]);
        for graph in graphs {
            // One that is too large to follow may need anything.
            let graph = graph.as_ref()?;
            is_served &= graph.roots.iter().any(Root::is_call);
            graph.handles().for_each(|handle| keep_stand_ins(&mut stand_ins, &handle.tensors));
            for ((number, bound), of) in (0..).zip(graph.bound()).zip(&mut uses) {
                of.by_graph |= bound.by_graph;
                of.by_objects |= bound.by_objects;
                of.called |= graph.is_called(number);
            }
        }
        let saved = checkpoint.object_graph.iter().flat_map(|saved| &saved.graph.nodes);
        let names = saved.flat_map(|node| &node.attributes).map(|a| (&*a.checkpoint_key, &*a.full_name));
        let names = names.filter(|(_, name)| !name.is_empty()).collect();
        Some(Self { tensors, uses, is_served, stand_ins, names })
    }

    /// The positions of what is a variable: not the object graph, and not what objects save besides, such as strings of
    /// their configuration.
    pub(super) fn all(&self) -> impl Iterator<Item = (usize, &'c Tensor)> {
        let tensors = self.tensors;
        tensors.iter().enumerate().filter(|(_, tensor)| is_variable(tensor))
    }

    fn of(&self, tensor: usize) -> Use {
        self.uses.get(tensor).copied().unwrap_or_default()
    }

    /// The tensors that a session restores into all that it restores this one into.
    pub(super) fn stand_ins(&self, tensor: usize) -> &[usize] {
        self.stand_ins.get(tensor).and_then(Option::as_deref).unwrap_or_default()
    }

    /// Whether a function has captured it.
    pub(super) fn is_captured(&self, tensor: usize) -> bool {
        self.of(tensor).by_objects
    }

    /// Whether a session restores it into a resource that something reaches.
    pub(super) fn is_bound_by_graph(&self, tensor: usize) -> bool {
        self.of(tensor).by_graph
    }

    /// Whether anything that can be called gets its value.
    pub(super) fn is_bound(&self, tensor: usize) -> bool {
        self.of(tensor).by_graph || self.of(tensor).by_objects
    }

    /// Whether a signature needs it.
    pub(super) fn is_called(&self, tensor: usize) -> bool {
        self.of(tensor).called
    }

    /// The variable's own name, where the checkpoint knows one, else the key; without what ends all keys.
    pub(super) fn name(&self, tensor: usize) -> &'c str {
        let key = self.tensors.get(tensor).map_or("", |tensor| &*tensor.key);
        self.names.get(key).copied().unwrap_or_else(|| key.strip_suffix(KEY_SUFFIX).unwrap_or(key))
    }

    /// What to call a tensor: its key, and its name where that says more.
    pub(super) fn label(&self, tensor: usize) -> String {
        let key = self.tensors.get(tensor).map_or("", |tensor| &*tensor.key);
        let (short, name) = (key.strip_suffix(KEY_SUFFIX).unwrap_or(key), self.name(tensor));
        if name == short { quoted(short) } else { format!("{} ({})", quoted(short), quoted(name)) }
    }

    /// The positions of those that nothing gets a value from.
    pub(super) fn unbound(&self) -> impl Iterator<Item = usize> {
        self.all().map(|(tensor, _)| tensor).filter(|tensor| !self.is_bound(*tensor))
    }

    /// One line for each of some tensors, and one for all that goes with them.
    pub(super) fn evidence(
        &self,
        context: &Facts<'_>,
        tensors: &BTreeSet<usize>,
        removed: &Removed,
        what: impl Fn(usize) -> String,
    ) -> Evidence {
        let mut evidence = Evidence::default();
        for tensor in tensors.iter().copied() {
            evidence.add(context.data_bytes(tensor), || (what(tensor), Place::of_tensor(context, tensor)));
        }
        let rest = removed.bytes().saturating_sub(removed.data);
        if rest > 0 {
            let what = "what graphs, functions, objects and index have of them";
            evidence.add(rest, || (what.to_owned(), Place::default()));
        }
        evidence
    }
}

/// Keeps of the stand-ins of tensors those that are restored into this handle as well, which these are restored into.
fn keep_stand_ins(stand_ins: &mut [Option<Vec<usize>>], of_handle: &[TensorId]) {
    // A partitioned variable has a tensor for each slice, none of which stands in for another.
    let of_handle = if of_handle.len() > MOST_KEYS { &[] } else { of_handle };
    let of_handle: Vec<usize> = of_handle.iter().map(|tensor| tensor.position()).collect();
    for tensor in &of_handle {
        let Some(known) = stand_ins.get_mut(*tensor) else { continue };
        match known {
            Some(known) => known.retain(|other| of_handle.contains(other)),
            None => *known = Some(of_handle.iter().copied().filter(|other| other != tensor).collect()),
        }
    }
}

fn is_variable(tensor: &Tensor) -> bool {
    let key = &*tensor.key;
    !tensor.damaged && key != object_graph::KEY && (key.ends_with(KEY_SUFFIX) || !key.contains("/.ATTRIBUTES/"))
}

/// What an optimizer keeps, and nothing that can be called needs.
#[derive(Debug, Default)]
pub(super) struct OptimizerState {
    pub(super) tensors: BTreeSet<usize>,
    /// The optimizer's objects, and those that only it leads to.
    pub(super) objects: BTreeSet<u32>,
    /// Whether something that can be called gets the value of another variable of an optimizer: a function trains with it, or
    /// asks for its rate. Then it stays, as a program that makes it again wants all of its values.
    pub(super) is_used_in_part: bool,
    /// Whether one optimizer is around another, as one is that scales losses.
    pub(super) is_nested: bool,
}

impl OptimizerState {
    /// Finds it: in TF2 by who owns a variable, in TF1 by its name, as nothing else ties a slot to an optimizer.
    pub(super) fn new(context: &Facts<'_>, variables: &Variables<'_>) -> Self {
        let mut state = Self::default();
        if variables.unbound().next().is_none() {
            return state;
        }
        for meta_graph in 0..context.saved_model.meta_graphs.len() {
            let objects = context.objects(meta_graph);
            state.objects.extend(owned(objects));
            state.is_nested |= is_nested(objects);
        }
        let owned = keys_of(context, &state.objects);
        let mut slots = slots(variables);
        slots.extend(updated(context));
        slots.extend(powers(variables, &slots));
        for (tensor, about) in variables.all() {
            let is_owned = owned.contains(&*about.key);
            // What a program does with objects that no signature serves, nobody knows; a graph without objects has no other
            // use for what its optimizer keeps.
            let is_state = is_owned && variables.is_served || slots.contains(&tensor);
            if is_state && !variables.is_bound(tensor) {
                state.tensors.insert(tensor);
            }
            state.is_used_in_part |= is_owned && variables.is_bound(tensor);
        }
        if state.is_used_in_part {
            state.objects.clear();
        }
        state
    }
}

/// The tensors of metrics of Keras 2, which count what training has seen.
pub(super) fn metrics(context: &Facts<'_>, variables: &Variables<'_>) -> BTreeSet<usize> {
    let mut objects = BTreeSet::new();
    for meta_graph in 0..context.saved_model.meta_graphs.len() {
        let all = context.objects(meta_graph);
        let named = (0..).zip(all).filter(|(_, object)| object.identifier == KERAS_METRIC).map(|(number, _)| number);
        objects.extend(owned_by(all, &named.chain(held_as_metrics(all)).collect()));
    }
    let keys = keys_of(context, &objects);
    variables.all().filter(|(_, about)| keys.contains(&*about.key)).map(|(tensor, _)| tensor).collect()
}

/// What `keras_api` holds under the name `metrics`: before TensorFlow 2.2 the metrics did not name themselves.
fn held_as_metrics<'o>(objects: &'o [Object<'_>]) -> impl Iterator<Item = u32> + use<'o> {
    let children = |object: &'o Object<'_>, name: &'static [u8]| {
        object.children.iter().filter(move |(_, child)| *child == name).map(|(number, _)| *number)
    };
    let apis = objects.iter().flat_map(move |object| children(object, b"keras_api"));
    apis.filter_map(|api| objects.get(api as usize)).flat_map(move |api| children(api, b"metrics"))
}

/// The optimizers among objects, and what the root leads to only through one: weights that an optimizer lists belong to
/// their layers.
fn owned(objects: &[Object<'_>]) -> BTreeSet<u32> {
    owned_by(
        objects,
        &(0..).zip(objects).filter(|(_, object)| is_optimizer(object)).map(|(number, _)| number).collect(),
    )
}

/// These objects, and what the root leads to only through one of them.
fn owned_by(objects: &[Object<'_>], owners: &BTreeSet<u32>) -> BTreeSet<u32> {
    if owners.is_empty() {
        return BTreeSet::new();
    }
    let without = objects::reached(objects, |object| owners.contains(&object));
    let with = objects::reached(objects, |_| false);
    with.into_iter().filter(|object| owners.contains(object) || !without.contains(object)).collect()
}

/// The variables that ops of optimizers keep for the variables which they update: `ApplyAdam` takes the variable first, then
/// `m` and `v`, and all three as handles (tensorflow/core/ops/training_ops.cc).
fn updated(context: &Facts<'_>) -> HashSet<usize> {
    let mut slots = HashSet::default();
    let graphs = context.reach.meta_graphs.iter().enumerate().filter_map(|(at, graph)| Some((at, graph.as_ref()?)));
    for (meta_graph, graph) in graphs {
        let updates = context.nodes(meta_graph).filter(|node| ops::is_optimizer_step(node.op()));
        let (mut updated, mut beside): (HashSet<&[u8]>, HashSet<&[u8]>) = Default::default();
        for update in updates {
            let mut inputs = update.inputs().map(input_node);
            updated.extend(inputs.next());
            beside.extend(inputs);
        }
        slots.extend(restored(graph, |handle| beside.contains(handle) && !updated.contains(handle)));
    }
    slots
}

/// The tensors that are restored into handles of these names.
fn restored(graph: &MetaGraphReach<'_>, is_asked: impl Fn(&[u8]) -> bool) -> Vec<usize> {
    let mut told = HashSet::default();
    let handles = graph.handles().filter(|handle| is_asked(handle.name) && told.insert(handle.resource));
    handles.flat_map(|handle| handle.tensors.iter().map(|tensor| tensor.position()).collect::<Vec<_>>()).collect()
}

fn is_optimizer(object: &Object<'_>) -> bool {
    let has = |names: &[&[u8]]| object.children.iter().any(|(_, name)| names.contains(name));
    let has_all = |names: &[&[u8]]| names.iter().all(|name| has(&[*name]));
    OPTIMIZERS.contains(&object.identifier)
        || !object.slots.is_empty()
        || (has(&STEPS) && has(&RATES))
        || MOMENTS.iter().any(|names| has_all(names))
}

/// Whether an optimizer has another one.
fn is_nested(objects: &[Object<'_>]) -> bool {
    let is_one = |object: &u32| objects.get(*object as usize).is_some_and(is_optimizer);
    let mut children = objects.iter().filter(|object| is_optimizer(object)).flat_map(|object| &object.children);
    children.any(|(child, _)| is_one(child))
}

/// The objects that checkpoint keys are of, by key.
pub(super) fn objects_by_key<'c>(context: &Facts<'c>) -> HashMap<&'c str, u32> {
    let saved = context.checkpoint.and_then(|checkpoint| checkpoint.object_graph.as_ref());
    let nodes = (0..).zip(saved.map_or(&[][..], |saved| &saved.graph.nodes));
    nodes.flat_map(|(number, node)| node.attributes.iter().map(move |a| (&*a.checkpoint_key, number))).collect()
}

/// The checkpoint keys of objects.
fn keys_of<'c>(context: &Facts<'c>, objects: &BTreeSet<u32>) -> HashSet<&'c str> {
    let saved = context.checkpoint.and_then(|checkpoint| checkpoint.object_graph.as_ref());
    let nodes = saved.map_or(&[][..], |saved| &saved.graph.nodes);
    let owned = (0..).zip(nodes).filter(|(number, _)| objects.contains(number));
    owned.flat_map(|(_, node)| &node.attributes).map(|value| &*value.checkpoint_key).collect()
}

/// The variables that are called after another one and a slot: `kernel/Adam_1` or `training/Adam/kernel/m` beside
/// `kernel`, of the same type and shape. Where there are such, also the powers that Adam counts.
fn slots(variables: &Variables<'_>) -> HashSet<usize> {
    let by_key: HashMap<&str, usize> = variables.all().map(|(tensor, about)| (&*about.key, tensor)).collect();
    let of_primary = |(tensor, about): (usize, &Tensor)| {
        let (primary, slot) = about.key.rsplit_once('/')?;
        if !SLOTS.iter().any(|word| slot.strip_prefix(word).is_some_and(is_counter)) {
            return None;
        }
        // The scope that an optimizer's variables may be in is before the name: `a/b/kernel`, `b/kernel`, `kernel`.
        let scopes = primary.match_indices('/').map(|(at, _)| primary.get(at.saturating_add(1)..).unwrap_or_default());
        let mut names = std::iter::once(primary).chain(scopes.take(SCOPES));
        let is_alike = |other: usize| {
            let other = variables.tensors.get(other);
            other.is_some_and(|other| other.dtype == about.dtype && other.shape == about.shape)
        };
        let found = names.any(|name| by_key.get(name).is_some_and(|other| is_alike(*other)));
        found.then_some(tensor)
    };
    variables
        .all()
        .filter(|(tensor, about)| {
            is_of_optimizer(&about.key) || variables.is_served && is_of_optimizer(variables.name(*tensor))
        })
        .map(|(tensor, _)| tensor)
        .chain(variables.all().filter_map(of_primary))
        .collect()
}

/// Whether a variable of this name is one that Keras made in the scope of an optimizer: a moment without a name of its own,
/// `training/SGD/Variable_1` (`keras/optimizers.py` up to TensorFlow 1.13, whose moments are `K.zeros(shape)`), or what the
/// optimizer counts and is set to, `Adam/iterations`.
fn is_of_optimizer(name: &str) -> bool {
    let Some((scope, name)) = name.rsplit_once('/') else { return false };
    let optimizer = scope.rsplit('/').next().unwrap_or_default();
    std::iter::once("Variable").chain(SETTINGS).any(|own| name.strip_prefix(own).is_some_and(is_counter))
        && OF_KERAS.iter().any(|class| optimizer.strip_prefix(class).is_some_and(is_counter))
}

/// What Adam counts, where there are slots.
fn powers(variables: &Variables<'_>, slots: &HashSet<usize>) -> HashSet<usize> {
    let is_power = |key: &str| {
        let name = key.rsplit('/').next().unwrap_or_default();
        POWERS.iter().any(|power| name.strip_prefix(power).is_some_and(is_counter))
    };
    let powers = variables.all().filter(|(_, about)| !slots.is_empty() && is_power(&about.key));
    powers.map(|(tensor, _)| tensor).collect()
}

/// Whether this is what makes a name unique: nothing, or `_1`.
fn is_counter(end: &str) -> bool {
    end.is_empty() || end.strip_prefix('_').is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Whether equal bytes are equal values: not for strings, whose checksum is of another form of them.
pub(super) fn is_numeric(tensor: &Tensor) -> bool {
    dtype::element_bytes(tensor.dtype).is_some()
}

#[cfg(test)]
mod tests;
