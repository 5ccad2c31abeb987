//! `smaudit slim` as a user and a script run it: what appears, what does not, and that nothing is left behind.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use prost::Message as _;
use serde_json::{Value, json};
use smaudit::internals::proto::{GraphDef, SavedModel};
use support::files::{tree, write};
use support::riegeli::Step::{Field, Index, Key};
use support::riegeli::{Compression, PLAIN, ZSTD, chunked, part};
use support::wire::Message;
use tempfile::TempDir;
use walkdir::WalkDir;

use crate::print_text::text_of;
use crate::run::{Run, binary, root, run, smaudit};

/// The files below a directory, with their contents.
fn contents(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = WalkDir::new(directory).into_iter().map(Result::unwrap).filter(|entry| entry.file_type().is_file());
    let name = |path: &Path| path.strip_prefix(directory).unwrap().to_str().unwrap().to_owned();
    files.map(|entry| (name(entry.path()), fs::read(entry.path()).unwrap())).collect()
}

fn bytes(directory: &Path) -> u64 {
    contents(directory).values().map(|bytes| bytes.len() as u64).sum()
}

/// What is in a directory, by name.
fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().to_str().unwrap().to_owned());
    let mut names: Vec<String> = entries.collect();
    names.sort();
    names
}

/// A directory with a copy of a fixture in it, as `model`.
fn with_model(fixture: &str) -> TempDir {
    let directory = tree(&[]);
    for (name, bytes) in contents(&root().join("fixtures").join(fixture)) {
        write(directory.path(), &format!("model/{name}"), bytes);
    }
    directory
}

fn slim(directory: &TempDir, arguments: &str) -> Run {
    run(directory, &format!("slim {arguments}"))
}

#[test]
fn a_smaller_model_appears_and_is_whole() {
    let directory = with_model("keras-export");
    let model = directory.path().join("model");
    let before = contents(&model);
    let report = slim(&directory, "model -o out --json").exits(0).silently().json();
    let out = directory.path().join("out");
    let saved = bytes(&model) - bytes(&out);
    assert_eq!(report["saved_bytes"], saved);
    let steps: u64 = report["steps"].as_array().unwrap().iter().map(|step| step["saved_bytes"].as_u64().unwrap()).sum();
    assert_eq!(steps, saved);
    assert_eq!((&report["written"], &report["models"][0]["proven"]), (&json!(true), &json!(true)));
    assert_eq!(contents(&model), before, "the input is not touched");
    assert_eq!(names(directory.path()), ["model", "out"]);
    assert_eq!(fs::read(out.join("saved_model.pb")).unwrap(), before["saved_model.pb"]);
    run(&directory, "out --verify -q").exits(0).silently();
    slim(&directory, "out -o again").exits(1);
}

#[test]
fn a_dry_run_says_the_same_and_writes_nothing() {
    let directory = with_model("keras-export");
    let dry = slim(&directory, "model -o out --json --dry-run").exits(0).silently().json();
    assert_eq!(names(directory.path()), ["model"]);
    let mut wet = slim(&directory, "model -o out --json").exits(0).json();
    wet["written"] = json!(false);
    wet["models"][0]["proven"] = json!(false);
    assert_eq!(dry, wet);
}

#[test]
fn the_text_has_the_sizes_each_step_and_three_lines_to_check_with() {
    let directory = with_model("keras-export");
    let text = slim(&directory, "model -o out").exits(0).silently().stdout;
    let (old, new) = (bytes(&directory.path().join("model")), bytes(&directory.path().join("out")));
    for part in
        ["kB (56,500 bytes) → ", "  alias  ", "lost: nothing", "proven", "written: out", "import tensorflow as tf"]
    {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(old == 56_500 && text.contains("(45,426 bytes)") && new == 45_426, "{text}");
}

#[test]
fn what_serving_does_not_need_goes_and_the_rest_is_proven() {
    let directory = with_model("keras-export");
    let before = bytes(&directory.path().join("model"));
    for level in ["inference", "serving"] {
        let report = slim(&directory, &format!("model -o {level} --level {level} --json")).exits(0).silently().json();
        let model = &report["models"][0];
        assert_eq!((&model["outcome"], &model["proven"]), (&json!("smaller"), &json!(true)), "{model}");
        assert_eq!(report["saved_bytes"], before - bytes(&directory.path().join(level)));
        let steps: Vec<&str> =
            model["steps"].as_array().unwrap().iter().map(|it| it["step"].as_str().unwrap()).collect();
        assert!(steps.contains(&"saver-save") && steps.contains(&"twins"), "{steps:?}");
        assert!(model["lost"].as_array().unwrap().len() > 2, "{model}");
        run(&directory, &format!("{level} --verify -q")).exits(0);
    }
    let text = slim(&directory, "model -o again --level serving").exits(0).silently().stdout;
    assert!(text.contains("lost: ") && text.contains("tf.saved_model.load(d).signatures"), "{text}");
}

#[test]
fn a_main_file_in_text_becomes_binary_beyond_safe_and_the_same_as_from_binary() {
    let directory = with_model("keras-export");
    let binary = fs::read(directory.path().join("model/saved_model.pb")).unwrap();
    write(directory.path(), "text/saved_model.pbtxt", text_of(&binary));
    for (name, bytes) in contents(&directory.path().join("model")) {
        if name.starts_with("variables/") {
            write(directory.path(), &format!("text/{name}"), bytes);
        }
    }
    let safe = slim(&directory, "text -o safe --json").exits(0).json();
    assert_eq!(safe["models"][0]["left"].as_array().unwrap().len(), 1);
    assert!(directory.path().join("safe/saved_model.pbtxt").exists());
    for level in ["inference", "serving"] {
        let report =
            slim(&directory, &format!("text -o text-{level} --level {level} --json")).exits(0).silently().json();
        let step = &report["models"][0]["steps"][0];
        assert_eq!((&step["step"], &report["models"][0]["proven"]), (&json!("text-main-file"), &json!(true)));
        assert_eq!(step["files"][1]["path"], "saved_model.pb");
        slim(&directory, &format!("model -o binary-{level} --level {level}")).exits(0);
        let [of_text, of_binary] =
            ["text", "binary"].map(|form| contents(&directory.path().join(format!("{form}-{level}"))));
        // The same but for bytes of the wire that mean the same.
        let decoded = |files: &BTreeMap<String, Vec<u8>>| SavedModel::decode(&*files["saved_model.pb"]).unwrap();
        assert!(decoded(&of_text) == decoded(&of_binary));
        assert_eq!(of_text.keys().collect::<Vec<_>>(), of_binary.keys().collect::<Vec<_>>());
    }
    let served = "text -o skipped --level serving --skip text-main-file --signature serving_default";
    assert!(slim(&directory, served).exits(3).stdout.contains("not binary"));
    // What protobuf would not know is not written in binary.
    let text = text_of(&binary) + "\nfield_of_another_version: 1\n";
    write(directory.path(), "text/saved_model.pbtxt", text);
    let report = slim(&directory, "text -o unknown --level inference --json").exits(0).json();
    let left = report["models"][0]["left"].to_string();
    assert!(left.contains("text-main-file: the text has fields that are not known here"), "{left}");
}

/// A model as TensorFlow splits it: the library of its graph, half of the nodes and a signature are chunks of their own.
fn in_chunks(binary: &[u8], compression: Compression) -> Vec<u8> {
    let mut model = SavedModel::decode(binary).unwrap();
    let graph = model.meta_graphs[0].graph_def.as_mut().unwrap();
    let library = graph.library.take().unwrap();
    let half = graph.node.len() / 2;
    let nodes = GraphDef { node: graph.node.split_off(half), ..GraphDef::default() };
    let signature = model.meta_graphs[0].signature_def.get_mut("serving_default").map(std::mem::take).unwrap();
    let to_graph = [Field(2), Index(0), Field(2)];
    let chunks = [
        part(&[], &Message(model.encode_to_vec())),
        part(&to_graph, &Message(nodes.encode_to_vec())),
        part(&[&to_graph[..], &[Field(2)]].concat(), &Message(library.encode_to_vec())),
        part(&[Field(2), Index(0), Field(5), Key("serving_default")], &Message(signature.encode_to_vec())),
    ];
    chunked(compression, &chunks)
}

#[test]
fn a_main_file_in_chunks_becomes_binary_where_the_whole_is_smaller_by_it() {
    let directory = with_model("keras-export");
    let binary = fs::read(directory.path().join("model/saved_model.pb")).unwrap();
    for (name, bytes) in contents(&directory.path().join("model")) {
        if name.starts_with("variables/") {
            write(directory.path(), &format!("plain/{name}"), bytes.clone());
            write(directory.path(), &format!("packed/{name}"), bytes);
        }
    }
    write(directory.path(), "plain/saved_model.cpb", in_chunks(&binary, PLAIN));
    write(directory.path(), "packed/saved_model.cpb", in_chunks(&binary, ZSTD));
    let safe = slim(&directory, "plain -o safe --json").exits(0).json();
    assert!(safe["models"][0]["left"].to_string().contains("not binary"), "{safe}");
    assert!(directory.path().join("safe/saved_model.cpb").exists());
    for level in ["inference", "serving"] {
        slim(&directory, &format!("model -o binary-{level} --level {level}")).exits(0);
        let report = slim(&directory, &format!("plain -o {level} --level {level} --json")).exits(0).silently().json();
        let step = &report["models"][0]["steps"][0];
        assert_eq!((&step["step"], &report["models"][0]["proven"]), (&json!("chunked-main-file"), &json!(true)));
        let [of_chunks, of_binary] =
            [level.to_owned(), format!("binary-{level}")].map(|name| contents(&directory.path().join(name)));
        let decoded = |files: &BTreeMap<String, Vec<u8>>| SavedModel::decode(&*files["saved_model.pb"]).unwrap();
        assert!(decoded(&of_chunks) == decoded(&of_binary));
        assert_eq!(of_chunks.keys().collect::<Vec<_>>(), of_binary.keys().collect::<Vec<_>>());
    }
    // What compression saves is lost, and still the steps add up.
    let small = "--level serving --skip alias";
    let report = slim(&directory, &format!("packed -o small {small} --json")).exits(0).silently().json();
    let steps = report["models"][0]["steps"].as_array().unwrap();
    let saved: i64 = steps.iter().map(|step| step["saved_bytes"].as_i64().unwrap()).sum();
    assert!(steps[0]["saved_bytes"].as_i64().unwrap() < 0 && report["saved_bytes"] == saved, "{report}");
    let text = slim(&directory, &format!("packed -o again {small}")).exits(0).stdout;
    let line = text.lines().find(|line| line.starts_with("  chunked-main-file   ")).unwrap();
    assert!(line.contains(" -"), "{text}");
    // Where the whole is smaller in chunks they stay, and so does what is in them.
    let report = slim(&directory, "packed -o kept --level serving --json").exits(0).json();
    assert!(report["models"][0]["left"].to_string().contains("in chunks, where its compression stays"), "{report}");
    assert!(directory.path().join("kept/saved_model.cpb").exists());
    let asked = slim(&directory, "packed -o asked --level serving --signature serving_default");
    assert!(asked.exits(3).stdout.contains("the main file is in chunks, and is kept as it is"));
}

#[test]
fn a_signature_that_is_asked_for_stays_and_one_that_is_not_there_is_named() {
    let directory = with_model("keras-export");
    let asked = "model -o out --level serving --signature serving_default --tags serve";
    slim(&directory, asked).exits(0).silently();
    let report = run(&directory, "out --json").exits(0).json();
    let signatures = report["models"][0]["meta_graphs"][0]["signatures"].as_array().unwrap().clone();
    let names: Vec<&str> =
        signatures.iter().map(|it| it["name"].as_str().unwrap()).filter(|it| !it.starts_with("__")).collect();
    assert_eq!(names, ["serving_default"]);
    for (asked, missing) in [
        ("--signature no", "signature `no`"),
        ("--tags gpu", "the tags gpu"),
        ("--keep-function a.b", "function `a.b`"),
    ] {
        let run = slim(&directory, &format!("model -o other --level serving {asked}")).exits(3);
        assert!(run.stdout.contains(missing), "{}", run.stdout);
    }
    assert_eq!(names_of(&directory), ["model", "out"]);
}

#[test]
fn hints_and_names_of_arguments_go_where_that_is_asked_for_at_a_level_that_has_it() {
    let directory = with_model("keras-lstm");
    let steps = |arguments: &str| -> Vec<String> {
        let report = slim(&directory, &format!("model -o out --dry-run --json {arguments}")).exits(0).json();
        let steps = report["models"][0]["steps"].as_array().unwrap();
        steps.iter().map(|step| step["step"].as_str().unwrap().to_owned()).collect()
    };
    for level in ["inference", "serving"] {
        let without = steps(&format!("--level {level}"));
        let with = steps(&format!("--level {level} --strip"));
        assert!(!without.contains(&"strip".to_owned()) && with.contains(&"strip".to_owned()), "{with:?}");
        let report = slim(&directory, &format!("model -o {level} --level {level} --strip --json")).exits(0).json();
        assert_eq!(report["models"][0]["proven"], true);
    }
    let refused = slim(&directory, "model -o out --strip").exits(2);
    assert!(refused.stderr.contains("--strip is for --level inference and serving"), "{}", refused.stderr);
}

fn names_of(directory: &TempDir) -> Vec<String> {
    names(directory.path())
}

#[test]
fn without_anything_to_gain_nothing_appears_and_the_exit_code_is_1() {
    let directory = with_model("lookup-table");
    let run = slim(&directory, "model -o out").exits(1).silently();
    assert!(run.stdout.contains("nothing to gain at level safe"), "{}", run.stdout);
    slim(&directory, "model -o out --skip alias,unused-data --skip stale-files").exits(1);
    assert_eq!(names(directory.path()), ["model"]);
}

#[test]
fn a_model_with_a_problem_is_refused() {
    let directory = with_model("keras-export");
    let index = directory.path().join("model/variables/variables.index");
    fs::remove_file(&index).unwrap();
    let report = slim(&directory, "model -o out --json").exits(3).json();
    assert_eq!(report["models"][0]["outcome"], "refused");
    assert_ne!(report["models"][0]["problems"], json!([]));
    assert_eq!(names(directory.path()), ["model"]);
    slim(&directory, "nowhere -o out").exits(3);
}

#[test]
fn what_is_there_is_not_replaced() {
    let directory = with_model("keras-export");
    write(directory.path(), "out/mine", "kept");
    fs::create_dir(directory.path().join("empty")).unwrap();
    for target in ["out", "empty", "model/saved_model.pb"] {
        let run = slim(&directory, &format!("model -o {target}")).exits(2).without_report();
        assert!(run.stderr.contains("slim replaces nothing") || run.stderr.contains("outside"), "{}", run.stderr);
    }
    assert_eq!(contents(&directory.path().join("out")), BTreeMap::from([("mine".to_owned(), b"kept".to_vec())]));
    assert_eq!(names(directory.path()), ["empty", "model", "out"]);
}

#[test]
fn a_target_within_the_model_is_wrong_usage() {
    let directory = with_model("keras-export");
    for target in ["model/out", "model/variables/../out", "./model"] {
        slim(&directory, &format!("model -o {target}")).exits(2).without_report();
    }
    assert!(!directory.path().join("model/out").exists());
}

#[test]
fn an_unknown_level_or_step_is_wrong_usage() {
    let directory = with_model("keras-export");
    slim(&directory, "model -o out --level fastest").exits(2);
    slim(&directory, "model -o out --signature serving_default").exits(2);
    slim(&directory, "model -o out --skip everything").exits(2);
    slim(&directory, "model").exits(2);
}

#[cfg(unix)]
#[test]
fn a_model_with_links_is_refused_and_told_what_to_do() {
    let directory = with_model("keras-export");
    std::os::unix::fs::symlink("saved_model.pb", directory.path().join("model/link.pb")).unwrap();
    let run = slim(&directory, "model -o out").exits(3);
    assert!(run.stdout.contains("cp -rL"), "{}", run.stdout);
    assert!(!directory.path().join("out").exists());
}

#[test]
fn of_several_models_each_has_its_folder_and_those_with_nothing_to_gain_have_none() {
    let directory = tree(&[]);
    for (fixture, version) in [("keras-export", "a/1"), ("keras-export", "b/1"), ("lookup-table", "b/2")] {
        for (name, bytes) in contents(&root().join("fixtures").join(fixture)) {
            write(directory.path(), &format!("models/{version}/{name}"), bytes);
        }
    }
    let report = slim(&directory, "models -o out --json").exits(0).json();
    let outcomes: Vec<&Value> = report["models"].as_array().unwrap().iter().map(|model| &model["outcome"]).collect();
    assert_eq!(outcomes, ["smaller", "smaller", "nothing_to_gain"]);
    for model in ["a/1", "b/1"] {
        run(directory.path().join("out"), &format!("{model} --verify -q")).exits(0).silently();
    }
    assert!(!directory.path().join("out/b/2").exists());
    let models = directory.path().join("models");
    let smaller = bytes(&models.join("a")) + bytes(&models.join("b/1")) - bytes(&directory.path().join("out"));
    assert_eq!(report["saved_bytes"], smaller);
    slim(&directory, "models/b/2 models/b/2/saved_model.pb -o none").exits(1);
}

#[test]
fn a_model_in_an_archive_becomes_a_directory() {
    let directory = tree(&[]);
    let files = contents(&root().join("fixtures/keras-export"));
    let files: Vec<(String, &[u8])> = files.iter().map(|(name, bytes)| (format!("m/{name}"), &**bytes)).collect();
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, bytes)| (&**name, *bytes)).collect();
    write(directory.path(), "model.tar.gz", support::archive::gzip(&support::archive::tar(&files)));
    let report = slim(&directory, "model.tar.gz -o out --json").exits(0).silently().json();
    assert_eq!(report["new_bytes"], bytes(&directory.path().join("out")));
    run(&directory, "out --verify -q").exits(0).silently();
}

/// Copies of a fixture at these places below a directory.
fn with_models(fixture: &str, places: &[&str]) -> TempDir {
    let directory = tree(&[]);
    for place in places {
        for (name, bytes) in contents(&root().join("fixtures").join(fixture)) {
            write(directory.path(), &format!("{place}/{name}"), bytes);
        }
    }
    directory
}

/// The folders in a directory that hold a model, by their names below it.
fn models(directory: &Path) -> Vec<String> {
    let names = contents(directory).into_keys();
    let mut models: Vec<String> =
        names.filter_map(|name| Some(name.strip_suffix("/saved_model.pb")?.to_owned())).collect();
    models.sort();
    models
}

#[test]
fn several_paths_have_a_folder_each_in_which_their_models_are_called_as_they_are_there() {
    let directory = with_models("keras-export", &["one/model", "two/model", "many/a/1", "many/b/1"]);
    let paths = "one/model two/model/saved_model.pb many many/a ./one/model/";
    let report = slim(&directory, &format!("{paths} -o out --json")).exits(0).silently().json();
    let out = directory.path().join("out");
    assert_eq!(models(&out), ["many/a/1", "many/b/1", "model", "model-2"]);
    let outputs: Vec<&Value> = report["models"].as_array().unwrap().iter().map(|model| &model["output"]).collect();
    assert_eq!(outputs, ["out/model", "out/model-2", "out/many/a/1", "out/many/b/1"]);
    let before = bytes(&directory.path().join("one")) * 4;
    assert_eq!(report["saved_bytes"], before - bytes(&out));
    // A model that was named twice is the only one.
    slim(&directory, "one/model ./one/model/saved_model.pb -o single").exits(0).silently();
    assert!(directory.path().join("single/saved_model.pb").exists());
}

#[test]
fn a_path_that_cannot_be_read_does_not_stop_the_others() {
    let directory = with_models("keras-export", &["one", "two"]);
    let run = slim(&directory, "one nowhere two -o out").exits(3);
    assert!(run.stderr.contains("nowhere"), "{}", run.stderr);
    assert_eq!(models(&directory.path().join("out")), ["one", "two"]);
    slim(&directory, "one two -o two/out").exits(2).without_report();
}

/// What is in an archive, as Python unpacks it.
fn unpacked(directory: &TempDir, archive: &str) -> BTreeMap<String, Vec<u8>> {
    let to = directory.path().join(format!("{archive}.unpacked"));
    let script = "import shutil, sys; shutil.unpack_archive(sys.argv[1], sys.argv[2])";
    let python = std::env::var_os("SMAUDIT_PYTHON").unwrap_or_else(|| "python3".into());
    let mut python = std::process::Command::new(python);
    let python = python.args(["-c", script, archive]).arg(&to).current_dir(directory).output().unwrap();
    assert!(python.status.success(), "{}", String::from_utf8_lossy(&python.stderr));
    contents(&to)
}

#[test]
fn an_archive_has_what_the_directory_would_have() {
    let directory = with_model("keras-export");
    fs::create_dir(directory.path().join("model/assets")).unwrap();
    slim(&directory, "model -o out").exits(0).silently();
    let right = contents(&directory.path().join("out"));
    for archive in ["a.tar", "a.tar.gz", "a.tgz", "a.zip"] {
        let report = slim(&directory, &format!("model -o {archive} --json")).exits(0).silently().json();
        let packed = fs::read(directory.path().join(archive)).unwrap();
        assert_eq!((&report["written"], &report["packed_bytes"]), (&json!(true), &json!(packed.len())));
        assert_eq!(unpacked(&directory, archive), right, "{archive}");
        let folder = directory.path().join(format!("{archive}.unpacked/assets"));
        assert!(folder.is_dir(), "a folder with nothing in it: {archive}");
        // Any run makes the same bytes.
        slim(&directory, &format!("model -o other/../again-{archive}")).exits(2);
        slim(&directory, &format!("model -o again-{archive}")).exits(0);
        assert_eq!(fs::read(directory.path().join(format!("again-{archive}"))).unwrap(), packed);
        let audited = run(&directory, &format!("{archive} --verify --json")).exits(0).json();
        assert_eq!(audited["models"][0]["total_bytes"], report["new_bytes"]);
        slim(&directory, &format!("model -o {archive}")).exits(2).without_report();
    }
    let left = names(directory.path()).into_iter().filter(|name| name.contains(".slim-"));
    assert_eq!(left.count(), 0);
    slim(&directory, "model -o a.tar.zst").exits(2).without_report();
}

#[test]
fn a_model_of_an_archive_keeps_its_folder_in_an_archive() {
    let directory = with_models("keras-export", &["in/export/1"]);
    let files = contents(&directory.path().join("in"));
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, bytes)| (&**name, &**bytes)).collect();
    write(directory.path(), "model.tar.gz", support::archive::gzip(&support::archive::tar(&files)));
    let report = slim(&directory, "model.tar.gz -o smaller.tar.gz --json").exits(0).silently().json();
    assert_eq!(report["models"][0]["output"], "smaller.tar.gz/export/1");
    assert_eq!(
        models(&{
            unpacked(&directory, "smaller.tar.gz");
            directory.path().join("smaller.tar.gz.unpacked")
        }),
        ["export/1"]
    );
    let text = slim(&directory, "model.tar.gz in -o both.zip").exits(0).silently().stdout;
    assert!(text.contains("shutil.unpack_archive('both.zip', 'both.zip.unpacked')"), "{text}");
    assert!(text.contains("'model.tar.gz.unpacked/export/1'"), "{text}");
    unpacked(&directory, "both.zip");
    assert_eq!(models(&directory.path().join("both.zip.unpacked")), ["in/export/1", "model.tar.gz/export/1"]);
}

#[test]
fn no_archive_appears_where_there_is_nothing_to_gain_or_nothing_is_written() {
    let directory = with_model("lookup-table");
    slim(&directory, "model -o out.zip").exits(1).silently();
    let large = with_model("keras-export");
    let dry = slim(&large, "model -o out.zip --dry-run --json").exits(0).silently().json();
    assert_eq!((&dry["written"], &dry["packed_bytes"]), (&json!(false), &Value::Null));
    assert_eq!((names_of(&directory), names_of(&large)), (vec!["model".to_owned()], vec!["model".to_owned()]));
}

/// A model of some megabytes, so that writing it takes a moment.
#[cfg(unix)]
fn large() -> TempDir {
    use support::bundle::BundleBuilder;
    let directory = with_model("lookup-table");
    let mut bundle = BundleBuilder::default();
    for number in 0..40_u8 {
        bundle = bundle.tensor(&format!("v{number:02}"), &vec![number / 2 + 1; 200_000]);
    }
    let main = support::wire::saved_model([&support::wire::meta_graph(&["serve"], &support::wire::graph(&[]))]).0;
    fs::remove_dir_all(directory.path().join("model")).unwrap();
    write(directory.path(), "model/saved_model.pb", main);
    bundle.files().iter().for_each(|(name, bytes)| write(directory.path(), &format!("model/{name}"), bytes));
    directory
}

#[cfg(unix)]
#[test]
fn a_run_that_is_killed_leaves_the_model_as_it_was_and_the_target_whole_or_not_there() {
    let directory = large();
    let before = contents(&directory.path().join("model"));
    slim(&directory, "model -o right").exits(0);
    let right = contents(&directory.path().join("right"));
    fs::remove_dir_all(directory.path().join("right")).unwrap();
    for round in 0..24 {
        let mut child = std::process::Command::new(binary())
            .args(["slim", "model", "-o", "out", "--json"])
            .current_dir(&directory)
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(std::time::Duration::from_millis(round * 5));
        child.kill().unwrap();
        child.wait().unwrap();
        let out = directory.path().join("out");
        if out.exists() {
            assert!(contents(&out) == right, "whole");
            fs::remove_dir_all(&out).unwrap();
        }
        assert!(contents(&directory.path().join("model")) == before);
    }
    // What is left is removed by the next run, and named.
    fs::create_dir(directory.path().join("out.slim-1")).unwrap();
    write(directory.path(), "out.slim-mine/kept", "");
    let next = slim(&directory, "model -o out").exits(0);
    assert!(next.stderr.contains("out.slim-1: was left by a run that broke off"), "{}", next.stderr);
    assert_eq!(names(directory.path()), ["model", "out", "out.slim-mine"]);
}

#[cfg(unix)]
#[test]
fn a_run_that_is_interrupted_or_cannot_write_on_leaves_nothing() {
    let directory = large();
    let script = format!("ulimit -f 200; exec {} slim model -o out", binary().display());
    let status =
        std::process::Command::new("sh").args(["-c", &script]).current_dir(&directory).output().unwrap().status;
    assert!(!status.success());
    assert_eq!(names(directory.path()), ["model"]);
}

#[cfg(unix)]
#[test]
fn where_nothing_can_be_written_the_exit_code_is_2() {
    if support::files::runs_as_ordinary_user("cli::slim::where_nothing_can_be_written_the_exit_code_is_2") {
        return;
    }
    let directory = tree(&[("closed/file", b"")]);
    let closed = directory.path().join("closed");
    support::files::close(&closed);
    let model = root().join("fixtures/keras-export");
    let output = smaudit(directory.path(), &format!("slim {} -o closed/out", model.display())).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}
