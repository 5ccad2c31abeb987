//! Causes of size: new ones, those of another size, those that are gone.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::report::{Change, Finding, FindingChange, FindingChanges, ModelReport};

pub(super) fn compare(old: &ModelReport, new: &ModelReport) -> FindingChanges {
    let by_id = |model: &'_ ModelReport| -> BTreeMap<String, Finding> {
        model.findings.iter().map(|finding| (finding.id.clone(), finding.clone())).collect()
    };
    let (olds, news) = (by_id(old), by_id(new));
    let mut changes =
        FindingChanges { bytes: Change::new(old.findings_bytes, new.findings_bytes), ..FindingChanges::default() };
    for (id, before) in &olds {
        match news.get(id) {
            Some(after) if after.bytes == before.bytes => {}
            Some(after) => changes.changed.push(change(before.bytes, after.bytes, after, true)),
            None => changes.resolved.push(change(before.bytes, 0, before, false)),
        }
    }
    let new = news.iter().filter(|(id, _)| !olds.contains_key(*id));
    changes.new = new.map(|(_, after)| change(0, after.bytes, after, true)).collect();
    for list in [&mut changes.new, &mut changes.changed, &mut changes.resolved] {
        list.sort_by_key(|change| Reverse(change.bytes.delta.unsigned_abs()));
    }
    changes
}

fn change(old: u64, new: u64, finding: &Finding, is_there: bool) -> FindingChange {
    let said = |text: &str| if is_there { text.to_owned() } else { String::new() };
    FindingChange {
        id: finding.id.clone(),
        bytes: Change::new(old, new),
        message: finding.message.clone(),
        remedy: said(&finding.remedy),
        remedy_code: said(&finding.remedy_code),
    }
}
