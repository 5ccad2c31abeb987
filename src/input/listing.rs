//! What lies under a model's directory: regular files and symbolic links, each with a name of its own.

use std::collections::HashSet;
use std::fs::{self, FileType, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use walkdir::{DirEntry, WalkDir};

use super::names;
use crate::problem::Problem;

/// All entries but directories, sorted by name, and what could not be listed or is not a file.
#[derive(Debug)]
pub(super) struct Listing {
    pub(super) files: Vec<Listed>,
    pub(super) links: Vec<SymbolicLink>,
    pub(super) problems: Vec<Problem>,
}

/// A regular file as it was when it was listed.
#[derive(Debug)]
pub(super) struct Listed {
    pub(super) name: String,
    pub(super) path: PathBuf,
    pub(super) bytes: u64,
    pub(super) modified: Option<SystemTime>,
    /// Which file this is a name of, where the file has several names.
    pub(super) shared: Option<Inode>,
}

/// A symbolic link, not looked into yet.
#[derive(Debug)]
pub(super) struct SymbolicLink {
    pub(super) name: String,
    pub(super) path: PathBuf,
}

/// A file's identity: device and inode number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Inode(u64, u64);

/// Lists what is under `root` at any depth. `root` may be a link, as the user named it; links below are not followed.
pub(super) fn list(root: &Path) -> Listing {
    let mut problems = Vec::new();
    let mut entries = Vec::new();
    let mut met: HashSet<Inode> = fs::metadata(root).ok().and_then(|metadata| inode(&metadata)).into_iter().collect();
    let mut walk = WalkDir::new(root).min_depth(1).into_iter();
    while let Some(entry) = walk.next() {
        match entry {
            // A directory that is mounted in itself, or twice: its files are there once.
            Ok(entry) if entry.file_type().is_dir() => {
                let inode = entry.metadata().ok().and_then(|metadata| inode(&metadata));
                if inode.is_some_and(|inode| !met.insert(inode)) {
                    walk.skip_current_dir();
                }
            }
            Ok(entry) => entries.push(entry),
            Err(error) => problems.push(unlisted(root, error)),
        }
    }
    // By path first, so that the numbers of names that are not UTF-8 are the same on every run.
    entries.sort_by(|a, b| a.path().cmp(b.path()));
    let mut listing = Listing { files: Vec::new(), links: Vec::new(), problems };
    let found = names::unique(entries.iter().map(|entry| below(root, entry.path())));
    for (entry, name) in entries.into_iter().zip(found) {
        listing.add(root, entry, name);
    }
    listing.files.sort_by(|a, b| a.name.cmp(&b.name));
    listing.links.sort_by(|a, b| a.name.cmp(&b.name));
    listing.problems.sort();
    listing
}

impl Listing {
    fn add(&mut self, root: &Path, entry: DirEntry, name: String) {
        let kind = entry.file_type();
        if kind.is_symlink() {
            self.links.push(SymbolicLink { name, path: entry.into_path() });
        } else if kind.is_file() {
            match entry.metadata() {
                Ok(metadata) => self.files.push(Listed::new(name, entry.into_path(), &metadata)),
                Err(error) => self.problems.push(unlisted(root, error)),
            }
        } else {
            let message = format!("is {}, not a regular file: left out, and not opened", what(kind));
            self.problems.push(Problem::of_file(name, message));
        }
    }
}

impl Listed {
    fn new(name: String, path: PathBuf, metadata: &Metadata) -> Self {
        let (bytes, modified) = (metadata.len(), metadata.modified().ok());
        Self { name, path, bytes, modified, shared: shared(metadata) }
    }
}

/// A path that was listed, relative to the directory that was.
pub(super) fn below<'a>(root: &Path, path: &'a Path) -> &'a Path {
    path.strip_prefix(root).unwrap_or(path)
}

fn unlisted(root: &Path, error: walkdir::Error) -> Problem {
    let file = names::lossy(below(root, error.path().unwrap_or(root)));
    Problem::of_file(file, format!("cannot be listed: {}; its bytes are not in the report", system_error(error)))
}

/// What the system said, without the path, which the reader sees anyway. The other errors of a walk are loops of
/// links, and no link is followed.
pub(super) fn system_error(error: walkdir::Error) -> io::Error {
    error.into_io_error().unwrap_or_else(|| io::ErrorKind::Other.into())
}

#[cfg(unix)]
fn what(kind: FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt as _;
    if kind.is_fifo() {
        "a named pipe"
    } else if kind.is_socket() {
        "a socket"
    } else if kind.is_block_device() || kind.is_char_device() {
        "a device"
    } else {
        "of an unknown kind"
    }
}

#[cfg(not(unix))]
fn what(_kind: FileType) -> &'static str {
    "of an unknown kind"
}

#[cfg(unix)]
fn shared(metadata: &Metadata) -> Option<Inode> {
    use std::os::unix::fs::MetadataExt as _;
    (metadata.nlink() > 1).then(|| Inode(metadata.dev(), metadata.ino()))
}

#[cfg(unix)]
fn inode(metadata: &Metadata) -> Option<Inode> {
    use std::os::unix::fs::MetadataExt as _;
    // A file system without such numbers says 0 of all.
    (metadata.ino() != 0).then(|| Inode(metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn inode(_metadata: &Metadata) -> Option<Inode> {
    None
}

/// Without inode numbers each name counts as a file, as it does to whoever copies the model.
#[cfg(not(unix))]
fn shared(_metadata: &Metadata) -> Option<Inode> {
    None
}
