//! Runs the `smaudit` command as a user or a script does.

#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};
use std::process::Output;

use assert_cmd::Command;
use serde_json::Value;

/// What the surroundings may say about colour, width and where messages go. A test says it itself.
pub const SURROUNDINGS: [&str; 7] =
    ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "TERM", "COLUMNS", "LINES", "GITHUB_ACTIONS"];

/// What a run came to.
#[derive(Debug)]
pub struct Run {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

/// The command, to be run in `directory` with `arguments`, which spaces part.
pub fn smaudit(directory: &Path, arguments: &str) -> Command {
    let mut command = Command::new(binary());
    command.current_dir(directory).args(arguments.split_whitespace());
    for name in SURROUNDINGS {
        command.env_remove(name);
    }
    command
}

/// Where the command is.
pub fn binary() -> &'static Path {
    assert_cmd::cargo::cargo_bin!("smaudit")
}

/// Runs the command in `directory` with `arguments`, which spaces part.
pub fn run(directory: impl AsRef<Path>, arguments: &str) -> Run {
    finished(smaudit(directory.as_ref(), arguments).output().unwrap())
}

/// The outcome of a process, which must have written UTF-8 and not been killed.
pub fn finished(output: Output) -> Run {
    let text = |bytes| String::from_utf8(bytes).expect("the output is UTF-8");
    Run { code: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// The project's root, where the fixtures are.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The names of the fixtures, sorted.
pub fn fixtures() -> Vec<String> {
    let entries = std::fs::read_dir(root().join("fixtures")).unwrap().map(|entry| entry.unwrap().path());
    let models = entries.filter(|path: &PathBuf| path.join("saved_model.pb").exists());
    let mut names: Vec<String> = models.map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect();
    names.sort();
    assert!(names.len() >= 6, "{names:?}");
    names
}

/// How many models are below `fixtures`: those, and the versions of one.
pub fn below_fixtures() -> usize {
    fixtures().len() + std::fs::read_dir(root().join("fixtures/versions")).unwrap().count()
}

impl Run {
    /// The report of a run with `--json`.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error} in {self:#?}"))
    }

    /// Asserts the exit code.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:#?}");
        self
    }

    /// Asserts that nothing was said on standard error.
    #[track_caller]
    pub fn silently(self) -> Self {
        assert_eq!(self.stderr, "", "{self:#?}");
        self
    }

    /// Asserts that no report was written.
    #[track_caller]
    pub fn without_report(self) -> Self {
        assert_eq!(self.stdout, "", "{self:#?}");
        self
    }
}
