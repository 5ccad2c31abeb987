//! What is so of the objects of one model by themselves, before they are held against those of another.

use std::collections::{BTreeSet, VecDeque};

use foldhash::{HashMap, HashMapExt as _, HashSet, HashSetExt as _};
use prost::Message as _;

use crate::message::{FunctionDef, Input};
use crate::proto::saved_object::Kind;
use crate::proto::{SavedBareConcreteFunction, SavedObject, SavedObjectGraph, TrackableObjectGraph};
use crate::slim::proof::program::library::Library;

/// What is said of each concrete function by those who have it: how its arguments are called and given. A loader writes that into
/// the function (tensorflow/python/saved_model/function_deserialization.py), so that the last one who has it is right. Each such
/// statement has a number.
pub(super) fn said_by_holders<'a>(
    objects: &'a SavedObjectGraph,
    numbers: &mut HashMap<(bool, Vec<u8>), usize>,
) -> HashMap<&'a str, BTreeSet<usize>> {
    let mut said: HashMap<&str, BTreeSet<usize>> = HashMap::new();
    let mut number = |spec: (bool, Vec<u8>)| {
        let next = numbers.len();
        *numbers.entry(spec).or_insert(next)
    };
    for object in &objects.nodes {
        match &object.kind {
            Some(Kind::Function(function)) => {
                let spec = function.function_spec.as_ref().map(prost::Message::encode_to_vec);
                let number = number((spec.is_some(), spec.unwrap_or_default()));
                for name in &function.concrete_functions {
                    said.entry(name).or_default().insert(number);
                }
            }
            Some(Kind::BareConcreteFunction(function)) => {
                let spec = SavedBareConcreteFunction { concrete_function_name: String::new(), ..(**function).clone() };
                // A field that it has not tells it from the other kind.
                let number = number((true, [spec.encode_to_vec(), vec![u8::MAX]].concat()));
                said.entry(&function.concrete_function_name).or_default().insert(number);
            }
            _ => {}
        }
    }
    said
}

/// Which objects of the checkpoint's graph each object is, as a loader finds it: by the names that lead to both from the roots, first
/// come first served (tensorflow/python/checkpoint/restore.py). A function has no children there.
pub(super) fn saved(objects: &[SavedObject], tracked: Option<&TrackableObjectGraph>) -> Vec<Vec<usize>> {
    let mut saved = vec![Vec::new(); objects.len()];
    let Some(tracked) = tracked else { return saved };
    let mut taken = vec![false; tracked.nodes.len()];
    let mut open = VecDeque::from([(0_usize, 0_usize)]);
    while let Some((object, node)) = open.pop_front() {
        let (Some(of), Some(at)) = (objects.get(object), tracked.nodes.get(node)) else { continue };
        if taken.get_mut(node).is_none_or(|taken| std::mem::replace(taken, true)) {
            continue;
        }
        saved.get_mut(object).into_iter().for_each(|saved| saved.push(node));
        if matches!(of.kind, Some(Kind::Function(_) | Kind::BareConcreteFunction(_))) {
            continue;
        }
        let by_name: HashMap<&str, i32> = of.children.iter().map(|child| (&*child.local_name, child.node_id)).collect();
        for child in &at.children {
            let both =
                by_name.get(&*child.local_name).copied().map(usize::try_from).zip(Some(usize::try_from(child.node_id)));
            if let Some((Ok(object), Ok(node))) = both {
                open.push_back((object, node));
            }
        }
    }
    by_slots(objects, tracked, &mut saved);
    saved
}

/// The variables that optimizers keep for others are found by these and their own names.
fn by_slots(objects: &[SavedObject], tracked: &TrackableObjectGraph, saved: &mut [Vec<usize>]) {
    for (number, object) in objects.iter().enumerate().filter(|(_, object)| !object.slot_variables.is_empty()) {
        let nodes = saved.get(number).cloned().unwrap_or_default();
        let slots = nodes.iter().filter_map(|node| tracked.nodes.get(*node)).flat_map(|node| &node.slot_variables);
        let by_name: HashMap<(&str, i32), i32> = slots
            .map(|slot| ((&*slot.slot_name, slot.original_variable_node_id), slot.slot_variable_node_id))
            .collect();
        for slot in &object.slot_variables {
            let ids = (usize::try_from(slot.original_variable_node_id), usize::try_from(slot.slot_variable_node_id));
            let (Ok(original), Ok(own)) = ids else { continue };
            let originals = saved.get(original).cloned().unwrap_or_default();
            let found =
                originals.into_iter().filter_map(|node| by_name.get(&(&*slot.slot_name, i32::try_from(node).ok()?)));
            let found: Vec<usize> = found.filter_map(|node| usize::try_from(*node).ok()).collect();
            saved.get_mut(own).into_iter().for_each(|saved| saved.extend(&found));
        }
    }
}

/// The children on the paths to the functions of these names, and what these paths lead to.
pub(super) fn asked(objects: &SavedObjectGraph, functions: &[String]) -> (HashSet<(usize, String)>, BTreeSet<usize>) {
    let (mut asked, mut ends) = (HashSet::new(), BTreeSet::new());
    for function in functions {
        let mut at = 0;
        for name in function.split('.') {
            let children = objects.nodes.get(at).map_or(&[][..], |object| &object.children);
            let Some(child) = children.iter().find(|child| child.local_name == name) else { break };
            asked.insert((at, name.to_owned()));
            at = usize::try_from(child.node_id).unwrap_or(usize::MAX);
        }
        ends.insert(at);
    }
    (asked, ends)
}

/// From which objects a function or a listed object can be reached.
pub(super) fn leads_on(objects: &[SavedObject], listed: &BTreeSet<usize>) -> Vec<bool> {
    let mut parents: Vec<Vec<usize>> = vec![Vec::new(); objects.len()];
    for (number, object) in objects.iter().enumerate() {
        // What a function has captured hangs from it, and is reached by it alone.
        for child in object.children.iter().chain(&object.dependencies) {
            let slot = usize::try_from(child.node_id).ok().and_then(|child| parents.get_mut(child));
            slot.into_iter().for_each(|parents| parents.push(number));
        }
    }
    let is_end = |(number, object): &(usize, &SavedObject)| {
        let is_function = match &object.kind {
            // Without a concrete one there is nothing that can be called: only what was traced is saved.
            Some(Kind::Function(function)) => !function.concrete_functions.is_empty(),
            kind => matches!(kind, Some(Kind::BareConcreteFunction(_))),
        };
        is_function || listed.contains(number)
    };
    let mut open: Vec<usize> = objects.iter().enumerate().filter(is_end).map(|(number, _)| number).collect();
    let mut leads = vec![false; objects.len()];
    while let Some(number) = open.pop() {
        let Some(slot) = leads.get_mut(number).filter(|slot| !**slot) else { continue };
        *slot = true;
        open.extend(parents.get(number).into_iter().flatten());
    }
    leads
}

/// Where a tensor of a function is: an argument or a node by its position, and which output.
type Place = (bool, usize, Vec<u8>);

/// Where the tensors of the functions of one model are. Each function is gone through once, however many objects name it.
#[derive(Default)]
pub(super) struct Places<'a, 'f> {
    of_functions: HashMap<&'a str, HashMap<&'f [u8], (bool, usize)>>,
}

impl<'a, 'f> Places<'a, 'f> {
    /// The place of a tensor of a function; `None` where there is no such function, or nothing of that name in it.
    pub(super) fn find(&mut self, library: &Library<'f>, function: &'a str, tensor: &str) -> Option<Place> {
        let positions = self
            .of_functions
            .entry(function)
            .or_insert_with(|| library.def(function.as_bytes()).map(positions).unwrap_or_default());
        let input = Input::parse(tensor.as_bytes());
        positions.get(input.name).map(|(is_argument, at)| (*is_argument, *at, input.port.to_vec()))
    }
}

/// The arguments and nodes of a function by their names; of several of one name the first, and arguments before nodes.
fn positions<'f>(def: &FunctionDef<'f>) -> HashMap<&'f [u8], (bool, usize)> {
    let signature = def.signature();
    let arguments = signature.arguments().zip(0..).map(|(name, at)| (name, (true, at)));
    let nodes = def.nodes().zip(0..).map(|(node, at)| (node.name(), (false, at)));
    let mut positions = HashMap::new();
    for (name, place) in arguments.chain(nodes) {
        positions.entry(name).or_insert(place);
    }
    positions
}
