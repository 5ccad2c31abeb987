//! Why the model is as big as it is: the largest findings with what to do, and with `--findings all` every one with what
//! it rests on.

use std::io;

use super::page::{Figures, HEADING, PLAIN, Page, QUIET, WARNING};
use crate::findings::Finding;
use crate::report::ModelReport;
use crate::report::causes;

/// How much of a finding's evidence is shown.
const EVIDENCE: usize = 5;

pub(super) fn write(model: &ModelReport, page: &mut Page<'_>) -> io::Result<()> {
    if !model.findings.is_empty() {
        findings(model, page)?;
    }
    if page.view.has_all_findings() { information(model, page) } else { Ok(()) }
}

fn findings(model: &ModelReport, page: &mut Page<'_>) -> io::Result<()> {
    page.section()?;
    page.sentence("", HEADING, &format!("findings: {}", causes::total(model)))?;
    let (shown, rest) = page.view.findings(&model.findings);
    let figures = Figures::new(model.total_bytes, None, shown.iter().map(|finding| (finding.bytes, 0)));
    page.styled(HEADING, &figures.heading("why"))?;
    for finding in shown {
        write_finding(finding, &figures, page)?;
    }
    if let Some(rest) = rest {
        page.styled(QUIET, &format!("  {}", causes::more(rest)))?;
    }
    page.sentence("  ", QUIET, causes::EXPLAIN)
}

/// What costs bytes and is as it should be.
fn information(model: &ModelReport, page: &mut Page<'_>) -> io::Result<()> {
    if model.information.is_empty() {
        return Ok(());
    }
    page.section()?;
    let figures = Figures::new(model.total_bytes, None, model.information.iter().map(|fact| (fact.bytes, 0)));
    page.styled(HEADING, &figures.heading(causes::INFORMATION))?;
    for fact in &model.information {
        page.line(&format!("{}{}", figures.row(fact.bytes, 0), fact.id))?;
        page.sentence(&" ".repeat(figures.width()), QUIET, &fact.message)?;
    }
    Ok(())
}

fn write_finding(finding: &Finding, figures: &Figures, page: &mut Page<'_>) -> io::Result<()> {
    page.line(&format!("{}{WARNING}{}{WARNING:#}", figures.row(finding.bytes, 0), finding.id))?;
    let lead = " ".repeat(figures.width());
    page.sentence(&lead, PLAIN, &finding.message)?;
    if let Some(overlaps) = causes::overlaps(finding) {
        page.sentence(&lead, QUIET, &overlaps)?;
    }
    page.item(&lead, "→ ", PLAIN, &finding.remedy)?;
    if page.view.has_all_findings() {
        page.item(&lead, "  ", QUIET, &causes::unless(finding))?;
        for line in causes::evidence(finding, EVIDENCE) {
            page.item(&lead, "- ", QUIET, &line)?;
        }
    }
    Ok(())
}
