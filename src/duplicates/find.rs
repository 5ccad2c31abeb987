//! The search for duplicates from its beginning to its end: what the pass over the model collected is grouped by content and
//! summed up.

use super::collect::{Collected, Inputs};
use super::groups::{self, Grouped};
use super::marks::Marks;
use super::{Duplicates, summary};
use crate::ledger::State;
use crate::progress::Step;

/// Finds the duplicates and, where marks are wanted, which bytes of which file these are.
#[must_use]
pub fn find(inputs: &Inputs<'_>) -> (Duplicates, Marks) {
    let mut collected = Collected::new(inputs);
    collected.checkpoint();
    collected.tables();
    match inputs.main_file {
        Some(main_file) => collected.main_file(main_file),
        None => {
            inputs.work.skip(Step::ComparingMetaGraphs);
            inputs.work.skip(Step::ComparingFunctions);
        }
    }
    collected.assets();
    let grouped = groups::group(&collected.payloads, &collected.sources, inputs.work.begin(Step::ComparingTensors, 0));
    let marks = if inputs.marks { marks_of(&collected, &grouped) } else { Marks::default() };
    (summary::duplicates(&collected, &grouped), marks)
}

/// The bytes that are redundant or one value throughout, by file.
fn marks_of(collected: &Collected<'_>, grouped: &Grouped) -> Marks {
    let mut marks = Marks::default();
    if let Some(main_file) = collected.inputs.main_file {
        for range in &collected.redundant_elements {
            marks.add(main_file.name, range.clone(), State::Redundant);
        }
    }
    let redundant = grouped.groups.iter().flat_map(|group| group.iter().skip(1)).map(|index| (index, State::Redundant));
    let one_value = [(&grouped.zero, State::Zero), (&grouped.fill, State::Fill)];
    let one_value = one_value.into_iter().flat_map(|(indexes, state)| indexes.iter().map(move |index| (index, state)));
    for (index, state) in redundant.chain(one_value) {
        // What is in a redundant element is marked with the element.
        if let Some(payload) = collected.payloads.get(*index).filter(|payload| !payload.in_element) {
            marks.add(collected.sources.name(payload.file), payload.taken.clone(), state);
        }
    }
    marks.sort();
    marks
}
