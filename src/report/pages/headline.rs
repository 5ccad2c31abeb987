//! What a model is and weighs, in a line or two.

use std::collections::BTreeSet;

use crate::checkpoint::Verified;
use crate::findings::ModelKind;
use crate::fingerprint::Check;
use crate::report::document::{Paragraph, Section, SectionKind, Tone};
use crate::report::{MainFileForm, MetaGraphReport, ModelReport, RemoteDepth};
use crate::size::{both, bytes, exact, human, plural, share};

/// The most versions of TensorFlow, and the most metagraphs, that are named.
const VERSIONS: usize = 3;
const META_GRAPHS: usize = 3;

/// The most columns of a version, and of a metagraph's tags.
const VERSION: usize = 24;
pub(super) const TAGS: usize = 24;

/// The path, and what is there, each on at most so many lines.
pub(super) fn section(model: &ModelReport, lines: usize) -> Section {
    let said =
        [Some(contents(model)), archive(model), remote(model), main_file(model), fingerprint(model), verified(model)];
    let said = said.into_iter().flatten();
    Section::titled(Paragraph::name(&model.path))
        .kind(SectionKind::Subject)
        .with_all(said.map(|said| said.at_most(lines)))
}

/// That the fingerprint is of another checkpoint, which no loader minds.
fn fingerprint(model: &ModelReport) -> Option<Paragraph> {
    let is_other = model.fingerprint.as_ref().is_some_and(|fingerprint| fingerprint.checkpoint == Check::Differs);
    is_other.then(|| Paragraph::said("the fingerprint is of another export"))
}

/// The path and the size in one line.
pub(super) fn short(model: &ModelReport) -> Section {
    let title = Paragraph::name(&model.path).tone(Tone::Strong);
    Section::titled(title).kind(SectionKind::Subject).with(Paragraph::said(both(model.total_bytes)))
}

/// `30.0 MB (30,005,685 bytes) in 5 files, 1 metagraph (serve), TensorFlow 2.21.0`.
pub(super) fn contents(model: &ModelReport) -> Paragraph {
    let files = plural(model.files.len() as u64, "file", "files");
    let mut said = Paragraph::said(format!("{} in {files}, ", both(model.total_bytes))).and_all(meta_graphs(model));
    if let Some(kind) = kind(model.kind) {
        said = said.and(format!(", {kind}"));
    }
    let named = model.meta_graphs.iter().map(|graph| graph.tensorflow_version.as_str()).filter(|v| !v.is_empty());
    let versions: BTreeSet<&str> = named.collect();
    for version in versions.iter().take(VERSIONS) {
        said = said.and(", TensorFlow ").and_name_of(*version, VERSION);
    }
    match versions.len().checked_sub(VERSIONS) {
        Some(more @ 1..) => said.and(format!(", {} other versions", exact(more as u64))),
        _ => said,
    }
}

/// What made the model, where TensorFlow's version does not say it.
fn kind(kind: ModelKind) -> Option<&'static str> {
    match kind {
        ModelKind::TfKeras => Some("Keras 2"),
        ModelKind::Keras3 => Some("Keras 3"),
        ModelKind::Jax => Some("JAX"),
        ModelKind::Tf1 | ModelKind::TfModule | ModelKind::Unknown => None,
    }
}

/// `2 metagraphs (#0 train, #1 serve)`.
fn meta_graphs(model: &ModelReport) -> Paragraph {
    let graphs = &model.meta_graphs;
    let number = plural(graphs.len() as u64, "metagraph", "metagraphs");
    match graphs.as_slice() {
        [] => Paragraph::said("no metagraph"),
        [only] => {
            let said = Paragraph::said(number);
            if only.tags.is_empty() {
                return said.and(" without tags");
            }
            said.and(" (").and_name_of(only.tags.join(","), TAGS).and(")")
        }
        many => {
            let named = many.iter().take(META_GRAPHS).map(|graph| Paragraph::default().and_name_of(title(graph), TAGS));
            let said = Paragraph::said(format!("{number} (")).and_listed(named);
            said.and(if many.len() > META_GRAPHS { ", …)" } else { ")" })
        }
    }
}

/// What a metagraph is called: its index and tags, `#0 serve`.
pub(super) fn title(graph: &MetaGraphReport) -> String {
    match graph.tags.as_slice() {
        [] => format!("#{} without tags", graph.index),
        tags => format!("#{} {}", graph.index, tags.join(",")),
    }
}

/// `#0 serve`, from its index.
pub(super) fn called(model: &ModelReport, index: u64) -> String {
    graph(model, index).map_or_else(|| format!("#{index}"), title)
}

/// The metagraph with this index.
pub(super) fn graph(model: &ModelReport, index: u64) -> Option<&MetaGraphReport> {
    usize::try_from(index).ok().and_then(|index| model.meta_graphs.get(index))
}

/// What the archive that a model is in costs: `archive: tar.gz of 300 bytes, 25.0% of the 1,200 bytes of its 3 files`.
fn archive(model: &ModelReport) -> Option<Paragraph> {
    let archive = model.archive.as_ref()?;
    let (packed, unpacked) = (archive.packed_bytes, archive.unpacked_bytes);
    let files = plural(archive.files, "file", "files");
    Some(Paragraph::said(format!(
        "archive: {} of {}, {} of the {} of its {files}",
        archive.format.name(),
        both(packed),
        share(packed, unpacked),
        bytes(unpacked),
    )))
}

/// What was read of a model in a store: `read: 1.2 MB in 7 requests; 3 tensors (4.0 GB) …`.
fn remote(model: &ModelReport) -> Option<Paragraph> {
    let remote = model.remote.as_ref()?;
    let requests = plural(remote.requests, "request", "requests");
    let read = format!("read: {} in {requests}", both(remote.bytes_read));
    let left = [(remote.uncompared, "may be there twice"), (remote.unseen, "may be one value throughout")];
    let left = left.into_iter().filter(|(unread, _)| unread.count > 0);
    let left: Vec<String> = left
        .map(|(unread, what)| {
            let tensors = plural(unread.count, "tensor", "tensors");
            format!("{tensors} ({}) {what}", human(unread.bytes))
        })
        .collect();
    Some(Paragraph::said(match (remote.depth, left.is_empty()) {
        (RemoteDepth::List, _) => format!("{read}, the listing alone: what is in the files is not known"),
        (_, true) => read,
        (_, false) => format!("{read}; not looked at: {} (--remote-depth full)", left.join(", ")),
    }))
}

/// What a chunked main file costs beside what it holds. Of other forms there is nothing to say: text is not stored
/// otherwise than it is.
fn main_file(model: &ModelReport) -> Option<Paragraph> {
    let main = model.main_file.filter(|main| main.form == MainFileForm::Chunked)?;
    let decoded = main.decoded_bytes?;
    Some(Paragraph::said(format!(
        "saved_model.cpb: {} in chunks, {} of the {} of the SavedModel in them",
        both(main.stored_bytes),
        share(main.stored_bytes, decoded),
        bytes(decoded),
    )))
}

/// What was verified, where it was asked for.
fn verified(model: &ModelReport) -> Option<Paragraph> {
    let verified = model.checkpoint.as_ref()?.verified.as_ref()?;
    Some(Paragraph::said("verified: ").and_all(tensors(verified)))
}

/// What was verified: `12 tensors, 30,003 bytes, 1 not checked`.
pub(super) fn tensors(verified: &Verified) -> Paragraph {
    let skipped = (verified.skipped > 0).then(|| format!("{} not checked", exact(verified.skipped)));
    let all = [plural(verified.tensors, "tensor", "tensors"), bytes(verified.bytes)].into_iter().chain(skipped);
    Paragraph::default().and_listed(all.map(Paragraph::said))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;
    use crate::report::text::plain;

    fn said(model: &ModelReport) -> String {
        plain(vec![Section::of(vec![contents(model).into()])], 400)
    }

    #[test]
    fn the_size_comes_first_as_people_say_it() {
        let mut model = sample::model();
        model.meta_graphs.push(sample::meta_graph(1, &["serve", "gpu"]));
        model.total_bytes = 30_005_685;
        let expected =
            "30.0 MB (30,005,685 bytes) in 2 files, 2 metagraphs (#0 serve, #1 serve,gpu), TensorFlow 2.15.0\n";
        assert_eq!(said(&model), expected);
    }

    #[test]
    fn no_heap_of_versions_or_metagraphs_is_said() {
        let mut model = sample::model();
        model.meta_graphs = (0..5).map(|index| sample::meta_graph(index, &[])).collect();
        model.meta_graphs.iter_mut().zip('1'..).for_each(|(graph, n)| graph.tensorflow_version = n.to_string());
        let said = said(&model);
        assert!(said.contains("5 metagraphs (#0 without tags, #1 without tags, #2 without tags, …), "), "{said}");
        assert!(said.ends_with("TensorFlow 1, TensorFlow 2, TensorFlow 3, 2 other versions\n"), "{said}");
    }

    #[test]
    fn a_model_without_anything_is_said_to_have_nothing() {
        assert_eq!(said(&sample::empty_model()), "0 bytes in 0 files, no metagraph\n");
    }

    #[test]
    fn of_a_model_in_a_store_it_is_said_what_was_read_and_what_was_not() {
        let mut remote = sample::remote();
        let said = |remote| {
            let model = ModelReport { remote: Some(remote), ..sample::empty_model() };
            plain(vec![section(&model, 9)], 200)
        };
        assert!(said(remote.clone()).ends_with("\nread: 300 bytes in 2 requests\n"));
        remote.uncompared = crate::report::Unread { count: 3, bytes: 5_000_000 };
        let left = "; not looked at: 3 tensors (5.00 MB) may be there twice (--remote-depth full)\n";
        let text = said(remote);
        assert!(text.ends_with(left), "{text}");
    }

    #[test]
    fn the_size_of_what_is_packed_is_told_from_that_of_the_package() {
        let mut model = ModelReport { archive: Some(sample::archive()), ..sample::empty_model() };
        let text = plain(vec![section(&model, 9)], 80);
        assert!(text.ends_with("\narchive: tar.gz of 300 bytes, 25.0% of the 1,200 bytes of its 3 files\n"), "{text}");
        let form = MainFileForm::Chunked;
        model.main_file = Some(crate::report::MainFileReport { form, stored_bytes: 300, decoded_bytes: Some(1200) });
        let text = plain(vec![section(&model, 9)], 80);
        let chunked = "saved_model.cpb: 300 bytes in chunks, 25.0% of the 1,200 bytes of the SavedModel\nin them\n";
        assert!(text.ends_with(chunked), "{text}");
    }
}
