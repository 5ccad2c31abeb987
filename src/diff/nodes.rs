//! The nodes of two graphs: by op, and of ops that are not the same each node, matched by what it is before what it is called.
//!
//! An op of which the nodes are the same but for names is one item, and nothing more is asked of it. So of most graphs only a few
//! nodes are matched one by one. Where a graph has very many, those that are the same but for names stand together.

use std::borrow::Cow;
use std::collections::BTreeSet;

use foldhash::HashMap;

use super::pairs::{Pairs, stem};
use super::rows::{Level, Tallies};
use super::status::{is_clean, status};
use crate::report::{
    Change, DiffKind, DiffList, DiffReport, DiffRow, DiffStatus, Digest, MetaGraphReport, NodeReport, NodesListed,
    OpReport,
};

/// Two graphs that are the same one.
pub(super) struct Graphs<'r> {
    pub(super) old: &'r MetaGraphReport,
    pub(super) new: &'r MetaGraphReport,
    /// For each function of the new one that has another name in the old one, that name.
    pub(super) functions: &'r HashMap<String, String>,
}

/// The nodes of an op, in one graph or both.
#[derive(Default)]
struct Op<'r> {
    old: Option<&'r OpReport>,
    new: Option<&'r OpReport>,
}

impl Graphs<'_> {
    /// Puts the nodes into their level. Whether they differ in nothing but names.
    pub(super) fn compare(&self, level: &mut Level, tallies: &mut Tallies, report: &mut DiffReport) -> bool {
        let mut ops: HashMap<&str, Op<'_>> = HashMap::default();
        for op in &self.old.ops {
            ops.entry(&op.op).or_default().old = Some(op);
        }
        for op in &self.new.ops {
            // One that is a function goes by what that is called in the old model.
            let name = self.functions.get(&op.op).map_or(&*op.op, String::as_str);
            ops.entry(name).or_default().new = Some(op);
        }
        let names: BTreeSet<&str> = ops.keys().copied().collect();
        let (mut all_clean, mut is_known) = (true, true);
        for op in names.into_iter().filter_map(|name| ops.get(name)) {
            let row = self.row(op);
            all_clean &= is_clean(row.status);
            match self.each(op, &row, tallies, &mut report.nodes) {
                Some(nodes) => level.level(nodes, tallies),
                None => {
                    is_known &= is_clean(row.status);
                    count(&mut report.nodes, &row);
                    level.put(row, tallies);
                }
            }
        }
        if !is_known {
            let said = self.not_known(report);
            report.not_known.extend(said);
        }
        all_clean
    }

    /// The nodes of an op as one row.
    fn row(&self, op: &Op<'_>) -> DiffRow {
        let figures = |op: Option<&OpReport>| op.map_or((0, 0), |op| (op.bytes, op.count));
        let (old, new) = (figures(op.old), figures(op.new));
        let (bytes, counts) = (Change::new(old.0, new.0), [old.1, new.1]);
        let structure = |op: Option<&OpReport>| -> Option<Digest<8>> { op?.structure };
        let is_equal = structure(op.old).zip(structure(op.new)).map(|(old, new)| old == new);
        let is_equal = if old.1 == new.1 { is_equal } else { Some(false) };
        let status = match (old.1, new.1) {
            (0, _) => DiffStatus::Added,
            (_, 0) => DiffStatus::Removed,
            _ => match status(bytes, is_equal) {
                // Another number of nodes is no other content.
                DiffStatus::Content if old.1 != new.1 => DiffStatus::Changed,
                status => status,
            },
        };
        let name = |op: Option<&OpReport>| op.map(|op| op.op.clone());
        let (old_name, new_name) = (name(op.old), name(op.new));
        let index = if new.1 > 0 { self.new.index } else { self.old.index };
        let row = DiffRow::new(
            new_name.clone().or(old_name.clone()).unwrap_or_default(),
            DiffKind::Op,
            status,
            bytes,
            counts,
        );
        let row = old_name.filter(|_| new_name.is_some()).map_or(row.clone(), |old| row.renamed_from(&old));
        row.in_meta_graph(Some(index))
    }

    /// The nodes of an op that is not the same, one by one, where both graphs have them listed.
    fn each(&self, op: &Op<'_>, row: &DiffRow, tallies: &mut Tallies, list: &mut DiffList) -> Option<Level> {
        let (old_listed, new_listed) = (self.old.nodes_listed, self.new.nodes_listed);
        if is_clean(row.status) || old_listed == NodesListed::No || new_listed == NodesListed::No {
            return None;
        }
        let by_kind = [old_listed, new_listed].contains(&NodesListed::ByKind);
        let [olds, news] = [op.old, op.new].map(|op| {
            let nodes = op.map_or(&[][..], |op| &op.nodes);
            if by_kind { Cow::Owned(kinds(nodes)) } else { Cow::Borrowed(nodes) }
        });
        let mut level = Level::new(&*row.name, DiffKind::Op);
        (level.status, level.meta_graph, level.old_name) = (row.status, row.meta_graph, row.old_name.clone());
        let mut rows = rows(&olds, &news);
        for node in &mut rows {
            (node.meta_graph, node.note) = (row.meta_graph, Some(row.title()));
        }
        let sum = |of: fn(&DiffRow) -> u64| rows.iter().map(of).fold(0, u64::saturating_add);
        let sums = [sum(|row| row.old), sum(|row| row.new), sum(|row| row.old_count), sum(|row| row.new_count)];
        let all = [row.old, row.new, row.old_count, row.new_count];
        // Of a damaged graph not all nodes may be listed, of one in two parts only some.
        if sums != all {
            return None;
        }
        for row in rows {
            super::list(list, &row);
            level.put(row, tallies);
        }
        Some(level)
    }

    /// Why nodes are told apart by op only.
    fn not_known(&self, report: &DiffReport) -> Option<String> {
        let sides = [(self.old, &report.old), (self.new, &report.new)];
        let (_, side) = sides.into_iter().find(|(graph, _)| graph.nodes_listed == NodesListed::No)?;
        let said = format!("{}: which nodes the graph has is not known, so they are compared by op", side.path);
        (!report.not_known.contains(&said)).then_some(said)
    }
}

/// Counts the nodes of an op that are not matched one by one.
fn count(list: &mut DiffList, row: &DiffRow) {
    let counted = match row.status {
        DiffStatus::Same => &mut list.same,
        DiffStatus::Naming => &mut list.naming,
        _ => return,
    };
    *counted = counted.saturating_add(row.new_count);
    list.delta_bytes = list.delta_bytes.saturating_add(row.delta);
}

/// Nodes that are the same but for names put together, under the name of the first.
fn kinds(nodes: &[NodeReport]) -> Vec<NodeReport> {
    let mut kinds: Vec<NodeReport> = Vec::new();
    let mut known: HashMap<u64, usize> = HashMap::default();
    for node in nodes {
        let at = *known.entry(node.structure).or_insert(kinds.len());
        match kinds.get_mut(at) {
            Some(kind) => {
                (kind.count, kind.bytes) =
                    (kind.count.saturating_add(node.count), kind.bytes.saturating_add(node.bytes));
            }
            None => kinds.push(node.clone()),
        }
    }
    kinds
}

/// A row for each node of either.
fn rows(old: &[NodeReport], new: &[NodeReport]) -> Vec<DiffRow> {
    let pairs = join(old, new);
    let matched = pairs.matched().filter_map(|(a, b)| Some(matched(old.get(a)?, new.get(b)?)));
    let one_sided =
        |node: &NodeReport, status, bytes, counts| DiffRow::new(&*node.name, DiffKind::Node, status, bytes, counts);
    let removed = pairs.only_old().filter_map(|at| old.get(at));
    let removed = removed.map(|node| one_sided(node, DiffStatus::Removed, Change::new(node.bytes, 0), [node.count, 0]));
    let added = pairs.only_new().filter_map(|at| new.get(at));
    let added = added.map(|node| one_sided(node, DiffStatus::Added, Change::new(0, node.bytes), [0, node.count]));
    matched.chain(removed).chain(added).collect()
}

fn join(old: &[NodeReport], new: &[NodeReport]) -> Pairs {
    type Named<'n> = (&'n NodeReport, String);
    let mut pairs = Pairs::new(old.len(), new.len());
    let same = |node: &NodeReport| (node.name.clone(), node.structure);
    pairs.in_order(|at| old.get(at).map(same), |at| new.get(at).map(same));
    // What was matched by then, which is most, needs no stem.
    let named = |nodes: &'_ [NodeReport], left: &mut dyn Iterator<Item = usize>| {
        let mut stems: Vec<String> = vec![String::new(); nodes.len()];
        for at in left {
            stems.get_mut(at).zip(nodes.get(at)).into_iter().for_each(|(named, node)| *named = stem(&node.name));
        }
        stems
    };
    let (old_stems, new_stems) = (named(old, &mut pairs.only_old()), named(new, &mut pairs.only_new()));
    let old: Vec<Named<'_>> = old.iter().zip(old_stems).collect();
    let new: Vec<Named<'_>> = new.iter().zip(new_stems).collect();
    macro_rules! pass {
        ($how:ident, |$node:ident, $stem:ident| $key:expr) => {
            pairs.$how(|at| old.get(at).map(|($node, $stem)| $key), |at| new.get(at).map(|($node, $stem)| $key))
        };
    }
    // The same but for names, under another name: of those any is any.
    pass!(in_order, |node, stem| (stem, node.bytes, node.structure));
    pass!(in_order, |node, stem| (stem, node.structure));
    pass!(in_order, |node, _stem| node.structure);
    // It is another one now.
    pass!(in_order, |node, _stem| &node.name);
    pass!(unique, |_node, stem| stem);
    pass!(nearest, |node, stem| (stem, node.bytes));
    pairs
}

fn matched(old: &NodeReport, new: &NodeReport) -> DiffRow {
    let bytes = Change::new(old.bytes, new.bytes);
    let is_same = old.structure == new.structure && old.count == new.count;
    let status = match (is_same, bytes.delta) {
        (true, 0) if old.name == new.name => DiffStatus::Same,
        (true, _) => DiffStatus::Naming,
        (false, 0) if old.count == new.count => DiffStatus::Content,
        _ => DiffStatus::Changed,
    };
    DiffRow::new(&*new.name, DiffKind::Node, status, bytes, [old.count, new.count]).renamed_from(&old.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A node by its name, what it is but for names, and its bytes.
    fn node((name, structure, bytes): (&str, u64, u64)) -> NodeReport {
        NodeReport { name: name.to_owned(), structure, count: 1, bytes }
    }

    #[track_caller]
    fn check(old: &[(&str, u64, u64)], new: &[(&str, u64, u64)], expected: &[(DiffStatus, &str)]) {
        let [old, new] = [old, new].map(|nodes| nodes.iter().copied().map(node).collect::<Vec<_>>());
        let said = |rows: Vec<DiffRow>| {
            let mut said: Vec<(DiffStatus, String)> = rows.iter().map(|row| (row.status, row.title())).collect();
            said.sort();
            said
        };
        let mut expected: Vec<(DiffStatus, String)> =
            expected.iter().map(|(status, title)| (*status, (*title).to_owned())).collect();
        expected.sort();
        assert_eq!(said(rows(&old, &new)), expected);
        assert_eq!(rows(&new, &old).len(), expected.len(), "as many the other way round");
    }

    #[test]
    fn nodes_are_matched_by_what_they_are_before_what_they_are_called() {
        use DiffStatus::{Added, Changed, Content, Naming, Removed, Same};
        check(&[("a", 1, 10), ("b", 1, 10)], &[("b", 1, 10)], &[(Removed, "a"), (Same, "b")]);
        check(&[("a", 1, 10)], &[("a_1", 1, 12), ("b", 2, 10)], &[(Naming, "a → a_1"), (Added, "b")]);
        check(
            &[("x_1", 1, 10), ("y_1", 1, 10)],
            &[("y_2", 1, 10), ("x_2", 1, 10)],
            &[(Naming, "x_1 → x_2"), (Naming, "y_1 → y_2")],
        );
        check(&[("a", 1, 10), ("b", 2, 10)], &[("a", 3, 30), ("b", 4, 10)], &[(Changed, "a"), (Content, "b")]);
        check(&[("w_1", 1, 10)], &[("w_2", 2, 20)], &[(Changed, "w_1 → w_2")]);
        check(&[("w_1", 1, 10), ("w_2", 2, 50)], &[("w_3", 3, 49)], &[(Removed, "w_1"), (Changed, "w_2 → w_3")]);
    }

    #[test]
    fn of_very_many_nodes_those_that_are_the_same_but_for_names_are_one() {
        let nodes: Vec<NodeReport> = [("a", 1, 10), ("b", 2, 20), ("c", 1, 11)].into_iter().map(node).collect();
        let together = kinds(&nodes);
        assert_eq!(together, [NodeReport { count: 2, bytes: 21, ..node(("a", 1, 10)) }, node(("b", 2, 20))]);
        let more = kinds(&[nodes, vec![node(("d", 1, 12))]].concat());
        let said: Vec<_> =
            rows(&together, &more).into_iter().map(|row| (row.status, row.new_count, row.delta)).collect();
        assert_eq!(said, [(DiffStatus::Changed, 3, 12), (DiffStatus::Same, 1, 0)]);
    }
}
