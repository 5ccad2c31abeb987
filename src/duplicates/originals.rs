//! Which elements an earlier metagraph has already. The first that has an equal payload in the same field is the original,
//! and payloads are compared in the file: no digest decides.
//!
//! A metagraph mostly follows the one before it, so an element is first held against the one behind the last that was
//! found. Only where the two part is anything looked up, by a tag made of an element's name and its last bytes. It is made
//! while these bytes are in the cache, and no others are touched again but those of elements with the same tag: with hashes
//! of all bytes, waiting for memory took most of the time. A file can be made in which many elements have one tag; then
//! hashes of all bytes say where to look.

use std::hash::BuildHasher as _;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use super::elements::{Element, ElementKind};
use crate::cache::{hash_bytes, hash_name, hash_number};
use crate::meter;

/// What stands for no element.
const NONE: u32 = u32::MAX;

/// The bits of a tag that are of bytes; the four others are the kind.
const TAG_BITS: u32 = 28;

/// How many bits a filter has for each element: with two of them set, one in fifty others seems to be there.
const FILTER_BITS: usize = 16;

/// How many elements of one bucket are looked at: more than there are, but for files made to have more.
const STEPS: usize = 8;

/// The elements of the metagraphs seen so far, in the order of the file, and the first metagraph that has each. An element
/// is kept as where it lies.
#[derive(Debug, Default)]
pub(super) struct Originals {
    seen: Vec<Original>,
    /// How many of them are of metagraphs before the one that is being gone through.
    earlier: usize,
    /// The one that the next element is held against.
    next: usize,
    filter: Filter,
    by_tag: ByTag,
    by_hash: ByHash,
}

#[derive(Debug)]
struct Original {
    tag: u32,
    meta_graph: u32,
    start: usize,
    end: usize,
}

impl Original {
    #[inline]
    fn is(&self, file: &[u8], kind: ElementKind, payload: &[u8]) -> bool {
        let may_be = self.tag >> TAG_BITS == kind as u32 && self.end.saturating_sub(self.start) == payload.len();
        if may_be {
            meter::bytes(payload.len());
        }
        may_be && file.get(self.start..self.end) == Some(payload)
    }

    /// What is hashed.
    fn key<'f>(&self, file: &'f [u8]) -> (u32, &'f [u8]) {
        (self.tag >> TAG_BITS, file.get(self.start..self.end).unwrap_or_default())
    }
}

/// The kind of an element, and a hash of its name and of its last bytes: these differ where attributes do. Not inlined, as that
/// makes the walks that it is called from slower than the calls.
#[inline(never)]
fn tag(kind: ElementKind, payload: &[u8]) -> u32 {
    let name = match payload {
        [_, length @ 0..0x80, rest @ ..] => rest.get(..usize::from(*length)).unwrap_or_default(),
        _ => &[],
    };
    let end = payload.last_chunk::<64>().map_or(payload, <[u8; 64]>::as_slice);
    let hash = hash_number(hash_bytes(end) ^ hash_name(name) ^ payload.len() as u64) >> (u64::BITS - TAG_BITS);
    (kind as u32) << TAG_BITS | u32::try_from(hash).unwrap_or_default()
}

impl Originals {
    /// Begins another metagraph: all elements so far are originals for those that come now.
    pub(super) fn begin(&mut self) {
        self.earlier = self.seen.len();
        self.next = 0;
    }

    /// The earlier metagraph that has an equal element, if one does.
    #[inline]
    pub(super) fn of(&mut self, file: &[u8], element: &Element) -> Option<u32> {
        if self.earlier == 0 {
            return None;
        }
        let (kind, payload) = (element.kind, element.field.bytes(file));
        // Of several equal ones any will do. What an earlier metagraph has is not added again, so all of them are of one metagraph, the
        // first that has it.
        let expected = self.seen.get(self.next).filter(|_| self.next < self.earlier);
        let found = match expected {
            Some(expected) if expected.is(file, kind, payload) => Some(self.next),
            _ => self.find(file, kind, payload),
        };
        // An element of its own mostly stands where the other metagraph has another one.
        self.next = found.unwrap_or(self.next).saturating_add(1);
        found.and_then(|found| self.seen.get(found)).map(|original| original.meta_graph)
    }

    /// Adds an element of the metagraph that is being gone through, which no earlier one has.
    #[inline]
    pub(super) fn add(&mut self, file: &[u8], meta_graph: u32, element: &Element) {
        let (payload, tag) = (element.field.payload(), tag(element.kind, element.field.bytes(file)));
        self.seen.push(Original { tag, meta_graph, start: payload.start, end: payload.end });
    }

    /// Not inlined, so that what most elements come to is.
    #[inline(never)]
    fn find(&mut self, file: &[u8], kind: ElementKind, payload: &[u8]) -> Option<usize> {
        let seen = self.seen.get(..self.earlier).unwrap_or_default();
        let tag = tag(kind, payload);
        self.filter.extend(seen);
        if !self.filter.may_have(tag) {
            return None;
        }
        self.by_tag.extend(seen);
        let mut candidates = self.by_tag.candidates(tag).filter_map(|number| Some((number, seen.get(number)?)));
        let mut first = candidates.by_ref().take(STEPS);
        // Equal elements have one tag and so one bucket: where it has no more than were looked at, there is none.
        let found = first.find(|(_, other)| other.tag == tag && other.is(file, kind, payload));
        match found {
            Some((number, _)) => Some(number),
            None if candidates.next().is_none() => None,
            None => self.by_hash.find(file, seen, (kind as u32, payload)),
        }
    }
}

/// Two bits in a word for each tag, which some share. It fits into the cache where the buckets do not, which for a node that no
/// earlier metagraph has takes waiting for memory three times.
#[derive(Debug, Default)]
struct Filter {
    words: Vec<u64>,
    /// How many elements it is of.
    elements: usize,
}

impl Filter {
    /// Adds those of these elements that have not been added yet.
    fn extend(&mut self, seen: &[Original]) {
        if self.elements == seen.len() {
            return;
        }
        let bits = seen.len().saturating_mul(FILTER_BITS).next_power_of_two().clamp(64, 1 << TAG_BITS);
        // With another number of words each tag has another place, so all are put in anew; as that number doubles, twice in all.
        if self.words.len() < bits / 64 {
            self.words = vec![0; bits / 64];
            self.elements = 0;
        }
        for original in seen.iter().skip(self.elements) {
            let (word, bits) = self.place(original.tag);
            self.words.get_mut(word).into_iter().for_each(|word| *word |= bits);
        }
        self.elements = seen.len();
    }

    /// False only for a tag that was not added: one that was has both of its bits set.
    fn may_have(&self, tag: u32) -> bool {
        let (word, bits) = self.place(tag);
        self.words.get(word).is_some_and(|word| word & bits == bits)
    }

    /// The word of a tag, of which there are a power of two, and the bits in it.
    fn place(&self, tag: u32) -> (usize, u64) {
        (tag as usize & self.words.len().saturating_sub(1), 1 << (tag >> 22 & 63) | 1 << (tag >> 16 & 63))
    }
}

/// Elements in buckets by their tags. Those of a bucket are a chain, so that one more never takes long.
#[derive(Debug, Default)]
struct ByTag {
    /// The last element of each bucket.
    last: Vec<u32>,
    /// For each element the one before it in its bucket.
    before: Vec<u32>,
}

impl ByTag {
    /// Adds those of these elements that have not been added yet.
    fn extend(&mut self, seen: &[Original]) {
        if self.before.len() == seen.len() {
            return;
        }
        let buckets = seen.len().saturating_mul(2).next_power_of_two().min(1 << TAG_BITS);
        if self.last.len() < buckets {
            self.last = vec![NONE; buckets];
            self.before.clear();
        }
        // Of more than four billion the rest is not found; they would take eight gigabytes of a file.
        let numbers = seen.iter().zip(0..NONE).skip(self.before.len());
        for (original, number) in numbers {
            let bucket = self.bucket(original.tag);
            let last = self.last.get_mut(bucket).map(|last| std::mem::replace(last, number));
            self.before.push(last.unwrap_or(NONE));
        }
    }

    /// The elements in the bucket of a tag, the last one first.
    fn candidates(&self, tag: u32) -> impl Iterator<Item = usize> {
        let number = |number: Option<&u32>| number.map(|number| *number as usize);
        let first = number(self.last.get(self.bucket(tag)));
        // There is no element NONE: the chain ends there.
        std::iter::successors(first, move |at| number(self.before.get(*at))).take_while(|at| *at < self.before.len())
    }

    fn bucket(&self, tag: u32) -> usize {
        // The number of buckets is a power of two of at most as many bits.
        tag as usize & self.last.len().saturating_sub(1)
    }
}

/// Elements by hashes of all their bytes, which no file can foresee.
#[derive(Debug, Default)]
struct ByHash {
    index: HashTable<u32>,
    /// How many are in the index.
    indexed: usize,
    state: RandomState,
}

impl ByHash {
    fn find(&mut self, file: &[u8], seen: &[Original], key: (u32, &[u8])) -> Option<usize> {
        let Self { index, indexed, state } = self;
        let key_of = |number: u32| seen.get(number as usize).map(|original| original.key(file));
        index.reserve(seen.len().saturating_sub(*indexed), |number| state.hash_one(key_of(*number)));
        while let Some(number) = u32::try_from(*indexed).ok().filter(|number| (*number as usize) < seen.len()) {
            let own = key_of(number);
            let rehash = |number: &u32| state.hash_one(key_of(*number));
            index.entry(state.hash_one(own), |other| key_of(*other) == own, rehash).or_insert(number);
            *indexed += 1;
        }
        let key = Some(key);
        index.find(state.hash_one(key), |number| key_of(*number) == key).map(|number| *number as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::wire::{Message, message};
    use crate::wire::fields;

    /// Nodes with these payloads.
    fn nodes(payloads: &[Vec<u8>]) -> Vec<u8> {
        payloads.iter().fold(message(), |nodes, payload| nodes.bytes(1, payload)).0
    }

    /// For each node of the second list whether the first one has it.
    fn found(first: &[Vec<u8>], second: &[Vec<u8>]) -> (Vec<bool>, Originals) {
        let (mut file, of_first) = (nodes(first), nodes(first).len());
        file.extend(nodes(second));
        let mut originals = Originals::default();
        let element = |field| Element { kind: ElementKind::Node, field };
        originals.begin();
        fields(&file, 0..of_first).for_each(|field| originals.add(&file, 0, &element(field)));
        originals.begin();
        let found = fields(&file, of_first..file.len());
        let found = found.map(|field| originals.of(&file, &element(field)) == Some(0)).collect();
        (found, originals)
    }

    /// A node whose tag is that of all others of this length: they differ where no tag looks.
    fn of_one_tag(number: u16) -> Vec<u8> {
        let [low, high] = number.to_le_bytes();
        let Message(mut node) = message().bytes(1, "name");
        node.extend([low, high]);
        node.extend([0; 64]);
        node
    }

    #[test]
    fn elements_are_found_in_order_out_of_order_and_not_at_all() {
        let named = |name: &str| message().bytes(1, name).bytes(2, "Op").0;
        let first = ["a", "b", "c", "d"].map(named);
        let second = ["a", "new", "c", "b", "d"].map(named);
        let (found, originals) = found(&first, &second);
        assert_eq!(found, [true, false, true, true, true]);
        assert_eq!(originals.by_hash.indexed, 0, "a hash was needed");
    }

    #[test]
    fn many_elements_of_one_tag_are_found_by_their_hashes() {
        let first: Vec<_> = (0..100).map(of_one_tag).collect();
        let second: Vec<_> = (50..150).rev().map(of_one_tag).collect();
        let (found, originals) = found(&first, &second);
        assert_eq!(found, (50..150).rev().map(|number| number < 100).collect::<Vec<_>>());
        assert_eq!(originals.by_hash.indexed, 100);
    }

    #[test]
    fn elements_of_a_third_metagraph_are_found_in_the_first_and_the_second() {
        let payloads: Vec<_> = (0..3000).map(of_one_tag).collect();
        let distinct: Vec<_> = (0..3000).map(|number| message().bytes(1, format!("n{number}")).0).collect();
        for payloads in [payloads, distinct] {
            let file = nodes(&payloads);
            let elements: Vec<_> =
                fields(&file, 0..file.len()).map(|field| Element { kind: ElementKind::Node, field }).collect();
            let mut originals = Originals::default();
            for (meta_graph, own) in (0..).zip([&elements[..1000], &elements[1000..2000]]) {
                originals.begin();
                for element in own.iter().rev() {
                    assert_eq!(originals.of(&file, element), None);
                    originals.add(&file, meta_graph, element);
                }
            }
            originals.begin();
            let found: Vec<_> = elements.iter().map(|element| originals.of(&file, element)).collect();
            let expected = (0..3000).map(|number| [Some(0), Some(1), None][number / 1000]);
            assert_eq!(found, expected.collect::<Vec<_>>());
        }
    }
}
