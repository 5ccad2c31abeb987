//! What is in a directory that holds no SavedModel, and how to get one from it. Files are known by their names only.

use std::fmt;
use std::path::Path;

use walkdir::DirEntry;

use super::names::lossy;
use crate::escape::escape_text;
use crate::input::layout::{FINGERPRINT, HUB_MODULE, KERAS_METADATA};

/// This many names are given of what was met.
const NAMES: usize = 5;

/// A format that is mistaken for a SavedModel, or that one could be made from.
#[derive(Debug)]
struct Format {
    is: &'static str,
    remedy: &'static str,
    /// Takes a file's name without directories, in lower case.
    matches: fn(&str) -> bool,
}

/// More special ones go before more general ones.
const FORMATS: [Format; 11] = [
    Format {
        is: "a Keras model",
        remedy: "load it with keras.saving.load_model and write a SavedModel with model.export(\"directory\")",
        matches: |name| name.ends_with(".keras"),
    },
    Format {
        is: "Keras weights without the model",
        remedy: "build the model, call model.load_weights and write a SavedModel with model.export(\"directory\")",
        matches: |name| name.ends_with(".weights.h5"),
    },
    Format {
        is: "a Keras model in HDF5",
        remedy: "load it with keras.saving.load_model and write a SavedModel with model.export(\"directory\")",
        matches: |name| name.ends_with(".h5") || name.ends_with(".hdf5"),
    },
    Format {
        is: "a TFLite model",
        remedy: "audit the SavedModel that it was converted from",
        matches: |name| name.ends_with(".tflite"),
    },
    Format {
        is: "an ONNX model",
        remedy: "audit the SavedModel that it was converted from",
        matches: |name| name.ends_with(".onnx"),
    },
    Format {
        is: "weights without a graph",
        remedy: "load them into a TensorFlow model and write a SavedModel with tf.saved_model.save",
        matches: |name| name.ends_with(".safetensors"),
    },
    Format {
        is: "an archive",
        remedy: "name it on the command line; if it is in another archive, unpack that first",
        matches: |name| ARCHIVES.iter().any(|end| name.ends_with(end)),
    },
    Format {
        is: "an archive of a sort that is not read",
        remedy: "unpack it and audit the directory",
        matches: |name| [".7z", ".rar", ".tar.bz2", ".tar.xz", ".tbz2", ".txz"].iter().any(|end| name.ends_with(end)),
    },
    Format {
        is: "part of a SavedModel that has lost its main file",
        remedy: "copy or download the model again as a whole",
        matches: |name| matches!(name, FINGERPRINT | KERAS_METADATA | HUB_MODULE),
    },
    Format {
        is: "a frozen graph (GraphDef)",
        remedy: "load it with tf.compat.v1.import_graph_def and write a SavedModel with \
                 tf.compat.v1.saved_model.simple_save; if it is a SavedModel under another name, call it saved_model.pb",
        matches: |name| name.ends_with(".pb") || name.ends_with(".pbtxt"),
    },
    Format {
        is: "a checkpoint without a SavedModel",
        remedy: "restore it into its model and write a SavedModel with tf.saved_model.save",
        matches: |name| name.ends_with(".index") || name.ends_with(".ckpt") || name.contains(".data-0"),
    },
];

/// How the names of archives end that are read.
const ARCHIVES: [&str; 6] = [".tar", ".tar.gz", ".tgz", ".tar.zst", ".tzst", ".zip"];

/// What a file of this name is and what to do with it.
pub(super) fn advice(name: &str) -> Option<String> {
    Some(said(name, format_of(name)?))
}

/// Whether a file of this name is taken for an archive that is read.
pub(super) fn is_archive(name: &str) -> bool {
    let name = name.to_lowercase();
    ARCHIVES.iter().any(|end| name.ends_with(end))
}

/// Whether a file of this name is of another format than a SavedModel or an archive: some of these are zips inside.
pub(super) fn is_foreign(name: &str) -> bool {
    format_of(name).is_some() && !is_archive(name)
}

fn format_of(name: &str) -> Option<&'static Format> {
    let name = name.rsplit('/').next().unwrap_or(name).to_lowercase();
    FORMATS.iter().find(|format| (format.matches)(&name))
}

fn said(name: &str, format: &Format) -> String {
    format!("{} looks like {}: {}", escape_text(name), format.is, format.remedy)
}

/// What a search met that was no model. It keeps a few names, however many files there are.
#[derive(Debug, Default)]
pub(super) struct Met {
    files: u64,
    /// How many of them are archives to be looked into.
    archives: u64,
    names: Vec<String>,
    /// For each format the first file of it.
    formats: Vec<(String, &'static Format)>,
    /// The first link to a directory, which was not followed.
    link: Option<String>,
}

impl Met {
    /// Takes note of an entry below `root` that is no directory.
    pub(super) fn add(&mut self, root: &Path, entry: &DirEntry) {
        let name = lossy(entry.path().strip_prefix(root).unwrap_or(entry.path()));
        if self.link.is_none() && entry.path_is_symlink() && entry.path().is_dir() {
            self.link = Some(name.clone());
        }
        self.add_name(name);
    }

    /// Takes note of an archive below `root` that will be looked into.
    pub(super) fn add_archive(&mut self, root: &Path, entry: &DirEntry) {
        self.archives = self.archives.saturating_add(1);
        self.count(lossy(entry.path().strip_prefix(root).unwrap_or(entry.path())));
    }

    /// Takes note of an archive that will be looked into, by its name.
    #[cfg(feature = "remote")]
    pub(super) fn add_archive_name(&mut self, name: String) {
        self.archives = self.archives.saturating_add(1);
        self.count(name);
    }

    /// Takes note of a file by its name.
    pub(super) fn add_name(&mut self, name: String) {
        if let Some(format) = format_of(&name)
            && !self.formats.iter().any(|(_, known)| known.is == format.is)
        {
            self.formats.push((name.clone(), format));
        }
        self.count(name);
    }

    fn count(&mut self, name: String) {
        self.files = self.files.saturating_add(1);
        if self.names.len() < NAMES {
            self.names.push(name);
        }
    }

    /// What to do with what was met; `None` where none of it is known.
    pub(super) fn advice(&self) -> Option<String> {
        let link = self.link.iter().map(|name| {
            let name = escape_text(name);
            format!("{name} is a link to a directory, and links are not followed: name it on the command line")
        });
        let formats = self.formats.iter().map(|(name, format)| said(name, format));
        let advice: Vec<String> = link.chain(formats).collect();
        (!advice.is_empty()).then(|| advice.join("; "))
    }
}

impl fmt::Display for Met {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = self.names.iter().map(|name| escape_text(name)).collect();
        let names = names.join(", ");
        match self.files {
            0 => write!(out, "found no files at all"),
            1 => write!(out, "found one file: {names}"),
            files if files <= NAMES as u64 => write!(out, "found {files} files: {names}"),
            files => write!(out, "found {files} files: {names} and others"),
        }?;
        match self.archives {
            0 => Ok(()),
            1 => write!(out, "; no SavedModel in the archive among them"),
            archives => write!(out, "; no SavedModel in the {archives} archives among them"),
        }
    }
}
