//! What became of duplicates: groups of one content, each known by the kind, the size and the name of the place that is kept.
//!
//! A group's content is not in a report. So a group is the same where as many places hold as many bytes under the same name; one
//! under a name with another counter is renamed, and one of another size or with more places is changed.

use super::pairs::{Pairs, stem};
use crate::report::duplicates::{Group, GroupKind};
use crate::report::{Change, DiffKind, DiffList, DiffRow, DiffStatus, DuplicatesChange, ModelReport, sort_rows};

pub(super) fn compare(old: &ModelReport, new: &ModelReport) -> DuplicatesChange {
    let [old, new] = [&old.duplicates, &new.duplicates];
    DuplicatesChange {
        redundant_bytes: Change::new(old.redundant_bytes, new.redundant_bytes),
        structural_bytes: Change::new(old.structural.redundant_bytes, new.structural.redundant_bytes),
        groups: groups(&old.groups, &new.groups),
    }
}

fn groups(old: &[Group], new: &[Group]) -> DiffList {
    let pairs = join(old, new);
    let matched = pairs.matched().filter_map(|(at, other)| Some(matched(old.get(at)?, new.get(other)?)));
    let removed = pairs.only_old().filter_map(|at| Some(row(old.get(at)?, DiffStatus::Removed)));
    let added = pairs.only_new().filter_map(|at| Some(row(new.get(at)?, DiffStatus::Added)));
    let mut list = DiffList::default();
    matched.chain(removed).chain(added).for_each(|row| super::list(&mut list, &row));
    sort_rows(&mut list.rows);
    list
}

fn join(old: &[Group], new: &[Group]) -> Pairs {
    type Key<'g> = (GroupKind, Option<u64>, Option<u64>, String);
    let mut pairs = Pairs::new(old.len(), new.len());
    let passes: [fn(&Group) -> Key<'_>; 4] = [
        |group| (group.kind, Some(group.bytes), Some(group.copies), name(group).to_owned()),
        |group| (group.kind, Some(group.bytes), Some(group.copies), stem(name(group))),
        |group| (group.kind, Some(group.bytes), None, stem(name(group))),
        |group| (group.kind, None, None, name(group).to_owned()),
    ];
    for key in passes {
        pairs.in_order(|at| old.get(at).map(key), |at| new.get(at).map(key));
    }
    pairs
}

fn matched(old: &Group, new: &Group) -> DiffRow {
    let status = match ((old.bytes, old.copies) == (new.bytes, new.copies), name(old) == name(new)) {
        (true, true) => DiffStatus::Same,
        (true, false) => DiffStatus::Naming,
        (false, _) => DiffStatus::Changed,
    };
    let bytes = Change::new(old.redundant_bytes, new.redundant_bytes);
    DiffRow::new(name(new), DiffKind::Duplicate, status, bytes, [old.copies, new.copies]).renamed_from(name(old))
}

/// A group that only one model has.
fn row(group: &Group, status: DiffStatus) -> DiffRow {
    let (bytes, copies) = (group.redundant_bytes, group.copies);
    let (bytes, copies) = match status {
        DiffStatus::Added => (Change::new(0, bytes), [0, copies]),
        _ => (Change::new(bytes, 0), [copies, 0]),
    };
    DiffRow::new(name(group), DiffKind::Duplicate, status, bytes, copies)
}

/// The name of the place that is kept.
fn name(group: &Group) -> &str {
    group.members.first().map_or("", |member| &member.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A group of variables by its name, the size of one and how many there are.
    fn group(name: &str, bytes: u64, copies: u64) -> Group {
        let member = serde_json::json!({
            "where": "variables", "name": name, "key": null, "function": null, "meta_graph": null, "bytes": bytes,
            "in_element": false, "kept": true,
        });
        let group = serde_json::json!({
            "kind": "variable", "bytes": bytes, "copies": copies, "redundant_bytes": bytes * (copies - 1), "elements": 1,
            "finding": null, "members": [member],
        });
        serde_json::from_value(group).unwrap()
    }

    fn rows(list: &DiffList) -> Vec<(DiffStatus, String, i64)> {
        list.rows.iter().map(|row| (row.status, row.title(), row.delta)).collect()
    }

    #[test]
    fn a_group_is_the_same_renamed_changed_added_or_removed() {
        let old = [group("a", 10, 2), group("b_1", 20, 2), group("c", 30, 2), group("d", 40, 2)];
        let new = [group("a", 10, 2), group("b_7", 20, 2), group("c", 30, 4), group("e", 50, 2)];
        let list = groups(&old, &new);
        assert_eq!((list.same, list.naming, list.changed, list.added, list.removed), (1, 1, 1, 1, 1));
        let expected = [
            (DiffStatus::Changed, "c", 60),
            (DiffStatus::Added, "e", 50),
            (DiffStatus::Removed, "d", -40),
            (DiffStatus::Naming, "b_1 → b_7", 0),
        ];
        assert_eq!(rows(&list), expected.map(|(status, name, delta)| (status, name.to_owned(), delta)));
        let back = groups(&new, &old);
        assert_eq!(back.delta_bytes, -list.delta_bytes);
        assert_eq!(back.rows.iter().map(|row| row.delta).sum::<i64>(), -70);
    }
}
