//! `smaudit why`: how a signature comes to need a vertex of the graph.

use std::collections::BTreeSet;

use super::{AuditError, Options, Parts};
use crate::checkpoint::{Checkpoint, KEY_SUFFIX};
use crate::graph::{EdgeKind, MetaGraphReach, Origin, Paths, Reach, VertexKind};
use crate::input::Model;
use crate::ledger::Ledger;
use crate::message::number::{function_def, node_def};
use crate::outline::{MetaGraph, SavedModel};
use crate::progress::{Progress, Step, Ticks};
use crate::report::{WhyGraph, WhyModel, WhyRoot, WhyRootKind, WhyStep, WhyThing};
use crate::wire::{Layout, fields};

/// The most vertices of one name in a metagraph whose paths are shown; nodes of functions may be called alike.
const PLACES: usize = 8;

/// The most names that are suggested.
const NEAR: usize = 5;

/// The most bytes of a name that are compared to say that it is near another.
const COMPARED: usize = 200;

/// Says of each metagraph of a model how its signatures reach what is called `name`, or what it is where none does.
///
/// The name is that of a node, a function, a variable (its key or its own name) or an asset, whole or an end of it that
/// only one name has. Where there is no such vertex, `meta_graphs` of the answer is empty and `near` has names like it.
///
/// # Errors
/// [`AuditError::Imbalance`] where books do not balance: a mistake in smaudit.
pub fn why(model: &Model, name: &str, progress: &dyn Progress) -> Result<WhyModel, AuditError> {
    let options = Options::default();
    let parts = Parts::open(model, &options, progress);
    let bytes = parts.work.shared_bytes();
    progress.start(&model.path, bytes);
    // Of the steps that share the bytes there are two here; the search has the rest of them.
    let searched = bytes / Step::SHARED.len() as u64 * 3;
    // The books are kept for the damage that is noticed on the way.
    let saved_model = parts.charge(&mut Ledger::new(&[]))?;
    let reach = parts.reach(&saved_model);
    let searching = parts.work.begin_part(Step::Searching, searched, 2 * parts.main_bytes().len() as u64);
    let mut report = named(&parts, &reach, &saved_model, name, &searching);
    drop(searching);
    report.problems = parts.problems(&saved_model);
    report.problems.extend(model.changes());
    report.problems.sort();
    report.problems.dedup();
    Ok(report)
}

/// Finds what is called `name` in each metagraph, and the path to it.
fn named(
    parts: &Parts<'_>,
    reach: &Reach<'_>,
    saved_model: &SavedModel,
    name: &str,
    progress: &dyn Progress,
) -> WhyModel {
    let (file, layout, checkpoint) = (parts.main_bytes(), parts.layout(), parts.checkpoint.as_ref());
    let mut report = WhyModel {
        path: parts.model.path.clone(),
        name: name.to_owned(),
        meta_graphs: Vec::new(),
        near: Vec::new(),
        problems: Vec::new(),
    };
    let search =
        |graph, about: &MetaGraph| Search { graph, checkpoint, file, layout, start: about.range.start, progress };
    let graphs = || reach.meta_graphs.iter().zip(&saved_model.meta_graphs).enumerate();
    let mut names = NameSearch::new(name);
    for (_, (graph, about)) in graphs() {
        let Some(graph) = graph else { continue };
        search(graph, about).names(|candidate, _, _| names.add(candidate));
    }
    let Some(wanted) = names.chosen() else {
        report.near = names.near();
        return report;
    };
    for (index, (graph, about)) in graphs() {
        let vertices = graph.as_ref().map(|graph| search(graph, about).vertices(&wanted));
        report.meta_graphs.push(WhyGraph {
            index: index as u64,
            tags: about.tags.clone(),
            followed: vertices.is_some(),
            things: vertices.unwrap_or_default(),
        });
    }
    report.name = wanted;
    report
}

/// A metagraph in which a name is looked for.
struct Search<'g, 'a> {
    graph: &'g MetaGraphReach<'a>,
    checkpoint: Option<&'a Checkpoint>,
    file: &'a [u8],
    layout: &'a Layout,
    /// Where the metagraph begins in the file.
    start: usize,
    /// Is given the bytes of the file that were searched.
    progress: &'g dyn Progress,
}

impl Search<'_, '_> {
    /// Every name by which a vertex can be asked for: the name, the vertex, and the node where it is one of a function.
    fn names(&self, mut visit: impl FnMut(&str, u32, Option<u64>)) {
        let saved = self.checkpoint.and_then(|checkpoint| checkpoint.object_graph.as_ref());
        let mut ticks = Ticks::new(self.progress, self.start);
        for (number, _) in self.graph.kinds() {
            let Some(vertex) = self.graph.vertex(number) else { continue };
            ticks.up_to(vertex.span.end);
            if matches!(vertex.kind, VertexKind::Object | VertexKind::Resource) {
                continue;
            }
            let name = self.graph.name(number);
            visit(&name, number, None);
            match vertex.kind {
                VertexKind::Variable => {
                    let own = saved.and_then(|saved| saved.full_name(&name)).filter(|own| *own != name);
                    // Reports show a key without its end.
                    let short = name.strip_suffix(KEY_SUFFIX);
                    own.into_iter().chain(short).for_each(|name| visit(name, number, None));
                }
                VertexKind::Function => {
                    // FunctionDef.node_def, NodeDef.name
                    let body = fields(self.file, vertex.span).filter(|f| f.is_len(function_def::NODE_DEF));
                    for node in body {
                        let mut inner = fields(self.file, node.payload());
                        let name = inner.find(|field| field.is_len(node_def::NAME)).map(|field| field.bytes(self.file));
                        let name = String::from_utf8_lossy(name.unwrap_or_default());
                        visit(&name, number, Some(self.layout.span(&node).bytes()));
                    }
                }
                _ => {}
            }
        }
    }

    /// The vertices of a name, each with a path to it; those that are reached first.
    fn vertices(&self, wanted: &str) -> Vec<WhyThing> {
        let mut all: BTreeSet<(u32, Option<u64>)> = BTreeSet::new();
        self.names(|name, vertex, node| {
            if name == wanted {
                all.insert((vertex, node));
            }
        });
        let paths = self.graph.paths();
        let mut found: Vec<(u32, Option<u64>)> = all.into_iter().collect();
        found.sort_by_key(|(vertex, node)| {
            (!self.graph.is_called(*vertex), node.is_some(), !self.graph.is_reached(*vertex))
        });
        let more = found.len().saturating_sub(PLACES);
        let mut answers: Vec<WhyThing> =
            found.iter().take(PLACES).map(|(vertex, node)| self.answer(*vertex, *node, wanted, &paths)).collect();
        // Savers and initial values may have a handle of their own, and TensorFlow names it like the variable.
        let is_needed = answers.iter().any(|vertex| vertex.kind == VertexKind::Variable && vertex.root.is_some());
        for ((number, node), vertex) in found.iter().zip(&mut answers).filter(|_| is_needed) {
            let is_handle = || self.graph.needs(*number).any(|(_, edge)| edge == EdgeKind::Handle);
            vertex.is_spare_handle = node.is_none() && vertex.root.is_none() && is_handle();
        }
        // A node and the variable that it is the handle of share a name, and the path to the one leads by the other.
        let is_on_path = |vertex: &WhyThing| {
            answers.iter().any(|other| {
                vertex.root.is_some()
                    && vertex.root == other.root
                    && vertex.steps.len() < other.steps.len()
                    && other.steps.starts_with(&vertex.steps)
            })
        };
        let keep: Vec<bool> = answers.iter().map(|vertex| !is_on_path(vertex)).collect();
        let mut keep = keep.into_iter();
        answers.retain(|_| keep.next().unwrap_or(true));
        if let Some(last) = answers.last_mut() {
            last.more = more as u64;
        }
        answers
    }

    fn answer(&self, number: u32, node: Option<u64>, wanted: &str, paths: &Paths<'_, '_>) -> WhyThing {
        let (kind, bytes) =
            self.graph.vertex(number).map_or((VertexKind::Node, 0), |vertex| (vertex.kind, vertex.bytes));
        let path = paths.to(number);
        let mut steps: Vec<WhyStep> = Vec::new();
        for step in path.iter().flat_map(|(_, steps)| steps) {
            let (kind, bytes) = self.graph.vertex(step.vertex).map_or((VertexKind::Node, 0), |t| (t.kind, t.bytes));
            let name = self.graph.name(step.vertex);
            let op = self.graph.op(step.vertex);
            let op = (!op.is_empty()).then(|| String::from_utf8_lossy(op).into_owned());
            steps.push(WhyStep { edge: Some(step.edge), kind, name, op, bytes });
        }
        let function = node.map(|_| self.graph.name(number));
        if let (Some(bytes), Some(_)) = (node, &path) {
            steps.push(WhyStep { edge: None, kind: VertexKind::Node, name: wanted.to_owned(), op: None, bytes });
        }
        WhyThing {
            kind: if node.is_some() { VertexKind::Node } else { kind },
            name: if node.is_some() { wanted.to_owned() } else { self.graph.name(number) },
            function,
            bytes: node.unwrap_or(bytes),
            root: path.map(|(root, _)| match &root.origin {
                Origin::Signature(name) => WhyRoot { kind: WhyRootKind::Signature, name: Some(name.clone()) },
                Origin::MainOp => WhyRoot { kind: WhyRootKind::MainOp, name: None },
                Origin::Objects => WhyRoot { kind: WhyRootKind::Objects, name: None },
            }),
            steps,
            is_spare_handle: false,
            more: 0,
        }
    }
}

/// The names of a model, as far as they are like the one that was asked for.
struct NameSearch<'n> {
    wanted: &'n str,
    exact: bool,
    /// Names that end with what was asked for; a second one is enough to know that it is not the only one.
    ends: BTreeSet<String>,
    /// The nearest names with how far they are.
    near: BTreeSet<(u64, String)>,
    pairs: BTreeSet<(u8, u8)>,
}

impl<'n> NameSearch<'n> {
    fn new(wanted: &'n str) -> Self {
        Self { wanted, exact: false, ends: BTreeSet::new(), near: BTreeSet::new(), pairs: pairs(wanted) }
    }

    fn add(&mut self, name: &str) {
        if name == self.wanted {
            self.exact = true;
        }
        if self.exact || name.is_empty() {
            return;
        }
        if !self.wanted.is_empty() && name.ends_with(self.wanted) && self.ends.len() <= NEAR {
            self.ends.insert(name.to_owned());
        }
        let far = self.distance(name);
        if far < 1000 && self.near.last().is_none_or(|(worst, _)| self.near.len() < NEAR || far < *worst) {
            self.near.insert((far, name.to_owned()));
            if self.near.len() > NEAR {
                self.near.pop_last();
            }
        }
    }

    /// 0 for a name that has what was asked for in it, 1000 for one that is not like it at all.
    fn distance(&self, name: &str) -> u64 {
        if !self.wanted.is_empty() && name.contains(self.wanted) {
            return 0;
        }
        let other = pairs(name);
        let common = self.pairs.intersection(&other).count() as u64;
        let all = (self.pairs.len() + other.len()) as u64;
        // Half of the pairs in common is near.
        let near = (2000 * common).checked_div(all).unwrap_or_default();
        if near < 500 { 1000 } else { 1000 - near.min(999) }
    }

    /// The name that was meant: the one asked for, or the only one that ends so.
    fn chosen(&self) -> Option<String> {
        match (self.exact, self.ends.len()) {
            (true, _) => Some(self.wanted.to_owned()),
            (false, 1) => self.ends.first().cloned(),
            _ => None,
        }
    }

    fn near(self) -> Vec<String> {
        match self.ends.is_empty() {
            true => self.near.into_iter().map(|(_, name)| name).collect(),
            false => self.ends.into_iter().take(NEAR).collect(),
        }
    }
}

/// The pairs of neighbouring bytes of a name, letters without their case.
fn pairs(name: &str) -> BTreeSet<(u8, u8)> {
    let bytes = || name.bytes().take(COMPARED).map(|byte| byte.to_ascii_lowercase());
    bytes().zip(bytes().skip(1)).collect()
}
