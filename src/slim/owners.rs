//! Which variables go together: an optimizer goes with all that is its own, or stays with it; and the variable that a slot is for
//! goes with the slot, or stays.
//!
//! An optimizer's own are its slots, its variables, and those of its lists, and so on. Lists may be shared, so they are gone through
//! once for all optimizers, and what stays is followed up to those that have it and down to all that these have: the work is that
//! of one walk.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

/// What an object is to an optimizer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Variable,
    /// Made of what the file says of it, and of nothing else.
    List,
    /// May be made by a class that wants the values of all of its variables.
    Optimizer,
    Other,
}

/// An object by its role, with the objects that it leads to.
#[derive(Debug)]
pub(super) struct Owner {
    pub(super) role: Role,
    pub(super) children: Vec<usize>,
    /// The variable that a slot is for, and the slot.
    pub(super) slots: Vec<(usize, usize)>,
}

/// The optimizers of a model, and what goes with each.
#[derive(Debug, Default)]
pub(super) struct Owners {
    optimizers: HashSet<usize>,
    /// Those of them, and of their lists, in which there is something of their own.
    with_own: HashSet<usize>,
    /// What optimizers and their lists have of their own, and the lists in them; and both reversed.
    own: Edges,
    lists: Edges,
    owners: Edges,
    above: Edges,
    /// The variables that a slot is for.
    of_slot: Edges,
    /// Optimizers that have something else as well, and so stay with all that they lead to.
    stay: HashSet<usize>,
}

type Edges = HashMap<usize, Vec<usize>>;

/// Where what stays leads: from an object to those that have it, up to an optimizer, and from there down to all that it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Place {
    Object(usize),
    Up(usize),
    Down(usize),
}

impl Owner {
    fn leads_to(&self) -> Vec<usize> {
        self.children.iter().copied().chain(self.slots.iter().map(|(_, slot)| *slot)).collect()
    }
}

impl Owners {
    pub(super) fn of(objects: &[Owner]) -> Self {
        let mut owners = Self::default();
        for (at, object) in objects.iter().enumerate() {
            object.slots.iter().for_each(|(original, slot)| add(&mut owners.of_slot, *slot, *original));
            if object.role == Role::Optimizer {
                owners.optimizers.insert(at);
            }
        }
        let (mut with_else, mut seen) = (Vec::new(), owners.optimizers.clone());
        let mut open: Vec<usize> = owners.optimizers.iter().copied().collect();
        while let Some(at) = open.pop() {
            let Some(object) = objects.get(at) else { continue };
            for (_, slot) in &object.slots {
                add_both(&mut owners.own, &mut owners.owners, at, *slot);
            }
            for child in object.children.iter().copied() {
                match objects.get(child).map(|child| child.role) {
                    Some(Role::Variable) => add_both(&mut owners.own, &mut owners.owners, at, child),
                    Some(Role::List) => {
                        add_both(&mut owners.lists, &mut owners.above, at, child);
                        open.extend(seen.insert(child).then_some(child));
                    }
                    Some(Role::Optimizer | Role::Other) | None => with_else.push(at),
                }
            }
        }
        owners.with_own = reached(owners.own.keys().copied().collect(), |at| of(&owners.above, at).to_vec());
        let with_else = reached(with_else, |at| of(&owners.above, at).to_vec());
        let first = owners.optimizers.intersection(&with_else).copied().collect();
        owners.stay = reached(first, |at| objects.get(at).map(Owner::leads_to).unwrap_or_default());
        owners
    }

    /// Leaves of some variables those that may go, and adds the optimizers that go with them.
    pub(super) fn whole(&self, gone: &mut HashSet<usize>) {
        let named = self.owners.keys().chain(self.of_slot.keys()).filter(|at| !gone.contains(at));
        let stay = named.chain(&self.stay).copied().map(Place::Object);
        let down = self.stay.intersection(&self.optimizers).copied().map(Place::Down);
        let reached = reached(stay.chain(down).collect(), |place| self.next(place));
        gone.retain(|object| !reached.contains(&Place::Object(*object)));
        let goes = |at: &&usize| self.with_own.contains(at) && !reached.contains(&Place::Down(**at));
        gone.extend(self.optimizers.iter().filter(goes));
    }

    fn next(&self, place: Place) -> Vec<Place> {
        let places = |edges: &Edges, at: usize, place: fn(usize) -> Place| -> Vec<Place> {
            of(edges, at).iter().copied().map(place).collect()
        };
        match place {
            Place::Object(at) => {
                [places(&self.owners, at, Place::Up), places(&self.of_slot, at, Place::Object)].concat()
            }
            Place::Up(at) if self.optimizers.contains(&at) => vec![Place::Down(at)],
            Place::Up(at) => places(&self.above, at, Place::Up),
            Place::Down(at) => [places(&self.own, at, Place::Object), places(&self.lists, at, Place::Down)].concat(),
        }
    }
}

fn add(edges: &mut Edges, from: usize, to: usize) {
    edges.entry(from).or_default().push(to);
}

fn add_both(edges: &mut Edges, back: &mut Edges, from: usize, to: usize) {
    add(edges, from, to);
    add(back, to, from);
}

fn of(edges: &Edges, at: usize) -> &[usize] {
    edges.get(&at).map_or(&[], Vec::as_slice)
}

/// All to which edges lead from some, these included.
fn reached<T: Copy + Eq + Hash>(mut open: Vec<T>, edges: impl Fn(T) -> Vec<T>) -> HashSet<T> {
    let mut reached: HashSet<T> = open.iter().copied().collect();
    while let Some(at) = open.pop() {
        open.extend(edges(at).into_iter().filter(|other| reached.insert(*other)));
    }
    reached
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What an optimizer has, by the definition; `None` where it has something else as well.
    fn own(objects: &[Owner], optimizer: usize) -> Option<HashSet<usize>> {
        let (mut own, mut seen, mut open) = (HashSet::new(), HashSet::from([optimizer]), vec![optimizer]);
        while let Some(object) = open.pop().map(|at| &objects[at]) {
            own.extend(object.slots.iter().map(|(_, slot)| *slot));
            for child in &object.children {
                match objects[*child].role {
                    Role::Variable => _ = own.insert(*child),
                    Role::List => open.extend(seen.insert(*child).then_some(*child)),
                    Role::Optimizer | Role::Other => return None,
                }
            }
        }
        Some(own)
    }

    /// What goes, by the definition: nothing is left out until nothing changes any more.
    fn whole(objects: &[Owner], mut gone: HashSet<usize>) -> HashSet<usize> {
        let optimizers: Vec<usize> = (0..objects.len()).filter(|at| objects[*at].role == Role::Optimizer).collect();
        loop {
            let before = gone.clone();
            for optimizer in &optimizers {
                match own(objects, *optimizer) {
                    Some(own) if own.is_subset(&gone) => {}
                    Some(own) => gone.retain(|object| !own.contains(object)),
                    None => {
                        let led = reached(vec![*optimizer], |at| objects[at].leads_to());
                        gone.retain(|object| !led.contains(object));
                    }
                }
            }
            for (original, slot) in objects.iter().flat_map(|object| &object.slots) {
                if !gone.contains(slot) {
                    gone.remove(original);
                }
            }
            if gone == before {
                break;
            }
        }
        let goes = |at: &usize| own(objects, *at).is_some_and(|own| !own.is_empty() && own.is_subset(&gone));
        let whole: Vec<usize> = optimizers.into_iter().filter(goes).collect();
        gone.extend(whole);
        gone
    }

    /// Mostly variables, lists and optimizers; variables have nothing below them, and slots are variables.
    fn drawn() -> impl Strategy<Value = Vec<Owner>> {
        use Role::{List, Optimizer, Other, Variable};
        let role = prop::sample::select(vec![Variable, Variable, Variable, List, List, Optimizer, Optimizer, Other]);
        let links = prop::collection::vec(0..12_usize, 0..4);
        let slots = prop::collection::vec((0..12_usize, 0..12_usize), 0..2);
        prop::collection::vec((role, links, slots), 12).prop_map(|drawn| {
            let roles: Vec<Role> = drawn.iter().map(|(role, ..)| *role).collect();
            let made = |(role, mut children, mut slots): (Role, Vec<usize>, Vec<(usize, usize)>)| {
                if role == Variable {
                    children.clear();
                }
                slots.retain(|(original, slot)| roles[*original] == Variable && roles[*slot] == Variable);
                Owner { role, children, slots }
            };
            drawn.into_iter().map(made).collect()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn what_goes_is_what_the_definition_says(objects in drawn(), some in prop::collection::vec(any::<bool>(), 12)) {
            let variables = (0..12).filter(|at| objects[*at].role == Role::Variable && some[*at]);
            let mut gone: HashSet<usize> = variables.collect();
            let expected = whole(&objects, gone.clone());
            Owners::of(&objects).whole(&mut gone);
            prop_assert_eq!(gone, expected);
        }
    }
}
