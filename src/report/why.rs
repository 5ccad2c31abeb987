//! The answer of `smaudit why`: the paths from signatures to what was asked for, as data, as JSON, and as text with a line for each
//! step.

use std::borrow::Cow;
use std::io::{self, Write};

use anstyle::Style;
use schemars::JsonSchema;
use serde::Serialize;

use super::fit::{fit, pad, width};
use super::{SCHEMA_VERSION, Tool, UnreadableInput, safe_json};
use crate::escape::escape;
use crate::exit::Exit;
use crate::graph::{EdgeKind, VertexKind};
use crate::problem::Problem;
use crate::size::{bytes, plural};

const HEADING: Style = Style::new().bold();

/// The least columns of a page, and those of the words before a name.
const NARROWEST: usize = 60;
const WORD: usize = 10;

/// What was asked, and what each model answers: the document of `smaudit why --json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct WhyReport {
    /// 1; it changes when a key goes or changes its meaning, not when one is added.
    pub schema_version: u32,
    /// What wrote it.
    pub tool: Tool,
    /// The name that was asked for, as it was typed.
    pub asked: String,
    /// The models, in the order in which they were found.
    pub models: Vec<WhyModel>,
    /// What was to be asked and could not be read.
    pub unreadable: Vec<UnreadableInput>,
}

/// The answer of one model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct WhyModel {
    /// The model's directory, as it was named or found.
    pub path: String,
    /// The whole name; the one that was asked for where nothing is called so.
    pub name: String,
    /// An answer for each metagraph; none where nothing is called so.
    pub meta_graphs: Vec<WhyGraph>,
    /// Names like the one that was asked for, where nothing is called so.
    pub near: Vec<String>,
    /// What could not be read.
    pub problems: Vec<Problem>,
}

/// The answer for one metagraph.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct WhyGraph {
    /// Its position in the file.
    pub index: u64,
    /// Its tags.
    pub tags: Vec<String>,
    /// Whether its edges were followed; not where there are too many.
    pub followed: bool,
    /// The vertices of the name in it, those that are reached first.
    pub things: Vec<WhyThing>,
}

/// A vertex of the name, and the path to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct WhyThing {
    /// What it is.
    pub kind: VertexKind,
    /// Its name.
    pub name: String,
    /// For a node of a function, the function.
    pub function: Option<String>,
    /// Its bytes.
    pub bytes: u64,
    /// What the path begins with; null where nothing reaches the vertex.
    pub root: Option<WhyRoot>,
    /// The path, the vertex last; empty where nothing reaches it.
    pub steps: Vec<WhyStep>,
    /// Whether it is a handle that nothing reaches, with the name of a variable that something does: the variable is needed
    /// through another handle or an object, and this node is not.
    pub is_spare_handle: bool,
    /// How many more vertices of the metagraph are called so that are not listed.
    pub more: u64,
}

/// What a path begins with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct WhyRoot {
    /// What it is.
    pub kind: WhyRootKind,
    /// The key of a signature; null for the others, of which a metagraph has one each.
    pub name: Option<String>,
}

/// What ways begin with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum WhyRootKind {
    /// A signature.
    Signature,
    /// What a loader runs.
    MainOp,
    /// The functions of the object graph, which Python programs call; those of signatures are none of them.
    Objects,
}

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct WhyStep {
    /// Why the vertex before needs this one; null for a node that is part of it.
    pub edge: Option<EdgeKind>,
    /// What this one is.
    pub kind: VertexKind,
    /// Its name.
    pub name: String,
    /// The op of a node of the graph itself; null for all others.
    pub op: Option<String>,
    /// Its bytes; 0 where it has none of its own.
    pub bytes: u64,
}

impl WhyReport {
    /// The question, and no answer yet.
    #[must_use]
    pub fn new(asked: &str) -> Self {
        let (models, unreadable) = (Vec::new(), Vec::new());
        Self { schema_version: SCHEMA_VERSION, tool: Tool::default(), asked: asked.to_owned(), models, unreadable }
    }

    /// Whether any model has a vertex of the name.
    #[must_use]
    pub fn is_found(&self) -> bool {
        self.models.iter().any(WhyModel::is_found)
    }

    /// How the run ended. What is in no model may be in what could not be read.
    #[must_use]
    pub fn exit(&self) -> Exit {
        let complete = self.unreadable.is_empty() && self.models.iter().all(|model| model.problems.is_empty());
        match (complete, self.is_found()) {
            (true, true) => Exit::Audited,
            (true, false) => Exit::Usage,
            (false, _) => Exit::Unreadable,
        }
    }

    /// Writes the answers of the models that have the vertex, on pages of `columns`.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write_text(&self, columns: usize, out: &mut dyn Write) -> io::Result<()> {
        for (index, model) in self.models.iter().filter(|model| model.is_found()).enumerate() {
            if index > 0 {
                writeln!(out)?;
            }
            model.write(columns, out)?;
        }
        Ok(())
    }

    /// Writes all of it as one document.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write_json(&self, out: &mut dyn Write) -> io::Result<()> {
        safe_json::document(self, out)
    }
}

impl WhyModel {
    /// Whether there is a vertex of the name.
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

    fn write(&self, columns: usize, out: &mut dyn Write) -> io::Result<()> {
        let columns = columns.max(NARROWEST);
        writeln!(out, "{HEADING}{}{HEADING:#}", fit(&self.path, columns))?;
        for graph in &self.meta_graphs {
            let title = format!("metagraph #{} {}", graph.index, graph.tags.join(","));
            writeln!(out, "\n{HEADING}{}{HEADING:#}", fit(title.trim_end(), columns))?;
            if !graph.followed {
                writeln!(out, "  is too large to be followed")?;
            } else if graph.things.is_empty() {
                writeln!(out, "  has nothing of this name")?;
            }
            for vertex in &graph.things {
                vertex.write(columns, out)?;
            }
        }
        Ok(())
    }
}

impl WhyRoot {
    /// What it is in a word or two, and its name, or what it is at length.
    fn words(&self) -> (&'static str, &str) {
        match self.kind {
            WhyRootKind::Signature => ("signature", self.name.as_deref().unwrap_or_default()),
            WhyRootKind::MainOp => ("main op", "run by the loader"),
            WhyRootKind::Objects => ("objects", "functions of the object graph, no signature"),
        }
    }
}

impl WhyStep {
    /// Its name, a node's with its op where the name does not begin with that: `serve (PartitionedCall)`.
    fn label(&self) -> Cow<'_, str> {
        match &self.op {
            Some(op) if !self.name.starts_with(&**op) => format!("{} ({op})", self.name).into(),
            _ => (&*self.name).into(),
        }
    }
}

impl WhyThing {
    fn write(&self, columns: usize, out: &mut dyn Write) -> io::Result<()> {
        match &self.root {
            Some(root) => {
                let (kind, name) = root.words();
                line(kind, "", name, 0, columns, out)?;
                let step = |s: &WhyStep| line(word(s.edge), s.kind.name(), &s.label(), s.bytes, columns, out);
                self.steps.iter().try_for_each(step)?;
            }
            None => {
                line("unreached", self.kind.name(), &self.name, self.bytes, columns, out)?;
                if let Some(function) = &self.function {
                    line("in", "function", function, 0, columns, out)?;
                }
                match self.is_spare_handle {
                    true => writeln!(
                        out,
                        "  a second handle that nothing needs; the variable of this name is needed, as above"
                    )?,
                    false => writeln!(out, "  no signature, no main op and no function of the object graph needs it")?,
                }
            }
        }
        if self.more > 0 {
            writeln!(out, "  … and {} of this name", plural(self.more, "more item", "more items"))?;
        }
        Ok(())
    }
}

/// A word for why the vertex on the line before needs this one.
fn word(edge: Option<EdgeKind>) -> &'static str {
    let Some(edge) = edge else { return "has" };
    match edge {
        EdgeKind::Output => "returns",
        EdgeKind::Fed => "takes",
        EdgeKind::Runs => "runs",
        EdgeKind::Holds => "holds",
        EdgeKind::Input => "reads",
        EdgeKind::Control => "waits for",
        EdgeKind::Calls => "calls",
        EdgeKind::Handle => "handle of",
        EdgeKind::Restored => "restored",
        EdgeKind::Slice => "slice of",
        EdgeKind::Prepared => "set up by",
        EdgeKind::Captures => "captures",
        EdgeKind::Gradient => "gradient",
        EdgeKind::Trace => "trace",
        EdgeKind::Value => "value",
        EdgeKind::File => "path of",
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

    fn step(edge: EdgeKind, kind: VertexKind, name: &str, bytes: u64) -> WhyStep {
        WhyStep { edge: Some(edge), kind, name: name.to_owned(), op: None, bytes }
    }

    fn answer(things: Vec<WhyThing>) -> WhyReport {
        let graph = WhyGraph { index: 0, tags: vec!["serve".to_owned()], followed: true, things };
        let (path, name) = ("m".to_owned(), "w".to_owned());
        let model = WhyModel { path, name, meta_graphs: vec![graph], near: vec![], problems: vec![] };
        WhyReport { models: vec![model], ..WhyReport::new("w") }
    }

    fn signature(name: &str) -> Option<WhyRoot> {
        Some(WhyRoot { kind: WhyRootKind::Signature, name: Some(name.to_owned()) })
    }

    fn thing(root: Option<WhyRoot>, steps: Vec<WhyStep>) -> WhyThing {
        let (kind, name) = (VertexKind::Variable, "w".to_owned());
        WhyThing { kind, name, function: None, bytes: 7, root, steps, is_spare_handle: false, more: 0 }
    }

    fn written(report: &WhyReport, columns: usize) -> String {
        let mut out = Vec::new();
        report.write_text(columns, &mut out).unwrap();
        anstream::adapter::strip_str(&String::from_utf8(out).unwrap()).to_string()
    }

    #[test]
    fn each_step_is_a_line() {
        let steps = vec![
            step(EdgeKind::Output, VertexKind::Node, "y", 20),
            step(EdgeKind::Restored, VertexKind::Variable, "w", 7),
        ];
        let text = written(&answer(vec![thing(signature("serve"), steps)]), 80);
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
    fn a_handle_that_nothing_needs_does_not_say_that_its_variable_is_not_needed() {
        let steps = vec![step(EdgeKind::Output, VertexKind::Variable, "w", 7)];
        let handle = WhyThing { kind: VertexKind::Node, is_spare_handle: true, ..thing(None, vec![]) };
        let text = written(&answer(vec![thing(signature("serve"), steps), handle]), 80);
        let end = "unreached node      w  7 bytes\n  a second handle that nothing needs; the variable of this name is needed, as above\n";
        assert!(text.ends_with(end), "{text}");
    }

    #[test]
    fn names_are_made_safe_and_fit_the_page() {
        let name = "a\u{1b}[2J/".repeat(40);
        let steps = vec![step(EdgeKind::Input, VertexKind::Node, &name, 1)];
        let text = written(&answer(vec![thing(signature(&name), steps)]), 80);
        assert!(!text.contains('\u{1b}') && text.lines().all(|line| width(line) <= 80), "{text}");
    }

    #[test]
    fn near_names_are_suggested() {
        let mut report = answer(vec![]);
        let model = &mut report.models[0];
        model.near = vec!["weights".to_owned()];
        assert!(model.not_found().ends_with("did you mean `weights`?"), "{}", model.not_found());
    }

    #[test]
    fn the_code_says_whether_it_was_found_and_whether_all_was_read() {
        let found = answer(vec![thing(None, vec![])]);
        let mut missing = found.clone();
        missing.models[0].meta_graphs.clear();
        let unread = |report: &WhyReport| {
            let input = UnreadableInput { path: "n".to_owned(), message: String::new(), is_internal: false };
            WhyReport { unreadable: vec![input], ..report.clone() }
        };
        let exits = [&found, &missing, &unread(&found), &unread(&missing)].map(WhyReport::exit);
        assert_eq!(exits, [Exit::Audited, Exit::Usage, Exit::Unreadable, Exit::Unreadable]);
    }
}
