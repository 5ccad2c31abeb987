//! SavedModels in archives, read in place: nothing is written to disk, and no name of an archive is used as a path.
//!
//! What is not compressed is a slice of the mapped archive. What is compressed is unpacked into memory, within
//! [`Limits`], which are checked while it is unpacked and not only against what the archive says of itself. Damage
//! costs what lies behind it: what was unpacked until then is audited.

mod closed;
mod entries;
mod format;
mod limits;
mod locals;
mod method;
mod names;
mod tar;
mod unpack;
mod zip;

use bytes::Bytes;

pub use closed::ClosedArchive;
pub(super) use closed::Place as ClosedPlace;
use entries::{Entry, Listing};
pub use format::{Archive, ArchiveFormat};
pub use limits::Limits;
use limits::{Allowance, Exceeded};

use super::foreign::Met;
use super::found::{self, FindError, Found, Location, unreadable_archive};
use super::model::{File, Model};
use crate::escape::escape;
use crate::problem::{Problem, Problems};
use crate::progress::{Progress, Work};

impl ArchiveFormat {
    /// What the first bytes of a file say that it is. Its name does not matter. A [`tar::BLOCK`] is enough of it.
    pub(super) fn of(head: &[u8]) -> Option<Self> {
        match head {
            [0x1f, 0x8b, ..] => Some(Self::TarGz),
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Some(Self::Zip),
            _ if unpack::is_zstd(head) => Some(Self::TarZst),
            _ if tar::is_header(head.get(..tar::BLOCK)?) => Some(Self::Tar),
            _ => None,
        }
    }
}

/// The bytes that [`ArchiveFormat::of`] looks at.
pub(super) const HEAD: usize = tar::BLOCK;

/// An archive that was opened.
pub(super) struct Opened<'a> {
    /// Its name, as typed.
    pub(super) shown: &'a str,
    pub(super) format: ArchiveFormat,
    pub(super) bytes: Bytes,
    /// The file that it is, to be looked at again; `None` for standard input.
    pub(super) file: Option<File>,
}

/// Finds the models in an archive. `spent` is what the archives of this run have been unpacked to, and grows; `progress`
/// counts the archive's bytes.
///
/// # Errors
/// It holds no model, or more than the limits allow.
pub(super) fn find(
    archive: &Opened<'_>,
    limits: &Limits,
    spent: &mut u64,
    progress: &dyn Progress,
) -> Result<Found, FindError> {
    let over = |limit: Exceeded| FindError::Limit { path: archive.shown.to_owned(), message: limit.to_string() };
    let mut allowance = Allowance::new(limits, archive.bytes.len(), spent, &Work::new(progress, archive.shown, 0));
    let Some(mut listing) = list(archive, &mut allowance).map_err(over)? else {
        return Err(unreadable_archive(archive.shown, NO_TAR));
    };
    let (refused, damage) = (std::mem::take(&mut listing.refused), std::mem::take(&mut listing.damage));
    let (files, unpacked_bytes) = listing.sizes();
    let groups = listing.into_models();
    let mut problems = Problems::default();
    damage.into_iter().for_each(|at| problems.push(problem(archive.shown, at)));
    refused.into_iter().for_each(|(name, why)| problems.push(refusal(archive.shown, &name, why)));
    groups.others.iter().filter_map(|entry| entry.refused(archive.shown)).for_each(|refused| problems.push(refused));
    let problems = problems.into_list();
    if groups.models.is_empty() {
        return Err(no_model(archive.shown, &groups.others, &problems));
    }
    let mut locations = Vec::new();
    for (folder, entries) in groups.models {
        let about = Archive {
            path: archive.shown.to_owned(),
            format: archive.format,
            folder: lossy(&folder),
            packed_bytes: archive.bytes.len() as u64,
            files,
            unpacked_bytes,
        };
        let model = model(about, folder.len(), entries, archive.file.clone(), &mut allowance).map_err(over)?;
        locations.push(Location::archived(model));
    }
    Ok(Found { locations, problems, ..Found::default() })
}

/// Lists the entries of an archive; `None` where what is compressed is no tar.
fn list(archive: &Opened<'_>, allowance: &mut Allowance<'_>) -> Result<Option<Listing>, Exceeded> {
    let mut listing = Listing::default();
    match archive.format {
        ArchiveFormat::Zip => zip::list(&archive.bytes, allowance, &mut listing)?,
        ArchiveFormat::Tar => tar::list(&archive.bytes, "", allowance, &mut listing)?,
        ArchiveFormat::TarGz | ArchiveFormat::TarZst => {
            let unpacked = unpack::unpack(&archive.bytes, archive.format, allowance)?;
            let is_whole = unpacked.damage.is_none();
            let is_tar = unpacked.bytes.get(..tar::BLOCK).is_some_and(tar::is_header);
            if is_whole && !is_tar {
                return Ok(None);
            }
            listing.damage.extend(unpacked.damage);
            let kind = if is_whole { " when unpacked" } else { tar::CUT };
            tar::list(&unpacked.bytes, kind, allowance, &mut listing)?;
        }
    }
    Ok(Some(listing))
}

const NO_TAR: &str = "is compressed, but what is in it is no tar: smaudit reads .tar, .tar.gz, .tar.zst and .zip";

/// The model of the entries below a folder, whose name has `skip` bytes.
fn model(
    about: Archive,
    skip: usize,
    entries: Vec<Entry>,
    watched: Option<File>,
    allowance: &mut Allowance<'_>,
) -> Result<Model, Exceeded> {
    // The folder's name and the slash behind it.
    let below = |entry: &Entry| entry.name.get(if skip == 0 { 0 } else { skip + 1 }..).unwrap_or_default().to_vec();
    let raw: Vec<Vec<u8>> = entries.iter().map(below).collect();
    let names = super::names::unique_bytes(raw.iter().map(Vec::as_slice));
    let (mut files, mut problems) = (Vec::new(), Problems::default());
    for (entry, name) in entries.into_iter().zip(names) {
        let contents = entry.contents(allowance)?;
        contents.problem.into_iter().for_each(|at| problems.push(problem(&name, at)));
        files.extend(contents.bytes.map(|bytes| File::in_memory(name, bytes)));
    }
    Ok(Model::in_archive(about, files, problems.into_list(), watched))
}

/// A problem of a file, given where it is and what.
fn problem(file: &str, (offset, message): (Option<u64>, String)) -> Problem {
    Problem { offset, ..Problem::of_file(file, message) }
}

/// A problem of the archive, of an entry that is in no model.
fn refusal(shown: &str, name: &[u8], why: &str) -> Problem {
    Problem::of_file(shown, format!("the entry {} {why}", escape(&lossy(name))))
}

fn lossy(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}

fn no_model(shown: &str, others: &[Entry], problems: &[Problem]) -> FindError {
    let mut met = Met::default();
    others.iter().for_each(|entry| met.add_name(lossy(&entry.name)));
    found::no_model(shown.to_owned(), &met, problems, None)
}
