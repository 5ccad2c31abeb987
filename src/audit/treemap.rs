//! The treemap of a model: several trees of one ledger, and what their parts are told apart by.

mod marks;
mod reached;

use std::collections::BTreeMap;

use super::{Answers, Options, Parts};
use crate::duplicates::Marks;
use crate::findings::Findings;
use crate::ledger::{Dimension, FACETS, Ledger, Mark, Trees};
use crate::report::{Treemap, TreemapSignature, TreemapTag, TreemapView};

use marks::Tags;

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

/// The most findings that are told apart; there are fewer causes.
const FINDINGS: usize = u64::BITS as usize;

/// What is said of the bytes of a model besides what they are.
pub(super) struct Said {
    marks: BTreeMap<String, Vec<Mark>>,
    tags: Vec<TreemapTag>,
    signatures: Vec<TreemapSignature>,
}

impl Said {
    pub(super) fn of(parts: &Parts<'_>, answers: &Answers<'_>, findings: &Findings, states: Marks) -> Self {
        let (signatures, reached) = reached::reached(parts, answers);
        let states: BTreeMap<String, Vec<Mark>> = states.into_files().collect();
        let claims = findings.claims.iter().take(FINDINGS);
        let mut claimed: BTreeMap<&str, marks::Claimed<'_>> = BTreeMap::new();
        for (number, claims) in claims.enumerate() {
            for (file, ranges) in claims.files() {
                claimed.entry(file).or_default().push((1 << number, ranges));
            }
        }
        let mut tags = Tags::default();
        let mut all = BTreeMap::new();
        for file in marks::files(&states, claimed.keys().copied(), &reached) {
            let states = states.get(file).map_or(&[][..], Vec::as_slice);
            let reached = reached.get(file).map_or(&[][..], Vec::as_slice);
            let marks = marks::of_file(states, claimed.entry(file).or_default(), reached, &mut tags);
            all.insert(file.to_owned(), marks);
        }
        let positions = |bits: u64| (0..FINDINGS).filter(|at| bits >> at & 1 == 1).collect();
        let tag = |(findings, signatures): marks::Said| {
            TreemapTag::new(positions(findings), signatures.map(|bits| positions(u64::from(bits))))
        };
        Self { marks: all, tags: tags.all().map(tag).collect(), signatures }
    }

    /// Has a ledger divide its charges by this.
    pub(super) fn mark(&self, ledger: &mut Ledger) {
        self.marks.iter().for_each(|(file, marks)| ledger.mark(file.clone(), marks.clone()));
    }
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
pub(super) fn of(ledger: &Ledger, options: &Options, said: Said, room: usize) -> Treemap {
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
    Treemap { views, facets, tags: said.tags, signatures: said.signatures }
}
