//! Every file that a loader asks for is there, and is the same.

use std::collections::BTreeSet;

use prost::Message as _;

use super::tensors::{is_live, shards};
use super::{Promise, chunks, main_file, text};
use crate::charge::{Form, MainFile};
use crate::checkpoint::layout::INDEX;
use crate::fingerprint;
use crate::input::layout::{DEBUG, KERAS_METADATA};
use crate::input::{File, InputError, MODEL_FILES, Model};
use crate::proto::FingerprintDef;

/// Why the files of two models, but the index and the shards, are not the same.
pub(super) fn reasons(old: &Model, new: &Model, promise: Promise) -> Result<Vec<String>, InputError> {
    let (Some(before), Some(after)) = (MainFile::open(old), MainFile::open(new)) else {
        return Ok(vec!["there is no main file".to_owned()]);
    };
    let mut reasons = Vec::new();
    let is_same_main = super::is_same(before.file, after.file)?;
    // Other forms are as good in binary, where all is promised that can be called.
    let is_converted = promise != Promise::Same && before.form != Form::Binary && after.form == Form::Binary;
    if is_converted {
        let (contents, wire) = (before.file.contents()?, before.bytes.clone().unwrap_or_default());
        let (is, was) = (&after.file.name, &before.file.name);
        match before.form {
            Form::Chunked => {
                let held = chunks::hold(&contents, &wire);
                reasons.extend(held.err().map(|why| format!("{is}: is not of the chunks of {was}: {why}")));
            }
            _ if text::is_of(&contents, &wire) => {}
            _ => reasons.push(format!("{is}: is not the text that {was} was")),
        }
    } else if before.file.name != after.file.name || !is_same_main && before.file.name != MODEL_FILES[0] {
        reasons.push(format!("{}: is another main file", after.file.name));
    }
    let names = match (&before.bytes, &after.bytes) {
        (Some(before), Some(after)) if promise == Promise::Same => main_file::names(before, after),
        // What of it is the same is held elsewhere.
        (Some(_), Some(after)) => Some(main_file::assets(after).into_iter().map(|name| (name.clone(), name)).collect()),
        _ => None,
    };
    let Some(names) = names else {
        reasons.push(format!("{}: is not the same but for names of assets", after.file.name));
        return Ok(reasons);
    };
    for (from, to) in names.iter().filter(|_| promise == Promise::Same) {
        match (old.file(&format!("assets/{from}")), new.file(&format!("assets/{to}"))) {
            (Some(from), Some(to)) if super::is_same(from, to)? => {}
            // What was never there is looked for under the same name.
            (None, None) if from == to => {}
            _ => reasons.push(format!("assets/{to}: is not what assets/{from} was")),
        }
    }
    let index = old.file(INDEX).map(File::contents).transpose()?;
    let shards = index.clone().map_or(0, shards);
    let needed: BTreeSet<String> = names.iter().map(|(_, to)| format!("assets/{to}")).collect();
    for file in &old.files {
        let is_shard = is_live(shards, &file.name);
        match new.file(&file.name) {
            // Held against each other where the tensors are.
            Some(_) if is_shard || file.name == INDEX || file.name == before.file.name => {}
            Some(written) if file.name == fingerprint::FILE => {
                let is_this = super::is_same(file, written)?
                    || parts(&file.contents()?)
                        .is_some_and(|parts| written.contents().ok().and_then(|it| self::parts(&it)) == Some(parts));
                if !is_this {
                    reasons.push(format!("{}: is of another model", file.name));
                }
            }
            Some(written) if super::is_same(file, written)? => {}
            Some(_) => reasons.push(format!("{}: has other bytes", file.name)),
            None => {
                let may_go = !is_shard
                    && !needed.contains(&file.name)
                    && (is_converted && file.name == before.file.name
                        || is_spare(&file.name, index.is_some(), is_same_main)
                        || may_go(&file.name, promise));
                if !may_go {
                    reasons.push(format!("{}: is not there any more", file.name));
                }
            }
        }
    }
    let names: BTreeSet<&str> = old.files.iter().map(|file| &*file.name).collect();
    let known = |name: &str| names.contains(name) || is_converted && after.file.name == name;
    reasons
        .extend(new.files.iter().filter(|file| !known(&file.name)).map(|file| format!("{}: was not there", file.name)));
    Ok(reasons)
}

/// Whether no loader asks for a file of this name, which is no shard and no asset that is named.
fn is_spare(name: &str, has_index: bool, is_same_main: bool) -> bool {
    let [binary, text, chunked] = MODEL_FILES;
    match name.split_once('/') {
        Some(("assets", _)) => true,
        Some(("variables", _)) if name == INDEX || !has_index => false,
        Some(("variables", name)) => {
            let parts = ["variables_temp", "variables-", ".data-", ".index", ".tempstate"];
            name == "variables" || parts.iter().any(|part| name.contains(part))
        }
        None if name == text => true,
        None if name == fingerprint::FILE => !is_same_main,
        None if name == binary || name == chunked => false,
        _ => false,
    }
}

/// Whether what is promised can do without a file that is for other uses.
fn may_go(name: &str, promise: Promise) -> bool {
    match promise {
        Promise::Same => false,
        Promise::Callables => name.starts_with(DEBUG),
        Promise::Signatures => name.starts_with(DEBUG) || name == KERAS_METADATA,
    }
}

/// What a fingerprint says of parts that no smaller model changes.
fn parts(fingerprint: &bytes::Bytes) -> Option<FingerprintDef> {
    let (uuid, saved_model_checksum, checkpoint_hash) = Default::default();
    let def = FingerprintDef::decode(fingerprint.clone()).ok()?;
    Some(FingerprintDef { uuid, saved_model_checksum, checkpoint_hash, ..def })
}
