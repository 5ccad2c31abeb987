//! The nodes of a graph by name.
//!
//! Of a million nodes most inputs name one shortly before, which a small list of guesses answers. This table has the
//! others, and it alone can say that no two nodes have one name, of which the first would count. So each name has to go
//! through it, and what that costs is the waiting for memory. Hence an entry has four bytes: a node's number and ten bits of its
//! name's hash, so that one in a thousand wrong entries is compared with its name in the file, and the others not. And
//! names are added when all are known, those first that come to the front of the table: so what is read of it stays in the
//! cache, where names in the order of the file would touch all of it at once.

use super::MAX_VERTICES;
use super::vertices::Vertices;
use crate::seeded::Seed;

/// How many bits of an entry are the node's number; the others are a tag.
const NUMBER_BITS: u32 = 22;
const _: () = assert!(MAX_VERTICES <= 1 << NUMBER_BITS);

/// An entry without a node. No node has it: of the tags one is left out.
const EMPTY: u32 = u32::MAX;
const NO_TAG: u32 = (1 << (u32::BITS - NUMBER_BITS)) - 1;

/// The hash of a name, and whether there is a colon in it: both need all of its bytes.
#[inline]
fn hash_and_colon(seed: Seed, name: &[u8]) -> (u32, bool) {
    const EACH: u64 = u64::from_ne_bytes([1; 8]);
    let mut colons = 0;
    let hash = seed.hash_seeing(name, |word| {
        // A byte that is zero has its upper bit set when one is taken from it, and not before.
        let differs = word ^ (EACH * u64::from(b':'));
        colons |= differs.wrapping_sub(EACH) & !differs & (EACH << 7);
    });
    (hash, colons != 0)
}

/// How nodes are called, while they are found.
#[derive(Debug)]
pub(super) struct Hashes {
    seed: Seed,
    /// The number of each node and the hash of its name, in parts by the upper bits of hashes: those of a part come to a part
    /// of the table that the cache has room for.
    parts: Vec<Vec<(u32, u32)>>,
}

impl Hashes {
    /// How many bits of a hash say in which part it is.
    const PART_BITS: u32 = 5;

    pub(super) fn new() -> Self {
        Self { seed: Seed::default(), parts: vec![Vec::new(); 1 << Self::PART_BITS] }
    }

    /// Notes that the node of this number, which is greater than those before, has this name; says whether there is a colon
    /// in it.
    #[inline]
    pub(super) fn add(&mut self, number: u32, name: &[u8]) -> bool {
        let (hash, has_colon) = hash_and_colon(self.seed, name);
        let part = hash >> (u32::BITS - Self::PART_BITS);
        self.parts.get_mut(part as usize).into_iter().for_each(|part| part.push((number, hash)));
        has_colon
    }
}

/// The numbers of the nodes among vertices, by name.
#[derive(Default)]
pub(super) struct NodeNames {
    seed: Seed,
    /// Half as many again as there are names. A name is at the place that its hash says, or in the first free one behind that.
    entries: Vec<u32>,
}

/// For each vertex its number, or, if it is a node of a name that one before has, the number of the first of these.
pub(super) type Firsts = Vec<u32>;

impl NodeNames {
    /// The nodes of `hashes`, which are among `vertices`. Of two of one name the first counts: if there are such, also says
    /// which these are.
    pub(super) fn new(file: &[u8], vertices: &Vertices, hashes: Hashes) -> (Self, Option<Firsts>) {
        let nodes: usize = hashes.parts.iter().map(Vec::len).sum();
        let entries = vec![EMPTY; nodes.saturating_add(nodes.div_ceil(2))];
        let (mut names, mut firsts) = (Self { seed: hashes.seed, entries }, None);
        for (number, hash) in hashes.parts.into_iter().flatten() {
            let is_same = |other| vertices.is_called(file, other, vertices.name(file, number));
            match names.find(hash, is_same) {
                Ok(first) => {
                    let firsts: &mut Firsts = firsts.get_or_insert_with(|| (0..).take(vertices.len()).collect());
                    firsts.get_mut(number as usize).into_iter().for_each(|slot| *slot = first);
                }
                Err(free) => {
                    names.entries.get_mut(free).into_iter().for_each(|entry| *entry = number | tag(hash));
                }
            }
        }
        (names, firsts)
    }

    /// The node of this name.
    pub(super) fn get(&self, file: &[u8], vertices: &Vertices, wanted: &[u8]) -> Option<u32> {
        self.find(self.seed.hash(wanted), |number| vertices.is_called(file, number, wanted)).ok()
    }

    /// The node with this hash that `is_it`, or else the entry that one would have.
    #[inline]
    fn find(&self, hash: u32, is_it: impl Fn(u32) -> bool) -> Result<u32, usize> {
        // The upper bits of the product of a fraction of 2^32 with a number are that fraction of the number.
        let place = (u64::from(hash) * self.entries.len() as u64) >> u32::BITS;
        let mut at = usize::try_from(place).unwrap_or_default();
        while let Some(entry) = self.entries.get(at).copied() {
            let number = entry & ((1 << NUMBER_BITS) - 1);
            if entry == EMPTY {
                break;
            } else if entry ^ number == tag(hash) && is_it(number) {
                return Ok(number);
            }
            // A third of the entries are free, so there is an end.
            at = if at + 1 < self.entries.len() { at + 1 } else { 0 };
        }
        Err(at)
    }
}

/// Those bits of a name's hash that stand beside the node's number, in their place.
#[inline]
fn tag(hash: u32) -> u32 {
    // The place comes from the upper bits.
    (hash & NO_TAG).min(NO_TAG - 1) << NUMBER_BITS
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Vertex, VertexKind};
    use super::*;

    /// Nodes of these names, and the file that holds the names.
    fn nodes(names: &[&str]) -> (Vec<u8>, Vertices, Hashes) {
        let (mut vertices, mut hashes) = (Vertices::new(0), Hashes::new());
        let mut file = Vec::new();
        for (number, name) in (0..).zip(names) {
            let start = file.len();
            file.extend(name.bytes());
            vertices.push(Vertex {
                kind: VertexKind::Node,
                span: start..file.len(),
                bytes: 1,
                name: start..file.len(),
            });
            hashes.add(number, name.as_bytes());
        }
        (file, vertices, hashes)
    }

    #[test]
    fn a_node_is_found_by_its_name_and_nothing_by_another() {
        let (file, vertices, hashes) = nodes(&["dense/MatMul", "dense/MatMul_1", ""]);
        let (names, firsts) = NodeNames::new(&file, &vertices, hashes);
        let found =
            ["dense/MatMul_1", "dense/MatMul", "", "dense"].map(|name| names.get(&file, &vertices, name.as_bytes()));
        assert_eq!((found, firsts), ([Some(1), Some(0), Some(2), None], None));
    }

    #[test]
    fn of_two_of_one_name_the_first_counts() {
        let (file, vertices, hashes) = nodes(&["a", "b", "a", "b", "a"]);
        let (names, firsts) = NodeNames::new(&file, &vertices, hashes);
        assert_eq!((names.get(&file, &vertices, b"a"), firsts), (Some(0), Some(vec![0, 1, 0, 1, 0])));
    }

    #[test]
    fn nodes_keep_their_numbers_where_there_are_other_things_between() {
        let (file, mut vertices, mut hashes) = nodes(&["a", "b"]);
        for name in [0..0, 1..2, 0..1] {
            let kind = if name.is_empty() { VertexKind::Function } else { VertexKind::Node };
            vertices.push(Vertex { kind, span: name.clone(), bytes: 1, name });
        }
        hashes.add(3, b"b");
        hashes.add(4, b"a");
        let (names, firsts) = NodeNames::new(&file, &vertices, hashes);
        let found = [&b"a"[..], b"b"].map(|name| names.get(&file, &vertices, name));
        assert_eq!((found, firsts), ([Some(0), Some(1)], Some(vec![0, 1, 2, 1, 0])));
    }

    #[test]
    fn nothing_is_found_where_there_are_no_nodes() {
        let (file, vertices, hashes) = nodes(&[]);
        assert_eq!(NodeNames::new(&file, &vertices, hashes).0.get(&file, &vertices, b"a"), None);
    }

    #[test]
    fn colons_are_seen_anywhere_in_a_name() {
        let seed = Seed::default();
        for len in 0..30 {
            let has_colon = |name: &[u8]| hash_and_colon(seed, name).1;
            assert!(!has_colon(&vec![b'9'; len]) && !has_colon(&vec![b';'; len]));
            for at in 0..len {
                let mut name = vec![b'x'; len];
                name[at] = b':';
                assert!(has_colon(&name), "{at} of {len}");
            }
        }
    }

    proptest! {
        /// Thousands, so that names meet at one place, with one tag, and at the end of the table.
        #[test]
        fn each_name_leads_to_the_first_node_that_has_it(numbers in prop::collection::vec(0_usize..4000, 3000)) {
            let called: Vec<String> = numbers.iter().map(|number| format!("layer_{number}/MatMul")).collect();
            let (file, vertices, hashes) = nodes(&called.iter().map(|name| &**name).collect::<Vec<_>>());
            let (names, firsts) = NodeNames::new(&file, &vertices, hashes);
            let firsts = firsts.unwrap_or_else(|| (0..3000).collect());
            for (name, number) in called.iter().zip(firsts) {
                let first = called.iter().position(|other| other == name).and_then(|first| u32::try_from(first).ok());
                prop_assert_eq!((names.get(&file, &vertices, name.as_bytes()), Some(number)), (first, first));
            }
            for number in 4000..8000 {
                prop_assert_eq!(names.get(&file, &vertices, format!("layer_{number}/MatMul").as_bytes()), None);
            }
        }
    }
}
