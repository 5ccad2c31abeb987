//! The trail: how functions that were read before go on from node to node, so that one more of them is only held against it.
//!
//! Most functions of a library are traces of a few Python functions, and differ in nothing but their names. To read a node
//! again for its form, and to hash that, takes several times what it takes to see that its bytes are those of a node read
//! before, with other names in the same places. So each node that is read leaves a [`TrailStep`] behind: from what
//! the nodes before it were, by the bytes that it has around the names of its inputs, to what they are with it. Where the
//! names of a function are distinct and its nodes follow steps, nothing else of them has to be read: they
//! are of the form that the last step has the digest of.
//!
//! A node follows a step if all of its bytes behind its own name are those of the step, but that in place of the names of
//! arguments and earlier nodes there are the names that these have in its own function. That is compared byte by byte. What
//! a guess is found by decides nothing. Equal bytes are in one library equal names of functions, and so equal calls;
//! that an input is of a function's result by name ([`super::body`]) depends on another node's op, so that is no step.

use std::ops::Range;

use super::canonical::Digests;
use super::names::{FunctionNames, Known, Node};
use crate::cache::{Cache, hash_name, hash_number, same};
use crate::message::number::node_def;
use crate::wire::{Field, WireType, short_length};

/// So many steps are kept, with so many inputs and calls in all; when they are full, the trail is begun anew. A step takes
/// about a hundred bytes and an input forty, so all of it is some ten megabytes for each thread.
const MAX_STEPS: usize = 1 << 16;
const MAX_INPUTS: usize = 1 << 17;
const MAX_CALLS: usize = 1 << 16;

/// Guesses that are kept where paths part, and of steps by their digests, as a power of two: for a library of so many bytes.
fn cache_bits(bytes: usize) -> u32 {
    (bytes / BYTES_OF_NODE).max(1).ilog2().clamp(8, 14)
}

/// What a node takes at least in libraries of some size.
const BYTES_OF_NODE: usize = 1 << 6;

/// A step's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct At(u32);

impl At {
    /// In front of the first node.
    pub(super) const START: Self = Self(0);
    const NONE: Self = Self(u32::MAX);
}

/// A node that was read behind others.
#[derive(Debug)]
struct TrailStep<'a> {
    /// The step of the node before it.
    from: At,
    /// The step that was taken from here last.
    next: At,
    digests: Digests,
    /// Its inputs, of all inputs.
    inputs: Range<usize>,
    /// The bytes behind the name of its last input; behind its own name, if it has none. `None` for a node that cannot be followed.
    last: Option<&'a [u8]>,
    /// Its calls, of all calls.
    calls: Range<usize>,
}

/// An input of a node.
#[derive(Debug, Clone, Copy)]
struct StepInput<'a> {
    /// The bytes from the name before it up to its length: what is left of another input, its own tag.
    before: &'a [u8],
    source: Known,
    /// Whether there is a `^` before the name.
    is_control: bool,
    /// How many bytes the input has beside the name.
    beside: usize,
    /// Whether it is of a node, and a colon in the name would be taken for that of an output.
    is_bare: bool,
}

/// The steps of one library, as one thread takes them.
pub(super) struct Trail<'a> {
    file: &'a [u8],
    steps: Vec<TrailStep<'a>>,
    inputs: Vec<StepInput<'a>>,
    calls: Vec<usize>,
    by_bytes: Cache,
    by_digests: Cache,
}

impl<'a> Trail<'a> {
    /// A trail through a library of so many bytes.
    pub(super) fn new(file: &'a [u8], bytes: usize) -> Self {
        let bits = cache_bits(bytes);
        let (by_bytes, by_digests) = (Cache::new(bits), Cache::new(bits));
        Self { file, steps: Vec::new(), inputs: Vec::new(), calls: Vec::new(), by_bytes, by_digests }
    }

    /// Where a function begins.
    pub(super) fn start(&mut self) -> At {
        let is_full = self.steps.len() >= MAX_STEPS || self.inputs.len() >= MAX_INPUTS || self.calls.len() >= MAX_CALLS;
        if is_full {
            // Guesses of before are held against what is there now, as all are.
            self.steps.clear();
            self.inputs.clear();
            self.calls.clear();
        }
        if self.steps.is_empty() {
            let digests = Digests::default();
            self.steps.push(TrailStep {
                from: At::NONE,
                next: At::NONE,
                digests,
                inputs: 0..0,
                last: None,
                calls: 0..0,
            });
        }
        At::START
    }

    /// The step from `from` on that a node follows, if one is known.
    pub(super) fn follow(&mut self, from: At, node: &Node<'_>, names: &FunctionNames<'_>) -> Option<At> {
        let bytes = node.behind_name;
        // `next` may have been read behind another step (see `add`). Then its digests were equal to those of a node behind this one,
        // and digests are equal only where those of all nodes before are, so they hold here as well.
        let next = self.step(from)?.next;
        if self.fits(next, bytes, names) {
            return Some(next);
        }
        let guess = At(u32::try_from(self.by_bytes.get(hash_node(from, bytes))).ok()?);
        // A guess may be of another place with a node of the same hash, or of steps that were cleared since. Its bytes say what this
        // node is, but only behind `from` do its digests say what all nodes are.
        let fits = self.step(guess)?.from == from && self.fits(guess, bytes, names);
        fits.then(|| self.set_next(from, guess))
    }

    /// What all nodes up to a step are.
    pub(super) fn digests(&self, at: At) -> Digests {
        self.step(at).map_or_else(Digests::default, |step| step.digests)
    }

    /// The calls of the node of a step.
    #[inline]
    pub(super) fn calls(&self, at: At) -> &[usize] {
        self.step(at).and_then(|step| self.calls.get(step.calls.clone())).unwrap_or_default()
    }

    /// Notes a node that was read: what all are up to it, its calls, and how it can be followed. `None` where there is no
    /// room.
    pub(super) fn add(
        &mut self,
        from: At,
        node: &Node<'_>,
        draft: &Draft<'a>,
        read: Digests,
        calls: &[usize],
    ) -> Option<At> {
        self.step(from)?;
        let hash = hash_number(u64::from_le_bytes(*read.form.keyed.to_le_bytes().first_chunk()?));
        // A step is what all nodes up to it are, whichever they were: so paths that parted meet again where digests are equal, and a
        // library has a few paths and not one for each function. The node's calls may be others than those of the step, as a form
        // has blanks for them. That is no matter: these were added when the node was read, and who follows the step has its bytes,
        // which have the names of its calls in them.
        let known = At(u32::try_from(self.by_digests.get(hash)).unwrap_or(u32::MAX));
        if self.step(known).is_some_and(|step| step.digests == read) {
            return Some(self.set_next(from, known));
        }
        if self.steps.len() >= MAX_STEPS || self.calls.len().saturating_add(calls.len()) > MAX_CALLS {
            return None;
        }
        let number = self.steps.len();
        let at = At(u32::try_from(number).ok()?);
        let (first_input, first_call) = (self.inputs.len(), self.calls.len());
        let last = draft
            .last(self.file, node.range.end)
            .filter(|_| first_input.saturating_add(draft.inputs.len()) <= MAX_INPUTS);
        if last.is_some() {
            self.inputs.extend_from_slice(&draft.inputs);
        }
        self.calls.extend_from_slice(calls);
        let (inputs, calls) = (first_input..self.inputs.len(), first_call..self.calls.len());
        self.steps.push(TrailStep { from, next: At::NONE, digests: read, inputs, last, calls });
        self.by_digests.set(hash, number);
        self.by_bytes.set(hash_node(from, node.behind_name), number);
        Some(self.set_next(from, at))
    }

    #[inline]
    fn step(&self, at: At) -> Option<&TrailStep<'a>> {
        self.steps.get(at.0 as usize)
    }

    fn set_next(&mut self, from: At, next: At) -> At {
        self.steps.get_mut(from.0 as usize).into_iter().for_each(|step| step.next = next);
        next
    }

    /// Whether the bytes of a node behind its name are those of a step, with the names of its own function.
    fn fits(&self, at: At, bytes: &[u8], names: &FunctionNames<'_>) -> bool {
        let Some(TrailStep { inputs, last: Some(last), .. }) = self.step(at) else { return false };
        let mut rest = bytes;
        for input in self.inputs.get(inputs.clone()).unwrap_or_default() {
            let Some(behind) = input.behind(rest, names) else { return false };
            rest = behind;
        }
        same(rest, last)
    }
}

impl StepInput<'_> {
    /// What follows the name, if `bytes` begin with an input like this.
    #[inline(always)]
    fn behind<'b>(&self, bytes: &'b [u8], names: &FunctionNames<'_>) -> Option<&'b [u8]> {
        let rest = behind(bytes, self.before)?;
        let (length, rest) = short_length(rest)?;
        let rest = if self.is_control { rest.strip_prefix(b"^")? } else { rest };
        let name = names.name(self.source)?;
        // The length says what stands behind the name: as many bytes as in the step, and which ones is compared next, as what is before
        // the next input or last. A name with a colon in it would be parted elsewhere, so such a node is read.
        if length != name.len().saturating_add(self.beside) || self.is_bare && name.contains(&b':') {
            return None;
        }
        behind(rest, name)
    }
}

/// What follows a prefix.
#[inline(always)]
fn behind<'b>(bytes: &'b [u8], prefix: &[u8]) -> Option<&'b [u8]> {
    let (start, rest) = bytes.split_at_checked(prefix.len())?;
    same(start, prefix).then_some(rest)
}

/// A hash of where one is and of the first and the last bytes of a node: its op, and what its last attribute is.
fn hash_node(from: At, bytes: &[u8]) -> u64 {
    let first = bytes.first_chunk().map_or(0, |first| u64::from_le_bytes(*first));
    hash_number(hash_name(bytes) ^ first ^ u64::from(from.0))
}

/// How a node can be followed, while it is read.
#[derive(Debug, Default)]
pub(super) struct Draft<'a> {
    inputs: Vec<StepInput<'a>>,
    /// Where the bytes begin that belong to no input yet.
    open: usize,
    can_be_followed: bool,
}

impl<'a> Draft<'a> {
    /// A node is begun.
    pub(super) fn begin(&mut self, node: &Node<'_>) {
        self.inputs.clear();
        self.open = node.end_of_name();
        self.can_be_followed = node.begins_with_name();
    }

    /// The node has an input: what that names, and where in the file the name is.
    pub(super) fn input(
        &mut self,
        file: &'a [u8],
        field: Field,
        source: Option<Known>,
        name: Range<usize>,
        is_bare: bool,
    ) {
        let length_at = field.start.saturating_add(1);
        // A tag of one byte and a length of one or two, as everyone writes them.
        let has_short_head = file.get(field.start).is_some_and(|tag| u32::from(*tag) == INPUT_TAG)
            && field.payload.saturating_sub(length_at) <= 2;
        let source = source.filter(|_| has_short_head && self.can_be_followed && self.inputs.len() < MAX_INPUTS);
        let (Some(source), Some(before)) = (source, file.get(self.open..length_at)) else {
            self.can_be_followed = false;
            return;
        };
        // Only a `^` may stand between the beginning of an input and its name; what is behind the name is the next one's `before`.
        let is_control = name.start > field.payload;
        let is_bare = is_bare && source.is_node();
        let beside = field.payload().len().saturating_sub(name.len());
        self.inputs.push(StepInput { before, source, is_control, beside, is_bare });
        self.open = name.end;
    }

    /// The bytes behind the last name, of a node that ends there.
    fn last(&self, file: &'a [u8], end: usize) -> Option<&'a [u8]> {
        file.get(self.open..end).filter(|_| self.can_be_followed)
    }
}

/// The tag of `NodeDef.input`.
const INPUT_TAG: u32 = node_def::INPUT << 3 | WireType::Len as u32;
