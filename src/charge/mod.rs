//! Charges every byte of a model to the ledger, walking the spans of its files.
//!
//! Each message is walked in the order of the file: its tag and length are charged, then its fields, then whatever is
//! left of it. So the charges of a file are disjoint and complete whatever the file holds, and damage costs the message
//! that it is in: the rest of that message is charged as damaged, the walk goes on behind it.

mod files;
mod graph;
mod meta_graph;
mod names;

use std::ops::Range;

use bytes::Bytes;

use crate::ledger::{Account, Category, Dimension, Imbalance, Label, Labels, Ledger};
use crate::problem::Problem;
use crate::progress::Progress;
use crate::wire::{Field, Fields, WireError, first_len};

pub(crate) use files::category_of;
pub use files::{MainFile, charge_model};
pub use meta_graph::{MetaGraph, Signature};

/// `SavedModel.meta_graphs` (tensorflow/core/protobuf/saved_model.proto).
const META_GRAPHS: u32 = 2;

/// How many bytes are charged between two words about progress.
const PROGRESS_STEP: u64 = 1 << 22;

/// What a walk over a `saved_model.pb` learned besides the bytes.
#[derive(Debug, Default)]
pub struct SavedModel {
    /// The metagraphs in the order of the file.
    pub meta_graphs: Vec<MetaGraph>,
    /// Damage, in the order of the file.
    pub problems: Vec<Problem>,
}

/// Charges a `saved_model.pb`, whose contents are `bytes`, and returns what is in it.
///
/// # Errors
/// Books that do not balance.
fn charge_saved_model(
    file: &str,
    bytes: &Bytes,
    ledger: &mut Ledger,
    progress: &dyn Progress,
) -> Result<SavedModel, Imbalance> {
    let mut walk = Walk {
        bytes: bytes.clone(),
        account: ledger.open(file, bytes.len() as u64),
        progress,
        told: 0,
        problems: Vec::new(),
        cut_at: None,
        path: Vec::new(),
    };
    let mut meta_graphs = Vec::new();
    let labels = walk.labels(Category::Framing, "");
    walk.message(0..bytes.len(), labels, |walk, field| {
        if field.is_len(META_GRAPHS) {
            let meta_graph = meta_graph::charge(walk, field, meta_graphs.len());
            meta_graphs.push(meta_graph);
        } else {
            let labels = walk.labels(Category::Framing, names::saved_model(field.number));
            walk.charge(field.range(), labels, 0);
        }
    });
    progress.advance(walk.account.charged() - walk.told);
    walk.account.close()?;
    Ok(SavedModel { meta_graphs, problems: walk.problems })
}

/// A walk over one file: its bytes, its account, and the damage met so far.
struct Walk<'l> {
    bytes: Bytes,
    account: Account<'l>,
    progress: &'l dyn Progress,
    /// How many bytes `progress` has been told of.
    told: u64,
    problems: Vec<Problem>,
    /// The end of a field that was cut at the end of the file or of its message. Messages inside that reach this end
    /// are cut as well; that is the same damage, not one more.
    cut_at: Option<usize>,
    /// Room for field paths, so that a label needs no allocation.
    path: Vec<u8>,
}

impl Walk<'_> {
    /// Walks the message at `range`. `visit` charges the fields it is given, each from its start to its end; a field
    /// that runs past the message is given as far as it goes. What cannot be walked is charged as damaged.
    fn message(&mut self, range: Range<usize>, labels: Labels, mut visit: impl FnMut(&mut Self, Field)) {
        // A clone of `Bytes` is a reference count; it lets the fields outlive the borrow of `self`.
        let bytes = self.bytes.clone();
        for field in Fields::new(&bytes, range.clone()) {
            match field {
                Ok(field) => visit(self, field),
                Err(error) => {
                    self.damage(error, range.end);
                    if let WireError::Overrun { field, .. } = error {
                        self.cut_at = Some(range.end);
                        visit(self, field);
                    }
                }
            }
        }
        let labels = self.with_field(labels, b"(damaged)");
        self.account.charge_up_to(range.end as u64, labels, 0);
    }

    /// Walks the message that `field` holds, its tag and length charged to `labels`.
    fn submessage(&mut self, field: Field, labels: Labels, visit: impl FnMut(&mut Self, Field)) {
        self.charge(field.start..field.payload, labels, 0);
        self.message(field.payload(), labels, visit);
        self.charge(field.payload_end..field.end, labels, 0);
    }

    fn damage(&mut self, error: WireError, end: usize) {
        if self.cut_at != Some(end) {
            let problem = Problem::at(self.account.file(), error.offset() as u64, error);
            self.problems.push(problem);
        }
    }

    /// Notes a message that is well-formed on the wire but has no meaning as what it should be.
    fn meaningless(&mut self, field: Field, expected: &str, error: &prost::DecodeError) {
        if self.cut_at != Some(field.payload_end) {
            let message = format!("expected {expected}: {error}");
            let problem = Problem::at(self.account.file(), field.payload as u64, message);
            self.problems.push(problem);
        }
    }

    fn charge(&mut self, range: Range<usize>, labels: Labels, count: u64) {
        self.account.charge(range.start as u64..range.end as u64, labels, count);
        let news = self.account.charged() - self.told;
        if news >= PROGRESS_STEP {
            self.progress.advance(news);
            self.told += news;
        }
    }

    fn ledger(&mut self) -> &mut Ledger {
        self.account.ledger()
    }

    fn wants(&mut self, dimension: Dimension) -> bool {
        self.ledger().wants(dimension)
    }

    /// The label for a name of the file, or none where nobody asked for the dimension.
    fn label(&mut self, dimension: Dimension, name: &[u8]) -> Label {
        if self.wants(dimension) { self.ledger().label(name) } else { Label::NONE }
    }

    /// Labels of a category and a path of fields.
    fn labels(&mut self, category: Category, path: &str) -> Labels {
        self.with_field(Labels::new(category), path.as_bytes())
    }

    /// `labels` with another path of fields.
    fn with_field(&mut self, labels: Labels, path: &[u8]) -> Labels {
        let field = if path.is_empty() { Label::NONE } else { self.label(Dimension::Field, path) };
        labels.with(Dimension::Field, field)
    }

    /// `labels` with the path of an entry of a map field: `path[key]`.
    fn with_entry(&mut self, labels: Labels, path: &str, key: &[u8]) -> Labels {
        if !self.wants(Dimension::Field) {
            return labels;
        }
        let mut scratch = std::mem::take(&mut self.path);
        scratch.clear();
        scratch.extend_from_slice(path.as_bytes());
        scratch.push(b'[');
        scratch.extend_from_slice(key);
        scratch.push(b']');
        let labels = self.with_field(labels, &scratch);
        self.path = scratch;
        labels
    }

    /// The payload of the first field `number` in `message`; empty where there is none. Enough for names: writers give
    /// them once and in front, and the rest of a large message need not be touched.
    fn first(&self, message: Range<usize>, number: u32) -> Bytes {
        first_len(&self.bytes, message, number).map(|range| self.slice(range)).unwrap_or_default()
    }

    /// A part of the file, shared rather than copied; `range` comes from a walk over it.
    fn slice(&self, range: Range<usize>) -> Bytes {
        if range.start <= range.end && range.end <= self.bytes.len() { self.bytes.slice(range) } else { Bytes::new() }
    }

    fn text(&self, range: Range<usize>) -> String {
        String::from_utf8_lossy(self.bytes.get(range).unwrap_or_default()).into_owned()
    }
}

#[cfg(test)]
mod tests;
