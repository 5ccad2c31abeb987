//! Which files under `assets/` a model reads.

use std::collections::BTreeSet;
use std::ops::Range;

use foldhash::HashSet;

use super::Context;
use super::nodes::{Function, Node};
use crate::message::AttrValue;
use crate::message::number::asset_file_def::FILENAME;
use crate::message::number::attr_value::list_value;
use crate::message::number::collection_def::ANY_LIST;
use crate::message::number::collection_def::any_list::VALUE as ANY_VALUE;
use crate::message::number::map_entry;
use crate::message::number::meta_graph_def::COLLECTION_DEF;
use crate::message::number::protobuf::any::VALUE;
use crate::wire::{Field, fields, first_len};

/// Where TensorFlow 1 has its AssetFileDefs (`tensorflow/cc/saved_model/constants.h`).
const ASSETS_KEY: &[u8] = b"saved_model_assets";

impl<'a> Context<'a> {
    /// The files that a loader of a metagraph looks for, relative to the model's directory: those of `asset_file_def`,
    /// else those of the collection that TensorFlow 1 kept them in (`tensorflow/cc/saved_model/loader_util.cc`,
    /// `GetAssetFileDefs`). What is a link to another file of the model is that file.
    pub(super) fn assets(&self, meta_graph: usize) -> Vec<String> {
        let own = self.saved_model.meta_graphs.get(meta_graph).map_or(&[][..], |graph| &graph.assets);
        let mut names: Vec<String> = own.iter().map(|name| format!("assets/{name}")).collect();
        if names.is_empty() {
            names.extend(self.collected_assets(meta_graph).map(|name| format!("assets/{}", self.text(name))));
        }
        for name in &mut names {
            if let Some(file) = self.model.file(name) {
                name.clone_from(&file.name);
            }
        }
        names
    }

    /// The files that any metagraph names; `None` where some of them may not be known, as the main file is not whole.
    pub(crate) fn named_assets(&self) -> Option<BTreeSet<String>> {
        let graphs = &self.saved_model.meta_graphs;
        let is_known = !graphs.is_empty() && self.saved_model.problems.is_empty();
        is_known.then(|| (0..graphs.len()).flat_map(|graph| self.assets(graph)).collect())
    }

    /// The files of `files` that no string of a node ends with the name of: what a graph opens by a path of its own.
    pub(super) fn unmentioned<'f>(&self, files: Vec<&'f str>) -> Vec<&'f str> {
        let mut wanted: HashSet<&[u8]> = files.iter().map(|file| last_part(file.as_bytes())).collect();
        let graphs = (0..self.saved_model.meta_graphs.len()).flat_map(|graph| self.nodes(graph));
        if !wanted.is_empty() {
            let nodes = graphs.chain(self.functions().iter().flat_map(Function::nodes));
            let mut found = |string| {
                wanted.remove(last_part(string));
            };
            nodes.for_each(|node| self.strings(&node, &mut found));
        }
        files.into_iter().filter(|file| wanted.contains(last_part(file.as_bytes()))).collect()
    }

    /// The strings in a node's attributes, and in the tensors there.
    fn strings(&self, node: &Node<'_>, mut visit: impl FnMut(&'a [u8])) {
        let main = self.main();
        for value in node.attributes().into_iter().map(|entry| AttrValue::new(entry.value)) {
            let fields: Vec<Field> = match (value.tensor(), value.list()) {
                (Some(tensor), _) => tensor.strings().collect(),
                (None, Some(list)) => list.repeated(list_value::S).collect(),
                (None, None) => {
                    visit(value.s().and_then(|range| main.get(range)).unwrap_or_default());
                    continue;
                }
            };
            fields.into_iter().for_each(|field| visit(field.bytes(main)));
        }
    }

    fn collected_assets(&self, meta_graph: usize) -> impl Iterator<Item = Range<usize>> {
        let file = self.main();
        let inner = move |message: Range<usize>, number| {
            fields(file, message).filter(move |field| field.is_len(number)).map(|field| field.payload())
        };
        let entries = self.sections(meta_graph, COLLECTION_DEF).map(|entry| entry.payload());
        let assets = entries.filter(move |entry| {
            first_len(file, entry.clone(), map_entry::KEY).and_then(|key| file.get(key)) == Some(ASSETS_KEY)
        });
        let lists = assets.flat_map(move |entry| inner(entry, VALUE)).flat_map(move |value| inner(value, ANY_LIST));
        let defs = lists.flat_map(move |list| inner(list, ANY_VALUE)).flat_map(move |any| inner(any, VALUE));
        defs.filter_map(move |def| first_len(file, def, FILENAME))
    }
}

/// A path's last part.
fn last_part(path: &[u8]) -> &[u8] {
    path.rsplit(|byte| *byte == b'/').next().unwrap_or_default()
}
