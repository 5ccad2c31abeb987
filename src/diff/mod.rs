//! What changed from one model to another: two reports joined.
//!
//! Items of both are matched in passes, each over what is left (`pairs`): equal content, then equal structure under another
//! name, then equal names, then what only looks alike. What is matched and differs by names and counters only is `naming`. All
//! figures are those of the reports; each byte of the delta is in one row (`rows`), and rows add up at every level. Nothing
//! depends on which side is called the old one but the signs.
//!
//! Only reports are read, so a stored one can stand for either side (`stored`). What they do not say is said so.

mod by;
mod duplicates;
mod files;
mod findings;
mod functions;
mod graphs;
mod main_file;
mod nodes;
mod pairs;
mod rows;
mod series;
mod signatures;
mod status;
mod stored;
mod variables;

use crate::ledger::{Category, Dimension};
use crate::report::{Change, DiffReport, DiffRow, DiffSide, ModelReport, SideKind, SideProblem, Which};
use rows::{Level, Tallies};

pub use by::ByMismatch;
pub use series::Versions;
pub use stored::{StoredError, StoredReport};

/// What is asked of a diff.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Rows that changed by less are one row, in each level.
    pub min_delta: u64,
    /// The dimensions that the breakdowns of the reports are by and are to be joined by; none for the rows that a diff has of itself.
    pub by: Vec<Dimension>,
}

/// A model, and what its report was read from.
#[derive(Debug, Clone, Copy)]
pub struct Side<'r> {
    /// Its report.
    pub model: &'r ModelReport,
    /// Where that is from.
    pub kind: SideKind,
}

/// What changed from one model to another.
///
/// # Errors
/// Where the breakdown is wanted by dimensions, and the reports' are by others.
pub fn diff(old: Side<'_>, new: Side<'_>, options: &Options) -> Result<DiffReport, ByMismatch> {
    let mut report = DiffReport::of(side(old), side(new));
    let [old, new] = [old.model, new.model];
    let mut tallies = Tallies::new(options.min_delta);
    let graphs = graphs::join(old, new);
    let mut categories: Vec<Level> = Vec::new();
    let main = main_file::compare(old, new, &graphs, &mut tallies, &mut report, &mut categories);
    let variables = variables::compare(old, new, &main, &mut tallies, &mut report);
    let is_clean = main.is_clean && variables.is_clean;
    categories.push(variables.level);
    categories.extend(files::compare(old, new, &main, is_clean, &mut tallies, &mut report));
    report.categories = Category::ALL.map(|category| (category, category_change(old, new, category))).into();
    report.signatures = signatures::compare(&graphs);
    report.findings = findings::compare(old, new);
    report.duplicates = duplicates::compare(old, new);
    report.naming_bytes = tallies.naming_bytes();
    report.breakdown.rows = tallies.top(categories);
    if !options.by.is_empty() {
        let breakdowns = (&old.breakdown, &new.breakdown);
        report.breakdown = by::breakdown(breakdowns.0, breakdowns.1, &options.by, &main.functions, options.min_delta)?;
    }
    report.problems = problems(old, Which::Old).chain(problems(new, Which::New)).collect();
    report.not_known.extend(not_known([(old, &report.old), (new, &report.new)]));
    Ok(report)
}

/// What differs between two models by names and counters only, in bytes.
#[must_use]
pub fn naming_bytes(old: &ModelReport, new: &ModelReport) -> i64 {
    let side = |model| Side { model, kind: SideKind::Model };
    diff(side(old), side(new), &Options::default()).map_or(0, |report| report.naming_bytes)
}

fn side(Side { model, kind }: Side<'_>) -> DiffSide {
    DiffSide {
        path: model.path.clone(),
        kind,
        total_bytes: model.total_bytes,
        whole: model.whole,
        tensorflow_version: model.meta_graphs.first().map(|graph| graph.tensorflow_version.clone()).unwrap_or_default(),
    }
}

fn bytes(model: &ModelReport, category: Category) -> u64 {
    model.categories.get(&category).copied().unwrap_or(0)
}

fn category_change(old: &ModelReport, new: &ModelReport, category: Category) -> Change {
    Change::new(bytes(old, category), bytes(new, category))
}

fn problems(model: &ModelReport, side: Which) -> impl Iterator<Item = SideProblem> {
    model.problems.iter().map(move |problem| SideProblem { side, problem: problem.clone() })
}

/// What a report does not say, so that a diff cannot either.
fn not_known(sides: [(&ModelReport, &DiffSide); 2]) -> Vec<String> {
    let mut all = Vec::new();
    for (model, side) in sides {
        let path = &side.path;
        let has_files = model.files.iter().any(|file| ["assets", "files"].contains(&&*file.category));
        if has_files && model.files.iter().all(|file| file.digest.is_none()) {
            all.push(format!(
                "{path}: the report does not say what files hold, so one of the same size is taken for the same"
            ));
        }
        let graphs = model.meta_graphs.iter().filter(|graph| graph.bytes > 0);
        if graphs.clone().count() > 0 && graphs.clone().all(|graph| graph.structures.is_empty()) {
            all.push(format!(
                "{path}: the report says of the graph no more than sizes, so what differs there in names only is not told apart"
            ));
        }
        let mut functions = graphs.flat_map(|graph| &graph.function_defs);
        if functions.any(|function| function.structure.is_none()) {
            all.push(format!("{path}: some functions were not compared, so these are known by their names only"));
        }
    }
    all
}

/// A sum that cannot overflow, as a report may be anybody's.
fn sum(bytes: impl Iterator<Item = u64>) -> u64 {
    bytes.fold(0, u64::saturating_add)
}

/// Counts a row in its list, and keeps it unless it is the same.
fn list(list: &mut crate::report::DiffList, row: &DiffRow) {
    use crate::report::DiffStatus as Status;
    let count = match row.status {
        Status::Same => &mut list.same,
        Status::Naming => &mut list.naming,
        Status::Added => &mut list.added,
        Status::Removed => &mut list.removed,
        Status::Changed | Status::Resized | Status::Retyped | Status::Content => &mut list.changed,
    };
    *count += 1;
    list.renamed += u64::from(row.old_name.is_some());
    list.delta_bytes = list.delta_bytes.saturating_add(row.delta);
    if row.status != Status::Same {
        list.rows.push(row.clone());
    }
}
