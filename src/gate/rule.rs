//! A rule: what is limited, to how much, in which models, and what happens when it is more.

use std::fmt;

use thiserror::Error;

use super::allow::Allowance;
use super::limit::{Limit, LimitError};
use super::metric::{Measured, Metric, MetricError, category};
use crate::glob::PathGlob;
use crate::report::{Baseline, Level, LimitOutcome, ModelReport, RuleOutcome, Status, percent};

/// What must hold of a model. It does when each of its limits does.
#[derive(Debug, Clone)]
pub struct Rule {
    name: String,
    metric: Metric,
    limits: Vec<Limit>,
    floor: Option<u64>,
    /// What it does when broken.
    pub level: Level,
    /// Why there is the rule.
    pub reason: Option<String>,
    /// The models that it is for; all of them where there is no pattern.
    pub models: Option<PathGlob>,
    /// Where it is.
    pub source: Source,
}

/// Where a rule is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// On the command line: `--max-size`.
    Option(String),
    /// In a file, on this line, from 1 on: `smaudit.toml:3`.
    File(String, u64),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Option(name) => f.write_str(name),
            Self::File(path, line) => write!(f, "{path}:{line}"),
        }
    }
}

/// Why there cannot be such a rule.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RuleError {
    /// The limit is none.
    #[error(transparent)]
    Limit(#[from] LimitError),
    /// What is before the `=` of `--max-size` is no category.
    #[error(transparent)]
    Category(#[from] MetricError),
    /// A share of the total, which is always all of it.
    #[error("`{0}` of the total is no limit, as the total is always 100% of itself; write a size as `10MB`")]
    ShareOfTotal(String),
    /// No limit, more than two, or two of a kind.
    #[error("limits are one, or a share and a size; of two shares or two sizes only the smaller would count")]
    Limits,
    /// A floor without a share above it.
    #[error("a floor is for a share (`5%`): a size is exceeded or it is not")]
    Floor,
}

impl Rule {
    /// A rule that fails, in all models.
    ///
    /// # Errors
    /// When no model could break it, or none could keep it.
    pub fn new(metric: Metric, limits: Vec<Limit>, floor: Option<u64>, source: Source) -> Result<Self, RuleError> {
        let shares = limits.iter().filter(|limit| limit.is_share()).count();
        if limits.is_empty() || shares > 1 || limits.len() - shares > 1 {
            return Err(RuleError::Limits);
        }
        if floor.is_some() && shares == 0 {
            return Err(RuleError::Floor);
        }
        if let (Metric::Total, Some(share)) = (&metric, limits.iter().find(|limit| limit.is_share())) {
            return Err(RuleError::ShareOfTotal(share.to_string()));
        }
        let name = metric.to_string();
        Ok(Self { name, metric, limits, floor, level: Level::Fail, reason: None, models: None, source })
    }

    /// The rule of `--max-avoidable LIMIT`.
    ///
    /// # Errors
    /// When that is no limit.
    pub fn max_avoidable(limit: &str) -> Result<Self, RuleError> {
        Self::of_option("max-avoidable", Metric::Avoidable, limit)
    }

    /// The rule of `--max-growth LIMIT`.
    ///
    /// # Errors
    /// When that is no limit.
    pub fn max_growth(limit: &str) -> Result<Self, RuleError> {
        Self::of_option("max-growth", Metric::Growth(None), limit)
    }

    /// The rule of `--max-duplication LIMIT`.
    ///
    /// # Errors
    /// When that is no limit.
    pub fn max_duplication(limit: &str) -> Result<Self, RuleError> {
        Self::of_option("max-duplication", Metric::Duplication, limit)
    }

    /// A rule of `--max-size [CATEGORY=]LIMIT`.
    ///
    /// # Errors
    /// When that is no category or no limit.
    pub fn max_size(text: &str) -> Result<Self, RuleError> {
        let Some((name, limit)) = text.split_once('=') else {
            return Self::of_option("max-size", Metric::Total, text);
        };
        Self::of_option("max-size", Metric::Category(category(name.trim())?), limit)
    }

    fn of_option(option: &str, metric: Metric, limit: &str) -> Result<Self, RuleError> {
        let limit: Limit = limit.parse()?;
        let rule = Self::new(metric, vec![limit], None, Source::Option(format!("--{option}")))?;
        Ok(Self { name: option.to_owned(), ..rule })
    }

    /// Whether it limits what the model has more than a baseline.
    #[must_use]
    pub fn needs_baseline(&self) -> bool {
        self.metric.needs_baseline()
    }

    /// Whether the baseline has to be a model, or a JSON report of one.
    #[must_use]
    pub fn needs_names(&self) -> bool {
        self.metric.needs_names()
    }

    /// Whether it is for the model at `path`.
    #[must_use]
    pub fn is_for(&self, path: &str) -> bool {
        self.models.as_ref().is_none_or(|models| models.matches(path))
    }

    /// Whether it is a limit of the command line. Who gives one means it, whatever a file in the working directory allows.
    pub(super) fn is_of_command_line(&self) -> bool {
        matches!(self.source, Source::Option(_))
    }

    /// What an allow-list takes out of what is limited.
    pub(super) fn allowed_by(&self, allowance: &Allowance) -> u64 {
        allowance.of(&self.metric)
    }

    /// How it comes out for a model, of which the allow-list takes out so much.
    pub(super) fn judge(&self, model: &ModelReport, allowance: &Allowance, baseline: Option<&Baseline>) -> RuleOutcome {
        let Measured { bytes, whole, matches } = self.metric.measure(model, baseline);
        let allowed_bytes = if self.is_of_command_line() { 0 } else { self.allowed_by(allowance).min(bytes) };
        let actual_bytes = bytes - allowed_bytes;
        let limits: Vec<LimitOutcome> = self.limits.iter().map(|limit| self.hold(limit, actual_bytes, whole)).collect();
        let status = match (limits.iter().all(|limit| limit.passed), self.level) {
            (false, Level::Fail) => Status::Fail,
            (false, Level::Warn) => Status::Warn,
            (true, _) if !model.problems.is_empty() => Status::Unsure,
            (true, _) => Status::Pass,
        };
        let broken = limits.iter().filter(|limit| !limit.passed);
        let over = broken.map(|limit| actual_bytes.saturating_sub(limit.limit_bytes)).max();
        let fix = self.metric.first_to_fix(model).filter(|_| over.is_some());
        let is_share = self.limits.first().is_some_and(Limit::is_share);
        RuleOutcome {
            rule: self.name.clone(),
            metric: self.metric.to_string(),
            model: model.path.clone(),
            limit: self.limits.iter().map(Limit::to_string).collect::<Vec<_>>().join(" and "),
            actual: if is_share { percent(actual_bytes, whole) } else { actual_bytes.to_string() },
            passed: status == Status::Pass,
            status,
            level: self.level,
            actual_bytes,
            total_bytes: whole,
            over_bytes: over.unwrap_or(0),
            fix: fix.map(|finding| finding.id.clone()),
            limits,
            floor_bytes: self.floor,
            allowed_bytes,
            matches,
            reason: self.reason.clone(),
            source: self.source.to_string(),
            line: match &self.source {
                Source::Option(_) => None,
                Source::File(_, line) => Some(*line),
            },
        }
    }

    /// A share is exceeded only by what is also more than the floor.
    fn hold(&self, limit: &Limit, actual: u64, total: u64) -> LimitOutcome {
        let limit_bytes = limit.bytes(total);
        let floor = self.floor.filter(|_| limit.is_share()).unwrap_or(0);
        LimitOutcome { limit: limit.to_string(), limit_bytes, passed: actual <= limit_bytes.max(floor) }
    }
}
