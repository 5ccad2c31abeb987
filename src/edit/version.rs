//! A file after changes, which still knows which bytes of the first version are in it: so what became of a range of the file
//! as it was can be said after any number of changes.

use std::ops::{Deref, Range};
use std::sync::Arc;

use bytes::Bytes;

use super::Splices;
use super::splices::changed;

/// Bytes of the first version that are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Kept {
    /// Where they are now.
    at: usize,
    /// Where they were.
    from: usize,
    length: usize,
}

/// The bytes of a file after changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Version {
    bytes: Bytes,
    /// In the order of both versions, as changes move nothing past anything.
    kept: Arc<Vec<Kept>>,
}

impl Version {
    /// The file after one more set of changes. `None` where the lengths of messages cannot be written anew.
    #[must_use]
    pub fn edited(&self, edits: &Splices) -> Option<Self> {
        let changes = edits.closed(&self.bytes)?;
        let bytes = changed(&self.bytes, &changes)?;
        let (mut kept, mut known) = (Vec::with_capacity(self.kept.len()), self.kept.iter().peekable());
        // Where the stretch that no change is in starts, and by how much it moves.
        let (mut start, mut moved) = (0_usize, 0_usize);
        let ends = changes.iter().map(|(range, with)| (range.start, range.end, with.len()));
        for (end, next, more) in ends.chain([(self.bytes.len(), self.bytes.len(), 0)]) {
            while let Some(old) = known.peek() {
                let (first, last) = (old.at.max(start), old.at.checked_add(old.length)?.min(end));
                if first < last {
                    let at = moved.checked_add(first.checked_sub(start)?)?;
                    let from = old.from.checked_add(first.checked_sub(old.at)?)?;
                    kept.push(Kept { at, from, length: last.checked_sub(first)? });
                }
                if old.at.checked_add(old.length)? > next {
                    break;
                }
                known.next();
            }
            moved = moved.checked_add(end.checked_sub(start)?)?.checked_add(more)?;
            start = next;
        }
        Some(Self { bytes: bytes.into(), kept: Arc::new(kept) })
    }

    /// Its bytes.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// For each byte its place in the first version.
    #[cfg(test)]
    pub(super) fn origins(&self) -> Vec<Option<usize>> {
        let mut origins = vec![None; self.bytes.len()];
        for Kept { at, from, length } in self.kept.iter() {
            origins.iter_mut().skip(*at).zip(*from..).take(*length).for_each(|(origin, from)| *origin = Some(from));
        }
        origins
    }

    /// The ranges of the first version that are still there, in their order.
    pub fn kept(&self) -> impl Iterator<Item = Range<usize>> {
        self.kept.iter().map(|kept| kept.from..kept.from.saturating_add(kept.length))
    }
}

impl Deref for Version {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

/// The first version of a file.
impl<B: Into<Bytes>> From<B> for Version {
    fn from(bytes: B) -> Self {
        let bytes = bytes.into();
        let kept = Kept { at: 0, from: 0, length: bytes.len() };
        Self { bytes, kept: Arc::new(vec![kept]) }
    }
}
