//! A JSON report read again, to stand for the models that it is of.
//!
//! It may be anybody's: what does not add up, or is of a version that this one does not know, is refused with what to do.

use thiserror::Error;

use crate::ledger::Category;
use crate::report::{ModelReport, SCHEMA_VERSION, read_models};

/// A report that was written before.
#[derive(Debug)]
pub struct StoredReport {
    /// Its models.
    pub models: Vec<ModelReport>,
}

/// Why a file is no report that can be used, and what to do.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoredError {
    /// It is no JSON, or not that of a report.
    #[error("is no JSON report: {0}; write one with `smaudit MODEL --json -o FILE`")]
    Form(#[from] serde_json::Error),
    /// Another version of smaudit wrote it.
    #[error(
        "is a report of schema version {0}, and this smaudit reads version {SCHEMA_VERSION}; {what}",
        what = if *.0 > u64::from(SCHEMA_VERSION) { "a newer smaudit reads it" } else { "write it anew" }
    )]
    Version(u64),
    /// Its figures are no report's.
    #[error(
        "is a report that does not add up: {0}; it was changed by hand, write it anew with `smaudit MODEL --json -o FILE`"
    )]
    Sum(String),
}

impl StoredReport {
    /// Reads the text of a file.
    ///
    /// # Errors
    /// When it is no report, one of another version, or one that does not add up.
    pub fn parse(text: &str) -> Result<Self, StoredError> {
        let version = crate::report::schema_version(text)?;
        if version != u64::from(SCHEMA_VERSION) {
            return Err(StoredError::Version(version));
        }
        let models = read_models(text)?;
        models.iter().try_for_each(check)?;
        Ok(Self { models })
    }
}

fn check(model: &ModelReport) -> Result<(), StoredError> {
    let path = &model.path;
    let sum = super::sum(Category::ALL.iter().map(|category| super::bytes(model, *category)));
    if sum != model.total_bytes {
        let total = model.total_bytes;
        return Err(StoredError::Sum(format!("the categories of {path} are {sum} bytes and its total is {total}")));
    }
    if i64::try_from(sum).is_err() {
        return Err(StoredError::Sum(format!("{path} has {sum} bytes, more than any file system holds")));
    }
    Ok(())
}
