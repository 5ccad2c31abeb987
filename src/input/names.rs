//! The names of files: from what the file system calls them to text that is unique.

use std::collections::HashMap;
use std::path::Path;

/// A path below the model's directory as a name: its parts joined by `/` on every system, bytes that are not UTF-8
/// replaced. The directory itself is `.`.
pub(super) fn lossy(relative: &Path) -> String {
    let parts: Vec<_> = relative.iter().map(|part| part.to_string_lossy()).collect();
    if parts.is_empty() { ".".to_owned() } else { parts.join("/") }
}

/// A name for each path, in the same order. A path that is UTF-8 keeps its own name, as loaders ask for it by that;
/// one that is not yields where its replaced form is taken, and gets a number.
pub(super) fn unique<'a>(paths: impl Iterator<Item = &'a Path> + Clone) -> Vec<String> {
    numbered(paths.map(|path| (lossy(path), path.to_str().is_some())))
}

/// As [`unique`], for names that are bytes and no two of them equal.
pub(super) fn unique_bytes<'a>(names: impl Iterator<Item = &'a [u8]> + Clone) -> Vec<String> {
    numbered(names.map(|name| (String::from_utf8_lossy(name).into_owned(), str::from_utf8(name).is_ok())))
}

/// Names, each with whether it is the file's own, so that the others become unique.
fn numbered(names: impl Iterator<Item = (String, bool)> + Clone) -> Vec<String> {
    // For each name that is taken, the number to try next, so that many equal names do not cost a search each.
    let mut taken: HashMap<String, u64> = HashMap::new();
    if names.clone().any(|(_, own)| !own) {
        taken.extend(names.clone().filter(|(_, own)| *own).map(|(name, _)| (name, 2)));
    }
    names.map(|(name, own)| if own { name } else { number(name, &mut taken) }).collect()
}

fn number(name: String, taken: &mut HashMap<String, u64>) -> String {
    let Some(&(mut next)) = taken.get(&name) else {
        taken.insert(name.clone(), 2);
        return name;
    };
    loop {
        let numbered = format!("{name} ({next})");
        next = next.saturating_add(1);
        if !taken.contains_key(&numbered) {
            taken.insert(name, next);
            taken.insert(numbered.clone(), 2);
            return numbered;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_joined_by_slashes_and_the_directory_itself_is_a_dot() {
        let path: std::path::PathBuf = ["variables", "variables.index"].iter().collect();
        assert_eq!(lossy(&path), "variables/variables.index");
        assert_eq!(lossy(Path::new("")), ".");
    }

    #[cfg(unix)]
    #[test]
    fn names_that_are_not_utf8_stay_apart_and_never_take_a_name_that_is() {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt as _;
        let raw: [&[u8]; 5] = [b"a\xfe", b"a\xff", "a\u{fffd}".as_bytes(), "a\u{fffd} (2)".as_bytes(), b"b\xff"];
        let names = unique(raw.iter().map(|bytes| Path::new(OsStr::from_bytes(bytes))));
        assert_eq!(names, ["a\u{fffd} (3)", "a\u{fffd} (4)", "a\u{fffd}", "a\u{fffd} (2)", "b\u{fffd}"]);
    }
}
