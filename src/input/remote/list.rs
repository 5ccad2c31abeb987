//! What a store says that it has: names, sizes and e-tags, page by page.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use futures_util::StreamExt as _;
use object_store::path::Path;
use tokio::sync::mpsc;

use super::super::url::Url;
use super::client::Asked;
use super::entry::Entry;
use super::store::path;
use super::tally::Tally;
use super::{Fault, Store, pages, runtime};

/// Objects that are waited for, at most: a page of a listing.
const WAITING: usize = 1000;

/// What is below a place of a store, in the order of the names. Pages are asked for as they are needed.
#[derive(Debug)]
pub(in crate::input) struct Listed {
    entries: mpsc::Receiver<Result<Entry, Fault>>,
    tally: Arc<Tally>,
}

impl Listed {
    /// Lists what is below a key.
    pub(super) fn below(store: &Arc<Store>, prefix: Path) -> Result<Self, Fault> {
        let (sender, entries) = mpsc::channel(WAITING);
        let tally: Arc<Tally> = Arc::default();
        let (store, asked) = (Arc::clone(store), Asked::of(&tally));
        let scoped = Arc::clone(&asked);
        let list = async move {
            let mut listed = store.service.list(&prefix);
            let mut is_first = true;
            while let Some(entry) = listed.next().await {
                let entry = entry.map(Entry::from).map_err(|error| Fault::of(&error, asked.seen()));
                let is_begin = std::mem::replace(&mut is_first, false);
                if is_begin && store.is_web() && entry.as_ref().is_err_and(pages::may_have) {
                    if let Err(fault) = pages::list(&store, &prefix, &asked, &sender).await {
                        let _ = sender.send(Err(fault)).await;
                    }
                    break;
                }
                let is_last = entry.is_err();
                if sender.send(entry).await.is_err() || is_last {
                    break;
                }
            }
        };
        drop(runtime::handle()?.spawn(scoped.scope(list)));
        Ok(Self { entries, tally })
    }

    /// The requests that were sent since this was asked last.
    pub(super) fn take_requests(&self) -> u64 {
        self.tally.requests.swap(0, Relaxed)
    }
}

impl Iterator for Listed {
    type Item = Result<Entry, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        self.entries.blocking_recv()
    }
}

impl Store {
    /// The one object at a key; `None` where there is none.
    fn head(self: &Arc<Self>, key: Path, tally: &Arc<Tally>) -> Result<Option<Entry>, Fault> {
        let (store, asked) = (Arc::clone(self), Asked::of(tally));
        let scoped = Arc::clone(&asked);
        let head = async move {
            store.service.head(&key).await.map(Entry::from).map_err(|error| Fault::of(&error, asked.seen()))
        };
        match runtime::wait(scoped.scope(head))? {
            Ok(entry) => Ok(Some(entry)),
            Err(fault) if fault.is_nothing() => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// The object that a URL names, if it names one.
    pub(in crate::input) fn object(self: &Arc<Self>, url: &Url) -> Result<Option<Entry>, Fault> {
        self.head(path(url)?, &Arc::default())
    }

    /// Whether one of these names is there below a key.
    pub(super) fn has_any(
        self: &Arc<Self>,
        below: &str,
        names: &'static [&'static str],
        tally: &Arc<Tally>,
    ) -> Result<bool, Fault> {
        for name in names {
            let key =
                Path::parse(format!("{below}{name}")).map_err(|error| Fault::Wrong(super::fault::innermost(&error)))?;
            if self.head(key, tally)?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// What is below a URL.
    pub(super) fn list(self: &Arc<Self>, url: &Url) -> Result<(Path, Listed), Fault> {
        let prefix = path(url)?;
        Ok((prefix.clone(), Listed::below(self, prefix)?))
    }
}
