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
pub mod limit;
mod metric;
mod rule;
#[cfg(test)]
mod tests;

pub use crate::glob::{Glob, GlobError, PathGlob};
pub use allow::Allow;
pub use config::{Config, ConfigError, Defaults};
pub use limit::{Limit, LimitError};
pub use metric::{Metric, MetricError};
pub use rule::{Rule, RuleError, Source};

use crate::report::{Allowed, Baseline, ConfigFile, Gate, Level, ModelReport, Report, RuleOutcome, Status};
use allow::Allowance;

/// What must hold, and what may stay nevertheless.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// All must hold.
    pub rules: Vec<Rule>,
    /// Known duplicates.
    pub allow: Vec<Allow>,
    /// The file that some of them are from.
    pub config: Option<ConfigFile>,
}

impl Rules {
    /// Holds each rule against each model that it is for; `baseline` is what growth is measured from.
    #[must_use]
    pub fn judge(&self, report: &Report, baseline: Option<&Baseline>) -> Gate {
        let mut judge = Judge::new(self, baseline);
        report.models.iter().for_each(|model| judge.hear(model));
        judge.verdict(report.unreadable.len() as u64)
    }
}

/// The rules on their way through the models, which need not be in memory together.
#[derive(Debug)]
pub struct Judge<'r> {
    rules: &'r Rules,
    baseline: Option<&'r Baseline>,
    models: u64,
    /// What came out, each with the place of its rule in the list.
    outcomes: Vec<(usize, RuleOutcome)>,
    allowed: Vec<Allowed>,
    /// Which rules were for a model, and which entries of the allow-list matched a group.
    used_rules: Vec<bool>,
    used_entries: Vec<bool>,
    /// Which limits of the command line entries of the allow-list would have lifted.
    loosened: Vec<bool>,
}

impl<'r> Judge<'r> {
    /// Nothing was heard yet. `baseline` is what growth is measured from.
    #[must_use]
    pub fn new(rules: &'r Rules, baseline: Option<&'r Baseline>) -> Self {
        let (used_rules, used_entries) = (vec![false; rules.rules.len()], vec![false; rules.allow.len()]);
        let (loosened, outcomes, allowed) = (used_rules.clone(), Vec::new(), Vec::new());
        Self { rules, baseline, models: 0, outcomes, allowed, used_rules, used_entries, loosened }
    }

    /// Holds the rules against a model.
    pub fn hear(&mut self, model: &ModelReport) {
        self.models += 1;
        let allowance = Allowance::new(model, &self.rules.allow);
        let rules = self.rules.rules.iter().zip(self.used_rules.iter_mut().zip(&mut self.loosened));
        for (index, (rule, (used, loosened))) in rules.enumerate() {
            if rule.is_for(&model.path) {
                *used = true;
                *loosened |= rule.is_of_command_line() && rule.allowed_by(&allowance) > 0;
                self.outcomes.push((index, rule.judge(model, &allowance, self.baseline)));
            }
        }
        for (entry, used) in allowance.0.iter().zip(&mut self.used_entries) {
            *used |= entry.groups > 0;
        }
        self.allowed.extend(allowance.0.into_iter().filter(|entry| entry.groups > 0));
    }

    /// Forgets the rules that hold, where they would add up to too many.
    pub fn forget_passed(&mut self) {
        self.outcomes.retain(|(_, outcome)| outcome.status != Status::Pass);
        self.allowed.clear();
    }

    /// What came of it, where so many inputs could not be read.
    #[must_use]
    pub fn verdict(mut self, unreadable: u64) -> Gate {
        self.outcomes.sort_by_key(|(index, _)| *index);
        let unchecked = if self.rules.rules.is_empty() { 0 } else { unreadable };
        let can_fail = self.rules.rules.iter().any(|rule| rule.level == Level::Fail);
        let warnings = self.warnings(unreadable);
        let rules: Vec<RuleOutcome> = self.outcomes.into_iter().map(|(_, outcome)| outcome).collect();
        let holds = rules.iter().all(|rule| rule.level == Level::Warn || rule.status == Status::Pass);
        Gate {
            passed: holds && !(can_fail && unchecked > 0),
            config: self.rules.config.clone(),
            rules,
            unchecked,
            warnings,
            notes: Vec::new(),
            allowed: self.allowed,
        }
    }

    /// Limits of the command line that would be looser if the allow-list counted for them.
    fn not_loosened(&self) -> impl Iterator<Item = String> {
        let rules = self.rules.rules.iter().zip(&self.loosened).filter(|(_, loosened)| **loosened);
        rules.map(|(rule, _)| {
            format!("{}: what [[allow]] entries of the configuration allow counts all the same", rule.source)
        })
    }

    /// Rules that are for no model, and entries of the allow-list that allow nothing: what they were for is gone, or was
    /// never called so. Where something could not be read, it may be that.
    fn warnings(&self, unreadable: u64) -> Vec<String> {
        let rules = self.rules.rules.iter().zip(&self.used_rules).filter(|(_, used)| !**used && unreadable == 0);
        // Without a model there is nothing to match.
        let rules = rules.filter_map(|(rule, _)| Some((rule, rule.models.as_ref()?))).filter(|_| self.models > 0);
        let entries = self.rules.allow.iter().zip(&self.used_entries).filter(|(_, used)| !**used);
        let no_model = |(rule, models): (&Rule, &PathGlob)| {
            let pattern = models.text();
            format!(
                "{}: `models = \"{pattern}\"` matches none of the models; a pattern without `/` is for a model's \
                 directory, one with `/` for its whole path as the report shows it",
                rule.source
            )
        };
        let no_group = |(allow, _): (&Allow, _)| {
            format!("{}: no group of duplicates is called `{}`; the entry may go", allow.source, allow.group.text())
        };
        rules.map(no_model).chain(entries.map(no_group)).chain(self.not_loosened()).collect()
    }
}
