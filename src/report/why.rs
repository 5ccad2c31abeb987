//! The answer of `smaudit why`: the way from a signature to a thing, a line for each step.

use std::io::{self, Write};

use anstyle::Style;

use super::fit::{fit, pad, width};
use crate::escape::escape;
use crate::graph::Kind;
use crate::problem::Problem;
use crate::size::{bytes, plural};

const HEADING: Style = Style::new().bold();

/// The least columns of a page, and those of the words before a name.
const NARROWEST: usize = 60;
const WORD: usize = 10;

/// What was asked of one model, and the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WhyReport {
    /// The model's directory, as it was named or found.
    pub path: String,
    /// The thing's whole name.
    pub name: String,
    /// An answer for each metagraph; none where nothing is called so.
    pub meta_graphs: Vec<WhyGraph>,
    /// Names like the one that was asked for, where nothing is called so.
    pub near: Vec<String>,
    /// What could not be read.
    pub problems: Vec<Problem>,
}

/// The answer for one metagraph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WhyGraph {
    /// Its index and tags.
    pub title: String,
    /// Whether its edges were followed; not where there are too many.
    pub followed: bool,
    /// The things of the name in it.
    pub things: Vec<WhyThing>,
}

/// A thing of the name, and the way to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WhyThing {
    /// What it is.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// For a node of a function, the function.
    pub function: Option<String>,
    /// Its bytes.
    pub bytes: u64,
    /// What the way begins with, and what that is called; `None` where nothing reaches the thing.
    pub root: Option<(&'static str, String)>,
    /// The way, the thing last.
    pub steps: Vec<WhyStep>,
    /// How many more things are called so that are not told of.
    pub more: u64,
}

/// One step of a way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WhyStep {
    /// Why the thing before needs this one.
    pub edge: &'static str,
    /// What this one is.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// Its bytes; 0 where it has none of its own.
    pub bytes: u64,
}

impl WhyReport {
    /// Whether there is a thing of the name.
    #[must_use]
    pub fn is_found(&self) -> bool {
        !self.meta_graphs.is_empty()
    }

    /// That nothing is called so, and what is called nearly so.
    #[must_use]
    pub fn not_found(&self) -> String {
        let near: Vec<String> = self.near.iter().map(|name| format!("`{}`", escape(name))).collect();
        let hint = match near.is_empty() {
            true => "--by node, function, variable or file lists what there is".to_owned(),
            false => format!("did you mean {}?", near.join(" or ")),
        };
        let (path, name) = (escape(&self.path), escape(&self.name));
        format!("{path}: no node, function, variable or asset is called `{name}`; {hint}")
    }

    /// Writes the answer on pages of `columns`.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(&self, columns: usize, out: &mut dyn Write) -> io::Result<()> {
        let columns = columns.max(NARROWEST);
        writeln!(out, "{HEADING}{}{HEADING:#}", fit(&self.path, columns))?;
        for graph in &self.meta_graphs {
            writeln!(out, "\n{HEADING}{}{HEADING:#}", fit(&format!("metagraph {}", graph.title), columns))?;
            if !graph.followed {
                writeln!(out, "  is too large to be followed")?;
            } else if graph.things.is_empty() {
                writeln!(out, "  has nothing of this name")?;
            }
            for thing in &graph.things {
                thing.write(columns, out)?;
            }
        }
        Ok(())
    }
}

impl WhyThing {
    fn write(&self, columns: usize, out: &mut dyn Write) -> io::Result<()> {
        match &self.root {
            Some((kind, name)) => {
                line(kind, "", name, 0, columns, out)?;
                self.steps.iter().try_for_each(|s| line(s.edge, s.kind.name(), &s.name, s.bytes, columns, out))?;
            }
            None => {
                line("unreached", self.kind.name(), &self.name, self.bytes, columns, out)?;
                if let Some(function) = &self.function {
                    line("in", "function", function, 0, columns, out)?;
                }
                writeln!(out, "  no signature, no main op and no function of the object graph needs it")?;
            }
        }
        if self.more > 0 {
            writeln!(out, "  … and {} of this name", plural(self.more, "more thing", "more things"))?;
        }
        Ok(())
    }
}

/// A step: why, what, its name as far as there is room, its bytes.
fn line(edge: &str, kind: &str, name: &str, size: u64, columns: usize, out: &mut dyn Write) -> io::Result<()> {
    let lead = match kind {
        "" => format!("  {}", pad(edge, WORD + 1)),
        _ => format!("    {}{}", pad(edge, WORD), pad(kind, WORD)),
    };
    let size = if size > 0 { format!("  {}", bytes(size)) } else { String::new() };
    let room = columns.saturating_sub(width(&lead) + width(&size));
    writeln!(out, "{lead}{}{size}", fit(name, room))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(edge: &'static str, kind: Kind, name: &str, bytes: u64) -> WhyStep {
        WhyStep { edge, kind, name: name.to_owned(), bytes }
    }

    fn answer(things: Vec<WhyThing>) -> WhyReport {
        let graph = WhyGraph { title: "#0 serve".to_owned(), followed: true, things };
        let (path, name) = ("m".to_owned(), "w".to_owned());
        WhyReport { path, name, meta_graphs: vec![graph], near: vec![], problems: vec![] }
    }

    fn thing(root: Option<(&'static str, String)>, steps: Vec<WhyStep>) -> WhyThing {
        let (kind, name) = (Kind::Variable, "w".to_owned());
        WhyThing { kind, name, function: None, bytes: 7, root, steps, more: 0 }
    }

    fn written(report: &WhyReport, columns: usize) -> String {
        let mut out = Vec::new();
        report.write(columns, &mut out).unwrap();
        anstream::adapter::strip_str(&String::from_utf8(out).unwrap()).to_string()
    }

    #[test]
    fn each_step_is_a_line() {
        let steps = vec![step("returns", Kind::Node, "y", 20), step("restored", Kind::Variable, "w", 7)];
        let text = written(&answer(vec![thing(Some(("signature", "serve".to_owned())), steps)]), 80);
        assert_eq!(
            text,
            "m\n\nmetagraph #0 serve\n  signature  serve\n    returns   node      y  20 bytes\n    restored  variable  w  7 bytes\n"
        );
    }

    #[test]
    fn what_nothing_reaches_is_named_with_what_it_is() {
        let text = written(&answer(vec![thing(None, vec![])]), 80);
        assert!(text.contains("unreached variable  w  7 bytes\n  no signature"), "{text}");
    }

    #[test]
    fn names_are_made_safe_and_fit_the_page() {
        let name = "a\u{1b}[2J/".repeat(40);
        let steps = vec![step("reads", Kind::Node, &name, 1)];
        let text = written(&answer(vec![thing(Some(("signature", name)), steps)]), 80);
        assert!(!text.contains('\u{1b}') && text.lines().all(|line| width(line) <= 80), "{text}");
    }

    #[test]
    fn near_names_are_suggested() {
        let mut report = answer(vec![]);
        report.near = vec!["weights".to_owned()];
        assert!(report.not_found().ends_with("did you mean `weights`?"), "{}", report.not_found());
    }
}
