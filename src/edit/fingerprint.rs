//! `fingerprint.pb` of a model whose files have changed.
//!
//! Nobody compares it (`tensorflow/cc/saved_model/fingerprinting.cc` writes and reads it), but a fingerprint that is known to be
//! of another model is worse than none. So a hash that was right becomes the new one, one that was not stays as it is, and where
//! the checksum of the main file cannot be made anew there is no fingerprint any more.

use bytes::Bytes;
use prost::Message as _;

use super::numbers::{Value, with};
use crate::fingerprint::hash;
use crate::message::number::fingerprint_def::{CHECKPOINT_HASH, SAVED_MODEL_CHECKSUM, UUID};
use crate::proto::FingerprintDef;

/// A file before and after.
#[derive(Debug, Clone, Copy)]
pub struct Change<'a> {
    /// What it was.
    pub old: &'a [u8],
    /// What it is.
    pub new: &'a [u8],
}

/// The fingerprint after these files have changed, if they have. `None` where there can be none.
#[must_use]
pub fn changed(fingerprint: &Bytes, main: Option<Change<'_>>, index: Option<Change<'_>>) -> Option<Vec<u8>> {
    let def = FingerprintDef::decode(fingerprint.clone()).ok()?;
    let mut values = Vec::new();
    if let Some(main) = main {
        if def.saved_model_checksum != hash(main.old) {
            return None;
        }
        values.push((SAVED_MODEL_CHECKSUM, Value::Integer(hash(main.new))));
    }
    if let Some(index) = index.filter(|index| def.checkpoint_hash == hash(index.old)) {
        values.push((CHECKPOINT_HASH, Value::Integer(hash(index.new))));
    }
    // TensorFlow's is a number drawn at random; this one is of what it is to differ from.
    let parts = [main, index].map(|change| change.map_or(0, |change| hash(change.new)));
    let uuid = hash(format!("{} {parts:?}", def.uuid).as_bytes()).to_string();
    if !def.uuid.is_empty() {
        values.push((UUID, Value::Text(uuid.as_bytes())));
    }
    with(fingerprint, &values)
}
