//! What is there twice, as tables: metagraphs that repeat others, one content in several places, functions that are
//! equal but for names.

use super::page::{Page, code};
use super::{more, rest_row};
use crate::ledger::Rest;
use crate::report::format::{LARGEST, LISTED};
use crate::report::repeats::{self, Place};
use crate::report::{ModelReport, View};
use crate::size::{bytes, exact, share};

/// How many places of a content are named before the others are counted.
const PLACES: usize = 4;

pub(super) fn write(model: &ModelReport, view: &View, page: &mut Page) {
    if model.total_bytes == 0 {
        return;
    }
    page.lines(&format!("**Duplicates: {}**\n\n", repeats::total(model)));
    if let Some(fill) = repeats::fill(model) {
        page.lines(&format!("{fill}\n\n"));
    }
    pairs(model, view, page);
    groups(model, view, page);
    structural(model, view, page);
}

fn pairs(model: &ModelReport, view: &View, page: &mut Page) {
    let duplicates = &model.duplicates;
    let all = repeats::pairs(model);
    let (pairs, rest) = view.cut(&all, LISTED, |pair| (pair.bytes, 0));
    for pair in pairs {
        let repeated = repeats::repeated(pair).concat();
        page.lines(&format!("- {} ({repeated})\n", repeats::pair(pair, model, code)));
    }
    more_items(rest, page);
    let all = repeats::owns(model);
    let (own, rest) = view.cut(&all, LISTED, |own| (own.bytes, 0));
    for own in own {
        let (name, size) = (code(&repeats::called(model, own.meta_graph)), bytes(own.bytes));
        page.lines(&format!("- {name} alone has {size}: {}\n", repeats::own(own, code).concat()));
    }
    more_items(rest, page);
    if !duplicates.meta_graph_pairs.is_empty() || !duplicates.meta_graph_own.is_empty() {
        page.lines("\n");
    }
}

fn more_items(rest: Option<Rest>, page: &mut Page) {
    if let Some(rest) = rest {
        page.lines(&format!("- {}\n", repeats::more(rest)));
    }
}

fn groups(model: &ModelReport, view: &View, page: &mut Page) {
    let groups = repeats::payload_groups(model);
    let (shown, rest) = view.cut(&groups, LARGEST, |group| (group.redundant_bytes, 0));
    let mut table = page.table(&["the same content in", "redundant bytes", "share", "copies of"], 3);
    for group in shown {
        let (members, hidden) = view.cut(&group.members, PLACES, |member| (member.bytes, 0));
        let mut places: Vec<String> = members.iter().map(|member| named(&repeats::place(member, model))).collect();
        places.extend(hidden.map(repeats::more));
        let redundant = group.redundant_bytes;
        let (size, share) = (exact(redundant), share(redundant, model.total_bytes));
        table.row(&[&places.join("<br>"), &size, &share, &repeats::copies(group)]);
    }
    if let Some(rest) = rest {
        table.row(&[&more(rest), &exact(rest.bytes), &share(rest.bytes, model.total_bytes), ""]);
    }
    table.end();
}

fn named(place: &Place) -> String {
    let also = place.also.as_ref().map(|name| format!(" ({})", code(name))).unwrap_or_default();
    let counted = if place.in_element { " (counted above)" } else { "" };
    // As code, or GitHub would take `#1` for an issue.
    format!("{} {}{also}{counted}", code(&place.holder), code(&place.name))
}

fn structural(model: &ModelReport, view: &View, page: &mut Page) {
    let Some(said) = repeats::structural(model) else { return };
    page.lines(&format!("Functions that are equal but for the names in them: {said}\n\n"));
    let groups = &model.duplicates.structural.groups;
    let (shown, rest) = view.cut(groups, LARGEST, |group| (group.redundant_bytes, group.functions.len() as u64));
    let mut table = page.table(&["what their names have in common", "redundant bytes", "share", "functions"], 3);
    for group in shown {
        let redundant = group.redundant_bytes;
        let functions = exact(group.functions.len() as u64);
        table.row(&[&code(repeats::stem(group)), &exact(redundant), &share(redundant, model.total_bytes), &functions]);
    }
    rest_row(rest, "", model.total_bytes, &mut table);
    table.end();
}
