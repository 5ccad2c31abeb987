//! Charges every byte of a model to the ledger, walking the spans of its files.
//!
//! Each message is walked in the order of the file: its tag and length are charged, then its fields, then whatever is
//! left of it. So the charges of a file are disjoint and complete whatever the file holds, and damage costs the message
//! that it is in: the rest of that message is charged as damaged, the walk goes on behind it.
//!
//! The walk makes the model's outline on the way ([`crate::outline`]), so that nobody walks for it again.

mod draft;
mod files;
mod graph;
mod meta_graph;
mod names;
mod plain;
mod side_files;
mod walk;

use bytes::Bytes;

use crate::ledger::{Category, Imbalance, Ledger};
use crate::message::number::saved_model::META_GRAPHS;
use crate::outline::SavedModel;
use crate::progress::Progress;
use crate::wire::Layout;

pub(crate) use files::category_of;
pub use files::{Form, MainFile, charge_model};
use walk::Walk;

/// Charges a main file of `size` bytes, whose SavedModel is `bytes` and lies in it as `layout` says, and returns what is
/// in it.
///
/// # Errors
/// Books that do not balance.
fn charge_saved_model(
    (file, size): (&str, u64),
    bytes: &Bytes,
    layout: &Layout,
    ledger: &mut Ledger,
    progress: &dyn Progress,
) -> Result<SavedModel, Imbalance> {
    let mut walk = Walk::new((file, size), bytes, layout, ledger, progress);
    let mut meta_graphs = Vec::new();
    let labels = walk.labels(Category::Framing, "");
    walk.message(0..bytes.len(), labels, |walk, field| {
        if field.is_len(META_GRAPHS) && walk.takes_meta_graph(meta_graphs.len(), field) {
            let meta_graph = meta_graph::charge(walk, field, meta_graphs.len());
            meta_graphs.push(meta_graph);
        } else {
            let labels = walk.labels(Category::Framing, names::saved_model(field.number));
            walk.charge(field, labels, 0);
        }
    });
    walk.charge_up_to(size, labels);
    Ok(SavedModel { meta_graphs, problems: walk.close()? })
}

#[cfg(test)]
mod tests;
