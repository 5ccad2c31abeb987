//! What `smaudit slim` did, or would do: as data, as JSON, and as text.

use std::io::{self, Write};

use anstyle::Style;
use schemars::JsonSchema;
use serde::Serialize;

use super::fit::fit_said;
use super::{SCHEMA_VERSION, Tool, UnreadableInput, safe_json};
use crate::checkpoint::layout::INDEX;
use crate::escape::{escape, escape_text};
use crate::exit::Exit;
use crate::problem::Problem;
use crate::size::{both, bytes, exact, plural, share};

const HEADING: Style = Style::new().bold();

/// How many problems, reasons and things left as they are the text has of a model; the JSON has all.
const SHOWN: usize = 8;

/// The last line of what holds the tensors of two checkpoints, `a` and `b`, against each other.
const SAME_TENSORS: &str = "  assert all(tf.io.serialize_tensor(a.get_tensor(k)) == tf.io.serialize_tensor(b.get_tensor(k)) \
                            for k in a.get_variable_to_shape_map())";

/// The last lines of what holds the results of two models' signatures, `a` and `b`, against each other.
const SAME_OUTPUTS: &str = "  x = {k: {n: tf.zeros([d or 1 for d in s.shape], s.dtype) for n, s in \
                            f.structured_input_signature[1].items()} for k, f in b.items()}\n  assert \
                            all(tf.reduce_all(v == b[k](**x[k])[n]) for k in b for n, v in a[k](**x[k]).items())";

/// What a smaller model may do without.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SlimLevel {
    /// Nothing: everything that loads, trains, saves or converts the model does so as before.
    #[default]
    Safe,
    /// Training state, custom gradients, initial values and saving in a session: every signature and every function that can be
    /// called gives the same.
    Inference,
    /// All that the kept signatures do not need: these give the same in Python and in sessions.
    Serving,
}

impl SlimLevel {
    /// All levels, the least first.
    pub const ALL: [Self; 3] = [Self::Safe, Self::Inference, Self::Serving];

    /// What it is called.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Safe => "safe",
            Self::Inference => "inference",
            Self::Serving => "serving",
        }
    }

    /// What it promises.
    #[must_use]
    pub fn about(self) -> &'static str {
        match self {
            Self::Safe => "everything that loads, trains, saves or converts the model does so as before",
            Self::Inference => "every signature and every function gives the same; training cannot go on",
            Self::Serving => "the kept signatures give the same in Python and in sessions; other functions are gone",
        }
    }
}

/// A way to make a model smaller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum SlimStep {
    /// A main file in text is written in binary.
    TextMainFile,
    /// Metagraphs of other tags are left out.
    Metagraphs,
    /// Nodes, functions and items of collections that nothing reaches are left out.
    Unreached,
    /// What only saving in a session needs is left out.
    SaverSave,
    /// Gradients that are registered and functions that only training calls are left out.
    Gradients,
    /// Stack traces are left out.
    DebugInfo,
    /// Signatures that are not asked for, and functions that no kept one needs, are left out.
    OtherFunctions,
    /// Keras' own metadata are left out.
    KerasMetadata,
    /// Nodes of functions that nothing runs are left out.
    DeadNodes,
    /// Functions that only call another one are passed by.
    Forward,
    /// Functions that do the same become one.
    Fold,
    /// Variables that no signature and no function reads are left out.
    UnreadVariables,
    /// The copy that Python has of a variable is the one that a session reads.
    Twins,
    /// Objects of Python that no kept signature needs are left out.
    OtherObjects,
    /// Definitions of ops that no node is of are left out.
    UnusedOps,
    /// Initial values of variables that are restored become placeholders.
    InitialValues,
    /// Shapes of nodes in functions, and names of arguments, are left out. Only where that is asked for.
    Strip,
    /// Files that no loader reads are left out.
    StaleFiles,
    /// Assets of one content share a file.
    EqualAssets,
    /// Bytes of shards that no tensor claims are left out.
    UnusedData,
    /// Tensors of one content share a range of a shard, and tensors of zeros one of zeros.
    Alias,
}

impl SlimStep {
    /// All steps, in the order in which they are taken.
    pub const ALL: [Self; 21] = [
        Self::TextMainFile,
        Self::Metagraphs,
        Self::Unreached,
        Self::SaverSave,
        Self::Gradients,
        Self::DebugInfo,
        Self::OtherFunctions,
        Self::KerasMetadata,
        Self::DeadNodes,
        Self::Forward,
        Self::Fold,
        Self::UnreadVariables,
        Self::Twins,
        Self::OtherObjects,
        Self::InitialValues,
        Self::UnusedOps,
        Self::Strip,
        Self::StaleFiles,
        Self::EqualAssets,
        Self::UnusedData,
        Self::Alias,
    ];

    /// What it is called.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::TextMainFile => "text-main-file",
            Self::Metagraphs => "metagraphs",
            Self::Unreached => "unreached",
            Self::SaverSave => "saver-save",
            Self::Gradients => "gradients",
            Self::DebugInfo => "debug-info",
            Self::OtherFunctions => "other-functions",
            Self::KerasMetadata => "keras-metadata",
            Self::DeadNodes => "dead-nodes",
            Self::Forward => "forward",
            Self::Fold => "fold",
            Self::UnreadVariables => "unread-variables",
            Self::Twins => "twins",
            Self::OtherObjects => "other-objects",
            Self::UnusedOps => "unused-ops",
            Self::InitialValues => "initial-values",
            Self::Strip => "strip",
            Self::StaleFiles => "stale-files",
            Self::EqualAssets => "equal-assets",
            Self::UnusedData => "unused-data",
            Self::Alias => "alias",
        }
    }

    /// What it does.
    #[must_use]
    pub fn about(self) -> &'static str {
        match self {
            Self::TextMainFile => "write a main file that is text in binary",
            Self::Metagraphs => "leave out metagraphs of other tags",
            Self::Unreached => "leave out nodes and functions that nothing reaches",
            Self::SaverSave => "leave out what only saving in a session needs",
            Self::Gradients => "leave out gradients that are registered, and functions that only training calls",
            Self::DebugInfo => "leave out stack traces",
            Self::OtherFunctions => "leave out functions that no kept signature needs",
            Self::KerasMetadata => "leave out Keras' own metadata",
            Self::DeadNodes => "leave out nodes of functions that nothing runs",
            Self::Forward => "pass by functions that only call another one",
            Self::Fold => "let functions that do the same be one",
            Self::UnreadVariables => "leave out variables that no signature and no function reads",
            Self::Twins => "let Python and a session have one copy of a variable",
            Self::OtherObjects => "leave out objects of Python that no kept signature needs",
            Self::UnusedOps => "leave out definitions of ops that no node is of",
            Self::InitialValues => "empty initial values of variables that are restored",
            Self::Strip => "leave out shapes of nodes in functions, and names of arguments: with --strip only",
            Self::StaleFiles => "leave out files that no loader reads",
            Self::EqualAssets => "let assets of one content share a file",
            Self::UnusedData => "leave out bytes of shards that no tensor claims",
            Self::Alias => "let tensors of one content share their bytes",
        }
    }

    /// The least level that has it.
    #[must_use]
    pub fn level(self) -> SlimLevel {
        match self {
            Self::StaleFiles | Self::EqualAssets | Self::UnusedData | Self::Alias => SlimLevel::Safe,
            Self::Metagraphs | Self::OtherFunctions | Self::KerasMetadata | Self::DeadNodes | Self::OtherObjects => {
                SlimLevel::Serving
            }
            Self::TextMainFile
            | Self::Unreached
            | Self::SaverSave
            | Self::Gradients
            | Self::DebugInfo
            | Self::UnusedOps
            | Self::Forward
            | Self::Fold
            | Self::UnreadVariables
            | Self::Twins
            | Self::InitialValues
            | Self::Strip => SlimLevel::Inference,
        }
    }

    /// What a model does not have any more after it; `None` of one that takes nothing away.
    #[must_use]
    pub fn loses(self) -> Option<&'static str> {
        Some(match self {
            Self::TextMainFile => "saved_model.pbtxt, the main file as text",
            Self::Metagraphs => "metagraphs of other tags",
            Self::Unreached => "nodes that nothing reaches, which a session could run by their names",
            Self::SaverSave => "saving in a v1 session: `Saver.save` fails, restoring works",
            Self::Gradients => "custom gradients: asking for one is an error",
            Self::DebugInfo => "stack traces of the program that made the model",
            Self::OtherFunctions => "functions that Python could call, other than those of signatures",
            Self::KerasMetadata => "loading with tf_keras, which wants keras_metadata.pb",
            Self::DeadNodes => "nodes of functions that nothing runs",
            Self::OtherObjects => "objects of Python, as layers, that no kept signature needs",
            Self::Forward => "functions that only call another one, which a session could call by their names",
            Self::Fold => "functions that do what others do, which a session could call by their names",
            Self::UnreadVariables => "variables that nothing reads: training cannot go on where it ended",
            Self::Twins => "the second of two objects that were one variable",
            Self::Strip => "shapes of nodes in functions, which loaders find again, and what messages call arguments",
            Self::InitialValues => "initial values: running an initializer asks to be fed",
            Self::StaleFiles | Self::EqualAssets | Self::UnusedData | Self::Alias | Self::UnusedOps => {
                return None;
            }
        })
    }
}

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
    /// By how much the files become smaller.
    pub saved_bytes: u64,
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
            let saved_bytes = savings.iter().map(|saving| saving.saved_bytes).fold(0, u64::saturating_add);
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

    /// Writes the report for a person, in so many columns.
    ///
    /// # Errors
    /// When `out` cannot be written to.
    pub fn write_text(&self, columns: usize, out: &mut dyn Write) -> io::Result<()> {
        let mut out = io::BufWriter::new(out);
        for model in &self.models {
            self.model(model, columns, &mut out)?;
        }
        if self.models.len() > 1 {
            self.totals(&mut out)?;
        }
        self.ending(&mut out)?;
        out.flush()
    }

    fn model(&self, model: &SlimModel, columns: usize, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{HEADING}{}{HEADING:#}", escape(&model.path))?;
        match model.outcome {
            SlimOutcome::Smaller => {
                let (old, new) = (both(model.old_bytes), both(model.new_bytes));
                writeln!(out, "{old} → {new}, {} smaller", share(model.saved_bytes, model.old_bytes))?;
                for saving in &model.steps {
                    let (step, saved) = (saving.step.name(), exact(saving.saved_bytes));
                    writeln!(out, "{}", fit_said(&format!("  {step:<16}{saved:>14}  {}", saving.message), columns))?;
                }
                for finding in &model.findings {
                    let (saved, claimed) = (exact(finding.saved_bytes), exact(finding.bytes));
                    let said = format!("  of finding {}: {saved} of {claimed} bytes", finding.id);
                    writeln!(out, "{}", fit_said(&said, columns))?;
                }
                if model.lost.is_empty() {
                    writeln!(out, "  lost: nothing; {}", self.level.about())?;
                }
                model.lost.iter().try_for_each(|lost| writeln!(out, "  lost: {}", escape_text(lost)))?;
                if model.proven {
                    let held = match self.level {
                        SlimLevel::Safe => "every tensor and file",
                        SlimLevel::Inference => "what can be called",
                        SlimLevel::Serving => "what is served",
                    };
                    writeln!(out, "  proven: read back, {held} held against the model's")?;
                }
            }
            SlimOutcome::NothingToGain => writeln!(out, "nothing to gain at level {}", self.level.name())?,
            SlimOutcome::NotProven => writeln!(out, "not written: the result was not proven to be the same")?,
            SlimOutcome::Changed => writeln!(out, "not written: the model changed meanwhile")?,
            SlimOutcome::Refused => writeln!(out, "refused")?,
        }
        let left = model.left.iter().map(|left| format!("left as it is: {left}"));
        let problems = model.problems.iter().map(ToString::to_string);
        let mut lines: Vec<String> = model.reasons.iter().cloned().chain(problems).chain(left).collect();
        if let Some(more @ 1..) = lines.len().checked_sub(SHOWN) {
            lines.truncate(SHOWN);
            lines.push(format!("{more} more, all of them with --json"));
        }
        lines.iter().try_for_each(|line| writeln!(out, "  {}", escape_text(line)))?;
        writeln!(out)
    }

    fn totals(&self, out: &mut dyn Write) -> io::Result<()> {
        let smaller = self.models.iter().filter(|model| model.outcome == SlimOutcome::Smaller).count();
        let (all, saved) = (self.models.len(), bytes(self.saved_bytes));
        writeln!(out, "{HEADING}total{HEADING:#}")?;
        writeln!(
            out,
            "{smaller} of {all} models become smaller: {} → {}, {saved} saved\n",
            both(self.old_bytes),
            both(self.new_bytes)
        )
    }

    fn ending(&self, out: &mut dyn Write) -> io::Result<()> {
        let smaller = self.models.iter().find(|model| model.outcome == SlimOutcome::Smaller);
        match smaller {
            Some(_) if !self.written => {
                writeln!(out, "nothing was written; without --dry-run: {}", escape(&self.output))
            }
            Some(model) => {
                let output = model.output.as_ref().unwrap_or(&self.output);
                let packed = self.packed_bytes.map(|_| &*self.output);
                let (old, new) = (python(&model.path, model.archive.as_deref()), python(output, packed));
                let size = self.packed_bytes.map(|size| format!(", {}", both(size))).unwrap_or_default();
                writeln!(out, "written: {}{size}\n\nto check it with TensorFlow:", escape(&self.output))?;
                writeln!(out, "  import tensorflow as tf")?;
                let archives: Vec<&str> = [model.archive.as_deref(), packed].into_iter().flatten().collect();
                if !archives.is_empty() {
                    writeln!(out, "  import shutil")?;
                }
                for archive in archives {
                    let (from, to) = (python(archive, None), python(archive, Some(archive)));
                    writeln!(out, "  shutil.unpack_archive({from}, {to})")?;
                }
                if self.level > SlimLevel::Safe {
                    writeln!(out, "  a, b = (tf.saved_model.load(d).signatures for d in ({old}, {new}))")?;
                    return writeln!(out, "{SAME_OUTPUTS}");
                }
                if model.steps.iter().flat_map(|saving| &saving.files).all(|file| file.path != INDEX) {
                    return writeln!(out, "  print(tf.saved_model.load({new}).signatures)");
                }
                writeln!(
                    out,
                    "  a, b = (tf.train.load_checkpoint(d + '/variables/variables') for d in ({old}, {new}))"
                )?;
                writeln!(out, "{SAME_TENSORS}")
            }
            None => writeln!(out, "nothing was written"),
        }
    }
}

/// A path as Python has it, of something in an archive where that was unpacked to.
fn python(path: &str, archive: Option<&str>) -> String {
    let below = archive.and_then(|archive| Some((archive, path.strip_prefix(archive)?)));
    let text = below.map_or_else(|| path.to_owned(), |(archive, below)| format!("{archive}.unpacked{below}"));
    format!("'{}'", escape(&text).replace('\\', "\\\\").replace('\'', "\\'"))
}
