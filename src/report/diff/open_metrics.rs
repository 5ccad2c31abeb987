//! Figures of the new model as OpenMetrics, for GitLab's metrics reports (`artifacts:reports:metrics`), which compare them
//! with those of the target branch, and for whatever scrapes them.
//!
//! GitLab shows a metric by its name and labels, so these are the same for each export: the model's path is not one.

use std::io::{self, Write};

use super::DiffReport;

pub(super) fn write(report: &DiffReport, out: &mut dyn Write) -> io::Result<()> {
    let mut metrics = Metrics { out };
    metrics.family("smaudit_model_bytes", "Size of the model")?;
    metrics.sample("smaudit_model_bytes", "", report.new.total_bytes)?;
    metrics.family("smaudit_delta_bytes", "What it is larger than the old one")?;
    metrics.sample("smaudit_delta_bytes", "", report.delta_bytes)?;
    metrics.family("smaudit_naming_bytes", "The part of that which differs by names and counters only")?;
    metrics.sample("smaudit_naming_bytes", "", report.naming_bytes)?;
    metrics.family("smaudit_category_bytes", "Size of a part of the model")?;
    for (category, change) in &report.categories {
        metrics.sample("smaudit_category_bytes", &format!("{{category=\"{category}\"}}"), change.new)?;
    }
    metrics.family("smaudit_avoidable_bytes", "What all findings say can go")?;
    metrics.sample("smaudit_avoidable_bytes", "", report.findings.bytes.new)?;
    metrics.family("smaudit_redundant_bytes", "What is stored more than once")?;
    metrics.sample("smaudit_redundant_bytes", "", report.duplicates.redundant_bytes.new)?;
    metrics.family("smaudit_functions", "Functions that came, went or are others")?;
    let functions = &report.functions;
    let changes = [("added", functions.added), ("removed", functions.removed), ("changed", functions.changed)];
    for (change, number) in changes {
        metrics.sample("smaudit_functions", &format!("{{change=\"{change}\"}}"), number)?;
    }
    metrics.family("smaudit_broken_rules", "Rules that are broken")?;
    let broken = report.gate.rules.iter().filter(|rule| rule.is_broken()).count();
    metrics.sample("smaudit_broken_rules", "", broken)?;
    metrics.out.write_all(b"# EOF\n")
}

struct Metrics<'o> {
    out: &'o mut dyn Write,
}

impl Metrics<'_> {
    fn family(&mut self, name: &str, help: &str) -> io::Result<()> {
        writeln!(self.out, "# TYPE {name} gauge\n# HELP {name} {help}")
    }

    fn sample(&mut self, name: &str, labels: &str, value: impl std::fmt::Display) -> io::Result<()> {
        writeln!(self.out, "{name}{labels} {value}")
    }
}
