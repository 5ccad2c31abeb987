//! Where the configuration is: in the file that `--config` names, else in the `smaudit.toml` of the working directory or
//! of the first one around it that has one, up to the repository's root.
//!
//! What is not named is read only where it can be trusted to be the user's own: a regular file, no link, and not in a
//! directory that others can write to, as a `smaudit.toml` in `/tmp` may be anybody's.

use std::fs::{self, OpenOptions};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use smaudit::gate::Config;

/// What is read where no file is named.
const USUAL: &str = "smaudit.toml";

/// The most bytes of a configuration.
const MOST: u64 = 1 << 20;

/// Reads a file of at most [`MOST`] bytes. One that nobody named may lie there because it came with a model: a link, a pipe or a
/// device is none then. Who names one may mean what a shell makes of `<(...)`. Also says whether it is the user's own.
fn read_text(path: &Path, is_named: bool) -> io::Result<(String, bool)> {
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
    let is_own = is_named || belongs_to_user(&file.metadata()?);
    let mut text = String::new();
    file.take(MOST + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MOST {
        return Err(io::Error::other(format!("it has more than {MOST} bytes")));
    }
    Ok((text, is_own))
}

/// Whether a file is the user's, or the system's; also where nobody knows.
#[cfg(unix)]
fn belongs_to_user(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let user = fs::metadata("/proc/self").ok().map(|process| process.uid());
    metadata.uid() == 0 || user.is_none_or(|user| user == metadata.uid())
}

#[cfg(not(unix))]
fn belongs_to_user(_: &fs::Metadata) -> bool {
    true
}

/// Reads the configuration. Only the usual file may be missing.
pub(super) fn read(named: Option<&Path>) -> anyhow::Result<Config> {
    let Some(path) = named.map(Path::to_owned).map_or_else(usual, |path| Ok(Some(path)))? else {
        return Ok(Config::default());
    };
    let (text, is_own) = read_text(&path, named.is_some())
        .with_context(|| format!("{}: cannot be read as a configuration", path.display()))?;
    let config = Config::parse(&text, &path.to_string_lossy());
    Ok(config.map_err(|error| if is_own { error } else { error.without_contents() })?)
}

/// The usual file of the working directory or of one around it, named from the working directory.
fn usual() -> anyhow::Result<Option<PathBuf>> {
    let Ok(directory) = std::env::current_dir() else { return Ok(None) };
    let mut named = PathBuf::from(USUAL);
    for (depth, folder) in directory.ancestors().enumerate() {
        if depth > 0 && !is_own(folder) {
            return Ok(None);
        }
        if let Ok(metadata) = fs::symlink_metadata(folder.join(USUAL)) {
            if !metadata.is_file() {
                bail!("{}: is no regular file; name it with --config if it is meant", named.display());
            }
            return Ok(Some(named));
        }
        if folder.join(".git").exists() {
            return Ok(None);
        }
        named = Path::new("..").join(named);
    }
    Ok(None)
}

/// Whether nobody but the user and the system can put a file there.
#[cfg(unix)]
fn is_own(folder: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    const WRITABLE_BY_OTHERS: u32 = 0o022;
    let owner = |path: &str| fs::metadata(path).ok().map(|metadata| metadata.uid());
    fs::metadata(folder).is_ok_and(|metadata| {
        let is_ours = metadata.uid() == 0 || owner(".") == Some(metadata.uid());
        is_ours && metadata.mode() & WRITABLE_BY_OTHERS == 0
    })
}

#[cfg(not(unix))]
fn is_own(_: &Path) -> bool {
    true
}
