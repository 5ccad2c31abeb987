//! The entries of an archive, whatever it is packed with, and which of them make a model.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;

use bytes::Bytes;
use foldhash::HashSet;

use super::limits::{Allowance, Exceeded};
use super::{lossy, names, refusal, unpack};
use crate::input::MODEL_FILES;
use crate::input::version::version_order;
use crate::problem::Problem;
use crate::seeded::random;

/// A file of an archive, or what has the place of one.
#[derive(Debug)]
pub(super) struct Entry {
    /// Its checked name.
    pub(super) name: Vec<u8>,
    pub(super) data: Data,
}

/// What an entry holds.
#[derive(Debug)]
pub(super) enum Data {
    /// A slice of the archive, or of what it was unpacked to.
    Stored {
        bytes: Bytes,
        /// The size that the archive says, where it says one.
        size: u64,
        /// The checksum that the archive says; a tar has none.
        crc: Option<u32>,
    },
    /// Compressed by itself.
    Deflated { packed: Bytes, size: u64, crc: u32 },
    /// Nothing that is read, and why.
    Refused(String),
}

/// An entry's contents, as far as they can be had, and what is wrong with them: where, and what.
#[derive(Debug, Default)]
pub(super) struct Contents {
    pub(super) bytes: Option<Bytes>,
    pub(super) problem: Option<(Option<u64>, String)>,
}

impl Entry {
    /// The size that the archive says.
    fn size(&self) -> u64 {
        match self.data {
            Data::Stored { size, .. } | Data::Deflated { size, .. } => size,
            Data::Refused(_) => 0,
        }
    }

    /// The problem of an entry that is not read, as one of the archive that is shown so.
    pub(super) fn refused(&self, shown: &str) -> Option<Problem> {
        let Data::Refused(why) = &self.data else { return None };
        Some(refusal(shown, &self.name, why))
    }

    /// Unpacks the entry where it is packed.
    pub(super) fn contents(self, allowance: &mut Allowance<'_>) -> Result<Contents, Exceeded> {
        let (bytes, size, crc, damage) = match self.data {
            Data::Refused(why) => return Ok(Contents { bytes: None, problem: Some((None, why)) }),
            Data::Stored { bytes, size, crc } => (bytes, size, crc, None),
            Data::Deflated { packed, size, crc } => {
                let unpacked = unpack::inflate(&packed, size, allowance)?;
                (unpacked.bytes, size, Some(crc), unpacked.damage)
            }
        };
        let problem = damage.or_else(|| wrong(&bytes, size, crc));
        Ok(Contents { bytes: Some(bytes), problem })
    }
}

/// What is wrong with contents that should have this size and checksum.
fn wrong(bytes: &Bytes, size: u64, crc: Option<u32>) -> Option<(Option<u64>, String)> {
    let found = bytes.len() as u64;
    if found != size {
        return Some((Some(found), format!("the archive says {size} bytes, and only {found} are there")));
    }
    let crc = crc?;
    let mut sum = flate2::Crc::new();
    sum.update(bytes);
    let differs = || format!("expected CRC-32 {crc:#010x}, as in the archive, found {:#010x}", sum.sum());
    (sum.sum() != crc).then(|| (None, differs()))
}

/// All entries of an archive.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// By name; of entries of one name the last counts, as it would when unpacked.
    entries: BTreeMap<Vec<u8>, Data>,
    /// The number and the sizes of all files, those that others replace too.
    files: u64,
    bytes: u64,
    /// Entries whose names are not used, and why.
    pub(super) refused: Vec<(Vec<u8>, &'static str)>,
    /// Damage of the archive: where, and what.
    pub(super) damage: Vec<(Option<u64>, String)>,
    seen: usize,
}

/// The entries of an archive by the model that they belong to.
pub(super) struct Groups {
    /// The folder of each model with what is in it, in the order of versions.
    pub(super) models: Vec<(Vec<u8>, Vec<Entry>)>,
    /// What is in no model.
    pub(super) others: Vec<Entry>,
}

impl Listing {
    /// Counts an entry, of whatever kind.
    pub(super) fn count(&mut self, allowance: &Allowance<'_>) -> Result<(), Exceeded> {
        self.seen = self.seen.saturating_add(1);
        allowance.entries(self.seen)
    }

    /// Adds a file, or what is refused in the place of one, under the name that the archive has for it.
    pub(super) fn add(&mut self, name: &[u8], data: Data) {
        let name = match names::checked(name) {
            Ok(name) => name,
            Err(why) => return self.refused.push((names::shortened(name), why)),
        };
        if name.is_empty() {
            return self.refused.push((name, "is refused: it has no name"));
        }
        let entry = Entry { name, data };
        self.files = self.files.saturating_add(u64::from(!matches!(entry.data, Data::Refused(_))));
        self.bytes = self.bytes.saturating_add(entry.size());
        self.entries.insert(entry.name, entry.data);
    }

    /// How many files there are, and how large they are.
    pub(super) fn sizes(&self) -> (u64, u64) {
        (self.files, self.bytes)
    }

    /// The entries by model. A model in the folder of another belongs to that one.
    pub(super) fn into_models(self) -> Groups {
        let mut folders: BTreeSet<&[u8]> = BTreeSet::new();
        for name in self.entries.keys() {
            let (folder, file) = parted(name);
            if MODEL_FILES.iter().any(|wanted| wanted.as_bytes() == file) {
                folders.insert(folder);
            }
        }
        // The outermost folder of a model that a name is in. A name may have thousands of folders, and to look for each would be
        // to read its beginning for each: so all of them are hashed in one go, and only where a hash is known is one looked for.
        let (seed, mut hashes) = (random() | 1, HashSet::default());
        for folder in &folders {
            hashes.extend(folder_hashes(folder, seed).last());
        }
        let model_of = |name: &[u8]| {
            let is_folder = |end: usize| folders.contains(name.get(..end).unwrap_or_default());
            let (folder, _) = parted(name);
            let mut ends = folder_hashes(folder, seed);
            let found = ends.find(|found| hashes.contains(found) && is_folder(found.1)).map(|(_, end)| end);
            found.map(|end| name.get(..end).unwrap_or_default().to_vec())
        };
        let owners: Vec<Option<Vec<u8>>> = self.entries.keys().map(|name| model_of(name)).collect();
        let (mut models, mut others) = (BTreeMap::<Vec<u8>, Vec<Entry>>::new(), Vec::new());
        for ((name, data), owner) in self.entries.into_iter().zip(owners) {
            let entries = owner.map_or(&mut others, |folder| models.entry(folder).or_default());
            entries.push(Entry { name, data });
        }
        let mut models: Vec<_> = models.into_iter().collect();
        models.sort_by(|(a, _), (b, _)| in_order_of_versions(&lossy(a), &lossy(b)));
        Groups { models, others }
    }
}

/// The folders that lead to a folder, and it: their hashes, and where they end. The first is the root, which has no name.
fn folder_hashes(folder: &[u8], seed: u64) -> impl Iterator<Item = (u64, usize)> {
    let next = |hash: &mut u64, byte: &u8| {
        let before = *hash;
        *hash = (before ^ u64::from(*byte)).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29) ^ before;
        Some((before, *byte))
    };
    let end = folder.iter().fold(seed, |hash, byte| {
        let mut hash = hash;
        next(&mut hash, byte);
        hash
    });
    let inner = folder.iter().scan(seed, next).enumerate().filter(|(_, (_, byte))| *byte == b'/');
    let root = (!folder.is_empty()).then_some((seed, 0));
    root.into_iter().chain(inner.map(|(at, (hash, _))| (hash, at))).chain([(end, folder.len())])
}

/// A name as its folder and what is behind it.
fn parted(name: &[u8]) -> (&[u8], &[u8]) {
    match name.iter().rposition(|byte| *byte == b'/') {
        Some(slash) => (name.get(..slash).unwrap_or_default(), name.get(slash.saturating_add(1)..).unwrap_or_default()),
        None => (b"", name),
    }
}

/// Compares folders part by part, versions by number, as in a tree of directories.
fn in_order_of_versions(a: &str, b: &str) -> Ordering {
    let [a, b] = [a, b].map(|folder| folder.split('/').map(|part| version_order(OsStr::new(part))));
    a.cmp(b)
}
