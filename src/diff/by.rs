//! The breakdowns of two reports joined, by the dimensions of `--by`.

use foldhash::HashMap;
use thiserror::Error;

use super::pairs::Pairs;
use super::rows;
use crate::ledger::{Dimension, Rollup, Row};
use crate::report::{Change, DiffBreakdown, DiffKind, DiffRow, DiffStatus};

/// Reports whose breakdowns cannot be joined.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "--by: the reports are by other dimensions ({old} and {new}); write them with that --by and without --top, or name the models"
)]
pub struct ByMismatch {
    old: String,
    new: String,
}

/// Rows of equal names, level by level. A function goes by what it is called in the old model.
pub(super) fn breakdown(
    old: &Rollup,
    new: &Rollup,
    by: &[Dimension],
    functions: &HashMap<String, String>,
    min_delta: u64,
) -> Result<DiffBreakdown, ByMismatch> {
    let names = |rollup: &Rollup| rollup.by.iter().map(|by| by.name()).collect::<Vec<_>>().join(",");
    if old.by != by || new.by != by || old.only != new.only || old.rest.is_some() || new.rest.is_some() {
        return Err(ByMismatch { old: names(old), new: names(new) });
    }
    let rows = level(&old.rows, &new.rows, &old.by, functions, min_delta);
    Ok(DiffBreakdown { by: old.by.clone(), rows })
}

fn level(
    old: &[Row],
    new: &[Row],
    by: &[Dimension],
    functions: &HashMap<String, String>,
    min_delta: u64,
) -> Vec<DiffRow> {
    let (dimension, below) = by.split_first().map_or((None, &[][..]), |(first, below)| (Some(*first), below));
    let mut pairs = Pairs::new(old.len(), new.len());
    if dimension == Some(Dimension::Function) {
        let old_name = |row: &Row| functions.get(&*row.name).map(String::as_str);
        pairs.in_order(|at| old.get(at).map(|row| &*row.name), |at| new.get(at).and_then(old_name));
    }
    pairs
        .in_order(|at| old.get(at).map(|row| (&row.name, row.kind)), |at| new.get(at).map(|row| (&row.name, row.kind)));
    let side = |row: Option<&Row>| row.map_or((0, 0), |row| (row.bytes, row.count));
    let join = |a: Option<&Row>, b: Option<&Row>| {
        let (old, new) = (side(a), side(b));
        let named = b.or(a).map_or("", |row| &row.name);
        let children = |row: Option<&Row>| row.map_or_else(Vec::new, |row| row.children.clone());
        let children = level(&children(a), &children(b), below, functions, min_delta);
        let change = Change::new(old.0, new.0);
        let status = match (a, b) {
            (None, _) => DiffStatus::Added,
            (_, None) => DiffStatus::Removed,
            _ if change.delta == 0 && old.1 == new.1 && children.is_empty() => DiffStatus::Same,
            _ => DiffStatus::Changed,
        };
        let row = DiffRow::new(named, DiffKind::Name, status, change, [old.1, new.1]);
        let row = a.map_or(row.clone(), |old| row.renamed_from(&old.name));
        DiffRow { children, ..row }
    };
    let matched = pairs.matched().map(|(a, b)| join(old.get(a), new.get(b)));
    let removed = pairs.only_old().map(|at| join(old.get(at), None));
    let added = pairs.only_new().map(|at| join(None, new.get(at)));
    rows::joined(matched.chain(removed).chain(added).collect(), min_delta)
}
