//! The treemap of a model: several trees of one ledger, and what their parts are told apart by.

use super::Options;
use crate::ledger::{Dimension, FACETS, Ledger, Trees};
use crate::report::{Treemap, TreemapView};

/// How many folders of a name are levels.
const FOLDERS: usize = 8;

/// The trees that a page offers, each by the dimensions that say most of the bytes; where one says nothing of some bytes,
/// it is no level for them.
fn views() -> Vec<(&'static str, Vec<Dimension>)> {
    use Dimension::{Category, File, Function, Op, Scope, Section, Variable};
    let folders = std::iter::repeat_n(Scope, FOLDERS);
    vec![
        ("category", vec![Category, Function, Variable, File, Op]),
        ("section, op", vec![Section, Op]),
        ("section, function", vec![Section, Function, Op]),
        ("scope", folders.chain([Variable, Op]).collect()),
        ("variable", vec![Variable]),
        ("file", vec![File, Category, Variable, Op]),
    ]
}

/// The dimensions that a ledger needs for a treemap.
pub(super) fn dimensions() -> impl Iterator<Item = Dimension> {
    // `scope` is asked for as often as it has levels.
    let mut dimensions: Vec<Dimension> = views().into_iter().flat_map(|(_, by)| by).chain(FACETS).collect();
    dimensions.sort_unstable();
    dimensions.dedup_by(|next, last| next == last && *next != Dimension::Scope);
    dimensions.into_iter()
}

/// The treemap of a ledger, with a view by what was asked for, if that is another one; about `room` bytes of a page.
pub(super) fn of(ledger: &Ledger, options: &Options, room: usize) -> Treemap {
    let mut views: Vec<(String, Vec<Dimension>)> =
        views().into_iter().map(|(name, by)| (name.to_owned(), by)).collect();
    let asked: Vec<&str> = options.by.iter().map(|dimension| dimension.name()).collect();
    let asked = asked.join(", ");
    // What was asked for is what is shown first.
    let known = views.iter().position(|(name, _)| *name == asked);
    let first = known.map_or_else(|| (asked, options.by.clone()), |at| views.remove(at));
    views.insert(0, first);
    let (names, by): (Vec<String>, Vec<Vec<Dimension>>) = views.into_iter().unzip();
    let Trees { facets, trees } = ledger.trees(&by, room / by.len().max(1));
    let views = names.into_iter().zip(trees).map(|(name, tree)| TreemapView::new(name, tree)).collect();
    Treemap { views, facets }
}
