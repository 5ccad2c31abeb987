//! Models of a JSON report that was written before.

use serde::Deserialize;

use super::ModelReport;

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
