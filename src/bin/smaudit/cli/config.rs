//! Where the configuration is: in the file that `--config` names, else in the working directory's `smaudit.toml`.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::Context as _;
use smaudit::gate::Config;

/// What is read where no file is named.
const USUAL: &str = "smaudit.toml";

/// Reads the configuration. Only the usual file may be missing.
pub(super) fn read(named: Option<&Path>) -> anyhow::Result<Config> {
    let path = named.unwrap_or(Path::new(USUAL));
    let text = match fs::read_to_string(path) {
        Err(error) if named.is_none() && error.kind() == ErrorKind::NotFound => return Ok(Config::default()),
        read => read.with_context(|| format!("{}: cannot be read as a configuration", path.display()))?,
    };
    Ok(Config::parse(&text, &path.to_string_lossy())?)
}
