//! `--open`: the page in a file, and the file in a browser.

use std::ffi::OsString;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;

use super::{error, write_file};
use crate::cli::AuditRequest;

/// How long it is waited for that what opens files says that it cannot. Some of them stay as long as the browser does.
const PATIENCE: Duration = Duration::from_secs(3);
const PAUSE: Duration = Duration::from_millis(20);

/// Writes a page where it is wanted, else into a temporary file that stays, and opens it; says where it is.
pub(super) fn page(output: Option<&Path>, page: &[u8], request: &AuditRequest) -> anyhow::Result<()> {
    let path = match output {
        Some(path) => {
            write_file(path, page, request.color)?;
            path.to_owned()
        }
        None => temporary(page).context("cannot write the page to a temporary file; --output names another place")?,
    };
    let shown = path.display();
    match opens(&path) {
        true if request.quiet => {}
        true => error(&format!("the page is {shown}")),
        false => error(&format!("there is no browser to open it in: the page is {shown}")),
    }
    Ok(())
}

/// A file that stays when smaudit ends, as a browser reads it then.
fn temporary(page: &[u8]) -> std::io::Result<PathBuf> {
    let mut file = tempfile::Builder::new().prefix("smaudit-").suffix(".html").tempfile()?;
    file.write_all(page)?;
    let (_, path) = file.keep().map_err(|kept| kept.error)?;
    Ok(path)
}

/// Opens a file with what this system opens files with; whether that is there and did not fail at once.
fn opens(path: &Path) -> bool {
    // A name that begins with a dash would be an option.
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let (program, arguments): (&str, Vec<OsString>) = if cfg!(target_os = "macos") {
        ("open", vec![path.into()])
    } else if cfg!(windows) {
        // The first argument of `start` is a title.
        ("cmd", vec!["/c".into(), "start".into(), "".into(), path.into()])
    } else {
        ("xdg-open", vec![path.into()])
    };
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let Ok(mut opening) = command.spawn() else { return false };
    let since = Instant::now();
    while since.elapsed() < PATIENCE {
        match opening.try_wait() {
            Ok(Some(status)) => return ExitStatus::success(&status),
            Ok(None) => std::thread::sleep(PAUSE),
            Err(_) => return false,
        }
    }
    true
}
