//! `training-wrapper`: what a wrapper keeps beside the weights of the layer that it prunes, clusters or normalizes.
//!
//! Such a wrapper is for training: it has a mask for each weight, the number of its cluster for each weight (eight bytes), or a
//! second copy of the layer to begin with, and computes the weights from them in each call. When training is done the weights
//! are what they are, and the library has a function that takes the wrapper off. Who exports without calling it
//! ships a model that is up to three times as large.
//!
//! A wrapper is known by its attributes, which the object graph has; an export that tracks a list of variables only has their
//! names, which are those attributes behind the wrapper's own name.

use std::collections::BTreeSet;

use foldhash::{HashMap, HashSet};

use crate::findings::claims::Claims;
use crate::findings::evidence::{Evidence, Place};
use crate::findings::program::{Program, Vertex};
use crate::findings::removal::{self, Gone};
use crate::findings::variables::{Variables, objects_by_key};
use crate::findings::{Cause, Context, Cure, Detected, ModelKind, Remedy, quoted};
use crate::graph::EdgeKind;
use crate::input::layout::KERAS_METADATA;
use crate::message::Message;
use crate::message::number::keras::saved_metadata::NODES;
use crate::message::number::keras::saved_object::NODE_ID;
use crate::size::{bytes, plural};
use crate::wire::{Field, fields};

pub(super) const CAUSE: Cause = Cause {
    id: "training-wrapper",
    remedies: &[
        Remedy::of(
            &[ModelKind::TfKeras],
            "Take the wrappers off before the export: `strip_pruning`, `strip_clustering`, `WeightNormalization.remove`.",
            STRIPPED,
            "pruning, clustering or training goes on from this very directory.",
        ),
        Remedy::any(
            "Take the wrappers off before the export: `strip_pruning`, `strip_clustering`, `WeightNormalization.remove`.",
            "",
            "pruning, clustering or training goes on from this very directory.",
        ),
    ],
    long: include_str!("../../../docs/findings/training-wrapper.md"),
    detect,
    only_information: None,
    cure: Cure::None,
};

/// Takes off what tfmot wrapped; a model without one of the two wrappers stays as it is.
const STRIPPED: &str = "import tensorflow_model_optimization as tfmot
model = tfmot.sparsity.keras.strip_pruning(tfmot.clustering.keras.strip_clustering(model))
model.save(\"exported\", include_optimizer=False)";

/// The attribute by which every wrapper has its layer (`keras.layers.Wrapper`).
const LAYER: &[u8] = b"layer";

/// What a wrapper does with the weights of its layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Wraps {
    /// `PruneLowMagnitude` (tensorflow_model_optimization/python/core/sparsity/keras/pruning_wrapper.py).
    Pruning,
    /// `ClusterWeights` (tensorflow_model_optimization/python/core/clustering/keras/cluster_wrapper.py).
    Clustering,
    /// `WeightNormalization` (tensorflow_addons/layers/wrappers.py).
    Normalization,
}

/// The attributes that an object has which is such a wrapper, and those of them whose variables are the wrapper's own.
struct Attributes {
    wraps: Wraps,
    has: &'static [&'static [u8]],
    own: &'static [&'static [u8]],
    /// A list of tuples: a weight, and then what the wrapper keeps for it.
    tuples: &'static [u8],
    /// What the names of its own variables begin with behind the wrapper's name, each with what else is called so beside it.
    names: &'static [(&'static str, &'static str)],
    /// The same where a weight of the shape of the first has to be beside them as well: what is called so in general.
    beside_weights: &'static [(&'static str, &'static str)],
}

const WRAPPERS: [Attributes; 3] = [
    Attributes {
        wraps: Wraps::Pruning,
        has: &[b"pruning_vars", b"prunable_weights", b"pruning_step"],
        own: &[b"mask", b"threshold", b"pruning_step"],
        tuples: b"pruning_vars",
        names: &[("mask", "pruning_step"), ("threshold", "pruning_step"), ("pruning_step", "threshold")],
        // `tf.contrib.model_pruning` has no step of its own for a layer (`apply_mask` in `pruning.py`).
        beside_weights: &[("mask", "threshold")],
    },
    Attributes {
        wraps: Wraps::Clustering,
        has: &[b"pulling_indices", b"cluster_centroids"],
        own: &[b"pulling_indices", b"cluster_centroids"],
        tuples: b"",
        names: &[("pulling_indices_", "cluster_centroids_"), ("cluster_centroids_", "pulling_indices_")],
        beside_weights: &[],
    },
    Attributes {
        wraps: Wraps::Normalization,
        // The copy is there where `data_init` is on, by which the first batch sets the weights.
        has: &[b"_naked_clone_layer", b"g", b"layer"],
        own: &[b"_naked_clone_layer", b"_initialized"],
        tuples: b"",
        names: &[],
        beside_weights: &[],
    },
];

impl Attributes {
    /// All that its variables may be called.
    fn words(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.names.iter().chain(self.beside_weights).flat_map(|(own, beside)| [*own, *beside])
    }
}

impl Wraps {
    fn counted(self, count: u64) -> String {
        match self {
            Self::Pruning => {
                plural(count, "layer is still wrapped for pruning", "layers are still wrapped for pruning")
            }
            Self::Clustering => {
                plural(count, "layer is still wrapped for clustering", "layers are still wrapped for clustering")
            }
            Self::Normalization => plural(
                count,
                "layer is still wrapped for weight normalization",
                "layers are still wrapped for weight normalization",
            ),
        }
    }
}

/// A wrapper, and its own variables.
struct Wrapper {
    wraps: Wraps,
    name: String,
    tensors: BTreeSet<usize>,
    /// Its object, where there is one.
    object: Option<u32>,
}

/// A wrapper among a program's objects.
struct Found {
    wraps: Wraps,
    path: String,
    object: Vertex,
    /// The objects that are its own.
    own: HashSet<Vertex>,
}

fn detect(context: &Context<'_>) -> Option<Detected> {
    let variables = context.variables()?;
    let wrappers = wrappers(context, variables);
    let tensors: BTreeSet<usize> = wrappers.iter().flat_map(|wrapper| wrapper.tensors.iter().copied()).collect();
    if tensors.is_empty() {
        return None;
    }
    let mut gone = Gone { tensors, ..Gone::default() };
    for program in context.programs() {
        unwrap(program, &mut gone);
    }
    let mut removed = removal::remove(context, &gone);
    let objects: BTreeSet<u32> = wrappers.iter().filter_map(|wrapper| wrapper.object).collect();
    claim_metadata(context, &objects, &mut removed.claims);
    let mut counts: HashMap<Wraps, u64> = HashMap::default();
    let mut evidence = Evidence::default();
    for wrapper in &wrappers {
        *counts.entry(wrapper.wraps).or_default() += 1;
        let data = wrapper.tensors.iter().map(|tensor| context.data_bytes(*tensor)).fold(0, u64::saturating_add);
        let count = plural(wrapper.tensors.len() as u64, "variable", "variables");
        let place = wrapper.tensors.first().map(|tensor| Place::of_tensor(context, *tensor));
        let what = || format!("{count} of wrapper {}", quoted(&wrapper.name));
        evidence.add(data, || (what(), place.unwrap_or_default()));
    }
    let rest = removed.bytes().saturating_sub(removed.data);
    evidence.add(rest, || ("what graphs, functions, objects and index have of them".to_owned(), Place::default()));
    let mut counts: Vec<(Wraps, u64)> = counts.into_iter().collect();
    counts.sort_unstable();
    let counted: Vec<String> = counts.into_iter().map(|(wraps, count)| wraps.counted(count)).collect();
    let own = plural(gone.tensors.len() as u64, "variable of the wrappers", "variables of the wrappers");
    Some(Detected {
        message: format!(
            "{}: {own}, {} of data, are there for training only.",
            counted.join(", "),
            bytes(removed.data)
        ),
        evidence,
        claims: removed.claims,
        beyond: removed.beyond,
    })
}

/// The variables that are wrappers' own.
pub(super) fn tensors(context: &Context<'_>, variables: &Variables<'_>) -> BTreeSet<usize> {
    wrappers(context, variables).into_iter().flat_map(|wrapper| wrapper.tensors).collect()
}

fn wrappers(context: &Context<'_>, variables: &Variables<'_>) -> Vec<Wrapper> {
    let mut wrappers = Vec::new();
    let mut by_object: HashMap<u32, Vec<usize>> = HashMap::default();
    for program in context.programs() {
        let known = of_objects(program);
        if by_object.is_empty() && !known.is_empty() {
            let objects = objects_by_key(context);
            for (tensor, about) in variables.all() {
                let object = objects.get(&*about.key).copied();
                object.into_iter().for_each(|object| by_object.entry(object).or_default().push(tensor));
            }
        }
        wrappers.extend(known.into_iter().map(|Found { wraps, path, object, own }| {
            let numbers = own.iter().filter_map(|object| program.position_of(*object));
            let tensors = numbers.filter_map(|number| by_object.get(&number)).flatten().copied().collect();
            Wrapper { wraps, name: path, tensors, object: program.position_of(object) }
        }));
    }
    wrappers.retain(|wrapper: &Wrapper| !wrapper.tensors.is_empty());
    if wrappers.is_empty() { by_names(variables) } else { wrappers }
}

/// Adds the objects and functions that nothing leads to once each wrapper is the layer that it wraps.
fn unwrap(program: &Program<'_>, gone: &mut Gone) {
    let found = of_objects(program);
    let layer = |of: Vertex| program.children(of).iter().find(|child| child.name == LAYER).map(|child| child.vertex);
    let layers: HashMap<Vertex, Option<Vertex>> =
        found.iter().map(|found| (found.object, layer(found.object))).collect();
    let own: HashSet<Vertex> = found.iter().flat_map(|found| found.own.iter().copied()).collect();
    let went = program.without(|need| {
        let is_wrappers = need.from.and_then(|from| layers.get(&from)).is_some_and(|layer| *layer != Some(need.to));
        need.kind == EdgeKind::Holds && (is_wrappers || own.contains(&need.to))
    });
    for vertex in went.numbers() {
        gone.objects.extend(program.position_of(vertex));
        let function = program.function_at(vertex).map(|function| function.name.to_vec());
        gone.functions.extend(function.map(|name| (program.meta_graph, name)));
    }
}

/// Claims what `keras_metadata.pb` has of the wrappers: a node for each, by the object's number.
fn claim_metadata(context: &Context<'_>, objects: &BTreeSet<u32>, claims: &mut Claims) {
    let Some(file) = context.model.file(KERAS_METADATA).filter(|_| !objects.is_empty()) else { return };
    let Ok(content) = file.contents() else { return };
    let is_of_one = |field: &Field| {
        let number = Message::new(&content, field.payload()).integer(NODE_ID);
        u32::try_from(number).is_ok_and(|number| objects.contains(&number))
    };
    let nodes = fields(&content, 0..content.len()).filter(|field| field.is_len(NODES)).filter(is_of_one);
    claims.add_ranges(&file.name, nodes.map(|field| field.start as u64..field.end as u64).collect());
}

/// The wrappers among a program's objects.
fn of_objects(program: &Program<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    // Very many wrappers may be given one layer that has very many objects.
    let mut left =
        STEPS_FOR_EACH.saturating_mul(program.objects().count()).saturating_add(STEPS_FOR_EACH * STEPS_FOR_EACH);
    let nearest = std::cell::LazyCell::new(|| program.nearest_first());
    for (vertex, object) in program.objects() {
        let child = |name: &[u8]| object.children.iter().find(|child| child.name == name).map(|child| child.vertex);
        let kind = WRAPPERS.iter().find(|kind| kind.has.iter().all(|name| child(name).is_some()));
        let Some(kind) = kind else { continue };
        let layer = child(LAYER).map(|layer| within(program, [layer], &mut left)).unwrap_or_default();
        let mut own: HashSet<Vertex> = within(program, kind.own.iter().filter_map(|name| child(name)), &mut left);
        for tuple in child(kind.tuples).into_iter().flat_map(|list| children(program, list)).take(left) {
            // The first of each is the layer's weight.
            own.extend(children(program, tuple).skip(1).take(left));
            left = left.saturating_sub(1 + program.children(tuple).len());
        }
        if left == 0 {
            break;
        }
        // What the layer itself has stays.
        own.retain(|object| !layer.contains(object));
        found.push(Found { wraps: kind.wraps, path: nearest.path(vertex), object: vertex, own });
    }
    found
}

fn children<'p>(program: &'p Program<'_>, vertex: Vertex) -> impl Iterator<Item = Vertex> + use<'p> {
    program.children(vertex).iter().map(|child| child.vertex)
}

/// What some objects lead to, these included, as far as a list, a dictionary or a layer has it: objects below them.
/// Each step takes one of those that are left.
fn within(program: &Program<'_>, starts: impl IntoIterator<Item = Vertex>, left: &mut usize) -> HashSet<Vertex> {
    let mut open: Vec<(Vertex, usize)> = starts.into_iter().map(|vertex| (vertex, 0)).collect();
    let mut seen: HashSet<Vertex> = open.iter().map(|(vertex, _)| *vertex).collect();
    while let Some((vertex, depth)) = open.pop() {
        for child in children(program, vertex).take(*left).filter(|_| depth < LEVELS) {
            *left = left.saturating_sub(1);
            if seen.insert(child) {
                open.push((child, depth + 1));
            }
        }
    }
    seen
}

/// A wrapped layer has its weights at most this many objects below it: `layer.cell.cells.0.kernel`.
const LEVELS: usize = 4;

/// How many steps are gone for each object of a program, all wrappers together: several times what is below those of one layer each.
const STEPS_FOR_EACH: usize = 64;

/// The wrappers by the names of variables.
fn by_names(variables: &Variables<'_>) -> Vec<Wrapper> {
    let named: Vec<(usize, &str, &str)> = variables
        .all()
        .filter_map(|(tensor, _)| Some((tensor, variables.name(tensor).rsplit_once('/')?)))
        .map(|(tensor, (scope, name))| (tensor, scope, name.split(':').next().unwrap_or_default()))
        .collect();
    // Which of these words a scope has, and the shapes of what it calls otherwise.
    let words: HashSet<&str> = WRAPPERS.iter().flat_map(Attributes::words).collect();
    let (mut has, mut weights) = (HashSet::default(), HashSet::default());
    for (tensor, scope, name) in &named {
        let called: Vec<&str> = words.iter().copied().filter(|word| is_called(name, word)).collect();
        if called.is_empty() {
            weights.extend(variables.tensors.get(*tensor).map(|about| (*scope, &about.shape)));
        }
        has.extend(called.into_iter().map(|word| (*scope, word)));
    }
    // A mask of the shape of a weight, and its threshold.
    let mut masked: HashSet<&str> = HashSet::default();
    for (tensor, scope, name) in &named {
        let pairs = WRAPPERS.iter().flat_map(|kind| kind.beside_weights);
        let mut pairs = pairs.filter(|(start, beside)| is_called(name, start) && has.contains(&(*scope, *beside)));
        let shape = variables.tensors.get(*tensor).map(|about| &about.shape).filter(|shape| !shape.is_empty());
        if shape.is_some_and(|shape| weights.contains(&(*scope, shape))) && pairs.next().is_some() {
            masked.insert(scope);
        }
    }
    let mut found: HashMap<(Wraps, &str), BTreeSet<usize>> = HashMap::default();
    for (tensor, scope, name) in &named {
        for kind in &WRAPPERS {
            let mut names = kind.names.iter().filter(|(start, _)| is_called(name, start));
            let mut pairs = kind.beside_weights.iter().flat_map(|(own, beside)| [own, beside]);
            let is_masks = masked.contains(scope) && pairs.any(|word| is_called(name, word));
            if is_masks || names.any(|(_, beside)| has.contains(&(*scope, *beside))) {
                found.entry((kind.wraps, scope)).or_default().insert(*tensor);
            }
        }
    }
    let mut found: Vec<((Wraps, &str), BTreeSet<usize>)> = found.into_iter().collect();
    found.sort();
    let wrapper = |((wraps, name), tensors): ((Wraps, &str), BTreeSet<usize>)| Wrapper {
        wraps,
        name: name.to_owned(),
        tensors,
        object: None,
    };
    found.into_iter().map(wrapper).collect()
}

/// Whether a name is this one, but for what makes it unique; a word that ends with `_` is what it begins with.
fn is_called(name: &str, word: &str) -> bool {
    name.strip_prefix(word).is_some_and(|rest| {
        let is_counter = rest.strip_prefix('_').is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()));
        word.ends_with('_') || rest.is_empty() || is_counter
    })
}

#[cfg(test)]
mod tests {
    use crate::findings::Finding;
    use crate::findings::tests::finding;
    use crate::support::bundle::BundleBuilder;
    use crate::support::graph::{call, function_of, graph_of, object, objects, signature, tracked};
    use crate::support::wire::{Message, message, meta_graph, node, saved_model};

    /// A model of objects, numbered from the root on, that are called by these keys in the checkpoint, `""` for those that are
    /// no variables. A function of the signature has captured all variables. Each has 2,000 bytes.
    fn model(nodes: &[Message], keys: &[&str], names: &[&str]) -> Option<Finding> {
        let captured: Vec<u8> =
            (0_u8..).zip(keys).filter(|(_, key)| !key.is_empty()).map(|(number, _)| number).collect();
        let graph = graph_of(&[node("x", "Placeholder"), call("y", "f", &["x"])], &[function_of("f", &["x"], &[])]);
        let graph = signature(meta_graph(&["serve"], &graph), "serving_default", &["x:0"], &["y:0"]);
        let main = saved_model([&graph.message(7, &objects(nodes, &[("f", &captured)]))]).0;
        let named = keys.iter().zip(names).fold(message(), |graph, (key, name)| {
            let value = message().bytes(1, "VARIABLE_VALUE").bytes(2, name).bytes(3, key);
            graph.message(1, &if key.is_empty() { message() } else { message().message(2, &value) })
        });
        let objects = if names.is_empty() { tracked(keys) } else { named };
        let mut bundle = BundleBuilder::default();
        for (seed, key) in (1_u8..).zip(keys.iter().filter(|key| !key.is_empty())) {
            bundle = bundle.tensor(key, &(0..2000_u32).map(|at| (at % 251) as u8 ^ seed).collect::<Vec<u8>>());
        }
        let files = bundle.string("_CHECKPOINTABLE_OBJECT_GRAPH", &objects.0).files();
        let [(index, index_bytes), (data, data_bytes)] = files;
        finding(super::CAUSE.id, &[("saved_model.pb", &main), (&index, &index_bytes), (&data, &data_bytes)])
    }

    fn user(children: &[(&str, u64)]) -> Message {
        object(4, &message().bytes(1, "_generic_user_object"), children)
    }

    fn variable() -> Message {
        object(7, &message(), &[])
    }

    /// A pruned layer at `dense`: kernel, mask, threshold and step, all of them variables.
    fn pruned(step: &'static str) -> Vec<Message> {
        let wrapper =
            [("layer", 2), ("pruning_vars", 3), ("prunable_weights", 4), ("mask", 7), ("threshold", 8), (step, 9)];
        vec![
            user(&[("dense", 1)]),
            user(&wrapper),
            user(&[("kernel", 6)]),
            user(&[("0", 5)]),
            user(&[("0", 6)]),
            user(&[("0", 6), ("1", 7), ("2", 8)]),
            variable(),
            variable(),
            variable(),
            variable(),
        ]
    }

    const KEYS: [&str; 10] = ["", "", "", "", "", "", "kernel", "mask", "threshold", "step"];

    #[test]
    fn what_a_pruning_wrapper_keeps_goes_and_the_weight_of_its_layer_stays() {
        let found = model(&pruned("pruning_step"), &KEYS, &[]).unwrap();
        assert!(found.evidence[0].starts_with("3 variables of wrapper `dense`: 6"), "{found:?}");
        assert!((6000..7500).contains(&found.bytes), "{found:?}");
    }

    #[test]
    fn a_layer_with_a_mask_of_its_own_is_no_wrapper() {
        assert_eq!(model(&pruned("step"), &KEYS, &[]), None);
    }

    #[test]
    fn masks_of_all_weights_go_where_only_a_list_has_them() {
        // A recurrent layer has two weights, and the second mask has taken the attribute of the first.
        let mut nodes = pruned("pruning_step");
        nodes[3] = user(&[("0", 5), ("1", 10)]);
        nodes.extend([user(&[("0", 11), ("1", 12), ("2", 13)]), variable(), variable(), variable()]);
        let keys = [&KEYS[..], &["", "recurrent", "mask_2", "threshold_2"]].concat();
        let found = model(&nodes, &keys, &[]).unwrap();
        assert!(found.evidence[0].starts_with("5 variables of wrapper `dense`"), "{found:?}");
    }

    #[test]
    fn clusters_of_a_layer_go() {
        let wrapper = user(&[("layer", 2), ("pulling_indices", 3), ("cluster_centroids", 4)]);
        let lists = [user(&[("kernel", 5)]), user(&[("kernel", 6)]), user(&[("kernel", 7)])];
        let nodes = [&[user(&[("dense", 1)]), wrapper], &lists[..], &[variable(), variable(), variable()]].concat();
        let found = model(&nodes, &["", "", "", "", "", "kernel", "indices", "centroids"], &[]).unwrap();
        assert!(found.evidence[0].starts_with("2 variables of wrapper `dense`: 4"), "{found:?}");
    }

    #[test]
    fn the_copy_of_a_weight_normalized_layer_goes_and_its_length_stays() {
        let wrapper = user(&[("layer", 2), ("g", 4), ("_initialized", 5), ("_naked_clone_layer", 3)]);
        let layers = [user(&[("kernel", 6)]), user(&[("kernel", 7)])];
        let variables = [variable(), variable(), variable(), variable()];
        let nodes = [&[user(&[("dense", 1)]), wrapper], &layers[..], &variables].concat();
        let found = model(&nodes, &["", "", "", "", "g", "initialized", "kernel", "copy"], &[]).unwrap();
        assert!(found.evidence[0].starts_with("2 variables of wrapper `dense`: 4"), "{found:?}");
    }

    /// A list of variables of these names.
    fn listed(names: &[&str]) -> Option<Finding> {
        let children: Vec<(String, u64)> = (1..).zip(names).map(|(number, _)| (number.to_string(), number)).collect();
        let children: Vec<(&str, u64)> = children.iter().map(|(name, number)| (&**name, *number)).collect();
        let nodes: Vec<Message> = [user(&children)].into_iter().chain(names.iter().map(|_| variable())).collect();
        let keys: Vec<String> = (0..names.len()).map(|at| format!("variables/{at}")).collect();
        let keys: Vec<&str> = [""].into_iter().chain(keys.iter().map(String::as_str)).collect();
        model(&nodes, &keys, &[&[""], names].concat())
    }

    #[test]
    fn in_a_list_of_variables_the_names_say_what_is_a_wrappers() {
        let found = listed(&["p_dense/mask", "p_dense/threshold", "p_dense/pruning_step", "dense/kernel"]).unwrap();
        assert!(found.evidence[0].starts_with("3 variables of wrapper `p_dense`"), "{found:?}");
        let found = listed(&["c/pulling_indices_kernel:0", "c/cluster_centroids_kernel:0", "c/kernel:0"]).unwrap();
        assert!(found.evidence[0].starts_with("2 variables of wrapper `c`"), "{found:?}");
    }

    #[test]
    fn a_mask_of_the_shape_of_a_weight_and_its_threshold_are_there_for_pruning() {
        let found = listed(&["fc/weights", "fc/mask", "fc/threshold", "conv/mask"]).unwrap();
        assert!(found.evidence[0].starts_with("2 variables of wrapper `fc`"), "{found:?}");
        assert_eq!(listed(&["fc/mask", "fc/threshold", "other/weights"]), None);
    }

    #[test]
    fn a_variable_that_is_called_mask_is_none_without_those_that_a_wrapper_has_beside_it() {
        assert_eq!(listed(&["attention/mask", "attention/kernel", "gate/threshold"]), None);
    }
}
