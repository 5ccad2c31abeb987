//! Which objects of a listing make a model, while the listing is read.
//!
//! As on a disk the uppermost folder with a main file is the model, whatever is in the folders below it. A listing comes in
//! the order of the names, so all that is in a folder comes together; but that a folder is a model may be told only by
//! its end. Where that would take much memory, the store is asked.

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;

use super::super::MODEL_FILES;
use super::super::url::Url;
use super::entry::Entry;
use super::list::Listed;
use super::tally::Tally;
use super::{Fault, Store};

/// So many objects are held before a store is asked whether the folders around them are models.
const HELD: usize = 10_000;

/// Folders that TensorFlow makes in a model, and of which stores hold an empty object.
const FOLDERS: [&str; 4] = ["assets", "assets.extra", "debug", "variables"];

/// The objects of a model.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::input) struct Group {
    /// What their names begin with: the folder and a slash; nothing where it is the whole store.
    pub(in crate::input) folder: String,
    pub(in crate::input) entries: Vec<Entry>,
    /// The requests that the listing has taken since the model before.
    pub(in crate::input) requests: u64,
}

/// What a folder is, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    Not,
    Yes,
    No,
}

/// A folder whose objects are coming.
#[derive(Debug)]
struct Folder {
    /// With a slash at its end.
    name: String,
    is_model: Known,
    /// Objects in it, and those of folders below it that are no models.
    entries: Vec<Entry>,
    /// Models below it.
    models: Vec<Group>,
}

impl Folder {
    fn new(name: &str) -> Self {
        Self { name: name.to_owned(), is_model: Known::Not, entries: Vec::new(), models: Vec::new() }
    }
}

/// Puts objects that come by name into models.
#[derive(Debug)]
struct Grouper {
    /// The folders that the last object was in, outermost first.
    open: Vec<Folder>,
    /// How many objects they hold.
    held: usize,
    models: VecDeque<Group>,
    /// Objects in no model.
    others: Vec<Entry>,
}

impl Grouper {
    fn new(root: &str) -> Self {
        Self { open: vec![Folder::new(root)], held: 0, models: VecDeque::new(), others: Vec::new() }
    }

    fn push(&mut self, entry: Entry) {
        while self.open.len() > 1 && self.open.last().is_some_and(|folder| !entry.key.starts_with(&folder.name)) {
            self.close();
        }
        let Some(root) = self.open.first().map(|folder| folder.name.len()) else { return };
        let mut at = self.open.last().map_or(0, |folder| folder.name.len());
        while let Some(length) = entry.key.get(at..).and_then(|rest| rest.find('/')) {
            at += length + 1;
            let name = entry.key.get(..at).unwrap_or_default();
            self.drop_marker(name);
            self.open.push(Folder::new(name));
        }
        let name = entry.key.get(at..).unwrap_or_default();
        // An object in the place of a folder, as some tools make them. The library does not show the slash at its end.
        let is_marker = entry.bytes == 0 && (FOLDERS.contains(&name) || name.is_empty());
        if is_marker || entry.key.len() < root {
            return;
        }
        if let Some(folder) = self.open.last_mut() {
            if MODEL_FILES.contains(&name) {
                folder.is_model = Known::Yes;
            }
            folder.entries.push(entry);
            self.held += 1;
        }
        self.flush();
    }

    /// Takes out the empty object that stands for a folder of this name.
    fn drop_marker(&mut self, name: &str) {
        let Some(folder) = self.open.last_mut() else { return };
        let marker = name.trim_end_matches('/');
        let before = folder.entries.len();
        // It came shortly before: only what is called `name` and something smaller than a slash is between.
        folder.entries.retain(|entry| entry.bytes > 0 || entry.key != marker);
        self.held = self.held.saturating_sub(before - folder.entries.len());
    }

    /// The innermost folder has no more objects.
    fn close(&mut self) {
        let Some(folder) = self.open.pop() else { return };
        let Folder { name, is_model, mut entries, mut models } = folder;
        if is_model == Known::Yes {
            entries.extend(models.drain(..).flat_map(|model| model.entries));
            models.push(Group { folder: name, entries: mem::take(&mut entries), requests: 0 });
        }
        match self.open.last_mut() {
            Some(parent) => {
                parent.entries.extend(entries);
                parent.models.extend(models);
            }
            None => {
                self.held = 0;
                self.models.extend(models);
                self.others.extend(entries);
            }
        }
        self.flush();
    }

    /// Lets go of what is in no folder any more that may still be a model.
    fn flush(&mut self) {
        for folder in self.open.iter_mut().take_while(|folder| folder.is_model == Known::No) {
            let of_models = folder.models.iter().map(|model| model.entries.len()).sum::<usize>();
            self.held = self.held.saturating_sub(folder.entries.len() + of_models);
            self.models.extend(folder.models.drain(..));
            self.others.append(&mut folder.entries);
        }
    }

    fn end(&mut self) {
        while !self.open.is_empty() {
            self.close();
        }
    }
}

/// The models of a listing, as they come.
#[derive(Debug)]
pub(in crate::input) struct Tree {
    pub(in crate::input) store: Arc<Store>,
    listed: Listed,
    grouper: Grouper,
    tally: Arc<Tally>,
    is_done: bool,
}

impl Tree {
    /// What is below a URL.
    pub(in crate::input) fn below(store: &Arc<Store>, url: &Url) -> Result<Self, Fault> {
        let (prefix, listed) = store.list(url)?;
        let root = if prefix.is_root() { String::new() } else { format!("{prefix}/") };
        let (store, tally) = (Arc::clone(store), Arc::default());
        Ok(Self { store, listed, grouper: Grouper::new(&root), tally, is_done: false })
    }

    /// The objects that came so far and are in no model.
    pub(in crate::input) fn take_others(&mut self) -> Vec<Entry> {
        mem::take(&mut self.grouper.others)
    }

    /// Asks the store which of the open folders are models, from the outermost on, so that not all below them is held.
    fn ask(&mut self) -> Result<(), Fault> {
        for folder in &mut self.grouper.open {
            if folder.is_model == Known::Not {
                let is_model = self.store.has_any(&folder.name, &MODEL_FILES, &self.tally)?;
                folder.is_model = if is_model { Known::Yes } else { Known::No };
            }
            if folder.is_model == Known::Yes {
                // All that is below it is of this model.
                break;
            }
        }
        // What is left is of a model, however large it is.
        self.grouper.flush();
        Ok(())
    }
}

impl Iterator for Tree {
    type Item = Result<Group, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(mut model) = self.grouper.models.pop_front() {
                model.requests =
                    self.listed.take_requests() + self.tally.requests.swap(0, std::sync::atomic::Ordering::Relaxed);
                return Some(Ok(model));
            }
            if self.is_done {
                return None;
            }
            match self.listed.next() {
                Some(Ok(entry)) => {
                    self.grouper.push(entry);
                    if self.grouper.held > HELD
                        && let Err(fault) = self.ask()
                    {
                        self.is_done = true;
                        return Some(Err(fault));
                    }
                }
                Some(Err(fault)) => {
                    self.is_done = true;
                    return Some(Err(fault));
                }
                None => {
                    self.is_done = true;
                    self.grouper.end();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(key: &str) -> Entry {
        Entry { key: key.to_owned(), bytes: u64::from(!key.ends_with('\0')), e_tag: None }
    }

    /// The models among objects, as folders with the number of their objects, and what is in none. A name with a zero at its
    /// end is that of an empty object.
    fn grouped(root: &str, keys: &[&str]) -> (Vec<(String, usize)>, Vec<String>) {
        let mut grouper = Grouper::new(root);
        for key in keys {
            let mut entry = entry(key);
            entry.key = entry.key.trim_end_matches('\0').to_owned();
            grouper.push(entry);
        }
        grouper.end();
        let models = grouper.models.into_iter().map(|model| (model.folder, model.entries.len())).collect();
        (models, grouper.others.into_iter().map(|entry| entry.key).collect())
    }

    #[test]
    fn the_uppermost_folder_with_a_main_file_is_the_model() {
        let keys = ["m/a/saved_model.pb", "m/saved_model.pb", "m/variables/variables.index"];
        assert_eq!(grouped("", &keys), (vec![("m/".to_owned(), 3)], vec![]));
    }

    #[test]
    fn models_side_by_side_are_several_and_the_rest_is_in_none() {
        let keys = ["t/1/saved_model.pb", "t/2/assets/x", "t/2/saved_model.pb", "t/readme", "t/x/y"];
        let models = vec![("t/1/".to_owned(), 1), ("t/2/".to_owned(), 2)];
        assert_eq!(grouped("t/", &keys), (models, vec!["t/readme".to_owned(), "t/x/y".to_owned()]));
    }

    #[test]
    fn empty_objects_in_the_place_of_folders_are_no_files() {
        let keys = ["m/assets\0", "m/saved_model.pb", "m/variables\0", "m/variables/x", "m/x\0", "m/x/y"];
        assert_eq!(grouped("m/", &keys), (vec![("m/".to_owned(), 3)], vec![]));
    }

    #[test]
    fn a_folder_that_is_known_to_be_no_model_holds_nothing_back() {
        let mut grouper = Grouper::new("");
        grouper.open[0].is_model = Known::No;
        grouper.push(entry("a"));
        grouper.push(entry("m/saved_model.pb"));
        grouper.push(entry("n/x"));
        assert_eq!((grouper.others.len(), grouper.models.len(), grouper.held), (1, 1, 1));
    }
}
