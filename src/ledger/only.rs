//! Restrictions of a breakdown: of all charges those whose name in a dimension matches a pattern.

use foldhash::HashMap;

use super::{Dimension, Label, Labels, Ledger};
use crate::glob::Glob;

/// A restriction: `--only DIM=GLOB`. The pattern is for the whole name, as a table by that dimension shows it; for a
/// scope it may also be for a folder around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Only {
    /// Where the name is looked for.
    pub dimension: Dimension,
    /// What it has to look like.
    pub glob: Glob,
}

/// A restriction, as a report has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restriction {
    /// The dimension.
    pub dimension: Dimension,
    /// The pattern that a name in it has to match.
    pub glob: String,
}

impl From<&Only> for Restriction {
    fn from(only: &Only) -> Self {
        Self { dimension: only.dimension, glob: only.glob.text().to_owned() }
    }
}

/// Which charges are within all of some restrictions. Each name is held against a pattern once.
pub(super) struct Filter<'l> {
    ledger: &'l Ledger,
    restrictions: Vec<(&'l Only, HashMap<Label, bool>)>,
}

impl<'l> Filter<'l> {
    pub(super) fn new(ledger: &'l Ledger, only: &'l [Only]) -> Self {
        Self { ledger, restrictions: only.iter().map(|only| (only, HashMap::default())).collect() }
    }

    pub(super) fn accepts(&mut self, labels: &Labels) -> bool {
        let ledger = self.ledger;
        self.restrictions.iter_mut().all(|(only, known)| match (only.dimension, labels.get(only.dimension)) {
            (Dimension::Category, _) => only.glob.matches(labels.category().name()),
            (_, Label::NONE) => false,
            (dimension, label) => {
                *known.entry(label).or_insert_with(|| matches(&only.glob, dimension, &ledger.name(label)))
            }
        })
    }
}

fn matches(glob: &Glob, dimension: Dimension, name: &str) -> bool {
    let mut folders = name.match_indices('/').filter_map(|(slash, _)| name.get(..slash));
    glob.matches(name) || dimension == Dimension::Scope && folders.any(|folder| glob.matches(folder))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{Category, Rollup};

    fn only(dimension: Dimension, glob: &str) -> Only {
        Only { dimension, glob: glob.parse().unwrap() }
    }

    /// The rollup by scope and op of 1 byte of `encoder/block/a`, 2 of `encoder/b`, 4 of `decoder/c` and 8 without a name.
    fn rollup(restrictions: &[Only]) -> Rollup {
        let mut ledger = Ledger::new(&[Dimension::Scope, Dimension::Op]);
        ledger.keep_whole_scopes();
        let mut account = ledger.open("f", 15);
        for (end, name, op) in [(1, "encoder/block/a", "Const"), (3, "encoder/b", "Add"), (7, "decoder/c", "Const")] {
            let scope = account.ledger().scope(name.as_bytes());
            let op = account.ledger().label(op.as_bytes());
            let labels = Labels::new(Category::GraphDef).with(Dimension::Scope, scope).with(Dimension::Op, op);
            account.charge_up_to(end, labels, 1);
        }
        account.charge_up_to(15, Labels::new(Category::Files), 1);
        account.close().unwrap();
        ledger.rollup_only(&[Dimension::Scope], restrictions)
    }

    fn rows(restrictions: &[Only]) -> Vec<(String, u64)> {
        rollup(restrictions).rows.into_iter().map(|row| (row.name.to_string(), row.bytes)).collect()
    }

    #[test]
    fn what_has_no_name_in_the_dimension_is_not_within_it() {
        assert_eq!(rows(&[only(Dimension::Op, "*")]), [("decoder".to_owned(), 4), ("encoder".to_owned(), 3)]);
        assert_eq!(rows(&[only(Dimension::Category, "files")]), [("[files]".to_owned(), 8)]);
        assert_eq!(rows(&[]).len(), 3);
    }

    #[test]
    fn all_restrictions_must_hold_whether_the_table_is_by_them_or_not() {
        let both = [only(Dimension::Op, "Const"), only(Dimension::Scope, "enc*")];
        assert_eq!(rows(&both), [("encoder".to_owned(), 1)]);
        assert_eq!(rows(&[only(Dimension::Op, "Const"), only(Dimension::Op, "Add")]), []);
    }

    #[test]
    fn a_scope_has_all_that_is_below_it() {
        assert_eq!(rows(&[only(Dimension::Scope, "encoder")]), [("encoder".to_owned(), 3)]);
        assert_eq!(rows(&[only(Dimension::Scope, "encoder/block")]), [("encoder".to_owned(), 1)]);
        assert_eq!(rows(&[only(Dimension::Scope, "coder")]), []);
    }

    #[test]
    fn the_rollup_says_what_it_is_restricted_to() {
        let restriction = Restriction { dimension: Dimension::Op, glob: "Con*".to_owned() };
        assert_eq!(rollup(&[only(Dimension::Op, "Con*")]).only, [restriction]);
    }
}
