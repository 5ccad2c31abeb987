//! Models of a JSON report that was written before.

use serde::Deserialize;

use super::{ModelReport, RemoteDepth};

/// The version that a report says it has.
///
/// # Errors
/// When the text is no JSON, or has none.
pub(crate) fn schema_version(text: &str) -> serde_json::Result<u64> {
    #[derive(Deserialize)]
    struct Version {
        schema_version: u64,
    }
    serde_json::from_str(text).map(|Version { schema_version }| schema_version)
}

/// A model in a store that a line of JSONL has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditedLine {
    /// Its URL.
    pub path: String,
    /// What told its version.
    pub e_tag: String,
    /// How much of it was read.
    pub depth: RemoteDepth,
}

/// The model of a line, where it is in a store and was read without problems.
#[must_use]
pub fn audited_line(line: &[u8]) -> Option<AuditedLine> {
    #[derive(Deserialize)]
    struct Line {
        path: String,
        remote: Remote,
        problems: Vec<serde::de::IgnoredAny>,
    }
    #[derive(Deserialize)]
    struct Remote {
        depth: RemoteDepth,
        e_tag: String,
    }
    let Line { path, remote, problems } = serde_json::from_slice(line).ok()?;
    problems.is_empty().then_some(AuditedLine { path, e_tag: remote.e_tag, depth: remote.depth })
}

/// The models of a report of this version.
///
/// # Errors
/// When the text is no such report.
pub(crate) fn read_models(text: &str) -> serde_json::Result<Vec<ModelReport>> {
    #[derive(Deserialize)]
    struct Models {
        models: Vec<ModelReport>,
    }
    serde_json::from_str(text).map(|Models { models }| models)
}
