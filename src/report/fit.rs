//! Names in the columns that there are: escaped, measured as a terminal shows them, and cut in the middle.
//!
//! The middle is cut since both ends of a name tell it from others: the folder that it is in, and `_1234` at its end.

use std::borrow::Cow;
use std::collections::VecDeque;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::escape::{begins_command, escape, is_unsafe, must_escape, push};

/// Marks after one character; the ones past them are taken as characters, so that no heap of marks counts as nothing.
const MARKS: usize = 8;

/// The columns that `text` takes on a terminal.
pub(super) fn width(text: &str) -> usize {
    text.width()
}

/// `name`, escaped as by [`escape`], and cut in the middle with `…` where it is wider than `columns`. An escape, or a
/// character and the marks on it, is kept or cut as one.
#[must_use]
pub fn fit(name: &str, columns: usize) -> String {
    if name.is_empty() { escape(name).into_owned() } else { cut(units(name), columns) }
}

/// As [`fit`], of a sentence or a word of one, in which names are escaped already.
pub(super) fn fit_said(sentence: &str, columns: usize) -> String {
    cut(units_said(sentence), columns)
}

/// The units of a name that is yet to be escaped.
pub(super) fn units(name: &str) -> impl Iterator<Item = Unit<'_>> {
    Units { rest: name, hidden: must_escape, is_start: true }
}

/// The units of a sentence, in which names are escaped already.
pub(super) fn units_said(sentence: &str) -> impl Iterator<Item = Unit<'_>> {
    Units { rest: sentence, hidden: |_, c| is_unsafe(c), is_start: false }
}

fn cut<'a>(units: impl Iterator<Item = Unit<'a>>, columns: usize) -> String {
    let head_columns = columns.saturating_sub(1).div_ceil(2);
    let (mut head, mut head_width) = (String::new(), 0);
    let (mut tail, mut tail_width) = (VecDeque::new(), 0);
    let mut cut = false;
    for unit in units {
        if tail.is_empty() && !cut && head_width + unit.width <= head_columns {
            head_width += unit.width;
            head.push_str(&unit.text);
            continue;
        }
        tail_width += unit.width;
        tail.push_back(unit);
        cut |= shorten(&mut tail, &mut tail_width, columns - head_width);
    }
    if cut {
        shorten(&mut tail, &mut tail_width, columns.saturating_sub(head_width + 1));
        head.push_str(if columns > 0 { "…" } else { "" });
    }
    tail.iter().for_each(|unit| head.push_str(&unit.text));
    head
}

/// `text` with spaces on its right, up to `columns`.
pub(super) fn pad(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(width(text))))
}

/// Drops units from the front until the rest is at most `columns` wide; whether any was.
fn shorten(tail: &mut VecDeque<Unit<'_>>, tail_width: &mut usize, columns: usize) -> bool {
    let before = tail.len();
    while *tail_width > columns {
        let Some(unit) = tail.pop_front() else { break };
        *tail_width -= unit.width;
    }
    tail.len() < before
}

/// What is cut or kept as one. No narrower than it shows, and never 0 columns.
#[derive(Debug, Clone)]
pub(super) struct Unit<'a> {
    pub(super) text: Cow<'a, str>,
    pub(super) width: usize,
}

impl Unit<'_> {
    pub(super) fn into_owned(self) -> Unit<'static> {
        Unit { text: Cow::Owned(self.text.into_owned()), width: self.width }
    }
}

/// The units of a text that is yet to be escaped where `hidden` says so of what is left and its first character.
struct Units<'a> {
    rest: &'a str,
    hidden: fn(&str, char) -> bool,
    /// Whether nothing but blanks of a name came so far.
    is_start: bool,
}

impl<'a> Iterator for Units<'a> {
    type Item = Unit<'a>;

    fn next(&mut self) -> Option<Unit<'a>> {
        let first = self.rest.chars().next()?;
        let is_command = self.is_start && begins_command("", self.rest);
        self.is_start &= first.is_whitespace();
        let text = if is_command || (self.hidden)(self.rest, first) {
            let mut escaped = String::new();
            push(&mut escaped, first);
            self.rest = self.rest.get(first.len_utf8()..).unwrap_or_default();
            Cow::Owned(escaped)
        } else {
            let marks = self.rest.chars().skip(1).take(MARKS).take_while(|c| is_mark(*c));
            let (unit, rest) = self.rest.split_at(first.len_utf8() + marks.map(char::len_utf8).sum::<usize>());
            self.rest = rest;
            Cow::Borrowed(unit)
        };
        let width = text.width().max(1);
        Some(Unit { text, width })
    }
}

/// Whether `c` is shown on the character before it.
fn is_mark(c: char) -> bool {
    c.width() == Some(0) && !is_unsafe(c)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_that_fits_is_not_cut() {
        assert_eq!(fit("dense/kernel", 12), "dense/kernel");
        assert_eq!(fit("重み", 4), "重み");
    }

    #[test]
    fn a_long_name_loses_its_middle() {
        assert_eq!(fit("abcdefghij", 7), "abc…hij");
        assert_eq!(fit("abcdefghij", 6), "abc…ij");
        assert_eq!(fit("abcdefghij", 1), "…");
        assert_eq!(fit("abcdefghij", 0), "");
    }

    #[test]
    fn columns_are_counted_as_a_terminal_shows_them() {
        assert_eq!(fit("重み重み重み", 9), "重み…重み");
        assert_eq!(fit("重み重み重み", 8), "重み…み", "half a wide character is not there");
    }

    #[test]
    fn an_escape_is_not_split() {
        assert_eq!(fit("ab\u{1b}cd", 9), "ab\\u{1b}cd".replace("ab\\u{1b}", "ab…"));
        assert_eq!(fit("ab\u{1b}cd", 10), "ab\\u{1b}cd");
    }

    #[test]
    fn names_in_a_sentence_are_not_escaped_twice() {
        assert_eq!(fit_said("a\\u{1b}\u{1b}", 20), "a\\u{1b}\\u{1b}");
        assert_eq!(fit("a\\u{1b}\u{1b}", 30), "a\\u{5c}u{1b}\\u{1b}");
    }

    #[test]
    fn a_mark_stays_on_its_character() {
        assert_eq!(fit("e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}", 3), "e\u{301}…e\u{301}");
    }

    #[test]
    fn a_heap_of_marks_is_cut_as_well() {
        let heap = format!("a{}z", "\u{301}".repeat(100_000));
        assert!(fit(&heap, 20).chars().count() < 20 * (MARKS + 1));
    }

    proptest! {
        #[test]
        fn nothing_is_wider_than_its_columns(name in any::<String>(), columns in 0_usize..40) {
            let shown = fit(&name, columns.max(2));
            prop_assert!(width(&shown) <= columns.max(2), "{shown:?}");
        }

        #[test]
        fn what_fits_is_shown_as_it_is_escaped(name in "\\PC{1,20}") {
            prop_assert_eq!(fit(&name, 400), escape(&name));
        }
    }
}
