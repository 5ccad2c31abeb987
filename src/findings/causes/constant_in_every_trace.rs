//! `constant-in-every-trace`: one constant in several functions.
//!
//! A numpy array, or a `tf.constant` made of one, that a `tf.function` uses becomes a Const of each of its traces, and of
//! each function that is derived from them. A variable is captured by handle and stored once.

use std::collections::BTreeMap;
use std::ops::Range;

use foldhash::HashMap;

use crate::duplicates::{self, Group, Member};
use crate::findings::claims::Claims;
use crate::findings::constants::{Constant, VARIABLE_BYTES};
use crate::findings::evidence::{Evidence, Place};
use crate::findings::{Cause, Context, Detected, Remedy, quoted};
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
};

/// How many functions of a constant are named.
const NAMED: usize = 4;

fn detect(context: &Context<'_>) -> Option<Detected> {
    let members = |group: &Group| group.members.iter().filter(|member| is_in_function(member)).count();
    let several: Vec<&Group> = context.duplicates.groups.iter().filter(|group| members(group) > 1).collect();
    if several.is_empty() {
        return None;
    }
    let large = context.large().constants.iter().enumerate();
    let by_payload: HashMap<u64, (usize, &Constant<'_>)> =
        large.map(|(position, constant)| (context.part(&constant.payload).start, (position, constant))).collect();
    let (mut parts, mut evidence, mut copies) = (Vec::new(), Evidence::default(), 0);
    for group in several {
        let of_group = group.members.iter().filter_map(|member| constant_of(member, &by_payload));
        let found: Vec<&Constant<'_>> =
            of_group.filter(|(position, _)| !is_of_saver(context, *position)).map(|(_, constant)| constant).collect();
        let Some(kept) = found.first().filter(|_| functions_of_one_graph(&found) > 1) else { continue };
        let nodes: Vec<Range<usize>> = found.iter().map(|constant| constant.node.range()).collect();
        let all = nodes.iter().map(|range| context.cost(range)).fold(0, u64::saturating_add);
        // The variable holds the bytes themselves, however the graph writes them.
        let saved = all.saturating_sub(kept.payload.len() as u64).saturating_sub(VARIABLE_BYTES);
        if saved == 0 {
            continue;
        }
        parts.extend(context.up_to(nodes.into_iter().rev(), saved));
        evidence.add(saved, || (told(context, &found), Place::of_node(context, kept.scope, &kept.node)));
        copies += found.len();
    }
    let mut claims = Claims::default();
    context.claim(&mut claims, parts);
    let constants = plural(evidence.count(), "constant is", "constants are");
    let (times, size) = (plural(copies as u64, "time", "times"), bytes(claims.bytes()));
    (!evidence.is_empty()).then(|| Detected {
        message: format!("{constants} in several functions, {times} in all: variables would hold them in {size} less."),
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
    let (position, constant) = by_payload.get(&member.range.start).filter(|_| is_in_function(member))?;
    Some((*position, *constant))
}

fn is_in_function(member: &Member) -> bool {
    matches!(member.place, duplicates::Place::Node(_, Some(_)))
}

fn is_of_saver(context: &Context<'_>, constant: usize) -> bool {
    context.uses().ends(constant).any(|found| ops::is_saver(found.node.op()))
}

/// In how many functions of one metagraph these constants are, at most.
fn functions_of_one_graph(constants: &[&Constant<'_>]) -> usize {
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

/// A constant's name and the functions that have it.
fn told(context: &Context<'_>, constants: &[&Constant<'_>]) -> String {
    let name = quoted(constants.first().map(|constant| constant.node.name()).unwrap_or_default());
    let functions = constants.iter().filter_map(|constant| context.functions().get(constant.scope.function?));
    let named: Vec<String> = functions.take(NAMED).map(|function| quoted(function.name)).collect();
    let rest = constants.len().saturating_sub(NAMED);
    let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
    format!("{name} in {}{more}", named.join(", "))
}
