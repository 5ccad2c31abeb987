//! What is compressed, unpacked into memory as far as it is whole.

use std::io::{self, Read};

use bytes::Bytes;
use flate2::bufread::{DeflateDecoder, GzDecoder};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use super::ArchiveFormat;
use super::limits::{Allowance, Exceeded};

/// Bytes that are unpacked in one go.
const STEP: usize = 1 << 16;

/// What was unpacked, up to the first damage: where that is in what was packed, and what.
#[derive(Debug, Default)]
pub(super) struct Unpacked {
    pub(super) bytes: Bytes,
    pub(super) damage: Option<(Option<u64>, String)>,
}

/// Unpacks a whole file. An offset is one of the packed bytes.
pub(super) fn unpack(
    packed: &[u8],
    format: ArchiveFormat,
    allowance: &mut Allowance<'_>,
) -> Result<Unpacked, Exceeded> {
    let mut unpacked = Vec::new();
    let mut rest = packed;
    let mut damage = None;
    while !rest.is_empty() && damage.is_none() {
        let zstd = format == ArchiveFormat::TarZst;
        let begins = if zstd { is_zstd(rest) } else { rest.starts_with(&[0x1f, 0x8b]) };
        if !begins {
            // Tapes and block devices are filled up with zeros.
            let is_padding = rest.iter().all(|byte| *byte == 0);
            damage = (!is_padding).then(|| format!("expected the end of the {}, found other bytes", format.name()));
            break;
        }
        damage = if zstd {
            frame(&mut rest, &mut unpacked, allowance)?
        } else {
            member(&mut rest, &mut unpacked, allowance)?
        };
    }
    let at = packed.len().saturating_sub(rest.len()) as u64;
    let damage = damage.map(|what| (Some(at), format!("{what}; what is behind it is not read")));
    Ok(Unpacked { bytes: unpacked.into(), damage })
}

/// Unpacks an entry of `size` bytes; what is more than that is damage. An offset is one of the unpacked bytes.
pub(super) fn inflate(packed: &[u8], size: u64, allowance: &mut Allowance<'_>) -> Result<Unpacked, Exceeded> {
    let mut unpacked = Vec::new();
    let mut decoder = DeflateDecoder::new(packed).take(size.saturating_add(1));
    let error = read_all(&mut decoder, |decoder| decoder.get_ref().get_ref().len(), &mut unpacked, allowance)?;
    let found = unpacked.len() as u64;
    let damage = match error {
        Some(error) => Some(format!("expected {size} bytes of deflated data: {error}")),
        None if found > size => Some(format!("the archive says {size} bytes, and there are more")),
        None => None,
    };
    unpacked.truncate(usize::try_from(size).unwrap_or(usize::MAX));
    let at = unpacked.len() as u64;
    Ok(Unpacked { bytes: unpacked.into(), damage: damage.map(|what| (Some(at), what)) })
}

/// A member of a gzip file; there may be several. Its checksum is checked by the decoder.
fn member(rest: &mut &[u8], unpacked: &mut Vec<u8>, allowance: &mut Allowance<'_>) -> Result<Option<String>, Exceeded> {
    let mut decoder = GzDecoder::new(*rest);
    let error = read_all(&mut decoder, |decoder| decoder.get_ref().len(), unpacked, allowance)?;
    *rest = decoder.into_inner();
    Ok(error.map(|error| format!("expected gzip: {error}")))
}

/// Reads to the end, or to an error. `left` is how many packed bytes a decoder has not seen.
fn read_all<D: Read>(
    decoder: &mut D,
    left: impl Fn(&D) -> usize,
    unpacked: &mut Vec<u8>,
    allowance: &mut Allowance<'_>,
) -> Result<Option<io::Error>, Exceeded> {
    let mut buffer = vec![0; STEP];
    let mut before = left(decoder);
    loop {
        let read = decoder.read(&mut buffer);
        let after = left(decoder);
        allowance.gone_through(before.saturating_sub(after));
        before = after;
        match read {
            Ok(0) => return Ok(None),
            Ok(read) => allowance.extend(unpacked, buffer.get(..read).unwrap_or_default())?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Ok(Some(error)),
        }
    }
}

/// A frame's magic number, and those of frames that are to be skipped (RFC 8878, section 3.1).
const FRAME: u32 = 0xfd2f_b528;
const SKIPPABLE: u32 = 0x184d_2a50;

/// Whether a Zstandard frame begins here.
pub(super) fn is_zstd(bytes: &[u8]) -> bool {
    number(bytes, 0).is_some_and(|magic| magic == FRAME || is_skippable(magic))
}

fn is_skippable(magic: u32) -> bool {
    magic & !0xf == SKIPPABLE
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..)?.first_chunk().copied()?))
}

/// A Zstandard frame, of which there may be several.
fn frame(rest: &mut &[u8], unpacked: &mut Vec<u8>, allowance: &mut Allowance<'_>) -> Result<Option<String>, Exceeded> {
    if number(rest, 0).is_some_and(is_skippable) {
        let length = number(rest, 4).and_then(|length| usize::try_from(length).ok()?.checked_add(8));
        let behind = length.and_then(|length| rest.get(length..));
        *rest = behind.unwrap_or_default();
        return Ok(behind.is_none().then(|| "expected a frame to be skipped, found the end".to_owned()));
    }
    let mut decoder = FrameDecoder::new();
    let mut buffer = vec![0; STEP];
    if let Err(error) = decoder.reset(&mut *rest) {
        return Ok(Some(format!("expected Zstandard: {error}")));
    }
    let mut damage = None;
    while !decoder.is_finished() {
        let before = rest.len();
        if let Err(error) = decoder.decode_blocks(&mut *rest, BlockDecodingStrategy::UptoBlocks(1)) {
            damage = Some(format!("expected Zstandard: {error}"));
            // The decoder keeps a window of what it has decoded until the last block: so here is an empty one, and
            // room for a checksum.
            let _ = decoder.decode_blocks(&[1, 0, 0, 0, 0, 0, 0][..], BlockDecodingStrategy::All);
            drain(&mut decoder, &mut buffer, unpacked, allowance)?;
            return Ok(damage);
        }
        allowance.gone_through(before.saturating_sub(rest.len()));
        drain(&mut decoder, &mut buffer, unpacked, allowance)?;
    }
    // The low four bytes of the hash of what was decoded.
    let (written, found) = (decoder.get_checksum_from_data(), decoder.get_calculated_checksum());
    if let (Some(written), Some(found)) = (written, found)
        && written != found
    {
        damage = Some(format!("expected Zstandard with checksum {written:#010x}, found {found:#010x}"));
    }
    Ok(damage)
}

/// Takes from a decoder what it gives now.
fn drain(
    decoder: &mut FrameDecoder,
    buffer: &mut [u8],
    unpacked: &mut Vec<u8>,
    allowance: &mut Allowance<'_>,
) -> Result<(), Exceeded> {
    loop {
        // A read from memory does not fail.
        let read = decoder.read(buffer).unwrap_or_default();
        if read == 0 {
            return Ok(());
        }
        allowance.extend(unpacked, buffer.get(..read).unwrap_or_default())?;
    }
}
