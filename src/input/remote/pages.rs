//! Folders of web servers that know no WebDAV: the pages on which nginx, Apache, Caddy, Python's `http.server` and others show
//! what is in a folder, a link for each file. Sizes are asked for file by file, as pages round them.
//!
//! Only pages that a server makes of a folder are taken. One that somebody wrote in its place need not link to all files, and
//! a part of a model would look like the whole.

use std::sync::Arc;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use object_store::path::Path;
use object_store::{Attribute, GetOptions, GetResult};
use tokio::sync::mpsc::Sender;

use super::super::MODEL_FILES;
use super::client::Asked;
use super::entry::Entry;
use super::fault::innermost;
use super::store::IN_FLIGHT;
use super::{Fault, Store};

/// The largest page that is read, the most folders below a URL, and how deep one may lie below it.
const PAGE: usize = 16 << 20;
const FOLDERS: usize = 100_000;
const DEPTH: usize = 64;

/// What pages say that servers make of folders, in small letters: Apache, nginx and lighttpd; Python; `serve`; `serve-index`; IIS; Caddy.
const MADE: [&str; 6] = [
    "index of ",
    "directory listing for ",
    "files within ",
    "listing directory ",
    "[to parent directory]",
    "caddyserver.com",
];

/// Whether a server that answers so to WebDAV may show its folders as pages.
pub(super) fn may_have(fault: &Fault) -> bool {
    match fault {
        Fault::Status { status, .. } => matches!(status, 400 | 403 | 404 | 405 | 406 | 415 | 501),
        // It took the request for one of a page, which is no list.
        Fault::Wrong(_) => true,
        _ => false,
    }
}

/// Sends what is below a place, in the order of the names.
pub(super) async fn list(
    store: &Arc<Store>,
    prefix: &Path,
    asked: &Arc<Asked>,
    sender: &Sender<Result<Entry, Fault>>,
) -> Result<(), Fault> {
    let root = if prefix.is_root() { String::new() } else { format!("{prefix}/") };
    let deepest = root.matches('/').count() + DEPTH;
    let mut folders = 0;
    let mut open = vec![root];
    while let Some(name) = open.pop() {
        if is_folder(&name) {
            folders += 1;
            if folders > FOLDERS || name.matches('/').count() > deepest {
                return Err(Fault::Wrong("pages of folders in folders without end".to_owned()));
            }
            let mut inside = inside(store, &name, asked, folders == 1).await?;
            inside.sort_unstable_by(|a, b| b.cmp(a));
            open.extend(inside);
            continue;
        }
        let mut files = vec![name];
        while let Some(file) = open.pop_if(|name| !is_folder(name)) {
            files.push(file);
        }
        let heads = files.into_iter().map(|key| {
            let asked = Asked::of(&asked.tally);
            let scope = Arc::clone(&asked);
            scope.scope(entry(Arc::clone(store), key, asked))
        });
        let mut heads = stream::iter(heads).buffered(IN_FLIGHT);
        while let Some(entry) = heads.next().await {
            // A link that leads nowhere is no file.
            if let Some(entry) = entry?
                && sender.send(Ok(entry)).await.is_err()
            {
                return Ok(());
            }
        }
    }
    Ok(())
}

fn is_folder(name: &str) -> bool {
    name.is_empty() || name.ends_with('/')
}

fn parsed(key: &str) -> Result<Path, Fault> {
    Path::parse(key).map_err(|error| Fault::Wrong(innermost(&error)))
}

/// The file at a key.
async fn entry(store: Arc<Store>, key: String, asked: Arc<Asked>) -> Result<Option<Entry>, Fault> {
    let key = parsed(&key)?;
    match store.service.head(&key).await.map(Entry::from).map_err(|error| Fault::of(&error, asked.seen())) {
        Ok(entry) => Ok(Some(entry)),
        Err(fault) if fault.is_nothing() => Ok(None),
        Err(fault) => Err(fault),
    }
}

/// The names in a folder, with the folder before them, and a slash behind those of folders.
async fn inside(store: &Arc<Store>, folder: &str, asked: &Arc<Asked>, is_first: bool) -> Result<Vec<String>, Fault> {
    let page = match store.service.get(&parsed(folder)?, GetOptions::default()).await {
        Ok(page) => page,
        Err(error) => {
            let fault = Fault::of(&error, asked.seen());
            return Err(match fault {
                Fault::Status { status: 405 | 501, .. } => Fault::NoListing,
                // Nothing may be shown of a folder in which there is a model all the same.
                Fault::Status { status: 403 | 404, .. } if has_model(store, folder, asked).await => Fault::NoListing,
                fault => fault,
            });
        }
    };
    let kind = page.attributes.get(&Attribute::ContentType).map(|kind| kind.to_ascii_lowercase());
    if !kind.is_some_and(|kind| kind.contains("html")) {
        // It is a file, which is looked at as one.
        return if is_first { Ok(Vec::new()) } else { Err(Fault::NoListing) };
    }
    let text = text(page, asked).await?;
    if is_made(&text) { Ok(links(&text, folder, &store.shown)) } else { Err(Fault::NoListing) }
}

async fn has_model(store: &Arc<Store>, folder: &str, asked: &Arc<Asked>) -> bool {
    for name in MODEL_FILES {
        if matches!(entry(Arc::clone(store), format!("{folder}{name}"), Arc::clone(asked)).await, Ok(Some(_))) {
            return true;
        }
    }
    false
}

async fn text(page: GetResult, asked: &Arc<Asked>) -> Result<String, Fault> {
    let mut text = Vec::new();
    let mut stream = page.into_stream();
    while let Some(piece) = stream.try_next().await.map_err(|error| Fault::of(&error, asked.seen()))? {
        if text.len() + piece.len() > PAGE {
            return Err(Fault::Wrong("a page without end".to_owned()));
        }
        text.extend_from_slice(&piece);
    }
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// Whether a server made the page of a folder.
fn is_made(page: &str) -> bool {
    let page = page.to_ascii_lowercase();
    // That of Go's has no title.
    let is_of_go =
        page.trim_start().starts_with("<pre>") || page.starts_with("<!doctype html>\n<meta name=\"viewport\"");
    is_of_go || MADE.iter().any(|words| page.contains(words))
}

/// What a page of a folder links to in that folder. `host` is the scheme and the host.
fn links(page: &str, folder: &str, host: &str) -> Vec<String> {
    let mut names: Vec<String> = hrefs(page).filter_map(|href| name(&href, folder, host)).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// The name in a folder that a link leads to, if it does: with the folder before it, and a slash behind that of a folder.
fn name(href: &str, folder: &str, host: &str) -> Option<String> {
    let href = href.split(['?', '#']).next().unwrap_or_default();
    let href = href.strip_prefix(host).unwrap_or(href);
    let (href, is_absolute) = match href.strip_prefix('/') {
        Some(rest) => (rest, true),
        None => (href.strip_prefix("./").unwrap_or(href), false),
    };
    // An escaped slash is one within a name, which is no name of a file.
    if href.is_empty() || href.contains("//") || href.contains(':') || href.to_ascii_lowercase().contains("%2f") {
        return None;
    }
    let path = String::from(Path::from_url_path(href).ok()?);
    let inside = if is_absolute { path.strip_prefix(folder)? } else { &path };
    let end = if href.ends_with('/') { "/" } else { "" };
    (!inside.is_empty() && !inside.contains('/')).then(|| format!("{folder}{inside}{end}"))
}

/// The addresses of the links of a page.
fn hrefs(page: &str) -> impl Iterator<Item = String> {
    // What begins a link, in whatever letters. None of these letters is longer in capitals.
    let tags = page.split('<').filter(|tag| {
        tag.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("a ") || start.eq_ignore_ascii_case("a\n"))
    });
    tags.filter_map(|tag| {
        let at = tag.as_bytes().windows(5).position(|letters| letters.eq_ignore_ascii_case(b"href="))?;
        let value = tag.get(at + 5..)?;
        let value = match value.chars().next()? {
            quote @ ('"' | '\'') => value.get(1..)?.split(quote).next()?,
            _ => value.split([' ', '\n', '>']).next()?,
        };
        Some(unescaped(value))
    })
}

/// Text of a page without its escapes.
fn unescaped(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let letter = after.split_once(';').and_then(|(name, behind)| Some((letter(name)?, behind)));
        match letter {
            Some((letter, behind)) => {
                out.push(letter);
                rest = behind;
            }
            None => {
                out.push('&');
                rest = after;
            }
        }
    }
    out + rest
}

/// The letter that an escape stands for.
fn letter(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = name.strip_prefix('#')?;
            let number = match number.strip_prefix(['x', 'X']) {
                Some(number) => u32::from_str_radix(number, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(number)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn linked(page: &str, folder: &str) -> Vec<String> {
        links(page, folder, "https://host")
    }

    #[test]
    fn a_page_of_apache_has_links_to_sort_it_and_to_what_is_above() {
        let page = "<h1>Index of /m</h1><a href=\"?C=N;O=D\">Name</a><a href=\"/\">Parent Directory</a>\
                    <A HREF=\"saved_model.pb\">saved_model.pb</A> 2020-01-01 3.1K <a href=\"variables/\">variables/</a>";
        assert!(is_made(page));
        assert_eq!(linked(page, "m/"), ["m/saved_model.pb", "m/variables/"]);
    }

    #[test]
    fn pages_of_nginx_python_caddy_and_iis_are_read_alike() {
        for href in ["a%20b%26c", "./a%20b%26c", "/m/a%20b%26c", "https://host/m/a%20b%26c", "a b&amp;c", "a b&#38;c"] {
            assert_eq!(
                linked(&format!("<a href='../'>..</a><a class=x href=\"{href}\">"), "m/"),
                ["m/a b&c"],
                "{href}"
            );
        }
        assert_eq!(linked("<a href=x>", ""), ["x"]);
    }

    #[test]
    fn what_is_not_in_the_folder_is_not_followed() {
        let hrefs =
            ["../x", "/x", "/n/x", "//other/m/x", "https://other/m/x", "x/y", "mailto:x", "", ".", "a%2Fb", "%2e%2e"];
        for href in hrefs {
            assert_eq!(linked(&format!("<a href=\"{href}\">"), "m/"), Vec::<String>::new(), "{href}");
        }
    }

    #[test]
    fn a_page_that_somebody_wrote_is_no_list() {
        assert!(!is_made("<html><title>My model</title><a href=saved_model.pb>download</a>"));
    }
}
