//! What the gate says: each rule held against each model, and what it says of that in words.
//!
//! The rules are judged in `gate`, which is above; here is the outcome, as plain data like the rest of the report.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::escape::escape;
use crate::size::{both, bytes, exact, human, plural, share};

/// The outcome of all rules, in `gate` of the JSON report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Gate {
    /// Whether every rule whose level is `fail` is known to hold; true where there are none.
    pub passed: bool,
    /// Each rule held against each model that it is for, in the order of the rules: those of the command line first.
    pub rules: Vec<RuleOutcome>,
    /// What allow-list entries took out of the rules, by entry and model.
    pub allowed: Vec<Allowed>,
    /// Inputs that no rule was held against, as they could not be read; 0 where there are no rules.
    pub unchecked: u64,
    /// What is odd about the rules and does not break them.
    pub warnings: Vec<String>,
    /// What to do next with the rules.
    pub notes: Vec<String>,
    /// The configuration that was read; null where there is none.
    pub config: Option<ConfigFile>,
}

/// A file of rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ConfigFile {
    /// Its path.
    pub file: String,
    /// How many rules it has.
    pub rules: u64,
}

impl Default for Gate {
    /// A gate without rules, which lets everything pass.
    fn default() -> Self {
        let (rules, allowed, warnings, notes) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self { passed: true, rules, allowed, unchecked: 0, warnings, notes, config: None }
    }
}

/// What a broken rule does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// It is said, and no more.
    Warn,
    /// It fails the run: exit code 1.
    #[default]
    Fail,
}

/// How a rule came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It holds.
    Pass,
    /// It is broken, and its level is `fail`.
    Fail,
    /// It is broken, and its level is `warn`.
    Warn,
    /// It holds for what could be read of the model, which is not all.
    Unsure,
}

/// A rule held against a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct RuleOutcome {
    /// `max-duplication` or `max-size`; the metric of a rule in a file.
    pub rule: String,
    /// What is limited: `duplication`, `total`, `graph_def`, `variable:optimizer/*`, ...
    pub metric: String,
    /// The model's path.
    pub model: String,
    /// The limits as they were written: `5%`; two of them as `5% and 10MB`.
    pub limit: String,
    /// What was found, where the first limit is a share: `59.9%`; else its bytes.
    pub actual: String,
    /// Whether it is known to hold.
    pub passed: bool,
    /// The same, and why not.
    pub status: Status,
    /// What it does when broken.
    pub level: Level,
    /// What was found, without what is allowed.
    pub actual_bytes: u64,
    /// What shares are of: the model's size; for growth, that of the same of the baseline.
    pub total_bytes: u64,
    /// How many bytes are more than the limit that is exceeded by the most; 0 where none is.
    pub over_bytes: u64,
    /// The finding that takes the most of what is too much; null where none is known to.
    pub fix: Option<String>,
    /// Each limit in bytes.
    pub limits: Vec<LimitOutcome>,
    /// Up to here no share is exceeded; null where there is no floor.
    pub floor_bytes: Option<u64>,
    /// What allow-list entries took out.
    pub allowed_bytes: u64,
    /// For a pattern, how many variables, functions or findings match it; null for other metrics.
    pub matches: Option<u64>,
    /// Why there is the rule; null where it does not say.
    pub reason: Option<String>,
    /// Where it is: `--max-duplication`, `smaudit.toml:3`.
    pub source: String,
    /// The line of the file; null where it is on the command line.
    pub line: Option<u64>,
}

/// A limit of a rule, held against a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct LimitOutcome {
    /// As it was written: `5%`, `10MB`.
    pub limit: String,
    /// The most bytes that are within it, in this model.
    pub limit_bytes: u64,
    /// Whether there are no more than these.
    pub passed: bool,
}

/// What an allow-list entry takes out of the rules for a model. It stays in the report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Allowed {
    /// The entry's pattern.
    pub group: String,
    /// Why that is allowed.
    pub reason: String,
    /// Where the entry is: `smaudit.toml:12`.
    pub source: String,
    /// The model's path.
    pub model: String,
    /// How many groups of duplicates it matches.
    pub groups: u64,
    /// What it takes out of `duplication`.
    pub redundant_bytes: u64,
    /// What of that it takes out of `between-meta-graphs` as well.
    pub between_meta_graphs_bytes: u64,
    /// What it takes out of `structural-duplication`.
    pub structural_bytes: u64,
}

impl Gate {
    /// Whether there is anything to say.
    #[must_use]
    pub fn has_rules(&self) -> bool {
        !self.rules.is_empty() || self.unchecked > 0 || self.config.as_ref().is_some_and(|config| config.rules > 0)
    }

    /// Whether a rule is broken whose level is `fail`.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.count(Status::Fail) > 0
    }

    fn count(&self, status: Status) -> u64 {
        self.rules.iter().filter(|rule| rule.status == status).count() as u64
    }

    /// How all of it came out: `Pass`, `Fail`, or `Unsure` where something could not be read.
    #[must_use]
    pub fn status(&self) -> Status {
        match self.passed {
            true => Status::Pass,
            false if self.is_broken() => Status::Fail,
            false => Status::Unsure,
        }
    }

    /// How many rules came out how: `1 of 3 checks failed`.
    #[must_use]
    pub fn summary(&self) -> String {
        let all = plural(self.rules.len() as u64, "check", "checks");
        let [failed, warned, unsure] = [Status::Fail, Status::Warn, Status::Unsure].map(|status| self.count(status));
        let parts = [
            (failed, format!("{} of {all} failed", exact(failed))),
            (warned, format!("{} of {all} warned", exact(warned))),
            (unsure, format!("{} of {all} saw only a part of the model", exact(unsure))),
            (self.unchecked, format!("{} not checked", plural(self.unchecked, "path", "paths"))),
        ];
        let said: Vec<String> = parts.into_iter().filter(|(number, _)| *number > 0).map(|(_, said)| said).collect();
        let said = if said.is_empty() { format!("{all} passed") } else { said.join(", ") };
        said + &self.config.as_ref().map(ConfigFile::said).unwrap_or_default()
    }
}

impl ConfigFile {
    /// ` (smaudit.toml: 3 rules)`.
    fn said(&self) -> String {
        format!(" ({}: {})", escape(&self.file), plural(self.rules, "rule", "rules"))
    }
}

impl Status {
    /// The word for it on a page.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Fail => "FAIL",
            Self::Warn => "WARN",
            Self::Unsure => "UNSURE",
        }
    }
}

impl RuleOutcome {
    /// Whether it is broken, whatever its level.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        matches!(self.status, Status::Fail | Status::Warn)
    }

    /// What the rule says: `duplication of ./model: at most 5%`. Names in it are escaped.
    #[must_use]
    pub fn claim(&self) -> String {
        let limits: Vec<String> =
            self.limits.iter().map(|limit| limit.in_bytes().unwrap_or(limit.limit.clone())).collect();
        format!("{} of {}: at most {}", escape(&self.metric), escape(&self.model), limits.join(" and "))
    }

    /// What was found, and of a broken rule by how much that is too much: `600 bytes, 60.0%; 550 bytes more than 5%`.
    #[must_use]
    pub fn finding(&self) -> String {
        let exceeded: Vec<&str> =
            self.limits.iter().filter(|limit| !limit.passed).map(|limit| limit.limit.as_str()).collect();
        let over = (!exceeded.is_empty()).then(|| {
            let over = both(self.over_bytes);
            let first = self.fix.iter().map(|id| format!("; fix {id} first")).collect::<String>();
            format!("; {over} more than {}{first}", exceeded.join(" and "))
        });
        self.found() + &over.unwrap_or_default()
    }

    fn found(&self) -> String {
        let (one, many) = match self.metric.split_once(':') {
            Some(("variable", _)) => ("variable", "variables"),
            Some(("finding", _)) => ("finding", "findings"),
            _ => ("function", "functions"),
        };
        let matches = self.matches.map(|number| format!(" in {}", plural(number, one, many)));
        let share = (self.metric != "total").then(|| format!(", {}", percent(self.actual_bytes, self.total_bytes)));
        let of = self.metric.starts_with("growth").then_some(" of the baseline");
        let allowed = (self.allowed_bytes > 0).then(|| format!(", not counting {} allowed", bytes(self.allowed_bytes)));
        let floor = self.floor_bytes.map(|floor| format!(", the floor is {}", bytes(floor)));
        let of = of.map(str::to_owned);
        [Some(both(self.actual_bytes)), matches, share, of, allowed, floor].into_iter().flatten().collect()
    }

    /// What is wrong in a line: `avoidable: 79.2%, 155 kB over 5%; fix layer-traces`. What was found is said as its limits are.
    #[must_use]
    pub fn line(&self, with_model: bool) -> String {
        let metric = escape(&self.metric);
        let of = if with_model { format!(" of {}", escape(&self.model)) } else { String::new() };
        let exceeded: Vec<&str> = self.limits.iter().filter(|limit| !limit.passed).map(|l| l.limit.as_str()).collect();
        let is_share = |limit: &&str| limit.ends_with('%');
        let size = (!exceeded.iter().all(is_share) || exceeded.is_empty()).then(|| human(self.actual_bytes));
        let has_share = self.metric != "total" && (exceeded.iter().any(is_share) || exceeded.is_empty());
        let share = has_share.then(|| percent(self.actual_bytes, self.total_bytes));
        let found = size.into_iter().chain(share).collect::<Vec<_>>().join(", ");
        let verdict = match self.status {
            Status::Pass | Status::Unsure => format!("; at most {}, and not all could be read", self.limit),
            Status::Fail | Status::Warn => format!(", {} over {}", human(self.over_bytes), exceeded.join(" and ")),
        };
        let first = self.fix.iter().map(|id| format!("; fix {id}")).collect::<String>();
        let origin = self.origin().map(|origin| format!(" ({origin})")).unwrap_or_default();
        format!("{metric}{of}: {found}{verdict}{first}{origin}")
    }

    /// Where the rule is, where that is a file, and why there is one: `smaudit.toml:3: phones have little room`.
    #[must_use]
    pub fn origin(&self) -> Option<String> {
        let source = (!self.source.starts_with("--")).then(|| escape(&self.source).into_owned());
        let parts: Vec<String> = source.into_iter().chain(self.reason.clone()).collect();
        (!parts.is_empty()).then(|| parts.join(": "))
    }

    /// All of it in one sentence, for a log.
    #[must_use]
    pub fn sentence(&self) -> String {
        let origin = self.origin().map(|origin| format!(" ({origin})")).unwrap_or_default();
        format!("{}; found {}{origin}", self.claim(), self.finding())
    }
}

impl LimitOutcome {
    /// The limit in words where it was written as a number of bytes.
    fn in_bytes(&self) -> Option<String> {
        self.limit.parse().ok().map(bytes)
    }
}

impl Allowed {
    /// What the entry takes out: `8,192 redundant bytes in 1 group`.
    #[must_use]
    pub fn finding(&self) -> String {
        let parts = [(self.redundant_bytes, "redundant"), (self.structural_bytes, "structurally redundant")];
        let counted = parts.into_iter().filter(|(number, _)| *number > 0);
        let mut said: Vec<String> =
            counted.map(|(number, kind)| plural(number, &format!("{kind} byte"), &format!("{kind} bytes"))).collect();
        if said.is_empty() {
            said.push(bytes(0));
        }
        format!("{} in {}", said.join(" and "), plural(self.groups, "group", "groups"))
    }
}

/// The share of `part` in `whole`; of nothing it is `0%`, which no limit is below.
#[must_use]
pub fn percent(part: u64, whole: u64) -> String {
    if whole == 0 { share(0, 1) } else { share(part, whole) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::{allowed, rule};

    #[test]
    fn a_rule_is_said_with_its_limit_and_with_exact_bytes() {
        let broken = rule(Status::Fail);
        assert_eq!(broken.claim(), "duplication of ./model: at most 5%");
        assert_eq!(broken.finding(), "600 bytes, 60.0%; 550 bytes more than 5%");
        let sentence = "duplication of ./model: at most 5%; found 600 bytes, 60.0%; 550 bytes more than 5%";
        assert_eq!(broken.sentence(), sentence);
        assert_eq!(broken.line(false), "duplication: 60.0%, 550 bytes over 5%");
        let fix = RuleOutcome { fix: Some("stale-files".to_owned()), ..broken };
        let line = "duplication of ./model: 60.0%, 550 bytes over 5%; fix stale-files";
        assert_eq!(fix.line(true), line);
        let unsure = rule(Status::Unsure).line(false);
        assert_eq!(unsure, "duplication: 50 bytes, 5.0%; at most 5%, and not all could be read");
        assert_eq!(rule(Status::Pass).finding(), "50 bytes, 5.0%");
    }

    #[test]
    fn all_that_a_rule_can_have_is_said() {
        let mut rule = rule(Status::Warn);
        (rule.metric, rule.model) = ("variable:m/*".to_owned(), "a\u{1b}b".to_owned());
        rule.limits.push(LimitOutcome { limit: "5000".to_owned(), limit_bytes: 5000, passed: true });
        (rule.floor_bytes, rule.allowed_bytes, rule.matches) = (Some(100), 1, Some(2));
        (rule.source, rule.reason) = ("smaudit.toml:3".to_owned(), Some("little room".to_owned()));
        assert_eq!(rule.claim(), "variable:m/* of a\\u{1b}b: at most 5% and 5,000 bytes");
        let finding = "600 bytes in 2 variables, 60.0%, not counting 1 byte allowed, the floor is 100 bytes; 550 bytes more than 5%";
        assert_eq!(rule.finding(), finding);
        assert!(rule.sentence().ends_with(" (smaudit.toml:3: little room)"));
    }

    #[test]
    fn what_is_allowed_is_said_by_kind() {
        let mut entry = allowed("kernel");
        assert_eq!(entry.finding(), "8,192 redundant bytes in 1 group");
        (entry.structural_bytes, entry.groups) = (1, 2);
        assert_eq!(entry.finding(), "8,192 redundant bytes and 1 structurally redundant byte in 2 groups");
        (entry.redundant_bytes, entry.structural_bytes) = (0, 0);
        assert_eq!(entry.finding(), "0 bytes in 2 groups");
    }

    #[test]
    fn a_share_of_nothing_is_nothing() {
        assert_eq!(percent(0, 0), "0%");
        assert_eq!(percent(7, 10), "70.0%");
    }

    #[test]
    fn the_summary_counts_what_came_out_how() {
        let gate = |statuses: &[Status], unchecked| {
            let passed = statuses.iter().all(|status| matches!(status, Status::Pass | Status::Warn)) && unchecked == 0;
            let rules = statuses.iter().map(|status| rule(*status)).collect();
            let gate = Gate { passed, rules, unchecked, ..Gate::default() };
            format!("{}, {}", gate.status().word(), gate.summary())
        };
        assert_eq!(gate(&[Status::Pass], 0), "PASS, 1 check passed");
        assert_eq!(gate(&[Status::Pass; 2], 0), "PASS, 2 checks passed");
        let config = Some(ConfigFile { file: "../smaudit.toml".to_owned(), rules: 2 });
        let gate_of_file = Gate { rules: vec![rule(Status::Pass)], config, ..Gate::default() };
        assert_eq!(gate_of_file.summary(), "1 check passed (../smaudit.toml: 2 rules)");
        assert_eq!(gate(&[Status::Pass, Status::Warn], 0), "PASS, 1 of 2 checks warned");
        assert_eq!(
            gate(&[Status::Fail, Status::Warn, Status::Pass], 0),
            "FAIL, 1 of 3 checks failed, 1 of 3 checks warned"
        );
        assert_eq!(
            gate(&[Status::Unsure], 2),
            "UNSURE, 1 of 1 check saw only a part of the model, 2 paths not checked"
        );
    }
}
