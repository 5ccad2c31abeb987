//! Charges every byte of a model to the ledger, walking the spans of its files.
//!
//! Each message is walked in the order of the file: its tag and length are charged, then its fields, then whatever is
//! left of it. So the charges of a file are disjoint and complete whatever the file holds, and damage costs the message
//! that it is in: the rest of that message is charged as damaged, the walk goes on behind it.

mod files;
mod graph;
mod meta_graph;
mod names;
mod notes;
mod plain;
mod side_files;

use std::ops::Range;

use bytes::Bytes;

use plain::{Known, Nodes};

use crate::ledger::{Account, Category, Dimension, Imbalance, Label, Labels, Ledger};
use crate::problem::{Problem, Problems};
use crate::progress::Progress;
use crate::wire::{Field, Fields, Layout, WireError, first_len};

pub(crate) use files::category_of;
pub use files::{Form, MainFile, charge_model};
pub use meta_graph::{MetaGraph, Signature};
pub(crate) use notes::{
    GRADIENT_OP_TYPE, LARGE_NODE, Notes, OUTPUT_SHAPES, Sum, argument_shapes, attribute, is_output_shapes, within,
};

/// `SavedModel.meta_graphs` (tensorflow/core/protobuf/saved_model.proto).
const META_GRAPHS: u32 = 2;

/// The most metagraphs that are told apart. An empty one takes two bytes of the file and a thousand of memory, and nobody
/// has more than a few.
const MAX_META_GRAPHS: usize = 1000;

/// The most signatures and assets of a file that are listed, for the same reason.
const MAX_LISTED: usize = 1 << 16;

/// The most functions of a file that are compared with one another and looked into for causes. An empty one takes two bytes of
/// the file and hundreds of memory; the largest models have some ten thousand.
pub(crate) const MAX_FUNCTIONS: usize = 1 << 18;

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
    walk.account.charge_up_to(size, labels, 0);
    Ok(SavedModel { meta_graphs, problems: walk.close()? })
}

/// A walk over one file: its bytes, its account, and the damage met so far.
struct Walk<'l> {
    bytes: &'l Bytes,
    /// Which part of the file each field of `bytes` is.
    layout: Layout,
    account: Account<'l>,
    progress: &'l dyn Progress,
    /// How many bytes `progress` has been told of.
    told: u64,
    problems: Problems,
    /// How many signatures and assets there were, and how many functions.
    listed: usize,
    functions: usize,
    /// What was noted of the metagraph that is being walked.
    notes: Notes,
    /// The end of a field that was cut at the end of the file or of its message. Messages inside that reach this end
    /// are cut as well; that is the same damage, not one more.
    cut_at: Option<usize>,
    /// Room for field paths, so that a label needs no allocation.
    path: Vec<u8>,
    /// What is known of nodes before they are looked into.
    known: Known<'l>,
}

impl<'l> Walk<'l> {
    /// A walk from the beginning of `file`, which has `size` bytes, over the messages in `bytes`.
    fn new(
        (file, size): (&str, u64),
        bytes: &'l Bytes,
        layout: &Layout,
        ledger: &'l mut Ledger,
        progress: &'l dyn Progress,
    ) -> Self {
        Self {
            bytes,
            layout: layout.clone(),
            account: ledger.open(file, size),
            progress,
            told: 0,
            problems: Problems::default(),
            listed: 0,
            functions: 0,
            notes: Notes::default(),
            cut_at: None,
            path: Vec::new(),
            known: Known::default(),
        }
    }

    /// Closes the account, and returns the damage that was met.
    fn close(self) -> Result<Vec<Problem>, Imbalance> {
        self.progress.advance(self.account.charged() - self.told);
        self.account.close()?;
        Ok(self.problems.into_list())
    }

    /// Walks the message at `range`. `visit` charges the fields it is given, each from its start to its end; a field
    /// that runs past the message is given as far as it goes. What cannot be walked is charged as damaged.
    fn message(&mut self, range: Range<usize>, labels: Labels, visit: impl FnMut(&mut Self, Field)) {
        self.message_of_nodes(range, labels, None, visit);
    }

    /// As [`Walk::message`], but that `visit` is not given those of `nodes` that are charged with less work. Returns how many
    /// these are.
    fn message_of_nodes(
        &mut self,
        range: Range<usize>,
        labels: Labels,
        nodes: Option<&Nodes>,
        mut visit: impl FnMut(&mut Self, Field),
    ) -> u64 {
        let mut fields = Fields::new(self.bytes, range.clone());
        let mut plain = 0;
        loop {
            plain += nodes.map_or(0, |nodes| self.charge_plain(&mut fields, nodes));
            let Some(field) = fields.next() else { break };
            match field {
                Ok(field) if self.layout.is_damaged(&field) => {
                    let labels = self.with_field(labels, b"(damaged)");
                    self.charge(field, labels, 0);
                }
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
        if let Some(end) = self.layout.position(range.end) {
            let labels = self.with_field(labels, b"(damaged)");
            self.account.charge_up_to(end, labels, 0);
        }
        plain
    }

    /// Walks the message that `field` holds, its tag and length charged to `labels`.
    fn submessage(&mut self, field: Field, labels: Labels, visit: impl FnMut(&mut Self, Field)) {
        self.charge_head(field, labels, 0);
        self.message(field.payload(), labels, visit);
        self.charge_tail(field, labels);
    }

    /// As [`Walk::submessage`], with nodes as [`Walk::message_of_nodes`] has them.
    fn submessage_of_nodes(
        &mut self,
        field: Field,
        labels: Labels,
        nodes: &Nodes,
        visit: impl FnMut(&mut Self, Field),
    ) -> u64 {
        self.charge_head(field, labels, 0);
        let plain = self.message_of_nodes(field.payload(), labels, Some(nodes), visit);
        self.charge_tail(field, labels);
        plain
    }

    fn damage(&mut self, error: WireError, end: usize) {
        if self.cut_at != Some(end) {
            let problem = Problem::at(self.account.file(), self.layout.place_of_damage(error.offset()), error);
            self.problems.push(problem);
        }
    }

    /// Notes a message that is well-formed on the wire but has no meaning as what it should be.
    fn meaningless(&mut self, field: Field, expected: &str, error: &prost::DecodeError) {
        if self.cut_at != Some(field.payload_end) {
            let message = format!("expected {expected}: {error}");
            let problem = Problem::at(self.account.file(), self.layout.place_of_payload(&field), message);
            self.problems.push(problem);
        }
    }

    /// Notes the first damage of a message that is charged as a whole.
    fn check(&mut self, message: Range<usize>) {
        if let Some(error) = Fields::new(self.bytes, message.clone()).find_map(Result::err) {
            self.damage(error, message.end);
        }
    }

    /// Notes what is wrong with a field as a whole.
    fn problem_at(&mut self, field: Field, message: String) {
        self.problems.push(Problem::at(self.account.file(), self.layout.place(&field), message));
    }

    /// Whether one more metagraph is told apart from the `taken` ones: what is beyond all measure is framing.
    fn takes_meta_graph(&mut self, taken: usize, field: Field) -> bool {
        if taken == MAX_META_GRAPHS {
            let message =
                format!("expected at most {MAX_META_GRAPHS} metagraphs, found more: from here on they are framing");
            self.problem_at(field, message);
        }
        taken < MAX_META_GRAPHS
    }

    /// Whether the signature or asset in `field` is listed. Its bytes are charged all the same.
    fn lists(&mut self, field: Field) -> bool {
        if self.listed == MAX_LISTED {
            let message =
                format!("expected at most {MAX_LISTED} signatures and assets, found more: they are not listed");
            self.problem_at(field, message);
        }
        self.listed = self.listed.saturating_add(1);
        self.listed <= MAX_LISTED
    }

    /// Counts the function in `field`. What is beyond the most is charged like any other.
    fn count_function(&mut self, field: Field) {
        if self.functions == MAX_FUNCTIONS {
            let message = format!(
                "expected at most {MAX_FUNCTIONS} functions, found more: they are not looked into for duplicates"
            );
            self.problem_at(field, message);
        }
        self.functions = self.functions.saturating_add(1);
    }

    /// Charges a field as a whole.
    fn charge(&mut self, field: Field, labels: Labels, count: u64) {
        let range = self.layout.span(&field).range();
        self.charge_range(range, labels, count);
    }

    /// Charges what a field has in front of its payload.
    fn charge_head(&mut self, field: Field, labels: Labels, count: u64) {
        let span = self.layout.span(&field);
        self.charge_range(span.start..span.payload, labels, count);
    }

    /// Charges what a field has behind its payload.
    fn charge_tail(&mut self, field: Field, labels: Labels) {
        let span = self.layout.span(&field);
        self.charge_range(span.payload_end..span.end, labels, 0);
    }

    fn charge_range(&mut self, range: Range<u64>, labels: Labels, count: u64) {
        self.account.charge(range, labels, count);
        self.tell();
    }

    /// Tells of the progress, now and then.
    #[inline]
    fn tell(&mut self) {
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
        first_len(self.bytes, message, number).map(|range| self.slice(range)).unwrap_or_default()
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
