//! The store that a URL is in, configured as its own tools are: by the environment, profiles and files of credentials.

use std::env;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use bytes::Bytes;
use object_store::aws::{AmazonS3Builder, Checksum};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::http::HttpBuilder;
use object_store::path::Path;
use object_store::{BackoffConfig, ClientConfigKey, RetryConfig};
use tokio::sync::Semaphore;

use std::time::Duration;

use super::super::url::{Scheme, Url};
use super::client::{Asked, Connector};
use super::fault::innermost;
use super::profile::Profile;
use super::service::Service;
use super::{Fault, runtime};

/// How many ranges of a store are asked for at the same time.
pub(super) const IN_FLIGHT: usize = 16;

/// A bucket, a container or a host.
#[derive(Debug)]
pub(in crate::input) struct Store {
    pub(super) service: Service,
    pub(super) scheme: Scheme,
    /// What a name in it is put behind to be shown.
    pub(super) shown: String,
    pub(super) in_flight: Arc<Semaphore>,
    /// It was seen to give answers one after the other only.
    pub(super) is_one_by_one: AtomicBool,
}

impl Store {
    /// The store that a URL is in. Nothing is asked of it yet.
    pub(in crate::input) fn open(url: &Url) -> Result<Self, Fault> {
        let built = match url.scheme {
            Scheme::S3 => s3(&url.bucket)?.build().map(Service::S3),
            Scheme::Gcs => gcs(&url.bucket).build().map(Service::Gcs),
            Scheme::Azure => azure(&url.bucket).build().map(Service::Azure),
            Scheme::Https | Scheme::Http => web(url).build().map(Service::Web),
        };
        let service = built.map_err(|error| Fault::Configuration(innermost(&error)))?;
        let shown = url.shown.split_at(url.shown.len() - url.key.len()).0.trim_end_matches('/').to_owned();
        Ok(Self {
            service,
            scheme: url.scheme,
            shown,
            in_flight: Arc::new(Semaphore::new(IN_FLIGHT)),
            is_one_by_one: AtomicBool::new(false),
        })
    }

    /// Whether it is a web server, of which nobody knows what it can.
    pub(super) fn is_web(&self) -> bool {
        matches!(self.scheme, Scheme::Https | Scheme::Http)
    }

    /// What a key of the store is shown as.
    pub(in crate::input) fn shown(&self, key: &str) -> String {
        if key.is_empty() { self.shown.clone() } else { format!("{}/{key}", self.shown) }
    }

    /// Writes an object, in the place of one that is there.
    pub(in crate::input) fn put(self: &Arc<Self>, url: &Url, contents: Bytes) -> Result<(), Fault> {
        let (key, store, asked) = (path(url)?, Arc::clone(self), Asked::of(&Arc::default()));
        let scoped = Arc::clone(&asked);
        let put = async move {
            let put = store.service.put(&key, contents.into()).await;
            put.map_err(|error| Fault::of(&error, asked.seen()))
        };
        runtime::wait(scoped.scope(put))?
    }
}

/// The place of a URL in its store.
pub(super) fn path(url: &Url) -> Result<Path, Fault> {
    let parsed = match url.scheme {
        Scheme::Https | Scheme::Http => Path::from_url_path(&url.key),
        _ => Path::parse(&url.key),
    };
    parsed.map_err(|error| Fault::Configuration(innermost(&error)))
}

/// About ten seconds in all, after which nobody waits for a store any more.
fn retries() -> RetryConfig {
    let backoff =
        BackoffConfig { init_backoff: Duration::from_millis(100), max_backoff: Duration::from_secs(5), base: 2.0 };
    RetryConfig { backoff, max_retries: 6, retry_timeout: Duration::from_secs(90) }
}

fn is_set(variable: &str) -> bool {
    env::var_os(variable).is_some_and(|value| !value.is_empty())
}

/// Whether an address that the user configured is one without encryption, which they then want.
fn is_plain(address: &str) -> bool {
    address.starts_with("http://")
}

fn s3(bucket: &str) -> Result<AmazonS3Builder, Fault> {
    let profile = Profile::of_environment();
    let mut builder = AmazonS3Builder::from_env().with_bucket_name(bucket);
    let has_others = ["AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_SKIP_SIGNATURE"].into_iter().any(is_set);
    if !has_others && let Some((id, secret, token)) = profile.usable_keys()? {
        builder = builder.with_access_key_id(id).with_secret_access_key(secret);
        if let Some(token) = token {
            builder = builder.with_token(token);
        }
    }
    if let Some(region) = profile.region.filter(|_| !is_set("AWS_REGION") && !is_set("AWS_DEFAULT_REGION")) {
        builder = builder.with_region(region);
    }
    if env::var("AWS_CHECKSUM_ALGORITHM").is_ok_and(|name| name.eq_ignore_ascii_case("crc64nvme")) && !has_fast_crc() {
        builder = builder.with_checksum_algorithm(Checksum::SHA256);
    }
    let of_environment =
        ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"].into_iter().find_map(|name| env::var(name).ok());
    let endpoint = of_environment.clone().or_else(|| profile.endpoint.clone());
    if let Some(endpoint) = &endpoint {
        builder = builder.with_allow_http(is_plain(endpoint));
        if of_environment.is_none() {
            builder = builder.with_endpoint(endpoint);
        }
    }
    Ok(builder.with_retry(retries()).with_http_connector(Connector))
}

/// Whether the processor has what the library's crate for CRCs wants. The crate has tables for processors without, for all CRCs there
/// are, which are half a megabyte that cannot be compressed; Cargo.lock holds it at the last version that has none on x86-64.
fn has_fast_crc() -> bool {
    #[cfg(target_arch = "x86_64")]
    return std::arch::is_x86_feature_detected!("sse4.1") && std::arch::is_x86_feature_detected!("pclmulqdq");
    #[cfg(not(target_arch = "x86_64"))]
    true
}

fn gcs(bucket: &str) -> GoogleCloudStorageBuilder {
    let mut builder = GoogleCloudStorageBuilder::from_env().with_bucket_name(bucket);
    // Where Google's own libraries look for an emulator, which wants no credentials.
    if let Some(host) = env::var("STORAGE_EMULATOR_HOST").ok().filter(|host| !host.is_empty()) {
        let address = if host.contains("://") { host } else { format!("http://{host}") };
        builder = builder
            .with_config(GoogleConfigKey::BaseUrl, address)
            .with_config(GoogleConfigKey::SkipSignature, "true")
            .with_config(GoogleConfigKey::Client(ClientConfigKey::AllowHttp), "true");
    }
    // A file of a service account may name a server of its own, for tests, on this machine.
    let file = ["GOOGLE_SERVICE_ACCOUNT", "GOOGLE_SERVICE_ACCOUNT_PATH", "SERVICE_ACCOUNT"]
        .into_iter()
        .find_map(|name| env::var(name).ok());
    let text = file.and_then(|file| std::fs::read_to_string(file).ok()).unwrap_or_default();
    if text.contains("gcs_base_url") && (text.contains("\"http://127.0.0.1") || text.contains("\"http://localhost")) {
        builder = builder.with_config(GoogleConfigKey::Client(ClientConfigKey::AllowHttp), "true");
    }
    builder.with_retry(retries()).with_http_connector(Connector)
}

fn azure(container: &str) -> MicrosoftAzureBuilder {
    let mut builder = MicrosoftAzureBuilder::from_env().with_container_name(container);
    // As Azure's command line calls them.
    let short = [
        ("AZURE_STORAGE_ACCOUNT", "AZURE_STORAGE_ACCOUNT_NAME", AzureConfigKey::AccountName),
        ("AZURE_STORAGE_KEY", "AZURE_STORAGE_ACCOUNT_KEY", AzureConfigKey::AccessKey),
    ];
    for (name, long, key) in short {
        if let Some(value) = env::var(name).ok().filter(|_| !is_set(long)) {
            builder = builder.with_config(key, value);
        }
    }
    let endpoint = ["AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT"].into_iter().find_map(|name| env::var(name).ok());
    if endpoint.is_some_and(|endpoint| is_plain(&endpoint)) {
        builder = builder.with_allow_http(true);
    }
    builder.with_retry(retries()).with_http_connector(Connector)
}

fn web(url: &Url) -> HttpBuilder {
    let (scheme, allows) = if url.scheme == Scheme::Http { ("http", "true") } else { ("https", "false") };
    HttpBuilder::new()
        .with_url(format!("{scheme}://{}/", url.bucket))
        .with_config(ClientConfigKey::AllowHttp, allows)
        .with_retry(retries())
        .with_http_connector(Connector)
}
