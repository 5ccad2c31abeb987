//! Every key has the same bytes.

use std::ops::Range;

use bytes::Bytes;
use prost::Message as _;

use super::Promise;
use crate::checkpoint::layout::{INDEX, shard_path};
use crate::checkpoint::object_graph;
use crate::checkpoint::table::{Entry, Table};
use crate::edit::numbers::without;
use crate::input::{InputError, Model};
use crate::message::number::bundle_entry_proto::{OFFSET, SHARD_ID, SLICES};
use crate::proto::{BundleEntryProto, BundleHeaderProto};
use crate::wire::fields;

/// Why the tensors of two models are not the same. Data is not read again of which `is_held` knows, by the entry's position.
pub(super) fn reasons(
    old: &Model,
    new: &Model,
    promise: Promise,
    is_held: impl Fn(usize) -> bool,
) -> Result<Vec<String>, InputError> {
    let (before, after) = match (old.file(INDEX), new.file(INDEX)) {
        (Some(before), Some(after)) => (before.contents()?, after.contents()?),
        (None, None) => return Ok(Vec::new()),
        (before, _) => {
            let lacks = if before.is_some() { "the result" } else { "the model" };
            return Ok(vec![format!("{INDEX}: {lacks} has none")]);
        }
    };
    let Pairs { before, after, count } = match Pairs::of(before, after, promise) {
        Ok(pairs) => pairs,
        Err(reason) => return Ok(vec![reason]),
    };
    let (mut of_old, mut of_new) = (Shards::of(old, count), Shards::of(new, count));
    let mut reasons = Vec::new();
    for (position, (before, after)) in before.iter().zip(&after).enumerate() {
        let key = String::from_utf8_lossy(&after.key);
        if before.key != after.key {
            reasons.push(format!("{INDEX}: has the key {key} where there was another"));
        } else if before.key.is_empty() {
            if before.value != after.value {
                reasons.push(format!("{INDEX}: has another header"));
            }
        } else if promise != Promise::Same && before.key == object_graph::KEY.as_bytes() {
            // What is in it is compared by what it is about.
            let shape = |value: &Bytes| {
                let (shard_id, offset, size, crc32c) = Default::default();
                let entry = BundleEntryProto::decode(value.clone()).ok()?;
                Some(BundleEntryProto { shard_id, offset, size, crc32c, ..entry })
            };
            if shape(&before.value).is_none() || shape(&before.value) != shape(&after.value) {
                reasons.push(format!("{key}: is another entry"));
            }
        } else if without(&before.value, &[SHARD_ID, OFFSET])
            .is_none_or(|all| Some(all) != without(&after.value, &[SHARD_ID, OFFSET]))
        {
            reasons.push(format!("{key}: is another entry"));
        } else if !is_held(position) {
            let there = of_old.data(&before.value)?;
            if there.is_none() || there != of_new.data(&after.value)? {
                reasons.push(format!("{key}: has other bytes"));
            }
        }
    }
    Ok(reasons)
}

/// The entries of two indexes that have to do with each other, at the same positions.
#[derive(Debug)]
pub(super) struct Pairs {
    pub(super) before: Vec<Entry>,
    pub(super) after: Vec<Entry>,
    /// How many shards both have.
    pub(super) count: u32,
}

impl Pairs {
    /// The pairs of two indexes, or why there are none.
    pub(super) fn of(before: Bytes, after: Bytes, promise: Promise) -> Result<Self, String> {
        let (Some(before), Some(after)) = (entries(before), entries(after)) else {
            return Err(format!("{INDEX}: cannot be read"));
        };
        let mut gone = Vec::new();
        let before = if promise == Promise::Same { before } else { matched(before, &after, &mut gone) };
        if let Some(gone) = gone.into_iter().find(|entry| !may_go(entry)) {
            return Err(format!("{}: is not there any more", String::from_utf8_lossy(&gone.key)));
        }
        if before.len() != after.len() {
            return Err(format!("{INDEX}: has {} entries where there were {}", after.len(), before.len()));
        }
        let shards = |entries: &[Entry]| {
            let header = entries.iter().find(|entry| entry.key.is_empty())?;
            u32::try_from(BundleHeaderProto::decode(header.value.clone()).ok()?.num_shards).ok()
        };
        match shards(&before).filter(|count| shards(&after) == Some(*count)) {
            Some(count) => Ok(Self { before, after, count }),
            None => Err(format!("{INDEX}: has another number of shards")),
        }
    }
}

/// The entries of one table whose keys are in another one, in order; the others are gone.
fn matched(before: Vec<Entry>, after: &[Entry], gone: &mut Vec<Entry>) -> Vec<Entry> {
    let mut rest = after.iter().peekable();
    let mut found = Vec::new();
    for entry in before {
        if rest.next_if(|next| next.key == entry.key).is_some() {
            found.push(entry);
        } else {
            gone.push(entry);
        }
    }
    found
}

/// Whether an entry is one that may go alone: the header may not, nor what is in slices, whose keys are no text.
fn may_go(entry: &Entry) -> bool {
    let is_text = std::str::from_utf8(&entry.key).is_ok_and(|key| !key.is_empty() && !key.contains('\0'));
    is_text && !fields(&entry.value, 0..entry.value.len()).any(|field| field.number == SLICES)
}

/// How many shards a checkpoint with this index has; 0 where that is not known.
pub(super) fn shards(index: Bytes) -> u32 {
    let header = entries(index).and_then(|entries| entries.into_iter().find(|entry| entry.key.is_empty()));
    let header = header.and_then(|header| BundleHeaderProto::decode(header.value).ok());
    header.and_then(|header| u32::try_from(header.num_shards).ok()).unwrap_or_default()
}

/// Whether a file is one of so many shards.
pub(super) fn is_live(shards: u32, name: &str) -> bool {
    let ends = format!("-of-{shards:05}");
    let number = name.strip_suffix(&*ends).and_then(|name| name.rsplit('-').next()).and_then(|it| it.parse().ok());
    number.is_some_and(|number: u32| number < shards && shard_path(number, shards) == name)
}

/// All entries of a table, or none where any is damaged.
fn entries(table: Bytes) -> Option<Vec<Entry>> {
    Table::open(table).ok()?.entries().collect::<Result<_, _>>().ok()
}

/// The shards of a model, opened when they are asked for.
struct Shards<'m> {
    model: &'m Model,
    count: u32,
    opened: std::collections::BTreeMap<u32, Bytes>,
}

impl<'m> Shards<'m> {
    fn of(model: &'m Model, count: u32) -> Self {
        Self { model, count, opened: std::collections::BTreeMap::new() }
    }

    /// What an entry says that is its data; `None` where that is not there.
    fn data(&mut self, entry: &Bytes) -> Result<Option<Bytes>, InputError> {
        let Some((number, range)) = place(entry) else { return Ok(None) };
        if range.is_empty() {
            return Ok(Some(Bytes::new()));
        }
        if !self.opened.contains_key(&number) {
            let Some(file) = self.model.file(&shard_path(number, self.count)) else { return Ok(None) };
            self.opened.insert(number, file.contents()?);
        }
        let range = usize::try_from(range.start).ok().zip(usize::try_from(range.end).ok());
        let (Some(shard), Some((start, end))) = (self.opened.get(&number), range) else { return Ok(None) };
        Ok((end <= shard.len()).then(|| shard.slice(start..end)))
    }
}

/// The shard that an entry's data is in, and where there.
pub(super) fn place(entry: &Bytes) -> Option<(u32, Range<u64>)> {
    let entry = BundleEntryProto::decode(entry.clone()).ok()?;
    let (offset, size) = (u64::try_from(entry.offset).ok()?, u64::try_from(entry.size).ok()?);
    Some((u32::try_from(entry.shard_id).ok()?, offset..offset.checked_add(size)?))
}
