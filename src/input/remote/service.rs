//! The library's stores behind one type. A `dyn ObjectStore` would do, but what is behind it has to be whole, with all that copies,
//! deletes and uploads in parts; so the compiler sees what is asked of a store, and the program has nothing else of it.

use futures_util::stream::BoxStream;
use object_store::aws::AmazonS3;
use object_store::azure::MicrosoftAzure;
use object_store::gcp::GoogleCloudStorage;
use object_store::http::HttpStore;
use object_store::path::Path;
use object_store::{GetOptions, GetResult, ObjectMeta, ObjectStore as _, PutOptions, PutPayload, Result};

/// One of the kinds of stores.
#[derive(Debug)]
pub(super) enum Service {
    S3(AmazonS3),
    Gcs(GoogleCloudStorage),
    Azure(MicrosoftAzure),
    Web(HttpStore),
}

impl Service {
    /// An object or a range of one.
    pub(super) async fn get(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        match self {
            Self::S3(store) => store.get_opts(path, options).await,
            Self::Gcs(store) => store.get_opts(path, options).await,
            Self::Azure(store) => store.get_opts(path, options).await,
            Self::Web(store) => store.get_opts(path, options).await,
        }
    }

    /// What the store says of an object.
    pub(super) async fn head(&self, path: &Path) -> Result<ObjectMeta> {
        Ok(self.get(path, GetOptions { head: true, ..GetOptions::default() }).await?.meta)
    }

    /// All that is below a prefix, page by page.
    pub(super) fn list(&self, prefix: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        match self {
            Self::S3(store) => store.list(Some(prefix)),
            Self::Gcs(store) => store.list(Some(prefix)),
            Self::Azure(store) => store.list(Some(prefix)),
            Self::Web(store) => store.list(Some(prefix)),
        }
    }

    /// Writes an object, in the place of one that is there.
    pub(super) async fn put(&self, path: &Path, contents: PutPayload) -> Result<()> {
        let options = PutOptions::default();
        let put = match self {
            Self::S3(store) => store.put_opts(path, contents, options).await,
            Self::Gcs(store) => store.put_opts(path, contents, options).await,
            Self::Azure(store) => store.put_opts(path, contents, options).await,
            Self::Web(store) => store.put_opts(path, contents, options).await,
        };
        put.map(drop)
    }
}
