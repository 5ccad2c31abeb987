//! The collections of a metagraph, which name nodes: what is run, what is said of variables, and what goes with a node.
//!
//! A v1 loader looks up what a collection names, and so does `tf.saved_model.load` of such a model: a node that is not there
//! ends the load (`tensorflow/python/framework/meta_graph.py`, `import_scoped_meta_graph_with_return_elements`).

use super::{Program, Vertex, texts};
use crate::message::number::collection_def::{ANY_LIST, BYTES_LIST, NODE_LIST};
use crate::message::number::meta_graph_def::COLLECTION_DEF;
use crate::message::number::{collection_def, map_entry};
use crate::message::{input_node, ops};
use crate::wire::{Field, fields, first_len};

/// Those of VariableDefs (`GraphKeys` in `tensorflow/python/framework/ops.py`).
const OF_VARIABLES: [&[u8]; 7] = [
    b"variables",
    b"trainable_variables",
    b"local_variables",
    b"model_variables",
    b"moving_average_variables",
    b"metric_variables",
    b"global_step",
];

/// Those of contexts of control flow, which name all nodes that are in them. Gradients need these, and no session does.
const OF_CONTEXTS: [&[u8]; 2] = [b"cond_context", b"while_context"];

/// That of SaverDefs (`GraphKeys.SAVERS`).
const SAVERS: &[u8] = b"savers";

/// How those begin that a loader runs (`tensorflow/python/saved_model/constants.py`).
const RUN: [&[u8]; 2] = [b"saved_model_", b"legacy_init_op"];

/// An item that goes as a whole with any node that it names.
#[derive(Debug, Clone)]
pub(in crate::slim) struct Item {
    /// The fields around it, the outermost first: the metagraph, the entry, the collection and the list.
    pub(in crate::slim) within: [Field; 4],
    pub(in crate::slim) field: Field,
    pub(in crate::slim) nodes: Vec<Vertex>,
}

/// What is said of a variable, which stays with it.
#[derive(Debug, Clone)]
pub(in crate::slim) struct Definition {
    pub(in crate::slim) variables: Vec<Vertex>,
    /// All nodes that it names.
    pub(in crate::slim) nodes: Vec<Vertex>,
}

/// The collections of a metagraph.
#[derive(Debug, Default)]
pub(in crate::slim) struct Collections {
    /// The nodes that are to stay.
    pub(in crate::slim) roots: Vec<Vertex>,
    pub(in crate::slim) definitions: Vec<Definition>,
    /// All that may go with a node, definitions included, in the order of the file.
    pub(in crate::slim) items: Vec<Item>,
}

impl Collections {
    pub(in crate::slim) fn read(program: &Program<'_>) -> Self {
        let (file, mut found) = (program.file, Self::default());
        for entry in program.sections(COLLECTION_DEF) {
            let key =
                first_len(file, entry.payload(), map_entry::KEY).and_then(|key| file.get(key)).unwrap_or_default();
            for collection in fields(file, entry.payload()).filter(|field| field.is_len(map_entry::VALUE)) {
                for list in fields(file, collection.payload()) {
                    let is_of_items = [NODE_LIST, BYTES_LIST, ANY_LIST].iter().any(|number| list.is_len(*number));
                    // All of these have their items under the same number.
                    let number = collection_def::node_list::VALUE;
                    for field in fields(file, list.payload()).filter(|field| is_of_items && field.is_len(number)) {
                        let within = [program.meta, entry, collection, list];
                        found.item(program, key, Item { within, field, nodes: Vec::new() });
                    }
                }
            }
        }
        found
    }

    fn item(&mut self, program: &Program<'_>, key: &[u8], mut item: Item) {
        let (file, list) = (program.file, item.within[3]);
        let named = program.node(input_node(item.field.bytes(file)));
        if list.is_len(NODE_LIST) {
            if RUN.iter().any(|start| key.starts_with(start)) {
                self.roots.extend(named);
            } else {
                item.nodes.extend(named);
                self.items.push(item);
            }
            return;
        }
        texts(file, item.field.payload(), &mut |text| {
            let text = text.strip_prefix(b"^").unwrap_or(text);
            item.nodes.extend(program.node(input_node(text)));
        });
        let is_variable =
            |node: &Vertex| program.nodes.get(*node).is_some_and(|node| ops::VARIABLES.contains(&node.def.op()));
        let variables: Vec<Vertex> = item.nodes.iter().copied().filter(is_variable).collect();
        if OF_VARIABLES.contains(&key) && !variables.is_empty() {
            self.definitions.push(Definition { variables, nodes: item.nodes.clone() });
            self.items.push(item);
        } else if OF_CONTEXTS.contains(&key) || key == SAVERS {
            self.items.push(item);
        } else {
            self.roots.append(&mut item.nodes);
        }
    }
}
