//! The names of entries: only those that stay below the folder that an archive would be unpacked to.

/// The longest name, in bytes: what Linux takes for a path.
const LONGEST: usize = 4096;

/// The parts of an entry's name with one `/` between them; empty for the folder itself. `Err` says why it is refused.
pub(super) fn checked(name: &[u8]) -> Result<Vec<u8>, &'static str> {
    if name.len() > LONGEST {
        return Err("is refused: its name is longer than 4,096 bytes");
    }
    if is_absolute(name) {
        return Err("is refused: its name is an absolute path");
    }
    if name.split(|byte| matches!(byte, b'/' | b'\\')).any(|part| part == b"..") {
        return Err("is refused: its name leads out of the archive by `..`");
    }
    let parts: Vec<&[u8]> = name.split(|byte| *byte == b'/').filter(|part| !matches!(*part, b"" | b".")).collect();
    Ok(parts.join(&b'/'))
}

/// On any system: archives travel between them.
fn is_absolute(name: &[u8]) -> bool {
    matches!(name, [b'/' | b'\\', ..]) || matches!(name, [drive, b':', ..] if drive.is_ascii_alphabetic())
}

/// Shortens a name for a message; a refused one may be as long as the archive.
pub(super) fn shortened(name: &[u8]) -> Vec<u8> {
    let mut short = name.get(..name.len().min(100)).unwrap_or_default().to_vec();
    if name.len() > short.len() {
        short.extend_from_slice("…".as_bytes());
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_loses_what_means_nothing() {
        for (name, same) in
            [("./a//b/./c", "a/b/c"), ("a/", "a"), ("./", ""), ("a b/ü", "a b/ü"), ("..a/b..", "..a/b..")]
        {
            assert_eq!(checked(name.as_bytes()), Ok(same.as_bytes().to_vec()), "{name}");
        }
    }

    #[test]
    fn names_that_lead_out_are_refused_whatever_the_system_that_made_them() {
        for name in ["../a", "a/../../b", "a/..", "..", "a\\..\\b"] {
            assert!(checked(name.as_bytes()).unwrap_err().contains("`..`"), "{name}");
        }
        for name in ["/etc/passwd", "\\\\host\\share", "C:\\a", "c:a"] {
            assert!(checked(name.as_bytes()).unwrap_err().contains("absolute"), "{name}");
        }
        assert!(checked(&[b'a'; 4097]).unwrap_err().contains("longer"));
    }
}
