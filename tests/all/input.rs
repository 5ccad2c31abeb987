//! Finding and opening models on a real file system: what is a model, what is a file of it, and what only looks so.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::fs;
use std::path::Path;

use bytes::Bytes;
use smaudit::input::{File, LinkKind, Model, find};
use support::files::{tree, write};
use tempfile::TempDir;

fn read(directory: &TempDir) -> Model {
    Model::read(directory.path(), "model")
}

fn sizes(model: &Model) -> Vec<(&str, u64)> {
    model.files.iter().map(|file| (file.name.as_str(), file.bytes)).collect()
}

fn contents(model: &Model, name: &str) -> Bytes {
    model.file(name).and_then(|file| file.contents().ok()).unwrap()
}

/// Problems as `file: message`.
fn told(problems: &[smaudit::Problem]) -> Vec<String> {
    problems.iter().map(|problem| format!("{}: {}", problem.file, problem.message)).collect()
}

#[track_caller]
fn assert_one(told: &[String], parts: &[&str]) {
    assert!(told.len() == 1 && parts.iter().all(|part| told[0].contains(part)), "{told:#?} wants {parts:?}");
}

/// The locations below a directory, relative to it.
fn found(directory: &Path) -> Vec<String> {
    let found = find(directory).unwrap();
    assert_eq!(told(&found.problems), [""; 0]);
    let below = |path: &Path| path.strip_prefix(directory).unwrap().to_str().unwrap().to_owned();
    found.locations.iter().map(|location| below(location.directory().unwrap())).collect()
}

fn not_found(path: &Path) -> String {
    find(path).unwrap_err().to_string()
}

// --- finding ---

#[test]
fn a_directory_with_any_of_the_three_main_files_is_a_model() {
    for name in ["saved_model.pb", "saved_model.pbtxt", "saved_model.cpb"] {
        let directory = tree(&[(name, b"")]);
        assert_eq!(found(directory.path()), [""], "{name}");
    }
}

#[test]
fn a_models_main_file_means_its_directory() {
    let directory = tree(&[("model/saved_model.pb", b""), ("model/x", b"")]);
    let model = directory.path().join("model");
    let locations = find(&model.join("saved_model.pb")).unwrap().locations;
    assert_eq!(locations.len(), 1);
    assert_eq!(locations[0].directory(), Some(&*model));
    assert_eq!(locations[0].shown, model.to_str().unwrap());
}

#[test]
fn a_slash_at_the_end_is_not_shown() {
    let directory = tree(&[("saved_model.pb", b"")]);
    let shown = directory.path().to_str().unwrap();
    let found = find(Path::new(&format!("{shown}/"))).unwrap();
    assert_eq!(found.locations[0].shown, shown);
}

#[test]
fn a_tree_gives_each_model_once_and_no_model_is_searched_for_more() {
    let directory = tree(&[
        ("a/saved_model.pb", b""),
        ("a/assets.extra/inner/saved_model.pb", b""),
        ("b/deep/er/saved_model.pbtxt", b""),
        ("b/notes.txt", b""),
    ]);
    assert_eq!(found(directory.path()), ["a", "b/deep/er"]);
}

#[test]
fn versions_are_sorted_by_number_before_other_names() {
    let names = ["10", "2", "1000", "00000123", "1a", "99999999999999999999999999", "latest"];
    let directory = tempfile::tempdir().unwrap();
    for name in names {
        fs::create_dir(directory.path().join(name)).unwrap();
        fs::write(directory.path().join(name).join("saved_model.pb"), b"").unwrap();
    }
    let sorted = ["2", "10", "00000123", "1000", "99999999999999999999999999", "1a", "latest"];
    assert_eq!(found(directory.path()), sorted);
}

#[test]
fn a_directory_called_like_a_main_file_is_no_model() {
    let directory = tree(&[("saved_model.pb/readme", b"")]);
    let message = not_found(directory.path());
    assert!(message.contains("found one file: saved_model.pb/readme"), "{message}");
}

#[test]
fn a_path_that_is_not_there_is_named_with_what_the_system_says() {
    let directory = tree(&[]);
    let message = not_found(&directory.path().join("mistyped"));
    assert!(message.contains("mistyped: cannot be read: No such file"), "{message}");
}

#[test]
fn without_a_model_the_message_says_what_was_wanted_what_is_there_and_what_to_do() {
    let directory = tree(&[("README.md", b""), ("model.h5", b""), ("sub/model.keras", b""), ("old.keras", b"")]);
    let message = not_found(directory.path());
    for part in [
        "no saved_model.pb, saved_model.pbtxt or saved_model.cpb in it or below",
        "found 4 files: README.md, model.h5, old.keras, sub/model.keras; ",
        "model.h5 looks like a Keras model in HDF5: load it with",
        "; old.keras looks like a Keras model: load it with keras.saving.load_model",
        "model.export(\"directory\")",
    ] {
        assert!(message.contains(part), "{part} is not in: {message}");
    }
    assert_eq!(message.matches("looks like a Keras model:").count(), 1, "{message}");
}

#[test]
fn each_format_that_is_mistaken_for_a_model_is_recognised() {
    for (name, is) in [
        ("m.keras", "a Keras model:"),
        ("m.weights.h5", "Keras weights"),
        ("m.HDF5", "HDF5"),
        ("m.tflite", "a TFLite model"),
        ("m.onnx", "an ONNX model"),
        ("m.safetensors", "weights without a graph"),
        ("m.tar.xz", "an archive of a sort that is not read: unpack it"),
        ("fingerprint.pb", "lost its main file"),
        ("frozen_inference_graph.pb", "a frozen graph"),
        ("model.ckpt-10.index", "a checkpoint"),
        ("model.ckpt-10.data-00000-of-00001", "a checkpoint"),
    ] {
        let directory = tree(&[(name, b"")]);
        for message in [not_found(directory.path()), not_found(&directory.path().join(name))] {
            assert!(message.contains(&format!("{name} looks like ")) && message.contains(is), "{message}");
        }
    }
}

#[test]
fn a_file_of_no_known_kind_is_not_guessed_at() {
    let directory = tree(&[("notes.txt", b"")]);
    let message = not_found(&directory.path().join("notes.txt"));
    assert!(message.ends_with("with saved_model.pb, saved_model.pbtxt or saved_model.cpb"), "{message}");
}

#[test]
fn many_files_are_counted_and_a_few_named() {
    let directory = tempfile::tempdir().unwrap();
    for number in 0..100 {
        fs::write(directory.path().join(format!("part-{number:03}")), b"").unwrap();
    }
    let message = not_found(directory.path());
    assert!(message.contains("found 100 files: part-000, part-001,"), "{message}");
    assert!(message.ends_with("part-004 and others"), "{message}");
}

#[test]
fn an_empty_directory_is_said_to_be_empty() {
    let directory = tree(&[]);
    assert!(not_found(directory.path()).ends_with("found no files at all"));
}

#[test]
fn a_path_inside_of_a_model_is_told_to_which_model_it_belongs() {
    let directory = tree(&[("saved_model.pb", b""), ("variables/variables.index", b"")]);
    let root = fs::canonicalize(directory.path()).unwrap();
    let advice = format!("it is part of the SavedModel {}, audit that", root.display());
    for name in ["variables", "variables/variables.index"] {
        let message = not_found(&directory.path().join(name));
        assert!(message.ends_with(&advice), "{message}");
    }
}

// --- reading ---

#[test]
fn every_regular_file_at_any_depth_is_listed_by_name_with_its_size() {
    let directory = tree(&[
        ("variables/variables.index", b"12"),
        ("saved_model.pb", b"123"),
        ("a.txt", b""),
        ("a/b/c/.hidden", b"1"),
    ]);
    let model = read(&directory);
    let all = [("a.txt", 0), ("a/b/c/.hidden", 1), ("saved_model.pb", 3), ("variables/variables.index", 2)];
    assert_eq!(sizes(&model), all);
    assert_eq!(model.path, "model");
    assert_eq!(told(&model.problems), [""; 0]);
    assert!(model.links.is_empty());
    assert_eq!(contents(&model, "saved_model.pb"), "123");
    assert_eq!(contents(&model, "a.txt"), "");
    assert!(model.file("a").is_none());
}

#[test]
fn a_model_in_memory_is_like_one_on_disk() {
    let files = [("b", "12"), ("a/c", "1"), ("b", "123")];
    let model =
        Model::in_memory("x", files.map(|(name, bytes)| (name.to_owned(), Bytes::from_static(bytes.as_bytes()))));
    assert_eq!(sizes(&model), [("a/c", 1), ("b", 3)]);
    assert_eq!(contents(&model, "b"), "123");
    assert!(model.changes().is_empty());
}

#[test]
fn a_directory_that_is_not_there_is_a_problem_and_not_a_panic() {
    let directory = tree(&[]);
    let model = Model::read(&directory.path().join("gone"), "gone");
    assert!(model.files.is_empty());
    assert_one(&told(&model.problems), &[".: cannot be listed: No such file"]);
}

// --- changes ---

#[test]
fn nothing_has_changed_where_nothing_was_touched() {
    let directory = tree(&[("saved_model.pb", b"1"), ("assets/a", b"2")]);
    let model = read(&directory);
    contents(&model, "assets/a");
    assert_eq!(told(&model.changes()), [""; 0]);
}

#[test]
fn files_that_grow_shrink_vanish_appear_or_are_rewritten_are_noticed() {
    let directory =
        tree(&[("grows", b"12"), ("same", b"12"), ("shrinks", b"12"), ("stays", b"12"), ("vanishes", b"12")]);
    let model = read(&directory);
    let at = |name: &str| directory.path().join(name);
    fs::write(at("grows"), b"123").unwrap();
    fs::write(at("shrinks"), b"1").unwrap();
    fs::remove_file(at("vanishes")).unwrap();
    fs::create_dir(at("new")).unwrap();
    fs::write(at("new/appears"), b"1234").unwrap();
    let later = std::time::SystemTime::now() + std::time::Duration::from_secs(60);
    fs::File::options().write(true).open(at("same")).unwrap().set_modified(later).unwrap();
    let changes = [
        "grows: changed while the audit ran: it had 2 bytes when it was listed and has 3 now",
        "new/appears: appeared while the audit ran: its 4 bytes are not in the report",
        "same: was written to while the audit ran",
        "shrinks: changed while the audit ran: it had 2 bytes when it was listed and has 1 now",
        "vanishes: vanished while the audit ran",
    ];
    assert_eq!(told(&model.changes()), changes);
}

#[test]
fn contents_of_another_length_than_listed_are_never_handed_out() {
    let directory = tree(&[("a", b"12")]);
    let model = read(&directory);
    for now in ["1", "123", ""] {
        fs::write(directory.path().join("a"), now).unwrap();
        let error = model.files[0].contents().unwrap_err();
        assert_eq!(error.file, "a");
        assert!(error.to_string().starts_with("a: changed while the audit ran: it had 2 bytes"), "{error}");
    }
}

#[test]
fn ten_thousand_assets_are_ten_thousand_files() {
    let directory = tree(&[("saved_model.pb", b"1")]);
    for number in 0..10_000 {
        write(directory.path(), &format!("assets/{number:05}"), b"12");
    }
    let model = read(&directory);
    assert_eq!((model.files.len(), model.bytes()), (10_001, 20_001));
    assert_eq!(told(&model.problems), [""; 0]);
    assert_eq!(told(&model.changes()), [""; 0]);
}

#[cfg(unix)]
mod unix {
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    use std::os::unix::net::UnixListener;
    use std::process::Command;

    use super::*;
    use support::files::{close, runs_as_ordinary_user};

    fn make_pipe(path: &Path) {
        assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
    }

    #[test]
    fn a_file_that_cannot_be_opened_keeps_its_size_and_is_a_problem_once() {
        if runs_as_ordinary_user("input::unix::a_file_that_cannot_be_opened_keeps_its_size_and_is_a_problem_once") {
            return;
        }
        let directory = tree(&[("saved_model.pb", b"1"), ("secret", b"12345")]);
        close(&directory.path().join("secret"));
        let model = read(&directory);
        assert_eq!(sizes(&model), [("saved_model.pb", 1), ("secret", 5)]);
        assert_one(&told(&model.problems), &["secret: cannot be opened: Permission denied"]);
        let error = model.file("secret").map(File::contents).unwrap().unwrap_err();
        assert_eq!(smaudit::Problem::from(error), model.problems[0]);
        assert_eq!(told(&model.changes()), [""; 0]);
    }

    #[test]
    fn a_directory_that_cannot_be_listed_is_a_problem_and_the_rest_is_read() {
        if runs_as_ordinary_user("input::unix::a_directory_that_cannot_be_listed_is_a_problem_and_the_rest_is_read") {
            return;
        }
        let directory =
            tree(&[("1/saved_model.pb", b"1"), ("1/closed/x", b"1"), ("2/x", b""), ("3/saved_model.pb", b"")]);
        close(&directory.path().join("1/closed"));
        close(&directory.path().join("2"));
        let found = find(directory.path()).unwrap();
        assert_eq!(found.locations.len(), 2);
        assert_one(&told(&found.problems), &["/2: cannot be searched for models: Permission denied"]);
        let model = Model::read(found.locations[0].directory().unwrap(), "1");
        assert_eq!(sizes(&model), [("saved_model.pb", 1)]);
        assert_one(&told(&model.problems), &["closed: cannot be listed: Permission denied"]);

        let message = not_found(&directory.path().join("2"));
        assert!(message.contains("/2: cannot be read: Permission denied"), "{message}");
        fs::remove_dir_all(directory.path().join("3")).unwrap();
        fs::remove_file(directory.path().join("1/saved_model.pb")).unwrap();
        let message = not_found(directory.path());
        assert!(message.contains("found no files at all; /"), "{message}");
        assert!(message.contains("1/closed cannot be searched for models: Permission denied"), "{message}");
        assert!(message.ends_with(" (and 1 more)"), "{message}");
        for name in ["1/closed", "2"] {
            fs::set_permissions(directory.path().join(name), fs::Permissions::from_mode(0o700)).unwrap();
        }
    }

    /// Linux takes paths of up to 4096 bytes, and a deeper tree comes about by moving one into another.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_directory_deeper_than_the_system_opens_is_a_problem_and_not_a_stop() {
        let (directory, other) = (tree(&[("saved_model.pb", b"1")]), tree(&[]));
        let name = "d".repeat(250);
        let chain: std::path::PathBuf = std::iter::repeat_n(&name, 10).collect();
        for top in [&directory, &other] {
            fs::create_dir_all(top.path().join(&chain)).unwrap();
        }
        fs::rename(other.path().join(&name), directory.path().join(&chain).join("moved")).unwrap();
        let model = read(&directory);
        assert_eq!(sizes(&model), [("saved_model.pb", 1)]);
        assert_one(&told(&model.problems), &["cannot be listed: File name too long"]);
    }

    #[test]
    fn a_link_to_a_file_of_the_model_is_named_and_the_file_counted_once() {
        let directory = tree(&[("saved_model.pb", b"1"), ("assets/v1.txt", b"words")]);
        symlink("v1.txt", directory.path().join("assets/current.txt")).unwrap();
        let model = read(&directory);
        assert_eq!(sizes(&model), [("assets/v1.txt", 5), ("saved_model.pb", 1)]);
        assert_eq!(told(&model.problems), [""; 0]);
        let [link] = &model.links[..] else { panic!("{:?}", model.links) };
        assert_eq!((&*link.name, link.kind, &*link.target), ("assets/current.txt", LinkKind::Symbolic, "v1.txt"));
        assert_eq!((link.file.as_deref(), &link.note), (Some("assets/v1.txt"), &None));
        assert_eq!(model.file("assets/current.txt").unwrap().name, "assets/v1.txt");
        assert_eq!(told(&model.changes()), [""; 0]);
    }

    #[test]
    fn a_link_out_of_the_model_is_a_problem_where_the_model_needs_it() {
        let blobs = tree(&[("blob", b"123456"), ("shards/variables.index", b"")]);
        let directory = tree(&[("x", b"")]);
        for name in ["saved_model.pb", "notes.md"] {
            symlink(blobs.path().join("blob"), directory.path().join(name)).unwrap();
        }
        symlink(blobs.path().join("shards"), directory.path().join("variables")).unwrap();
        assert_eq!(found(directory.path()), [""]);
        let model = read(&directory);
        assert_eq!(sizes(&model), [("x", 0)]);
        let notes: Vec<_> = model.links.iter().map(|link| (&*link.name, link.note.as_deref())).collect();
        let out = Some("leads out of the model and is not followed");
        assert_eq!(notes, [("notes.md", out), ("saved_model.pb", out), ("variables", out)]);
        assert!(model.file("saved_model.pb").is_none());
        let told = told(&model.problems);
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told[0].starts_with("saved_model.pb: is a symbolic link to /"), "{told:?}");
        assert!(told[0].contains("blob that leads out of the model and is not followed; "), "{told:?}");
        assert!(told[0].contains("`cp -rL`"), "{told:?}");
        assert!(told[1].starts_with("variables: is a symbolic link to /"), "{told:?}");
    }

    #[test]
    fn a_main_file_that_is_a_link_to_nowhere_is_still_a_model_with_a_problem() {
        let directory = tree(&[]);
        symlink("../annex/objects/x", directory.path().join("saved_model.pb")).unwrap();
        assert_eq!(found(directory.path()), [""]);
        assert_one(&told(&read(&directory).problems), &["saved_model.pb: is a symbolic link", "leads nowhere"]);
    }

    #[test]
    fn links_that_lead_nowhere_or_in_circles_are_named_with_what_the_system_says() {
        let directory = tree(&[("saved_model.pb", b"1")]);
        let at = |name: &str| directory.path().join(name);
        symlink("gone", at("dangling")).unwrap();
        symlink("ring2", at("ring1")).unwrap();
        symlink("ring1", at("ring2")).unwrap();
        symlink(".", at("self")).unwrap();
        symlink("..", at("up")).unwrap();
        symlink("\x1b[31mred", at("assets")).unwrap();
        let model = read(&directory);
        assert_eq!(sizes(&model), [("saved_model.pb", 1)]);
        let notes: Vec<_> = model.links.iter().map(|link| (&*link.name, link.note.clone().unwrap())).collect();
        for (at, (name, note)) in [
            ("assets", "leads nowhere: No such file"),
            ("dangling", "leads nowhere: No such file"),
            ("ring1", "leads nowhere: Too many levels of symbolic links"),
            ("ring2", "leads nowhere: Too many levels of symbolic links"),
            ("self", "leads to the directory . of the model"),
            ("up", "leads out of the model and is not followed"),
        ]
        .into_iter()
        .enumerate()
        {
            assert!(notes[at].0 == name && notes[at].1.starts_with(note), "{:?}", notes[at]);
        }
        assert_one(&told(&model.problems), &[r"assets: is a symbolic link to \u{1b}[31mred that leads nowhere"]);
    }

    #[test]
    fn a_link_that_stands_for_the_variables_directory_is_a_problem_even_within_the_model() {
        let directory = tree(&[("saved_model.pb", b""), ("v2/variables.index", b"1"), ("variables.old/x", b"")]);
        symlink("v2", directory.path().join("variables")).unwrap();
        symlink("v2", directory.path().join("latest")).unwrap();
        let told = told(&read(&directory).problems);
        assert_one(&told, &["variables: is a symbolic link to v2 that leads to the directory v2 of the model"]);
    }

    #[test]
    fn a_model_or_a_tree_that_is_itself_a_link_is_followed() {
        let directory = tree(&[("real/1/saved_model.pb", b"12")]);
        let at = |name: &str| directory.path().join(name);
        symlink("real", at("base")).unwrap();
        symlink("real/1", at("model")).unwrap();
        assert_eq!(found(&at("base")), ["1"]);
        assert_eq!(found(&at("model")), [""]);
        let model = Model::read(&at("model"), "model");
        assert_eq!(sizes(&model), [("saved_model.pb", 2)]);
        assert_eq!(told(&model.problems), [""; 0]);
        assert_eq!(told(&model.changes()), [""; 0]);
    }

    #[test]
    fn a_link_to_a_model_below_a_tree_is_not_followed_but_told_of() {
        let elsewhere = tree(&[("saved_model.pb", b"")]);
        let directory = tree(&[]);
        symlink(elsewhere.path(), directory.path().join("current")).unwrap();
        let message = not_found(directory.path());
        assert!(message.contains("current is a link to a directory, and links are not followed"), "{message}");
    }

    #[test]
    fn hard_links_are_one_file_under_the_first_name() {
        let directory = tree(&[("saved_model.pb", b""), ("b", b"123")]);
        fs::hard_link(directory.path().join("b"), directory.path().join("c")).unwrap();
        fs::hard_link(directory.path().join("b"), directory.path().join("a")).unwrap();
        let model = read(&directory);
        assert_eq!(sizes(&model), [("a", 3), ("saved_model.pb", 0)]);
        let links: Vec<_> = model.links.iter().map(|link| (&*link.name, link.kind, &*link.target)).collect();
        assert_eq!(links, [("b", LinkKind::Hard, "a"), ("c", LinkKind::Hard, "a")]);
        assert_eq!(model.file("c").unwrap().name, "a");
        assert_eq!(told(&model.problems), [""; 0]);
        assert_eq!(told(&model.changes()), [""; 0]);
    }

    #[test]
    fn of_hard_links_the_name_that_loaders_ask_for_is_kept() {
        let directory = tree(&[("saved_model.pb", b"1"), ("variables/variables.index", b"2")]);
        let at = |name: &str| directory.path().join(name);
        fs::hard_link(at("saved_model.pb"), at("backup.pb")).unwrap();
        fs::hard_link(at("variables/variables.index"), at("index")).unwrap();
        symlink("index", at("a link")).unwrap();
        let model = read(&directory);
        assert_eq!(sizes(&model), [("saved_model.pb", 1), ("variables/variables.index", 1)]);
        assert_eq!(model.file("a link").unwrap().name, "variables/variables.index");
    }

    #[test]
    fn a_file_with_a_hard_link_outside_of_the_model_is_a_file() {
        let directory = tree(&[("model/saved_model.pb", b"1")]);
        let at = |name: &str| directory.path().join(name);
        fs::hard_link(at("model/saved_model.pb"), at("store")).unwrap();
        let model = Model::read(&at("model"), "model");
        assert_eq!(sizes(&model), [("saved_model.pb", 1)]);
        assert!(model.links.is_empty());
    }

    #[test]
    fn pipes_and_sockets_are_problems_and_are_not_opened() {
        let directory = tree(&[("saved_model.pb", b"1")]);
        make_pipe(&directory.path().join("pipe"));
        let _listener = UnixListener::bind(directory.path().join("socket")).unwrap();
        symlink("pipe", directory.path().join("variables")).unwrap();
        let model = read(&directory);
        assert_eq!(sizes(&model), [("saved_model.pb", 1)]);
        let told = told(&model.problems);
        assert_eq!(told.len(), 3, "{told:?}");
        assert_eq!(told[0], "pipe: is a named pipe, not a regular file: left out, and not opened");
        assert_eq!(told[1], "socket: is a socket, not a regular file: left out, and not opened");
        assert!(told[2].contains("leads to what is not a regular file of the model"), "{told:?}");
    }

    #[test]
    fn devices_are_problems_and_are_not_opened() {
        let directory = tree(&[("saved_model.pb", b"1")]);
        symlink("/dev/zero", directory.path().join("assets")).unwrap();
        let made = Command::new("mknod").arg(directory.path().join("zero")).args(["c", "1", "5"]).output().unwrap();
        let told = told(&read(&directory).problems);
        assert!(told[0].starts_with("assets: ") && told[0].contains("/dev/zero"), "{told:?}");
        if made.status.success() {
            assert_eq!(told[1..], ["zero: is a device, not a regular file: left out, and not opened"]);
        } else {
            eprintln!("only links to devices were tried: to make one needs the rights of root");
        }
        for device in ["/dev/null", "/dev/zero"] {
            let message = not_found(Path::new(device));
            assert!(message.contains("is not a SavedModel"), "{message}");
        }
    }

    #[test]
    fn a_pipe_in_the_place_of_a_file_is_refused_and_not_waited_for() {
        let directory = tree(&[("saved_model.pb", b"1")]);
        let model = read(&directory);
        let path = directory.path().join("saved_model.pb");
        fs::remove_file(&path).unwrap();
        make_pipe(&path);
        let error = model.files[0].contents().unwrap_err();
        assert_eq!(error.to_string(), "saved_model.pb: is no longer a regular file");
        assert!(told(&model.changes()).contains(&error.to_string()));
    }

    #[test]
    fn a_link_in_the_place_of_a_file_is_refused() {
        let directory = tree(&[("saved_model.pb", b"1"), ("same", b"1")]);
        let model = read(&directory);
        let path = directory.path().join("saved_model.pb");
        fs::remove_file(&path).unwrap();
        symlink("same", &path).unwrap();
        assert!(model.file("saved_model.pb").unwrap().contents().is_err());
        assert_eq!(told(&model.changes()), ["saved_model.pb: is no longer a regular file"]);
    }

    #[test]
    fn a_pipe_that_comes_while_the_audit_runs_is_noticed() {
        let directory = tree(&[("saved_model.pb", b"1")]);
        make_pipe(&directory.path().join("old"));
        let model = read(&directory);
        make_pipe(&directory.path().join("pipe"));
        assert_one(&told(&model.changes()), &["pipe: is a named pipe"]);
    }

    #[test]
    fn files_whose_names_are_not_utf8_stay_apart() {
        let directory = tree(&[("saved_model.pb", b"")]);
        for (raw, contents) in [(&b"a\xff"[..], "ff"), (b"a\xfe", "f")] {
            let path = directory.path().join(std::ffi::OsStr::from_bytes(raw));
            if fs::write(path, contents).is_err() {
                eprintln!("not run: this file system takes UTF-8 names only");
                return;
            }
        }
        let model = read(&directory);
        assert_eq!(sizes(&model), [("a\u{fffd}", 1), ("a\u{fffd} (2)", 2), ("saved_model.pb", 0)]);
        assert_eq!(contents(&model, "a\u{fffd} (2)"), "ff");
        assert_eq!(told(&model.changes()), [""; 0]);
    }

    #[test]
    fn names_in_messages_cannot_command_a_terminal() {
        let directory = tree(&[("\x1b[2Jx.onnx", b"")]);
        let message = not_found(directory.path());
        assert!(message.contains(r"found one file: \u{1b}[2Jx.onnx") && !message.contains('\x1b'), "{message}");
        let message = not_found(&directory.path().join("\x1b[2Jx.onnx"));
        assert!(message.contains("looks like an ONNX model") && !message.contains('\x1b'), "{message}");
    }
}
