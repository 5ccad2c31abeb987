//! What text and Markdown both say of a model, in the same words. How a name is made safe is theirs to say: `name`.
//!
//! A phrase comes as items that a line may be broken between; each brings the space that follows it.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::{
    CheckpointFormat, CheckpointReport, FileReport, MainFileForm, MetaGraphReport, ModelReport, SignatureReport,
    UnreadableInput,
};
use crate::checkpoint::Verified;
use crate::escape::escape;
use crate::fingerprint::{Check, Checks, Fingerprint};
use crate::input::Archive;
use crate::problem::Problem;
use crate::size::{both, bytes, exact, plural, share};

/// The most versions of TensorFlow that are named; there is one, but for files that someone made up.
const VERSIONS: usize = 3;

/// `1,828,324 bytes (1.83 MB) in 4 files, 1 metagraph, TensorFlow 2.15.0`.
pub(super) fn contents(model: &ModelReport, name: impl Fn(&str) -> String) -> Vec<String> {
    let graphs = match model.meta_graphs.len() as u64 {
        0 => "no metagraphs".to_owned(),
        number => plural(number, "metagraph", "metagraphs"),
    };
    let size = format!("{} in {}", both(model.total_bytes), plural(model.files.len() as u64, "file", "files"));
    listed([size, graphs].into_iter().chain(versions(model, name)))
}

/// What the archive that a model is in costs: `archive: tar.gz of 300 bytes, 25.0% of the 1,200 bytes of its 3 files`.
pub(super) fn archive(archive: &Archive) -> Vec<String> {
    let format = archive.format.name();
    let files = plural(archive.files, "file", "files");
    vec![
        format!("archive: {format} of {}, ", both(archive.packed_bytes)),
        format!("{} ", share(archive.packed_bytes, archive.unpacked_bytes)),
        format!("of the {} ", bytes(archive.unpacked_bytes)),
        format!("of its {files}"),
    ]
}

/// What a chunked main file costs beside what it holds: `saved_model.cpb: 300 bytes in chunks, 25.0% of the 1,200 bytes of
/// the SavedModel in them`. Of other forms there is nothing to say: text is not stored otherwise than it is.
pub(super) fn main_file(model: &ModelReport) -> Option<Vec<String>> {
    let main = model.main_file.filter(|main| main.form == MainFileForm::Chunked)?;
    let decoded = main.decoded_bytes?;
    Some(vec![
        format!("saved_model.cpb: {} in chunks, ", both(main.stored_bytes)),
        format!("{} ", share(main.stored_bytes, decoded)),
        format!("of the {} ", bytes(decoded)),
        "of the SavedModel in them".to_owned(),
    ])
}

/// `TensorFlow 2.15.0`, once for each version that a metagraph names.
fn versions(model: &ModelReport, name: impl Fn(&str) -> String) -> Vec<String> {
    let named = model.meta_graphs.iter().map(|graph| graph.tensorflow_version.as_str()).filter(|v| !v.is_empty());
    let versions: BTreeSet<&str> = named.collect();
    let mut shown: Vec<String> = versions.iter().take(VERSIONS).map(|v| format!("TensorFlow {}", name(v))).collect();
    if versions.len() > VERSIONS {
        shown.push(format!("{} other versions", exact((versions.len() - VERSIONS) as u64)));
    }
    shown
}

/// What a metagraph is called: its index and tags, `#0 serve`.
pub(super) fn title(graph: &MetaGraphReport) -> String {
    match graph.tags.as_slice() {
        [] => format!("#{} without tags", graph.index),
        tags => format!("#{} {}", graph.index, tags.join(",")),
    }
}

/// What a metagraph is made of: `31 nodes, 2 functions with 8 nodes in 1,204 bytes, 12 objects`.
pub(super) fn parts(graph: &MetaGraphReport) -> Vec<String> {
    let functions = || {
        let nodes = plural(graph.function_nodes, "node", "nodes");
        let size = bytes(graph.function_defs.iter().map(|function| function.bytes).sum());
        format!("{} with {nodes} in {size}", plural(graph.functions, "function", "functions"))
    };
    let nodes = plural(graph.nodes, "node", "nodes");
    let functions = (graph.functions > 0).then(functions);
    let objects = (graph.object_nodes > 0).then(|| plural(graph.object_nodes, "object", "objects"));
    listed([nodes].into_iter().chain(functions).chain(objects))
}

/// What a signature needs: `reaches 35,244 bytes, 1,220 of them alone`; nothing where that is not known.
pub(super) fn reach(signature: &SignatureReport) -> Vec<String> {
    let alone = |all: u64, alone: u64| match alone {
        0 => "none of them alone".to_owned(),
        _ if alone == all => "all of them alone".to_owned(),
        _ => format!("{} of them alone", exact(alone)),
    };
    let (all, exclusive) =
        (signature.reachable_bytes, signature.exclusive_bytes.filter(|_| signature.reachable_bytes > Some(0)));
    let reachable = all.map(|size| format!("reaches {}", bytes(size)));
    listed(reachable.into_iter().chain(all.zip(exclusive).map(|(all, exclusive)| alone(all, exclusive))))
}

/// The files of a model, largest first; equal ones by name.
pub(super) fn largest_files(files: &[FileReport]) -> Vec<&FileReport> {
    let mut sorted: Vec<&FileReport> = files.iter().collect();
    sorted.sort_by_key(|file| Reverse(file.bytes));
    sorted
}

/// The checkpoint in a line: `12 tensors in 1 shard`.
pub(super) fn checkpoint(checkpoint: &CheckpointReport) -> String {
    let tensors = plural(checkpoint.tensors.len() as u64, "tensor", "tensors");
    match checkpoint.format {
        CheckpointFormat::Bundle => format!("{tensors} in {}", plural(checkpoint.shards, "shard", "shards")),
        CheckpointFormat::V1 => {
            format!("{tensors} in {} in TensorFlow 1's V1 format", plural(checkpoint.shards, "table", "tables"))
        }
    }
}

/// The sizes of the checkpoint's parts.
pub(super) fn checkpoint_sizes(checkpoint: &CheckpointReport) -> Vec<String> {
    let data = both(checkpoint.data_bytes);
    match checkpoint.format {
        CheckpointFormat::Bundle => {
            vec![data + " ", format!("and an index of {}", bytes(checkpoint.index_bytes))]
        }
        CheckpointFormat::V1 => vec![data],
    }
}

/// What was verified: `12 tensors, 30,003 bytes, 1 not checked`.
pub(super) fn verified(verified: &Verified) -> Vec<String> {
    let skipped = (verified.skipped > 0).then(|| format!("{} not checked", exact(verified.skipped)));
    listed([plural(verified.tensors, "tensor", "tensors"), bytes(verified.bytes)].into_iter().chain(skipped))
}

/// The bytes of the checkpoint that nobody needs, each with a label and what they are. Those that are not there are
/// left out.
pub(super) fn checkpoint_waste(checkpoint: &CheckpointReport) -> Vec<(&'static str, String)> {
    let unused = (checkpoint.unused_data_bytes, "unused", "of the data hold no tensor");
    let stale = (checkpoint.stale_bytes, "stale", "in files of another set, which no loader reads");
    let there = [unused, stale].into_iter().filter(|(size, ..)| *size > 0);
    there.map(|(size, label, what)| (label, format!("{} {what}", bytes(size)))).collect()
}

/// What a fingerprint is called: `version 1, uuid 12345`.
pub(super) fn fingerprint(fingerprint: &Fingerprint, name: impl Fn(&str) -> String) -> Vec<String> {
    let uuid = (!fingerprint.uuid.is_empty()).then(|| format!("uuid {}", name(&fingerprint.uuid)));
    listed([format!("version {}", fingerprint.version)].into_iter().chain(uuid))
}

/// The hashes of a fingerprint; one that is not there is 0.
pub(super) fn fingerprint_hashes(fingerprint: &Fingerprint) -> Vec<String> {
    let hashes = [
        ("saved model", &fingerprint.saved_model_checksum),
        ("graph", &fingerprint.graph_def_program_hash),
        ("signatures", &fingerprint.signature_def_hash),
        ("object graph", &fingerprint.saved_object_graph_hash),
        ("checkpoint", &fingerprint.checkpoint_hash),
    ];
    listed(hashes.into_iter().map(|(what, hash)| format!("{what} {hash}")))
}

/// Which hashes are those of the model: `signatures fit, checkpoint differs, saved model not checked`.
pub(super) fn fingerprint_checks(checks: &Checks) -> Vec<String> {
    let said = |what: &str, check, fits: &str, differs: &str| match check {
        Check::Fits => format!("{what} {fits}"),
        Check::Differs => format!("{what} {differs}"),
        Check::NotChecked => format!("{what} not checked"),
    };
    listed([
        said("signatures", checks.signature_def_hash, "fit", "differ"),
        said("object graph", checks.saved_object_graph_hash, "fits", "differs"),
        said("checkpoint", checks.checkpoint_hash, "fits", "differs"),
        said("saved model", checks.saved_model_checksum, "fits", "differs"),
    ])
}

/// Where a problem is: `variables/variables.index, byte 12`.
pub(super) fn place(problem: &Problem, name: impl Fn(&str) -> String) -> String {
    let file = name(&problem.file);
    problem.offset.map_or(file.clone(), |offset| format!("{file}, byte {offset}"))
}

/// Why there is no report of a path. Most messages begin with it.
pub(super) fn unreadable(input: &UnreadableInput) -> String {
    match input.message.starts_with(&input.path) {
        true => input.message.clone(),
        false => format!("{}: {}", escape(&input.path), input.message),
    }
}

/// `items` with commas between them.
pub(super) fn listed(items: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut items: Vec<String> = items.into_iter().collect();
    let last = items.len().saturating_sub(1);
    items.iter_mut().take(last).for_each(|item| item.push_str(", "));
    items
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{MainFileReport, sample};

    #[test]
    fn a_version_of_tensorflow_is_named_once() {
        let mut model = sample::model();
        model.meta_graphs.push(sample::meta_graph(1, &["serve", "gpu"]));
        let said = contents(&model, str::to_owned).concat();
        assert_eq!(said, "1,000 bytes (1 kB) in 2 files, 2 metagraphs, TensorFlow 2.15.0");
    }

    #[test]
    fn no_heap_of_versions_is_said() {
        let mut model = sample::model();
        model.meta_graphs = vec![sample::meta_graph(0, &[]); 5];
        model.meta_graphs.iter_mut().zip('1'..).for_each(|(graph, n)| graph.tensorflow_version = n.to_string());
        let said = contents(&model, str::to_owned).concat();
        assert!(said.ends_with("TensorFlow 1, TensorFlow 2, TensorFlow 3, 2 other versions"), "{said}");
    }

    #[test]
    fn a_model_without_anything_is_said_to_have_nothing() {
        assert_eq!(contents(&sample::empty_model(), str::to_owned).concat(), "0 bytes in 0 files, no metagraphs");
    }

    #[test]
    fn a_fingerprint_says_what_it_is_of_and_what_fits() {
        let mut sample = sample::fingerprint();
        assert_eq!(fingerprint(&sample, str::to_owned).concat(), "version 1, uuid 12345");
        sample.uuid.clear();
        assert_eq!(fingerprint(&sample, str::to_owned).concat(), "version 1");
        let hashes = "saved model 18446744073709551615, graph 2, signatures 3, object graph 4, checkpoint 5";
        assert_eq!(fingerprint_hashes(&sample).concat(), hashes);
        let checks = fingerprint_checks(&sample.verified.unwrap()).concat();
        assert_eq!(checks, "signatures fit, object graph fits, checkpoint differs, saved model not checked");
    }

    #[test]
    fn the_size_of_a_chunked_main_file_is_told_from_that_of_what_is_in_it() {
        let main_file = |form| Some(MainFileReport { form, stored_bytes: 300, decoded_bytes: Some(1200) });
        let said = |form| super::main_file(&ModelReport { main_file: main_file(form), ..sample::empty_model() });
        let chunked = "saved_model.cpb: 300 bytes in chunks, 25.0% of the 1,200 bytes of the SavedModel in them";
        assert_eq!(said(MainFileForm::Chunked).map(|said| said.concat()).as_deref(), Some(chunked));
        assert_eq!(said(MainFileForm::Binary), None);
        assert_eq!(said(MainFileForm::Text), None);
    }

    #[test]
    fn the_size_of_an_archive_is_told_from_that_of_what_is_in_it() {
        let said = archive(&sample::archive()).concat();
        assert_eq!(said, "archive: tar.gz of 300 bytes, 25.0% of the 1,200 bytes of its 3 files");
    }

    #[test]
    fn a_metagraph_goes_by_its_index_and_tags() {
        assert_eq!(title(&sample::meta_graph(0, &["serve"])), "#0 serve");
        assert_eq!(title(&sample::meta_graph(1, &["serve", "gpu"])), "#1 serve,gpu");
        assert_eq!(title(&sample::meta_graph(2, &[])), "#2 without tags");
    }

    #[test]
    fn a_checkpoint_of_tensorflow_1_is_named_and_has_tables_and_no_index() {
        let mut v1 = sample::checkpoint(vec![]);
        v1.format = CheckpointFormat::V1;
        let said = format!("{}: {}", checkpoint(&v1), checkpoint_sizes(&v1).concat());
        assert_eq!(said, "0 tensors in 1 table in TensorFlow 1's V1 format: 210 bytes");
    }

    #[test]
    fn what_was_not_checked_is_said_where_there_is_any() {
        let mut all = Verified { tensors: 12, bytes: 30_003, skipped: 0 };
        assert_eq!(verified(&all).concat(), "12 tensors, 30,003 bytes");
        all.skipped = 1;
        assert_eq!(verified(&all).concat(), "12 tensors, 30,003 bytes, 1 not checked");
    }

    #[test]
    fn only_waste_that_is_there_is_named() {
        let mut checkpoint = sample::checkpoint(vec![]);
        assert_eq!(checkpoint_waste(&checkpoint), [("unused", "10 bytes of the data hold no tensor".to_owned())]);
        (checkpoint.unused_data_bytes, checkpoint.stale_bytes) = (0, 1);
        let stale = "1 byte in files of another set, which no loader reads".to_owned();
        assert_eq!(checkpoint_waste(&checkpoint), [("stale", stale)]);
    }

    #[test]
    fn a_path_without_a_report_is_named_once() {
        let mut input = sample::unreadable("./a\u{7}");
        assert_eq!(unreadable(&input), "./a\u{7}: is not there", "the message names it");
        input.message = "is damaged".to_owned();
        assert_eq!(unreadable(&input), "./a\\u{7}: is damaged");
    }

    #[test]
    fn a_problem_has_a_place() {
        assert_eq!(place(&Problem::at("a.pb", 12, "?"), str::to_owned), "a.pb, byte 12");
        assert_eq!(place(&Problem::of_file("a.pb", "?"), str::to_owned), "a.pb");
    }
}
