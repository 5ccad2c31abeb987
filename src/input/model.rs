//! A model as files: their names, their sizes, and their contents when asked for.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::SystemTime;

use bytes::Bytes;
use thiserror::Error;

use super::archive::Archive;
use super::cause::Cause;
use super::links::{self, Link, LinkKind};
use super::listing::{self, Listed};
use super::map;
use super::ranged::{Depth, Ranged, RangedModel, Reads};
use super::source::{Noted, Source};
use crate::escape::escape_text;
use crate::problem::{Problem, ProblemKind};

/// A SavedModel's files, as found on disk or handed in by a test or a fuzzer.
#[derive(Debug, Clone)]
pub struct Model {
    /// The directory as the user typed or found it, for display; in an archive, the archive and the folder in it.
    pub path: String,
    /// The regular files at any depth, sorted by name; each byte of the model is in one of them, once.
    pub files: Vec<File>,
    /// Further names, sorted, which hold no bytes of their own.
    pub links: Vec<Link>,
    /// What could not be listed or opened, or is not a file.
    pub problems: Vec<Problem>,
    /// The archive that it is in.
    pub archive: Option<Archive>,
    origin: Origin,
}

/// Where the files are.
#[derive(Debug, Clone)]
enum Origin {
    Directory(PathBuf),
    /// In a file of its own that is an archive.
    Archive(File),
    Memory,
    /// In a store.
    Ranged(Arc<dyn RangedModel>),
}

/// One regular file of a model.
#[derive(Debug, Clone)]
pub struct File {
    /// Relative to the model's directory, `/` between its parts on every system. What is not UTF-8 is replaced, and
    /// numbered where two names would become one.
    pub name: String,
    /// Its size when the model was listed.
    pub bytes: u64,
    origin: FileOrigin,
    /// What reading it came to so far.
    noted: Arc<Noted>,
}

#[derive(Debug, Clone)]
enum FileOrigin {
    Disk { path: PathBuf, modified: Option<SystemTime> },
    Memory(Bytes),
    Ranged(Arc<dyn Ranged>),
}

/// A file of a store: its name, its size, and what gives its bytes.
pub(super) type Stored = (String, u64, Arc<dyn Ranged>);

/// A file's contents cannot be had.
#[derive(Debug, Error)]
#[error("{}: {cause}", escape_text(file))]
pub struct InputError {
    /// The file, relative to the model's directory.
    pub file: String,
    /// Why.
    pub cause: Cause,
}

impl From<InputError> for Problem {
    fn from(error: InputError) -> Self {
        Self::from(&error)
    }
}

impl From<&InputError> for Problem {
    fn from(error: &InputError) -> Self {
        error.cause.of_file(&error.file)
    }
}

impl Model {
    /// Lists the model at `directory`. What is wrong goes to `problems` and never stops the listing.
    ///
    /// A file that cannot be opened is a problem already here, equal to the one that [`File::open`] gives, since
    /// nobody may ask for its contents; its size is known all the same.
    #[must_use]
    pub fn read(directory: &Path, shown: &str) -> Self {
        let listing = listing::list(directory);
        let resolved = links::resolve(directory, listing.files, listing.links);
        let mut problems = listing.problems;
        let files: Vec<File> = countable(resolved.files, |file| (&*file.name, file.bytes), &mut problems)
            .into_iter()
            .map(File::from)
            .collect();
        problems.extend(resolved.problems);
        problems.extend(files.iter().filter_map(File::unopened));
        problems.sort();
        let (path, origin) = (shown.to_owned(), Origin::Directory(directory.to_owned()));
        Self { path, files, links: resolved.links, problems, archive: None, origin }
    }

    /// A model of these files and nothing else. Of files with one name the last counts.
    #[must_use]
    pub fn in_memory(path: &str, files: impl IntoIterator<Item = (String, Bytes)>) -> Self {
        let files: BTreeMap<String, Bytes> = files.into_iter().collect();
        let files = files.into_iter().map(|(name, contents)| File::in_memory(name, contents)).collect();
        let (links, problems) = (Vec::new(), Vec::new());
        Self { path: path.to_owned(), files, links, problems, archive: None, origin: Origin::Memory }
    }

    /// A model of these files of an archive, each of another name. `watched` is the archive itself, where it is a file.
    pub(super) fn in_archive(
        archive: Archive,
        mut files: Vec<File>,
        mut problems: Vec<Problem>,
        watched: Option<File>,
    ) -> Self {
        let parts = [&*archive.path, &*archive.folder].into_iter().filter(|part| !part.is_empty());
        let path = parts.collect::<Vec<&str>>().join("/");
        files.sort_by(|a, b| a.name.cmp(&b.name));
        problems.sort();
        let origin = watched.map_or(Origin::Memory, Origin::Archive);
        Self { path, files, links: Vec::new(), problems, archive: Some(archive), origin }
    }

    /// A model of these files of a store, each of another name: what it is called, its size, and what gives its bytes.
    #[cfg_attr(not(feature = "remote"), expect(dead_code, reason = "there is no store to be had"))]
    pub(super) fn in_store(path: String, files: Vec<Stored>, store: Arc<dyn RangedModel>) -> Self {
        let mut problems = Vec::new();
        let files = countable(files, |(name, bytes, _)| (name, *bytes), &mut problems);
        let stored = |(name, bytes, ranges)| File::in_store(name, bytes, ranges);
        let mut files: Vec<File> = files.into_iter().map(stored).collect();
        files.sort_by(|a, b| a.name.cmp(&b.name));
        problems.sort();
        Self { path, files, links: Vec::new(), problems, archive: None, origin: Origin::Ranged(store) }
    }

    /// Says that all messages of the model will be read, so that a store is asked for them together.
    pub(crate) fn expect_messages(&self) {
        if let Origin::Ranged(store) = &self.origin {
            store.expect_messages();
        }
    }

    /// Whether it is in a store of which nothing but the listing is to be read.
    #[must_use]
    pub fn is_listed_only(&self) -> bool {
        self.reads().is_some_and(|reads| reads.depth == Depth::List)
    }

    /// Lets go of what is kept of the files of a store.
    pub(crate) fn forget(&self) {
        if let Origin::Ranged(store) = &self.origin {
            store.forget();
        }
    }

    /// What was read of a model in a store so far; `None` where it is in none.
    #[must_use]
    pub fn reads(&self) -> Option<Reads> {
        if let Origin::Ranged(store) = &self.origin { Some(store.reads()) } else { None }
    }

    /// The size of all files.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// The file that a loader gets for `name`. Its own name is another where `name` is a link to a file of the
    /// model, so charge to the name of what is returned here, not to what was asked for.
    #[must_use]
    pub fn file(&self, name: &str) -> Option<&File> {
        self.named(name).or_else(|| self.named(self.link(name)?.file.as_deref()?))
    }

    fn named(&self, name: &str) -> Option<&File> {
        self.files.get(self.files.binary_search_by(|file| file.name.as_str().cmp(name)).ok()?)
    }

    fn link(&self, name: &str) -> Option<&Link> {
        self.links.get(self.links.binary_search_by(|link| link.name.as_str().cmp(name)).ok()?)
    }

    /// The folders with nothing in them, by their names relative to the model's directory: what TensorFlow makes of `assets` and
    /// `variables` where there are none. An archive's are not known.
    #[must_use]
    pub fn empty_folders(&self) -> Vec<PathBuf> {
        let Origin::Directory(directory) = &self.origin else { return Vec::new() };
        let is_empty = |path: &Path| fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none());
        let folders = walkdir::WalkDir::new(directory).min_depth(1).into_iter().filter_map(Result::ok);
        let empty = folders.filter(|entry| entry.file_type().is_dir() && is_empty(entry.path()));
        empty.map(|entry| listing::below(directory, entry.path()).to_owned()).collect()
    }

    /// The files whose contents could not be had when somebody asked for them.
    #[must_use]
    pub fn unread(&self) -> Vec<Problem> {
        self.files.iter().filter_map(|file| file.noted.failure(&file.name)).collect()
    }

    /// What has changed on disk since the model was listed: files that grew, shrank, were written to, vanished or
    /// appeared. To be asked at the end of an audit, whose figures are from the listing.
    #[must_use]
    pub fn changes(&self) -> Vec<Problem> {
        let directory = match &self.origin {
            Origin::Directory(directory) => directory,
            Origin::Archive(archive) => return archive.change().into_iter().collect(),
            Origin::Memory => return Vec::new(),
            // Each range is asked for of the version that was listed.
            Origin::Ranged(_) => return self.unread(),
        };
        let listing = listing::list(directory);
        let mut problems: Vec<Problem> = self.files.iter().filter_map(File::change).collect();
        // That a file changed says why it could not be read as well.
        let changed: HashSet<String> = problems.iter().map(|problem| problem.file.clone()).collect();
        let reported: BTreeSet<&Problem> = self.problems.iter().collect();
        let is_news = |problem: &Problem| !changed.contains(&problem.file) && !reported.contains(problem);
        problems.extend(self.unread().into_iter().filter(is_news));
        let hard = self.links.iter().filter(|link| link.kind == LinkKind::Hard).map(|link| &*link.name);
        let known: HashSet<&str> = self.files.iter().map(|file| &*file.name).chain(hard).collect();
        let new = listing.files.iter().filter(|file| !known.contains(&*file.name));
        problems.extend(new.map(|file| {
            let message = format!("appeared while the audit ran: its {} bytes are not in the report", file.bytes);
            Problem::of_file(&*file.name, message).of_kind(ProblemKind::Changed)
        }));
        problems.extend(listing.problems.into_iter().filter(|problem| !reported.contains(problem)));
        problems.sort();
        problems
    }
}

/// The most bytes of a model: sums of its sizes fit into 64 bits wherever they are made. Sparse files may say that they
/// have more, and no disk has.
const MAX_BYTES: u64 = 1 << 62;

/// The files as far as they have no more than [`MAX_BYTES`] together; the others are problems.
fn countable<F>(files: Vec<F>, of: impl Fn(&F) -> (&str, u64), problems: &mut Vec<Problem>) -> Vec<F> {
    let mut left = MAX_BYTES;
    let mut counted = Vec::with_capacity(files.len());
    for file in files {
        let (name, bytes) = of(&file);
        match left.checked_sub(bytes) {
            Some(rest) => {
                left = rest;
                counted.push(file);
            }
            None => {
                let message =
                    format!("expected at most {MAX_BYTES} bytes in all files, found {bytes} more here: it is left out");
                problems.push(Problem::of_file(name, message).of_kind(ProblemKind::Limit));
            }
        }
    }
    counted
}

impl File {
    /// A file of these contents.
    pub(super) fn in_memory(name: String, contents: Bytes) -> Self {
        Self { name, bytes: contents.len() as u64, origin: FileOrigin::Memory(contents), noted: Arc::default() }
    }

    /// A file of its own at `path`, as the system says that it is now.
    pub(super) fn on_disk(name: String, path: PathBuf, metadata: &fs::Metadata) -> Self {
        Self {
            name,
            bytes: metadata.len(),
            origin: FileOrigin::Disk { path, modified: metadata.modified().ok() },
            noted: Arc::default(),
        }
    }

    /// A file of a store.
    pub(super) fn in_store(name: String, bytes: u64, ranges: Arc<dyn Ranged>) -> Self {
        Self { name, bytes, origin: FileOrigin::Ranged(ranges), noted: Arc::default() }
    }

    /// Opens it, to be read by ranges; it is as long as when it was listed. What cannot be opened or read is noted, and
    /// among the [changes](Model::changes) of the model in the end, whatever the caller makes of it.
    ///
    /// # Errors
    /// The file cannot be opened, is no regular file any more, or is not as long as when it was listed.
    pub fn open(&self) -> Result<Source, InputError> {
        match &self.origin {
            FileOrigin::Memory(contents) => Ok(Source::of_bytes(contents.clone(), Arc::clone(&self.noted))),
            FileOrigin::Ranged(ranges) => {
                Ok(Source::of_ranges(Arc::clone(ranges), self.bytes, Arc::clone(&self.noted)))
            }
            FileOrigin::Disk { path, .. } => {
                map::source(path, self.bytes, &self.noted).map_err(|cause| self.error(self.noted.failed(cause)))
            }
        }
    }

    /// All of its contents, exactly [`bytes`](File::bytes) long. Each call opens the file anew, so keep what it returns.
    ///
    /// # Errors
    /// Those of [`open`](Self::open), and that it cannot be read.
    pub fn contents(&self) -> Result<Bytes, InputError> {
        self.open()?.read_all().map_err(|cause| self.error(cause))
    }

    /// As [`contents`](Self::contents), of a file that will be walked from its beginning to its end: a large one is read ahead
    /// of the walk.
    pub(crate) fn contents_ahead(&self) -> Result<Bytes, InputError> {
        let source = self.open()?;
        source.read_ahead();
        source.read_all().map_err(|cause| self.error(cause))
    }

    /// How many of its bytes were asked for so far; a range that was read twice counts twice.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        self.noted.read()
    }

    /// When it was written to last, as it was listed; `None` where nobody says so.
    pub(crate) fn modified(&self) -> Option<SystemTime> {
        match &self.origin {
            FileOrigin::Disk { modified, .. } => *modified,
            FileOrigin::Memory(_) | FileOrigin::Ranged(_) => None,
        }
    }

    fn error(&self, cause: Cause) -> InputError {
        InputError { file: self.name.clone(), cause }
    }

    /// Tries whether the file can be opened.
    fn unopened(&self) -> Option<Problem> {
        let FileOrigin::Disk { path, .. } = &self.origin else { return None };
        map::open(path).err().map(|cause| self.error(cause).into())
    }

    fn change(&self) -> Option<Problem> {
        let FileOrigin::Disk { path, modified } = &self.origin else { return None };
        let listed = self.bytes;
        let lost = self.noted.lost.load(Ordering::SeqCst);
        let mut message = match fs::symlink_metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => "vanished while the audit ran".to_owned(),
            Err(error) => format!("cannot be looked at any more: {error}"),
            Ok(now) if !now.is_file() => Cause::NotRegular.to_string(),
            Ok(now) if now.len() != listed => Cause::Length { listed, found: now.len() }.to_string(),
            Ok(now) if now.modified().ok() != *modified => "was written to while the audit ran".to_owned(),
            Ok(_) if lost => "could not be read while the audit ran".to_owned(),
            Ok(_) => return None,
        };
        if lost {
            message.push_str("; what was gone before it was read counts as zeros");
        }
        Some(Problem::of_file(&*self.name, message).of_kind(ProblemKind::Changed))
    }
}

impl From<Listed> for File {
    fn from(Listed { name, path, bytes, modified, .. }: Listed) -> Self {
        Self { name, bytes, origin: FileOrigin::Disk { path, modified }, noted: Arc::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::files::tree;

    #[test]
    fn a_read_that_failed_is_among_the_changes_although_nothing_else_has_changed() {
        let directory = tree(&[("saved_model.pb", b"model")]);
        let model = Model::read(directory.path(), "model");
        let file = model.file("saved_model.pb").unwrap();
        assert_eq!(file.contents().unwrap(), "model");
        assert_eq!(model.changes(), []);
        file.noted.failed(Cause::Read(io::Error::other("the disk does not give it")));
        file.noted.failed(Cause::NotRegular);
        let expected = Problem::of_file("saved_model.pb", "cannot be read: the disk does not give it");
        assert_eq!(model.changes(), [expected], "the first time that it failed");
    }
}
