//! Tensors of one content under two keys, of which one is enough: what needs them would get the same value from either.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use foldhash::{HashMap, HashSet};

use super::Context;
use super::variables::{Variables, is_numeric};
use crate::checkpoint::Tensor;
use crate::input::{Source, Stretches};

/// From this size on equal contents are taken for copies whatever they are called, unless they are all zero. Smaller
/// ones, and zeros, may be equal by chance, and are copies where they have one name as well. As `--min-duplicate` is.
const TELLING: u64 = 1 << 10;

/// A tensor that another one makes superfluous.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Copy {
    pub(super) tensor: usize,
    /// The one that is enough.
    pub(super) kept: usize,
}

/// The tensors that no session restores into what is reached, and that have the content of one that a session does; those
/// that nothing needs at all, and that have the content of one that something needs; and of those that a session restores
/// into one variable, and that have one content, all but one.
///
/// Python and a session may each be bound to a copy of their own, as in what Keras 3's `model.export()` writes; that of
/// tf_keras tracks each variable of a mixed precision model and the variable that this one wraps.
pub(super) fn of_bound(context: &Context<'_>, variables: &Variables<'_>) -> Vec<Copy> {
    let mut classes: BTreeMap<(i32, u64, u32, &[i64]), Vec<usize>> = BTreeMap::new();
    // A tensor without bytes of its own, which are another key's as well, is none that is stored twice.
    let has_own = |tensor: usize, about: &Tensor| about.bytes > 0 && context.data_bytes(tensor) == about.bytes;
    let of_data = variables.all().filter(|(tensor, about)| is_numeric(about) && has_own(*tensor, about));
    for (tensor, about) in of_data.filter(|(_, about)| about.slice_of.is_none() && about.crc32c != 0) {
        classes.entry((about.dtype, about.bytes, about.crc32c, &about.shape)).or_default().push(tensor);
    }
    classes.retain(|_, class| class.len() > 1);
    let groups = if classes.is_empty() { HashMap::default() } else { groups(context) };
    let mut contents = Contents { context, files: HashMap::default() };
    let mut copies = Vec::new();
    for class in classes.values() {
        let rank = |tensor: usize| match (variables.is_bound_by_graph(tensor), variables.is_bound(tensor)) {
            (true, _) => 2,
            (false, true) => 1,
            (false, false) => 0,
        };
        let Some(best) = class.iter().map(|tensor| rank(*tensor)).max().filter(|best| *best > 0) else { continue };
        let kept: Vec<usize> = class.iter().copied().filter(|tensor| rank(*tensor) == best).collect();
        for tensor in &kept {
            let found = in_its_place(variables, &kept, *tensor);
            let found = found.filter(|other| contents.are_equal(variables, *other, *tensor));
            copies.extend(found.map(|kept| Copy { tensor: *tensor, kept }));
        }
        let mut by_name: HashMap<&str, usize> = HashMap::default();
        for tensor in &kept {
            by_name.entry(variables.name(*tensor)).or_insert(*tensor);
        }
        let keys: HashSet<&str> = kept.iter().map(|tensor| key(variables, *tensor)).collect();
        for tensor in class.iter().copied().filter(|tensor| rank(*tensor) < best) {
            // What training keeps of a variable is no second place for it, whatever its value is.
            if is_slot(key(variables, tensor), &keys) {
                continue;
            }
            let named = by_name.get(variables.name(tensor)).copied();
            // A group has no zeros in it.
            let is_grouped =
                |kept: &usize| matches!((groups.get(kept), groups.get(&tensor)), (Some(a), Some(b)) if a == b);
            let found = match named {
                Some(kept) => (is_grouped(&kept) || contents.are_equal(variables, tensor, kept)).then_some(kept),
                None => kept.first().copied().filter(|kept| size(variables, *kept) >= TELLING && is_grouped(kept)),
            };
            copies.extend(found.map(|kept| Copy { tensor, kept }));
        }
    }
    copies.sort_by_key(|copy| copy.tensor);
    copies
}

/// The tensor of a sorted class that makes another one of it superfluous, as a session restores both into the same
/// variables: the one that a function has captured, else the first.
fn in_its_place(variables: &Variables<'_>, class: &[usize], tensor: usize) -> Option<usize> {
    let rank = |tensor: usize| (variables.is_captured(tensor), Reverse(tensor));
    let others = variables.stand_ins(tensor).iter().copied().filter(|other| class.binary_search(other).is_ok());
    others.max_by_key(|other| rank(*other)).filter(|other| rank(*other) > rank(tensor))
}

/// A slot is called by so many words behind its variable at most: `Adam_1`, `part_0/ExponentialMovingAverage`.
const WORDS_OF_SLOT: usize = 8;

/// Whether a key is that of a slot of one of these variables: TensorFlow 1 names a moment or an average after the variable that
/// it is of, `kernel/ExponentialMovingAverage` (tensorflow/python/training/slot_creator.py).
fn is_slot(key: &str, variables: &HashSet<&str>) -> bool {
    let ends = key.rmatch_indices('/').map(|(end, _)| key.split_at(end)).take(WORDS_OF_SLOT);
    ends.take_while(|(_, rest)| !rest.starts_with("/.")).any(|(variable, _)| variables.contains(variable))
}

fn key<'v>(variables: &Variables<'v>, tensor: usize) -> &'v str {
    variables.tensors.get(tensor).map_or("", |tensor| &*tensor.key)
}

fn size(variables: &Variables<'_>, tensor: usize) -> u64 {
    variables.tensors.get(tensor).map_or(0, |tensor| tensor.bytes)
}

/// The group of equal contents that each tensor is in, as far as contents were compared.
fn groups(context: &Context<'_>) -> HashMap<usize, usize> {
    let groups = context.duplicates.groups.iter().enumerate();
    groups.flat_map(|(number, group)| group.tensors().map(move |tensor| (tensor.position(), number))).collect()
}

/// The data files, opened once each.
struct Contents<'c, 'a> {
    context: &'c Context<'a>,
    files: HashMap<u32, Option<Source>>,
}

impl Contents<'_, '_> {
    fn are_equal(&mut self, variables: &Variables<'_>, a: usize, b: usize) -> bool {
        let mut content = |tensor: usize| variables.tensors.get(tensor).and_then(|tensor| self.of(tensor));
        matches!((content(a), content(b)), (Some(a), Some(b)) if a == b)
    }

    fn of(&mut self, tensor: &Tensor) -> Option<Stretches> {
        let range = tensor.range()?;
        let context = self.context;
        let shard = self.files.entry(tensor.shard).or_insert_with(|| {
            let file = context.checkpoint?.shard(tensor.shard)?;
            context.model.file(&file.path)?.open().ok()
        });
        // What cannot be read is noted by the model.
        shard.as_ref()?.stretches(range).ok()?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_called_by_words_behind_its_variable() {
        let variables = HashSet::from_iter(["a/kernel", "b"]);
        for (key, is) in [
            ("a/kernel/Adam_1", true),
            ("a/kernel/part_0/ExponentialMovingAverage", true),
            ("b/Adam", true),
            ("a/kernel", false),
            ("a/kernel2/Adam", false),
            ("a/kernel/.ATTRIBUTES/VARIABLE_VALUE", false),
            ("a/kernel/m/.ATTRIBUTES/VARIABLE_VALUE", false),
            ("a/bias/Adam", false),
            ("b/1/2/3/4/5/6/7/8/9", false),
            ("", false),
        ] {
            assert_eq!(is_slot(key, &variables), is, "{key}");
        }
    }
}
