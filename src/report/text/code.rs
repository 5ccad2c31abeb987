//! Lines of Python on a page that is narrower than they are.

use crate::report::fit::width;

/// How far in a line stands that goes on with the one above.
const HANG: usize = 4;

/// What begins a statement that has others in it, which are not what follows it on a line of its own.
const COMPOUND: [&str; 6] = ["with ", "for ", "if ", "while ", "def ", "class "];

/// Where a line is broken: before the byte `end`, at `depth` brackets.
struct Break {
    end: usize,
    depth: usize,
}

/// A line of Python on as many lines of at most `columns` as it needs. It is broken between two statements, else behind a blank
/// in brackets, where Python lets a line go on; a line with no such place stays as wide as it is.
pub(super) fn broken(line: &str, columns: usize) -> Vec<String> {
    let indent = line.len() - line.trim_start().len();
    let mut lines = Vec::new();
    let (mut rest, mut depth) = (line.to_owned(), 0);
    while width(&rest) > columns {
        let Some(found) = last_break(&rest, depth, columns) else { break };
        let next = rest.split_off(found.end);
        let (kept, hang) = match found.depth {
            0 => (rest.trim_end().trim_end_matches(';'), 0),
            _ => (rest.trim_end(), HANG),
        };
        lines.push(kept.to_owned());
        rest = format!("{}{}", " ".repeat(indent + hang), next.trim_start());
        depth = found.depth;
    }
    lines.push(rest);
    lines
}

/// The last place to break a line that begins in `depth` brackets and is to have at most `columns`.
fn last_break(line: &str, mut depth: usize, columns: usize) -> Option<Break> {
    let start = line.len() - line.trim_start().len();
    let is_compound = COMPOUND.iter().any(|word| line.trim_start().starts_with(word));
    let (mut quote, mut statement, mut bracket) = (None, None, None);
    let mut before = ' ';
    for (at, c) in line.char_indices().take_while(|(at, _)| *at <= columns) {
        match (c, quote) {
            ('"' | '\'', None) => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            ('(' | '[' | '{', None) => depth += 1,
            (')' | ']' | '}', None) => depth = depth.saturating_sub(1),
            (' ', None) if at > start && depth > 0 => bracket = Some(Break { end: at + 1, depth }),
            (' ', None) if before == ';' && !is_compound => statement = Some(Break { end: at + 1, depth }),
            _ => {}
        }
        before = c;
    }
    statement.or(bracket)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_is_broken_in_brackets_only() {
        let line = r#"f = save(module, "a name", signatures=g(lambda x: h(x), specs))"#;
        let expected = [r#"f = save(module, "a name","#, "    signatures=g(lambda x:", "    h(x), specs))"];
        assert_eq!(broken(line, 26), expected);
        assert_eq!(broken("    inputs, outputs = build()", 12), ["    inputs, outputs = build()"], "it is no call");
        assert_eq!(broken("from a import b", 5), ["from a import b"], "it would not run");
        assert_eq!(broken("short", 5), ["short"]);
    }

    #[test]
    fn statements_get_lines_of_their_own_before_one_is_broken() {
        assert_eq!(broken("  a = b(); c = [d, e]", 15), ["  a = b()", "  c = [d, e]"]);
        assert_eq!(broken("a = b(); c = [d, e, f, g]", 14), ["a = b()", "c = [d, e, f,", "    g]"]);
        assert_eq!(broken("for a in b: c; d(e, f)", 20), ["for a in b: c; d(e,", "    f)"], "d is a part of it");
    }
}
