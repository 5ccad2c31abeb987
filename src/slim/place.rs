//! Where a smaller model is made before it has its name: a folder beside the target, locked while somebody works in it, synced,
//! and given the target's name by one rename.
//!
//! A run that is killed leaves its folder, `TARGET.slim-N`. The system lets go of its lock, so the next run to the same target
//! knows that nobody works there any more, and removes it.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

/// So many folders are tried before there is none.
const TRIES: u32 = 1000;

/// What is between the target's name and the number.
const MARK: &str = ".slim-";

/// A folder beside a target, which is removed with all that is in it unless it is settled.
#[derive(Debug)]
pub struct Workplace {
    folder: PathBuf,
    target: PathBuf,
    /// Holds the lock.
    _lock: Option<File>,
    settled: bool,
}

impl Workplace {
    /// Makes a folder for what is to be called `target`, of which there must be nothing yet.
    ///
    /// # Errors
    /// The target is there, or the system makes no folder beside it.
    pub fn beside(target: &Path) -> io::Result<Self> {
        is_free(target)?;
        let name = target.file_name().ok_or_else(|| io::Error::other("is not a name that a directory can have"))?;
        let (number, mut folder) = (std::process::id(), PathBuf::new());
        for attempt in 0..TRIES {
            let mut own = OsString::from(name);
            own.push(format!("{MARK}{}", u64::from(number).saturating_add(u64::from(attempt))));
            folder = target.with_file_name(own);
            match fs::create_dir(&folder) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                other => {
                    other?;
                    let lock = lock(&folder).unwrap_or_default();
                    return Ok(Self { folder, target: target.to_owned(), _lock: lock, settled: false });
                }
            }
        }
        Err(io::Error::new(io::ErrorKind::AlreadyExists, format!("{} is there already", folder.display())))
    }

    /// Removes what runs to the same target left that were killed, and returns what it was.
    #[must_use]
    pub fn clear(target: &Path) -> Vec<PathBuf> {
        let Some(name) = target.file_name().and_then(|name| name.to_str()) else { return Vec::new() };
        let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
        let is_left = |path: &PathBuf| {
            let own = path.file_name().and_then(|own| own.to_str()).and_then(|own| own.strip_prefix(name));
            let number = own.and_then(|own| own.strip_prefix(MARK));
            let is_number = number.is_some_and(|it| !it.is_empty() && it.bytes().all(|byte| byte.is_ascii_digit()));
            is_number && fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir())
        };
        // Whoever holds the lock is at work.
        let found = entries.filter_map(Result::ok).map(|entry| entry.path()).filter(is_left);
        let free = found.filter_map(|path| lock(&path).ok()?.map(|lock| (path, lock)));
        free.filter(|(path, _)| fs::remove_dir_all(path).is_ok()).map(|(path, _)| path).collect()
    }

    /// Where to write.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Makes folders in it, one in the other, and says where the innermost is.
    ///
    /// # Errors
    /// The system does not make them; where [`folder`](Self::folder) is gone, it is not made again.
    pub fn make(&self, below: &Path) -> io::Result<PathBuf> {
        make_folders(&self.folder, below)?;
        Ok(self.folder.join(below))
    }

    /// Gives the folder the target's name.
    ///
    /// # Errors
    /// The target is there by now, or the system does not rename. The folder is removed then.
    pub fn settle(mut self) -> io::Result<()> {
        rename(&self.folder, &self.target)?;
        self.settled = true;
        self.sync()
    }

    /// Gives a file in the folder the target's name, and removes the folder.
    ///
    /// # Errors
    /// As for [`settle`](Self::settle).
    pub fn settle_file(self, file: &Path) -> io::Result<()> {
        rename(file, &self.target)?;
        self.sync()
    }

    /// The name is there, and whether it survives a loss of power is all that is left.
    fn sync(&self) -> io::Result<()> {
        let parent = self.target.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        sync_folder(parent)
    }
}

impl AsRef<Path> for Workplace {
    fn as_ref(&self) -> &Path {
        &self.folder
    }
}

impl Drop for Workplace {
    fn drop(&mut self) {
        if !self.settled {
            // There is nobody left who could read it.
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

/// Makes folders in a directory, and not the directory: that it is not there any more is how a run hears that it was interrupted.
pub(super) fn make_folders(directory: &Path, below: &Path) -> io::Result<()> {
    let mut folder = directory.to_owned();
    for part in below {
        folder.push(part);
        match fs::create_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            other => other?,
        }
    }
    Ok(())
}

fn is_free(target: &Path) -> io::Result<()> {
    match fs::symlink_metadata(target) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(_) => Err(io::Error::new(io::ErrorKind::AlreadyExists, "is there already, and slim replaces nothing")),
    }
}

/// Locks a folder; `None` where it is locked, or cannot be.
#[cfg(unix)]
fn lock(folder: &Path) -> io::Result<Option<File>> {
    use rustix::fs::{FlockOperation, flock};
    let opened = File::open(folder)?;
    Ok(flock(&opened, FlockOperation::NonBlockingLockExclusive).is_ok().then_some(opened))
}

/// Elsewhere folders have no locks, so none is known to be left.
#[cfg(not(unix))]
fn lock(_folder: &Path) -> io::Result<Option<File>> {
    Ok(None)
}

/// Renames a folder, or a file, to a name that nothing has.
fn rename(made: &Path, target: &Path) -> io::Result<()> {
    #[cfg(any(target_os = "linux", target_os = "android", target_os = "macos"))]
    {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        use rustix::io::Errno;
        match renameat_with(CWD, made, CWD, target, RenameFlags::NOREPLACE) {
            // A file system that knows no such rename.
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {}
            other => return Ok(other?),
        }
    }
    // A second name is given to a file only where nothing has it; the first goes with the folder.
    if made.is_file() && fs::hard_link(made, target).is_ok() {
        return Ok(());
    }
    // A folder with something in it takes the place of nothing but an empty one.
    is_free(target)?;
    fs::rename(made, target)
}

/// From so many files on a file system is asked to put all that it has on the disk, and not each file: on ext4 one takes some
/// milliseconds of waiting, and its turn.
const MANY_FILES: usize = 256;

/// How what is written below a folder gets to the disk.
pub(super) enum Syncing {
    /// Each file when it is written, and at the end each folder.
    Each,
    /// All that its file system has, once all is written: by the folder, which was open before anything was.
    #[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "other systems have no such call"))]
    All(File),
}

impl Syncing {
    /// For so many files below a folder, none of which is there yet.
    pub(super) fn of(folder: &Path, files: usize) -> Self {
        let all = (files >= MANY_FILES).then(|| all(folder)).flatten();
        all.map_or(Self::Each, Self::All)
    }

    /// Whether each file is put on the disk by itself.
    pub(super) fn is_each(&self) -> bool {
        matches!(self, Self::Each)
    }

    /// A file is written.
    pub(super) fn written(&self, file: &File) -> io::Result<()> {
        match self {
            Self::Each => file.sync_all(),
            Self::All(_) => Ok(()),
        }
    }

    /// All files below the folder are written. When this returns they are on the disk, and so are the folders.
    pub(super) fn end(self, folder: &Path) -> io::Result<()> {
        match self {
            Self::Each => sync_folders(folder),
            #[cfg(target_os = "linux")]
            Self::All(opened) => Ok(rustix::fs::syncfs(&opened)?),
            #[cfg(not(target_os = "linux"))]
            Self::All(_) => sync_folders(folder),
        }
    }
}

/// The folder, opened, where its file system can be asked for all: from Linux 5.8 on `syncfs` says what could not be written since
/// then, and a file system in a program of its own (FUSE) is not told of it.
#[cfg(target_os = "linux")]
fn all(folder: &Path) -> Option<File> {
    const FUSE: rustix::fs::FsWord = 0x6573_5546;
    let opened = File::open(folder).ok()?;
    let is_told = rustix::fs::fstatfs(&opened).is_ok_and(|file_system| file_system.f_type != FUSE);
    let says_errors = reports_errors(&rustix::system::uname().release().to_string_lossy());
    (is_told && says_errors).then_some(opened)
}

#[cfg(not(target_os = "linux"))]
fn all(_folder: &Path) -> Option<File> {
    None
}

/// Whether `syncfs` of a Linux of this release, `6.1.0-18-amd64`, says what could not be written.
#[cfg(target_os = "linux")]
fn reports_errors(release: &str) -> bool {
    let mut numbers = release.split(|letter: char| !letter.is_ascii_digit()).map(|number| number.parse().ok());
    let version: (Option<u32>, Option<u32>) = (numbers.next().flatten(), numbers.next().flatten());
    matches!(version, (Some(major), Some(minor)) if (major, minor) >= (5, 8))
}

/// Has the system put the folders of a tree on the disk, the innermost first.
fn sync_folders(directory: &Path) -> io::Result<()> {
    for entry in WalkDir::new(directory).contents_first(true) {
        let entry = entry?;
        if entry.file_type().is_dir() {
            sync_folder(entry.path())?;
        }
    }
    Ok(())
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}

/// Whether a target is within a directory, or is it.
#[must_use]
pub fn is_within(target: &Path, directory: &Path) -> bool {
    let Ok(directory) = directory.canonicalize() else { return false };
    let parent = target.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let target = target.canonicalize().or_else(|_| parent.canonicalize());
    target.is_ok_and(|target| target.starts_with(directory))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_file_system_is_asked_for_all_where_it_says_what_failed() {
        for (release, says) in [
            ("5.8.0", true),
            ("5.15.0-91-generic", true),
            ("6.1-rc3+", true),
            ("10.0.1", true),
            ("5.7.19", false),
            ("4.19.112+", false),
            ("4.4.0-19041-Microsoft", false),
            ("", false),
            ("unknown", false),
        ] {
            assert_eq!(reports_errors(release), says, "{release}");
        }
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(Syncing::of(folder.path(), MANY_FILES - 1), Syncing::Each));
        for syncing in [Syncing::Each, Syncing::of(folder.path(), MANY_FILES)] {
            let file = File::create(folder.path().join("a")).unwrap();
            syncing.written(&file).unwrap();
            syncing.end(folder.path()).unwrap();
        }
    }
}
