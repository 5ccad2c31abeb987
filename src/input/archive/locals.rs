//! The files of a zip that has lost its end, and with it the directory: by the headers that stand in front of each.
//! The format: <https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT>, section 4.3.7.

use bytes::{Buf as _, Bytes};

use super::entries::{Data, Listing};
use super::limits::{Allowance, Exceeded};
use super::method::{Method, packed, slashed};

/// What a header begins with, and how long it is without name and extra fields.
const SIGNATURE: &[u8] = b"PK\x03\x04";
const LENGTH: usize = 30;

/// Flags: the data are encrypted; sizes and checksum are behind the data and not here.
const ENCRYPTED: u16 = 1;
const SIZES_BEHIND: u16 = 1 << 3;

/// Lists files from the first on, as long as each says where the next one begins.
pub(super) fn list(zip: &Bytes, allowance: &Allowance<'_>, listing: &mut Listing) -> Result<(), Exceeded> {
    let mut rest = zip.clone();
    while let Some((name, data, behind)) = next(&rest) {
        listing.count(allowance)?;
        if !name.ends_with(b"/") {
            listing.add(&name, data);
        }
        rest = behind;
    }
    Ok(())
}

/// The name and data of the first file, and what is behind it.
fn next(zip: &Bytes) -> Option<(Vec<u8>, Data, Bytes)> {
    let mut header = zip.get(..LENGTH)?;
    header.starts_with(SIGNATURE).then_some(())?;
    // Behind the signature and the version.
    header.advance(6);
    let (flags, method) = (header.get_u16_le(), header.get_u16_le());
    header.advance(4);
    let (crc, stored, size) = (header.get_u32_le(), header.get_u32_le(), header.get_u32_le());
    let (name_length, extra_length) = (usize::from(header.get_u16_le()), usize::from(header.get_u16_le()));
    let name_end = LENGTH + name_length;
    let start = name_end + extra_length;
    let name = slashed(zip.get(LENGTH..name_end)?);
    if flags & SIZES_BEHIND != 0 || stored == u32::MAX {
        return Some((name, Data::Refused(UNKNOWN.to_owned()), Bytes::new()));
    }
    let end = start.saturating_add(usize::try_from(stored).ok()?).min(zip.len());
    let bytes = zip.slice(start.min(end)..end);
    let method = match method {
        0 => Ok(Method::Stored),
        8 => Ok(Method::Deflated),
        other => Err(format!("method {other}")),
    };
    Some((name, packed(bytes, method, flags & ENCRYPTED != 0, u64::from(size), crc), zip.slice(end..)))
}

const UNKNOWN: &str =
    "is not read, nor what is behind it: only the central directory, which is lost, says how long it is";
