//! `unserved-variable`: a variable that no signature needs, and functions of the object graph do.
//!
//! `tf.saved_model.save` writes all that the root leads to: a distiller's teacher, a GAN's discriminator, the second tower of
//! a model of which one is served. A Python program can call these, as each has functions; a server calls signatures.
//!
//! What goes with the variables are the objects that lead to none that is served, and all that only these lead to. A module
//! that is made to be loaded by a program is a matter of information: of one for TensorFlow Hub, or one without a signature,
//! the functions of objects are the use.

use std::collections::BTreeSet;

use foldhash::{HashMap, HashSet};

use super::{constant_equals_variable, training_wrapper};
use crate::findings::evidence::{Evidence, Place};
use crate::findings::program::{Program, Vertex};
use crate::findings::remedy::{ARCHIVE_OF_SERVE, FUNCTION_AS_MODULE, SERVE_OF_MODEL};
use crate::findings::removal::{self, Gone};
use crate::findings::variables::{Variables, objects_by_key};
use crate::findings::{Cause, Context, Cure, Detected, ModelKind, Remedy, quoted};
use crate::graph::{EdgeKind, Need, Root, VertexKind};
use crate::identity::TensorId;
use crate::input::layout::HUB_MODULE;
use crate::message::constants::KERAS_OBJECT;
use crate::size::{bytes, plural};

pub(super) const CAUSE: Cause = Cause {
    id: "unserved-variable",
    remedies: &[
        Remedy::of(
            &[ModelKind::TfKeras],
            "Save the function that serves with what it reads, or export the model inside: the student, one tower.",
            SERVE_OF_MODEL,
            "a Python program loads the model and calls the functions that need them.",
        ),
        Remedy::of(
            &[ModelKind::Keras3],
            "Export the function that serves, or the model inside that does: the student, one tower.",
            ARCHIVE_OF_SERVE,
            "a Python program loads the model and calls the functions that need them.",
        ),
        Remedy::any(
            "Export an object that holds only what the signature needs.",
            FUNCTION_AS_MODULE,
            "a Python program loads the model and calls the functions that need them.",
        ),
    ],
    long: include_str!("../../../docs/findings/unserved-variable.md"),
    detect,
    only_information: Some(|context, _| is_for_programs(context)),
    cure: Cure::Serving,
};

/// What a reusable SavedModel of TensorFlow 2 has at its root (tensorflow.org/hub/reusable_saved_models).
const CALL: &[u8] = b"__call__";
const VARIABLES: [&[u8]; 2] = [b"variables", b"trainable_variables"];

fn detect(context: &Context<'_>) -> Option<Detected> {
    let variables = context.variables()?;
    let tensors = unserved(context, variables);
    if tensors.is_empty() {
        return None;
    }
    let mut gone = Gone { tensors, ..Gone::default() };
    let numbers = removal::objects_of(context, &gone.tensors);
    let optimizer = &context.optimizer().objects;
    let (mut held, mut functions) = (Held::default(), 0);
    for program in context.programs() {
        let parts = Parts::new(context, program, variables, &numbers, optimizer);
        functions += parts.needing as u64;
        held.add(program, &parts);
        let went = program.without(|need| parts.ends(need));
        gone.objects.extend(went.numbers().filter_map(|vertex| program.position_of(vertex)));
        let functions = program.functions_among(&went);
        gone.functions.extend(functions.map(|function| (program.meta_graph, function.name.to_vec())));
    }
    let removed = removal::remove(context, &gone);
    let rest = removed.bytes().saturating_sub(removed.data);
    let mut evidence = held.evidence(context, variables, &gone.tensors);
    evidence.add(rest, || ("their functions, nodes, objects and index entries".to_owned(), Place::default()));
    let (count, is_one) = (gone.tensors.len() as u64, gone.tensors.len() == 1);
    let are = plural(count, "variable is", "variables are");
    let need = plural(functions, "function needs", "functions need");
    let message = format!(
        "{are} needed by no signature, {} of data; {need} {} that only a Python program can call.",
        bytes(removed.data),
        if is_one { "it" } else { "them" },
    );
    Some(Detected { message, evidence, claims: removed.claims, beyond: removed.beyond })
}

/// The tensors that something gets a value from, and no signature and nothing that a loader runs.
fn unserved(context: &Context<'_>, variables: &Variables<'_>) -> BTreeSet<usize> {
    let idle = |tensor: &usize| variables.is_bound(*tensor) && !variables.is_called(*tensor);
    let mut tensors: BTreeSet<usize> = variables.all().map(|(tensor, _)| tensor).filter(idle).collect();
    if !tensors.is_empty() {
        // Those of wrappers, of which training reads more than serving does, go with these.
        let wrappers = training_wrapper::tensors(context, variables);
        tensors.retain(|tensor| !wrappers.contains(tensor));
    }
    if !tensors.is_empty() {
        // What serves has their values as constants, which says more of why they are there.
        let frozen = constant_equals_variable::tensors(context, variables);
        tensors.retain(|tensor| !frozen.contains(tensor));
    }
    for graph in context.reach.meta_graphs.iter().flatten() {
        if tensors.is_empty() {
            break;
        }
        let served = graph.served();
        // A tensor's number in every metagraph is its position in the index.
        tensors.retain(|tensor| !served.contains(TensorId::at(*tensor).0));
    }
    tensors
}

/// Whether the functions of objects are what the model is for.
pub(super) fn is_for_programs(context: &Context<'_>) -> bool {
    let mut graphs = context.reach.meta_graphs.iter().flatten();
    let is_called = graphs.any(|graph| graph.roots.iter().any(Root::is_call));
    !is_called || context.model.file(HUB_MODULE).is_some() || context.programs().iter().any(is_reusable)
}

fn is_reusable(program: &Program<'_>) -> bool {
    let Some(root) = program.objects.first().filter(|root| !root.identifier().starts_with(KERAS_OBJECT)) else {
        return false;
    };
    let has = |name: &[u8]| root.children.iter().any(|child| child.name == name);
    has(CALL) && VARIABLES.iter().any(|name| has(name))
}

/// What of a program is there for some variables only.
struct Parts {
    /// The variables' own objects.
    variables: HashSet<Vertex>,
    /// How many functions need one of them.
    needing: usize,
    /// Those that need none that is served.
    functions: HashSet<Vertex>,
    /// The objects that lead to one of them, and to nothing that is served.
    holders: HashSet<Vertex>,
}

impl Parts {
    fn new(
        context: &Context<'_>,
        program: &Program<'_>,
        variables: &Variables<'_>,
        numbers: &BTreeSet<u32>,
        optimizer: &BTreeSet<u32>,
    ) -> Self {
        let numbers = numbers.iter().map(|number| program.vertex_of(*number as usize));
        let own: HashSet<Vertex> = numbers.filter(|vertex| program.object(*vertex).is_some()).collect();
        let is_function = |vertex: Vertex| program.function_at(vertex).is_some();
        let needing = program.leading_to(own.iter().copied(), is_function);
        let served = served(context, program, variables);
        let serving = program.leading_to(served.iter().copied(), is_function);
        let all: HashSet<Vertex> = needing.numbers().filter(|vertex| is_function(*vertex)).collect();
        // A function that needs what is served as well is no part of what they belong to, but of both.
        let functions = all.iter().copied().filter(|function| !serving.contains(*function)).collect();
        let leads = program.leading_to(own.iter().copied(), |_| true);
        let serves = program.leading_to(served, |vertex| !all.contains(&vertex));
        let is_holder = |vertex: &Vertex| leads.contains(*vertex) && !serves.contains(*vertex) && !own.contains(vertex);
        let optimizer: HashSet<Vertex> = optimizer.iter().map(|number| program.vertex_of(*number as usize)).collect();
        // The root is none: it stays.
        let objects = program.objects().skip(1).map(|(vertex, _)| vertex);
        let holders = objects.filter(is_holder).filter(|vertex| !optimizer.contains(vertex)).collect();
        Self { variables: own, needing: all.len(), functions, holders }
    }

    /// Whether a need is one that the remedy ends.
    fn ends(&self, need: &Need) -> bool {
        match need.kind {
            EdgeKind::Holds => self.variables.contains(&need.to) || self.holders.contains(&need.to),
            EdgeKind::Trace => self.functions.contains(&need.to),
            _ => false,
        }
    }
}

/// The variables and functions that are served.
fn served(context: &Context<'_>, program: &Program<'_>, variables: &Variables<'_>) -> Vec<Vertex> {
    let called = variables.all().map(|(tensor, _)| tensor).filter(|tensor| variables.is_called(*tensor)).collect();
    let objects = removal::objects_of(context, &called).into_iter().map(|number| program.vertex_of(number as usize));
    let mut served: Vec<Vertex> = objects.collect();
    if let Some(graph) = context.reach.meta_graphs.get(program.meta_graph).and_then(Option::as_ref) {
        let reached = graph.served();
        let vertices = reached.numbers().filter_map(|number| graph.vertex(number));
        let functions = vertices.filter(|vertex| vertex.kind == VertexKind::Function);
        let ends: HashSet<usize> = functions.map(|vertex| vertex.span.end).collect();
        let of_program = program.functions().filter(|(_, function)| ends.contains(&function.range().end));
        served.extend(of_program.map(|(number, _)| number));
    }
    served
}

/// Which object each variable is listed under: the one nearest to the root that holds nothing which is served.
#[derive(Default)]
struct Held {
    /// The objects by their paths.
    holders: Vec<String>,
    /// For the number of a variable's object the position of its holder.
    of: HashMap<u32, usize>,
}

impl Held {
    fn add(&mut self, program: &Program<'_>, parts: &Parts) {
        let nearest = program.nearest_first();
        // What a holder leads to is listed under it, and not under another one that is in it: each object is met once.
        let mut seen: HashSet<Vertex> = HashSet::default();
        for holder in nearest.order.iter().copied().filter(|vertex| parts.holders.contains(vertex)) {
            let mut open = vec![holder];
            let before = self.of.len();
            while let Some(vertex) = open.pop() {
                if !seen.insert(vertex) {
                    continue;
                }
                if parts.variables.contains(&vertex) {
                    let number = program.position_of(vertex);
                    self.of.extend(number.map(|number| (number, self.holders.len())));
                }
                open.extend(program.children(vertex).iter().map(|child| child.vertex));
            }
            if self.of.len() > before {
                self.holders.push(nearest.path(holder));
            }
        }
    }

    /// A line for each holder, and one for each variable that has none.
    fn evidence(&self, context: &Context<'_>, variables: &Variables<'_>, tensors: &BTreeSet<usize>) -> Evidence {
        let objects = objects_by_key(context);
        let mut sums = vec![(0_u64, 0_u64); self.holders.len()];
        let mut evidence = Evidence::default();
        for tensor in tensors.iter().copied() {
            let bytes = context.data_bytes(tensor);
            let object = variables.tensors.get(tensor).and_then(|tensor| objects.get(&*tensor.key));
            match object.and_then(|object| self.of.get(object)).and_then(|holder| sums.get_mut(*holder)) {
                Some((count, sum)) => (*count, *sum) = (count.saturating_add(1), sum.saturating_add(bytes)),
                None => evidence.add(bytes, || (variables.label(tensor), Place::of_tensor(context, tensor))),
            }
        }
        for (holder, (count, bytes)) in self.holders.iter().zip(sums) {
            let what = || format!("{} in {}", plural(count, "variable", "variables"), quoted(holder));
            evidence.add(bytes, || (what(), Place::default()));
        }
        evidence
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::findings::Finding;
    use crate::findings::tests::{bytes_of, report};
    use crate::message::number::saved_object::{FUNCTION, USER_OBJECT as USER, VARIABLE};
    use crate::report::ModelReport;
    use crate::support::bundle::BundleBuilder;
    use crate::support::graph::{call, function_of, graph_of, object, objects, signature, tracked};
    use crate::support::wire::{Message, message, meta_graph, node, saved_model};

    /// A model of objects, numbered from the root on, whose signature calls `f`, and of functions with the objects that each
    /// has captured. Those with a key are variables of 2,000 bytes each.
    #[derive(Default)]
    struct Saved {
        objects: Vec<Message>,
        keys: Vec<&'static str>,
        functions: Vec<(&'static str, Vec<u8>)>,
        calls: Vec<(&'static str, &'static str)>,
        is_signed: bool,
        files: Vec<&'static str>,
    }

    impl Saved {
        fn report(&self) -> ModelReport {
            let body = |name: &str| {
                let calls = self.calls.iter().filter(|(from, _)| *from == name);
                calls.map(|(_, to)| call(&format!("call_{to}"), to, &[])).collect::<Vec<_>>()
            };
            let functions: Vec<Message> =
                self.functions.iter().map(|(name, _)| function_of(name, &["x"], &body(name))).collect();
            let graph = graph_of(&[node("x", "Placeholder"), call("y", "f", &["x"])], &functions);
            let graph = meta_graph(&["serve"], &graph);
            let graph = if self.is_signed { signature(graph, "serving_default", &["x:0"], &["y:0"]) } else { graph };
            let concrete: Vec<(&str, &[u8])> = self.functions.iter().map(|(name, bound)| (*name, &**bound)).collect();
            let main = saved_model([&graph.message(7, &objects(&self.objects, &concrete))]).0;
            let mut bundle = BundleBuilder::default();
            for (seed, key) in (1_u8..).zip(self.keys.iter().filter(|key| !key.is_empty())) {
                bundle = bundle.tensor(key, &(0..2000_u32).map(|at| (at % 251) as u8 ^ seed).collect::<Vec<u8>>());
            }
            let files = bundle.string("_CHECKPOINTABLE_OBJECT_GRAPH", &tracked(&self.keys).0).files();
            let [(index, index_bytes), (data, data_bytes)] = files;
            let mut files: Vec<(&str, &[u8])> =
                vec![("saved_model.pb", &main), (&index, &index_bytes), (&data, &data_bytes)];
            files.extend(self.files.iter().map(|name| (*name, &b""[..])));
            report(&files)
        }

        fn finding(&self) -> Option<Finding> {
            self.report().findings.into_iter().find(|finding| finding.id == super::CAUSE.id)
        }
    }

    fn user(children: &[(&str, u64)]) -> Message {
        object(USER, &message().bytes(1, "_generic_user_object"), children)
    }

    fn function(name: &str) -> Message {
        object(FUNCTION, &message().bytes(1, name), &[])
    }

    fn variable() -> Message {
        object(VARIABLE, &message(), &[])
    }

    /// A student that `f` calls, and a teacher that `teach` calls, each with a variable; the teacher has a list beside it.
    fn distiller() -> Saved {
        Saved {
            objects: vec![
                user(&[("student", 1), ("teacher", 2), ("serve", 3), ("teach", 4)]),
                user(&[("w", 5)]),
                user(&[("layers", 7)]),
                function("f"),
                function("teach"),
                variable(),
                variable(),
                user(&[("0", 6)]),
            ],
            keys: vec!["", "", "", "", "", "student/w", "teacher/w", ""],
            functions: vec![("f", vec![5]), ("teach", vec![6])],
            is_signed: true,
            ..Saved::default()
        }
    }

    #[test]
    fn what_only_python_functions_need_goes_with_its_object_and_its_functions() {
        let found = distiller().finding().unwrap();
        assert_eq!(bytes_of(&found, "1 variable in `teacher`"), Some("2,000 bytes"), "{found:?}");
        assert!((2050..2500).contains(&found.bytes), "{found:?}");
    }

    #[test]
    fn a_variable_that_the_signature_needs_through_another_function_is_served() {
        let mut model = distiller();
        model.calls = vec![("f", "teach")];
        assert_eq!(model.finding(), None);
    }

    #[test]
    fn a_function_of_both_stays_and_the_variable_goes() {
        let mut model = distiller();
        model.functions[1].1 = vec![5, 6];
        let found = model.finding().unwrap();
        assert_eq!(bytes_of(&found, "1 variable in `teacher`"), Some("2,000 bytes"), "{found:?}");
        assert!(found.message.contains("1 function needs it"), "{found:?}");
    }

    #[test]
    fn of_a_model_without_a_signature_its_functions_are_the_use() {
        let model = Saved { is_signed: false, ..distiller() };
        assert_eq!(model.finding(), None);
    }

    #[test]
    fn modules_for_tensorflow_hub_are_there_for_programs() {
        let model = Saved { files: vec!["tfhub_module.pb"], ..distiller() };
        assert_eq!(model.finding(), None);
        let noted = model.report().information.into_iter().find(|noted| noted.id == super::CAUSE.id).unwrap();
        assert!(noted.bytes > 2000, "{noted:?}");
        let mut reusable = distiller();
        reusable.objects[0] = user(&[("__call__", 4), ("trainable_variables", 7), ("student", 1), ("serve", 3)]);
        assert_eq!(reusable.finding(), None);
    }

    proptest! {
        #[test]
        fn nothing_is_unserved_where_the_signature_needs_every_variable(towers in 1..8_usize, extra in 0..4_usize) {
            // Towers of one variable each, all of which `f` has captured; further functions have captured some again.
            let count = towers as u64;
            let children: Vec<(String, u64)> = (1..=count).map(|at| (format!("tower_{at}"), at)).collect();
            let children: Vec<(&str, u64)> = children.iter().map(|(name, at)| (&**name, *at)).collect();
            let root = user(&[&children[..], &[("serve", 2 * count + 1), ("other", 2 * count + 2)]].concat());
            let of_tower = (1..=count).map(|at| user(&[("w", count + at)]));
            let variables = (0..towers).map(|_| variable());
            let objects = [root].into_iter().chain(of_tower).chain(variables).chain([function("f"), function("other")]);
            let all: Vec<u8> = (count + 1..=2 * count).map(|number| u8::try_from(number).unwrap()).collect();
            let keys = ["a", "b", "c", "d", "e", "f", "g", "h"];
            let keys = [&vec![""; towers + 1][..], &keys[..towers], &["", ""]].concat();
            let other = all.iter().copied().take(extra).collect();
            let functions = vec![("f", all), ("other", other)];
            let model = Saved { objects: objects.collect(), keys, functions, is_signed: true, ..Saved::default() };
            prop_assert_eq!(model.finding(), None);
        }
    }
}
