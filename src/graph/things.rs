//! The things of a metagraph, in 16 bytes each.
//!
//! There are millions of nodes, and what is written down of each is written to fresh memory and read again by every walk over
//! them. So a thing is kept as a [`Slot`], which says of a field of a model what any writer makes; the few whose numbers do
//! not fit (a message of gigabytes, a tensor's bytes) are in a list beside, and nothing is cut off.

use std::ops::Range;

use super::Kind;

/// Something that can be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thing {
    /// What it is.
    pub kind: Kind,
    /// Its message in the main file's wire format, without tag and length; empty for what is not in it.
    pub span: Range<usize>,
    /// Those of the field, tag and length included; of the shards, as they are charged to the tensor; of the asset's file.
    pub bytes: u64,
    /// Where its name is in the main file's wire format; empty for variables, see [`super::MetaGraphReach::name`].
    pub(super) name: Range<usize>,
}

/// What says in `name_len` that a thing is in the list of those that do not fit.
const WIDE: u16 = u16::MAX;

/// A thing, as most are.
#[derive(Debug, Clone, Copy)]
struct Slot {
    /// Where its message starts: 48 bits, in parts, as one number of them would make 24 bytes of a slot.
    start: u32,
    start_high: u16,
    /// Where its name starts in its message.
    name_at: u8,
    kind: Kind,
    /// The length of the message, and of the name.
    len: u32,
    name_len: u16,
    /// What it takes in the file beyond the length of its message: tag and length, in text also words.
    beyond: i16,
}

impl Slot {
    #[inline]
    fn new(thing: &Thing) -> Option<Self> {
        let Thing { kind, span, bytes, name } = thing;
        let start = span.start as u64;
        let name_at = if name.is_empty() { 0 } else { name.start.checked_sub(span.start)? };
        Some(Self {
            start: u32::try_from(start & u64::from(u32::MAX)).ok()?,
            start_high: u16::try_from(start >> 32).ok()?,
            name_at: u8::try_from(name_at).ok()?,
            kind: *kind,
            len: u32::try_from(span.len()).ok()?,
            name_len: u16::try_from(name.len()).ok().filter(|len| *len != WIDE)?,
            beyond: i16::try_from(i64::try_from(*bytes).ok()?.checked_sub_unsigned(span.len() as u64)?).ok()?,
        })
    }

    #[inline]
    fn start(&self) -> usize {
        usize::try_from(u64::from(self.start) | u64::from(self.start_high) << 32).unwrap_or(usize::MAX)
    }

    #[inline]
    fn bytes(&self) -> u64 {
        u64::from(self.len).saturating_add_signed(self.beyond.into())
    }

    #[inline]
    fn name(&self) -> Range<usize> {
        let start = self.start().saturating_add(self.name_at.into());
        start..start.saturating_add(self.name_len.into())
    }

    fn thing(&self) -> Thing {
        let start = self.start();
        let span = start..start.saturating_add(self.len as usize);
        Thing { kind: self.kind, span, bytes: self.bytes(), name: self.name() }
    }
}

/// Things by their numbers.
#[derive(Debug, Default)]
pub(super) struct Things {
    slots: Vec<Slot>,
    /// Those that do not fit into a slot, by their numbers.
    wide: Vec<(u32, Thing)>,
}

impl Things {
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// Adds a thing, whose number is that of the things before it.
    #[inline]
    pub(super) fn push(&mut self, thing: Thing) {
        let slot = Slot::new(&thing).unwrap_or_else(|| self.push_wide(thing));
        self.slots.push(slot);
    }

    #[cold]
    fn push_wide(&mut self, thing: Thing) -> Slot {
        let kind = thing.kind;
        self.wide.push((u32::try_from(self.slots.len()).unwrap_or(u32::MAX), thing));
        Slot { start: 0, start_high: 0, name_at: 0, kind, len: 0, name_len: WIDE, beyond: 0 }
    }

    pub(super) fn get(&self, number: u32) -> Option<Thing> {
        match self.slots.get(number as usize)? {
            Slot { name_len: WIDE, .. } => self.wide(number).cloned(),
            slot => Some(slot.thing()),
        }
    }

    pub(super) fn kind(&self, number: u32) -> Option<Kind> {
        self.slots.get(number as usize).map(|slot| slot.kind)
    }

    /// What a thing takes; 0 for a number that none has.
    pub(super) fn bytes(&self, number: u32) -> u64 {
        self.slots.get(number as usize).map_or(0, |slot| self.bytes_of(number, slot))
    }

    #[inline]
    fn bytes_of(&self, number: u32, slot: &Slot) -> u64 {
        if slot.name_len == WIDE { self.wide(number).map_or(0, |thing| thing.bytes) } else { slot.bytes() }
    }

    /// What each thing is, and takes.
    pub(super) fn sizes(&self) -> impl Iterator<Item = (Kind, u64)> {
        (0..).zip(&self.slots).map(|(number, slot)| (slot.kind, self.bytes_of(number, slot)))
    }

    /// The name of a thing in `file`, which it was read from; empty for a number that none has.
    pub(super) fn name<'a>(&self, file: &'a [u8], number: u32) -> &'a [u8] {
        let name = self.slots.get(number as usize).and_then(|slot| self.name_of(number, slot));
        name.and_then(|name| file.get(name)).unwrap_or_default()
    }

    /// Whether there is a thing of this number, which has this name in `file`.
    #[inline]
    pub(super) fn is_called(&self, file: &[u8], number: u32, wanted: &[u8]) -> bool {
        let Some(slot) = self.slots.get(number as usize) else { return false };
        self.name_of(number, slot).is_some_and(|name| file.get(name).unwrap_or_default() == wanted)
    }

    #[inline]
    fn name_of(&self, number: u32, slot: &Slot) -> Option<Range<usize>> {
        if slot.name_len == WIDE { self.wide(number).map(|thing| thing.name.clone()) } else { Some(slot.name()) }
    }

    /// The numbers of all things, and what they are.
    pub(super) fn kinds(&self) -> impl Iterator<Item = (u32, Kind)> {
        (0..).zip(&self.slots).map(|(number, slot)| (number, slot.kind))
    }

    #[cold]
    fn wide(&self, number: u32) -> Option<&Thing> {
        let at = self.wide.partition_point(|(wide, _)| *wide < number);
        self.wide.get(at).filter(|(wide, _)| *wide == number).map(|(_, thing)| thing)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Numbers of all sizes, those at the edges of what fits among them.
    fn number() -> impl Strategy<Value = usize> {
        let edges = [u8::MAX.into(), i16::MAX as usize, u16::MAX.into(), u32::MAX as usize, (1 << 48) - 1];
        let near = (prop::sample::select(edges.to_vec()), 0_usize..5).prop_map(|(edge, more)| edge - 2 + more);
        prop_oneof![0_usize..300, near]
    }

    prop_compose! {
        fn thing()(start in number(), len in number(), name_at in number(), name_len in number(), bytes in number(), inside in any::<bool>()) -> Thing {
            let name = if inside { start + name_at } else { name_at };
            let bytes = if inside { len + bytes } else { bytes } as u64;
            Thing { kind: Kind::Node, span: start..start + len, bytes, name: name..name + name_len }
        }
    }

    proptest! {
        #[test]
        fn a_thing_is_given_back_as_it_was_whatever_its_numbers(all in prop::collection::vec(thing(), 1..20)) {
            let mut things = Things::default();
            all.iter().for_each(|thing| things.push(thing.clone()));
            for (number, thing) in (0..).zip(&all) {
                let got = things.get(number).unwrap();
                prop_assert_eq!(things.bytes(number), thing.bytes);
                prop_assert_eq!((&got.span, got.bytes, got.name.len()), (&thing.span, thing.bytes, thing.name.len()));
                prop_assert!(got.name == thing.name || thing.name.is_empty());
            }
        }
    }

    #[test]
    fn a_slot_takes_16_bytes_and_a_node_of_a_model_fits() {
        assert_eq!(size_of::<Slot>(), 16);
        let node = Thing { kind: Kind::Node, span: 5 << 30..(5 << 30) + 200, bytes: 203, name: 2..2 };
        let mut things = Things::default();
        things.push(Thing { name: (5 << 30) + 2..(5 << 30) + 40, ..node });
        assert_eq!((things.wide.len(), things.get(1)), (0, None));
    }
}
