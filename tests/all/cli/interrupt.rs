//! A run that is interrupted ends at once, by the signal, and leaves the terminal and the folder as they were.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

use tempfile::TempDir;

use super::names;
use crate::run::binary;
use support::files::{tree, write};
use support::wire::{graph, meta_graph, node, saved_model};

const SIGNALS: [(&str, i32); 2] = [("INT", 2), ("TERM", 15)];

fn spawn(directory: &Path, arguments: &str) -> Child {
    let mut command = Command::new(binary());
    let command = command.args(arguments.split(' ')).current_dir(directory);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

#[test]
fn a_run_that_waits_for_input_ends_by_the_signal_and_wipes_its_bar_off() {
    for (name, number) in SIGNALS {
        let directory = tree(&[("report", b"old")]);
        let mut child = spawn(directory.path(), "- --progress always --output report");
        // Standard input stays open, so that there is always more to come.
        let stdin = child.stdin.take();
        let mut stderr = child.stderr.take().unwrap();
        let (mut said, mut piece) = (String::new(), [0; 1000]);
        while !said.contains("receiving standard input") {
            let read = stderr.read(&mut piece).unwrap();
            assert!(read > 0, "{said}");
            said.push_str(&String::from_utf8_lossy(&piece[..read]));
        }
        Command::new("kill").args(["-s", name, &child.id().to_string()]).status().unwrap();
        assert_eq!(child.wait().unwrap().signal(), Some(number), "SIG{name}");
        drop(stdin);
        stderr.read_to_string(&mut said).unwrap();
        assert!(said.ends_with("\r\x1b[2K"), "{said:?}");
        assert_eq!(names(&directory), ["report"]);
        assert_eq!(fs::read(directory.path().join("report")).unwrap(), b"old");
    }
}

/// Runs a long report into a file, and sends the signal as soon as the temporary file is there. Says how the run ended.
fn interrupted_while_it_writes(directory: &TempDir, signal: &str) -> ExitStatus {
    let mut child = spawn(directory.path(), "model --by node --format csv --output report");
    // A shell that has started already, so that no time goes by between the file and the signal.
    let mut kill = Command::new("sh");
    let line = format!("read line && kill -s {signal} {}", child.id());
    let mut kill = kill.args(["-c", &line]).stdin(Stdio::piped()).spawn().unwrap();
    let is_written = || names(directory).iter().any(|name| name.starts_with(".smaudit-"));
    while !is_written() && child.try_wait().unwrap().is_none() {}
    kill.stdin.take().unwrap().write_all(b"now\n").unwrap();
    kill.wait().unwrap();
    child.wait().unwrap()
}

#[test]
fn a_run_that_is_interrupted_while_it_writes_leaves_no_part_of_a_file() {
    let name = |index| format!("{index}/{}", "a long name".repeat(200));
    let nodes: Vec<_> = (0..10_000).map(|index| node(&name(index), "NoOp")).collect();
    let model = saved_model([&meta_graph(&["serve"], &graph(&nodes))]).0;
    for (signal, number) in SIGNALS {
        let directory = tree(&[("model/saved_model.pb", &model)]);
        write(directory.path(), "report", "old");
        // The signal may come when the file has its name already: then there is a report, and another try.
        let caught = (0..50).any(|_| {
            let status = interrupted_while_it_writes(&directory, signal);
            assert_eq!(names(&directory), ["model", "report"], "{status}");
            let report = fs::read(directory.path().join("report")).unwrap();
            assert!(report == b"old" || report.ends_with(b"\n") && report.len() > 20_000_000, "{} bytes", report.len());
            status.signal() == Some(number)
        });
        assert!(caught, "SIG{signal} never came in time");
    }
}
