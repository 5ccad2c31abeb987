//! `--resume`: the models that a file of lines has already, which need not be audited again.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufRead as _, BufReader};

use anyhow::Context as _;
use smaudit::input::{Depth, Location};
use smaudit::report::{RemoteDepth, audited_line};

use crate::cli::AuditRequest;

/// What was audited before: of each model its URL and its e-tag.
#[derive(Debug, Default)]
pub(crate) struct Seen(HashSet<(String, String)>);

impl Seen {
    /// Reads the file that was named. Lines of models with problems, of other depths, and a last line that is not whole are
    /// not heeded, so these models are audited again.
    pub(crate) fn of(request: &AuditRequest) -> anyhow::Result<Self> {
        let Some(path) = &request.resume else { return Ok(Self::default()) };
        let said = || format!("--resume {}: cannot be read", path.display());
        let depth = match request.depth {
            Depth::List => RemoteDepth::List,
            Depth::Index => RemoteDepth::Index,
            Depth::Full => RemoteDepth::Full,
        };
        let mut lines = BufReader::new(File::open(path).with_context(said)?);
        let (mut seen, mut line) = (HashSet::new(), Vec::new());
        while lines.read_until(b'\n', &mut line).with_context(said)? > 0 {
            seen.extend(
                audited_line(&line).filter(|known| known.depth == depth).map(|known| (known.path, known.e_tag)),
            );
            line.clear();
        }
        Ok(Self(seen))
    }

    /// Whether a model was audited before as it is now.
    pub(crate) fn has(&self, location: &Location) -> bool {
        !self.0.is_empty() && location.e_tag().is_some_and(|e_tag| self.0.contains(&(location.shown.clone(), e_tag)))
    }
}
