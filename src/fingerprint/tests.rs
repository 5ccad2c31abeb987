use super::*;
use crate::support::wire::{Message, message, saved_model};

/// A metagraph with these entries of `signature_def` and `concrete_functions`, in this order.
fn meta_graph(signatures: &[(&str, Message)], functions: &[(&str, Message)]) -> Message {
    let signatures = signatures.iter().fold(message(), |graph, (key, def)| graph.entry(5, key, def));
    let functions = functions.iter().fold(message(), |objects, (name, def)| objects.entry(2, name, def));
    signatures.message(7, &functions)
}

/// A SignatureDef with inputs of these keys, in this order.
fn signature(inputs: [&str; 2]) -> Message {
    inputs.iter().fold(message(), |def, key| def.entry(1, key, &message().bytes(1, "x:0"))).bytes(3, "predict")
}

/// A SavedConcreteFunction.
fn function(input: u64) -> Message {
    message().int(2, input)
}

fn hash(message: &Message) -> u64 {
    farmhash::fingerprint(&message.0)
}

fn fingerprint(def: &FingerprintDef) -> Fingerprint {
    Fingerprint::read(&prost::Message::encode_to_vec(def).into()).unwrap()
}

/// Holds a fingerprint against a model of one metagraph.
fn verified(def: &FingerprintDef, meta_graph: &Message, index: Option<&'static [u8]>) -> (Checks, Vec<Problem>) {
    let main_file = saved_model([meta_graph]).into_bytes();
    let range = fields(&main_file, 0..main_file.len()).find(|field| field.is_len(2)).map(|field| field.payload());
    let mut fingerprint = fingerprint(def);
    let inputs = Inputs { main_file: &main_file, meta_graph: range, index: index.map(Bytes::from_static) };
    let problems = fingerprint.verify(&inputs);
    (fingerprint.verified.unwrap(), problems)
}

#[test]
fn signatures_are_hashed_by_key_with_or_without_it() {
    let (a, b) = (signature(["x", "y"]), signature(["p", "q"]));
    let graph = meta_graph(&[("train", b.clone()), ("serve", a.clone())], &[]);
    let without = joined_all([hash(&a), hash(&b)]);
    let key = |name: &str| farmhash::fingerprint(name.as_bytes());
    let with = joined_all([key("serve"), hash(&a), key("train"), hash(&b)]);
    let other = joined_all([hash(&b), hash(&a)]);
    for (signature_def_hash, wanted) in [(without, Check::Fits), (with, Check::Fits), (other, Check::Differs)] {
        let def = FingerprintDef { signature_def_hash, ..FingerprintDef::default() };
        let (checks, problems) = verified(&def, &graph, None);
        assert_eq!(checks.signature_def_hash, wanted);
        assert_eq!(problems.len(), usize::from(wanted == Check::Differs), "{problems:?}");
    }
}

fn joined_all(hashes: impl IntoIterator<Item = u64>) -> u64 {
    hashes.into_iter().fold(0, farmhash::joined)
}

#[test]
fn a_map_in_another_order_is_the_same_model() {
    let graph = meta_graph(&[("serve", signature(["y", "x"]))], &[]);
    let signature_def_hash = joined_all([hash(&signature(["x", "y"]))]);
    let def = FingerprintDef { signature_def_hash, ..FingerprintDef::default() };
    assert_eq!(verified(&def, &graph, None).0.signature_def_hash, Check::Fits);
}

#[test]
fn concrete_functions_are_hashed_in_the_order_of_their_numbers_without_these() {
    let functions = [("f_10", function(1)), ("f_9", function(2))];
    let stem = farmhash::fingerprint(b"f_");
    let right = joined_all([stem, hash(&function(2)), stem, hash(&function(1))]);
    let wrong = joined_all([stem, hash(&function(1)), stem, hash(&function(2))]);
    for (saved_object_graph_hash, wanted) in [(right, Check::Fits), (wrong, Check::Differs)] {
        let def = FingerprintDef { saved_object_graph_hash, ..FingerprintDef::default() };
        let (checks, problems) = verified(&def, &meta_graph(&[], &functions), None);
        assert_eq!(checks.saved_object_graph_hash, wanted);
        assert_eq!(problems.len(), usize::from(wanted == Check::Differs), "{problems:?}");
    }
    // No numbers, and one number twice: TensorFlow has no order for these.
    let def = FingerprintDef { saved_object_graph_hash: right, ..FingerprintDef::default() };
    for names in [["f_10", "f"], ["f_7", "g_7"]] {
        let functions = names.map(|name| (name, function(1)));
        let (checks, problems) = verified(&def, &meta_graph(&[], &functions), None);
        assert_eq!((checks.saved_object_graph_hash, problems.len()), (Check::NotChecked, 0), "{names:?}");
    }
}

#[test]
fn the_whole_file_fits_or_is_not_checked_and_the_index_fits_or_differs() {
    let graph = meta_graph(&[], &[]);
    let (main, index) = (hash(&saved_model([&graph])), farmhash::fingerprint(b"index"));
    for (saved_model_checksum, checkpoint_hash, wanted) in [
        (main, index, (Check::Fits, Check::Fits)),
        (7, 7, (Check::NotChecked, Check::Differs)),
        (0, 0, (Check::NotChecked, Check::NotChecked)),
    ] {
        let def = FingerprintDef { saved_model_checksum, checkpoint_hash, ..FingerprintDef::default() };
        let (checks, _) = verified(&def, &graph, Some(b"index"));
        assert_eq!((checks.saved_model_checksum, checks.checkpoint_hash), wanted);
    }
    let def = FingerprintDef { checkpoint_hash: 7, ..FingerprintDef::default() };
    assert_eq!(verified(&def, &graph, None).0.checkpoint_hash, Check::NotChecked);
}
