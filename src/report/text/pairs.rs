//! What metagraphs repeat of earlier ones, and what is their own.

use std::collections::HashMap;
use std::io;

use super::page::{HEADING, PLAIN, Page, QUIET, WARNING};
use crate::ledger::Rest;
use crate::report::duplicates::{Own, Pair};
use crate::report::fit::{fit, pad, width};
use crate::report::format::{BREAKDOWN_ROWS, LISTED};
use crate::report::repeats;
use crate::report::{MetaGraphReport, ModelReport};
use crate::size::{bytes, exact};

/// The most columns of an element's or a metagraph's name.
const NAME: usize = 32;

/// The most columns of a metagraph's name beside its figures.
const ROW_NAME: usize = 16;

pub(super) fn write(model: &ModelReport, page: &mut Page<'_>) -> io::Result<()> {
    let duplicates = &model.duplicates;
    let all = repeats::pairs(model);
    let (pairs, rest) = page.view.cut(&all, LISTED, |pair| (pair.bytes, 0));
    for pair in pairs {
        write_pair(pair, model, page)?;
    }
    write_rest(rest, page)?;
    let all = repeats::owns(model);
    let (own, rest) = page.view.cut(&all, LISTED, |own| (own.bytes, 0));
    for own in own {
        write_own(own, model, page)?;
    }
    write_rest(rest, page)?;
    if model.meta_graphs.len() > 2 && !duplicates.meta_graph_pairs.is_empty() {
        matrix(model, page)?;
    }
    Ok(())
}

fn write_pair(pair: &Pair, model: &ModelReport, page: &mut Page<'_>) -> io::Result<()> {
    page.section()?;
    page.sentence("  ", WARNING, &repeats::pair(pair, model, |text| fit(text, NAME)))?;
    page.fact("  repeated", &repeats::repeated(pair), PLAIN)
}

/// What is not repeated: what the metagraph is for.
fn write_own(own: &Own, model: &ModelReport, page: &mut Page<'_>) -> io::Result<()> {
    page.section()?;
    let name = fit(&repeats::called(model, own.meta_graph), NAME);
    page.sentence("  ", PLAIN, &format!("{name} alone has {}", bytes(own.bytes)))?;
    page.fact("  its own", &repeats::own(own, |text| fit(text, NAME)), PLAIN)
}

fn write_rest(rest: Option<Rest>, page: &mut Page<'_>) -> io::Result<()> {
    let Some(rest) = rest else { return Ok(()) };
    page.section()?;
    page.sentence("  ", QUIET, &repeats::more(rest))
}

/// Who repeats how much of whom, where there are more than two: a row for each copy, a column for each original that
/// the page has room for.
fn matrix(model: &ModelReport, page: &mut Page<'_>) -> io::Result<()> {
    let duplicates = &model.duplicates;
    let pairs: HashMap<_, _> =
        duplicates.meta_graph_pairs.iter().map(|pair| ((pair.original, pair.copy), pair.bytes)).collect();
    let own: HashMap<_, _> = duplicates.meta_graph_own.iter().map(|own| (own.meta_graph, own.bytes)).collect();
    let (shown, rest) = page.view.cut(&model.meta_graphs, BREAKDOWN_ROWS, |graph: &MetaGraphReport| (graph.bytes, 0));
    let names: Vec<String> = shown.iter().map(|graph| fit(&repeats::called(model, graph.index), ROW_NAME)).collect();
    let first = names.iter().map(|name| width(name)).max().unwrap_or_default();
    let column = shown.iter().map(|graph| exact(graph.bytes).len()).max().unwrap_or_default().max("of #000".len());
    let room = page.width.saturating_sub(2 + first + 2 * (column + 2)) / (column + 2);
    let originals: Vec<u64> = shown.iter().map(|graph| graph.index).take(room.min(shown.len() - 1)).collect();
    let line = |name: &str, cells: &[String]| {
        let cells: String = cells.iter().map(|cell| format!("  {cell:>column$}")).collect();
        format!("  {}{cells}", pad(name, first))
    };
    let figure = |bytes: Option<&u64>| bytes.map_or_else(|| "-".to_owned(), |bytes| exact(*bytes));
    let heading = originals.iter().map(|index| format!("of #{index}")).chain(["own", "all"].map(str::to_owned));
    page.section()?;
    page.styled(HEADING, &line("", &heading.collect::<Vec<_>>()))?;
    for (graph, name) in shown.iter().zip(&names) {
        let copied = originals.iter().map(|original| figure(pairs.get(&(*original, graph.index))));
        let sums = [figure(own.get(&graph.index)), exact(graph.bytes)];
        page.line(&line(name, &copied.chain(sums).collect::<Vec<_>>()))?;
    }
    rest.map_or(Ok(()), |rest| page.sentence("  ", QUIET, &repeats::more(rest)))
}
