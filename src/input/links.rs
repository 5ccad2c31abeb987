//! Further names of a model's bytes: hard links within it, and symbolic links, which are named and never followed.
//!
//! Each byte is charged once, under the name of the file that holds it. A name that only leads there costs nothing,
//! but it is what a loader may ask for, so each link knows the file of the model that it leads to, if any.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::MODEL_FILES;
use super::listing::{Inode, Listed, SymbolicLink, below};
use super::names::lossy;
use crate::escape::escape_text;
use crate::problem::{Problem, ProblemKind};

/// A name in the model's directory that holds no bytes of its own, in `links[]` of the JSON report.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Link {
    /// The name, relative to the model's directory.
    pub name: String,
    /// Which sort of link it is.
    pub kind: LinkKind,
    /// What it points to: a symbolic link's text as it is stored, or the name that a hard link is equal to.
    pub target: String,
    /// The file of the model that a loader reads under this name; `null` where there is none.
    pub file: Option<String>,
    /// Where else it leads; `null` where there is a file.
    pub note: Option<String>,
}

/// The sorts of links.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LinkKind {
    /// A path to another name.
    Symbolic,
    /// Another name of a file in the model.
    Hard,
}

/// What was listed, with each file under one name.
pub(super) struct Resolved {
    pub(super) files: Vec<Listed>,
    pub(super) links: Vec<Link>,
    pub(super) problems: Vec<Problem>,
}

/// Tells files from further names of them. `root` is the directory that was listed.
pub(super) fn resolve(root: &Path, listed: Vec<Listed>, symbolic: Vec<SymbolicLink>) -> Resolved {
    let kept = kept_names(&listed);
    let mut resolved = Resolved { files: Vec::new(), links: Vec::new(), problems: Vec::new() };
    // The name that a file is charged to, by each path to it.
    let mut charged = HashMap::new();
    for file in listed {
        let name = file.shared.and_then(|inode| kept.get(&inode)).unwrap_or(&file.name);
        charged.insert(below(root, &file.path).to_owned(), name.clone());
        if *name == file.name {
            resolved.files.push(file);
        } else {
            resolved.links.push(Link::hard(&file.name, name));
        }
    }
    let root = fs::canonicalize(root).unwrap_or_else(|_| root.to_owned());
    for link in symbolic {
        resolved.add(link.name, &link.path, Destination::of(&link.path, &root, &charged));
    }
    resolved.links.sort_by(|a, b| a.name.cmp(&b.name));
    resolved
}

/// For each file of several names the one that is kept: one that loaders ask for goes before others, so that
/// `saved_model.pb` stays itself beside `backup.pb`; where that does not decide, the first is kept.
fn kept_names(listed: &[Listed]) -> HashMap<Inode, String> {
    let mut kept: HashMap<Inode, String> = HashMap::new();
    for file in listed {
        let Some(inode) = file.shared else { continue };
        let name = kept.entry(inode).or_insert_with(|| file.name.clone());
        if order_of_need(&file.name) < order_of_need(name) {
            name.clone_from(&file.name);
        }
    }
    kept
}

fn order_of_need(name: &str) -> (bool, &str) {
    (!is_needed(name), name)
}

/// Whether TensorFlow's loaders open a file of this name, or files in a directory of this name.
fn is_needed(name: &str) -> bool {
    let top = name.split('/').next().unwrap_or(name);
    MODEL_FILES.contains(&name) || is_needed_directory(top)
}

fn is_needed_directory(name: &str) -> bool {
    name == "variables" || name == "assets"
}

impl Resolved {
    fn add(&mut self, name: String, path: &Path, destination: Destination) {
        let target = fs::read_link(path).map(|target| target.to_string_lossy().into_owned()).unwrap_or_default();
        let note = destination.note();
        if let Some(note) = note.as_ref().filter(|_| destination.is_missed_under(&name)) {
            self.problems.push(missed(&name, &target, note));
        }
        let file = if let Destination::File(file) = destination { Some(file) } else { None };
        self.links.push(Link { name, kind: LinkKind::Symbolic, target, file, note });
    }
}

impl Link {
    fn hard(name: &str, kept: &str) -> Self {
        let (name, target, file) = (name.to_owned(), kept.to_owned(), Some(kept.to_owned()));
        Self { name, kind: LinkKind::Hard, target, file, note: None }
    }
}

/// Where a symbolic link leads in the end, through other links too.
enum Destination {
    /// To a file of the model, charged to this name.
    File(String),
    /// To a directory of the model.
    Directory(String),
    /// To a pipe or a device of the model, or to a file that could not be listed.
    NoFile,
    Outside,
    Nowhere(io::Error),
}

impl Destination {
    /// Asks the file system, which opens nothing for that. `root` is free of links.
    fn of(link: &Path, root: &Path, charged: &HashMap<PathBuf, String>) -> Self {
        let end = match fs::canonicalize(link) {
            Ok(end) => end,
            Err(error) => return Self::Nowhere(error),
        };
        let Ok(inside) = end.strip_prefix(root) else { return Self::Outside };
        match charged.get(inside) {
            Some(file) => Self::File(file.clone()),
            None if end.is_dir() => Self::Directory(lossy(inside)),
            None => Self::NoFile,
        }
    }

    fn note(&self) -> Option<String> {
        match self {
            Self::File(_) => None,
            Self::Directory(name) => Some(format!("leads to the directory {} of the model", escape_text(name))),
            Self::NoFile => Some("leads to what is not a regular file of the model".to_owned()),
            Self::Outside => Some("leads out of the model and is not followed".to_owned()),
            Self::Nowhere(error) => Some(format!("leads nowhere: {error}")),
        }
    }

    /// Whether the report lacks something that loaders find under this name. What is in a directory of the model is
    /// in the report, and is missed only where it stands for a directory that has a meaning.
    fn is_missed_under(&self, name: &str) -> bool {
        match self {
            Self::File(_) => false,
            Self::Directory(_) => is_needed_directory(name),
            Self::NoFile | Self::Outside | Self::Nowhere(_) => is_needed(name),
        }
    }
}

fn missed(name: &str, target: &str, note: &str) -> Problem {
    let target = escape_text(target);
    let remedy = "copy the model with `cp -rL`, which puts files in the place of links, and audit the copy";
    Problem::of_file(name, format!("is a symbolic link to {target} that {note}; {remedy}")).of_kind(ProblemKind::Link)
}
