//! `metadata-array`: arrays written as decimal text in the metadata that Keras keeps of its layers.
//!
//! Keras 2 writes each layer's configuration as JSON into `keras_metadata.pb` (`SavedMetadata` of
//! `keras/protobuf/saved_metadata.proto`), before TensorFlow 2.5 into the object graph (`SavedUserObject.metadata`). An
//! array that a layer was configured with, such as that of `initializers.Constant`, is in it as text, once for the layer
//! and once for each model that contains the layer.

use std::ops::Range;

use crate::findings::arrays::{self, Array};
use crate::findings::claims::Claims;
use crate::findings::evidence::{Evidence, Place};
use crate::findings::{Cause, Context, Cure, Detected, Remedy, quoted};
use crate::message::number::keras::saved_metadata::NODES;
use crate::message::number::keras::saved_object::{METADATA as NODE_METADATA, NODE_PATH};
use crate::message::number::meta_graph_def::OBJECT_GRAPH_DEF;
use crate::message::number::saved_object::USER_OBJECT;
use crate::message::number::saved_object_graph;
use crate::message::number::saved_user_object::{IDENTIFIER, METADATA};
use crate::size::{bytes, plural};
use crate::wire::{fields, first_len};

pub(super) const CAUSE: Cause = Cause {
    id: "metadata-array",
    remedies: &[Remedy::any(
        "Give the layer a plain initializer, build it, and put the array in with `layer.set_weights`.",
        "",
        "the array is no weight but part of what the layer is, and is small.",
    )],
    long: include_str!("../../../docs/findings/metadata-array.md"),
    detect,
    only_information: None,
    cure: Cure::Serving,
};

/// An array of less is no cause of size by itself: shapes, strides and axes are shorter by far.
const LEAST: usize = 1 << 10;

/// How much of a name is shown, in bytes: one may be that of very many arrays.
const LONGEST: usize = 200;

fn detect(context: &Context<'_>) -> Option<Detected> {
    let (mut claims, mut evidence) = (Claims::default(), Evidence::default());
    if let Some((name, metadata)) = context.keras_metadata() {
        let found = in_messages(metadata, fields_of(metadata, 0..metadata.len(), NODES), NODE_PATH, NODE_METADATA);
        let ranges = found.iter().map(|(_, array)| array.range.start as u64..array.range.end as u64);
        claims.add_ranges(name, ranges.collect());
        for (what, array) in found {
            evidence.add(array.range.len() as u64, || (what, Place::of_file(name)));
        }
    }
    let mut in_main = Vec::new();
    for graph in 0..context.saved_model.meta_graphs.len() {
        let main = context.main();
        let objects = context
            .sections(graph, OBJECT_GRAPH_DEF)
            .flat_map(|section| fields_of(main, section.payload(), saved_object_graph::NODES));
        let users = objects.filter_map(|object| first_len(main, object, USER_OBJECT));
        let found = in_messages(main, users, IDENTIFIER, METADATA);
        in_main.extend(found.iter().map(|(_, array)| array.range.clone()));
        for (what, array) in found {
            evidence.add(context.cost(&array.range), || (what, Place::of_section(graph, "object_graph_def")));
        }
    }
    context.claim(&mut claims, in_main);
    let (count, size) = (plural(evidence.count(), "array", "arrays"), bytes(claims.bytes()));
    (!evidence.is_empty()).then(|| Detected {
        message: format!("{count} of numbers as decimal text in the metadata of Keras: {size}."),
        evidence,
        claims,
        beyond: 0,
    })
}

/// The arrays in what Keras 2 writes beside the main file.
pub(super) fn beside_main(context: &Context<'_>) -> Claims {
    let mut claims = Claims::default();
    if let Some((name, metadata)) = context.keras_metadata() {
        let found = in_messages(metadata, fields_of(metadata, 0..metadata.len(), NODES), NODE_PATH, NODE_METADATA);
        let ranges = found.iter().map(|(_, array)| array.range.start as u64..array.range.end as u64);
        claims.add_ranges(name, ranges.collect());
    }
    claims
}

fn fields_of(file: &[u8], message: Range<usize>, number: u32) -> impl Iterator<Item = Range<usize>> {
    fields(file, message).filter(move |field| field.is_len(number)).map(|field| field.payload())
}

/// The arrays in the JSON of messages, each with what it is called: its key, and the message's name.
fn in_messages(
    file: &[u8],
    messages: impl Iterator<Item = Range<usize>>,
    name: u32,
    metadata: u32,
) -> Vec<(String, Array)> {
    let text = |range: Range<usize>| {
        let range = range.start..range.end.min(range.start.saturating_add(LONGEST));
        String::from_utf8_lossy(file.get(range).unwrap_or_default())
    };
    let mut found = Vec::new();
    for message in messages {
        let Some(json) = first_len(file, message.clone(), metadata).filter(|json| json.len() >= LEAST) else {
            continue;
        };
        let place = |range: &Range<usize>| json.start + range.start..json.start + range.end;
        for array in arrays::arrays(file.get(json.clone()).unwrap_or_default(), LEAST) {
            let array = Array { range: place(&array.range), key: place(&array.key) };
            let owner = first_len(file, message.clone(), name).unwrap_or_default();
            found.push((
                format!("{} of {}", quoted(text(array.key.clone()).as_bytes()), quoted(text(owner).as_bytes())),
                array,
            ));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use crate::findings::tests::{bytes_of, finding};
    use crate::support::graph::{object, objects};
    use crate::support::wire::{Message, graph, message, meta_graph, saved_model};

    /// 400 numbers in 2,000 bytes.
    fn array() -> String {
        format!("[{}]", vec!["1.25"; 400].join(","))
    }

    /// A `keras_metadata.pb` of a layer with this configuration.
    fn keras(config: &str) -> Vec<u8> {
        message().message(1, &message().bytes(3, "root.layer-0").bytes(4, "_tf_keras_layer").bytes(5, config)).0
    }

    /// A model with one object of Keras that has this configuration.
    fn model(config: &str) -> Vec<u8> {
        let user = message().bytes(1, "_tf_keras_layer").bytes(3, config);
        let graph: Message = meta_graph(&["serve"], &graph(&[])).message(7, &objects(&[object(4, &user, &[])], &[]));
        saved_model([&graph]).0
    }

    #[test]
    fn an_array_in_the_metadata_costs_its_text() {
        let config = format!(r#"{{"name": "embedding", "config": {{"value": {}}}}}"#, array());
        let files: [(&str, &[u8]); 2] = [("saved_model.pb", &model("{}")), ("keras_metadata.pb", &keras(&config))];
        let finding = finding("metadata-array", &files).unwrap();
        assert_eq!(finding.bytes, array().len() as u64);
        assert_eq!(bytes_of(&finding, "`value` of `root.layer-0`"), Some("2,001 bytes"));
    }

    #[test]
    fn before_tensorflow_2_5_it_is_in_the_object_graph() {
        let config = format!(r#"{{"value": {}}}"#, array());
        let finding = finding("metadata-array", &[("saved_model.pb", &model(&config))]).unwrap();
        assert_eq!(finding.bytes, array().len() as u64);
        assert_eq!(bytes_of(&finding, "`value` of `_tf_keras_layer`"), Some("2,001 bytes"));
    }

    #[test]
    fn many_short_arrays_and_long_texts_are_what_layers_are_made_of() {
        let shapes = vec![r#"{"shape": [null, 224, 224, 3], "strides": [1, 2, 2, 1]}"#; 100].join(",");
        let config = format!(r#"{{"layers": [{shapes}], "code": "{}"}}"#, array());
        let files: [(&str, &[u8]); 2] = [("saved_model.pb", &model(&config)), ("keras_metadata.pb", &keras(&config))];
        assert_eq!(finding("metadata-array", &files), None);
    }
}
