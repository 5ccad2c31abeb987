//! Two main files walked side by side: equal but for the names of assets.

use std::ops::Range;

use crate::message::number::asset_file_def::FILENAME;
use crate::message::number::collection_def::ANY_LIST;
use crate::message::number::collection_def::any_list::VALUE as ANY_VALUE;
use crate::message::number::map_entry::{KEY, VALUE};
use crate::message::number::meta_graph_def::{ASSET_FILE_DEF, COLLECTION_DEF};
use crate::message::number::protobuf::any::VALUE as PACKED;
use crate::message::number::saved_model::META_GRAPHS;
use crate::wire::{Field, Fields};

/// The messages on the path to an asset's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Of {
    SavedModel,
    MetaGraph,
    /// An entry of the collections, and whether it is the one of assets.
    Entry(bool),
    Collection,
    List,
    Any,
    Asset,
}

impl Of {
    /// What a field is, if names of assets may be in it.
    fn field(self, number: u32) -> Option<Self> {
        Some(match (self, number) {
            (Self::SavedModel, META_GRAPHS) => Self::MetaGraph,
            (Self::MetaGraph, ASSET_FILE_DEF) | (Self::Any, PACKED) => Self::Asset,
            (Self::MetaGraph, COLLECTION_DEF) => Self::Entry(false),
            (Self::Entry(true), VALUE) => Self::Collection,
            (Self::Collection, ANY_LIST) => Self::List,
            (Self::List, ANY_VALUE) => Self::Any,
            _ => return None,
        })
    }
}

/// A file, and a message in it.
type Part<'f> = (&'f [u8], Range<usize>);

/// The names of assets before and after, in order; `None` where anything else is not the same.
pub(super) fn names(old: &[u8], new: &[u8]) -> Option<Vec<(String, String)>> {
    let mut names = Vec::new();
    walk(Of::SavedModel, (old, 0..old.len()), (new, 0..new.len()), &mut names)?;
    Some(names)
}

/// The names of a main file's assets, wherever they are.
pub(super) fn assets(main: &[u8]) -> Vec<String> {
    let names = names(main, main).unwrap_or_default();
    names.into_iter().map(|(name, _)| name).collect()
}

fn walk(of: Of, (old, before): Part<'_>, (new, after): Part<'_>, names: &mut Vec<(String, String)>) -> Option<()> {
    let (mut old_fields, mut new_fields) = (Fields::new(old, before.clone()), Fields::new(new, after));
    // An entry is that of assets by its key, wherever that stands.
    let of = match of {
        Of::Entry(_) => Of::Entry(Fields::new(old, before).filter_map(Result::ok).any(|field| is_assets(&field, old))),
        other => other,
    };
    loop {
        let (a, b) = match (old_fields.next(), new_fields.next()) {
            (None, None) => return Some(()),
            (Some(Ok(a)), Some(Ok(b))) if (a.number, a.wire_type) == (b.number, b.wire_type) => (a, b),
            _ => return None,
        };
        let text = |field: &Field, file| String::from_utf8_lossy(field.bytes(file)).into_owned();
        match of.field(a.number).filter(|_| a.is_len(a.number)) {
            Some(inner) => walk(inner, (old, a.payload()), (new, b.payload()), names)?,
            None if of == Of::Asset && a.is_len(FILENAME) => names.push((text(&a, old), text(&b, new))),
            None if a.bytes(old) == b.bytes(new) => {}
            None => return None,
        }
    }
}

/// Whether a field is the key under which TensorFlow 1 has its assets.
fn is_assets(field: &Field, file: &[u8]) -> bool {
    field.is_len(KEY) && field.bytes(file) == b"saved_model_assets"
}
