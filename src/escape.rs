//! Names from a model, made safe before a terminal, a table or another program sees them.
//!
//! There is one notation for all formats but JSON: a character that would be obeyed, or would not be seen, is written
//! as `\u{1b}`. A format adds the characters that are syntax to it (`;` in folded stacks, `|` in Markdown). Nothing
//! else changes, so an ordinary name stays as it is, and it can be undone: a backslash that is not part of an escape
//! is written as `\u{5c}` where it stands before `u{`, and stays otherwise. A sentence is no name: the names in it are
//! escaped by whoever wrote it, so its backslashes stay.

use std::borrow::Cow;
use std::fmt::Write;

/// What is shown where a name is empty.
const EMPTY: &str = "\"\"";

/// A name for a message: whole, or of a long one its beginning and its end. A file may have one name of megabytes, and a
/// thousand messages that name it.
#[must_use]
pub fn shortened(name: &str) -> Cow<'_, str> {
    /// Bytes of a name that are kept at either end.
    const END: usize = 100;
    if name.len() <= 2 * END + '…'.len_utf8() {
        return Cow::Borrowed(name);
    }
    let is_boundary = |at: &usize| name.is_char_boundary(*at);
    let head = (0..=END).rev().find(is_boundary).unwrap_or_default();
    let tail = (name.len().saturating_sub(END)..name.len()).find(is_boundary).unwrap_or(name.len());
    let ends = [name.get(..head), Some("…"), name.get(tail..)];
    Cow::Owned(ends.into_iter().flatten().collect())
}

/// Whether `c` steers a terminal or is not seen: control characters, format characters (bidi overrides and isolates,
/// zero-width ones, tags, separators of lines) and blank fillers.
#[must_use]
#[inline]
pub fn is_unsafe(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    let blank = matches!(c, '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}');
    let format = matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}');
    c.is_control() || blank || format
}

/// `name` for a terminal or a log; `""` where it is empty.
#[must_use]
pub fn escape(name: &str) -> Cow<'_, str> {
    escape_also(name, |_, _| false)
}

/// A text for a terminal or a log, in which names may be escaped already: unsafe characters are escaped, backslashes
/// stay, so that a second time changes nothing.
#[must_use]
pub fn escape_text(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        let is_command = c == '#' && is_command(text.get(at..).unwrap_or_default());
        if is_unsafe(c) || is_command { push(&mut safe, c) } else { safe.push(c) }
    }
    safe
}

/// As [`escape`], with every character escaped that `also` says so of, given where it starts and what it is.
pub(crate) fn escape_also(name: &str, also: impl Fn(usize, char) -> bool) -> Cow<'_, str> {
    if name.is_empty() {
        return Cow::Borrowed(EMPTY);
    }
    let mut safe = String::new();
    let mut done = 0;
    for (at, c) in name.char_indices() {
        let (before, rest) = name.split_at(at);
        if must_escape(rest, c) || begins_command(before, rest) || also(at, c) {
            safe.push_str(name.get(done..at).unwrap_or_default());
            push(&mut safe, c);
            done = at + c.len_utf8();
        }
    }
    if done == 0 {
        return Cow::Borrowed(name);
    }
    safe.push_str(name.get(done..).unwrap_or_default());
    Cow::Owned(safe)
}

/// Whether `c`, the first character of `rest`, is escaped in a name in every format: also where a build's runner would take
/// it for a command, `##[warning]` or `##vso[task]` anywhere in a line of its log.
pub(crate) fn must_escape(rest: &str, c: char) -> bool {
    is_unsafe(c) || (c == '\\' && rest.starts_with("\\u{")) || (c == '#' && is_command(rest))
}

/// Whether a runner of Azure Pipelines, or an older one of GitHub Actions, obeys what a text begins with.
pub(crate) fn is_command(text: &str) -> bool {
    let begins = |with: &str| text.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with));
    begins("##[") || begins("##vso[")
}

/// Whether `rest` of a name is what a runner of GitHub Actions obeys at the beginning of a line, behind blanks or not:
/// `::error::`.
pub(crate) fn begins_command(before: &str, rest: &str) -> bool {
    rest.starts_with("::") && before.trim_start().is_empty()
}

/// Writes `c` as an escape.
pub(crate) fn push(safe: &mut String, c: char) {
    // Writing to a String cannot fail.
    let _ = write!(safe, "{}", c.escape_unicode());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_runner_would_obey_is_escaped() {
        for (name, escaped) in [
            ("::error::x", "\\u{3a}:error::x"),
            ("  ::error::x", "  \\u{3a}:error::x"),
            ("a::b", "a::b"),
            ("a ##[add-mask]b", "a \\u{23}#[add-mask]b"),
            ("##VSO[task]x", "\\u{23}#VSO[task]x"),
            ("# heading", "# heading"),
        ] {
            assert_eq!(escape(name), escaped);
        }
        assert_eq!(escape_text("m: ##[error]x"), "m: \\u{23}#[error]x");
    }

    /// The name that an escaped one stands for.
    fn undo(escaped: &str) -> String {
        let mut name = String::new();
        let mut parts = escaped.split("\\u{");
        name.push_str(parts.next().unwrap());
        for part in parts {
            let (code, rest) = part.split_once('}').unwrap();
            name.push(char::from_u32(u32::from_str_radix(code, 16).unwrap()).unwrap());
            name.push_str(rest);
        }
        name
    }

    #[test]
    fn ordinary_names_stay_as_they_are() {
        for name in ["dense/kernel:0", "C:\\models\\new", "模型/重み", "naïve", "__inference_<lambda>_12", "a b"] {
            assert!(matches!(escape(name), Cow::Borrowed(same) if same == name), "{name}");
        }
    }

    #[test]
    fn what_a_terminal_obeys_is_written_as_an_escape() {
        assert_eq!(escape("a\u{1b}[31mb\n\u{7f}\u{9b}"), "a\\u{1b}[31mb\\u{a}\\u{7f}\\u{9b}");
        assert_eq!(escape("\u{202e}gpj.exe"), "\\u{202e}gpj.exe");
        assert_eq!(escape("a\u{200b}b\u{2028}c\u{feff}\u{e0041}"), "a\\u{200b}b\\u{2028}c\\u{feff}\\u{e0041}");
    }

    #[test]
    fn escaping_a_text_twice_changes_nothing() {
        assert_eq!(escape_text("a\u{7}\\u{7}"), "a\\u{7}\\u{7}");
        assert_eq!(escape_text("a\\u{7}\\u{7}"), "a\\u{7}\\u{7}");
    }

    #[test]
    fn an_empty_name_is_seen() {
        assert_eq!(escape(""), "\"\"");
    }

    #[test]
    fn an_escape_is_never_taken_for_a_name_that_looks_like_one() {
        assert_eq!(escape("\\u{1b}"), "\\u{5c}u{1b}");
        for name in ["\u{1b}", "\\u{1b}", "\\\u{1b}", "\\\\u{1b}", "\\u{5c}u{1b}", "\\u", "u{}", "\\"] {
            assert_eq!(undo(&escape(name)), name);
        }
    }
}
