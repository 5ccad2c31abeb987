//! Archives that lie in a tree. They are opened one by one, when their models are audited: what all of them unpack to
//! could fill any memory.

use std::path::{Path, PathBuf};

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
        self.path.to_string_lossy().into_owned()
    }
}
