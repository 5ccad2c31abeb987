//! The files of a zip by its central directory; without one, by what stands in front of each file.

use std::io::Cursor;

use bytes::Bytes;
use zip::read::ZipFile;
use zip::{CompressionMethod, ZipArchive};

use super::entries::{Data, Listing};
use super::limits::{Allowance, Exceeded};
use super::locals;
use super::method::{Method, packed, slashed};

/// Lists the entries of `zip`.
pub(super) fn list(zip: &Bytes, allowance: &Allowance<'_>, listing: &mut Listing) -> Result<(), Exceeded> {
    match ZipArchive::new(Cursor::new(zip.clone())) {
        Ok(archive) => by_directory(zip, archive, allowance, listing),
        Err(error) => {
            let what = format!(
                "expected the central directory of a zip ({error}); files are read as far as they follow one another"
            );
            listing.damage.push((Some(zip.len() as u64), what));
            locals::list(zip, allowance, listing)
        }
    }
}

fn by_directory(
    zip: &Bytes,
    mut archive: ZipArchive<Cursor<Bytes>>,
    allowance: &Allowance<'_>,
    listing: &mut Listing,
) -> Result<(), Exceeded> {
    allowance.entries(archive.len())?;
    // Files lie beside one another, so together they take no more than the archive has. Where a directory says otherwise some
    // share their bytes, and each would be read as if these were its own.
    let mut left = zip.len() as u64;
    for index in 0..archive.len() {
        let name = archive.by_index_data(index).map(|entry| slashed(entry.name_raw())).unwrap_or_default();
        match archive.by_index_raw(index) {
            Ok(file) if file.is_dir() => {}
            Ok(file) => match left.checked_sub(file.compressed_size()) {
                Some(rest) => {
                    left = rest;
                    listing.add(&name, data(zip, &file));
                }
                None => {
                    listing.add(&name, Data::Refused("shares its bytes with other entries of the archive".to_owned()));
                }
            },
            Err(error) => listing.add(&name, Data::Refused(format!("cannot be read: {error}"))),
        }
    }
    Ok(())
}

fn data(zip: &Bytes, file: &ZipFile<'_, Cursor<Bytes>>) -> Data {
    if file.is_symlink() {
        return Data::Refused("is a symbolic link, not a regular file, and is refused; archive files".to_owned());
    }
    let start = file.data_start().and_then(|start| usize::try_from(start).ok()).unwrap_or(usize::MAX);
    let end = start.saturating_add(usize::try_from(file.compressed_size()).unwrap_or(usize::MAX));
    let bytes = zip.slice(start.min(zip.len())..end.min(zip.len()));
    let method = match file.compression() {
        CompressionMethod::Stored => Ok(Method::Stored),
        CompressionMethod::Deflated => Ok(Method::Deflated),
        other => Err(other.to_string()),
    };
    packed(bytes, method, file.encrypted(), file.size(), file.crc32())
}
