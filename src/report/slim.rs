//! What `smaudit slim` did, or would do: as data and as JSON.
//!
//! | module | holds |
//! |---|---|
//! | [`steps`] | levels and steps |
//! | [`text`] | the report for a person |

mod steps;
mod text;

use std::io::{self, Write};

use schemars::JsonSchema;
use serde::Serialize;

use super::{SCHEMA_VERSION, Tool, UnreadableInput, safe_json};
use crate::exit::Exit;
use crate::problem::Problem;
use crate::size::plural;
pub use steps::{SlimLevel, SlimStep};

/// What became of one or more models: the document of `smaudit slim --json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct SlimReport {
    /// 1; it changes when a key goes or changes its meaning, not when one is added.
    pub schema_version: u32,
    /// What wrote it.
    pub tool: Tool,
    /// What the smaller models may do without.
    pub level: SlimLevel,
    /// The directory, or the archive, that was asked for.
    pub output: String,
    /// Whether it is there now.
    pub written: bool,
    /// The size of the archive; null where a directory was asked for, or nothing was written.
    pub packed_bytes: Option<u64>,
    /// The bytes of the models that are made smaller.
    pub old_bytes: u64,
    /// What they have then.
    pub new_bytes: u64,
    /// The difference of the two.
    pub saved_bytes: u64,
    /// What the steps save in all models; adds up to `saved_bytes`.
    pub steps: Vec<SlimSaving>,
    /// The models, in the order in which they were found.
    pub models: Vec<SlimModel>,
    /// What was to be slimmed and could not be read.
    pub unreadable: Vec<UnreadableInput>,
}

/// What a step saves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct SlimSaving {
    /// The step.
    pub step: SlimStep,
    /// By how much the files become smaller. Below zero they become larger, which is so of `chunked-main-file` alone: that takes a
    /// compression away, and other steps save more.
    pub saved_bytes: i64,
    /// What is done, in words.
    pub message: String,
    /// The files that change, or go.
    pub files: Vec<SlimFile>,
}

/// A file that a step changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct SlimFile {
    /// Its name, relative to the model's directory.
    pub path: String,
    /// Its size before the step; 0 where it was not there.
    pub old_bytes: u64,
    /// Its size after it; null where it goes.
    pub new_bytes: Option<u64>,
}

/// What becomes of a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct SlimFinding {
    /// The cause's id.
    pub id: String,
    /// What the finding claims, as in the report of an audit.
    pub bytes: u64,
    /// What of this is not there any more, to the byte but for its share of the checkpoint's index. Two findings may claim the
    /// same.
    pub saved_bytes: u64,
}

/// How it went with a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SlimOutcome {
    /// It becomes smaller. Where it was written, that was proven before.
    Smaller,
    /// Nothing of it can go at this level.
    NothingToGain,
    /// The result was not proven to be the same, so there is none.
    NotProven,
    /// It changed while it was read, so there is no result.
    Changed,
    /// It has problems, or is not of a form that can be written again.
    Refused,
}

/// What became of a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct SlimModel {
    /// The model's directory, as it was named or found.
    pub path: String,
    /// The archive that the model is in; null where it is in none.
    pub archive: Option<String>,
    /// The smaller model's directory, which may be in an archive; null where there is none.
    pub output: Option<String>,
    /// How it went.
    pub outcome: SlimOutcome,
    /// Why there is no smaller model, where there is none.
    pub reasons: Vec<String>,
    /// Whether the result was read back and held against the model.
    pub proven: bool,
    /// Its bytes.
    pub old_bytes: u64,
    /// What it has then.
    pub new_bytes: u64,
    /// The difference of the two.
    pub saved_bytes: u64,
    /// What each step saves; adds up to `saved_bytes`.
    pub steps: Vec<SlimSaving>,
    /// What is taken away of what findings claim, in the order of an audit; empty where nothing becomes smaller, and where the
    /// main file is not binary.
    pub findings: Vec<SlimFinding>,
    /// What was left as it is although a step is about it, and why.
    pub left: Vec<String>,
    /// What the smaller model does not have any more.
    pub lost: Vec<String>,
    /// What is wrong with the model.
    pub problems: Vec<Problem>,
}

impl SlimModel {
    /// A model that nothing was done with yet.
    #[must_use]
    pub fn new(path: &str, bytes: u64) -> Self {
        Self {
            path: path.to_owned(),
            archive: None,
            output: None,
            outcome: SlimOutcome::NothingToGain,
            reasons: Vec::new(),
            proven: false,
            old_bytes: bytes,
            new_bytes: bytes,
            saved_bytes: 0,
            steps: Vec::new(),
            findings: Vec::new(),
            left: Vec::new(),
            lost: Vec::new(),
            problems: Vec::new(),
        }
    }

    /// There is no smaller model, for these reasons.
    #[must_use]
    pub fn without(mut self, outcome: SlimOutcome, reasons: Vec<String>) -> Self {
        (self.outcome, self.reasons) = (outcome, reasons);
        (self.output, self.new_bytes, self.saved_bytes) = (None, self.old_bytes, 0);
        self.steps.clear();
        self.findings.clear();
        self.lost.clear();
        self
    }
}

impl SlimReport {
    /// A report without models.
    #[must_use]
    pub fn new(level: SlimLevel, output: &str) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            tool: Tool::default(),
            level,
            output: output.to_owned(),
            written: false,
            packed_bytes: None,
            old_bytes: 0,
            new_bytes: 0,
            saved_bytes: 0,
            steps: Vec::new(),
            models: Vec::new(),
            unreadable: Vec::new(),
        }
    }

    /// Makes the sums over the models that become smaller.
    pub fn add_up(&mut self) {
        let smaller = || self.models.iter().filter(|model| model.outcome == SlimOutcome::Smaller);
        let sum = |bytes: fn(&SlimModel) -> u64| smaller().map(bytes).fold(0, u64::saturating_add);
        let (old, new, saved) = (sum(|it| it.old_bytes), sum(|it| it.new_bytes), sum(|it| it.saved_bytes));
        let saving = |step: SlimStep| {
            let savings: Vec<_> = smaller().flat_map(|model| &model.steps).filter(|it| it.step == step).collect();
            let saved_bytes = savings.iter().map(|saving| saving.saved_bytes).fold(0, i64::saturating_add);
            let message = match savings.as_slice() {
                [one] => one.message.clone(),
                several => format!("in {}", plural(several.len() as u64, "model", "models")),
            };
            let files = if let [one] = savings.as_slice() { one.files.clone() } else { Vec::new() };
            (!savings.is_empty()).then_some(SlimSaving { step, saved_bytes, message, files })
        };
        self.steps = SlimStep::ALL.into_iter().filter_map(saving).collect();
        (self.old_bytes, self.new_bytes, self.saved_bytes) = (old, new, saved);
    }

    /// The exit code: the largest of all models. One that has nothing to gain is no failure beside others that become smaller.
    #[must_use]
    pub fn exit(&self) -> Exit {
        let is_smaller = self.models.iter().any(|model| model.outcome == SlimOutcome::Smaller);
        let of_model = |model: &SlimModel| match model.outcome {
            SlimOutcome::Smaller => Exit::Audited,
            SlimOutcome::NothingToGain if is_smaller => Exit::Audited,
            SlimOutcome::NothingToGain | SlimOutcome::NotProven | SlimOutcome::Changed => Exit::RuleBroken,
            SlimOutcome::Refused => Exit::Unreadable,
        };
        let of_input = |input: &UnreadableInput| if input.is_internal { Exit::Internal } else { Exit::Unreadable };
        self.models.iter().map(of_model).chain(self.unreadable.iter().map(of_input)).max().unwrap_or(Exit::Audited)
    }

    /// Writes the report as one document.
    ///
    /// # Errors
    /// When `out` cannot be written to.
    pub fn write_json(&self, out: &mut dyn Write) -> io::Result<()> {
        safe_json::document(self, out)
    }
}
