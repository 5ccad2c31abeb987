//! What is there twice: what metagraphs repeat and what is their own, one content in several places, functions that
//! are equal but for names.

use std::io;

use super::lists::both_names;
use super::page::{Figures, HEADING, Page, QUIET, WARNING};
use super::pairs;
use crate::report::ModelReport;
use crate::report::duplicates::{Group, StructuralGroup};
use crate::report::fit::{fit, pad, width};
use crate::report::format::LARGEST;
use crate::report::repeats::{self, Place};

/// How many places of a content are named before the others are counted.
const PLACES: usize = 4;

/// The most columns that what holds a content takes from its name there.
const HOLDER: usize = 16;

pub(super) fn write(model: &ModelReport, page: &mut Page<'_>) -> io::Result<()> {
    if model.total_bytes == 0 {
        return Ok(());
    }
    page.section()?;
    page.styled(HEADING, &format!("duplicates: {}", repeats::total(model)))?;
    if let Some(fill) = repeats::fill(model) {
        page.sentence("  ", QUIET, &fill)?;
    }
    pairs::write(model, page)?;
    groups(model, page)?;
    structural(model, page)
}

fn groups(model: &ModelReport, page: &mut Page<'_>) -> io::Result<()> {
    let groups = repeats::payload_groups(model);
    if groups.is_empty() {
        return Ok(());
    }
    let (shown, rest) = page.view.cut(&groups, LARGEST, |group| (group.redundant_bytes, 0));
    let sizes = shown.iter().map(|group| group.redundant_bytes).chain(rest.map(|rest| rest.bytes));
    let figures = Figures::new(model.total_bytes, None, sizes.map(|bytes| (bytes, 0)));
    let copies: Vec<String> = shown.iter().map(|group| repeats::copies(group)).collect();
    let copies_width = copies.iter().map(|text| width(text)).max().unwrap_or_default().max("copies of".len());
    page.section()?;
    page.styled(HEADING, &figures.heading(&format!("{:>copies_width$}  the same content in", "copies of")))?;
    for (group, copies) in shown.iter().zip(&copies) {
        let lead = format!("{}{copies:>copies_width$}  ", figures.row(group.redundant_bytes, 0));
        write_group(group, &lead, model, page)?;
    }
    figures.rest(rest, copies_width + 2, page)
}

/// A group: what to keep, and the places that have it again.
fn write_group(group: &Group, lead: &str, model: &ModelReport, page: &mut Page<'_>) -> io::Result<()> {
    let blank = " ".repeat(width(lead));
    let (shown, rest) = page.view.cut(&group.members, PLACES, |member| (member.bytes, 0));
    let places: Vec<Place> = shown.iter().map(|member| repeats::place(member, model)).collect();
    let holders: Vec<String> = places.iter().map(|place| fit(&place.holder, HOLDER)).collect();
    let holder_width = holders.iter().map(|holder| width(holder)).max().unwrap_or_default();
    for (index, (place, holder)) in places.iter().zip(&holders).enumerate() {
        let (lead, word) = if index == 0 { (lead, "keep ") } else { (blank.as_str(), "again") };
        let lead = format!("{lead}{word} {} ", pad(holder, holder_width));
        let room = page.width.saturating_sub(width(&lead));
        page.line(&format!("{lead}{}", both_names(&place.name, place.also.as_deref(), room)))?;
        if place.in_element {
            page.styled(QUIET, &format!("{blank}(counted above)"))?;
        }
    }
    match rest {
        Some(rest) => page.sentence(&blank, QUIET, &repeats::more(rest)),
        None => Ok(()),
    }
}

fn structural(model: &ModelReport, page: &mut Page<'_>) -> io::Result<()> {
    let Some(said) = repeats::structural(model) else { return Ok(()) };
    page.section()?;
    page.styled(HEADING, "functions that are equal but for the names in them")?;
    page.sentence("  ", WARNING, &said)?;
    let groups = &model.duplicates.structural.groups;
    let count = |group: &StructuralGroup| group.functions.len() as u64;
    let (shown, rest) = page.view.cut(groups, LARGEST, |group| (group.redundant_bytes, count(group)));
    let sizes = shown.iter().map(|group| (group.redundant_bytes, count(group)));
    let figures =
        Figures::new(model.total_bytes, Some("functions"), sizes.chain(rest.map(|rest| (rest.bytes, rest.count))));
    page.styled(HEADING, &figures.heading("what their names have in common"))?;
    let room = page.width.saturating_sub(figures.width());
    for group in shown {
        let figures = figures.row(group.redundant_bytes, count(group));
        page.line(&format!("{figures}{}", fit(repeats::stem(group), room)))?;
    }
    figures.rest(rest, 0, page)
}
