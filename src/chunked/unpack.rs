//! What a chunk holds in compressed form, unpacked into memory as far as there may be so much.

use std::io::{self, Read};
use std::ops::Range;

use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};
use bytes::Bytes;
use ruzstd::decoding::StreamingDecoder;
use thiserror::Error;

use crate::input::Limits;
use crate::wire::varint;

/// Bytes that are unpacked in one go.
const STEP: usize = 1 << 16;

/// The largest window of Zstandard that is kept in memory. Of its 22 levels the highest two may want a larger one, for
/// what decodes to more than this.
const ZSTD_WINDOW: u64 = 32 << 20;

/// No element of a snappy stream gives more than 64 bytes, and none takes less than two.
const SNAPPY_RATIO: usize = 32;

/// Why something could not be unpacked.
#[derive(Debug, Error)]
pub(super) enum UnpackError {
    #[error("expected compression 0, b, s or z, found byte {0}")]
    Compression(u8),
    #[error("expected a compression, a length and as many bytes, found the end of the chunk")]
    NoBuffer,
    #[error("expected the decoded size, found the end of what is compressed")]
    NoSize,
    #[error("expected {expected} bytes of {format}, found {found}")]
    Size { format: &'static str, expected: u64, found: u64 },
    #[error("expected {format}: {error}")]
    Data { format: &'static str, error: String },
    #[error(
        "expected a file that decodes to at most {0} bytes, found one that has more, which no model does; if you trust it, convert it to a saved_model.pb"
    )]
    TooMuch(u64),
    #[error("expected what fits into memory, found more than {0} bytes, for which there is not enough")]
    Memory(usize),
}

/// What a file may still be unpacked to.
#[derive(Debug)]
pub(super) struct Allowance {
    most: u64,
    spent: u64,
}

impl Allowance {
    /// For a file of `bytes`, with the limits of an archive of that size.
    pub(super) fn new(limits: &Limits, bytes: usize) -> Self {
        let most = (bytes as u64).saturating_mul(limits.ratio).max(limits.ratio_from).min(limits.unpacked);
        Self { most, spent: 0 }
    }

    /// Counts bytes that something is unpacked to.
    pub(super) fn spend(&mut self, bytes: usize) -> Result<(), UnpackError> {
        self.spent = self.spent.saturating_add(bytes as u64);
        if self.spent > self.most { Err(UnpackError::TooMuch(self.most)) } else { Ok(()) }
    }

    /// Appends bytes that were unpacked.
    fn extend(&mut self, unpacked: &mut Vec<u8>, bytes: &[u8]) -> Result<(), UnpackError> {
        self.spend(bytes.len())?;
        reserve(unpacked, bytes.len())?;
        unpacked.extend_from_slice(bytes);
        Ok(())
    }
}

/// Makes room for more, unless there is no memory for them.
pub(super) fn reserve<T>(to: &mut Vec<T>, more: usize) -> Result<(), UnpackError> {
    let reserved = to.try_reserve(more).or_else(|_| to.try_reserve_exact(more));
    reserved.map_err(|_| UnpackError::Memory(to.len().saturating_mul(size_of::<T>())))
}

/// What a buffer of a chunk says that it decodes to.
pub(super) fn decoded_size(compression: u8, packed: &[u8]) -> Result<u64, UnpackError> {
    if compression == 0 {
        return Ok(packed.len() as u64);
    }
    varint(packed).map(|(size, _)| size).ok_or(UnpackError::NoSize)
}

/// The compression of a chunk's data, and where the buffer is that comes behind that and its own length.
pub(super) fn first_buffer(data: &[u8]) -> Result<(u8, Range<usize>), UnpackError> {
    let parse = || {
        let (compression, rest) = data.split_first()?;
        let (length, taken) = varint(rest)?;
        let start = taken.checked_add(1)?;
        let end = start.checked_add(usize::try_from(length).ok()?)?;
        (end <= data.len()).then_some((*compression, start..end))
    };
    parse().ok_or(UnpackError::NoBuffer)
}

/// Unpacks a buffer of a chunk. One that is compressed begins with its decoded size, which is checked and not believed.
pub(super) fn unpack(compression: u8, packed: &Bytes, allowance: &mut Allowance) -> Result<Bytes, UnpackError> {
    if compression == 0 {
        allowance.spend(packed.len())?;
        return Ok(packed.clone());
    }
    let (expected, length) = varint(packed).ok_or(UnpackError::NoSize)?;
    let data = packed.get(length..).unwrap_or_default();
    let (format, unpacked) = match compression {
        b'b' => ("brotli", brotli(data, allowance)?),
        b'z' => ("Zstandard", zstd(data, allowance)?),
        b's' => ("snappy", snappy(data, allowance)?),
        other => return Err(UnpackError::Compression(other)),
    };
    let found = unpacked.len() as u64;
    if found != expected {
        return Err(UnpackError::Size { format, expected, found });
    }
    Ok(unpacked.into())
}

fn brotli(data: &[u8], allowance: &mut Allowance) -> Result<Vec<u8>, UnpackError> {
    // Strict: a window of at most 16 MiB, as RFC 7932 has it, and not of what the data says.
    let [bytes, tables, codes] = [(); 3].map(|()| StandardAlloc::default());
    let mut state = BrotliState::new_strict(bytes, tables, codes);
    let (mut unpacked, mut buffer) = (Vec::new(), vec![0; STEP]);
    let (mut left, mut at, mut total) = (data.len(), 0, 0);
    loop {
        let (mut room, mut written) = (buffer.len(), 0);
        let result = BrotliDecompressStream(
            &mut left,
            &mut at,
            data,
            &mut room,
            &mut written,
            &mut buffer,
            &mut total,
            &mut state,
        );
        allowance.extend(&mut unpacked, buffer.get(..written).unwrap_or_default())?;
        let error = match result {
            BrotliResult::NeedsMoreOutput => continue,
            BrotliResult::ResultSuccess if left == 0 => return Ok(unpacked),
            BrotliResult::ResultSuccess => format!("{left} bytes are left over"),
            BrotliResult::NeedsMoreInput => "the data ends too early".to_owned(),
            BrotliResult::ResultFailure => "the data is damaged".to_owned(),
        };
        return Err(UnpackError::Data { format: "brotli", error });
    }
}

fn zstd(data: &[u8], allowance: &mut Allowance) -> Result<Vec<u8>, UnpackError> {
    let failed = |error: String| UnpackError::Data { format: "Zstandard", error };
    let decoder = StreamingDecoder::new_with_max_window_size(data, ZSTD_WINDOW);
    let mut decoder = decoder.map_err(|error| failed(error.to_string()))?;
    let (mut unpacked, mut buffer) = (Vec::new(), vec![0; STEP]);
    loop {
        match decoder.read(&mut buffer) {
            Ok(0) => return Ok(unpacked),
            Ok(read) => allowance.extend(&mut unpacked, buffer.get(..read).unwrap_or_default())?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(failed(error.to_string())),
        }
    }
}

fn snappy(data: &[u8], allowance: &mut Allowance) -> Result<Vec<u8>, UnpackError> {
    let failed = |error: snap::Error| UnpackError::Data { format: "snappy", error: error.to_string() };
    let length = snap::raw::decompress_len(data).map_err(failed)?;
    let possible = data.len().saturating_mul(SNAPPY_RATIO);
    if length > possible {
        return Err(UnpackError::Size { format: "snappy", expected: length as u64, found: possible as u64 });
    }
    allowance.spend(length)?;
    let mut unpacked = Vec::new();
    reserve(&mut unpacked, length)?;
    unpacked.resize(length, 0);
    let written = snap::raw::Decoder::new().decompress(data, &mut unpacked).map_err(failed)?;
    unpacked.truncate(written);
    Ok(unpacked)
}
