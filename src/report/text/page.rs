//! The page that text is written on: lines, paragraphs, facts with a label, code.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use super::{Mark, Paragraph, Tone, code};
use crate::report::document::Part;
use crate::report::fit::{fit, fit_said, pad, width};

/// Bars.
pub(super) const BAR: Style = AnsiColor::Cyan.on_default();

/// The narrowest page. Below it names would have no room beside their figures.
const NARROWEST: usize = 60;

/// The columns of a fact's label, with the space around it.
const LABEL: usize = 14;

/// The columns of a word before what is said of it, with the space behind it.
const WORD: usize = 7;

/// How a tone looks.
pub(super) fn style(tone: Tone) -> Style {
    match tone {
        Tone::Plain => Style::new(),
        Tone::Strong => Style::new().bold(),
        Tone::Quiet => Style::new().dimmed(),
        Tone::Warning => AnsiColor::Yellow.on_default(),
        Tone::Problem => AnsiColor::Red.on_default().bold(),
    }
}

/// Where the report is written, and how wide.
pub(super) struct Page<'a> {
    out: &'a mut dyn Write,
    empty: bool,
    /// Columns of a line.
    pub(super) width: usize,
}

impl<'a> Page<'a> {
    pub(super) fn new(columns: usize, out: &'a mut dyn Write) -> Self {
        Self { out, empty: true, width: columns.max(NARROWEST) }
    }

    /// A blank line, but at the top of the page.
    pub(super) fn gap(&mut self) -> io::Result<()> {
        if self.empty { Ok(()) } else { self.line("") }
    }

    /// A line of text that is safe and no wider than the page.
    pub(super) fn line(&mut self, text: &str) -> io::Result<()> {
        self.empty = false;
        writeln!(self.out, "{text}")
    }

    /// A paragraph, on as many lines as it needs or may have, at least `indent` columns in.
    pub(super) fn paragraph(&mut self, paragraph: &Paragraph, indent: usize) -> io::Result<()> {
        let mark = match paragraph.mark {
            Mark::None => String::new(),
            Mark::Problem => "! ".to_owned(),
            Mark::Remedy => "→ ".to_owned(),
            Mark::Item => "- ".to_owned(),
            Mark::Word(word) => pad(word, WORD),
        };
        self.after(&" ".repeat(indent), &mark, paragraph)
    }

    /// A label and what is said under it.
    pub(super) fn fact(&mut self, label: &str, said: &Paragraph) -> io::Result<()> {
        self.after(&format!("  {}", pad(label, LABEL - 2)), "", said)
    }

    /// Lines of Python, which still run where they are broken to fit the page.
    pub(super) fn code(&mut self, lines: &[String], indent: usize) -> io::Result<()> {
        let room = self.width.saturating_sub(indent);
        let style = style(Tone::Strong);
        for line in lines.iter().flat_map(|line| code::broken(line, room)) {
            self.line(&format!("{}{style}{}{style:#}", " ".repeat(indent), fit_said(&line, room)))?;
        }
        Ok(())
    }

    /// A paragraph behind `lead`, which has no style, and `mark`, which has that of the paragraph.
    fn after(&mut self, lead: &str, mark: &str, paragraph: &Paragraph) -> io::Result<()> {
        let style = style(paragraph.tone);
        let columns = self.width.saturating_sub(width(lead) + width(mark));
        let (mut lead, mut mark) = (lead.to_owned(), mark.to_owned());
        for line in lines(paragraph, columns) {
            self.line(&format!("{lead}{style}{mark}{line}{style:#}"))?;
            lead = " ".repeat(width(&lead) + width(&mark));
            mark.clear();
        }
        Ok(())
    }
}

/// The lines of a paragraph, none wider than `columns`.
fn lines(paragraph: &Paragraph, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    for word in words(paragraph, columns) {
        if !line.is_empty() && width(&line) + 1 + width(&word) > columns {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&word);
    }
    if !line.is_empty() {
        lines.push(line);
    }
    keep_company(&mut lines, columns);
    match paragraph.lines {
        Some(most) if lines.len() > most => shortened(lines, most, columns),
        _ => lines,
    }
}

/// The widest word that does not stand on a last line alone: a version, a number, an ellipsis.
const LONELY: usize = 6;

/// Gives a last line of one short word what stands before it, back to the last comma, where half of the line above stays.
fn keep_company(lines: &mut [String], columns: usize) {
    let [.., above, last] = lines else { return };
    let is_alone = !last.contains(' ') && width(last) <= LONELY;
    let Some((kept, moved)) = above.rsplit_once(", ").or_else(|| above.rsplit_once(' ')) else { return };
    let joined = format!("{moved} {last}");
    if is_alone && width(kept) > columns / 2 && width(&joined) <= columns {
        let comma = if above.len() > kept.len() + 1 + moved.len() { "," } else { "" };
        (*above, *last) = (format!("{kept}{comma}"), joined);
    }
}

/// The first lines, the last of which says that there are more.
fn shortened(mut lines: Vec<String>, most: usize, columns: usize) -> Vec<String> {
    lines.truncate(most);
    if let Some(last) = lines.last_mut() {
        while width(last) + 2 > columns {
            match last.rfind(' ') {
                Some(end) => last.truncate(end),
                None => *last = fit_said(last, columns.saturating_sub(2)),
            }
        }
        last.push_str(" …");
    }
    lines
}

/// What a line may be broken between: the words of a sentence; names are kept whole, with what adjoins them.
fn words(paragraph: &Paragraph, columns: usize) -> Vec<String> {
    let mut words = vec![String::new()];
    for part in &paragraph.parts {
        match part {
            Part::Name(name, most) => {
                // On a wide page there is more room for all.
                let name = fit(name, columns.min((*most).max(columns / 4)));
                words.last_mut().into_iter().for_each(|word| word.push_str(&name));
            }
            Part::Said(sentence) | Part::Quoted(sentence) => {
                for (index, word) in sentence.split(' ').enumerate() {
                    if index > 0 {
                        words.push(String::new());
                    }
                    words.last_mut().into_iter().for_each(|last| last.push_str(word));
                }
            }
        }
    }
    words.retain(|word| !word.is_empty());
    words.into_iter().map(|word| fit_said(&word, columns)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_last_line_of_one_word_gets_what_stands_before_it() {
        let wrapped = |text: &str| lines(&Paragraph::said(text), 24);
        assert_eq!(wrapped("one metagraph, Keras is 2"), ["one metagraph,", "Keras is 2"]);
        assert_eq!(wrapped("some words that take two"), ["some words that take two"]);
        assert_eq!(wrapped("some words that take more"), ["some words that", "take more"]);
        assert_eq!(
            wrapped("one, two words that are more"),
            ["one, two words that are", "more"],
            "less than half is left"
        );
        assert_eq!(wrapped("some words that are explained"), ["some words that are", "explained"], "no short word");
    }
}
