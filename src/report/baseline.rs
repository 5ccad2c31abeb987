//! A baseline: the few figures of a model that growth is measured from, in a file to commit.
//!
//! It is made for version control: an entry a line, in an order that never changes, and nothing that differs from one run
//! to the next. What it holds does not depend on how much a model holds, so it is always small.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{ModelReport, Tool};
use crate::ledger::Category;

/// The version of the file's form; another one is not read.
const SCHEMA_VERSION: u32 = 1;

/// The most bytes of such a file.
pub const MOST_BYTES: u64 = 32_000;

/// The figures of a model at the time when they were written down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "smaudit baseline")]
pub struct Baseline {
    /// 1, until a key goes or changes its meaning.
    pub schema_version: u32,
    /// What wrote it.
    pub tool: Tool,
    /// The model's size.
    pub total_bytes: u64,
    /// What findings said can go.
    pub findings_bytes: u64,
    /// `total_bytes` by category; they add up to it.
    pub categories: BTreeMap<Category, u64>,
    /// What each finding said can go, by id.
    pub findings: BTreeMap<String, u64>,
    /// What the model that is held against it differs in by names and counters only. The file does not say: that takes the model.
    #[serde(skip)]
    pub naming_bytes: Option<i64>,
}

/// Why a file is no baseline, and what to do.
#[derive(Debug, Error)]
pub enum BaselineError {
    /// It is none, or somebody changed it.
    #[error("is no baseline: {0}; {WRITE_ANEW}")]
    Form(#[from] serde_json::Error),
    /// Another version of smaudit wrote it.
    #[error("is a baseline of schema version {0}, and this is version {SCHEMA_VERSION}; {WRITE_ANEW}")]
    Version(u32),
    /// Somebody changed a figure of it.
    #[error(
        "is a baseline whose categories are {sum} bytes and whose total is {total}: it was changed by hand; {WRITE_ANEW}"
    )]
    Sum {
        /// What the categories add up to.
        sum: u64,
        /// What the file says.
        total: u64,
    },
}

/// What to do with a file that cannot be used.
const WRITE_ANEW: &str = "write it anew with `smaudit baseline MODEL -o FILE`";

impl Baseline {
    /// The figures of a model.
    #[must_use]
    pub fn of(model: &ModelReport) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            tool: Tool::default(),
            total_bytes: model.total_bytes,
            findings_bytes: model.findings_bytes,
            categories: model.categories.clone(),
            findings: model.findings.iter().map(|finding| (finding.id.clone(), finding.bytes)).collect(),
            naming_bytes: None,
        }
    }

    /// Reads the text of a file.
    ///
    /// # Errors
    /// When it is no baseline, one of another version, or one that does not add up.
    pub fn parse(text: &str) -> Result<Self, BaselineError> {
        #[derive(Deserialize)]
        struct Version {
            schema_version: u32,
        }
        let Version { schema_version } = serde_json::from_str(text)?;
        if schema_version != SCHEMA_VERSION {
            return Err(BaselineError::Version(schema_version));
        }
        let baseline: Self = serde_json::from_str(text)?;
        let sum = baseline.categories.values().copied().fold(0, u64::saturating_add);
        if sum == baseline.total_bytes {
            Ok(baseline)
        } else {
            Err(BaselineError::Sum { sum, total: baseline.total_bytes })
        }
    }

    /// The text of the file.
    ///
    /// # Errors
    /// When it cannot be serialized, which does not happen.
    pub fn text(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(self).map(|text| text + "\n")
    }

    /// Its size, or that of a category.
    #[must_use]
    pub fn bytes(&self, category: Option<Category>) -> u64 {
        category.map_or(self.total_bytes, |category| self.categories.get(&category).copied().unwrap_or(0))
    }

    /// Whether a model is so much smaller, by more than a hundredth, that the baseline should follow.
    #[must_use]
    pub fn is_outgrown_by(&self, model: &ModelReport) -> bool {
        model.total_bytes < self.total_bytes - self.total_bytes / 100
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn baseline() -> Baseline {
        let mut model = sample::model();
        model.categories = BTreeMap::from([(Category::GraphDef, 700), (Category::Variables, 300)]);
        model.total_bytes = 1000;
        Baseline::of(&model)
    }

    #[test]
    fn a_file_says_what_it_was_written_with_and_an_entry_is_a_line() {
        let text = baseline().text().unwrap();
        assert_eq!(Baseline::parse(&text).unwrap(), baseline());
        for line in [
            "  \"schema_version\": 1,",
            "    \"name\": \"smaudit\",",
            "    \"graph_def\": 700,",
            "  \"total_bytes\": 1000,",
        ] {
            assert!(text.lines().any(|own| own == line), "{line} is not in {text}");
        }
        assert!(text.len() as u64 <= MOST_BYTES && text.ends_with("}\n"), "{text}");
    }

    #[test]
    fn a_file_that_was_changed_says_what_to_do() {
        let text = baseline().text().unwrap();
        for (changed, why) in [
            (
                text.replace("700", "7000"),
                "whose categories are 7300 bytes and whose total is 1000: it was changed by hand",
            ),
            (
                text.replace("\"schema_version\": 1", "\"schema_version\": 2"),
                "of schema version 2, and this is version 1",
            ),
            (text.replace("total_bytes", "total"), "is no baseline: unknown field `total`"),
            (text.replace("700", "-7"), "is no baseline: invalid value"),
            (text.replace("graph_def", "graphs"), "is no baseline: unknown variant `graphs`"),
            (text.replace('}', ""), "is no baseline: EOF"),
            (String::new(), "is no baseline: EOF"),
        ] {
            let error = Baseline::parse(&changed).unwrap_err().to_string();
            assert!(error.contains(why) && error.ends_with(WRITE_ANEW), "{error}");
        }
    }

    #[test]
    fn a_model_that_is_smaller_by_more_than_a_hundredth_outgrows_it() {
        let model = |total_bytes| ModelReport { total_bytes, ..sample::model() };
        assert!(!baseline().is_outgrown_by(&model(990)) && baseline().is_outgrown_by(&model(989)));
        assert!(!baseline().is_outgrown_by(&model(2000)));
    }
}
