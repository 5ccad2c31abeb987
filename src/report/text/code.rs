//! Lines of Python on a page that is narrower than they are.

use crate::report::fit::width;

/// How far in a line stands that goes on with the one above.
const HANG: usize = 4;

/// A line of Python on as many lines of at most `columns` as it needs. It is broken behind a comma or a blank in brackets,
/// where Python lets a line go on; a line with no such place stays as wide as it is.
pub(super) fn broken(line: &str, columns: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut rest = line.to_owned();
    while width(&rest) > columns {
        let Some(end) = last_break(&rest, columns) else { break };
        let next = rest.split_off(end);
        lines.push(rest.trim_end().to_owned());
        rest = format!("{}{}", " ".repeat(HANG), next.trim_start());
    }
    lines.push(rest);
    lines
}

/// Behind the last blank in brackets that leaves a line of at most `columns`, but for the blanks that it begins with.
fn last_break(line: &str, columns: usize) -> Option<usize> {
    let start = line.len() - line.trim_start().len();
    let (mut depth, mut quote, mut last) = (0_usize, None, None);
    // A line that goes on with another one is in brackets from its start.
    depth += usize::from(start >= HANG);
    for (at, c) in line.char_indices() {
        if at > columns {
            break;
        }
        match (c, quote) {
            ('"' | '\'', None) => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            ('(' | '[' | '{', None) => depth += 1,
            (')' | ']' | '}', None) => depth = depth.saturating_sub(1),
            (' ', None) if depth > 0 && at > start => last = Some(at + 1),
            _ => {}
        }
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_is_broken_in_brackets_only() {
        let line = r#"f = save(module, "a name", signatures=g(lambda x: h(x), specs))"#;
        let expected = [r#"f = save(module, "a name","#, "    signatures=g(lambda x:", "    h(x), specs))"];
        assert_eq!(broken(line, 26), expected);
        assert_eq!(broken("from a import b", 5), ["from a import b"], "it would not run");
        assert_eq!(broken("short", 5), ["short"]);
    }
}
