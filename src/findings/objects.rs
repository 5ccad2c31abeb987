//! TF2's two object graphs as spans: `object_graph_def` of a metagraph, and the one that its checkpoint holds, in which an
//! object has the same number. What is in an object is the cause's own question; here is which object leads to which,
//! and what objects cost that go.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::message::number::saved_concrete_function::BOUND_INPUTS;
use crate::message::number::saved_function;
use crate::message::number::saved_object::{
    BARE_CONCRETE_FUNCTION as BARE_FUNCTION, CHILDREN, DEPENDENCIES, FUNCTION, SLOT_VARIABLES, USER_OBJECT,
};
use crate::message::number::saved_object_graph::NODES;
use crate::message::number::saved_user_object::IDENTIFIER;
use crate::message::number::trackable_object_graph::trackable_object::object_reference;
use crate::message::number::trackable_object_graph::trackable_object::slot_variable_reference::{
    ORIGINAL_VARIABLE_NODE_ID as ORIGINAL, SLOT_VARIABLE_NODE_ID as SLOT,
};
use crate::wire::{Field, WireType, fields, first_len, integers, varint};

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
    let mut object = Object { span: span.clone(), ..Object::default() };
    for field in fields(file, span).filter(|field| field.wire_type == WireType::Len) {
        match field.number {
            CHILDREN => {
                let name = first_len(file, field.payload(), object_reference::LOCAL_NAME)
                    .and_then(|name| file.get(name))
                    .unwrap_or_default();
                object.children.extend(number(file, &field, object_reference::NODE_ID).map(|child| (child, name)));
            }
            SLOT_VARIABLES => object.slots.extend(number(file, &field, SLOT)),
            USER_OBJECT => {
                let identifier = first_len(file, field.payload(), IDENTIFIER).and_then(|range| file.get(range));
                object.identifier = identifier.unwrap_or_default();
            }
            _ => {}
        }
    }
    object
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
            let refers = |field: &Field| refers(file, field, gone);
            ranges.extend(fields(file, node.payload()).filter(refers).map(|field| field.range()));
        }
        at = at.saturating_add(1);
    }
    (ranges, at)
}

fn refers(file: &[u8], field: &Field, gone: &BTreeSet<u32>) -> bool {
    let is_gone = |number: Option<u32>| number.is_some_and(|number| gone.contains(&number));
    match field.number {
        _ if field.wire_type != WireType::Len => false,
        CHILDREN | DEPENDENCIES => is_gone(number(file, field, object_reference::NODE_ID)),
        SLOT_VARIABLES => is_gone(number(file, field, SLOT)) || is_gone(number(file, field, ORIGINAL)),
        _ => false,
    }
}

/// The names of the functions that a SavedObject is made of: those of a `function`, that of a `bare_concrete_function`.
pub(super) fn functions(file: &[u8], object: Range<usize>) -> impl Iterator<Item = &[u8]> {
    let kinds = fields(file, object).filter(|field| field.is_len(FUNCTION) || field.is_len(BARE_FUNCTION));
    // `SavedBareConcreteFunction.concrete_function_name` has the same number.
    let names = kinds.flat_map(|kind| fields(file, kind.payload()));
    let names = names.filter(|field| field.is_len(saved_function::CONCRETE_FUNCTIONS));
    names.map(|name| name.bytes(file))
}

/// The objects that a SavedConcreteFunction has captured.
pub(super) fn bound_inputs(file: &[u8], function: Range<usize>) -> impl Iterator<Item = u32> {
    integers(file, function, BOUND_INPUTS)
}

/// The integer `wanted` of a message; the first object's number is 0, which proto3 does not write.
fn number(file: &[u8], message: &Field, wanted: u32) -> Option<u32> {
    let mut numbers = fields(file, message.payload());
    let found = numbers.find(|field| field.number == wanted && field.wire_type == WireType::Varint);
    found.map_or(Some(0), |field| u32::try_from(varint(field.bytes(file))?.0).ok())
}
