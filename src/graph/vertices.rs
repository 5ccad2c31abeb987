//! The vertices of a metagraph, in twelve bytes each.
//!
//! There are millions of nodes, and what is written down of each is written to fresh memory and read again by every walk over
//! them. So a vertex is kept as a [`Slot`], which says of a field of a model what any writer makes; the few whose numbers do
//! not fit (a message of gigabytes, a tensor's bytes) are in a list beside, and nothing is cut off.

use std::ops::Range;

use super::VertexKind;

/// Something that can be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vertex {
    /// What it is.
    pub kind: VertexKind,
    /// Its message in the main file's wire format, without tag and length; empty for what is not in it.
    pub span: Range<usize>,
    /// Those of the field, tag and length included; of the shards, as they are charged to the tensor; of the asset's file.
    pub bytes: u64,
    /// Where its name is in the main file's wire format; empty for variables, see [`super::MetaGraphReach::name`].
    pub(super) name: Range<usize>,
}

/// A vertex, as most are.
#[derive(Debug, Clone, Copy)]
struct Slot {
    /// Where its message starts in the metagraph.
    start: u32,
    /// The length of its message.
    len: u32,
    /// The rest, from the lowest bits on: what it is; where its name starts in its message; the length of its name; what it
    /// takes in the file beyond the length of its message (tag and length, in text also words). One number, as fields of a
    /// byte that are written one by one and copied as one make the processor wait.
    rest: u32,
}

/// How many bits there are of each in [`Slot::rest`].
const KIND_BITS: u32 = 3;
const NAME_AT_BITS: u32 = 5;
const NAME_LEN_BITS: u32 = 8;
const BEYOND_BITS: u32 = 16;
const _: () = assert!(KIND_BITS + NAME_AT_BITS + NAME_LEN_BITS + BEYOND_BITS == u32::BITS);
const _: () = assert!(VertexKind::ALL.len() <= 1 << KIND_BITS);

/// What says as the length of a name that a vertex is in the list of those that do not fit.
const WIDE: u32 = (1 << NAME_LEN_BITS) - 1;

impl Slot {
    #[inline]
    fn new(vertex: &Vertex, base: usize) -> Option<Self> {
        let Vertex { kind, span, bytes, name } = vertex;
        let name_at = if name.is_empty() { 0 } else { name.start.checked_sub(span.start)? };
        let name_at = u32::try_from(name_at).ok().filter(|at| *at < 1 << NAME_AT_BITS)?;
        let name_len = u32::try_from(name.len()).ok().filter(|len| *len < WIDE)?;
        let beyond = i64::try_from(*bytes).ok()?.checked_sub_unsigned(span.len() as u64)?;
        let beyond = u16::from_ne_bytes(i16::try_from(beyond).ok()?.to_ne_bytes());
        let rest = (u32::from(beyond) << NAME_LEN_BITS | name_len) << NAME_AT_BITS | name_at;
        Some(Self {
            start: u32::try_from(span.start.checked_sub(base)?).ok()?,
            len: u32::try_from(span.len()).ok()?,
            rest: rest << KIND_BITS | *kind as u32,
        })
    }

    /// That of a vertex that does not fit.
    fn wide(kind: VertexKind) -> Self {
        Self { start: 0, len: 0, rest: WIDE << (NAME_AT_BITS + KIND_BITS) | kind as u32 }
    }

    #[inline]
    fn is_wide(self) -> bool {
        self.name_len() == WIDE
    }

    #[inline]
    fn kind(self) -> VertexKind {
        let kind = self.rest & ((1 << KIND_BITS) - 1);
        VertexKind::ALL.get(kind as usize).copied().unwrap_or(VertexKind::Node)
    }

    #[inline]
    fn start(self, base: usize) -> usize {
        base.saturating_add(self.start as usize)
    }

    #[inline]
    fn bytes(self) -> u64 {
        let beyond = u16::try_from(self.rest >> (u32::BITS - BEYOND_BITS)).unwrap_or_default();
        let beyond = i16::from_ne_bytes(beyond.to_ne_bytes());
        u64::try_from(i64::from(self.len) + i64::from(beyond)).unwrap_or_default()
    }

    #[inline]
    fn name_len(self) -> u32 {
        self.rest >> (NAME_AT_BITS + KIND_BITS) & ((1 << NAME_LEN_BITS) - 1)
    }

    #[inline]
    fn name(self, base: usize) -> Range<usize> {
        let name_at = self.rest >> KIND_BITS & ((1 << NAME_AT_BITS) - 1);
        let start = self.start(base).saturating_add(name_at as usize);
        start..start.saturating_add(self.name_len() as usize)
    }

    fn vertex(self, base: usize) -> Vertex {
        let start = self.start(base);
        let span = start..start.saturating_add(self.len as usize);
        Vertex { kind: self.kind(), span, bytes: self.bytes(), name: self.name(base) }
    }
}

/// Vertices by their numbers.
#[derive(Debug)]
pub(super) struct Vertices {
    /// Where the metagraph starts.
    base: usize,
    slots: Vec<Slot>,
    /// Those that do not fit into a slot, by their numbers.
    wide: Vec<(u32, Vertex)>,
}

impl Vertices {
    /// Those of a metagraph that starts at `base` of the file; none yet.
    pub(super) fn new(base: usize) -> Self {
        Self { base, slots: Vec::new(), wide: Vec::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// Adds a vertex, whose number is that of the vertices before it.
    #[inline]
    pub(super) fn push(&mut self, vertex: Vertex) {
        match Slot::new(&vertex, self.base) {
            Some(slot) => self.slots.push(slot),
            None => self.push_wide(vertex),
        }
    }

    #[cold]
    fn push_wide(&mut self, vertex: Vertex) {
        let number = u32::try_from(self.slots.len()).unwrap_or(u32::MAX);
        self.slots.push(Slot::wide(vertex.kind));
        self.wide.push((number, vertex));
    }

    pub(super) fn get(&self, number: u32) -> Option<Vertex> {
        let slot = *self.slots.get(number as usize)?;
        if slot.is_wide() { self.wide(number).cloned() } else { Some(slot.vertex(self.base)) }
    }

    pub(super) fn kind(&self, number: u32) -> Option<VertexKind> {
        self.slots.get(number as usize).map(|slot| slot.kind())
    }

    /// What a vertex takes; 0 for a number that none has.
    pub(super) fn bytes(&self, number: u32) -> u64 {
        self.slots.get(number as usize).map_or(0, |slot| self.bytes_of(number, *slot))
    }

    #[inline]
    fn bytes_of(&self, number: u32, slot: Slot) -> u64 {
        if slot.is_wide() { self.wide(number).map_or(0, |vertex| vertex.bytes) } else { slot.bytes() }
    }

    /// What each vertex is, and takes.
    pub(super) fn sizes(&self) -> impl Iterator<Item = (VertexKind, u64)> {
        (0..).zip(&self.slots).map(|(number, slot)| (slot.kind(), self.bytes_of(number, *slot)))
    }

    /// The name of a vertex in `file`, which it was read from; empty for a number that none has.
    pub(super) fn name<'a>(&self, file: &'a [u8], number: u32) -> &'a [u8] {
        let name = self.slots.get(number as usize).and_then(|slot| self.name_of(number, *slot));
        name.and_then(|name| file.get(name)).unwrap_or_default()
    }

    /// Whether there is a vertex of this number, which has this name in `file`.
    #[inline]
    pub(super) fn is_called(&self, file: &[u8], number: u32, wanted: &[u8]) -> bool {
        let Some(slot) = self.slots.get(number as usize) else { return false };
        self.name_of(number, *slot).is_some_and(|name| file.get(name).unwrap_or_default() == wanted)
    }

    #[inline]
    fn name_of(&self, number: u32, slot: Slot) -> Option<Range<usize>> {
        if slot.is_wide() { self.wide(number).map(|vertex| vertex.name.clone()) } else { Some(slot.name(self.base)) }
    }

    /// The numbers of all vertices, and what they are.
    pub(super) fn kinds(&self) -> impl Iterator<Item = (u32, VertexKind)> {
        (0..).zip(&self.slots).map(|(number, slot)| (number, slot.kind()))
    }

    #[cold]
    fn wide(&self, number: u32) -> Option<&Vertex> {
        let at = self.wide.partition_point(|(wide, _)| *wide < number);
        self.wide.get(at).filter(|(wide, _)| *wide == number).map(|(_, vertex)| vertex)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Numbers of all sizes, those at the edges of what fits among them.
    fn number() -> impl Strategy<Value = usize> {
        let edges = [31, u8::MAX.into(), i16::MAX as usize, u16::MAX.into(), u32::MAX as usize, (1 << 48) - 1];
        let near = (prop::sample::select(edges.to_vec()), 0_usize..5).prop_map(|(edge, more)| edge - 2 + more);
        prop_oneof![0_usize..300, near]
    }

    prop_compose! {
        fn vertex()(start in number(), len in number(), name_at in number(), name_len in number(), bytes in number(), inside in any::<bool>()) -> Vertex {
            let name = if inside { start + name_at } else { name_at };
            let bytes = if inside { len + bytes } else { bytes } as u64;
            Vertex { kind: VertexKind::Node, span: start..start + len, bytes, name: name..name + name_len }
        }
    }

    proptest! {
        #[test]
        fn a_thing_is_given_back_as_it_was_whatever_its_numbers(all in prop::collection::vec(vertex(), 1..20), base in number()) {
            let mut vertices = Vertices::new(base);
            all.iter().for_each(|vertex| vertices.push(vertex.clone()));
            for (number, vertex) in (0..).zip(&all) {
                let got = vertices.get(number).unwrap();
                prop_assert_eq!(vertices.bytes(number), vertex.bytes);
                prop_assert_eq!((&got.span, got.bytes, got.name.len()), (&vertex.span, vertex.bytes, vertex.name.len()));
                prop_assert!(got.name == vertex.name || vertex.name.is_empty());
            }
        }
    }

    #[test]
    fn a_slot_takes_twelve_bytes_and_a_node_of_a_model_fits() {
        assert_eq!(size_of::<Slot>(), 12);
        let start = 5 << 30;
        let node = Vertex { kind: VertexKind::Node, span: start..start + 200, bytes: 203, name: start + 2..start + 40 };
        let mut vertices = Vertices::new(4 << 30);
        vertices.push(node.clone());
        assert_eq!((vertices.wide.len(), vertices.get(0), vertices.get(1)), (0, Some(node), None));
    }

    #[test]
    fn every_kind_is_given_back() {
        for kind in VertexKind::ALL {
            assert_eq!(Slot::wide(kind).kind(), kind);
        }
    }
}
