//! The page that text is written on: lines, sections, facts with a label, and columns of figures.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use crate::ledger::Rest;
use crate::report::View;
use crate::report::fit::{fit_said, pad, width, wrap};
use crate::report::format::SHOWS_ALL;
use crate::size::{exact, share};

/// Headings of sections and tables.
pub(super) const HEADING: Style = Style::new().bold();
/// What was left out, and what only leads the eye.
pub(super) const QUIET: Style = Style::new().dimmed();
/// Bars.
pub(super) const BAR: Style = AnsiColor::Cyan.on_default();
/// What costs bytes for nothing.
pub(super) const WARNING: Style = AnsiColor::Yellow.on_default();
/// What went wrong.
pub(super) const PROBLEM: Style = AnsiColor::Red.on_default().bold();

/// What needs no style.
pub(super) const PLAIN: Style = Style::new();

/// The narrowest page. Below it names would have no room beside their figures.
const NARROWEST: usize = 60;

/// The columns of a fact's label, with the space around it.
const LABEL: usize = 14;

/// Where the report is written, and how wide.
pub(super) struct Page<'a> {
    out: &'a mut dyn Write,
    empty: bool,
    /// Columns of a line.
    pub(super) width: usize,
    /// How many rows tables have.
    pub(super) view: View,
}

impl<'a> Page<'a> {
    pub(super) fn new(view: &View, out: &'a mut dyn Write) -> Self {
        Self { out, empty: true, width: view.width.max(NARROWEST), view: *view }
    }

    /// A blank line, but at the top of the page.
    pub(super) fn section(&mut self) -> io::Result<()> {
        if self.empty { Ok(()) } else { self.line("") }
    }

    /// A line of text that is safe and no wider than the page.
    pub(super) fn line(&mut self, text: &str) -> io::Result<()> {
        self.empty = false;
        writeln!(self.out, "{text}")
    }

    /// The same in a style.
    pub(super) fn styled(&mut self, style: Style, text: &str) -> io::Result<()> {
        self.line(&format!("{style}{text}{style:#}"))
    }

    /// A label and what is to be said under it, on as many lines as that needs. The label may be empty.
    pub(super) fn fact(&mut self, label: &str, items: &[String], style: Style) -> io::Result<()> {
        let mut label = format!("  {}", pad(label, LABEL - 2));
        for line in wrap(items, self.fact_room(), 2) {
            self.line(&format!("{label}{style}{line}{style:#}"))?;
            label = " ".repeat(LABEL);
        }
        Ok(())
    }

    /// A sentence after `lead`, on as many lines as it needs.
    pub(super) fn sentence(&mut self, lead: &str, style: Style, text: &str) -> io::Result<()> {
        let columns = self.width - lead.len();
        let mut lead = lead.to_owned();
        for line in wrap(&words(text, columns), columns, 0) {
            self.styled(style, &format!("{lead}{line}"))?;
            lead = " ".repeat(lead.len());
        }
        Ok(())
    }

    /// A sentence behind `mark`, its other lines as far in as its first one.
    pub(super) fn item(&mut self, lead: &str, mark: &str, style: Style, text: &str) -> io::Result<()> {
        let (indent, columns) = (width(lead) + width(mark), self.width.saturating_sub(width(lead) + width(mark)));
        let mut before = format!("{lead}{mark}");
        for line in wrap(&words(text, columns), columns, 0) {
            self.styled(style, &format!("{before}{line}"))?;
            before = " ".repeat(indent);
        }
        Ok(())
    }

    /// The columns of a fact beside its label.
    pub(super) fn fact_room(&self) -> usize {
        self.width - LABEL
    }
}

/// The words of a sentence, each safe and no wider than `columns`.
pub(super) fn words(sentence: &str, columns: usize) -> Vec<String> {
    sentence.split(' ').filter(|word| !word.is_empty()).map(|word| fit_said(word, columns) + " ").collect()
}

/// `…` and how many are left out, where they are not worth a line with their bytes.
pub(super) fn more(rest: Rest) -> String {
    format!("… {} more ({SHOWS_ALL})", exact(rest.rows))
}

/// The columns of figures before a name: bytes, their share in the model, and a count where the table has one.
pub(super) struct Figures {
    whole: u64,
    bytes: usize,
    count: Option<(&'static str, usize)>,
}

impl Figures {
    /// Columns wide enough for a model of `whole` bytes and for `rows` of (bytes, count). Without a name of what is
    /// counted there is no such column.
    pub(super) fn new(whole: u64, counted: Option<&'static str>, rows: impl Iterator<Item = (u64, u64)>) -> Self {
        let mut widths = (exact(whole).len().max("bytes".len()), counted.map_or(0, str::len));
        for (bytes, count) in rows {
            widths = (widths.0.max(exact(bytes).len()), widths.1.max(exact(count).len()));
        }
        Self { whole, bytes: widths.0, count: counted.map(|name| (name, widths.1)) }
    }

    /// Columns from the left edge to the name.
    pub(super) fn width(&self) -> usize {
        2 + self.bytes + 2 + 6 + self.count.map_or(0, |(_, width)| 2 + width) + 2
    }

    pub(super) fn heading(&self, name: &str) -> String {
        let count = self.count.map_or("", |(counted, _)| counted);
        format!("{}{name}", self.columns("bytes", "share", count))
    }

    /// The figures of a row. A count of nothing is left blank.
    pub(super) fn row(&self, bytes: u64, count: u64) -> String {
        let count = if count > 0 { exact(count) } else { String::new() };
        self.columns(&exact(bytes), &share(bytes, self.whole), &count)
    }

    fn columns(&self, bytes: &str, share: &str, count: &str) -> String {
        let left = format!("  {bytes:>width$}  {share:>6}", width = self.bytes);
        match self.count {
            Some((_, width)) => format!("{left}  {count:>width$}  "),
            None => format!("{left}  "),
        }
    }

    /// The row that says what a table leaves out.
    pub(super) fn rest(&self, rest: Option<Rest>, indent: usize, page: &mut Page<'_>) -> io::Result<()> {
        let Some(rest) = rest else { return Ok(()) };
        let (figures, more) = (self.row(rest.bytes, rest.count), more(rest));
        let indent = indent.min(page.width.saturating_sub(self.width() + width(&more)));
        page.styled(QUIET, &format!("{figures}{}{more}", " ".repeat(indent)))
    }
}

/// A bar of at most `columns`, in eighths of a column; at least the thinnest one where `part` is not 0.
pub(super) fn bar(part: u64, whole: u64, columns: usize) -> String {
    let eighths = (u128::from(part) * 8 * columns as u128).checked_div(u128::from(whole)).unwrap_or_default();
    let eighths = usize::try_from(eighths).unwrap_or_default().clamp(usize::from(part > 0), 8 * columns);
    let last = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"].get(eighths % 8).copied().unwrap_or_default();
    "█".repeat(eighths / 8) + last
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_long_as_its_share_and_never_gone() {
        assert_eq!(bar(1, 1, 4), "████");
        assert_eq!(bar(1, 2, 4), "██");
        assert_eq!(bar(5, 32, 4), "▋");
        assert_eq!(bar(1, u64::MAX, 4), "▏");
        assert_eq!(bar(0, 7, 4), "");
        assert_eq!(bar(0, 0, 4), "");
        assert_eq!(bar(9, 1, 4), "████", "never longer than its columns");
    }

    #[test]
    fn figures_are_as_wide_as_the_widest_of_them() {
        let figures = Figures::new(10, Some("n"), [(1_000_000, 3), (5, 1_000)].into_iter());
        assert_eq!(figures.heading("op"), "      bytes   share      n  op");
        assert_eq!(figures.row(5, 0), "          5   50.0%         ");
        assert_eq!(figures.row(5, 0).len(), figures.width());
    }
}
