//! The `smaudit explain` command: the long form of a finding, or the list of all findings.

use std::fmt::Write as _;

use anstyle::Style;
use anyhow::anyhow;
use smaudit::{CAUSES, Exit, cause};

use crate::output;

/// Headings, and ids in the list.
const HEADING: Style = Style::new().bold();

/// Wider lines are hard to read.
const WIDEST: usize = 100;

/// Prints what a finding means; without an id, which findings there are.
pub(crate) fn run(id: Option<&str>) -> anyhow::Result<Exit> {
    let text = match id {
        None => list(),
        Some(id) => {
            let unknown = || anyhow!("there is no finding `{id}`; `smaudit explain` lists them");
            page(cause(id).ok_or_else(unknown)?.long, output::columns(true).min(WIDEST))
        }
    };
    output::page(&text)?;
    Ok(Exit::Audited)
}

fn list() -> String {
    let width = CAUSES.iter().map(|cause| cause.id.len()).max().unwrap_or_default();
    let mut text = String::new();
    for cause in CAUSES {
        let pad = " ".repeat(width - cause.id.len());
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{HEADING}{}{HEADING:#}{pad}  {}", cause.id, cause.title());
    }
    text
}

/// Markdown as it reads on a terminal: headings in bold, code indented, paragraphs and items of lists as wide as there is
/// room. It is prose of ours, with no other markup than that and code spans.
fn page(markdown: &str, columns: usize) -> String {
    let mut text = String::new();
    let mut paragraph = String::new();
    let mut in_code = false;
    for line in markdown.lines() {
        let fence = line.starts_with("```");
        if fence || in_code || line.is_empty() || line.starts_with(['#', '-']) {
            flush(&mut paragraph, columns, &mut text);
        }
        in_code ^= fence;
        // Writing to a String cannot fail.
        let _ = match line.trim_start_matches('#').strip_prefix(' ').filter(|_| line.starts_with('#') && !in_code) {
            Some(heading) => writeln!(text, "{HEADING}{heading}{HEADING:#}"),
            None if fence => Ok(()),
            None if in_code && !line.is_empty() => writeln!(text, "    {line}"),
            None if line.is_empty() => writeln!(text),
            None => write!(paragraph, "{}{}", if paragraph.is_empty() { "" } else { " " }, line.trim_start()),
        };
    }
    flush(&mut paragraph, columns, &mut text);
    text
}

/// Writes what is left of a paragraph; the lines of an item are as far in as its first.
fn flush(paragraph: &mut String, columns: usize, text: &mut String) {
    let hang = if paragraph.starts_with("- ") { "  " } else { "" };
    if !paragraph.is_empty() {
        *text += &textwrap::fill(
            paragraph,
            textwrap::Options::new(columns)
                .subsequent_indent(hang)
                .word_splitter(textwrap::WordSplitter::NoHyphenation),
        );
        text.push('\n');
    }
    paragraph.clear();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_is_as_wide_as_there_is_room_and_code_stays_as_it_is() {
        let markdown = "# id: a title\n\nOne two\nthree four.\n- an item of\n  six words\n\n```sh\n# a  b\n\nc\n```\n";
        let text = anstream::adapter::strip_str(&page(markdown, 12)).to_string();
        assert_eq!(text, "id: a title\n\nOne two\nthree four.\n- an item of\n  six words\n\n    # a  b\n\n    c\n");
        let text = anstream::adapter::strip_str(&page(markdown, 80)).to_string();
        assert!(text.contains("One two three four.\n- an item of six words\n"), "{text}");
    }
}
