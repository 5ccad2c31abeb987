//! A part of an object while it comes: piece by piece, of the version that was listed, and of exactly the bytes that were
//! asked for.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use object_store::path::Path;
use object_store::{GetOptions, GetRange};

use super::client::Asked;
use super::entry::{Entry, options};
use super::tally::{Role, Tally};
use super::{Fault, Store};

/// The largest part that is asked for at once, in bytes.
pub(super) const PART: u64 = 8 << 20;

/// A range of an object that is wanted.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) entry: Arc<Entry>,
    pub(super) role: Role,
    pub(super) range: Range<u64>,
}

impl Wanted {
    /// How many bytes that is.
    pub(super) fn bytes(&self) -> u64 {
        self.range.end.saturating_sub(self.range.start)
    }

    /// How many bytes that is in memory.
    pub(super) fn length(&self) -> usize {
        usize::try_from(self.bytes()).unwrap_or_default()
    }

    /// The parts in which it is had, in order.
    pub(super) fn parts(&self) -> impl Iterator<Item = Self> + use<> {
        let wanted = self.clone();
        let mut at = wanted.range.start;
        std::iter::from_fn(move || {
            let end = at.saturating_add(PART).min(wanted.range.end);
            let range = std::mem::replace(&mut at, end)..end;
            (!range.is_empty()).then(|| Self { range, ..wanted.clone() })
        })
    }
}

/// A part that a store has begun to send.
pub(super) struct Coming {
    stream: BoxStream<'static, object_store::Result<Bytes>>,
    asked: Arc<Asked>,
    role: Role,
    length: usize,
    /// What is still to come of it.
    left: usize,
}

impl Coming {
    /// Asks for a part, or for all of an object where its server gives no parts.
    pub(super) async fn ask(store: &Store, tally: &Arc<Tally>, part: &Wanted, is_whole: bool) -> Result<Self, Fault> {
        let asked = Asked::of(tally);
        let path = Path::parse(&part.entry.key).map_err(|error| Fault::Wrong(super::fault::innermost(&error)))?;
        let range = (!is_whole).then(|| GetRange::Bounded(part.range.clone()));
        let options = GetOptions { range, ..options(&part.entry) };
        let result = asked.scope(store.service.get(&path, options)).await;
        let result = result.map_err(|error| Fault::of(&error, asked.seen()))?;
        if !part.entry.is_same(&result.meta) {
            return Err(Fault::Changed);
        }
        if result.range != part.range {
            return Err(Fault::Wrong("another range".to_owned()));
        }
        let length = part.length();
        Ok(Self { stream: result.into_stream(), asked, role: part.role, length, left: length })
    }

    /// The next piece; `None` when all has come.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Fault> {
        let Some(piece) = self.asked.scope(self.stream.next()).await else {
            let came = self.length.saturating_sub(self.left);
            let is_all = self.left == 0;
            return if is_all {
                Ok(None)
            } else {
                Err(Fault::Wrong(format!("{came} of the {} bytes of a range", self.length)))
            };
        };
        let piece = piece.map_err(|error| Fault::of(&error, self.asked.seen()))?;
        self.asked.tally.count(self.role, piece.len());
        let more = || Fault::Wrong(format!("more than the {} bytes of a range", self.length));
        self.left = self.left.checked_sub(piece.len()).ok_or_else(more)?;
        Ok(Some(piece))
    }
}

#[cfg(test)]
#[allow(clippy::single_range_in_vec_init)]
mod tests {
    use super::*;

    #[test]
    fn a_large_range_is_had_in_parts_and_none_in_none() {
        let entry = Arc::new(Entry { key: String::new(), bytes: 3 * PART, e_tag: None });
        let wanted = |range| Wanted { entry: Arc::clone(&entry), role: Role::Message, range };
        let ranges = |wanted: &Wanted| wanted.parts().map(|part| part.range).collect::<Vec<_>>();
        assert_eq!(ranges(&wanted(5..PART + 6)), [5..PART + 5, PART + 5..PART + 6]);
        assert_eq!(ranges(&wanted(5..5)), []);
    }
}
