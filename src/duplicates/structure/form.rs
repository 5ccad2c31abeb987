//! A canonical form while it is written: a short one is held until its end, of a long one only the part that is not
//! hashed yet.
//!
//! A form is made of many small pieces. To hash each by itself took half of the time of all structure, as a hasher that
//! takes pieces copies them into a block of its own and looks at its state each time; so that is done for many at once.

use xxhash_rust::xxh3::{Xxh3, xxh3_128};

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
    /// The hash of what came before what was put.
    Before,
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

/// A form, for its hash. Used again for the next one, so that its memory is.
#[derive(Default)]
pub(super) struct Form {
    held: Vec<u8>,
    /// What came before that, if anything did.
    hash: Option<Box<Xxh3>>,
}

impl Form {
    /// Forgets what was put.
    pub(super) fn clear(&mut self) {
        self.held.clear();
        self.hash = None;
    }

    /// Whether nothing was put.
    pub(super) fn is_empty(&self) -> bool {
        self.held.is_empty() && self.hash.is_none()
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
            self.hash_held().update(bytes);
        }
        if self.held.len() >= HELD {
            self.hash_held();
        }
    }

    /// Adds a piece that is neither number nor bytes.
    pub(super) fn mark(&mut self, piece: Piece) {
        self.put(piece, 0, &[]);
    }

    #[cold]
    fn hash_held(&mut self) -> &mut Xxh3 {
        let hash = self.hash.get_or_insert_default();
        hash.update(&self.held);
        self.held.clear();
        hash
    }

    /// The hash of all that was put, and of what came before.
    pub(super) fn digest_behind(&mut self, before: u128) -> u128 {
        self.put(Piece::Before, 0, &before.to_le_bytes());
        self.digest()
    }

    /// The hash of all that was put since the form was cleared; the same however it was held.
    pub(super) fn digest(&self) -> u128 {
        match &self.hash {
            None => xxh3_128(&self.held),
            Some(hash) => {
                let mut hash = hash.clone();
                hash.update(&self.held);
                hash.digest128()
            }
        }
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
    use super::*;

    #[test]
    fn bytes_that_look_like_the_next_piece_are_not_taken_for_it() {
        let (mut two, mut one) = (Form::default(), Form::default());
        two.put(Piece::Text, 0, b"a");
        two.put(Piece::Text, 0, b"b");
        one.put(Piece::Text, 0, &[b"a", short_head(Piece::Text, 0, b"b").unwrap().as_slice(), b"b"].concat());
        assert_ne!(one.digest(), two.digest());
    }

    #[test]
    fn a_large_number_is_told_from_a_small_one_with_the_same_lower_bits() {
        let digest = |number| {
            let mut form = Form::default();
            form.put(Piece::Text, number, b"a");
            form.digest()
        };
        assert_eq!(
            [3, 3 + SHORT, 3 + (1 << 60)].map(digest).iter().collect::<std::collections::BTreeSet<_>>().len(),
            3
        );
    }

    #[test]
    fn a_long_form_has_the_hash_of_its_pieces_put_end_to_end() {
        let long = vec![7; HELD];
        for pieces in [vec![&long[..]], vec![&long[..HELD - 1], &long[..5], &long[..], &long[..1]]] {
            let (mut form, mut all) = (Form::default(), Vec::new());
            for bytes in pieces {
                form.put(Piece::Text, 3, bytes);
                all.extend([&short_head(Piece::Text, 3, bytes).unwrap()[..], bytes].concat());
            }
            assert_eq!(form.digest(), xxh3_128(&all));
        }
    }
}
