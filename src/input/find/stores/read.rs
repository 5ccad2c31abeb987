//! The models that a URL means: the folder itself, those below it, that of a main file, or those in an archive.

use std::cmp::Ordering;
use std::collections::VecDeque;
use std::ffi::OsStr;
use std::sync::Arc;

use bytes::Bytes;

use super::super::{Finder, no_archive};
use crate::input::MODEL_FILES;
use crate::input::archive::{ArchiveFormat, ClosedArchive, HEAD};
use crate::input::cause::Cause;
use crate::input::foreign;
use crate::input::found::{FindError, Found, Location, Met, Place, Stream, no_model, unreadable_archive};
use crate::input::model::File;
use crate::input::outside::Outside;
use crate::input::ranged::{Depth, Ranged as _};
use crate::input::remote::{Entry, Fault, Folder, Group, Store, Tree, object};
use crate::input::url::Url;
use crate::input::version::version_order;
use crate::progress::Silent;

/// Finds the models that a URL means.
pub(in crate::input::find) fn find(finder: &mut Finder<'_>, url: &Url) -> Result<Found, FindError> {
    InStore { finder, url, store: open(url)? }.find()
}

/// The store of a URL, and its faults as errors about that URL.
fn open(url: &Url) -> Result<Arc<Store>, FindError> {
    Store::open(url).map(Arc::new).map_err(|fault| failed(url, &fault))
}

fn failed(url: &Url, fault: &Fault) -> FindError {
    FindError::Store { path: url.shown.clone(), message: fault.told(url.scheme) }
}

/// The contents of the object that a URL names.
pub(in crate::input::find) fn read_object(url: &Url, most: u64) -> Result<Bytes, FindError> {
    let store = open(url)?;
    let entry = store.object(url).map_err(|fault| failed(url, &fault))?;
    let entry =
        entry.ok_or_else(|| FindError::Store { path: url.shown.clone(), message: "nothing is there".to_owned() })?;
    let bytes = entry.bytes;
    if bytes > most {
        let message = format!("has {bytes} bytes, more than the {most} that are read of it");
        return Err(FindError::Limit { path: url.shown.clone(), message });
    }
    object(&store, entry)
        .read(0..bytes)
        .map_err(|cause| FindError::Store { path: url.shown.clone(), message: cause.to_string() })
}

/// Writes the object that a URL names.
pub(in crate::input::find) fn write_object(url: &Url, contents: Bytes) -> Result<(), FindError> {
    open(url)?.put(url, contents).map_err(|fault| failed(url, &fault))
}

/// What is at a URL, as it is listed.
pub(in crate::input::find) fn stream(finder: &mut Finder<'_>, url: Url) -> Stream {
    let name = url.key.rsplit('/').next().unwrap_or_default();
    let is_tree = !MODEL_FILES.contains(&name) && !foreign::is_archive(name);
    let (depth, limits) = (finder.depth, finder.limits);
    let below = open(&url).and_then(|store| Below::of(&store, &url, depth).map_err(|fault| failed(&url, &fault)));
    let mut below = match below {
        Ok(below) if is_tree => below,
        // It is one object, or the folder of one.
        Ok(_) => return Box::new(all(find(finder, &url)).into_iter()),
        Err(error) => return Box::new(std::iter::once(Err(error))),
    };
    let (mut is_empty, mut is_done) = (true, false);
    let listed = std::iter::from_fn(move || {
        if is_done {
            return None;
        }
        let met = below.next_met();
        is_done = !matches!(met, Some(Ok(_)));
        match met {
            // There is nothing below it: it may be an object, or the error says what there is.
            None if is_empty => Some(all(find(&mut Finder::new(limits, &Silent).with_depth(depth), &url))),
            None => None,
            Some(met) => {
                is_empty = false;
                Some(vec![met.map_err(|fault| failed(&url, &fault))])
            }
        }
    });
    Box::new(listed.flatten())
}

/// All that was found, one by one.
fn all(found: Result<Found, FindError>) -> Vec<Result<Met, FindError>> {
    match found {
        Ok(found) => {
            let models = found.locations.into_iter().map(Met::Model);
            models.chain(found.archives.into_iter().map(Met::Archive)).map(Ok).collect()
        }
        Err(error) => vec![Err(error)],
    }
}

/// What is below a URL, as it is listed.
struct Below {
    store: Arc<Store>,
    tree: Tree,
    depth: Depth,
    /// Archives that were listed, to be given next.
    archives: VecDeque<Met>,
    is_done: bool,
    /// What is in no model.
    outside: Outside,
    met: foreign::Met,
}

impl Below {
    fn of(store: &Arc<Store>, url: &Url, depth: Depth) -> Result<Self, Fault> {
        Ok(Self {
            store: Arc::clone(store),
            tree: Tree::below(store, url)?,
            depth,
            archives: VecDeque::new(),
            is_done: false,
            outside: Outside::default(),
            met: foreign::Met::default(),
        })
    }

    fn next_met(&mut self) -> Option<Result<Met, Fault>> {
        loop {
            if let Some(archive) = self.archives.pop_front() {
                return Some(Ok(archive));
            }
            if self.is_done {
                return None;
            }
            let group = self.tree.next();
            self.is_done = group.is_none();
            self.take_others();
            if let Some(group) = group {
                return Some(group.map(|group| Met::Model(self.location(group))));
            }
        }
    }

    fn take_others(&mut self) {
        for entry in self.tree.take_others() {
            let shown = self.store.shown(&entry.key);
            if foreign::is_archive(&entry.key) {
                self.met.add_archive_name(shown.clone());
                self.archives.push_back(Met::Archive(ClosedArchive::in_store(File::in_store(
                    shown,
                    entry.bytes,
                    object(&self.store, entry),
                ))));
            } else {
                self.outside.add_file(&shown, entry.bytes);
                self.met.add_name(entry.key);
            }
        }
    }

    fn location(&self, group: Group) -> Location {
        let Group { folder, entries, requests } = group;
        let folder = Folder::new(Arc::clone(&self.store), folder, entries, self.depth, requests);
        Location { shown: folder.shown(), place: Place::Store(Arc::new(folder)) }
    }
}

/// A URL that is looked up.
struct InStore<'f, 'p> {
    finder: &'f mut Finder<'p>,
    url: &'f Url,
    store: Arc<Store>,
}

impl InStore<'_, '_> {
    fn find(mut self) -> Result<Found, FindError> {
        let (above, name) = self.url.key.rsplit_once('/').unwrap_or(("", &self.url.key));
        if MODEL_FILES.contains(&name) {
            return self.below(&self.url.with_key(above));
        }
        if foreign::is_archive(name)
            && let Some(found) = self.object()?
        {
            return Ok(found);
        }
        match self.below(self.url) {
            // There is nothing below it, so it is an object or nothing.
            Err(error @ FindError::NoModel { .. }) => match self.object()? {
                Some(found) => Ok(found),
                None => Err(error),
            },
            other => other,
        }
    }

    fn failed(&self, fault: &Fault) -> FindError {
        failed(self.url, fault)
    }

    /// The models below a URL.
    fn below(&self, url: &Url) -> Result<Found, FindError> {
        let mut below = Below::of(&self.store, url, self.finder.depth).map_err(|fault| self.failed(&fault))?;
        let mut found = Found::default();
        while let Some(met) = below.next_met() {
            match met.map_err(|fault| self.failed(&fault))? {
                Met::Model(location) => found.locations.push(location),
                Met::Archive(archive) => found.archives.push(archive),
            }
        }
        found.outside = below.outside;
        found.locations.sort_by(|a, b| by_version(&a.shown, &b.shown));
        if found.locations.is_empty() {
            let error = no_model(url.shown.clone(), &below.met, &[], None);
            if found.archives.is_empty() {
                return Err(error);
            }
            found.otherwise = Some(error);
        }
        Ok(found)
    }

    /// What the URL is as an object, which has to be an archive; `None` where there is no such object.
    fn object(&mut self) -> Result<Option<Found>, FindError> {
        let entry = self.store.object(self.url).map_err(|fault| self.failed(&fault))?;
        entry.map(|entry| self.archive(entry)).transpose()
    }

    fn archive(&mut self, entry: Entry) -> Result<Found, FindError> {
        in_archive(self.finder, &File::in_store(self.url.shown.clone(), entry.bytes, object(&self.store, entry)))
    }
}

/// The order of versions, part by part.
fn by_version(a: &str, b: &str) -> Ordering {
    let parts = |shown: &str| shown.split('/').map(str::to_owned).collect::<Vec<String>>();
    let (a, b) = (parts(a), parts(b));
    let different = a.iter().zip(&b).find(|(a, b)| a != b);
    different.map_or(a.len().cmp(&b.len()), |(a, b)| version_order(OsStr::new(a)).cmp(&version_order(OsStr::new(b))))
}

/// The models in a file of a store, whose name is its URL. It has to be an archive, and is held in memory.
pub(in crate::input::find) fn in_archive(finder: &mut Finder<'_>, file: &File) -> Result<Found, FindError> {
    let (shown, bytes) = (&*file.name, file.bytes);
    if bytes > finder.limits.unpacked {
        let message = format!("has {bytes} bytes, more than are held in memory of an archive: unpack it in the store");
        return Err(FindError::Limit { path: shown.to_owned(), message });
    }
    let unreadable = |cause: &Cause| unreadable_archive(shown, &cause.to_string());
    // A large file that is none need not come for that.
    let opened = file.open().map_err(|error| unreadable(&error.cause))?;
    let head = opened.read(0..bytes.min(HEAD as u64)).map_err(|cause| unreadable(&cause))?.unwrap_or_default();
    if ArchiveFormat::of(&head).is_none() {
        return Err(no_archive(shown, &head));
    }
    let contents = opened.read_all().map_err(|cause| unreadable(&cause))?;
    finder.find_in(contents, shown)
}
