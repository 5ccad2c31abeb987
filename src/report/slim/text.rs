//! What `smaudit slim` did, or would do, as text.

use std::io::{self, Write};

use anstyle::Style;

use super::{SlimLevel, SlimModel, SlimOutcome, SlimReport};
use crate::checkpoint::layout::INDEX;
use crate::escape::{escape, escape_text};
use crate::report::fit::fit_said;
use crate::size::{both, bytes, exact, share};

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

impl SlimReport {
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
                let wide = model.steps.iter().map(|saving| saving.step.name().len()).fold(16, usize::max);
                for saving in &model.steps {
                    let (step, saved) = (saving.step.name(), signed(saving.saved_bytes));
                    writeln!(out, "{}", fit_said(&format!("  {step:<wide$}{saved:>14}  {}", saving.message), columns))?;
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

/// A number of bytes, below zero where files become larger.
fn signed(bytes: i64) -> String {
    let sign = if bytes < 0 { "-" } else { "" };
    format!("{sign}{}", exact(bytes.unsigned_abs()))
}

/// A path as Python has it, of something in an archive where that was unpacked to.
fn python(path: &str, archive: Option<&str>) -> String {
    let below = archive.and_then(|archive| Some((archive, path.strip_prefix(archive)?)));
    let text = below.map_or_else(|| path.to_owned(), |(archive, below)| format!("{archive}.unpacked{below}"));
    format!("'{}'", escape(&text).replace('\\', "\\\\").replace('\'', "\\'"))
}
