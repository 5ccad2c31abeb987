//! What each file under `variables/` is: the index, a data file of the bundle, a leftover, a V1 table.
//!
//! Names decide, as they do for TensorFlow (`core/util/tensor_bundle/naming.cc`): `variables.index` and
//! `variables.data-NNNNN-of-MMMMM`, of which only the set whose M the index names is ever read. Sets of another M are
//! what an earlier save left behind, and TensorFlow Serving counts them as memory all the same.

#![warn(clippy::arithmetic_side_effects)]

use std::collections::BTreeSet;

use crate::problem::Problem;

/// The index of a SavedModel's bundle, relative to the model's directory.
pub const INDEX: &str = "variables/variables.index";

/// What every other file of the checkpoint has in front of its name.
const PREFIX: &str = "variables/variables";

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
    /// A table of a V1 checkpoint: index and data in one.
    V1,
    /// Anything else, such as the `checkpoint` text file.
    Other,
}

/// What a file's name says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Name {
    Index,
    Data { shard: u32, of: u32 },
    V1,
    Other,
}

impl Name {
    fn of(path: &str) -> Self {
        let Some(rest) = path.strip_prefix(PREFIX) else { return Self::Other };
        if path == INDEX {
            Self::Index
        } else if rest.is_empty() {
            Self::V1
        } else if let Some((shard, of)) = rest.strip_prefix(".data-").and_then(shard_of) {
            Self::Data { shard, of }
        } else if rest.strip_prefix('-').and_then(shard_of).is_some() {
            Self::V1
        } else {
            Self::Other
        }
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
        Name::V1 => Some(false),
        Name::Other => None,
    };
    paths.into_iter().filter_map(|path| bundle(Name::of(path))).max()
}

/// What each of these paths is, given the number of shards in the index's header. Where it is not known, because there
/// is no index or it cannot be read, data files are live if they are all of one set.
#[must_use]
pub fn roles<'a>(paths: impl IntoIterator<Item = &'a str>, num_shards: Option<u32>) -> Vec<Role> {
    let names: Vec<_> = paths.into_iter().map(Name::of).collect();
    let sets: BTreeSet<_> =
        names.iter().filter_map(|name| if let Name::Data { of, .. } = *name { Some(of) } else { None }).collect();
    let live = num_shards.or_else(|| sets.first().filter(|_| sets.len() == 1).copied());
    let bundle = !sets.is_empty() || names.contains(&Name::Index);
    let role = |name| match (name, live) {
        (Name::Index, _) => Role::Index,
        (Name::Data { shard, of }, Some(live)) if of == live && shard < live => Role::Shard(shard),
        (Name::Data { .. }, Some(_)) => Role::Stale,
        (Name::V1, _) if bundle => Role::Stale,
        (Name::V1, _) => Role::V1,
        (Name::Data { .. }, None) | (Name::Other, _) => Role::Other,
    };
    names.into_iter().map(role).collect()
}

/// A problem for each data file that the index's header promises and that is not among the roles. However many the
/// header promises, the first few are named and the others counted.
#[must_use]
pub fn missing_shards(roles: &[Role], num_shards: u32) -> Vec<Problem> {
    let found: BTreeSet<_> =
        roles.iter().filter_map(|role| if let Role::Shard(shard) = role { Some(*shard) } else { None }).collect();
    let mut missing = (0..num_shards).filter(|shard| !found.contains(shard));
    let expected = format!("expected this file, as the index names {num_shards} shards, found none");
    let mut problems: Vec<_> = missing
        .by_ref()
        .take(MISSING_NAMED)
        .map(|shard| Problem::of_file(shard_path(shard, num_shards), &expected))
        .collect();
    let named = found.len().saturating_add(problems.len());
    let more = usize::try_from(num_shards).unwrap_or(usize::MAX).saturating_sub(named);
    if more > 0 {
        problems.push(Problem::of_file(INDEX, format!("expected {num_shards} shards, found {more} more missing")));
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
        assert_eq!(roles(tables, None), [Role::V1, Role::V1]);
        assert_eq!(roles([tables[0], tables[1], INDEX], Some(1)), [Role::Stale, Role::Stale, Role::Index]);
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
            "variables/saved_model_variables",
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
        assert!(problems[MISSING_NAMED].message.ends_with("found 4294967279 more missing"), "{:?}", problems.last());
    }
}
