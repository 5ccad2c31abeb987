//! Functions that do the same become one, as a tracer makes a function anew for each of a layer's methods.
//!
//! Calls of the others call that one. A function that Python has by itself stays, unless another has the same signature and has
//! captured the same, and whoever has the one says the same of it as who has the other. Bodies of loops and branches stay apart, as
//! TensorFlow Lite's converter wants one for each. What may run in each other's place on some device becomes one as a whole.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};

use super::instead::{By, Named, replaced};
use super::{NotTaken, Parts};
use crate::slim::program::Program;
use crate::slim::structure::Structures;

/// Functions go that do what others do.
pub(super) fn fold(parts: &Parts) -> Result<Option<(Parts, String)>, NotTaken> {
    replaced(
        parts,
        others,
        By::CallsAndObjects,
        ["function that does what another does", "functions that do what others do"],
    )
}

/// For functions that do the same, the one that stays.
fn others<'f>(program: &Program<'f>) -> HashMap<&'f [u8], &'f [u8]> {
    let (structures, named) = (Structures::of(program), Named::of(program));
    let mut instead = HashMap::new();
    let name = |function: usize| program.functions.get(function).map(|function| function.name);
    // By what they do, and by what Python has of them.
    let mut kept: HashMap<(u128, Option<usize>), &[u8]> = HashMap::new();
    let candidates: Vec<(u128, &[u8])> = (0..program.functions.len())
        .filter(|function| !structures.has_interface(*function))
        .filter_map(|function| Some((structures.alone(function)?, name(function)?)))
        .filter(|(_, name)| named.is_only_called(name))
        .collect();
    let is_concrete = |name: &[u8]| named.concrete.get(name).copied();
    // Those that Python has stay, so they are first.
    let (first, second): (Vec<_>, Vec<_>) =
        candidates.into_iter().partition(|(_, name)| named.concrete.contains_key(name));
    for (structure, name) in first.into_iter().chain(second) {
        match kept.entry((structure, is_concrete(name))) {
            Entry::Occupied(one) => _ = instead.insert(name, *one.get()),
            Entry::Vacant(none) => _ = none.insert(name),
        }
        if let Some(number) = is_concrete(name) {
            let one = kept.get(&(structure, Some(number))).copied().unwrap_or(name);
            kept.entry((structure, None)).or_insert(one);
        }
    }
    interfaces(program, &structures, &named, &mut instead);
    instead
}

/// Interfaces of which all functions do the same become one.
fn interfaces<'f>(
    program: &Program<'f>,
    structures: &Structures,
    named: &Named<'f>,
    instead: &mut HashMap<&'f [u8], &'f [u8]>,
) {
    let members = |interface: usize| -> Option<BTreeMap<u128, &'f [u8]>> {
        let of = structures.interfaces.get(interface)?;
        let with_name = |member: &usize| Some((structures.alone(*member)?, program.functions.get(*member)?.name));
        let members: BTreeMap<u128, &[u8]> = of.iter().map(with_name).collect::<Option<_>>()?;
        // Two that do the same within one are no reason to take either.
        let is_clear = members.len() == of.len();
        (is_clear && members.values().all(|name| named.is_only_called(name))).then_some(members)
    };
    let is_concrete = |members: &BTreeMap<u128, &[u8]>| members.values().any(|name| named.concrete.contains_key(name));
    let all = (0..structures.interfaces.len())
        .filter_map(|interface| Some((structures.of_interface(interface)?, members(interface)?)));
    let (first, second): (Vec<_>, Vec<_>) = all.partition(|(_, members)| is_concrete(members));
    let mut kept: HashMap<u128, Vec<&[u8]>> = HashMap::new();
    for (structure, members) in first.into_iter().chain(second) {
        let names: Vec<&[u8]> = members.values().copied().collect();
        match kept.entry(structure) {
            Entry::Occupied(one) if !is_concrete(&members) => {
                instead.extend(names.into_iter().zip(one.get().iter().copied()));
            }
            Entry::Occupied(_) => {}
            Entry::Vacant(none) => _ = none.insert(names),
        }
    }
}
