//! The names that a save or restore op is given: constants that repeat the checkpoint's keys, once for saving and once for
//! restoring. That is how savers work and no content that is duplicated, so they are no payloads.

use std::cell::OnceCell;
use std::ops::Range;

use foldhash::HashSet;

use crate::message::{NodeDef, input_node, ops};
use crate::wire::fields;

/// The nodes of a graph or function that hold names for its savers; looked for when somebody asks.
pub(super) struct SaverNames<'f> {
    file: &'f [u8],
    /// The messages whose fields the nodes are, and the number of these fields.
    scope: Vec<Range<usize>>,
    node: u32,
    names: OnceCell<HashSet<&'f [u8]>>,
}

impl<'f> SaverNames<'f> {
    pub(super) fn new(file: &'f [u8], scope: Vec<Range<usize>>, node: u32) -> Self {
        Self { file, scope, node, names: OnceCell::new() }
    }

    /// Whether the node of this name is given to a save or restore op as names.
    pub(super) fn has(&self, name: &[u8]) -> bool {
        self.names.get_or_init(|| self.find()).contains(name)
    }

    fn find(&self) -> HashSet<&'f [u8]> {
        let nodes = self.scope.iter().flat_map(|message| fields(self.file, message.clone()));
        nodes.filter(|field| field.is_len(self.node)).flat_map(|node| self.named_by(node.payload())).collect()
    }

    /// The nodes that a node takes names from.
    fn named_by(&self, node: Range<usize>) -> impl Iterator<Item = &'f [u8]> {
        let node = NodeDef::read(self.file, node);
        let named = ops::named_inputs(node.op());
        node.inputs().take(named.end).skip(named.start).map(input_node)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::graph::{graph_of, node_of, saver};

    #[test]
    fn names_and_slices_of_savers_are_found_and_what_is_saved_is_not() {
        let save = node_of("save/SaveV2", "SaveV2", &["save/Const", "tensor_names", "slices:0", "v/Read"]);
        let old = node_of("save/Save", "Save", &["save/Const", "old_names", "v/Read"]);
        let graph = graph_of(&[&saver("v", "v", "")[..], &[save, old]].concat(), &[]).0;
        let names = SaverNames::new(&graph, std::iter::once(0..graph.len()).collect(), 1);
        for name in ["save/names", "save/slices", "tensor_names", "slices", "old_names"] {
            assert!(names.has(name.as_bytes()), "{name}");
        }
        for name in ["save/Const", "v/Read", "v", ""] {
            assert!(!names.has(name.as_bytes()), "{name}");
        }
    }
}
