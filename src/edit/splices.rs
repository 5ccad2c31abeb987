//! Changes of one file, by the messages that they are in.
//!
//! Whoever makes a change names the fields that it is within, from the outermost; [`Splices::closed`] then writes the lengths of
//! these fields anew, as short as they can be. So two changes need not know of each other: they compose, or the second of them is
//! a [`Conflict`].
//!
//! | there is | comes | comes to |
//! |---|---|---|
//! | a change | the same change | one change |
//! | changes | a deletion of a field that they are in | the deletion |
//! | a deletion | a change within a field that it deletes | the deletion |
//! | a deletion | a deletion that overlaps it | a deletion of both |
//! | a change | any other of the same bytes, within a field that it changes, or beside it at the same place | a conflict |

use std::collections::BTreeMap;
use std::ops::Range;

use bytes::Bytes;
use thiserror::Error;

use crate::wire::{Field, WireType, to_varint, varint};

/// Two changes that cannot both be made.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("bytes {} to {} are to be changed in two ways", range.start, range.end)]
pub struct Conflict {
    /// The bytes of the change that came second.
    pub range: Range<usize>,
}

/// A change: bytes of the file, and what comes in their place.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Splice {
    end: usize,
    with: Bytes,
    /// The start of the innermost field that it is within.
    within: Option<usize>,
}

impl Splice {
    fn is_deletion(&self) -> bool {
        self.with.is_empty()
    }
}

/// Changes of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Splices {
    /// By where they start, and whether anything is taken away there: an insertion may stand in front of a replacement. No two
    /// overlap.
    splices: BTreeMap<(usize, bool), Splice>,
    /// The fields that something is changed within, by where they start, each with the start of the one around it.
    fields: BTreeMap<usize, (Field, Option<usize>)>,
}

impl Splices {
    /// Has `with` in the place of `range`, which is within these fields, the outermost first.
    ///
    /// # Errors
    /// Some of these bytes are changed otherwise already; nothing is added then.
    pub fn replace(&mut self, within: &[Field], range: Range<usize>, with: impl Into<Bytes>) -> Result<(), Conflict> {
        let innermost = within.last().map(|field| field.start);
        let mut new = Splice { end: range.end, with: with.into(), within: innermost };
        let first = range.start;
        let mut start = first;
        if start == new.end && new.with.is_empty() {
            return Ok(());
        }
        let conflict = || Conflict { range: range.clone() };
        if within.iter().any(|field| field.wire_type != WireType::Len || !holds(&field.payload(), &range)) {
            return Err(conflict());
        }
        // All that is there and has a byte, or a place, in common with this.
        let before = self.splices.range(..=(new.end, true)).rev();
        let near = before.take_while(|((at, _), splice)| splice.end >= first || *at >= first);
        let mut absorbed = Vec::new();
        for (key, old) in near {
            let there = key.0..old.end;
            if there == (start..new.end) && old.with == new.with {
                return if old.within == new.within { Ok(()) } else { Err(conflict()) };
            }
            let apart = there.end <= start || there.start >= new.end;
            let goes = |field: Field, all: &Range<usize>| holds(all, &field.range());
            match (old.is_deletion(), new.is_deletion()) {
                (true, _) if within.iter().any(|field| goes(*field, &there)) => return Ok(()),
                (_, true) if self.around(old.within).any(|field| goes(field, &(start..new.end))) => absorbed.push(*key),
                // On the edge of what is changed, and yet within a field that is.
                (false, _) if within.iter().any(|field| goes(*field, &there)) => return Err(conflict()),
                (_, false) if self.around(old.within).any(|field| goes(field, &(start..new.end))) => {
                    return Err(conflict());
                }
                // Something put in on the edge of what is changed is beside it; two such at one place have no order.
                _ if apart && (there.is_empty() != (start == new.end) || !there.is_empty()) => {}
                (true, true) if holds(&there, &(start..new.end)) => return Ok(()),
                (true, true) if holds(&(start..new.end), &there) => absorbed.push(*key),
                (true, true) if old.within == new.within => {
                    start = start.min(there.start);
                    new.end = new.end.max(there.end);
                    absorbed.push(*key);
                }
                _ => return Err(conflict()),
            }
        }
        absorbed.iter().for_each(|key| drop(self.splices.remove(key)));
        let mut around = None;
        for field in within {
            self.fields.insert(field.start, (*field, around));
            around = Some(field.start);
        }
        self.splices.insert((start, start != new.end), new);
        Ok(())
    }

    /// The field that starts there and those around it.
    fn around(&self, innermost: Option<usize>) -> impl Iterator<Item = Field> {
        let field = |start: Option<usize>| self.fields.get(&start?).copied();
        let outwards = std::iter::successors(field(innermost), move |(_, around)| field(*around));
        outwards.map(|(field, _)| field)
    }

    /// Takes a range away, as [`replace`](Self::replace) does.
    ///
    /// # Errors
    /// Some of these bytes are changed and others not.
    pub fn delete(&mut self, within: &[Field], range: Range<usize>) -> Result<(), Conflict> {
        self.replace(within, range, Bytes::new())
    }

    /// Whether nothing is changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.splices.is_empty()
    }

    /// The changes in the order of `file`, those of lengths included: ranges, and what comes in their place. `None` where a
    /// length cannot be written, as the fields are not those of this file.
    #[must_use]
    pub fn closed(&self, file: &[u8]) -> Option<Vec<(Range<usize>, Bytes)>> {
        let mut closed: Vec<(Range<usize>, Bytes)> = Vec::with_capacity(self.splices.len());
        // What is put in, and what is taken away, by the field that it is directly within.
        let mut changes: BTreeMap<Option<usize>, (usize, usize)> = BTreeMap::new();
        for ((start, _), splice) in &self.splices {
            let (more, less) = changes.entry(splice.within).or_default();
            *more = more.checked_add(splice.with.len())?;
            *less = less.checked_add(splice.end.checked_sub(*start)?)?;
            closed.push((*start..splice.end, splice.with.clone()));
        }
        // Innermost first: what is within a field starts behind its start.
        for (start, (field, around)) in self.fields.iter().rev() {
            let Some((more, less)) = changes.get(&Some(*start)).copied().filter(|(more, less)| more != less) else {
                continue;
            };
            if self.deleted(field) {
                continue;
            }
            let (_, tag) = varint(file.get(*start..field.payload)?)?;
            let length = start.checked_add(tag)?..field.payload;
            let payload = field.payload().len().checked_add(more)?.checked_sub(less)?;
            let (written, width) = to_varint(u64::try_from(payload).ok()?);
            let outer = changes.entry(*around).or_default();
            outer.0 = outer.0.checked_add(more)?.checked_add(width)?;
            outer.1 = outer.1.checked_add(less)?.checked_add(length.len())?;
            closed.push((length, Bytes::copy_from_slice(written.get(..width)?)));
        }
        closed.sort_by_key(|(range, _)| (range.start, range.end));
        Some(closed)
    }

    /// Whether a field goes as a whole, with all changes within it.
    fn deleted(&self, field: &Field) -> bool {
        let before = self.splices.range(..=(field.start, true)).rev().take(2);
        before
            .into_iter()
            .any(|((start, _), splice)| splice.is_deletion() && holds(&(*start..splice.end), &field.range()))
    }

    /// The changed file. `None` as for [`closed`](Self::closed).
    #[must_use]
    pub fn applied(&self, file: &[u8]) -> Option<Vec<u8>> {
        changed(file, &self.closed(file)?)
    }
}

/// A file with these changes, which are in its order.
pub(super) fn changed(file: &[u8], changes: &[(Range<usize>, Bytes)]) -> Option<Vec<u8>> {
    let (mut out, mut at) = (Vec::with_capacity(file.len()), 0);
    for (range, with) in changes {
        out.extend_from_slice(file.get(at..range.start)?);
        out.extend_from_slice(with);
        at = range.end;
    }
    out.extend_from_slice(file.get(at..)?);
    Some(out)
}

fn holds(outer: &Range<usize>, inner: &Range<usize>) -> bool {
    outer.start <= inner.start && inner.end <= outer.end
}
