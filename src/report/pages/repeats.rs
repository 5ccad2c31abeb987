//! What is stored more than once, at length: what metagraphs duplicate, one content in several places, functions that are
//! identical except for the names in them.

use crate::report::document::{Block, Cell, Column, Name, Paragraph, Row, Section, Table, Tone, more};
use crate::report::duplicates::{Group, GroupKind, Member, StructuralGroup};
use crate::report::tensor::Called;
use crate::report::view::LARGEST;
use crate::report::{ModelReport, View};
use crate::size::{both, exact, human, share};

use super::{headline, metagraphs};

/// How many places of a content are named before the others are counted.
const PLACES: usize = 4;

pub(super) fn sections(model: &ModelReport, view: &View) -> Vec<Section> {
    if model.total_bytes == 0 {
        return Vec::new();
    }
    let title = Paragraph::said(format!("duplicates: {}", total(model)));
    let mut sections = vec![Section::titled(title).with_all(fill(model))];
    sections.extend(metagraphs::full(model, view));
    sections.extend(groups(model, view));
    sections.extend(structural(model, view));
    sections
}

/// What is said of tensors and constants of one value throughout, where there are any.
fn fill(model: &ModelReport) -> Option<Paragraph> {
    let (fill, zero) = (model.duplicates.fill_bytes, model.duplicates.zero_bytes);
    let zeros = match zero {
        0 => String::new(),
        all if all == fill => " (zeros)".to_owned(),
        part => format!(" ({} of zeros)", human(part)),
    };
    let said = || format!("{} in tensors and constants of one value throughout{zeros} are no duplicates", human(fill));
    (fill > 0).then(|| Paragraph::said(said()).tone(Tone::Quiet))
}

/// `70.9 kB (70,904 bytes), 59.9% of the model`, or that there are none.
fn total(model: &ModelReport) -> String {
    match model.duplicates.redundant_bytes {
        0 => "none".to_owned(),
        redundant => format!("{}, {} of the model", both(redundant), share(redundant, model.total_bytes)),
    }
}

/// The groups of payloads, which have places to name; parts of metagraphs are in the pairs.
fn groups(model: &ModelReport, view: &View) -> Option<Section> {
    let groups: Vec<&Group> = model.duplicates.groups.iter().filter(|group| group.kind != GroupKind::Element).collect();
    if groups.is_empty() {
        return None;
    }
    let (shown, rest) = view.cut(&groups, LARGEST, |group| (group.redundant_bytes, 0));
    let called = Called::of(model.checkpoint.as_ref().map_or(&[], |checkpoint| &checkpoint.tensors));
    let mut table = Table::new(vec![
        Column::figure("bytes"),
        Column::figure("share"),
        Column::word("copies"),
        Column::word(""),
        Column::word(""),
        Column::name("the same content"),
    ])
    .folded("The same content in several places");
    for group in shown {
        places(group, model, &called, view, &mut table);
    }
    if let Some(rest) = rest {
        let mut cells = vec![Cell::Bytes(rest.bytes), Cell::Share(rest.bytes, model.total_bytes)];
        cells.extend([Cell::Blank, Cell::Blank, Cell::Blank, Cell::Word(more(rest), Tone::Quiet)]);
        table.rows.push(Row::new(cells).tone(Tone::Quiet));
    }
    Some(Section::of(vec![Block::from(table)]))
}

/// A group: what is kept, and the places that duplicate it.
fn places(group: &Group, model: &ModelReport, called: &Called<'_>, view: &View, table: &mut Table) {
    let (shown, rest) = view.cut(&group.members, PLACES, |member| (member.bytes, 0));
    let word = |word: &str| Cell::Word(word.to_owned(), Tone::Plain);
    for (index, member) in shown.iter().enumerate() {
        let (holder, name) = place(member, model, called);
        let mut cells = match index {
            0 => vec![
                Cell::Bytes(group.redundant_bytes),
                Cell::Share(group.redundant_bytes, model.total_bytes),
                word(&format!("{} × {}", exact(group.copies), exact(group.bytes))),
                word("kept at"),
            ],
            _ => vec![Cell::Blank, Cell::Blank, Cell::Blank, word("duplicate at")],
        };
        cells.extend([Cell::Label(holder), Cell::Name(name)]);
        let mut row = Row::new(cells);
        if member.in_element {
            row.notes.push(Paragraph::said("counted with its metagraph above").tone(Tone::Quiet).into());
        }
        table.rows.push(row);
    }
    if let (Some(row), Some(finding)) = (table.rows.last_mut(), &group.finding) {
        row.notes.push(Paragraph::said(format!("explained by `{finding}`")).tone(Tone::Quiet).into());
    }
    if let Some(rest) = rest {
        let more = Cell::Word(more(rest), Tone::Quiet);
        let blank = || Cell::Blank;
        table.rows.push(Row::new(vec![blank(), blank(), blank(), blank(), blank(), more]).tone(Tone::Quiet));
    }
}

/// What holds a content, and its name there: a variable, a node behind its function if it has one, a file.
fn place(member: &Member, model: &ModelReport, called: &Called<'_>) -> (String, Name) {
    let variable = member.key.as_deref().and_then(|key| called.of_key(key));
    let name = match (variable, &member.function) {
        (Some(name), _) => name,
        (None, Some(function)) => Name::new(format!("{function}/{}", member.name)),
        (None, None) => Name::new(&*member.name),
    };
    let holder = match member.meta_graph {
        Some(index) => headline::called(model, index),
        None if member.key.is_some() => "variable".to_owned(),
        None => "asset".to_owned(),
    };
    (holder, name)
}

/// Functions that are identical except for the names in them; nothing where there are none.
fn structural(model: &ModelReport, view: &View) -> Option<Section> {
    let structural = &model.duplicates.structural;
    if structural.redundant_bytes == 0 {
        return None;
    }
    let size = both(structural.redundant_bytes);
    let share = share(structural.redundant_bytes, structural.function_bytes);
    let said = format!("functions identical except for names: {size}, {share} of all functions; not counted above");
    let count = |group: &StructuralGroup| group.functions.len() as u64;
    let (shown, rest) = view.cut(&structural.groups, LARGEST, |group| (group.redundant_bytes, count(group)));
    let mut table = Table::new(vec![
        Column::figure("bytes"),
        Column::figure("share"),
        Column::figure("functions"),
        Column::name("what their names have in common"),
    ])
    .folded("Functions identical except for names");
    let whole = model.total_bytes;
    for group in shown {
        let redundant = group.redundant_bytes;
        let name = Cell::Name(Name::new(stem(group)));
        table.row(vec![Cell::Bytes(redundant), Cell::Share(redundant, whole), Cell::Count(count(group)), name]);
    }
    super::lists::rest(rest, whole, &mut table);
    Some(Section::titled(Paragraph::said(said).tone(Tone::Warning)).with(table))
}

/// What a structural group is called.
fn stem(group: &StructuralGroup) -> &str {
    if group.stem.is_empty() { group.functions.first().map_or("", String::as_str) } else { &group.stem }
}
