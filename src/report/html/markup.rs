//! Text of HTML, and links of the page to itself.

use crate::escape::{escape, escape_text};

/// A name as text of HTML, in an attribute's quotes as well: what would steer or not be seen is written as `\u{1b}`, as in
/// all formats.
pub(in crate::report) fn text(name: &str) -> String {
    mark_up(&escape(name))
}

/// A sentence in which names may stand as the file has them, or are escaped already, as text of HTML.
pub(super) fn sentence(sentence: &str) -> String {
    mark_up(&escape_text(sentence))
}

/// A sentence in which names are escaped and mostly in backticks: these are code.
pub(super) fn said(sentence: &str) -> String {
    let escaped = escape_text(sentence);
    let mut html = String::with_capacity(escaped.len());
    let mut parts = escaped.split('`').peekable();
    let mut is_code = false;
    while let Some(part) = parts.next() {
        // What no second backtick ends is no code.
        match (is_code, parts.peek().is_some()) {
            (true, true) => html.push_str(&format!("<code>{}</code>", mark_up(part))),
            (true, false) => html.push_str(&format!("`{}", mark_up(part))),
            (false, _) => html.push_str(&mark_up(part)),
        }
        is_code = !is_code;
    }
    html
}

fn mark_up(escaped: &str) -> String {
    let mut html = String::with_capacity(escaped.len());
    for c in escaped.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            c => html.push(c),
        }
    }
    html
}

/// A name as a part of the URL's hash: all but letters, digits and a few marks as `%2f`.
pub(super) fn hashed(name: &str) -> String {
    let mut hash = String::with_capacity(name.len());
    for byte in escape(name).bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => hash.push(char::from(byte)),
            other => hash.push_str(&format!("%{other:02X}")),
        }
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_name_is_markup() {
        assert_eq!(
            text("</script><a href='x'>&\"\u{202e}"),
            "&lt;/script&gt;&lt;a href=&#39;x&#39;&gt;&amp;&quot;\\u{202e}"
        );
    }

    #[test]
    fn backticks_are_code_in_pairs() {
        assert_eq!(said("`a<b` is not `c"), "<code>a&lt;b</code> is not `c");
        assert_eq!(said("a"), "a");
    }

    #[test]
    fn a_name_in_a_link_is_what_the_script_decodes() {
        assert_eq!(hashed("a/b&c=ü"), "a%2Fb%26c%3D%C3%BC");
    }
}
