//! Charges summed by several lists of dimensions at once, each sum told apart by what is said of the bytes besides: what a
//! treemap is drawn, coloured and filtered by.
//!
//! A [`super::Rollup`] has a row for every name and as many levels as dimensions. A tree is for looking: a dimension that
//! does not apply to some bytes is no level for them, folders that hold nothing but one folder are one level, and the
//! smallest rows are folded where there is no room for all. What is folded still says how many rows it was and how large,
//! so that each level adds up to the row above it.

use foldhash::HashMap;
use foldhash::fast::RandomState;
use indexmap::{IndexMap, IndexSet};

use super::rollup::{Key, Scopes};
use super::{Category, Dimension, Label, Labels, Ledger, Rest, RowKind, State, Tally};
use crate::escape::shortened;

/// What a row takes in a page besides its name, and what a part of it takes: about, as JSON.
const ROW_ROOM: usize = 32;
const PART_ROOM: usize = 12;

/// Trees over the same charges, and what their parts are told apart by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trees {
    /// What is said of bytes besides where they are, by the number that parts have.
    pub facets: Vec<Facet>,
    /// A tree for each list of dimensions.
    pub trees: Vec<Tree>,
}

/// What is said of some bytes, whatever they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facet {
    /// The part of the model.
    pub category: Category,
    /// The metagraph that they are in.
    pub meta_graph: Option<String>,
    /// Their element type.
    pub dtype: Option<String>,
    /// Whether they are there once.
    pub state: State,
    /// What else marks say of them: the number that [`super::Mark::tag`] has.
    pub tag: u32,
}

/// One tree: all charges, by some dimensions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tree {
    /// The dimensions, outermost first.
    pub by: Vec<Dimension>,
    /// The outermost rows, largest first.
    pub rows: Vec<Branch>,
    /// The outermost rows that there was no room for.
    pub folded: Option<Folded>,
}

/// A row of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branch {
    /// Its name; of a very long one the ends.
    pub name: String,
    /// Whose word that is.
    pub kind: RowKind,
    /// The dimension that the name is in.
    pub dimension: Dimension,
    /// Bytes on disk.
    pub bytes: u64,
    /// How many items these bytes hold.
    pub count: u64,
    /// What it is made of, where it has no rows below it.
    pub parts: Vec<Part>,
    /// The rows below it, largest first.
    pub children: Vec<Self>,
    /// The rows below it that there was no room for.
    pub folded: Option<Folded>,
}

/// The bytes of a row of which the same is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// What is said of them, as a position in [`Trees::facets`].
    pub facet: usize,
    /// How many there are.
    pub bytes: u64,
    /// How many items they hold.
    pub count: u64,
}

/// Rows that there was no room for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Folded {
    /// How many, those below them not counted.
    pub rows: u64,
    /// Their bytes and how many items they hold.
    pub bytes: u64,
    /// How many items they hold.
    pub count: u64,
    /// What they are made of.
    pub parts: Vec<Part>,
}

impl Tree {
    /// The sum of all rows, those that are folded included.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.rows.iter().map(|row| row.bytes).sum::<u64>() + self.folded.as_ref().map_or(0, |folded| folded.bytes)
    }
}

/// Once so many facets are told apart, what is said of further ones is their category alone: a file may be made so that no
/// two nodes are alike.
const MOST_FACETS: usize = 5_000;

/// The dimensions that parts are told apart by, beside the category.
pub const FACETS: [Dimension; 3] = [Dimension::MetaGraph, Dimension::Dtype, Dimension::Duplicate];

/// A category, and labels in [`FACETS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct FacetKey {
    category: Category,
    tag: u32,
    names: [Label; FACETS.len()],
}

/// No node is above this one.
const ROOT: u32 = 0;

/// A row while sums are made.
#[derive(Debug)]
struct Node {
    parent: u32,
    dimension: Dimension,
    key: Key,
    tally: Tally,
}

/// A tree while sums are made: nodes by number, each behind the one that it is below.
struct Builder<'l> {
    ledger: &'l Ledger,
    by: &'l [Dimension],
    scopes: Scopes,
    nodes: Vec<Node>,
    numbers: HashMap<(u32, Dimension, Key), u32>,
    /// The sums of nodes by facet.
    parts: IndexMap<(u32, usize), Tally, RandomState>,
    path: Vec<(Dimension, Key)>,
}

impl Ledger {
    /// All charges by each of `views`, lists of dimensions that the ledger must have. Each tree takes about `room` bytes as
    /// JSON at most.
    #[must_use]
    pub fn trees(&self, views: &[Vec<Dimension>], room: usize) -> Trees {
        let mut facets: IndexSet<FacetKey, RandomState> = IndexSet::default();
        let trees = views.iter().map(|by| Builder::new(self, by).tree(&mut facets, room)).collect();
        Trees { facets: facets.iter().map(|key| self.facet(key)).collect(), trees }
    }

    fn facet(&self, key: &FacetKey) -> Facet {
        let [meta_graph, dtype, state] = &key.names;
        let named = |label: &Label| (*label != Label::NONE).then(|| self.name(*label));
        let states = [State::Redundant, State::Zero, State::Fill];
        let state = states.into_iter().find(|known| self.bytes(*state) == known.name().as_bytes());
        let (category, state) = (key.category, state.unwrap_or(State::Unique));
        Facet { category, meta_graph: named(meta_graph), dtype: named(dtype), state, tag: key.tag }
    }
}

impl<'l> Builder<'l> {
    fn new(ledger: &'l Ledger, by: &'l [Dimension]) -> Self {
        let root = Node {
            parent: ROOT,
            dimension: Dimension::Category,
            key: Key::Absent(Category::Framing),
            tally: Tally::default(),
        };
        Self {
            ledger,
            by,
            scopes: Scopes::default(),
            nodes: vec![root],
            numbers: HashMap::default(),
            parts: IndexMap::default(),
            path: Vec::new(),
        }
    }

    fn tree(mut self, facets: &mut IndexSet<FacetKey, RandomState>, room: usize) -> Tree {
        let (ledger, by) = (self.ledger, self.by);
        let add = |labels: &Labels, tally| {
            let names = FACETS.map(|dimension| labels.get(dimension));
            let key = FacetKey { category: labels.category(), tag: labels.tag, names };
            let is_new = facets.len() >= MOST_FACETS && !facets.contains(&key);
            let key = if is_new { FacetKey { tag: 0, names: FACETS.map(|_| Label::NONE), ..key } } else { key };
            let facet = facets.insert_full(key).0;
            self.add(labels, facet, tally);
        };
        if by.contains(&Dimension::Op) {
            ledger.rows.each(add);
        } else {
            ledger.rows.each_of_any_op(add);
        }
        let root = self.keep(room).branch(ROOT);
        Tree { by: by.to_vec(), rows: root.children, folded: root.folded }
    }

    fn add(&mut self, labels: &Labels, facet: usize, tally: Tally) {
        self.follow(labels);
        let mut at = ROOT;
        if let Some(root) = self.nodes.first_mut() {
            root.tally.add(tally);
        }
        for (dimension, key) in &self.path {
            let next = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
            let number = *self.numbers.entry((at, *dimension, *key)).or_insert(next);
            if number == next {
                self.nodes.push(Node { parent: at, dimension: *dimension, key: *key, tally: Tally::default() });
            }
            if let Some(node) = self.nodes.get_mut(number as usize) {
                node.tally.add(tally);
            }
            at = number;
        }
        self.parts.entry((at, facet)).or_default().add(tally);
    }

    /// Makes `path` the levels of one row of the ledger: the dimensions that say something of it.
    fn follow(&mut self, labels: &Labels) {
        let category = labels.category();
        let mut depth = 0;
        self.path.clear();
        for (at, dimension) in self.by.iter().enumerate() {
            let label = match dimension {
                Dimension::Category => {
                    self.path.push((*dimension, Key::Category(category)));
                    continue;
                }
                Dimension::Scope => {
                    depth += 1;
                    self.scopes.segment(self.ledger, labels.get(Dimension::Scope), depth - 1)
                }
                // Below anything else a file says something only where it is all that can be said.
                Dimension::File if at > 0 && !matches!(category, Category::Assets | Category::Files) => Label::NONE,
                other => labels.get(*other),
            };
            if label != Label::NONE {
                self.path.push((*dimension, Key::Name(label)));
            } else if *dimension == Dimension::Function && category == Category::GraphDef {
                // The nodes of the graph itself stand together beside the functions.
                self.path.push((*dimension, Key::Absent(category)));
            }
        }
        let last = self.by.last().copied().unwrap_or(Dimension::Category);
        if self.path.last().is_none_or(|(dimension, _)| *dimension != last) {
            self.path.push((last, Key::Absent(category)));
        }
    }

    /// Chooses the largest rows that there is room for. A row above is at least as large as one below it, and comes first
    /// where both are equal: so the rows above a row that is kept are kept as well.
    fn keep(self, room: usize) -> Kept {
        let Self { ledger, scopes, nodes, parts, .. } = self;
        let mut parts_of: Vec<u32> = vec![0; nodes.len()];
        for (node, _) in parts.keys() {
            parts_of.get_mut(*node as usize).into_iter().for_each(|parts| *parts += 1);
        }
        let mut order: Vec<u32> = (0..).take(nodes.len()).collect();
        let bytes = |number: &u32| nodes.get(*number as usize).map_or(0, |node| node.tally.bytes);
        order.sort_by_key(|number| std::cmp::Reverse(bytes(number)));
        let mut kept = Kept { rows: nodes.iter().map(|_| Row::default()).collect() };
        let mut left = room;
        for number in order {
            let Some(node) = nodes.get(number as usize) else { continue };
            let name = if number == ROOT { String::new() } else { scopes.name(ledger, node.key).to_string() };
            let name = shortened(&name).into_owned();
            let parts = parts_of.get(number as usize).map_or(0, |parts| *parts as usize);
            let takes = ROW_ROOM + name.len() + parts.saturating_mul(PART_ROOM);
            let Some(rest) = left.checked_sub(takes).or((number == ROOT).then_some(left)) else { break };
            left = rest;
            kept.keep(number, node, name, scopes.kind(ledger, node.key));
        }
        kept.fold(&nodes, parts);
        kept
    }
}

/// The rows that are kept, by number.
struct Kept {
    rows: Vec<Row>,
}

/// A row that may be kept.
#[derive(Default)]
struct Row {
    branch: Option<Branch>,
    /// Those below it that are kept, largest first.
    children: Vec<u32>,
    folded: Folded,
}

impl Kept {
    fn keep(&mut self, number: u32, node: &Node, name: String, kind: RowKind) {
        if number != ROOT
            && let Some(parent) = self.rows.get_mut(node.parent as usize)
        {
            parent.children.push(number);
        }
        let Some(row) = self.rows.get_mut(number as usize) else { return };
        let Tally { bytes, count } = node.tally;
        let (parts, children, folded) = Default::default();
        row.branch = Some(Branch { name, kind, dimension: node.dimension, bytes, count, parts, children, folded });
    }

    fn is_kept(&self, number: u32) -> bool {
        self.rows.get(number as usize).is_some_and(|row| row.branch.is_some())
    }

    /// Adds what is not kept to the row above it that is.
    fn fold(&mut self, nodes: &[Node], parts: IndexMap<(u32, usize), Tally, RandomState>) {
        let mut above: Vec<u32> = Vec::with_capacity(nodes.len());
        for (number, node) in (0..).zip(nodes) {
            let kept = self.is_kept(number);
            // A node comes behind the one that it is below.
            let over = if kept { number } else { above.get(node.parent as usize).copied().unwrap_or(ROOT) };
            above.push(over);
            if !kept
                && over == node.parent
                && let Some(row) = self.rows.get_mut(over as usize)
            {
                row.folded.rows += 1;
                row.folded.bytes += node.tally.bytes;
                row.folded.count += node.tally.count;
            }
        }
        let mut folded: IndexMap<(u32, usize), Tally, RandomState> = IndexMap::default();
        for ((node, facet), tally) in parts {
            let over = above.get(node as usize).copied().unwrap_or(ROOT);
            if over != node {
                folded.entry((over, facet)).or_default().add(tally);
            } else if let Some(branch) = self.rows.get_mut(node as usize).and_then(|row| row.branch.as_mut()) {
                branch.parts.push(Part { facet, bytes: tally.bytes, count: tally.count });
            }
        }
        for ((over, facet), tally) in folded {
            if let Some(row) = self.rows.get_mut(over as usize) {
                row.folded.parts.push(Part { facet, bytes: tally.bytes, count: tally.count });
            }
        }
    }

    /// A row with those below it. There are as many levels as dimensions.
    fn branch(&mut self, number: u32) -> Branch {
        let row = self.rows.get_mut(number as usize).map(std::mem::take).unwrap_or_default();
        let children: Vec<Branch> = row.children.into_iter().map(|child| self.branch(child)).collect();
        let folded = (row.folded.rows > 0).then_some(row.folded);
        let mut branch = row.branch.unwrap_or_else(|| Branch {
            name: String::new(),
            kind: RowKind::Category,
            dimension: Dimension::Category,
            bytes: 0,
            count: 0,
            parts: Vec::new(),
            children: Vec::new(),
            folded: None,
        });
        (branch.children, branch.folded) = (children, folded);
        if number != ROOT {
            branch.join();
        }
        branch
    }
}

impl Branch {
    /// Takes the place of its only row where that says nothing more: that no further dimension applies, the category of a
    /// file's bytes, or a folder of a folder.
    fn join(&mut self) {
        if self.folded.is_some() || self.children.len() != 1 {
            return;
        }
        let Some(only) = self.children.pop() else { return };
        let is_folder = |branch: &Self| branch.dimension == Dimension::Scope && branch.kind == RowKind::Name;
        let is_category = only.kind == RowKind::Category || only.dimension == Dimension::Category;
        if is_category || is_folder(self) && is_folder(&only) {
            if !is_category {
                self.name = shortened(&format!("{}/{}", self.name, only.name)).into_owned();
            }
            (self.parts, self.children, self.folded) = (only.parts, only.children, only.folded);
        } else {
            self.children.push(only);
        }
    }
}

/// `rest` of a row as a rollup has it.
impl From<&Folded> for Rest {
    fn from(folded: &Folded) -> Self {
        Self { rows: folded.rows, bytes: folded.bytes, count: folded.count }
    }
}

#[cfg(test)]
mod tests;
