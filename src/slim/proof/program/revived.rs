//! Objects that a loader makes by a class which was registered for them, as Keras registers one for optimizers
//! (`tensorflow/python/saved_model/registration`, `revived_types.py`). Such a class makes its variables by itself, and a loader stops
//! where one of them has no value any more ("Python objects that were not bound"). So an object of that kind keeps all of its children
//! and those of its lists, or no name leads to it.

use foldhash::{HashMap, HashMapExt as _, HashSet, HashSetExt as _};

use super::Reasons;
use crate::message::constants::KERAS_OBJECT;
use crate::proto::saved_object::Kind;
use crate::proto::{SavedObject, SavedObjectGraph};

/// The identifiers of objects that are no more than their attributes (`tensorflow/python/saved_model/load.py`).
const ATTRIBUTES_ONLY: [&str; 6] = [
    "",
    "_generic_user_object",
    "signature_map",
    "trackable_dict_wrapper",
    "trackable_list_wrapper",
    "trackable_tuple_wrapper",
];

/// Whether an object is of Keras: made of its metadata, or no more than attributes without these.
pub(super) fn is_of_keras(identifier: &str) -> bool {
    identifier.as_bytes().starts_with(KERAS_OBJECT)
}

fn identifier(object: &SavedObject) -> Option<&str> {
    match &object.kind {
        Some(Kind::UserObject(user)) => Some(&user.identifier),
        _ => None,
    }
}

fn is_of_a_class(object: &SavedObject) -> bool {
    identifier(object).is_some_and(|name| !ATTRIBUTES_ONLY.contains(&name) && !is_of_keras(name))
}

/// Holds the children of such objects of the model against those of the result. `pairs` are the objects to which names lead.
pub(super) fn hold(
    old: &SavedObjectGraph,
    new: &SavedObjectGraph,
    pairs: impl Iterator<Item = (usize, usize)>,
    reasons: &mut Reasons,
) {
    let mut partners: HashMap<usize, Vec<usize>> = HashMap::new();
    pairs.for_each(|(before, after)| partners.entry(before).or_default().push(after));
    let object = |number: usize| old.nodes.get(number);
    let mut open: Vec<usize> =
        partners.keys().copied().filter(|number| object(*number).is_some_and(is_of_a_class)).collect();
    let mut seen = HashSet::new();
    while let Some(number) = open.pop() {
        let Some(before) = object(number).filter(|_| seen.insert(number)) else { continue };
        for after in partners.get(&number).into_iter().flatten() {
            // What is there has the same names, so as many are all.
            if new.nodes.get(*after).is_none_or(|after| after.children.len() != before.children.len()) {
                reasons.add(|| format!("the object {number} belongs to a class that wants all of its children"));
            }
        }
        let children = before.children.iter().filter_map(|child| usize::try_from(child.node_id).ok());
        open.extend(children.filter(|child| object(*child).is_some_and(|child| identifier(child).is_some())));
    }
}
