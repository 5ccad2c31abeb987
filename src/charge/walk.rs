//! A walk over one file: what is charged where, what damage was met, and the outline that is made on the way.

use std::ops::Range;

use bytes::Bytes;

use super::draft::{Draft, NodeNotes};
use super::plain::{Known, Nodes};
use crate::ledger::{Account, Category, Dimension, Imbalance, Label, Labels, Ledger};
use crate::message::attributes::{OUTPUT_SHAPES, argument_shapes, may_refer};
use crate::message::number::saved_object::{CHILDREN, DEPENDENCIES, SLOT_VARIABLES, VARIABLE};
use crate::message::number::saved_variable::EXPERIMENTAL_DISTRIBUTED_VARIABLE_COMPONENTS as COMPONENTS;
use crate::message::{Entry, Message};
use crate::outline::{MAX_CHILDREN, MAX_FUNCTIONS, MAX_LISTED, MAX_META_GRAPHS, MAX_OBJECTS};
use crate::problem::{Problem, ProblemKind, Problems};
use crate::progress::Progress;
use crate::wire::{Field, Fields, Layout, WireError, fields};

/// How many bytes are charged between two words about progress.
const PROGRESS_STEP: u64 = 1 << 22;

/// A walk over one file: its bytes, its account, and the damage met so far.
pub(super) struct Walk<'l> {
    pub(super) bytes: &'l Bytes,
    /// Which part of the file each field of `bytes` is.
    pub(super) layout: Layout,
    pub(super) account: Account<'l>,
    progress: &'l dyn Progress,
    /// How many bytes `progress` has been given.
    reported: u64,
    problems: Problems,
    /// How many signatures and assets there were, how many functions, and how many gradients.
    listed: usize,
    functions: usize,
    gradients: usize,
    /// How many objects, and how many references from one to another.
    objects: usize,
    children: usize,
    /// The outline of the metagraph that is being walked.
    pub(super) draft: Draft,
    /// The end of a field that was cut at the end of the file or of its message. Messages inside that reach this end
    /// are cut as well; that is the same damage, not one more.
    pub(super) cut_at: Option<usize>,
    /// Room for field paths, so that a label needs no allocation.
    path: Vec<u8>,
    /// What is known of nodes before they are looked into.
    pub(super) known: Known<'l>,
}

impl<'l> Walk<'l> {
    /// A walk from the beginning of `file`, which has `size` bytes, over the messages in `bytes`.
    pub(super) fn new(
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
            reported: 0,
            problems: Problems::default(),
            listed: 0,
            functions: 0,
            gradients: 0,
            objects: 0,
            children: 0,
            draft: Draft::default(),
            cut_at: None,
            path: Vec::new(),
            known: Known::default(),
        }
    }

    /// Closes the account, and returns the damage that was met.
    pub(super) fn close(self) -> Result<Vec<Problem>, Imbalance> {
        self.progress.advance(self.account.charged() - self.reported);
        self.account.close()?;
        Ok(self.problems.into_list())
    }

    /// Walks the message at `range`. `visit` charges the fields it is given, each from its start to its end; a field
    /// that runs past the message is given as far as it goes. What cannot be walked is charged as damaged.
    pub(super) fn message(&mut self, range: Range<usize>, labels: Labels, visit: impl FnMut(&mut Self, Field)) {
        self.message_of_nodes(range, labels, None, visit);
    }

    /// As [`Walk::message`], but that `visit` is not given those of `nodes` that are charged with less work. Returns how many
    /// these are.
    pub(super) fn message_of_nodes(
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
    pub(super) fn submessage(&mut self, field: Field, labels: Labels, visit: impl FnMut(&mut Self, Field)) {
        self.charge_head(field, labels, 0);
        self.message(field.payload(), labels, visit);
        self.charge_tail(field, labels);
    }

    /// As [`Walk::submessage`], with nodes as [`Walk::message_of_nodes`] has them.
    pub(super) fn submessage_of_nodes(
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

    pub(super) fn damage(&mut self, error: WireError, end: usize) {
        if self.cut_at != Some(end) {
            let problem = Problem::at(self.account.file(), self.layout.place_of_damage(error.offset()), error);
            self.problems.push(problem);
        }
    }

    /// Notes a message that is well-formed on the wire but has no meaning as what it should be.
    pub(super) fn meaningless(&mut self, field: Field, expected: &str, error: &prost::DecodeError) {
        if self.cut_at != Some(field.payload_end) {
            let message = format!("expected {expected}: {error}");
            let problem = Problem::at(self.account.file(), self.layout.place_of_payload(&field), message);
            self.problems.push(problem);
        }
    }

    /// Notes the first damage of a message that is charged as a whole.
    pub(super) fn check(&mut self, message: Range<usize>) {
        if let Some(error) = Fields::new(self.bytes, message.clone()).find_map(Result::err) {
            self.damage(error, message.end);
        }
    }

    /// Notes that there is more from this field on than is looked into.
    fn limit_at(&mut self, field: Field, message: String) {
        let problem = Problem::at(self.account.file(), self.layout.place(&field), message);
        self.problems.push(problem.of_kind(ProblemKind::Limit));
    }

    /// Whether one more metagraph is told apart from the `taken` ones: what is beyond all measure is framing.
    pub(super) fn takes_meta_graph(&mut self, taken: usize, field: Field) -> bool {
        if taken == MAX_META_GRAPHS {
            let message =
                format!("expected at most {MAX_META_GRAPHS} metagraphs, found more: from here on they are framing");
            self.limit_at(field, message);
        }
        taken < MAX_META_GRAPHS
    }

    /// Whether the tag, signature or asset in `field` is listed. Its bytes are charged all the same.
    pub(super) fn lists(&mut self, field: Field) -> bool {
        if self.listed == MAX_LISTED {
            let message =
                format!("expected at most {MAX_LISTED} tags, signatures and assets, found more: they are not listed");
            self.limit_at(field, message);
        }
        self.listed = self.listed.saturating_add(1);
        self.listed <= MAX_LISTED
    }

    /// Whether the function in `field` is in the outline. What is beyond the most is charged like any other.
    pub(super) fn lists_function(&mut self, field: Field) -> bool {
        if self.functions == MAX_FUNCTIONS {
            let message = format!(
                "expected at most {MAX_FUNCTIONS} functions, found more: they are not looked into for duplicates"
            );
            self.limit_at(field, message);
        }
        self.functions = self.functions.saturating_add(1);
        self.functions <= MAX_FUNCTIONS
    }

    /// Whether the gradient in `field` is in the outline.
    pub(super) fn lists_gradient(&mut self, field: Field) -> bool {
        if self.gradients == MAX_FUNCTIONS {
            let message = format!("expected at most {MAX_FUNCTIONS} gradients, found more: they are not looked into");
            self.limit_at(field, message);
        }
        self.gradients = self.gradients.saturating_add(1);
        self.gradients <= MAX_FUNCTIONS
    }

    /// Counts the object in `field`, and those that it refers to. Whether there are so many by now that they are not followed.
    pub(super) fn has_too_many_objects(&mut self, field: Field) -> bool {
        let is_beyond = |walk: &Self| walk.objects > MAX_OBJECTS || walk.children > MAX_CHILDREN;
        if !is_beyond(self) {
            let (mut children, mut variables) = (0_usize, Vec::new());
            for part in fields(self.bytes, field.payload()) {
                let is_reference = [CHILDREN, DEPENDENCIES, SLOT_VARIABLES].iter().any(|number| part.is_len(*number));
                children = children.saturating_add(usize::from(is_reference));
                variables.extend(part.is_len(VARIABLE).then_some(part));
            }
            // The parts of a distributed variable are variables, each with parts of its own.
            while let Some(variable) = variables.pop().filter(|_| children <= MAX_CHILDREN) {
                let parts = fields(self.bytes, variable.payload()).filter(|field| field.is_len(COMPONENTS));
                let before = variables.len();
                variables.extend(parts.take(MAX_CHILDREN));
                children = children.saturating_add(variables.len().saturating_sub(before));
            }
            self.objects = self.objects.saturating_add(1);
            self.children = self.children.saturating_add(children);
            if is_beyond(self) {
                let message = format!(
                    "expected at most {MAX_OBJECTS} objects that refer to {MAX_CHILDREN}, found more: this object graph is \
                     not followed"
                );
                self.limit_at(field, message);
            }
        }
        is_beyond(self)
    }

    /// Whether a field is part of one that was cut off: whoever walks the graph after this does not come to it.
    pub(super) fn is_cut(&self, field: &Field) -> bool {
        self.cut_at.is_some_and(|end| field.end <= end)
    }

    /// Adds to the notes of a node what an entry of its `attr` is.
    pub(super) fn look_at_attribute(&self, attribute: Field, notes: &mut NodeNotes) {
        let Entry { key, value, .. } = Entry::read(self.bytes, attribute);
        if key == OUTPUT_SHAPES && !self.is_cut(&attribute) {
            notes.output_shapes.add(self.layout.span(&attribute).bytes());
        }
        notes.refers |= may_refer(key, &value);
    }

    /// Notes what a node has.
    #[inline]
    pub(super) fn note_node(&mut self, node: &Field, notes: NodeNotes) {
        let is_cut = self.is_cut(node);
        self.draft.node(node, notes, is_cut);
    }

    /// Notes the shapes in an entry of `FunctionDef.arg_attr`.
    pub(super) fn note_argument_shapes(&mut self, entry: &Field) {
        if self.is_cut(entry) {
            return;
        }
        for attribute in argument_shapes(self.bytes, entry.payload()) {
            self.draft.notes.output_shapes.add(self.layout.span(&attribute).bytes());
        }
    }

    /// Notes the debug information of a node or of the graph.
    pub(super) fn note_debug_info(&mut self, field: &Field) {
        if !self.is_cut(field) {
            self.draft.notes.debug_info.add(self.layout.span(field).bytes());
        }
    }

    /// Charges what is left of the file.
    pub(super) fn charge_up_to(&mut self, end: u64, labels: Labels) {
        self.account.charge_up_to(end, labels, 0);
    }

    /// Charges a field as a whole.
    pub(super) fn charge(&mut self, field: Field, labels: Labels, count: u64) {
        let range = self.layout.span(&field).range();
        self.charge_range(range, labels, count);
    }

    /// Charges what a field has in front of its payload.
    pub(super) fn charge_head(&mut self, field: Field, labels: Labels, count: u64) {
        let span = self.layout.span(&field);
        self.charge_range(span.start..span.payload, labels, count);
    }

    /// Charges what a field has behind its payload.
    pub(super) fn charge_tail(&mut self, field: Field, labels: Labels) {
        let span = self.layout.span(&field);
        self.charge_range(span.payload_end..span.end, labels, 0);
    }

    pub(super) fn charge_range(&mut self, range: Range<u64>, labels: Labels, count: u64) {
        self.account.charge(range, labels, count);
        self.tell();
    }

    /// Tells of the progress, now and then.
    #[inline]
    pub(super) fn tell(&mut self) {
        let news = self.account.charged() - self.reported;
        if news >= PROGRESS_STEP {
            self.progress.advance(news);
            self.reported += news;
        }
    }

    pub(super) fn ledger(&mut self) -> &mut Ledger {
        self.account.ledger()
    }

    pub(super) fn wants(&mut self, dimension: Dimension) -> bool {
        self.ledger().wants(dimension)
    }

    /// The label for a name of the file, or none where nobody asked for the dimension.
    pub(super) fn label(&mut self, dimension: Dimension, name: &[u8]) -> Label {
        if self.wants(dimension) { self.ledger().label(name) } else { Label::NONE }
    }

    /// Labels of a category and a path of fields.
    pub(super) fn labels(&mut self, category: Category, path: &str) -> Labels {
        self.with_field(Labels::new(category), path.as_bytes())
    }

    /// `labels` with another path of fields.
    pub(super) fn with_field(&mut self, labels: Labels, path: &[u8]) -> Labels {
        let field = if path.is_empty() { Label::NONE } else { self.label(Dimension::Field, path) };
        labels.with(Dimension::Field, field)
    }

    /// `labels` with the path of an entry of a map field: `path[key]`.
    pub(super) fn with_entry(&mut self, labels: Labels, path: &str, key: &[u8]) -> Labels {
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

    /// The string or bytes `number` of a message; empty where there is none.
    pub(super) fn string(&self, message: Range<usize>, number: u32) -> Bytes {
        Message::new(self.bytes, message).range(number).map(|range| self.slice(range)).unwrap_or_default()
    }

    /// A part of the file, shared rather than copied; `range` comes from a walk over it.
    pub(super) fn slice(&self, range: Range<usize>) -> Bytes {
        if range.start <= range.end && range.end <= self.bytes.len() { self.bytes.slice(range) } else { Bytes::new() }
    }

    pub(super) fn text(&self, range: Range<usize>) -> String {
        String::from_utf8_lossy(self.bytes.get(range).unwrap_or_default()).into_owned()
    }
}
