//! The entries of a tar, each a slice of it.
//!
//! A damaged header costs its entry: the next block that is a header is looked for, as GNU tar does.

use std::io::Cursor;

use bytes::Bytes;
use tar::{Archive, Entry, EntryType};

use super::entries::{Data, Listing};
use super::limits::{Allowance, Exceeded};

/// Headers, and the contents of files, begin at multiples of so many bytes.
pub(super) const BLOCK: usize = 512;

/// Said of a tar in place of how it was had, where damage to what it is packed with was reported already.
pub(super) const CUT: &str = "(cut)";

/// Headers that are notes to the next one may claim so many times the size of the tar, all that are damaged together.
const MAX_CLAIMS: u64 = 8;

/// Where the checksum stands in a header, its size, and its type.
const SIZE: std::ops::Range<usize> = 124..136;
const TYPE: usize = 156;
const CHECKSUM: std::ops::Range<usize> = 148..156;

/// Whether a block is the header of an entry: its bytes add up to the checksum in it.
pub(super) fn is_header(block: &[u8]) -> bool {
    let Some(written) = block.get(CHECKSUM) else { return false };
    let digits = written.iter().copied().skip_while(|byte| *byte == b' ').take_while(u8::is_ascii_digit);
    let written = digits.fold(0_u64, |sum, digit| sum.saturating_mul(8).saturating_add(u64::from(digit & 7)));
    let byte = |(at, byte): (usize, &u8)| u64::from(if CHECKSUM.contains(&at) { b' ' } else { *byte });
    block.len() == BLOCK && written == block.iter().enumerate().map(byte).sum::<u64>()
}

/// How many of these bytes the header that they begin with claims, if it is a note to the next one: a long name, or extensions.
fn claim(rest: &[u8]) -> u64 {
    let is_note = rest.get(TYPE).is_some_and(|kind| b"LKxg".contains(kind));
    let Some(size) = rest.get(SIZE).filter(|_| is_note) else { return 0 };
    let size = match size.first() {
        // In base 256 where it does not fit into octal digits.
        Some(0x80..) => u64::MAX,
        _ => size
            .iter()
            .filter(|byte| byte.is_ascii_digit())
            .fold(0_u64, |sum, digit| sum.saturating_mul(8).saturating_add(u64::from(digit & 7))),
    };
    size.min(rest.len() as u64)
}

/// Lists the entries of `tar`. `kind` says of which bytes an offset is: of the archive (nothing), of what it was
/// unpacked to, or of a tar that is [`CUT`], of which no end is expected.
pub(super) fn list(tar: &Bytes, kind: &str, allowance: &Allowance<'_>, listing: &mut Listing) -> Result<(), Exceeded> {
    let mut start = 0;
    let mut claimed = 0_u64;
    loop {
        let part = tar.slice(start..);
        let Stopped { at, why } = part_of(&part, allowance, listing)?;
        let (at, Some(why)) = (start.saturating_add(at), why) else { return Ok(()) };
        // A header of a long name that claims all the rest is read to the end and found to be wrong there; another one behind it
        // may do the same.
        claimed = claimed.saturating_add(claim(tar.get(at..).unwrap_or_default()));
        let next = next_header(tar, at.saturating_add(BLOCK))
            .filter(|_| claimed <= MAX_CLAIMS.saturating_mul(tar.len() as u64));
        if kind != CUT || next.is_some() {
            let place = if kind.is_empty() { String::new() } else { format!("at byte {at} of the tar{kind}: ") };
            let rest = if next.is_some() { "; the next header is looked for behind it" } else { "" };
            let offset = kind.is_empty().then_some(at as u64);
            listing.damage.push((offset, format!("{place}{why}{rest}")));
        }
        match next {
            Some(next) => start = next,
            None => return Ok(()),
        }
    }
}

/// Where and why the reading of a part ended; no reason at its proper end.
struct Stopped {
    at: usize,
    why: Option<String>,
}

/// Lists the entries of a tar up to its end or the first damage.
fn part_of(part: &Bytes, allowance: &Allowance<'_>, listing: &mut Listing) -> Result<Stopped, Exceeded> {
    let mut archive = Archive::new(Cursor::new(part.clone()));
    let mut end = 0;
    // Opening fails only where the reading is not at the beginning.
    for entry in archive.entries_with_seek().into_iter().flatten() {
        listing.count(allowance)?;
        match entry {
            Ok(entry) => end = add(part, entry, listing),
            Err(error) => return Ok(Stopped { at: end, why: Some(format!("expected an entry of a tar: {error}")) }),
        }
    }
    let mark = part.get(end..).and_then(|rest| rest.get(..BLOCK));
    let why = match mark {
        Some(_) => None,
        None => Some("expected the blocks of zeros that end a tar, found its end: it may have been cut".to_owned()),
    };
    Ok(Stopped { at: end.min(part.len()), why })
}

/// Adds an entry and says where the next one begins.
fn add(part: &Bytes, mut entry: Entry<'_, Cursor<Bytes>>, listing: &mut Listing) -> usize {
    let start = usize::try_from(entry.raw_file_position()).unwrap_or(usize::MAX);
    // Of a sparse file the size is what it has with its holes.
    let stored = entry.header().entry_size().unwrap_or_default();
    let kind = entry.header().entry_type();
    let size = if kind.is_gnu_sparse() { stored } else { entry.size() };
    let end = start.saturating_add(usize::try_from(size).unwrap_or(usize::MAX));
    let name = entry.path_bytes().into_owned();
    let is_sparse = kind.is_gnu_sparse() || has_sparse_map(&mut entry);
    let link = entry.link_name_bytes().map(std::borrow::Cow::into_owned);
    let data = match refusal(kind, is_sparse, link.as_deref().unwrap_or_default()) {
        _ if is_folder(kind, &name) => None,
        Some(why) => Some(Data::Refused(why)),
        None => {
            let bytes = part.slice(start.min(part.len())..end.min(part.len()));
            Some(Data::Stored { bytes, size, crc: None })
        }
    };
    if let Some(data) = data {
        listing.add(&name, data);
    }
    end.checked_next_multiple_of(BLOCK).unwrap_or(usize::MAX)
}

/// Folders, also as they were written before there was a type for them, and notes that are about no file.
fn is_folder(kind: EntryType, name: &[u8]) -> bool {
    kind.is_dir() || kind.is_pax_global_extensions() || (kind.is_file() && name.ends_with(b"/"))
}

/// A sparse file in the form of POSIX: its map is a part of its contents, or of its headers.
fn has_sparse_map(entry: &mut Entry<'_, Cursor<Bytes>>) -> bool {
    let extensions = entry.pax_extensions().ok().flatten();
    let mut keys = extensions.into_iter().flatten().flatten();
    keys.any(|extension| extension.key_bytes().starts_with(b"GNU.sparse."))
}

/// Why an entry is no file that is read.
fn refusal(kind: EntryType, is_sparse: bool, target: &[u8]) -> Option<String> {
    let target = crate::escape::escape(&super::lossy(&super::names::shortened(target))).into_owned();
    let what = match kind {
        _ if is_sparse => {
            return Some("is a sparse file, which is not read; unpack the archive and audit that".to_owned());
        }
        EntryType::Symlink => format!("is a symbolic link to {target}"),
        EntryType::Link => format!("is a hard link to {target}"),
        EntryType::Char | EntryType::Block => "is a device".to_owned(),
        EntryType::Fifo => "is a named pipe".to_owned(),
        EntryType::Regular | EntryType::Continuous => return None,
        other => format!("is of type {:?}", char::from(other.as_byte())),
    };
    Some(format!(
        "{what}, not a regular file, and is refused; archive files, by `tar --dereference --hard-dereference`"
    ))
}

/// The next block from `at` on that is a header.
fn next_header(tar: &[u8], at: usize) -> Option<usize> {
    let at = at.checked_next_multiple_of(BLOCK)?;
    let blocks = tar.get(at..).unwrap_or_default().chunks_exact(BLOCK);
    blocks.enumerate().find(|(_, block)| is_header(block)).map(|(index, _)| at + index * BLOCK)
}
