//! What a search for models finds: where they are, and why there is none.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::archive::ClosedArchive;
use super::foreign;
use super::model::Model;
use super::outside::Outside;
#[cfg(feature = "remote")]
use super::remote::Folder;
use crate::escape::escape_text;
use crate::problem::Problem;

/// Where a SavedModel is.
#[derive(Debug, Clone)]
pub struct Location {
    /// The directory as the user typed it, or below what the user typed; not escaped. An archive counts as a directory.
    pub shown: String,
    pub(super) place: Place,
}

#[derive(Debug, Clone)]
pub(super) enum Place {
    Directory(PathBuf),
    /// Listed already, since an archive is read once.
    Archive(Box<Model>),
    /// Listed already, with all others of its store.
    #[cfg(feature = "remote")]
    Store(std::sync::Arc<Folder>),
}

/// What is met at a URL while it is listed.
#[derive(Debug)]
#[non_exhaustive]
pub enum Met {
    /// A model.
    Model(Location),
    /// An archive, which may hold models.
    Archive(ClosedArchive),
}

/// What is at a URL, as it is listed, so that no more is held than what is looked at.
pub type Stream = Box<dyn Iterator<Item = Result<Met, FindError>> + Send>;

/// What a path leads to.
#[derive(Debug, Default)]
pub struct Found {
    /// The models: versions in the order of their numbers, all else in the order of the names.
    pub locations: Vec<Location>,
    /// Archives in a tree, which may hold models, in the same order. At least one where there is no model.
    pub archives: Vec<ClosedArchive>,
    /// Directories that could not be searched, named as a [`Location`] is shown.
    pub problems: Vec<Problem>,
    /// The files of a tree that are in no model, and are no archives.
    pub outside: Outside,
    /// What is wrong with the path if there is no model in these archives either.
    pub otherwise: Option<FindError>,
}

/// A path leads to no SavedModel. The messages say what is there and what to do.
#[derive(Debug, Error)]
#[non_exhaustive]
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
        /// Whether all of it could be searched.
        whole: bool,
    },
    /// An archive that holds more than the limits allow.
    #[error("{}: {message}", escape_text(path))]
    Limit {
        /// The path as typed.
        path: String,
        /// Which limit, and what to do.
        message: String,
    },
    /// An archive that is not read.
    #[error("{}: {message}", escape_text(path))]
    Archive {
        /// The path as typed.
        path: String,
        /// Why, and what to do.
        message: String,
    },
    /// A URL that is not read, or a store that does not give what is there.
    #[error("{}: {message}", escape_text(path))]
    Store {
        /// The URL as typed, without what may be credentials.
        path: String,
        /// Why, and what to do.
        message: String,
    },
}

impl FindError {
    /// The path as typed.
    #[must_use]
    pub fn path(&self) -> &str {
        match self {
            Self::Unreadable { path, .. }
            | Self::OtherFile { path, .. }
            | Self::NoModel { path, .. }
            | Self::Limit { path, .. }
            | Self::Archive { path, .. }
            | Self::Store { path, .. } => path,
        }
    }
}

/// [`MODEL_FILES`](super::MODEL_FILES) in words.
const WANTED: &str = "saved_model.pb, saved_model.pbtxt or saved_model.cpb";

impl Location {
    pub(super) fn of(directory: &Path) -> Self {
        Self { shown: shown(directory), place: Place::Directory(directory.to_owned()) }
    }

    /// A model that was found in an archive.
    pub(super) fn archived(model: Model) -> Self {
        Self { shown: model.path.clone(), place: Place::Archive(Box::new(model)) }
    }

    /// The directory; `None` in an archive.
    #[must_use]
    pub fn directory(&self) -> Option<&Path> {
        if let Place::Directory(directory) = &self.place { Some(directory) } else { None }
    }

    /// What changes where a model in a store does, by its listing; `None` where it is in none.
    #[must_use]
    pub fn e_tag(&self) -> Option<String> {
        match &self.place {
            #[cfg(feature = "remote")]
            Place::Store(folder) => Some(folder.e_tag()),
            _ => None,
        }
    }

    /// What it is known by, so that it is audited once.
    pub(super) fn place(&self) -> Option<PathBuf> {
        match &self.place {
            Place::Directory(directory) => Some(directory.clone()),
            Place::Archive(_) => None,
            #[cfg(feature = "remote")]
            Place::Store(_) => Some(PathBuf::from(&self.shown)),
        }
    }

    /// Lists the model there.
    #[must_use]
    pub fn read(&self) -> Model {
        match &self.place {
            Place::Directory(directory) => Model::read(directory, &self.shown),
            Place::Archive(model) => Model::clone(model),
            #[cfg(feature = "remote")]
            Place::Store(folder) => {
                let (files, reading) = folder.open();
                Model::in_store(folder.shown(), files, reading)
            }
        }
    }
}

pub(super) fn shown(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

pub(super) fn unreadable(path: &Path, error: io::Error) -> FindError {
    FindError::Unreadable { path: shown(path), error }
}

/// An archive of which nothing is read.
pub(super) fn unreadable_archive(shown: &str, message: &str) -> FindError {
    FindError::Archive { path: shown.to_owned(), message: message.to_owned() }
}

/// The error of a place that holds no model but what was `met`. `part_of` is what to do, where that is known already.
pub(super) fn no_model(path: String, met: &foreign::Met, problems: &[Problem], part_of: Option<String>) -> FindError {
    let mut found = met.to_string();
    if let [first, rest @ ..] = problems {
        let more = if rest.is_empty() { String::new() } else { format!(" (and {} more)", rest.len()) };
        let offset = first.offset.map(|offset| format!("byte {offset}: ")).unwrap_or_default();
        let file = if first.file == path { String::new() } else { escape_text(&first.file) + " " };
        found.push_str(&format!("; {file}{offset}{}{more}", first.message));
    }
    let advice = part_of.or_else(|| met.advice()).map(|advice| format!("; {advice}")).unwrap_or_default();
    FindError::NoModel { path, found, advice, whole: problems.is_empty() }
}
