//! A model in a store: what was listed of it, and its files, which ask for ranges and keep what will be asked for again.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use xxhash_rust::xxh3::Xxh3Default;

use super::super::MODEL_FILES;
use super::super::cause::Cause;
use super::super::ranged::{Compared, Depth, Group, Ranged, RangedModel, Reads, Want};
use super::coming::Wanted;
use super::entry::Entry;
use super::fetch::{GAP, fetch, merged};
use super::shared::Shared;
use super::tally::{Role, Tally};
use super::{Fault, Store};
use crate::input::layout::{FINGERPRINT, INDEX, KERAS_METADATA};

/// A model, or the data of one, of at most so many bytes is had whole: that is one request after the listing.
const SMALL: u64 = 1 << 20;

/// The share of the data that is read where nobody asked for more, and the most of it.
const SHARE: u64 = 50;
const MOST: u64 = 256 << 20;

/// Of data that is read in full no more than this is kept when the next is expected.
const KEPT: u64 = 64 << 20;

/// A file of at most so many bytes is had whole where a server gives no ranges.
const WHOLE: u64 = 64 << 20;

/// So much of an index, or of a shard, is kept when the audit is over.
const REMEMBERED: u64 = 256 << 10;

/// Beside the main file, what is read of every model as a whole.
const MESSAGES: [&str; 3] = [INDEX, FINGERPRINT, KERAS_METADATA];

/// The files of a model, with their names and sizes.
type Files = Vec<(String, u64, Arc<dyn Ranged>)>;

/// What was listed of a model.
#[derive(Debug, Clone)]
pub(in crate::input) struct Folder {
    store: Arc<Store>,
    /// With what the names in the store begin.
    prefix: String,
    entries: Arc<[Entry]>,
    depth: Depth,
    /// What the listing took.
    requests: u64,
}

/// A model that is read.
#[derive(Debug)]
pub(in crate::input) struct Reading {
    depth: Depth,
    e_tag: String,
    shared: Arc<Shared>,
    objects: Vec<Arc<Object>>,
}

/// A file of a model.
#[derive(Debug)]
pub(in crate::input) struct Object {
    name: String,
    /// Among the files of its model.
    position: usize,
    entry: Arc<Entry>,
    role: Role,
    shared: Arc<Shared>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// What is kept, by where it begins.
    kept: Vec<(u64, Bytes)>,
    /// Why nothing more is to be had, once a store said so.
    fault: Option<Fault>,
    /// The audit is over.
    is_forgotten: bool,
}

impl Folder {
    pub(in crate::input) fn new(
        store: Arc<Store>,
        prefix: String,
        entries: Vec<Entry>,
        depth: Depth,
        requests: u64,
    ) -> Self {
        Self { store, prefix, entries: entries.into(), depth, requests }
    }

    /// What it is shown as.
    pub(in crate::input) fn shown(&self) -> String {
        self.store.shown(self.prefix.trim_end_matches('/'))
    }

    /// What tells one version of it from another.
    pub(in crate::input) fn e_tag(&self) -> String {
        e_tag(&self.prefix, &self.entries)
    }

    /// Its files, of which nothing has been read, with their names and sizes; and the model that they make.
    pub(in crate::input) fn open(&self) -> (Files, Arc<Reading>) {
        let tally: Arc<Tally> = Arc::default();
        tally.requests.store(self.requests, Relaxed);
        let name = |entry: &Entry| entry.key.get(self.prefix.len()..).unwrap_or_default().to_owned();
        let file = |entry: &Entry| (Arc::new(entry.clone()), Role::of(&name(entry)));
        let files: Vec<(Arc<Entry>, Role)> = self.entries.iter().map(file).collect();
        let data = files.iter().filter(|(_, role)| *role == Role::Data);
        let data = data.map(|(entry, _)| entry.bytes).fold(0, u64::saturating_add);
        let left = AtomicU64::new((data / SHARE).clamp(SMALL, MOST));
        let shared = Arc::new(Shared { store: Arc::clone(&self.store), tally, depth: self.depth, files, left });
        let object = |(position, (entry, role)): (usize, &(Arc<Entry>, Role))| {
            let (entry, shared, state) = (Arc::clone(entry), Arc::clone(&shared), Mutex::default());
            Arc::new(Object { name: name(&entry), position, entry, role: *role, shared, state })
        };
        let objects: Vec<Arc<Object>> = shared.files.iter().enumerate().map(object).collect();
        let file =
            |object: &Arc<Object>| (object.name.clone(), object.entry.bytes, Arc::clone(object) as Arc<dyn Ranged>);
        let files = objects.iter().map(file).collect();
        let e_tag = self.e_tag();
        (files, Arc::new(Reading { depth: self.depth, e_tag, shared, objects }))
    }
}

/// What tells one version of a model from another.
fn e_tag(prefix: &str, entries: &[Entry]) -> String {
    let mut sorted: Vec<&Entry> = entries.iter().collect();
    sorted.sort_by(|a, b| a.key.cmp(&b.key));
    let mut hash = Xxh3Default::new();
    for entry in sorted {
        let name = entry.key.get(prefix.len()..).unwrap_or_default();
        let e_tag = entry.e_tag.as_deref().unwrap_or_default();
        for text in [name, e_tag] {
            hash.update(text.as_bytes());
            hash.update(&[0xff]);
        }
        hash.update(&entry.bytes.to_le_bytes());
    }
    format!("{:016x}", hash.digest())
}

/// An object by itself, such as an archive.
pub(in crate::input) fn object(store: &Arc<Store>, entry: Entry) -> Arc<Object> {
    let (name, entry, role) = (entry.key.clone(), Arc::new(entry), Role::Message);
    let (store, tally, files) = (Arc::clone(store), Arc::default(), vec![(Arc::clone(&entry), role)]);
    let shared = Arc::new(Shared { store, tally, depth: Depth::Full, files, left: AtomicU64::new(0) });
    Arc::new(Object { name, position: 0, entry, role, shared, state: Mutex::default() })
}

impl RangedModel for Reading {
    fn expect_messages(&self) {
        if self.depth == Depth::List {
            return;
        }
        let sum = |role| {
            let sizes = self.objects.iter().filter(|object| object.role == role).map(|object| object.entry.bytes);
            sizes.fold(0, u64::saturating_add)
        };
        let is_small = |role| sum(role) <= SMALL;
        let main = MODEL_FILES.iter().find(|name| self.objects.iter().any(|object| object.name == **name));
        let is_wanted = |object: &&Arc<Object>| match object.role {
            Role::Data => is_small(Role::Data),
            Role::Message if is_small(Role::Message) => true,
            Role::Message => main.is_some_and(|main| object.name == *main) || MESSAGES.contains(&&*object.name),
        };
        let wanted: Vec<&Arc<Object>> =
            self.objects.iter().filter(is_wanted).filter(|object| object.entry.bytes > 0).collect();
        let ranges = wanted.iter().map(|object| object.wanted(0..object.entry.bytes)).collect();
        let fetched = fetch(&self.shared.store, &self.shared.tally, ranges);
        for (object, fetched) in wanted.into_iter().zip(fetched) {
            object.keep(0, fetched);
        }
    }

    fn forget(&self) {
        for object in &self.objects {
            let mut state = object.state();
            let kept = state.kept.iter().map(|(_, bytes)| bytes.len() as u64).fold(0, u64::saturating_add);
            // What models of one run are compared by.
            if kept > REMEMBERED || object.role == Role::Message && object.name != INDEX {
                state.kept = Vec::new();
            }
            state.is_forgotten = true;
        }
    }

    fn reads(&self) -> Reads {
        self.shared.tally.reads(self.depth, self.e_tag.clone())
    }
}

impl Object {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wanted(&self, range: Range<u64>) -> Wanted {
        Wanted { entry: Arc::clone(&self.entry), role: self.role, range }
    }

    /// Keeps what came, or why nothing did.
    fn keep(&self, start: u64, fetched: Result<Bytes, Fault>) {
        let mut state = self.state();
        match fetched {
            Ok(bytes) => {
                let at = state.kept.partition_point(|(kept, _)| *kept < start);
                state.kept.insert(at, (start, bytes));
            }
            Err(fault) => state.fault = Some(fault),
        }
    }

    /// What is kept of a range, if all of it is.
    fn kept(&self, range: &Range<u64>) -> Option<Bytes> {
        let state = self.state();
        // Pieces may overlap, so the last one that begins early enough need not be the one.
        let before = state.kept.partition_point(|(start, _)| *start <= range.start);
        let mut pieces = state.kept.iter().take(before).rev();
        pieces.find_map(|(start, bytes)| {
            let from = usize::try_from(range.start.checked_sub(*start)?).ok()?;
            let length = usize::try_from(range.end.checked_sub(range.start)?).ok()?;
            (from.checked_add(length)? <= bytes.len()).then(|| bytes.slice(from..from + length))
        })
    }

    fn cause(&self, fault: &Fault) -> Cause {
        fault.cause(self.shared.store.scheme)
    }

    /// Fetches ranges and keeps them.
    fn fetch_all(&self, ranges: Vec<Range<u64>>) {
        if ranges.is_empty() || self.state().fault.is_some() {
            return;
        }
        let fetched = self.fetch(&ranges);
        for (range, fetched) in ranges.into_iter().zip(fetched) {
            if self.kept(&range).is_none() {
                self.keep(range.start, fetched);
            }
        }
    }

    /// Fetches ranges.
    fn fetch(&self, ranges: &[Range<u64>]) -> Vec<Result<Bytes, Fault>> {
        let wanted = ranges.iter().map(|range| self.wanted(range.clone())).collect();
        let mut fetched = fetch(&self.shared.store, &self.shared.tally, wanted);
        if self.entry.bytes <= WHOLE && fetched.iter().any(|fetched| matches!(fetched, Err(Fault::NoRanges))) {
            let whole = vec![self.wanted(0..self.entry.bytes)];
            let whole = fetch(&self.shared.store, &self.shared.tally, whole).pop();
            self.keep(0, whole.unwrap_or(Err(Fault::NoThread)));
            for (range, fetched) in ranges.iter().zip(&mut fetched) {
                *fetched = self.kept(range).ok_or_else(|| self.state().fault.clone().unwrap_or(Fault::NoRanges));
            }
        }
        fetched
    }

    /// Those ranges that may still be read; what there is no room for is counted as left out.
    fn affordable(&self, ranges: Vec<Range<u64>>) -> Vec<Range<u64>> {
        let affordable = |range: &Range<u64>| {
            let bytes = range.end.saturating_sub(range.start);
            let is_affordable = self.shared.afford(bytes, 1) > 0;
            if !is_affordable {
                self.shared.leave_out(bytes);
            }
            is_affordable
        };
        ranges.into_iter().filter(affordable).collect()
    }

    /// Makes room for what is expected next.
    fn make_room(&self) {
        let mut state = self.state();
        let kept = state.kept.iter().map(|(_, bytes)| bytes.len() as u64).fold(0, u64::saturating_add);
        if kept > KEPT {
            state.kept.clear();
        }
    }
}

impl Ranged for Object {
    fn read(&self, range: Range<u64>) -> Result<Bytes, Cause> {
        if let Some(kept) = self.kept(&range) {
            return Ok(kept);
        }
        // When the audit is over, models are only compared by what is kept.
        let is_over = self.shared.depth < Depth::Full && self.state().is_forgotten;
        if is_over || self.shared.depth == Depth::List {
            return Err(Cause::LeftOut);
        }
        if let Some(fault) = self.state().fault.clone() {
            return Err(self.cause(&fault));
        }
        let fetched = self.fetch(std::slice::from_ref(&range)).pop().unwrap_or(Err(Fault::NoThread));
        let is_small = range.end.saturating_sub(range.start) <= SMALL;
        match fetched {
            Ok(bytes) => {
                if is_small && self.kept(&range).is_none() {
                    self.keep(range.start, Ok(bytes.clone()));
                }
                Ok(bytes)
            }
            Err(fault) => {
                let cause = self.cause(&fault);
                self.keep(range.start, Err(fault));
                Err(cause)
            }
        }
    }

    fn content(&self, range: Range<u64>) -> Result<Bytes, Cause> {
        let is_restricted = self.role == Role::Data || self.state().is_forgotten;
        let is_left_out = is_restricted && self.shared.depth < Depth::Full;
        match self.kept(&range) {
            Some(kept) => Ok(kept),
            None if is_left_out => Err(Cause::LeftOut),
            None => self.read(range),
        }
    }

    fn expect(&self, ranges: &[Range<u64>], want: Want) {
        if self.shared.depth == Depth::List {
            return;
        }
        let missing = || ranges.iter().filter(|range| self.kept(range).is_none()).cloned();
        let is_forgotten = self.state().is_forgotten;
        let is_restricted = (self.role == Role::Data || is_forgotten) && self.shared.depth < Depth::Full;
        if is_restricted && is_forgotten {
            return;
        }
        let ranges: Vec<Range<u64>> = match want {
            Want::Look { .. } if is_restricted => {
                missing().for_each(|range| {
                    Tally::leave_out(&self.shared.tally.unseen, range.end.saturating_sub(range.start));
                });
                return;
            }
            Want::Look { head } => {
                missing().map(|range| range.start..range.end.min(range.start.saturating_add(head))).collect()
            }
            // Each by itself, so that what is affordable does not depend on what lies beside it.
            Want::Compare if is_restricted => return self.fetch_all(merged(&self.affordable(missing().collect()), 0)),
            // What may be read was expected to be compared, and the rest is not read piece by piece either.
            Want::All if is_restricted => return,
            Want::Compare | Want::All => missing().collect(),
        };
        self.make_room();
        self.fetch_all(merged(&ranges, GAP));
    }

    fn position(&self) -> usize {
        self.position
    }

    fn compare(&self, groups: &[Group]) -> Vec<Result<Compared, Cause>> {
        let is_over = self.shared.depth < Depth::Full && self.state().is_forgotten;
        if is_over || self.shared.depth == Depth::List {
            return groups.iter().map(|_| Ok(Compared::Unfit)).collect();
        }
        self.shared.compare(groups)
    }
}
