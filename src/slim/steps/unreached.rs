//! Nodes and functions that nothing reaches, with the items of collections that name them.
//!
//! A session could run such a node by its name, and nothing else could. The saver's save half is the same once its tensor is
//! no reason to keep anything: `save_tensor_name` stays as it is, since a v1 `Saver` wants one that is not empty
//! (`tensorflow/python/training/saver.py`), and saving then fails as the tensor is not there.

use super::{Edited, NotTaken};
use crate::edit::Splices;
use crate::message::Entry;
use crate::message::Message;
use crate::message::number::collection_def::{ANY_LIST, BYTES_LIST, NODE_LIST};
use crate::message::number::meta_graph_def::META_INFO_DEF;
use crate::message::number::meta_graph_def::meta_info_def::FUNCTION_ALIASES;
use crate::size::plural;
use crate::slim::program::reach::{Cuts, Reached, Reasons};
use crate::slim::program::{Program, programs};
use crate::wire::{Field, fields};

/// What nothing reaches goes.
pub(super) fn unreached(main: &[u8]) -> Result<Edited, NotTaken> {
    let mut gone = Gone::default();
    for program in programs(main)? {
        gone.sweep(&program, &program.reach(Reasons::ALL))?;
    }
    Ok(gone.edited("that nothing reaches"))
}

/// What only the saver reaches to save goes.
pub(super) fn saver_save(main: &[u8]) -> Result<Edited, NotTaken> {
    let mut gone = Gone::default();
    for program in programs(main)? {
        let before = program.reach(Reasons::ALL);
        let reasons = Reasons { saves: false, ..Reasons::ALL };
        gone.sweep(&program, &program.reach_but(reasons, &Cuts::default(), Some(&before)))?;
    }
    Ok(gone.edited("that only saving needs"))
}

/// What goes.
#[derive(Debug, Default)]
pub(super) struct Gone {
    pub(super) edits: Splices,
    nodes: u64,
    functions: u64,
}

impl Gone {
    /// Has all go that is not reached.
    pub(super) fn sweep(&mut self, program: &Program<'_>, reached: &Reached) -> Result<(), NotTaken> {
        let goes = |vertex: usize| !reached.has(vertex);
        for (_, node) in program.nodes.iter().enumerate().filter(|(vertex, _)| goes(*vertex)) {
            self.edits.delete(&node.at.within, node.at.field.range())?;
            self.nodes = self.nodes.saturating_add(1);
        }
        let functions = (program.nodes.len()..).zip(&program.functions);
        for (_, function) in functions.filter(|(vertex, _)| goes(*vertex)) {
            self.edits.delete(&function.at.within, function.at.field.range())?;
            self.functions = self.functions.saturating_add(1);
        }
        let gone = |name: &[u8]| program.function(name).is_some_and(goes);
        for gradient in program.gradients.iter().filter(|it| !it.is_registered() && gone(it.of)) {
            self.edits.delete(&gradient.at.within, gradient.at.field.range())?;
        }
        for info in program.sections(META_INFO_DEF) {
            for alias in fields(program.file, info.payload()).filter(|field| field.is_len(FUNCTION_ALIASES)) {
                if gone(Entry::read(program.file, alias).key) {
                    self.edits.delete(&[program.meta, info], alias.range())?;
                }
            }
        }
        self.items(program, goes)
    }

    /// Items that name what goes, and collections that have no others.
    fn items(&mut self, program: &Program<'_>, goes: impl Fn(usize) -> bool) -> Result<(), NotTaken> {
        let items: Vec<_> =
            program.collections.items.iter().filter(|item| item.nodes.iter().any(|node| goes(*node))).collect();
        for of_entry in items.chunk_by(|one, other| one.within[1] == other.within[1]) {
            let Some(entry) = of_entry.first().map(|item| item.within[1]) else { continue };
            if of_entry.len() == items_of(program.file, entry) {
                self.edits.delete(&[program.meta], entry.range())?;
                continue;
            }
            for item in of_entry {
                self.edits.delete(&item.within, item.field.range())?;
            }
        }
        Ok(())
    }

    /// The edits, with what they are in words.
    pub(super) fn edited(self, which: &str) -> Edited {
        let parts = [(self.nodes, "node", "nodes"), (self.functions, "function", "functions")];
        let parts = parts.into_iter().filter(|(count, ..)| *count > 0);
        let counted: Vec<String> = parts.map(|(count, one, many)| plural(count, one, many)).collect();
        Edited { edits: self.edits, words: format!("{} {which}", counted.join(" and ")) }
    }
}

/// How many items an entry of the collections has.
fn items_of(file: &[u8], entry: Field) -> usize {
    let Some(collection) = Message::new(file, entry.payload()).message(crate::message::number::map_entry::VALUE) else {
        return 0;
    };
    let lists = collection.fields().filter(|list| [NODE_LIST, BYTES_LIST, ANY_LIST].iter().any(|it| list.is_len(*it)));
    lists.map(|list| fields(file, list.payload()).count()).sum()
}
