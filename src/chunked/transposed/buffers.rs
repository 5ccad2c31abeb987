//! The buffers of a transposed chunk, read from their beginning on, out of buckets that are unpacked when first asked for.

use bytes::Bytes;

use super::{MAX_BUCKETS, MAX_PARTS, Numbers, TransposeError};
use crate::chunked::unpack::{Allowance, decoded_size, unpack};
use crate::wire::varint;

/// All buffers of a chunk.
pub(super) struct Buffers {
    compression: u8,
    buckets: Vec<Bucket>,
    buffers: Vec<Buffer>,
}

/// Buffers that are compressed together.
enum Bucket {
    Packed(Bytes),
    Unpacked(Bytes),
}

/// A part of what a bucket decodes to: what has not been read.
struct Buffer {
    bucket: usize,
    start: usize,
    end: usize,
}

impl Buffers {
    /// Reads how long buckets and buffers are, and takes the buckets off the front of `data`.
    pub(super) fn parse(numbers: &mut Numbers<'_>, compression: u8, data: &mut Bytes) -> Result<Self, TransposeError> {
        let bucket_count = numbers.count("the number of buckets", MAX_BUCKETS)?;
        let buffer_count = numbers.count("the number of buffers", MAX_PARTS)?;
        let mut buckets = Vec::new();
        for _ in 0..bucket_count {
            let expected = numbers.next("the length of a bucket")?;
            let length = usize::try_from(expected).ok().filter(|length| *length <= data.len());
            let length = length.ok_or(TransposeError::BucketCut { expected, found: data.len() })?;
            buckets.push(data.split_to(length));
        }
        let buffers = cut(numbers, compression, &buckets, buffer_count)?;
        Ok(Self { compression, buckets: buckets.into_iter().map(Bucket::Packed).collect(), buffers })
    }

    pub(super) fn count(&self) -> usize {
        self.buffers.len()
    }

    /// The next `length` bytes of a buffer.
    pub(super) fn take(
        &mut self,
        buffer: u32,
        length: usize,
        what: &'static str,
        allowance: &mut Allowance,
    ) -> Result<&[u8], TransposeError> {
        self.take_by(buffer, what, allowance, |_| Some(length))
    }

    /// The next varint of the last buffer.
    pub(super) fn last_number(
        &mut self,
        what: &'static str,
        allowance: &mut Allowance,
    ) -> Result<usize, TransposeError> {
        let last = u32::try_from(self.buffers.len().saturating_sub(1)).unwrap_or(u32::MAX);
        let taken = self.take_by(last, what, allowance, |left| Some(varint(left)?.1))?;
        Ok(varint(taken).and_then(|(number, _)| usize::try_from(number).ok()).unwrap_or(usize::MAX))
    }

    /// The next length and as many bytes of a buffer.
    pub(super) fn delimited(
        &mut self,
        buffer: u32,
        what: &'static str,
        allowance: &mut Allowance,
    ) -> Result<&[u8], TransposeError> {
        self.take_by(buffer, what, allowance, |left| {
            let (length, taken) = varint(left)?;
            taken.checked_add(usize::try_from(length).ok()?)
        })
    }

    /// The next bytes of a buffer: as many as `length` makes of those that are left.
    fn take_by(
        &mut self,
        buffer: u32,
        what: &'static str,
        allowance: &mut Allowance,
        length: impl Fn(&[u8]) -> Option<usize>,
    ) -> Result<&[u8], TransposeError> {
        const NO_BUFFER: TransposeError = TransposeError::Buffers("a state that reads from none");
        let buffer = self.buffers.get_mut(buffer as usize).ok_or(NO_BUFFER)?;
        let bucket = self.buckets.get_mut(buffer.bucket).ok_or(NO_BUFFER)?;
        if let Bucket::Packed(packed) = bucket {
            *bucket = Bucket::Unpacked(unpack(self.compression, packed, allowance)?);
        }
        let Bucket::Unpacked(unpacked) = bucket else { return Err(NO_BUFFER) };
        let left = unpacked.get(buffer.start..buffer.end).unwrap_or_default();
        let taken = length(left).and_then(|length| left.get(..length));
        let taken = taken.ok_or(TransposeError::BufferEnds { what, left: left.len() })?;
        buffer.start = buffer.start.saturating_add(taken.len());
        Ok(taken)
    }
}

/// Divides the buckets among the buffers: each buffer is in the bucket of the one before it, or where that is full in the
/// next that is not empty. They must come out even.
fn cut(
    numbers: &mut Numbers<'_>,
    compression: u8,
    buckets: &[Bytes],
    count: usize,
) -> Result<Vec<Buffer>, TransposeError> {
    let mut sizes = buckets.iter().map(|bucket| decoded_size(compression, bucket)).enumerate().peekable();
    let (mut bucket, mut size) = match sizes.next() {
        Some((bucket, size)) => (bucket, size?),
        None if count == 0 => return Ok(Vec::new()),
        None => return Err(TransposeError::Buffers("no bucket")),
    };
    let (mut buffers, mut start) = (Vec::new(), 0_usize);
    for _ in 0..count {
        let length = numbers.next("the length of a buffer")?;
        let end = usize::try_from(length).ok().and_then(|length| start.checked_add(length));
        let end = end.filter(|end| *end as u64 <= size).ok_or(TransposeError::Buffers("one that is longer"))?;
        buffers.push(Buffer { bucket, start, end });
        start = end;
        while start as u64 == size && sizes.peek().is_some() {
            let Some((next, next_size)) = sizes.next() else { break };
            (bucket, size, start) = (next, next_size?, 0);
        }
    }
    if start as u64 == size && sizes.next().is_none() { Ok(buffers) } else { Err(TransposeError::Buffers("fewer")) }
}
