//! What is wrong with an input: the file, the byte, what was expected there and what was found.
//!
//! A problem costs the part it is in and no more: the bytes are charged all the same, the rest is audited, and the
//! exit code says that the answer is not whole.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

/// One thing that could not be read, in `problems[]` of the JSON report.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Problem {
    /// The file, relative to the model's directory.
    pub file: String,
    /// The byte of the file where it was noticed; `null` where the file as a whole is meant.
    pub offset: Option<u64>,
    /// What was expected and what was found instead.
    pub message: String,
}

impl Problem {
    /// A problem of the whole file.
    pub fn of_file(file: impl Into<String>, message: impl ToString) -> Self {
        Self { file: file.into(), offset: None, message: message.to_string() }
    }

    /// A problem at a byte of the file.
    pub fn at(file: impl Into<String>, offset: u64, message: impl ToString) -> Self {
        Self { file: file.into(), offset: Some(offset), message: message.to_string() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.offset {
            Some(offset) => write!(f, "{}: byte {offset}: {}", self.file, self.message),
            None => write!(f, "{}: {}", self.file, self.message),
        }
    }
}
