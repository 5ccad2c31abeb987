//! A transposed chunk: the fields of its records by column, and a machine that puts the records together.
//!
//! Riegeli has no document of it: these are facts of its `riegeli/chunk_encoding/transpose_decoder.cc` and
//! `transpose_encoder.cc`. The data is
//!
//! 1. a byte of compression, the length of the header, and the header;
//! 2. the buckets, each compressed by itself, as the header says how long they are. Together they decode to the buffers:
//!    what the fields of one number in one kind of message hold, such as all values of a field of bytes, one behind the
//!    other (`buffers`);
//! 3. the transitions: which state follows which (`states`, `machine`).
//!
//! The records come out from the last byte to the first, as the length of a message stands before it and is only known
//! when all of it is there. So the machine writes backwards.
//!
//! - **Bounds.** What the header, the buckets, the transitions and the records decode to counts as what simple chunks
//!   decode to does, and no more is written than the chunk's header says. Each step of the machine writes a byte, opens a
//!   message, of which [`MAX_DEPTH`] may be open, or takes at least a quarter of a byte of the transitions: states that do
//!   nothing and lead to others without a transition are passed in one step, and may lead in no circle.
//! - **Damage.** The records that were put together before the machine got stuck are whole: they are the last ones.

mod buffers;
mod machine;
mod states;

use std::ops::Range;

use bytes::Bytes;
use thiserror::Error;

use super::contents::Contents;
use super::unpack::{Allowance, UnpackError, first_buffer, unpack};
use crate::wire::varint;
use buffers::Buffers;
use states::States;

/// Messages are told apart this deep: `kMaxRecursionDepth` of Riegeli's writer.
const MAX_DEPTH: usize = 100;

/// There are fewer buckets: a decoder is made for each.
const MAX_BUCKETS: usize = 1 << 16;

/// There are fewer buffers, and fewer states: a writer has one for each kind of field, and some for how fields follow.
const MAX_PARTS: usize = 1 << 20;

/// Why a chunk cannot be put together.
#[derive(Debug, Error)]
pub(super) enum TransposeError {
    #[error(transparent)]
    Unpack(#[from] UnpackError),
    #[error("expected {0}, found the end of its header")]
    HeaderEnds(&'static str),
    #[error("expected {what} below {limit}, found {found}")]
    TooLarge { what: &'static str, limit: usize, found: u64 },
    #[error("expected the end of its header, found {0} more bytes")]
    HeaderGoesOn(usize),
    #[error("expected a bucket of {expected} bytes, found {found} behind those before it")]
    BucketCut { expected: u64, found: usize },
    #[error("expected buffers that fill the buckets, found {0}")]
    Buffers(&'static str),
    #[error("expected a state for a field, found one with tag {tag} and subtype {subtype}")]
    State { tag: u64, subtype: u8 },
    #[error("expected states that each lead to a transition, found a circle of those that lead on without one")]
    Circle,
    #[error("expected {what} in a buffer, found the {left} bytes that are left of it")]
    BufferEnds { what: &'static str, left: usize },
    #[error("expected a message that ends before it begins, found one that does not")]
    NotOpen,
    #[error("expected no message open where a record begins and at the end, found {0}")]
    StillOpen(usize),
    #[error("expected messages nested at most {MAX_DEPTH} deep, found one deeper")]
    TooDeep,
    #[error("expected {expected} records, found {found}")]
    Records { expected: u64, found: String },
    #[error("expected records of {expected} bytes, found {found}")]
    Size { expected: u64, found: String },
}

/// Reads a chunk of so many records and decoded bytes, as its header says. With an error come the records that are whole.
pub(super) fn read(
    data: &Bytes,
    (records, decoded): (u64, u64),
    allowance: &mut Allowance,
) -> (Contents, Option<TransposeError>) {
    let (header, states, buffers, transitions) = match parse(data, allowance) {
        Ok(parsed) => parsed,
        Err(error) => return (Contents::default(), Some(error)),
    };
    let ((values, records), error) = machine::run(&states, buffers, &transitions, (records, decoded), allowance);
    (Contents { stored: header.start..data.len(), is_plain: false, values, records }, error)
}

/// Where the header is; the states, the buffers and the transitions.
type Parsed = (Range<usize>, States, Buffers, Bytes);

fn parse(data: &Bytes, allowance: &mut Allowance) -> Result<Parsed, TransposeError> {
    let (compression, header) = first_buffer(data)?;
    let mut rest = data.slice(header.end..);
    let unpacked = unpack(compression, &data.slice(header.clone()), allowance)?;
    let mut numbers = Numbers(&unpacked);
    let buffers = Buffers::parse(&mut numbers, compression, &mut rest)?;
    let states = States::parse(&mut numbers, buffers.count())?;
    match numbers.0.len() {
        0 => Ok((header, states, buffers, unpack(compression, &rest, allowance)?)),
        more => Err(TransposeError::HeaderGoesOn(more)),
    }
}

/// The numbers of a header that have not been read.
struct Numbers<'h>(&'h [u8]);

impl<'h> Numbers<'h> {
    fn next(&mut self, what: &'static str) -> Result<u64, TransposeError> {
        let (number, length) = varint(self.0).ok_or(TransposeError::HeaderEnds(what))?;
        self.0 = self.0.get(length..).unwrap_or_default();
        Ok(number)
    }

    /// A number below `limit`.
    fn below(&mut self, what: &'static str, limit: usize) -> Result<u32, TransposeError> {
        let found = self.next(what)?;
        let number = u32::try_from(found).ok().filter(|number| (*number as usize) < limit);
        number.ok_or(TransposeError::TooLarge { what, limit, found })
    }

    /// How many parts there are. What is made for them grows with them, as each takes at least a byte of the header.
    fn count(&mut self, what: &'static str, limit: usize) -> Result<usize, TransposeError> {
        Ok(self.below(what, limit)? as usize)
    }

    fn bytes(&mut self, what: &'static str, count: usize) -> Result<&'h [u8], TransposeError> {
        let (bytes, rest) = self.0.split_at_checked(count).ok_or(TransposeError::HeaderEnds(what))?;
        self.0 = rest;
        Ok(bytes)
    }
}
