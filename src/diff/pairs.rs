//! Items of two lists matched in passes, each over what is left.
//!
//! A pass has a key for each item; by it items are looked up in a map, so no pass compares each with each. An item has at most one
//! partner. Which side is the old one decides nothing.

use std::hash::Hash;

use foldhash::HashMap;

/// Which item of one list is which of the other.
#[derive(Debug, Clone, Default)]
pub(super) struct Pairs {
    /// For each item of the old list its partner in the new one.
    old: Vec<Option<usize>>,
    /// For each item of the new list its partner in the old one.
    new: Vec<Option<usize>>,
}

impl Pairs {
    pub(super) fn new(old: usize, new: usize) -> Self {
        Self { old: vec![None; old], new: vec![None; new] }
    }

    /// Those that are matched, in the order of the old list.
    pub(super) fn matched(&self) -> impl Iterator<Item = (usize, usize)> {
        self.old.iter().enumerate().filter_map(|(old, new)| Some((old, (*new)?)))
    }

    /// Those of the old list that are not.
    pub(super) fn only_old(&self) -> impl Iterator<Item = usize> {
        unmatched(&self.old)
    }

    /// Those of the new list that are not.
    pub(super) fn only_new(&self) -> impl Iterator<Item = usize> {
        unmatched(&self.new)
    }

    /// Matches items of equal keys: of several the first with the first. What has no key is left.
    pub(super) fn in_order<K: Eq + Hash>(
        &mut self,
        old: impl Fn(usize) -> Option<K>,
        new: impl Fn(usize) -> Option<K>,
    ) {
        for (old, new) in self.groups(old, new) {
            old.into_iter().zip(new).for_each(|(old, new)| self.pair(old, new));
        }
    }

    /// Matches items whose key only one of each list has.
    pub(super) fn unique<K: Eq + Hash>(&mut self, old: impl Fn(usize) -> Option<K>, new: impl Fn(usize) -> Option<K>) {
        for group in self.groups(old, new) {
            if let ([old], [new]) = (&*group.0, &*group.1) {
                self.pair(*old, *new);
            }
        }
    }

    /// Matches items of equal keys in their order where it means nothing which is which: all of each list are of one class.
    pub(super) fn alike<K: Eq + Hash, C: PartialEq>(
        &mut self,
        old: impl Fn(usize) -> Option<(K, C)>,
        new: impl Fn(usize) -> Option<(K, C)>,
    ) {
        fn is_one<K, C: PartialEq>(group: &[usize], of: impl Fn(usize) -> Option<(K, C)>) -> bool {
            let mut classes = group.iter().filter_map(|at| of(*at)).map(|(_, class)| class);
            classes.next().is_none_or(|first| classes.all(|class| class == first))
        }
        for (olds, news) in self.groups(|at| old(at).map(|(key, _)| key), |at| new(at).map(|(key, _)| key)) {
            if is_one(&olds, &old) && is_one(&news, &new) {
                olds.into_iter().zip(news).for_each(|(old, new)| self.pair(old, new));
            }
        }
    }

    /// Matches, among items of equal keys, those that are nearest to each other in size, where no other one is as near.
    pub(super) fn nearest<K: Eq + Hash>(
        &mut self,
        old: impl Fn(usize) -> Option<(K, u64)>,
        new: impl Fn(usize) -> Option<(K, u64)>,
    ) {
        let groups = self.groups(|at| old(at).map(|(key, _)| key), |at| new(at).map(|(key, _)| key));
        let sorted = |group: Vec<usize>, size: &dyn Fn(usize) -> u64| {
            let mut sized: Vec<(u64, usize)> = group.into_iter().map(|at| (size(at), at)).collect();
            sized.sort_unstable();
            sized
        };
        for (olds, news) in groups {
            let olds = sorted(olds, &|at| old(at).map_or(0, |(_, size)| size));
            let news = sorted(news, &|at| new(at).map_or(0, |(_, size)| size));
            for (size, at) in &olds {
                let Some((partner_size, partner)) = one_nearest(*size, &news) else { continue };
                if one_nearest(partner_size, &olds).is_some_and(|(_, back)| back == *at) {
                    self.pair(*at, partner);
                }
            }
        }
    }

    fn pair(&mut self, old: usize, new: usize) {
        if let (Some(to_new @ None), Some(to_old @ None)) = (self.old.get_mut(old), self.new.get_mut(new)) {
            (*to_new, *to_old) = (Some(new), Some(old));
        }
    }

    /// What is left of both lists, by key, where both have any.
    fn groups<K: Eq + Hash>(
        &self,
        old: impl Fn(usize) -> Option<K>,
        new: impl Fn(usize) -> Option<K>,
    ) -> Vec<(Vec<usize>, Vec<usize>)> {
        let mut groups: HashMap<K, (Vec<usize>, Vec<usize>)> = HashMap::default();
        for (at, key) in self.only_old().filter_map(|at| Some((at, old(at)?))) {
            groups.entry(key).or_default().0.push(at);
        }
        for (at, key) in self.only_new().filter_map(|at| Some((at, new(at)?))) {
            if let Some(group) = groups.get_mut(&key) {
                group.1.push(at);
            }
        }
        groups.into_values().filter(|(_, new)| !new.is_empty()).collect()
    }
}

fn unmatched(partners: &[Option<usize>]) -> impl Iterator<Item = usize> {
    partners.iter().enumerate().filter(|(_, partner)| partner.is_none()).map(|(at, _)| at)
}

/// The one of a sorted list that is nearest to a size; none where two are as near.
fn one_nearest(size: u64, sorted: &[(u64, usize)]) -> Option<(u64, usize)> {
    let behind = sorted.partition_point(|(other, _)| *other < size);
    // Two on each side, as the nearest one of a side may be a duplicate.
    let around = sorted.get(behind.saturating_sub(2)..(behind + 2).min(sorted.len())).unwrap_or_default();
    let distance = |(other, _): &&(u64, usize)| other.abs_diff(size);
    let nearest = around.iter().min_by_key(distance)?;
    let as_near = around.iter().filter(|other| distance(other) == distance(&nearest)).count();
    (as_near == 1).then_some(*nearest)
}

/// A name without its counters: with nothing for each run of digits, and for the `_` before it.
pub(super) fn stem(name: &str) -> String {
    let mut stem = String::with_capacity(name.len());
    for c in name.chars() {
        if !c.is_ascii_digit() {
            stem.push(c);
        } else if stem.ends_with('_') {
            stem.pop();
        }
    }
    stem
}

#[cfg(test)]
mod tests {
    use super::*;

    type Pass = fn(&mut Pairs, &[(&str, u64)], &[(&str, u64)]);

    fn matched(old: &[(&str, u64)], new: &[(&str, u64)], pass: Pass) -> Vec<(usize, usize)> {
        let mut pairs = Pairs::new(old.len(), new.len());
        pass(&mut pairs, old, new);
        let mut turned = Pairs::new(new.len(), old.len());
        pass(&mut turned, new, old);
        let mut back: Vec<(usize, usize)> = turned.matched().map(|(new, old)| (old, new)).collect();
        back.sort_unstable();
        let pairs: Vec<(usize, usize)> = pairs.matched().collect();
        assert_eq!(pairs, back, "the same the other way round");
        pairs
    }

    fn nearest(pairs: &mut Pairs, old: &[(&str, u64)], new: &[(&str, u64)]) {
        let key = |list: &[(&str, u64)], at: usize| list.get(at).map(|(name, size)| ((*name).to_owned(), *size));
        pairs.nearest(|at| key(old, at), |at| key(new, at));
    }

    #[test]
    fn what_is_nearest_to_each_other_is_matched_and_a_tie_is_left() {
        assert_eq!(matched(&[("f", 10), ("f", 100)], &[("f", 99), ("f", 12), ("g", 10)], nearest), [(0, 1), (1, 0)]);
        assert_eq!(matched(&[("f", 10)], &[("f", 9), ("f", 11)], nearest), []);
        assert_eq!(matched(&[("f", 10)], &[("f", 10), ("f", 10)], nearest), []);
        assert_eq!(matched(&[("f", 10), ("f", 30)], &[("f", 12)], nearest), [(0, 0)]);
    }

    #[test]
    fn of_equal_keys_the_first_are_matched_or_none() {
        let name = |list: &[(&str, u64)], at: usize| list.get(at).map(|(name, _)| (*name).to_owned());
        let (old, new) = ([("f", 0), ("f", 0), ("g", 0)], [("g", 0), ("f", 0)]);
        assert_eq!(
            matched(&old, &new, |pairs, old, new| {
                let name = |list: &[(&str, u64)], at: usize| list.get(at).map(|(name, _)| (*name).to_owned());
                pairs.in_order(|at| name(old, at), |at| name(new, at));
            }),
            [(0, 1), (2, 0)]
        );
        let mut pairs = Pairs::new(3, 2);
        pairs.unique(|at| name(&old, at), |at| name(&new, at));
        assert_eq!(pairs.matched().collect::<Vec<_>>(), [(2, 0)]);
        assert_eq!((pairs.only_old().collect::<Vec<_>>(), pairs.only_new().collect::<Vec<_>>()), (vec![0, 1], vec![1]));
    }

    #[test]
    fn a_stem_has_no_counters() {
        assert_eq!(stem("__inference_lstm_cell_1_call_fn_123"), "__inference_lstm_cell_call_fn");
        assert_eq!(stem("f"), "f");
    }
}
