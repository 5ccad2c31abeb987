//! Where the configuration is: in the file that `--config` names, else in the working directory's `smaudit.toml`.

use std::fs::OpenOptions;
use std::io::{self, ErrorKind, Read as _};
use std::path::Path;

use anyhow::Context as _;
use smaudit::gate::Config;

/// What is read where no file is named.
const USUAL: &str = "smaudit.toml";

/// The most bytes of a configuration.
const MOST: u64 = 1 << 20;

/// Reads a file of at most [`MOST`] bytes. One that nobody named may lie there because it came with a model: a link, a pipe or a
/// device is none then. Who names one may mean what a shell makes of `<(...)`.
fn read_text(path: &Path, is_named: bool) -> io::Result<String> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    if !is_named {
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NONBLOCK | libc::O_NOFOLLOW);
    }
    let file = options.open(path)?;
    if !is_named && !file.metadata()?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let mut text = String::new();
    file.take(MOST + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MOST {
        return Err(io::Error::other(format!("it has more than {MOST} bytes")));
    }
    Ok(text)
}

/// Reads the configuration. Only the usual file may be missing.
pub(super) fn read(named: Option<&Path>) -> anyhow::Result<Config> {
    let path = named.unwrap_or(Path::new(USUAL));
    let text = match read_text(path, named.is_some()) {
        Err(error) if named.is_none() && error.kind() == ErrorKind::NotFound => return Ok(Config::default()),
        read => read.with_context(|| format!("{}: cannot be read as a configuration", path.display()))?,
    };
    Ok(Config::parse(&text, &path.to_string_lossy())?)
}
