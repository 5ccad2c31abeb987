//! What each file under `variables/` is: the index, a data file of the bundle, a leftover, a V1 table.
//!
//! Names decide, as they do for TensorFlow (`core/util/tensor_bundle/naming.cc`): `variables.index` and
//! `variables.data-NNNNN-of-MMMMM`, of which only the set whose M the index names is ever read. Sets of another M are
//! what an earlier save left behind, and TensorFlow Serving counts them as memory all the same.
//!
//! A V1 checkpoint is one table, `variables`, or a set, `variables-NNNNN-of-MMMMM`. In TensorFlow's
//! oldest test data they are called `saved_model_variables`, and hold the same; these are read as well.

#![warn(clippy::arithmetic_side_effects)]

use std::collections::{BTreeMap, BTreeSet};

use crate::problem::{Problem, ProblemKind};

/// The index of a SavedModel's bundle, relative to the model's directory.
pub const INDEX: &str = "variables/variables.index";

/// What every other file of the checkpoint has in front of its name.
const PREFIX: &str = "variables/variables";

/// What the tables of a V1 checkpoint were called at first.
const FIRST_PREFIX: &str = "variables/saved_model_variables";

/// Missing data files are named one by one up to this many.
const MISSING_NAMED: usize = 16;

/// What a file under `variables/` is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// The bundle's index.
    Index,
    /// A data file of the bundle, by its number.
    Shard(u32),
    /// A data file of another set, or a V1 table beside an index: nothing reads it.
    Stale,
    /// A table of a V1 checkpoint, index and data in one, by its place among the tables. Where none is missing, that is
    /// the number in its name.
    V1(u32),
    /// Anything else, such as the `checkpoint` text file.
    Other,
}

/// What a file's name says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Name {
    Index,
    Data {
        shard: u32,
        of: u32,
    },
    /// What it is called, and of a set its number and how many there are.
    V1 {
        prefix: &'static str,
        part: Option<(u32, u32)>,
    },
    Other,
}

impl Name {
    fn of(path: &str) -> Self {
        if path == INDEX {
            Self::Index
        } else if let Some((shard, of)) =
            path.strip_prefix(PREFIX).and_then(|rest| shard_of(rest.strip_prefix(".data-")?))
        {
            Self::Data { shard, of }
        } else {
            [PREFIX, FIRST_PREFIX].into_iter().find_map(|prefix| Self::of_table(path, prefix)).unwrap_or(Self::Other)
        }
    }

    fn of_table(path: &str, prefix: &'static str) -> Option<Self> {
        let rest = path.strip_prefix(prefix)?;
        let part = if rest.is_empty() { None } else { Some(shard_of(rest.strip_prefix('-')?)?) };
        Some(Self::V1 { prefix, part })
    }
}

/// Reads `NNNNN-of-MMMMM` as TensorFlow writes it: five digits each, or more where the number has more.
fn shard_of(text: &str) -> Option<(u32, u32)> {
    let (shard, of) = text.split_once("-of-")?;
    let (shard, of) = (shard.parse().ok()?, of.parse().ok()?);
    (format!("{shard:05}-of-{of:05}") == text).then_some((shard, of))
}

/// The name of a data file, relative to the model's directory.
#[must_use]
pub fn shard_path(shard: u32, of: u32) -> String {
    format!("{PREFIX}.data-{shard:05}-of-{of:05}")
}

/// Whether there is a checkpoint among these paths, and whether it is a bundle: `None` without one. A data file without
/// an index is a damaged bundle.
#[must_use]
pub fn is_bundle<'a>(paths: impl IntoIterator<Item = &'a str>) -> Option<bool> {
    let bundle = |name| match name {
        Name::Index | Name::Data { .. } => Some(true),
        Name::V1 { .. } => Some(false),
        Name::Other => None,
    };
    paths.into_iter().filter_map(|path| bundle(Name::of(path))).max()
}

/// What each of these paths is, given the number of shards in the index's header. Where it is not known, because there
/// is no index or it cannot be read, data files are live if they are all of one set. V1 tables are numbered in the order
/// that they come in.
#[must_use]
pub fn roles<'a>(paths: impl IntoIterator<Item = &'a str>, num_shards: Option<u32>) -> Vec<Role> {
    let names: Vec<_> = paths.into_iter().map(Name::of).collect();
    let sets: BTreeSet<_> =
        names.iter().filter_map(|name| if let Name::Data { of, .. } = *name { Some(of) } else { None }).collect();
    let live = num_shards.or_else(|| sets.first().filter(|_| sets.len() == 1).copied());
    let bundle = !sets.is_empty() || names.contains(&Name::Index);
    let mut tables = 0..;
    let role = |name| match (name, live) {
        (Name::Index, _) => Role::Index,
        (Name::Data { shard, of }, Some(live)) if of == live && shard < live => Role::Shard(shard),
        (Name::Data { .. }, Some(_)) => Role::Stale,
        (Name::V1 { .. }, _) if bundle => Role::Stale,
        (Name::V1 { .. }, _) => tables.next().map_or(Role::Other, Role::V1),
        (Name::Data { .. }, None) | (Name::Other, _) => Role::Other,
    };
    names.into_iter().map(role).collect()
}

/// A problem for each data file that the index's header promises and that is not among the roles. However many the
/// header promises, the first few are named and the others counted.
#[must_use]
pub fn missing_shards(roles: &[Role], num_shards: u32) -> Vec<Problem> {
    let found =
        roles.iter().filter_map(|role| if let Role::Shard(shard) = role { Some(*shard) } else { None }).collect();
    let expected = format!("expected this file, as the index names {num_shards} shards, found none");
    missing(&found, num_shards, &expected, |shard| shard_path(shard, num_shards))
}

/// A problem for each table of a V1 checkpoint that the names of the others promise. Where the tables are not all of one
/// set, nothing is missed: nobody knows which set is meant.
#[must_use]
pub fn missing_tables<'a>(paths: impl IntoIterator<Item = &'a str>) -> Vec<Problem> {
    let mut sets: BTreeMap<_, BTreeSet<u32>> = BTreeMap::new();
    for path in paths {
        let Name::V1 { prefix, part } = Name::of(path) else { continue };
        let set = sets.entry((prefix, part.map(|(_, of)| of))).or_default();
        set.extend(part.map(|(table, _)| table));
    }
    match sets.first_key_value() {
        Some((&(prefix, Some(of)), found)) if sets.len() == 1 => {
            let expected = format!("expected this file, as there is one of a set of {of}, found none");
            missing(found, of, &expected, |table| format!("{prefix}-{table:05}-of-{of:05}"))
        }
        _ => Vec::new(),
    }
}

/// A problem for each file of a set that was not found. The first few are named, the last problem counts the others.
fn missing(found: &BTreeSet<u32>, of: u32, expected: &str, path: impl Fn(u32) -> String) -> Vec<Problem> {
    let problem = |file: String, message: &str| Problem::of_file(file, message).of_kind(ProblemKind::NotWhole);
    let mut missing = (0..of).filter(|number| !found.contains(number)).peekable();
    let mut problems: Vec<_> =
        missing.by_ref().take(MISSING_NAMED).map(|number| problem(path(number), expected)).collect();
    if let Some(&next) = missing.peek() {
        // Counted and not walked: a name may promise four billion.
        let behind = u64::from(of.saturating_sub(next));
        let there = u64::try_from(found.range(next..of).count()).unwrap_or(u64::MAX);
        let more = behind.saturating_sub(there);
        problems.push(problem(path(next), &format!("{expected}, and so for {more} in all from here on")));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "variables/checkpoint";
    const OLD: &str = "variables/variables.data-00000-of-00001";
    const FIRST: &str = "variables/variables.data-00000-of-00002";
    const SECOND: &str = "variables/variables.data-00001-of-00002";

    #[test]
    fn the_set_that_the_index_names_is_live_and_others_are_stale() {
        let paths = [TEXT, OLD, FIRST, SECOND, INDEX];
        assert_eq!(roles(paths, Some(2)), [Role::Other, Role::Stale, Role::Shard(0), Role::Shard(1), Role::Index]);
        assert_eq!(roles(paths, Some(1)), [Role::Other, Role::Shard(0), Role::Stale, Role::Stale, Role::Index]);
    }

    #[test]
    fn without_a_header_the_only_set_is_live_and_of_two_none_is() {
        assert_eq!(roles([FIRST, SECOND], None), [Role::Shard(0), Role::Shard(1)]);
        assert_eq!(roles([OLD, FIRST], None), [Role::Other, Role::Other]);
    }

    #[test]
    fn v1_tables_are_stale_beside_a_bundle() {
        let tables = ["variables/variables", "variables/variables-00000-of-00001"];
        assert_eq!(roles(tables, None), [Role::V1(0), Role::V1(1)]);
        assert_eq!(roles([tables[0], tables[1], INDEX], Some(1)), [Role::Stale, Role::Stale, Role::Index]);
    }

    #[test]
    fn v1_tables_are_known_by_their_first_name_too() {
        let tables = ["variables/saved_model_variables", "variables/saved_model_variables-00000-of-00001"];
        assert_eq!(roles(tables, None), [Role::V1(0), Role::V1(1)]);
        assert_eq!(roles(["variables/saved_model_variables.data-00000-of-00001"], None), [Role::Other]);
    }

    #[test]
    fn only_names_that_tensorflow_writes_are_its_files() {
        let others = [
            "variables/variables.data-0-of-1",
            "variables/variables.data-000000-of-00001",
            "variables/variables.data-+0000-of-00001",
            "variables/variables.data-00000-of-00001.tempstate1",
            "variables/variables.data-00000-of-99999999999",
            "variables/variables_temp/part",
            "variables/saved_model_variables.index",
            "elsewhere/variables.index",
        ];
        assert_eq!(roles(others, Some(1)), [Role::Other; 8]);
        assert_eq!(roles(["variables/variables.data-123456-of-200000"], Some(200_000)), [Role::Shard(123_456)]);
    }

    #[test]
    fn a_number_beyond_its_set_is_stale() {
        assert_eq!(roles(["variables/variables.data-00002-of-00002"], Some(2)), [Role::Stale]);
    }

    #[test]
    fn there_is_a_checkpoint_where_there_is_an_index_a_data_file_or_a_v1_table() {
        assert_eq!(is_bundle([TEXT]), None);
        assert_eq!(is_bundle([TEXT, "variables/variables"]), Some(false));
        assert_eq!(is_bundle(["variables/variables", INDEX]), Some(true));
        assert_eq!(is_bundle([OLD]), Some(true));
    }

    #[test]
    fn a_missing_shard_is_a_problem_that_names_its_file() {
        let problems = missing_shards(&roles([FIRST], Some(2)), 2);
        assert_eq!(problems.iter().map(|p| p.file.as_str()).collect::<Vec<_>>(), [SECOND]);
        assert!(missing_shards(&roles([FIRST, SECOND], Some(2)), 2).is_empty());
    }

    #[test]
    fn shards_without_number_are_counted_and_not_named() {
        let problems = missing_shards(&roles([OLD], Some(u32::MAX)), u32::MAX);
        assert_eq!(problems.len(), MISSING_NAMED + 1);
        let last = &problems[MISSING_NAMED];
        assert!(last.message.ends_with("found none, and so for 4294967279 in all from here on"), "{last:?}");
    }

    #[test]
    fn a_missing_table_is_a_problem_that_names_its_file() {
        let (first, third) = ("variables/variables-00000-of-00003", "variables/variables-00002-of-00003");
        let files =
            |paths: &[&str]| missing_tables(paths.iter().copied()).into_iter().map(|p| p.file).collect::<Vec<_>>();
        assert_eq!(files(&[TEXT, first, third]), ["variables/variables-00001-of-00003"]);
        assert!(files(&["variables/variables"]).is_empty() && files(&[]).is_empty());
        assert!(files(&[first, "variables/variables"]).is_empty(), "of two sets none is known to be meant");
        let old = "variables/saved_model_variables-00001-of-00002";
        assert_eq!(files(&[old]), ["variables/saved_model_variables-00000-of-00002"]);
    }
}
