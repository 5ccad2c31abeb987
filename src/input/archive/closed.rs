//! Archives that lie in a tree. They are opened one by one, when their models are audited: what all of them unpack to
//! could fill any memory.

use std::fs;
use std::path::{Path, PathBuf};

use super::Limits;
use crate::input::find::{self, FindError, Finder, Found};
use crate::progress::Progress;

/// An archive that was met in a tree and has not been opened.
#[derive(Debug, Clone)]
pub struct ClosedArchive {
    path: PathBuf,
}

impl ClosedArchive {
    pub(in crate::input) fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// Where it is.
    pub(in crate::input) fn path(&self) -> &Path {
        &self.path
    }

    /// The archive as its models are shown: below what the user typed; not escaped.
    #[must_use]
    pub fn shown(&self) -> String {
        find::shown(&self.path)
    }

    /// Opens the archive, which has these limits for itself. What is found keeps what was unpacked, so let go of it
    /// before many others are opened. An archive of other things than models is no error here, and nothing is found.
    /// `progress` is told of its bytes.
    ///
    /// # Errors
    /// The archive cannot be read, or not as far as to say that there is no model in it.
    pub fn open(&self, limits: Limits, progress: &dyn Progress) -> Result<Found, FindError> {
        let metadata = fs::symlink_metadata(&self.path).map_err(|error| find::unreadable(&self.path, error))?;
        match Finder::new(limits, progress).find_in_file(&self.path, &metadata) {
            Err(FindError::NoModel { whole: true, .. }) => Ok(Found::default()),
            other => other,
        }
    }
}
