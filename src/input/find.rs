//! From a path that was typed to the SavedModels that it means: the directory itself, or each one in a tree.

use std::cmp::Ordering;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;
use walkdir::{DirEntry, WalkDir};

use super::MODEL_FILES;
use super::foreign::{self, Met};
use super::listing::system_error;
use crate::escape::escape_text;
use crate::problem::Problem;

/// A directory that holds a SavedModel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// The directory.
    pub directory: PathBuf,
    /// The directory as the user typed it, or below what the user typed; not escaped.
    pub shown: String,
}

/// What a path leads to.
#[derive(Debug)]
pub struct Found {
    /// The models, at least one: versions in the order of their numbers, all else in the order of the names.
    pub locations: Vec<Location>,
    /// Directories that could not be searched, named as a [`Location`] is shown.
    pub problems: Vec<Problem>,
}

/// A path leads to no SavedModel. The messages say what is there and what to do.
#[derive(Debug, Error)]
pub enum FindError {
    /// Nothing is there, or the system does not let us look.
    #[error("{}: cannot be read: {error}", escape_text(path))]
    Unreadable {
        /// The path as typed.
        path: String,
        /// What the system says.
        error: io::Error,
    },
    /// A file that is not a SavedModel's main file.
    #[error("{}: is not a SavedModel, which is a directory with {WANTED}{advice}", escape_text(path))]
    OtherFile {
        /// The path as typed.
        path: String,
        /// What to do, where that is known; ends the sentence.
        advice: String,
    },
    /// A directory with no SavedModel in it or below.
    #[error("{}: no SavedModel: no {WANTED} in it or below; {found}{advice}", escape_text(path))]
    NoModel {
        /// The path as typed.
        path: String,
        /// What is there instead.
        found: String,
        /// What to do, where that is known; ends the sentence.
        advice: String,
    },
}

/// [`MODEL_FILES`] in words.
const WANTED: &str = "saved_model.pb, saved_model.pbtxt or saved_model.cpb";

/// Finds the SavedModels at `path`: a model's directory, its main file, or a tree with models in it.
///
/// A model is not searched for further ones. Links below `path` are not followed; `path` itself may be one.
///
/// # Errors
/// There is no such path, or no model there.
pub fn find(path: &Path) -> Result<Found, FindError> {
    // Without a slash at the end, so that the models of `base/` and `base` are shown alike.
    let path = path.components().as_path();
    if is_model_file(path) {
        return Ok(Found { locations: vec![Location::of(directory_of(path))], problems: Vec::new() });
    }
    let metadata = fs::metadata(path).map_err(|error| unreadable(path, error))?;
    if metadata.is_dir() { search(path) } else { Err(other_file(path)) }
}

impl Location {
    fn of(directory: &Path) -> Self {
        Self { directory: directory.to_owned(), shown: shown(directory) }
    }
}

fn shown(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn is_model_file(path: &Path) -> bool {
    let named = path.file_name().is_some_and(|name| MODEL_FILES.iter().any(|wanted| name == *wanted));
    // A link counts wherever it leads: that it leads nowhere is for the model's problems to say.
    named && path.symlink_metadata().is_ok() && !path.is_dir()
}

fn directory_of(file: &Path) -> &Path {
    file.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new("."))
}

fn holds_model(directory: &Path) -> bool {
    MODEL_FILES.iter().any(|name| is_model_file(&directory.join(name)))
}

fn search(root: &Path) -> Result<Found, FindError> {
    let mut found = Found { locations: Vec::new(), problems: Vec::new() };
    let mut met = Met::default();
    let mut entries = WalkDir::new(root).sort_by(by_version).into_iter();
    while let Some(entry) = entries.next() {
        match entry {
            Ok(entry) if entry.depth() > 0 && !entry.file_type().is_dir() => met.add(root, &entry),
            Ok(entry) if holds_model(entry.path()) => {
                found.locations.push(Location::of(entry.path()));
                entries.skip_current_dir();
            }
            Ok(_) => {}
            Err(error) if error.path() == Some(root) => return Err(unreadable(root, system_error(error))),
            Err(error) => found.problems.push(unsearched(root, error)),
        }
    }
    if found.locations.is_empty() { Err(no_model(root, &met, &found.problems)) } else { Ok(found) }
}

fn unreadable(path: &Path, error: io::Error) -> FindError {
    FindError::Unreadable { path: shown(path), error }
}

fn unsearched(root: &Path, error: walkdir::Error) -> Problem {
    let path = shown(error.path().unwrap_or(root));
    Problem::of_file(path, format!("cannot be searched for models: {}", system_error(error)))
}

fn other_file(path: &Path) -> FindError {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let advice = part_of(path).or_else(|| foreign::advice(&name)).map(|advice| format!("; {advice}"));
    FindError::OtherFile { path: shown(path), advice: advice.unwrap_or_default() }
}

fn no_model(root: &Path, met: &Met, problems: &[Problem]) -> FindError {
    let mut found = met.to_string();
    if let [first, rest @ ..] = problems {
        let more = if rest.is_empty() { String::new() } else { format!(" (and {} more)", rest.len()) };
        found.push_str(&format!("; {} {}{more}", escape_text(&first.file), first.message));
    }
    let advice = part_of(root).or_else(|| met.advice()).map(|advice| format!("; {advice}"));
    FindError::NoModel { path: shown(root), found, advice: advice.unwrap_or_default() }
}

/// What to say where a path is inside of a model, such as its `variables` directory.
fn part_of(path: &Path) -> Option<String> {
    let path = fs::canonicalize(path).ok()?;
    let model = path.ancestors().skip(1).find(|directory| holds_model(directory))?;
    Some(format!("it is part of the SavedModel {}, audit that", escape_text(&shown(model))))
}

/// TensorFlow Serving's versions by number, before all other names.
fn by_version(a: &DirEntry, b: &DirEntry) -> Ordering {
    version_order(a.file_name()).cmp(&version_order(b.file_name()))
}

/// Sorts numbers of any length: without leading zeros, the longer of two is the larger.
fn version_order(name: &OsStr) -> (bool, usize, &str, &OsStr) {
    let number = name.to_str().filter(|name| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit()));
    let digits = number.unwrap_or_default().trim_start_matches('0');
    (number.is_none(), digits.len(), digits, name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_a_directory_is_in_the_current_one() {
        for (file, directory) in [("saved_model.pb", "."), ("./saved_model.pb", "."), ("a/b", "a"), ("/b", "/")] {
            assert_eq!(directory_of(Path::new(file)), Path::new(directory), "{file}");
        }
    }
}
