//! Constants that are values of variables: what a graph has beside the checkpoint, which every loader restores from.
//!
//! A constant is no more than that where every path from it ends in an assignment to a variable that the saver restores,
//! and no signature, main op or object reaches it.

use foldhash::{HashMap, HashSet};

use super::constants::Constant;
use super::context::Context;
use super::nodes::Node;
use crate::message::{input_node, ops};

const VALUE: usize = 1;

/// A large constant that is only there to be assigned.
pub(super) struct Assigned<'c, 'a> {
    pub(super) constant: &'c Constant<'a>,
    /// The nodes that it passes through on the way.
    pub(super) passes: Vec<Node<'a>>,
    /// The assignments, each with the name of the variable's node.
    pub(super) assigns: Vec<(Node<'a>, &'a [u8])>,
    /// Whether these are the assignments that the variables were made with.
    pub(super) is_initial: bool,
}

/// The constants of the graphs that are only there to be assigned to restored variables.
pub(super) fn assigned<'c, 'a>(context: &'c Context<'a>) -> Vec<Assigned<'c, 'a>> {
    let constants = context.large().constants.iter().enumerate();
    let found = constants.filter(|(_, constant)| constant.scope.function.is_none());
    let mut found: Vec<Assigned<'c, 'a>> =
        found.filter_map(|(position, constant)| only_assigned(context, position, constant)).collect();
    if found.is_empty() {
        return found;
    }
    let needed = needed(context, &found);
    found.retain(|assigned| !needed.contains(&assigned.constant.node.message().start));
    keep_restored(context, &mut found);
    tell_initial(context, &mut found);
    found
}

/// A constant all of whose ways end in assignments, as their value.
fn only_assigned<'c, 'a>(
    context: &Context<'a>,
    position: usize,
    constant: &'c Constant<'a>,
) -> Option<Assigned<'c, 'a>> {
    let uses = context.uses();
    let (mut passes, mut assigns) = (Vec::new(), Vec::new());
    for found in uses.of(position) {
        if found.scope.function.is_some() || found.passes && found.input.is_none() {
            return None;
        }
        if found.passes {
            passes.push(found.node);
        } else if found.input == Some(VALUE) && ops::ASSIGNS.contains(&found.node.op()) {
            assigns.push((found.node, input_node(found.node.inputs().next()?)));
        } else {
            return None;
        }
    }
    (!assigns.is_empty()).then_some(Assigned { constant, passes, assigns, is_initial: false })
}

/// Where the messages of those constants begin that something reaches.
fn needed(context: &Context<'_>, found: &[Assigned<'_, '_>]) -> HashSet<usize> {
    let starts: HashSet<usize> = found.iter().map(|assigned| assigned.constant.node.message().start).collect();
    let mut needed = HashSet::default();
    for reach in context.reach.meta_graphs.iter().flatten() {
        let reached = reach.kinds().map(|(number, _)| number).filter(|number| reach.is_reached(*number));
        let starts_reached = reached.filter_map(|number| reach.vertex(number)).map(|vertex| vertex.span.start);
        needed.extend(starts_reached.filter(|start| starts.contains(start)));
    }
    needed
}

/// Drops the constants of variables that are not restored: theirs may be the only value that there is. In a metagraph
/// that was not followed nobody knows.
fn keep_restored(context: &Context<'_>, found: &mut Vec<Assigned<'_, '_>>) {
    let mut names: HashMap<usize, HashSet<&[u8]>> = HashMap::default();
    for assigned in found.iter() {
        let of_graph = names.entry(assigned.constant.scope.meta_graph).or_default();
        of_graph.extend(assigned.assigns.iter().map(|(_, variable)| *variable));
    }
    let mut restored: HashMap<usize, HashSet<Vec<u8>>> = HashMap::default();
    for (meta_graph, names) in names {
        let Some(reach) = context.reach.meta_graphs.get(meta_graph).and_then(Option::as_ref) else { continue };
        let handles = reach.restored_handles().filter(|name| names.contains(name));
        restored.insert(meta_graph, handles.map(<[u8]>::to_vec).collect());
    }
    found.retain(|assigned| {
        let restored = restored.get(&assigned.constant.scope.meta_graph);
        assigned.assigns.iter().all(|(_, variable)| restored.is_some_and(|names| names.contains(*variable)))
    });
}

/// TensorFlow names the assignment that a variable is made with `<variable>/Assign` (tensorflow/python/ops/variables.py,
/// resource_variable_ops.py), and those of `variable.assign` otherwise. Where a graph has no node of that name, the only
/// constant of a variable is its initial value.
fn tell_initial(context: &Context<'_>, found: &mut [Assigned<'_, '_>]) {
    let mut constants: HashMap<(usize, Vec<u8>), usize> = HashMap::default();
    for assigned in found.iter() {
        for (_, variable) in &assigned.assigns {
            *constants.entry((assigned.constant.scope.meta_graph, initial_name(variable))).or_default() += 1;
        }
    }
    let mut named: HashSet<(usize, &[u8])> = HashSet::default();
    let graphs: HashSet<usize> = constants.keys().map(|(meta_graph, _)| *meta_graph).collect();
    for meta_graph in graphs {
        let nodes = context.nodes(meta_graph).filter(|node| ops::ASSIGNS.contains(&node.op()));
        let assigns = nodes.map(|node| (meta_graph, node.name()));
        named.extend(assigns.filter(|(graph, name)| constants.contains_key(&(*graph, name.to_vec()))));
    }
    for assigned in found {
        let meta_graph = assigned.constant.scope.meta_graph;
        assigned.is_initial = assigned.assigns.iter().all(|(assign, variable)| {
            let name = initial_name(variable);
            let is_only = constants.get(&(meta_graph, name.clone())) == Some(&1);
            assign.name() == name || is_only && !named.contains(&(meta_graph, &*name))
        });
    }
}

fn initial_name(variable: &[u8]) -> Vec<u8> {
    [variable, b"/Assign"].concat()
}
