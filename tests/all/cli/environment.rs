//! What surrounds a run: a system that fails, one that gives no threads, a configuration of somebody else, standard input
//! without end.

#![allow(clippy::cast_possible_truncation)]

use std::fs;
use std::process::{Command, Stdio};

use support::bundle::BundleBuilder;
use support::files::{tree, write};
use support::wire::{graph, meta_graph, node, saved_model};

use crate::run::{binary, finished, root, run};

/// A variable and an asset, each there twice.
fn twice() -> Vec<(String, Vec<u8>)> {
    let content: Vec<u8> = (0..3000_u32).map(|at| (at * 31 / 7) as u8).collect();
    let main = saved_model([&meta_graph(&["serve"], &graph(&[node("x", "NoOp")]))]).0;
    let assets =
        [("saved_model.pb", main), ("assets/a", b"some text".repeat(400)), ("assets/b", b"some text".repeat(400))];
    let bundle = BundleBuilder::default().tensor("a", &content).tensor("b", &content).files();
    assets.map(|(name, contents)| (name.to_owned(), contents)).into_iter().chain(bundle).collect()
}

/// Whether calls can be made to fail; says so where they cannot.
#[cfg(target_os = "linux")]
fn can_inject() -> bool {
    let tried = Command::new("strace").args(["-o", "/dev/null", "-e", "inject=mkdir:error=EIO", "true"]).output();
    let can_inject = tried.is_ok_and(|output| output.status.success());
    if !can_inject {
        eprintln!("left out: there is no strace that may be used here");
    }
    can_inject
}

/// Each read of one file fails as that of a disk that is broken. What was not read is told, and equal to nothing.
#[cfg(target_os = "linux")]
#[test]
fn a_read_that_the_system_fails_is_a_problem_also_where_models_are_only_compared() {
    if !can_inject() {
        return;
    }
    let directory = tree(&[]);
    for (name, contents) in twice() {
        write(directory.path(), &format!("one/{name}"), &contents);
        write(directory.path(), &format!("two/{name}"), &contents);
    }
    let under = |file: &str, what: &str| {
        let mut command = Command::new("strace");
        command.args(["-f", "-o", "/dev/null"]);
        if !file.is_empty() {
            command.args(["-P", &directory.path().join(file).to_string_lossy(), "-e", "inject=read:error=EIO"]);
        }
        finished(command.arg(binary()).args([what, "--json"]).current_dir(directory.path()).output().unwrap())
    };
    let whole = under("", ".").json();
    assert!(whole["neighbours"][0]["bytes"].as_u64().unwrap() > 6000, "{whole:#}");
    for file in ["variables/variables.data-00000-of-00001", "assets/a"] {
        for (what, number) in [("one", 0), (".", 0)] {
            let run = under(&format!("one/{file}"), what);
            assert_eq!(run.code, 3, "{file}: {run:#?}");
            let problems = &run.json()["models"][number]["problems"];
            let told = problems.as_array().unwrap().iter().any(|problem| {
                problem["file"] == file && problem["message"].as_str().unwrap().contains("cannot be read")
            });
            assert!(told, "{file} of {what}: {problems:#}");
        }
    }
}

/// Many files are put on the disk by one call. One that fails, or that is not there, is no smaller model that is said to be there.
#[cfg(target_os = "linux")]
#[test]
fn a_smaller_model_of_many_files_that_does_not_get_to_the_disk_is_none() {
    if !can_inject() {
        return;
    }
    let directory = tree(&[]);
    twice().into_iter().for_each(|(name, contents)| write(directory.path(), &format!("model/{name}"), &contents));
    (0..300).for_each(|at| write(directory.path(), &format!("model/assets/file-{at}"), format!("{at}").as_bytes()));
    let slim = |output: &str, what: &str| {
        let mut command = Command::new("strace");
        command.args(["-f", "-o", "trace", "-e", "trace=syncfs,fsync,rename,renameat2", "-e", what]);
        command.arg(binary()).args(["slim", "model", "-o", output]).current_dir(directory.path());
        let run = finished(command.output().unwrap());
        (run, fs::read_to_string(directory.path().join("trace")).unwrap())
    };
    let (run, trace) = slim("smaller", "signal=none");
    assert_eq!(run.code, 0, "{run:#?}");
    let (before, _) = trace.split_once("rename").unwrap();
    // Which call it is depends on the file system and the age of the kernel.
    let call = if before.contains("syncfs(") { "syncfs" } else { "fsync" };
    assert!(before.contains(&format!("{call}(")), "{trace}");
    let (run, trace) = slim("other", &format!("inject={call}:error=EIO"));
    assert!(run.code == 2 && run.stderr.contains("other: cannot be written"), "{run:#?}");
    assert!(!trace.contains("rename") && !directory.path().join("other").exists(), "{trace}");
}

#[test]
fn standard_input_without_end_is_refused_when_there_is_no_memory_for_it() {
    let mut endless = Command::new("yes").stdout(Stdio::piped()).spawn().unwrap();
    let input = endless.stdout.take().unwrap();
    let limited = "ulimit -v 400000 && exec \"$0\" --json -";
    let run = Command::new("sh").args(["-c", limited]).arg(binary()).stdin(input).output().unwrap();
    endless.kill().unwrap();
    endless.wait().unwrap();
    let run = finished(run);
    assert_eq!(run.code, 3, "{run:#?}");
    assert!(run.stderr.contains("not enough memory; audit the file"), "{}", run.stderr);
}

#[test]
fn a_configuration_of_more_rules_than_anybody_writes_is_refused() {
    for entry in ["[[rule]]\nmetric = \"total\"\nlimit = 1\n", "[[allow]]\ngroup = \"a\"\nreason = \"b\"\n"] {
        let directory = tree(&[("smaudit.toml", entry.repeat(1001).as_bytes())]);
        let model = root().join("fixtures/two-metagraphs");
        let refused = run(directory.path(), &model.to_string_lossy()).exits(2);
        assert!(refused.stderr.contains("it has 1001 [["), "{}", refused.stderr);
        fs::write(directory.path().join("smaudit.toml"), entry.repeat(1000)).unwrap();
        let taken = run(directory.path(), &model.to_string_lossy());
        assert!(matches!(taken.code, 0 | 1), "{taken:#?}");
    }
}

/// Only root can give a file to somebody else.
#[test]
fn a_configuration_of_somebody_else_is_not_shown() {
    let directory = tree(&[("smaudit.toml", b"secret = \"of somebody\"\n")]);
    let file = directory.path().join("smaudit.toml");
    let model = root().join("fixtures/two-metagraphs");
    let shown = run(directory.path(), &model.to_string_lossy()).exits(2);
    assert!(shown.stderr.contains("secret"), "one's own is: {}", shown.stderr);
    if std::os::unix::fs::chown(&file, Some(54321), None).is_err() {
        return;
    }
    let hidden = run(directory.path(), &model.to_string_lossy()).exits(2);
    assert!(!hidden.stderr.contains("secret"), "{}", hidden.stderr);
    assert!(hidden.stderr.contains("smaudit.toml:1: is not understood"), "{}", hidden.stderr);
}

/// As many threads as this would not start within a minute.
#[test]
fn no_more_threads_are_started_than_can_run_whatever_the_environment_says() {
    for number in ["1", "0", "100000", "18446744073709551615", "many"] {
        let mut command = Command::new(binary());
        command.args(["fixtures/two-metagraphs", "--json"]).current_dir(root()).env("RAYON_NUM_THREADS", number);
        let run = finished(command.output().unwrap());
        assert_eq!(run.code, 0, "{number}: {run:#?}");
    }
}

/// A user who may have no thread besides the one that runs. Only root can become one for this.
#[cfg(target_os = "linux")]
#[test]
fn where_there_is_no_thread_to_be_had_one_does_it_all() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tree(&[]);
    twice().into_iter().for_each(|(name, contents)| write(directory.path(), &format!("tree/one/{name}"), contents));
    twice().into_iter().for_each(|(name, contents)| write(directory.path(), &format!("tree/two/{name}"), contents));
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::copy(binary(), directory.path().join("smaudit")).unwrap();
    let alone = |args: &[&str]| {
        let mut command = Command::new("setpriv");
        command.args(["--reuid", "54321", "--regid", "54321", "--clear-groups", "prlimit", "--nproc=1"]);
        command.args(args).current_dir(directory.path()).output()
    };
    if !alone(&["true"]).is_ok_and(|output| output.status.success()) {
        eprintln!("left out: nobody may be another user here, or there is no setpriv or prlimit");
        return;
    }
    let with_threads = run(&directory, "tree --json").exits(0).json();
    let without = finished(alone(&["./smaudit", "tree", "--json"]).unwrap()).exits(0).json();
    assert_eq!(without, with_threads);
}

/// Only root can mount, in a namespace of its own.
#[cfg(target_os = "linux")]
#[test]
fn a_model_that_is_mounted_in_itself_is_counted_once() {
    let directory = tree(&[]);
    twice().into_iter().for_each(|(name, contents)| write(directory.path(), &format!("model/{name}"), contents));
    let alone = run(&directory, "model --json").exits(0).json();
    fs::create_dir_all(directory.path().join("model/assets/model")).unwrap();
    let mounted = |what: &str| {
        let script = format!("mount --bind model model/assets/model && {what}");
        Command::new("unshare")
            .args(["--mount", "sh", "-c", &script])
            .arg(binary())
            .current_dir(directory.path())
            .output()
    };
    if !mounted("test -e model/assets/model/saved_model.pb").is_ok_and(|output| output.status.success()) {
        eprintln!("left out: nothing may be mounted here");
        return;
    }
    let twice = finished(mounted("exec \"$0\" model --json").unwrap()).exits(0).json();
    assert_eq!(twice, alone);
}
