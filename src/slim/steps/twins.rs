//! A variable that Python and a session have one copy each of, as an export of Keras 3 has: the two become one.
//!
//! Of a pair the functions of Python have captured one, whose handle no session reads, and a session reads the other, which
//! Python does not. Both say the same of themselves and have the same content. So what names the one in Python can name the
//! other, and then nothing reads the one.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::unread::{free_in_sessions, unread};
use super::{NotTaken, Parts, Stored};
use crate::edit::Splices;
use crate::edit::numbers::integer;
use crate::message::number::map_entry::VALUE;
use crate::message::number::meta_graph_def::OBJECT_GRAPH_DEF;
use crate::message::number::saved_concrete_function::BOUND_INPUTS;
use crate::message::number::saved_object_graph::CONCRETE_FUNCTIONS;
use crate::message::number::trackable_object_graph::trackable_object::object_reference::NODE_ID;
use crate::message::saved_object::Kind;
use crate::size::plural;
use crate::slim::objects::{Objects, position};
use crate::slim::program::{Program, programs};
use crate::slim::scope::Restored;
use crate::wire::{Field, WireType, append_varint, fields, varint};

/// Pairs become one, and then what nothing reads goes.
pub(super) fn twins(parts: &Parts, stored: &Stored<'_>) -> Result<Option<(Parts, String)>, NotTaken> {
    let programs = programs(&parts.main)?;
    let restored = programs.iter().map(Restored::of).collect::<Result<Vec<_>, _>>()?;
    let tracked = parts.tracked.as_ref().or(stored.tracked.as_ref());
    let Some(objects) = Objects::read(&programs, tracked.map(|bytes| &bytes[..]))? else { return Ok(None) };
    let instead = pairs(&programs, &restored, &objects, parts, stored);
    if instead.is_empty() {
        return Ok(None);
    }
    let mut edits = Splices::default();
    bound(&programs, &mut edits, &instead)?;
    for (at, (placed, object, _)) in objects.saved.iter().enumerate() {
        let path = placed.path();
        if instead.contains_key(&at) {
            edits.replace(&path, placed.field.payload(), Objects::empty())?;
            continue;
        }
        for child in object.children().chain(object.dependencies()) {
            if let Some(other) = instead.get(&position(child.node)) {
                renamed(&parts.main, &mut edits, &path, child.field, *other)?;
            }
        }
    }
    let main = parts.main.edited(&edits).ok_or(NotTaken::Lengths)?;
    let tied = |object: usize| objects.tied.get(object).copied().flatten();
    let of_tracked: HashMap<usize, usize> =
        instead.iter().filter_map(|(one, other)| Some((tied(*one)?, tied(*other)?))).collect();
    let (mut edits, graph) = (Splices::default(), tracked.cloned().unwrap_or_default());
    for object in &objects.tracked {
        for (field, node, _) in &object.children {
            if let Some(other) = of_tracked.get(&position(*node)) {
                renamed(&graph, &mut edits, &[object.field], *field, *other)?;
            }
        }
    }
    let tracked = graph.edited(&edits).ok_or(NotTaken::Lengths)?;
    let merged = Parts { main, gone: parts.gone.clone(), tracked: Some(tracked) };
    let count = plural(instead.len() as u64, "variable", "variables");
    let words = format!("{count} that were stored for Python again");
    Ok(unread(&merged, stored)?.map(|(parts, _)| (parts, words)))
}

/// By the object that Python has the one that it can have instead.
fn pairs(
    programs: &[Program<'_>],
    restored: &[Restored<'_>],
    objects: &Objects<'_, '_>,
    parts: &Parts,
    stored: &Stored<'_>,
) -> BTreeMap<usize, usize> {
    let set = restored.iter().flat_map(|restored| restored.keys_of(restored.setters.iter()));
    let set: HashSet<Vec<u8>> = set.map(<[u8]>::to_vec).collect();
    let free = free_in_sessions(programs, restored, set.clone());
    let tensors: HashMap<&str, usize> =
        stored.tensors.iter().enumerate().map(|(at, tensor)| (&*tensor.key, at)).collect();
    let unread = objects.unread(stored.layers(), &|_| false);
    let slots: HashSet<usize> = objects
        .saved
        .iter()
        .flat_map(|(_, object, _)| {
            object.slots().flat_map(|(_, one, other)| [position(one), position(other)]).collect::<Vec<_>>()
        })
        .collect();
    // What a variable says of itself, its type, shape and content: the one that a session reads.
    let (mut read, mut captured) = (HashMap::<_, Vec<usize>>::new(), Vec::new());
    for (at, (_, _, kind)) in objects.saved.iter().enumerate() {
        let Kind::Variable(variable) = kind else { continue };
        let mut keys = objects.keys(at);
        let (Some(key), None, false) = (keys.next(), keys.next(), slots.contains(&at)) else { continue };
        let Some(tensor) = std::str::from_utf8(key).ok().and_then(|key| tensors.get(key)).copied() else { continue };
        let Some(of_tensor) = stored.tensors.get(tensor).filter(|_| !parts.gone.contains(&tensor)) else { continue };
        let Some(content) = stored.content(of_tensor).filter(|_| set.contains(key)) else { continue };
        let says: Vec<&[u8]> = variable.payloads().filter_map(|range| objects.file.get(range)).collect();
        let same = (says, of_tensor.dtype, of_tensor.shape.clone(), content);
        if objects.captured.contains(&(at as u64)) && free.contains(key) {
            captured.push((at, same));
        } else if unread.contains(&at) && !free.contains(key) {
            read.entry(same).or_default().push(at);
        }
    }
    let mut instead = BTreeMap::new();
    read.values_mut().for_each(|objects| objects.reverse());
    for (at, same) in captured {
        if let Some(other) = read.get_mut(&same).and_then(Vec::pop) {
            instead.insert(at, other);
        }
    }
    instead
}

/// Functions have captured the other one.
fn bound(programs: &[Program<'_>], edits: &mut Splices, instead: &BTreeMap<usize, usize>) -> Result<(), NotTaken> {
    let other = |node: u64| instead.get(&position(node)).map_or(node, |other| *other as u64);
    for program in programs {
        let file = program.file;
        for section in program.sections(OBJECT_GRAPH_DEF) {
            for entry in fields(file, section.payload()).filter(|field| field.is_len(CONCRETE_FUNCTIONS)) {
                for value in fields(file, entry.payload()).filter(|field| field.is_len(VALUE)) {
                    for bound in fields(file, value.payload()).filter(|field| field.number == BOUND_INPUTS) {
                        let mut written = Vec::new();
                        let mut rest = bound.bytes(file);
                        while let Some((node, width)) = varint(rest) {
                            append_varint(&mut written, other(node));
                            rest = rest.get(width..).unwrap_or_default();
                        }
                        if written == bound.bytes(file) {
                            continue;
                        }
                        let mut path = vec![program.meta, section, entry, value];
                        if bound.wire_type == WireType::Len {
                            path.push(bound);
                        }
                        edits.replace(&path, bound.payload(), written)?;
                    }
                }
            }
        }
    }
    Ok(())
}

/// A reference names another object.
fn renamed(file: &[u8], edits: &mut Splices, path: &[Field], reference: Field, other: usize) -> Result<(), NotTaken> {
    let path: Vec<Field> = path.iter().copied().chain([reference]).collect();
    let is_id = |field: &Field| field.number == NODE_ID && field.wire_type == WireType::Varint;
    for field in fields(file, reference.payload()).filter(is_id) {
        edits.replace(&path, field.payload(), integer(other as u64))?;
    }
    Ok(())
}
