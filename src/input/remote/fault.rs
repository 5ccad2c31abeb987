//! What goes wrong with a store, in words of our own: what a store sends, and what the library makes of it, may have
//! access keys, signatures and signed addresses in it.

use std::error::Error;

use super::super::cause::Cause;
use super::super::url::Scheme;

/// Why a store did not give what it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::input) enum Fault {
    /// The store's answer: its status, and its own word for the error.
    Status { status: u16, code: Option<String>, region: Option<String> },
    /// A redirect to another host, or to one that is not encrypted: the scheme and the host.
    Redirect(String),
    /// Nobody there gives credentials.
    NoCredentials,
    /// What is configured does not fit together.
    Configuration(String),
    /// The host cannot be reached, or the connection ended: in the system's words.
    Connection(String),
    /// Nothing came for too long.
    Timeout,
    /// What was sent is not what was asked for.
    Wrong(String),
    /// It is another one than was listed.
    Changed,
    /// A web server has a model there, or a page, and does not list what is in the folder.
    NoListing,
    /// A web server gives files as a whole only.
    NoRanges,
    /// It is held as a whole, and is too large for that: its bytes.
    TooLarge(u64),
    /// The system gives no thread, or no memory.
    NoThread,
}

impl Fault {
    /// In words, to follow a name and a colon.
    pub(in crate::input) fn told(&self, scheme: Scheme) -> String {
        match self {
            Self::Status { status, code, region } => {
                let code = code.as_deref().unwrap_or_default();
                let said = if code.is_empty() { status.to_string() } else { format!("{status} {code}") };
                let region = region.as_deref().map(|region| format!(" (it says {region})")).unwrap_or_default();
                match (*status, code) {
                    (_, "NoSuchBucket" | "ContainerNotFound") => {
                        format!("there is no such {} ({said})", scheme.bucket())
                    }
                    (_, "ExpiredToken" | "ExpiredTokenException" | "TokenRefreshRequired") => {
                        format!("the credentials have expired ({said}): get new ones")
                    }
                    (_, "InvalidAccessKeyId" | "SignatureDoesNotMatch" | "AuthenticationFailed" | "InvalidToken") => {
                        format!("the credentials are not accepted ({said})")
                    }
                    (301 | 307 | 308, _) => {
                        format!("the bucket is in another region ({said}): set AWS_REGION to it{region}")
                    }
                    (401, _) => format!("the store wants other credentials ({said})"),
                    (403, _) => format!("access is denied ({said}): docs/remote.md says which permissions are needed"),
                    (404, _) => format!("nothing is there ({said})"),
                    (408 | 429 | 503, _) => {
                        format!("the store asked for fewer requests, again and again ({said}): try later")
                    }
                    (416, _) => format!("the store has no such range ({said}): it is shorter than it was listed"),
                    (500.., _) => format!("the store failed, again and again ({said})"),
                    _ => format!("the store refused ({said})"),
                }
            }
            Self::Redirect(to) => format!("the store redirects to {to}, which was not named: it is not followed"),
            Self::NoCredentials => format!("there are no credentials: {}", credentials(scheme)),
            Self::Configuration(what) => format!("what is configured does not fit: {what}"),
            Self::Connection(why) => format!("the connection failed: {why}"),
            Self::Timeout => "nothing came from the store for too long".to_owned(),
            Self::Wrong(what) => format!("the store sent something else than it was asked for: {what}"),
            Self::Changed => "changed while the audit ran: it is not the version that was listed any more".to_owned(),
            Self::NoListing => {
                "the server does not list what is in this folder, neither by WebDAV nor on a page of its own: \
                                name an archive of the model (.tar, .tar.gz, .zip), or a place that lists its files"
                    .to_owned()
            }
            Self::NoRanges => {
                "the server gives files as a whole only, and this one is too large for that: download the \
                               model and audit that, or name a server that gives ranges"
                    .to_owned()
            }
            Self::TooLarge(bytes) => {
                format!("has {bytes} bytes and would be held in memory as a whole: download the model and audit that")
            }
            Self::NoThread => "the system gives no thread or no memory for it".to_owned(),
        }
    }

    /// As the reason why a file cannot be read.
    pub(super) fn cause(&self, scheme: Scheme) -> Cause {
        Cause::Store { message: format!("cannot be read: {}", self.told(scheme)), is_changed: *self == Self::Changed }
    }

    /// Whether the store says that there is nothing.
    pub(in crate::input) fn is_nothing(&self) -> bool {
        matches!(self, Self::Status { status: 404, code, .. } if code.as_deref() != Some("NoSuchBucket"))
    }

    /// What an error of the library means. `seen` is what the client under it saw last.
    pub(super) fn of(error: &object_store::Error, seen: Option<Self>) -> Self {
        let said = |status| Self::Status { status, code: None, region: None };
        match (error, seen) {
            (object_store::Error::Precondition { .. } | object_store::Error::NotModified { .. }, _) => Self::Changed,
            (_, Some(seen)) => seen,
            (object_store::Error::NotSupported { .. }, _) => Self::NoRanges,
            (object_store::Error::NotFound { .. }, _) => said(404),
            (object_store::Error::PermissionDenied { .. }, _) => said(403),
            (object_store::Error::Unauthenticated { .. }, _) => said(401),
            (object_store::Error::InvalidPath { source }, _) => Self::Wrong(format!(
                "a name that is no path ({source}); of an object with such a name nothing can be read"
            )),
            (error, None) => Self::Wrong(innermost(error)),
        }
    }
}

/// What the innermost error says, which names no URL and no header: a length, a range, a word of a parser.
pub(super) fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut inner = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    let text = inner.to_string();
    // Nothing that looks like an address or a signature, whoever wrote it.
    let is_plain = !text.contains("://") && !text.contains("ignature") && text.len() < 300;
    if is_plain { text } else { "an answer that is not understood".to_owned() }
}

/// Where a store's credentials are looked for.
fn credentials(scheme: Scheme) -> &'static str {
    match scheme {
        Scheme::S3 => {
            "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE; for a public bucket AWS_SKIP_SIGNATURE=true"
        }
        Scheme::Gcs => {
            "set GOOGLE_APPLICATION_CREDENTIALS, or run `gcloud auth application-default login`; for a public bucket \
             GOOGLE_SKIP_SIGNATURE=true"
        }
        Scheme::Azure => {
            "set AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY or AZURE_STORAGE_SAS_TOKEN; for a public \
             container AZURE_SKIP_SIGNATURE=true"
        }
        Scheme::Https | Scheme::Http => "and a web server is asked without any",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_store_says_is_told_by_its_status_and_its_word() {
        let told = |status, code: &str| {
            let code = Some(code.to_owned()).filter(|code| !code.is_empty());
            Fault::Status { status, code, region: None }.told(Scheme::S3)
        };
        assert!(told(403, "AccessDenied").contains("access is denied (403 AccessDenied)"));
        assert!(told(400, "ExpiredToken").contains("have expired"));
        assert!(told(503, "SlowDown").contains("fewer requests"));
        assert!(told(404, "NoSuchBucket").contains("no such bucket"));
        assert!(told(301, "PermanentRedirect").contains("AWS_REGION"));
    }

    #[test]
    fn an_error_with_an_address_in_it_is_not_repeated() {
        let error = std::io::Error::other("GET https://host/x?sig=secret");
        assert_eq!(innermost(&error), "an answer that is not understood");
    }
}
