//! From a URL to the models that it means. Without the feature `remote` it says how to get what reads it.

#[cfg(feature = "remote")]
mod read;

#[cfg(feature = "remote")]
pub(super) use read::{find, in_archive, read_object, stream, write_object};

#[cfg(not(feature = "remote"))]
use bytes::Bytes;

#[cfg(not(feature = "remote"))]
use super::{Finder, Url};
#[cfg(not(feature = "remote"))]
use crate::input::found::{FindError, Found, Stream};

/// How to get a smaudit that reads URLs.
#[cfg(not(feature = "remote"))]
const WITHOUT: &str = "this smaudit was built without what reads URLs; `pip install smaudit` has it, and the released programs \
                       do, or: cargo install smaudit --features remote";

#[cfg(not(feature = "remote"))]
fn without<T>(url: &Url) -> Result<T, FindError> {
    Err(FindError::Store { path: url.shown.clone(), message: WITHOUT.to_owned() })
}

#[cfg(not(feature = "remote"))]
pub(super) fn find(_finder: &mut Finder<'_>, url: &Url) -> Result<Found, FindError> {
    without(url)
}

#[cfg(not(feature = "remote"))]
pub(super) fn stream(_finder: &mut Finder<'_>, url: Url) -> Stream {
    Box::new(std::iter::once_with(move || without(&url)))
}

#[cfg(not(feature = "remote"))]
pub(super) fn read_object(url: &Url, _most: u64) -> Result<Bytes, FindError> {
    without(url)
}

#[cfg(not(feature = "remote"))]
pub(super) fn write_object(url: &Url, _contents: Bytes) -> Result<(), FindError> {
    without(url)
}
