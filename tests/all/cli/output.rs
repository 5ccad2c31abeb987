//! Which stream says what, and where `--output` puts the report.

use std::fs::{self, File};
use std::io::pipe;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

use super::{FORMATS, model, names};
use crate::run::{binary, finished, root, run};
use support::files::{tree, write};

/// Runs a line of shell in `directory`, in which `$smaudit` is the command.
fn shell(directory: &Path, line: &str) -> crate::run::Run {
    finished(Command::new("sh").args(["-c", line]).env("smaudit", binary()).current_dir(directory).output().unwrap())
}

fn read(directory: impl AsRef<Path>, name: &str) -> String {
    fs::read_to_string(directory.as_ref().join(name)).unwrap()
}

// --- standard output and standard error ---

#[test]
fn of_a_whole_model_there_is_a_report_and_nothing_else() {
    for format in FORMATS {
        let run = run(model(), &format!("--format {format} model")).exits(0).silently();
        assert!(run.stdout.contains("graph_def") && run.stdout.ends_with('\n'), "{format}: {run:#?}");
    }
    assert_eq!(run(root(), "--json fixtures").stdout, run(root(), "--format json fixtures").stdout);
}

#[test]
fn two_runs_say_the_same() {
    for format in FORMATS {
        let once = || {
            let said = run(root(), &format!("fixtures --by section,op,function --format {format}")).stdout;
            let mut lines: Vec<String> = said.lines().map(str::to_owned).collect();
            // Models come as they finish.
            if format == "jsonl" {
                lines.sort();
            }
            lines
        };
        assert_eq!(once(), once(), "{format}");
    }
}

#[test]
fn of_a_damaged_model_messages_do_not_get_into_the_report() {
    let directory = tree(&[("model/saved_model.pb", &[0xff; 50])]);
    let run_json = run(&directory, "--json model missing").exits(3);
    assert_eq!(run_json.json()["models"][0]["total_bytes"], 50);
    assert_eq!(run_json.stderr.lines().count(), 2, "{}", run_json.stderr);
    let table = run(&directory, "--format csv model missing").exits(3);
    assert_eq!(table.stdout, "model,category,bytes,count,kind\nmodel,framing,50,0,name\n");
    assert_eq!(table.stderr, run_json.stderr);
}

#[test]
fn a_closed_pipe_is_success() {
    let directory = model();
    for arguments in ["model", "--json model", "-f csv model", "-f markdown model", "-f folded model"]
        .into_iter()
        .chain(["--help", "schema", "man", "completions bash"])
    {
        let (reader, writer) = pipe().unwrap();
        drop(reader);
        let mut command = Command::new(binary());
        let command = command.args(arguments.split(' ')).current_dir(&directory).stdout(writer);
        finished(command.stderr(Stdio::piped()).output().unwrap()).exits(0).silently();
    }
}

#[test]
fn a_pipe_that_is_closed_after_the_first_line_of_a_long_report_is_success() {
    let by = "--by field,function,node --format csv";
    assert!(run(root(), &format!("fixtures {by}")).stdout.len() > 1 << 17, "longer than a pipe holds");
    let run = shell(root(), &format!("{{ \"$smaudit\" fixtures {by}; echo \"exit code $?\" >&2; }} | head -1"));
    assert_eq!(run.stdout, "model,field,function,node,bytes,count,kind\n");
    assert_eq!(run.stderr, "exit code 0\n");
}

#[test]
fn a_full_disk_behind_standard_output_is_no_success() {
    let full = File::options().write(true).open("/dev/full").unwrap();
    let mut command = Command::new(binary());
    let run = finished(command.args(["fixtures"]).current_dir(root()).stdout(full).output().unwrap()).exits(2);
    assert!(run.stderr.starts_with("smaudit: cannot write to standard output: "), "{}", run.stderr);
}

// --- --quiet ---

#[test]
fn quiet_writes_no_report_but_the_exit_code() {
    run(model(), "--quiet model").exits(0).silently().without_report();
}

#[test]
fn quiet_says_errors_all_the_same() {
    let directory = tree(&[("model/saved_model.pb", &[0xff; 50])]);
    let run = run(&directory, "--quiet missing model").exits(3).without_report();
    assert!(run.stderr.starts_with("smaudit: missing: cannot be read: "), "{}", run.stderr);
    assert!(run.stderr.contains("\nsmaudit: model: saved_model.pb: byte 0: "), "{}", run.stderr);
}

#[test]
fn quiet_writes_the_report_that_was_asked_for() {
    let directory = model();
    for asked in ["--json", "--format text", "--format csv"] {
        let loud = run(&directory, &format!("{asked} model")).stdout;
        assert_eq!(run(&directory, &format!("--quiet {asked} model")).exits(0).silently().stdout, loud);
    }
    run(&directory, "--quiet --output report model").exits(0).silently().without_report();
    assert_eq!(read(&directory, "report"), run(&directory, "model").stdout);
}

// --- --output ---

#[test]
fn the_file_has_what_standard_output_would_have() {
    for format in FORMATS {
        let directory = model();
        let printed = run(&directory, &format!("-f {format} model")).stdout;
        run(&directory, &format!("-f {format} -o report model")).exits(0).silently().without_report();
        assert_eq!(read(&directory, "report"), printed, "{format}");
        assert_eq!(names(&directory), ["model", "report"], "nothing else is left");
    }
}

#[test]
fn an_old_report_is_replaced_whole() {
    let directory = model();
    write(directory.path(), "report", "an older report, which is longer. ".repeat(1000));
    run(&directory, "-f csv -o report model").exits(0);
    assert_eq!(read(&directory, "report"), run(&directory, "-f csv model").stdout);
}

#[test]
fn what_a_link_leads_to_is_replaced_and_the_link_stays() {
    let directory = model();
    write(directory.path(), "reports/old", "old");
    symlink("reports/old", directory.path().join("latest")).unwrap();
    run(&directory, "--json -o latest model").exits(0);
    assert!(directory.path().join("latest").is_symlink());
    assert!(read(&directory, "reports/old").starts_with("{\n  \"schema_version\": 1,"));
}

#[test]
fn a_report_of_a_damaged_model_is_written_too() {
    let directory = tree(&[("model/saved_model.pb", &[0xff; 50])]);
    let run = run(&directory, "-o report model missing").exits(3).without_report();
    assert!(read(&directory, "report").contains("1 PROBLEM: "));
    assert_eq!(run.stderr.lines().count(), 2, "nobody sees the report on a terminal: {}", run.stderr);
}

#[test]
fn a_new_report_may_be_read_by_whom_the_umask_says() {
    let directory = model();
    for (umask, mode) in [("022", 0o644), ("077", 0o600)] {
        shell(directory.path(), &format!("umask {umask}; \"$smaudit\" -o {umask} model")).exits(0);
        let written = fs::metadata(directory.path().join(umask)).unwrap().permissions().mode();
        assert_eq!(written & 0o777, mode, "umask {umask}: {written:o}");
    }
}

#[test]
fn where_the_report_does_not_fit_the_old_one_stays_and_nothing_is_left() {
    let directory = model();
    write(directory.path(), "report", "old");
    // Files may have no more than one block, and who writes more is told so and not killed.
    let line = "trap '' XFSZ; ulimit -f 1; \"$smaudit\" --json --by field,node -o report model";
    let run = shell(directory.path(), line).exits(2).without_report();
    assert!(run.stderr.contains("cannot write the report to report; "), "{}", run.stderr);
    assert!(run.stderr.contains("File too large"), "{}", run.stderr);
    assert_eq!(read(&directory, "report"), "old");
    assert_eq!(names(&directory), ["model", "report"]);
}

#[test]
fn a_pipe_is_written_to_and_not_replaced() {
    let directory = model();
    let run = shell(directory.path(), "mkfifo pipe; \"$smaudit\" -f csv -o pipe model & cat pipe; wait; ls").exits(0);
    assert!(run.stdout.starts_with("model,category,bytes,count,kind\n"), "{run:#?}");
    assert!(run.stdout.ends_with("\nmodel\npipe\n"), "{run:#?}");
}

#[test]
fn standard_output_by_name_is_standard_output() {
    let directory = model();
    let report = run(&directory, "-f csv model").stdout;
    for name in ["/dev/stdout", "-"] {
        assert_eq!(run(&directory, &format!("-f csv -o {name} model")).exits(0).silently().stdout, report);
    }
    assert_eq!(names(&directory), ["model"], "no file is called so");
    assert_eq!(run(&directory, "--quiet -o - model").stdout, run(&directory, "model").stdout);
    let line = "{ echo before; \"$smaudit\" -f csv -o /dev/stdout model; echo after; } > file; cat file";
    assert_eq!(shell(directory.path(), line).exits(0).stdout, format!("before\n{report}after\n"));
    let line = "\"$smaudit\" -f csv -o /dev/stdout model >> file; tail -n +2 file";
    assert_eq!(shell(directory.path(), line).exits(0).stdout, format!("{report}after\n{report}"));
}
