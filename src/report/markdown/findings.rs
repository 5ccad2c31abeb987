//! Why the model is as big as it is, as a list: the cause and its bytes, what is so, what to do.

use super::page::Page;
use crate::report::causes;
use crate::report::{ModelReport, View};
use crate::size::{bytes, exact, share};

/// How much of a finding's evidence is shown.
const EVIDENCE: usize = 5;

pub(super) fn write(model: &ModelReport, view: &View, page: &mut Page) {
    if !model.findings.is_empty() {
        findings(model, view, page);
    }
    if view.has_all_findings() {
        information(model, page);
    }
}

/// What costs bytes and is as it should be.
fn information(model: &ModelReport, page: &mut Page) {
    let mut table = page.table(&[causes::INFORMATION, "bytes", "share"], 2);
    for fact in &model.information {
        let what = format!("**{}**: {}", fact.id, fact.message);
        table.row(&[&what, &exact(fact.bytes), &share(fact.bytes, model.total_bytes)]);
    }
    table.end();
}

fn findings(model: &ModelReport, view: &View, page: &mut Page) {
    page.lines(&format!("**Findings: {}**\n\n", causes::total(model)));
    let (shown, rest) = view.findings(&model.findings);
    for finding in shown {
        let size = format!("{}, {}", bytes(finding.bytes), share(finding.bytes, model.total_bytes));
        let overlaps = causes::overlaps(finding).map(|said| format!(" {said}")).unwrap_or_default();
        page.lines(&format!("- **{}** ({size}): {}{overlaps}<br>→ {}\n", finding.id, finding.message, finding.remedy));
        if view.has_all_findings() {
            page.lines(&format!("  - {}\n", causes::unless(finding)));
            causes::evidence(finding, EVIDENCE).iter().for_each(|line| {
                page.lines(&format!("  - {line}\n"));
            });
        }
    }
    if let Some(rest) = rest {
        page.lines(&format!("- {}\n", causes::more(rest)));
    }
    page.lines(&format!("\n{}\n\n", causes::EXPLAIN));
}
