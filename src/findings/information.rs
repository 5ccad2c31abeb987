//! What takes room and is no cause for alarm: parts that a model has because of how it was saved, which may be left out in
//! some cases and are small in most. `docs/findings/information.md` has what each of them is.
//!
//! Each is measured where it lies, and no byte is in two of them, but for functions and nodes of functions that no
//! signature needs, which are listed by themselves: an attribute of a node that is counted as a whole is
//! not counted again. What all nodes have of something was noted when they were charged, so only those are walked that are
//! counted as a whole, to take that away again.

use std::ops::Range;

use super::causes::debug_info;
use super::{Cause, Context, Detected, savers};
use crate::graph::{Root, Vertex, VertexKind};
use crate::message::attributes::{argument_shapes, is_output_shapes};
use crate::message::number::function_def::{ARG_ATTR, NODE_DEF};
use crate::message::number::meta_graph_def::META_INFO_DEF;
use crate::message::number::meta_graph_def::meta_info_def::STRIPPED_OP_LIST;
use crate::message::number::node_def::{ATTR as NODE_ATTR, EXPERIMENTAL_DEBUG_INFO as NODE_DEBUG_INFO};
use crate::outline::Sum;
use crate::size::plural;
use crate::wire::fields;

/// A part of a model that is worth knowing of.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Information {
    /// What it is called.
    pub id: String,
    /// The bytes that it takes.
    pub bytes: u64,
    /// What it is, in this model's numbers.
    pub message: String,
}

impl Information {
    /// What was found of a cause, where that is no finding.
    pub(super) fn of(cause: &Cause, found: &Detected) -> Self {
        let message = found.message.trim_end_matches('.').to_owned();
        Self { id: cause.id.to_owned(), bytes: found.bytes(), message }
    }
}

impl Sum {
    fn noted(self, id: &str, message: impl FnOnce(u64) -> String) -> Option<Information> {
        (self.bytes > 0).then(|| Information { id: id.to_owned(), bytes: self.bytes, message: message(self.count) })
    }
}

/// What there is to know of a model besides its causes.
pub(super) fn informations(context: &Context<'_>) -> Vec<Information> {
    let mut sums = Sums::default();
    for graph in 0..context.saved_model.meta_graphs.len() {
        sums.meta_graph(context, graph);
    }
    for file in context.model.files.iter().filter(|file| file.name.starts_with(debug_info::FILES)) {
        sums.debug_info.add(file.bytes);
    }
    let save_restore = sums.save_restore.noted("save-restore", |count| {
        let nodes = plural(count, "node or function", "nodes and functions");
        format!("{nodes} that only saving and restoring the checkpoint needs")
    });
    let unreached = sums.unreached.noted("unreached-nodes", |count| {
        let nodes = plural(count, "node", "nodes");
        format!("{nodes} that no signature reaches: training, initial values, summaries")
    });
    let output_shapes = sums.output_shapes.noted("output-shapes", |count| {
        let attributes = plural(count, "attribute", "attributes");
        format!("{attributes} `_output_shapes`: hints for what shape inference cannot know")
    });
    let debug_info = sums.debug_info.noted("debug-info", |count| {
        let parts = plural(count, "file or field", "files and fields");
        format!("{parts} of debug information: where and as what nodes were made")
    });
    let op_list = sums.op_list.noted("op-list", |count| {
        let lists = plural(count, "list", "lists");
        format!("{lists} of the ops that a graph uses, for loaders of another version")
    });
    let debug_info = debug_info.filter(|_| !debug_info::is_found(context));
    [save_restore, unreached, output_shapes, debug_info, op_list].into_iter().flatten().collect()
}

#[derive(Default)]
struct Sums {
    save_restore: Sum,
    unreached: Sum,
    output_shapes: Sum,
    debug_info: Sum,
    op_list: Sum,
}

/// What a node or function is that is counted as a whole. All others are counted by their parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whole {
    SaveRestore,
    Unreached,
}

impl Sums {
    fn meta_graph(&mut self, context: &Context<'_>, index: usize) {
        let Some(graph) = context.saved_model.meta_graphs.get(index) else { return };
        // What is in the vertices that are counted as a whole.
        let (mut shapes, mut debug_info) = (Sum::default(), Sum::default());
        for (vertex, whole) in whole(context, index) {
            match whole {
                Whole::SaveRestore => self.save_restore.add(vertex.bytes),
                Whole::Unreached => self.unreached.add(vertex.bytes),
            }
            if vertex.kind == VertexKind::Node {
                node(context, vertex.span, &mut shapes, &mut debug_info);
            } else {
                function(context, vertex.span, &mut shapes, &mut debug_info);
            }
        }
        self.output_shapes = self.output_shapes.and(graph.notes.output_shapes.without(shapes));
        self.debug_info = self.debug_info.and(graph.notes.debug_info.without(debug_info));
        let file = context.main();
        for field in context.sections(index, META_INFO_DEF).flat_map(|info| fields(file, info.payload())) {
            if field.is_len(STRIPPED_OP_LIST) {
                self.op_list.add(context.cost(&field.range()));
            }
        }
    }
}

/// The parts of the NodeDef at `span` that are counted by themselves elsewhere.
fn node(context: &Context<'_>, span: Range<usize>, shapes: &mut Sum, debug_info: &mut Sum) {
    let file = context.main();
    for field in fields(file, span) {
        if field.is_len(NODE_ATTR) && is_output_shapes(file, &field) {
            shapes.add(context.cost(&field.range()));
        } else if field.is_len(NODE_DEBUG_INFO) {
            debug_info.add(context.cost(&field.range()));
        }
    }
}

/// Those of the FunctionDef at `span`.
fn function(context: &Context<'_>, span: Range<usize>, shapes: &mut Sum, debug_info: &mut Sum) {
    let file = context.main();
    for field in fields(file, span) {
        if field.is_len(NODE_DEF) {
            node(context, field.payload(), shapes, debug_info);
        } else if field.is_len(ARG_ATTR) {
            argument_shapes(file, field.payload()).iter().for_each(|shape| shapes.add(context.cost(&shape.range())));
        }
    }
}

/// The nodes and functions of a metagraph that are counted as a whole, all of which nothing reaches. Where no signature is
/// there to be called, nothing is known to be idle, and functions that nothing calls are no nodes.
fn whole(context: &Context<'_>, index: usize) -> impl Iterator<Item = (Vertex, Whole)> {
    let reach = context.reach.meta_graphs.get(index).and_then(Option::as_ref);
    let saving = savers::only_saving(context, index).unwrap_or_default();
    let is_called = reach.is_some_and(|reach| reach.roots.iter().any(Root::is_call));
    let unreached = reach.into_iter().flat_map(|reach| reach.unreached().map(move |number| (reach, number)));
    unreached.filter_map(move |(reach, number)| {
        let vertex = reach.vertex(number)?;
        match vertex.kind {
            VertexKind::Node | VertexKind::Function if saving.get(number as usize) == Some(&true) => {
                Some((vertex, Whole::SaveRestore))
            }
            VertexKind::Node if is_called => Some((vertex, Whole::Unreached)),
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use crate::findings::tests::report;
    use crate::support::graph::{call, function_of, graph_of, node_of, saver, signature};
    use crate::support::wire::{Message, message, meta_graph, node, saved_model};

    fn noted(graph: &Message, files: &[(&str, &[u8])]) -> BTreeMap<String, u64> {
        let model = saved_model([graph]).0;
        let files = [&[("saved_model.pb", &*model)][..], files].concat();
        report(&files).information.into_iter().map(|information| (information.id, information.bytes)).collect()
    }

    fn expected(known: &[(&str, usize)]) -> BTreeMap<String, u64> {
        known.iter().map(|(id, bytes)| ((*id).to_owned(), *bytes as u64)).collect()
    }

    /// The bytes of nodes, tags and lengths included.
    fn fields(nodes: &[Message]) -> usize {
        message().messages(1, nodes).len()
    }

    fn shapes() -> Message {
        message().message(1, &message().bytes(7, [0; 20]))
    }

    /// A served node, with what is asked for added.
    fn served(graph: &Message) -> Message {
        signature(meta_graph(&["serve"], graph), "serving_default", &[], &["y"])
    }

    #[test]
    fn a_model_without_any_of_it_has_no_information() {
        assert_eq!(noted(&served(&graph_of(&[node("y", "Add")], &[])), &[]), expected(&[]));
    }

    #[test]
    fn shapes_are_counted_in_nodes_functions_and_their_arguments() {
        let y = call("y", "f", &[]).entry(5, "_output_shapes", &shapes());
        let inner = node("inner", "Add").entry(5, "_output_shapes", &shapes());
        let argument = message().int(1, 1).message(2, &message().entry(1, "_output_shapes", &shapes()));
        let idle = message().message(3, &inner).len();
        let function = function_of("f", &[], &[inner]).message(7, &argument);
        let entry = message().entry(5, "_output_shapes", &shapes()).len();
        assert_eq!(
            noted(&served(&graph_of(&[y], &[function])), &[]),
            expected(&[("output-shapes", 3 * entry), ("unreached-function-nodes", idle)])
        );
    }

    #[test]
    fn debug_information_is_in_files_graphs_and_nodes() {
        let origin = message().bytes(1, "before");
        let graph = graph_of(&[node("y", "Add").message(6, &origin)], &[]).message(5, &origin);
        let fields = 2 * message().message(5, &origin).len();
        let files: [(&str, &[u8]); 2] = [("debug/saved_model_debug_info.pb", &[0; 50]), ("debugger.txt", &[0; 50])];
        assert_eq!(noted(&served(&graph), &files), expected(&[("debug-info", fields + 50)]));
    }

    #[test]
    fn the_list_of_ops_is_that_of_the_metagraph() {
        let list = message().message(2, &message().message(1, &message().bytes(1, "Add")));
        let graph = served(&graph_of(&[node("y", "Add")], &[])).message(1, &list);
        assert_eq!(noted(&graph, &[]), expected(&[("op-list", list.len())]));
    }

    #[test]
    fn what_no_signature_reaches_is_idle_with_all_that_is_in_it() {
        let idle = node_of("gradient", "Mul", &["y"]).entry(5, "_output_shapes", &shapes()).message(6, &shapes());
        let graph = graph_of(&[node("y", "Add"), idle.clone()], &[]);
        assert_eq!(noted(&served(&graph), &[]), expected(&[("unreached-nodes", fields(&[idle]))]));
    }

    #[test]
    fn where_nothing_can_be_called_nothing_is_idle() {
        assert_eq!(noted(&meta_graph(&["serve"], &graph_of(&[node("y", "Add")], &[])), &[]), expected(&[]));
    }

    #[test]
    fn a_saver_is_counted_with_its_functions_and_without_its_variables() {
        let nodes = saver("v", "v", "");
        let save = [node("save/Const", "Const"), call("save/Save", "write", &["save/Const"])];
        let write = function_of("write", &[], &[node("inner", "SaveV2")]);
        let served_nodes = [node("v", "VariableV2"), node_of("y", "Identity", &["v"])];
        let graph = graph_of(&[&served_nodes[..], &nodes, &save].concat(), std::slice::from_ref(&write));
        let def = message().bytes(1, "save/Const:0").bytes(2, "save/Save:0").bytes(3, "save/restore_all");
        let bytes = fields(&nodes) + fields(&save) + fields(&[write]);
        assert_eq!(noted(&served(&graph).message(3, &def), &[]), expected(&[("save-restore", bytes)]));
    }
}
