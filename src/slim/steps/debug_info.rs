//! Where nodes were made in a program: the stack traces of a graph, the names that nodes had before, and the files beside.

use super::{Edited, NotTaken};
use crate::edit::Splices;
use crate::message::number::function_def::NODE_DEF;
use crate::message::number::function_def_library::FUNCTION;
use crate::message::number::graph_def::{DEBUG_INFO, LIBRARY, NODE};
use crate::message::number::meta_graph_def::GRAPH_DEF;
use crate::message::number::node_def::EXPERIMENTAL_DEBUG_INFO;
use crate::message::number::saved_model::META_GRAPHS;
use crate::wire::{Field, fields};

/// Where TensorFlow writes a GraphDebugInfo (`tensorflow/python/saved_model/save.py`).
pub(in crate::slim) const FOLDER: &str = "debug/";

/// Debug information goes.
pub(super) fn debug_info(main: &[u8]) -> Result<Edited, NotTaken> {
    let mut edits = Splices::default();
    for meta in fields(main, 0..main.len()).filter(|field| field.is_len(META_GRAPHS)) {
        for graph in fields(main, meta.payload()).filter(|field| field.is_len(GRAPH_DEF)) {
            for field in fields(main, graph.payload()) {
                if field.is_len(DEBUG_INFO) {
                    edits.delete(&[meta, graph], field.range())?;
                } else if field.is_len(NODE) {
                    node(main, &mut edits, &[meta, graph, field])?;
                } else if field.is_len(LIBRARY) {
                    for function in fields(main, field.payload()).filter(|inner| inner.is_len(FUNCTION)) {
                        for inner in fields(main, function.payload()).filter(|inner| inner.is_len(NODE_DEF)) {
                            node(main, &mut edits, &[meta, graph, field, function, inner])?;
                        }
                    }
                }
            }
        }
    }
    Ok(Edited { edits, words: "stack traces and names that nodes had before".to_owned() })
}

fn node(main: &[u8], edits: &mut Splices, path: &[Field]) -> Result<(), NotTaken> {
    let Some(node) = path.last() else { return Ok(()) };
    for info in fields(main, node.payload()).filter(|field| field.is_len(EXPERIMENTAL_DEBUG_INFO)) {
        edits.delete(path, info.range())?;
    }
    Ok(())
}
