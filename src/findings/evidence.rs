//! The places that a finding rests on: of however many there are the largest, each with what is said of it.
//!
//! A file may have millions of them. So sentences are made only of those that are among the largest so far, where they are
//! found, and of all others their number and bytes are kept.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::NAMED;
use super::constants::Scope;
use super::facts::Facts;
use super::nodes::{Function, Node};
use crate::size::{bytes, exact};

/// One place that a finding rests on, as far as it has a name.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Place {
    /// The metagraph's place in the file, from 0.
    pub meta_graph: Option<u64>,
    /// The field of the MetaGraphDef: `graph_def`, `object_graph_def`, ...
    pub section: Option<String>,
    /// The function of the library that it is, or is in.
    pub function: Option<String>,
    /// The node.
    pub node: Option<String>,
    /// The variable's own name, where the checkpoint knows one, else its key.
    pub variable: Option<String>,
    /// The variable's key in the checkpoint.
    pub key: Option<String>,
    /// The file, relative to the model's directory, where the place is all of it or is in none of the above.
    pub file: Option<String>,
    /// What it costs.
    pub bytes: u64,
}

impl Place {
    /// A node of a graph or of a function.
    pub(super) fn of_node(context: &Facts<'_>, scope: Scope, node: &Node<'_>) -> Self {
        let function = scope.function.and_then(|function| context.functions().get(function));
        let function = function.map(|function| text(function.name));
        Self { function, node: Some(text(node.name())), ..Self::of_section(scope.meta_graph, "graph_def") }
    }

    /// A function of a library.
    pub(super) fn of_function(function: &Function<'_>) -> Self {
        Self { function: Some(text(function.name)), ..Self::of_section(function.meta_graph, "graph_def") }
    }

    /// A field of a metagraph.
    pub(crate) fn of_section(meta_graph: usize, section: &str) -> Self {
        Self { section: Some(section.to_owned()), ..Self::of_meta_graph(meta_graph) }
    }

    /// A metagraph.
    pub(crate) fn of_meta_graph(meta_graph: usize) -> Self {
        Self { meta_graph: Some(meta_graph as u64), ..Self::default() }
    }

    /// A file.
    pub(crate) fn of_file(name: &str) -> Self {
        Self { file: Some(name.to_owned()), ..Self::default() }
    }

    /// A tensor of the checkpoint, by its position in the bundle.
    pub(crate) fn of_tensor(context: &Facts<'_>, tensor: usize) -> Self {
        let Some(checkpoint) = context.checkpoint else { return Self::default() };
        let Some(tensor) = checkpoint.bundle.tensors.get(tensor) else { return Self::default() };
        let name = checkpoint.object_graph.as_ref().and_then(|graph| graph.full_name(&tensor.key));
        let variable = Some(name.unwrap_or(&tensor.key).to_owned());
        Self { variable, key: Some(tensor.key.clone()), ..Self::default() }
    }

    /// Whether it says where to look.
    fn is_named(&self) -> bool {
        *self != Self { bytes: self.bytes, ..Self::default() }
    }
}

fn text(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}

/// The places of a finding.
#[derive(Debug, Default)]
pub(crate) struct Evidence {
    /// The largest so far, the smallest of them on top.
    largest: BinaryHeap<Reverse<Line>>,
    count: u64,
    bytes: u64,
}

/// What is said of a place. In the order of importance: of those of one size the first one found.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Line {
    bytes: u64,
    order: Reverse<u64>,
    what: String,
    place: Place,
}

impl Evidence {
    /// Adds a place of so many bytes; what is there, in a few words, is asked for only where it is among the largest.
    pub(crate) fn add(&mut self, bytes: u64, describe: impl FnOnce() -> (String, Place)) {
        let order = Reverse(self.count);
        self.count = self.count.saturating_add(1);
        self.bytes = self.bytes.saturating_add(bytes);
        let is_full = self.largest.len() >= NAMED;
        if is_full && self.largest.peek().is_some_and(|Reverse(least)| bytes <= least.bytes) {
            return;
        }
        let (what, place) = describe();
        self.largest.push(Reverse(Line { bytes, order, what, place: Place { bytes, ..place } }));
        if is_full {
            self.largest.pop();
        }
    }

    /// How many places there are.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The largest places in words and by their names, largest first, and how many there are besides.
    pub(super) fn into_lines(self) -> (Vec<String>, Vec<Place>) {
        let largest = self.largest.into_sorted_vec();
        let (count, sum) = (largest.len() as u64, largest.iter().map(|Reverse(line)| line.bytes).sum::<u64>());
        let mut lines: Vec<String> =
            largest.iter().map(|Reverse(line)| format!("{}: {}", line.what, bytes(line.bytes))).collect();
        if self.count > count {
            let (more, rest) = (exact(self.count - count), bytes(self.bytes.saturating_sub(sum)));
            lines.push(format!("and {more} more: {rest}"));
        }
        let places = largest.into_iter().map(|Reverse(line)| line.place).filter(Place::is_named).collect();
        (lines, places)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evidence_is_told_largest_first_and_what_is_left_out_is_counted() {
        let mut evidence = Evidence::default();
        for bytes in 0..25 {
            evidence.add(bytes, || (format!("`{bytes}`"), Place::of_file(&bytes.to_string())));
        }
        assert_eq!(evidence.count(), 25);
        let (lines, places) = evidence.into_lines();
        assert_eq!((lines.len(), places.len()), (NAMED + 1, NAMED));
        assert_eq!((&*lines[0], &*lines[NAMED]), ("`24`: 24 bytes", "and 5 more: 10 bytes"));
        assert_eq!((places[0].file.as_deref(), places[0].bytes), (Some("24"), 24));
    }

    #[test]
    fn of_places_of_one_size_the_first_ones_are_listed_in_their_order() {
        let mut evidence = Evidence::default();
        for number in 0..100 {
            evidence.add(7, || (number.to_string(), Place::default()));
        }
        let (lines, places) = evidence.into_lines();
        assert_eq!(lines[..2], ["0: 7 bytes", "1: 7 bytes"]);
        assert_eq!(lines[NAMED - 1..], ["19: 7 bytes", "and 80 more: 560 bytes"]);
        assert_eq!(places, [], "what has no name is no place to go to");
    }

    #[test]
    fn what_is_not_among_the_largest_is_not_put_into_words() {
        let mut evidence = Evidence::default();
        (0..NAMED).for_each(|_| evidence.add(10, || (String::new(), Place::default())));
        evidence.add(10, || panic!("there are {NAMED} that came first"));
        assert_eq!(evidence.count(), NAMED as u64 + 1);
    }
}
