//! `smaudit.toml`: rules, what may stay nevertheless, and defaults for the command line.
//!
//! `docs/ci.md` is its reference. Whatever is not understood is an error, as a rule that is not read is one that
//! nobody misses: unknown keys, limits that cannot be, patterns that are none.

use std::fmt::Display;
use std::ops::Range;
use std::str::FromStr;

use serde::de::{Deserialize, Deserializer, Error as _};
use thiserror::Error;
use toml::{Spanned, Value};

use super::limit::{Wanted, Why, size};
use super::{Allow, Glob, Limit, LimitError, Metric, PathGlob, Rule, RuleError, Rules, Source};
use crate::ledger::{Dimension, check_by};
use crate::report::{ConfigFile, Level};

/// The most rules, and the most that is allowed: each is held against all that a model has.
const ENTRIES: usize = 1000;

/// The most characters of a line that are quoted.
const QUOTED: usize = 80;

/// What a configuration file says.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// What the command line is taken to say where it does not.
    pub defaults: Defaults,
    /// The rules and the allow-list.
    pub rules: Rules,
}

/// What the command line is taken to say where it does not: `[defaults]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Defaults {
    /// `--by`.
    pub by: Option<Vec<Dimension>>,
    /// `--top`.
    pub top: Option<usize>,
    /// `--min-duplicate`.
    pub min_duplicate: Option<u64>,
}

/// What is wrong with a configuration file, and where.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{file}:{line}: {quoted}{message}")]
pub struct ConfigError {
    file: String,
    /// From 1.
    line: usize,
    /// The line, which has the key that is meant.
    quoted: String,
    message: String,
}

impl ConfigError {
    /// The same without a word of what is in the file: for one that is not the user's own, which may be anything that somebody
    /// wants to be shown.
    #[must_use]
    pub fn without_contents(self) -> Self {
        let message = "is not understood; it is not shown, as the file is somebody else's".to_owned();
        Self { quoted: String::new(), message, ..self }
    }
}

/// The file as it is written.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    defaults: DefaultsTable,
    #[serde(default)]
    rule: Vec<Spanned<RuleTable>>,
    #[serde(default)]
    allow: Vec<Spanned<AllowTable>>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct DefaultsTable {
    by: Option<By>,
    top: Option<usize>,
    min_duplicate: Option<Size>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleTable {
    metric: Read<Metric>,
    limit: Limits,
    floor: Option<Size>,
    #[serde(default)]
    level: Level,
    reason: Option<String>,
    models: Option<Read<PathGlob>>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct AllowTable {
    group: Read<Glob>,
    reason: Reason,
}

/// What is read from a string.
#[derive(Debug)]
struct Read<T>(T);

impl<'de, T: FromStr<Err: Display>> Deserialize<'de> for Read<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map(Self).map_err(D::Error::custom)
    }
}

/// What a breakdown is by.
#[derive(Debug)]
struct By(Vec<Dimension>);

impl<'de> Deserialize<'de> for By {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let by = Vec::<Read<Dimension>>::deserialize(deserializer)?;
        let by = by.into_iter().map(|Read(dimension)| dimension).collect::<Vec<_>>();
        check_by(&by).map_err(D::Error::custom)?;
        Ok(Self(by))
    }
}

/// Why something may stay: it has to say so.
#[derive(Debug)]
struct Reason(String);

impl<'de> Deserialize<'de> for Reason {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let reason = String::deserialize(deserializer)?;
        let says_nothing = reason.trim().is_empty();
        if says_nothing { Err(D::Error::custom("say why these duplicates may stay")) } else { Ok(Self(reason)) }
    }
}

/// A size: a number of bytes, or one with a unit in a string.
#[derive(Debug)]
struct Size(u64);

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = match Value::deserialize(deserializer)? {
            Value::String(text) => size(&text),
            other => bytes(&other, Wanted::Size),
        };
        read.map(Self).map_err(D::Error::custom)
    }
}

/// One limit or a list of them.
#[derive(Debug)]
struct Limits(Vec<Limit>);

impl<'de> Deserialize<'de> for Limits {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let limit = |value: &Value| match value {
            Value::String(text) => text.parse(),
            other => bytes(other, Wanted::Limit).map(Limit::of_bytes),
        };
        let limits: Result<_, LimitError> = match Value::deserialize(deserializer)? {
            Value::Array(values) => values.iter().map(limit).collect(),
            value => limit(&value).map(|limit| vec![limit]),
        };
        limits.map(Self).map_err(D::Error::custom)
    }
}

/// What is no string, as a number of bytes.
fn bytes(value: &Value, wanted: Wanted) -> Result<u64, LimitError> {
    let error = |text: String, why| LimitError { text, why, wanted };
    match value {
        Value::Integer(number) => u64::try_from(*number).map_err(|_| error(number.to_string(), Why::Negative)),
        Value::Float(number) if number.is_finite() => Err(error(format!("{number:?}"), Why::Fraction)),
        Value::Float(number) => Err(error(number.to_string(), Why::NoNumber)),
        other => Err(error(other.type_str().to_owned(), Why::NoNumber)),
    }
}

impl Config {
    /// Reads the text of `file`, which is only named in messages.
    ///
    /// # Errors
    /// When it is no TOML, or anything in it is not understood.
    pub fn parse(text: &str, file: &str) -> Result<Self, ConfigError> {
        let place = Place::new(text, file);
        let read: File = toml::from_str(text).map_err(|error| {
            // Where there is no span the file as a whole is meant.
            place.error(error.span().unwrap_or_default(), error.message())
        })?;
        for (what, count) in [("[[rule]]", read.rule.len()), ("[[allow]]", read.allow.len())] {
            if count > ENTRIES {
                return Err(place.error(0..0, &format!("it has {count} {what}; {ENTRIES} are the most")));
            }
        }
        let by = read.defaults.by.map(|By(by)| by);
        let defaults =
            Defaults { by, top: read.defaults.top, min_duplicate: read.defaults.min_duplicate.map(|Size(size)| size) };
        let rule = |rule: Spanned<RuleTable>| {
            let span = rule.span();
            let source = Source::File(place.file.to_owned(), place.line(span.start) as u64);
            rule.into_inner().rule(source).map_err(|error| place.error(span, &error.to_string()))
        };
        let allow = |allow: Spanned<AllowTable>| {
            let source = place.source(&allow.span());
            let AllowTable { group: Read(group), reason: Reason(reason) } = allow.into_inner();
            Allow { group, reason, source }
        };
        let rules = read.rule.into_iter().map(rule).collect::<Result<Vec<_>, _>>()?;
        // A file of nothing but defaults has no say in a report.
        let says = !rules.is_empty() || !read.allow.is_empty();
        let config = says.then(|| ConfigFile { file: file.to_owned(), rules: rules.len() as u64 });
        Ok(Self { defaults, rules: Rules { rules, allow: read.allow.into_iter().map(allow).collect(), config } })
    }
}

impl RuleTable {
    fn rule(self, source: Source) -> Result<Rule, RuleError> {
        let floor = self.floor.map(|Size(size)| size);
        let mut rule = Rule::new(self.metric.0, self.limit.0, floor, source)?;
        rule.level = self.level;
        rule.reason = self.reason.filter(|reason| !reason.trim().is_empty());
        rule.models = self.models.map(|Read(models)| models);
        Ok(rule)
    }
}

/// The file that is being read.
struct Place<'t> {
    text: &'t str,
    file: &'t str,
    /// Where its lines end: to count them for each entry would be to read the text for each.
    ends: Vec<usize>,
}

impl<'t> Place<'t> {
    fn new(text: &'t str, file: &'t str) -> Self {
        Self { text, file, ends: memchr::memchr_iter(b'\n', text.as_bytes()).collect() }
    }

    /// `smaudit.toml:3`.
    fn source(&self, span: &Range<usize>) -> String {
        format!("{}:{}", self.file, self.line(span.start))
    }

    fn line(&self, at: usize) -> usize {
        self.ends.partition_point(|end| *end < at) + 1
    }

    fn error(&self, span: Range<usize>, message: &str) -> ConfigError {
        let line = self.line(span.start);
        let quoted: String = self.text.lines().nth(line - 1).unwrap_or_default().trim().chars().take(QUOTED).collect();
        let quoted = if quoted.is_empty() { quoted } else { quoted + ": " };
        ConfigError { file: self.file.to_owned(), line, quoted, message: message.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, String> {
        Config::parse(text, "smaudit.toml").map_err(|error| error.to_string())
    }

    /// A rule of a metric, a limit and more.
    fn rule(rest: &str) -> Result<Config, String> {
        parse(&format!("# rules\n[[rule]]\nmetric = \"duplication\"\n{rest}\n"))
    }

    #[test]
    fn an_empty_file_says_nothing() {
        let config = parse("").unwrap();
        assert_eq!(config.defaults, Defaults::default());
        assert!(config.rules.rules.is_empty() && config.rules.allow.is_empty());
    }

    #[test]
    fn everything_that_can_be_said_is_read() {
        let config = parse(
            r#"
            [defaults]
            by = ["section", "scope", "scope"]
            top = 0
            min-duplicate = "4KiB"

            [[rule]]
            metric = "variable:optimizer/*"
            limit = ["5%", 5_000]
            floor = "1kB"
            level = "warn"
            reason = "an optimizer is for training"
            models = "export-*"

            [[allow]]
            group = "kernel*"
            reason = "asked for twice"
            "#,
        )
        .unwrap();
        let by = vec![Dimension::Section, Dimension::Scope, Dimension::Scope];
        assert_eq!(config.defaults, Defaults { by: Some(by), top: Some(0), min_duplicate: Some(4096) });
        let [rule] = config.rules.rules.as_slice() else { panic!("{config:?}") };
        assert_eq!((rule.level, rule.reason.as_deref()), (Level::Warn, Some("an optimizer is for training")));
        assert_eq!(rule.source.to_string(), "smaudit.toml:7");
        assert!(rule.is_for("./export-1") && !rule.is_for("./train-1"));
        let [allow] = config.rules.allow.as_slice() else { panic!("{config:?}") };
        assert_eq!((allow.reason.as_str(), allow.source.as_str()), ("asked for twice", "smaudit.toml:15"));
        assert!(allow.group.matches("kernel:0"));
    }

    #[test]
    fn every_metric_has_a_name() {
        let named = ["duplication", "structural-duplication", "between-meta-graphs", "total", "function:f*"];
        for name in named.into_iter().chain(crate::ledger::Category::ALL.map(crate::ledger::Category::name)) {
            let config = parse(&format!("[[rule]]\nmetric = \"{name}\"\nlimit = 1")).unwrap();
            assert_eq!(config.rules.rules.len(), 1, "{name}");
            assert_eq!(name.parse::<Metric>().unwrap().to_string(), name);
        }
    }

    #[test]
    fn a_limit_is_a_string_or_a_number_of_bytes() {
        for limit in ["\"5%\"", "\"10MB\"", "0", "5000", "[\"5%\", 10]", "[\"10MB\", \"5%\"]", "[\"5%\"]"] {
            assert!(rule(&format!("limit = {limit}")).is_ok(), "{limit}");
        }
    }

    /// What is wrong in a rule's fourth line, and the end of what is said of it.
    #[test]
    fn what_is_wrong_in_a_rule_is_named_with_its_line() {
        let wanted = "write a share of the model as `5%`, or a size as `10MB`, `10MiB` or `5000`";
        for (line, message) in [
            ("limit = \"5\u{2030}\"", format!("`5\u{2030}` is no number; {wanted}")),
            ("limit = -1", format!("`-1` is negative; {wanted}")),
            ("limit = 0.05", format!("`0.05` is no whole number of bytes; {wanted}")),
            ("limit = 5.0", format!("`5.0` is no whole number of bytes; {wanted}")),
            ("limit = nan", format!("`NaN` is no number; {wanted}")),
            ("limit = inf", format!("`inf` is no number; {wanted}")),
            ("limit = true", format!("`boolean` is no number; {wanted}")),
            ("limit = \"\"", format!("`` says no limit; {wanted}")),
            ("limit = \"101%\"", format!("`101%` is more than the whole model; {wanted}")),
            ("limit = [\"5%\", -1]", format!("`-1` is negative; {wanted}")),
            (
                "limit = \"5%\"\nfloor = \"5%\"",
                "`5%` is no number; write a size as `10MB`, `10MiB` or `5000`".to_owned(),
            ),
            ("limit = 5\nlevel = \"error\"", "unknown variant `error`, expected `warn` or `fail`".to_owned()),
            (
                "limit = 5\nmodels = \"a[\"",
                "invalid range pattern at character 2; write `[[]` for a bracket".to_owned(),
            ),
            ("limit = 5\nmodels = \"\"", "`` is no pattern: it matches nothing".to_owned()),
            ("limit = 5\nreason = 5", "invalid type: integer `5`, expected a string".to_owned()),
            (
                "limt = 5",
                "unknown field `limt`, expected one of `metric`, `limit`, `floor`, `level`, `reason`, `models`"
                    .to_owned(),
            ),
        ] {
            let error = rule(line).unwrap_err();
            let last = line.lines().last().unwrap();
            let number = 3 + line.lines().count();
            assert!(error.starts_with(&format!("smaudit.toml:{number}: {last}: ")), "{error}");
            assert!(error.ends_with(&message), "{error}");
        }
    }

    #[test]
    fn a_rule_that_cannot_be_is_named_with_its_first_line() {
        let limits = "limits are one, or a share and a size; of two shares or two sizes only the smaller would count";
        for (metric, line, message) in [
            ("duplication", "limit = []", limits),
            ("duplication", "limit = [\"5%\", \"6%\"]", limits),
            ("duplication", "limit = [5, \"6kB\"]", limits),
            ("duplication", "limit = [\"5%\", \"6kB\", 7]", limits),
            ("duplication", "limit = 5\nfloor = 5", "a floor is for a share (`5%`): a size is exceeded or it is not"),
            (
                "total",
                "limit = \"5%\"",
                "`5%` of the total is no limit, as the total is always 100% of itself; write a size as `10MB`",
            ),
            ("duplication", "reason = \"none\"", "missing field `limit`"),
        ] {
            let error = parse(&format!("\n[[rule]]\nmetric = \"{metric}\"\n{line}")).unwrap_err();
            assert_eq!(error, format!("smaudit.toml:2: [[rule]]: {message}"));
        }
    }

    #[test]
    fn what_is_wrong_elsewhere_is_named_too() {
        for (text, message) in [
            (
                "[[rules]]",
                "smaudit.toml:1: [[rules]]: unknown field `rules`, expected one of `defaults`, `rule`, `allow`",
            ),
            ("[rule]\nmetric = \"total\"", "smaudit.toml:1: [rule]: invalid type: map, expected a sequence"),
            (
                "[defaults]\nformat = \"json\"",
                "smaudit.toml:2: format = \"json\": unknown field `format`, expected one of `by`, `top`, `min-duplicate`",
            ),
            (
                "[defaults]\nby = []",
                "smaudit.toml:2: by = []: names no dimension; leave it out to break down by category",
            ),
            (
                "[defaults]\nby = [\"op\", \"op\"]",
                "smaudit.toml:2: by = [\"op\", \"op\"]: names op twice; only scope may be repeated, each time one folder deeper",
            ),
            ("[defaults]\ntop = -1", "smaudit.toml:2: top = -1: invalid value: integer `-1`, expected usize"),
            ("[[allow]]\nreason = \"x\"", "smaudit.toml:1: [[allow]]: missing field `group`"),
            ("[[allow]]\ngroup = \"x\"", "smaudit.toml:1: [[allow]]: missing field `reason`"),
            (
                "[[allow]]\ngroup = \"x\"\nreason = \" \"",
                "smaudit.toml:3: reason = \" \": say why these duplicates may stay",
            ),
            ("metric = ", "smaudit.toml:1: metric =: "),
            ("[[rule]]\nlimit = 1\nlimit = 2", "smaudit.toml:3: limit = 2: duplicate key"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.starts_with(message), "{error}");
        }
        let error = parse("[defaults]\nby = [\"ops\"]").unwrap_err();
        assert!(
            error.starts_with(
                "smaudit.toml:2: by = [\"ops\"]: unknown dimension `ops`; did you mean `op`?; use one of category, "
            ),
            "{error}"
        );
        let error = parse("[[rule]]\nmetric = \"duplicates\"\nlimit = 5").unwrap_err();
        let expected = "smaudit.toml:2: metric = \"duplicates\": unknown metric `duplicates`; did you mean";
        assert!(error.starts_with(expected), "{error}");
    }
}
