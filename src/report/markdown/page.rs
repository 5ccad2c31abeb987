//! A page of Markdown that holds no more than a comment may: whole lines up to there, then what was left out.

use crate::escape::{escape, escape_text};
use crate::size::exact;

/// The most characters of a comment on GitHub. A job summary may have 1 MiB.
pub(super) const MOST: usize = 65_536;

/// What is kept for the end of the last table and the closing line.
const RESERVE: usize = 400;

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

    /// Adds `lines`, or none of them; whether it did. Once something was left out, all that follows is.
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

    /// Adds what must not be missing, as it closes what is open: there is room for it in [`RESERVE`].
    pub(super) fn end(&mut self, lines: &str) {
        self.room = self.room.saturating_sub(lines.chars().count());
        self.text.push_str(lines);
    }
}

/// A name as a code span.
pub(super) fn code(name: &str) -> String {
    span(&escape(name))
}

/// A sentence that may have names in it, as a code span.
pub(super) fn quote(sentence: &str) -> String {
    span(&escape_text(sentence))
}

/// `text`, which is escaped for a terminal, as a code span in any place, a table's cell included.
fn span(text: &str) -> String {
    format!("`{}`", text.replace('`', "\\u{60}").replace('|', "\\u{7c}"))
}

/// `text`, which is escaped for a terminal, as text of HTML.
pub(super) fn html(text: &str) -> String {
    let marks = [('&', "&amp;"), ('<', "&lt;"), ('>', "&gt;"), ('`', "&#96;"), ('|', "&#124;")];
    marks.iter().fold(text.to_owned(), |text, (mark, name)| text.replace(*mark, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_code_span_that_nothing_in_it_ends() {
        assert_eq!(code("a|b`c\nd<img>@team"), "`a\\u{7c}b\\u{60}c\\u{a}d<img>@team`");
        assert_eq!(code(""), "`\"\"`");
    }

    #[test]
    fn a_page_ends_between_lines_and_says_how_many_are_missing() {
        let mut page = Page::new();
        (0..10_000).for_each(|_| {
            page.lines("a line\n");
        });
        page.lines("the end\n");
        let text = page.finish();
        assert!(text.chars().count() <= MOST);
        let there = text.lines().filter(|line| *line == "a line").count();
        assert!(text.contains(&format!("**The last {} lines are left out**", exact(10_001 - there as u64))));
        assert!(!text.contains("the end"), "what follows is left out, too");
    }
}
