//! What is wrong with a model, and what there is no report of. It stands before any figure.

use crate::escape::escape;
use crate::problem::Problem;
use crate::report::document::{Mark, Paragraph, Section, SectionKind, Tone};
use crate::report::view::Page;
use crate::report::{ModelReport, Report, UnreadableInput, View};
use crate::size::{exact, plural};

use super::Amounts;

/// Problems where all that is known of a model is shown.
const IN_FULL: usize = 20;

/// The problems of a model.
pub(super) fn section(model: &ModelReport, view: &View, amounts: Amounts) -> Option<Section> {
    if model.problems.is_empty() {
        return None;
    }
    let is_full = view.page == Page::Full;
    let shown = view.rows(if is_full { IN_FULL } else { amounts.problems });
    let left = model.problems.len().saturating_sub(shown) as u64;
    let count = plural(model.problems.len() as u64, "PROBLEM", "PROBLEMS");
    let title = format!("{count}: the figures are of what could be read{}", in_title(shown, left));
    let mut section = Section::titled(Paragraph::said(title).tone(Tone::Problem)).kind(SectionKind::Alert);
    for problem in model.problems.iter().take(shown) {
        let said = place(problem).and(": ").and_quoted(&problem.message).marked(Mark::Problem);
        section = section.with(if is_full { said } else { said.at_most(amounts.lines.min(3)) });
    }
    Some(section.with_all((left > 0 && shown > 1).then(|| more(left, "problem", "problems", is_full))))
}

/// What tells how to see those that are left out, where there is no line to spare for that.
pub(super) fn in_title(shown: usize, left: u64) -> &'static str {
    if shown <= 1 && left > 0 { " (--full shows all)" } else { "" }
}

/// `… 3 more problems (--full)`.
fn more(number: u64, one: &str, many: &str, is_full: bool) -> Paragraph {
    let shows = if is_full { "-n 0 shows all" } else { "--full" };
    Paragraph::said(format!("… {} more {} ({shows})", exact(number), if number == 1 { one } else { many }))
        .tone(Tone::Quiet)
}

/// Where a problem is: `variables/variables.index, byte 12`.
pub(super) fn place(problem: &Problem) -> Paragraph {
    let file = Paragraph::default().and_name(&problem.file);
    problem.offset.map_or(file.clone(), |offset| file.and(format!(", byte {offset}")))
}

/// What there is no report of, and why.
pub(super) fn unreadable(report: &Report, amounts: Amounts, view: &View) -> Vec<Section> {
    if report.unreadable.is_empty() {
        return Vec::new();
    }
    let shown = if super::must_fit(view) { amounts.problems } else { view.rows(usize::MAX) };
    let left = report.unreadable.len().saturating_sub(shown) as u64;
    let number = plural(report.unreadable.len() as u64, "PATH", "PATHS");
    let title = format!("{number} that could not be read{}", in_title(shown, left));
    let title = Paragraph::said(title).tone(Tone::Problem);
    let mut section = Section::titled(title).kind(SectionKind::Alert);
    for input in report.unreadable.iter().take(shown) {
        let said = Paragraph::default().and_quoted(why(input)).marked(Mark::Problem);
        section = section.with(if super::must_fit(view) { said.at_most(amounts.lines) } else { said });
    }
    vec![section.with_all((left > 0 && shown > 1).then(|| more(left, "path", "paths", false)))]
}

/// Why there is no report of a path. Most messages begin with it.
fn why(input: &UnreadableInput) -> String {
    match input.message.starts_with(&input.path) {
        true => input.message.clone(),
        false => format!("{}: {}", escape(&input.path), input.message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn a_path_without_a_report_is_named_once() {
        let mut input = sample::unreadable("./a\u{7}");
        assert_eq!(why(&input), "./a\u{7}: is not there", "the message names it");
        input.message = "is damaged".to_owned();
        assert_eq!(why(&input), "./a\\u{7}: is damaged");
    }
}
