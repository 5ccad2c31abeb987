//! The sums of functions, by metagraph, and how many nodes of each op they have: a library of 30,000 functions has 300,000 rows,
//! so these are gone over where they lie, and no table is made of them.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use foldhash::HashMap;

use super::rows::OfGroup;
use super::{Category, Dimension, Label, Ledger, Tally};
use crate::natural;

/// The hash of an op, given its name, and of how many nodes of it there are.
type HashOfOp = fn(&str, u64) -> u64;

/// What a function of a metagraph adds up to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FunctionSum {
    /// Its name.
    pub(crate) name: String,
    /// Its bytes, and its nodes.
    pub(crate) tally: Tally,
    /// A sum over its ops, where it was asked for.
    pub(crate) ops: Option<u64>,
}

/// A function whose rows are not added up yet.
struct Function<'l> {
    meta_graph: Label,
    label: Label,
    /// Its rows. Nearly always they follow one another, and `more` takes no allocation.
    first: OfGroup<'l>,
    more: Vec<OfGroup<'l>>,
}

impl Ledger {
    /// The functions of each metagraph, by the name of its label, largest first. With `of_op` the hashes of their ops are added
    /// up as well: it is given an op's name and how many nodes of it the function has, and called once for each such pair.
    /// Bytes of no op are those of one called as their category, in brackets.
    pub(crate) fn functions(&self, of_op: Option<HashOfOp>) -> HashMap<String, Vec<FunctionSum>> {
        let mut known: HashMap<(Label, Label), usize> = HashMap::default();
        let mut functions: Vec<Function<'_>> = Vec::new();
        for rows in self.rows.groups() {
            let [meta_graph, label] =
                [Dimension::MetaGraph, Dimension::Function].map(|dimension| rows.labels.get(dimension));
            if label == Label::NONE {
                continue;
            }
            let at = *known.entry((meta_graph, label)).or_insert(functions.len());
            match functions.get_mut(at) {
                Some(function) => function.more.push(rows),
                None => functions.push(Function { meta_graph, label, first: rows, more: Vec::new() }),
            }
        }
        let mut ops = of_op.map(|of_op| Ops { ledger: self, of_op, known: HashMap::default() });
        let mut by_meta_graph: HashMap<Label, Vec<FunctionSum>> = HashMap::default();
        for function in &functions {
            let parts = || std::iter::once(&function.first).chain(&function.more);
            let mut tally = Tally::default();
            parts().flat_map(OfGroup::ops).for_each(|(_, of_op)| tally.add(of_op));
            let ops = ops.as_mut().map(|ops| ops.sum(function));
            let sum = FunctionSum { name: self.name(function.label), tally, ops };
            by_meta_graph.entry(function.meta_graph).or_default().push(sum);
        }
        for sums in by_meta_graph.values_mut() {
            // By size first, as that is a number: of those of one size most are in the order of their names as they lie, as tracers
            // count, and then each is compared with one other.
            sums.sort_by_key(|sum| Reverse(sum.tally.bytes));
            for equal in sums.chunk_by_mut(|a, b| a.tally.bytes == b.tally.bytes) {
                equal.sort_by(|a, b| natural::compare(&a.name, &b.name));
            }
        }
        by_meta_graph.into_iter().map(|(label, sums)| (self.name(label), sums)).collect()
    }
}

/// Hashes of ops, each with a number of nodes; of the few that there are, most functions have the same.
struct Ops<'l> {
    ledger: &'l Ledger,
    of_op: HashOfOp,
    known: HashMap<(Category, Label, u64), u64>,
}

impl Ops<'_> {
    /// The sum over the ops of a function.
    fn sum(&mut self, function: &Function<'_>) -> u64 {
        let mut sum = 0_u64;
        if function.more.is_empty() {
            let category = function.first.labels.category();
            for (op, tally) in function.first.ops() {
                sum = sum.wrapping_add(self.of(category, op, tally.count));
            }
            return sum;
        }
        let mut counts: BTreeMap<(Category, Label), u64> = BTreeMap::new();
        for part in std::iter::once(&function.first).chain(&function.more) {
            for (op, tally) in part.ops() {
                *counts.entry((part.labels.category(), op)).or_default() += tally.count;
            }
        }
        counts.into_iter().fold(0, |sum: u64, ((category, op), count)| sum.wrapping_add(self.of(category, op, count)))
    }

    fn of(&mut self, category: Category, op: Label, count: u64) -> u64 {
        let Self { ledger, of_op, known } = self;
        *known.entry((category, op, count)).or_insert_with(|| match op {
            Label::NONE => of_op(&format!("[{category}]"), count),
            op => of_op(&ledger.name(op), count),
        })
    }
}
