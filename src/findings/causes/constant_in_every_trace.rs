//! `constant-in-every-trace`: one constant in several functions.
//!
//! A numpy array, or a `tf.constant` made of one, that a `tf.function` uses becomes a Const of each of its traces, and of
//! each function that is derived from them. A variable is captured by handle and stored once.

use std::collections::BTreeMap;
use std::ops::Range;

use foldhash::HashMap;

use crate::duplicates::{self, Group, Member};
use crate::findings::claims::Claims;
use crate::findings::constants::{Constant, Scope, VARIABLE_BYTES};
use crate::findings::evidence::{Evidence, Place};
use crate::findings::{Cause, Context, Cure, Detected, Remedy, quoted};
use crate::message::ops;
use crate::size::{bytes, plural};

pub(super) const CAUSE: Cause = Cause {
    id: "constant-in-every-trace",
    remedies: &[Remedy::any(
        "Keep the array in a `tf.Variable(array, trainable=False)` of the module, and use that in the function.",
        "",
        "the compiler has to know the values, as for shapes and for some accelerators.",
    )],
    long: include_str!("../../../docs/findings/constant-in-every-trace.md"),
    detect,
    only_information: None,
    cure: Cure::Serving,
};

/// How many functions of a constant are named.
const NAMED: usize = 4;

fn detect(context: &Context<'_>) -> Option<Detected> {
    let members = |group: &Group| group.members.iter().filter(|member| is_in_node(member)).count();
    let several: Vec<&Group> = context.duplicates.groups.iter().filter(|group| members(group) > 1).collect();
    if several.is_empty() {
        return None;
    }
    let large = context.large().constants.iter().enumerate();
    let by_payload: HashMap<u64, (usize, &Constant<'_>)> =
        large.map(|(position, constant)| (context.part(&constant.payload).start, (position, constant))).collect();
    let (mut parts, mut evidence, mut copies, mut is_in_one) = (Vec::new(), Evidence::default(), 0, true);
    for group in several {
        let of_group = group.members.iter().filter_map(|member| constant_of(member, &by_payload));
        let found: Vec<&Constant<'_>> =
            of_group.filter(|(position, _)| !is_for_start(context, *position)).map(|(_, constant)| constant).collect();
        let Some(kept) = found.first().filter(|_| is_repeated(&found)) else { continue };
        is_in_one &= places_of_one_graph(&found) < 2;
        let nodes: Vec<Range<usize>> = found.iter().map(|constant| constant.node.range()).collect();
        let all = nodes.iter().map(|range| context.cost(range)).fold(0, u64::saturating_add);
        // The variable holds the bytes themselves, however the graph writes them.
        let saved = all.saturating_sub(kept.payload.len() as u64).saturating_sub(VARIABLE_BYTES);
        if saved == 0 {
            continue;
        }
        parts.extend(context.up_to(nodes.into_iter().rev(), saved));
        evidence.add(saved, || (describe(context, &found), Place::of_node(context, kept.scope, &kept.node)));
        copies += found.len();
    }
    let mut claims = Claims::default();
    context.claim(&mut claims, parts);
    let constants = plural(evidence.count(), "constant is", "constants are");
    let (times, size) = (plural(copies as u64, "time", "times"), bytes(claims.bytes()));
    let places = if is_in_one { "several nodes of one graph" } else { "several functions" };
    (!evidence.is_empty()).then(|| Detected {
        message: format!("{constants} in {places}, {times} in all: variables would hold them in {size} less."),
        evidence,
        claims,
        beyond: 0,
    })
}

/// The constant that a member of a group of equal payloads is; `None` for what is not in a function, or not a constant.
fn constant_of<'c, 'a>(
    member: &Member,
    by_payload: &HashMap<u64, (usize, &'c Constant<'a>)>,
) -> Option<(usize, &'c Constant<'a>)> {
    let (position, constant) = by_payload.get(&member.range.start).filter(|_| is_in_node(member))?;
    Some((*position, *constant))
}

fn is_in_node(member: &Member) -> bool {
    matches!(member.place, duplicates::Place::Node(..))
}

/// Whether a saver takes a constant, or something that sets a variable or a table: those are other causes.
pub(super) fn is_for_start(context: &Context<'_>, constant: usize) -> bool {
    context.uses().ends(constant).any(|found| ops::is_saver(found.node.op()) || ops::sets_resource(found.node.op()))
}

/// Whether constants are in several functions, or more than once in a graph or in a function.
fn is_repeated(constants: &[&Constant<'_>]) -> bool {
    let mut scopes: Vec<Scope> = constants.iter().map(|constant| constant.scope).collect();
    scopes.sort_unstable();
    places_of_one_graph(constants) > 1 || scopes.windows(2).any(|pair| matches!(pair, [a, b] if a == b))
}

/// In how many places of one metagraph these constants are, at most: its graph, and each of its functions.
fn places_of_one_graph(constants: &[&Constant<'_>]) -> usize {
    let mut functions: BTreeMap<usize, Vec<Option<usize>>> = BTreeMap::new();
    for constant in constants {
        functions.entry(constant.scope.meta_graph).or_default().push(constant.scope.function);
    }
    let distinct = |functions: &mut Vec<Option<usize>>| {
        functions.sort_unstable();
        functions.dedup();
        functions.len()
    };
    functions.values_mut().map(distinct).max().unwrap_or(0)
}

/// A constant's name and the functions that have it, or the names that it has in a graph.
fn describe(context: &Context<'_>, constants: &[&Constant<'_>]) -> String {
    let name = |constant: &&Constant<'_>| quoted(constant.node.name());
    let function = |constant: &&Constant<'_>| context.functions().get(constant.scope.function?);
    let more = |named: usize| match constants.len().saturating_sub(named) {
        0 => String::new(),
        rest => format!(" and {rest} more"),
    };
    let functions: Vec<String> =
        constants.iter().filter_map(|constant| Some(quoted(function(constant)?.name))).take(NAMED).collect();
    if functions.is_empty() {
        let names: Vec<String> = constants.iter().map(name).take(NAMED).collect();
        return format!("{}{} in the graph", names.join(", "), more(names.len()));
    }
    let first = constants.first().map(name).unwrap_or_default();
    format!("{first} in {}{}", functions.join(", "), more(functions.len()))
}
