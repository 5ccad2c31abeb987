//! `extra-metagraph`: metagraphs that a server never loads.
//!
//! A loader is given a set of tags and takes the first metagraph that has exactly these
//! (`tensorflow/cc/saved_model/reader.cc`, `FindMetaGraphDef`). TensorFlow Serving asks for `serve`, or for `serve` and
//! `gpu` or `tpu`, so where there is a metagraph with `serve`, one without it is there for something else. Nothing is
//! known of a model without any `serve`: a module for retraining, say.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::findings::claims::Claims;
use crate::findings::evidence::{Evidence, Place};
use crate::findings::{Cause, Context, Cure, Detected, Remedy, quoted};
use crate::graph::MetaGraphReach;
use crate::message::number::saved_model::META_GRAPHS;
use crate::size::bytes;
use crate::wire::fields;

const TEXT: &str = "Export the metagraphs with the tag `serve` only, and keep training and evaluation graphs in a directory of their own.";

const UNLESS: &str = "a program loads these tags from this directory.";

/// Saves what was loaded of the tag, with the variables that its own saver has.
const GRAPH_OF_SERVE: &str = r#"v1 = tf.compat.v1; session = v1.InteractiveSession(graph=tf.Graph()); builder = v1.saved_model.Builder("../served")
served = v1.saved_model.load(session, ["serve"], "."); saver = v1.train.Saver(saver_def=served.saver_def)
builder.add_meta_graph_and_variables(session, ["serve"], served.signature_def, saver=saver); builder.save()"#;

/// Writes the main file without the other metagraphs: the files that tables are filled from are known to the file alone.
const MAIN_FILE: &str = r#"from tensorflow.core.protobuf.saved_model_pb2 import SavedModel; path = "saved_model.pb"
kept = [g for g in SavedModel.FromString(open(path, "rb").read()).meta_graphs if "serve" in g.meta_info_def.tags]
open(path, "wb").write(SavedModel(saved_model_schema_version=1, meta_graphs=kept).SerializeToString())"#;

pub(super) const CAUSE: Cause = Cause {
    id: "extra-metagraph",
    remedies: &[
        Remedy::any(TEXT, MAIN_FILE, UNLESS).only(|model| model.has_tables),
        Remedy::any(TEXT, GRAPH_OF_SERVE, UNLESS),
    ],
    long: include_str!("../../../docs/findings/extra-metagraph.md"),
    detect,
    only_information: None,
    cure: Cure::Serving,
};

/// The tag that servers ask for (`tensorflow/cc/saved_model/tag_constants.h`).
const SERVE: &str = "serve";

/// How many of the metagraphs' tags a sentence has.
const TOLD: usize = 4;

fn detect(context: &Context<'_>) -> Option<Detected> {
    let (served, extra) = divide(context);
    if served.is_empty() || extra.is_empty() {
        return None;
    }
    let ranges = meta_graph_fields(context);
    let (mut claims, mut evidence) = (Claims::default(), Evidence::default());
    let fields = || extra.iter().filter_map(|index| Some((index, ranges.get(*index)?)));
    for (index, range) in fields() {
        evidence.add(context.cost(range), || {
            (format!("metagraph {index} ({})", tags(context, *index)), Place::of_meta_graph(*index))
        });
    }
    context.claim(&mut claims, fields().map(|(_, range)| range.clone()));
    for (name, bytes) in assets_of(context, &served, &extra) {
        evidence.add(bytes, || (format!("{}, which no other metagraph names", quoted(name)), Place::of_file(name)));
        claims.add(name, 0..bytes);
    }
    let tensors = tensors_of(context, &served, &extra);
    for tensor in &tensors {
        evidence.add(context.data_bytes(*tensor), || {
            let place = Place::of_tensor(context, *tensor);
            let key = place.key.as_deref().unwrap_or_default();
            (format!("tensor {}, which no other restores", quoted(key)), place)
        });
    }
    context.claim_tensors(&mut claims, tensors.iter().copied());
    let beyond = index_share(context, tensors.len());
    let (of, size) = (served.len() + extra.len(), bytes(claims.bytes().saturating_add(beyond)));
    let (count, are) = (extra.len(), if extra.len() == 1 { "is" } else { "are" });
    let named = named(context, &extra);
    let message = format!(
        "{count} of {of} metagraphs ({named}) {are} never loaded by a server, which takes the first that has `serve`: {size}."
    );
    Some(Detected { message, evidence, claims, beyond })
}

/// The metagraphs that a server may load, and the others.
pub(super) fn divide(context: &Context<'_>) -> (Vec<usize>, Vec<usize>) {
    let mut seen = BTreeSet::new();
    let is_served = |index: &usize| {
        let graph = context.saved_model.meta_graphs.get(*index);
        let tags: BTreeSet<&String> = graph.into_iter().flat_map(|graph| &graph.tags).collect();
        // Of two with the same tags the first is loaded.
        tags.iter().any(|tag| *tag == SERVE) && seen.insert(tags)
    };
    (0..context.saved_model.meta_graphs.len()).partition(is_served)
}

/// The tags of metagraphs; of many, the first.
fn named(context: &Context<'_>, graphs: &[usize]) -> String {
    let all: BTreeSet<String> = graphs.iter().map(|index| tags(context, *index)).collect();
    let rest = if all.len() > TOLD { ", ..." } else { "" };
    all.into_iter().take(TOLD).collect::<Vec<_>>().join(", ") + rest
}

/// A metagraph's tags for a sentence.
fn tags(context: &Context<'_>, index: usize) -> String {
    let tags = context.saved_model.meta_graphs.get(index).map_or(&[][..], |graph| &graph.tags);
    if tags.is_empty() { "no tag".to_owned() } else { quoted(tags.join(",")) }
}

/// The metagraphs' fields, tags and lengths included.
fn meta_graph_fields(context: &Context<'_>) -> Vec<Range<usize>> {
    let all = fields(context.main(), 0..context.main().len());
    all.filter(|field| field.is_len(META_GRAPHS)).map(|field| field.range()).collect()
}

/// The files under `assets/` that only the extra metagraphs name.
fn assets_of<'a>(context: &Context<'a>, served: &[usize], extra: &[usize]) -> Vec<(&'a str, u64)> {
    let named =
        |graphs: &[usize]| -> BTreeSet<String> { graphs.iter().flat_map(|graph| context.assets(*graph)).collect() };
    let kept = named(served);
    let only = named(extra).into_iter().filter(|name| !kept.contains(name));
    only.filter_map(|name| context.model.file(&name)).map(|file| (&*file.name, file.bytes)).collect()
}

/// The tensors that only the extra metagraphs restore. Where one cannot be followed, nothing is known.
fn tensors_of(context: &Context<'_>, served: &[usize], extra: &[usize]) -> Vec<usize> {
    let restored = |graphs: &[usize]| -> Option<Vec<Vec<bool>>> {
        let reach = |graph: &usize| context.reach.meta_graphs.get(*graph)?.as_ref().map(MetaGraphReach::restored);
        graphs.iter().map(reach).collect()
    };
    let (Some(kept), Some(other)) = (restored(served), restored(extra)) else { return Vec::new() };
    let in_any = |graphs: &[Vec<bool>], tensor: usize| graphs.iter().any(|graph| graph.get(tensor) == Some(&true));
    let tensors = context.checkpoint.map_or(0, |checkpoint| checkpoint.bundle.tensors.len());
    (0..tensors).filter(|tensor| in_any(&other, *tensor) && !in_any(&kept, *tensor)).collect()
}

/// What so many tensors take of the index: keys and entries of one checkpoint are alike in size.
fn index_share(context: &Context<'_>, tensors: usize) -> u64 {
    let Some(checkpoint) = context.checkpoint else { return 0 };
    let all = checkpoint.bundle.tensors.len().max(1) as u64;
    checkpoint.index_bytes().saturating_mul(tensors as u64) / all
}

#[cfg(test)]
mod tests {
    use crate::findings::tests::{bytes_of, finding};
    use crate::support::bundle::BundleBuilder;
    use crate::support::graph::{node_of, signature};
    use crate::support::wire::{Message, constant, graph, message, meta_graph, saved_model};

    /// A metagraph with a constant of 2,000 bytes.
    fn tagged(tags: &[&str]) -> Message {
        meta_graph(tags, &graph(&[constant("c", &[1; 2000])]))
    }

    fn found(graphs: &[Message]) -> Option<u64> {
        finding("extra-metagraph", &[("saved_model.pb", &saved_model(graphs).0)]).map(|finding| finding.bytes)
    }

    fn field(graph: &Message) -> u64 {
        message().message(2, graph).len() as u64
    }

    #[test]
    fn metagraphs_without_serve_beside_one_with_it_cost_their_fields() {
        let train = tagged(&["train"]);
        assert_eq!(found(&[train.clone(), tagged(&["serve"]), tagged(&["eval"])]), Some(field(&train) * 2 - 1));
    }

    #[test]
    fn of_two_metagraphs_with_the_same_tags_the_second_is_extra() {
        let copy = tagged(&["gpu", "serve"]);
        assert_eq!(found(&[tagged(&["serve", "gpu"]), copy.clone()]), Some(field(&copy)));
    }

    #[test]
    fn variants_for_other_devices_are_served_as_well() {
        assert_eq!(found(&[tagged(&["serve"]), tagged(&["serve", "tpu"]), tagged(&["serve", "gpu"])]), None);
    }

    #[test]
    fn a_model_that_is_not_for_servers_has_no_extra_metagraphs() {
        assert_eq!(found(&[tagged(&[]), tagged(&["train"])]), None);
    }

    #[test]
    fn tensors_and_assets_that_only_the_extra_metagraph_has_go_with_it() {
        let with = |tags: &[&str], variables: &[&str], asset: &str| {
            let nodes: Vec<Message> = variables.iter().map(|name| node_of(name, "VariableV2", &[])).collect();
            signature(meta_graph(tags, &graph(&nodes)), "s", &[], &["kernel"]).message(6, &message().bytes(2, asset))
        };
        let (serve, train) =
            (with(&["serve"], &["kernel"], "both.txt"), with(&["train"], &["kernel", "slot"], "own.txt"));
        let assets =
            |names: &[&str]| names.iter().fold(train.clone(), |g, name| g.message(6, &message().bytes(2, name)));
        let train = assets(&["both.txt"]);
        let model = saved_model([&serve, &train]).0;
        let [(index, index_bytes), (data, data_bytes)] =
            BundleBuilder::default().tensor("kernel", &[1; 4096]).tensor("slot", &[2; 4096]).files();
        let files: [(&str, &[u8]); 5] = [
            ("saved_model.pb", &model),
            (&index, &index_bytes),
            (&data, &data_bytes),
            ("assets/both.txt", &[b'a'; 500]),
            ("assets/own.txt", &[b'b'; 700]),
        ];
        let finding = finding("extra-metagraph", &files).unwrap();
        assert_eq!(finding.bytes, field(&train) + 4096 + 700 + index_bytes.len() as u64 / 2);
        assert_eq!(bytes_of(&finding, "slot"), Some("4,096 bytes"));
        assert_eq!(bytes_of(&finding, "own.txt"), Some("700 bytes"));
        assert_eq!((bytes_of(&finding, "kernel"), bytes_of(&finding, "both.txt")), (None, None));
    }
}
