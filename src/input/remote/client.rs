//! The HTTP client under all stores. It counts what it sends, notes why an answer is none, and follows redirects only
//! where they stay at the host that the user named, as encrypted as before.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::time::Duration;

use http::{HeaderMap, StatusCode, header};
use http_body_util::BodyExt as _;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpResponseBody, HttpService,
};
use object_store::{ClientConfigKey, ClientOptions};
use reqwest::redirect::Policy;

use super::Fault;
use super::fault::innermost;
use super::tally::Tally;

/// How long a connection may take, how long nothing may come, and how long a request may take.
const CONNECT: Duration = Duration::from_secs(5);
const READ: Duration = Duration::from_secs(20);
const REQUEST: Duration = Duration::from_secs(120);

/// How long the places are waited for that give a machine its credentials. Elsewhere nobody is there.
const METADATA: Duration = Duration::from_secs(2);
const METADATA_HOSTS: [&str; 3] = ["169.254.169.254", "metadata.google.internal", "metadata"];

/// The most redirects one after the other.
const REDIRECTS: usize = 5;

/// The most of an error's text that is looked at.
const ERROR: usize = 64 << 10;

tokio::task_local! {
    /// For whom the requests of a task are.
    static ASKED: Arc<Asked>;
}

/// For whom requests are sent, and what came of the last one.
#[derive(Debug, Default)]
pub(super) struct Asked {
    pub(super) tally: Arc<Tally>,
    seen: Mutex<Option<Fault>>,
}

impl Asked {
    pub(super) fn of(tally: &Arc<Tally>) -> Arc<Self> {
        Arc::new(Self { tally: Arc::clone(tally), seen: Mutex::default() })
    }

    /// Does what sends requests, which are counted for this.
    pub(super) fn scope<F: Future>(self: &Arc<Self>, work: F) -> impl Future<Output = F::Output> + use<F> {
        ASKED.scope(Arc::clone(self), work)
    }

    /// Why the last request failed, if it did.
    pub(super) fn seen(&self) -> Option<Fault> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn see(&self, fault: Option<Fault>) {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = fault;
    }
}

/// Notes what came of a request of this task.
fn see(fault: Option<Fault>) {
    let _ = ASKED.try_with(|asked| asked.see(fault));
}

/// Makes the clients of a store.
#[derive(Debug)]
pub(super) struct Connector;

impl HttpConnector for Connector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        install_provider();
        let option = |key| options.get_config_value(&key);
        let time = |key| option(key).as_deref().and_then(duration);
        let allows_http = option(ClientConfigKey::AllowHttp).as_deref() == Some("true");
        let built = reqwest::Client::builder()
            .user_agent(concat!("smaudit/", env!("CARGO_PKG_VERSION")))
            .http1_only()
            .https_only(!allows_http)
            .connect_timeout(CONNECT)
            .read_timeout(time(ClientConfigKey::ReadTimeout).unwrap_or(READ))
            // The library's own default is meant for small objects.
            .timeout(time(ClientConfigKey::Timeout).filter(|time| *time != Duration::from_secs(30)).unwrap_or(REQUEST))
            .redirect(policy())
            .build();
        let generic = |error: reqwest::Error| object_store::Error::Generic { store: "HTTP", source: Box::new(error) };
        built.map(|client| HttpClient::new(Client(client))).map_err(generic)
    }
}

/// What TLS is made with: ring, which a C compiler builds.
fn install_provider() {
    static ONCE: Once = Once::new();
    // Fails only where there is one already, which is as good.
    ONCE.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
}

/// Redirects are followed where scheme, host and port stay what they are.
fn policy() -> Policy {
    Policy::custom(|attempt| {
        let stays = attempt.previous().last().is_some_and(|from| from.origin() == attempt.url().origin());
        if stays && attempt.previous().len() <= REDIRECTS { attempt.follow() } else { attempt.stop() }
    })
}

/// A time such as `5s`, `500ms` or `2m`.
fn duration(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_at(text.find(|letter: char| !letter.is_ascii_digit())?);
    let number = number.parse().ok()?;
    match unit.trim() {
        "ms" => Some(Duration::from_millis(number)),
        "s" | "sec" | "seconds" => Some(Duration::from_secs(number)),
        "m" | "min" => Some(Duration::from_secs(number.checked_mul(60)?)),
        _ => None,
    }
}

#[derive(Debug)]
struct Client(reqwest::Client);

type Called<'c> = Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'c>>;

impl HttpService for Client {
    fn call<'life0, 'async_trait>(&'life0 self, request: HttpRequest) -> Called<'async_trait>
    where
        'life0: 'async_trait,
        Self: 'async_trait,
    {
        Box::pin(self.ask(request))
    }
}

impl Client {
    async fn ask(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (parts, body) = request.into_parts();
        let host = parts.uri.host().unwrap_or_default().to_owned();
        let is_metadata = METADATA_HOSTS.contains(&&*host);
        if is_metadata && std::env::var_os("AWS_EC2_METADATA_DISABLED").is_some_and(|value| value == "true") {
            return Err(refused(Fault::NoCredentials));
        }
        let url = parts
            .uri
            .to_string()
            .parse()
            .map_err(|error| HttpError::new(HttpErrorKind::Unknown, Plain(format!("{error}"))))?;
        let mut sent = reqwest::Request::new(parts.method, url);
        *sent.headers_mut() = parts.headers;
        let body = body.collect().await?.to_bytes();
        *sent.body_mut() = Some(body).filter(|bytes| !bytes.is_empty()).map(Into::into);
        let _ = ASKED.try_with(|asked| asked.tally.requests.fetch_add(1, Relaxed));
        let answer = if is_metadata {
            // Where no machine of a cloud is, waiting again and again is of no use.
            match tokio::time::timeout(METADATA, self.0.execute(sent)).await {
                Ok(Ok(answer)) => answer,
                _ => return Err(refused(Fault::NoCredentials)),
            }
        } else {
            self.0.execute(sent).await.map_err(failed)?
        };
        let answer: http::Response<reqwest::Body> = answer.into();
        let (parts, body) = answer.into_parts();
        if parts.status.is_success() {
            see(None);
            return Ok(HttpResponse::from_parts(parts, HttpResponseBody::new(body.map_err(failed))));
        }
        if let Some(to) = elsewhere(parts.status, &parts.headers) {
            return Err(refused(Fault::Redirect(to)));
        }
        let text = text_of(body).await;
        let region = parts.headers.get("x-amz-bucket-region").and_then(|value| value.to_str().ok());
        let code = parts.headers.get("x-ms-error-code").and_then(|value| value.to_str().ok());
        let code = code.map(str::to_owned).or_else(|| code_of(&text));
        let region = region.filter(|region| is_word(region)).map(str::to_owned);
        let fault = Fault::Status { status: parts.status.as_u16(), code: code.filter(|code| is_word(code)), region };
        if parts.status == StatusCode::NOT_IMPLEMENTED {
            // It is a failure of the server's by its number, and would be tried again.
            return Err(refused(fault));
        }
        see(Some(fault));
        Ok(HttpResponse::from_parts(parts, text.into()))
    }
}

/// An error that is not tried again.
fn refused(fault: Fault) -> HttpError {
    let told = Plain(format!("{fault:?}"));
    see(Some(fault));
    HttpError::new(HttpErrorKind::Unknown, told)
}

/// What a failure of the connection means, and whether another try may help.
fn failed(error: reqwest::Error) -> HttpError {
    let error = error.without_url();
    let kind = if error.is_timeout() {
        HttpErrorKind::Timeout
    } else if error.is_connect() {
        HttpErrorKind::Connect
    } else if error.is_builder() || error.is_decode() {
        HttpErrorKind::Unknown
    } else {
        // The connection ended, before or within the answer.
        HttpErrorKind::Interrupted
    };
    // A certificate that is not trusted is not trusted the next time either.
    let is_certificate = innermost(&error).contains("certificate");
    let fault = match kind {
        HttpErrorKind::Timeout => Fault::Timeout,
        _ => Fault::Connection(innermost(&error)),
    };
    see(Some(fault));
    HttpError::new(if is_certificate { HttpErrorKind::Unknown } else { kind }, error)
}

/// Where a redirect leads that was not followed: the scheme and the host, and no more, as the rest may be signed.
fn elsewhere(status: StatusCode, headers: &HeaderMap) -> Option<String> {
    let location = headers.get(header::LOCATION).filter(|_| status.is_redirection())?.to_str().ok()?;
    let uri: http::Uri = location.parse().ok()?;
    // The host alone, without what stands before an `@`.
    let host = uri.host().filter(|host| host.len() < 256)?;
    Some(format!("{}://{host}", uri.scheme_str().unwrap_or("https")))
}

/// The text of an error, as far as it is looked at.
async fn text_of(mut body: reqwest::Body) -> String {
    let mut text = Vec::new();
    while let Some(Ok(frame)) = body.frame().await {
        if let Ok(data) = frame.into_data() {
            text.extend_from_slice(data.get(..data.len().min(ERROR.saturating_sub(text.len()))).unwrap_or_default());
        }
        if text.len() >= ERROR {
            break;
        }
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// The word for the error in the XML that S3 and Google send, and in Google's JSON.
fn code_of(text: &str) -> Option<String> {
    let (_, rest) = text.split_once("<Code>")?;
    Some(rest.split_once("</Code>")?.0.to_owned())
}

/// Whether something sent is a word, which can be shown.
fn is_word(text: &str) -> bool {
    !text.is_empty() && text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// An error of plain text.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Plain(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_is_told_without_what_may_be_signed() {
        let mut headers = HeaderMap::new();
        headers.insert(header::LOCATION, "http://user:secret@other/x?sig=secret".parse().unwrap());
        assert_eq!(elsewhere(StatusCode::FOUND, &headers).as_deref(), Some("http://other"));
        assert_eq!(elsewhere(StatusCode::OK, &headers), None);
    }

    #[test]
    fn only_a_word_of_an_error_is_taken() {
        let text = "<Error><Code>AccessDenied</Code><AWSAccessKeyId>secret</AWSAccessKeyId></Error>";
        assert_eq!(code_of(text).as_deref(), Some("AccessDenied"));
        assert!(!is_word("a b") && !is_word("") && is_word("SlowDown"));
    }

    #[test]
    fn times_are_read_with_their_unit() {
        assert_eq!(duration("500ms"), Some(Duration::from_millis(500)));
        assert_eq!(duration("5s"), Some(Duration::from_secs(5)));
        assert_eq!(duration("5"), None);
    }
}
