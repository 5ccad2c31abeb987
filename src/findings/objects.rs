//! TF2's two object graphs as spans: `object_graph_def` of a metagraph, and the one that its checkpoint holds, in which an
//! object has the same number. What is in an object is the cause's own question; here is which object leads to which,
//! and what objects cost that go.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::message::number::saved_object_graph::NODES;
use crate::message::saved_object::{self, Child, Kind};
use crate::message::{Message, SavedObject};
use crate::wire::fields;

/// An object: whom it leads to.
#[derive(Debug, Clone, Default)]
pub(super) struct Object<'a> {
    pub(super) children: Vec<(u32, &'a [u8])>,
    /// The variables that it keeps for other variables, as an optimizer does.
    pub(super) slots: Vec<u32>,
    /// What a user object says it is: `optimizer`, `trackable_list_wrapper`.
    pub(super) identifier: &'a [u8],
    /// The SavedObject.
    pub(super) span: Range<usize>,
}

/// The objects of the SavedObjectGraphs at `graphs`, which protobuf takes for one.
pub(super) fn objects(file: &[u8], graphs: impl Iterator<Item = Range<usize>>) -> Vec<Object<'_>> {
    let nodes = graphs.flat_map(|graph| fields(file, graph)).filter(|field| field.is_len(NODES));
    nodes.map(|node| object(file, node.payload())).collect()
}

fn object(file: &[u8], span: Range<usize>) -> Object<'_> {
    let object = SavedObject::new(file, span.clone());
    // What names no object of 32 bits names none.
    let number = |number| u32::try_from(number).ok();
    let child = |child: Child| Some((number(child.node)?, file.get(child.name).unwrap_or_default()));
    Object {
        children: object.children().filter_map(child).collect(),
        slots: object.slots().filter_map(|(_, _, slot)| number(slot)).collect(),
        identifier: object.kind().identifier(),
        span,
    }
}

/// The objects that the root leads to without passing one that `is_barred`.
pub(super) fn reached(objects: &[Object<'_>], is_barred: impl Fn(u32) -> bool) -> BTreeSet<u32> {
    let mut seen = BTreeSet::from([0]);
    let mut open = vec![0_u32];
    while let Some(at) = open.pop() {
        let Some(object) = objects.get(at as usize).filter(|_| !is_barred(at)) else { continue };
        let leads = object.children.iter().map(|(child, _)| *child).chain(object.slots.iter().copied());
        open.extend(leads.filter(|child| seen.insert(*child)));
    }
    seen
}

/// What goes of an object graph, of either kind, with some of its objects: the objects, and what refers to them.
pub(super) fn ranges(file: &[u8], graph: Range<usize>, first: u32, gone: &BTreeSet<u32>) -> (Vec<Range<usize>>, u32) {
    let (mut ranges, mut at) = (Vec::new(), first);
    for node in fields(file, graph).filter(|field| field.is_len(NODES)) {
        if gone.contains(&at) {
            ranges.push(node.range());
        } else {
            let object = SavedObject::new(file, node.payload());
            let is_gone = |number: &u64| u32::try_from(*number).is_ok_and(|number| gone.contains(&number));
            let references = object.references().filter(|(_, objects)| objects.iter().any(is_gone));
            let mut fields: Vec<Range<usize>> = references.map(|(field, _)| field.range()).collect();
            fields.sort_by_key(|field| field.start);
            ranges.extend(fields);
        }
        at = at.saturating_add(1);
    }
    (ranges, at)
}

/// The names of the functions that a SavedObject is made of: those of a `function`, that of a `bare_concrete_function`.
pub(super) fn functions(file: &[u8], object: Range<usize>) -> Vec<&[u8]> {
    match SavedObject::new(file, object).kind() {
        kind @ (Kind::Function(_) | Kind::BareFunction(_)) => kind.functions(),
        _ => Vec::new(),
    }
}

/// The objects that a SavedConcreteFunction has captured.
pub(super) fn bound_inputs(function: &Message<'_>) -> Vec<u32> {
    saved_object::bound_inputs(function)
}
