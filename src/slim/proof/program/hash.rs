//! How parts of a program are hashed: 128 bits, by a key of the run, so that no file can be made in which two parts that are not
//! the same have one hash.

use xxhash_rust::xxh3::Xxh3;

use crate::seeded;
use crate::wire::Field;

/// The hash of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Digest(u128);

impl Digest {
    /// Half of it, as a number to sort by.
    pub(super) fn low(self) -> u64 {
        u64::try_from(self.0 & u128::from(u64::MAX)).unwrap_or_default()
    }
}

/// What hashes are made with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key(u64);

impl Key {
    pub(super) fn new() -> Self {
        Self(seeded::random())
    }

    pub(super) fn hasher(self) -> Hasher {
        Hasher(Xxh3::with_seed(self.0))
    }
}

/// What is hashed: each piece says of which kind it is and how long, so that none runs into the next.
#[derive(Debug, Clone, Copy)]
pub(super) enum Piece {
    Argument,
    Attribute,
    Call,
    Constant,
    Control,
    ControlResult,
    Data,
    Device,
    End,
    Field,
    Function,
    Gradient,
    List,
    Name,
    Node,
    Op,
    Output,
    Part,
    Result,
}

/// A hash that is being made.
pub(super) struct Hasher(Xxh3);

impl Hasher {
    pub(super) fn number(&mut self, piece: Piece, number: u64) {
        let mut bytes = [0; 9];
        let (kind, value) = bytes.split_at_mut(1);
        kind.fill(piece as u8);
        value.copy_from_slice(&number.to_le_bytes());
        self.0.update(&bytes);
    }

    pub(super) fn bytes(&mut self, piece: Piece, bytes: &[u8]) {
        self.number(piece, bytes.len() as u64);
        self.0.update(bytes);
    }

    pub(super) fn digest(&mut self, piece: Piece, Digest(digest): Digest) {
        self.number(piece, 0);
        self.0.update(&digest.to_le_bytes());
    }

    /// A field as it lies.
    pub(super) fn field(&mut self, file: &[u8], field: &Field) {
        self.number(Piece::Field, u64::from(field.number) << 3 | field.wire_type as u64);
        self.bytes(Piece::Data, field.bytes(file));
    }

    pub(super) fn finish(&self) -> Digest {
        Digest(self.0.digest128())
    }
}
