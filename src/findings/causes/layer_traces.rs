//! `layer-traces`: the call functions of every Keras layer, saved beside the signature that serves.
//!
//! Keras 2 saves what each layer does in a call, with `training` on and off and with and without its losses, so that a program
//! can load and train the model without the classes of its layers (`keras/saving/legacy/saved_model/save_impl.py`). All
//! that it adds to an object hangs from the attribute `keras_api` as well (`serialized_attributes.py`).
//!
//! What `tf.saved_model.load` makes of such a model has all of this still and is no longer called Keras's: saved in another
//! model, as a layer around it, its objects are of no class.

use foldhash::{HashMap, HashSet};

use super::metadata_array;
use crate::findings::claims::Claims;
use crate::findings::evidence::{Evidence, Place};
use crate::findings::kind::ModelKind::TfKeras;
use crate::findings::program::{Program, Vertex};
use crate::findings::remedy::{FUNCTION_AS_MODULE, MODEL_AS_MODULE};
use crate::findings::{Cause, Context, Cure, Detected, Remedy, quoted};
use crate::graph::{EdgeKind, Need};
use crate::message::constants::KERAS_OBJECT;
use crate::size::{bytes, exact, plural};

pub(super) const CAUSE: Cause = Cause {
    id: "layer-traces",
    remedies: REMEDIES,
    long: include_str!("../../../docs/findings/layer-traces.md"),
    detect,
    only_information: None,
    cure: Cure::Serving,
};

const UNLESS: &str =
    "a program loads the model to train it, or to call its layers, and does not have the code of its classes.";

const REMEDIES: &[Remedy] = &[
    Remedy::of(
        &[TfKeras],
        "Save a module that holds only what the model reads when it serves.",
        MODEL_AS_MODULE,
        UNLESS,
    )
    .only(|model| model.is_mixed && !model.has_tables),
    Remedy::of(
        &[TfKeras],
        "Export what serves, without the calls of each layer.",
        r#"model.export("exported")"#,
        UNLESS,
    ),
    Remedy::any(
        "Save a module that holds only what the function which serves reads, and no layers.",
        FUNCTION_AS_MODULE,
        UNLESS,
    ),
];

/// The attribute by which Keras holds what it saved of an object.
const KERAS_API: &[u8] = b"keras_api";

fn detect(context: &Context<'_>) -> Option<Detected> {
    let (mut claims, mut evidence, mut objects) = (Claims::default(), Evidence::default(), 0);
    for program in context.programs().iter().filter(|program| context.is_served(program.meta_graph)) {
        let saved = saved_by_keras(program);
        if saved.is_empty() {
            continue;
        }
        let gone = program.without(|need| is_saved(&saved, need));
        let before = evidence.count();
        for function in program.functions_among(&gone) {
            let bytes = context.cost(&function.range());
            evidence.add(bytes, || (format!("function {}", quoted(function.name)), Place::of_function(function)));
        }
        if evidence.count() > before {
            objects += saved.iter().map(|(from, _)| from).collect::<HashSet<_>>().len() as u64;
            program.claim(context, &gone, &mut claims);
        }
    }
    let functions = evidence.count();
    // What tells Keras of the layers goes with them in all remedies; arrays in it have a cause of their own.
    if let Some((name, metadata)) = context.keras_metadata().filter(|_| !evidence.is_empty()) {
        let before = claims.bytes();
        claims.add_rest(name, 0..metadata.len() as u64, &metadata_array::beside_main(context));
        let size = claims.bytes().saturating_sub(before);
        evidence.add(size, || (format!("{}, which an export does not write", quoted(name)), Place::of_file(name)));
    }
    let (functions, objects) = (exact(functions), plural(objects, "Keras object has", "Keras objects have"));
    let size = bytes(claims.bytes());
    (!evidence.is_empty()).then(|| Detected {
        message: format!("{objects} what they compute saved in {functions} functions that no signature needs, {size}."),
        evidence,
        claims,
        beyond: 0,
    })
}

/// The lists that Keras adds to each layer and model (`CommonEndpoints` in `serialized_attributes.py`).
const LISTS: [&[u8]; 3] = [b"variables", b"trainable_variables", b"regularization_losses"];

/// Whether an object needs another one only by an attribute that Keras added.
pub(super) fn is_saved(saved: &HashSet<(Vertex, Vertex)>, need: &Need) -> bool {
    need.kind == EdgeKind::Holds && need.from.is_some_and(|from| saved.contains(&(from, need.to)))
}

/// What an attribute of Keras holds.
type Held<'a> = HashSet<(&'a [u8], Vertex)>;

/// The attributes that Keras added to objects: the object, and what it holds.
pub(super) fn saved_by_keras(program: &Program<'_>) -> HashSet<(Vertex, Vertex)> {
    let mut saved = HashSet::default();
    // What an attribute holds, and whether that is what was loaded: once for each, as very many objects may be given one.
    let mut held_by: HashMap<Vertex, (Held<'_>, bool)> = HashMap::default();
    for (vertex, object) in program.objects() {
        let Some(api) = object.children.iter().find(|child| child.name == KERAS_API) else { continue };
        let (held, was_loaded) = held_by.entry(api.vertex).or_insert_with(|| {
            let held = program.children(api.vertex).iter().map(|child| (child.name, child.vertex));
            let held: Held<'_> = held.collect();
            let was_loaded = LISTS.iter().all(|list| held.iter().any(|(name, _)| name == list));
            (held, was_loaded)
        });
        if !object.identifier().starts_with(KERAS_OBJECT) && !*was_loaded {
            continue;
        }
        let of_keras = object.children.iter().filter(|child| held.contains(&(child.name, child.vertex)));
        saved.extend(of_keras.chain([api]).map(|child| (vertex, child.vertex)));
    }
    saved
}

#[cfg(test)]
mod tests {
    use crate::findings::tests::found;
    use crate::message::number::saved_object::{FUNCTION, USER_OBJECT as USER};
    use crate::support::graph::{call, function_of, graph_of, object, objects, signature};
    use crate::support::wire::{Message, message, node};

    fn user(identifier: &str, children: &[(&str, u64)]) -> Message {
        object(USER, &message().bytes(1, identifier), children)
    }

    fn traced(function: &str) -> Message {
        object(FUNCTION, &message().bytes(1, function), &[])
    }

    /// A function that is large enough to be reported.
    fn large(name: &str) -> Message {
        function_of(name, &[], &[node(&"n".repeat(1000), "Mul")])
    }

    /// A layer of this identifier with a function that Keras made, `layer`, which calls `inner`, and one of its own, `own`; the
    /// graph calls `served`.
    fn model(identifier: &str, served: &str) -> Message {
        let layer = function_of("layer", &[], &[call(&"c".repeat(1000), "inner", &[])]);
        let functions = [large("own"), large("inner"), large("other"), layer];
        let held = [("call_and_return_conditional_losses", 2)];
        let root = [("keras_api", 1), held[0], ("own", 3)];
        let nodes = [user(identifier, &root), user("_generic_user_object", &held), traced("layer"), traced("own")];
        let graph = graph_of(&[call("serving", served, &[])], &functions);
        let graph = message().message(2, &graph).message(7, &objects(&nodes, &[("layer", b""), ("own", b"")]));
        signature(graph, "serving_default", &[], &["serving"])
    }

    #[test]
    fn what_keras_saved_of_a_layer_goes_with_all_that_only_it_calls() {
        let found = found(&model("_tf_keras_layer", "other"), super::CAUSE.id).unwrap();
        assert_eq!(found.evidence.len(), 2, "{found:?}");
        assert!(found.evidence[0].starts_with("function `layer`") && found.evidence[1].starts_with("function `inner`"));
        // The two functions, and in the object graph less than one of them.
        assert!((2000..3000).contains(&found.bytes), "{found:?}");
    }

    #[test]
    fn what_the_signature_calls_as_well_stays() {
        let served = found(&model("_tf_keras_layer", "inner"), super::CAUSE.id).unwrap();
        assert_eq!(served.evidence.len(), 1, "{served:?}");
        assert_eq!(found(&model("_tf_keras_layer", "layer"), super::CAUSE.id), None);
    }

    #[test]
    fn without_a_signature_functions_of_objects_are_all_the_use_there_is() {
        let graph = graph_of(&[], &[large("layer")]);
        let held = [("call_and_return_conditional_losses", 2)];
        let root = [("keras_api", 1), held[0]];
        let nodes = [user("_tf_keras_layer", &root), user("_generic_user_object", &held), traced("layer")];
        let model = message().message(2, &graph).message(7, &objects(&nodes, &[]));
        assert!(found(&signature(model.clone(), "serving_default", &[], &[]), super::CAUSE.id).is_some());
        assert_eq!(found(&model, super::CAUSE.id), None);
        assert_eq!(found(&signature(model, "__saved_model_init_op", &[], &[]), super::CAUSE.id), None);
    }

    #[test]
    fn functions_of_an_object_that_is_not_kerass_are_not_taken() {
        assert_eq!(found(&model("_generic_user_object", "other"), super::CAUSE.id), None);
    }

    #[test]
    fn a_layer_that_was_loaded_from_a_saved_model_has_lost_its_class_and_kept_its_functions() {
        let model = |lists: [&str; 3]| {
            let held = [("__call__", 2), (lists[0], 3), (lists[1], 3), (lists[2], 3)];
            let loaded = [[("keras_api", 1)].as_slice(), held.as_slice()].concat();
            let list = user("trackable_list_wrapper", &[]);
            let nodes =
                [user("_generic_user_object", &loaded), user("_generic_user_object", &held), traced("layer"), list];
            let graph = graph_of(&[call("serving", "other", &[])], &[large("layer"), large("other")]);
            let graph = message().message(2, &graph).message(7, &objects(&nodes, &[("layer", b"")]));
            signature(graph, "serving_default", &[], &["serving"])
        };
        let found_in = found(&model(["variables", "trainable_variables", "regularization_losses"]), super::CAUSE.id);
        assert!(found_in.unwrap().evidence[0].starts_with("function `layer`"));
        assert_eq!(found(&model(["variables", "trainable_variables", "losses"]), super::CAUSE.id), None);
    }

    #[test]
    fn a_function_that_stands_in_for_one_that_is_called_stays() {
        let api = |function: Message| function.entry(5, "api_implements", &message().bytes(2, "lstm"));
        let build = |of_inner: Message| {
            let layer = function_of("layer", &[], &[call(&"c".repeat(1000), "gpu", &[])]);
            let functions = [api(of_inner), api(large("gpu")), large("cpu"), layer];
            let held = [("call_and_return_conditional_losses", 2)];
            let root = [("keras_api", 1), held[0]];
            let nodes = [user("_tf_keras_layer", &root), user("_generic_user_object", &held), traced("layer")];
            let graph = graph_of(&[call("serving", "cpu", &[]), call("again", "in_use", &[])], &functions);
            let graph = message().message(2, &graph).message(7, &objects(&nodes, &[]));
            signature(graph, "serving_default", &[], &["serving"])
        };
        let evidence = |model| found(&model, super::CAUSE.id).unwrap().evidence.len();
        assert_eq!(evidence(build(large("in_use"))), 1);
        // Neither is needed any more.
        assert_eq!(evidence(build(large("not_in_use"))), 3);
    }
}
