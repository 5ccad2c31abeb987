//! What a program gets that loads a model: the objects of both models, joined by the names that lead to them from the root.
//!
//! Objects are held against each other in pairs. Where a name leads on from both, what it leads to is a pair as well; so is what two
//! functions have captured. An object of the model may be in several pairs, as two variables may have become one.

mod facts;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use foldhash::{HashMap, HashMapExt as _, HashSet, HashSetExt as _};

use super::graph::Graph;
use super::tensors::Tensors;
use super::{Reasons, revived};
use crate::proto::saved_object::Kind;
use crate::proto::trackable_object_graph::trackable_object::ObjectReference;
use crate::proto::{SavedConcreteFunction, SavedObject, SavedObjectGraph, SavedUserObject, TrackableObjectGraph};
use crate::slim::Wanted;
use crate::slim::proof::Promise;

/// The child of the root that holds the signatures.
const SIGNATURES: &str = "signatures";

/// The objects of one model, and what it has for them.
pub(super) struct Side<'a, 'f> {
    pub(super) objects: &'a SavedObjectGraph,
    pub(super) tracked: Option<&'a TrackableObjectGraph>,
    pub(super) graph: &'a Graph<'f>,
    pub(super) tensors: &'a Tensors<'a>,
}

/// The children of objects that a program must find.
pub(super) struct Needs<'a> {
    pub(super) promise: Promise,
    /// What is to be served.
    pub(super) wanted: &'a Wanted,
    /// The objects that are listed in keras_metadata.pb, where that is kept.
    pub(super) keras: BTreeSet<usize>,
}

/// A pair of objects: that of the model and that of the result.
type Pair = (usize, usize);

struct Objects<'a, 'f> {
    old: &'a Side<'a, 'f>,
    new: &'a Side<'a, 'f>,
    needs: &'a Needs<'a>,
    /// The objects of the checkpoint's graph that each object is.
    saved: [Vec<Vec<usize>>; 2],
    /// From which objects of the model a function or a listed object can be reached.
    leads_on: Vec<bool>,
    seen: HashSet<Pair>,
    open: VecDeque<Pair>,
    functions: HashSet<(&'a str, &'a str)>,
    /// The objects of the model that are maps of signatures.
    maps: BTreeSet<usize>,
    /// Where the tensors of functions are that objects name.
    places: [facts::Places<'a, 'f>; 2],
    /// The children that lead to functions which are asked for, by their parents.
    asked: HashSet<(usize, String)>,
    /// The objects of the model that functions have captured.
    bound: BTreeSet<usize>,
    /// The functions of the model that have lost traces, and those that must have all: that are asked for, or make, save and restore
    /// something.
    fewer: BTreeSet<usize>,
    whole: BTreeSet<usize>,
    /// Nodes of the graph that objects are.
    nodes: Vec<&'a str>,
    reasons: &'a mut Reasons,
}

/// Holds the objects of two models against each other. Returns the nodes of the graph that some of them are.
pub(super) fn hold<'a>(
    old: &'a Side<'a, '_>,
    new: &'a Side<'a, '_>,
    needs: &'a Needs<'a>,
    also: &[(&'a str, &'a str)],
    reasons: &'a mut Reasons,
) -> Vec<&'a str> {
    let saved = [old, new].map(|side| facts::saved(&side.objects.nodes, side.tracked));
    let leads_on = facts::leads_on(&old.objects.nodes, &needs.keras);
    let (asked, whole) = facts::asked(old.objects, &needs.wanted.functions);
    let of_root = old.objects.nodes.first().into_iter().flat_map(|root| &root.children);
    let maps = of_root.filter(|it| it.local_name == SIGNATURES).filter_map(|it| usize::try_from(it.node_id).ok());
    let mut objects = Objects {
        old,
        new,
        needs,
        saved,
        leads_on,
        seen: HashSet::new(),
        open: VecDeque::new(),
        functions: HashSet::new(),
        maps: maps.collect(),
        places: Default::default(),
        asked,
        bound: BTreeSet::new(),
        fewer: BTreeSet::new(),
        whole,
        nodes: Vec::new(),
        reasons,
    };
    objects.all_named();
    objects.push(0, 0);
    needs.keras.iter().for_each(|listed| objects.push(*listed, *listed));
    // A function may be asked for by its own name as well.
    let by_name = needs.wanted.functions.iter().filter(|name| old.objects.concrete_functions.contains_key(*name));
    by_name.for_each(|name| objects.function(name, name));
    also.iter().for_each(|(before, after)| objects.function(before, after));
    objects.run();
    objects.lost_traces();
    objects.merged();
    objects.shared();
    revived::hold(old.objects, new.objects, objects.seen.iter().copied(), objects.reasons);
    objects.nodes
}

impl<'a> Objects<'a, '_> {
    /// A loader makes all objects and all functions, whether a name leads to them or not: what they name has to be there.
    fn all_named(&mut self) {
        let (old, new) = (self.old.objects, self.new.objects);
        let kind = |graph: &SavedObjectGraph, number: i32| {
            let node = usize::try_from(number).ok().and_then(|number| graph.nodes.get(number))?;
            Some(node.kind.as_ref().map(std::mem::discriminant))
        };
        for (name, function) in &new.concrete_functions {
            let is_there = |side: &Side<'_, '_>| side.graph.library.digest(name.as_bytes()).is_some();
            if !old.concrete_functions.contains_key(name) || is_there(self.old) && !is_there(self.new) {
                self.reasons.add(|| format!("the function {name} is not there any more"));
            }
            let captured = &function.bound_inputs;
            if captured.iter().any(|number| kind(new, *number).is_none() || kind(new, *number) != kind(old, *number)) {
                self.reasons.add(|| format!("the function {name} has captured what is not there any more"));
            }
        }
        let functions = |object: &SavedObject| match &object.kind {
            Some(Kind::Function(function)) => function.concrete_functions.clone(),
            Some(Kind::BareConcreteFunction(function)) => vec![function.concrete_function_name.clone()],
            Some(Kind::CapturedTensor(tensor)) => vec![tensor.concrete_function.clone()],
            _ => Vec::new(),
        };
        for (number, object) in new.nodes.iter().enumerate() {
            for name in functions(object) {
                if old.concrete_functions.contains_key(&name) && !new.concrete_functions.contains_key(&name) {
                    self.reasons
                        .add(|| format!("the object {number} is the function {name}, which is not there any more"));
                }
            }
            let references = object.children.iter().chain(&object.dependencies).map(|reference| reference.node_id);
            let slots = object.slot_variables.iter();
            let slots = slots.flat_map(|slot| [slot.original_variable_node_id, slot.slot_variable_node_id]);
            if references.chain(slots).any(|number| kind(new, number).is_none() && kind(old, number).is_some()) {
                self.reasons.add(|| format!("the object {number} has a child that is not there any more"));
            }
        }
    }

    fn push(&mut self, before: usize, after: usize) {
        if self.seen.insert((before, after)) {
            self.open.push_back((before, after));
        }
    }

    fn run(&mut self) {
        // Two variables may have become one, and few others; anything else is no small change.
        let most = self.old.objects.nodes.len().saturating_mul(4).saturating_add(64);
        while let Some((before, after)) = self.open.pop_front() {
            if self.seen.len() > most {
                self.reasons.add(|| "objects have too many paths".to_owned());
            }
            if self.reasons.is_full() || self.seen.len() > most {
                return;
            }
            let (old, new) = (self.old.objects, self.new.objects);
            match (old.nodes.get(before), new.nodes.get(after)) {
                (None, None) => {}
                (Some(one), Some(other)) => self.pair((before, one), (after, other)),
                _ => self.reasons.add(|| format!("the object {before} is not there any more")),
            }
        }
    }

    fn pair(&mut self, (before, old): (usize, &'a SavedObject), (after, new): (usize, &'a SavedObject)) {
        let names = |object: &SavedObject| {
            let object = object.clone();
            (object.registered_name, object.serialized_user_proto, object.registered_saver)
        };
        if !self.is_same_kind(before, old, new) || names(old) != names(new) {
            self.reasons.add(|| format!("the object {before} is another one"));
            return;
        }
        let (was, is) = (self.content(0, before), self.content(1, after));
        let is_same = match (&was, &is) {
            (Some(was), Some(is)) => {
                was.len() == is.len()
                    && was
                        .iter()
                        .zip(is)
                        .all(|((name, one), (other, another))| name == other && self.is_same_tensor(one, another))
            }
            (None, None) => true,
            _ => false,
        };
        // A loader restores what names lead to; what none led to before, either.
        let is_led_to = |side: usize, object: usize| {
            self.saved.get(side).and_then(|all| all.get(object)).is_some_and(|it| !it.is_empty())
        };
        let is_lost = was.is_some_and(|was| !was.is_empty()) && is_led_to(0, before) && !is_led_to(1, after);
        if !is_same || is_lost {
            self.reasons.add(|| format!("the object {before} has another value, or none"));
        }
        self.children(before, &old.children, &new.children, true);
        self.children(before, &old.dependencies, &new.dependencies, false);
        self.saveables(before, old, new);
        self.slots(before, old, new);
    }

    fn is_same_tensor(&self, old: &str, new: &str) -> bool {
        self.old.tensors.is_same(old, self.new.tensors, new)
    }

    /// Whether two objects are of one kind, and the same but for the objects that they refer to.
    fn is_same_kind(&mut self, before: usize, old: &'a SavedObject, new: &'a SavedObject) -> bool {
        match (&old.kind, &new.kind) {
            (Some(Kind::Function(old)), Some(Kind::Function(new))) => {
                self.traces(before, &old.concrete_functions, &new.concrete_functions)
                    && old.function_spec == new.function_spec
            }
            (Some(Kind::BareConcreteFunction(old)), Some(Kind::BareConcreteFunction(new))) => {
                self.function(&old.concrete_function_name, &new.concrete_function_name);
                let spec = &old.function_spec;
                old.argument_keywords == new.argument_keywords
                    && old.allowed_positional_arguments == new.allowed_positional_arguments
                    && *spec == new.function_spec
            }
            (Some(Kind::CapturedTensor(old)), Some(Kind::CapturedTensor(new))) => {
                self.function(&old.concrete_function, &new.concrete_function);
                let [of_old, of_new] = &mut self.places;
                let was = of_old.find(&self.old.graph.library, &old.concrete_function, &old.name);
                let is = of_new.find(&self.new.graph.library, &new.concrete_function, &new.name);
                was == is && (was.is_some() || old.name == new.name)
            }
            (Some(Kind::Constant(old)), Some(Kind::Constant(new))) => {
                self.nodes.push(&old.operation);
                old == new
            }
            // What Keras says of a layer is for its own loader alone, which wants metadata that are in a file of their own as well.
            (Some(Kind::UserObject(old)), Some(Kind::UserObject(new)))
                if self.needs.promise == Promise::Signatures
                    && self.needs.keras.is_empty()
                    && new.metadata.is_empty()
                    && revived::is_of_keras(&old.identifier) =>
            {
                SavedUserObject { metadata: String::new(), ..(**old).clone() } == **new
            }
            (old, new) => old == new,
        }
    }

    /// Holds the traces of a function against each other, which stand in the same order. Where signatures are all that is
    /// promised some may have gone, and there has to be one: a function without any is another object.
    fn traces(&mut self, before: usize, old: &'a [String], new: &'a [String]) -> bool {
        if old.len() == new.len() {
            old.iter().zip(new).for_each(|(was, is)| self.function(was, is));
            return true;
        }
        if self.needs.promise != Promise::Signatures || new.is_empty() {
            return false;
        }
        self.fewer.insert(before);
        let mut rest = old.iter();
        new.iter().all(|is| {
            let found = rest.find(|was| *was == is);
            found.inspect(|was| self.function(was, is)).is_some()
        })
    }

    fn lost_traces(&mut self) {
        for object in self.fewer.intersection(&self.whole) {
            self.reasons.add(|| format!("the object {object} has lost traces of a function"));
        }
    }

    /// Holds two functions against each other: what they do, and what they have captured.
    fn function(&mut self, before: &'a str, after: &'a str) {
        if !self.functions.insert((before, after)) {
            return;
        }
        let (was, is) =
            (self.old.graph.library.digest(before.as_bytes()), self.new.graph.library.digest(after.as_bytes()));
        let (old, new): (&BTreeMap<String, SavedConcreteFunction>, _) =
            (&self.old.objects.concrete_functions, &self.new.objects.concrete_functions);
        match (old.get(before), new.get(after)) {
            (None, None) => {}
            (Some(one), Some(other)) => {
                let shape =
                    |of: &SavedConcreteFunction| SavedConcreteFunction { bound_inputs: Vec::new(), ..of.clone() };
                if shape(one) != shape(other) || one.bound_inputs.len() != other.bound_inputs.len() {
                    self.reasons.add(|| format!("the function {before} takes or gives something else"));
                }
                for (was, is) in one.bound_inputs.iter().zip(&other.bound_inputs) {
                    match (usize::try_from(*was), usize::try_from(*is)) {
                        (Ok(was), Ok(is)) => {
                            self.bound.insert(was);
                            self.push(was, is);
                        }
                        _ if was == is => {}
                        _ => self.reasons.add(|| format!("the function {before} has captured something else")),
                    }
                }
            }
            _ => self.reasons.add(|| format!("what the function {before} has captured is not said any more")),
        }
        if was != is {
            self.reasons.add(|| format!("the function {before} does something else"));
        }
    }

    /// Holds names that lead on from an object against those of the other one. They stand in the same order.
    fn children(&mut self, before: usize, old: &'a [ObjectReference], new: &'a [ObjectReference], is_child: bool) {
        let mut rest = new.iter().peekable();
        let kind = self.old.objects.nodes.get(before).and_then(|object| object.kind.as_ref());
        // What functions have captured may be made, filled and read by functions of its own.
        let is_whole = matches!(kind, Some(Kind::Resource(_))) || self.bound.contains(&before);
        for reference in old {
            let Ok(was) = usize::try_from(reference.node_id) else { continue };
            if is_whole {
                self.whole.insert(was);
            }
            match rest.next_if(|next| next.local_name == reference.local_name) {
                Some(next) => match usize::try_from(next.node_id) {
                    Ok(is) => self.push(was, is),
                    Err(_) => self.reasons.add(|| format!("the object {before} has children that are none")),
                },
                None if self.may_go(before, &reference.local_name, was) => {}
                None if !is_child && !self.leads_on.get(was).is_some_and(|leads| *leads) => {}
                None => {
                    let name = &reference.local_name;
                    self.reasons.add(|| format!("the object {before} has no {name} any more"));
                }
            }
        }
        if rest.next().is_some() {
            self.reasons.add(|| format!("the object {before} has a child that it had not"));
        }
    }

    /// Whether a child of an object of the model may go, at what is promised.
    fn may_go(&self, parent: usize, name: &str, child: usize) -> bool {
        let of = |number: usize| self.old.objects.nodes.get(number).and_then(|object| object.kind.as_ref());
        // A table is made and filled by functions of its own.
        if matches!(of(parent), Some(Kind::Resource(_))) {
            return false;
        }
        if self.needs.keras.contains(&parent) && matches!(of(child), Some(Kind::Variable(_))) {
            return false;
        }
        match self.needs.promise {
            Promise::Same => false,
            Promise::Callables => !self.leads_on.get(child).is_some_and(|leads| *leads),
            Promise::Signatures => {
                let is_map = self.maps.contains(&parent);
                let is_kept = self.needs.wanted.keeps(name.as_bytes());
                let is_asked = self.asked.contains(&(parent, name.to_owned()));
                !(parent == 0 && name == SIGNATURES || is_map && is_kept || is_asked)
            }
        }
    }

    /// The functions by which an object is saved and restored.
    fn saveables(&mut self, before: usize, old: &'a SavedObject, new: &'a SavedObject) {
        if !old.saveable_objects.keys().eq(new.saveable_objects.keys()) {
            self.reasons.add(|| format!("the object {before} is saved otherwise"));
            return;
        }
        for (was, is) in old.saveable_objects.values().zip(new.saveable_objects.values()) {
            for (was, is) in [(was.save_function, is.save_function), (was.restore_function, is.restore_function)] {
                match (usize::try_from(was), usize::try_from(is)) {
                    (Ok(was), Ok(is)) => {
                        self.whole.insert(was);
                        self.push(was, is);
                    }
                    _ if was == is => {}
                    _ => self.reasons.add(|| format!("the object {before} is saved otherwise")),
                }
            }
        }
    }

    /// The variables that an optimizer keeps for others: all of them, or none.
    fn slots(&mut self, before: usize, old: &'a SavedObject, new: &'a SavedObject) {
        let (was, is) = (&old.slot_variables, &new.slot_variables);
        if is.is_empty() && self.needs.promise != Promise::Same {
            return;
        }
        if was.len() != is.len() {
            self.reasons.add(|| format!("the object {before} has some of its slot variables"));
            return;
        }
        for (was, is) in was.iter().zip(is) {
            let ids = [
                (was.original_variable_node_id, is.original_variable_node_id),
                (was.slot_variable_node_id, is.slot_variable_node_id),
            ];
            for (was, is) in ids {
                match (usize::try_from(was), usize::try_from(is)) {
                    (Ok(was), Ok(is)) => self.push(was, is),
                    _ => self.reasons.add(|| format!("the object {before} has slot variables that are none")),
                }
            }
            if was.slot_name != is.slot_name {
                self.reasons.add(|| format!("the object {before} has other slot variables"));
            }
        }
    }

    /// The keys of an object's values, with the names of these; `None` where no checkpoint has any for it.
    fn content(&self, side: usize, object: usize) -> Option<Vec<(&'a str, &'a str)>> {
        let tracked = if side == 0 { self.old.tracked } else { self.new.tracked }?;
        // One that no name leads to has the number of its values.
        let own = [object];
        let saved = Some(&**self.saved.get(side)?.get(object)?).filter(|saved| !saved.is_empty()).unwrap_or(&own);
        let nodes = saved.iter().filter_map(|node| tracked.nodes.get(*node));
        let attributes = nodes.flat_map(|node| &node.attributes);
        let mut content: Vec<(&str, &str)> = attributes.map(|it| (&*it.name, &*it.checkpoint_key)).collect();
        content.sort_unstable();
        content.dedup();
        Some(content).filter(|content| {
            !content.is_empty() || !self.saved.get(side).and_then(|saved| saved.get(object)).is_none_or(Vec::is_empty)
        })
    }

    /// Of functions that have become one all who have one said the same of it.
    fn shared(&mut self) {
        let mut numbers = HashMap::new();
        let [was, is] = [self.old, self.new].map(|side| facts::said_by_holders(side.objects, &mut numbers));
        for (name, said) in is.iter().filter(|(_, said)| said.len() > 1) {
            if !was.get(name).is_some_and(|before| said.is_subset(before)) {
                self.reasons.add(|| format!("the function {name} is called in several ways, and was not"));
            }
        }
    }

    /// Of variables that have become one at most one is captured: whoever writes to it writes to what the others read.
    fn merged(&mut self) {
        let mut of: HashMap<usize, BTreeSet<usize>> = HashMap::new();
        for (before, after) in &self.seen {
            let is_variable =
                matches!(self.old.objects.nodes.get(*before).and_then(|it| it.kind.as_ref()), Some(Kind::Variable(_)));
            if is_variable {
                of.entry(*after).or_default().insert(*before);
            }
        }
        for (after, before) in of {
            if before.iter().filter(|it| self.bound.contains(it)).count() > 1 {
                self.reasons.add(|| format!("functions share the variable {after} that had one each"));
            }
        }
    }
}
