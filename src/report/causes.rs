//! What text and Markdown both say of findings, in the same words. Names in a finding's sentences are safe already.

use super::ModelReport;
use crate::findings::Finding;
use crate::ledger::Rest;
use crate::size::{both, bytes, exact, share};

/// What tells how to see all findings.
const SHOWS_ALL: &str = "--findings all";

/// What tells more of each.
pub(super) const EXPLAIN: &str = "`smaudit explain ID` says how each is known and when not to act on it";

/// What stands above facts that are no findings.
pub(super) const INFORMATION: &str = "for information, without a remedy";

/// `88,249 bytes (88.25 kB), 46.9% of the model, can go`.
pub(super) fn total(model: &ModelReport) -> String {
    format!("{}, {} of the model, can go", both(model.findings_bytes), share(model.findings_bytes, model.total_bytes))
}

/// What a finding has in common with larger ones.
pub(super) fn overlaps(finding: &Finding) -> Option<String> {
    let names: Vec<String> = finding.overlaps.iter().map(|overlap| format!("`{}`", overlap.id)).collect();
    let common = finding.bytes.saturating_sub(finding.additional_bytes);
    match common {
        0 => None,
        _ if common == finding.bytes => Some(format!("All of these bytes are in {} as well.", names.join(", "))),
        _ => Some(format!("{} of these bytes are in {} as well.", exact(common), names.join(", "))),
    }
}

/// When not to act on it.
pub(super) fn unless(finding: &Finding) -> String {
    format!("Unless {}", finding.unless)
}

/// The largest places that a finding rests on.
pub(super) fn evidence(finding: &Finding, most: usize) -> Vec<String> {
    let all = &finding.evidence;
    // One line too many takes no more room than saying so.
    let shown = if all.len() == most + 1 { all.len() } else { most.min(all.len()) };
    let mut lines: Vec<String> = all.iter().take(shown).cloned().collect();
    if shown < all.len() {
        lines.push(format!("… {} more lines (in --json)", exact((all.len() - shown) as u64)));
    }
    lines
}

/// The findings that are left out.
pub(super) fn more(rest: Rest) -> String {
    format!("… {} more, {} ({SHOWS_ALL})", exact(rest.rows), bytes(rest.bytes))
}
