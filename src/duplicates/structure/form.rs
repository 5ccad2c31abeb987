//! A canonical form while it is written: a short one is held until its end, of a long one only the part that is not
//! hashed yet. And what a form is known by, its [`Digest`].
//!
//! A form is made of many small pieces. To hash each by itself took half of the time of all structure, as a hasher that
//! takes pieces copies them into a block of its own and looks at its state each time; so that is done for many at once.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;

use highway::{HighwayHash as _, HighwayHasher};
use xxhash_rust::xxh3::{Xxh3, xxh3_128};

/// What two forms are compared by: two hashes of the same pieces, for two purposes.
///
/// Functions are put into one class where both agree. A file can be made whose functions agree in the first, as anybody can
/// compute that; nobody can foresee the second.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::duplicates) struct Digest {
    /// XXH3 of 128 bits without a seed: the same in every run and on every machine, so that reports can be compared.
    pub(in crate::duplicates) stable: u128,
    /// HighwayHash of 128 bits, a pseudorandom function, by the key of this run.
    pub(in crate::duplicates) keyed: u128,
}

/// The key of one run: what [`Digest::keyed`] is made with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key([u64; 4]);

impl Key {
    /// A new one, of the randomness that the standard library takes from the operating system for its maps.
    pub(super) fn new() -> Self {
        let random = RandomState::new();
        Self([0, 1, 2, 3].map(|number: u64| random.hash_one(number)))
    }

    fn hasher(self) -> HighwayHasher {
        HighwayHasher::new(highway::Key(self.0))
    }
}

/// What a piece of the form is.
///
/// The form is a sequence of pieces, each of a kind, a number and counted bytes, so that no two sequences look alike
/// when put end to end. What opens a list of pieces ([`Piece::List`], [`Piece::Function`]) is closed by
/// [`Piece::End`]; every other list ends where a piece begins that cannot be in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Piece {
    /// The bytes of a function that cannot be read.
    Damaged,
    /// A field that is taken as it is: number and wire type, payload.
    Field,
    /// An argument of the function; its fields follow.
    Argument,
    /// A result of the function; its fields and where it comes from follow.
    Result,
    /// An attribute in the function's signature; its fields follow.
    Declaration,
    /// A node; its inputs, op, device and attributes follow.
    Node,
    /// So many nodes stand before what follows.
    Nodes,
    /// Another part of the function, by its digest.
    Digest,
    /// The node's op, unless it is a function of the library: a [`Piece::Call`] stands for that.
    Op,
    /// The node's device.
    Device,
    /// A data input, or where a result comes from: which argument, and which of its tensors.
    FromArgument,
    /// The same from a node: which node, and which output of it.
    FromNode,
    /// The same from a node that calls a function: which node. A [`Piece::Port`] follows.
    FromCall,
    /// Which result of the function called, and which of its tensors.
    Port,
    /// The same from what is neither argument nor node, by its name.
    FromUnknown,
    /// What follows is a control input.
    Control,
    /// What follows is a control output of the function.
    ControlResult,
    /// An attribute of the node, function or callee: its key. The value follows.
    Attribute,
    /// An attribute of an argument: which argument, and the key. The value follows.
    ArgumentAttribute,
    /// Arguments that are the same resource: the argument, and the number that it shares.
    Resource,
    /// A string or a blob.
    Text,
    /// A list of values.
    List,
    /// A function in an attribute: its name, or a [`Piece::Call`], and its attributes.
    Function,
    /// The name of a function that is not in the library.
    Name,
    /// A blank for a function of the library; which one is in the list of calls.
    Call,
    /// The end of a list or of a function in an attribute.
    End,
}

/// So much of a form is held at most, and a piece: what a long function has is hashed in parts.
const HELD: usize = 1 << 16;

/// A form, for its digest. Used again for the next one, so that its memory is.
pub(super) struct Form {
    key: Key,
    held: Vec<u8>,
    /// What came before that, if anything did.
    hashes: Option<Box<Hashes>>,
}

/// Both hashes while pieces are added.
struct Hashes {
    stable: Xxh3,
    keyed: HighwayHasher,
}

impl Form {
    /// An empty form, whose digest is by this key.
    pub(super) fn new(key: Key) -> Self {
        Self { key, held: Vec::new(), hashes: None }
    }

    /// Forgets what was put.
    #[inline]
    pub(super) fn clear(&mut self) {
        self.held.clear();
        self.hashes = None;
    }

    /// Whether nothing was put.
    pub(super) fn is_empty(&self) -> bool {
        self.held.is_empty() && self.hashes.is_none()
    }

    /// Adds a piece.
    #[inline]
    pub(super) fn put(&mut self, piece: Piece, number: u64, bytes: &[u8]) {
        match short_head(piece, number, bytes) {
            Some(head) => self.held.extend_from_slice(&head),
            None => self.held.extend_from_slice(&head(piece, number, bytes)),
        }
        if bytes.len() < HELD {
            self.held.extend_from_slice(bytes);
        } else {
            self.hash_held().add(bytes);
        }
        if self.held.len() >= HELD {
            self.hash_held();
        }
    }

    /// Adds a piece that is neither number nor bytes.
    #[inline]
    pub(super) fn mark(&mut self, piece: Piece) {
        self.put(piece, 0, &[]);
    }

    #[cold]
    fn hash_held(&mut self) -> &mut Hashes {
        let key = self.key;
        let hashes = self.hashes.get_or_insert_with(|| Box::new(Hashes { stable: Xxh3::new(), keyed: key.hasher() }));
        hashes.add(&self.held);
        self.held.clear();
        hashes
    }

    /// The digest of all that was put, and of these.
    pub(super) fn digest_with(&mut self, digests: &[Digest]) -> Digest {
        // Each hash goes on from the same hash of the others.
        let stable = self.with(digests.iter().map(|digest| digest.stable), Self::stable);
        let keyed = self.with(digests.iter().map(|digest| digest.keyed), Self::keyed);
        Digest { stable, keyed }
    }

    fn with(&mut self, digests: impl Iterator<Item = u128>, hash: impl Fn(&Self) -> u128) -> u128 {
        let length = self.held.len();
        for digest in digests {
            let bytes = digest.to_le_bytes();
            self.held.extend(short_head(Piece::Digest, 0, &bytes).unwrap_or_default());
            self.held.extend_from_slice(&bytes);
        }
        let hash = hash(self);
        self.held.truncate(length);
        hash
    }

    /// The digest of all that was put since the form was cleared; the same however it was held.
    pub(super) fn digest(&self) -> Digest {
        Digest { stable: self.stable(), keyed: self.keyed() }
    }

    fn stable(&self) -> u128 {
        match &self.hashes {
            None => xxh3_128(&self.held),
            Some(hashes) => {
                let mut hash = hashes.stable.clone();
                hash.update(&self.held);
                hash.digest128()
            }
        }
    }

    fn keyed(&self) -> u128 {
        let mut hash = self.hashes.as_ref().map_or_else(|| self.key.hasher(), |hashes| hashes.keyed.clone());
        hash.append(&self.held);
        let [low, high] = hash.finalize128();
        u128::from(high) << u64::BITS | u128::from(low)
    }
}

impl Hashes {
    fn add(&mut self, bytes: &[u8]) {
        self.stable.update(bytes);
        self.keyed.append(bytes);
    }
}

/// Numbers and lengths below this fit into a short head.
const SHORT: u64 = 1 << 28;

/// What precedes the bytes of a piece: kind, number, length. Nearly all are short, and a quarter of all that is hashed would be
/// zeros otherwise.
#[inline]
fn short_head(piece: Piece, number: u64, bytes: &[u8]) -> Option<[u8; 8]> {
    let length = bytes.len() as u64;
    (number < SHORT && length < SHORT).then(|| (piece as u64 | number << 8 | length << 36).to_le_bytes())
}

/// The same for any number and length. The bit that says so is in no short head.
#[cold]
fn head(piece: Piece, number: u64, bytes: &[u8]) -> [u8; 24] {
    let mut head = [0; 24];
    let parts = [piece as u64 | 1 << 7, number, bytes.len() as u64];
    for (place, part) in head.chunks_exact_mut(8).zip(parts) {
        place.copy_from_slice(&part.to_le_bytes());
    }
    head
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn form_of(pieces: &[(Piece, u64, &[u8])]) -> Form {
        let mut form = Form::new(Key([1, 2, 3, 4]));
        pieces.iter().for_each(|(piece, number, bytes)| form.put(*piece, *number, bytes));
        form
    }

    fn digest(pieces: &[(Piece, u64, &[u8])]) -> Digest {
        form_of(pieces).digest()
    }

    /// Whether neither hash takes one for the other.
    fn differ(a: Digest, b: Digest) -> bool {
        a.stable != b.stable && a.keyed != b.keyed
    }

    #[test]
    fn bytes_that_look_like_the_next_piece_are_not_taken_for_it() {
        let one = [b"a", short_head(Piece::Text, 0, b"b").unwrap().as_slice(), b"b"].concat();
        assert!(differ(digest(&[(Piece::Text, 0, b"a"), (Piece::Text, 0, b"b")]), digest(&[(Piece::Text, 0, &one)])));
    }

    #[test]
    fn a_large_number_is_told_from_a_small_one_with_the_same_lower_bits() {
        let digests = [3, 3 + SHORT, 3 + (1 << 60)].map(|number| digest(&[(Piece::Text, number, b"a")]));
        assert_eq!(digests.iter().map(|digest| digest.stable).collect::<BTreeSet<_>>().len(), 3);
        assert_eq!(digests.iter().map(|digest| digest.keyed).collect::<BTreeSet<_>>().len(), 3);
    }

    #[test]
    fn a_long_form_has_the_hashes_of_its_pieces_put_end_to_end() {
        let long = vec![7; HELD];
        for pieces in [vec![&long[..]], vec![&long[..HELD - 1], &long[..5], &long[..], &long[..1]]] {
            let pieces: Vec<(Piece, u64, &[u8])> = pieces.into_iter().map(|bytes| (Piece::Text, 3, bytes)).collect();
            let head = |bytes: &[u8]| short_head(Piece::Text, 3, bytes).unwrap();
            let all: Vec<u8> = pieces.iter().flat_map(|(.., bytes)| [&head(bytes)[..], bytes].concat()).collect();
            let [low, high] = Key([1, 2, 3, 4]).hasher().hash128(&all);
            let keyed = u128::from(high) << 64 | u128::from(low);
            assert_eq!(digest(&pieces), Digest { stable: xxh3_128(&all), keyed });
        }
    }

    #[test]
    fn digests_of_other_parts_are_in_both_hashes_and_leave_the_form_as_it_was() {
        let others = [Digest { stable: 1, keyed: 1 }, Digest { stable: 2, keyed: 2 }];
        for length in [1, HELD - 9, HELD] {
            let bytes = vec![7; length];
            let mut form = form_of(&[(Piece::Text, 0, &bytes)]);
            let alone = form.digest();
            let [one, two] = others.map(|other| form.digest_with(&[other]));
            assert!(differ(one, two) && differ(one, alone) && differ(one, form.digest_with(&others)));
            assert_eq!(form.digest(), alone);
        }
    }

    #[test]
    fn the_stable_hash_is_that_of_every_run_and_the_keyed_one_that_of_one_run() {
        let of = |key| {
            let mut form = Form::new(key);
            form.put(Piece::Op, 0, b"MatMul");
            form.digest()
        };
        let (one, other) = (of(Key::new()), of(Key::new()));
        assert_eq!(one.stable, other.stable);
        assert_ne!(one.keyed, other.keyed);
    }
}
