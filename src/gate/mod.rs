//! The gate: rules with limits, held against the figures of a report.
//!
//! It computes no figure of a model. A [`Rule`] names one that the report has and limits it; what a limit allows is a
//! whole number of bytes of that model ([`limit`]), so exactly at it passes and a byte more does not. The outcome is
//! part of the report ([`crate::report::Gate`]) and the same in every format.
//!
//! Nothing passes by accident: a share of a model of no bytes is 0%, a pattern that matches nothing has 0 bytes and
//! says so, and where a part of a model could not be read, a rule that is not broken is not said to hold.

mod allow;
mod config;
mod glob;
pub mod limit;
mod metric;
mod rule;
#[cfg(test)]
mod tests;

use thiserror::Error;

pub use allow::Allow;
pub use config::{Config, ConfigError, Defaults};
pub use glob::{Glob, GlobError, PathGlob};
pub use limit::{Limit, LimitError};
pub use metric::{Metric, MetricError};
pub use rule::{Rule, RuleError};

use crate::report::{Gate, Level, Report, Status};
use allow::Allowance;

/// What must hold, and what may stay nevertheless.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// All must hold.
    pub rules: Vec<Rule>,
    /// Known duplicates.
    pub allow: Vec<Allow>,
}

/// A rule that is for none of the models: a pattern that was meant for one of them, or for one that is gone.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "{rule}: `models = \"{models}\"` matches none of the models ({paths}); a pattern without `/` is for a model's \
     directory, one with `/` for its whole path as the report shows it"
)]
pub struct NoModel {
    rule: String,
    models: String,
    paths: String,
}

/// Paths that are named in a message.
const NAMED: usize = 3;

impl Rules {
    /// Checks that each rule is for one of the models at `paths` at least.
    ///
    /// # Errors
    /// When a rule is for none.
    pub fn check_models(&self, paths: &[&str]) -> Result<(), NoModel> {
        let is_for_none = |rule: &&Rule| !paths.iter().any(|path| rule.is_for(path));
        let Some(rule) = self.rules.iter().find(is_for_none) else { return Ok(()) };
        let mut named: Vec<&str> = paths.iter().take(NAMED).copied().collect();
        if paths.len() > NAMED {
            named.push("...");
        }
        let models = rule.models.as_ref().map_or("*", PathGlob::text).to_owned();
        Err(NoModel { rule: rule.source.clone(), models, paths: named.join(", ") })
    }

    /// Holds each rule against each model that it is for.
    #[must_use]
    pub fn judge(&self, report: &Report) -> Gate {
        let allowances: Vec<Allowance> = report.models.iter().map(|model| Allowance::new(model, &self.allow)).collect();
        let mut rules = Vec::new();
        for rule in &self.rules {
            let models = report.models.iter().zip(&allowances).filter(|(model, _)| rule.is_for(&model.path));
            rules.extend(models.map(|(model, allowance)| rule.judge(model, allowance)));
        }
        let unchecked = if self.rules.is_empty() { 0 } else { report.unreadable.len() as u64 };
        let can_fail = self.rules.iter().any(|rule| rule.level == Level::Fail);
        let holds = rules.iter().all(|rule| rule.level == Level::Warn || rule.status == Status::Pass);
        Gate {
            passed: holds && !(can_fail && unchecked > 0),
            rules,
            unchecked,
            warnings: self.unused(&allowances).into_iter().chain(self.not_loosened(report, &allowances)).collect(),
            allowed: allowances.into_iter().flat_map(|all| all.0).filter(|entry| entry.groups > 0).collect(),
        }
    }

    /// Limits of the command line that would be looser if the allow-list counted for them.
    fn not_loosened(&self, report: &Report, allowances: &[Allowance]) -> Vec<String> {
        let of_command_line = self.rules.iter().filter(|rule| rule.is_of_command_line());
        let warning = |rule: &Rule| {
            let models = report.models.iter().zip(allowances).filter(|(model, _)| rule.is_for(&model.path));
            let allowed: u64 = models.map(|(_, allowance)| rule.allowed_by(allowance)).fold(0, u64::saturating_add);
            let what =
                format!("{}: what [[allow]] entries of the configuration allow counts all the same", rule.source);
            (allowed > 0).then_some(what)
        };
        of_command_line.filter_map(warning).collect()
    }

    /// Allow-list entries that allow nothing: what they were for is gone, or was never called so.
    fn unused(&self, allowances: &[Allowance]) -> Vec<String> {
        let is_used = |index: usize| allowances.iter().filter_map(|all| all.0.get(index)).any(|entry| entry.groups > 0);
        let unused = self.allow.iter().enumerate().filter(|(index, _)| !is_used(*index));
        let warning = |(_, allow): (usize, &Allow)| {
            format!("{}: no group of duplicates is called `{}`; the entry may go", allow.source, allow.group.text())
        };
        unused.map(warning).collect()
    }
}
