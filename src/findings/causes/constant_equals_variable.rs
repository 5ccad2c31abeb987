//! `constant-equals-variable`: weights frozen into constants, while the variables that they were are saved as well.
//!
//! `convert_variables_to_constants_v2` gives a function without variables. Saved as a signature of the module that it was
//! made from, it brings that module's variables, and the functions that use them, along. Where signatures use both, a graph
//! that was frozen and imported beside its own variables or an array of their values in a function, it is the constant that
//! could be the variable.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use foldhash::HashSet;

use crate::duplicates::{Group, Member, Place};
use crate::findings::causes::equal_variables::is_one_value;
use crate::findings::constants::Use;
use crate::findings::evidence::Place as Where;
use crate::findings::objects;
use crate::findings::removal::{self, Gone};
use crate::findings::variables::Variables;
use crate::findings::{Cause, Context, Cure, Detected, Remedy, quoted};
use crate::graph::{EdgeKind, MetaGraphReach, VertexKind};
use crate::identity::TensorId;
use crate::message::number::meta_graph_def::OBJECT_GRAPH_DEF;
use crate::message::number::saved_object_graph;
use crate::message::{Entry, NodeDef, ops};
use crate::size::{bytes, plural};
use crate::wire::fields;

pub(super) const CAUSE: Cause = Cause {
    id: "constant-equals-variable",
    remedies: REMEDIES,
    long: include_str!("../../../docs/findings/constant-equals-variable.md"),
    detect,
    only_information: None,
    cure: Cure::Frozen,
};

const REMEDIES: &[Remedy] = &[Remedy::any(
    "Save the frozen function with an empty module, or read the variables where the constants are.",
    r#"tf.saved_model.save(tf.Module(), "exported", signatures=frozen)"#,
    "a program that loads the model also calls the functions that use the variables.",
)];

/// Smaller contents are not compared (`--min-duplicate`), so a frozen bias cannot be told from any other: where larger
/// variables are frozen, those of less than this that no signature needs are taken for frozen as well.
const TELLING: u64 = 1 << 10;

/// The variables that signatures use as constants, with the constant of each, and those that may be: they are too small to
/// be compared.
struct Frozen<'c> {
    constants: BTreeMap<usize, &'c Member>,
    small: BTreeSet<usize>,
    /// The constants with the values of variables that signatures use as well, each with the variable.
    beside: Vec<(usize, &'c Member)>,
}

/// The input of an assignment that is its value.
const VALUE: usize = 1;

/// The tensors that signatures use as constants.
pub(super) fn tensors(context: &Context<'_>, variables: &Variables<'_>) -> BTreeSet<usize> {
    frozen(context, variables)
        .map_or_else(BTreeSet::new, |found| found.constants.keys().chain(&found.small).copied().collect())
}

fn frozen<'c>(context: &'c Context<'_>, variables: &Variables<'_>) -> Option<Frozen<'c>> {
    let groups = context.duplicates.groups.iter().filter(|group| group.tensors().next().is_some());
    let groups: Vec<&Group> = groups.filter(|group| constants(group).next().is_some()).collect();
    if groups.is_empty() {
        return None;
    }
    if !variables.is_served {
        return None;
    }
    let all: BTreeSet<usize> = variables.all().map(|(tensor, _)| tensor).collect();
    let called = called(context, groups.iter().flat_map(|group| constants(group)));
    let (mut constants_of, mut beside): (BTreeMap<usize, &Member>, Vec<(usize, &Member)>) = Default::default();
    let mut assigned = None;
    for group in groups {
        let Some(constant) = constants(group).find(|member| called.contains(&key(member))) else { continue };
        let tensors = group.tensors().map(TensorId::position).filter(|tensor| all.contains(tensor));
        let (read, frozen): (Vec<usize>, Vec<usize>) = tensors.partition(|tensor| variables.is_called(*tensor));
        constants_of.extend(frozen.into_iter().map(|tensor| (tensor, constant)));
        let Some(read) = read.first().filter(|tensor| !is_fill(context, variables, **tensor)) else { continue };
        let assigned = assigned.get_or_insert_with(|| self::assigned(context));
        let all = constants(group).filter(|member| called.contains(&key(member)) && !assigned.contains(&node(member)));
        beside.extend(all.map(|constant| (*read, constant)));
    }
    if constants_of.is_empty() && beside.is_empty() {
        return None;
    }
    let is_small = |tensor: usize, bytes: u64| bytes < TELLING && !variables.is_called(tensor);
    let small = variables.all().filter(|(tensor, about)| is_small(*tensor, about.bytes)).map(|(tensor, _)| tensor);
    let small = if constants_of.is_empty() { BTreeSet::new() } else { small.collect() };
    Some(Frozen { constants: constants_of, small, beside })
}

/// Whether a variable has one value throughout, as constants have by chance.
fn is_fill(context: &Context<'_>, variables: &Variables<'_>, tensor: usize) -> bool {
    variables.tensors.get(tensor).is_none_or(|tensor| is_one_value(context, tensor))
}

/// Where the nodes of those constants begin that something assigns: a signature that sets a variable back to what it began
/// with has its value to do that.
fn assigned(context: &Context<'_>) -> HashSet<usize> {
    let uses = context.uses();
    let is_value = |found: &Use<'_>| found.input == Some(VALUE) && ops::ASSIGNS.contains(&found.node.op());
    let constants = context.large().constants.iter().enumerate();
    let assigned = constants.filter(|(position, _)| uses.of(*position).iter().any(is_value));
    assigned.map(|(_, constant)| constant.node.message().start).collect()
}

fn detect(context: &Context<'_>) -> Option<Detected> {
    let variables = context.variables()?;
    let Frozen { constants: frozen, small, beside } = frozen(context, variables)?;
    let tensors: BTreeSet<usize> = frozen.keys().copied().chain(small).collect();
    let mut gone = Gone { tensors, ..Gone::default() };
    if !frozen.is_empty() {
        uncalled_functions(context, &mut gone);
    }
    let mut removed = removal::remove(context, &gone);
    let mut evidence = variables.evidence(context, &gone.tensors, &removed, |tensor| match frozen.get(&tensor) {
        Some(constant) => format!("{} is the constant {}", variables.label(tensor), quoted(name(context, constant))),
        None => format!("{} is too small to compare", variables.label(tensor)),
    });
    for (tensor, constant) in &beside {
        evidence.add(constant.range.end.saturating_sub(constant.range.start), || {
            let (name, label) = (quoted(name(context, constant)), variables.label(*tensor));
            (format!("{name} is the variable {label}, which is read as well"), Where::of_tensor(context, *tensor))
        });
    }
    if let Some(main) = context.main_file() {
        removed.claims.add_ranges(&main.file.name, beside.iter().map(|(_, constant)| constant.range.clone()).collect());
    }
    Some(Detected {
        message: message(&frozen, &beside, removed.data),
        evidence,
        claims: removed.claims,
        beyond: removed.beyond,
    })
}

/// What is so: of variables that only their constants stand for, and of those that are read beside them.
fn message(frozen: &BTreeMap<usize, &Member>, beside: &[(usize, &Member)], data: u64) -> String {
    let of = plural(frozen.len() as u64, "variable", "variables");
    let instead =
        format!("Signatures use constants with the values of {of} and never the variables: {} of data", bytes(data));
    let size = beside.iter().map(|(_, constant)| constant.range.end.saturating_sub(constant.range.start));
    let size = bytes(size.fold(0, u64::saturating_add));
    let constants = plural(beside.len() as u64, "constant has", "constants have");
    match (frozen.is_empty(), beside.is_empty()) {
        (_, true) => format!("{instead}."),
        (true, _) => format!("{constants} the values of variables that signatures read as well: {size}."),
        (false, false) => format!("{instead}; {constants} the values of some that they read as well, {size}."),
    }
}

fn constants(group: &Group) -> impl Iterator<Item = &Member> {
    group.members.iter().filter(|member| matches!(member.place, Place::Node(..)))
}

/// The name of the node that a constant is in.
fn name<'a>(context: &Context<'a>, constant: &Member) -> &'a [u8] {
    let Place::Node(node, _) = constant.place else { return &[] };
    NodeDef::read(context.main(), node.payload()).name()
}

/// Where the node of a constant begins.
fn node(constant: &Member) -> usize {
    if let Place::Node(node, _) = constant.place { node.payload().start } else { usize::MAX }
}

fn key(member: &Member) -> (u64, u64) {
    (member.range.start, member.range.end)
}

/// The constants that signatures reach: each is in a node or in a function that one does.
fn called<'m>(context: &Context<'_>, members: impl Iterator<Item = &'m Member>) -> BTreeSet<(u64, u64)> {
    let places: BTreeSet<(u64, u64)> = members.map(key).collect();
    let mut called = BTreeSet::new();
    for graph in context.reach.meta_graphs.iter().flatten() {
        // A tensor that a function captured is an object of its own, whose value is a node of the graph: nobody froze it.
        // Keras's Normalization computes with such tensors, and keeps its variables for the next `adapt`.
        let objects = graph.kinds().filter(|(_, kind)| *kind == VertexKind::Object).map(|(number, _)| number);
        let values = objects.flat_map(|object| graph.needs(object)).filter(|(_, edge)| *edge == EdgeKind::Value);
        let captured: HashSet<u32> = values.map(|(node, _)| node).collect();
        let is_code = |kind: VertexKind| matches!(kind, VertexKind::Node | VertexKind::Function);
        let code = graph.kinds().filter(|(number, kind)| is_code(*kind) && !captured.contains(number));
        for (number, _) in code {
            let Some(vertex) = graph.vertex(number) else { continue };
            let Range { start, end } = context.part(&vertex.span);
            let mut within = places.range((start, 0)..(end, 0)).filter(|place| place.1 <= end).peekable();
            if within.peek().is_some() && graph.is_called(number) {
                called.extend(within);
            }
        }
    }
    called
}

/// The functions that capture what goes, and the objects that are there for these.
fn uncalled_functions(context: &Context<'_>, gone: &mut Gone) {
    let captured = removal::objects_of(context, &gone.tensors);
    for (meta_graph, reach) in context.reach.meta_graphs.iter().enumerate() {
        let Some(reach) = reach else { continue };
        let functions = captors(context, meta_graph, reach, &captured);
        let file = context.main();
        let graphs = context.sections(meta_graph, OBJECT_GRAPH_DEF).map(|graph| graph.payload());
        for (number, object) in (0..).zip(objects::objects(file, graphs)) {
            let mut traces = objects::functions(file, object.span).into_iter().peekable();
            if traces.peek().is_some() && traces.all(|trace| functions.contains(trace)) {
                gone.objects.insert(number);
            }
        }
        gone.functions.extend(functions.into_iter().map(|name| (meta_graph, name.to_vec())));
    }
}

/// The names of functions that have captured one of some objects and that no signature calls.
fn captors<'a>(
    context: &Context<'a>,
    meta_graph: usize,
    reach: &MetaGraphReach<'_>,
    captured: &BTreeSet<u32>,
) -> BTreeSet<&'a [u8]> {
    let file = context.main();
    let entries = context.sections(meta_graph, OBJECT_GRAPH_DEF).flat_map(|graph| fields(file, graph.payload()));
    let concrete = entries.filter(|entry| entry.is_len(saved_object_graph::CONCRETE_FUNCTIONS));
    let concrete = concrete.map(|entry| Entry::read(file, entry));
    let captors =
        concrete.filter(|entry| objects::bound_inputs(&entry.value).iter().any(|object| captured.contains(object)));
    let mut names: BTreeSet<&[u8]> = captors.map(|entry| entry.key).collect();
    if !names.is_empty() {
        let functions = reach.kinds().filter(|(_, kind)| *kind == VertexKind::Function);
        for (number, _) in functions.filter(|(number, _)| reach.is_called(*number)) {
            names.remove(reach.name(number).as_bytes());
        }
    }
    names
}
