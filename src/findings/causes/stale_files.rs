//! `stale-files`: what no loader reads, left from an earlier export or from one that was interrupted.
//!
//! Exporting into a directory that holds an older export overwrites what has the same name and leaves the rest: the
//! shards of a set of another size, the assets of before, the main file in another form. An export that is killed leaves
//! the parts that were to be merged (`tensorflow/core/util/tensor_bundle/tensor_bundle.cc`,
//! `tensorflow/python/checkpoint/functional_saver.py`).
//!
//! `assets.extra/` is not looked at: TensorFlow Serving reads its warm-up requests there.

use crate::checkpoint::{File, Role};
use crate::findings::claims::Claims;
use crate::findings::evidence::{Evidence, Place};
use crate::findings::{Cause, Context, Cure, Detected, Remedy, quoted};
use crate::input::layout::{ASSETS, BINARY, CHUNKED, KERAS_METADATA, TEXT, VARIABLES};
use crate::message::number::meta_graph_def::OBJECT_GRAPH_DEF;
use crate::message::number::saved_object::USER_OBJECT;
use crate::message::number::saved_object_graph::NODES;
use crate::message::number::saved_user_object::IDENTIFIER;
use crate::size::{bytes, plural};
use crate::wire::{fields, first_len};

pub(super) const CAUSE: Cause = Cause {
    id: "stale-files",
    remedies: &[Remedy::any(
        "Export into an empty directory, then move it to where it is served from; or let `smaudit slim` copy what is read.",
        "import smaudit\n\
         smaudit.slim(\".\", \"../served\")",
        "a program of yours reads these files by their names.",
    )],
    long: include_str!("../../../docs/findings/stale-files.md"),
    detect,
    only_information: None,
    cure: Cure::Files,
};

/// The configuration that the first tf.keras writes beside the assets and reads itself (`export_saved_model` of
/// `tensorflow/python/keras/saving/saved_model_experimental.py`).
const KERAS_CONFIG: &str = "assets/saved_model.json";

const KERAS_OBJECT: &[u8] = b"_tf_keras";

fn detect(context: &Context<'_>) -> Option<Detected> {
    let stale = checkpoint_files(context).chain(unnamed_assets(context)).chain(other_files(context));
    let (mut claims, mut evidence) = (Claims::default(), Evidence::default());
    for (name, bytes, is) in stale {
        claims.add(name, 0..bytes);
        evidence.add(bytes, || (format!("{} {is}", quoted(name)), Place::of_file(name)));
    }
    let (files, size) = (plural(evidence.count(), "file", "files"), bytes(claims.bytes()));
    (!evidence.is_empty()).then(|| Detected {
        message: format!(
            "{files} that no loader reads, {size}: left from an earlier export, or from one that broke off."
        ),
        evidence,
        claims,
        beyond: 0,
    })
}

/// A file, its size, and what is the matter with it.
type Stale<'a> = (&'a str, u64, &'static str);

/// The files that no loader reads, whatever program loads the model: those of the finding but the metadata of Keras.
pub(crate) fn unread_by_all<'a>(context: &Context<'a>) -> Vec<&'a str> {
    let stale = checkpoint_files(context).chain(unnamed_assets(context)).chain(other_files(context));
    stale.map(|(name, ..)| name).filter(|name| *name != KERAS_METADATA).collect()
}

fn checkpoint_files<'a>(context: &Context<'a>) -> impl Iterator<Item = Stale<'a>> + use<'a> {
    let files = context.checkpoint.into_iter().flat_map(|checkpoint| &checkpoint.files);
    files.filter_map(|file| Some((&*file.path, file.bytes, state_of(file)?)))
}

fn state_of(file: &File) -> Option<&'static str> {
    let name = file.path.strip_prefix(VARIABLES)?;
    match file.role {
        Role::Stale => Some("is of another checkpoint"),
        Role::Other if name.starts_with("variables_temp") || name.contains(".tempstate") => {
            Some("is a part of a checkpoint that was not finished")
        }
        Role::Other if !name.starts_with("variables.") && is_of_bundle(name) => {
            Some("is of a checkpoint that is not called `variables`")
        }
        _ => None,
    }
}

/// Whether a file is called as the index or a shard of a checkpoint is.
fn is_of_bundle(name: &str) -> bool {
    let shard = |(_, shard): (&str, &str)| {
        shard.split_once("-of-").is_some_and(|(a, b)| [a, b].iter().all(|part| part.parse::<u32>().is_ok()))
    };
    name.strip_suffix(".index").is_some_and(|prefix| !prefix.is_empty())
        || name.rsplit_once(".data-").is_some_and(shard)
}

/// The files under `assets/` that no metagraph names and no node mentions.
fn unnamed_assets<'a>(context: &Context<'a>) -> impl Iterator<Item = Stale<'a>> + use<'a> {
    let named = context.named_assets();
    let is_unnamed = |name: &&str| {
        let named = named.as_ref().is_none_or(|named| named.contains(*name));
        !named && name.starts_with(ASSETS) && *name != KERAS_CONFIG
    };
    let files = context.model.files.iter();
    let unnamed = context.unmentioned(files.clone().map(|file| &*file.name).filter(is_unnamed).collect());
    let mut unnamed = unnamed.into_iter().peekable();
    // Both are in the order of the listing.
    let stale = files.filter(move |file| unnamed.next_if_eq(&&*file.name).is_some());
    stale.map(|file| (&*file.name, file.bytes, "is no metagraph's asset"))
}

fn other_files<'a>(context: &Context<'a>) -> impl Iterator<Item = Stale<'a>> + use<'a> {
    let has = |name| context.model.file(name).is_some();
    let text = (has(BINARY) && !has(CHUNKED)).then_some((TEXT, "is not read where there is a saved_model.pb"));
    let is_whole = !context.saved_model.meta_graphs.is_empty() && context.saved_model.problems.is_empty();
    let keras = (is_whole && has(KERAS_METADATA) && !has_keras_objects(context))
        .then_some((KERAS_METADATA, "tells of layers that the model does not have"));
    let files = &context.model.files;
    let file = move |(name, is)| files.iter().find(|file| file.name == name).map(|file| (&*file.name, file.bytes, is));
    text.into_iter().chain(keras).filter_map(file)
}

fn has_keras_objects(context: &Context<'_>) -> bool {
    let main = context.main();
    let graphs = 0..context.saved_model.meta_graphs.len();
    let sections = graphs.flat_map(|graph| context.sections(graph, OBJECT_GRAPH_DEF));
    let mut objects = sections.flat_map(|section| fields(main, section.payload())).filter(|field| field.is_len(NODES));
    objects.any(|object| {
        let identifier =
            first_len(main, object.payload(), USER_OBJECT).and_then(|user| first_len(main, user, IDENTIFIER));
        identifier.and_then(|identifier| main.get(identifier)).is_some_and(|name| name.starts_with(KERAS_OBJECT))
    })
}

#[cfg(test)]
mod tests {
    use crate::findings::tests::finding;
    use crate::support::bundle::BundleBuilder;
    use crate::support::graph::{object, objects, strings};
    use crate::support::wire::{Message, graph, message, meta_graph, saved_model};

    /// A metagraph whose graph has a string.
    fn mentions(string: &str) -> Message {
        meta_graph(&["serve"], &graph(&[strings("path", &[string])]))
    }

    /// The files that are found stale in a model of a metagraph and these files, each of 2,000 bytes.
    fn stale(graph: &Message, names: &[&str]) -> Vec<String> {
        let model = saved_model([graph]).0;
        let [(index, index_bytes), (data, data_bytes)] = BundleBuilder::default().tensor("v", &[1; 4]).files();
        let mut files: Vec<(&str, &[u8])> =
            vec![("saved_model.pb", &model), (&index, &index_bytes), (&data, &data_bytes)];
        files.extend(names.iter().map(|name| (*name, &[b'x'; 2000][..])));
        let found = finding("stale-files", &files);
        assert!(found.iter().all(|found| found.bytes == 2000 * found.evidence.len() as u64), "{found:?}");
        let name = |line: String| line.split('`').nth(1).unwrap().to_owned();
        found.into_iter().flat_map(|found| found.evidence).map(name).collect()
    }

    #[test]
    fn shards_of_another_set_and_parts_that_were_not_merged_are_stale() {
        let names = [
            "variables/checkpoint",
            "variables/variables.data-00000-of-00001.tempstate123",
            "variables/variables.data-00000-of-00002",
            "variables/variables_temp/part-00000-of-00001.index",
        ];
        assert_eq!(stale(&mentions(""), &names), names[1..]);
    }

    #[test]
    fn a_checkpoint_of_another_name_is_stale() {
        let names =
            ["variables/model.ckpt-9.data-00000-of-00001", "variables/model.ckpt-9.index", "variables/notes.txt"];
        assert_eq!(stale(&mentions(""), &names), names[..2]);
    }

    #[test]
    fn assets_that_nothing_names_are_stale_and_those_for_warm_up_are_not() {
        let named = mentions("").message(6, &message().bytes(2, "new.txt"));
        let names = ["assets/new.txt", "assets/old.txt", "assets.extra/tf_serving_warmup_requests"];
        assert_eq!(stale(&named, &names), ["assets/old.txt"]);
    }

    #[test]
    fn tensorflow_1_names_its_assets_in_a_collection() {
        let def =
            message().bytes(1, "type.googleapis.com/tensorflow.AssetFileDef").message(2, &message().bytes(2, "a.txt"));
        let collection = message().message(5, &message().message(1, &def));
        let graph = mentions("").entry(4, "saved_model_assets", &collection);
        assert_eq!(stale(&graph, &["assets/a.txt", "assets/b.txt"]), ["assets/b.txt"]);
    }

    #[test]
    fn an_asset_that_a_node_opens_by_a_path_of_its_own_is_not_stale() {
        assert_eq!(stale(&mentions("/models/7/assets/words.txt"), &["assets/words.txt"]), Vec::<String>::new());
        assert_eq!(stale(&mentions("/models/7/assets/words.txt"), &["assets/rds.txt"]), ["assets/rds.txt"]);
    }

    #[test]
    fn nothing_is_said_of_assets_where_the_main_file_is_damaged() {
        let damaged = mentions("").overlong(6, 100, b"");
        assert_eq!(stale(&damaged, &["assets/a.txt"]), Vec::<String>::new());
    }

    #[test]
    fn the_configuration_that_early_keras_keeps_among_the_assets_is_not_stale() {
        assert_eq!(stale(&mentions(""), &["assets/saved_model.json"]), Vec::<String>::new());
    }

    #[test]
    fn a_text_form_beside_the_binary_one_is_not_read() {
        assert_eq!(stale(&mentions(""), &["saved_model.pbtxt"]), ["saved_model.pbtxt"]);
    }

    #[test]
    fn metadata_of_keras_is_stale_where_no_object_is_of_keras() {
        let of = |identifier: &str| {
            mentions("").message(7, &objects(&[object(4, &message().bytes(1, identifier), &[])], &[]))
        };
        assert_eq!(stale(&of("_generic_user_object"), &["keras_metadata.pb"]), ["keras_metadata.pb"]);
        assert_eq!(stale(&of("_tf_keras_sequential"), &["keras_metadata.pb"]), Vec::<String>::new());
    }
}
