//! A page of Markdown that holds no more than a comment may: whole lines up to there, then what was left out.

use crate::report::fit::{fit, fit_said};
use crate::size::exact;

/// The most characters of a comment on GitHub. A job summary may have 1 MiB.
pub(super) const MOST: usize = 65_536;

/// What is kept for the end of the last table and the closing line.
const RESERVE: usize = 400;

/// The columns past which a name is cut in the middle.
const NAME: usize = 80;

/// The columns past which a sentence is.
const SENTENCE: usize = 400;

/// Markdown on its way to [`MOST`] characters.
pub(super) struct Page {
    text: String,
    room: usize,
    left_out: u64,
}

impl Page {
    pub(super) fn new() -> Self {
        Self { text: String::new(), room: MOST - RESERVE, left_out: 0 }
    }

    /// Adds `lines`, or none of them. Once something was left out, all that follows is.
    pub(super) fn lines(&mut self, lines: &str) -> bool {
        let characters = lines.chars().count();
        let fits = self.left_out == 0 && characters <= self.room;
        if fits {
            self.end(lines);
        } else {
            self.left_out += lines.lines().filter(|line| !line.is_empty()).count() as u64;
        }
        fits
    }

    /// Begins a table. Its first columns are names and the last `figures` ones numbers. The heading is written with the
    /// first row, so there is no table without rows.
    pub(super) fn table(&mut self, columns: &[&str], figures: usize) -> Table<'_> {
        let names = columns.len().saturating_sub(figures);
        let ruler: String = (0..columns.len()).map(|at| if at < names { ":--|" } else { "--:|" }).collect();
        let heading = format!("| {} |\n|{ruler}\n", columns.join(" | "));
        Table { page: self, heading: Some(heading), begun: false, end: "\n" }
    }

    /// As [`Page::table`], folded up below `summary`.
    pub(super) fn folded_table(&mut self, summary: &str, columns: &[&str], figures: usize) -> Table<'_> {
        let mut table = self.table(columns, figures);
        table.end = "\n</details>\n\n";
        table.heading = table.heading.map(|heading| format!("<details><summary>{summary}</summary>\n\n{heading}"));
        table
    }

    /// The whole page, with a line at its end that says what is not on it.
    pub(super) fn finish(self) -> String {
        if self.left_out == 0 {
            return self.text.trim_end().to_owned() + "\n";
        }
        format!(
            "{}\n\n**The last {} lines are left out**: a comment holds {} characters. `smaudit --format json` has all of \
             them; a smaller `-n` leaves room for the rest of the report.\n",
            self.text.trim_end(),
            exact(self.left_out),
            exact(MOST as u64),
        )
    }

    /// Adds what must not be missing: there is room for it in [`RESERVE`].
    fn end(&mut self, lines: &str) {
        self.room = self.room.saturating_sub(lines.chars().count());
        self.text.push_str(lines);
    }
}

/// A table being written.
pub(super) struct Table<'p> {
    page: &'p mut Page,
    /// What comes before the first row, until there is one.
    heading: Option<String>,
    /// Whether the page has a row of it.
    begun: bool,
    end: &'static str,
}

impl Table<'_> {
    /// Adds a row of cells, or leaves it out.
    pub(super) fn row(&mut self, cells: &[&str]) {
        let heading = self.heading.take().unwrap_or_default();
        self.begun |= self.page.lines(&format!("{heading}| {} |\n", cells.join(" | ")));
    }

    /// Ends the table, if it is on the page at all.
    pub(super) fn end(self) {
        if self.begun {
            self.page.end(self.end);
        }
    }
}

/// A name as a code span: safe, and cut in the middle where it is very long.
pub(super) fn code(name: &str) -> String {
    span(&fit(name, NAME))
}

/// A sentence that may have names in it, as a code span.
pub(super) fn quote(sentence: &str) -> String {
    span(&fit_said(sentence, SENTENCE))
}

/// `text`, which is escaped for a terminal, as a code span in any place, a table's cell included.
fn span(text: &str) -> String {
    format!("`{}`", text.replace('`', "\\u{60}").replace('|', "\\u{7c}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_code_span_that_nothing_in_it_ends() {
        assert_eq!(code("a|b`c\nd<img>@team"), "`a\\u{7c}b\\u{60}c\\u{a}d<img>@team`");
        assert_eq!(code(""), "`\"\"`");
        assert_eq!(fit(&"x".repeat(300), NAME).chars().count(), NAME);
    }

    #[test]
    fn a_table_without_rows_is_not_there() {
        let mut page = Page::new();
        page.folded_table("Ops", &["op", "bytes"], 1).end();
        assert_eq!(page.finish(), "\n");
    }

    #[test]
    fn a_page_ends_between_rows_and_closes_what_is_open() {
        let mut page = Page::new();
        let mut table = page.folded_table("Ops", &["op", "bytes"], 1);
        (0..10_000).for_each(|_| table.row(&["`name`", "1,000"]));
        table.end();
        page.lines("the end\n");
        let text = page.finish();
        assert!(text.chars().count() <= MOST);
        let rows = text.lines().filter(|line| *line == "| `name` | 1,000 |").count();
        let left_out = exact(10_001 - rows as u64);
        assert!(text.contains(&format!("</details>\n\n**The last {left_out} lines are left out**")), "{left_out}");
        assert!(!text.contains("the end"), "what follows is left out, too");
    }
}
