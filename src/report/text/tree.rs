//! Several models at a glance: a line for each, what they are together, and what they repeat of each other.

use std::io;

use super::page::{HEADING, PLAIN, PROBLEM, Page, QUIET, WARNING, more};
use crate::report::fit::{fit, pad, width};
use crate::report::format::LISTED;
use crate::report::{ModelReport, Report, phrases, repeats};
use crate::size::{exact, plural, share};

/// How many problems of a model are shown where the model is not.
const PROBLEMS: usize = 3;

pub(super) fn write(report: &Report, in_full: bool, page: &mut Page<'_>) -> io::Result<()> {
    if report.models.len() < 2 {
        return Ok(());
    }
    summary(report, page)?;
    neighbours(report, page)?;
    if in_full {
        return Ok(());
    }
    page.section()?;
    page.sentence("", QUIET, "Each model by itself: `smaudit PATH`, or `-n 0` for all of them in full.")?;
    problems(report, page)
}

/// The columns before a model's path.
struct Columns {
    bytes: usize,
    finding: usize,
}

impl Columns {
    fn of(report: &Report) -> Self {
        let bytes = exact(report.totals.bytes).len().max("bytes".len());
        let finding = report.models.iter().map(|model| width(largest_finding(model))).max().unwrap_or_default();
        Self { bytes, finding: finding.max("largest finding".len()) }
    }

    fn line(&self, bytes: &str, redundant: &str, finding: &str) -> String {
        format!("  {bytes:>width$}  {redundant:>9}  {}  ", pad(finding, self.finding), width = self.bytes)
    }
}

/// The folder that all models are in, up to its slash; empty where there is none.
fn common_folder(report: &Report) -> &str {
    let mut folder = report.models.first().map_or("", |model| &model.path);
    for model in &report.models {
        let same = folder.bytes().zip(model.path.bytes()).take_while(|(a, b)| a == b).count();
        let end = folder.get(..same).and_then(|common| common.rfind('/')).map_or(0, |slash| slash + 1);
        folder = folder.get(..end).unwrap_or_default();
    }
    folder
}

/// A path as it is called in the folder that all models are in.
fn inside<'a>(path: &'a str, folder: &str) -> &'a str {
    path.strip_prefix(folder).unwrap_or(path)
}

fn largest_finding(model: &ModelReport) -> &str {
    model.findings.first().map_or("-", |finding| &finding.id)
}

/// One line for each model, and one for all.
fn summary(report: &Report, page: &mut Page<'_>) -> io::Result<()> {
    let columns = Columns::of(report);
    page.section()?;
    let heading = columns.line("bytes", "redundant", "largest finding");
    let room = page.width.saturating_sub(width(&heading));
    let folder = common_folder(report);
    let title = if folder.is_empty() { "model".to_owned() } else { format!("model in {folder}") };
    page.styled(HEADING, &format!("{heading}{}", fit(&title, room)))?;
    let (shown, rest) = page.view.cut(&report.models, usize::MAX, |model| (model.total_bytes, 0));
    for model in shown {
        let redundant = share(model.duplicates.redundant_bytes, model.total_bytes);
        let line = columns.line(&exact(model.total_bytes), &redundant, largest_finding(model));
        let mark = if model.problems.is_empty() { String::new() } else { format!("{PROBLEM}!{PROBLEM:#} ") };
        let room = if mark.is_empty() { room } else { room.saturating_sub(2) };
        page.line(&format!("{line}{mark}{}", fit(inside(&model.path, folder), room)))?;
    }
    if let Some(rest) = rest {
        page.styled(QUIET, &format!("  {:>width$}  {}", exact(rest.bytes), more(rest), width = columns.bytes))?;
    }
    let totals = &report.totals;
    let line = columns.line(&exact(totals.bytes), &share(totals.redundant_bytes, totals.bytes), "");
    page.styled(HEADING, &format!("{line}{}", plural(totals.models, "model", "models")))
}

/// What models repeat of each other, the most first.
fn neighbours(report: &Report, page: &mut Page<'_>) -> io::Result<()> {
    if report.neighbours.is_empty() {
        return Ok(());
    }
    page.section()?;
    page.sentence("", HEADING, &repeats::neighbours_total(report))?;
    let (shown, rest) = page.view.cut(&report.neighbours, LISTED, |pair| (pair.bytes, 0));
    let (room, folder) = (page.width / 2, common_folder(report));
    for pair in shown {
        let name = |path: &str| fit(inside(path, folder), room);
        page.sentence("  ", WARNING, &repeats::neighbours(pair, name))?;
        page.fact("", &repeats::neighbours_parts(pair), PLAIN)?;
    }
    rest.map_or(Ok(()), |rest| page.styled(QUIET, &format!("  {}", repeats::more(rest))))
}

/// The first problems of models that are not shown in full.
fn problems(report: &Report, page: &mut Page<'_>) -> io::Result<()> {
    let damaged = report.models.iter().filter(|model| !model.problems.is_empty());
    for (index, model) in damaged.enumerate() {
        if index == 0 {
            page.section()?;
            let count = plural(report.totals.problems, "PROBLEM", "PROBLEMS");
            page.styled(PROBLEM, &format!("{count}: a part of these models could not be read"))?;
        }
        page.styled(PROBLEM, &format!("! {}", fit(&model.path, page.width.saturating_sub(2))))?;
        for problem in model.problems.iter().take(PROBLEMS) {
            let room = page.width / 2;
            let place = phrases::place(problem, |file| fit(file, room));
            page.sentence("  ", PLAIN, &format!("{place}: {}", problem.message))?;
        }
        if let Some(left @ 1..) = model.problems.len().checked_sub(PROBLEMS) {
            page.styled(QUIET, &format!("  … {} more", exact(left as u64)))?;
        }
    }
    Ok(())
}
