//! Archives that lie in a tree. They are opened one by one, when their models are audited: what all of them unpack to
//! could fill any memory.

use std::path::PathBuf;

#[cfg(feature = "remote")]
use crate::input::model::File;

/// An archive that was met in a tree and has not been opened.
#[derive(Debug, Clone)]
pub struct ClosedArchive {
    pub(in crate::input) place: Place,
}

#[derive(Debug, Clone)]
pub(in crate::input) enum Place {
    Disk(PathBuf),
    /// In a store, as a file whose name is the URL.
    #[cfg(feature = "remote")]
    Store(File),
}

impl ClosedArchive {
    pub(in crate::input) fn at(path: PathBuf) -> Self {
        Self { place: Place::Disk(path) }
    }

    /// One in a store.
    #[cfg(feature = "remote")]
    pub(in crate::input) fn in_store(file: File) -> Self {
        Self { place: Place::Store(file) }
    }

    /// Where it is.
    pub(in crate::input) fn path(&self) -> PathBuf {
        match &self.place {
            Place::Disk(path) => path.clone(),
            #[cfg(feature = "remote")]
            Place::Store(file) => PathBuf::from(&file.name),
        }
    }

    /// The archive as its models are shown: below what the user typed; not escaped.
    #[must_use]
    pub fn shown(&self) -> String {
        self.path().to_string_lossy().into_owned()
    }
}
