//! `load-save-wrappers`: functions that do nothing but call another, one more for each time a model was loaded and saved.
//!
//! A loaded function is Python code again, so saving what calls it traces it, under the name that TensorFlow's loader
//! gives it (`tensorflow/python/saved_model/function_deserialization.py`, `restored_function_body`), and the loaded
//! object keeps the signatures that it came with.

use foldhash::{HashMap, HashSet};

use crate::findings::claims::Claims;
use crate::findings::evidence::{Evidence, Place};
use crate::findings::nodes::Function;
use crate::findings::program::{Object, Program, Vertex};
use crate::findings::{Cause, Context, Cure, Detected, Remedy, quoted};
use crate::graph::VertexSet;
use crate::message::{Input, is_data, ops};
use crate::size::{bytes, plural};

pub(super) const CAUSE: Cause = Cause {
    id: "load-save-wrappers",
    remedies: &[Remedy::any(
        "Build the model from its source, restore its weights, and save that instead of a loaded SavedModel.",
        "",
        "the source of the loaded model is not to be had.",
    )],
    long: include_str!("../../../docs/findings/load-save-wrappers.md"),
    detect,
    only_information: None,
    cure: Cure::Wrappers,
};

/// What TensorFlow's loader calls a loaded function.
const RESTORED: &[u8] = b"restored_function_body";

/// What it calls the function that a signature is (`tensorflow/python/saved_model/signature_serialization.py`).
const SIGNATURE_WRAPPER: &[u8] = b"signature_wrapper";

/// The identifier of the object that holds signatures (`tensorflow/python/saved_model/signature_serialization.py`).
const SIGNATURE_MAP: &[u8] = b"signature_map";

fn detect(context: &Context<'_>) -> Option<Detected> {
    let (mut claims, mut evidence, mut restored) = (Claims::default(), Evidence::default(), 0_u64);
    for program in context.programs() {
        let Some((gone, loads)) = wrappers(program) else { continue };
        restored += loads;
        for function in program.functions_among(&gone) {
            let bytes = context.cost(&function.range());
            evidence.add(bytes, || (format!("function {}", quoted(function.name)), Place::of_function(function)));
        }
        program.claim(context, &gone, &mut claims);
    }
    let functions = plural(evidence.count(), "function only hands", "functions only hand");
    let restored = plural(restored, "trace of a loaded function", "traces of loaded functions");
    let size = bytes(claims.bytes());
    (!evidence.is_empty()).then(|| Detected {
        message: format!("{functions} arguments on, among them {restored}, {size}."),
        evidence,
        claims,
        beyond: 0,
    })
}

/// What a re-export from source would not have; and how many traces of loaded functions there are. `None` without any.
fn wrappers(program: &Program<'_>) -> Option<(VertexSet, u64)> {
    let named = |part: &'static [u8]| {
        let functions = program.functions().filter(move |(_, function)| contains(function.name, part));
        functions.map(|(number, _)| number).collect::<Vec<Vertex>>()
    };
    let signatures = named(SIGNATURE_WRAPPER);
    // The wrapper of a signature is named after what it calls (`signature_wrapper_restored_function_body`), and each
    // signature has one.
    let is_signature: HashSet<Vertex> = signatures.iter().copied().collect();
    let restored: Vec<Vertex> =
        named(RESTORED).into_iter().filter(|function| !is_signature.contains(function)).collect();
    if restored.is_empty() && signatures.len() < 2 {
        return None;
    }
    let callee = |function: Vertex| program.function_at(function).and_then(|of| hands_on(program, of));
    let hands_on = |function: Vertex| callee(function).is_some();
    let mut gone = program.nothing();
    let mut loads = 0;
    for function in restored {
        let Some(callee) = callee(function) else { continue };
        loads += 1;
        gone.insert(function);
        // The loaded function, where all it did was to hand on: who calls it can do the same.
        if hands_on(callee) {
            gone.insert(callee);
        }
    }
    // A signature that was loaded, and saved as one again, has a wrapper more.
    for function in signatures {
        let again = callee(function).filter(|callee| is_signature.contains(callee) && hands_on(*callee));
        if let Some(callee) = again.filter(|callee| *callee != function) {
            loads += 1;
            gone.insert(callee);
        }
    }
    if loads == 0 {
        return None;
    }
    let maps = loaded_signatures(program, hands_on, &mut gone);
    function_objects(program, &mut gone);
    loaded_objects(program, &maps, &mut gone);
    Some((gone, loads))
}

/// Marks the signatures that loaded objects came with, and returns the objects that hold them.
fn loaded_signatures(
    program: &Program<'_>,
    hands_on: impl Fn(Vertex) -> bool,
    gone: &mut VertexSet,
) -> HashSet<Vertex> {
    let root = program.objects.first().map_or(&[][..], |root| &root.children);
    let own: HashSet<Vertex> = root.iter().map(|child| child.vertex).collect();
    let maps = program.objects();
    let maps = maps.filter(|(vertex, object)| object.identifier() == SIGNATURE_MAP && !own.contains(vertex));
    let mut held = HashSet::default();
    for (vertex, map) in maps {
        gone.insert(vertex);
        held.insert(vertex);
        let signatures = map.children.iter().filter_map(|child| program.object(child.vertex));
        let wrappers = signatures.filter_map(|signature| program.bare_function(signature));
        wrappers.filter(|wrapper| hands_on(*wrapper)).for_each(|wrapper| _ = gone.insert(wrapper));
    }
    held
}

/// Marks the function objects of whose traces none is left, and those traces as objects.
fn function_objects(program: &Program<'_>, gone: &mut VertexSet) {
    for (vertex, object) in program.objects() {
        let mut traces = program.traces(object).chain(program.bare_function(object)).peekable();
        if traces.peek().is_some() && traces.all(|trace| gone.contains(trace)) {
            gone.insert(vertex);
        }
    }
}

/// Marks the loaded objects of which no function is left, and what is empty and only theirs.
fn loaded_objects(program: &Program<'_>, signatures: &HashSet<Vertex>, gone: &mut VertexSet) {
    let mut holders: HashMap<Vertex, u32> = HashMap::default();
    for child in program.objects.iter().flat_map(|object| &object.children) {
        let holders = holders.entry(child.vertex).or_default();
        *holders = holders.saturating_add(1);
    }
    for (vertex, object) in program.objects().skip(1) {
        let is_function = |vertex: Vertex| program.object(vertex).is_some_and(Object::is_function);
        let was_loaded = object.children.iter().any(|child| signatures.contains(&child.vertex));
        let mut functions = object.children.iter().filter(|child| is_function(child.vertex)).peekable();
        if was_loaded && functions.peek().is_some() && functions.all(|child| gone.contains(child.vertex)) {
            gone.insert(vertex);
            let is_own = |vertex: Vertex| holders.get(&vertex) == Some(&1);
            let is_empty = |vertex: Vertex| program.object(vertex).is_some_and(Object::is_empty);
            let children = object.children.iter().map(|child| child.vertex);
            children.filter(|child| is_own(*child) && is_empty(*child)).for_each(|child| _ = gone.insert(child));
        }
    }
}

/// The function that a function only hands its arguments on to.
fn hands_on(program: &Program<'_>, function: &Function<'_>) -> Option<Vertex> {
    let mut callee = None;
    for node in function.nodes() {
        if [ops::IDENTITY, ops::IDENTITY_N, ops::GROUP].contains(&node.op()) {
            continue;
        }
        let mut first = None;
        if let Some(value) = node.attribute(b"f") {
            value.functions(&mut |name| first = first.or(Some(name)));
        }
        let named = first.and_then(|name| program.function(name));
        let called = named.or_else(|| program.function(node.op()))?;
        // An argument goes by its name alone, what a node gives by `node:output:0`.
        let only_arguments = node.inputs().all(|input| !is_data(input) || Input::parse(input).port.is_empty());
        if callee.replace(called).is_some() || !only_arguments {
            return None;
        }
    }
    callee
}

fn contains(name: &[u8], part: &[u8]) -> bool {
    name.windows(part.len()).any(|window| window == part)
}

#[cfg(test)]
mod tests {
    use crate::findings::tests::found;
    use crate::support::graph::{call, function_of, graph_of, object};
    use crate::support::wire::{Message, message, node};

    /// A function that hands its argument on, large enough to be reported.
    fn wrapper(name: &str, callee: &str) -> Message {
        let long = "n".repeat(1100);
        function_of(
            name,
            &["x"],
            &[call(&long, callee, &["x"]), node("Identity", "Identity").bytes(3, format!("{long}:output:0"))],
        )
    }

    fn body(name: &str) -> Message {
        function_of(name, &["x"], &[node(&"n".repeat(1100), "Mul").bytes(3, "x")])
    }

    fn model(functions: &[Message]) -> Message {
        message().message(2, &graph_of(&[call("call", "f", &["x"])], functions))
    }

    fn names(functions: &[Message]) -> Vec<String> {
        let found = found(&model(functions), super::CAUSE.id);
        let mut names: Vec<String> = found.map(|found| found.evidence).unwrap_or_default();
        names.iter_mut().for_each(|line| *line = line.split('`').nth(1).unwrap_or_default().to_owned());
        names.sort();
        names
    }

    #[test]
    fn each_load_is_a_trace_of_the_loaded_function_and_the_wrapper_that_it_calls() {
        let twice = [
            wrapper("f", "restored_function_body_2"),
            wrapper("restored_function_body_2", "f_1"),
            wrapper("f_1", "restored_function_body_1"),
            wrapper("restored_function_body_1", "f_0"),
            wrapper("f_0", "inner"),
            body("inner"),
        ];
        assert_eq!(names(&twice), ["f_0", "f_1", "restored_function_body_1", "restored_function_body_2"]);
    }

    #[test]
    fn a_loaded_function_that_computes_something_stays() {
        let once = [wrapper("f", "restored_function_body_1"), wrapper("restored_function_body_1", "g"), body("g")];
        assert_eq!(names(&once), ["restored_function_body_1"]);
    }

    #[test]
    fn wrappers_in_the_source_and_bodies_that_compute_are_no_cause() {
        assert_eq!(names(&[wrapper("f", "g"), wrapper("g", "h"), body("h")]), [""; 0]);
        assert_eq!(names(&[wrapper("f", "restored_function_body_1"), body("restored_function_body_1")]), [""; 0]);
    }

    #[test]
    fn a_signature_that_was_loaded_and_saved_again_is_a_wrapper_more_each_time() {
        let thrice = [
            wrapper("f", "signature_wrapper_3"),
            wrapper("signature_wrapper_3", "signature_wrapper_2"),
            wrapper("signature_wrapper_2", "signature_wrapper_1"),
            wrapper("signature_wrapper_1", "g"),
            body("g"),
        ];
        assert_eq!(names(&thrice), ["signature_wrapper_1", "signature_wrapper_2"]);
        // Each signature of a model has a wrapper, and two may call one function.
        let two = [wrapper("signature_wrapper_a", "g"), wrapper("signature_wrapper_b", "g"), body("g")];
        assert_eq!(names(&two), [""; 0]);
    }

    #[test]
    fn the_wrapper_of_a_signature_is_none_of_a_load_though_it_is_named_after_one() {
        let saved_again = [
            wrapper("f", "signature_wrapper_restored_function_body_2"),
            wrapper("signature_wrapper_restored_function_body_2", "restored_function_body_1"),
            wrapper("restored_function_body_1", "g"),
            body("g"),
        ];
        assert_eq!(names(&saved_again), ["restored_function_body_1"]);
    }

    #[test]
    fn the_signatures_of_a_loaded_object_go_and_those_of_the_model_stay() {
        let user = |identifier: &str, children: &[(&str, u64)]| object(4, &message().bytes(1, identifier), children);
        let bare = |name: &str| object(8, &message().bytes(1, name), &[]);
        let objects = [
            user("_generic_user_object", &[("inner", 1), ("signatures", 2)]),
            user("_generic_user_object", &[("signatures", 3)]),
            user("signature_map", &[("serving_default", 4)]),
            user("signature_map", &[("serving_default", 5)]),
            bare("own_wrapper"),
            bare("loaded_wrapper"),
        ];
        let functions = [
            wrapper("restored_function_body_1", "g"),
            body("g"),
            wrapper("own_wrapper", "restored_function_body_1"),
            wrapper("loaded_wrapper", "g"),
        ];
        let model = model(&functions).message(7, &message().messages(1, &objects));
        let found = found(&model, super::CAUSE.id).unwrap();
        let told = found.evidence.concat();
        assert!(told.contains("`loaded_wrapper`") && !told.contains("`own_wrapper`"), "{told}");
    }
}
