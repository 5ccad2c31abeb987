//! What was typed and is a URL: the place of a model in a store.
//!
//! Whatever begins like a URL is one, also where it cannot be read: it is never taken for a path on the disk. A URL holds
//! no credentials. Those that somebody wrote into one are not repeated in the message that refuses it.

use std::path::Path;

use crate::escape::escape_text;

/// What begins a URL that is read.
const SCHEMES: [(&str, Scheme); 6] = [
    ("s3", Scheme::S3),
    ("s3a", Scheme::S3),
    ("gs", Scheme::Gcs),
    ("az", Scheme::Azure),
    ("https", Scheme::Https),
    ("http", Scheme::Http),
];

/// The kinds of stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Scheme {
    /// Amazon S3, and what speaks like it.
    S3,
    /// Google Cloud Storage.
    Gcs,
    /// Azure Blob Storage.
    Azure,
    /// A web server; one that lists directories, by WebDAV or on pages, where a directory is meant.
    Https,
    /// The same without encryption: on this machine only.
    Http,
}

/// A URL that was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Url {
    pub(super) scheme: Scheme,
    /// The bucket or container; of a web server the host, with its port.
    pub(super) bucket: String,
    /// What is below it, without a slash at either end. Of a web server as it is in the URL, else the very name.
    pub(super) key: String,
    /// As it was typed, without slashes at the end.
    pub(super) shown: String,
}

/// A URL that is not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refused {
    /// The URL without what may be credentials.
    pub(super) shown: String,
    /// What is wrong with it.
    pub(super) message: String,
}

/// A URL up to its query, without what stands before the host.
fn without_secrets(scheme: &str, rest: &str) -> String {
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let (host, below) = rest.split_once('/').map_or((rest, None), |(host, below)| (host, Some(below)));
    let host = host.rsplit('@').next().unwrap_or_default();
    below.map_or_else(|| format!("{scheme}://{host}"), |below| format!("{scheme}://{host}/{below}"))
}

/// Checks that what was typed is a path, or a URL that is read.
///
/// # Errors
/// What is wrong with the URL, without what may be credentials in it.
pub fn check_url(path: &Path) -> Result<(), String> {
    match Url::parse(path) {
        Some(Err(Refused { shown, message })) => Err(format!("{}: {message}", escape_text(&shown))),
        _ => Ok(()),
    }
}

/// Whether a path is a URL, read or not.
#[must_use]
pub fn is_url(path: &Path) -> bool {
    scheme(path).is_some()
}

/// What a URL begins with, and what follows. One letter is a drive of Windows.
fn scheme(path: &Path) -> Option<(&str, &str)> {
    let (scheme, rest) = path.to_str()?.split_once("://")?;
    let mut letters = scheme.bytes();
    let is_scheme = letters.next()?.is_ascii_alphabetic()
        && scheme.len() > 1
        && letters.all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    is_scheme.then_some((scheme, rest))
}

impl Url {
    /// Reads a URL; `None` where the path is none, an error where it is none that is read.
    pub(super) fn parse(path: &Path) -> Option<Result<Self, Refused>> {
        let (scheme, rest) = scheme(path)?;
        Some(Self::of(scheme, rest).map_err(|message| Refused { shown: without_secrets(scheme, rest), message }))
    }

    /// Another place of the same store.
    #[cfg(feature = "remote")]
    pub(super) fn with_key(&self, key: &str) -> Self {
        let store = self.shown.strip_suffix(&self.key).unwrap_or(&self.shown).trim_end_matches('/');
        let shown = if key.is_empty() { store.to_owned() } else { format!("{store}/{key}") };
        Self { key: key.to_owned(), shown, ..self.clone() }
    }

    fn of(scheme: &str, rest: &str) -> Result<Self, String> {
        let lower = scheme.to_ascii_lowercase();
        let Some((_, kind)) = SCHEMES.iter().find(|(name, _)| *name == lower) else {
            return Err(format!("{lower}:// is not read: smaudit reads paths, s3://, gs://, az:// and https://"));
        };
        let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.contains('@') {
            return Err("has credentials in it, which are not taken from a URL: docs/remote.md says where they belong"
                .to_owned());
        }
        if bucket.is_empty() {
            return Err(format!("has no {}: {lower}://{}/model", kind.bucket(), kind.bucket()));
        }
        let is_of_web = matches!(kind, Scheme::Https | Scheme::Http);
        if is_of_web && rest.contains(['?', '#']) {
            return Err(
                "has a query or a fragment, and those often are credentials: only the plain address of a file or \
                        a directory is read"
                    .to_owned(),
            );
        }
        if *kind == Scheme::Http && !is_loopback(bucket) {
            return Err("is not encrypted, so anyone on the way could change what is audited: use https://".to_owned());
        }
        if !is_of_web && !bucket.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._$".contains(&byte)) {
            return Err(format!("{} is no name of a {}", escape_text(bucket), kind.bucket()));
        }
        let key = key.trim_matches('/');
        let shown = if key.is_empty() { format!("{lower}://{bucket}") } else { format!("{lower}://{bucket}/{key}") };
        Ok(Self { scheme: *kind, bucket: bucket.to_owned(), key: key.to_owned(), shown })
    }
}

impl Scheme {
    /// What holds the objects.
    pub(super) fn bucket(self) -> &'static str {
        match self {
            Self::S3 | Self::Gcs => "bucket",
            Self::Azure => "container",
            Self::Https | Self::Http => "host",
        }
    }
}

/// Whether a host, with or without a port, is this machine.
fn is_loopback(host: &str) -> bool {
    let name = host
        .strip_prefix('[')
        .and_then(|rest| rest.split_once(']'))
        .map_or_else(|| host.split_once(':').map_or(host, |(name, _)| name), |(name, _)| name);
    name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(url: &str) -> Result<Url, String> {
        let parsed = Url::parse(Path::new(url)).expect("a URL");
        parsed.map_err(|refused| format!("{}: {}", refused.shown, refused.message))
    }

    #[test]
    fn a_path_is_no_url() {
        for path in ["model", "./s3:/x", "/a/b", "C:\\x", "c://x", "s3:", "://x", "a b://x", "1s://x"] {
            assert!(!is_url(Path::new(path)), "{path}");
        }
    }

    #[test]
    fn what_begins_like_a_url_is_one_though_nobody_reads_it() {
        for url in ["ftp://host/x", "file:///x", "hdfs://x/y", "abfss://x@y/z"] {
            assert!(parsed(url).unwrap_err().contains("is not read"), "{url}");
        }
    }

    #[test]
    fn the_bucket_is_up_to_the_first_slash_and_the_rest_is_the_name_itself() {
        let url = parsed("s3://bucket/a b/c?d#e%20f/").unwrap();
        assert_eq!((&*url.bucket, &*url.key), ("bucket", "a b/c?d#e%20f"));
        assert_eq!(url.shown, "s3://bucket/a b/c?d#e%20f");
        assert_eq!(parsed("GS://bucket").unwrap().shown, "gs://bucket");
    }

    #[test]
    fn credentials_in_a_url_are_refused_and_not_repeated() {
        for url in ["https://user:secret@host/x", "https://host/x?sig=secret", "s3://key:secret@bucket/x"] {
            let message = parsed(url).unwrap_err();
            assert!(message.contains("credentials") && !message.contains("secret"), "{message}");
        }
    }

    #[test]
    fn without_encryption_only_this_machine_is_read() {
        for host in ["127.0.0.1:80", "localhost", "[::1]:8080"] {
            assert_eq!(parsed(&format!("http://{host}/x")).unwrap().bucket, host);
        }
        for host in ["host", "127.0.0.1.host", "[2001:db8::1]:80"] {
            assert!(parsed(&format!("http://{host}/x")).unwrap_err().contains("https"), "{host}");
        }
    }
}
