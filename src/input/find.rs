//! From a path that was typed to the SavedModels that it means: the directory itself, each one in a tree, or those in
//! an archive.

mod stores;

use std::cmp::Ordering;
use std::fs;
use std::io::{self, IsTerminal as _, Read as _};
use std::path::Path;

use bytes::Bytes;
use walkdir::{DirEntry, WalkDir};

use super::archive::{self, ArchiveFormat, ClosedArchive, ClosedPlace, Limits, Opened};
use super::cause::Cause;
use super::foreign::{self, Met};
use super::found::{FindError, Found, Location, Stream, no_model, shown, unreadable, unreadable_archive};
use super::listing::system_error;
use super::model::File;
use super::once::Once;
use super::ranged::Depth;
use super::url::{Url, is_url};
use super::version::version_order;
use super::{MODEL_FILES, map};
use crate::escape::escape_text;
use crate::problem::Problem;
use crate::progress::{Progress, Silent, Step, Work};

/// What is read of standard input between two words about progress.
const PIECE_LEN: usize = 1 << 20;
const PIECE: u64 = PIECE_LEN as u64;

/// Standard input, in the place of a path.
const STANDARD_INPUT: &str = "-";

/// Finds the SavedModels at `path`: a model's directory, its main file, a tree with models in it, or an archive; `-` is
/// an archive on standard input.
///
/// A model is not searched for further ones, and archives in a tree are named for the caller to open. Links below `path`
/// are not followed; `path` itself may be one.
///
/// # Errors
/// There is no such path, or no model there.
pub fn find(path: &Path) -> Result<Found, FindError> {
    Finder::default().find(path)
}

/// Finds the models of several paths, each of them once, whose archives keep to the limits together.
pub struct Finder<'p> {
    limits: Limits,
    once: Once,
    /// What archives have been unpacked to.
    unpacked: u64,
    /// How much of models in stores is read.
    #[cfg_attr(not(feature = "remote"), expect(dead_code, reason = "there is no store to be had"))]
    depth: Depth,
    progress: &'p dyn Progress,
}

impl Default for Finder<'_> {
    fn default() -> Self {
        Self::new(Limits::default(), &Silent)
    }
}

impl<'p> Finder<'p> {
    /// Finds models within these limits. `progress` counts the bytes of archives.
    #[must_use]
    pub fn new(limits: Limits, progress: &'p dyn Progress) -> Self {
        Self { limits, once: Once::default(), unpacked: 0, depth: Depth::default(), progress }
    }

    /// The same, of models in stores reading so much.
    #[must_use]
    pub fn with_depth(self, depth: Depth) -> Self {
        Self { depth, ..self }
    }

    /// As [`find()`], without what was found before: nothing where the same was named already.
    ///
    /// # Errors
    /// There is no such path, or no model there.
    pub fn find(&mut self, path: &Path) -> Result<Found, FindError> {
        if !self.once.is_named_first(path) {
            return Ok(Found::default());
        }
        let mut found = self.find_at(path)?;
        self.keep_new(&mut found);
        Ok(found)
    }

    /// As [`find`](Self::find) at a URL, of which what is found comes as it is listed, also what was found before below another
    /// path. `None` where the path is none, or was named already.
    pub fn stream(&mut self, path: &Path) -> Option<Stream> {
        let url = url(path).ok().filter(|_| is_url(path) && self.once.is_named_first(path))?;
        Some(stores::stream(self, url))
    }

    /// Takes out of what was found what was met before.
    fn keep_new(&mut self, found: &mut Found) {
        let before = found.locations.len() + found.archives.len();
        // An archive that was typed was held against the others when it was opened.
        found.locations.retain(|location| location.place().is_none_or(|path| self.once.is_met_first(&path)));
        found.archives.retain(|archive| self.once.is_met_first(&archive.path()));
        if found.locations.len() + found.archives.len() < before {
            // There is a model here, only it is known already.
            found.otherwise = None;
        }
    }

    fn find_at(&mut self, path: &Path) -> Result<Found, FindError> {
        if path == Path::new(STANDARD_INPUT) {
            return self.find_in(standard_input(self.limits.unpacked, self.progress)?, STANDARD_INPUT);
        }
        match Url::parse(path) {
            Some(Ok(url)) => return stores::find(self, &url),
            Some(Err(refused)) => return Err(FindError::Store { path: refused.shown, message: refused.message }),
            None => {}
        }
        // Without a slash at the end, so that the models of `base/` and `base` are shown alike.
        let path = path.components().as_path();
        if is_model_file(path) {
            return Ok(Found { locations: vec![Location::of(directory_of(path))], ..Found::default() });
        }
        let metadata = fs::metadata(path).map_err(|error| unreadable(path, error))?;
        match metadata.is_dir() {
            true => search(path),
            false if self.once.is_met_first(path) => self.find_in_file(path, &metadata),
            false => Ok(Found::default()),
        }
    }

    /// The models in a file, which has to be an archive.
    fn find_in_file(&mut self, path: &Path, metadata: &fs::Metadata) -> Result<Found, FindError> {
        self.archive(path, metadata)?.ok_or_else(|| other_file(path))
    }

    /// The models in an archive that is in memory, and shown as `shown`.
    ///
    /// # Errors
    /// It is no archive, or there is no model in it.
    pub fn find_in(&mut self, bytes: Bytes, shown: &str) -> Result<Found, FindError> {
        let Some(format) = ArchiveFormat::of(&bytes) else { return Err(no_archive(shown, &bytes)) };
        archive::find(&Opened { shown, format, bytes, file: None }, &self.limits, &mut self.unpacked, self.progress)
    }

    /// The models in a file that may be an archive; `None` where it is not.
    fn archive(&mut self, path: &Path, metadata: &fs::Metadata) -> Result<Option<Found>, FindError> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if !metadata.is_file() || foreign::is_foreign(&name) {
            return Ok(None);
        }
        let named = foreign::is_archive(&name);
        let shown = shown(path);
        // The path itself may be a link, and only files are opened.
        let real = fs::canonicalize(path).map_err(|error| unreadable(path, error))?;
        let file = File::on_disk(shown.clone(), real.clone(), metadata);
        let head = map::open(&real).and_then(|(open, _)| head(open).map_err(Cause::Read));
        let head = head.map_err(|cause| unreadable_archive(&shown, &cause.to_string()))?;
        let Some(format) = ArchiveFormat::of(&head) else {
            return if named { Err(no_archive(&shown, &head)) } else { Ok(None) };
        };
        let bytes = file.contents().map_err(|error| unreadable_archive(&shown, &error.cause.to_string()))?;
        let opened = Opened { shown: &shown, format, bytes, file: Some(file) };
        archive::find(&opened, &self.limits, &mut self.unpacked, self.progress).map(Some)
    }
}

impl ClosedArchive {
    /// Opens the archive, which has these limits for itself. What is found keeps what was unpacked, so let go of it
    /// before many others are opened. An archive of anything but models is no error here, and nothing is found.
    /// `progress` counts its bytes.
    ///
    /// # Errors
    /// The archive cannot be read, or not as far as to say that there is no model in it.
    pub fn open(&self, limits: Limits, progress: &dyn Progress) -> Result<Found, FindError> {
        match self.find_by(&mut Finder::new(limits, progress)) {
            Err(FindError::NoModel { whole: true, .. }) => Ok(Found::default()),
            other => other,
        }
    }

    /// Opens the archive within the limits of a finder, which go on to hold for others. It has to be one.
    fn find_by(&self, finder: &mut Finder<'_>) -> Result<Found, FindError> {
        match &self.place {
            ClosedPlace::Disk(path) => {
                let metadata = fs::symlink_metadata(path).map_err(|error| unreadable(path, error))?;
                finder.find_in_file(path, &metadata)
            }
            #[cfg(feature = "remote")]
            ClosedPlace::Store(file) => stores::in_archive(finder, file),
        }
    }
}

/// The contents of a file at a URL, at most so many bytes.
///
/// # Errors
/// The URL is none that is read, nothing is there, it is larger, or the store does not give it.
pub fn read_object(path: &Path, most: u64) -> Result<Bytes, FindError> {
    stores::read_object(&url(path)?, most)
}

/// Writes a file at a URL, in the place of one that is there.
///
/// # Errors
/// The URL is none that is read, or the store does not take it.
pub fn write_object(path: &Path, contents: Bytes) -> Result<(), FindError> {
    stores::write_object(&url(path)?, contents)
}

fn url(path: &Path) -> Result<Url, FindError> {
    match Url::parse(path) {
        Some(Ok(url)) => Ok(url),
        Some(Err(refused)) => Err(FindError::Store { path: refused.shown, message: refused.message }),
        None => Err(unreadable(path, io::ErrorKind::NotFound.into())),
    }
}

/// The beginning of a file, which shows what it is.
fn head(file: fs::File) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(archive::HEAD);
    file.take(archive::HEAD as u64).read_to_end(&mut head)?;
    Ok(head)
}

/// Reads an archive from standard input, of at most `limit` bytes.
fn standard_input(limit: u64, progress: &dyn Progress) -> Result<Bytes, FindError> {
    let unreadable = |message: &str| unreadable_archive(STANDARD_INPUT, message);
    let input = io::stdin().lock();
    if input.is_terminal() {
        return Err(unreadable("standard input is a terminal; an archive is expected there: smaudit - < model.tar.gz"));
    }
    let receiving = Work::new(progress, "standard input", 0).begin(Step::Receiving, 0);
    let mut bytes = Vec::new();
    let mut input = input.take(limit.saturating_add(1));
    loop {
        if bytes.try_reserve(PIECE_LEN).is_err() && bytes.try_reserve_exact(PIECE_LEN).is_err() {
            let so_far = bytes.len();
            return Err(unreadable(&format!(
                "standard input has more than {so_far} bytes, for which there is not enough memory; audit the file"
            )));
        }
        let read = input.by_ref().take(PIECE).read_to_end(&mut bytes);
        match read.map_err(|error| unreadable(&format!("standard input cannot be read: {error}")))? {
            0 => break,
            read => progress.advance(read as u64),
        }
    }
    drop(receiving);
    if bytes.len() as u64 > limit {
        return Err(unreadable(&format!(
            "standard input has more than {limit} bytes, the most that is read of it; audit the file"
        )));
    }
    Ok(bytes.into())
}

/// What should be an archive, by its name or its place, and is none.
fn no_archive(shown: &str, head: &[u8]) -> FindError {
    let found = if head.is_empty() { "it is empty" } else { "it begins like none of them" };
    unreadable_archive(shown, &format!("expected an archive (.tar, .tar.gz, .tar.zst or .zip), but {found}"))
}

fn is_model_file(path: &Path) -> bool {
    let named = path.file_name().is_some_and(|name| MODEL_FILES.iter().any(|wanted| name == *wanted));
    // A link counts wherever it leads: that it leads nowhere is for the model's problems to say.
    named && path.symlink_metadata().is_ok() && !path.is_dir()
}

fn directory_of(file: &Path) -> &Path {
    file.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new("."))
}

fn holds_model(directory: &Path) -> bool {
    MODEL_FILES.iter().any(|name| is_model_file(&directory.join(name)))
}

fn search(root: &Path) -> Result<Found, FindError> {
    let mut found = Found::default();
    let mut met = Met::default();
    let mut entries = WalkDir::new(root).sort_by(by_version).into_iter();
    while let Some(entry) = entries.next() {
        match entry {
            Ok(entry) if is_archive(&entry) => {
                met.add_archive(root, &entry);
                found.archives.push(ClosedArchive::at(entry.into_path()));
            }
            Ok(entry) if entry.depth() > 0 && !entry.file_type().is_dir() => {
                found.outside.add(&entry);
                met.add(root, &entry);
            }
            Ok(entry) if holds_model(entry.path()) => {
                found.locations.push(Location::of(entry.path()));
                entries.skip_current_dir();
            }
            Ok(_) => {}
            Err(error) if error.path() == Some(root) => return Err(unreadable(root, system_error(error))),
            Err(error) => found.problems.push(unsearched(root, error)),
        }
    }
    if found.locations.is_empty() {
        let error = no_model(shown(root), &met, &found.problems, part_of(root));
        if found.archives.is_empty() {
            return Err(error);
        }
        found.otherwise = Some(error);
    }
    Ok(found)
}

/// Whether an entry of a tree is taken for an archive: a file that is called like one. To look into all files would be
/// to open all of them, and many formats are zips inside.
fn is_archive(entry: &DirEntry) -> bool {
    entry.file_type().is_file() && foreign::is_archive(&entry.file_name().to_string_lossy())
}

fn unsearched(root: &Path, error: walkdir::Error) -> Problem {
    let path = shown(error.path().unwrap_or(root));
    Problem::of_file(path, format!("cannot be searched for models: {}", system_error(error)))
}

fn other_file(path: &Path) -> FindError {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let advice = part_of(path).or_else(|| foreign::advice(&name)).map(|advice| format!("; {advice}"));
    FindError::OtherFile { path: shown(path), advice: advice.unwrap_or_default() }
}

/// What to say where a path is inside of a model, such as its `variables` directory.
fn part_of(path: &Path) -> Option<String> {
    let path = fs::canonicalize(path).ok()?;
    let model = path.ancestors().skip(1).find(|directory| holds_model(directory))?;
    Some(format!("it is part of the SavedModel {}, audit that", escape_text(&shown(model))))
}

/// TensorFlow Serving's versions by number, before all other names.
fn by_version(a: &DirEntry, b: &DirEntry) -> Ordering {
    version_order(a.file_name()).cmp(&version_order(b.file_name()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_a_directory_is_in_the_current_one() {
        for (file, directory) in [("saved_model.pb", "."), ("./saved_model.pb", "."), ("a/b", "a"), ("/b", "/")] {
            assert_eq!(directory_of(Path::new(file)), Path::new(directory), "{file}");
        }
    }
}
