//! `equal-variables`: variables of one content that all serve.
//!
//! Tied weights that a reload untied, one backbone that each of three heads loaded for itself, an ensemble of one member:
//! the program means one variable, and has several. `variable-stored-twice` is one variable under two keys; here each has
//! a resource of its own that a signature reads.

use std::collections::BTreeSet;

use foldhash::{HashMap, HashSet};

use crate::checkpoint::Tensor;
use crate::dtype::element_bytes;
use crate::findings::evidence::{Evidence, Place};
use crate::findings::removal::{self, Gone};
use crate::findings::variables::Variables;
use crate::findings::{Cause, Context, Cure, Detected, Remedy};
use crate::graph::MetaGraphReach;
use crate::identity::TensorId;
use crate::size::{bytes, exact, plural};

pub(super) const CAUSE: Cause = Cause {
    id: "equal-variables",
    remedies: &[Remedy::any(
        "Give every layer that is to have these weights the same variable, after the last reload and before the export.",
        "",
        "the variables are to differ after further training.",
    )],
    long: include_str!("../../../docs/findings/equal-variables.md"),
    detect,
    only_information: None,
    cure: Cure::Equal,
};

fn detect(context: &Context<'_>) -> Option<Detected> {
    let variables = context.variables()?;
    let groups = groups(context, variables);
    if groups.is_empty() {
        return None;
    }
    let tensors: BTreeSet<usize> = groups.iter().flat_map(|group| group.iter().skip(1).copied()).collect();
    let gone = Gone { tensors, ..Gone::default() };
    // What reads the one reads the other instead, so of graphs and functions only handles, savers and objects go.
    let removed = removal::remove(context, &gone);
    let (copies, of) = (gone.tensors.len() as u64, bytes(removed.data));
    let all = plural(copies.saturating_add(groups.len() as u64), "variable", "variables");
    let have = if copies == 1 { "has" } else { "have" };
    Some(Detected {
        message: format!(
            "{} of {all} that signatures read {have} the content of another one: {of} of data.",
            exact(copies)
        ),
        evidence: evidence(context, variables, &groups, removed.bytes().saturating_sub(removed.data)),
        claims: removed.claims,
        beyond: removed.beyond,
    })
}

/// Tensors of one content, each restored into a resource of its own that a signature reads; at least two of a kind.
fn groups(context: &Context<'_>, variables: &Variables<'_>) -> Vec<Vec<usize>> {
    let of_variables = || context.duplicates.groups.iter().filter(|group| group.tensors().nth(1).is_some());
    if of_variables().next().is_none() {
        return Vec::new();
    }
    let all: HashSet<usize> = variables.all().map(|(tensor, _)| tensor).collect();
    let is_variable = |tensor| all.contains(&tensor);
    let serves =
        |tensor: &usize| is_variable(*tensor) && variables.is_called(*tensor) && variables.is_bound_by_graph(*tensor);
    // Two keys that are restored into one resource are one variable.
    let mut resources: HashMap<TensorId, HashSet<(usize, u32)>> = HashMap::default();
    for (meta_graph, graph) in context.reach.meta_graphs.iter().enumerate() {
        let mut met = HashSet::default();
        let handles = graph.iter().flat_map(MetaGraphReach::handles).filter(|handle| handle.is_reached);
        for handle in handles.filter(|handle| met.insert(handle.resource)) {
            for tensor in handle.tensors.iter() {
                resources.entry(*tensor).or_default().insert((meta_graph, handle.resource));
            }
        }
    }
    let mut groups = Vec::new();
    for group in of_variables() {
        let mut own: Vec<usize> = Vec::new();
        let mut taken: HashSet<(usize, u32)> = HashSet::default();
        let shape = |tensor: usize| variables.tensors.get(tensor).map(|tensor| (&tensor.shape, tensor.dtype));
        for tensor in group.tensors().map(TensorId::position).filter(serves) {
            let Some(of_tensor) = resources.get(&TensorId::at(tensor)).filter(|own| own.is_disjoint(&taken)) else {
                continue;
            };
            if own.first().is_none_or(|first| shape(*first) == shape(tensor)) {
                taken.extend(of_tensor);
                own.push(tensor);
            }
        }
        own.sort_unstable();
        // Fresh biases and other fills are equal by chance.
        let is_fill =
            |tensor: &usize| variables.tensors.get(*tensor).is_none_or(|tensor| is_one_value(context, tensor));
        groups.extend((own.len() > 1 && !own.first().is_none_or(is_fill)).then_some(own));
    }
    groups
}

/// Whether all elements of a tensor are equal, as far as it can be read.
pub(super) fn is_one_value(context: &Context<'_>, tensor: &Tensor) -> bool {
    let width = element_bytes(tensor.dtype).and_then(|width| usize::try_from(width).ok());
    let Some((content, width)) = context.tensor_content(tensor).zip(width) else { return true };
    content.get(width..).is_none_or(|rest| content.get(..rest.len()) == Some(rest))
}

/// A line for variables whose names differ in the same numbers: those of one backbone in several places.
fn evidence(context: &Context<'_>, variables: &Variables<'_>, groups: &[Vec<usize>], rest: u64) -> Evidence {
    let mut by_shape: HashMap<(String, usize), (&[usize], u64, u64)> = HashMap::default();
    for group in groups {
        let copies = group.iter().skip(1).map(|tensor| context.data_bytes(*tensor)).fold(0, u64::saturating_add);
        let names: Vec<String> = group.iter().map(|tensor| without_numbers(variables.name(*tensor))).collect();
        let (_, count, sum) = by_shape.entry((names.join("\n"), group.len())).or_insert((group, 0, 0));
        (*count, *sum) = (count.saturating_add(1), sum.saturating_add(copies));
    }
    let mut lines: Vec<(&[usize], u64, u64)> = by_shape.into_values().collect();
    lines.sort_unstable();
    let mut evidence = Evidence::default();
    for (group, count, bytes) in lines {
        let [kept, first, more @ ..] = group else { continue };
        evidence.add(bytes, || {
            let also = if more.is_empty() { String::new() } else { format!(" and {} more", exact(more.len() as u64)) };
            let (copy, kept) = (variables.label(*first), variables.label(*kept));
            let alike = plural(count.saturating_sub(1), "other of such names", "others of such names");
            let alike = if count > 1 { format!(", and {alike}") } else { String::new() };
            (format!("{copy}{also} of the content of {kept}{alike}"), Place::of_tensor(context, *first))
        });
    }
    evidence.add(rest, || ("what graphs, functions, objects and index have of them".to_owned(), Place::default()));
    evidence
}

/// A name with `#` for each number in it.
fn without_numbers(name: &str) -> String {
    let mut short = String::new();
    for char in name.chars() {
        match char {
            '0'..='9' if short.ends_with('#') => {}
            '0'..='9' => short.push('#'),
            other => short.push(other),
        }
    }
    short
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::findings::Finding;
    use crate::findings::serving::{Served, Variable, read};

    /// What is found where a signature reads all of these variables.
    fn found(variables: &[Variable]) -> Option<Finding> {
        let body = (0..variables.len()).map(|at| read(&format!("r{at}"), &format!("v{at}"))).collect();
        Served { variables: variables.to_vec(), body, returns: "r0:value:0", ..Served::default() }
            .finding(super::CAUSE.id)
    }

    #[test]
    fn one_content_in_several_variables_costs_all_but_one() {
        let [a, b] = [1, 2].map(|seed| Variable::floats(seed, &[50, 20]));
        let found = found(&[a.clone(), b.clone(), a.clone(), a, b]).unwrap();
        assert!((12_000..13_000).contains(&found.bytes), "{found:?}");
        assert!(found.message.starts_with("3 of 5 variables"), "{found:?}");
    }

    #[test]
    fn equal_bytes_of_another_shape_or_type_are_another_variable() {
        let a = Variable::floats(1, &[50, 20]);
        assert_eq!(found(&[a.clone(), Variable { shape: vec![20, 50], ..a.clone() }]), None);
        assert_eq!(found(&[a.clone(), Variable { dtype: 3, ..a }]), None);
    }

    #[test]
    fn fresh_biases_are_equal_by_chance() {
        let zeros = Variable { content: vec![0; 4000], ..Variable::floats(1, &[1000]) };
        let ones = Variable { content: 1_f32.to_le_bytes().repeat(1000), ..zeros.clone() };
        assert_eq!(found(&[zeros.clone(), zeros, ones.clone(), ones]), None);
    }

    #[test]
    fn names_that_differ_in_numbers_are_told_in_one_line() {
        assert_eq!(super::without_numbers("block_12/conv2d_1/kernel"), "block_#/conv#d_#/kernel");
    }

    proptest! {
        #[test]
        fn variables_of_different_contents_are_not_found(seeds in prop::collection::btree_set(1..1000_u32, 1..6)) {
            let variables: Vec<Variable> = seeds.iter().map(|seed| Variable::floats(*seed, &[30, 10])).collect();
            prop_assert_eq!(found(&variables), None);
        }
    }
}
