//! How a vertex is first reached: a breadth-first walk, from the signatures for callers, then from what a loader runs,
//! then from the object graph.

use std::collections::VecDeque;

use super::{EdgeKind, MetaGraphReach, Origin, Root};

/// How a vertex was come to.
#[derive(Debug, Clone, Copy)]
enum Came {
    Not,
    FromRoot(u32, EdgeKind),
    From(u32, EdgeKind),
}

/// One step of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PathStep {
    /// Why the vertex before, or the root, needs this one.
    pub edge: EdgeKind,
    /// The vertex.
    pub vertex: u32,
}

/// For each vertex of a metagraph the shortest path to it.
pub struct Paths<'g, 'a> {
    graph: &'g MetaGraphReach<'a>,
    came: Vec<Came>,
}

impl<'a> MetaGraphReach<'a> {
    /// Walks the metagraph.
    #[must_use]
    pub fn paths(&self) -> Paths<'_, 'a> {
        let mut paths = Paths { graph: self, came: vec![Came::Not; self.vertices.len()] };
        paths.walk(Root::is_call);
        paths.walk(|root| root.origin != Origin::Objects);
        paths.walk(|_| true);
        paths
    }
}

impl<'g> Paths<'g, '_> {
    fn walk(&mut self, wanted: impl Fn(&Root) -> bool) {
        let mut queue = VecDeque::new();
        for (number, root) in (0..).zip(&self.graph.roots).filter(|(_, root)| wanted(root)) {
            for (to, edge) in &root.targets {
                self.visit(*to, Came::FromRoot(number, *edge), &mut queue);
            }
        }
        while let Some(vertex) = queue.pop_front() {
            for (to, edge) in self.graph.needs(vertex) {
                self.visit(to, Came::From(vertex, edge), &mut queue);
            }
        }
    }

    fn visit(&mut self, vertex: u32, came: Came, queue: &mut VecDeque<u32>) {
        if let Some(slot @ Came::Not) = self.came.get_mut(vertex as usize) {
            *slot = came;
            queue.push_back(vertex);
        }
    }

    /// The path to a vertex, from a root on; `None` where none leads there.
    #[must_use]
    pub fn to(&self, vertex: u32) -> Option<(&'g Root, Vec<PathStep>)> {
        let mut steps = Vec::new();
        let mut at = vertex;
        // A path visits no vertex twice.
        for _ in 0..=self.came.len() {
            match *self.came.get(at as usize)? {
                Came::Not => return None,
                Came::From(before, edge) => {
                    steps.push(PathStep { edge, vertex: at });
                    at = before;
                }
                Came::FromRoot(root, edge) => {
                    steps.push(PathStep { edge, vertex: at });
                    steps.reverse();
                    return Some((self.graph.roots.get(root as usize)?, steps));
                }
            }
        }
        None
    }
}
