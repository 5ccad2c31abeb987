//! `fingerprint.pb`: hashes by which TensorFlow knows a SavedModel, and whether they are those of the model beside it.
//!
//! What is hashed, and how, is in `tensorflow/cc/saved_model/fingerprinting.cc`. Three of the hashes can be made from
//! spans of the files: that of the index, those of the signatures and of the concrete functions, each message hashed
//! by itself. TensorFlow hashes messages as it writes them itself, maps sorted by their keys, so a message is tried as it
//! stands in the file, and then decoded and sorted. The checksum of the whole model is over the whole model sorted like
//! that, which would have to be decoded for it; so it is said only where the file is such a one. The hash of the graph
//! is over a graph from which TensorFlow has taken what it does not compare, and is not made.

mod farmhash;

use std::collections::BTreeMap;
use std::ops::Range;

use bytes::Bytes;
use prost::{DecodeError, Message};

use crate::input::layout::INDEX;
use crate::message::number::map_entry;
use crate::message::number::meta_graph_def::{OBJECT_GRAPH_DEF, SIGNATURE_DEF};
use crate::message::number::saved_object_graph::CONCRETE_FUNCTIONS;
use crate::problem::Problem;
use crate::proto::{FingerprintDef, SavedConcreteFunction, SignatureDef};
use crate::wire::{fields, last_len};

/// The name of the file in a model's directory.
pub const FILE: &str = "fingerprint.pb";

/// The largest message that is decoded, in bytes: it takes many times that in memory. Those of TensorFlow have thousands.
const SORTED_UP_TO: usize = 4 << 20;

/// What `fingerprint.pb` says. Hashes are decimal digits in a string, as TensorFlow shows them: many readers of JSON
/// round integers of their size.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fingerprint {
    /// The version of the hashing: 0 in TensorFlow 2.11, 4 in 2.21.
    pub version: i32,
    /// Drawn at random when the model was saved; older versions leave it empty.
    pub uuid: String,
    /// Of saved_model.pb.
    pub saved_model_checksum: String,
    /// Of the graph without what differs from one export to the next.
    pub graph_def_program_hash: String,
    /// Of the signatures.
    pub signature_def_hash: String,
    /// Of the concrete functions of the object graph.
    pub saved_object_graph_hash: String,
    /// Of variables/variables.index, and by the checksums in it of the variables.
    pub checkpoint_hash: String,
    /// Whether `checkpoint_hash` is that of variables/variables.index. Loaders take a model whose is not; but its fingerprint
    /// was made for another export, or its variables were.
    pub checkpoint: Check,
    /// Whether it fits the model; null without `--verify`.
    pub verified: Option<Checks>,
}

/// Which hashes are those of the model. That of the graph is not checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Checks {
    /// Of saved_model.pb. It fits or is not checked: it may be that of the same model, its maps in another order.
    pub saved_model_checksum: Check,
    /// Of the signatures of the first metagraph.
    pub signature_def_hash: Check,
    /// Of the concrete functions of the first metagraph.
    pub saved_object_graph_hash: Check,
    /// Of variables/variables.index.
    pub checkpoint_hash: Check,
}

/// What a check of a hash came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Check {
    /// The hash is that of the model.
    Fits,
    /// The hash is of something else.
    Differs,
    /// There is no such hash, or nothing that it could be of.
    NotChecked,
}

/// What is held against a fingerprint.
#[derive(Debug)]
pub struct Inputs<'a> {
    /// saved_model.pb.
    pub main_file: &'a Bytes,
    /// The first MetaGraphDef in it.
    pub meta_graph: Option<Range<usize>>,
    /// variables/variables.index.
    pub index: Option<Bytes>,
}

impl Fingerprint {
    /// Reads the file's contents.
    ///
    /// # Errors
    /// They are no FingerprintDef.
    pub fn read(bytes: &Bytes) -> Result<Self, DecodeError> {
        let def = FingerprintDef::decode(bytes.clone())?;
        Ok(Self {
            version: def.version.map(|version| version.producer).unwrap_or_default(),
            uuid: def.uuid,
            saved_model_checksum: def.saved_model_checksum.to_string(),
            graph_def_program_hash: def.graph_def_program_hash.to_string(),
            signature_def_hash: def.signature_def_hash.to_string(),
            saved_object_graph_hash: def.saved_object_graph_hash.to_string(),
            checkpoint_hash: def.checkpoint_hash.to_string(),
            checkpoint: Check::NotChecked,
            verified: None,
        })
    }

    /// Holds the hash of the checkpoint against its index.
    pub fn check_index(&mut self, index: Option<&Bytes>) {
        self.checkpoint = check(&self.checkpoint_hash, index.map(|index| farmhash::fingerprint(index)));
    }

    /// Holds the hashes against the model. One that differs is a problem.
    pub fn verify(&mut self, inputs: &Inputs<'_>) -> Vec<Problem> {
        self.check_index(inputs.index.as_ref());
        let checksum = match check(&self.saved_model_checksum, [farmhash::fingerprint(inputs.main_file)]) {
            Check::Fits => Check::Fits,
            Check::Differs | Check::NotChecked => Check::NotChecked,
        };
        let of_graph = |hash: &str, hashes: fn(&[u8], Range<usize>) -> Vec<u64>| {
            let hashes = inputs.meta_graph.clone().map(|range| hashes(inputs.main_file, range));
            check(hash, hashes.unwrap_or_default())
        };
        let checks = Checks {
            saved_model_checksum: checksum,
            signature_def_hash: of_graph(&self.signature_def_hash, of_signatures),
            saved_object_graph_hash: of_graph(&self.saved_object_graph_hash, of_functions),
            checkpoint_hash: self.checkpoint,
        };
        self.verified = Some(checks);
        let parts = [
            (checks.signature_def_hash, "signature_def_hash", "the signatures of saved_model.pb"),
            (checks.saved_object_graph_hash, "saved_object_graph_hash", "the concrete functions of saved_model.pb"),
            (checks.checkpoint_hash, "checkpoint_hash", INDEX),
        ];
        let wrong = parts.into_iter().filter(|(check, ..)| *check == Check::Differs);
        wrong.map(|(_, hash, what)| Problem::of_file(FILE, format!("{hash} is not that of {what}: {OTHER}"))).collect()
    }
}

const OTHER: &str = "the fingerprint is of another model, or the model was changed after it was saved";

/// FarmHash's Fingerprint64, which all hashes in a fingerprint are made of.
#[must_use]
pub fn hash(bytes: &[u8]) -> u64 {
    farmhash::fingerprint(bytes)
}

/// Holds a hash of the file against those that may be meant.
fn check(hash: &str, found: impl IntoIterator<Item = u64>) -> Check {
    let mut found = found.into_iter().map(|hash| hash.to_string()).peekable();
    // A field that is not there is 0.
    if hash == "0" || found.peek().is_none() {
        return Check::NotChecked;
    }
    if found.any(|found| found == hash) { Check::Fits } else { Check::Differs }
}

/// The hashes that the signatures of a MetaGraphDef may have: with their keys, or without, as before TensorFlow 2.14.
fn of_signatures(file: &[u8], meta_graph: Range<usize>) -> Vec<u64> {
    let entries: BTreeMap<&[u8], &[u8]> = entries(file, meta_graph, SIGNATURE_DEF).collect();
    let mut hashes = [0; 4];
    for (key, value) in entries {
        let key = farmhash::fingerprint(key);
        let [written, sorted] = both_forms::<SignatureDef>(value);
        let [with_key, without, sorted_with_key, sorted_without] = hashes;
        hashes = [
            farmhash::joined(farmhash::joined(with_key, key), written),
            farmhash::joined(without, written),
            farmhash::joined(farmhash::joined(sorted_with_key, key), sorted),
            farmhash::joined(sorted_without, sorted),
        ];
    }
    hashes.to_vec()
}

/// The hashes that the concrete functions of a MetaGraphDef may have; none where TensorFlow could not sort them.
fn of_functions(file: &[u8], meta_graph: Range<usize>) -> Vec<u64> {
    let graphs = fields(file, meta_graph).filter(|field| field.is_len(OBJECT_GRAPH_DEF));
    let all: BTreeMap<&[u8], &[u8]> =
        graphs.flat_map(|graph| entries(file, graph.payload(), CONCRETE_FUNCTIONS)).collect();
    // Sorted by the number that their names end in.
    let mut numbered = BTreeMap::new();
    for (name, value) in &all {
        let Some(number) = number_of(name) else { return Vec::new() };
        numbered.insert(number, (*name, *value));
    }
    if numbered.len() != all.len() {
        return Vec::new();
    }
    let mut hashes = [0; 2];
    for (number, (name, value)) in numbered {
        let stem = farmhash::fingerprint(name.strip_suffix(number.to_string().as_bytes()).unwrap_or(name));
        let forms = both_forms::<SavedConcreteFunction>(value);
        for (hash, form) in hashes.iter_mut().zip(forms) {
            *hash = farmhash::joined(farmhash::joined(*hash, stem), form);
        }
    }
    hashes.to_vec()
}

/// The number behind the last underscore of a function's name.
fn number_of(name: &[u8]) -> Option<i64> {
    str::from_utf8(name).ok()?.rsplit('_').next()?.parse().ok()
}

/// The fingerprints of a message as it is written, and with its maps sorted.
fn both_forms<M: Message + Default>(written: &[u8]) -> [u64; 2] {
    let sorted = (written.len() <= SORTED_UP_TO).then(|| M::decode(written).map(|message| message.encode_to_vec()));
    let sorted = sorted.and_then(Result::ok);
    [farmhash::fingerprint(written), farmhash::fingerprint(sorted.as_deref().unwrap_or(written))]
}

/// The keys and values of a map field.
fn entries(file: &[u8], message: Range<usize>, number: u32) -> impl Iterator<Item = (&[u8], &[u8])> {
    let part = |entry: Range<usize>, number| {
        last_len(file, entry, number).and_then(|range| file.get(range)).unwrap_or_default()
    };
    let entries = fields(file, message).filter(move |field| field.is_len(number));
    entries.map(move |entry| (part(entry.payload(), map_entry::KEY), part(entry.payload(), map_entry::VALUE)))
}

#[cfg(test)]
mod tests;
