//! What is written: files as pieces of the model's files and of new bytes.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::ops::Range;

use bytes::Bytes;

use crate::identity::FileId;
use crate::input::{Model, Source};
use crate::progress::Progress;

/// So much of a file is copied at a time, in bytes. Of what is written in larger pieces Linux makes larger pages, which are more
/// seldom at hand: in a virtual machine whose host takes back what is free, four megabytes took five to eight times as long.
const STEP: u64 = 128 << 10;

/// A part of a file that is to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// A range of a file of the model, as it is.
    Kept(FileId, Range<u64>),
    /// Bytes that the model does not have there.
    New(Bytes),
}

impl Piece {
    /// How many bytes it has.
    #[must_use]
    pub fn len(&self) -> u64 {
        match self {
            Self::Kept(_, range) => range.end.saturating_sub(range.start),
            Self::New(bytes) => bytes.len() as u64,
        }
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A file that is to be written: its pieces, one behind the other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recipe(Vec<Piece>);

impl Recipe {
    /// All of a file of so many bytes.
    #[must_use]
    pub fn copy(file: FileId, bytes: u64) -> Self {
        Self::default().with(Piece::Kept(file, 0..bytes))
    }

    /// A file of these bytes.
    #[must_use]
    pub fn of(bytes: impl Into<Bytes>) -> Self {
        Self::default().with(Piece::New(bytes.into()))
    }

    fn with(mut self, piece: Piece) -> Self {
        self.push(piece);
        self
    }

    /// Adds a piece at the end; one that goes on where the last one ends becomes one with it.
    pub fn push(&mut self, piece: Piece) {
        if piece.is_empty() {
            return;
        }
        if let (Some(Piece::Kept(last, before)), Piece::Kept(file, range)) = (self.0.last_mut(), &piece)
            && last == file
            && before.end == range.start
        {
            before.end = range.end;
            return;
        }
        self.0.push(piece);
    }

    /// The pieces; none is empty.
    #[must_use]
    pub fn pieces(&self) -> &[Piece] {
        &self.0
    }

    /// The file's size.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.0.iter().map(Piece::len).fold(0, u64::saturating_add)
    }

    /// Writes the file. `progress` counts what is written.
    ///
    /// # Errors
    /// What is kept cannot be read, or `out` cannot be written to.
    pub fn write(&self, model: &Model, out: &mut dyn Write, progress: &dyn Progress) -> io::Result<()> {
        let mut opened: Option<(FileId, Source)> = None;
        for piece in &self.0 {
            match piece {
                Piece::New(bytes) => {
                    out.write_all(bytes)?;
                    progress.advance(piece.len());
                }
                Piece::Kept(file, range) => {
                    let source = match opened.take() {
                        Some((last, source)) if last == *file => source,
                        _ => open(model, *file)?,
                    };
                    copy(&source, range.clone(), out, progress)?;
                    opened = Some((*file, source));
                }
            }
        }
        Ok(())
    }
}

fn open(model: &Model, file: FileId) -> io::Result<Source> {
    let file = model.files.get(file.position()).ok_or(io::ErrorKind::NotFound)?;
    file.open().map_err(io::Error::other)
}

fn copy(source: &Source, range: Range<u64>, out: &mut dyn Write, progress: &dyn Progress) -> io::Result<()> {
    let mut at = range.start;
    while at < range.end {
        let end = at.saturating_add(STEP).min(range.end);
        let bytes = source.read_present(at..end).map_err(io::Error::other)?.ok_or(io::ErrorKind::UnexpectedEof)?;
        out.write_all(&bytes)?;
        progress.advance(end.saturating_sub(at));
        at = end;
    }
    Ok(())
}

/// The files of a model that is to be written, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree(BTreeMap<String, Recipe>);

impl Tree {
    /// The model as it is.
    #[must_use]
    pub fn copy(model: &Model) -> Self {
        let files = model.files.iter().enumerate();
        Self(files.map(|(at, file)| (file.name.clone(), Recipe::copy(FileId::at(at), file.bytes))).collect())
    }

    /// Has a file made so, in the place of one of the name if there is one.
    pub fn put(&mut self, name: &str, recipe: Recipe) {
        self.0.insert(name.to_owned(), recipe);
    }

    /// Has no file of this name.
    pub fn drop(&mut self, name: &str) {
        self.0.remove(name);
    }

    /// The file of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Recipe> {
        self.0.get(name)
    }

    /// The files in the order of their names.
    pub fn files(&self) -> impl Iterator<Item = (&str, &Recipe)> {
        self.0.iter().map(|(name, recipe)| (&**name, recipe))
    }

    /// The size of all files.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.0.values().map(Recipe::bytes).fold(0, u64::saturating_add)
    }
}
