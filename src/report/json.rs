//! The report as JSON, schema_version 1, the answer of `smaudit why` alike, and the JSON Schemas of both.

use std::io::{self, Write};

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Serialize;

use super::safe_json::{document, line};
use super::{Baseline, DiffReport, ModelReport, Report, SlimReport, UnreadableInput, View, WhyReport};

/// Writes `report` as one document and a newline. It is complete, whatever the view.
///
/// # Errors
/// When `out` cannot be written to.
pub(super) fn write(report: &Report, _: &View, out: &mut dyn Write) -> io::Result<()> {
    document(report, out)
}

/// Writes a model as a line, an entry of `models` in the JSON report.
///
/// # Errors
/// When `out` cannot be written to.
pub fn write_line(model: &ModelReport, out: &mut dyn Write) -> io::Result<()> {
    line(model, out)
}

/// Writes an input that could not be read as a line.
///
/// # Errors
/// When `out` cannot be written to.
pub fn write_unreadable_line(input: &UnreadableInput, out: &mut dyn Write) -> io::Result<()> {
    line(&UnreadableLine::from(input), out)
}

/// Writes a line for each model, and one for each input that could not be read.
///
/// # Errors
/// When `out` cannot be written to.
pub(super) fn write_lines(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut out = io::BufWriter::new(out);
    report.models.iter().try_for_each(|model| write_line(model, &mut out))?;
    report.unreadable.iter().try_for_each(|input| write_unreadable_line(input, &mut out))?;
    out.flush()
}

/// An input that could not be read, on a line of its own.
#[derive(Serialize)]
struct UnreadableLine<'a> {
    path: &'a str,
    error: &'a str,
}

impl<'a> From<&'a UnreadableInput> for UnreadableLine<'a> {
    fn from(input: &'a UnreadableInput) -> Self {
        Self { path: &input.path, error: &input.message }
    }
}

/// The JSON Schema (draft 2020-12) of the JSON report.
#[must_use]
pub fn schema() -> String {
    schema_of::<Report>()
}

/// The JSON Schema (draft 2020-12) of what `smaudit why --json` writes.
#[must_use]
pub fn why_schema() -> String {
    schema_of::<WhyReport>()
}

/// The JSON Schema (draft 2020-12) of what `smaudit baseline` writes.
#[must_use]
pub fn baseline_schema() -> String {
    schema_of::<Baseline>()
}

/// The JSON Schema (draft 2020-12) of what `smaudit slim --json` writes.
#[must_use]
pub fn slim_schema() -> String {
    schema_of::<SlimReport>()
}

/// The JSON Schema (draft 2020-12) of what `smaudit diff --json` writes.
#[must_use]
pub fn diff_schema() -> String {
    schema_of::<DiffReport>()
}

fn schema_of<T: JsonSchema>() -> String {
    let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let schema = generator.into_root_schema_for::<T>();
    format!("{:#}\n", schema.as_value())
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::escape::is_unsafe;
    use crate::report::sample;

    fn written(report: &Report) -> String {
        let mut out = Vec::new();
        write(report, &View::default(), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn it_is_one_document_that_its_schema_accepts() {
        let document: Value = serde_json::from_str(&written(&sample::report())).unwrap();
        let schema: Value = serde_json::from_str(&schema()).unwrap();
        let errors: Vec<String> =
            jsonschema::validator_for(&schema).unwrap().iter_errors(&document).map(|e| e.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}");
    }

    #[test]
    fn the_schema_refuses_a_report_that_lacks_a_key_or_has_a_string_for_a_size() {
        let schema: Value = serde_json::from_str(&schema()).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let whole = serde_json::to_value(sample::report()).unwrap();
        let mut lacking = whole.clone();
        lacking["models"][0].as_object_mut().unwrap().remove("checkpoint");
        assert!(!validator.is_valid(&lacking));
        let mut human = whole;
        human["models"][0]["total_bytes"] = "1.8 MB".into();
        assert!(!validator.is_valid(&human));
    }

    #[test]
    fn it_is_laid_out_as_serde_json_does_it() {
        let report = sample::report();
        assert_eq!(written(&report), serde_json::to_string_pretty(&report).unwrap() + "\n");
    }

    #[test]
    fn characters_that_steer_a_terminal_are_escaped_and_mean_the_same() {
        let mut report = sample::report();
        let name = "a\u{1b}[2J\u{7f}\u{9b}\u{202e}\u{200b}\u{2066}\u{feff}\u{e0041}\"\\ü重";
        report.models[0].path = name.to_owned();
        let json = written(&report);
        let escaped = r#""a\u001b[2J\u007f\u009b\u202e\u200b\u2066\ufeff\udb40\udc41\"\\ü重""#;
        assert!(json.contains(escaped), "{json}");
        assert!(!json.chars().any(|c| is_unsafe(c) && c != '\n'));
        assert_eq!(serde_json::from_str::<Value>(&json).unwrap()["models"][0]["path"], name);
    }

    #[test]
    fn categories_are_keys_by_their_names() {
        let document = serde_json::to_value(sample::report()).unwrap();
        assert_eq!(document["models"][0]["categories"]["graph_def"], 700);
    }
}
