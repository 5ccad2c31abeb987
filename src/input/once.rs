//! Each model and archive once, however often and however it was named.
//!
//! What a path means is decided by where it really is: `model`, `./model/`, `model/saved_model.pb`, a link to it and
//! the tree around it are all one model, which is reported under the name that came first.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// What was met so far.
#[derive(Debug, Default)]
pub(super) struct Once {
    /// What was typed.
    named: HashSet<PathBuf>,
    /// Directories of models, and archives.
    met: HashSet<PathBuf>,
}

impl Once {
    /// Whether a path was not typed before.
    pub(super) fn is_named_first(&mut self, path: &Path) -> bool {
        self.named.insert(identity(path))
    }

    /// Whether a model's directory or an archive was not met before.
    pub(super) fn is_met_first(&mut self, path: &Path) -> bool {
        self.met.insert(identity(path))
    }
}

/// Where a path really is; the path itself in full where nothing is there.
fn identity(path: &Path) -> PathBuf {
    path.canonicalize().or_else(|_| std::path::absolute(path)).unwrap_or_else(|_| path.to_owned())
}
