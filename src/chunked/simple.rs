//! A simple chunk: how long its records are, and the records one behind the other.

use bytes::Bytes;
use thiserror::Error;

use super::contents::Contents;
use super::unpack::{Allowance, UnpackError, first_buffer, unpack};
use crate::wire::varint;

/// Why not all records of a chunk can be told apart.
#[derive(Debug, Error)]
pub(super) enum SimpleError {
    #[error(transparent)]
    Unpack(#[from] UnpackError),
    #[error("record {number} says {size} bytes, only {left} are left of its chunk")]
    Cut { number: u64, size: u64, left: usize },
    #[error("expected {expected} records, found {found}")]
    Records { expected: u64, found: u64 },
    #[error("expected records of {expected} bytes, found {found}")]
    Size { expected: u64, found: usize },
}

/// Reads a chunk of so many records and decoded bytes, as its header says. With an error come the records that are whole.
pub(super) fn read(
    data: &Bytes,
    (records, decoded): (u64, u64),
    allowance: &mut Allowance,
) -> (Contents, Option<SimpleError>) {
    let (mut contents, sizes) = match parse(data, allowance) {
        Ok(parsed) => parsed,
        Err(error) => return (Contents::default(), Some(error.into())),
    };
    let error = tell_apart(&mut contents, &sizes, records).err();
    let found = contents.values.len();
    let size = (found as u64 != decoded).then_some(SimpleError::Size { expected: decoded, found });
    (contents, error.or(size))
}

/// The values of a chunk, whose records are not told apart yet, and their sizes.
fn parse(data: &Bytes, allowance: &mut Allowance) -> Result<(Contents, Bytes), UnpackError> {
    let (compression, sizes) = first_buffer(data)?;
    let stored = sizes.end..data.len();
    let sizes = unpack(compression, &data.slice(sizes), allowance)?;
    let values = unpack(compression, &data.slice(stored.clone()), allowance)?;
    Ok((Contents { stored, is_plain: compression == 0, values, records: Vec::new() }, sizes))
}

fn tell_apart(contents: &mut Contents, mut sizes: &[u8], records: u64) -> Result<(), SimpleError> {
    let mut at = 0_usize;
    for number in 0..records {
        let Some((size, length)) = varint(sizes) else {
            return Err(SimpleError::Records { expected: records, found: number });
        };
        let end = usize::try_from(size).ok().and_then(|size| at.checked_add(size));
        let end = end.filter(|end| *end <= contents.values.len());
        let left = contents.values.len().saturating_sub(at);
        let end = end.ok_or(SimpleError::Cut { number, size, left })?;
        contents.records.push((number, at..end));
        sizes = sizes.get(length..).unwrap_or_default();
        at = end;
    }
    Ok(())
}
