//! An object as it was listed, and how the version of it is asked for that was listed.

use object_store::{GetOptions, ObjectMeta};

/// An object as it was listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::input) struct Entry {
    /// Its name in the store.
    pub(in crate::input) key: String,
    /// Its size.
    pub(in crate::input) bytes: u64,
    /// What changes where its contents do, if the store says.
    pub(super) e_tag: Option<String>,
}

impl From<ObjectMeta> for Entry {
    fn from(meta: ObjectMeta) -> Self {
        let e_tag = version(&meta);
        Self { key: meta.location.into(), bytes: meta.size, e_tag }
    }
}

/// What a version of an object is known by: its e-tag; of a server that has none the time of the last change, as an e-tag that
/// is weak, since it is exact to the second only.
fn version(meta: &ObjectMeta) -> Option<String> {
    // The library says so of what the store does not say.
    let seconds = Some(meta.last_modified.timestamp()).filter(|seconds| *seconds != 0);
    meta.e_tag.clone().or_else(|| seconds.map(|seconds| format!("{OF_TIME}{seconds}")))
}

/// Begins what stands for an e-tag where there is none.
const OF_TIME: &str = "W/time-";

impl Entry {
    /// Whether an object is, for all that its store says, the one that was listed.
    pub(super) fn is_same(&self, meta: &ObjectMeta) -> bool {
        let is_version = match (self.e_tag.as_deref(), version(meta).as_deref()) {
            // A listing need not have e-tags where the objects do.
            (Some(listed), Some(found)) if listed.starts_with(OF_TIME) != found.starts_with(OF_TIME) => true,
            (Some(listed), Some(found)) => listed.trim_matches('"') == found.trim_matches('"'),
            _ => true,
        };
        is_version && meta.size == self.bytes
    }
}

/// How a range of an object is asked for: of the version that was listed.
pub(super) fn options(entry: &Entry) -> GetOptions {
    // A weak e-tag does not say that the bytes are the same, and no server takes it for that.
    let if_match = entry.e_tag.clone().filter(|e_tag| !e_tag.starts_with("W/"));
    GetOptions { if_match, ..GetOptions::default() }
}
