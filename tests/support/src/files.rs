//! Directories with files, and the user who may not read them.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;

use tempfile::TempDir;

/// A temporary directory with these files.
pub fn tree(files: &[(&str, &[u8])]) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, contents) in files {
        write(directory.path(), name, contents);
    }
    directory
}

/// Writes a file below `directory`, and the folders on the way to it.
pub fn write(directory: &Path, name: &str, contents: impl AsRef<[u8]>) {
    let path = directory.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, contents).unwrap();
}

/// Takes all permissions from a file or folder.
#[cfg(unix)]
pub fn close(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o000)).unwrap();
}

/// Runs a test that needs an ordinary user, as to root nothing is unreadable: root runs the test again as a user
/// without rights. False where the caller is that user, or an ordinary one, and has to do the test itself.
#[cfg(unix)]
pub fn runs_as_ordinary_user(test: &str) -> bool {
    use std::os::unix::process::CommandExt as _;
    let probe = tree(&[("closed", b"")]);
    let closed = probe.path().join("closed");
    close(&closed);
    if fs::File::open(&closed).is_err() {
        return false;
    }
    let nobody = 65534;
    let mut command = std::process::Command::new(std::env::current_exe().unwrap());
    let command = command.args([test, "--exact", "--nocapture"]).current_dir("/").uid(nobody).gid(nobody);
    match command.output() {
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
            assert!(said.contains("1 passed"), "{test} is no test's name: {said}");
        }
        Err(error) => eprintln!("{test} was not run: it needs a user other than root ({error})"),
    }
    true
}
