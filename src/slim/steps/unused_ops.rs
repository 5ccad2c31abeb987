//! Ops that a metagraph says it uses, and uses no more: definitions in `stripped_op_list`.
//!
//! The list is how an older TensorFlow learns which attributes have the values that a newer one has for defaults
//! (`tensorflow/python/framework/meta_graph.py`). So definitions of ops stay that any node is of, in the graph or in a function.

use std::collections::HashSet;
use std::ops::Range;

use super::{Edited, NotTaken};
use crate::edit::Splices;
use crate::message::number::meta_graph_def::META_INFO_DEF;
use crate::message::number::meta_graph_def::meta_info_def::STRIPPED_OP_LIST;
use crate::message::number::{op_def, op_list};
use crate::message::{FunctionDef, Message};
use crate::size::plural;
use crate::slim::program::programs;
use crate::wire::fields;

/// Definitions of ops go that no node is of.
pub(super) fn unused_ops(main: &[u8]) -> Result<Edited, NotTaken> {
    let (mut edits, mut count) = (Splices::default(), 0_u64);
    for program in programs(main)? {
        let mut used: HashSet<&[u8]> = program.nodes.iter().map(|node| node.def.op()).collect();
        for function in &program.functions {
            used.extend(FunctionDef::new(main, function.at.field.payload()).nodes().map(|node| node.op()));
        }
        for info in program.sections(META_INFO_DEF) {
            for list in fields(main, info.payload()).filter(|field| field.is_len(STRIPPED_OP_LIST)) {
                // Those that stand together go together: an edit takes many times the two bytes that a definition may have.
                let mut run: Option<Range<usize>> = None;
                for op in fields(main, list.payload()).filter(|field| field.is_len(op_list::OP)) {
                    if used.contains(Message::new(main, op.payload()).bytes(op_def::NAME)) {
                        continue;
                    }
                    count = count.saturating_add(1);
                    match &mut run {
                        Some(run) if run.end == op.start => run.end = op.end,
                        run => {
                            if let Some(before) = run.replace(op.range()) {
                                edits.delete(&[program.meta, info, list], before)?;
                            }
                        }
                    }
                }
                if let Some(last) = run {
                    edits.delete(&[program.meta, info, list], last)?;
                }
            }
        }
    }
    Ok(Edited { edits, words: format!("{} that no node is of any more", plural(count, "op", "ops")) })
}
