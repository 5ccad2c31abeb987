//! Names that many rows of a report share: each is kept once, and one that is very long is not written at every place.
//!
//! A file may have one name of a mebibyte, and a hundred thousand nodes in the function of that name. Kept once it takes a
//! mebibyte, but written for each of them it would still be a hundred gigabytes. So there is an allowance for what long names
//! take where they are written again; beyond that they are shortened. No model that a library wrote comes near it.

use std::borrow::Cow;
use std::hash::Hash;
use std::sync::Arc;

use foldhash::HashMap;
use xxhash_rust::xxh3::xxh3_64;

use crate::escape::shortened;

/// A name of more bytes than this is a long one.
pub(crate) const LONG: usize = 4 << 10;

/// What long names may take where they are written again, in bytes.
const ALLOWANCE: usize = 64 << 20;

/// Names by what they are of.
#[derive(Debug)]
pub(crate) struct SharedNames<K> {
    known: HashMap<K, Known>,
    left: usize,
}

#[derive(Debug)]
struct Known {
    name: Arc<str>,
    short: Option<Arc<str>>,
}

impl<K> Default for SharedNames<K> {
    fn default() -> Self {
        Self { known: HashMap::default(), left: ALLOWANCE }
    }
}

impl<K: Eq + Hash> SharedNames<K> {
    /// The name of `of`, which `name` makes the first time that it is asked for.
    pub(crate) fn get(&mut self, of: K, name: impl FnOnce() -> Arc<str>) -> Arc<str> {
        let mut is_new = false;
        let known = self.known.entry(of).or_insert_with(|| {
            is_new = true;
            Known { name: name(), short: None }
        });
        let taken = if is_new || known.name.len() <= LONG { 0 } else { known.name.len() };
        match self.left.checked_sub(taken) {
            Some(left) => {
                self.left = left;
                Arc::clone(&known.name)
            }
            None => Arc::clone(known.short.get_or_insert_with(|| distinct(&known.name).into())),
        }
    }
}

/// A name of at most `longest` bytes as it is, a longer one by its ends.
pub(crate) fn within(name: &str, longest: usize) -> Cow<'_, str> {
    if name.len() <= longest { Cow::Borrowed(name) } else { Cow::Owned(distinct(name)) }
}

/// A long name by its ends, with a hash between them that tells it from others of the same ends.
pub(crate) fn distinct(name: &str) -> String {
    let hash = format!("…{:016x}…", xxh3_64(name.as_bytes()));
    shortened(name).replacen('…', &hash, 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_kept_once() {
        let mut names = SharedNames::default();
        let first = names.get(1, || "a".into());
        let again = names.get(1, || panic!("it is known"));
        assert!(Arc::ptr_eq(&first, &again));
    }

    #[test]
    fn a_long_name_that_is_told_too_often_is_shortened_and_others_are_not() {
        let (mut names, long) = (SharedNames::default(), "x".repeat(ALLOWANCE / 10));
        let told: Vec<usize> = (0..13).map(|_| names.get(1, || long.as_str().into()).len()).collect();
        assert!(
            told[..11].iter().all(|len| *len == long.len()),
            "the first time, and as often as there is room: {told:?}"
        );
        assert!(told[11..].iter().all(|len| *len < 300), "{told:?}");
        let short = "y".repeat(LONG);
        assert!((0..100).all(|_| *names.get(2, || short.as_str().into()) == *short));
    }

    #[test]
    fn two_long_names_of_the_same_ends_never_read_the_same() {
        let [one, other] = ["1", "2"].map(|middle| ["a".repeat(5000), middle.to_owned(), "b".repeat(5000)].concat());
        assert_ne!(distinct(&one), distinct(&other));
        assert_eq!(distinct(&one), distinct(&one));
    }
}
