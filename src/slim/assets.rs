//! Assets of one content in one file: two AssetFileDefs may name the same (`tensorflow/cc/saved_model/loader.cc` feeds the path of
//! each to a tensor of its own). The entries stay, as `asset_file_def_index` counts them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use bytes::Bytes;

use crate::charge::{Form, MainFile};
use crate::edit::{Conflict, Splices};
use crate::findings::Context;
use crate::input::Model;
use crate::input::layout::ASSETS;
use crate::message::number::asset_file_def::FILENAME;
use crate::message::number::collection_def::ANY_LIST;
use crate::message::number::collection_def::any_list::VALUE as ANY_VALUE;
use crate::message::number::map_entry::{KEY, VALUE};
use crate::message::number::meta_graph_def::{ASSET_FILE_DEF, COLLECTION_DEF};
use crate::message::number::protobuf::any::VALUE as PACKED;
use crate::message::number::saved_model::META_GRAPHS;
use crate::problem::Problem;
use crate::wire::{Field, fields, first_len};

/// Where TensorFlow 1 has its AssetFileDefs (`tensorflow/cc/saved_model/constants.h`).
const COLLECTION: &[u8] = b"saved_model_assets";

/// Assets that are copies of others, and what the main file becomes without them.
#[derive(Debug)]
pub(super) struct EqualAssets {
    /// The main file's name, and how it is written.
    pub(super) main: (String, Form),
    /// The SavedModel in wire format.
    pub(super) bytes: Bytes,
    /// The files that go, each with the one whose content it has.
    pub(super) copies: BTreeMap<String, String>,
}

impl EqualAssets {
    /// The edits by which a main file names the kept files in the place of copies.
    pub(super) fn renames(&self, main: &[u8]) -> Result<Splices, Conflict> {
        renames(main, &self.copies)
    }
}

/// The files that the metagraphs of a main file name as assets.
pub(super) fn named(main: &[u8]) -> BTreeSet<String> {
    let graphs = fields(main, 0..main.len()).filter(|field| field.is_len(META_GRAPHS));
    let defs = graphs.flat_map(|graph| fields(main, graph.payload()).filter(|field| field.is_len(ASSET_FILE_DEF)));
    let names = defs.flat_map(|def| fields(main, def.payload()).filter(|field| field.is_len(FILENAME)));
    names.map(|name| format!("{ASSETS}{}", String::from_utf8_lossy(name.bytes(main)))).collect()
}

/// Finds assets of equal content; `None` where the main file cannot be read.
pub(super) fn equal(model: &Model, context: &Context<'_>, stale: &[String]) -> Result<Option<EqualAssets>, Problem> {
    let Some(main) = MainFile::open(model) else { return Ok(None) };
    let Some(bytes) = main.bytes else { return Ok(None) };
    let named = context.named_assets().unwrap_or_default();
    let files = model.files.iter().filter(|file| {
        file.bytes > 0 && file.name.starts_with(ASSETS) && named.contains(&file.name) && !stale.contains(&file.name)
    });
    let mut of_size: BTreeMap<u64, Vec<_>> = BTreeMap::new();
    files.for_each(|file| of_size.entry(file.bytes).or_default().push(file));
    let mut kept_for: BTreeMap<String, String> = BTreeMap::new();
    for files in of_size.values().filter(|files| files.len() > 1) {
        let mut first: HashMap<Bytes, &str> = HashMap::new();
        for file in files {
            let kept = *first.entry(file.contents()?).or_insert(&file.name);
            if kept != file.name {
                kept_for.insert(file.name.clone(), kept.to_owned());
            }
        }
    }
    Ok(Some(EqualAssets { main: (main.file.name.clone(), main.form), bytes, copies: kept_for }))
}

fn renames(main: &[u8], kept_for: &BTreeMap<String, String>) -> Result<Splices, Conflict> {
    let mut edits = Splices::default();
    if kept_for.is_empty() {
        return Ok(edits);
    }
    let within = |field: &Field, number: u32| {
        let payload = field.payload();
        fields(main, payload).filter(move |field| field.is_len(number))
    };
    let mut rename = |path: &[Field]| -> Result<(), Conflict> {
        let Some(def) = path.last() else { return Ok(()) };
        for name in within(def, FILENAME) {
            let old = format!("{ASSETS}{}", String::from_utf8_lossy(name.bytes(main)));
            let new = kept_for.get(&old).and_then(|kept| kept.strip_prefix(ASSETS));
            if let Some(new) = new {
                let path: Vec<Field> = path.iter().copied().chain([name]).collect();
                edits.replace(&path, name.payload(), new.as_bytes().to_vec())?;
            }
        }
        Ok(())
    };
    for graph in fields(main, 0..main.len()).filter(|field| field.is_len(META_GRAPHS)) {
        within(&graph, ASSET_FILE_DEF).try_for_each(|def| rename(&[graph, def]))?;
        for entry in within(&graph, COLLECTION_DEF) {
            if first_len(main, entry.payload(), KEY).and_then(|key| main.get(key)) != Some(COLLECTION) {
                continue;
            }
            for collection in within(&entry, VALUE) {
                for list in within(&collection, ANY_LIST) {
                    for any in within(&list, ANY_VALUE) {
                        within(&any, PACKED).try_for_each(|def| rename(&[graph, entry, collection, list, any, def]))?;
                    }
                }
            }
        }
    }
    Ok(edits)
}
