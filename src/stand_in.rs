//! What stands in the place of a file of a model when a download or a checkout went wrong, known by its first bytes.

/// The file that Git keeps where the contents are in Git LFS (<https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md>).
const LFS: &[u8] = b"version https://git-lfs.github.com/spec/";

/// How much of a file is looked at for the beginning of a page.
const LOOKED_AT: usize = 512;

/// Something that is no part of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StandIn {
    /// A pointer to contents that are in Git LFS.
    LfsPointer,
    /// A page that a server answered with.
    WebPage,
}

impl StandIn {
    /// How much of a file says what it is.
    pub(crate) const HEAD: u64 = 1024;

    /// What these are the contents of, or their beginning, if it is any of them.
    pub(crate) fn of(contents: &[u8]) -> Option<Self> {
        if contents.starts_with(LFS) {
            return Some(Self::LfsPointer);
        }
        let text = contents.strip_prefix(b"\xef\xbb\xbf").unwrap_or(contents).trim_ascii_start();
        let start = text.get(..text.len().min(LOOKED_AT)).unwrap_or_default().to_ascii_lowercase();
        let begins = |tag: &[u8]| start.starts_with(tag);
        // A page may begin with a comment, or with the declaration that XHTML has.
        let is_page = begins(b"<!doctype html") || begins(b"<html") || begins(b"<head");
        let is_late_page = (begins(b"<?xml") || begins(b"<!--")) && start.windows(5).any(|tag| tag == b"<html");
        (is_page || is_late_page).then_some(Self::WebPage)
    }

    /// What was found, and what to do.
    pub(crate) fn found(self) -> &'static str {
        match self {
            Self::LfsPointer => "a Git LFS pointer: fetch the contents with `git lfs pull`, or download the file again",
            Self::WebPage => "a web page (HTML): download the file again, from a link to the file itself",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_and_pages_are_known_and_parts_of_models_are_not() {
        let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:aa\nsize 5\n";
        assert_eq!(StandIn::of(pointer), Some(StandIn::LfsPointer));
        for page in [
            "<!DOCTYPE html>\n<html>",
            "\u{feff}\n <HTML lang=en>",
            "<?xml version='1.0'?><!DOCTYPE x><html>",
            "<!-- 404 --><html>",
        ] {
            assert_eq!(StandIn::of(page.as_bytes()), Some(StandIn::WebPage), "{page}");
        }
        for other in ["", "\u{8}\u{1}", "version 2", "<?xml version='1.0'?><svg>", "html", "meta_graphs {}"] {
            assert_eq!(StandIn::of(other.as_bytes()), None, "{other}");
        }
    }
}
