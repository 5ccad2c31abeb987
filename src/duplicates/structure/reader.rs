//! Reads functions, each in two passes: [`Outline`], then [`Body`]. Each pass has a state of its own, and both write the canonical form
//! with one [`Writer`].

use std::ops::Range;

use super::body::{Body, Stop};
use super::canonical::{Digests, Writer};
use super::classes::Calls;
use super::form::{Digest, Key, Piece};
use super::library::Library;
use super::outline::{Naming, Noted, Outline};

/// What a function was read to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Read {
    pub(super) digests: Digests,
    pub(super) noted: Noted,
}

/// Reads functions of one library, one by one.
pub(super) struct Reader<'l, 'a> {
    pub(super) writer: Writer<'l, 'a>,
    pub(super) outline: Outline<'a>,
    pub(super) body: Body<'a>,
}

impl<'l, 'a> Reader<'l, 'a> {
    /// A reader of functions of `library`, which adds to `calls`, and notes nodes of `large` bytes. Digests are by `key`.
    pub(super) fn new(file: &'a [u8], library: &'l Library<'a>, large: usize, key: Key, calls: Calls) -> Self {
        Self {
            writer: Writer::new(file, library, key, calls),
            outline: Outline::new(large),
            body: Body::new(file, library.bytes()),
        }
    }

    /// Reads functions, one after the other.
    pub(super) fn read_all(&mut self, functions: &[Range<usize>]) -> Vec<Read> {
        functions.iter().map(|function| self.read(function.clone())).collect()
    }

    /// The digests of a function's form and of its shapes, and what was noted of it. The functions for its blanks are added
    /// to the calls.
    pub(super) fn read(&mut self, function: Range<usize>) -> Read {
        let mut read = self.read_by(Naming::First, function.clone());
        if matches!(read, Err(Stop::NamedAgain)) {
            self.writer.calls.discard();
            read = self.read_by(Naming::Last, function.clone());
        }
        let digests = read.unwrap_or_else(|_| self.damaged(function));
        self.writer.calls.finish();
        Read { digests, noted: self.outline.noted }
    }

    fn read_by(&mut self, naming: Naming, function: Range<usize>) -> Result<Digests, Stop> {
        let outline = self.outline.read(&mut self.writer, function, naming)?;
        let nodes = self.body.read(&mut self.writer, &mut self.outline.names)?;
        Ok(self.writer.function(outline, nodes))
    }

    /// A function that cannot be read: its bytes.
    fn damaged(&mut self, function: Range<usize>) -> Digests {
        let writer = &mut self.writer;
        writer.calls.discard();
        writer.begin();
        writer.form.put(Piece::Damaged, 0, writer.file.get(function.clone()).unwrap_or_default());
        self.outline.note_damaged(writer.file, function);
        Digests { form: writer.form.digest(), shapes: Digest::default() }
    }
}
